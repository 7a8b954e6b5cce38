//! Facts about a condition that types and schema determine: the possible values of its leaves, and its simplified form.

use super::*;
use crate::ids::IdVec;
use crate::policy::{CheckId, ClauseKind};
use crate::schema::Origin;

/// The answers of a leaf that types and schema leave open. All are `false` for a leaf that is never evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reachable {
    /// Whether it can be true.
    pub can_be_true: bool,
    /// Whether it can be false.
    pub can_be_false: bool,
    /// Whether it can depend on something that was not captured.
    pub unknown: bool,
    /// Whether another answer can change the answer of its clause.
    pub decides: bool,
}

impl Reachable {
    /// Adds the possible answers of a leaf elsewhere.
    pub fn merge(&mut self, other: Self) {
        self.can_be_true |= other.can_be_true;
        self.can_be_false |= other.can_be_false;
        self.unknown |= other.unknown;
        self.decides |= other.decides;
    }
}

impl Program {
    /// Returns the possible answers of each leaf of a body for any snapshot.
    ///
    /// Some answers are settled by the types of principal and resource: `resource is T`, `has` of an attribute that is
    /// required or not declared, `principal in resource` where the resource is the root. A leaf after a
    /// settled answer may never be evaluated, or never matter.
    pub fn possible(&self, model: &Model, body: &Body) -> Vec<(NodeId, Reachable)> {
        let mut found = Vec::new();
        let conditional = [ClauseKind::When, ClauseKind::Unless]
            .into_iter()
            .all(|kind| body.clauses.iter().any(|clause| clause.kind == kind));
        let (mut satisfiable, mut applicable) = (true, true);
        for clause in &body.clauses {
            let condition = &clause.condition;
            let evaluated = satisfiable || (conditional && applicable && clause.kind == ClauseKind::When);
            if !evaluated {
                found.extend(condition.leaves().into_iter().map(|leaf| (*leaf, Reachable::default())));
                continue;
            }
            let (may_be_true, may_be_false) = self.answers(model, body, condition);
            self.possible_in(model, body, condition, true, &mut found);
            match clause.kind {
                ClauseKind::When => (satisfiable, applicable) = (satisfiable && may_be_true, applicable && may_be_true),
                ClauseKind::Unless => satisfiable &= may_be_false,
            }
        }
        found
    }

    /// Adds the possible answers of the leaves of a condition that is evaluated. `decides`: its answer matters.
    fn possible_in(
        &self,
        model: &Model,
        body: &Body,
        condition: &Condition,
        decides: bool,
        found: &mut Vec<(NodeId, Reachable)>,
    ) {
        let answers = |part: &Condition| self.answers(model, body, part);
        let never = |part: &Condition| -> Vec<(NodeId, Reachable)> {
            part.leaves().into_iter().map(|leaf| (*leaf, Reachable::default())).collect()
        };
        match condition {
            Condition::Leaf(leaf) => found.push((*leaf, Reachable { decides, ..self.possible_of(model, body, *leaf) })),
            Condition::Not(inner) => self.possible_in(model, body, inner, decides, found),
            Condition::All(parts) | Condition::Any(parts) => {
                let is_all = matches!(condition, Condition::All(_));
                let goes_on = |part: &Condition| if is_all { answers(part).0 } else { answers(part).1 };
                let goes_on: Vec<bool> = parts.iter().map(goes_on).collect();
                // A part matters only if the parts after it can leave the answer to it.
                let last_decisive = goes_on.iter().rposition(|goes_on| !goes_on);
                let mut evaluated = true;
                for (at, (part, goes_on)) in parts.iter().zip(&goes_on).enumerate() {
                    let matters = last_decisive.is_none_or(|last| last <= at);
                    match evaluated {
                        true => self.possible_in(model, body, part, decides && matters, found),
                        false => found.extend(never(part)),
                    }
                    evaluated &= goes_on;
                }
            }
            Condition::If(parts) => {
                let [test, then, other] = &**parts;
                let (may_be_true, may_be_false) = answers(test);
                let one = |answers: (bool, bool)| answers.0 != answers.1;
                let alike = answers(then) == answers(other) && one(answers(then));
                self.possible_in(model, body, test, decides && !alike, found);
                for (part, evaluated) in [(then, may_be_true), (other, may_be_false)] {
                    match evaluated {
                        true => self.possible_in(model, body, part, decides, found),
                        false => found.extend(never(part)),
                    }
                }
            }
        }
    }

