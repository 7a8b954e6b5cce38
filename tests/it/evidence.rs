//! Evidence: the digests of a run, and its repetition.

use crate::support::{NOW, POLICIES, Run, SCHEMA, SOUND, command, edited, folder};
use serde_json::{Value, json};
use std::path::Path;
use tempfile::TempDir;

fn run(folder: &Path, arguments: &[&str]) -> Run {
    command(folder).args(arguments).output().expect("it runs").into()
}

/// Returns a harbour with a configuration file and the evidence of a run at another time than now.
fn harbour() -> TempDir {
    let folder = folder(&[
        ("harbour.cedarschema", SCHEMA.as_bytes()),
        ("policies/harbour.cedar", POLICIES.as_bytes()),
        ("snapshots/a.json", edited("\"length\": 12", "\"length\": 41").as_bytes()),
        ("snapshots/b.json", SOUND.replace("Anse", "Bay").as_bytes()),
        ("deodar.toml", b"schema = \"harbour.cedarschema\"\npolicies = [\"policies\"]\n[parameters]\nmax_boats = 3\n"),
    ]);
    let written =
        run(folder.path(), &["check", "snapshots", "--now", NOW, "--evidence", "evidence.json", "--threads", "1"]);
    assert_eq!(written.code, 1, "{written:?}");
    folder
}

fn write(folder: &TempDir, name: &str, text: &str) {
    std::fs::write(folder.path().join(name), text).expect("it can be written");
}

#[test]
fn a_run_is_repeated_with_any_number_of_threads() {
    let folder = harbour();
    for threads in ["1", "2", "7"] {
        let mut verify = command(folder.path());
        let again: Run = verify
            .args(["verify", "evidence.json"])
            .env("RAYON_NUM_THREADS", threads)
            .output()
            .expect("it runs")
            .into();
        assert_eq!(
            (again.code, again.stdout.as_str()),
            (0, "identical: 12 verdicts as of 2026-09-01T12:00:00Z\n"),
            "{again:?}"
        );
    }
}

#[test]
fn one_verdict_is_named_in_the_singular() {
    let folder = harbour();
    let one = ["check", "snapshots/b.json", "--now", NOW, "--evidence", "one.json", "--only", "HB-AGE-01"];
    assert_eq!(run(folder.path(), &one).code, 0);
    let again = run(folder.path(), &["verify", "one.json"]);
    assert_eq!(again.stdout, "identical: 1 verdict as of 2026-09-01T12:00:00Z\n", "{again:?}");
}

#[test]
fn every_changed_input_is_a_difference() {
    let changes: [(&str, String, &str); 6] = [
        ("snapshots/a.json", edited("\"length\": 12", "\"length\": 42"), "different: snapshot 1 snapshots/a.json: "),
        ("snapshots/c.json", SOUND.to_owned(), "different: snapshot 3 snapshots/c.json: "),
        ("harbour.cedarschema", format!("{SCHEMA}\n"), "different: schema harbour.cedarschema: "),
        (
            "policies/harbour.cedar",
            POLICIES.replace("\"low\"", "\"high\""),
            "different: policies policies/harbour.cedar: ",
        ),
        (
            "deodar.toml",
            "schema = \"harbour.cedarschema\"\npolicies = [\"policies\"]\n[parameters]\nmax_boats = 4\n".to_owned(),
            "different: parameters: ",
        ),
        ("deodar.toml", "fail_on = 1".to_owned(), "different: configuration deodar.toml: "),
    ];
    for (name, text, difference) in changes {
        let folder = harbour();
        write(&folder, name, &text);
        let again = run(folder.path(), &["verify", "evidence.json"]);
        assert_eq!(again.code, 1, "{name}: {again:?}");
        assert!(again.stdout.contains(difference), "{name}: {again:?}");
    }
}

#[test]
fn every_edit_of_the_file_is_noticed() {
    let folder = harbour();
    let text = std::fs::read_to_string(folder.path().join("evidence.json")).expect("it is written");
    let evidence: Value = serde_json::from_str(&text).expect("it is JSON");
    for (pointer, value, code) in [
        ("/verdicts/fail", json!(0), 1),
        ("/sha256", json!("0"), 1),
        ("/exit_code", json!(0), 1),
        ("/now", json!("2026-09-02T12:00:00Z"), 1),
        ("/inputs/parameters", json!(null), 1),
        ("/engine", json!("0.0.9"), 0),
        ("/command/0", json!("list"), 5),
        ("/command/1", json!("--none"), 5),
        ("/format", json!("deodar-report"), 5),
        ("/version", json!("2.0"), 5),
        ("/now", json!("yesterday"), 5),
        ("/inputs", json!([]), 5),
    ] {
        let mut edited = evidence.clone();
        *edited.pointer_mut(pointer).expect("it is there") = value;
        write(&folder, "edited.json", &edited.to_string());
        let again = run(folder.path(), &["verify", "edited.json"]);
        assert_eq!(again.code, code, "{pointer}: {again:?}");
        assert!(pointer != "/engine" || again.stdout.starts_with("another engine: version "), "{again:?}");
    }
    for text in ["", "{}", "[", "{\"format\":\"deodar-evidence\"}"] {
        write(&folder, "edited.json", text);
        assert_eq!(run(folder.path(), &["verify", "edited.json"]).code, 5, "{text}");
    }
    assert_eq!(run(folder.path(), &["verify", "none.json"]).code, 5);
}

#[test]
fn a_repetition_writes_nothing() {
    let folder = harbour();
    let arguments = ["check", "snapshots", "--now", NOW, "--evidence", "evidence.json", "--output", "json=report.json"];
    assert_eq!(run(folder.path(), &arguments).code, 1);
    for name in ["report.json", "evidence.json"] {
        let text = std::fs::read_to_string(folder.path().join(name)).expect("it is written");
        write(
            &folder,
            if name == "report.json" { name } else { "copy.json" },
            if name == "report.json" { "kept" } else { &text },
        );
    }
    std::fs::remove_file(folder.path().join("evidence.json")).expect("it can be removed");
    assert_eq!(run(folder.path(), &["verify", "copy.json"]).code, 0);
    assert_eq!(std::fs::read_to_string(folder.path().join("report.json")).expect("it is there"), "kept");
    assert!(!folder.path().join("evidence.json").exists());
}

#[test]
fn evidence_needs_files_that_are_read_again_and_a_file_of_its_own() {
    let folder = harbour();
    for arguments in [
        &["check", "-", "--evidence", "e.json"][..],
        &["check", "snapshots", "--evidence", "snapshots/b.json"],
        &["check", "snapshots", "--evidence", "deodar.toml"],
        &["check", "snapshots", "--evidence", "e.json", "--output", "json=e.json"],
        &["check", "snapshots", "--evidence", "e.json", "--watch"],
    ] {
        assert_eq!(run(folder.path(), arguments).code, 2, "{arguments:?}");
    }
}
