//! The evaluator: expressions and conditions for one principal and one resource.
//!
//! An expression evaluates to an abstract value, a condition to the set of its possible outcomes. `&&`, `||` and `if`
//! are combined in [`Condition::evaluate`], with Cedar's short circuit. This module defines the semantics of every
//! node; `batch` evaluates some nodes faster and must agree with it.

mod entity;
mod parameter;
mod hierarchy;

use super::index::{BuildSide, ProbeLimits};
use super::operand::{self, AbstractValue, Operand};
use super::symbols::Symbols;
use super::transfer;
use crate::ids::IdVec;
use crate::program::{
    Arithmetic, Body, Condition, Function, NodeId, NodeKind, PolicyOutcomes, Program, evaluate_policy,
};
use crate::schema::{Model, SlotId};
use crate::snapshot::{Column, Snapshot};
use crate::value::{EntityRef, Outcomes, Record, RefKind, Set, TypeId, Value};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use std::sync::{Arc, OnceLock};

pub(super) use parameter::BoundParameter;

/// A program bound to a snapshot and to the values of one run, with its derived attributes: see
/// [`Binding`](super::Binding).
pub struct Evaluator<'a> {
    /// The schema's model.
    pub model: &'a Model,
    /// The program.
    pub program: &'a Program,
    /// The snapshot.
    pub snapshot: &'a Snapshot,
    /// The values that the program has for the snapshot. An evaluator is made again from them.
    pub(super) bound: Arc<Bound>,
}

/// The values that a program has for a snapshot and for the values of one run.
#[derive(Debug, Clone, Default)]
pub(super) struct Bound {
    /// The parameters, in the order of the model.
    pub(super) parameters: Vec<BoundParameter>,
    /// The values of the program's constants; `None` is unknown.
    pub(super) constants: Vec<Option<Value>>,
    /// The values of set literals whose elements are constants, by node.
    pub(super) folded: FxHashMap<NodeId, Value>,
    /// The ids of entity literals that the snapshot does not have, by type. Their numbers follow those of the dangling
    /// references, unless a literal may name an unknown instance.
    pub(super) literals: IdVec<TypeId, Vec<SmolStr>>,
    /// The columns of derived attributes, by type and slot.
    pub(super) derived: Vec<Vec<Option<Arc<Column>>>>,
    /// The hash joins of every derived attribute.
    pub(super) joins: Vec<AttributeJoins>,
    /// The symbols of the texts that these joins compare.
    pub(super) symbols: Arc<Symbols>,
}

/// The hash joins of the derivations of one attribute.
#[derive(Debug, Clone, Default)]
pub(super) struct AttributeJoins {
    /// The limits of each derivation, none if all pairs are tested; `None` if one of them exceeds the limit on pairs.
    pub(super) limits: Option<Vec<ProbeLimits>>,
    /// The build side of each derivation. It is dropped after the derivation, and built again for an explanation.
    pub(super) build_sides: OnceLock<Vec<BuildSide>>,
}

/// The principal and the resource of one evaluation.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    /// The principal.
    pub principal: EntityRef,
    /// The resource.
    pub resource: EntityRef,
    /// If the principal or the resource is a phantom, the instance whose list was not captured.
    pub uncaptured_in: Option<EntityRef>,
}

