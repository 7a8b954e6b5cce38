//! The times at which a verdict may change although the snapshot stays the same: the critical times of a program.
//!
//! Verdicts depend on the time only through comparisons with `now`. Such a comparison is written as a sum that it compares
//! with zero: `now`, with a sign and perhaps rounded by `toDate` or `toDays`, and terms that do not depend on the time. For
//! the values of the terms, it can change only when the sum passes zero. The critical times are the times at which this
//! holds for any row of the snapshot, so that they contain all times of changes, and others. Between two of them that follow
//! each other, no verdict changes.

use super::eval::{Evaluator, Request};
use super::operand::Domain;
use super::scoped::Evaluation;
use crate::policy::{CheckId, DerivationId, WaiverId};
use crate::program::{Arithmetic, Body, Condition, Constant, Function, NodeId, NodeKind, Program};
use crate::schema::SlotId;
use crate::source::Span;
use crate::value::{EntityRef, MOMENTS, TypeId};
use std::collections::{BTreeSet, HashSet};
use std::ops::RangeInclusive;

/// A day in milliseconds.
const DAY: i128 = 24 * 60 * 60 * 1000;

/// The most forms of one expression: the branches of its `if`s.
const FORMS: usize = 64;

/// The most terms of a sum, and the most roundings in it. The time of a search grows with the square of their number.
const PARTS: usize = 32;

/// The most values that a rounded number is compared with. Each further rounding adds some.
const TARGETS: usize = 10_000;

/// The reason why there are no critical times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uncritical {
    /// There are more than allowed.
    TooMany,
    /// An expression depends on the time in a way that is not a sum.
    Expression {
        /// The policy that has the expression.
        policy: PolicyAt,
        /// The expression.
        span: Span,
    },
}

/// A policy by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyAt {
    /// A check.
    Check(CheckId),
    /// A derivation.
    Derivation(DerivationId),
    /// A waiver.
    Waiver(WaiverId),
}

/// The parts of a program that depend on the time.
#[derive(Debug, Clone)]
pub struct TimeDependence {
    /// Whether a node contains `now`.
    contains: Vec<bool>,
    /// Whether the value of a node depends on the time.
    varies: Vec<bool>,
    /// Whether each derived attribute of the program depends on the time.
    derived: Vec<bool>,
    /// Whether waivers are used.
    waivers: bool,
    /// The checks that depend on the time by themselves, or may by a waiver that is used.
    pub checks: BTreeSet<CheckId>,
}

impl TimeDependence {
    /// Returns the parts of a program that depend on the time, with its waivers or without.
    pub fn of(program: &Program, waivers: bool) -> Self {
        let count = program.nodes.iter().count();
        let mut of = Self {
            contains: vec![false; count],
            varies: vec![false; count],
            derived: vec![false; program.derived.len()],
            waivers,
            checks: BTreeSet::new(),
        };
        // Operands come before what uses them.
        for (id, node) in program.nodes.entries() {
            let is_now =
                matches!(node.kind, NodeKind::Constant(at) if program.constants.get(at) == Some(&Constant::Now));
            let contains = is_now || program.operands(id).into_iter().any(|operand| of.contains(operand));
            if let Some(known) = of.contains.get_mut(id.index()) {
                *known = contains;
            }
        }
        of.varies.clone_from(&of.contains);
        // A derived attribute comes after those that it reads.
        for (at, attribute) in program.derived.iter().enumerate() {
            of.spread(program);
            let varies = attribute.parts.iter().any(|part| of.body(&part.body));
            if let Some(known) = of.derived.get_mut(at) {
                *known = varies;
            }
        }
        of.spread(program);
        let checks = program.checks.iter().filter(|check| check.bodies.iter().any(|body| of.body(body)));
        // A waiver ends.
        let waived = program.waivers.iter().filter(|_| waivers).map(|waiver| waiver.check);
        of.checks = checks.map(|check| check.check).chain(waived).collect();
        of
    }

    /// Marks the nodes that read a derived attribute that depends on the time.
    fn spread(&mut self, program: &Program) {
        for (id, node) in program.nodes.entries() {
            let varies = self.varies(id)
                || self.reads_varying(program, &node.kind)
                || program.operands(id).into_iter().any(|operand| self.varies(operand));
            if let Some(known) = self.varies.get_mut(id.index()) {
                *known = varies;
            }
        }
    }

