//! The configuration file: where it is found, its keys and mistakes, and its effect on a run and on every output.

use crate::support::{NOW, POLICIES, Run, SCHEMA, SOUND, command, edited, folder, replaced, repository};
use deodar::configuration::{Configuration, KEYS};
use deodar::render::FORMATS;
use deodar::source::Source;
use expect_test::expect;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use tempfile::TempDir;

/// The settings of the harbour.
const BASE: &str = "schema = \"harbour.cedarschema\"\npolicies = [\"policies\"]\n";

/// Returns a repository with the harbour, and a configuration file.
fn harbour_with(snapshot: &str, configuration: impl AsRef<[u8]>) -> TempDir {
    let folder = folder(&[
        (".git/HEAD", b""),
        ("harbour.cedarschema", SCHEMA.as_bytes()),
        ("policies/harbour.cedar", POLICIES.as_bytes()),
        ("snapshot.json", snapshot.as_bytes()),
    ]);
    std::fs::write(folder.path().join("deodar.toml"), configuration).expect("it can be written");
    folder
}

fn run(folder: &Path, arguments: &[&str]) -> Run {
    command(folder).args(arguments).output().expect("it runs").into()
}

fn check(folder: &Path, arguments: &[&str]) -> Run {
    run(folder, &[&["check", "snapshot.json", "--now", NOW], arguments].concat())
}

