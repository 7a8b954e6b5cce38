//! Parameters per instance: a evaluator with the values of the run, and one for every other set of values.
//!
//! Every resource is judged by the evaluator of the instance that it is or is nested in. The other machines derive again
//! only what depends on a value that differs, and a check that reads none of these values is judged by the first evaluator.
//! If the id of the instance is not known, the verdict is decided only if all machines that may be meant agree.

use super::derive::TooManyPairs;
use super::eval::Evaluator;
use super::judge::{Judged, Judgement, Subject};
use super::reference::{Reference, ReferenceError};
use super::verdict::{Verdict, VerdictCounts};
use crate::parallel::*;
use crate::parameters::{Parameters, Scope, Values};
use crate::policy::Policies;
use crate::program::{Body, CheckProgram, Depends, Program};
use crate::schema::Model;
use crate::snapshot::Snapshot;
use crate::source::nearest;
use crate::value::{EntityRef, TypeId};
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

/// Ids of instances that an error lists.
const LISTED: usize = 5;

/// A program bound to a snapshot and to the parameters of a run.
pub struct Evaluation<'a> {
    /// The evaluator with the values of the run, then one for every other set of values that an instance here has.
    bound: Vec<Bound<'a>>,
    parameters: &'a Parameters,
    now: i64,
    /// For every row of the type with `@parameter_scope`, who judges it; empty if there is one evaluator only.
    judges: Vec<Judges>,
    /// The machines of instances that are not in the snapshot, as far as it is known.
    unseen: Vec<usize>,
    /// For every scope of the parameters, whether the snapshot has the instance.
    found: Vec<bool>,
}

struct Bound<'a> {
    evaluator: Evaluator<'a>,
    values: Values,
    /// What depends on the values that differ from those of the run.
    depends: Depends,
}

/// The machines that judge a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Judges {
    One(usize),
    /// The first one, and those of instances that are not in the snapshot: the id is not known.
    Any,
}

/// Whether a snapshot has an instance for which parameters are set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sought {
    /// It does.
    Found,
    /// It has one with a similar id.
    Similar(SmolStr),
    /// It has others.
    Others(Vec<SmolStr>),
}

