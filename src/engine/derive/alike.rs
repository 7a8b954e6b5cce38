//! Resources that are alike: those with the same values of all expressions on the resource alone that the derivations of
//! an attribute read. A derived value depends on a resource through these values only, so that it is computed once for
//! all of them: the work grows with the number of different values, not with that of resources.

use super::super::eval::{Evaluator, Request};
use super::super::index::{BuildSide, Candidate};
use super::super::operand::{AbstractValue, Domain};
use super::ROWS_PER_TASK;
use crate::parallel::*;
use crate::program::{Aggregate, DerivationProgram, DerivedAttribute, NodeId};
use crate::source::cedar::on_deep_stack;
use crate::value::{EntityRef, Outcomes, TypeId, Value};
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;
use std::ops::Range;

/// The number of principals for one resource from which the comparison of resources costs less than it saves. It is low in
/// debug builds, so that tests cover both ways.
const MIN_PRINCIPALS: usize = if cfg!(debug_assertions) { 2 } else { 8 };

/// The number of pairs from which the comparison of resources is worth its time, within the limit on pairs.
const MIN_PAIRS: usize = if cfg!(debug_assertions) { 2 } else { 1 << 10 };

/// The resources of an attribute, by likeness.
#[derive(Debug, Default)]
pub(super) struct Alike {
    /// The rows of each class of resources that are alike, in order.
    pub(super) classes: Vec<Vec<u32>>,
    /// Whether the principals of a resource are those of its class without the resource itself.
    pub(super) is_apart: bool,
}

/// The values of the expressions on a resource; `None` for an expression whose error is certain.
type Signature = Box<[Option<Value>]>;

/// Some rows in order, by likeness. A row with an unknown value is a class of its own, without a signature.
type Chunk = Vec<(Option<Signature>, Vec<u32>)>;

