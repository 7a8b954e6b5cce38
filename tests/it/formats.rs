//! The outputs for pipelines, summaries and spreadsheets: their contents, and hostile texts in them.

use crate::output_law::hostile;
use crate::support::{POLICIES, SCHEMA, SOUND, deodar, edited, harbour, harbour_by, replaced};
use deodar::render::FORMATS;
use pulldown_cmark::{Event, Options, Parser, Tag};
use quick_junit::{NonSuccessKind, Report, TestCaseStatus};
use std::collections::{BTreeMap, BTreeSet};

/// Returns the results of a JUnit report: by suite and the id of the check, the kind and the message.
fn results(text: &str) -> BTreeMap<(String, String), (&'static str, String)> {
    let report = Report::deserialize_from_str(text).expect("it is JUnit XML");
    let suites = report.test_suites.iter();
    let cases =
        suites.flat_map(|suite| suite.test_cases.iter().map(move |case| (suite.name.as_str().to_owned(), case)));
    let result = |(suite, case): (String, &quick_junit::TestCase)| {
        let id = case.name.as_str().split(' ').next().unwrap_or_default().to_owned();
        let result = match &case.status {
            TestCaseStatus::Success { .. } => ("pass", String::new()),
            TestCaseStatus::NonSuccess { kind, message, .. } => {
                let kind = if *kind == NonSuccessKind::Failure { "failure" } else { "error" };
                (kind, message.as_ref().map(|message| message.as_str().to_owned()).unwrap_or_default())
            }
            TestCaseStatus::Skipped { message, .. } => {
                ("skipped", message.as_ref().map(|message| message.as_str().to_owned()).unwrap_or_default())
            }
        };
        ((suite, id), result)
    };
    cases.map(result).collect()
}

#[test]
fn junit_has_a_case_for_every_check_and_account() {
    let length = "{ \"name\": \"Tern\", \"owner\": \"ada@anse.example\", \"length\": 41, ";
    let both = edited(
        "{ \"name\": \"Tern\", \"owner\": \"ada@anse.example\", \"length\": 12, ",
        &format!("{{ \"name\": \"Auk\", \"owner\": \"ada@anse.example\", \"light\": \"red\" }}, {length}"),
    );
    let white = replaced(&edited("\"red\"", "\"white\""), "\"green\"", "\"white\"");
    let empty = r#"{ "name": "Void", "captured_at": "2026-08-31T06:00:00Z", "people": [], "piers": [], "buoys": [] }"#;
    let files = [
        ("harbour.cedarschema", SCHEMA.as_bytes()),
        ("policies/harbour.cedar", POLICIES.as_bytes()),
        ("s/a.json", both.as_bytes()),
        ("s/b.json", white.as_bytes()),
        ("s/c.json", empty.as_bytes()),
        ("s/d.json", b"{"),
    ];
    let arguments = ["check", "s", "--schema", "harbour.cedarschema", "--policies", "policies"];
    let more = ["--now", crate::support::NOW, "--skip", "HB-AGE-01", "--format", "junit"];
    let run = deodar(&files, &[&arguments[..], &more[..]].concat());
    let results = results(&run.stdout);
    let of = |file: &str, check: &str| {
        let (kind, message) = &results[&(format!("s/{file}.json"), check.to_owned())];
        (*kind, message.as_str())
    };
    let title = "A lit boat is no longer than its pier";
    assert_eq!(of("a", "HB-LEN-01"), ("failure", format!("{title}: 1 fail, 1 unknown, 1 pass").as_str()));
    assert_eq!(of("a", "HB-PIER-01").0, "failure");
    assert_eq!(of("b", "HB-LEN-01"), ("skipped", "the check does not apply to any resource"));
    assert_eq!(of("b", "HB-OWN-01"), ("pass", ""));
    assert_eq!(of("c", "HB-OWN-01"), ("skipped", "there are no resources for the check"));
    assert_eq!(of("a", "HB-AGE-01"), ("skipped", "the check is not selected"));
    assert_eq!(of("d", "HB-OWN-01"), ("error", "the snapshot was not judged"));
    assert!(results.keys().any(|(suite, _)| suite == "inputs"), "{results:?}");
    assert!(run.stdout.contains("fail: Boat east/Tern") && run.stdout.contains("unknown: Boat east/Auk"));
}

