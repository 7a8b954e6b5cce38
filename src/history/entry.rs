//! One account in one report, without the evidence: its times, its checks, and its verdicts by fingerprint.

use super::model::TimeOf;
use super::timeline::NotRun;
use crate::diagnostic::{Code, Diagnostic, DiagnosticLevel};
use crate::engine::Verdict;
use crate::policy::CheckSeverity;
use crate::render::document::{self, AccountCheck, Document, Resource, Snapshot};
use crate::report::{CheckState, too_old};
use crate::value::parse_datetime;
use std::collections::{BTreeMap, BTreeSet};

/// The hash of the identity of a verdict.
pub(super) type Fingerprint = u128;

/// One account in one report.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The file of the report.
    pub file: String,
    /// The time of the snapshot, in milliseconds since 1970; that of the run if the snapshot does not state it.
    pub at: i64,
    /// The origin of this time.
    pub time_of: TimeOf,
    /// The time of the run.
    pub now: i64,
    /// SHA-256 of the snapshot.
    pub sha256: Option<String>,
    /// The origin of schema and policies.
    pub pack: String,
    /// The version of the pack.
    pub pack_version: Option<String>,
    /// The number of the policies and parameters.
    pub rules: usize,
    /// Whether a parameter of the run is invalid, for example one with a misspelt name.
    pub has_invalid_parameter: bool,
    /// Whether the snapshot was too old for the run, so that all its verdicts are unknown.
    pub is_too_old: bool,
    /// Whether the report has all verdicts.
    pub complete: bool,
    /// The checks of the report by their numbers.
    pub checks: BTreeMap<usize, Ran>,
    /// The verdicts by fingerprint. If two verdicts have one fingerprint, it is the worse one.
    pub verdicts: BTreeMap<Fingerprint, Verdict>,
    /// The lists that were not captured in full: check, type, and the beginning of the ids of their elements.
    pub lists: BTreeSet<(usize, String, String)>,
}

impl Entry {
    /// Returns the reason why the report shows no fix in a history of the time `now`, if there is one: the time of the
    /// snapshot is unknown, the times contradict each other or that of the history, or a parameter is invalid.
    pub(super) fn doubt(&self, now: i64) -> Option<NotRun> {
        match () {
            () if self.time_of == TimeOf::Unknown => Some(NotRun::UnknownTime),
            () if self.is_early() || self.now > now => Some(NotRun::WrongTime),
            () if self.has_invalid_parameter => Some(NotRun::InvalidParameter),
            () => None,
        }
    }

    /// Returns whether the run was before the snapshot was captured.
    pub(super) fn is_early(&self) -> bool {
        self.now < self.at
    }
}

/// A check of a report, for one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ran {
    /// It was run, with the number of verdicts that are passes and that do not apply.
    Run {
        /// Passes.
        pass: usize,
        /// Verdicts that do not apply.
        not_applicable: usize,
    },
    /// It was not run.
    Not(NotRun),
}

impl Ran {
    fn of(check: &AccountCheck) -> Self {
        let count = |verdict| check.counts.get(&verdict).copied().unwrap_or(0);
        match check.state {
            CheckState::Run | CheckState::NoResources => {
                Ran::Run { pass: count(Verdict::Pass), not_applicable: count(Verdict::NotApplicable) }
            }
            CheckState::Deselected => Ran::Not(NotRun::Deselected),
            CheckState::Invalid => Ran::Not(NotRun::Invalid),
        }
    }
}

/// The resource of a verdict that is a failure, unknown or waived in some report.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    /// The number of the check.
    pub check: usize,
    /// The type of the resource.
    pub ty: String,
    /// Its id.
    pub id: String,
    /// Whether it is all resources of a list that was not captured in full.
    pub is_list: bool,
    /// The times of the last report that has it.
    pub last: (i64, i64),
}

