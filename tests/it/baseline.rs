//! Runs that are compared with a saved report: only verdicts that are new or worse determine the exit code, and a baseline
//! that is not a whole report is an error.

use crate::support::{NOW, POLICIES, Run, SCHEMA, SOUND, command, edited, folder, replaced};
use serde_json::{Value, json};
use std::path::Path;
use tempfile::TempDir;

/// Runs Deodar in a folder.
fn run(folder: &Path, arguments: &[&str]) -> Run {
    command(folder).args(arguments).output().expect("the binary is built").into()
}

fn check(folder: &Path, snapshot: &str, more: &[&str]) -> Run {
    let pack = ["--schema", "harbour.cedarschema", "--policies", "policies", "--now", NOW];
    run(folder, &[&["check", snapshot][..], &pack, more].concat())
}

/// A harbour with a boat that is too long, and one whose length was not captured.
fn flawed() -> String {
    replaced(&edited("\"length\": 12", "\"length\": 41"), "\"length\": 9, ", "")
}

/// Returns a folder with the harbour pack, some snapshots, and the report of the flawed one.
fn harbours(more: &[(&str, &str)]) -> TempDir {
    let flawed = flawed();
    let mut files = vec![
        ("harbour.cedarschema", SCHEMA.as_bytes()),
        ("policies/harbour.cedar", POLICIES.as_bytes()),
        ("sound.json", SOUND.as_bytes()),
        ("flawed.json", flawed.as_bytes()),
    ];
    files.extend(more.iter().map(|(name, text)| (*name, text.as_bytes())));
    let folder = folder(&files);
    assert_eq!(check(folder.path(), "flawed.json", &["--output", "json=base.json"]).code, 1);
    assert_eq!(check(folder.path(), "sound.json", &["--output", "json=clean.json"]).code, 0);
    folder
}

fn write(folder: &TempDir, name: &str, text: &str) {
    std::fs::write(folder.path().join(name), text).expect("files can be written");
}

fn read(folder: &TempDir, name: &str) -> String {
    std::fs::read_to_string(folder.path().join(name)).expect("it was written")
}

/// Returns the last line of text.
fn last(run: &Run) -> &str {
    run.stdout.trim_end().lines().last().unwrap_or_default().trim()
}

/// Returns the check, the resource and the change of every finding.
fn changes(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().expect("findings");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    findings
        .iter()
        .map(|it| format!("{} {} {}", text(&it["check"]), text(&it["resource"]["id"]), text(&it["baseline"])))
        .collect()
}

#[test]
fn a_run_against_its_own_report_ends_with_0() {
    let folder = harbours(&[]);
    let own = check(folder.path(), "flawed.json", &["--baseline", "base.json"]);
    assert_eq!(own.code, 0, "{own:?}");
    let covers = "the baseline covers 1 unchanged failure and 1 unknown verdict, 0 fixed or removed";
    assert_eq!(
        own.stdout.split_whitespace().collect::<Vec<_>>().join(" ").split_once("exit 0: ").expect("it is stated").1,
        format!("nothing at or above the threshold is new or worse than the baseline; {covers}")
    );
    assert!(!own.stdout.contains("Tern") && !own.stdout.contains("✗"), "{}", own.stdout);
    assert!(own.stdout.contains("  covered   1  HB-LEN-01\n"), "{}", own.stdout);
    let report = check(folder.path(), "flawed.json", &["--baseline", "base.json", "--format", "json"]).json();
    assert_eq!(changes(&report), ["HB-LEN-01 east/Tern unchanged", "HB-LEN-01 east/Wren unchanged"]);
    assert_eq!(report["run"]["statuses"], json!(["clean"]));
    let ndjson = check(folder.path(), "flawed.json", &["--baseline", "base.json", "--format", "ndjson"]);
    assert_eq!((ndjson.code, &ndjson.accounts()[0]["exit_code"]), (0, &json!(0)));
}

