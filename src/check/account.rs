//! The run of one account: reads a snapshot, judges it, and lists verdicts that outputs need.

use super::describe::{describe_parameters, digest};
use super::inputs::{Inputs, SnapshotInput};
use super::literals;
use super::problems::{
    capture_time, captured_at, scope_name, too_old, unfolded_parameters, unrecognised_document, without_lists,
};
use crate::diagnostic::{Code, Diagnostic, has_errors};
use crate::engine::{
    Evaluation, Evaluator, Judged, Judgement, Subject, Verdict, VerdictCounts, WaiverCoverage, WaiversInUse,
};
use crate::ids::IdVec;
use crate::pack::{Assessment, Pack, Run};
use crate::parallel::*;
use crate::parameters::Parameters;
use crate::policy::{CheckId, WaiverId};
use crate::report::{
    AccountCoverage, AccountReport, Basis, Beyond, Change, Compared, Engine, Findings, JudgedSnapshot, ListedVerdict,
    Options, Report, SEARCHED_FAILURES, SnapshotReport, SoughtInstance, Times, WITNESSES, WaiverState, id_of,
};
use crate::snapshot::{SecretPaths, Secrets, Snapshot};
use crate::source::Source;
use crate::stopwatch::Stopwatch;
use crate::value::TypeId;
use smol_str::SmolStr;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A snapshot with its diagnostics.
#[derive(Debug)]
pub(super) struct ReadSnapshot {
    pub(super) source: Arc<Source>,
    snapshot: Option<Arc<Snapshot>>,
    diagnostics: Vec<Diagnostic>,
    /// Places in the files of the text that excerpts mask.
    hidden: Vec<Secrets>,
    /// The SHA-256 of the snapshot, if outputs need it.
    sha256: Option<String>,
}

impl ReadSnapshot {
    /// Returns whether reading a source for a run gives this again, by the same plan and limits.
    pub(super) fn is_of(&self, source: &Arc<Source>, options: &Options) -> bool {
        let same_time = || self.snapshot.as_ref().is_none_or(|snapshot| snapshot.is_as_of(options.now));
        Arc::ptr_eq(&self.source, source) && same_time() && (self.sha256.is_some() || !options.needs.digests)
    }
}

/// The parts of a run that all accounts share.
pub(super) struct AccountRun<'s> {
    pack: &'s Pack,
    /// The pack and the parameters.
    shared: Arc<(Pack, Parameters)>,
    options: &'s Options,
    /// The name of the pack, if it was selected by its properties. Then a snapshot without any of them is an error.
    recognised: Option<&'s str>,
    /// The places of secret values in snapshots.
    secrets: Option<Arc<SecretPaths>>,
    /// The entity literals that name instances.
    literals: Vec<(TypeId, SmolStr)>,
    /// The number of checks.
    checks: usize,
    /// Whether each waiver is used.
    live: IdVec<WaiverId, bool>,
}

impl<'s> AccountRun<'s> {
    /// Reads the parameters, and adds them and their problems to the report. Returns `None` without a pack.
    pub(super) fn new(
        pack: Option<&'s Pack>,
        inputs: &'s Inputs,
        options: &'s Options,
        report: &mut Report,
    ) -> Option<Self> {
        let pack = pack?;
        let (parameters, wrong) = pack.parameters(&options.parameters);
        report.diagnostics.extend(wrong);
        report.diagnostics.extend(parameters.without_value(pack.model(), pack.program()));
        report.diagnostics.extend(parameters.without_effect(pack.model(), pack.program()));
        // An error of the inputs is about one file. The errors after them are about the pack, so about every account.
        let of_inputs = inputs.diagnostics.len();
        report.invalid |= has_errors(report.diagnostics.get(of_inputs..).unwrap_or_default());
        report.run.parameters = describe_parameters(pack.model(), &parameters);
        report.describe_parameter_settings();
        let ty = scope_name(pack.model());
        report.scopes = parameters.scopes.iter().map(|scope| SoughtInstance::new(ty, &scope.id)).collect();
        let literals = literals::literals(pack);
        let sought = |(ty, id): &(TypeId, SmolStr)| SoughtInstance::new(&pack.model().ty(*ty).name, id);
        report.literals = literals.iter().map(sought).collect();
        let recognised = inputs.recognised.then_some(inputs.pack.as_str());
        let (secrets, checks) = (pack.secrets(), report.checks.len());
        let live = report.waivers.iter().map(|waiver| waiver.state == WaiverState::Live).collect();
        let shared = Arc::new((pack.clone(), parameters));
        Some(Self { pack, shared, options, recognised, secrets, literals, checks, live })
    }

