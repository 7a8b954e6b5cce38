//! Derivation: values computed from the principals that derivation policies permit.

use super::batch::{Batch, Role, Values, plain};
use super::eval::{Evaluator, Request};
use super::index::{HashIndex, HashKey, Index, Tried};
use super::operand::{AbstractValue, Domain, Operand};
use crate::parallel::*;
use crate::program::{Aggregate, Body, Condition, DerivationProgram, DerivedAttribute, Join, JoinKey, Lanes, NodeId};
use crate::snapshot::{Column, Data, State, UncapturedList};
use crate::source::cedar::on_deep_stack;
use crate::value::{EntityRef, Outcomes, Set, TypeId, Value};
use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

/// Principals that are tried where all would be too many.
const SAMPLED_PRINCIPALS: usize = 64;

/// The share of the pairs left to a derivation that is spent where all would be too many: values that are not known
/// are compared row by row.
const SAMPLE_SHARE: usize = 16;

/// Principals that are worth being tried together. Debug builds try two together, so that tests of few meet both ways.
const MIN_PRINCIPALS_FOR_BATCH: usize = if cfg!(debug_assertions) { 2 } else { 16 };

/// Rows in one piece of work.
const ROWS_PER_TASK: u32 = 4096;

/// A principal behind a derived value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Witness {
    /// The principal.
    pub entity: EntityRef,
    /// Whether it certainly counts; otherwise it depends on a value that was not captured.
    pub certain: bool,
}

/// The principals behind a derived value, and the lists in which more may be.
#[derive(Debug, Default)]
pub struct Contributions<'a> {
    /// In order of type and row.
    pub witnesses: Vec<Witness>,
    /// Lists that were not captured and may hold principals that count.
    pub missing: Vec<&'a UncapturedList>,
}

/// How many pairs a derivation has to try.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    /// Resources whose principals a join finds.
    joined: usize,
    /// Pairs that the joins find by their values.
    found: usize,
    /// Pairs of those resources with principals that may match any.
    always: usize,
    /// Resources that no join helps with, since what they are joined on is not known.
    unjoined: usize,
}

impl Tally {
    fn plus(self, other: Self) -> Self {
        Self {
            joined: self.joined + other.joined,
            found: self.found.saturating_add(other.found),
            always: self.always.saturating_add(other.always),
            unjoined: self.unjoined + other.unjoined,
        }
    }
}

/// What a resource looks for its principals under.
enum ProbeKeys<'m> {
    One(HashKey),
    /// The elements of a set, with their values where those are at hand.
    Several(Vec<(HashKey, Option<&'m Value>)>),
}

/// The two sides of a join, where they are read off columns.
#[derive(Clone, Copy, Default)]
struct ProbeSides<'s, 'm> {
    /// Those of all principals.
    principal: Option<&'s Values<'m>>,
    /// Those of some resources, and which of them is in hand.
    resource: Option<(&'s Values<'m>, usize)>,
}

/// Whether there may be principals that were not tried.
#[derive(Clone, Copy, Default)]
struct Truncated {
    permitted: bool,
    forbidden: bool,
}

impl Truncated {
    fn note(&mut self, subtracts: bool, truncated: bool) {
        *(if subtracts { &mut self.forbidden } else { &mut self.permitted }) |= truncated;
    }
}

/// A principal that may be permitted, or forbidden, on the resource in hand.
struct Pair {
    principal: EntityRef,
    subtracts: bool,
    mask: Outcomes,
}

/// How one resource finds its principals.
struct Probe<'s, 'm> {
    join: &'s Join,
    lookup: &'s HashIndex,
    keys: ProbeKeys<'m>,
    sides: ProbeSides<'s, 'm>,
    /// How many principals have one of the keys.
    found: usize,
}

/// A derivation that would try too many pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooManyPairs {
    /// Its place in the policies' derivations.
    pub derivation: usize,
    /// How many principals its own conditions leave.
    pub principals: usize,
    /// How many resources there are.
    pub resources: usize,
    /// How many pairs its joins find; `None` if it has none, so that every pair is tried.
    pub found: Option<usize>,
}

impl<'a> Evaluator<'a> {
    /// Computes every derived attribute of the program.
    ///
    /// Returns the derivations that would try more than `most_pairs` pairs: of what they derive nothing is known.
    pub(super) fn derive(&mut self, most_pairs: usize) -> Vec<TooManyPairs> {
        self.derive_where(|_| true, most_pairs)
    }

