//! `deodar list`: the checks of a pack.

use super::escape::plain;
use super::layout::{Style, shortened};
use crate::report::Report;
use std::io::{self, Write};

/// Writes the checks of a pack, one line each.
///
/// # Errors
/// When `out` cannot be written.
pub fn write(report: &Report, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let ids = report.checks.iter().map(|check| plain(&check.id).chars().count()).max().unwrap_or(0);
    let room = style.width.saturating_sub(ids + 12).max(20);
    for check in &report.checks {
        writeln!(
            out,
            "{:ids$}  {:8}  {}",
            plain(&check.id),
            check.severity.name(),
            shortened(&plain(&check.title), room)
        )?;
        if let Some(original) = &check.overridden {
            let line = format!("{} in the policy: {}", original.severity.name(), original.reason);
            writeln!(out, "{:ids$}  {:8}  {}", "", "", shortened(&plain(&line), room))?;
        }
    }
    Ok(())
}
