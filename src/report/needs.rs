//! The parts of a run that outputs need. A run lists the maximum of the verdicts that its outputs need, and counts all
//! verdicts.

use super::baseline::Change;
use crate::engine::Verdict;

/// The number of items of one kind that an output shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Evidence {
    /// None of them.
    None,
    /// The first ones.
    AtMost(usize),
    /// All of them.
    All,
}

impl Evidence {
    /// Returns the greatest number that is shown.
    pub fn most(self) -> usize {
        match self {
            Evidence::None => 0,
            Evidence::AtMost(most) => most,
            Evidence::All => usize::MAX,
        }
    }
}

/// The parts of a run that an output shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// Findings of one check and verdict of each account, when the account is judged.
    pub of_account: Evidence,
    /// Findings of one check and verdict over all accounts, at the end of the run.
    pub findings: Evidence,
    /// Whether verdicts that are not applicable are findings.
    pub not_applicable: bool,
    /// Whether findings that the baseline covers are kept. Over all accounts, they are kept only if all findings are.
    pub covered: bool,
    /// Whether every other verdict is kept with its evidence too.
    pub all_verdicts: bool,
    /// Diagnostics of one code and severity that are about accounts.
    pub diagnostics: Evidence,
    /// Names of snapshots.
    pub snapshots: Evidence,
    /// The SHA-256 of each snapshot.
    pub digests: bool,
}

impl Needs {
    /// Counts alone.
    pub const NOTHING: Self = Self {
        of_account: Evidence::None,
        findings: Evidence::None,
        not_applicable: false,
        covered: false,
        all_verdicts: false,
        diagnostics: Evidence::None,
        snapshots: Evidence::None,
        digests: false,
    };

    /// Everything but the verdicts that are not findings.
    pub const ALL: Self = Self {
        of_account: Evidence::All,
        findings: Evidence::All,
        not_applicable: true,
        covered: true,
        all_verdicts: false,
        diagnostics: Evidence::All,
        snapshots: Evidence::All,
        digests: true,
    };

    /// Returns the needs of two outputs together.
    pub fn max(self, other: Self) -> Self {
        Self {
            of_account: self.of_account.max(other.of_account),
            findings: self.findings.max(other.findings),
            not_applicable: self.not_applicable || other.not_applicable,
            covered: self.covered || other.covered,
            all_verdicts: self.all_verdicts || other.all_verdicts,
            diagnostics: self.diagnostics.max(other.diagnostics),
            snapshots: self.snapshots.max(other.snapshots),
            digests: self.digests || other.digests,
        }
    }

    /// Returns the number of verdicts of one check and kind that are listed for one account.
    pub fn listed(&self) -> Evidence {
        self.of_account.max(self.findings)
    }

    /// Returns whether a verdict is a finding.
    pub fn is_finding(&self, verdict: Verdict) -> bool {
        match verdict {
            Verdict::Fail | Verdict::Unknown | Verdict::Waived => true,
            Verdict::NotApplicable => self.not_applicable,
            Verdict::Pass => false,
        }
    }

    /// Returns whether a finding with a change since the baseline is shown.
    pub fn shows(&self, change: Option<Change>) -> bool {
        self.covered || !change.is_some_and(Change::is_covered)
    }

    /// Returns whether a verdict is kept with its evidence.
    pub fn wants(&self, verdict: Verdict) -> bool {
        self.all_verdicts || self.is_finding(verdict)
    }
}
