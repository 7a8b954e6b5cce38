//! Conditions that are always true or always false by types and literals, and the nodes that are therefore not
//! evaluated for any snapshot.

use crate::policy::ClauseKind;
use crate::program::{Body, Condition, Constant, NodeId, NodeKind, Program};
use crate::schema::{EntityKind, Model, Ty};
use crate::source::Span;
use crate::value::{EntityRef, Outcomes, TypeId, Value};
use smol_str::SmolStr;
use std::collections::BTreeSet;

/// One body of a policy.
#[derive(Clone, Copy)]
pub(super) struct Reach<'p> {
    pub model: &'p Model,
    pub program: &'p Program,
    pub body: &'p Body,
}

impl<'p> Reach<'p> {
    /// Returns the condition of a clause, or part of the scope, for which the policy can never hold, if there is one,
    /// and where it is written.
    pub(super) fn settled_by(&self) -> Option<(&'p Condition, Span)> {
        let written = |condition: &Condition| match condition {
            Condition::Leaf(node) => self.program.node(*node).span,
            _ => Span::default(),
        };
        let scope = self.body.scope.iter().map(|part| (false, part, written(part)));
        let clauses = self.body.clauses.iter();
        let clauses = clauses.map(|clause| (clause.kind == ClauseKind::Unless, &clause.condition, clause.written));
        let mut all = scope.chain(clauses);
        let found = all.find(|(excluded, condition, _)| self.truth(condition) == Some(*excluded));
        found.map(|(_, condition, span)| (condition, span))
    }

    /// Returns the nodes that can be evaluated.
    pub(super) fn nodes(&self) -> Vec<NodeId> {
        let settled = self.settled_by();
        let mut nodes = BTreeSet::new();
        for condition in self.body.conditions() {
            self.visit(condition, &mut nodes);
            if settled.is_some_and(|(settled, _)| std::ptr::eq(settled, condition)) {
                break;
            }
        }
        nodes.into_iter().collect()
    }

    /// Adds the nodes of a condition that can be evaluated, and returns its possible outcomes.
    fn visit(&self, condition: &Condition, nodes: &mut BTreeSet<NodeId>) -> Outcomes {
        condition.evaluate(Outcomes::EITHER, &mut |leaf, _| {
            self.walk(*leaf, nodes);
            self.outcomes(*leaf)
        })
    }

    fn walk(&self, node: NodeId, nodes: &mut BTreeSet<NodeId>) {
        if !nodes.insert(node) {
            return;
        }
        match &self.program.node(node).kind {
            NodeKind::Condition(condition) => {
                self.visit(condition, nodes);
            }
            NodeKind::If(test, then, other) => {
                self.walk(*test, nodes);
                let test = self.outcomes(*test);
                for (branch, taken) in [(then, Outcomes::TRUE), (other, Outcomes::FALSE)] {
                    if test.may(taken) {
                        self.walk(*branch, nodes);
                    }
                }
            }
            _ => self.program.operands(node).into_iter().for_each(|operand| self.walk(operand, nodes)),
        }
    }

    /// Returns the answer of a condition, if it is the same for every snapshot.
    pub(super) fn truth(&self, condition: &Condition) -> Option<bool> {
        condition.evaluate(Outcomes::EITHER, &mut |leaf, _| self.outcomes(*leaf)).known()
    }

    /// Returns the outcomes of an expression that types and literals leave open.
    fn outcomes(&self, node: NodeId) -> Outcomes {
        let answer = match &self.program.node(node).kind {
            NodeKind::Constant(at) => match self.program.constants.get(*at) {
                Some(Constant::Value(Value::Bool(answer))) => Some(*answer),
                _ => None,
            },
            NodeKind::StaticallyKnown(_, answer) => Some(*answer),
            NodeKind::Condition(condition) => self.truth(condition),
            NodeKind::Equal(left, right) => self.same_entity(*left, *right),
            NodeKind::In(left, right) => self.is_in(*left, *right),
            _ => None,
        };
        answer.map_or(Outcomes::EITHER, Outcomes::of)
    }

    /// Returns the type and id of an entity literal.
    pub(super) fn literal(&self, node: NodeId) -> Option<(TypeId, &'p SmolStr)> {
        let NodeKind::Constant(at) = &self.program.node(node).kind else { return None };
        match self.program.constants.get(*at) {
            Some(Constant::Entity(ty, id)) => Some((*ty, id)),
            _ => None,
        }
    }

    /// Returns the type of an expression that is an entity.
    pub(super) fn entity_type(&self, node: NodeId) -> Option<TypeId> {
        match &self.program.node(node).kind {
            NodeKind::Principal => Some(self.body.principal),
            NodeKind::Resource => Some(self.body.resource),
            NodeKind::Root => Some(self.model.root),
            NodeKind::Slot(_, ty, slot) => match self.model.ty(*ty).slots[*slot].ty {
                Ty::Entity(target) => Some(target),
                _ => None,
            },
            NodeKind::If(_, then, other) => self.entity_type(*then).filter(|ty| self.entity_type(*other) == Some(*ty)),
            _ => self.literal(node).map(|(ty, _)| ty),
        }
    }

    /// Returns whether a literal names an entity that no snapshot has: the id of a root without `@key` is empty.
    pub(super) fn names_nothing(&self, node: NodeId) -> bool {
        let root = self.model.root;
        self.literal(node).is_some_and(|(ty, id)| {
            ty == root && self.model.ty(root).key.is_none() && !id.is_empty()
                || self.model.ty(ty).choices().is_some_and(|choices| !choices.contains(id))
        })
    }

    fn same_entity(&self, left: NodeId, right: NodeId) -> Option<bool> {
        match (self.literal(left), self.literal(right)) {
            (Some(left), Some(right)) => Some(left == right),
            (None, None) => None,
            _ if self.names_nothing(left) || self.names_nothing(right) => Some(false),
            _ => None,
        }
    }

    fn is_in(&self, entity: NodeId, container: NodeId) -> Option<bool> {
        if let NodeKind::SetOf(items) = &self.program.node(container).kind {
            let answers: Vec<Option<bool>> = items.iter().map(|item| self.is_in(entity, *item)).collect();
            return match answers.iter().all(|answer| *answer == Some(false)) {
                true => Some(false),
                false => answers.contains(&Some(true)).then_some(true),
            };
        }
        let (inner, outer) = (self.entity_type(entity)?, self.entity_type(container)?);
        if let EntityKind::Actions(_) = self.model.ty(inner).kind {
            let action = |node| {
                let (ty, id) = self.literal(node)?;
                let row = self.model.ty(ty).choices()?.iter().position(|choice| choice == id)?;
                Some(EntityRef::numbered(ty, row))
            };
            return Some(self.model.is_in_group(action(entity)?, action(container)?));
        }
        if self.literal(entity).is_some() && self.literal(entity) == self.literal(container) {
            return Some(true);
        }
        let never = !self.may_be_in(inner, outer) || self.names_nothing(container) || self.names_nothing(entity);
        never.then_some(false)
    }

    /// Returns whether an entity of one type can be inside an entity of another, or be that entity.
    pub(super) fn may_be_in(&self, inner: TypeId, outer: TypeId) -> bool {
        self.model.ancestry(inner).any(|ty| ty == outer)
    }
}
