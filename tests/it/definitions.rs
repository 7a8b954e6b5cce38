//! Named conditions: derivations of the resource alone. Findings look through them.

use crate::support::{NOW, Run, deodar};
use expect_test::{Expect, expect};

const SCHEMA: &str = r#"@path("") entity Account = {};
@path("/members/*") @key("id") entity Member in [Account] = {
  joined: Bool, suspended: Bool, mfa: Bool, keys: Long, @doc("Whether the member uses the account.") @derived is_active: Bool,
  @derived is_safe: Bool, @derived active_peers: Long, boss?: Member,
};
type Context = { now: datetime };
action "audit" appliesTo { principal: [Account], resource: [Account, Member], context: Context };
action "derive" appliesTo { principal: [Member], resource: [Member], context: Context };
"#;

const DEFINITIONS: &str = r#"@id("active") @derives("is_active")
permit (principal, action == Action::"derive", resource is Member)
when { resource.joined && !resource.suspended };
@id("safe") @derives("is_safe")
permit (principal, action == Action::"derive", resource is Member)
when { !resource.is_active || resource.mfa };
@id("peers") @derives("active_peers")
permit (principal is Member, action == Action::"derive", resource is Member)
when { principal.keys == resource.keys && principal.is_active };
"#;

const CHECKS: &str = r#"@id("SAFE") @title("Active members are safe") @severity("high")
forbid (principal, action == Action::"audit", resource is Member)
unless { resource.is_safe };
@id("KEYS") @title("Only active members have keys") @severity("low")
forbid (principal, action == Action::"audit", resource is Member)
when { resource.keys > 0 } unless { resource.is_active };
@id("BOSS") @title("The boss is active") @severity("low")
forbid (principal, action == Action::"audit", resource is Member)
when { resource has boss } unless { resource.boss.is_active };
@id("PEERS") @title("No active peers") @severity("low")
forbid (principal, action == Action::"audit", resource is Member)
unless { resource.active_peers <= 1 };
"#;

const CASES: &str = r#"base = "../a.json"
now = "2026-01-01T00:00:00Z"
[[case]]
name = "as it is"
expect = { "SAFE Member ann" = { verdict = "fail", reads = "/members/0/mfa", clause = "resource.mfa" } }
"#;

const SNAPSHOT: &str = r#"{"members": [
  {"id": "ann", "joined": true, "suspended": false, "mfa": false, "keys": 1},
  {"id": "bob", "joined": false, "suspended": true, "mfa": true, "keys": 2, "boss": "ann"},
  {"id": "eve", "joined": true, "suspended": null, "mfa": true, "keys": 1, "boss": "bob"}
]}"#;

fn run_on(snapshot: &str, definitions: &str, arguments: &[&str]) -> Run {
    let files = [
        ("s.cedarschema", SCHEMA.as_bytes()),
        ("p/checks.cedar", CHECKS.as_bytes()),
        ("p/checks.test.toml", CASES.as_bytes()),
        ("p/definitions.cedar", definitions.as_bytes()),
        ("a.json", snapshot.as_bytes()),
    ];
    deodar(&files, &[arguments, &["--schema", "s.cedarschema", "--policies", "p"]].concat())
}

fn run_with(definitions: &str, arguments: &[&str]) -> Run {
    run_on(SNAPSHOT, definitions, arguments)
}

fn run(arguments: &[&str]) -> Run {
    run_with(DEFINITIONS, arguments)
}

