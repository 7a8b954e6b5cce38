//! One line of JSON for every account, in the order in which they came, and a last line for the run. The schemas are
//! `account` and `run` in `schemas/report.schema.json`. Without its last line the output of a run is not complete.

use super::document::{Builder, Document, Explained};
use super::layout::{Detail, Style};
use super::output::{Audience, Format, LINES_FILES, Output, Presentation, Unit};
use super::totals;
use crate::parallel::*;
use crate::report::{AccountReport, Evidence, Needs, Report};
use std::io::{self, Write};

/// The format.
pub(super) const FORMAT: Format = Format {
    name: "ndjson",
    help: "For programs: one line for every snapshot, as it is judged",
    audience: Audience::Programs,
    unit: Unit::Account,
    recognised: LINES_FILES,
    new: |presentation| Box::new(Lines(presentation.clone())),
    saved: None,
};

/// Bytes of a finding with its evidence, as most have.
const BYTES_OF_FINDING: usize = 4096;

#[derive(Debug)]
struct Lines(Presentation);

impl Output for Lines {
    fn needs(&self) -> Needs {
        let not_applicable = self.0.style.detail == Detail::Verbose;
        let all_verdicts = self.0.all_verdicts;
        Needs {
            of_account: Evidence::All,
            not_applicable,
            all_verdicts,
            covered: true,
            digests: true,
            ..Needs::NOTHING
        }
    }

    fn accounts(&mut self, report: &Report, accounts: &[AccountReport], out: &mut dyn Write) -> io::Result<()> {
        let needs = self.needs();
        let line = |account: &AccountReport| {
            let secrets = account.secrets.as_slice();
            let explained = Explained::of_account(account, &needs);
            // Most lines are not copied to a larger buffer more than once.
            let mut line = Vec::with_capacity((account.listed.len() + 1) * BYTES_OF_FINDING);
            let document = Builder { report, secrets }.account(account, &explained, &needs);
            serde_json::to_writer(&mut line, &document).map(|()| line)
        };
        let lines: Vec<serde_json::Result<Vec<u8>>> = accounts.par_iter().map(line).collect();
        for line in lines {
            out.write_all(&line?)?;
            out.write_all(b"\n")?;
        }
        Ok(())
    }

    fn finish(&mut self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        serde_json::to_writer(&mut *out, &Document::of_run(report, &self.needs()))?;
        out.write_all(b"\n")
    }

    /// Writes the totals.
    fn aside(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let style = Style { detail: Detail::Normal, color: false, ..self.0.style };
        if self.0.style.detail == Detail::Quiet {
            return Ok(());
        }
        totals::write(&Document::of_run(report, &self.needs()), style, out)
    }
}
