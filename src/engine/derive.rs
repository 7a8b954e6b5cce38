//! Derivation: attributes of resources, computed from the principals that derivation policies permit.
//!
//! Testing every principal on every resource is quadratic, so each derivation is a hash join with a residual predicate.
//! It has three phases:
//!
//! 1. `build` filters the principals by the conditions on them alone, and indexes them by their join value.
//! 2. `probe` looks up the principals of each resource, and evaluates the rest of the condition for these pairs.
//! 3. `aggregate` combines the pairs of a resource to a value: whether, how many, or which principals there are.
//!
//! If the joins decide the whole condition, `lookup` replaces the second phase. Otherwise, `alike` finds the resources that have
//! one value, and `limits` bounds the number of pairs before it.

mod aggregate;
mod filters;
mod build;
mod probe;
mod lookup;
mod alike;
mod limits;

use super::batch::{Batch, Role, Values};
use super::eval::{AttributeJoins, Evaluator};
use super::index::{BuildSide, ProbeLimits};
use super::symbols::Symbols;
use crate::parallel::*;
use crate::program::{Aggregate, DerivationProgram, DerivedAttribute, JoinKey, NodeId, NodeKind};
use crate::schema::{SlotId, Ty};
use crate::snapshot::{Column, UncapturedList};
use crate::source::cedar::on_deep_stack;
use crate::value::{EntityRef, Outcomes, TypeId};
use aggregate::{Aggregated, Apart, CountedValue, Truncated, witnesses};
use alike::Alike;
use filters::SharedFilters;
use probe::{JoinValues, Prober};
use std::collections::BTreeSet;
use std::sync::Arc;

pub use aggregate::Witness;
pub use limits::TooManyPairs;

/// The maximal number of rows in one task.
const ROWS_PER_TASK: u32 = 4096;

/// The minimal number of tasks for an attribute, if there are as many resources: one resource may have many principals.
const MIN_TASKS: u32 = 64;

/// The number of pairs up to which one task derives an attribute.
const PAIRS_PER_TASK: usize = 1 << 14;

/// The number of pairs up to which all of them are tested, because an index costs more. It is low in debug builds, so that
/// tests cover both ways.
const FEW_PAIRS: usize = if cfg!(debug_assertions) { 2 } else { 8 };

/// The principals that contribute to a derived value, and the lists that may have more of them.
#[derive(Debug, Default)]
pub struct Contributions<'a> {
    /// The principals, in order of type and row.
    pub witnesses: Vec<Witness>,
    /// The uncaptured lists that may have principals which count.
    pub lists: Vec<&'a UncapturedList>,
}

/// The result of the derivation of one attribute.
struct Derived {
    column: Option<Column>,
    limits: Option<Vec<ProbeLimits>>,
    too_many: Vec<TooManyPairs>,
}

impl<'a> Evaluator<'a> {
    /// Computes every derived attribute of the program.
    ///
    /// Returns the derivations that exceed `most_pairs` pairs: their attributes are unknown.
    pub(super) fn derive(&mut self, most_pairs: usize) -> Vec<TooManyPairs> {
        let symbols = Arc::new(Symbols::new(self.snapshot, self.joined_texts()));
        let bound = Arc::make_mut(&mut self.bound);
        bound.joins = self.program.derived.iter().map(|_| AttributeJoins::default()).collect();
        bound.symbols = symbols;
        self.derive_where(|_| true, most_pairs)
    }

    /// Computes some of the derived attributes, by their places in the program, and takes the others from an evaluator
    /// that has derived them from the same snapshot.
    pub(super) fn derive_again(&mut self, other: &Self, again: &[bool], most_pairs: usize) -> Vec<TooManyPairs> {
        let shared = |joins: &AttributeJoins| AttributeJoins { limits: joins.limits.clone(), ..Default::default() };
        let bound = Arc::make_mut(&mut self.bound);
        bound.joins = other.bound.joins.iter().map(shared).collect();
        bound.derived.clone_from(&other.bound.derived);
        bound.symbols = Arc::clone(&other.bound.symbols);
        self.derive_where(|at| again.get(at) == Some(&true), most_pairs)
    }

