//! The history as data. Its JSON is described by `schemas/history.schema.json`.

use super::reviews::missed;
use super::timeline::{Period, State, datetime, optional_datetime};
use crate::policy::CheckSeverity;
use crate::render::document::Counts;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// The version of the format.
pub const VERSION: &str = "1.0";

/// A day in milliseconds.
pub(super) const DAY: i64 = 24 * 60 * 60 * 1000;

/// The options of a history.
#[derive(Debug, Clone)]
pub struct HistoryOptions {
    /// The time that ages and the next reviews refer to, in milliseconds since 1970.
    pub now: i64,
    /// The time between two reviews, in milliseconds.
    pub every: i64,
    /// The time by which a review may be late, in milliseconds.
    pub grace: i64,
    /// The accounts; all if it is empty.
    pub accounts: Vec<String>,
}

/// The history of some accounts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct History {
    /// `deodar-history`.
    pub format: &'static str,
    /// The version of the format.
    pub version: &'static str,
    /// The time that ages refer to.
    #[serde(serialize_with = "datetime")]
    pub now: i64,
    /// The time between two reviews, in milliseconds in Rust and a text such as `14d` in JSON.
    #[serde(serialize_with = "duration")]
    pub every: i64,
    /// The time by which a review may be late.
    #[serde(serialize_with = "duration")]
    pub grace: i64,
    /// The number of reports that were read.
    pub reports: usize,
    /// The reasons why files could not be read as reports, one for each file.
    pub damaged: Vec<String>,
    /// The number of files that are not reports of `deodar check`.
    pub other_files: usize,
    /// The number of snapshots in the reports that were not judged.
    pub not_judged: usize,
    /// The accounts in order of their ids.
    pub accounts: Vec<AccountHistory>,
    /// Reports that contradict each other, and times that are not plausible.
    pub problems: Vec<String>,
}

/// The history of one account.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AccountHistory {
    /// Its id: that of the root entity.
    pub account: String,
    /// The number of findings in each section.
    pub totals: BTreeMap<Section, usize>,
    /// The reviews in order of the times of their snapshots.
    pub reviews: Vec<Review>,
    /// The intervals between the reviews whose times can be used, and that since the last one; without any, that since the first
    /// run.
    pub plan: ReviewPlan,
    /// The findings by section: those that are fixed by the time of the fix, the last first; the others by age.
    pub findings: Vec<FindingHistory>,
}

/// The origin of the time of a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeOf {
    /// The snapshot states when it was captured.
    Capture,
    /// The snapshot does not, so it is the time of the run.
    Run,
    /// The time of capture is unknown. The time is that of the run, and the snapshot may be of any earlier time.
    Unknown,
}

/// The reports of an account for one time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Review {
    /// The time of the snapshot.
    #[serde(serialize_with = "datetime")]
    pub at: i64,
    /// The origin of this time.
    pub time_of: TimeOf,
    /// The time of the last run on the snapshot.
    #[serde(serialize_with = "datetime")]
    pub judged: i64,
    /// The files of the reports that count.
    pub reports: Vec<String>,
    /// The files of reports that are equal to one of these.
    pub duplicates: Vec<String>,
    /// The origin of schema and policies, in words.
    pub pack: String,
    /// The version of the pack.
    pub pack_version: Option<String>,
    /// Whether no report of the review before has the policies and parameters of a report of this one.
    pub rules_changed: bool,
    /// Whether the reports have all verdicts.
    pub complete: bool,
    /// The number of verdicts of each kind.
    pub verdicts: Counts,
    /// The number of checks that were run.
    pub checks: usize,
}

/// The intervals between the reviews of an account.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReviewPlan {
    /// The number of intervals between reviews in which no review is missing.
    pub kept: usize,
    /// The number of reviews that are missing, up to the time of the history.
    pub missed: u64,
    /// The last time at which the next review is in time.
    #[serde(serialize_with = "optional_datetime")]
    pub due: Option<i64>,
    /// The intervals in order. The last one ends at the time of the history.
    pub intervals: Vec<Interval>,
}

/// The time between two reviews.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Interval {
    /// The time of a review.
    #[serde(serialize_with = "datetime")]
    pub from: i64,
    /// The time of the next one, or that of the history.
    #[serde(serialize_with = "datetime")]
    pub to: i64,
    /// Whether a review is at its end.
    pub ended: bool,
    /// The number of reviews that are missing.
    pub missed: u64,
}

/// A part of the findings of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Section {
    /// The last verdict is a failure.
    Open,
    /// The last verdict is unknown.
    Unknown,
    /// The last review did not judge the finding, which was not fixed before.
    NotJudged,
    /// The last verdict is waived.
    Waived,
    /// The finding is fixed, or its resource was removed.
    Fixed,
}

