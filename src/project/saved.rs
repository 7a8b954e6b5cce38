//! Saved reports, for `deodar render` and for comparisons.

use super::accounts::{read_input, read_whole};
use super::reports::format_of;
use super::unpack::Streams;
use super::{Loader, shown, source_of};
use crate::compare;
use crate::diagnostic::Diagnostic;
use crate::render::document::{Document, Saved, merged};
use crate::report::Baseline;
use crate::snapshot::Limits;
use crate::source::Source;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Reads a named file, for example one with evidence.
///
/// # Errors
/// When it cannot be read, or is not UTF-8.
pub fn named_text(path: &Path) -> Result<Arc<Source>, Diagnostic> {
    let name = shown(path);
    let bytes = read_input(path, &name, Limits::default().bytes, Streams::Refuse)?;
    source_of(&name, bytes, 0, 0)
}

/// Reads all documents in some files. A file holds one report, or lines of NDJSON.
///
/// # Errors
/// A diagnostic for each file that cannot be read.
pub fn saved_reports(paths: &[PathBuf]) -> Result<Vec<(String, Saved)>, Vec<Diagnostic>> {
    let (mut all, mut errors) = (Vec::new(), Vec::new());
    for path in paths {
        let name = if path == Path::new("-") { "(standard input)".to_owned() } else { shown(path) };
        let bytes = read_whole(path, &name, Limits::default().bytes);
        match bytes.and_then(|bytes| source_of(&name, bytes, 0, 0)).and_then(|source| Saved::read(&source)) {
            Ok(found) => all.extend(found.into_iter().map(|saved| (name.clone(), saved))),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(all) } else { Err(errors) }
}

/// Returns whether a file is a report of Deodar, whole or not.
pub fn is_report(path: &Path) -> bool {
    let bytes = read_whole(path, "", Limits::default().bytes).unwrap_or_default();
    std::str::from_utf8(&bytes).is_ok_and(|text| format_of(text).is_some())
}

/// Reads the report in one file, with the SHA-256 of the file in hexadecimal.
///
/// # Errors
/// A diagnostic if the file cannot be read or its report is not complete.
pub fn saved_report(path: &Path) -> Result<(Document<'static>, String), Vec<Diagnostic>> {
    report_in(path, Streams::Read)
}

fn report_in(path: &Path, streams: Streams) -> Result<(Document<'static>, String), Vec<Diagnostic>> {
    let name = shown(path);
    let read = || {
        let bytes = read_input(path, &name, Limits::default().bytes, streams)?;
        let sha256 = digest(&bytes);
        let saved = source_of(&name, bytes, 0, 0).and_then(|source| Saved::read(&source))?;
        Ok((merged(saved.into_iter().map(|saved| (name.clone(), saved)).collect())?, sha256))
    };
    read().map_err(|error| vec![error])
}

/// Returns the SHA-256 of bytes in hexadecimal.
fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Loader {
    /// Watches the file of a baseline, and returns its SHA-256, decompressed, in hexadecimal.
    ///
    /// # Errors
    /// A diagnostic if the file cannot be read.
    pub fn watched_baseline(&mut self, path: &Path) -> Result<String, Diagnostic> {
        self.file_states.file(path);
        read_input(path, &shown(path), Limits::default().bytes, self.streams).map(|bytes| digest(&bytes))
    }

    /// Reads a saved report as the baseline of a run.
    ///
    /// # Errors
    /// A diagnostic if the file cannot be read, or its report is not complete or not a baseline.
    pub fn baseline(&self, path: &Path) -> Result<Baseline, Vec<Diagnostic>> {
        let (document, sha256) = report_in(path, self.streams)?;
        compare::baseline(&document, &shown(path), sha256).map_err(|error| vec![error])
    }
}
