//! The controls of a framework, each with the verdicts of its checks.

use super::escape::plain;
use super::layout::{Style, wrapped};
use super::table::{self, shown_count};
use crate::engine::Verdict;
use crate::report::controls::{ByControl, ControlReport, ControlStatus};
use crate::report::{CheckReport, CheckState};
use std::io::{self, Write};

/// Writes the controls of a framework.
pub(super) fn write(rolled: &ByControl<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let (judged, not_judged): (Vec<_>, Vec<_>) =
        rolled.controls.iter().partition(|control| control.status != ControlStatus::NotJudged);
    writeln!(out, "Controls of {}", rolled.framework)?;
    write_standing(&judged, style, out)?;
    if !not_judged.is_empty() {
        writeln!(out, "Controls that nothing speaks for: all unknown, not applicable or not run")?;
        write_standing(&not_judged, style, out)?;
    }
    if rolled.controls.iter().flat_map(|control| &control.checks).any(|check| check.outcome() != CheckState::Run) {
        writeln!(out, "  * not selected, ! invalid: not run, so their controls do not pass; ~ no resources\n")?;
    }
    if !rolled.unmapped.is_empty() {
        let line = format!("Checks without a control of {}: {}", rolled.framework, ids(&rolled.unmapped));
        // No word of an id begins a line.
        let options = wrapped(style.width).subsequent_indent("  │ ");
        writeln!(out, "{}\n", textwrap::fill(&line, options))?;
    }
    Ok(())
}

fn write_standing(controls: &[&ControlReport<'_>], style: Style, out: &mut dyn Write) -> io::Result<()> {
    if controls.is_empty() {
        return writeln!(out, "  none\n");
    }
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_content_arrangement(comfy_table::ContentArrangement::Disabled);
    table.set_header(["", "control", "fail", "unknown", "n/a", "pass", "checks"]);
    let names = controls.iter().map(|it| plain(it.control).chars().count()).max().unwrap_or(0).max("control".len());
    // The columns before the checks, each with a space on either side.
    let room = style.width.saturating_sub(names + 35).max(12);
    let options = wrapped(room);
    for control in controls {
        let count = |verdict: Verdict| shown_count(control.counts[verdict]);
        table.add_row([
            match control.status {
                ControlStatus::Failed => "✗".to_owned(),
                ControlStatus::Partial => "?".to_owned(),
                ControlStatus::Passed => "✓".to_owned(),
                ControlStatus::NotJudged => "–".to_owned(),
            },
            plain(control.control).into_owned(),
            count(Verdict::Fail),
            count(Verdict::Unknown),
            count(Verdict::NotApplicable),
            count(Verdict::Pass),
            textwrap::fill(&ids(&control.checks), &options),
        ]);
    }
    table::write(table, 2..6, style, out)
}

/// Returns the ids of checks, with a mark on those that were not run.
fn ids(checks: &[&CheckReport]) -> String {
    let mark = |check: &CheckReport| match check.outcome() {
        CheckState::Run => "",
        CheckState::NoResources => "~",
        CheckState::Deselected => "*",
        CheckState::Invalid => "!",
    };
    checks.iter().map(|check| format!("{}{}", plain(&check.id), mark(check))).collect::<Vec<_>>().join(", ")
}
