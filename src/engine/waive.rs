//! Waivers: verdicts that a waiver covers become `waived`, and keep the original verdict.
//!
//! A waiver covers a subject if its scope and its conditions are certainly true, evaluated as those of a check are. An
//! unknown condition covers nothing. The other verdicts, and the conditions of checks, do not depend on waivers.

use super::batch::{Batch, Role};
use super::eval::Evaluator;
use super::judge::{Judged, Judgement, ROWS_PER_TASK, Subject, Waived};
use super::reference::{Reference, ReferenceError};
use super::scoped::Evaluation;
use super::verdict::Verdict;
use crate::parallel::*;
use crate::policy::{Policies, Unknowns, WaiverId};
use crate::program::{Body, Condition, NodeKind, WaiverProgram};
use crate::source::cedar::on_deep_stack;
use crate::value::{EntityRef, Outcomes, Value};
use std::collections::BTreeMap;

/// The subjects that a waiver covers in one snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaiverCoverage {
    /// The waiver.
    pub waiver: WaiverId,
    /// The number of verdicts that it waives. Several waivers may waive the same one.
    pub waived: usize,
    /// The number of other subjects that it covers.
    pub beyond: usize,
    /// The first of these, with their verdicts.
    pub examples: Vec<(Subject, Verdict)>,
}

/// Other subjects that a waiver covers and a report names. The others are counted.
pub const BEYOND: usize = 5;

/// The waivers of a run.
#[derive(Clone, Copy)]
pub struct WaiversInUse<'u> {
    /// Returns whether a waiver is used.
    pub is_live: &'u (dyn Fn(WaiverId) -> bool + Sync),
    /// Returns whether a waiver may cover a subject: whether its `@fingerprint` is that of the verdict, if it has one.
    pub may_cover: &'u (dyn Fn(WaiverId, Subject) -> bool + Sync),
}

impl Unknowns {
    /// Returns whether a waiver waives a verdict of a subject that it covers.
    pub fn waives(self, verdict: Verdict) -> bool {
        match verdict {
            Verdict::Fail => self != Unknowns::Only,
            Verdict::Unknown => self != Unknowns::Kept,
            Verdict::Waived | Verdict::NotApplicable | Verdict::Pass => false,
        }
    }
}

