//! Batch evaluation: a condition for many rows at once, column by column.
//!
//! This is a fast path with the semantics of the evaluator by row. A kernel reads known values of instances from
//! columns in a tight loop, as in vectorised databases (Boncz et al., "MonetDB/X100", 2005). Every other row and every
//! other expression goes to [`Evaluator::outcomes`]. A lane is the outcomes of one row; [`Outcomes::NONE`] marks a row
//! for which a leaf is not evaluated, because of Cedar's short circuit.

use super::eval::{Evaluator, Request};
use super::index::HashKey;
use super::operand::{self, Operand};
use super::symbols::NO_SYMBOL;
use crate::program::{Arithmetic, Body, Condition, Kernel, Lanes, NodeId, NodeKind, PolicyOutcomes, evaluate_policy};
use crate::schema::{Model, Origin, SlotId, Ty};
use crate::snapshot::{Column, Data, Snapshot, State, StrRef, text_hash};
use crate::value::{EntityRef, IpNet, Outcomes, Set, TypeId, Value};
use rustc_hash::FxHashSet;
use std::cell::Cell;

/// The number of rows from which a batch is faster. It is low in debug builds, so that tests cover both ways.
pub(super) const MIN_ROWS: usize = if cfg!(debug_assertions) { 2 } else { 4 };

/// The number of rows from which the texts of a set are hashed.
const MIN_HASHED: usize = if cfg!(debug_assertions) { 3 } else { 32 };

/// A range of rows of one type in one role of the request. The entity in the other role is the same for all rows.
#[derive(Clone, Copy)]
pub(super) struct Batch {
    /// The role of the rows.
    pub(super) role: Role,
    /// The type of the rows.
    pub(super) ty: TypeId,
    /// The first row.
    pub(super) start: u32,
    /// The entity in the other role.
    pub(super) other: EntityRef,
}

impl Batch {
    /// Returns the rows of the batch.
    fn rows(self) -> Rows<'static> {
        Rows::Own(self.start)
    }

    /// Returns the request for the row at a place in the batch.
    fn request(self, at: u32) -> Request {
        let entity = EntityRef { ty: self.ty, row: self.start + at };
        let (principal, resource) = match self.role {
            Role::Principal => (entity, self.other),
            Role::Resource => (self.other, entity),
        };
        Request { principal, resource, uncaptured_in: None }
    }
}

/// A role of a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The principal.
    Principal,
    /// The resource.
    Resource,
}

/// The rows of an entity-valued expression, by place in a batch.
pub(super) enum Rows<'m> {
    /// The rows of the batch; the first one is given.
    Own(u32),
    /// One row for all.
    One(u32),
    /// The entities in a column, which is read at other rows.
    In(&'m Column, Box<Rows<'m>>),
    /// The instances of a type that instances of another type are nested in.
    Around((&'m Snapshot, &'m Model), [TypeId; 2], Box<Rows<'m>>),
}

impl Rows<'_> {
    /// Returns the row for a place in the batch; a number after the rows of the table if it is unknown.
    fn at(&self, at: u32) -> u32 {
        let row = match self {
            Rows::Own(start) => return *start + at,
            Rows::One(row) => return *row,
            Rows::In(column, rows) => {
                let row = rows.at(at) as usize;
                match &column.data {
                    Data::Entity(all) if column.states.get(row) == Some(&State::Known) => all.get(row).copied(),
                    _ => None,
                }
            }
            Rows::Around((snapshot, model), [ty, outer], rows) => {
                let entity = EntityRef { ty: *ty, row: rows.at(at) };
                snapshot.enclosing(model, entity, *outer).map(|around| around.row)
            }
        };
        row.unwrap_or(UNKNOWN_ROW)
    }
}

/// A number after the rows of every table.
const UNKNOWN_ROW: u32 = u32::MAX;

