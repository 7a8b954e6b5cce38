//! The lowering: from Cedar's syntax tree to nodes.
//!
//! Strict validation has already passed, so types are looked up and not checked. If an attribute does not exist, the
//! validator has shown that the code is never reached, and it becomes [`NodeKind::Unreachable`].

mod fork;

use super::*;
use crate::policy::{CheckId, Clause, ClauseKind, Derivation, DerivationId, Policy, Scope, Statement, Waiver};
use crate::schema::{Attribute, ContextMember, ContextOrigin, Origin, Shape};
use crate::value::{EntityRef, Set};
use cedar_policy_core::ast::{BinaryOp, EntityUID, Expr, ExprKind, Literal, UnaryOp, Var};
use fork::Forks;
use smol_str::ToSmolStr;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Lowers the selected checks, their selected waivers, and the derivations they need.
pub(super) fn program(
    model: &Model,
    policies: &Policies,
    select: impl Fn(CheckId) -> bool,
    waives: impl Fn(&Waiver) -> bool,
) -> Program {
    let mut lowering = Lowering::new(model);
    lowering.checks(policies, select);
    lowering.waivers(policies, waives);
    // Reports contain the time of capture, and a run may limit the age, whether a policy reads these times or not.
    lowering.program.reads.extend(model.capture_times());
    let wanted = derived_reads(&lowering, 0);
    let derived = lowering.derivations(policies, wanted);
    lowering.program.derived = ordered(derived);
    lowering.program.constant_sets = constant_sets(model, &lowering.program);
    lowering.program
}

/// Returns the set literals whose elements are constants, with their values if these do not depend on a run.
fn constant_sets(model: &Model, program: &Program) -> Vec<(NodeId, Option<Value>)> {
    let constant = |node: &NodeId| match program.node(*node).kind {
        NodeKind::Constant(at) => program.constants.get(at),
        _ => None,
    };
    let value = |constant: &Constant| match constant {
        Constant::Value(value) => Some(value.clone()),
        Constant::Entity(ty, id) => {
            let place = model.ty(*ty).choices()?.iter().position(|choice| choice == id)?;
            Some(Value::Entity(EntityRef::numbered(*ty, place)))
        }
        _ => None,
    };
    let set = |(node, literal): (NodeId, &Node)| {
        let NodeKind::SetOf(items) = &literal.kind else { return None };
        let constants: Vec<&Constant> = items.iter().map(constant).collect::<Option<_>>()?;
        let values: Option<Vec<Value>> = constants.into_iter().map(value).collect();
        Some((node, values.map(|values| Value::Set(Arc::new(Set::new(values))))))
    };
    program.nodes.entries().filter_map(set).collect()
}

/// Every valid policy, lowered for review and not for evaluation.
pub(super) struct Whole {
    /// The checks, and the nodes of all policies.
    pub program: Program,
    /// Every derived attribute that a policy reads or derives.
    pub derived: Lowered,
    /// The expressions with `has`.
    pub presence: BTreeMap<NodeId, Presence>,
}

/// Lowers every valid check and waiver, the derivations that they need, and those that `select` accepts.
pub(super) fn whole(model: &Model, policies: &Policies, select: impl Fn(DerivationId) -> bool) -> Whole {
    let mut lowering = Lowering::new(model);
    lowering.checks(policies, |_| true);
    lowering.waivers(policies, |_| true);
    let mut wanted = derived_reads(&lowering, 0);
    let selected = policies.derivations.entries().filter(|(at, _)| select(*at));
    wanted.extend(selected.filter_map(|(_, derivation)| {
        let ty = model.type_named(derivation.statement.resource.ty.as_ref()?)?;
        let of = |slot: &&crate::schema::Slot| slot.origin == Origin::Derived && slot.dotted() == derivation.derives;
        let slot = model.ty(ty).slots.iter().position(|slot| of(&slot))?;
        Some((ty, SlotId::new(slot)))
    }));
    let derived = lowering.derivations(policies, wanted);
    Whole { program: lowering.program, derived, presence: lowering.presence }
}

/// The result that the types determine for one expression with `has`, for one possible type of its left side.
#[derive(Debug, Clone)]
pub(super) struct Presence {
    /// Its answer, as far as the types determine it.
    pub settled: Settled,
    /// The type or record on the left side, in words.
    pub holder: String,
    /// The names on the right side, with dots.
    pub names: String,
}

/// How far the types determine the answer of a `has`.
#[derive(Debug, Clone)]
pub(super) enum Settled {
    /// It depends on the values.
    Open,
    /// Every step is required, so that the answer is always true.
    True,
    /// A type does not declare a step, so that the answer is always false.
    False {
        /// The step.
        step: SmolStr,
        /// The names that the type declares.
        declared: Vec<SmolStr>,
    },
}

pub(super) fn request(model: &Model, policies: &[Policy], principal: TypeId, resource: TypeId) -> Program {
    let mut lowering = Lowering::new(model);
    for (at, policy) in policies.iter().enumerate() {
        let statement = &policy.statement;
        let fits = fits(model, &statement.principal, principal) && fits(model, &statement.resource, resource);
        if fits && model.takes_in(&policy.action, &model.audit) {
            let bodies = vec![lowering.body(statement, principal, resource)];
            lowering.program.checks.push(CheckProgram {
                check: CheckId::new(at),
                bodies,
                conditional: false,
                selects: false,
            });
        }
    }
    lowering.program.constant_sets = constant_sets(model, &lowering.program);
    lowering.program
}

/// An attribute.
pub(super) type Target = (TypeId, SlotId);

/// Derived attributes with the derived attributes each reads.
pub(super) type Lowered = BTreeMap<Target, (DerivedAttribute, Vec<Target>)>;

