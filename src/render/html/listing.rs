//! Lines of a file with marked places and labels, from the places of a document.

use crate::render::document::{Finding, Span};
use crate::render::labels;
use std::borrow::Cow;
use std::ops::Range;

/// The widest indentation of a label. A label of a place further to the right begins at the left.
const WIDEST_PAD: usize = 90;

/// Lines of one clause that are shown.
const CLAUSE_LINES: usize = 12;

/// Lines of one file.
#[derive(Debug)]
pub(super) struct Listing<'d> {
    /// The name of the file.
    pub file: &'d str,
    /// The line of the first place.
    pub line: usize,
    /// The column of the first place.
    pub column: usize,
    /// The lines in order.
    pub lines: Vec<Line<'d>>,
}

/// A line of a file, with marked places.
#[derive(Debug)]
pub(super) struct Line<'d> {
    /// The number of the line.
    pub number: usize,
    /// Whether the listing omits lines before it.
    pub skips: bool,
    /// The number of spaces before the text.
    indent: usize,
    /// The text without spaces around it.
    text: Cow<'d, str>,
    /// The marked places, in order. They do not overlap.
    marks: Vec<Mark>,
}

/// A marked place of a line.
#[derive(Debug)]
struct Mark {
    range: Range<usize>,
    notes: Vec<String>,
}

/// Returns the clauses of a finding in the policy files.
pub(super) fn policy<'d>(finding: &'d Finding<'_>) -> Vec<Listing<'d>> {
    let clauses = finding.clauses.iter().map(|clause| {
        let lines = clause.text.lines().take(CLAUSE_LINES).enumerate();
        let mut lines: Vec<Line<'_>> = lines
            .map(|(at, line)| {
                // The text of the clause begins at its column; its other lines are whole.
                let before = if at == 0 { clause.span.start.column.saturating_sub(1) } else { 0 };
                let mut line = Line::new(clause.span.start.line + at, line);
                line.indent += before;
                line.mark(0..line.text.len());
                line
            })
            .collect();
        if let Some(mark) = lines.last_mut().and_then(|last| last.marks.first_mut()) {
            mark.notes.push(labels::clause_label(clause));
        }
        (&clause.span, lines)
    });
    listings(clauses)
}

/// Returns the values of a finding in the snapshot, and in the schema if they are defaults.
pub(super) fn snapshot<'d>(finding: &'d Finding<'_>) -> Vec<Listing<'d>> {
    labelled(labels::values(finding))
}

/// Returns labelled places, each in the line that the document has.
pub(super) fn labelled<'d>(places: Vec<(&'d Span<'d>, String)>) -> Vec<Listing<'d>> {
    listings(places.into_iter().map(|(span, label)| {
        let mut line = line_of(span);
        if let Some(mark) = line.marks.first_mut() {
            mark.notes.extend(Some(label).filter(|label| !label.is_empty()));
        }
        (span, vec![line])
    }))
}

fn line_of<'d>(span: &'d Span<'d>) -> Line<'d> {
    let text = span.excerpt.as_ref().map_or("", |excerpt| &excerpt.text);
    let mut line = Line::new(span.start.line, text);
    let range = span.excerpt.as_ref().map_or(0..0, |excerpt| excerpt.start..excerpt.end.max(excerpt.start));
    let byte = |at: usize| {
        let inside = at.saturating_sub(line.indent);
        line.text.char_indices().nth(inside).map_or(line.text.len(), |(at, _)| at)
    };
    line.mark(byte(range.start)..byte(range.end));
    line
}

impl<'d> Line<'d> {
    fn new(number: usize, written: &'d str) -> Self {
        let text = written.trim_start();
        let indent = written.chars().count() - text.chars().count();
        let text = text.trim_end();
        let text = if text.contains('\t') { text.replace('\t', " ").into() } else { text.into() };
        Self { number, skips: false, indent, text, marks: Vec::new() }
    }

    fn mark(&mut self, range: Range<usize>) {
        self.marks.push(Mark { range, notes: Vec::new() });
    }

    /// Adds the marks of another line if it is the same line and they do not overlap; otherwise returns it.
    fn absorb(&mut self, other: Self) -> Option<Self> {
        let is_same = (self.number, self.indent, &self.text) == (other.number, other.indent, &other.text);
        let is_apart = |new: &Mark| {
            let overlaps = |known: &Mark| known.range.start < new.range.end && new.range.start < known.range.end;
            !self.marks.iter().any(|known| known.range != new.range && overlaps(known))
        };
        if !is_same || !other.marks.iter().all(is_apart) {
            return Some(other);
        }
        for mark in other.marks {
            match self.marks.iter_mut().find(|known| known.range == mark.range) {
                Some(known) => known.notes.extend(mark.notes),
                None => self.marks.push(mark),
            }
        }
        self.marks.sort_by_key(|mark| (mark.range.start, mark.range.end));
        None
    }

    /// Returns the spaces before the text.
    pub(super) fn margin(&self) -> String {
        " ".repeat(self.indent)
    }

    /// Returns the parts of the text, each with whether it is marked.
    pub(super) fn parts(&self) -> Vec<(bool, &str)> {
        let mut parts = Vec::new();
        let mut at = 0;
        for mark in &self.marks {
            parts.push((false, self.text.get(at..mark.range.start).unwrap_or_default()));
            parts.push((true, self.text.get(mark.range.clone()).unwrap_or_default()));
            at = mark.range.end;
        }
        parts.push((false, self.text.get(at..).unwrap_or_default()));
        parts.retain(|(_, text)| !text.is_empty());
        parts
    }

    /// Returns the labels, each with the spaces before it.
    pub(super) fn notes(&self) -> impl Iterator<Item = (String, &str)> {
        self.marks.iter().flat_map(|mark| {
            let before = self.text.get(..mark.range.start).map_or(0, |before| before.chars().count());
            let pad = Some(self.indent + before).filter(|pad| *pad <= WIDEST_PAD).unwrap_or(0);
            mark.notes.iter().map(move |note| (" ".repeat(pad), note.as_str()))
        })
    }
}

/// Returns lines by file, in the order of the first places, and of a file in the order of its lines.
fn listings<'d>(places: impl Iterator<Item = (&'d Span<'d>, Vec<Line<'d>>)>) -> Vec<Listing<'d>> {
    let mut listings: Vec<Listing<'d>> = Vec::new();
    for (span, lines) in places {
        let (file, line, column) = (&*span.file, span.start.line, span.start.column);
        let at = listings.iter().position(|listing| listing.file == file).unwrap_or(listings.len());
        if at == listings.len() {
            listings.push(Listing { file, line, column, lines: Vec::new() });
        }
        let Some(listing) = listings.get_mut(at) else { continue };
        for line in lines {
            let mut new = Some(line);
            for known in &mut listing.lines {
                new = new.and_then(|line| known.absorb(line));
            }
            listing.lines.extend(new);
        }
    }
    listings.iter_mut().for_each(Listing::arrange);
    listings
}

impl Listing<'_> {
    /// Sorts the lines, and removes their common indentation.
    fn arrange(&mut self) {
        self.lines.sort_by_key(|line| line.number);
        let indents = self.lines.iter().filter(|line| !line.text.is_empty()).map(|line| line.indent);
        let common = indents.min().unwrap_or(0);
        let mut next = None;
        for line in &mut self.lines {
            line.indent = line.indent.saturating_sub(common).min(WIDEST_PAD);
            line.skips = next.is_some_and(|next| line.number > next);
            next = Some(line.number + 1);
        }
    }
}
