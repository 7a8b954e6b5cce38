//! The difference of two runs: every verdict that changed, with its kind and its causes.

use super::cause::{self, Cause};
use super::pairs::{Pair, Pairs};
use crate::diagnostic::Diagnostic;
use crate::engine::Verdict;
use crate::policy::CheckSeverity;
use crate::render::document::{Configuration, Counts, Document, Tool};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// The version of the format.
const VERSION: &str = "1.0";

/// The difference of two runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Difference<'d> {
    /// `deodar-diff`.
    pub format: Cow<'d, str>,
    /// The version of the format.
    pub version: Cow<'d, str>,
    /// The old run.
    pub old: Side<'d>,
    /// The new run.
    pub new: Side<'d>,
    /// Whether both runs have all verdicts. Otherwise a failure that vanished is fixed or removed, and causes of new
    /// failures are missing.
    pub complete: bool,
    /// The number of changes by kind. Kinds without a change are left out.
    pub changed: BTreeMap<Kind, usize>,
    /// The number of verdicts that are the same in both runs.
    pub unchanged: Counts,
    /// The changes by kind, then severity, the worst first.
    pub changes: Vec<Changed<'d>>,
    /// If a run does not have all verdicts, the checks of accounts with other numbers of passes and of verdicts that do not apply,
    /// in order of checks and accounts. Which of these verdicts changed is not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recounted: Vec<Recounted<'d>>,
}

/// A check with other numbers of verdicts on an account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Recounted<'d> {
    /// The id of the check.
    pub check: Cow<'d, str>,
    /// The id of the account.
    pub account: Cow<'d, str>,
    /// The numbers of the old run.
    pub old: Unlisted,
    /// The numbers of the new run.
    pub new: Unlisted,
}

/// The numbers of the verdicts that a report may leave out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Unlisted {
    /// Passes.
    pub pass: usize,
    /// Verdicts that do not apply.
    pub not_applicable: usize,
}

impl Unlisted {
    /// Returns the numbers of a run by check and account.
    fn of<'d>(document: &'d Document<'_>) -> BTreeMap<(&'d str, &'d str), Self> {
        let mut all: BTreeMap<(&str, &str), Self> = BTreeMap::new();
        for snapshot in &document.run.snapshots {
            let Some(account) = snapshot.account.as_deref() else { continue };
            for (check, found) in &snapshot.checks {
                let count = |verdict| found.counts.get(&verdict).copied().unwrap_or(0);
                let known = all.entry((check, account)).or_default();
                known.pass = known.pass.saturating_add(count(Verdict::Pass));
                known.not_applicable = known.not_applicable.saturating_add(count(Verdict::NotApplicable));
            }
        }
        all
    }
}

/// Returns the checks of accounts with other numbers of verdicts that a report may leave out.
fn recounted<'d>(old: &'d Document<'_>, new: &'d Document<'_>) -> Vec<Recounted<'d>> {
    let (old, new) = (Unlisted::of(old), Unlisted::of(new));
    let keys: BTreeSet<&(&str, &str)> = old.keys().chain(new.keys()).collect();
    let recounted = |key: &(&'d str, &'d str)| {
        let number = |of: &BTreeMap<_, Unlisted>| of.get(key).copied().unwrap_or_default();
        let (check, account) = (key.0.into(), key.1.into());
        Recounted { check, account, old: number(&old), new: number(&new) }
    };
    keys.into_iter().map(recounted).filter(|it| it.old != it.new).collect()
}

/// One of two runs that are compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Side<'d> {
    /// The path as it was given.
    pub path: Cow<'d, str>,
    /// The time of the run.
    pub now: Cow<'d, str>,
    /// The origin of schema and policies, in words.
    pub pack: Cow<'d, str>,
    /// The version of the pack.
    pub pack_version: Option<Cow<'d, str>>,
    /// The program that judged.
    pub tool: Tool<'d>,
    /// The accounts.
    pub accounts: Vec<Cow<'d, str>>,
    /// The number of errors of the run.
    pub errors: usize,
    /// The configuration file of the run, and its settings that weaken the gate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration: Option<Configuration<'d>>,
}

