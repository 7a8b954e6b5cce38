//! Collects reports, and assembles the history of each account.

use super::entry::{Entry, Fingerprint, Names, Subject, Subjects, read};
use super::model::{
    AccountHistory, DAY, FindingHistory, History, HistoryOptions, Review, ReviewPlan, Section, VERSION,
};
use super::moment::Moment;
use super::timeline::{NotRun, Seen, Timeline};
use crate::diagnostic::Diagnostic;
use crate::policy::CheckSeverity;
use crate::render::document::Document;
use std::collections::{BTreeMap, BTreeSet};

/// Reports that were read.
#[derive(Debug, Default)]
pub struct Collector {
    names: Names,
    accounts: BTreeMap<String, Collected>,
    reports: usize,
    not_judged: usize,
}

/// The reports of one account.
#[derive(Debug, Default)]
struct Collected {
    entries: Vec<Entry>,
    subjects: Subjects,
}

impl Collector {
    /// Adds the report in a file.
    ///
    /// # Errors
    /// When it cannot be used. Then nothing of it is added.
    pub fn add(&mut self, file: &str, document: &Document<'_>) -> Result<(), Diagnostic> {
        let accounts = read(file, document, &mut self.names)?;
        self.reports += 1;
        self.not_judged += document.run.snapshots.iter().filter(|snapshot| snapshot.account.is_none()).count();
        for (account, entry, subjects) in accounts {
            let known = self.accounts.entry(account).or_default();
            known.entries.push(entry);
            for (fingerprint, subject) in subjects {
                let newer = known.subjects.get(&fingerprint).is_none_or(|known| known.last <= subject.last);
                if newer {
                    known.subjects.insert(fingerprint, subject);
                }
            }
        }
        Ok(())
    }

    /// Returns the ids of the accounts in order.
    pub fn accounts(&self) -> impl Iterator<Item = &str> + Clone {
        self.accounts.keys().map(String::as_str)
    }

    /// Returns the history; `damaged` has the reasons why files could not be added, and `other_files`
    /// is the number of files that are not reports.
    pub fn finish(self, options: &HistoryOptions, damaged: Vec<String>, other_files: usize) -> History {
        let Self { names, accounts, reports, not_judged } = self;
        let mut problems = Vec::new();
        let wanted = |id: &String| options.accounts.is_empty() || options.accounts.contains(id);
        let accounts = accounts.into_iter().filter(|(id, _)| wanted(id));
        let accounts = accounts.map(|(id, collected)| collected.history(id, &names, options, &mut problems)).collect();
        History {
            format: "deodar-history",
            version: VERSION,
            now: options.now,
            every: options.every,
            grace: options.grace,
            reports,
            damaged,
            other_files,
            not_judged,
            accounts,
            problems,
        }
    }
}

impl Collected {
    fn history(
        mut self,
        account: String,
        names: &Names,
        options: &HistoryOptions,
        problems: &mut Vec<String>,
    ) -> AccountHistory {
        self.entries.sort_by(|a, b| (a.at, a.now, &a.file).cmp(&(b.at, b.now, &b.file)));
        let moments = Moment::all(&self.entries, options.now);
        problems.extend(moments.iter().flat_map(|moment| moment.problems(&account)));
        let dated = moments.iter().filter(|moment| moment.is_in_time());
        let mut times: Vec<i64> = dated.map(|moment| moment.at).collect();
        if times.is_empty() {
            // Reviews are missing at least since the first run.
            times.extend(moments.iter().map(|moment| moment.first_run().min(options.now)).min());
        }
        let finding = |(fingerprint, subject): (&Fingerprint, &Subject)| {
            let timeline = Timeline::of(moments.iter().map(|moment| moment.step(*fingerprint, subject)))?;
            Some(finding(*fingerprint, subject, timeline, names, options.now))
        };
        let mut findings: Vec<FindingHistory> = self.subjects.iter().filter_map(finding).collect();
        findings.sort_by(|a, b| a.order().cmp(&b.order()));
        let mut totals: BTreeMap<Section, usize> = Section::ALL.into_iter().map(|section| (section, 0)).collect();
        for finding in &findings {
            *totals.entry(finding.section).or_insert(0) += 1;
        }
        let rules: Vec<BTreeSet<usize>> = moments.iter().map(Moment::rules).collect();
        let before = std::iter::once(None).chain(rules.iter().map(Some));
        let review = |(moment, last_rules): (&Moment<'_>, Option<&BTreeSet<usize>>)| -> Review {
            let seen = self.subjects.iter().map(|(fingerprint, subject)| moment.step(*fingerprint, subject).seen);
            moment.review(seen, last_rules)
        };
        let reviews = moments.iter().zip(before).map(review).collect();
        AccountHistory { account, totals, reviews, plan: ReviewPlan::of(&times, options), findings }
    }
}

fn finding(fingerprint: Fingerprint, subject: &Subject, timeline: Timeline, names: &Names, now: i64) -> FindingHistory {
    let check = names.described.get(subject.check);
    let section = Section::of(timeline.state, timeline.judged);
    let since = timeline.periods.last().map_or(0, |period| period.from);
    let age = timeline.opened.filter(|_| section == Section::Open).map(|opened| now.saturating_sub(opened) / DAY);
    FindingHistory {
        section,
        check: check.map(|check| check.id.clone()).unwrap_or_default(),
        title: check.map(|check| check.title.clone()).unwrap_or_default(),
        severity: check.map_or(CheckSeverity::Critical, |check| check.severity),
        resource_type: subject.ty.clone(),
        resource_id: subject.id.clone(),
        fingerprint: format!("{fingerprint:032x}"),
        state: timeline.state,
        reason: timeline.not_run.map(reason),
        since,
        first_seen: timeline.periods.first().map_or(since, |period| period.from),
        absent: timeline.absent,
        first_failed: timeline.first_failed,
        last_failed: timeline.last_failed,
        opened: timeline.opened,
        age_days: age.map(|days| u64::try_from(days).unwrap_or(0)),
        fixed: timeline.fixed,
        rules_changed: timeline.rules_changed,
        returned: timeline.returned,
        periods: timeline.periods,
    }
}

/// Returns the reason why the last review did not judge a finding.
fn reason(seen: Seen) -> &'static str {
    match seen {
        Seen::NotRun(NotRun::Deselected) => "deselected",
        Seen::NotRun(NotRun::Invalid) => "invalid",
        Seen::NotRun(NotRun::NoCheck) => "no_check",
        Seen::NotRun(NotRun::WrongTime) => "wrong_time",
        Seen::NotRun(NotRun::UnknownTime) => "unknown_time",
        Seen::NotRun(NotRun::InvalidParameter) => "invalid_parameter",
        _ => "list_not_captured",
    }
}
