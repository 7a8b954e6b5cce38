//! A case with the verdicts of the evaluator, and the laws that relate these verdicts to each other.

use super::case::{Case, Form, Recipe};
use super::compiled::{Compiled, body_of, verdict_on};
use super::policies::PolicyText;
use super::runner::{LawResult, failure};
use super::world::Uid;
use deodar::engine::{Evaluator, Explanation, Judgement, Subject, Verdict, VerdictCounts};
use deodar::program::{Body, CheckProgram};
use deodar::value::EntityRef;
use proptest::test_runner::TestCaseError;
use std::collections::BTreeMap;
use std::fmt::Display;

/// A valid check and an instance that the snapshot has.
pub struct Pair<'j> {
    pub policy: &'j PolicyText,
    pub check: &'j CheckProgram,
    pub instance: Uid,
    pub resource: EntityRef,
    /// `None` is out of scope.
    pub verdict: Option<Verdict>,
}

/// A case that the evaluator has judged.
pub struct JudgedCase<'j, 'e> {
    pub case: &'j Case,
    pub compiled: &'j Compiled,
    pub evaluator: &'j Evaluator<'e>,
    pub rows: BTreeMap<Uid, EntityRef>,
    pub pairs: Vec<Pair<'j>>,
}

impl<'j, 'e> JudgedCase<'j, 'e> {
    /// Judges every pair of a valid check and a captured instance.
    pub fn new(case: &'j Case, compiled: &'j Compiled, evaluator: &'j Evaluator<'e>) -> Result<Self, TestCaseError> {
        let rows = compiled.rows(case, evaluator.snapshot);
        let mut pairs = Vec::new();
        for policy in case.checks.iter().filter(|policy| compiled.is_valid(&policy.id)) {
            let lacks = |what: String| failure(what, case, Some(&policy.id));
            let check = compiled.check(&policy.id).ok_or_else(|| lacks("the check was not lowered".to_owned()))?;
            for instance in case.world.instances.keys().copied().filter(|uid| case.world.captured(&case.blanks, *uid)) {
                let row = rows.get(&instance).copied();
                let resource = row.ok_or_else(|| lacks(format!("{} has no row", case.world.id(instance))))?;
                let verdict = verdict_on(evaluator, check, resource);
                pairs.push(Pair { policy, check, instance, resource, verdict });
            }
        }
        Ok(Self { case, compiled, evaluator, rows, pairs })
    }

    /// Returns the pair of a check and an instance.
    pub fn pair(&self, check: &str, instance: Uid) -> Option<&Pair<'j>> {
        self.pairs.iter().find(|pair| pair.policy.id == check && pair.instance == instance)
    }

    /// Returns a failure about a pair of a check and an instance.
    pub fn failure(&self, pair: &Pair<'_>, message: impl Display) -> TestCaseError {
        let instance = self.case.world.uid(&self.case.blueprint, pair.instance);
        let message = format!("check `{}` on `{instance}`: {message}", pair.policy.id);
        failure(message, self.case, Some(&pair.policy.id))
    }

    /// Returns a failure about a check.
    pub fn check_failure(&self, check: &CheckProgram, message: impl Display) -> TestCaseError {
        let id = self.compiled.id_of(check);
        failure(format!("check `{id}`: {message}"), self.case, Some(id))
    }

    /// Returns every check of the program with its judgement.
    pub fn judgements(&self) -> impl Iterator<Item = (&'j CheckProgram, Judgement)> {
        self.compiled.program.checks.iter().zip(self.evaluator.judge(&Verdict::ALL[..4]))
    }

    /// Returns the explanation of a verdict.
    pub fn explanation(&self, body: &Body, resource: EntityRef, verdict: Verdict) -> Explanation<'e> {
        let request = self.evaluator.request(resource);
        match verdict {
            Verdict::NotApplicable => self.evaluator.explain_applies(body, &request),
            _ => self.evaluator.explain(body, &request),
        }
    }

    /// Calls a law with every resource in scope of every check, and its explanation.
    pub fn each_explanation(
        &self,
        mut law: impl FnMut(&CheckProgram, EntityRef, &Explanation<'e>) -> LawResult,
    ) -> LawResult {
        for check in &self.compiled.program.checks {
            for body in &check.bodies {
                for row in 0..self.evaluator.snapshot.table(body.resource).rows.len() as u32 {
                    let resource = EntityRef { ty: body.resource, row };
                    if let Some(verdict) = self.evaluator.verdict(check, body, resource) {
                        law(check, resource, &self.explanation(body, resource, verdict))?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Returns the explanation of the verdict of a pair.
    pub fn explanation_of(&self, pair: &Pair<'_>) -> Option<Explanation<'e>> {
        Some(self.explanation(body_of(pair.check, pair.resource)?, pair.resource, pair.verdict?))
    }
}

/// Builds, compiles and judges a case, and checks laws on it.
pub fn with_judged(recipe: &Recipe, form: Form, laws: impl FnOnce(&JudgedCase<'_, '_>) -> LawResult) -> LawResult {
    let case = Case::new(recipe, form);
    let compiled = Compiled::new(&case)?;
    let snapshot = compiled.snapshot(&case)?;
    let evaluator = compiled.evaluator(&snapshot);
    laws(&JudgedCase::new(&case, &compiled, &evaluator)?)
}

/// Returns the listed verdict on a subject. A pass is not listed.
pub fn listed(judgement: &Judgement, subject: Subject) -> Option<Verdict> {
    judgement.judged.iter().find(|judged| judged.subject == subject).map(|judged| judged.verdict)
}

/// A judgement lists every verdict of its check but the passes, and counts all.
pub fn judgements_list_and_count_every_verdict(judged: &JudgedCase<'_, '_>) -> LawResult {
    for (check, judgement) in judged.judgements() {
        let is_list = |subject: Subject| matches!(subject, Subject::Uncaptured(..));
        let mut counts = VerdictCounts::default();
        counts[Verdict::Unknown] += judgement.judged.iter().filter(|judged| is_list(judged.subject)).count();
        for pair in judged.pairs.iter().filter(|pair| pair.check.check == check.check) {
            let found = listed(&judgement, Subject::Entity(pair.resource));
            if found != pair.verdict.filter(|verdict| *verdict != Verdict::Pass) {
                return Err(judged.failure(pair, format!("{found:?} is listed, and {:?} is judged", pair.verdict)));
            }
            pair.verdict.into_iter().for_each(|verdict| counts[verdict] += 1);
        }
        if counts != judgement.counts {
            return Err(judged.check_failure(check, format!("{:?} are counted, not {counts:?}", judgement.counts)));
        }
    }
    Ok(())
}
