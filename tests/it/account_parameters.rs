//! Parameters that the account sets in its snapshot: the order of their sources, unknown values, and their places.

use crate::support::{NOW, Run, deodar};
use expect_test::{Expect, expect};

const SCHEMA: &str = r#"@path("") entity Account = { name: String, length: Long };
type Parameters = {
  @default("8") @path("/policy/min_length")
  @doc("Shortest password. Settings > Passwords.")
  min_length: Long,
};
type Context = { now: datetime, parameters: Parameters };
action "audit" appliesTo { principal: [Account], resource: [Account], context: Context };
"#;

const POLICIES: &str = r#"@id("LENGTH") @title("Passwords are long") @severity("high")
forbid (principal, action == Action::"audit", resource is Account)
unless { resource.length >= context.parameters.min_length };
"#;

const CASES: &str = r#"base = "../a.json"
now = "2026-01-01T00:00:00Z"
[[case]]
name = "the account demands less"
set = { "/policy/min_length" = 9 }
expect = { "LENGTH" = "pass" }
[[case]]
name = "the run demands more"
set = { "/policy/min_length" = 9 }
parameters = { min_length = 11 }
expect = { "LENGTH" = "fail" }
"#;

fn run_with(schema: &str, snapshot: &str, arguments: &[&str]) -> Run {
    let files = [
        ("s.cedarschema", schema.as_bytes()),
        ("p/p.cedar", POLICIES.as_bytes()),
        ("p/p.test.toml", CASES.as_bytes()),
        ("a.json", snapshot.as_bytes()),
    ];
    deodar(&files, &[arguments, &["--schema", "s.cedarschema", "--policies", "p"]].concat())
}

fn check(snapshot: &str, arguments: &[&str]) -> Run {
    run_with(SCHEMA, snapshot, &[&["check", "a.json", "--now", NOW], arguments].concat())
}

/// The verdict and the message of a run with one finding, or `pass`.
fn verdict(snapshot: &str, arguments: &[&str]) -> String {
    let report = check(snapshot, &[&["--format", "json"], arguments].concat()).json();
    let findings = report["findings"].as_array().expect("a list");
    let shown = findings.iter().map(|found| format!("{}: {}", found["verdict"], found["message"]).replace('"', ""));
    let shown: Vec<String> = shown.collect();
    if shown.is_empty() { "pass".to_owned() } else { shown.join("; ") }
}

const TEN: &str = r#"{"name": "a", "length": 10, "policy": {"min_length": 12}}"#;

