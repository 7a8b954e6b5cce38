//! Evaluation of nodes for one principal and one resource.

use super::index::{Index, Tried};
use super::operand::{self, Operand, Outcome, Possible};
use crate::program::{
    Arithmetic, Asked, Body, Condition, Constant, Function, Kernel, NodeId, NodeKind, PolicyOutcomes, Program,
    evaluate_policy,
};
use crate::schema::{Attribute, Model, Origin, Shape, SlotId, Ty};
use crate::snapshot::{Column, Data, Snapshot, State};
use crate::value::{self, EntityRef, Mask, Record, RefKind, Set, TypeId, Value};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use std::sync::{Arc, OnceLock};

/// A program bound to a snapshot and to the values of one run.
pub struct Machine<'a> {
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
    pub(super) strangers: Vec<Vec<SmolStr>>,
    /// Columns of derived attributes, by type and slot.
    pub(super) derived: Vec<Vec<Option<Arc<Column>>>>,
    /// How the principals of every derivation are found, by derived attribute.
    pub(super) indexes: Vec<OnceLock<Vec<Index>>>,
    /// How many principals are tried where all would be too many, by derived attribute and derivation.
    pub(super) tried: Vec<Vec<Tried>>,
}

/// Who is judged, and for whom.
#[derive(Debug, Clone, Copy)]
pub struct Frame {
    /// The principal.
    pub principal: EntityRef,
    /// The resource.
    pub resource: EntityRef,
    /// The instance whose list of principals was not captured, when the principal is one that may be in it.
    pub phantom: Option<EntityRef>,
}

impl<'a> Machine<'a> {
    /// Binds a program; `now` is in milliseconds since 1970, `parameters` are in the model's order.
    pub(super) fn bind(
        model: &'a Model,
        program: &'a Program,
        snapshot: &'a Snapshot,
        now: i64,
        parameters: &[Option<Value>],
    ) -> Self {
        let mut strangers: Vec<Vec<SmolStr>> = vec![Vec::new(); model.types.len()];
        let mut named = |ty: TypeId, id: &SmolStr| named(model, snapshot, &mut strangers[ty.index()], ty, id);
        let constants = program.constants.iter().map(|constant| match constant {
            Constant::Value(value) => Some(value.clone()),
            Constant::Now => Some(Value::Datetime(now)),
            Constant::Parameter(at) => parameters.get(*at).cloned().flatten(),
            Constant::HasParameter(at) => Some(Value::Bool(parameters.get(*at).is_some_and(Option::is_some))),
            Constant::Entity(ty, id) => Some(Value::Entity(named(*ty, id))),
        });
        let constants = constants.collect();
        let derived = model.types.iter().map(|ty| ty.slots.iter().map(|_| None).collect()).collect();
        let mut machine = Self {
            model,
            program,
            snapshot,
            constants,
            folded: FxHashMap::default(),
            strangers,
            derived,
            indexes: Vec::new(),
            tried: Vec::new(),
        };
        machine.folded = machine.fold();
        machine
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
        let frame = Frame { principal: self.root(), resource: self.root(), phantom: None };
        let folded = sets.filter_map(|(at, _)| {
            let at = NodeId(at as u32);
            Some((at, self.value(at, &frame).operand()?.to_value()))
        });
        folded.collect()
    }

    /// Returns the value of a set that is written out of constants.
    pub(super) fn folded(&self, node: NodeId) -> Option<&Value> {
        self.folded.get(&node)
    }

