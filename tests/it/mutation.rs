//! The quality of cases: `deodar test --coverage` and `--mutate` on the harbour.

use crate::support::{self, POLICIES, Run, SCHEMA, SOUND, edited, repository};
use expect_test::expect;
use serde_json::Value;

const HEAD: &str = "base = \"../snapshot.json\"\nnow = \"2026-09-01T12:00:00Z\"\n\n";

/// Cases that notice every change of `HB-LEN-01` but one of its boundary.
const LENGTH: &str = r#"[[case]]
name = "as it is"
expect = { "HB-LEN-01 Boat" = "pass" }

[[case]]
name = "too long"
each = [
  { set = { "/piers/0/boats/0/length" = 41 } },
  { set = { "/piers/0/boats/0/length" = 41, "/piers/0/boats/0/light" = "green" } },
]
expect = { "HB-LEN-01 Boat east/Tern" = "fail" }

[[case]]
name = "white"
set = { "/piers/0/boats/0/light" = "white", "/piers/0/boats/0/length" = 41 }
expect = { "HB-LEN-01 Boat east/Tern" = "not_applicable" }

[[case]]
name = "nobody knows"
each = [
  { null = "/piers/0/boats/0/length" },
  { null = "/piers/0/boats/0/light", set = { "/piers/0/boats/0/length" = 41 } },
]
expect = { "HB-LEN-01 Boat east/Tern" = "unknown" }
"#;

const BOUNDARY: &str = r#"
[[case]]
name = "just as long"
set = { "/piers/0/boats/0/length" = 40 }
expect = { "HB-LEN-01 Boat east/Tern" = "pass" }
"#;

/// The one check that [`LENGTH`] is about.
fn length_policy() -> String {
    let start = POLICIES.find("@id(\"HB-LEN-01\")").expect("it is there");
    let end = POLICIES.find("@id(\"HB-OWN-01\")").expect("it is there");
    POLICIES[start..end].to_owned()
}

/// Runs cases of some policies, with further files and arguments.
fn test(policies: &str, cases: &str, more_files: &[(&str, &str)], more: &[&str]) -> Run {
    let cases = format!("{HEAD}{cases}");
    let mut files: Vec<(&str, &[u8])> = vec![
        ("harbour.cedarschema", SCHEMA.as_bytes()),
        ("policies/harbour.cedar", policies.as_bytes()),
        ("policies/harbour.test.toml", cases.as_bytes()),
        ("snapshot.json", SOUND.as_bytes()),
    ];
    files.extend(more_files.iter().map(|(name, text)| (*name, text.as_bytes())));
    let pack = ["test", "--schema", "harbour.cedarschema", "--policies", "policies"];
    support::deodar(&files, &[&pack, more].concat())
}

