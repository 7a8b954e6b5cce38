//! Findings and diagnostics of a saved document for people. Each place has the line that the document contains.

use super::document::{Clause, Document, Finding, Span};
use super::escape::{plain, short};
use super::labels::{clause_label, values};
use super::layout::{Style, columns, help_line, painted, wrapped};
use super::names::SHORT_FINGERPRINT;
use crate::diagnostic::DiagnosticLevel;
use crate::engine::Verdict;
use std::io::{self, Write};

/// Writes the diagnostics of a document.
pub(super) fn write_diagnostics(document: &Document<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    for found in &document.diagnostics {
        let (mark, color) = match found.severity {
            DiagnosticLevel::Error => ("×", "31"),
            DiagnosticLevel::Warning => ("⚠", "33"),
        };
        writeln!(out, "{}\n", painted(&plain(&found.code), color, style))?;
        write_message(mark, color, &found.message, style, out)?;
        found.labels.iter().try_for_each(|label| write_place(&label.span, &label.text, color, style, out))?;
        if let Some(help) = &found.help {
            writeln!(out, "{}", help_line(help, style))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// Writes the first failures and unknown verdicts of a document.
pub(super) fn write_findings(
    document: &Document<'_>,
    most: usize,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let findings = document.findings.iter().filter(|it| matches!(it.verdict, Verdict::Fail | Verdict::Unknown));
    findings.take(most).try_for_each(|finding| {
        let check = document.checks.iter().find(|check| check.id == finding.check);
        let source = check.and_then(|check| check.source.as_deref()).filter(|_| finding.verdict == Verdict::Fail);
        write_finding(finding, source, style, out)
    })
}

fn write_finding(finding: &Finding<'_>, source: Option<&str>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let (mark, color) = if finding.verdict == Verdict::Fail { ("×", "31") } else { ("⚠", "33") };
    let verdict = finding.verdict.name().replace('_', " ");
    let change = finding.baseline.map_or_else(String::new, |change| format!(" · {}", change.name()));
    let fingerprint = finding.fingerprint.get(..SHORT_FINGERPRINT).unwrap_or(&finding.fingerprint);
    let (check, fingerprint) = (plain(&finding.check), plain(fingerprint));
    let code = format!("{check} · {} · {verdict}{change} · {fingerprint}", finding.severity.name());
    writeln!(out, "{}\n", painted(&code, color, style))?;
    write_message(mark, color, &finding.title, style, out)?;
    writeln!(out, "  │ {}", short(&format!("{} {}", finding.resource.ty, finding.resource.id)))?;
    finding.clauses.iter().try_for_each(|clause| write_clause(clause, color, style, out))?;
    writeln!(out)?;
    write_message("☞", color, &finding.message, style, out)?;
    values(finding).iter().try_for_each(|(span, label)| write_place(span, label, color, style, out))?;
    for capture in finding.capture.iter().flatten() {
        let doc = capture.doc.as_ref().map_or_else(String::new, |doc| format!(": {doc}"));
        let help = format!("capture {} at {}{doc}", capture.attribute, capture.pointer);
        writeln!(out, "{}", help_line(&help, style))?;
    }
    if let Some(remediation) = &finding.remediation {
        writeln!(out, "{}", help_line(remediation, style))?;
    }
    if let Some(source) = source {
        writeln!(out, "  see: {}", plain(source))?;
    }
    writeln!(out)
}

/// Lines of a clause that are shown.
const CLAUSE_LINES: usize = 4;

/// Writes a clause: its place, its text, and its outcome.
fn write_clause(clause: &Clause<'_>, color: &str, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let start = clause.span.start;
    let lines: Vec<(usize, &str)> = (start.line..).zip(clause.text.lines()).collect();
    let shown = lines.get(..CLAUSE_LINES).unwrap_or(&lines);
    let digits = shown.last().map_or(1, |(number, _)| number.to_string().len());
    let pad = " ".repeat(digits);
    writeln!(out, " {pad} ╭─[{}:{}:{}]", plain(&clause.span.file), start.line, start.column)?;
    for (number, line) in shown {
        writeln!(out, " {number:digits$} │ {}", short(line.trim_end()))?;
    }
    if lines.len() > shown.len() {
        writeln!(out, " {pad} │ …")?;
    }
    writeln!(out, " {pad} ╰─ {}", painted(&short(&clause_label(clause)), color, style))
}

fn write_message(mark: &str, color: &str, text: &str, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let head = format!("  {} ", painted(mark, color, style));
    let options = wrapped(style.width.min(100)).initial_indent(&head).subsequent_indent("  │ ");
    writeln!(out, "{}", textwrap::fill(&short(text), options))
}

/// Writes a place: the line, a mark below its columns, and its label.
fn write_place(span: &Span<'_>, label: &str, color: &str, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let number = span.start.line.to_string();
    let pad = " ".repeat(number.len());
    writeln!(out, " {pad} ╭─[{}:{}:{}]", plain(&span.file), span.start.line, span.start.column)?;
    let label = short(label);
    let Some(excerpt) = &span.excerpt else { return writeln!(out, " {pad} ╰─ {label}") };
    let text = excerpt.text.replace('\t', " ");
    let part = |from: usize, to: usize| -> String { text.chars().skip(from).take(to.saturating_sub(from)).collect() };
    let before = " ".repeat(columns(&plain(&part(0, excerpt.start))));
    let under = "─".repeat(columns(&plain(&part(excerpt.start, excerpt.end))).max(1));
    writeln!(out, " {number} │ {}", plain(&text))?;
    writeln!(out, " {pad} · {before}{}", painted(&under, color, style))?;
    writeln!(out, " {pad} ╰─ {}", painted(&label, color, style))
}
