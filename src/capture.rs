//! Exports of an account to a snapshot.
//!
//! This module does not know any vendor: a pack describes its sources as data. It takes texts and does not read files.
//! A source that cannot be used as a whole is an error, and no snapshot is written. A row or cell that cannot be read, and
//! values that contradict each other, are errors too; the snapshot is written, and states that they are not captured.

pub mod node;
pub mod secrets;
pub mod saml;
mod conflict;
pub mod scim;
mod places;
pub mod description;
mod layout;
pub mod template;
pub mod status;
pub mod export;
mod reports;
mod csv;
pub mod cell;
mod key;
mod rows;
mod log;
mod origin;
mod doubt;
mod join;
mod tree;
mod scope;
mod optional;
mod write;
mod assemble;

use crate::diagnostic::{Diagnostic, sort};
use crate::schema::Model;
use crate::snapshot::Secrets;
use crate::source::Source;
use crate::source::derived::Trace;
use cell::Dates;
use description::Description;
use export::Export;
use reports::Reports;
use std::io::{self, Write};
use std::sync::Arc;

/// A file of a capture.
#[derive(Debug, Clone)]
pub struct Given {
    /// The number of its feed in the description.
    pub feed: usize,
    /// The id of the instance that it belongs to, such as `WS1/LIVE`.
    pub scope: Option<String>,
    /// The file.
    pub export: Export,
}

/// Settings of a capture.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The meaning of dates.
    pub dates: Dates,
    /// The latest time that a document may state as its own, in milliseconds since 1970.
    pub latest: Option<i64>,
    /// Whether the newer of two sources wins.
    pub prefer_newer: bool,
    /// The person who exported the sources.
    pub captured_by: Option<String>,
    /// The built-in pack that the description is part of. Then a help states how to copy the description.
    pub built_in: Option<String>,
}

/// The inputs of a capture.
#[derive(Debug)]
pub struct Inputs<'c> {
    /// The schema.
    pub model: &'c Model,
    /// The description.
    pub description: &'c Description,
    /// The files.
    pub given: Vec<Given>,
    /// A snapshot whose values are kept if no file has them.
    pub old: Option<Export>,
    /// The settings.
    pub settings: Settings,
}

/// The result of a capture.
#[derive(Debug)]
pub struct Outcome {
    /// Problems of the files.
    pub diagnostics: Vec<Diagnostic>,
    /// Facts about the capture.
    pub notes: Vec<String>,
    /// The places that excerpts of the diagnostics mask. If the snapshot was returned as a text, also those that excerpts of
    /// its files mask.
    pub secrets: Vec<Secrets>,
    /// Whether a snapshot was written.
    pub is_written: bool,
}

/// Writes the snapshot of some files.
///
/// # Errors
/// When `out` cannot be written.
pub fn capture(inputs: Inputs<'_>, out: &mut dyn Write) -> io::Result<Outcome> {
    traced(inputs, out, None)
}

/// Returns the snapshot of some files as a text in which the place of a value is that in its file. `None` if there is no
/// snapshot, or if it does not fit 32-bit positions.
///
/// # Errors
/// None are known: the snapshot is written to memory.
pub fn capture_source(inputs: Inputs<'_>, name: &str) -> io::Result<(Outcome, Option<Arc<Source>>)> {
    let (mut text, mut trace) = (Vec::new(), Trace::default());
    let outcome = traced(inputs, &mut text, Some(&mut trace))?;
    let text = String::from_utf8(text).ok().filter(|_| outcome.is_written);
    let source = text.and_then(|text| trace.finish(name, text).ok());
    Ok((outcome, source))
}

fn traced(inputs: Inputs<'_>, out: &mut dyn Write, trace: Option<&mut Trace>) -> io::Result<Outcome> {
    let description = match &inputs.settings.built_in {
        Some(pack) => format!(
            "a copy of the capture description: write it with `deodar new capture {pack} --output capture.toml`, \
             and pass --policies capture.toml"
        ),
        None => format!("`{}`", inputs.description.source.name()),
    };
    let exports = inputs.given.iter().map(|given| &given.export).chain(&inputs.old).filter(|_| trace.is_some());
    let shown: Vec<Arc<Source>> = exports.flat_map(|export| export.source.files()).cloned().collect();
    let mut reports = Reports::new(&description);
    let assembled = assemble::assemble(inputs, &mut reports);
    let is_written = assembled.is_some();
    if let Some(assembled) = assembled {
        assembled.write(out, trace, &mut reports)?;
    }
    let (notes, secrets) = (reports.notes().to_vec(), reports.secrets(&shown));
    let mut diagnostics = reports.finish();
    sort(&mut diagnostics);
    Ok(Outcome { diagnostics, notes, secrets, is_written })
}
