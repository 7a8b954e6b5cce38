//! Cases that random ones shrank to: one row each, with the clauses of a policy, a snapshot and the expected verdict.

use super::texts::verdict_lines;

/// Returns the verdicts of a check with these clauses on every `A`; an `A` contains `B`s.
fn verdicts_on_a(clauses: &str, snapshot: &str) -> String {
    let schema = r#"
        @path("") entity Org { "top"?: A } tags A;
        @path("/as/*") @key("id") entity A in [Org] { "ref"?: A, "rec": { "m"?: Bool }, "span"?: duration };
        @path("/as/*/bs/*") @key("id") entity B in [A];
        @path("/names/*") entity Name in [Org];
        action "audit" appliesTo { principal: [Org], resource: [A], context: { "top"?: A } };
    "#;
    let policy = format!(
        r#"@id("C") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource) {clauses};"#
    );
    verdict_lines(schema, &policy, snapshot)
}

#[test]
fn cases_that_random_ones_shrank_to() {
    let table = [
        // `has` goes from a record literal into an entity.
        (
            r#"when { {m: resource, n: 1} has m.rec } unless { {m: resource, n: 1}.m has span }"#,
            r#"{"as": [{"id": "x", "rec": {}}], "names": []}"#,
            r#"A::"x" fail"#,
        ),
        // A property name with an escape is an id.
        (
            r#"when { Name::"\"" has nothing || Name::"\"" in principal }"#,
            r#"{"as": [{"id": "x", "bs": []}], "names": {"\"": {}}}"#,
            r#"A::"x" fail"#,
        ),
        // The least duration, in a snapshot and in a policy.
        (
            r#"when { resource has span && resource.span == duration("-9223372036854775808ms") }"#,
            r#"{"as": [{"id": "x", "span": "-9223372036854775808ms"}], "names": []}"#,
            r#"A::"x" fail"#,
        ),
        // A tag may refer to an entity.
        (
            r#"unless { principal.hasTag("t") && principal.getTag("t") == resource }"#,
            r#"{"tags": {"t": "x"}, "as": [{"id": "x"}], "names": []}"#,
            r#"A::"x" pass"#,
        ),
        // A literal may name an instance that was not captured.
        (
            r#"unless { B::"x/b" in resource }"#,
            r#"{"as": [{"id": "x", "bs": [null]}], "names": []}"#,
            r#"A::"x" unknown"#,
        ),
        // Nothing is known about the instance of a dangling reference.
        (
            r#"when { resource has ref && resource.ref.rec has m }"#,
            r#"{"as": [{"id": "x", "ref": "gone"}], "names": []}"#,
            r#"A::"x" unknown"#,
        ),
        (
            r#"when { resource has ref && resource.ref has rec.m }"#,
            r#"{"as": [{"id": "x", "ref": "gone"}], "names": []}"#,
            r#"A::"x" unknown"#,
        ),
        (
            r#"when { context has top && context.top.rec has m }"#,
            r#"{"top": "gone", "as": [{"id": "x"}], "names": []}"#,
            r#"A::"x" unknown"#,
        ),
    ];
    for (clauses, snapshot, expected) in table {
        assert_eq!(verdicts_on_a(clauses, snapshot), expected, "{clauses}");
    }
}

#[test]
fn derivations_from_what_is_known_in_part_stay_open() {
    let attributes = r#""u": Bool, "n": Long, "x": Set<Set<Long>>, "y": Set<Long>"#;
    let schema = format!(
        r#"
        @path("") entity Org {{ @derived "d": Bool, {attributes} }};
        @path("/as/*") entity A in [Org] {{ {attributes} }};
        action "audit" appliesTo {{ principal: [Org], resource: [Org] }};
        action "derive" appliesTo {{ principal: [A], resource: [Org] }};
        "#
    );
    let table = [
        ("principal.x == resource.x", r#"{"x": [[1, 2]], "as": [{"x": [[1, null]]}]}"#),
        ("resource.x.contains(principal.y)", r#"{"x": [[1, null]], "as": [{"y": [1, 2]}]}"#),
        ("principal.x.contains(resource.y)", r#"{"y": [1, 2], "as": [{"x": [[1, null]]}]}"#),
        // The literal may name the very principal that was not captured.
        (r#"A::"0" in principal"#, "{}"),
        // Whether the left side ends in an error is not known.
        (
            "(if principal.u then 5 else 9223372036854775807 + principal.n) == resource.n",
            r#"{"n": 6, "as": [{"n": 1}]}"#,
        ),
    ];
    for (condition, snapshot) in table {
        let policies = format!(
            r#"
            @id("D") @derives("d") permit (principal is A, action == Action::"derive", resource is Org) when {{ {condition} }};
            @id("C") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource) unless {{ resource.d }};
            "#
        );
        assert_eq!(verdict_lines(&schema, &policies, snapshot), r#"Org::"" unknown"#, "{condition}");
    }
}
