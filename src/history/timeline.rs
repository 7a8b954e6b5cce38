//! The states of one finding over the reviews of its account. It knows neither documents nor files.

use crate::value::show_datetime;
use serde::{Serialize, Serializer};
use std::collections::BTreeSet;

/// The result of a review for one finding, the worst first. If there are two results for one time, the worse one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Seen {
    /// The verdict is a failure.
    Failed,
    /// The verdict is unknown.
    Unknown,
    /// The verdict is waived.
    Waived,
    /// The list that may contain the resource was not captured in full.
    ListMissing,
    /// The report does not have the verdict, and it does not list the verdicts that passed.
    PassedOrRemoved,
    /// The check passes, or it does not apply.
    Passed,
    /// The report has all verdicts, and none on the resource.
    Removed,
    /// The check was not run on the account.
    NotRun(NotRun),
}

/// The reason why a check was not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum NotRun {
    /// The selection of the run excludes it.
    Deselected,
    /// The check, or a derivation that it depends on, is invalid.
    Invalid,
    /// The pack does not have it.
    NoCheck,
    /// The report is of a time after that of the history or of its own run, so it cannot show a fix.
    WrongTime,
    /// The time of the snapshot is unknown, so the report cannot show a fix.
    UnknownTime,
    /// A parameter of the run is invalid, so a default may be in force, and the report cannot show a fix.
    InvalidParameter,
}

/// The state of a finding after a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The verdict is a failure.
    Open,
    /// The verdict is unknown: neither open nor fixed.
    Unknown,
    /// The verdict is waived.
    Waived,
    /// The check was not run, or the list of the resource was not captured in full: neither open nor fixed.
    NotJudged,
    /// The check passes, or it does not apply.
    Passed,
    /// The resource was removed.
    Removed,
    /// One of the two: the report does not list the verdicts that passed.
    PassedOrRemoved,
}

impl State {
    /// Returns whether a finding with this state is fixed.
    pub fn is_fixed(self) -> bool {
        matches!(self, State::Passed | State::Removed | State::PassedOrRemoved)
    }
}

impl From<Seen> for State {
    fn from(seen: Seen) -> Self {
        match seen {
            Seen::Failed => State::Open,
            Seen::Unknown => State::Unknown,
            Seen::Waived => State::Waived,
            Seen::ListMissing | Seen::NotRun(_) => State::NotJudged,
            Seen::Passed => State::Passed,
            Seen::Removed => State::Removed,
            Seen::PassedOrRemoved => State::PassedOrRemoved,
        }
    }
}

/// A review of an account, for one finding.
#[derive(Debug, Clone)]
pub(super) struct Step {
    /// The time of the snapshot, in milliseconds since 1970.
    pub at: i64,
    /// The result.
    pub seen: Seen,
    /// The numbers of the policies and parameters of the reports with this result: equal ones have equal numbers.
    pub rules: BTreeSet<usize>,
}

/// Reviews with one state, one after the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Period {
    /// The state.
    pub state: State,
    /// The time of the first review with the state.
    #[serde(serialize_with = "datetime")]
    pub from: i64,
    /// The time of the first review after them, if there is one.
    #[serde(serialize_with = "optional_datetime")]
    pub until: Option<i64>,
    /// The number of reviews.
    pub reviews: usize,
}

/// Writes a time as RFC 3339 in UTC.
pub(super) fn datetime<S: Serializer>(at: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&show_datetime(*at))
}

/// Writes a time as RFC 3339 in UTC, or null.
#[expect(clippy::ref_option, reason = "serde calls it with a reference to the field")]
pub(super) fn optional_datetime<S: Serializer>(at: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => datetime(at, serializer),
        None => serializer.serialize_none(),
    }
}

/// The states of one finding, and the times that follow from them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Timeline {
    /// The periods in order, from the first review with a failed, unknown or waived verdict.
    pub periods: Vec<Period>,
    /// The state after the last review.
    pub state: State,
    /// The state after the last review that judged the finding.
    pub judged: State,
    /// The reason if the check was not run in the last review.
    pub not_run: Option<Seen>,
    /// The time of the last review before the first period that judged the check and does not have the finding.
    pub absent: Option<i64>,
    /// The time of the first failure.
    pub first_failed: Option<i64>,
    /// The time of the last failure.
    pub last_failed: Option<i64>,
    /// The time of the first failure that is not fixed since.
    pub opened: Option<i64>,
    /// The time of the review that has the finding as fixed, if it is fixed.
    pub fixed: Option<i64>,
    /// Whether policies or parameters changed between that review and the last one with the finding.
    pub rules_changed: bool,
    /// The times of failures after the finding was fixed.
    pub returned: Vec<i64>,
}