/// A known value. Numbers of all types have one form.
#[derive(Debug, PartialEq)]
pub(super) enum Plain<'m> {
    Bool(bool),
    Number(i64),
    Text(&'m str),
    Ip(IpNet),
    Entity(EntityRef),
    Set(&'m Set),
}

/// The source of the values of an expression.
pub(super) enum Values<'m> {
    /// A constant.
    Constant(&'m Value),
    /// A column, and the rows to read.
    Column(&'m Snapshot, &'m Column, &'m Ty, Rows<'m>),
    /// A number computed from two others, unless it overflows.
    Computed(fn(i64, i64) -> Option<i64>, Box<[Values<'m>; 2]>),
    /// The symbols of a column of texts, and the rows to read.
    Symbols(&'m [u32], Rows<'m>),
    /// Instances of a type.
    Instances(TypeId, Rows<'m>),
}

impl<'m> Values<'m> {
    /// Returns the value at a place in the batch; `None` if it takes the evaluator by row.
    pub(super) fn at(&self, at: u32) -> Option<Plain<'m>> {
        let (snapshot, column, ty, row) = match self {
            Values::Constant(value) => return plain(value),
            Values::Computed(op, operands) => {
                let [left, right] = &**operands;
                return op(left.number(at)?, right.number(at)?).map(Plain::Number);
            }
            Values::Symbols(..) => return None,
            Values::Instances(ty, rows) => {
                let entity = EntityRef { ty: *ty, row: rows.at(at) };
                return (entity.row != UNKNOWN_ROW).then_some(Plain::Entity(entity));
            }
            Values::Column(snapshot, column, ty, rows) => (snapshot, column, ty, rows.at(at) as usize),
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

    /// Returns whether the value at a place in the batch may be any of its type, because it is uncaptured or unreadable.
    pub(super) fn is_unknown(&self, at: u32) -> bool {
        let Values::Column(_, column, _, rows) = self else { return false };
        column.states.get(rows.at(at) as usize).is_some_and(|state| state.is_unknown())
    }

    /// Returns the hash key of the value at a place in the batch.
    pub(super) fn key(&self, at: u32) -> Option<HashKey> {
        if let Values::Symbols(symbols, rows) = self {
            let symbol = symbols.get(rows.at(at) as usize).copied().filter(|symbol| *symbol != NO_SYMBOL);
            return symbol.map(|symbol| HashKey::symbol(Some(symbol)));
        }
        match self.at(at)? {
            Plain::Bool(b) => Some(HashKey::exact(u64::from(b))),
            Plain::Number(n) => Some(HashKey::number(n)),
            Plain::Entity(entity) => Some(HashKey::entity(entity)),
            Plain::Text(text) => Some(HashKey::text(text)),
            Plain::Ip(_) | Plain::Set(_) => None,
        }
    }

    /// Returns the value if it is the same for all rows.
    fn uniform(&self) -> Option<Plain<'m>> {
        match self {
            Values::Constant(_) | Values::Column(.., Rows::One(_)) | Values::Instances(_, Rows::One(_)) => self.at(0),
            _ => None,
        }
    }

    /// Returns the cells of a column and the constant that they are compared with.
    fn cells_and_constant<'v>(&'v self, other: &Values<'m>) -> Option<(Cells<'v>, &'m Value)> {
        let (Values::Column(_, _, ty, _), Values::Constant(constant)) = (self, other) else { return None };
        match constant {
            Value::Entity(entity) if entity.is_literal() || **ty != Ty::Entity(entity.ty) => None,
            _ => Some((self.cells()?, constant)),
        }
    }

    /// Returns the type of the entities in a column.
    fn target(&self) -> Option<TypeId> {
        match self {
            Values::Column(_, _, Ty::Entity(target), _) => Some(*target),
            _ => None,
        }
    }

    /// Returns the cells of a column that stores values of a simple type.
    fn cells(&self) -> Option<Cells<'_>> {
        let Values::Column(_, column, _, rows) = self else { return None };
        match &column.data {
            Data::Bool(all) => Some(Cells::Bools(KnownCells { states: &column.states, data: all, rows })),
            Data::Number(all) => Some(Cells::Numbers(KnownCells { states: &column.states, data: all, rows })),
            Data::Entity(all) => Some(Cells::Entities(KnownCells { states: &column.states, data: all, rows })),
            Data::Text(all) => Some(Cells::Texts(KnownCells { states: &column.states, data: all, rows })),
            _ => None,
        }
    }

    /// Returns the value at a place in the batch if it is a number.
    fn number(&self, at: u32) -> Option<i64> {
        match self.at(at)? {
            Plain::Number(n) => Some(n),
            _ => None,
        }
    }
}

impl Plain<'_> {
    /// Evaluates `.contains()` for a text or an entity. `None` for other values: they take the evaluator by row.
    pub(super) fn contains(&self, item: &Self) -> Option<Outcomes> {
        match (self, item) {
            (Plain::Set(set), Plain::Text(text)) => Some(operand::contains(set, Some(&Operand::String(text)))),
            (Plain::Set(set), Plain::Entity(entity)) => Some(operand::contains(set, Some(&Operand::Entity(*entity)))),
            _ => None,
        }
    }
}

/// Returns a value in its plain form; `None` if its comparison takes the evaluator by row.
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

/// Cells of a column that are compared in their stored form.
enum Cells<'v> {
    Bools(KnownCells<'v, bool>),
    Numbers(KnownCells<'v, i64>),
    Entities(KnownCells<'v, u32>),
    Texts(KnownCells<'v, StrRef>),
}

/// The known cells of a column, by place in a batch.
struct KnownCells<'v, T> {
    states: &'v [State],
    data: &'v [T],
    rows: &'v Rows<'v>,
}

impl<T: Copy> KnownCells<'_, T> {
    /// Returns the cell of a row if it is known.
    fn of_row(&self, row: u32) -> Option<T> {
        let row = row as usize;
        if self.states.get(row) == Some(&State::Known) { self.data.get(row).copied() } else { None }
    }

    /// Fills the lanes that are not `NONE` and whose cells are known. Returns whether a cell is not known.
    fn fill(&self, lanes: &mut [Outcomes], test: impl Fn(T) -> bool) -> bool {
        let mut is_unknown = false;
        let mut fill_one = |lane: &mut Outcomes, cell: Option<T>| {
            let outcome = cell.map_or(*lane, |cell| Outcomes::of(test(cell)));
            *lane = if *lane == Outcomes::NONE { Outcomes::NONE } else { outcome };
            is_unknown |= cell.is_none();
        };
        let start = if let Rows::Own(start) = self.rows { Some(*start as usize) } else { None };
        let range = start.map(|start| start..start.saturating_add(lanes.len()));
        let consecutive = range.and_then(|range| Some((self.states.get(range.clone())?, self.data.get(range)?)));
        match (self.rows, consecutive) {
            // The compiler may process several of these at once.
            (_, Some((states, data))) => {
                for ((lane, state), cell) in lanes.iter_mut().zip(states).zip(data) {
                    fill_one(lane, (*state == State::Known).then_some(*cell));
                }
            }
            (Rows::One(row), _) => {
                let cell = self.of_row(*row);
                lanes.iter_mut().for_each(|lane| fill_one(lane, cell));
            }
            (rows, _) => (0..).zip(lanes).for_each(|(at, lane)| fill_one(lane, self.of_row(rows.at(at)))),
        }
        is_unknown
    }

    /// Returns whether the cell at a place in the batch is known.
    fn is_known(&self, at: u32) -> bool {
        self.of_row(self.rows.at(at)).is_some()
    }
}

impl Evaluator<'_> {
    /// Evaluates a policy for the rows of a batch whose lane is not `NONE`, as [`Evaluator::policy`] does for one row.
    pub(super) fn policy_batch(
        &self,
        body: &Body,
        conditional: bool,
        batch: Batch,
        lanes: Vec<Outcomes>,
    ) -> PolicyOutcomes<Vec<Outcomes>> {
        if lanes.len() < MIN_ROWS {
            return self.policy_by_row(body, conditional, batch, &lanes);
        }
        let mut leaf = |leaf: &NodeId, lanes| self.leaf_batch(*leaf, batch, lanes);
        evaluate_policy(&body.scope, &body.clauses, conditional, lanes, &mut leaf)
    }

    /// Evaluates a policy for the rows of a batch, as [`Evaluator::policy_batch`] does, one by one.
    #[expect(clippy::indexing_slicing, reason = "there is a lane for every row")]
    fn policy_by_row(
        &self,
        body: &Body,
        conditional: bool,
        batch: Batch,
        lanes: &[Outcomes],
    ) -> PolicyOutcomes<Vec<Outcomes>> {
        let none = || vec![Outcomes::NONE; lanes.len()];
        let mut all = PolicyOutcomes { scope: none(), satisfied: none(), applies: none() };
        let asked = (0..).zip(lanes).filter(|(_, lane)| **lane != Outcomes::NONE);
        for (at, _) in asked {
            let one = self.policy(body, conditional, &batch.request(at));
            let lanes =
                [(&mut all.scope, one.scope), (&mut all.satisfied, one.satisfied), (&mut all.applies, one.applies)];
            for (lanes, outcomes) in lanes {
                lanes[at as usize] = outcomes;
            }
        }
        all
    }

    /// Evaluates the next part of a conjunction for the rows whose lane may be true, and combines it with the lanes.
    pub(super) fn and_batch(&self, part: &Condition, batch: Batch, lanes: &mut Vec<Outcomes>) {
        if lanes.len() < MIN_ROWS {
            let open = (0..).zip(lanes).filter(|(_, lane)| lane.may(Outcomes::TRUE));
            return open.for_each(|(at, lane)| *lane = lane.and(self.condition(part, &batch.request(at))));
        }
        if let Some(open) = lanes.continued(Outcomes::TRUE) {
            let outcomes = part.evaluate(open, &mut |leaf, lanes| self.leaf_batch(*leaf, batch, lanes));
            lanes.combine(outcomes, Outcomes::and);
        }
    }

    /// Evaluates a leaf for the rows of a batch whose lane is not `NONE`.
    fn leaf_batch(&self, leaf: NodeId, batch: Batch, mut lanes: Vec<Outcomes>) -> Vec<Outcomes> {
        if let NodeKind::Condition(condition) = &self.program.node(leaf).kind {
            return condition.evaluate(lanes, &mut |leaf, lanes| self.leaf_batch(*leaf, batch, lanes));
        }
        if self.kernel(leaf, batch, &mut lanes).is_none() {
            self.fill(leaf, batch, &mut lanes, |_| None);
        }
        lanes
    }

    /// Fills the lanes that are not `NONE`: with the result of `test`, or by row if it has none.
    fn fill(&self, node: NodeId, batch: Batch, lanes: &mut [Outcomes], test: impl Fn(u32) -> Option<Outcomes>) {
        for (at, lane) in (0..).zip(lanes) {
            if *lane != Outcomes::NONE {
                *lane = test(at).unwrap_or_else(|| self.outcomes(node, &batch.request(at)));
            }
        }
    }

    /// Fills the lanes that are not `NONE`: with the result of `test` for the cell, or by row if it is not known.
    fn fill_cells<T: Copy>(
        &self,
        node: NodeId,
        cells: &KnownCells<'_, T>,
        batch: Batch,
        lanes: &mut [Outcomes],
        test: impl Fn(T) -> bool,
    ) {
        if cells.fill(lanes, test) {
            let unknown = (0..).zip(lanes).filter(|(at, lane)| **lane != Outcomes::NONE && !cells.is_known(*at));
            unknown.for_each(|(at, lane)| *lane = self.outcomes(node, &batch.request(at)));
        }
    }

    /// Fills the lanes by the kernel for a node. `None`, with unchanged lanes, if there is no kernel.
    fn kernel(&self, node: NodeId, batch: Batch, lanes: &mut [Outcomes]) -> Option<()> {
        let values = |node: NodeId| self.values(node, batch);
        match &self.program.node(node).kind {
            NodeKind::Constant(_) | NodeKind::Slot(..) => {
                let values = values(node)?;
                match values.cells() {
                    Some(Cells::Bools(cells)) => self.fill_cells(node, &cells, batch, lanes, |cell| cell),
                    _ => self.fill(node, batch, lanes, |at| match values.at(at)? {
                        Plain::Bool(b) => Some(Outcomes::of(b)),
                        _ => None,
                    }),
                }
            }
            NodeKind::Equal(left, right) => self.fill_equal(node, &values(*left)?, &values(*right)?, batch, lanes),
            NodeKind::Less(left, right) => {
                self.fill_compare(node, [values(*left)?, values(*right)?], batch, lanes, |a, b| a < b);
            }
            NodeKind::LessEqual(left, right) => {
                self.fill_compare(node, [values(*left)?, values(*right)?], batch, lanes, |a, b| a <= b);
            }
            NodeKind::Contains(set, item) => self.fill_contains(node, &values(*set)?, &values(*item)?, batch, lanes),
            NodeKind::ContainsAll(left, right) => {
                self.fill_sets(node, &values(*left)?, &values(*right)?, batch, lanes, operand::contains_all);
            }
            NodeKind::ContainsAny(left, right) => {
                self.fill_sets(node, &values(*left)?, &values(*right)?, batch, lanes, operand::contains_any);
            }
            NodeKind::IsEmpty(set) => {
                let set = values(*set)?;
                self.fill(node, batch, lanes, |at| match set.at(at)? {
                    Plain::Set(set) => Some(operand::is_empty(set)),
                    _ => None,
                });
            }
            NodeKind::Like(text, pattern) => {
                let text = values(*text)?;
                let Some(Cells::Texts(cells)) = text.cells() else { return None };
                // Most of the bytes are in no cache. The processor waits for those of many texts at once here, and not in each
                // comparison.
                let open = (0..).zip(&*lanes).filter(|(_, lane)| **lane != Outcomes::NONE);
                let texts = open.filter_map(|(at, _)| cells.of_row(cells.rows.at(at)));
                let fetched = texts.map(|text| self.snapshot.last_byte(text)).fold(0, |all, byte| all ^ byte);
                std::hint::black_box(fetched);
                self.fill_cells(node, &cells, batch, lanes, |text| pattern.matches(self.snapshot.text(text)));
            }
            NodeKind::Has(entity, ty, slots, _) => {
                let rows = self.rows(*entity, batch)?;
                self.fill_has(node, (*ty, slots), &rows, batch, lanes);
            }
            _ => return None,
        }
        Some(())
    }

    /// Fills the lanes of `==`.
    fn fill_equal(&self, node: NodeId, left: &Values<'_>, right: &Values<'_>, batch: Batch, lanes: &mut [Outcomes]) {
        // The common comparisons do not build a plain value for every row.
        match left.cells_and_constant(right).or_else(|| right.cells_and_constant(left)) {
            Some((Cells::Entities(cells), Value::Entity(entity))) => {
                self.fill_cells(node, &cells, batch, lanes, |row| row == entity.row);
            }
            Some((Cells::Texts(cells), Value::String(text))) => {
                let hash = text_hash(text);
                let is_equal = |found: StrRef| found.hash() == hash && self.snapshot.text(found) == text.as_str();
                self.fill_cells(node, &cells, batch, lanes, is_equal);
            }
            _ => self.fill(node, batch, lanes, |at| match (left.at(at)?, right.at(at)?) {
                // A set may have unknown elements.
                (Plain::Set(_), _) => None,
                (left, right) => Some(Outcomes::of(left == right)),
            }),
        }
    }

    /// Fills the lanes of a comparison of two numbers.
    fn fill_compare(
        &self,
        node: NodeId,
        [left, right]: [Values<'_>; 2],
        batch: Batch,
        lanes: &mut [Outcomes],
        compare: impl Fn(i64, i64) -> bool,
    ) {
        match (left.cells(), right.uniform(), left.uniform(), right.cells()) {
            (Some(Cells::Numbers(cells)), Some(Plain::Number(right)), ..) => {
                self.fill_cells(node, &cells, batch, lanes, |left| compare(left, right));
            }
            (.., Some(Plain::Number(left)), Some(Cells::Numbers(cells))) => {
                self.fill_cells(node, &cells, batch, lanes, |right| compare(left, right));
            }
            _ => self.fill(node, batch, lanes, |at| Some(Outcomes::of(compare(left.number(at)?, right.number(at)?)))),
        }
    }

    /// Fills the lanes of `.contains()`.
    fn fill_contains(&self, node: NodeId, set: &Values<'_>, item: &Values<'_>, batch: Batch, lanes: &mut [Outcomes]) {
        // Texts in one exact set: a hash excludes most of them.
        if lanes.len() >= MIN_HASHED
            && let (Some(Plain::Set(all)), Some(Cells::Texts(cells))) = (set.uniform(), item.cells())
            && let Some(hashes) = text_hashes(all)
        {
            // The set is exact and the text is known, so the outcome is certain.
            return self.fill_cells(node, &cells, batch, lanes, |found| {
                let operand = || Operand::String(self.snapshot.text(found));
                hashes.contains(&found.hash()) && operand::contains(all, Some(&operand())) == Outcomes::TRUE
            });
        }
        // Instances in one set of instances.
        if let (Some(Plain::Set(all)), Some(Cells::Entities(cells)), Some(target)) =
            (set.uniform(), item.cells(), item.target())
            && let Some(rows) = entity_rows(all, target)
        {
            // Most types whose values are words have fewer than 64 of them.
            if rows.last().is_none_or(|last| *last < u64::BITS) {
                let mask = rows.iter().fold(0u64, |mask, row| mask | 1 << row);
                return self.fill_cells(node, &cells, batch, lanes, |row| row < u64::BITS && mask & (1 << row) != 0);
            }
            return self.fill_cells(node, &cells, batch, lanes, |row| rows.binary_search(&row).is_ok());
        }
        self.fill(node, batch, lanes, |at| set.at(at)?.contains(&item.at(at)?));
    }

    /// Fills the lanes of an operator on two sets.
    fn fill_sets(
        &self,
        node: NodeId,
        left: &Values<'_>,
        right: &Values<'_>,
        batch: Batch,
        lanes: &mut [Outcomes],
        operator: fn(&Set, &Set) -> Outcomes,
    ) {
        // Rows whose sets have the same bytes share one set, and neighbours often do.
        let last: Cell<Option<([&Set; 2], Outcomes)>> = Cell::new(None);
        self.fill(node, batch, lanes, |at| {
            let (Plain::Set(left), Plain::Set(right)) = (left.at(at)?, right.at(at)?) else { return None };
            let is_same = |([a, b], _): &([&Set; 2], Outcomes)| std::ptr::eq(*a, left) && std::ptr::eq(*b, right);
            if let Some((_, outcomes)) = last.get().filter(is_same) {
                return Some(outcomes);
            }
            let outcomes = operator(left, right);
            last.set(Some(([left, right], outcomes)));
            Some(outcomes)
        });
    }

    /// Fills the lanes of `has`, for a chain of attributes.
    fn fill_has(
        &self,
        node: NodeId,
        (ty, slots): (TypeId, &[SlotId]),
        rows: &Rows<'_>,
        batch: Batch,
        lanes: &mut [Outcomes],
    ) {
        let columns: Vec<&[State]> = slots.iter().map(|slot| self.column(ty, *slot).states.as_slice()).collect();
        self.fill(node, batch, lanes, |at| {
            let row = rows.at(at) as usize;
            for states in &columns {
                match states.get(row)? {
                    State::Known => {}
                    State::Absent => return Some(Outcomes::FALSE),
                    State::Uncaptured | State::Unreadable => return None,
                }
            }
            Some(Outcomes::TRUE)
        });
    }

    /// Returns the source of the values of an expression; `None` if it takes more than reading columns.
    pub(super) fn values(&self, node: NodeId, batch: Batch) -> Option<Values<'_>> {
        match &self.program.node(node).kind {
            NodeKind::Constant(at) => self.constant(*at).map(Values::Constant),
            NodeKind::SetOf(_) => self.folded(node).map(Values::Constant),
            NodeKind::Principal if batch.role == Role::Principal => Some(Values::Instances(batch.ty, batch.rows())),
            NodeKind::Resource if batch.role == Role::Resource => Some(Values::Instances(batch.ty, batch.rows())),
            NodeKind::Slot(entity, ty, slot) => {
                let declared = self.model.ty(*ty).slot(*slot);
                if let Origin::Enclosing(outer) = declared.origin {
                    return Some(Values::Instances(outer, self.rows(node, batch)?));
                }
                let rows = self.rows(*entity, batch)?;
                Some(Values::Column(self.snapshot, self.column(*ty, *slot), &declared.ty, rows))
            }
            NodeKind::Call(function, operands) => {
                let (Kernel::CheckedPair(kernel), [left, right]) = (function.kernel(), &operands[..]) else {
                    return None;
                };
                self.computed(kernel, [*left, *right], batch)
            }
            NodeKind::Arithmetic(op, left, right) => {
                let op = match op {
                    Arithmetic::Add => i64::checked_add,
                    Arithmetic::Subtract => i64::checked_sub,
                    Arithmetic::Multiply => i64::checked_mul,
                };
                self.computed(op, [*left, *right], batch)
            }
            _ => None,
        }
    }

    /// Returns the symbols of the texts that an expression reads off a column; `None` if it takes more than that, or if the
    /// column is not interned.
    pub(super) fn symbols(&self, node: NodeId, batch: Batch) -> Option<Values<'_>> {
        let NodeKind::Slot(entity, ty, slot) = &self.program.node(node).kind else { return None };
        let symbols = self.bound.symbols.column(*ty, *slot)?;
        Some(Values::Symbols(symbols, self.rows(*entity, batch)?))
    }

    /// Returns the source of numbers that are computed from two others.
    fn computed(
        &self,
        op: fn(i64, i64) -> Option<i64>,
        [left, right]: [NodeId; 2],
        batch: Batch,
    ) -> Option<Values<'_>> {
        Some(Values::Computed(op, Box::new([self.values(left, batch)?, self.values(right, batch)?])))
    }

    /// Returns the rows of an entity-valued expression; `None` if it takes more than reading columns.
    fn rows(&self, node: NodeId, batch: Batch) -> Option<Rows<'_>> {
        Some(match &self.program.node(node).kind {
            NodeKind::Principal if batch.role == Role::Principal => batch.rows(),
            NodeKind::Resource if batch.role == Role::Resource => batch.rows(),
            NodeKind::Principal | NodeKind::Resource => Rows::One(batch.other.row),
            NodeKind::Root => Rows::One(self.root().row),
            NodeKind::Slot(entity, ty, slot) => {
                let rows = Box::new(self.rows(*entity, batch)?);
                match self.model.ty(*ty).slot(*slot).origin {
                    Origin::Enclosing(outer) => Rows::Around((self.snapshot, self.model), [*ty, outer], rows),
                    _ => Rows::In(self.column(*ty, *slot), rows),
                }
            }
            _ => return None,
        })
    }
}

/// Returns the rows of the elements of a set in order, if it is exact and has entities of one type only, none of them a literal.
fn entity_rows(set: &Set, ty: TypeId) -> Option<Vec<u32>> {
    let row = |item: &Value| match item {
        Value::Entity(entity) if entity.ty == ty && !entity.is_literal() && !entity.is_placeholder() => {
            Some(entity.row)
        }
        _ => None,
    };
    if set.is_exact() { set.items().iter().map(row).collect() } else { None }
}

/// Returns the hashes of the elements of a set, if it is exact and has texts only.
fn text_hashes(set: &Set) -> Option<FxHashSet<u32>> {
    let hash = |item: &Value| if let Value::String(text) = item { Some(text_hash(text)) } else { None };
    if set.is_exact() { set.items().iter().map(hash).collect() } else { None }
}
