//! Whether two versions of a policy say the same, shown by trying everything that could tell them apart.
//!
//! A leaf that compares something with a constant depends on what that something is: below, at or above the constant,
//! or one of the entities that are named. So a few values stand for all, and where a value is not known, any of them
//! may be it, or none because it cannot be read. What both versions share and nothing ties to what was changed is taken
//! for something that may come to anything. Not everything that is the same can be shown to be, and what is shown is so.

use super::cover::Part;
use super::mutants::is_leaf;
use crate::engine::{Mask, Verdict, settled};
use crate::policy::{ClauseKind, Statement};
use crate::program::{Gather, gather};
use crate::schema::{Model, Origin};
use crate::value::{parse_datetime, parse_decimal, parse_duration};
use cedar_policy_core::ast::{BinaryOp, Expr, ExprKind, Literal, UnaryOp, Var};
use smol_str::{SmolStr, ToSmolStr};
use std::collections::{BTreeMap, BTreeSet};

/// How many situations are tried at most.
const MOST: usize = 1 << 18;
/// How many values may stand for all that a term can be.
const MOST_POINTS: usize = 8;

/// What a term can be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Point {
    Bool(bool),
    /// A number, or milliseconds.
    Number(i64),
    String(SmolStr),
    Entity(SmolStr, SmolStr),
    /// None of those that are named.
    Other,
}

/// A condition over terms.
enum Form {
    /// Whether a term, by its place, is at one of these points.
    Leaf(usize, Vec<bool>),
    Constant(bool),
    Not(Box<Form>),
    And(Box<Form>, Box<Form>),
    Or(Box<Form>, Box<Form>),
    If(Box<[Form; 3]>),
}

/// A comparison with constants: the term, and which values meet it.
struct Comparison<'e> {
    term: &'e Expr,
    constants: Vec<Point>,
    /// By the outcome of comparing the value with the only constant, where there is an order.
    order: Option<fn(std::cmp::Ordering) -> bool>,
}

/// Returns whether two versions of a policy, a check or a derivation, can be shown to say the same of everything.
pub(super) fn is_same(model: &Model, part: Part, one: &Statement, other: &Statement) -> bool {
    let kinds = |statement: &Statement| statement.clauses.iter().map(|clause| clause.kind).collect::<Vec<_>>();
    let scopes = |statement: &Statement| (statement.principal.clone(), statement.resource.clone());
    if kinds(one) != kinds(other) || scopes(one) != scopes(other) {
        return false;
    }
    let texts = |statement: &Statement| -> BTreeSet<String> {
        let leaves = statement.clauses.iter().flat_map(|clause| leaves(&clause.expr));
        leaves.map(ToString::to_string).collect()
    };
    let (ours, theirs) = (texts(one), texts(other));
    let changed: BTreeSet<&String> = ours.symmetric_difference(&theirs).collect();
    let all = || one.clauses.iter().chain(&other.clauses).flat_map(|clause| leaves(&clause.expr));
    let mut terms: BTreeSet<String> = all()
        .filter(|leaf| changed.contains(&leaf.to_string()))
        .map(|leaf| comparison(leaf).map_or(leaf.to_string(), |found| found.term.to_string()))
        .collect();
    if terms.is_empty() {
        // The same leaves, put together in another way.
        terms = all().map(|leaf| comparison(leaf).map_or(leaf.to_string(), |found| found.term.to_string())).collect();
    }
    let mut space = Space { model, statement: one, terms, points: BTreeMap::new(), names: Vec::new() };
    all().for_each(|leaf| space.note(leaf));
    let (Some(ours), Some(theirs)) = (space.policy(one), space.policy(other)) else { return false };
    let has = |kind| kinds(one).contains(&kind);
    let asks = match part {
        Part::Derivation(_) => Asks::Permitted,
        Part::Check(_) => Asks::Verdict { conditional: has(ClauseKind::When) && has(ClauseKind::Unless) },
    };
    space.agree(asks, &ours, &theirs)
}

