//! The labelled places of a finding of a document: the clauses of the policy, and the values of the snapshot.

use super::document::{Clause, Finding, Origin, Read, Span};
use super::names;
use crate::report::{ClauseOutcome, REFERS, ReadKind, ReadState, STATED, unknown_label, unset};
use std::collections::BTreeSet;

/// Returns the label of a clause: its outcome, and the values of the derived attributes and parameters that it reads.
pub(super) fn clause_label(clause: &Clause<'_>) -> String {
    let outcome = match (&clause.failure, clause.outcome) {
        (Some(failure), _) => format!("cannot be evaluated: {}", failure.reason),
        (None, ClauseOutcome::Unknown) => "undetermined".to_owned(),
        (None, outcome) if clause.also => format!("this is also {}", names::outcome(outcome)),
        (None, outcome) => format!("this is {}", names::outcome(outcome)),
    };
    let is_derived = |read: &&Read<'_>| {
        read.kind == ReadKind::Derived && matches!(read.state, ReadState::Known | ReadState::Between)
    };
    let derived = clause.reads.iter().filter(is_derived);
    let derived = derived.map(|read| format!("{} = {}", read.name, read.value.as_deref().unwrap_or_default()));
    let parameters = clause.reads.iter().filter(|read| read.kind == ReadKind::Parameter);
    let parameters = parameters.map(|read| {
        let scope = read.entity.as_ref().map_or(String::new(), |scope| format!(" for {scope}"));
        let unset = format!("({})", unset(read.state, read.pointer.is_some()));
        format!("{} = {}{scope}", read.name, read.value.as_deref().unwrap_or(&unset))
    });
    let values: Vec<String> = derived.chain(parameters).collect();
    if values.is_empty() { outcome } else { format!("{outcome}: {}", values.join(", ")) }
}

/// Returns the places that the clauses of a finding read: every value, every object that lacks one, and the principals
/// behind a derived value. Each has its label.
pub(super) fn values<'d>(finding: &'d Finding<'_>) -> Vec<(&'d Span<'d>, String)> {
    let own = format!("{}::\"{}\"", finding.resource.ty, finding.resource.id);
    let mut labels: Vec<(&Span<'_>, String)> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut push = |span: &'d Span<'d>, text: String| {
        if seen.insert((&*span.file, span.start.offset, span.end.offset, text.clone())) {
            labels.push((span, text));
        }
    };
    let mut origins = BTreeSet::new();
    for read in finding.clauses.iter().flat_map(|clause| &clause.reads) {
        // A derived value has no place: its principals do, or else its entity.
        let is_counted = read.derived_from.as_ref().is_some_and(|from| {
            !from.witnesses.is_empty() || !from.uncaptured.is_empty() || !from.near_misses.is_empty()
        });
        if let Some(span) = read.span.as_ref().filter(|_| read.kind != ReadKind::Derived || !is_counted) {
            let origin = read.origin.as_ref().map(Origin::phrase).filter(|origin| origins.insert(origin.clone()));
            push(span, names::with_origin(value_label(read, &own), origin));
        }
        if let Some(span) = &read.default {
            push(span, format!("the default of {}", read.name));
        }
        if let Some(misspelt) = &read.misspelt {
            let meant = read.lacks.as_deref().unwrap_or(&read.name);
            push(&misspelt.span, format!("is `{}` meant to be `{meant}`?", misspelt.name));
        }
        let Some(from) = &read.derived_from else { continue };
        for witness in &from.witnesses {
            let doubt = if witness.certain { "" } else { "perhaps " };
            push(&witness.span, format!("{} {doubt}counts for {}", witness.entity, read.name));
        }
        if let Some(last) = from.witnesses.last().filter(|_| from.more > 0) {
            push(&last.span, format!("and {} more count for {}", from.more, read.name));
        }
        for near in &from.near_misses {
            push(&near.span, format!("{} would count for {}, but {}", near.entity, read.name, near.reason));
        }
        for list in &from.uncaptured {
            let state = unknown_label(list.state, list.lacks.as_deref());
            push(
                &list.span,
                format!("`{}` {state}, and {} {} it", list.entity, read.name, names::use_of_list(read.kind)),
            );
        }
    }
    labels
}

/// Returns the label of a value. `own` is the resource as Cedar writes it, which a label does not repeat.
fn value_label(read: &Read<'_>, own: &str) -> String {
    let of = match read.entity.as_deref() {
        Some(entity) if entity != own => format!(" of {entity}"),
        _ => String::new(),
    };
    let (name, value) = (&read.name, read.value.as_deref().unwrap_or_default());
    match (&read.lacks, read.state) {
        _ if read.kind == ReadKind::Derived => format!("nothing counts for {name} of this"),
        (Some(property), _) if read.default.is_some() => format!("no `{property}` here: {value} by default"),
        (Some(property), ReadState::Absent) => format!("no `{property}` here"),
        (Some(property), ReadState::Partial) => format!("{name}{of} {}", unknown_label(read.state, Some(property))),
        (Some(property), _) => format!("`{property}` is missing here"),
        (None, ReadState::Known | ReadState::Partial) if read.value.is_some() => match &read.compared_as {
            Some(folded) => format!("{name}{of} is {value} (compared as {folded})"),
            None => format!("{name}{of} is {value}"),
        },
        (None, ReadState::Between) => format!("{name}{of} is {value}, as far as was captured"),
        (None, ReadState::Absent) => format!("{name}{of} is absent"),
        (None, ReadState::Uncaptured) if read.derived_from.is_some() => format!("{name}{of} {REFERS}"),
        (None, ReadState::Uncaptured) if read.stated => format!("{name}{of} {STATED}"),
        (None, state) => format!("{name}{of} {}", unknown_label(state, None)),
    }
}
