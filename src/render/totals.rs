//! The totals of a run, and its exit code with the reason.

use super::escape::plain;
use super::layout::{Detail, Style};
use crate::engine::Verdict;
use crate::report::{Report, Status};
use crate::value::show_datetime;
use std::io::{self, Write};

/// Writes the totals.
pub(super) fn write(report: &Report, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let run = &report.run;
    let snapshots = match (run.accounts, &run.snapshots[..]) {
        (1, [one, ..]) => one.path.clone(),
        (accounts, _) => format!("{accounts} snapshots"),
    };
    if style.detail > Detail::Quiet {
        writeln!(out, "  {}", plain(&snapshots))?;
        writeln!(out, "  judged by {} as of {}", plain(&run.pack.described()), show_datetime(run.now))?;
    }
    let counts = [
        (Verdict::Fail, "fail"),
        (Verdict::Unknown, "unknown"),
        (Verdict::Waived, "waived"),
        (Verdict::NotApplicable, "not applicable"),
        (Verdict::Pass, "pass"),
    ];
    let counts = counts.into_iter().filter(|(verdict, _)| *verdict != Verdict::Waived || report.count(*verdict) > 0);
    let counts: Vec<String> = counts.map(|(verdict, name)| format!("{} {name}", report.count(verdict))).collect();
    let checks = if report.checks.len() == 1 { "check" } else { "checks" };
    writeln!(out, "  {} {checks}: {}", report.checks.len(), counts.join(", "))?;
    if report.skipped > 0 {
        let files =
            if report.skipped == 1 { "other file in the folders was" } else { "other files in the folders were" };
        writeln!(out, "  {} {files} left alone", report.skipped)?;
    }
    if report.skipped_reports > 0 {
        let reports = if report.skipped_reports == 1 { "report of Deodar was" } else { "reports of Deodar were" };
        writeln!(out, "  {} {reports} skipped in the folders", report.skipped_reports)?;
    }
    if style.detail == Detail::Verbose && report.other_properties > 0 {
        writeln!(out, "  {} properties that the schema does not declare were left alone", report.other_properties)?;
    }
    let statuses: Vec<&str> = report.statuses().into_iter().map(|status| describe(status, report)).collect();
    writeln!(out, "  exit {}: {}", report.status().exit_code(), statuses.join("; "))
}

fn describe(status: Status, report: &Report) -> &'static str {
    match status {
        Status::Clean if report.count(Verdict::Unknown) > 0 => {
            "nothing failed at or above the threshold; some verdicts are unknown, which was allowed"
        }
        Status::Clean if report.checks.iter().any(|check| check.total() == 0) => {
            "nothing failed at or above the threshold; some checks judged nothing"
        }
        Status::Clean => "everything was judged, nothing failed at or above the threshold",
        Status::Findings => "there are failures",
        Status::Nothing if report.count(Verdict::Unknown) > 0 => "nothing could be decided",
        Status::Nothing => "nothing was evaluated",
        Status::Incomplete => "some verdicts are unknown",
        Status::Invalid => "some files are unreadable or invalid",
    }
}
