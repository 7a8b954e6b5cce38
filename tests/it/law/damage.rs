//! The law of damage: a value of a wrong shape, a property or an id given twice, an invalid date or an unlisted word leaves
//! a verdict as it is, or makes it unknown. Damage never gives another decided verdict, and it is reported.

use super::blueprint::WORDS;
use super::case::{Case, Form};
use super::choices::Choices;
use super::compiled::Compiled;
use super::runner::{LawResult, NOW, failure, listed_problems, source, tally};
use super::world::{ESCAPED, Json};
use deodar::diagnostic::{Code, Diagnostic, DiagnosticLevel};
use deodar::engine::{Judgement, Reference, Subject, Verdict};
use deodar::policy::CheckId;
use deodar::snapshot::{Limits, Snapshot};
use deodar::value::EntityRef;
use proptest::test_runner::TestCaseError;
use std::collections::BTreeMap;

/// Steps to a value: places among members or elements.
type Path = Vec<usize>;

fn members(json: &Json) -> Vec<&Json> {
    match json {
        Json::Raw(_) => Vec::new(),
        Json::Array(items) => items.iter().collect(),
        Json::Object(members) | Json::Map(members) | Json::Tags(members) => {
            members.iter().map(|(_, json)| json).collect()
        }
    }
}

/// The paths of all values below the document, and whether each is inside a set.
fn paths(json: &Json, path: &Path, out: &mut Vec<Path>) {
    for (at, inner) in members(json).into_iter().enumerate() {
        let path = [&path[..], &[at]].concat();
        out.push(path.clone());
        paths(inner, &path, out);
    }
}

fn at<'j>(json: &'j mut Json, path: &[usize]) -> &'j mut Json {
    let Some((first, rest)) = path.split_first() else { return json };
    match json {
        Json::Array(items) => at(&mut items[*first], rest),
        Json::Object(members) | Json::Map(members) | Json::Tags(members) => at(&mut members[*first].1, rest),
        Json::Raw(_) => json,
    }
}

fn raw(text: &str) -> Json {
    Json::Raw(text.to_owned())
}

/// Returns an object without any declared property.
fn undeclared_object() -> Json {
    Json::Map(vec![("zz!".to_owned(), raw("0"))])
}

/// A value of a type that is not read in the place of another.
fn other_type(choices: &mut Choices<'_>, json: &Json) -> Option<Json> {
    let deep = || raw("[[[[[[{\"zz!\": 0}]]]]]]");
    Some(match json {
        Json::Raw(text) if text == "null" => return None,
        Json::Raw(_) => choices.pick(&[undeclared_object(), deep()]).clone(),
        Json::Array(_) => choices.pick(&[raw("7"), raw("true"), raw("\"zz\""), undeclared_object()]).clone(),
        Json::Object(_) | Json::Map(_) | Json::Tags(_) => choices.pick(&[raw("7"), raw("\"zz\""), raw("[7]")]).clone(),
    })
}

/// The place of the key of an instance: `id`, or `meta/id`.
pub fn key_of(json: &Json) -> Option<Path> {
    let Json::Object(members) = json else { return None };
    let place = |name: &str| members.iter().position(|(member, _)| member == name);
    if let Some(id) = place("id") {
        return Some(vec![id]);
    }
    let meta = place("meta")?;
    let Json::Object(inner) = &members[meta].1 else { return None };
    Some(vec![meta, inner.iter().position(|(member, _)| member == "id")?])
}

/// Returns the word of an element of a list of several types.
fn word_of(json: &Json) -> Option<String> {
    let Json::Object(members) = json else { return None };
    match members.iter().find(|(name, _)| name == "kind")? {
        (_, Json::Raw(word)) => Some(word.to_lowercase().replace(' ', "")),
        _ => None,
    }
}

/// The damage that is not reported: values in such an object are uncaptured.
const ERROR_OBJECT: &str = "an error in place of an object";

