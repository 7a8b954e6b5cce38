//! The waived findings for people: by check, each with its resource, the original verdict, and its waiver.

use super::document::{Check, Document, Finding};
use super::escape::plain;
use super::layout::{Style, columns, middle, painted, shortened};
use crate::engine::Verdict;
use crate::report::{WaiverStatus, WaiverUse};
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
        let found: Vec<&Finding<'_>> = found.take(most).collect();
        found.iter().try_for_each(|finding| write_finding(finding, style, out))?;
        let more = count(check).saturating_sub(found.len());
        if more > 0 {
            writeln!(out, "    … and {more} more; --max-findings {} lists them", count(check))?;
        }
    }
    writeln!(out)
}

fn write_finding(finding: &Finding<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let room = style.width.saturating_sub(6).max(20);
    let name = plain(&format!("{} {}", finding.resource.ty, finding.resource.id)).into_owned();
    let name = middle(&name, room / 2);
    let reason = plain(&format!("{}: {}", finding.original().name(), finding.message)).into_owned();
    let left = room.saturating_sub(columns(&name) + 2);
    writeln!(out, "    – {name}  {}", shortened(&reason, left))?;
    let Some(by) = &finding.waiver else { return Ok(()) };
    let place = plain(&by.span.shown()).into_owned();
    let place = middle(&place, room / 2);
    let ticket = by.ticket.as_ref().map(|ticket| format!(" ({ticket})")).unwrap_or_default();
    let words = format!("until {}, {}{ticket}: {}", by.expires, by.owner, by.reason);
    let words = plain(&words).into_owned();
    let words = shortened(&words, room.saturating_sub(columns(&place) + 4));
    let gap = " ".repeat(room.saturating_sub(2 + columns(&words) + columns(&place)).max(2));
    writeln!(out, "        {words}{gap}{}", painted(&place, "2", style))
}

/// Writes whether the run ignored its waivers, and their number.
pub(super) fn write_ignored(document: &Document<'_>, out: &mut dyn Write) -> io::Result<()> {
    if document.run.waivers == WaiverUse::Applied {
        return Ok(());
    }
    let ignored = document.waivers.iter().filter(|waiver| waiver.status == WaiverStatus::Ignored).count();
    let were = if ignored == 1 { "waiver was" } else { "waivers were" };
    writeln!(out, "  {ignored} {were} ignored (--no-waivers)")
}
