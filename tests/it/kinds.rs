//! Lists whose elements are instances of several types.

use crate::support::{NOW, Run, deodar};
use expect_test::{Expect, expect};

/// The sign-in policies of an account: some are about passwords, some about single sign-on.
const SCHEMA: &str = r#"@path("") entity Account = { @derived sso: Long };
@path("/policies/*") @key("name") @where("kind = password") @unjudged("service")
entity PasswordPolicy in [Account] = { name: String, min_length: Long, fallback?: SsoPolicy };
@path("/policies/*") @key("name") @where("kind = saml, oidc")
entity SsoPolicy in [Account] = { name: String, days: Long };
@path("/policies/*/certificates/*") @key("serial")
entity Certificate in [SsoPolicy] = { serial: Long, active: Bool };
action "audit" appliesTo { principal: [Account], resource: [Account, PasswordPolicy, SsoPolicy, Certificate], context: {} };
action "derive" appliesTo { principal: [SsoPolicy], resource: [Account], context: {} };
"#;

const POLICIES: &str = r#"@id("sso") @derives("sso")
permit (principal is SsoPolicy, action == Action::"derive", resource is Account) when { principal in resource };
@id("ONE") @title("One policy is for single sign-on") @severity("high")
forbid (principal, action == Action::"audit", resource is Account) unless { resource.sso == 1 };
@id("LONG") @title("Passwords are long") @severity("high")
forbid (principal, action == Action::"audit", resource is PasswordPolicy) unless { resource.min_length >= 12 };
@id("CERT") @title("Certificates last") @severity("low")
forbid (principal, action == Action::"audit", resource is SsoPolicy) unless { resource.days > 30 };
@id("ACTIVE") @title("Certificates are active") @severity("low")
forbid (principal, action == Action::"audit", resource is Certificate) unless { resource.active };
"#;

fn run(schema: &str, policies: &str, snapshot: &str, arguments: &[&str]) -> Run {
    let files =
        [("s.cedarschema", schema.as_bytes()), ("p.cedar", policies.as_bytes()), ("a.json", snapshot.as_bytes())];
    deodar(&files, &[arguments, &["--schema", "s.cedarschema", "--policies", "p.cedar"]].concat())
}

/// Returns the verdicts that are not a pass, the diagnostics, and the exit code.
fn lines(run: &Run) -> Vec<String> {
    let report = run.json();
    let found = report["findings"].as_array().expect("a list").iter();
    let found = found.map(|found| format!("{} {}: {}", found["check"], found["resource"]["id"], found["verdict"]));
    let wrong = report["diagnostics"].as_array().expect("a list").iter();
    let wrong = wrong.map(|found| format!("{}: {}", found["code"], found["message"]));
    let lines = found.chain(wrong).chain([format!("exit {}", run.code)]);
    lines.map(|line| line.replace(['"', '\\'], "")).collect()
}

/// Compares the verdicts and the diagnostics of both engines.
#[track_caller]
fn check_by(schema: &str, policies: &str, snapshot: &str, expected: Expect) {
    let arguments = ["check", "a.json", "--now", NOW, "--format", "json"];
    let compiled = lines(&run(schema, policies, snapshot, &arguments));
    let reference = lines(&run(schema, policies, snapshot, &[&arguments[..], &["--engine", "reference"]].concat()));
    expected.assert_eq(&compiled.iter().map(|line| format!("{line}\n")).collect::<String>());
    assert_eq!(compiled, reference, "the engines agree");
}

