//! Verdicts: one for every check and every resource it applies to.

use super::batch::{Batch, Role};
use super::eval::{Evaluator, Request};
use super::verdict::{Verdict, VerdictCounts};
use crate::parallel::*;
use crate::program::{Body, CheckProgram, PolicyOutcomes};
use crate::source::cedar::on_deep_stack;
use crate::value::{EntityRef, Outcomes, TypeId};
use std::ops::Range;

/// What a verdict is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A resource.
    Entity(EntityRef),
    /// Resources nobody captured: a place in the table's list of what is missing.
    Uncaptured(TypeId, usize),
}

impl Subject {
    /// Returns its type.
    pub fn ty(self) -> TypeId {
        match self {
            Subject::Entity(entity) => entity.ty,
            Subject::Uncaptured(ty, _) => ty,
        }
    }
}

/// A verdict that is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judged {
    /// What it is about.
    pub subject: Subject,
    /// The verdict.
    pub verdict: Verdict,
}

/// What a check came to.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// The check, by its place in the policies.
    pub check: usize,
    /// How often each verdict was given.
    pub counts: VerdictCounts,
    /// Those that were to be listed, in order of resource type and row.
    pub judged: Vec<Judged>,
}

impl Judgement {
    /// Returns the judgement of a check that lists and counts some verdicts; passes are counted only.
    pub(super) fn of(check: &CheckProgram, judged: impl Iterator<Item = Judged>) -> Self {
        let mut judgement = Self { check: check.check, counts: VerdictCounts::default(), judged: Vec::new() };
        for judged in judged {
            judgement.counts[judged.verdict] += 1;
            if judged.verdict != Verdict::Pass {
                judgement.judged.push(judged);
            }
        }
        judgement
    }

    /// Adds the verdicts on more resources.
    pub(super) fn add(&mut self, (counts, judged): (VerdictCounts, Vec<Judged>)) {
        self.counts += counts;
        self.judged.extend(judged);
    }

    /// Returns how often a verdict was given.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.counts[verdict]
    }

    /// Returns how many verdicts were given.
    pub fn total(&self) -> usize {
        self.counts.total()
    }
}

/// Rows judged in one piece of work.
const ROWS_PER_TASK: u32 = 4096;

