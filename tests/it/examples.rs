//! The example accounts: what a run says of each, that every place it names is true, and that nothing but the input
//! decides what is written.

use crate::support::{NOW, Run, command, deodar, replaced, repository};
use expect_test::expect_file;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::OnceLock;

fn check(example: &str, arguments: &[&str]) -> Run {
    let snapshot = format!("examples/{example}/snapshot.json");
    let run = command(repository()).args(["check", &snapshot, "--now", NOW]).args(arguments).output();
    run.expect("the binary is built").into()
}

fn report(example: &str, arguments: &[&str]) -> Value {
    check(example, &[&["--format", "json"], arguments].concat()).json()
}

/// The examples and the engines, and the verbose reports of each pair in JSON. Runs of the reference engine are slow, so
/// that tests share them.
pub fn verbose_reports() -> &'static [(&'static str, &'static str, Run)] {
    static REPORTS: OnceLock<Vec<(&str, &str, Run)>> = OnceLock::new();
    REPORTS.get_or_init(|| {
        let pairs = EXAMPLES.into_iter().flat_map(|example| ENGINES.map(|engine| (example, engine)));
        let run = |(example, engine)| {
            let arguments = ["--format", "json", "--verbose", "--engine", engine];
            (example, engine, check(example, &arguments))
        };
        pairs.map(run).collect()
    })
}

const EXAMPLES: [&str; 4] = ["acme", "clean", "half-captured", "small"];

const ENGINES: [&str; 2] = ["compiled", "reference"];

#[test]
fn acme_is_judged_as_its_readme_tells() {
    let run = check("acme", &[]);
    expect_file!["../../examples/acme/expected.txt"].assert_eq(&run.stdout);
    expect_file!["../../examples/acme/expected.json"].assert_eq(&check("acme", &["--format", "json"]).stdout);
    assert_eq!(run.code, 1);
}

#[test]
fn acme_with_waivers_is_judged_as_its_readme_tells() {
    let waivers = ["--waivers", "examples/acme/waivers.cedar"];
    let run = check("acme", &[&waivers[..], &["--style", "concise"]].concat());
    expect_file!["../../examples/acme/waived.txt"].assert_eq(&run.stdout);
    let report = report("acme", &waivers);
    assert_eq!(report["summary"]["verdicts"]["waived"], 6);
    let ignored = self::report("acme", &[&waivers[..], &["--no-waivers"]].concat());
    assert_eq!(ignored["findings"], self::report("acme", &[])["findings"]);
}

#[test]
fn clean_passes() {
    let run = check("clean", &[]);
    expect_file!["../../examples/clean/expected.txt"].assert_eq(&run.stdout);
    expect_file!["../../examples/clean/expected.json"].assert_eq(&check("clean", &["--format", "json"]).stdout);
    assert_eq!(run.code, 0);
}

#[test]
fn half_captured_is_not_read_as_fine() {
    let run = check("half-captured", &[]);
    expect_file!["../../examples/half-captured/expected.txt"].assert_eq(&run.stdout);
    expect_file!["../../examples/half-captured/expected.json"]
        .assert_eq(&check("half-captured", &["--format", "json"]).stdout);
    assert_eq!(run.code, 1);
    let report = report("half-captured", &[]);
    assert!(report["summary"]["verdicts"]["unknown"].as_u64() > Some(0));
}

#[test]
fn small_is_judged_as_its_readme_tells() {
    let run = check("small", &[]);
    expect_file!["../../examples/small/expected.txt"].assert_eq(&run.stdout);
    expect_file!["../../examples/small/expected.json"].assert_eq(&check("small", &["--format", "json"]).stdout);
    assert_eq!(run.code, 1);
}

/// Adds the JSON pointers of the values of a document. `null`, `[]` and `{}` are values.
fn leaves(value: &Value, pointer: &str, found: &mut Vec<String>) {
    match value {
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                leaves(item, &format!("{pointer}/{index}"), found);
            }
        }
        Value::Object(members) if !members.is_empty() => {
            for (name, member) in members {
                leaves(member, &format!("{pointer}/{name}"), found);
            }
        }
        _ => found.push(pointer.to_owned()),
    }
}

