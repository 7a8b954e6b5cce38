//! The reports of one account for one time. Each check has the results of the last run on the snapshot. If two reports
//! disagree, the worse verdict counts.

use super::entry::{Entry, Fingerprint, Ran, Subject};
use super::model::{Review, TimeOf};
use super::timeline::{NotRun, Seen, State};
use crate::engine::Verdict;
use crate::render::document::Counts;
use crate::value::show_datetime;
use std::collections::BTreeMap;

/// The reports of one account for one time.
#[derive(Debug)]
pub(super) struct Moment<'e> {
    /// The time.
    pub at: i64,
    /// The reports, in order of the times of their runs.
    entries: Vec<&'e Entry>,
    /// The files of reports that are equal to one of these.
    duplicates: Vec<String>,
    /// The reports that have the results of each check: the last one of each snapshot, and several if they are of one time.
    suppliers: BTreeMap<usize, Vec<&'e Entry>>,
}

impl<'e> Moment<'e> {
    /// Returns the reports of an account for each time; `entries` are in order of their times, then of their runs.
    pub(super) fn all(entries: &'e [Entry]) -> Vec<Self> {
        entries.chunk_by(|a, b| a.at == b.at).map(Self::of).collect()
    }

    fn of(all: &'e [Entry]) -> Self {
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
            for check in run {
                let known = suppliers.entry(check).or_default();
                // A later run on the same snapshot replaces an earlier one.
                known.retain(|other| other.sha256 != entry.sha256 || other.now == entry.now);
                known.push(entry);
            }
        }
        Self { at: all.first().map_or(0, |entry| entry.at), entries, duplicates, suppliers }
    }

    /// Returns the time of the first run.
    pub(super) fn first_run(&self) -> i64 {
        self.entries.iter().map(|entry| entry.now).min().unwrap_or(self.at)
    }

    /// Returns the number of the rules of the last report.
    pub(super) fn rules(&self) -> usize {
        self.entries.last().map_or(0, |entry| entry.rules)
    }

    /// Returns the number of the rules of the reports with the results of a check.
    pub(super) fn rules_of(&self, check: usize) -> usize {
        self.suppliers_of(check).last().map_or_else(|| self.rules(), |entry| entry.rules)
    }

    /// Returns whether the time of a snapshot is unknown. Then the reports do not count as a review in time, and show no fix.
    pub(super) fn is_undated(&self) -> bool {
        self.entries.iter().any(|entry| entry.time_of == TimeOf::Unknown)
    }

    /// Returns whether the time of the review cannot be used: it is unknown, or after that of the history or of a run.
    pub(super) fn is_doubtful(&self, now: i64) -> bool {
        self.is_undated() || self.at > now || self.is_early()
    }

    /// Returns whether a report was judged before its snapshot was captured.
    fn is_early(&self) -> bool {
        self.entries.iter().any(|entry| entry.now < entry.at)
    }

    /// Returns the result for a finding. A fix after `now`, the time of the history, does not count. Neither does one of a report
    /// that was judged before its snapshot was captured, whose snapshot is of an unknown time, or with an invalid parameter.
    pub(super) fn seen(&self, fingerprint: Fingerprint, subject: &Subject, now: i64) -> Seen {
        let seen = self.result(fingerprint, subject);
        let doubt = match () {
            () if self.is_undated() => NotRun::UnknownTime,
            () if self.is_doubtful(now) => NotRun::WrongTime,
            () if self.suppliers_of(subject.check).iter().any(|entry| entry.has_invalid_parameter) => {
                NotRun::InvalidParameter
            }
            () => return seen,
        };
        if State::from(seen).is_fixed() { Seen::NotRun(doubt) } else { seen }
    }

    /// Returns the reports that have the results of a check.
    fn suppliers_of(&self, check: usize) -> &[&'e Entry] {
        self.suppliers.get(&check).map(Vec::as_slice).unwrap_or_default()
    }

    fn result(&self, fingerprint: Fingerprint, subject: &Subject) -> Seen {
        let seen = self.suppliers_of(subject.check).iter().map(|entry| seen_in(entry, fingerprint, subject)).min();
        seen.unwrap_or_else(|| {
            let reason = self.entries.last().and_then(|entry| entry.checks.get(&subject.check));
            match reason {
                Some(Ran::Not(reason)) => Seen::NotRun(*reason),
                _ => Seen::NotRun(NotRun::NoCheck),
            }
        })
    }

    /// Returns the review; `seen` are the results of all findings, and `last_rules` the rules of the review before.
    pub(super) fn review(&self, seen: impl Iterator<Item = Seen>, last_rules: Option<usize>) -> Review {
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
                _ if self.is_undated() => TimeOf::Unknown,
                last => last.map_or(TimeOf::Run, |entry| entry.time_of),
            },
            judged: last.map_or(self.at, |entry| entry.now),
            reports: self.entries.iter().map(|entry| entry.file.clone()).collect(),
            duplicates: self.duplicates.clone(),
            pack: last.map(|entry| entry.pack.clone()).unwrap_or_default(),
            pack_version: last.and_then(|entry| entry.pack_version.clone()),
            rules_changed: last_rules.is_some_and(|rules| rules != self.rules()),
            complete: self.entries.iter().all(|entry| entry.complete),
            verdicts,
            checks: self.suppliers.len(),
        }
    }

    /// Returns the problems of the reports: those that contradict each other, and times that are not plausible.
    pub(super) fn problems(&self, account: &str, now: i64) -> Vec<String> {
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
        if let Some(early) = self.entries.iter().find(|entry| entry.now < entry.at) {
            problems.push(format!(
                "`{}` was judged at {}, before its snapshot was captured",
                early.file,
                show_datetime(early.now)
            ));
        }
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
        if self.at > now {
            let file = self.entries.first().map_or("", |entry| &entry.file);
            problems.push(format!("`{file}` is of {time}, which is after the time of the history"));
        }
        problems
    }
}

/// Returns whether two reports on one snapshot and time have the same results.
fn is_equal(a: &Entry, b: &Entry) -> bool {
    (a.now, &a.sha256, a.complete, &a.checks) == (b.now, &b.sha256, b.complete, &b.checks) && a.verdicts == b.verdicts
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