/// The leaves of a condition.
fn leaves(expr: &Expr) -> Vec<&Expr> {
    match expr.expr_kind() {
        ExprKind::And { left, right } | ExprKind::Or { left, right } if !is_leaf(expr) => {
            [leaves(left), leaves(right)].concat()
        }
        ExprKind::UnaryApp { op: UnaryOp::Not, arg } => leaves(arg),
        ExprKind::If { test_expr, then_expr, else_expr } => {
            [leaves(test_expr), leaves(then_expr), leaves(else_expr)].concat()
        }
        _ => vec![expr],
    }
}

/// The constant that an expression is.
fn constant(expr: &Expr) -> Option<Point> {
    match expr.expr_kind() {
        ExprKind::Lit(Literal::Bool(b)) => Some(Point::Bool(*b)),
        ExprKind::Lit(Literal::Long(n)) => Some(Point::Number(*n)),
        ExprKind::Lit(Literal::String(text)) => Some(Point::String(text.clone())),
        ExprKind::Lit(Literal::EntityUID(uid)) => {
            Some(Point::Entity(uid.entity_type().to_smolstr(), AsRef::<str>::as_ref(uid.eid()).into()))
        }
        ExprKind::ExtensionFunctionApp { fn_name, args } => {
            let [argument] = &args[..] else { return None };
            let ExprKind::Lit(Literal::String(text)) = argument.expr_kind() else { return None };
            let number = match fn_name.to_string().as_str() {
                "duration" => parse_duration(text),
                "decimal" => parse_decimal(text),
                "datetime" => parse_datetime(text),
                _ => return None,
            };
            number.ok().map(Point::Number)
        }
        _ => None,
    }
}

fn comparison(leaf: &Expr) -> Option<Comparison<'_>> {
    let ordered = |left, right, order: fn(std::cmp::Ordering) -> bool, turned: fn(std::cmp::Ordering) -> bool| {
        let (term, constant, order) = match (constant(left), constant(right)) {
            (None, Some(constant)) => (left, constant, order),
            (Some(constant), None) => (right, constant, turned),
            _ => return None,
        };
        Some(Comparison { term, constants: vec![constant], order: Some(order) })
    };
    match leaf.expr_kind() {
        ExprKind::BinaryApp { op, arg1, arg2 } => match op {
            BinaryOp::Eq => {
                let (term, constant) = match (constant(arg1), constant(arg2)) {
                    (None, Some(constant)) => (arg1, constant),
                    (Some(constant), None) => (arg2, constant),
                    _ => return None,
                };
                Some(Comparison { term, constants: vec![constant], order: None })
            }
            BinaryOp::Less => ordered(arg1, arg2, std::cmp::Ordering::is_lt, std::cmp::Ordering::is_gt),
            BinaryOp::LessEq => ordered(arg1, arg2, std::cmp::Ordering::is_le, std::cmp::Ordering::is_ge),
            BinaryOp::Contains => {
                let ExprKind::Set(items) = arg1.expr_kind() else { return None };
                let constants: Option<Vec<Point>> = items.iter().map(constant).collect();
                constant(arg2).is_none().then_some(Comparison { term: arg2, constants: constants?, order: None })
            }
            _ => None,
        },
        ExprKind::ExtensionFunctionApp { fn_name, args } => {
            use std::cmp::Ordering;
            let [left, right] = &args[..] else { return None };
            match fn_name.to_string().as_str() {
                "lessThan" => ordered(left, right, Ordering::is_lt, Ordering::is_gt),
                "lessThanOrEqual" => ordered(left, right, Ordering::is_le, Ordering::is_ge),
                "greaterThan" => ordered(left, right, Ordering::is_gt, Ordering::is_lt),
                "greaterThanOrEqual" => ordered(left, right, Ordering::is_ge, Ordering::is_le),
                _ => None,
            }
        }
        // An attribute that is true or false.
        ExprKind::GetAttr { .. } => Some(Comparison { term: leaf, constants: vec![Point::Bool(true)], order: None }),
        _ => None,
    }
}

