//! Groups of properties of one row that are instances, as in the credential report of a cloud account.

use crate::support::{NOW, Run, deodar};
use expect_test::{Expect, expect};

const SCHEMA: &str = r#"@path("") entity Account = {};
@path("/users/*") @key("user") @closed
entity User in [Account] = { user: String, mfa_active: Bool, @derived keys: Long, note?: String };
@path("/users/*/access_key_{1,2}_*") @ignore("service")
entity AccessKey in [User] = {
  @enclosing owner: User,
  @as("bool") active: Bool,
  @absent("N/A") last_rotated?: datetime,
  @absent("N/A") region?: String,
};
@path("/users/*/cert_{1,2}_*") @missing("[]") @null("[]")
entity Certificate in [User] = { active?: Bool, @absent("-") serial?: String };
action "audit" appliesTo { principal: [Account], resource: [Account, User, AccessKey, Certificate], context: { now: datetime } };
action "derive" appliesTo { principal: [AccessKey], resource: [User], context: {} };
"#;

const POLICIES: &str = r#"@id("keys") @derives("keys")
permit (principal is AccessKey, action == Action::"derive", resource is User) when { principal in resource };
@id("ONE") @title("A user has one access key at most") @severity("low")
forbid (principal, action == Action::"audit", resource is User) unless { resource.keys <= 1 };
@id("SOME") @title("A user has an access key") @severity("low")
forbid (principal, action == Action::"audit", resource is User) unless { resource.keys >= 1 };
@id("OLD") @title("Access keys are rotated") @severity("high")
forbid (principal, action == Action::"audit", resource is AccessKey)
when { resource.active }
unless { resource has last_rotated && context.now.durationSince(resource.last_rotated) <= duration("90d") };
@id("MFA") @title("Users with access keys have a second factor") @severity("high")
forbid (principal, action == Action::"audit", resource is AccessKey) unless { resource.owner.mfa_active };
@id("CERT") @title("Certificates are not active") @severity("low")
forbid (principal, action == Action::"audit", resource is Certificate) when { resource has active && resource.active };
@id("SERIAL") @title("Certificates have a serial number") @severity("low")
forbid (principal, action == Action::"audit", resource is Certificate) unless { resource has serial };
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
fn check_by(schema: &str, snapshot: &str, expected: Expect) {
    let arguments = ["check", "a.json", "--now", NOW, "--format", "json"];
    let compiled = lines(&run(schema, POLICIES, snapshot, &arguments));
    let reference = lines(&run(schema, POLICIES, snapshot, &[&arguments[..], &["--engine", "reference"]].concat()));
    expected.assert_eq(&compiled.iter().map(|line| format!("{line}\n")).collect::<String>());
    // The reference engine decides less.
    let verdict = |line: &String| line.replace(": fail", ": unknown");
    let is_same = |one: &[String], other: &[String]| {
        one.iter()
            .filter(|line| line.ends_with(": fail"))
            .all(|line| other.contains(line) || other.contains(&verdict(line)))
    };
    assert!(is_same(&compiled, &reference) && is_same(&reference, &compiled), "{compiled:?} {reference:?}");
}

/// Checks one user with some properties of access keys.
#[track_caller]
fn check(properties: &str, expected: Expect) {
    check_by(SCHEMA, &snapshot(properties), expected);
}