impl<'a> Evaluation<'a> {
    /// Binds a program and computes every derived attribute, once for every set of values that it depends on; `now` is in
    /// milliseconds since 1970.
    ///
    /// Also returns the derivations that would try more than `most_pairs` pairs, each once: their attributes are unknown.
    pub fn new(
        model: &'a Model,
        program: &'a Program,
        snapshot: &'a Snapshot,
        (now, parameters): (i64, &'a Parameters),
        most_pairs: usize,
    ) -> (Self, Vec<TooManyPairs>) {
        let mut evaluation = Self::bind(model, program, snapshot, now, parameters);
        let too_many = evaluation.derive(most_pairs);
        (evaluation, too_many)
    }

    fn bind(
        model: &'a Model,
        program: &'a Program,
        snapshot: &'a Snapshot,
        now: i64,
        parameters: &'a Parameters,
    ) -> Self {
        let evaluator = Evaluator::bind(model, program, snapshot, now, &parameters.values);
        let first = Bound { evaluator, values: parameters.values.clone(), depends: Depends::default() };
        let found = vec![false; parameters.scopes.len()];
        let mut evaluation =
            Self { bound: vec![first], parameters, now, judges: Vec::new(), unseen: Vec::new(), found };
        if let Some(ty) = model.parameter_scope().filter(|_| !parameters.scopes.is_empty()) {
            evaluation.bind_scopes(ty);
        }
        evaluation
    }

    fn bind_scopes(&mut self, ty: TypeId) {
        let Evaluator { model, program, snapshot, .. } = *self.base();
        let places: HashMap<&str, usize> =
            self.parameters.scopes.iter().enumerate().map(|(at, scope)| (scope.id.as_str(), at)).collect();
        let rows = 0..snapshot.table(ty).rows.len() as u32;
        let is_nameless = |row: u32| self.nameless_around(EntityRef { ty, row }).is_some();
        let scope_of = |row: u32| places.get(snapshot.id(model, EntityRef { ty, row }).as_str()).copied();
        let of_rows: Vec<Option<Option<usize>>> = rows.map(|row| (!is_nameless(row)).then(|| scope_of(row))).collect();
        of_rows.iter().flatten().flatten().for_each(|scope| self.found[*scope] = true);
        let may_be_elsewhere =
            of_rows.contains(&None) || model.ancestry(ty).any(|ty| !snapshot.table(ty).uncaptured_lists.is_empty());
        let machines: Vec<usize> = (0..self.parameters.scopes.len())
            .map(|scope| if self.found[scope] || may_be_elsewhere { self.machine_for(program, scope) } else { 0 })
            .collect();
        let unseen = machines.iter().zip(&self.found).filter(|(evaluator, found)| **evaluator > 0 && !**found);
        self.unseen = unseen.map(|(evaluator, _)| *evaluator).collect::<BTreeSet<_>>().into_iter().collect();
        if self.bound.len() > 1 {
            let judges = |scope: &Option<Option<usize>>| match scope {
                None => Judges::Any,
                Some(scope) => Judges::One(scope.map_or(0, |scope| machines[scope])),
            };
            self.judges = of_rows.iter().map(judges).collect();
        }
    }

    /// Returns the evaluator with the values of a scope; binds it if there is none.
    fn machine_for(&mut self, program: &'a Program, scope: usize) -> usize {
        let values = self.parameters.values_in(&self.parameters.scopes[scope]);
        if let Some(at) = self.bound.iter().position(|bound| bound.values == values) {
            return at;
        }
        let differ = values.iter().zip(&self.parameters.values).enumerate().filter(|(_, (own, of_run))| own != of_run);
        let depends = program.depends_on(self.base().model, &differ.map(|(at, _)| at).collect());
        let Evaluator { model, snapshot, .. } = *self.base();
        let evaluator = Evaluator::bind(model, program, snapshot, self.now, &values);
        self.bound.push(Bound { evaluator, values, depends });
        self.bound.len() - 1
    }

    /// Returns the evaluator with the values of the run.
    pub fn base(&self) -> &Evaluator<'a> {
        &self.bound[0].evaluator
    }

    fn derive(&mut self, most_pairs: usize) -> Vec<TooManyPairs> {
        let Some((first, others)) = self.bound.split_first_mut() else { return Vec::new() };
        let mut too_many = first.evaluator.derive(most_pairs);
        for Bound { evaluator, depends, .. } in others {
            for more in evaluator.derive_again(&first.evaluator, &depends.derived, most_pairs) {
                if too_many.iter().all(|known| known.derivation != more.derivation) {
                    too_many.push(more);
                }
            }
        }
        too_many
    }

    /// Returns for every scope of the parameters whether the snapshot has the instance.
    pub fn sought(&self) -> Vec<Sought> {
        let Evaluator { model, snapshot, .. } = *self.base();
        let ids: Vec<SmolStr> = match model.parameter_scope().filter(|_| self.found.contains(&false)) {
            Some(ty) => {
                let rows = 0..snapshot.table(ty).rows.len() as u32;
                let named = rows.filter(|row| snapshot.table(ty).is_named(*row));
                named.map(|row| snapshot.id(model, EntityRef { ty, row })).collect()
            }
            None => Vec::new(),
        };
        let sought = |(scope, found): (&Scope, &bool)| match found {
            true => Sought::Found,
            false => match nearest(&scope.id, ids.iter().map(SmolStr::as_str)) {
                Some(similar) => Sought::Similar(similar.into()),
                None => Sought::Others(ids.iter().take(LISTED).cloned().collect()),
            },
        };
        self.parameters.scopes.iter().zip(&self.found).map(sought).collect()
    }

    /// Judges every check on every resource, and lists those with one of the verdicts `listed`; all are counted.
    pub fn judge(&self, listed: &[Verdict]) -> Vec<Judgement> {
        let program = self.base().program;
        program.checks.par_iter().enumerate().map(|(at, check)| self.judge_check(at, check, listed)).collect()
    }

