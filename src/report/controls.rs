//! Verdicts by control of a framework. A control passes if all of its checks were run, at least one resource passed, and
//! none failed or is unknown. Controls without a decided verdict are listed separately.

use super::{CheckReport, CheckState, Report};
use crate::engine::{Verdict, VerdictCounts};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The checks of a run by the controls of one framework.
#[derive(Debug)]
pub struct ByControl<'r> {
    /// The framework.
    pub framework: &'r str,
    /// Its controls with a check, by status, then in natural order.
    pub controls: Vec<ControlReport<'r>>,
    /// Checks without a control of the framework.
    pub unmapped: Vec<&'r CheckReport>,
}

/// The results of the checks of a control.
#[derive(Debug)]
pub struct ControlReport<'r> {
    /// The control.
    pub control: &'r str,
    /// The status of the control.
    pub status: ControlStatus,
    /// The number of each verdict.
    pub counts: VerdictCounts,
    /// Its checks, in order of ids.
    pub checks: Vec<&'r CheckReport>,
}

/// The status of a control, in the order of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ControlStatus {
    /// A resource failed.
    Failed,
    /// A resource passed or is waived, and another is unknown or waived, or a check was not run.
    Partial,
    /// A resource passed. None failed, is unknown or is waived, and all checks were run.
    Passed,
    /// No resource failed, passed or was waived: all are unknown or not applicable, or there are none.
    NotJudged,
}

impl ControlStatus {
    /// Returns the status of a control by the number of each verdict of its checks, and whether all of them were run.
    pub fn of(count: impl Fn(Verdict) -> usize, is_run: bool) -> Self {
        let given = |verdict| count(verdict) > 0;
        let is_open = given(Verdict::Unknown) || given(Verdict::Waived) || !is_run;
        match (given(Verdict::Fail), given(Verdict::Pass) || given(Verdict::Waived)) {
            (true, _) => ControlStatus::Failed,
            (_, false) => ControlStatus::NotJudged,
            _ if is_open => ControlStatus::Partial,
            _ => ControlStatus::Passed,
        }
    }
}

/// Returns the checks of a report by the controls of a framework.
pub fn by_control<'r>(report: &'r Report, framework: &'r str) -> ByControl<'r> {
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
    controls.sort_by_cached_key(|it| (it.status, natural(it.control)));
    ByControl { framework, controls, unmapped }
}

fn control_report<'r>(control: &'r str, checks: Vec<&'r CheckReport>) -> ControlReport<'r> {
    let mut counts = VerdictCounts::default();
    for check in &checks {
        counts += check.counts;
    }
    let is_run = checks.iter().all(|check| check.state == CheckState::Run);
    let status = ControlStatus::of(|verdict| counts[verdict], is_run);
    ControlReport { control, status, counts, checks }
}

/// A part of a name that sorts numbers by value: the digits without leading zeros, after their count.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part<'t> {
    Number(usize, &'t str),
    Text(&'t str),
}

/// Returns the parts of a name, as a key for natural order.
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
    fn numbers_in_controls_sort_by_value() {
        let mut controls = ["AC-10", "4.10", "AC-2(1)", "4.2", "AC-2(10)", "AC-2", "AC-2(2)", "4"];
        controls.sort_by_cached_key(|control| natural(control));
        assert_eq!(controls, ["4", "4.2", "4.10", "AC-2", "AC-2(1)", "AC-2(2)", "AC-2(10)", "AC-10"]);
    }
}
