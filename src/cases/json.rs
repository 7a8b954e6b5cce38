//! The results of cases as JSON.

use super::{CaseFile, ConditionCoverage, Coverage, Goal, Mutation, Outcome, PolicyCoverage, Share, Survivor, Trial};
use crate::render;
use crate::render::document::{Diagnostic, PackFile, Span, bare_diagnostic as diagnostic, pack_files, span_in};
use serde::{Serialize, Serializer};
use std::io::{self, Write};

/// Version of the format.
const VERSION: &str = "1.1";

#[derive(Serialize)]
struct Envelope<'o> {
    format: &'static str,
    version: &'static str,
    /// Where schema and policies come from, in words; `None` if they could not be read.
    pack: Option<&'o str>,
    pack_version: Option<&'o str>,
    pack_files: Vec<PackFile<'o>>,
    exit_code: u8,
    status: &'static str,
    cases: usize,
    as_expected: usize,
    left_out: usize,
    results: Vec<ResultJson<'o>>,
    /// Only if the options request it.
    #[serde(skip_serializing_if = "Option::is_none")]
    coverage: Option<CoverageJson<'o>>,
    /// Only if the options request it and every case holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    mutation: Option<MutationJson<'o>>,
    diagnostics: Vec<Diagnostic<'o>>,
}

#[derive(Serialize)]
struct ResultJson<'o> {
    file: &'o str,
    line: usize,
    case: &'o str,
    variant: Option<usize>,
    as_expected: bool,
    expectations: Vec<ExpectationJson<'o>>,
    /// Checks that gave some verdict.
    judged: Vec<&'o str>,
    diagnostics: Vec<Diagnostic<'o>>,
}

#[derive(Serialize)]
struct ExpectationJson<'o> {
    check: &'o str,
    /// As it is written.
    expectation: &'o str,
    line: usize,
    expected: &'static str,
    /// `None` where there was no verdict, or not the same on all resources.
    actual: Option<&'static str>,
}

#[derive(Serialize)]
struct ShareJson {
    percent: f64,
    met: usize,
    of: usize,
}

#[derive(Serialize)]
struct CoverageJson<'o> {
    #[serde(flatten)]
    share: ShareJson,
    policies: Vec<PolicyJson<'o>>,
}

#[derive(Serialize)]
struct PolicyJson<'o> {
    policy: &'o str,
    span: Span<'o>,
    #[serde(flatten)]
    share: ShareJson,
    conditions: Vec<ConditionJson<'o>>,
}

#[derive(Serialize)]
struct ConditionJson<'o> {
    text: &'o str,
    span: Span<'o>,
    /// Why it is redundant, if it is: nothing needs to be seen of it.
    redundant: Option<&'static str>,
    /// Whether each goal was reached, by its name.
    #[serde(serialize_with = "by_name")]
    seen: Vec<Goal>,
}

#[derive(Serialize)]
struct MutationJson<'o> {
    #[serde(flatten)]
    share: ShareJson,
    refused: usize,
    equivalent: Vec<ChangeJson<'o>>,
    survivors: Vec<SurvivorJson<'o>>,
}

#[derive(Serialize)]
struct ChangeJson<'o> {
    policy: &'o str,
    operator: &'static str,
    span: Span<'o>,
    replacement: &'o str,
    before: &'o str,
    after: &'o str,
}

#[derive(Serialize)]
struct SurvivorJson<'o> {
    #[serde(flatten)]
    change: ChangeJson<'o>,
    /// A description of a case that detects the change.
    hint: &'o str,
    /// The explanation in the list of survivors, if there is one.
    explained: Option<&'o str>,
    near: Option<NearJson<'o>>,
}

#[derive(Serialize)]
struct NearJson<'o> {
    case: &'o str,
    span: Span<'o>,
    pointer: Option<&'o str>,
}

