//! Guards: policies rewritten so that Cedar's evaluator cannot decide on an unknown value.
//!
//! Cedar's evaluator has no unknown values here. An unknown attribute is left out of its entity, so that reading it is
//! an error. But `has` and `hasTag` would be false, and a record without one of its members would be a different
//! record. Each unknown value therefore has a marker: an attribute with a name that no policy can contain. The
//! rewritten policy tests the marker first: `e has a` becomes `if e has <marker of a> then <an error> else e has a`.

use cedar_policy_core::ast::{BinaryOp, Expr, ExprKind};
use smol_str::{SmolStr, format_smolstr};
use std::sync::Arc;

/// Returns the name of the marker of an attribute whose presence is unknown.
pub(super) fn presence(attribute: &str) -> SmolStr {
    format_smolstr!("\u{1}{attribute}")
}

/// Returns the name of the marker of a record with an unknown member.
pub(super) fn part(attribute: &str) -> SmolStr {
    format_smolstr!("\u{2}{attribute}")
}

/// The marker of an entity whose tags are unknown.
pub(super) const NO_TAGS: &str = "\u{3}";

/// The marker of an entity with some unknown tags: the set of their names.
pub(super) const SOME_TAGS: &str = "\u{4}";

/// The marker of the entity of a dangling reference: the instances around it are unknown.
pub(super) const DANGLING: &str = "\u{5}";

/// Rewrites an expression.
pub(super) fn guarded(expr: &Expr) -> Expr {
    match expr.expr_kind() {
        ExprKind::GetAttr { expr, attr } => {
            let base = path(expr);
            let read = Expr::get_attr(base.clone(), attr.clone());
            Expr::ite(Expr::has_attr(base, part(attr)), error(), read)
        }
        ExprKind::HasAttr { expr, attr } => has(&path(expr), attr),
        ExprKind::ExtHasAttr { expr, attrs } => {
            let base = path(expr);
            // `has` is false for a value that is neither an entity nor a record, for a marker too.
            let is_unknown = (1..=attrs.len()).map(|to| {
                let mut steps = attrs.clone();
                steps.truncate(to);
                *steps.last_mut() = presence(steps.last());
                Expr::extended_has_attr(base.clone(), steps)
            });
            let test = Expr::extended_has_attr(base.clone(), attrs.clone());
            match is_unknown.reduce(Expr::or) {
                Some(is_unknown) => Expr::ite(is_unknown, error(), test),
                None => test,
            }
        }
        ExprKind::BinaryApp { op: BinaryOp::HasTag, arg1, arg2 } => {
            let (entity, key) = (guarded(arg1), guarded(arg2));
            let names = Expr::get_attr(entity.clone(), SOME_TAGS.into());
            let is_unknown = Expr::or(
                Expr::has_attr(entity.clone(), NO_TAGS.into()),
                Expr::and(Expr::has_attr(entity.clone(), SOME_TAGS.into()), Expr::contains(names, key.clone())),
            );
            Expr::ite(is_unknown, error(), Expr::has_tag(entity, key))
        }
        ExprKind::BinaryApp { op: BinaryOp::In, arg1, arg2 } => {
            let (entity, within) = (guarded(arg1), guarded(arg2));
            let is_same = Expr::is_eq(entity.clone(), within.clone());
            let is_dangling = Expr::has_attr(entity.clone(), DANGLING.into());
            Expr::ite(is_dangling, Expr::ite(is_same, Expr::val(true), error()), Expr::is_in(entity, within))
        }
        ExprKind::If { test_expr, then_expr, else_expr } => {
            Expr::ite(guarded(test_expr), guarded(then_expr), guarded(else_expr))
        }
        ExprKind::And { left, right } => Expr::and(guarded(left), guarded(right)),
        ExprKind::Or { left, right } => Expr::or(guarded(left), guarded(right)),
        ExprKind::UnaryApp { op, arg } => Expr::unary_app(*op, guarded(arg)),
        ExprKind::BinaryApp { op, arg1, arg2 } => Expr::binary_app(*op, guarded(arg1), guarded(arg2)),
        ExprKind::ExtensionFunctionApp { fn_name, args } => {
            Expr::call_extension_fn(fn_name.clone(), args.iter().map(guarded).collect())
        }
        ExprKind::Like { expr, pattern } => Expr::like(guarded(expr), pattern.clone()),
        ExprKind::Is { expr, entity_type } => Expr::is_entity_type(guarded(expr), entity_type.clone()),
        ExprKind::Set(items) => Expr::set(items.iter().map(guarded)),
        ExprKind::Record(members) => {
            let members = members.iter().map(|(name, member)| (name.clone(), guarded(member)));
            // The names of a record are unique, so it is one again.
            Expr::record(members).unwrap_or_else(|_| error())
        }
        ExprKind::Lit(_) | ExprKind::Var(_) | ExprKind::Slot(_) | ExprKind::Unknown(_) => expr.clone(),
    }
}

/// Rewrites an expression of which a policy reads or tests one attribute only.
fn path(expr: &Expr) -> Expr {
    match expr.expr_kind() {
        ExprKind::GetAttr { expr, attr } => Expr::get_attr(path(expr), attr.clone()),
        _ => guarded(expr),
    }
}

/// Returns the guarded `has`.
fn has(base: &Expr, attribute: &SmolStr) -> Expr {
    let test = Expr::has_attr(base.clone(), attribute.clone());
    Expr::ite(Expr::has_attr(base.clone(), presence(attribute)), error(), test)
}

/// Returns an expression that fails as the read of a missing attribute does.
fn error() -> Expr {
    Expr::get_attr(Expr::record_arc(Arc::default()), presence(""))
}
