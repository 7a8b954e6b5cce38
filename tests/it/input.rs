//! Bad input that needs a process, another format or many variants, and values that no output may show. The messages are
//! in `tests/diagnostics`.

use crate::support::{
    HARBOUR, NOW, POLICIES, Run, SCHEMA, SOUND, command, deodar, deodar_with_input, edited, folder, harbour,
    harbour_by, in_memory, replaced, written,
};
use deodar::render::{Detail, Style};
use deodar::report::{Engine, Report};
use deodar::value::parse_datetime;
use deodar::{Options, Session};
use expect_test::{Expect, expect};
use serde_json::Value;

/// Diagnostics, then totals and exit code without their margin.
fn says(run: &Run, expected: &Expect) {
    let last = run.stdout.lines().last().unwrap_or_default();
    assert!(last.starts_with(&format!("  exit {}: ", run.code)), "{run:?}");
    let (diagnostics, totals) = match run.stdout.rsplit_once("\n\n") {
        Some((diagnostics, totals)) => (format!("{diagnostics}\n\n"), totals),
        None => (String::new(), run.stdout.as_str()),
    };
    let totals = totals.lines().map(|line| line.trim_start().to_owned() + "\n").collect::<String>();
    expected.assert_eq(&(diagnostics + &totals));
}

/// Judges a snapshot by the harbour pack.
fn snapshot(text: impl AsRef<[u8]>, expected: Expect) {
    says(&harbour(text, &["--quiet"]), &expected);
}

/// One check on piers, with annotations and clauses.
fn check_on_piers(annotations: &str, clauses: &str) -> String {
    format!(
        "{POLICIES}\n{annotations}\nforbid (principal, action == Action::\"audit\", resource is Pier)\n{clauses};\n"
    )
}

