//! The reports of one account for one time. Each check has the results of the last run on the snapshot that may show a
//! fix, and those of the later runs that may not. If two reports disagree, the worse verdict counts.

use super::entry::{Entry, Fingerprint, Ran, Subject};
use super::model::{Review, TimeOf};
use super::timeline::{NotRun, Seen, State, Step};
use crate::engine::Verdict;
use crate::render::document::Counts;
use crate::value::show_datetime;
use std::collections::{BTreeMap, BTreeSet};

/// The reports of one account for one time.
#[derive(Debug)]
pub(super) struct Moment<'e> {
    /// The time.
    pub at: i64,
    /// The time of the history.
    now: i64,
    /// The reports, in order of the times of their runs.
    entries: Vec<&'e Entry>,
    /// The files of reports that are equal to one of these.
    duplicates: Vec<String>,
    /// The reports that have the results of each check: of each snapshot, the last one that may show a fix, and all others
    /// that it does not replace.
    suppliers: BTreeMap<usize, Vec<&'e Entry>>,
}

impl<'e> Moment<'e> {
    /// Returns the reports of an account for each time, in a history of the time `now`; `entries` are in order of their times,
    /// then of their runs.
    pub(super) fn all(entries: &'e [Entry], now: i64) -> Vec<Self> {
        entries.chunk_by(|a, b| a.at == b.at).map(|entries| Self::of(entries, now)).collect()
    }

    fn of(all: &'e [Entry], now: i64) -> Self {
        let (mut entries, mut duplicates): (Vec<&Entry>, Vec<String>) = (Vec::new(), Vec::new());
        for entry in all {
            match entries.iter().any(|known| is_equal(known, entry)) {
                true => duplicates.push(entry.file.clone()),
                false => entries.push(entry),
            }
        }
        let mut suppliers: BTreeMap<usize, Vec<&Entry>> = BTreeMap::new();
        for entry in &entries {
            let run = entry.checks.iter().filter(|(_, ran)| matches!(ran, Ran::Run { .. })).map(|(check, _)| *check);
            let replaces = entry.doubt(now).is_none() && !entry.is_too_old;
            for check in run {
                let known = suppliers.entry(check).or_default();
                if replaces {
                    known.retain(|other| other.sha256 != entry.sha256 || other.now == entry.now);
                }
                known.push(entry);
            }
        }
        Self { at: all.first().map_or(0, |entry| entry.at), now, entries, duplicates, suppliers }
    }

    /// Returns the time of the first run.
    pub(super) fn first_run(&self) -> i64 {
        self.entries.iter().map(|entry| entry.now).min().unwrap_or(self.at)
    }

    /// Returns the numbers of the rules of the reports with results; if none has results, those of the last report.
    pub(super) fn rules(&self) -> BTreeSet<usize> {
        let suppliers = self.suppliers.values().flatten().map(|entry| entry.rules);
        let rules: BTreeSet<usize> = suppliers.collect();
        match rules.is_empty() {
            true => self.entries.last().map(|entry| entry.rules).into_iter().collect(),
            false => rules,
        }
    }

    /// Returns whether the reports are a review in time: one of them has times that can be used.
    pub(super) fn is_in_time(&self) -> bool {
        let is_usable = |entry: &&Entry| matches!(entry.doubt(self.now), None | Some(NotRun::InvalidParameter));
        self.entries.iter().any(is_usable)
    }

    /// Returns the result for a finding, with the numbers of the rules that gave it.
    pub(super) fn step(&self, fingerprint: Fingerprint, subject: &Subject) -> Step {
        let suppliers = self.suppliers.get(&subject.check).map(Vec::as_slice).unwrap_or_default();
        let results: Vec<(Seen, usize)> =
            suppliers.iter().map(|entry| (self.seen_in(entry, fingerprint, subject), entry.rules)).collect();
        let seen = results.iter().map(|(seen, _)| *seen).min();
        let seen = seen.unwrap_or_else(|| {
            let reason = self.entries.last().and_then(|entry| entry.checks.get(&subject.check));
            match reason {
                Some(Ran::Not(reason)) => Seen::NotRun(*reason),
                _ => Seen::NotRun(NotRun::NoCheck),
            }
        });
        let rules = results.iter().filter(|(result, _)| *result == seen).map(|(_, rules)| *rules).collect();
        Step { at: self.at, seen, rules }
    }

    /// Returns the result of a report for a finding. It is not a fix if the report shows none.
    fn seen_in(&self, entry: &Entry, fingerprint: Fingerprint, subject: &Subject) -> Seen {
        let seen = seen_in(entry, fingerprint, subject);
        match entry.doubt(self.now) {
            Some(doubt) if State::from(seen).is_fixed() => Seen::NotRun(doubt),
            _ => seen,
        }
    }

