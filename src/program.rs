//! Policies lowered to a typed program: attribute reads are slots, types are settled, joins are planned.
//!
//! Lowering happens once for any number of snapshots. The program does not depend on a snapshot; entity
//! literals and context values are constants that are bound to a snapshot later.

mod condition;
mod function;
pub(crate) mod written;
pub(crate) mod types;
mod reachable;
mod join;
mod lower;
mod lint;
mod like;
mod saved;
#[cfg(test)]
mod print;

pub use condition::{Condition, Lanes, LoweredClause, PolicyOutcomes, evaluate_policy};
pub use function::{Function, Kernel};
pub use join::{Conjunct, Join, JoinKey};
pub use like::LikePattern;
pub(crate) use lower::attribute_at;
pub use reachable::{Behind, Depends, Reachable};

use crate::diagnostic::Diagnostic;
use crate::ids::{IdVec, id};
use crate::policy::{CheckId, DerivationId, Policies, Policy, Unknowns, Waiver, WaiverId};
use crate::schema::{Model, SlotId, Ty};
use crate::source::cedar::on_deep_stack;
use crate::source::{Source, Span};
use crate::value::{Outcomes, TypeId, Value};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

id! {
    /// A node of the program.
    pub struct NodeId(u32)
}

/// An expression with its place in the text.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Node {
    /// The operation.
    pub kind: NodeKind,
    /// Where it is written in its policy's file.
    pub span: Span,
    /// The first node with the same structure. Both have the same value for the same principal and resource.
    pub class: NodeId,
}

/// The operation of a node.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum NodeKind {
    /// A constant of the run.
    Constant(usize),
    /// The principal.
    Principal,
    /// The resource.
    Resource,
    /// The root entity.
    Root,
    /// A leaf attribute of an entity.
    Slot(NodeId, TypeId, SlotId),
    /// A record-typed attribute of an entity, by its place in the type's attributes.
    Record(NodeId, TypeId, Arc<[SmolStr]>),
    /// Whether none of these slots is absent.
    Has(NodeId, TypeId, Vec<SlotId>, HasTarget),
    /// `&&`, `||`, `!`, or an `if` of type `Bool`.
    Condition(Box<Condition>),
    /// `if then else` of another type.
    If(NodeId, NodeId, NodeId),
    /// `==`.
    Equal(NodeId, NodeId),
    /// `<`.
    Less(NodeId, NodeId),
    /// `<=`.
    LessEqual(NodeId, NodeId),
    /// `+`, `-` or `*`.
    Arithmetic(Arithmetic, NodeId, NodeId),
    /// Unary `-`.
    Negate(NodeId),
    /// `in`; the right side is an entity or a set of entities.
    In(NodeId, NodeId),
    /// `.contains()`.
    Contains(NodeId, NodeId),
    /// `.containsAll()`.
    ContainsAll(NodeId, NodeId),
    /// `.containsAny()`.
    ContainsAny(NodeId, NodeId),
    /// `.isEmpty()`.
    IsEmpty(NodeId),
    /// `like`.
    Like(NodeId, LikePattern),
    /// An answer that the types settle, once the operand is evaluated: `is`, `has` of an undeclared attribute.
    StaticallyKnown(NodeId, bool),
    /// `.getTag()`.
    GetTag(NodeId, TypeId, NodeId),
    /// `.hasTag()`.
    HasTag(NodeId, TypeId, NodeId),
    /// `[...]`.
    SetOf(Vec<NodeId>),
    /// `{...}`; a member with a second node exists only if that node is true.
    RecordOf(Vec<(SmolStr, NodeId, Option<NodeId>)>),
    /// A member of a computed record.
    Member(NodeId, SmolStr),
    /// Whether a computed record has a member, which has the next one, and so on.
    HasMember(NodeId, Vec<SmolStr>),
    /// An extension function.
    Call(Function, Vec<NodeId>),
    /// Code that validation has shown to be unreachable.
    Unreachable,
}

