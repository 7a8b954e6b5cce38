//! The JSON report: a versioned envelope for programs. Its schema is `schemas/report.schema.json`.
//!
//! Lines and columns count from 1, columns in Unicode scalar values; offsets are bytes from 0, ends exclusive.

use super::layout::Detail;
use super::names;
use super::output::{Audience, Format, Output, Presentation, Unit};
use crate::diagnostic::Diagnostic;
use crate::engine::Verdict;
use crate::report::controls::{ByControl, ControlReport, by_control};
use crate::report::{
    Capture, CheckReport, ClauseReport, Evidence, Finding, Needs, PackReport, ParameterReport, ReadKind, ReadReport,
    Report, WitnessReport,
};
use crate::source::{Place, Position, Source, Span};
use crate::value::show_datetime;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// The version of the format: the second number grows with additions, the first with everything else.
pub(super) const VERSION: &str = "2.1";

/// The format.
pub(super) const FORMAT: Format = Format {
    name: "json",
    help: "For programs; described by schemas/report.schema.json",
    audience: Audience::Programs,
    unit: Unit::Run,
    new: |presentation| Box::new(Json(*presentation)),
};

#[derive(Debug)]
struct Json(Presentation);

impl Output for Json {
    fn needs(&self) -> Needs {
        Needs {
            findings: Evidence::All,
            not_applicable: self.0.style.detail == Detail::Verbose,
            diagnostics: Evidence::All,
            snapshots: Evidence::All,
            ..Needs::NOTHING
        }
    }

    fn finish(&mut self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, &envelope(report, &self.needs()))?;
        out.write_all(b"\n")
    }
}

#[derive(Serialize)]
struct Envelope<'r> {
    format: &'static str,
    version: &'static str,
    tool: ToolJson,
    run: RunJson<'r>,
    summary: SummaryJson,
    checks: Vec<CheckJson<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by_control: Option<ByControlJson<'r>>,
    findings: Vec<FindingJson<'r>>,
    diagnostics: Vec<DiagnosticJson<'r>>,
}

#[derive(Serialize)]
struct ToolJson {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct RunJson<'r> {
    now: String,
    pack: &'r str,
    pack_version: Option<&'r str>,
    pack_files: Vec<PackFileJson<'r>>,
    engine: &'static str,
    fail_on: &'static str,
    allow_unknown: bool,
    exit_code: u8,
    statuses: Vec<&'static str>,
    snapshots: Vec<SnapshotJson<'r>>,
    parameters: BTreeMap<&'r str, ParameterJson<'r>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scoped_parameters: Vec<ScopedParameterJson<'r>>,
}

#[derive(Serialize)]
pub(crate) struct PackFileJson<'r> {
    path: &'r str,
    role: &'static str,
    sha256: &'r str,
}

#[derive(Serialize)]
struct SnapshotJson<'r> {
    path: &'r str,
    sha256: Option<&'r str>,
    captured_at: Option<String>,
}

#[derive(Serialize)]
struct ParameterJson<'r> {
    value: Option<&'r str>,
    origin: &'static str,
}

#[derive(Serialize)]
struct ScopedParameterJson<'r> {
    #[serde(rename = "type")]
    ty: &'r str,
    id: &'r str,
    name: &'r str,
    value: Option<&'r str>,
}

#[derive(Serialize)]
struct SummaryJson {
    checks: usize,
    verdicts: BTreeMap<&'static str, usize>,
    checks_that_met_nothing: usize,
    other_properties: usize,
    skipped_files: usize,
    skipped_reports: usize,
    errors: usize,
    warnings: usize,
}

#[derive(Serialize)]
struct CheckJson<'r> {
    id: &'r str,
    title: &'r str,
    severity: &'static str,
    remediation: Option<&'r str>,
    source: Option<&'r str>,
    controls: BTreeMap<&'static str, Vec<&'r str>>,
    state: &'static str,
    counts: BTreeMap<&'static str, usize>,
}

#[derive(Serialize)]
struct ByControlJson<'r> {
    framework: &'static str,
    controls: Vec<ControlJson<'r>>,
    unmapped_checks: Vec<&'r str>,
}

#[derive(Serialize)]
struct ControlJson<'r> {
    control: &'r str,
    standing: &'static str,
    counts: BTreeMap<&'static str, usize>,
    checks: Vec<&'r str>,
}

#[derive(Serialize)]
pub(super) struct FindingJson<'r> {
    check: &'r str,
    verdict: &'static str,
    severity: &'static str,
    snapshot: &'r str,
    account: &'r str,
    resource: ResourceJson<'r>,
    message: &'r str,
    remediation: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    capture: Option<Vec<CaptureJson<'r>>>,
    fingerprint: String,
    clauses: Vec<ClauseJson<'r>>,
}

#[derive(Serialize)]
struct CaptureJson<'r> {
    pointer: &'r str,
    attribute: &'r str,
    doc: Option<&'r str>,
}