    fn judge_check(&self, at: usize, check: &CheckProgram, listed: &[Verdict]) -> Judgement {
        let mut judgement = Judgement { check: check.check, counts: VerdictCounts::default(), judged: Vec::new() };
        for body in &check.bodies {
            for (rows, judges) in self.shares(at, body.resource) {
                match judges[..] {
                    [one] => judgement.add(self.bound[one].evaluator.judge_range(check, body, rows, listed)),
                    _ => judgement.add(self.judge_nameless(check, body, rows, &judges, listed)),
                }
            }
            for place in 0..self.base().snapshot.table(body.resource).uncaptured_lists.len() {
                let subject = Subject::Uncaptured(body.resource, place);
                if self.judges(at, subject).into_iter().any(|one| self.bound[one].evaluator.may_fail(body, place)) {
                    judgement.counts[Verdict::Unknown] += 1;
                    judgement.judged.push(Judged { subject, verdict: Verdict::Unknown });
                }
            }
        }
        judgement
    }

    /// Judges resources by several machines.
    fn judge_nameless(
        &self,
        check: &CheckProgram,
        body: &Body,
        rows: Range<u32>,
        judges: &[usize],
        listed: &[Verdict],
    ) -> (VerdictCounts, Vec<Judged>) {
        let (mut counts, mut judged) = (VerdictCounts::default(), Vec::new());
        for row in rows {
            let resource = EntityRef { ty: body.resource, row };
            let verdicts = judges.iter().filter_map(|one| self.bound[*one].evaluator.verdict(check, body, resource));
            let Some(verdict) = verdicts.reduce(agreed) else { continue };
            counts[verdict] += 1;
            if listed.contains(&verdict) {
                judged.push(Judged { subject: Subject::Entity(resource), verdict });
            }
        }
        (counts, judged)
    }

    /// Judges every check on every resource by the official evaluator.
    ///
    /// # Errors
    /// When Cedar refuses a value or a policy.
    pub fn judge_by_reference(&self, policies: &Policies) -> Result<Vec<Judgement>, ReferenceError> {
        if let [Bound { evaluator, values, .. }] = &self.bound[..] {
            return Reference::new(evaluator, policies, self.now, values).judge();
        }
        let program = self.base().program;
        let mut given: Vec<BTreeMap<Subject, Verdict>> = vec![BTreeMap::new(); program.checks.len()];
        for (one, Bound { evaluator, values, .. }) in self.bound.iter().enumerate() {
            let reference = Reference::new(evaluator, policies, self.now, values);
            let wanted = |check: usize, subject: Subject| self.judges(check, subject).contains(&one);
            for (given, judged) in given.iter_mut().zip(reference.verdicts(&wanted)?) {
                for Judged { subject, verdict } in judged {
                    given.entry(subject).and_modify(|known| *known = agreed(*known, verdict)).or_insert(verdict);
                }
            }
        }
        let judgements = program.checks.iter().zip(given).map(|(check, given)| {
            let judged = given.into_iter().map(|(subject, verdict)| Judged { subject, verdict });
            Judgement::of(check, judged)
        });
        Ok(judgements.collect())
    }

