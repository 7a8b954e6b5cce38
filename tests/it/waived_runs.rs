//! Waivers in the configuration file, and in the commands that compare, forecast, repeat and extend runs.

use crate::support::{NOW, POLICIES, Run, SCHEMA, command, edited, folder, replaced};
use serde_json::{Value, json};
use tempfile::TempDir;

const WAIVER: &str = r#"@id("W") @waives("HB-LEN-01") @reason("moved in autumn") @owner("ada") @expires("2026-09-10")
permit (principal, action == Action::"audit", resource == Boat::"east/Tern") when { resource.length == 41 };
"#;

/// The first moment at which the waiver is over.
const OVER: &str = "2026-09-11T00:00:00Z";

const SETTINGS: &str = "schema = \"harbour.cedarschema\"\npolicies = [\"policies\"]\nwaivers = [\"waivers.cedar\"]\n";

/// A harbour with a boat that is longer than its pier, and a waiver of this failure in its configuration file.
struct Waived(TempDir);

impl Waived {
    fn new() -> Self {
        Self(folder(&[
            (".git/HEAD", b""),
            ("harbour.cedarschema", SCHEMA.as_bytes()),
            ("policies/harbour.cedar", POLICIES.as_bytes()),
            ("waivers.cedar", WAIVER.as_bytes()),
            ("deodar.toml", SETTINGS.as_bytes()),
            ("snapshot.json", edited("\"length\": 12", "\"length\": 41").as_bytes()),
        ]))
    }

    fn run(&self, arguments: &[&str]) -> Run {
        command(self.0.path()).args(arguments).output().expect("the binary is built").into()
    }

    fn check(&self, arguments: &[&str]) -> Run {
        self.run(&[&["check", "snapshot.json", "--param", "max_age=90d"], arguments].concat())
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.path().join(name), text).expect("it can be written");
    }
}

#[test]
fn the_configuration_file_names_waivers() {
    let waived = Waived::new();
    let run = waived.check(&["--now", NOW, "--format", "json"]);
    assert_eq!(run.code, 0, "{run:?}");
    let report = run.json();
    assert_eq!(report["summary"]["verdicts"]["waived"], 1);
    let weakens = &report["run"]["configuration"]["weakens"];
    let effect = "verdicts that these waivers cover do not fail the run";
    let found = weakens.as_array().expect("a list").iter().find(|it| it["setting"] == "waivers").expect("it is listed");
    assert_eq!((&found["effect"], &found["span"]["start"]["line"]), (&json!(effect), &json!(3)));
    // A flag replaces the files, and another ignores all of them.
    assert_eq!(waived.check(&["--now", NOW, "--no-waivers"]).code, 1);
    waived.write("other.cedar", &replaced(WAIVER, "length == 41", "length == 42"));
    assert_eq!(waived.check(&["--now", NOW, "--waivers", "other.cedar"]).code, 1);
    // A file that is not there is an error.
    std::fs::remove_file(waived.0.path().join("waivers.cedar")).expect("it is there");
    let missing = waived.check(&["--now", NOW]);
    assert_eq!(missing.code, 5, "{missing:?}");
    assert!(missing.stdout.contains("waivers.cedar"), "{missing:?}");
}

#[test]
fn a_forecast_has_the_end_of_a_waiver() {
    let waived = Waived::new();
    let forecast = |arguments: &[&str]| {
        let words = ["forecast", "snapshot.json", "--param", "max_age=90d", "--now", NOW, "--format", "json"];
        let run = waived.run(&[&words, arguments].concat());
        (run.code, run.json()["accounts"][0]["changes"].clone())
    };
    let (code, changes) = forecast(&["--until", "30d"]);
    let short: Vec<Value> = changes
        .as_array()
        .expect("changes")
        .iter()
        .map(|it| json!([it["at"], it["check"], it["old"], it["new"]]))
        .collect();
    assert_eq!((code, short), (1, vec![json!([OVER, "HB-LEN-01", "waived", "fail"])]));
    assert_eq!(forecast(&["--until", "9d"]), (0, json!([])));
    assert_eq!(forecast(&["--until", "30d", "--no-waivers"]), (0, json!([])));
}