/// Returns the derived attributes that nodes read, from one node on.
fn derived_reads(lowering: &Lowering, from: usize) -> Vec<(TypeId, SlotId)> {
    let nodes = lowering.program.nodes.iter().skip(from);
    nodes.flat_map(|node| derived_slots(lowering.model, &node.kind)).collect()
}

/// Returns the derived attributes that one node reads.
pub(super) fn derived_slots(model: &Model, kind: &NodeKind) -> Vec<(TypeId, SlotId)> {
    let mut slots = slots_read(model, kind);
    slots.retain(|(ty, slot)| model.ty(*ty).slots[*slot].origin == Origin::Derived);
    slots
}

/// Returns the levels of derived attributes: each follows those that it reads. Returns the rest: attributes on a cycle,
/// and those that read them.
pub(super) fn levels(lowered: &Lowered) -> (Vec<Vec<Target>>, BTreeSet<Target>) {
    let (mut levels, mut rest) = (Vec::new(), lowered.keys().copied().collect::<BTreeSet<Target>>());
    loop {
        let is_ready = |target: &&Target| {
            let reads = lowered.get(*target).map_or(&[][..], |(_, reads)| reads);
            reads.iter().all(|read| !rest.contains(read))
        };
        let ready: Vec<Target> = rest.iter().filter(is_ready).copied().collect();
        if ready.is_empty() {
            return (levels, rest);
        }
        ready.iter().for_each(|target| {
            rest.remove(target);
        });
        levels.push(ready);
    }
}

/// Orders the derived attributes that are not on a cycle and do not read one that is.
fn ordered(mut lowered: Lowered) -> Vec<DerivedAttribute> {
    let levels = (0..).zip(levels(&lowered).0);
    let targets = levels.flat_map(|(level, targets)| targets.into_iter().map(move |target| (level, target)));
    let attribute = |(level, target)| {
        let (attribute, _) = lowered.remove(&target)?;
        Some(DerivedAttribute { level, ..attribute })
    };
    targets.filter_map(attribute).collect()
}

/// Returns the derivations of an attribute. A derivation may leave the type of its resource open.
pub(super) fn derivations_of<'p>(
    model: &'p Model,
    policies: &'p Policies,
    (ty, slot): (TypeId, SlotId),
) -> impl Iterator<Item = (DerivationId, &'p Derivation)> {
    let name = model.ty(ty).slots[slot].dotted();
    let named = policies.derivations.entries().filter(move |(_, derivation)| derivation.derives == name);
    let of_type = move |derivation: &Derivation| {
        let of = derivation.statement.resource.ty.as_ref().and_then(|name| model.type_named(name));
        of.is_none_or(|of| of == ty)
    };
    named.map(|(at, derivation)| (at, &**derivation)).filter(move |(_, derivation)| of_type(derivation))
}

pub(super) fn slots_read(model: &Model, kind: &NodeKind) -> Vec<(TypeId, SlotId)> {
    match kind {
        NodeKind::Slot(_, ty, slot) => vec![(*ty, *slot)],
        NodeKind::Has(_, ty, slots, _) => slots.iter().map(|slot| (*ty, *slot)).collect(),
        NodeKind::GetTag(_, ty, _) | NodeKind::HasTag(_, ty, _) => {
            model.ty(*ty).tags.map(|slot| (*ty, slot)).into_iter().collect()
        }
        NodeKind::Record(_, ty, path) => match attribute_at(&model.ty(*ty).attributes, path) {
            Some(attribute) => leaves(attribute).into_iter().map(|slot| (*ty, slot)).collect(),
            None => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// Returns a slot with the presence of each record that contains it.
pub(super) fn with_records(model: &Model, ty: TypeId, slot: SlotId) -> impl Iterator<Item = (TypeId, SlotId)> {
    let outer = move |slot: &SlotId| model.ty(ty).slots.find(*slot)?.within;
    std::iter::successors(Some(slot), outer).map(move |slot| (ty, slot))
}

/// Returns the attribute at a path of record members.
pub(crate) fn attribute_at<'m>(attributes: &'m [Attribute], path: &[SmolStr]) -> Option<&'m Attribute> {
    let (first, rest) = path.split_first()?;
    let found = attributes.iter().find(|attribute| attribute.name == *first)?;
    match (&found.shape, rest) {
        (_, []) => Some(found),
        (Shape::Record(_, inner), rest) => attribute_at(inner, rest),
        (Shape::Leaf(_), _) => None,
    }
}

/// Returns the attribute at the longest part of a path that has one, with this part and the rest of the path.
fn longest<'m, 'n>(
    attributes: &'m [Attribute],
    names: &'n [SmolStr],
) -> Option<(&'m Attribute, &'n [SmolStr], &'n [SmolStr])> {
    (1..=names.len()).rev().find_map(|taken| {
        let (path, rest) = names.split_at_checked(taken)?;
        Some((attribute_at(attributes, path)?, path, rest))
    })
}

fn leaves(attribute: &Attribute) -> Vec<SlotId> {
    match &attribute.shape {
        Shape::Leaf(slot) => vec![*slot],
        Shape::Record(presence, inner) => std::iter::once(*presence).chain(inner.iter().flat_map(leaves)).collect(),
    }
}

struct Lowering<'m> {
    model: &'m Model,
    program: Program,
    principal: TypeId,
    resource: TypeId,
    /// Whether the policy being lowered is a derivation.
    deriving: bool,
    span: Span,
    forks: Forks,
    presence: BTreeMap<NodeId, Presence>,
    /// The first node of each structure: an operation whose operands are such nodes.
    classes: HashMap<NodeKind, NodeId>,
}

/// A lowered expression: its node and its type, unknown for unreachable code.
type Typed = (NodeId, Option<Ty>);