    /// Returns the evaluator whose evaluation explains a verdict; `None` if the verdict is unknown only because it is not
    /// known which values apply.
    pub fn explains(
        &self,
        check: &CheckProgram,
        body: &Body,
        subject: Subject,
        verdict: Verdict,
    ) -> Option<&Evaluator<'a>> {
        let judges = self.judging(check, subject);
        let mut machines = judges.iter().map(|one| &self.bound[*one].evaluator);
        match (subject, &judges[..]) {
            (Subject::Entity(resource), [_, _, ..]) => {
                machines.find(|evaluator| evaluator.verdict(check, body, resource) == Some(verdict))
            }
            _ => machines.next(),
        }
    }

    /// Returns the numbers of the machines that judge a resource by a check.
    pub fn judging(&self, check: &CheckProgram, subject: Subject) -> Vec<usize> {
        self.judges(self.place(check), subject)
    }

    /// Returns the evaluator with a number of [`Evaluation::judging`].
    pub fn evaluator(&self, number: usize) -> &Evaluator<'a> {
        &self.bound[number].evaluator
    }

    fn place(&self, check: &CheckProgram) -> usize {
        self.base().program.checks.iter().position(|known| known.check == check.check).unwrap_or_default()
    }

    /// Returns the instance whose settings determine a parameter for a resource; `None` if the value is that of the run.
    pub fn scope(&self, resource: EntityRef, parameter: usize) -> Option<EntityRef> {
        let Evaluator { model, snapshot, .. } = *self.base();
        let around = self.scope_around(resource)?;
        let id = snapshot.id(model, around);
        let scope = self.parameters.scopes.iter().find(|scope| scope.id == id)?;
        let is_named = !self.judges.is_empty() && self.judges[around.row as usize] != Judges::Any;
        (is_named && scope.set.contains_key(&parameter)).then_some(around)
    }

    /// Returns the instance of the type with `@parameter_scope` that a resource is or is nested in.
    fn scope_around(&self, resource: EntityRef) -> Option<EntityRef> {
        let Evaluator { model, snapshot, .. } = *self.base();
        let ty = model.parameter_scope()?;
        let around = model.ancestry(resource.ty).any(|around| around == ty);
        around.then(|| snapshot.enclosing(model, resource, ty)).flatten()
    }

    /// Returns the innermost instance without a known id among the instance of the type with `@parameter_scope` that a
    /// resource is or is nested in, and those around it.
    pub fn nameless_around(&self, resource: EntityRef) -> Option<EntityRef> {
        let Evaluator { model, snapshot, .. } = *self.base();
        let scope = self.scope_around(resource)?;
        let mut around = model.ancestry(scope.ty).filter_map(|around| snapshot.enclosing(model, scope, around));
        around.find(|entity| snapshot.table(entity.ty).nameless.contains(&entity.row))
    }

    /// Returns the rows of a type in runs, each with the machines that judge them by a check.
    fn shares(&self, check: usize, ty: TypeId) -> Vec<(Range<u32>, Vec<usize>)> {
        let rows = self.base().snapshot.table(ty).rows.len() as u32;
        if self.judges.is_empty() || self.scope_around(EntityRef { ty, row: 0 }).is_none() {
            return vec![(0..rows, vec![0])];
        }
        let mut shares: Vec<(Range<u32>, Judges)> = Vec::new();
        for row in 0..rows {
            let judges = self.judges_of(EntityRef { ty, row });
            match shares.last_mut() {
                Some((range, known)) if *known == judges => range.end = row + 1,
                _ => shares.push((row..row + 1, judges)),
            }
        }
        shares.into_iter().map(|(rows, judges)| (rows, self.of_check(check, judges))).collect()
    }

    /// Returns the machines that judge a resource by a check.
    fn judges(&self, check: usize, subject: Subject) -> Vec<usize> {
        if self.judges.is_empty() && self.unseen.is_empty() {
            return vec![0];
        }
        let Evaluator { model, snapshot, .. } = *self.base();
        let judges = match subject {
            Subject::Entity(resource) => self.judges_of(resource),
            Subject::Uncaptured(ty, at) => {
                let list = snapshot.table(ty).uncaptured_lists.get(at).map(|missing| missing.scope);
                let has_scope = |ty| model.ancestry(ty).any(|ty| Some(ty) == model.parameter_scope());
                match list {
                    Some(list) if has_scope(list.ty) => self.judges_of(list),
                    _ if has_scope(ty) => Judges::Any,
                    _ => Judges::One(0),
                }
            }
        };
        self.of_check(check, judges)
    }

    fn judges_of(&self, resource: EntityRef) -> Judges {
        let around = self.scope_around(resource);
        around.and_then(|around| self.judges.get(around.row as usize).copied()).unwrap_or(Judges::One(0))
    }

    /// Returns the machines that can differ in a check.
    fn of_check(&self, check: usize, judges: Judges) -> Vec<usize> {
        let differs = |one: &usize| self.bound[*one].depends.checks.get(check) == Some(&true);
        match judges {
            Judges::One(one) => vec![if differs(&one) { one } else { 0 }],
            Judges::Any => std::iter::once(0).chain(self.unseen.iter().copied().filter(differs)).collect(),
        }
    }
}

/// The verdict of two machines of which it is not known which one applies.
fn agreed(one: Verdict, other: Verdict) -> Verdict {
    if one == other { one } else { Verdict::Unknown }
}