/// Writes the outcome of `files`.
///
/// # Errors
/// When `out` cannot be written.
pub fn write(outcome: &Outcome, files: &[CaseFile], out: &mut dyn Write) -> io::Result<()> {
    let status = outcome.status();
    let envelope = Envelope {
        format: "deodar-test",
        version: VERSION,
        pack: outcome.pack.as_ref().map(|pack| pack.name.as_str()),
        pack_version: outcome.pack.as_ref().and_then(|pack| pack.version.as_deref()),
        pack_files: outcome.pack.as_ref().map(pack_files).unwrap_or_default(),
        exit_code: status.exit_code(),
        status: render::status(status),
        cases: outcome.trials.len(),
        as_expected: outcome.holding(),
        left_out: outcome.left_out,
        results: outcome.trials.iter().filter_map(|trial| result(trial, files.get(trial.file)?)).collect(),
        coverage: outcome.coverage.as_ref().map(coverage),
        mutation: outcome.mutation.as_ref().map(mutation),
        diagnostics: outcome.diagnostics.iter().chain(&outcome.gaps).map(diagnostic).collect(),
    };
    serde_json::to_writer_pretty(&mut *out, &envelope)?;
    writeln!(out)
}

fn share(share: Share) -> ShareJson {
    ShareJson { percent: share.percent(), met: share.met, of: share.all }
}

fn coverage(coverage: &Coverage) -> CoverageJson<'_> {
    let policies = coverage.policies.iter().map(|policy| PolicyJson {
        policy: &policy.id,
        span: span_in(&policy.source, policy.span),
        share: share(policy.share()),
        conditions: policy.conditions.iter().map(|condition| self::condition(policy, condition)).collect(),
    });
    CoverageJson { share: share(coverage.share()), policies: policies.collect() }
}

fn condition<'o>(policy: &'o PolicyCoverage, condition: &ConditionCoverage) -> ConditionJson<'o> {
    ConditionJson {
        text: policy.source.slice(condition.span),
        span: span_in(&policy.source, condition.span),
        redundant: policy.redundant(condition),
        seen: condition.goals(),
    }
}

fn by_name<S: Serializer>(goals: &[Goal], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(goals.iter().map(|goal| (goal.name, goal.met)))
}

fn mutation(mutation: &Mutation) -> MutationJson<'_> {
    let survivors = mutation.survivors.iter().map(|survivor| SurvivorJson {
        change: change(survivor),
        hint: &survivor.mutant.hint,
        explained: survivor.why.as_deref(),
        near: survivor.near.as_ref().map(|near| NearJson {
            case: &near.case,
            span: span_in(&near.source, near.span),
            pointer: near.pointer.as_deref(),
        }),
    });
    MutationJson {
        share: share(mutation.share()),
        refused: mutation.refused,
        equivalent: mutation.equivalent.iter().map(change).collect(),
        survivors: survivors.collect(),
    }
}

fn change(survivor: &Survivor) -> ChangeJson<'_> {
    ChangeJson {
        policy: &survivor.policy,
        operator: survivor.mutant.operator,
        span: span_in(&survivor.source, survivor.mutant.span),
        replacement: &survivor.mutant.replacement,
        before: &survivor.before,
        after: &survivor.after,
    }
}

fn result<'o>(trial: &'o Trial, file: &'o CaseFile) -> Option<ResultJson<'o>> {
    let case = file.cases.get(trial.case)?;
    let line = |offset| file.source.position(offset).line;
    let expectations = case.expectations.iter().zip(&trial.actual).map(|(expectation, actual)| ExpectationJson {
        check: &expectation.check,
        expectation: file.source.slice(expectation.span).trim_matches(['"', '\'']),
        line: line(expectation.span.start),
        expected: expectation.word(),
        actual: actual.map(|actual| actual.name()),
    });
    let judged = trial.counts.iter().filter(|(_, counts)| counts.total() > 0);
    Some(ResultJson {
        file: file.source.name(),
        line: line(case.span.start),
        case: &case.name,
        variant: trial.variant,
        as_expected: trial.holds(),
        expectations: expectations.collect(),
        judged: judged.map(|(check, _)| check.as_str()).collect(),
        diagnostics: trial.diagnostics.iter().map(diagnostic).collect(),
    })
}