/// Returns whether a pattern, in which `*` is any one step, matches a pointer or the beginning of it.
fn covers(pattern: &str, pointer: &str) -> bool {
    let mut steps = pointer.split('/');
    pattern.split('/').all(|wanted| steps.next().is_some_and(|step| wanted == "*" || wanted == step))
}

#[test]
fn small_needs_few_typed_values_and_leaves_little_unknown() {
    let mut files = Files::default();
    let mut values = Vec::new();
    leaves(&files.document("examples/small/snapshot.json"), "", &mut values);
    let list = files.text("examples/small/exported.txt").to_owned();
    let exported: Vec<&str> = list.lines().filter(|line| line.starts_with('/')).collect();
    for pattern in &exported {
        assert!(values.iter().any(|value| covers(pattern, value)), "no value matches {pattern}");
    }
    let typed = values.iter().filter(|value| !exported.iter().any(|pattern| covers(pattern, value))).count();
    assert!(typed <= 80, "{typed} typed values");
    let readme = files.text("examples/small/README.md");
    assert!(readme.contains(&format!("{typed} typed values")), "the README does not say: {typed} typed values");
    let report = report("small", &[]);
    let unknown = report["summary"]["verdicts"]["unknown"].as_u64().expect("a count");
    assert!(unknown <= 10, "{unknown} unknown verdicts");
}

/// Files by name, as text and as JSON where they are.
#[derive(Default)]
struct Files {
    texts: BTreeMap<String, String>,
    documents: BTreeMap<String, Value>,
}

impl Files {
    fn text(&mut self, name: &str) -> &str {
        let read = || std::fs::read_to_string(repository().join(name)).expect("a report names files that are there");
        self.texts.entry(name.to_owned()).or_insert_with(read)
    }

    fn document(&mut self, name: &str) -> Value {
        let text = self.text(name).to_owned();
        let parse = || serde_json::from_str(&text).expect("examples are JSON");
        self.documents.entry(name.to_owned()).or_insert_with(parse).clone()
    }

    /// Returns what a span of a report covers, after a look at its lines and columns.
    fn slice(&mut self, span: &Value) -> String {
        let text = self.text(span["file"].as_str().expect("a span names its file"));
        let offset = |end: &str| {
            let offset = span[end]["offset"].as_u64().expect("an offset is a number") as usize;
            let before = &text[..offset];
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            assert_eq!(span[end]["line"], before.matches('\n').count() + 1, "{span}");
            assert_eq!(span[end]["column"], column, "{span}");
            offset
        };
        text[offset("start")..offset("end")].to_owned()
    }
}

/// Holds a place in a snapshot to its pointer; returns the value there.
fn looked_up(files: &mut Files, place: &Value) -> Value {
    let (pointer, span) = (place["pointer"].as_str().expect("a pointer is text"), &place["span"]);
    let document = files.document(span["file"].as_str().expect("a span names its file"));
    let slice: Value = serde_json::from_str(&files.slice(span)).expect("a span in a snapshot covers a value");
    if slice.is_null() {
        // Where `null` stands for an object, nothing below it can be looked up.
        let ends = pointer.match_indices('/').map(|(at, _)| at).chain([pointer.len()]);
        let found = ends.filter_map(|end| document.pointer(&pointer[..end])).next_back();
        assert_eq!(found, Some(&Value::Null), "{place:#}");
    } else {
        assert_eq!(document.pointer(pointer), Some(&slice), "{place:#}");
    }
    slice
}