/// The left side of a `has`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum HasTarget {
    /// The entity itself, which need not exist.
    Entity,
    /// A record that is read from the entity, which fails if there is none.
    Record,
}

/// Arithmetic on two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the operators name themselves")]
pub enum Arithmetic {
    Add,
    Subtract,
    Multiply,
}

/// A value that does not change during a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Constant {
    /// A literal.
    Value(Value),
    /// An entity literal.
    Entity(TypeId, SmolStr),
    /// `context.now`.
    Now,
    /// `context.parameters.x`, by its place in the model.
    Parameter(usize),
    /// Whether an optional parameter is set.
    HasParameter(usize),
}

/// Everything of a program that the reading of a snapshot depends on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Needed {
    /// The slots that are kept.
    pub reads: BTreeSet<(TypeId, SlotId)>,
    /// The names of tags that policies read.
    pub tags: BTreeSet<(TypeId, SmolStr)>,
    /// The texts that policies compare with each attribute.
    pub literals: BTreeMap<(TypeId, SlotId), BTreeSet<SmolStr>>,
}

/// A lowered policy for one type of principal and one of resource.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Body {
    /// The type of the principal.
    pub principal: TypeId,
    /// The type of the resource.
    pub resource: TypeId,
    /// The conditions of the scope on entities, except their types.
    pub scope: Vec<Condition>,
    /// The clauses in order.
    pub clauses: Vec<LoweredClause>,
}

/// A lowered check.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CheckProgram {
    /// Its id in [`Policies::checks`].
    pub check: CheckId,
    /// One body for every type of resource it judges.
    pub bodies: Vec<Body>,
    /// Whether it has both `when` and `unless`, so that it may be not applicable.
    pub conditional: bool,
    /// Whether its `when` clauses exclude types of its scope, for which it has no body.
    pub selects: bool,
}

/// A lowered waiver of a check of the program.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WaiverProgram {
    /// The waiver.
    pub waiver: WaiverId,
    /// Its check.
    pub check: CheckId,
    /// The verdicts that it waives.
    pub unknowns: Unknowns,
    /// One body for every type of resource that both it and the check are for.
    pub bodies: Vec<Body>,
}

/// A derived attribute with everything that contributes to it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DerivedAttribute {
    /// The type that has it.
    pub ty: TypeId,
    /// Its slot.
    pub slot: SlotId,
    /// The aggregate of its principals.
    pub aggregate: Aggregate,
    /// The number of levels of derived attributes that it depends on.
    pub level: usize,
    /// The derivations.
    pub parts: Vec<DerivationProgram>,
    /// Whether one of its derivations is invalid, so that its values are unknown.
    pub broken: bool,
}

impl DerivedAttribute {
    /// Returns the slot whose different values are counted, for a type of principals.
    pub fn distinct(&self, principal: TypeId) -> Option<SlotId> {
        self.parts.iter().filter(|part| part.body.principal == principal).find_map(|part| part.distinct)
    }

    /// Returns whether it is a named condition: all its derivations are definitions.
    pub fn is_defined(&self) -> bool {
        !self.parts.is_empty() && self.parts.iter().all(|part| part.defines)
    }
}

/// The aggregate of the permitted principals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Aggregate {
    /// Whether there is one.
    Exists,
    /// Their number.
    Count,
    /// The number of different values of an attribute of theirs.
    Distinct,
    /// Their set.
    Collect,
}

/// A lowered derivation and the plan for its pairs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DerivationProgram {
    /// Its id in [`Policies::derivations`].
    pub derivation: DerivationId,
    /// The file of the policy.
    #[serde(with = "crate::source::by_name")]
    pub source: Arc<Source>,
    /// Whether it removes principals.
    pub subtracts: bool,
    /// Whether it is a definition, whose only principal is the root.
    pub defines: bool,
    /// The slot of its principals whose different values are counted.
    pub distinct: Option<SlotId>,
    /// The lowered policy.
    pub body: Body,
    /// The conditions of the top-level conjunction, in order.
    pub conjuncts: Vec<Conjunct>,
    /// Conditions on the principal alone. No pair of a principal is permitted if one of them is false.
    pub filters: Vec<Condition>,
    /// Joins, each of which finds all pairs; without a join, every principal is paired with every resource.
    pub joins: Vec<Join>,
    /// The conditions that are not filters. `None` if one of them may be an error: then the whole policy is evaluated
    /// in order, for every pair that is found.
    pub rest: Option<Vec<Condition>>,
    /// The largest expressions on the resource alone, through whose values a resource decides. `None` if a condition other
    /// than `apart` reads the resource itself, as `principal in resource` does.
    pub of_resource: Option<Vec<NodeId>>,
    /// The condition `principal != resource`, if it is one of the conjunction.
    pub apart: Option<Condition>,
}

