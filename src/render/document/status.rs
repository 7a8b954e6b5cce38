//! The status of a document, and the numbers of verdicts that determine it.

use super::counts::count;
use super::{Account, Changes, Check, Counts, Document, Finding};
use crate::engine::{Verdict, VerdictCounts};
use crate::report::{Change, CheckState, Gate, Judged, Status};
use std::collections::BTreeMap;

impl Document<'_> {
    /// Returns how often a verdict was given that the baseline does not cover; without a baseline, how often it was given.
    pub fn uncovered(&self, verdict: Verdict) -> usize {
        self.checks.iter().map(|check| check.uncovered(verdict)).fold(0, usize::saturating_add)
    }

    /// Returns the statuses of the verdicts and diagnostics.
    pub(super) fn statuses(&self) -> Vec<Status> {
        let waived_unknown = waived_unknown(&self.findings);
        let checks = self.checks.iter().map(|check| Judged {
            severity: check.severity,
            counts: counts(|verdict| check.count(verdict)),
            uncovered: counts(|verdict| check.uncovered(verdict)),
            waived_unknown: waived_unknown.get(&*check.id).copied().unwrap_or(0),
        });
        Status::of(self.gate(), checks, self.summary.errors > 0)
    }

    fn gate(&self) -> Gate {
        Gate { fail_on: self.run.fail_on, allow_unknown: self.run.allow_unknown }
    }

    /// Sets the statuses, the exit code and the number of checks that gave no verdict.
    pub(super) fn set_status(&mut self) {
        self.summary.checks_that_met_nothing =
            self.checks.iter().filter(|check| check.state == CheckState::NoResources).count();
        self.run.statuses = self.statuses();
        self.run.exit_code = exit_code(&self.run.statuses);
    }
}

impl Account<'_> {
    /// Returns the statuses of the verdicts of the account in a run; `invalid` states whether an input of it is invalid.
    pub(super) fn statuses_in(&self, run: &Document<'_>, invalid: bool) -> Vec<Status> {
        let waived_unknown = waived_unknown(&self.findings);
        let mut covered: BTreeMap<(&str, Verdict), usize> = BTreeMap::new();
        for finding in self.findings.iter().filter(|finding| finding.baseline.is_some_and(Change::is_covered)) {
            *covered.entry((&finding.check, finding.verdict)).or_insert(0) += 1;
        }
        let checks = run.checks.iter().map(|check| {
            let given = |verdict| self.checks.get(&check.id).map_or(0, |given| count(&given.counts, verdict));
            let covered = |verdict| covered.get(&(&*check.id, verdict)).copied().unwrap_or(0);
            Judged {
                severity: check.severity,
                counts: counts(given),
                uncovered: counts(|verdict| given(verdict).saturating_sub(covered(verdict))),
                waived_unknown: waived_unknown.get(&*check.id).copied().unwrap_or(0),
            }
        });
        Status::of(run.gate(), checks, invalid)
    }
}

/// Returns the number of waived verdicts of each check that are unknown without the waiver.
fn waived_unknown<'d>(findings: &'d [Finding<'_>]) -> BTreeMap<&'d str, usize> {
    let mut waived: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in findings.iter().filter(|it| it.original_verdict == Some(Verdict::Unknown)) {
        *waived.entry(&finding.check).or_insert(0) += 1;
    }
    waived
}

fn counts(count: impl Fn(Verdict) -> usize) -> VerdictCounts {
    Verdict::ALL.into_iter().map(|verdict| (verdict, count(verdict))).collect()
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