    fn reads_varying(&self, program: &Program, kind: &NodeKind) -> bool {
        let is_varying = |ty: TypeId, slot: Option<SlotId>| {
            let mut all = program.derived.iter().zip(&self.derived);
            all.any(|(it, varies)| *varies && it.ty == ty && slot.is_none_or(|slot| it.slot == slot))
        };
        match kind {
            NodeKind::Slot(_, ty, slot) => is_varying(*ty, Some(*slot)),
            NodeKind::Has(_, ty, slots, _) => slots.iter().any(|slot| is_varying(*ty, Some(*slot))),
            NodeKind::Record(_, ty, _) => is_varying(*ty, None),
            _ => false,
        }
    }

    fn body(&self, body: &Body) -> bool {
        conditions(body).flat_map(Condition::leaves).any(|leaf| self.varies(*leaf))
    }

    fn contains(&self, node: NodeId) -> bool {
        self.contains.get(node.index()).copied().unwrap_or(true)
    }

    fn varies(&self, node: NodeId) -> bool {
        self.varies.get(node.index()).copied().unwrap_or(true)
    }
}

fn conditions(body: &Body) -> impl Iterator<Item = &Condition> {
    body.scope.iter().chain(body.clauses.iter().map(|clause| &clause.condition))
}

/// A number that depends on the time: a base with a factor, and terms that do not depend on it.
#[derive(Debug, Clone)]
struct Sum {
    factor: i128,
    base: Base,
    terms: Vec<(i128, NodeId)>,
}

/// A number that grows with the time, in steps or not.
#[derive(Debug, Clone)]
enum Base {
    /// Nothing: the sum does not depend on the time.
    Zero,
    /// The time of the run.
    Now,
    /// The date of a moment.
    Date(Box<Sum>),
    /// The time of the day of a moment.
    Time(Box<Sum>),
    /// A duration in whole units.
    Units(i128, Box<Sum>),
}

impl Sum {
    fn plus(mut self, sign: i128, other: Self) -> Option<Self> {
        self.terms.extend(other.terms.into_iter().map(|(factor, node)| (sign * factor, node)));
        match (&self.base, &other.base) {
            (_, Base::Zero) => {}
            (Base::Zero, _) => (self.factor, self.base) = (sign * other.factor, other.base),
            (Base::Now, Base::Now) => {
                self.factor += sign * other.factor;
                if self.factor == 0 {
                    self.base = Base::Zero;
                }
            }
            _ => return None,
        }
        Some(self)
    }

    /// Returns the number of terms and roundings.
    fn parts(&self) -> usize {
        self.terms.len() + self.inner().map_or(0, |inner| inner.parts() + 1)
    }

    /// Returns the terms that a base contains.
    fn inner(&self) -> Option<&Self> {
        match &self.base {
            Base::Zero | Base::Now => None,
            Base::Date(inner) | Base::Time(inner) | Base::Units(_, inner) => Some(inner),
        }
    }
}

impl Evaluation<'_> {
    /// Returns the critical times in a period, in order, at most `most`. Every verdict that depends on the time is constant
    /// between two of them.
    ///
    /// # Errors
    /// When there are more, or an expression cannot be analysed.
    pub fn critical_times(
        &self,
        dependence: &TimeDependence,
        period: RangeInclusive<i64>,
        most: usize,
    ) -> Result<BTreeSet<i64>, Uncritical> {
        let mut times = BTreeSet::new();
        for evaluator in self.evaluators() {
            let mut search = Search { evaluator, dependence, period: period.clone(), most, times: &mut times };
            search.program()?;
        }
        Ok(times)
    }
}

struct Search<'s, 'a> {
    evaluator: &'s Evaluator<'a>,
    dependence: &'s TimeDependence,
    period: RangeInclusive<i64>,
    most: usize,
    times: &'s mut BTreeSet<i64>,
}

/// A body with its policy.
#[derive(Clone, Copy)]
struct Place<'s> {
    policy: PolicyAt,
    body: &'s Body,
}

impl Search<'_, '_> {
    fn program(&mut self) -> Result<(), Uncritical> {
        let program = self.evaluator.program;
        for check in &program.checks {
            for body in &check.bodies {
                self.body(Place { policy: PolicyAt::Check(check.check), body })?;
            }
        }
        for waiver in program.waivers.iter().filter(|_| self.dependence.waivers) {
            for body in &waiver.bodies {
                self.body(Place { policy: PolicyAt::Waiver(waiver.waiver), body })?;
            }
        }
        for part in program.derived.iter().flat_map(|attribute| &attribute.parts) {
            self.body(Place { policy: PolicyAt::Derivation(part.derivation), body: &part.body })?;
        }
        Ok(())
    }

