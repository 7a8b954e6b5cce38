//! The limit on pairs: counts the pairs of a derivation before it tests them.
//!
//! The pairs that a join finds must be tested, so a derivation with too many of them is an error. Principals and
//! resources with an unknown join value may match everything. If these pairs exceed the limit, only a sample of them is
//! tested, and the derived values stay unknown where that matters.

use super::super::batch::{Batch, Role};
use super::super::eval::Evaluator;
use super::super::index::{BuildSide, ProbeLimits};
use super::ROWS_PER_TASK;
use super::alike::Alike;
use super::probe::{JoinValues, Prober};
use crate::parallel::*;
use crate::policy::DerivationId;
use crate::program::DerivationProgram;
use crate::source::cedar::on_deep_stack;
use crate::value::{EntityRef, TypeId};

/// The number of principals in a sample.
const SAMPLED_PRINCIPALS: usize = 64;

/// The part of the remaining pairs that samples may use, as a divisor: unknown values are compared row by row.
const SAMPLE_SHARE: usize = 16;

/// A derivation that exceeds the limit on pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooManyPairs {
    /// Its place in the policies' derivations.
    pub derivation: DerivationId,
    /// The number of principals that its own conditions leave.
    pub principals: usize,
    /// The number of resources.
    pub resources: usize,
    /// The number of pairs that its joins find; `None` if it has no join, so that every pair is tested.
    pub found: Option<usize>,
}

/// The number of pairs that a derivation tests.
#[derive(Debug, Clone, Copy, Default)]
struct PairCounts {
    /// Resources that probe an index.
    joined: usize,
    /// Pairs that the joins find by a key.
    matches: usize,
    /// Pairs of those resources with principals without a key.
    unkeyed: usize,
    /// Resources without a key for any join.
    unjoined: usize,
}

impl PairCounts {
    fn plus(self, other: Self) -> Self {
        Self {
            joined: self.joined + other.joined,
            matches: self.matches.saturating_add(other.matches),
            unkeyed: self.unkeyed.saturating_add(other.unkeyed),
            unjoined: self.unjoined + other.unjoined,
        }
    }
}

impl Evaluator<'_> {
    /// Returns the limits with which a derivation tests at most `most` pairs on the resources of a type, or on one of each
    /// class of resources that are alike.
    ///
    /// # Errors
    /// If the joins find more pairs than that, or if there is no join.
    pub(super) fn limits(
        &self,
        part: &DerivationProgram,
        build: &BuildSide,
        (ty, alike): (TypeId, Option<&Alike>),
        most: usize,
    ) -> Result<ProbeLimits, TooManyPairs> {
        let rows = self.snapshot.table(ty).rows.len();
        let (principals, resources) = (build.candidates.len(), alike.map_or(rows, |alike| alike.classes.len()));
        let excess = |found| TooManyPairs { derivation: part.derivation, principals, resources, found };
        let mut limits = ProbeLimits::default();
        if build.lists.len().saturating_mul(resources) > most {
            limits.lists = SAMPLED_PRINCIPALS.max(most / SAMPLE_SHARE / resources.max(1));
        }
        // The number of tests for one resource is at most the size of the largest index.
        let largest = build.indexes.iter().map(|index| index.len()).fold(principals, usize::max);
        if largest.saturating_mul(resources) <= most {
            return Ok(limits);
        }
        if part.joins.is_empty() {
            return Err(excess(None));
        }
        let counts = self.count_pairs(part, build, ty, alike);
        if counts.matches > most {
            return Err(excess(Some(counts.matches)));
        }
        let mut left = most - counts.matches;
        if counts.unkeyed > left {
            limits.unkeyed = SAMPLED_PRINCIPALS.min(left / SAMPLE_SHARE / counts.joined.max(1));
        }
        left = left.saturating_sub(counts.unkeyed.min(counts.joined.saturating_mul(limits.unkeyed)));
        if counts.unjoined.saturating_mul(principals) > left {
            limits.unjoined = SAMPLED_PRINCIPALS.min(left / SAMPLE_SHARE / counts.unjoined.max(1));
        }
        Ok(limits)
    }

    /// Counts the pairs that a derivation tests on the resources of a type.
    fn count_pairs(
        &self,
        part: &DerivationProgram,
        build: &BuildSide,
        ty: TypeId,
        alike: Option<&Alike>,
    ) -> PairCounts {
        if let Some(alike) = alike {
            let count = |classes: &[Vec<u32>]| {
                let first = classes.iter().filter_map(|rows| rows.first());
                let one = |row: &u32| self.count_for(part, build, &[], EntityRef { ty, row: *row }, 0);
                first.map(one).fold(PairCounts::default(), PairCounts::plus)
            };
            let chunks = alike.classes.par_chunks(ROWS_PER_TASK as usize);
            let counts: Vec<PairCounts> = chunks.map(|classes| on_deep_stack(|| count(classes))).collect();
            return counts.into_iter().fold(PairCounts::default(), PairCounts::plus);
        }
        let rows = self.snapshot.table(ty).row_numbers();
        let count_batch = |start: &u32| {
            let len = (rows.end - start).min(ROWS_PER_TASK);
            let batch = Batch { role: Role::Resource, ty, start: *start, other: self.root() };
            let resources = [self.resource_values(part, batch)];
            let count = |at: u32| self.count_for(part, build, &resources, EntityRef { ty, row: start + at }, at);
            (0..len).map(count).fold(PairCounts::default(), PairCounts::plus)
        };
        let starts: Vec<u32> = rows.clone().step_by(ROWS_PER_TASK as usize).collect();
        let counts: Vec<PairCounts> = starts.par_iter().map(|start| on_deep_stack(|| count_batch(start))).collect();
        counts.into_iter().fold(PairCounts::default(), PairCounts::plus)
    }

    /// Counts the pairs of one resource.
    fn count_for(
        &self,
        part: &DerivationProgram,
        build: &BuildSide,
        resources: &[JoinValues<'_>],
        resource: EntityRef,
        at: u32,
    ) -> PairCounts {
        // One key needs no probe to be counted.
        if let ([index], Some([Some(values)])) = (&build.indexes[..], resources.first().map(Vec::as_slice))
            && let Some(key) = values.key(at)
        {
            let (matches, unkeyed) = (index.get(key).len(), index.unkeyed.len());
            return PairCounts { joined: 1, matches, unkeyed, unjoined: 0 };
        }
        let prober = Prober { resources, at, ..Prober::single(resource) };
        match self.best_probe(part, &build.indexes, prober, 0) {
            Some(probe) => {
                let unkeyed = probe.index.unkeyed.len();
                PairCounts { joined: 1, matches: probe.matches, unkeyed, unjoined: 0 }
            }
            None => PairCounts { unjoined: 1, ..PairCounts::default() },
        }
    }
}