    /// Reads a snapshot. Excerpts mask the `hidden` places of its files.
    pub(super) fn read(&self, source: &Arc<Source>, hidden: Vec<Secrets>) -> ReadSnapshot {
        let Options { now, limits, needs, .. } = self.options;
        let digest = || needs.digests.then(|| digest(source));
        let ((snapshot, diagnostics), sha256) = crate::parallel::join(|| self.pack.read(source, *now, limits), digest);
        let snapshot = snapshot.map(Arc::new);
        ReadSnapshot { source: Arc::clone(source), snapshot, diagnostics, hidden, sha256 }
    }

    /// Judges a snapshot of a stream. `listed` is that of [`AccountRun::account`].
    pub(super) fn input(&self, input: SnapshotInput, listed: &IdVec<CheckId, VerdictCounts>) -> AccountReport {
        match input.source {
            Ok(source) => self.account(&input.path, &self.read(&source, input.hidden), listed),
            Err(diagnostic) => self.unread(input.path, vec![diagnostic]),
        }
    }

    /// Returns the report of an account whose snapshot could not be read.
    pub(super) fn unread(&self, path: String, diagnostics: Vec<Diagnostic>) -> AccountReport {
        let snapshot =
            SnapshotReport { path, sha256: None, captured_at: None, captured_at_unknown: false, files: Vec::new() };
        AccountReport { diagnostics, ..AccountReport::unjudged(snapshot, self.checks) }
    }

    /// Judges a snapshot. `listed` is the number of verdicts, per check and kind, that the report already lists; the
    /// account adds only as many as the outputs still need.
    pub(super) fn account(
        &self,
        path: &str,
        read: &ReadSnapshot,
        listed: &IdVec<CheckId, VerdictCounts>,
    ) -> AccountReport {
        let files = read.source.files();
        let files = files.iter().filter(|_| files.len() > 1).map(|file| (file.document(), file.sha256()));
        let described = SnapshotReport {
            path: path.to_owned(),
            sha256: read.sha256.clone(),
            captured_at: None,
            captured_at_unknown: false,
            files: files.collect(),
        };
        let mut account = AccountReport {
            secrets: Secrets::with_hidden(&read.source, self.secrets.as_ref(), &read.hidden),
            times: Times { bytes: read.source.text().len(), ..Times::default() },
            ..AccountReport::unjudged(described, self.checks)
        };
        let Some(snapshot) = &read.snapshot else {
            account.diagnostics.clone_from(&read.diagnostics);
            return account;
        };
        if let Some(error) = unrecognised_document(self.pack, self.recognised, path, &read.source) {
            account.diagnostics.push(error);
            return account;
        }
        let without_lists = self.recognised.and_then(|name| without_lists(self.pack, name, path, &read.source));
        account.diagnostics.extend(without_lists);
        account.diagnostics.extend(read.diagnostics.iter().cloned());
        self.assess(snapshot, listed, &mut account);
        account
    }

