//! Verdicts, and how often each was given.

use crate::program::PolicyOutcomes;
use crate::value::Outcomes;
use serde::{Deserialize, Serialize};
use std::ops::{AddAssign, Index, IndexMut};

/// The result of a check for a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The forbid is satisfied.
    Fail,
    /// The answer depends on a value that was not captured, or the evaluation ended in an error.
    Unknown,
    /// It would be a failure, and a live waiver covers it.
    Waived,
    /// The check does not apply to the resource.
    NotApplicable,
    /// The forbid is not satisfied, and nothing unknown mattered.
    Pass,
}

impl Verdict {
    /// All verdicts, the worst first.
    pub const ALL: [Verdict; 5] =
        [Verdict::Fail, Verdict::Unknown, Verdict::Waived, Verdict::NotApplicable, Verdict::Pass];

    /// Returns the verdict of a check with these outcomes. `None` if its scope excludes the resource.
    pub fn of(outcomes: &PolicyOutcomes<Outcomes>) -> Option<Self> {
        Some(match (outcomes.scope, outcomes.satisfied) {
            (Outcomes::FALSE, _) => return None,
            // Whether the scope names a resource of which the id is not known is not known either.
            (scope, _) if scope != Outcomes::TRUE => Verdict::Unknown,
            (_, Outcomes::TRUE) => Verdict::Fail,
            (_, Outcomes::FALSE) if outcomes.applies == Outcomes::FALSE => Verdict::NotApplicable,
            (_, Outcomes::FALSE) => Verdict::Pass,
            _ => Verdict::Unknown,
        })
    }

    /// Returns the name reports use.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Fail => "fail",
            Verdict::Unknown => "unknown",
            Verdict::Waived => "waived",
            Verdict::NotApplicable => "not_applicable",
            Verdict::Pass => "pass",
        }
    }
}

/// How often each verdict was given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct VerdictCounts([usize; Verdict::ALL.len()]);

impl VerdictCounts {
    /// Returns how many verdicts were given.
    pub fn total(&self) -> usize {
        self.0.iter().sum()
    }

    /// Returns the counts with `change` applied to each.
    pub fn map(self, change: impl FnMut(usize) -> usize) -> Self {
        Self(self.0.map(change))
    }
}

impl FromIterator<(Verdict, usize)> for VerdictCounts {
    fn from_iter<I: IntoIterator<Item = (Verdict, usize)>>(counts: I) -> Self {
        let mut all = Self::default();
        counts.into_iter().for_each(|(verdict, count)| all[verdict] += count);
        all
    }
}

impl Index<Verdict> for VerdictCounts {
    type Output = usize;

    fn index(&self, verdict: Verdict) -> &usize {
        &self.0[verdict as usize]
    }
}

impl IndexMut<Verdict> for VerdictCounts {
    fn index_mut(&mut self, verdict: Verdict) -> &mut usize {
        &mut self.0[verdict as usize]
    }
}

impl AddAssign for VerdictCounts {
    fn add_assign(&mut self, more: Self) {
        self.0.iter_mut().zip(more.0).for_each(|(count, more)| *count += more);
    }
}
