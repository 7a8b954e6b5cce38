//! Evaluation of nodes for one principal and one resource.

use super::index::{Index, Tried};
use super::operand::{self, AbstractValue, Domain, Operand};
use crate::program::{
    Arithmetic, Body, Condition, Constant, Function, HasTarget, Kernel, NodeId, NodeKind, PolicyOutcomes, Program,
    evaluate_policy,
};
use crate::schema::{Attribute, Model, Origin, Shape, SlotId, Ty};
use crate::snapshot::{Column, Data, Snapshot, State};
use crate::value::{self, EntityRef, Outcomes, Record, RefKind, Set, TypeId, Value};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use std::sync::{Arc, OnceLock};

/// A program bound to a snapshot and to the values of one run.
pub struct Evaluator<'a> {
    /// The schema's model.
    pub model: &'a Model,
    /// The program.
    pub program: &'a Program,
    /// The snapshot.
    pub snapshot: &'a Snapshot,
    /// Constants with their values; `None` is not known.
    constants: Vec<Option<Value>>,
    /// Sets written out of constants, by node.
    folded: FxHashMap<NodeId, Value>,
    /// Ids of entity literals that name nothing in the snapshot, by type; numbered after the table's own, or, where
    /// instances of the type were not captured, as literals.
    pub(super) literals: Vec<Vec<SmolStr>>,
    /// Columns of derived attributes, by type and slot.
    pub(super) derived: Vec<Vec<Option<Arc<Column>>>>,
    /// How the principals of every derivation are found, by derived attribute.
    pub(super) indexes: Vec<OnceLock<Vec<Index>>>,
    /// How many principals are tried where all would be too many, by derived attribute and derivation.
    pub(super) tried: Vec<Vec<Tried>>,
}

/// Who is judged, and for whom.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    /// The principal.
    pub principal: EntityRef,
    /// The resource.
    pub resource: EntityRef,
    /// The instance whose list of principals was not captured, when the principal is one that may be in it.
    pub uncaptured_in: Option<EntityRef>,
}

impl<'a> Evaluator<'a> {
    /// Binds a program; `now` is in milliseconds since 1970, `parameters` are in the model's order.
    pub(super) fn bind(
        model: &'a Model,
        program: &'a Program,
        snapshot: &'a Snapshot,
        now: i64,
        parameters: &[Option<Value>],
    ) -> Self {
        let mut literals: Vec<Vec<SmolStr>> = vec![Vec::new(); model.types.len()];
        let mut named = |ty: TypeId, id: &SmolStr| named(model, snapshot, &mut literals[ty.index()], ty, id);
        let constants = program.constants.iter().map(|constant| match constant {
            Constant::Value(value) => Some(value.clone()),
            Constant::Now => Some(Value::Datetime(now)),
            Constant::Parameter(at) => parameters.get(*at).cloned().flatten(),
            Constant::HasParameter(at) => Some(Value::Bool(parameters.get(*at).is_some_and(Option::is_some))),
            Constant::Entity(ty, id) => Some(Value::Entity(named(*ty, id))),
        });
        let constants = constants.collect();
        let derived = model.types.iter().map(|ty| ty.slots.iter().map(|_| None).collect()).collect();
        let mut evaluator = Self {
            model,
            program,
            snapshot,
            constants,
            folded: FxHashMap::default(),
            literals,
            derived,
            indexes: Vec::new(),
            tried: Vec::new(),
        };
        evaluator.folded = evaluator.fold();
        evaluator
    }

    /// Evaluates the sets that are written out of constants.
    fn fold(&self) -> FxHashMap<NodeId, Value> {
        let constant = |node: &NodeId| matches!(self.program.node(*node).kind, NodeKind::Constant(_));
        let sets = self
            .program
            .nodes
            .iter()
            .enumerate()
            .filter(|(_, node)| matches!(&node.kind, NodeKind::SetOf(items) if items.iter().all(constant)));
        let request = Request { principal: self.root(), resource: self.root(), uncaptured_in: None };
        let folded = sets.filter_map(|(at, _)| {
            let at = NodeId(at as u32);
            Some((at, self.value(at, &request).operand()?.to_value()))
        });
        folded.collect()
    }

    /// Returns the value of a set that is written out of constants.
    pub(super) fn folded(&self, node: NodeId) -> Option<&Value> {
        self.folded.get(&node)
    }

    /// Returns the entity of a type with an id, which need not be in the snapshot: what an entity literal would mean.
    pub(super) fn named(&mut self, ty: TypeId, id: &SmolStr) -> EntityRef {
        named(self.model, self.snapshot, &mut self.literals[ty.index()], ty, id)
    }

