//! The review of a pack: errors in policies that Cedar accepts, because they depend on how Deodar evaluates.
//!
//! A check that is not evaluated for any snapshot, or that compares values that cannot be equal, always passes. The
//! review rejects it, and every check that depends on a rejected derivation. It does not read snapshots.

mod reach;
mod scope;
mod presence;
mod folded;
mod derivations;
mod derived;
mod waivers;

pub(crate) use folded::Comparison;

use super::lower::Whole;
use super::{Body, NodeId, Program};
use crate::diagnostic::{Diagnostic, DiagnosticLevel};
use crate::policy::{Policies, Statement};
use crate::schema::Model;
use reach::Reach;
use smol_str::SmolStr;
use std::collections::BTreeSet;

/// The result of a review.
pub(super) struct Review {
    /// The ids of the policies that are not evaluated.
    pub refused: BTreeSet<SmolStr>,
    /// The reasons, and warnings.
    pub diagnostics: Vec<Diagnostic>,
    /// Parameters that are compared with folded values.
    pub comparisons: Vec<Comparison>,
}

/// The role of a policy.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Check,
    Derivation,
    Waiver,
}

/// A policy under review.
struct Reviewed<'w> {
    statement: &'w Statement,
    role: Role,
    bodies: Vec<&'w Body>,
}

/// Reviews all policies.
pub(super) fn review(model: &Model, policies: &Policies, whole: &Whole) -> Review {
    let mut review = Review { refused: BTreeSet::new(), diagnostics: Vec::new(), comparisons: Vec::new() };
    for reviewed in all(policies, whole) {
        let settled = presence::settled(model, whole, &reviewed);
        let is_wrong = settled.iter().any(|found| found.level == DiagnosticLevel::Error);
        let found = [
            // A policy with a `has` that is always false may be idle because of it.
            if is_wrong { Vec::new() } else { scope::never(model, &whole.program, &reviewed) },
            settled,
            folded::unequal(model, &whole.program, &reviewed, &mut review.comparisons),
        ];
        let found: Vec<Diagnostic> = found.into_iter().flatten().collect();
        if found.iter().any(|found| found.level == DiagnosticLevel::Error) {
            review.refused.insert(reviewed.statement.id.clone());
        }
        review.diagnostics.extend(found);
    }
    waivers::misplaced(model, policies, whole, &mut review);
    derivations::broken(model, policies, whole, &mut review);
    let warnings = derived::warnings(model, policies, whole, &review.refused);
    review.diagnostics.extend(warnings);
    crate::diagnostic::sort(&mut review.diagnostics);
    review
}

fn all<'w>(policies: &'w Policies, whole: &'w Whole) -> Vec<Reviewed<'w>> {
    let checks = whole.program.checks.iter().filter_map(|check| {
        let statement = &policies.checks.find(check.check)?.statement;
        Some(Reviewed { statement, role: Role::Check, bodies: check.bodies.iter().collect() })
    });
    let parts = whole.derived.values().flat_map(|(attribute, _)| &attribute.parts);
    let derivations = parts.filter_map(|part| {
        let statement = &policies.derivations.find(part.derivation)?.statement;
        Some(Reviewed { statement, role: Role::Derivation, bodies: vec![&part.body] })
    });
    // One whose types do not fit its check has no bodies, and an error of its own.
    let waivers = whole.program.waivers.iter().filter(|waiver| !waiver.bodies.is_empty()).filter_map(|waiver| {
        let statement = &policies.waivers.find(waiver.waiver)?.statement;
        Some(Reviewed { statement, role: Role::Waiver, bodies: waiver.bodies.iter().collect() })
    });
    checks.chain(derivations).chain(waivers).collect()
}

/// Returns every node of a policy that can be evaluated, with its answer if that is settled.
fn reached<'p>(model: &'p Model, program: &'p Program, body: &'p Body) -> (Reach<'p>, Vec<NodeId>) {
    let reach = Reach { model, program, body };
    let nodes = reach.nodes();
    (reach, nodes)
}
