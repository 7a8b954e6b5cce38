//! Equivalence of two versions of a policy, by trying every situation in which their results could differ.
//!
//! A leaf that compares a term with a constant depends on the class of the term's value only: below, at or above the
//! constant, or one of the named entities. So a few values represent all. A value may also be a range, unknown, or an
//! error; the comparison then has the outcomes that the engine computes. A leaf that both versions share, and that does
//! not depend on a changed term, may have any outcome. The test is sound and not complete: versions that it calls
//! equivalent are equivalent, and it does not find all equivalent versions.

use super::cover::Part;
use super::mutants::factor;
use crate::engine::Verdict;
use crate::policy::{Clause, ClauseKind, Statement};
use crate::program::written;
use crate::program::{Aggregate, Body, Condition, LoweredClause, Program, aggregate, evaluate_policy};
use crate::schema::{Model, Origin};
use crate::value::{self, Outcomes};
use cedar_policy_core::ast::{BinaryOp, Expr, ExprKind, Literal, Var};
use smol_str::{SmolStr, ToSmolStr};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// The maximal number of situations.
const MAX_SITUATIONS: usize = 1 << 18;
/// The maximal number of values that represent all values of a term.
const MAX_POINTS: usize = 8;

/// A value of a term, which represents a class of values.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Point {
    Bool(bool),
    /// A number, which may be known as a range.
    Number(i64),
    /// A decimal, a time or a duration, as a number.
    Amount(i64),
    String(SmolStr),
    Entity(SmolStr, SmolStr),
    /// A value that no constant names.
    Other,
}

/// A comparison of a term, by its place, or a constant.
enum Test {
    /// The outcome in each state of the term.
    Term(usize, Vec<Outcomes>),
    Constant(bool),
}

/// A condition over terms.
type Form = Condition<Test>;

/// A comparison with constants: the term, and the values that satisfy it.
struct Comparison<'e> {
    term: &'e Expr,
    constants: Vec<Point>,
    /// The test of the order between the value and the only constant, if there is an order.
    order: Option<fn(Ordering) -> bool>,
    /// Whether the constants are a set, which the engine searches only for a value that it knows.
    of_set: bool,
}

/// The knowledge about the value of a term.
#[derive(Debug, Clone, Copy)]
struct State {
    value: Value,
    may_fail: bool,
}

#[derive(Debug, Clone, Copy)]
enum Value {
    /// The value of this point.
    Known(usize),
    /// A number from one of these points to the other.
    Between(usize, usize),
    /// An uncaptured entity, which may be one of these literals, by a bit for each point.
    Perhaps(usize),
    /// Any value.
    Unknown,
    /// No value: it cannot be read.
    Nothing,
}

/// Returns whether two versions of a policy are the same for every type of principal and resource, once the answers
/// that these types settle are left out.
pub(super) fn is_same_by_types(model: &Model, one: (&Program, &[&Body]), other: (&Program, &[&Body])) -> bool {
    let of = |(program, bodies): (&Program, &[&Body])| -> Vec<_> {
        let clauses = |body: &Body| {
            let (mut written, mut excluded) = (Vec::new(), false);
            for LoweredClause { kind, condition, .. } in &body.clauses {
                let text = program.simplified(model, body, condition);
                match (kind, text.as_str()) {
                    // Later clauses are not evaluated, or determine only whether the check applies.
                    (ClauseKind::When, "false") => {
                        written.push((*kind, text));
                        break;
                    }
                    (ClauseKind::Unless, _) if excluded => continue,
                    (ClauseKind::Unless, "true") => excluded = true,
                    _ => {}
                }
                written.push((*kind, text));
            }
            written
        };
        // A change of the scope changes the requests that the policy matches.
        bodies.iter().map(|body| (body.principal, body.resource, body.scope.len(), clauses(body))).collect()
    };
    !one.1.is_empty() && of(one) == of(other)
}

