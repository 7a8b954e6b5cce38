//! Derivations that count different values.

use crate::support::{NOW, Run, deodar};
use expect_test::{Expect, expect};

const SCHEMA: &str = r#"@path("") entity Account = { @derived owners: Long };
@path("/keys/*") @key("id") entity Key in [Account] = { owner: String, team?: String, live: Bool, tags: Set<String> };
action "audit" appliesTo { principal: [Account], resource: [Account, Key], context: {} };
action "derive" appliesTo { principal: [Key], resource: [Account], context: {} };
"#;

const POLICIES: &str = r#"@id("owners") @derives("owners") @distinct("owner")
permit (principal is Key, action == Action::"derive", resource is Account)
when { principal in resource && principal.live };
@id("FEW") @title("Few people have keys") @severity("high")
forbid (principal, action == Action::"audit", resource is Account)
unless { resource.owners <= 2 };
"#;

fn run(policies: &str, keys: &str, arguments: &[&str]) -> Run {
    let snapshot = format!(r#"{{"keys": {keys}}}"#);
    let files =
        [("s.cedarschema", SCHEMA.as_bytes()), ("p.cedar", policies.as_bytes()), ("a.json", snapshot.as_bytes())];
    deodar(&files, &[arguments, &["--schema", "s.cedarschema", "--policies", "p.cedar"]].concat())
}

/// The verdicts, values and problems of a run.
fn found(policies: &str, keys: &str, arguments: &[&str]) -> String {
    let report =
        run(policies, keys, &[&["check", "a.json", "--now", NOW, "--format", "json"], arguments].concat()).json();
    let found = report["findings"].as_array().expect("a list").iter();
    let found = found.map(|found| format!("{}: {} {}\n", found["verdict"], found["message"], found["capture"]));
    let wrong = report["diagnostics"].as_array().expect("a list").iter();
    let wrong = wrong.map(|found| format!("{}: {}\n", found["code"], found["message"]));
    found.chain(wrong).collect::<String>().replace('"', "")
}

/// Compares the result for keys with these owners; `-` is a key that is not live, `?` an unknown owner.
#[track_caller]
fn check(owners: &[&str], expected: Expect) {
    let key = |(at, owner): (usize, &&str)| {
        let live = !owner.starts_with('-');
        let owner = if *owner == "?" { "null".to_owned() } else { format!("{owner:?}") };
        format!(r#"{{"id": {at}, "owner": {owner}, "live": {live}, "tags": []}}"#)
    };
    let keys: Vec<String> = owners.iter().enumerate().map(key).collect();
    let keys = format!("[{}]", keys.join(", "));
    let own = found(POLICIES, &keys, &[]);
    let other = found(POLICIES, &keys, &["--engine", "reference"]);
    assert!(own == other || other.starts_with("unknown"), "{own}{other}");
    expected.assert_eq(&own);
}

#[test]
fn equal_values_count_once() {
    check(&["ann", "bob", "ann", "ann", "-eve"], expect![[""]]);
    check(
        &["ann", "bob", "ann", "eve"],
        expect![[r#"
        fail: owners is 3 null
    "#]],
    );
    check(&[], expect![[""]]);
}

#[test]
fn an_unknown_value_may_be_any() {
    check(&["ann", "ann", "?"], expect![[""]]);
    check(
        &["ann", "bob", "?"],
        expect![[r#"
        unknown: owners is 2 to 3, as far as was captured [{pointer:/keys/2/owner,attribute:Key.owner,doc:null}]
    "#]],
    );
    check(
        &["ann", "bob", "eve", "?"],
        expect![[r#"
        fail: owners is 3 to 4, as far as was captured null
    "#]],
    );
}

#[test]
fn a_principal_without_the_value_does_not_count() {
    let policies = POLICIES.replace("\"owner\"", "\"team\"").replace("<= 2", "== 1");
    let keys = r#"[{"id": 1, "owner": "a", "live": true, "team": "x", "tags": []}, {"id": 2, "owner": "a", "live": true, "tags": []}]"#;
    expect![[""]].assert_eq(&found(&policies, keys, &[]));
}

#[test]
fn the_catalogue_has_words_for_it() {
    let text = run(POLICIES, "[]", &["doc"]).stdout;
    let line = text.lines().find(|line| line.contains("different"));
    expect![
        "* `owners` of the account is the number of different values of `owner` of keys for which all of these hold:"
    ]
    .assert_eq(line.unwrap_or(&text));
}

#[test]
fn a_value_that_cannot_be_counted_is_refused() {
    let refused = |from: &str, to: &str| found(&POLICIES.replace(from, to), "[]", &[]);
    expect![[r#"
        derivation-target: `Key` has no single value `owners` in the snapshot
        check-not-run: `FEW` is not run: it needs `Account.owners`, whose derivation `owners` is invalid
    "#]]
    .assert_eq(&refused("\"owner\"", "\"owners\""));
    expect![[r#"
        derivation-target: `Key` has no single value `tags` in the snapshot
        check-not-run: `FEW` is not run: it needs `Account.owners`, whose derivation `owners` is invalid
    "#]]
    .assert_eq(&refused("\"owner\"", "\"tags\""));
    expect![[r#"
        derivation-target: `@distinct` counts values of the principals that a `permit` adds
        check-not-run: `FEW` is not run: it needs `Account.owners`, whose derivation `owners` is invalid
    "#]]
    .assert_eq(&refused("permit (principal is Key", "forbid (principal is Key"));
    let both = format!(
        "{POLICIES}{}",
        POLICIES
            .split("@id(\"FEW")
            .next()
            .unwrap_or_default()
            .replace("@distinct(\"owner\")", "")
            .replace("\"owners\") @d", "\"more\") @d")
    );
    expect![[r#"
        check-not-run: `FEW` is not run: it needs `Account.owners`, whose derivation `more` is invalid
        derivation-target: `owners` counts principals in one derivation and values in another
    "#]]
    .assert_eq(&found(&both, "[]", &[]));
}
