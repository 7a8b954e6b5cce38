//! Binding: a program and a snapshot, before attributes are derived.
//!
//! Binding gives the constants of the program their values: the time, the parameters, and the entities that literals
//! name. A [`Binding`] evaluates nothing. It becomes an [`Evaluator`] by computing the derived attributes, so that no
//! policy is evaluated without them.

use super::derive::TooManyPairs;
use super::eval::{Bound, BoundParameter, Evaluator, Request};
use crate::ids::IdVec;
use crate::parameters::ParameterValue;
use crate::program::{Constant, NodeId, Program};
use crate::schema::Model;
use crate::snapshot::Snapshot;
use crate::value::{EntityRef, TypeId, Value};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use std::sync::Arc;

/// A program bound to a snapshot and to the values of one run.
pub struct Binding<'a>(Evaluator<'a>);

impl<'a> Binding<'a> {
    /// Binds a program; `now` is in milliseconds since 1970, `parameters` are in the model's order.
    pub fn new(
        model: &'a Model,
        program: &'a Program,
        snapshot: &'a Snapshot,
        now: i64,
        parameters: &[ParameterValue],
    ) -> Self {
        let mut literals: IdVec<TypeId, Vec<SmolStr>> = vec![Vec::new(); model.types.len()].into();
        let derived = model.types.iter().map(|ty| ty.slots.iter().map(|_| None).collect()).collect();
        let mut evaluator =
            Evaluator { model, program, snapshot, bound: Arc::new(Bound { derived, ..Bound::default() }) };
        let set = |at: usize| parameters.get(at).unwrap_or(&ParameterValue::NotSet);
        let bound: Vec<BoundParameter> = (0..model.parameters.len()).map(|at| evaluator.bound(at, set(at))).collect();
        let constants = program.constants.iter().map(|constant| match constant {
            Constant::Value(value) => Some(value.clone()),
            Constant::Now => Some(Value::Datetime(now)),
            Constant::Parameter(at) => bound.get(*at).and_then(|bound| bound.value.clone()),
            Constant::HasParameter(at) => bound.get(*at).and_then(|bound| bound.is_set).map(Value::Bool),
            Constant::Entity(ty, id) => {
                let (entity, table) = (named(model, snapshot, &mut literals, *ty, id), snapshot.table(*ty));
                // A literal that no instance has as it is written may be another spelling, as references are.
                let may_be_respelt = table.has_respelt && table.row(entity.row).is_none();
                (!may_be_respelt).then_some(Value::Entity(entity))
            }
        });
        let constants = constants.collect();
        let values = Arc::make_mut(&mut evaluator.bound);
        (values.constants, values.parameters, values.literals) = (constants, bound, literals);
        let folded = fold(&evaluator);
        Arc::make_mut(&mut evaluator.bound).folded = folded;
        Self(evaluator)
    }

    /// Returns the entity of a type with an id, as an entity literal names it. The snapshot need not have it.
    pub fn named(&mut self, ty: TypeId, id: &SmolStr) -> EntityRef {
        named(self.0.model, self.0.snapshot, &mut Arc::make_mut(&mut self.0.bound).literals, ty, id)
    }

    /// Computes every derived attribute of the program.
    ///
    /// Also returns the derivations that exceed `most_pairs` pairs: their attributes are unknown.
    pub fn derive(mut self, most_pairs: usize) -> (Evaluator<'a>, Vec<TooManyPairs>) {
        let too_many = self.0.derive(most_pairs);
        (self.0, too_many)
    }

    /// Computes the derived attributes in `again`, by their places in the program, and shares the others with another
    /// evaluator of the same program and snapshot.
    pub(super) fn derive_again(
        mut self,
        other: &Evaluator<'a>,
        again: &[bool],
        most_pairs: usize,
    ) -> (Evaluator<'a>, Vec<TooManyPairs>) {
        let too_many = self.0.derive_again(other, again, most_pairs);
        (self.0, too_many)
    }
}

/// Returns the values of the set literals whose elements are constants.
fn fold(evaluator: &Evaluator<'_>) -> FxHashMap<NodeId, Value> {
    let root = evaluator.root();
    let request = Request { principal: root, resource: root, uncaptured_in: None };
    let value = |(node, value): &(NodeId, Option<Value>)| {
        let value = match value {
            Some(value) => value.clone(),
            None => evaluator.value(*node, &request).operand()?.to_value(),
        };
        Some((*node, value))
    };
    evaluator.program.constant_sets.iter().filter_map(value).collect()
}

/// Returns the entity of a type with an id: an instance, a choice, a dangling reference, or one of the `literals`.
fn named(
    model: &Model,
    snapshot: &Snapshot,
    literals: &mut IdVec<TypeId, Vec<SmolStr>>,
    ty: TypeId,
    id: &SmolStr,
) -> EntityRef {
    if let Some(found) = snapshot.entity(model, ty, id) {
        return found;
    }
    let literals = &mut literals[ty];
    let number = literals.iter().position(|literal| literal == id).unwrap_or_else(|| {
        literals.push(id.clone());
        literals.len() - 1
    });
    let table = snapshot.table(ty);
    if snapshot.has_nameless(model, ty) {
        EntityRef::open_literal(ty, number)
    } else if !table.uncaptured_lists.is_empty() {
        EntityRef::literal(ty, number)
    } else {
        let numbered = model.ty(ty).choices().map_or(table.rows.len() + table.dangling.len(), <[_]>::len);
        EntityRef::numbered(ty, numbered + number)
    }
}
