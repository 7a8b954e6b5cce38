//! Explanations: the clauses that determine a verdict, and the values that they read.
//!
//! An operand determines the outcome or it does not: all operands of a true `&&` do, the first false operand of a false
//! one, and the undecided operands of an undecided one; `||` is the mirror image. These operands suffice for the outcome,
//! and none of them can be left out.
//!
//! The operands after the one that decides are evaluated too. Each that has the same outcome is a reason of its own: the
//! user has to correct it as well. An operand that cannot be evaluated is not such a reason, because an operand that
//! decides often guards it.
//!
//! Some leaves of a failure state the demand that the resource violates, and the others state where the demand applies: its
//! premises. An unknown verdict has a demand too, unless the `when` clauses alone make it unknown. `when` clauses are premises
//! of the `unless` clauses. Without `unless` clauses, every operand of `&&` in `when` is a premise of the last one, because a
//! policy states its subject before its condition. An operand of `||` that is negated is a premise in `unless`: `!public ||
//! encrypted` demands encryption where `public` is true. So is one of several `unless` clauses, and the test of an `if`. `!`
//! exchanges the rules of `when` and `unless`.

use super::derive::Contributions;
use super::eval::{Evaluator, Request};
use super::operand::{Domain, Operand};
use super::verdict::Verdict;
use crate::policy::ClauseKind;
use crate::program::{
    Body, Condition, Constant, DerivationProgram, DerivedAttribute, Lanes, LoweredClause, Node, NodeId, NodeKind,
    attribute_at,
};
use crate::schema::{Attribute, Origin, Shape, SlotId};
use crate::snapshot::{Data, Gap, LocationKind, State, Table};
use crate::source::json::Kind;
use crate::source::{Source, Span};
use crate::value::{EntityRef, Outcomes, TypeId, Value};
use rustc_hash::FxHashSet;
use smol_str::SmolStr;
use std::sync::Arc;

/// The pairs of a derivation in doubt that are explained again, to find one that cannot be evaluated.
const EXPLAINED_PAIRS: usize = 5;

/// The most values of a compared record of which an explanation lists all.
pub const MOST_MEMBERS: usize = 16;

/// The explanation of a verdict.
#[derive(Debug, Default)]
pub struct Explanation<'a> {
    /// The clauses that determine it, in the order of the policy, and then those that would determine it without them.
    pub clauses: Vec<Decided<'a>>,
}

/// A leaf that determines a verdict, as a clause of the text.
#[derive(Debug)]
pub struct Decided<'a> {
    /// The file of the derivation that contains it. Otherwise it is in the policy that is explained.
    pub definition: Option<&'a Arc<Source>>,
    /// Its place in the file of its policy.
    pub span: Span,
    /// Its possible outcomes.
    pub outcomes: Outcomes,
    /// The values that it read, in order of reading.
    pub reads: Vec<Read<'a>>,
    /// The reason of an error, or of an undecided outcome that a dangling reference leaves open.
    pub failure: Option<Failure>,
    /// Whether another clause decides, and this one would decide in the same way.
    pub also: bool,
    /// Whether this clause states the demand that the resource violates, or if the verdict is unknown may violate.
    pub demand: bool,
    /// Whether it violates the demand if it is true, or if it is false.
    violated_if: bool,
}

/// A part of an expression without a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The part of the expression.
    pub span: Span,
    /// The reason.
    pub reason: String,
}

/// A value that a clause read.
#[derive(Debug)]
pub struct Read<'a> {
    /// The place of the value.
    pub of: ReadOf,
    /// The value.
    pub found: ReadValue,
    /// For a derived attribute, the principals that contribute to it.
    pub contributions: Option<Contributions<'a>>,
}

/// The place of a value that a clause reads.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ReadOf {
    /// An attribute of an entity.
    Attribute(EntityRef, SlotId),
    /// A tag of an entity.
    Tag(EntityRef, String),
    /// A parameter, by its place in the model.
    Parameter(usize),
    /// The time of the run.
    Now,
}

/// A value that was read, or the reason why it is unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadValue {
    /// The value is known.
    Known(Value),
    /// A number in this interval.
    Between(i64, i64),
    /// The value is known to be absent.
    Absent,
    /// The capture does not cover the value.
    Uncaptured,
    /// The value is present and invalid.
    Unreadable,
    /// A record that is present. If it is not known in full, its unknown members are read instead.
    Present,
}

/// The outcomes of a condition, and its leaves that explain them, in order, with their outcomes.
struct Reason {
    outcomes: Outcomes,
    /// The leaves that determine the outcomes.
    leaves: Vec<Leaf>,
    /// The leaves of operands that would decide in the same way.
    also: Vec<Leaf>,
}

/// A leaf with its outcomes.
#[derive(Clone, Copy)]
struct Leaf {
    node: NodeId,
    outcomes: Outcomes,
    part: Part,
}

/// The part that a condition has in a verdict.
#[derive(Clone, Copy)]
struct Part {
    /// Whether the condition states the demand.
    demand: bool,
    /// Whether the demand is violated if the condition is true, as in `when`, or if it is false, as in `unless`.
    violated_if: bool,
}

impl Part {
    /// The part of a condition in a verdict without a demand.
    const WITHOUT_DEMAND: Self = Self { demand: false, violated_if: true };

    /// Returns the part of a negated condition.
    fn negated(self) -> Self {
        Self { violated_if: !self.violated_if, ..self }
    }

