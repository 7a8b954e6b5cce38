//! Evidence in brief: that of verdicts that are not findings, and of findings that are compared.

use super::{Clause, Finding, Place, Read, Reading, Reason, Span};
use crate::report::{ClauseReport, ReadReport};
use crate::source;
use std::borrow::Cow;

impl<'r> Reason<'r> {
    /// Returns the brief form of a clause of a report.
    pub(super) fn of(clause: &'r ClauseReport) -> Self {
        Self {
            clause: clause.place.text().into(),
            outcome: clause.outcome,
            place: Place::of(&clause.place),
            values: clause.reads.iter().map(Reading::of).collect(),
        }
    }
}

impl<'r> Reading<'r> {
    fn of(read: &'r ReadReport) -> Self {
        Self {
            kind: read.kind,
            name: read.name.as_str().into(),
            entity: read.entity.as_deref().map(Cow::from),
            state: read.state,
            value: read.value.as_deref().map(Cow::from),
            place: read.place.as_ref().map(Place::of),
        }
    }
}

impl<'r> Place<'r> {
    fn of(place: &'r source::Place) -> Self {
        let source::Position { line, column, .. } = place.source.position(place.span.start);
        Self { file: place.source.name().into(), line, column }
    }

    fn of_span(span: &'r Span<'_>) -> Self {
        Self { file: Cow::Borrowed(&span.file), line: span.start.line, column: span.start.column }
    }

    /// Returns the file, the line and the column, separated by colons.
    pub fn shown(&self) -> String {
        format!("{}:{}:{}", self.file, self.line, self.column)
    }
}

impl Finding<'_> {
    /// Returns the evidence in brief.
    pub fn reasons(&self) -> Vec<Reason<'_>> {
        self.clauses.iter().map(brief).collect()
    }
}

fn brief<'r>(clause: &'r Clause<'_>) -> Reason<'r> {
    let reading = |read: &'r Read<'_>| Reading {
        kind: read.kind,
        name: Cow::Borrowed(&read.name),
        entity: read.entity.as_deref().map(Cow::from),
        state: read.state,
        value: read.value.as_deref().map(Cow::from),
        place: read.span.as_ref().map(Place::of_span),
    };
    Reason {
        clause: Cow::Borrowed(&clause.text),
        outcome: clause.outcome,
        place: Place::of_span(&clause.span),
        values: clause.reads.iter().map(reading).collect(),
    }
}