#[track_caller]
fn check(policies: &str, expected: Expect) {
    check_by(SCHEMA, POLICIES, &format!(r#"{{"policies": {policies}}}"#), expected);
}

#[test]
fn an_element_is_an_instance_of_the_type_with_its_word() {
    check(
        r#"[{"name": "a", "kind": "password", "min_length": 8, "fallback": "b"}, {"name": "b", "kind": " SAML ", "days": 3},
          {"name": "c", "kind": "Service", "min_length": 1}]"#,
        expect![[r#"
            LONG a: fail
            CERT b: fail
            ACTIVE b/*: unknown
            exit 1
        "#]],
    );
    check(
        r#"[]"#,
        expect![[r#"
        ONE : fail
        exit 1
    "#]],
    );
    // The ids of the types are apart.
    check(
        r#"[{"name": "a", "kind": "password", "min_length": 12}, {"name": "a", "kind": "oidc", "days": 31}]"#,
        expect![[r#"
            ACTIVE a/*: unknown
            snapshot-duplicate-id: two elements of a list have the id `a` and differ in `kind`
            exit 4
        "#]],
    );
    check(
        r#"[{"name": "a", "kind": "password", "min_length": 12, "fallback": "c"}, {"name": "b", "kind": "oidc", "days": 31}]"#,
        expect![[r#"
            ACTIVE b/*: unknown
            exit 4
        "#]],
    );
}

#[test]
fn an_element_without_a_known_word_may_be_of_any_type() {
    for (element, expected) in [
        (
            r#"{"name": "a", "min_length": 12, "days": 31}"#,
            expect![[r#"
            LONG *: unknown
            ONE : unknown
            ACTIVE b/*: unknown
            ACTIVE *: unknown
            CERT *: unknown
            snapshot-element: `kind` is missing, so the type of the element of `/policies` is unknown
            exit 4
        "#]],
        ),
        (
            r#"{"name": "a", "kind": null, "min_length": 12}"#,
            expect![[r#"
            LONG *: unknown
            ONE : unknown
            ACTIVE b/*: unknown
            ACTIVE *: unknown
            CERT *: unknown
            snapshot-element: `kind` is null, so the type of the element of `/policies` is unknown
            exit 4
        "#]],
        ),
        (
            r#"{"name": "a", "kind": "password", "min_length": 1, "uncaptured": ["kind"]}"#,
            expect![[r#"
            LONG *: unknown
            ONE : unknown
            ACTIVE b/*: unknown
            ACTIVE *: unknown
            CERT *: unknown
            snapshot-element: `kind` was not captured, so the type of the element of `/policies` is unknown
            exit 4
        "#]],
        ),
        (
            r#"{"name": "a", "kind": "password", "min_length": 1, "uncaptured": ["knid", "Kind"]}"#,
            expect![[r#"
            LONG *: unknown
            ONE : unknown
            ACTIVE b/*: unknown
            ACTIVE *: unknown
            CERT *: unknown
            snapshot-element: `kind` was not captured, so the type of the element of `/policies` is unknown
            exit 4
        "#]],
        ),
        (
            r#"{"name": "a", "knid": "password", "min_length": 1}"#,
            expect![[r#"
            LONG *: unknown
            ONE : unknown
            ACTIVE b/*: unknown
            ACTIVE *: unknown
            CERT *: unknown
            snapshot-element: `kind` is missing, so the type of the element of `/policies` is unknown
            exit 4
        "#]],
        ),
        (
            r#"{"name": "a", "Kind": "password", "min_length": 1}"#,
            expect![[r#"
            LONG *: unknown
            ONE : unknown
            ACTIVE b/*: unknown
            ACTIVE *: unknown
            CERT *: unknown
            snapshot-element: `kind` is missing, so the type of the element of `/policies` is unknown
            exit 4
        "#]],
        ),
        (
            r#"{"name": "a", "kind": ["password"], "min_length": 1}"#,
            expect![[r#"
            LONG *: unknown
            ONE : unknown
            ACTIVE b/*: unknown
            ACTIVE *: unknown
            CERT *: unknown
            snapshot-element: `kind` is an array, so the type of the element of `/policies` is unknown
            exit 5
        "#]],
        ),
        (
            r#"{"name": "a", "kind": "password", "kind": "saml", "min_length": 1}"#,
            expect![[r#"
            LONG *: unknown
            ONE : unknown
            ACTIVE b/*: unknown
            ACTIVE *: unknown
            CERT *: unknown
            snapshot-duplicate-key: duplicate property `kind`
            exit 5
        "#]],
        ),
        (
            r#"{"name": "a", "kind": "password", "kind": "password", "min_length": 1}"#,
            expect![[r#"
            LONG *: unknown
            ONE : unknown
            ACTIVE b/*: unknown
            ACTIVE *: unknown
            CERT *: unknown
            snapshot-duplicate-key: duplicate property `kind`
            exit 5
        "#]],
        ),
        (
            r#"{"name": "a", "kind": "password", "Kind": "saml", "min_length": 1}"#,
            expect![[r#"
            LONG *: unknown
            ONE : unknown
            ACTIVE b/*: unknown
            ACTIVE *: unknown
            CERT *: unknown
            snapshot-duplicate-key: properties `kind` and `Kind` differ only in case or separators
            exit 5
        "#]],
        ),
        (
            r#"{"name": "a", "kind": "\ud800", "min_length": 1}"#,
            expect![[r#"
            LONG *: unknown
            ONE : unknown
            ACTIVE b/*: unknown
            ACTIVE *: unknown
            CERT *: unknown
            snapshot-element: `kind` is not text, so the type of the element of `/policies` is unknown
            exit 5
        "#]],
        ),
        (
            r#"null"#,
            expect![[r#"
            LONG *: unknown
            ONE : unknown
            ACTIVE b/*: unknown
            ACTIVE *: unknown
            CERT *: unknown
            exit 4
        "#]],
        ),
        (
            r#"7"#,
            expect![[r#"
            LONG *: unknown
            ONE : unknown
            ACTIVE b/*: unknown
            ACTIVE *: unknown
            CERT *: unknown
            snapshot-type: `PasswordPolicy` is read from an object, found a number
            snapshot-type: `SsoPolicy` is read from an object, found a number
            exit 5
        "#]],
        ),
        (
            r#"{"error": "forbidden"}"#,
            expect![[r#"
            LONG *: unknown
            ONE : unknown
            ACTIVE b/*: unknown
            ACTIVE *: unknown
            CERT *: unknown
            snapshot-type: an element of `/policies` has no property that `PasswordPolicy` declares
            snapshot-type: an element of `/policies` has no property that `SsoPolicy` declares
            exit 5
        "#]],
        ),
        (
            r#"{"kind": "password"}"#,
            expect![[r#"
            LONG 1: unknown
            ACTIVE b/*: unknown
            snapshot-key: `PasswordPolicy` has no `name`, which is its id
            exit 5
        "#]],
        ),
    ] {
        check(&format!(r#"[{{"name": "b", "kind": "saml", "days": 31}}, {element}]"#), expected);
    }
}

#[test]
fn a_word_without_a_type_is_reported_once() {
    check(
        r#"[{"name": "b", "kind": "saml", "days": 31}, {"name": "x", "kind": "passwrod", "min_length": 1},
          {"name": "y", "kind": "PASSWROD", "min_length": 1}, {"name": "z", "kind": 7, "min_length": 1}, {"name": "w", "kind": true}]"#,
        expect![[r#"
            LONG *: unknown
            ONE : unknown
            ACTIVE b/*: unknown
            ACTIVE *: unknown
            CERT *: unknown
            snapshot-element: `kind` is passwrod, which no type of the list `/policies` has: nothing judges the element
            snapshot-element: `kind` is 7, which no type of the list `/policies` has: nothing judges the element
            snapshot-element: `kind` is true, which no type of the list `/policies` has: nothing judges the element
            exit 4
        "#]],
    );
}

#[test]
fn an_id_of_elements_of_two_types_is_noticed() {
    let good = r#"{"name": "a", "kind": "password", "min_length": 14}"#;
    for (others, expected) in [
        (
            r#"{"name": "a", "kind": "saml", "days": 90, "certificates": []}"#,
            expect![[r#"
                snapshot-duplicate-id: two elements of a list have the id `a` and differ in `kind`
                exit 0
            "#]],
        ),
        (
            r#"{"name": "b", "kind": "saml", "days": 90, "certificates": []}"#,
            expect![[r#"
            exit 0
        "#]],
        ),
        (
            r#"{"name": "a", "kind": "service"}"#,
            expect![[r#"
                ONE : fail
                snapshot-duplicate-id: two elements of a list have the id `a` and differ in `kind`
                exit 1
            "#]],
        ),
        (
            r#"{"name": "b", "kind": "service"}, {"name": "b", "kind": "oidc", "days": 90, "certificates": [{"serial": 1, "active": true}]}"#,
            expect![[r#"
                snapshot-duplicate-id: two elements of a list have the id `b` and differ in `kind`
                exit 0
            "#]],
        ),
        (
            r#"{"kind": "service"}, {"name": null, "kind": "service"}, {"name": "b", "kind": "saml", "days": 90, "certificates": []}"#,
            expect![[r#"
            exit 0
        "#]],
        ),
    ] {
        check(&format!("[{good}, {others}]"), expected);
    }
}

#[test]
fn a_statement_that_is_not_valid_leaves_the_type_unknown() {
    for stated in [r#""uncaptured": "kind""#, r#""uncaptued": ["kind"]"#, r#""uncaptured": ["name"]"#] {
        let json = format!(r#"{{"policies": [{{"name": "c", "kind": "service", {stated}}}]}}"#);
        let found =
            lines(&run(SCHEMA, POLICIES, &json, &["check", "a.json", "--now", NOW, "--format", "json"])).join("\n");
        let is_wrong = !stated.contains("name");
        assert_eq!(found.contains("LONG *: unknown"), is_wrong, "{stated}\n{found}");
        assert_eq!(found.ends_with("exit 5"), is_wrong, "{stated}\n{found}");
    }
}

#[test]
fn the_type_of_an_element_may_be_uncaptured_by_a_path() {
    let schema = SCHEMA.replace("kind = ", "meta/kind = ");
    let element = |stated: &str| {
        format!(
            r#"{{"policies": [{{"name": "a", "meta": {{"kind": "saml"}}, "days": 90, "certificates": []{stated}}}]}}"#
        )
    };
    check_by(
        &schema,
        POLICIES,
        &element(""),
        expect![[r#"
        exit 0
    "#]],
    );
    check_by(
        &schema,
        POLICIES,
        &element(r#", "uncaptured": ["meta/kind"]"#),
        expect![[r#"
        LONG *: unknown
        ONE : unknown
        ACTIVE *: unknown
        CERT *: unknown
        snapshot-element: `meta/kind` was not captured, so the type of the element of `/policies` is unknown
        exit 4
    "#]],
    );
}

#[test]
fn a_list_of_several_types_may_be_a_map() {
    check(
        r#"{"x": {"name": "a", "kind": "password", "min_length": 8}, "y": {"name": "b", "kind": "saml", "days": 31}}"#,
        expect![[r#"
            LONG a: fail
            ACTIVE b/*: unknown
            exit 1
        "#]],
    );
    check(
        r#"{"x": {"name": "a", "kind": "password", "min_length": 8}, "y": {"name": "b", "days": 31}}"#,
        expect![[r#"
            LONG a: fail
            LONG *: unknown
            ONE : unknown
            ACTIVE *: unknown
            CERT *: unknown
            snapshot-element: `kind` is missing, so the type of the element of `/policies` is unknown
            exit 1
        "#]],
    );
    check(
        r#"{"name": "a", "kind": "password", "min_length": 8}"#,
        expect![[r#"
        LONG *: unknown
        ONE : unknown
        ACTIVE *: unknown
        CERT *: unknown
        snapshot-type: expected a list at `/policies`, found an object that is not a map of instances
        exit 5
    "#]],
    );
    check(
        r#"{"x": {"name": "a", "kind": "password", "min_length": 8}, "x": {"name": "b", "kind": "saml", "days": 31}}"#,
        expect![[r#"
            LONG a: fail
            LONG *: unknown
            ONE : unknown
            ACTIVE b/*: unknown
            ACTIVE *: unknown
            CERT *: unknown
            snapshot-duplicate-key: duplicate property `x`
            exit 5
        "#]],
    );
}

#[test]
fn instances_inside_are_those_of_one_of_the_types() {
    check(
        r#"[{"name": "a", "kind": "password", "min_length": 12, "certificates": [{"serial": 1, "active": false}]},
          {"name": "b", "kind": "oidc", "days": 31, "certificates": [{"serial": 2, "active": false}]}]"#,
        expect![[r#"
            ACTIVE b/2: fail
            exit 1
        "#]],
    );
    check(
        r#"[{"name": "b", "kind": "oidc", "days": 31, "certificates": null}]"#,
        expect![[r#"
        ACTIVE b/*: unknown
        exit 4
    "#]],
    );
}

#[test]
fn statements_about_the_list_concern_every_type() {
    let schema = SCHEMA.replace(
        r#"@where("kind = saml, oidc")"#,
        r#"@where("kind = saml, oidc") @total("/total") @more("/next") @missing("[]")"#,
    );
    let check = |snapshot: &str, expected| check_by(&schema, POLICIES, snapshot, expected);
    let two = r#"[{"name": "a", "kind": "password", "min_length": 12}, {"name": "b", "kind": "saml", "days": 31}]"#;
    check(
        &format!(r#"{{"policies": {two}, "total": 2}}"#),
        expect![[r#"
        ACTIVE b/*: unknown
        exit 4
    "#]],
    );
    check(
        &format!(r#"{{"policies": {two}, "total": 3}}"#),
        expect![[r#"
            LONG *: unknown
            ONE : unknown
            ACTIVE b/*: unknown
            ACTIVE *: unknown
            CERT *: unknown
            exit 4
        "#]],
    );
    check(
        &format!(r#"{{"policies": {two}, "total": 1}}"#),
        expect![[r#"
            LONG *: unknown
            ONE : unknown
            ACTIVE b/*: unknown
            ACTIVE *: unknown
            CERT *: unknown
            snapshot-total: `/policies` has more instances than its stated total: 2, not 1
            exit 5
        "#]],
    );
    check(
        &format!(r#"{{"policies": {two}, "total": 2, "next": "x"}}"#),
        expect![[r#"
            LONG *: unknown
            ONE : unknown
            ACTIVE b/*: unknown
            ACTIVE *: unknown
            CERT *: unknown
            exit 4
        "#]],
    );
    check(
        &format!(r#"{{"policies": {two}, "total": 2, "partial": ["/policies"]}}"#),
        expect![[r#"
        LONG *: unknown
        ONE : unknown
        ACTIVE b/*: unknown
        ACTIVE *: unknown
        CERT *: unknown
        exit 4
    "#]],
    );
    check(
        r#"{"policies": [{"name": "a", "kind": "password", "min_length": 12}, {"name": "b", "days": 31}], "total": 2}"#,
        expect![[r#"
            LONG *: unknown
            ONE : unknown
            ACTIVE *: unknown
            CERT *: unknown
            snapshot-element: `kind` is missing, so the type of the element of `/policies` is unknown
            exit 4
        "#]],
    );
    // The missing list is empty for one of the types.
    check(
        r#"{"captured_at": "2026-09-01"}"#,
        expect![[r#"
            LONG *: unknown
            ONE : unknown
            ACTIVE *: unknown
            CERT *: unknown
            exit 4
        "#]],
    );
    check(
        r#"{"captured_at": "2026-09-01", "polices": []}"#,
        expect![[r#"
            LONG *: unknown
            ONE : unknown
            ACTIVE *: unknown
            CERT *: unknown
            exit 4
        "#]],
    );
}

/// Types of one list without `@where`: every element is an instance of each.
const BOTH: &str = r#"@path("") entity Account = {};
@path("/users/*") @key("id") @closed entity User in [Account] = { id: String, active: Bool };
@path("/users/*") @key("id") entity Role in [Account] = { id: String, roles: Set<String>, @path("meta/actives") seen?: Long };
@path("/users/*") @key("id") @where("meta/level = 1") entity Admin in [Account] = { id: String, mfa: Bool };
action "audit" appliesTo { principal: [Account], resource: [Account, User, Role, Admin], context: {} };
"#;

const BOTH_POLICIES: &str = r#"@id("ACTIVE") @title("Users are active") @severity("high")
forbid (principal, action == Action::"audit", resource is User) unless { resource.active };
@id("ROLE") @title("Nobody is an owner") @severity("low")
forbid (principal, action == Action::"audit", resource is Role) when { resource.roles.contains("owner") };
@id("MFA") @title("Administrators have a second factor") @severity("low")
forbid (principal, action == Action::"audit", resource is Admin) unless { resource.mfa };
"#;

#[test]
fn an_element_is_an_instance_of_every_type_without_a_property() {
    let check = |users: &str, expected| check_by(BOTH, BOTH_POLICIES, &format!(r#"{{"users": {users}}}"#), expected);
    check(
        r#"[{"id": "a", "active": false, "roles": ["owner"], "mfa": false, "meta": {"level": 1}}]"#,
        expect![[r#"
            ACTIVE a: fail
            MFA a: fail
            ROLE a: fail
            exit 1
        "#]],
    );
    // A word without a type is not reported: the other types judge the element.
    check(
        r#"[{"id": "a", "active": true, "roles": [], "meta": {"level": 2}}, {"id": "b", "active": true, "roles": [], "meta": {}}]"#,
        expect![[r#"
            MFA *: unknown
            snapshot-element: `meta/level` is missing, so the type of the element of `/users` is unknown
            exit 4
        "#]],
    );
    check(
        r#"[{"id": "a", "active": true, "roles": [], "meta": null}, {"id": "b", "active": true, "roles": [], "meta": [1], "x": 2}]"#,
        expect![[r#"
            MFA *: unknown
            snapshot-element: `meta/level` is null, so the type of the element of `/users` is unknown
            snapshot-element: `meta/level` is an array, so the type of the element of `/users` is unknown
            snapshot-type: expected an object at `meta`, found an array
            snapshot-property: a User has no property `x`
            exit 5
        "#]],
    );
    check(
        r#"[{"id": "a", "active": true, "roles": [], "meta": {"level": 1, "uncaptured": ["level"]}}]"#,
        expect![[r#"
            MFA *: unknown
            snapshot-element: `meta/level` was not captured, so the type of the element of `/users` is unknown
            exit 4
        "#]],
    );
    check(
        r#"[{"id": "a", "active": true, "roles": [], "meta": {"level": 1}, "uncaptured": ["meta"], "mfa": false}]"#,
        expect![[r#"
            MFA *: unknown
            snapshot-element: `meta/level` was not captured, so the type of the element of `/users` is unknown
            exit 4
        "#]],
    );
}

#[test]
fn schemas_without_a_meaning_are_refused() {
    let wrong = |of: &str, to: &str, expected: Expect| {
        let schema = SCHEMA.replace(of, to);
        assert_ne!(schema, SCHEMA, "{of}");
        let run = run(&schema, POLICIES, "{}", &["check", "a.json", "--now", NOW, "--format", "json"]);
        let report = run.json();
        let wrong = report["diagnostics"].as_array().expect("a list").iter();
        let wrong = wrong.map(|found| format!("{}: {}, {}\n", found["code"], found["message"], found["help"]));
        expected.assert_eq(&wrong.collect::<String>().replace(['"', '\\'], ""));
    };
    wrong(
        r#"@where("kind = password")"#,
        r#"@where("kind")"#,
        expect![[r#"
        schema-annotation: `@where` is not a property and its words, write @where(kind = human, guest) for example
    "#]],
    );
    wrong(
        r#"@where("kind = password")"#,
        r#"@where("= password")"#,
        expect![[r#"
        schema-annotation: `@where` is not a property and its words, write @where(kind = human, guest) for example
    "#]],
    );
    wrong(
        r#"@where("kind = password")"#,
        r#"@where("kind = password,, x")"#,
        expect![[r#"
        schema-annotation: `@where` has an empty word, list words, such as @where(kind = human, guest); quote a word that has a comma or is empty
    "#]],
    );
    wrong(
        r#"@where("kind = password")"#,
        r#"@where("kind = password, PASSWORD")"#,
        expect![[r#"
        schema-annotation: `@where` has the word `PASSWORD` twice, remove `PASSWORD` here
    "#]],
    );
    wrong(
        r#"@where("kind = password")"#,
        r#"@where("/kind = password")"#,
        expect![[r#"
        schema-path: a path inside an entity does not start with `/`: write `kind`, null
    "#]],
    );
    wrong(
        r#"@where("kind = password")"#,
        "",
        expect![[r#"
        schema-annotation: `@unjudged` lists words of the property in `@where`, which the type does not have, add the property and its words, such as @where(kind = human, guest)
    "#]],
    );
    wrong(
        r#"@unjudged("service")"#,
        r#"@unjudged("Password")"#,
        expect![[r#"
        schema-annotation: `@unjudged` has `Password`, which is a word of `@where`, remove `Password` here
    "#]],
    );
    wrong(
        r#"@unjudged("service")"#,
        r#"@unjudged("saml")"#,
        expect![[r#"
        schema-annotation: `@unjudged` names `saml`, which `SsoPolicy` judges, remove the word from `@unjudged`
    "#]],
    );
    wrong(
        r#"@unjudged("service")"#,
        r#"@evidence"#,
        expect![[r#"
        schema-annotation: `@evidence` is not possible on a type with `@where`, remove `@evidence`
    "#]],
    );
    wrong(
        r#"@unjudged("service")"#,
        r#"@one_or_many"#,
        expect![[r#"
        schema-annotation: `PasswordPolicy` and `SsoPolicy` have the same `@path`, and only one of them has `@one_or_many`, add `@one_or_many` to both types: it describes their list
    "#]],
    );
    wrong(
        r#"@unjudged("service")
entity PasswordPolicy in [Account] = { name: String, min_length: Long, fallback?: SsoPolicy };
@path("/policies/*")"#,
        r#"@total("/a")
entity PasswordPolicy in [Account] = { name: String, min_length: Long, fallback?: SsoPolicy };
@total("/b") @path("/policies/*")"#,
        expect![[r#"
            schema-annotation: two types of one list have different places in `@total`, keep one of them
        "#]],
    );
    wrong(
        r#"@key("name") @where("kind = password")"#,
        r#"@key("") @where("kind = password")"#,
        expect![[r#"
        schema-annotation: `@where` selects objects by a property, and @key() reads single values, remove `@where`
        schema-path: `PasswordPolicy` and `SsoPolicy` have the same `@path`, and only one of them has @key(), declare the elements as objects, or as single values
    "#]],
    );
    wrong(
        r#"min_length: Long"#,
        r#"min_length: Long, @secret kind?: String"#,
        expect![[r#"
        schema-secret: a secret cannot distinguish the types of a list, choose another property, or remove `@secret`: messages show its words
        schema-secret: a secret cannot distinguish the types of a list, choose another property, or remove `@secret`: messages show its words
    "#]],
    );
    wrong(
        r#"entity Certificate in [SsoPolicy]"#,
        r#"entity Certificate in [SsoPolicy, PasswordPolicy]"#,
        expect![[r#"
        schema-nesting: instances of `Certificate` are nested in `PasswordPolicy` and in `SsoPolicy`, name one of them: write `entity Certificate in [PasswordPolicy]`, and declare another type for the other
    "#]],
    );
    wrong(
        r#"entity Certificate in [SsoPolicy]"#,
        r#"entity Certificate"#,
        expect![[r#"
        schema-nesting: instances of `Certificate` are nested in `PasswordPolicy`, but the declaration lacks `in`, write `entity Certificate in [PasswordPolicy]`
    "#]],
    );
    wrong(
        r#"/policies/*/certificates/*"#,
        r#""#,
        expect![[r#"
        schema-path: `Account` and `Certificate` have the same `@path`, give each type a place of its own: only the elements of a list can be of several types
    "#]],
    );
    wrong(
        r#"@path("/policies/*/certificates/*") @key("serial")"#,
        r#"@path("/policies/*/certificate") @where("a = b")"#,
        expect![[r#"
            schema-annotation: `@where` selects elements of a list: its `@path` ends in `/*`, remove it: the instances of the type are not in a list
        "#]],
    );
    wrong(
        r#"@path("") entity Account"#,
        r#"@path("") @where("kind = x") entity Account"#,
        expect![[r#"
        schema-annotation: `@where` selects elements of a list: its `@path` ends in `/*`, remove it: the instances of the type are not in a list
    "#]],
    );
    wrong(
        r#"@path("") entity Account"#,
        r#"@where("a = b") entity Kind enum ["x"]; @path("") entity Account"#,
        expect![[r#"
            schema-annotation: `@where` is not possible on an enumerated entity type, remove `@where`
        "#]],
    );
}

#[test]
fn documents_state_the_elements_of_a_type() {
    let explained = run(SCHEMA, POLICIES, "{}", &["explain", "CERT"]);
    assert!(
        explained.stdout.contains("SsoPolicy, at /policies/*, where kind is \"saml\" or \"oidc\""),
        "{explained:?}"
    );
    let doc = run(SCHEMA, POLICIES, "{}", &["doc"]);
    let line = "`/policies/*`, where `kind` is `password`; elements where it is `service` are not judged";
    assert!(doc.stdout.contains(line), "{doc:?}");
    let snapshot = r#"{"policies": [{"name": "a", "kind": "password", "min_length": 8, "other": 1}]}"#;
    let inspected = run(SCHEMA, POLICIES, snapshot, &["inspect", "a.json"]);
    assert!(inspected.stdout.contains("/policies/*/other"), "{inspected:?}");
    assert!(!inspected.stdout.contains("/policies/*/kind"), "{inspected:?}");
}
