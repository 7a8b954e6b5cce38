//! Saved reports: read back and merged, and never taken for more than they are. Outputs do not overwrite inputs.

use crate::support::{NOW, POLICIES, Run, SCHEMA, SOUND, command, edited, folder, replaced};
use serde_json::{Value, json};
use std::path::Path;

/// Runs Deodar in a folder.
fn run(folder: &Path, arguments: &[&str]) -> Run {
    command(folder).args(arguments).output().expect("the binary is built").into()
}

/// Returns a folder with the harbour pack, a sound snapshot and one with a failure.
fn harbours() -> tempfile::TempDir {
    let long = edited("\"length\": 12", "\"length\": 41");
    folder(&[
        ("harbour.cedarschema", SCHEMA.as_bytes()),
        ("policies/harbour.cedar", POLICIES.as_bytes()),
        ("sound.json", SOUND.as_bytes()),
        ("long.json", long.as_bytes()),
    ])
}

fn check<'a>(snapshot: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let pack = ["--schema", "harbour.cedarschema", "--policies", "policies", "--now", NOW];
    [&["check", snapshot][..], &pack, more].concat()
}

#[test]
fn a_run_that_was_interrupted_does_not_lend_its_lines_to_another() {
    let folder = harbours();
    run(folder.path(), &check("sound.json", &["--output", "ndjson=sound.ndjson"]));
    assert_eq!(run(folder.path(), &check("long.json", &["--output", "ndjson=long.ndjson"])).code, 1);
    let both = ["render", "sound.ndjson", "long.ndjson", "--output", "json"];
    let whole = run(folder.path(), &both);
    assert_eq!((whole.code, &whole.json()["summary"]["accounts"]), (1, &json!(2)), "{whole:?}");
    let lines = std::fs::read_to_string(folder.path().join("long.ndjson")).expect("it was written");
    let cut = lines.lines().next().expect("a line");
    std::fs::write(folder.path().join("long.ndjson"), cut).expect("it can be written");
    for files in [["sound.ndjson", "long.ndjson"], ["long.ndjson", "sound.ndjson"]] {
        let merged = run(folder.path(), &["render", files[0], files[1], "--output", "json"]);
        assert_eq!((merged.code, merged.stdout.as_str()), (5, ""), "{merged:?}");
    }
}

/// A change of a report.
type Edit = fn(&mut Value);

/// Judges a boat that is too long without two checks, and expects that the report is refused after each of some edits.
#[test]
fn a_report_whose_states_are_not_those_of_its_verdicts_is_refused() {
    let folder = harbours();
    let more = ["--skip", "HB-OWN-01,HB-PIER-01", "--output", "json=report.json"];
    assert_eq!(run(folder.path(), &check("long.json", &more)).code, 1);
    let text = std::fs::read_to_string(folder.path().join("report.json")).expect("it was written");
    let edits: [(&str, Edit); 8] = [
        ("not run", |report| report["run"]["snapshots"][0]["checks"]["HB-OWN-01"]["state"] = json!("no_resources")),
        ("not run by the run", |report| check_of(report, "HB-OWN-01")["state"] = json!("no_resources")),
        ("run", |report| report["run"]["snapshots"][0]["checks"]["HB-OWN-01"]["state"] = json!("run")),
        ("invalid", |report| report["run"]["snapshots"][0]["checks"]["HB-OWN-01"]["state"] = json!("invalid")),
        ("deselected", |report| report["run"]["snapshots"][0]["checks"]["HB-LEN-01"]["state"] = json!("deselected")),
        ("deselected by the run", |report| check_of(report, "HB-LEN-01")["state"] = json!("deselected")),
        ("no resources", |report| check_of(report, "HB-LEN-01")["state"] = json!("no_resources")),
        ("another check", |report| {
            report["run"]["snapshots"][0]["checks"]["HB-X-01"] = json!({ "state": "run", "pass": 1 });
        }),
    ];
    refused(&folder, &text, &edits);
}