    /// Returns the root entity.
    pub fn root(&self) -> EntityRef {
        EntityRef { ty: self.model.root, row: 0 }
    }

    /// Returns the value of a constant.
    pub fn constant(&self, at: usize) -> Option<&Value> {
        self.constants.get(at).and_then(Option::as_ref)
    }

    /// Returns the id of an entity, of a literal that names nothing too.
    pub fn id(&self, entity: EntityRef) -> SmolStr {
        let table = self.snapshot.table(entity.ty);
        let known = table.rows.len() + table.dangling.len();
        let at = match entity.kind() {
            RefKind::Literal(number) | RefKind::OpenLiteral(number) => Some(number as usize),
            RefKind::Row(row) => (row as usize).checked_sub(known),
            RefKind::Placeholder => None,
        };
        let literal = at.and_then(|at| self.literals[entity.ty.index()].get(at));
        match literal {
            Some(id) if self.model.ty(entity.ty).choices().is_none() => id.clone(),
            _ => self.snapshot.id(self.model, entity),
        }
    }

    /// Returns a column, the derived one if it is derived.
    pub fn column(&self, ty: TypeId, slot: SlotId) -> &Column {
        self.derived[ty.index()][slot.index()].as_deref().unwrap_or(&self.snapshot.table(ty).columns[slot.index()])
    }

    /// Evaluates a policy: its scope, then its clauses in order. `conditional` says whether the outcomes of its `when`
    /// clauses alone are wanted too.
    pub fn policy(&self, body: &Body, conditional: bool, request: &Request) -> PolicyOutcomes<Outcomes> {
        let mut leaf = |leaf: &NodeId, _| self.outcomes(*leaf, request);
        evaluate_policy(&body.scope, &body.clauses, conditional, Outcomes::EITHER, &mut leaf)
    }

    /// Evaluates a condition.
    pub fn condition(&self, condition: &Condition, request: &Request) -> Outcomes {
        condition.evaluate(Outcomes::EITHER, &mut |leaf, _| self.outcomes(*leaf, request))
    }

    /// Evaluates an expression of type `Bool`.
    pub fn outcomes(&self, node: NodeId, request: &Request) -> Outcomes {
        match &self.program.node(node).kind {
            NodeKind::Condition(condition) => self.condition(condition, request),
            _ => self.value(node, request).to_outcomes(),
        }
    }

