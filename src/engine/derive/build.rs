//! The build phase: filters the principals of a derivation, and indexes them for each join.

use super::super::batch::MIN_ROWS;
use super::super::eval::{Evaluator, Request};
use super::super::index::{BuildSide, Candidate, HashIndex, HashKey};
use super::super::operand::{AbstractValue, Domain, Operand};
use super::FEW_PAIRS;
use super::filters::SharedFilters;
use crate::program::{Body, DerivationProgram, DerivedAttribute, Join, JoinKey, NodeId, NodeKind};
use crate::schema::Ty;
use crate::snapshot::UncapturedList;
use crate::value::{EntityRef, Outcomes, Set, TypeId};
use std::borrow::Cow;

impl Evaluator<'_> {
    /// Returns the build side of a derivation of an attribute. Few pairs need no index, unless their number is limited.
    pub(super) fn build_side(
        &self,
        attribute: &DerivedAttribute,
        part: &DerivationProgram,
        is_limited: bool,
        shared: &SharedFilters,
    ) -> BuildSide {
        let resources = self.snapshot.table(attribute.ty).rows.len();
        let is_indexed =
            |principals: usize| principals > 0 && (is_limited || principals.saturating_mul(resources) > FEW_PAIRS);
        let candidates = self.candidates(part, shared);
        let mut build = BuildSide { candidates, ..BuildSide::default() };
        if is_indexed(build.candidates.len()) {
            let index = |join: &Join| self.candidate_index(part, join.key, &build.candidates);
            build.indexes = part.joins.iter().map(index).collect();
        }
        // An unknown principal contributes only if a `permit` permits it, so that a `forbid` needs no lists.
        if !part.subtracts {
            build.lists = self.candidate_lists(part);
        }
        if is_indexed(build.lists.len()) {
            let index = |join: &Join| self.list_index(part, join.key, &build.lists);
            build.list_indexes = part.joins.iter().map(index).collect();
        }
        build
    }

    /// Returns the principals that the filters do not exclude.
    fn candidates(&self, part: &DerivationProgram, shared: &SharedFilters) -> Vec<Candidate> {
        let ty = part.body.principal;
        let rows = self.snapshot.table(ty).row_numbers();
        let mut candidates = Vec::new();
        if rows.len() < MIN_ROWS {
            let filter = |row| {
                let request = Request { principal: EntityRef { ty, row }, resource: self.root(), uncaptured_in: None };
                part.filters.iter().fold(Outcomes::TRUE, |all, filter| match all.may(Outcomes::TRUE) {
                    true => all.and(self.condition(filter, &request)),
                    false => all,
                })
            };
            let all = rows.map(|row| Candidate { row, filter: filter(row) });
            candidates.extend(all.filter(|candidate| candidate.filter != Outcomes::FALSE));
            return candidates;
        }
        let (known, before) = shared.of(self, part).unwrap_or_default();
        let lanes = match known == part.filters.len() && known > 0 {
            true => Cow::Borrowed(before),
            false => Cow::Owned(self.filtered(part, before, known..part.filters.len())),
        };
        let all = rows.zip(lanes.iter()).map(|(row, filter)| Candidate { row, filter: *filter });
        candidates.extend(all.filter(|candidate| candidate.filter != Outcomes::FALSE));
        candidates
    }

    /// Returns the uncaptured lists that may have a principal which the filters do not exclude.
    fn candidate_lists(&self, part: &DerivationProgram) -> Vec<u32> {
        let lists = (0..).zip(&self.snapshot.table(part.body.principal).uncaptured_lists);
        let is_candidate = |list: &UncapturedList| {
            let request = self.phantom_request(part, list);
            part.filters.iter().all(|filter| self.condition(filter, &request) != Outcomes::FALSE)
        };
        lists.filter(|(_, list)| is_candidate(list)).map(|(at, _)| at).collect()
    }

    /// Returns the request for the phantom of a list; filters and join keys do not read the resource.
    fn phantom_request(&self, part: &DerivationProgram, list: &UncapturedList) -> Request {
        let principal = EntityRef::placeholder(part.body.principal);
        Request { principal, resource: self.root(), uncaptured_in: Some(list.scope) }
    }

    /// Indexes the candidates by the value that a join compares.
    fn candidate_index(&self, part: &DerivationProgram, key: JoinKey, candidates: &[Candidate]) -> HashIndex {
        let ty = part.body.principal;
        let containers = self.container_types(part, key);
        let is_interned = self.is_interned(key);
        let values = self.principal_values(part, key);
        let mut pairs = Vec::with_capacity(candidates.len());
        let mut unkeyed = Vec::new();
        for (at, Candidate { row, filter }) in (0..).zip(candidates.iter().copied()) {
            // If a filter may fail, the error must show for every resource.
            if filter.may(Outcomes::ERROR) {
                unkeyed.push(at);
                continue;
            }
            if let JoinKey::Equal(..) | JoinKey::Element(..) = key
                && let Some(key) = values.as_ref().and_then(|values| values.key(row))
            {
                pairs.push((key.bits, at));
                continue;
            }
            let principal = EntityRef { ty, row };
            if let JoinKey::Within(_) = key {
                pairs.extend(self.around(&containers, principal).map(|key| (key.bits, at)));
                continue;
            }
            let request = Request { principal, resource: self.root(), uncaptured_in: None };
            let is_known = self.build_keys((key, is_interned), &containers, principal, &request, &mut |key| {
                pairs.push((key.bits, at));
            });
            if !is_known {
                unkeyed.push(at);
            }
        }
        HashIndex::new(pairs, unkeyed, is_interned)
    }

    /// Indexes uncaptured lists by the value that a join compares, as far as it is known for their phantoms.
    fn list_index(&self, part: &DerivationProgram, key: JoinKey, lists: &[u32]) -> HashIndex {
        let containers = self.container_types(part, key);
        let is_interned = self.is_interned(key);
        let missing = &self.snapshot.table(part.body.principal).uncaptured_lists;
        let (mut pairs, mut unkeyed) = (Vec::new(), Vec::new());
        for (at, list) in (0..).zip(lists.iter().filter_map(|list| missing.get(*list as usize))) {
            let request = self.phantom_request(part, list);
            let is_known = self.build_keys((key, is_interned), &containers, list.scope, &request, &mut |key| {
                pairs.push((key.bits, at));
            });
            if !is_known {
                unkeyed.push(at);
            }
        }
        HashIndex::new(pairs, unkeyed, is_interned)
    }

    /// Returns the types of the entities that a principal may be in, for a join by `in`.
    fn container_types(&self, part: &DerivationProgram, key: JoinKey) -> Vec<TypeId> {
        let JoinKey::Within(container) = key else { return Vec::new() };
        let wanted = self.static_entity_type(container, &part.body);
        self.model.ancestry(part.body.principal).filter(|ty| wanted.is_none_or(|wanted| wanted == *ty)).collect()
    }

    /// Returns the static type of an entity-valued node over the resource, if it is a simple one.
    fn static_entity_type(&self, node: NodeId, body: &Body) -> Option<TypeId> {
        match &self.program.node(node).kind {
            NodeKind::Resource => Some(body.resource),
            NodeKind::Slot(_, ty, slot) => match self.model.ty(*ty).slot(*slot).ty {
                Ty::Entity(target) => Some(target),
                _ => None,
            },
            _ => None,
        }
    }

    /// Returns the keys of the entities of some types that an entity is, or is nested in.
    fn around(&self, types: &[TypeId], entity: EntityRef) -> impl Iterator<Item = HashKey> {
        types.iter().filter_map(move |ty| self.snapshot.enclosing(self.model, entity, *ty)).map(HashKey::entity)
    }

    /// Passes on the keys of a principal that is, or is nested in, `within`. Returns whether its join value is known in full;
    /// if it is not, there are no keys.
    fn build_keys(
        &self,
        (key, is_interned): (JoinKey, bool),
        containers: &[TypeId],
        within: EntityRef,
        request: &Request,
        each: &mut dyn FnMut(HashKey),
    ) -> bool {
        let Some(node) = key.principal() else {
            self.around(containers, within).for_each(each);
            return true;
        };
        let value = self.value(node, request);
        let AbstractValue { value: Domain::Known(operand), may_error: false } = &value else { return false };
        if !operand.is_exact() {
            return false;
        }
        match key {
            JoinKey::Holds(..) => {
                let items = operand.set().map(Set::items).unwrap_or_default();
                items.iter().map(|item| HashKey::of(&Operand::of(item))).for_each(each);
            }
            _ => each(self.join_key(operand, is_interned)),
        }
        true
    }

    /// Returns the key of a known value.
    pub(super) fn join_key(&self, operand: &Operand<'_>, is_interned: bool) -> HashKey {
        match operand.text().filter(|_| is_interned) {
            Some(text) => HashKey::symbol(self.bound.symbols.find(self.snapshot, text)),
            None => HashKey::of(operand),
        }
    }
}
