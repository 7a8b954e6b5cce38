//! The document of a run as JSON. Its schema is `schemas/report.schema.json`.
//!
//! Findings and other verdicts are compact, one on a line.

use super::chunks::{write_listed, write_saved};
use super::document::{ByControl, Check, Diagnostic, Document, Run, Summary, Text, Tool, Waiver};
use super::layout::Detail;
use super::output::{Audience, Format, JSON_FILES, Output, Presentation, Unit};
use crate::report::{Evidence, Needs, Report};
use serde::Serialize;
use std::io::{self, Write};

/// The format.
pub(super) const FORMAT: Format = Format {
    name: "json",
    help: "For programs; described by schemas/report.schema.json",
    audience: Audience::Programs,
    unit: Unit::Run,
    recognised: JSON_FILES,
    new: |presentation| Box::new(Json(presentation.clone())),
    saved: Some(write),
};

#[derive(Debug)]
struct Json(Presentation);

impl Output for Json {
    fn needs(&self) -> Needs {
        Needs {
            findings: Evidence::All,
            not_applicable: self.0.style.detail == Detail::Verbose,
            all_verdicts: self.0.all_verdicts,
            diagnostics: Evidence::All,
            covered: true,
            snapshots: Evidence::All,
            digests: true,
            ..Needs::NOTHING
        }
    }

    fn finish(&mut self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        write_report(report, &self.needs(), out)
    }
}

/// The text between two items of a list.
const BETWEEN: &[u8] = b",\n    ";

/// Writes a saved document.
fn write(document: &Document<'_>, _: &Presentation, out: &mut dyn Write) -> io::Result<()> {
    write_parts(document, out, |out| {
        let findings = &document.findings;
        write_list("findings", findings.len(), out, |out| write_saved(findings, BETWEEN, line, out))?;
        match &document.other_verdicts {
            Some(others) => {
                write_list("other_verdicts", others.len(), out, |out| write_saved(others, BETWEEN, line, out))
            }
            None => Ok(()),
        }
    })
}

/// Writes the document of a report.
pub(super) fn write_report(report: &Report, needs: &Needs, out: &mut dyn Write) -> io::Result<()> {
    write_parts(&Document::without_findings(report, needs), out, |out| {
        let listed = report.listed_for(needs);
        write_list("findings", listed.len(), out, |out| {
            write_listed(report, &listed, BETWEEN, |builder, found, text| line(&builder.finding(found), text), out)
        })?;
        if !needs.all_verdicts {
            return Ok(());
        }
        let others = report.others_for(needs);
        write_list("other_verdicts", others.len(), out, |out| {
            write_listed(report, &others, BETWEEN, |builder, found, text| line(&builder.other(found), text), out)
        })
    })
}

/// Appends an item of a list.
fn line<T: Serialize>(item: &T, text: &mut Vec<u8>) -> io::Result<()> {
    Ok(serde_json::to_writer(text, item)?)
}

/// The properties of a document before its findings.
#[derive(Serialize)]
struct Before<'d, 'r> {
    format: &'d Text<'r>,
    version: &'d Text<'r>,
    tool: &'d Tool<'r>,
    run: &'d Run<'r>,
    summary: &'d Summary,
    checks: &'d [Check<'r>],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    waivers: &'d [Waiver<'r>],
    #[serde(skip_serializing_if = "Option::is_none")]
    by_control: Option<&'d ByControl<'r>>,
}

/// The properties of a document after its findings.
#[derive(Serialize)]
struct After<'d, 'r> {
    diagnostics: &'d [Diagnostic<'r>],
}

/// Writes the properties of a document as [`serde_json::to_writer_pretty`] does; `lists` writes those that are lists of
/// findings and of other verdicts.
fn write_parts(
    document: &Document<'_>,
    out: &mut dyn Write,
    lists: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let Document { format, version, tool, run, summary, checks, waivers, by_control, diagnostics, .. } = document;
    let by_control = by_control.as_ref();
    let before = Before { format, version, tool, run, summary, checks, waivers, by_control };
    let before = serde_json::to_vec_pretty(&before)?;
    out.write_all(before.strip_suffix(b"\n}").unwrap_or_default())?;
    lists(out)?;
    let after = serde_json::to_vec_pretty(&After { diagnostics })?;
    out.write_all(b",")?;
    out.write_all(after.strip_prefix(b"{").unwrap_or_default())?;
    out.write_all(b"\n")
}

/// Writes a property whose value is a list; `items` writes the items.
fn write_list(
    name: &str,
    count: usize,
    out: &mut dyn Write,
    items: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    write!(out, ",\n  \"{name}\": [")?;
    if count > 0 {
        out.write_all(b"\n    ")?;
        items(out)?;
        out.write_all(b"\n  ")?;
    }
    out.write_all(b"]")
}
