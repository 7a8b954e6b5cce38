//! The message of a finding: the reason of the verdict in one phrase.

use super::evidence::{ClauseOutcome, ClauseReport, ReadKind, ReadReport, ReadState, by_importance};
use crate::engine::Verdict;
use crate::source::one_line;
use std::borrow::Cow;

/// Returns the reason of a verdict in one phrase.
pub(super) fn message(verdict: Verdict, clauses: &[ClauseReport]) -> String {
    if let Some((place, reason)) = clauses.iter().find_map(|clause| clause.failure.as_ref()) {
        return format!("`{}` cannot be evaluated: {reason}", one_line(place.text()));
    }
    let clauses = by_importance(clauses, |clause| clause.demand, |clause| clause.also);
    let reads = clauses.iter().flat_map(|clause| &clause.reads).filter(|read| read.kind.is_of_snapshot());
    let mut phrases: Vec<String> = Vec::new();
    for read in reads {
        if verdict == Verdict::Unknown && matches!(read.state, ReadState::Known | ReadState::Absent) {
            continue;
        }
        let phrase = phrase(read);
        // A policy has few reads.
        if !phrases.contains(&phrase) {
            phrases.push(phrase);
        }
    }
    if verdict == Verdict::Unknown && phrases.is_empty() {
        let reads = clauses.iter().flat_map(|clause| &clause.reads);
        let unset = reads.into_iter().find(|read| read.kind == ReadKind::Parameter && read.state.is_unknown());
        return unset.map_or_else(|| "it cannot be decided".to_owned(), unset_parameter);
    }
    if phrases.is_empty() {
        return clauses.first().map_or_else(
            || "it holds for every resource".to_owned(),
            |clause| format!("`{}` is {}", one_line(clause.place.text()), word(clause.outcome)),
        );
    }
    let more = phrases.len().saturating_sub(3);
    let mut text = phrases.into_iter().take(3).collect::<Vec<_>>().join(", ");
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

fn unset_parameter(read: &ReadReport) -> String {
    match (&read.pointer, read.state) {
        (Some(_), state) => format!("parameter `{}` {}", read.name, unknown_phrase(state, None)),
        (None, ReadState::Unreadable) => {
            format!("the value set for parameter `{}` is invalid", read.name)
        }
        (None, _) => format!("parameter `{}` is not set", read.name),
    }
}

fn word(outcome: ClauseOutcome) -> &'static str {
    match outcome {
        ClauseOutcome::True => "true",
        ClauseOutcome::False => "false",
        ClauseOutcome::Error => "error",
        ClauseOutcome::Unknown => "unknown",
    }
}

/// Returns a phrase with a value, such as `two_step.device_status is "not_set_up"`.
pub(crate) fn phrase(read: &ReadReport) -> String {
    let partial = read.uncaptured.iter().find(|list| list.state == ReadState::Partial && list.lacks.is_some());
    let reason = partial.map_or_else(String::new, |list| {
        format!(" (`{}` {})", list.entity, unknown_phrase(list.state, list.lacks.as_deref()))
    });
    format!("{}{reason}", phrase_of_value(read))
}

fn phrase_of_value(read: &ReadReport) -> String {
    let of = match &read.entity {
        Some(entity) if !read.own => format!(" of {entity}"),
        _ => String::new(),
    };
    match (read.state, &read.value) {
        (ReadState::Known | ReadState::Partial, Some(value)) if read.default.is_some() => {
            format!("{}{of} is {value} by default", read.name)
        }
        (ReadState::Known | ReadState::Partial, Some(value)) if !read.near_misses.is_empty() => {
            let near = read.near_misses.iter().take(1).map(|near| format!("{}: {}", near.entity, near.reason));
            format!("{}{of} is {value} (near miss {})", read.name, near.collect::<String>())
        }
        (ReadState::Known | ReadState::Partial, Some(value)) => {
            let compared = read.compared_as.as_ref().map(|folded| format!(" (compared as {folded})"));
            format!("{}{of} is {value}{}", read.name, compared.unwrap_or_default())
        }
        (ReadState::Between, Some(value)) => format!("{}{of} is {value}, as far as was captured", read.name),
        (ReadState::Absent, _) => format!("{}{of} is absent", read.name),
        (ReadState::Uncaptured, _) if read.kind != ReadKind::Derived && !read.uncaptured.is_empty() => {
            format!("{}{of} {REFERS}", read.name)
        }
        (ReadState::Uncaptured, _) if read.stated => format!("{}{of} {STATED}", read.name),
        (state, _) => format!("{}{of} {}", read.name, unknown_phrase(state, read.lacks.as_deref())),
    }
}

/// The reason why a value is unknown that the snapshot states to be uncaptured, as it follows the name of the value.
pub(crate) const STATED: &str = "is stated as uncaptured";

/// The reason why a reference is unknown that the snapshot has, as it follows the name of the value.
pub(crate) const REFERS: &str = "refers to an instance that was not captured";

/// Returns the word for a parameter without a value; `has_place` is whether the account sets it.
pub(crate) fn unset(state: ReadState, has_place: bool) -> &'static str {
    match (has_place, state) {
        (true, _) => "unknown",
        (false, ReadState::Unreadable) => "invalid",
        (false, _) => "not set",
    }
}

/// Returns the reason why a value is unknown, as it follows the name of the value. `lacks` is the property that the object
/// at the place of the value does not have.
pub(crate) fn unknown_phrase(state: ReadState, lacks: Option<&str>) -> Cow<'static, str> {
    match (state, lacks) {
        (ReadState::Unreadable, _) => "is unreadable".into(),
        (ReadState::Partial, Some(property)) => {
            format!("may have been captured in part, because `{property}` is missing").into()
        }
        (ReadState::Partial, None) => "was captured in part".into(),
        _ => "was not captured".into(),
    }
}

/// Returns the same reason for a label at the place of the value.
pub(crate) fn unknown_label(state: ReadState, lacks: Option<&str>) -> Cow<'static, str> {
    let phrase = unknown_phrase(state, lacks);
    if state == ReadState::Partial && lacks.is_some() { format!("{phrase} here").into() } else { phrase }
}
