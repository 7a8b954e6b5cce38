//! `deodar check --store`: one report for each account and time, equal to that of a run alone, and no file is replaced.

use crate::support::{HARBOUR, POLICIES, Run, SCHEMA, SOUND, command, edited, folder, replaced};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use tempfile::TempDir;

/// Returns a folder with the harbour pack and some files.
fn harbours(files: &[(&str, &[u8])]) -> TempDir {
    let pack: [(&str, &[u8]); 3] = [
        ("harbour.cedarschema", SCHEMA.as_bytes()),
        ("policies/harbour.cedar", POLICIES.as_bytes()),
        ("snapshot.json", SOUND.as_bytes()),
    ];
    folder(&[&pack, files].concat())
}

fn run(folder: &Path, arguments: &[&str]) -> Run {
    command(folder).args(arguments).output().expect("the binary is built").into()
}

fn check(folder: &Path, arguments: &[&str]) -> Run {
    run(folder, &[&HARBOUR, arguments].concat())
}

/// Judges a file other than `snapshot.json`.
fn check_file(folder: &Path, name: &str, arguments: &[&str]) -> Run {
    let judged: Vec<&str> = HARBOUR.into_iter().map(|word| if word == "snapshot.json" { name } else { word }).collect();
    run(folder, &[&judged, arguments].concat())
}

/// Returns the files of a store by name.
fn stored(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).expect("it is there").map(|entry| entry.expect("it can be listed").path());
    let name = |path: &Path| path.file_name().expect("a name").to_string_lossy().into_owned();
    entries.map(|path| (name(&path), std::fs::read(&path).expect("it can be read"))).collect()
}

fn line(text: &str) -> String {
    format!("{}\n", serde_json::from_str::<Value>(text).expect("it is JSON"))
}

#[test]
fn the_stored_report_is_the_json_of_the_run_with_every_verdict() {
    let long = edited("\"length\": 9", "\"length\": 41");
    let folder = harbours(&[("snapshot.json", long.as_bytes())]);
    let alone = check(folder.path(), &["--output", "json=report.json", "--verdicts", "all"]);
    let report = std::fs::read(folder.path().join("report.json")).expect("it was written");
    let run = check(folder.path(), &["--store", "reports/2026", "--verbose", "--max-findings", "1"]);
    assert_eq!((run.code, alone.code), (1, 1), "{run:?}");
    let files = stored(&folder.path().join("reports/2026"));
    assert_eq!(files.values().collect::<Vec<_>>(), [&report]);
    let name = files.keys().next().expect("a file");
    assert!(name.starts_with("Anse_2026-08-31T06-00-00Z_") && name.ends_with(".json"), "{name}");
    // Secrets are masked.
    assert!(!String::from_utf8_lossy(&report).contains("7091"));
    // A second run of the same snapshot, pack and time adds nothing, and another time adds a file.
    assert_eq!(check(folder.path(), &["--store", "reports/2026"]).code, 1);
    assert_eq!(stored(&folder.path().join("reports/2026")), files);
    assert_eq!(check(folder.path(), &["--store", "reports/2026", "--fail-on", "critical"]).code, 0);
    let both = stored(&folder.path().join("reports/2026"));
    assert!(both.len() == 2 && both.get(name) == files.get(name));
}