    /// Evaluates an expression of any type.
    pub(super) fn value(&self, node: NodeId, request: &Request) -> AbstractValue<'_> {
        match &self.program.node(node).kind {
            NodeKind::Constant(at) => {
                self.constant(*at).map_or(AbstractValue::UNKNOWN, |value| AbstractValue::known(Operand::of(value)))
            }
            NodeKind::Principal => AbstractValue::known(Operand::Entity(request.principal)),
            NodeKind::Resource => AbstractValue::known(Operand::Entity(request.resource)),
            NodeKind::Root => AbstractValue::known(Operand::Entity(self.root())),
            NodeKind::Slot(entity, ty, slot) => {
                self.of_entity(*entity, *ty, request, |entity| self.slot(entity, *ty, *slot, request))
            }
            NodeKind::Record(entity, ty, path) => self.of_entity(*entity, *ty, request, |entity| {
                let attribute = crate::program::attribute_at(&self.model.ty(*ty).attributes, path);
                attribute.map_or(AbstractValue::ERROR, |attribute| self.record(entity, *ty, attribute, request))
            }),
            NodeKind::Has(entity, ty, slots, asked) => match self.value(*entity, request) {
                AbstractValue { value: Domain::Known(Operand::Entity(entity)), may_error } => {
                    let mask = match slots.first().and_then(|slot| self.state(entity, *ty, *slot)) {
                        None if *asked == HasTarget::Record && entity.is_literal() => {
                            Outcomes::EITHER | Outcomes::ERROR
                        }
                        None if *asked == HasTarget::Record => Outcomes::ERROR,
                        _ => self.has(entity, *ty, slots),
                    };
                    AbstractValue::of_outcomes(if may_error { mask | Outcomes::ERROR } else { mask })
                }
                AbstractValue { value: Domain::Nothing, .. } => AbstractValue::ERROR,
                AbstractValue { may_error, .. } => AbstractValue {
                    value: Domain::Unknown,
                    may_error: may_error || (*asked == HasTarget::Record && self.dangles(*ty)),
                },
            },
            NodeKind::Condition(condition) => AbstractValue::of_outcomes(self.condition(condition, request)),
            NodeKind::If(test, then, other) => self.choose(*test, *then, *other, request),
            NodeKind::Equal(left, right) => self.compare(*left, *right, request, equal),
            NodeKind::Less(left, right) => self.compare(*left, *right, request, |a, b| ordered(a, b, |a, b| a < b)),
            NodeKind::LessEqual(left, right) => {
                self.compare(*left, *right, request, |a, b| ordered(a, b, |a, b| a <= b))
            }
            NodeKind::Arithmetic(op, left, right) => {
                arithmetic(*op, &self.value(*left, request), &self.value(*right, request))
            }
            NodeKind::Negate(operand) => arithmetic(
                Arithmetic::Subtract,
                &AbstractValue::known(Operand::Long(0)),
                &self.value(*operand, request),
            ),
            NodeKind::In(left, right) => {
                self.compare(*left, *right, request, |left, right| self.lies_in_any(left, right, request))
            }
            NodeKind::Contains(set, item) => {
                self.compare(*set, *item, request, |set, item| match set.operand().and_then(Operand::set) {
                    Some(set) => operand::contains(set, item.operand()),
                    None => Outcomes::EITHER,
                })
            }
            NodeKind::ContainsAll(left, right) => {
                self.compare(*left, *right, request, |a, b| match (sets(a), sets(b)) {
                    (Some(a), Some(b)) => operand::contains_all(a, b),
                    (_, Some(b)) if operand::is_empty(b) == Outcomes::TRUE => Outcomes::TRUE,
                    _ => Outcomes::EITHER,
                })
            }
            NodeKind::ContainsAny(left, right) => {
                self.compare(*left, *right, request, |a, b| match (sets(a), sets(b)) {
                    (Some(a), Some(b)) => operand::contains_any(a, b),
                    (Some(one), None) | (None, Some(one)) if operand::is_empty(one) == Outcomes::TRUE => {
                        Outcomes::FALSE
                    }
                    _ => Outcomes::EITHER,
                })
            }
            NodeKind::IsEmpty(set) => {
                self.test(*set, request, |set| set.set().map_or(Outcomes::EITHER, operand::is_empty))
            }
            NodeKind::Like(text, pattern) => self.test(*text, request, |text| {
                text.text().map_or(Outcomes::ERROR, |text| Outcomes::of(pattern.wildcard_match(text)))
            }),
            NodeKind::StaticallyKnown(operand, answer) => {
                let evaluated = self.value(*operand, request);
                if evaluated.fails() {
                    AbstractValue::ERROR
                } else {
                    AbstractValue { value: Domain::Known(Operand::Bool(*answer)), may_error: evaluated.may_error }
                }
            }
            NodeKind::GetTag(entity, ty, key) => self.tag(*entity, *ty, *key, request),
            NodeKind::HasTag(entity, ty, key) => self.has_tag(*entity, *ty, *key, request),
            NodeKind::SetOf(items) => match self.folded(node) {
                Some(set) => AbstractValue::known(Operand::of(set)),
                None => self.set_of(items, request),
            },
            NodeKind::RecordOf(members) => self.record_of(members, request),
            NodeKind::Member(record, name) => {
                let outcome = self.value(*record, request);
                match outcome.operand().and_then(Operand::record) {
                    Some(record) => match record.get(name) {
                        Some(value) => {
                            AbstractValue { value: Domain::Known(owned(value)), may_error: outcome.may_error }
                        }
                        None => AbstractValue::ERROR,
                    },
                    None if outcome.fails() => AbstractValue::ERROR,
                    None => AbstractValue { value: Domain::Unknown, may_error: outcome.may_error },
                }
            }
            NodeKind::HasMember(record, names) => self.test(*record, request, |record| {
                let mut at = record.record().cloned();
                for (step, name) in names.iter().enumerate() {
                    match at.as_ref().and_then(|record| record.get(name)) {
                        None => return Outcomes::FALSE,
                        Some(Value::Record(inner)) => at = Some((**inner).clone()),
                        Some(_) if step + 1 < names.len() => return Outcomes::EITHER,
                        Some(_) => {}
                    }
                }
                Outcomes::TRUE
            }),
            NodeKind::Call(function, args) => self.call(*function, args, request),
            NodeKind::Unreachable => AbstractValue::ERROR,
        }
    }

    fn of_entity<'s>(
        &'s self,
        entity: NodeId,
        ty: TypeId,
        request: &Request,
        read: impl Fn(EntityRef) -> AbstractValue<'s>,
    ) -> AbstractValue<'s> {
        let outcome = self.value(entity, request);
        match outcome.value {
            Domain::Known(Operand::Entity(entity)) => {
                let mut read = read(entity);
                read.may_error |= outcome.may_error;
                read
            }
            Domain::Nothing => AbstractValue::ERROR,
            _ => AbstractValue { value: Domain::Unknown, may_error: outcome.may_error || self.dangles(ty) },
        }
    }

    /// Whether an entity that is not known may be one that is named somewhere and has no row.
    fn dangles(&self, ty: TypeId) -> bool {
        !self.snapshot.table(ty).dangling.is_empty()
    }

    pub(super) fn slot(&self, entity: EntityRef, ty: TypeId, slot: SlotId, request: &Request) -> AbstractValue<'_> {
        let declared = &self.model.ty(ty).slots[slot.index()];
        if let Origin::Enclosing(around) = declared.origin {
            return match self.enclosing(entity, around, request) {
                Some(found) => AbstractValue::known(Operand::Entity(found)),
                None if entity.is_placeholder() => AbstractValue::UNKNOWN,
                None if entity.is_literal() => AbstractValue { may_error: true, ..AbstractValue::UNKNOWN },
                None => AbstractValue::ERROR,
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
        match column.states.get(row) {
            // Beyond the rows are entities that the snapshot names and does not hold.
            None if entity.is_literal() => return AbstractValue { may_error: true, ..AbstractValue::UNKNOWN },
            None => return AbstractValue::ERROR,
            Some(State::Absent) => return AbstractValue::ERROR,
            Some(State::Uncaptured | State::Unreadable) => {
                return match &column.data {
                    Data::Range(ranges) => {
                        ranges.get(row).map_or(AbstractValue::UNKNOWN, |(low, high)| AbstractValue::range(*low, *high))
                    }
                    _ => uncaptured(&declared.ty),
                };
            }
            Some(State::Known) => {}
        }
        let operand = match &column.data {
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
        };
        operand.map_or(AbstractValue::ERROR, AbstractValue::known)
    }

    /// The entity of a type that another is nested in; for an instance nobody captured, as far as that is known.
    fn enclosing(&self, entity: EntityRef, around: TypeId, request: &Request) -> Option<EntityRef> {
        if entity.is_placeholder() {
            return self.snapshot.enclosing(self.model, request.uncaptured_in?, around);
        }
        self.snapshot.enclosing(self.model, entity, around)
    }

    fn state(&self, entity: EntityRef, ty: TypeId, slot: SlotId) -> Option<State> {
        if entity.is_placeholder() {
            let required = self.model.ty(ty).slots[slot.index()].required;
            return Some(if required { State::Known } else { State::Uncaptured });
        }
        self.column(ty, slot).states.get(entity.row as usize).copied()
    }

    /// `has`: what was not captured may or may not be there, but a required attribute is there once its record is.
    fn has(&self, entity: EntityRef, ty: TypeId, slots: &[SlotId]) -> Outcomes {
        slots.iter().fold(Outcomes::TRUE, |mask, slot| {
            mask.and(match self.state(entity, ty, *slot) {
                Some(State::Known) => Outcomes::TRUE,
                Some(state) if state.is_unknown() => {
                    if self.model.ty(ty).slots[slot.index()].required {
                        Outcomes::TRUE
                    } else {
                        Outcomes::EITHER
                    }
                }
                None if entity.is_literal() => Outcomes::EITHER,
                Some(_) | None => Outcomes::FALSE,
            })
        })
    }

    fn record(&self, entity: EntityRef, ty: TypeId, attribute: &Attribute, request: &Request) -> AbstractValue<'_> {
        let Shape::Record(presence, members) = &attribute.shape else { return AbstractValue::ERROR };
        match self.state(entity, ty, *presence) {
            None if entity.is_literal() => return AbstractValue { may_error: true, ..AbstractValue::UNKNOWN },
            None | Some(State::Absent) => return AbstractValue::ERROR,
            Some(State::Uncaptured | State::Unreadable) => return AbstractValue::UNKNOWN,
            Some(State::Known) => {}
        }
        if entity.is_placeholder() {
            return AbstractValue::UNKNOWN;
        }
        let mut fields = Vec::new();
        for member in members {
            let (slot, read) = match &member.shape {
                Shape::Leaf(slot) => (*slot, self.slot(entity, ty, *slot, request)),
                Shape::Record(slot, _) => (*slot, self.record(entity, ty, member, request)),
            };
            if self.state(entity, ty, slot) == Some(State::Absent) {
                continue;
            }
            match read.operand() {
                Some(operand) => fields.push((member.name.clone(), operand.to_value())),
                None => return AbstractValue::UNKNOWN,
            }
        }
        AbstractValue::known(Operand::BuiltRecord(Arc::new(Record::new(fields))))
    }

    fn choose<'s>(&'s self, test: NodeId, then: NodeId, other: NodeId, request: &Request) -> AbstractValue<'s> {
        let test = self.outcomes(test, request);
        let branch = |node| self.value(node, request);
        let mut outcome = match (test.may(Outcomes::TRUE), test.may(Outcomes::FALSE)) {
            (true, false) => branch(then),
            (false, true) => branch(other),
            (false, false) => return AbstractValue::ERROR,
            (true, true) => {
                let (a, b) = (branch(then), branch(other));
                let may_error = a.may_error || b.may_error;
                let value = match (&a.value, &b.value) {
                    (Domain::Nothing, _) => b.value,
                    (_, Domain::Nothing) => a.value,
                    (Domain::Known(x), Domain::Known(y)) if x.equals(y) == Outcomes::TRUE => a.value,
                    (
                        Domain::Known(Operand::Long(_)) | Domain::Range(..),
                        Domain::Known(Operand::Long(_)) | Domain::Range(..),
                    ) => {
                        let ((a, b), (c, d)) = (a.bounds(), b.bounds());
                        Domain::Range(a.min(c), b.max(d))
                    }
                    _ => Domain::Unknown,
                };
                AbstractValue { value, may_error }
            }
        };
        outcome.may_error |= test.may(Outcomes::ERROR);
        outcome
    }

    /// Evaluates both operands, then compares; what fails, fails.
    fn compare(
        &self,
        left: NodeId,
        right: NodeId,
        request: &Request,
        compare: impl Fn(&AbstractValue<'_>, &AbstractValue<'_>) -> Outcomes,
    ) -> AbstractValue<'_> {
        let (left, right) = (self.value(left, request), self.value(right, request));
        if left.fails() || right.fails() {
            return AbstractValue::ERROR;
        }
        let mask = compare(&left, &right);
        AbstractValue::of_outcomes(if left.may_error || right.may_error { mask | Outcomes::ERROR } else { mask })
    }

    fn test(&self, operand: NodeId, request: &Request, test: impl Fn(&Operand<'_>) -> Outcomes) -> AbstractValue<'_> {
        let operand = self.value(operand, request);
        if operand.fails() {
            return AbstractValue::ERROR;
        }
        let mask = operand.operand().map_or(Outcomes::EITHER, test);
        AbstractValue::of_outcomes(if operand.may_error { mask | Outcomes::ERROR } else { mask })
    }

    fn lies_in_any(&self, left: &AbstractValue<'_>, right: &AbstractValue<'_>, request: &Request) -> Outcomes {
        let Some(entity) = left.operand().and_then(Operand::entity) else { return Outcomes::EITHER };
        match right.operand() {
            Some(Operand::Entity(other)) => self.lies_in(entity, *other, request),
            Some(operand) => {
                let Some(set) = operand.set() else { return Outcomes::EITHER };
                let lies = |value: &Value| match value {
                    Value::Entity(other) => self.lies_in(entity, *other, request),
                    _ => Outcomes::FALSE,
                };
                let certain = set.items().iter().map(lies).fold(Outcomes::FALSE, either);
                if certain == Outcomes::TRUE {
                    return Outcomes::TRUE;
                }
                let perhaps = set.is_open() || set.maybe().iter().any(|value| lies(value) != Outcomes::FALSE);
                if perhaps { certain | Outcomes::EITHER } else { certain }
            }
            None => Outcomes::EITHER,
        }
    }

    pub(super) fn lies_in(&self, entity: EntityRef, other: EntityRef, request: &Request) -> Outcomes {
        match self.is_nested(entity, other, request) {
            Outcomes::TRUE => Outcomes::TRUE,
            nested => either(nested, self.is_member(entity, other, request)),
        }
    }

    fn is_nested(&self, entity: EntityRef, other: EntityRef, request: &Request) -> Outcomes {
        // A literal without a row of its own may mean any instance of its type.
        let may_mean = |literal: EntityRef, ty: TypeId| literal.is_open_literal() && literal.ty == ty;
        if entity != other
            && (may_mean(entity, other.ty) || self.model.ancestry(entity.ty).any(|ty| may_mean(other, ty)))
        {
            return Outcomes::EITHER;
        }
        if entity.is_literal() {
            // It may lie in the other; or be the other, where that was not captured either.
            let from = if other.is_placeholder() { 0 } else { 1 };
            let around = entity != other && self.model.ancestry(entity.ty).skip(from).any(|ty| ty == other.ty);
            return if around { Outcomes::EITHER } else { Outcomes::of(entity == other) };
        }
        if !entity.is_placeholder() {
            return Outcomes::of(self.snapshot.is_in(self.model, entity, other));
        }
        let Some(scope) = request.uncaptured_in else { return Outcomes::EITHER };
        if entity == other || self.snapshot.is_in(self.model, scope, other) {
            return Outcomes::TRUE;
        }
        // What lies between the instance and its scope was not captured either: it has no row, but a literal may name it.
        let between = self.model.ancestry(entity.ty).take_while(|ty| *ty != scope.ty).any(|ty| ty == other.ty);
        if between && other.is_literal() { Outcomes::EITHER } else { Outcomes::FALSE }
    }

    /// Whether an entity lies in another in which it is not nested.
    fn is_member(&self, entity: EntityRef, other: EntityRef, request: &Request) -> Outcomes {
        let declared = self.model.ty(entity.ty);
        if let Some(groups) = declared.groups.get(entity.row as usize) {
            return Outcomes::of(groups.contains(&other));
        }
        let Some((_, slot)) = declared.memberships.iter().find(|(around, _)| *around == other.ty) else {
            return Outcomes::FALSE;
        };
        let around = self.slot(entity, entity.ty, *slot, request);
        match sets(&around) {
            Some(set) => operand::contains(set, Some(&Operand::Entity(other))),
            // An entity that is not in the snapshot lies in nothing.
            None if around.fails() => Outcomes::FALSE,
            None => Outcomes::EITHER,
        }
    }

    fn tag(&self, entity: NodeId, ty: TypeId, key: NodeId, request: &Request) -> AbstractValue<'_> {
        let Some(slot) = self.model.ty(ty).tags else { return AbstractValue::ERROR };
        let (entity, key) = (self.value(entity, request), self.value(key, request));
        let may_error = entity.may_error || key.may_error;
        if entity.fails() || key.fails() {
            return AbstractValue::ERROR;
        }
        let Some(entity) = entity.operand().and_then(Operand::entity) else {
            return AbstractValue { value: Domain::Unknown, may_error: may_error || self.dangles(ty) };
        };
        let tags = self.slot(entity, ty, slot, request);
        let value = match (tags.operand(), key.operand()) {
            (Some(Operand::Record(tags)), Some(key)) => match tags.get(key.text().unwrap_or_default()) {
                Some(value) => Domain::Known(owned(value)),
                None if tags.is_unknown(key.text().unwrap_or_default()) => Domain::Unknown,
                None => Domain::Nothing,
            },
            _ if tags.fails() => Domain::Nothing,
            _ => Domain::Unknown,
        };
        AbstractValue { may_error: may_error || matches!(value, Domain::Nothing), value }
    }

    fn has_tag(&self, entity: NodeId, ty: TypeId, key: NodeId, request: &Request) -> AbstractValue<'_> {
        let Some(slot) = self.model.ty(ty).tags else { return AbstractValue::of_outcomes(Outcomes::FALSE) };
        self.compare(entity, key, request, |entity, key| {
            let Some(entity) = entity.operand().and_then(Operand::entity) else { return Outcomes::EITHER };
            let tags = self.slot(entity, ty, slot, request);
            match (tags.operand(), key.operand()) {
                // An entity that is not in the snapshot has no tags.
                _ if tags.fails() => Outcomes::FALSE,
                (Some(Operand::Record(tags)), Some(key)) => match key.text().unwrap_or_default() {
                    name if tags.is_unknown(name) => Outcomes::EITHER,
                    name => Outcomes::of(tags.get(name).is_some()),
                },
                _ => Outcomes::EITHER,
            }
        })
    }

    fn set_of(&self, items: &[NodeId], request: &Request) -> AbstractValue<'_> {
        let (mut known, mut open, mut may_error) = (Vec::with_capacity(items.len()), false, false);
        for item in items {
            let item = self.value(*item, request);
            if item.fails() {
                return AbstractValue::ERROR;
            }
            may_error |= item.may_error;
            match item.operand() {
                Some(operand) => known.push(operand.to_value()),
                None => open = true,
            }
        }
        let set = Set::partial(known, Vec::new(), open);
        AbstractValue { value: Domain::Known(Operand::BuiltSet(Arc::new(set))), may_error }
    }

    fn record_of(&self, members: &[(SmolStr, NodeId, Option<NodeId>)], request: &Request) -> AbstractValue<'_> {
        let (mut fields, mut whole, mut may_error) = (Vec::new(), true, false);
        for (name, member, there) in members {
            match there.map(|there| self.outcomes(there, request)) {
                Some(Outcomes::FALSE) => continue,
                Some(mask) if mask != Outcomes::TRUE => whole = false,
                _ => {}
            }
            let member = self.value(*member, request);
            if member.fails() {
                return AbstractValue::ERROR;
            }
            may_error |= member.may_error;
            match member.operand() {
                Some(operand) => fields.push((name.clone(), operand.to_value())),
                None => whole = false,
            }
        }
        let value =
            if whole { Domain::Known(Operand::BuiltRecord(Arc::new(Record::new(fields)))) } else { Domain::Unknown };
        AbstractValue { value, may_error }
    }

    fn call(&self, function: Function, args: &[NodeId], request: &Request) -> AbstractValue<'_> {
        let [first, rest @ ..] = args else { return AbstractValue::ERROR };
        let first = self.value(*first, request);
        let second = rest.first().map(|second| self.value(*second, request));
        if first.fails() || second.as_ref().is_some_and(AbstractValue::fails) {
            return AbstractValue::ERROR;
        }
        let mut outcome = match (first.operand(), &second, second.as_ref().and_then(AbstractValue::operand)) {
            (Some(a), None, _) => called(function, a, None),
            (Some(a), Some(_), Some(b)) => called(function, a, Some(b)),
            _ => AbstractValue { value: Domain::Unknown, may_error: may_overflow(function, &first, second.as_ref()) },
        };
        outcome.may_error |= first.may_error || second.is_some_and(|second| second.may_error);
        outcome
    }
}