    /// Returns whether a condition can be true, and whether it can be false.
    fn answers(&self, model: &Model, body: &Body, condition: &Condition) -> (bool, bool) {
        let outcomes = condition.evaluate(Outcomes::EITHER, &mut |leaf, _| {
            let Reachable { can_be_true, can_be_false, .. } = self.possible_of(model, body, *leaf);
            let outcome = |can, outcome| if can { outcome } else { Outcomes::NONE };
            outcome(can_be_true, Outcomes::TRUE) | outcome(can_be_false, Outcomes::FALSE)
        });
        (outcomes.may(Outcomes::TRUE), outcomes.may(Outcomes::FALSE))
    }

    /// Returns the possible answers of a leaf that is evaluated.
    fn possible_of(&self, model: &Model, body: &Body, leaf: NodeId) -> Reachable {
        let either = |unknown| Reachable { can_be_true: true, can_be_false: true, unknown, decides: true };
        if let Some(answer) = self.settled(model, body, leaf) {
            return Reachable { can_be_true: answer, can_be_false: !answer, ..Reachable::default() };
        }
        match &self.node(leaf).kind {
            NodeKind::Constant(_) => either(false),
            NodeKind::Unreachable => Reachable::default(),
            NodeKind::Condition(condition) if matches!(**condition, Condition::All(_)) => {
                either(self.operands(leaf).iter().any(|part| self.possible_of(model, body, *part).unknown))
            }
            _ => either(self.reads_captured(model, leaf)),
        }
    }

    /// Returns the only answer that a leaf can have for the types of a body.
    pub fn settled(&self, model: &Model, body: &Body, leaf: NodeId) -> Option<bool> {
        let variable = |node: &NodeId| match &self.node(*node).kind {
            NodeKind::Principal => Some((0, body.principal)),
            NodeKind::Resource => Some((1, body.resource)),
            NodeKind::Root => Some((2, model.root)),
            _ => None,
        };
        match &self.node(leaf).kind {
            NodeKind::Constant(at) => match self.constants.get(*at) {
                Some(Constant::Value(Value::Bool(answer))) => Some(*answer),
                _ => None,
            },
            NodeKind::StaticallyKnown(_, answer) => Some(*answer),
            // A required attribute is never absent, captured or not.
            NodeKind::Has(entity, ty, slots, HasTarget::Entity) if variable(entity).is_some() => {
                slots.iter().all(|slot| model.ty(*ty).slots[*slot].required).then_some(true)
            }
            // There is one root, and everything is nested in it.
            NodeKind::In(inner, outer) => match (variable(inner)?, variable(outer)?) {
                (inner, outer) if inner == outer || outer.1 == model.root => Some(true),
                ((_, inner), (_, outer)) => (!model.ancestry(inner).any(|ty| ty == outer)).then_some(false),
            },
            NodeKind::Equal(left, right) => match (variable(left)?, variable(right)?) {
                (left, right) if left == right || (left.1 == model.root && right.1 == model.root) => Some(true),
                ((_, left), (_, right)) => (left != right).then_some(false),
            },
            _ => None,
        }
    }

    /// Returns a condition of a body as a text that is the same for conditions that the types make the same: settled
    /// answers are left out, and so are the parts that they exclude.
    pub fn simplified(&self, model: &Model, body: &Body, condition: &Condition) -> String {
        let text_of = |answer: bool| if answer { "true" } else { "false" };
        let simplified = |part: &Condition| self.simplified(model, body, part);
        match condition {
            Condition::Leaf(leaf) => match self.settled(model, body, *leaf) {
                Some(answer) if !self.may_fail(*leaf) => text_of(answer).to_owned(),
                _ => self.text(*leaf),
            },
            Condition::Not(inner) => match simplified(inner).as_str() {
                "true" => "false".to_owned(),
                "false" => "true".to_owned(),
                inner => format!("!{inner}"),
            },
            Condition::All(parts) | Condition::Any(parts) => {
                let is_all = matches!(condition, Condition::All(_));
                let (neutral, decisive) = (text_of(is_all), text_of(!is_all));
                let mut texts: Vec<String> = Vec::new();
                for part in parts {
                    let text = simplified(part);
                    if text != neutral {
                        texts.push(text);
                    }
                    let (may_be_true, may_be_false) = self.answers(model, body, part);
                    let goes_on = if is_all { may_be_true } else { may_be_false };
                    if !goes_on || texts.last().is_some_and(|last| last == decisive) {
                        break;
                    }
                }
                match texts.as_slice() {
                    [] => neutral.to_owned(),
                    [one] => one.clone(),
                    _ => format!("({})", texts.join(if is_all { " && " } else { " || " })),
                }
            }
            Condition::If(parts) => {
                let [test, then, other] = &**parts;
                match simplified(test).as_str() {
                    "true" => simplified(then),
                    "false" => simplified(other),
                    test => format!("(if {test} then {} else {})", simplified(then), simplified(other)),
                }
            }
        }
    }

