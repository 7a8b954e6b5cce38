//! Join plans: the pairs of a derivation are found without trying every principal on every resource.
//!
//! A join condition, such as `principal in resource.workspace` or `principal.email == resource.email`, becomes a hash
//! join. Cedar evaluates conditions in order. A join may therefore skip the conditions after it, and those before it
//! only if they cannot be an error: for a pair that the join omits, Cedar's result must be `false`.

use super::*;
use crate::policy::ClauseKind;
use crate::schema::Origin;

/// A condition of a derivation's top-level conjunction.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Conjunct {
    /// The condition.
    pub condition: Condition,
    /// Whether it reads the principal.
    pub principal: bool,
    /// Whether it reads the resource.
    pub resource: bool,
    /// Whether it can end in an error.
    pub fallible: bool,
}

/// A join of a derivation.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Join {
    /// The condition.
    pub node: NodeId,
    /// The join predicate.
    pub key: JoinKey,
}

/// The predicate that joins a principal to a resource.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub enum JoinKey {
    /// The principal is in the entity that this node gives for the resource.
    Within(NodeId),
    /// A value of the principal equals a value of the resource.
    Equal(NodeId, NodeId),
    /// A value of the principal is an element of a set of the resource.
    Element(NodeId, NodeId),
    /// A set of the principal contains a value of the resource.
    Holds(NodeId, NodeId),
}

impl JoinKey {
    /// Returns the side of the principal, if it is not the principal itself.
    pub fn principal(self) -> Option<NodeId> {
        match self {
            JoinKey::Within(_) => None,
            JoinKey::Equal(node, _) | JoinKey::Element(node, _) | JoinKey::Holds(node, _) => Some(node),
        }
    }

    /// Returns the side of the resource.
    pub fn resource(self) -> NodeId {
        let (JoinKey::Within(node) | JoinKey::Equal(_, node) | JoinKey::Element(_, node) | JoinKey::Holds(_, node)) =
            self;
        node
    }
}

/// The outcome of planning.
#[derive(Default)]
pub(super) struct Plan {
    pub conjuncts: Vec<Conjunct>,
    pub filters: Vec<Condition>,
    pub joins: Vec<Join>,
    pub rest: Option<Vec<Condition>>,
    pub of_resource: Option<Vec<NodeId>>,
    pub apart: Option<Condition>,
}

pub(super) fn plan(model: &Model, program: &Program, body: &Body) -> Plan {
    let mut conjuncts: Vec<Conjunct> = body.scope.iter().map(|part| conjunct(model, program, part.clone())).collect();
    for clause in &body.clauses {
        match clause.kind {
            ClauseKind::When => flatten(model, program, &clause.condition, &mut conjuncts),
            ClauseKind::Unless => {
                let negated = Condition::Not(Box::new(clause.condition.clone()));
                conjuncts.push(conjunct(model, program, negated));
            }
        }
    }
    let relevant = |conjunct: &&Conjunct| !in_root(model, program, &conjunct.condition);
    let all: Vec<Conjunct> = conjuncts.iter().filter(relevant).cloned().collect();
    let apart = all.iter().map(|conjunct| &conjunct.condition).find(|condition| is_apart(program, condition)).cloned();
    let others = all.iter().filter(|conjunct| Some(&conjunct.condition) != apart.as_ref());
    let of_resource = of_resource(model, program, others);
    let mut plan = Plan { conjuncts: all, of_resource, apart, ..Plan::default() };
    let (of_principal, others): (Vec<&Conjunct>, Vec<&Conjunct>) =
        plan.conjuncts.iter().partition(|conjunct| conjunct.principal && !conjunct.resource);
    if !others.iter().any(|conjunct| conjunct.fallible) {
        // The filters are evaluated for each principal before the pairs, so that their order is free.
        let conditions =
            |of: &[&Conjunct]| -> Vec<Condition> { of.iter().map(|conjunct| conjunct.condition.clone()).collect() };
        let joins = others.iter().filter_map(|conjunct| join_of(model, program, conjunct)).collect();
        let (filters, rest) = (conditions(&of_principal), Some(conditions(&others)));
        return Plan { filters, joins, rest, ..plan };
    }
    for conjunct in &conjuncts {
        plan.joins.extend(join_of(model, program, conjunct));
        match (conjunct.principal, conjunct.resource, conjunct.fallible) {
            (true, false, false) => plan.filters.push(conjunct.condition.clone()),
            // Without a join before it, it fails for every resource.
            (true, false, true) if plan.joins.is_empty() => plan.filters.push(conjunct.condition.clone()),
            (_, _, false) => {}
            // It may fail, and the pairs for which it fails depend on the resource: later conditions exclude no pair.
            (_, _, true) => break,
        }
    }
    match plan.joins.is_empty() {
        true => Plan { filters: Vec::new(), ..plan },
        false => plan,
    }
}

