//! The JSON report is what `schemas/report.schema.json` says it is, in every kind of run.

use crate::examples::verbose_reports;
use crate::support::{
    HARBOUR, NOW, POLICIES, Run, SCHEMA, SOUND, command, deodar, edited, harbour, replaced, repository,
};
use jsonschema::Validator;
use serde_json::{Value, json};
use std::sync::OnceLock;

fn schema() -> Value {
    let text = std::fs::read_to_string(repository().join("schemas/report.schema.json")).expect("it is there");
    serde_json::from_str(&text).expect("it is JSON")
}

/// Returns the validator of reports, which is compiled once for all tests.
fn validator() -> &'static Validator {
    static VALIDATOR: OnceLock<Validator> = OnceLock::new();
    VALIDATOR.get_or_init(|| jsonschema::draft202012::new(&schema()).expect("it is a schema"))
}

/// Holds the report of a run to the schema, and to the exit code.
fn holds(run: &Run) -> Value {
    let report = run.json();
    let errors: Vec<String> =
        validator().iter_errors(&report).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{}\n{report:#}", errors.join("\n"));
    assert_eq!(report["run"]["exit_code"], run.code);
    report
}

fn harbour_report(snapshot: impl AsRef<[u8]>, arguments: &[&str]) -> Value {
    holds(&harbour(snapshot, &[&["--format", "json"], arguments].concat()))
}

#[test]
fn waivers_are_reported_as_the_schema_says() {
    let waiver = |id: &str, expires: &str, more: &str| {
        format!(
            "@id({id:?}) @waives(\"HB-LEN-01\") @reason(\"r\") @owner(\"o\") @expires({expires:?}) {more}
             permit (principal, action == Action::\"audit\", resource is Boat) when {{ resource.length > 9 }};"
        )
    };
    let waivers = [
        waiver("A", "2026-12-31", "@ticket(\"T\")"),
        waiver("B", "2026-08-31", "@unknown_too"),
        waiver("C", "soon", "@unknown_too(\"only\")"),
        waiver("D", "2026-12-31", ""),
    ];
    let policies = format!("{POLICIES}\n{}", waivers.join("\n"));
    let long = edited("\"length\": 12", "\"length\": 41");
    for more in [&[][..], &["--no-waivers"], &["--skip", "HB-LEN-01"]] {
        let arguments = [&["--format", "json", "--verbose"], more].concat();
        let report = holds(&crate::support::harbour_by(SCHEMA, &policies, &long, &arguments));
        assert_eq!(report["waivers"].as_array().map(Vec::len), Some(4), "{report:#}");
    }
}

#[test]
fn examples_are_reported_as_the_schema_says() {
    for (example, engine, run) in verbose_reports() {
        let report = holds(run);
        assert_eq!(report["run"]["engine"], *engine);
        assert!(report["findings"].as_array().is_some_and(|findings| !findings.is_empty()), "{example}");
    }
}

#[test]
fn every_verdict_is_reported_if_it_is_asked_for() {
    let long = edited("\"length\": 12", "\"length\": 41");
    let arguments = |format: &'static str| ["--verdicts", "all", "--format", format];
    let run = harbour(&long, &arguments("json"));
    let report = holds(&run);
    let others = report["other_verdicts"].as_array().expect("verdicts");
    let counts = &report["summary"]["verdicts"];
    assert_eq!((&counts["fail"], others.len()), (&json!(1), 5));
    let tern = others.iter().find(|it| it["check"] == "HB-OWN-01" && it["resource"]["id"] == "east/Tern");
    let values = tern.expect("it passed")["reasons"][0]["values"].as_array().expect("values");
    let value = values.iter().find(|it| it["name"] == "active").expect("it was read");
    assert_eq!(
        (&value["name"], &value["value"], &value["place"]["line"]),
        (&json!("active"), &json!("true"), &json!(5))
    );
    let lines = harbour(&long, &arguments("ndjson")).accounts();
    assert_eq!(&lines[0]["other_verdicts"], &report["other_verdicts"]);
    // Without the request, and in formats without them, there are none.
    assert!(harbour(&long, &["--format", "json"]).json().get("other_verdicts").is_none());
    assert_eq!(harbour(&long, &["--verdicts", "all"]).code, 2);
}

#[test]
fn controls_are_reported_as_the_schema_says() {
    for framework in ["cis-v8", "nist-800-53", "iso-27001", "soc2"] {
        let by = format!("framework={framework}");
        let arguments =
            ["check", "examples/half-captured/snapshot.json", "--now", NOW, "--format", "json", "--by", &by];
        let report = holds(&command(repository()).args(arguments).output().expect("the binary is built").into());
        assert_eq!(report["by_control"]["framework"], framework);
        assert!(report["by_control"]["controls"].as_array().is_some_and(|controls| !controls.is_empty()));
    }
}

#[test]
fn a_sound_run_has_no_diagnostic_and_says_when_it_was_captured() {
    let report = harbour_report(SOUND, &[]);
    assert_eq!(report["diagnostics"], json!([]));
    assert_eq!(report["run"]["statuses"], json!(["clean"]));
    assert_eq!(report["run"]["snapshots"][0]["captured_at"], "2026-08-31T06:00:00Z");
    assert_eq!(report["checks"][2]["controls"], json!({ "iso-27001": ["A.5.9", "A.5.18"] }));
}

#[test]
fn when_it_was_captured_is_told_though_no_check_reads_it() {
    let report = harbour_report(SOUND, &["--only", "HB-LEN-01"]);
    assert_eq!(report["run"]["snapshots"][0]["captured_at"], "2026-08-31T06:00:00Z");
}

#[test]
fn errors_and_warnings_are_diagnostics() {
    let wrong = replaced(&edited("\"length\": 40", "\"length\": \"forty\""), "\"active\": true", "\"actve\": true");
    let report = harbour_report(&wrong, &[]);
    assert_eq!((&report["summary"]["errors"], &report["summary"]["warnings"]), (&json!(1), &json!(1)));
    assert_eq!(report["run"]["statuses"], json!(["invalid_input", "incomplete"]));
    let misspelt = report["findings"].as_array().expect("a list").iter().find_map(|finding| {
        finding["clauses"]
            .as_array()?
            .iter()
            .flat_map(|clause| clause["reads"].as_array())
            .flatten()
            .find(|read| read["misspelt"].is_object())
            .cloned()
    });
    assert_eq!(misspelt.expect("a slip is pointed out")["misspelt"]["name"], "actve");
}

#[test]
fn a_run_that_could_not_begin_is_reported() {
    for broken in [&b"{"[..], b"", b"\xff", b"[]"] {
        let report = harbour_report(broken, &[]);
        assert_eq!(report["run"]["statuses"], json!(["invalid_input", "nothing_evaluated"]), "{report:#}");
    }
    let report = holds(&deodar(&[], &["check", "none.json", "--format", "json", "--now", NOW]));
    assert_eq!(report["run"]["exit_code"], 5);
    let report = holds(&deodar(
        &[("s.json", b"{}")],
        &["check", "s.json", "--pack", "nobody", "--format", "json", "--now", NOW],
    ));
    assert_eq!(report["run"]["exit_code"], 5);
}

#[test]
fn lists_that_were_not_captured_stand_behind_ranges() {
    let boats = &SOUND[SOUND.find("\"flags\"").expect("there")..SOUND.find("    }\n  ],\n  \"buoys\"").expect("there")];
    let report = harbour_report(edited(boats, "\"flags\": []\n"), &[]);
    let pier = report["findings"].as_array().expect("a list").iter().find(|finding| finding["check"] == "HB-PIER-01");
    let read = &pier.expect("the pier is unknown")["clauses"][0]["reads"][0];
    assert_eq!((&read["state"], &read["value"]), (&json!("between"), &json!("0 or more")));
    assert_eq!(read["derived_from"]["uncaptured"][0]["pointer"], "/piers/0/boats");
    let boats = report["findings"].as_array().expect("a list").iter().find(|finding| finding["check"] == "HB-LEN-01");
    assert_eq!(boats.expect("boats are unknown")["resource"]["id"], "east/*");
}

#[test]
fn what_could_not_be_evaluated_says_which_part() {
    let policies =
        replaced(POLICIES, "resource.length <= resource.pier.length", "resource.length * 9223372036854775807 <= 1");
    let files = [
        ("harbour.cedarschema", SCHEMA.as_bytes()),
        ("policies/p.cedar", policies.as_bytes()),
        ("snapshot.json", SOUND.as_bytes()),
    ];
    let report = holds(&deodar(&files, &[&HARBOUR[..], &["--format", "json"]].concat()));
    assert!(
        report["findings"][0]["clauses"].as_array().expect("a list").iter().any(|clause| clause["failure"].is_object()),
        "{report:#}"
    );
}

#[test]
fn parameters_tell_where_they_come_from() {
    let report = harbour_report(SOUND, &["--param", "max_boats=1"]);
    let expected =
        json!({ "max_age": { "value": "14d", "origin": "default" }, "max_boats": { "value": 1, "origin": "set" } });
    assert_eq!(report["run"]["parameters"], expected);
    assert_eq!(report["run"]["exit_code"], 1);
    harbour_report(SOUND, &["--param", "max_boats=many", "--param", "max_bots=1"]);
}

#[test]
fn several_snapshots_are_told_apart() {
    let long = edited("\"length\": 12", "\"length\": 41");
    let files = [
        ("harbour.cedarschema", SCHEMA.as_bytes()),
        ("policies/harbour.cedar", POLICIES.as_bytes()),
        ("captured/a.json", SOUND.as_bytes()),
        ("captured/b.json", long.as_bytes()),
        ("captured/notes.md", b"# notes"),
    ];
    let arguments = [
        "check",
        "captured",
        "--schema",
        "harbour.cedarschema",
        "--policies",
        "policies",
        "--now",
        NOW,
        "--format",
        "json",
    ];
    let report = holds(&deodar(&files, &arguments));
    let paths: Vec<&Value> =
        report["run"]["snapshots"].as_array().expect("a list").iter().map(|snapshot| &snapshot["path"]).collect();
    assert_eq!(paths, ["captured/a.json", "captured/b.json"]);
    assert_eq!(report["findings"][0]["snapshot"], "captured/b.json");
    assert_eq!(report["findings"].as_array().map(Vec::len), Some(1));
    assert_eq!(report["summary"]["skipped_files"], 1);
}

#[test]
fn checks_that_were_not_run_are_listed_with_the_reason() {
    let severe = replaced(POLICIES, "@severity(\"medium\")", "@severity(\"middling\")");
    let files = [
        ("harbour.cedarschema", SCHEMA.as_bytes()),
        ("policies/p.cedar", severe.as_bytes()),
        ("snapshot.json", SOUND.as_bytes()),
    ];
    let report = holds(&deodar(&files, &[&HARBOUR[..], &["--format", "json", "--skip", "HB-LEN-*"]].concat()));
    let states: Vec<&Value> =
        report["checks"].as_array().expect("a list").iter().map(|check| &check["state"]).collect();
    assert_eq!(states, ["run", "deselected", "run", "invalid"]);
}

/// Calls `each` with every object schema and its place.
fn objects(schema: &Value, place: &str, each: &mut impl FnMut(&str, &Value)) {
    match schema {
        Value::Object(members) => {
            if members.contains_key("properties") {
                each(place, schema);
            }
            members.iter().for_each(|(name, member)| objects(member, &format!("{place}/{name}"), each));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| objects(item, &format!("{place}/{at}"), each))
        }
        _ => {}
    }
}

#[test]
fn the_schema_documents_every_field_and_admits_no_other() {
    jsonschema::meta::validate(&schema()).expect("it is a schema");
    let mut seen = 0;
    objects(&schema(), "#", &mut |place, object| {
        seen += 1;
        assert_eq!(object["additionalProperties"], false, "{place}");
        for (name, property) in object["properties"].as_object().expect("an object") {
            for word in ["title", "description"] {
                assert!(property[word].as_str().is_some_and(|text| !text.is_empty()), "{place}: {name} has a {word}");
            }
        }
    });
    assert!(seen > 15, "{seen}");
}

#[test]
fn the_schema_refuses_what_the_report_never_says() {
    let validator = jsonschema::draft202012::new(&schema()).expect("it is a schema");
    let report = harbour_report(edited("\"length\": 12", "\"length\": 41"), &[]);
    assert!(validator.is_valid(&report));
    for (pointer, wrong) in [
        ("/run/exit_code", json!(2)),
        ("/findings/0/verdict", json!("pass")),
        ("/findings/0/clauses/0/span/start/line", json!(0)),
        ("/findings/0/clauses/0/reads/0/pointer", json!("piers/0")),
        ("/checks/0/severity", json!("urgent")),
        ("/run/snapshots/0", json!({ "path": "snapshot.json" })),
        ("/version", json!("3.0")),
    ] {
        let mut other = report.clone();
        *other.pointer_mut(pointer).expect("it is there") = wrong;
        assert!(!validator.is_valid(&other), "{pointer}");
    }
}
