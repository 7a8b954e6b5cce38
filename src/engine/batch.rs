//! Evaluation of a condition for many rows at once.
//!
//! This is a fast path and no second meaning: it reads known values of rows that exist, column by column, and leaves
//! every other row and every other expression to [`Evaluator::mask`].

use super::eval::{Evaluator, Request};
use super::index::HashKey;
use super::operand::{self, Operand};
use crate::program::{Arithmetic, Body, Condition, Kernel, Lanes, NodeId, NodeKind, PolicyOutcomes, evaluate_policy};
use crate::schema::{Origin, Ty};
use crate::snapshot::{Column, Data, Snapshot, State, StrRef, text_hash};
use crate::value::{EntityRef, IpNet, Outcomes, Set, TypeId, Value};
use rustc_hash::FxHashSet;

/// A run of rows of one type that take one role in the request; in the other stands one entity for all of them.
#[derive(Clone, Copy)]
pub(super) struct Batch {
    pub role: Role,
    pub ty: TypeId,
    pub start: u32,
    pub other: EntityRef,
}

/// Which role of the request the rows take.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Principal,
    Resource,
}

/// The rows that an entity-valued expression comes to.
pub(super) enum Rows {
    /// Those of the batch.
    Own(u32),
    /// One for all.
    One(u32),
    /// One for each; beyond the table where it is not plain which.
    Each(Vec<u32>),
}

impl Rows {
    fn at(&self, index: usize) -> usize {
        match self {
            Rows::Own(start) => *start as usize + index,
            Rows::One(row) => *row as usize,
            Rows::Each(rows) => rows[index] as usize,
        }
    }
}

/// A value that is known; numbers of all types look the same.
#[derive(Debug, PartialEq)]
pub(super) enum Plain<'m> {
    Bool(bool),
    Number(i64),
    Text(&'m str),
    Ip(IpNet),
    Entity(EntityRef),
    Set(&'m Set),
}

/// Where the values of an expression come from.
pub(super) enum Values<'m> {
    Same(&'m Value),
    Column(&'m Snapshot, &'m Column, &'m Ty, Rows),
    Computed(Vec<Option<i64>>),
}

impl<'m> Values<'m> {
    /// Returns the value for the row at an index of the batch; `None` when it is not plain.
    pub fn at(&self, index: usize) -> Option<Plain<'m>> {
        let (snapshot, column, ty, row) = match self {
            Values::Same(value) => return plain(value),
            Values::Computed(numbers) => return numbers.get(index)?.map(Plain::Number),
            Values::Column(snapshot, column, ty, rows) => (snapshot, column, ty, rows.at(index)),
        };
        if column.states.get(row) != Some(&State::Known) {
            return None;
        }
        match &column.data {
            Data::Bool(all) => all.get(row).map(|b| Plain::Bool(*b)),
            Data::Number(all) => all.get(row).map(|n| Plain::Number(*n)),
            Data::Range(all) => all.get(row).map(|(low, _)| Plain::Number(*low)),
            Data::Text(all) => all.get(row).map(|text| Plain::Text(snapshot.text(*text))),
            Data::Ip(all) => all.get(row).map(|ip| Plain::Ip(*ip)),
            Data::Entity(all) => match ty {
                Ty::Entity(target) => all.get(row).map(|row| Plain::Entity(EntityRef { ty: *target, row: *row })),
                _ => None,
            },
            Data::Value(all) => all.get(row).and_then(plain),
            Data::Nothing | Data::Enclosing(_) => None,
        }
    }

    /// Returns the key under which the value is looked for.
    pub fn key(&self, index: usize) -> Option<HashKey> {
        match self.at(index)? {
            Plain::Bool(b) => Some(HashKey::exact(u64::from(b))),
            Plain::Number(n) => Some(HashKey::exact(n as u64)),
            Plain::Entity(entity) => Some(HashKey::entity(entity)),
            Plain::Text(text) => Some(HashKey::inexact(text)),
            Plain::Ip(_) | Plain::Set(_) => None,
        }
    }

    /// Returns the value if it is the same for all rows.
    fn same(&self) -> Option<Plain<'m>> {
        match self {
            Values::Same(_) | Values::Column(.., Rows::One(_)) => self.at(0),
            _ => None,
        }
    }

    /// Returns the cells of a column, and the constant they are compared with.
    fn compared<'v>(&'v self, other: &Values<'m>) -> Option<(Cells<'v>, &'m Value)> {
        let (Values::Column(_, _, ty, _), Values::Same(constant)) = (self, other) else { return None };
        match constant {
            Value::Entity(entity) if entity.is_literal() || **ty != Ty::Entity(entity.ty) => None,
            _ => Some((self.cells()?, constant)),
        }
    }

    fn cells(&self) -> Option<Cells<'_>> {
        let Values::Column(_, column, _, rows) = self else { return None };
        match &column.data {
            Data::Entity(all) => Some(Cells::Entities(Known(&column.states, all), rows)),
            Data::Text(all) => Some(Cells::Texts(Known(&column.states, all), rows)),
            _ => None,
        }
    }

    fn number(&self, index: usize) -> Option<i64> {
        match self.at(index)? {
            Plain::Number(n) => Some(n),
            _ => None,
        }
    }
}