impl NodeKind {
    /// Returns the operation with other operands, in the order of the text.
    fn with_operands(self, map: &mut impl FnMut(NodeId) -> NodeId) -> Self {
        match self {
            Self::Constant(_) | Self::Principal | Self::Resource | Self::Root | Self::Unreachable => self,
            Self::Slot(a, ty, slot) => Self::Slot(map(a), ty, slot),
            Self::Record(a, ty, path) => Self::Record(map(a), ty, path),
            Self::Has(a, ty, slots, target) => Self::Has(map(a), ty, slots, target),
            Self::Negate(a) => Self::Negate(map(a)),
            Self::IsEmpty(a) => Self::IsEmpty(map(a)),
            Self::Like(a, pattern) => Self::Like(map(a), pattern),
            Self::StaticallyKnown(a, answer) => Self::StaticallyKnown(map(a), answer),
            Self::Member(a, name) => Self::Member(map(a), name),
            Self::HasMember(a, names) => Self::HasMember(map(a), names),
            Self::Condition(condition) => Self::Condition(Box::new(condition.map(map))),
            Self::Equal(a, b) => Self::Equal(map(a), map(b)),
            Self::Less(a, b) => Self::Less(map(a), map(b)),
            Self::LessEqual(a, b) => Self::LessEqual(map(a), map(b)),
            Self::Arithmetic(operator, a, b) => Self::Arithmetic(operator, map(a), map(b)),
            Self::In(a, b) => Self::In(map(a), map(b)),
            Self::Contains(a, b) => Self::Contains(map(a), map(b)),
            Self::ContainsAll(a, b) => Self::ContainsAll(map(a), map(b)),
            Self::ContainsAny(a, b) => Self::ContainsAny(map(a), map(b)),
            Self::GetTag(a, ty, b) => Self::GetTag(map(a), ty, map(b)),
            Self::HasTag(a, ty, b) => Self::HasTag(map(a), ty, map(b)),
            Self::If(a, b, c) => Self::If(map(a), map(b), map(c)),
            Self::SetOf(items) => Self::SetOf(items.into_iter().map(map).collect()),
            Self::Call(function, items) => Self::Call(function, items.into_iter().map(map).collect()),
            Self::RecordOf(members) => {
                let member = |(name, node, there): (SmolStr, NodeId, Option<NodeId>)| {
                    let node = map(node);
                    (name, node, there.map(&mut *map))
                };
                Self::RecordOf(members.into_iter().map(member).collect())
            }
        }
    }
}

/// Everything that is evaluated.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Program {
    /// Nodes; operands come before what uses them.
    pub nodes: IdVec<NodeId, Node>,
    /// Constants.
    pub constants: Vec<Constant>,
    /// Checks in order of their ids.
    pub checks: Vec<CheckProgram>,
    /// The waivers of these checks, in order of their ids.
    pub waivers: Vec<WaiverProgram>,
    /// Derived attributes, each after those it reads.
    pub derived: Vec<DerivedAttribute>,
    /// Slots that a node reads, and the time of capture.
    pub reads: BTreeSet<(TypeId, SlotId)>,
    /// The ids of policies that are not evaluated because of an error, their own or that of a derivation
    /// they depend on.
    pub refused: BTreeSet<SmolStr>,
    /// Parameters that are compared with folded values.
    pub(crate) comparisons: Vec<lint::Comparison>,
    /// Set literals whose elements are constants, with their values if these do not depend on a run.
    pub(crate) constant_sets: Vec<(NodeId, Option<Value>)>,
}