impl<'m> Lowering<'m> {
    fn new(model: &'m Model) -> Self {
        Self {
            model,
            program: Program::default(),
            principal: model.root,
            resource: model.root,
            deriving: false,
            span: Span::default(),
            forks: Forks::default(),
            presence: BTreeMap::new(),
            classes: HashMap::new(),
        }
    }

    /// Lowers the selected checks that are valid.
    fn checks(&mut self, policies: &Policies, select: impl Fn(CheckId) -> bool) {
        for (check, policy) in policies.checks.entries() {
            if select(check) && policy.statement.valid {
                self.check(check, &policy.statement);
            }
        }
    }

    /// Lowers the selected waivers that are valid, and whose check is in the program.
    fn waivers(&mut self, policies: &Policies, select: impl Fn(&Waiver) -> bool) {
        for (at, waiver) in policies.waivers.entries() {
            let statement = &waiver.statement;
            let of_check = |check: &&CheckProgram| {
                policies.checks.find(check.check).is_some_and(|check| check.statement.id == waiver.check)
            };
            let Some(check) = self.program.checks.iter().find(of_check) else { continue };
            if !statement.valid || !select(waiver) || !fits(self.model, &statement.principal, self.model.root) {
                continue;
            }
            let check_at = check.check;
            let types: Vec<TypeId> = check.bodies.iter().map(|body| body.resource).collect();
            let types = types.into_iter().filter(|ty| fits(self.model, &statement.resource, *ty));
            let bodies = types.collect::<Vec<_>>().into_iter().map(|ty| self.body(statement, self.model.root, ty));
            let bodies = bodies.collect();
            self.program.waivers.push(WaiverProgram { waiver: at, check: check_at, unknowns: waiver.unknowns, bodies });
        }
    }

    /// Lowers the derivations of some attributes, and of all that these read.
    fn derivations(&mut self, policies: &Policies, mut wanted: Vec<(TypeId, SlotId)>) -> Lowered {
        self.deriving = true;
        let mut lowered = Lowered::new();
        while let Some(target) = wanted.pop() {
            if lowered.contains_key(&target) {
                continue;
            }
            let slot = &self.model.ty(target.0).slots[target.1];
            let from = self.program.nodes.len();
            let mut parts: Vec<DerivationProgram> = Vec::new();
            let mut broken = policies.unread_derivations.contains(slot.dotted().as_str());
            for (at, derivation) in derivations_of(self.model, policies, target) {
                broken |= !derivation.statement.valid;
                parts.extend(derivation.statement.valid.then(|| self.derivation(at, derivation)).flatten());
            }
            broken |= parts.iter().all(|part| part.subtracts);
            let reads = derived_reads(self, from);
            wanted.extend(reads.iter().copied());
            let counts_values = parts.iter().any(|part| part.distinct.is_some());
            let aggregate = if counts_values { Aggregate::Distinct } else { aggregate(&slot.ty) };
            let (ty, slot) = target;
            lowered.insert(target, (DerivedAttribute { ty, slot, aggregate, level: 0, parts, broken }, reads));
        }
        lowered
    }

    fn check(&mut self, check: CheckId, statement: &Statement) {
        let (model, root) = (self.model, self.model.root);
        let resources = model.audit.resources.iter().copied();
        let mut resources: Vec<TypeId> = resources.filter(|ty| fits(model, &statement.resource, *ty)).collect();
        let excluded: Vec<bool> = resources.iter().map(|ty| types::excludes(model, statement, *ty)).collect();
        // A check that excludes all types has all bodies, for the review.
        let selects = excluded.contains(&true) && excluded.contains(&false);
        if selects {
            let mut excluded = excluded.into_iter();
            resources.retain(|_| excluded.next() == Some(false));
        }
        let judged = fits(model, &statement.principal, root);
        let bodies = if judged {
            resources.into_iter().map(|resource| self.body(statement, root, resource)).collect()
        } else {
            Vec::new()
        };
        let has = |kind| statement.clauses.iter().any(|clause| clause.kind == kind);
        let conditional = has(ClauseKind::When) && has(ClauseKind::Unless);
        self.program.checks.push(CheckProgram { check, bodies, conditional, selects });
    }

    fn derivation(&mut self, derivation: DerivationId, policy: &Derivation) -> Option<DerivationProgram> {
        let statement = &policy.statement;
        let ty = |scope: &Scope| scope.ty.as_ref().and_then(|name| self.model.type_named(name));
        let principal = if policy.defines { self.model.root } else { ty(&statement.principal)? };
        let resource = ty(&statement.resource)?;
        let body = self.body(statement, principal, resource);
        let plan = join::plan(self.model, &self.program, &body);
        let distinct = policy.distinct.into_iter().flat_map(|slot| with_records(self.model, principal, slot));
        self.program.reads.extend(distinct);
        Some(DerivationProgram {
            derivation,
            source: Arc::clone(&statement.source),
            subtracts: policy.subtracts,
            defines: policy.defines,
            distinct: policy.distinct,
            body,
            conjuncts: plan.conjuncts,
            filters: plan.filters,
            joins: plan.joins,
            rest: plan.rest,
            of_resource: plan.of_resource,
            apart: plan.apart,
        })
    }

