//! Lookups: derivations whose joins decide the whole condition. The entries that all indexes have for a resource are the
//! principals that count, so no pair is tested (an index-only plan, as databases call it). A join by an element of a set of the
//! resource has no single key: the few entries that the other joins have are looked up in the set. The indexes of the uncaptured
//! lists give the lists that may have more principals.

use super::super::batch::{Batch, Plain, Role, Values};
use super::super::eval::Evaluator;
use super::super::index::{BuildSide, HashIndex, ProbeLimits, common};
use super::super::operand;
use super::probe::JoinValues;
use crate::program::{Aggregate, Condition, DerivationProgram, DerivedAttribute, Join, JoinKey};
use crate::snapshot::UncapturedList;
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
    /// The uncaptured lists of principals, by derivation. `None` if joins do not decide whether a list may have one that counts.
    missing: Vec<Option<&'m [UncapturedList]>>,
    /// The only join of each derivation that has candidates, with its index. `None` if a derivation has several joins or
    /// uncaptured lists.
    simple: Option<Vec<(&'s Values<'m>, &'s HashIndex)>>,
    /// The number of principals after which no more are counted.
    most: usize,
}

/// The principals that count for a resource.
#[derive(Clone, Copy, Default)]
pub(super) struct Found {
    /// The number of those that certainly count.
    pub(super) certain: usize,
    /// The largest number of those that uncaptured lists may have besides.
    pub(super) more: u64,
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

    /// Returns whether the set of a resource may contain a value that is not known. `None` if that takes more than reading it.
    fn may_contain_unknown(&self, at: u32) -> Option<bool> {
        match self.sets.at(at) {
            Some(Plain::Set(set)) => Some(operand::contains(set, None) != Outcomes::FALSE),
            Some(_) => None,
            None => self.sets.is_unknown(at).then_some(true),
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
        let missing = |part: &DerivationProgram| {
            is_joins_only(part).then(|| self.snapshot.table(part.body.principal).uncaptured_lists.as_slice())
        };
        let elements: Vec<Vec<Option<Element<'_>>>> = attribute.parts.iter().map(of_part).collect();
        let has_some = |(_, build): &(usize, &BuildSide)| !build.candidates.is_empty() || !build.lists.is_empty();
        let only_join = |(number, build): (usize, &'s BuildSide)| {
            let ([Some(values)], [index], [None]) =
                (&resources.get(number)?[..], &build.indexes[..], &elements.get(number)?[..])
            else {
                return None;
            };
            build.lists.is_empty().then_some((values, index))
        };
        let simple = build_sides.iter().enumerate().filter(has_some).map(only_join).collect();
        Lookup {
            build_sides,
            resources,
            elements,
            simple,
            missing: attribute.parts.iter().map(missing).collect(),
            most: if attribute.aggregate == Aggregate::Exists { 1 } else { usize::MAX },
        }
    }

    /// Returns whether the principals with the join values of a resource certainly count, and no others.
    fn joins_decide(&self, part: &DerivationProgram, build: &BuildSide) -> bool {
        !build.indexes.is_empty()
            && build.indexes.iter().all(|index| index.unkeyed.is_empty())
            && build.candidates.iter().all(|candidate| candidate.filter == Outcomes::TRUE)
            && is_joins_only(part)
            && self.snapshot.table(part.body.principal).copies.is_empty()
    }
}

/// Returns whether the condition of a derivation is its filters and joins alone, and cannot fail after the filters.
fn is_joins_only(part: &DerivationProgram) -> bool {
    let is_join = |condition: &Condition| match condition {
        Condition::Leaf(node) => part.joins.iter().any(|join| join.node == *node),
        _ => false,
    };
    part.rest.as_ref().is_some_and(|rest| rest.iter().all(is_join))
}

impl Lookup<'_, '_> {
    /// Returns the principals that lookups find for the resource at a place in the batch. `None` if a join value of the resource
    /// is not known, or if lookups do not find the uncaptured lists that may have more principals.
    pub(super) fn found(&self, at: u32) -> Option<Found> {
        let mut all = Found::default();
        if let Some(simple) = &self.simple {
            for (values, index) in simple {
                let key = values.key(at).filter(|key| key.exact && !key.literal)?;
                all.certain += index.get(key).len();
                if all.certain >= self.most {
                    break;
                }
            }
            return Some(all);
        }
        for (number, build) in self.build_sides.iter().enumerate() {
            if build.candidates.is_empty() && build.lists.is_empty() {
                continue;
            }
            let missing = *self.missing.get(number)?;
            let (mut candidates, mut lists, mut elements): (Entries<'_>, Entries<'_>, Vec<&Element<'_>>) =
                Default::default();
            // A list that one join does not find has no principal that counts.
            let (mut is_complete, mut is_found) = (build.lists.is_empty(), missing.is_some());
            for (join, (values, element)) in
                self.resources.get(number)?.iter().zip(self.elements.get(number)?).enumerate()
            {
                let of_lists = build.list_indexes.get(join);
                if let Some(element) = element {
                    // The value of a principal that is not known may be any element of the set.
                    let is_any = of_lists.is_some_and(|index| index.unkeyed.len() == build.lists.len());
                    match element.may_contain_unknown(at).filter(|_| is_any && missing.is_some()) {
                        Some(true) => {}
                        Some(false) => is_complete = true,
                        None => is_found = false,
                    }
                    elements.push(element);
                    continue;
                }
                let key = values.as_ref()?.key(at).filter(|key| key.exact && !key.literal)?;
                match of_lists.filter(|index| index.unkeyed.is_empty()).map(|index| index.get(key)) {
                    Some([]) => is_complete = true,
                    Some(found) => lists.push(found),
                    None => is_found = false,
                }
                if let Some(index) = build.indexes.get(join) {
                    candidates.push(index.get(key));
                }
            }
            all.certain += match elements.is_empty() {
                _ if build.candidates.is_empty() => 0,
                true => candidates.count(self.most)?,
                false => found_in_sets(build, candidates.common()?, &elements, at)?,
            };
            if all.certain >= self.most {
                break;
            }
            if !is_complete {
                let missing = missing.filter(|_| is_found)?;
                let most = |entry: u32| missing.get(*build.lists.get(entry as usize)? as usize)?.most;
                let lists = lists.common()?.map(|entry| most(entry).unwrap_or(u64::MAX));
                all.more = lists.fold(all.more, u64::saturating_add);
            }
        }
        Some(all)
    }
}

/// The entries that each of some indexes has for a resource.
#[derive(Default)]
struct Entries<'s> {
    first: Option<&'s [u32]>,
    others: Vec<&'s [u32]>,
}

impl<'s> Entries<'s> {
    fn push(&mut self, found: &'s [u32]) {
        match self.first {
            None => self.first = Some(found),
            Some(_) => self.others.push(found),
        }
    }

    /// Returns the entries that all indexes have. `None` if there is no index.
    fn common(&self) -> Option<impl Iterator<Item = u32>> {
        Some(common(self.first?, &self.others))
    }

    /// Returns the number of entries that all indexes have; at most `most` if there are several indexes.
    fn count(&self, most: usize) -> Option<usize> {
        if self.others.is_empty() { Some(self.first?.len()) } else { Some(self.common()?.take(most).count()) }
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