/// The entity of a type with an id: in the snapshot, or else among the `literals` of its type.
fn named(model: &Model, snapshot: &Snapshot, literals: &mut Vec<SmolStr>, ty: TypeId, id: &SmolStr) -> EntityRef {
    if let Some(found) = snapshot.entity(model, ty, id) {
        return found;
    }
    let known = literals.iter().position(|literal| literal == id);
    let at = known.unwrap_or_else(|| {
        literals.push(id.clone());
        literals.len() - 1
    });
    let table = snapshot.table(ty);
    let known = model.ty(ty).choices().map_or(table.rows.len() + table.dangling.len(), <[_]>::len);
    match at as u32 {
        at if table.has_nameless() => EntityRef::open_literal(ty, at),
        at if !table.uncaptured_lists.is_empty() => EntityRef::literal(ty, at),
        at => EntityRef { ty, row: known as u32 + at },
    }
}

fn either(left: Outcomes, right: Outcomes) -> Outcomes {
    if left == Outcomes::TRUE || right == Outcomes::TRUE { Outcomes::TRUE } else { left | right }
}

fn sets<'s>(outcome: &'s AbstractValue<'_>) -> Option<&'s Set> {
    outcome.operand().and_then(Operand::set)
}

/// A value that lives as long as it needs to: short ones are copied, sets and records shared.
fn owned<'x>(value: &Value) -> Operand<'x> {
    match value {
        Value::Bool(b) => Operand::Bool(*b),
        Value::Long(n) => Operand::Long(*n),
        Value::Decimal(n) => Operand::Decimal(*n),
        Value::Datetime(n) => Operand::Datetime(*n),
        Value::Duration(n) => Operand::Duration(*n),
        Value::Ip(ip) => Operand::Ip(*ip),
        Value::Entity(entity) => Operand::Entity(*entity),
        Value::Set(set) => Operand::BuiltSet(Arc::clone(set)),
        Value::Record(record) => Operand::BuiltRecord(Arc::clone(record)),
        Value::String(text) => Operand::BuiltString(text.clone()),
    }
}