    /// Returns the part of a condition that states the demand only if `demand` holds.
    fn only_if(self, demand: bool) -> Self {
        Self { demand: self.demand && demand, ..self }
    }

    /// Returns the part of a clause.
    fn of_clause(self, kind: ClauseKind) -> Self {
        match kind {
            ClauseKind::When => self,
            ClauseKind::Unless => self.negated(),
        }
    }
}

impl Reason {
    /// Combines the operands of `&&` or `||`. After a `neutral` outcome the next operand determines the result.
    ///
    /// If every operand is neutral, all determine the outcome. If the outcome is the opposite, the first operand with
    /// it does, and the later ones with it would. Otherwise all operands do that are evaluated and not neutral.
    fn of_chain(
        operands: impl Iterator<Item = Reason>,
        neutral: Outcomes,
        combine: impl Fn(Outcomes, Outcomes) -> Outcomes,
    ) -> Self {
        let mut whole = Reason { outcomes: neutral, leaves: Vec::new(), also: Vec::new() };
        for operand in operands {
            if whole.outcomes == neutral.not() {
                if operand.outcomes == whole.outcomes {
                    whole.also.extend(operand.leaves);
                    whole.also.extend(operand.also);
                }
                continue;
            }
            match (whole.outcomes == neutral, operand.outcomes == neutral) {
                (true, true) => {
                    whole.leaves.extend(operand.leaves);
                    whole.also.extend(operand.also);
                }
                (false, true) => {}
                // Neutral operands before this one do not matter. Undecided ones do, unless this one decides.
                (_, false) => {
                    let outcomes = combine(whole.outcomes, operand.outcomes);
                    if whole.outcomes == neutral || outcomes == neutral.not() {
                        whole.leaves.clear();
                        whole.also.clear();
                    }
                    whole.leaves.extend(operand.leaves);
                    whole.also.extend(operand.also);
                    whole.outcomes = outcomes;
                }
            }
            if whole.outcomes.continued(neutral).is_none() && whole.outcomes != neutral.not() {
                break;
            }
        }
        whole
    }

    /// Returns the reason of the negated condition.
    fn negated(self) -> Self {
        Reason { outcomes: self.outcomes.not(), ..self }
    }
}

