//! Numbers of verdicts.

use super::Counts;
use crate::engine::Verdict;

/// Returns how often a verdict was given.
pub(crate) fn count(counts: &Counts, verdict: Verdict) -> usize {
    counts.get(&verdict).copied().unwrap_or(0)
}

/// Adds numbers of verdicts.
pub(crate) fn add(counts: &mut Counts, more: &Counts) {
    for (verdict, count) in more {
        let sum = counts.entry(*verdict).or_insert(0);
        *sum = sum.saturating_add(*count);
    }
}
