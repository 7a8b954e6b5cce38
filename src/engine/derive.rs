//! Derivation: values computed from the principals that derivation policies permit.

use super::batch::{Batch, Key, Place, Values, plain};
use super::eval::{Frame, Machine, PHANTOM};
use super::mask::Mask;
use super::operand::{Operand, Outcome, Possible};
use crate::policy::ClauseKind;
use crate::program::{Body, DerivationProgram, DerivedAttribute, Gather, NodeId, Tie};
use crate::snapshot::{Column, Data, Missing, State};
use crate::source::cedar::on_deep_stack;
use crate::value::{EntityRef, Set, TypeId, Value};
use hashbrown::HashTable;
use rayon::prelude::*;
use rustc_hash::FxHasher;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

/// Principals that are tried where all would be too many.
const SOME: usize = 64;

/// Principals that are worth being tried together. Debug builds try two together, so that tests of few meet both ways.
const MANY: usize = if cfg!(debug_assertions) { 2 } else { 16 };

/// Rows in one piece of work.
const RUN: u32 = 4096;

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
pub struct Gathered<'a> {
    /// In order of type and row.
    pub witnesses: Vec<Witness>,
    /// Lists that were not captured and may hold principals that count.
    pub missing: Vec<&'a Missing>,
}

/// How the principals of one derivation are found.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// The principals that the filters leave.
    kept: Vec<u32>,
    /// What the filters come to, for each of them.
    filtered: Vec<Mask>,
    /// For every join, where it finds those.
    lookups: Vec<Lookup>,
    /// How many principals are tried on a resource that no join helps with: all, unless that would take too long.
    tried_unjoined: usize,
    /// How many of those are tried that may match any resource.
    tried_always: usize,
}

/// Principals by the value they are joined on; a principal is a place among those that are kept.
#[derive(Debug, Default)]
struct Lookup {
    heads: HashTable<Head>,
    /// The principals, those with one key together.
    sorted: Vec<u32>,
    /// Those that may match any resource: their value is not known, or known in part and equal to more than itself.
    always: Vec<u32>,
}

/// The principals with one key: so many of the sorted ones, from `start`.
#[derive(Debug)]
struct Head {
    key: u64,
    start: u32,
    count: u32,
}

impl Lookup {
    fn new(mut found: Vec<(u64, u32)>, always: Vec<u32>) -> Self {
        found.sort_unstable();
        let groups = found.chunk_by(|a, b| a.0 == b.0);
        let mut heads = HashTable::with_capacity(groups.clone().count());
        let mut start = 0;
        for group in groups {
            let count = group.len() as u32;
            heads.insert_unique(spread(group[0].0), Head { key: group[0].0, start, count }, |head| spread(head.key));
            start += count;
        }
        Self { heads, sorted: found.into_iter().map(|(_, at)| at).collect(), always }
    }

    /// Returns the principals with a key, in order.
    fn found(&self, key: Key) -> &[u32] {
        let head = self.heads.find(spread(key.bits), |head| head.key == key.bits);
        head.map_or(&[], |head| &self.sorted[head.start as usize..][..head.count as usize])
    }
}

/// What a resource looks for its principals under.
enum Keys<'m> {
    One(Key),
    /// The elements of a set, with their values where those are at hand.
    Several(Vec<(Key, Option<&'m Value>)>),
}

/// The two sides of a join, where they are read off columns.
#[derive(Clone, Copy, Default)]
struct Sides<'s, 'm> {
    /// Those of all principals.
    principal: Option<&'s Values<'m>>,
    /// Those of some resources, and which of them is in hand.
    resource: Option<(&'s Values<'m>, usize)>,
}

/// Whether there may be principals that were not tried.
#[derive(Clone, Copy, Default)]
struct Untried {
    permitted: bool,
    forbidden: bool,
}

impl Untried {
    fn note(&mut self, subtracts: bool, untried: bool) {
        *(if subtracts { &mut self.forbidden } else { &mut self.permitted }) |= untried;
    }
}

/// A principal that may be permitted, or forbidden, on the resource in hand.
struct Pair {
    principal: EntityRef,
    subtracts: bool,
    mask: Mask,
}

fn spread(key: u64) -> u64 {
    let mut hasher = FxHasher::default();
    key.hash(&mut hasher);
    hasher.finish()
}

/// A derivation that pairs too many principals with too many resources, for want of a join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unindexed {
    /// Its place in the policies' derivations.
    pub derivation: usize,
    /// How many principals it would have to try.
    pub principals: usize,
    /// On how many resources each.
    pub resources: usize,
}

