//! Near misses: principals that do not contribute to a derived value because of one condition.
//!
//! A condition on both sides relates a principal to the resource. A principal for which such a condition is false is of
//! no interest to the user, so a near miss satisfies all of these, and only one condition on itself is false.

use super::eval::{Evaluator, Request};
use super::explain::Decided;
use crate::program::{Condition, DerivationProgram};
use crate::value::{EntityRef, Outcomes};

/// Principals of a table that is searched. A search of a larger table would take too long for one finding.
const MOST_PRINCIPALS: usize = 256;

/// A principal that would contribute to a derived value if one condition were true.
#[derive(Debug)]
pub struct NearMiss<'a> {
    /// The principal.
    pub principal: EntityRef,
    /// The clauses that make the condition false.
    pub clauses: Vec<Decided<'a>>,
}

impl<'a> Evaluator<'a> {
    /// Returns the first near misses of a derived attribute (by its place in the program) of one resource, in order of
    /// the derivations and rows, at most `most`. Tables with more than 256 principals are not searched.
    pub fn near_misses(&self, at: usize, resource: EntityRef, most: usize) -> Vec<NearMiss<'a>> {
        let parts = self.program.derived.get(at).map_or(&[][..], |attribute| &attribute.parts);
        let searched = parts
            .iter()
            .filter(|part| !part.subtracts && self.snapshot.table(part.body.principal).rows.len() <= MOST_PRINCIPALS);
        let near = searched.flat_map(|part| {
            let ty = part.body.principal;
            self.snapshot.table(ty).row_numbers().filter_map(move |row| {
                let principal = EntityRef { ty, row };
                let request = Request { principal, resource, uncaptured_in: None };
                let clauses = self.explain_condition(self.only_false(part, &request)?, &request);
                Some(NearMiss { principal, clauses })
            })
        });
        near.take(most).collect()
    }

    /// Returns the condition of a derivation that is false for a pair for which all others are true.
    fn only_false<'p>(&self, part: &'p DerivationProgram, request: &Request) -> Option<&'p Condition> {
        if part.conjuncts.len() < 2 {
            return None;
        }
        let mut only = None;
        for conjunct in &part.conjuncts {
            match self.condition(&conjunct.condition, request) {
                Outcomes::TRUE => {}
                // The false condition before it is its guard.
                Outcomes::ERROR if only.is_some() => {}
                Outcomes::FALSE if only.is_none() && conjunct.principal && !conjunct.resource => {
                    only = Some(&conjunct.condition);
                }
                _ => return None,
            }
        }
        only
    }
}

#[cfg(test)]
mod tests {
    use crate::engine::fixture::Fixture;
    use expect_test::{Expect, expect};

    const SCHEMA: &str = r#"
        @path("") entity Org;
        @path("/keys/*") @key("id")
        entity Key in [Org] = { id: String, @derived approved: Bool };
        @path("/approvals/*") @key("id")
        entity Approval in [Org] = { id: String, key: String, state?: String, uses: Long };
        action audit appliesTo { principal: [Org], resource: [Key], context: {} };
        action derive appliesTo { principal: [Approval], resource: [Key], context: {} };
    "#;

    #[track_caller]
    fn check(condition: &str, approvals: &str, near: Expect) {
        let policies = format!(
            "@id(\"K\") @title(\"k\") @severity(\"low\")
             forbid (principal, action == Action::\"audit\", resource is Key) unless {{ resource.approved }};
             @id(\"D\") @derives(\"approved\")
             permit (principal is Approval, action == Action::\"derive\", resource is Key) when {{ {condition} }};"
        );
        let snapshot = format!(r#"{{"keys": [{{"id": "k"}}], "approvals": [{approvals}]}}"#);
        near.assert_eq(&Fixture::new(SCHEMA, &policies, &snapshot).near_misses());
    }

    const CONDITION: &str =
        r#"principal.key == resource.id && principal has state && principal.state == "on" && principal.uses > 0"#;

    #[test]
    fn a_principal_that_one_condition_excludes_is_a_near_miss() {
        check(
            CONDITION,
            r#"{"id": "a", "key": "k", "state": "off", "uses": 1}, {"id": "b", "key": "k", "state": "on", "uses": 0}"#,
            expect![[r#"
                a: principal.state == "on"
                b: principal.uses > 0"#]],
        );
    }

    #[test]
    fn a_condition_that_the_false_one_guards_does_not_count() {
        check(CONDITION, r#"{"id": "a", "key": "k", "uses": 1}"#, expect!["a: principal has state"]);
    }

    #[test]
    fn a_principal_of_another_resource_or_with_two_false_conditions_is_not_a_near_miss() {
        check(
            CONDITION,
            r#"{"id": "a", "key": "j", "state": "on", "uses": 1}, {"id": "b", "key": "k", "state": "off", "uses": 0}"#,
            expect![""],
        );
    }

    #[test]
    fn the_only_condition_of_a_derivation_has_no_near_misses() {
        check("principal.uses > 0", r#"{"id": "a", "key": "k", "uses": 0}"#, expect![""]);
    }
}
