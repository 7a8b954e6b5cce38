//! The names that outputs use for the parts of a report.

use crate::report::controls::ControlStatus;
use crate::report::{CheckState, ClauseOutcome, Engine, FileRole, ReadKind, ReadState, Status};

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

/// Returns the name of the engine that judged.
pub(super) fn engine(engine: Engine) -> &'static str {
    match engine {
        Engine::Compiled => "compiled",
        Engine::Reference => "reference",
    }
}

/// Returns the name of the role of a file of a pack.
pub(super) fn role(role: FileRole) -> &'static str {
    match role {
        FileRole::Schema => "schema",
        FileRole::Policies => "policies",
    }
}

/// Returns the name of the state of a check.
pub(super) fn check_state(state: CheckState) -> &'static str {
    match state {
        CheckState::Run => "run",
        CheckState::NoResources => "no_resources",
        CheckState::Deselected => "deselected",
        CheckState::Invalid => "invalid",
    }
}

/// Returns the name of a control's result.
pub(super) fn control_status(status: ControlStatus) -> &'static str {
    match status {
        ControlStatus::Failed => "failed",
        ControlStatus::Partial => "partial",
        ControlStatus::Passed => "passed",
        ControlStatus::NotJudged => "not_judged",
    }
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

/// Returns the name of the kind of a value that a clause reads.
pub(super) fn read_kind(kind: ReadKind) -> &'static str {
    match kind {
        ReadKind::Attribute => "attribute",
        ReadKind::Derived => "derived",
        ReadKind::Tag => "tag",
        ReadKind::Parameter => "parameter",
        ReadKind::Now => "now",
    }
}

/// Returns the name of the state of a value.
pub(super) fn read_state(state: ReadState) -> &'static str {
    match state {
        ReadState::Known => "known",
        ReadState::Absent => "absent",
        ReadState::Uncaptured => "uncaptured",
        ReadState::Unreadable => "unreadable",
        ReadState::Partial => "partial",
        ReadState::Between => "between",
    }
}
