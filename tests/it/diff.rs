//! `deodar diff`: kinds and causes of changes, in snapshots and in saved reports, and its laws.

use crate::support::{NOW, POLICIES, Run, SCHEMA, SOUND, command, edited, folder, replaced, repository};
use deodar::compare::{Difference, Kind};
use deodar::engine::Verdict;
use deodar::render::document::{Document, Explained};
use deodar::report::Needs;
use deodar::source::Source;
use deodar::{Inputs, Options, Report, Session};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use tempfile::TempDir;

fn run(folder: &Path, arguments: &[&str]) -> Run {
    command(folder).args(arguments).output().expect("the binary is built").into()
}

/// Holds a document to a schema.
pub fn holds(schema: &str, document: &Value) {
    let text = std::fs::read_to_string(repository().join("schemas").join(schema)).expect("it is there");
    let schema = serde_json::from_str(&text).expect("it is JSON");
    let validator = jsonschema::draft202012::new(&schema).expect("it is a schema");
    let errors: Vec<String> = validator.iter_errors(document).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
}

const PACK: [&str; 4] = ["--schema", "harbour.cedarschema", "--policies", "policies"];

/// Returns a folder with the harbour pack and some snapshots.
fn harbours(snapshots: &[(&str, &str)]) -> TempDir {
    let mut files = vec![
        ("harbour.cedarschema", SCHEMA.as_bytes()),
        ("policies/harbour.cedar", POLICIES.as_bytes()),
        ("sound.json", SOUND.as_bytes()),
    ];
    files.extend(snapshots.iter().map(|(name, text)| (*name, text.as_bytes())));
    folder(&files)
}

/// Compares two files of a folder.
fn diff(folder: &TempDir, old: &str, new: &str, more: &[&str]) -> Run {
    run(folder.path(), &[&["diff", old, new][..], &PACK, &["--now", NOW], more].concat())
}

/// Holds a difference to its schema, and returns the kind, the resource and the verdicts of every change.
fn changes(difference: &Value) -> Vec<String> {
    holds("diff.schema.json", difference);
    let changes = difference["changes"].as_array().expect("changes");
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let line = |it: &Value| {
        let verdicts = format!("{} {}", text(&it["old"]), text(&it["new"]));
        format!("{} {} {}: {verdicts}", text(&it["kind"]), text(&it["check"]), text(&it["resource_id"]))
    };
    changes.iter().map(line).collect()
}

#[test]
fn a_changed_value_is_the_cause_with_both_places() {
    let long = edited("\"length\": 12", "\"length\": 41");
    let folder = harbours(&[("long.json", &long)]);
    let new = diff(&folder, "sound.json", "long.json", &["--format", "json"]);
    assert_eq!(new.code, 1, "{new:?}");
    let difference = new.json();
    assert_eq!(changes(&difference), ["new HB-LEN-01 east/Tern: pass fail"]);
    let cause = json!({
        "cause": "value_changed",
        "name": "length",
        "entity": "Boat::\"east/Tern\"",
        "old": { "state": "known", "value": "12", "place": { "file": "sound.json", "line": 14, "column": 66 } },
        "new": { "state": "known", "value": "41", "place": { "file": "long.json", "line": 14, "column": 66 } },
    });
    assert_eq!(difference["changes"][0]["causes"], json!([cause]));
    let text = diff(&folder, "sound.json", "long.json", &[]);
    let shown = "value changed: length of Boat::\"east/Tern\" 12 (sound.json:14:66) -> 41 (long.json:14:66)";
    assert!(text.stdout.contains(shown), "{}", text.stdout);
    assert!(text.stdout.contains("exit 1: the verdicts differ"), "{}", text.stdout);
    let fixed = diff(&folder, "long.json", "sound.json", &["--format", "json"]).json();
    assert_eq!(changes(&fixed), ["fixed HB-LEN-01 east/Tern: fail pass"]);
    let markdown = diff(&folder, "sound.json", "long.json", &["--format", "markdown"]);
    assert!(markdown.stdout.contains("### new failures (1)"), "{}", markdown.stdout);
    let same = diff(&folder, "long.json", "long.json", &[]);
    assert_eq!(same.code, 0, "{same:?}");
    assert!(same.stdout.contains("exit 0: the verdicts are the same"), "{}", same.stdout);
}

