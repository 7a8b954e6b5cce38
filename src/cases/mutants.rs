//! Mutants: changes of policies, one at a time, each a small edit of the text that is a likely mistake.
//!
//! They are found in Cedar's tree, whose nodes have their places, and applied to the text, so that each mutant is a
//! policy that an author could write. See DeMillo, Lipton and Sayward, "Hints on Test Data Selection" (1978).

use super::cover::{Part, statement};
use crate::policy::{ClauseKind, Policies, Scope, Statement};
use crate::program::{Program, attribute_at};
use crate::schema::{Model, Origin, Shape, SlotId, Ty};
use crate::source::{Span, cedar_marks, one_line};
use crate::value::{TypeId, show_address};
use cedar_policy_core::ast::{BinaryOp, Expr, ExprKind, Id, Literal, UnaryOp, Var};
use smol_str::{SmolStr, ToSmolStr};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Texts of so many bytes are not shown whole for each element that is changed in them.
const MAX_SHOWN_BYTES: u32 = 400;

/// The change that takes a whole policy away.
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
    /// Returns whether all of a policy is gone.
    pub fn drops_policy(&self) -> bool {
        self.operator == DERIVATION_DROPPED
    }

    /// Returns whether one condition is gone.
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

    /// Returns a part of the file with the change made.
    pub fn applied(&self, file: &str, within: Span) -> String {
        let part = |from: u32, to: u32| file.get(from as usize..to as usize).unwrap_or_default();
        let (before, after) = (part(within.start, self.span.start), part(self.span.end, within.end));
        format!("{before}{}{after}", self.replacement)
    }
}

/// Literals that the policies name, to be swapped for one another.
#[derive(Default)]
struct Seen {
    strings: BTreeSet<SmolStr>,
    entities: BTreeMap<SmolStr, BTreeSet<SmolStr>>,
}

impl Seen {
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
    let mut seen = Seen::default();
    let statements = policies.checks.iter().map(|check| &check.statement);
    let statements = statements.chain(policies.derivations.iter().map(|derivation| &derivation.statement));
    statements.flat_map(|statement| &statement.clauses).for_each(|clause| seen.expr(&clause.expr));
    let mut all = Vec::new();
    for part in parts {
        let statement = statement(policies, *part);
        let text = statement.source.text();
        let (whole, siblings, found) = (statement.span, BTreeSet::new(), Vec::new());
        let named = |scope: &Scope| scope.ty.as_ref().and_then(|name| model.type_named(name));
        let principal = match part {
            Part::Check(_) => Some(model.root),
            Part::Derivation(_) => named(&statement.principal),
        };
        let types = (principal, named(&statement.resource));
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
    /// The types of principal and resource, if there is but one.
    types: (Option<TypeId>, Option<TypeId>),
    seen: &'g Seen,
    part: Part,
    text: &'g str,
    whole: Span,
    /// The other elements of the same set.
    siblings: BTreeSet<(Option<SmolStr>, SmolStr)>,
    found: Vec<Mutant>,
}

/// Returns the place of an expression. An expression without a place cannot be changed.
pub(super) fn span(expr: &Expr) -> Option<Span> {
    expr.source_loc().map(|loc| Span::new(loc.start() as u32, loc.end() as u32))
}

/// Returns whether the text shows a `&&`, `||` or `!` as one condition: `a != b`, `x is T in y`.
pub(super) fn is_leaf(expr: &Expr) -> bool {
    let same = |part: &Expr| span(part) == span(expr);
    match expr.expr_kind() {
        ExprKind::And { left, right } | ExprKind::Or { left, right } => same(left) && same(right),
        ExprKind::UnaryApp { op: UnaryOp::Not, arg } => same(arg),
        ExprKind::If { .. } => false,
        _ => true,
    }
}

impl Generator<'_> {
    fn slice(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or_default()
    }

    fn shown(&self, expr: &Expr) -> String {
        span(expr).map_or(String::new(), |span| one_line(self.slice(span)))
    }

