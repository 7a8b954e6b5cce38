//! The accounts of the findings, and their parts: the outermost instances that contain other resources, for example
//! workspaces.

use crate::render::document::{Document, Finding};
use std::collections::BTreeSet;

/// The values of the filters by account and by part.
#[derive(Debug)]
pub(super) struct Areas<'d> {
    /// The ids of accounts with findings, in order.
    pub accounts: BTreeSet<&'d str>,
    /// The ids of parts, in order.
    pub parts: BTreeSet<&'d str>,
}

impl<'d> Areas<'d> {
    pub(super) fn of(document: &'d Document<'_>) -> Self {
        let contained = document.findings.iter().filter(|finding| is_contained(finding));
        Self {
            accounts: document.findings.iter().map(|finding| &*finding.account).collect(),
            parts: contained.map(outermost).collect(),
        }
    }

    /// Returns the part that a resource belongs to, or is.
    pub(super) fn part_of(&self, finding: &'d Finding<'_>) -> Option<&'d str> {
        Some(outermost(finding)).filter(|part| self.parts.contains(part))
    }
}

/// Returns the first part of an id: an id has the ids of the enclosing instances before its own.
fn outermost<'d>(finding: &'d Finding<'_>) -> &'d str {
    let id: &str = &finding.resource.id;
    id.split_once('/').map_or(id, |(first, _)| first)
}

/// Returns whether a resource is in another instance. A key may contain the character that separates ids, so the pointer
/// must have the outermost id, or the positions of two instances.
fn is_contained(finding: &Finding<'_>) -> bool {
    let Some((first, rest)) = finding.resource.id.split_once('/') else { return false };
    let mut segments = finding.resource.pointer.split('/').skip(1);
    let is_position = |segment: &str| !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit());
    let positions = segments.clone().filter(|segment| is_position(segment)).count();
    !first.is_empty() && (positions > 1 || positions == 1 && rest == "*" || segments.any(|segment| segment == first))
}
