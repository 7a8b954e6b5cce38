//! Entity literals in the conditions of policies that name instances which no judged snapshot has.
//!
//! Cedar compares them as any other entity, so a misspelt one is equal to nothing.

use crate::diagnostic::{Code, Diagnostic};
use crate::engine::{Evaluator, Sought};
use crate::pack::Pack;
use crate::policy::Statement;
use crate::program::{Constant, written};
use crate::report::{Report, SoughtInstance};
use crate::source::nearest;
use crate::value::TypeId;
use cedar_policy_core::ast::{Expr, ExprKind, Literal};
use smol_str::{SmolStr, ToSmolStr};

/// The number of literals whose nearest ids are searched in a snapshot.
const SEARCHED: usize = 8;

/// The number of ids of a snapshot that are compared with a literal.
const COMPARED: usize = 10_000;

/// The number of ids that a message lists.
const LISTED: usize = 5;

/// Returns the entity literals of the program of a pack that name instances.
pub(super) fn literals(pack: &Pack) -> Vec<(TypeId, SmolStr)> {
    let model = pack.model();
    let instance = |constant: &Constant| match constant {
        Constant::Entity(ty, id) if model.ty(*ty).choices().is_none() => Some((*ty, id.clone())),
        _ => None,
    };
    pack.program().constants.iter().filter_map(instance).collect()
}

/// Returns for every literal whether the snapshot has the instance, or may have it.
pub(super) fn sought(evaluator: &Evaluator<'_>, literals: &[(TypeId, SmolStr)]) -> Vec<Sought> {
    let Evaluator { model, snapshot, .. } = evaluator;
    let mut searched = 0;
    let sought = |(ty, id): &(TypeId, SmolStr)| {
        let table = snapshot.table(*ty);
        let may_have_more =
            !table.uncaptured_lists.is_empty() || snapshot.has_nameless(model, *ty) || table.has_respelt;
        let is_row = || snapshot.entity(model, *ty, id).is_some_and(|entity| table.row(entity.row).is_some());
        if may_have_more || is_row() {
            return Sought::Found;
        }
        searched += 1;
        if searched > SEARCHED {
            return Sought::Others(Vec::new());
        }
        let ids: Vec<SmolStr> =
            snapshot.instances(*ty).take(COMPARED).map(|instance| snapshot.id(model, instance)).collect();
        let is_inner = |known: &&SmolStr| known.strip_suffix(id.as_str()).is_some_and(|outer| outer.ends_with('/'));
        let similar = ids.iter().find(is_inner).map(SmolStr::as_str);
        match similar.or_else(|| nearest(id, ids.iter().map(SmolStr::as_str))) {
            Some(similar) => Sought::Similar(similar.into()),
            None => Sought::Others(ids.into_iter().take(LISTED).collect()),
        }
    };
    literals.iter().map(sought).collect()
}

/// Returns the warnings for the literals that no judged snapshot has. The scope of a check has a warning of its own.
pub(super) fn not_found(pack: &Pack, report: &Report) -> Vec<Diagnostic> {
    report.literals.iter().filter_map(|literal| warning(pack, literal)).collect()
}

fn warning(pack: &Pack, literal: &SoughtInstance) -> Option<Diagnostic> {
    let SoughtInstance { ty, id, found } = literal;
    let found = found.as_ref().filter(|found| **found != Sought::Found)?;
    let policies = pack.policies();
    let checks = policies.checks.iter().map(|check| &check.statement);
    let mut statements = checks.chain(policies.derivations.iter().map(|derivation| &derivation.statement));
    let (statement, named) = statements.find_map(|statement| Some((statement, named(statement, ty, id)?)))?;
    let message = format!("`{}` names `{ty}::{:?}`, and no judged snapshot has it", statement.id, id.as_str());
    let warning = Diagnostic::warning(Code::NoInstance, message);
    let warning = match written::span(named) {
        Some(span) => warning.label(&statement.source, span, ""),
        None => warning,
    };
    Some(match found {
        Sought::Similar(similar) => warning.help(format!("did you mean `{ty}::{:?}`?", similar.as_str())),
        Sought::Others(ids) if !ids.is_empty() => {
            let ids: Vec<String> = ids.iter().map(|id| format!("`{id}`")).collect();
            warning.help(format!("name it by its id: the first snapshot that was judged has {}", ids.join(", ")))
        }
        _ => warning.help("name it by its id: the key of the instance after the keys of those that it is nested in"),
    })
}

/// Returns the first literal in the conditions of a policy that names an instance.
fn named<'s>(statement: &'s Statement, ty: &str, id: &str) -> Option<&'s Expr> {
    let is_named = |expr: &&Expr| match expr.expr_kind() {
        ExprKind::Lit(Literal::EntityUID(uid)) => {
            uid.entity_type().to_smolstr() == ty && AsRef::<str>::as_ref(uid.eid()) == id
        }
        _ => false,
    };
    statement.clauses.iter().find_map(|clause| clause.expr.subexpressions().find(is_named))
}
