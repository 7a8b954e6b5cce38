//! OCSF events: one for each finding, with the status of its verdict. `.ci/external/ocsf` validates them by the models of
//! OCSF.

use crate::support::{NOW, Run, SOUND, command, edited, harbour, repository};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn events(run: &Run) -> Vec<Value> {
    run.stdout.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

fn example(name: &str, format: &str) -> Run {
    let snapshot = format!("examples/{name}/snapshot.json");
    let arguments = ["check", &snapshot, "--now", NOW, "--format", format, "--verbose"];
    command(repository()).args(arguments).output().expect("the binary is built").into()
}

#[test]
fn every_finding_is_an_event_with_the_status_of_its_verdict() {
    for name in ["acme", "clean", "half-captured", "small"] {
        let (run, report) = (example(name, "ocsf"), example(name, "json"));
        assert_eq!(run.code, report.code);
        let (events, report) = (events(&run), report.json());
        let by_uid: BTreeMap<&str, &Value> =
            events.iter().map(|event| (event["finding_info"]["uid"].as_str().expect("a text"), event)).collect();
        assert_eq!(by_uid.len(), events.len(), "{name}");
        for finding in report["findings"].as_array().expect("findings") {
            let event = by_uid[finding["fingerprint"].as_str().expect("a text")];
            let expected = match finding["verdict"].as_str() {
                Some("fail") => json!([3, "Fail"]),
                Some("unknown") => json!([2, "Warning"]),
                Some("not_applicable") => json!([99, "Not Applicable"]),
                other => panic!("{other:?} is not in the examples"),
            };
            assert_eq!(json!([event["compliance"]["status_id"], event["compliance"]["status"]]), expected);
            assert_eq!(event["resources"][0]["uid"], finding["resource"]["id"]);
            assert_eq!(event["severity"].as_str().map(str::to_lowercase).as_deref(), finding["severity"].as_str());
            assert_eq!(event["time"], 1_788_264_000_000_u64);
        }
    }
}

#[test]
fn only_a_check_that_passed_has_the_status_pass() {
    for name in ["acme", "clean", "half-captured", "small"] {
        let (events, report) = (events(&example(name, "ocsf")), example(name, "json").json());
        let passed = events.iter().filter(|event| event["compliance"]["status"] == "Pass");
        let passed: Vec<&str> = passed.map(|event| event["compliance"]["control"].as_str().expect("a text")).collect();
        let is_passed = |check: &&Value| {
            let given = |verdict: &str| check["counts"][verdict] != 0;
            given("pass") && !["fail", "unknown", "waived"].into_iter().any(given)
        };
        let checks = report["checks"].as_array().expect("checks").iter().filter(is_passed);
        let expected: Vec<&str> = checks.map(|check| check["id"].as_str().expect("a text")).collect();
        assert_eq!(passed, expected, "{name}");
    }
}

#[test]
fn invalid_inputs_have_an_unknown_status() {
    let run = harbour("{", &["--format", "ocsf"]);
    assert_eq!(run.code, 5);
    let events = events(&run);
    assert!(!events.is_empty() && events.iter().all(|event| event["compliance"]["status"] == "Unknown"), "{events:#?}");
}

#[test]
fn an_event_has_the_controls_and_the_places_of_a_finding() {
    let snapshot = edited("\"owner\": \"bo@anse.example\"", "\"owner\": \"zoe@anse.example\"");
    let run = harbour(snapshot, &["--format", "ocsf", "--only", "HB-OWN-01"]);
    let found = events(&run).into_iter().find(|event| event["unmapped"]["verdict"] == "unknown");
    let found = found.expect("a finding");
    assert_eq!(found["compliance"]["standards"], json!(["iso-27001"]));
    assert_eq!(found["compliance"]["requirements"], json!(["iso-27001:A.5.9", "iso-27001:A.5.18"]));
    assert_eq!(found["unmapped"]["snapshot"], "snapshot.json");
    assert_eq!(
        (&found["class_uid"], &found["type_uid"], &found["metadata"]["version"]),
        (&json!(2003), &json!(200_301), &json!("1.5.0"))
    );
    assert!(found["unmapped"]["policy"].as_str().is_some_and(|place| place.starts_with("policies/harbour.cedar:")));
    assert_eq!(harbour(SOUND, &["--format", "ocsf"]).code, 0);
}