    /// Computes some of the derived attributes, by their places in the program, and takes the others from a evaluator that
    /// has derived them from the same snapshot.
    pub(super) fn derive_again(&mut self, other: &Self, again: &[bool], most_pairs: usize) -> Vec<TooManyPairs> {
        let program = self.program;
        self.tried.clone_from(&other.tried);
        for (attribute, _) in program.derived.iter().zip(again).filter(|(_, again)| !**again) {
            let (ty, slot) = (attribute.ty.index(), attribute.slot.index());
            self.derived[ty][slot].clone_from(&other.derived[ty][slot]);
        }
        self.derive_where(|at| again.get(at) == Some(&true), most_pairs)
    }

    fn derive_where(&mut self, is_wanted: impl Fn(usize) -> bool, most_pairs: usize) -> Vec<TooManyPairs> {
        let program = self.program;
        self.indexes = program.derived.iter().map(|_| OnceLock::new()).collect();
        self.tried.resize(program.derived.len(), Vec::new());
        let mut all_too_many = Vec::new();
        let wanted: Vec<(usize, &DerivedAttribute)> =
            program.derived.iter().enumerate().filter(|(at, _)| is_wanted(*at)).collect();
        // Attributes of one level do not read each other.
        for level in wanted.chunk_by(|(_, a), (_, b)| a.level == b.level) {
            let derived: Vec<(Vec<Tried>, Vec<TooManyPairs>, Option<Column>)> = level
                .par_iter()
                .map(|(_, attribute)| {
                    let mut indexes = on_deep_stack(|| self.index(attribute));
                    let mut too_many = Vec::new();
                    for (part, index) in attribute.parts.iter().zip(&mut indexes) {
                        match self.tried(part, index, attribute.ty, most_pairs) {
                            Ok(tried) => index.tried = tried,
                            Err(excess) => too_many.push(excess),
                        }
                    }
                    // Of what a broken derivation would have computed nothing is known.
                    let sound = !attribute.broken && too_many.is_empty();
                    let column = sound.then(|| on_deep_stack(|| self.derived_column(attribute, &indexes)));
                    (indexes.iter().map(|index| index.tried).collect(), too_many, column)
                })
                .collect();
            for ((at, attribute), (tried, too_many, column)) in level.iter().zip(derived) {
                self.tried[*at] = if too_many.is_empty() { tried } else { Vec::new() };
                all_too_many.extend(too_many);
                self.derived[attribute.ty.index()][attribute.slot.index()] = column.map(Arc::new);
            }
        }
        all_too_many
    }

    /// Returns how many principals are tried on the resources of a type where nothing is found by a value, so that no
    /// more than `most` pairs are tried in all.
    ///
    /// # Errors
    /// When there are more without those.
    fn tried(&self, part: &DerivationProgram, index: &Index, ty: TypeId, most: usize) -> Result<Tried, TooManyPairs> {
        let (principals, resources) = (index.kept.len(), self.snapshot.table(ty).rows.len());
        let excess = |found| TooManyPairs { derivation: part.derivation, principals, resources, found };
        let mut all = Tried { always: usize::MAX, unjoined: usize::MAX, lists: usize::MAX };
        if index.lists.len().saturating_mul(resources) > most {
            all.lists = SAMPLED_PRINCIPALS.max(most / SAMPLE_SHARE / resources.max(1));
        }
        let on_one = index.lookups.iter().map(|lookup| lookup.sorted.len() + lookup.always.len());
        if on_one.fold(principals, usize::max).saturating_mul(resources) <= most {
            return Ok(all);
        }
        if part.joins.is_empty() {
            return Err(excess(None));
        }
        let tally = self.tally(part, index, ty);
        if tally.found > most {
            return Err(excess(Some(tally.found)));
        }
        let (mut left, mut tried) = (most - tally.found, all);
        if tally.always > left {
            tried.always = SAMPLED_PRINCIPALS.min(left / SAMPLE_SHARE / tally.joined.max(1));
        }
        left = left.saturating_sub(tally.always.min(tally.joined.saturating_mul(tried.always)));
        if tally.unjoined.saturating_mul(principals) > left {
            tried.unjoined = SAMPLED_PRINCIPALS.min(left / SAMPLE_SHARE / tally.unjoined.max(1));
        }
        Ok(tried)
    }