    fn push(&mut self, operator: &'static str, span: Span, replacement: impl Into<String>, hint: String) {
        // Of an element of a long set only itself is shown.
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
        for clause in &statement.clauses {
            let Some(at) = span(&clause.expr) else { continue };
            self.whole = clause.span;
            let shown = one_line(self.slice(at));
            let (keyword, neutral, met) = match clause.kind {
                ClauseKind::When => ("when", "true", "false"),
                ClauseKind::Unless => ("unless", "false", "true"),
            };
            let hint = format!("a case in which `{shown}` is {met}, and nothing else keeps the policy from holding");
            self.push(if keyword == "when" { "when dropped" } else { "unless dropped" }, at, neutral, hint);
            self.condition(&clause.expr);
        }
        if matches!(self.part, Part::Derivation(_)) {
            self.whole = statement.span;
            let hint = format!("a case whose verdict rests on what `{}` alone derives", statement.id);
            self.push(DERIVATION_DROPPED, statement.span, "", hint);
        }
    }

    /// Drops what a scope asks beyond the type.
    fn scope(&mut self, variable: &str, scope: &Scope) {
        let (keyword, uid) = match (&scope.within, &scope.equals) {
            (Some(uid), _) => ("in", uid),
            (None, Some(uid)) => ("==", uid),
            (None, None) => return,
        };
        let Some(at) = uid.loc().map(|loc| Span::new(loc.start() as u32, loc.end() as u32)) else { return };
        let before = self.text.get(..at.start as usize).unwrap_or_default().trim_end();
        let Some(before) = before.strip_suffix(keyword) else { return };
        let dropped = Span::new(before.trim_end().len() as u32, at.end);
        self.whole = Span::new(before.trim_end().rfind(variable).unwrap_or(before.len()) as u32, at.end);
        let ty = match keyword {
            "==" => format!(" is {}", uid.entity_type()),
            _ => String::new(),
        };
        let hint = format!("a case with a {variable} that is not {keyword} `{}`", self.slice(at));
        self.push("scope dropped", dropped, ty, hint);
    }

    /// Finds changes of an expression that is true or false.
    fn condition(&mut self, expr: &Expr) {
        match expr.expr_kind() {
            _ if is_leaf(expr) => self.leaf(expr),
            ExprKind::And { .. } => {
                for operand in operands(expr) {
                    self.dropped(operand, "true", "false");
                    self.condition(operand);
                }
            }
            ExprKind::Or { .. } => {
                for operand in operands(expr) {
                    self.dropped(operand, "false", "true");
                    self.condition(operand);
                }
            }
            ExprKind::UnaryApp { op: UnaryOp::Not, arg } => self.condition(arg),
            ExprKind::If { test_expr, then_expr, else_expr } => {
                [test_expr, then_expr, else_expr].into_iter().for_each(|part| self.condition(part));
            }
            _ => self.leaf(expr),
        }
    }

    fn dropped(&mut self, operand: &Expr, neutral: &str, told: &str) {
        let Some(at) = span(operand) else { return };
        let (operator, beside) = match neutral {
            "true" => ("conjunct dropped", "true"),
            _ => ("disjunct dropped", "false"),
        };
        let hint = format!("a case in which `{}` is {told}, and the other operands are {beside}", self.shown(operand));
        self.whole = at;
        self.push(operator, at, neutral, hint);
    }

    fn leaf(&mut self, expr: &Expr) {
        let Some(at) = span(expr) else { return };
        self.whole = at;
        if !matches!(expr.expr_kind(), ExprKind::Lit(_)) {
            let shown = one_line(self.slice(at));
            let hint = format!("a case in which the verdict hangs on `{shown}`");
            self.push("negated", at, format!("!({})", self.slice(at)), hint);
        }
        self.inside(expr, None);
    }