#[test]
fn a_finding_shows_the_clauses_of_the_definition() {
    let report = run(&["check", "a.json", "--now", NOW, "--format", "json"]).json();
    let found = report["findings"].as_array().expect("a list").iter().map(|found| {
        let clauses = found["clauses"].as_array().expect("a list").iter().map(|clause| {
            let reads: Vec<String> =
                clause["reads"].as_array().into_iter().flatten().map(|read| read["pointer"].to_string()).collect();
            format!("\n  {} {}: {} {}", clause["span"]["file"], clause["text"], clause["outcome"], reads.join(" "))
                .replace('"', "")
        });
        let clauses: String = clauses.collect();
        format!("{} {} {}: {}{clauses}", found["check"], found["resource"]["id"], found["verdict"], found["message"])
            .replace('"', "")
    });
    let found: Vec<String> = found.collect();
    expect![[r#"
        SAFE ann fail: mfa is false, suspended is false, joined is true
          p/checks.cedar resource.is_safe: false 
          p/definitions.cedar resource.is_active: true 
          p/definitions.cedar resource.mfa: false /members/0/mfa
          p/definitions.cedar resource.joined: true /members/0/joined
          p/definitions.cedar resource.suspended: false /members/0/suspended
        BOSS eve fail: boss is \bob\, joined of Member::\bob\ is false, suspended of Member::\bob\ is true
          p/checks.cedar resource has boss: true /members/2/boss
          p/checks.cedar resource.boss.is_active: false /members/2/boss
          p/definitions.cedar resource.joined: false /members/1/joined
          p/definitions.cedar resource.suspended: true /members/1/suspended
        KEYS bob fail: joined is false, suspended is true, keys is 2
          p/checks.cedar resource.keys > 0: true /members/1/keys
          p/checks.cedar resource.is_active: false 
          p/definitions.cedar resource.joined: false /members/1/joined
          p/definitions.cedar resource.suspended: true /members/1/suspended
        KEYS eve unknown: suspended was not captured
          p/checks.cedar resource.is_active: unknown 
          p/definitions.cedar resource.suspended: unknown /members/2/suspended
        PEERS ann unknown: active_peers is 1 to 2, as far as was captured
          p/checks.cedar resource.active_peers <= 1: unknown /members/0
        PEERS eve unknown: active_peers is 1 to 2, as far as was captured
          p/checks.cedar resource.active_peers <= 1: unknown /members/2"#]]
    .assert_eq(&found.join("\n"));
}

#[test]
fn the_text_has_an_excerpt_of_the_definition() {
    let text = run(&["check", "a.json", "--now", NOW, "--style", "full", "--only", "KEYS"]).stdout;
    expect![[r#"
        KEYS · low · fail · 14e91a41

          × Only active members have keys
          │ Member bob
           ╭─[p/checks.cedar:6:8]
         5 │ forbid (principal, action == Action::"audit", resource is Member)
         6 │ when { resource.keys > 0 } unless { resource.is_active };
           ·        ────────┬────────            ─────────┬────────
           ·                │                             ╰── this is false
           ·                ╰── this is true
         7 │ @id("BOSS") @title("The boss is active") @severity("low")
           ╰────

          ☞ the condition has a definition in another file
           ╭─[p/definitions.cedar:3:8]
         2 │ permit (principal, action == Action::"derive", resource is Member)
         3 │ when { resource.joined && !resource.suspended };
           ·        ───────┬───────     ─────────┬────────
           ·               │                     ╰── this is also true
           ·               ╰── this is false
         4 │ @id("safe") @derives("is_safe")
           ╰────

          ☞ joined is false, suspended is true, keys is 2
           ╭─[a.json:3:27]
         2 │   {"id": "ann", "joined": true, "suspended": false, "mfa": false, "keys": 1},
         3 │   {"id": "bob", "joined": false, "suspended": true, "mfa": true, "keys": 2, "boss": "ann"},
           ·                           ──┬──               ──┬─                       ┬
           ·                             │                   │                        ╰── keys is 2
           ·                             │                   ╰── suspended is true
           ·                             ╰── joined is false
         4 │   {"id": "eve", "joined": true, "suspended": null, "mfa": true, "keys": 1, "boss": "bob"}
           ╰────

        KEYS · low · unknown · bfe1ad71

          ⚠ Only active members have keys
          │ Member eve
           ╭─[p/checks.cedar:6:37]
         5 │ forbid (principal, action == Action::"audit", resource is Member)
         6 │ when { resource.keys > 0 } unless { resource.is_active };
           ·                                     ─────────┬────────
           ·                                              ╰── undetermined
         7 │ @id("BOSS") @title("The boss is active") @severity("low")
           ╰────

          ☞ the condition has a definition in another file
           ╭─[p/definitions.cedar:3:28]
         2 │ permit (principal, action == Action::"derive", resource is Member)
         3 │ when { resource.joined && !resource.suspended };
           ·                            ─────────┬────────
           ·                                     ╰── undetermined
         4 │ @id("safe") @derives("is_safe")
           ╰────

          ☞ suspended was not captured
           ╭─[a.json:4:46]
         3 │   {"id": "bob", "joined": false, "suspended": true, "mfa": true, "keys": 2, "boss": "ann"},
         4 │   {"id": "eve", "joined": true, "suspended": null, "mfa": true, "keys": 1, "boss": "bob"}
           ·                                              ──┬─
           ·                                                ╰── suspended was not captured
         5 │ ]}
           ╰────
          help: capture Member.suspended at /members/2/suspended

    "#]]
    .assert_eq(text.split("    check ").next().unwrap_or_default());
}

#[test]
fn both_engines_agree_on_a_complete_snapshot() {
    let complete = SNAPSHOT.replace("null", "false");
    let counts = |arguments: &[&str]| {
        let run = run_on(
            &complete,
            DEFINITIONS,
            &[&["check", "a.json", "--now", NOW, "--format", "json"], arguments].concat(),
        );
        run.json()["checks"].clone()
    };
    assert_eq!(counts(&["--engine", "reference"]), counts(&[]));
}

#[track_caller]
fn part(arguments: &[&str], from: &str, to: &str, expected: Expect) {
    let text = run(arguments).stdout;
    let (_, rest) = text.split_once(from).unwrap_or_else(|| panic!("{text}"));
    expected.assert_eq(&format!("{from}{}", rest.split(to).next().unwrap_or_default()));
}

#[test]
fn explain_and_the_catalogue_show_the_definition() {
    part(
        &["explain", "SAFE"],
        "p/checks.cedar",
        "\0",
        expect![[r#"
        p/checks.cedar
        │ @id("SAFE") @title("Active members are safe") @severity("high")
        │ forbid (principal, action == Action::"audit", resource is Member)
        │ unless { resource.is_safe };

        p/definitions.cedar
        │ @id("active") @derives("is_active")
        │ permit (principal, action == Action::"derive", resource is Member)
        │ when { resource.joined && !resource.suspended };

        p/definitions.cedar
        │ @id("safe") @derives("is_safe")
        │ permit (principal, action == Action::"derive", resource is Member)
        │ when { !resource.is_active || resource.mfa };

        Derived attributes it reads
          Member.is_active, from active
          Member.is_safe, from safe

        Values it reads
          Member.joined at /members/*/joined
          Member.mfa at /members/*/mfa
          Member.suspended at /members/*/suspended
    "#]],
    );
    part(
        &["doc"],
        "### SAFE",
        "\n### ",
        expect![[r#"
        ### SAFE: Active members are safe

        **Severity:** high. **Judges:** every member.

        **Applies** always.

        **Complies when** `is_safe` is true.

        **Derived values:**

        * `is_safe` of the member is whether this is true:
          * at least one of these holds:
            * it is not the case that the member uses the account (`is_active` of this member)
            * `mfa` of this member is true
        * `is_active` of the member: Whether the member uses the account. That is whether this is true:
          * all of these hold:
            * `joined` of this member is true
            * `suspended` of this member is false

        **Read from the snapshot:**

        * Member, `/members/*`
          * `joined`, `/members/*/joined`
          * `mfa`, `/members/*/mfa`
          * `suspended`, `/members/*/suspended`

        **Policy:** `SAFE` in `p/checks.cedar`. **Derivations:** `safe` and `active` in `p/definitions.cedar`.

        ## Controls
    "#]],
    );
}

#[test]
fn coverage_and_mutation_include_definitions() {
    let outcome = run(&["test", "p", "--coverage", "--mutate", "--format", "json"]).json();
    let ids = |list: &serde_json::Value, key: &str| {
        let all = list.as_array().expect("a list").iter().map(|it| it[key].to_string());
        all.collect::<std::collections::BTreeSet<String>>().into_iter().collect::<Vec<_>>().join(" ")
    };
    expect![[r#""BOSS" "KEYS" "PEERS" "SAFE" "active" "peers" "safe""#]]
        .assert_eq(&ids(&outcome["coverage"]["policies"], "policy"));
    expect![[r#""BOSS" "KEYS" "PEERS" "active" "peers" "safe""#]]
        .assert_eq(&ids(&outcome["mutation"]["survivors"], "policy"));
}

/// The errors of a pack with other definitions.
#[track_caller]
fn refused(from: &str, to: &str, expected: Expect) {
    assert!(DEFINITIONS.contains(from));
    let report = run_with(&DEFINITIONS.replace(from, to), &["check", "a.json", "--format", "json"]).json();
    let found = report["diagnostics"].as_array().expect("a list").iter();
    let shown: Vec<String> = found
        .map(|found| format!("{}: {} ({})", found["code"], found["message"], found["help"]).replace('"', ""))
        .collect();
    expected.assert_eq(&shown.join("\n"));
}

#[test]
fn definitions_that_are_not_possible_are_refused() {
    refused(
        "resource.joined &&",
        "resource.is_safe &&",
        expect![[r#"
        check-not-run: `BOSS`, `KEYS`, `PEERS`, `SAFE` are not run: they need `Member.is_safe`, whose derivations need each other (null)
        check-not-run: `BOSS`, `KEYS`, `PEERS`, `SAFE` are not run: they need `Member.is_active`, whose derivations need each other (null)
        derivation-cycle: derived attributes need each other: `is_active`, `is_safe` (derive one of them from attributes that the snapshot contains)"#]],
    );
    refused(
        "@derives(\"is_active\")\npermit (principal, ",
        "@derives(\"active_peers\")\npermit (principal, ",
        expect![[r#"
            derivation-missing: nothing derives `Member.is_active`, which `BOSS`, `KEYS`, `PEERS`, `SAFE` need (write a `permit` for `derive` with @derives(\is_active\))
            check-not-run: `PEERS` is not run: it needs `Member.active_peers`, whose derivation `active` is invalid (null)
            derivation-target: `active_peers` is a Long, and a definition is true or false (write `principal is T` in the scope, or declare it as a Bool)"#]],
    );
    refused(
        "resource.joined &&",
        "principal in resource &&",
        expect![[r#"
        check-not-run: `BOSS`, `KEYS`, `PEERS`, `SAFE` are not run: they need `Member.is_active`, whose derivation `active` is invalid (null)
        derivation-scope: derivation `active` has no type for its principal (write `principal is T` in its scope)"#]],
    );
}

/// The derivation reads the condition of each principal.
#[test]
fn an_error_in_a_definition_is_found_through_derivations() {
    let fails = DEFINITIONS.replace("!resource.suspended", "resource.keys + 9223372036854775807 > 0");
    let check =
        |format: &str| run_with(&fails, &["check", "a.json", "--now", NOW, "--only", "PEERS", "--format", format]);
    let report = check("json").json();
    let finding = &report["findings"][0];
    let clauses =
        finding["clauses"].as_array().expect("a list").iter().map(|it| format!("{} {}", it["text"], it["outcome"]));
    expect![[r#"
        [
            "\"resource.active_peers <= 1\" \"unknown\"",
            "\"resource.keys + 9223372036854775807 > 0\" \"error\"",
        ]
    "#]]
    .assert_debug_eq(&clauses.collect::<Vec<_>>());
    assert_eq!(finding["clauses"][1]["span"]["file"], "p/definitions.cedar");
    assert_eq!(finding["clauses"][1]["reads"][0]["entity"], "Member::\"ann\"");
    let text = check("text").stdout;
    assert!(text.contains("\n  help: correct the value or the policy, then check again\n"), "{text}");
}