    /// Returns the columns of texts that joins of more than a few pairs compare.
    fn joined_texts(&self) -> BTreeSet<(TypeId, SlotId)> {
        let slot = |node: NodeId| match self.program.node(node).kind {
            NodeKind::Slot(_, ty, slot) if self.model.ty(ty).slot(slot).ty == Ty::String => Some((ty, slot)),
            _ => None,
        };
        let rows = |ty: TypeId| self.snapshot.table(ty).rows.len();
        let mut columns = BTreeSet::new();
        for attribute in &self.program.derived {
            let resources = rows(attribute.ty);
            let is_joined = |part: &&DerivationProgram| rows(part.body.principal).saturating_mul(resources) > FEW_PAIRS;
            for join in attribute.parts.iter().filter(is_joined).flat_map(|part| &part.joins) {
                let (JoinKey::Equal(principal, resource) | JoinKey::Element(principal, resource)) = join.key else {
                    continue;
                };
                if let Some(column) = slot(principal) {
                    columns.insert(column);
                    columns.extend(slot(resource));
                }
            }
        }
        columns
    }

    fn derive_where(&mut self, is_wanted: impl Fn(usize) -> bool, most_pairs: usize) -> Vec<TooManyPairs> {
        let attributes = self.program.derived.iter().enumerate().filter(|(at, _)| is_wanted(*at));
        let attributes: Vec<(usize, &DerivedAttribute)> = attributes.collect();
        let shared = SharedFilters::new(self, attributes.iter().map(|(_, attribute)| *attribute));
        let mut all_too_many = Vec::new();
        // Attributes of one level do not read each other.
        for level in attributes.chunk_by(|(_, a), (_, b)| a.level == b.level) {
            let derived: Vec<Derived> =
                level.par_iter().map(|(_, attribute)| self.derive_attribute(attribute, &shared, most_pairs)).collect();
            let bound = Arc::make_mut(&mut self.bound);
            for ((at, attribute), Derived { column, limits, too_many }) in level.iter().zip(derived) {
                all_too_many.extend(too_many);
                if let Some(joins) = bound.joins.get_mut(*at) {
                    joins.limits = limits;
                }
                let slots = bound.derived.get_mut(attribute.ty.index());
                if let Some(slot) = slots.and_then(|slots| slots.get_mut(attribute.slot.index())) {
                    *slot = column.map(Arc::new);
                }
            }
        }
        all_too_many
    }

    /// Computes one attribute.
    fn derive_attribute(&self, attribute: &DerivedAttribute, shared: &SharedFilters, most_pairs: usize) -> Derived {
        if self.snapshot.table(attribute.ty).rows.is_empty() {
            return Derived { column: None, limits: Some(Vec::new()), too_many: Vec::new() };
        }
        let is_limited = most_pairs < FEW_PAIRS;
        let build_side = |part| self.build_side(attribute, part, is_limited, shared);
        let build_sides = || attribute.parts.iter().map(build_side).collect();
        let mut build_sides: Vec<BuildSide> = on_deep_stack(build_sides);
        let is_lookup = self.is_lookup(attribute, &build_sides, most_pairs);
        let alike = if is_lookup { None } else { self.alike(attribute, &build_sides, most_pairs) };
        let mut too_many = Vec::new();
        for (part, build) in attribute.parts.iter().zip(&mut build_sides).filter(|_| !is_lookup) {
            match self.limits(part, build, (attribute.ty, alike.as_ref()), most_pairs) {
                Ok(limits) => build.limits = limits,
                Err(excess) => too_many.push(excess),
            }
        }
        let is_within_limits = too_many.is_empty();
        let is_limited = build_sides.iter().any(|build| build.limits != ProbeLimits::default());
        let limits = || build_sides.iter().filter(|_| is_limited).map(|build| build.limits).collect();
        let limits = is_within_limits.then(limits);
        // The values of an attribute with an invalid derivation are unknown.
        let is_derived = is_within_limits && !attribute.broken;
        let derive = || match &alike {
            Some(alike) => self.derive_classes(attribute, &build_sides, alike),
            None => self.derive_column(attribute, &build_sides, is_lookup),
        };
        let column = is_derived.then(|| on_deep_stack(derive));
        Derived { column, limits, too_many }
    }

