//! The remedy for a policy that reads an optional attribute or a tag without a `has`.
//!
//! Cedar's advice, `e has a && ..`, is correct for `permit`: without the attribute, the policy is not satisfied. A
//! check is a `forbid`, so a resource without the attribute would pass. Here the advice follows from the place of the
//! read: in
//! `when` or `unless`, and below which `!`.

use super::model::{Clause, ClauseKind, Statement};
use super::parse::span_of;
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use cedar_policy::ValidationError;
use cedar_policy_core::ast::{BinaryOp, Expr, ExprKind, Id, UnaryOp};

/// A read of something that may be absent, found in its policy.
struct UnguardedRead {
    /// The expression that is read, in Cedar's syntax.
    read: String,
    /// The condition that is true where it is there.
    guard: String,
    /// Which answer of the condition around the read makes the clause true; `None` if either may.
    positive: Option<bool>,
    /// Whether the condition is the alternative to the negated guard, as in `!(e has a) || e.a`.
    after_negated_guard: bool,
}

/// Rewords Cedar's error about a read of something that may be absent, with advice that fits a check or a derivation.
pub(super) fn explain(error: &ValidationError, found: Diagnostic, statement: &Statement, is_check: bool) -> Diagnostic {
    if !matches!(error, ValidationError::UnsafeOptionalAttributeAccess(_) | ValidationError::UnsafeTagAccess(_)) {
        return found;
    }
    let Some(at) = found.labels.first().map(|label| label.place.span) else { return found };
    let Some(clause) = statement.clauses.iter().find(|clause| clause.span.contains(at)) else { return found };
    let advised = found.help.as_deref().unwrap_or_default();
    let Some(read) = Search { at, advised }.find(&clause.expr, Some(true), None) else { return found };
    let message = format!("`{}` reads `{}`, which may be absent", statement.id, read.read);
    let help = if is_check { for_check(&read, clause) } else { for_derivation(&read) };
    let mut explained = Diagnostic { message, ..found }.help(help);
    if let Some(label) = explained.labels.first_mut() {
        label.text = "may be absent".into();
    }
    explained
}

/// A check fails where it cannot rule a violation out, so absence is to satisfy the `forbid`.
fn for_check(read: &UnguardedRead, clause: &Clause) -> String {
    let UnguardedRead { guard, .. } = read;
    let choice = format!("if {guard} then ... else true");
    if read.after_negated_guard {
        return format!("write `{choice}` in place of `!({guard}) || ...`");
    }
    match (clause.kind, read.positive) {
        (ClauseKind::Unless, Some(true)) => {
            format!("write `unless {{ {guard} && ... }}`: absence then counts as a violation")
        }
        (ClauseKind::Unless, Some(false)) => {
            format!("write `{choice}` below the `!`: absence then counts as a violation")
        }
        (ClauseKind::When, Some(true)) => {
            format!("write `{choice}`: absence then counts as a violation; with `{guard} && ...` it does not")
        }
        (ClauseKind::When, Some(false)) => {
            format!("write `{guard} && ...` below the `!`: absence then counts as a violation")
        }
        (_, None) => {
            format!("write `if {guard} then ... else ...`, and after `else` what applies to a resource without it")
        }
    }
}

fn for_derivation(read: &UnguardedRead) -> String {
    let UnguardedRead { guard, .. } = read;
    if read.after_negated_guard {
        return format!("write `if {guard} then ... else true` in place of `!({guard}) || ...`");
    }
    format!("write `{guard} && ...`, or `if {guard} then ... else true` if the condition holds without it")
}

/// The search for the place of the read, with Cedar's advice, which names the attribute.
struct Search<'s> {
    at: Span,
    advised: &'s str,
}

