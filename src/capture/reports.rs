//! Diagnostics of a capture: the first few of a kind for each file, and the number of the others.

use super::node::Node;
use super::secrets::{self, Screening};
use crate::diagnostic::{Code, Diagnostic, DiagnosticLevel};
use crate::snapshot::Secrets;
use crate::source::{Place, Source, Span};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// The number of diagnostics of one kind and file.
const SHOWN: usize = 3;

/// Collected diagnostics and notes.
#[derive(Debug, Default)]
pub(super) struct Reports {
    diagnostics: Vec<Diagnostic>,
    /// By kind and file.
    counts: BTreeMap<(&'static str, String), Count>,
    notes: Vec<String>,
    /// Places that excerpts mask.
    hidden: Hidden,
    /// Cells that excerpts mask, by table.
    cells: Vec<(Arc<Source>, Vec<Span>)>,
    /// The words for a place of the capture description that a user can change.
    description: String,
}

/// Places by their texts.
#[derive(Debug, Default)]
struct Hidden(HashMap<*const Source, SpansOfText>);

/// The spans of a text by their starts, with their ends. None overlap.
#[derive(Debug)]
struct SpansOfText {
    /// Keeps the text, so that no other one has its address.
    _source: Arc<Source>,
    ends: BTreeMap<u32, u32>,
}

impl Hidden {
    fn add(&mut self, place: &Place) {
        let new = || SpansOfText { _source: Arc::clone(&place.source), ends: BTreeMap::new() };
        let ends = &mut self.0.entry(Arc::as_ptr(&place.source)).or_insert_with(new).ends;
        let Span { mut start, mut end } = place.span;
        while let Some((first, last)) = overlapping(ends, Span::new(start, end)) {
            ends.remove(&first);
            (start, end) = (start.min(first), end.max(last));
        }
        ends.insert(start, end);
    }

    /// Returns whether a place overlaps with one of them.
    fn overlaps(&self, place: &Place) -> bool {
        let spans = self.0.get(&Arc::as_ptr(&place.source));
        spans.is_some_and(|spans| overlapping(&spans.ends, place.span).is_some())
    }

    /// Returns the spans of a text.
    fn spans(&self, source: &Arc<Source>) -> impl Iterator<Item = Span> {
        let spans = self.0.get(&Arc::as_ptr(source)).into_iter();
        spans.flat_map(|spans| &spans.ends).map(|(start, end)| Span::new(*start, *end))
    }
}

/// Returns the start and the end of the last span that overlaps with another one.
fn overlapping(ends: &BTreeMap<u32, u32>, span: Span) -> Option<(u32, u32)> {
    let (start, end) = ends.range(..span.end).next_back()?;
    (*end > span.start).then_some((*start, *end))
}

/// The diagnostics of one kind for a file.
#[derive(Debug)]
struct Count {
    /// The code and the level of the first.
    code: Code,
    level: DiagnosticLevel,
    /// The starts of their places. Two targets of one file may report the same place.
    starts: HashSet<u32>,
}

impl Reports {
    /// Returns an empty collection, with the words for a description that a user can change.
    pub(super) fn new(description: &str) -> Self {
        Self { description: description.to_owned(), ..Self::default() }
    }

    /// Returns the words for a description that a user can change.
    pub(super) fn description(&self) -> &str {
        &self.description
    }