    /// Finds changes inside a leaf; `beside` is the other side of the comparison of a literal.
    fn inside(&mut self, expr: &Expr, beside: Option<&Expr>) {
        match expr.expr_kind() {
            ExprKind::Lit(literal) => self.literal(expr, literal, beside),
            ExprKind::UnaryApp { arg, .. } => self.inside(arg, beside),
            ExprKind::BinaryApp { op, arg1, arg2 } => {
                self.operator(expr, *op, arg1, arg2);
                // The operands of arithmetic are not compared with each other.
                let compared = !matches!(op, BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul);
                self.inside(arg1, Some(&**arg2).filter(|_| compared));
                self.inside(arg2, Some(&**arg1).filter(|_| compared));
            }
            ExprKind::ExtensionFunctionApp { fn_name, args } => {
                self.call(expr, &fn_name.to_string(), args, beside);
            }
            ExprKind::GetAttr { expr: of, attr } => {
                self.attribute(expr, of, attr, beside);
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
                    self.element(items, at, beside);
                    self.inside(item, beside);
                }
                self.siblings = outer;
            }
            ExprKind::Record(members) => members.values().for_each(|member| self.inside(member, None)),
            ExprKind::And { left, right } | ExprKind::Or { left, right } => {
                self.inside(left, None);
                self.inside(right, None);
            }
            ExprKind::If { test_expr, then_expr, else_expr } => {
                [test_expr, then_expr, else_expr].into_iter().for_each(|part| self.inside(part, None));
            }
            ExprKind::Var(_) | ExprKind::Slot(_) | ExprKind::Unknown(_) => {}
        }
    }

    /// Reads another attribute of the same type in its place, one that some policy reads too.
    fn attribute(&mut self, expr: &Expr, of: &Expr, name: &SmolStr, beside: Option<&Expr>) {
        let Some((ty, mut path)) = self.record(of) else { return };
        path.push(name.clone());
        let Some(Shape::Leaf(slot)) = attribute_at(&self.model.ty(ty).attributes, &path).map(|found| &found.shape)
        else {
            return;
        };
        let slots = &self.model.ty(ty).slots;
        let alike = slots.iter().enumerate().filter(|(at, other)| {
            let (last, parents) = other.path.split_last().unwrap_or((name, &[]));
            parents == &path[..path.len() - 1]
                && other.ty == slots[slot.index()].ty
                && !matches!(other.origin, Origin::Presence(_) | Origin::Tags(_))
                && self.reads.contains(&(ty, SlotId::new(*at)))
                && last.parse::<Id>().is_ok()
        });
        let alike: Vec<&SmolStr> = alike.filter_map(|(_, other)| other.path.last()).collect();
        let (Some(other), Some(at)) = (next(&alike, name).cloned(), span(expr)) else { return };
        let Some(offset) = only_word(self.slice(at), name) else { return };
        let place = Span::new(at.start + offset as u32, at.start + (offset + name.len()) as u32);
        let hint = match beside.filter(|beside| !matches!(beside.expr_kind(), ExprKind::Lit(_))) {
            Some(beside) => {
                format!("a case in which `{name}` and `{other}` compare differently to `{}`", self.shown(beside))
            }
            None => format!("a case in which `{name}` and `{other}` differ, and the verdict hangs on `{name}`"),
        };
        self.push("attribute", place, other.as_str(), hint);
    }

    /// The entity type that an expression is of, and the members of records read from it.
    fn record(&self, expr: &Expr) -> Option<(TypeId, Vec<SmolStr>)> {
        match expr.expr_kind() {
            ExprKind::Var(Var::Principal) => Some((self.types.0?, Vec::new())),
            ExprKind::Var(Var::Resource) => Some((self.types.1?, Vec::new())),
            ExprKind::GetAttr { expr, attr } => {
                let (ty, mut path) = self.record(expr)?;
                path.push(attr.clone());
                let attribute = attribute_at(&self.model.ty(ty).attributes, &path)?;
                match (&attribute.shape, &attribute.ty) {
                    (Shape::Record(..), _) => Some((ty, path)),
                    (Shape::Leaf(_), Ty::Entity(ty)) => Some((*ty, Vec::new())),
                    (Shape::Leaf(_), _) => None,
                }
            }
            _ => None,
        }
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
                let length = if swapped.len() == 1 { 2 } else { 1 };
                let found = Span::new(between.start + from, between.start + from + length);
                let never_equal = [(left, right), (right, left)]
                    .into_iter()
                    .any(|(product, number)| whole_number(number).is_some_and(|number| number % factor(product) != 0));
                let hint = if never_equal {
                    self.hangs(at)
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
                let place = Span::new(from + offset as u32, from + offset as u32 + 1);
                let hint = format!("a case in which it matters that `{}` is reckoned so", self.shown(expr));
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
        let Some((offset, _)) = found else { return };
        let found = Span::new(at.start + offset as u32, at.start + (offset + name.len()) as u32);
        // The receiver has the span of the whole call.
        let receiver = self.text.get(at.start as usize..found.start as usize).unwrap_or_default();
        let receiver = match span(left).filter(|left| *left != at) {
            Some(left) => one_line(self.slice(left)),
            None => one_line(receiver.trim_end().trim_end_matches('.')),
        };
        let right = self.shown(right);
        let (operator, hint) = if name.starts_with("contains") {
            let hint = format!("a case in which `{receiver}` holds something of `{right}`, and not all of it");
            ("all or any", hint)
        } else {
            ("boundary", format!("a case in which `{receiver}` equals `{right}`"))
        };
        self.push(operator, found, other, hint);
    }

    fn call(&mut self, expr: &Expr, name: &str, args: &[Expr], beside: Option<&Expr>) {
        if let [argument] = args
            && let (ExprKind::Lit(Literal::String(text)), Some(at)) = (argument.expr_kind(), span(argument))
            && let Some((operator, steps)) = steps(name, text)
        {
            for step in steps {
                let hint = self.one_step(beside, text, &step);
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

    /// The hint where no value can be named.
    fn hangs(&self, on: Span) -> String {
        format!("a case in which the verdict hangs on `{}`", one_line(self.slice(on)))
    }

    fn one_step(&self, beside: Option<&Expr>, before: &str, after: &str) -> String {
        match beside.map(|beside| self.shown(beside)) {
            Some(beside) => format!("a case in which `{beside}` is exactly {before}, or exactly {after}"),
            None => format!("a case in which it matters that {before} is not {after}"),
        }
    }

    fn literal(&mut self, expr: &Expr, literal: &Literal, beside: Option<&Expr>) {
        let Some(at) = span(expr) else { return };
        let written = self.slice(at).to_owned();
        match literal {
            Literal::Bool(b) => {
                let hint = format!("a case in which the verdict hangs on `{}`", self.slice(self.whole));
                self.push("flipped", at, (!b).to_string(), hint);
            }
            Literal::Long(_) => {
                let Ok(number) = written.parse::<i64>() else { return };
                let factor = beside.map_or(1, factor);
                for step in [number.checked_add(1), number.checked_sub(1)].into_iter().flatten() {
                    let hint = match (beside, number % factor == 0, step % factor == 0) {
                        (Some(_), false, false) => self.hangs(self.whole),
                        (Some(beside), true, false) => format!("a case in which `{}` is {number}", self.shown(beside)),
                        (Some(beside), false, true) => format!("a case in which `{}` is {step}", self.shown(beside)),
                        _ => self.one_step(beside, &written, &step.to_string()),
                    };
                    self.push("number", at, step.to_string(), hint);
                }
            }
            Literal::String(text) => {
                let taken = |other: &SmolStr| self.siblings.contains(&(None, other.clone()));
                let free: Vec<&SmolStr> = self.seen.strings.iter().filter(|other| !taken(other)).collect();
                let other = next(&free, text).cloned().unwrap_or_else(|| format!("{text}x").into());
                let hint = self.swapped(beside, &written, &other);
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
                let Some(name) = written.rfind("::") else { return };
                let hint = self.swapped(beside, &written, &other);
                self.push("literal", at, format!("{}::\"{}\"", &written[..name], other.escape_debug()), hint);
            }
        }
    }

    fn swapped(&self, beside: Option<&Expr>, written: &str, other: &str) -> String {
        match beside.map(|beside| self.shown(beside)) {
            Some(beside) => {
                format!("a case in which `{beside}` is `{written}`, or `{other}`, and the verdict hangs on it")
            }
            None => format!("a case in which it matters that this is `{written}` and not `{other}`"),
        }
    }

    /// Replaces an element of a set by another one, which drops it.
    fn element(&mut self, items: &[Expr], at: usize, beside: Option<&Expr>) {
        let Some(other) = items.get(if at == 0 { 1 } else { at - 1 }).and_then(span) else { return };
        let Some(place) = span(&items[at]) else { return };
        let replacement = self.slice(other).to_owned();
        let (element, beside) = (one_line(self.slice(place)), beside.map(|beside| self.shown(beside)));
        let beside = beside.map_or("the value".to_owned(), |beside| format!("`{beside}`"));
        let hint = format!("a case in which {beside} matches `{element}` and none of the others");
        self.push("element dropped", place, replacement, hint);
    }

    /// Drops the `*` of a pattern one by one.
    fn wildcards(&mut self, like: &Expr, text: &Expr) {
        let (Some(at), Some(left)) = (span(like), span(text)) else { return };
        let from = if left.end < at.end { left.end } else { at.start };
        let Some(quote) = first_quote(self.slice(Span::new(from, at.end))) else { return };
        let pattern = Span::new(from + quote as u32, at.end);
        let written = self.slice(pattern).to_owned();
        let mut escaped = false;
        for (offset, c) in written.char_indices() {
            if c == '*' && !escaped {
                let place = Span::new(pattern.start + offset as u32, pattern.start + offset as u32 + 1);
                let hint = format!("a case in which `{}` matches {written} only by this `*`", self.shown(text));
                self.push("wildcard dropped", place, "", hint);
            }
            escaped = c == '\\' && !escaped;
        }
    }
}

/// The operands of a chain of `&&`, or of `||`: it is deep to the left, and every node has the place of the whole.
fn operands(expr: &Expr) -> Vec<&Expr> {
    let (mut found, mut left_most) = (Vec::new(), expr);
    loop {
        let (left, right) = match (expr.expr_kind(), left_most.expr_kind()) {
            (ExprKind::And { .. }, ExprKind::And { left, right }) => (left, right),
            (ExprKind::Or { .. }, ExprKind::Or { left, right }) => (left, right),
            _ => break,
        };
        if span(left_most) != span(expr) || is_leaf(left_most) {
            break;
        }
        found.push(&**right);
        left_most = left;
    }
    found.push(left_most);
    found.reverse();
    found
}

/// The number that every value of an expression is a multiple of: a factor of a product, otherwise 1.
pub(super) fn factor(expr: &Expr) -> i64 {
    let ExprKind::BinaryApp { op: BinaryOp::Mul, arg1, arg2 } = expr.expr_kind() else { return 1 };
    let own = |part: &Expr| whole_number(part).unwrap_or_else(|| factor(part));
    // Zero and numbers beyond 64 bits say nothing.
    own(arg1).checked_mul(own(arg2)).and_then(i64::checked_abs).filter(|factor| *factor > 0).unwrap_or(1)
}

/// The whole number that an expression is.
fn whole_number(expr: &Expr) -> Option<i64> {
    match expr.expr_kind() {
        ExprKind::Lit(Literal::Long(number)) => Some(*number),
        ExprKind::UnaryApp { op: UnaryOp::Neg, arg } => whole_number(arg)?.checked_neg(),
        _ => None,
    }
}

/// Where an operand of a chain of `+` ends: one that is a chain itself has the place of the whole.
fn right_edge(expr: &Expr, chain: Option<Span>) -> Option<u32> {
    match expr.expr_kind() {
        ExprKind::BinaryApp { arg2, .. } if span(expr) == chain => right_edge(arg2, chain),
        _ => span(expr).map(|span| span.end),
    }
}

/// The comparison in the text between two operands, as an offset, and what it becomes.
fn boundary(between: &str) -> Option<(u32, &'static str)> {
    let (offset, mark) = cedar_marks(between).find(|(_, mark)| matches!(mark, b'<' | b'>'))?;
    let or_equal = between.as_bytes().get(offset + 1) == Some(&b'=');
    let swapped = match (mark, or_equal) {
        (b'<', false) => "<=",
        (b'<', true) => "<",
        (_, false) => ">=",
        (_, true) => ">",
    };
    Some((offset as u32, swapped))
}

/// Where the first string begins.
fn first_quote(text: &str) -> Option<usize> {
    let quote = text.find('"')?;
    match text.find("//").filter(|comment| *comment < quote) {
        Some(comment) => {
            let next = comment + text.get(comment..)?.find('\n')?;
            first_quote(text.get(next..)?).map(|quote| next + quote)
        }
        None => Some(quote),
    }
}

/// A text, or an entity by its type and id.
fn literal(expr: &Expr) -> Option<(Option<SmolStr>, SmolStr)> {
    match expr.expr_kind() {
        ExprKind::Lit(Literal::String(text)) => Some((None, text.clone())),
        ExprKind::Lit(Literal::EntityUID(uid)) => {
            Some((Some(uid.entity_type().to_smolstr()), AsRef::<str>::as_ref(uid.eid()).into()))
        }
        _ => None,
    }
}

/// Returns the place of a word in a text: at its end, or the only one.
fn only_word(text: &str, word: &str) -> Option<usize> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let mut places = text.match_indices(word).map(|(at, _)| at).filter(|at| {
        let (before, after) = (&text[..*at], &text[at + word.len()..]);
        before.trim_end().ends_with('.') && !after.starts_with(is_part)
    });
    if text.ends_with(word) {
        return places.last();
    }
    places.next().filter(|_| places.next().is_none())
}

/// The one after `this`, around the end; `None` where there is no other.
fn next<'l>(list: &[&'l SmolStr], this: &str) -> Option<&'l SmolStr> {
    let after = list.iter().position(|known| known.as_str() == this).map_or(0, |at| at + 1);
    let found = list.get(after).or(list.first())?;
    (found.as_str() != this).then_some(*found)
}