impl<'a> Evaluator<'a> {
    /// Explains why a policy as a whole is satisfied or not.
    pub fn explain(&self, body: &Body, request: &Request) -> Explanation<'a> {
        self.explained(body, |_| true, Part::WITHOUT_DEMAND, request)
    }

    /// Explains a verdict: by the whole policy, or by the `when` clauses where these alone decide it.
    pub fn explain_verdict(&self, body: &Body, request: &Request, verdict: Verdict) -> Explanation<'a> {
        let by_whens = match verdict {
            Verdict::NotApplicable => true,
            Verdict::Unknown => self.policy(body, false, request).satisfied == Outcomes::FALSE,
            _ => false,
        };
        let part = Part { demand: matches!(verdict, Verdict::Fail | Verdict::Unknown), violated_if: true };
        if by_whens { self.explain_applies(body, request) } else { self.explained(body, |_| true, part, request) }
    }

    /// Explains why a check does not apply: by the `when` clauses alone.
    pub fn explain_applies(&self, body: &Body, request: &Request) -> Explanation<'a> {
        self.explained(body, |kind| kind == ClauseKind::When, Part::WITHOUT_DEMAND, request)
    }

    /// Returns whether the `when` clauses are undecided only because of values that the snapshot lacks or gives as
    /// `null`.
    ///
    /// If an id is missing or duplicate, or a list may have an instance in place of an invalid element, it is uncertain
    /// which instance a literal names, and no read shows that.
    pub(super) fn depends_on_missing_values(&self, body: &Body, request: &Request) -> bool {
        let is_uncertain = |(ty, literals): (TypeId, &Vec<SmolStr>)| {
            let lists = &self.snapshot.table(ty).uncaptured_lists;
            !literals.is_empty() && lists.iter().any(|list| list.gap != Gap::Uncaptured)
        };
        if self.snapshot.tables.iter().any(Table::has_nameless) || self.bound.literals.entries().any(is_uncertain) {
            return false;
        }
        let explanation = self.explain_applies(body, request);
        let undecided = explanation.clauses.iter().filter(|clause| clause.outcomes.known().is_none());
        let is_missing = |read: &Read<'_>| match (&read.found, &read.of) {
            (ReadValue::Known(value), _) if read.contributions.is_none() => value.is_exact(),
            (ReadValue::Absent, _) if read.contributions.is_none() => true,
            (ReadValue::Uncaptured, ReadOf::Attribute(entity, slot)) => self.is_missing(*entity, *slot),
            _ => false,
        };
        let dangles = |clause: &Decided<'_>| clause.failure.is_some() && clause.outcomes != Outcomes::ERROR;
        undecided.into_iter().all(|clause| !dangles(clause) && clause.reads.iter().all(is_missing))
    }

    /// Returns whether the snapshot lacks the value of a slot, gives it as `null`, or states that it was not captured.
    fn is_missing(&self, entity: EntityRef, slot: SlotId) -> bool {
        let pointer = self.model.ty(entity.ty).slot(slot).origin.pointer();
        let row = self.snapshot.table(entity.ty).row(entity.row);
        pointer.zip(row).is_some_and(|(pointer, row)| {
            let pointer = row.pointer_in_object(self.model.ty(entity.ty), pointer);
            let found = self.snapshot.locate(row.span, &pointer).kind;
            let stated = || self.snapshot.stated_uncaptured(self.model, entity.ty, row.span, &pointer);
            matches!(found, LocationKind::Lacks(_) | LocationKind::Value(Kind::Null)) || stated().is_some()
        })
    }

    /// Explains the conjunction of the clauses of some kinds.
    fn explained(
        &self,
        body: &Body,
        kinds: impl Fn(ClauseKind) -> bool,
        part: Part,
        request: &Request,
    ) -> Explanation<'a> {
        let mut clauses = self.explained_here(body, kinds, part, request);
        self.look_through(&mut clauses);
        Explanation { clauses }
    }

    /// Explains the conjunction of the clauses of some kinds, in which a named condition is one value.
    fn explained_here(
        &self,
        body: &Body,
        kinds: impl Fn(ClauseKind) -> bool,
        part: Part,
        request: &Request,
    ) -> Vec<Decided<'a>> {
        let clauses: Vec<&LoweredClause> = body.clauses.iter().filter(|clause| kinds(clause.kind)).collect();
        let states = |clause: &&LoweredClause| self.reads_values(&clause.condition);
        let is_unless = |clause: &&LoweredClause| clause.kind == ClauseKind::Unless && states(clause);
        // Several `unless` clauses are alternatives, as the operands of `||` are.
        let last_unless = clauses.iter().rposition(is_unless);
        let affirms = |clause: &&LoweredClause| is_unless(clause) && !self.is_negation(&clause.condition);
        let has_affirmation = clauses.iter().any(affirms);
        let last = clauses.iter().rposition(states);
        let reasons = clauses.iter().enumerate().map(|(at, clause)| {
            let is_demand = if has_affirmation { affirms(clause) } else { last_unless.or(last) == Some(at) };
            // If the conjunction is false, the clause that is false is the demand.
            let demand = !part.violated_if || is_demand;
            let reason = self.reason(&clause.condition, part.only_if(demand).of_clause(clause.kind), request);
            if clause.kind == ClauseKind::Unless { reason.negated() } else { reason }
        });
        let Reason { leaves, also, .. } = Reason::of_chain(reasons, Outcomes::TRUE, Outcomes::and);
        let mut decided = Vec::new();
        for leaf in leaves {
            self.add_leaf(leaf, false, request, &mut decided);
        }
        for leaf in also {
            self.add_leaf(leaf, true, request, &mut decided);
        }
        decided
    }

    /// Returns whether a condition reads a value: a constant is not a demand.
    fn reads_values(&self, condition: &Condition) -> bool {
        condition.leaves().into_iter().any(|leaf| !matches!(self.program.node(*leaf).kind, NodeKind::Constant(_)))
    }

    /// Returns whether a condition is a negation or `!=`.
    fn is_negation(&self, condition: &Condition) -> bool {
        let Condition::Leaf(leaf) = condition else { return matches!(condition, Condition::Not(_)) };
        let NodeKind::Condition(inner) = &self.program.node(*leaf).kind else { return false };
        let Condition::Not(inner) = &**inner else { return false };
        // `a > b` is the negation of `a <= b`.
        matches!(&**inner, Condition::Leaf(leaf) if matches!(self.program.node(*leaf).kind, NodeKind::Equal(..)))
    }

    /// Returns the leaves that determine the outcome of a condition.
    pub(super) fn explain_condition(&self, condition: &Condition, request: &Request) -> Vec<Decided<'a>> {
        let mut clauses = Vec::new();
        for leaf in self.reason(condition, Part::WITHOUT_DEMAND, request).leaves {
            self.add_leaf(leaf, false, request, &mut clauses);
        }
        self.look_through(&mut clauses);
        clauses
    }

    /// Replaces the reads of named conditions by the clauses of their definitions, which follow the other clauses. So do the clauses
    /// of derivations that cannot be evaluated for a principal.
    fn look_through(&self, clauses: &mut Vec<Decided<'a>>) {
        self.look_through_others(clauses, &mut FxHashSet::default());
    }

    /// Looks through derived attributes as [`Self::look_through`] does, except for those of instances in `seen`.
    fn look_through_others(&self, clauses: &mut Vec<Decided<'a>>, seen: &mut FxHashSet<(EntityRef, SlotId)>) {
        let mut at = 0;
        while let Some(clause) = clauses.get_mut(at) {
            at += 1;
            let (also, mut named, mut doubtful) = (clause.also, Vec::new(), Vec::new());
            let is_undecided = clause.outcomes.known().is_none();
            let part = Part { demand: clause.demand, violated_if: clause.violated_if };
            let is_derived = |read: &Read<'_>| match read.of {
                ReadOf::Attribute(entity, slot) => self.model.ty(entity.ty).slot(slot).origin == Origin::Derived,
                _ => false,
            };
            if !clause.reads.iter().any(is_derived) {
                continue;
            }
            clause.reads.retain(|read| {
                let ReadOf::Attribute(entity, slot) = read.of else { return true };
                let mut defined = self.program.derived.iter().filter(|attribute| attribute.is_defined());
                let found = defined.find(|known| (known.ty, known.slot) == (entity.ty, slot));
                named.extend(found.map(|attribute| (attribute, entity, read.found.clone())));
                if let Some(gathered) = read.contributions.as_ref().filter(|_| is_undecided && found.is_none()) {
                    let open = gathered.witnesses.iter().filter(|witness| !witness.certain).take(EXPLAINED_PAIRS);
                    doubtful.push((entity, slot, open.map(|witness| witness.entity).collect::<Vec<_>>()));
                }
                found.is_none()
            });
            for (resource, slot, principals) in doubtful {
                if seen.insert((resource, slot)) {
                    let failing = self.failing_pair((resource, slot), &principals, part, seen);
                    clauses.extend(failing.into_iter().map(|it| Decided { also: also || it.also, ..it }));
                }
            }
            for (attribute, entity, value) in named {
                if seen.insert((entity, attribute.slot)) {
                    let defined = self.defined(attribute, entity, &value, part);
                    clauses.extend(defined.into_iter().map(|it| Decided { also: also || it.also, ..it }));
                }
            }
        }
    }

    /// Returns the clauses of a derivation of an attribute of a resource that cannot be evaluated for the first such principal.
    fn failing_pair(
        &self,
        (resource, slot): (EntityRef, SlotId),
        principals: &[EntityRef],
        part: Part,
        seen: &mut FxHashSet<(EntityRef, SlotId)>,
    ) -> Vec<Decided<'a>> {
        let attribute = self.program.derived.iter().find(|known| (known.ty, known.slot) == (resource.ty, slot));
        let parts = attribute.map(|attribute| &attribute.parts[..]).unwrap_or_default();
        for principal in principals.iter().copied() {
            let request = Request { principal, resource, uncaptured_in: None };
            for derivation in parts.iter().filter(|part| part.body.principal == principal.ty) {
                let mut clauses = self.explained_here(&derivation.body, |_| true, part, &request);
                self.look_through_others(&mut clauses, seen);
                clauses.retain(|clause| clause.failure.is_some());
                if !clauses.is_empty() {
                    let source = &derivation.source;
                    let in_file = |it: Decided<'a>| Decided { definition: it.definition.or(Some(source)), ..it };
                    return clauses.into_iter().map(in_file).collect();
                }
            }
        }
        Vec::new()
    }

    /// Returns the clauses of the definitions that determine a named condition of an entity, which may be a demand.
    fn defined(
        &self,
        attribute: &'a DerivedAttribute,
        resource: EntityRef,
        value: &ReadValue,
        part: Part,
    ) -> Vec<Decided<'a>> {
        let request = Request { principal: self.root(), resource, uncaptured_in: None };
        let determines = |definition: &&DerivationProgram| {
            let permits = self.policy(&definition.body, false, &request).satisfied;
            match value {
                ReadValue::Known(Value::Bool(true)) => permits == Outcomes::TRUE,
                ReadValue::Known(_) => permits.known().is_some(),
                _ => permits.known().is_none(),
            }
        };
        let violated_if = match value {
            ReadValue::Known(value) => *value == Value::Bool(true),
            // The clause is the condition or its negation.
            _ => part.violated_if,
        };
        let part = Part { violated_if, ..part };
        let explained = |definition: &'a DerivationProgram| {
            let clauses = self.explained_here(&definition.body, |_| true, part, &request);
            clauses.into_iter().map(|clause| Decided { definition: Some(&definition.source), ..clause })
        };
        attribute.parts.iter().filter(determines).flat_map(explained).collect()
    }

    /// Evaluates a condition, each leaf once, and keeps the leaves that determine its outcomes.
    fn reason(&self, condition: &Condition, part: Part, request: &Request) -> Reason {
        match condition {
            Condition::Leaf(leaf) => {
                let outcomes = self.outcomes(*leaf, request);
                let leaf = Leaf { node: *leaf, outcomes, part };
                Reason { outcomes, leaves: vec![leaf], also: Vec::new() }
            }
            Condition::Not(inner) => self.reason(inner, part.negated(), request).negated(),
            Condition::All(operands) => {
                // If it is false, the operand that is false is the demand.
                let last = operands.iter().rposition(|operand| self.reads_values(operand));
                let is_demand = |at| !part.violated_if || last == Some(at);
                let reasons = operands.iter().enumerate();
                let reasons = reasons.map(|(at, operand)| self.reason(operand, part.only_if(is_demand(at)), request));
                Reason::of_chain(reasons, Outcomes::TRUE, Outcomes::and)
            }
            Condition::Any(operands) => {
                // If it is true, the operand that is true is the demand.
                let affirms = |operand: &Condition| self.reads_values(operand) && !self.is_negation(operand);
                let has_affirmation = operands.iter().any(affirms);
                let last = operands.iter().rposition(|operand| self.reads_values(operand));
                let reasons = operands.iter().enumerate().map(|(at, operand)| {
                    let is_conclusion = if has_affirmation { affirms(operand) } else { last == Some(at) };
                    self.reason(operand, part.only_if(part.violated_if || is_conclusion), request)
                });
                Reason::of_chain(reasons, Outcomes::FALSE, Outcomes::or)
            }
            Condition::If(parts) => {
                let [test, then, other] = &**parts;
                let branches = [(then, Outcomes::TRUE), (other, Outcomes::FALSE)];
                let mut whole = self.reason(test, part, request);
                let answer = whole.outcomes;
                let is_taken =
                    |(branch, taken): &(&Condition, Outcomes)| answer.may(*taken) && self.reads_values(branch);
                if branches.iter().any(is_taken) {
                    whole.leaves.iter_mut().for_each(|leaf| leaf.part.demand = false);
                }
                whole.outcomes = if answer.may(Outcomes::ERROR) { Outcomes::ERROR } else { Outcomes::NONE };
                for (branch, taken) in branches {
                    if answer.may(taken) {
                        let branch = self.reason(branch, part, request);
                        whole.outcomes |= branch.outcomes;
                        whole.leaves.extend(branch.leaves);
                        whole.also.extend(branch.also);
                    }
                }
                whole
            }
        }
    }

    /// Adds a leaf that explains the verdict, with the values that it reads.
    fn add_leaf(
        &self,
        Leaf { node, outcomes, part: Part { demand, violated_if } }: Leaf,
        also: bool,
        request: &Request,
        clauses: &mut Vec<Decided<'a>>,
    ) {
        let Node { kind, span, .. } = self.program.node(node);
        if matches!(kind, NodeKind::Constant(_)) {
            return;
        }
        let mut reads = Vec::new();
        self.reads(node, request, &mut reads);
        let failure = match outcomes {
            Outcomes::ERROR => self.failure(node, request),
            _ if outcomes.known().is_none() => self.dangling_read(node, request),
            _ => None,
        };
        let last = clauses.last_mut().filter(|last| last.definition.is_none());
        match last.filter(|last| last.span == *span && last.also == also) {
            // The same text, lowered once for each type that an operand may have.
            Some(last) => {
                last.outcomes |= outcomes;
                last.demand |= demand;
                last.reads.extend(reads);
            }
            None => {
                let definition = None;
                clauses.push(Decided { definition, span: *span, outcomes, reads, failure, also, demand, violated_if });
            }
        }
    }

    /// Adds the values that an expression reads, in the branches that are taken.
    fn reads(&self, node: NodeId, request: &Request, out: &mut Vec<Read<'a>>) {
        match &self.program.node(node).kind {
            NodeKind::Slot(entity, ty, slot) => {
                self.reads(*entity, request, out);
                if let Some(entity) = self.entity(*entity, request) {
                    self.read_slot(entity, *ty, *slot, request, out);
                }
            }
            NodeKind::Has(entity, ty, slots, _) => {
                self.reads(*entity, request, out);
                // The first attribute that is not present determines the result.
                let known = self.entity(*entity, request);
                let state = |slot: &&SlotId| self.column(*ty, **slot).states.get(known?.row as usize).copied();
                let decisive = slots.iter().find(|slot| state(slot) != Some(State::Known)).or(slots.last());
                if let Some((entity, slot)) = known.zip(decisive) {
                    self.read_slot(entity, *ty, *slot, request, out);
                }
            }
            NodeKind::Record(entity, ty, path) => {
                self.reads(*entity, request, out);
                let attribute = attribute_at(&self.model.ty(*ty).attributes, path);
                if let Some((entity, attribute)) = self.entity(*entity, request).zip(attribute) {
                    self.read_record(entity, *ty, attribute, request, out);
                }
            }
            NodeKind::GetTag(entity, _, key) | NodeKind::HasTag(entity, _, key) => {
                self.reads(*entity, request, out);
                self.reads(*key, request, out);
                self.read_tag(*entity, *key, request, out);
            }
            NodeKind::Constant(at) => self.read_constant(*at, out),
            _ => self.evaluated(node, request).into_iter().for_each(|operand| self.reads(operand, request, out)),
        }
    }

    /// Returns the operands of an expression that are evaluated: those of the branches that are taken.
    fn evaluated(&self, node: NodeId, request: &Request) -> Vec<NodeId> {
        let mut evaluated = Vec::new();
        match &self.program.node(node).kind {
            NodeKind::Condition(condition) => {
                condition.evaluate(Outcomes::EITHER, &mut |leaf, _| {
                    evaluated.push(*leaf);
                    self.outcomes(*leaf, request)
                });
            }
            NodeKind::If(test, then, other) => {
                let outcomes = self.outcomes(*test, request);
                let branches = [(then, Outcomes::TRUE), (other, Outcomes::FALSE)];
                evaluated.push(*test);
                evaluated.extend(branches.iter().filter(|(_, taken)| outcomes.may(*taken)).map(|(branch, _)| **branch));
            }
            _ => evaluated = self.program.operands(node),
        }
        evaluated
    }

    /// Returns the value of an expression if it is a known entity.
    fn entity(&self, node: NodeId, request: &Request) -> Option<EntityRef> {
        self.value(node, request).entity()
    }

    fn read_constant(&self, at: usize, out: &mut Vec<Read<'a>>) {
        let of = match self.program.constants.get(at) {
            Some(Constant::Now) => ReadOf::Now,
            Some(Constant::Parameter(parameter) | Constant::HasParameter(parameter)) => ReadOf::Parameter(*parameter),
            _ => return,
        };
        let account = match of {
            ReadOf::Parameter(parameter) => self.account_slot(parameter),
            _ => None,
        };
        let is_invalid = matches!(of, ReadOf::Parameter(parameter) if self.is_invalid(parameter));
        let state = account.and_then(|slot| self.column(self.model.root, slot).states.first());
        let found = match (self.constant(at), state) {
            (Some(value), _) => ReadValue::Known(value.clone()),
            (None, _) if is_invalid => ReadValue::Unreadable,
            // The state of a valid value that policies cannot compare is known.
            (None, Some(State::Unreadable | State::Known)) => ReadValue::Unreadable,
            (None, _) => ReadValue::Uncaptured,
        };
        push(Read { of, found, contributions: None }, out);
    }

    fn read_tag(&self, entity: NodeId, key: NodeId, request: &Request, out: &mut Vec<Read<'a>>) {
        let key = self.value(key, request);
        let name = key.operand().and_then(|key| key.text());
        let Some((entity, name)) = self.entity(entity, request).zip(name) else { return };
        if self.is_dangling(entity) {
            return;
        }
        let column = self.model.ty(entity.ty).tags.map(|slot| self.column(entity.ty, slot));
        let row = entity.row as usize;
        let found = match column.map(|column| (column.states.get(row), &column.data)) {
            Some((Some(State::Known), Data::Value(all))) => match all.get(row) {
                Some(Value::Record(tags)) if !tags.is_unknown(name) => {
                    tags.get(name).map_or(ReadValue::Absent, |value| ReadValue::Known(value.clone()))
                }
                _ => ReadValue::Uncaptured,
            },
            Some((Some(State::Absent), _)) => ReadValue::Absent,
            Some((Some(State::Unreadable), _)) => ReadValue::Unreadable,
            _ => ReadValue::Uncaptured,
        };
        push(Read { of: ReadOf::Tag(entity, name.to_owned()), found, contributions: None }, out);
    }

    /// Adds the values of a record that is compared: the members that are not known in full, and then the others. If there are more than
    /// [`MOST_MEMBERS`] values, it adds only unknown ones, or else that the record is present.
    fn read_record(
        &self,
        entity: EntityRef,
        ty: TypeId,
        record: &Attribute,
        request: &Request,
        out: &mut Vec<Read<'a>>,
    ) {
        let mut leaves = Vec::new();
        self.leaves(entity, ty, record, &mut leaves);
        let is_exact = |slot: SlotId| {
            let state = self.column(ty, slot).states.get(entity.row as usize);
            let is_record = matches!(self.model.ty(ty).slot(slot).origin, Origin::Presence(_));
            let is_known = || is_record && state == Some(&State::Known);
            let value = || self.slot(entity, ty, slot, request);
            state == Some(&State::Absent) || is_known() || value().operand().is_some_and(Operand::is_exact)
        };
        let is_short = leaves.len() <= MOST_MEMBERS;
        let (exact, mut shown): (Vec<_>, Vec<_>) = leaves.into_iter().partition(|slot| is_exact(*slot));
        shown.truncate(MOST_MEMBERS);
        if is_short {
            shown.extend(exact);
        }
        if let (Shape::Record(presence, _), true) = (&record.shape, shown.is_empty()) {
            shown.push(*presence);
        }
        shown.into_iter().for_each(|slot| self.read_slot(entity, ty, slot, request, out));
    }

    /// Adds the slots of the values that an attribute consists of: of a record that is present, those of its members.
    fn leaves(&self, entity: EntityRef, ty: TypeId, attribute: &Attribute, out: &mut Vec<SlotId>) {
        let (Shape::Leaf(slot) | Shape::Record(slot, _)) = attribute.shape;
        let state = self.column(ty, slot).states.get(entity.row as usize);
        match &attribute.shape {
            Shape::Record(_, members) if !members.is_empty() && state == Some(&State::Known) => {
                members.iter().for_each(|member| self.leaves(entity, ty, member, out));
            }
            _ => out.push(slot),
        }
    }

    fn read_slot(&self, entity: EntityRef, ty: TypeId, slot: SlotId, request: &Request, out: &mut Vec<Read<'a>>) {
        let declared = self.model.ty(ty).slot(slot);
        // The instances around an entity are part of its identity.
        if matches!(declared.origin, Origin::Enclosing(_)) || entity.is_placeholder() {
            return;
        }
        let column = self.column(ty, slot);
        let row = entity.row as usize;
        let found = match (column.states.get(row), &column.data) {
            (None, _) => return,
            (Some(State::Absent), _) => ReadValue::Absent,
            (Some(State::Unreadable), _) => ReadValue::Unreadable,
            (Some(_), Data::Range(all)) => match all.get(row) {
                Some((low, high)) if low == high => ReadValue::Known(Value::Long(*low)),
                Some((0, i64::MAX)) if declared.origin != Origin::Derived => ReadValue::Uncaptured,
                Some((low, high)) => ReadValue::Between(*low, *high),
                None => ReadValue::Uncaptured,
            },
            (Some(State::Uncaptured), _) => ReadValue::Uncaptured,
            (Some(State::Known), _) if matches!(declared.origin, Origin::Presence(_)) => ReadValue::Present,
            (Some(State::Known), _) => match self.slot(entity, ty, slot, request).value {
                Domain::Known(operand) => ReadValue::Known(operand.to_value()),
                _ => ReadValue::Uncaptured,
            },
        };
        let derived = self.program.derived.iter().position(|attribute| (attribute.ty, attribute.slot) == (ty, slot));
        let contributions = derived.map(|at| self.contributions(at, entity));
        push(Read { of: ReadOf::Attribute(entity, slot), found, contributions }, out);
    }

    /// Returns the error of the innermost expression that may fail although its operands do not.
    fn failure(&self, node: NodeId, request: &Request) -> Option<Failure> {
        let value = self.value(node, request);
        if !value.fails() && !value.may_error {
            return None;
        }
        let mut operands = self.evaluated(node, request).into_iter();
        if let Some(inner) = operands.find_map(|operand| self.failure(operand, request)) {
            return Some(inner);
        }
        let Node { kind, span, .. } = self.program.node(node);
        let reason = match kind {
            NodeKind::Slot(entity, ..)
            | NodeKind::Record(entity, ..)
            | NodeKind::Has(entity, ..)
            | NodeKind::GetTag(entity, ..) => match self.entity(*entity, request) {
                Some(entity) if self.snapshot.table(entity.ty).row(entity.row).is_none() => {
                    self.not_in_snapshot(entity)
                }
                _ => "it is absent".to_owned(),
            },
            NodeKind::Arithmetic(..) | NodeKind::Negate(_) if value.fails() => {
                "the result does not fit 64 bits".to_owned()
            }
            NodeKind::Arithmetic(..) | NodeKind::Negate(_) => "the result may not fit 64 bits".to_owned(),
            NodeKind::Call(..) => "the result is beyond the range of its type".to_owned(),
            _ => "it cannot be evaluated".to_owned(),
        };
        Some(Failure { span: *span, reason })
    }

    /// Returns the innermost expression whose value is unknown because it reads the instance of a dangling reference.
    fn dangling_read(&self, node: NodeId, request: &Request) -> Option<Failure> {
        let value = self.value(node, request);
        if value.operand().is_some() && !value.may_error {
            return None;
        }
        if let Some(inner) = self.evaluated(node, request).into_iter().find_map(|it| self.dangling_read(it, request)) {
            return Some(inner);
        }
        let Node { kind, span, .. } = self.program.node(node);
        let (NodeKind::Slot(entity, ..)
        | NodeKind::Record(entity, ..)
        | NodeKind::Has(entity, ..)
        | NodeKind::GetTag(entity, ..)
        | NodeKind::HasTag(entity, ..)
        | NodeKind::In(entity, _)) = kind
        else {
            return None;
        };
        let entity = self.entity(*entity, request).filter(|entity| self.is_dangling(*entity))?;
        Some(Failure { span: *span, reason: self.not_in_snapshot(entity) })
    }

    fn not_in_snapshot(&self, entity: EntityRef) -> String {
        format!("{}::{:?} is not in the snapshot", self.model.short_name(entity.ty), self.id(entity).as_str())
    }
}

