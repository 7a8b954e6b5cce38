//! Reads of an entity: attributes, their presence, records, and tags.
//!
//! An entity without a row fails in Cedar: it is a dangling reference. A literal that may name an unknown instance may
//! fail. A phantom has unknown values, except for the instances around it.

use super::super::operand::{AbstractValue, Domain, Operand};
use super::super::transfer::number;
use super::{Evaluator, Request};
use crate::program::{HasTarget, NodeId, attribute_at};
use crate::schema::{Attribute, Origin, Shape, SlotId, Ty};
use crate::snapshot::{Data, State};
use crate::value::{EntityRef, Outcomes, Record, TypeId};
use smol_str::SmolStr;
use std::sync::Arc;

impl Evaluator<'_> {
    /// Evaluates an expression of an entity type, and reads the entity.
    pub(super) fn read_entity<'s>(
        &'s self,
        node: NodeId,
        ty: TypeId,
        request: &Request,
        read: impl Fn(EntityRef) -> AbstractValue<'s>,
    ) -> AbstractValue<'s> {
        let entity = self.value(node, request);
        match entity.value {
            Domain::Known(Operand::Entity(known)) => {
                let mut value = read(known);
                value.may_error |= entity.may_error;
                value
            }
            Domain::Nothing => AbstractValue::ERROR,
            _ => AbstractValue { value: Domain::Unknown, may_error: entity.may_error || self.may_dangle(ty) },
        }
    }

    /// Returns whether an unknown reference to a type may be a dangling one.
    fn may_dangle(&self, ty: TypeId) -> bool {
        !self.snapshot.table(ty).dangling.is_empty()
    }

    /// Reads an attribute that is stored in a slot.
    pub(in super::super) fn slot(
        &self,
        entity: EntityRef,
        ty: TypeId,
        slot: SlotId,
        request: &Request,
    ) -> AbstractValue<'_> {
        let declared = self.model.ty(ty).slot(slot);
        if let Origin::Enclosing(ancestor) = declared.origin {
            return match self.enclosing(entity, ancestor, request) {
                Some(found) => AbstractValue::known(Operand::Entity(found)),
                None if entity.is_placeholder() => AbstractValue::UNKNOWN,
                None => without_row(entity),
            };
        }
        if entity.is_placeholder() {
            return match (&declared.origin, &declared.ty) {
                (Origin::Derived, Ty::Long) => AbstractValue::range(0, i64::MAX),
                _ => uncaptured(&declared.ty),
            };
        }
        let column = self.column(ty, slot);
        let row = entity.row as usize;
        let value = match column.states.get(row) {
            None => return without_row(entity),
            Some(State::Absent) => return AbstractValue::ERROR,
            Some(State::Uncaptured | State::Unreadable) => match &column.data {
                Data::Range(all) => {
                    return all
                        .get(row)
                        .map_or(AbstractValue::UNKNOWN, |(low, high)| AbstractValue::range(*low, *high));
                }
                _ => return uncaptured(&declared.ty),
            },
            Some(State::Known) => match &column.data {
                Data::Bool(all) => all.get(row).map(|b| Operand::Bool(*b)),
                Data::Number(all) => all.get(row).map(|n| number(&declared.ty, *n)),
                Data::Text(all) => all.get(row).map(|text| Operand::String(self.snapshot.text(*text))),
                Data::Ip(all) => all.get(row).map(|ip| Operand::Ip(*ip)),
                Data::Entity(all) => match declared.ty {
                    Ty::Entity(target) => all.get(row).map(|row| Operand::Entity(EntityRef { ty: target, row: *row })),
                    _ => None,
                },
                Data::Value(all) => all.get(row).map(Operand::of),
                Data::Range(all) => all.get(row).map(|(low, _)| Operand::Long(*low)),
                Data::Nothing | Data::Enclosing(_) => None,
            },
        };
        value.map_or(AbstractValue::ERROR, AbstractValue::known)
    }

    /// Returns the instance of a type that an entity is nested in; for a phantom, the one that its list is nested in.
    fn enclosing(&self, entity: EntityRef, ancestor: TypeId, request: &Request) -> Option<EntityRef> {
        let from = if entity.is_placeholder() { request.uncaptured_in? } else { entity };
        self.snapshot.enclosing(self.model, from, ancestor)
    }

    /// Returns the state of a slot; `None` if the entity does not have a row.
    fn state(&self, entity: EntityRef, ty: TypeId, slot: SlotId) -> Option<State> {
        if entity.is_placeholder() {
            let required = self.model.ty(ty).slot(slot).required;
            return Some(if required { State::Known } else { State::Uncaptured });
        }
        self.column(ty, slot).states.get(entity.row as usize).copied()
    }

    /// Evaluates `has`, for a chain of attributes.
    pub(super) fn has(
        &self,
        node: NodeId,
        ty: TypeId,
        slots: &[SlotId],
        target: HasTarget,
        request: &Request,
    ) -> AbstractValue<'_> {
        let value = self.value(node, request);
        let entity = match value.value {
            Domain::Known(Operand::Entity(entity)) => entity,
            Domain::Nothing => return AbstractValue::ERROR,
            _ => {
                let may_error = value.may_error || target == HasTarget::Record && self.may_dangle(ty);
                return AbstractValue { value: Domain::Unknown, may_error };
            }
        };
        let has_row = slots.first().is_some_and(|slot| self.state(entity, ty, *slot).is_some());
        let outcomes = match target {
            HasTarget::Record if !has_row && entity.is_literal() => Outcomes::EITHER | Outcomes::ERROR,
            HasTarget::Record if !has_row => Outcomes::ERROR,
            _ => slots.iter().fold(Outcomes::TRUE, |all, slot| all.and(self.has_slot(entity, ty, *slot))),
        };
        AbstractValue::of_outcomes(outcomes).or_error(value.may_error)
    }

    /// Returns whether an attribute is present. A required attribute is present if its record is, even if it is
    /// unknown.
    fn has_slot(&self, entity: EntityRef, ty: TypeId, slot: SlotId) -> Outcomes {
        match self.state(entity, ty, slot) {
            Some(State::Known) => Outcomes::TRUE,
            Some(State::Absent) => Outcomes::FALSE,
            Some(State::Uncaptured | State::Unreadable) if self.model.ty(ty).slot(slot).required => Outcomes::TRUE,
            Some(State::Uncaptured | State::Unreadable) => Outcomes::EITHER,
            None if entity.is_literal() => Outcomes::EITHER,
            None => Outcomes::FALSE,
        }
    }

    /// Reads a record, by the path of its attribute.
    pub(super) fn record_at(
        &self,
        entity: EntityRef,
        ty: TypeId,
        path: &[SmolStr],
        request: &Request,
    ) -> AbstractValue<'_> {
        let attribute = attribute_at(&self.model.ty(ty).attributes, path);
        attribute.map_or(AbstractValue::ERROR, |attribute| self.record(entity, ty, attribute, request))
    }

    /// Reads a record. It is known if all its members are.
    fn record(&self, entity: EntityRef, ty: TypeId, attribute: &Attribute, request: &Request) -> AbstractValue<'_> {
        let Shape::Record(presence, members) = &attribute.shape else { return AbstractValue::ERROR };
        match self.state(entity, ty, *presence) {
            None => return without_row(entity),
            Some(State::Absent) => return AbstractValue::ERROR,
            Some(State::Uncaptured | State::Unreadable) => return AbstractValue::UNKNOWN,
            Some(State::Known) if entity.is_placeholder() => return AbstractValue::UNKNOWN,
            Some(State::Known) => {}
        }
        let mut fields = Vec::new();
        for member in members {
            let (slot, value) = match &member.shape {
                Shape::Leaf(slot) => (*slot, self.slot(entity, ty, *slot, request)),
                Shape::Record(slot, _) => (*slot, self.record(entity, ty, member, request)),
            };
            if self.state(entity, ty, slot) == Some(State::Absent) {
                continue;
            }
            match value.operand() {
                Some(operand) => fields.push((member.name.clone(), operand.to_value())),
                None => return AbstractValue::UNKNOWN,
            }
        }
        AbstractValue::known(Operand::BuiltRecord(Arc::new(Record::new(fields))))
    }

    /// Evaluates `.getTag()`.
    pub(super) fn tag(&self, entity: NodeId, ty: TypeId, key: NodeId, request: &Request) -> AbstractValue<'_> {
        let Some(slot) = self.model.ty(ty).tags else { return AbstractValue::ERROR };
        let (entity, key) = (self.value(entity, request), self.value(key, request));
        if entity.fails() || key.fails() {
            return AbstractValue::ERROR;
        }
        let may_error = entity.may_error || key.may_error;
        let Some(entity) = entity.entity() else {
            return AbstractValue { value: Domain::Unknown, may_error: may_error || self.may_dangle(ty) };
        };
        let tags = self.slot(entity, ty, slot, request);
        let value = match (tags.operand(), key.operand()) {
            (Some(Operand::Record(tags)), Some(key)) => match tags.get(key.text().unwrap_or_default()) {
                Some(value) => Domain::Known(Operand::shared(value)),
                None if tags.is_unknown(key.text().unwrap_or_default()) => Domain::Unknown,
                None => Domain::Nothing,
            },
            _ if tags.fails() => Domain::Nothing,
            _ => Domain::Unknown,
        };
        AbstractValue { may_error: may_error || matches!(value, Domain::Nothing), value }
    }

    /// Evaluates `.hasTag()`.
    pub(super) fn has_tag(&self, entity: NodeId, ty: TypeId, key: NodeId, request: &Request) -> AbstractValue<'_> {
        let Some(slot) = self.model.ty(ty).tags else { return AbstractValue::of_outcomes(Outcomes::FALSE) };
        self.binary(entity, key, request, |entity, key| {
            let Some(entity) = entity.entity() else { return Outcomes::EITHER };
            let tags = self.slot(entity, ty, slot, request);
            match (tags.operand(), key.operand()) {
                // A dangling reference has no tags.
                _ if tags.fails() => Outcomes::FALSE,
                (Some(Operand::Record(tags)), Some(key)) => match key.text().unwrap_or_default() {
                    name if tags.is_unknown(name) => Outcomes::EITHER,
                    name => Outcomes::of(tags.get(name).is_some()),
                },
                _ => Outcomes::EITHER,
            }
        })
    }
}

/// Returns the result of a read of an entity without a row.
fn without_row(entity: EntityRef) -> AbstractValue<'static> {
    if entity.is_literal() { AbstractValue::UNKNOWN.or_error(true) } else { AbstractValue::ERROR }
}

/// Returns the possible values of an attribute that was not captured.
fn uncaptured(ty: &Ty) -> AbstractValue<'static> {
    let value = if *ty == Ty::Datetime { Domain::Moment } else { Domain::Unknown };
    AbstractValue { value, may_error: false }
}