    fn body(&mut self, statement: &Statement, principal: TypeId, resource: TypeId) -> Body {
        (self.principal, self.resource, self.span) = (principal, resource, statement.span);
        let mut scope = Vec::new();
        for (variable, ty, constraint) in [
            (NodeKind::Principal, principal, &statement.principal),
            (NodeKind::Resource, resource, &statement.resource),
        ] {
            if let Some(uid) = &constraint.equals {
                let (left, right) = (self.push(variable.clone()), self.entity(uid).0);
                scope.push(Condition::Leaf(self.push(NodeKind::Equal(left, right))));
            }
            if let Some(uid) = &constraint.within {
                let (left, right) = (self.typed(variable, Ty::Entity(ty)), self.entity(uid).0);
                scope.push(Condition::Leaf(self.is_in(left, right).0));
            }
        }
        let lowered = |clause: &Clause| {
            let condition = self.condition(&clause.expr);
            let written = written::span(&clause.expr).unwrap_or(statement.span);
            LoweredClause { kind: clause.kind, condition, written, span: clause.span }
        };
        let clauses = statement.clauses.iter().map(lowered).collect();
        Body { principal, resource, scope, clauses }
    }

    /// Lowers an expression of type `Bool` to a condition. Its leaves are what the text shows as one condition.
    fn condition(&mut self, expr: &Expr) -> Condition {
        written::condition(expr).map(&mut |leaf| self.lower(leaf).0)
    }

    /// Lowers a conjunction that the text shows as one condition.
    fn both(&mut self, here: NodeId, there: NodeId) -> Typed {
        let parts = vec![Condition::Leaf(here), Condition::Leaf(there)];
        self.typed(NodeKind::Condition(Box::new(Condition::All(parts))), Ty::Bool)
    }

    fn push(&mut self, kind: NodeKind) -> NodeId {
        for (ty, slot) in slots_read(self.model, &kind) {
            self.program.reads.extend(with_records(self.model, ty, slot));
        }
        let structure = kind.clone().with_operands(&mut |operand| self.program.nodes[operand].class);
        let next = self.program.nodes.next_id();
        let class = *self.classes.entry(structure).or_insert(next);
        self.program.nodes.push(Node { kind, span: self.span, class })
    }

    fn typed(&mut self, kind: NodeKind, ty: Ty) -> Typed {
        (self.push(kind), Some(ty))
    }

    fn constant(&mut self, constant: Constant, ty: Ty) -> Typed {
        if let Constant::Parameter(at) | Constant::HasParameter(at) = constant {
            let slot = self.model.parameters.get(at).and_then(|parameter| parameter.slot);
            self.program.reads.extend(slot.map(|slot| (self.model.root, slot)));
        }
        let at = match self.program.constants.iter().position(|known| *known == constant) {
            Some(at) => at,
            None => {
                self.program.constants.push(constant);
                self.program.constants.len() - 1
            }
        };
        self.typed(NodeKind::Constant(at), ty)
    }

    fn unreachable(&mut self) -> Typed {
        (self.push(NodeKind::Unreachable), None)
    }

    fn entity(&mut self, uid: &EntityUID) -> Typed {
        match self.model.type_named(&uid.entity_type().to_smolstr()) {
            Some(ty) => self.constant(Constant::Entity(ty, AsRef::<str>::as_ref(uid.eid()).into()), Ty::Entity(ty)),
            None => self.unreachable(),
        }
    }

    fn lower(&mut self, expr: &Expr) -> Typed {
        let outer = self.span;
        self.span = written::span(expr).unwrap_or(outer);
        let lowered = self.lower_here(expr);
        self.span = outer;
        lowered
    }

    fn lower_here(&mut self, expr: &Expr) -> Typed {
        match expr.expr_kind() {
            ExprKind::Lit(literal) => self.literal(literal),
            ExprKind::Var(Var::Principal) => self.typed(NodeKind::Principal, Ty::Entity(self.principal)),
            ExprKind::Var(Var::Resource) => self.typed(NodeKind::Resource, Ty::Entity(self.resource)),
            ExprKind::Var(Var::Action) => {
                let action = self.model.derive.as_ref().filter(|_| self.deriving).unwrap_or(&self.model.audit);
                let name = self
                    .model
                    .ty(action.ty)
                    .choices()
                    .and_then(|choices| choices.get(action.choice as usize))
                    .cloned()
                    .unwrap_or_default();
                let ty = action.ty;
                self.constant(Constant::Entity(ty, name), Ty::Entity(ty))
            }
            ExprKind::Var(Var::Context) => self.context(&[]),
            ExprKind::If { test_expr, then_expr, else_expr } => {
                let (test, then, other) = (self.lower(test_expr).0, self.lower(then_expr), self.lower(else_expr));
                self.choose(test, then, other)
            }
            ExprKind::And { .. } | ExprKind::Or { .. } | ExprKind::UnaryApp { op: UnaryOp::Not, .. } => {
                let condition = written::operators(expr).map(&mut |leaf| self.lower(leaf).0);
                self.typed(NodeKind::Condition(Box::new(condition)), Ty::Bool)
            }
            ExprKind::UnaryApp { op: UnaryOp::Neg, arg } => {
                let operand = self.lower(arg).0;
                self.typed(NodeKind::Negate(operand), Ty::Long)
            }
            ExprKind::UnaryApp { op: UnaryOp::IsEmpty, arg } => {
                let operand = self.lower(arg).0;
                self.typed(NodeKind::IsEmpty(operand), Ty::Bool)
            }
            ExprKind::BinaryApp { op, arg1, arg2 } => self.binary(*op, arg1, arg2),
            ExprKind::ExtensionFunctionApp { fn_name, args } => self.call(expr, &fn_name.to_string(), args),
            ExprKind::GetAttr { .. } => self.get(expr),
            ExprKind::HasAttr { expr, attr } => self.has(expr, std::slice::from_ref(attr)),
            ExprKind::ExtHasAttr { expr, attrs } => {
                let attrs: Vec<SmolStr> = attrs.iter().cloned().collect();
                self.has(expr, &attrs)
            }
            ExprKind::Like { expr, pattern } => {
                let text = self.lower(expr).0;
                self.typed(NodeKind::Like(text, LikePattern::from(pattern)), Ty::Bool)
            }
            ExprKind::Is { expr, entity_type } => {
                let entity = self.lower(expr);
                self.each_type(entity, &|lowering, (entity, ty)| {
                    let name = entity_type.to_smolstr();
                    let answer = matches!(ty, Some(Ty::Entity(ty)) if lowering.model.ty(ty).name == name);
                    lowering.typed(NodeKind::StaticallyKnown(entity, answer), Ty::Bool)
                })
            }
            ExprKind::Set(items) => {
                let items: Vec<Typed> = items.iter().map(|item| self.lower(item)).collect();
                let ty = items.iter().find_map(|(_, ty)| ty.clone());
                let set = self.push(NodeKind::SetOf(items.iter().map(|(node, _)| *node).collect()));
                (set, ty.map(|ty| Ty::Set(Arc::new(ty))))
            }
            ExprKind::Record(members) => {
                let members = members.iter().map(|(name, member)| (name.clone(), self.lower(member))).collect();
                self.record(members)
            }
            ExprKind::Slot(_) | ExprKind::Unknown(_) => self.unreachable(),
        }
    }

