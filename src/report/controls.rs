//! The status of a control of a framework, and the natural order of names. A control passes if all of its checks were run,
//! at least one resource passed, and none failed, is unknown or is waived.

use crate::engine::Verdict;
use serde::{Deserialize, Serialize};

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
