//! The waived findings for people: by check and waiver, each with its resource and the values of its original verdict.

use super::concise::{names_column, write_finding};
use super::document::{Check, Document, Finding};
use super::escape::plain;
use super::layout::{Style, columns, painted, shortened, wrapped};
use crate::engine::Verdict;
use std::cmp::Reverse;
use std::io::{self, Write};

/// Writes the waived findings, at most `most` of each check.
pub(super) fn write(document: &Document<'_>, most: usize, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let count = |check: &Check<'_>| check.count(Verdict::Waived);
    let mut checks: Vec<&Check<'_>> = document.checks.iter().filter(|check| count(check) > 0).collect();
    if checks.is_empty() {
        return Ok(());
    }
    // The sort is stable: checks of one severity are in order of their ids.
    checks.sort_by_key(|check| Reverse(check.severity));
    let all: usize = checks.iter().map(|check| count(check)).sum();
    let s = if all == 1 { "" } else { "s" };
    writeln!(out, "{}", painted(&format!("waived: {all} verdict{s}"), "1", style))?;
    let ids = checks.iter().map(|check| columns(&plain(&check.id))).max().unwrap_or(0);
    for check in checks {
        let id = plain(&check.id);
        let pad = " ".repeat(ids - columns(&id));
        let room = style.width.saturating_sub(ids + 4).max(20);
        writeln!(out, "  {}{pad}  {}", painted(&id, "1", style), shortened(&plain(&check.title), room))?;
        let found = document.findings.iter().filter(|it| it.verdict == Verdict::Waived && it.check == check.id);
        let mut found: Vec<&Finding<'_>> = found.take(most).collect();
        let by = |finding: &Finding<'_>| finding.waiver.as_ref().map(|by| by.id.to_string());
        found.sort_by_key(|finding| (finding.original(), by(finding)));
        for same in found.chunk_by(|a, b| (a.original(), by(a)) == (b.original(), by(b))) {
            write_waiver(same, style, out)?;
            let names = names_column(same, style);
            same.iter().try_for_each(|finding| write_finding(document, finding, names, style, out))?;
        }
        let more = count(check).saturating_sub(found.len());
        if more > 0 {
            writeln!(out, "    … and {more} more; --max-findings {} lists them", count(check))?;
        }
    }
    writeln!(out)
}

/// Writes the waiver of some findings, and their original verdict.
fn write_waiver(findings: &[&Finding<'_>], style: Style, out: &mut dyn Write) -> io::Result<()> {
    let Some((first, by)) = findings.first().and_then(|first| Some((first, first.waiver.as_ref()?))) else {
        return Ok(());
    };
    let verdict = first.original().name();
    let text = plain(&format!("{verdict}, waived {} ({})", by.words(), by.span.shown())).into_owned();
    let options = wrapped(style.width).initial_indent("    ").subsequent_indent("      ");
    writeln!(out, "{}", textwrap::fill(&text, options))
}
