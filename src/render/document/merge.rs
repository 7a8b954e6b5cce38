//! Saved documents as one: the lines of a run, and the runs of the parts of a fleet.
//!
//! A report that is not complete must not have the exit code of a complete one. So every run is compared with its own
//! counts before it is merged.

use super::counts::{add, count};
use super::{Account, AlsoCovered, ByControl, Changes, Check, Document, Label, Saved, Snapshot, Span, Waiver};
use crate::diagnostic::{Code, Diagnostic, DiagnosticLevel};
use crate::engine::{BEYOND, Verdict};
use crate::report::{
    Beyond, CheckState, FileRole, NO_SNAPSHOT_HAS_IT, RepeatedAccount, WaiverProblem, WaiverStatus, listed_accounts,
};
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// The help for a report that was changed after it was written.
const AS_A_WHOLE: &str = "check the snapshot again; a report is written as a whole and is not edited";

/// Merges saved documents, each with the name of its file, in the order of the files. The lines of accounts belong to the
/// next line of a run.
///
/// # Errors
/// When a run is missing, does not have all its accounts or contradicts itself, two runs have different packs or options,
/// or an account occurs twice.
pub fn merged(saved: Vec<(String, Saved)>) -> Result<Document<'static>, Diagnostic> {
    let mut merged: Option<(String, Document<'static>)> = None;
    let mut is_merged = false;
    let mut lines: Vec<(String, Account<'static>)> = Vec::new();
    for (name, saved) in saved {
        let run = match saved {
            Saved::Account(account) => {
                lines.push((name, *account));
                continue;
            }
            Saved::Run(run) => complete(&name, *run, std::mem::take(&mut lines))?,
        };
        let Some((first, document)) = &mut merged else {
            merged = Some((name, run));
            continue;
        };
        if let Some(reason) = difference(document, &run) {
            let message = format!("`{first}` and `{name}` cannot be merged: {reason}");
            return Err(
                Diagnostic::error(Code::SavedReport, message).help("merge reports of one pack and one set of options")
            );
        }
        document.absorb(run);
        is_merged = true;
    }
    if let Some((name, _)) = lines.first() {
        return Err(Diagnostic::error(Code::SavedReport, format!("`{name}` ends before the line of the run"))
            .help("check the snapshots again; the run that wrote this file was interrupted"));
    }
    let Some((_, mut document)) = merged else {
        return Err(Diagnostic::error(Code::SavedReport, "there is no report in the files".to_owned())
            .help("name a file that `deodar check` wrote with `--output json=FILE` or `--output ndjson=FILE`"));
    };
    let mut seen = BTreeSet::new();
    if let Some(twice) = document.run.snapshots.iter().find(|snapshot| !seen.insert((&snapshot.path, &snapshot.sha256)))
    {
        let message = format!("the snapshot `{}` is in two of the reports", twice.path);
        return Err(Diagnostic::error(Code::SavedReport, message).help("name each report once"));
    }
    document.format = "deodar-report".into();
    if is_merged {
        document.finish_diagnostics();
        document.by_control = document.by_control.map(|table| ByControl::of(&document.checks, &table.framework));
    }
    document.sort();
    document.set_status();
    Ok(document)
}

/// Returns a run with its accounts.
fn complete(
    name: &str,
    mut run: Document<'static>,
    lines: Vec<(String, Account<'static>)>,
) -> Result<Document<'static>, Diagnostic> {
    let count = lines.len();
    if run.format == "deodar-run" && count != run.summary.accounts {
        let message = format!("`{name}` has {count} of {} accounts of its run", run.summary.accounts);
        return Err(Diagnostic::error(Code::SavedReport, message)
            .help("name all files that the run wrote, in their order; a run that was interrupted is checked again"));
    }
    if let Some((other, _)) = lines.first().filter(|_| run.format != "deodar-run") {
        return Err(Diagnostic::error(Code::SavedReport, format!("`{other}` ends before the line of the run"))
            .help("check the snapshots again; the run that wrote this file was interrupted"));
    }
    let edited = |name: &str, reason: String| {
        let message = format!("`{name}` contradicts itself: {reason}");
        Diagnostic::error(Code::SavedReport, message).help(AS_A_WHOLE)
    };
    if let Some((of, reason)) = lines.iter().find_map(|(of, account)| Some((of, account.contradiction(&run)?))) {
        return Err(edited(of, reason));
    }
    lines.into_iter().for_each(|(_, account)| run.absorb_account(account));
    match run.contradiction() {
        None => Ok(run),
        Some(reason) => Err(edited(name, reason)),
    }
}

/// Returns the reason why two runs cannot be merged.
fn difference(a: &Document<'_>, b: &Document<'_>) -> Option<&'static str> {
    let files = |document: &Document<'_>, of_waivers: bool| -> Vec<String> {
        let files = document.run.pack_files.iter().filter(|file| (file.role == FileRole::Waivers) == of_waivers);
        files.map(|file| file.sha256.to_string()).collect()
    };
    let reasons = [
        (files(a, false) != files(b, false), "their packs differ"),
        (files(a, true) != files(b, true), "their files of waivers differ"),
        (
            a.run.parameters != b.run.parameters || a.run.scoped_parameters != b.run.scoped_parameters,
            "their parameters differ",
        ),
        (a.run.fail_on != b.run.fail_on || a.run.allow_unknown != b.run.allow_unknown, "their thresholds differ"),
        (
            a.run.configuration.as_ref().map(|it| (&it.sha256, &it.weakens))
                != b.run.configuration.as_ref().map(|it| (&it.sha256, &it.weakens)),
            "their configurations differ",
        ),
        (a.run.max_snapshot_age != b.run.max_snapshot_age, "their maximal ages of snapshots differ"),
        (a.run.engine != b.run.engine, "their engines differ"),
        (
            framework(a) != framework(b),
            "they group verdicts by controls of different frameworks, or one of them does not",
        ),
        (baseline(a) != baseline(b), "their baselines differ"),
        (a.other_verdicts.is_some() != b.other_verdicts.is_some(), "one of them does not have all verdicts"),
        (
            a.run.waivers != b.run.waivers
                || a.waivers.iter().map(|waiver| &waiver.id).ne(b.waivers.iter().map(|waiver| &waiver.id)),
            "their waivers differ",
        ),
        (
            a.checks.iter().map(|check| &check.id).ne(b.checks.iter().map(|check| &check.id))
                || a.checks.iter().zip(&b.checks).any(|(a, b)| selected(a) != selected(b)),
            "their checks differ",
        ),
    ];
    reasons.into_iter().find(|(differ, _)| *differ).map(|(_, reason)| reason)
}