/// The outcome as JSON, held to its schema and to the exit code.
fn json(run: &Run) -> Value {
    let text = std::fs::read_to_string(repository().join("schemas/test.schema.json")).expect("it is there");
    let schema: Value = serde_json::from_str(&text).expect("it is JSON");
    let validator = jsonschema::draft202012::new(&schema).expect("it is a schema");
    let outcome = run.json();
    let errors: Vec<String> =
        validator.iter_errors(&outcome).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{}\n{outcome:#}", errors.join("\n"));
    assert_eq!(outcome["exit_code"], run.code);
    outcome
}

fn run_json(policies: &str, cases: &str, more_files: &[(&str, &str)], more: &[&str]) -> Value {
    json(&test(policies, cases, more_files, &[&["--format", "json"], more].concat()))
}

fn text(value: &Value) -> String {
    value.as_str().expect("it is text").to_owned()
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().expect("it is a list")
}

/// The survivors, one a line.
fn survivors(outcome: &Value) -> Vec<String> {
    let line = |survivor: &Value| {
        let part = |name: &str| text(&survivor[name]);
        format!("{} {}: {} => {}", part("policy"), part("operator"), part("before"), part("after"))
    };
    list(&outcome["mutation"]["survivors"]).iter().map(line).collect()
}

fn messages(outcome: &Value) -> Vec<String> {
    let line =
        |found: &Value| format!("{} {}: {}", text(&found["severity"]), text(&found["code"]), text(&found["message"]));
    list(&outcome["diagnostics"]).iter().map(line).collect()
}

/// Standard output without blanks at the ends of lines, and the exit code.
fn shown(run: &Run) -> String {
    let lines: String = run.stdout.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    format!("{lines}({})\n", run.code)
}

#[test]
fn coverage_marks_what_no_case_has_seen() {
    let cases =
        LENGTH.replace("  { null = \"/piers/0/boats/0/light\", set = { \"/piers/0/boats/0/length\" = 41 } },\n", "");
    let run = test(&length_policy(), &cases, &[], &["--coverage"]);
    expect![[r#"
        coverage

          ⚠ 1 condition of `HB-LEN-01` is not fully tested: 7 of 8
           ╭─[policies/harbour.cedar:7:8]
         6 │ forbid (principal, action == Action::"audit", resource is Boat)
         7 │ when { resource.light != Light::"white" }
           ·        ────────────────┬───────────────
           ·                        ╰── never unknown
         8 │ unless { resource.length <= resource.pier.length };
           ╰────

          ✓ policies/harbour.test.toml  5 cases
          the given schema and policies: harbour.cedarschema, policies/harbour.cedar
          5 cases: 5 as expected, 0 wrong
            policies/harbour.cedar   87.5 %  (7 of 8)
          coverage of conditions: 87.5 %  (7 of 8)
          exit 0: everything came out as expected
        (0)
    "#]]
    .assert_eq(&shown(&run));
    let whole = run_json(&length_policy(), LENGTH, &[], &["--min-coverage", "100", "--strict"]);
    assert_eq!(
        (&whole["coverage"]["met"], &whole["coverage"]["of"], &whole["exit_code"]),
        (&8.into(), &8.into(), &0.into())
    );
}

#[test]
fn coverage_counts_what_was_evaluated_and_expected_and_decided() {
    let seen = |cases: &str, at: usize| {
        let outcome = run_json(&length_policy(), cases, &[], &["--coverage"]);
        let seen = outcome["coverage"]["policies"][0]["conditions"][at]["seen"].clone();
        let names = ["true", "false", "unknown", "decided"];
        names.into_iter().filter(|name| seen[name] == true).collect::<Vec<_>>()
    };
    let one = |edit: &str, verdict: &str| {
        format!(
            "[[case]]\nname = \"x\"\nset = {{ {edit} }}\nexpect = {{ \"HB-LEN-01 Boat east/Tern\" = \"{verdict}\" }}\n"
        )
    };
    let short = one("\"/piers/0/boats/0/length\" = 3", "pass");
    // Whether the boat is lit made a difference: otherwise the check would not have applied.
    assert_eq!(seen(&short, 0), ["true", "decided"]);
    assert_eq!(seen(&short, 1), ["true", "decided"]);
    let white = one("\"/piers/0/boats/0/light\" = \"white\"", "not_applicable");
    assert_eq!(seen(&white, 0), ["false", "decided"]);
    assert!(seen(&white, 1).is_empty(), "`unless` was not evaluated");
    // A case that does not hold, and a resource that nobody speaks of, count for nothing.
    assert!(seen(&one("\"/piers/0/boats/0/length\" = 3", "fail"), 0).is_empty());
    let other = short.replace("HB-LEN-01 Boat east/Tern", "HB-LEN-01 Boat east/Wren");
    assert_eq!(seen(&other.replace("= 3 }", "= 41 }"), 1), ["true", "decided"]);
}

#[test]
fn coverage_follows_what_is_derived_and_a_filter() {
    let cases = r#"[[case]]
name = "two boats"
expect = { "HB-PIER-01 Pier" = "pass", "HB-OWN-01 Boat" = "pass" }
"#;
    let policies = |more: &[&str]| {
        let outcome = run_json(POLICIES, cases, &[], &[&["--coverage"], more].concat());
        list(&outcome["coverage"]["policies"]).iter().map(|policy| text(&policy["policy"])).collect::<Vec<_>>()
    };
    assert_eq!(policies(&[]), ["boats", "HB-AGE-01", "HB-LEN-01", "HB-OWN-01", "HB-PIER-01"]);
    assert_eq!(policies(&["--filter", "HB-PIER-*"]), ["boats", "HB-PIER-01"]);
    assert_eq!(policies(&["--filter", "two*"]), ["boats", "HB-OWN-01", "HB-PIER-01"]);
    assert_eq!(policies(&["policies/harbour.test.toml"]), ["boats", "HB-OWN-01", "HB-PIER-01"]);
}

#[test]
fn a_change_that_no_case_notices_is_shown_with_a_case_to_start_from() {
    let run = test(&length_policy(), LENGTH, &[], &["--mutate"]);
    expect![[r#"
        survivor

          ⚠ no case notices a change of `HB-LEN-01` (boundary)
           ╭─[policies/harbour.cedar:8:26]
         7 │ when { resource.light != Light::"white" }
         8 │ unless { resource.length <= resource.pier.length };
           ·                          ─┬
           ·                           ╰── becomes `<`
           ╰────

          ☞ see also
           ╭─[policies/harbour.test.toml:5:8]
         4 │ [[case]]
         5 │ name = "as it is"
           ·        ─────┬────
           ·             ╰── this case reads /piers/0/boats/0/length
         6 │ expect = { "HB-LEN-01 Boat" = "pass" }
           ╰────
          help: write a case in which `resource.length` equals `resource.pier.length`

          ✓ policies/harbour.test.toml  6 cases
          the given schema and policies: harbour.cedarschema, policies/harbour.cedar
          6 cases: 6 as expected, 0 wrong
          mutation score: 83.3 %  (5 of 6 changes noticed, 1 survived)
          not counted: 0 that make no difference, 0 that make a policy invalid
          exit 0: everything came out as expected
        (0)
    "#]]
    .assert_eq(&shown(&run));
    let all = run_json(&length_policy(), &format!("{LENGTH}{BOUNDARY}"), &[], &["--min-score", "100", "--strict"]);
    assert_eq!((&all["mutation"]["met"], &all["exit_code"]), (&6.into(), &0.into()));
}

#[test]
fn survivors_may_be_explained_and_explanations_go_stale() {
    let entry = |after: &str| {
        format!(
            "[[survivor]]\npolicy = \"HB-LEN-01\"\nbefore = \"resource.length <= resource.pier.length\"\nafter = \"{after}\"\nwhy = \"No boat fits a pier to the metre.\"\n"
        )
    };
    let with = |list: &str, more: &[&str]| {
        let more = [&["--mutate", "--strict"], more].concat();
        run_json(&length_policy(), LENGTH, &[("policies/survivors.toml", list)], &more)
    };
    let explained = with(&entry("resource.length < resource.pier.length"), &["--min-score", "80"]);
    assert_eq!(messages(&explained), [""; 0]);
    assert_eq!(explained["exit_code"], 0);
    assert_eq!(explained["mutation"]["survivors"][0]["explained"], "No boat fits a pier to the metre.");
    // What is explained has survived all the same.
    let low = with(&entry("resource.length < resource.pier.length"), &["--min-score", "84%"]);
    assert_eq!(messages(&low), ["error min-score: the mutation score is 83.3 % (5 of 6), less than 84 %"]);
    assert_eq!(low["exit_code"], 1);
    let stale = with(&entry("resource.length > resource.pier.length"), &[]);
    assert_eq!(
        messages(&stale),
        [
            "error survivor-stale: no change of `HB-LEN-01` as explained here survives the cases",
            "error survivor: no case notices a change of `HB-LEN-01` (boundary)",
        ]
    );
    assert_eq!(stale["exit_code"], 1);
    assert_eq!(
        stale["diagnostics"][0]["help"],
        "surviving changes without an explanation: `resource.length <= resource.pier.length` to `resource.length < resource.pier.length`"
    );
    let run = test(&length_policy(), LENGTH, &[], &["--mutate", "--survivors", "absent.toml"]);
    assert_eq!(run.code, 5, "{run:?}");
    let run = test(&length_policy(), LENGTH, &[], &["--min-score", "101"]);
    assert_eq!(run.code, 2, "{run:?}");
}

#[test]
fn a_list_of_survivors_is_held_to_what_it_knows() {
    let list = "[[survivor]]\npolicy = \"HB-LEN-01\"\nbefore = \"a\"\nafter = \"b\"\nwhy = \"c\"\n
[[survivor]]\npolicy = \"HB-LEN-01\"\nbefore = \"a\"\nafter = \"b\"\nwhy = \"again\"\n
[[survivor]]\npolicy = \"HB-LEN-01\"\nbefroe = \"a\"\nafter = \"b\"\nwhy = \" \"\n
[survivers]\n";
    let outcome = run_json(&length_policy(), LENGTH, &[("policies/survivors.toml", list)], &["--mutate"]);
    assert_eq!(
        messages(&outcome),
        [
            "error survivor-key: a survivor is explained twice",
            "error survivor-key: unknown key `befroe` in a survivor",
            "error survivor-key: a survivor has no text for `before`",
            "error survivor-key: a survivor has no text for `why`",
            "error survivor-key: unknown key `survivers` in a list of survivors",
        ]
    );
    assert_eq!(outcome["exit_code"], 5);
    for list in ["survivor = 3\n", "[[survivor]\n"] {
        let run = test(&length_policy(), LENGTH, &[("policies/survivors.toml", list)], &["--mutate"]);
        assert_eq!(run.code, 5, "{run:?}");
    }
}

#[test]
fn nothing_is_changed_while_cases_are_wrong() {
    let wrong = LENGTH.replace("= \"not_applicable\"", "= \"pass\"");
    let outcome = run_json(&length_policy(), &wrong, &[], &["--mutate"]);
    assert_eq!(outcome["mutation"], Value::Null);
    assert_eq!(messages(&outcome), ["error mutation: nothing was mutated, because some expectations are wrong"]);
}

/// A check and a derivation in which something of every kind can be changed.
const EVERYTHING: &str = r#"@id("boats")
@derives("boats")
permit (principal is Boat in Pier::"east", action == Action::"derive", resource is Pier)
when { principal in resource };

@id("HB-ALL-01")
@title("Everything")
@severity("low")
forbid (principal == Harbour::"Anse", action == Action::"audit", resource is Pier)
when {
  // a < b is not the comparison that is meant
  (resource.boats) * 2 + 3 - -1 >= 10 &&
  (resource.id like "e*\*" || ["a", "b", "c"].contains(resource.id)) &&
  !(resource.flags.containsAll(["fuel", "ice"]) && resource.length != 7)
}
unless {
  if resource.id == "east" then context.now < datetime("2026-01-01") else false
};

@id("HB-ALL-02")
@title("More")
@severity("low")
forbid (principal, action == Action::"audit", resource is Person)
when { resource has network && resource.network.isInRange(ip("10.0.0.0/8")) }
when { resource has fee && resource.fee.greaterThan(decimal("1.50")) }
unless { context.now.durationSince(principal.captured_at) <= duration("14d") || resource.active == true };

@id("HB-ALL-03")
@title("Most")
@severity("low")
forbid (principal, action == Action::"audit", resource is Boat)
when { [Light::"red", Light::"white"].contains(resource.light) && resource.pier.flags.containsAny(["a", "b"]) };
"#;

/// Cases that notice nothing, because there is nothing to judge.
const NOTHING: &str = r#"[[case]]
name = "nothing"
set = { "/piers" = [], "/people" = [] }
expect = { "HB-ALL-01" = "not_judged", "HB-ALL-02" = "not_judged", "HB-ALL-03" = "not_judged" }
"#;

#[test]
fn every_kind_of_change_is_tried() {
    let outcome = run_json(EVERYTHING, NOTHING, &[], &["--mutate"]);
    expect![[r#"
        HB-ALL-01 scope dropped: principal == Harbour::"Anse" => principal is Harbour
        HB-ALL-01 negated: (resource.boats) * 2 + 3 - -1 >= 10 => !((resource.boats) * 2 + 3 - -1 >= 10)
        HB-ALL-01 conjunct dropped: (resource.boats) * 2 + 3 - -1 >= 10 => true
        HB-ALL-01 when dropped: when { (resource.boats) * 2 + 3 - -1 >= 10 && (resource.id like "e*\*" || ["a", "b", "c"].contains(resource.id)) && !(resource.flags.containsAll(["fuel", "ice"]) && resource.length != 7) } => when { true }
        HB-ALL-01 attribute: (resource.boats) * 2 + 3 - -1 >= 10 => (resource.length) * 2 + 3 - -1 >= 10
        HB-ALL-01 arithmetic: (resource.boats) * 2 + 3 - -1 >= 10 => (resource.boats) + 2 + 3 - -1 >= 10
        HB-ALL-01 number: (resource.boats) * 2 + 3 - -1 >= 10 => (resource.boats) * 1 + 3 - -1 >= 10
        HB-ALL-01 number: (resource.boats) * 2 + 3 - -1 >= 10 => (resource.boats) * 3 + 3 - -1 >= 10
        HB-ALL-01 arithmetic: (resource.boats) * 2 + 3 - -1 >= 10 => (resource.boats) * 2 - 3 - -1 >= 10
        HB-ALL-01 number: (resource.boats) * 2 + 3 - -1 >= 10 => (resource.boats) * 2 + 2 - -1 >= 10
        HB-ALL-01 number: (resource.boats) * 2 + 3 - -1 >= 10 => (resource.boats) * 2 + 4 - -1 >= 10
        HB-ALL-01 arithmetic: (resource.boats) * 2 + 3 - -1 >= 10 => (resource.boats) * 2 + 3 + -1 >= 10
        HB-ALL-01 number: (resource.boats) * 2 + 3 - -1 >= 10 => (resource.boats) * 2 + 3 - -0 >= 10
        HB-ALL-01 number: (resource.boats) * 2 + 3 - -1 >= 10 => (resource.boats) * 2 + 3 - -2 >= 10
        HB-ALL-01 boundary: (resource.boats) * 2 + 3 - -1 >= 10 => (resource.boats) * 2 + 3 - -1 > 10
        HB-ALL-01 number: (resource.boats) * 2 + 3 - -1 >= 10 => (resource.boats) * 2 + 3 - -1 >= 11
        HB-ALL-01 number: (resource.boats) * 2 + 3 - -1 >= 10 => (resource.boats) * 2 + 3 - -1 >= 9
        HB-ALL-01 negated: resource.id like "e*\*" => !(resource.id like "e*\*")
        HB-ALL-01 disjunct dropped: resource.id like "e*\*" => false
        HB-ALL-01 conjunct dropped: resource.id like "e*\*" || ["a", "b", "c"].contains(resource.id) => true
        HB-ALL-01 wildcard dropped: resource.id like "e*\*" => resource.id like "e\*"
        HB-ALL-01 negated: ["a", "b", "c"].contains(resource.id) => !(["a", "b", "c"].contains(resource.id))
        HB-ALL-01 disjunct dropped: ["a", "b", "c"].contains(resource.id) => false
        HB-ALL-01 element dropped: ["a", "b", "c"].contains(resource.id) => ["b", "b", "c"].contains(resource.id)
        HB-ALL-01 literal: ["a", "b", "c"].contains(resource.id) => ["east", "b", "c"].contains(resource.id)
        HB-ALL-01 element dropped: ["a", "b", "c"].contains(resource.id) => ["a", "a", "c"].contains(resource.id)
        HB-ALL-01 literal: ["a", "b", "c"].contains(resource.id) => ["a", "east", "c"].contains(resource.id)
        HB-ALL-01 element dropped: ["a", "b", "c"].contains(resource.id) => ["a", "b", "b"].contains(resource.id)
        HB-ALL-01 literal: ["a", "b", "c"].contains(resource.id) => ["a", "b", "east"].contains(resource.id)
        HB-ALL-01 conjunct dropped: !(resource.flags.containsAll(["fuel", "ice"]) && resource.length != 7) => true
        HB-ALL-01 negated: resource.flags.containsAll(["fuel", "ice"]) => !(resource.flags.containsAll(["fuel", "ice"]))
        HB-ALL-01 conjunct dropped: resource.flags.containsAll(["fuel", "ice"]) => true
        HB-ALL-01 all or any: resource.flags.containsAll(["fuel", "ice"]) => resource.flags.containsAny(["fuel", "ice"])
        HB-ALL-01 literal: resource.flags.containsAll(["fuel", "ice"]) => resource.flags.containsAll(["a", "ice"])
        HB-ALL-01 element dropped: resource.flags.containsAll(["fuel", "ice"]) => resource.flags.containsAll(["ice", "ice"])
        HB-ALL-01 literal: resource.flags.containsAll(["fuel", "ice"]) => resource.flags.containsAll(["fuel", "a"])
        HB-ALL-01 element dropped: resource.flags.containsAll(["fuel", "ice"]) => resource.flags.containsAll(["fuel", "fuel"])
        HB-ALL-01 negated: resource.length != 7 => !(resource.length != 7)
        HB-ALL-01 conjunct dropped: resource.length != 7 => true
        HB-ALL-01 attribute: resource.length != 7 => resource.boats != 7
        HB-ALL-01 number: resource.length != 7 => resource.length != 6
        HB-ALL-01 number: resource.length != 7 => resource.length != 8
        HB-ALL-01 unless dropped: unless { if resource.id == "east" then context.now < datetime("2026-01-01") else false } => unless { false }
        HB-ALL-01 negated: resource.id == "east" => !(resource.id == "east")
        HB-ALL-01 literal: resource.id == "east" => resource.id == "fuel"
        HB-ALL-01 negated: context.now < datetime("2026-01-01") => !(context.now < datetime("2026-01-01"))
        HB-ALL-01 boundary: context.now < datetime("2026-01-01") => context.now <= datetime("2026-01-01")
        HB-ALL-01 datetime: context.now < datetime("2026-01-01") => context.now < datetime("2025-12-31")
        HB-ALL-01 datetime: context.now < datetime("2026-01-01") => context.now < datetime("2026-01-02")
        HB-ALL-01 flipped: false => true
        HB-ALL-02 when dropped: when { resource has network && resource.network.isInRange(ip("10.0.0.0/8")) } => when { true }
        HB-ALL-02 negated: resource.network.isInRange(ip("10.0.0.0/8")) => !(resource.network.isInRange(ip("10.0.0.0/8")))
        HB-ALL-02 conjunct dropped: resource.network.isInRange(ip("10.0.0.0/8")) => true
        HB-ALL-02 address: resource.network.isInRange(ip("10.0.0.0/8")) => resource.network.isInRange(ip("10.0.0.0/7"))
        HB-ALL-02 address: resource.network.isInRange(ip("10.0.0.0/8")) => resource.network.isInRange(ip("10.0.0.0/9"))
        HB-ALL-02 when dropped: when { resource has fee && resource.fee.greaterThan(decimal("1.50")) } => when { true }
        HB-ALL-02 negated: resource.fee.greaterThan(decimal("1.50")) => !(resource.fee.greaterThan(decimal("1.50")))
        HB-ALL-02 conjunct dropped: resource.fee.greaterThan(decimal("1.50")) => true
        HB-ALL-02 boundary: resource.fee.greaterThan(decimal("1.50")) => resource.fee.greaterThanOrEqual(decimal("1.50"))
        HB-ALL-02 decimal: resource.fee.greaterThan(decimal("1.50")) => resource.fee.greaterThan(decimal("1.49"))
        HB-ALL-02 decimal: resource.fee.greaterThan(decimal("1.50")) => resource.fee.greaterThan(decimal("1.51"))
        HB-ALL-02 negated: context.now.durationSince(principal.captured_at) <= duration("14d") => !(context.now.durationSince(principal.captured_at) <= duration("14d"))
        HB-ALL-02 disjunct dropped: context.now.durationSince(principal.captured_at) <= duration("14d") => false
        HB-ALL-02 unless dropped: unless { context.now.durationSince(principal.captured_at) <= duration("14d") || resource.active == true } => unless { false }
        HB-ALL-02 boundary: context.now.durationSince(principal.captured_at) <= duration("14d") => context.now.durationSince(principal.captured_at) < duration("14d")
        HB-ALL-02 duration: context.now.durationSince(principal.captured_at) <= duration("14d") => context.now.durationSince(principal.captured_at) <= duration("13d")
        HB-ALL-02 duration: context.now.durationSince(principal.captured_at) <= duration("14d") => context.now.durationSince(principal.captured_at) <= duration("15d")
        HB-ALL-02 negated: resource.active == true => !(resource.active == true)
        HB-ALL-02 disjunct dropped: resource.active == true => false
        HB-ALL-02 flipped: resource.active == true => resource.active == false
        HB-ALL-03 negated: [Light::"red", Light::"white"].contains(resource.light) => !([Light::"red", Light::"white"].contains(resource.light))
        HB-ALL-03 conjunct dropped: [Light::"red", Light::"white"].contains(resource.light) => true
        HB-ALL-03 when dropped: when { [Light::"red", Light::"white"].contains(resource.light) && resource.pier.flags.containsAny(["a", "b"]) } => when { true }
        HB-ALL-03 literal: [Light::"red", Light::"white"].contains(resource.light) => [Light::"green", Light::"white"].contains(resource.light)
        HB-ALL-03 element dropped: [Light::"red", Light::"white"].contains(resource.light) => [Light::"white", Light::"white"].contains(resource.light)
        HB-ALL-03 literal: [Light::"red", Light::"white"].contains(resource.light) => [Light::"red", Light::"green"].contains(resource.light)
        HB-ALL-03 element dropped: [Light::"red", Light::"white"].contains(resource.light) => [Light::"red", Light::"red"].contains(resource.light)
        HB-ALL-03 negated: resource.pier.flags.containsAny(["a", "b"]) => !(resource.pier.flags.containsAny(["a", "b"]))
        HB-ALL-03 conjunct dropped: resource.pier.flags.containsAny(["a", "b"]) => true
        HB-ALL-03 all or any: resource.pier.flags.containsAny(["a", "b"]) => resource.pier.flags.containsAll(["a", "b"])
        HB-ALL-03 element dropped: resource.pier.flags.containsAny(["a", "b"]) => resource.pier.flags.containsAny(["b", "b"])
        HB-ALL-03 literal: resource.pier.flags.containsAny(["a", "b"]) => resource.pier.flags.containsAny(["c", "b"])
        HB-ALL-03 element dropped: resource.pier.flags.containsAny(["a", "b"]) => resource.pier.flags.containsAny(["a", "a"])
        HB-ALL-03 literal: resource.pier.flags.containsAny(["a", "b"]) => resource.pier.flags.containsAny(["a", "c"])
        boats derivation dropped: the policy => nothing
        boats scope dropped: principal is Boat in Pier::"east" => principal is Boat
        boats negated: principal in resource => !(principal in resource)
        boats when dropped: when { principal in resource } => when { true }"#]].assert_eq(&survivors(&outcome).join("\n"));
    let counts = ["met", "refused"].map(|name| format!("{name} {}", outcome["mutation"][name]));
    expect!["met 0, refused 4"].assert_eq(&counts.join(", "));
    assert_eq!(outcome["mutation"]["equivalent"], Value::Array(Vec::new()));
}

/// A policy with more conditions than it needs.
fn redundant(clauses: &str) -> String {
    format!(
        "@id(\"HB-RED-01\")\n@title(\"t\")\n@severity(\"low\")\nforbid (principal, action == Action::\"audit\", resource is Boat)\n{clauses};\n"
    )
}

#[test]
fn changes_that_make_no_difference_are_not_counted() {
    let cases =
        "[[case]]\nname = \"nothing\"\nset = { \"/piers\" = [] }\nexpect = { \"HB-RED-01\" = \"not_judged\" }\n";
    let equivalent = |clauses: &str| {
        let outcome = run_json(&redundant(clauses), cases, &[], &["--mutate"]);
        let left = survivors(&outcome);
        (list(&outcome["mutation"]["equivalent"]).len(), left)
    };
    // What is red is not white.
    let (count, left) = equivalent(r#"when { resource.light == Light::"red" && resource.light != Light::"white" }"#);
    assert_eq!(count, 1, "{left:?}");
    assert!(
        !left.contains(&r#"HB-RED-01 conjunct dropped: resource.light != Light::"white" => true"#.to_owned()),
        "{left:?}"
    );
    // Shorter than three is shorter than nine.
    let (count, left) = equivalent("when { resource.length < 3 && resource.length < 9 && resource.owner.active }");
    assert_eq!(count, 4, "{left:?}");
    // The same with something between that has nothing to do with it, and in `unless`.
    let (count, left) = equivalent(
        "when { resource.owner.active } unless { resource.length < 3 || resource.length < 9 || resource.owner.domain == \"x\" }",
    );
    assert_eq!(count, 4, "{left:?}");
    // What may fail to be read stands between, and is read or not.
    let between = "unless { resource.length < 3 || resource.owner.domain == \"x\" || resource.length < 9 }";
    let (count, left) = equivalent(&format!("when {{ resource.owner.active }} {between}"));
    assert_eq!(count, 0, "{left:?}");
    // Nothing here is too much.
    let (count, left) =
        equivalent("when { resource.length < 30 && resource.owner.active } unless { resource.length > 9 }");
    assert_eq!(count, 0, "{left:?}");
}

#[test]
fn what_is_known_in_part_may_tell_conditions_apart() {
    let equivalent = |ty: &str, clauses: &str| {
        let policies = redundant(clauses).replace("resource is Boat", &format!("resource is {ty}"));
        let derivation = "@id(\"boats\") @derives(\"boats\")\npermit (principal is Boat, action == Action::\"derive\", resource is Pier) when { principal in resource };\n";
        let policies = if ty == "Pier" { format!("{derivation}{policies}") } else { policies };
        let cases =
            "[[case]]\nname = \"nothing\"\nset = { \"/piers\" = [] }\nexpect = { \"HB-RED-01\" = \"not_judged\" }\n";
        let outcome = run_json(&policies, cases, &[], &["--mutate"]);
        let line = |change: &Value| format!("{} => {}", text(&change["before"]), text(&change["after"]));
        list(&outcome["mutation"]["equivalent"]).iter().map(line).collect::<Vec<_>>()
    };
    // Of five boats or more it is known that they are not fewer than three, and not asked whether they are one or two.
    let found = equivalent("Pier", "when { [1, 2].contains(resource.boats) && resource.boats < 3 }");
    assert!(!found.contains(&"resource.boats < 3 => true".to_owned()), "{found:?}");
    // A count is never as low as that, and what is never so is not always so.
    let found = equivalent("Pier", "when { resource.boats < -5 }");
    assert!(!found.is_empty() && !found.iter().any(|change| change.contains("=> !(")), "{found:?}");
    // A light that nobody captured is one of three, and the set of all three is not asked for it.
    let all = "[Light::\"red\", Light::\"green\", Light::\"white\"].contains(resource.light)";
    let found = equivalent("Boat", &format!("when {{ {all} || true }} when {{ {all} }}"));
    assert!(!found.contains(&format!("when {{ {all} }} => when {{ true }}")), "{found:?}");
}

#[test]
fn what_a_comment_says_is_not_changed() {
    let policy = redundant(
        "when { resource.pier.flags.containsAll( // containsAll is meant\n [\"a\", \"b\"]) && resource.owner.domain // \"*\"\n like \"a*\" }",
    );
    let cases =
        "[[case]]\nname = \"nothing\"\nset = { \"/piers\" = [] }\nexpect = { \"HB-RED-01\" = \"not_judged\" }\n";
    let outcome = run_json(&policy, cases, &[], &["--mutate"]);
    assert_eq!(outcome["mutation"]["equivalent"], Value::Array(Vec::new()));
    let found = survivors(&outcome);
    for expected in [
        "all or any: resource.pier.flags.containsAll( [\"a\", \"b\"]) => resource.pier.flags.containsAny( [\"a\", \"b\"])",
        "wildcard dropped: resource.owner.domain like \"a*\" => resource.owner.domain like \"a\"",
    ] {
        assert!(found.contains(&format!("HB-RED-01 {expected}")), "{found:#?}");
    }
}

#[test]
fn blanks_in_a_string_tell_one_survivor_from_another() {
    let policy = redundant(
        "when { resource.name == \"a  b\" && resource.length > 3 } when { resource.name == \"a b\" && resource.length > 3 }",
    );
    let cases =
        "[[case]]\nname = \"nothing\"\nset = { \"/piers\" = [] }\nexpect = { \"HB-RED-01\" = \"not_judged\" }\n";
    let list =
        "[[survivor]]\npolicy = \"HB-RED-01\"\nbefore = 'resource.name == \"a  b\"'\nafter = \"true\"\nwhy = \"c\"\n";
    let outcome = run_json(&policy, cases, &[("policies/survivors.toml", list)], &["--mutate"]);
    let survivors = self::list(&outcome["mutation"]["survivors"]).iter();
    let explained: Vec<&Value> =
        survivors.filter(|survivor| !survivor["explained"].is_null()).map(|survivor| &survivor["before"]).collect();
    assert_eq!(explained, ["resource.name == \"a  b\""]);
}

#[test]
fn a_gate_that_has_nothing_to_count_is_missed() {
    let cases = "[[case]]\nname = \"only others\"\nno_other_failures = true\n";
    let named = ["policies/harbour.test.toml", "--min-coverage", "100", "--min-score", "95"];
    let outcome = run_json(&length_policy(), cases, &[], &named);
    assert_eq!(
        messages(&outcome),
        [
            "error min-coverage: coverage cannot be held to 100 %, because there is nothing to count",
            "error min-score: the mutation score cannot be held to 95 %, because there is nothing to count",
        ]
    );
    assert_eq!(outcome["exit_code"], 1);
    let outcome = run_json(&length_policy(), cases, &[], &["--filter", "only*", "--min-coverage", "1"]);
    assert_eq!(outcome["exit_code"], 1);
}

#[test]
fn survivors_are_explained_beside_policies_that_have_their_cases_elsewhere() {
    let list = "[[survivor]]\npolicy = \"HB-LEN-01\"\nbefore = \"resource.length <= resource.pier.length\"\nafter = \"resource.length < resource.pier.length\"\nwhy = \"No boat fits to the metre.\"\n";
    let (policies, cases) = (length_policy(), format!("{HEAD}{LENGTH}"));
    let files: [(&str, &[u8]); 5] = [
        ("harbour.cedarschema", SCHEMA.as_bytes()),
        ("policies/harbour.cedar", policies.as_bytes()),
        ("policies/survivors.toml", list.as_bytes()),
        ("cases/harbour.test.toml", cases.as_bytes()),
        ("snapshot.json", SOUND.as_bytes()),
    ];
    let arguments =
        ["test", "--schema", "harbour.cedarschema", "--policies", "policies/harbour.cedar", "cases", "--strict"];
    let run = support::deodar(&files, &[&arguments[..], &["--mutate", "--format", "json"]].concat());
    assert_eq!(json(&run)["mutation"]["survivors"][0]["explained"], "No boat fits to the metre.");
    assert_eq!(run.code, 0, "{run:?}");
}

#[test]
fn a_derivation_is_changed_with_the_checks_that_rest_on_it() {
    let start = POLICIES.find("@id(\"HB-AGE-01\")").expect("it is there");
    let end = POLICIES.find("@id(\"HB-PIER-01\")").expect("it is there");
    let policies = format!("{}{}", &POLICIES[..start], &POLICIES[end..]);
    let crowded =
        "[[case]]\nname = \"crowded\"\nparameters = { max_boats = 1 }\nexpect = { \"HB-PIER-01 Pier\" = \"fail\" }\n";
    let more = "\n[[case]]\nname = \"a boat elsewhere\"\nparameters = { max_boats = 1 }\nappend = { \"/piers\" = { id = \"west\", length = 9, flags = [], boats = [] } }\nexpect = { \"HB-PIER-01 Pier west\" = \"pass\", \"HB-PIER-01 Pier east\" = \"fail\" }\n
[[case]]\nname = \"as it is\"\nexpect = { \"HB-PIER-01 Pier\" = \"pass\" }\n";
    let weak = run_json(&policies, crowded, &[], &["--mutate"]);
    expect![[r#"
        HB-PIER-01 unless dropped: unless { resource.boats <= context.parameters.max_boats } => unless { false }
        HB-PIER-01 boundary: resource.boats <= context.parameters.max_boats => resource.boats < context.parameters.max_boats
        boats when dropped: when { principal in resource } => when { true }"#]].assert_eq(&survivors(&weak).join("\n"));
    let strong = run_json(&policies, &format!("{crowded}{more}"), &[], &["--mutate"]);
    assert_eq!(survivors(&strong), [""; 0]);
}

#[test]
fn a_snapshot_that_cannot_be_judged_leaves_nothing_to_count() {
    let broken = edited("\"piers\": [", "\"piers\": [,");
    let policies = length_policy();
    let cases = format!("{HEAD}{LENGTH}");
    let files: [(&str, &[u8]); 4] = [
        ("harbour.cedarschema", SCHEMA.as_bytes()),
        ("policies/harbour.cedar", policies.as_bytes()),
        ("policies/harbour.test.toml", cases.as_bytes()),
        ("snapshot.json", broken.as_bytes()),
    ];
    let pack = [
        "test",
        "--schema",
        "harbour.cedarschema",
        "--policies",
        "policies",
        "--min-coverage",
        "1",
        "--min-score",
        "1",
    ];
    let run = support::deodar(&files, &pack);
    assert!(matches!(run.code, 1 | 5), "{run:?}");
    assert!(!run.stdout.contains("100.0 %"), "{run:?}");
}

#[test]
fn of_a_long_set_only_the_element_is_shown() {
    let listed: Vec<String> = (0..60).map(|at| format!("\"id-{at}\"")).collect();
    let clauses = format!("when {{ [{}].contains(resource.name) }}", listed.join(", "));
    let cases =
        "[[case]]\nname = \"nothing\"\nset = { \"/piers\" = [] }\nexpect = { \"HB-RED-01\" = \"not_judged\" }\n";
    let outcome = run_json(&redundant(&clauses), cases, &[], &["--mutate"]);
    let left = survivors(&outcome);
    assert!(left.contains(&r#"HB-RED-01 element dropped: "id-7" => "id-6""#.to_owned()), "{left:?}");
    assert_eq!(left.iter().filter(|line| line.len() > 400).count(), 2, "{left:?}");
}

/// Conditions whose answers the types settle, wholly or behind another condition.
const SETTLED: &str = r#"@id("HB-SET-01")
@title("t")
@severity("low")
forbid (principal, action == Action::"audit", resource is Boat)
when { resource in principal && resource.length > 30 };

@id("HB-SET-02")
@title("t")
@severity("low")
forbid (principal, action == Action::"audit", resource)
when { resource is Boat && resource.length > 30 }
unless { principal in resource };
"#;

#[test]
fn conditions_that_the_types_settle_are_not_demanded_and_are_redundant() {
    let cases = r#"[[case]]
name = "as it is"
expect = { "HB-SET-01 Boat" = "pass", "HB-SET-02 Boat" = "not_applicable" }

[[case]]
name = "long"
set = { "/piers/0/boats/0/length" = 31 }
expect = { "HB-SET-01 Boat east/Tern" = "fail", "HB-SET-02 Boat east/Tern" = "fail" }

[[case]]
name = "just as long"
set = { "/piers/0/boats/0/length" = 30 }
expect = { "HB-SET-01 Boat east/Tern" = "pass", "HB-SET-02 Boat east/Tern" = "not_applicable" }

[[case]]
name = "nobody knows"
null = "/piers/0/boats/0/length"
expect = { "HB-SET-01 Boat east/Tern" = "unknown", "HB-SET-02 Boat east/Tern" = "unknown" }
"#;
    let outcome = run_json(SETTLED, cases, &[], &["--coverage", "--mutate"]);
    let conditions = list(&outcome["coverage"]["policies"]).iter().flat_map(|policy| list(&policy["conditions"]));
    let shown: Vec<String> = conditions
        .map(|condition| format!("{}: {} {}", text(&condition["text"]), condition["redundant"], condition["seen"]))
        .collect();
    expect![[r#"
        resource in principal: "always true" {}
        resource.length > 30: null {"true":true,"false":true,"unknown":true,"decided":true}
        resource.length > 30: null {"true":true,"false":true,"unknown":true,"decided":true}
        principal in resource: "always false" {}"#]]
    .assert_eq(&shown.join("\n"));
    let equivalent = list(&outcome["mutation"]["equivalent"]).iter();
    let equivalent: Vec<String> = equivalent
        .map(|change| format!("{} {}: {}", text(&change["policy"]), text(&change["operator"]), text(&change["before"])))
        .collect();
    expect![[r#"
        HB-SET-01 conjunct dropped: resource in principal
        HB-SET-02 unless dropped: unless { principal in resource }"#]]
    .assert_eq(&equivalent.join("\n"));
    let run = test(SETTLED, cases, &[], &["--coverage", "--mutate"]);
    let lines: Vec<&str> = run.stdout.lines().map(str::trim).filter(|line| line.starts_with("redundant")).collect();
    expect![[r#"
        redundant condition of `HB-SET-01`: `resource in principal` is always true  (policies/harbour.cedar:5:8)
        redundant condition of `HB-SET-02`: `principal in resource` is always false  (policies/harbour.cedar:12:10)"#]]
    .assert_eq(&lines.join("\n"));
}

#[test]
fn hints_about_products_name_values_that_products_have() {
    let cases =
        "[[case]]\nname = \"nothing\"\nset = { \"/piers\" = [] }\nexpect = { \"HB-RED-01\" = \"not_judged\" }\n";
    let hints = |clause: &str| -> Vec<String> {
        let outcome = run_json(&redundant(clause), cases, &[], &["--mutate"]);
        let numeric = list(&outcome["mutation"]["survivors"]).iter();
        let numeric = numeric.filter(|survivor| ["number", "boundary"].contains(&text(&survivor["operator"]).as_str()));
        numeric.map(|survivor| format!("{}: {}", text(&survivor["after"]), text(&survivor["hint"]))).collect()
    };
    expect![[r#"
        resource.length * 101 >= 150: a case whose verdict differs with 101 instead of 100
        resource.length * 99 >= 150: a case whose verdict differs with 99 instead of 100"#]]
    .assert_eq(&hints("when { resource.length * 100 >= 150 }").join("\n"));
    expect![[r#"
        resource.length * 1 >= 40: a case whose verdict differs with 1 instead of 2
        resource.length * 3 >= 40: a case whose verdict differs with 3 instead of 2
        resource.length * 2 > 40: a case in which `resource.length * 2` equals `40`
        resource.length * 2 >= 41: a case in which `resource.length * 2` is 40"#]]
    .assert_eq(&hints("when { resource.length * 2 >= 40 }").join("\n"));
}
