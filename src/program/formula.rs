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

/// Possible answers of a leaf where it is evaluated, as far as types and schema determine them. All are `false` for a leaf
/// that is never evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Possible {
    /// Whether it can be true.
    pub true_: bool,
    /// Whether it can be false.
    pub false_: bool,
    /// Whether it can depend on something that was not captured.
    pub unknown: bool,
    /// Whether another answer can change the answer of its clause.
    pub decides: bool,
}

impl Possible {
    /// Adds the possible answers of a leaf elsewhere.
    pub fn merge(&mut self, other: Self) {
        self.true_ |= other.true_;
        self.false_ |= other.false_;
        self.unknown |= other.unknown;
        self.decides |= other.decides;
    }
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

    /// Returns the possible answers of each leaf of a body for any snapshot.
    ///
    /// Some answers are settled by the types of principal and resource: `resource is T`, `has` of an attribute that is
    /// required or not declared, `principal in resource` where the resource is the root. Behind a settled answer a leaf may
    /// never be evaluated, or never matter.
    pub fn possible(&self, model: &Model, body: &Body) -> Vec<(NodeId, Possible)> {
        let mut found = Vec::new();
        let conditional = [ClauseKind::When, ClauseKind::Unless]
            .into_iter()
            .all(|kind| body.clauses.iter().any(|clause| clause.kind == kind));
        let (mut satisfiable, mut applicable) = (true, true);
        for clause in &body.clauses {
            let formula = self.formula(clause.node);
            let evaluated = satisfiable || (conditional && applicable && clause.kind == ClauseKind::When);
            if !evaluated {
                found.extend(formula.leaves().into_iter().map(|leaf| (leaf, Possible::default())));
                continue;
            }
            let (may_be_true, may_be_false) = self.answers(model, body, &formula);
            self.possible_in(model, body, &formula, true, &mut found);
            match clause.kind {
                ClauseKind::When => (satisfiable, applicable) = (satisfiable && may_be_true, applicable && may_be_true),
                ClauseKind::Unless => satisfiable &= may_be_false,
            }
        }
        found
    }

