//! The findings of a run as rows of RFC 4180, for spreadsheets. A cell that a spreadsheet reads as a formula begins with
//! an apostrophe.

use super::chunks::{write_listed, write_saved};
use super::configured;
use super::diagnostics;
use super::document::{Builder, Document, Finding, WaivedBy};
use super::escape::plain;
use super::layout::{Detail, Style};
use super::output::{Audience, Format, JSON_FILES, OfDocument, Output, Presentation, Unit};
use super::totals;
use crate::report::{self, Change, Needs, Report};
use std::io::{self, Write};

/// The format.
pub(super) const FORMAT: Format = Format {
    name: "csv",
    help: "For spreadsheets: one row for every finding",
    audience: Audience::Programs,
    unit: Unit::Run,
    recognised: JSON_FILES,
    new: |presentation| Box::new(Rows(OfDocument { presentation: presentation.clone(), write })),
    saved: Some(write),
};

/// Bytes of a row, as most have at most.
const BYTES_OF_ROW: usize = 1024;

/// The names of the columns.
pub(crate) const COLUMNS: [&str; 24] = [
    "fingerprint",
    "account",
    "verdict",
    "severity",
    "check",
    "title",
    "resource_type",
    "resource_id",
    "resource_pointer",
    "message",
    "snapshot",
    "snapshot_line",
    "snapshot_column",
    "policy",
    "policy_line",
    "remediation",
    "baseline",
    "original_verdict",
    "waiver",
    "waiver_reason",
    "waiver_owner",
    "waiver_expires",
    "waiver_ticket",
    "configuration",
];

#[derive(Debug)]
struct Rows(OfDocument);

impl Output for Rows {
    fn needs(&self) -> Needs {
        self.0.needs()
    }

    fn finish(&mut self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let needs = self.needs();
        write_rows(&Document::without_findings(report, &needs), out, |configuration, out| {
            let row = |builder: Builder<'_>, found: &report::Finding, text: &mut Vec<u8>| {
                write_row(&row(&builder.finding(found), configuration), text)
            };
            write_listed(report, &report.listed_for(&needs), b"", row, out)
        })
    }

    /// Writes the diagnostics, which rows do not contain, and the totals.
    fn aside(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let style = Style { detail: Detail::Quiet, color: false, ..self.0.presentation.style };
        diagnostics::write(&report.diagnostics, &report.secrets, style, out)?;
        if self.0.presentation.style.detail == Detail::Quiet {
            return Ok(());
        }
        totals::write(&Document::without_findings(report, &Needs::NOTHING), style, out)
    }
}

/// Writes a saved document.
fn write(document: &Document<'_>, _: &Presentation, out: &mut dyn Write) -> io::Result<()> {
    write_rows(document, out, |configuration, out| {
        write_saved(&document.findings, b"", |found, text| write_row(&row(found, configuration), text), out)
    })
}

/// Writes the names of the columns; `rows` writes the findings, with the configuration of the run.
fn write_rows(
    document: &Document<'_>,
    out: &mut dyn Write,
    rows: impl FnOnce(&str, &mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut names = Vec::new();
    write_row(&COLUMNS, &mut names)?;
    out.write_all(&names)?;
    rows(&configured::lines(document).join("; "), out)
}

/// Appends a row.
fn write_row<T: AsRef<[u8]>>(cells: &[T; 24], text: &mut Vec<u8>) -> io::Result<()> {
    let mut rows =
        ::csv::WriterBuilder::new().terminator(::csv::Terminator::CRLF).buffer_capacity(BYTES_OF_ROW).from_writer(text);
    rows.write_record(cells)?;
    rows.flush()
}

/// Returns the cells of a finding, in the order of the columns.
fn row(found: &Finding<'_>, configuration: &str) -> [String; 24] {
    let (snapshot, policy) = (found.snapshot_place(), found.policy_place());
    let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let of_waiver =
        |part: &dyn Fn(&WaivedBy<'_>) -> Option<String>| found.waiver.as_ref().and_then(part).unwrap_or_default();
    [
        found.fingerprint.to_string(),
        found.account.to_string(),
        found.verdict.name().to_owned(),
        found.severity.name().to_owned(),
        found.check.to_string(),
        one_line(&found.title),
        found.resource.ty.to_string(),
        found.resource.id.to_string(),
        found.resource.pointer.to_string(),
        found.message.to_string(),
        found.snapshot.to_string(),
        snapshot.map(|place| place.start.line.to_string()).unwrap_or_default(),
        snapshot.map(|place| place.start.column.to_string()).unwrap_or_default(),
        policy.map(|place| place.file.to_string()).unwrap_or_default(),
        policy.map(|place| place.start.line.to_string()).unwrap_or_default(),
        found.remediation.as_deref().map(one_line).unwrap_or_default(),
        found.baseline.map_or("", Change::name).to_owned(),
        found.original_verdict.map(|verdict| verdict.name().to_owned()).unwrap_or_default(),
        of_waiver(&|by| Some(by.id.to_string())),
        of_waiver(&|by| Some(by.reason.to_string())),
        of_waiver(&|by| Some(by.owner.to_string())),
        of_waiver(&|by| Some(by.expires.to_string())),
        of_waiver(&|by| by.ticket.as_ref().map(ToString::to_string)),
        configuration.to_owned(),
    ]
    .map(|cell| safe(&cell))
}

/// Returns a cell that a spreadsheet does not evaluate. Line breaks and control characters are escapes.
fn safe(cell: &str) -> String {
    // The last four are the wide forms, which some spreadsheets read as the others.
    let begins_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']);
    format!("{}{}", if begins_formula { "'" } else { "" }, plain(cell))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_that_begin_like_formulas_begin_with_an_apostrophe() {
        for cell in ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "＝1"] {
            assert!(safe(cell).starts_with('\''), "{cell}");
        }
        for cell in ["", "a=1", "1", "/piers/0", "a,b\"c"] {
            assert_eq!(safe(cell), cell);
        }
        assert_eq!(safe("a\nb\u{202e}"), "a\\nb\\u{202e}");
    }
}
