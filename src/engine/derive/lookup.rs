//! Lookups: derivations whose joins decide the whole condition. The entries that all indexes have for a resource are the
//! principals that count, so no pair is tested (an index-only plan, as databases call it). A join by an element of a set of the
//! resource has no single key: the few entries that the other joins have are looked up in the set.

use super::super::batch::{Batch, Role, Values};
use super::super::eval::Evaluator;
use super::super::index::{BuildSide, HashIndex, ProbeLimits, common};
use super::probe::JoinValues;
use crate::program::{Aggregate, Condition, DerivationProgram, DerivedAttribute, Join, JoinKey};
use crate::value::Outcomes;

/// The number of entries that are looked up in a set of a resource. The elements of the set find more of them faster.
const MOST_IN_SET: usize = 16;

/// The inputs of the lookups of an attribute, for a batch of resources.
pub(super) struct Lookup<'s, 'm> {
    build_sides: &'s [BuildSide],
    /// The values that joins compare, by derivation and join.
    resources: &'s [JoinValues<'m>],
    /// The values of both sides of the joins by an element of a set of the resource, by derivation and join.
    elements: Vec<Vec<Option<Element<'m>>>>,
    /// The number of principals after which no more are counted.
    most: usize,
}

/// The values of both sides of a join by an element.
struct Element<'m> {
    /// Those of all principals, by row.
    principals: Values<'m>,
    /// The sets of a batch of resources.
    sets: Values<'m>,
}

impl Element<'_> {
    /// Returns whether the value of a principal is an element of the set of a resource. `None` if that is not known.
    fn contains(&self, principal: u32, at: u32) -> Option<bool> {
        match self.sets.at(at)?.contains(&self.principals.at(principal)?)? {
            Outcomes::TRUE => Some(true),
            Outcomes::FALSE => Some(false),
            _ => None,
        }
    }
}

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
            !part.subtracts
                && (build.lists.is_empty() || !build.list_indexes.is_empty())
                && (build.candidates.is_empty() || self.joins_decide(part, build))
        };
        let is_within = |(part, build): (&DerivationProgram, &BuildSide)| {
            self.limits(part, build, (attribute.ty, None), most_pairs) == Ok(ProbeLimits::default())
        };
        let parts = || attribute.parts.iter().zip(build_sides);
        is_counted && parts().all(is_decided) && parts().all(is_within)
    }

    /// Returns the lookups of an attribute for a batch of resources, with the values that joins compare.
    pub(super) fn lookup<'s, 'm: 's>(
        &'m self,
        attribute: &DerivedAttribute,
        build_sides: &'s [BuildSide],
        resources: &'s [JoinValues<'m>],
        batch: Batch,
    ) -> Lookup<'s, 'm> {
        let element = |part: &DerivationProgram, join: &Join| {
            let JoinKey::Element(item, set) = join.key else { return None };
            let ty = part.body.principal;
            let all = Batch { role: Role::Principal, ty, start: 0, other: self.root() };
            let principals = self.values(item, all)?;
            Some(Element { principals, sets: self.values(set, batch)? })
        };
        let of_part = |part: &DerivationProgram| part.joins.iter().map(|join| element(part, join)).collect();
        let most = if attribute.aggregate == Aggregate::Exists { 1 } else { usize::MAX };
        Lookup { build_sides, resources, elements: attribute.parts.iter().map(of_part).collect(), most }
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

impl Lookup<'_, '_> {
    /// Returns the number of principals that lookups find for the resource at a place in the batch. `None` if a join value of the
    /// resource is not known, or if an uncaptured list may have more principals.
    pub(super) fn found(&self, at: u32) -> Option<usize> {
        let mut all = 0;
        for (number, build) in self.build_sides.iter().enumerate() {
            if build.candidates.is_empty() && build.lists.is_empty() {
                continue;
            }
            let (mut first, mut others, mut elements): (Option<&[u32]>, Vec<&[u32]>, Vec<&Element<'_>>) =
                Default::default();
            // A list that one join does not find has no principal that counts.
            let mut is_complete = build.lists.is_empty();
            for (join, (values, element)) in
                self.resources.get(number)?.iter().zip(self.elements.get(number)?).enumerate()
            {
                if let Some(element) = element {
                    elements.push(element);
                    continue;
                }
                let key = values.as_ref()?.key(at).filter(|key| key.exact && !key.literal)?;
                let has_none = |index: &HashIndex| index.unkeyed.is_empty() && index.get(key).is_empty();
                is_complete |= build.list_indexes.get(join).is_some_and(has_none);
                let Some(index) = build.indexes.get(join) else { continue };
                match first {
                    None => first = Some(index.get(key)),
                    Some(_) => others.push(index.get(key)),
                }
            }
            all += match (others.is_empty(), elements.is_empty()) {
                _ if build.candidates.is_empty() => 0,
                (true, true) => first?.len(),
                (false, true) => common(first?, &others).take(self.most).count(),
                (_, false) => found_in_sets(build, common(first?, &others), &elements, at)?,
            };
            if all >= self.most {
                break;
            }
            if !is_complete {
                return None;
            }
        }
        Some(all)
    }
}

/// Returns the number of entries whose values are elements of sets of a resource. `None` if there are many entries, or if that is
/// not known for one of them.
fn found_in_sets(
    build: &BuildSide,
    entries: impl Iterator<Item = u32>,
    elements: &[&Element<'_>],
    at: u32,
) -> Option<usize> {
    let mut found = 0;
    for (number, entry) in entries.enumerate() {
        if number >= MOST_IN_SET {
            return None;
        }
        let mut is_found = true;
        for element in elements {
            is_found &= element.contains(build.candidate(entry).row, at)?;
        }
        found += usize::from(is_found);
    }
    Some(found)
}
