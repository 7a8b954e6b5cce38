//! The law of agreement: the verdicts on a complete snapshot are those of the official Cedar evaluator, and the verdicts
//! on an incomplete one hold for all values of the missing data.

use super::case::{Form, Recipe};
use super::choices::Choices;
use super::compiled::body_of;
use super::judged::{JudgedCase, Pair, judgements_list_and_count_every_verdict, listed, with_judged};
use super::oracle::{OfficialAnswer, OfficialAnswers, OfficialPack};
use super::runner::{LawResult, NOW, failure, tally, verdict_name};
use super::world::World;
use deodar::engine::{Judgement, Reference, Subject, Verdict};
use proptest::test_runner::TestCaseError;

/// Counts over many cases.
#[derive(Default, Debug)]
struct Tally {
    policies: usize,
    valid: usize,
    pairs: usize,
    decided: usize,
    /// Pairs by the official answer.
    satisfied: usize,
    not_satisfied: usize,
    not_applicable: usize,
    errors: usize,
    worlds: usize,
}

impl Tally {
    fn add(&mut self, judged: &JudgedCase<'_, '_>) {
        let policies = judged.case.checks.iter().chain(judged.case.derivations.iter().map(|(_, policy)| policy));
        let valid: Vec<bool> = policies.map(|policy| judged.compiled.is_valid(&policy.id)).collect();
        self.policies += valid.len() + judged.case.discarded;
        self.valid += valid.into_iter().filter(|is_valid| *is_valid).count();
        for verdict in judged.pairs.iter().filter_map(|pair| pair.verdict) {
            self.pairs += 1;
            self.decided += usize::from(verdict != Verdict::Unknown);
        }
    }

    fn add_answers(&mut self, judged: &JudgedCase<'_, '_>, official: &OfficialAnswers<'_>) {
        for pair in &judged.pairs {
            match official.answer(pair) {
                OfficialAnswer::OutOfScope => {}
                OfficialAnswer::Satisfied => self.satisfied += 1,
                OfficialAnswer::NotSatisfied => self.not_satisfied += 1,
                OfficialAnswer::NotApplicable => self.not_applicable += 1,
                OfficialAnswer::Error => self.errors += 1,
            }
        }
    }

    /// A law that holds of unknown verdicts only, or of invalid policies only, tests nothing.
    fn assert_is_varied(&self) {
        assert!(self.valid * 10 > self.policies * 9, "most policies must be valid: {self:?}");
        assert!(self.decided * 2 > self.pairs, "most verdicts must be decided: {self:?}");
        let kinds = [self.satisfied, self.not_satisfied, self.not_applicable, self.errors];
        assert!(kinds.iter().all(|count| count * 500 > self.pairs), "every kind of verdict must occur: {self:?}");
    }
}

/// Returns whether the `when` clauses exclude the type of the resource, so that the check does not judge it. Cedar
/// decides then that the check is not satisfied.
fn is_excluded(pair: &Pair<'_>, answer: OfficialAnswer) -> bool {
    let is_judged = body_of(pair.check, pair.resource).is_some();
    !is_judged && matches!(answer, OfficialAnswer::NotSatisfied | OfficialAnswer::NotApplicable)
}

/// On a complete snapshot, every verdict is the official one.
fn verdicts_are_official(judged: &JudgedCase<'_, '_>, official: &OfficialAnswers<'_>) -> LawResult {
    for pair in &judged.pairs {
        let answer = official.answer(pair);
        if pair.verdict != answer.verdict() && !is_excluded(pair, answer) {
            let verdict = verdict_name(pair.verdict);
            return Err(judged.failure(pair, format!("Deodar's verdict is {verdict}, Cedar's answer is {answer:?}")));
        }
    }
    Ok(())
}

/// On an incomplete snapshot, every decided verdict is the official one in a world that agrees with the snapshot.
fn decided_verdicts_hold(judged: &JudgedCase<'_, '_>, official: &OfficialAnswers<'_>) -> LawResult {
    for pair in &judged.pairs {
        let answer = official.answer(pair);
        if !answer.is_allowed_by(pair.verdict) && !is_excluded(pair, answer) {
            let (verdict, world) = (verdict_name(pair.verdict), official.world_text());
            let message = format!("Deodar's verdict is {verdict}, Cedar's answer is {answer:?} for\n{world}");
            return Err(judged.failure(pair, message));
        }
    }
    Ok(())
}

/// A check that the review reports as never satisfied is never satisfied.
fn idle_checks_are_never_satisfied(judged: &JudgedCase<'_, '_>, official: &OfficialAnswers<'_>) -> LawResult {
    for pair in judged.pairs.iter().filter(|pair| judged.compiled.idle.contains(&pair.policy.id)) {
        if official.answer(pair) == OfficialAnswer::Satisfied {
            return Err(judged.failure(pair, format!("the review reports it as idle\n{}", official.world_text())));
        }
    }
    Ok(())
}

fn reference_judgements(judged: &JudgedCase<'_, '_>) -> Result<Vec<Judgement>, TestCaseError> {
    let compiled = judged.compiled;
    let reference = Reference::new(judged.evaluator, &compiled.policies, NOW, &compiled.parameters).judge();
    reference.map_err(|error| failure(error, judged.case, None))
}