    /// Probes with every resource of an attribute, and aggregates.
    fn derive_column(&self, attribute: &DerivedAttribute, build_sides: &[BuildSide], is_lookup: bool) -> Column {
        let rows = self.snapshot.table(attribute.ty).row_numbers();
        let tested = build_sides.iter().map(|build| build.candidates.len() + build.lists.len()).sum::<usize>();
        let tasks = if tested.saturating_mul(rows.len()) <= PAIRS_PER_TASK { 1 } else { MIN_TASKS };
        let rows_per_task = rows.end.div_ceil(tasks).clamp(1, ROWS_PER_TASK);
        let principals = self.all_principal_values(attribute, build_sides);
        let derive_batch = |start: &u32| {
            let len = (rows.end - start).min(rows_per_task);
            let batch = Batch { role: Role::Resource, ty: attribute.ty, start: *start, other: self.root() };
            let values = |part: &DerivationProgram| self.resource_values(part, batch);
            let resources = with_index(attribute, build_sides, values);
            let mut pairs = Vec::new();
            let lookup = is_lookup.then(|| self.lookup(attribute, build_sides, &resources, batch));
            let derive_one = |at: u32| {
                if let Some(found) = lookup.as_ref().and_then(|lookup| lookup.found(at)) {
                    let certain = i64::try_from(found.certain).unwrap_or(i64::MAX);
                    return aggregate::counted(attribute.aggregate, (certain, certain), found.more);
                }
                let resource = EntityRef { ty: attribute.ty, row: start + at };
                let prober = Prober { principals: &principals, resources: &resources, at, ..Prober::single(resource) };
                self.derive_value(attribute, build_sides, prober, &mut pairs)
            };
            aggregate::column(attribute.aggregate, len as usize, (0..len).map(derive_one))
        };
        if rows_per_task >= rows.end {
            return derive_batch(&0);
        }
        let starts: Vec<u32> = rows.clone().step_by(rows_per_task as usize).collect();
        let batches: Vec<Column> = map_each(&starts, |start| on_deep_stack(|| derive_batch(start)));
        aggregate::concatenated(batches)
    }

    /// Probes with one resource of each class, and gives its value to all resources of the class.
    fn derive_classes(&self, attribute: &DerivedAttribute, build_sides: &[BuildSide], alike: &Alike) -> Column {
        let classes_per_task = (alike.classes.len() / MIN_TASKS as usize).clamp(1, ROWS_PER_TASK as usize);
        let principals = self.all_principal_values(attribute, build_sides);
        let derive_some = |classes: &[Vec<u32>]| {
            let mut pairs = Vec::new();
            let mut derived: Vec<(u32, Aggregated)> = Vec::new();
            for rows in classes {
                let Some(first) = rows.first() else { continue };
                let resource = EntityRef { ty: attribute.ty, row: *first };
                let prober = Prober { principals: &principals, ..Prober::single(resource) };
                if alike.is_apart {
                    let counts = self.derive_apart(attribute, build_sides, prober, &mut pairs);
                    let value = |row: u32| counts.without(EntityRef { ty: attribute.ty, row });
                    derived.extend(rows.iter().map(|row| (*row, value(*row))));
                } else {
                    let value = self.derive_value(attribute, build_sides, prober, &mut pairs);
                    derived.extend(rows.iter().map(|row| (*row, value.clone())));
                }
            }
            derived
        };
        let tasks = alike.classes.par_chunks(classes_per_task);
        let derived: Vec<Vec<(u32, Aggregated)>> =
            tasks.map(|classes| on_deep_stack(|| derive_some(classes))).collect();
        let mut derived: Vec<(u32, Aggregated)> = derived.into_iter().flatten().collect();
        derived.sort_unstable_by_key(|(row, _)| *row);
        aggregate::column(attribute.aggregate, derived.len(), derived.into_iter().map(|(_, value)| value))
    }