/// Adds a read, unless the same value was read before.
fn push<'a>(read: Read<'a>, out: &mut Vec<Read<'a>>) {
    if !out.iter().any(|known| known.of == read.of) {
        out.push(read);
    }
}

#[cfg(test)]
mod tests {
    use crate::engine::fixture::Fixture;
    use expect_test::{Expect, expect};

    const SCHEMA: &str = r#"
        @path("") entity Pier = { "lit": Bool, "berths": Long, "storm": Bool, "depth"?: Long };
        type Context = { "now": datetime };
        action "audit" appliesTo { principal: [Pier], resource: [Pier], context: Context };
    "#;

    #[track_caller]
    fn check(clauses: &str, snapshot: &str, reasons: Expect) {
        let policy = format!(
            "@id(\"P\") @title(\"P\") @severity(\"low\")
             forbid (principal, action == Action::\"audit\", resource is Pier) {clauses};"
        );
        reasons.assert_eq(&Fixture::new(SCHEMA, &policy, snapshot).reasons());
    }

    const BAD: &str = r#"{"lit": false, "berths": 0, "storm": true}"#;

    #[test]
    fn every_false_operand_of_a_conjunction_is_a_reason() {
        check(
            "unless { resource.lit && resource.berths >= 1 && !resource.storm }",
            BAD,
            expect![[r#"
                resource.lit is false
                also resource.berths >= 1 is false
                also resource.storm is true"#]],
        );
    }

    #[test]
    fn every_true_operand_of_a_disjunction_is_a_reason() {
        check(
            "when { resource.berths == 7 || resource.storm || resource.berths == 0 }",
            BAD,
            expect![[r#"
                resource.storm is true
                also resource.berths == 0 is true"#]],
        );
    }

    #[test]
    fn an_operand_that_a_false_one_guards_is_not_a_reason() {
        check(
            "unless { resource has depth && resource.depth > 3 && resource.lit }",
            BAD,
            expect![[r#"
                resource has depth is false
                also resource.lit is false"#]],
        );
    }

    #[test]
    fn an_unknown_operand_is_not_a_reason_of_a_failure() {
        check(
            "unless { resource.lit && resource.berths >= 1 && !resource.storm }",
            r#"{"lit": null, "berths": 0, "storm": true}"#,
            expect![[r#"
                resource.berths >= 1 is false
                also resource.storm is true"#]],
        );
    }

    #[test]
    fn reasons_of_an_operand_that_does_not_decide_are_left_out() {
        check(
            "when { resource.storm } unless { (resource.lit && resource.berths >= 1) || resource.berths > 4 }",
            BAD,
            expect![[r#"
                resource.storm is true
                resource.lit is false
                resource.berths > 4 is false
                also resource.berths >= 1 is false"#]],
        );
    }

    #[test]
    fn the_demand_of_a_failure_is_separate_from_its_premises() {
        let schema = r#"
            @path("") entity Pier = {
                lit: Bool, berths: Long, storm: Bool, shut: Bool, @derived safe: Bool, @derived exposed: Bool
            };
            action audit, derive appliesTo { principal: [Pier], resource: [Pier], context: {} };
        "#;
        let definition = |name: &str, clauses: &str| {
            format!(
                "@id(\"{name}\") @derives(\"{name}\")
                 permit (principal, action == Action::\"derive\", resource is Pier) {clauses};"
            )
        };
        let definitions = definition("safe", "when { resource.lit && !resource.storm }")
            + &definition("exposed", "when { !resource.shut && resource.storm } unless { resource.berths > 3 }");
        let snapshot = r#"{"lit": false, "berths": 0, "storm": true, "shut": false}"#;
        for (clauses, demands) in [
            // The last operand of `when`.
            ("when { !resource.shut && resource.storm }", "resource.storm"),
            ("when { resource.storm && !resource.lit }", "resource.lit"),
            ("when { resource.berths != 7 && resource.storm && true }", "resource.storm"),
            ("when { !resource.shut } when { !resource.lit }", "resource.lit"),
            ("when { !resource.shut && (resource.storm || resource.lit) }", "resource.storm"),
            ("when { !resource.shut && !(resource.lit || resource.shut) }", "resource.lit\nresource.shut"),
            // `unless`, if there is one.
            ("when { !resource.shut } unless { !resource.storm }", "resource.storm"),
            ("unless { resource.lit } when { !resource.shut }", "resource.lit"),
            ("when { !resource.shut } unless { resource.lit && resource.berths > 2 }", "resource.lit"),
            (
                "when { !resource.shut } unless { resource.lit } unless { resource.berths > 2 }",
                "resource.lit\nresource.berths > 2",
            ),
            // Premises in `unless`.
            ("unless { !resource.storm } unless { resource.lit }", "resource.lit"),
            ("unless { !resource.storm } unless { !(resource.berths == 0) }", "resource.berths == 0"),
            ("unless { !resource.storm || resource.lit }", "resource.lit"),
            ("unless { resource.berths != 0 || resource.lit }", "resource.lit"),
            ("unless { resource.berths > 2 || resource.lit }", "resource.berths > 2\nresource.lit"),
            ("unless { !(resource.berths == 0 && resource.storm) || resource.lit }", "resource.lit"),
            ("unless { !resource.storm || !(resource.berths == 0) }", "resource.berths == 0"),
            ("unless { if resource.shut then resource.storm else resource.lit }", "resource.lit"),
            ("unless { if resource.lit then true else false }", "resource.lit"),
            // Named conditions.
            ("when { !resource.shut && resource.exposed }", "resource.exposed\nresource.berths > 3"),
            ("when { !resource.shut } unless { resource.safe }", "resource.safe\nresource.lit"),
            ("when { resource.exposed } unless { resource.lit }", "resource.lit"),
        ] {
            let check = format!(
                "@id(\"P\") @title(\"P\") @severity(\"low\")
                 forbid (principal, action == Action::\"audit\", resource is Pier) {clauses};"
            );
            let fixture = Fixture::new(schema, &(definitions.clone() + &check), snapshot);
            assert_eq!(fixture.demands(), demands, "{clauses}");
        }
    }

    #[test]
    fn an_unknown_verdict_has_a_demand_unless_the_scope_alone_is_unknown() {
        let schema = r#"
            @path("") entity Pier = { lit: Bool, berths: Long, storm: Bool, @derived safe: Bool, @derived exposed: Bool };
            action audit, derive appliesTo { principal: [Pier], resource: [Pier], context: {} };
        "#;
        let definitions = r#"
            @id("safe") @derives("safe") permit (principal, action == Action::"derive", resource is Pier)
            when { resource.lit && resource.berths > 3 };
            @id("exposed") @derives("exposed") permit (principal, action == Action::"derive", resource is Pier)
            when { resource.lit && resource.storm };
        "#;
        const UNLIT: &str = r#"{"lit": null, "berths": 0, "storm": true}"#;
        const UNKNOWN: &str = r#"{"lit": null, "berths": null, "storm": null}"#;
        for (clauses, snapshot, demands) in [
            ("when { resource.lit } unless { resource.berths > 3 }", UNKNOWN, "resource.berths > 3"),
            ("when { resource.lit && resource.storm }", UNKNOWN, "resource.storm"),
            ("unless { resource.lit }", UNLIT, "resource.lit"),
            ("unless { resource.safe }", UNKNOWN, "resource.safe\nresource.lit\nresource.berths > 3"),
            ("when { resource.exposed }", UNKNOWN, "resource.exposed\nresource.storm"),
            ("when { resource.storm && !resource.safe }", UNKNOWN, "resource.safe\nresource.lit\nresource.berths > 3"),
            // The demand is violated, if the scope applies.
            ("when { resource.lit } unless { resource.berths > 3 }", UNLIT, ""),
            // The demand is not violated.
            ("when { resource.lit } unless { resource.storm }", UNLIT, ""),
            // Not applicable.
            ("when { resource.berths > 3 } unless { resource.storm }", BAD, ""),
        ] {
            let policy = format!(
                "@id(\"P\") @title(\"P\") @severity(\"low\")
                 forbid (principal, action == Action::\"audit\", resource is Pier) {clauses};"
            );
            let fixture = Fixture::new(schema, &(definitions.to_owned() + &policy), snapshot);
            assert_ne!(fixture.reasons(), "", "{clauses}");
            assert_eq!(fixture.demands(), demands, "{clauses}");
        }
    }
}
