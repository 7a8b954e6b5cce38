//! Reads of an entity: attributes, their presence, records, and tags.
//!
//! An entity without a row fails in Cedar. A dangling reference, or a literal that may name an unknown instance, may be one that
//! the snapshot lacks: it may have any values, or fail. A phantom has unknown values, except for the instances around it.

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

    /// Returns whether an entity is that of a dangling reference of a snapshot: an instance about which nothing is known. A request
    /// has all its entities.
    pub(in super::super) fn is_dangling(&self, entity: EntityRef) -> bool {
        !self.model.is_of_requests() && self.snapshot.is_dangling(entity)
    }

    /// Returns whether an entity without a row may be an instance that the snapshot lacks.
    pub(super) fn may_exist(&self, entity: EntityRef) -> bool {
        entity.is_literal() || self.is_dangling(entity)
    }

    /// Returns whether an entity is an open literal, and another one is an instance whose id is known. No instance with a known id
    /// has that of an open literal.
    pub(super) fn is_of_other_id(&self, literal: EntityRef, instance: EntityRef) -> bool {
        let is_known = || !self.snapshot.is_nameless(self.model, instance) && !self.snapshot.is_copy(instance);
        literal.is_open_literal() && self.snapshot.table(instance.ty).row(instance.row).is_some() && is_known()
    }

    /// Returns the result of a read of an entity without a row.
    fn without_row(&self, entity: EntityRef) -> AbstractValue<'static> {
        if self.may_exist(entity) { AbstractValue::UNKNOWN.or_error(true) } else { AbstractValue::ERROR }
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
                None => self.without_row(entity),
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
            None => return self.without_row(entity),
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
            HasTarget::Record if !has_row && self.may_exist(entity) => Outcomes::EITHER | Outcomes::ERROR,
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
            None if self.may_exist(entity) => Outcomes::EITHER,
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
            None => return self.without_row(entity),
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
        let mut may_error = entity.may_error || key.may_error;
        let Some(entity) = entity.entity() else {
            return AbstractValue { value: Domain::Unknown, may_error: may_error || self.may_dangle(ty) };
        };
        let tags = self.slot(entity, ty, slot, request);
        may_error |= tags.may_error;
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
                // An entity without a row has no tags in Cedar.
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

/// Returns the possible values of an attribute that was not captured.
fn uncaptured(ty: &Ty) -> AbstractValue<'static> {
    let value = if *ty == Ty::Datetime { Domain::Moment } else { Domain::Unknown };
    AbstractValue { value, may_error: false }
}

#[cfg(test)]
mod tests {
    use super::super::super::fixture::Fixture;

    const SCHEMA: &str = r#"
        @path("") entity Org;
        @path("/teams/*") @key("id") entity Team in [Org] = { id: String };
        @path("/teams/*/users/*") @key("id") entity User in [Team] = {
            @enclosing team: Team, id: String, active: Bool, locked?: Bool, card: { pin?: Long }, note?: { text: String },
        } tags String;
        @path("/teams/*/apps/*") @key("id") entity App in [Team] = {
            id: String, owner: User, owners: Set<User>, @derived kept: Bool, @derived apps: Long,
        };
        action audit appliesTo { principal: [Org], resource: [App], context: {} };
        action derive appliesTo { principal: [Org, App], resource: [App], context: {} };
    "#;

    /// Returns the verdicts of a check on apps, of which each except the last has a dangling reference, by both engines and both
    /// for one app and for a batch.
    #[track_caller]
    fn check(clauses: &str, expected: &str) {
        let policies = format!(
            r#"@id("kept") @derives("kept") permit (principal, action == Action::"derive", resource is App)
            when {{ resource.owner has locked }};
            @id("apps") @derives("apps") permit (principal is App, action == Action::"derive", resource is App)
            when {{ principal in resource && principal.owner has locked }};
            @id("T") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is App)
            {clauses};"#
        );
        let app = |id: &str, owner: &str| format!(r#"{{"id": "{id}", "owner": "{owner}", "owners": ["{owner}"]}}"#);
        let apps = [app("a", "elsewhere"), app("b", "elsewhere"), app("c", "another-place"), app("d", "x")];
        for apps in [&apps[..1], &apps[..]] {
            let snapshot = format!(
                r#"{{"teams": [{{"id": "t", "apps": [{}], "users": [{{"id": "x", "active": true, "card": {{}}, "tags": {{}}}}]}}]}}"#,
                apps.join(",")
            );
            let verdicts = Fixture::new(SCHEMA, &policies, &snapshot).verdicts(&[]);
            let dangling = apps.len().min(3);
            let of_dangling = verdicts.lines().take(dangling).map(|line| line.rsplit(' ').next().unwrap_or_default());
            assert_eq!(of_dangling.collect::<Vec<_>>(), vec![expected; dangling], "{clauses}\n{verdicts}");
            assert!(verdicts.lines().skip(3).all(|line| !line.ends_with("unknown")), "{clauses}\n{verdicts}");
        }
    }

    #[test]
    fn nothing_is_known_about_the_instance_of_a_dangling_reference() {
        for condition in [
            "resource.owner.active",
            "resource.owner has locked",
            "resource.owner has locked && resource.owner.locked",
            "resource.owner.card has pin",
            "resource.owner has note.text",
            "resource.owner has note && resource.owner.note == {text: \"n\"}",
            "resource.owner.hasTag(\"k\")",
            "resource.owner.hasTag(\"k\") && resource.owner.getTag(\"k\") == \"v\"",
            "resource.owner in Team::\"t\"",
            "resource.owner in [Team::\"t\", Team::\"u\"]",
            "resource.owner in principal",
            "resource.owner in [Team::\"u\"]",
            "resource.owner.team == Team::\"t\"",
            "User::\"t/elsewhere\" has locked && resource.owner has locked",
            "resource.kept",
            "resource.apps == 0",
        ] {
            check(&format!("when {{ {condition} }}"), "unknown");
            check(&format!("unless {{ {condition} }}"), "unknown");
        }
    }

    #[test]
    fn the_identity_of_the_instance_of_a_dangling_reference_is_known() {
        for condition in [
            "resource.owner == User::\"t/x\"",
            "resource.owner in User::\"t/x\"",
            "resource.owner in [User::\"t/x\", User::\"t/y\"]",
            "resource.owners.contains(User::\"t/x\")",
            "resource.owner != resource.owner",
            "User::\"t/y\" has locked",
            "User::\"t/y\" in Team::\"t\"",
        ] {
            check(&format!("when {{ {condition} }}"), "pass");
        }
        check("when { resource.owners.contains(resource.owner) }", "fail");
    }

    /// With a valid reference, the check might not apply.
    #[test]
    fn a_dangling_reference_hides_whether_a_check_applies() {
        check("unless { true } when { resource.owner has locked }", "unknown");
        check("unless { true } when { resource.owner.active }", "unknown");
        check("unless { true } when { resource.id != \"z\" }", "pass");
    }
}
