//! Why a verdict is what it is: the clauses that decided, and what they read.
//!
//! The walk keeps only what fixes the outcome. Of a true `&&` both sides count, of a false one the side that is false,
//! of an undecided one the sides that are undecided; `||` is its mirror image. What is left is sufficient, and none of
//! it can be dropped.

use super::derive::Contributions;
use super::eval::{Evaluator, Request};
use super::operand::Domain;
use super::verdict::Verdict;
use crate::policy::ClauseKind;
use crate::program::{Body, Condition, Constant, Lanes, NodeId, NodeKind};
use crate::schema::{Origin, Shape, SlotId};
use crate::snapshot::{LocationKind, State, Table};
use crate::source::Span;
use crate::source::json::Kind;
use crate::value::{EntityRef, Outcomes, TypeId, Value};

/// Why a verdict is what it is.
#[derive(Debug, Default)]
pub struct Explanation<'a> {
    /// The clauses that decided, in the order of the policy.
    pub clauses: Vec<Decided<'a>>,
}

/// A clause that decided.
#[derive(Debug)]
pub struct Decided<'a> {
    /// Where it is written.
    pub span: Span,
    /// What it came to.
    pub mask: Outcomes,
    /// What it read, in order of reading.
    pub reads: Vec<Read<'a>>,
    /// Why it could not be evaluated.
    pub failure: Option<Failure>,
}

/// Why an expression could not be evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The part that failed.
    pub span: Span,
    /// Why.
    pub reason: String,
}

/// A value that a clause read.
#[derive(Debug)]
pub struct Read<'a> {
    /// What was read.
    pub of: ReadOf,
    /// What was found.
    pub found: ReadValue,
    /// For a derived attribute, the principals behind it.
    pub gathered: Option<Contributions<'a>>,
}

/// What a clause can read.
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

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadValue {
    /// This value.
    Known(Value),
    /// A number in this range.
    Between(i64, i64),
    /// Nothing, and that is known.
    Absent,
    /// The capture does not cover it.
    Uncaptured,
    /// It is present and invalid.
    Unreadable,
    /// A record, which is there.
    Present,
}

/// The outcome of a condition, and the leaves that determine it, in order, with their outcomes.
struct Reason {
    mask: Outcomes,
    leaves: Vec<(NodeId, Outcomes)>,
}

impl Reason {
    /// Combines the parts of `&&` or `||`. `neutral` is the outcome that leaves the answer to the next part.
    ///
    /// If every part is neutral, all determine the outcome. If the outcome is the opposite, the first part with it does.
    /// Otherwise all parts do that are evaluated and not neutral.
    fn of_chain(
        parts: impl Iterator<Item = Reason>,
        neutral: Outcomes,
        combine: impl Fn(Outcomes, Outcomes) -> Outcomes,
    ) -> Self {
        let mut whole = Reason { mask: neutral, leaves: Vec::new() };
        for part in parts {
            match (whole.mask == neutral, part.mask == neutral) {
                (true, true) => whole.leaves.extend(part.leaves),
                (false, true) => {}
                // What is neutral so far does not matter any more; what is undecided does, unless this part decides.
                (_, false) => {
                    let mask = combine(whole.mask, part.mask);
                    let decides = mask == neutral.not();
                    if whole.mask == neutral || decides {
                        whole.leaves.clear();
                    }
                    whole.leaves.extend(part.leaves);
                    whole.mask = mask;
                }
            }
            if whole.mask.continued(neutral).is_none() {
                break;
            }
        }
        whole
    }
}