#[test]
fn every_kind_of_change_has_its_name() {
    let long = edited("\"length\": 12", "\"length\": 41");
    let without = replaced(
        &long,
        "{ \"name\": \"Tern\", \"owner\": \"ada@anse.example\", \"length\": 41, \"light\": \"red\", \"pin\": \"7091\" },\n",
        "",
    );
    let unknown = edited("\"length\": 12, ", "");
    let white = edited("\"light\": \"red\"", "\"light\": \"white\"");
    let start = long.find(",\n      \"boats\"").expect("the list is there");
    let end = start + long[start..].find("]\n").expect("it ends") + 1;
    let no_list = format!("{}{}", &long[..start], &long[end..]);
    let folder = harbours(&[
        ("long.json", &long),
        ("without.json", &without),
        ("unknown.json", &unknown),
        ("white.json", &white),
        ("no-list.json", &no_list),
    ]);
    let of = |old: &str, new: &str| changes(&diff(&folder, old, new, &["--format", "json"]).json());
    let is_in = |changes: &[String], expected: &str| {
        assert!(changes.iter().any(|it| it == expected), "{expected}: {changes:#?}");
    };
    is_in(&of("long.json", "without.json"), "removed HB-LEN-01 east/Tern: fail -");
    is_in(&of("without.json", "long.json"), "new HB-LEN-01 east/Tern: - fail");
    is_in(&of("sound.json", "unknown.json"), "became_unknown HB-LEN-01 east/Tern: pass unknown");
    is_in(&of("long.json", "unknown.json"), "became_unknown HB-LEN-01 east/Tern: fail unknown");
    is_in(&of("unknown.json", "sound.json"), "fixed HB-LEN-01 east/Tern: unknown pass");
    is_in(&of("sound.json", "white.json"), "other HB-LEN-01 east/Tern: pass not_applicable");
    is_in(&of("without.json", "sound.json"), "added HB-LEN-01 east/Tern: - pass");
    // A resource whose list was not captured is not removed.
    let no_list = of("long.json", "no-list.json");
    is_in(&no_list, "became_unknown HB-LEN-01 east/*: - unknown");
    is_in(&no_list, "not_judged HB-LEN-01 east/Tern: fail -");
    // Text counts changes between verdicts without a finding.
    let text = diff(&folder, "sound.json", "white.json", &[]).stdout;
    assert!(text.contains("other changes (1)\n  … and 1 more; --all lists them"), "{text}");
}

#[test]
fn reports_carry_their_own_policies_parameters_and_times() {
    let long = edited("\"length\": 12", "\"length\": 41");
    let folder = harbours(&[("long.json", &long)]);
    let report = |name: &str, snapshot: &str, more: &[&str]| {
        let output = format!("json={name}.json");
        let all = ["--verdicts", "all", "--output", &output];
        run(folder.path(), &[&["check", snapshot][..], &PACK, &all, more].concat());
        format!("{name}.json")
    };
    let cause = |old: &str, new: &str| {
        let run = run(folder.path(), &["diff", old, new, "--format", "json"]);
        assert_eq!(run.code, 1, "{run:?}");
        let causes = run.json()["changes"][0]["causes"].clone();
        assert_eq!(causes.as_array().expect("causes").len(), 1, "{causes}");
        causes[0].clone()
    };
    let first = report("first", "sound.json", &["--now", NOW]);
    let later = report("later", "sound.json", &["--now", "2026-11-01T12:00:00Z"]);
    let time = json!({ "cause": "time_passed", "old": "2026-09-01T12:00:00Z", "new": "2026-11-01T12:00:00Z" });
    assert_eq!(cause(&first, &later), time);
    let lower = report("lower", "sound.json", &["--now", NOW, "--param", "max_boats=1"]);
    let parameter = json!({ "cause": "parameter_changed", "name": "max_boats", "old": "2", "new": "1" });
    assert_eq!(cause(&first, &lower), parameter);
    let policies =
        replaced(POLICIES, "resource.length <= resource.pier.length", "resource.pier.length < resource.length");
    std::fs::write(folder.path().join("policies/harbour.cedar"), policies).expect("files can be written");
    let edited = report("edited", "sound.json", &["--now", NOW]);
    let policy = cause(&first, &edited);
    assert_eq!(policy["cause"], "policy_changed");
    assert_eq!(policy["old"][0]["clause"], "resource.length <= resource.pier.length");
    let clauses = policy["new"].as_array().expect("clauses");
    assert!(clauses.iter().any(|it| it["clause"] == "resource.pier.length < resource.length"), "{policy}");
}

