//! The MoEngage pack: its own cases, whether every check has all it needs, and what becomes of them when the value that
//! decided was lost.

use crate::organisation::Organisation;
use crate::support::{NOW, repository};
use deodar::cases::{Case, CaseFile, Change, Edit, Suite, Target, TestOptions, Variant};
use deodar::diagnostic::Code;
use deodar::engine::Verdict;
use deodar::pack::{Pack, Run as PackRun};
use deodar::policy::{ClauseKind, Policies};
use deodar::project::{EMBEDDED, Loader, Selection};
use deodar::schema::Schema;
use deodar::snapshot::Limits;
use deodar::source::pointer::Step;
use deodar::source::{Source, Span};
use deodar::value::parse_datetime;
use deodar::{Inputs, Options, Session};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The pack, compiled once, and its cases.
struct Bench {
    inputs: Inputs,
    suite: Suite,
    files: Vec<CaseFile>,
    /// By check, whether it can be not applicable.
    checks: BTreeMap<String, bool>,
}

impl Bench {
    /// Returns the pack, which is compiled once for all tests.
    fn shared() -> &'static Self {
        static BENCH: OnceLock<Bench> = OnceLock::new();
        BENCH.get_or_init(Self::new)
    }

    fn new() -> Self {
        let [pack] = EMBEDDED else { panic!("one pack") };
        let source = |(name, text): (&str, &str)| Source::new(name, text).expect("it is small");
        let (schema, policies) = (source(pack.schema), pack.policies.iter().copied().map(source).collect::<Vec<_>>());
        let parsed = Schema::parse(&schema).0.expect("the schema is sound");
        let checks = Policies::parse(&parsed, &policies).0.checks.into_iter().map(|check| {
            let has = |kind| check.statement.clauses.iter().any(|clause| clause.kind == kind);
            (check.statement.id.to_string(), has(ClauseKind::When) && has(ClauseKind::Unless))
        });
        let checks = checks.collect();
        let inputs = Inputs::new(schema, policies, Vec::new());
        let (compiled, diagnostics) = Pack::compile(inputs.sources());
        assert!(diagnostics.is_empty(), "{diagnostics:?}");
        let folder = repository().join("policies").join(pack.name);
        let (found, diagnostics) = Loader::default().cases(&[folder], &Selection::default());
        assert!(diagnostics.is_empty(), "{diagnostics:?}");
        Self { inputs, suite: Suite::new(compiled.expect("it is sound")), files: found.files, checks }
    }
}