#[test]
fn a_difference_has_the_waiver_as_its_cause() {
    let waived = Waived::new();
    let report = |name: &str, now: &str, more: &[&str]| {
        let output = format!("json={name}");
        let run = waived.check(&[&["--now", now, "--verdicts", "all", "--output", &output], more].concat());
        assert!(run.code < 2, "{run:?}");
    };
    report("live.json", NOW, &[]);
    report("over.json", OVER, &[]);
    report("ignored.json", NOW, &["--no-waivers"]);
    let causes = |old: &str, new: &str| {
        let run = waived.run(&["diff", old, new, "--format", "json"]);
        let changes = run.json()["changes"].as_array().expect("changes").clone();
        assert_eq!(changes.len(), 1, "{run:?}");
        let cause = &changes[0]["causes"][0];
        assert_eq!(cause["waiver"], "W");
        cause["cause"].clone()
    };
    assert_eq!(causes("live.json", "over.json"), "waiver_lapsed");
    assert_eq!(causes("live.json", "ignored.json"), "waiver_lapsed");
    assert_eq!(causes("over.json", "live.json"), "waiver_added");
    // Against the report with the waiver, the failure is worse.
    let run = waived.check(&["--now", OVER, "--baseline", "live.json", "--format", "json"]);
    assert_eq!((run.code, &run.json()["findings"][0]["baseline"]), (1, &json!("worse")), "{run:?}");
    // A waiver of a failure of the baseline is not a correction.
    let run = waived.check(&["--now", NOW, "--baseline", "ignored.json", "--format", "json"]);
    assert_eq!((run.code, &run.json()["checks"][1]["baseline"]["fixed"]), (0, &json!(0)), "{run:?}");
}

#[test]
fn evidence_covers_waivers() {
    let waived = Waived::new();
    let run = waived.check(&["--now", NOW, "--evidence", "evidence.json"]);
    assert_eq!(run.code, 0, "{run:?}");
    let same = waived.run(&["verify", "evidence.json"]);
    assert_eq!(same.code, 0, "{same:?}");
    waived.write("waivers.cedar", &replaced(WAIVER, "moved in autumn", "moved in winter"));
    let other = waived.run(&["verify", "evidence.json"]);
    assert_eq!(other.code, 1, "{other:?}");
    assert!(other.stdout.contains("different: waivers waivers.cedar: "), "{other:?}");
    waived.write("waivers.cedar", &replaced(WAIVER, "@id(\"W\")", "@id(\"V\")"));
    let renamed = waived.run(&["verify", "evidence.json"]);
    assert!(renamed.stdout.contains("different: verdicts: "), "{renamed:?}");
}

#[test]
fn a_snapshot_that_is_too_old_is_not_waived() {
    let waived = Waived::new();
    waived.write("waivers.cedar", &replaced(WAIVER, "@owner", "@unknown_too @owner"));
    let run = waived.check(&["--now", NOW, "--max-snapshot-age", "1d", "--format", "json"]);
    let report = run.json();
    assert_eq!((run.code, &report["summary"]["verdicts"]["waived"]), (4, &json!(0)), "{run:?}");
    assert_eq!(report["waivers"][0]["status"], "not_judged");
}

#[test]
fn a_waiver_is_added_to_a_policy_file() {
    let waived = Waived::new();
    waived.write("deodar.toml", "schema = \"harbour.cedarschema\"\npolicies = [\"policies\"]\n");
    waived.write("policies/waivers.cedar", "// The waivers of the harbour.\n");
    let checked = waived.check(&["--now", NOW, "--output", "json=report.json"]);
    assert_eq!(checked.code, 1, "{checked:?}");
    let text = std::fs::read_to_string(waived.0.path().join("report.json")).expect("it was written");
    let report: Value = serde_json::from_str(&text).expect("it is JSON");
    let fingerprint = report["findings"][0]["fingerprint"].as_str().expect("a text");
    let terms = ["--report", "report.json", "--reason", "r", "--owner", "ada", "--until", "2026-12-31", "--now", NOW];
    let target = ["waive", fingerprint, "--waivers", "policies/../policies/waivers.cedar"];
    let added = waived.run(&[&target[..], &terms].concat());
    assert_eq!(added.code, 0, "{added:?}");
    let file = std::fs::read_to_string(waived.0.path().join("policies/waivers.cedar")).expect("it is there");
    assert!(file.starts_with("// The waivers of the harbour.\n\n@id(\"W-HB-LEN-01-"), "{file}");
    assert_eq!(waived.check(&["--now", NOW]).code, 0);
    // The waivers of the configuration file have ids too.
    waived.write("deodar.toml", SETTINGS);
    waived.write("waivers.cedar", &replaced(&file, "// The waivers of the harbour.\n", ""));
    let twice = waived.run(&[&target[..], &terms].concat());
    assert_eq!(twice.code, 5, "{twice:?}");
    assert!(twice.stderr.contains("policy-id"), "{twice:?}");
}

