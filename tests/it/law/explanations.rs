//! Laws of explanations: their spans are in the policy, their values are in the snapshot, and the values suffice for the
//! verdict.

use super::blueprint::WORDS;
use super::case::{Case, Form};
use super::compiled::body_of;
use super::judged::{JudgedCase, Pair, with_judged};
use super::runner::{LawResult, tally, verdict_name};
use super::world::{Blanks, Uid};
use deodar::engine::{Explanation, ReadOf, ReadValue, Verdict};
use deodar::schema::SlotId;
use deodar::snapshot::LocationKind;
use deodar::source::json::Kind as JsonKind;
use deodar::value::{EntityRef, Outcomes, TypeId};
use proptest::test_runner::TestCaseError;
use std::collections::{BTreeMap, BTreeSet};

/// The clauses of an explanation are parts of the policy, and a failure is a part of its clause.
fn clauses_are_in_the_policy(judged: &JudgedCase<'_, '_>) -> LawResult {
    judged.each_explanation(|check, _, explanation| {
        let statement = &judged.compiled.policies.checks[check.check].statement;
        for clause in &explanation.clauses {
            let is_text = !clause.span.is_empty() && !statement.source.slice(clause.span).is_empty();
            let mut derivations = judged.compiled.policies.derivations.iter();
            let is_inside = match clause.definition {
                Some(_) => derivations.any(|it| it.statement.span.contains(clause.span)),
                None => statement.span.contains(clause.span),
            };
            if !is_text || !is_inside {
                let message = format!("{:?} is not in the policy {:?}", clause.span, statement.span);
                return Err(judged.check_failure(check, message));
            }
            if let Some(failure) = clause.failure.as_ref().filter(|failure| !clause.span.contains(failure.span)) {
                return Err(judged.check_failure(check, format!("{failure:?} is not in its clause {:?}", clause.span)));
            }
        }
        Ok(())
    })
}

/// A value of an explanation is in the snapshot, and an absent one is not.
fn values_are_in_the_snapshot(judged: &JudgedCase<'_, '_>) -> LawResult {
    let (snapshot, model) = (judged.evaluator.snapshot, &judged.compiled.schema.model);
    judged.each_explanation(|check, _, explanation| {
        for (entity, slot, found) in attributes(explanation) {
            let slot = &model.ty(entity.ty).slots[slot];
            let Some(pointer) = slot.origin.pointer() else { continue };
            let Some(row) = snapshot.table(entity.ty).rows.get(entity.row as usize) else {
                return Err(judged.check_failure(check, format!("`{}` is of an entity without a row", slot.dotted())));
            };
            let located = snapshot.locate(row.span, pointer);
            // A word may be in place of a value, or of a record around it.
            let is_word =
                WORDS.map(|word| format!("{word:?}")).contains(&snapshot.source.slice(located.span).to_owned());
            let is_present = matches!(located.kind, LocationKind::Value(kind) if kind != JsonKind::Null && !is_word);
            let is_text = row.span.contains(located.span) && !snapshot.source.slice(located.span).is_empty();
            if !is_text || !may_be_present(found, is_present) {
                let (name, id) = (slot.dotted(), judged.evaluator.id(entity));
                return Err(judged.check_failure(check, format!("`{name}` of {id} is {found:?}, found {located:?}")));
            }
        }
        Ok(())
    })
}

/// Returns whether the snapshot may have a value, or none, where an explanation has this.
fn may_be_present(found: &ReadValue, is_present: bool) -> bool {
    match found {
        ReadValue::Known(_) | ReadValue::Present => is_present,
        ReadValue::Absent => !is_present,
        // A set that is known in part, or a reference into an uncaptured list, is present.
        ReadValue::Uncaptured => true,
        ReadValue::Unreadable | ReadValue::Between(..) => false,
    }
}

/// Returns the attributes that decided: entity, place of the slot, and value.
fn attributes<'e>(explanation: &'e Explanation<'_>) -> impl Iterator<Item = (EntityRef, SlotId, &'e ReadValue)> {
    let deciding = explanation.clauses.iter().filter(|clause| !clause.also);
    deciding.flat_map(|clause| &clause.reads).filter_map(|read| match &read.of {
        ReadOf::Attribute(entity, slot) => Some((*entity, *slot, &read.found)),
        _ => None,
    })
}

