//! Conditions as they are written: the only place that reads `&&`, `||`, `!` and `if` in Cedar's tree.
//!
//! Cedar's tree has operators that the text does not show: `a != b` is `!(a == b)` there, and `x is T in y` is a
//! conjunction. All nodes of such an expression have one place, and it is one leaf here.

use super::condition::Condition;
use super::function;
use crate::schema::Ty;
use crate::source::Span;
use crate::value::Value;
use cedar_policy_core::ast::{Expr, ExprKind, Literal, UnaryOp};

/// Returns the place of an expression; `None` if it is not from a text.
pub(crate) fn span(expr: &Expr) -> Option<Span> {
    let loc = expr.source_loc()?;
    Some(Span::new(u32::try_from(loc.start()).ok()?, u32::try_from(loc.end()).ok()?))
}

/// Returns an expression of type `Bool` as a condition. Its leaves are what the text shows as one condition.
pub(crate) fn condition(expr: &Expr) -> Condition<&Expr> {
    match parts(expr) {
        leaf @ Condition::Leaf(_) => leaf,
        split => split.expand(&mut condition),
    }
}

/// Returns an expression of type `Bool` as a condition without an operator in any leaf: of `a != b`, the leaf is
/// `a == b`.
pub(crate) fn operators(expr: &Expr) -> Condition<&Expr> {
    match opened(expr) {
        leaf @ Condition::Leaf(_) => leaf,
        split => split.expand(&mut operators),
    }
}

/// Returns the outermost operator of a condition: its leaves are the operands, which may be conditions.
pub(crate) fn parts(expr: &Expr) -> Condition<&Expr> {
    if is_leaf(expr) { Condition::Leaf(expr) } else { opened(expr) }
}

/// Returns the outermost operator in Cedar's tree.
fn opened(expr: &Expr) -> Condition<&Expr> {
    match expr.expr_kind() {
        ExprKind::And { .. } => Condition::All(chain(expr, conjuncts)),
        ExprKind::Or { .. } => Condition::Any(chain(expr, disjuncts)),
        ExprKind::UnaryApp { op: UnaryOp::Not, arg } => Condition::Not(Box::new(Condition::Leaf(arg))),
        ExprKind::If { test_expr, then_expr, else_expr } => {
            Condition::If(Box::new([test_expr, then_expr, else_expr].map(|part| Condition::Leaf(&**part))))
        }
        _ => Condition::Leaf(expr),
    }
}

/// Returns whether the text shows an expression as one condition.
fn is_leaf(expr: &Expr) -> bool {
    let place = span(expr);
    let same = |part: &Expr| place.is_some() && span(part) == place;
    match expr.expr_kind() {
        ExprKind::And { left, right } | ExprKind::Or { left, right } => same(left) && same(right),
        // In `!!a`, both operators have the same place.
        ExprKind::UnaryApp { op: UnaryOp::Not, arg } => {
            same(arg) && !matches!(arg.expr_kind(), ExprKind::UnaryApp { op: UnaryOp::Not, .. })
        }
        ExprKind::If { .. } => false,
        _ => true,
    }
}

type Operands<'e> = Option<(&'e Expr, &'e Expr)>;

fn conjuncts(expr: &Expr) -> Operands<'_> {
    match expr.expr_kind() {
        ExprKind::And { left, right } => Some((left, right)),
        _ => None,
    }
}

fn disjuncts(expr: &Expr) -> Operands<'_> {
    match expr.expr_kind() {
        ExprKind::Or { left, right } => Some((left, right)),
        _ => None,
    }
}

/// Returns the operands of `&&` or `||`. The tree of a chain is deep to the left, and every operator of it has the
/// place of the whole chain.
fn chain<'e>(expr: &'e Expr, operands: fn(&'e Expr) -> Operands<'e>) -> Vec<Condition<&'e Expr>> {
    let (mut first, mut found) = (expr, Vec::new());
    while let Some((left, right)) = operands(first).filter(|_| span(first) == span(expr)) {
        found.push(Condition::Leaf(right));
        first = left;
    }
    found.push(Condition::Leaf(first));
    found.reverse();
    found
}

