//! `deodar history`: findings and reviews over the reports of a store, in every output, and damaged or contradicting reports.

use crate::diff::holds;
use crate::html::tags;
use crate::support::{POLICIES, Run, SCHEMA, SOUND, command, folder, replaced};
use expect_test::expect;
use serde_json::{Value, json};
use std::path::Path;
use tempfile::TempDir;

/// The time of the histories.
const NOW: &str = "2026-09-20T12:00:00Z";

/// A store with the harbour pack, and its runs.
struct Store(TempDir);

impl Store {
    fn new() -> Self {
        Self(folder(&[("harbour.cedarschema", SCHEMA.as_bytes()), ("policies/harbour.cedar", POLICIES.as_bytes())]))
    }

    fn run(&self, arguments: &[&str]) -> Run {
        command(self.0.path()).args(arguments).output().expect("the binary is built").into()
    }

    /// Judges a snapshot of a day, six hours after it was captured, and stores the report.
    fn add(&self, day: &str, snapshot: &str, more: &[&str]) -> Run {
        let text = replaced(snapshot, "2026-08-31T06:00:00Z", &format!("{day}T06:00:00Z"));
        std::fs::write(self.0.path().join("snapshot.json"), text).expect("it can be written");
        let now = format!("{day}T12:00:00Z");
        let pack = ["--schema", "harbour.cedarschema", "--policies", "policies", "--store", "reports"];
        let now = if more.contains(&"--now") { Vec::new() } else { vec!["--now", &now] };
        let run = self.run(&[&["check", "snapshot.json"], &pack[..], &now, more].concat());
        assert!(run.code != 2 && run.stderr.is_empty(), "{run:?}");
        run
    }

    fn history(&self, more: &[&str]) -> Run {
        self.run(&[&["history", "reports", "--now", NOW], more].concat())
    }

    /// Returns the history as JSON, which its schema describes.
    fn json(&self, more: &[&str]) -> Value {
        let run = self.history(&[&["--format", "json"], more].concat());
        let history = run.json();
        holds("history.schema.json", &history);
        assert!(run.code != 0 || history["damaged"] == json!([]), "{run:?}");
        history
    }

    /// Returns the section, check, resource and state of every finding of the first account.
    fn findings(&self) -> Vec<String> {
        let history = self.json(&[]);
        let findings = history["accounts"][0]["findings"].as_array().expect("findings").clone();
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let line = |it: &Value| {
            let names = ["section", "check", "resource_id"].map(|name| text(&it[name]));
            let times = ["opened", "fixed"].map(|name| text(&it[name]).get(..10).unwrap_or("-").to_owned());
            format!("{} {} {}: opened {}, fixed {}", names[0], names[1], names[2], times[0], times[1])
        };
        findings.iter().map(line).collect()
    }

    fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path().join("reports")).expect("it is there");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join("reports").join(name)
    }
}

fn long(snapshot: &str) -> String {
    replaced(snapshot, "\"length\": 12", "\"length\": 41")
}

fn left(snapshot: &str) -> String {
    replaced(snapshot, "\"bo@anse.example\", \"active\": true", "\"bo@anse.example\", \"active\": false")
}

fn without_boats(snapshot: &str) -> String {
    let from = snapshot.find("\"boats\": [").expect("it has boats");
    let to = from + snapshot[from..].find(']').expect("an end") + 1;
    let start = snapshot[..from].rfind(',').expect("a comma");
    format!("{}{}", &snapshot[..start], &snapshot[to..])
}

/// A store with seven reviews: failures that stay, are fixed and return, a list that is missing, a missing review.
fn anse() -> Store {
    let store = Store::new();
    store.add("2026-06-01", SOUND, &[]);
    store.add("2026-06-15", &long(&left(SOUND)), &[]);
    store.add("2026-06-29", &left(SOUND), &[]);
    store.add("2026-07-13", &without_boats(&left(SOUND)), &[]);
    // The review of 27 July is missing.
    store.add("2026-08-11", &long(&left(SOUND)), &[]);
    store.add("2026-08-25", &left(SOUND), &[]);
    store.add("2026-09-08", &replaced(&left(SOUND), "\"length\": 9,", ""), &[]);
    store
}

