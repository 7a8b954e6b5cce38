//! Reports that were saved: read back, they are equal; cut or damaged, they are errors.

use crate::support::{POLICIES, SCHEMA, edited};
use deodar::compare::baseline;
use deodar::render::document::{Document, Explained, Saved, merged};
use deodar::report::{Baseline, Change, Needs, Status};
use deodar::source::Source;
use deodar::{Format, Inputs, Options, Presentation, Report, Session};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::sync::Arc;

/// The time of every run.
const NOW: i64 = 1_788_220_800_000;

/// Everything that a document may contain.
const EVERYTHING: Needs = Needs { not_applicable: false, all_verdicts: true, ..Needs::ALL };

fn source(name: &str, text: &str) -> Arc<Source> {
    Source::new(name, text).expect("it is small")
}

/// Judges harbours whose boats are given.
fn report(boats: &[String]) -> Report {
    judged(boats, None)
}

fn judged(boats: &[String], baseline: Option<Baseline>) -> Report {
    let snapshots = boats.iter().enumerate().map(|(at, boats)| {
        let text = edited("{ \"name\": \"Tern\"", &format!("{boats}{{ \"name\": \"Tern\""));
        source(&format!("{at}.json"), &text.replacen("Anse", &format!("H{at}"), 1))
    });
    let pack = vec![source("harbour.cedar", POLICIES)];
    let inputs = Inputs::new(source("harbour.cedarschema", SCHEMA), pack, snapshots.collect());
    Session::default()
        .run(&inputs, &Options { needs: EVERYTHING, baseline: baseline.map(Arc::new), ..Options::at(NOW) })
}

/// Boats with random properties: some are missing, some are of a wrong type.
fn boats() -> impl Strategy<Value = String> {
    let length = prop_oneof![
        Just(String::new()),
        any::<i32>().prop_map(|length| format!("\"length\": {length}, ")),
        Just("\"length\": \"x\", ".to_owned()),
    ];
    let owner = prop_oneof![Just("ada@anse.example"), Just("bo@anse.example"), Just("zoe@anse.example")];
    let light = prop_oneof![Just("red"), Just("white"), Just("blue")];
    let boat = (any::<String>(), length, owner, light).prop_map(|(name, length, owner, light)| {
        let name = serde_json::to_string(&name).unwrap_or_default();
        format!(r#"{{ "name": {name}, {length}"owner": "{owner}", "light": "{light}", "pin": "8812" }}, "#)
    });
    prop::collection::vec(boat, 0..6).prop_map(|boats| boats.concat())
}

fn saved(text: &str) -> Result<Document<'static>, String> {
    let read = Saved::read(&source("saved.json", text)).map_err(|error| error.message)?;
    merged(read.into_iter().map(|saved| ("saved.json".to_owned(), saved)).collect()).map_err(|error| error.message)
}

/// Returns the presentation of every verdict.
fn presentation() -> Presentation {
    Presentation { all_verdicts: true, ..Presentation::default() }
}

/// Returns the output of a run in a format.
fn of_run(format: &str, report: &Report) -> String {
    let mut text = Vec::new();
    let format = Format::of_name(format).expect("it is a format");
    format.open(&presentation()).finish(report, &mut text).expect("memory takes everything");
    String::from_utf8(text).expect("it is UTF-8")
}

/// Returns a saved document in a format.
fn rendered(format: &str, document: &Document<'_>) -> String {
    let mut text = Vec::new();
    let write = Format::of_name(format).and_then(|format| format.saved).expect("it renders documents");
    write(document, &presentation(), &mut text).expect("memory takes everything");
    String::from_utf8(text).expect("it is UTF-8")
}

#[test]
fn findings_that_are_explained_in_chunks_are_those_of_the_saved_report() {
    let boat = |at: usize| {
        let light = if at.is_multiple_of(3) { "\"red\"" } else { "7" };
        format!(r#"{{ "name": "B{at}", "owner": "zoe@anse.example", "length": 41, "light": {light} }}, "#)
    };
    // More verdicts of one snapshot than those that are explained at once, and a snapshot with few.
    let report = report(&[(0..500).map(boat).collect(), boat(1)]);
    let json = of_run("json", &report);
    let document = saved(&json).expect("it is complete");
    assert!(document.findings.len() > 500, "{}", document.findings.len());
    for format in ["json", "csv", "ocsf", "sarif", "html", "junit"] {
        let expected = rendered(format, &document);
        for threads in [1, 2, 8] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            assert_eq!(pool.install(|| of_run(format, &report)), expected, "{format}, {threads} threads");
        }
    }
}

#[test]
fn a_document_that_is_written_and_read_back_is_equal() {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let config = Config { cases: 96, failure_persistence: None, ..Config::default() };
    let law = TestRunner::new_with_rng(config, rng).run(&prop::collection::vec(boats(), 1..4), |boats| {
        let report = report(&boats);
        let explained = Explained::of(&report, &EVERYTHING);
        let document = Document::of(&report, &explained, &EVERYTHING);
        let text = serde_json::to_string(&document).expect("it is JSON");
        let read = saved(&text).expect("it is complete");
        prop_assert_eq!(&read, &document);
        prop_assert_eq!(serde_json::to_string(&read).expect("it is JSON"), text);
        let of_run = of_run("json", &report);
        prop_assert_eq!(&rendered("json", &read), &of_run);
        prop_assert_eq!(&saved(&of_run).expect("it is complete"), &document);
        Ok(())
    });
    law.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn a_run_against_its_own_baseline_is_empty() {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[11; 32]);
    let config = Config { cases: 48, failure_persistence: None, ..Config::default() };
    let strategy = (prop::collection::vec(boats(), 1..4), any::<bool>());
    let law = TestRunner::new_with_rng(config, rng).run(&strategy, |(boats, all_verdicts)| {
        let needs = Needs { all_verdicts, not_applicable: false, ..Needs::ALL };
        let first = report(&boats);
        let explained = Explained::of(&first, &needs);
        let document = Document::of(&first, &explained, &needs);
        let baseline =
            baseline(&document, "saved.json", String::new()).map_err(|error| TestCaseError::fail(error.message))?;
        let again = judged(&boats, Some(baseline));
        let statuses = again.statuses();
        prop_assert!(
            statuses.iter().all(|it| matches!(it, Status::Clean | Status::Invalid | Status::Nothing)),
            "{:?}",
            statuses
        );
        prop_assert!(again.findings().iter().all(|it| it.change.is_none_or(|change| change == Change::Unchanged)));
        let explained = Explained::of(&again, &EVERYTHING);
        let compared = Document::of(&again, &explained, &EVERYTHING);
        prop_assert!(compared.checks.iter().all(|check| check.baseline.as_ref().is_some_and(|it| it.fixed == 0)));
        let text = serde_json::to_string(&compared).expect("it is JSON");
        prop_assert_eq!(&saved(&text).expect("it is complete"), &compared);
        Ok(())
    });
    law.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn a_report_that_is_cut_anywhere_is_an_error() {
    let boats = r#"{ "name": "Älk", "owner": "zoe@anse.example", "length": 41, "light": "red" }, "#.to_owned();
    let report = report(&[boats]);
    let text = serde_json::to_string(&Document::of(&report, &Explained::of(&report, &EVERYTHING), &EVERYTHING))
        .expect("it is JSON");
    assert!(saved(&text).is_ok());
    for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
        assert!(saved(&text[..end]).is_err(), "cut at {end}");
    }
}
