//! `deodar test`: cases of the harbour, and what is said of those that are wrong.

use crate::support::{self, POLICIES, Run, SCHEMA, SOUND};
use expect_test::expect;
use serde_json::Value;

const HEAD: &str = r#"base = "../snapshot.json"
now = "2026-09-01T12:00:00Z"

[pointers]
pier = "/piers/0"
tern = "/piers/0/boats/0"

"#;

/// One case for every check.
const RIGHT: &str = r#"[[case]]
name = "a boat longer than its pier"
set = { "tern/length" = 41 }
expect = { "HB-LEN-01 Boat east/Tern" = "fail", "HB-LEN-01 pier/boats/1" = "pass" }
no_other_failures = true

[[case]]
name = "nobody knows who owns it"
each = [{ null = "tern/owner" }, { remove = "tern/owner" }, { rename = { "tern/owner" = "onwer" } }]
expect = { "HB-OWN-01 tern" = "unknown" }

[[case]]
name = "too many boats"
append = { "pier/boats" = { name = "Kite", owner = "ada@anse.example", length = 3, light = "white" } }
parameters = { max_boats = 2 }
expect = { "HB-PIER-01 Pier" = "fail", "HB-LEN-01 pier/boats/2" = "not_applicable", "HB-AGE-01" = "pass" }
"#;

fn files(cases: &str) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("harbour.cedarschema", SCHEMA.into()),
        ("policies/harbour.cedar", POLICIES.into()),
        ("policies/harbour.test.toml", format!("{HEAD}{cases}").into()),
        ("snapshot.json", SOUND.into()),
    ]
}

const PACK: [&str; 5] = ["test", "--schema", "harbour.cedarschema", "--policies", "policies"];

/// Runs cases, with these arguments more.
fn test(cases: &str, more: &[&str]) -> Run {
    let files = files(cases);
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, content)| (*name, content.as_slice())).collect();
    support::deodar(&files, &[&PACK, more].concat())
}

/// The exit code, then standard output without blanks at the ends of lines.
fn shown(run: &Run) -> String {
    let lines = run.stdout.lines().map(|line| format!("{}\n", line.trim_end()));
    std::iter::once(format!("exit {}\n", run.code)).chain(lines).collect()
}

/// The messages of a run, by code.
fn messages(run: &Run) -> Vec<String> {
    let json = run.json();
    let of = |value: &Value| -> Vec<String> {
        let all = value["diagnostics"].as_array().expect("there is a list").iter();
        all.map(|found| {
            let help = found["help"].as_str().map_or(String::new(), |help| format!(" ({help})"));
            let text = |key: &str| found[key].as_str().expect("it is text").to_owned();
            format!("{} {}: {}{help}", text("severity"), text("code"), text("message"))
        })
        .collect()
    };
    let results = json["results"].as_array().expect("there is a list").iter().flat_map(of).collect::<Vec<_>>();
    [of(&json), results].concat()
}

fn told(cases: &str, more: &[&str]) -> String {
    let run = test(cases, &[&["--format", "json"], more].concat());
    messages(&run).into_iter().chain([format!("exit {}", run.code)]).collect::<Vec<_>>().join("\n")
}