    /// Adds the verdicts on a snapshot to the report of its account, and lists some.
    fn assess(&self, snapshot: &Arc<Snapshot>, listed: &IdVec<CheckId, VerdictCounts>, account: &mut AccountReport) {
        account.other_properties = snapshot.other_properties;
        account.times.read = snapshot.times;
        let mut stopwatch = Stopwatch::start();
        let run = Run { now: self.options.now, parameters: &self.shared.1, pairs: self.options.limits.pairs };
        let Assessment { evaluation, diagnostics, .. } = self.pack.assess(snapshot, run);
        account.diagnostics.extend(diagnostics);
        let evaluator = evaluation.base();
        account.diagnostics.extend(unfolded_parameters(evaluator));
        account.id = Some(evaluator.id(evaluator.root()));
        account.scopes = evaluation.sought();
        account.literals = literals::sought(evaluator, &self.literals);
        account.times.derive = stopwatch.lap();
        (account.snapshot.captured_at, account.snapshot.captured_at_unknown) = captured_at(evaluator);
        let path: SmolStr = account.snapshot.path.as_str().into();
        let findings = Findings::new(&evaluation, path.clone(), account.secrets.as_ref(), WITNESSES);
        let age = self.options.max_snapshot_age.and_then(|most| findings.too_old(most, self.options.now));
        account.diagnostics.extend(match &age {
            Some(age) => Some(too_old(age, &account.snapshot, self.options)),
            None => capture_time(evaluator, &account.snapshot, self.options),
        });
        let (judgements, coverages) = match self.judge(&findings, &evaluation, age.is_some()) {
            Ok(judged) => judged,
            Err(error) => return account.diagnostics.push(error),
        };
        account.coverages = coverages.into_iter().map(|coverage| described(evaluator, coverage)).collect();
        account.times.judge = stopwatch.lap();
        let judged = Arc::new(JudgedSnapshot {
            run: Arc::clone(&self.shared),
            snapshot: Arc::clone(snapshot),
            values: Arc::clone(evaluation.values()),
            path,
            secrets: account.secrets.clone(),
            cache: Arc::clone(findings.cache()),
            age,
        });
        let most = self.options.needs.listed().most();
        for judgement in judgements {
            if let Some(counts) = account.counts.find_mut(judgement.check) {
                *counts = judgement.counts;
            }
            let waived = judgement.judged.iter().filter_map(|judged| judged.waived);
            let unknown = waived.filter(|waived| waived.original == Verdict::Unknown).count();
            if unknown > 0 {
                account.waived_unknown.push((judgement.check, unknown));
            }
            let changes = self.compare(&findings, &judgement, (account.id.as_deref(), &mut account.compared));
            let listed = listed.find(judgement.check).copied().unwrap_or_default();
            let quota = listed.map(|listed| most.saturating_sub(listed));
            account.listed.extend(self.list(&judged, &judgement, &changes, quota));
        }
        ListedVerdict::make_few(&mut account.listed);
        account.times.list = stopwatch.lap();
    }

    /// Judges every resource by the engine of the options, and waives the verdicts that live waivers cover. On a snapshot
    /// that is too old, every verdict is unknown, and no waiver applies.
    fn judge(
        &self,
        findings: &Findings<'_, '_>,
        evaluation: &Evaluation<'_>,
        is_too_old: bool,
    ) -> Result<(Vec<Judgement>, Vec<WaiverCoverage>), Diagnostic> {
        if is_too_old {
            // Age does not depend on the engine.
            let judgements = evaluation.judge(&Verdict::ALL).into_iter().map(Judgement::without_decisions);
            return Ok((judgements.collect(), Vec::new()));
        }
        let is_live = |waiver: WaiverId| self.live.find(waiver).copied().unwrap_or(false);
        let waivers = &self.pack.policies().waivers;
        let may_cover = |waiver: WaiverId, subject| {
            waivers.find(waiver).is_some_and(|waiver| findings.may_be_waived(waiver, subject))
        };
        let used = WaiversInUse { is_live: &is_live, may_cover: &may_cover };
        let judged = match self.options.engine {
            Engine::Compiled => {
                let needed = Verdict::ALL.into_iter().filter(|verdict| self.options.needs.wants(*verdict));
                let needed: Vec<Verdict> = needed.collect();
                let waivers = self.pack.program().waivers.iter().filter(|waiver| is_live(waiver.waiver));
                let with_waivers: BTreeSet<CheckId> = waivers.map(|waiver| waiver.check).collect();
                let mut judgements = evaluation.judge_listing(&|check| match with_waivers.contains(&check) {
                    true => Some(&Verdict::ALL),
                    false => Some(&needed),
                });
                let coverages = evaluation.waive(&mut judgements, used);
                Ok((judgements, coverages))
            }
            Engine::Reference => evaluation.judge_all_by_reference(self.pack.policies()).and_then(|mut judgements| {
                let coverages = evaluation.waive_by_reference(self.pack.policies(), &mut judgements, used)?;
                Ok((judgements, coverages))
            }),
        };
        judged.map_err(|error| {
            // Cedar's messages quote values, and the values may be secret.
            let message = if self.secrets.is_none() { error.to_string() } else { error.unquoted().to_owned() };
            Diagnostic::error(Code::ReferenceEngine, message)
        })
    }