    fn body(&mut self, place: Place<'_>) -> Result<(), Uncritical> {
        conditions(place.body).try_for_each(|condition| self.condition(condition, place))
    }

    fn condition(&mut self, condition: &Condition, place: Place<'_>) -> Result<(), Uncritical> {
        condition.leaves().into_iter().try_for_each(|leaf| self.leaf(*leaf, place))
    }

    /// Adds the critical times of an expression of type `Bool`.
    fn leaf(&mut self, node: NodeId, place: Place<'_>) -> Result<(), Uncritical> {
        if !self.dependence.contains(node) {
            return Ok(());
        }
        match &self.evaluator.program.node(node).kind {
            NodeKind::Condition(condition) => self.condition(condition, place),
            NodeKind::Equal(a, b) | NodeKind::Less(a, b) | NodeKind::LessEqual(a, b) => self.comparison(*a, *b, place),
            _ => Err(self.unknown(node, place)),
        }
    }

    fn unknown(&self, node: NodeId, place: Place<'_>) -> Uncritical {
        Uncritical::Expression { policy: place.policy, span: self.evaluator.program.node(node).span }
    }

    fn comparison(&mut self, a: NodeId, b: NodeId, place: Place<'_>) -> Result<(), Uncritical> {
        let (left, right) = (self.sums(a, place)?, self.sums(b, place)?);
        for a_sum in &left {
            for b_sum in &right {
                let sum = a_sum.clone().plus(-1, b_sum.clone()).ok_or_else(|| self.unknown(a, place))?;
                self.passes(&sum, &[0], place)?;
            }
        }
        Ok(())
    }

    /// Returns the sums that an expression may be. Also adds the times at which an operation begins to overflow, and those
    /// of the tests of `if`s in it.
    fn sums(&mut self, node: NodeId, place: Place<'_>) -> Result<Vec<Sum>, Uncritical> {
        if !self.dependence.varies(node) {
            return Ok(vec![Sum { factor: 0, base: Base::Zero, terms: vec![(1, node)] }]);
        }
        let program = self.evaluator.program;
        let unknown = || Uncritical::Expression { policy: place.policy, span: program.node(node).span };
        let sums = match &program.node(node).kind {
            NodeKind::Constant(_) => return Ok(vec![Sum { factor: 1, base: Base::Now, terms: Vec::new() }]),
            NodeKind::If(test, then, other) => {
                self.leaf(*test, place)?;
                let mut sums = self.sums(*then, place)?;
                sums.extend(self.sums(*other, place)?);
                sums
            }
            NodeKind::Arithmetic(Arithmetic::Add, a, b) => self.pairs(*a, *b, 1, place)?,
            NodeKind::Arithmetic(Arithmetic::Subtract, a, b) => self.pairs(*a, *b, -1, place)?,
            NodeKind::Negate(a) => {
                let zero = Sum { factor: 0, base: Base::Zero, terms: Vec::new() };
                let sums = self.sums(*a, place)?;
                sums.into_iter().map(|sum| zero.clone().plus(-1, sum).ok_or_else(unknown)).collect::<Result<_, _>>()?
            }
            NodeKind::Call(function, operands) => self.call(node, *function, operands, place)?,
            _ => return Err(unknown()),
        };
        if sums.len() > FORMS || sums.iter().any(|sum| sum.parts() > PARTS) {
            return Err(unknown());
        }
        for sum in &sums {
            self.passes(sum, &[i128::from(i64::MIN), i128::from(i64::MAX)], place)?;
        }
        Ok(sums)
    }

    fn call(
        &mut self,
        node: NodeId,
        function: Function,
        operands: &[NodeId],
        place: Place<'_>,
    ) -> Result<Vec<Sum>, Uncritical> {
        let unit = match (function.name(), operands) {
            ("offset", [a, b]) => return self.pairs(*a, *b, 1, place),
            ("durationSince", [a, b]) => return self.pairs(*a, *b, -1, place),
            ("toMilliseconds", [a]) => return self.sums(*a, place),
            ("toSeconds", _) => Some(1000),
            ("toMinutes", _) => Some(60_000),
            ("toHours", _) => Some(3_600_000),
            ("toDays", _) => Some(DAY),
            ("toDate" | "toTime", _) => None,
            _ => return Err(self.unknown(node, place)),
        };
        let [operand] = operands else { return Err(self.unknown(node, place)) };
        let is_date = function.name() == "toDate";
        let rounded = |sum: Sum| Sum {
            factor: 1,
            base: match unit {
                Some(unit) => Base::Units(unit, Box::new(sum)),
                None if is_date => Base::Date(Box::new(sum)),
                None => Base::Time(Box::new(sum)),
            },
            terms: Vec::new(),
        };
        Ok(self.sums(*operand, place)?.into_iter().map(rounded).collect())
    }