impl Evaluation<'_> {
    /// Waives the verdicts that the used waivers cover. A verdict that several waivers cover has the first of them.
    ///
    /// The judgement of a check with a used waiver must list all its verdicts.
    pub fn waive(&self, judgements: &mut [Judgement], used: WaiversInUse<'_>) -> Vec<WaiverCoverage> {
        let Ok(coverages) = self.waive_by(judgements, used, |waiver, judged| {
            Ok::<_, std::convert::Infallible>(self.covered(waiver, judged))
        });
        coverages
    }

    /// Waives verdicts as [`Evaluation::waive`] does, by Cedar's evaluator.
    ///
    /// # Errors
    /// If Cedar refuses a value or a policy.
    pub fn waive_by_reference(
        &self,
        policies: &Policies,
        judgements: &mut [Judgement],
        used: WaiversInUse<'_>,
    ) -> Result<Vec<WaiverCoverage>, ReferenceError> {
        let references: Vec<Reference<'_, '_>> = self.references(policies);
        self.waive_by(judgements, used, |waiver, judged| {
            let subjects: Vec<Subject> = judged.iter().map(|judged| judged.subject).collect();
            let mut covered = vec![true; subjects.len()];
            for (number, reference) in references.iter().enumerate() {
                let is_wanted = |subject: Subject| self.assigned(subject).contains(&number);
                for (covered, by_this) in covered.iter_mut().zip(reference.covered(waiver, &subjects, &is_wanted)?) {
                    *covered &= by_this;
                }
            }
            Ok(places(covered.into_iter()))
        })
    }

    fn waive_by<E>(
        &self,
        judgements: &mut [Judgement],
        used: WaiversInUse<'_>,
        covered: impl Fn(&WaiverProgram, &[Judged]) -> Result<Vec<usize>, E>,
    ) -> Result<Vec<WaiverCoverage>, E> {
        let mut coverages = Vec::new();
        for waiver in self.base().program.waivers.iter().filter(|waiver| (used.is_live)(waiver.waiver)) {
            let Some(judgement) = judgements.iter_mut().find(|judgement| judgement.check == waiver.check) else {
                continue;
            };
            let mut coverage = WaiverCoverage { waiver: waiver.waiver, waived: 0, beyond: 0, examples: Vec::new() };
            for at in covered(waiver, &judgement.judged)? {
                let Some(judged) = judgement.judged.get_mut(at) else { continue };
                if !(used.may_cover)(waiver.waiver, judged.subject) {
                    continue;
                }
                let original = judged.waived.map_or(judged.verdict, |waived| waived.original);
                if !waiver.unknowns.waives(original) {
                    coverage.beyond += 1;
                    if coverage.examples.len() < BEYOND {
                        coverage.examples.push((judged.subject, original));
                    }
                    continue;
                }
                coverage.waived += 1;
                if judged.waived.is_none() {
                    judged.waived = Some(Waived { waiver: waiver.waiver, original });
                    judged.verdict = Verdict::Waived;
                    judgement.counts[original] -= 1;
                    judgement.counts[Verdict::Waived] += 1;
                }
            }
            coverages.push(coverage);
        }
        Ok(coverages)
    }

    /// Returns the places of the verdicts whose subjects a waiver covers, in order.
    fn covered(&self, waiver: &WaiverProgram, judged: &[Judged]) -> Vec<usize> {
        let mut rows: BTreeMap<_, Vec<bool>> = BTreeMap::new();
        for body in &waiver.bodies {
            let covers = match self.named_resource(body) {
                // The scope is false for all other subjects.
                Some(None) => Vec::new(),
                Some(Some(named)) => {
                    let mut covers = vec![false; named.row as usize + 1];
                    if let Some(last) = covers.last_mut() {
                        *last = self.covers(body, Subject::Entity(named));
                    }
                    covers
                }
                None if self.has_one_evaluator() => self.base().covered_rows(body),
                None => {
                    let rows = self.base().snapshot.table(body.resource).row_numbers();
                    let covers = |row| self.covers(body, Subject::Entity(EntityRef { ty: body.resource, row }));
                    rows.map(covers).collect()
                }
            };
            rows.insert(body.resource, covers);
        }
        let body = |ty| waiver.bodies.iter().find(|body| body.resource == ty);
        places(judged.iter().map(|judged| match judged.subject {
            Subject::Entity(entity) => {
                let rows = rows.get(&entity.ty);
                rows.and_then(|rows| rows.get(entity.row as usize)).copied().unwrap_or(false)
            }
            Subject::Uncaptured(ty, _) => body(ty).is_some_and(|body| self.covers(body, judged.subject)),
        }))
    }

    /// Returns the only resource that the scope of a body names, if it names one; `Some(None)` if the snapshot does not
    /// have this resource for certain.
    fn named_resource(&self, body: &Body) -> Option<Option<EntityRef>> {
        let evaluator = self.base();
        let node = |id| &evaluator.program.node(id).kind;
        body.scope.iter().find_map(|condition| {
            let Condition::Leaf(leaf) = condition else { return None };
            let NodeKind::Equal(left, right) = node(*leaf) else { return None };
            let (NodeKind::Resource, NodeKind::Constant(at)) = (node(*left), node(*right)) else { return None };
            let entity = match evaluator.constant(*at) {
                Some(Value::Entity(entity)) => Some(*entity),
                _ => None,
            };
            let table = evaluator.snapshot.table(body.resource);
            Some(entity.filter(|entity| entity.ty == body.resource && table.row(entity.row).is_some()))
        })
    }

    /// Returns whether a body is certainly satisfied for a subject, by all evaluators that may apply to it.
    fn covers(&self, body: &Body, subject: Subject) -> bool {
        let is_satisfied = |number: &usize| {
            let evaluator = self.evaluator(*number);
            let request = match subject {
                Subject::Entity(entity) => evaluator.request(entity),
                Subject::Uncaptured(ty, list) => evaluator.phantom_resource_request(ty, list),
            };
            on_deep_stack(|| evaluator.policy(body, false, &request).satisfied == Outcomes::TRUE)
        };
        self.assigned(subject).iter().all(is_satisfied)
    }
}

impl Evaluator<'_> {
    /// Returns for every row of the resource type of a body whether the body is certainly satisfied.
    fn covered_rows(&self, body: &Body) -> Vec<bool> {
        let rows = self.snapshot.table(body.resource).row_numbers();
        let starts: Vec<u32> = rows.clone().step_by(ROWS_PER_TASK as usize).collect();
        let covered = |start: &u32| {
            let end = rows.end.min(start.saturating_add(ROWS_PER_TASK));
            let batch = Batch { role: Role::Resource, ty: body.resource, start: *start, other: self.root() };
            let lanes = vec![Outcomes::EITHER; (*start..end).len()];
            let outcomes = on_deep_stack(|| self.policy_batch(body, false, batch, lanes).satisfied);
            outcomes.into_iter().map(|outcomes| outcomes == Outcomes::TRUE).collect::<Vec<_>>()
        };
        starts.par_iter().map(covered).collect::<Vec<_>>().concat()
    }
}

/// Returns the places of what is true.
fn places(all: impl Iterator<Item = bool>) -> Vec<usize> {
    all.enumerate().filter(|(_, is)| *is).map(|(at, _)| at).collect()
}
