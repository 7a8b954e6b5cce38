//! Evaluation with parameters per instance: an evaluator with the parameters of the run, and one for every other set of
//! values.
//!
//! A resource is judged by the evaluator of its instance. The other evaluators derive only the attributes that depend
//! on a value that differs, and share the rest. A check that does not depend on such a value is judged by the first
//! evaluator. If the id of the instance is unknown, the verdict is decided if all evaluators that may apply agree.

use super::assignment::{self, Assigned, AssignedRanges, Assignment, OF_RUN};
use super::bind::Binding;
use super::derive::TooManyPairs;
use super::eval::{Bound, Evaluator};
use super::judge::{Judged, Judgement, Subject};
use super::reference::{Reference, ReferenceError};
use super::verdict::Verdict;
use crate::parallel::*;
use crate::parameters::{Parameters, Scope, Values};
use crate::policy::{CheckId, Policies};
use crate::program::{Body, CheckProgram, Program};
use crate::schema::Model;
use crate::snapshot::Snapshot;
use crate::source::nearest;
use crate::value::{EntityRef, TypeId};
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

/// The maximal number of ids that an error lists.
const LISTED: usize = 5;

/// A program bound to a snapshot and to the parameters of a run.
pub struct Evaluation<'a> {
    /// The evaluator with the parameters of the run.
    first: Evaluator<'a>,
    /// The evaluators with other parameters, from number 1.
    others: Vec<Evaluator<'a>>,
    parameters: &'a Parameters,
    values: Arc<Evaluated>,
}

/// The values of an evaluation, which do not borrow from anything: the evaluation is made again from them.
#[derive(Debug)]
pub struct Evaluated {
    now: i64,
    assignment: Assignment,
    /// The rows of resources by their evaluators. A type that is not here is judged by the first evaluator.
    ranges: BTreeMap<TypeId, AssignedRanges>,
    /// For each evaluator after the first one, the checks that depend on a parameter that differs.
    checks: Vec<BTreeSet<CheckId>>,
    /// The values of the first evaluator.
    first: Arc<Bound>,
    /// The values of the others.
    others: Vec<Arc<Bound>>,
}

/// The result of the search for an instance for which parameters are set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sought {
    /// The snapshot has the instance.
    Found,
    /// The snapshot has an instance with a similar id.
    Similar(SmolStr),
    /// The snapshot has other instances.
    Others(Vec<SmolStr>),
}

impl<'a> Evaluation<'a> {
    /// Binds a program and computes every derived attribute, once for every set of parameters that it depends on; `now`
    /// is in milliseconds since 1970.
    ///
    /// Also returns the derivations that exceed `most_pairs` pairs, each once: their attributes are unknown.
    pub fn new(
        model: &'a Model,
        program: &'a Program,
        snapshot: &'a Snapshot,
        (now, parameters): (i64, &'a Parameters),
        most_pairs: usize,
    ) -> (Self, Vec<TooManyPairs>) {
        let bind = |values: &Values| Binding::new(model, program, snapshot, now, values);
        let assignment = Assignment::new(model, snapshot, parameters);
        let (first, mut too_many) = bind(&parameters.values).derive(most_pairs);
        let (mut others, mut checks) = (Vec::new(), Vec::new());
        for values in assignment.values.iter().skip(1) {
            let pairs = values.iter().zip(&parameters.values).enumerate();
            let differing = pairs.filter(|(_, (own, of_run))| own != of_run).map(|(at, _)| at).collect();
            let depends = program.depends_on(model, &differing);
            let (evaluator, more) = bind(values).derive_again(&first, &depends.derived, most_pairs);
            others.push(evaluator);
            checks.push(depends.checks);
            let is_new = |more: &TooManyPairs| too_many.iter().all(|known| known.derivation != more.derivation);
            let more: Vec<TooManyPairs> = more.into_iter().filter(is_new).collect();
            too_many.extend(more);
        }
        let ranges = assignment.ranges(model, snapshot, &program.checks);
        let bound = |evaluator: &Evaluator<'_>| Arc::clone(&evaluator.bound);
        let values = Evaluated {
            now,
            assignment,
            ranges,
            checks,
            first: bound(&first),
            others: others.iter().map(bound).collect(),
        };
        (Self { first, others, parameters, values: Arc::new(values) }, too_many)
    }

    /// Returns the values of the evaluation.
    pub fn values(&self) -> &Arc<Evaluated> {
        &self.values
    }

    /// Makes an evaluation again from its values; the other arguments are those of [`Evaluation::new`].
    pub fn again(
        model: &'a Model,
        program: &'a Program,
        snapshot: &'a Snapshot,
        parameters: &'a Parameters,
        values: &Arc<Evaluated>,
    ) -> Self {
        let evaluator = |bound: &Arc<Bound>| Evaluator { model, program, snapshot, bound: Arc::clone(bound) };
        let (first, others) = (evaluator(&values.first), values.others.iter().map(evaluator).collect());
        Self { first, others, parameters, values: Arc::clone(values) }
    }

    /// Returns the time of the run, in milliseconds since 1970.
    pub fn now(&self) -> i64 {
        self.values.now
    }

    /// Returns the evaluator with the parameters of the run.
    pub fn base(&self) -> &Evaluator<'a> {
        &self.first
    }

