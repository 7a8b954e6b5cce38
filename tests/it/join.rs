//! `deodar check --join`: several files as one account.

use crate::support::{HARBOUR, POLICIES, Run, SCHEMA, command, deodar, folder, replaced};
use deodar::project::{Loader, Selection};
use deodar::snapshot::Limits;
use expect_test::expect;
use std::path::Path;

const PEOPLE: &str =
    "name: Anse\ncaptured_at: 2026-08-31T06:00:00Z\npeople:\n  - {email: ada@anse.example, active: true}\n";

const MORE_PEOPLE: &str = r#"{
  "name": "Anse",
  "captured_at": "2026-08-31T05:00:00Z",
  "page": 2,
  "people": [
    { "email": "bo@anse.example", "active": true }
  ]
}
"#;

const PIERS: &str = r#"{
  // the harbour office
  "piers": [
    {
      "id": "east",
      "length": 8,
      "flags": ["fuel"],
      "boats": [
        { "name": "Tern", "owner": "ada@anse.example", "length": 12, "light": "red", "pin": "7091" },
        { "name": "Wren", "owner": "bo@anse.example", "length": 7, "light": "green" },
      ],
    },
  ],
  "buoys": [],
}
"#;

/// Returns the files of the pack, and those of an account in the folder `anse`.
fn files(people: &str, more_people: &str, piers: &str) -> Vec<(&'static str, &'static [u8])> {
    let leaked = |text: &str| -> &'static [u8] { text.to_owned().leak().as_bytes() };
    vec![
        ("harbour.cedarschema", SCHEMA.as_bytes()),
        ("policies/harbour.cedar", POLICIES.as_bytes()),
        ("anse/people-1.yaml", leaked(people)),
        ("anse/people-2.json", leaked(more_people)),
        ("anse/piers.jsonc", leaked(piers)),
        ("anse/notes.txt", b"not read"),
    ]
}

fn arguments<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["check", "--join", "anse"], &HARBOUR[2..], more].concat()
}

fn joined(people: &str, more_people: &str, piers: &str, more: &[&str]) -> Run {
    deodar(&files(people, more_people, piers), &arguments(more))
}

