//! Diagnostics of a capture: the first few of a kind for each file, and the number of the others.

use super::node::Node;
use super::secrets::{self, Screening};
use crate::diagnostic::{Code, Diagnostic, DiagnosticLevel};
use crate::snapshot::Secrets;
use crate::source::{Place, Source, Span};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
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
    hidden: Vec<Place>,
    /// Cells that excerpts mask, by table.
    cells: Vec<(Arc<Source>, Vec<Span>)>,
    /// The words for a place of the capture description that a user can change.
    description: String,
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
        self.hidden.push(place.clone());
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
        self.hidden.extend(screening.places);
        !screening.has_secret_name
    }

    /// Returns whether a place has a part of a secret, or is a part of one.
    pub(super) fn hides(&self, place: &Place) -> bool {
        let is_it = |hidden: &&Place| {
            let (one, two) = (hidden.span, place.span);
            Arc::ptr_eq(&hidden.source, &place.source) && one.start < two.end && two.start < one.end
        };
        self.hidden.iter().any(|hidden| is_it(&hidden))
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
            let hidden = self.hidden.iter().filter(|place| Arc::ptr_eq(&place.source, source)).map(|place| place.span);
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
