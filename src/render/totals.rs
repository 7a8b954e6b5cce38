//! The totals of a run, and its exit code with the reason.

use super::configured;
use super::document::Document;
use super::escape::plain;
use super::layout::{Detail, Style, filled, painted};
use crate::engine::Verdict;
use crate::report::{CheckState, Status, WaiverStatus, WaiverUse};
use std::io::{self, Write};

/// Writes the inputs of the run.
pub(super) fn write_inputs(document: &Document<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let run = &document.run;
    let snapshots = match (document.summary.accounts, &run.snapshots[..]) {
        (1, [one, ..]) => one.path.to_string(),
        (accounts, _) => format!("{accounts} snapshots"),
    };
    let version = run.pack_version.as_ref().map_or_else(String::new, |version| format!(", version {version},"));
    writeln!(out, "  {}", plain(&snapshots))?;
    let judged = format!("judged by {} as of {}", plain(&format!("{}{version}", run.pack)), plain(&run.now));
    write_line(&judged, style, out)
}

/// Writes the totals and the exit code.
pub(super) fn write(document: &Document<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    configured::lines(document).iter().try_for_each(|line| write_line(line, style, out))?;
    let counts = [
        (Verdict::Fail, "fail"),
        (Verdict::Unknown, "unknown"),
        (Verdict::Waived, "waived"),
        (Verdict::NotApplicable, "not applicable"),
        (Verdict::Pass, "pass"),
    ];
    let summary = &document.summary;
    let counts = counts.into_iter().filter(|(verdict, _)| *verdict != Verdict::Waived || count(document, *verdict) > 0);
    let counts: Vec<String> = counts.map(|(verdict, name)| format!("{} {name}", count(document, verdict))).collect();
    let all: usize = summary.verdicts.values().sum();
    let deselected = document.checks.iter().filter(|check| check.state == CheckState::Deselected).count();
    let checks = match deselected {
        0 => plural(summary.checks, "check"),
        _ => format!("{} of {}", summary.checks.saturating_sub(deselected), plural(summary.checks, "check")),
    };
    let verdicts = plural(all, "verdict");
    write_line(&format!("{checks}, {verdicts}: {}", counts.join(", ")), style, out)?;
    if style.detail > Detail::Quiet && summary.skipped_files > 0 {
        let files = if summary.skipped_files == 1 {
            "other file in the folders was skipped"
        } else {
            "other files in the folders were skipped"
        };
        writeln!(out, "  {} {files}", summary.skipped_files)?;
    }
    if style.detail > Detail::Quiet && summary.skipped_reports > 0 {
        let reports = if summary.skipped_reports == 1 { "report of Deodar was" } else { "reports of Deodar were" };
        writeln!(out, "  {} {reports} skipped in the folders", summary.skipped_reports)?;
    }
    if style.detail == Detail::Verbose && summary.other_properties > 0 {
        writeln!(out, "  {} properties that the schema does not declare were not read", summary.other_properties)?;
    }
    write_ignored(document, out)?;
    let statuses: Vec<String> = document.run.statuses.iter().map(|status| reason(*status, document)).collect();
    let color = match document.run.exit_code {
        0 => "32",
        3 | 4 => "33",
        _ => "31",
    };
    let statuses = statuses.into_iter().chain(baseline(document)).collect::<Vec<_>>();
    let exit = painted(&format!("exit {}", document.run.exit_code), color, style);
    write_line(&format!("{exit}: {}", statuses.join("; ")), style, out)
}

/// Writes the number of waivers that the run ignored.
fn write_ignored(document: &Document<'_>, out: &mut dyn Write) -> io::Result<()> {
    let ignored = document.waivers.iter().filter(|waiver| waiver.status == WaiverStatus::Ignored).count();
    if document.run.waivers == WaiverUse::Applied || ignored == 0 {
        return Ok(());
    }
    let were = if ignored == 1 { "waiver was" } else { "waivers were" };
    writeln!(out, "  {ignored} {were} ignored (--no-waivers)")
}

fn write_line(text: &str, style: Style, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", filled("  ", "    ", text, style))
}

fn count(document: &Document<'_>, verdict: Verdict) -> usize {
    document.summary.verdicts.get(&verdict).copied().unwrap_or(0)
}

fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Returns the numbers of verdicts that the baseline covers, of fixed ones, and of those that were not judged.
pub(super) fn baseline(document: &Document<'_>) -> Option<String> {
    let baseline = document.run.baseline.as_ref()?;
    let changes = || document.checks.iter().filter_map(|check| check.baseline.as_ref());
    let covered = |verdict| changes().map(|changes| changes.covered(verdict)).fold(0, usize::saturating_add);
    let fixed = changes().map(|changes| changes.fixed).fold(0, usize::saturating_add);
    let mut text = format!(
        "the baseline covers {} and {}, {fixed} fixed or removed",
        plural(covered(Verdict::Fail), "unchanged failure"),
        plural(covered(Verdict::Unknown), "unknown verdict")
    );
    let left = baseline.findings.saturating_sub(baseline.judged);
    if left > 0 {
        text.push_str(&format!(", {left} not judged"));
    }
    Some(text)
}

/// Returns the reason for a status in words.
pub(super) fn reason(status: Status, document: &Document<'_>) -> String {
    let unknown = count(document, Verdict::Unknown);
    let waived = count(document, Verdict::Waived);
    let level = document.run.fail_on;
    let new = if document.run.baseline.is_some() { "new or worse " } else { "" };
    let phrase = match status {
        Status::Clean if waived > 0 && unknown == 0 => {
            let are = if waived == 1 { "is" } else { "are" };
            return format!(
                "nothing else failed at or above the threshold; {} {are} waived",
                plural(waived, "verdict")
            );
        }
        Status::Clean if document.run.baseline.is_some() => {
            "nothing at or above the threshold is new or worse than the baseline"
        }
        Status::Clean if unknown > 0 => {
            "nothing failed at or above the threshold; some verdicts are unknown, which was allowed"
        }
        Status::Clean if document.checks.iter().any(|check| check.counts.values().all(|count| *count == 0)) => {
            "nothing failed at or above the threshold; some checks judged nothing"
        }
        Status::Clean => "everything was judged, nothing failed at or above the threshold",
        Status::Findings => {
            let failing = document.checks.iter().filter(|check| check.severity >= level);
            let failures = failing.map(|check| check.uncovered(Verdict::Fail)).sum();
            return format!("{} at or above {}", plural(failures, &format!("{new}failure")), level.name());
        }
        Status::Nothing if unknown + waived > 0 => "nothing could be decided",
        Status::Nothing => "nothing was evaluated",
        Status::Incomplete => {
            let unknown = document.uncovered(Verdict::Unknown);
            return match new {
                "" => format!("{} unknown", plural(unknown, "verdict")),
                new => plural(unknown, &format!("{new}unknown verdict")),
            };
        }
        Status::Invalid => "some files are unreadable or invalid",
    };
    phrase.to_owned()
}