#[test]
fn every_format_states_a_warning() {
    let misspelt = edited("\"active\": true, \"site\"", "\"active\": true, \"actvie\": false, \"site\"");
    for format in FORMATS {
        let run = harbour(misspelt.clone(), &["--format", format.name]);
        let text = if format.name == "csv" { &run.stderr } else { &run.stdout };
        assert!(run.code == 0 && text.contains("actvie"), "{}: {run:?}", format.name);
    }
}

#[test]
fn junit_never_passes_an_unknown_or_invalid_check() {
    let part = edited("\"length\": 12, ", "");
    let unknown = results(&harbour(part, &["--format", "junit"]).stdout);
    assert_eq!(unknown[&("snapshot.json".to_owned(), "HB-LEN-01".to_owned())].0, "error");
    let policies = replaced(POLICIES, "@severity(\"medium\")", "@severity(\"middling\")");
    let invalid = results(&harbour_by(SCHEMA, &policies, SOUND, &["--format", "junit"]).stdout);
    let expected = ("error", "the check is invalid".to_owned());
    assert_eq!(invalid[&("snapshot.json".to_owned(), "HB-PIER-01".to_owned())], expected);
}

#[test]
fn hostile_texts_are_text_in_markdown() {
    let run = harbour(hostile(), &["--format", "markdown"]);
    let mut options = Options::empty();
    options.insert(Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_GFM);
    let (mut tags, mut texts) = (BTreeSet::new(), String::new());
    for event in Parser::new_ext(&run.stdout, options) {
        match event {
            Event::Html(html) | Event::InlineHtml(html) => {
                tags.extend(html.split('<').skip(1).map(|tag| tag.split('>').next().unwrap_or_default().to_owned()));
                texts.push_str(&html);
            }
            Event::Text(text) => texts.push_str(&text),
            Event::Start(Tag::Link { .. } | Tag::Image { .. } | Tag::Emphasis | Tag::Strikethrough)
            | Event::Code(_) => {
                panic!("{event:?} in {}", run.stdout)
            }
            _ => {}
        }
    }
    let written = ["/code", "/details", "/summary", "br", "code", "details", "summary"];
    assert!(tags.iter().all(|tag| written.contains(&tag.as_str())), "{tags:?}");
    for text in
        ["<script>alert(1)</script>", "| a | b |", "`x` **b** _i_ [l](https://evil.example) ![p](x)", "@team #1"]
    {
        assert!(texts.contains(text), "{text} in {texts}");
    }
}

#[test]
fn markdown_has_limited_length_and_lists_missing_data_once() {
    let boats: String = (0..900)
        .map(|at| format!("{{ \"name\": \"n{at}\", \"owner\": \"ada@anse.example\", \"light\": \"red\" }}, "))
        .collect();
    let run =
        harbour(edited("{ \"name\": \"Tern\"", &format!("{boats}{{ \"name\": \"Tern\"")), &["--format", "markdown"]);
    let characters = run.stdout.chars().count();
    assert!((50_000..=60_000).contains(&characters), "{characters}");
    assert!(run.stdout.contains("more values are not shown") && run.stdout.contains("findings are not shown**"));
    let part = replaced(&edited("\"length\": 40,", ""), "\"length\": 12, ", "");
    let run = harbour(part, &["--format", "markdown"]);
    assert_eq!(run.stdout.matches("- <code>/piers/0/length</code>").count(), 1, "{}", run.stdout);
    assert!(run.stdout.contains("Missing data: 2 values block 2 verdicts of 1 check"), "{}", run.stdout);
}

#[test]
fn rows_are_read_back_and_no_cell_is_a_formula() {
    let run = harbour(hostile(), &["--format", "csv"]);
    let mut reader = csv::Reader::from_reader(run.stdout.as_bytes());
    let columns = reader.headers().expect("there are names").len();
    let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("it is a row")).collect();
    assert!(rows.len() > 10, "{}", run.stdout);
    for row in &rows {
        assert_eq!(row.len(), columns);
        assert!(row.iter().all(|cell| !cell.starts_with(['=', '+', '-', '@', '\t', '\r'])), "{row:?}");
        assert!(!row[11].is_empty() && !row[14].is_empty(), "{row:?}");
    }
    assert!(rows.iter().all(|row| &row[1] == "'=Anse <b>|`"), "{}", run.stdout);
    let broken = harbour("{", &["--format", "csv"]);
    assert_eq!((broken.stdout.lines().count(), broken.code), (1, 5));
    assert!(broken.stderr.contains("exit 5") && broken.stderr.contains("snapshot-syntax"), "{}", broken.stderr);
}
