//! Saved documents as one: the lines of a run, and the runs of the parts of a fleet.
//!
//! A report that is not complete must not have the exit code of a complete one. So every run is compared with its own
//! counts before it is merged.

use super::counts::{add, count};
use super::{
    Account, AlsoCovered, ByControl, Changes, Check, Counts, Document, Finding, Label, Saved, Snapshot, Waiver,
};
use crate::diagnostic::{Code, Diagnostic, DiagnosticLevel};
use crate::engine::{BEYOND, Verdict};
use crate::report::{
    Beyond, Change, CheckState, FileRole, Gate, Judged, RepeatedAccount, Status, UnknownsReport, WaiverProblem,
    WaiverStatus, WaiverUse, fingerprint_of,
};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

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
    lines.into_iter().for_each(|(_, account)| run.absorb_account(account));
    match run.contradiction() {
        None => Ok(run),
        Some(reason) => {
            let message = format!("`{name}` contradicts itself: {reason}");
            Err(Diagnostic::error(Code::SavedReport, message).help(AS_A_WHOLE))
        }
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
    /// Returns the first part of a run that does not agree with its counts.
    fn contradiction(&self) -> Option<String> {
        let mut verdicts = Counts::new();
        self.checks.iter().for_each(|check| add(&mut verdicts, &check.counts));
        let mut findings: BTreeMap<(&str, Verdict), usize> = BTreeMap::new();
        for finding in &self.findings {
            *findings.entry((&finding.check, finding.verdict)).or_insert(0) += 1;
        }
        for other in self.other_verdicts.iter().flatten() {
            *findings.entry((&other.check, other.verdict)).or_insert(0) += 1;
        }
        let explained = |check: &Check<'_>, verdict| findings.get(&(&*check.id, verdict)).copied().unwrap_or(0);
        let is_explained = |check: &&Check<'_>| {
            let all = if self.other_verdicts.is_some() {
                &Verdict::ALL[..]
            } else {
                Verdict::ALL.get(..3).unwrap_or_default()
            };
            all.iter().copied().all(|verdict| explained(check, verdict) == check.count(verdict))
        };
        let ids: BTreeSet<&str> = self.checks.iter().map(|check| &*check.id).collect();
        let listed = |level| self.diagnostics.iter().filter(|found| found.severity == level).count();
        let summary = &self.summary;
        if self.run.snapshots.len() != summary.accounts {
            return Some(format!("it lists {} of {} snapshots", self.run.snapshots.len(), summary.accounts));
        }
        if self.checks.len() != summary.checks
            || Verdict::ALL.iter().any(|it| count(&verdicts, *it) != count(&summary.verdicts, *it))
        {
            return Some("the totals are not those of the checks".to_owned());
        }
        if let Some(check) = self.checks.iter().find(|check| !is_explained(check)) {
            return Some(format!("the findings of `{}` are not those that it counts", check.id));
        }
        if let Some(finding) = self.findings.iter().find(|finding| !ids.contains(&*finding.check)) {
            return Some(format!("it has a finding of `{}` and no such check", finding.check));
        }
        if let Some(other) = self.other_verdicts.iter().flatten().find(|other| !ids.contains(&*other.check)) {
            return Some(format!("it has a verdict of `{}` and no such check", other.check));
        }
        if let Some(finding) = self.findings.iter().find(|finding| !self.is_waived_rightly(finding)) {
            return Some(format!("a finding of `{}` is not waived by a live waiver of the run", finding.check));
        }
        if let Some(waiver) = self.waivers.iter().find(|waiver| !self.is_counted_rightly(waiver)) {
            return Some(format!("the status of waiver `{}` is not that of its verdicts", waiver.id));
        }
        if [(DiagnosticLevel::Error, summary.errors), (DiagnosticLevel::Warning, summary.warnings)]
            .into_iter()
            .any(|(level, counted)| listed(level) != counted)
        {
            return Some("the diagnostics are not those that it counts".to_owned());
        }
        if let Some(check) = self.miscounted() {
            return Some(format!("the findings of `{check}` are not those that its snapshots count"));
        }
        if let Some(finding) = self.findings.iter().find(|finding| !self.is_described(finding)) {
            return Some(format!("a finding of `{}` differs from its check or from its waiver", finding.check));
        }
        if let Some(fingerprint) = self.foreign_fingerprint() {
            return Some(format!("the fingerprint `{fingerprint}` is not that of its resource"));
        }
        if !self.is_compared() {
            return Some("the changes since the baseline are not those that it counts".to_owned());
        }
        let is_status = self.statuses() == self.run.statuses && exit_code(&self.run.statuses) == self.run.exit_code;
        (!is_status).then(|| "its status is not that of its verdicts".to_owned())
    }

    /// Returns the id of a check whose verdicts by snapshot are not those of the run, or not those of its findings.
    fn miscounted(&self) -> Option<&str> {
        type Key<'d> = (&'d str, &'d str, &'d str, Verdict);
        fn count_in<K: Ord>(counts: &mut BTreeMap<K, usize>, key: K, more: usize) {
            let sum = counts.entry(key).or_insert(0);
            *sum = sum.saturating_add(more);
        }
        let mut of_checks: BTreeMap<(&str, Verdict), usize> = BTreeMap::new();
        let mut counted: BTreeMap<Key<'_>, usize> = BTreeMap::new();
        for snapshot in &self.run.snapshots {
            let account = snapshot.account.as_deref().unwrap_or_default();
            for (id, check) in &snapshot.checks {
                for (verdict, count) in &check.counts {
                    count_in(&mut of_checks, (id, *verdict), *count);
                    count_in(&mut counted, (&snapshot.path, account, id, *verdict), *count);
                }
            }
        }
        let is_counted = |check: &&Check<'_>| {
            Verdict::ALL.iter().all(|it| of_checks.get(&(&*check.id, *it)).copied().unwrap_or(0) == check.count(*it))
        };
        if let Some(check) = self.checks.iter().find(|check| !is_counted(check)) {
            return Some(&check.id);
        }
        let findings = self.findings.iter().map(|it| (&*it.snapshot, &*it.account, &*it.check, it.verdict));
        let others = self.other_verdicts.iter().flatten();
        let others = others.map(|it| (&*it.snapshot, &*it.account, &*it.check, it.verdict));
        let mut found: BTreeMap<Key<'_>, usize> = BTreeMap::new();
        findings.chain(others).for_each(|key| count_in(&mut found, key, 1));
        let differs = |(key, count): &(&Key<'_>, &usize)| counted.get(*key) != Some(*count);
        found.iter().find(differs).map(|((_, _, check, _), _)| *check)
    }

    /// Returns whether a finding has the severity of its check, and the properties of its waiver.
    fn is_described(&self, finding: &Finding<'_>) -> bool {
        let check = self.checks.iter().find(|check| check.id == finding.check);
        let waiver = finding.waiver.as_ref();
        check.is_some_and(|check| check.severity == finding.severity)
            && waiver.is_none_or(|by| {
                self.waivers.iter().any(|it| {
                    (&it.id, &it.reason, &it.owner, &it.expires, &it.ticket)
                        == (&by.id, &by.reason, &by.owner, &by.expires, &by.ticket)
                })
            })
    }

    /// Returns a fingerprint that is not the hash of its identity.
    fn foreign_fingerprint(&self) -> Option<&str> {
        let findings = self.findings.iter().map(|it| (&it.check, &it.resource, &it.account, &it.fingerprint));
        let others = self.other_verdicts.iter().flatten();
        let others = others.map(|it| (&it.check, &it.resource, &it.account, &it.fingerprint));
        let foreign = findings.chain(others).find(|(check, resource, account, fingerprint)| {
            let hash = match &resource.identity {
                None => fingerprint_of(&[check, &resource.ty, &resource.id, account]),
                Some(identity) => fingerprint_of(&[check, &resource.ty, &identity.id, account, &identity.form]),
            };
            hash != ***fingerprint
        });
        foreign.map(|(.., fingerprint)| &**fingerprint)
    }

    /// Returns whether the changes of the findings since the baseline are those that the checks count.
    fn is_compared(&self) -> bool {
        let Some(baseline) = &self.run.baseline else {
            return self.findings.iter().all(|finding| finding.baseline.is_none())
                && self.checks.iter().all(|check| check.baseline.is_none());
        };
        let mut found: BTreeMap<(&str, Change, Verdict), usize> = BTreeMap::new();
        for finding in &self.findings {
            if let Some(change) = finding.baseline {
                *found.entry((&finding.check, change, finding.verdict)).or_insert(0) += 1;
            }
        }
        let is_counted = |check: &Check<'_>| {
            check.baseline.as_ref().is_some_and(|changes| {
                let all = Change::ALL.into_iter().flat_map(|change| Verdict::ALL.map(|verdict| (change, verdict)));
                let is_equal = |change, verdict| {
                    let listed = found.get(&(&*check.id, change, verdict)).copied().unwrap_or(0);
                    listed == count(changes.of(change), verdict)
                };
                let of =
                    |verdict| Change::ALL.into_iter().map(|change| count(changes.of(change), verdict)).sum::<usize>();
                all.clone().all(|(change, verdict)| is_equal(change, verdict))
                    && [Verdict::Fail, Verdict::Unknown].into_iter().all(|verdict| of(verdict) == check.count(verdict))
            })
        };
        let fixed = self.checks.iter().flat_map(|check| &check.baseline).map(|changes| changes.fixed);
        let fixed = fixed.fold(0, usize::saturating_add);
        self.checks.iter().all(is_counted) && fixed <= baseline.judged && baseline.judged <= baseline.findings
    }

    /// Returns whether a finding has a waiver if it is waived, and this waiver waives its original verdict.
    fn is_waived_rightly(&self, finding: &Finding<'_>) -> bool {
        let (Verdict::Waived, Some(original), Some(by)) = (finding.verdict, finding.original_verdict, &finding.waiver)
        else {
            return finding.verdict != Verdict::Waived
                && finding.original_verdict.is_none()
                && finding.waiver.is_none();
        };
        let is_it = |waiver: &&Waiver<'_>| waiver.id == by.id && waiver.check == finding.check;
        self.waivers.iter().find(is_it).is_some_and(|waiver| {
            let waives = match original {
                Verdict::Fail => waiver.unknown != UnknownsReport::Only,
                Verdict::Unknown => waiver.unknown != UnknownsReport::Kept,
                _ => false,
            };
            waives && waiver.status.waives()
        })
    }

    /// Returns whether the status of a waiver agrees with its counts, and these with the findings.
    fn is_counted_rightly(&self, waiver: &Waiver<'_>) -> bool {
        let named = self.findings.iter().filter(|finding| finding.waiver.as_ref().is_some_and(|it| it.id == waiver.id));
        let agrees = match waiver.status {
            WaiverStatus::Live => waiver.waived > 0 && waiver.beyond == 0,
            WaiverStatus::OverBroad => waiver.waived > 0 && waiver.beyond > 0,
            WaiverStatus::Unused => waiver.waived == 0,
            WaiverStatus::Ignored => self.run.waivers == WaiverUse::Ignored && waiver.waived == 0,
            WaiverStatus::Expired | WaiverStatus::NotJudged | WaiverStatus::Invalid => waiver.waived == 0,
        };
        let is_known = self.checks.iter().any(|check| check.id == waiver.check);
        agrees && named.count() <= waiver.waived && (is_known || waiver.status == WaiverStatus::Invalid)
    }

    /// Adds the accounts of another run of the same pack.
    fn absorb(&mut self, other: Self) {
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
            mine.judged = mine.judged.saturating_add(theirs.judged).min(mine.findings);
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
            for diagnostics in [&mut self.diagnostics, &mut other_diagnostics] {
                diagnostics.retain(|found| !mine.is_subject(found));
            }
            mine.absorb(theirs);
            self.diagnostics.extend(mine.problem(self.summary.accounts));
        }
        // A problem of the pack is the same in every run.
        for diagnostic in other_diagnostics {
            if !self.diagnostics.contains(&diagnostic) {
                self.diagnostics.push(diagnostic);
            }
        }
    }

    /// Replaces the diagnostics of merged runs about equal account ids by that of all snapshots, and counts all diagnostics.
    fn finish_diagnostics(&mut self) {
        let (mut seen, mut first, mut repeated) = (BTreeSet::new(), None, 0);
        for snapshot in &self.run.snapshots {
            if let Some(id) = snapshot.account.as_deref().filter(|id| !seen.insert(*id)) {
                repeated += 1;
                first.get_or_insert((&*snapshot.path, id));
            }
        }
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
                let super::Span { file, start, end, .. } = &label.span;
                (file, start.offset, end.offset)
            });
            (place, &found.code, &found.message)
        }
        self.diagnostics.sort_by(|a, b| key(a).cmp(&key(b)));
    }

    /// Returns the statuses of the verdicts and diagnostics.
    fn statuses(&self) -> Vec<Status> {
        let mut waived_unknown: BTreeMap<&str, usize> = BTreeMap::new();
        for finding in self.findings.iter().filter(|it| it.original_verdict == Some(Verdict::Unknown)) {
            *waived_unknown.entry(&finding.check).or_insert(0) += 1;
        }
        let checks = self.checks.iter().map(|check| {
            let counts = |count: &dyn Fn(Verdict) -> usize| Verdict::ALL.iter().map(|it| (*it, count(*it))).collect();
            Judged {
                severity: check.severity,
                counts: counts(&|verdict| check.count(verdict)),
                uncovered: counts(&|verdict| check.uncovered(verdict)),
                waived_unknown: waived_unknown.get(&*check.id).copied().unwrap_or(0),
            }
        });
        let gate = Gate { fail_on: self.run.fail_on, allow_unknown: self.run.allow_unknown };
        Status::of(gate, checks, self.summary.errors > 0)
    }

    fn set_status(&mut self) {
        self.summary.checks_that_met_nothing =
            self.checks.iter().filter(|check| check.state == CheckState::NoResources).count();
        self.run.statuses = self.statuses();
        self.run.exit_code = exit_code(&self.run.statuses);
    }
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

    /// Returns the warning about the waiver over a number of accounts, if there is one.
    fn problem(&self, accounts: usize) -> Option<super::Diagnostic<'static>> {
        if self.status == WaiverStatus::Expired {
            // Both runs have it.
            return None;
        }
        let examples: Vec<String> = self.also_covers.iter().map(|it| it.shown(accounts > 1)).collect();
        let texts = WaiverProblem::of(self.status, &self.id, &self.check, &self.expires, self.beyond, &examples)?;
        let label = Label { text: texts.label.into(), span: self.span.clone() };
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

