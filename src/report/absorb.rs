//! The construction of a report from the results of accounts. The report keeps as much of them as the outputs need.

use super::baseline::Change;
use super::configured::Weakening;
use super::model::{AccountReport, Report, Times};
use super::needs::{Evidence, Needs};
use super::options::Options;
use super::run::{AccountVerdicts, PackReport, RunReport};
use crate::diagnostic::{self, Diagnostic};
use crate::ids::IdVec;
use crate::policy::{CheckSeverity, Overridden};
use smol_str::SmolStr;
use std::borrow::Borrow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};

/// Ids of accounts that a report lists.
const IDS: usize = 8;

/// Returns the help that lists the first of the accounts of a run; `ids` are different.
pub(crate) fn listed_accounts(ids: &[impl AsRef<str>]) -> String {
    let quoted: Vec<String> = ids.iter().take(IDS).map(|id| format!("{:?}", id.as_ref())).collect();
    let more = if ids.len() > IDS { " and others" } else { "" };
    format!("the snapshots are of {}{more}", quoted.join(", "))
}

/// A diagnostic, with the number of earlier ones of its kind if it is about an account.
struct Ranked {
    diagnostic: Diagnostic,
    rank: Option<usize>,
}

impl Borrow<Diagnostic> for Ranked {
    fn borrow(&self) -> &Diagnostic {
        &self.diagnostic
    }
}

impl Report {
    /// Returns the report of a run without verdicts: for example, of one whose pack could not be read.
    pub fn new(options: &Options, diagnostics: Vec<Diagnostic>) -> Self {
        let run = RunReport {
            now: options.now,
            pack: PackReport { name: "nothing".to_owned(), ..PackReport::default() },
            snapshots: Vec::new(),
            verdicts: Vec::new(),
            accounts: 0,
            parameters: Vec::new(),
            engine: options.engine,
            waivers: options.waivers,
            gate: options.gate,
            baseline: options.baseline.clone(),
            max_snapshot_age: options.max_snapshot_age,
            by: options.by.clone(),
            configuration: options.configuration.as_deref().cloned(),
        };
        Self {
            run,
            checks: IdVec::new(),
            waivers: IdVec::new(),
            listed: Vec::new(),
            diagnostics,
            ranks: Vec::new(),
            shown: BTreeMap::new(),
            suppressed: BTreeMap::new(),
            invalid: false,
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
        }
    }

    /// Adds the severities that the project lowered, or by which checks are selected, to the settings that weaken the gate.
    pub(crate) fn describe_overrides(&mut self, options: &Options) {
        let Some(configuration) = &mut self.run.configuration else { return };
        let selects = |severity: CheckSeverity| {
            options.only.iter().chain(&options.skip).any(|pattern| pattern.trim() == severity.name())
        };
        for check in &self.checks {
            let weakens = |original: &&Overridden| {
                original.severity > check.severity
                    || original.severity < check.severity && (selects(original.severity) || selects(check.severity))
            };
            let Some(original) = check.overridden.as_ref().filter(weakens) else { continue };
            let (id, from, to) = (&check.id, original.severity.name(), check.severity.name());
            configuration.weakens.push(Weakening {
                setting: format!("severity.{id}"),
                effect: format!("{to} in place of {from}: {}", original.reason),
                place: original.place.clone(),
            });
        }
        configuration.weakens.sort_by_key(|weakening| weakening.place.span);
    }

    /// Describes the settings of parameters that weaken the gate: a setting to the default does not.
    pub(crate) fn describe_parameter_settings(&mut self) {
        let Some(configuration) = &mut self.run.configuration else { return };
        for parameter in &self.run.parameters {
            let scope = parameter.scope.as_ref().map_or_else(String::new, |scope| format!("{}:", scope.id));
            let key = format!("parameters.{scope}{}", parameter.name);
            if parameter.scope.is_none() && !parameter.of_account && parameter.value == parameter.default {
                configuration.weakens.retain(|weakening| weakening.setting != key);
            }
            let setting = configuration.weakens.iter_mut().find(|weakening| weakening.setting == key);
            if let (Some(setting), Some(default)) = (setting, &parameter.default) {
                setting.effect.push_str(&format!(", the default is {default}"));
            }
        }
    }

