//! The missing data of a run: each place that was not captured once, with the verdicts and the checks that need it.

use super::document::{Capture, Document, Finding};
use crate::engine::Verdict;
use crate::report::ReadState;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// A place that was not captured.
#[derive(Debug)]
pub(super) struct Gap<'d> {
    /// The path of the snapshot.
    pub snapshot: &'d str,
    /// The JSON pointer of the place.
    pub pointer: &'d str,
    /// Type and attribute.
    pub attribute: &'d str,
    /// The `@doc` of the attribute.
    pub doc: Option<&'d str>,
    /// For a partial list, the missing property of its `@total` or `@more`.
    pub lacks: Option<&'d str>,
    /// The indices of the findings whose verdict needs it.
    pub findings: BTreeSet<usize>,
    /// The ids of their checks.
    pub checks: BTreeSet<&'d str>,
}

/// Returns the places that unknown verdicts need, the largest number of verdicts first; then in the order of snapshots
/// and pointers.
pub(super) fn gaps<'d>(document: &'d Document<'_>) -> Vec<Gap<'d>> {
    let mut gaps: BTreeMap<(&str, &str), Gap<'d>> = BTreeMap::new();
    for (at, finding) in document.findings.iter().enumerate().filter(|(_, it)| it.verdict == Verdict::Unknown) {
        for capture in finding.capture.iter().flatten() {
            // A place of one snapshot is another place than the same one of another snapshot.
            let place = (&*finding.snapshot, &*capture.pointer);
            let gap = gaps.entry(place).or_insert_with(|| new(finding, capture));
            gap.findings.insert(at);
            gap.checks.insert(&finding.check);
        }
    }
    let mut gaps: Vec<Gap<'d>> = gaps.into_values().collect();
    gaps.sort_by_key(|gap| Reverse(gap.findings.len()));
    gaps
}

fn new<'d>(finding: &'d Finding<'_>, capture: &'d Capture<'_>) -> Gap<'d> {
    Gap {
        snapshot: &finding.snapshot,
        pointer: &capture.pointer,
        attribute: &capture.attribute,
        doc: capture.doc.as_deref(),
        lacks: lacks(finding, &capture.pointer),
        findings: BTreeSet::new(),
        checks: BTreeSet::new(),
    }
}

/// Returns the property whose absence makes the list at a pointer partial.
fn lacks<'d>(finding: &'d Finding<'_>, pointer: &str) -> Option<&'d str> {
    let reads = || finding.clauses.iter().flat_map(|clause| &clause.reads);
    let own = reads().map(|read| (read.state, read.pointer.as_deref(), read.lacks.as_deref()));
    let lists = reads().filter_map(|read| read.derived_from.as_ref()).flat_map(|from| &from.uncaptured);
    let lists = lists.map(|list| (list.state, Some(&*list.pointer), list.lacks.as_deref()));
    own.chain(lists).find(|(state, at, _)| *state == ReadState::Partial && *at == Some(pointer))?.2
}

/// Returns the number of verdicts that need one of some places; a verdict may need several.
pub(super) fn blocked(gaps: &[Gap<'_>]) -> usize {
    gaps.iter().flat_map(|gap| &gap.findings).collect::<BTreeSet<_>>().len()
}

/// Returns the number of checks that need one of some places.
pub(super) fn blocked_checks(gaps: &[Gap<'_>]) -> usize {
    gaps.iter().flat_map(|gap| &gap.checks).collect::<BTreeSet<_>>().len()
}