impl Evaluator<'_> {
    /// Returns the resources of an attribute by likeness. `None` if a derivation reads the resource itself, or if the
    /// comparison is not worth its time.
    pub(super) fn alike(
        &self,
        attribute: &DerivedAttribute,
        build_sides: &[BuildSide],
        most_pairs: usize,
    ) -> Option<Alike> {
        let tests = |(part, build): (&DerivationProgram, &BuildSide)| {
            let of_joins = part.joins.iter().zip(&build.indexes).map(|(_, index)| index.mean());
            of_joins.min().unwrap_or(build.candidates.len())
        };
        let rows = self.snapshot.table(attribute.ty).row_numbers();
        let tested = attribute.parts.iter().zip(build_sides).map(tests).max()?;
        if tested < MIN_PRINCIPALS || tested.saturating_mul(rows.len()) <= MIN_PAIRS.min(most_pairs) {
            return None;
        }
        let is_apart = attribute.parts.iter().any(|part| part.apart.is_some());
        if is_apart && !self.can_be_apart(attribute, build_sides) {
            return None;
        }
        let mut nodes: BTreeSet<NodeId> = BTreeSet::new();
        for part in &attribute.parts {
            nodes.extend(part.of_resource.as_ref()?);
        }
        let nodes: Vec<NodeId> = nodes.into_iter().collect();
        let starts: Vec<u32> = rows.clone().step_by(ROWS_PER_TASK as usize).collect();
        let chunk = |start: &u32| {
            let end = rows.end.min(start.saturating_add(ROWS_PER_TASK));
            on_deep_stack(|| self.chunk(attribute.ty, *start..end, &nodes))
        };
        let chunks: Vec<Chunk> = map_each(&starts, chunk);
        let (mut all, mut known) = (Vec::<Vec<u32>>::new(), FxHashMap::<Signature, usize>::default());
        for (signature, rows) in chunks.into_iter().flatten() {
            let at = match signature {
                Some(signature) => *known.entry(signature).or_insert(all.len()),
                None => all.len(),
            };
            match all.get_mut(at) {
                Some(class) => class.extend(rows),
                None => all.push(rows),
            }
        }
        Some(Alike { classes: all, is_apart })
    }

    fn chunk(&self, ty: TypeId, rows: Range<u32>, nodes: &[NodeId]) -> Chunk {
        let mut known: FxHashMap<Signature, usize> = FxHashMap::default();
        let mut chunk = Chunk::new();
        for row in rows {
            let signature = self.signature(EntityRef { ty, row }, nodes);
            let at = signature.as_ref().and_then(|signature| known.get(signature)).copied();
            match at.and_then(|at| chunk.get_mut(at)) {
                Some((_, class)) => class.push(row),
                None => {
                    known.extend(signature.clone().map(|signature| (signature, chunk.len())));
                    chunk.push((signature, vec![row]));
                }
            }
        }
        chunk
    }

    /// Returns whether the value of a resource follows from that of its class: the principals are counted, and no two rows
    /// can be the same instance.
    fn can_be_apart(&self, attribute: &DerivedAttribute, build_sides: &[BuildSide]) -> bool {
        let is_counted = matches!(attribute.aggregate, Aggregate::Exists | Aggregate::Count);
        let is_certain = |candidate: &Candidate| !candidate.filter.may(Outcomes::ERROR);
        let excludes_itself = |(part, build): (&DerivationProgram, &BuildSide)| {
            part.apart.is_some() && part.rest.is_some() && build.candidates.iter().all(is_certain)
        };
        is_counted
            && !self.snapshot.table(attribute.ty).has_nameless()
            && attribute.parts.iter().zip(build_sides).all(|(part, build)| {
                !part.subtracts && (part.body.principal != attribute.ty || excludes_itself((part, build)))
            })
    }

    /// Returns the values of expressions on a resource, if all of them are known.
    fn signature(&self, resource: EntityRef, nodes: &[NodeId]) -> Option<Signature> {
        let request = Request { principal: self.root(), resource, uncaptured_in: None };
        let value = |node: &NodeId| match self.value(*node, &request) {
            AbstractValue { value: Domain::Known(operand), may_error: false } if operand.is_exact() => {
                Some(Some(operand.to_value()))
            }
            AbstractValue { value: Domain::Nothing, .. } => Some(None),
            _ => None,
        };
        nodes.iter().map(value).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::fixture::Fixture;
    use expect_test::{Expect, expect};

    /// Checks how many other people of the team each person has, with a limit on pairs; both engines must agree.
    #[track_caller]
    fn check(people: &str, pairs: usize, expected: &Expect) {
        let schema = r#"
            @path("") entity Org;
            @path("/people/*") @key("id")
            entity Person in [Org] = { id: String, team: String, active?: Bool, @derived mates: Long, @derived paired: Bool };
            action audit appliesTo { principal: [Org], resource: [Person], context: {} };
            action derive appliesTo { principal: [Person], resource: [Person], context: {} };
        "#;
        let policies = r#"
            @id("mates") @derives("mates")
            permit (principal is Person, action == Action::"derive", resource is Person)
            when { principal != resource && principal.team == resource.team && principal has active && principal.active };
            @id("paired") @derives("paired")
            permit (principal is Person, action == Action::"derive", resource is Person)
            when { resource.team == principal.team && resource != principal };
            @id("T") @title("t") @severity("low")
            forbid (principal, action == Action::"audit", resource is Person) when { resource.mates > 1 && resource.paired };
        "#;
        let fixture = Fixture::new(schema, policies, &format!("{{\"people\": [{people}]}}"));
        fixture.verdicts(&[]);
        expected.assert_eq(&fixture.derived(pairs));
    }

    const TEAM: &str = r#"
        {"id": "a1", "team": "a", "active": true}, {"id": "a2", "team": "a", "active": true},
        {"id": "a3", "team": "a", "active": false}, {"id": "a4", "team": "a", "active": 7},
        {"id": "b1", "team": "b", "active": true}, {"id": "b2", "team": "b"}, {"id": "c1", "team": "c", "active": true}"#;

    #[test]
    fn a_resource_does_not_count_for_itself() {
        check(
            TEAM,
            // One person by one, there are 21 pairs.
            20,
            &expect![[r#"
            Person::"a1".mates = 1..2
            Person::"a2".mates = 1..2
            Person::"a3".mates = 2..3
            Person::"a4".mates = 2
            Person::"b1".mates = 0
            Person::"b2".mates = 1
            Person::"c1".mates = 0
            Person::"a1".paired = true
            Person::"a2".paired = true
            Person::"a3".paired = true
            Person::"a4".paired = true
            Person::"b1".paired = true
            Person::"b2".paired = true
            Person::"c1".paired = false"#]],
        );
    }

    #[test]
    fn an_unknown_team_may_be_any() {
        check(
            &format!("{TEAM}, {{\"id\": \"x\", \"team\": null, \"active\": true}}"),
            usize::MAX,
            &expect![[r#"
            Person::"a1".mates = 1..3
            Person::"a2".mates = 1..3
            Person::"a3".mates = 2..4
            Person::"a4".mates = 2..3
            Person::"b1".mates = 0..1
            Person::"b2".mates = 1..2
            Person::"c1".mates = 0..1
            Person::"x".mates = 0..5
            Person::"a1".paired = true
            Person::"a2".paired = true
            Person::"a3".paired = true
            Person::"a4".paired = true
            Person::"b1".paired = true
            Person::"b2".paired = true
            Person::"c1".paired = unknown
            Person::"x".paired = unknown"#]],
        );
    }

    #[test]
    fn people_that_may_be_one_person_are_compared_one_by_one() {
        check(
            &format!("{TEAM}, {{\"id\": \"a1\", \"team\": \"a\", \"active\": true}}"),
            usize::MAX,
            &expect![[r#"
            Person::"a1".mates = 0..5
            Person::"a2".mates = 0..3
            Person::"a3".mates = 1..4
            Person::"a4".mates = 1..3
            Person::"b1".mates = 0..2
            Person::"b2".mates = 1..3
            Person::"c1".mates = 0..2
            Person::"a1".mates = 0..5
            Person::"a1".paired = unknown
            Person::"a2".paired = true
            Person::"a3".paired = true
            Person::"a4".paired = true
            Person::"b1".paired = true
            Person::"b2".paired = true
            Person::"c1".paired = unknown
            Person::"a1".paired = unknown"#]],
        );
        check(
            &format!("{TEAM}, {{\"team\": \"a\", \"active\": true}}"),
            usize::MAX,
            &expect![[r#"
            Person::"a1".mates = 2..3
            Person::"a2".mates = 2..3
            Person::"a3".mates = 3..4
            Person::"a4".mates = 3
            Person::"b1".mates = 0
            Person::"b2".mates = 1
            Person::"c1".mates = 0
            Person::"7".mates = 2..3
            Person::"a1".paired = true
            Person::"a2".paired = true
            Person::"a3".paired = true
            Person::"a4".paired = true
            Person::"b1".paired = true
            Person::"b2".paired = true
            Person::"c1".paired = false
            Person::"7".paired = true"#]],
        );
        check(
            &format!("{TEAM}, null"),
            usize::MAX,
            &expect![[r#"
            Person::"a1".mates = 1..
            Person::"a2".mates = 1..
            Person::"a3".mates = 2..
            Person::"a4".mates = 2..
            Person::"b1".mates = 0..
            Person::"b2".mates = 1..
            Person::"c1".mates = 0..
            Person::"a1".paired = true
            Person::"a2".paired = true
            Person::"a3".paired = true
            Person::"a4".paired = true
            Person::"b1".paired = true
            Person::"b2".paired = true
            Person::"c1".paired = unknown"#]],
        );
    }
}