/// Everything that could tell two versions apart.
struct Space<'s> {
    model: &'s Model,
    statement: &'s Statement,
    /// Terms of what was changed.
    terms: BTreeSet<String>,
    /// What terms can be.
    points: BTreeMap<String, Vec<Point>>,
    /// Terms in the order of their places.
    names: Vec<String>,
}

/// What is asked of a policy.
#[derive(Clone, Copy)]
enum Asks {
    /// Whether a pair is permitted.
    Permitted,
    /// The verdict, which is that the check does not apply only if it has both `when` and `unless`.
    Verdict { conditional: bool },
}

type Clauses = Vec<(ClauseKind, Form)>;

impl Space<'_> {
    /// Adds the points that a leaf tells apart.
    fn note(&mut self, leaf: &Expr) {
        let Some(Comparison { term, constants, .. }) = comparison(leaf) else { return };
        let name = term.to_string();
        let least = self.counts(term).then_some(0);
        let points = self.points.entry(name).or_default();
        for constant in constants {
            match constant {
                Point::Number(n) => {
                    let near = [n.saturating_sub(1), n, n.saturating_add(1)].into_iter();
                    points.extend(near.filter(|near| least.is_none_or(|least| *near >= least)).map(Point::Number));
                }
                Point::Bool(_) => points.extend([Point::Bool(false), Point::Bool(true)]),
                Point::Entity(ty, id) => {
                    let choices = self.model.type_named(&ty).and_then(|ty| self.model.ty(ty).choices());
                    match choices.filter(|choices| choices.len() <= MOST_POINTS) {
                        Some(choices) => {
                            points.extend(choices.iter().map(|id| Point::Entity(ty.clone(), id.clone())));
                        }
                        None => points.extend([Point::Entity(ty, id), Point::Other]),
                    }
                }
                constant => points.extend([constant, Point::Other]),
            }
        }
        points.sort();
        points.dedup();
    }

    /// Whether a term is a derived count, which is never negative.
    fn counts(&self, term: &Expr) -> bool {
        let ExprKind::GetAttr { expr, attr } = term.expr_kind() else { return false };
        let ExprKind::Var(Var::Resource) = expr.expr_kind() else { return false };
        let Some(ty) = self.statement.resource.ty.as_ref().and_then(|name| self.model.type_named(name)) else {
            return false;
        };
        let slots = &self.model.ty(ty).slots;
        slots.iter().any(|slot| {
            slot.origin == Origin::Derived && slot.dotted() == attr.as_str() && gather(&slot.ty) == Gather::Count
        })
    }

    fn policy(&mut self, statement: &Statement) -> Option<Clauses> {
        let clauses = statement.clauses.iter();
        clauses.map(|clause| Some((clause.kind, self.form(&clause.expr)?))).collect()
    }

    /// The place of a term, or of what is taken for one.
    fn place(&mut self, name: String) -> usize {
        self.names.iter().position(|known| *known == name).unwrap_or_else(|| {
            self.names.push(name);
            self.names.len() - 1
        })
    }

    fn form(&mut self, expr: &Expr) -> Option<Form> {
        if let Some(Point::Bool(answer)) = constant(expr) {
            return Some(Form::Constant(answer));
        }
        let tied = leaves(expr).into_iter().any(|leaf| {
            let term = comparison(leaf).map_or(leaf.to_string(), |found| found.term.to_string());
            self.terms.contains(&term)
        });
        if !tied {
            return Some(self.anything(expr));
        }
        Some(match expr.expr_kind() {
            ExprKind::And { left, right } if !is_leaf(expr) => {
                Form::And(Box::new(self.form(left)?), Box::new(self.form(right)?))
            }
            ExprKind::Or { left, right } if !is_leaf(expr) => {
                Form::Or(Box::new(self.form(left)?), Box::new(self.form(right)?))
            }
            ExprKind::UnaryApp { op: UnaryOp::Not, arg } => Form::Not(Box::new(self.form(arg)?)),
            ExprKind::If { test_expr, then_expr, else_expr } => {
                Form::If(Box::new([self.form(test_expr)?, self.form(then_expr)?, self.form(else_expr)?]))
            }
            _ => match comparison(expr) {
                Some(found) => {
                    let name = found.term.to_string();
                    let points = self.points.get(&name).filter(|points| points.len() <= MOST_POINTS)?;
                    let meets = points.iter().map(|point| found.meets(point)).collect();
                    Form::Leaf(self.place(name), meets)
                }
                None => self.anything(expr),
            },
        })
    }

    /// Something that may come to anything.
    fn anything(&mut self, expr: &Expr) -> Form {
        let name = format!("({expr})");
        self.points.insert(name.clone(), vec![Point::Bool(false), Point::Bool(true)]);
        Form::Leaf(self.place(name), vec![false, true])
    }

    /// Whether two versions come to the same in every situation.
    fn agree(&self, asks: Asks, ours: &Clauses, theirs: &Clauses) -> bool {
        // Some of the points, and perhaps nothing that can be read: bit 0.
        let sizes: Vec<usize> = self.names.iter().map(|name| 2usize << self.points[name].len()).collect();
        let situations = sizes.iter().try_fold(1usize, |product, size| product.checked_mul(*size));
        if situations.is_none_or(|situations| situations > MOST) {
            return false;
        }
        let mut situation = vec![1usize; sizes.len()];
        loop {
            if asks.outcome(ours, &situation) != asks.outcome(theirs, &situation) {
                return false;
            }
            let Some(at) = (0..sizes.len()).find(|at| situation[*at] + 1 < sizes[*at]) else { return true };
            situation[at] += 1;
            situation[..at].fill(1);
        }
    }
}