#[test]
fn a_report_whose_controls_are_not_those_of_its_checks_is_refused() {
    let folder = harbours();
    run(folder.path(), &check("long.json", &["--by", "framework=iso-27001", "--output", "json=report.json"]));
    let text = std::fs::read_to_string(folder.path().join("report.json")).expect("it was written");
    let edits: [(&str, Edit); 4] = [
        ("status", |report| report["by_control"]["controls"][0]["standing"] = json!("failed")),
        ("counts", |report| report["by_control"]["controls"][0]["counts"]["pass"] = json!(3)),
        ("controls", |report| report["by_control"]["controls"] = json!([])),
        ("unmapped", |report| report["by_control"]["unmapped_checks"] = json!(["HB-X-01"])),
    ];
    refused(&folder, &text, &edits);
}

#[test]
fn lines_that_do_not_agree_with_their_run_are_refused() {
    let folder = harbours();
    let checked = run(folder.path(), &check("long.json", &["--output", "ndjson=report.ndjson"]));
    assert_eq!(checked.code, 1, "{checked:?}");
    let text = std::fs::read_to_string(folder.path().join("report.ndjson")).expect("it was written");
    let (line, rest) = text.split_once('\n').expect("two lines");
    let edits: [(&str, Edit); 6] = [
        ("pack", |line| line["pack"] = json!("another pack")),
        ("version", |line| line["pack_version"] = json!("9")),
        ("verdicts", |line| line["verdicts"]["fail"] = json!(0)),
        ("exit code", |line| line["exit_code"] = json!(0)),
        ("statuses", |line| line["statuses"] = json!(["findings", "incomplete"])),
        ("no status", |line| (line["exit_code"], line["statuses"]) = (json!(0), json!(["clean"]))),
    ];
    for (name, edit) in edits {
        let mut line: Value = serde_json::from_str(line).expect("it is JSON");
        edit(&mut line);
        std::fs::write(folder.path().join("edited.ndjson"), format!("{line}\n{rest}")).expect("it can be written");
        let rendered = run(folder.path(), &["render", "edited.ndjson", "--output", "json"]);
        assert_eq!((rendered.code, rendered.stdout.as_str()), (5, ""), "{name}: {rendered:?}");
        assert!(rendered.stderr.contains("contradicts itself"), "{name}: {rendered:?}");
    }
    assert_eq!(run(folder.path(), &["render", "report.ndjson", "--output", "json"]).code, 1);
}

#[test]
fn a_report_whose_times_contradict_its_waivers_is_refused() {
    let folder = harbours();
    std::fs::write(folder.path().join("waivers.cedar"), WAIVER).expect("it can be written");
    let judged = |now: &'static str| {
        let more = ["--waivers", "waivers.cedar", "--output", "json=report.json"];
        let pack = ["check", "long.json", "--schema", "harbour.cedarschema", "--policies", "policies", "--now", now];
        run(folder.path(), &[&pack[..], &more].concat());
        std::fs::read_to_string(folder.path().join("report.json")).expect("it was written")
    };
    let expire = |report: &mut Value, day: &str| {
        report["waivers"][0]["expires"] = json!(day);
        for finding in report["findings"].as_array_mut().expect("findings") {
            if finding["waiver"].is_object() {
                finding["waiver"]["expires"] = json!(day);
            }
        }
    };
    let live = judged("2026-12-31T23:59:59Z");
    let mut report: Value = serde_json::from_str(&live).expect("it is JSON");
    assert_eq!(report["waivers"][0]["status"], "live");
    let edits: [(&str, Edit); 4] = [
        ("no time", |report| report["run"]["now"] = json!("zzz")),
        ("no time of capture", |report| report["run"]["snapshots"][0]["captured_at"] = json!("2026-13-01T00:00:00Z")),
        ("after the last day", |report| report["run"]["now"] = json!("2027-01-01T00:00:00Z")),
        ("much later", |report| report["run"]["now"] = json!("9999999999999999 ms after 1970")),
    ];
    refused(&folder, &live, &edits);
    for day in ["2026-12-30", "soon"] {
        expire(&mut report, day);
        std::fs::write(folder.path().join("edited.json"), report.to_string()).expect("it can be written");
        let rendered = run(folder.path(), &["render", "edited.json", "--output", "json"]);
        assert!(rendered.code == 5 && rendered.stderr.contains("last day"), "{day}: {rendered:?}");
    }
    let expired = judged("2027-01-01T00:00:00Z");
    let edits: [(&str, Edit); 1] = [("before its end", |report| report["run"]["now"] = json!("2026-12-31T00:00:00Z"))];
    refused(&folder, &expired, &edits);
}

