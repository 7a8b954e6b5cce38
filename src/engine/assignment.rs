//! Parameters per instance: the evaluators that a snapshot needs, and the one that judges each resource.
//!
//! Settings for an instance of the type with `@parameter_scope` hold for the instance and for everything nested in it.
//! Every set of values needs one evaluator. If the id of an instance is unknown, the settings may be for this instance.

use crate::parameters::{Parameters, Scope, Values};
use crate::program::CheckProgram;
use crate::schema::Model;
use crate::snapshot::Snapshot;
use crate::value::{EntityRef, TypeId};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

/// The evaluator with the parameters of the run.
pub(super) const OF_RUN: usize = 0;

/// The evaluators that judge a resource, by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Assigned {
    /// One evaluator.
    One(usize),
    /// Any of the first evaluator and those of instances that the snapshot does not show: the id is unknown.
    Any,
}

/// Ranges of rows of a type, each with its evaluators.
pub(super) type AssignedRanges = Vec<(Range<u32>, Assigned)>;

/// The assignment of resources to evaluators.
#[derive(Debug)]
pub(super) struct Assignment {
    /// The parameters of each evaluator; the first has those of the run.
    pub(super) values: Vec<Values>,
    /// The evaluators of settings for instances that the snapshot does not show, but may have.
    pub(super) unseen: Vec<usize>,
    /// For every scope of the parameters, whether the snapshot has its instance.
    pub(super) is_found: Vec<bool>,
    /// The evaluators for every row of the type with `@parameter_scope`; empty if there is one evaluator only.
    rows: Vec<Assigned>,
}

impl Assignment {
    /// Returns the assignment for the instances of a snapshot.
    pub(super) fn new(model: &Model, snapshot: &Snapshot, parameters: &Parameters) -> Self {
        let is_found = vec![false; parameters.scopes.len()];
        let values = vec![parameters.values.clone()];
        let mut assignment = Self { values, unseen: Vec::new(), is_found, rows: Vec::new() };
        if let Some(ty) = model.parameter_scope().filter(|_| !parameters.scopes.is_empty()) {
            assignment.assign(model, snapshot, parameters, ty);
        }
        assignment
    }

    fn assign(&mut self, model: &Model, snapshot: &Snapshot, parameters: &Parameters, ty: TypeId) {
        let scopes: HashMap<&str, usize> = (parameters.scopes.iter().enumerate())
            .map(|(at, scope): (usize, &Scope)| (scope.id.as_str(), at))
            .collect();
        // The scope of each instance: the outer `None` is an unknown id, the inner one an instance without settings.
        let scope_of = |instance: EntityRef| match nameless_around(model, snapshot, instance) {
            Some(_) => None,
            None => Some(scopes.get(snapshot.id(model, instance).as_str()).copied()),
        };
        let instances: Vec<Option<Option<usize>>> = snapshot.instances(ty).map(scope_of).collect();
        let found: BTreeSet<usize> = instances.iter().copied().flatten().flatten().collect();
        let may_be_unseen =
            instances.contains(&None) || model.ancestry(ty).any(|ty| !snapshot.table(ty).uncaptured_lists.is_empty());
        let mut evaluators = Vec::new();
        for (at, scope) in parameters.scopes.iter().enumerate() {
            let is_needed = found.contains(&at) || may_be_unseen;
            let evaluator = if is_needed { self.evaluator_for(parameters.values_in(scope)) } else { OF_RUN };
            if evaluator != OF_RUN && !found.contains(&at) && !self.unseen.contains(&evaluator) {
                self.unseen.push(evaluator);
            }
            evaluators.push(evaluator);
        }
        self.unseen.sort_unstable();
        self.is_found = (0..parameters.scopes.len()).map(|at| found.contains(&at)).collect();
        if self.values.len() > 1 {
            let evaluator = |scope: usize| evaluators.get(scope).copied().map_or(Assigned::Any, Assigned::One);
            let assigned = |scope: Option<Option<usize>>| match scope {
                None => Assigned::Any,
                Some(scope) => scope.map_or(Assigned::One(OF_RUN), evaluator),
            };
            self.rows = instances.into_iter().map(assigned).collect();
        }
    }

    /// Returns the number of the evaluator with some values, which is a new one if there is none yet.
    fn evaluator_for(&mut self, values: Values) -> usize {
        self.values.iter().position(|known| *known == values).unwrap_or_else(|| {
            self.values.push(values);
            self.values.len() - 1
        })
    }

    /// Returns whether every subject is judged by the first evaluator.
    pub(super) fn is_trivial(&self) -> bool {
        self.values.len() == 1
    }

    /// Returns the evaluators of an instance of the type with `@parameter_scope`; `None` is an instance with an unknown
    /// row.
    pub(super) fn of_instance(&self, instance: Option<EntityRef>) -> Assigned {
        let row = instance.and_then(|instance| self.rows.get(instance.row as usize));
        row.copied().unwrap_or(Assigned::One(OF_RUN))
    }

    /// Returns the ranges of rows with the same evaluators, for the types of resources that may have different ones.
    pub(super) fn ranges(
        &self,
        model: &Model,
        snapshot: &Snapshot,
        checks: &[CheckProgram],
    ) -> BTreeMap<TypeId, AssignedRanges> {
        let types: BTreeSet<TypeId> = checks.iter().flat_map(|check| &check.bodies).map(|body| body.resource).collect();
        let is_scoped = |ty: &TypeId| !self.rows.is_empty() && is_scoped(model, *ty);
        let ranges = |ty: TypeId| {
            let mut ranges: AssignedRanges = Vec::new();
            for resource in snapshot.instances(ty) {
                let assigned = self.of_instance(scope_around(model, snapshot, resource));
                match ranges.last_mut() {
                    Some((rows, last)) if *last == assigned => rows.end = resource.row + 1,
                    _ => ranges.push((resource.row..resource.row + 1, assigned)),
                }
            }
            ranges
        };
        types.into_iter().filter(is_scoped).map(|ty| (ty, ranges(ty))).collect()
    }
}

/// Returns whether a type is, or is nested in, the type with `@parameter_scope`.
pub(super) fn is_scoped(model: &Model, ty: TypeId) -> bool {
    model.ancestry(ty).any(|ty| Some(ty) == model.parameter_scope())
}

/// Returns the instance of the type with `@parameter_scope` that an entity is or is nested in.
pub(super) fn scope_around(model: &Model, snapshot: &Snapshot, entity: EntityRef) -> Option<EntityRef> {
    let ty = model.parameter_scope().filter(|_| is_scoped(model, entity.ty))?;
    snapshot.enclosing(model, entity, ty)
}

/// Returns the innermost instance with an unknown id among the scope around an entity and the instances around that.
pub(super) fn nameless_around(model: &Model, snapshot: &Snapshot, entity: EntityRef) -> Option<EntityRef> {
    let scope = scope_around(model, snapshot, entity)?;
    let mut around = model.ancestry(scope.ty).filter_map(|ty| snapshot.enclosing(model, scope, ty));
    around.find(|entity| snapshot.table(entity.ty).nameless.contains(&entity.row))
}