impl Section {
    /// All sections in order.
    pub const ALL: [Section; 5] =
        [Section::Open, Section::Unknown, Section::NotJudged, Section::Waived, Section::Fixed];

    /// Returns the name for people.
    pub fn name(self) -> &'static str {
        match self {
            Section::Open => "open",
            Section::Unknown => "unknown",
            Section::NotJudged => "not judged",
            Section::Waived => "waived",
            Section::Fixed => "fixed",
        }
    }

    /// Returns the section of a finding with a state after the last review, and after the last one that judged it.
    pub(super) fn of(state: State, judged: State) -> Self {
        match (state, judged) {
            (_, judged) if judged.is_fixed() => Section::Fixed,
            (State::Open, _) => Section::Open,
            (State::Unknown, _) => Section::Unknown,
            (State::Waived, _) => Section::Waived,
            _ => Section::NotJudged,
        }
    }
}

/// The history of a finding.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FindingHistory {
    /// Its section.
    pub section: Section,
    /// The id of the check.
    pub check: String,
    /// The title of the check.
    pub title: String,
    /// The severity of the check.
    pub severity: CheckSeverity,
    /// The type of the resource: without namespace, unless another type has the same name without it.
    pub resource_type: String,
    /// The id of the resource.
    pub resource_id: String,
    /// The fingerprint of the verdict.
    pub fingerprint: String,
    /// The state after the last review.
    pub state: State,
    /// The reason if the state is `not_judged`.
    pub reason: Option<&'static str>,
    /// The time of the first review with this state since another one.
    #[serde(serialize_with = "datetime")]
    pub since: i64,
    /// The time of the first review with a failed, unknown or waived verdict.
    #[serde(serialize_with = "datetime")]
    pub first_seen: i64,
    /// The time of the last review before it that judged the check and does not have the finding.
    #[serde(serialize_with = "optional_datetime")]
    pub absent: Option<i64>,
    /// The time of the first failure.
    #[serde(serialize_with = "optional_datetime")]
    pub first_failed: Option<i64>,
    /// The time of the last failure.
    #[serde(serialize_with = "optional_datetime")]
    pub last_failed: Option<i64>,
    /// The time of the first failure that was not fixed since.
    #[serde(serialize_with = "optional_datetime")]
    pub opened: Option<i64>,
    /// Days since `opened`, rounded down, if the finding is open.
    pub age_days: Option<u64>,
    /// The time of the review that has it as fixed, if it is fixed.
    #[serde(serialize_with = "optional_datetime")]
    pub fixed: Option<i64>,
    /// Whether policies or parameters changed between the last review with the finding and that one.
    pub rules_changed: bool,
    /// The times of failures after a fix.
    #[serde(serialize_with = "datetimes")]
    pub returned: Vec<i64>,
    /// The states in order.
    pub periods: Vec<Period>,
}

fn datetimes<S: Serializer>(times: &[i64], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(times.iter().map(|at| crate::value::show_datetime(*at)))
}

fn duration<S: Serializer>(millis: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&crate::value::show_duration(*millis))
}

impl History {
    /// Returns the exit code: 5 if a file is damaged, 3 if there is no review, otherwise 0.
    pub fn exit_code(&self) -> u8 {
        match (self.damaged.len(), self.accounts.is_empty()) {
            (0, false) => 0,
            (0, true) => 3,
            _ => 5,
        }
    }
}

impl ReviewPlan {
    /// Returns the intervals between reviews at some times, in order.
    pub(super) fn of(times: &[i64], options: &HistoryOptions) -> Self {
        let HistoryOptions { now, every, grace, .. } = *options;
        let interval = |from, to, ended| Interval { from, to, ended, missed: missed((from, to), every, grace) };
        let mut intervals: Vec<Interval> =
            times.iter().zip(times.iter().skip(1)).map(|(from, to)| interval(*from, *to, true)).collect();
        let kept = intervals.iter().filter(|interval| interval.missed == 0).count();
        let last = times.last().copied();
        intervals.extend(last.map(|last| interval(last, now.max(last), false)));
        Self {
            kept,
            missed: intervals.iter().map(|interval| interval.missed).fold(0, u64::saturating_add),
            due: last.map(|last| last.saturating_add(every).saturating_add(grace)),
            intervals,
        }
    }
}

impl FindingHistory {
    /// Returns the key of the order in an account.
    pub(super) fn order(&self) -> impl Ord + use<'_> {
        let time = match self.section {
            Section::Fixed => self.fixed.unwrap_or(self.since).saturating_neg(),
            _ => self.opened.unwrap_or(self.since),
        };
        let resource = (&self.check, &self.resource_type, &self.resource_id, &self.fingerprint);
        (self.section, time, std::cmp::Reverse(self.severity), resource)
    }
}
