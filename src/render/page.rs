//! The diagnostic codes: a list, and the page of each with its meaning, its fix and an example.

use super::layout::{Style, paragraph, shortened};
use super::plain;
use crate::diagnostic::{Code, Page};
use std::io::{self, Write};

/// Writes all codes with their severity and summary, one line each.
///
/// # Errors
/// If `out` cannot be written.
pub fn list(style: Style, out: &mut dyn Write) -> io::Result<()> {
    let names = Code::ALL.iter().map(|code| code.name().len()).max().unwrap_or(0);
    let room = style.width.saturating_sub(names + 11).max(20);
    Code::ALL.iter().try_for_each(|code| {
        let summary = shortened(code.summary(), room);
        writeln!(out, "{:names$}  {:7}  {summary}", code.name(), code.severity().name())
    })
}

/// Writes the page of a code.
///
/// # Errors
/// If `out` cannot be written.
pub fn write(code: Code, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let Page { paragraphs, example } = Page::of(code);
    writeln!(out, "{code} · {}\n", code.severity().name())?;
    for text in &paragraphs {
        writeln!(out, "{}\n", paragraph("", "", text, style))?;
    }
    let Some(example) = example else { return Ok(()) };
    writeln!(out, "Example: {}\n", example.heading)?;
    for (name, content) in &example.inputs {
        writeln!(out, "  {name}")?;
        content.lines().try_for_each(|line| writeln!(out, "{}", format!("  │ {}", plain(line)).trim_end()))?;
        writeln!(out)?;
    }
    example.output.lines().try_for_each(|line| writeln!(out, "{}", format!("  {line}").trim_end()))
}
