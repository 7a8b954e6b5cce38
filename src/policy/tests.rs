//! Tables for the policies of a file: text in; roles, metadata and diagnostics out.

use super::Policies;
use crate::schema::Schema;
use crate::source::Source;
use expect_test::{Expect, expect};
use std::fmt::Write;

const SCHEMA: &str = r#"
    @path("") entity Lab = { open: Bool };
    @path("/people/*") @key("name") entity Person in [Lab] = { name: String, age?: Long, @derived peers: Long };
    action audit appliesTo { principal: [Lab], resource: [Lab, Person], context: {} };
    action derive appliesTo { principal: [Person], resource: [Person], context: {} };
"#;

/// Compares the policies of a text and the diagnostics, one line for each; `#` in the text is the head of a sound check.
fn check(text: &str, expected: Expect) {
    let (schema, problems) = Schema::parse(&Source::new("lab.cedarschema", SCHEMA).unwrap());
    assert!(problems.is_empty(), "{problems:?}");
    let head = "@title(\"T\") @severity(\"low\") forbid (principal, action == Action::\"audit\", resource is Person)";
    let file = Source::new("lab.cedar", text.replace('#', head)).unwrap();
    let (policies, diagnostics) = Policies::parse(&schema.unwrap(), &[file]);
    let mut lines = String::new();
    for check in &policies.checks {
        let statement = &check.statement;
        let clauses: Vec<&str> = statement.clauses.iter().map(|clause| statement.source.slice(clause.span)).collect();
        let (severity, valid) = (check.severity.name(), statement.valid);
        writeln!(lines, "check {} {severity} valid={valid} {:?} {clauses:?}", statement.id, check.controls).unwrap();
    }
    for derivation in &policies.derivations {
        let (id, valid) = (&derivation.statement.id, derivation.statement.valid);
        writeln!(lines, "derivation {id} of {} subtracts={} valid={valid}", derivation.derives, derivation.subtracts)
            .unwrap();
    }
    for found in &diagnostics {
        let at = found.labels.first().map(|label| label.place.text().lines().next().unwrap_or_default().to_owned());
        writeln!(lines, "{}: {} at {at:?}", found.code.name(), found.message).unwrap();
    }
    expected.assert_eq(&lines);
}

#[test]
fn a_broken_policy_does_not_hide_the_others() {
    check(
        "@id(\"A\") # when { true }; @id(\"B\") # when { ; @id(\"C\") # unless { false };",
        expect![[r#"
        check A low valid=true [] ["when { true }"]
        check C low valid=true [] ["unless { false }"]
        policy-syntax: unexpected token `;` at Some(";")
    "#]],
    );
    check(
        "@id(\"A\") # when { resource.nme == 1 }; @id(\"B\") #;",
        expect![[r#"
        check A low valid=false [] ["when { resource.nme == 1 }"]
        check B low valid=true [] []
        policy-invalid: for policy `A`, attribute `nme` on entity type `Person` not found at Some("resource.nme")
    "#]],
    );
    check(
        "@id(\"A\") #; @id(\"A\") #;",
        expect![[r#"
        check A low valid=true [] []
        policy-id: two policies have the id `A` at Some("@id(\"A\")")
    "#]],
    );
    check("", expect![[""]]);
}

#[test]
fn the_effect_the_action_and_the_annotations_determine_the_role() {
    let derives = "(principal is Person, action == Action::\"derive\", resource is Person)";
    check(
        &format!("@id(\"D\") @derives(\"peers\") permit {derives};"),
        expect![[r#"
        derivation D of peers subtracts=false valid=true
    "#]],
    );
    check(
        &format!("@id(\"D\") @derives(\"peers\") forbid {derives};"),
        expect![[r#"
        derivation D of peers subtracts=true valid=true
    "#]],
    );
    check(
        &format!("@id(\"D\") @derives(\"peer\") permit {derives};"),
        expect![[r#"
        derivation D of peer subtracts=false valid=false
        derivation-target: `Person` has no `@derived` attribute `peer` at Some("\"peer\"")
    "#]],
    );
    check(
        &format!("@id(\"D\") permit {derives};"),
        expect![[r#"
        policy-role: `D` is for the action `derive` but has no `@derives` at Some("permit")
    "#]],
    );
    check(
        "@id(\"P\") permit (principal, action == Action::\"audit\", resource);",
        expect![[r#"
        policy-role: `P` permits `audit` and has no `@waives` at Some("permit")
    "#]],
    );
    check(
        "@id(\"P\") @waives(\"A\") permit (principal, action == Action::\"audit\", resource);",
        expect![[r#"
        policy-annotation: waiver `P` has no `@expires` at Some("permit")
        policy-annotation: waiver `P` has no `@owner` at Some("permit")
        policy-annotation: waiver `P` has no `@reason` at Some("permit")
    "#]],
    );
    check(
        "@id(\"T\") permit (principal == ?principal, action, resource);",
        expect![[r#"
        policy-template: a template cannot be a check: it has a slot that nothing fills at Some("@id(\"T\") permit (principal == ?principal, action, resource);")
    "#]],
    );
}

#[test]
fn the_annotations_of_a_check_are_read() {
    check(
        "@id(\"A\") @soc2(\"CC6.1, CC6.2 ,\") #;",
        expect![[r#"
        check A low valid=true [("soc2", ["CC6.1", "CC6.2"])] []
    "#]],
    );
    check(
        "@id(\"A\") @remedation(\"x\") #;",
        expect![[r#"
        check A low valid=true [] []
        policy-annotation: unknown annotation `@remedation` at Some("@remedation(\"x\")")
    "#]],
    );
    check(
        "#;",
        expect![[r#"
        policy-id: policy without `@id` at Some("forbid")
    "#]],
    );
    check(
        "@id(\"A\") @severity(\"hgh\") forbid (principal, action == Action::\"audit\", resource);",
        expect![[r#"
        check A critical valid=false [] []
        policy-severity: unknown severity `hgh` at Some("\"hgh\"")
        policy-annotation: check `A` has no `@title` at Some("forbid")
    "#]],
    );
}
