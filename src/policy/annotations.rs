//! The annotations of policies.

use super::parse::span_of;
use crate::source::Span;
use cedar_policy_core::parser::cst;
use smol_str::{SmolStr, ToSmolStr};
use std::collections::{BTreeMap, HashMap};

/// Annotations of a check.
pub(super) const ON_CHECK: &[&str] = &[
    "id",
    "title",
    "severity",
    "remediation",
    "source",
    "doc",
    "controls",
    "cis_v8",
    "nist_800_53",
    "iso_27001",
    "soc2",
];

/// Annotations of a derivation.
pub(super) const ON_DERIVATION: &[&str] = &["id", "derives", "distinct", "doc"];

/// Annotations of a waiver.
pub(super) const ON_WAIVER: &[&str] =
    &["id", "waives", "reason", "owner", "expires", "ticket", "fingerprint", "unknown_too", "doc"];

/// Returns whether policies may have an annotation without a declaration of the project.
pub fn is_built_in_annotation(name: &str) -> bool {
    [ON_CHECK, ON_DERIVATION, ON_WAIVER].iter().any(|known| known.contains(&name))
}

/// Characters of an id, of a title, of a list of controls, and of the texts of a waiver.
pub(super) const MAX_LENGTH: [(&str, usize); 13] = [
    ("id", 200),
    ("title", 500),
    ("derives", 1_000),
    ("distinct", 1_000),
    ("controls", 1_000),
    ("cis_v8", 1_000),
    ("nist_800_53", 1_000),
    ("iso_27001", 1_000),
    ("soc2", 1_000),
    ("waives", 200),
    ("reason", 1_000),
    ("owner", 200),
    ("ticket", 200),
];

/// An annotation of a policy.
pub(super) struct Annotation {
    pub value: SmolStr,
    /// The annotation from its `@`.
    pub span: Span,
    pub value_span: Span,
}

pub(super) fn annotations_of(policy: &cedar_policy::Policy, parts: &cst::PolicyImpl) -> BTreeMap<SmolStr, Annotation> {
    // `Policy::annotation` parses the name on every call.
    let values: HashMap<&str, &str> = policy.annotations().collect();
    let written = parts.annotations.iter().filter_map(|node| {
        let annotation = node.node.as_ref()?;
        let name = annotation.key.node.as_ref()?.to_smolstr();
        let value = (*values.get(name.as_str())?).into();
        let span = node.loc.as_ref().map(span_of)?;
        let value_span = annotation.value.as_ref().and_then(|value| value.loc.as_ref()).map_or(span, span_of);
        Some((name, Annotation { value, span, value_span }))
    });
    written.collect()
}