impl Timeline {
    /// Follows a finding over reviews in order of their times. `None` if it was not seen.
    pub(super) fn of(steps: impl IntoIterator<Item = Step>) -> Option<Self> {
        let mut timeline: Option<Self> = None;
        let (mut absent, mut rules) = (None, BTreeSet::new());
        for step in steps {
            let state = State::from(step.seen);
            match &mut timeline {
                Some(timeline) => timeline.step(&step, state, &rules),
                None if state.is_fixed() => absent = Some(step.at),
                None if state == State::NotJudged => {}
                None => timeline = Some(Self::begin(&step, state, absent)),
            }
            if matches!(state, State::Open | State::Unknown | State::Waived) {
                rules = step.rules;
            }
        }
        timeline
    }

    fn begin(step: &Step, state: State, absent: Option<i64>) -> Self {
        let failed = (state == State::Open).then_some(step.at);
        Self {
            periods: vec![Period { state, from: step.at, until: None, reviews: 1 }],
            state,
            judged: state,
            not_run: None,
            absent,
            first_failed: failed,
            last_failed: failed,
            opened: failed,
            fixed: None,
            rules_changed: false,
            returned: Vec::new(),
        }
    }

    /// Adds the next review; `rules` are the numbers of the rules of the last one with the finding.
    fn step(&mut self, step: &Step, state: State, rules: &BTreeSet<usize>) {
        match self.periods.last_mut() {
            Some(last) if last.state == state => last.reviews += 1,
            last => {
                if let Some(last) = last {
                    last.until = Some(step.at);
                }
                self.periods.push(Period { state, from: step.at, until: None, reviews: 1 });
            }
        }
        self.state = state;
        self.not_run = (state == State::NotJudged).then_some(step.seen);
        if state == State::NotJudged {
            return;
        }
        let was_fixed = self.judged.is_fixed();
        self.judged = state;
        if state.is_fixed() {
            if !was_fixed {
                (self.fixed, self.opened, self.rules_changed) = (Some(step.at), None, rules.is_disjoint(&step.rules));
            }
            return;
        }
        (self.fixed, self.rules_changed) = (None, false);
        if state == State::Open {
            // A failure after an unknown verdict that follows a fix returned too.
            if self.opened.is_none() && self.first_failed.is_some() {
                self.returned.push(step.at);
            }
            self.first_failed.get_or_insert(step.at);
            self.opened.get_or_insert(step.at);
            self.last_failed = Some(step.at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{NotRun, Seen, State, Step, Timeline};
    use std::collections::BTreeSet;

    /// Returns the timeline of a sequence of results at the times 1, 2 and so on.
    fn timeline(results: &str) -> Option<Timeline> {
        let seen = |letter| match letter {
            'F' => Seen::Failed,
            'U' => Seen::Unknown,
            'W' => Seen::Waived,
            'L' => Seen::ListMissing,
            '?' => Seen::PassedOrRemoved,
            'P' => Seen::Passed,
            'R' => Seen::Removed,
            'N' => Seen::NotRun(NotRun::NoCheck),
            other => panic!("{other} is not a result"),
        };
        let steps =
            results.chars().zip(1..).map(|(letter, at)| Step { at, seen: seen(letter), rules: BTreeSet::from([0]) });
        Timeline::of(steps)
    }

    /// Returns the periods of a sequence, and the times of the finding.
    fn shown(results: &str) -> String {
        let Some(it) = timeline(results) else { return "none".to_owned() };
        let periods = it.periods.iter().map(|period| {
            let until = period.until.map_or_else(String::new, |until| until.to_string());
            format!("{:?} {}-{until}", period.state, period.from)
        });
        let mut parts = vec![periods.collect::<Vec<_>>().join(", ")];
        let times = [("opened", it.opened), ("last", it.last_failed), ("fixed", it.fixed), ("absent", it.absent)];
        parts.extend(times.into_iter().filter_map(|(name, at)| Some(format!("{name} {}", at?))));
        if !it.returned.is_empty() {
            parts.push(format!("returned {:?}", it.returned));
        }
        parts.join("; ")
    }

    #[test]
    fn a_sequence_of_results_gives_periods_and_times() {
        for (results, expected) in [
            ("", "none"),
            ("P", "none"),
            ("PRN?L", "none"),
            ("F", "Open 1-; opened 1; last 1"),
            ("PPF", "Open 3-; opened 3; last 3; absent 2"),
            ("PNF", "Open 3-; opened 3; last 3; absent 1"),
            ("FFF", "Open 1-; opened 1; last 3"),
            ("FFP", "Open 1-3, Passed 3-; last 2; fixed 3"),
            ("FPPP", "Open 1-2, Passed 2-; last 1; fixed 2"),
            ("FR", "Open 1-2, Removed 2-; last 1; fixed 2"),
            ("F?", "Open 1-2, PassedOrRemoved 2-; last 1; fixed 2"),
            // The kind of the fix may change, and its time is the first one.
            ("FPR", "Open 1-2, Passed 2-3, Removed 3-; last 1; fixed 2"),
            ("FPF", "Open 1-2, Passed 2-3, Open 3-; opened 3; last 3; returned [3]"),
            ("FPFPF", "Open 1-2, Passed 2-3, Open 3-4, Passed 4-5, Open 5-; opened 5; last 5; returned [3, 5]"),
            // An unknown verdict neither fixes nor opens: the failure around it is one.
            ("FU", "Open 1-2, Unknown 2-; opened 1; last 1"),
            ("FUF", "Open 1-2, Unknown 2-3, Open 3-; opened 1; last 3"),
            ("FUP", "Open 1-2, Unknown 2-3, Passed 3-; last 1; fixed 3"),
            ("U", "Unknown 1-"),
            ("UP", "Unknown 1-2, Passed 2-; fixed 2"),
            ("UF", "Unknown 1-2, Open 2-; opened 2; last 2"),
            ("UPF", "Unknown 1-2, Passed 2-3, Open 3-; opened 3; last 3"),
            ("FPUF", "Open 1-2, Passed 2-3, Unknown 3-4, Open 4-; opened 4; last 4; returned [4]"),
            ("FPU", "Open 1-2, Passed 2-3, Unknown 3-; last 1"),
            // So does a review without the check, or without the list of the resource.
            ("FN", "Open 1-2, NotJudged 2-; opened 1; last 1"),
            ("FLF", "Open 1-2, NotJudged 2-3, Open 3-; opened 1; last 3"),
            ("FNP", "Open 1-2, NotJudged 2-3, Passed 3-; last 1; fixed 3"),
            ("FPN", "Open 1-2, Passed 2-3, NotJudged 3-; last 1; fixed 2"),
            ("FPNF", "Open 1-2, Passed 2-3, NotJudged 3-4, Open 4-; opened 4; last 4; returned [4]"),
            // A waiver does not fix.
            ("FWF", "Open 1-2, Waived 2-3, Open 3-; opened 1; last 3"),
            ("WF", "Waived 1-2, Open 2-; opened 2; last 2"),
            ("WP", "Waived 1-2, Passed 2-; fixed 2"),
        ] {
            assert_eq!(shown(results), expected, "{results}");
        }
    }

    #[test]
    fn the_periods_of_every_sequence_are_complete() {
        const LETTERS: [char; 8] = ['F', 'U', 'W', 'L', '?', 'P', 'R', 'N'];
        for number in 0..8_usize.pow(5) {
            let results: String = (0..5).map(|at| LETTERS[number / 8_usize.pow(at) % 8]).collect();
            let Some(timeline) = timeline(&results) else {
                assert!(!results.contains(['F', 'U', 'W']), "{results}");
                continue;
            };
            let first = results.find(['F', 'U', 'W']).expect("it was seen");
            let reviews: usize = timeline.periods.iter().map(|period| period.reviews).sum();
            assert_eq!(reviews, 5 - first, "{results}");
            assert!(
                timeline.periods.windows(2).all(|it| it[0].until == Some(it[1].from) && it[0].state != it[1].state)
            );
            assert_eq!(timeline.periods.last().map(|it| (it.state, it.until)), Some((timeline.state, None)));
            // A finding whose last judged result is a failure is not fixed, and it has an age.
            let judged = results.trim_end_matches(['N', 'L']);
            assert_eq!(judged.ends_with('F'), timeline.judged == State::Open, "{results}");
            assert!(timeline.judged != State::Open || timeline.opened.is_some(), "{results}");
            assert_eq!(timeline.fixed.is_some(), judged.ends_with(['P', 'R', '?']), "{results}");
        }
    }

    #[test]
    fn a_fix_by_other_rules_is_marked() {
        let step = |at, seen, rules: &[usize]| Step { at, seen, rules: rules.iter().copied().collect() };
        let (failed, passed) = (Seen::Failed, Seen::Passed);
        let changed = |steps: &[Step]| Timeline::of(steps.iter().cloned()).is_some_and(|it| it.rules_changed);
        assert!(!changed(&[step(1, failed, &[1]), step(2, passed, &[1])]));
        assert!(changed(&[step(1, failed, &[1]), step(2, passed, &[2])]));
        assert!(!changed(&[step(1, failed, &[1, 2]), step(2, passed, &[2, 3])]));
        assert!(changed(&[step(1, failed, &[1, 2]), step(2, passed, &[3])]));
        assert!(changed(&[step(1, failed, &[1]), step(2, Seen::ListMissing, &[2]), step(3, passed, &[2])]));
        assert!(!changed(&[step(1, failed, &[1]), step(2, passed, &[1]), step(3, passed, &[2])]));
        assert!(!changed(&[step(1, failed, &[1]), step(2, passed, &[2]), step(3, failed, &[2])]));
    }
}