/// Returns whether two versions of a check or a derivation are shown to have the same result for every snapshot.
pub(super) fn is_same(model: &Model, part: Part, one: &Statement, other: &Statement) -> bool {
    let kinds = |statement: &Statement| statement.clauses.iter().map(|clause| clause.kind).collect::<Vec<_>>();
    let scopes = |statement: &Statement| (statement.principal.clone(), statement.resource.clone());
    if kinds(one) != kinds(other) || scopes(one) != scopes(other) {
        return false;
    }
    let of = |statement: &Statement| -> BTreeMap<String, String> {
        leaves(statement).map(|leaf| (leaf.to_string(), term(model, leaf))).collect()
    };
    let (ours, theirs) = (of(one), of(other));
    let alone = |mine: &BTreeMap<String, String>, others: &BTreeMap<String, String>| -> Vec<String> {
        mine.iter().filter(|(leaf, _)| !others.contains_key(*leaf)).map(|(_, term)| term.clone()).collect()
    };
    let mut terms: BTreeSet<String> = alone(&ours, &theirs).into_iter().chain(alone(&theirs, &ours)).collect();
    if terms.is_empty() {
        // The same leaves, combined in another way.
        terms = ours.into_values().collect();
    }
    let mut space =
        Space { model, statement: one, terms, points: BTreeMap::new(), names: Vec::new(), states: Vec::new() };
    leaves(one).chain(leaves(other)).for_each(|leaf| space.note(leaf));
    let (Some(ours), Some(theirs)) = (space.policy(one), space.policy(other)) else { return false };
    let has = |kind| kinds(one).contains(&kind);
    let asks = match part {
        Part::Derivation(_) => Asks::Permitted,
        Part::Check(_) => Asks::Verdict { conditional: has(ClauseKind::When) && has(ClauseKind::Unless) },
    };
    space.agree(asks, &ours, &theirs)
}

/// Returns the leaves of the clauses of a policy.
fn leaves(statement: &Statement) -> impl Iterator<Item = &Expr> {
    statement
        .clauses
        .iter()
        .flat_map(|clause| written::operators(&clause.expr).leaves().into_iter().copied().collect::<Vec<_>>())
}

/// Returns the term that a leaf depends on: the one that it compares, or the whole leaf.
fn term(model: &Model, leaf: &Expr) -> String {
    comparison(model, leaf).map_or_else(|| leaf.to_string(), |found| found.term.to_string())
}

/// Returns the constant that an expression is.
fn constant(expr: &Expr) -> Option<Point> {
    match expr.expr_kind() {
        ExprKind::Lit(Literal::Bool(b)) => Some(Point::Bool(*b)),
        ExprKind::Lit(Literal::Long(n)) => Some(Point::Number(*n)),
        ExprKind::Lit(Literal::String(text)) => Some(Point::String(text.clone())),
        ExprKind::Lit(Literal::EntityUID(uid)) => {
            Some(Point::Entity(uid.entity_type().to_smolstr(), AsRef::<str>::as_ref(uid.eid()).into()))
        }
        _ => match written::constructed(expr)?.value {
            value::Value::Decimal(amount) | value::Value::Datetime(amount) | value::Value::Duration(amount) => {
                Some(Point::Amount(amount))
            }
            _ => None,
        },
    }
}

/// Returns the answer of a condition that is `true` or `false`.
fn answer(condition: &Condition<&Expr>) -> Option<bool> {
    match condition {
        Condition::Leaf(leaf) => match constant(leaf)? {
            Point::Bool(answer) => Some(answer),
            _ => None,
        },
        _ => None,
    }
}

/// Returns a condition as a text.
fn text(condition: &Condition<&Expr>) -> String {
    let texts = |parts: &[Condition<&Expr>], operator| {
        let texts: Vec<String> = parts.iter().map(text).collect();
        format!("({})", texts.join(operator))
    };
    match condition {
        Condition::Leaf(leaf) => leaf.to_string(),
        Condition::Not(inner) => format!("!{}", text(inner)),
        Condition::All(parts) => texts(parts, " && "),
        Condition::Any(parts) => texts(parts, " || "),
        Condition::If(parts) => format!("if{}", texts(&**parts, ", ")),
    }
}

/// Returns the choices of an entity type that lists them.
fn choices<'m>(model: &'m Model, ty: &str) -> Option<&'m [SmolStr]> {
    model.type_named(ty).and_then(|ty| model.ty(ty).choices())
}