    /// Returns the entity of a type with an id, which need not be in the snapshot: what an entity literal would mean.
    pub(super) fn named(&mut self, ty: TypeId, id: &SmolStr) -> EntityRef {
        named(self.model, self.snapshot, &mut self.strangers[ty.index()], ty, id)
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
        let known = table.rows.len() + table.absent.len();
        let at = match entity.kind() {
            RefKind::Literal(number) | RefKind::OpenLiteral(number) => Some(number as usize),
            RefKind::Row(row) => (row as usize).checked_sub(known),
            RefKind::Placeholder => None,
        };
        let stranger = at.and_then(|at| self.strangers[entity.ty.index()].get(at));
        match stranger {
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
    pub fn policy(&self, body: &Body, conditional: bool, frame: &Frame) -> PolicyOutcomes<Mask> {
        let mut leaf = |leaf: &NodeId, _| self.mask(*leaf, frame);
        evaluate_policy(&body.scope, &body.clauses, conditional, Mask::EITHER, &mut leaf)
    }

    /// Evaluates a condition.
    pub fn condition(&self, condition: &Condition, frame: &Frame) -> Mask {
        condition.evaluate(Mask::EITHER, &mut |leaf, _| self.mask(*leaf, frame))
    }

    /// Evaluates an expression of type `Bool`.
    pub fn mask(&self, node: NodeId, frame: &Frame) -> Mask {
        match &self.program.node(node).kind {
            NodeKind::Condition(condition) => self.condition(condition, frame),
            _ => self.value(node, frame).to_mask(),
        }
    }

    /// Evaluates an expression of any type.
    pub(super) fn value(&self, node: NodeId, frame: &Frame) -> Outcome<'_> {
        match &self.program.node(node).kind {
            NodeKind::Constant(at) => {
                self.constant(*at).map_or(Outcome::UNKNOWN, |value| Outcome::known(Operand::of(value)))
            }
            NodeKind::Principal => Outcome::known(Operand::Entity(frame.principal)),
            NodeKind::Resource => Outcome::known(Operand::Entity(frame.resource)),
            NodeKind::Root => Outcome::known(Operand::Entity(self.root())),
            NodeKind::Slot(entity, ty, slot) => {
                self.of_entity(*entity, *ty, frame, |entity| self.slot(entity, *ty, *slot, frame))
            }
            NodeKind::Record(entity, ty, path) => self.of_entity(*entity, *ty, frame, |entity| {
                let attribute = crate::program::attribute_at(&self.model.ty(*ty).attributes, path);
                attribute.map_or(Outcome::ERROR, |attribute| self.record(entity, *ty, attribute, frame))
            }),
            NodeKind::Has(entity, ty, slots, asked) => match self.value(*entity, frame) {
                Outcome { value: Possible::Known(Operand::Entity(entity)), may_fail } => {
                    let mask = match slots.first().and_then(|slot| self.state(entity, *ty, *slot)) {
                        None if *asked == Asked::Record && entity.is_literal() => Mask::EITHER | Mask::ERROR,
                        None if *asked == Asked::Record => Mask::ERROR,
                        _ => self.has(entity, *ty, slots),
                    };
                    Outcome::of_mask(if may_fail { mask | Mask::ERROR } else { mask })
                }
                Outcome { value: Possible::Nothing, .. } => Outcome::ERROR,
                Outcome { may_fail, .. } => Outcome {
                    value: Possible::Unknown,
                    may_fail: may_fail || (*asked == Asked::Record && self.dangles(*ty)),
                },
            },
            NodeKind::Condition(condition) => Outcome::of_mask(self.condition(condition, frame)),
            NodeKind::If(test, then, other) => self.choose(*test, *then, *other, frame),
            NodeKind::Equal(left, right) => self.compare(*left, *right, frame, equal),
            NodeKind::Less(left, right) => self.compare(*left, *right, frame, |a, b| ordered(a, b, |a, b| a < b)),
            NodeKind::LessEqual(left, right) => self.compare(*left, *right, frame, |a, b| ordered(a, b, |a, b| a <= b)),
            NodeKind::Arithmetic(op, left, right) => {
                arithmetic(*op, &self.value(*left, frame), &self.value(*right, frame))
            }
            NodeKind::Negate(operand) => {
                arithmetic(Arithmetic::Subtract, &Outcome::known(Operand::Long(0)), &self.value(*operand, frame))
            }
            NodeKind::In(left, right) => {
                self.compare(*left, *right, frame, |left, right| self.lies_in_any(left, right, frame))
            }
            NodeKind::Contains(set, item) => {
                self.compare(*set, *item, frame, |set, item| match set.operand().and_then(Operand::set) {
                    Some(set) => operand::contains(set, item.operand()),
                    None => Mask::EITHER,
                })
            }
            NodeKind::ContainsAll(left, right) => self.compare(*left, *right, frame, |a, b| match (sets(a), sets(b)) {
                (Some(a), Some(b)) => operand::contains_all(a, b),
                (_, Some(b)) if operand::is_empty(b) == Mask::TRUE => Mask::TRUE,
                _ => Mask::EITHER,
            }),
            NodeKind::ContainsAny(left, right) => self.compare(*left, *right, frame, |a, b| match (sets(a), sets(b)) {
                (Some(a), Some(b)) => operand::contains_any(a, b),
                (Some(one), None) | (None, Some(one)) if operand::is_empty(one) == Mask::TRUE => Mask::FALSE,
                _ => Mask::EITHER,
            }),
            NodeKind::IsEmpty(set) => self.test(*set, frame, |set| set.set().map_or(Mask::EITHER, operand::is_empty)),
            NodeKind::Like(text, pattern) => self.test(*text, frame, |text| {
                text.text().map_or(Mask::ERROR, |text| Mask::of(pattern.wildcard_match(text)))
            }),
            NodeKind::Settled(operand, answer) => {
                let evaluated = self.value(*operand, frame);
                if evaluated.fails() {
                    Outcome::ERROR
                } else {
                    Outcome { value: Possible::Known(Operand::Bool(*answer)), may_fail: evaluated.may_fail }
                }
            }
            NodeKind::GetTag(entity, ty, key) => self.tag(*entity, *ty, *key, frame),
            NodeKind::HasTag(entity, ty, key) => self.has_tag(*entity, *ty, *key, frame),
            NodeKind::SetOf(items) => match self.folded(node) {
                Some(set) => Outcome::known(Operand::of(set)),
                None => self.set_of(items, frame),
            },
            NodeKind::RecordOf(members) => self.record_of(members, frame),
            NodeKind::Member(record, name) => {
                let outcome = self.value(*record, frame);
                match outcome.operand().and_then(Operand::record) {
                    Some(record) => match record.get(name) {
                        Some(value) => Outcome { value: Possible::Known(owned(value)), may_fail: outcome.may_fail },
                        None => Outcome::ERROR,
                    },
                    None if outcome.fails() => Outcome::ERROR,
                    None => Outcome { value: Possible::Unknown, may_fail: outcome.may_fail },
                }
            }
            NodeKind::HasMember(record, names) => self.test(*record, frame, |record| {
                let mut at = record.record().cloned();
                for (step, name) in names.iter().enumerate() {
                    match at.as_ref().and_then(|record| record.get(name)) {
                        None => return Mask::FALSE,
                        Some(Value::Record(inner)) => at = Some((**inner).clone()),
                        Some(_) if step + 1 < names.len() => return Mask::EITHER,
                        Some(_) => {}
                    }
                }
                Mask::TRUE
            }),
            NodeKind::Call(function, args) => self.call(*function, args, frame),
            NodeKind::Unreachable => Outcome::ERROR,
        }
    }

    fn of_entity<'s>(
        &'s self,
        entity: NodeId,
        ty: TypeId,
        frame: &Frame,
        read: impl Fn(EntityRef) -> Outcome<'s>,
    ) -> Outcome<'s> {
        let outcome = self.value(entity, frame);
        match outcome.value {
            Possible::Known(Operand::Entity(entity)) => {
                let mut read = read(entity);
                read.may_fail |= outcome.may_fail;
                read
            }
            Possible::Nothing => Outcome::ERROR,
            _ => Outcome { value: Possible::Unknown, may_fail: outcome.may_fail || self.dangles(ty) },
        }
    }

    /// Whether an entity that is not known may be one that is named somewhere and has no row.
    fn dangles(&self, ty: TypeId) -> bool {
        !self.snapshot.table(ty).absent.is_empty()
    }

    pub(super) fn slot(&self, entity: EntityRef, ty: TypeId, slot: SlotId, frame: &Frame) -> Outcome<'_> {
        let declared = &self.model.ty(ty).slots[slot.index()];
        if let Origin::Enclosing(around) = declared.origin {
            return match self.enclosing(entity, around, frame) {
                Some(found) => Outcome::known(Operand::Entity(found)),
                None if entity.is_placeholder() => Outcome::UNKNOWN,
                None if entity.is_literal() => Outcome { may_fail: true, ..Outcome::UNKNOWN },
                None => Outcome::ERROR,
            };
        }
        if entity.is_placeholder() {
            return match (&declared.origin, &declared.ty) {
                (Origin::Derived, Ty::Long) => Outcome::range(0, i64::MAX),
                _ => uncaptured(&declared.ty),
            };
        }
        let column = self.column(ty, slot);
        let row = entity.row as usize;
        match column.states.get(row) {
            // Beyond the rows are entities that the snapshot names and does not hold.
            None if entity.is_literal() => return Outcome { may_fail: true, ..Outcome::UNKNOWN },
            None => return Outcome::ERROR,
            Some(State::Absent) => return Outcome::ERROR,
            Some(State::Uncaptured | State::Unreadable) => {
                return match &column.data {
                    Data::Range(ranges) => {
                        ranges.get(row).map_or(Outcome::UNKNOWN, |(low, high)| Outcome::range(*low, *high))
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
        operand.map_or(Outcome::ERROR, Outcome::known)
    }

    /// The entity of a type that another is nested in; for an instance nobody captured, as far as that is known.
    fn enclosing(&self, entity: EntityRef, around: TypeId, frame: &Frame) -> Option<EntityRef> {
        if entity.is_placeholder() {
            return self.snapshot.enclosing(self.model, frame.phantom?, around);
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
    fn has(&self, entity: EntityRef, ty: TypeId, slots: &[SlotId]) -> Mask {
        slots.iter().fold(Mask::TRUE, |mask, slot| {
            mask.and(match self.state(entity, ty, *slot) {
                Some(State::Known) => Mask::TRUE,
                Some(state) if state.is_unknown() => {
                    if self.model.ty(ty).slots[slot.index()].required {
                        Mask::TRUE
                    } else {
                        Mask::EITHER
                    }
                }
                None if entity.is_literal() => Mask::EITHER,
                Some(_) | None => Mask::FALSE,
            })
        })
    }

    fn record(&self, entity: EntityRef, ty: TypeId, attribute: &Attribute, frame: &Frame) -> Outcome<'_> {
        let Shape::Record(presence, members) = &attribute.shape else { return Outcome::ERROR };
        match self.state(entity, ty, *presence) {
            None if entity.is_literal() => return Outcome { may_fail: true, ..Outcome::UNKNOWN },
            None | Some(State::Absent) => return Outcome::ERROR,
            Some(State::Uncaptured | State::Unreadable) => return Outcome::UNKNOWN,
            Some(State::Known) => {}
        }
        if entity.is_placeholder() {
            return Outcome::UNKNOWN;
        }
        let mut fields = Vec::new();
        for member in members {
            let (slot, read) = match &member.shape {
                Shape::Leaf(slot) => (*slot, self.slot(entity, ty, *slot, frame)),
                Shape::Record(slot, _) => (*slot, self.record(entity, ty, member, frame)),
            };
            if self.state(entity, ty, slot) == Some(State::Absent) {
                continue;
            }
            match read.operand() {
                Some(operand) => fields.push((member.name.clone(), operand.to_value())),
                None => return Outcome::UNKNOWN,
            }
        }
        Outcome::known(Operand::BuiltRecord(Arc::new(Record::new(fields))))
    }

    fn choose<'s>(&'s self, test: NodeId, then: NodeId, other: NodeId, frame: &Frame) -> Outcome<'s> {
        let test = self.mask(test, frame);
        let branch = |node| self.value(node, frame);
        let mut outcome = match (test.may(Mask::TRUE), test.may(Mask::FALSE)) {
            (true, false) => branch(then),
            (false, true) => branch(other),
            (false, false) => return Outcome::ERROR,
            (true, true) => {
                let (a, b) = (branch(then), branch(other));
                let may_fail = a.may_fail || b.may_fail;
                let value = match (&a.value, &b.value) {
                    (Possible::Nothing, _) => b.value,
                    (_, Possible::Nothing) => a.value,
                    (Possible::Known(x), Possible::Known(y)) if x.equals(y) == Mask::TRUE => a.value,
                    (
                        Possible::Known(Operand::Long(_)) | Possible::Range(..),
                        Possible::Known(Operand::Long(_)) | Possible::Range(..),
                    ) => {
                        let ((a, b), (c, d)) = (a.bounds(), b.bounds());
                        Possible::Range(a.min(c), b.max(d))
                    }
                    _ => Possible::Unknown,
                };
                Outcome { value, may_fail }
            }
        };
        outcome.may_fail |= test.may(Mask::ERROR);
        outcome
    }

    /// Evaluates both operands, then compares; what fails, fails.
    fn compare(
        &self,
        left: NodeId,
        right: NodeId,
        frame: &Frame,
        compare: impl Fn(&Outcome<'_>, &Outcome<'_>) -> Mask,
    ) -> Outcome<'_> {
        let (left, right) = (self.value(left, frame), self.value(right, frame));
        if left.fails() || right.fails() {
            return Outcome::ERROR;
        }
        let mask = compare(&left, &right);
        Outcome::of_mask(if left.may_fail || right.may_fail { mask | Mask::ERROR } else { mask })
    }

    fn test(&self, operand: NodeId, frame: &Frame, test: impl Fn(&Operand<'_>) -> Mask) -> Outcome<'_> {
        let operand = self.value(operand, frame);
        if operand.fails() {
            return Outcome::ERROR;
        }
        let mask = operand.operand().map_or(Mask::EITHER, test);
        Outcome::of_mask(if operand.may_fail { mask | Mask::ERROR } else { mask })
    }

    fn lies_in_any(&self, left: &Outcome<'_>, right: &Outcome<'_>, frame: &Frame) -> Mask {
        let Some(entity) = left.operand().and_then(Operand::entity) else { return Mask::EITHER };
        match right.operand() {
            Some(Operand::Entity(other)) => self.lies_in(entity, *other, frame),
            Some(operand) => {
                let Some(set) = operand.set() else { return Mask::EITHER };
                let lies = |value: &Value| match value {
                    Value::Entity(other) => self.lies_in(entity, *other, frame),
                    _ => Mask::FALSE,
                };
                let certain = set.items().iter().map(lies).fold(Mask::FALSE, either);
                if certain == Mask::TRUE {
                    return Mask::TRUE;
                }
                let perhaps = set.is_open() || set.maybe().iter().any(|value| lies(value) != Mask::FALSE);
                if perhaps { certain | Mask::EITHER } else { certain }
            }
            None => Mask::EITHER,
        }
    }

    pub(super) fn lies_in(&self, entity: EntityRef, other: EntityRef, frame: &Frame) -> Mask {
        match self.is_nested(entity, other, frame) {
            Mask::TRUE => Mask::TRUE,
            nested => either(nested, self.is_member(entity, other, frame)),
        }
    }

    fn is_nested(&self, entity: EntityRef, other: EntityRef, frame: &Frame) -> Mask {
        // A literal without a row of its own may mean any instance of its type.
        let may_mean = |literal: EntityRef, ty: TypeId| literal.is_open_literal() && literal.ty == ty;
        if entity != other
            && (may_mean(entity, other.ty) || self.model.ancestry(entity.ty).any(|ty| may_mean(other, ty)))
        {
            return Mask::EITHER;
        }
        if entity.is_literal() {
            // It may lie in the other; or be the other, where that was not captured either.
            let from = if other.is_placeholder() { 0 } else { 1 };
            let around = entity != other && self.model.ancestry(entity.ty).skip(from).any(|ty| ty == other.ty);
            return if around { Mask::EITHER } else { Mask::of(entity == other) };
        }
        if !entity.is_placeholder() {
            return Mask::of(self.snapshot.lies_in(self.model, entity, other));
        }
        let Some(scope) = frame.phantom else { return Mask::EITHER };
        if entity == other || self.snapshot.lies_in(self.model, scope, other) {
            return Mask::TRUE;
        }
        // What lies between the instance and its scope was not captured either: it has no row, but a literal may name it.
        let between = self.model.ancestry(entity.ty).take_while(|ty| *ty != scope.ty).any(|ty| ty == other.ty);
        if between && other.is_literal() { Mask::EITHER } else { Mask::FALSE }
    }

    /// Whether an entity lies in another in which it is not nested.
    fn is_member(&self, entity: EntityRef, other: EntityRef, frame: &Frame) -> Mask {
        let declared = self.model.ty(entity.ty);
        if let Some(groups) = declared.groups.get(entity.row as usize) {
            return Mask::of(groups.contains(&other));
        }
        let Some((_, slot)) = declared.memberships.iter().find(|(around, _)| *around == other.ty) else {
            return Mask::FALSE;
        };
        let around = self.slot(entity, entity.ty, *slot, frame);
        match sets(&around) {
            Some(set) => operand::contains(set, Some(&Operand::Entity(other))),
            // An entity that is not in the snapshot lies in nothing.
            None if around.fails() => Mask::FALSE,
            None => Mask::EITHER,
        }
    }

    fn tag(&self, entity: NodeId, ty: TypeId, key: NodeId, frame: &Frame) -> Outcome<'_> {
        let Some(slot) = self.model.ty(ty).tags else { return Outcome::ERROR };
        let (entity, key) = (self.value(entity, frame), self.value(key, frame));
        let may_fail = entity.may_fail || key.may_fail;
        if entity.fails() || key.fails() {
            return Outcome::ERROR;
        }
        let Some(entity) = entity.operand().and_then(Operand::entity) else {
            return Outcome { value: Possible::Unknown, may_fail: may_fail || self.dangles(ty) };
        };
        let tags = self.slot(entity, ty, slot, frame);
        let value = match (tags.operand(), key.operand()) {
            (Some(Operand::Record(tags)), Some(key)) => match tags.get(key.text().unwrap_or_default()) {
                Some(value) => Possible::Known(owned(value)),
                None if tags.is_unknown(key.text().unwrap_or_default()) => Possible::Unknown,
                None => Possible::Nothing,
            },
            _ if tags.fails() => Possible::Nothing,
            _ => Possible::Unknown,
        };
        Outcome { may_fail: may_fail || matches!(value, Possible::Nothing), value }
    }

    fn has_tag(&self, entity: NodeId, ty: TypeId, key: NodeId, frame: &Frame) -> Outcome<'_> {
        let Some(slot) = self.model.ty(ty).tags else { return Outcome::of_mask(Mask::FALSE) };
        self.compare(entity, key, frame, |entity, key| {
            let Some(entity) = entity.operand().and_then(Operand::entity) else { return Mask::EITHER };
            let tags = self.slot(entity, ty, slot, frame);
            match (tags.operand(), key.operand()) {
                // An entity that is not in the snapshot has no tags.
                _ if tags.fails() => Mask::FALSE,
                (Some(Operand::Record(tags)), Some(key)) => match key.text().unwrap_or_default() {
                    name if tags.is_unknown(name) => Mask::EITHER,
                    name => Mask::of(tags.get(name).is_some()),
                },
                _ => Mask::EITHER,
            }
        })
    }

    fn set_of(&self, items: &[NodeId], frame: &Frame) -> Outcome<'_> {
        let (mut known, mut open, mut may_fail) = (Vec::with_capacity(items.len()), false, false);
        for item in items {
            let item = self.value(*item, frame);
            if item.fails() {
                return Outcome::ERROR;
            }
            may_fail |= item.may_fail;
            match item.operand() {
                Some(operand) => known.push(operand.to_value()),
                None => open = true,
            }
        }
        let set = Set::partial(known, Vec::new(), open);
        Outcome { value: Possible::Known(Operand::BuiltSet(Arc::new(set))), may_fail }
    }

    fn record_of(&self, members: &[(SmolStr, NodeId, Option<NodeId>)], frame: &Frame) -> Outcome<'_> {
        let (mut fields, mut whole, mut may_fail) = (Vec::new(), true, false);
        for (name, member, there) in members {
            match there.map(|there| self.mask(there, frame)) {
                Some(Mask::FALSE) => continue,
                Some(mask) if mask != Mask::TRUE => whole = false,
                _ => {}
            }
            let member = self.value(*member, frame);
            if member.fails() {
                return Outcome::ERROR;
            }
            may_fail |= member.may_fail;
            match member.operand() {
                Some(operand) => fields.push((name.clone(), operand.to_value())),
                None => whole = false,
            }
        }
        let value = if whole {
            Possible::Known(Operand::BuiltRecord(Arc::new(Record::new(fields))))
        } else {
            Possible::Unknown
        };
        Outcome { value, may_fail }
    }

    fn call(&self, function: Function, args: &[NodeId], frame: &Frame) -> Outcome<'_> {
        let [first, rest @ ..] = args else { return Outcome::ERROR };
        let first = self.value(*first, frame);
        let second = rest.first().map(|second| self.value(*second, frame));
        if first.fails() || second.as_ref().is_some_and(Outcome::fails) {
            return Outcome::ERROR;
        }
        let mut outcome = match (first.operand(), &second, second.as_ref().and_then(Outcome::operand)) {
            (Some(a), None, _) => called(function, a, None),
            (Some(a), Some(_), Some(b)) => called(function, a, Some(b)),
            _ => Outcome { value: Possible::Unknown, may_fail: may_overflow(function, &first, second.as_ref()) },
        };
        outcome.may_fail |= first.may_fail || second.is_some_and(|second| second.may_fail);
        outcome
    }
}

