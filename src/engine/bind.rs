//! Binding: a program and a snapshot, before attributes are derived.

use super::derive::TooManyPairs;
use super::eval::Evaluator;
use crate::program::Program;
use crate::schema::Model;
use crate::snapshot::Snapshot;
use crate::value::{EntityRef, TypeId, Value};
use smol_str::SmolStr;

/// A program bound to a snapshot and to the values of one run. Nothing can be evaluated before attributes are derived.
pub struct Binding<'a>(Evaluator<'a>);

impl<'a> Binding<'a> {
    /// Binds a program; `now` is in milliseconds since 1970, `parameters` are in the model's order.
    pub fn new(
        model: &'a Model,
        program: &'a Program,
        snapshot: &'a Snapshot,
        now: i64,
        parameters: &[Option<Value>],
    ) -> Self {
        Self(Evaluator::bind(model, program, snapshot, now, parameters))
    }

    /// Returns the entity of a type with an id, which need not be in the snapshot: what an entity literal would mean.
    pub fn named(&mut self, ty: TypeId, id: &SmolStr) -> EntityRef {
        self.0.named(ty, id)
    }

    /// Computes every derived attribute of the program.
    ///
    /// Also returns the derivations that would try more than `most_pairs` pairs: their attributes are unknown.
    pub fn derive(mut self, most_pairs: usize) -> (Evaluator<'a>, Vec<TooManyPairs>) {
        let too_many = self.0.derive(most_pairs);
        (self.0, too_many)
    }
}
