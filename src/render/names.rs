//! The names that outputs use for the parts of a report.

use crate::report::{ClauseOutcome, ReadKind, Status};

/// The digits of a fingerprint that text for people has. `deodar waive` accepts them.
pub(crate) const SHORT_FINGERPRINT: usize = 8;

/// Returns the name of a status.
pub(crate) fn status(status: Status) -> &'static str {
    match status {
        Status::Clean => "clean",
        Status::Findings => "findings",
        Status::Nothing => "nothing_evaluated",
        Status::Incomplete => "incomplete",
        Status::Invalid => "invalid_input",
    }
}

/// Returns what a value does with a list that is not known in full.
pub(super) fn use_of_list(kind: ReadKind) -> &'static str {
    if kind == ReadKind::Derived { "counts" } else { "refers to" }
}

/// Returns the name of the outcome of a clause.
pub(super) fn outcome(outcome: ClauseOutcome) -> &'static str {
    match outcome {
        ClauseOutcome::True => "true",
        ClauseOutcome::False => "false",
        ClauseOutcome::Error => "error",
        ClauseOutcome::Unknown => "unknown",
    }
}

/// Returns a label with the origin of the value.
pub(super) fn with_origin(label: String, origin: Option<String>) -> String {
    origin.into_iter().fold(label, |label, origin| format!("{label} ({origin})"))
}
