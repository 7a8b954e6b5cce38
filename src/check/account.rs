//! The run of one account: reads a snapshot, judges it, and explains its verdicts.

use super::describe::{describe_parameters, digest};
use super::inputs::{Inputs, SnapshotInput};
use super::problems::{capture_time, captured_at, unrecognised_document, without_lists};
use crate::diagnostic::{Code, Diagnostic, has_errors};
use crate::engine::{Evaluation, Evaluator, Judged, Judgement, Subject, Verdict, VerdictCounts, WaiverCoverage};
use crate::ids::IdVec;
use crate::pack::{Assessment, Pack, Run};
use crate::parallel::*;
use crate::parameters::Parameters;
use crate::policy::{CheckId, WaiverId};
use crate::report::{
    AccountCoverage, AccountReport, BEYOND, Beyond, Engine, Finding, Findings, NEAR_MISSES, Options, Report,
    SEARCHED_FAILURES, SnapshotReport, Times, WITNESSES, WaiverState, id_of,
};
use crate::snapshot::{SecretPaths, Secrets, Snapshot};
use crate::source::Source;
use crate::source::cedar::on_deep_stack;
use crate::stopwatch::Stopwatch;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A snapshot with its diagnostics.
#[derive(Debug)]
pub(super) struct ReadSnapshot {
    pub(super) source: Arc<Source>,
    snapshot: Option<Snapshot>,
    diagnostics: Vec<Diagnostic>,
    sha256: String,
}

