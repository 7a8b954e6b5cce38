//! What a policy is made of: leaves, and the `&&`, `||`, `!` and `if` that put them together.

use super::*;
use crate::schema::Origin;

/// A condition down to its leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Formula {
    /// A part that stands in the text as one: a comparison, a `has`, an attribute that is true or false.
    Leaf(NodeId),
    /// `!`.
    Not(Box<Formula>),
    /// `&&`.
    And(Box<Formula>, Box<Formula>),
    /// `||`.
    Or(Box<Formula>, Box<Formula>),
    /// `if then else`.
    If(Box<[Formula; 3]>),
}

/// What a leaf can come to, as far as types and schema tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Possible {
    /// Whether it can be true.
    pub true_: bool,
    /// Whether it can be false.
    pub false_: bool,
    /// Whether it can depend on something that was not captured.
    pub unknown: bool,
}

impl Formula {
    /// Returns the leaves in the order of the text.
    pub fn leaves(&self) -> Vec<NodeId> {
        match self {
            Formula::Leaf(node) => vec![*node],
            Formula::Not(inner) => inner.leaves(),
            Formula::And(left, right) | Formula::Or(left, right) => [left.leaves(), right.leaves()].concat(),
            Formula::If(parts) => parts.iter().flat_map(Formula::leaves).collect(),
        }
    }
}

impl Program {
    /// Returns a condition down to its leaves.
    pub fn formula(&self, node: NodeId) -> Formula {
        let part = |node: &NodeId| Box::new(self.formula(*node));
        match &self.node(node).kind {
            _ if self.is_leaf(node) => Formula::Leaf(node),
            NodeKind::Not(inner) => Formula::Not(part(inner)),
            NodeKind::And(left, right) => Formula::And(part(left), part(right)),
            NodeKind::Or(left, right) => Formula::Or(part(left), part(right)),
            NodeKind::If(test, then, other) => {
                Formula::If(Box::new([test, then, other].map(|node| self.formula(*node))))
            }
            _ => Formula::Leaf(node),
        }
    }

    /// Returns whether a condition stands in the text as one: `a != b` is `!(a == b)` in the tree, `x is T in y` and
    /// `x has a.b` are conjunctions, and all their nodes have one span.
    pub fn is_leaf(&self, node: NodeId) -> bool {
        let same = |part: &NodeId| self.node(*part).span == self.node(node).span;
        match &self.node(node).kind {
            NodeKind::And(left, right) | NodeKind::Or(left, right) => same(left) && same(right),
            NodeKind::Not(inner) => same(inner),
            NodeKind::If(..) => false,
            _ => true,
        }
    }

    /// Returns what a leaf can come to, whatever the snapshot.
    pub fn possible(&self, model: &Model, leaf: NodeId) -> Possible {
        let either = |unknown| Possible { true_: true, false_: true, unknown };
        match &self.node(leaf).kind {
            NodeKind::Constant(at) => match self.constants.get(*at) {
                Some(Constant::Value(Value::Bool(answer))) => {
                    Possible { true_: *answer, false_: !answer, unknown: false }
                }
                _ => either(false),
            },
            NodeKind::Unreachable => Possible::default(),
            NodeKind::Settled(_, answer) => Possible { true_: *answer, false_: !answer, unknown: false },
            // It is there as soon as the entity is, captured or not.
            NodeKind::Has(entity, ty, slots, Asked::Entity)
                if matches!(self.node(*entity).kind, NodeKind::Principal | NodeKind::Resource | NodeKind::Root)
                    && slots.iter().all(|slot| model.ty(*ty).slots[slot.index()].required) =>
            {
                Possible { true_: true, ..Possible::default() }
            }
            NodeKind::And(..) => either(self.operands(leaf).iter().any(|part| self.possible(model, *part).unknown)),
            _ => either(self.reads_captured(model, leaf)),
        }
    }

    /// Whether an expression reads something that a snapshot may lack.
    fn reads_captured(&self, model: &Model, node: NodeId) -> bool {
        let nested =
            |ty: &TypeId, slot: &SlotId| matches!(model.ty(*ty).slots[slot.index()].origin, Origin::Enclosing(_));
        let here = match &self.node(node).kind {
            NodeKind::Slot(_, ty, slot) => !nested(ty, slot),
            NodeKind::Has(..) | NodeKind::Record(..) | NodeKind::GetTag(..) | NodeKind::HasTag(..) => true,
            NodeKind::Constant(at) => match self.constants.get(*at) {
                Some(Constant::Parameter(at)) => model.parameters.get(*at).is_some_and(|known| known.default.is_none()),
                _ => false,
            },
            _ => false,
        };
        here || self.operands(node).into_iter().any(|operand| self.reads_captured(model, operand))
    }

    /// Returns the derived attributes that a check rests on, by their places in [`Program::derived`], each after those
    /// it reads.
    pub fn derived_behind(&self, model: &Model, check: &CheckProgram) -> BTreeSet<usize> {
        let mut behind = BTreeSet::new();
        let mut left: Vec<NodeId> = check.bodies.iter().flat_map(Body::conditions).collect();
        while let Some(node) = left.pop() {
            for read in lower::slots_read(model, &self.node(node).kind) {
                let derived = self.derived.iter().position(|attribute| (attribute.ty, attribute.slot) == read);
                if let Some(at) = derived.filter(|at| behind.insert(*at)) {
                    left.extend(self.derived[at].parts.iter().flat_map(|part| part.body.conditions()));
                }
            }
            left.extend(self.operands(node));
        }
        behind
    }
}

impl Body {
    /// Returns the conditions of scope and clauses, in order.
    pub fn conditions(&self) -> impl Iterator<Item = NodeId> {
        self.scope.iter().copied().chain(self.clauses.iter().map(|clause| clause.node))
    }
}