/// On a complete snapshot, the reference engine gives the same verdicts.
fn reference_engine_agrees(judged: &JudgedCase<'_, '_>) -> LawResult {
    for ((check, compiled), reference) in judged.judgements().zip(&reference_judgements(judged)?) {
        if compiled.counts != reference.counts || compiled.judged != reference.judged {
            let message = format!("the evaluator returns {compiled:?}, the reference engine {reference:?}");
            return Err(judged.check_failure(check, message));
        }
    }
    Ok(())
}

/// On an incomplete snapshot, the reference engine may return unknown where the evaluator decides, but not the reverse.
fn reference_engine_is_more_careful(judged: &JudgedCase<'_, '_>) -> LawResult {
    let reference = reference_judgements(judged)?;
    for pair in &judged.pairs {
        let Some(judgement) = reference.iter().find(|judgement| judgement.check == pair.check.check) else { continue };
        let Some(verdict) = pair.verdict else { continue };
        let reference = listed(judgement, Subject::Entity(pair.resource)).unwrap_or(Verdict::Pass);
        if reference != verdict && reference != Verdict::Unknown {
            let message = format!("the evaluator's verdict is {verdict:?}, the reference engine's is {reference:?}");
            return Err(judged.failure(pair, message));
        }
    }
    Ok(())
}

/// Checks the laws of a complete snapshot.
fn complete(recipe: &Recipe, derived: bool, tally: &mut Tally) -> LawResult {
    with_judged(recipe, Form { derived, complete: true }, |judged| {
        let pack = OfficialPack::new(judged.case, |id| judged.compiled.is_valid(id));
        let official = pack.answers(&judged.pairs, &judged.case.world, judged.case.seed);
        tally.add(judged);
        tally.add_answers(judged, &official);
        judgements_list_and_count_every_verdict(judged)?;
        // Cedar has no entity for a dangling reference, and Deodar knows nothing about its instance.
        let dangles = judged.evaluator.snapshot.tables.iter().any(|table| !table.dangling.is_empty());
        if dangles && !official.is_doubtful() {
            reference_engine_is_more_careful(judged)?;
        }
        if dangles || official.is_doubtful() {
            return in_doubt(judged, &pack, &judged.case.world, &official);
        }
        idle_checks_are_never_satisfied(judged, &official)?;
        verdicts_are_official(judged, &official)?;
        reference_engine_agrees(judged)
    })
}

/// Checks the laws that hold in every world that agrees with the snapshot, for both outcomes of doubtful pairs.
fn in_doubt(
    judged: &JudgedCase<'_, '_>,
    pack: &OfficialPack<'_>,
    world: &World,
    official: &OfficialAnswers<'_>,
) -> LawResult {
    idle_checks_are_never_satisfied(judged, official)?;
    decided_verdicts_hold(judged, official)?;
    // Without a doubtful pair, the seed has no effect.
    if official.is_doubtful() {
        let other = pack.answers(&judged.pairs, world, judged.case.seed ^ 1);
        idle_checks_are_never_satisfied(judged, &other)?;
        decided_verdicts_hold(judged, &other)?;
    }
    Ok(())
}

/// Checks the laws of an incomplete snapshot.
fn incomplete(recipe: &Recipe, derived: bool, tally: &mut Tally) -> LawResult {
    with_judged(recipe, Form { derived, complete: false }, |judged| {
        let pack = OfficialPack::new(judged.case, |id| judged.compiled.is_valid(id));
        let (case, seed) = (judged.case, judged.case.seed);
        tally.add(judged);
        judgements_list_and_count_every_verdict(judged)?;
        let filled = |more| case.world.filled(&mut Choices::seeded(seed ^ more), &case.blueprint, &case.blanks);
        for (at, world) in std::iter::once(case.world.clone()).chain((0..4).map(filled)).enumerate() {
            if !case.world.conforms(&case.blueprint, &case.blanks, &world) {
                continue;
            }
            let official = pack.answers(&judged.pairs, &world, seed);
            tally.worlds += 1;
            in_doubt(judged, &pack, &world, &official)?;
            if at == 0 {
                tally.add_answers(judged, &official);
            }
            if at == 0 && !official.is_doubtful() {
                reference_engine_is_more_careful(judged)?;
            }
        }
        Ok(())
    })
}

#[test]
fn complete_snapshots_get_the_official_verdicts() {
    tally(1000, |recipe, tally| complete(recipe, false, tally)).assert_is_varied();
}

#[test]
fn derived_values_are_those_of_the_cross_product() {
    tally(700, |recipe, tally| complete(recipe, true, tally)).assert_is_varied();
}

#[test]
fn decided_verdicts_hold_for_all_values_of_the_missing_data() {
    tally(800, |recipe, tally| incomplete(recipe, false, tally)).assert_is_varied();
}

#[test]
fn decided_verdicts_on_derived_attributes_hold_for_all_values_of_the_missing_data() {
    tally(600, |recipe, tally| incomplete(recipe, true, tally)).assert_is_varied();
}