/// The names that entries have numbers for.
#[derive(Debug, Default)]
pub(super) struct Names {
    checks: BTreeMap<String, usize>,
    /// The title and the severity of each check, with the time of the last run that states them.
    pub described: Vec<Described>,
    rules: BTreeMap<String, usize>,
}

/// A check, as the last report describes it.
#[derive(Debug, Clone)]
pub(super) struct Described {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its severity.
    pub severity: CheckSeverity,
    now: i64,
}

impl Names {
    /// Returns the number of a check.
    fn check(&mut self, id: &str) -> usize {
        if let Some(known) = self.checks.get(id) {
            return *known;
        }
        let number = self.described.len();
        let (title, severity) = (String::new(), CheckSeverity::Low);
        self.described.push(Described { id: id.to_owned(), title, severity, now: i64::MIN });
        self.checks.insert(id.to_owned(), number);
        number
    }

    /// Describes the checks of a report with the time of its run.
    fn describe(&mut self, document: &Document<'_>, now: i64) {
        for check in &document.checks {
            let number = self.check(&check.id);
            let Some(known) = self.described.get_mut(number).filter(|known| known.now <= now) else { continue };
            (known.title, known.severity, known.now) = (check.title.to_string(), check.severity, now);
        }
    }

    /// Returns the number of the policies and parameters of a report.
    fn rules(&mut self, document: &Document<'_>) -> usize {
        let files = document.run.pack_files.iter().map(|file| (file.role, &file.sha256));
        let (files, run): (Vec<_>, _) = (files.collect(), &document.run);
        let severities = document.checks.iter().map(|check| (&check.id, check.severity)).collect::<Vec<_>>();
        let text = format!("{files:?} {:?} {:?} {severities:?}", run.parameters, run.scoped_parameters);
        let number = self.rules.len();
        *self.rules.entry(text).or_insert(number)
    }
}

/// The resources of findings by fingerprint.
pub(super) type Subjects = BTreeMap<Fingerprint, Subject>;

/// An account of a report: its id, its entry, and the resources of its findings.
pub(super) type Read = (String, Entry, Subjects);

/// The accounts of a report by the path of the snapshot and the id.
type Accounts<'d> = BTreeMap<(&'d str, &'d str), (Entry, Subjects)>;

/// A verdict of a report.
struct Given<'d> {
    snapshot: &'d str,
    account: &'d str,
    check: &'d str,
    resource: &'d Resource<'d>,
    verdict: Verdict,
    fingerprint: &'d str,
}

/// Reads the accounts of a report in a file. Snapshots that were not judged are left out.
///
/// # Errors
/// When a time or a fingerprint is not valid, or two snapshots have one path and one account id.
pub(super) fn read(file: &str, document: &Document<'_>, names: &mut Names) -> Result<Vec<Read>, Diagnostic> {
    let now = time(file, &document.run.now)?;
    names.describe(document, now);
    let rules = names.rules(document);
    let mut accounts = Accounts::new();
    for snapshot in &document.run.snapshots {
        let Some(account) = snapshot.account.as_deref() else { continue };
        let entry = entry((file, now, rules), document, snapshot, names)?;
        if accounts.insert((&snapshot.path, account), (entry, Subjects::new())).is_some() {
            let message = format!("`{file}` has two snapshots with the account id {account:?}");
            return Err(Diagnostic::error(Code::SavedReport, message)
                .help("give the root entity of the schema a `@key`, and check the snapshots again"));
        }
    }
    for given in verdicts(document) {
        add(file, &given, &mut accounts, names)?;
    }
    Ok(accounts.into_iter().map(|((_, account), (entry, subjects))| (account.to_owned(), entry, subjects)).collect())
}

/// Returns all verdicts of a report.
fn verdicts<'d>(document: &'d Document<'_>) -> impl Iterator<Item = Given<'d>> {
    let findings = document.findings.iter().map(|it| Given {
        snapshot: &it.snapshot,
        account: &it.account,
        check: &it.check,
        resource: &it.resource,
        verdict: it.verdict,
        fingerprint: &it.fingerprint,
    });
    let others = document.other_verdicts.iter().flatten().map(|it| Given {
        snapshot: &it.snapshot,
        account: &it.account,
        check: &it.check,
        resource: &it.resource,
        verdict: it.verdict,
        fingerprint: &it.fingerprint,
    });
    findings.chain(others)
}