#[test]
fn explanations_point_into_both_texts() {
    for complete in [true, false] {
        tally(60, |recipe, _: &mut ()| {
            with_judged(recipe, Form { derived: true, complete }, |judged| {
                clauses_are_in_the_policy(judged)?;
                values_are_in_the_snapshot(judged)
            })
        });
    }
}

/// Attributes by holder and path.
type Paths = BTreeSet<(Uid, Vec<String>)>;

/// Returns the attributes that the explanation of a pair names.
fn named(judged: &JudgedCase<'_, '_>, pair: &Pair<'_>) -> Option<Paths> {
    let model = &judged.compiled.schema.model;
    let instances: BTreeMap<(TypeId, u32), Uid> =
        judged.rows.iter().map(|(uid, row)| ((row.ty, row.row), *uid)).collect();
    let explanation = judged.explanation_of(pair)?;
    let path = |(entity, slot, _): (EntityRef, SlotId, &ReadValue)| {
        let path = model.ty(entity.ty).slots[slot].path.iter().map(ToString::to_string).collect();
        Some((*instances.get(&(entity.ty, entity.row))?, path))
    };
    attributes(&explanation).map(path).collect()
}

/// Returns whether a path is named, is inside a named value, or contains one.
fn is_named(named: &Paths, holder: Uid, path: &[String]) -> bool {
    named.iter().any(|(uid, other)| *uid == holder && (path.starts_with(other) || other.starts_with(path)))
}

/// Returns all values of a case but the named ones.
fn all_but(case: &Case, named: &Paths) -> Blanks {
    let context = case.blueprint.context.map(|at| case.blueprint.types[0].fields[at].name.clone());
    let is_in_context =
        |holder, path: &[String]| case.world.instances[&holder].type_idx == 0 && path.first() == context.as_ref();
    let values = case.world.blankable(&case.blueprint).into_iter();
    let values = values.filter(|(holder, path)| !is_named(named, *holder, path) && !is_in_context(*holder, path));
    Blanks { values: values.collect(), ..Blanks::default() }
}

/// The verdict of a pair is the same on a snapshot that has only the named values. Returns whether the law applies.
fn named_values_suffice(pair: &Pair<'_>, named: &Paths, less: &JudgedCase<'_, '_>) -> Result<bool, TestCaseError> {
    let Some(again) = less.pair(&pair.policy.id, pair.instance) else { return Ok(false) };
    let Some(body) = body_of(again.check, again.resource) else { return Ok(false) };
    let condition = less.evaluator.policy(body, false, &less.evaluator.request(again.resource)).satisfied;
    // An error is not a missing value: a condition that may be an error now precedes the one that decides.
    if condition.may(Outcomes::ERROR) {
        return Ok(false);
    }
    // The explanation of a false condition does not state whether the check applies.
    let is_false_still = pair.verdict == Some(Verdict::Pass) && condition == Outcomes::FALSE;
    if again.verdict != pair.verdict && !is_false_still {
        let (before, after) = (verdict_name(pair.verdict), verdict_name(again.verdict));
        return Err(less.failure(again, format!("{before} becomes {after} if only {named:?} is captured")));
    }
    Ok(true)
}

#[test]
fn the_values_of_an_explanation_suffice_for_the_verdict() {
    let explained = tally(300, |recipe, explained: &mut usize| {
        with_judged(recipe, Form { derived: false, complete: true }, |judged| {
            let is_decided = |pair: &&Pair<'_>| pair.verdict.is_some_and(|verdict| verdict != Verdict::Unknown);
            for pair in judged.pairs.iter().filter(is_decided).take(12) {
                let Some(named) = named(judged, pair) else { continue };
                let case = judged.case.with_blanks(recipe, all_but(judged.case, &named));
                let snapshot = judged.compiled.snapshot(&case)?;
                let evaluator = judged.compiled.evaluator(&snapshot);
                let less = JudgedCase::new(&case, judged.compiled, &evaluator)?;
                *explained += usize::from(named_values_suffice(pair, &named, &less)?);
            }
            Ok(())
        })
    });
    assert!(explained > 100, "explanations must occur: {explained}");
}
