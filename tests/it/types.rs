//! Checks of several types of resource: their verdicts, and their words in every command.

use crate::support::{NOW, Run, command, deodar, folder};
use expect_test::{Expect, expect};
use serde_json::{Value, json};

const SCHEMA: &str = r#"@path("") entity Account = { name: String };
@path("/users/*") @key("id") entity User in [Account] = { @doc("Whether the person may sign in.") active: Bool, age: Long };
@path("/groups/*") @key("id") entity Group in [Account] = { @doc("Whether the person may sign in.") active: Bool, size: Long };
@path("/users/*/tokens/*") @key("id") entity Token in [User] = { active: Bool };
type Context = { now: datetime };
action "audit" appliesTo { principal: [Account], resource: [Account, User, Group, Token], context: Context };
"#;

const POLICIES: &str = r#"@id("ACTIVE") @title("All are active") @severity("high")
forbid (principal, action == Action::"audit", resource)
when { resource is User || resource is Group }
unless { resource.active };
@id("SMALL") @title("All are small") @severity("low")
forbid (principal, action == Action::"audit", resource)
when { resource is User && resource.age > 90 || resource is Group && resource.size > 3 };
"#;

const SNAPSHOT: &str = r#"{"name": "a",
  "users": [{"id": "ann", "active": true, "age": 91, "tokens": [{"id": "t", "active": false}]},
            {"id": "bob", "active": false, "age": 20, "tokens": []}],
  "groups": [{"id": "ann", "active": null, "size": 4}]}"#;

const CASES: &str = r#"base = "../a.json"
now = "2026-01-01T00:00:00Z"
[[case]]
name = "types"
expect = { "ACTIVE User bob" = "fail", "ACTIVE Group" = "unknown", "SMALL Group ann" = "fail", "ACTIVE Token" = "pass" }
"#;

fn run(arguments: &[&str]) -> Run {
    let files = [
        ("s.cedarschema", SCHEMA.as_bytes()),
        ("p/p.cedar", POLICIES.as_bytes()),
        ("p/p.test.toml", CASES.as_bytes()),
        ("a.json", SNAPSHOT.as_bytes()),
    ];
    deodar(&files, &[arguments, &["--schema", "s.cedarschema", "--policies", "p"]].concat())
}

/// Compares the part of an output from a text on.
#[track_caller]
fn check(arguments: &[&str], from: &str, expected: Expect) {
    let text = run(arguments).stdout;
    let (_, rest) = text.split_once(from).unwrap_or_else(|| panic!("{text}"));
    expected.assert_eq(&format!("{from}{rest}"));
}