    /// Returns whether evaluating the operands of a leaf with a settled answer may fail, or depend on what was not
    /// captured.
    fn may_fail(&self, leaf: NodeId) -> bool {
        let is_variable = |node: NodeId| {
            matches!(
                self.node(node).kind,
                NodeKind::Principal | NodeKind::Resource | NodeKind::Root | NodeKind::Constant(_)
            )
        };
        !self.operands(leaf).into_iter().all(is_variable)
    }

    /// Returns a condition as a text, like [`Program::text`].
    fn condition_text(&self, condition: &Condition) -> String {
        let texts = |parts: &[Condition]| -> String {
            let texts: Vec<String> = parts.iter().map(|part| self.condition_text(part)).collect();
            texts.join(", ")
        };
        match condition {
            Condition::Leaf(leaf) => self.text(*leaf),
            Condition::Not(inner) => format!("not({})", self.condition_text(inner)),
            Condition::All(parts) => format!("all({})", texts(parts)),
            Condition::Any(parts) => format!("any({})", texts(parts)),
            Condition::If(parts) => format!("if({})", texts(&**parts)),
        }
    }

    /// Returns an expression as a text that is the same for expressions that compute the same in the same way.
    fn text(&self, node: NodeId) -> String {
        let kind = &self.node(node).kind;
        if let NodeKind::Condition(condition) = kind {
            return self.condition_text(condition);
        }
        let own = match kind {
            NodeKind::Constant(at) => format!("{:?}", self.constants.get(*at)),
            NodeKind::Slot(_, ty, slot) => format!("{ty:?} {slot:?}"),
            NodeKind::Record(_, ty, path) => format!("{ty:?} {path:?}"),
            NodeKind::Has(_, ty, slots, asked) => format!("{ty:?} {slots:?} {asked:?}"),
            NodeKind::Arithmetic(operator, ..) => format!("{operator:?}"),
            NodeKind::Like(_, pattern) => format!("{pattern:?}"),
            NodeKind::StaticallyKnown(_, answer) => answer.to_string(),
            NodeKind::GetTag(_, ty, _) | NodeKind::HasTag(_, ty, _) => format!("{ty:?}"),
            NodeKind::RecordOf(members) => {
                let names = members.iter().map(|(name, _, optional)| (name, optional.is_some()));
                format!("{:?}", names.collect::<Vec<_>>())
            }
            NodeKind::Member(_, name) => format!("{name:?}"),
            NodeKind::HasMember(_, names) => format!("{names:?}"),
            NodeKind::Call(function, _) => function.name().to_owned(),
            _ => String::new(),
        };
        let operands: Vec<String> = self.operands(node).into_iter().map(|operand| self.text(operand)).collect();
        format!("{:?} {own}({})", std::mem::discriminant(kind), operands.join(", "))
    }

    /// Returns whether an expression reads something that a snapshot may lack.
    fn reads_captured(&self, model: &Model, node: NodeId) -> bool {
        let nested = |ty: &TypeId, slot: &SlotId| matches!(model.ty(*ty).slots[*slot].origin, Origin::Enclosing(_));
        let here = match &self.node(node).kind {
            NodeKind::Slot(_, ty, slot) => !nested(ty, slot),
            NodeKind::Has(..) | NodeKind::Record(..) | NodeKind::GetTag(..) | NodeKind::HasTag(..) => true,
            NodeKind::Constant(at) => match self.constants.get(*at) {
                Some(Constant::Parameter(at)) => {
                    model.parameters.get(*at).is_some_and(|known| known.default.is_none() || known.slot.is_some())
                }
                Some(Constant::HasParameter(at)) => model.parameters.get(*at).is_some_and(|known| known.slot.is_some()),
                _ => false,
            },
            _ => false,
        };
        here || self.operands(node).into_iter().any(|operand| self.reads_captured(model, operand))
    }