#[test]
fn findings_are_followed_over_reviews() {
    let store = anse();
    assert_eq!(
        store.findings(),
        [
            "open HB-OWN-01 east/Wren: opened 2026-06-15, fixed -",
            "unknown HB-LEN-01 east/Wren: opened -, fixed -",
            "fixed HB-LEN-01 east/Tern: opened -, fixed 2026-08-25",
            "fixed HB-OWN-01 east/*: opened -, fixed 2026-08-11",
            "fixed HB-LEN-01 east/*: opened -, fixed 2026-08-11",
            "fixed HB-PIER-01 east: opened -, fixed 2026-08-11",
        ]
        .map(str::to_owned)
    );
    let history = store.json(&[]);
    let account = &history["accounts"][0];
    let finding = |check: &str, id: &str| {
        let all = account["findings"].as_array().expect("findings");
        all.iter().find(|it| it["check"] == check && it["resource_id"] == id).expect("the finding").clone()
    };
    let owner = finding("HB-OWN-01", "east/Wren");
    assert_eq!((&owner["age_days"], &owner["absent"]), (&json!(97), &json!("2026-06-01T06:00:00Z")));
    let states = |finding: &Value| -> Vec<String> {
        let periods = finding["periods"].as_array().expect("periods");
        periods.iter().map(|it| it["state"].as_str().expect("a state").to_owned()).collect()
    };
    // The list of the boat was not captured, so the failure is neither open nor fixed for that time.
    assert_eq!(states(&owner), ["open", "not_judged", "open"]);
    let length = finding("HB-LEN-01", "east/Tern");
    assert_eq!(states(&length), ["open", "passed", "not_judged", "open", "passed"]);
    assert_eq!(length["returned"], json!(["2026-08-11T06:00:00Z"]));
    assert_eq!(account["totals"], json!({ "open": 1, "unknown": 1, "not_judged": 0, "waived": 0, "fixed": 4 }));
    let plan = &account["plan"];
    assert_eq!((&plan["kept"], &plan["missed"]), (&json!(5), &json!(1)));
    assert_eq!(plan["due"], "2026-09-23T06:00:00Z");
    // Another interval, and another time.
    let plan = |more: &[&str]| store.json(more)["accounts"][0]["plan"].clone();
    assert_eq!(plan(&["--every", "30d"])["missed"], 0);
    assert_eq!(plan(&["--every", "7d"])["missed"], 9);
    let later = store.run(&["history", "reports", "--now", "2026-10-20T12:00:00Z", "--format", "json"]).json();
    assert_eq!(later["accounts"][0]["plan"]["missed"], 3);
    assert_eq!(later["accounts"][0]["reviews"].as_array().map(Vec::len), Some(7));
}