#[test]
fn ten_thousand_levels_are_an_error_and_not_a_crash() {
    snapshot(
        edited("[\"fuel\"]", &("[".repeat(10_000) + &"]".repeat(10_000))),
        expect![[r#"
            snapshot-syntax

              × nested deeper than 512 levels
                ╭─[snapshot.json:12:525]
             12 │ [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[
                ·                                                             ┬
                ·                                                             ╰── here
                ╰────
              help: allow more with --max-depth

            4 checks, 0 verdicts: 0 fail, 0 unknown, 0 not applicable, 0 pass
            exit 5: some files are unreadable or invalid; nothing was evaluated
        "#]],
    );
}

#[test]
fn a_word_that_an_open_list_does_not_contain_is_a_warning() {
    let schema = replaced(SCHEMA, "entity Light", "@open entity Light");
    for (word, help) in [
        ("gren", "did you mean `green`? If the word is new, add it to Light in the schema"),
        ("ultraviolet", "correct the word, or add it to Light in the schema"),
    ] {
        let json = edited("\"green\"", &format!("{word:?}"));
        let run = harbour_by(&schema, POLICIES, json, &["--format", "json"]);
        let report = run.json();
        let found = &report["diagnostics"][0];
        assert_eq!((run.code, &found["code"], &found["severity"]), (4, &"snapshot-word".into(), &"warning".into()));
        assert_eq!(found["message"], format!("`light` is {word:?}, which the open list Light does not contain"));
        assert_eq!(found["help"], help);
        let finding = &report["findings"][0];
        assert_eq!((&finding["check"], &finding["verdict"]), (&"HB-LEN-01".into(), &"unknown".into()), "{run:?}");
        assert_eq!(finding["message"], "light is unreadable");
    }
    let schema = replaced(&schema, "light: Light", "@secret light: Light");
    let run = harbour_by(&schema, POLICIES, edited("\"green\"", "\"gren\""), &[]);
    assert!(!run.stdout.contains("gren") && run.stdout.contains("`light` is ***, which the open list"), "{run:?}");
}

#[test]
fn a_former_word_is_an_error_with_its_migration() {
    let former = "@former(\"blue: write `green`; lights were renamed\\nviolet: write `red`\")";
    for (open, choices, message) in [
        ("", "[\"red\", \"green\", \"white\"]", "`light` is \"blue\", which is a former Light"),
        ("@open ", "[\"red\"]", "`light` is \"blue\", which is superseded by `red`"),
    ] {
        let declared = format!("{open}{former}\nentity Light enum {choices};");
        let schema = replaced(SCHEMA, "entity Light enum [\"red\", \"green\", \"white\"];", &declared);
        let policies = POLICIES.replace("Light::\"white\"", "Light::\"red\"");
        let run = harbour_by(&schema, &policies, edited("\"green\"", "\"blue\""), &["--format", "json"]);
        let report = run.json();
        let found = &report["diagnostics"][0];
        assert_eq!((run.code, &found["code"], &found["severity"]), (5, &"snapshot-former".into(), &"error".into()));
        assert_eq!(found["message"], message);
        assert_eq!(found["help"], "write `green`; lights were renamed");
        assert_eq!(found["labels"][0]["span"]["start"]["line"], 15);
    }
}

#[cfg(unix)]
#[test]
fn a_link_to_nowhere_in_a_folder_is_fatal() {
    let folder = folder(&[
        ("harbour.cedarschema", SCHEMA.as_bytes()),
        ("policies/p.cedar", POLICIES.as_bytes()),
        ("captured/a.json", SOUND.as_bytes()),
    ]);
    std::os::unix::fs::symlink("nowhere", folder.path().join("captured/b.json")).expect("links can be made");
    let arguments =
        ["check", "captured", "--schema", "harbour.cedarschema", "--policies", "policies", "--now", NOW, "--quiet"];
    let run = command(folder.path()).args(arguments).output().expect("the binary is built").into();
    says(
        &run,
        &expect![[r#"
        unreadable

          × cannot read `captured/b.json`: no such file or directory
          help: correct the link: its target does not exist

        4 checks, 6 verdicts: 0 fail, 0 unknown, 0 not applicable, 6 pass
        exit 5: some files are unreadable or invalid
    "#]],
    );
}

#[test]
fn standard_input_is_a_snapshot() {
    let files = [("harbour.cedarschema", SCHEMA.as_bytes()), ("policies/p.cedar", POLICIES.as_bytes())];
    let arguments =
        ["check", "-", "--schema", "harbour.cedarschema", "--policies", "policies", "--now", NOW, "--quiet"];
    says(
        &deodar_with_input(&files, &arguments, SOUND.as_bytes()),
        &expect![[r#"
        4 checks, 6 verdicts: 0 fail, 0 unknown, 0 not applicable, 6 pass
        exit 0: everything was judged, nothing failed at or above the threshold
    "#]],
    );
    says(
        &deodar_with_input(&files, &arguments, b"{"),
        &expect![[r#"
            snapshot-syntax

              × expected a property name in double quotes, the text ends here
               ╭─[(standard input):1:2]
             1 │ {
               · ┬
               · ╰── here
               ╰────
              help: the file may have been cut off

            4 checks, 0 verdicts: 0 fail, 0 unknown, 0 not applicable, 0 pass
            exit 5: some files are unreadable or invalid; nothing was evaluated
        "#]],
    );
}

/// A file that lost its lines must not look like one that was judged.
#[test]
fn a_file_of_lines_without_a_snapshot_is_an_error() {
    for lines in ["", "\n \n"] {
        let files = [
            ("harbour.cedarschema", SCHEMA.as_bytes()),
            ("policies/p.cedar", POLICIES.as_bytes()),
            ("captured/a.json", SOUND.as_bytes()),
            ("captured/b.ndjson", lines.as_bytes()),
        ];
        let arguments =
            ["check", "captured", "--schema", "harbour.cedarschema", "--policies", "policies", "--now", NOW];
        let run = deodar(&files, &arguments);
        assert_eq!(run.code, 5, "{run:?}");
        assert!(run.stdout.contains("`captured/b.ndjson` has no snapshot"), "{}", run.stdout);
    }
}

#[test]
fn a_check_of_what_a_broken_policy_would_derive_is_invalid() {
    let more = |clause: &str| {
        format!(
            "{POLICIES}\n@id(\"more\") @derives(\"boats\")\npermit (principal is Person, action == Action::\"derive\", resource is Pier) when {{ {clause} }};\n"
        )
    };
    let start = POLICIES.find("@id(\"HB-AGE").expect("it is there");
    for policies in [
        POLICIES[start..].to_owned(),
        replaced(POLICIES, "principal in resource", "principal in resorce"),
        replaced(POLICIES, "principal in resource", "principal.crew > 1"),
        replaced(POLICIES, "(principal is Boat,", "(principal,"),
        more("principal.aktive"),
    ] {
        let report = harbour_by(SCHEMA, &policies, SOUND, &["--format", "json"]).json();
        assert_eq!(report["run"]["exit_code"], 5, "{policies}");
        let states = report["checks"].as_array().expect("a list").iter();
        let invalid: Vec<&Value> =
            states.filter(|check| check["state"] == "invalid").map(|check| &check["id"]).collect();
        assert_eq!(invalid, ["HB-PIER-01"], "{policies}");
        assert_eq!(report["findings"], serde_json::json!([]), "{policies}");
    }
}

#[test]
fn ids_are_not_broken_at_their_hyphens() {
    let run = deodar(&[("s.json", b"{}")], &["check", "s.json", "--only", "nonsense"]);
    assert!(run.stdout.contains("`MOE-AUTH-*`"), "{}", run.stdout);
    assert!(!run.stdout.lines().any(|line| line.ends_with('-')), "{}", run.stdout);
}

#[test]
fn wrong_usage_ends_with_2() {
    for arguments in [
        &[][..],
        &["check"],
        &["chekc", "s.json"],
        &["check", "s.json", "--now", "yesterday"],
        &["check", "s.json", "--param", "novalue"],
        &["check", "s.json", "--threads", "0"],
        &["check", "s.json", "--fail-on", "urgent"],
        &["check", "s.json", "--format", "yaml"],
        &["check", "s.json", "--quiet", "--verbose"],
        &["check", "-", "--watch"],
        &["explain", "HB-NONE-01"],
    ] {
        let run = deodar(&[("s.json", SOUND.as_bytes())], arguments);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{arguments:?}: {run:?}");
        assert!(!run.stderr.is_empty(), "{arguments:?}");
    }
}

// Exit codes

#[test]
fn of_several_exit_codes_the_first_of_5_1_4_3_wins() {
    let fails = ("\"length\": 12", "\"length\": 41");
    let open = ("\"active\": true, \"site\"", "\"site\"");
    let broken = ("\"captured_at\": \"2026", "\"captured_at\": \"zzz");
    for (edits, arguments, code) in [
        (&[][..], &[][..], 0),
        (&[fails], &[], 1),
        (&[open], &[], 4),
        (&[fails, open], &[], 1),
        (&[fails, open, broken], &[], 5),
        (&[broken], &["--allow-unknown"], 5),
        (&[open], &["--allow-unknown"], 0),
        (&[fails, open], &["--allow-unknown"], 1),
        (&[fails], &["--fail-on", "high"], 1),
        (&[fails], &["--fail-on", "critical"], 0),
        (&[fails, open], &["--fail-on", "critical"], 4),
        (&[fails], &["--only", "HB-OWN-01"], 0),
        (&[fails], &["--skip", "HB-LEN-*"], 0),
        (&[fails], &["--only", "high"], 1),
        (&[], &["--only", "HB-OWN-01", "--skip", "critical"], 3),
        (&[], &["--only", "HB-NONE-01"], 5),
    ] {
        let text = edits.iter().fold(SOUND.to_owned(), |text, (from, to)| replaced(&text, from, to));
        for format in ["text", "json"] {
            let run = harbour(&text, &[&["--format", format], arguments].concat());
            assert_eq!(run.code, code, "{edits:?} {arguments:?}\n{}", run.stdout);
        }
    }
}

#[test]
fn every_status_that_holds_is_told() {
    let text = [
        ("\"length\": 12", "\"length\": 41"),
        ("\"active\": true, \"site\"", "\"site\""),
        ("\"fee\": 12.5", "\"fee\": []"),
    ]
    .iter()
    .fold(SOUND.to_owned(), |text, (from, to)| replaced(&text, from, to));
    let report = harbour(text, &["--format", "json"]).json();
    assert_eq!(report["run"]["statuses"], serde_json::json!(["invalid_input", "findings", "incomplete"]));
}

// Streams

#[cfg(unix)]
fn in_a_shell(script: &str) -> Run {
    let long = edited("\"length\": 12", "\"length\": 41");
    let folder = folder(&[
        ("harbour.cedarschema", SCHEMA.as_bytes()),
        ("policies/harbour.cedar", POLICIES.as_bytes()),
        ("snapshot.json", long.as_bytes()),
    ]);
    let script = script.replace("DEODAR", &format!("'{}' {}", env!("CARGO_BIN_EXE_deodar"), HARBOUR.join(" ")));
    let output = std::process::Command::new("sh").args(["-c", &script]).current_dir(folder.path()).output();
    output.expect("there is a shell").into()
}

#[cfg(unix)]
#[test]
fn a_standard_error_that_nobody_reads_changes_no_exit_code() {
    let run = in_a_shell("{ DEODAR 2>&1 >report; echo $? >code; } | true; cat code");
    assert_eq!(run.stdout, "1\n", "{run:?}");
    let run = in_a_shell("DEODAR 2>&- >report; echo $?");
    assert_eq!(run.stdout, "1\n", "{run:?}");
}

// What is never shown

/// Looks for a secret in all outputs, of both engines.
fn hides(schema: &str, policies: &str, snapshot: impl AsRef<str>, secret: &str) {
    for engine in [Engine::Compiled, Engine::Reference] {
        let report = report_on(schema, policies, snapshot.as_ref(), engine);
        let shown = [false, true].map(|color| in_text(&report, color)).join("\n") + &in_json(&report);
        assert!(!shown.contains(secret), "{secret} is shown with {engine:?}:\n{shown}");
    }
}

/// Judges a snapshot by the harbour pack in this process.
fn report_on(schema: &str, policies: &str, snapshot: &str, engine: Engine) -> Report {
    let inputs = in_memory(("h.cedarschema", schema), &[("h.cedar", policies)], &[("snapshot.json", snapshot)]);
    let options = Options { engine, ..Options::at(parse_datetime(NOW).expect("it is a time")) };
    Session::default().run(&inputs, &options)
}

fn in_text(report: &Report, color: bool) -> String {
    written(report, "text", Style { width: 80, color, detail: Detail::Verbose })
}

fn in_json(report: &Report) -> String {
    written(report, "json", Style { width: 80, color: false, detail: Detail::Normal })
}

/// A check that fails on every boat and reads its pin.
fn reads_pin(clauses: &str) -> String {
    format!(
        "{POLICIES}\n@id(\"PIN\") @title(\"Pin\") @severity(\"low\")\nforbid (principal, action == Action::\"audit\", resource is Boat)\n{clauses};\n"
    )
}

#[test]
fn a_secret_that_a_check_reads_is_masked() {
    for clauses in [
        "when { resource has pin && resource.pin != \"0\" }",
        "when { resource has pin && [resource.pin].contains(resource.pin) }",
        "when { resource has pin && { p: resource.pin }.p like \"*\" }",
        "when { resource.length > 0 }",
    ] {
        hides(SCHEMA, &reads_pin(clauses), SOUND, "7091");
        let one_line = SOUND.replace('\n', " ");
        hides(SCHEMA, &reads_pin(clauses), one_line, "7091");
    }
}

#[test]
fn a_secret_beside_a_mistake_is_masked() {
    for (from, to) in [
        ("\"length\": 12", "\"length\": \"12\""),
        ("\"name\": \"Wren\"", "\"name\": \"Tern\""),
        ("\"owner\": \"ada@anse.example\"", "\"owner\": \"adaa@anse.example\""),
        ("\"red\"", "\"rad\""),
        ("\"length\": 12, ", ""),
        ("\"pin\": \"7091\"", "\"pin\": \"7091\", \"pin\": \"7091\""),
    ] {
        hides(SCHEMA, POLICIES, edited(from, to), "7091");
    }
}

#[test]
fn a_secret_of_the_wrong_type_is_masked() {
    for wrong in ["7091", "[\"7091\"]", "{ \"is\": \"7091\" }", "\"7091\\ud83d\""] {
        hides(
            SCHEMA,
            &reads_pin("when { resource has pin && resource.pin != \"0\" }"),
            edited("\"7091\"", wrong),
            "7091",
        );
    }
    for (ty, wrong) in [
        ("Long", "\"7091\""),
        ("Light", "\"7091\""),
        ("datetime", "\"7091\""),
        ("Set<Light>", "[\"7091\"]"),
        ("Set<datetime>", "[\"2026-09-01\", \"7091\"]"),
        ("{ is: String }", "\"7091\""),
        ("{ is: String }", "7091"),
        ("{ is: String }", "{ \"is\": \"7091\" }"),
        ("{ is: Long }", "{ \"is\": \"7091\" }"),
        ("{ is: Long }", "{ \"iss\": \"7091\" }"),
        ("{ is: Long }", "{ \"other\": \"7091\", \"is\": [] }"),
    ] {
        let schema = replaced(SCHEMA, "pin?: String", &format!("pin?: {ty}"));
        hides(&schema, POLICIES, edited("\"7091\"", wrong), "7091");
    }
}

#[test]
fn a_secret_written_with_escapes_is_masked() {
    let schema = replaced(SCHEMA, "pin?: String", "pin?: Light");
    let run = |snapshot: String| hides(&schema, POLICIES, snapshot, "7\"091");
    run(edited("\"7091\"", "\"7\\\"091\""));
    hides(&schema, POLICIES, edited("\"7091\"", "\"\\u0037091\""), "7091");
}

#[test]
fn a_secret_under_a_misspelt_name_is_masked() {
    for name in ["pinn", "Pin", "pni"] {
        let schema = replaced(SCHEMA, "pin?: String", "pin: String");
        let policies = reads_pin("when { resource.pin == \"1\" }");
        hides(&schema, &policies, edited("\"pin\"", &format!("\"{name}\"")), "7091");
        hides(SCHEMA, POLICIES, edited("\"pin\"", &format!("\"{name}\"")), "7091");
    }
}

#[test]
fn a_secret_in_a_document_that_cannot_be_read_is_masked() {
    let here = "\"light\": \"red\", \"pin\": \"7091\"";
    for broken in [
        "\"light\": red, \"pin\": \"7091\"",
        "\"light\": \"red\", \"pin\": \"7091\" \"x\": 1",
        "\"light\": \"red\", \"pin\": \"7091",
        "\"light\": \"red\",\n\"pin\": \"7091\",\n\"x\": no",
        "\"light\": \"red\",\n\"pin\":\n\"7091\",\n\"x\": no",
        "\"light\": \"red\", \"p\\u0069n\": \"7091\", \"x\": no",
        "\"light\": \"red\", \"pin\": 7091x",
    ] {
        hides(SCHEMA, POLICIES, edited(here, broken), "7091");
    }
    let text = edited(here, "\"light\": \"red\", \"pin\": \"7091\", \"x\": \"#\"");
    let bytes: Vec<u8> = text.bytes().map(|byte| if byte == b'#' { 0xFF } else { byte }).collect();
    let run = harbour(bytes, &["--verbose"]);
    assert!(!run.stdout.contains("7091") && !run.stderr.contains("7091"), "{run:?}");
}

#[test]
fn a_secret_that_two_attributes_read_is_masked_in_both() {
    let schema =
        replaced(SCHEMA, "pin?: String", "pin?: String,\n  @path(\"pin\")\n  @as(\"casefold\")\n  folded?: String");
    let check = reads_pin("when { resource has folded && resource.folded != \"0\" }");
    hides(&schema, &check, SOUND, "7091");
}

#[test]
fn characters_that_command_a_terminal_do_not_reach_it() {
    for wild in ["\\u001b[2J", "\\u009b2J", "\u{9b}2J", "\u{7f}", "\\u0007", "\u{202e}", "\\u202e", "\\r", "\\u0085"] {
        for (from, to) in [
            ("\"Wren\"", format!("\"Tern{wild}\"")),
            ("\"owner\": \"ada@anse.example\"", format!("\"owner\": \"{wild}ada@anse.example\"")),
            ("\"green\"", format!("\"green{wild}\"")),
            ("\"fuel\"", format!("\"{wild}\"")),
            ("\"buoys\": []", format!("\"buoys\": [], \"buoys{wild}\": 1")),
            ("\"length\": 12", format!("\"{wild}\": 1, \"length\": 41")),
        ] {
            let check = check_on_piers(
                "@id(\"FLAGS\") @title(\"Flags\") @severity(\"low\")",
                "when { resource.flags.contains(\"\") || resource.length > 0 }",
            );
            let check = replaced(&check, "resource.owner.active }", "!resource.owner.active }");
            let buoys = to.contains("buoys");
            let schema = if buoys { replaced(SCHEMA, "@path(\"\")", "@closed @path(\"\")") } else { SCHEMA.to_owned() };
            let shown = in_text(&report_on(&schema, &check, &edited(from, &to), Engine::Compiled), false);
            let commands = |c: char| {
                (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            };
            let found = shown.chars().find(|c| commands(*c));
            assert_eq!(found, None, "{from} => {to}:\n{}", shown.escape_debug());
        }
    }
}

#[test]
fn errors_of_the_command_line_escape_their_arguments() {
    const WILD: &str = "s\n::error::x\u{1b}[31m\u{202e}";
    let folder = folder(&[("snapshot.json", SOUND.as_bytes()), ("deodar.toml", b"store = \"s\\n::error::x\"\n")]);
    std::fs::write(folder.path().join("s\n::error::x"), "").expect("it can be written");
    std::fs::write(folder.path().join(WILD), "").expect("it can be written");
    let (framework, twice) = (format!("framework={WILD}"), [format!("json={WILD}"), format!("text={WILD}")]);
    let unknown = format!("--x{WILD}");
    for arguments in [
        &["check", "snapshot.json"][..],
        &["check", "snapshot.json", "--store", WILD],
        &["check", "snapshot.json", "--no-config", "--by", &framework],
        &["check", "snapshot.json", "--no-config", "--output", &twice[0], "--output", &twice[1]],
        &["check", WILD, "--no-config", "--output", &twice[0]],
        &["check", WILD, &unknown],
        &["forecast", "snapshot.json", "--until", WILD],
        &["doc", "--policies", WILD, "--output", WILD],
        &["capture", "moengage", "--members", "m.csv", "--captured-at", WILD],
        &["capture", "moengage", "--members", "m.csv", &unknown],
        &["capture", "moengage", "--members", "m.csv", "--check", "--", &unknown],
    ] {
        let run = Run::from(command(folder.path()).args(arguments).output().expect("the binary is built"));
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{arguments:?}: {run:?}");
        let is_command = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
        assert!(!run.stderr.contains(is_command), "{arguments:?}: {run:?}");
        assert!(!run.stderr.contains("\n::error"), "{arguments:?}: {run:?}");
    }
}

#[test]
fn an_annotation_escapes_the_name_of_its_file() {
    let name = "a\u{1b}[31m\u{202e}.json";
    let folder = folder(&[
        ("harbour.cedarschema", SCHEMA.as_bytes()),
        ("policies/harbour.cedar", POLICIES.as_bytes()),
        (name, edited("\"length\": 12", "\"length\": 41").as_bytes()),
    ]);
    let pack = ["--schema", "harbour.cedarschema", "--policies", "policies", "--now", NOW, "--format", "github"];
    let run = Run::from(command(folder.path()).arg("check").arg(name).args(pack).output().expect("it runs"));
    assert!(run.stdout.contains("file=a\\u{1b}[31m\\u{202e}.json,line="), "{run:?}");
    assert!(!run.stdout.contains(['\u{1b}', '\u{202e}']), "{run:?}");
}

#[test]
fn carriage_returns_between_values_do_not_reach_the_terminal() {
    let run = harbour(edited("\"length\": 12", "\r\"length\":\r41"), &["--verbose"]);
    assert!(!run.stdout.contains('\r'), "{}", run.stdout.escape_debug());
}

#[test]
fn excerpts_of_a_document_on_one_line_stay_short() {
    let boat =
        |n: usize| format!("{{\"name\":\"B{n}\",\"owner\":\"ada@anse.example\",\"length\":41,\"light\":\"red\"}}");
    let boats: Vec<String> = (0..2000).map(boat).collect();
    let at = SOUND.find("\"boats\": [").expect("it is there");
    let end = SOUND[at..].find("]\n").expect("it ends") + at;
    let text = format!("{}\"boats\": [{}{}", &SOUND[..at], boats.join(","), &SOUND[end..]).replace('\n', "");
    let long = "x".repeat(5000);
    for (from, to) in [
        ("\"flags\"", "\"flags\"".to_owned()),
        ("\"fuel\"", "7".to_owned()),
        ("2026-08-31T06:00:00Z", long.clone()),
        ("\"red\"", format!("\"{long}\"")),
    ] {
        let run = harbour(replaced(&text, from, &to), &["--verbose", "--max-findings", "3"]);
        let longest = run.stdout.lines().map(|line| line.chars().count()).max();
        assert!(longest < Some(400), "{longest:?} with {:?}", to.get(..20));
        assert!(run.stdout.len() < 40_000, "{} with {:?}", run.stdout.len(), to.get(..20));
    }
}

#[test]
fn where_nothing_was_judged_one_line_stands_for_the_scorecard() {
    let run = harbour("{", &[]);
    assert_eq!(run.code, 5, "{run:?}");
    assert!(run.stdout.contains("–  no resources for any of the 4 checks"), "{}", run.stdout);
    assert!(!run.stdout.contains("HB-LEN-01"), "{}", run.stdout);
    let sound = harbour(SOUND, &[]);
    assert!(sound.stdout.contains("HB-LEN-01") && !sound.stdout.contains("none of the"), "{}", sound.stdout);
}
