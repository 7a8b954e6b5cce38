//! The template and the status of a capture: all values of the schema are on a screen, and a template that is not filled in
//! states nothing.

use crate::support::{NOW, command, deodar, repository};
use deodar::capture::description::Description;
use deodar::capture::node::Node;
use deodar::capture::secrets::{Screening, suspicion};
use deodar::capture::status::CaptureStatus;
use deodar::capture::template::{self, TemplateInstances};
use deodar::engine::Verdict;
use deodar::pack::{Pack, PackSources};
use deodar::project::EMBEDDED;
use deodar::report::{Needs, Report};
use deodar::source::Source;
use deodar::value::parse_datetime;
use deodar::{Inputs, Options, Session};
use expect_test::expect_file;
use saphyr_parser::{Event, ScalarStyle};
use serde_json::Value;
use std::sync::Arc;

fn source((name, text): (&str, &str)) -> Arc<Source> {
    Source::new(name, text).expect("it is small")
}

/// Returns the built-in pack with its description.
fn built_in() -> (Pack, Description) {
    let [pack] = EMBEDDED else { panic!("there is one pack") };
    let schema = source(pack.schema);
    let policies: Vec<_> = pack.policies.iter().copied().map(source).collect();
    let (compiled, problems) = Pack::compile(PackSources { schema: &schema, policies: &policies, waivers: &[] });
    let compiled = compiled.filter(|_| problems.is_empty()).expect("the pack is valid");
    let (description, problems) = Description::read(&source(pack.capture), compiled.model());
    assert!(problems.is_empty(), "{problems:?}");
    (compiled, description)
}

fn template(workspaces: &[&str]) -> String {
    let (pack, description) = built_in();
    let ids = workspaces.iter().map(|id| (*id).to_owned()).collect();
    let instances = [TemplateInstances { ty: description.lists[0].ty, ids }];
    template::write(&pack, &description, &instances)
}

fn judged(name: &str, text: &str) -> Report {
    let [pack] = EMBEDDED else { panic!("there is one pack") };
    let policies = pack.policies.iter().copied().map(source).collect();
    let inputs = Inputs::new(source(pack.schema), policies, vec![source((name, text))]);
    let now = parse_datetime("2026-09-01T12:00:00Z").expect("it is a time");
    Session::default().run(&inputs, &Options { needs: Needs::ALL, ..Options::at(now) })
}

#[test]
fn every_value_of_the_schema_is_on_a_screen() {
    let (pack, description) = built_in();
    assert_eq!(template::not_covered(pack.model(), &description), Vec::<String>::new());
}

#[test]
fn the_template_has_all_screens_in_walking_order() {
    expect_file!["../data/capture/template.yaml"].assert_eq(&template(&["WS1"]));
}

