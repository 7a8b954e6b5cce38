//! Waivers that name no check, or cover no resource of their check.

use super::{Review, Whole};
use crate::diagnostic::{Code, Diagnostic};
use crate::policy::{Policies, Waiver};
use crate::program::CheckProgram;
use crate::schema::Model;

/// Refuses the waivers that do not fit a check, and reports the reasons.
pub(super) fn misplaced(model: &Model, policies: &Policies, whole: &Whole, review: &mut Review) {
    for (at, waiver) in policies.waivers.entries() {
        let statement = &waiver.statement;
        let error = match policies.checks.entries().find(|(_, check)| check.statement.id == waiver.check) {
            // The missing annotation has been reported.
            _ if waiver.check.is_empty() => None,
            None => Some(unknown(policies, waiver)),
            Some((check, _)) => {
                let lowered = whole.program.waivers.iter().find(|lowered| lowered.waiver == at);
                let judges = whole.program.checks.iter().find(|judges| judges.check == check);
                // A check with an error of its own has no types.
                let judges = judges.filter(|judges| !judges.bodies.is_empty());
                let covers_none = statement.valid && lowered.is_none_or(|lowered| lowered.bodies.is_empty());
                judges.filter(|_| covers_none).map(|judges| other_type(model, waiver, judges))
            }
        };
        if let Some(error) = error {
            review.refused.insert(statement.id.clone());
            review.diagnostics.push(error);
        }
    }
}

fn unknown(policies: &Policies, waiver: &Waiver) -> Diagnostic {
    let (id, check) = (&waiver.statement.id, &waiver.check);
    let is_derivation = policies.derivations.iter().any(|derivation| derivation.statement.id == *check);
    let message = match is_derivation {
        true => format!("waiver `{id}` waives `{check}`, which is a derivation"),
        false => format!("waiver `{id}` waives `{check}`, and there is no such check"),
    };
    let error = Diagnostic::error(Code::WaiverCheck, message).label(&waiver.statement.source, waiver.check_span, "");
    let ids = policies.checks.iter().map(|check| check.statement.id.as_str());
    match is_derivation {
        true => error.help("name a check: a derived value has no verdict"),
        false if check.contains(['*', ',']) => error.help("name one check: a waiver is for a single check"),
        false => error.suggest(check, ids),
    }
}

fn other_type(model: &Model, waiver: &Waiver, judges: &CheckProgram) -> Diagnostic {
    let (statement, check) = (&waiver.statement, &waiver.check);
    let types: Vec<String> =
        judges.bodies.iter().map(|body| format!("`{}`", model.short_name(body.resource))).collect();
    let message = format!("waiver `{}` covers no resource of `{check}`", statement.id);
    let span = if statement.resource.ty.is_some() || statement.resource.equals.is_some() {
        statement.resource_span
    } else {
        statement.principal_span
    };
    let error = Diagnostic::error(Code::WaiverCheck, message).label(&statement.source, span, "");
    let root = model.short_name(model.root);
    error.help(format!(
        "name a resource of the check, which judges {}, and a principal of type `{root}` or any",
        types.join(", ")
    ))
}
