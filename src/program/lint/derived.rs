//! Derived attributes that state nothing: no policy reads them, or their value is the same for every resource.

use super::Whole;
use super::derivations::{name, nodes};
use crate::diagnostic::{Code, Diagnostic};
use crate::policy::{Derivation, Policies};
use crate::program::lower::{Target, derived_slots};
use crate::program::{Body, DerivedAttribute, NodeKind};
use crate::schema::Model;
use smol_str::SmolStr;
use std::collections::BTreeSet;

/// Returns the warnings for the derived attributes whose derivations have no error.
pub(super) fn warnings(
    model: &Model,
    policies: &Policies,
    whole: &Whole,
    refused: &BTreeSet<SmolStr>,
) -> Vec<Diagnostic> {
    let reads = whole.program.nodes.iter().flat_map(|node| derived_slots(model, &node.kind));
    let read: BTreeSet<Target> = reads.collect();
    let mut warnings = Vec::new();
    for (target, (attribute, _)) in &whole.derived {
        let derivations = attribute.parts.iter().filter_map(|part| policies.derivations.find(part.derivation));
        let derivations: Vec<&Derivation> = derivations.map(|derivation| &**derivation).collect();
        let is_refused = |derivation: &&Derivation| refused.contains(&derivation.statement.id);
        if attribute.broken || derivations.iter().any(is_refused) {
            continue;
        }
        let labelled = |warning: Diagnostic, label: &str| {
            derivations.iter().fold(warning, |warning, derivation| {
                warning.label(&derivation.statement.source, derivation.derives_span, label)
            })
        };
        let name = name(model, *target);
        // A policy with an error may read any attribute.
        if !read.contains(target) && !policies.has_errors {
            let warning = Diagnostic::warning(Code::DerivationUnused, format!("no policy reads `{name}`"));
            warnings.push(labelled(warning, "derived here").help("read it in a check, or remove its derivations"));
        }
        if is_constant(model, whole, attribute) {
            let message = format!("`{name}` is the same for every `{}`", model.short_name(target.0));
            let warning = Diagnostic::warning(Code::DerivationConstant, message);
            let root = model.short_name(model.root);
            warnings.push(labelled(warning, "no condition names `resource`").help(format!(
                "add what principal and resource have in common, such as `principal in resource`; derive a value of the \
                 whole account for `{root}`"
            )));
        }
    }
    warnings
}

/// Returns whether no derivation of an attribute names the resource, although there may be several resources and several
/// principals. A single principal is a value of the account, which every resource may have on purpose.
fn is_constant(model: &Model, whole: &Whole, attribute: &DerivedAttribute) -> bool {
    let names_resource =
        |body: &Body| nodes(&whole.program, body).any(|node| whole.program.node(node).kind == NodeKind::Resource);
    model.ty(attribute.ty).may_have_several()
        && attribute.parts.iter().any(|part| model.ty(part.body.principal).may_have_several())
        && !attribute.parts.iter().any(|part| part.defines || names_resource(&part.body))
}
