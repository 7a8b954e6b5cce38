//! The comparison of a run with an earlier one, its baseline: which failures and unknown verdicts are new or worse.

use crate::engine::{Verdict, VerdictCounts};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::ops::AddAssign;

/// The verdicts of an earlier run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Baseline {
    /// The path of its report, as it was given.
    pub path: String,
    /// SHA-256 of the report, in hexadecimal.
    pub sha256: String,
    /// The time of that run, RFC 3339 in UTC.
    pub now: String,
    /// The number of failures and unknown verdicts.
    pub findings: usize,
    /// The verdicts of the report by fingerprint.
    verdicts: HashMap<String, Verdict>,
    /// The number of failures and unknown verdicts by account, then by check.
    counts: HashMap<String, HashMap<String, usize>>,
}

impl Baseline {
    /// Returns a baseline without verdicts.
    pub fn new(path: &str, sha256: String, now: String) -> Self {
        Self { path: path.to_owned(), sha256, now, ..Self::default() }
    }

    /// Adds a verdict. Returns whether its fingerprint is a new one.
    pub fn add(&mut self, account: &str, check: &str, fingerprint: &str, verdict: Verdict) -> bool {
        if is_bad(verdict) {
            self.findings += 1;
            let checks = self.counts.entry(account.to_owned()).or_default();
            *checks.entry(check.to_owned()).or_default() += 1;
        }
        self.verdicts.insert(fingerprint.to_owned(), verdict).is_none()
    }

    /// Returns the change of a failure or unknown verdict; `None` for another verdict.
    pub fn change(&self, fingerprint: &str, verdict: Verdict) -> Option<Change> {
        let before = self.verdicts.get(fingerprint).copied();
        is_bad(verdict).then(|| match before {
            None => Change::New,
            Some(before) if before == verdict => Change::Unchanged,
            // The order of verdicts is that of their badness.
            Some(before) if verdict < before => Change::Worse,
            Some(_) => Change::Better,
        })
    }

    /// Returns whether a verdict of the baseline is a failure or unknown.
    fn has_bad(&self, fingerprint: &str) -> bool {
        self.verdicts.get(fingerprint).copied().is_some_and(is_bad)
    }

    /// Compares the verdicts of a check on an account, by their fingerprints. Verdicts that are neither failures, unknown
    /// nor waived may be left out. If the resources of the check are not all known, no verdict counts as fixed.
    pub fn compared<'v>(
        &self,
        account: &str,
        check: &str,
        verdicts: impl Iterator<Item = (&'v str, Verdict)>,
        all_known: bool,
    ) -> Compared {
        let mut compared = Compared::default();
        let mut matched = 0;
        for (fingerprint, verdict) in verdicts {
            if let Some(change) = self.change(fingerprint, verdict) {
                compared.counts_mut(change)[verdict] += 1;
            }
            // A waived failure is not fixed.
            matched += usize::from(verdict <= Verdict::Waived && self.has_bad(fingerprint));
        }
        let known = self.counts.get(account).and_then(|checks| checks.get(check)).copied().unwrap_or(0);
        compared.judged = if all_known { known } else { known.min(matched) };
        compared.fixed = compared.judged.saturating_sub(matched);
        compared
    }
}

fn is_bad(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Fail | Verdict::Unknown)
}

/// The change of a failure or unknown verdict since the baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// The baseline does not have the verdict: the resource or the check is new, or it passed.
    New,
    /// The verdict of the baseline was better.
    Worse,
    /// The verdict of the baseline was worse.
    Better,
    /// The verdict of the baseline was the same.
    Unchanged,
}

impl Change {
    /// All changes.
    pub const ALL: [Change; 4] = [Change::New, Change::Worse, Change::Better, Change::Unchanged];

    /// Returns whether the baseline covers the verdict: it does not determine the exit code.
    pub fn is_covered(self) -> bool {
        matches!(self, Change::Better | Change::Unchanged)
    }

    /// Returns the name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Change::New => "new",
            Change::Worse => "worse",
            Change::Better => "better",
            Change::Unchanged => "unchanged",
        }
    }
}