#[test]
fn every_account_of_a_fleet_has_a_complete_report_of_its_own() {
    let waivers = "@id(\"W\") @waives(\"HB-LEN-01\") @reason(\"r\") @owner(\"o\") @expires(\"2026-12-31\") permit (principal, action == Action::\"audit\", resource is Boat) when { resource.name == \"Tern\" };";
    let east = replaced(&edited("\"length\": 12", "\"length\": 41"), "\"Anse\"", "\"east/1\"");
    let same = replaced(&east, "\"east/1\"", "\"EAST_1\"");
    let half = replaced(SOUND, "\"buoys\": []", "\"x\": 1").replace("\"Anse\"", "\"half\"");
    let fleet = [line(&east), "{\n".to_owned(), line(&same), line(&half)].concat();
    let folder = harbours(&[("fleet.ndjson", fleet.as_bytes()), ("waivers.cedar", waivers.as_bytes())]);
    for threads in ["1", "4"] {
        let more = ["--store", threads, "--waivers", "waivers.cedar", "--threads", threads, "--format", "ndjson"];
        let lines = check_file(folder.path(), "fleet.ndjson", &more);
        assert_eq!(lines.code, 5);
        let accounts: BTreeMap<String, Value> = lines
            .accounts()
            .into_iter()
            .filter_map(|line| Some((line["account"].as_str()?.to_owned(), line)))
            .collect();
        assert_eq!(accounts.len(), 3);
        let files = stored(&folder.path().join(threads));
        assert_eq!(files.len(), 3, "{:?}", files.keys());
        for name in files.keys() {
            // A report that contradicts itself is refused.
            let path = format!("{threads}/{name}");
            let saved = run(folder.path(), &["render", &path, "--output", "json"]);
            let report = saved.json();
            let line = &accounts[report["run"]["snapshots"][0]["account"].as_str().expect("an id")];
            assert_eq!(Value::from(saved.code), line["exit_code"], "{saved:?}");
            assert_eq!(report["summary"]["verdicts"], line["verdicts"]);
            assert_eq!(report["run"]["snapshots"].as_array().map(Vec::len), Some(1));
            for part in ["findings", "other_verdicts"] {
                let sorted = |value: &Value| {
                    let mut texts: Vec<String> =
                        value.as_array().expect("a list").iter().map(ToString::to_string).collect();
                    texts.sort();
                    texts
                };
                let with_all = check_file(
                    folder.path(),
                    "fleet.ndjson",
                    &["--waivers", "waivers.cedar", "--format", "ndjson", "--verdicts", "all"],
                );
                let all = with_all.accounts();
                let full = all.iter().find(|it| it["account"] == line["account"]).expect("the line");
                assert_eq!(sorted(&report[part]), sorted(&full[part]), "{part}");
            }
        }
    }
    assert_eq!(stored(&folder.path().join("1")), stored(&folder.path().join("4")));
}

#[test]
fn a_report_that_cannot_be_stored_is_exit_5_and_replaces_nothing() {
    let folder = harbours(&[("file", b"kept"), ("reports/notes.txt", b"kept")]);
    let code = |more: &[&str]| check(folder.path(), more).code;
    assert_eq!(code(&["--store", "file"]), 2);
    assert_eq!(code(&["--store", "-"]), 2);
    assert_eq!(code(&["--store", "file/below"]), 5);
    assert_eq!(code(&["--store", "reports", "--engine", "reference"]), 2);
    assert_eq!(code(&["--store", "reports", "--watch"]), 2);
    assert_eq!(code(&["--store", "reports"]), 0);
    let files = stored(&folder.path().join("reports"));
    assert!(files.len() == 2 && files["notes.txt"] == b"kept");
    // A file that was cut is reported, and stays as it is.
    let name = files.keys().find(|name| name.ends_with(".json")).expect("a report");
    let path = folder.path().join("reports").join(name);
    std::fs::write(&path, &files[name][..100]).expect("it can be written");
    let damaged = check(folder.path(), &["--store", "reports"]);
    assert_eq!(damaged.code, 5);
    assert!(damaged.stderr.contains("move it out of the folder"), "{damaged:?}");
    assert_eq!(std::fs::read(&path).expect("it is there"), files[name][..100]);
    // An account that was not judged has no report.
    std::fs::write(folder.path().join("snapshot.json"), "{").expect("it can be written");
    assert_eq!(code(&["--store", "empty"]), 5);
    assert_eq!(stored(&folder.path().join("empty")).len(), 0);
}

#[test]
fn the_store_of_the_configuration_file_is_below_its_folder() {
    let base = "schema = \"harbour.cedarschema\"\npolicies = [\"policies\"]\nstore = \"reports\"\n";
    let folder = harbours(&[("deodar.toml", base.as_bytes())]);
    let check = |more: &[&str]| run(folder.path(), &[&["check", "snapshot.json"], more].concat()).code;
    assert_eq!(check(&["--now", crate::support::NOW]), 0);
    assert_eq!(stored(&folder.path().join("reports")).len(), 1);
    assert_eq!(check(&["--now", crate::support::NOW, "--store", "other"]), 0);
    assert_eq!(stored(&folder.path().join("reports")).len(), 1);
    assert_eq!(stored(&folder.path().join("other")).len(), 1);
    #[cfg(unix)]
    {
        let elsewhere = tempfile::tempdir().expect("there is room");
        std::fs::remove_dir_all(folder.path().join("reports")).expect("it can be removed");
        std::os::unix::fs::symlink(elsewhere.path(), folder.path().join("reports")).expect("it can be linked");
        assert_eq!(check(&["--now", crate::support::NOW]), 2);
        assert_eq!(stored(elsewhere.path()).len(), 0);
    }
}