    /// Adds the results of the next account, as far as outputs with these needs show them.
    pub(crate) fn absorb(&mut self, account: AccountReport, needs: &Needs) {
        let number = self.run.accounts;
        self.run.accounts += 1;
        self.other_properties += account.other_properties;
        self.times.add(&account.times);
        if let Some(id) = &account.id {
            self.absorb_id(id, &account.snapshot.path);
        }
        if self.run.snapshots.len() < needs.snapshots.most() {
            self.run.snapshots.push(account.snapshot);
            self.run.verdicts.push(AccountVerdicts { id: account.id.clone(), counts: account.counts.clone() });
        }
        for (check, counts) in self.checks.iter_mut().zip(account.counts) {
            check.counts += counts;
        }
        for (check, compared) in self.checks.iter_mut().zip(account.compared) {
            check.compared += compared;
        }
        for (check, count) in account.waived_unknown {
            if let Some(check) = self.checks.find_mut(check) {
                check.waived_unknown += count;
            }
        }
        for coverage in account.coverages {
            if let Some(waiver) = self.waivers.find_mut(coverage.waiver) {
                waiver.absorb(coverage);
            }
        }
        self.scopes.iter_mut().zip(account.scopes).for_each(|(instance, sought)| instance.absorb(sought));
        self.literals.iter_mut().zip(account.literals).for_each(|(instance, sought)| instance.absorb(sought));
        let (listed, diagnostics) = (self.listed.len(), self.diagnostics.len());
        let mut verdicts = account.listed;
        verdicts.retain_mut(|verdict| {
            let Some(check) = self.checks.find_mut(verdict.check) else { return false };
            // The first findings are for people, and those that the baseline covers would use their places.
            let has_all = needs.findings == Evidence::All;
            if !has_all && verdict.change.is_some_and(Change::is_covered) {
                return false;
            }
            let listed = &mut check.listed[verdict.verdict()];
            if *listed >= needs.findings.most() {
                return false;
            }
            *listed += 1;
            verdict.set_number(number);
            true
        });
        // The verdicts of a large account are not copied.
        match self.listed.is_empty() {
            true => self.listed = verdicts,
            false => self.listed.append(&mut verdicts),
        }
        self.absorb_diagnostics(account.diagnostics, needs);
        // The secrets keep the text alive, so they are kept only for texts that findings or diagnostics refer to.
        if self.listed.len() > listed || self.diagnostics.len() > diagnostics {
            self.secrets.extend(account.secrets);
        }
    }

    fn absorb_id(&mut self, id: &SmolStr, path: &str) {
        for check in self.checks.iter_mut().filter(|check| !check.judged) {
            check.judged = check.accounts.iter().all(|account| account == id);
        }
        if !self.account_ids.insert(id.clone()) {
            self.repeated += 1;
            self.first_repeated.get_or_insert_with(|| (path.to_owned(), id.clone()));
        } else if self.ids_seen.len() <= IDS {
            self.ids_seen.push(id.clone());
        }
    }

    /// Adds diagnostics about an account, of each kind as many as the outputs need.
    /// Removes diagnostics about the run as a whole.
    pub(crate) fn remove_of_run(&mut self, removed: &[Diagnostic]) {
        self.ranks.resize(self.diagnostics.len(), None);
        let ranked = std::mem::take(&mut self.diagnostics).into_iter().zip(std::mem::take(&mut self.ranks));
        let kept = ranked.filter(|(diagnostic, rank)| rank.is_some() || !removed.contains(diagnostic));
        (self.diagnostics, self.ranks) = kept.unzip();
    }

    fn absorb_diagnostics(&mut self, diagnostics: Vec<Diagnostic>, needs: &Needs) {
        for diagnostic in diagnostics {
            let kind = (diagnostic.code, diagnostic.level);
            let shown = self.shown.entry(kind).or_insert(0);
            if *shown < needs.diagnostics.most() {
                self.ranks.resize(self.diagnostics.len(), None);
                self.ranks.push(Some(*shown));
                self.diagnostics.push(diagnostic);
                *shown += 1;
            } else {
                *self.suppressed.entry(kind).or_insert(0) += 1;
            }
        }
    }

    /// Sorts verdicts by kind and severity, the worst first, and diagnostics by file and place.
    pub(crate) fn sort(&mut self) {
        let checks = &self.checks;
        // No two verdicts have one place.
        self.listed.sort_unstable_by_key(|it| {
            let level = checks.find(it.check).map_or(CheckSeverity::Low, |check| check.severity);
            (it.verdict(), Reverse(level), it.check, it.number, it.order)
        });
        self.ranks.resize(self.diagnostics.len(), None);
        let ranked = std::mem::take(&mut self.diagnostics).into_iter().zip(std::mem::take(&mut self.ranks));
        let mut ranked: Vec<Ranked> = ranked.map(|(diagnostic, rank)| Ranked { diagnostic, rank }).collect();
        diagnostic::sort(&mut ranked);
        (self.diagnostics, self.ranks) = ranked.into_iter().map(|it| (it.diagnostic, it.rank)).unzip();
    }
}