    fn pairs(&mut self, a: NodeId, b: NodeId, sign: i128, place: Place<'_>) -> Result<Vec<Sum>, Uncritical> {
        let (left, right) = (self.sums(a, place)?, self.sums(b, place)?);
        let mut sums = Vec::new();
        for a_sum in &left {
            for b_sum in &right {
                sums.push(a_sum.clone().plus(sign, b_sum.clone()).ok_or_else(|| self.unknown(a, place))?);
            }
        }
        Ok(sums)
    }

    /// Adds the times at which a sum passes one of the targets, for any values of its terms.
    fn passes(&mut self, sum: &Sum, targets: &[i128], place: Place<'_>) -> Result<(), Uncritical> {
        if matches!(sum.base, Base::Zero) {
            return Ok(());
        }
        let mut terms: Vec<(usize, i128, NodeId)> = Vec::new();
        let (mut at, mut level) = (Some(sum), 0);
        while let Some(sum) = at {
            terms.extend(sum.terms.iter().map(|(factor, node)| (level, *factor, *node)));
            (at, level) = (sum.inner(), level + 1);
        }
        let mut seen: HashSet<Vec<i128>> = HashSet::new();
        let requests = self.requests(&terms, place)?;
        for request in requests {
            for offsets in self.offsets(&terms, level, &request) {
                if seen.insert(offsets.clone()) {
                    self.solve(sum, targets.to_vec(), &offsets)?;
                }
                // The number of times is bounded, and so is the number of values that have none.
                if seen.len() > self.most.saturating_mul(1000) {
                    return Err(Uncritical::TooMany);
                }
            }
        }
        Ok(())
    }

    /// Returns the sums of terms by level, for the least and for the largest possible values; nothing if one is unknown:
    /// then the comparison has every outcome at any time.
    fn offsets(&self, terms: &[(usize, i128, NodeId)], levels: usize, request: &Request) -> Vec<Vec<i128>> {
        let (mut low, mut high) = (vec![0; levels], vec![0; levels]);
        for (level, factor, node) in terms {
            let (least, largest) = match &self.evaluator.value(*node, request).value {
                Domain::Known(operand) => match operand.number() {
                    Some(number) => (i128::from(number), i128::from(number)),
                    None => return Vec::new(),
                },
                Domain::Range(least, largest) => (i128::from(*least), i128::from(*largest)),
                Domain::Moment => (i128::from(MOMENTS.0), i128::from(MOMENTS.1)),
                Domain::Unknown | Domain::Nothing => return Vec::new(),
            };
            let (least, largest) = if *factor < 0 { (largest, least) } else { (least, largest) };
            if let Some(low) = low.get_mut(*level) {
                *low += factor * least;
            }
            if let Some(high) = high.get_mut(*level) {
                *high += factor * largest;
            }
        }
        if low == high { vec![low] } else { vec![low, high] }
    }

    /// Returns the requests in which terms have all their values.
    fn requests(&self, terms: &[(usize, i128, NodeId)], place: Place<'_>) -> Result<Vec<Request>, Uncritical> {
        let reads = |kind: fn(&NodeKind) -> bool| terms.iter().any(|(_, _, node)| self.reads(*node, kind));
        let is_check = matches!(place.policy, PolicyAt::Check(_));
        let of_principal = !is_check && reads(|kind| matches!(kind, NodeKind::Principal));
        let of_resource = reads(|kind| matches!(kind, NodeKind::Resource));
        let root = self.evaluator.root();
        let principals = match (is_check, of_principal) {
            (true, _) => vec![(root, None)],
            (false, true) => self.instances(place.body.principal),
            (false, false) => vec![(EntityRef::placeholder(place.body.principal), None)],
        };
        let resources = match of_resource {
            true => self.instances(place.body.resource),
            false => vec![(EntityRef::placeholder(place.body.resource), None)],
        };
        if principals.len().saturating_mul(resources.len()) > self.most.saturating_mul(1000) {
            return Err(Uncritical::TooMany);
        }
        let requests = principals.iter().flat_map(|principal| {
            resources.iter().map(|resource| Request {
                principal: principal.0,
                resource: resource.0,
                uncaptured_in: principal.1.or(resource.1),
            })
        });
        Ok(requests.collect())
    }