#[test]
fn the_files_of_a_folder_are_one_account() {
    let run = joined(PEOPLE, MORE_PEOPLE, PIERS, &[]);
    expect![[r#"
        HB-LEN-01 · high · fail · 87e37013

          × A lit boat is no longer than its pier
          │ Boat east/Tern
            ╭─[policies/harbour.cedar:18:8]
         17 │ forbid (principal, action == Action::"audit", resource is Boat)
         18 │ when { resource.light != Light::"white" }
            ·        ────────────────┬───────────────
            ·                        ╰── this is true
         19 │ unless { resource.length <= resource.pier.length };
            ·          ───────────────────┬───────────────────
            ·                             ╰── this is false
            ╰────

          ☞ length is 12, length of Pier::"east" is 8, light is "red"
           ╭─[anse/piers.jsonc:6:17]
         5 │       "id": "east",
         6 │       "length": 8,
           ·                 ┬
           ·                 ╰── length of Pier::"east" is 8
         7 │       "flags": ["fuel"],
           ╰────
            ╭─[anse/piers.jsonc:9:66]
          8 │       "boats": [
          9 │         { "name": "Tern", "owner": "ada@anse.example", "length": 12, "light": "red", "pin": *** },
            ·                                                                  ─┬           ──┬──
            ·                                                                   │             ╰── light is "red"
            ·                                                                   ╰── length is 12
         10 │         { "name": "Wren", "owner": "bo@anse.example", "length": 7, "light": "green" },
            ╰────
          help: Move it to a longer pier.
          see:  https://harbour.example/rules#length

            check      severity  fail  unknown  n/a  pass
         ✗  HB-LEN-01  high         1        ·    ·     1 A lit boat is no longer th…

          passed   3  HB-AGE-01, HB-OWN-01, HB-PIER-01

          anse
          judged by the given schema and policies as of 2026-09-01T12:00:00Z
          4 checks, 6 verdicts: 1 fail, 0 unknown, 0 not applicable, 5 pass
          1 other file in the folders was skipped
          exit 1: 1 failure at or above low
    "#]]
    .assert_eq(&run.stdout);
    let report = joined(PEOPLE, MORE_PEOPLE, PIERS, &["--format", "json"]).json();
    let snapshots = &report["run"]["snapshots"];
    assert_eq!(snapshots.as_array().map(Vec::len), Some(1), "{snapshots}");
    let names: Vec<&str> =
        snapshots[0]["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()).collect();
    assert_eq!(names, ["anse/people-1.yaml", "anse/people-2.json", "anse/piers.jsonc"]);
    assert_eq!((&snapshots[0]["path"], &snapshots[0]["account"]), (&"anse".into(), &"Anse".into()));
    // The account is as old as its oldest file.
    assert_eq!(snapshots[0]["captured_at"], "2026-08-31T05:00:00Z");
    let html = joined(PEOPLE, MORE_PEOPLE, PIERS, &["--format", "html"]).stdout;
    assert!(html.contains("<code>anse/people-2.json</code> <code class=\"hash\">"));
    for format in ["html", "sarif", "github", "csv", "markdown", "junit", "gitlab", "ndjson", "ocsf"] {
        let run = joined(PEOPLE, MORE_PEOPLE, PIERS, &["--format", format]);
        assert!(run.code == 1 && !run.stdout.contains("7091"), "{format}: {run:?}");
    }
}

#[test]
fn different_values_are_an_error_with_both_places() {
    let other = replaced(MORE_PEOPLE, "\"Anse\"", "\"Ansee\"");
    let run = joined(PEOPLE, &other, PIERS, &["--quiet"]);
    expect![[r#"
        snapshot-duplicate-key

          × two files have different values of `name`
           ╭─[anse/people-2.json:2:3]
         1 │ {
         2 │   "name": "Ansee",
           ·   ───┬──
           ·      ╰── another value
         3 │   "captured_at": "2026-08-31T05:00:00Z",
           ╰────

          ☞ see also
           ╭─[anse/people-1.yaml:1:1]
         1 │ name: Anse
           · ──┬─
           ·   ╰── one value
         2 │ captured_at: 2026-08-31T06:00:00Z
           ╰────
          help: correct one of them, or leave it out of one file

          4 checks, 6 verdicts: 1 fail, 0 unknown, 0 not applicable, 5 pass
          exit 5: some files are unreadable or invalid; 1 failure at or above low
    "#]]
    .assert_eq(&run.stdout);
    assert_eq!(run.code, 5);
    // One person with two values.
    let other = replaced(MORE_PEOPLE, "bo@anse.example\", \"active\": true", "ada@anse.example\", \"active\": false");
    let run = joined(PEOPLE, &other, PIERS, &["--quiet"]);
    expect![[r#"
        snapshot-duplicate-key

          × two files have different values of `active`
           ╭─[anse/people-2.json:6:36]
         5 │   "people": [
         6 │     { "email": "ada@anse.example", "active": false }
           ·                                    ────┬───
           ·                                        ╰── another value
         7 │   ]
           ╰────

          ☞ see also
           ╭─[anse/people-1.yaml:4:31]
         3 │ people:
         4 │   - {email: ada@anse.example, active: true}
           ·                               ───┬──
           ·                                  ╰── one value
           ╰────
          help: correct one of them, or leave it out of one file

        snapshot-reference

          × `owner` refers to Person `bo@anse.example`, which is not in the snapshot
            ╭─[anse/piers.jsonc:10:37]
          9 │         { "name": "Tern", "owner": "ada@anse.example", "length": 12, "light": "red", "pin": *** },
         10 │         { "name": "Wren", "owner": "bo@anse.example", "length": 7, "light": "green" },
            ·                                     ───────┬───────
            ·                                            ╰── no such Person
         11 │       ],
            ╰────
          help: did you mean `ada@anse.example`?

          4 checks, 6 verdicts: 1 fail, 2 unknown, 0 not applicable, 3 pass
          exit 5: some files are unreadable or invalid; 1 failure at or above low; 2
            verdicts unknown
    "#]]
    .assert_eq(&run.stdout);
    assert_eq!(run.code, 5);
}

/// The whole has the property from another file, so the misspelt one must not be lost.
#[test]
fn a_property_that_one_file_misspells_is_an_error_with_both_names() {
    let json = replaced(MORE_PEOPLE, "\"people\": [", "\"peple\": [");
    let yaml = replaced(PEOPLE, "people:", "peple:");
    for (people, more) in [(PEOPLE, json.as_str()), (&yaml, MORE_PEOPLE)] {
        let run = joined(people, more, PIERS, &["--quiet"]);
        assert_eq!(run.code, 5, "{run:?}");
        assert!(run.stdout.contains("`peple` may be a misspelling of `people`"), "{}", run.stdout);
        assert!(!run.stdout.contains("0 unknown"), "{}", run.stdout);
    }
}

#[test]
fn an_instance_may_be_divided_between_files() {
    // The pier is in one file, and its boats are in two others.
    let east = r#"{ "piers": [{ "id": "east", "length": 8, "flags": ["fuel"] }], "buoys": [] }"#;
    let more = replaced(
        MORE_PEOPLE,
        "\"people\"",
        r#""piers": [{ "id": "east", "boats": [{ "name": "Tern", "owner": "ada@anse.example", "length": 12, "light": "red" }] }],
  "people""#,
    );
    let people = format!(
        "{PEOPLE}piers:\n  - id: east\n    boats:\n      - {{name: Wren, owner: bo@anse.example, length: 7, light: green}}\n"
    );
    let whole = joined(PEOPLE, MORE_PEOPLE, PIERS, &["--format", "json", "--verdicts", "all"]).json();
    let divided = joined(&people, &more, east, &["--format", "json", "--verdicts", "all"]).json();
    let verdicts = |report: &serde_json::Value| {
        let lists = ["findings", "other_verdicts"].into_iter().flat_map(|list| report[list].as_array().unwrap());
        let verdict = |it: &serde_json::Value| format!("{} {} {}", it["check"], it["resource"]["id"], it["verdict"]);
        let mut verdicts: Vec<String> = lists.map(verdict).collect();
        verdicts.sort();
        verdicts
    };
    assert_eq!(verdicts(&divided), verdicts(&whole));
    assert_eq!((verdicts(&whole).len(), divided["diagnostics"].as_array().map(Vec::len)), (6, Some(0)));
}

#[test]
fn secrets_are_masked_in_every_file() {
    // Both files have the pier, so the account has it once, and `pin` is a name that the schema does not declare there.
    let pier = r#"{ "id": "east", "length": 8, "flags": ["fuel"], "boats": [{ "name": "Tern", "owner": "bo@anse.example", "length": 12,
        "light": "red", "pin": "7091" }] }"#;
    let piers = format!("{{ \"piers\": [{pier}], \"buoys\": [] }}");
    let more =
        replaced(MORE_PEOPLE, "  \"people\": [", &format!("  \"pin\": 7091, \"piers\": [{pier}], \"people\": ["));
    let more = replaced(&more, "\"active\": true", "\"active\": false");
    for format in ["text", "json", "html", "sarif"] {
        let run = joined(PEOPLE, &more, &piers, &["--format", format, "--verbose"]);
        assert!(run.stdout.contains("HB-OWN-01") && !run.stdout.contains("7091"), "{format}: {run:?}");
    }
}

#[test]
fn a_file_that_is_not_valid_makes_the_account_unreadable() {
    let run = joined(PEOPLE, MORE_PEOPLE, &replaced(PIERS, "\"buoys\": []", "\"buoys\": ["), &["--quiet"]);
    expect![[r#"
        snapshot-syntax

          × expected a value, found `,`
            ╭─[anse/piers.jsonc:14:13]
         13 │ ***
         14 │ ***
            · ─┬─
            ·  ╰── here
         15 │ ***
            ╰────

          4 checks, 0 verdicts: 0 fail, 0 unknown, 0 not applicable, 0 pass
          exit 5: some files are unreadable or invalid; nothing was evaluated
    "#]]
    .assert_eq(&run.stdout);
    let run = joined("- a\n", MORE_PEOPLE, PIERS, &["--quiet"]);
    expect![[r#"
        snapshot-syntax

          × a file of a joined account is an object, and this is an array
           ╭─[anse/people-1.yaml:1:1]
         1 │ ***
           · ─┬─
           ·  ╰── here
           ╰────
          help: put the value in an object, under the name that the schema reads

          4 checks, 0 verdicts: 0 fail, 0 unknown, 0 not applicable, 0 pass
          exit 5: some files are unreadable or invalid; nothing was evaluated
    "#]]
    .assert_eq(&run.stdout);
    let run = joined(PEOPLE, MORE_PEOPLE, PIERS, &["--quiet", "--max-bytes", "500"]);
    assert!(run.code == 5 && run.stdout.contains("`anse` holds more than 500 bytes"), "{run:?}");
    let files = [
        ("harbour.cedarschema", SCHEMA.as_bytes()),
        ("policies/harbour.cedar", POLICIES.as_bytes()),
        ("anse/x.txt", b""),
    ];
    let run = deodar(&files, &arguments(&["--quiet"]));
    assert!(run.code == 5 && run.stdout.contains("folder `anse` holds no part of a snapshot"), "{run:?}");
}

#[test]
fn evidence_has_every_file() {
    let folder = folder(&files(PEOPLE, MORE_PEOPLE, PIERS));
    let run = |arguments: &[&str]| -> Run { command(folder.path()).args(arguments).output().unwrap().into() };
    let checked = run(&arguments(&["--evidence", "evidence.json"]));
    assert_eq!(checked.code, 1, "{checked:?}");
    let evidence = std::fs::read_to_string(folder.path().join("evidence.json")).unwrap();
    assert!(evidence.contains("snapshot 1 anse/piers.jsonc"), "{evidence}");
    assert_eq!(run(&["verify", "evidence.json"]).code, 0);
    std::fs::write(folder.path().join("anse/piers.jsonc"), format!("{PIERS}// end\n")).unwrap();
    let verified = run(&["verify", "evidence.json"]);
    assert!(verified.code == 1 && verified.stdout.contains("anse/piers.jsonc"), "{verified:?}");
}

#[test]
fn joined_accounts_and_snapshots_are_judged_in_one_run() {
    let mut all = files(PEOPLE, MORE_PEOPLE, PIERS);
    all.push(("other.json", include_bytes!("../data/harbour/snapshot.json")));
    let run = deodar(
        &all,
        &[&["check", "other.json", "--join", "anse", "--join", "anse"], &HARBOUR[2..], &["--format", "json"]].concat(),
    );
    let report = run.json();
    let names: Vec<&str> =
        report["run"]["snapshots"].as_array().unwrap().iter().map(|it| it["path"].as_str().unwrap()).collect();
    assert_eq!(names, ["other.json", "anse", "anse"]);
    assert_eq!(deodar(&all, &["check"]).code, 2);
    // An output below the folder would be a part of the account in the next run.
    let run = deodar(&all, &arguments(&["--output", "json=anse/people-2.json"]));
    assert_eq!(run.code, 2, "{run:?}");
    assert!(!Path::new("anse").exists());
}

#[test]
fn each_line_is_a_part() {
    let mut all = files(PEOPLE, MORE_PEOPLE, PIERS);
    all.retain(|(name, _)| *name != "anse/people-2.json");
    all.push((
        "anse/rest.ndjson",
        b"{\"people\": [{\"email\": \"bo@anse.example\", \"active\": true}]}\n\n{\"name\": \"Anse\"}\n",
    ));
    let run = deodar(&all, &arguments(&["--format", "json"]));
    let report = run.json();
    let names: Vec<&str> = report["run"]["snapshots"][0]["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file["path"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["anse/people-1.yaml", "anse/piers.jsonc", "anse/rest.ndjson:1", "anse/rest.ndjson:3"]);
    assert_eq!(run.code, 1, "{run:?}");
}

#[test]
fn a_watch_joins_the_files_again() {
    let folder = folder(&files(PEOPLE, MORE_PEOPLE, PIERS));
    let at = |path: &str| folder.path().join(path);
    let selection = Selection {
        joined: vec![at("anse")],
        schema: Some(at("harbour.cedarschema")),
        policies: vec![at("policies")],
        ..Selection::default()
    };
    let mut loader = Loader::default();
    let mut load = || loader.load(&selection, &Limits::default()).unwrap();
    let first = load();
    assert_eq!((first.snapshots.len(), first.diagnostics.len()), (1, 0), "{:?}", first.diagnostics);
    assert_eq!(first, load());
    // A comment moves the lines of the values, although the values are the same.
    std::fs::write(at("anse/piers.jsonc"), format!("\n{PIERS}")).unwrap();
    let moved = load();
    assert_ne!(first, moved);
    assert_eq!(first.snapshots[0].text(), moved.snapshots[0].text());
    std::fs::write(at("anse/piers.jsonc"), b"{").unwrap();
    assert!(load().snapshots[0].fault().is_some());
    std::fs::write(at("anse/piers.jsonc"), PIERS).unwrap();
    std::fs::write(at("anse/more.toml"), "buoys = []\n").unwrap();
    assert_eq!(load().snapshots[0].files().len(), 4);
}
