//! The parts of a finding that outputs show in a line: its place, its original verdict, its waiver in words.

use super::{Clause, Finding, Read, Span, WaivedBy};
use crate::engine::Verdict;
use crate::report::{ReadState, by_importance};

impl<'r> Finding<'r> {
    /// Returns the verdict without a waiver.
    pub fn original(&self) -> Verdict {
        self.original_verdict.unwrap_or(self.verdict)
    }

    /// Returns the clauses, those of the demand first.
    pub fn deciding_clauses(&self) -> impl Iterator<Item = &Clause<'r>> {
        by_importance(&self.clauses, |clause| clause.demand, |clause| clause.also).into_iter()
    }

    /// Returns the place in the snapshot of the value that decided: the first one with a place, of an unknown verdict the
    /// first unknown one. The place of a derived value is that of the first principal that it depends on.
    pub fn snapshot_place(&self) -> Option<&Span<'r>> {
        fn placed<'f, 'r>(read: &'f Read<'r>) -> Option<&'f Span<'r>> {
            let witness = read.derived_from.as_ref().and_then(|from| from.witnesses.first());
            witness.map(|witness| &witness.span).or(read.span.as_ref())
        }
        let reads = || self.deciding_clauses().flat_map(|clause| &clause.reads);
        let is_unknown = |read: &&Read<'_>| !matches!(read.state, ReadState::Known | ReadState::Absent);
        let unknown = || reads().filter(is_unknown).find_map(placed);
        let first = || reads().find_map(placed);
        if self.original() == Verdict::Unknown { unknown().or_else(first) } else { first() }
    }

    /// Returns the place of the deciding clause in the policy.
    pub fn policy_place(&self) -> Option<&Span<'r>> {
        self.deciding_clauses().next().map(|clause| &clause.span)
    }
}

impl WaivedBy<'_> {
    /// Returns the waiver in one line: id, owner, last day, reason and ticket.
    pub fn words(&self) -> String {
        let ticket = self.ticket.as_ref().map(|ticket| format!(" ({ticket})")).unwrap_or_default();
        format!("by {} of {} until {}: {}{ticket}", self.id, self.owner, self.expires, self.reason)
    }
}

impl Span<'_> {
    /// Returns the file, the line and the column, separated by colons.
    pub fn shown(&self) -> String {
        format!("{}:{}:{}", self.file, self.start.line, self.start.column)
    }
}
