//! The operator `in`: the instances around an entity, and its memberships.

use super::super::operand::{self, AbstractValue, Operand};
use super::{Evaluator, Request};
use crate::value::{EntityRef, Outcomes, Set, Value};

impl Evaluator<'_> {
    /// Returns the outcomes of `in` for abstract values; the right side is an entity or a set of entities.
    pub(super) fn is_in(&self, left: &AbstractValue<'_>, right: &AbstractValue<'_>, request: &Request) -> Outcomes {
        let (Some(entity), Some(right)) = (left.entity(), right.operand()) else { return Outcomes::EITHER };
        if let Operand::Entity(other) = right {
            return self.is_in_entity(entity, *other, request);
        }
        let Some(set) = right.set() else { return Outcomes::EITHER };
        let declared = self.model.ty(entity.ty);
        let is_only_nested = declared.memberships.is_empty() && declared.groups.is_empty();
        if is_only_nested && !self.may_exist(entity) && !entity.is_placeholder() {
            return self.is_in_one_of(entity, set);
        }
        let is_in = |value: &Value| match value {
            Value::Entity(other) => self.is_in_entity(entity, *other, request),
            _ => Outcomes::FALSE,
        };
        let certain = set.items().iter().map(is_in).fold(Outcomes::FALSE, any);
        if certain == Outcomes::TRUE {
            return Outcomes::TRUE;
        }
        let is_possible = set.is_open() || set.maybe().iter().any(|value| is_in(value) != Outcomes::FALSE);
        if is_possible { certain | Outcomes::EITHER } else { certain }
    }

    /// Returns the outcomes of `in` for an instance without memberships and a set of entities: each instance around it is searched
    /// in the set.
    fn is_in_one_of(&self, entity: EntityRef, set: &Set) -> Outcomes {
        let around = || self.model.ancestry(entity.ty).filter_map(|ty| self.snapshot.enclosing(self.model, entity, ty));
        let find = |list: &[Value]| match list {
            [] => Outcomes::FALSE,
            list => around().map(|around| operand::find_entity(list, around)).fold(Outcomes::FALSE, any),
        };
        match (find(set.items()), set.is_open()) {
            (Outcomes::TRUE, _) => Outcomes::TRUE,
            (Outcomes::FALSE, false) => find(set.maybe()) | Outcomes::FALSE,
            _ => Outcomes::EITHER,
        }
    }

    /// Returns the outcomes of `in` for two entities.
    fn is_in_entity(&self, entity: EntityRef, other: EntityRef, request: &Request) -> Outcomes {
        match self.is_nested(entity, other, request) {
            Outcomes::TRUE => Outcomes::TRUE,
            nested => any(nested, self.is_member(entity, other, request)),
        }
    }

    /// Returns whether an entity is another, or is nested in it.
    fn is_nested(&self, entity: EntityRef, other: EntityRef, request: &Request) -> Outcomes {
        if entity != other && self.may_be_nested_by_name(entity, other) {
            return Outcomes::EITHER;
        }
        if self.may_exist(entity) {
            // The instance that the snapshot lacks may be inside the other. A literal may name the other itself if that is a phantom.
            let from = if entity.is_literal() && other.is_placeholder() { 0 } else { 1 };
            let may_nest = entity != other && self.model.ancestry(entity.ty).skip(from).any(|ty| ty == other.ty);
            return if may_nest { Outcomes::EITHER } else { Outcomes::of(entity == other) };
        }
        if !entity.is_placeholder() {
            return Outcomes::of(self.snapshot.is_in(self.model, entity, other));
        }
        let Some(scope) = request.uncaptured_in else { return Outcomes::EITHER };
        if entity == other || self.snapshot.is_in(self.model, scope, other) {
            return Outcomes::TRUE;
        }
        // Instances between the phantom and the scope of its list have no rows either, but a literal may name them.
        let is_between = self.model.ancestry(entity.ty).take_while(|ty| *ty != scope.ty).any(|ty| ty == other.ty);
        if is_between && other.is_literal() { Outcomes::EITHER } else { Outcomes::FALSE }
    }

    /// Returns whether an entity is another or is nested in it if an open literal among the two names an instance whose id is not
    /// known, or one that the snapshot lacks.
    fn may_be_nested_by_name(&self, entity: EntityRef, other: EntityRef) -> bool {
        if entity.is_open_literal() && entity.ty == other.ty {
            return !self.is_of_other_id(entity, other);
        }
        if !other.is_open_literal() || !self.model.ancestry(entity.ty).any(|ty| ty == other.ty) {
            return false;
        }
        let has_row = self.snapshot.table(entity.ty).row(entity.row).is_some();
        let around = self.snapshot.enclosing(self.model, entity, other.ty).filter(|_| has_row);
        around.is_none_or(|around| !self.is_of_other_id(other, around))
    }

    /// Returns whether another entity is in the memberships of an entity: parents besides the one it is nested in.
    fn is_member(&self, entity: EntityRef, other: EntityRef, request: &Request) -> Outcomes {
        let declared = self.model.ty(entity.ty);
        if let Some(groups) = declared.groups.get(entity.row as usize) {
            return Outcomes::of(groups.contains(&other));
        }
        let Some((_, slot)) = declared.memberships.iter().find(|(ty, _)| *ty == other.ty) else {
            return Outcomes::FALSE;
        };
        let memberships = self.slot(entity, entity.ty, *slot, request);
        match memberships.set() {
            Some(set) => operand::contains(set, Some(&Operand::Entity(other))),
            // An entity without a row has no memberships in Cedar.
            None if memberships.fails() => Outcomes::FALSE,
            None => Outcomes::EITHER,
        }
    }
}

/// Returns the outcomes of a disjunction whose parts are all evaluated.
fn any(left: Outcomes, right: Outcomes) -> Outcomes {
    if left == Outcomes::TRUE || right == Outcomes::TRUE { Outcomes::TRUE } else { left | right }
}