/// Returns whether a condition states that the principal is not the resource.
fn is_apart(program: &Program, condition: &Condition) -> bool {
    let is_equality = |condition: &Condition| match condition {
        Condition::Leaf(node) => match program.node(*node).kind {
            NodeKind::Equal(a, b) => matches!(
                (&program.node(a).kind, &program.node(b).kind),
                (NodeKind::Principal, NodeKind::Resource) | (NodeKind::Resource, NodeKind::Principal)
            ),
            _ => false,
        },
        _ => false,
    };
    match condition {
        Condition::Not(inner) => is_equality(inner),
        Condition::Leaf(node) => match &program.node(*node).kind {
            NodeKind::Condition(inner) => is_apart(program, inner),
            _ => false,
        },
        _ => false,
    }
}

/// Returns the largest expressions on the resource alone in some conditions; `None` if one of them is the resource.
fn of_resource<'c>(
    model: &Model,
    program: &Program,
    conjuncts: impl Iterator<Item = &'c Conjunct>,
) -> Option<Vec<NodeId>> {
    let (mut found, mut seen) = (BTreeSet::new(), BTreeSet::new());
    let mut left: Vec<NodeId> = conjuncts.flat_map(|conjunct| conjunct.condition.leaves()).copied().collect();
    while let Some(node) = left.pop() {
        if !seen.insert(node) {
            continue;
        }
        let sides = conjunct(model, program, Condition::Leaf(node));
        match (sides.principal, sides.resource) {
            (_, false) => {}
            (false, true) if matches!(program.node(node).kind, NodeKind::Resource) => return None,
            (false, true) => {
                found.insert(node);
            }
            (true, true) => left.extend(program.operands(node)),
        }
    }
    Some(found.into_iter().collect())
}

/// Returns whether a condition states that the principal or the resource is in the root, which is always true.
fn in_root(model: &Model, program: &Program, condition: &Condition) -> bool {
    let Condition::Leaf(node) = condition else { return false };
    let NodeKind::In(left, right) = program.node(*node).kind else { return false };
    let is_entity = |node: NodeId| matches!(program.node(node).kind, NodeKind::Principal | NodeKind::Resource);
    let root = match program.node(right).kind {
        NodeKind::Root => true,
        NodeKind::Slot(base, ty, slot) => {
            is_entity(base) && model.ty(ty).slots[slot].origin == Origin::Enclosing(model.root)
        }
        _ => false,
    };
    is_entity(left) && root
}

fn flatten(model: &Model, program: &Program, condition: &Condition, into: &mut Vec<Conjunct>) {
    match condition {
        Condition::All(parts) => parts.iter().for_each(|part| flatten(model, program, part, into)),
        Condition::Leaf(node) => match &program.node(*node).kind {
            // What the text shows as one condition may be several joins.
            NodeKind::Condition(inner) => match **inner {
                Condition::All(_) => flatten(model, program, inner, into),
                _ => into.push(conjunct(model, program, condition.clone())),
            },
            _ => into.push(conjunct(model, program, condition.clone())),
        },
        _ => into.push(conjunct(model, program, condition.clone())),
    }
}

/// Returns whether an expression is an entity that has a row: a side of the pair, or an instance that encloses it.
fn has_row(model: &Model, program: &Program, node: NodeId) -> bool {
    match program.node(node).kind {
        NodeKind::Principal | NodeKind::Resource | NodeKind::Root => true,
        NodeKind::Slot(base, ty, slot) => {
            let nests = matches!(model.ty(ty).slots[slot].origin, Origin::Enclosing(_));
            nests && has_row(model, program, base)
        }
        _ => false,
    }
}