    fn literal(&mut self, literal: &Literal) -> Typed {
        match literal {
            Literal::Bool(b) => self.constant(Constant::Value(Value::Bool(*b)), Ty::Bool),
            Literal::Long(n) => self.constant(Constant::Value(Value::Long(*n)), Ty::Long),
            Literal::String(s) => self.constant(Constant::Value(Value::String(s.clone())), Ty::String),
            Literal::EntityUID(uid) => self.entity(uid),
        }
    }

    fn binary(&mut self, op: BinaryOp, left: &Expr, right: &Expr) -> Typed {
        let (left, (b, _)) = (self.lower(left), self.lower(right));
        let a = left.0;
        let (kind, ty) = match op {
            BinaryOp::Eq => (NodeKind::Equal(a, b), Ty::Bool),
            BinaryOp::Less => (NodeKind::Less(a, b), Ty::Bool),
            BinaryOp::LessEq => (NodeKind::LessEqual(a, b), Ty::Bool),
            BinaryOp::Add => (NodeKind::Arithmetic(Arithmetic::Add, a, b), Ty::Long),
            BinaryOp::Sub => (NodeKind::Arithmetic(Arithmetic::Subtract, a, b), Ty::Long),
            BinaryOp::Mul => (NodeKind::Arithmetic(Arithmetic::Multiply, a, b), Ty::Long),
            BinaryOp::In => return self.each_type(left, &|lowering, left| lowering.is_in(left, b)),
            BinaryOp::Contains => (NodeKind::Contains(a, b), Ty::Bool),
            BinaryOp::ContainsAll => (NodeKind::ContainsAll(a, b), Ty::Bool),
            BinaryOp::ContainsAny => (NodeKind::ContainsAny(a, b), Ty::Bool),
            BinaryOp::GetTag => return self.each_type(left, &|lowering, left| lowering.get_tag(left, b)),
            BinaryOp::HasTag => return self.each_type(left, &|lowering, left| lowering.has_tag(left, b)),
        };
        self.typed(kind, ty)
    }

    fn get_tag(&mut self, (entity, ty): Typed, key: NodeId) -> Typed {
        let Some(Ty::Entity(ty)) = ty else { return self.unreachable() };
        let Some(slot) = self.model.ty(ty).tags else { return self.unreachable() };
        self.typed(NodeKind::GetTag(entity, ty, key), self.model.ty(ty).slots[slot].ty.clone())
    }

    fn has_tag(&mut self, (entity, ty): Typed, key: NodeId) -> Typed {
        let Some(Ty::Entity(ty)) = ty else { return self.unreachable() };
        match self.model.ty(ty).tags {
            Some(_) => self.typed(NodeKind::HasTag(entity, ty, key), Ty::Bool),
            None => self.typed(NodeKind::StaticallyKnown(entity, false), Ty::Bool),
        }
    }

    /// Lowers `in`, which reads the entities that the left side is a member of.
    fn is_in(&mut self, (entity, ty): Typed, container: NodeId) -> Typed {
        if let Some(Ty::Entity(ty)) = ty {
            self.program.reads.extend(self.model.ty(ty).memberships.iter().map(|(_, slot)| (ty, *slot)));
        }
        self.typed(NodeKind::In(entity, container), Ty::Bool)
    }

    fn call(&mut self, expr: &Expr, name: &str, args: &[Expr]) -> Typed {
        if let Some(constructed) = written::constructed(expr) {
            return self.constant(Constant::Value(constructed.value), constructed.ty.clone());
        }
        let Some(function) = Function::named(name) else { return self.unreachable() };
        let args = args.iter().map(|arg| self.lower(arg).0).collect();
        self.typed(NodeKind::Call(function, args), function.result().clone())
    }

