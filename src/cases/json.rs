//! What cases came to, as JSON.

use super::{CaseFile, Outcome, Trial};
use crate::report::json::{DiagnosticJson, diagnostic};
use serde::Serialize;
use std::io::{self, Write};

/// Version of the format.
const VERSION: &str = "1.0";

#[derive(Serialize)]
struct Envelope<'o> {
    format: &'static str,
    version: &'static str,
    exit_code: u8,
    status: &'static str,
    cases: usize,
    as_expected: usize,
    left_out: usize,
    results: Vec<ResultJson<'o>>,
    diagnostics: Vec<DiagnosticJson<'o>>,
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
    diagnostics: Vec<DiagnosticJson<'o>>,
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

/// Writes the outcome of `files`.
///
/// # Errors
/// When `out` cannot be written.
pub fn write(outcome: &Outcome, files: &[CaseFile], out: &mut dyn Write) -> io::Result<()> {
    let status = outcome.status();
    let envelope = Envelope {
        format: "deodar-test",
        version: VERSION,
        exit_code: status.exit_code(),
        status: status.name(),
        cases: outcome.trials.len(),
        as_expected: outcome.holding(),
        left_out: outcome.left_out,
        results: outcome.trials.iter().filter_map(|trial| result(trial, files.get(trial.file)?)).collect(),
        diagnostics: outcome.diagnostics.iter().chain(&outcome.gaps).map(diagnostic).collect(),
    };
    serde_json::to_writer_pretty(&mut *out, &envelope)?;
    writeln!(out)
}

fn result<'o>(trial: &'o Trial, file: &'o CaseFile) -> Option<ResultJson<'o>> {
    let case = file.cases.get(trial.case)?;
    let line = |offset| file.source.position(offset).line;
    let expectations = case.expectations.iter().zip(&trial.actual).map(|(expectation, actual)| ExpectationJson {
        check: &expectation.check,
        expectation: file.source.slice(expectation.span).trim_matches(['"', '\'']),
        line: line(expectation.span.start),
        expected: expectation.verdict.name(),
        actual: actual.map(|actual| actual.name()),
    });
    let judged = trial.counts.iter().filter(|(_, counts)| counts.iter().sum::<usize>() > 0);
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