fn number<'x>(ty: &Ty, n: i64) -> Operand<'x> {
    match ty {
        Ty::Decimal => Operand::Decimal(n),
        Ty::Datetime => Operand::Datetime(n),
        Ty::Duration => Operand::Duration(n),
        _ => Operand::Long(n),
    }
}

fn equal(a: &AbstractValue<'_>, b: &AbstractValue<'_>) -> Outcomes {
    match (a.operand(), b.operand()) {
        (Some(a), Some(b)) => a.equals(b),
        _ if matches!(a.value, Domain::Range(..)) || matches!(b.value, Domain::Range(..)) => {
            let ((a, b), (c, d)) = (a.bounds(), b.bounds());
            if b < c || d < a { Outcomes::FALSE } else { Outcomes::EITHER }
        }
        _ => Outcomes::EITHER,
    }
}

/// `<` and `<=`, by the answers at the ends of what the operands may be.
fn ordered(a: &AbstractValue<'_>, b: &AbstractValue<'_>, holds: impl Fn(i64, i64) -> bool) -> Outcomes {
    match (a.operand(), b.operand()) {
        (Some(Operand::Datetime(a)), Some(Operand::Datetime(b)))
        | (Some(Operand::Duration(a)), Some(Operand::Duration(b))) => Outcomes::of(holds(*a, *b)),
        (Some(Operand::Long(a)), Some(Operand::Long(b))) => Outcomes::of(holds(*a, *b)),
        (Some(Operand::Datetime(_) | Operand::Duration(_)), _)
        | (_, Some(Operand::Datetime(_) | Operand::Duration(_))) => Outcomes::EITHER,
        _ => {
            let ((a_low, a_high), (b_low, b_high)) = (a.bounds(), b.bounds());
            match (holds(a_high, b_low), holds(a_low, b_high)) {
                (true, _) => Outcomes::TRUE,
                (_, false) => Outcomes::FALSE,
                _ => Outcomes::EITHER,
            }
        }
    }
}