/// Returns a check of a report.
fn check_of<'r>(report: &'r mut Value, id: &str) -> &'r mut Value {
    let checks = report["checks"].as_array_mut().expect("checks");
    checks.iter_mut().find(|check| check["id"] == id).expect("it is one of them")
}

/// Expects that a report is refused after each of some edits, and read without one.
#[track_caller]
fn refused(folder: &tempfile::TempDir, text: &str, edits: &[(&str, Edit)]) {
    for (name, edit) in edits {
        let mut report: Value = serde_json::from_str(text).expect("it is JSON");
        edit(&mut report);
        std::fs::write(folder.path().join("edited.json"), report.to_string()).expect("it can be written");
        let rendered = run(folder.path(), &["render", "edited.json", "--output", "json"]);
        assert_eq!((rendered.code, rendered.stdout.as_str()), (5, ""), "{name}: {rendered:?}");
        assert!(rendered.stderr.contains("contradicts itself"), "{name}: {rendered:?}");
    }
    std::fs::write(folder.path().join("whole.json"), text).expect("it can be written");
    assert_eq!(run(folder.path(), &["render", "whole.json", "--output", "json"]).stdout, text);
}

#[test]
fn a_report_that_contradicts_itself_is_refused() {
    let folder = harbours();
    run(folder.path(), &check("long.json", &["--output", "json=report.json"]));
    let text = std::fs::read_to_string(folder.path().join("report.json")).expect("it was written");
    let edits: [(&str, Edit); 14] = [
        ("findings", |report| report["findings"] = json!([])),
        ("checks", |report| report["checks"] = json!([])),
        ("verdict", |report| report["findings"][0]["verdict"] = json!("waived")),
        ("original", |report| report["findings"][0]["original_verdict"] = json!("fail")),
        ("verdicts", |report| report["summary"]["verdicts"]["fail"] = json!(0)),
        ("errors", |report| report["summary"]["errors"] = json!(1)),
        ("snapshots", |report| report["run"]["snapshots"] = json!([])),
        ("exit code", |report| report["run"]["exit_code"] = json!(0)),
        ("counts whose sum is too large", |report| {
            for (at, id) in ["HB-AGE-01", "HB-LEN-01"].into_iter().enumerate() {
                assert_eq!(report["checks"][at]["id"], id);
                report["checks"][at]["pass"] = json!(u64::MAX);
                report["run"]["snapshots"][0]["checks"][id]["pass"] = json!(u64::MAX);
            }
            report["summary"]["verdicts"]["pass"] = json!(u64::MAX);
        }),
        ("huge counts", |report| {
            for count in ["fail", "pass"] {
                report["run"]["snapshots"][0]["checks"]["HB-LEN-01"][count] = json!(u64::MAX);
                report["run"]["snapshots"][0]["checks"]["HB-AGE-01"][count] = json!(u64::MAX);
            }
            let again = report["run"]["snapshots"][0].clone();
            report["run"]["snapshots"].as_array_mut().expect("a list").push(again);
            report["summary"]["accounts"] = json!(2);
        }),
        ("severity", |report| report["findings"][0]["severity"] = json!("low")),
        ("snapshot", |report| report["findings"][0]["snapshot"] = json!("other.json")),
        ("account", |report| report["run"]["snapshots"][0]["account"] = json!("other")),
        ("counts", |report| {
            report["run"]["snapshots"][0]["checks"]["HB-LEN-01"] = json!({ "state": "run", "pass": 2 })
        }),
    ];
    refused(&folder, &text, &edits);
}