#[test]
fn every_place_in_a_report_is_what_it_says() {
    let mut files = Files::default();
    let mut values = 0;
    for example in ["acme", "clean", "half-captured", "small"] {
        let report = report(example, &["--verbose"]);
        for finding in report["findings"].as_array().expect("a list") {
            for clause in finding["clauses"].as_array().expect("a list") {
                assert_eq!(clause["text"], files.slice(&clause["span"]), "{clause:#}");
                for read in clause["reads"].as_array().expect("a list") {
                    values += place_is_true(&mut files, read);
                }
            }
            let pointer = finding["resource"]["pointer"].as_str().expect("a pointer is text");
            let uncaptured = finding["resource"]["id"].as_str().expect("an id is text").ends_with('*');
            let document = files.document(finding["snapshot"].as_str().expect("a path is text"));
            let there = document.pointer(pointer).filter(|value| !value.is_null());
            assert_eq!(there.is_none(), uncaptured, "{finding:#}");
        }
    }
    assert!(values > 50, "the examples show values: {values}");
}

/// Holds one read of a report to the snapshot; returns how many values it showed.
fn place_is_true(files: &mut Files, read: &Value) -> usize {
    for witness in read["derived_from"]["witnesses"].as_array().into_iter().flatten() {
        // What is shown of a witness is the value that names it, or its beginning.
        let (pointer, span) = (witness["pointer"].as_str().expect("a pointer is text"), &witness["span"]);
        let document = files.document(span["file"].as_str().expect("a span names its file"));
        let entity = document.pointer(pointer).unwrap_or_else(|| panic!("it is there: {witness:#}"));
        let slice: Value = serde_json::from_str(&files.slice(span)).expect("a span in a snapshot covers a value");
        assert!(
            *entity == slice || entity.as_object().is_some_and(|of| of.values().any(|value| *value == slice)),
            "{witness:#}"
        );
    }
    if read["span"].is_null() || read["kind"] == "derived" {
        return 0;
    }
    if !read["misspelt"].is_null() {
        let name: String = serde_json::from_str(&files.slice(&read["misspelt"]["span"])).expect("it covers a name");
        assert_eq!(read["misspelt"]["name"], name.as_str());
    }
    if let Some(property) = read["lacks"].as_str() {
        let object: Value = serde_json::from_str(&files.slice(&read["span"])).expect("a span covers a value");
        assert!(object.get(property).is_none(), "{read:#}");
        return 0;
    }
    let value = looked_up(files, read);
    match (&value, read["value"].as_str()) {
        (Value::Bool(_) | Value::Number(_), Some(shown)) => assert_eq!(value.to_string(), shown, "{read:#}"),
        (Value::Null, shown) => assert_eq!(shown, None, "{read:#}"),
        (_, shown) => assert_eq!(shown.is_some(), read["state"] == "known", "{read:#}"),
    }
    1
}

/// Verdicts of a report by check, snapshot, type and id; what is not listed passed.
fn verdicts(report: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().expect("it is text").to_owned();
    let key = |finding: &Value| {
        let resource = &finding["resource"];
        [&finding["check"], &finding["snapshot"], &resource["type"], &resource["id"]].map(text).join(" ")
    };
    let findings = report["findings"].as_array().expect("a list");
    findings.iter().map(|finding| (key(finding), text(&finding["verdict"]))).collect()
}

#[test]
fn the_reference_engine_agrees_or_says_unknown() {
    for pair in verbose_reports().chunks(2) {
        let [(example, _, ours), (_, _, theirs)] = pair else { panic!("a run of each engine") };
        let (ours, theirs) = (ours.json(), theirs.json());
        let (own, reference) = (verdicts(&ours), verdicts(&theirs));
        for key in own.keys().chain(reference.keys()) {
            let (mine, official) = (own.get(key), reference.get(key));
            assert!(
                mine == official || official.is_some_and(|verdict| verdict == "unknown"),
                "{key}: {mine:?}, {official:?}"
            );
        }
        if *example == "clean" {
            assert_eq!(ours["checks"], theirs["checks"]);
            assert_eq!(own, reference);
        }
    }
}

#[test]
fn threads_do_not_show() {
    for example in EXAMPLES {
        for format in ["text", "json"] {
            let with = |threads| check(example, &["--format", format, "--verbose", "--threads", threads]).stdout;
            let one = with("1");
            assert!(one == with("2") && one == with("8"), "{example} as {format}");
        }
    }
}

