//! One line of JSON for every account, in the order in which they came. The schema is `account` in
//! `schemas/report.schema.json`.

use super::json::{DiagnosticJson, FindingJson, VERSION, diagnostic, finding, verdicts};
use super::layout::{Detail, Style};
use super::output::{Audience, Format, Output, Presentation, Unit};
use super::{diagnostics, names, totals};
use crate::engine::VerdictCounts;
use crate::parallel::*;
use crate::report::{AccountReport, CheckState, Evidence, Needs, Report};
use crate::value::show_datetime;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// The format.
pub(super) const FORMAT: Format = Format {
    name: "ndjson",
    help: "For programs: one line for every snapshot, as it is judged",
    audience: Audience::Programs,
    unit: Unit::Account,
    new: |presentation| Box::new(Lines(*presentation)),
};

#[derive(Debug)]
struct Lines(Presentation);

impl Output for Lines {
    fn needs(&self) -> Needs {
        let not_applicable = self.0.style.detail == Detail::Verbose;
        Needs { of_account: Evidence::All, not_applicable, ..Needs::NOTHING }
    }

    fn accounts(&mut self, report: &Report, accounts: &[AccountReport], out: &mut dyn Write) -> io::Result<()> {
        let needs = self.needs();
        let line = |account| serde_json::to_vec(&envelope(report, account, &needs));
        let lines: Vec<serde_json::Result<Vec<u8>>> = accounts.par_iter().map(line).collect();
        for line in lines {
            out.write_all(&line?)?;
            out.write_all(b"\n")?;
        }
        Ok(())
    }

    fn finish(&mut self, _: &Report, _: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    /// Writes the diagnostics that are not about an account, and the totals.
    fn aside(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let style = Style { detail: Detail::Quiet, color: false, ..self.0.style };
        let (shown, _) = report.diagnostics_for(&self.needs());
        diagnostics::write(shown, &report.secrets, style, out)?;
        if self.0.style.detail == Detail::Quiet {
            return Ok(());
        }
        totals::write(report, style, out)
    }
}

#[derive(Serialize)]
struct AccountJson<'r> {
    format: &'static str,
    version: &'static str,
    snapshot: &'r str,
    sha256: Option<&'r str>,
    captured_at: Option<String>,
    pack: &'r str,
    pack_version: Option<&'r str>,
    exit_code: u8,
    statuses: Vec<&'static str>,
    verdicts: BTreeMap<&'static str, usize>,
    checks: BTreeMap<&'r str, CheckOfAccountJson>,
    findings: Vec<FindingJson<'r>>,
    diagnostics: Vec<DiagnosticJson<'r>>,
}

#[derive(Serialize)]
struct CheckOfAccountJson {
    state: &'static str,
    #[serde(flatten)]
    counts: BTreeMap<&'static str, usize>,
}

fn envelope<'r>(report: &'r Report, account: &'r AccountReport, needs: &Needs) -> AccountJson<'r> {
    let statuses = report.statuses_of(account);
    let count = |verdict| account.counts.iter().map(|counts| counts[verdict]).sum();
    let of_account = |state: CheckState, counts: &VerdictCounts| {
        let state = names::check_state(state.after(counts));
        let mut counts = verdicts(|verdict| counts[verdict]);
        counts.retain(|_, count| *count > 0);
        CheckOfAccountJson { state, counts }
    };
    AccountJson {
        format: "deodar-account",
        version: VERSION,
        snapshot: &account.snapshot.path,
        sha256: account.snapshot.sha256.as_deref(),
        captured_at: account.snapshot.captured_at.map(show_datetime),
        pack: &report.run.pack.name,
        pack_version: report.run.pack.version.as_deref(),
        exit_code: statuses.first().map_or(0, |status| status.exit_code()),
        statuses: statuses.into_iter().map(names::status).collect(),
        verdicts: verdicts(count),
        checks: report
            .checks
            .iter()
            .zip(&account.counts)
            .map(|(check, counts)| (check.id.as_str(), of_account(check.state, counts)))
            .collect(),
        findings: account.findings_for(needs).map(|found| finding(report, found)).collect(),
        diagnostics: account.diagnostics.iter().map(diagnostic).collect(),
    }
}
