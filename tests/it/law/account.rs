//! The law of parameters that the account sets: a value in the snapshot gives the verdicts of the same value as a
//! setting of the run. `null` there leaves each verdict or makes it unknown. Both hold in both engines.

use super::blueprint::{Field, From};
use super::case::{Case, Form, Recipe, setting_text};
use super::choices::Choices;
use super::compiled::{Compiled, verdict_on};
use super::judged::listed;
use super::runner::{LawResult, NOW, failure, tally, verdict_name};
use super::world::Datum;
use deodar::engine::{Judgement, Reference, Subject, Verdict};
use deodar::parameters::ParameterValue;
use deodar::snapshot::Snapshot;
use deodar::value::EntityRef;
use proptest::test_runner::TestCaseError;
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;

/// The object with the parameters in a snapshot.
const SETTINGS: &str = "settings";

/// Returns a parameter as a snapshot has it.
fn json_of(datum: &Datum) -> Json {
    match datum {
        Datum::Long(n) => json!(n),
        Datum::Set(items) => items.iter().map(json_of).collect(),
        other => json!(setting_text(other)),
    }
}

/// Returns the case with a place in the snapshot for every parameter.
fn of_account(case: &Case) -> Case {
    let mut case = case.clone();
    for Field { name, pointer, from, .. } in &mut case.blueprint.parameters {
        (*pointer, *from) = (vec![String::new(), SETTINGS.to_owned(), name.clone()], From::Snapshot);
    }
    case
}

/// Returns a snapshot with an object of parameters.
fn with_settings(json: &str, settings: Map<String, Json>) -> String {
    let (before, rest) = json.split_once('{').expect("an object");
    let comma = if rest.trim_start().starts_with('}') { "" } else { "," };
    format!("{before}{{{SETTINGS:?}: {}{comma}{rest}", Json::Object(settings))
}

/// The verdicts of both engines, by check and resource.
type Verdicts = BTreeMap<(String, EntityRef), [Option<Verdict>; 2]>;

fn verdicts(
    case: &Case,
    compiled: &Compiled,
    snapshot: &Snapshot,
    set: &[ParameterValue],
) -> Result<Verdicts, TestCaseError> {
    let binding = deodar::engine::Binding::new(&compiled.schema.model, &compiled.program, snapshot, NOW, set);
    let (evaluator, _) = binding.derive(usize::MAX);
    let reference = Reference::new(&evaluator, &compiled.policies, NOW, set).judge();
    let reference: Vec<Judgement> = reference.map_err(|error| failure(error, case, None))?;
    let mut verdicts = Verdicts::new();
    for (check, reference) in compiled.program.checks.iter().zip(&reference) {
        for body in &check.bodies {
            for resource in snapshot.instances(body.resource) {
                let own = verdict_on(&evaluator, check, resource);
                let passed = own.map(|_| Verdict::Pass);
                let other = listed(reference, Subject::Entity(resource)).or(passed);
                verdicts.insert((compiled.id_of(check).to_owned(), resource), [own, other]);
            }
        }
    }
    Ok(verdicts)
}

#[derive(Default, Debug)]
struct Tally {
    verdicts: usize,
    /// Verdicts that `null` made unknown.
    unknown: usize,
}

fn holds_for(recipe: &Recipe, complete: bool, tally: &mut Tally) -> LawResult {
    let choices = &mut Choices::seeded(recipe.seed);
    let case = Case::new(recipe, Form { derived: true, complete });
    if case.blueprint.parameters.is_empty() {
        return Ok(());
    }
    let compiled = Compiled::new(&case)?;
    let expected = verdicts(&case, &compiled, &compiled.snapshot(&case)?, &compiled.parameters)?;
    let account = of_account(&case);
    let of_account = Compiled::new(&account)?;
    let given = case.blueprint.parameters.iter().zip(&case.parameters);
    let settings: Map<String, Json> =
        given.filter_map(|(field, datum)| Some((field.name.clone(), json_of(datum.as_ref()?)))).collect();
    let judge = |settings: Map<String, Json>, set: &[ParameterValue]| {
        let json = with_settings(&case.json, settings);
        verdicts(&account, &of_account, &of_account.snapshot_of(&account, &json)?, set)
    };
    let unset = vec![ParameterValue::NotSet; case.parameters.len()];
    let found = judge(settings.clone(), &unset)?;
    for (key, expected) in &expected {
        tally.verdicts += 1;
        if found.get(key) != Some(expected) {
            let message =
                format!("{key:?}: {:?} with a value of the account, {expected:?} with a setting", found.get(key));
            return Err(failure(message, &account, Some(&key.0)));
        }
    }
    let mut blank = settings;
    let names: Vec<String> = case.blueprint.parameters.iter().map(|field| field.name.clone()).collect();
    for name in names.iter().filter(|_| choices.percent(60)) {
        blank.insert(name.clone(), Json::Null);
    }
    let found = judge(blank, &unset)?;
    for (key, expected) in &expected {
        let found = found[key];
        for (found, expected) in found.into_iter().zip(*expected) {
            tally.unknown += usize::from(found == Some(Verdict::Unknown) && found != expected);
            let passes = (found, expected) == (Some(Verdict::Pass), Some(Verdict::NotApplicable));
            if found != expected && found != Some(Verdict::Unknown) && !passes {
                let (found, expected) = (verdict_name(found), verdict_name(expected));
                let message = format!("{key:?} is {found} with `null`, and {expected} with the value");
                return Err(failure(message, &account, Some(&key.0)));
            }
        }
    }
    Ok(())
}

fn holds(complete: bool) {
    let tally = tally(200, |recipe, tally: &mut Tally| holds_for(recipe, complete, tally));
    assert!(tally.unknown * 100 > tally.verdicts, "`null` must make verdicts unknown: {tally:?}");
}

#[test]
fn a_value_of_the_account_is_a_setting() {
    holds(true);
}

#[test]
fn a_value_of_the_account_is_a_setting_where_values_are_missing() {
    holds(false);
}