    /// Splits `a.b.c` into its first expression and the names.
    fn chain<'e>(&self, expr: &'e Expr) -> (&'e Expr, Vec<SmolStr>) {
        let (mut base, mut names) = (expr, Vec::new());
        while let ExprKind::GetAttr { expr, attr } = base.expr_kind() {
            names.push(attr.clone());
            base = expr;
        }
        names.reverse();
        (base, names)
    }

    fn get(&mut self, expr: &Expr) -> Typed {
        let (base, names) = self.chain(expr);
        if let ExprKind::Var(Var::Context) = base.expr_kind() {
            return self.context(&names);
        }
        let base = self.lower(base);
        self.follow(base, &names)
    }

    /// Reads attributes of an entity or members of a record, one after the other.
    fn follow(&mut self, base: Typed, names: &[SmolStr]) -> Typed {
        if names.is_empty() {
            return base;
        }
        self.each_type(base, &|lowering, base| lowering.follow_one(base, names))
    }

    fn follow_one(&mut self, base: Typed, names: &[SmolStr]) -> Typed {
        let (node, ty) = base;
        let [first, others @ ..] = names else { return (node, ty) };
        match ty {
            Some(Ty::Entity(entity)) => {
                // The path is in this entity up to the first attribute that is not a record.
                let Some((attribute, path, rest)) = longest(&self.model.ty(entity).attributes, names) else {
                    return self.unreachable();
                };
                let ty = attribute.ty.clone();
                let kind = match &attribute.shape {
                    Shape::Leaf(slot) => NodeKind::Slot(node, entity, *slot),
                    Shape::Record(..) => NodeKind::Record(node, entity, path.into()),
                };
                let read = self.typed(kind, ty);
                self.follow(read, rest)
            }
            Some(Ty::Record(members)) => {
                let Some(member) = members.iter().find(|member| member.name == *first) else {
                    return self.unreachable();
                };
                let read = self.typed(NodeKind::Member(node, first.clone()), member.ty.clone());
                self.follow(read, others)
            }
            None => self.each_type_of_member(node, first, &|lowering, read| lowering.follow(read, others)),
            _ => self.unreachable(),
        }
    }

    fn has(&mut self, expr: &Expr, attrs: &[SmolStr]) -> Typed {
        let (base, names) = self.chain(expr);
        if let ExprKind::Var(Var::Context) = base.expr_kind() {
            let has = self.context_has(&names, attrs);
            let members = self.model.context.iter().cloned();
            let member = |ContextMember { name, ty, required, .. }| crate::schema::Member { name, ty, required };
            let context = Ty::Record(Arc::new(members.map(member).collect()));
            self.record_presence(has.0, &context, Some("context"), &names, attrs);
            return has;
        }
        let base = self.lower(base);
        self.has_below(base, &names, attrs)
    }

    /// Lowers a `has` of the text, and records it for the review.
    fn has_below(&mut self, base: Typed, names: &[SmolStr], attrs: &[SmolStr]) -> Typed {
        self.each_type(base, &|lowering, base| {
            let ty = base.1.clone();
            let (node, answer) = lowering.has_below_one(base, names, attrs);
            if let Some(ty) = ty {
                lowering.record_presence(node, &ty, None, names, attrs);
            }
            (node, answer)
        })
    }

    /// Lowers the part of a `has` after an entity.
    fn has_rest(&mut self, base: Typed, attrs: &[SmolStr]) -> Typed {
        self.each_type(base, &|lowering, base| lowering.has_below_one(base, &[], attrs))
    }

    /// Records whether the types settle a `has` of `attrs`, in the record at `names` of a type.
    fn record_presence(&mut self, node: NodeId, ty: &Ty, name: Option<&str>, names: &[SmolStr], attrs: &[SmolStr]) {
        let (mut ty, mut holder) = (ty.clone(), name.map(str::to_owned));
        let mut settled = Settled::True;
        for (at, name) in names.iter().chain(attrs).enumerate() {
            if at <= names.len() {
                holder = match &ty {
                    Ty::Entity(entity) => Some(self.model.short_name(*entity).to_owned()),
                    _ => holder,
                };
            }
            let step = types::member(self.model, &ty, name).map(|(ty, required)| (required, ty.clone()));
            if at < names.len() {
                holder = holder.map(|holder| format!("{holder}.{name}"));
            }
            let Some((required, next)) = step else {
                let declared = types::members(self.model, &ty).map(SmolStr::new).collect();
                settled = Settled::False { step: name.clone(), declared };
                break;
            };
            if !required && at >= names.len() {
                settled = Settled::Open;
            }
            ty = next;
        }
        if !matches!(self.program.node(node).kind, NodeKind::Unreachable) {
            let holder = holder.map_or_else(|| "the record".to_owned(), |holder| format!("`{holder}`"));
            self.presence.insert(node, Presence { settled, holder, names: attrs.join(".") });
        }
    }

    fn has_below_one(&mut self, base: Typed, names: &[SmolStr], attrs: &[SmolStr]) -> Typed {
        let (node, ty) = base;
        match ty.clone() {
            Some(Ty::Entity(entity)) => {
                let attributes = &self.model.ty(entity).attributes;
                let record = attribute_at(attributes, names).and_then(|attribute| match attribute.shape {
                    Shape::Record(presence, _) => Some(presence),
                    Shape::Leaf(_) => None,
                });
                if record.is_none() && !names.is_empty() {
                    // The names continue in another entity: read up to its reference, then continue there.
                    let Some((_, path, rest)) = longest(attributes, names) else { return self.unreachable() };
                    let read = self.follow((node, Some(Ty::Entity(entity))), path);
                    return self.has_below(read, rest, attrs);
                }
                let asked = if names.is_empty() { HasTarget::Entity } else { HasTarget::Record };
                let mut path = names.to_vec();
                let mut slots = Vec::new();
                let mut left = attrs;
                while let Some((attr, rest)) = left.split_first() {
                    left = rest;
                    path.push(attr.clone());
                    match attribute_at(attributes, &path).map(|attribute| (&attribute.shape, &attribute.ty)) {
                        Some((Shape::Record(presence, _), _)) => slots.push(*presence),
                        Some((Shape::Leaf(slot), _)) if rest.is_empty() => slots.push(*slot),
                        Some((Shape::Leaf(slot), ty)) => {
                            let (slot, ty) = (*slot, ty.clone());
                            slots.push(slot);
                            let here = self.push(NodeKind::Has(node, entity, slots, asked));
                            let read = self.typed(NodeKind::Slot(node, entity, slot), ty);
                            let there = self.has_rest(read, rest).0;
                            return self.both(here, there);
                        }
                        None => {
                            let read = record.map(|presence| {
                                self.push(NodeKind::Has(node, entity, vec![presence], HasTarget::Record))
                            });
                            return self.typed(NodeKind::StaticallyKnown(read.unwrap_or(node), false), Ty::Bool);
                        }
                    }
                }
                self.typed(NodeKind::Has(node, entity, slots, asked), Ty::Bool)
            }
            Some(Ty::Record(members)) => {
                if let Some((first, names)) = names.split_first() {
                    let read = self.follow((node, ty), std::slice::from_ref(first));
                    return self.has_below(read, names, attrs);
                }
                // The test covers nested records; after a reference to an entity there is a second test.
                let mut members = Arc::clone(&members);
                for (path, rest) in (1..=attrs.len()).filter_map(|taken| attrs.split_at_checked(taken)) {
                    let member = members.iter().find(|member| Some(&member.name) == path.last());
                    match member.map(|member| member.ty.clone()) {
                        Some(Ty::Record(inner)) => members = inner,
                        Some(Ty::Entity(_)) if !rest.is_empty() => {
                            let here = self.push(NodeKind::HasMember(node, path.to_vec()));
                            let read = self.follow((node, ty), path);
                            let there = self.has_rest(read, rest).0;
                            return self.both(here, there);
                        }
                        _ => break,
                    }
                }
                self.typed(NodeKind::HasMember(node, attrs.to_vec()), Ty::Bool)
            }
            None => match (names, attrs) {
                ([first, names @ ..], _) => {
                    self.each_type_of_member(node, first, &|lowering, read| lowering.has_below(read, names, attrs))
                }
                ([], [first, rest @ ..]) if !rest.is_empty() && self.forks.is_record(node) => {
                    let here = self.push(NodeKind::HasMember(node, vec![first.clone()]));
                    let below = |lowering: &mut Self, read| lowering.has_rest(read, rest);
                    let there = self.each_type_of_member(node, first, &below).0;
                    self.both(here, there)
                }
                _ if self.forks.is_record(node) => self.typed(NodeKind::HasMember(node, attrs.to_vec()), Ty::Bool),
                _ => self.unreachable(),
            },
            _ => self.unreachable(),
        }
    }

    /// Reads `context.a.b`, or a whole record of it.
    fn context(&mut self, names: &[SmolStr]) -> Typed {
        let Some((first, rest)) = names.split_first() else {
            let members: Vec<_> = self
                .model
                .context
                .iter()
                .map(|member| (member.name.clone(), member.ty.clone(), member.required))
                .collect();
            return self.record_of(members, |lowering, name| lowering.context(std::slice::from_ref(name)), &[]);
        };
        let Some(member) = self.model.context.iter().find(|member| member.name == *first).cloned() else {
            return self.unreachable();
        };
        match member.origin {
            ContextOrigin::Now => self.constant(Constant::Now, Ty::Datetime),
            ContextOrigin::Root(slot) => {
                let root = self.push(NodeKind::Root);
                let read = self.typed(NodeKind::Slot(root, self.model.root, slot), member.ty);
                self.follow(read, rest)
            }
            ContextOrigin::Parameters => {
                let Some((name, rest)) = rest.split_first() else {
                    let members: Vec<_> = self
                        .model
                        .parameters
                        .iter()
                        .map(|parameter| (parameter.name.clone(), parameter.ty.clone(), parameter.required))
                        .collect();
                    return self.record_of(
                        members,
                        |lowering, name| lowering.context(&["parameters".into(), name.clone()]),
                        &["parameters".into()],
                    );
                };
                let mut parameters = self.model.parameters.iter().enumerate();
                let Some((at, parameter)) = parameters.find(|(_, parameter)| parameter.name == *name) else {
                    return self.unreachable();
                };
                let read = self.constant(Constant::Parameter(at), parameter.ty.clone());
                self.follow(read, rest)
            }
        }
    }

    fn record_of(
        &mut self,
        members: Vec<(SmolStr, Ty, bool)>,
        read: impl Fn(&mut Self, &SmolStr) -> Typed,
        path: &[SmolStr],
    ) -> Typed {
        let nodes = members.iter().map(|(name, _, required)| {
            let node = read(self, name).0;
            let there = (!required).then(|| self.context_has(path, std::slice::from_ref(name)).0);
            (name.clone(), node, there)
        });
        let nodes: Vec<_> = nodes.collect();
        let ty = members.into_iter().map(|(name, ty, required)| crate::schema::Member { name, ty, required }).collect();
        self.typed(NodeKind::RecordOf(nodes), Ty::Record(Arc::new(ty)))
    }

    fn context_has(&mut self, names: &[SmolStr], attrs: &[SmolStr]) -> Typed {
        let path: Vec<SmolStr> = names.iter().chain(attrs).cloned().collect();
        let truth = |lowering: &mut Self, answer| lowering.constant(Constant::Value(Value::Bool(answer)), Ty::Bool);
        let Some((first, rest)) = path.split_first() else { return truth(self, false) };
        let Some(member) = self.model.context.iter().find(|member| member.name == *first).cloned() else {
            return truth(self, false);
        };
        match (member.origin, rest) {
            (ContextOrigin::Root(slot), rest) => {
                let root = self.push(NodeKind::Root);
                if let Some((_, names)) = names.split_first() {
                    // `context.a.b has c` reads `b`.
                    let read = self.typed(NodeKind::Slot(root, self.model.root, slot), member.ty);
                    return self.has_below(read, names, attrs);
                }
                let here = self.push(NodeKind::Has(root, self.model.root, vec![slot], HasTarget::Entity));
                if rest.is_empty() {
                    return (here, Some(Ty::Bool));
                }
                let read = self.typed(NodeKind::Slot(root, self.model.root, slot), member.ty);
                let there = self.has_rest(read, rest).0;
                self.both(here, there)
            }
            (_, []) => truth(self, true),
            (ContextOrigin::Parameters, [name]) => {
                match self.model.parameters.iter().enumerate().find(|(_, parameter)| parameter.name == *name) {
                    Some((at, parameter)) if !parameter.required => self.constant(Constant::HasParameter(at), Ty::Bool),
                    found => truth(self, found.is_some()),
                }
            }
            _ => truth(self, false),
        }
    }
}

