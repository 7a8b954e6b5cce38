//! The probe phase: finds the principals of a resource by the keys of the resource, and tests the residual predicate.
//!
//! Every join of a derivation finds all its pairs, so each resource probes the index with the fewest matches.
//! Principals whose join value is unknown are tested for every resource. A resource whose join value is unknown is
//! tested with all candidates. The residual predicate is the part of the condition that neither the filters nor the
//! join decide. If it may fail, the whole condition is evaluated in Cedar's order.

use super::super::batch::{Batch, Role, Values, plain};
use super::super::eval::{Evaluator, Request};
use super::super::index::{BuildSide, Candidate, HashIndex, HashKey, common};
use super::super::operand::{AbstractValue, Domain, Operand};
use super::ROWS_PER_TASK;
use super::aggregate::{Pair, Truncated};
use crate::program::{Condition, DerivationProgram, DerivedAttribute, Join, JoinKey, Lanes, NodeId};
use crate::snapshot::UncapturedList;
use crate::value::{EntityRef, Outcomes, Value};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// The number of principals from which a batch is faster. It is low in debug builds, so that tests cover both ways.
const MIN_PRINCIPALS_FOR_BATCH: usize = if cfg!(debug_assertions) { 2 } else { 16 };

/// The number of rows of a batch for each principal in it, from which a batch is not faster.
const MAX_ROWS_FOR_PRINCIPAL: usize = 8;

/// The values that the joins of one derivation compare, for one side, by join; `None` if they are not read off columns.
pub(super) type JoinValues<'m> = Vec<Option<Values<'m>>>;

/// A resource, and the values of both sides of the joins where they were read for a batch.
#[derive(Clone, Copy)]
pub(super) struct Prober<'s, 'm> {
    /// The resource.
    pub(super) resource: EntityRef,
    /// The values of all principals, by derivation and join.
    pub(super) principals: &'s [JoinValues<'m>],
    /// The values of a batch of resources, by derivation and join.
    pub(super) resources: &'s [JoinValues<'m>],
    /// The place of the resource in the batch.
    pub(super) at: u32,
    /// Whether the principal may be the resource although a condition states that it is not.
    pub(super) ignores_apart: bool,
    /// Whether the search ends with a pair that is certain.
    pub(super) one_is_enough: bool,
}

impl<'s, 'm> Prober<'s, 'm> {
    /// Returns the prober of a resource without values of a batch.
    pub(super) fn single(resource: EntityRef) -> Self {
        Self { resource, principals: &[], resources: &[], at: 0, ignores_apart: false, one_is_enough: false }
    }

    /// Returns the two sides of a join.
    fn sides(&self, part: usize, join: usize) -> ProbeSides<'s, 'm> {
        let values = |side: &'s [JoinValues<'m>]| side.get(part)?.get(join)?.as_ref();
        ProbeSides { principals: values(self.principals), resources: values(self.resources), at: self.at }
    }
}

/// The values of the two sides of a join, where they were read for a batch.
#[derive(Clone, Copy)]
struct ProbeSides<'s, 'm> {
    principals: Option<&'s Values<'m>>,
    resources: Option<&'s Values<'m>>,
    /// The place of the resource among the resources.
    at: u32,
}

impl ProbeSides<'_, '_> {
    /// Returns whether the values of a principal and of the resource are equal; `element` is the element of a set of
    /// the resource. `None` if a value was not read for a batch.
    fn equal(&self, key: JoinKey, principal: u32, element: Option<&Value>) -> Option<bool> {
        let principal = self.principals?.at(principal)?;
        match (key, element) {
            (JoinKey::Equal(..), _) => Some(principal == self.resources?.at(self.at)?),
            (JoinKey::Element(..), Some(element)) => Some(principal == plain(element)?),
            _ => None,
        }
    }
}

/// The keys of a resource.
enum ProbeKeys<'s, 'm> {
    One(HashKey, &'s [u32]),
    /// The keys of the elements of a set.
    Several(Vec<ElementKey<'s, 'm>>),
}

/// A key with the element that has it, unless the set was computed, and the entries with this key.
type ElementKey<'s, 'm> = (HashKey, Option<&'m Value>, &'s [u32]);

impl<'s, 'm> ProbeKeys<'s, 'm> {
    /// Returns the keys.
    fn iter(&self) -> impl Iterator<Item = ElementKey<'s, 'm>> {
        let (one, several) = match self {
            ProbeKeys::One(key, matches) => (Some((*key, None, *matches)), &[][..]),
            ProbeKeys::Several(keys) => (None, &keys[..]),
        };
        one.into_iter().chain(several.iter().copied())
    }

