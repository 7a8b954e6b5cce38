//! The law of division: an account that is divided between files, and joined, has the verdicts of the whole.

use super::case::{Case, Form, Recipe};
use super::choices::Choices;
use super::compiled::Compiled;
use super::damage::key_of;
use super::judged::JudgedCase;
use super::runner::{LawResult, NOW, failure, source, tally, verdict_name};
use super::world::Json;
use deodar::engine::Verdict;
use deodar::snapshot::join;
use std::collections::BTreeMap;

/// The most files of an account.
const FILES: usize = 3;

/// The parts of a value, by the numbers of their files.
type Parts = BTreeMap<usize, Json>;

/// Divides a value between files. A file without a part lacks the value.
fn divide(choices: &mut Choices<'_>, json: &Json) -> Parts {
    let whole = |choices: &mut Choices<'_>| Parts::from([(choices.below(FILES), json.clone())]);
    let is_list = |items: &[Json]| items.iter().all(|item| key_of(item).is_some());
    match json {
        _ if choices.one_in(4) => whole(choices),
        Json::Array(items) if !items.is_empty() && is_list(items) => {
            let mut parts: BTreeMap<usize, Vec<Json>> = BTreeMap::new();
            for item in items {
                for (file, part) in instance(choices, item) {
                    parts.entry(file).or_default().push(part);
                }
            }
            parts.into_iter().map(|(file, items)| (file, Json::Array(items))).collect()
        }
        Json::Object(members) if !members.is_empty() => object(choices, members, Json::Object),
        Json::Map(members) if !members.is_empty() => object(choices, members, Json::Map),
        Json::Tags(members) if !members.is_empty() => object(choices, members, Json::Tags),
        _ => whole(choices),
    }
}

fn object(choices: &mut Choices<'_>, members: &[(String, Json)], made: fn(Vec<(String, Json)>) -> Json) -> Parts {
    let mut parts: BTreeMap<usize, Vec<(String, Json)>> = BTreeMap::new();
    for (name, json) in members {
        for (file, part) in divide(choices, json) {
            parts.entry(file).or_default().push((name.clone(), part));
        }
    }
    parts.into_iter().map(|(file, members)| (file, made(members))).collect()
}

/// Divides an instance of a list. Each part has the id, and the word that decides the type.
fn instance(choices: &mut Choices<'_>, json: &Json) -> Parts {
    let Json::Object(members) = json else { return divide(choices, json) };
    let (common, rest): (Vec<_>, Vec<_>) =
        members.iter().cloned().partition(|(name, _)| ["id", "meta", "kind"].contains(&name.as_str()));
    if rest.is_empty() {
        return Parts::from([(choices.below(FILES), json.clone())]);
    }
    let mut parts = object(choices, &rest, Json::Object);
    for part in parts.values_mut() {
        if let Json::Object(members) = part {
            members.splice(0..0, common.iter().cloned());
        }
    }
    parts
}

#[derive(Default, Debug)]
struct Tally {
    verdicts: usize,
    files: usize,
    accounts: usize,
    unknown: usize,
}

fn holds_for(recipe: &Recipe, complete: bool, tally: &mut Tally) -> LawResult {
    let case = Case::new(recipe, Form { derived: true, complete });
    let compiled = Compiled::new(&case)?;
    let choices = &mut Choices::seeded(recipe.seed);
    let tree = case.world.tree(&mut Choices::given(&recipe.style), &case.blueprint, &case.blanks);
    let text = |json: &Json| {
        let mut text = String::new();
        json.write(&mut text, 0);
        text
    };
    let parts = divide(choices, &tree);
    let file = |(number, part): (usize, &Json)| source(&format!("{number}.json"), &text(part));
    let files: Vec<_> = parts.values().enumerate().map(file).collect();
    let whole = compiled.snapshot_of(&case, &text(&tree))?;
    let joined = join("account", &files, &compiled.schema.model, (100, NOW)).expect("small files");
    let texts = || files.iter().map(|file| file.text()).collect::<String>();
    let divided =
        compiled.snapshot_in(&case, &joined).map_err(|error| failure(format!("{error}\n{}", texts()), &case, None))?;
    let (one, other) = (compiled.evaluator(&whole), compiled.evaluator(&divided));
    let (one, other) = (JudgedCase::new(&case, &compiled, &one)?, JudgedCase::new(&case, &compiled, &other)?);
    tally.accounts += 1;
    tally.files += files.len();
    for (pair, joined) in one.pairs.iter().zip(&other.pairs) {
        tally.verdicts += 1;
        tally.unknown += usize::from(pair.verdict == Some(Verdict::Unknown));
        if (pair.instance, pair.verdict) != (joined.instance, joined.verdict) {
            let (whole, divided) = (verdict_name(pair.verdict), verdict_name(joined.verdict));
            return Err(one.failure(pair, format!("{divided} in the files, {whole} in one\n{}", texts())));
        }
    }
    Ok(())
}

fn holds(complete: bool) {
    let tally = tally(200, |recipe, tally: &mut Tally| holds_for(recipe, complete, tally));
    assert!(tally.files > tally.accounts * 3 / 2, "accounts must be divided: {tally:?}");
    assert!(complete || tally.unknown > 0, "some verdicts must be unknown: {tally:?}");
}

#[test]
fn a_divided_account_has_the_verdicts_of_the_whole() {
    holds(true);
}

#[test]
fn a_divided_account_has_the_verdicts_of_the_whole_where_values_are_missing() {
    holds(false);
}