/// Values one step away from a literal of an extension type.
fn steps(constructor: &str, text: &str) -> Option<(&'static str, Vec<String>)> {
    let found = match constructor {
        "duration" => ("duration", around(text, |text| text.trim_end_matches(|c: char| c.is_ascii_alphabetic()).len())),
        "decimal" => ("decimal", decimals(text)),
        "datetime" => ("datetime", moments(text)),
        "ip" => ("address", addresses(text)),
        _ => return None,
    };
    Some(found)
}

/// The number that ends at `end`, one more and one less.
fn around(text: &str, end: impl Fn(&str) -> usize) -> Vec<String> {
    let end = end(text);
    let (head, unit) = text.split_at(end);
    let start = head.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let (before, digits) = head.split_at(start);
    let Ok(number) = digits.parse::<u64>() else { return Vec::new() };
    let steps = [number.checked_add(1), number.checked_sub(1)];
    steps.into_iter().flatten().map(|step| format!("{before}{step}{unit}")).collect()
}

fn decimals(text: &str) -> Vec<String> {
    let Some((_, fraction)) = text.split_once('.') else { return Vec::new() };
    let Ok(number) = text.replacen('.', "", 1).parse::<i64>() else { return Vec::new() };
    let Some(scale) = u32::try_from(fraction.len()).ok().and_then(|digits| 10i64.checked_pow(digits)) else {
        return Vec::new();
    };
    let shown = |step: i64| {
        let (sign, step) = (if step < 0 { "-" } else { "" }, step.unsigned_abs());
        let (whole, rest) = (step / scale.unsigned_abs(), step % scale.unsigned_abs());
        format!("{sign}{whole}.{rest:0width$}", width = fraction.len())
    };
    [number.checked_add(1), number.checked_sub(1)].into_iter().flatten().map(shown).collect()
}

