//! The reports of a store, read one after the other.

use super::accounts::{is_packed, read_whole};
use super::reports::format_of;
use super::{shown, source_of, unreadable, walk};
use crate::diagnostic::{Code, Diagnostic};
use crate::render::document::{Document, Saved, merged};
use crate::snapshot::Limits;
use crate::source::Source;
use serde::de::IgnoredAny;
use std::path::Path;
use std::sync::Arc;

/// The formats of documents that are reports of `deodar check`.
const REPORTS: [&str; 3] = ["deodar-report", "deodar-account", "deodar-run"];

/// Digits of the digest in the name of a stored report.
const DIGITS: usize = 16;

/// The files below a folder that were not used.
#[derive(Debug, Default)]
pub struct Unused {
    /// The reasons why reports could not be read, one for each file.
    pub damaged: Vec<Diagnostic>,
    /// The number of files that are not reports of `deodar check`.
    pub others: usize,
}

/// Receives the name of a file, and its report.
pub type ReportReader<'r> = dyn FnMut(&str, &Document<'_>) -> Result<(), Diagnostic> + 'r;

/// Reads every report below a folder, in order of the names of their files, and passes it to `each`. One report is in
/// memory at a time. A report that `each` refuses is damaged.
///
/// # Errors
/// When the folder cannot be read.
pub fn stored_reports(folder: &Path, each: &mut ReportReader<'_>) -> Result<Unused, Diagnostic> {
    let found = folder.metadata().map_err(|error| unreadable(&shown(folder), &error))?;
    if !found.is_dir() {
        let message = format!("cannot read `{}`: it is not a folder", shown(folder));
        return Err(Diagnostic::error(Code::Unreadable, message).help("name the folder of `deodar check --store`"));
    }
    let mut unused = Unused::default();
    for entry in walk::entries(folder) {
        let path = match entry {
            Ok(entry) if entry.file_type().is_dir() => continue,
            Ok(entry) if entry.file_type().is_file() && is_json(entry.path()) => entry.into_path(),
            Ok(_) => {
                unused.others += 1;
                continue;
            }
            Err(error) => {
                let message = format!("cannot read below `{}`: {error}", shown(folder));
                unused.damaged.push(Diagnostic::error(Code::Unreadable, message));
                continue;
            }
        };
        let name = shown(&path);
        match report(&path, &name).and_then(|report| report.map(|report| each(&name, &report)).transpose()) {
            Ok(Some(())) => {}
            Ok(None) => unused.others += 1,
            Err(error) => unused.damaged.push(error),
        }
    }
    Ok(unused)
}

/// Returns whether a file is a report of `deodar check`, whole or not.
pub fn is_stored_report(path: &Path) -> bool {
    let bytes = read_whole(path, "", Limits::default().bytes).unwrap_or_default();
    std::str::from_utf8(&bytes).is_ok_and(|text| format_of(text).is_some_and(|format| REPORTS.contains(&format)))
}

/// Returns whether a file is JSON or lines of JSON, compressed or not, by its name.
fn is_json(path: &Path) -> bool {
    let unpacked = if is_packed(path) { path.with_extension("") } else { path.to_owned() };
    let extension = unpacked.extension().unwrap_or_default();
    ["json", "ndjson", "jsonl"].iter().any(|one| extension.eq_ignore_ascii_case(one))
}

/// Returns the report in a file; `None` if the file is not one.
fn report(path: &Path, name: &str) -> Result<Option<Document<'static>>, Diagnostic> {
    let bytes = read_whole(path, name, Limits::default().bytes)?;
    let source = source_of(name, bytes, 0, 0)?;
    match format_of(source.text()) {
        Some(format) if REPORTS.contains(&format) => {
            let saved = Saved::read(&source)?.into_iter().map(|saved| (name.to_owned(), saved));
            merged(saved.collect()).map(Some)
        }
        Some(_) => Ok(None),
        None => other(path, name, &source),
    }
}

/// Returns `None` for a file that is not a report, and an error for one that may be a report that was cut.
fn other(path: &Path, name: &str, source: &Arc<Source>) -> Result<Option<Document<'static>>, Diagnostic> {
    let text = source.text().trim_start_matches('\u{feff}');
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    let is_json = !text.trim().is_empty() && values.all(|value| value.is_ok());
    if is_json && !has_stored_name(path) {
        return Ok(None);
    }
    let message = format!("`{name}` is not a complete report");
    Err(Diagnostic::error(Code::SavedReport, message)
        .help("check the snapshot again, and move the file out of the folder"))
}

/// Returns whether the name of a file ends like that of a stored report: with a digest.
fn has_stored_name(path: &Path) -> bool {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy()).unwrap_or_default();
    let digest = stem.rsplit_once('_').map_or("", |(_, digest)| digest);
    digest.len() == DIGITS && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
}
