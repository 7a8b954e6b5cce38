//! Diagnostics for people: each with an excerpt of every source that it has labels in.

use super::frame::{Frame, by_source};
use super::layout::Style;
use crate::diagnostic::{self, Diagnostic, Label};
use crate::snapshot::Secrets;
use crate::source::Place;
use miette::Severity;
use std::io::{self, Write};

/// Writes diagnostics, with `secrets` masked.
///
/// # Errors
/// When `out` cannot be written.
pub fn write<'d>(
    diagnostics: impl IntoIterator<Item = &'d Diagnostic>,
    secrets: &[Secrets],
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    for diagnostic in diagnostics {
        let severity = match diagnostic.level {
            diagnostic::DiagnosticLevel::Error => Severity::Error,
            diagnostic::DiagnosticLevel::Warning => Severity::Warning,
        };
        let label = |label: &Label| (label.place.clone(), label.text.clone());
        let labels: Vec<(Place, String)> = diagnostic.labels.iter().map(label).collect();
        let mut groups = by_source(&labels).into_iter();
        let first = groups.next();
        let shown = Frame::new(
            secrets,
            severity,
            Some(diagnostic.code.name().to_owned()),
            diagnostic.message.clone(),
            first.as_deref(),
        );
        let rest: Vec<_> = groups.collect();
        let help = diagnostic.help.clone();
        if rest.is_empty() {
            Frame { help, ..shown }.write(style, out)?;
            continue;
        }
        shown.write(style, out)?;
        let last = rest.len() - 1;
        for (at, group) in rest.iter().enumerate() {
            let shown = Frame::new(secrets, Severity::Advice, None, "see also".into(), Some(group));
            Frame { help: help.clone().filter(|_| at == last), ..shown }.write(style, out)?;
        }
    }
    Ok(())
}
