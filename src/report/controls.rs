//! Verdicts by control of a framework. A control passes only if all of its checks were run and nothing of them is open;
//! one of which nothing was judged stands apart.

use super::{CheckReport, CheckState, Report};
use crate::engine::{Verdict, VerdictCounts};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The checks of a run by the controls of one framework.
#[derive(Debug)]
pub struct ByControl<'r> {
    /// The framework.
    pub framework: &'static str,
    /// Its controls that some check supports, by standing, then in natural order.
    pub controls: Vec<ControlReport<'r>>,
    /// Checks that support none.
    pub unmapped: Vec<&'r CheckReport>,
}

/// What the checks of a control came to.
#[derive(Debug)]
pub struct ControlReport<'r> {
    /// The control.
    pub control: &'r str,
    /// What the counts come to.
    pub standing: Standing,
    /// How often each verdict was given.
    pub counts: VerdictCounts,
    /// Its checks, in order of ids.
    pub checks: Vec<&'r CheckReport>,
}

/// How a control stands, in the order reports use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Something failed.
    Failed,
    /// Something passed or is waived, and something is unknown or waived, or a check was not run.
    Partial,
    /// Something passed, and nothing is open.
    Passed,
    /// Nothing failed, passed or was waived: everything is unknown, not applicable, or met nothing.
    NotJudged,
}

/// Returns the checks of a report by the controls of a framework.
pub fn by_control<'r>(report: &'r Report, framework: &'static str) -> ByControl<'r> {
    let mut checks_of: BTreeMap<&str, Vec<&CheckReport>> = BTreeMap::new();
    let mut unmapped = Vec::new();
    for check in &report.checks {
        let of_framework = check.controls.iter().filter(|(name, _)| *name == framework);
        let mut controls: Vec<&str> = of_framework.flat_map(|(_, controls)| controls).map(|it| it.as_str()).collect();
        controls.sort_unstable();
        controls.dedup();
        if controls.is_empty() {
            unmapped.push(check);
        }
        for control in controls {
            checks_of.entry(control).or_default().push(check);
        }
    }
    let mut controls: Vec<_> = checks_of.into_iter().map(|(control, checks)| control_report(control, checks)).collect();
    controls.sort_by_cached_key(|it| (it.standing, natural(it.control)));
    ByControl { framework, controls, unmapped }
}

fn control_report<'r>(control: &'r str, checks: Vec<&'r CheckReport>) -> ControlReport<'r> {
    let mut counts = VerdictCounts::default();
    for check in &checks {
        counts += check.counts;
    }
    let given = |verdict: Verdict| counts[verdict] > 0;
    let open =
        given(Verdict::Unknown) || given(Verdict::Waived) || checks.iter().any(|check| check.state != CheckState::Run);
    let standing = match (given(Verdict::Fail), given(Verdict::Pass) || given(Verdict::Waived)) {
        (true, _) => Standing::Failed,
        (_, false) => Standing::NotJudged,
        _ if open => Standing::Partial,
        _ => Standing::Passed,
    };
    ControlReport { control, standing, counts, checks }
}

/// A part of a name, so that numbers sort by what they are worth: digits without leading zeros, after their number.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part<'t> {
    Number(usize, &'t str),
    Text(&'t str),
}

pub(crate) fn natural(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let digit = first.is_ascii_digit();
        let end = rest.find(|it: char| it.is_ascii_digit() != digit).unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        let worth = part.trim_start_matches('0');
        parts.push(if digit { Part::Number(worth.len(), worth) } else { Part::Text(part) });
        rest = after;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_controls_sort_by_what_they_are_worth() {
        let mut controls = ["AC-10", "4.10", "AC-2(1)", "4.2", "AC-2(10)", "AC-2", "AC-2(2)", "4"];
        controls.sort_by_cached_key(|control| natural(control));
        assert_eq!(controls, ["4", "4.2", "4.10", "AC-2", "AC-2(1)", "AC-2(2)", "AC-2(10)", "AC-10"]);
    }
}
