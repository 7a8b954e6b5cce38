//! One account of a run as a run of its own, for reports that are stored by account.

use super::baseline::Compared;
use super::model::{AccountReport, CheckReport, Report, Times};
use super::needs::Needs;
use super::run::RunReport;
use super::waiver::WaiverReport;
use crate::engine::VerdictCounts;
use std::collections::{BTreeMap, HashSet};

impl Report {
    /// Returns the report of a run of one account, with the problems of this run that are not about an account. The
    /// report does not have the problems that are known only at the end of a run, except those of waivers.
    pub(crate) fn alone(&self, account: &AccountReport, needs: &Needs) -> Self {
        let ranks = self.ranks.iter().copied().chain(std::iter::repeat(None));
        let of_run = self.diagnostics.iter().zip(ranks).filter(|(_, rank)| rank.is_none());
        let mut report = Self {
            run: RunReport { snapshots: Vec::new(), verdicts: Vec::new(), accounts: 0, ..self.run.clone() },
            checks: self.checks.iter().map(CheckReport::without_verdicts).collect(),
            waivers: self.waivers.iter().map(WaiverReport::without_coverage).collect(),
            listed: Vec::new(),
            diagnostics: of_run.map(|(diagnostic, _)| diagnostic.clone()).collect(),
            ranks: Vec::new(),
            shown: BTreeMap::new(),
            suppressed: BTreeMap::new(),
            invalid: self.invalid,
            ids_seen: Vec::new(),
            account_ids: HashSet::new(),
            repeated: 0,
            first_repeated: None,
            scopes: Vec::new(),
            literals: Vec::new(),
            other_properties: 0,
            skipped: 0,
            skipped_reports: 0,
            secrets: Vec::new(),
            times: Times::default(),
        };
        report.absorb(account.clone(), needs);
        let problems: Vec<_> = report.waivers.iter().filter_map(|waiver| waiver.problem(1)).collect();
        report.diagnostics.extend(problems);
        report.sort();
        report
    }
}

impl CheckReport {
    /// Returns the check before any account is judged.
    fn without_verdicts(&self) -> Self {
        Self {
            judged: false,
            counts: VerdictCounts::default(),
            listed: VerdictCounts::default(),
            compared: Compared::default(),
            waived_unknown: 0,
            ..self.clone()
        }
    }
}

impl WaiverReport {
    /// Returns the waiver before any account is judged.
    fn without_coverage(&self) -> Self {
        Self { accounts: 0, waived: 0, beyond: 0, examples: Vec::new(), ..self.clone() }
    }
}