/// Returns whether a scope can match an entity of a type.
fn fits(model: &Model, scope: &Scope, ty: TypeId) -> bool {
    let equal = scope.equals.as_ref().and_then(|uid| model.type_named(&uid.entity_type().to_smolstr()));
    scope.ty.as_ref().is_none_or(|name| model.type_named(name) == Some(ty)) && equal.is_none_or(|only| only == ty)
}

#[cfg(test)]
mod tests {
    use super::super::print::lowered;
    use expect_test::{Expect, expect};

    /// Compares the lowered clauses of a check of boats.
    fn check(clauses: &str, expected: Expect) {
        let head = r#"@id("T") @title("T") @severity("low")
            forbid (principal, action == Action::"audit", resource is Boat)"#;
        let lowered = lowered(&format!("{head} {clauses};"));
        let body = &lowered.program.checks[0].bodies[0];
        let lines: Vec<String> = body.clauses.iter().map(|clause| lowered.clause(clause)).collect();
        expected.assert_eq(&lines.join("\n"));
    }

    #[test]
    fn a_chain_is_one_condition() {
        check(
            "when { resource.moored && resource.length > 3 && resource.name == \"a\" }",
            expect![[
                r#"when all(resource.moored, [not((resource.length <= Long(3)))], (resource.name == String("a")))"#
            ]],
        );
        check(
            "when { (resource.moored || resource.name == \"a\") || resource.name == \"b\" }",
            expect![[
                r#"when any(any(resource.moored, (resource.name == String("a"))), (resource.name == String("b")))"#
            ]],
        );
        check(
            "when { !(resource.moored && resource.name == \"a\") } unless { resource.moored }",
            expect![[r#"
            when not(all(resource.moored, (resource.name == String("a"))))
            unless resource.moored"#]],
        );
    }

    #[test]
    fn an_expression_that_is_one_condition_in_the_text_is_one_leaf() {
        check(
            "when { resource.name != \"a\" && resource.moored }",
            expect![[r#"when all([not((resource.name == String("a")))], resource.moored)"#]],
        );
        check(
            "when { resource is Boat in Pier::\"p\" || resource.moored }",
            expect![[r#"when any([all(true after (resource), (resource in Pier::"p"))], resource.moored)"#]],
        );
        check(
            "when { (resource.moored && resource.name != \"a\") == true }",
            expect![[r#"when ([all(resource.moored, not((resource.name == String("a"))))] == Bool(true))"#]],
        );
    }

    #[test]
    fn a_branch_of_type_bool_is_a_condition() {
        check(
            "when { if resource.moored then resource.length > 3 else resource.name == \"a\" }",
            expect![[
                r#"when if(resource.moored, [not((resource.length <= Long(3)))], (resource.name == String("a")))"#
            ]],
        );
        check(
            "when { (if resource.moored then 1 else 2) < resource.length }",
            expect!["when (If(resource.moored, Long(1), Long(2)) < resource.length)"],
        );
        check(
            "when { if resource is Boat then resource.moored else 3 }",
            expect!["when if(true after (resource), resource.moored, Long(3))"],
        );
    }

    #[test]
    fn attributes_are_slots() {
        check(
            "when { resource.pier.id == resource.name && resource.pier.harbour.name == \"h\" }",
            expect![[r#"when all((resource.pier.id == resource.name), (resource.pier.harbour.name == String("h")))"#]],
        );
        check(
            "when { resource has papers && resource.papers.valid }",
            expect!["when all((resource has papers), resource.papers.valid)"],
        );
        check(
            "when { resource has papers.issuer && resource.papers.issuer == \"i\" }",
            expect![[r#"when all((resource has papers and papers.issuer), (resource.papers.issuer == String("i")))"#]],
        );
        check(
            "when { resource has home.owner && resource.home.owner == resource.name }",
            expect![
                "when all([all((resource has home), (resource.home has owner))], (resource.home.owner == resource.name))"
            ],
        );
        check(
            "when { resource.hasTag(\"k\") && resource.getTag(\"k\") == \"v\" }",
            expect![[r#"when all((resource has tag String("k")), (resource.tag(String("k")) == String("v")))"#]],
        );
    }

    #[test]
    fn the_context_is_constants() {
        check(
            "when { context.now.durationSince(resource.seen_at) > context.parameters.max_age }",
            expect!["when [not((durationSince(now, resource.seen_at) <= parameter(max_age)))]"],
        );
        check(
            "when { context.parameters has spare && context.parameters.spare < 3 }",
            expect!["when all(has parameter(spare), (parameter(spare) < Long(3)))"],
        );
        check(
            "when { resource.seen_at > datetime(\"2026-01-01\") && resource.berth.isInRange(ip(\"10.0.0.0/8\")) }",
            expect![
                "when all([not((resource.seen_at <= Datetime(1767225600000)))], isInRange(resource.berth, Ip(IpNet { addr: 10.0.0.0, prefix: 8 })))"
            ],
        );
    }

    #[test]
    fn types_settle_answers() {
        check(
            "when { resource is Pier || resource has name || resource.moored }",
            expect!["when any(false after (resource), (resource has name), resource.moored)"],
        );
    }
}
