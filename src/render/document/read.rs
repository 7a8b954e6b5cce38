//! Documents that were saved, read back.

use super::{Account, Document, VERSION};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Source, Span};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::sync::Arc;

/// A saved document: of a whole run, or a line about one account.
#[derive(Debug)]
pub enum Saved {
    /// A run: `deodar-report`, or `deodar-run` at the end of NDJSON.
    Run(Box<Document<'static>>),
    /// One account of a run.
    Account(Box<Account<'static>>),
}

/// The properties that say which document this is.
#[derive(Default, Deserialize)]
struct Head {
    format: Option<String>,
    version: Option<String>,
}

impl Saved {
    /// Reads all documents of a file: one report, or lines of NDJSON.
    ///
    /// # Errors
    /// When the text is not JSON, or a document is of another kind or major version, or lacks something.
    pub fn read(source: &Arc<Source>) -> Result<Vec<Self>, Diagnostic> {
        let text = source.text().trim_start_matches('\u{feff}');
        let mark = source.text().len() - text.len();
        let mut found = Vec::new();
        for document in serde_json::Deserializer::from_str(text).into_iter::<&RawValue>() {
            let document = document.map_err(|error| incomplete(source, mark, text, &error))?.get();
            let before = document.as_ptr() as usize - text.as_ptr() as usize;
            found.push(Self::document(source, mark + before, document)?);
        }
        if found.is_empty() {
            return Err(not_a_report(source));
        }
        Ok(found)
    }

    /// Reads the document that begins at an offset of the source.
    fn document(source: &Arc<Source>, offset: usize, text: &str) -> Result<Self, Diagnostic> {
        let wrong = |error: serde_json::Error| incomplete(source, offset, text, &error);
        // A document of another kind need not be an object, or its properties may be of other types.
        let head: Head = serde_json::from_str(text).unwrap_or_default();
        let format = head.format.as_deref().unwrap_or_default();
        if !["deodar-report", "deodar-run", "deodar-account"].contains(&format) {
            return Err(not_a_report(source));
        }
        let version = head.version.unwrap_or_default();
        if major(&version) != major(VERSION) {
            let message = format!("`{}` is a report of version `{version}`, not `{VERSION}`", source.name());
            return Err(Diagnostic::error(Code::SavedReport, message)
                .help("check the snapshot again, or use the release of Deodar that wrote the report"));
        }
        Ok(match format {
            "deodar-account" => Saved::Account(Box::new(serde_json::from_str(text).map_err(wrong)?)),
            _ => Saved::Run(Box::new(serde_json::from_str(text).map_err(wrong)?)),
        })
    }
}

fn not_a_report(source: &Source) -> Diagnostic {
    let message = format!("`{}` is not a report of `deodar check`", source.name());
    Diagnostic::error(Code::SavedReport, message)
        .help("write the report with `deodar check --output json=FILE` or `--output ndjson=FILE`")
}

fn major(version: &str) -> &str {
    version.split('.').next().unwrap_or_default()
}

fn incomplete(source: &Arc<Source>, offset: usize, text: &str, error: &serde_json::Error) -> Diagnostic {
    let at = u32::try_from(offset + offset_in(text, error.line(), error.column())).unwrap_or(u32::MAX);
    let said = error.to_string();
    let reason = said.rsplit_once(" at line ").map_or(said.as_str(), |(reason, _)| reason);
    Diagnostic::error(Code::SavedReport, format!("`{}` is not a complete report: {reason}", source.name()))
        .label(source, Span::new(at, at), "")
        .help("check the snapshot again; a report is written as a whole and is not edited")
}

/// Returns the offset of a position that serde_json states: lines from 1, columns in bytes from 1.
fn offset_in(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let mut at = (before + column.saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