impl Program {
    /// Reviews all policies, and lowers the selected checks with their waivers, and the derivations they need.
    ///
    /// `select` determines the checks; one that the review refuses is left out and is in [`Program::refused`].
    pub fn lower(model: &Model, policies: &Policies, select: impl Fn(CheckId) -> bool) -> (Self, Vec<Diagnostic>) {
        on_deep_stack(|| Self::reviewed(model, policies, select, |_| true))
    }

    /// Returns everything that the reading of a snapshot depends on.
    pub(crate) fn needed(&self) -> Needed {
        Needed { reads: self.reads.clone(), tags: self.tags(), literals: self.literals() }
    }

    /// Returns the names of the tags that policies read.
    fn tags(&self) -> BTreeSet<(TypeId, SmolStr)> {
        let tag = |node: &Node| {
            let (NodeKind::GetTag(_, ty, key) | NodeKind::HasTag(_, ty, key)) = node.kind else { return None };
            let NodeKind::Constant(at) = self.node(key).kind else { return None };
            match self.constants.get(at) {
                Some(Constant::Value(Value::String(name))) => Some((ty, name.clone())),
                _ => None,
            }
        };
        self.nodes.iter().filter_map(tag).collect()
    }

    /// Returns the texts that policies compare with each attribute.
    fn literals(&self) -> BTreeMap<(TypeId, SlotId), BTreeSet<SmolStr>> {
        let mut literals: BTreeMap<_, BTreeSet<SmolStr>> = BTreeMap::new();
        for node in &self.nodes {
            let (NodeKind::Equal(left, right)
            | NodeKind::Contains(left, right)
            | NodeKind::ContainsAll(left, right)
            | NodeKind::ContainsAny(left, right)) = node.kind
            else {
                continue;
            };
            for (attribute, other) in [(left, right), (right, left)] {
                let NodeKind::Slot(_, ty, slot) = self.node(attribute).kind else { continue };
                let texts = self.texts(other);
                if !texts.is_empty() {
                    literals.entry((ty, slot)).or_default().extend(texts);
                }
            }
        }
        literals
    }