impl Comparison<'_> {
    fn meets(&self, point: &Point) -> bool {
        match (self.order, &self.constants[..], point) {
            (Some(order), [Point::Number(constant)], Point::Number(value)) => order(value.cmp(constant)),
            _ => self.constants.contains(point),
        }
    }
}

impl Asks {
    fn outcome(self, clauses: &Clauses, situation: &[usize]) -> Result<Verdict, Mask> {
        let (mut total, mut applies) = (Mask::TRUE, Mask::TRUE);
        for (kind, form) in clauses {
            let mask = form.mask(situation);
            let unless = *kind == ClauseKind::Unless;
            total = total.and(if unless { mask.not() } else { mask });
            if !unless {
                applies = applies.and(mask);
            }
        }
        match self {
            Asks::Permitted => Err(total),
            Asks::Verdict { conditional } => Ok(settled(total, || if conditional { applies } else { Mask::NONE })),
        }
    }
}

impl Form {
    fn mask(&self, situation: &[usize]) -> Mask {
        match self {
            Form::Leaf(term, meets) => {
                let points = meets.iter().enumerate().filter(|(at, _)| situation[*term] >> (at + 1) & 1 == 1);
                let error = if situation[*term] & 1 == 1 { Mask::ERROR } else { Mask::NONE };
                points.fold(error, |mask, (_, meets)| mask | Mask::of(*meets))
            }
            Form::Constant(answer) => Mask::of(*answer),
            Form::Not(inner) => inner.mask(situation).not(),
            Form::And(left, right) => left.mask(situation).and(right.mask(situation)),
            Form::Or(left, right) => left.mask(situation).or(right.mask(situation)),
            Form::If(parts) => {
                let [test, then, other] = &**parts;
                let test = test.mask(situation);
                let mut mask = if test.may(Mask::ERROR) { Mask::ERROR } else { Mask::NONE };
                if test.may(Mask::TRUE) {
                    mask |= then.mask(situation);
                }
                if test.may(Mask::FALSE) {
                    mask |= other.mask(situation);
                }
                mask
            }
        }
    }
}