#[test]
fn an_output_does_not_overwrite_an_input() {
    let folder = harbours();
    let read = |name: &str| std::fs::read(folder.path().join(name)).expect("it is there");
    for (snapshot, output) in [
        ("long.json", "json=long.json"),
        ("long.json", "json=./policies/../long.json"),
        ("long.json", "sarif=harbour.cedarschema"),
        ("long.json", "sarif=policies/harbour.cedar"),
        (".", "gitlab=sound.json"),
    ] {
        let path = output.split_once('=').expect("a path").1;
        let before = read(path);
        let refused = run(folder.path(), &check(snapshot, &["--output", output]));
        assert_eq!((refused.code, refused.stdout.as_str()), (2, ""), "{output}: {refused:?}");
        assert!(refused.stderr.contains("is an input of the run"), "{refused:?}");
        assert_eq!(read(path), before, "{output}");
    }
}

#[test]
fn the_output_of_a_run_is_not_one_of_its_snapshots() {
    let folder = harbours();
    for _ in 0..2 {
        let checked = run(folder.path(), &check(".", &["--output", "json=report.json"]));
        assert_eq!(checked.code, 1, "{checked:?}");
        let report: Value =
            serde_json::from_slice(&std::fs::read(folder.path().join("report.json")).expect("it was written"))
                .expect("it is JSON");
        assert_eq!(report["summary"]["accounts"], 2);
    }
}

#[test]
fn reports_for_other_programs_in_a_folder_are_not_snapshots() {
    let folder = harbours();
    for (format, name) in [("gitlab", "a.json"), ("sarif", "b.json"), ("ocsf", "c.ndjson"), ("csv", "d.json")] {
        for _ in 0..2 {
            let output = format!("{format}={name}");
            let checked = run(folder.path(), &check(".", &["--output", &output, "--format", "json"]));
            assert_eq!((checked.code, &checked.json()["summary"]["accounts"]), (1, &json!(2)), "{format}: {checked:?}");
        }
        // A later run without this output finds the file.
        let checked = run(folder.path(), &check(".", &["--format", "json"]));
        assert_eq!((checked.code, &checked.json()["summary"]["accounts"]), (1, &json!(2)), "{format}: {checked:?}");
        let named = run(folder.path(), &check(name, &[]));
        let message = format!("is a report of Deodar (`{format}`), not a snapshot");
        assert!(named.code == 5 && (named.stdout + &named.stderr).contains(&message), "{format}");
    }
    // A report of no findings is an empty array, which may also be data of an account.
    std::fs::write(folder.path().join("a.json"), "[]\n").expect("it can be written");
    assert_eq!(run(folder.path(), &check(".", &["--output", "gitlab=a.json"])).code, 1);
    std::fs::write(folder.path().join("a.json"), "[]\n").expect("it can be written");
    assert_eq!(run(folder.path(), &check(".", &[])).code, 5);
}

const WAIVER: &str = r#"
    @id("W") @waives("HB-LEN-01") @reason("r") @owner("o") @expires("2026-12-31")
    permit (principal, action == Action::"audit", resource == Boat::"east/Tern") when { resource.length == 41 };
"#;

#[test]
fn a_report_whose_waivers_contradict_its_findings_is_refused() {
    let folder = harbours();
    std::fs::write(folder.path().join("waivers.cedar"), WAIVER).expect("it can be written");
    let waived =
        run(folder.path(), &check("long.json", &["--waivers", "waivers.cedar", "--output", "json=report.json"]));
    assert_eq!(waived.code, 0, "{waived:?}");
    let text = std::fs::read_to_string(folder.path().join("report.json")).expect("it was written");
    let edits: [(&str, Edit); 10] = [
        ("none", |report| report["waivers"] = json!([])),
        ("expired", |report| report["waivers"][0]["status"] = json!("expired")),
        ("unused", |report| report["waivers"][0]["waived"] = json!(0)),
        ("of another check", |report| report["waivers"][0]["check"] = json!("HB-OWN-01")),
        ("of unknown verdicts", |report| report["waivers"][0]["unknown"] = json!("only")),
        ("original", |report| report["findings"][0]["original_verdict"] = json!("unknown")),
        ("pass", |report| report["findings"][0]["original_verdict"] = json!("pass")),
        ("another waiver", |report| report["findings"][0]["waiver"]["id"] = json!("X")),
        ("no waiver", |report| report["findings"][0]["waiver"] = json!(null)),
        ("owner", |report| report["findings"][0]["waiver"]["owner"] = json!("another")),
    ];
    for (name, edit) in edits {
        let mut report: Value = serde_json::from_str(&text).expect("it is JSON");
        edit(&mut report);
        std::fs::write(folder.path().join("edited.json"), report.to_string()).expect("it can be written");
        let rendered = run(folder.path(), &["render", "edited.json", "--output", "text"]);
        assert_eq!((rendered.code, rendered.stdout.as_str()), (5, ""), "{name} {rendered:?}");
    }
    assert_eq!(run(folder.path(), &["render", "report.json", "--output", "text"]).code, 0);
}