impl<'a> Machine<'a> {
    /// Computes every derived attribute of the program.
    ///
    /// Returns the derivations that have no join and would try more than `most_pairs` pairs: of what they derive
    /// nothing is known.
    pub fn derive(&mut self, most_pairs: usize) -> Vec<Unindexed> {
        let program = self.program;
        self.most_pairs = most_pairs;
        self.indexes = program.derived.iter().map(|_| OnceLock::new()).collect();
        let mut unindexed = Vec::new();
        // Attributes of one level do not read each other.
        for level in program.derived.chunk_by(|a, b| a.level == b.level) {
            let derived: Vec<(Vec<Unindexed>, Option<Column>)> = level
                .par_iter()
                .map(|attribute| {
                    let indexes = on_deep_stack(|| self.index(attribute));
                    let too_many = self.unindexed(attribute, &indexes);
                    // Of what a broken derivation would have computed nothing is known.
                    let sound = !attribute.broken && too_many.is_empty();
                    (too_many, sound.then(|| on_deep_stack(|| self.derived_column(attribute, &indexes))))
                })
                .collect();
            for (attribute, (too_many, column)) in level.iter().zip(derived) {
                unindexed.extend(too_many);
                self.derived[attribute.ty.index()][attribute.slot.index()] = column;
            }
        }
        unindexed
    }

    /// Returns the derivations of an attribute that would try too many pairs.
    fn unindexed(&self, attribute: &DerivedAttribute, indexes: &[Index]) -> Vec<Unindexed> {
        let resources = self.snapshot.table(attribute.ty).rows.len();
        let too_many = |(part, index): (&DerivationProgram, &Index)| {
            let principals = index.kept.len();
            let many = part.joins.is_empty() && principals.saturating_mul(resources) > self.most_pairs;
            many.then_some(Unindexed { derivation: part.derivation, principals, resources })
        };
        attribute.parts.iter().zip(indexes).filter_map(too_many).collect()
    }

    /// Returns how many resources no join helps with, since what they are joined on is not known.
    fn unjoined(&self, part: &DerivationProgram, ty: TypeId) -> usize {
        let rows = self.snapshot.table(ty).rows.len();
        let batch = Batch { place: Place::Resource, ty, start: 0, other: self.root() };
        let values: Vec<Option<Values<'_>>> =
            part.joins.iter().map(|join| self.values(join.tie.resource(), batch, rows)).collect();
        let joined = |row: usize| {
            let resource = EntityRef { ty, row: row as u32 };
            part.joins.iter().zip(&values).any(|(join, values)| {
                let sides = Sides { principal: None, resource: values.as_ref().map(|values| (values, row)) };
                self.keys(join.tie, resource, sides).is_some()
            })
        };
        (0..rows).filter(|row| !joined(*row)).count()
    }