    /// Counts the pairs that a derivation has to try on the resources of a type.
    fn tally(&self, part: &DerivationProgram, index: &Index, ty: TypeId) -> Tally {
        let rows = self.snapshot.table(ty).rows.len() as u32;
        let starts: Vec<u32> = (0..rows).step_by(ROWS_PER_TASK as usize).collect();
        let run = |start: &u32| {
            let len = (rows - start).min(ROWS_PER_TASK) as usize;
            let batch = Batch { role: Role::Resource, ty, start: *start, other: self.root() };
            let values: Vec<Option<Values<'_>>> =
                part.joins.iter().map(|join| self.values(join.tie.resource(), batch, len)).collect();
            let one = |at: usize| {
                let sides = |join: usize| ProbeSides {
                    principal: None,
                    resource: values[join].as_ref().map(|values| (values, at)),
                };
                match self.search(part, &index.lookups, EntityRef { ty, row: start + at as u32 }, sides) {
                    Some(Probe { lookup, found, .. }) => {
                        Tally { joined: 1, found, always: lookup.always.len(), unjoined: 0 }
                    }
                    None => Tally { unjoined: 1, ..Tally::default() },
                }
            };
            (0..len).map(one).fold(Tally::default(), Tally::plus)
        };
        let tallies: Vec<Tally> = starts.par_iter().map(|start| on_deep_stack(|| run(start))).collect();
        tallies.into_iter().fold(Tally::default(), Tally::plus)
    }

    fn derived_column(&self, attribute: &DerivedAttribute, indexes: &[Index]) -> Column {
        let rows = self.snapshot.table(attribute.ty).rows.len() as u32;
        // Few resources may have many principals each.
        let run = rows.div_ceil(64).clamp(1, ROWS_PER_TASK);
        let starts: Vec<u32> = (0..rows).step_by(run as usize).collect();
        let everybody = |part: &DerivationProgram, node| {
            let batch = Batch { role: Role::Principal, ty: part.body.principal, start: 0, other: self.root() };
            self.values(node, batch, self.snapshot.table(part.body.principal).rows.len())
        };
        let principals: Vec<Vec<Option<Values<'_>>>> = (attribute.parts.iter())
            .map(|part| part.joins.iter().map(|join| everybody(part, join.tie.principal()?)).collect())
            .collect();
        let runs: Vec<Vec<Aggregated>> = starts
            .par_iter()
            .map(|start| {
                on_deep_stack(|| {
                    let len = (rows - start).min(run) as usize;
                    let batch = Batch { role: Role::Resource, ty: attribute.ty, start: *start, other: self.root() };
                    let resources: Vec<Vec<Option<Values<'_>>>> = (attribute.parts.iter())
                        .map(|part| {
                            part.joins.iter().map(|join| self.values(join.tie.resource(), batch, len)).collect()
                        })
                        .collect();
                    let mut pairs = Vec::new();
                    let sum = |index: usize| {
                        pairs.clear();
                        let resource = EntityRef { ty: attribute.ty, row: start + index as u32 };
                        let sides = |part: usize, join: usize| ProbeSides {
                            principal: principals[part][join].as_ref(),
                            resource: resources[part][join].as_ref().map(|values| (values, index)),
                        };
                        let truncated = self.pairs(attribute, indexes, resource, sides, &mut pairs);
                        let any_number = |list: &UncapturedList| list.most.is_none();
                        let more = match self.missing_behind(attribute, indexes, resource, sides, any_number) {
                            (_, true) => u64::MAX,
                            _ if truncated.permitted => u64::MAX,
                            (lists, _) => more(&lists),
                        };
                        let witnesses = witnesses(&mut pairs, truncated);
                        self.aggregated(attribute.aggregate, witnesses, more)
                    };
                    (0..len).map(sum).collect()
                })
            })
            .collect();
        let mut states = Vec::with_capacity(rows as usize);
        let mut data = match attribute.aggregate {
            Aggregate::Exists => Data::Bool(Vec::with_capacity(rows as usize)),
            Aggregate::Count => Data::Range(Vec::with_capacity(rows as usize)),
            Aggregate::Collect => Data::Value(Vec::with_capacity(rows as usize)),
        };
        for Aggregated { known, value } in runs.into_iter().flatten() {
            states.push(if known { State::Known } else { State::Uncaptured });
            match (&mut data, value) {
                (Data::Bool(all), AggregatedValue::Exists(found)) => all.push(found),
                (Data::Range(all), AggregatedValue::Count(low, high)) => all.push((low, high)),
                (Data::Value(all), AggregatedValue::Collect(set)) => all.push(Value::Set(Arc::new(set))),
                _ => {}
            }
        }
        Column { states, data }
    }