/// Returns a value that can be compared as it is.
pub(super) fn plain(value: &Value) -> Option<Plain<'_>> {
    Some(match value {
        Value::Bool(b) => Plain::Bool(*b),
        Value::Long(n) | Value::Decimal(n) | Value::Datetime(n) | Value::Duration(n) => Plain::Number(*n),
        Value::String(text) => Plain::Text(text),
        Value::Ip(ip) => Plain::Ip(*ip),
        Value::Entity(entity) if entity.is_literal() => return None,
        Value::Entity(entity) => Plain::Entity(*entity),
        Value::Set(set) => Plain::Set(set),
        Value::Record(_) => return None,
    })
}

/// Cells of a column that are compared as they are stored.
enum Cells<'v> {
    Entities(Known<'v, u32>, &'v Rows),
    Texts(Known<'v, StrRef>, &'v Rows),
}

/// Cells, and whether each is known.
struct Known<'v, T>(&'v [State], &'v [T]);

impl<T> Known<'_, T> {
    fn get(&self, rows: &Rows, index: usize) -> Option<&T> {
        let row = rows.at(index);
        if self.0.get(row) == Some(&State::Known) { self.1.get(row) } else { None }
    }
}

impl<'a> Evaluator<'a> {
    /// Evaluates a policy for the rows of a batch where `asked` is not `NONE`, as [`Evaluator::policy`] does for one.
    pub(super) fn policies(
        &self,
        body: &Body,
        conditional: bool,
        batch: Batch,
        asked: Vec<Outcomes>,
    ) -> PolicyOutcomes<Vec<Outcomes>> {
        let mut leaf = |leaf: &NodeId, asked| self.leaves(*leaf, batch, asked);
        evaluate_policy(&body.scope, &body.clauses, conditional, asked, &mut leaf)
    }

    /// Evaluates a further part of a conjunction where the parts before it, in `masks`, can be true.
    pub(super) fn further(&self, part: &Condition, batch: Batch, masks: &mut Vec<Outcomes>) {
        if let Some(asked) = masks.continued(Outcomes::TRUE) {
            let outcomes = part.evaluate(asked, &mut |leaf, asked| self.leaves(*leaf, batch, asked));
            masks.combine(outcomes, Outcomes::and);
        }
    }

    /// Evaluates a leaf for every row of a batch where `masks` is not `NONE`.
    fn leaves(&self, leaf: NodeId, batch: Batch, mut masks: Vec<Outcomes>) -> Vec<Outcomes> {
        let kind = &self.program.node(leaf).kind;
        if let NodeKind::Condition(condition) = kind {
            return condition.evaluate(masks, &mut |leaf, asked| self.leaves(*leaf, batch, asked));
        }
        if self.tests(kind, leaf, batch, &mut masks).is_none() {
            self.each(leaf, batch, &mut masks, |_| None);
        }
        masks
    }

