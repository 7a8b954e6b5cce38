//! Policies that can never be evaluated, or can never be satisfied: no account has the entities of their scope.

use super::reach::Reach;
use super::{Reviewed, Role};
use crate::diagnostic::{Code, Diagnostic};
use crate::policy::Scope;
use crate::program::{Condition, NodeKind, Program};
use crate::schema::{EntityKind, Model};
use crate::source::Span;
use crate::value::TypeId;
use smol_str::ToSmolStr;

/// The reason why a policy can never be satisfied.
struct Reason {
    span: Span,
    message: String,
    help: String,
}

impl Reason {
    /// Returns the reason where no more is known.
    fn exclusion(span: Span) -> Self {
        let message = "its conditions exclude each other".to_owned();
        Self { span, message, help: "remove what is always false, or name another type in the scope".to_owned() }
    }
}

/// Returns the error for a policy that no snapshot can satisfy.
pub(super) fn never(model: &Model, program: &Program, reviewed: &Reviewed<'_>) -> Vec<Diagnostic> {
    let statement = reviewed.statement;
    let by_types = types(model, reviewed).or_else(|| parts(model, program, reviewed));
    // Cedar's validator settles more conditions, and does not report which.
    let by_cedar = || statement.idle.then(|| Reason::exclusion(statement.span));
    let Some(reason) = by_types.or_else(by_cedar) else { return Vec::new() };
    let message = format!("`{}` is never satisfied: {}", statement.id, reason.message);
    let error = Diagnostic::error(Code::PolicyIdle, message).label(&statement.source, reason.span, "");
    vec![error.help(reason.help)]
}

/// Returns the reason why some part of every body excludes every request.
fn parts(model: &Model, program: &Program, reviewed: &Reviewed<'_>) -> Option<Reason> {
    let mut reasons = reviewed.bodies.iter().map(|body| {
        let reach = Reach { model, program, body };
        reach.settled_by().map(|(condition, span)| settled(&reach, reviewed, condition, span))
    });
    let first = reasons.next()??;
    reasons.all(|reason| reason.is_some()).then_some(first)
}

/// Returns the reason why the types in a scope exclude every request.
fn types(model: &Model, reviewed: &Reviewed<'_>) -> Option<Reason> {
    let statement = reviewed.statement;
    let audits = reviewed.role != Role::Derivation;
    let action = if audits { &model.audit } else { model.derive.as_ref()? };
    let named = |scope: &Scope| {
        let equal = scope.equals.as_ref().map(|uid| uid.entity_type().to_smolstr());
        model.type_named(&scope.ty.clone().or(equal)?)
    };
    let (principal, resource) = (named(&statement.principal), named(&statement.resource));
    let eid = if audits { "audit" } else { "derive" };
    let names = |types: &[TypeId]| {
        let names: Vec<String> = types.iter().map(|ty| format!("`{}`", model.short_name(*ty))).collect();
        names.join(", ")
    };
    let not_applied = |variable: &str, ty: TypeId, span, types: &[TypeId]| {
        let name = model.short_name(ty);
        let message = format!("the action `{eid}` does not apply to a {variable} of type `{name}`");
        let help = format!("name one of {} in the scope, or add `{name}` to `appliesTo` in the schema", names(types));
        Reason { span, message, help }
    };
    if let Some(ty) = principal.filter(|ty| audits && *ty != model.root) {
        let root = model.short_name(model.root);
        let message = format!("the principal of a check is of type `{root}`, not `{}`", model.short_name(ty));
        let name = model.short_name(ty);
        let help = match action.resources.contains(&ty) {
            true => format!("a check evaluates its resource: write `principal` and `resource is {name}`"),
            false => format!("write `principal` alone, or `principal is {root}`"),
        };
        return Some(Reason { span: statement.principal_span, message, help });
    }
    if let Some(ty) = principal.filter(|ty| !action.principals.contains(ty)) {
        return Some(not_applied("principal", ty, statement.principal_span, &action.principals));
    }
    if let Some(ty) = resource.filter(|ty| !action.resources.contains(ty)) {
        return Some(not_applied("resource", ty, statement.resource_span, &action.resources));
    }
    let rows = |ty: TypeId| matches!(model.ty(ty).kind, EntityKind::Rows(_));
    if reviewed.bodies.iter().all(|body| !rows(body.resource) || !rows(body.principal)) {
        let message = "no snapshot has entities of an enumerated type or actions".to_owned();
        let help = "name a type that has a `@path`".to_owned();
        return Some(Reason { span: statement.resource_span, message, help });
    }
    None
}

/// Returns the reason why one part of a policy excludes every request.
fn settled(reach: &Reach<'_>, reviewed: &Reviewed<'_>, condition: &Condition, span: Span) -> Reason {
    let (model, statement) = (reach.model, reviewed.statement);
    let Condition::Leaf(node) = condition else { return Reason::exclusion(span) };
    let (NodeKind::Equal(left, right) | NodeKind::In(left, right)) = &reach.program.node(*node).kind else {
        return Reason::exclusion(span);
    };
    let span = match reach.program.node(*left).kind {
        NodeKind::Principal if reach.body.scope.contains(condition) => statement.principal_span,
        NodeKind::Resource if reach.body.scope.contains(condition) => statement.resource_span,
        _ => span,
    };
    let nothing = [left, right].into_iter().find(|side| reach.names_nothing(**side));
    if let Some((ty, id)) = nothing.and_then(|side| reach.literal(*side)) {
        let name = model.short_name(ty);
        return Reason {
            span,
            message: format!("there is no `{name}::{id:?}`, since `{name}` has no `@key` and its id is always \"\""),
            help: format!("remove the condition, or give `{name}` a `@key` in the schema"),
        };
    }
    let Some((inner, outer)) = reach.entity_type(*left).zip(reach.entity_type(*right)) else {
        return Reason::exclusion(span);
    };
    if reach.may_be_in(inner, outer) {
        return Reason::exclusion(span);
    }
    let around: Vec<String> = model.ancestry(inner).skip(1).map(|ty| format!("`{}`", model.short_name(ty))).collect();
    let is_reversed = matches!(reach.program.node(*node).kind, NodeKind::In(..)) && reach.may_be_in(outer, inner);
    let help = match &around[..] {
        _ if is_reversed => {
            let (inner, outer) = (model.short_name(inner), model.short_name(outer));
            format!("exchange the sides of `in`: every `{outer}` is in some `{inner}`")
        }
        [] => "remove the condition, or name another type in the scope".to_owned(),
        around => format!("by its `@path`, every `{}` is in {}", model.short_name(inner), around.join(" and ")),
    };
    let message = format!("no `{}` is in any `{}`", model.short_name(inner), model.short_name(outer));
    Reason { span, message, help }
}