    /// Returns the literal texts that a node is, or contains as a set.
    fn texts(&self, node: NodeId) -> Vec<SmolStr> {
        let text = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            _ => None,
        };
        let literal = |node: NodeId| match self.node(node).kind {
            NodeKind::Constant(at) => match self.constants.get(at) {
                Some(Constant::Value(value)) => Some(value),
                _ => None,
            },
            _ => None,
        };
        match &self.node(node).kind {
            NodeKind::SetOf(items) => items.iter().filter_map(|item| text(literal(*item)?)).collect(),
            _ => match literal(node) {
                Some(Value::Set(set)) => set.items().iter().filter_map(text).collect(),
                other => other.and_then(text).into_iter().collect(),
            },
        }
    }

    /// Reviews and lowers all checks, the derivations that they need, and those that `select` accepts.
    pub(crate) fn lower_needed(
        model: &Model,
        policies: &Policies,
        select: impl Fn(DerivationId) -> bool,
    ) -> (Self, Vec<Diagnostic>) {
        on_deep_stack(|| Self::reviewed(model, policies, |_| true, select))
    }

    fn reviewed(
        model: &Model,
        policies: &Policies,
        select: impl Fn(CheckId) -> bool,
        derivations: impl Fn(DerivationId) -> bool,
    ) -> (Self, Vec<Diagnostic>) {
        let whole = lower::whole(model, policies, derivations);
        let lint::Review { refused, diagnostics, comparisons } = lint::review(model, policies, &whole);
        let runs = |at: CheckId| {
            select(at) && policies.checks.find(at).is_some_and(|check| !refused.contains(&check.statement.id))
        };
        let waives = |waiver: &Waiver| !refused.contains(&waiver.statement.id);
        let program = lower::program(model, policies, runs, waives);
        (Self { refused, comparisons, ..program }, diagnostics)
    }

    /// Returns the part of a reviewed program that some of its checks need, with their waivers.
    pub(crate) fn narrowed(&self, model: &Model, policies: &Policies, select: impl Fn(CheckId) -> bool) -> Self {
        let runs = |at: CheckId| select(at) && self.checks.iter().any(|check| check.check == at);
        let waives = |waiver: &Waiver| !self.refused.contains(&waiver.statement.id);
        let program = on_deep_stack(|| lower::program(model, policies, runs, waives));
        Self { refused: self.refused.clone(), comparisons: self.comparisons.clone(), ..program }
    }

    /// Lowers the selected checks and the derivations they need without a review and without waivers.
    pub fn unreviewed(model: &Model, policies: &Policies, select: impl Fn(CheckId) -> bool) -> Self {
        on_deep_stack(|| lower::program(model, policies, select, |_| false))
    }

    /// Lowers policies for the requests of one environment: the model's action, a type of principal and a type of
    /// resource.
    ///
    /// They are the program's checks, each by its place in `policies`; one whose scope names another action or another
    /// type is never satisfied, and left out.
    pub fn of_request(model: &Model, policies: &[Policy], principal: TypeId, resource: TypeId) -> Self {
        on_deep_stack(|| lower::request(model, policies, principal, resource))
    }

    /// Returns the error for a value of a parameter that is never equal to the attributes it is compared with.
    pub fn unfolded(&self, model: &Model, parameter: usize, value: &Value) -> Option<Diagnostic> {
        let comparisons = self.comparisons.iter().filter(|comparison| comparison.parameter == parameter);
        comparisons.filter_map(|comparison| comparison.refused(model, value)).next()
    }

    /// Returns a node.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id]
    }

    /// Returns the structure of a condition: equal for conditions with the same outcomes for the same principal and resource.
    pub fn structure(&self, condition: &Condition) -> Condition {
        condition.clone().map(&mut |leaf| self.node(leaf).class)
    }

    /// Returns the operands of a node; of a condition, its leaves.
    pub fn operands(&self, id: NodeId) -> Vec<NodeId> {
        match &self.node(id).kind {
            NodeKind::Constant(_)
            | NodeKind::Principal
            | NodeKind::Resource
            | NodeKind::Root
            | NodeKind::Unreachable => Vec::new(),
            NodeKind::Slot(a, ..)
            | NodeKind::Record(a, ..)
            | NodeKind::Has(a, ..)
            | NodeKind::Negate(a)
            | NodeKind::IsEmpty(a)
            | NodeKind::Like(a, _)
            | NodeKind::StaticallyKnown(a, _)
            | NodeKind::Member(a, _)
            | NodeKind::HasMember(a, _) => vec![*a],
            NodeKind::Condition(condition) => condition.leaves().into_iter().copied().collect(),
            NodeKind::Equal(a, b)
            | NodeKind::Less(a, b)
            | NodeKind::LessEqual(a, b)
            | NodeKind::Arithmetic(_, a, b)
            | NodeKind::In(a, b)
            | NodeKind::Contains(a, b)
            | NodeKind::ContainsAll(a, b)
            | NodeKind::ContainsAny(a, b)
            | NodeKind::GetTag(a, _, b)
            | NodeKind::HasTag(a, _, b) => vec![*a, *b],
            NodeKind::If(a, b, c) => vec![*a, *b, *c],
            NodeKind::SetOf(items) | NodeKind::Call(_, items) => items.clone(),
            NodeKind::RecordOf(members) => {
                members.iter().flat_map(|(_, node, there)| std::iter::once(*node).chain(*there)).collect()
            }
        }
    }
}

/// Returns how principals become a value of a derived attribute's type.
pub(crate) fn aggregate(ty: &Ty) -> Aggregate {
    match ty {
        Ty::Bool => Aggregate::Exists,
        Ty::Long => Aggregate::Count,
        _ => Aggregate::Collect,
    }
}