fn conjunct(model: &Model, program: &Program, condition: Condition) -> Conjunct {
    let mut left: Vec<NodeId> = condition.leaves().into_iter().copied().collect();
    let mut found = Conjunct { condition, principal: false, resource: false, fallible: false };
    while let Some(node) = left.pop() {
        match &program.node(node).kind {
            NodeKind::Principal => found.principal = true,
            NodeKind::Resource => found.resource = true,
            NodeKind::Slot(base, ..) | NodeKind::Record(base, ..) | NodeKind::Has(base, .., HasTarget::Record) => {
                found.fallible |= !has_row(model, program, *base);
            }
            NodeKind::GetTag(..) => found.fallible = true,
            NodeKind::Arithmetic(..) | NodeKind::Negate(_) | NodeKind::Unreachable => found.fallible = true,
            NodeKind::Call(function, _) => found.fallible |= function.is_fallible(),
            _ => {}
        }
        left.extend(program.operands(node));
    }
    found
}

fn join_of(model: &Model, program: &Program, at: &Conjunct) -> Option<Join> {
    let of_principal = |node: NodeId| {
        let side = conjunct(model, program, Condition::Leaf(node));
        side.principal && !side.resource
    };
    let of_resource = |node: NodeId| {
        let side = conjunct(model, program, Condition::Leaf(node));
        side.resource && !side.principal
    };
    let Condition::Leaf(node) = at.condition else { return None };
    let key = match program.node(node).kind {
        NodeKind::In(left, right) if matches!(program.node(left).kind, NodeKind::Principal) && of_resource(right) => {
            JoinKey::Within(right)
        }
        NodeKind::Equal(left, right) if of_principal(left) && of_resource(right) => JoinKey::Equal(left, right),
        NodeKind::Equal(left, right) if of_resource(left) && of_principal(right) => JoinKey::Equal(right, left),
        NodeKind::Contains(set, item) if of_resource(set) && of_principal(item) => JoinKey::Element(item, set),
        NodeKind::Contains(set, item) if of_principal(set) && of_resource(item) => JoinKey::Holds(set, item),
        _ => return None,
    };
    Some(Join { node, key })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::print::lowered;
    use expect_test::{Expect, expect};

    /// Compares the plan for boats of a pier with a condition.
    fn check(condition: &str, expected: Expect) {
        let policies = format!(
            r#"@id("T") @title("T") @severity("low")
            forbid (principal, action == Action::"audit", resource is Pier) when {{ resource.boats > 3 }};
            @id("boats") @derives("boats")
            permit (principal is Boat, action == Action::"derive", resource is Pier) when {{ {condition} }};"#
        );
        let lowered = lowered(&policies);
        let plan = &lowered.program.derived[0].parts[0];
        let joins = plan.joins.iter().map(|join| match join.key {
            JoinKey::Within(container) => format!("join: principal in {}\n", lowered.node(container)),
            JoinKey::Equal(a, b) => format!("join: {} equals {}\n", lowered.node(a), lowered.node(b)),
            JoinKey::Element(a, b) => format!("join: {} is an element of {}\n", lowered.node(a), lowered.node(b)),
            JoinKey::Holds(a, b) => format!("join: {} contains {}\n", lowered.node(a), lowered.node(b)),
        });
        let filters = plan.filters.iter().map(|filter| format!("filter: {}\n", lowered.condition(filter)));
        let rest = match &plan.rest {
            None => "in order: the whole policy\n".to_owned(),
            Some(rest) => rest.iter().map(|rest| format!("rest: {}\n", lowered.condition(rest))).collect(),
        };
        expected.assert_eq(&(filters.chain(joins).collect::<String>() + &rest));
    }

    #[test]
    fn a_predicate_of_both_sides_is_a_join() {
        check(
            "principal in resource",
            expect![[r#"
            join: principal in resource
            rest: (principal in resource)
        "#]],
        );
        check(
            "principal.name == resource.id",
            expect![[r#"
            join: principal.name equals resource.id
            rest: (principal.name == resource.id)
        "#]],
        );
        check(
            "resource.id == principal.name",
            expect![[r#"
            join: principal.name equals resource.id
            rest: (resource.id == principal.name)
        "#]],
        );
        check(
            "resource.flags.contains(principal.name)",
            expect![[r#"
            join: principal.name is an element of resource.flags
            rest: (resource.flags contains principal.name)
        "#]],
        );
        check(
            "principal.crew.contains(resource.id)",
            expect![[r#"
            join: principal.crew contains resource.id
            rest: (principal.crew contains resource.id)
        "#]],
        );
        check(
            "principal is Boat in resource",
            expect![[r#"
            filter: true after (principal)
            join: principal in resource
            rest: (principal in resource)
        "#]],
        );
    }

    #[test]
    fn a_condition_on_the_principal_alone_is_a_filter() {
        check(
            "principal in resource && principal.moored",
            expect![[r#"
            filter: principal.moored
            join: principal in resource
            rest: (principal in resource)
        "#]],
        );
        check(
            "(principal.length > 3 || principal.moored) && principal.name == resource.id",
            expect![[r#"
            filter: any([not((principal.length <= Long(3)))], principal.moored)
            join: principal.name equals resource.id
            rest: (principal.name == resource.id)
        "#]],
        );
        check(
            "principal.moored",
            expect![[r#"
            filter: principal.moored
        "#]],
        );
    }

    #[test]
    fn a_predicate_below_another_operator_is_not_a_join() {
        check(
            "!(principal.name == resource.id)",
            expect![[r#"
            rest: not((principal.name == resource.id))
        "#]],
        );
        check(
            "principal.name == resource.id || principal in resource",
            expect![[r#"
            rest: any((principal.name == resource.id), (principal in resource))
        "#]],
        );
        check(
            "principal.name == resource.id && (principal.length < 3 || resource.id == \"a\")",
            expect![[r#"
            join: principal.name equals resource.id
            rest: (principal.name == resource.id)
            rest: any((principal.length < Long(3)), (resource.id == String("a")))
        "#]],
        );
        check(
            "resource.id like \"a*\" && principal in resource",
            expect![[r#"
            join: principal in resource
            rest: Like(resource.id)
            rest: (principal in resource)
        "#]],
        );
    }

    #[test]
    fn an_error_of_the_rest_keeps_the_order_of_cedar() {
        // A join may omit a pair before a later error, and not before an earlier error that depends on the resource.
        check(
            "principal in resource && principal.length + resource.depth > 3",
            expect![[r#"
            join: principal in resource
            in order: the whole policy
        "#]],
        );
        check(
            "principal.length + resource.depth > 3 && principal in resource",
            expect![[r#"
            in order: the whole policy
        "#]],
        );
        check(
            "principal has home && principal.home.id == resource.id",
            expect![[r#"
            filter: (principal has home)
            join: principal.home.id equals resource.id
            in order: the whole policy
        "#]],
        );
    }

    #[test]
    fn an_error_of_the_principal_alone_is_found_by_a_filter() {
        check(
            "principal.length * 2 > 3 && principal in resource",
            expect![[r#"
            filter: [not((Arithmetic(principal.length, Long(2)) <= Long(3)))]
            join: principal in resource
            rest: (principal in resource)
        "#]],
        );
        check(
            "resource.id == principal.pier.id && principal has home && principal.home.id != \"a\"",
            expect![[r#"
            filter: (principal has home)
            filter: [not((principal.home.id == String("a")))]
            join: principal.pier.id equals resource.id
            rest: (resource.id == principal.pier.id)
        "#]],
        );
    }

    #[test]
    fn a_membership_of_the_root_is_left_out() {
        check(
            "principal in resource && resource in principal.pier.harbour",
            expect![[r#"
            join: principal in resource
            rest: (principal in resource)
            rest: (resource in principal.pier.harbour)
        "#]],
        );
        check(
            "principal in resource && principal in resource.harbour",
            expect![[r#"
            join: principal in resource
            rest: (principal in resource)
        "#]],
        );
    }
}