/// The verdicts of a check, compared with a baseline.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Compared {
    /// New ones.
    pub new: VerdictCounts,
    /// Worse ones.
    pub worse: VerdictCounts,
    /// Better ones that are still unknown.
    pub better: VerdictCounts,
    /// Unchanged ones.
    pub unchanged: VerdictCounts,
    /// The failures and unknown verdicts of the baseline that are neither now, or whose resource was removed.
    pub fixed: usize,
    /// The failures and unknown verdicts of the baseline whose check was run on their account.
    pub judged: usize,
}

impl Compared {
    /// Returns the verdicts with a change.
    pub fn counts(&self, change: Change) -> &VerdictCounts {
        match change {
            Change::New => &self.new,
            Change::Worse => &self.worse,
            Change::Better => &self.better,
            Change::Unchanged => &self.unchanged,
        }
    }

    fn counts_mut(&mut self, change: Change) -> &mut VerdictCounts {
        match change {
            Change::New => &mut self.new,
            Change::Worse => &mut self.worse,
            Change::Better => &mut self.better,
            Change::Unchanged => &mut self.unchanged,
        }
    }

    /// Returns how many of `count` verdicts the baseline does not cover. A verdict that was not compared is not covered.
    pub fn uncovered(&self, verdict: Verdict, count: usize) -> usize {
        let covered = Change::ALL.into_iter().filter(|change| change.is_covered());
        count.saturating_sub(covered.map(|change| self.counts(change)[verdict]).sum())
    }
}

impl AddAssign for Compared {
    fn add_assign(&mut self, more: Self) {
        self.new += more.new;
        self.worse += more.worse;
        self.better += more.better;
        self.unchanged += more.unchanged;
        self.fixed += more.fixed;
        self.judged += more.judged;
    }
}

#[cfg(test)]
mod tests {
    use super::{Baseline, Change, Compared};
    use crate::engine::Verdict;

    fn baseline() -> Baseline {
        let mut baseline = Baseline::default();
        for (fingerprint, verdict) in
            [("f", Verdict::Fail), ("u", Verdict::Unknown), ("w", Verdict::Waived), ("n", Verdict::NotApplicable)]
        {
            assert!(baseline.add("A", "C", fingerprint, verdict));
        }
        assert!(baseline.add("A", "C", "p", Verdict::Pass));
        baseline
    }

    #[test]
    fn a_verdict_is_new_worse_better_or_unchanged() {
        let changes =
            |verdict| ["f", "u", "w", "n", "p", "x"].map(|fingerprint| baseline().change(fingerprint, verdict));
        let (worse, new) = (Some(Change::Worse), Some(Change::New));
        assert_eq!(changes(Verdict::Fail), [Some(Change::Unchanged), worse, worse, worse, worse, new]);
        assert_eq!(
            changes(Verdict::Unknown),
            [Some(Change::Better), Some(Change::Unchanged), worse, worse, worse, new]
        );
        for verdict in [Verdict::Waived, Verdict::NotApplicable, Verdict::Pass] {
            assert_eq!(changes(verdict), [None; 6]);
        }
    }

    #[test]
    fn a_failure_that_is_not_among_the_verdicts_is_fixed() {
        let compared = |account, verdicts: &[(&'static str, Verdict)]| {
            baseline().compared(account, "C", verdicts.iter().copied(), true)
        };
        let none = compared("A", &[]);
        assert_eq!((none.fixed, none.judged), (2, 2));
        let waived = compared("A", &[("f", Verdict::Waived), ("u", Verdict::Fail)]);
        assert_eq!((waived.fixed, waived.judged, waived.worse[Verdict::Fail]), (0, 2, 1));
        assert_eq!(compared("B", &[]), Compared::default());
        let partial = baseline().compared("A", "C", [("f", Verdict::Unknown)].into_iter(), false);
        assert_eq!((partial.fixed, partial.judged, partial.better[Verdict::Unknown]), (0, 1, 1));
        let other = compared("B", &[("x", Verdict::Unknown)]);
        assert_eq!((other.fixed, other.judged, other.uncovered(Verdict::Unknown, 1)), (0, 0, 1));
        // A verdict that was not compared is not covered.
        assert_eq!(Compared::default().uncovered(Verdict::Fail, 2), 2);
    }
}