fn snapshot(properties: &str) -> String {
    format!(r#"{{"users": [{{"user": "ann", "mfa_active": true{properties}}}]}}"#)
}

/// The properties of a second group that is not an instance.
const NONE: &str = r#", "access_key_2_service": "N/A""#;

#[test]
fn a_report_has_the_access_keys_of_each_user_in_one_row() {
    let report = r#"{"users": [
      {"user": "ann", "mfa_active": true, "access_key_1_active": "true", "access_key_1_last_rotated": "2026-08-20T00:00:00Z", "access_key_1_region": "N/A",
       "access_key_2_active": "true", "access_key_2_last_rotated": "2020-01-01T00:00:00Z", "access_key_2_service": "s3"},
      {"user": "bo", "mfa_active": false, "access_key_1_active": "false", "access_key_1_last_rotated": "N/A", "access_key_1_region": "N/A",
       "access_key_2_service": "N/A", "cert_1_active": true, "cert_1_serial": "7", "cert_2_active": null}]}"#;
    check_by(
        SCHEMA,
        report,
        expect![[r#"
        MFA bo/access_key_1: fail
        OLD ann/access_key_2: fail
        CERT bo/cert_1: fail
        ONE ann: fail
        exit 1
    "#]],
    );
}

#[test]
fn a_finding_points_to_the_property_of_the_row() {
    let snapshot = r#"{"users": [{"user": "ann", "mfa_active": true, "access_key_1_service": "N/A",
      "access_key_2_active": "true", "access_key_2_last_rotated": "2020-01-01T00:00:00Z"}]}"#;
    let report = run(SCHEMA, POLICIES, snapshot, &["check", "a.json", "--now", NOW, "--format", "json"]).json();
    let found = report["findings"].as_array().expect("a list").iter().find(|found| found["check"] == "OLD");
    let found = found.expect("a finding");
    let reads = found["clauses"].as_array().expect("a list").iter().flat_map(|clause| clause["reads"].as_array());
    let places = reads
        .flatten()
        .map(|read| format!("{} {} {}\n", read["name"], read["pointer"], read["span"]["start"]["column"]));
    expect![[r#"
        "active" "/users/0/access_key_2_active" 30
        "now" null null
        "last_rotated" "/users/0/access_key_2_last_rotated" 67
    "#]]
    .assert_eq(&places.collect::<String>());
    let text = run(SCHEMA, POLICIES, snapshot, &["check", "a.json", "--now", NOW]);
    expect![[r#"
        OLD · high · fail · 0242b9fd

          × Access keys are rotated
          │ AccessKey ann/access_key_2
            ╭─[p.cedar:9:8]
          8 │ forbid (principal, action == Action::"audit", resource is AccessKey)
          9 │ when { resource.active }
            ·        ───────┬───────
            ·               ╰── this is true
         10 │ unless { resource has last_rotated && context.now.durationSince(resource.last_rotated) <= duration("90d") };
            ·                                       ──────────────────────────────┬─────────────────────────────
            ·                                                                     ╰── this is false
         11 │ @id("MFA") @title("Users with access keys have a second factor") @severity("high")
            ╰────

          ☞ last_rotated is 2020-01-01T00:00:00Z, active is true
           ╭─[a.json:2:30]
         1 │ {"users": [{"user": "ann", "mfa_active": true, "access_key_1_service": "N/A",
         2 │       "access_key_2_active": "true", "access_key_2_last_rotated": "2020-01-01T00:00:00Z"}]}
           ·                              ───┬──                               ───────────┬──────────
           ·                                 │                                            ╰── last_rotated is 2020-01-01T00:00:00Z
           ·                                 ╰── active is true
           ╰────

            check  severity  fail  unknown  n/a  pass
         ✗  OLD    high         1        ·    ·     · Access keys are rotated

          passed         3  MFA, ONE, SOME
          no resources   2  CERT, SERIAL

          a.json
          judged by the given schema and policies as of 2026-09-01T12:00:00Z
          6 checks, 4 verdicts: 1 fail, 0 unknown, 0 not applicable, 3 pass
          exit 1: 1 failure at or above low
    "#]].assert_eq(&text.stdout);
}

#[test]
fn a_group_is_an_instance_if_a_property_has_a_known_value() {
    for (properties, expected) in [
        (
            r#", "access_key_1_active": false"#,
            expect![[r#"
            exit 0
        "#]],
        ),
        (
            r#", "access_key_1_active": null, "access_key_1_last_rotated": "2026-08-20""#,
            expect![[r#"
            exit 0
        "#]],
        ),
        (
            r#", "access_key_1_last_rotated": "2026-08-20""#,
            expect![[r#"
            exit 0
        "#]],
        ),
        (
            r#", "access_key_1_active": true, "uncaptured": ["access_key_1_last_rotated"]"#,
            expect![[r#"
            OLD ann/access_key_1: unknown
            exit 4
        "#]],
        ),
        (
            r#", "access_key_1_active": true, "access_key_1_last_rotatd": "2020-01-01""#,
            expect![[r#"
            OLD ann/access_key_1: unknown
            snapshot-property: unknown property `access_key_1_last_rotatd`, and the object has no `access_key_1_last_rotated`
            exit 4
        "#]],
        ),
        (
            r#", "access_key_1_active": true, "acces_key_1_last_rotated": "2020-01-01""#,
            expect![[r#"
            OLD ann/access_key_1: unknown
            snapshot-property: a User has no property `acces_key_1_last_rotated`
            snapshot-property: unknown property `acces_key_1_last_rotated`, and the object has no `access_key_1_last_rotated`
            exit 5
        "#]],
        ),
        (
            r#", "access_key_1_active": true, "accessKey1LastRotated": "2020-01-01""#,
            expect![[r#"
            OLD ann/access_key_1: unknown
            snapshot-property: a User has no property `accessKey1LastRotated`
            snapshot-property: unknown property `accessKey1LastRotated`, and the object has no `access_key_1_last_rotated`
            exit 5
        "#]],
        ),
        (
            r#", "access_key_1_active": true, "access_key_1_active": false, "access_key_1_region": "eu""#,
            expect![[r#"
                OLD ann/access_key_1: unknown
                snapshot-duplicate-key: duplicate property `access_key_1_active`
                exit 5
            "#]],
        ),
        (
            r#", "access_key_1_active": true, "Access_Key_1_Active": false, "access_key_1_region": "eu""#,
            expect![[r#"
                OLD ann/access_key_1: unknown
                snapshot-duplicate-key: properties `access_key_1_active` and `Access_Key_1_Active` differ only in case or separators
                snapshot-property: a User has no property `Access_Key_1_Active`
                exit 5
            "#]],
        ),
        (
            r#", "access_key_1_active": [], "access_key_1_region": "eu""#,
            expect![[r#"
            OLD ann/access_key_1: unknown
            snapshot-type: `active` is an array, expected a boolean or a word for one
            exit 5
        "#]],
        ),
    ] {
        check(&format!("{NONE}{properties}"), expected);
    }
}

#[test]
fn a_group_without_values_is_not_an_instance() {
    for (properties, expected) in [
        (
            r#", "access_key_1_service": "s3""#,
            expect![[r#"
            SOME ann: fail
            exit 1
        "#]],
        ),
        (
            r#", "access_key_1_other": null"#,
            expect![[r#"
            SOME ann: fail
            exit 1
        "#]],
        ),
        (
            r#", "access_key_1_service": "s3", "cert_1_serial": "-", "cert_1_active": null"#,
            expect![[r#"
            SOME ann: fail
            exit 1
        "#]],
        ),
        (
            r#", "access_key_1_service": "s3", "cert_1_serial": "-", "cert_2_active": false"#,
            expect![[r#"
            SERIAL ann/cert_2: fail
            SOME ann: fail
            exit 1
        "#]],
        ),
    ] {
        check(&format!("{NONE}{properties}"), expected);
    }
}

#[test]
fn a_group_may_be_an_instance_if_its_values_are_unknown() {
    for (properties, expected) in [
        (
            r#", "access_key_1_active": null"#,
            expect![[r#"
            OLD ann/*: unknown
            ONE ann: unknown
            SOME ann: unknown
            exit 4
        "#]],
        ),
        (
            r#", "access_key_1_active": {}"#,
            expect![[r#"
            OLD ann/*: unknown
            ONE ann: unknown
            SOME ann: unknown
            snapshot-type: `active` is an object, expected a boolean or a word for one
            exit 5
        "#]],
        ),
        (
            r#", "access_key_1_active": "maybe""#,
            expect![[r#"
            OLD ann/*: unknown
            ONE ann: unknown
            SOME ann: unknown
            snapshot-value: `active` is not a boolean
            exit 5
        "#]],
        ),
        (
            r#", "access_key_1_active": true, "uncaptured": ["access_key_1_active"]"#,
            expect![[r#"
            OLD ann/*: unknown
            ONE ann: unknown
            SOME ann: unknown
            exit 4
        "#]],
        ),
        (
            r#", "access_key_1_last_rotated": "N/A""#,
            expect![[r#"
            OLD ann/*: unknown
            ONE ann: unknown
            SOME ann: unknown
            exit 4
        "#]],
        ),
        (
            r#", "access_ke_1_active": true"#,
            expect![[r#"
            OLD ann/*: unknown
            ONE ann: unknown
            SOME ann: unknown
            snapshot-property: a User has no property `access_ke_1_active`
            snapshot-property: unknown property `access_ke_1_active`, and the object has no `access_key_1_active`
            exit 5
        "#]],
        ),
        (
            r#", "uncaptured": ["access_key_1"]"#,
            expect![[r#"
            OLD ann/*: unknown
            ONE ann: unknown
            SOME ann: unknown
            exit 4
        "#]],
        ),
        (
            r#", "uncaptured": ["acces_key_1_active"]"#,
            expect![[r#"
            OLD ann/*: unknown
            ONE ann: unknown
            SOME ann: unknown
            snapshot-uncaptured: `uncaptured` names `acces_key_1_active`, which the schema does not declare here
            exit 4
        "#]],
        ),
        (
            r#", "uncaptured": 7"#,
            expect![[r#"
                OLD ann/*: unknown
                CERT ann/*: unknown
                ONE ann: unknown
                SERIAL ann/*: unknown
                SOME ann: unknown
                snapshot-uncaptured: `uncaptured` is a list of property names, found a number
                exit 5
            "#]],
        ),
        (
            r#", "access_key_1_active": true, "access_key_1_active": true"#,
            expect![[r#"
            OLD ann/*: unknown
            ONE ann: unknown
            SOME ann: unknown
            snapshot-duplicate-key: duplicate property `access_key_1_active`
            exit 5
        "#]],
        ),
        (
            r#", "access_key_1_active": true, "access-key-1-active": true"#,
            expect![[r#"
            OLD ann/*: unknown
            ONE ann: unknown
            SOME ann: unknown
            snapshot-duplicate-key: properties `access_key_1_active` and `access-key-1-active` differ only in case or separators
            snapshot-property: a User has no property `access-key-1-active`
            exit 5
        "#]],
        ),
        (
            r#", "access_key_1_actve": true"#,
            expect![[r#"
            OLD ann/*: unknown
            ONE ann: unknown
            SOME ann: unknown
            snapshot-property: unknown property `access_key_1_actve`, and the object has no `access_key_1_active`
            exit 4
        "#]],
        ),
        (
            r#", "acces_key_1_active": true"#,
            expect![[r#"
            OLD ann/*: unknown
            ONE ann: unknown
            SOME ann: unknown
            snapshot-property: a User has no property `acces_key_1_active`
            snapshot-property: unknown property `acces_key_1_active`, and the object has no `access_key_1_active`
            exit 5
        "#]],
        ),
        (
            r#", "access_key_1_other": "x""#,
            expect![[r#"
            OLD ann/*: unknown
            ONE ann: unknown
            SOME ann: unknown
            exit 4
        "#]],
        ),
    ] {
        check(&format!("{NONE}{properties}"), expected);
    }
}

#[test]
fn a_statement_may_name_a_group_in_another_form() {
    let rotated = r#", "access_key_1_active": true, "access_key_1_last_rotated": "2026-08-30""#;
    for (properties, expected) in [
        (
            r#", "uncaptured": ["Access-Key-2"]"#,
            expect![[r#"
            OLD ann/*: unknown
            ONE ann: unknown
            snapshot-uncaptured: `uncaptured` names `Access-Key-2`, which the schema does not declare here
            exit 4
        "#]],
        ),
        (
            r#", "uncaptured": ["acces_key_2"]"#,
            expect![[r#"
            OLD ann/*: unknown
            ONE ann: unknown
            snapshot-uncaptured: `uncaptured` names `acces_key_2`, which the schema does not declare here
            exit 4
        "#]],
        ),
        (
            r#", "uncaptured": ["access_key_3"]"#,
            expect![[r#"
            OLD ann/*: unknown
            ONE ann: unknown
            snapshot-property: `access_key_3` is in a group of properties that is not a declared AccessKey
            snapshot-uncaptured: `uncaptured` names `access_key_3`, which the schema does not declare here
            exit 4
        "#]],
        ),
        (
            r#", "uncaptured": ["access_key_3_active"]"#,
            expect![[r#"
            OLD ann/*: unknown
            ONE ann: unknown
            snapshot-property: `access_key_3_active` is in a group of properties that is not a declared AccessKey
            snapshot-uncaptured: `uncaptured` names `access_key_3_active`, which the schema does not declare here
            exit 4
        "#]],
        ),
        (
            r#", "uncaptured": ["note"]"#,
            expect![[r#"
            exit 0
        "#]],
        ),
        (
            r#", "uncaptured": ["access_key_2/active"]"#,
            expect![[r#"
            OLD ann/*: unknown
            ONE ann: unknown
            snapshot-uncaptured: `uncaptured` names `access_key_2/active`, which the schema does not declare here
            exit 4
        "#]],
        ),
    ] {
        check(&format!("{NONE}{rotated}{properties}"), expected);
    }
}

/// The schema, with attributes of the row that read properties of groups.
fn schema_of_rows() -> String {
    let reads = r#"@path("access_key_2_active") @as("bool") second?: Bool, @path("access_key_1_active") @as("bool") first?: Bool, note"#;
    SCHEMA.replace(" @closed", "").replace("note", reads)
}

const ROW_POLICIES: &str = r#"@id("FIRST") @title("The first key is not active") @severity("low")
forbid (principal, action == Action::"audit", resource is User) when { resource has first && resource.first };
@id("SECOND") @title("The second key is not active") @severity("low")
forbid (principal, action == Action::"audit", resource is User) when { resource has second && resource.second };
"#;

/// Checks the attributes of a row that read properties of groups.
#[track_caller]
fn check_row(properties: &str, expected: Expect) {
    let row = snapshot(&format!(r#", "access_key_1_active": false{properties}"#));
    let arguments = ["check", "a.json", "--now", NOW, "--format", "json"];
    let found = run(&schema_of_rows(), ROW_POLICIES, &row, &arguments);
    expected.assert_eq(&lines(&found).iter().map(|line| format!("{line}\n")).collect::<String>());
}

#[test]
fn a_statement_that_names_a_group_holds_for_the_row() {
    check_row(
        NONE,
        expect![[r#"
        exit 0
    "#]],
    );
    check_row(
        r#", "uncaptured": ["access_key_2"]"#,
        expect![[r#"
        SECOND ann: unknown
        exit 4
    "#]],
    );
    check_row(
        r#", "access_key_2_active": true, "uncaptured": ["access_key_2"]"#,
        expect![[r#"
        SECOND ann: unknown
        exit 4
    "#]],
    );
    check_row(
        r#", "uncaptured": ["acces_key_2/active"]"#,
        expect![[r#"
        SECOND ann: unknown
        snapshot-uncaptured: `uncaptured` names `acces_key_2/active`, which the schema does not declare here
        exit 4
    "#]],
    );
    let row = snapshot(r#", "access_key_1_active": false, "uncaptured": ["access_key_2"]"#);
    let arguments = ["check", "a.json", "--now", NOW, "--format", "json", "--only", "SECOND"];
    let found = run(&schema_of_rows(), ROW_POLICIES, &row, &arguments).json();
    let read = &found["findings"][0]["clauses"][0]["reads"][0];
    let (column, name) = (row.find(r#""access_key_2""#).expect("a statement") + 1, "second");
    assert_eq!((&read["name"], &read["span"]["start"]["column"]), (&name.into(), &column.into()), "{read:#}");
}

#[test]
fn a_misspelling_in_a_group_holds_for_the_row() {
    check_row(
        r#", "access_key_2_actve": true"#,
        expect![[r#"
        SECOND ann: unknown
        snapshot-property: unknown property `access_key_2_actve`, and the object has no `access_key_2_active`
        exit 4
    "#]],
    );
    check_row(
        r#", "acess_key_2_active": true"#,
        expect![[r#"
        SECOND ann: unknown
        snapshot-property: unknown property `acess_key_2_active`, and the object has no `access_key_2_active`
        exit 4
    "#]],
    );
    check_row(
        r#", "access_key_2_active": false, "access_key_2_actve": true"#,
        expect![[r#"
        snapshot-property: unknown property `access_key_2_actve`, which may be a misspelling of `access_key_2_active`
        exit 0
    "#]],
    );
    // A property that another attribute of the group, or `@ignore`, names is not a misspelling.
    check_row(
        r#", "access_key_2_region": "N/A", "access_key_2_service": "N/A""#,
        expect![[r#"
        exit 0
    "#]],
    );
    check_row(
        r#", "access_key_2_other": "x""#,
        expect![[r#"
        exit 0
    "#]],
    );
}

#[test]
fn a_property_with_the_name_of_a_group_holds_for_the_row() {
    check_row(
        r#", "access_key_2": {"active": true}"#,
        expect![[r#"
        SECOND ann: unknown
        snapshot-property: `access_key_2` has the name of a group of properties without a value
        snapshot-type: `access_key_2` is an object, and AccessKey is read from properties such as `access_key_2_active`
        exit 5
    "#]],
    );
    check_row(
        r#", "access_key_2_active": false, "accessKey2": [true]"#,
        expect![[r#"
        SECOND ann: unknown
        snapshot-property: `accessKey2` has the name of a group of properties without a value
        snapshot-type: `accessKey2` is an array, and AccessKey is read from properties such as `access_key_2_active`
        exit 5
    "#]],
    );
    check_row(
        r#", "access_key_2": "AK""#,
        expect![[r#"
        SECOND ann: unknown
        snapshot-property: `access_key_2` has the name of a group of properties without a value
        exit 4
    "#]],
    );
    check_row(
        r#", "access_key_2_active": false, "access_key_2": "AK""#,
        expect![[r#"
        exit 0
    "#]],
    );
    check_row(
        r#", "access_key_2": null"#,
        expect![[r#"
        exit 0
    "#]],
    );
}

#[test]
fn a_property_may_have_the_name_of_a_whole_group() {
    let schema = SCHEMA.replace(" @closed", "");
    let rotated = r#", "access_key_1_active": true, "access_key_1_last_rotated": "2026-08-30""#;
    for (properties, expected) in [
        (
            r#", "access_key_2": {"active": true}"#,
            expect![[r#"
                OLD ann/*: unknown
                ONE ann: unknown
                snapshot-property: `access_key_2` has the name of a group of properties without a value
                snapshot-type: `access_key_2` is an object, and AccessKey is read from properties such as `access_key_2_active`
                exit 5
            "#]],
        ),
        (
            r#", "accessKey1": {"active": true}"#,
            expect![[r#"
                OLD ann/*: unknown
                ONE ann: unknown
                SOME ann: unknown
                snapshot-property: `accessKey1` has the name of a group of properties without a value
                snapshot-type: `accessKey1` is an object, and AccessKey is read from properties such as `access_key_1_active`
                exit 5
            "#]],
        ),
        (
            r#", "access_key_2": "AK""#,
            expect![[r#"
                OLD ann/*: unknown
                ONE ann: unknown
                snapshot-property: `access_key_2` has the name of a group of properties without a value
                exit 4
            "#]],
        ),
        (
            r#", "access_key_1": "AK""#,
            expect![[r#"
            exit 0
        "#]],
        ),
        (
            r#", "access_key_2": null"#,
            expect![[r#"
            exit 0
        "#]],
        ),
        (
            r#", "access_key_3": {"active": true}"#,
            expect![[r#"
            OLD ann/*: unknown
            ONE ann: unknown
            snapshot-property: `access_key_3` is in a group of properties that is not a declared AccessKey
            exit 4
        "#]],
        ),
    ] {
        check_by(&schema, &snapshot(&format!("{NONE}{rotated}{properties}")), expected);
    }
}

#[test]
fn a_number_without_a_separator_may_be_that_of_a_further_group() {
    let schema = SCHEMA.replace("access_key_{1,2}_*", "access_key{1,2}*").replace(" @closed", "");
    for (properties, expected) in [
        (
            r#", "access_key1active": false"#,
            expect![[r#"
            exit 0
        "#]],
        ),
        (
            r#", "access_key1active": false, "access_key12active": true"#,
            expect![[r#"
            OLD ann/*: unknown
            ONE ann: unknown
            snapshot-property: `access_key12active` is in a group of properties that is not a declared AccessKey
            exit 4
        "#]],
        ),
        (
            r#", "access_key1active": false, "access_key12other": true"#,
            expect![[r#"
            exit 0
        "#]],
        ),
    ] {
        check_by(&schema, &snapshot(&format!("{NONE}{properties}")), expected);
    }
}

#[test]
fn a_further_group_may_be_in_another_spelling() {
    let schema = SCHEMA.replace(" @closed", "");
    for (name, expected) in [
        (
            "accessKey3Active",
            expect![[r#"
            OLD ann/*: unknown
            ONE ann: unknown
            snapshot-property: `accessKey3Active` is in a group of properties that is not a declared AccessKey
            exit 4
        "#]],
        ),
        (
            "ACCESS_KEY_3_ACTIVE",
            expect![[r#"
            OLD ann/*: unknown
            ONE ann: unknown
            snapshot-property: `ACCESS_KEY_3_ACTIVE` is in a group of properties that is not a declared AccessKey
            exit 4
        "#]],
        ),
        (
            "access_keys_3_active",
            expect![[r#"
            OLD ann/*: unknown
            ONE ann: unknown
            snapshot-property: `access_keys_3_active` is in a group of properties that is not a declared AccessKey
            exit 4
        "#]],
        ),
        (
            "access_key_3_else",
            expect![[r#"
            OLD ann/*: unknown
            ONE ann: unknown
            snapshot-property: `access_key_3_else` is in a group of properties that is not a declared AccessKey
            exit 4
        "#]],
        ),
        (
            "route_3_active",
            expect![[r#"
            exit 0
        "#]],
        ),
    ] {
        check_by(&schema, &snapshot(&format!(r#"{NONE}, "access_key_1_active": false, "{name}": true"#)), expected);
    }
}

#[test]
fn groups_that_a_row_with_an_error_lacks_may_be_instances() {
    let schema = SCHEMA.replace(" @closed", "");
    let (none, null) = ("", r#", "access_key_2_active": null"#);
    let first =
        r#", "access_key_1_active": true, "access_key_1_last_rotated": "2026-08-30", "access_key_1_region": "eu""#;
    let second = first.replace("key_1", "key_2");
    let certificates =
        r#", "cert_1_active": null, "cert_1_serial": null, "cert_2_active": null, "cert_2_serial": null"#;
    for (properties, error, expected) in [
        (
            [first, none],
            r#""forbidden""#,
            expect![[r#"
                OLD ann/*: unknown
                CERT ann/*: unknown
                ONE ann: unknown
                SERIAL ann/*: unknown
                snapshot-property: the object has an error, so the properties that it lacks, or has as null, are unknown
                exit 4
            "#]],
        ),
        (
            [first, NONE],
            r#""forbidden""#,
            expect![[r#"
                OLD ann/*: unknown
                CERT ann/*: unknown
                ONE ann: unknown
                SERIAL ann/*: unknown
                snapshot-property: the object has an error, so the properties that it lacks, or has as null, are unknown
                exit 4
            "#]],
        ),
        (
            [first, null],
            r#""forbidden""#,
            expect![[r#"
                OLD ann/*: unknown
                CERT ann/*: unknown
                ONE ann: unknown
                SERIAL ann/*: unknown
                snapshot-property: the object has an error, so the properties that it lacks, or has as null, are unknown
                exit 4
            "#]],
        ),
        (
            [first, &second],
            r#""forbidden""#,
            expect![[r#"
                ONE ann: fail
                CERT ann/*: unknown
                SERIAL ann/*: unknown
                exit 1
            "#]],
        ),
        (
            [first, none],
            r#"[{}]"#,
            expect![[r#"
                OLD ann/*: unknown
                CERT ann/*: unknown
                ONE ann: unknown
                SERIAL ann/*: unknown
                snapshot-property: the object has an error, so the properties that it lacks, or has as null, are unknown
                exit 4
            "#]],
        ),
        (
            [first, none],
            "null",
            expect![[r#"
            exit 0
        "#]],
        ),
        (
            [none, none],
            r#""forbidden""#,
            expect![[r#"
                OLD ann/*: unknown
                CERT ann/*: unknown
                ONE ann: unknown
                SERIAL ann/*: unknown
                SOME ann: unknown
                exit 4
            "#]],
        ),
    ] {
        let [one, other] = properties;
        let row = snapshot(&format!(r#"{certificates}, "note": "x"{one}{other}, "error": {error}"#));
        check_by(&schema, &row, expected);
    }
    // An `@ignore` of the row holds.
    let ignored = schema.replace(r#"@key("user")"#, r#"@key("user") @ignore("error")"#);
    check_by(
        &ignored,
        &snapshot(&format!(r#"{first}, "error": "forbidden""#)),
        expect![[r#"
        exit 0
    "#]],
    );
}

#[test]
fn values_that_a_group_lacks_in_a_row_with_an_error_are_uncaptured() {
    let schema = SCHEMA.replace(" @closed", "");
    let both =
        r#", "note": "x", "access_key_1_active": true, "access_key_2_active": false, "access_key_2_region": "eu""#;
    check_by(
        &schema,
        &snapshot(&format!(r#"{both}, "error": "forbidden""#)),
        expect![[r#"
        ONE ann: fail
        OLD ann/access_key_1: unknown
        CERT ann/*: unknown
        SERIAL ann/*: unknown
        snapshot-property: the object has an error, so the properties that it lacks, or has as null, are unknown
        exit 1
    "#]],
    );
    check_by(
        &schema,
        &snapshot(&format!(r#"{both}, "errors": [ ]"#)),
        expect![[r#"
        OLD ann/access_key_1: fail
        ONE ann: fail
        exit 1
    "#]],
    );
    // The object with the groups is below the row.
    let phones = r#"{"id_home": "n1", "verified_home": true, "pin_home": "1", "error": {"code": 403}}"#;
    let row = format!(r#"{{"users": [{{"user": "ann", "main": "n1", "phones": {phones}}}]}}"#);
    let run = run(PHONES, PHONE_POLICIES, &row, &["check", "a.json", "--now", NOW, "--format", "json"]);
    expect![[r#"
        CARRIER ann/n1: unknown
        CARRIER ann/*: unknown
        PIN ann/*: unknown
        VERIFIED ann/*: unknown
        snapshot-property: the object has an error, so the properties that it lacks, or has as null, are unknown
        exit 4
    "#]]
    .assert_eq(&lines(&run).iter().map(|line| format!("{line}\n")).collect::<String>());
}

#[test]
fn null_on_the_way_to_a_required_value_leaves_a_group_open() {
    let schema = SCHEMA.replace(r#"@as("bool") active: Bool"#, r#"@path("state/active") active: Bool"#);
    check_by(
        &schema,
        &snapshot(&format!(r#"{NONE}, "access_key_1_state": null"#)),
        expect![[r#"
        OLD ann/*: unknown
        ONE ann: unknown
        SOME ann: unknown
        exit 4
    "#]],
    );
}

#[test]
fn a_row_without_any_group_lacks_the_list() {
    check(
        "",
        expect![[r#"
        OLD ann/*: unknown
        ONE ann: unknown
        SOME ann: unknown
        exit 4
    "#]],
    );
    let empty = SCHEMA.replace(r#"@ignore("service")"#, r#"@ignore("service") @missing("[]") @null("[]")"#);
    check_by(
        &empty,
        r#"{"users": [{"user": "ann", "mfa_active": true}]}"#,
        expect![[r#"
        SOME ann: fail
        exit 1
    "#]],
    );
    let nulls = r#"{"users": [{"user": "ann", "mfa_active": true, "access_key_1_active": null}]}"#;
    check_by(
        &empty,
        nulls,
        expect![[r#"
        SOME ann: fail
        exit 1
    "#]],
    );
    let stated = r#"{"users": [{"user": "ann", "mfa_active": true, "access_key_1_active": null, "uncaptured": ["access_key_1_active"]}]}"#;
    check_by(
        &empty,
        stated,
        expect![[r#"
        OLD ann/*: unknown
        ONE ann: unknown
        SOME ann: unknown
        exit 4
    "#]],
    );
    let error = nulls.replace("null", r#"null, "error": "forbidden""#);
    check_by(
        &empty.replace(" @closed", ""),
        &error,
        expect![[r#"
        OLD ann/*: unknown
        CERT ann/*: unknown
        ONE ann: unknown
        SERIAL ann/*: unknown
        SOME ann: unknown
        snapshot-property: the object has an error, so the properties that it lacks, or has as null, are unknown
        exit 4
    "#]],
    );
    // The row itself is not known.
    check_by(
        &empty,
        r#"{"users": null}"#,
        expect![[r#"
            MFA *: unknown
            OLD *: unknown
            CERT *: unknown
            ONE *: unknown
            SERIAL *: unknown
            SOME *: unknown
            exit 4
        "#]],
    );
    check_by(
        &empty,
        r#"{"users": [null, {"user": "ann", "mfa_active": true}, {"user": "ann", "mfa_active": true}]}"#,
        expect![[r#"
            MFA *: unknown
            MFA ann/*: unknown
            OLD *: unknown
            OLD ann/*: unknown
            CERT *: unknown
            CERT ann/*: unknown
            ONE ann: unknown
            ONE *: unknown
            SERIAL *: unknown
            SERIAL ann/*: unknown
            SOME ann: unknown
            SOME *: unknown
            snapshot-duplicate-id: two instances of User have the id `ann`
            exit 5
        "#]],
    );
}

#[test]
fn the_error_of_a_row_concerns_the_values_that_its_groups_lack() {
    let check = |error: &str, expected: Expect| {
        let key = r#""access_key_1_active": true, "access_key_1_region": null"#;
        let row = format!(r#"{{"users": [{{"user": "ann", "mfa_active": true, "note": "x", {key}{error}}}]}}"#);
        let policies = r#"@id("R") @title("Access keys have a region") @severity("low")
            forbid (principal, action == Action::"audit", resource is AccessKey) unless { resource has region };"#;
        let arguments = ["check", "a.json", "--now", NOW, "--format", "json"];
        expected.assert_eq(&lines(&run(&SCHEMA.replace(" @closed", ""), policies, &row, &arguments)).join("\n"));
    };
    check(
        "",
        expect![[r#"
        R ann/access_key_1: fail
        exit 1"#]],
    );
    check(
        r#", "error": "forbidden""#,
        expect![[r#"
            R ann/access_key_1: unknown
            R ann/*: unknown
            snapshot-property: the object has an error, so the properties that it lacks, or has as null, are unknown
            exit 4"#]],
    );
}

#[test]
fn a_further_group_is_reported_once() {
    let users = |of: &str| {
        let row = |name| format!(r#"{{"user": "{name}", "mfa_active": true, "access_key_1_service": "N/A"{of}}}"#);
        format!(r#"{{"users": [{}, {}]}}"#, row("ann"), row("bo"))
    };
    let open = SCHEMA.replace(" @closed", "");
    for (properties, expected) in [
        (
            r#", "access_key_3_active": true, "access_key_3_region": "eu""#,
            expect![[r#"
            OLD ann/*: unknown
            OLD bo/*: unknown
            ONE ann: unknown
            ONE bo: unknown
            SOME ann: unknown
            SOME bo: unknown
            snapshot-property: `access_key_3_active` is in a group of properties that is not a declared AccessKey
            exit 4
        "#]],
        ),
        (
            r#", "access_key_3_active": null"#,
            expect![[r#"
            SOME ann: fail
            SOME bo: fail
            exit 1
        "#]],
        ),
        (
            r#", "access_key_10_zz": true, "access_key_x_active": true"#,
            expect![[r#"
            OLD ann/*: unknown
            OLD bo/*: unknown
            ONE ann: unknown
            ONE bo: unknown
            SOME ann: unknown
            SOME bo: unknown
            snapshot-property: `access_key_10_zz` is in a group of properties that is not a declared AccessKey
            exit 4
        "#]],
        ),
    ] {
        check_by(&open, &users(properties), expected);
    }
    let ignored = open.replace(r#"@key("user")"#, r#"@key("user") @ignore("access_key_3_active")"#);
    check_by(
        &ignored,
        &users(r#", "access_key_3_active": true"#),
        expect![[r#"
        SOME ann: fail
        SOME bo: fail
        exit 1
    "#]],
    );
}

/// Groups in an object below the row, with ids of their own and names in the place of numbers.
const PHONES: &str = r#"@path("") entity Account = {};
@path("/users/*") @key("user") entity User in [Account] = { user: String, main?: Phone };
@path("/users/*/phones/*_{home,work}") @key("id")
entity Phone in [User] = { id: String, verified: Bool, @path("meta/carrier") carrier?: String, @secret pin?: String };
action "audit" appliesTo { principal: [Account], resource: [Account, User, Phone], context: {} };
"#;

const PHONE_POLICIES: &str = r#"@id("VERIFIED") @title("Phones are verified") @severity("low")
forbid (principal, action == Action::"audit", resource is Phone) unless { resource.verified };
@id("CARRIER") @title("Phones have a carrier") @severity("low")
forbid (principal, action == Action::"audit", resource is Phone) unless { resource has carrier };
@id("PIN") @title("Phones have a good code") @severity("low")
forbid (principal, action == Action::"audit", resource is Phone) unless { resource has pin && resource.pin != "1234" };
@id("MAIN") @title("The main phone is verified") @severity("low")
forbid (principal, action == Action::"audit", resource is User) when { resource has main } unless { resource.main.verified };
"#;

#[test]
fn groups_may_be_in_an_object_of_the_row() {
    let check = |phones: &str, expected: Expect| {
        let snapshot = format!(r#"{{"users": [{{"user": "ann", "main": "n1", "phones": {phones}}}]}}"#);
        let run = run(PHONES, PHONE_POLICIES, &snapshot, &["check", "a.json", "--now", NOW, "--format", "json"]);
        assert!(!run.stdout.contains("9999"), "{run:?}");
        expected.assert_eq(&lines(&run).iter().map(|line| format!("{line}\n")).collect::<String>());
    };
    check(
        r#"{"id_home": "n1", "verified_home": false, "meta_home": {"carrier": "c"}, "pin_home": "1234", "id_work": "n2", "verified_work": true,
           "meta_work": {"uncaptured": ["carrier"]}, "pin_work": "9999"}"#,
        expect![[r#"
            MAIN ann: fail
            PIN ann/n1: fail
            VERIFIED ann/n1: fail
            CARRIER ann/n2: unknown
            exit 1
        "#]],
    );
    check(
        r#"{"id_home": null, "verified_home": true}"#,
        expect![[r#"
        PIN ann/home: fail
        CARRIER ann/home: unknown
        MAIN ann: unknown
        snapshot-key: `Phone` has no `id`, which is its id
        exit 5
    "#]],
    );
    check(
        r#"{"id_home": "n1", "verified_home": true, "meta_home": 7, "id_work": "n1"}"#,
        expect![[r#"
        CARRIER ann/n1: unknown
        MAIN ann: unknown
        PIN ann/n1: unknown
        VERIFIED ann/n1: unknown
        snapshot-type: expected an object at `meta_home`, found a number
        snapshot-duplicate-id: two instances of Phone have the id `ann/n1`
        exit 5
    "#]],
    );
    check(
        r#"{"id_home": "n1", "verified_home": true, "verified_car": true, "pin_car": "1234"}"#,
        expect![[r#"
        PIN ann/n1: fail
        CARRIER ann/n1: unknown
        CARRIER ann/*: unknown
        PIN ann/*: unknown
        VERIFIED ann/*: unknown
        snapshot-property: `verified_car` is in a group of properties that is not a declared Phone
        exit 1
    "#]],
    );
    check(
        "null",
        expect![[r#"
        CARRIER ann/*: unknown
        MAIN ann: unknown
        PIN ann/*: unknown
        VERIFIED ann/*: unknown
        exit 4
    "#]],
    );
    check(
        "[]",
        expect![[r#"
        CARRIER ann/*: unknown
        MAIN ann: unknown
        PIN ann/*: unknown
        VERIFIED ann/*: unknown
        snapshot-type: expected an object at `/users/0/phones`, found an array
        exit 5
    "#]],
    );
    check(
        "{}",
        expect![[r#"
        CARRIER ann/*: unknown
        MAIN ann: unknown
        PIN ann/*: unknown
        VERIFIED ann/*: unknown
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
        "access_key_{1,2}_*",
        "access_key_*",
        expect![[r#"
        schema-path: `access_key_*` is not a step of a path: `*` is a step of its own, and means one level, null
    "#]],
    );
    wrong(
        "access_key_{1,2}_*",
        "access_key_{1,1}_*",
        expect![[r#"
        schema-path: a property can be in both groups `access_key_1_*` and `access_key_1_*`: write names that differ, null
    "#]],
    );
    wrong(
        "access_key_{1,2}_*",
        "access_key_{1,2}_*/x",
        expect![[r#"
        schema-path: a path ends at groups of properties: remove the steps after them, null
    "#]],
    );
    wrong(
        "/users/*/access_key_{1,2}_*",
        "/people/*/access_key_{1,2}_*",
        expect![[r#"
            schema-nesting: `AccessKey` is declared in `User`, and `/people/*/access_key_{1,2}_*` is not below `/users/*`, begin the `@path` with `/users/*/`, or remove `User` from `in`
            schema-path: no entity type is declared between `Account` and `AccessKey`, give the elements at the inner `*` an entity type of their own
            schema-enclosing: `AccessKey` is not nested in `User`, null
        "#]],
    );
    wrong(
        "entity AccessKey in [User]",
        "entity AccessKey",
        expect![[r#"
        schema-nesting: instances of `AccessKey` are nested in `User`, but the declaration lacks `in`, write `entity AccessKey in [User]`
    "#]],
    );
    wrong(
        r#"@ignore("service")"#,
        r#"@where("a = b")"#,
        expect![[r#"
        schema-annotation: `@where` is not possible on groups of properties, remove `@where`
    "#]],
    );
    wrong(
        r#"@ignore("service")"#,
        r#"@evidence"#,
        expect![[r#"
        schema-annotation: `@evidence` is not possible on groups of properties, remove `@evidence`
    "#]],
    );
    wrong(
        r#"@ignore("service")"#,
        r#"@one_or_many"#,
        expect![[r#"
        schema-annotation: `@one_or_many` is not possible on groups of properties, remove `@one_or_many`
    "#]],
    );
    wrong(
        r#"@ignore("service")"#,
        r#"@key("user") @expect("a")"#,
        expect![[r#"
        schema-annotation: `@expect` is not possible on groups of properties, remove `@expect`
    "#]],
    );
    wrong(
        r#"@ignore("service")"#,
        r#"@key("")"#,
        expect![[r#"
        schema-annotation: @key() reads single values, and the instances are groups of properties, remove the `@key`
    "#]],
    );
    wrong(
        r#"@ignore("service")"#,
        r#"@total("/users/*/n")"#,
        expect![[r#"
        schema-annotation: `@total` describes a list, and the `@path` of `AccessKey` does not end in `/*`, null
    "#]],
    );
    wrong(
        r#"@ignore("service")"#,
        r#"@ignore("active")"#,
        expect![[r#"
        schema-annotation: `@ignore` names `active`, which the schema declares, remove `active` from `@ignore`, or remove the attribute
    "#]],
    );
    wrong(
        "@as(\"bool\") active",
        "@path(\"\") active",
        expect![[r#"
        schema-path: a group of properties is not one value, name a property of the group
    "#]],
    );
    wrong(
        "note?: String",
        "@path(\"access_key_1_active\") @secret note?: String",
        expect![[r#"
        schema-secret: `User` reads the same value as a secret, mark it with `@secret` here, too
    "#]],
    );
}

#[test]
fn documents_state_the_places_of_groups() {
    let explained = run(SCHEMA, POLICIES, "{}", &["explain", "OLD"]);
    assert!(explained.stdout.contains("AccessKey.active at /users/*/access_key_{1,2}_active"), "{explained:?}");
    let doc = run(SCHEMA, POLICIES, "{}", &["doc"]);
    assert!(doc.stdout.contains("`/users/*/access_key_{1,2}_*`"), "{doc:?}");
    assert!(doc.stdout.contains("`/users/*/access_key_{1,2}_active`"), "{doc:?}");
    let snapshot = r#"{"users": [{"user": "ann", "mfa_active": true, "access_key_1_active": true, "access_key_1_service": "x", "access_key_1_zz": 1}]}"#;
    let inspected = run(SCHEMA, POLICIES, snapshot, &["inspect", "a.json"]);
    expect![[r#"
        new   a.json
        pack  the given schema and policies

        Not read by the schema (2)
          /users/*/access_key_1_service: string in 1 of 1, ignored  a.json:1:101
          /users/*/access_key_1_zz: number in 1 of 1  a.json:1:125

        Read by the schema, and not in the snapshot (10)
          /users/*/access_key_1_last_rotated: AccessKey.last_rotated, missing in 1, optional
              affects OLD
          /users/*/access_key_1_region: AccessKey.region, missing in 1, optional
          /users/*/access_key_2_active: AccessKey.active, missing in 1
              affects OLD
          /users/*/access_key_2_last_rotated: AccessKey.last_rotated, missing in 1, optional
              affects OLD
          /users/*/access_key_2_region: AccessKey.region, missing in 1, optional
          /users/*/cert_1_active: Certificate.active, missing in 1, optional
              affects CERT
          /users/*/cert_1_serial: Certificate.serial, missing in 1, optional
              affects SERIAL
          /users/*/cert_2_active: Certificate.active, missing in 1, optional
              affects CERT
          /users/*/cert_2_serial: Certificate.serial, missing in 1, optional
              affects SERIAL
          /users/*/note: User.note, missing in 1, optional
    "#]]
    .assert_eq(&inspected.stdout);
}
