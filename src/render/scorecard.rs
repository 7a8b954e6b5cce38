//! The scorecard: the checks with the number of each verdict, the most severe first.

use super::document::{Check, Document};
use super::escape::plain;
use super::layout::{Style, columns, shortened};
use super::table::{self, shown_count};
use crate::engine::Verdict;
use crate::report::CheckState;
use std::cmp::Reverse;
use std::io::{self, Write};

/// The width from which titles have a column.
const WITH_TITLES: usize = 72;

/// Writes the scorecard: the checks with a failure, an unknown verdict or an error, or all of them.
pub(super) fn write(document: &Document<'_>, all: bool, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let idle = |check: &Check<'_>| check.state == CheckState::NoResources;
    if document.checks.len() > 1 && document.checks.iter().all(idle) {
        return writeln!(out, " –  no resources for any of the {} checks\n", document.checks.len());
    }
    let mut checks: Vec<&Check<'_>> = document.checks.iter().filter(|check| all || !is_green(check)).collect();
    if checks.is_empty() {
        return Ok(());
    }
    // The sort is stable: checks of one severity are in order of their ids.
    checks.sort_by_key(|check| Reverse(check.severity));
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_content_arrangement(comfy_table::ContentArrangement::Disabled);
    let has_waived = checks.iter().any(|check| check.count(Verdict::Waived) > 0);
    let numbers = [Verdict::Fail, Verdict::Unknown, Verdict::Waived, Verdict::NotApplicable, Verdict::Pass];
    let numbers: Vec<Verdict> = numbers.into_iter().filter(|it| *it != Verdict::Waived || has_waived).collect();
    let header = numbers.iter().map(|verdict| match verdict {
        Verdict::NotApplicable => "n/a",
        other => other.name(),
    });
    table.set_header(["", "check", "severity"].into_iter().chain(header).chain([""]));
    let ids = checks.iter().map(|check| columns(&plain(&check.id))).max().unwrap_or(0);
    // The columns before the title, each with a space on either side.
    let room = if style.width < WITH_TITLES {
        0
    } else {
        style.width.saturating_sub(ids + if has_waived { 52 } else { 44 }).max(12)
    };
    for check in checks {
        let count = |verdict| shown_count(check.count(verdict));
        // Without the column, the mark shows the state.
        let note = match check.state {
            _ if room == 0 => String::new(),
            CheckState::Invalid => "invalid, not run".to_owned(),
            CheckState::Deselected => "not selected".to_owned(),
            CheckState::NoResources => "no resources".to_owned(),
            CheckState::Run => shortened(&plain(&check.title), room),
        };
        let cells = [mark(check).to_owned(), plain(&check.id).into_owned(), check.severity.name().to_owned()];
        table.add_row(cells.into_iter().chain(numbers.iter().map(|verdict| count(*verdict))).chain([note]));
    }
    table::write(table, 3..3 + numbers.len(), style, out)
}

/// Returns whether a check was run or left out without a failure, an unknown verdict or an error.
fn is_green(check: &Check<'_>) -> bool {
    !matches!(mark(check), "!" | "✗" | "?")
}

fn mark(check: &Check<'_>) -> &'static str {
    let given = |verdict| check.counts.get(&verdict).is_some_and(|count| *count > 0);
    match check.state {
        CheckState::Invalid => "!",
        CheckState::Deselected => " ",
        CheckState::NoResources => "–",
        CheckState::Run if check.uncovered(Verdict::Fail) > 0 => "✗",
        CheckState::Run if check.uncovered(Verdict::Unknown) > 0 => "?",
        // The baseline covers them.
        CheckState::Run if given(Verdict::Fail) || given(Verdict::Unknown) => "·",
        CheckState::Run if given(Verdict::Pass) => "✓",
        CheckState::Run => "–",
    }
}