#[test]
fn merged_parts_have_the_waivers_of_one_run() {
    let folder = harbours();
    std::fs::write(folder.path().join("waivers.cedar"), WAIVER).expect("it can be written");
    std::fs::write(folder.path().join("sound.json"), replaced(SOUND, "\"Anse\"", "\"Bray\""))
        .expect("it can be written");
    let judged = |snapshots: &[&str], output: &str| {
        let pack = ["--schema", "harbour.cedarschema", "--policies", "policies", "--now", NOW];
        let arguments = [&["check"], snapshots, &pack, &["--waivers", "waivers.cedar", "--output", output]].concat();
        run(folder.path(), &arguments)
    };
    // The waiver is unused in one part, and used in the other.
    let sound = judged(&["sound.json"], "json=sound-report.json");
    assert!(sound.stdout.contains("waiver-unused"), "{sound:?}");
    judged(&["long.json"], "json=long-report.json");
    let whole = judged(&["sound.json", "long.json"], "json");
    let merged = run(folder.path(), &["render", "sound-report.json", "long-report.json", "--output", "json"]);
    assert_eq!((merged.code, merged.json()), (whole.code, whole.json()));
    // It is unused in both parts, or covers verdicts that it does not waive.
    let twin = replaced(SOUND, "\"Anse\"", "\"Cove\"");
    std::fs::write(folder.path().join("twin.json"), twin).expect("it can be written");
    let broad = replaced(WAIVER, "when { resource.length == 41 }", "");
    for (waiver, part) in [(WAIVER, "twin.json"), (&broad, "long.json")] {
        std::fs::write(folder.path().join("waivers.cedar"), waiver).expect("it can be written");
        judged(&["sound.json"], "json=first-report.json");
        judged(&[part], "json=second-report.json");
        let whole = judged(&["sound.json", part], "json").json();
        let merged =
            run(folder.path(), &["render", "first-report.json", "second-report.json", "--output", "json"]).json();
        assert_eq!(merged, whole);
        let place = &whole["diagnostics"][0]["labels"][0]["span"];
        assert!(place["excerpt"].is_object(), "{whole:#}");
    }
    let twice = run(folder.path(), &["render", "sound-report.json", "sound-report.json", "--output", "json"]);
    assert_eq!(twice.code, 5, "{twice:?}");
}

#[test]
fn merged_parts_have_the_controls_of_one_run() {
    let folder = harbours();
    std::fs::write(folder.path().join("other.json"), replaced(SOUND, "\"Anse\"", "\"Bray\""))
        .expect("it can be written");
    let judged = |snapshots: &[&str], more: &[&str]| {
        let pack = ["--schema", "harbour.cedarschema", "--policies", "policies", "--now", NOW];
        run(folder.path(), &[&["check"], snapshots, &pack, more].concat())
    };
    let by = ["--by", "framework=iso-27001", "--output"];
    judged(&["long.json"], &[&by[..], &["json=a.json"]].concat());
    judged(&["other.json"], &[&by[..], &["json=b.json"]].concat());
    judged(&["other.json"], &["--output", "json=c.json"]);
    let whole = judged(&["long.json", "other.json"], &[&by[..], &["json"]].concat()).json();
    let merged = run(folder.path(), &["render", "a.json", "b.json", "--output", "json"]).json();
    assert!(whole["by_control"].is_object());
    assert_eq!(merged, whole);
    let refused = run(folder.path(), &["render", "a.json", "c.json", "--output", "json"]);
    assert_eq!(refused.code, 5, "{refused:?}");
    assert!(refused.stderr.contains("controls"), "{refused:?}");
}