fn baseline<'d>(document: &'d Document<'_>) -> Option<&'d str> {
    document.run.baseline.as_ref().map(|baseline| &*baseline.sha256)
}

fn framework<'d>(document: &'d Document<'_>) -> Option<&'d str> {
    document.by_control.as_ref().map(|table| &*table.framework)
}

fn selected(check: &Check<'_>) -> bool {
    check.state != CheckState::Deselected
}

impl Document<'static> {
    /// Adds the accounts of another run of the same pack.
    fn absorb(&mut self, mut other: Self) {
        if self.has_judged() && other.has_judged() {
            self.drop_matched(&mut other);
        }
        self.run.now = self.run.now.clone().min(other.run.now);
        self.run.snapshots.extend(other.run.snapshots);
        for (mine, theirs) in self.checks.iter_mut().zip(other.checks) {
            add(&mut mine.counts, &theirs.counts);
            if let (Some(mine), Some(theirs)) = (&mut mine.baseline, &theirs.baseline) {
                mine.add(theirs);
            }
            if mine.state == CheckState::NoResources {
                mine.state = theirs.state;
            }
        }
        if let (Some(mine), Some(theirs)) = (&mut self.run.baseline, &other.run.baseline) {
            mine.judged = mine.judged.saturating_add(theirs.judged);
        }
        let (mine, theirs) = (&mut self.summary, other.summary);
        add(&mut mine.verdicts, &theirs.verdicts);
        mine.accounts = mine.accounts.saturating_add(theirs.accounts);
        mine.other_properties = mine.other_properties.saturating_add(theirs.other_properties);
        mine.skipped_files = mine.skipped_files.saturating_add(theirs.skipped_files);
        mine.skipped_reports = mine.skipped_reports.saturating_add(theirs.skipped_reports);
        self.findings.extend(other.findings);
        if let (Some(mine), Some(theirs)) = (&mut self.other_verdicts, other.other_verdicts) {
            mine.extend(theirs);
        }
        let mut other_diagnostics = other.diagnostics;
        for (mine, theirs) in self.waivers.iter_mut().zip(other.waivers) {
            let of_parts = [&mut self.diagnostics, &mut other_diagnostics]
                .map(|diagnostics| diagnostics.extract_if(.., |found| mine.is_subject(found)).collect::<Vec<_>>());
            mine.absorb(theirs);
            // The place of a waiver has no excerpt, and that of a diagnostic about it has one.
            let place = of_parts.into_iter().flatten().find_map(|found| found.labels.into_iter().next());
            let place = place.map_or_else(|| mine.span.clone(), |label| label.span);
            self.diagnostics.extend(mine.problem(self.summary.accounts, place));
        }
        // A problem of the pack is the same in every run.
        for diagnostic in other_diagnostics {
            if !self.diagnostics.contains(&diagnostic) {
                self.diagnostics.push(diagnostic);
            }
        }
    }

    /// Returns whether the run judged a snapshot.
    fn has_judged(&self) -> bool {
        self.run.snapshots.iter().any(|snapshot| snapshot.account.is_some())
    }

    /// Removes the problems that one of two runs has because no snapshot of it matches, if a snapshot of the other one does.
    fn drop_matched(&mut self, other: &mut Self) {
        let is_judged = |document: &Self| document.run.baseline.as_ref().is_some_and(|baseline| baseline.judged > 0);
        let (mine, theirs) = (is_judged(self), is_judged(other));
        let is_of_account =
            |found: &super::Diagnostic<'_>| found.code == Code::NoAccount.name() && !found.labels.is_empty();
        let is_of_instance = |found: &super::Diagnostic<'_>| found.code == Code::NoInstance.name();
        let is_unmatched = |found: &super::Diagnostic<'_>| {
            let is_of_setting = || found.code == Code::Parameter.name() && found.message.ends_with(NO_SNAPSHOT_HAS_IT);
            is_of_instance(found) || is_of_account(found) || is_of_setting()
        };
        // A run without the account of a check does not show that it has the instance of the check.
        let without_account = |document: &Self| -> BTreeSet<String> {
            let found = document.diagnostics.iter().filter(|found| is_of_account(found));
            found.filter_map(|found| check_of(found).map(str::to_owned)).collect()
        };
        let (mine_lacks, theirs_lacks) = (without_account(self), without_account(other));
        let is_open = |found: &super::Diagnostic<'_>, lacks: &BTreeSet<String>| {
            is_of_instance(found) && check_of(found).is_some_and(|check| lacks.contains(check))
        };
        let is_of_baseline =
            |found: &super::Diagnostic<'_>| found.code == Code::NoAccount.name() && found.labels.is_empty();
        // The runs have the same files, perhaps by other paths.
        let is_same = |a: &super::Diagnostic<'_>, b: &super::Diagnostic<'_>| {
            let place = |found: &super::Diagnostic<'_>| {
                found.labels.first().map(|label| (label.span.start.offset, label.span.end.offset))
            };
            (&a.code, a.severity, &a.message, place(a)) == (&b.code, b.severity, &b.message, place(b))
        };
        let is_guess =
            |found: &super::Diagnostic<'_>| found.help.as_deref().is_some_and(|it| it.starts_with("did you"));
        // The problem of both runs is that of this one. The help with a similar id is of more use than one with any ids.
        self.diagnostics.retain_mut(|found| {
            if !is_unmatched(found) {
                return mine || !theirs || !is_of_baseline(found);
            }
            let same = other.diagnostics.iter().find(|theirs| is_same(theirs, found));
            if let Some(same) = same.filter(|same| is_guess(same) && !is_guess(found)) {
                found.help.clone_from(&same.help);
            }
            same.is_some() || is_open(found, &theirs_lacks)
        });
        other.diagnostics.retain(|found| match is_unmatched(found) {
            true => is_open(found, &mine_lacks),
            false => theirs || !mine || !is_of_baseline(found),
        });
    }

    /// Replaces the diagnostics of merged runs about equal account ids by that of all snapshots, lists the accounts of all
    /// snapshots, and counts all diagnostics.
    fn finish_diagnostics(&mut self) {
        let (mut seen, mut first, mut repeated) = (BTreeSet::new(), None, 0);
        let mut ids = Vec::new();
        for snapshot in &self.run.snapshots {
            match snapshot.account.as_deref() {
                Some(id) if !seen.insert(id) => {
                    repeated += 1;
                    first.get_or_insert((&*snapshot.path, id));
                }
                id => ids.extend(id),
            }
        }
        let accounts = listed_accounts(&ids);
        let is_of_account =
            |found: &&mut super::Diagnostic<'_>| found.code == Code::NoAccount.name() && !found.labels.is_empty();
        self.diagnostics.iter_mut().filter(is_of_account).for_each(|found| found.help = Some(accounts.clone().into()));
        let is_covered = self.run.baseline.is_some() || count(&self.summary.verdicts, Verdict::Waived) > 0;
        let problem = first.map(|(path, id)| RepeatedAccount { path, id, count: repeated }.problem(is_covered));
        self.diagnostics.retain(|found| found.code != Code::SameAccount.name());
        self.diagnostics.extend(problem.map(|found| super::Diagnostic {
            code: found.code.name().into(),
            severity: found.level,
            message: found.message.into(),
            help: found.help.map(Into::into),
            labels: Vec::new(),
        }));
        let listed = |level| self.diagnostics.iter().filter(|found| found.severity == level).count();
        (self.summary.errors, self.summary.warnings) =
            (listed(DiagnosticLevel::Error), listed(DiagnosticLevel::Warning));
    }

    /// Adds the findings of an account whose verdicts the run has counted.
    fn absorb_account(&mut self, account: Account<'static>) {
        let Account {
            snapshot: path,
            sha256,
            files,
            captured_at,
            captured_at_unknown,
            account,
            checks,
            findings,
            other_verdicts,
            diagnostics,
            ..
        } = account;
        self.run.snapshots.push(Snapshot { path, sha256, files, captured_at, captured_at_unknown, account, checks });
        self.findings.extend(findings);
        if let Some(others) = other_verdicts {
            self.other_verdicts.get_or_insert_default().extend(others);
        }
        self.diagnostics.extend(diagnostics);
    }

    /// Sorts findings and diagnostics as a run does. The findings were added in the order of the snapshots, and findings
    /// that are equal by verdict, severity and check keep this order.
    fn sort(&mut self) {
        self.findings.sort_by(|a, b| {
            (a.verdict, Reverse(a.severity), &a.check).cmp(&(b.verdict, Reverse(b.severity), &b.check))
        });
        self.other_verdicts.iter_mut().for_each(|others| others.sort_by(|a, b| a.check.cmp(&b.check)));
        fn key<'d>(found: &'d super::Diagnostic<'static>) -> impl Ord + use<'d> {
            let place = found.labels.first().map(|label| {
                let Span { file, start, end, .. } = &label.span;
                (file, start.offset, end.offset)
            });
            (place, &found.code, &found.message)
        }
        self.diagnostics.sort_by(|a, b| key(a).cmp(&key(b)));
    }
}

