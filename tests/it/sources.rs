//! Snapshots in YAML, TOML and JSON with comments: what the commands say of them, and where.

use crate::support::{
    HARBOUR, NOW, POLICIES, Run, SCHEMA, SOUND, command, deodar, deodar_with_input, folder, replaced, repository,
};
use expect_test::{Expect, expect, expect_file};
use serde_json::Value;
use std::io::Write;

/// The sound harbour in YAML.
const YAML: &str = "\
# written by hand
name: Anse
captured_at: 2026-08-31T06:00:00Z
people:
  - &ada
    email: ada@anse.example
    active: true
    site: https://ada.example/boat
  - {email: bo@anse.example, active: true, network: 192.0.2.0/28, fee: 12.5}
piers:
  - id: east
    length: 40
    flags: [fuel]
    boats:
      - &boat {name: Tern, owner: ada@anse.example, length: 12, light: red, pin: '7091'}
      - <<: *boat
        name: Wren
        owner: bo@anse.example
        length: 9
        light: green
        pin: null
buoys: []
";

/// The sound harbour in TOML.
const TOML: &str = r#"
name = "Anse"
captured_at = 2026-08-31T06:00:00Z
buoys = []

[[people]]
email = "ada@anse.example"
active = true
site = "https://ada.example/boat"

[[people]]
email = "bo@anse.example"
active = true
network = "192.0.2.0/28"
fee = 12.5

[[piers]]
id = "east"
length = 40
flags = ["fuel"]
boats = [
  { name = "Tern", owner = "ada@anse.example", length = 12, light = "red", pin = "7091" },
  { name = "Wren", owner = "bo@anse.example", length = 9, light = "green" },
]
"#;

fn pack() -> [(&'static str, &'static [u8]); 2] {
    [("harbour.cedarschema", SCHEMA.as_bytes()), ("policies/harbour.cedar", POLICIES.as_bytes())]
}

/// Judges a snapshot in a file of this name.
fn judged(name: &str, text: impl AsRef<[u8]>, arguments: &[&str]) -> Run {
    let files = [&pack()[..], &[(name, text.as_ref())]].concat();
    deodar(&files, &[&["check", name], &HARBOUR[2..], arguments].concat())
}

/// Returns the sound harbour in YAML after one replacement.
fn yaml(from: &str, to: &str) -> String {
    replaced(YAML, from, to)
}

fn says(run: &Run, expected: &Expect) {
    expected.assert_eq(&run.stdout);
}

/// Returns a JSON report without what the name and the text of the file decide.
fn verdicts(run: &Run) -> Value {
    let mut report = run.json();
    for snapshot in report["run"]["snapshots"].as_array_mut().expect("a report has snapshots") {
        snapshot["path"] = Value::Null;
        snapshot["sha256"] = Value::Null;
    }
    serde_json::json!([report["run"]["snapshots"], report["summary"], report["diagnostics"]])
}

#[test]
fn every_format_says_the_same() {
    let json = judged("snapshot.json", SOUND, &["--format", "json", "--verdicts", "all"]);
    let commented = format!("// as exported\n{}", SOUND.replace("\"buoys\": []", "/* none */ \"buoys\": [],"));
    for (name, text) in
        [("a.yaml", YAML), ("a.YML", YAML), ("a.toml", TOML), ("a.jsonc", &commented), ("b.yaml", SOUND)]
    {
        let run = judged(name, text, &["--format", "json", "--verdicts", "all"]);
        assert_eq!((run.code, verdicts(&run)), (json.code, verdicts(&json)), "{name}: {run:?}");
    }
    // JSON does not have comments, and the name of a file does not change that.
    assert_eq!(judged("a.json", &commented, &[]).code, 5);
    assert_eq!(judged("a.json5", &commented, &[]).code, 5);
}

