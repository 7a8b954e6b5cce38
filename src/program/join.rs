//! How the pairs of a derivation are found without trying every principal on every resource.
//!
//! A condition that ties the two together, `principal in resource.workspace` or `principal.email == resource.email`,
//! becomes an index. Cedar evaluates in order, so a condition may stand in for those after it, and for those before it
//! only if they cannot fail: a pair left out must be one that Cedar would have answered with plain "no".

use super::*;

/// A condition of a derivation's top-level conjunction.
#[derive(Debug, Clone, Copy)]
pub struct Conjunct {
    /// The condition.
    pub node: NodeId,
    /// Whether it reads the principal.
    pub principal: bool,
    /// Whether it reads the resource.
    pub resource: bool,
    /// Whether it can end in an error.
    pub fallible: bool,
}

/// How pairs are found.
#[derive(Debug, Clone, Copy)]
pub enum Join {
    /// The principal lies in the entity that this node gives for the resource.
    Within(NodeId),
    /// A value of the principal equals a value of the resource.
    Equal(NodeId, NodeId),
    /// A value of the principal is an element of a set of the resource's.
    Element(NodeId, NodeId),
    /// A set of the principal's has a value of the resource as an element.
    Holds(NodeId, NodeId),
}

/// The outcome of planning.
#[derive(Default)]
pub(super) struct Plan {
    pub filters: Vec<NodeId>,
    pub joins: Vec<Join>,
}

pub(super) fn plan(program: &mut Program, body: &Body) -> Plan {
    let mut conjuncts = Vec::new();
    for node in &body.scope {
        conjuncts.push(conjunct(program, *node));
    }
    for clause in &body.clauses {
        match clause.kind {
            ClauseKind::When => flatten(program, clause.node, &mut conjuncts),
            ClauseKind::Unless => {
                program.nodes.push(Node { kind: NodeKind::Not(clause.node), span: clause.span });
                let negated = NodeId(program.nodes.len() as u32 - 1);
                conjuncts.push(conjunct(program, negated));
            }
        }
    }
    let mut plan = Plan::default();
    for conjunct in &conjuncts {
        plan.joins.extend(join_of(program, conjunct));
        match (conjunct.principal, conjunct.resource, conjunct.fallible) {
            (true, false, false) => plan.filters.push(conjunct.node),
            // Without a join before it, it fails for every resource alike.
            (true, false, true) if plan.joins.is_empty() => plan.filters.push(conjunct.node),
            (_, _, false) => {}
            // It may fail, and for which pairs depends on the resource: what comes after it leaves nothing out.
            (_, _, true) => break,
        }
    }
    if plan.joins.is_empty() { Plan::default() } else { plan }
}

fn flatten(program: &Program, node: NodeId, into: &mut Vec<Conjunct>) {
    match program.node(node).kind {
        NodeKind::And(left, right) => {
            flatten(program, left, into);
            flatten(program, right, into);
        }
        _ => into.push(conjunct(program, node)),
    }
}

fn conjunct(program: &Program, node: NodeId) -> Conjunct {
    let mut found = Conjunct { node, principal: false, resource: false, fallible: false };
    let mut left = vec![node];
    while let Some(node) = left.pop() {
        match &program.node(node).kind {
            NodeKind::Principal => found.principal = true,
            NodeKind::Resource => found.resource = true,
            NodeKind::Slot(base, ..) | NodeKind::Record(base, ..) | NodeKind::GetTag(base, ..) => {
                found.fallible |=
                    !matches!(program.node(*base).kind, NodeKind::Principal | NodeKind::Resource | NodeKind::Root);
                found.fallible |= matches!(program.node(node).kind, NodeKind::GetTag(..));
            }
            NodeKind::Has(base, .., Asked::Record) => {
                found.fallible |=
                    !matches!(program.node(*base).kind, NodeKind::Principal | NodeKind::Resource | NodeKind::Root)
            }
            NodeKind::Arithmetic(..) | NodeKind::Negate(_) | NodeKind::Unreachable => found.fallible = true,
            NodeKind::Call(Function::Offset | Function::DurationSince | Function::ToDate, _) => found.fallible = true,
            _ => {}
        }
        left.extend(program.operands(node));
    }
    found
}

fn join_of(program: &Program, at: &Conjunct) -> Option<Join> {
    let of_principal = |node: NodeId| {
        let side = conjunct(program, node);
        side.principal && !side.resource
    };
    let of_resource = |node: NodeId| {
        let side = conjunct(program, node);
        side.resource && !side.principal
    };
    match program.node(at.node).kind {
        NodeKind::In(left, right) if matches!(program.node(left).kind, NodeKind::Principal) && of_resource(right) => {
            Some(Join::Within(right))
        }
        NodeKind::Equal(left, right) if of_principal(left) && of_resource(right) => Some(Join::Equal(left, right)),
        NodeKind::Equal(left, right) if of_resource(left) && of_principal(right) => Some(Join::Equal(right, left)),
        NodeKind::Contains(set, item) if of_resource(set) && of_principal(item) => Some(Join::Element(item, set)),
        NodeKind::Contains(set, item) if of_principal(set) && of_resource(item) => Some(Join::Holds(set, item)),
        _ => None,
    }
}