/// Returns the check that a diagnostic names first.
fn check_of<'d>(found: &'d super::Diagnostic<'_>) -> Option<&'d str> {
    found.message.split('`').nth(1)
}

impl Waiver<'static> {
    /// Returns whether a diagnostic is about what the waiver covers.
    fn is_subject(&self, found: &super::Diagnostic<'_>) -> bool {
        let codes = [Code::WaiverUnused, Code::WaiverBroad].map(Code::name);
        let is_here = |label: &Label<'_>| label.span.file == self.span.file && label.span.start == self.span.start;
        codes.contains(&&*found.code) && found.labels.first().is_some_and(is_here)
    }

    /// Adds what the waiver covers in another run.
    fn absorb(&mut self, other: Self) {
        self.waived = self.waived.saturating_add(other.waived);
        self.beyond = self.beyond.saturating_add(other.beyond);
        let room = BEYOND.saturating_sub(self.also_covers.len());
        self.also_covers.extend(other.also_covers.into_iter().take(room));
        self.status = match (self.status, other.status) {
            _ if self.waived > 0 && self.beyond > 0 => WaiverStatus::OverBroad,
            _ if self.waived > 0 => WaiverStatus::Live,
            (mine, theirs) if mine == theirs => mine,
            // An account that one run did not judge may have a verdict to waive.
            (WaiverStatus::NotJudged, _) | (_, WaiverStatus::NotJudged) => WaiverStatus::NotJudged,
            // The times of the runs differ, and the last day of the waiver is between them.
            (WaiverStatus::Expired, theirs) => theirs,
            (mine, _) => mine,
        };
    }

    /// Returns the warning about the waiver over a number of accounts, if there is one, with its place.
    fn problem(&self, accounts: usize, place: Span<'static>) -> Option<super::Diagnostic<'static>> {
        if self.status == WaiverStatus::Expired {
            // Both runs have it.
            return None;
        }
        let examples: Vec<String> = self.also_covers.iter().map(|it| it.shown(accounts > 1)).collect();
        let texts = WaiverProblem::of(self.status, &self.id, &self.check, &self.expires, self.beyond, &examples)?;
        let label = Label { text: texts.label.into(), span: place };
        Some(super::Diagnostic {
            code: texts.code.name().into(),
            severity: DiagnosticLevel::Warning,
            message: texts.message.into(),
            help: Some(texts.help.into()),
            labels: vec![label],
        })
    }
}

impl AlsoCovered<'_> {
    /// Returns the resource with its verdict, and with its account if there are several.
    fn shown(&self, with_account: bool) -> String {
        let beyond = Beyond {
            account: (&*self.account).into(),
            ty: self.ty.to_string(),
            id: (&*self.id).into(),
            verdict: self.verdict,
        };
        beyond.shown(with_account)
    }
}

impl Changes {
    fn add(&mut self, more: &Self) {
        add(&mut self.new, &more.new);
        add(&mut self.worse, &more.worse);
        add(&mut self.better, &more.better);
        add(&mut self.unchanged, &more.unchanged);
        self.fixed = self.fixed.saturating_add(more.fixed);
    }
}