impl Search<'_> {
    /// Finds the read. `alternative_to` is the left side of the `||` that the expression is the right side of.
    fn find(&self, expr: &Expr, positive: Option<bool>, alternative_to: Option<&Expr>) -> Option<UnguardedRead> {
        if let Some((read, guard)) = self.read(expr) {
            let negated = |left: &Expr| left.to_string() == format!("!({guard})") || negates(left, &guard);
            let after_negated_guard = alternative_to.is_some_and(negated);
            return Some(UnguardedRead { read, guard, positive, after_negated_guard });
        }
        let below = |part: &Expr| self.find(part, positive, alternative_to);
        match expr.expr_kind() {
            // `a != b` and `a > b` are negations in the tree, and one condition in the text.
            ExprKind::UnaryApp { op: UnaryOp::Not, arg } if span(arg) != span(expr) => {
                self.find(arg, positive.map(|positive| !positive), None)
            }
            ExprKind::UnaryApp { arg, .. } => below(arg),
            ExprKind::And { left, right } => below(left).or_else(|| below(right)),
            ExprKind::Or { left, right } => below(left).or_else(|| self.find(right, positive, Some(left))),
            ExprKind::If { test_expr, then_expr, else_expr } => {
                self.find(test_expr, None, None).or_else(|| below(then_expr)).or_else(|| below(else_expr))
            }
            ExprKind::BinaryApp { arg1, arg2, .. } => below(arg1).or_else(|| below(arg2)),
            ExprKind::ExtensionFunctionApp { args, .. } => args.iter().find_map(below),
            ExprKind::GetAttr { expr, .. }
            | ExprKind::HasAttr { expr, .. }
            | ExprKind::ExtHasAttr { expr, .. }
            | ExprKind::Like { expr, .. }
            | ExprKind::Is { expr, .. } => below(expr),
            ExprKind::Set(items) => items.iter().find_map(below),
            ExprKind::Record(members) => members.values().find_map(below),
            _ => None,
        }
    }

    /// Returns what is read and its guard, if the expression is the read that is looked for.
    fn read(&self, expr: &Expr) -> Option<(String, String)> {
        if span(expr) != Some(self.at) {
            return None;
        }
        match expr.expr_kind() {
            ExprKind::GetAttr { expr: of, attr } => {
                let (of, step) = (shown(of), step(attr));
                let guard = if step.starts_with('.') { attr.to_string() } else { format!("{attr:?}") };
                // One place may hold several reads: `a.b.c` is one text.
                self.advised
                    .contains(&format!(" has {guard} "))
                    .then(|| (format!("{of}{step}"), format!("{of} has {guard}")))
            }
            ExprKind::BinaryApp { op: BinaryOp::GetTag, arg1, arg2 } => {
                let (of, tag) = (shown(arg1), arg2.to_string());
                Some((format!("{of}.getTag({tag})"), format!("{of}.hasTag({tag})")))
            }
            _ => None,
        }
    }
}

/// Whether a condition is `!` before a guard.
fn negates(condition: &Expr, guard: &str) -> bool {
    let ExprKind::UnaryApp { op: UnaryOp::Not, arg } = condition.expr_kind() else { return false };
    match arg.expr_kind() {
        ExprKind::HasAttr { expr, attr } => format!("{} has {attr}", shown(expr)) == guard,
        ExprKind::BinaryApp { op: BinaryOp::HasTag, arg1, arg2 } => format!("{}.hasTag({arg2})", shown(arg1)) == guard,
        _ => false,
    }
}

fn span(expr: &Expr) -> Option<Span> {
    expr.source_loc().map(span_of)
}

/// Writes a chain of attributes as people write it.
fn shown(expr: &Expr) -> String {
    match expr.expr_kind() {
        ExprKind::GetAttr { expr, attr } => format!("{}{}", shown(expr), step(attr)),
        _ => expr.to_string(),
    }
}

fn step(attr: &str) -> String {
    if attr.parse::<Id>().is_ok() { format!(".{attr}") } else { format!("[{attr:?}]") }
}