    /// Compares the verdicts of one check with the baseline, and returns the change of each; nothing without a baseline.
    fn compare(
        &self,
        findings: &Findings<'_, '_>,
        judgement: &Judgement,
        (account, compared): (Option<&str>, &mut IdVec<CheckId, Compared>),
    ) -> Vec<Option<Change>> {
        let Some(baseline) = &self.options.baseline else { return Vec::new() };
        let Some(check) = self.pack.policies().checks.find(judgement.check) else { return Vec::new() };
        let id = &check.statement.id;
        // A verdict after these is not compared.
        let fingerprint = |judged: &Judged| {
            (judged.verdict <= Verdict::Waived).then(|| findings.identities.of(id, judged.subject).fingerprint())
        };
        let fingerprints: Vec<Option<String>> = judgement.judged.par_iter().map(fingerprint).collect();
        let named = || fingerprints.iter().zip(&judgement.judged);
        let verdicts = named().filter_map(|(name, judged)| Some((name.as_deref()?, judged.verdict)));
        if compared.is_empty() {
            *compared = vec![Compared::default(); self.checks].into();
        }
        if let Some(compared) = compared.find_mut(judgement.check) {
            let has_list = judgement.judged.iter().any(|judged| matches!(judged.subject, Subject::Uncaptured(..)));
            *compared = baseline.compared(account.unwrap_or_default(), id, verdicts, !has_list);
        }
        named().map(|(name, judged)| baseline.change(name.as_deref()?, judged.verdict)).collect()
    }

    /// Lists the verdicts of one check, of each kind at most its `quota`. `changes` are those since the baseline.
    fn list<'j>(
        &'j self,
        snapshot: &'j Arc<JudgedSnapshot>,
        judgement: &'j Judgement,
        changes: &'j [Option<Change>],
        mut quota: VerdictCounts,
    ) -> impl Iterator<Item = ListedVerdict> + 'j {
        let needs = &self.options.needs;
        let wanted = (0u32..).zip(&judgement.judged).filter(move |(order, judged)| {
            if !needs.wants(judged.verdict) || !needs.shows(changes.get(*order as usize).copied().flatten()) {
                return false;
            }
            let quota = &mut quota[judged.verdict];
            let wanted = *quota > 0;
            *quota = quota.saturating_sub(1);
            wanted
        });
        wanted.enumerate().map(|(count, (order, judged))| ListedVerdict {
            check: judgement.check,
            judged: *judged,
            change: changes.get(order as usize).copied().flatten(),
            number: 0,
            order,
            searched: count < SEARCHED_FAILURES,
            basis: Basis::Snapshot(Arc::clone(snapshot)),
        })
    }
}

/// Describes the coverage of a waiver: the first resources that it covers and does not waive a verdict for.
fn described(evaluator: &Evaluator<'_>, coverage: WaiverCoverage) -> AccountCoverage {
    let WaiverCoverage { waiver, waived, beyond, examples } = coverage;
    let account = evaluator.id(evaluator.root());
    let example = |(subject, verdict): &(Subject, Verdict)| Beyond {
        account: account.clone(),
        ty: evaluator.model.short_name(subject.ty()).to_owned(),
        id: id_of(evaluator.model, evaluator.snapshot, *subject),
        verdict: *verdict,
    };
    let examples = examples.iter().map(example).collect();
    AccountCoverage { waiver, waived, beyond, examples }
}
