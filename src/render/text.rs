//! The report for people: findings with excerpts of policy and snapshot, then a scorecard and the totals.

use super::layout::Detail;
use super::output::{Audience, Format, Output, Presentation, Unit};
use super::{controls, diagnostics, findings, scorecard, totals};
use crate::report::controls::by_control;
use crate::report::{Evidence, Needs, Report};
use std::io::{self, Write};

/// The format.
pub(super) const FORMAT: Format = Format {
    name: "text",
    help: "For people",
    audience: Audience::People,
    unit: Unit::Run,
    new: |presentation| Box::new(Text(presentation.clone())),
    saved: None,
};

/// Diagnostics of one kind that are shown in any case.
const DIAGNOSTICS: usize = 50;

#[derive(Debug)]
struct Text(Presentation);

impl Output for Text {
    fn needs(&self) -> Needs {
        let Presentation { style, most_findings, .. } = self.0;
        Needs {
            findings: Evidence::AtMost(most_findings),
            not_applicable: style.detail == Detail::Verbose,
            diagnostics: Evidence::AtMost(most_findings.max(DIAGNOSTICS)),
            snapshots: Evidence::AtMost(1),
            ..Needs::NOTHING
        }
    }

    fn finish(&mut self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let (needs, style) = (self.needs(), self.0.style);
        let (shown, others) = report.diagnostics_for(&needs);
        diagnostics::write(shown, &report.secrets, style, out)?;
        for ((code, severity), count) in others {
            let (name, s) = (severity.name(), if count == 1 { "" } else { "s" });
            writeln!(
                out,
                "  … and {count} more {name}{s} of the kind {code}; --max-findings or --format json shows them\n"
            )?;
        }
        if style.detail > Detail::Quiet {
            findings::write(report, &needs, style, out)?;
            match report.run.by {
                None => scorecard::write(report, style, out)?,
                Some(framework) => controls::write(&by_control(report, framework), style, out)?,
            }
        }
        totals::write(report, style, out)
    }
}