/// A parameter for an instance that was added, or removed, between two snapshots is not a mistake.
#[test]
fn a_parameter_may_be_for_an_instance_of_either_snapshot() {
    let schema = replaced(SCHEMA, "entity Pier", "@parameter_scope entity Pier");
    let other = replaced(SOUND, "\"id\": \"east\"", "\"id\": \"west\"");
    let folder = harbours(&[("other.json", &other)]);
    std::fs::write(folder.path().join("harbour.cedarschema"), schema).expect("files can be written");
    for (id, is_found) in [("east", true), ("west", true), ("north", false)] {
        for (old, new) in [("sound.json", "other.json"), ("other.json", "sound.json")] {
            let parameter = format!("{id}:max_boats=3");
            let run = diff(&folder, old, new, &["--param", &parameter]);
            assert_eq!(run.code, if is_found { 1 } else { 5 }, "{id}: {run:?}");
            assert_eq!(run.stderr.contains("no judged snapshot has it"), !is_found, "{id}: {run:?}");
        }
        let run = diff(&folder, "sound.json", "sound.json", &["--param", &format!("{id}:max_boats=3")]);
        assert_eq!(run.code == 5, id != "east", "{id}: {run:?}");
    }
}

#[test]
fn a_report_without_all_verdicts_says_less() {
    let long = edited("\"length\": 12", "\"length\": 41");
    let folder = harbours(&[("long.json", &long)]);
    for (name, snapshot) in [("old", "long.json"), ("new", "sound.json")] {
        let output = format!("json={name}-report.json");
        run(folder.path(), &[&["check", snapshot, "--now", NOW, "--output", &output][..], &PACK].concat());
    }
    let fixed = run(folder.path(), &["diff", "old-report.json", "new-report.json", "--format", "json"]);
    assert_eq!(
        (fixed.code, changes(&fixed.json())),
        (1, vec!["fixed_or_removed HB-LEN-01 east/Tern: fail -".to_owned()])
    );
    let text = run(folder.path(), &["diff", "old-report.json", "new-report.json"]).stdout;
    assert!(text.contains("fixed or removed (1)") && text.contains("--verdicts all"), "{text}");
    let back = run(folder.path(), &["diff", "new-report.json", "old-report.json", "--format", "json"]).json();
    assert_eq!(changes(&back), ["new HB-LEN-01 east/Tern: - fail"]);
}

/// Passes that are lost are not "the same", even if a report does not list them.
#[test]
fn a_report_without_all_verdicts_states_other_numbers_of_passes() {
    let wren = ",\n        { \"name\": \"Wren\", \"owner\": \"bo@anse.example\", \"length\": 9, \"light\": \"green\" }";
    let folder = harbours(&[("less.json", &edited(wren, ""))]);
    for (name, snapshot) in [("old", "sound.json"), ("same", "sound.json"), ("new", "less.json")] {
        let output = format!("json={name}-report.json");
        run(folder.path(), &[&["check", snapshot, "--now", NOW, "--output", &output][..], &PACK].concat());
    }
    let diff = |new: &str, more: &[&str]| run(folder.path(), &[&["diff", "old-report.json", new][..], more].concat());
    let less = diff("new-report.json", &["--format", "json"]);
    assert_eq!((less.code, changes(&less.json())), (1, Vec::new()), "{less:?}");
    let recounted = |check: &str, old: usize, new: usize| {
        let numbers = |pass: usize| json!({ "pass": pass, "not_applicable": 0 });
        json!({ "check": check, "account": "Anse", "old": numbers(old), "new": numbers(new) })
    };
    assert_eq!(less.json()["recounted"], json!([recounted("HB-LEN-01", 2, 1), recounted("HB-OWN-01", 2, 1)]));
    let text = diff("new-report.json", &[]).stdout;
    assert!(text.contains("HB-LEN-01 on Anse: 2 pass, 0 not applicable -> 1 pass, 0 not applicable"), "{text}");
    assert!(text.contains("exit 1: the verdicts differ"), "{text}");
    let markdown = diff("new-report.json", &["--format", "markdown"]).stdout;
    assert!(markdown.contains("### other numbers of verdicts that are not listed (2)"), "{markdown}");
    let same = diff("same-report.json", &[]);
    assert!(same.code == 0 && same.stdout.contains("the verdicts that both reports list are the same"), "{same:?}");
}