/// Damages a value in one way and returns its name; `None` if that way does not exist for the value.
fn damage(choices: &mut Choices<'_>, json: &mut Json) -> Option<&'static str> {
    // Only values of an enumerated type are this word.
    if matches!(json, Json::Raw(text) if text == "\"green\"") && choices.one_in(2) {
        *json = raw("\"gren\"");
        return Some("an unlisted word");
    }
    match choices.below(9) {
        8 => {
            let Json::Object(members) = json else { return None };
            let mut error = vec![("error".to_owned(), raw("\"forbidden\""))];
            // The object may also have a misspelling of a property.
            let slip = members.get(choices.below(members.len())).filter(|_| choices.one_in(2));
            error.extend(
                slip.and_then(|(name, value)| Some((format!("{name}{}", name.chars().last()?), value.clone()))),
            );
            *json = Json::Object(error);
            Some(ERROR_OBJECT)
        }
        0 => {
            *json = other_type(choices, json)?;
            Some("another type")
        }
        1 => {
            // Where instances have no key, `{}` is an instance of which nothing was captured.
            let is_keyed =
                !matches!(json, Json::Array(items) if items.first().is_some_and(|item| key_of(item).is_none()));
            let empty = if is_keyed { raw("{}") } else { undeclared_object() };
            let more = choices.pick(&[raw("7"), raw("[{}]"), raw("\"zz\""), empty, undeclared_object()]).clone();
            match json {
                Json::Array(items) if matches!(items.first(), Some(Json::Object(_))) => items.push(more),
                Json::Map(members) => members.push(("zz!".to_owned(), more)),
                _ => return None,
            }
            Some("a value among instances that is not one")
        }
        2 => {
            let (Json::Object(members) | Json::Map(members) | Json::Tags(members)) = json else { return None };
            let (name, value) = members.get(choices.below(members.len()))?.clone();
            let name = if choices.one_in(3) { format!("{ESCAPED}{name}") } else { name };
            let value = choices.pick(&[value, raw("null"), raw("7")]).clone();
            members.insert(choices.below(members.len() + 1), (name, value));
            Some("a property twice")
        }
        3 => {
            let Json::Object(members) = json else { return None };
            let (name, value) = members.get(choices.below(members.len()))?.clone();
            let upper = name.to_uppercase();
            let value = choices.pick(&[value, raw("null"), raw("7")]).clone();
            (upper != name).then(|| members.insert(choices.below(members.len() + 1), (upper, value)))?;
            Some("a property in two spellings")
        }
        4..=6 => {
            let Json::Array(items) = json else { return None };
            let from = choices.below(items.len());
            let key = key_of(items.get(from)?)?;
            let into = choices.below(items.len() + 1);
            if into == items.len() {
                let copy = items[from].clone();
                items.push(copy);
            } else {
                let id = at(&mut items[from], &key).clone();
                let other = key_of(&items[into])?;
                // Ids of other types are others.
                (into != from && word_of(&items[from]) == word_of(&items[into]))
                    .then(|| *at(&mut items[into], &other) = id)?;
            }
            Some("an id twice")
        }
        _ => {
            let Json::Raw(text) = json else { return None };
            let is_date = text.ends_with("Z\"") && text.starts_with(['"']) && text.contains('T');
            is_date.then(|| *text = "\"2026-02-30T00:00:00Z\"".to_owned())?;
            Some("an invalid date")
        }
    }
}

/// Every verdict by check, place and id.
type Verdicts = BTreeMap<(CheckId, String, String), Verdict>;

/// The verdicts of both engines on a snapshot, and the codes of its diagnostics.
struct Outcome {
    evaluator: Verdicts,
    reference: Verdicts,
    reported: Vec<&'static str>,
}

/// Judges a snapshot, which may be damaged.
fn judged(case: &Case, compiled: &Compiled, json: &str) -> Result<Outcome, TestCaseError> {
    let model = &compiled.schema.model;
    let (snapshot, diagnostics) =
        Snapshot::read(&source("s.json", json), model, &compiled.program.reads, &Limits::default());
    let Some(snapshot) = snapshot else {
        return Err(failure(
            format!("the snapshot cannot be read\n{}{json}", listed_problems(&diagnostics)),
            case,
            None,
        ));
    };
    let evaluator = compiled.evaluator(&snapshot);
    let by_place = |judgements: Vec<Judgement>, pass: bool| -> Verdicts {
        let mut verdicts = Verdicts::new();
        for (judgement, check) in judgements.iter().zip(&compiled.program.checks) {
            let listed: BTreeMap<EntityRef, Verdict> = judgement
                .judged
                .iter()
                .filter_map(|judged| match judged.subject {
                    Subject::Entity(entity) => Some((entity, judged.verdict)),
                    Subject::Uncaptured(..) => None,
                })
                .collect();
            for body in &check.bodies {
                for row in 0..snapshot.table(body.resource).rows.len() as u32 {
                    let entity = EntityRef { ty: body.resource, row };
                    let verdict = match listed.get(&entity) {
                        Some(verdict) => *verdict,
                        // The reference engine does not list what passes.
                        None if pass && evaluator.verdict(check, body, entity).is_some() => Verdict::Pass,
                        None => continue,
                    };
                    let place = format!("{} {}", model.short_name(entity.ty), snapshot.pointer(model, entity));
                    verdicts.insert((judgement.check, place, snapshot.show(model, entity)), verdict);
                }
            }
        }
        verdicts
    };
    let reference = Reference::new(&evaluator, &compiled.policies, NOW, &compiled.parameters).judge();
    let reference = reference.map_err(|error| failure(format!("{error}\n{json}"), case, None))?;
    // A word that an open list does not contain is reported as a warning.
    let is_damage = |found: &&Diagnostic| found.level == DiagnosticLevel::Error || found.code == Code::SnapshotWord;
    let errors = diagnostics.iter().filter(is_damage);
    let reported = errors.map(|diagnostic| diagnostic.code.name()).collect();
    let (evaluator, reference) = (by_place(evaluator.judge(&Verdict::ALL), false), by_place(reference, true));
    Ok(Outcome { evaluator, reference, reported })
}

/// Returns a verdict that damage has changed into another decided one. A subject is the one in its place, or, where an id
/// is given twice, the one with its id.
///
/// The properties of an error in place of an object are uncaptured. A resource that cannot fail passes then, although it is not known
/// whether the check applies.
fn changed(kind: &str, before: &Verdicts, after: &Verdicts) -> Option<(CheckId, String, Vec<Verdict>, Verdict)> {
    after.iter().filter(|(_, verdict)| **verdict != Verdict::Unknown).find_map(|((check, place, id), verdict)| {
        let same = |(other, at, called): &(CheckId, String, String)| other == check && (at == place || called == id);
        let was: Vec<Verdict> = before.iter().filter(|(key, _)| same(key)).map(|(_, verdict)| *verdict).collect();
        let may_apply = kind == ERROR_OBJECT && *verdict == Verdict::Pass && was.contains(&Verdict::NotApplicable);
        (!was.contains(verdict) && !may_apply).then(|| (*check, format!("{id} at {place}"), was, *verdict))
    })
}

/// Counts over the cases.
#[derive(Default, Debug)]
struct Tally {
    kinds: BTreeMap<&'static str, usize>,
    verdicts: usize,
    decided: usize,
}

fn written(tree: &Json) -> String {
    let mut text = String::new();
    tree.write(&mut text, 0);
    text
}

/// Returns whether a value is one of the words of `@unknown` and `@absent`.
fn is_lacking_word(json: &str) -> bool {
    let word = json.trim_matches('"').trim().to_lowercase();
    word == "n" || WORDS.contains(&word.as_str())
}

/// One damage to a snapshot.
struct Damaged {
    kind: &'static str,
    json: String,
    /// Whether the damage is an error.
    is_error: bool,
}

/// Damages a snapshot at a random place; `None` if the drawn way does not exist there.
fn damaged(choices: &mut Choices<'_>, tree: &Json, paths: &[Path]) -> Option<Damaged> {
    let mut tree = tree.clone();
    let path = choices.pick(paths);
    // A word for a missing value may be in the place of a record. An object there without any declared member is uncaptured.
    let is_word = matches!(at(&mut tree, path), Json::Raw(text) if is_lacking_word(text));
    let kind = damage(choices, at(&mut tree, path))?;
    // The document itself stays an object.
    if path.is_empty() && kind == "another type" {
        return None;
    }
    // A record of a set without any declared member is uncaptured, which is not an error.
    let is_record = |items: &[Json]| items.first().is_some_and(|item| key_of(item).is_none());
    let is_error = !matches!(at(&mut tree, path), Json::Array(items)
        if matches!(items.last(), Some(Json::Map(_))) && is_record(items));
    let is_record = is_word && matches!(at(&mut tree, path), Json::Map(_));
    let is_error = is_error && !is_record && kind != ERROR_OBJECT;
    Some(Damaged { kind, json: written(&tree), is_error })
}

/// Damage is reported, and changes no decided verdict of either engine to another decided one.
fn damage_is_harmless(
    case: &Case,
    compiled: &Compiled,
    before: &Outcome,
    damaged: &Damaged,
) -> Result<Outcome, TestCaseError> {
    let Damaged { kind, json, is_error } = damaged;
    let after = judged(case, compiled, json)?;
    if after.reported.is_empty() && *is_error {
        return Err(failure(format!("no diagnostic after {kind}:\n{json}\n"), case, None));
    }
    is_unchanged(case, compiled, before, (&after, damaged))?;
    Ok(after)
}

/// Every decided verdict of either engine is the one before the damage.
fn is_unchanged(
    case: &Case,
    compiled: &Compiled,
    before: &Outcome,
    (after, damaged): (&Outcome, &Damaged),
) -> LawResult {
    let Damaged { kind, json, .. } = damaged;
    for (engine, before, after) in [
        ("the evaluator", &before.evaluator, &after.evaluator),
        ("the reference engine", &before.reference, &after.reference),
    ] {
        if let Some((check, subject, was, is)) = changed(kind, before, after) {
            let id = &compiled.policies.checks[check].statement.id;
            let message =
                format!("check `{id}` on {subject}: {engine} changes {was:?} to {is:?} after {kind}:\n{json}\n");
            return Err(failure(message, case, Some(id)));
        }
    }
    Ok(())
}

fn holds_for(derived: bool, cases: u32) {
    let tally = tally(cases, |recipe, tally: &mut Tally| -> LawResult {
        let case = Case::new(recipe, Form { derived, complete: true });
        let compiled = Compiled::new(&case)?;
        let tree = case.world.tree(&mut Choices::given(&recipe.style), &case.blueprint, &case.blanks);
        let before = judged(&case, &compiled, &written(&tree))?;
        // A dangling reference is damage too, with a law of its own.
        if !before.reported.is_empty() {
            return Ok(());
        }
        let mut all = Vec::new();
        paths(&tree, &Vec::new(), &mut all);
        all.push(Vec::new());
        let choices = &mut Choices::seeded(recipe.seed);
        for damaged in (0..40).filter_map(|_| damaged(choices, &tree, &all)) {
            let after = damage_is_harmless(&case, &compiled, &before, &damaged)?;
            *tally.kinds.entry(damaged.kind).or_default() += 1;
            tally.decided += after.evaluator.values().filter(|verdict| **verdict != Verdict::Unknown).count();
            tally.verdicts += after.evaluator.len();
        }
        Ok(())
    });
    let Tally { kinds, verdicts, decided } = tally;
    assert!(kinds.len() == 8 && kinds.values().all(|count| *count > 20), "every kind must occur: {kinds:?}");
    assert!(decided * 4 > verdicts, "damage must not make everything unknown: {decided} of {verdicts}");
}

#[test]
fn damage_never_gives_another_decided_verdict() {
    holds_for(false, 250);
}

#[test]
fn damage_never_gives_another_decided_verdict_on_derived_attributes() {
    holds_for(true, 260);
}

/// Dangling references are damage: nothing is known about their instances. Without derivations, the verdicts on other instances do
/// not depend on the number of instances.
#[test]
fn a_dangling_reference_never_gives_another_decided_verdict() {
    let unknown = tally(1000, |recipe, unknown: &mut usize| -> LawResult {
        let case = Case::new(recipe, Form { derived: false, complete: true });
        let compiled = Compiled::new(&case)?;
        let dangling = judged(&case, &compiled, &case.json)?;
        if dangling.reported.is_empty() {
            return Ok(());
        }
        let world = case.world.with_referred(&mut Choices::seeded(case.seed), &case.blueprint);
        let json = world.json(&mut Choices::given(&recipe.style), &case.blueprint, &case.blanks);
        let whole = judged(&case, &compiled, &json)?;
        let damaged = Damaged { kind: "a dangling reference", json: case.json.clone(), is_error: true };
        is_unchanged(&case, &compiled, &whole, (&dangling, &damaged))?;
        let is_lost =
            |key, verdict: &Verdict| *verdict == Verdict::Unknown && whole.evaluator.get(key) != Some(verdict);
        *unknown += dangling.evaluator.iter().filter(|(key, verdict)| is_lost(*key, verdict)).count();
        Ok(())
    });
    assert!(unknown > 20, "dangling references must make verdicts unknown: {unknown}");
}