fn arithmetic<'x>(op: Arithmetic, a: &AbstractValue<'_>, b: &AbstractValue<'_>) -> AbstractValue<'x> {
    if a.fails() || b.fails() {
        return AbstractValue::ERROR;
    }
    let ((a_low, a_high), (b_low, b_high)) = (a.bounds(), b.bounds());
    let wide = |x: i64, y: i64| match op {
        Arithmetic::Add => i128::from(x) + i128::from(y),
        Arithmetic::Subtract => i128::from(x) - i128::from(y),
        Arithmetic::Multiply => i128::from(x) * i128::from(y),
    };
    let corners = [wide(a_low, b_low), wide(a_low, b_high), wide(a_high, b_low), wide(a_high, b_high)];
    let low = corners.into_iter().fold(i128::MAX, i128::min);
    let high = corners.into_iter().fold(i128::MIN, i128::max);
    let (least, most) = (i128::from(i64::MIN), i128::from(i64::MAX));
    if high < least || low > most {
        return AbstractValue::ERROR;
    }
    let overflows = low < least || high > most;
    let mut outcome = AbstractValue::range(low.max(least) as i64, high.min(most) as i64);
    outcome.may_error = overflows || a.may_error || b.may_error;
    outcome
}

/// What may stand where nothing was captured.
fn uncaptured(ty: &Ty) -> AbstractValue<'static> {
    let value = if *ty == Ty::Datetime { Domain::Moment } else { Domain::Unknown };
    AbstractValue { value, may_error: false }
}