fn moments(text: &str) -> Vec<String> {
    const DAY: i64 = 86_400_000;
    let Ok(moment) = crate::value::parse_datetime(text) else { return Vec::new() };
    let (step, format) = if text.len() == 10 { (DAY, "%Y-%m-%d") } else { (1, "%Y-%m-%dT%H:%M:%S%.3fZ") };
    let shown = |moment: i64| Some(jiff::Timestamp::from_millisecond(moment).ok()?.strftime(format).to_string());
    [moment.checked_add(step), moment.checked_sub(step)].into_iter().flatten().filter_map(shown).collect()
}

fn addresses(text: &str) -> Vec<String> {
    let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
    let Ok(address) = address.parse::<IpAddr>() else { return Vec::new() };
    let most = if address.is_ipv4() { 32 } else { 128 };
    match prefix.map(str::parse::<u32>) {
        Some(Ok(prefix)) => {
            let steps = [prefix.checked_add(1), prefix.checked_sub(1)].into_iter().flatten();
            steps.filter(|prefix| *prefix <= most).map(|prefix| format!("{}/{prefix}", show_address(address))).collect()
        }
        Some(Err(_)) => Vec::new(),
        None => {
            let next = match address {
                IpAddr::V4(v4) => IpAddr::V4((u32::from(v4) ^ 1).into()),
                IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) ^ 1).into()),
            };
            vec![show_address(next)]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_take_one_step_in_the_unit_they_are_written_in() {
        let stepped = |constructor, text| steps(constructor, text).unwrap().1;
        assert_eq!(stepped("duration", "1d12h"), ["1d13h", "1d11h"]);
        assert_eq!(stepped("duration", "0ms"), ["1ms"]);
        assert_eq!(stepped("duration", "-90d"), ["-91d", "-89d"]);
        assert_eq!(stepped("decimal", "0.50"), ["0.51", "0.49"]);
        assert_eq!(stepped("decimal", "-1.0"), ["-0.9", "-1.1"]);
        assert_eq!(stepped("datetime", "2024-02-28"), ["2024-02-29", "2024-02-27"]);
        assert_eq!(
            stepped("datetime", "2024-01-01T00:00:00Z"),
            ["2024-01-01T00:00:00.001Z", "2023-12-31T23:59:59.999Z"]
        );
        assert_eq!(stepped("ip", "10.0.0.0/8"), ["10.0.0.0/9", "10.0.0.0/7"]);
        assert_eq!(stepped("ip", "::/128"), ["::/127"]);
        assert_eq!(stepped("ip", "10.0.0.2"), ["10.0.0.3"]);
        assert_eq!(stepped("ip", "::ffff:7f00:1"), ["::ffff:7f00:0"]);
        assert_eq!(stepped("ip", "::ffff:0:0/96"), ["::ffff:0:0/97", "::ffff:0:0/95"]);
    }

    #[test]
    fn comparisons_move_by_their_boundary_and_comments_are_no_operators() {
        assert_eq!(boundary(" < "), Some((1, "<=")));
        assert_eq!(boundary(") >= ("), Some((2, ">")));
        assert_eq!(boundary(" // <\n <= "), Some((7, "<")));
        assert_eq!(boundary(" == "), None);
        assert_eq!(first_quote(" // \"*\"\n like // no \"\n \"a*\""), Some(23));
        assert_eq!(first_quote(" // \"*\""), None);
    }
}