#[derive(Serialize)]
struct ResourceJson<'r> {
    #[serde(rename = "type")]
    ty: &'r str,
    id: &'r str,
    pointer: &'r str,
}

#[derive(Serialize)]
struct ClauseJson<'r> {
    text: &'r str,
    outcome: &'static str,
    span: SpanJson<'r>,
    failure: Option<FailureJson<'r>>,
    reads: Vec<ReadJson<'r>>,
}

#[derive(Serialize)]
struct FailureJson<'r> {
    reason: &'r str,
    span: SpanJson<'r>,
}

#[derive(Serialize)]
struct ReadJson<'r> {
    kind: &'static str,
    name: &'r str,
    entity: Option<&'r str>,
    state: &'static str,
    value: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    compared_as: Option<&'r str>,
    pointer: Option<&'r str>,
    span: Option<SpanJson<'r>>,
    lacks: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<SpanJson<'r>>,
    misspelt: Option<MisspeltJson<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    derived_from: Option<DerivedJson<'r>>,
}

#[derive(Serialize)]
struct MisspeltJson<'r> {
    name: &'r str,
    span: SpanJson<'r>,
}

#[derive(Serialize)]
struct DerivedJson<'r> {
    witnesses: Vec<WitnessJson<'r>>,
    more: usize,
    uncaptured: Vec<WitnessJson<'r>>,
}

#[derive(Serialize)]
struct WitnessJson<'r> {
    entity: &'r str,
    state: &'static str,
    certain: bool,
    pointer: &'r str,
    span: SpanJson<'r>,
}

#[derive(Serialize)]
pub(crate) struct DiagnosticJson<'r> {
    code: &'static str,
    severity: &'static str,
    message: &'r str,
    help: Option<&'r str>,
    labels: Vec<LabelJson<'r>>,
}

#[derive(Serialize)]
struct LabelJson<'r> {
    text: &'r str,
    span: SpanJson<'r>,
}

#[derive(Serialize)]
pub(crate) struct SpanJson<'r> {
    file: &'r str,
    start: PositionJson,
    end: PositionJson,
}

#[derive(Serialize)]
struct PositionJson {
    line: usize,
    column: usize,
    offset: usize,
}

fn envelope<'r>(report: &'r Report, needs: &Needs) -> Envelope<'r> {
    let run = &report.run;
    Envelope {
        format: "deodar-report",
        version: VERSION,
        tool: ToolJson { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") },
        run: RunJson {
            now: show_datetime(run.now),
            pack: &run.pack.name,
            pack_version: run.pack.version.as_deref(),
            pack_files: pack_files(&run.pack),
            engine: names::engine(run.engine),
            fail_on: run.gate.fail_on.name(),
            allow_unknown: run.gate.allow_unknown,
            exit_code: report.status().exit_code(),
            statuses: report.statuses().into_iter().map(names::status).collect(),
            snapshots: run
                .snapshots
                .iter()
                .map(|snapshot| SnapshotJson {
                    path: &snapshot.path,
                    sha256: snapshot.sha256.as_deref(),
                    captured_at: snapshot.captured_at.map(show_datetime),
                })
                .collect(),
            parameters: run
                .parameters
                .iter()
                .filter(|parameter| parameter.scope.is_none())
                .map(|parameter| {
                    (
                        parameter.name.as_str(),
                        ParameterJson {
                            value: parameter.value.as_deref(),
                            origin: if parameter.set { "set" } else { "default" },
                        },
                    )
                })
                .collect(),
            scoped_parameters: run.parameters.iter().filter_map(scoped_parameter).collect(),
        },
        summary: SummaryJson {
            checks: report.checks.len(),
            verdicts: verdicts(|verdict| report.count(verdict)),
            checks_that_met_nothing: report.idle_checks().count(),
            other_properties: report.other_properties,
            skipped_files: report.skipped,
            skipped_reports: report.skipped_reports,
            errors: report.problems(crate::diagnostic::DiagnosticLevel::Error),
            warnings: report.problems(crate::diagnostic::DiagnosticLevel::Warning),
        },
        checks: report.checks.iter().map(check).collect(),
        by_control: run.by.map(|framework| by_control_json(&by_control(report, framework))),
        findings: report.findings_for(needs).into_iter().map(|found| finding(report, found)).collect(),
        diagnostics: report.diagnostics.iter().map(diagnostic).collect(),
    }
}

fn scoped_parameter(parameter: &ParameterReport) -> Option<ScopedParameterJson<'_>> {
    let scope = parameter.scope.as_ref()?;
    let value = parameter.value.as_deref();
    Some(ScopedParameterJson { ty: &scope.ty, id: &scope.id, name: &parameter.name, value })
}

pub(crate) fn pack_files(pack: &PackReport) -> Vec<PackFileJson<'_>> {
    pack.files
        .iter()
        .map(|file| PackFileJson { path: &file.path, role: names::role(file.role), sha256: &file.sha256 })
        .collect()
}

