//! The controls of a framework, each with the verdicts of its checks.

use super::document::{ByControl, Control, Counts, Document, Text};
use super::escape::plain;
use super::layout::{Style, wrapped};
use super::table::{self, shown_count};
use crate::engine::Verdict;
use crate::report::CheckState;
use crate::report::controls::ControlStatus;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// The state of each check, by id.
type States<'d> = BTreeMap<&'d str, CheckState>;

/// Writes the controls of a framework.
pub(super) fn write(
    document: &Document<'_>,
    rolled: &ByControl<'_>,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let states: States<'_> = document.checks.iter().map(|check| (&*check.id, check.state)).collect();
    let (judged, not_judged): (Vec<_>, Vec<_>) =
        rolled.controls.iter().partition(|control| control.standing != ControlStatus::NotJudged);
    writeln!(out, "Controls of {}", plain(&rolled.framework))?;
    write_standing(&judged, &states, style, out)?;
    if !not_judged.is_empty() {
        writeln!(out, "Controls that nothing speaks for: all unknown, not applicable or not run")?;
        write_standing(&not_judged, &states, style, out)?;
    }
    let is_run = |id: &Text<'_>| states.get(&**id) == Some(&CheckState::Run);
    if !rolled.controls.iter().flat_map(|control| &control.checks).all(is_run) {
        writeln!(out, "  * not selected, ! invalid: not run, so their controls do not pass; ~ no resources\n")?;
    }
    if !rolled.unmapped_checks.is_empty() {
        let (framework, checks) = (plain(&rolled.framework), ids(&rolled.unmapped_checks, &states));
        // No word of an id begins a line.
        let options = wrapped(style.width).subsequent_indent("  │ ");
        let line = format!("Checks without a control of {framework}: {checks}");
        writeln!(out, "{}\n", textwrap::fill(&line, options))?;
    }
    Ok(())
}

fn write_standing(controls: &[&Control<'_>], states: &States<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    if controls.is_empty() {
        return writeln!(out, "  none\n");
    }
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_content_arrangement(comfy_table::ContentArrangement::Disabled);
    let has_waived = controls.iter().any(|control| count_of(&control.counts, Verdict::Waived) > 0);
    let numbers = [Verdict::Fail, Verdict::Unknown, Verdict::Waived, Verdict::NotApplicable, Verdict::Pass];
    let numbers: Vec<Verdict> = numbers.into_iter().filter(|it| *it != Verdict::Waived || has_waived).collect();
    let header = numbers.iter().map(|verdict| match verdict {
        Verdict::NotApplicable => "n/a",
        other => other.name(),
    });
    table.set_header(["", "control"].into_iter().chain(header).chain(["checks"]));
    let names = controls.iter().map(|it| plain(&it.control).chars().count()).max().unwrap_or(0).max("control".len());
    // The columns before the checks, each with a space on either side.
    let room = style.width.saturating_sub(names + if has_waived { 43 } else { 35 }).max(12);
    let options = wrapped(room);
    for control in controls {
        let count = |verdict| shown_count(count_of(&control.counts, verdict));
        let cells = [
            match control.standing {
                ControlStatus::Failed => "✗".to_owned(),
                ControlStatus::Partial => "?".to_owned(),
                ControlStatus::Passed => "✓".to_owned(),
                ControlStatus::NotJudged => "–".to_owned(),
            },
            plain(&control.control).into_owned(),
        ];
        let checks = textwrap::fill(&ids(&control.checks, states), &options);
        table.add_row(cells.into_iter().chain(numbers.iter().map(|verdict| count(*verdict))).chain([checks]));
    }
    table::write(table, 2..2 + numbers.len(), style, out)
}

fn count_of(counts: &Counts, verdict: Verdict) -> usize {
    counts.get(&verdict).copied().unwrap_or(0)
}

/// Returns the ids of checks, with a mark on those that were not run.
fn ids(checks: &[Text<'_>], states: &States<'_>) -> String {
    let mark = |id: &str| match states.get(id) {
        Some(CheckState::Run) => "",
        Some(CheckState::NoResources) => "~",
        Some(CheckState::Deselected) => "*",
        Some(CheckState::Invalid) | None => "!",
    };
    checks.iter().map(|id| format!("{}{}", plain(id), mark(id))).collect::<Vec<_>>().join(", ")
}
