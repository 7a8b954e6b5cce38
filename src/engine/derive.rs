//! Derivation: values computed from the principals that derivation policies permit.

use super::eval::{Frame, Machine, PHANTOM};
use super::mask::Mask;
use super::operand::{Outcome, Possible};
use crate::policy::ClauseKind;
use crate::program::{Body, DerivationProgram, DerivedAttribute, Gather, Join};
use crate::snapshot::{Column, Data, Missing, State};
use crate::value::{EntityRef, Set, TypeId, Value};
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::sync::Arc;

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
    /// All principals that the conditions on the principal alone leave.
    all: Vec<u32>,
    /// For every join, where it finds those.
    lookups: Vec<Lookup>,
}

/// Principals by the value they are joined on.
#[derive(Debug, Default)]
struct Lookup {
    by_value: FxHashMap<Value, Vec<u32>>,
    /// Those that may match any resource: their value is not known, or known in part and equal to more than itself.
    always: Vec<u32>,
}

impl<'a> Machine<'a> {
    /// Computes every derived attribute of the program.
    pub fn derive(&mut self) {
        let program = self.program;
        for (at, attribute) in program.derived.iter().enumerate() {
            let indexes = attribute.parts.par_iter().map(|part| self.index(part)).collect();
            debug_assert_eq!(at, self.indexes.len(), "attributes are derived in order");
            self.indexes.push(indexes);
            // Of what a broken derivation would have computed nothing is known.
            if !attribute.broken {
                let column = self.derived_column(at, attribute);
                self.derived[attribute.ty.index()][attribute.slot.index()] = Some(column);
            }
        }
    }

    fn derived_column(&self, at: usize, attribute: &DerivedAttribute) -> Column {
        let rows = self.snapshot.table(attribute.ty).rows.len() as u32;
        let gathered: Vec<(State, Value, (i64, i64))> = (0..rows)
            .into_par_iter()
            .map(|row| {
                let gathered = self.gather(at, EntityRef { ty: attribute.ty, row });
                self.summed(attribute.gather, &gathered)
            })
            .collect();
        let mut states = Vec::with_capacity(gathered.len());
        let mut data = match attribute.gather {
            Gather::Exists => Data::Bool(Vec::new()),
            Gather::Count => Data::Range(Vec::new()),
            Gather::Collect => Data::Value(Vec::new()),
        };
        for (state, value, range) in gathered {
            states.push(state);
            match (&mut data, value) {
                (Data::Bool(all), value) => all.push(value == Value::Bool(true)),
                (Data::Range(all), _) => all.push(range),
                (Data::Value(all), value) => all.push(value),
                _ => {}
            }
        }
        Column { states, data }
    }

    fn summed(&self, gather: Gather, gathered: &Gathered<'_>) -> (State, Value, (i64, i64)) {
        let certain = gathered.witnesses.iter().filter(|witness| witness.certain).count() as i64;
        let most = if gathered.missing.is_empty() { gathered.witnesses.len() as i64 } else { i64::MAX };
        let state = |known| if known { State::Known } else { State::Unknown };
        match gather {
            Gather::Exists => (state(certain > 0 || most == 0), Value::Bool(certain > 0), (0, 0)),
            Gather::Count => (state(certain == most), Value::Bool(false), (certain, most)),
            Gather::Collect => {
                let of = |certain| {
                    gathered
                        .witnesses
                        .iter()
                        .filter(move |witness| witness.certain == certain)
                        .map(|witness| Value::Entity(witness.entity))
                        .collect()
                };
                let set = Set::partial(of(true), of(false), false);
                (state(gathered.missing.is_empty()), Value::Set(Arc::new(set)), (0, 0))
            }
        }
    }

    /// Returns the principals behind a derived attribute (by its place in the program) of one resource.
    pub fn gather(&self, at: usize, resource: EntityRef) -> Gathered<'a> {
        let Some((attribute, indexes)) = self.program.derived.get(at).zip(self.indexes.get(at)) else {
            return Gathered::default();
        };
        // For every principal: may it be permitted, may it be forbidden?
        let mut found: BTreeMap<EntityRef, (Mask, Mask)> = BTreeMap::new();
        for (part, index) in attribute.parts.iter().zip(indexes) {
            self.each_candidate(part, index, resource, |principal| {
                let mask = settle(self.condition(&part.body, &Frame { principal, resource, phantom: None }));
                if mask == Mask::FALSE {
                    return;
                }
                let (permitted, forbidden) = found.entry(principal).or_insert((Mask::FALSE, Mask::FALSE));
                let side = if part.subtracts { forbidden } else { permitted };
                *side = if *side == Mask::TRUE { Mask::TRUE } else { mask };
            });
        }
        let witnesses = found.into_iter().filter_map(|(entity, (permitted, forbidden))| {
            let counts = permitted.and(forbidden.not());
            (counts != Mask::FALSE).then_some(Witness { entity, certain: counts == Mask::TRUE })
        });
        Gathered { witnesses: witnesses.collect(), missing: self.missing_behind(attribute, resource) }
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