/// A harbour with a pier that has too many boats: one failure.
fn crowded() -> String {
    let boat = |name| format!(r#"{{ "name": "{name}", "owner": "bo@anse.example", "length": 9, "light": "green" }}"#);
    edited("\"boats\": [", &format!("\"boats\": [{}, {},", boat("Auk"), boat("Tit")))
}

#[test]
fn the_nearest_file_up_to_the_root_of_the_repository_is_read() {
    let folder = harbour_with(SOUND, BASE);
    let below = folder.path().join("a/b");
    std::fs::create_dir_all(&below).expect("it can be made");
    let from = |path: &Path, snapshot: &str| run(path, &["check", snapshot, "--now", NOW, "--format", "json"]);
    let here = from(folder.path(), "snapshot.json");
    assert_eq!(here.code, 0, "{here:?}");
    assert_eq!(here.json()["run"]["configuration"]["path"], "deodar.toml");
    let deep = from(&below, "../../snapshot.json");
    assert_eq!(deep.code, 0, "{deep:?}");
    assert_eq!(deep.json()["run"]["configuration"]["path"], "../../deodar.toml");
    assert_eq!(deep.json()["run"]["pack_files"][1]["path"], "../../policies/harbour.cedar");
    // A file in between is nearer.
    std::fs::write(folder.path().join("a/deodar.toml"), "fail_on = 1").expect("it can be written");
    assert_eq!(from(&below, "../../snapshot.json").code, 5);
    assert_eq!(from(folder.path(), "snapshot.json").code, 0);
    // A repository ends the search.
    std::fs::create_dir(below.join(".git")).expect("it can be made");
    let own = run(&below, &["config", "--format", "json"]);
    assert_eq!(own.json()["configuration"], Value::Null);
}

#[test]
fn without_a_repository_only_the_working_directory_is_searched() {
    let folder = harbour_with(SOUND, "fail_on = 1");
    std::fs::remove_dir_all(folder.path().join(".git")).expect("it can be removed");
    let below = folder.path().join("a");
    std::fs::create_dir(&below).expect("it can be made");
    assert_eq!(run(&below, &["config"]).code, 0);
    assert_eq!(run(folder.path(), &["config"]).code, 5);
    assert_eq!(run(folder.path(), &["config", "--no-config"]).code, 0);
}

#[test]
fn flags_have_precedence_over_the_file() {
    let file = format!(
        "{BASE}fail-on = \"critical\"\nallow-unknown = true\nmax-snapshot-age = \"1h\"\n[parameters]\nmax_boats = 9\n"
    );
    let folder = harbour_with(&crowded(), file);
    let exit = |arguments: &[&str]| check(folder.path(), arguments).code;
    // The snapshot is too old, which is accepted, so nothing is decided.
    assert_eq!(exit(&[]), 3);
    assert_eq!(exit(&["--allow-unknown=false"]), 4);
    assert_eq!(exit(&["--max-snapshot-age", "none"]), 0);
    assert_eq!(exit(&["--max-snapshot-age", "none", "--param", "max_boats=2"]), 0);
    assert_eq!(exit(&["--max-snapshot-age", "30d", "--param", "max_boats=2", "--fail-on", "low"]), 1);
    assert_eq!(exit(&["--max-snapshot-age", "none", "--fail-on", "low"]), 0);
    assert_eq!(exit(&["--no-config", "--schema", "harbour.cedarschema", "--policies", "policies"]), 1);
    assert_eq!(exit(&["--config", "none.toml"]), 5);
    assert_eq!(exit(&["--config", "deodar.toml", "--no-config"]), 2);
    // The policies of the file are not those of the pack that the flag names.
    let other = check(folder.path(), &["--pack", "moengage", "--format", "json"]);
    assert!(other.json()["run"]["pack"].as_str().expect("a text").contains("moengage"), "{other:?}");
}

#[test]
fn settings_are_printed_with_their_origins() {
    let file = "# ours\nfail-on = \"high\"\nonly = [\"HB-*\"]\nframeworks = [\"pci-dss-4\"]\n\n[parameters]\nmax_boats = 3\n\"east:max_boats\" = 4\n\n[severity]\nHB-LEN-01 = { severity = \"low\", reason = \"there are none\" }\n";
    let folder = harbour_with(SOUND, format!("{BASE}{file}"));
    let text = run(folder.path(), &["config", "--param", "max_boats=5", "--allow-unknown", "--output", "json=a.json"]);
    assert_eq!((text.code, text.stderr.as_str()), (0, ""));
    expect![[r##"
        # deodar.toml, SHA-256 f6535d5b909ef20584b61beadf24406bddb33167d3f52a042f3ea552a60a432e
        # pack                             # default
        schema = "harbour.cedarschema"     # deodar.toml:1:1, weakens the gate: the schema is not that of a built-in pack
        policies = ["policies"]            # deodar.toml:2:1, weakens the gate: the policies are not those of a built-in pack
        # waivers                          # default
        # baseline                         # default
        only = ["HB-*"]                    # deodar.toml:5:1, weakens the gate: checks other than `HB-*` are not run
        # skip                             # default
        fail-on = "high"                   # deodar.toml:4:1, weakens the gate: failures below high do not fail the run
        allow-unknown = true               # flag
        # max-snapshot-age                 # default
        outputs = ["json=a.json"]          # flag
        # store                            # default
        # annotations                      # default
        frameworks = ["pci-dss-4"]         # deodar.toml:6:1
        parameters.max_boats = "5"         # flag
        parameters."east:max_boats" = "4"  # deodar.toml:10:1, weakens the gate: the value is 4
        severity.HB-LEN-01 = { severity = "low", reason = "there are none" }  # deodar.toml:13:1
    "##]]
    .assert_eq(&text.stdout);
    toml_edit::Document::parse(text.stdout.as_str()).expect("it is TOML");
    let json = run(folder.path(), &["config", "--format", "json"]).json();
    let setting = |key: &str| json["settings"].as_array().expect("a list").iter().find(|it| it["key"] == key).cloned();
    let expected = json!({
        "key": "fail-on", "value": "high", "weakens": "failures below high do not fail the run",
        "origin": { "kind": "file", "file": "deodar.toml", "line": 4, "column": 1 },
    });
    assert_eq!(setting("fail-on"), Some(expected));
}

/// A file with every setting that weakens the gate.
const WEAK: &str = "fail-on = \"high\"\nallow-unknown = true\nskip = [\"HB-LEN-*\"]\n[parameters]\nmax_boats = 9\n[severity]\nHB-PIER-01 = { severity = \"low\", reason = \"the |pier| is <closed>\" }\n";

#[test]
fn a_run_that_judges_in_spite_of_an_unknown_check_states_the_settings() {
    let folder = harbour_with(SOUND, format!("{BASE}{WEAK}HB-NONE-01 = {{ severity = \"low\", reason = \"none\" }}\n"));
    let run = check(folder.path(), &["--quiet"]);
    assert!(run.code == 5 && run.stdout.contains("HB-NONE-01"), "{run:?}");
    let text = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("settings weaken the gate") && !text.contains("nothing is judged"), "{text}");
}

#[test]
fn every_output_names_the_file_and_the_settings_that_weaken_the_gate() {
    let folder = harbour_with(&crowded(), format!("{BASE}{WEAK}"));
    let checks = run(folder.path(), &["list"]);
    assert_eq!(checks.code, 0, "{checks:?}");
    let json = check(folder.path(), &["--format", "json"]).json();
    let configuration = &json["run"]["configuration"];
    let sha256 = configuration["sha256"].as_str().expect("a digest").to_owned();
    let settings: Vec<&str> =
        configuration["weakens"].as_array().expect("a list").iter().filter_map(|it| it["setting"].as_str()).collect();
    assert_eq!(
        settings,
        ["schema", "policies", "fail-on", "allow-unknown", "skip", "parameters.max_boats", "severity.HB-PIER-01"]
    );
    for format in FORMATS {
        let run = check(folder.path(), &["--format", format.name]);
        // Without a finding, CSV has no row.
        let text = if format.name == "csv" { &run.stderr } else { &run.stdout };
        let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.replace(' ', "").contains(&sha256), "{}: {text}", format.name);
        for setting in &settings {
            let setting = if format.name == "markdown" { setting.replace('_', "&#95;") } else { (*setting).to_owned() };
            assert!(text.contains(&setting), "{} lacks {setting}: {text}", format.name);
        }
    }
    let text = check(folder.path(), &["--quiet"]).stdout;
    let text: String = text.lines().map(|line| line.get(2..).unwrap_or_default().to_owned() + "\n").collect();
    expect![[r#"
        configuration deodar.toml, SHA-256
          a9154f7982b984eb186325a69277aed9b278cd29a80821f8a97ca58dfcf41be7: 7 settings
          weaken the gate
        deodar.toml:1:1 schema: the schema is not that of a built-in pack
        deodar.toml:2:1 policies: the policies are not those of a built-in pack
        deodar.toml:3:1 fail-on: failures below high do not fail the run
        deodar.toml:4:1 allow-unknown: unknown verdicts do not fail the run
        deodar.toml:5:1 skip: the checks `HB-LEN-*` are not run
        deodar.toml:7:1 parameters.max_boats: the value is 9, the default is 2
        deodar.toml:9:1 severity.HB-PIER-01: low in place of medium: the |pier| is
          <closed>
        3 of 4 checks, 6 verdicts: 0 fail, 0 unknown, 0 not applicable, 6 pass
        exit 0: nothing failed at or above the threshold; some checks judged nothing
    "#]]
    .assert_eq(&text);
}

#[test]
fn a_severity_of_the_file_replaces_that_of_the_policy_everywhere() {
    let folder = harbour_with(
        &crowded(),
        format!("{BASE}[severity]\nHB-PIER-01 = {{ severity = \"critical\", reason = \"piers sink\" }}\n"),
    );
    let json = check(folder.path(), &["--format", "json"]).json();
    assert_eq!(json["findings"][0]["check"], "HB-PIER-01");
    assert_eq!(json["findings"][0]["severity"], "critical");
    let check_of =
        json["checks"].as_array().expect("a list").iter().find(|it| it["id"] == "HB-PIER-01").expect("it is there");
    assert_eq!(check_of["severity"], "critical");
    assert_eq!(check_of["overridden"]["reason"], "piers sink");
    assert_eq!(
        json["run"]["configuration"]["weakens"].as_array().map(Vec::len),
        Some(2),
        "a raised severity weakens nothing"
    );
    assert_eq!(check(folder.path(), &["--fail-on", "critical"]).code, 1);
    assert_eq!(
        check(folder.path(), &["--only", "critical", "--format", "json"]).json()["summary"]["verdicts"]["fail"],
        1
    );
    for arguments in [&["list"][..], &["explain", "HB-PIER-01"], &["doc"]] {
        let text = run(folder.path(), arguments).stdout;
        assert!(text.contains("piers sink") && text.contains("critical"), "{arguments:?}: {text}");
    }
}

#[test]
fn own_annotations_and_frameworks_are_valid_where_the_file_declares_them() {
    let policies = replaced(
        POLICIES,
        "@id(\"HB-PIER-01\")",
        "@id(\"HB-PIER-01\")\n@team(\"port\")\n@cis_v8(\"1.1\")\n@controls(\"pci-dss-4:8.4.2, cis-v8:6.3, pci-dss-4:8.4.3\")",
    );
    let folder = harbour_with(SOUND, BASE);
    std::fs::write(folder.path().join("policies/harbour.cedar"), &policies).expect("it can be written");
    let refused = check(folder.path(), &[]);
    assert_eq!(refused.code, 5);
    assert!(refused.stdout.contains("unknown annotation `@team`"), "{refused:?}");
    assert!(refused.stdout.contains("there is no framework `pci-dss-4`"), "{refused:?}");
    std::fs::write(
        folder.path().join("deodar.toml"),
        format!("{BASE}annotations = [\"team\"]\nframeworks = [\"pci-dss-4\"]\n"),
    )
    .expect("it can be written");
    let json = check(folder.path(), &["--by", "framework=pci-dss-4", "--format", "json"]);
    assert_eq!(json.code, 0, "{json:?}");
    let json = json.json();
    assert_eq!(json["by_control"]["framework"], "pci-dss-4");
    assert_eq!(json["by_control"]["controls"][0]["control"], "8.4.2");
    let check_of =
        json["checks"].as_array().expect("a list").iter().find(|it| it["id"] == "HB-PIER-01").expect("it is there");
    assert_eq!(check_of["controls"], json!({ "cis-v8": ["1.1", "6.3"], "pci-dss-4": ["8.4.2", "8.4.3"] }));
    assert!(run(folder.path(), &["doc"]).stdout.contains("### pci-dss-4"));
    assert_eq!(check(folder.path(), &["--by", "framework=pci-dss"]).code, 2);
    assert_eq!(check(folder.path(), &["--by", "framework=pci-dss-4", "--no-config"]).code, 2);
    // The cases of the policies are run with the same file.
    let case = "base = \"../snapshot.json\"\nnow = \"2026-09-01T12:00:00Z\"\n[[case]]\nname = \"sound\"\nexpect = { \"HB-PIER-01\" = \"pass\" }\n";
    std::fs::write(folder.path().join("policies/harbour.test.toml"), case).expect("it can be written");
    let tested = run(folder.path(), &["test"]);
    assert_eq!(tested.code, 0, "{tested:?}");
    assert_eq!(run(folder.path(), &["test", "--mutate"]).code, 0);
}

#[test]
fn outputs_of_the_file_are_written_below_its_folder() {
    let folder = harbour_with(SOUND, format!("{BASE}outputs = [\"json=out/report.json\", \"junit=report.xml\"]\n"));
    let missing = check(folder.path(), &[]);
    assert_eq!(missing.code, 5, "the folder does not exist: {missing:?}");
    let below = folder.path().join("out");
    std::fs::create_dir(&below).expect("it can be made");
    assert_eq!(check(folder.path(), &[]).code, 0);
    assert!(below.join("report.json").is_file() && folder.path().join("report.xml").is_file());
    // Flags replace them.
    std::fs::remove_file(below.join("report.json")).expect("it can be removed");
    assert_eq!(check(folder.path(), &["--output", "csv=rows.csv"]).code, 0);
    assert!(!below.join("report.json").exists() && folder.path().join("rows.csv").is_file());
    // The file is an input.
    let own = harbour_with(SOUND, format!("{BASE}outputs = [\"json=deodar.toml\"]\n"));
    assert_eq!(check(own.path(), &[]).code, 2);
}

#[cfg(unix)]
#[test]
fn links_do_not_lead_out_of_the_repository() {
    use std::os::unix::fs::symlink;
    let elsewhere = folder(&[("deodar.toml", b"fail-on = \"critical\"\n"), ("out/keep", b"kept")]);
    let folder = harbour_with(SOUND, format!("{BASE}outputs = [\"json=out/report.json\"]\n"));
    symlink(elsewhere.path().join("out"), folder.path().join("out")).expect("it can be linked");
    assert_eq!(check(folder.path(), &[]).code, 2);
    assert!(!elsewhere.path().join("out/report.json").exists());
    std::fs::remove_file(folder.path().join("deodar.toml")).expect("it can be removed");
    symlink(elsewhere.path().join("deodar.toml"), folder.path().join("deodar.toml")).expect("it can be linked");
    let refused = run(folder.path(), &["config"]);
    assert_eq!(refused.code, 5, "{refused:?}");
    assert!(
        refused.stderr.contains("outside of its repository") && !refused.stderr.contains("critical"),
        "{refused:?}"
    );
    assert_eq!(run(folder.path(), &["config", "--config", "deodar.toml"]).code, 0);
    // A link to nothing, and a link to itself.
    for target in ["none.toml", "deodar.toml"] {
        std::fs::remove_file(folder.path().join("deodar.toml")).expect("it can be removed");
        symlink(target, folder.path().join("deodar.toml")).expect("it can be linked");
        assert_eq!(run(folder.path(), &["config"]).code, 5, "{target}");
    }
}

#[test]
fn a_file_that_cannot_be_read_judges_nothing() {
    let deep = format!("a = {}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let large = vec![b'#'; 100 << 20];
    let files: [(&str, &[u8]); 9] = [
        ("not UTF-8", b"fail-on = \"\xff\""),
        ("UTF-16", b"\xff\xfef\x00a\x00i\x00l\x00"),
        ("large", &large),
        ("deep", deep.as_bytes()),
        ("twice", b"fail-on = \"low\"\nfail-on = \"high\"\n"),
        ("table twice", b"[parameters]\na = 1\n[parameters]\nb = 1\n"),
        ("null", b"fail-on = null\n"),
        ("zero bytes", b"\0\0\0\0"),
        ("JSON", b"{\"fail-on\": \"high\"}"),
    ];
    for (name, content) in files {
        let folder = harbour_with(SOUND, content);
        for arguments in [&["config"][..], &["list"], &["explain", "HB-PIER-01"], &["doc"], &["test"]] {
            assert_eq!(run(folder.path(), arguments).code, 5, "{name}, {arguments:?}");
        }
        let refused =
            check(folder.path(), &["--schema", "harbour.cedarschema", "--policies", "policies", "--format", "json"]);
        assert_eq!(refused.code, 5, "{name}");
        assert_eq!(refused.json()["summary"]["accounts"], 0, "{name}");
    }
    let folder = harbour_with(SOUND, "");
    std::fs::remove_file(folder.path().join("deodar.toml")).expect("it can be removed");
    std::fs::create_dir(folder.path().join("deodar.toml")).expect("it can be made");
    assert_eq!(run(folder.path(), &["config"]).code, 5);
}

#[test]
fn an_empty_file_and_other_line_breaks_and_a_byte_order_mark_are_valid() {
    for content in ["", "\n", "# nothing\n", "\u{feff}"] {
        let folder = harbour_with(SOUND, content);
        assert_eq!(run(folder.path(), &["config"]).code, 0, "{content:?}");
    }
    let folder = harbour_with(SOUND, format!("\u{feff}{}", BASE.replace('\n', "\r\n")));
    assert_eq!(check(folder.path(), &[]).code, 0);
    let digest = run(folder.path(), &["config", "--format", "json"]).json()["configuration"]["sha256"].clone();
    let source = Source::part("deodar.toml", BASE.replace('\n', "\r\n"), 0, 3).expect("it is small");
    assert_eq!(digest, json!(source.sha256()), "the digest is that of the bytes");
}

#[test]
fn parameters_of_the_file_are_read_like_those_of_the_command_line() {
    for (written, code) in [
        ("max_boats = 9", 0),
        ("max_boats = \"9\"", 0),
        ("max_boats = 9.5", 5),
        ("max_boats = true", 5),
        ("max_boats = [9]", 5),
        ("max_boats = nan", 5),
        ("max_boats = 1e400", 5),
        ("max_boats = 2026-09-01", 5),
        ("max_boat = 9", 5),
        ("max_age = \"30d\"", 1),
        ("max_age = 30", 5),
    ] {
        let folder = harbour_with(&crowded(), format!("{BASE}[parameters]\n{written}\n"));
        let run = check(folder.path(), &[]);
        assert_eq!(run.code, code, "{written}: {run:?}");
        if code == 5 {
            assert!(run.stdout.contains("deodar.toml:4:"), "{written}: {run:?}");
        }
    }
}

/// Texts of the file: valid ones, then invalid ones, each with one mistake.
const VALID: [&str; 13] = [
    "",
    "pack = \"moengage\"",
    "schema = \"a.cedarschema\"\npolicies = [\"a\", \"../b.cedar\"]\nwaivers = [\"waivers.cedar\"]",
    "baseline = \"baseline.json\"",
    "only = [\"MOE-*\"]\nskip = [\"low\"]",
    "fail-on = \"critical\"\nallow-unknown = false",
    "max-snapshot-age = \"1d2h3m4s5ms\"",
    "outputs = [\"sarif=a/b.sarif\", \"json=./c.json\"]",
    "store = \"reports/2026\"",
    "annotations = [\"team\", \"_x1\"]\nframeworks = [\"pci-dss-4\"]",
    "[parameters]\na = 1\n\"WS:b\" = [\"x\"]\nc = { d = true }",
    "[severity.A-1]\nseverity = \"low\"\nreason = \"why\"",
    "severity.\"a.b\" = { severity = \"high\", reason = \"why\" }",
];
const INVALID: [&str; 39] = [
    "fail_on = \"high\"",
    "fail-on = \"High\"",
    "fail-on = 1",
    "allow-unknown = \"true\"",
    "allow-unknown = 1",
    "pack = \"\"",
    "pack = [\"moengage\"]",
    "schema = 1",
    "policies = \"a\"",
    "policies = []",
    "policies = [1]",
    "policies = [\"\"]",
    "waivers = \"waivers.cedar\"",
    "waivers = []",
    "baseline = [\"a\"]",
    "only = []",
    "skip = [true]",
    "max-snapshot-age = 7",
    "max-snapshot-age = \"-7d\"",
    "max-snapshot-age = \"7\"",
    "max-snapshot-age = \"\"",
    "max-snapshot-age = \"none\"",
    "outputs = [\"sarif\"]",
    "outputs = [\"sarif=\"]",
    "outputs = [\"pdf=a\"]",
    "outputs = { sarif = \"a\" }",
    "store = [\"a\"]",
    "store = \"\"",
    "annotations = [\"@team\"]",
    "annotations = [\"1team\"]",
    "annotations = [\"team\", \"team\"]",
    "frameworks = [\"pci dss\"]",
    "frameworks = [\"\"]",
    "parameters = []",
    "severity = \"low\"",
    "severity.A-1 = \"low\"",
    "severity.A-1 = { severity = \"low\" }",
    "severity.A-1 = { severity = \"low\", reason = \" \" }",
    "severity.A-1 = { severity = \"low\", reason = \"why\", until = \"2027-01-01\" }",
];

#[test]
fn the_schema_for_editors_agrees_with_the_reader() {
    let text = std::fs::read_to_string(repository().join("schemas/deodar.schema.json")).expect("there is a schema");
    let schema: Value = serde_json::from_str(&text).expect("it is JSON");
    let validator = jsonschema::validator_for(&schema).expect("it is a schema");
    let of_schema: BTreeSet<&str> =
        schema["properties"].as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(of_schema, KEYS.into_iter().collect());
    let pattern = schema["properties"]["outputs"]["items"]["pattern"].as_str().expect("a text");
    let formats = FORMATS.map(|format| format.name).join("|");
    assert_eq!(pattern, format!("^({formats})=."));
    for (texts, valid) in [(&VALID[..], true), (&INVALID[..], false)] {
        for text in texts {
            let source = Source::new("deodar.toml", *text).expect("it is small");
            let (_, mistakes) = Configuration::read(&source);
            assert_eq!(mistakes.is_empty(), valid, "{text}: {mistakes:?}");
            for mistake in &mistakes {
                assert!(!mistake.labels.is_empty() && mistake.help.is_some(), "{text}: {mistake:?}");
                assert!(!mistake.labels[0].place.span.is_empty(), "{text}: {mistake:?}");
            }
            let document = toml_edit::Document::parse(*text).expect("it is TOML");
            assert_eq!(validator.is_valid(&value(document.as_item())), valid, "{text}");
        }
    }
    // The schema does not know the built-in names, or the folder.
    for text in [
        "annotations = [\"title\"]",
        "frameworks = [\"soc2\"]",
        "outputs = [\"json=/a\"]",
        "outputs = [\"json=a/../../b\"]",
        "store = \"/a\"",
        "store = \"../a\"",
    ] {
        let source = Source::new("deodar.toml", text).expect("it is small");
        assert_eq!(Configuration::read(&source).1.len(), 1, "{text}");
    }
}

/// Returns an item of TOML as JSON.
fn value(item: &toml_edit::Item) -> Value {
    match (item.as_value(), item.as_table_like()) {
        (_, Some(table)) => table.iter().map(|(key, item)| (key.to_owned(), value(item))).collect(),
        (Some(toml_edit::Value::String(text)), _) => json!(text.value()),
        (Some(toml_edit::Value::Integer(number)), _) => json!(number.value()),
        (Some(toml_edit::Value::Boolean(truth)), _) => json!(truth.value()),
        (Some(toml_edit::Value::Array(list)), _) => {
            list.iter().map(|element| value(&toml_edit::Item::Value(element.clone()))).collect()
        }
        _ => panic!("the examples have no such value"),
    }
}

#[test]
fn every_key_is_documented() {
    let page = std::fs::read_to_string(repository().join("docs/configuration.md")).expect("there is a page");
    for key in KEYS {
        assert!(page.contains(&format!("| `{key}`")), "{key}");
    }
}