#[test]
fn an_input_that_is_invalid_is_exit_5() {
    let folder = harbours(&[("broken.json", "{"), ("cut.json", "{\"format\":\"deodar-report\",\"version\":\"2.1\"")]);
    for (old, new) in [("sound.json", "missing.json"), ("broken.json", "sound.json"), ("sound.json", "cut.json")] {
        let run = diff(&folder, old, new, &[]);
        assert_eq!(run.code, 5, "{old} {new}: {run:?}");
    }
    assert_eq!(diff(&folder, "-", "sound.json", &[]).code, 2);
}

fn source(name: &str, text: &str) -> std::sync::Arc<Source> {
    Source::new(name, text).expect("it is small")
}

/// Judges a harbour with these boats.
fn judged(boats: &str, needs: Needs) -> Report {
    let text = edited("{ \"name\": \"Tern\"", &format!("{boats}{{ \"name\": \"Tern\""));
    let pack = vec![source("harbour.cedar", POLICIES)];
    let inputs = Inputs::new(source("harbour.cedarschema", SCHEMA), pack, vec![source("a.json", &text)]);
    Session::default().run(&inputs, &Options { needs, ..Options::at(1_788_220_800_000) })
}

/// Boats with few names, so that two harbours have some in common.
fn boats() -> impl Strategy<Value = String> {
    let length = prop_oneof![Just(""), Just("\"length\": 9, "), Just("\"length\": 41, "), Just("\"length\": \"x\", ")];
    let owner = prop_oneof![Just("ada@anse.example"), Just("bo@anse.example"), Just("zoe@anse.example")];
    let light = prop_oneof![Just("red"), Just("white")];
    let boat = (0..5u8, length, owner, light).prop_map(|(name, length, owner, light)| {
        (name, format!(r#"{{ "name": "B{name}", {length}"owner": "{owner}", "light": "{light}" }}, "#))
    });
    prop::collection::btree_map(0..4u8, boat, 0..4).prop_map(|boats| {
        let boats: std::collections::BTreeMap<u8, String> = boats.into_values().collect();
        boats.into_values().collect()
    })
}

/// The fingerprint of a change, and its verdicts.
type Swap = (String, Option<Verdict>, Option<Verdict>);

#[test]
fn a_difference_is_antisymmetric() {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[5; 32]);
    let config = Config { cases: 64, failure_persistence: None, ..Config::default() };
    let strategy = (boats(), boats(), any::<bool>());
    let law = TestRunner::new_with_rng(config, rng).run(&strategy, |(old, new, all_verdicts)| {
        let needs = Needs { all_verdicts, not_applicable: false, ..Needs::ALL };
        let (old, new) = (judged(&old, needs), judged(&new, needs));
        let explained = [&old, &new].map(|report| Explained::of(report, &needs));
        let (old, new) = (Document::of(&old, &explained[0], &needs), Document::of(&new, &explained[1], &needs));
        let there = Difference::of(("old", &old), ("new", &new)).map_err(|error| TestCaseError::fail(error.message))?;
        let back = Difference::of(("new", &new), ("old", &old)).map_err(|error| TestCaseError::fail(error.message))?;
        let changes: BTreeSet<Swap> =
            there.changes.iter().map(|it| (it.fingerprint.to_string(), it.old, it.new)).collect();
        let swapped: BTreeSet<Swap> =
            back.changes.iter().map(|it| (it.fingerprint.to_string(), it.new, it.old)).collect();
        prop_assert_eq!(changes, swapped);
        prop_assert_eq!(&there.unchanged, &back.unchanged);
        for change in &there.changes {
            let reverse = back.changes.iter().find(|it| it.fingerprint == change.fingerprint).expect("it is in both");
            prop_assert_eq!(change.causes.len(), reverse.causes.len());
            // A failure is either new or gone in one of the directions.
            let is_worse = |kind| matches!(kind, Kind::New | Kind::BecameUnknown);
            let has_bad = [change.old, change.new].iter().flatten().any(|it| *it <= Verdict::Unknown);
            prop_assert!(!has_bad || is_worse(change.kind) || is_worse(reverse.kind), "{:?}", change);
            if let (Some(_), Some(_)) = (change.old, change.new) {
                prop_assert!(!change.causes.is_empty(), "{:?}", change);
            }
        }
        let itself =
            Difference::of(("old", &old), ("old", &old)).map_err(|error| TestCaseError::fail(error.message))?;
        prop_assert!(itself.changes.is_empty());
        Ok(())
    });
    law.unwrap_or_else(|error| panic!("{error}"));
}
