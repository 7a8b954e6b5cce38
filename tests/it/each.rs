//! Sets that are read through `*` in their path.

use crate::support::{NOW, Run, deodar};
use expect_test::{Expect, expect};

fn run(attribute: &str, plans: &str, arguments: &[&str]) -> Run {
    let schema = format!(
        r#"@path("") entity Account = {{}};
@path("/users/*") @key("id") entity User in [Account] = {{ {attribute} }};
action "audit" appliesTo {{ principal: [Account], resource: [Account, User], context: {{}} }};
"#
    );
    let policies = r#"@id("PAID") @title("Users have a paid plan") @severity("high")
forbid (principal, action == Action::"audit", resource is User) unless { resource.plans.contains("paid") };
@id("FEW") @title("Users have free plans at most") @severity("low")
forbid (principal, action == Action::"audit", resource is User) unless { ["free"].containsAll(resource.plans) };
"#;
    let snapshot = format!(r#"{{"users": [{{"id": "ann", {plans}}}]}}"#);
    let files =
        [("s.cedarschema", schema.as_bytes()), ("p.cedar", policies.as_bytes()), ("a.json", snapshot.as_bytes())];
    deodar(&files, &[arguments, &["--schema", "s.cedarschema", "--policies", "p.cedar"]].concat())
}

const PLANS: &str = r#"@path("service/plans/*/plan/name") plans: Set<String>"#;

fn lines(run: &Run) -> String {
    let report = run.json();
    let found = report["findings"].as_array().expect("a list").iter();
    let found = found.map(|found| format!("{}: {}, {}\n", found["check"], found["verdict"], found["message"]));
    let wrong = report["diagnostics"].as_array().expect("a list").iter();
    let wrong = wrong.map(|found| format!("{}: {}\n", found["code"], found["message"]));
    found.chain(wrong).chain([format!("exit {}\n", run.code)]).collect::<String>().replace('"', "")
}

/// Compares the verdicts of both engines, and the diagnostics.
#[track_caller]
fn check(plans: &str, expected: Expect) {
    let arguments = ["check", "a.json", "--now", NOW, "--format", "json", "--verdicts", "all"];
    expected.assert_eq(&lines(&run(PLANS, plans, &arguments)));
}

#[test]
fn an_object_is_not_a_list_of_texts() {
    let arguments = ["check", "a.json", "--now", NOW, "--format", "json", "--verdicts", "all"];
    let found = |attribute: &str, plans: &str| lines(&run(attribute, plans, &arguments));
    let texts = r#"@path("plans/*") plans: Set<String>"#;
    expect![[r#"
        FEW: fail, plans is [\free\, \paid\]
        exit 1
    "#]]
    .assert_eq(&found(texts, r#""plans": ["free", "paid"]"#));
    for (attribute, plans) in [
        (texts, r#""plans": {"error": "paid"}"#),
        (texts, r#""plans": {"a": "paid"}"#),
        (r#"@path("services/*/plans/*") plans: Set<String>"#, r#""services": {"a": {"plans": {"error": "paid"}}}"#),
    ] {
        let expected = expect![[r#"
            PAID: unknown, plans is [unknown elements]
            FEW: unknown, plans is [unknown elements]
            snapshot-type: `plans` is an object, expected an array
            exit 5
        "#]];
        expected.assert_eq(&found(attribute, plans));
    }
}

#[test]
fn the_values_of_all_elements_are_a_set() {
    check(
        r#""service": {"plans": [{"plan": {"name": "free"}}, {"plan": {"name": "paid"}}]}"#,
        expect![[r#"
        FEW: fail, plans is [\free\, \paid\]
        exit 1
    "#]],
    );
    check(
        r#""service": {"plans": {"a": {"plan": {"name": "free"}}}}"#,
        expect![[r#"
        PAID: fail, plans is [\free\]
        exit 1
    "#]],
    );
    check(
        r#""service": {"plans": []}"#,
        expect![[r#"
        PAID: fail, plans is []
        exit 1
    "#]],
    );
}

#[test]
fn an_element_without_the_value_is_unknown() {
    check(
        r#""service": {"plans": [{"plan": {"name": "paid"}}, {"plan": {}}]}"#,
        expect![[r#"
            FEW: fail, plans is [\paid\, and unknown elements]
            exit 1
        "#]],
    );
    check(
        r#""service": {"plans": [{"plan": {"name": "free"}}, {"plan": null}, null]}"#,
        expect![[r#"
            PAID: unknown, plans is [\free\, and unknown elements]
            FEW: unknown, plans is [\free\, and unknown elements]
            exit 4
        "#]],
    );
    check(
        r#""service": {"plans": [{"plan": {"name": "free"}}, 7, {"plan": "x"}, {"plan": {"name": 7}}]}"#,
        expect![[r#"
            PAID: unknown, plans is [\free\, and unknown elements]
            FEW: unknown, plans is [\free\, and unknown elements]
            snapshot-type: `plans` is a number, expected an object
            snapshot-type: `plans` is a string, expected an object
            snapshot-type: `plans` is a number, expected a string
            exit 5
        "#]],
    );
    check(
        r#""service": {"plans": [{"plan": {"name": "free", "name": "paid"}}]}"#,
        expect![[r#"
            PAID: unknown, plans is [unknown elements]
            FEW: unknown, plans is [unknown elements]
            snapshot-duplicate-key: duplicate property `name`
            exit 5
        "#]],
    );
}

#[test]
fn an_error_in_a_map_is_not_an_element() {
    let paid = r#"{"plan": {"name": "paid"}}"#;
    check(
        &format!(r#""service": {{"plans": {{"error": {paid}}}}}"#),
        expect![[r#"
        PAID: unknown, plans is [unknown elements]
        FEW: unknown, plans is [unknown elements]
        snapshot-type: `plans` is an object, expected an array
        exit 5
    "#]],
    );
    check(
        &format!(r#""service": {{"plans": {{"a": {paid}, "Errors": {paid}}}}}"#),
        expect![[r#"
        FEW: fail, plans is [\paid\, and unknown elements]
        snapshot-property: the map has an error, so it may have further elements
        exit 1
    "#]],
    );
    check(
        r#""service": {"plans": {"a": {"plan": {"name": "free"}}, "error": "forbidden"}}"#,
        expect![[r#"
        PAID: unknown, plans is [\free\, and unknown elements]
        FEW: unknown, plans is [\free\, and unknown elements]
        snapshot-property: the map has an error, so it may have further elements
        exit 4
    "#]],
    );
    check(
        r#""service": {"plans": {"a": {"plan": {"name": "free"}}, "error": null}}"#,
        expect![[r#"
        PAID: fail, plans is [\free\]
        exit 1
    "#]],
    );
}

#[test]
fn the_values_of_a_name_that_is_given_twice_are_unknown() {
    let map = |first: &str, again: &str| {
        format!(
            r#""service": {{"plans": {{"a": {{"plan": {{"name": "{first}"}}}}, "\u0061": {{"plan": {{"name": "{again}"}}}}}}}}"#
        )
    };
    check(
        &map("free", "paid"),
        expect![[r#"
        PAID: unknown, plans is [unknown elements]
        FEW: unknown, plans is [unknown elements]
        snapshot-duplicate-key: duplicate property `a`
        exit 5
    "#]],
    );
    check(
        &map("paid", "paid"),
        expect![[r#"
        PAID: unknown, plans is [unknown elements]
        FEW: unknown, plans is [unknown elements]
        snapshot-duplicate-key: duplicate property `a`
        exit 5
    "#]],
    );
}

#[test]
fn a_list_that_is_missing_is_unknown() {
    check(
        r#""service": {"plans": null}"#,
        expect![[r#"
        PAID: unknown, plans was not captured
        FEW: unknown, plans was not captured
        exit 4
    "#]],
    );
    check(
        r#""service": {}"#,
        expect![[r#"
        PAID: unknown, plans was not captured
        FEW: unknown, plans was not captured
        exit 4
    "#]],
    );
    check(
        r#""service": {"plans": "free"}"#,
        expect![[r#"
        PAID: unknown, plans is unreadable
        FEW: unknown, plans is unreadable
        snapshot-type: `plans` is a string, expected an array
        exit 5
    "#]],
    );
}

#[test]
fn a_value_that_is_doubtful_opens_the_set() {
    // Each element but the first may have a plan that is not free.
    for (plans, code) in [
        (r#"[{"plan": {"name": "free", "uncaptured": ["name"]}}]"#, 4),
        (r#"[{"plan": {"name": "free"}, "uncaptured": ["plan"]}]"#, 4),
        (r#"[{"plan": {"name": "free", "Name": "paid"}}]"#, 5),
        (r#"[{"plan": {"name": "free"}, "Plan": {"name": "paid"}}]"#, 5),
        (r#"{"a": {"plan": {"name": "free"}}, "a": {"plan": {"name": "free"}}}"#, 5),
        (r#"[{"plan": {"name": "free", "uncaptured": "name"}}]"#, 5),
    ] {
        let arguments = ["check", "a.json", "--now", NOW, "--format", "json", "--only", "FEW"];
        let run = run(PLANS, &format!(r#""service": {{"plans": {plans}}}"#), &arguments);
        let report = run.json();
        let is_wrong_statement = plans.contains(r#": "name""#);
        assert_eq!(run.code, code, "{plans}: {report:#}");
        assert_eq!(report["findings"][0]["verdict"] == "unknown", !is_wrong_statement, "{plans}: {report:#}");
    }
}

#[test]
fn a_statement_of_an_element_may_name_a_value_that_is_not_declared() {
    let attribute =
        r#"@path("service/plans/*/tier") plans: Set<String>, @path("service/plans/*/seats") seats: Set<Long>"#;
    let arguments = ["check", "a.json", "--now", NOW, "--format", "json", "--only", "FEW", "--verdicts", "all"];
    let of = |named: &str| {
        let plans = format!(r#""service": {{"plans": [{{"tier": "free", "seats": 1, "uncaptured": [{named}]}}]}}"#);
        lines(&run(attribute, &plans, &arguments))
    };
    expect![[r#"
        exit 0
    "#]]
    .assert_eq(&of(r#""seats""#));
    expect![[r#"
        FEW: unknown, plans is [unknown elements]
        exit 4
    "#]]
    .assert_eq(&of(r#""tier""#));
    expect![[r#"
        FEW: unknown, plans is [unknown elements]
        snapshot-uncaptured: `uncaptured` names `teir`, which the schema does not declare here
        exit 4
    "#]]
    .assert_eq(&of(r#""teir""#));
    expect![[r#"
        FEW: unknown, plans is [unknown elements]
        snapshot-uncaptured: `uncaptured` names `tiers_of_region`, which the schema does not declare here
        exit 4
    "#]]
    .assert_eq(&of(r#""tiers_of_region", "seats""#));
}

#[test]
fn a_slip_next_to_the_value_is_a_warning() {
    check(
        r#""service": {"plans": [{"plan": {"name": "free", "nmae": "paid", "names": 1}, "paln": {}}]}"#,
        expect![[r#"
            PAID: fail, plans is [\free\]
            snapshot-property: unknown property `nmae`, which may be a misspelling of `name`
            snapshot-property: unknown property `paln`, which may be a misspelling of `plan`
            exit 1
        "#]],
    );
    let attribute =
        r#"@path("service/plans/*/tier") plans: Set<String>, @path("service/plans/*/tire") tires: Set<String>"#;
    let arguments = ["check", "a.json", "--now", NOW, "--format", "json"];
    let of = |plan: &str| lines(&run(attribute, &format!(r#""service": {{"plans": [{plan}]}}"#), &arguments));
    expect![[r#"
        PAID: fail, plans is [\free\]
        exit 1
    "#]]
    .assert_eq(&of(r#"{"tier": "free", "tire": "x"}"#));
    let secret = attribute.replace("@path(\"service/plans/*/tier", "@secret @path(\"service/plans/*/tier");
    let found = lines(&run(&secret, r#""service": {"plans": [{"tier": "free", "teir": "paid"}]}"#, &arguments));
    assert!(found.contains("unknown property `***`") && !found.contains("teir"), "{found}");
}

#[test]
fn several_lists_are_one_set() {
    let attribute = r#"@path("teams/*/plans/*") plans: Set<String>"#;
    let plans = r#""teams": [{"plans": ["free"]}, {"plans": ["paid", null]}, {}]"#;
    let run = run(attribute, plans, &["check", "a.json", "--now", NOW, "--format", "json"]);
    expect![[r#"
        FEW: fail, plans is [\free\, \paid\, and unknown elements]
        exit 1
    "#]]
    .assert_eq(&lines(&run));
}

#[test]
fn explain_names_the_place() {
    let text = run(PLANS, "", &["explain", "PAID"]).stdout;
    expect![[r#"
        it reads
          User.plans at /users/*/service/plans/*/plan/name
    "#]]
    .assert_eq(text.split_once("Values ").map_or("", |(_, rest)| rest));
}

#[test]
fn secrets_are_masked() {
    let attribute = format!("@secret {PLANS}");
    let plans = r#""service": {"plans": [{"plan": {"name": "hidden"}}, {"plan": {"name": 7001}}, {"plan": {"nme": "hidden"}}]}"#;
    for format in ["json", "text"] {
        let run = run(&attribute, plans, &["check", "a.json", "--now", NOW, "--format", format]);
        assert!(!run.stdout.contains("hidden") && !run.stdout.contains("7001"), "{}", run.stdout);
    }
}

#[test]
fn a_path_that_is_not_possible_is_refused() {
    let refused = |attribute: &str| lines(&run(attribute, "", &["check", "a.json", "--now", NOW, "--format", "json"]));
    expect![[r#"
        schema-path: `*` reads a set, but the attribute is of type String
        exit 5
    "#]]
    .assert_eq(&refused(r#"@path("plans/*/name") plans: Set<String>, @path("plans/*/id") ids: String"#));
    expect![[r#"
        schema-path: `*` follows the name of a list, such as `plans/*/name`
        exit 5
    "#]]
    .assert_eq(&refused(r#"@path("*/name") plans: Set<String>"#));
    expect![[r#"
        schema-reader: `length` gives a whole number, but the attribute is of type Set<String>
        exit 5
    "#]]
    .assert_eq(&refused(r#"@path("plans/*/name") @as("length") plans: Set<String>"#));
}

#[test]
fn readers_read_every_value() {
    let attribute = r#"@path("plans/*/names") @as("split(\",\"), casefold") @unknown("tbd") plans: Set<String>"#;
    let check = |plans: &str, expected: Expect| {
        let arguments = ["check", "a.json", "--now", NOW, "--format", "json", "--verdicts", "all"];
        expected.assert_eq(&lines(&run(attribute, plans, &arguments)));
    };
    check(
        r#""plans": [{"names": "FREE, Paid"}, {"names": ""}]"#,
        expect![[r#"
            FEW: fail, plans is [\free\, \paid\]
            exit 1
        "#]],
    );
    check(
        r#""plans": {"a": {"names": " Free "}, "b": {"names": "free,FREE"}}"#,
        expect![[r#"
            PAID: fail, plans is [\free\]
            exit 1
        "#]],
    );
    check(
        r#""plans": [{"names": "FREE"}, {"names": "TBD"}]"#,
        expect![[r#"
            PAID: unknown, plans is [\free\, and unknown elements]
            FEW: unknown, plans is [\free\, and unknown elements]
            exit 4
        "#]],
    );
    check(
        r#""plans": [{"names": "FREE, tbd"}, {"names": "paid"}]"#,
        expect![[r#"
            FEW: fail, plans is [\free\, \paid\, and unknown elements]
            exit 1
        "#]],
    );
    check(
        r#""plans": [{"names": 7}, {"names": ["paid"]}, {"names": "free"}, {}]"#,
        expect![[r#"
            PAID: unknown, plans is [\free\, and unknown elements]
            FEW: unknown, plans is [\free\, and unknown elements]
            snapshot-type: `plans` is a number, expected a string
            snapshot-type: `plans` is an array, expected a string
            exit 5
        "#]],
    );
    check(
        r#""plans": null"#,
        expect![[r#"
            PAID: unknown, plans was not captured
            FEW: unknown, plans was not captured
            exit 4
        "#]],
    );
}

#[test]
fn one_missing_place_blocks_the_verdicts_of_all_checks_that_read_it() {
    let found = run(PLANS, r#""service": null"#, &["check", "a.json", "--now", NOW, "--style", "concise"]);
    assert!(found.stdout.contains("missing data: 1 place blocks 2 verdicts of 2 checks"), "{}", found.stdout);
}