    fn aggregated(&self, aggregate: Aggregate, witnesses: impl Iterator<Item = Witness>, more: u64) -> Aggregated {
        if aggregate == Aggregate::Collect {
            let (certain, maybe): (Vec<Witness>, Vec<Witness>) = witnesses.partition(|witness| witness.certain);
            let values = |list: Vec<Witness>| list.into_iter().map(|found| Value::Entity(found.entity)).collect();
            let set = Set::partial(values(certain), values(maybe), false);
            return Aggregated { known: more == 0, value: AggregatedValue::Collect(set) };
        }
        let (mut certain, mut most) = (0, 0);
        for witness in witnesses {
            most += 1;
            certain += i64::from(witness.certain);
        }
        let most = i64::try_from(more).unwrap_or(i64::MAX).saturating_add(most);
        match aggregate {
            Aggregate::Exists => {
                Aggregated { known: certain > 0 || most == 0, value: AggregatedValue::Exists(certain > 0) }
            }
            _ => Aggregated { known: certain == most, value: AggregatedValue::Count(certain, most) },
        }
    }

    /// Returns the principals behind a derived attribute (by its place in the program) of one resource.
    pub fn aggregate(&self, at: usize, resource: EntityRef) -> Contributions<'a> {
        let Some((attribute, indexes)) = self.program.derived.get(at).zip(self.indexes.get(at)) else {
            return Contributions::default();
        };
        // Where too many pairs would be tried, none is.
        let Some(tried) = self.tried.get(at).filter(|tried| tried.len() == attribute.parts.len()) else {
            return Contributions::default();
        };
        // They were dropped once the attribute was derived: few attributes are asked after again.
        let indexes = indexes.get_or_init(|| {
            let mut indexes = self.index(attribute);
            indexes.iter_mut().zip(tried).for_each(|(index, tried)| index.tried = *tried);
            indexes
        });
        let mut pairs = Vec::new();
        let sides = |_, _| ProbeSides::default();
        let truncated = self.pairs(attribute, indexes, resource, sides, &mut pairs);
        let (missing, _) = self.missing_behind(attribute, indexes, resource, sides, |_| false);
        Contributions { witnesses: witnesses(&mut pairs, truncated).collect(), missing }
    }

    /// Returns the lists that were not captured and could hold a principal that is permitted, up to the first that is
    /// `enough`, and whether there may be more among those that were not tried because they are too many.
    fn missing_behind<'s, 'm: 's>(
        &'m self,
        attribute: &'s DerivedAttribute,
        indexes: &'s [Index],
        resource: EntityRef,
        sides: impl Fn(usize, usize) -> ProbeSides<'s, 'm>,
        enough: impl Fn(&UncapturedList) -> bool,
    ) -> (Vec<&'a UncapturedList>, bool) {
        let (mut found, mut known, mut truncated) = (Vec::new(), BTreeSet::new(), false);
        for (number, (part, index)) in attribute.parts.iter().zip(indexes).enumerate() {
            let ty = part.body.principal;
            let missing = &self.snapshot.table(ty).uncaptured_lists;
            let near = self.lists_near(part, index, resource, |join| sides(number, join));
            let many = near.as_ref().map_or(index.lists.len(), Vec::len);
            truncated |= many > index.tried.lists;
            for at in 0..many.min(index.tried.lists) {
                let at = near.as_ref().map_or(Some(at), |near| near.get(at).map(|at| *at as usize));
                let Some(place) = at.and_then(|at| index.lists.get(at)).copied() else { continue };
                let Some(list) = missing.get(place as usize).filter(|_| !known.contains(&(ty, place))) else {
                    continue;
                };
                let uncaptured_in = Some(list.scope);
                let request = Request { principal: EntityRef::placeholder(ty), resource, uncaptured_in };
                if settle(self.policy(&part.body, false, &request).satisfied) == Outcomes::FALSE {
                    continue;
                }
                known.insert((ty, place));
                found.push(list);
                if enough(list) {
                    return (found, truncated);
                }
            }
        }
        (found, truncated)
    }

    /// Returns which lists a join finds for a resource, by their ascending places among those of an index. `None`
    /// where no join helps.
    fn lists_near<'s, 'm: 's>(
        &'m self,
        part: &'s DerivationProgram,
        index: &'s Index,
        resource: EntityRef,
        sides: impl Fn(usize) -> ProbeSides<'s, 'm>,
    ) -> Option<Vec<u32>> {
        if index.lists.is_empty() {
            return None;
        }
        let Probe { lookup, keys, .. } = self.search(part, &index.list_lookups, resource, sides)?;
        let keys = match keys {
            ProbeKeys::One(key) => vec![key],
            ProbeKeys::Several(keys) => keys.into_iter().map(|(key, _)| key).collect(),
        };
        // A literal may name what lies between an instance that was not captured and its list.
        if keys.iter().any(|key| key.exact && EntityRef { ty: TypeId::default(), row: key.bits as u32 }.is_literal()) {
            return None;
        }
        let found = keys.into_iter().flat_map(|key| lookup.found(key));
        let mut near: Vec<u32> = found.chain(&lookup.always).copied().collect();
        near.sort_unstable();
        near.dedup();
        Some(near)
    }

    /// Returns how the principals of an attribute's derivations are found. On one thread: a lock may wait for it.
    fn index(&self, attribute: &DerivedAttribute) -> Vec<Index> {
        let index = |part: &DerivationProgram| {
            let mut index = self.filter(part);
            index.lookups = part.joins.iter().map(|join| self.lookup(part, join.tie, &index)).collect();
            if !part.subtracts {
                index.lists = self.lists(part);
                let lookup = |join: &Join| self.list_lookup(part, join.tie, &index.lists);
                index.list_lookups = part.joins.iter().map(lookup).collect();
            }
            index
        };
        attribute.parts.iter().map(index).collect()
    }

    fn filter(&self, part: &DerivationProgram) -> Index {
        let ty = part.body.principal;
        let rows = self.snapshot.table(ty).rows.len() as u32;
        let mut index = Index::default();
        for start in (0..rows).step_by(ROWS_PER_TASK as usize) {
            let batch = Batch { role: Role::Principal, ty, start, other: self.root() };
            let mut masks = vec![Outcomes::TRUE; (rows - start).min(ROWS_PER_TASK) as usize];
            for filter in &part.filters {
                self.further(filter, batch, &mut masks);
            }
            for (row, mask) in (start..).zip(masks).filter(|(_, mask)| *mask != Outcomes::FALSE) {
                index.kept.push(row);
                index.filtered.push(mask);
            }
        }
        index
    }

    /// Returns the lists that were not captured and may hold principals that the filters leave.
    fn lists(&self, part: &DerivationProgram) -> Vec<u32> {
        let left =
            |request: &Request| part.filters.iter().all(|filter| self.condition(filter, request) != Outcomes::FALSE);
        let lists = (0u32..).zip(&self.snapshot.table(part.body.principal).uncaptured_lists);
        lists.filter(|(_, list)| left(&self.uncaptured_in(part, list))).map(|(at, _)| at).collect()
    }

    /// The request of a principal that may be in a list that was not captured; the root stands in for the resource.
    fn uncaptured_in(&self, part: &DerivationProgram, list: &UncapturedList) -> Request {
        let principal = EntityRef::placeholder(part.body.principal);
        Request { principal, resource: self.root(), uncaptured_in: Some(list.scope) }
    }

    fn list_lookup(&self, part: &DerivationProgram, tie: JoinKey, lists: &[u32]) -> HashIndex {
        let around = self.around(part, tie);
        let missing = &self.snapshot.table(part.body.principal).uncaptured_lists;
        let (mut found, mut always) = (Vec::new(), Vec::new());
        for (at, list) in (0u32..).zip(lists.iter().filter_map(|list| missing.get(*list as usize))) {
            match self.keys_of(tie, &around, list.scope, &self.uncaptured_in(part, list)) {
                Some(keys) => found.extend(keys.into_iter().map(|key| (key.bits, at))),
                None => always.push(at),
            }
        }
        HashIndex::new(found, always)
    }

    /// The types of the entities that a join on what a principal lies in looks at.
    fn around(&self, part: &DerivationProgram, tie: JoinKey) -> Vec<TypeId> {
        let JoinKey::Within(container) = tie else { return Vec::new() };
        let wanted = self.entity_type_of(container, &part.body);
        self.model.ancestry(part.body.principal).filter(|ty| wanted.is_none_or(|wanted| wanted == *ty)).collect()
    }

    /// The keys of a principal that is nested in `within`, or is that. `None` when what it is joined on is not known.
    fn keys_of(&self, tie: JoinKey, around: &[TypeId], within: EntityRef, request: &Request) -> Option<Vec<HashKey>> {
        let node = match tie {
            JoinKey::Within(_) => {
                let around = around.iter();
                let around = around.filter_map(|around| self.snapshot.enclosing(self.model, within, *around));
                return Some(around.map(HashKey::entity).collect());
            }
            JoinKey::Equal(node, _) | JoinKey::Element(node, _) | JoinKey::Holds(node, _) => node,
        };
        let AbstractValue { value: Domain::Known(operand), may_error: false } = self.value(node, request) else {
            return None;
        };
        if !operand.is_exact() {
            return None;
        }
        Some(match tie {
            JoinKey::Holds(..) => {
                let items = operand.set().map(Set::items).unwrap_or_default();
                items.iter().map(|item| HashKey::of(&Operand::of(item))).collect()
            }
            _ => vec![HashKey::of(&operand)],
        })
    }

    fn lookup(&self, part: &DerivationProgram, tie: JoinKey, index: &Index) -> HashIndex {
        let ty = part.body.principal;
        // The joined value of the principal does not read the resource: any stands in for it.
        let request = |row| Request { principal: EntityRef { ty, row }, resource: self.root(), uncaptured_in: None };
        let around = self.around(part, tie);
        let values = tie.principal().and_then(|node| {
            let batch = Batch { role: Role::Principal, ty, start: 0, other: self.root() };
            self.values(node, batch, self.snapshot.table(ty).rows.len())
        });
        let (mut found, mut always) = (Vec::with_capacity(index.kept.len()), Vec::new());
        for (at, (row, mask)) in (0u32..).zip(index.kept.iter().copied().zip(&index.filtered)) {
            // A filter that fails must be seen to fail for every resource.
            if mask.may(Outcomes::ERROR) {
                always.push(at);
                continue;
            }
            match (tie, values.as_ref().and_then(|values| values.key(row as usize))) {
                (JoinKey::Equal(..) | JoinKey::Element(..), Some(key)) => found.push((key.bits, at)),
                _ => match self.keys_of(tie, &around, EntityRef { ty, row }, &request(row)) {
                    Some(keys) => found.extend(keys.into_iter().map(|key| (key.bits, at))),
                    None => always.push(at),
                },
            }
        }
        HashIndex::new(found, always)
    }

    /// The static type of an entity-valued node over the resource, where it is plain to see.
    fn entity_type_of(&self, node: crate::program::NodeId, body: &Body) -> Option<TypeId> {
        match &self.program.node(node).kind {
            crate::program::NodeKind::Resource => Some(body.resource),
            crate::program::NodeKind::Slot(_, ty, slot) => match self.model.ty(*ty).slots[slot.index()].ty {
                crate::schema::Ty::Entity(target) => Some(target),
                _ => None,
            },
            _ => None,
        }
    }

    /// Finds the principals that may be permitted or forbidden on a resource, some of them perhaps twice, and says
    /// which of them were not tried because they are too many.
    fn pairs<'s, 'm: 's>(
        &'m self,
        attribute: &DerivedAttribute,
        indexes: &[Index],
        resource: EntityRef,
        sides: impl Fn(usize, usize) -> ProbeSides<'s, 'm>,
        out: &mut Vec<Pair>,
    ) -> Truncated {
        let mut truncated = Truncated::default();
        for (number, (part, index)) in attribute.parts.iter().zip(indexes).enumerate() {
            let subtracts = part.subtracts;
            let mut add = |row: u32, mask: Outcomes| {
                let (mask, principal) = (settle(mask), EntityRef { ty: part.body.principal, row });
                if mask != Outcomes::FALSE {
                    // A copy may be an instance of its own, or none.
                    let mask = if self.snapshot.is_copy(principal) { Outcomes::EITHER } else { mask };
                    out.push(Pair { principal, subtracts, mask });
                }
            };
            match self.search(part, &index.lookups, resource, |join| sides(number, join)) {
                Some(Probe { join, lookup, keys, sides, .. }) => {
                    let mut find = |key: HashKey, value: Option<&Value>| {
                        let found = lookup.found(key);
                        if key.exact {
                            return self.try_all(part, index, found, resource, Some(join.node), &mut add);
                        }
                        if found.len() >= MIN_PRINCIPALS_FOR_BATCH {
                            return self.try_all(part, index, found, resource, None, &mut add);
                        }
                        for at in found {
                            let same = sides.equal(join.tie, index.kept[*at as usize], value);
                            if same != Some(false) {
                                let mask = self.pair(part, index, *at, resource, same.map(|_| join.node));
                                add(index.kept[*at as usize], mask);
                            }
                        }
                    };
                    match keys {
                        ProbeKeys::One(key) => find(key, None),
                        ProbeKeys::Several(keys) => keys.into_iter().for_each(|(key, value)| find(key, value)),
                    }
                    let always = &lookup.always[..lookup.always.len().min(index.tried.always)];
                    truncated.note(subtracts, always.len() < lookup.always.len());
                    self.try_all(part, index, always, resource, None, &mut add);
                }
                None => {
                    let tried: Vec<u32> = (0..index.kept.len().min(index.tried.unjoined) as u32).collect();
                    truncated.note(subtracts, tried.len() < index.kept.len());
                    self.try_all(part, index, &tried, resource, None, &mut add);
                }
            }
        }
        truncated
    }

    /// Returns how a resource finds the principals that are tried on it. `None` where no join helps.
    fn search<'s, 'm: 's>(
        &'m self,
        part: &'s DerivationProgram,
        lookups: &'s [HashIndex],
        resource: EntityRef,
        sides: impl Fn(usize) -> ProbeSides<'s, 'm>,
    ) -> Option<Probe<'s, 'm>> {
        let searches = part.joins.iter().zip(lookups).enumerate().filter_map(|(at, (join, lookup))| {
            let sides = sides(at);
            let keys = self.keys(join.tie, resource, sides)?;
            let found = match &keys {
                ProbeKeys::One(key) => lookup.found(*key).len(),
                ProbeKeys::Several(keys) => keys.iter().map(|(key, _)| lookup.found(*key).len()).sum(),
            };
            Some(Probe { join, lookup, keys, sides, found })
        });
        // Every join finds all pairs: the one that finds the fewest principals leaves the least to do.
        searches.min_by_key(|search| search.found + search.lookup.always.len())
    }

    /// Tries principals, by their ascending places among those that are kept: where many stand close together, all at
    /// once.
    fn try_all(
        &self,
        part: &DerivationProgram,
        index: &Index,
        found: &[u32],
        resource: EntityRef,
        proven: Option<NodeId>,
        add: &mut impl FnMut(u32, Outcomes),
    ) {
        for run in
            found.chunk_by(|a, b| index.kept[*a as usize] / ROWS_PER_TASK == index.kept[*b as usize] / ROWS_PER_TASK)
        {
            let row = |at: Option<&u32>| at.map_or(0, |at| index.kept[*at as usize]);
            let (start, end) = (row(run.first()), row(run.last()) + 1);
            if run.len() < MIN_PRINCIPALS_FOR_BATCH || run.len() * 8 < (end - start) as usize {
                run.iter().for_each(|at| add(row(Some(at)), self.pair(part, index, *at, resource, proven)));
                continue;
            }
            let mut masks = vec![Outcomes::NONE; (end - start) as usize];
            let batch = Batch { role: Role::Principal, ty: part.body.principal, start, other: resource };
            let careful = |at: &u32| part.rest.is_none() || index.filtered[*at as usize].may(Outcomes::ERROR);
            for at in run.iter().filter(|at| !careful(at)) {
                masks[(row(Some(at)) - start) as usize] = index.filtered[*at as usize];
            }
            for condition in part.rest.iter().flatten().filter(|condition| !is_proven(condition, proven)) {
                self.further(condition, batch, &mut masks);
            }
            // The others meet the whole condition, in its order.
            let mut whole = vec![Outcomes::NONE; if run.iter().any(careful) { masks.len() } else { 0 }];
            if !whole.is_empty() {
                run.iter()
                    .filter(|at| careful(at))
                    .for_each(|at| whole[(row(Some(at)) - start) as usize] = Outcomes::TRUE);
                whole = self.policies(&part.body, false, batch, whole).satisfied;
            }
            for at in run {
                let place = (row(Some(at)) - start) as usize;
                add(row(Some(at)), if careful(at) { whole[place] } else { masks[place] });
            }
        }
    }

    /// Evaluates what is left of a derivation's condition for a principal that its filters leave.
    fn pair(
        &self,
        part: &DerivationProgram,
        index: &Index,
        at: u32,
        resource: EntityRef,
        proven: Option<NodeId>,
    ) -> Outcomes {
        let (row, filtered) = (index.kept[at as usize], index.filtered[at as usize]);
        let request = Request { principal: EntityRef { ty: part.body.principal, row }, resource, uncaptured_in: None };
        let Some(rest) = part.rest.as_ref().filter(|_| !filtered.may(Outcomes::ERROR)) else {
            return self.policy(&part.body, false, &request).satisfied;
        };
        let mut mask = filtered;
        for condition in rest.iter().filter(|condition| !is_proven(condition, proven)) {
            if mask.continued(Outcomes::TRUE).is_none() {
                break;
            }
            mask.combine(self.condition(condition, &request), Outcomes::and);
        }
        mask
    }

    /// The keys under which a resource finds its principals. `None` when what it is joined on is not known.
    fn keys<'m>(&'m self, tie: JoinKey, resource: EntityRef, sides: ProbeSides<'_, 'm>) -> Option<ProbeKeys<'m>> {
        if let Some(key) = sides.resource.and_then(|(values, index)| values.key(index)) {
            return Some(ProbeKeys::One(key));
        }
        let request = Request { principal: self.root(), resource, uncaptured_in: None };
        let AbstractValue { value: Domain::Known(wanted), may_error: false } = self.value(tie.resource(), &request)
        else {
            return None;
        };
        if !wanted.is_exact() {
            return None;
        }
        let key = |item| HashKey::of(&Operand::of(item));
        Some(match (tie, &wanted) {
            (JoinKey::Within(_) | JoinKey::Element(..), Operand::Set(set)) => {
                ProbeKeys::Several(set.items().iter().map(|item| (key(item), Some(item))).collect())
            }
            (JoinKey::Within(_) | JoinKey::Element(..), Operand::BuiltSet(set)) => {
                ProbeKeys::Several(set.items().iter().map(|item| (key(item), None)).collect())
            }
            _ => ProbeKeys::One(HashKey::of(&wanted)),
        })
    }
}