    /// Returns the number of entries with one of the keys.
    fn matches(&self) -> usize {
        match self {
            ProbeKeys::One(_, matches) => matches.len(),
            ProbeKeys::Several(keys) => keys.iter().map(|(.., matches)| matches.len()).sum(),
        }
    }
}

/// A probe of the index of one join.
pub(super) struct Probe<'s, 'm> {
    join: &'s Join,
    /// The index of the join.
    pub(super) index: &'s HashIndex,
    keys: ProbeKeys<'s, 'm>,
    sides: ProbeSides<'s, 'm>,
    /// The number of entries with one of the keys.
    pub(super) matches: usize,
}

impl Probe<'_, '_> {
    /// Returns the number of entries that the probe finds: those without a key match any resource.
    fn tested(&self) -> usize {
        self.matches + self.index.unkeyed.len()
    }
}

/// The derivation whose candidates are tested on a resource, and the receiver of pairs.
struct Tests<'t> {
    part: &'t DerivationProgram,
    build: &'t BuildSide,
    resource: EntityRef,
    ignores_apart: bool,
    one_is_enough: bool,
    pairs: &'t mut Vec<Pair>,
}

impl Tests<'_> {
    /// Returns whether the last pair is certain, and no other one is needed.
    fn is_done(&self) -> bool {
        self.one_is_enough && self.pairs.last().is_some_and(|pair| pair.outcomes == Outcomes::TRUE)
    }

    /// Returns whether a condition is tested, if joins have decided that others are true.
    fn is_tested(&self, condition: &Condition, decided: &[NodeId]) -> bool {
        let is_ignored = self.ignores_apart && self.part.apart.as_ref() == Some(condition);
        !is_decided(condition, decided) && !is_ignored
    }
}