/// The kind of a change, in the order of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A failure that the old run does not have.
    New,
    /// An unknown verdict that the old run does not have.
    BecameUnknown,
    /// A failure or unknown verdict of the old run that passes, does not apply, or is waived.
    Fixed,
    /// A failure, unknown or waived verdict of the old run, and the new report does not list the verdicts that passed.
    FixedOrRemoved,
    /// A verdict on a resource that the new run does not have.
    Removed,
    /// A verdict of a check that was not run on the account in the new run.
    NotJudged,
    /// A verdict on a resource that the old run does not have, and that is neither a failure nor unknown.
    Added,
    /// Another change, for example from pass to not applicable.
    Other,
}

impl Kind {
    /// All kinds in order.
    pub const ALL: [Kind; 8] = [
        Kind::New,
        Kind::BecameUnknown,
        Kind::Fixed,
        Kind::FixedOrRemoved,
        Kind::Removed,
        Kind::NotJudged,
        Kind::Added,
        Kind::Other,
    ];

    /// Returns a number of changes of this kind in words.
    pub fn counted(self, count: usize) -> String {
        let s = if count == 1 { "" } else { "s" };
        match self {
            Kind::New => format!("{count} new failure{s}"),
            Kind::Removed => format!("{count} verdict{s} on removed resources"),
            Kind::Added => format!("{count} verdict{s} on added resources"),
            Kind::Other => format!("{count} other change{s}"),
            _ => format!("{count} {}", self.title()),
        }
    }

    /// Returns the name for people.
    pub fn title(self) -> &'static str {
        match self {
            Kind::New => "new failures",
            Kind::BecameUnknown => "became unknown",
            Kind::Fixed => "fixed",
            Kind::FixedOrRemoved => "fixed or removed",
            Kind::Removed => "verdicts on removed resources",
            Kind::NotJudged => "not judged in the new run",
            Kind::Added => "verdicts on added resources",
            Kind::Other => "other changes",
        }
    }
}

/// A verdict that changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Changed<'d> {
    /// The kind of the change.
    pub kind: Kind,
    /// The id of the check.
    pub check: Cow<'d, str>,
    /// The title of the check.
    pub title: Cow<'d, str>,
    /// The severity of the check.
    pub severity: CheckSeverity,
    /// The id of the account.
    pub account: Cow<'d, str>,
    /// The type of the resource: without namespace, unless another type has the same name without it.
    pub resource_type: Cow<'d, str>,
    /// The id of the resource.
    pub resource_id: Cow<'d, str>,
    /// The fingerprint of the verdict.
    pub fingerprint: Cow<'d, str>,
    /// The verdict of the old run, if it has one.
    pub old: Option<Verdict>,
    /// The verdict of the new run, if it has one.
    pub new: Option<Verdict>,
    /// The causes that are known.
    pub causes: Vec<Cause<'d>>,
}

impl<'d> Difference<'d> {
    /// Compares two runs, each with the path of its file.
    ///
    /// # Errors
    /// When two verdicts of a run have one fingerprint.
    pub fn of(old: (&'d str, &'d Document<'d>), new: (&'d str, &'d Document<'d>)) -> Result<Self, Diagnostic> {
        let complete = old.1.other_verdicts.is_some() && new.1.other_verdicts.is_some();
        let before = Pairs::of(old.1, old.0, complete)?;
        let after = Pairs::of(new.1, new.0, complete)?;
        let all: BTreeSet<&str> = before.by_fingerprint.keys().chain(after.by_fingerprint.keys()).copied().collect();
        let (mut changes, mut unchanged) = (Vec::new(), Counts::new());
        for fingerprint in all {
            let pair = (before.by_fingerprint.get(fingerprint), after.by_fingerprint.get(fingerprint));
            match pair {
                (Some(was), Some(is)) if was.verdict == is.verdict => {
                    *unchanged.entry(is.verdict).or_insert(0) += 1;
                }
                pair => changes.extend(changed(fingerprint, pair, (&before, &after), complete)),
            }
        }
        changes.sort_by(|a, b| {
            let key = |it: &Changed<'d>| (it.kind, Reverse(it.severity), it.check.clone(), it.account.clone());
            let resource =
                |it: &Changed<'d>| (it.resource_type.clone(), it.resource_id.clone(), it.fingerprint.clone());
            (key(a), resource(a)).cmp(&(key(b), resource(b)))
        });
        let mut by_kind = BTreeMap::new();
        for change in &changes {
            *by_kind.entry(change.kind).or_insert(0) += 1;
        }
        Ok(Self {
            format: "deodar-diff".into(),
            version: VERSION.into(),
            old: side(old.0, old.1),
            new: side(new.0, new.1),
            complete,
            changed: by_kind,
            unchanged,
            changes,
            recounted: if complete { Vec::new() } else { recounted(old.1, new.1) },
        })
    }

