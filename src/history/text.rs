//! A history as text for people.

use super::model::{AccountHistory, FindingHistory, History, Interval, Section};
use super::words;
use crate::render::{Style, middle, painted, plain, short, wrapped};
use std::io::{self, Write};

/// Fixed findings, and intervals without a missing review, that text lists without `all`.
const SHOWN: usize = 10;

/// Writes a history. With `all`, every fixed finding and every interval between reviews is listed.
///
/// # Errors
/// When `out` cannot be written.
pub fn write_history(history: &History, all: bool, style: Style, out: &mut dyn Write) -> io::Result<()> {
    write_wrapped("", "", &words::subject(history), style, out)?;
    for account in &history.accounts {
        write_account(account, history, all, style, out)?;
    }
    writeln!(out)?;
    for problem in &history.problems {
        let head = format!("  {} ", painted("⚠", "33", style));
        write_wrapped(&head, "    ", &short(problem), style, out)?;
    }
    let note = |count: usize, one: &str, others: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        count => Some(format!("{count} {others}")),
    };
    let notes = [
        note(history.not_judged, "snapshot in the reports was not judged", "snapshots in the reports were not judged"),
        note(history.other_files, "other file in the folder was skipped", "other files in the folder were skipped"),
        note(history.damaged.len(), "file could not be read as a report", "files could not be read as reports"),
    ];
    for note in notes.into_iter().flatten() {
        writeln!(out, "  {note}")?;
    }
    let code = history.exit_code();
    let (color, reason) = match code {
        0 => ("32", "the reports were read"),
        3 => ("33", "there is no report of an account"),
        _ => ("31", "some reports are unreadable or damaged"),
    };
    writeln!(out, "  {}: {reason}", painted(&format!("exit {code}"), color, style))
}

fn write_account(
    account: &AccountHistory,
    history: &History,
    all: bool,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let name = if account.account.is_empty() { "(an account without an id)" } else { &account.account };
    writeln!(out, "\n{}", painted(&middle(&short(name), style.width), "1", style))?;
    write_wrapped("  ", "  ", &words::reviews(account), style, out)?;
    write_wrapped("  ", "  ", &format!("findings: {}", words::totals(account)), style, out)?;
    for section in Section::ALL {
        let findings: Vec<&FindingHistory> =
            account.findings.iter().filter(|finding| finding.section == section).collect();
        write_section(section, &findings, history, all, style, out)?;
    }
    writeln!(out, "\n  {}", painted("reviews", "1", style))?;
    write_wrapped("  ", "  ", &words::plan(account, history), style, out)?;
    write_intervals(account, all, style, out)
}

fn write_section(
    section: Section,
    findings: &[&FindingHistory],
    history: &History,
    all: bool,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    if findings.is_empty() {
        return Ok(());
    }
    let order = if section == Section::Fixed { "the last fixed first" } else { "the oldest first" };
    let order = if findings.len() > 1 { format!(", {order}") } else { String::new() };
    let heading = format!("{} ({})", section.name(), findings.len());
    writeln!(out, "\n  {}{order}", painted(&heading, color(section), style))?;
    let most = if section == Section::Fixed && !all { SHOWN } else { usize::MAX };
    for finding in findings.iter().take(most) {
        let head = format!("{:8}  {}", finding.severity.name(), plain(&finding.check));
        let resource = short(&format!("{} {}", finding.resource_type, finding.resource_id)).into_owned();
        let room = style.width.saturating_sub(head.chars().count() + 4).max(20);
        writeln!(out, "  {head}  {}", middle(&resource, room))?;
        write_wrapped("            ", "            ", &words::story(finding, history.now), style, out)?;
    }
    if let Some(more) = findings.len().checked_sub(most).filter(|more| *more > 0) {
        writeln!(out, "  … and {more} more; --all lists them")?;
    }
    Ok(())
}

/// Writes the intervals with a missing review, and the last ones without.
fn write_intervals(account: &AccountHistory, all: bool, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let intervals = &account.plan.intervals;
    let from = if all { 0 } else { intervals.len().saturating_sub(SHOWN) };
    let is_shown = |(at, interval): &(usize, &Interval)| *at >= from || interval.missed > 0;
    let shown: Vec<(usize, &Interval)> = intervals.iter().enumerate().filter(is_shown).collect();
    if shown.len() < intervals.len() {
        let hidden = words::counted(intervals.len() - shown.len(), "interval");
        writeln!(out, "  … {hidden} without a missing review; --all lists all")?;
    }
    for (_, interval) in shown {
        let (mark, color) = match (interval.missed, interval.ended) {
            (0, true) => ("✓", "32"),
            (0, false) => ("·", "0"),
            _ => ("✗", "31"),
        };
        let head = format!("  {} ", painted(mark, color, style));
        write_wrapped(&head, "    ", &words::interval(interval, account), style, out)?;
    }
    Ok(())
}

fn color(section: Section) -> &'static str {
    match section {
        Section::Open => "1;31",
        Section::Unknown | Section::NotJudged => "1;33",
        Section::Waived | Section::Fixed => "1",
    }
}

fn write_wrapped(head: &str, indent: &str, text: &str, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let options = wrapped(style.width).initial_indent(head).subsequent_indent(indent);
    writeln!(out, "{}", textwrap::fill(text, options).replace('\u{a0}', " "))
}
