//! Diagnostics of a capture: the first few of a kind for each file, and the number of the others.

use super::node::Node;
use super::secrets::{self, Screening};
use crate::diagnostic::{Code, Diagnostic, DiagnosticLevel};
use crate::snapshot::Secrets;
use crate::source::{Place, Source};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The number of diagnostics of one kind and file.
const SHOWN: usize = 3;
/// The number of places of secrets that are kept.
const MAX_HIDDEN: usize = 10_000;

/// Collected diagnostics and notes.
#[derive(Debug, Default)]
pub(super) struct Reports {
    diagnostics: Vec<Diagnostic>,
    /// By kind and file: the number, and the code and level of the first.
    counts: BTreeMap<(&'static str, String), (usize, Code, DiagnosticLevel)>,
    notes: Vec<String>,
    /// Places that excerpts mask.
    hidden: Vec<Place>,
}

impl Reports {
    /// Adds a diagnostic.
    pub(super) fn push(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Adds a diagnostic of a kind that a file may have many of.
    pub(super) fn report(&mut self, kind: &'static str, source: &Source, diagnostic: impl FnOnce() -> Diagnostic) {
        let known = self.counts.get_mut(&(kind, source.name().to_owned()));
        match known {
            Some((count, ..)) if *count >= SHOWN => *count += 1,
            known => {
                let diagnostic = diagnostic();
                match known {
                    Some((count, ..)) => *count += 1,
                    None => {
                        let first = (1, diagnostic.code, diagnostic.level);
                        self.counts.insert((kind, source.name().to_owned()), first);
                    }
                }
                self.diagnostics.push(diagnostic);
            }
        }
    }

    /// Refuses a value that looks like a secret.
    pub(super) fn secret(&mut self, name: &str, kind: &str, place: &Place) {
        self.report("secret", &place.source, || {
            let mut screening = Screening::default();
            screening.refuse(name, kind, place);
            let refused = screening.diagnostics.pop();
            refused.unwrap_or_else(|| Diagnostic::error(Code::CaptureSecret, "a value looks like a secret"))
        });
        if self.hidden.len() < MAX_HIDDEN {
            self.hidden.push(place.clone());
        }
    }

    /// Removes secrets from a tree.
    pub(super) fn screen(&mut self, node: &mut Node) {
        let mut screening = Screening::default();
        screening.screen(node);
        self.diagnostics.extend(screening.diagnostics);
        self.hidden.extend(screening.places);
    }

    /// Returns the places that excerpts of the diagnostics mask.
    pub(super) fn secrets(&self) -> Vec<Secrets> {
        let labels = self.diagnostics.iter().flat_map(|diagnostic| &diagnostic.labels);
        let mut sources: Vec<&Arc<Source>> = Vec::new();
        for label in labels {
            if !sources.iter().any(|known| Arc::ptr_eq(known, &label.place.source)) {
                sources.push(&label.place.source);
            }
        }
        let secrets = sources.into_iter().map(|source| {
            let hidden = self.hidden.iter().filter(|place| Arc::ptr_eq(&place.source, source)).map(|place| place.span);
            Secrets::at(source, secrets::spans(source).into_iter().chain(hidden).collect())
        });
        secrets.collect()
    }

    /// Adds a note: a line about the capture that is not a problem.
    pub(super) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// Returns the notes.
    pub(super) fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Returns the diagnostics, with the number of those that are not shown.
    pub(super) fn finish(self) -> Vec<Diagnostic> {
        let mut diagnostics = self.diagnostics;
        for ((_, file), (count, code, level)) in self.counts.into_iter().filter(|(_, (count, ..))| *count > SHOWN) {
            let message = format!("`{file}` has {} more problems of this kind", count - SHOWN);
            diagnostics.push(Diagnostic { level, ..Diagnostic::error(code, message) });
        }
        diagnostics
    }
}