    /// Returns the evaluator with a number of [`Evaluation::judging`].
    pub fn evaluator(&self, number: usize) -> &Evaluator<'a> {
        number.checked_sub(1).and_then(|at| self.others.get(at)).unwrap_or(&self.first)
    }

    /// Returns for every scope of the parameters whether the snapshot has the instance.
    pub fn sought(&self) -> Vec<Sought> {
        let Evaluator { model, snapshot, .. } = self.first;
        let is_found = &self.values.assignment.is_found;
        let ids: Vec<SmolStr> = match model.parameter_scope().filter(|_| is_found.contains(&false)) {
            Some(ty) => {
                let named = snapshot.instances(ty).filter(|instance| snapshot.table(ty).is_named(instance.row));
                named.map(|instance| snapshot.id(model, instance)).collect()
            }
            None => Vec::new(),
        };
        let sought = |(scope, is_found): (&Scope, &bool)| match is_found {
            true => Sought::Found,
            false => match nearest(&scope.id, ids.iter().map(SmolStr::as_str)) {
                Some(similar) => Sought::Similar(similar.into()),
                None => Sought::Others(ids.iter().take(LISTED).cloned().collect()),
            },
        };
        self.parameters.scopes.iter().zip(is_found).map(sought).collect()
    }

    /// Judges every check on every resource. All verdicts are counted, those in `listed` are listed too.
    pub fn judge(&self, listed: &[Verdict]) -> Vec<Judgement> {
        self.judge_listing(&|_| Some(listed))
    }

    /// Judges the checks for which `listed` returns verdicts, on every resource. All verdicts are counted; those that it
    /// returns are listed too.
    pub fn judge_listing<'l>(&self, listed: &(dyn Fn(CheckId) -> Option<&'l [Verdict]> + Sync)) -> Vec<Judgement> {
        let checks = self.first.program.checks.par_iter();
        checks.filter_map(|check| Some(self.judge_check(check, listed(check.check)?))).collect()
    }

    /// Returns all evaluators, that with the parameters of the run first.
    pub(super) fn evaluators(&self) -> impl Iterator<Item = &Evaluator<'a>> {
        std::iter::once(&self.first).chain(&self.others)
    }

    fn judge_check(&self, check: &CheckProgram, listed: &[Verdict]) -> Judgement {
        let mut judgement = Judgement::empty(check);
        for body in &check.bodies {
            if !self.values.ranges.contains_key(&body.resource) {
                let rows = self.first.snapshot.table(body.resource).row_numbers();
                judgement.extend(self.first.judge_range(check, body, rows, listed));
            }
            for (rows, evaluators) in self.shares(check.check, body.resource) {
                judgement.extend(match evaluators[..] {
                    [one] => self.evaluator(one).judge_range(check, body, rows, listed),
                    _ => self.judge_nameless(check, body, rows, &evaluators, listed),
                });
            }
            for list in 0..self.first.snapshot.table(body.resource).uncaptured_lists.len() {
                let subject = Subject::Uncaptured(body.resource, list);
                if self.judging(check, subject).into_iter().any(|one| self.evaluator(one).may_fail(body, list)) {
                    judgement.push(Judged::new(subject, Verdict::Unknown), true);
                }
            }
        }
        judgement
    }

    /// Judges resources by several evaluators.
    fn judge_nameless(
        &self,
        check: &CheckProgram,
        body: &Body,
        rows: Range<u32>,
        evaluators: &[usize],
        listed: &[Verdict],
    ) -> Judgement {
        let mut judgement = Judgement::empty(check);
        for row in rows {
            let resource = EntityRef { ty: body.resource, row };
            let verdicts = evaluators.iter().filter_map(|one| self.evaluator(*one).verdict(check, body, resource));
            if let Some(verdict) = verdicts.reduce(agreed) {
                let judged = Judged::new(Subject::Entity(resource), verdict);
                judgement.push(judged, listed.contains(&verdict));
            }
        }
        judgement
    }

    /// Judges every check on every resource by Cedar's evaluator. Verdicts that are not a pass are listed.
    ///
    /// # Errors
    /// If Cedar refuses a value or a policy.
    pub fn judge_by_reference(&self, policies: &Policies) -> Result<Vec<Judgement>, ReferenceError> {
        let mut judgements = self.judge_all_by_reference(policies)?;
        judgements.iter_mut().for_each(|judgement| judgement.judged.retain(|it| it.verdict != Verdict::Pass));
        Ok(judgements)
    }

    /// Judges every check on every resource by Cedar's evaluator. All verdicts are listed.
    ///
    /// # Errors
    /// If Cedar refuses a value or a policy.
    pub fn judge_all_by_reference(&self, policies: &Policies) -> Result<Vec<Judgement>, ReferenceError> {
        let program = self.first.program;
        let references = self.references(policies);
        if let [only] = &references[..] {
            let verdicts = program.checks.iter().zip(only.verdicts(&|_, _| true)?);
            return Ok(verdicts.map(|(check, judged)| Judgement::of(check, judged.into_iter(), |_| true)).collect());
        }
        let mut verdicts: Vec<BTreeMap<Subject, Verdict>> = vec![BTreeMap::new(); program.checks.len()];
        for (number, reference) in references.iter().enumerate() {
            let is_wanted = |check: CheckId, subject: Subject| self.numbers(check, subject).contains(&number);
            for (verdicts, judged) in verdicts.iter_mut().zip(reference.verdicts(&is_wanted)?) {
                for Judged { subject, verdict, .. } in judged {
                    verdicts.entry(subject).and_modify(|known| *known = agreed(*known, verdict)).or_insert(verdict);
                }
            }
        }
        let judgements = program.checks.iter().zip(verdicts).map(|(check, verdicts)| {
            let verdicts = verdicts.into_iter().map(|(subject, verdict)| Judged::new(subject, verdict));
            Judgement::of(check, verdicts, |_| true)
        });
        Ok(judgements.collect())
    }

    /// Returns Cedar's evaluator with the parameters of each evaluator.
    pub(super) fn references<'r>(&'r self, policies: &'r Policies) -> Vec<Reference<'r, 'a>> {
        if self.others.is_empty() {
            return vec![Reference::new(&self.first, policies, self.now(), &self.parameters.values)];
        }
        let values = self.values.assignment.values.iter().enumerate();
        values.map(|(number, values)| Reference::new(self.evaluator(number), policies, self.now(), values)).collect()
    }

    /// Returns whether all resources have the parameters of the run.
    pub(super) fn has_one_evaluator(&self) -> bool {
        self.values.assignment.is_trivial()
    }

    /// Returns the numbers of all evaluators that may apply to a subject.
    pub(super) fn assigned(&self, subject: Subject) -> Vec<usize> {
        if self.values.assignment.is_trivial() {
            return vec![OF_RUN];
        }
        match self.assignment_of(subject) {
            Assigned::One(number) => vec![number],
            Assigned::Any => std::iter::once(OF_RUN).chain(self.values.assignment.unseen.iter().copied()).collect(),
        }
    }

    /// Returns the evaluator that explains a verdict; `None` if the verdict is unknown only because it is unknown which
    /// parameters apply.
    pub fn explains(
        &self,
        check: &CheckProgram,
        body: &Body,
        subject: Subject,
        verdict: Verdict,
    ) -> Option<&Evaluator<'a>> {
        let numbers = self.judging(check, subject);
        let mut evaluators = numbers.iter().map(|number| self.evaluator(*number));
        match subject {
            Subject::Entity(resource) if numbers.len() > 1 => {
                evaluators.find(|evaluator| evaluator.verdict(check, body, resource) == Some(verdict))
            }
            _ => evaluators.next(),
        }
    }

    /// Returns the numbers of the evaluators that judge a subject by a check.
    pub fn judging(&self, check: &CheckProgram, subject: Subject) -> Vec<usize> {
        self.numbers(check.check, subject)
    }

    /// Returns the instance whose settings determine a parameter for a resource; `None` if the value is that of the
    /// run.
    pub fn scope(&self, resource: EntityRef, parameter: usize) -> Option<EntityRef> {
        if self.parameters.scopes.is_empty() {
            return None;
        }
        let Evaluator { model, snapshot, .. } = self.first;
        let instance = assignment::scope_around(model, snapshot, resource)?;
        let id = snapshot.id(model, instance);
        let scope = self.parameters.scopes.iter().find(|scope| scope.id == id)?;
        let is_named =
            !self.values.assignment.is_trivial() && self.values.assignment.of_instance(Some(instance)) != Assigned::Any;
        (is_named && scope.set.contains_key(&parameter)).then_some(instance)
    }

    /// Returns the innermost instance with an unknown id among the instance of the type with `@parameter_scope` that a
    /// resource is or is nested in, and those around it.
    pub fn nameless_around(&self, resource: EntityRef) -> Option<EntityRef> {
        assignment::nameless_around(self.first.model, self.first.snapshot, resource)
    }

    /// Returns the rows of a type in ranges, each with the evaluators that judge them by a check; none if the first evaluator
    /// judges all of them.
    fn shares(&self, check: CheckId, ty: TypeId) -> Vec<(Range<u32>, Vec<usize>)> {
        let Some(ranges) = self.values.ranges.get(&ty) else { return Vec::new() };
        let mut shares: Vec<(Range<u32>, Vec<usize>)> = Vec::new();
        for (rows, assigned) in ranges {
            let evaluators = self.differing(check, *assigned);
            match shares.last_mut() {
                Some((range, last)) if *last == evaluators => range.end = rows.end,
                _ => shares.push((rows.clone(), evaluators)),
            }
        }
        shares
    }

    /// Returns the evaluators that judge a subject by a check.
    fn numbers(&self, check: CheckId, subject: Subject) -> Vec<usize> {
        if self.values.assignment.is_trivial() {
            return vec![OF_RUN];
        }
        self.differing(check, self.assignment_of(subject))
    }

    fn assignment_of(&self, subject: Subject) -> Assigned {
        let Evaluator { model, snapshot, .. } = self.first;
        let around = |entity| self.values.assignment.of_instance(assignment::scope_around(model, snapshot, entity));
        match subject {
            Subject::Entity(resource) => around(resource),
            Subject::Uncaptured(ty, list) => match snapshot.table(ty).uncaptured_lists.get(list).map(|list| list.scope)
            {
                Some(scope) if assignment::is_scoped(model, scope.ty) => around(scope),
                _ if assignment::is_scoped(model, ty) => Assigned::Any,
                _ => Assigned::One(OF_RUN),
            },
        }
    }

    /// Returns the evaluators that judge by a check, without those that judge it as the first one does.
    fn differing(&self, check: CheckId, assigned: Assigned) -> Vec<usize> {
        let differs = |number: &usize| {
            let checks = number.checked_sub(1).and_then(|at| self.values.checks.get(at));
            checks.is_some_and(|checks| checks.contains(&check))
        };
        match assigned {
            Assigned::One(number) => vec![if differs(&number) { number } else { OF_RUN }],
            Assigned::Any => {
                let others = self.values.assignment.unseen.iter().copied().filter(differs);
                std::iter::once(OF_RUN).chain(others).collect()
            }
        }
    }
}

