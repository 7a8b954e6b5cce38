//! The status of a document, and the numbers of verdicts that determine it.

use super::counts::count;
use super::{Changes, Check, Counts, Document};
use crate::engine::Verdict;
use crate::report::{Change, CheckState, Gate, Judged, Status};
use std::collections::BTreeMap;

impl Document<'_> {
    /// Returns how often a verdict was given that the baseline does not cover; without a baseline, how often it was given.
    pub fn uncovered(&self, verdict: Verdict) -> usize {
        self.checks.iter().map(|check| check.uncovered(verdict)).fold(0, usize::saturating_add)
    }

    /// Returns the statuses of the verdicts and diagnostics.
    pub(super) fn statuses(&self) -> Vec<Status> {
        let mut waived_unknown: BTreeMap<&str, usize> = BTreeMap::new();
        for finding in self.findings.iter().filter(|it| it.original_verdict == Some(Verdict::Unknown)) {
            *waived_unknown.entry(&finding.check).or_insert(0) += 1;
        }
        let checks = self.checks.iter().map(|check| {
            let counts = |count: &dyn Fn(Verdict) -> usize| Verdict::ALL.iter().map(|it| (*it, count(*it))).collect();
            Judged {
                severity: check.severity,
                counts: counts(&|verdict| check.count(verdict)),
                uncovered: counts(&|verdict| check.uncovered(verdict)),
                waived_unknown: waived_unknown.get(&*check.id).copied().unwrap_or(0),
            }
        });
        let gate = Gate { fail_on: self.run.fail_on, allow_unknown: self.run.allow_unknown };
        Status::of(gate, checks, self.summary.errors > 0)
    }

    /// Sets the statuses, the exit code and the number of checks that gave no verdict.
    pub(super) fn set_status(&mut self) {
        self.summary.checks_that_met_nothing =
            self.checks.iter().filter(|check| check.state == CheckState::NoResources).count();
        self.run.statuses = self.statuses();
        self.run.exit_code = exit_code(&self.run.statuses);
    }
}

impl Check<'_> {
    /// Returns how often a verdict was given.
    pub fn count(&self, verdict: Verdict) -> usize {
        count(&self.counts, verdict)
    }

    /// Returns how often a verdict was given that the baseline does not cover; without a baseline, how often it was given.
    pub fn uncovered(&self, verdict: Verdict) -> usize {
        let covered = self.baseline.as_ref().map_or(0, |changes| changes.covered(verdict));
        self.count(verdict).saturating_sub(covered)
    }
}

impl Changes {
    /// Returns the number of verdicts with a change.
    pub(super) fn of(&self, change: Change) -> &Counts {
        match change {
            Change::New => &self.new,
            Change::Worse => &self.worse,
            Change::Better => &self.better,
            Change::Unchanged => &self.unchanged,
        }
    }

    /// Returns how often the baseline covers a verdict.
    pub fn covered(&self, verdict: Verdict) -> usize {
        count(&self.better, verdict).saturating_add(count(&self.unchanged, verdict))
    }
}

/// Returns the exit code of the statuses of a run or of an account.
pub(super) fn exit_code(statuses: &[Status]) -> u8 {
    statuses.first().map_or(0, |status| status.exit_code())
}