    /// Adds a diagnostic.
    pub(super) fn push(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Adds a diagnostic of a kind that a file may have many of, unless the place has one.
    pub(super) fn report(&mut self, kind: &'static str, place: &Place, diagnostic: impl FnOnce() -> Diagnostic) {
        let key = (kind, place.source.name().to_owned());
        if let Some(count) = self.counts.get_mut(&key) {
            let is_shown = count.starts.insert(place.span.start) && count.starts.len() <= SHOWN;
            self.diagnostics.extend(is_shown.then(diagnostic));
            return;
        }
        let diagnostic = diagnostic();
        let starts = HashSet::from([place.span.start]);
        self.counts.insert(key, Count { code: diagnostic.code, level: diagnostic.level, starts });
        self.diagnostics.push(diagnostic);
    }

    /// Refuses a value that looks like a secret.
    pub(super) fn secret(&mut self, name: &str, kind: &str, place: &Place) {
        self.report("secret", place, || {
            let mut screening = Screening::default();
            screening.refuse(name, kind, place);
            let refused = screening.diagnostics.pop();
            refused.unwrap_or_else(|| Diagnostic::error(Code::CaptureSecret, "a value looks like a secret"))
        });
        self.hidden.add(place);
    }

    /// Masks cells of a table in excerpts.
    pub(super) fn hide(&mut self, table: &Arc<Source>, cells: Vec<Span>) {
        self.cells.push((Arc::clone(table), cells));
    }

    /// Removes secrets from a tree. Returns whether none is left: the names of properties are kept.
    pub(super) fn screen(&mut self, node: &mut Node) -> bool {
        let mut screening = Screening::default();
        screening.screen(node);
        self.diagnostics.extend(screening.diagnostics);
        screening.places.iter().for_each(|place| self.hidden.add(place));
        !screening.has_secret_name
    }

    /// Returns whether a place has a part of a secret, or is a part of one.
    pub(super) fn hides(&self, place: &Place) -> bool {
        self.hidden.overlaps(place)
    }

    /// Returns the places that excerpts of the diagnostics, and those of `others`, mask.
    pub(super) fn secrets(&self, others: &[Arc<Source>]) -> Vec<Secrets> {
        let labels = self.diagnostics.iter().flat_map(|diagnostic| &diagnostic.labels);
        let mut sources: Vec<&Arc<Source>> = Vec::new();
        for source in labels.map(|label| &label.place.source).chain(others) {
            if !sources.iter().any(|known| Arc::ptr_eq(known, source)) {
                sources.push(source);
            }
        }
        let secrets = sources.into_iter().map(|source| {
            let hidden = self.hidden.spans(source);
            let cells = self.cells.iter().filter(|(table, _)| Arc::ptr_eq(table, source));
            let cells = cells.flat_map(|(_, cells)| cells).copied();
            Secrets::at(source, secrets::spans(source).into_iter().chain(hidden).chain(cells).collect())
        });
        secrets.collect()
    }

    /// Adds a note: a line about the capture that is not a problem.
    pub(super) fn note(&mut self, note: String) {
        self.notes.push(secrets::masked(&note).into_owned());
    }

    /// Returns the notes.
    pub(super) fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Returns the diagnostics, with the number of those that are not shown. Their texts quote no secrets.
    pub(super) fn finish(self) -> Vec<Diagnostic> {
        let mut diagnostics = self.diagnostics;
        for ((_, file), Count { code, level, starts }) in self.counts {
            if let Some(more) = starts.len().checked_sub(SHOWN).filter(|more| *more > 0) {
                let message = format!("`{file}` has {more} more problems of this kind");
                diagnostics.push(Diagnostic { level, ..Diagnostic::error(code, message) });
            }
        }
        for diagnostic in &mut diagnostics {
            let Diagnostic { message, labels, help, .. } = diagnostic;
            let texts = labels.iter_mut().map(|label| &mut label.text);
            for text in texts.chain(help).chain([message]) {
                if let Cow::Owned(masked) = secrets::masked(text) {
                    *text = masked;
                }
            }
        }
        diagnostics
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stopwatch::Stopwatch;

    fn source(length: usize) -> Arc<Source> {
        Source::new("a.json", " ".repeat(length)).expect("it is small")
    }

    fn place(source: &Arc<Source>, start: u32, end: u32) -> Place {
        Place::new(source, Span::new(start, end))
    }

    #[test]
    fn a_place_is_hidden_if_it_overlaps_with_a_hidden_one() {
        let (text, other) = (source(12), source(12));
        let spans: Vec<(u32, u32)> = (0..12).flat_map(|start| (start + 1..=12).map(move |end| (start, end))).collect();
        // Disjoint, touching, nested and chained spans, in different orders.
        for hidden in
            [[(2, 4), (4, 5), (8, 10)], [(8, 10), (2, 9), (3, 4)], [(1, 3), (5, 7), (2, 6)], [(6, 7), (0, 12), (3, 4)]]
        {
            let mut places = Hidden::default();
            hidden.iter().for_each(|(start, end)| places.add(&place(&text, *start, *end)));
            for (start, end) in &spans {
                let expected = hidden.iter().any(|(first, last)| first < end && start < last);
                assert_eq!(places.overlaps(&place(&text, *start, *end)), expected, "{hidden:?} {start} {end}");
                assert!(!places.overlaps(&place(&other, *start, *end)));
            }
            let covered = |spans: &mut dyn Iterator<Item = (u32, u32)>| -> HashSet<u32> {
                spans.flat_map(|(start, end)| start..end).collect()
            };
            let found = covered(&mut places.spans(&text).map(|span| (span.start, span.end)));
            assert_eq!(found, covered(&mut hidden.iter().copied()), "{hidden:?}");
            assert_eq!(places.spans(&other).count(), 0);
        }
    }

    #[test]
    fn many_hidden_places_are_searched_fast() {
        const MANY: u32 = 200_000;
        let text = source(MANY as usize * 4);
        let mut reports = Reports::default();
        let mut stopwatch = Stopwatch::start();
        (0..MANY).for_each(|at| reports.secret("name", "token", &place(&text, at * 4, at * 4 + 2)));
        assert!((0..MANY).all(|at| !reports.hides(&place(&text, at * 4 + 2, at * 4 + 4))));
        assert!((0..MANY).all(|at| reports.hides(&place(&text, at * 4 + 1, at * 4 + 3))));
        assert!(stopwatch.lap().as_secs() < 60);
    }
}