/// The lesson of the README gives the verdicts that it states.
#[test]
fn the_lesson_of_the_readme_gives_the_verdicts_that_it_states() {
    let readme = include_str!("../../README.md");
    let (_, lesson) = readme.split_once("## Write a policy\n").expect("the lesson");
    let indented: Vec<&str> = lesson.lines().filter_map(|line| line.strip_prefix("    ")).collect();
    let end = indented.iter().position(|line| *line == "}").expect("a document");
    let snapshot = indented[..=end].join("\n");
    let fences: Vec<&str> =
        lesson.split("```cedar\n").skip(1).filter_map(|rest| rest.split_once("```").map(|(code, _)| code)).collect();
    let [schema, check, more_schema, more_checks] = fences[..] else { panic!("four pieces of Cedar") };
    let command = indented.iter().find(|line| line.starts_with("deodar check devices.json")).expect("a command");
    let arguments: Vec<&str> = command.split_whitespace().skip(1).filter(|word| *word != "--watch").collect();
    let run = |schema: &str, policies: &str| {
        let files = [
            ("devices.json", snapshot.as_bytes()),
            ("devices.cedarschema", schema.as_bytes()),
            ("devices.cedar", policies.as_bytes()),
        ];
        let report = deodar(&files, &[&arguments[..], &["--format", "json"]].concat()).json();
        (report["run"]["exit_code"].clone(), report["summary"]["verdicts"]["pass"].clone(), report["findings"].clone())
    };
    let (code, passes, findings) = run(schema, check);
    assert_eq!((code, passes), (1.into(), 1.into()), "{findings:#}");
    assert_eq!(findings[0]["resource"]["id"], "A1");
    // The second schema replaces the entity and the action of the first.
    let account = more_schema.lines().find(|line| line.starts_with("entity Account")).expect("the account");
    let actions: Vec<&str> = more_schema.lines().filter(|line| line.starts_with("action")).collect();
    let replaced: Vec<&str> = schema
        .lines()
        .map(|line| if line.starts_with("entity Account") { account } else { line })
        .filter(|line| !line.starts_with("action"))
        .chain(actions)
        .collect();
    let (code, passes, findings) = run(&replaced.join("\n"), &format!("{check}{more_checks}"));
    assert_eq!((code, passes), (1.into(), 2.into()), "{findings:#}");
}

#[test]
fn a_snapshot_of_another_account_is_not_taken_for_one_of_the_pack_without_a_word() {
    let arguments = ["check", "examples/own-pack/snapshot.json", "--now", "2026-09-01T12:00:00Z"];
    let run: Run = command(repository()).args(arguments).output().expect("the binary is built").into();
    assert_eq!(run.code, 4);
    let words: Vec<&str> = run.stdout.split_whitespace().filter(|word| *word != "│").take(24).collect();
    let said = words.join(" ");
    assert!(said.contains(": it has no `policy_context`, no `workspaces`"), "{said}");
}

#[test]
fn a_snapshot_of_an_older_layout_is_told_how_to_migrate() {
    let snapshot = std::fs::read_to_string(repository().join("examples/clean/snapshot.json")).expect("it is there");
    let older = replaced(&snapshot, "\"schema_version\": \"2.0\"", "\"schema_version\": \"1.0\"");
    let run = deodar(&[("a.json", older.as_bytes())], &["check", "a.json", "--now", NOW, "--format", "json"]);
    let found = &run.json()["diagnostics"][0];
    assert_eq!((run.code, found["code"].as_str()), (5, Some("snapshot-former")), "{run:?}");
    assert_eq!(found["message"], "`schema_version` is \"1.0\", which is superseded by `2.0`");
    let help = found["help"].as_str().unwrap_or_default();
    let page = std::fs::read_to_string(repository().join("docs/moengage.md")).expect("it is there");
    let section = "Migrating from layout 1.0";
    assert!(help.contains(section) && page.contains(&format!("\n## {section}\n")), "{help}");
}