/// Returns the verdict if it is unknown which of two evaluators applies.
fn agreed(one: Verdict, other: Verdict) -> Verdict {
    if one == other { one } else { Verdict::Unknown }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Fixture;
    use expect_test::{Expect, expect};

    /// Checks the verdicts of a check of rooms, whose limit is a parameter that may differ by house.
    #[track_caller]
    fn check(settings: &[&str], snapshot: &str, expected: &Expect) {
        let schema = r#"
            @path("") entity Town;
            @path("/houses/*") @key("id") @parameter_scope entity House in [Town] = { id: String };
            @path("/houses/*/rooms/*") @key("id") entity Room in [House] = { id: String, beds: Long };
            type Parameters = { @default("2") most: Long };
            action audit appliesTo { principal: [Town], resource: [Room], context: { parameters: Parameters } };
        "#;
        let policy = r#"@id("R") @title("t") @severity("low")
            forbid (principal, action == Action::"audit", resource is Room)
            unless { resource.beds <= context.parameters.most };"#;
        expected.assert_eq(&Fixture::new(schema, policy, snapshot).verdicts(settings));
    }

    const HOUSES: &str = r#"{"houses": [
        {"id": "a", "rooms": [{"id": "1", "beds": 2}, {"id": "2", "beds": 3}]},
        {"id": "b", "rooms": [{"id": "1", "beds": 2}, {"id": "2", "beds": 3}]}
    ]}"#;

    #[test]
    fn a_resource_is_judged_with_the_parameters_of_its_instance() {
        check(
            &[],
            HOUSES,
            &expect![[r#"
            R Room::"a/1": pass
            R Room::"a/2": fail
            R Room::"b/1": pass
            R Room::"b/2": fail"#]],
        );
        check(
            &["b:most=3"],
            HOUSES,
            &expect![[r#"
            R Room::"a/1": pass
            R Room::"a/2": fail
            R Room::"b/1": pass
            R Room::"b/2": pass"#]],
        );
        check(
            &["most=1", "a:most=2", "b:most=9"],
            HOUSES,
            &expect![[r#"
            R Room::"a/1": pass
            R Room::"a/2": fail
            R Room::"b/1": pass
            R Room::"b/2": pass"#]],
        );
    }

    #[test]
    fn parameters_of_an_instance_that_the_snapshot_does_not_have_are_not_used() {
        check(
            &["c:most=9"],
            HOUSES,
            &expect![[r#"
            R Room::"a/1": pass
            R Room::"a/2": fail
            R Room::"b/1": pass
            R Room::"b/2": fail"#]],
        );
    }

    #[test]
    fn a_verdict_is_unknown_if_an_instance_with_an_unknown_id_may_have_other_parameters() {
        let houses = HOUSES.replace("{\"id\": \"b\"", "{\"id\": null");
        check(
            &["b:most=3"],
            &houses,
            &expect![[r#"
            R Room::"a/1": pass
            R Room::"a/2": fail
            R Room::"1/1": pass
            R Room::"1/2": unknown"#]],
        );
    }
}