    /// Notes the possible answers of the leaves of a formula that is evaluated. `decides` says whether its answer matters.
    fn possible_in(
        &self,
        model: &Model,
        body: &Body,
        formula: &Formula,
        decides: bool,
        found: &mut Vec<(NodeId, Possible)>,
    ) {
        let answers = |part: &Formula| self.answers(model, body, part);
        let never = |part: &Formula| part.leaves().into_iter().map(|leaf| (leaf, Possible::default()));
        match formula {
            Formula::Leaf(leaf) => found.push((*leaf, Possible { decides, ..self.possible_of(model, body, *leaf) })),
            Formula::Not(inner) => self.possible_in(model, body, inner, decides, found),
            Formula::And(left, right) => {
                self.possible_in(model, body, left, decides && answers(right).0, found);
                match answers(left).0 {
                    true => self.possible_in(model, body, right, decides, found),
                    false => found.extend(never(right)),
                }
            }
            Formula::Or(left, right) => {
                self.possible_in(model, body, left, decides && answers(right).1, found);
                match answers(left).1 {
                    true => self.possible_in(model, body, right, decides, found),
                    false => found.extend(never(right)),
                }
            }
            Formula::If(parts) => {
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

    /// Returns whether a formula can be true, and whether it can be false.
    fn answers(&self, model: &Model, body: &Body, formula: &Formula) -> (bool, bool) {
        let answers = |part: &Formula| self.answers(model, body, part);
        match formula {
            Formula::Leaf(leaf) => {
                let Possible { true_, false_, .. } = self.possible_of(model, body, *leaf);
                (true_, false_)
            }
            Formula::Not(inner) => {
                let (true_, false_) = answers(inner);
                (false_, true_)
            }
            Formula::And(left, right) => {
                let (left, right) = (answers(left), answers(right));
                (left.0 && right.0, left.1 || (left.0 && right.1))
            }
            Formula::Or(left, right) => {
                let (left, right) = (answers(left), answers(right));
                (left.0 || (left.1 && right.0), left.1 && right.1)
            }
            Formula::If(parts) => {
                let [test, then, other] = [&parts[0], &parts[1], &parts[2]].map(answers);
                ((test.0 && then.0) || (test.1 && other.0), (test.0 && then.1) || (test.1 && other.1))
            }
        }
    }

    /// Returns the possible answers of a leaf that is evaluated.
    fn possible_of(&self, model: &Model, body: &Body, leaf: NodeId) -> Possible {
        let either = |unknown| Possible { true_: true, false_: true, unknown, decides: true };
        if let Some(answer) = self.settled(model, body, leaf) {
            return Possible { true_: answer, false_: !answer, ..Possible::default() };
        }
        match &self.node(leaf).kind {
            NodeKind::Constant(_) => either(false),
            NodeKind::Unreachable => Possible::default(),
            NodeKind::And(..) => {
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
            NodeKind::Settled(_, answer) => Some(*answer),
            // The attribute is there as soon as the entity is, captured or not.
            NodeKind::Has(entity, ty, slots, Asked::Entity) if variable(entity).is_some() => {
                slots.iter().all(|slot| model.ty(*ty).slots[slot.index()].required).then_some(true)
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
    /// answers are left out, and so is what they keep from being evaluated.
    pub fn simplified(&self, model: &Model, body: &Body, formula: &Formula) -> String {
        const ANSWERS: [&str; 2] = ["false", "true"];
        let simplified = |part: &Formula| self.simplified(model, body, part);
        let joined = |left: &Formula, right: &Formula, mark: &str, neutral: bool| {
            let (short, both) = (ANSWERS[usize::from(!neutral)], self.answers(model, body, left));
            let goes_on = if neutral { both.0 } else { both.1 };
            let (left, right) = (simplified(left), if goes_on { simplified(right) } else { String::new() });
            match (left.as_str(), right.as_str()) {
                (_, "") => left,
                (one, _) if one == short => left,
                (one, _) if one == ANSWERS[usize::from(neutral)] => right,
                (_, other) if other == ANSWERS[usize::from(neutral)] => left,
                _ => format!("({left} {mark} {right})"),
            }
        };
        match formula {
            Formula::Leaf(leaf) => match self.settled(model, body, *leaf) {
                Some(answer) if !self.may_fail(*leaf) => ANSWERS[usize::from(answer)].to_owned(),
                _ => self.text(*leaf),
            },
            Formula::Not(inner) => match simplified(inner).as_str() {
                "true" => "false".to_owned(),
                "false" => "true".to_owned(),
                inner => format!("!{inner}"),
            },
            Formula::And(left, right) => joined(left, right, "&&", true),
            Formula::Or(left, right) => joined(left, right, "||", false),
            Formula::If(parts) => {
                let [test, then, other] = &**parts;
                match simplified(test).as_str() {
                    "true" => simplified(then),
                    "false" => simplified(other),
                    test => format!("(if {test} then {} else {})", simplified(then), simplified(other)),
                }
            }
        }
    }

    /// Whether evaluating the operands of a leaf with a settled answer may fail, or depend on what was not captured.
    fn may_fail(&self, leaf: NodeId) -> bool {
        let is_variable = |node: NodeId| {
            matches!(
                self.node(node).kind,
                NodeKind::Principal | NodeKind::Resource | NodeKind::Root | NodeKind::Constant(_)
            )
        };
        !self.operands(leaf).into_iter().all(is_variable)
    }

    /// Returns an expression as a text that is the same for expressions that compute the same in the same way.
    fn text(&self, node: NodeId) -> String {
        let kind = &self.node(node).kind;
        let own = match kind {
            NodeKind::Constant(at) => format!("{:?}", self.constants.get(*at)),
            NodeKind::Slot(_, ty, slot) => format!("{ty:?} {slot:?}"),
            NodeKind::Record(_, ty, path) => format!("{ty:?} {path:?}"),
            NodeKind::Has(_, ty, slots, asked) => format!("{ty:?} {slots:?} {asked:?}"),
            NodeKind::Arithmetic(operator, ..) => format!("{operator:?}"),
            NodeKind::Like(_, pattern) => format!("{pattern:?}"),
            NodeKind::Settled(_, answer) => answer.to_string(),
            NodeKind::GetTag(_, ty, _) | NodeKind::HasTag(_, ty, _) => format!("{ty:?}"),
            NodeKind::RecordOf(members) => {
                let names = members.iter().map(|(name, _, optional)| (name, optional.is_some()));
                format!("{:?}", names.collect::<Vec<_>>())
            }
            NodeKind::Member(_, name) => format!("{name:?}"),
            NodeKind::HasMember(_, names) => format!("{names:?}"),
            NodeKind::Call(function, _) => format!("{function:?}"),
            _ => String::new(),
        };
        let operands: Vec<String> = self.operands(node).into_iter().map(|operand| self.text(operand)).collect();
        format!("{:?} {own}({})", std::mem::discriminant(kind), operands.join(", "))
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

    /// Returns what depends on some parameters, by their places in the model, directly or through derivations.
    pub fn depends_on(&self, model: &Model, parameters: &BTreeSet<usize>) -> Depends {
        let reads = |at: &usize| match self.constants.get(*at) {
            Some(Constant::Parameter(parameter) | Constant::HasParameter(parameter)) => parameters.contains(parameter),
            _ => false,
        };
        let mut nodes = vec![false; self.nodes.len()];
        let mut derived = vec![false; self.derived.len()];
        let holds = |nodes: &[bool], body: &Body| body.conditions().any(|node| nodes[node.index()]);
        // A derived attribute may read others, which are found one level after the other.
        loop {
            for at in 0..nodes.len() {
                let node = NodeId(at as u32);
                let kind = &self.node(node).kind;
                let slots = lower::slots_read(model, kind);
                let is_derived = |(attribute, depends): (&super::DerivedAttribute, &bool)| {
                    *depends && slots.contains(&(attribute.ty, attribute.slot))
                };
                nodes[at] = matches!(kind, NodeKind::Constant(constant) if reads(constant))
                    || self.operands(node).iter().any(|operand| nodes[operand.index()])
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
        let checks = self.checks.iter().map(|check| check.bodies.iter().any(|body| holds(&nodes, body))).collect();
        Depends { derived, checks }
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

/// What depends on some parameters.
#[derive(Debug, Clone, Default)]
pub struct Depends {
    /// For every derived attribute of the program, whether it does.
    pub derived: Vec<bool>,
    /// For every check of the program, whether it does.
    pub checks: Vec<bool>,
}

impl Body {
    /// Returns the conditions of scope and clauses, in order.
    pub fn conditions(&self) -> impl Iterator<Item = NodeId> {
        self.scope.iter().copied().chain(self.clauses.iter().map(|clause| clause.node))
    }
}