/// Whether the result of a function may not fit, for operands of which at least one is not known.
fn may_overflow(function: Function, a: &AbstractValue<'_>, b: Option<&AbstractValue<'_>>) -> bool {
    let bounds = |outcome: &AbstractValue<'_>| match &outcome.value {
        Domain::Known(Operand::Datetime(n) | Operand::Duration(n)) => [*n, *n],
        Domain::Moment => [value::MOMENTS.0, value::MOMENTS.1],
        _ => [i64::MIN, i64::MAX],
    };
    // The functions are monotone: if the results at the ends fit, all others do.
    match (function.kernel(), b) {
        (Kernel::Checked(kernel), _) => bounds(a).into_iter().any(|a| kernel(a).is_none()),
        (Kernel::CheckedPair(kernel), Some(b)) => {
            bounds(a).into_iter().any(|a| bounds(b).into_iter().any(|b| kernel(a, b).is_none()))
        }
        _ => false,
    }
}

/// Applies a function to known values.
fn called<'x>(function: Function, a: &Operand<'_>, b: Option<&Operand<'_>>) -> AbstractValue<'x> {
    let answer = |answer| AbstractValue::known(Operand::Bool(answer));
    let computed =
        |n: Option<i64>| n.map_or(AbstractValue::ERROR, |n| AbstractValue::known(number(function.result(), n)));
    let numbers = || Some((a.number()?, b?.number()?));
    match (function.kernel(), a, b) {
        (Kernel::Address(kernel), Operand::Ip(a), _) => answer(kernel(a)),
        (Kernel::Addresses(kernel), Operand::Ip(a), Some(Operand::Ip(b))) => answer(kernel(a, b)),
        (Kernel::Comparison(kernel), ..) => numbers().map_or(AbstractValue::ERROR, |(a, b)| answer(kernel(&a, &b))),
        (Kernel::Total(kernel), ..) => computed(a.number().map(kernel)),
        (Kernel::Checked(kernel), ..) => computed(a.number().and_then(kernel)),
        (Kernel::CheckedPair(kernel), ..) => computed(numbers().and_then(|(a, b)| kernel(a, b))),
        _ => AbstractValue::ERROR,
    }
}