#[test]
fn only_new_and_worse_verdicts_count() {
    let longer = replaced(&flawed(), "\"bo@anse.example\", \"active\": true", "\"bo@anse.example\", \"active\": false");
    let unknown = edited("\"length\": 12, ", "");
    let folder = harbours(&[("longer.json", &longer), ("unknown.json", &unknown)]);
    let report = |snapshot: &str, baseline: &str, code: i32| {
        let run = check(folder.path(), snapshot, &["--baseline", baseline, "--format", "json"]);
        assert_eq!(run.code, code, "{snapshot} against {baseline}: {run:?}");
        run.json()
    };
    // Another verdict is new, and the others do not count.
    let new = report("longer.json", "base.json", 1);
    let expected = ["HB-OWN-01 east/Wren new", "HB-LEN-01 east/Tern unchanged", "HB-LEN-01 east/Wren unchanged"];
    assert_eq!(changes(&new), expected);
    assert_eq!(new["run"]["statuses"], json!(["findings"]));
    // Everything is new for a clean baseline.
    let first = report("flawed.json", "clean.json", 1);
    assert_eq!(changes(&first), ["HB-LEN-01 east/Tern new", "HB-LEN-01 east/Wren new"]);
    assert_eq!(first["run"]["statuses"], json!(["findings", "incomplete"]));
    // A failure whose value is no longer captured is better, and one that was fixed is counted.
    let better = report("unknown.json", "base.json", 0);
    assert_eq!(changes(&better), ["HB-LEN-01 east/Tern better"]);
    let checks = better["checks"].as_array().expect("checks");
    let length = checks.iter().find(|check| check["id"] == "HB-LEN-01").expect("it is one of them");
    let counts = json!({ "new": {}, "worse": {}, "better": { "unknown": 1 }, "unchanged": {}, "fixed": 1 });
    assert_eq!(length["baseline"], counts);
    // An unknown verdict that fails is worse.
    check(folder.path(), "unknown.json", &["--output", "json=unknown-report.json"]);
    let worse = report("flawed.json", "unknown-report.json", 1);
    assert_eq!(changes(&worse), ["HB-LEN-01 east/Tern worse", "HB-LEN-01 east/Wren new"]);
    // A verdict that passed is worse too, if the baseline has all verdicts.
    check(folder.path(), "sound.json", &["--verdicts", "all", "--output", "json=all.json"]);
    let worse = report("flawed.json", "all.json", 1);
    assert_eq!(changes(&worse), ["HB-LEN-01 east/Tern worse", "HB-LEN-01 east/Wren worse"]);
}

#[test]
fn the_last_line_states_what_the_baseline_covers() {
    let unknown = edited("\"length\": 12, ", "");
    let folder = harbours(&[("unknown.json", &unknown)]);
    let wide = |snapshot: &str, more: &[&str]| {
        let run = command(folder.path())
            .args(["check", snapshot, "--schema", "harbour.cedarschema", "--policies", "policies", "--now", NOW])
            .args(["--baseline", "base.json"])
            .args(more)
            .env("COLUMNS", "200")
            .output();
        let run: Run = run.expect("the binary is built").into();
        last(&run).to_owned()
    };
    let fixed = "the baseline covers 0 unchanged failures and 0 unknown verdicts, 2 fixed or removed";
    assert!(wide("sound.json", &[]).ends_with(fixed), "{}", wide("sound.json", &[]));
    let one = "the baseline covers 0 unchanged failures and 1 unknown verdict, 1 fixed or removed";
    assert!(wide("unknown.json", &["--quiet"]).ends_with(one), "{}", wide("unknown.json", &["--quiet"]));
    let not_judged =
        "the baseline covers 0 unchanged failures and 0 unknown verdicts, 0 fixed or removed, 2 not judged";
    assert!(wide("flawed.json", &["--skip", "HB-LEN-01"]).ends_with(not_judged));
}

