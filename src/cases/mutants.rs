//! Mutants: changes of policies, one at a time, each a small edit of the text that is a likely mistake.
//!
//! They are found in Cedar's tree, whose nodes have their places, and applied to the text, so that each mutant is a
//! policy that an author could write. See DeMillo, Lipton and Sayward, "Hints on Test Data Selection" (1978).

mod place;
mod steps;

use super::cover::{Part, bodies, statement};
use crate::policy::{ClauseKind, Policies, Scope, Statement};
use crate::program::types::WrittenTypes;
use crate::program::written::{self, Constructed, span};
use crate::program::{Condition, Program};
use crate::schema::{Attribute, Model, Origin, Shape, Slot, SlotId};
use crate::source::{Span, cedar_marks, one_line};
use crate::value::TypeId;
use cedar_policy_core::ast::{BinaryOp, Expr, ExprKind, Id, Literal, UnaryOp};
use place::{boundary, first_quote, only_word, part, right_edge};
use smol_str::{SmolStr, ToSmolStr};
use std::collections::{BTreeMap, BTreeSet};
use steps::steps;

/// The length of a text above which a changed element of a set is shown alone.
const MAX_SHOWN_BYTES: u32 = 400;

/// The kind of the change that removes a whole policy.
const DERIVATION_DROPPED: &str = "derivation dropped";

/// A change of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mutant {
    pub(super) part: Part,
    /// The kind of the change, in one or two words.
    pub operator: &'static str,
    /// The replaced text in the policy's file.
    pub span: Span,
    /// The new text.
    pub replacement: String,
    /// The condition, clause or scope that contains it.
    pub whole: Span,
    /// A description of a case that detects the change.
    pub hint: String,
}

impl Mutant {
    /// Returns whether the change removes the whole policy.
    pub fn drops_policy(&self) -> bool {
        self.operator == DERIVATION_DROPPED
    }

    /// Returns whether the change removes a condition.
    pub fn drops_condition(&self) -> bool {
        matches!(self.operator, "conjunct dropped" | "disjunct dropped" | "when dropped" | "unless dropped")
    }

    /// Returns the text of [`Mutant::whole`] on one line, as it is and as it was changed.
    pub fn texts(&self, file: &str) -> (String, String) {
        if self.drops_policy() {
            return ("the policy".to_owned(), "nothing".to_owned());
        }
        let before = file.get(self.whole.range()).unwrap_or_default();
        (one_line(before), one_line(&self.applied(file, self.whole)))
    }

    /// Returns a part of the file with the change.
    pub fn applied(&self, file: &str, within: Span) -> String {
        let part = |from: u32, to: u32| file.get(from as usize..to as usize).unwrap_or_default();
        let (before, after) = (part(within.start, self.span.start), part(self.span.end, within.end));
        format!("{before}{}{after}", self.replacement)
    }
}

/// The literals of the policies, which replace each other.
#[derive(Default)]
struct Literals {
    strings: BTreeSet<SmolStr>,
    entities: BTreeMap<SmolStr, BTreeSet<SmolStr>>,
}

impl Literals {
    fn expr(&mut self, expr: &Expr) {
        let parts: Vec<&Expr> = expr.subexpressions().collect();
        // The text of a constructor names a value of another type.
        let of_constructors = parts.iter().filter_map(|part| match part.expr_kind() {
            ExprKind::ExtensionFunctionApp { args, .. } => args.first().filter(|_| args.len() == 1).and_then(span),
            _ => None,
        });
        let of_constructors: BTreeSet<Span> = of_constructors.collect();
        for part in parts.into_iter().filter(|part| span(part).is_none_or(|at| !of_constructors.contains(&at))) {
            match part.expr_kind() {
                ExprKind::Lit(Literal::String(text)) => {
                    self.strings.insert(text.clone());
                }
                ExprKind::Lit(Literal::EntityUID(uid)) => {
                    let ids = self.entities.entry(uid.entity_type().to_smolstr()).or_default();
                    ids.insert(AsRef::<str>::as_ref(uid.eid()).into());
                }
                _ => {}
            }
        }
    }
}

