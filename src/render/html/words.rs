//! The words of the page for verdicts, results and texts.

use crate::engine::Verdict;
use crate::render::alerts;
use crate::render::document::{Counts, Text};
use crate::report::controls::ControlStatus;
use serde_json::Value;
use std::borrow::Cow;

pub(super) use crate::render::escape::short;

/// Returns the name of a verdict.
pub(super) fn verdict(verdict: &Verdict) -> &'static str {
    alerts::verdict(*verdict)
}

/// Returns the class of a verdict, which determines its colour.
pub(super) fn kind(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Fail => "fail",
        Verdict::Unknown => "unknown",
        Verdict::Waived => "waived",
        Verdict::NotApplicable => "none",
        Verdict::Pass => "pass",
    }
}

/// Returns how often a verdict was given.
pub(super) fn count(counts: &Counts, verdict: &Verdict) -> usize {
    counts.get(verdict).copied().unwrap_or(0)
}

/// Returns the result of a control in words.
pub(super) fn control(status: &ControlStatus) -> &'static str {
    match status {
        ControlStatus::Failed => "failed",
        ControlStatus::Partial => "partial",
        ControlStatus::Passed => "passed",
        ControlStatus::NotJudged => "not judged",
    }
}

/// Returns the class of the result of a control.
pub(super) fn control_kind(status: &ControlStatus) -> &'static str {
    match status {
        ControlStatus::Failed => "fail",
        ControlStatus::Partial => "unknown",
        ControlStatus::Passed => "pass",
        ControlStatus::NotJudged => "none",
    }
}

/// Returns prose of a pack as one paragraph.
pub(super) fn prose(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns a JSON pointer; that of the whole document is empty.
pub(super) fn pointer(pointer: &str) -> &str {
    if pointer.is_empty() { "the document" } else { pointer }
}

/// Returns a text, or a dash without one.
pub(super) fn or_dash<'t>(text: &'t Option<Text<'_>>) -> Cow<'t, str> {
    text.as_deref().map_or(Cow::Borrowed("–"), short)
}

/// Returns a count with its noun.
pub(super) fn many(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Returns a value of a parameter: a text as it is, and another value as JSON.
pub(super) fn value(value: &Option<Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => "–".to_owned(),
    }
}