    /// Returns the principals that count for a class of resources, each of which does not count for itself.
    fn derive_apart<'s, 'm: 's>(
        &'m self,
        attribute: &'s DerivedAttribute,
        build_sides: &'s [BuildSide],
        prober: Prober<'s, 'm>,
        pairs: &mut Vec<aggregate::Pair>,
    ) -> Apart {
        pairs.clear();
        let prober = Prober { ignores_apart: true, ..prober };
        let truncated = self.pairs(attribute, build_sides, prober, pairs);
        let more = self.further(attribute, build_sides, prober, truncated);
        Apart::new(attribute.aggregate, witnesses(pairs, truncated), more)
    }

    /// Returns the value of a derived attribute for one resource; `pairs` is scratch space.
    fn derive_value<'s, 'm: 's>(
        &'m self,
        attribute: &'s DerivedAttribute,
        build_sides: &'s [BuildSide],
        prober: Prober<'s, 'm>,
        pairs: &mut Vec<aggregate::Pair>,
    ) -> Aggregated {
        pairs.clear();
        // One principal that certainly counts decides whether there is one.
        let is_enough = attribute.aggregate == Aggregate::Exists && attribute.parts.iter().all(|part| !part.subtracts);
        let prober = Prober { one_is_enough: is_enough, ..prober };
        let truncated = self.pairs(attribute, build_sides, prober, pairs);
        if is_enough && pairs.last().is_some_and(|pair| pair.outcomes == Outcomes::TRUE) {
            return aggregate::counted(Aggregate::Exists, (1, 1), 0);
        }
        let more = self.further(attribute, build_sides, prober, truncated);
        match attribute.aggregate {
            Aggregate::Distinct => {
                let value = |principal| self.counted_value(attribute, principal);
                aggregate::distinct(witnesses(pairs, truncated), value, more)
            }
            kind => aggregate::aggregate(kind, witnesses(pairs, truncated), more),
        }
    }

    /// Returns how many principals may count besides those that were tested.
    fn further<'s, 'm: 's>(
        &'m self,
        attribute: &'s DerivedAttribute,
        build_sides: &'s [BuildSide],
        prober: Prober<'s, 'm>,
        truncated: Truncated,
    ) -> u64 {
        if build_sides.iter().all(|build| build.lists.is_empty()) {
            return if truncated.permitted { u64::MAX } else { 0 };
        }
        let mut more = 0u64;
        let is_complete = self.contributing_lists(attribute, build_sides, prober, |list| {
            more = more.saturating_add(list.most.unwrap_or(u64::MAX));
            list.most.is_some()
        });
        if truncated.permitted || !is_complete { u64::MAX } else { more }
    }

    /// Returns the value of a principal of which the different ones are counted.
    fn counted_value(&self, attribute: &DerivedAttribute, principal: EntityRef) -> CountedValue {
        let Some(slot) = attribute.distinct(principal.ty) else { return CountedValue::Absent };
        match self.slot_value(principal, slot) {
            _ if self.is_absent(principal, slot) => CountedValue::Absent,
            Some(value) => CountedValue::Known(value),
            None => {
                let may_be_absent = !self.model.ty(principal.ty).slot(slot).required;
                CountedValue::Unknown { may_be_absent }
            }
        }
    }

    /// Returns the principals that contribute to a derived attribute (by its place in the program) of one resource.
    pub fn contributions(&self, at: usize, resource: EntityRef) -> Contributions<'a> {
        let Some((attribute, joins)) = self.program.derived.get(at).zip(self.bound.joins.get(at)) else {
            return Contributions::default();
        };
        // A derivation that exceeds the limit tests no pairs.
        let Some(limits) = &joins.limits else { return Contributions::default() };
        let build_sides = joins.build_sides.get_or_init(|| {
            // It works on one thread, because this is a lock.
            let build_side = |(at, part): (usize, &DerivationProgram)| {
                let limits = limits.get(at).copied().unwrap_or_default();
                let is_limited = limits != ProbeLimits::default();
                BuildSide { limits, ..self.build_side(attribute, part, is_limited, &SharedFilters::default()) }
            };
            attribute.parts.iter().enumerate().map(build_side).collect()
        });
        let mut pairs = Vec::new();
        let prober = Prober::single(resource);
        let truncated = self.pairs(attribute, build_sides, prober, &mut pairs);
        let mut lists = Vec::new();
        self.contributing_lists(attribute, build_sides, prober, |list| {
            lists.push(list);
            true
        });
        Contributions { witnesses: witnesses(&mut pairs, truncated).collect(), lists }
    }

    /// Returns the values of all principals that the joins of derivations compare, where there is an index.
    fn all_principal_values(&self, attribute: &DerivedAttribute, build_sides: &[BuildSide]) -> Vec<JoinValues<'_>> {
        with_index(attribute, build_sides, |part| {
            part.joins.iter().map(|join| self.principal_values(part, join.key)).collect()
        })
    }

    /// Returns whether a join compares the symbols of texts: those of the principals are a column that is interned.
    fn is_interned(&self, key: JoinKey) -> bool {
        let (JoinKey::Equal(principal, _) | JoinKey::Element(principal, _)) = key else { return false };
        match self.program.node(principal).kind {
            NodeKind::Slot(_, ty, slot) => self.bound.symbols.column(ty, slot).is_some(),
            _ => false,
        }
    }

    /// Returns the values of all principals of a derivation that a join compares.
    fn principal_values(&self, part: &DerivationProgram, key: JoinKey) -> Option<Values<'_>> {
        let ty = part.body.principal;
        let batch = Batch { role: Role::Principal, ty, start: 0, other: self.root() };
        self.join_values(key, key.principal()?, batch)
    }

    /// Returns the values of a batch of resources that the joins of a derivation compare.
    fn resource_values(&self, part: &DerivationProgram, batch: Batch) -> JoinValues<'_> {
        part.joins.iter().map(|join| self.join_values(join.key, join.key.resource(), batch)).collect()
    }

    /// Returns the values of one side of a join.
    fn join_values(&self, key: JoinKey, side: NodeId, batch: Batch) -> Option<Values<'_>> {
        if self.is_interned(key) { self.symbols(side, batch) } else { self.values(side, batch) }
    }
}

