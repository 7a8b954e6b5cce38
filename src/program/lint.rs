//! The review of a pack: errors in policies that Cedar accepts, because they depend on how Deodar evaluates.
//!
//! A check that is not evaluated for any snapshot, or that compares values that cannot be equal, always passes. The
//! review rejects it, and every check that depends on a rejected derivation. It does not read snapshots.

mod reach;
mod scope;
mod presence;
mod folded;
mod derivations;

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

/// A policy under review.
struct Reviewed<'w> {
    statement: &'w Statement,
    /// Whether it is a check; otherwise it is a derivation.
    checks: bool,
    bodies: Vec<&'w Body>,
}

/// Reviews all policies.
pub(super) fn review(model: &Model, policies: &Policies, whole: &Whole) -> Review {
    let mut review = Review { refused: BTreeSet::new(), diagnostics: Vec::new(), comparisons: Vec::new() };
    for reviewed in all(policies, whole) {
        let found = [
            scope::never(model, &whole.program, &reviewed),
            presence::always(model, whole, &reviewed),
            folded::unequal(model, &whole.program, &reviewed, &mut review.comparisons),
        ];
        let found: Vec<Diagnostic> = found.into_iter().flatten().collect();
        if found.iter().any(|found| found.level == DiagnosticLevel::Error) {
            review.refused.insert(reviewed.statement.id.clone());
        }
        review.diagnostics.extend(found);
    }
    derivations::broken(model, policies, whole, &mut review);
    crate::diagnostic::sort(&mut review.diagnostics);
    review
}

fn all<'w>(policies: &'w Policies, whole: &'w Whole) -> Vec<Reviewed<'w>> {
    let checks = whole.program.checks.iter().filter_map(|check| {
        let statement = &policies.checks.find(check.check)?.statement;
        Some(Reviewed { statement, checks: true, bodies: check.bodies.iter().collect() })
    });
    let parts = whole.derived.values().flat_map(|(attribute, _)| &attribute.parts);
    let derivations = parts.filter_map(|part| {
        let statement = &policies.derivations.find(part.derivation)?.statement;
        Some(Reviewed { statement, checks: false, bodies: vec![&part.body] })
    });
    checks.chain(derivations).collect()
}

/// Returns every node of a policy that can be evaluated, with its answer if that is settled.
fn reached<'p>(model: &'p Model, program: &'p Program, body: &'p Body) -> (Reach<'p>, Vec<NodeId>) {
    let reach = Reach { model, program, body };
    let nodes = reach.nodes();
    (reach, nodes)
}