/// Returns all changes of some policies, in the order of the text.
pub(super) fn mutants(model: &Model, policies: &Policies, program: &Program, parts: &BTreeSet<Part>) -> Vec<Mutant> {
    let mut seen = Literals::default();
    let statements = policies.checks.iter().map(|check| &check.statement);
    let statements = statements.chain(policies.derivations.iter().map(|derivation| &derivation.statement));
    statements.flat_map(|statement| statement.clauses.iter()).for_each(|clause| seen.expr(&clause.expr));
    let mut all = Vec::new();
    for part in parts {
        let statement = statement(policies, *part);
        let text = statement.source.text();
        let (whole, siblings, found) = (statement.span, BTreeSet::new(), Vec::new());
        let named = |scope: &Scope| scope.ty.as_ref().and_then(|name| model.type_named(name)).into_iter().collect();
        let principal = match part {
            Part::Check(_) => vec![model.root],
            Part::Derivation(_) => named(&statement.principal),
        };
        let resource = bodies(program, *part).into_iter().map(|body| body.resource).collect();
        let types = WrittenTypes { model, principal, resource };
        let mut generator =
            Generator { model, reads: &program.reads, types, seen: &seen, part: *part, text, whole, siblings, found };
        generator.policy(statement);
        let mut found = generator.found;
        found.sort_by(|a, b| (a.span, &a.replacement).cmp(&(b.span, &b.replacement)));
        found.dedup_by(|a, b| (a.span, &a.replacement) == (b.span, &b.replacement));
        all.extend(found);
    }
    all
}

struct Generator<'g> {
    model: &'g Model,
    /// The slots that the policies read.
    reads: &'g BTreeSet<(TypeId, SlotId)>,
    types: WrittenTypes<'g>,
    seen: &'g Literals,
    part: Part,
    text: &'g str,
    whole: Span,
    /// The other elements of the same set.
    siblings: BTreeSet<(Option<SmolStr>, SmolStr)>,
    found: Vec<Mutant>,
}

/// An operand that is dropped.
#[derive(Clone, Copy)]
enum Dropped {
    Conjunct,
    Disjunct,
}