#[test]
fn right_expectations_hold_and_the_files_are_listed() {
    let run = test(RIGHT, &["--strict"]);
    expect![[r#"
        exit 0
          ✓ policies/harbour.test.toml  5 cases
          the given schema and policies: harbour.cedarschema, policies/harbour.cedar
          5 cases: 5 as expected, 0 wrong
          exit 0: everything came out as expected
    "#]]
    .assert_eq(&shown(&run));
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
}

#[test]
fn a_wrong_expectation_points_at_case_policy_and_value() {
    let run = test(&RIGHT.replace("Boat east/Tern\" = \"fail\"", "Boat east/Tern\" = \"pass\""), &[]);
    expect![[r#"
        exit 1
        expectation

          × `HB-LEN-01` on Boat east/Tern is fail, not pass: length is 41, length of
          │ Pier::"east" is 40, light is "red"
            ╭─[policies/harbour.test.toml:11:41]
         10 │ set = { "tern/length" = 41 }
         11 │ expect = { "HB-LEN-01 Boat east/Tern" = "pass", "HB-LEN-01 pier/boats/1" = "pass" }
            ·                                         ───┬──
            ·                                            ╰── it is fail
         12 │ no_other_failures = true
            ╰────

          ☞ see also
            ╭─[policies/harbour.cedar:18:8]
         17 │ forbid (principal, action == Action::"audit", resource is Boat)
         18 │ when { resource.light != Light::"white" }
            ·        ────────────────┬───────────────
            ·                        ╰── this is true
         19 │ unless { resource.length <= resource.pier.length };
            ·          ───────────────────┬───────────────────
            ·                             ╰── this is false
            ╰────

          ☞ see also
            ╭─[snapshot.json, edited by `a boat longer than its pier`:11:17]
         10 │       "id": "east",
         11 │       "length": 40,
            ·                 ─┬
            ·                  ╰── length of Pier::"east" is 40
         12 │       "flags": ["fuel"],
            ╰────
            ╭─[snapshot.json, edited by `a boat longer than its pier`:14:66]
         13 │       "boats": [
         14 │         { "name": "Tern", "owner": "ada@anse.example", "length": 41, "light": "red", "pin": *** },
            ·                                                                  ─┬           ──┬──
            ·                                                                   │             ╰── light is "red"
            ·                                                                   ╰── length is 41
         15 │         { "name": "Wren", "owner": "bo@anse.example", "length": 9, "light": "green" }
            ╰────

          ✗ policies/harbour.test.toml  1 of 5 cases wrong
          the given schema and policies: harbour.cedarschema, policies/harbour.cedar
          5 cases: 4 as expected, 1 wrong
          exit 1: some expectations are wrong
    "#]]
    .assert_eq(&shown(&run));
    assert_eq!(run.code, 1);
}

#[test]
fn what_decided_can_be_asserted() {
    let case = |facts: &str| {
        format!(
            "{RIGHT}\n[[case]]\nname = \"why\"\nset = {{ \"tern/length\" = 41 }}\nparameters = {{ max_boats = 1 }}\n{facts}"
        )
    };
    let right = r#"[case.expect]
"HB-LEN-01 tern" = { verdict = "fail", reads = ["tern/length", "pier/length"], clause = "resource.length <= resource.pier.length" }
"HB-PIER-01 pier" = { verdict = "fail", witnesses = ["Boat east/Tern", "pier/boats/1"] }
"#;
    assert_eq!(told(&case(right), &["--strict"]), "exit 0");
    let wrong =
        right.replace("\"pier/length\"]", "\"pier/lenght\"]").replace("resource.length <=", "resource.length <");
    let wrong = wrong.replace("\"Boat east/Tern\", ", "");
    expect![[r#"
        error expectation: `/piers/0/lenght` did not decide `HB-LEN-01` on Boat east/Tern (did you mean `/piers/0/length`?)
        error expectation: no clause with `resource.length < resource.pier.length` decided `HB-LEN-01` on Boat east/Tern (did you mean `resource.length <= resource.pier.length`?)
        error expectation: Boat::"east/Tern" is also a witness of `HB-PIER-01` on Pier east
        exit 1"#]].assert_eq(&told(&case(&wrong), &[]));
    let wrong = right.replace("east/Tern", "east/Tren");
    expect![[r#"
        error expectation: Boat::"east/Tren" is not a witness of `HB-PIER-01` on Pier east (did you mean `Boat::"east/Tern"`?)
        exit 1"#]].assert_eq(&told(&case(&wrong), &[]));
}

#[test]
fn what_is_not_there_is_named_with_what_is() {
    let missing = RIGHT
        .replace("HB-LEN-01 Boat east/Tern", "HB-LEN-01 Boat east/Terne")
        .replace("tern/owner\" }, {", "tern/ower\" }, {");
    expect![[r#"
        error nothing-matched: `HB-LEN-01` did not judge Boat east/Terne (did you mean `Boat east/Tern`?)
        error expectation: `HB-LEN-01` on Boat east/Tern fails, too: length is 41, length of Pier::"east" is 40, light is "red"
        error edit: an edit of case `nobody knows who owns it (1)` changes nothing: `/piers/0/boats/0` has no `ower` (did you mean `/piers/0/boats/0/owner`?)
        error edit: an edit of case `nobody knows who owns it (2)` changes nothing: `/piers/0/boats/0` has no `ower` (did you mean `/piers/0/boats/0/owner`?)
        exit 1"#]].assert_eq(&told(&missing, &[]));
    let missing = RIGHT.replace("pier/boats/1", "pier/boats/7").replace("HB-PIER-01 Pier", "HB-PIER-01 Peir");
    expect![[r#"
        error nothing-matched: `HB-LEN-01` judged nothing at `/piers/0/boats/7` (it has the elements 0 to 1)
        error nothing-matched: `HB-PIER-01` does not judge `Peir` (did you mean `Pier`?)
        exit 1"#]]
    .assert_eq(&told(&missing, &[]));
    let missing = RIGHT.replace("HB-PIER-01 Pier", "HB-PIER-01 east");
    expect![[r#"
        error nothing-matched: `HB-PIER-01` does not judge `east` (did you mean `Pier east`?)
        exit 1"#]]
    .assert_eq(&told(&missing, &[]));
    let missing = RIGHT.replace("HB-LEN-01 Boat east/Tern", "HB-LEN-01 elsewhere");
    expect![[r#"
        error nothing-matched: `HB-LEN-01` does not judge `elsewhere` (write `Boat`, optionally with an id, or a pointer after the check)
        error expectation: `HB-LEN-01` on Boat east/Tern fails, too: length is 41, length of Pier::"east" is 40, light is "red"
        exit 1"#]].assert_eq(&told(&missing, &[]));
}

#[test]
fn the_empty_pointer_of_the_root_is_not_suggested() {
    let schema = r#"@path("") entity Org = { @derived boats: Long };
        @path("/boats/*") @key("id") entity Boat in [Org] = { id: String };
        action "audit" appliesTo { principal: [Org], resource: [Org] };
        action "derive" appliesTo { principal: [Boat], resource: [Org] };"#;
    let policies = r#"@id("n") @derives("boats")
        permit (principal is Boat, action == Action::"derive", resource is Org) when { principal in resource };
        @id("FEW") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Org)
        unless { resource.boats < 1 };"#;
    let told = |expected: &str| {
        let case = format!(
            "[[case]]\nname = \"x\"\nnow = \"2026-09-01T12:00:00Z\"\nbase = '{{\"boats\": [{{\"id\": \"a\"}}]}}'\n\
             expect = {{ {expected} }}\n"
        );
        let files = [("s.cedarschema", schema), ("p/p.cedar", policies), ("p/p.test.toml", &case)];
        let files = files.map(|(name, text)| (name, text.as_bytes()));
        let run =
            support::deodar(&files, &["test", "--schema", "s.cedarschema", "--policies", "p", "--format", "json"]);
        messages(&run).join("\n")
    };
    expect!["error expectation: `/boats` did not decide `FEW` on Org (`boats` is derived: expect its `witnesses`, or a `clause`)"]
        .assert_eq(&told("\"FEW\" = { verdict = \"fail\", reads = \"/boats\" }"));
    expect!["error nothing-matched: `FEW` judged nothing at `/boats` (write `FEW Org`)"]
        .assert_eq(&told("\"FEW /boats\" = \"fail\""));
}

#[test]
fn an_edit_that_names_nothing_is_refused() {
    let case = |name: &str, more: &str| format!("[[case]]\nname = \"{name}\"\n{more}\n");
    let wrong = [
        case("a", "set = {}"),
        case("b", "null = []"),
        case("c", "each = []"),
        case("d", "each = [{}]"),
        case("e", "each = [{ copy = {} }]"),
        case("f", "each = [{}, { parameters = { max_boats = 1 } }]"),
    ];
    expect![[r#"
        error case-value: `set` is empty (name a pointer, or remove `set`)
        error case-value: `null` is empty (name a pointer, or remove `null`)
        error case-value: case `c` is never run: `each` is empty (name an edit)
        error case-value: the one element of `each` of case `d` is empty (name an edit, or remove `each`)
        error case-value: `copy` is empty (name a pointer, or remove `copy`)
        exit 5"#]]
    .assert_eq(&told(&wrong.concat(), &[]));
}

#[test]
fn invalid_files_are_refused_with_all_that_is_wrong() {
    let wrong = r#"[paramters]
max_boats = 1

[[case]]
name = "one"
sett = { "tern/length" = 41 }
expect = { "HB-LEN-01" = "fial" }

[[case]]
name = "two"
base = "nowhere.json"
now = "soon"
null = "teern/length"
expect = 3

[[case]]
expect = { "HB-LEN-01" = "fail" }
"#;
    expect![[r#"
        error case-key: unknown key `paramters` in a case file (did you mean `parameters`?)
        error case-key: unknown key `sett` in a case (did you mean `set`?)
        error case-value: `fial` is not a verdict (did you mean `fail`?)
        error unreadable: cannot read `policies/nowhere.json`: no such file or directory (correct the path)
        error case-value: `soon` is not a time (expected a date or an RFC 3339 time with an offset, such as 2026-09-01 or 2026-09-01T06:00:00Z)
        error case-value: `[pointers]` has no `teern` (did you mean `tern`?)
        error case-value: `expect` is a number, not a table (write it as `expect = { "..." = ... }`)
        error case-value: a case has no name (add `name = "..."`)
        exit 5"#]].assert_eq(&told(wrong, &[]));
    expect![[r#"
        error parameter: there is no parameter `max_boat` (did you mean `max_boats`?)
        error no-check: there is no check `HB-PEIR-01` (did you mean `HB-PIER-01`?)
        exit 5"#]]
    .assert_eq(&told(&RIGHT.replace("HB-PIER-01", "HB-PEIR-01").replace("max_boats", "max_boat"), &[]));
    expect![[r#"
        error not-toml: `policies/harbour.test.toml` is not TOML: unclosed array table, expected `]`
        exit 5"#]]
    .assert_eq(&told("[[case]\n", &[]));
}

#[test]
fn a_base_may_stand_in_the_file_and_must_be_json() {
    let case = |base: &str| {
        let case = "expect = { \"HB-AGE-01\" = \"pass\" }";
        told(&format!("[[case]]\nname = \"x\"\nbase = '''{base}'''\n{case}\n"), &["--filter", "x"])
    };
    assert_eq!(case("{ \"name\": \"a\", \"captured_at\": \"2026-09-01\" }"), "exit 0");
    let broken = case("{ \"name\": \"a\" \"captured_at\": \"2026-09-01\" }");
    expect![[r#"
        error not-json: `policies/harbour.test.toml (base)` is not JSON in line 1, column 15: expected `,` or `}`, found `\"`
        exit 5"#]].assert_eq(&broken);
}

#[test]
fn cases_that_say_less_than_they_seem_to_are_doubtful_and_strictly_wrong() {
    let weak = "[[case]]\nname = \"nothing\"\nset = { \"tern/length\" = 41 }\n
[[case]]\nname = \"sound\"\nexpect = { \"HB-LEN-01\" = \"pass\", \"HB-OWN-01 Boat\" = \"pass\" }\n";
    let doubtful = told(weak, &[]);
    expect![[r#"
        warning no-case: check `HB-AGE-01` has no case (add a case with `expect = { "HB-AGE-01" = "fail" }`)
        warning no-case: check `HB-PIER-01` has no case (add a case with `expect = { "HB-PIER-01" = "fail" }`)
        warning no-expectation: case `nothing` expects nothing (add `expect = { "CHECK Type id" = "fail" }`, or `no_other_failures = true`)
        exit 0"#]].assert_eq(&doubtful);
    let strictly = told(weak, &["--strict"]);
    assert_eq!(strictly, doubtful.replace("warning", "error").replace("exit 0", "exit 1"));
}

#[test]
fn a_verdict_on_no_resource_is_wrong_unless_the_case_states_that_nothing_is_judged() {
    let rest = "[[case]]\nname = \"all\"\nexpect = { \"HB-AGE-01\" = \"pass\", \"HB-LEN-01\" = \"pass\", \"HB-OWN-01\" = \"pass\", \"HB-PIER-01\" = \"pass\" }\n";
    let case = |expect: &str| {
        format!("[[case]]\nname = \"x\"\nset = {{ \"pier/boats\" = [] }}\nexpect = {{ {expect} }}\n\n{rest}")
    };
    for verdict in ["pass", "not_applicable", "fail", "unknown", "waived"] {
        let told = told(&case(&format!("\"HB-LEN-01\" = \"{verdict}\", \"HB-OWN-01 Boat\" = \"{verdict}\"")), &[]);
        let help = "(keep a resource in the snapshot, or expect `not_judged`)";
        let wrong = |check| format!("error nothing-matched: `{check}` found nothing to judge {help}\n");
        assert_eq!(told, format!("{}{}exit 1", wrong("HB-LEN-01"), wrong("HB-OWN-01")));
    }
    let none = case("\"HB-LEN-01\" = \"not_judged\", \"HB-OWN-01 Boat\" = { verdict = \"not_judged\" }");
    assert_eq!(told(&none, &["--strict"]), "exit 0");
    let judged =
        none.replace("[] }", "[{ name = \"Kite\", owner = \"ada@anse.example\", length = 3, light = \"white\" }] }");
    expect![[r#"
        error expectation: `HB-LEN-01` judges Boat east/Kite, which is not_applicable: light is "white"
        error expectation: `HB-OWN-01` judges Boat east/Kite, which is pass: owner is "ada@anse.example", active of Person::"ada@anse.example" is true
        exit 1"#]].assert_eq(&told(&judged, &[]));
    expect![[r#"
        error nothing-matched: `HB-LEN-01` does not judge `Baot` (did you mean `Boat`?)
        exit 1"#]]
    .assert_eq(&told(&case("\"HB-LEN-01 Baot\" = \"not_judged\""), &[]));
    expect![[r#"
        error case-value: `not_judged` is for all resources of a check or of a type (leave out the id or the pointer, or remove the resource from the snapshot of the case)
        error case-value: `not_judged` is for all resources of a check or of a type (leave out the id or the pointer, or remove the resource from the snapshot of the case)
        error case-value: `not_judged` has no evidence (remove `reads`, or expect a verdict)
        error case-value: `not_jugded` is not a verdict (did you mean `not_judged`?)
        exit 5"#]].assert_eq(&told(&case("\"HB-LEN-01 Boat east/Tern\" = \"not_judged\", \"HB-OWN-01 tern\" = \"not_judged\", \"HB-OWN-01\" = { verdict = \"not_judged\", reads = \"tern\" }, \"HB-PIER-01\" = \"not_jugded\""), &[]));
    // A check that no case expects a verdict of is not tested.
    expect![[r#"
        error no-case: check `HB-LEN-01` has no case (add a case with `expect = { "HB-LEN-01" = "fail" }`)
        exit 1"#]]
    .assert_eq(&told(&none.replace(", \"HB-LEN-01\" = \"pass\"", ""), &["--strict"]));
}

#[test]
fn no_failure_of_no_resource_is_wrong_unless_the_case_states_it() {
    let schema = "@path(\"\") entity Org; @path(\"/boats/*\") @key(\"id\") entity Boat in [Org] = { id: String };
        action \"audit\" appliesTo { principal: [Org], resource: [Boat] };";
    let policies =
        "@id(\"B\") @title(\"t\") @severity(\"low\") forbid (principal, action == Action::\"audit\", resource is Boat)
        when { resource.id == \"x\" };";
    for (expect, code) in [("", 1), ("expect = { \"B\" = \"not_judged\" }\n", 0)] {
        let case = format!(
            "[[case]]\nname = \"x\"\nnow = \"2026-09-01T12:00:00Z\"\nbase = '{{\"boats\": []}}'\n{expect}no_other_failures = true\n"
        );
        let files = [("s.cedarschema", schema), ("p/p.cedar", policies), ("p/p.test.toml", &case)];
        let files = files.map(|(name, text)| (name, text.as_bytes()));
        let run =
            support::deodar(&files, &["test", "--schema", "s.cedarschema", "--policies", "p", "--format", "json"]);
        assert_eq!(run.code, code, "{run:?}");
        assert_eq!(run.stdout.contains("nothing fails in case `x`, because nothing was judged"), code == 1, "{run:?}");
    }
}

#[test]
fn an_edit_that_hits_nothing_fails_and_so_does_one_that_changes_nothing() {
    let case =
        |edit: &str| told(&format!("[[case]]\nname = \"x\"\n{edit}\nexpect = {{ \"HB-AGE-01\" = \"pass\" }}\n"), &[]);
    for edit in [
        "set = { \"/nmae\" = 1 }",
        "remove = \"/piers/3\"",
        "set = { \"/name\" = \"Anse\" }",
        "add = { \"/name\" = 1 }",
    ] {
        let told = case(edit);
        assert!(told.contains("error edit: ") && told.ends_with("exit 1"), "{told}");
    }
    assert!(!case("add = { \"/other\" = 1 }").contains("error"));
}

#[test]
fn without_a_case_nothing_was_run() {
    assert_eq!(
        told("", &[]),
        "warning no-case: there is no case in `policies` (put cases in files whose name ends in `.test.toml`, next to the policies, or name the files)\nexit 3"
    );
    assert!(told(RIGHT, &["--filter", "absent*"]).ends_with("exit 3"));
    let run = support::deodar(&[], &["test"]);
    assert_eq!(run.code, 3, "{run:?}");
}

#[test]
fn checks_that_there_are_not_are_named_once_each() {
    let case = |check: &str| {
        format!(
            "[[case]]\nname = \"{check}\"\neach = [{{ set = {{ \"tern/length\" = 3 }} }}]\nexpect = {{ \"{check} tern\" = \"pass\" }}\n"
        )
    };
    let again = case("HB-LEN-10").replace("name = \"", "name = \"again ");
    assert_eq!(
        told(&[case("HB-LEN-10"), again, case("HB-LEN-01")].concat(), &[]),
        "error no-check: there is no check `HB-LEN-10` (did you mean `HB-LEN-01`?)\nexit 5"
    );
    assert_eq!(
        told(&[case("X-01"), case("X-02")].concat(), &[]),
        "error no-check: the policies have none of the 2 checks that these cases expect (the cases belong to other policies: name these with --policies and --schema, or with --pack)\nexit 5"
    );
}

#[test]
fn an_expectation_that_any_reason_meets_is_refused() {
    let case = |asked: &str| {
        let expected = format!("{{ verdict = \"pass\", {asked} }}");
        told(&format!("[[case]]\nname = \"x\"\nexpect = {{ \"HB-LEN-01 tern\" = {expected} }}\n"), &[])
    };
    for asked in ["clause = \"\"", "clause = [\" \"]", "clause = []", "clause = \"// only a comment\"", "reads = []"] {
        let told = case(asked);
        assert!(told.contains("asks for nothing") && told.ends_with("exit 5"), "{asked}: {told}");
    }
    assert!(case("clause = \"resource.length\"").ends_with("exit 0"));
}

#[test]
fn an_id_with_a_slash_needs_its_type() {
    let case = |target: &str| format!("[[case]]\nname = \"x\"\nexpect = {{ \"HB-LEN-01 {target}\" = \"pass\" }}\n");
    assert!(told(&case("east/Tern"), &[]).contains("(write the type before the id, such as `Type east/Tern`; "));
    assert!(told(&case("peir/boats/0"), &[]).contains("(did you mean `pier`, from `[pointers]`?)"));
    assert!(told(&case("Boat east/Tern"), &[]).ends_with("exit 0"));
}

#[test]
fn filters_match_names_and_checks() {
    let names = |filter: &str| {
        let json = test(RIGHT, &["--format", "json", "--filter", filter]).json();
        let results = json["results"].as_array().expect("a list").clone();
        results.iter().map(|result| result["case"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("too*"), ["too many boats"]);
    assert_eq!(names("HB-OWN-*").len(), 3);
    assert_eq!(names("HB-LEN-01"), ["a boat longer than its pier", "too many boats"]);
}

#[test]
fn blessing_writes_verdicts_and_failures_and_keeps_every_other_byte() {
    let more = "\n[[case]]\nname = \"more\"\nset = { \"tern/length\" = 41 }\nno_other_failures = true\n";
    let right = format!("{RIGHT}{}expect = {{ \"HB-LEN-01 Boat east/Tern\" = \"fail\" }}\n", more);
    let wrong = format!("{RIGHT}{more}");
    let wrong = wrong.replace("\"HB-OWN-01 tern\" = \"unknown\" }", "\"HB-OWN-01 tern\"   =   'pass' }  # why?");
    let wrong = wrong.replace("Boat east/Tern\" = \"fail\"", "Boat east/Tern\" = \"not_applicable\"");
    let right = right.replace("\"HB-OWN-01 tern\" = \"unknown\" }", "\"HB-OWN-01 tern\"   =   \"unknown\" }  # why?");
    let files = files(&wrong);
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, content)| (*name, content.as_slice())).collect();
    let folder = support::folder(&files);
    // A file is replaced as a whole, so another name of the old one keeps its content.
    let old = folder.path().join("old.toml");
    std::fs::hard_link(folder.path().join("policies/harbour.test.toml"), &old).expect("it can be linked");
    let run: Run = support::command(folder.path()).args(PACK).arg("--bless").output().expect("it runs").into();
    assert_eq!(std::fs::read_to_string(old).expect("it is there"), format!("{HEAD}{wrong}"));
    expect![[r#"
        exit 0
        --- policies/harbour.test.toml
        +++ policies/harbour.test.toml
        @@ -9,5 +9,5 @@
         name = "a boat longer than its pier"
         set = { "tern/length" = 41 }
        -expect = { "HB-LEN-01 Boat east/Tern" = "not_applicable", "HB-LEN-01 pier/boats/1" = "pass" }
        +expect = { "HB-LEN-01 Boat east/Tern" = "fail", "HB-LEN-01 pier/boats/1" = "pass" }
         no_other_failures = true

        @@ -15,5 +15,5 @@
         name = "nobody knows who owns it"
         each = [{ null = "tern/owner" }, { remove = "tern/owner" }, { rename = { "tern/owner" = "onwer" } }]
        -expect = { "HB-OWN-01 tern"   =   'pass' }  # why?
        +expect = { "HB-OWN-01 tern"   =   "unknown" }  # why?

         [[case]]
        @@ -27,2 +27,3 @@
         set = { "tern/length" = 41 }
         no_other_failures = true
        +expect = { "HB-LEN-01 Boat east/Tern" = "fail" }

          ✓ policies/harbour.test.toml  6 cases
          the given schema and policies: harbour.cedarschema, policies/harbour.cedar
          6 cases: 6 as expected, 0 wrong
          exit 0: everything came out as expected
    "#]]
    .assert_eq(&shown(&run));
    assert_eq!(run.code, 0);
    let written = std::fs::read_to_string(folder.path().join("policies/harbour.test.toml")).expect("it is there");
    assert_eq!(written, format!("{HEAD}{right}"));
}

#[test]
fn blessing_adds_failures_in_the_way_a_case_is_written() {
    let edit = "set = { \"tern/length\" = 41 }";
    for (case, end) in [
        (format!("case = [{{ name = \"x\", {edit}, no_other_failures = true }}]\n"), " = \"fail\" } }]\n"),
        (format!("[[case]]\nname = \"x\"\n{edit}\nno_other_failures = true\nexpect = {{}}\n"), "= \"fail\" }\n"),
        (
            format!("[[case]]\nname = \"x\"\n{edit}\nno_other_failures = true\nexpect.\"HB-AGE-01\" = \"pass\"\n"),
            "= \"fail\"\n",
        ),
        (
            format!(
                "[[case]]\nname = \"x\"\n{edit}\nno_other_failures = true\n[case.expect]\n\"HB-AGE-01\" = \"pass\"\n"
            ),
            "= \"fail\"\n",
        ),
    ] {
        let head =
            "base = \"../snapshot.json\"\nnow = 2026-09-01T12:00:00Z\npointers = { tern = \"/piers/0/boats/0\" }\n";
        let files = [
            ("harbour.cedarschema", SCHEMA),
            ("policies/harbour.cedar", POLICIES),
            ("policies/harbour.test.toml", &format!("{head}{case}")),
            ("snapshot.json", SOUND),
        ];
        let folder = support::folder(&files.map(|(name, text)| (name, text.as_bytes())));
        let run: Run = support::command(folder.path()).args(PACK).arg("--bless").output().expect("it runs").into();
        let written = std::fs::read_to_string(folder.path().join("policies/harbour.test.toml")).expect("it is there");
        assert_eq!(run.code, 0, "{run:?}\n{written}");
        assert!(written.contains("\"HB-LEN-01 Boat east/Tern\" = \"fail\"") && written.ends_with(end), "{written}");
    }
}

#[test]
fn variants_that_differ_are_not_blessed() {
    let split = "[[case]]\nname = \"x\"\neach = [{ set = { \"tern/length\" = 41 } }, { set = { \"tern/length\" = 39 } }]\nexpect = { \"HB-LEN-01 tern\" = \"pass\" }\n";
    let run = test(split, &["--bless"]);
    assert!(!run.stdout.contains("+++"), "{}", run.stdout);
    assert_eq!(run.code, 1);
}

#[test]
fn secrets_are_masked_where_cases_are_wrong() {
    let case =
        "[[case]]\nname = \"x\"\nset = { \"tern/light\" = \"green\" }\nexpect = { \"HB-LEN-01 tern\" = \"fail\" }\n";
    for format in ["text", "json", "junit"] {
        let run = test(case, &["--format", format]);
        assert_eq!(run.code, 1);
        assert!(!run.stdout.contains("7091"), "{}", run.stdout);
    }
}

#[test]
fn junit_has_a_suite_for_every_file() {
    let run =
        test(&RIGHT.replace("Boat east/Tern\" = \"fail\"", "Boat east/Tern\" = \"pass\""), &["--format", "junit"]);
    expect![[r#"
        exit 1
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="deodar test" tests="5" skipped="0" failures="1" errors="0">
            <testsuite name="policies/harbour.test.toml" tests="5" skipped="0" errors="0" failures="1">
                <testcase name="a boat longer than its pier" classname="policies/harbour.test.toml">
                    <failure message="`HB-LEN-01` on Boat east/Tern is fail, not pass: length is 41, length of Pier::&quot;east&quot; is 40, light is &quot;red&quot;"/>
                </testcase>
                <testcase name="nobody knows who owns it (1)" classname="policies/harbour.test.toml"/>
                <testcase name="nobody knows who owns it (2)" classname="policies/harbour.test.toml"/>
                <testcase name="nobody knows who owns it (3)" classname="policies/harbour.test.toml"/>
                <testcase name="too many boats" classname="policies/harbour.test.toml"/>
            </testsuite>
        </testsuites>
    "#]].assert_eq(&shown(&run));
    assert_eq!(run.code, 1);
    let wrong =
        RIGHT.replace("Boat east/Tern\" = \"fail\"", "elsewhere\" = \"fail\", \"HB-LEN-01 nowhere\" = \"fail\"");
    let run = test(&wrong, &["--format", "junit"]);
    assert!(run.stdout.contains("does not judge `elsewhere`; `HB-LEN-01` does not judge `nowhere`"), "{}", run.stdout);
}

#[test]
fn policies_beside_cases_are_read_without_a_warning() {
    let files = files(RIGHT);
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, content)| (*name, content.as_slice())).collect();
    let run = support::deodar(&files, &support::HARBOUR);
    assert!(!run.stdout.contains("not-a-policy"), "{}", run.stdout);
}

#[test]
fn blessing_keeps_the_byte_order_mark_and_the_line_breaks() {
    let more = "[[case]]\nname = \"more\"\nset = { \"tern/length\" = 41 }\nno_other_failures = true\n";
    let wrong = format!("{RIGHT}{more}").replace("Boat east/Tern\" = \"fail\"", "Boat east/Tern\" = \"pass\"");
    let right = format!("{RIGHT}{more}expect = {{ \"HB-LEN-01 Boat east/Tern\" = \"fail\" }}\n");
    for (mark, line_break) in [("", "\n"), ("\u{feff}", "\n"), ("", "\r\n"), ("\u{feff}", "\r\n")] {
        let written = |text: &str| format!("{mark}{}", format!("{HEAD}{text}").replace('\n', line_break));
        let mut files = files(RIGHT);
        for (name, content) in &mut files {
            if name.ends_with(".test.toml") {
                *content = written(&wrong).into_bytes();
            }
        }
        let files: Vec<(&str, &[u8])> = files.iter().map(|(name, content)| (*name, content.as_slice())).collect();
        let folder = support::folder(&files);
        let run: Run = support::command(folder.path()).args(PACK).arg("--bless").output().expect("it runs").into();
        assert_eq!(run.code, 0, "{run:?}");
        let text = std::fs::read_to_string(folder.path().join("policies/harbour.test.toml")).expect("it is there");
        assert_eq!(text, written(&right));
    }
}
