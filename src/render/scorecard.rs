//! The scorecard: every check with the number of each verdict.

use super::escape::plain;
use super::layout::{Style, shortened};
use super::table::{self, shown_count};
use crate::engine::Verdict;
use crate::report::{CheckReport, CheckState, Report};
use std::io::{self, Write};

/// Writes the scorecard.
pub(super) fn write(report: &Report, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let idle = |check: &CheckReport| check.outcome() == CheckState::NoResources;
    if report.checks.len() > 1 && report.checks.iter().all(idle) {
        return writeln!(out, " –  no resources for any of the {} checks\n", report.checks.len());
    }
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_content_arrangement(comfy_table::ContentArrangement::Disabled);
    table.set_header(["", "check", "severity", "fail", "unknown", "n/a", "pass", ""]);
    let ids = report.checks.iter().map(|check| plain(&check.id).chars().count()).max().unwrap_or(0);
    // The columns before the title, each with a space on either side.
    let room = style.width.saturating_sub(ids + 44).max(12);
    for check in &report.checks {
        let count = |verdict| shown_count(check.count(verdict));
        let row = [
            mark(check).to_owned(),
            plain(&check.id).into_owned(),
            check.severity.name().to_owned(),
            count(Verdict::Fail),
            count(Verdict::Unknown),
            count(Verdict::NotApplicable),
            count(Verdict::Pass),
            match check.outcome() {
                CheckState::Invalid => "invalid, not run".to_owned(),
                CheckState::Deselected => "not selected".to_owned(),
                CheckState::NoResources => "no resources".to_owned(),
                CheckState::Run => shortened(&plain(&check.title), room),
            },
        ];
        table.add_row(row);
    }
    table::write(table, 3..7, style, out)
}

fn mark(check: &CheckReport) -> &'static str {
    match check.outcome() {
        CheckState::Invalid => "!",
        CheckState::Deselected => " ",
        CheckState::NoResources => "–",
        CheckState::Run if check.count(Verdict::Fail) > 0 => "✗",
        CheckState::Run if check.count(Verdict::Unknown) > 0 => "?",
        CheckState::Run if check.count(Verdict::Pass) > 0 => "✓",
        CheckState::Run => "–",
    }
}
