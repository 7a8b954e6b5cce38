//! The words of a history, which text and HTML share.

use super::model::{AccountHistory, DAY, FindingHistory, History, Interval, Review, Section};
use super::timeline::State;
use crate::engine::Verdict;
use crate::render::short;
use crate::value::{show_datetime, show_duration};

/// Returns a time to the minute, in UTC. A no-break space keeps the date and the time on one line.
pub(super) fn when(at: i64) -> String {
    let text = show_datetime(at);
    match (text.get(..10), text.get(10..11), text.get(11..16)) {
        (Some(date), Some("T"), Some(time)) => format!("{date}\u{a0}{time}"),
        _ => text,
    }
}

/// Returns a number with its noun.
pub(super) fn many(count: impl Into<u64>, noun: &str) -> String {
    let count: u64 = count.into();
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Returns a number of things with its noun.
pub(super) fn counted(count: usize, noun: &str) -> String {
    many(u64::try_from(count).unwrap_or(u64::MAX), noun)
}

/// Returns a duration in its largest unit, rounded down.
pub(super) fn length(millis: i64) -> String {
    let (value, noun) = match millis.max(0) {
        millis if millis >= DAY => (millis / DAY, "day"),
        millis if millis >= 3_600_000 => (millis / 3_600_000, "hour"),
        millis => (millis / 60_000, "minute"),
    };
    many(value.unsigned_abs(), noun)
}

/// Returns the reports and the time of a history in one line.
pub(super) fn subject(history: &History) -> String {
    let reports = counted(history.reports, "report");
    format!("{reports} of {}, as of {}", counted(history.accounts.len(), "account"), when(history.now))
}

/// Returns the numbers of findings of an account by section.
pub(super) fn totals(account: &AccountHistory) -> String {
    let of_section = |section: Section| {
        let count = account.totals.get(&section).copied().unwrap_or(0);
        (count > 0 || section == Section::Open).then(|| format!("{count} {}", section.name()))
    };
    Section::ALL.into_iter().filter_map(of_section).collect::<Vec<_>>().join(", ")
}

/// Returns the reviews of an account in one line.
pub(super) fn reviews(account: &AccountHistory) -> String {
    let count = counted(account.reviews.len(), "review");
    match (account.reviews.first(), account.reviews.last()) {
        (Some(first), Some(last)) if first.at != last.at => {
            format!("{count} from {} to {}", when(first.at), when(last.at))
        }
        (Some(only), _) => format!("{count}, {}", when(only.at)),
        _ => count,
    }
}

/// Returns the plan of the reviews with the number of those that are missing.
pub(super) fn plan(account: &AccountHistory, history: &History) -> String {
    let every = format!("every {}, {} of grace", show_duration(history.every), show_duration(history.grace));
    format!("{every}: {} kept, {} missed", account.plan.kept, account.plan.missed)
}

/// Returns an interval between two reviews, or since the last one.
pub(super) fn interval(interval: &Interval, account: &AccountHistory) -> String {
    let long = length(interval.to.saturating_sub(interval.from));
    let missed = match interval.missed {
        0 => String::new(),
        missed => format!(", {} missed", many(missed, "review")),
    };
    if interval.ended {
        return format!("{} to {}: {long}{missed}", when(interval.from), when(interval.to));
    }
    let due = account.plan.due.filter(|_| interval.missed == 0);
    let due = due.map_or_else(String::new, |due| format!(", the next one is due by {}", when(due)));
    format!("since {}: {long}{missed}{due}", when(interval.from))
}

/// Returns the times of a finding in one sentence.
pub(super) fn story(finding: &FindingHistory, now: i64) -> String {
    let since = when(finding.since);
    let mut parts = vec![match (finding.section, finding.state) {
        (Section::Open, _) => {
            let opened = finding.opened.unwrap_or(finding.since);
            format!("open for {}, since {}", length(now.saturating_sub(opened)), when(opened))
        }
        (Section::Unknown, _) => format!("unknown since {since}"),
        (Section::NotJudged, _) => format!("not judged since {since}: {}", reason(finding.reason)),
        (Section::Waived, _) => format!("waived since {since}"),
        (Section::Fixed, _) => {
            let fixed = finding.fixed.unwrap_or(finding.since);
            let kind = finding.periods.iter().find(|period| period.from == fixed).map(|period| period.state);
            let words = match kind {
                Some(State::Removed) => "removed",
                Some(State::PassedOrRemoved) => "fixed or removed",
                _ => "fixed",
            };
            format!("{words} by {}", when(fixed))
        }
    }];
    match (finding.last_failed, finding.section) {
        (_, Section::Open) => {}
        (Some(failed), _) => parts.push(format!("last failure {}", when(failed))),
        (None, Section::Fixed) => {
            let was_unknown = finding.periods.iter().any(|period| period.state == State::Unknown);
            parts.push(format!("it was {}, and did not fail", if was_unknown { "unknown" } else { "waived" }));
        }
        (None, _) => parts.push("it did not fail before".to_owned()),
    }
    if finding.section != Section::Fixed {
        if ![finding.since, finding.opened.unwrap_or(finding.since)].contains(&finding.first_seen) {
            parts.push(format!("first seen {}", when(finding.first_seen)));
        }
        parts.extend(finding.absent.map(|absent| format!("not in the review of {}", when(absent))));
    }
    if let Some(last) = finding.returned.last() {
        let count = finding.returned.len();
        let times = if count == 1 { "returned".to_owned() } else { format!("returned {count} times, the last time") };
        parts.push(format!("{times} on {}", when(*last)));
    }
    if finding.rules_changed {
        parts.push("policies or parameters changed at the same time".to_owned());
    }
    parts.join("; ")
}

/// Returns the reason why a finding was not judged, in words.
fn reason(reason: Option<&str>) -> &'static str {
    match reason {
        Some("deselected") => "the check was not selected",
        Some("invalid") => "the check is invalid",
        Some("no_check") => "the pack does not have the check",
        Some("unknown_time") => "the time of capture of the last snapshot is unknown",
        Some("invalid_parameter") => "a parameter of the last run is invalid",
        Some("wrong_time") => "the last report is of a time after that of its run or of the history",
        _ => "the list of the resource was not captured in full",
    }
}

/// The verdicts that the plot and the table of reviews have, with their names and the classes of their colours.
pub(super) const SHOWN: [(Verdict, &str, &str); 4] = [
    (Verdict::Fail, "fail", "fail"),
    (Verdict::Unknown, "unknown", "unknown"),
    (Verdict::Waived, "waived", "waived"),
    (Verdict::Pass, "pass", "pass"),
];

/// Returns how often a review has a verdict.
pub(super) fn verdicts(review: &Review, verdict: &Verdict) -> usize {
    review.verdicts.get(verdict).copied().unwrap_or(0)
}

/// Returns the pack of a review in words.
pub(super) fn pack(review: &Review) -> String {
    let version = review.pack_version.as_ref().map_or_else(String::new, |version| format!(" {version}"));
    let changed = if review.rules_changed { ", changed" } else { "" };
    let complete = if review.complete { "" } else { ", without passes" };
    limited(&format!("{}{version}{changed}{complete}", review.pack))
}

/// Returns a text of an input, of a very long one the beginning.
pub(super) fn limited(text: &str) -> String {
    short(text).into_owned()
}