    /// Returns the instances of a type, and a phantom for each list that is not known in full.
    fn instances(&self, ty: TypeId) -> Vec<(EntityRef, Option<EntityRef>)> {
        let rows = self.evaluator.snapshot.instances(ty).map(|entity| (entity, None));
        let lists = &self.evaluator.snapshot.table(ty).uncaptured_lists;
        rows.chain(lists.iter().map(|list| (EntityRef::placeholder(ty), Some(list.scope)))).collect()
    }

    fn reads(&self, node: NodeId, kind: fn(&NodeKind) -> bool) -> bool {
        let program = self.evaluator.program;
        kind(&program.node(node).kind) || program.operands(node).into_iter().any(|operand| self.reads(operand, kind))
    }

    /// Adds the times at which a sum with known terms passes one of the targets. `offsets` are the sums of its terms, then
    /// those of the terms in its base.
    fn solve(&mut self, sum: &Sum, targets: Vec<i128>, offsets: &[i128]) -> Result<(), Uncritical> {
        let Some((offset, inner)) = offsets.split_first() else { return Ok(()) };
        // The value of the base at which the sum is the target, rounded down, and the next one.
        let values = targets.into_iter().filter_map(|target| {
            let value = (target - offset).checked_div_euclid(sum.factor)?;
            Some([value, value + 1])
        });
        let mut values: Vec<i128> = values.flatten().collect();
        values.sort_unstable();
        values.dedup();
        if values.len() > TARGETS {
            return Err(Uncritical::TooMany);
        }
        match &sum.base {
            Base::Zero => Ok(()),
            Base::Now => values.into_iter().try_for_each(|value| self.add(value)),
            Base::Date(date) => {
                let days = values.into_iter().map(|value| value.div_euclid(DAY) * DAY);
                self.solve(date, days.flat_map(|day| [day, day + DAY]).collect(), inner)
            }
            Base::Units(unit, duration) => {
                let around = |value: i128| [(value - 1) * unit, value * unit, (value + 1) * unit];
                self.solve(duration, values.into_iter().flat_map(around).collect(), inner)
            }
            // The time of the day of a date does not change.
            Base::Time(moment) if matches!(moment.base, Base::Zero | Base::Date(_)) => Ok(()),
            Base::Time(moment) => {
                let within = |value: &&i128| (0..=DAY).contains(*value);
                let mut times: Vec<i128> = values.iter().filter(within).copied().collect();
                times.push(0);
                let (least, largest) = self.range(moment, inner);
                let mut days = least.div_euclid(DAY)..=largest.div_euclid(DAY) + 1;
                let on = |day: i128| times.iter().map(move |time| day * DAY + time);
                match &moment.base {
                    // A search over many days has as many times, which `add` bounds.
                    Base::Now => days.try_for_each(|day| self.solve(moment, on(day).collect(), inner)),
                    // A rounding changes little: there are few days, and they are solved together, because each may divide again.
                    _ => self.solve(moment, days.flat_map(on).collect(), inner),
                }
            }
        }
    }

    /// Returns the least and the largest value of a sum in the period. `offsets` are those of `solve`.
    fn range(&self, sum: &Sum, offsets: &[i128]) -> (i128, i128) {
        let (offset, inner) = offsets.split_first().map_or((0, offsets), |(offset, inner)| (*offset, inner));
        let (least, largest) = match &sum.base {
            Base::Zero => (0, 0),
            Base::Now => (i128::from(*self.period.start()), i128::from(*self.period.end())),
            Base::Date(date) => {
                let (least, largest) = self.range(date, inner);
                (least.div_euclid(DAY) * DAY, largest)
            }
            Base::Time(_) => (0, DAY),
            Base::Units(unit, duration) => {
                let (least, largest) = self.range(duration, inner);
                (least / unit, largest / unit)
            }
        };
        let ends = [least, largest].map(|value| sum.factor * value + offset);
        (ends[0].min(ends[1]), ends[0].max(ends[1]))
    }

    fn add(&mut self, time: i128) -> Result<(), Uncritical> {
        let Ok(time) = i64::try_from(time) else { return Ok(()) };
        if self.period.contains(&time) {
            self.times.insert(time);
        }
        if self.times.len() > self.most { Err(Uncritical::TooMany) } else { Ok(()) }
    }
}