/// The entity of a type with an id: in the snapshot, or else among the `strangers` of its type.
fn named(model: &Model, snapshot: &Snapshot, strangers: &mut Vec<SmolStr>, ty: TypeId, id: &SmolStr) -> EntityRef {
    if let Some(found) = snapshot.entity(model, ty, id) {
        return found;
    }
    let known = strangers.iter().position(|stranger| stranger == id);
    let at = known.unwrap_or_else(|| {
        strangers.push(id.clone());
        strangers.len() - 1
    });
    let table = snapshot.table(ty);
    let known = model.ty(ty).choices().map_or(table.rows.len() + table.absent.len(), <[_]>::len);
    match at as u32 {
        at if table.has_nameless() => EntityRef::open_literal(ty, at),
        at if !table.missing.is_empty() => EntityRef::literal(ty, at),
        at => EntityRef { ty, row: known as u32 + at },
    }
}

fn either(left: Mask, right: Mask) -> Mask {
    if left == Mask::TRUE || right == Mask::TRUE { Mask::TRUE } else { left | right }
}

fn sets<'s>(outcome: &'s Outcome<'_>) -> Option<&'s Set> {
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

fn equal(a: &Outcome<'_>, b: &Outcome<'_>) -> Mask {
    match (a.operand(), b.operand()) {
        (Some(a), Some(b)) => a.equals(b),
        _ if matches!(a.value, Possible::Range(..)) || matches!(b.value, Possible::Range(..)) => {
            let ((a, b), (c, d)) = (a.bounds(), b.bounds());
            if b < c || d < a { Mask::FALSE } else { Mask::EITHER }
        }
        _ => Mask::EITHER,
    }
}

/// `<` and `<=`, by the answers at the ends of what the operands may be.
fn ordered(a: &Outcome<'_>, b: &Outcome<'_>, holds: impl Fn(i64, i64) -> bool) -> Mask {
    match (a.operand(), b.operand()) {
        (Some(Operand::Datetime(a)), Some(Operand::Datetime(b)))
        | (Some(Operand::Duration(a)), Some(Operand::Duration(b))) => Mask::of(holds(*a, *b)),
        (Some(Operand::Long(a)), Some(Operand::Long(b))) => Mask::of(holds(*a, *b)),
        (Some(Operand::Datetime(_) | Operand::Duration(_)), _)
        | (_, Some(Operand::Datetime(_) | Operand::Duration(_))) => Mask::EITHER,
        _ => {
            let ((a_low, a_high), (b_low, b_high)) = (a.bounds(), b.bounds());
            match (holds(a_high, b_low), holds(a_low, b_high)) {
                (true, _) => Mask::TRUE,
                (_, false) => Mask::FALSE,
                _ => Mask::EITHER,
            }
        }
    }
}

fn arithmetic<'x>(op: Arithmetic, a: &Outcome<'_>, b: &Outcome<'_>) -> Outcome<'x> {
    if a.fails() || b.fails() {
        return Outcome::ERROR;
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
        return Outcome::ERROR;
    }
    let overflows = low < least || high > most;
    let mut outcome = Outcome::range(low.max(least) as i64, high.min(most) as i64);
    outcome.may_fail = overflows || a.may_fail || b.may_fail;
    outcome
}

/// What may stand where nothing was captured.
fn uncaptured(ty: &Ty) -> Outcome<'static> {
    let value = if *ty == Ty::Datetime { Possible::Moment } else { Possible::Unknown };
    Outcome { value, may_fail: false }
}