#[test]
fn a_finding_underlines_the_line_of_the_file() {
    says(
        &judged("a.yaml", yaml("length: 40", "length: 8 # metres"), &[]),
        &expect![[r#"
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
            ╭─[a.yaml:12:13]
         11 │   - id: east
         12 │     length: 8 # metres
            ·             ┬
            ·             ╰── length of Pier::"east" is 8
         13 │     flags: [fuel]
            ╰────
            ╭─[a.yaml:15:61]
         14 │     boats:
         15 │       - &boat {name: Tern, owner: ada@anse.example, length: 12, light: red, pin: ***}
            ·                                                             ─┬         ─┬─
            ·                                                              │          ╰── light is "red"
            ·                                                              ╰── length is 12
         16 │       - <<: *boat
            ╰────
          help: Move it to a longer pier.
          see:  https://harbour.example/rules#length

        HB-LEN-01 · high · fail · 6ea5877a

          × A lit boat is no longer than its pier
          │ Boat east/Wren
            ╭─[policies/harbour.cedar:18:8]
         17 │ forbid (principal, action == Action::"audit", resource is Boat)
         18 │ when { resource.light != Light::"white" }
            ·        ────────────────┬───────────────
            ·                        ╰── this is true
         19 │ unless { resource.length <= resource.pier.length };
            ·          ───────────────────┬───────────────────
            ·                             ╰── this is false
            ╰────

          ☞ length is 9, length of Pier::"east" is 8, light is "green"
            ╭─[a.yaml:12:13]
         11 │   - id: east
         12 │     length: 8 # metres
            ·             ┬
            ·             ╰── length of Pier::"east" is 8
         13 │     flags: [fuel]
            ╰────
            ╭─[a.yaml:19:17]
         18 │         owner: bo@anse.example
         19 │         length: 9
            ·                 ┬
            ·                 ╰── length is 9
         20 │         light: green
            ·                ──┬──
            ·                  ╰── light is "green"
         21 │         pin: ***
            ╰────

            check      severity  fail  unknown  n/a  pass
         ✗  HB-LEN-01  high         2        ·    ·     · A lit boat is no longer th…

          passed   3  HB-AGE-01, HB-OWN-01, HB-PIER-01

          a.yaml
          judged by the given schema and policies as of 2026-09-01T12:00:00Z
          4 checks, 6 verdicts: 2 fail, 0 unknown, 0 not applicable, 4 pass
          exit 1: 2 failures at or above low
    "#]],
    );
    says(
        &judged("a.yaml", yaml("length: 40", "length: 8"), &["--style", "concise"]),
        &expect![[r#"
        a.yaml · the given schema and policies · captured 2026-08-31T06:00:00Z
        as of 2026-09-01T12:00:00Z

        high
          HB-LEN-01  A lit boat is no longer than its pier
            ✗ Boat east/Tern  length is 12 +2                               a.yaml:15:61
            ✗ Boat east/Wren  length is 9, length of Pier::"east" is 8 +1   a.yaml:19:17

          passed   3  HB-AGE-01, HB-OWN-01, HB-PIER-01

          one check in full:  add --only HB-LEN-01 --style full
          4 checks, 6 verdicts: 2 fail, 0 unknown, 0 not applicable, 4 pass
          exit 1: 2 failures at or above low
    "#]],
    );
    says(
        &judged("a.toml", replaced(TOML, "length = 40", "length = 8"), &[]),
        &expect![[r#"
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
            ╭─[a.toml:19:10]
         18 │ id = "east"
         19 │ length = 8
            ·          ┬
            ·          ╰── length of Pier::"east" is 8
         20 │ flags = ["fuel"]
            ╰────
            ╭─[a.toml:22:57]
         21 │ boats = [
         22 │   { name = "Tern", owner = "ada@anse.example", length = 12, light = "red", pin = *** },
            ·                                                         ─┬          ──┬──
            ·                                                          │            ╰── light is "red"
            ·                                                          ╰── length is 12
         23 │   { name = "Wren", owner = "bo@anse.example", length = 9, light = "green" },
            ╰────
          help: Move it to a longer pier.
          see:  https://harbour.example/rules#length

        HB-LEN-01 · high · fail · 6ea5877a

          × A lit boat is no longer than its pier
          │ Boat east/Wren
            ╭─[policies/harbour.cedar:18:8]
         17 │ forbid (principal, action == Action::"audit", resource is Boat)
         18 │ when { resource.light != Light::"white" }
            ·        ────────────────┬───────────────
            ·                        ╰── this is true
         19 │ unless { resource.length <= resource.pier.length };
            ·          ───────────────────┬───────────────────
            ·                             ╰── this is false
            ╰────

          ☞ length is 9, length of Pier::"east" is 8, light is "green"
            ╭─[a.toml:19:10]
         18 │ id = "east"
         19 │ length = 8
            ·          ┬
            ·          ╰── length of Pier::"east" is 8
         20 │ flags = ["fuel"]
            ╰────
            ╭─[a.toml:23:56]
         22 │   { name = "Tern", owner = "ada@anse.example", length = 12, light = "red", pin = *** },
         23 │   { name = "Wren", owner = "bo@anse.example", length = 9, light = "green" },
            ·                                                        ┬          ───┬───
            ·                                                        │             ╰── light is "green"
            ·                                                        ╰── length is 9
         24 │ ]
            ╰────

            check      severity  fail  unknown  n/a  pass
         ✗  HB-LEN-01  high         2        ·    ·     · A lit boat is no longer th…

          passed   3  HB-AGE-01, HB-OWN-01, HB-PIER-01

          a.toml
          judged by the given schema and policies as of 2026-09-01T12:00:00Z
          4 checks, 6 verdicts: 2 fail, 0 unknown, 0 not applicable, 4 pass
          exit 1: 2 failures at or above low
    "#]],
    );
}

#[test]
fn the_example_is_judged_as_its_readme_shows() {
    let readme = std::fs::read_to_string(repository().join("examples/yaml/README.md")).unwrap();
    let line = readme.lines().find_map(|line| line.trim().strip_prefix("deodar ")).expect("there is a command");
    let run: Run = command(repository()).args(line.split(' ')).output().unwrap().into();
    let (before, after) = readme.split_once("```text\n").unwrap();
    let (_, after) = after.split_once("```\n").unwrap();
    expect_file!["../../examples/yaml/README.md"]
        .assert_eq(&format!("{before}```text\n{}\n```\n{after}", run.stdout.trim_end()));
}

#[test]
fn an_unquoted_word_in_place_of_a_boolean_is_an_error_with_a_remedy() {
    says(
        &judged("a.yaml", yaml("active: true", "active: no"), &["--quiet"]),
        &expect![[r#"
        snapshot-type

          × `active` is a string, expected true or false
           ╭─[a.yaml:7:13]
         6 │     email: ada@anse.example
         7 │     active: no
           ·             ─┬
           ·              ╰── this is a string
         8 │     site: https://ada.example/boat
           ╰────
          help: write false

          4 checks, 6 verdicts: 0 fail, 1 unknown, 0 not applicable, 5 pass
          exit 5: some files are unreadable or invalid; 1 verdict unknown
    "#]],
    );
    says(
        &judged("a.yaml", yaml("name: Tern", "name: 12"), &["--quiet"]),
        &expect![[r#"
        snapshot-type

          × `name` is a number, expected a string
            ╭─[a.yaml:15:22]
         14 │     boats:
         15 │       - &boat {name: 12, owner: ada@anse.example, length: 12, light: red, pin: ***}
            ·                      ─┬
            ·                       ╰── this is a number
         16 │       - <<: *boat
            ╰────
          help: put the value in quotes

          4 checks, 6 verdicts: 0 fail, 0 unknown, 0 not applicable, 6 pass
          exit 5: some files are unreadable or invalid
    "#]],
    );
}

#[test]
fn a_duplicate_name_is_an_error() {
    says(
        &judged("a.yaml", yaml("    length: 40", "    length: 40\n    length: 41"), &["--quiet"]),
        &expect![[r#"
        snapshot-duplicate-key

          × duplicate property `length`
            ╭─[a.yaml:12:5]
         11 │   - id: east
         12 │     length: 40
            ·     ───┬──
            ·        ╰── first here
         13 │     length: 41
            ·     ───┬──
            ·        ╰── again here
         14 │     flags: [fuel]
            ╰────
          help: remove one of the two

          4 checks, 6 verdicts: 0 fail, 2 unknown, 0 not applicable, 4 pass
          exit 5: some files are unreadable or invalid; 2 verdicts unknown
    "#]],
    );
}

#[test]
fn text_that_is_not_valid_is_masked_from_the_error_on() {
    says(
        &judged("a.yaml", yaml("length: 9", "\tlength: 9"), &["--quiet"]),
        &expect![[r#"
        snapshot-syntax

          × a tab in the indentation, where YAML takes spaces
            ╭─[a.yaml:19:9]
         18 │         owner***
         19 │ ***
            · ─┬─
            ·  ╰── here
         20 │ ***
            ╰────
          help: replace the tab with spaces

          4 checks, 0 verdicts: 0 fail, 0 unknown, 0 not applicable, 0 pass
          exit 5: some files are unreadable or invalid; nothing was evaluated
    "#]],
    );
    says(
        &judged("a.yaml", format!("{YAML}---\nname: other\n"), &["--quiet"]),
        &expect![[r#"
        snapshot-syntax

          × a second document begins here, and a file has one snapshot
            ╭─[a.yaml:23:1]
         22 │ buoys: []***
         23 │ ***
            · ─┬─
            ·  ╰── here
         24 │ ***
            ╰────
          help: write each document to a file of its own

          4 checks, 0 verdicts: 0 fail, 0 unknown, 0 not applicable, 0 pass
          exit 5: some files are unreadable or invalid; nothing was evaluated
    "#]],
    );
    says(
        &judged("a.toml", replaced(TOML, "= 40", "= no"), &["--quiet"]),
        &expect![[r#"
        snapshot-syntax

          × this is not TOML
            ╭─[a.toml:19:10]
         18 │ ***
         19 │ ***
            · ─┬─
            ·  ╰── here
         20 │ ***
            ╰────
          help: write a text in quotes, and a boolean as `true` or `false`

          4 checks, 0 verdicts: 0 fail, 0 unknown, 0 not applicable, 0 pass
          exit 5: some files are unreadable or invalid; nothing was evaluated
    "#]],
    );
    says(
        &judged("a.jsonc", replaced(SOUND, "\"fuel\"", "'fuel' // x\n"), &["--quiet"]),
        &expect![[r#"
        snapshot-syntax

          × expected a value, found `'`: JSON strings and names take double quotes
            ╭─[a.jsonc:12:17]
         11 │       "length": 40,
         12 │       "flags": [***
            ·                 ─┬─
            ·                  ╰── here
         13 │ ***
            ╰────

          4 checks, 0 verdicts: 0 fail, 0 unknown, 0 not applicable, 0 pass
          exit 5: some files are unreadable or invalid; nothing was evaluated
    "#]],
    );
    says(
        &judged("a.yaml", "# nothing\n", &["--quiet"]),
        &expect![[r#"
        snapshot-empty

          × the snapshot is empty
           ╭─[a.yaml:1:1]
         1 │ # nothing
           · ▲
           · ╰── nothing here
           ╰────
          help: a snapshot is a JSON object

          4 checks, 0 verdicts: 0 fail, 0 unknown, 0 not applicable, 0 pass
          exit 5: some files are unreadable or invalid; nothing was evaluated
    "#]],
    );
}

#[test]
fn secrets_are_masked_in_every_spelling() {
    let spellings = [
        yaml("pin: '7091'", "pin: &p !!str '7091' # of the lock\n         , note: x"),
        yaml("pin: '7091'", "pin: \"70\\x391\""),
        yaml("    boats:", "    spare: &spare '7091'\n    boats:").replace("pin: '7091'", "pin: *spare"),
        yaml("        pin: null", "        pin: |\n          70\n          7091"),
        yaml("        pin: null", "        pin: {code: 7091}"),
        yaml("        pin: null", "        pin: 7091\n        length: x"),
        yaml("        pin: null", "        pin: 7091\n       length: x"),
    ];
    for text in spellings {
        let text = replaced(&text, "length: 40", "length: 8");
        let text = text.replace("light: red", "light: rd").replace("light: green", "light: gren");
        for format in ["text", "json", "html", "sarif", "github", "csv", "markdown", "junit", "gitlab"] {
            let run = judged("a.yaml", &text, &["--format", format, "--verbose"]);
            assert!(!run.stdout.contains("7091") && !run.stdout.contains("70\\x391"), "{format}: {run:?}");
        }
    }
    let commented = yaml("light: red, pin: '7091'}", "light: rd,\n         pin: '7091'} # the lock");
    let run = judged("a.yaml", commented, &["--quiet"]);
    says(
        &run,
        &expect![[r#"
        snapshot-value

          × `light` is "rd", which is not a valid Light
            ╭─[a.yaml:15:72]
         14 │     boats:
         15 │       - &boat {name: Tern, owner: ada@anse.example, length: 12, light: rd,
            ·                                                                        ─┬
            ·                                                                         ╰── unknown value
         16 │          pin: ***} # the lock
            ╰────
          help: did you mean `red`?

          4 checks, 6 verdicts: 0 fail, 1 unknown, 0 not applicable, 5 pass
          exit 5: some files are unreadable or invalid; 1 verdict unknown
    "#]],
    );
}

#[test]
fn a_secret_that_an_alias_repeats_is_masked() {
    let schema = r#"@path("") @key("id") entity Lab = { id: String, @secret pin: String, note: String, notes: Set<String> };
action "audit" appliesTo { principal: [Lab], resource: [Lab], context: {} };"#;
    let policy = r#"@id("L-1") @title("Notes") @severity("low")
forbid (principal, action == Action::"audit", resource is Lab)
when { resource.note like "7*" && resource.notes.contains("other") && resource.pin like "7*" };"#;
    let lab = "id: x\npin: &pin '7091'\nnote: *pin\nnotes: [*pin, other]\n";
    for format in ["text", "json", "html", "sarif", "csv", "markdown"] {
        let files = [("s.cedarschema", schema.as_bytes()), ("p.cedar", policy.as_bytes()), ("a.yaml", lab.as_bytes())];
        let pack = ["--schema", "s.cedarschema", "--policies", "p.cedar", "--format", format];
        let run = deodar(&files, &[&["check", "a.yaml", "--now", NOW, "--no-config"][..], &pack].concat());
        assert_eq!(run.code, 1, "{run:?}");
        assert!(!run.stdout.contains("7091"), "{format}: {}", run.stdout);
    }
}

#[test]
fn standard_input_takes_a_format() {
    for (format, text) in [("yaml", YAML), ("toml", TOML), ("jsonc", "{} // empty")] {
        let arguments = [&["check", "-", "--input", format], &HARBOUR[2..], &["--format", "json"]].concat();
        let run = deodar_with_input(&pack(), &arguments, text.as_bytes());
        assert_eq!(run.code, if format == "jsonc" { 5 } else { 0 }, "{run:?}");
    }
    // Without it, the input is JSON.
    let run = deodar_with_input(&pack(), &[&["check", "-"], &HARBOUR[2..]].concat(), YAML.as_bytes());
    assert_eq!(run.code, 5);
}

#[test]
fn a_folder_has_snapshots_in_every_format_and_no_file_of_deodar() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(YAML.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    let files = [
        &pack()[..],
        &[
            ("all/a.yaml", yaml("Anse", "A").leak().as_bytes()),
            ("all/b.toml", TOML.replace("Anse", "B").leak().as_bytes()),
            ("all/c.yml.gz", packed.as_slice()),
            ("all/d.json", SOUND.replace("Anse", "D").leak().as_bytes()),
            ("all/deodar.toml", b"fail-on = \"low\""),
            ("all/x.test.toml", b"[[case]]"),
            ("all/survivors.toml", b""),
            ("all/notes.txt", b"no"),
        ],
    ]
    .concat();
    let run = deodar(&files, &[&["check", "all"], &HARBOUR[2..], &["--format", "json"]].concat());
    let report = run.json();
    let names: Vec<&str> =
        report["run"]["snapshots"].as_array().unwrap().iter().map(|it| it["path"].as_str().unwrap()).collect();
    assert_eq!(names, ["all/a.yaml", "all/b.toml", "all/c.yml.gz", "all/d.json"], "{run:?}");
    assert_eq!(run.code, 0, "{run:?}");
    // Another YAML file is an error, like another JSON file.
    let files = [&files[..], &[("all/compose.yaml", b"services: {}\n")]].concat();
    let run = deodar(&files, &[&["check", "all"], &HARBOUR[2..], &["--quiet"]].concat());
    assert!(run.code == 5 && run.stdout.contains("`all/compose.yaml` does not look like a snapshot"), "{run:?}");
    // A file that is named is read, whatever its name is.
    let run = deodar(&files, &[&["check", "all/deodar.toml"], &HARBOUR[2..], &["--no-config", "--quiet"]].concat());
    assert!(run.code == 5 && run.stdout.contains("does not look like a snapshot"), "{run:?}");
}

#[test]
fn limits_are_those_of_the_file_and_of_its_json() {
    let deep = yaml("[fuel]", &format!("{}{}", "[".repeat(40), "]".repeat(40)));
    let run = judged("a.yaml", &deep, &["--max-depth", "20", "--quiet"]);
    assert!(run.code == 5 && run.stdout.contains("nested deeper than 20 levels"), "{run:?}");
    let run = judged("a.yaml", YAML, &["--max-bytes", "100", "--quiet"]);
    assert!(run.code == 5 && run.stdout.contains("`a.yaml` holds more than 100 bytes"), "{run:?}");
    let mut bomb = "name: Anse\na0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..30 {
        let list = vec![format!("*a{}", level - 1); 9].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{list}]\n"));
    }
    let run = judged("a.yaml", &bomb, &["--quiet"]);
    assert!(run.code == 5 && run.stdout.contains("aliases of this file expand to more than 16 MiB"), "{run:?}");
    let utf16: Vec<u8> = YAML.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let run = judged("a.yaml", utf16, &["--quiet"]);
    assert!(run.code == 5 && run.stdout.contains("`a.yaml` is UTF-16 (little-endian), not UTF-8"), "{run:?}");
}

#[test]
fn evidence_has_the_digest_of_the_file() {
    use sha2::{Digest, Sha256};
    let folder = folder(&[&pack()[..], &[("a.yaml", YAML.as_bytes())]].concat());
    let run = |arguments: &[&str]| -> Run { command(folder.path()).args(arguments).output().unwrap().into() };
    let evidence = ["--evidence", "evidence.json", "--format", "json"];
    let checked = run(&[&["check", "a.yaml"], &HARBOUR[2..], &evidence].concat());
    let sha256: String = Sha256::digest(YAML).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(checked.json()["run"]["snapshots"][0]["sha256"], *sha256);
    assert_eq!(run(&["verify", "evidence.json"]).code, 0);
    // A comment changes the file, and not the verdicts.
    std::fs::write(folder.path().join("a.yaml"), format!("{YAML}# end\n")).unwrap();
    let run = run(&["verify", "evidence.json"]);
    assert!(run.code == 1 && run.stdout.contains("a.yaml"), "{run:?}");
}

#[test]
fn diff_forecast_and_cases_read_every_format() {
    let cases = "base = \"../a.yaml\"\nnow = \"2026-09-01T00:00:00Z\"\n[[case]]\nname = \"short\"\nset = { \"/piers/0/length\" = 8 }\n\
                 expect = { \"HB-LEN-01\" = \"fail\" }\n";
    let files = [
        &pack()[..],
        &[
            ("a.yaml", YAML.as_bytes()),
            ("b.toml", TOML.replace("= 40", "= 8").leak().as_bytes()),
            ("policies/harbour.test.toml", cases.as_bytes()),
        ],
    ]
    .concat();
    let pack = &HARBOUR[2..];
    let run = deodar(&files, &[&["diff", "a.yaml", "b.toml"], pack].concat());
    assert!(run.stdout.contains("HB-LEN-01") && run.code != 5, "{run:?}");
    let run = deodar(&files, &[&["forecast", "a.yaml", "--until", "30d"], pack].concat());
    assert!(run.code != 5 && run.code != 2, "{run:?}");
    let pack = ["--schema", "harbour.cedarschema", "--policies", "policies"];
    let run = deodar(&files, &[&["test"], &pack[..]].concat());
    assert!(run.code == 0, "{run:?}");
}
