//! Lookups: derivations whose joins decide the whole condition. The entries that all indexes have for a resource are the
//! principals that count, so no pair is tested (an index-only plan, as databases call it).

use super::super::eval::Evaluator;
use super::super::index::{BuildSide, ProbeLimits, common};
use super::probe::JoinValues;
use crate::program::{Aggregate, Condition, DerivationProgram, DerivedAttribute};
use crate::value::Outcomes;

impl Evaluator<'_> {
    /// Returns whether lookups decide the values of an attribute, for the resources whose join values are known. The others are
    /// probed, and the matches of several joins are compared with each other, so there are at most `most_pairs` pairs.
    pub(super) fn is_lookup(&self, attribute: &DerivedAttribute, build_sides: &[BuildSide], most_pairs: usize) -> bool {
        let is_counted = match attribute.aggregate {
            Aggregate::Exists => true,
            // A principal that two derivations permit counts once.
            Aggregate::Count => attribute.parts.len() == 1,
            Aggregate::Distinct | Aggregate::Collect => false,
        };
        let is_decided = |(part, build): (&DerivationProgram, &BuildSide)| {
            !part.subtracts && build.lists.is_empty() && (build.candidates.is_empty() || self.joins_decide(part, build))
        };
        let is_within = |(part, build): (&DerivationProgram, &BuildSide)| {
            self.limits(part, build, (attribute.ty, None), most_pairs) == Ok(ProbeLimits::default())
        };
        let parts = || attribute.parts.iter().zip(build_sides);
        is_counted && parts().all(is_decided) && parts().all(is_within)
    }

    /// Returns whether the principals with the join values of a resource certainly count, and no others.
    fn joins_decide(&self, part: &DerivationProgram, build: &BuildSide) -> bool {
        let is_join = |condition: &Condition| match condition {
            Condition::Leaf(node) => part.joins.iter().any(|join| join.node == *node),
            _ => false,
        };
        !build.indexes.is_empty()
            && build.indexes.iter().all(|index| index.unkeyed.is_empty())
            && build.candidates.iter().all(|candidate| candidate.filter == Outcomes::TRUE)
            && part.rest.as_ref().is_some_and(|rest| rest.iter().all(is_join))
            && self.snapshot.table(part.body.principal).copies.is_empty()
    }
}

/// Returns the number of principals that lookups find for a resource of a batch, up to `most`. `None` if a join value of the
/// resource is not known.
pub(super) fn found(build_sides: &[BuildSide], resources: &[JoinValues<'_>], at: u32, most: usize) -> Option<usize> {
    let mut all = 0;
    for (number, build) in build_sides.iter().enumerate().filter(|(_, build)| !build.candidates.is_empty()) {
        let mut lists: Vec<&[u32]> = Vec::new();
        let (mut first, values) = (None, resources.get(number)?);
        for (index, values) in build.indexes.iter().zip(values) {
            let key = values.as_ref()?.key(at).filter(|key| key.exact && !key.literal)?;
            match first {
                None => first = Some(index.get(key)),
                Some(_) => lists.push(index.get(key)),
            }
        }
        all += match lists.is_empty() {
            true => first.map_or(0, <[u32]>::len),
            false => common(first.unwrap_or_default(), &lists).take(most).count(),
        };
        if all >= most {
            break;
        }
    }
    Some(all)
}