#[test]
fn identity_survives_a_new_order_other_policies_and_other_files() {
    let folder = harbours(&[]);
    // The boats change places, the file has another name and layout, and the policy another text.
    let flawed: Value = serde_json::from_str(&flawed()).expect("it is JSON");
    let mut turned = flawed.clone();
    turned["piers"][0]["boats"].as_array_mut().expect("boats").reverse();
    write(&folder, "turned.json", &turned.to_string());
    let policies =
        replaced(POLICIES, "resource.length <= resource.pier.length", "resource.pier.length >= resource.length");
    write(&folder, "policies/harbour.cedar", &policies);
    let run = check(folder.path(), "turned.json", &["--baseline", "base.json", "--format", "json"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(changes(&run.json()), ["HB-LEN-01 east/Tern unchanged", "HB-LEN-01 east/Wren unchanged"]);
}

#[test]
fn a_check_that_did_not_run_in_the_baseline_is_new() {
    let folder = harbours(&[]);
    check(folder.path(), "flawed.json", &["--skip", "HB-LEN-01", "--output", "json=skipped.json"]);
    let run = check(folder.path(), "flawed.json", &["--baseline", "skipped.json"]);
    assert_eq!(run.code, 1, "{run:?}");
}

#[test]
fn another_account_or_pack_covers_nothing() {
    let folder = harbours(&[("bray.json", &replaced(&flawed(), "Anse", "Bray"))]);
    let other = check(folder.path(), "bray.json", &["--baseline", "base.json"]);
    assert_eq!(other.code, 1, "{other:?}");
    assert!(other.stdout.contains("`base.json` has no finding of the accounts and checks of this"), "{other:?}");
    write(&folder, "policies/harbour.cedar", &POLICIES.replace("HB-", "XX-"));
    assert_eq!(check(folder.path(), "flawed.json", &["--baseline", "base.json"]).code, 1);
}

#[test]
fn a_baseline_that_is_not_a_whole_report_is_exit_5() {
    let folder = harbours(&[]);
    let text = read(&folder, "base.json");
    let edit = |edit: &dyn Fn(&mut Value)| {
        let mut report: Value = serde_json::from_str(&text).expect("it is JSON");
        edit(&mut report);
        report.to_string()
    };
    let fingerprint = |report: &Value, at: usize| report["findings"][at]["fingerprint"].clone();
    let damaged = [
        ("empty", String::new()),
        ("snapshot", SOUND.to_owned()),
        ("cut", text[..text.len() / 2].to_owned()),
        ("version", edit(&|report| report["version"] = json!("1.0"))),
        ("format", edit(&|report| report["format"] = json!("deodar-test"))),
        ("two reports of one run", format!("{text}{text}")),
        ("a finding less", edit(&|report| drop(report["findings"].as_array_mut().expect("findings").remove(0)))),
        (
            "a finding twice",
            edit(&|report| {
                let twice = report["findings"][0].clone();
                report["findings"].as_array_mut().expect("findings").push(twice);
            }),
        ),
        // A finding in the place of another one, and the same finding in the place of two.
        ("a finding of another resource", edit(&|report| report["findings"][0]["resource"]["id"] = json!("east/Auk"))),
        ("a foreign fingerprint", edit(&|report| report["findings"][0]["fingerprint"] = json!("0".repeat(32)))),
        (
            "the fingerprint of another finding",
            edit(&|report| {
                report["findings"][1]["fingerprint"] = fingerprint(report, 0);
            }),
        ),
        (
            "a resource twice",
            edit(&|report| {
                report["findings"][1]["fingerprint"] = fingerprint(report, 0);
                report["findings"][1]["resource"] = report["findings"][0]["resource"].clone();
            }),
        ),
        ("another account", edit(&|report| report["run"]["snapshots"][0]["account"] = json!("Bray"))),
        ("a change without a baseline", edit(&|report| report["findings"][0]["baseline"] = json!("unchanged"))),
    ];
    for (name, text) in damaged {
        write(&folder, "damaged.json", &text);
        let run = check(folder.path(), "flawed.json", &["--baseline", "damaged.json"]);
        assert_eq!(run.code, 5, "{name}: {run:?}");
        assert!(run.stdout.contains("saved-report"), "{name}: {run:?}");
    }
    for missing in ["missing.json", "policies"] {
        let run = check(folder.path(), "flawed.json", &["--baseline", missing]);
        assert_eq!(run.code, 5, "{missing}: {run:?}");
    }
    assert_eq!(check(folder.path(), "flawed.json", &["--baseline", "-"]).code, 2);
}

/// A change of a report.
type Edit = fn(&mut Value);

#[test]
fn a_report_with_a_baseline_that_was_edited_is_refused() {
    let folder = harbours(&[]);
    check(folder.path(), "flawed.json", &["--baseline", "clean.json", "--output", "json=compared.json"]);
    let text = read(&folder, "compared.json");
    assert_eq!(run(folder.path(), &["render", "compared.json", "--output", "json"]).stdout, text);
    let edits: [(&str, Edit); 4] = [
        ("finding", |report| report["findings"][0]["baseline"] = json!("unchanged")),
        ("no mark", |report| drop(report["findings"][0].as_object_mut().expect("an object").remove("baseline"))),
        ("exit code", |report| {
            report["run"]["exit_code"] = json!(0);
            report["run"]["statuses"] = json!(["clean"]);
        }),
        ("count", |report| {
            for check in report["checks"].as_array_mut().expect("checks") {
                let new = check["baseline"]["new"].take();
                check["baseline"]["unchanged"] = new;
                check["baseline"]["new"] = json!({});
            }
        }),
    ];
    for (name, edit) in edits {
        let mut report: Value = serde_json::from_str(&text).expect("it is JSON");
        edit(&mut report);
        write(&folder, "edited.json", &report.to_string());
        let rendered = run(folder.path(), &["render", "edited.json", "--output", "json"]);
        assert_eq!((rendered.code, rendered.stdout.as_str()), (5, ""), "{name}: {rendered:?}");
    }
}

#[test]
fn the_output_of_a_run_does_not_overwrite_its_baseline() {
    let folder = harbours(&[]);
    let before = read(&folder, "base.json");
    for output in ["json=base.json", "sarif=./policies/../base.json"] {
        let refused = check(folder.path(), "flawed.json", &["--baseline", "base.json", "--output", output]);
        assert_eq!((refused.code, refused.stdout.as_str()), (2, ""), "{refused:?}");
        assert_eq!(read(&folder, "base.json"), before);
    }
    // Neither does it create the file: the next run would take it for the baseline.
    let refused = check(folder.path(), "flawed.json", &["--baseline", "none.json", "--output", "json=none.json"]);
    assert_eq!((refused.code, folder.path().join("none.json").exists()), (2, false), "{refused:?}");
}

#[test]
fn reports_with_different_baselines_are_not_merged() {
    let folder = harbours(&[("bray.json", &replaced(&flawed(), "Anse", "Bray"))]);
    check(folder.path(), "flawed.json", &["--baseline", "base.json", "--output", "json=a.json"]);
    check(folder.path(), "bray.json", &["--baseline", "clean.json", "--output", "json=b.json"]);
    check(folder.path(), "bray.json", &["--baseline", "base.json", "--output", "json=c.json"]);
    let merged = run(folder.path(), &["render", "a.json", "b.json", "--output", "json"]);
    assert_eq!(merged.code, 5, "{merged:?}");
    assert!(merged.stderr.contains("their baselines differ"), "{merged:?}");
    let merged = run(folder.path(), &["render", "a.json", "c.json", "--output", "json"]);
    let baseline = &merged.json()["run"]["baseline"];
    assert_eq!((merged.code, &baseline["findings"], &baseline["judged"]), (1, &json!(2), &json!(2)), "{merged:?}");
}

#[test]
fn equal_account_ids_do_not_cover_each_other() {
    let schema = replaced(SCHEMA, "@path(\"\")\n@key(\"name\")\n", "@path(\"\")\n");
    let folder = harbours(&[("bray.json", &replaced(&flawed(), "Anse", "Bray"))]);
    write(&folder, "harbour.cedarschema", &schema);
    check(folder.path(), "flawed.json", &["--output", "json=base.json"]);
    let both = command(folder.path())
        .args(["check", "flawed.json", "bray.json", "--schema", "harbour.cedarschema", "--policies", "policies"])
        .args(["--now", NOW, "--baseline", "base.json"])
        .output();
    let both: Run = both.expect("the binary is built").into();
    assert_eq!(both.code, 5, "{both:?}");
    assert!(both.stdout.contains("same-account"), "{both:?}");
    // Neither is a baseline with two of them.
    let pack = ["--schema", "harbour.cedarschema", "--policies", "policies", "--now", NOW];
    run(folder.path(), &[&["check", "flawed.json", "bray.json", "--output", "json=both.json"][..], &pack].concat());
    let twice = check(folder.path(), "flawed.json", &["--baseline", "both.json"]);
    assert_eq!(twice.code, 5, "{twice:?}");
}

#[test]
fn every_output_marks_findings_and_text_is_the_same_from_a_saved_report() {
    let folder = harbours(&[]);
    let outputs = ["json", "ndjson", "sarif", "junit", "csv", "github", "markdown"];
    let outputs: Vec<String> =
        outputs.iter().flat_map(|it| ["--output".to_owned(), format!("{it}=out.{it}")]).collect();
    let outputs: Vec<&str> = outputs.iter().map(String::as_str).collect();
    let text = check(folder.path(), "flawed.json", &[&["--baseline", "base.json"][..], &outputs].concat());
    assert_eq!(text.code, 0, "{text:?}");
    let sarif: Value = serde_json::from_str(&read(&folder, "out.sarif")).expect("it is JSON");
    assert!(
        sarif["runs"][0]["results"].as_array().expect("results").iter().all(|it| it["baselineState"] == "unchanged")
    );
    for (format, mark) in [
        ("junit", "baseline unchanged"),
        ("csv", ",unchanged"),
        ("github", "unchanged fail"),
        ("markdown", "**unchanged fail**"),
    ] {
        assert!(read(&folder, &format!("out.{format}")).contains(mark), "{format}");
    }
    assert!(!read(&folder, "out.github").contains("::error"));
    for saved in ["out.json", "out.ndjson"] {
        for (format, expected) in [("sarif", read(&folder, "out.sarif")), ("json", read(&folder, "out.json"))] {
            let rendered = run(folder.path(), &["render", saved, "--output", format]);
            assert_eq!((rendered.code, rendered.stdout == expected), (0, true), "{format} of {saved}");
        }
        let rendered = run(folder.path(), &["render", saved, "--output", "text"]);
        assert_eq!(rendered.stdout, text.stdout, "{saved}");
    }
    // New findings in text have a mark, and those that are covered do not use their places.
    let new = check(folder.path(), "flawed.json", &["--baseline", "clean.json"]);
    assert!(new.stdout.contains("HB-LEN-01 · high · fail · new"), "{new:?}");
    let concise = check(folder.path(), "flawed.json", &["--baseline", "clean.json", "--style", "concise"]);
    assert!(concise.stdout.contains("✗ new Boat east/Tern"), "{concise:?}");
}
