//! Tables for people: marks and numbers in columns.

use super::layout::Style;
use std::io::{self, Write};

/// Returns a number as tables show it.
pub(super) fn shown_count(count: usize) -> String {
    match count {
        0 => "·".to_owned(),
        n => n.to_string(),
    }
}

/// Writes a table; the columns `numbers` are numbers.
pub(super) fn write(
    mut table: comfy_table::Table,
    numbers: std::ops::Range<usize>,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    for (at, column) in table.column_iter_mut().enumerate() {
        column.set_padding((if numbers.contains(&at) { 2 } else { 1 }, u16::from(at < 2)));
        if numbers.contains(&at) {
            column.set_cell_alignment(comfy_table::CellAlignment::Right);
        }
    }
    for line in table.to_string().lines() {
        let line = line.trim_end();
        writeln!(out, "{}", if style.color { painted(line) } else { line.to_owned() })?;
    }
    writeln!(out)
}

/// Colours the mark at the start of a line: once it is laid out, so that colour takes no room.
fn painted(line: &str) -> String {
    let marks = [("✗", "31"), ("!", "31"), ("?", "33"), ("✓", "32")];
    match marks.into_iter().find(|(mark, _)| line.trim_start().starts_with(mark)) {
        Some((mark, color)) => line.replacen(mark, &format!("\x1b[{color}m{mark}\x1b[0m"), 1),
        None => line.to_owned(),
    }
}