    fn derived_column(&self, attribute: &DerivedAttribute, indexes: &[Index]) -> Column {
        let rows = self.snapshot.table(attribute.ty).rows.len() as u32;
        // Few resources may have many principals each.
        let run = rows.div_ceil(64).clamp(1, RUN);
        let starts: Vec<u32> = (0..rows).step_by(run as usize).collect();
        let everybody = |part: &DerivationProgram, node| {
            let batch = Batch { place: Place::Principal, ty: part.body.principal, start: 0, other: self.root() };
            self.values(node, batch, self.snapshot.table(part.body.principal).rows.len())
        };
        let principals: Vec<Vec<Option<Values<'_>>>> = (attribute.parts.iter())
            .map(|part| part.joins.iter().map(|join| everybody(part, join.tie.principal()?)).collect())
            .collect();
        let runs: Vec<Vec<Sum>> = starts
            .par_iter()
            .map(|start| {
                let len = (rows - start).min(run) as usize;
                let batch = Batch { place: Place::Resource, ty: attribute.ty, start: *start, other: self.root() };
                let resources: Vec<Vec<Option<Values<'_>>>> = (attribute.parts.iter())
                    .map(|part| part.joins.iter().map(|join| self.values(join.tie.resource(), batch, len)).collect())
                    .collect();
                let mut pairs = Vec::new();
                let sum = |index: usize| {
                    pairs.clear();
                    let resource = EntityRef { ty: attribute.ty, row: start + index as u32 };
                    let sides = |part: usize, join: usize| Sides {
                        principal: principals[part][join].as_ref(),
                        resource: resources[part][join].as_ref().map(|values| (values, index)),
                    };
                    let untried = self.pairs(attribute, indexes, resource, sides, &mut pairs);
                    let more =
                        if untried.permitted { u64::MAX } else { more(&self.missing_behind(attribute, resource)) };
                    let witnesses = witnesses(&mut pairs, untried);
                    self.summed(attribute.gather, witnesses, more)
                };
                on_deep_stack(|| (0..len).map(sum).collect())
            })
            .collect();
        let mut states = Vec::with_capacity(rows as usize);
        let mut data = match attribute.gather {
            Gather::Exists => Data::Bool(Vec::with_capacity(rows as usize)),
            Gather::Count => Data::Range(Vec::with_capacity(rows as usize)),
            Gather::Collect => Data::Value(Vec::with_capacity(rows as usize)),
        };
        for Sum { known, value } in runs.into_iter().flatten() {
            states.push(if known { State::Known } else { State::Uncaptured });
            match (&mut data, value) {
                (Data::Bool(all), Summed::Exists(found)) => all.push(found),
                (Data::Range(all), Summed::Count(low, high)) => all.push((low, high)),
                (Data::Value(all), Summed::Collect(set)) => all.push(Value::Set(Arc::new(set))),
                _ => {}
            }
        }
        Column { states, data }
    }

    fn summed(&self, gather: Gather, witnesses: impl Iterator<Item = Witness>, more: u64) -> Sum {
        if gather == Gather::Collect {
            let (certain, maybe): (Vec<Witness>, Vec<Witness>) = witnesses.partition(|witness| witness.certain);
            let values = |list: Vec<Witness>| list.into_iter().map(|found| Value::Entity(found.entity)).collect();
            let set = Set::partial(values(certain), values(maybe), false);
            return Sum { known: more == 0, value: Summed::Collect(set) };
        }
        let (mut certain, mut most) = (0, 0);
        for witness in witnesses {
            most += 1;
            certain += i64::from(witness.certain);
        }
        let most = i64::try_from(more).unwrap_or(i64::MAX).saturating_add(most);
        match gather {
            Gather::Exists => Sum { known: certain > 0 || most == 0, value: Summed::Exists(certain > 0) },
            _ => Sum { known: certain == most, value: Summed::Count(certain, most) },
        }
    }