#[test]
fn merged_parts_of_one_account_are_reported() {
    let folder = harbours();
    let judged = |snapshots: &[&str], output: &str| {
        let pack = ["--schema", "harbour.cedarschema", "--policies", "policies", "--now", NOW, "--output", output];
        run(folder.path(), &[&["check"], snapshots, &pack].concat())
    };
    judged(&["sound.json"], "json=a.json");
    judged(&["long.json"], "json=b.json");
    let whole = judged(&["sound.json", "long.json"], "json").json();
    let merged = run(folder.path(), &["render", "a.json", "b.json", "--output", "json"]).json();
    assert_eq!(merged, whole);
    assert_eq!(whole["diagnostics"][0]["code"], "same-account");
}

/// A problem that no snapshot has what a setting, a check or a baseline names is one of all parts.
#[test]
fn merged_parts_have_the_problems_of_one_run() {
    let folder = harbours();
    let schema = replaced(SCHEMA, "@path(\"/piers/*\")", "@parameter_scope\n@path(\"/piers/*\")");
    std::fs::write(folder.path().join("harbour.cedarschema"), schema).expect("it can be written");
    let bray = replaced(&replaced(SOUND, "\"Anse\"", "\"Bray\""), "\"east\"", "\"west\"");
    let cove = replaced(&bray, "\"Bray\"", "\"Cove\"");
    let scoped = |id: &str, scope: &str| {
        let when = if id == "S-LIT" { "when { resource == Pier::\"west\" }" } else { "" };
        format!(
            "@id({id:?}) @title(\"t\") @severity(\"low\") forbid ({scope}) {when} unless {{ resource.length > 0 }};\n"
        )
    };
    let account = |name: &str| format!("principal == Harbour::{name:?}, action == Action::\"audit\", resource is Pier");
    let more = [
        scoped("S-ONE", &account("Anse")),
        scoped("S-NONE", &account("Dune")),
        scoped("S-BOTH", "principal == Harbour::\"Anse\", action == Action::\"audit\", resource == Pier::\"nowhere\""),
        scoped("S-PIER", "principal, action == Action::\"audit\", resource == Pier::\"east\""),
        scoped("S-LIT", "principal, action == Action::\"audit\", resource is Pier"),
    ];
    std::fs::write(folder.path().join("policies/more.cedar"), more.concat()).expect("it can be written");
    std::fs::write(folder.path().join("bray.json"), bray).expect("it can be written");
    std::fs::write(folder.path().join("cove.json"), cove).expect("it can be written");
    run(folder.path(), &check("long.json", &["--output", "json=base.json"]));
    let judged = |snapshots: &[&str], output: &str| {
        let pack =
            ["--schema", "harbour.cedarschema", "--policies", "policies", "--now", NOW, "--baseline", "base.json"];
        let arguments = [&["check"], snapshots, &pack, &["--param", "east:max_boats=9", "--output", output]].concat();
        run(folder.path(), &arguments)
    };
    for parts in [["long.json", "bray.json", "cove.json"], ["bray.json", "cove.json", "long.json"]] {
        let reports = ["a.json.report", "b.json.report", "c.json.report"];
        for (part, report) in parts.iter().zip(reports) {
            let part = judged(&[part], &format!("json={report}"));
            assert!([0, 5].contains(&part.code), "{part:?}");
        }
        let whole = judged(&parts, "json");
        let merged = run(folder.path(), &[&["render"], &reports[..], &["--output", "json"]].concat());
        assert_eq!((merged.code, merged.json()), (whole.code, whole.json()));
        assert_eq!(whole.code, 0, "{whole:?}");
        let messages: Vec<Value> = whole.json()["diagnostics"].as_array().expect("diagnostics").clone();
        let none = messages.iter().find(|it| it["code"] == "no-account").expect("a warning");
        assert!(none["message"].to_string().contains("S-NONE") && messages.len() == 2, "{messages:?}");
        let instance = messages.iter().find(|it| it["code"] == "no-instance").expect("a warning");
        assert!(instance["message"].to_string().contains("S-BOTH"), "{messages:?}");
    }
    // The files of the parts may have other paths.
    std::fs::rename(folder.path().join("policies"), folder.path().join("copy")).expect("it can be renamed");
    let copy = ["--schema", "harbour.cedarschema", "--policies", "copy", "--now", NOW];
    run(folder.path(), &[&["check", "long.json"], &copy[..], &["--output", "json=a.json.report"]].concat());
    std::fs::rename(folder.path().join("copy"), folder.path().join("policies")).expect("it can be renamed");
    let pack = ["--schema", "harbour.cedarschema", "--policies", "policies", "--now", NOW];
    run(folder.path(), &[&["check", "bray.json"], &pack[..], &["--output", "json=b.json.report"]].concat());
    let merged = run(folder.path(), &["render", "a.json.report", "b.json.report", "--output", "json"]);
    let found = merged.json()["diagnostics"].as_array().expect("diagnostics").clone();
    let codes: Vec<&Value> = found.iter().map(|it| &it["code"]).collect();
    assert_eq!(codes, ["no-account", "no-instance"], "{found:?}");
    // A parameter that does not exist is an error of the part, and of the whole.
    for (snapshot, report, more) in
        [("long.json", "a.json.report", &["--param", "max_boat=9"][..]), ("bray.json", "b.json.report", &[])]
    {
        run(folder.path(), &[&["check", snapshot], &pack[..], more, &["--output", &format!("json={report}")]].concat());
    }
    for reports in [["a.json.report", "b.json.report"], ["b.json.report", "a.json.report"]] {
        let merged = run(folder.path(), &[&["render"], &reports[..], &["--output", "json"]].concat());
        assert!(merged.code == 5 && merged.stdout.contains("there is no parameter `max_boat`"), "{merged:?}");
    }
    // The settings of parts without the instance are an error of the whole.
    for (snapshot, report) in [("bray.json", "a.json.report"), ("cove.json", "b.json.report")] {
        assert_eq!(judged(&[snapshot], &format!("json={report}")).code, 5);
    }
    let whole = judged(&["bray.json", "cove.json"], "json");
    let merged = run(folder.path(), &["render", "a.json.report", "b.json.report", "--output", "json"]);
    assert_eq!((merged.code, merged.json()), (whole.code, whole.json()));
    assert!(whole.code == 5 && whole.stdout.contains("no judged snapshot has it"), "{whole:?}");
    assert!(whole.stdout.contains("the baseline `base.json` has no finding"), "{whole:?}");
}

/// Two snapshots of one account are an error with a baseline, and the report of it can be read.
#[test]
fn a_report_of_two_snapshots_of_one_account_with_a_baseline_is_read() {
    let folder = harbours();
    run(folder.path(), &check("long.json", &["--output", "json=base.json"]));
    let judged = |snapshots: &[&str], output: &str| {
        let pack =
            ["--schema", "harbour.cedarschema", "--policies", "policies", "--now", NOW, "--baseline", "base.json"];
        run(folder.path(), &[&["check"], snapshots, &pack, &["--output", output]].concat())
    };
    let whole = judged(&["sound.json", "long.json"], "json");
    assert_eq!(whole.code, 5, "{whole:?}");
    assert_eq!(whole.json()["run"]["baseline"]["judged"], 2);
    std::fs::write(folder.path().join("report.json"), &whole.stdout).expect("it can be written");
    judged(&["sound.json"], "json=a.report");
    judged(&["long.json"], "json=b.report");
    for reports in [&["report.json"][..], &["a.report", "b.report"]] {
        let rendered = run(folder.path(), &[&["render"], reports, &["--output", "json"]].concat());
        assert_eq!((rendered.code, rendered.json()), (5, whole.json()), "{reports:?}");
    }
}