#[test]
fn a_setting_overrides_the_snapshot_which_overrides_the_default() {
    assert_eq!(verdict(TEN, &[]), "fail: length is 10");
    assert_eq!(verdict(TEN, &["--param", "min_length=9"]), "pass");
    assert_eq!(verdict(r#"{"name": "a", "length": 10, "policy": {}}"#, &[]), "pass");
    assert_eq!(verdict(r#"{"name": "a", "length": 7, "policy": {}}"#, &[]), "fail: length is 7");
}

/// A waiver that `deodar waive` writes is bound to the value that the account sets.
#[test]
fn a_waiver_is_bound_to_the_value_of_the_account() {
    let report = check(TEN, &["--format", "json"]);
    let fingerprint = report.json()["findings"][0]["fingerprint"].as_str().expect("a text").to_owned();
    let waived = |snapshot: &str, waivers: &str| {
        let files = [
            ("s.cedarschema", SCHEMA.as_bytes()),
            ("p/p.cedar", POLICIES.as_bytes()),
            ("a.json", snapshot.as_bytes()),
            ("r.json", report.stdout.as_bytes()),
            ("w.cedar", waivers.as_bytes()),
        ];
        let pack = ["--schema", "s.cedarschema", "--policies", "p"];
        let arguments: &[&str] = match waivers {
            "" => {
                &["waive", &fingerprint, "--report", "r.json", "--reason", "r", "--owner", "o", "--until", "2026-12-31"]
            }
            _ => &["check", "a.json", "--now", NOW, "--waivers", "w.cedar"],
        };
        deodar(&files, &[arguments, &pack].concat())
    };
    let waiver = waived(TEN, "").stdout;
    assert!(waiver.contains("context.parameters.min_length == 12"), "{waiver}");
    assert_eq!(waived(TEN, &waiver).code, 0);
    assert_eq!(waived(&TEN.replace("12", "11"), &waiver).code, 1);
}

#[test]
fn a_value_that_is_not_known_is_unknown() {
    let with = |value: &str| format!(r#"{{"name": "a", "length": 10, "policy": {{"min_length": {value}}}}}"#);
    assert_eq!(verdict(&with("null"), &[]), "unknown: parameter `min_length` was not captured");
    assert_eq!(verdict(&with("\"long\""), &[]), "unknown: parameter `min_length` is unreadable");
    assert_eq!(verdict(r#"{"name": "a", "length": 10}"#, &[]), "unknown: parameter `min_length` was not captured");
    assert_eq!(verdict(&with("null"), &["--param", "min_length=9"]), "pass");
    assert_eq!(check(&with("\"long\""), &[]).code, 5);
}

#[test]
fn nothing_replaces_an_invalid_setting() {
    let unknown = "unknown: the value set for parameter `min_length` is invalid";
    let absent = r#"{"name": "a", "length": 10, "policy": {}}"#;
    for snapshot in [TEN.replace("12", "9"), absent.to_owned()] {
        let engines = [&[][..], &["--engine", "reference"]];
        for engine in engines {
            assert_eq!(verdict(&snapshot, &[&["--param", "min_length=nine"], engine].concat()), unknown);
            let twice = ["--param", "min_length=9", "--param", "min_length=10"];
            assert_eq!(verdict(&snapshot, &[&twice, engine].concat()), unknown);
        }
        let run = check(&snapshot, &["--param", "min_length=nine", "--style", "full"]);
        assert_eq!(run.code, 5, "{}", run.stderr);
        assert!(run.stdout.contains("undetermined: min_length = (invalid)"), "{}", run.stdout);
        let run = check(&snapshot, &["--param", "min_length=nine", "--style", "concise"]);
        assert!(run.stdout.contains("length is 10 (min_length invalid)"), "{}", run.stdout);
    }
}

#[test]
fn an_object_without_any_declared_property_does_not_give_the_default() {
    let snapshot = r#"{"name": "a", "length": 10, "policy": {"error": "forbidden"}}"#;
    assert_eq!(verdict(snapshot, &[]), "unknown: parameter `min_length` was not captured");
}

#[test]
fn both_engines_agree() {
    for snapshot in [TEN, r#"{"name": "a", "length": 10, "policy": {}}"#, r#"{"name": "a", "length": 10}"#] {
        assert_eq!(verdict(snapshot, &["--engine", "reference"]), verdict(snapshot, &[]), "{snapshot}");
    }
}

#[test]
fn a_finding_shows_the_place_of_the_value() {
    let text = |run: Run| run.stdout.split("    check ").next().unwrap_or_default().to_owned();
    expect![[r#"
        LENGTH · high · fail · f126860e

          × Passwords are long
          │ Account
           ╭─[p/p.cedar:3:10]
         2 │ forbid (principal, action == Action::"audit", resource is Account)
         3 │ unless { resource.length >= context.parameters.min_length };
           ·          ────────────────────────┬───────────────────────
           ·                                  ╰── this is false: min_length = 12
           ╰────

          ☞ length is 10
           ╭─[a.json:1:25]
         1 │ {"name": "a", "length": 10, "policy": {"min_length": 12}}
           ·                         ─┬                           ─┬
           ·                          │                            ╰── min_length is 12
           ·                          ╰── length is 10
           ╰────

    "#]]
    .assert_eq(&text(check(TEN, &["--style", "full"])));
    expect![[r#"
        LENGTH · high · unknown · f126860e

          ⚠ Passwords are long
          │ Account
           ╭─[p/p.cedar:3:10]
         2 │ forbid (principal, action == Action::"audit", resource is Account)
         3 │ unless { resource.length >= context.parameters.min_length };
           ·          ────────────────────────┬───────────────────────
           ·                                  ╰── undetermined: min_length = (unknown)
           ╰────

          ☞ parameter `min_length` was not captured
           ╭─[a.json:1:25]
         1 │ {"name": "a", "length": 10, "policy": {"min_length": null}}
           ·                         ─┬                           ──┬─
           ·                          │                             ╰── min_length was not captured
           ·                          ╰── length is 10
           ╰────
          help: capture Account.parameters.min_length at /policy/min_length: Shortest
                password. Settings > Passwords.

    "#]]
    .assert_eq(&text(check(r#"{"name": "a", "length": 10, "policy": {"min_length": null}}"#, &["--style", "full"])));
}

#[test]
fn the_report_states_that_the_account_sets_the_value() {
    let parameters = |arguments: &[&str]| {
        check(TEN, &[&["--format", "json"], arguments].concat()).json()["run"]["parameters"].to_string()
    };
    assert_eq!(parameters(&[]), r#"{"min_length":{"value":null,"origin":"snapshot"}}"#);
    assert_eq!(parameters(&["--param", "min_length=9"]), r#"{"min_length":{"value":9,"origin":"set"}}"#);
}

#[track_caller]
fn part(arguments: &[&str], from: &str, to: &str, expected: Expect) {
    let text = run_with(SCHEMA, TEN, arguments).stdout;
    let (_, rest) = text.split_once(from).unwrap_or_else(|| panic!("{text}"));
    expected.assert_eq(&format!("{from}{}", rest.split(to).next().unwrap_or_default()));
}

#[test]
fn explain_and_the_catalogue_name_the_place() {
    part(
        &["explain", "LENGTH"],
        "Parameters\n",
        "Values",
        expect![[r#"
        Parameters
          min_length: Long, set by the account at /policy/min_length, by default 8
            Shortest password. Settings > Passwords.

    "#]],
    );
    part(
        &["doc"],
        "**Parameters:**",
        "**Read",
        expect![[r#"
        **Parameters:**

        * `min_length` (`Long`, set by the account at `/policy/min_length`, default 8): Shortest password. Settings > Passwords.

    "#]],
    );
    part(
        &["doc"],
        "| parameter |",
        "\n\n",
        expect![[r#"
        | parameter | type | default | meaning | read by |
        | --- | --- | --- | --- | --- |
        | `min_length` | `Long` | 8; the account sets `/policy/min_length` | Shortest password. Settings > Passwords. | [LENGTH](#length-passwords-are-long) |"#]],
    );
}

#[test]
fn a_case_edits_the_value_in_the_snapshot() {
    let run = run_with(SCHEMA, TEN, &["test", "p"]);
    assert_eq!(run.code, 0, "{}", run.stdout);
}

/// The errors of a schema in which a text is replaced.
#[track_caller]
fn refused(from: &str, to: &str, expected: Expect) {
    assert!(SCHEMA.contains(from));
    let report = run_with(&SCHEMA.replace(from, to), TEN, &["check", "a.json", "--format", "json"]).json();
    let found = report["diagnostics"].as_array().expect("a list").iter();
    let shown: Vec<String> =
        found.map(|found| format!("{}: {}", found["code"], found["message"]).replace('"', "")).collect();
    expected.assert_eq(&shown.join("\n"));
}

#[test]
fn a_place_that_is_not_possible_is_refused() {
    refused(
        "\"/policy/min_length\"",
        "\"policy/min_length\"",
        expect!["schema-path: `policy/min_length` does not start with `/`"],
    );
    refused(
        "@path(\"/policy/min_length\")",
        "@null(\"absent\")",
        expect!["schema-annotation: `@null` is not possible on a parameter without `@path`"],
    );
    refused(
        "length: Long }",
        "length: Long, @secret policy: { min_length: Long } }",
        expect!["schema-secret: the parameter `min_length` is secret, and findings show its value"],
    );
    refused(
        "@path(\"/policy/min_length\")",
        "@path(\"/policy/min_length\") @as(\"casefold\")",
        expect!["schema-reader: `casefold` gives a text, but the attribute is of type Long"],
    );
}