    fn index(&self, part: &DerivationProgram) -> Index {
        let ty = part.body.principal;
        let rows = self.snapshot.table(ty).rows.len() as u32;
        // The joined value of the principal does not read the resource: any stands in for it.
        let frame = |row| Frame { principal: EntityRef { ty, row }, resource: self.root(), phantom: None };
        let kept: Vec<(u32, bool)> = (0..rows)
            .into_par_iter()
            .filter_map(|row| {
                let mut mask = Mask::TRUE;
                for filter in &part.filters {
                    mask = mask.and(self.mask(*filter, &frame(row)));
                }
                // A filter that fails must be seen to fail for every resource.
                (mask != Mask::FALSE).then_some((row, mask.may(Mask::ERROR)))
            })
            .collect();
        let lookups = part.joins.par_iter().map(|join| self.lookup(part, *join, &kept)).collect();
        Index { all: kept.into_iter().map(|(row, _)| row).collect(), lookups }
    }

    fn lookup(&self, part: &DerivationProgram, join: Join, kept: &[(u32, bool)]) -> Lookup {
        let ty = part.body.principal;
        let frame = |row| Frame { principal: EntityRef { ty, row }, resource: self.root(), phantom: None };
        let mut lookup = Lookup::default();
        for (row, fails) in kept.iter().copied() {
            if fails {
                lookup.always.push(row);
                continue;
            }
            match join {
                Join::Within(container) => {
                    let wanted = self.entity_type_of(container, &part.body);
                    let principal = EntityRef { ty, row };
                    let around = self.model.ancestry(ty).filter(|ty| wanted.is_none_or(|wanted| wanted == *ty));
                    for ancestor in around.filter_map(|around| self.snapshot.enclosing(self.model, principal, around)) {
                        lookup.by_value.entry(Value::Entity(ancestor)).or_default().push(row);
                    }
                }
                Join::Equal(value, _) | Join::Element(value, _) => match self.value(value, &frame(row)) {
                    Outcome { value: Possible::Known(operand), may_fail: false } if operand.is_exact() => {
                        lookup.by_value.entry(operand.to_value()).or_default().push(row)
                    }
                    _ => lookup.always.push(row),
                },
                Join::Holds(set, _) => match self.value(set, &frame(row)) {
                    Outcome { value: Possible::Known(operand), may_fail: false } if operand.is_exact() => {
                        for item in operand.set().map(Set::items).unwrap_or_default() {
                            lookup.by_value.entry(item.clone()).or_default().push(row);
                        }
                    }
                    _ => lookup.always.push(row),
                },
            }
        }
        lookup
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

    fn each_candidate(
        &self,
        part: &DerivationProgram,
        index: &Index,
        resource: EntityRef,
        mut each: impl FnMut(EntityRef),
    ) {
        let ty = part.body.principal;
        let joins = part.joins.iter().zip(&index.lookups);
        let found = joins.filter_map(|(join, lookup)| self.candidates(*join, lookup, resource));
        // Every join finds all pairs: the one that finds the fewest principals leaves the least to do.
        match found.min_by_key(|lists| lists.iter().map(|rows| rows.len()).sum::<usize>()) {
            Some(lists) => lists.into_iter().flatten().for_each(|row| each(EntityRef { ty, row: *row })),
            None => index.all.iter().for_each(|row| each(EntityRef { ty, row: *row })),
        }
    }

    /// The principals that a join finds for a resource, some of them perhaps twice. `None` when what the resource is
    /// joined on is not known.
    fn candidates<'i>(&self, join: Join, lookup: &'i Lookup, resource: EntityRef) -> Option<Vec<&'i [u32]>> {
        let frame = Frame { principal: self.root(), resource, phantom: None };
        let (Join::Within(node) | Join::Equal(_, node) | Join::Element(_, node) | Join::Holds(_, node)) = join;
        let Outcome { value: Possible::Known(wanted), may_fail: false } = self.value(node, &frame) else { return None };
        if !wanted.is_exact() {
            return None;
        }
        let rows = |key: &Value| lookup.by_value.get(key).map(Vec::as_slice);
        let mut lists: Vec<&[u32]> = match (join, wanted.set()) {
            (Join::Within(_) | Join::Element(..), Some(set)) => set.items().iter().filter_map(rows).collect(),
            _ => rows(&wanted.to_value()).into_iter().collect(),
        };
        lists.push(&lookup.always);
        Some(lists)
    }
}

/// A pair that may fail may count: an error is never read as "no".
fn settle(mask: Mask) -> Mask {
    if mask.may(Mask::ERROR) { Mask::EITHER } else { mask }
}
