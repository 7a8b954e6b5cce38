//! The report for people: the problems of the inputs, then the findings in full or one line each, then the totals.

use super::concise::{self, Limits};
use super::document::{Check, Document, Explained};
use super::layout::{Detail, Layout};
use super::output::{Audience, Format, Output, Presentation, Unit};
use super::{controls, diagnostics, findings, saved, scorecard, totals, waived};
use crate::engine::Verdict;
use crate::report::{Change, CheckState, Evidence, Needs, Report};
use std::io::{self, Write};

/// The format.
pub(super) const FORMAT: Format = Format {
    name: "text",
    help: "For people",
    audience: Audience::People,
    unit: Unit::Run,
    recognised: &[],
    new: |presentation| Box::new(Text(presentation.clone())),
    saved: Some(write_saved),
};

/// Diagnostics of one kind that are shown in any case.
const DIAGNOSTICS: usize = 50;
/// Findings of one check and verdict that a concise report counts for missing data.
const EXPLAINED: usize = 200;
/// Findings that are shown in full if the layout is not set.
const FEW: usize = 10;
/// Findings in full after a concise report.
const WORST: usize = 3;

#[derive(Debug)]
struct Text(Presentation);

impl Text {
    /// Returns the needs of findings in full.
    fn full_needs(&self) -> Needs {
        let Presentation { style, most_findings, .. } = self.0;
        Needs {
            findings: Evidence::AtMost(most_findings),
            not_applicable: style.detail == Detail::Verbose,
            diagnostics: Evidence::AtMost(most_findings.max(DIAGNOSTICS)),
            snapshots: Evidence::AtMost(1),
            ..Needs::NOTHING
        }
    }

    /// Returns the number of findings of one check and verdict that a concise report reads.
    fn explained(&self) -> usize {
        self.0.most_findings.max(EXPLAINED)
    }
}

impl Output for Text {
    fn needs(&self) -> Needs {
        let Presentation { style, layout, .. } = self.0;
        let needs = self.full_needs();
        if layout == Layout::Full || style.detail == Detail::Quiet {
            return needs;
        }
        Needs { findings: Evidence::AtMost(self.explained()), ..needs }
    }

    fn finish(&mut self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let Presentation { style, most_findings, layout, all, .. } = self.0;
        let (shown, others) = report.diagnostics_for(&self.full_needs());
        diagnostics::write(shown, &report.secrets, style, out)?;
        for ((code, severity), count) in others {
            let (name, s) = (severity.name(), if count == 1 { "" } else { "s" });
            writeln!(
                out,
                "  … and {count} more {name}{s} of the kind {code}; --max-findings or --format json shows them\n"
            )?;
        }
        if style.detail == Detail::Quiet {
            return totals::write(&Document::without_findings(report, &self.needs()), style, out);
        }
        let explained = Explained::of(report, &self.needs());
        let document = Document::of(report, &explained, &self.needs());
        let is_full = is_full(&document, layout);
        if is_full {
            findings::write(report, &self.full_needs(), style, out)?;
        } else {
            let limits = Limits { findings: most_findings, explained: self.explained(), all };
            concise::write(&document, limits, style, out)?;
            if layout == Layout::Auto {
                writeln!(out, "the {WORST} most severe in full\n")?;
                findings::write_worst(report, WORST, style, out)?;
            }
        }
        write_end(&document, is_full, &self.0, out)
    }
}

/// Returns whether findings are shown in full.
fn is_full(document: &Document<'_>, layout: Layout) -> bool {
    match layout {
        Layout::Full => true,
        Layout::Concise => false,
        Layout::Auto => document.uncovered(Verdict::Fail) + document.uncovered(Verdict::Unknown) <= FEW,
    }
}

/// Writes the controls or the scorecard, the checks without findings, the totals, and the command for one check.
fn write_end(
    document: &Document<'_>,
    is_full: bool,
    presentation: &Presentation,
    out: &mut dyn Write,
) -> io::Result<()> {
    let Presentation { style, all, most_findings, .. } = *presentation;
    waived::write(document, most_findings, style, out)?;
    let is_idle = |check: &Check<'_>| check.state == CheckState::NoResources;
    let is_idle = document.checks.len() > 1 && document.checks.iter().all(is_idle);
    match &document.by_control {
        Some(rolled) => controls::write(document, rolled, style, out)?,
        None if is_full || all => scorecard::write(document, all, style, out)?,
        None => {}
    }
    // The scorecard of all checks, and its line for a run without resources, contain them.
    if document.by_control.is_none() && !all && !(is_full && is_idle) {
        concise::write_others(document, style, out)?;
    }
    if is_full {
        totals::write_inputs(document, style, out)?;
    } else {
        concise::write_command(document, style, out)?;
    }
    totals::write(document, style, out)
}

/// Writes a saved document. As in the text of a run, findings that the baseline covers are only counted.
fn write_saved(document: &Document<'_>, presentation: &Presentation, out: &mut dyn Write) -> io::Result<()> {
    let mut uncovered = document.clone();
    uncovered.findings.retain(|finding| !finding.baseline.is_some_and(Change::is_covered));
    let document = &uncovered;
    let Presentation { style, most_findings, layout, all, .. } = *presentation;
    saved::write_diagnostics(document, style, out)?;
    if style.detail == Detail::Quiet {
        return totals::write(document, style, out);
    }
    let is_full = is_full(document, layout);
    if is_full {
        saved::write_findings(document, usize::MAX, style, out)?;
    } else {
        concise::write(document, Limits { findings: most_findings, explained: usize::MAX, all }, style, out)?;
        if layout == Layout::Auto {
            writeln!(out, "the {WORST} most severe in full\n")?;
            saved::write_findings(document, WORST, style, out)?;
        }
    }
    write_end(document, is_full, presentation, out)
}