impl<'a> Evaluator<'a> {
    /// Finds the principals that the policies of an attribute may permit or forbid on a resource. A principal may be
    /// found more than once.
    pub(super) fn pairs<'s, 'm: 's>(
        &'m self,
        attribute: &'s DerivedAttribute,
        build_sides: &'s [BuildSide],
        prober: Prober<'s, 'm>,
        pairs: &mut Vec<Pair>,
    ) -> Truncated {
        let mut truncated = Truncated::default();
        for (number, (part, build)) in attribute.parts.iter().zip(build_sides).enumerate() {
            let Prober { resource, ignores_apart, one_is_enough, .. } = prober;
            let mut tests = Tests { part, build, resource, ignores_apart, one_is_enough, pairs };
            let is_complete = match self.best_probe(part, &build.indexes, prober, number) {
                Some(probe) => self.test_matches(&mut tests, &probe, prober, number),
                None => self.test_candidates(&mut tests),
            };
            if tests.is_done() {
                break;
            }
            if !is_complete {
                truncated.note(part.subtracts);
            }
        }
        truncated
    }

    /// Returns the probe of a resource with the fewest matches, by derivation number. `None` if the resource does not
    /// have a key for any join.
    pub(super) fn best_probe<'s, 'm: 's>(
        &'m self,
        part: &'s DerivationProgram,
        indexes: &'s [HashIndex],
        prober: Prober<'s, 'm>,
        number: usize,
    ) -> Option<Probe<'s, 'm>> {
        let mut best: Option<Probe<'s, 'm>> = None;
        for (at, (join, index)) in part.joins.iter().zip(indexes).enumerate() {
            let least = best.as_ref().map_or(usize::MAX, Probe::tested);
            if index.unkeyed.len() >= least {
                continue;
            }
            let sides = prober.sides(number, at);
            let Some(keys) = self.probe_keys(join.key, index, prober.resource, sides) else { continue };
            let matches = keys.matches();
            let probe = Probe { join, index, keys, sides, matches };
            if probe.tested() < least {
                best = Some(probe);
            }
        }
        best
    }

    /// Returns the entries that other joins than the one of the probe find for a resource, with their conditions. All pairs of
    /// these joins are among them.
    fn other_matches<'s, 'm: 's>(
        &'m self,
        tests: &Tests<'s>,
        probe: &Probe<'_, '_>,
        prober: Prober<'s, 'm>,
        number: usize,
    ) -> (Vec<NodeId>, Vec<&'s [u32]>) {
        let joins = tests.part.joins.iter().zip(&tests.build.indexes).enumerate();
        let others = joins.filter(|(_, (join, index))| join.node != probe.join.node && index.unkeyed.is_empty());
        let found = others.filter_map(|(at, (join, index))| {
            match self.probe_keys(join.key, index, prober.resource, prober.sides(number, at))? {
                ProbeKeys::One(key, found) if key.exact && !key.literal => Some((join.node, found)),
                _ => None,
            }
        });
        found.unzip()
    }

    /// Returns the keys of a resource for a join. `None` if its join value is not known in full.
    fn probe_keys<'s, 'm>(
        &'m self,
        key: JoinKey,
        index: &'s HashIndex,
        resource: EntityRef,
        sides: ProbeSides<'_, 'm>,
    ) -> Option<ProbeKeys<'s, 'm>> {
        let one = |key: HashKey| Some(ProbeKeys::One(key, index.get(key)));
        if let Some(key) = sides.resources.and_then(|values| values.key(sides.at)) {
            return one(key);
        }
        let request = Request { principal: self.root(), resource, uncaptured_in: None };
        let value = self.value(key.resource(), &request);
        let AbstractValue { value: Domain::Known(operand), may_error: false } = value else { return None };
        if !operand.is_exact() {
            return None;
        }
        let of_item = |item, element| {
            let key = self.join_key(&Operand::of(item), index.is_interned);
            (key, element, index.get(key))
        };
        match (key, &operand) {
            (JoinKey::Within(_) | JoinKey::Element(..), Operand::Set(set)) => {
                Some(ProbeKeys::Several(set.items().iter().map(|item| of_item(item, Some(item))).collect()))
            }
            (JoinKey::Within(_) | JoinKey::Element(..), Operand::BuiltSet(set)) => {
                Some(ProbeKeys::Several(set.items().iter().map(|item| of_item(item, None)).collect()))
            }
            _ => one(self.join_key(&operand, index.is_interned)),
        }
    }

    /// Tests the candidates that match a probe, and those without a key. Returns whether all were tested.
    fn test_matches<'s, 'm: 's>(
        &'m self,
        tests: &mut Tests<'s>,
        probe: &Probe<'s, 'm>,
        prober: Prober<'s, 'm>,
        number: usize,
    ) -> bool {
        let Probe { join, index, keys, sides, .. } = probe;
        let build = tests.build;
        for (key, element, matches) in keys.iter() {
            if key.exact && matches.len() >= MIN_PRINCIPALS_FOR_BATCH && tests.part.joins.len() > 1 {
                let (mut decided, lists) = self.other_matches(tests, probe, prober, number);
                decided.push(join.node);
                let places: Vec<u32> = common(matches, &lists).collect();
                self.test_all(tests, &places, &decided);
            } else if key.exact {
                self.test_all(tests, matches, &[join.node]);
            } else if matches.len() >= MIN_PRINCIPALS_FOR_BATCH {
                self.test_all(tests, matches, &[]);
            } else {
                // Different values may have the same key.
                for candidate in matches.iter().map(|at| build.candidate(*at)) {
                    let is_equal = sides.equal(join.key, candidate.row, element);
                    if is_equal != Some(false) {
                        self.test(tests, candidate, is_equal.map(|_| join.node).as_slice());
                        if tests.is_done() {
                            return true;
                        }
                    }
                }
            }
            if tests.is_done() {
                return true;
            }
        }
        let unkeyed = at_most(&index.unkeyed, build.limits.unkeyed);
        self.test_all(tests, unkeyed, &[]);
        unkeyed.len() == index.unkeyed.len()
    }

    /// Tests all candidates, up to the limit. Returns whether all were tested.
    fn test_candidates(&self, tests: &mut Tests<'_>) -> bool {
        let candidates = &tests.build.candidates;
        let tested = at_most(candidates, tests.build.limits.unjoined);
        let is_complete = tested.len() == candidates.len();
        let places: Vec<u32> = (0..).zip(tested).map(|(at, _)| at).collect();
        self.test_all(tests, &places, &[]);
        is_complete
    }

    /// Tests candidates, by their ascending places: in batches where many are close together.
    ///
    /// `decided` are conditions that joins have decided: they are true for these candidates.
    fn test_all(&self, tests: &mut Tests<'_>, places: &[u32], decided: &[NodeId]) {
        let build = tests.build;
        let row = |at: &u32| build.candidate(*at).row;
        for run in places.chunk_by(|a, b| row(a) / ROWS_PER_TASK == row(b) / ROWS_PER_TASK) {
            let (Some(first), Some(last)) = (run.first().map(row), run.last().map(row)) else { continue };
            let rows = (last - first) as usize + 1;
            if run.len() < MIN_PRINCIPALS_FOR_BATCH || run.len() * MAX_ROWS_FOR_PRINCIPAL < rows {
                for at in run {
                    self.test(tests, build.candidate(*at), decided);
                    if tests.is_done() {
                        return;
                    }
                }
            } else {
                self.test_batch(tests, first, run, decided);
            }
        }
    }

    /// Tests candidates, by their ascending places, in a batch that starts at a row.
    fn test_batch(&self, tests: &mut Tests<'_>, start: u32, places: &[u32], decided: &[NodeId]) {
        let part = tests.part;
        let batch = Batch { role: Role::Principal, ty: part.body.principal, start, other: tests.resource };
        let build = tests.build;
        let candidates = || places.iter().map(|at| build.candidate(*at));
        let rows = candidates().filter(|candidate| residual(part, *candidate).is_some());
        let mut lanes = lanes_of(start, rows.map(|candidate| (candidate.row, candidate.filter)));
        for condition in part.rest.iter().flatten().filter(|condition| tests.is_tested(condition, decided)) {
            self.and_batch(condition, batch, &mut lanes);
        }
        let rows = candidates().filter(|candidate| residual(part, *candidate).is_none());
        let mut whole = lanes_of(start, rows.map(|candidate| (candidate.row, Outcomes::TRUE)));
        if !whole.is_empty() {
            whole = self.policy_batch(&part.body, false, batch, whole).satisfied;
        }
        for candidate in candidates() {
            let lanes = if residual(part, candidate).is_some() { &lanes } else { &whole };
            let outcomes = lanes.get((candidate.row - start) as usize).copied().unwrap_or(Outcomes::EITHER);
            self.add_pair(tests, candidate, outcomes);
        }
    }

    /// Tests one candidate.
    fn test(&self, tests: &mut Tests<'_>, candidate: Candidate, decided: &[NodeId]) {
        let part = tests.part;
        let principal = EntityRef { ty: part.body.principal, row: candidate.row };
        let request = Request { principal, resource: tests.resource, uncaptured_in: None };
        let Some(rest) = residual(part, candidate) else {
            let outcomes = self.policy(&part.body, false, &request).satisfied;
            return self.add_pair(tests, candidate, outcomes);
        };
        let mut outcomes = candidate.filter;
        for condition in rest.iter().filter(|condition| tests.is_tested(condition, decided)) {
            if outcomes.continued(Outcomes::TRUE).is_none() {
                break;
            }
            outcomes.combine(self.condition(condition, &request), Outcomes::and);
        }
        self.add_pair(tests, candidate, outcomes);
    }

    /// Adds the pair of a candidate, unless the policy is certainly not satisfied.
    fn add_pair(&self, tests: &mut Tests<'_>, candidate: Candidate, outcomes: Outcomes) {
        let principal = EntityRef { ty: tests.part.body.principal, row: candidate.row };
        let outcomes = error_as_either(outcomes);
        if outcomes != Outcomes::FALSE {
            // A copy may be the same instance as an earlier one.
            let outcomes = if self.snapshot.is_copy(principal) { Outcomes::EITHER } else { outcomes };
            tests.pairs.push(Pair { principal, subtracts: tests.part.subtracts, outcomes });
        }
    }

    /// Passes on the uncaptured lists that may have a principal which a `permit` permits on a resource, until `each` returns
    /// `false`. Returns whether all lists were tested up to there.
    pub(super) fn contributing_lists<'s, 'm: 's>(
        &'m self,
        attribute: &'s DerivedAttribute,
        build_sides: &'s [BuildSide],
        prober: Prober<'s, 'm>,
        mut each: impl FnMut(&'a UncapturedList) -> bool,
    ) -> bool {
        let (mut known, mut is_complete) = (BTreeSet::new(), true);
        for (number, (part, build)) in attribute.parts.iter().zip(build_sides).enumerate() {
            let ty = part.body.principal;
            let missing = &self.snapshot.table(ty).uncaptured_lists;
            let matches = self.matching_lists(part, build, prober, number);
            is_complete &= matches.len() <= build.limits.lists;
            for place in matches.places().take(build.limits.lists) {
                // The places of one derivation are different.
                let is_new = |_: &&UncapturedList| number == 0 || !known.contains(&(ty, place));
                let Some(list) = missing.get(place as usize).filter(is_new) else {
                    continue;
                };
                if !self.may_contribute(part, list, prober.resource, matches.decided) {
                    continue;
                }
                if attribute.parts.len() > 1 {
                    known.insert((ty, place));
                }
                if !each(list) {
                    return is_complete;
                }
            }
        }
        is_complete
    }

    /// Returns whether a policy may permit a principal of an uncaptured list on a resource. A join may have decided a condition.
    fn may_contribute(
        &self,
        part: &DerivationProgram,
        list: &UncapturedList,
        resource: EntityRef,
        decided: Option<NodeId>,
    ) -> bool {
        let principal = EntityRef::placeholder(part.body.principal);
        let request = Request { principal, resource, uncaptured_in: Some(list.scope) };
        match &part.rest {
            // The filters do not exclude the lists of a build side.
            Some(rest) => {
                let mut tested = rest.iter().filter(|condition| !is_decided(condition, decided.as_slice()));
                tested.all(|condition| error_as_either(self.condition(condition, &request)) != Outcomes::FALSE)
            }
            None => error_as_either(self.policy(&part.body, false, &request).satisfied) != Outcomes::FALSE,
        }
    }

    /// Returns the uncaptured lists that a join finds for a resource, or all lists, by their ascending places in the table.
    fn matching_lists<'s, 'm: 's>(
        &'m self,
        part: &'s DerivationProgram,
        build: &'s BuildSide,
        prober: Prober<'s, 'm>,
        number: usize,
    ) -> MatchingLists<'s> {
        let all = MatchingLists { lists: &build.lists, entries: None, decided: None };
        if build.lists.is_empty() {
            return all;
        }
        let Some(probe) = self.best_probe(part, &build.list_indexes, prober, number) else { return all };
        let Probe { index, keys, join, .. } = &probe;
        // A literal may name an unknown instance between the principal and the scope of its list.
        if keys.iter().any(|(key, ..)| key.literal) {
            return all;
        }
        if let ProbeKeys::One(key, entries) = keys
            && index.unkeyed.is_empty()
        {
            let decided = key.exact.then_some(join.node);
            return MatchingLists { entries: Some(Cow::Borrowed(entries)), decided, ..all };
        }
        let mut entries: Vec<u32> =
            keys.iter().flat_map(|(.., matches)| matches).chain(&index.unkeyed).copied().collect();
        entries.sort_unstable();
        entries.dedup();
        MatchingLists { entries: Some(Cow::Owned(entries)), ..all }
    }
}

