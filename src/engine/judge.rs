//! Judging: one verdict for every check and every resource in its scope.
//!
//! Resources are judged in batches. An uncaptured list of resources has one verdict: it is unknown, unless the check
//! cannot fail for the phantom of the list.

use super::batch::{Batch, MIN_ROWS, Role};
use super::eval::{Evaluator, Request};
use super::verdict::{Verdict, VerdictCounts};
use crate::parallel::*;
use crate::policy::CheckId;
use crate::policy::WaiverId;
use crate::program::{Body, CheckProgram, PolicyOutcomes};
use crate::source::cedar::on_deep_stack;
use crate::value::{EntityRef, Outcomes, TypeId};
use std::ops::Range;

/// The subject of a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A resource.
    Entity(EntityRef),
    /// The unknown resources of an uncaptured list, by its place in the table of their type.
    Uncaptured(TypeId, usize),
}

impl Subject {
    /// Returns its type.
    pub fn ty(self) -> TypeId {
        match self {
            Subject::Entity(entity) => entity.ty,
            Subject::Uncaptured(ty, _) => ty,
        }
    }
}

/// A verdict with its subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judged {
    /// The subject.
    pub subject: Subject,
    /// The verdict.
    pub verdict: Verdict,
    /// The waiver, if the verdict is waived.
    pub waived: Option<Waived>,
}

/// The waiver of a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waived {
    /// The waiver.
    pub waiver: WaiverId,
    /// The verdict without the waiver.
    pub original: Verdict,
}

impl Judged {
    /// Returns a verdict without a waiver.
    pub fn new(subject: Subject, verdict: Verdict) -> Self {
        Self { subject, verdict, waived: None }
    }

    /// Returns the verdict without a waiver.
    pub fn original(&self) -> Verdict {
        self.waived.map_or(self.verdict, |waived| waived.original)
    }
}

/// The verdicts of a check.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// The check, by its place in the policies.
    pub check: CheckId,
    /// The number of each verdict.
    pub counts: VerdictCounts,
    /// The listed verdicts, in order of resource type and row.
    pub judged: Vec<Judged>,
}

impl Judgement {
    /// Returns the judgement of a check without verdicts.
    pub(super) fn empty(check: &CheckProgram) -> Self {
        Self { check: check.check, counts: VerdictCounts::default(), judged: Vec::new() }
    }

    /// Returns the judgement of a check that counts all verdicts, and lists those for which `is_listed` holds.
    pub(super) fn of(
        check: &CheckProgram,
        judged: impl Iterator<Item = Judged>,
        is_listed: impl Fn(Verdict) -> bool,
    ) -> Self {
        let mut judgement = Self::empty(check);
        judged.for_each(|judged| judgement.push(judged, is_listed(judged.verdict)));
        judgement
    }

    /// Counts a verdict, and lists it if it `is_listed`.
    pub(super) fn push(&mut self, judged: Judged, is_listed: bool) {
        self.counts[judged.verdict] += 1;
        if is_listed {
            self.judged.push(judged);
        }
    }

    /// Adds the verdicts of the same check on more resources.
    pub(super) fn extend(&mut self, more: Judgement) {
        self.counts += more.counts;
        match self.judged.is_empty() {
            true => self.judged = more.judged,
            false => self.judged.extend(more.judged),
        }
    }

    /// Returns the judgement with unknown in place of every verdict.
    #[must_use]
    pub fn without_decisions(mut self) -> Self {
        let total = self.total();
        self.counts = VerdictCounts::default();
        self.counts[Verdict::Unknown] = total;
        self.judged.iter_mut().for_each(|judged| judged.verdict = Verdict::Unknown);
        self
    }

    /// Returns the number of a verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.counts[verdict]
    }

    /// Returns the number of all verdicts.
    pub fn total(&self) -> usize {
        self.counts.total()
    }
}

/// The maximal number of rows in one task.
pub(super) const ROWS_PER_TASK: u32 = 4096;

