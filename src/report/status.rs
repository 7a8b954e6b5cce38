//! The status of a run or of an account, which determines the exit code.

use super::baseline::Compared;
use super::model::{AccountReport, Report};
use super::options::Gate;
use crate::diagnostic::{DiagnosticLevel, has_errors};
use crate::engine::{Verdict, VerdictCounts};
use crate::policy::CheckSeverity;
use serde::{Deserialize, Serialize};

/// The result of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// All verdicts are known, and there are no failures of the gate's severity or above.
    Clean,
    /// There are failures of the gate's severity or above.
    Findings,
    /// No verdict was computed, or all verdicts are unknown and the gate accepts that.
    #[serde(rename = "nothing_evaluated")]
    Nothing,
    /// There are unknown verdicts.
    Incomplete,
    /// An input is unreadable or invalid.
    #[serde(rename = "invalid_input")]
    Invalid,
}

/// The verdicts of a check, as far as they determine the status.
pub(crate) struct Judged {
    /// The severity of the check.
    pub severity: CheckSeverity,
    /// The number of each verdict.
    pub counts: VerdictCounts,
    /// The number of each verdict that the baseline does not cover; all of them without a baseline.
    pub uncovered: VerdictCounts,
    /// The number of waived verdicts that are unknown without the waiver. They decide nothing.
    pub waived_unknown: usize,
}

impl Status {
    /// The statuses that may hold at once. The first one that holds determines the exit code.
    const ORDER: [Status; 4] = [Status::Invalid, Status::Findings, Status::Incomplete, Status::Nothing];

    /// Returns the statuses that hold for the verdicts of checks, in order; only `Clean` if there are no others.
    pub(crate) fn of(gate: Gate, checks: impl Iterator<Item = Judged>, invalid: bool) -> Vec<Status> {
        let (mut failed, mut unknown, mut decided) = (false, false, 0_usize);
        for Judged { severity, counts, uncovered, waived_unknown } in checks {
            failed |= severity >= gate.fail_on && uncovered[Verdict::Fail] > 0;
            unknown |= uncovered[Verdict::Unknown] > 0;
            let undecided = counts[Verdict::Unknown].saturating_add(waived_unknown);
            decided = decided.saturating_add(counts.total().saturating_sub(undecided));
        }
        let holds = |status: &Status| match status {
            Status::Clean => false,
            Status::Findings => failed,
            Status::Nothing => decided == 0 && (!unknown || gate.allow_unknown),
            Status::Incomplete => unknown && !gate.allow_unknown,
            Status::Invalid => invalid,
        };
        let all: Vec<Status> = Status::ORDER.into_iter().filter(holds).collect();
        if all.is_empty() { vec![Status::Clean] } else { all }
    }

    /// Returns the exit code.
    pub fn exit_code(self) -> u8 {
        match self {
            Status::Clean => 0,
            Status::Findings => 1,
            Status::Nothing => 3,
            Status::Incomplete => 4,
            Status::Invalid => 5,
        }
    }
}

impl Report {
    /// Returns the statuses of the run, in order; only `Clean` if there are no others.
    pub fn statuses(&self) -> Vec<Status> {
        let judged = self.checks.iter().map(|check| Judged {
            severity: check.severity,
            counts: check.counts,
            uncovered: self.uncovered(check.counts, &check.compared),
            waived_unknown: check.waived_unknown,
        });
        Status::of(self.run.gate, judged, self.problems(DiagnosticLevel::Error) > 0)
    }

    /// Returns the statuses of one account of the run.
    pub fn statuses_of(&self, account: &AccountReport) -> Vec<Status> {
        let compared = account.compared.iter().copied().chain(std::iter::repeat(Compared::default()));
        let counts = self.checks.entries().zip(account.counts.iter().copied()).zip(compared);
        let judged = counts.map(|(((at, check), counts), compared)| Judged {
            severity: check.severity,
            counts,
            uncovered: self.uncovered(counts, &compared),
            waived_unknown: account
                .waived_unknown
                .iter()
                .filter(|(check, _)| *check == at)
                .map(|(_, count)| count)
                .sum(),
        });
        Status::of(self.run.gate, judged, self.invalid || has_errors(&account.diagnostics))
    }

    /// Returns the number of verdicts that the baseline does not cover; without one, all of them.
    fn uncovered(&self, counts: VerdictCounts, compared: &Compared) -> VerdictCounts {
        if self.run.baseline.is_none() {
            return counts;
        }
        let uncovered = |verdict| (verdict, compared.uncovered(verdict, counts[verdict]));
        [Verdict::Fail, Verdict::Unknown].into_iter().map(uncovered).collect()
    }

    /// Returns the status that determines the exit code.
    pub fn status(&self) -> Status {
        self.statuses().first().copied().unwrap_or(Status::Clean)
    }

    /// Returns whether all inputs of the run could be read and are valid.
    pub fn is_valid(&self) -> bool {
        self.problems(DiagnosticLevel::Error) == 0
    }
}