/// A constructor with a literal: `duration("1d")`.
pub(crate) struct Constructed<'e> {
    /// The literal.
    pub text: &'e str,
    /// The place of the literal.
    pub span: Option<Span>,
    /// The value.
    pub value: Value,
    /// The type of the value.
    pub ty: &'static Ty,
}

/// Returns the value of a constructor with a literal.
pub(crate) fn constructed(expr: &Expr) -> Option<Constructed<'_>> {
    let ExprKind::ExtensionFunctionApp { fn_name, args } = expr.expr_kind() else { return None };
    let [argument] = &args[..] else { return None };
    let ExprKind::Lit(Literal::String(text)) = argument.expr_kind() else { return None };
    let (value, ty) = function::constructed(&fn_name.to_string(), text)?;
    Some(Constructed { text, span: span(argument), value, ty })
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn shown(condition: &Condition<&Expr>, text: &str) -> String {
        let list = |parts: &[Condition<&Expr>]| {
            let parts: Vec<String> = parts.iter().map(|part| shown(part, text)).collect();
            parts.join(", ")
        };
        match condition {
            Condition::Leaf(leaf) => span(leaf).and_then(|span| text.get(span.range())).unwrap_or("?").to_owned(),
            Condition::Not(inner) => format!("not({})", shown(inner, text)),
            Condition::All(parts) => format!("all({})", list(parts)),
            Condition::Any(parts) => format!("any({})", list(parts)),
            Condition::If(parts) => format!("if({})", list(&**parts)),
        }
    }

    /// Compares the condition of a text, and the same without operators in the leaves.
    fn check(text: &str, as_written: Expect, as_operators: Expect) {
        let expr: Expr = text.parse().unwrap();
        as_written.assert_eq(&shown(&condition(&expr), text));
        as_operators.assert_eq(&shown(&operators(&expr), text));
    }

    #[test]
    fn a_chain_is_one_condition_and_brackets_are_kept() {
        check(
            "principal.b && principal.d && principal.f",
            expect!["all(principal.b, principal.d, principal.f)"],
            expect!["all(principal.b, principal.d, principal.f)"],
        );
        check(
            "(principal.b && principal.d) && principal.f",
            expect!["all(all(principal.b, principal.d), principal.f)"],
            expect!["all(all(principal.b, principal.d), principal.f)"],
        );
        check(
            "principal.b || (principal.d || principal.f) || principal.h",
            expect!["any(principal.b, any(principal.d, principal.f), principal.h)"],
            expect!["any(principal.b, any(principal.d, principal.f), principal.h)"],
        );
        check(
            "principal.b || principal.d && principal.f",
            expect!["any(principal.b, all(principal.d, principal.f))"],
            expect!["any(principal.b, all(principal.d, principal.f))"],
        );
    }

    #[test]
    fn operators_that_the_text_does_not_show_are_inside_a_leaf() {
        check("principal.b != 1", expect!["principal.b != 1"], expect!["not(principal.b != 1)"]);
        check(
            "principal.b > 1 && !(principal.d >= 2)",
            expect!["all(principal.b > 1, not(principal.d >= 2))"],
            expect!["all(not(principal.b > 1), not(not(principal.d >= 2)))"],
        );
        check(
            "resource is T in principal && principal.b",
            expect!["all(resource is T in principal, principal.b)"],
            expect!["all(all(resource is T in principal, resource is T in principal), principal.b)"],
        );
        check("!!principal.b", expect!["not(not(principal.b))"], expect!["not(not(principal.b))"]);
        check("principal has b.c", expect!["principal has b.c"], expect!["principal has b.c"]);
    }

    #[test]
    fn a_branch_is_a_condition() {
        check(
            "if principal.b then principal.d && principal.f else principal.h != 1",
            expect!["if(principal.b, all(principal.d, principal.f), principal.h != 1)"],
            expect!["if(principal.b, all(principal.d, principal.f), not(principal.h != 1))"],
        );
        check(
            "(principal.b && principal.d) == true",
            expect!["(principal.b && principal.d) == true"],
            expect!["(principal.b && principal.d) == true"],
        );
    }

    #[test]
    fn a_long_chain_is_not_deep() {
        let text = vec!["principal.a"; 1_900].join(" || ");
        let expr: Expr = text.parse().unwrap();
        let Condition::Any(parts) = condition(&expr) else { panic!("a chain") };
        assert_eq!(parts.len(), 1_900);
    }
}