impl ProbeSides<'_, '_> {
    /// Whether a principal's value and the resource's, or an element of that, are equal; `None` where it is not plain.
    fn equal(&self, tie: JoinKey, principal: u32, element: Option<&Value>) -> Option<bool> {
        let principal = self.principal?.at(principal as usize)?;
        match (tie, element, self.resource) {
            (JoinKey::Equal(..), _, Some((values, index))) => Some(principal == values.at(index)?),
            (JoinKey::Element(..), Some(element), _) => Some(principal == plain(element)?),
            _ => None,
        }
    }
}

/// Puts together what was found of each principal; in order of type and row.
fn witnesses(pairs: &mut [Pair], truncated: Truncated) -> impl Iterator<Item = Witness> {
    pairs.sort_unstable_by_key(|pair| pair.principal);
    pairs.chunk_by(|a, b| a.principal == b.principal).filter_map(move |pairs| {
        let side = |subtracts| {
            let masks = pairs.iter().filter(|pair| pair.subtracts == subtracts).map(|pair| pair.mask);
            masks.fold(Outcomes::FALSE, |all, mask| if all == Outcomes::TRUE { all } else { mask })
        };
        let counts = side(false).and(side(true).not());
        let certain = counts == Outcomes::TRUE && !truncated.forbidden;
        (counts != Outcomes::FALSE).then_some(Witness { entity: pairs[0].principal, certain })
    })
}

/// A derived value.
struct Aggregated {
    known: bool,
    value: AggregatedValue,
}

enum AggregatedValue {
    Exists(bool),
    /// From least to most.
    Count(i64, i64),
    Collect(Set),
}

/// How many instances lists hold at most that were not captured.
fn more(lists: &[&UncapturedList]) -> u64 {
    lists.iter().fold(0, |sum: u64, list| sum.saturating_add(list.most.unwrap_or(u64::MAX)))
}

/// Whether a condition is the one that a join has already answered.
fn is_proven(condition: &Condition, proven: Option<NodeId>) -> bool {
    matches!(condition, Condition::Leaf(node) if Some(*node) == proven)
}

/// A pair that may fail may count: an error is never read as "no".
fn settle(mask: Outcomes) -> Outcomes {
    if mask.may(Outcomes::ERROR) { Outcomes::EITHER } else { mask }
}