    /// Returns the principals behind a derived attribute (by its place in the program) of one resource.
    pub fn gather(&self, at: usize, resource: EntityRef) -> Gathered<'a> {
        let Some((attribute, indexes)) = self.program.derived.get(at).zip(self.indexes.get(at)) else {
            return Gathered::default();
        };
        // They were dropped once the attribute was derived: few attributes are asked after again.
        let indexes = indexes.get_or_init(|| self.index(attribute));
        let mut pairs = Vec::new();
        let untried = self.pairs(attribute, indexes, resource, |_, _| Sides::default(), &mut pairs);
        Gathered {
            witnesses: witnesses(&mut pairs, untried).collect(),
            missing: self.missing_behind(attribute, resource),
        }
    }

    /// Lists that were not captured and could hold a principal that is permitted.
    fn missing_behind(&self, attribute: &DerivedAttribute, resource: EntityRef) -> Vec<&'a Missing> {
        let mut lists: Vec<&'a Missing> = Vec::new();
        let snapshot = self.snapshot;
        for part in attribute.parts.iter().filter(|part| !part.subtracts) {
            let ty = part.body.principal;
            for missing in &snapshot.table(ty).missing {
                let frame = Frame { principal: EntityRef { ty, row: PHANTOM }, resource, phantom: Some(missing.scope) };
                let known = lists.iter().any(|known| std::ptr::eq(*known, missing));
                if !known && settle(self.condition(&part.body, &frame)) != Mask::FALSE {
                    lists.push(missing);
                }
            }
        }
        lists
    }

    /// Evaluates a whole policy condition: scope, then clauses in order.
    pub fn condition(&self, body: &Body, frame: &Frame) -> Mask {
        let scope = body.scope.iter().map(|node| (ClauseKind::When, *node));
        let clauses = scope.chain(body.clauses.iter().map(|clause| (clause.kind, clause.node)));
        let mut mask = Mask::TRUE;
        for (kind, node) in clauses {
            if !mask.may(Mask::TRUE) {
                break;
            }
            let clause = self.mask(node, frame);
            mask = mask.and(if kind == ClauseKind::Unless { clause.not() } else { clause });
        }
        mask
    }

    /// Returns how the principals of an attribute's derivations are found. On one thread: a lock may wait for it.
    fn index(&self, attribute: &DerivedAttribute) -> Vec<Index> {
        let resources = self.snapshot.table(attribute.ty).rows.len();
        let index = |part: &DerivationProgram| {
            let mut index = self.filter(part);
            index.lookups = part.joins.iter().map(|join| self.lookup(part, join.tie, &index)).collect();
            let most = self.most_pairs / index.kept.len().max(1);
            let too_many = !part.joins.is_empty() && resources > most && self.unjoined(part, attribute.ty) > most;
            index.tried_unjoined = if too_many { SOME } else { usize::MAX };
            let always = index.lookups.iter().map(|lookup| lookup.always.len()).min().unwrap_or(0);
            index.tried_always = if always.saturating_mul(resources) > self.most_pairs { SOME } else { usize::MAX };
            index
        };
        attribute.parts.iter().map(index).collect()
    }

    fn filter(&self, part: &DerivationProgram) -> Index {
        let ty = part.body.principal;
        let rows = self.snapshot.table(ty).rows.len() as u32;
        let mut index = Index::default();
        for start in (0..rows).step_by(RUN as usize) {
            let batch = Batch { place: Place::Principal, ty, start, other: self.root() };
            let mut masks = vec![Mask::TRUE; (rows - start).min(RUN) as usize];
            for filter in &part.filters {
                self.further(*filter, batch, &mut masks, Mask::TRUE, Mask::and);
            }
            for (row, mask) in (start..).zip(masks).filter(|(_, mask)| *mask != Mask::FALSE) {
                index.kept.push(row);
                index.filtered.push(mask);
            }
        }
        index
    }

    fn lookup(&self, part: &DerivationProgram, tie: Tie, index: &Index) -> Lookup {
        let ty = part.body.principal;
        // The joined value of the principal does not read the resource: any stands in for it.
        let frame = |row| Frame { principal: EntityRef { ty, row }, resource: self.root(), phantom: None };
        let around: Vec<TypeId> = match tie {
            Tie::Within(container) => {
                let wanted = self.entity_type_of(container, &part.body);
                self.model.ancestry(ty).filter(|ty| wanted.is_none_or(|wanted| wanted == *ty)).collect()
            }
            _ => Vec::new(),
        };
        let values = tie.principal().and_then(|node| {
            let batch = Batch { place: Place::Principal, ty, start: 0, other: self.root() };
            self.values(node, batch, self.snapshot.table(ty).rows.len())
        });
        let (mut found, mut always) = (Vec::with_capacity(index.kept.len()), Vec::new());
        for (at, (row, mask)) in (0u32..).zip(index.kept.iter().copied().zip(&index.filtered)) {
            // A filter that fails must be seen to fail for every resource.
            if mask.may(Mask::ERROR) {
                always.push(at);
                continue;
            }
            match (tie, values.as_ref().and_then(|values| values.key(row as usize))) {
                (Tie::Equal(..) | Tie::Element(..), Some(key)) => found.push((key.bits, at)),
                (Tie::Within(_), _) => {
                    let principal = EntityRef { ty, row };
                    let around = around.iter();
                    let around = around.filter_map(|around| self.snapshot.enclosing(self.model, principal, *around));
                    found.extend(around.map(|entity| (Key::entity(entity).bits, at)));
                }
                (Tie::Equal(value, _) | Tie::Element(value, _), _) => match self.value(value, &frame(row)) {
                    Outcome { value: Possible::Known(operand), may_fail: false } if operand.is_exact() => {
                        found.push((Key::of(&operand).bits, at))
                    }
                    _ => always.push(at),
                },
                (Tie::Holds(set, _), _) => match self.value(set, &frame(row)) {
                    Outcome { value: Possible::Known(operand), may_fail: false } if operand.is_exact() => {
                        let items = operand.set().map(Set::items).unwrap_or_default();
                        found.extend(items.iter().map(|item| (Key::of(&Operand::of(item)).bits, at)));
                    }
                    _ => always.push(at),
                },
            }
        }
        Lookup::new(found, always)
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
        sides: impl Fn(usize, usize) -> Sides<'s, 'm>,
        out: &mut Vec<Pair>,
    ) -> Untried {
        let mut untried = Untried::default();
        for (number, (part, index)) in attribute.parts.iter().zip(indexes).enumerate() {
            let subtracts = part.subtracts;
            let mut add = |row: u32, mask: Mask| {
                let (mask, principal) = (settle(mask), EntityRef { ty: part.body.principal, row });
                if mask != Mask::FALSE {
                    // A copy may be an instance of its own, or none.
                    let mask = if self.snapshot.is_copy(principal) { Mask::EITHER } else { mask };
                    out.push(Pair { principal, subtracts, mask });
                }
            };
            let joins = part.joins.iter().zip(&index.lookups).enumerate().filter_map(|(at, (join, lookup))| {
                let sides = sides(number, at);
                let keys = self.keys(join.tie, resource, sides)?;
                let found = match &keys {
                    Keys::One(key) => lookup.found(*key).len(),
                    Keys::Several(keys) => keys.iter().map(|(key, _)| lookup.found(*key).len()).sum(),
                };
                Some((join, lookup, keys, sides, found + lookup.always.len()))
            });
            // Every join finds all pairs: the one that finds the fewest principals leaves the least to do.
            match joins.min_by_key(|(.., found)| *found) {
                Some((join, lookup, keys, sides, _)) => {
                    let mut find = |key: Key, value: Option<&Value>| {
                        let found = lookup.found(key);
                        if key.exact {
                            return self.try_all(part, index, found, resource, Some(join.node), &mut add);
                        }
                        if found.len() >= MANY {
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
                        Keys::One(key) => find(key, None),
                        Keys::Several(keys) => keys.into_iter().for_each(|(key, value)| find(key, value)),
                    }
                    let always = &lookup.always[..lookup.always.len().min(index.tried_always)];
                    untried.note(subtracts, always.len() < lookup.always.len());
                    self.try_all(part, index, always, resource, None, &mut add);
                }
                None => {
                    let all: Vec<u32> = (0..index.kept.len() as u32).collect();
                    let tried = &all[..all.len().min(index.tried_unjoined)];
                    untried.note(subtracts, tried.len() < all.len());
                    self.try_all(part, index, tried, resource, None, &mut add);
                }
            }
        }
        untried
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
        add: &mut impl FnMut(u32, Mask),
    ) {
        for run in found.chunk_by(|a, b| index.kept[*a as usize] / RUN == index.kept[*b as usize] / RUN) {
            let row = |at: Option<&u32>| at.map_or(0, |at| index.kept[*at as usize]);
            let (start, end) = (row(run.first()), row(run.last()) + 1);
            if run.len() < MANY || run.len() * 8 < (end - start) as usize {
                run.iter().for_each(|at| add(row(Some(at)), self.pair(part, index, *at, resource, proven)));
                continue;
            }
            let mut masks = vec![Mask::NONE; (end - start) as usize];
            let batch = Batch { place: Place::Principal, ty: part.body.principal, start, other: resource };
            let careful = |at: &u32| part.rest.is_none() || index.filtered[*at as usize].may(Mask::ERROR);
            for at in run.iter().filter(|at| !careful(at)) {
                masks[(row(Some(at)) - start) as usize] = index.filtered[*at as usize];
            }
            for node in part.rest.iter().flatten().filter(|node| Some(**node) != proven) {
                self.further(*node, batch, &mut masks, Mask::TRUE, Mask::and);
            }
            // The others meet the whole condition, in its order.
            let mut whole = vec![Mask::NONE; if run.iter().any(careful) { masks.len() } else { 0 }];
            if !whole.is_empty() {
                run.iter().filter(|at| careful(at)).for_each(|at| whole[(row(Some(at)) - start) as usize] = Mask::TRUE);
                for node in &part.body.scope {
                    self.further(*node, batch, &mut whole, Mask::TRUE, Mask::and);
                }
                for clause in &part.body.clauses {
                    let unless = clause.kind == ClauseKind::Unless;
                    let and = |mask: Mask, clause: Mask| mask.and(if unless { clause.not() } else { clause });
                    self.further(clause.node, batch, &mut whole, Mask::TRUE, and);
                }
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
    ) -> Mask {
        let (row, filtered) = (index.kept[at as usize], index.filtered[at as usize]);
        let frame = Frame { principal: EntityRef { ty: part.body.principal, row }, resource, phantom: None };
        let Some(rest) = part.rest.as_ref().filter(|_| !filtered.may(Mask::ERROR)) else {
            return self.condition(&part.body, &frame);
        };
        let left = rest.iter().filter(|node| Some(**node) != proven);
        left.fold(filtered, |mask, node| if mask.may(Mask::TRUE) { mask.and(self.mask(*node, &frame)) } else { mask })
    }

    /// The keys under which a resource finds its principals. `None` when what it is joined on is not known.
    fn keys<'m>(&'m self, tie: Tie, resource: EntityRef, sides: Sides<'_, 'm>) -> Option<Keys<'m>> {
        if let Some(key) = sides.resource.and_then(|(values, index)| values.key(index)) {
            return Some(Keys::One(key));
        }
        let frame = Frame { principal: self.root(), resource, phantom: None };
        let Outcome { value: Possible::Known(wanted), may_fail: false } = self.value(tie.resource(), &frame) else {
            return None;
        };
        if !wanted.is_exact() {
            return None;
        }
        let key = |item| Key::of(&Operand::of(item));
        Some(match (tie, &wanted) {
            (Tie::Within(_) | Tie::Element(..), Operand::Set(set)) => {
                Keys::Several(set.items().iter().map(|item| (key(item), Some(item))).collect())
            }
            (Tie::Within(_) | Tie::Element(..), Operand::BuiltSet(set)) => {
                Keys::Several(set.items().iter().map(|item| (key(item), None)).collect())
            }
            _ => Keys::One(Key::of(&wanted)),
        })
    }
}