    /// Tests every row that is asked for, and evaluates the node where the test has no answer.
    fn each(&self, node: NodeId, batch: Batch, masks: &mut [Outcomes], test: impl Fn(usize) -> Option<Outcomes>) {
        for (index, mask) in masks.iter_mut().enumerate() {
            if *mask != Outcomes::NONE {
                *mask = test(index).unwrap_or_else(|| self.outcomes(node, &self.request_of(batch, index)));
            }
        }
    }

    /// The conditions that are read off columns. `None`, and nothing done, for all others.
    fn tests(&self, kind: &NodeKind, node: NodeId, batch: Batch, masks: &mut [Outcomes]) -> Option<()> {
        let values = |node: NodeId| self.values(node, batch, masks.len());
        let two = |left: NodeId, right: NodeId| Some((values(left)?, values(right)?));
        match kind {
            NodeKind::Constant(_) | NodeKind::Slot(..) => {
                let values = values(node)?;
                self.each(node, batch, masks, |at| match values.at(at)? {
                    Plain::Bool(b) => Some(Outcomes::of(b)),
                    _ => None,
                });
            }
            NodeKind::Equal(left, right) => {
                let (left, right) = two(*left, *right)?;
                let one = left.compared(&right).or_else(|| right.compared(&left));
                match one {
                    // The usual comparisons, without a value being made of every row.
                    Some((Cells::Entities(known, rows), Value::Entity(entity))) => {
                        self.each(node, batch, masks, |at| Some(Outcomes::of(known.get(rows, at)?.eq(&entity.row))));
                        return Some(());
                    }
                    Some((Cells::Texts(known, rows), Value::String(text))) => {
                        let hash = text_hash(text);
                        self.each(node, batch, masks, |at| {
                            let found = *known.get(rows, at)?;
                            Some(Outcomes::of(found.hash() == hash && self.snapshot.text(found) == text.as_str()))
                        });
                        return Some(());
                    }
                    _ => {}
                }
                self.each(node, batch, masks, |at| match (left.at(at)?, right.at(at)?) {
                    (Plain::Set(_), _) => None,
                    (left, right) => Some(Outcomes::of(left == right)),
                });
            }
            NodeKind::Less(left, right) => {
                let (left, right) = two(*left, *right)?;
                self.each(node, batch, masks, |at| Some(Outcomes::of(left.number(at)? < right.number(at)?)));
            }
            NodeKind::LessEqual(left, right) => {
                let (left, right) = two(*left, *right)?;
                self.each(node, batch, masks, |at| Some(Outcomes::of(left.number(at)? <= right.number(at)?)));
            }
            NodeKind::Contains(set, item) => {
                let (set, item) = two(*set, *item)?;
                if let (Some(Plain::Set(all)), Some(Cells::Texts(known, rows))) = (set.same(), item.cells())
                    && all.is_exact()
                {
                    let text = |item: &Value| if let Value::String(text) = item { Some(text_hash(text)) } else { None };
                    let hashes: FxHashSet<u32> = all.items().iter().map(text).collect::<Option<_>>()?;
                    self.each(node, batch, masks, |at| {
                        let found = *known.get(rows, at)?;
                        let text = || Operand::String(self.snapshot.text(found));
                        let may = hashes.contains(&found.hash());
                        Some(if may { operand::contains(all, Some(&text())) } else { Outcomes::FALSE })
                    });
                    return Some(());
                }
                self.each(node, batch, masks, |at| match (set.at(at)?, item.at(at)?) {
                    (Plain::Set(set), Plain::Text(text)) => Some(operand::contains(set, Some(&Operand::String(text)))),
                    (Plain::Set(set), Plain::Entity(entity)) => {
                        Some(operand::contains(set, Some(&Operand::Entity(entity))))
                    }
                    _ => None,
                });
            }
            NodeKind::Like(text, pattern) => {
                let text = values(*text)?;
                self.each(node, batch, masks, |at| match text.at(at)? {
                    Plain::Text(text) => Some(Outcomes::of(pattern.wildcard_match(text))),
                    _ => None,
                });
            }
            NodeKind::Has(entity, ty, slots, _) => {
                let rows = self.rows(*entity, batch, masks.len())?;
                let columns: Vec<&[State]> =
                    slots.iter().map(|slot| self.column(*ty, *slot).states.as_slice()).collect();
                self.each(node, batch, masks, |at| {
                    for states in &columns {
                        match states.get(rows.at(at))? {
                            State::Known => {}
                            State::Absent => return Some(Outcomes::FALSE),
                            State::Uncaptured | State::Unreadable => return None,
                        }
                    }
                    Some(Outcomes::TRUE)
                });
            }
            _ => return None,
        }
        Some(())
    }