impl Evaluator<'_> {
    /// Judges every check on every resource. All verdicts are counted, those in `listed` are listed too.
    pub fn judge(&self, listed: &[Verdict]) -> Vec<Judgement> {
        self.program.checks.par_iter().map(|check| self.judge_check(check, listed)).collect()
    }

    fn judge_check(&self, check: &CheckProgram, listed: &[Verdict]) -> Judgement {
        let mut judgement = Judgement::empty(check);
        for body in &check.bodies {
            let rows = self.snapshot.table(body.resource).row_numbers();
            judgement.extend(self.judge_range(check, body, rows, listed));
            for list in self.uncaptured(body) {
                let subject = Subject::Uncaptured(body.resource, list);
                judgement.push(Judged::new(subject, Verdict::Unknown), true);
            }
        }
        judgement
    }

    /// Judges a range of resources, in batches.
    pub(super) fn judge_range(
        &self,
        check: &CheckProgram,
        body: &Body,
        rows: Range<u32>,
        listed: &[Verdict],
    ) -> Judgement {
        if rows.len() <= ROWS_PER_TASK as usize {
            return on_deep_stack(|| self.judge_batch(check, body, rows, listed));
        }
        let starts: Vec<u32> = rows.clone().step_by(ROWS_PER_TASK as usize).collect();
        let judge = |start: &u32| {
            let end = rows.end.min(start.saturating_add(ROWS_PER_TASK));
            on_deep_stack(|| self.judge_batch(check, body, *start..end, listed))
        };
        let batches: Vec<Judgement> = starts.par_iter().map(judge).collect();
        let mut judgement = Judgement::empty(check);
        judgement.judged.reserve_exact(batches.iter().map(|batch| batch.judged.len()).sum());
        for batch in batches {
            judgement.counts += batch.counts;
            judgement.judged.extend(batch.judged);
        }
        judgement
    }

    fn judge_batch(&self, check: &CheckProgram, body: &Body, rows: Range<u32>, listed: &[Verdict]) -> Judgement {
        let mut judgement = Judgement::empty(check);
        if rows.len() < MIN_ROWS {
            for resource in rows.map(|row| EntityRef { ty: body.resource, row }) {
                if let Some(verdict) = self.verdict(check, body, resource) {
                    judgement.push(Judged::new(Subject::Entity(resource), verdict), listed.contains(&verdict));
                }
            }
            return judgement;
        }
        let batch = Batch { role: Role::Resource, ty: body.resource, start: rows.start, other: self.root() };
        let lanes = vec![Outcomes::EITHER; rows.len()];
        let PolicyOutcomes { scope, satisfied, applies } = self.policy_batch(body, check.conditional, batch, lanes);
        for (row, (scope, (satisfied, applies))) in rows.zip(scope.into_iter().zip(satisfied.into_iter().zip(applies)))
        {
            let resource = EntityRef { ty: body.resource, row };
            let outcomes = PolicyOutcomes { scope, satisfied, applies };
            if let Some(verdict) = self.verdict_of(&outcomes, body, resource) {
                let judged = Judged::new(Subject::Entity(resource), verdict);
                judgement.push(judged, listed.contains(&verdict));
            }
        }
        judgement
    }

    /// Returns the uncaptured lists of resources for which the check may fail, by their places in the table.
    pub fn uncaptured(&self, body: &Body) -> Vec<usize> {
        let lists = 0..self.snapshot.table(body.resource).uncaptured_lists.len();
        lists.filter(|list| self.may_fail(body, *list)).collect()
    }

    /// Returns whether the check may fail for a resource of an uncaptured list.
    ///
    /// The condition may be false for every possible element: the list is then irrelevant.
    pub(super) fn may_fail(&self, body: &Body, list: usize) -> bool {
        self.policy(body, false, &self.phantom_resource_request(body.resource, list)).satisfied != Outcomes::FALSE
    }

    /// Returns the request for the phantom of an uncaptured list of resources.
    pub(super) fn phantom_resource_request(&self, ty: TypeId, list: usize) -> Request {
        let uncaptured_in = self.snapshot.table(ty).uncaptured_lists.get(list).map(|list| list.scope);
        Request { uncaptured_in, ..self.request(EntityRef::placeholder(ty)) }
    }

    /// Returns the request in which a check judges a resource.
    pub fn request(&self, resource: EntityRef) -> Request {
        Request { principal: self.root(), resource, uncaptured_in: None }
    }

    /// Judges one resource. `None` if the check's scope excludes it, or if it is a copy of an earlier instance.
    pub fn verdict(&self, check: &CheckProgram, body: &Body, resource: EntityRef) -> Option<Verdict> {
        let outcomes = self.policy(body, check.conditional, &self.request(resource));
        self.verdict_of(&outcomes, body, resource)
    }

    fn verdict_of(&self, outcomes: &PolicyOutcomes<Outcomes>, body: &Body, resource: EntityRef) -> Option<Verdict> {
        if self.snapshot.is_copy(resource) {
            return None;
        }
        let verdict = Verdict::of(outcomes)?;
        let is_doubtful = verdict == Verdict::Pass && self.may_damage_hide(outcomes.applies, body, resource);
        Some(if is_doubtful { Verdict::Unknown } else { verdict })
    }

    /// Returns whether an invalid value may hide that a check does not apply to a resource that passes.
    ///
    /// A resource that cannot fail passes, even if a missing value leaves open whether the check applies. With a valid
    /// value in the place of an invalid one, however, the verdict might be not applicable.
    fn may_damage_hide(&self, applies: Outcomes, body: &Body, resource: EntityRef) -> bool {
        let is_open = applies.may(Outcomes::FALSE) && applies != Outcomes::FALSE;
        is_open && self.snapshot.is_damaged && !self.depends_on_missing_values(body, &self.request(resource))
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Fixture;
    use expect_test::{Expect, expect};

    /// Checks the verdicts of a check of doors with some clauses.
    #[track_caller]
    fn check(clauses: &str, snapshot: &str, expected: &Expect) {
        let schema = r#"
            @path("") entity House = { shut: Bool };
            @path("/doors/*") @key("id") entity Door in [House] = {
                @enclosing house: House, id: String, locked: Bool, keys?: Long, open?: Bool,
            };
            action audit appliesTo { principal: [House], resource: [Door], context: {} };
        "#;
        let policy = format!(
            r#"@id("D") @title("t") @severity("low")
            forbid (principal, action == Action::"audit", resource is Door) {clauses};"#
        );
        expected.assert_eq(&Fixture::new(schema, &policy, snapshot).verdicts(&[]));
    }

    const DOORS: &str = r#"{"doors": [
        {"id": "a", "locked": true, "keys": 2},
        {"id": "b", "locked": false, "keys": 2},
        {"id": "c", "keys": 0},
        {"id": "d", "locked": "yes"}
    ]}"#;

    #[test]
    fn a_verdict_is_unknown_only_if_an_unknown_value_matters() {
        check(
            "unless { resource.locked }",
            DOORS,
            &expect![[r#"
            D Door::"a": pass
            D Door::"b": fail
            D Door::"c": unknown
            D Door::"d": unknown"#]],
        );
        check(
            "when { resource has keys && resource.keys > 0 && !resource.locked }",
            DOORS,
            &expect![[r#"
            D Door::"a": pass
            D Door::"b": fail
            D Door::"c": pass
            D Door::"d": pass"#]],
        );
    }

    #[test]
    fn a_check_is_not_applicable_if_its_when_clauses_are_false() {
        check(
            "when { resource has keys } unless { resource.locked }",
            DOORS,
            &expect![[r#"
            D Door::"a": pass
            D Door::"b": fail
            D Door::"c": unknown
            D Door::"d": not_applicable"#]],
        );
    }

    #[test]
    fn an_error_is_unknown() {
        let doors = DOORS.replace("\"keys\": 0", "\"keys\": 9223372036854775807");
        check(
            "when { resource has keys && resource.keys + 1 > 2 }",
            &doors,
            &expect![[r#"
            D Door::"a": fail
            D Door::"b": fail
            D Door::"c": unknown
            D Door::"d": pass"#]],
        );
    }

    #[test]
    fn an_uncaptured_list_is_unknown_unless_no_element_can_fail() {
        let clauses = "when { resource.house.shut } unless { resource.locked }";
        check(
            clauses,
            r#"{"shut": true}"#,
            &expect![[r#"
            D more of Door: unknown"#]],
        );
        check(clauses, r#"{"shut": false}"#, &expect![""]);
    }

    /// References find an id in the form in which the schema reads it, and Cedar compares literals as they are written.
    #[test]
    fn a_literal_in_another_spelling_than_references_is_undecided() {
        let schema = r#"
            @path("") entity Org;
            @path("/people/*") @key("mail") entity Person in [Org] = { @as("email") mail: String, boss?: Person };
            action audit appliesTo { principal: [Org], resource: [Person], context: {} };
        "#;
        let verdicts = |condition: &str, people: &str| {
            let check = format!(
                r#"@id("T") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Person)
                when {{ resource has boss && {condition} }};"#
            );
            Fixture::new(schema, &check, &format!(r#"{{"people": [{people}]}}"#)).verdicts(&[])
        };
        let respelt = r#"{"mail": "Ann@x.example"}, {"mail": "bo@x.example", "boss": "ann@x.example"}"#;
        let written = respelt.replace("\"ann@", "\"Ann@");
        let is_ann = r#"resource.boss == Person::"ann@x.example""#;
        let passes = expect![[r#"
            T Person::"Ann@x.example": pass
            T Person::"bo@x.example": pass"#]];
        passes.assert_eq(&verdicts(is_ann, &written));
        let fails = expect![[r#"
            T Person::"Ann@x.example": pass
            T Person::"bo@x.example": fail"#]];
        fails.assert_eq(&verdicts(&is_ann.replace("ann@", "Ann@"), respelt));
        let unknown = expect![[r#"
            T Person::"Ann@x.example": pass
            T Person::"bo@x.example": unknown"#]];
        for condition in [
            is_ann,
            r#"resource.boss in Person::"ann@x.example""#,
            r#"[Person::"ann@x.example", Person::"c"].contains(resource.boss)"#,
            r#"resource.boss in [Person::"c", Person::"ann@x.example"]"#,
            r#"!(resource.boss != Person::"ann@x.example")"#,
        ] {
            unknown.assert_eq(&verdicts(condition, respelt));
        }
    }

    #[test]
    fn an_invalid_value_hides_whether_a_check_applies_and_a_missing_one_does_not() {
        let doors = r#"{"doors": [{"id": "a", "locked": true, "open": 7}, {"id": "b", "locked": true}]}"#;
        check(
            "when { resource has open && resource.open } unless { resource.locked }",
            doors,
            &expect![[r#"
            D Door::"a": unknown
            D Door::"b": not_applicable"#]],
        );
    }
}
