//! `has` that the types settle. A required value that is missing is uncaptured and not absent, so `has` of it is always
//! true, and `unless { resource has x }` always passes. `has` of an attribute that is not declared is always false, so a
//! misspelt name disables the condition that it guards.

use super::{Reviewed, reached};
use crate::diagnostic::{Code, Diagnostic};
use crate::program::lower::{Presence, Settled, Whole};
use crate::schema::Model;
use crate::source::Span;
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};

/// Returns an error for every `has` that the types settle, and a warning where only some of the types do.
pub(super) fn settled(model: &Model, whole: &Whole, reviewed: &Reviewed<'_>) -> Vec<Diagnostic> {
    let mut asked: BTreeMap<Span, Vec<&Presence>> = BTreeMap::new();
    for body in &reviewed.bodies {
        for node in reached(model, &whole.program, body).1 {
            if let Some(presence) = whole.presence.get(&node) {
                asked.entry(whole.program.node(node).span).or_default().push(presence);
            }
        }
    }
    asked.into_iter().filter_map(|(span, answers)| one(reviewed, span, &answers)).collect()
}

fn one(reviewed: &Reviewed<'_>, span: Span, answers: &[&Presence]) -> Option<Diagnostic> {
    let names = &answers.first()?.names;
    let is_true = |answer: &&&Presence| matches!(answer.settled, Settled::True);
    let source = &reviewed.statement.source;
    if let Some(error) = never(names, answers) {
        return Some(error.label(source, span, "always false"));
    }
    let required = holders(answers.iter().filter(is_true));
    if required.is_empty() {
        None
    } else if answers.iter().all(|answer| is_true(&answer)) {
        let message = format!("`has {names}` is always true: `{names}` is required in {required}");
        let error = Diagnostic::error(Code::PolicyHas, message).label(source, span, "always true");
        let last = names.rsplit('.').next().unwrap_or(names);
        Some(error.help(match answers.iter().any(|answer| answer.holder.starts_with("`context")) {
            true => "remove the `has`".to_owned(),
            false => format!(
                "a required value that is `null` or missing is unknown, not absent: remove the `has`, or declare `{last}?` in the schema"
            ),
        }))
    } else {
        let message = format!("`has {names}` is always true for {required}, where `{names}` is required");
        let warning =
            Diagnostic::warning(Code::PolicyHas, message).label(source, span, "true or false for other types only");
        Some(warning.help("name the type that is meant with `is`"))
    }
}

/// Returns the error for a `has` that is false for every type, because no type declares a step.
fn never(names: &str, answers: &[&Presence]) -> Option<Diagnostic> {
    let missing = answers.iter().map(|answer| match &answer.settled {
        Settled::False { step, declared } => Some((step, declared.as_slice())),
        Settled::True | Settled::Open => None,
    });
    let missing: Vec<(&SmolStr, &[SmolStr])> = missing.collect::<Option<_>>()?;
    let (step, _) = missing.first()?;
    let declared: BTreeSet<&str> = missing.iter().flat_map(|(_, declared)| *declared).map(SmolStr::as_str).collect();
    let message = format!("`has {names}` is always false: {} does not declare `{step}`", holders(answers.iter()));
    Some(Diagnostic::error(Code::PolicyHas, message).suggest(step, declared))
}

/// Returns the different types on the left side, in order.
fn holders<'p>(answers: impl Iterator<Item = &'p &'p Presence>) -> String {
    let holders: BTreeSet<&str> = answers.map(|answer| answer.holder.as_str()).collect();
    holders.into_iter().collect::<Vec<_>>().join(", ")
}