    /// Returns what depends on some parameters, by their places in the model, directly or through derivations.
    pub fn depends_on(&self, model: &Model, parameters: &BTreeSet<usize>) -> Depends {
        let reads = |at: &usize| match self.constants.get(*at) {
            Some(Constant::Parameter(parameter) | Constant::HasParameter(parameter)) => parameters.contains(parameter),
            _ => false,
        };
        let mut nodes: IdVec<NodeId, bool> = vec![false; self.nodes.len()].into();
        let mut derived = vec![false; self.derived.len()];
        let holds = |nodes: &IdVec<NodeId, bool>, body: &Body| body.leaves().any(|node| nodes[node]);
        // A derived attribute may read others, which are found one level after the other.
        loop {
            for node in nodes.ids() {
                let kind = &self.node(node).kind;
                let slots = lower::slots_read(model, kind);
                let is_derived = |(attribute, depends): (&super::DerivedAttribute, &bool)| {
                    *depends && slots.contains(&(attribute.ty, attribute.slot))
                };
                nodes[node] = matches!(kind, NodeKind::Constant(constant) if reads(constant))
                    || self.operands(node).iter().any(|operand| nodes[*operand])
                    || self.derived.iter().zip(&derived).any(is_derived);
            }
            let parts =
                |attribute: &super::DerivedAttribute| attribute.parts.iter().any(|part| holds(&nodes, &part.body));
            let now: Vec<bool> = self.derived.iter().map(parts).collect();
            if now == derived {
                break;
            }
            derived = now;
        }
        let depends = |check: &&CheckProgram| check.bodies.iter().any(|body| holds(&nodes, body));
        let checks = self.checks.iter().filter(depends).map(|check| check.check).collect();
        Depends { derived, checks }
    }

    /// Returns the derived attributes that a check depends on, by their places in [`Program::derived`].
    pub fn derived_behind(&self, model: &Model, check: &CheckProgram) -> BTreeSet<usize> {
        self.behind(model, check).derived
    }

    /// Returns everything that a check evaluates, directly or through derived attributes.
    pub fn behind(&self, model: &Model, check: &CheckProgram) -> Behind {
        let mut behind = Behind::default();
        let mut left: Vec<NodeId> = check.bodies.iter().flat_map(Body::leaves).collect();
        while let Some(node) = left.pop() {
            if !behind.nodes.insert(node) {
                continue;
            }
            for read in lower::slots_read(model, &self.node(node).kind) {
                let derived = self.derived.iter().enumerate();
                let derived = derived.filter(|(_, attribute)| (attribute.ty, attribute.slot) == read);
                for (at, attribute) in derived {
                    behind.derived.insert(at);
                    left.extend(attribute.parts.iter().flat_map(|part| part.body.leaves()));
                }
            }
            left.extend(self.operands(node));
        }
        behind
    }

    /// Returns the slots that some nodes read, and the records that contain them.
    pub fn slots_of(&self, model: &Model, nodes: &BTreeSet<NodeId>) -> BTreeSet<(TypeId, SlotId)> {
        let read = nodes.iter().flat_map(|node| lower::slots_read(model, &self.node(*node).kind));
        read.flat_map(|(ty, slot)| lower::with_records(model, ty, slot)).collect()
    }
}

/// The parts of a program that a check evaluates.
#[derive(Debug, Clone, Default)]
pub struct Behind {
    /// The nodes of the check and of the derivations behind it.
    pub nodes: BTreeSet<NodeId>,
    /// The derived attributes, by their places in [`Program::derived`].
    pub derived: BTreeSet<usize>,
}

/// The parts of a program that depend on some parameters.
#[derive(Debug, Clone, Default)]
pub struct Depends {
    /// For every derived attribute of the program, whether it does.
    pub derived: Vec<bool>,
    /// The checks that do.
    pub checks: BTreeSet<CheckId>,
}

impl Body {
    /// Returns the conditions of scope and clauses, in order.
    pub fn conditions(&self) -> impl Iterator<Item = &Condition> {
        self.scope.iter().chain(self.clauses.iter().map(|clause| &clause.condition))
    }

    /// Returns the leaves of scope and clauses, in order.
    pub fn leaves(&self) -> impl Iterator<Item = NodeId> {
        self.conditions().flat_map(|condition| condition.leaves().into_iter().copied())
    }
}