impl<'a> Evaluator<'a> {
    /// Explains why a policy as a whole is satisfied or not.
    pub fn explain(&self, body: &Body, request: &Request) -> Explanation<'a> {
        let clauses = body.clauses.iter().map(|clause| (clause.kind, &clause.condition));
        self.explained(clauses, request)
    }

    /// Explains a verdict: by the whole policy, or by the `when` clauses where these alone decide it.
    pub fn explain_verdict(&self, body: &Body, request: &Request, verdict: Verdict) -> Explanation<'a> {
        let by_whens = match verdict {
            Verdict::NotApplicable => true,
            Verdict::Unknown => self.policy(body, false, request).satisfied == Outcomes::FALSE,
            _ => false,
        };
        if by_whens { self.explain_applies(body, request) } else { self.explain(body, request) }
    }

    /// Returns whether the `when` clauses are undecided only because of values that the snapshot lacks or gives as `null`.
    ///
    /// Where an id is missing or given twice, which instance an id names is in doubt too, and no read shows that.
    pub(super) fn rests_on_missing_values(&self, body: &Body, request: &Request) -> bool {
        if self.snapshot.tables.iter().any(Table::has_nameless) {
            return false;
        }
        let explanation = self.explain_applies(body, request);
        explanation.clauses.iter().filter(|clause| clause.mask.known().is_none()).flat_map(|clause| &clause.reads).all(
            |read| match (&read.found, &read.of) {
                (ReadValue::Known(value), _) if read.gathered.is_none() => value.is_exact(),
                (ReadValue::Absent, _) if read.gathered.is_none() => true,
                (ReadValue::Uncaptured, ReadOf::Attribute(entity, slot)) => {
                    let pointer = self.model.ty(entity.ty).slots[slot.index()].origin.pointer();
                    let row = self.snapshot.table(entity.ty).rows.get(entity.row as usize);
                    pointer.zip(row).is_some_and(|(pointer, row)| {
                        let found = self.snapshot.locate(row.span, pointer).kind;
                        matches!(found, LocationKind::Lacks(_) | LocationKind::Value(Kind::Null))
                    })
                }
                _ => false,
            },
        )
    }

    /// Explains why a check does not apply: the `when` clauses alone.
    pub fn explain_applies(&self, body: &Body, request: &Request) -> Explanation<'a> {
        let whens = body.clauses.iter().filter(|clause| clause.kind == ClauseKind::When);
        self.explained(whens.map(|clause| (clause.kind, &clause.condition)), request)
    }

    /// The clauses of a policy are one conjunction.
    fn explained<'c>(
        &self,
        clauses: impl Iterator<Item = (ClauseKind, &'c Condition)>,
        request: &Request,
    ) -> Explanation<'a> {
        let reasons = clauses.map(|(kind, condition)| {
            let mut reason = self.reason(condition, request);
            if kind == ClauseKind::Unless {
                reason.mask.map(Outcomes::not);
            }
            reason
        });
        let decisive = Reason::of_chain(reasons, Outcomes::TRUE, Outcomes::and).leaves;
        let mut explanation = Explanation::default();
        for (leaf, mask) in decisive {
            self.decided(leaf, mask, request, &mut explanation.clauses);
        }
        explanation
    }

    /// Evaluates a condition, each leaf once, and keeps the leaves that determine its outcome.
    fn reason(&self, condition: &Condition, request: &Request) -> Reason {
        let reason = |part: &Condition| self.reason(part, request);
        match condition {
            Condition::Leaf(leaf) => {
                let mask = self.outcomes(*leaf, request);
                Reason { mask, leaves: vec![(*leaf, mask)] }
            }
            Condition::Not(inner) => {
                let mut reason = reason(inner);
                reason.mask.map(Outcomes::not);
                reason
            }
            Condition::All(parts) => Reason::of_chain(parts.iter().map(reason), Outcomes::TRUE, Outcomes::and),
            Condition::Any(parts) => Reason::of_chain(parts.iter().map(reason), Outcomes::FALSE, Outcomes::or),
            Condition::If(parts) => {
                let [test, then, other] = &**parts;
                let test = reason(test);
                let mask = if test.mask.may(Outcomes::ERROR) { Outcomes::ERROR } else { Outcomes::NONE };
                let mut whole = Reason { mask, leaves: test.leaves };
                for (branch, taken) in [(then, Outcomes::TRUE), (other, Outcomes::FALSE)] {
                    if test.mask.may(taken) {
                        let branch = reason(branch);
                        whole.mask |= branch.mask;
                        whole.leaves.extend(branch.leaves);
                    }
                }
                whole
            }
        }
    }

    /// Adds a leaf that determines the outcome, with what it read.
    fn decided(&self, leaf: NodeId, mask: Outcomes, request: &Request, out: &mut Vec<Decided<'a>>) {
        let node = self.program.node(leaf);
        if matches!(node.kind, NodeKind::Constant(_)) {
            return;
        }
        let mut reads = Vec::new();
        self.reads(leaf, request, &mut reads);
        let failure = if mask == Outcomes::ERROR { self.failure(leaf, request) } else { None };
        let span = node.span;
        match out.last_mut().filter(|last| last.span == span) {
            // What is done for both types that an `if` may have is one clause.
            Some(last) => {
                last.mask |= mask;
                last.reads.extend(reads);
            }
            None => out.push(Decided { span, mask, reads, failure }),
        }
    }

    fn push(&self, read: Read<'a>, out: &mut Vec<Read<'a>>) {
        if !out.iter().any(|known| known.of == read.of) {
            out.push(read);
        }
    }

    /// What an expression reads, following the branches that are taken.
    fn reads(&self, node: NodeId, request: &Request, out: &mut Vec<Read<'a>>) {
        match &self.program.node(node).kind {
            NodeKind::Slot(entity, ty, slot) => {
                self.reads(*entity, request, out);
                self.read_slot(*entity, *ty, *slot, request, out);
            }
            NodeKind::Has(entity, ty, slots, _) => {
                self.reads(*entity, request, out);
                // The first that is not there is the one that matters.
                let entity_here = self.entity(*entity, request);
                let state = |slot: &&SlotId| {
                    entity_here.and_then(|entity| self.column(*ty, **slot).states.get(entity.row as usize).copied())
                };
                let decisive = slots.iter().find(|slot| state(slot) != Some(State::Known)).or(slots.last());
                if let Some(slot) = decisive {
                    self.read_slot(*entity, *ty, *slot, request, out);
                }
            }
            NodeKind::Record(entity, ty, path) => {
                self.reads(*entity, request, out);
                if let Some(attribute) = crate::program::attribute_at(&self.model.ty(*ty).attributes, path)
                    && let Shape::Record(presence, _) = attribute.shape
                {
                    self.read_slot(*entity, *ty, presence, request, out);
                }
            }
            NodeKind::GetTag(entity, _, key) | NodeKind::HasTag(entity, _, key) => {
                self.reads(*entity, request, out);
                self.reads(*key, request, out);
                if let (Some(entity), Some(name)) = (
                    self.entity(*entity, request),
                    self.value(*key, request).operand().and_then(|key| key.text().map(str::to_owned)),
                ) {
                    let tags = self.model.ty(entity.ty).tags.map(|slot| self.column(entity.ty, slot));
                    let found = match tags.map(|column| (column.states.get(entity.row as usize), &column.data)) {
                        Some((Some(State::Known), crate::snapshot::Data::Value(all))) => {
                            match all.get(entity.row as usize) {
                                Some(Value::Record(tags)) if tags.is_unknown(&name) => ReadValue::Uncaptured,
                                Some(Value::Record(tags)) => {
                                    tags.get(&name).map_or(ReadValue::Absent, |value| ReadValue::Known(value.clone()))
                                }
                                _ => ReadValue::Uncaptured,
                            }
                        }
                        Some((Some(State::Absent), _)) => ReadValue::Absent,
                        Some((Some(State::Unreadable), _)) => ReadValue::Unreadable,
                        _ => ReadValue::Uncaptured,
                    };
                    self.push(Read { of: ReadOf::Tag(entity, name), found, gathered: None }, out);
                }
            }
            NodeKind::Condition(condition) => {
                condition.evaluate(Outcomes::EITHER, &mut |leaf, _| {
                    self.reads(*leaf, request, out);
                    self.outcomes(*leaf, request)
                });
            }
            NodeKind::If(test, then, other) => {
                self.reads(*test, request, out);
                let test = self.outcomes(*test, request);
                if test.may(Outcomes::TRUE) {
                    self.reads(*then, request, out);
                }
                if test.may(Outcomes::FALSE) {
                    self.reads(*other, request, out);
                }
            }
            NodeKind::Constant(at) => {
                let of = match self.program.constants.get(*at) {
                    Some(Constant::Now) => ReadOf::Now,
                    Some(Constant::Parameter(parameter) | Constant::HasParameter(parameter)) => {
                        ReadOf::Parameter(*parameter)
                    }
                    _ => return,
                };
                let found = self.constant(*at).map_or(ReadValue::Uncaptured, |value| ReadValue::Known(value.clone()));
                self.push(Read { of, found, gathered: None }, out);
            }
            _ => self.program.operands(node).into_iter().for_each(|operand| self.reads(operand, request, out)),
        }
    }

    fn entity(&self, node: NodeId, request: &Request) -> Option<EntityRef> {
        self.value(node, request).operand().and_then(|operand| operand.entity())
    }

    fn read_slot(&self, entity: NodeId, ty: TypeId, slot: SlotId, request: &Request, out: &mut Vec<Read<'a>>) {
        let Some(entity) = self.entity(entity, request) else { return };
        let declared = &self.model.ty(ty).slots[slot.index()];
        // Where an entity is nested is plain from where the reader stands.
        if matches!(declared.origin, Origin::Enclosing(_)) || entity.is_placeholder() {
            return;
        }
        let column = self.column(ty, slot);
        let row = entity.row as usize;
        let found = match (column.states.get(row), &column.data) {
            (None, _) => return,
            (Some(State::Absent), _) => ReadValue::Absent,
            (Some(State::Unreadable), _) => ReadValue::Unreadable,
            (Some(_), crate::snapshot::Data::Range(all)) => match all.get(row) {
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
        let gathered = derived.map(|at| self.aggregate(at, entity));
        self.push(Read { of: ReadOf::Attribute(entity, slot), found, gathered }, out);
    }

    /// The innermost part that fails though its operands do not.
    fn failure(&self, node: NodeId, request: &Request) -> Option<Failure> {
        let outcome = self.value(node, request);
        if !outcome.fails() && !outcome.may_error {
            return None;
        }
        if let Some(inner) = self.program.operands(node).into_iter().find_map(|operand| self.failure(operand, request))
        {
            return Some(inner);
        }
        let written = self.program.node(node);
        let reason = match &written.kind {
            NodeKind::Slot(entity, ..)
            | NodeKind::Record(entity, ..)
            | NodeKind::Has(entity, ..)
            | NodeKind::GetTag(entity, ..) => match self.entity(*entity, request) {
                Some(entity) if entity.row as usize >= self.snapshot.table(entity.ty).rows.len() => {
                    format!(
                        "{}::{:?} is not in the snapshot",
                        self.model.short_name(entity.ty),
                        self.id(entity).as_str()
                    )
                }
                _ => "it is absent".to_owned(),
            },
            NodeKind::Arithmetic(..) | NodeKind::Negate(_) if outcome.fails() => {
                "the result does not fit 64 bits".to_owned()
            }
            NodeKind::Arithmetic(..) | NodeKind::Negate(_) => "the result may not fit 64 bits".to_owned(),
            NodeKind::Call(..) => "the result is beyond the range of its type".to_owned(),
            _ => "it cannot be evaluated".to_owned(),
        };
        Some(Failure { span: written.span, reason })
    }
}