#[test]
fn text_has_the_findings_by_age_and_the_reviews() {
    let store = anse();
    let text = store.history(&[]);
    assert_eq!((text.code, text.stderr.as_str()), (0, ""));
    expect![[r#"
        7 reports of 1 account, as of 2026-09-20 12:00

        Anse
          7 reviews from 2026-06-01 06:00 to 2026-09-08 06:00
          findings: 1 open, 1 unknown, 4 fixed

          open (1)
          critical  HB-OWN-01  Boat east/Wren
                    open for 97 days, since 2026-06-15 06:00; not in the review of
                    2026-06-01 06:00

          unknown (1)
          high      HB-LEN-01  Boat east/Wren
                    unknown since 2026-09-08 06:00; it did not fail before; not in the
                    review of 2026-08-25 06:00

          fixed (4), the last fixed first
          high      HB-LEN-01  Boat east/Tern
                    fixed by 2026-08-25 06:00; last failure 2026-08-11 06:00; returned
                    on 2026-08-11 06:00
          critical  HB-OWN-01  Boat east/*
                    fixed by 2026-08-11 06:00; it was unknown, and did not fail
          high      HB-LEN-01  Boat east/*
                    fixed by 2026-08-11 06:00; it was unknown, and did not fail
          medium    HB-PIER-01  Pier east
                    fixed by 2026-08-11 06:00; it was unknown, and did not fail

          reviews
          every 14d, 1d of grace: 5 kept, 1 missed
          ✓ 2026-06-01 06:00 to 2026-06-15 06:00: 14 days
          ✓ 2026-06-15 06:00 to 2026-06-29 06:00: 14 days
          ✓ 2026-06-29 06:00 to 2026-07-13 06:00: 14 days
          ✗ 2026-07-13 06:00 to 2026-08-11 06:00: 29 days, 1 review missed
          ✓ 2026-08-11 06:00 to 2026-08-25 06:00: 14 days
          ✓ 2026-08-25 06:00 to 2026-09-08 06:00: 14 days
          · since 2026-09-08 06:00: 12 days, the next one is due by 2026-09-23 06:00

          exit 0: the reports were read
    "#]]
    .assert_eq(&text.stdout);
    let narrow: Run = command(store.0.path())
        .env("COLUMNS", "60")
        .args(["history", "reports", "--now", NOW])
        .output()
        .expect("the binary is built")
        .into();
    assert!(narrow.stdout.lines().all(|line| line.chars().count() <= 60), "{}", narrow.stdout);
    expect![[r#"
        reviews
          every 14d, 1d of grace: 5 kept, 1 missed
          ✓ 2026-06-01 06:00 to 2026-06-15 06:00: 14 days
          ✓ 2026-06-15 06:00 to 2026-06-29 06:00: 14 days
          ✓ 2026-06-29 06:00 to 2026-07-13 06:00: 14 days
          ✗ 2026-07-13 06:00 to 2026-08-11 06:00: 29 days, 1 review
            missed
          ✓ 2026-08-11 06:00 to 2026-08-25 06:00: 14 days
          ✓ 2026-08-25 06:00 to 2026-09-08 06:00: 14 days
          · since 2026-09-08 06:00: 12 days, the next one is due by
            2026-09-23 06:00

          exit 0: the reports were read
    "#]]
    .assert_eq(&format!("reviews\n{}", narrow.stdout.rsplit("reviews\n").next().expect("a part")));
    assert!(!text.stdout.contains('\u{1b}'));
    assert!(store.history(&["--color", "always"]).stdout.contains("\u{1b}[1;31mopen (1)\u{1b}[0m"));
}

#[test]
fn a_later_pack_and_a_selection_do_not_fix_a_finding() {
    let store = Store::new();
    store.add("2026-09-01", &long(&left(SOUND)), &[]);
    store.add("2026-09-10", &long(&left(SOUND)), &["--skip", "HB-OWN-01"]);
    let policies = store.0.path().join("policies/harbour.cedar");
    let text = std::fs::read_to_string(&policies).expect("it is there");
    let from = text.find("@id(\"HB-OWN-01\")").expect("the check");
    let to = text.find("@id(\"HB-PIER-01\")").expect("the next one");
    std::fs::write(&policies, format!("{}{}", &text[..from], &text[to..])).expect("it can be written");
    let expected = "not_judged HB-OWN-01 east/Wren: opened 2026-09-01, fixed -";
    assert!(store.findings().iter().any(|it| it == expected), "{:?}", store.findings());
    store.add("2026-09-15", &left(SOUND), &[]);
    let history = store.json(&[]);
    let findings = history["accounts"][0]["findings"].as_array().expect("findings");
    let of = |check: &str| findings.iter().find(|it| it["check"] == check).expect("the finding");
    assert_eq!((&of("HB-OWN-01")["state"], &of("HB-OWN-01")["reason"]), (&json!("not_judged"), &json!("no_check")));
    // The policies changed in the review that has the length as fixed.
    assert_eq!((&of("HB-LEN-01")["state"], &of("HB-LEN-01")["rules_changed"]), (&json!("passed"), &json!(true)));
    assert_eq!(history["accounts"][0]["reviews"][2]["rules_changed"], true);
    let text = store.history(&[]).stdout;
    assert!(text.contains("the pack does not have the check"), "{text}");
}

#[test]
fn a_waiver_does_not_fix_a_finding() {
    let store = Store::new();
    let waiver = "@id(\"W\") @waives(\"HB-LEN-01\") @reason(\"r\") @owner(\"o\") @expires(\"2026-09-08\") permit (principal, action == Action::\"audit\", resource is Boat) when { resource.name == \"Tern\" };";
    std::fs::write(store.0.path().join("waivers.cedar"), waiver).expect("it can be written");
    store.add("2026-08-01", &long(SOUND), &[]);
    store.add("2026-08-15", &long(SOUND), &["--waivers", "waivers.cedar"]);
    assert_eq!(store.findings(), ["waived HB-LEN-01 east/Tern: opened 2026-08-01, fixed -"]);
    let run = command(store.0.path()).args(["check", "snapshot.json"]).output();
    assert!(run.is_ok());
    store.add("2026-09-10", &long(SOUND), &[]);
    assert_eq!(store.findings(), ["open HB-LEN-01 east/Tern: opened 2026-08-01, fixed -"]);
}

#[test]
fn reports_of_one_time_count_once_and_the_worse_verdict_of_two_counts() {
    let store = Store::new();
    store.add("2026-09-01", &long(SOUND), &[]);
    let name = store.files().remove(0);
    std::fs::copy(store.path(&name), store.path("copy.json")).expect("it can be copied");
    // The same snapshot with other thresholds has the same verdicts.
    store.add("2026-09-01", &long(SOUND), &["--fail-on", "critical"]);
    let history = store.json(&[]);
    let reviews = history["accounts"][0]["reviews"].as_array().expect("reviews");
    assert_eq!((reviews.len(), history["problems"].as_array().map(Vec::len)), (1, Some(0)));
    assert_eq!(reviews[0]["duplicates"].as_array().map(Vec::len), Some(2));
    assert_eq!(reviews[0]["verdicts"]["fail"], 1);
    // A later run on the same snapshot replaces the verdicts of its checks, and keeps those of the others.
    store.add(
        "2026-09-01",
        &long(SOUND),
        &["--only", "HB-PIER-01", "--param", "max_boats=1", "--now", "2026-09-02T00:00:00Z"],
    );
    let history = store.json(&[]);
    assert_eq!(history["accounts"][0]["reviews"][0]["verdicts"]["fail"], 2, "{history:#}");
    assert_eq!(history["problems"], json!([]));
    // Another snapshot of the same time contradicts it.
    store.add("2026-09-01", SOUND, &["--now", "2026-09-03T00:00:00Z"]);
    let history = store.json(&[]);
    let problems = history["problems"].as_array().expect("problems");
    assert!(
        problems.len() == 1 && problems[0].as_str().is_some_and(|it| it.contains("different snapshots")),
        "{problems:?}"
    );
    assert!(store.findings().contains(&"open HB-LEN-01 east/Tern: opened 2026-09-01, fixed -".to_owned()));
}

#[test]
fn a_report_without_passes_does_not_state_whether_a_finding_is_fixed_or_removed() {
    let store = Store::new();
    store.add("2026-09-01", &long(SOUND), &[]);
    let text = replaced(SOUND, "2026-08-31", "2026-09-10");
    std::fs::write(store.0.path().join("snapshot.json"), text).expect("it can be written");
    let run = store.run(&[
        "check",
        "snapshot.json",
        "--schema",
        "harbour.cedarschema",
        "--policies",
        "policies",
        "--now",
        "2026-09-10T12:00:00Z",
        "--output",
        "json=reports/plain.json",
    ]);
    assert_eq!(run.code, 0, "{run:?}");
    let history = store.json(&[]);
    assert_eq!(history["accounts"][0]["findings"][0]["state"], "passed_or_removed");
    assert_eq!(history["accounts"][0]["reviews"][1]["complete"], false);
    // A resource that was removed.
    let name = "{ \"name\": \"Tern\", \"owner\": \"ada@anse.example\", \"length\": 12, \"light\": \"red\", \"pin\": \"7091\" },";
    store.add("2026-09-12", &replaced(SOUND, name, ""), &[]);
    std::fs::remove_file(store.path("plain.json")).expect("it can be removed");
    assert_eq!(store.json(&[])["accounts"][0]["findings"][0]["state"], "removed");
}

#[test]
fn damaged_reports_are_exit_5_and_the_others_are_shown() {
    let store = anse();
    let files = store.files();
    let text = std::fs::read(store.path(&files[2])).expect("it is there");
    let whole = store.json(&[]);
    // Files that are not reports are counted.
    std::fs::write(store.path("notes.txt"), "x").expect("it can be written");
    std::fs::write(store.path("other.json"), "{\"a\": 1}").expect("it can be written");
    assert_eq!(store.history(&["--output", "json=reports/history.json"]).code, 0);
    assert_eq!(store.json(&[])["other_files"], 3);
    std::fs::remove_file(store.path("history.json")).expect("it can be removed");
    let damages: [&[u8]; 6] = [
        b"",
        &text[..text.len() / 2],
        b"{}",
        b"\xff\xfe",
        &text[40..],
        b"{\"format\": \"deodar-report\", \"version\": \"9.0\"}",
    ];
    for damage in damages {
        std::fs::write(store.path(&files[2]), damage).expect("it can be written");
        let run = store.history(&["--format", "json"]);
        assert_eq!(run.code, 5, "{run:?}");
        assert!(run.stderr.contains(&files[2]), "{}", run.stderr);
        let history = run.json();
        holds("history.schema.json", &history);
        assert_eq!(history["damaged"].as_array().map(Vec::len), Some(1));
        assert_eq!(history["accounts"][0]["reviews"].as_array().map(Vec::len), Some(6));
    }
    // An edit that contradicts the report.
    let edited = String::from_utf8_lossy(&text).replacen("\"verdict\":\"fail\"", "\"verdict\":\"unknown\"", 1);
    std::fs::write(store.path(&files[2]), edited).expect("it can be written");
    assert_eq!(store.history(&[]).code, 5);
    std::fs::write(store.path(&files[2]), &text).expect("it can be written");
    std::fs::remove_file(store.path("notes.txt")).expect("it can be removed");
    std::fs::remove_file(store.path("other.json")).expect("it can be removed");
    assert_eq!(store.json(&[]), whole);
}

#[test]
fn a_folder_without_reports_is_exit_3_and_wrong_usage_is_exit_2() {
    let store = Store::new();
    std::fs::create_dir(store.0.path().join("reports")).expect("it can be made");
    assert_eq!(store.history(&[]).code, 3);
    assert_eq!(store.history(&["--format", "html"]).code, 3);
    assert_eq!(store.run(&["history", "none"]).code, 5);
    assert_eq!(store.run(&["history", "harbour.cedarschema"]).code, 5);
    store.add("2026-09-01", SOUND, &[]);
    let file = format!("json=reports/{}", store.files()[0]);
    for wrong in [
        &["--every", "0d"][..],
        &["--every", "-1d"],
        &["--grace", "-1d"],
        &["--every", "14"],
        &["--output", "pdf=a"],
        &["--output", "html="],
        &["--output", "html=a", "--output", "json=a"],
        &["--output", "html", "--format", "json"],
        &["--output", &file],
    ] {
        assert_eq!(store.history(wrong).code, 2, "{wrong:?}");
    }
    assert_eq!(store.history(&["--account", "Anse"]).code, 0);
    let misspelt = store.history(&["--account", "Ansa"]);
    assert!(misspelt.code == 5 && misspelt.stderr.contains("did you mean `Anse`?"), "{misspelt:?}");
    assert_eq!(store.history(&["--output", "html=none/a.html"]).code, 5);
}

#[test]
fn a_report_of_several_accounts_and_lines_of_accounts_are_read_too() {
    let store = Store::new();
    let write = |name: &str, text: &str| std::fs::write(store.0.path().join(name), text).expect("it can be written");
    write("a.json", SOUND);
    write("b.json", &replaced(&long(SOUND), "\"Anse\"", "\"Bay\""));
    let files = ["check", "a.json", "b.json", "--schema", "harbour.cedarschema", "--policies", "policies"];
    let outputs = ["--verdicts", "all", "--output", "json=reports/all.json", "--output", "ndjson=reports/all.ndjson"];
    std::fs::create_dir(store.0.path().join("reports")).expect("it can be made");
    assert_eq!(store.run(&[&files[..], &["--now", "2026-09-01T00:00:00Z"], &outputs].concat()).code, 1);
    let history = store.json(&[]);
    let accounts = history["accounts"].as_array().expect("accounts");
    let names: Vec<&Value> = accounts.iter().map(|account| &account["account"]).collect();
    assert_eq!((json!(names), &history["reports"]), (json!(["Anse", "Bay"]), &json!(2)));
    for account in accounts {
        assert_eq!(account["reviews"][0]["duplicates"].as_array().map(Vec::len), Some(1), "{account:#}");
    }
    assert_eq!(accounts[1]["totals"]["open"], 1);
    assert_eq!(store.json(&["--account", "Bay"])["accounts"].as_array().map(Vec::len), Some(1));
}

#[test]
fn the_times_of_a_clock_that_went_back_are_a_problem() {
    let store = Store::new();
    store.add("2026-09-01", &long(SOUND), &["--now", "2026-08-01T00:00:00Z"]);
    store.add("2026-10-01", SOUND, &[]);
    let history = store.json(&[]);
    let problems: Vec<&str> =
        history["problems"].as_array().expect("problems").iter().filter_map(Value::as_str).collect();
    assert!(problems.len() == 2, "{problems:?}");
    assert!(problems[0].contains("before its snapshot was captured"), "{problems:?}");
    assert!(problems[1].contains("after the time of the history"), "{problems:?}");
    // The later report has no failure, and cannot show a fix.
    let finding = &history["accounts"][0]["findings"][0];
    assert_eq!((&finding["state"], &finding["reason"]), (&json!("not_judged"), &json!("wrong_time")), "{finding:#}");
    assert_eq!(history["accounts"][0]["totals"]["fixed"], 0);
}

/// A snapshot of an unknown time may be an old one: it does not count as a review in time, and fixes nothing.
#[test]
fn a_snapshot_without_a_known_time_of_capture_shows_no_fix() {
    let at = "\"captured_at\": \"2026-08-31T06:00:00Z\"";
    for (with, is_known) in [
        (at, true),
        ("\"captured_at\": \"yesterday\"", false),
        ("\"captured_at\": null", false),
        ("\"captured_att\": \"2026-08-31T06:00:00Z\"", false),
        ("\"note\": 1", false),
    ] {
        let store = Store::new();
        store.add("2026-08-30", &long(SOUND), &[]);
        std::fs::write(store.0.path().join("late.json"), replaced(SOUND, at, with)).expect("it can be written");
        let pack = ["--schema", "harbour.cedarschema", "--policies", "policies", "--store", "reports"];
        let run = store.run(&[&["check", "late.json", "--now", NOW][..], &pack].concat());
        assert!(run.code != 2 && run.stderr.is_empty(), "{run:?}");
        let history = store.json(&[]);
        let (account, problems) = (&history["accounts"][0], history["problems"].to_string());
        let late = account["reviews"].as_array().and_then(|all| all.last()).expect("a review");
        let all = account["findings"].as_array().expect("findings");
        let finding = all.iter().find(|it| it["check"] == "HB-LEN-01").expect("a finding");
        let intervals = account["plan"]["intervals"].as_array().map(Vec::len);
        if is_known {
            assert_eq!(
                (&late["time_of"], &finding["section"], intervals),
                (&json!("capture"), &json!("fixed"), Some(2))
            );
            assert_eq!(problems, "[]");
        } else {
            assert_eq!((&late["time_of"], &finding["reason"]), (&json!("unknown"), &json!("unknown_time")), "{with}");
            assert_eq!((&finding["section"], intervals), (&json!("not_judged"), Some(1)), "{with}");
            assert!(problems.contains("without a known time of capture"), "{with}: {problems}");
        }
    }
}

/// A misspelt parameter leaves its default in force, and the default may accept what the value refuses.
#[test]
fn a_run_with_an_invalid_parameter_shows_no_fix() {
    for (parameter, is_valid) in [("max_boats=9", true), ("max_boat=9", false), ("max_boats=many", false)] {
        let store = Store::new();
        store.add("2026-08-30", &long(SOUND), &[]);
        let text = replaced(SOUND, "2026-08-31T06:00:00Z", "2026-09-06T06:00:00Z");
        std::fs::write(store.0.path().join("later.json"), text).expect("it can be written");
        let pack = ["--schema", "harbour.cedarschema", "--policies", "policies", "--store", "reports"];
        let run = store.run(&[&["check", "later.json", "--now", NOW, "--param", parameter][..], &pack].concat());
        assert_eq!(run.code == 5, !is_valid, "{run:?}");
        let history = store.json(&[]);
        let all = history["accounts"][0]["findings"].as_array().expect("findings");
        let finding = all.iter().find(|it| it["check"] == "HB-LEN-01").expect("a finding");
        let problems = history["problems"].to_string();
        assert_eq!(problems.contains("is invalid, so a default may be in force"), !is_valid, "{problems}");
        if is_valid {
            assert_eq!(finding["section"], json!("fixed"), "{parameter}");
        } else {
            let found = (&finding["section"], &finding["reason"]);
            assert_eq!(found, (&json!("not_judged"), &json!("invalid_parameter")), "{parameter}");
            let text = store.history(&[]).stdout;
            assert!(text.contains("a parameter of the last run"), "{text}");
        }
    }
}

/// A later report on the same snapshot hides no failure if its times or parameters are wrong, or if the snapshot was too old.
#[test]
fn a_report_that_shows_no_fix_does_not_replace_another() {
    for (more, problem) in [
        (&["--now", "2036-09-02T00:00:00Z"][..], "2036-09-02T00:00:00Z, which is after the time of the history"),
        (&["--now", "2026-08-02T00:00:00Z"], "before its snapshot was captured"),
        (&["--now", "2026-09-02T00:00:00Z", "--param", "max_boat=9"], "is invalid, so a default may be in force"),
        (&["--now", "2026-09-12T00:00:00Z", "--max-snapshot-age", "3d"], ""),
    ] {
        let store = Store::new();
        let first = store.add("2026-09-01", SOUND, &["--param", "max_boats=1"]);
        assert_eq!(first.code, 1, "{first:?}");
        store.add("2026-09-01", SOUND, more);
        let history = store.json(&[]);
        let problems = history["problems"].as_array().expect("problems");
        assert_eq!(problems.len(), usize::from(!problem.is_empty()), "{more:?} {problems:?}");
        assert!(problems.iter().all(|it| it.as_str().is_some_and(|it| it.contains(problem))), "{problems:?}");
        let open = "open HB-PIER-01 east: opened 2026-09-01, fixed -".to_owned();
        assert!(store.findings().contains(&open), "{more:?}: {:?}", store.findings());
        // A later run without a fault replaces both.
        let last = store.add("2026-09-01", SOUND, &["--now", "2026-09-13T00:00:00Z"]);
        assert_eq!(last.code, 0, "{last:?}");
        let is_open = store.findings().contains(&open);
        assert!(!is_open, "{more:?}: {:?}", store.findings());
    }
}

/// A report without known verdicts, of a snapshot that is not too old, replaces the one before it.
#[test]
fn a_report_with_waived_verdicts_is_not_too_old() {
    let store = Store::new();
    let waiver = r#"@id("W") @waives("HB-PIER-01") @reason("r") @owner("o") @expires("2026-12-31")
        permit (principal, action == Action::"audit", resource == Pier::"east");"#;
    std::fs::write(store.0.path().join("w.cedar"), waiver).expect("it can be written");
    let partial = replaced(SOUND, "\"Anse\"", "\"Anse\", \"partial\": [\"/piers\"]");
    let only = ["--param", "max_boats=1", "--only", "HB-PIER-01", "--max-snapshot-age", "30d"];
    store.add("2026-09-01", &partial, &only);
    let more = ["--waivers", "w.cedar", "--now", "2026-09-02T00:00:00Z"];
    store.add("2026-09-01", &partial, &[&only[..], &more].concat());
    let history = store.json(&[]);
    let sections = history["accounts"][0]["findings"].as_array().expect("findings").iter();
    let sections: Vec<&Value> = sections.map(|it| &it["section"]).collect();
    assert_eq!(sections, [&json!("unknown"), &json!("waived")], "{history:#}");
}

/// The rules of all reports of a review count, in any order of their names.
#[test]
fn a_change_of_rules_does_not_depend_on_the_names_of_files() {
    for names in [["a.json", "b.json"], ["b.json", "a.json"]] {
        let store = Store::new();
        for (parameter, name) in [("max_boats=8", names[0]), ("max_boats=9", names[1])] {
            store.add("2026-09-01", &long(SOUND), &["--param", parameter]);
            let added = store.files().into_iter().find(|file| file.starts_with("Anse")).expect("a report");
            std::fs::rename(store.path(&added), store.path(name)).expect("it can be renamed");
        }
        store.add("2026-09-10", SOUND, &["--param", "max_boats=9"]);
        let history = store.json(&[]);
        let account = &history["accounts"][0];
        assert_eq!(account["reviews"][0]["reports"].as_array().map(Vec::len), Some(2), "{account:#}");
        assert_eq!(
            (&account["findings"][0]["section"], &account["findings"][0]["rules_changed"]),
            (&json!("fixed"), &json!(false))
        );
        assert_eq!(account["reviews"][1]["rules_changed"], false, "{names:?}");
    }
}

/// The list of an instance is not known to be captured if the list of the instance is not.
#[test]
fn a_list_in_a_list_that_was_not_captured_is_not_fixed() {
    let schema = r#"
        @path("") @key("name") entity Org = { name: String, captured_at: datetime };
        @path("/ws/*") @key("id") entity Ws in [Org] = { id: String };
        @path("/ws/*/members/*") @key("id") entity Member in [Ws] = { id: String, mfa: Bool };
        type Context = { now: datetime };
        action "audit" appliesTo { principal: [Org], resource: [Member], context: Context };
    "#;
    let policy = r#"@id("C") @title("t") @severity("high")
        forbid (principal, action == Action::"audit", resource is Member) unless { resource.mfa };"#;
    let snapshot =
        |day: u32, rest: &str| format!(r#"{{"name": "O", "captured_at": "2026-08-0{day}T00:00:00Z"{rest}}}"#);
    let old = snapshot(1, r#", "ws": [{"id": "W1"}]"#);
    for rest in ["", r#", "ws": [], "partial": ["/ws"]"#] {
        let new = snapshot(8, rest);
        let files = [
            ("s.cedarschema", schema.as_bytes()),
            ("policies/p.cedar", policy.as_bytes()),
            ("old.json", old.as_bytes()),
            ("new.json", new.as_bytes()),
        ];
        let store = Store(folder(&files));
        let pack = ["--schema", "s.cedarschema", "--policies", "policies", "--now", "2026-08-09T00:00:00Z"];
        let diff = store.run(&[&["diff", "old.json", "new.json", "--format", "json"][..], &pack].concat()).json();
        let gone: Vec<&Value> =
            diff["changes"].as_array().expect("changes").iter().filter(|it| it["new"] == json!(null)).collect();
        assert_eq!((gone.len(), &gone[0]["kind"]), (1, &json!("not_judged")), "{diff:#}");
        for name in ["old.json", "new.json"] {
            store.run(&[&["check", name, "--store", "reports"][..], &pack].concat());
        }
        let history = store.json(&[]);
        let findings = history["accounts"][0]["findings"].as_array().expect("findings");
        let finding = findings.iter().find(|it| it["resource_id"] == "W1/*").expect("the list");
        assert_eq!(
            (&finding["section"], &finding["reason"]),
            (&json!("not_judged"), &json!("list_not_captured")),
            "{finding:#}"
        );
    }
}

/// Reviews of times that cannot be used are none in time.
#[test]
fn a_review_after_its_run_or_of_an_unknown_time_does_not_keep_an_interval() {
    let store = Store::new();
    store.add("2026-08-01", SOUND, &[]);
    store.add("2026-08-18", SOUND, &["--now", "2026-08-02T00:00:00Z"]);
    let plan = |store: &Store| store.json(&[])["accounts"][0]["plan"].clone();
    let one = plan(&store);
    assert_eq!(
        (one["intervals"].as_array().map(Vec::len), &one["kept"], &one["missed"]),
        (Some(1), &json!(0), &json!(3))
    );
    let store = Store::new();
    let undated = replaced(SOUND, "\"2026-08-31T06:00:00Z\"", "null");
    std::fs::write(store.0.path().join("undated.json"), undated).expect("it can be written");
    let pack = ["--schema", "harbour.cedarschema", "--policies", "policies", "--store", "reports"];
    store.run(&[&["check", "undated.json", "--now", "2026-08-01T00:00:00Z"][..], &pack].concat());
    let none = plan(&store);
    assert_eq!((&none["kept"], &none["missed"]), (&json!(0), &json!(3)), "{none:#}");
}

#[test]
fn the_page_has_every_finding_and_loads_nothing() {
    let store = anse();
    let hostile = replaced(SOUND, "\"Anse\"", "\"<script>alert(1)</script>\"");
    let hostile = replaced(&long(&hostile), "\"Tern\"", "\"<svg onload=alert(2)>\\u202e\"");
    store.add("2026-09-02", &hostile, &[]);
    let run = store.history(&["--output", "html=page.html"]);
    assert!(run.code == 0 && run.stdout.contains("exit 0"), "{run:?}");
    let page = std::fs::read_to_string(Path::new(store.0.path()).join("page.html")).expect("it was written");
    assert_eq!(page, store.history(&["--format", "html"]).stdout);
    let tags = tags(&page);
    for finding in store.json(&[])["accounts"]
        .as_array()
        .expect("accounts")
        .iter()
        .flat_map(|it| it["findings"].as_array().expect("findings"))
    {
        let fingerprint = finding["fingerprint"].as_str().expect("a text");
        assert!(page.contains(&format!("-{fingerprint}\"")), "{finding}");
    }
    assert!(tags.iter().all(|(name, _)| name != "script"));
    assert!(page.contains("&#60;script&#62;alert(1)") && page.contains("\\u{202e}") && !page.contains('\u{202e}'));
    for banned in ["http:", "https:", "url(", "@import", "<img"] {
        assert!(!page.contains(banned), "{banned}");
    }
    assert!(page.contains("<h1 class=\"fail\">2 open findings</h1>"));
    assert!(page.contains("1 missed</text>"), "the plot shows the missing review");
}