/// Returns the values for each derivation that has an index. There are none if no derivation has one.
fn with_index<'m>(
    attribute: &DerivedAttribute,
    build_sides: &[BuildSide],
    values: impl Fn(&DerivationProgram) -> JoinValues<'m>,
) -> Vec<JoinValues<'m>> {
    if !build_sides.iter().any(BuildSide::has_index) {
        return Vec::new();
    }
    let parts = attribute.parts.iter().zip(build_sides);
    parts.map(|(part, build)| if build.has_index() { values(part) } else { JoinValues::new() }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Fixture;
    use expect_test::{Expect, expect};

    /// Checks the values of an attribute `users` of teams, which policies derive from users.
    #[track_caller]
    fn check(ty: &str, policies: &[(&str, &str)], snapshot: &str, expected: &Expect) {
        check_within(usize::MAX, ty, policies, snapshot, expected);
    }

    #[track_caller]
    fn check_within(pairs: usize, ty: &str, policies: &[(&str, &str)], snapshot: &str, expected: &Expect) {
        let schema = r#"
            @path("") entity Org;
            @path("/teams/*") @key("id")
            entity Team in [Org] = {
                id: String, domain?: String, hosts?: Set<String>, codes: Set<String>, @derived users: TYPE,
            };
            @path("/teams/*/users/*") @key("id")
            entity User in [Team] = { id: String, active?: Bool, domain?: String, age?: Long, hosts?: Set<String> };
            action audit appliesTo { principal: [Org], resource: [Team], context: {} };
            action derive appliesTo { principal: [User], resource: [Team], context: {} };
        "#;
        let policy = |(at, (effect, condition)): (usize, &(&str, &str))| {
            format!(
                r#"@id("D{at}") @derives("users")
                {effect} (principal is User, action == Action::"derive", resource is Team) when {{ {condition} }};"#
            )
        };
        let check = r#"@id("T") @title("t") @severity("low")
            forbid (principal, action == Action::"audit", resource is Team) when { resource has users };"#;
        let check = check.replace(
            "resource has users",
            match ty {
                "Bool" => "resource.users",
                "Long" => "resource.users > 0",
                _ => "resource.users.isEmpty()",
            },
        );
        let policies: Vec<String> = policies.iter().enumerate().map(policy).chain([check]).collect();
        let fixture = Fixture::new(&schema.replace("TYPE", ty), &policies.join("\n"), snapshot);
        expected.assert_eq(&fixture.derived(pairs));
    }

    const NESTED: &str = r#"{"teams": [
        {"id": "a", "users": [{"id": "1", "active": true}, {"id": "2", "active": false}]},
        {"id": "b", "users": [{"id": "3", "active": true}, {"id": "4", "active": 5}]},
        {"id": "c", "users": []},
        {"id": "d"}
    ]}"#;

    #[test]
    fn a_join_by_in_finds_the_principals_of_each_resource() {
        let condition = [("permit", "principal in resource && principal has active && principal.active")];
        check(
            "Long",
            &condition,
            NESTED,
            &expect![[r#"
            Team::"a".users = 1
            Team::"b".users = 1..2
            Team::"c".users = 0
            Team::"d".users = 0.."#]],
        );
        check(
            "Bool",
            &condition,
            NESTED,
            &expect![[r#"
            Team::"a".users = true
            Team::"b".users = true
            Team::"c".users = false
            Team::"d".users = unknown"#]],
        );
        check(
            "Set<User>",
            &condition,
            NESTED,
            &expect![[r#"
            Team::"a".users = [a/1]
            Team::"b".users = [b/3, b/4?]
            Team::"c".users = []
            Team::"d".users = [] and more"#]],
        );
    }

    #[test]
    fn a_forbid_subtracts_and_an_unknown_one_makes_a_principal_uncertain() {
        let policies = [("permit", "principal in resource"), ("forbid", "principal has active && principal.active")];
        check(
            "Set<User>",
            &policies,
            NESTED,
            &expect![[r#"
            Team::"a".users = [a/2]
            Team::"b".users = [b/4?]
            Team::"c".users = []
            Team::"d".users = [] and more"#]],
        );
    }

    const EQUAL: &str = r#"{"teams": [
        {"id": "a", "domain": "x", "hosts": ["h", "i"], "users": [
            {"id": "1", "domain": "x", "age": 3, "hosts": ["h"]},
            {"id": "2", "domain": "y", "hosts": []}
        ]},
        {"id": "b", "domain": "y", "hosts": ["j"], "users": [
            {"id": "3", "domain": "y", "age": 9, "hosts": ["j", "h"]},
            {"id": "4", "domain": 5, "hosts": ["i", "k"]}
        ]},
        {"id": "c", "domain": 7, "users": []}
    ]}"#;

    /// The limit on pairs holds for one team of each domain, not for all teams.
    #[test]
    fn resources_that_are_alike_are_derived_once() {
        let team = |id: &str, domain: &str, users: &str| {
            format!(r#"{{"id": "{id}", "domain": {domain}, "users": [{users}]}}"#)
        };
        let users = (1..=4).map(|at| format!(r#"{{"id": "{at}", "domain": "x"}}"#)).collect::<Vec<_>>().join(",");
        let teams = [
            team("a", "\"x\"", &users),
            team("b", "\"y\"", r#"{"id": "5", "domain": "y"}"#),
            team("c", "\"x\"", ""),
            team("d", "\"x\"", ""),
            team("e", "null", ""),
            team("f", "\"z\"", r#"{"id": "6", "domain": 7}"#),
        ];
        let snapshot = format!(r#"{{"teams": [{}]}}"#, teams.join(","));
        let policies =
            [("permit", "principal has domain && resource has domain && principal.domain == resource.domain")];
        check_within(
            11,
            "Long",
            &policies,
            &snapshot,
            &expect![[r#"
            Team::"a".users = 4..5
            Team::"b".users = 1..2
            Team::"c".users = 4..5
            Team::"d".users = 4..5
            Team::"e".users = 0..
            Team::"f".users = 0..1"#]],
        );
        check_within(
            11,
            "Set<User>",
            &policies,
            &snapshot,
            &expect![[r#"
            Team::"a".users = [a/1, a/2, a/3, a/4, f/6?]
            Team::"b".users = [b/5, f/6?]
            Team::"c".users = [a/1, a/2, a/3, a/4, f/6?]
            Team::"d".users = [a/1, a/2, a/3, a/4, f/6?]
            Team::"e".users = [] and more
            Team::"f".users = [f/6?]"#]],
        );
    }

    #[test]
    fn a_join_by_an_equal_text_verifies_the_value_and_tests_unknown_ones_everywhere() {
        let equal = "principal has domain && resource has domain && principal.domain == resource.domain";
        check(
            "Set<User>",
            &[("permit", equal)],
            EQUAL,
            &expect![[r#"
            Team::"a".users = [a/1, b/4?]
            Team::"b".users = [a/2, b/3, b/4?]
            Team::"c".users = [a/1?, a/2?, b/3?, b/4?]"#]],
        );
    }

    #[test]
    fn a_join_by_an_element_of_either_side_finds_the_same_pairs() {
        let of_resource = "principal has domain && resource has hosts && resource.hosts.contains(principal.domain)";
        let snapshot = EQUAL.replace(r#""domain": "x", "hosts": ["h", "i"]"#, r#""hosts": ["x", "y"]"#);
        check(
            "Set<User>",
            &[("permit", of_resource)],
            &snapshot,
            &expect![[r#"
            Team::"a".users = [a/1, a/2, b/3, b/4?]
            Team::"b".users = [b/4?]
            Team::"c".users = []"#]],
        );
        let of_principal = "principal has hosts && resource has domain && principal.hosts.contains(resource.domain)";
        let snapshot = EQUAL.replace(r#""domain": "x", "hosts": ["h", "i"]"#, r#""domain": "h""#);
        check(
            "Set<User>",
            &[("permit", of_principal)],
            &snapshot,
            &expect![[r#"
            Team::"a".users = [a/1, b/3]
            Team::"b".users = []
            Team::"c".users = [a/1?, b/3?, b/4?]"#]],
        );
    }

    #[test]
    fn the_residual_predicate_is_tested_for_the_pairs_of_a_join() {
        let condition = "principal in resource && (principal has age && principal.age > 4 || resource.id == \"a\")";
        check(
            "Set<User>",
            &[("permit", condition)],
            EQUAL,
            &expect![[r#"
            Team::"a".users = [a/1, a/2]
            Team::"b".users = [b/3]
            Team::"c".users = []"#]],
        );
    }

    #[test]
    fn a_residual_predicate_that_may_fail_makes_a_principal_uncertain() {
        let condition = "principal in resource && principal has age && principal.age + 9223372036854775800 > 0";
        check(
            "Set<User>",
            &[("permit", condition)],
            EQUAL,
            &expect![[r#"
            Team::"a".users = [a/1]
            Team::"b".users = [b/3?]
            Team::"c".users = []"#]],
        );
    }

    #[test]
    fn a_derivation_beyond_the_limit_on_pairs_is_unknown() {
        check_within(
            3,
            "Long",
            &[("permit", "principal.id != resource.id")],
            EQUAL,
            &expect![[r#"
            TooManyPairs { derivation: DerivationId(0), principals: 4, resources: 3, found: None }
            Team::"a".users = unknown
            Team::"b".users = unknown
            Team::"c".users = unknown"#]],
        );
        let joined = "principal has domain && resource has domain && principal.domain == resource.domain";
        check_within(
            1,
            "Long",
            &[("permit", joined)],
            EQUAL,
            &expect![[r#"
            TooManyPairs { derivation: DerivationId(0), principals: 4, resources: 3, found: Some(3) }
            Team::"a".users = unknown
            Team::"b".users = unknown
            Team::"c".users = unknown"#]],
        );
    }

    /// A limit holds for the matches, and for the pairs of a resource whose join value is not known.
    #[test]
    fn lookups_give_what_joins_decide() {
        let snapshot = r#"{"teams": [
            {"id": "x", "users": [{"id": "1", "domain": "x", "age": 1}, {"id": "2", "domain": "x", "age": 2}]},
            {"id": "y", "users": [{"id": "3", "domain": "x", "age": 3}, {"id": "4"}]},
            {"id": "c", "users": []}
        ]}"#;
        let check = |pairs, ty: &str, condition: &str, expected: &Expect| {
            check_within(pairs, ty, &[("permit", condition)], snapshot, expected);
        };
        let of_domain = "principal has domain && principal.domain == resource.id";
        let of_both = format!("principal in resource && {of_domain}");
        check(
            3,
            "Long",
            of_domain,
            &expect![[r#"
            Team::"x".users = 3
            Team::"y".users = 0
            Team::"c".users = 0"#]],
        );
        check(
            3,
            "Bool",
            of_domain,
            &expect![[r#"
            Team::"x".users = true
            Team::"y".users = false
            Team::"c".users = false"#]],
        );
        check(
            2,
            "Bool",
            of_domain,
            &expect![[r#"
            TooManyPairs { derivation: DerivationId(0), principals: 3, resources: 3, found: Some(3) }
            Team::"x".users = unknown
            Team::"y".users = unknown
            Team::"c".users = unknown"#]],
        );
        check(
            3,
            "Long",
            &of_both,
            &expect![[r#"
            Team::"x".users = 2
            Team::"y".users = 0
            Team::"c".users = 0"#]],
        );
        check(
            3,
            "Bool",
            "principal in resource && principal has age && principal.age > 2",
            &expect![[r#"
            Team::"x".users = false
            Team::"y".users = true
            Team::"c".users = false"#]],
        );
    }

    #[test]
    fn lookups_in_sets_leave_open_what_uncaptured_lists_may_have() {
        let snapshot = r#"{"teams": [
            {"id": "a", "codes": ["h", "i"], "users": [
                {"id": "1", "domain": "h"}, {"id": "2", "domain": "j"}, {"id": "3", "domain": "i"}
            ]},
            {"id": "b", "codes": [], "users": [{"id": "4", "domain": "h"}]},
            {"id": "c", "users": [{"id": "5", "domain": "h"}]},
            {"id": "d", "codes": ["h"]},
            {"id": "e", "codes": [], "users": null},
            {"id": "f", "codes": ["k", 7], "users": [{"id": "6", "domain": "k"}, {"id": "7", "domain": "l"}]},
            {"id": "g", "users": null}
        ]}"#;
        let condition = "principal has domain && principal in resource && resource.codes.contains(principal.domain)";
        let check = |ty: &str, expected: &Expect| {
            check_within(usize::MAX, ty, &[("permit", condition)], snapshot, expected);
        };
        check(
            "Long",
            &expect![[r#"
            Team::"a".users = 2
            Team::"b".users = 0
            Team::"c".users = 0..1
            Team::"d".users = 0..
            Team::"e".users = 0
            Team::"f".users = 1..2
            Team::"g".users = 0.."#]],
        );
        check(
            "Bool",
            &expect![[r#"
            Team::"a".users = true
            Team::"b".users = false
            Team::"c".users = unknown
            Team::"d".users = unknown
            Team::"e".users = false
            Team::"f".users = true
            Team::"g".users = unknown"#]],
        );
    }

    #[test]
    fn beyond_the_limit_principals_without_a_key_are_sampled() {
        let equal = "principal has domain && resource has domain && principal.domain == resource.domain";
        check_within(
            4,
            "Long",
            &[("permit", equal)],
            EQUAL,
            &expect![[r#"
            Team::"a".users = 1..
            Team::"b".users = 2..
            Team::"c".users = 0.."#]],
        );
    }
}