impl Generator<'_> {
    fn slice(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or_default()
    }

    fn shown(&self, expr: &Expr) -> String {
        span(expr).map_or(String::new(), |span| one_line(self.slice(span)))
    }

    fn push(&mut self, operator: &'static str, span: Span, replacement: impl Into<String>, hint: String) {
        // An element of a long set is shown alone.
        let whole = if self.siblings.is_empty() || self.whole.len() < MAX_SHOWN_BYTES { self.whole } else { span };
        let (part, replacement) = (self.part, replacement.into());
        if self.slice(span) != replacement {
            self.found.push(Mutant { part, operator, span, replacement, whole, hint });
        }
    }

    fn policy(&mut self, statement: &Statement) {
        for (variable, scope) in [("principal", &statement.principal), ("resource", &statement.resource)] {
            self.scope(variable, scope);
        }
        for clause in statement.clauses.iter() {
            let Some(at) = span(&clause.expr) else { continue };
            self.whole = clause.span;
            let shown = one_line(self.slice(at));
            let (keyword, neutral, answer) = match clause.kind {
                ClauseKind::When => ("when", "true", "false"),
                ClauseKind::Unless => ("unless", "false", "true"),
            };
            let hint = format!("a case in which `{shown}` is {answer}, and the rest of the policy is satisfied");
            self.push(if keyword == "when" { "when dropped" } else { "unless dropped" }, at, neutral, hint);
            self.condition(&clause.expr);
        }
        if matches!(self.part, Part::Derivation(_)) {
            self.whole = statement.span;
            let hint = format!("a case whose verdict depends on what only `{}` derives", statement.id);
            self.push(DERIVATION_DROPPED, statement.span, "", hint);
        }
    }

    /// Drops the condition of a scope, except the type.
    fn scope(&mut self, variable: &str, scope: &Scope) {
        let (keyword, uid) = match (&scope.within, &scope.equals) {
            (Some(uid), _) => ("in", uid),
            (None, Some(uid)) => ("==", uid),
            (None, None) => return,
        };
        let Some(loc) = uid.loc() else { return };
        let before = self.text.get(..loc.start()).unwrap_or_default().trim_end();
        let Some(before) = before.strip_suffix(keyword).map(str::trim_end) else { return };
        let from = |start: usize| part(Span::default(), start, loc.end().saturating_sub(start));
        let variable_at = before.rfind(variable).unwrap_or(before.len());
        let (Some(at), Some(dropped)) = (from(loc.start()), from(before.len())) else { return };
        let Some(whole) = from(variable_at) else { return };
        self.whole = whole;
        let ty = match keyword {
            "==" => format!(" is {}", uid.entity_type()),
            _ => String::new(),
        };
        let hint = format!("a case with a {variable} that is not {keyword} `{}`", self.slice(at));
        self.push("scope dropped", dropped, ty, hint);
    }

    /// Finds changes of an expression that is true or false.
    fn condition(&mut self, expr: &Expr) {
        let parts = written::parts(expr);
        let dropped = match parts {
            Condition::Leaf(leaf) => return self.leaf(leaf),
            Condition::All(_) => Some(Dropped::Conjunct),
            Condition::Any(_) => Some(Dropped::Disjunct),
            Condition::Not(_) | Condition::If(_) => None,
        };
        for operand in parts.leaves() {
            if let Some(dropped) = dropped {
                self.dropped(operand, dropped);
            }
            self.condition(operand);
        }
    }

    fn dropped(&mut self, operand: &Expr, dropped: Dropped) {
        let Some(at) = span(operand) else { return };
        let (operator, neutral, other) = match dropped {
            Dropped::Conjunct => ("conjunct dropped", "true", "false"),
            Dropped::Disjunct => ("disjunct dropped", "false", "true"),
        };
        let hint =
            format!("a case in which `{}` is {other}, and the other operands are {neutral}", self.shown(operand));
        self.whole = at;
        self.push(operator, at, neutral, hint);
    }

    fn leaf(&mut self, expr: &Expr) {
        let Some(at) = span(expr) else { return };
        self.whole = at;
        if !matches!(expr.expr_kind(), ExprKind::Lit(_)) {
            let shown = one_line(self.slice(at));
            let hint = format!("a case in which the verdict depends on `{shown}`");
            self.push("negated", at, format!("!({})", self.slice(at)), hint);
        }
        self.inside(expr, None);
    }

    /// Finds changes inside a leaf; `other_side` is the other operand of the comparison.
    fn inside(&mut self, expr: &Expr, other_side: Option<&Expr>) {
        match expr.expr_kind() {
            ExprKind::Lit(literal) => self.literal(expr, literal, other_side),
            ExprKind::UnaryApp { arg, .. } => self.inside(arg, other_side),
            ExprKind::BinaryApp { op, arg1, arg2 } => {
                self.operator(expr, *op, arg1, arg2);
                // The operands of arithmetic are not compared with each other.
                let compared = !matches!(op, BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul);
                self.inside(arg1, Some(&**arg2).filter(|_| compared));
                self.inside(arg2, Some(&**arg1).filter(|_| compared));
            }
            ExprKind::ExtensionFunctionApp { fn_name, args } => {
                self.call(expr, &fn_name.to_string(), args, other_side);
            }
            ExprKind::GetAttr { expr: of, attr } => {
                self.attribute(expr, attr, other_side);
                self.inside(Self::chain_start(of), None);
            }
            ExprKind::HasAttr { expr, .. } | ExprKind::ExtHasAttr { expr, .. } => self.inside(expr, None),
            ExprKind::Is { expr, .. } => self.inside(expr, None),
            ExprKind::Like { expr: text, .. } => {
                self.wildcards(expr, text);
                self.inside(text, None);
            }
            ExprKind::Set(items) => {
                let siblings = items.iter().filter_map(literal).collect();
                let outer = std::mem::replace(&mut self.siblings, siblings);
                for (at, item) in items.iter().enumerate() {
                    self.element(items, at, other_side);
                    self.inside(item, other_side);
                }
                self.siblings = outer;
            }
            ExprKind::Record(members) => members.values().for_each(|member| self.inside(member, None)),
            ExprKind::And { .. } | ExprKind::Or { .. } | ExprKind::If { .. } => {
                written::operators(expr).leaves().into_iter().for_each(|part| self.inside(part, None));
            }
            ExprKind::Var(_) | ExprKind::Slot(_) | ExprKind::Unknown(_) => {}
        }
    }

    /// Replaces an attribute by another one of the same type that some policy reads.
    fn attribute(&mut self, expr: &Expr, name: &SmolStr, other_side: Option<&Expr>) {
        let Some((ty, Attribute { shape: Shape::Leaf(slot), .. })) = self.types.attribute(expr) else { return };
        let slots = &self.model.ty(ty).slots;
        let Some(Slot { path, ty: read, .. }) = slots.find(*slot) else { return };
        let alike = slots.iter().enumerate().filter(|(at, other)| {
            let (last, parents) = other.path.split_last().unwrap_or((name, &[]));
            path.split_last().is_some_and(|(_, of)| of == parents)
                && other.ty == *read
                && !matches!(other.origin, Origin::Presence(_) | Origin::Tags(_))
                && self.reads.contains(&(ty, SlotId::new(*at)))
                && last.parse::<Id>().is_ok()
        });
        let alike: Vec<&SmolStr> = alike.filter_map(|(_, other)| other.path.last()).collect();
        let (Some(other), Some(at)) = (next(&alike, name).cloned(), span(expr)) else { return };
        let place = only_word(self.slice(at), name).and_then(|offset| part(at, offset, name.len()));
        let Some(place) = place else { return };
        let hint = match other_side.filter(|other_side| !matches!(other_side.expr_kind(), ExprKind::Lit(_))) {
            Some(other_side) => {
                format!("a case in which `{name}` and `{other}` compare differently to `{}`", self.shown(other_side))
            }
            None => format!("a case in which `{name}` and `{other}` differ, and the verdict depends on `{name}`"),
        };
        self.push("attribute", place, other.as_str(), hint);
    }

    /// Returns the expression at the start of a chain of attributes.
    fn chain_start(mut expr: &Expr) -> &Expr {
        while let ExprKind::GetAttr { expr: of, .. } = expr.expr_kind() {
            expr = of;
        }
        expr
    }

    fn operator(&mut self, expr: &Expr, op: BinaryOp, left: &Expr, right: &Expr) {
        let (Some(at), Some(right_at)) = (span(expr), span(right)) else { return };
        match op {
            BinaryOp::Less | BinaryOp::LessEq => {
                let Some(between) = span(left).map(|left| Span::new(left.end, right_at.start)) else { return };
                let Some((from, swapped)) = boundary(self.slice(between)) else { return };
                let Some(found) = part(between, from, if swapped.len() == 1 { 2 } else { 1 }) else { return };
                let never_equal = [(left, right), (right, left)]
                    .into_iter()
                    .any(|(product, number)| whole_number(number).is_some_and(|number| number % factor(product) != 0));
                let hint = if never_equal {
                    self.depends(at)
                } else {
                    format!("a case in which `{}` equals `{}`", self.shown(left), self.shown(right))
                };
                self.push("boundary", found, swapped, hint);
            }
            BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul => {
                let from = right_edge(left, Some(at)).unwrap_or(at.start);
                let between = Span::new(from, right_at.start);
                let found = cedar_marks(self.slice(between)).find(|(_, mark)| matches!(mark, b'+' | b'-' | b'*'));
                let Some((offset, mark)) = found else { return };
                let Some(place) = part(between, offset, 1) else { return };
                let hint = format!("a case in which the verdict depends on the operator of `{}`", self.shown(expr));
                self.push("arithmetic", place, if mark == b'+' { "-" } else { "+" }, hint);
            }
            BinaryOp::ContainsAll => self.method(at, right_at, "containsAll", "containsAny", left, right),
            BinaryOp::ContainsAny => self.method(at, right_at, "containsAny", "containsAll", left, right),
            _ => {}
        }
    }

    fn method(&mut self, at: Span, argument: Span, name: &str, other: &str, left: &Expr, right: &Expr) {
        let before = Span::new(at.start, argument.start);
        let marks: BTreeSet<usize> = cedar_marks(self.slice(before)).map(|(offset, _)| offset).collect();
        let found = self.slice(before).rmatch_indices(name).find(|(offset, _)| marks.contains(offset));
        let Some(found) = found.and_then(|(offset, _)| part(at, offset, name.len())) else { return };
        // The receiver has the span of the whole call.
        let receiver = self.text.get(at.start as usize..found.start as usize).unwrap_or_default();
        let receiver = match span(left).filter(|left| *left != at) {
            Some(left) => one_line(self.slice(left)),
            None => one_line(receiver.trim_end().trim_end_matches('.')),
        };
        let right = self.shown(right);
        let (operator, hint) = if name.starts_with("contains") {
            let hint = format!("a case in which `{receiver}` contains some of `{right}`, and not all of it");
            ("all or any", hint)
        } else {
            ("boundary", format!("a case in which `{receiver}` equals `{right}`"))
        };
        self.push(operator, found, other, hint);
    }

    fn call(&mut self, expr: &Expr, name: &str, args: &[Expr], other_side: Option<&Expr>) {
        if let Some(Constructed { text, span: Some(at), ty, .. }) = written::constructed(expr)
            && let Some((operator, steps)) = steps(ty, text)
        {
            for step in steps {
                let hint = self.one_step(other_side, text, &step);
                self.push(operator, at, format!("\"{step}\""), hint);
            }
            return;
        }
        let swapped = match name {
            "lessThan" => "lessThanOrEqual",
            "lessThanOrEqual" => "lessThan",
            "greaterThan" => "greaterThanOrEqual",
            "greaterThanOrEqual" => "greaterThan",
            _ => "",
        };
        if let ([left, right], Some(at)) = (args, span(expr)) {
            if let (false, Some(right_at)) = (swapped.is_empty(), span(right)) {
                self.method(at, right_at, name, swapped, left, right);
            }
            self.inside(left, Some(right));
            self.inside(right, Some(left));
        } else {
            args.iter().for_each(|argument| self.inside(argument, None));
        }
    }

    /// Returns the hint if no value can be named.
    fn depends(&self, on: Span) -> String {
        format!("a case in which the verdict depends on `{}`", one_line(self.slice(on)))
    }

    fn one_step(&self, other_side: Option<&Expr>, before: &str, after: &str) -> String {
        match other_side.map(|other_side| self.shown(other_side)) {
            Some(other_side) => format!("a case in which `{other_side}` is exactly {before}, or exactly {after}"),
            None => format!("a case whose verdict differs with {after} instead of {before}"),
        }
    }

    fn literal(&mut self, expr: &Expr, literal: &Literal, other_side: Option<&Expr>) {
        let Some(at) = span(expr) else { return };
        let written = self.slice(at).to_owned();
        match literal {
            Literal::Bool(b) => {
                let hint = format!("a case in which the verdict depends on `{}`", self.slice(self.whole));
                self.push("flipped", at, (!b).to_string(), hint);
            }
            Literal::Long(_) => {
                let Ok(number) = written.parse::<i64>() else { return };
                let factor = other_side.map_or(1, factor);
                for step in [number.checked_add(1), number.checked_sub(1)].into_iter().flatten() {
                    let hint = match (other_side, number % factor == 0, step % factor == 0) {
                        (Some(_), false, false) => self.depends(self.whole),
                        (Some(other_side), true, false) => {
                            format!("a case in which `{}` is {number}", self.shown(other_side))
                        }
                        (Some(other_side), false, true) => {
                            format!("a case in which `{}` is {step}", self.shown(other_side))
                        }
                        _ => self.one_step(other_side, &written, &step.to_string()),
                    };
                    self.push("number", at, step.to_string(), hint);
                }
            }
            Literal::String(text) => {
                let taken = |other: &SmolStr| self.siblings.contains(&(None, other.clone()));
                let free: Vec<&SmolStr> = self.seen.strings.iter().filter(|other| !taken(other)).collect();
                let other = next(&free, text).cloned().unwrap_or_else(|| format!("{text}x").into());
                let hint = self.swapped(other_side, &written, &other);
                self.push("literal", at, format!("\"{}\"", other.escape_debug()), hint);
            }
            Literal::EntityUID(uid) => {
                let (ty, id): (_, &str) = (uid.entity_type().to_smolstr(), uid.eid().as_ref());
                let choices = self.model.type_named(&ty).and_then(|ty| self.model.ty(ty).choices());
                let known: Vec<SmolStr> = match choices {
                    Some(choices) => choices.to_vec(),
                    None => self.seen.entities.get(&ty).into_iter().flatten().cloned().collect(),
                };
                let taken = |other: &SmolStr| self.siblings.contains(&(Some(ty.clone()), other.clone()));
                let free: Vec<&SmolStr> = known.iter().filter(|other| *other == id || !taken(other)).collect();
                let other = match next(&free, id) {
                    Some(other) => other.clone(),
                    None if choices.is_none() => format!("{id}x").into(),
                    None => return,
                };
                let name = written.split_once('"').and_then(|(name, _)| name.trim_end().strip_suffix("::"));
                let Some(name) = name else { return };
                let hint = self.swapped(other_side, &written, &other);
                self.push("literal", at, format!("{name}::\"{}\"", other.escape_debug()), hint);
            }
        }
    }

    fn swapped(&self, other_side: Option<&Expr>, written: &str, other: &str) -> String {
        match other_side.map(|other_side| self.shown(other_side)) {
            Some(other_side) => {
                format!("a case in which `{other_side}` is `{written}`, or `{other}`, and the verdict depends on that")
            }
            None => format!("a case whose verdict differs with `{other}` instead of `{written}`"),
        }
    }

    /// Drops an element of a set: another element replaces it.
    fn element(&mut self, items: &[Expr], at: usize, other_side: Option<&Expr>) {
        let Some(other) = items.get(if at == 0 { 1 } else { at - 1 }).and_then(span) else { return };
        let Some(place) = items.get(at).and_then(span) else { return };
        let replacement = self.slice(other).to_owned();
        let (element, other_side) = (one_line(self.slice(place)), other_side.map(|other_side| self.shown(other_side)));
        let other_side = other_side.map_or("the value".to_owned(), |other_side| format!("`{other_side}`"));
        let hint = format!("a case in which {other_side} matches `{element}` and no other element");
        self.push("element dropped", place, replacement, hint);
    }

    /// Drops each `*` of a pattern.
    fn wildcards(&mut self, like: &Expr, text: &Expr) {
        let (Some(at), Some(left)) = (span(like), span(text)) else { return };
        let from = if left.end < at.end { left.end } else { at.start };
        let Some(quote) = first_quote(self.slice(Span::new(from, at.end))) else { return };
        let Some(Span { start, .. }) = part(Span::new(from, at.end), quote, 0) else { return };
        let pattern = Span::new(start, at.end);
        let written = self.slice(pattern).to_owned();
        let mut escaped = false;
        for (offset, c) in written.char_indices() {
            if c == '*' && !escaped {
                let Some(place) = part(pattern, offset, 1) else { return };
                let hint = format!("a case in which `{}` matches {written} only by this `*`", self.shown(text));
                self.push("wildcard dropped", place, "", hint);
            }
            escaped = c == '\\' && !escaped;
        }
    }
}