    /// Returns the exit code: 0 if all verdicts, and the numbers of those that a report left out, are the same, otherwise 1; 5
    /// if a run has errors.
    pub fn exit_code(&self) -> u8 {
        match (self.old.errors + self.new.errors, self.changes.is_empty() && self.recounted.is_empty()) {
            (0, true) => 0,
            (0, false) => 1,
            _ => 5,
        }
    }
}

fn side<'d>(path: &'d str, document: &'d Document<'d>) -> Side<'d> {
    let run = &document.run;
    let text = |text: &'d Cow<'d, str>| Cow::Borrowed(&**text);
    Side {
        path: path.into(),
        now: text(&run.now),
        pack: text(&run.pack),
        pack_version: run.pack_version.as_ref().map(text),
        tool: Tool { name: text(&document.tool.name), version: text(&document.tool.version) },
        accounts: run.snapshots.iter().filter_map(|snapshot| snapshot.account.as_ref()).map(text).collect(),
        errors: document.summary.errors,
        configuration: run.configuration.clone(),
    }
}

/// Returns the change of a verdict that differs between two runs.
fn changed<'d>(
    fingerprint: &'d str,
    (old, new): (Option<&Pair<'d>>, Option<&Pair<'d>>),
    (before, after): (&Pairs<'d>, &Pairs<'d>),
    complete: bool,
) -> Option<Changed<'d>> {
    let pair = new.or(old)?;
    let (in_old, in_new) = (before.has_judged(pair.check, pair.account), after.has_judged(pair.check, pair.account));
    let (title, severity) = after.described(pair.check).or_else(|| before.described(pair.check))?;
    let causes = match (old, new) {
        (Some(old), Some(new)) => cause::between(old, new, (before, after)),
        (None, _) if !in_old => vec![Cause::CheckAdded],
        (_, None) if !in_new => vec![Cause::CheckNotRun],
        (_, None) if after.lacks_list_of(pair) => vec![Cause::ListNotCaptured],
        _ => Vec::new(),
    };
    Some(Changed {
        kind: match kind(
            old.map(|it| it.verdict),
            new.map(|it| it.verdict),
            in_new && !after.lacks_list_of(pair),
            complete,
        ) {
            // The list was captured, and its elements have verdicts of their own.
            Kind::Removed | Kind::FixedOrRemoved if pair.is_list() => Kind::Fixed,
            kind => kind,
        },
        check: pair.check.into(),
        title: title.into(),
        severity,
        account: pair.account.into(),
        resource_type: Cow::Borrowed(&pair.resource.ty),
        resource_id: Cow::Borrowed(&pair.resource.id),
        fingerprint: fingerprint.into(),
        old: old.map(|it| it.verdict),
        new: new.map(|it| it.verdict),
        causes,
    })
}

/// Returns the kind of a change. `judged` states whether the new run has judged the check on the account.
fn kind(old: Option<Verdict>, new: Option<Verdict>, judged: bool, complete: bool) -> Kind {
    match (old, new) {
        (_, Some(Verdict::Fail)) => Kind::New,
        (_, Some(Verdict::Unknown)) => Kind::BecameUnknown,
        (Some(Verdict::Fail | Verdict::Unknown), Some(_)) => Kind::Fixed,
        (_, None) if !judged => Kind::NotJudged,
        (_, None) if !complete => Kind::FixedOrRemoved,
        (_, None) => Kind::Removed,
        (None, Some(_)) => Kind::Added,
        (Some(_), Some(_)) => Kind::Other,
    }
}
