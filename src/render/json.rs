//! The document of a run as JSON. Its schema is `schemas/report.schema.json`.
//!
//! Findings are one on a line. They are explained and rendered in chunks while the earlier ones are written, so that few of
//! them are in memory at a time.

use super::document::{Builder, ByControl, Check, Diagnostic, Document, Run, Summary, Text, Tool, Waiver};
use super::layout::Detail;
use super::output::{Audience, Format, Output, Presentation, Unit};
use crate::parallel::in_chunks;
use crate::report::{CHUNK, Evidence, ListedVerdict, Needs, Report, explain};
use serde::Serialize;
use std::io::{self, BufWriter, Write};
use std::ops::Range;

/// Bytes that are written at once.
const BUFFER: usize = 1 << 16;

/// Bytes of a finding, as most have.
const BYTES_OF_FINDING: usize = 2048;

/// The format.
pub(super) const FORMAT: Format = Format {
    name: "json",
    help: "For programs; described by schemas/report.schema.json",
    audience: Audience::Programs,
    unit: Unit::Run,
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
            ..Needs::NOTHING
        }
    }

    fn finish(&mut self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        write_report(report, &self.needs(), out)
    }
}

/// Writes a saved document.
fn write(document: &Document<'_>, _: &Presentation, out: &mut dyn Write) -> io::Result<()> {
    let findings = Rendered { count: document.findings.len(), lines: &|range| lines(document.findings.get(range)) };
    let others = document.other_verdicts.as_deref();
    let render_others = |range| lines(others.and_then(|others| others.get(range)));
    let others = others.map(|others| Rendered { count: others.len(), lines: &render_others });
    write_parts(document, &findings, others.as_ref(), out)
}

/// Writes the document of a report.
pub(super) fn write_report(report: &Report, needs: &Needs, out: &mut dyn Write) -> io::Result<()> {
    let document = Document::without_findings(report, needs);
    let (findings, others) = (report.listed_for(needs), report.others_for(needs));
    let render_findings =
        |range| explained(&findings, range, report, |builder, found, lines| lines.push(&builder.finding(found)));
    let render_others =
        |range| explained(&others, range, report, |builder, found, lines| lines.push(&builder.other(found)));
    let findings = Rendered { count: findings.len(), lines: &render_findings };
    let others = Rendered { count: others.len(), lines: &render_others };
    write_parts(&document, &findings, Some(&others).filter(|_| needs.all_verdicts), out)
}

/// The items of a list, which are rendered some at a time.
struct Rendered<'l> {
    count: usize,
    /// Returns the lines of a range of the items.
    lines: &'l (dyn Fn(Range<usize>) -> serde_json::Result<Lines> + Sync),
}

/// Items, each on a line of its own after a comma.
#[derive(Default)]
struct Lines(Vec<u8>);

impl Lines {
    fn push(&mut self, item: &impl Serialize) -> serde_json::Result<()> {
        self.0.extend_from_slice(b",\n    ");
        serde_json::to_writer(&mut self.0, item)
    }
}

/// Returns the lines of items of a document.
fn lines<T: Serialize>(items: Option<&[T]>) -> serde_json::Result<Lines> {
    let mut lines = Lines::default();
    items.unwrap_or_default().iter().try_for_each(|item| lines.push(item))?;
    Ok(lines)
}

/// Returns the lines of verdicts, which are explained.
fn explained(
    listed: &[&ListedVerdict],
    range: Range<usize>,
    report: &Report,
    push: impl Fn(Builder<'_>, &crate::report::Finding, &mut Lines) -> serde_json::Result<()>,
) -> serde_json::Result<Lines> {
    let mut lines = Lines(Vec::with_capacity(range.len() * BYTES_OF_FINDING));
    explain(listed.get(range).unwrap_or_default(), |snapshot, found| {
        push(Builder { report, secrets: snapshot.secrets.as_slice() }, &found, &mut lines)
    })?;
    Ok(lines)
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

/// Writes a document with other lists in place of its own: its other properties as [`serde_json::to_writer_pretty`] does,
/// and each item on one line.
fn write_parts(
    document: &Document<'_>,
    findings: &Rendered<'_>,
    others: Option<&Rendered<'_>>,
    out: &mut dyn Write,
) -> io::Result<()> {
    // The serializer writes a few bytes at a time: a buffer of a known type takes them without a call.
    let mut out = BufWriter::with_capacity(BUFFER, out);
    let Document { format, version, tool, run, summary, checks, waivers, by_control, diagnostics, .. } = document;
    let by_control = by_control.as_ref();
    let before = Before { format, version, tool, run, summary, checks, waivers, by_control };
    let before = serde_json::to_vec_pretty(&before)?;
    out.write_all(before.strip_suffix(b"\n}").unwrap_or_default())?;
    write_list("findings", findings, &mut out)?;
    if let Some(others) = others {
        write_list("other_verdicts", others, &mut out)?;
    }
    let after = serde_json::to_vec_pretty(&After { diagnostics })?;
    out.write_all(b",")?;
    out.write_all(after.strip_prefix(b"{").unwrap_or_default())?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Writes a property whose value is a list.
fn write_list(name: &str, items: &Rendered<'_>, out: &mut impl Write) -> io::Result<()> {
    write!(out, ",\n  \"{name}\": [")?;
    let mut comma: &[u8] = b",";
    in_chunks(items.count, CHUNK, items.lines, |lines| {
        let Lines(text) = lines?;
        // There is no comma before the first item.
        out.write_all(text.strip_prefix(std::mem::take(&mut comma)).unwrap_or(&text))
    })?;
    out.write_all(if items.count > 0 { b"\n  ]" } else { b"]" })
}
