//! Documents that were saved: read back, and merged into one.

use super::{Account, Check, Counts, Document, Snapshot, VERSION};
use crate::diagnostic::{Code, Diagnostic, DiagnosticLevel};
use crate::engine::Verdict;
use crate::report::{CheckState, Gate, Status};
use crate::source::{Source, Span};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A saved document: of a whole run, or a line about one account.
#[derive(Debug)]
pub enum Saved {
    /// A run: `deodar-report`, or `deodar-run` at the end of NDJSON.
    Run(Box<Document<'static>>),
    /// One account of a run.
    Account(Box<Account<'static>>),
}

/// The properties that say which document this is.
#[derive(Default, Deserialize)]
struct Head {
    format: Option<String>,
    version: Option<String>,
}

impl Saved {
    /// Reads all documents of a file: one report, or lines of NDJSON.
    ///
    /// # Errors
    /// When the text is not JSON, or a document is of another kind or major version, or lacks something.
    pub fn read(source: &Arc<Source>) -> Result<Vec<Self>, Diagnostic> {
        let text = source.text().trim_start_matches('\u{feff}');
        let mark = source.text().len() - text.len();
        let mut found = Vec::new();
        for document in serde_json::Deserializer::from_str(text).into_iter::<&RawValue>() {
            let document = document.map_err(|error| incomplete(source, mark, text, &error))?.get();
            let before = document.as_ptr() as usize - text.as_ptr() as usize;
            found.push(Self::document(source, mark + before, document)?);
        }
        if found.is_empty() {
            return Err(not_a_report(source));
        }
        Ok(found)
    }

    /// Reads the document that begins at an offset of the source.
    fn document(source: &Arc<Source>, offset: usize, text: &str) -> Result<Self, Diagnostic> {
        let wrong = |error: serde_json::Error| incomplete(source, offset, text, &error);
        // A document of another kind need not be an object, or its properties may be of other types.
        let head: Head = serde_json::from_str(text).unwrap_or_default();
        let format = head.format.as_deref().unwrap_or_default();
        if !["deodar-report", "deodar-run", "deodar-account"].contains(&format) {
            return Err(not_a_report(source));
        }
        let version = head.version.unwrap_or_default();
        if major(&version) != major(VERSION) {
            let message = format!("`{}` is a report of version `{version}`, not `{VERSION}`", source.name());
            return Err(Diagnostic::error(Code::SavedReport, message)
                .help("check the snapshot again, or use the release of Deodar that wrote the report"));
        }
        Ok(match format {
            "deodar-account" => Saved::Account(Box::new(serde_json::from_str(text).map_err(wrong)?)),
            _ => Saved::Run(Box::new(serde_json::from_str(text).map_err(wrong)?)),
        })
    }
}

fn not_a_report(source: &Source) -> Diagnostic {
    let message = format!("`{}` is not a report of `deodar check`", source.name());
    Diagnostic::error(Code::SavedReport, message)
        .help("write the report with `deodar check --output json=FILE` or `--output ndjson=FILE`")
}

fn major(version: &str) -> &str {
    version.split('.').next().unwrap_or_default()
}

fn incomplete(source: &Arc<Source>, offset: usize, text: &str, error: &serde_json::Error) -> Diagnostic {
    let at = u32::try_from(offset + offset_in(text, error.line(), error.column())).unwrap_or(u32::MAX);
    let said = error.to_string();
    let reason = said.rsplit_once(" at line ").map_or(said.as_str(), |(reason, _)| reason);
    Diagnostic::error(Code::SavedReport, format!("`{}` is not a complete report: {reason}", source.name()))
        .label(source, Span::new(at, at), "")
        .help("check the snapshot again; a report is written as a whole and is not edited")
}

/// Returns the offset of a position that serde_json states: lines from 1, columns in bytes from 1.
fn offset_in(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let mut at = (before + column.saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Merges saved documents into one: the runs of the parts of a fleet, or the lines of one run.
///
/// # Errors
/// When there is no run, two runs have different packs, or an account occurs twice.
pub fn merged(saved: Vec<(String, Saved)>) -> Result<Document<'static>, Diagnostic> {
    let mut runs: Vec<(String, Document<'static>)> = Vec::new();
    let mut accounts: Vec<(String, Account<'static>)> = Vec::new();
    for (name, saved) in saved {
        match saved {
            Saved::Run(run) => runs.push((name, *run)),
            Saved::Account(account) => accounts.push((name, *account)),
        }
    }
    let mut runs = runs.into_iter();
    let Some((first, mut document)) = runs.next() else { return Err(no_run(accounts.first())) };
    for (name, run) in runs {
        if let Some(reason) = difference(&document, &run) {
            let message = format!("`{first}` and `{name}` cannot be merged: {reason}");
            return Err(
                Diagnostic::error(Code::SavedReport, message).help("merge reports of one pack and one set of options")
            );
        }
        document.absorb(run);
    }
    let listed = document.summary.accounts;
    for (_, account) in accounts {
        document.absorb_account(account);
    }
    if document.run.snapshots.len() < listed {
        let missing = listed - document.run.snapshots.len();
        let message = format!("{missing} of {listed} accounts of `{first}` are not in the files");
        return Err(Diagnostic::error(Code::SavedReport, message).help("name all files that the run wrote"));
    }
    let mut seen = BTreeSet::new();
    if let Some(twice) = document.run.snapshots.iter().find(|snapshot| !seen.insert((&snapshot.path, &snapshot.sha256)))
    {
        let message = format!("the snapshot `{}` is in two of the reports", twice.path);
        return Err(Diagnostic::error(Code::SavedReport, message).help("name each report once"));
    }
    document.format = "deodar-report".into();
    document.sort();
    document.set_status();
    Ok(document)
}

fn no_run(account: Option<&(String, Account<'static>)>) -> Diagnostic {
    match account {
        Some((name, _)) => Diagnostic::error(Code::SavedReport, format!("`{name}` ends before the line of the run"))
            .help("check the snapshots again; the run that wrote this file was interrupted"),
        None => Diagnostic::error(Code::SavedReport, "there is no report in the files".to_owned())
            .help("name a file that `deodar check` wrote with `--output json=FILE` or `--output ndjson=FILE`"),
    }
}

/// Returns the reason why two runs cannot be merged.
fn difference(a: &Document<'_>, b: &Document<'_>) -> Option<&'static str> {
    let files = |document: &Document<'_>| -> Vec<String> {
        document.run.pack_files.iter().map(|file| file.sha256.to_string()).collect()
    };
    let reasons = [
        (files(a) != files(b), "their packs differ"),
        (
            a.run.parameters != b.run.parameters || a.run.scoped_parameters != b.run.scoped_parameters,
            "their parameters differ",
        ),
        (a.run.fail_on != b.run.fail_on || a.run.allow_unknown != b.run.allow_unknown, "their thresholds differ"),
        (a.run.engine != b.run.engine, "their engines differ"),
        (
            a.checks.iter().map(|check| &check.id).ne(b.checks.iter().map(|check| &check.id))
                || a.checks.iter().zip(&b.checks).any(|(a, b)| selected(a) != selected(b)),
            "their checks differ",
        ),
    ];
    reasons.into_iter().find(|(differ, _)| *differ).map(|(_, reason)| reason)
}

fn selected(check: &Check<'_>) -> bool {
    check.state != CheckState::Deselected
}

impl Document<'static> {
    /// Adds the accounts of another run of the same pack.
    fn absorb(&mut self, other: Self) {
        self.run.now = self.run.now.clone().min(other.run.now);
        self.run.snapshots.extend(other.run.snapshots);
        for (mine, theirs) in self.checks.iter_mut().zip(other.checks) {
            add(&mut mine.counts, &theirs.counts);
            if mine.state == CheckState::NoResources {
                mine.state = theirs.state;
            }
        }
        let (mine, theirs) = (&mut self.summary, other.summary);
        add(&mut mine.verdicts, &theirs.verdicts);
        mine.accounts += theirs.accounts;
        mine.other_properties += theirs.other_properties;
        mine.skipped_files += theirs.skipped_files;
        mine.skipped_reports += theirs.skipped_reports;
        mine.errors += theirs.errors;
        mine.warnings += theirs.warnings;
        self.findings.extend(other.findings);
        // Problems of the pack are the same in every run.
        for diagnostic in other.diagnostics {
            if !self.diagnostics.contains(&diagnostic) {
                self.diagnostics.push(diagnostic);
            } else {
                match diagnostic.severity {
                    DiagnosticLevel::Error => self.summary.errors -= 1,
                    DiagnosticLevel::Warning => self.summary.warnings -= 1,
                }
            }
        }
        // Controls are rolled up again from the checks.
        self.by_control = None;
    }

    /// Adds the findings of an account whose verdicts the run has counted.
    fn absorb_account(&mut self, account: Account<'static>) {
        let Account { snapshot: path, sha256, captured_at, account, checks, findings, diagnostics, .. } = account;
        self.run.snapshots.push(Snapshot { path, sha256, captured_at, account, checks });
        self.findings.extend(findings);
        self.diagnostics.extend(diagnostics);
    }

    /// Sorts findings and diagnostics as a run does. The findings were added in the order of the snapshots, and findings
    /// that are equal by verdict, severity and check keep this order.
    fn sort(&mut self) {
        self.findings.sort_by(|a, b| {
            (a.verdict, Reverse(a.severity), &a.check).cmp(&(b.verdict, Reverse(b.severity), &b.check))
        });
        fn key<'d>(found: &'d super::Diagnostic<'static>) -> impl Ord + use<'d> {
            let place = found.labels.first().map(|label| {
                let super::Span { file, start, end, .. } = &label.span;
                (file, start.offset, end.offset)
            });
            (place, &found.code, &found.message)
        }
        self.diagnostics.sort_by(|a, b| key(a).cmp(&key(b)));
    }

    fn set_status(&mut self) {
        self.summary.checks_that_met_nothing =
            self.checks.iter().filter(|check| check.state == CheckState::NoResources).count();
        let counts = |check: &Check<'_>| check.counts.iter().map(|(verdict, count)| (*verdict, *count)).collect();
        let checks = self.checks.iter().map(|check| (check.severity, counts(check)));
        let gate = Gate { fail_on: self.run.fail_on, allow_unknown: self.run.allow_unknown };
        self.run.statuses = Status::of(gate, checks, self.summary.errors > 0);
        self.run.exit_code = self.run.statuses.first().map_or(0, |status| status.exit_code());
    }
}

impl Check<'_> {
    /// Returns how often a verdict was given.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.counts.get(&verdict).copied().unwrap_or(0)
    }
}

fn add(counts: &mut Counts, more: &Counts) {
    for (verdict, count) in more {
        *counts.entry(*verdict).or_insert(0) += count;
    }
}
