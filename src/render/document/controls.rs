//! The verdicts of checks by control of a framework.

use super::counts::{add, count};
use super::{ByControl, Check, Control, Counts, Text};
use crate::report::CheckState;
use crate::report::controls::{ControlStatus, natural};
use std::collections::{BTreeMap, BTreeSet};

impl<'r> ByControl<'r> {
    /// Returns the checks of a document by the controls of a framework: the controls by status, then in natural order.
    pub(crate) fn of(checks: &[Check<'r>], framework: &Text<'r>) -> Self {
        let mut by_control: BTreeMap<&Text<'r>, Vec<&Check<'r>>> = BTreeMap::new();
        let mut unmapped = Vec::new();
        for check in checks {
            let controls: BTreeSet<&Text<'r>> = check.controls.get(framework).into_iter().flatten().collect();
            if controls.is_empty() {
                unmapped.push(check.id.clone());
            }
            controls.into_iter().for_each(|control| by_control.entry(control).or_default().push(check));
        }
        let mut controls: Vec<Control<'r>> = by_control.into_iter().map(|(id, checks)| control(id, &checks)).collect();
        controls.sort_by(|a, b| (a.standing, natural(&a.control)).cmp(&(b.standing, natural(&b.control))));
        Self { framework: framework.clone(), controls, unmapped_checks: unmapped }
    }
}

fn control<'r>(id: &Text<'r>, checks: &[&Check<'r>]) -> Control<'r> {
    let mut counts = Counts::new();
    checks.iter().for_each(|check| add(&mut counts, &check.counts));
    let is_run = checks.iter().all(|check| matches!(check.state, CheckState::Run | CheckState::NoResources));
    Control {
        control: id.clone(),
        standing: ControlStatus::of(|verdict| count(&counts, verdict), is_run),
        counts,
        checks: checks.iter().map(|check| check.id.clone()).collect(),
    }
}