fn comparison<'e>(model: &Model, leaf: &'e Expr) -> Option<Comparison<'e>> {
    let with = |left: &'e Expr, right: &'e Expr| match (constant(left), constant(right)) {
        (None, Some(constant)) => Some((left, constant, false)),
        (Some(constant), None) => Some((right, constant, true)),
        _ => None,
    };
    let ordered = |left, right, order: fn(Ordering) -> bool, turned: fn(Ordering) -> bool| {
        let (term, constant, is_turned) = with(left, right)?;
        let order = Some(if is_turned { turned } else { order });
        Some(Comparison { term, constants: vec![constant], order, of_set: false })
    };
    let equal = |term, constant| Comparison { term, constants: vec![constant], order: None, of_set: false };
    match leaf.expr_kind() {
        ExprKind::BinaryApp { op, arg1, arg2 } => match op {
            BinaryOp::Eq => with(arg1, arg2).map(|(term, constant, _)| equal(term, constant)),
            BinaryOp::Less => ordered(arg1, arg2, Ordering::is_lt, Ordering::is_gt),
            BinaryOp::LessEq => ordered(arg1, arg2, Ordering::is_le, Ordering::is_ge),
            BinaryOp::Contains => {
                let ExprKind::Set(items) = arg1.expr_kind() else { return None };
                let constants: Option<Vec<Point>> = items.iter().map(constant).collect();
                // A literal may name an instance that was not captured; then the whole set is unknown.
                let named = |point: &Point| matches!(point, Point::Entity(ty, _) if choices(model, ty).is_none());
                let constants = constants.filter(|constants| !constants.iter().any(named))?;
                constant(arg2).is_none().then_some(Comparison { term: arg2, constants, order: None, of_set: true })
            }
            _ => None,
        },
        ExprKind::ExtensionFunctionApp { fn_name, args } => {
            let [left, right] = &args[..] else { return None };
            match fn_name.to_string().as_str() {
                "lessThan" => ordered(left, right, Ordering::is_lt, Ordering::is_gt),
                "lessThanOrEqual" => ordered(left, right, Ordering::is_le, Ordering::is_ge),
                "greaterThan" => ordered(left, right, Ordering::is_gt, Ordering::is_lt),
                "greaterThanOrEqual" => ordered(left, right, Ordering::is_ge, Ordering::is_le),
                _ => None,
            }
        }
        // An attribute of type `Bool`.
        ExprKind::GetAttr { .. } => Some(equal(leaf, Point::Bool(true))),
        _ => None,
    }
}

/// The situations in which the results of two versions could differ.
struct Space<'s> {
    model: &'s Model,
    statement: &'s Statement,
    /// The terms of the changed leaves.
    terms: BTreeSet<String>,
    /// The values of these terms.
    points: BTreeMap<String, BTreeSet<Point>>,
    /// Terms in the order of their places, and the number of states of each.
    names: Vec<String>,
    states: Vec<usize>,
}

/// The result of a policy that is compared.
#[derive(Clone, Copy)]
enum Asks {
    /// Whether a pair is permitted.
    Permitted,
    /// The verdict, which is that the check does not apply only if it has both `when` and `unless`.
    Verdict { conditional: bool },
}

type Clauses = Vec<LoweredClause<Test>>;