#[test]
fn every_output_names_the_waiver() {
    let waived = Waived::new();
    for format in ["html", "ocsf", "text"] {
        let run = waived.check(&["--now", NOW, "--format", format]);
        assert_eq!(run.code, 0, "{run:?}");
        assert!(run.stdout.contains("by W of ada until 2026-09-10: moved in autumn"), "{run:?}");
    }
    let rows = waived.check(&["--now", NOW, "--format", "csv"]).stdout;
    assert!(
        rows.contains("configuration deodar.toml, SHA-256 ") && rows.contains("deodar.toml:3:1 waivers: "),
        "{rows}"
    );
    let markdown = waived.check(&["--now", NOW, "--format", "markdown"]).stdout;
    assert!(
        markdown.contains("| <code>W</code> | <code>HB-LEN-01</code> | live | 1 | <code>2026-09-10</code> |"),
        "{markdown}"
    );
    let page = waived.check(&["--now", NOW, "--format", "html", "--no-waivers"]).stdout;
    assert!(page.contains("<dt>Waivers</dt><dd>ignored</dd>"), "{page}");
    assert!(page.contains("<td>ignored</td>"), "{page}");
}

#[test]
fn differences_and_forecasts_name_the_configuration_file() {
    let waived = Waived::new();
    let later = edited("\"length\": 12", "\"length\": 43");
    waived.write("later.json", &later);
    let outputs = [
        (vec!["diff", "snapshot.json", "later.json"], vec!["text", "json", "markdown"]),
        (vec!["forecast", "snapshot.json"], vec!["text", "json"]),
    ];
    for (words, formats) in outputs {
        for format in formats {
            let run = waived.run(&[&words[..], &["--now", NOW, "--format", format]].concat());
            assert_eq!(run.code, 1, "{run:?}");
            let effect = "verdicts that these waivers cover do not fail the run";
            assert!(run.stdout.contains("deodar.toml") && run.stdout.contains(effect), "{run:?}");
        }
    }
}

#[test]
fn a_setting_to_the_default_does_not_weaken_the_gate() {
    let waived = Waived::new();
    let weakens = |value: &str| {
        waived.write("deodar.toml", &format!("{SETTINGS}[parameters]\nmax_boats = {value}\n"));
        let run = waived.check(&["--now", NOW, "--format", "json"]).json();
        let weakens = run["run"]["configuration"]["weakens"].as_array().expect("a list").clone();
        weakens.into_iter().find(|it| it["setting"] == "parameters.max_boats").map(|it| it["effect"].clone())
    };
    assert_eq!(weakens("2"), None);
    assert_eq!(weakens("9"), Some(json!("the value is 9, the default is 2")));
}

/// An account with things in shelves. Neither have keys unless `keys` adds them.
fn things(key: &str) -> String {
    format!(
        r#"@path("") @key("name") entity Account = {{ name: String }};
        @path("/shelves/*") {key} entity Shelf in [Account] = {{ wide?: Bool }};
        @path("/shelves/*/things/*") {key} entity Thing in [Shelf] = {{ sound: Bool, label?: String }};
        action audit appliesTo {{ principal: [Account], resource: [Thing] }};"#
    )
}

const THINGS: &str = r#"@id("T-1") @title("A thing is sound") @severity("high")
forbid (principal, action == Action::"audit", resource is Thing) unless { resource.sound };"#;

/// Judges snapshots of things. Each file is named with its text.
struct Things(TempDir);

impl Things {
    fn new(key: &str, files: &[(&str, &str)]) -> Self {
        let schema = things(key);
        let pack = [("t.cedarschema", schema.as_bytes()), ("policies/t.cedar", THINGS.as_bytes())];
        let files: Vec<(&str, &[u8])> = files.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
        Self(folder(&[&pack[..], &files].concat()))
    }

    fn run(&self, arguments: &[&str]) -> Run {
        let pack = ["--schema", "t.cedarschema", "--policies", "policies", "--now", NOW];
        command(self.0.path()).args([arguments, &pack].concat()).output().expect("the binary is built").into()
    }