/// Uncaptured lists that may have a principal of a derivation.
struct MatchingLists<'s> {
    /// The lists of the build side, by their ascending places in the table.
    lists: &'s [u32],
    /// The places of the lists among these, in order; `None` for all.
    entries: Option<Cow<'s, [u32]>>,
    /// The condition that a join has decided for all of them.
    decided: Option<NodeId>,
}

impl MatchingLists<'_> {
    fn len(&self) -> usize {
        self.entries.as_ref().map_or(self.lists.len(), |entries| entries.len())
    }

    /// Returns their places in the table, in order.
    fn places(&self) -> impl Iterator<Item = u32> {
        (0..self.len()).filter_map(|at| match &self.entries {
            Some(entries) => self.lists.get(*entries.get(at)? as usize).copied(),
            None => self.lists.get(at).copied(),
        })
    }
}

/// Returns the conditions to test after the filters; `None` if the whole policy is evaluated in order, as it may fail.
fn residual(part: &DerivationProgram, candidate: Candidate) -> Option<&[Condition]> {
    part.rest.as_deref().filter(|_| !candidate.filter.may(Outcomes::ERROR))
}

/// Returns whether a condition is one of those that joins have decided.
fn is_decided(condition: &Condition, decided: &[NodeId]) -> bool {
    matches!(condition, Condition::Leaf(node) if decided.contains(node))
}

/// Returns the lanes of a batch that starts at a row, from the outcomes of some rows in ascending order.
fn lanes_of(start: u32, rows: impl Iterator<Item = (u32, Outcomes)>) -> Vec<Outcomes> {
    let mut lanes = Vec::new();
    for (row, outcomes) in rows {
        lanes.resize((row - start) as usize, Outcomes::NONE);
        lanes.push(outcomes);
    }
    lanes
}

/// Returns the outcomes for an aggregation: a pair whose policy may fail may count.
fn error_as_either(outcomes: Outcomes) -> Outcomes {
    if outcomes.may(Outcomes::ERROR) { Outcomes::EITHER } else { outcomes }
}

/// Returns the first items of a list, at most `most`.
fn at_most<T>(list: &[T], most: usize) -> &[T] {
    list.get(..most).unwrap_or(list)
}