impl Evaluator<'_> {
    /// Returns the root entity.
    pub fn root(&self) -> EntityRef {
        EntityRef { ty: self.model.root, row: 0 }
    }

    /// Returns the value of a constant.
    pub fn constant(&self, at: usize) -> Option<&Value> {
        self.bound.constants.get(at).and_then(Option::as_ref)
    }

    /// Returns the value of a set literal whose elements are constants.
    pub(super) fn folded(&self, node: NodeId) -> Option<&Value> {
        self.bound.folded.get(&node)
    }

    /// Returns the id of an entity, also of a literal that the snapshot does not have.
    pub fn id(&self, entity: EntityRef) -> SmolStr {
        let table = self.snapshot.table(entity.ty);
        let numbered = table.rows.len() + table.dangling.len();
        let at = match entity.kind() {
            RefKind::Literal(number) | RefKind::OpenLiteral(number) => Some(number as usize),
            RefKind::Row(row) => (row as usize).checked_sub(numbered),
            RefKind::Placeholder => None,
        };
        match at.and_then(|at| self.bound.literals.find(entity.ty)?.get(at)) {
            Some(id) if self.model.ty(entity.ty).choices().is_none() => id.clone(),
            _ => self.snapshot.id(self.model, entity),
        }
    }

    /// Returns the column of a slot; of a derived attribute, the derived one.
    pub fn column(&self, ty: TypeId, slot: SlotId) -> &Column {
        let derived = self.bound.derived.get(ty.index()).and_then(|slots| slots.get(slot.index())?.as_deref());
        derived.unwrap_or_else(|| self.snapshot.table(ty).column(slot))
    }

    /// Evaluates a policy: its scope, then its clauses in order.
    ///
    /// `conditional` requests the outcomes of the `when` clauses alone too.
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
                self.read_entity(*entity, *ty, request, |entity| self.slot(entity, *ty, *slot, request))
            }
            NodeKind::Record(entity, ty, path) => {
                self.read_entity(*entity, *ty, request, |entity| self.record_at(entity, *ty, path, request))
            }
            NodeKind::Has(entity, ty, slots, target) => self.has(*entity, *ty, slots, *target, request),
            NodeKind::Condition(condition) => AbstractValue::of_outcomes(self.condition(condition, request)),
            NodeKind::If(test, then, other) => self.choose(*test, *then, *other, request),
            NodeKind::Equal(left, right) => self.binary(*left, *right, request, |left, right| self.equal(left, right)),
            NodeKind::Less(left, right) => {
                self.binary(*left, *right, request, |a, b| transfer::ordered(a, b, |a, b| a < b))
            }
            NodeKind::LessEqual(left, right) => {
                self.binary(*left, *right, request, |a, b| transfer::ordered(a, b, |a, b| a <= b))
            }
            NodeKind::Arithmetic(op, left, right) => {
                transfer::arithmetic(*op, &self.value(*left, request), &self.value(*right, request))
            }
            NodeKind::Negate(operand) => {
                let zero = AbstractValue::known(Operand::Long(0));
                transfer::arithmetic(Arithmetic::Subtract, &zero, &self.value(*operand, request))
            }
            NodeKind::In(left, right) => {
                self.binary(*left, *right, request, |left, right| self.is_in(left, right, request))
            }
            NodeKind::Contains(set, item) => self.binary(*set, *item, request, |set, item| match set.set() {
                Some(set) => operand::contains(set, item.operand()),
                None => Outcomes::EITHER,
            }),
            NodeKind::ContainsAll(left, right) => {
                self.binary(*left, *right, request, |a, b| match (a.set(), b.set()) {
                    (Some(a), Some(b)) => operand::contains_all(a, b),
                    (_, Some(b)) if operand::is_empty(b) == Outcomes::TRUE => Outcomes::TRUE,
                    _ => Outcomes::EITHER,
                })
            }
            NodeKind::ContainsAny(left, right) => {
                self.binary(*left, *right, request, |a, b| match (a.set(), b.set()) {
                    (Some(a), Some(b)) => operand::contains_any(a, b),
                    (Some(set), None) | (None, Some(set)) if operand::is_empty(set) == Outcomes::TRUE => {
                        Outcomes::FALSE
                    }
                    _ => Outcomes::EITHER,
                })
            }
            NodeKind::IsEmpty(set) => {
                self.unary(*set, request, |set| set.set().map_or(Outcomes::EITHER, operand::is_empty))
            }
            NodeKind::Like(text, pattern) => self.unary(*text, request, |text| {
                text.text().map_or(Outcomes::ERROR, |text| Outcomes::of(pattern.matches(text)))
            }),
            NodeKind::StaticallyKnown(operand, answer) => {
                let operand = self.value(*operand, request);
                match operand.fails() {
                    true => AbstractValue::ERROR,
                    false => AbstractValue::known(Operand::Bool(*answer)).or_error(operand.may_error),
                }
            }
            NodeKind::GetTag(entity, ty, key) => self.tag(*entity, *ty, *key, request),
            NodeKind::HasTag(entity, ty, key) => self.has_tag(*entity, *ty, *key, request),
            NodeKind::SetOf(items) => match self.folded(node) {
                Some(set) => AbstractValue::known(Operand::of(set)),
                None => self.set_of(items, request),
            },
            NodeKind::RecordOf(members) => self.record_of(members, request),
            NodeKind::Member(record, name) => self.member(*record, name, request),
            NodeKind::HasMember(record, names) => {
                self.unary(*record, request, |record| has_members(record.record(), names))
            }
            NodeKind::Call(function, operands) => self.call(*function, operands, request),
            NodeKind::Unreachable => AbstractValue::ERROR,
        }
    }

    /// Evaluates an `if` of a type other than `Bool`.
    fn choose<'s>(&'s self, test: NodeId, then: NodeId, other: NodeId, request: &Request) -> AbstractValue<'s> {
        let test = self.outcomes(test, request);
        let value = match (test.may(Outcomes::TRUE), test.may(Outcomes::FALSE)) {
            (true, false) => self.value(then, request),
            (false, true) => self.value(other, request),
            (true, true) => transfer::union(self.value(then, request), self.value(other, request)),
            (false, false) => AbstractValue::ERROR,
        };
        value.or_error(test.may(Outcomes::ERROR))
    }

    /// Evaluates both operands, then an operator that returns a boolean. An error of an operand is an error.
    fn binary(
        &self,
        left: NodeId,
        right: NodeId,
        request: &Request,
        operator: impl Fn(&AbstractValue<'_>, &AbstractValue<'_>) -> Outcomes,
    ) -> AbstractValue<'_> {
        let (left, right) = (self.value(left, request), self.value(right, request));
        if left.fails() || right.fails() {
            return AbstractValue::ERROR;
        }
        AbstractValue::of_outcomes(operator(&left, &right)).or_error(left.may_error || right.may_error)
    }

    /// Returns the outcomes of `==`.
    fn equal(&self, left: &AbstractValue<'_>, right: &AbstractValue<'_>) -> Outcomes {
        match (left.entity(), right.entity()) {
            (Some(a), Some(b)) if self.is_of_other_id(a, b) || self.is_of_other_id(b, a) => Outcomes::FALSE,
            _ => transfer::equal(left, right),
        }
    }

    /// Evaluates an operand, then an operator that returns a boolean. An unknown operand gives either result.
    fn unary(
        &self,
        operand: NodeId,
        request: &Request,
        operator: impl Fn(&Operand<'_>) -> Outcomes,
    ) -> AbstractValue<'_> {
        let operand = self.value(operand, request);
        if operand.fails() {
            return AbstractValue::ERROR;
        }
        let outcomes = operand.operand().map_or(Outcomes::EITHER, operator);
        AbstractValue::of_outcomes(outcomes).or_error(operand.may_error)
    }

    /// Evaluates a set literal. An unknown element makes the set open.
    fn set_of(&self, items: &[NodeId], request: &Request) -> AbstractValue<'_> {
        let (mut known, mut is_open, mut may_error) = (Vec::with_capacity(items.len()), false, false);
        for item in items {
            let item = self.value(*item, request);
            if item.fails() {
                return AbstractValue::ERROR;
            }
            may_error |= item.may_error;
            match item.operand() {
                Some(operand) => known.push(operand.to_value()),
                None => is_open = true,
            }
        }
        let set = Set::partial(known, Vec::new(), is_open);
        AbstractValue::known(Operand::BuiltSet(Arc::new(set))).or_error(may_error)
    }

    /// Evaluates a record literal. It is known if the presence and the value of every member are.
    fn record_of(&self, members: &[(SmolStr, NodeId, Option<NodeId>)], request: &Request) -> AbstractValue<'_> {
        let (mut fields, mut is_known, mut may_error) = (Vec::new(), true, false);
        for (name, member, presence) in members {
            match presence.map(|presence| self.outcomes(presence, request)) {
                Some(Outcomes::FALSE) => continue,
                Some(presence) if presence != Outcomes::TRUE => is_known = false,
                _ => {}
            }
            let member = self.value(*member, request);
            if member.fails() {
                return AbstractValue::ERROR;
            }
            may_error |= member.may_error;
            match member.operand() {
                Some(operand) => fields.push((name.clone(), operand.to_value())),
                None => is_known = false,
            }
        }
        let value = match is_known {
            true => AbstractValue::known(Operand::BuiltRecord(Arc::new(Record::new(fields)))),
            false => AbstractValue::UNKNOWN,
        };
        value.or_error(may_error)
    }

    /// Reads a member of a computed record.
    fn member(&self, record: NodeId, name: &SmolStr, request: &Request) -> AbstractValue<'_> {
        let record = self.value(record, request);
        match record.operand().and_then(Operand::record) {
            Some(known) => match known.get(name) {
                Some(value) => AbstractValue::known(Operand::shared(value)).or_error(record.may_error),
                None => AbstractValue::ERROR,
            },
            None if record.fails() => AbstractValue::ERROR,
            None => AbstractValue::UNKNOWN.or_error(record.may_error),
        }
    }

    /// Evaluates an extension function.
    fn call(&self, function: Function, operands: &[NodeId], request: &Request) -> AbstractValue<'_> {
        let [first, rest @ ..] = operands else { return AbstractValue::ERROR };
        let first = self.value(*first, request);
        let second = rest.first().map(|second| self.value(*second, request));
        transfer::call(function, &first, second.as_ref())
    }
}

/// Returns whether a computed record has a member, whose value has the next member, and so on.
fn has_members(record: Option<&Record>, names: &[SmolStr]) -> Outcomes {
    let mut record = record;
    let mut names = names.iter().peekable();
    while let Some(name) = names.next() {
        match record.and_then(|record| record.get(name)) {
            None => return Outcomes::FALSE,
            Some(Value::Record(inner)) => record = Some(inner),
            Some(_) if names.peek().is_some() => return Outcomes::EITHER,
            Some(_) => {}
        }
    }
    Outcomes::TRUE
}