    /// Returns the review; `seen` are the results of all findings, and `last_rules` the numbers of the rules of the review before.
    pub(super) fn review(&self, seen: impl Iterator<Item = Seen>, last_rules: Option<&BTreeSet<usize>>) -> Review {
        let mut verdicts: Counts = Verdict::ALL.into_iter().map(|verdict| (verdict, 0)).collect();
        let mut add = |verdict, count: usize| {
            let sum = verdicts.entry(verdict).or_insert(0);
            *sum = sum.saturating_add(count);
        };
        for seen in seen {
            match seen {
                Seen::Failed => add(Verdict::Fail, 1),
                Seen::Unknown => add(Verdict::Unknown, 1),
                Seen::Waived => add(Verdict::Waived, 1),
                _ => {}
            }
        }
        for (check, entries) in &self.suppliers {
            let counts = entries.iter().filter_map(|entry| match entry.checks.get(check)? {
                Ran::Run { pass, not_applicable } => Some((*pass, *not_applicable)),
                Ran::Not(_) => None,
            });
            // If reports disagree, fewer passes are counted.
            let (pass, not_applicable) = counts.min().unwrap_or((0, 0));
            add(Verdict::Pass, pass);
            add(Verdict::NotApplicable, not_applicable);
        }
        let last = self.entries.last();
        Review {
            at: self.at,
            time_of: match last {
                _ if self.entries.iter().any(|entry| entry.time_of == TimeOf::Unknown) => TimeOf::Unknown,
                last => last.map_or(TimeOf::Run, |entry| entry.time_of),
            },
            judged: last.map_or(self.at, |entry| entry.now),
            reports: self.entries.iter().map(|entry| entry.file.clone()).collect(),
            duplicates: self.duplicates.clone(),
            pack: last.map(|entry| entry.pack.clone()).unwrap_or_default(),
            pack_version: last.and_then(|entry| entry.pack_version.clone()),
            rules_changed: last_rules.is_some_and(|rules| rules.is_disjoint(&self.rules())),
            complete: self.entries.iter().all(|entry| entry.complete),
            verdicts,
            checks: self.suppliers.len(),
        }
    }

    /// Returns the problems of the reports: those that contradict each other, and times that are not plausible.
    pub(super) fn problems(&self, account: &str) -> Vec<String> {
        let mut problems = Vec::new();
        let time = show_datetime(self.at);
        let pairs = || self.entries.iter().zip(self.entries.iter().skip(1));
        if let Some((a, b)) = pairs().find(|(a, b)| a.sha256 != b.sha256) {
            let files = format!("`{}` and `{}`", a.file, b.file);
            let what = if a.time_of == TimeOf::Capture { "captured" } else { "judged" };
            problems.push(format!(
                "{files} are of different snapshots of {account:?}, {what} at {time}: the worse verdicts count"
            ));
        } else if let Some((a, b)) = pairs().find(|(a, b)| a.now == b.now && a.verdicts != b.verdicts) {
            let files = format!("`{}` and `{}`", a.file, b.file);
            problems.push(format!(
                "{files} have different verdicts on one snapshot of {account:?} at {}: the worse verdicts count",
                show_datetime(a.now)
            ));
        }
        if let Some(early) = self.entries.iter().find(|entry| entry.is_early()) {
            problems.push(format!(
                "`{}` was judged at {}, before its snapshot was captured",
                early.file,
                show_datetime(early.now)
            ));
        }
        let late = self.entries.iter().filter(|entry| self.at <= self.now && self.now < entry.now);
        problems.extend(late.map(|entry| {
            let run = show_datetime(entry.now);
            format!("`{}` was judged at {run}, which is after the time of the history: it shows no fix", entry.file)
        }));
        problems.extend(self.entries.iter().filter(|entry| entry.time_of == TimeOf::Unknown).map(|undated| {
            format!(
                "`{}` is of a snapshot of {account:?} without a known time of capture: it does not count as a review in time, and \
                 shows no fix",
                undated.file
            )
        }));
        let invalid = self.entries.iter().filter(|entry| entry.has_invalid_parameter);
        problems.extend(invalid.map(|entry| {
            format!("a parameter of `{}` is invalid, so a default may be in force: it shows no fix", entry.file)
        }));
        if self.at > self.now {
            let file = self.entries.first().map_or("", |entry| &entry.file);
            problems.push(format!("`{file}` is of {time}, which is after the time of the history"));
        }
        problems
    }
}

/// Returns whether two reports on one snapshot and time have the same rules and results.
fn is_equal(a: &Entry, b: &Entry) -> bool {
    let inputs = |entry: &Entry| (entry.now, entry.rules, entry.has_invalid_parameter);
    let results = |entry: &Entry| (entry.complete, entry.is_too_old);
    inputs(a) == inputs(b)
        && results(a) == results(b)
        && (&a.sha256, &a.checks, &a.verdicts) == (&b.sha256, &b.checks, &b.verdicts)
}

fn seen_in(entry: &Entry, fingerprint: Fingerprint, subject: &Subject) -> Seen {
    match entry.verdicts.get(&fingerprint) {
        Some(Verdict::Fail) => Seen::Failed,
        Some(Verdict::Unknown) => Seen::Unknown,
        Some(Verdict::Waived) => Seen::Waived,
        Some(Verdict::Pass | Verdict::NotApplicable) => Seen::Passed,
        // A list may be in an instance of an outer list.
        None if lacks_list_of(entry, subject) => Seen::ListMissing,
        // The list was captured, and its elements have verdicts of their own.
        None if subject.is_list => Seen::Passed,
        None if entry.complete => Seen::Removed,
        None => Seen::PassedOrRemoved,
    }
}

/// Returns whether the list of a resource was not captured in full, and the resource may be one of its elements.
fn lacks_list_of(entry: &Entry, subject: &Subject) -> bool {
    let ends = std::iter::once(0).chain(subject.id.match_indices('/').map(|(at, _)| at + 1));
    let mut around = ends.filter_map(|end| subject.id.get(..end));
    !entry.lists.is_empty()
        && around.any(|around| entry.lists.contains(&(subject.check, subject.ty.clone(), around.to_owned())))
}