/// The parts of a run that all accounts share.
pub(super) struct AccountRun<'s> {
    pack: &'s Pack,
    parameters: Parameters,
    options: &'s Options,
    /// The name of the pack, if it was selected by its properties. Then a snapshot without any of them is an error.
    recognised: Option<&'s str>,
    /// The places of secret values in snapshots.
    secrets: Option<Arc<SecretPaths>>,
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
        // An error of the inputs is about one file. The errors after them are about the pack, so about every account.
        let of_inputs = inputs.diagnostics.len();
        report.invalid |= has_errors(report.diagnostics.get(of_inputs..).unwrap_or_default());
        report.run.parameters = describe_parameters(pack.model(), &parameters);
        report.scopes = parameters.scopes.iter().map(|scope| (scope.id.clone(), None)).collect();
        let recognised = inputs.recognised.then_some(inputs.pack.as_str());
        let (secrets, checks) = (pack.secrets(), report.checks.len());
        let live = report.waivers.iter().map(|waiver| waiver.state == WaiverState::Live).collect();
        Some(Self { pack, parameters, options, recognised, secrets, checks, live })
    }

    /// Reads a snapshot.
    pub(super) fn read(&self, source: &Arc<Source>) -> ReadSnapshot {
        let limits = &self.options.limits;
        let ((snapshot, diagnostics), sha256) =
            crate::parallel::join(|| self.pack.read(source, limits), || digest(source));
        ReadSnapshot { source: Arc::clone(source), snapshot, diagnostics, sha256 }
    }

    /// Judges a snapshot of a stream. `explained` is that of [`AccountRun::account`].
    pub(super) fn input(&self, input: SnapshotInput, explained: &IdVec<CheckId, VerdictCounts>) -> AccountReport {
        match input.source {
            Ok(source) => self.account(&input.path, &self.read(&source), explained),
            Err(diagnostic) => self.unread(input.path, vec![diagnostic]),
        }
    }

    /// Returns the report of an account whose snapshot could not be read.
    pub(super) fn unread(&self, path: String, diagnostics: Vec<Diagnostic>) -> AccountReport {
        let snapshot = SnapshotReport { path, sha256: None, captured_at: None };
        AccountReport { diagnostics, ..AccountReport::unjudged(snapshot, self.checks) }
    }

    /// Judges a snapshot. `explained` is the number of findings, per check and verdict, that the report already has; the
    /// account adds only as many as the outputs still need.
    pub(super) fn account(
        &self,
        path: &str,
        read: &ReadSnapshot,
        explained: &IdVec<CheckId, VerdictCounts>,
    ) -> AccountReport {
        let described = SnapshotReport { path: path.to_owned(), sha256: Some(read.sha256.clone()), captured_at: None };
        let mut account = AccountReport {
            secrets: self.secrets.as_ref().map(|paths| Secrets::new(&read.source, paths)),
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
        self.assess(snapshot, explained, &mut account);
        account
    }

    /// Adds the verdicts on a snapshot, and the explanations of some, to the report of its account.
    fn assess(&self, snapshot: &Snapshot, explained: &IdVec<CheckId, VerdictCounts>, account: &mut AccountReport) {
        account.other_properties = snapshot.other_properties;
        account.times.read = snapshot.times;
        let mut stopwatch = Stopwatch::start();
        let run = Run { now: self.options.now, parameters: &self.parameters, pairs: self.options.limits.pairs };
        let Assessment { evaluation, diagnostics, .. } = self.pack.assess(snapshot, run);
        account.diagnostics.extend(diagnostics);
        let evaluator = evaluation.base();
        account.id = Some(evaluator.id(evaluator.root()));
        account.scopes = evaluation.sought();
        account.times.derive = stopwatch.lap();
        account.snapshot.captured_at = captured_at(evaluator);
        account.diagnostics.extend(capture_time(evaluator, &account.snapshot, self.options));
        let (judgements, coverages) = match self.judge(&evaluation) {
            Ok(judged) => judged,
            Err(error) => return account.diagnostics.push(error),
        };
        account.coverages = coverages.into_iter().map(|coverage| described(evaluator, coverage)).collect();
        account.times.judge = stopwatch.lap();
        let findings = Findings::new(&evaluation, account.snapshot.path.as_str().into(), WITNESSES);
        let most = self.options.needs.explained().most();
        for judgement in &judgements {
            if let Some(counts) = account.counts.find_mut(judgement.check) {
                *counts = judgement.counts;
            }
            let explained = explained.find(judgement.check).copied().unwrap_or_default();
            let quota = explained.map(|explained| most.saturating_sub(explained));
            account.findings.extend(self.explain(&findings, judgement, quota));
        }
        account.times.explain = stopwatch.lap();
    }

    /// Judges every resource by the engine of the options, and waives the verdicts that live waivers cover.
    fn judge(&self, evaluation: &Evaluation<'_>) -> Result<(Vec<Judgement>, Vec<WaiverCoverage>), Diagnostic> {
        let is_live = |waiver: WaiverId| self.live.find(waiver).copied().unwrap_or(false);
        let judged = match self.options.engine {
            Engine::Compiled => {
                let needed = Verdict::ALL.into_iter().filter(|verdict| self.options.needs.wants(*verdict));
                let needed: Vec<Verdict> = needed.collect();
                let waivers = self.pack.program().waivers.iter().filter(|waiver| is_live(waiver.waiver));
                let with_waivers: BTreeSet<CheckId> = waivers.map(|waiver| waiver.check).collect();
                let mut judgements = evaluation.judge_listing(&|check| match with_waivers.contains(&check) {
                    true => &Verdict::ALL,
                    false => &needed,
                });
                let coverages = evaluation.waive(&mut judgements, &is_live);
                Ok((judgements, coverages))
            }
            Engine::Reference => evaluation.judge_all_by_reference(self.pack.policies()).and_then(|mut judgements| {
                let coverages = evaluation.waive_by_reference(self.pack.policies(), &mut judgements, &is_live)?;
                Ok((judgements, coverages))
            }),
        };
        judged.map_err(|error| {
            // Cedar's messages quote values, and the values may be secret.
            let message = if self.secrets.is_none() { error.to_string() } else { error.unquoted().to_owned() };
            Diagnostic::error(Code::ReferenceEngine, message)
        })
    }

    /// Explains the verdicts of one check, of each kind at most its `quota`.
    fn explain(&self, findings: &Findings<'_, '_>, judgement: &Judgement, mut quota: VerdictCounts) -> Vec<Finding> {
        let program = self.pack.program().checks.iter().find(|check| check.check == judgement.check);
        let (Some(program), Some(check)) = (program, self.pack.policies().checks.find(judgement.check)) else {
            return Vec::new();
        };
        let explain = |(number, (order, judged)): (usize, (usize, &Judged))| {
            let body = program.bodies.iter().find(|body| body.resource == judged.subject.ty())?;
            let near = if number < SEARCHED_FAILURES { NEAR_MISSES } else { 0 };
            Some(on_deep_stack(|| findings.finding_of(program, check, body, judged, order, near)))
        };
        let wanted = judgement.judged.iter().enumerate().filter(|(_, judged)| {
            let quota = &mut quota[judged.verdict];
            let wanted = *quota > 0 && self.options.needs.wants(judged.verdict);
            *quota = quota.saturating_sub(1);
            wanted
        });
        let wanted: Vec<_> = wanted.collect();
        wanted.into_par_iter().enumerate().filter_map(explain).collect()
    }
}

/// Describes the coverage of a waiver: the first resources that it covers and does not waive a verdict for.
fn described(evaluator: &Evaluator<'_>, coverage: WaiverCoverage) -> AccountCoverage {
    let WaiverCoverage { waiver, waived, beyond } = coverage;
    let account = evaluator.id(evaluator.root());
    let example = |(subject, verdict): &(Subject, Verdict)| Beyond {
        account: account.clone(),
        ty: evaluator.model.short_name(subject.ty()).to_owned(),
        id: id_of(evaluator.model, evaluator.snapshot, *subject),
        verdict: *verdict,
    };
    let examples = beyond.iter().take(BEYOND).map(example).collect();
    AccountCoverage { waiver, waived, beyond: beyond.len(), examples }
}