#[test]
fn only_the_types_that_the_conditions_leave_are_judged() {
    check(
        &["check", "a.json", "--now", NOW],
        "check   severity",
        expect![[r#"
        check   severity  fail  unknown  n/a  pass
         ✗  ACTIVE  high         1        1    ·     1 All are active
         ✗  SMALL   low          2        ·    ·     1 All are small

          a.json
          judged by the given schema and policies as of 2026-09-01T12:00:00Z
          2 checks, 6 verdicts: 3 fail, 1 unknown, 0 not applicable, 2 pass
          exit 1: 3 failures at or above low; 1 verdict unknown
    "#]],
    );
}

#[test]
fn explain_lists_the_types() {
    check(
        &["explain", "ACTIVE"],
        "Types it judges",
        expect![[r#"
        Types it judges
          Group, at /groups/*
          User, at /users/*

        Values it reads
          Group.active at /groups/*/active
            Whether the person may sign in.
          User.active at /users/*/active
            Whether the person may sign in.
    "#]],
    );
}

#[test]
fn the_catalogue_has_words_for_several_types() {
    let text = run(&["doc"]).stdout;
    let sections = text.split("\n### ").skip(1).map(|section| section.split("\n**Policy").next().unwrap_or(section));
    let sections: Vec<&str> = sections.take(2).collect();
    expect![[r#"
        ACTIVE: All are active

        **Severity:** high. **Judges:** every group and every user.

        **Applies** always.

        **Complies when** the person may sign in (`active`).

        **Read from the snapshot:**

        * Group, `/groups/*`
          * `active`, `/groups/*/active`: Whether the person may sign in.
        * User, `/users/*`
          * `active`, `/users/*/active`: Whether the person may sign in.

        ---
        SMALL: All are small

        **Severity:** low. **Judges:** every group and every user.

        **Applies** always.

        **Complies when** all of these hold:

        * at least one of these holds:
          * the resource is not a user
          * the age is at most 90
        * at least one of these holds:
          * the resource is not a group
          * the size is at most 3

        **Read from the snapshot:**

        * Group, `/groups/*`
          * `size`, `/groups/*/size`
        * User, `/users/*`
          * `age`, `/users/*/age`
    "#]]
    .assert_eq(&sections.join("\n---\n"));
}

#[test]
fn a_case_about_a_type_that_is_not_judged_is_wrong() {
    let text = run(&["test", "p"]).stdout;
    expect![[r#"
        nothing-matched

          × `ACTIVE` does not judge `Token`
           ╭─[p/p.test.toml:5:96]
         4 │ name = "types"
         5 │ expect = { "ACTIVE User bob" = "fail", "ACTIVE Group" = "unknown", "SMALL Group ann" = "fail", "ACTIVE Token" = "pass" }
           ·                                                                                                ───────┬──────
           ·                                                                                                       ╰── expected here
           ╰────
          help: write `Group`, `User`, optionally with an id, or a pointer after the
                check

          ✗ p/p.test.toml  1 of 1 case wrong
          the given schema and policies: s.cedarschema, p/p.cedar
          1 case: 0 as expected, 1 wrong
          exit 1: some expectations are wrong
    "#]].assert_eq(&text);
}

const NAMESPACES: &str = r#"namespace H {
  @path("") @key("id") entity Acc = { mfa: Bool };
  @path("/items/*") @key("name") entity Item in [Acc] = { on: Bool };
  type AuditContext = { now: datetime };
  action "audit" appliesTo { principal: [Acc], resource: [Item, G::Item], context: AuditContext };
}
namespace G {
  @path("/others/*") @key("name") entity Item in [H::Acc] = { on: Bool };
}
"#;

const ON: &str = r#"@id("ON") @title("All are on") @severity("high")
forbid (principal, action == H::Action::"audit", resource)
when { resource is H::Item || resource is G::Item }
unless { resource is H::Item && resource.on || resource is G::Item && resource.on };
"#;

/// Two types of different namespaces with one name and one id, of which the first, the second or both fail.
fn namespaces(cases: &str) -> tempfile::TempDir {
    let snapshot = |item: bool, other: bool| {
        let named = |on: bool| format!(r#"[{{"name": "x", "on": {on}}}]"#);
        format!(r#"{{"id": "a", "mfa": true, "items": {}, "others": {}}}"#, named(item), named(other))
    };
    let (first, second, both) = (snapshot(false, true), snapshot(true, false), snapshot(false, false));
    folder(&[
        ("n.cedarschema", NAMESPACES.as_bytes()),
        ("p/n.cedar", ON.as_bytes()),
        ("p/n.test.toml", cases.as_bytes()),
        ("first.json", first.as_bytes()),
        ("second.json", second.as_bytes()),
        ("both.json", both.as_bytes()),
    ])
}

fn run_in(folder: &tempfile::TempDir, arguments: &[&str]) -> Run {
    let pack = ["--schema", "n.cedarschema", "--policies", "p"];
    command(folder.path()).args([arguments, &pack].concat()).output().expect("the binary is built").into()
}

#[test]
fn a_baseline_tells_types_of_one_name_in_two_namespaces_apart() {
    let folder = namespaces("");
    let check = |snapshot: &str, more: &[&str]| run_in(&folder, &[&["check", snapshot, "--now", NOW], more].concat());
    assert_eq!(check("first.json", &["--output", "json=first.report.json"]).code, 1);
    assert_eq!(check("both.json", &["--output", "json=both.report.json"]).code, 1);
    let second = check("second.json", &["--baseline", "first.report.json", "--format", "json"]);
    assert_eq!(second.code, 1, "{second:?}");
    let report = second.json();
    assert_eq!(
        (&report["findings"][0]["baseline"], &report["checks"][0]["baseline"]["fixed"]),
        (&json!("new"), &json!(1))
    );
    let both = check("both.json", &["--baseline", "both.report.json", "--format", "json"]);
    assert_eq!(both.code, 0, "{both:?}");
    let types: Vec<Value> =
        both.json()["findings"].as_array().expect("findings").iter().map(|it| it["resource"]["type"].clone()).collect();
    assert_eq!(types, ["G::Item", "H::Item"]);
    let diff = run_in(&folder, &["diff", "first.json", "both.json", "--now", NOW]);
    assert!(!diff.stdout.contains("@key") && diff.stdout.contains("G::Item x"), "{diff:?}");
}

#[test]
fn waivers_and_cases_name_types_of_one_name_in_two_namespaces() {
    let cases = r#"base = "../first.json"
now = "2026-01-01T00:00:00Z"
[[case]]
name = "types"
expect = { "ON H::Item x" = "fail", "ON G::Item" = "pass" }
"#;
    let folder = namespaces(cases);
    assert_eq!(run_in(&folder, &["test", "p"]).code, 0);
    let report =
        run_in(&folder, &["check", "both.json", "--now", NOW, "--output", "json=report.json", "--format", "json"])
            .json();
    let findings = report["findings"].as_array().expect("findings");
    let fingerprints: Vec<&str> = findings.iter().map(|it| it["fingerprint"].as_str().expect("a text")).collect();
    let terms = ["--report", "report.json", "--reason", "r", "--owner", "o", "--until", "2026-12-31", "--now", NOW];
    let waived = run_in(&folder, &[&["waive"], &fingerprints[..], &terms, &["--waivers", "w.cedar"]].concat());
    assert_eq!(waived.code, 0, "{waived:?}");
    let text = std::fs::read_to_string(folder.path().join("w.cedar")).expect("it was written");
    assert!(
        ["resource == H::Item::\"x\"", "resource == G::Item::\"x\""].iter().all(|scope| text.contains(scope)),
        "{text}"
    );
    assert!(text.contains("when { resource.on == false }"), "{text}");
    let checked = run_in(&folder, &["check", "both.json", "--now", NOW, "--waivers", "w.cedar", "--format", "json"]);
    assert_eq!((checked.code, &checked.json()["summary"]["verdicts"]["waived"]), (0, &json!(2)), "{checked:?}");
}