    /// Returns where the values of an expression come from; `None` when it takes more than reading columns.
    pub(super) fn values(&self, node: NodeId, batch: Batch, len: usize) -> Option<Values<'_>> {
        match &self.program.node(node).kind {
            NodeKind::Constant(at) => self.constant(*at).map(Values::Same),
            NodeKind::SetOf(_) => self.folded(node).map(Values::Same),
            NodeKind::Slot(entity, ty, slot) => {
                let declared = &self.model.ty(*ty).slots[slot.index()];
                let rows = self.rows(*entity, batch, len)?;
                Some(Values::Column(self.snapshot, self.column(*ty, *slot), &declared.ty, rows))
            }
            NodeKind::Call(function, operands) => {
                let (Kernel::CheckedPair(kernel), [left, right]) = (function.kernel(), &operands[..]) else {
                    return None;
                };
                self.computed(kernel, *left, *right, batch, len)
            }
            NodeKind::Arithmetic(op, left, right) => {
                let op = match op {
                    Arithmetic::Add => i64::checked_add,
                    Arithmetic::Subtract => i64::checked_sub,
                    Arithmetic::Multiply => i64::checked_mul,
                };
                self.computed(op, *left, *right, batch, len)
            }
            _ => None,
        }
    }

    /// Numbers computed from others; where they do not fit there is none.
    fn computed(
        &self,
        op: fn(i64, i64) -> Option<i64>,
        left: NodeId,
        right: NodeId,
        batch: Batch,
        len: usize,
    ) -> Option<Values<'_>> {
        let (left, right) = (self.values(left, batch, len)?, self.values(right, batch, len)?);
        Some(Values::Computed((0..len).map(|at| op(left.number(at)?, right.number(at)?)).collect()))
    }

    /// Returns the rows of the entities that an expression comes to.
    fn rows(&self, node: NodeId, batch: Batch, len: usize) -> Option<Rows> {
        match &self.program.node(node).kind {
            NodeKind::Principal if batch.role == Role::Principal => Some(Rows::Own(batch.start)),
            NodeKind::Resource if batch.role == Role::Resource => Some(Rows::Own(batch.start)),
            NodeKind::Principal | NodeKind::Resource => Some(Rows::One(batch.other.row)),
            NodeKind::Root => Some(Rows::One(self.root().row)),
            NodeKind::Slot(entity, ty, slot) => {
                let rows = self.rows(*entity, batch, len)?;
                let column = self.column(*ty, *slot);
                let row = |at: usize| match (&self.model.ty(*ty).slots[slot.index()].origin, &column.data) {
                    (Origin::Enclosing(around), _) => {
                        let entity = EntityRef { ty: *ty, row: rows.at(at) as u32 };
                        Some(self.snapshot.enclosing(self.model, entity, *around)?.row)
                    }
                    (_, Data::Entity(all)) if column.states.get(rows.at(at)) == Some(&State::Known) => {
                        all.get(rows.at(at)).copied()
                    }
                    _ => None,
                };
                Some(Rows::Each((0..len).map(|at| row(at).unwrap_or(u32::MAX)).collect()))
            }
            _ => None,
        }
    }

    fn request_of(&self, batch: Batch, index: usize) -> Request {
        let entity = EntityRef { ty: batch.ty, row: batch.start + index as u32 };
        let (principal, resource) = match batch.role {
            Role::Principal => (entity, batch.other),
            Role::Resource => (batch.other, entity),
        };
        Request { principal, resource, uncaptured_in: None }
    }
}