pub(super) fn verdicts(count: impl Fn(Verdict) -> usize) -> BTreeMap<&'static str, usize> {
    Verdict::ALL.into_iter().map(|verdict| (verdict.name(), count(verdict))).collect()
}

fn check(check: &CheckReport) -> CheckJson<'_> {
    CheckJson {
        id: &check.id,
        title: &check.title,
        severity: check.severity.name(),
        remediation: check.remediation.as_deref(),
        source: check.reference.as_deref(),
        controls: check
            .controls
            .iter()
            .map(|(framework, controls)| (*framework, controls.iter().map(|control| control.as_str()).collect()))
            .collect(),
        state: names::check_state(check.outcome()),
        counts: verdicts(|verdict| check.count(verdict)),
    }
}

fn by_control_json<'r>(rolled: &ByControl<'r>) -> ByControlJson<'r> {
    let ids = |checks: &[&'r CheckReport]| checks.iter().map(|check| check.id.as_str()).collect();
    let control = |control: &ControlReport<'r>| ControlJson {
        control: control.control,
        standing: names::control_status(control.status),
        counts: verdicts(|verdict| control.counts[verdict]),
        checks: ids(&control.checks),
    };
    ByControlJson {
        framework: rolled.framework,
        controls: rolled.controls.iter().map(control).collect(),
        unmapped_checks: ids(&rolled.unmapped),
    }
}

pub(super) fn finding<'r>(report: &'r Report, found: &'r Finding) -> FindingJson<'r> {
    let check = report.checks.get(found.check);
    FindingJson {
        check: check.map_or("", |check| &check.id),
        verdict: found.verdict.name(),
        severity: check.map_or("", |check| check.severity.name()),
        snapshot: &found.path,
        account: &found.identity.account,
        resource: ResourceJson {
            ty: &found.resource.ty,
            id: &found.resource.id,
            pointer: found.resource.pointer.as_str(),
        },
        message: &found.message,
        remediation: check
            .filter(|_| matches!(found.verdict, Verdict::Fail | Verdict::Waived))
            .and_then(|check| check.remediation.as_deref()),
        capture: (found.verdict == Verdict::Unknown).then(|| found.captures.iter().map(capture).collect()),
        fingerprint: found.identity.fingerprint(),
        clauses: found.clauses.iter().map(clause).collect(),
    }
}

fn capture(capture: &Capture) -> CaptureJson<'_> {
    CaptureJson { pointer: capture.pointer.as_str(), attribute: &capture.attribute, doc: capture.doc.as_deref() }
}

fn clause(clause: &ClauseReport) -> ClauseJson<'_> {
    ClauseJson {
        text: clause.place.text(),
        outcome: names::outcome(clause.outcome),
        span: span(&clause.place),
        failure: clause.failure.as_ref().map(|(place, reason)| FailureJson { reason, span: span(place) }),
        reads: clause.reads.iter().map(read).collect(),
    }
}

fn read(read: &ReadReport) -> ReadJson<'_> {
    let derived = (read.kind == ReadKind::Derived).then(|| DerivedJson {
        witnesses: read.witnesses.iter().map(witness).collect(),
        more: read.more_witnesses,
        uncaptured: read.uncaptured.iter().map(witness).collect(),
    });
    ReadJson {
        kind: names::read_kind(read.kind),
        name: &read.name,
        entity: read.entity.as_deref(),
        state: names::read_state(read.state),
        value: read.value.as_deref(),
        compared_as: read.compared_as.as_deref(),
        pointer: read.pointer.as_ref().map(|pointer| pointer.as_str()),
        span: read.place.as_ref().map(span),
        lacks: read.lacks.as_deref(),
        default: read.default.as_ref().map(span),
        misspelt: read.misspelt.as_ref().map(|(name, place)| MisspeltJson { name, span: span(place) }),
        derived_from: derived,
    }
}

fn witness(witness: &WitnessReport) -> WitnessJson<'_> {
    WitnessJson {
        entity: &witness.entity,
        state: names::read_state(witness.state),
        certain: witness.certain,
        pointer: witness.pointer.as_str(),
        span: span(&witness.place),
    }
}

pub(crate) fn diagnostic(diagnostic: &Diagnostic) -> DiagnosticJson<'_> {
    DiagnosticJson {
        code: diagnostic.code.name(),
        severity: diagnostic.level.name(),
        message: &diagnostic.message,
        help: diagnostic.help.as_deref(),
        labels: diagnostic
            .labels
            .iter()
            .map(|label| LabelJson { text: &label.text, span: span(&label.place) })
            .collect(),
    }
}

fn span(place: &Place) -> SpanJson<'_> {
    span_in(&place.source, place.span)
}

pub(crate) fn span_in(source: &Source, span: Span) -> SpanJson<'_> {
    let at = |offset| {
        let Position { line, column, offset } = source.position(offset);
        PositionJson { line, column, offset }
    };
    SpanJson { file: source.name(), start: at(span.start), end: at(span.end) }
}