impl Space<'_> {
    /// Adds the values that a leaf distinguishes.
    fn note(&mut self, leaf: &Expr) {
        let Some(Comparison { term, constants, .. }) = comparison(self.model, leaf) else { return };
        let name = term.to_string();
        if !self.terms.contains(&name) {
            return;
        }
        let counts = self.counts(term);
        let points = self.points.entry(name).or_default();
        for constant in constants {
            let step = factor(term);
            let near = |n: i64| {
                // A product is always a multiple of its factor.
                let below = n.saturating_sub(n.rem_euclid(step));
                let after = [below.saturating_add(step), below.saturating_add(step.saturating_mul(2))];
                let more = after.into_iter().take(if step == 1 { 1 } else { 2 });
                [below.saturating_sub(step), below].into_iter().chain(more)
            };
            match constant {
                Point::Number(n) if counts => {
                    // A count may also be unknown if all constants are low.
                    points.extend(near(n).chain([0, 1]).filter(|near| *near >= 0).map(Point::Number));
                }
                Point::Number(n) => points.extend(near(n).map(Point::Number)),
                Point::Amount(n) => points.extend(near(n).map(Point::Amount)),
                Point::Bool(_) => points.extend([Point::Bool(false), Point::Bool(true)]),
                Point::Entity(ty, id) => match choices(self.model, &ty).filter(|choices| choices.len() <= MAX_POINTS) {
                    Some(choices) => {
                        points.extend(choices.iter().map(|id| Point::Entity(ty.clone(), id.clone())));
                    }
                    None => points.extend([Point::Entity(ty, id), Point::Other]),
                },
                constant => points.extend([constant, Point::Other]),
            }
        }
    }

    /// Returns whether a term is a derived count, which is never negative.
    fn counts(&self, term: &Expr) -> bool {
        let ExprKind::GetAttr { expr, attr } = term.expr_kind() else { return false };
        let ExprKind::Var(Var::Resource) = expr.expr_kind() else { return false };
        let Some(ty) = self.statement.resource.ty.as_ref().and_then(|name| self.model.type_named(name)) else {
            return false;
        };
        let slots = &self.model.ty(ty).slots;
        slots.iter().any(|slot| {
            slot.origin == Origin::Derived && slot.dotted() == attr.as_str() && aggregate(&slot.ty) == Aggregate::Count
        })
    }

    fn policy(&mut self, statement: &Statement) -> Option<Clauses> {
        let clauses = statement.clauses.iter();
        let lowered = |clause: &Clause| {
            let condition = self.form(&written::operators(&clause.expr))?;
            Some(LoweredClause { kind: clause.kind, condition, written: clause.span, span: clause.span })
        };
        clauses.map(lowered).collect()
    }

    /// Returns the place of a term, or of a group of leaves that is treated as one.
    fn place(&mut self, name: String, states: usize) -> usize {
        self.names.iter().position(|known| *known == name).unwrap_or_else(|| {
            self.names.push(name);
            self.states.push(states);
            self.names.len() - 1
        })
    }

    fn form(&mut self, condition: &Condition<&Expr>) -> Option<Form> {
        match self.tied(condition)? {
            Some(form) => Some(form),
            None => Some(self.untied(condition)),
        }
    }

    /// Returns the form of a condition: `Some(None)` if no leaf of it depends on a changed term, and `None` if it has
    /// too many values.
    fn tied(&mut self, condition: &Condition<&Expr>) -> Option<Option<Form>> {
        match condition {
            Condition::Leaf(leaf) => self.leaf(leaf),
            Condition::Not(inner) => Some(self.tied(inner)?.map(|inner| Form::Not(Box::new(inner)))),
            Condition::All(parts) => Some(self.chain(parts, " && ")?.map(Form::All)),
            Condition::Any(parts) => Some(self.chain(parts, " || ")?.map(Form::Any)),
            Condition::If(parts) => {
                let mut forms = Vec::new();
                for part in parts.iter() {
                    forms.push(self.tied(part)?);
                }
                if forms.iter().all(Option::is_none) {
                    return Some(None);
                }
                let whole = forms.into_iter().zip(parts.iter());
                let whole: Vec<Form> = whole.map(|(form, part)| form.unwrap_or_else(|| self.untied(part))).collect();
                Some(<[Form; 3]>::try_from(whole).ok().map(|parts| Form::If(Box::new(parts))))
            }
        }
    }

    /// Returns the forms of the operands of a chain, if one of them depends on a changed term. Neighbours that do not
    /// are taken together, as one leaf with any outcome.
    fn chain(&mut self, parts: &[Condition<&Expr>], operator: &str) -> Option<Option<Vec<Form>>> {
        let (mut forms, mut others, mut is_tied) = (Vec::new(), Vec::new(), false);
        for part in parts {
            match self.tied(part)? {
                Some(form) => {
                    forms.extend(self.together(&mut others, operator));
                    forms.push(form);
                    is_tied = true;
                }
                None if answer(part).is_some() => {
                    forms.extend(self.together(&mut others, operator));
                    forms.push(self.untied(part));
                }
                None => others.push(text(part)),
            }
        }
        forms.extend(self.together(&mut others, operator));
        Some(is_tied.then_some(forms))
    }

    /// Returns one leaf for some operands, if there are any, and removes them.
    fn together(&mut self, operands: &mut Vec<String>, operator: &str) -> Option<Form> {
        let operands = std::mem::take(operands);
        (!operands.is_empty()).then(|| self.anything(&operands.join(operator)))
    }

    fn leaf(&mut self, expr: &Expr) -> Option<Option<Form>> {
        let Some(found) = comparison(self.model, expr) else {
            // `true` in the place of a changed leaf is tied to it.
            return Some(self.terms.contains(&expr.to_string()).then(|| self.untied(&Condition::Leaf(expr))));
        };
        let name = found.term.to_string();
        if !self.terms.contains(&name) {
            return Some(None);
        }
        let points: Vec<&Point> = self.points.get(&name).into_iter().flatten().collect();
        if points.len() > MAX_POINTS {
            return None;
        }
        let states = states(&points);
        let masks: Vec<Outcomes> = states.iter().map(|state| found.mask(&points, *state)).collect();
        Some(Some(Form::Leaf(Test::Term(self.place(name, masks.len()), masks))))
    }

    /// Returns a leaf for a whole condition, with any outcome, unless the condition is a constant.
    fn untied(&mut self, condition: &Condition<&Expr>) -> Form {
        match answer(condition) {
            Some(answer) => Form::Leaf(Test::Constant(answer)),
            None => self.anything(&text(condition)),
        }
    }

    /// Returns a leaf with any outcome.
    fn anything(&mut self, text: &str) -> Form {
        let (yes, no, error) = (Outcomes::TRUE, Outcomes::FALSE, Outcomes::ERROR);
        let masks = vec![yes, no, error, yes | no, yes | error, no | error, yes | no | error];
        Form::Leaf(Test::Term(self.place(format!("any of {text}"), masks.len()), masks))
    }

    /// Returns whether two versions have the same result in every situation.
    fn agree(&self, asks: Asks, ours: &Clauses, theirs: &Clauses) -> bool {
        let situations = self.states.iter().try_fold(1usize, |product, states| product.checked_mul(*states));
        if situations.is_none_or(|situations| situations > MAX_SITUATIONS) {
            return false;
        }
        let mut situation = vec![0usize; self.states.len()];
        loop {
            if asks.outcome(ours, &situation) != asks.outcome(theirs, &situation) {
                return false;
            }
            if !advance(&mut situation, &self.states) {
                return true;
            }
        }
    }
}

