//! Verdicts, the only rule from outcomes to a verdict, and counts of verdicts.

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
    /// The result depends on an unknown value, or the evaluation ended in an error.
    Unknown,
    /// A failure that a waiver covers.
    Waived,
    /// The check does not apply to the resource.
    NotApplicable,
    /// The forbid is not satisfied, for all possible values.
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
            // It is unknown whether the scope names the resource, because the id of the resource is unknown.
            (scope, _) if scope != Outcomes::TRUE => Verdict::Unknown,
            (_, Outcomes::TRUE) => Verdict::Fail,
            (_, Outcomes::FALSE) if outcomes.applies == Outcomes::FALSE => Verdict::NotApplicable,
            (_, Outcomes::FALSE) => Verdict::Pass,
            _ => Verdict::Unknown,
        })
    }

    /// Returns the name in reports.
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

/// The number of each verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct VerdictCounts([usize; Verdict::ALL.len()]);

impl VerdictCounts {
    /// Returns the number of all verdicts.
    pub fn total(&self) -> usize {
        self.0.iter().copied().fold(0, usize::saturating_add)
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

    #[expect(clippy::indexing_slicing, reason = "there is a count for every verdict")]
    fn index(&self, verdict: Verdict) -> &usize {
        &self.0[verdict as usize]
    }
}

impl IndexMut<Verdict> for VerdictCounts {
    #[expect(clippy::indexing_slicing, reason = "there is a count for every verdict")]
    fn index_mut(&mut self, verdict: Verdict) -> &mut usize {
        &mut self.0[verdict as usize]
    }
}

impl AddAssign for VerdictCounts {
    fn add_assign(&mut self, more: Self) {
        self.0.iter_mut().zip(more.0).for_each(|(count, more)| *count += more);
    }
}