/// Returns a number that every value of an expression is a multiple of: a factor of a product, otherwise 1.
pub(super) fn factor(expr: &Expr) -> i64 {
    let ExprKind::BinaryApp { op: BinaryOp::Mul, arg1, arg2 } = expr.expr_kind() else { return 1 };
    let own = |part: &Expr| whole_number(part).unwrap_or_else(|| factor(part));
    // Zero and numbers beyond 64 bits are not useful.
    own(arg1).checked_mul(own(arg2)).and_then(i64::checked_abs).filter(|factor| *factor > 0).unwrap_or(1)
}

/// Returns the whole number that an expression is.
fn whole_number(expr: &Expr) -> Option<i64> {
    match expr.expr_kind() {
        ExprKind::Lit(Literal::Long(number)) => Some(*number),
        ExprKind::UnaryApp { op: UnaryOp::Neg, arg } => whole_number(arg)?.checked_neg(),
        _ => None,
    }
}

/// Returns the text of a literal, or its type and id if it is an entity.
fn literal(expr: &Expr) -> Option<(Option<SmolStr>, SmolStr)> {
    match expr.expr_kind() {
        ExprKind::Lit(Literal::String(text)) => Some((None, text.clone())),
        ExprKind::Lit(Literal::EntityUID(uid)) => {
            Some((Some(uid.entity_type().to_smolstr()), AsRef::<str>::as_ref(uid.eid()).into()))
        }
        _ => None,
    }
}

/// Returns the element after `this`, in a circle; `None` if there is no other.
fn next<'l>(list: &[&'l SmolStr], this: &str) -> Option<&'l SmolStr> {
    let after = list.iter().position(|known| known.as_str() == this).map_or(0, |at| at + 1);
    let found = list.get(after).or(list.first())?;
    (found.as_str() != this).then_some(*found)
}
