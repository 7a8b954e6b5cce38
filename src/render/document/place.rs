//! The parts of a finding that outputs show in a line: its place, its original verdict, its waiver in words.

use super::{Clause, Finding, Read, Span, WaivedBy};
use crate::engine::Verdict;
use crate::report::ReadState;

impl<'r> Finding<'r> {
    /// Returns the verdict without a waiver.
    pub fn original(&self) -> Verdict {
        self.original_verdict.unwrap_or(self.verdict)
    }

    /// Returns the value that decided: of an unknown verdict the first unknown value, otherwise the first value that the
    /// last clause read. Values without a place are omitted.
    pub fn deciding_value(&self) -> Option<(&Clause<'r>, &Read<'r>, &Span<'r>)> {
        let placed = self.clauses.iter().flat_map(|clause| {
            let reads = clause.reads.iter().filter(|read| read.kind.is_of_snapshot());
            reads.filter_map(move |read| Some((clause, read, read.span.as_ref()?)))
        });
        let mut placed = placed.peekable();
        let first = placed.peek().copied();
        let is_unknown = |read: &Read<'_>| !matches!(read.state, ReadState::Known | ReadState::Absent);
        if self.original() == Verdict::Unknown {
            return placed.find(|(_, read, _)| is_unknown(read)).or(first);
        }
        let mut decided = first;
        for found in placed {
            if decided.is_none_or(|(clause, ..)| !std::ptr::eq(clause, found.0)) {
                decided = Some(found);
            }
        }
        decided
    }

    /// Returns the place of the deciding value in the snapshot.
    pub fn snapshot_place(&self) -> Option<&Span<'r>> {
        self.deciding_value().map(|(_, _, span)| span)
    }

    /// Returns the place of the deciding clause in the policy.
    pub fn policy_place(&self) -> Option<&Span<'r>> {
        self.deciding_value().map(|(clause, ..)| clause).or(self.clauses.last()).map(|clause| &clause.span)
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