/// Returns a YAML document without anchors and tags as JSON.
fn json_of_yaml(text: &str) -> Value {
    enum Open {
        List(Vec<Value>),
        Object(serde_json::Map<String, Value>, Option<String>),
    }
    let mut open = vec![Open::List(Vec::new())];
    for event in saphyr_parser::Parser::new_from_str(text) {
        let value = match event.expect("it is YAML").0 {
            Event::Scalar(text, style, ..) => match &*text {
                "" | "null" if style == ScalarStyle::Plain => Value::Null,
                "true" | "false" if style == ScalarStyle::Plain => Value::Bool(&*text == "true"),
                text => {
                    text.parse::<i64>().ok().filter(|_| style == ScalarStyle::Plain).map_or(text.into(), Value::from)
                }
            },
            Event::SequenceStart(..) => {
                open.push(Open::List(Vec::new()));
                continue;
            }
            Event::MappingStart(..) => {
                open.push(Open::Object(serde_json::Map::new(), None));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop().expect("it is open") {
                Open::List(list) => Value::Array(list),
                Open::Object(properties, _) => Value::Object(properties),
            },
            _ => continue,
        };
        match open.last_mut().expect("the document is open") {
            Open::List(list) => list.push(value),
            Open::Object(properties, name) => match name.take() {
                None => *name = Some(value.as_str().expect("a name is a text").to_owned()),
                Some(name) => assert!(properties.insert(name, value).is_none(), "a name is given twice"),
            },
        }
    }
    let Some(Open::List(documents)) = open.pop() else { panic!("the document does not end") };
    documents.into_iter().next().expect("there is a document")
}

#[test]
fn a_template_that_is_not_filled_in_states_nothing() {
    for workspaces in [&[][..], &["WS1", "WS2"]] {
        let report = judged("template.yaml", &json_of_yaml(&template(workspaces)).to_string());
        let codes: Vec<&str> = report.diagnostics.iter().map(|it| it.code.name()).collect();
        // A placeholder of an id would be judged, so the ids are empty, and the file is refused until they are written.
        let ids = if workspaces.is_empty() { 2 } else { 1 };
        let refused = codes.iter().filter(|code| **code == "snapshot-key").count();
        assert!(refused == ids && codes.contains(&"capture-time"), "{:?}", report.diagnostics);
        assert_eq!(codes.len(), ids + 1, "{:?}", report.diagnostics);
        let passed = report.checks.iter().filter(|check| check.count(Verdict::Pass) + check.count(Verdict::Fail) > 0);
        assert_eq!(passed.map(|check| check.id.to_string()).collect::<Vec<_>>(), [""; 0]);
        assert!(report.checks.iter().map(|check| check.count(Verdict::Unknown)).sum::<usize>() > 60);
    }
}

/// Returns the lines of a template with values in place of empty ones.
fn filled(template: &str, values: &[(&str, &str)]) -> String {
    let mut lines: Vec<String> = template.lines().map(str::to_owned).collect();
    for (name, value) in values {
        let is_it = |line: &&mut String| line.trim() == format!("{name}:") || line.trim() == format!("# {name}:");
        let line = lines.iter_mut().find(is_it).unwrap_or_else(|| panic!("there is no empty `{name}`"));
        *line = format!("{} {value}", line.replace("# ", ""));
    }
    lines.join("\n")
}

#[test]
fn a_capture_reports_an_id_that_is_not_filled_in() {
    let text = filled(&template(&[]), &[("name", "Anse"), ("captured_at", "2026-09-01")]);
    let run = deodar(&[("t.yaml", text.as_bytes())], &["capture", "moengage", "--settings", "t.yaml"]);
    assert!(run.code == 5 && run.stderr.contains("`Workspace` has no `id`"), "{} {}", run.code, run.stderr);
    assert!(run.stderr.contains("[t.yaml:"), "{}", run.stderr);
}

#[test]
fn values_that_are_filled_in_decide_verdicts() {
    let values = [
        ("name", "Anse"),
        ("captured_at", "2026-09-01"),
        ("plan", "enterprise"),
        ("classification", "production"),
        ("login_method", "sso_only"),
        ("configured", "true"),
        ("enforced", "false"),
        ("granted", "false"),
    ];
    let text = filled(&template(&["WS1"]), &values);
    let report = judged("template.yaml", &json_of_yaml(&text).to_string());
    assert_eq!(report.diagnostics.len(), 0, "{:?}", report.diagnostics);
    let verdicts = |id: &str| {
        let check = report.checks.iter().find(|check| check.id == id).expect("there is such a check");
        (check.count(Verdict::Pass), check.count(Verdict::Fail))
    };
    // The values are those of LIVE.
    let decided = ["MOE-AUTH-01", "MOE-AUTH-03", "MOE-SUP-01"].map(verdicts);
    assert_eq!(decided, [(0, 1), (1, 0), (1, 0)]);
}

#[test]
fn the_status_lists_missing_values_by_screen() {
    let path = repository().join("examples/half-captured/snapshot.json");
    let report = judged("snapshot.json", &std::fs::read_to_string(path).expect("there is an example"));
    let (pack, description) = built_in();
    let status = CaptureStatus::of(&report, pack.model(), &description);
    let mut text = Vec::new();
    status.write_text(100, &mut text).expect("memory can be written");
    expect_file!["../data/capture/status.txt"].assert_eq(&String::from_utf8(text).expect("it is text"));
    let mut json = Vec::new();
    status.write_json(&mut json).expect("memory can be written");
    let json: Value = serde_json::from_slice(&json).expect("it is JSON");
    assert_eq!((&json["format"], &json["version"]), (&"deodar-capture-status".into(), &"1.0".into()));
    // A verdict that several values of a screen block counts once.
    for screen in json["screens"].as_array().expect("there are screens") {
        let blocked = screen["blocked"].as_u64().expect("it is a number");
        let values = screen["values"].as_array().expect("there are values");
        assert!(values.iter().all(|value| value["blocked"].as_u64() <= Some(blocked)), "{screen}");
    }
}

#[test]
fn no_property_and_no_value_of_the_pack_looks_like_a_secret() {
    let (pack, _) = built_in();
    let types = pack.model().types.iter();
    let names = types.flat_map(|ty| ty.fields.iter().flat_map(|field| field.children.iter().map(|(name, _)| name)));
    let refused: Vec<&String> = names.filter(|name| suspicion(name, "", "some text").is_some()).collect();
    assert_eq!(refused, Vec::<&String>::new());
    let examples = std::fs::read_dir(repository().join("examples")).expect("there are examples");
    let paths = examples.map(|entry| entry.expect("it can be listed").path().join("snapshot.json"));
    let mut count = 0;
    for path in paths.filter(|path| path.is_file()) {
        let text = std::fs::read_to_string(&path).expect("it is text");
        let mut node = Node::read(&source(("snapshot.json", &text))).expect("it is JSON");
        let mut screening = Screening::default();
        screening.screen(&mut node);
        assert_eq!(screening.diagnostics.len(), 0, "{}: {:?}", path.display(), screening.diagnostics);
        count += 1;
    }
    assert!(count >= 4, "{count} examples");
}

#[test]
fn the_command_writes_a_template_once() {
    let arguments = ["capture", "moengage", "--template", "--workspaces", "WS1"];
    let run = deodar(&[], &arguments);
    assert_eq!((run.code, run.stdout == template(&["WS1"])), (0, true), "{}", run.stderr);
    let folder = crate::support::folder(&[("settings.yaml", b"mine")]);
    let written = |name: &str| {
        let output = command(folder.path()).args(arguments).args(["--output", name]).output().expect("it runs");
        (output.status.code(), std::fs::read_to_string(folder.path().join(name)).expect("it is text"))
    };
    assert_eq!(written("settings.yaml"), (Some(5), "mine".to_owned()));
    let refused = command(folder.path()).args(arguments).args(["--output", "settings.yaml"]).output().expect("it runs");
    let message = String::from_utf8(refused.stderr).expect("it is text");
    assert!(message.contains("help: name another file with --output, or remove this one"), "{message}");
    assert_eq!(written("other.yaml"), (Some(0), template(&["WS1"])));
    for wrong in [
        &["capture", "moengage", "--workspaces", "WS1"][..],
        &["capture", "moengage", "--template", "--members", "members.csv"],
        &["capture", "moengage", "--template", "--status", "snapshot.json"],
        &["capture", "moengage", "--template", "--format", "json"],
    ] {
        assert_eq!(deodar(&[], wrong).code, 2, "{wrong:?}");
    }
}

#[test]
fn the_command_lists_missing_values() {
    let path = repository().join("examples/half-captured/snapshot.json");
    let snapshot = std::fs::read(path).expect("there is an example");
    let files: [(&str, &[u8]); 2] = [("snapshot.json", &snapshot), ("broken.json", b"{")];
    let status = |name: &str| {
        let arguments = ["capture", "moengage", "--status", name, "--format", "json", "--now", NOW];
        deodar(&files, &arguments)
    };
    let run = status("snapshot.json");
    assert_eq!((run.code, run.json()["screens"][0]["number"].as_u64()), (0, Some(15)), "{}", run.stderr);
    let run = status("broken.json");
    assert_eq!((run.code, run.stdout.as_str()), (5, ""), "{}", run.stderr);
}
