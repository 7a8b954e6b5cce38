//! How much of what a run finds its outputs show. A run explains and keeps the maximum of what its outputs need; it counts
//! everything.

use crate::engine::Verdict;

/// How many things of one kind an output shows.
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

/// What an output needs of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// Findings of one check and verdict of each account, when the account is judged.
    pub of_account: Evidence,
    /// Findings of one check and verdict over all accounts, at the end of the run.
    pub findings: Evidence,
    /// Whether verdicts that are not applicable are findings.
    pub not_applicable: bool,
    /// Diagnostics of one code and severity that accounts bring.
    pub diagnostics: Evidence,
    /// Names of snapshots.
    pub snapshots: Evidence,
}

impl Needs {
    /// Counts alone.
    pub const NOTHING: Self = Self {
        of_account: Evidence::None,
        findings: Evidence::None,
        not_applicable: false,
        diagnostics: Evidence::None,
        snapshots: Evidence::None,
    };

    /// Everything.
    pub const ALL: Self = Self {
        of_account: Evidence::All,
        findings: Evidence::All,
        not_applicable: true,
        diagnostics: Evidence::All,
        snapshots: Evidence::All,
    };

    /// Returns what is enough for two outputs.
    pub fn max(self, other: Self) -> Self {
        Self {
            of_account: self.of_account.max(other.of_account),
            findings: self.findings.max(other.findings),
            not_applicable: self.not_applicable || other.not_applicable,
            diagnostics: self.diagnostics.max(other.diagnostics),
            snapshots: self.snapshots.max(other.snapshots),
        }
    }

    /// Returns how many verdicts of one check and kind are explained of one account.
    pub fn explained(&self) -> Evidence {
        self.of_account.max(self.findings)
    }

    /// Returns whether a verdict is a finding.
    pub fn wants(&self, verdict: Verdict) -> bool {
        match verdict {
            Verdict::Fail | Verdict::Unknown | Verdict::Waived => true,
            Verdict::NotApplicable => self.not_applicable,
            Verdict::Pass => false,
        }
    }
}