impl Check<'_> {
    /// Returns how often a verdict was given.
    pub fn count(&self, verdict: Verdict) -> usize {
        count(&self.counts, verdict)
    }

    /// Returns how often a verdict was given that the baseline does not cover; without a baseline, how often it was given.
    pub fn uncovered(&self, verdict: Verdict) -> usize {
        let covered = self.baseline.as_ref().map_or(0, |changes| changes.covered(verdict));
        self.count(verdict).saturating_sub(covered)
    }
}

impl Changes {
    /// Returns the number of verdicts with a change.
    fn of(&self, change: Change) -> &Counts {
        match change {
            Change::New => &self.new,
            Change::Worse => &self.worse,
            Change::Better => &self.better,
            Change::Unchanged => &self.unchanged,
        }
    }

    fn add(&mut self, more: &Self) {
        add(&mut self.new, &more.new);
        add(&mut self.worse, &more.worse);
        add(&mut self.better, &more.better);
        add(&mut self.unchanged, &more.unchanged);
        self.fixed = self.fixed.saturating_add(more.fixed);
    }

    /// Returns how often the baseline covers a verdict.
    pub fn covered(&self, verdict: Verdict) -> usize {
        count(&self.better, verdict).saturating_add(count(&self.unchanged, verdict))
    }
}

impl Document<'_> {
    /// Returns how often a verdict was given that the baseline does not cover; without a baseline, how often it was given.
    pub fn uncovered(&self, verdict: Verdict) -> usize {
        self.checks.iter().map(|check| check.uncovered(verdict)).fold(0, usize::saturating_add)
    }
}

fn exit_code(statuses: &[Status]) -> u8 {
    statuses.first().map_or(0, |status| status.exit_code())
}