/// Adds a verdict to its account.
fn add<'d>(file: &str, given: &Given<'d>, accounts: &mut Accounts<'d>, names: &mut Names) -> Result<(), Diagnostic> {
    let Given { snapshot, account, verdict, fingerprint, .. } = *given;
    let Some((entry, subjects)) = accounts.get_mut(&(snapshot, account)) else {
        return Err(edited(format!("`{file}` has a verdict of the account {account:?} and no snapshot of it")));
    };
    let fingerprint = Fingerprint::from_str_radix(fingerprint, 16)
        .map_err(|_| edited(format!("`{file}` has the fingerprint `{fingerprint}`, which is not a hash")))?;
    let worst = entry.verdicts.entry(fingerprint).or_insert(verdict);
    *worst = verdict.min(*worst);
    if verdict <= Verdict::Waived {
        let subject = subject(names.check(given.check), given.resource, (entry.at, entry.now));
        let list = subject.id.strip_suffix('*').filter(|_| subject.is_list);
        entry.lists.extend(list.map(|around| (subject.check, subject.ty.clone(), around.to_owned())));
        subjects.insert(fingerprint, subject);
    }
    Ok(())
}

fn entry(
    (file, now, rules): (&str, i64, usize),
    document: &Document<'_>,
    snapshot: &Snapshot<'_>,
    names: &mut Names,
) -> Result<Entry, Diagnostic> {
    let captured = snapshot.captured_at.as_deref().map(|text| time(file, text)).transpose()?;
    if captured.is_some() && snapshot.captured_at_unknown {
        let message = "has a snapshot with a time of capture that is also unknown";
        return Err(edited(format!("`{file}` {message}")));
    }
    let is_of_parameter =
        |it: &document::Diagnostic<'_>| it.code == Code::Parameter.name() && it.severity == DiagnosticLevel::Error;
    let too_old = too_old(&snapshot.path);
    let is_of_age =
        |it: &document::Diagnostic<'_>| it.code == Code::SnapshotAge.name() && it.message.starts_with(too_old.as_str());
    Ok(Entry {
        file: file.to_owned(),
        at: captured.unwrap_or(now),
        time_of: match captured {
            Some(_) => TimeOf::Capture,
            None if snapshot.captured_at_unknown => TimeOf::Unknown,
            None => TimeOf::Run,
        },
        now,
        sha256: snapshot.sha256.as_deref().map(str::to_owned),
        pack: document.run.pack.to_string(),
        pack_version: document.run.pack_version.as_deref().map(str::to_owned),
        rules,
        has_invalid_parameter: document.diagnostics.iter().any(is_of_parameter),
        is_too_old: document.diagnostics.iter().any(is_of_age),
        complete: document.other_verdicts.is_some(),
        checks: snapshot.checks.iter().map(|(id, check)| (names.check(id), Ran::of(check))).collect(),
        verdicts: BTreeMap::new(),
        lists: BTreeSet::new(),
    })
}

fn subject(check: usize, resource: &Resource<'_>, last: (i64, i64)) -> Subject {
    let is_list = resource.identity.as_ref().is_some_and(|identity| identity.form.contains('*'));
    Subject { check, ty: resource.ty.to_string(), id: resource.id.to_string(), is_list, last }
}

fn time(file: &str, text: &str) -> Result<i64, Diagnostic> {
    parse_datetime(text).map_err(|_| edited(format!("`{file}` has the time `{text}`, which is not a time")))
}

fn edited(message: String) -> Diagnostic {
    Diagnostic::error(Code::SavedReport, message)
        .help("check the snapshot again; a report is written as a whole and is not edited")
}