impl Sides<'_, '_> {
    /// Whether a principal's value and the resource's, or an element of that, are equal; `None` where it is not plain.
    fn equal(&self, tie: Tie, principal: u32, element: Option<&Value>) -> Option<bool> {
        let principal = self.principal?.at(principal as usize)?;
        match (tie, element, self.resource) {
            (Tie::Equal(..), _, Some((values, index))) => Some(principal == values.at(index)?),
            (Tie::Element(..), Some(element), _) => Some(principal == plain(element)?),
            _ => None,
        }
    }
}

/// Puts together what was found of each principal; in order of type and row.
fn witnesses(pairs: &mut [Pair], untried: Untried) -> impl Iterator<Item = Witness> {
    pairs.sort_unstable_by_key(|pair| pair.principal);
    pairs.chunk_by(|a, b| a.principal == b.principal).filter_map(move |pairs| {
        let side = |subtracts| {
            let masks = pairs.iter().filter(|pair| pair.subtracts == subtracts).map(|pair| pair.mask);
            masks.fold(Mask::FALSE, |all, mask| if all == Mask::TRUE { all } else { mask })
        };
        let counts = side(false).and(side(true).not());
        let certain = counts == Mask::TRUE && !untried.forbidden;
        (counts != Mask::FALSE).then_some(Witness { entity: pairs[0].principal, certain })
    })
}

/// A derived value.
struct Sum {
    known: bool,
    value: Summed,
}

enum Summed {
    Exists(bool),
    /// From least to most.
    Count(i64, i64),
    Collect(Set),
}

/// How many instances lists hold at most that were not captured.
fn more(lists: &[&Missing]) -> u64 {
    lists.iter().fold(0, |sum: u64, list| sum.saturating_add(list.most.unwrap_or(u64::MAX)))
}

/// A pair that may fail may count: an error is never read as "no".
fn settle(mask: Mask) -> Mask {
    if mask.may(Mask::ERROR) { Mask::EITHER } else { mask }
}