/// Changes a situation to the next one, like a counter; returns `false` after the last one.
fn advance(situation: &mut [usize], states: &[usize]) -> bool {
    for (state, states) in situation.iter_mut().zip(states) {
        *state += 1;
        if *state < *states {
            return true;
        }
        *state = 0;
    }
    false
}

/// Returns all states of a term with these values.
fn states(points: &[&Point]) -> Vec<State> {
    let mut values: Vec<Value> = (0..points.len()).map(Value::Known).collect();
    values.push(Value::Unknown);
    let numbers = points.iter().enumerate().filter(|(_, point)| matches!(point, Point::Number(_)));
    let numbers: Vec<usize> = numbers.map(|(at, _)| at).collect();
    for (at, from) in numbers.iter().enumerate() {
        values.extend(numbers.iter().skip(at).map(|to| Value::Between(*from, *to)));
    }
    let entities = points.iter().enumerate().filter(|(_, point)| matches!(point, Point::Entity(..)));
    let entities = entities.fold(0, |all, (at, _)| all | 1 << at);
    if points.contains(&&Point::Other) {
        values.extend((1..=entities).filter(|some| some & !entities == 0).map(Value::Perhaps));
    }
    let both = |value| [false, true].map(|may_fail| State { value, may_fail });
    let mut states: Vec<State> = values.into_iter().flat_map(both).collect();
    states.push(State { value: Value::Nothing, may_fail: true });
    states
}

impl Comparison<'_> {
    fn accepts(&self, point: &Point) -> bool {
        match (self.order, &self.constants[..], point) {
            (Some(order), [Point::Number(constant)], Point::Number(value))
            | (Some(order), [Point::Amount(constant)], Point::Amount(value)) => order(value.cmp(constant)),
            _ => self.constants.contains(point),
        }
    }

    /// Returns the outcomes that the engine computes in a state.
    #[expect(clippy::indexing_slicing, reason = "`states` makes the state from the same points")]
    fn mask(&self, points: &[&Point], state: State) -> Outcomes {
        let any =
            |some: &[&Point]| some.iter().fold(Outcomes::NONE, |mask, point| mask | Outcomes::of(self.accepts(point)));
        let mask = match state.value {
            Value::Known(at) => any(&points[at..=at]),
            Value::Between(from, to) if !self.of_set => any(&points[from..=to]),
            Value::Between(..) | Value::Unknown => Outcomes::EITHER,
            Value::Perhaps(some) => {
                let mut points = points.iter().enumerate();
                let accepted = points.any(|(at, point)| some >> at & 1 == 1 && self.accepts(point));
                if accepted { Outcomes::EITHER } else { Outcomes::FALSE }
            }
            Value::Nothing => Outcomes::NONE,
        };
        if state.may_fail { mask | Outcomes::ERROR } else { mask }
    }
}

impl Asks {
    /// Returns the result of a policy in a situation.
    #[expect(clippy::indexing_slicing, reason = "`Space::place` counts the states of every term")]
    fn outcome(self, clauses: &Clauses, situation: &[usize]) -> Result<Option<Verdict>, Outcomes> {
        let conditional = matches!(self, Asks::Verdict { conditional: true });
        let mut test = |test: &Test, _| match test {
            Test::Term(term, masks) => masks[situation[*term]],
            Test::Constant(answer) => Outcomes::of(*answer),
        };
        let outcomes = evaluate_policy(&[], clauses, conditional, Outcomes::EITHER, &mut test);
        match self {
            Asks::Permitted => Err(outcomes.satisfied),
            Asks::Verdict { .. } => Ok(Verdict::of(&outcomes)),
        }
    }
}
