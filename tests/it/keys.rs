//! Ids of several properties: alternatives, and parts of one id.

use crate::support::{NOW, Run, deodar};
use expect_test::{Expect, expect};

fn run(key: &str, list: &str, arguments: &[&str]) -> Run {
    let schema = format!(
        r#"@path("") entity Account = {{}};
@path("/hosts/*") @key({key:?}) entity Host in [Account] = {{ up: Bool, peer?: Host }};
action "audit" appliesTo {{ principal: [Account], resource: [Account, Host], context: {{}} }};
"#
    );
    let policies = r#"@id("UP") @title("Hosts are up") @severity("high")
forbid (principal, action == Action::"audit", resource is Host) unless { resource.up };
@id("PEER") @title("Peers are up") @severity("low")
forbid (principal, action == Action::"audit", resource is Host) when { resource has peer } unless { resource.peer.up };
"#;
    let snapshot = format!(r#"{{"hosts": {list}}}"#);
    let files =
        [("s.cedarschema", schema.as_bytes()), ("p.cedar", policies.as_bytes()), ("a.json", snapshot.as_bytes())];
    deodar(&files, &[arguments, &["--schema", "s.cedarschema", "--policies", "p.cedar"]].concat())
}

/// Compares the verdicts by id, and the diagnostics.
#[track_caller]
fn check(key: &str, list: &str, expected: Expect) {
    let run = run(key, list, &["check", "a.json", "--now", NOW, "--format", "json", "--verdicts", "all"]);
    let report = run.json();
    let found = report["findings"].as_array().expect("a list").iter();
    let found = found.map(|found| format!("{} {}: {}\n", found["check"], found["resource"]["id"], found["verdict"]));
    let wrong = report["diagnostics"].as_array().expect("a list").iter();
    let wrong = wrong.map(|found| format!("{}: {}\n", found["code"], found["message"]));
    expected.assert_eq(&found.chain(wrong).collect::<String>().replace('"', ""));
}

#[test]
fn the_first_property_that_is_present_is_the_id() {
    let list = r#"[{"id": "a", "name": "x", "up": true, "peer": "y"}, {"name": "y", "up": false}, {"id": null, "name": "z", "up": true},
      {"id": "", "name": "v", "up": false}, {"id": [], "name": "w", "up": true}, {"id": " ", "up": true}, {"up": true}]"#;
    check(
        "id, name",
        list,
        expect![[r#"
        UP y: fail
        UP v: fail
        PEER a: fail
        snapshot-key: `Host` has an unreadable `id`, which is its id
        snapshot-key: `Host` has an empty `id`, which is its id
        snapshot-key: `Host` has no `id`, which is its id
    "#]],
    );
}

#[test]
fn one_id_by_two_properties_is_given_twice() {
    check(
        "id, name",
        r#"[{"id": "a", "up": true}, {"name": "a", "up": true}]"#,
        expect![[r#"
        UP a: unknown
        PEER a: unknown
        snapshot-duplicate-id: two instances of Host have the id `a`
    "#]],
    );
}

#[test]
fn an_id_consists_of_all_properties() {
    let list = r#"[{"region": "eu", "name": "a/b", "up": true, "peer": "eu/a/b"}, {"region": "eu/a", "name": "b", "up": false, "peer": "eu/a~1b"},
      {"region": "u~s", "name": 7, "up": true}, {"region": "eu", "up": true}, {"name": "x", "up": true}]"#;
    check(
        "region + name",
        list,
        expect![[r#"
            UP eu~1a/b: fail
            PEER eu/a~1b: unknown
            snapshot-key: `Host` has no `name`, which is part of its id
            snapshot-key: `Host` has no `region`, which is part of its id
        "#]],
    );
}

#[test]
fn a_map_is_one_of_instances_by_any_of_the_properties() {
    check(
        "id, name",
        r#"{"p": {"name": "a", "up": false}, "q": {"id": "b", "up": true}}"#,
        expect![[r#"
        UP a: fail
    "#]],
    );
    check(
        "id, name",
        r#"{"error": "forbidden"}"#,
        expect![[r#"
        UP *: unknown
        PEER *: unknown
        snapshot-type: expected a list at `/hosts`, found an object that is not a map of instances
    "#]],
    );
}

#[test]
fn a_key_that_is_not_possible_is_refused() {
    check(
        "id, name + x",
        "[]",
        expect![[r#"
        schema-path: `@key` has both `,` and `+`
    "#]],
    );
    check(
        "id, id",
        "[]",
        expect![[r#"
        schema-path: `@key` names `id` twice
    "#]],
    );
    check(
        "id,",
        "[]",
        expect![[r#"
        schema-path: `@key` names an empty property
    "#]],
    );
}