    /// Writes the waiver of the only finding of a snapshot.
    fn waive(&self, snapshot: &str, more: &[&str]) -> Run {
        let report = self.run(&["check", snapshot, "--format", "json"]);
        std::fs::write(self.0.path().join("report.json"), &report.stdout).expect("it can be written");
        let findings = report.json()["findings"].as_array().expect("findings").clone();
        assert_eq!(findings.len(), 1, "{findings:?}");
        let fingerprint = findings[0]["fingerprint"].as_str().expect("a text");
        let terms = ["--report", "report.json", "--reason", "r", "--owner", "o", "--until", "2026-12-31"];
        self.run(&[&["waive", fingerprint], &terms[..], &["--waivers", "w.cedar"], more].concat())
    }

    fn codes(&self, snapshots: &[&str], more: &[&str]) -> Vec<i32> {
        snapshots.iter().map(|snapshot| self.run(&[&["check", snapshot], more].concat()).code).collect()
    }
}

#[test]
fn a_waiver_of_an_element_without_a_key_does_not_cover_its_successor() {
    let text = |things: &str| format!(r#"{{ "name": "a", "shelves": [{{ "things": [{things}] }}] }}"#);
    let failing = |label: &str| format!(r#"{{ "sound": false, "label": "{label}" }}"#);
    let [old, other] = ["old", "other"].map(|label| text(&failing(label)));
    let things = Things::new("", &[("old.json", &old), ("other.json", &other)]);
    let added = things.waive("old.json", &[]);
    assert_eq!(added.code, 0, "{added:?}");
    assert_eq!(things.codes(&["old.json", "other.json"], &["--waivers", "w.cedar"]), [0, 1]);
    assert_eq!(things.codes(&["old.json", "other.json"], &["--waivers", "w.cedar", "--engine", "reference"]), [0, 1]);
    let text = std::fs::read_to_string(things.0.path().join("w.cedar")).expect("it was written");
    let wrong = replaced(&text, "@fingerprint(\"", "@fingerprint(\"x");
    std::fs::write(things.0.path().join("w.cedar"), wrong).expect("it can be written");
    assert_eq!(things.codes(&["old.json"], &["--waivers", "w.cedar"]), [5]);
}

#[test]
fn keys_with_a_slash_do_not_make_two_resources_one() {
    let shelf = |id: &str, thing: &str, sound: bool| {
        format!(r#"{{ "id": "{id}", "things": [{{ "id": "{thing}", "sound": {sound} }}] }}"#)
    };
    let text = |shelves: [String; 2]| format!(r#"{{ "name": "a", "shelves": [{}] }}"#, shelves.join(", "));
    let old = text([shelf("a", "b/c", false), shelf("x", "y", true)]);
    let new = text([shelf("a/b", "c", false), shelf("x", "y", true)]);
    let both = text([shelf("a", "b/c", false), shelf("a/b", "c", false)]);
    let things = Things::new("@key(\"id\")", &[("old.json", &old), ("new.json", &new), ("both.json", &both)]);
    let report = things.run(&["check", "old.json", "--format", "json"]).stdout;
    std::fs::write(things.0.path().join("base.json"), report).expect("it can be written");
    assert_eq!(things.codes(&["old.json", "new.json"], &["--baseline", "base.json"]), [0, 1]);
    assert_eq!(things.waive("old.json", &[]).code, 0);
    assert_eq!(things.codes(&["old.json", "new.json"], &["--waivers", "w.cedar"]), [0, 1]);
    let twice = things.run(&["check", "both.json"]);
    assert_eq!(twice.code, 5, "{twice:?}");
    assert!(twice.stdout.contains("snapshot-duplicate-id"), "{twice:?}");
}

#[test]
fn waived_unknown_verdicts_decide_nothing() {
    let things = Things::new("", &[("s.json", r#"{ "name": "a", "shelves": [{ "things": [{}] }] }"#)]);
    let added = things.waive("s.json", &["--unknown-too"]);
    assert_eq!(added.code, 0, "{added:?}");
    let run = things.run(&["check", "s.json", "--waivers", "w.cedar", "--output", "json=r.json"]);
    assert_eq!(run.code, 3, "{run:?}");
    assert!(run.stdout.contains("exit 3: nothing could be decided"), "{run:?}");
    let rendered = command(things.0.path()).args(["render", "r.json", "--output", "text"]).output();
    assert_eq!(Run::from(rendered.expect("the binary is built")).code, 3);
}

#[test]
fn an_account_that_occurs_twice_is_an_error_if_a_verdict_is_waived() {
    let text = r#"{ "name": "a", "shelves": [{ "things": [{ "sound": false }] }] }"#;
    let things = Things::new("", &[("s.json", text), ("t.json", text)]);
    assert_eq!(things.waive("s.json", &[]).code, 0);
    let both = things.run(&["check", "s.json", "t.json", "--waivers", "w.cedar"]);
    assert_eq!(both.code, 5, "{both:?}");
    assert!(both.stdout.contains("same-account"), "{both:?}");
    assert_eq!(things.codes(&["t.json"], &["--waivers", "w.cedar"]), [0]);
}

#[test]
fn a_waiver_may_have_the_annotations_of_the_project() {
    let waived = Waived::new();
    waived.write("deodar.toml", &format!("annotations = [\"team\"]\n{SETTINGS}"));
    waived.write("waivers.cedar", &replaced(WAIVER, "@owner", "@team(\"sea\") @owner"));
    let run = waived.check(&["--now", NOW]);
    assert_eq!(run.code, 0, "{run:?}");
}

#[test]
fn two_spellings_of_one_file_are_not_two_outputs() {
    let waived = Waived::new();
    for more in [["--output", "csv=./o.json"], ["--evidence", "policies/../o.json"]] {
        let run = waived.check(&[&["--now", NOW, "--output", "json=o.json"], &more[..]].concat());
        assert_eq!(run.code, 2, "{run:?}");
        assert!(run.stderr.contains("two outputs"), "{run:?}");
    }
}

#[test]
fn a_raised_severity_that_deselects_a_check_is_named() {
    let waived = Waived::new();
    waived.write(
        "deodar.toml",
        &format!("{SETTINGS}[severity]\nHB-LEN-01 = {{ severity = \"critical\", reason = \"r\" }}\n"),
    );
    let weakens = |more: &[&str]| {
        let run = waived.check(&[&["--now", NOW, "--format", "json", "--no-waivers"], more].concat());
        let weakens = run.json()["run"]["configuration"]["weakens"].as_array().expect("a list").clone();
        (run.code, weakens.iter().any(|it| it["setting"] == "severity.HB-LEN-01"))
    };
    assert_eq!(weakens(&[]), (1, false));
    assert_eq!(weakens(&["--only", "low,high"]), (0, true));
}

#[test]
fn a_baseline_of_accounts_without_ids_is_a_warning() {
    let text = r#"{ "name": "a", "shelves": [{ "things": [{ "sound": false }] }] }"#;
    let things = Things::new("", &[("s.json", text)]);
    let schema = things_schema_without_root_key();
    std::fs::write(things.0.path().join("t.cedarschema"), schema).expect("it can be written");
    let report = things.run(&["check", "s.json", "--format", "json"]).stdout;
    std::fs::write(things.0.path().join("base.json"), report).expect("it can be written");
    let run = things.run(&["check", "s.json", "--baseline", "base.json"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.stdout.contains("may be of another account"), "{run:?}");
    let noted = things.waive("s.json", &[]);
    assert!(noted.stderr.contains("the waiver is for every account"), "{noted:?}");
}

fn things_schema_without_root_key() -> String {
    replaced(&things(""), "@key(\"name\") ", "")
}

#[test]
fn two_checks_with_one_condition_have_a_waiver_each() {
    let text = r#"{ "name": "a", "shelves": [{ "things": [{ "sound": false }] }] }"#;
    let things = Things::new("", &[("s.json", text)]);
    let both = format!("{THINGS}\n{}", replaced(THINGS, "T-1", "T-2"));
    std::fs::write(things.0.path().join("policies/t.cedar"), both).expect("it can be written");
    let report = things.run(&["check", "s.json", "--format", "json"]);
    std::fs::write(things.0.path().join("report.json"), &report.stdout).expect("it can be written");
    let terms = ["--report", "report.json", "--reason", "r", "--owner", "o", "--until", "2026-12-31"];
    for finding in report.json()["findings"].as_array().expect("findings") {
        let fingerprint = finding["fingerprint"].as_str().expect("a text");
        let run = things.run(&[&["waive", fingerprint], &terms[..], &["--waivers", "w.cedar"]].concat());
        assert_eq!(run.code, 0, "{run:?}");
    }
    assert_eq!(things.codes(&["s.json"], &["--waivers", "w.cedar"]), [0]);
}