/// Whether the result of a function may not fit, for operands of which at least one is not known.
fn may_overflow(function: Function, a: &Outcome<'_>, b: Option<&Outcome<'_>>) -> bool {
    let bounds = |outcome: &Outcome<'_>| match &outcome.value {
        Possible::Known(Operand::Datetime(n) | Operand::Duration(n)) => [*n, *n],
        Possible::Moment => [value::MOMENTS.0, value::MOMENTS.1],
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
fn called<'x>(function: Function, a: &Operand<'_>, b: Option<&Operand<'_>>) -> Outcome<'x> {
    let answer = |answer| Outcome::known(Operand::Bool(answer));
    let computed = |n: Option<i64>| n.map_or(Outcome::ERROR, |n| Outcome::known(number(function.result(), n)));
    let numbers = || Some((a.number()?, b?.number()?));
    match (function.kernel(), a, b) {
        (Kernel::Address(kernel), Operand::Ip(a), _) => answer(kernel(a)),
        (Kernel::Addresses(kernel), Operand::Ip(a), Some(Operand::Ip(b))) => answer(kernel(a, b)),
        (Kernel::Comparison(kernel), ..) => numbers().map_or(Outcome::ERROR, |(a, b)| answer(kernel(&a, &b))),
        (Kernel::Total(kernel), ..) => computed(a.number().map(kernel)),
        (Kernel::Checked(kernel), ..) => computed(a.number().and_then(kernel)),
        (Kernel::CheckedPair(kernel), ..) => computed(numbers().and_then(|(a, b)| kernel(a, b))),
        _ => Outcome::ERROR,
    }
}