impl Evaluator<'_> {
    /// Judges every check on every resource, and lists those with one of the verdicts `listed`; all are counted.
    pub fn judge(&self, listed: &[Verdict]) -> Vec<Judgement> {
        self.program.checks.par_iter().map(|check| self.judge_check(check, listed)).collect()
    }

    fn judge_check(&self, check: &CheckProgram, listed: &[Verdict]) -> Judgement {
        let mut judgement = Judgement { check: check.check, counts: VerdictCounts::default(), judged: Vec::new() };
        for body in &check.bodies {
            let rows = self.snapshot.table(body.resource).rows.len() as u32;
            judgement.add(self.judge_range(check, body, 0..rows, listed));
            for at in self.uncaptured(body) {
                judgement.counts[Verdict::Unknown] += 1;
                judgement
                    .judged
                    .push(Judged { subject: Subject::Uncaptured(body.resource, at), verdict: Verdict::Unknown });
            }
        }
        judgement
    }

    /// Judges some resources, many at a time.
    pub(super) fn judge_range(
        &self,
        check: &CheckProgram,
        body: &Body,
        rows: Range<u32>,
        listed: &[Verdict],
    ) -> (VerdictCounts, Vec<Judged>) {
        let starts: Vec<u32> = rows.clone().step_by(ROWS_PER_TASK as usize).collect();
        let run = |start: &u32| {
            let end = rows.end.min(start.saturating_add(ROWS_PER_TASK));
            on_deep_stack(|| self.judge_rows(check, body, *start, end, listed))
        };
        let runs: Vec<(VerdictCounts, Vec<Judged>)> = starts.par_iter().map(run).collect();
        let (mut counts, mut judged) = (VerdictCounts::default(), Vec::new());
        for (more_counts, more) in runs {
            counts += more_counts;
            judged.extend(more);
        }
        (counts, judged)
    }

    /// Returns the lists of resources that were not captured and in which the check could fail.
    pub fn uncaptured(&self, body: &Body) -> Vec<usize> {
        let missing = 0..self.snapshot.table(body.resource).uncaptured_lists.len();
        missing.filter(|at| self.may_fail(body, *at)).collect()
    }

    /// Returns whether the check could fail on a resource in a list that was not captured.
    ///
    /// Whatever is in a list, the condition may be false for all of it: a plan that has no such feature.
    pub(super) fn may_fail(&self, body: &Body, at: usize) -> bool {
        self.policy(body, false, &self.uncaptured_request(body.resource, at)).satisfied != Outcomes::FALSE
    }

    /// Returns the request in which a check judges what a list that was not captured may hold.
    pub(super) fn uncaptured_request(&self, ty: TypeId, at: usize) -> Request {
        let uncaptured_in = self.snapshot.table(ty).uncaptured_lists.get(at).map(|missing| missing.scope);
        Request { uncaptured_in, ..self.request(EntityRef::placeholder(ty)) }
    }

    fn judge_rows(
        &self,
        check: &CheckProgram,
        body: &Body,
        start: u32,
        end: u32,
        listed: &[Verdict],
    ) -> (VerdictCounts, Vec<Judged>) {
        let batch = Batch { role: Role::Resource, ty: body.resource, start, other: self.root() };
        let asked = vec![Outcomes::EITHER; (end - start) as usize];
        let PolicyOutcomes { scope, satisfied, applies } = self.policies(body, check.conditional, batch, asked);
        let (mut counts, mut judged) = (VerdictCounts::default(), Vec::new());
        for (row, (scope, (satisfied, applies))) in
            (start..).zip(scope.into_iter().zip(satisfied.into_iter().zip(applies)))
        {
            let resource = EntityRef { ty: body.resource, row };
            let outcomes = PolicyOutcomes { scope, satisfied, applies };
            let Some(verdict) = self.verdict_of(&outcomes, body, resource) else { continue };
            counts[verdict] += 1;
            if listed.contains(&verdict) {
                judged.push(Judged { subject: Subject::Entity(resource), verdict });
            }
        }
        (counts, judged)
    }

    /// Returns the request in which a check judges a resource.
    pub fn request(&self, resource: EntityRef) -> Request {
        Request { principal: self.root(), resource, uncaptured_in: None }
    }

    /// Judges one resource. `None` when the check's scope names another, or when it is a copy of an earlier instance.
    pub fn verdict(&self, check: &CheckProgram, body: &Body, resource: EntityRef) -> Option<Verdict> {
        let outcomes = self.policy(body, check.conditional, &self.request(resource));
        self.verdict_of(&outcomes, body, resource)
    }

    fn verdict_of(&self, outcomes: &PolicyOutcomes<Outcomes>, body: &Body, resource: EntityRef) -> Option<Verdict> {
        if self.snapshot.is_copy(resource) {
            return None;
        }
        let verdict = Verdict::of(outcomes)?;
        Some(self.doubted(verdict, outcomes.applies, body, &self.request(resource)))
    }

    /// Makes a pass unknown where only damage hides that the check does not apply.
    ///
    /// A resource that cannot fail passes even if it was not captured whether the check applies. An invalid value is
    /// another matter: the valid one in its place might have made the check not applicable.
    fn doubted(&self, verdict: Verdict, applies: Outcomes, body: &Body, request: &Request) -> Verdict {
        let is_open = verdict == Verdict::Pass && applies.may(Outcomes::FALSE) && applies != Outcomes::FALSE;
        if is_open && self.snapshot.is_damaged && !self.rests_on_missing_values(body, request) {
            return Verdict::Unknown;
        }
        verdict
    }
}
