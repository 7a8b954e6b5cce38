//! Verdicts by control: controls that pass, controls that fail, and those without a decided check.

use crate::support::{NOW, POLICIES, Run, SCHEMA, SOUND, command, edited, harbour_by, replaced, repository};
use serde_json::{Value, json};

/// The harbour's policies, mapped so that controls have every result.
fn mapped() -> String {
    [("low", "AC-10"), ("high", "AC-2(1), AC-2, AC-2"), ("critical", "AC-2")].into_iter().fold(
        POLICIES.to_owned(),
        |policies, (level, controls)| {
            let severity = format!("@severity(\"{level}\")");
            replaced(&policies, &severity, &format!("{severity}\n@nist_800_53(\"{controls}\")"))
        },
    )
}

fn by_nist(snapshot: &str, arguments: &[&str]) -> Run {
    harbour_by(SCHEMA, &mapped(), snapshot, &[&["--by", "framework=nist-800-53"], arguments].concat())
}

fn standings(snapshot: &str, arguments: &[&str]) -> Vec<(String, String)> {
    let report = by_nist(snapshot, &[&["--format", "json"], arguments].concat()).json();
    let text = |value: &Value| value.as_str().expect("a string").to_owned();
    let controls = report["by_control"]["controls"].as_array().expect("a list");
    controls.iter().map(|control| (text(&control["control"]), text(&control["standing"]))).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(control, standing)| ((*control).to_owned(), (*standing).to_owned())).collect()
}

#[test]
fn controls_that_pass_are_in_natural_order() {
    let expected = pairs(&[("AC-2", "passed"), ("AC-2(1)", "passed"), ("AC-10", "passed")]);
    assert_eq!(standings(SOUND, &[]), expected);
}

#[test]
fn controls_that_failed_come_first_and_those_with_unknowns_next() {
    let long = edited("\"length\": 12", "\"length\": 99");
    let expected = pairs(&[("AC-2", "failed"), ("AC-2(1)", "failed"), ("AC-10", "passed")]);
    assert_eq!(standings(&long, &[]), expected);
    let unsure = edited("\"length\": 12, ", "");
    let expected = pairs(&[("AC-2", "partial"), ("AC-2(1)", "partial"), ("AC-10", "passed")]);
    assert_eq!(standings(&unsure, &[]), expected);
}

#[test]
fn a_control_of_unknown_or_unmet_or_inapplicable_checks_does_not_pass() {
    let undated = edited("  \"captured_at\": \"2026-08-31T06:00:00Z\",\n", "");
    assert!(standings(&undated, &[]).contains(&("AC-10".to_owned(), "not_judged".to_owned())));
    let from = SOUND.find("        { \"name\": \"Tern\"").expect("there");
    let to = SOUND.find("      ]\n    }\n  ],\n  \"buoys\"").expect("there");
    let empty = edited(&SOUND[from..to], "");
    let expected = pairs(&[("AC-10", "passed"), ("AC-2", "not_judged"), ("AC-2(1)", "not_judged")]);
    assert_eq!(standings(&empty, &[]), expected);
    let white = replaced(&edited("\"red\"", "\"white\""), "\"green\"", "\"white\"");
    assert!(standings(&white, &[]).contains(&("AC-2(1)".to_owned(), "not_judged".to_owned())));
}

#[test]
fn a_control_whose_checks_were_not_all_run_does_not_pass() {
    let expected = pairs(&[("AC-2", "partial"), ("AC-2(1)", "passed"), ("AC-10", "not_judged")]);
    assert_eq!(standings(SOUND, &["--only", "HB-LEN-01"]), expected);
}

#[test]
fn counts_are_sums_over_the_checks_of_a_control() {
    let report = by_nist(SOUND, &["--format", "json"]).json();
    let counts = json!({ "fail": 0, "not_applicable": 0, "pass": 4, "unknown": 0, "waived": 0 });
    assert_eq!(
        report["by_control"]["controls"][0],
        json!({ "control": "AC-2", "standing": "passed", "counts": counts, "checks": ["HB-LEN-01", "HB-OWN-01"] })
    );
    assert_eq!(report["by_control"]["unmapped_checks"], json!(["HB-PIER-01"]));
    assert!(harbour_by(SCHEMA, &mapped(), SOUND, &["--format", "json"]).json().get("by_control").is_none());
}

#[test]
fn controls_without_evidence_have_their_own_heading() {
    let run = by_nist(SOUND, &["--only", "HB-LEN-01"]);
    let table = &run.stdout[run.stdout.find("Controls of").expect("a table")..];
    expect_test::expect![[r#"
        Controls of nist-800-53
            control   fail  unknown  n/a  pass checks
         ?  AC-2         ·        ·    ·     2 HB-LEN-01, HB-OWN-01*
         ✓  AC-2(1)      ·        ·    ·     2 HB-LEN-01

        Controls that nothing speaks for: all unknown, not applicable or not run
            control   fail  unknown  n/a  pass checks
         –  AC-10        ·        ·    ·     · HB-AGE-01*

          * not selected, ! invalid: not run, so their controls do not pass; ~ no resources

        Checks without a control of nist-800-53: HB-PIER-01*

    "#]]
    .assert_eq(&table[..table.find("  snapshot.json").expect("totals")]);
}

#[test]
fn tables_fit_eighty_columns() {
    for framework in ["cis-v8", "nist-800-53", "iso-27001", "soc2"] {
        let by = format!("framework={framework}");
        let arguments = ["check", "examples/acme/snapshot.json", "--now", NOW, "--by", &by];
        let run: Run = command(repository()).args(arguments).output().expect("the binary is built").into();
        let table = &run.stdout[run.stdout.find("Controls of").expect("a table")..];
        let long: Vec<&str> = table.lines().filter(|line| line.chars().count() > 80).collect();
        assert!(long.is_empty(), "{long:#?}");
    }
}

#[test]
fn an_unknown_framework_is_wrong_usage_that_says_what_is_valid() {
    for by in ["framework=soc3", "soc2", "severity"] {
        let run = harbour_by(SCHEMA, POLICIES, SOUND, &["--by", by]);
        assert_eq!(run.code, 2);
        assert!(run.stderr.contains("`framework=cis-v8`") && run.stderr.contains("`framework=soc2`"), "{}", run.stderr);
    }
    let run = by_nist(SOUND, &["--format", "ndjson"]);
    assert_eq!(run.code, 2);
    assert!(
        run.stderr
            .contains("valid with --by are text, json, junit, markdown, html, csv, sarif, github, gitlab and ocsf"),
        "{}",
        run.stderr
    );
}