#[test]
fn the_cases_of_the_pack_hold() {
    let bench = Bench::shared();
    let choice = TestOptions { strict: true, complete: true, ..TestOptions::default() };
    let outcome = bench.suite.run(&bench.files, &choice);
    let wrong: Vec<&str> = outcome.all_diagnostics().map(|found| found.message.as_str()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(outcome.trials.len() >= 500, "{} cases", outcome.trials.len());
}

#[test]
fn the_cases_of_the_pack_see_every_condition_and_notice_changes() {
    let bench = Bench::shared();
    let list = repository().join("policies/moengage/survivors.toml");
    let (survivors, wrong) = Loader::default().survivors(Some(&list), &Selection::default());
    assert!(wrong.is_empty(), "{wrong:?}");
    let gates = TestOptions { min_coverage: Some(100.0), min_score: Some(95.0), survivors, ..TestOptions::default() };
    let choice = TestOptions { coverage: true, mutate: true, strict: true, complete: true, ..gates };
    let outcome = bench.suite.run(&bench.files, &choice);
    let wrong: Vec<&str> = outcome.all_diagnostics().map(|found| found.message.as_str()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let (coverage, mutation) = (outcome.coverage.expect("asked for"), outcome.mutation.expect("asked for"));
    assert!(coverage.share().all > 1000, "{:?}", coverage.share());
    assert!(mutation.share().all > 1000, "{:?}", mutation.share());
}

/// Derivations test pairs in proportion to the instances, also if one list has hundreds of them, except those that compare
/// ranges of addresses.
#[test]
fn no_derivation_tests_pairs_by_the_square_of_a_list() {
    // Whether a range of addresses is in another one is not a join: each range is compared with each other one.
    let ranges = ["overlaps_allowed of many MoEngage::FirewallRange"];
    let packs = [
        ("schemas/moengage.cedarschema", "policies/moengage", "examples/clean/snapshot.json", &ranges[..]),
        ("examples/own-pack/account.cedarschema", "examples/own-pack/policies", "examples/own-pack/snapshot.json", &[]),
    ];
    for (schema, policies, snapshot, expected) in packs {
        let read = |path: &Path| std::fs::read_to_string(path).expect("it is in the repository");
        let source = |path: &Path| Source::new(path.to_string_lossy(), read(path)).expect("it is small");
        let mut files: Vec<PathBuf> = std::fs::read_dir(repository().join(policies))
            .expect("it is in the repository")
            .map(|entry| entry.expect("it can be read").path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "cedar"))
            .collect();
        files.sort();
        let files: Vec<_> = files.iter().map(|path| source(path)).collect();
        let inputs = Inputs::new(source(&repository().join(schema)), files, Vec::new());
        let (pack, diagnostics) = Pack::compile(inputs.sources());
        assert!(diagnostics.is_empty(), "{diagnostics:?}");
        let pack = pack.expect("it is valid");
        let document: Value = serde_json::from_str(&read(&repository().join(snapshot))).expect("it is JSON");
        let (parameters, _) = pack.parameters(&[]);
        let (mut lists, mut exceeding) = (0, BTreeSet::new());
        for ty in pack.model().types.iter() {
            let Some(text) = ty.path().and_then(|path| repeated(&document, &path.0, ty.keys().next(), 400)) else {
                continue;
            };
            let source = Source::new("long.json", text).expect("it is small");
            let now = 1_788_264_000_000;
            let (snapshot, _) = pack.read(&source, now, &Limits::default());
            let snapshot = snapshot.expect("it is JSON");
            let rows: usize = snapshot.tables.iter().map(|table| table.rows.len()).sum();
            let run = PackRun { now, parameters: &parameters, pairs: 10 * rows };
            let excess = pack.assess(&snapshot, run).diagnostics;
            let derived = excess.iter().filter_map(|found| found.message.split('`').nth(1));
            exceeding.extend(derived.map(|name| format!("{name} of many {}", ty.name)));
            lists += 1;
        }
        assert!(lists > 2, "{lists} lists of {snapshot}");
        let exceeding: Vec<String> = exceeding.into_iter().collect();
        assert_eq!(exceeding, expected, "{snapshot}");
    }
}

/// Returns a document whose first list at a path has more elements, which differ in their keys.
fn repeated(document: &Value, path: &[Step], key: Option<&[String]>, count: usize) -> Option<String> {
    let mut document = document.clone();
    let (last, way) = path.split_last()?;
    let mut list = &mut document;
    for step in way {
        list = match (step, list) {
            (Step::Property(name), Value::Object(members)) => members.get_mut(name)?,
            (Step::Each, Value::Object(members)) => members.values_mut().next()?,
            (Step::Each, Value::Array(elements)) => elements.first_mut()?,
            _ => return None,
        };
    }
    let renamed = |element: &Value, at: usize| {
        let mut element = element.clone();
        let id = key.and_then(|key| key.iter().try_fold(&mut element, |value, step| value.get_mut(step)));
        match id {
            Some(Value::String(id)) => id.insert_str(0, &format!("n{at}")),
            Some(id @ Value::Number(_)) => *id = (1_000_000 + at).into(),
            _ => {}
        }
        element
    };
    match (last, list) {
        (Step::Each, Value::Array(elements)) => {
            let first = elements.first()?.clone();
            elements.extend((0..count).map(|at| renamed(&first, at)));
        }
        (Step::Each, Value::Object(members)) => {
            let first = members.values().next()?.clone();
            members.extend((0..count).map(|at| (format!("n{at}"), first.clone())));
        }
        _ => return None,
    }
    Some(document.to_string())
}

#[test]
fn every_check_has_a_case_for_every_verdict_it_can_give() {
    let bench = Bench::shared();
    let mut expected: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for expectation in bench.files.iter().flat_map(|file| &file.cases).flat_map(|case| &case.expectations) {
        expected.entry(&expectation.check).or_default().extend(expectation.verdict.map(Verdict::name));
    }
    let mut wrong = Vec::new();
    for (check, conditional) in &bench.checks {
        let wanted = [Verdict::Fail, Verdict::Unknown, Verdict::Pass, Verdict::NotApplicable];
        for verdict in wanted.into_iter().filter(|verdict| *conditional || *verdict != Verdict::NotApplicable) {
            if !expected.get(check.as_str()).is_some_and(|expected| expected.contains(verdict.name())) {
                wrong.push(format!("{check} has no case for {}", verdict.name()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A failure for a value does not become a pass if the value is lost: nulled, removed, or under a misspelt name.
#[test]
fn what_fails_does_not_pass_when_the_reason_was_not_captured() {
    let mut bench = Bench::new();
    for case in bench.files.iter_mut().flat_map(|file| &mut file.cases) {
        case.expectations.retain(|expectation| expectation.verdict == Some(Verdict::Fail));
        case.variants = if case.expectations.is_empty() { Vec::new() } else { lost(case) };
    }
    let outcome = bench.suite.run(&bench.files, &TestOptions::default());
    assert!(outcome.diagnostics.is_empty(), "{:?}", outcome.diagnostics);
    let mut wrong = Vec::new();
    for trial in &outcome.trials {
        let case = &bench.files[trial.file].cases[trial.case];
        assert!(
            trial.diagnostics.iter().all(|found| found.code != Code::Edit),
            "{}: {:?}",
            trial.name,
            trial.diagnostics
        );
        for (expectation, actual) in case.expectations.iter().zip(&trial.actual) {
            let counts = trial.counts.iter().find(|(check, _)| *check == expectation.check);
            let is_one = match expectation.target {
                Target::Pointer(_) | Target::Named { .. } => true,
                // The organisation itself.
                _ => counts.is_some_and(|(_, counts)| counts.total() == 1),
            };
            assert!(is_one, "{}: one resource", trial.name);
            // A resource that is no longer there is unknown with its list.
            let unknown = counts.is_some_and(|(_, counts)| counts[Verdict::Unknown] > 0);
            match actual {
                Some(Verdict::Fail | Verdict::Unknown) => {}
                None if unknown => {}
                other => wrong.push(format!("{}: {} is {other:?}", trial.name, expectation.check)),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(outcome.trials.len() > 500, "{} ways to lose a value", outcome.trials.len());
}

/// The ways in which a value that a case puts in can be lost.
fn lost(case: &Case) -> Vec<Variant> {
    let mut variants = Vec::new();
    for variant in &case.variants {
        for edits in (0..variant.edits.len()).flat_map(|at| losses(&variant.edits, at)) {
            let number = Some(variants.len() + 1);
            variants.push(Variant { number, edits, ..variant.clone() });
        }
    }
    variants
}

/// Properties that have a meaning if they are lacking, in addition to the session times: the `@doc` of each states it.
const ANSWERED_BY_ABSENCE: [&str; 3] = ["access", "scopes", "get_user_enabled"];

/// The same edits, but that the value which the one at a place puts in is lost.
fn losses(edits: &[Edit], at: usize) -> Vec<Vec<Edit>> {
    let Edit { at: pointer, change: Change::Set(value), .. } = &edits[at] else { return Vec::new() };
    let name = pointer.rsplit('/').next().unwrap_or_default();
    // A feature that is lacking was not seen by the author, and nothing is lost of what is null.
    let feature = pointer.contains("/features/") || pointer.ends_with("/sdk_authentication");
    if feature || value == "null" {
        return Vec::new();
    }
    let after = |change| {
        let edit = Edit { at: pointer.clone(), change, span: Span::default() };
        // What later edits copy is lost only in its own place.
        [edits, &[edit]].concat()
    };
    let mut ways = vec![after(Change::Set("null".to_owned()))];
    if name.parse::<usize>().is_err() {
        let absence_is_an_answer = pointer.contains("/session/") || ANSWERED_BY_ABSENCE.contains(&name);
        if !absence_is_an_answer {
            ways.push(after(Change::Remove));
        }
        ways.push(after(Change::Rename(slip(name))));
    }
    ways
}

/// A name with a letter missing.
fn slip(name: &str) -> String {
    let middle = name.len() / 2;
    format!("{}{}", &name[..middle], &name[middle + 1..])
}

#[test]
fn the_document_of_the_pack_names_its_checks_and_parameters() {
    let bench = Bench::shared();
    let text = std::fs::read_to_string(repository().join("docs/moengage.md")).expect("it is there");
    let words = |start: &str| -> BTreeSet<String> {
        let inside = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let found =
            text.match_indices(start).map(|(at, _)| text[at..].split(|c| !inside(c)).next().unwrap_or_default());
        found.map(str::to_owned).collect()
    };
    let named: BTreeSet<String> = words("MOE-");
    let known: BTreeSet<String> = bench.checks.keys().cloned().collect();
    assert_eq!(named, known, "docs/moengage.md names every check and no other");
    let schema = Schema::parse(&bench.inputs.schema).0.expect("the schema is sound");
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| `")).collect();
    let listed: Vec<&str> = rows.iter().filter_map(|row| row.split('`').nth(1)).collect();
    let declared: Vec<&str> = schema.model.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
    assert_eq!(BTreeSet::from_iter(&listed), BTreeSet::from_iter(&declared), "every parameter and no other");
    for (row, name) in rows.iter().zip(listed) {
        let written = bench.inputs.schema.text().split_once(&format!("    {name}: ")).expect("it is declared").0;
        let default = written.rsplit_once("@default(\"").expect("it has a default").1;
        let default = default.split_once("\")").expect("it ends").0.replace("\\\"", "\"");
        assert!(row.contains(&format!("| `{default}` |")), "{name} is {default} by default: {row}");
    }
}

#[test]
fn made_up_organisations_stay_clean() {
    let mut inputs = Bench::shared().inputs.clone();
    let (mut session, options) = (Session::default(), Options::at(parse_datetime(NOW).expect("it is a moment")));
    for members in [20, 500, 2_000] {
        let usual = Organisation::of(members);
        for organisation in [Organisation { share_failing: 0.0, ..usual }, usual] {
            inputs.snapshots = vec![Source::new("snapshot.json", organisation.to_json()).expect("it is small")];
            let report = session.run(&inputs, &options);
            let few = (organisation.share_failing * members as f64 * 2.0) as usize;
            assert!(report.count(Verdict::Fail) <= few, "{organisation:?}");
            assert_eq!(report.count(Verdict::Unknown), 0, "{organisation:?}");
            assert!(report.count(Verdict::Pass) > members);
        }
    }
}
