//! From a report to its document.

use super::{
    Account, AccountCheck, AlsoCovered, ByControl, Capture, Check, Clause, Control, Counts, DerivedFrom, Diagnostic,
    Document, Excerpt, Failure, Finding, Label, Misspelt, NearMiss, PackFile, Parameter, Position, Read, Resource, Run,
    ScopedParameter, Snapshot, Span, Summary, Text, Tool, VERSION, WaivedBy, Waiver, Witness,
};
use crate::diagnostic::{self, DiagnosticLevel};
use crate::engine::{Verdict, VerdictCounts};
use crate::ids::IdVec;
use crate::policy::CheckId;
use crate::render::excerpt::line_around;
use crate::render::mask::secrets_of;
use crate::report::controls::{self, ControlReport, by_control};
use crate::report::{
    self, AccountReport, CheckReport, CheckState, ClauseReport, Evidence, NearMissReport, Needs, PackReport,
    ParameterReport, ReadKind, ReadReport, Report, SnapshotReport, WaiverReport, WitnessReport,
};
use crate::snapshot::Secrets;
use crate::source::{self, Place, Source};
use crate::value::show_datetime;
use std::borrow::Cow;

/// Builds documents of a report; `secrets` are those of the texts that it shows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Builder<'r> {
    pub report: &'r Report,
    pub secrets: &'r [Secrets],
}

impl<'r> Document<'r> {
    /// Returns the document of a report with everything that an output needs.
    pub fn of(report: &'r Report, needs: &Needs) -> Self {
        Builder { report, secrets: &report.secrets }.document(needs)
    }

    /// Returns the document of a run whose accounts are documents of their own: the run without findings, and with the
    /// diagnostics that are not about an account.
    pub fn of_run(report: &'r Report, needs: &Needs) -> Self {
        let builder = Builder { report, secrets: &report.secrets };
        let (shown, _) = report.diagnostics_for(needs);
        let mut document = builder.document(&Needs { findings: Evidence::None, ..*needs });
        document.format = "deodar-run".into();
        document.run.snapshots = Vec::new();
        document.diagnostics = shown.into_iter().map(|found| builder.diagnostic(found)).collect();
        document
    }
}

impl<'r> Builder<'r> {
    fn document(self, needs: &Needs) -> Document<'r> {
        let report = self.report;
        Document {
            format: "deodar-report".into(),
            version: VERSION.into(),
            tool: Tool { name: env!("CARGO_PKG_NAME").into(), version: env!("CARGO_PKG_VERSION").into() },
            run: run(report),
            summary: Summary {
                accounts: report.run.accounts,
                checks: report.checks.len(),
                verdicts: counts(|verdict| report.count(verdict)),
                checks_that_met_nothing: report.idle_checks().count(),
                other_properties: report.other_properties,
                skipped_files: report.skipped,
                skipped_reports: report.skipped_reports,
                errors: report.problems(DiagnosticLevel::Error),
                warnings: report.problems(DiagnosticLevel::Warning),
            },
            checks: report.checks.iter().map(check).collect(),
            waivers: report.waivers.iter().map(|waiver| self::waiver(waiver, report.run.accounts)).collect(),
            by_control: report.run.by.map(|framework| rolled_up(&by_control(report, framework))),
            findings: report.findings_for(needs).into_iter().map(|found| self.finding(found)).collect(),
            diagnostics: report.diagnostics.iter().map(|found| self.diagnostic(found)).collect(),
        }
    }

    /// Returns the line of one account.
    pub(crate) fn account(self, account: &'r AccountReport, needs: &Needs) -> Account<'r> {
        let run = &self.report.run;
        let statuses = self.report.statuses_of(account);
        let count = |verdict| account.counts.iter().map(|counts| counts[verdict]).sum();
        let snapshot = snapshot(&account.snapshot, account.id.as_deref(), &self.report.checks, &account.counts);
        Account {
            format: "deodar-account".into(),
            version: VERSION.into(),
            snapshot: snapshot.path,
            sha256: snapshot.sha256,
            captured_at: snapshot.captured_at,
            account: snapshot.account,
            pack: run.pack.name.as_str().into(),
            pack_version: run.pack.version.as_deref().map(Cow::from),
            exit_code: statuses.first().map_or(0, |status| status.exit_code()),
            statuses,
            verdicts: counts(count),
            checks: snapshot.checks,
            findings: account.findings_for(needs).map(|found| self.finding(found)).collect(),
            diagnostics: account.diagnostics.iter().map(|found| self.diagnostic(found)).collect(),
        }
    }

    fn finding(self, found: &'r report::Finding) -> Finding<'r> {
        let check = self.report.checks.find(found.check);
        let original = found.waived.map_or(found.verdict, |waived| waived.original);
        let waiver = found.waived.and_then(|waived| self.report.waivers.find(waived.waiver));
        Finding {
            check: found.identity.check.as_str().into(),
            title: check.map_or("", |check| check.title.as_str()).into(),
            verdict: found.verdict,
            original_verdict: found.waived.map(|waived| waived.original),
            waiver: waiver.map(waived_by),
            severity: check.map_or(crate::policy::CheckSeverity::Critical, |check| check.severity),
            snapshot: found.path.as_str().into(),
            account: found.identity.account.as_str().into(),
            resource: Resource {
                ty: found.resource.ty.as_str().into(),
                id: found.resource.id.as_str().into(),
                pointer: found.resource.pointer.as_str().into(),
            },
            message: found.message.as_str().into(),
            remediation: check
                .filter(|_| original == Verdict::Fail)
                .and_then(|check| check.remediation.as_deref())
                .map(Cow::from),
            capture: (original == Verdict::Unknown).then(|| found.captures.iter().map(capture).collect()),
            fingerprint: found.identity.fingerprint().into(),
            clauses: found.clauses.iter().map(|clause| self.clause(clause)).collect(),
        }
    }

    fn clause(self, clause: &'r ClauseReport) -> Clause<'r> {
        Clause {
            text: clause.place.text().into(),
            outcome: clause.outcome,
            span: bare(&clause.place),
            failure: clause
                .failure
                .as_ref()
                .map(|(place, reason)| Failure { reason: reason.as_str().into(), span: bare(place) }),
            reads: clause.reads.iter().map(|read| self.read(read)).collect(),
            also: clause.also,
        }
    }

    fn read(self, read: &'r ReadReport) -> Read<'r> {
        let derived = (read.kind == ReadKind::Derived).then(|| DerivedFrom {
            witnesses: read.witnesses.iter().map(witness).collect(),
            more: read.more_witnesses,
            uncaptured: read.uncaptured.iter().map(witness).collect(),
            near_misses: read.near_misses.iter().map(near_miss).collect(),
        });
        Read {
            kind: read.kind,
            name: read.name.as_str().into(),
            entity: read.entity.as_deref().map(Cow::from),
            state: read.state,
            value: read.value.as_deref().map(Cow::from),
            exact: read.exact.as_deref().map(Cow::from),
            compared_as: read.compared_as.as_deref().map(Cow::from),
            pointer: read.pointer.as_ref().map(|pointer| pointer.as_str().into()),
            span: read.place.as_ref().map(|place| self.span(place)),
            lacks: read.lacks.as_deref().map(Cow::from),
            default: read.default.as_ref().map(bare),
            misspelt: read
                .misspelt
                .as_ref()
                .map(|(name, place)| Misspelt { name: name.as_str().into(), span: bare(place) }),
            derived_from: derived,
        }
    }

    /// Returns a diagnostic.
    pub(crate) fn diagnostic(self, found: &'r diagnostic::Diagnostic) -> Diagnostic<'r> {
        diagnostic_with(found, &|place| self.span(place))
    }

    fn span(self, place: &'r Place) -> Span<'r> {
        let secrets = secrets_of(self.secrets, &place.source);
        let (text, start, end) = line_around(&place.source, place.span, secrets);
        Span { excerpt: Some(Excerpt { text, start, end }), ..bare(place) }
    }
}

fn run(report: &Report) -> Run<'_> {
    let run = &report.run;
    let of_run = run.parameters.iter().filter(|parameter| parameter.scope.is_none());
    let snapshots = run.snapshots.iter().zip(&run.verdicts);
    Run {
        now: show_datetime(run.now).into(),
        pack: run.pack.name.as_str().into(),
        pack_version: run.pack.version.as_deref().map(Cow::from),
        pack_files: pack_files(&run.pack),
        engine: run.engine,
        waivers: run.waivers,
        fail_on: run.gate.fail_on,
        allow_unknown: run.gate.allow_unknown,
        exit_code: report.status().exit_code(),
        statuses: report.statuses(),
        snapshots: snapshots
            .map(|(described, verdicts)| snapshot(described, verdicts.id.as_deref(), &report.checks, &verdicts.counts))
            .collect(),
        parameters: of_run.map(|of_run| (of_run.name.as_str().into(), parameter(of_run))).collect(),
        scoped_parameters: run.parameters.iter().filter_map(scoped_parameter).collect(),
    }
}

fn snapshot<'r>(
    snapshot: &'r SnapshotReport,
    id: Option<&'r str>,
    checks: &'r IdVec<CheckId, CheckReport>,
    counts: &'r IdVec<CheckId, VerdictCounts>,
) -> Snapshot<'r> {
    let checks = checks.iter().zip(counts);
    Snapshot {
        path: snapshot.path.as_str().into(),
        sha256: snapshot.sha256.as_deref().map(Cow::from),
        captured_at: snapshot.captured_at.map(|at| show_datetime(at).into()),
        account: id.map(Cow::from),
        checks: checks.map(|(check, counts)| (check.id.as_str().into(), account_check(check.state, counts))).collect(),
    }
}

fn parameter(parameter: &ParameterReport) -> Parameter<'_> {
    let origin = if parameter.set { "set" } else { "default" };
    Parameter { value: parameter.value.as_deref().map(Cow::from), origin: origin.into() }
}

fn scoped_parameter(parameter: &ParameterReport) -> Option<ScopedParameter<'_>> {
    let scope = parameter.scope.as_ref()?;
    let (ty, id, name) = (scope.ty.as_str().into(), scope.id.as_str().into(), parameter.name.as_str().into());
    Some(ScopedParameter { ty, id, name, value: parameter.value.as_deref().map(Cow::from) })
}

/// Returns the files of a pack.
pub(crate) fn pack_files<'r>(pack: &'r PackReport) -> Vec<PackFile<'r>> {
    let file = |file: &'r report::FileReport| PackFile {
        path: file.path.as_str().into(),
        role: file.role,
        sha256: file.sha256.as_str().into(),
    };
    pack.files.iter().map(file).collect()
}

fn counts(count: impl Fn(Verdict) -> usize) -> Counts {
    Verdict::ALL.into_iter().map(|verdict| (verdict, count(verdict))).collect()
}

fn check(check: &CheckReport) -> Check<'_> {
    let ids = |(framework, ids): &'_ (&'static str, Vec<smol_str::SmolStr>)| {
        (Text::from(*framework), ids.iter().map(|id| id.to_string().into()).collect())
    };
    Check {
        id: check.id.as_str().into(),
        title: check.title.as_str().into(),
        severity: check.severity,
        remediation: check.remediation.as_deref().map(Cow::from),
        source: check.reference.as_deref().map(Cow::from),
        controls: check.controls.iter().map(ids).collect(),
        state: check.outcome(),
        counts: counts(|verdict| check.count(verdict)),
    }
}

fn waiver(waiver: &WaiverReport, accounts: usize) -> Waiver<'_> {
    let also = |beyond: &'_ report::Beyond| AlsoCovered {
        account: beyond.account.to_string().into(),
        ty: beyond.ty.clone().into(),
        id: beyond.id.to_string().into(),
        verdict: beyond.verdict,
    };
    let WaivedBy { id, reason, owner, expires, ticket, span } = waived_by(waiver);
    Waiver {
        id,
        check: waiver.check.as_str().into(),
        reason,
        owner,
        expires,
        ticket,
        unknown: waiver.unknowns,
        status: waiver.status(accounts),
        waived: waiver.waived,
        beyond: waiver.beyond,
        also_covers: waiver.examples.iter().map(also).collect(),
        span,
    }
}

fn waived_by(waiver: &WaiverReport) -> WaivedBy<'_> {
    WaivedBy {
        id: waiver.id.as_str().into(),
        reason: waiver.reason.as_str().into(),
        owner: waiver.owner.as_str().into(),
        expires: waiver.expires.as_str().into(),
        ticket: waiver.ticket.as_deref().map(Cow::from),
        span: bare(&waiver.place),
    }
}

fn account_check(state: CheckState, given: &VerdictCounts) -> AccountCheck {
    let mut counts = counts(|verdict| given[verdict]);
    counts.retain(|_, count| *count > 0);
    AccountCheck { state: state.after(given), counts }
}

fn rolled_up<'r>(rolled: &controls::ByControl<'r>) -> ByControl<'r> {
    let ids = |checks: &[&'r CheckReport]| checks.iter().map(|check| check.id.as_str().into()).collect();
    let control = |control: &ControlReport<'r>| Control {
        control: control.control.into(),
        standing: control.status,
        counts: counts(|verdict| control.counts[verdict]),
        checks: ids(&control.checks),
    };
    ByControl {
        framework: rolled.framework.into(),
        controls: rolled.controls.iter().map(control).collect(),
        unmapped_checks: ids(&rolled.unmapped),
    }
}

fn capture(capture: &report::Capture) -> Capture<'_> {
    Capture {
        pointer: capture.pointer.as_str().into(),
        attribute: capture.attribute.as_str().into(),
        doc: capture.doc.as_deref().map(Cow::from),
    }
}

fn witness(witness: &WitnessReport) -> Witness<'_> {
    Witness {
        entity: witness.entity.as_str().into(),
        state: witness.state,
        certain: witness.certain,
        pointer: witness.pointer.as_str().into(),
        span: bare(&witness.place),
    }
}

fn near_miss(near: &NearMissReport) -> NearMiss<'_> {
    NearMiss {
        entity: near.entity.as_str().into(),
        reason: near.reason.as_str().into(),
        pointer: near.pointer.as_str().into(),
        span: bare(&near.place),
    }
}

/// Returns a diagnostic without excerpts.
pub(crate) fn bare_diagnostic(found: &diagnostic::Diagnostic) -> Diagnostic<'_> {
    diagnostic_with(found, &bare)
}

fn diagnostic_with<'r>(found: &'r diagnostic::Diagnostic, span: &dyn Fn(&'r Place) -> Span<'r>) -> Diagnostic<'r> {
    let label = |label: &'r diagnostic::Label| Label { text: label.text.as_str().into(), span: span(&label.place) };
    Diagnostic {
        code: found.code.name().into(),
        severity: found.level,
        message: found.message.as_str().into(),
        help: found.help.as_deref().map(Cow::from),
        labels: found.labels.iter().map(label).collect(),
    }
}

fn bare(place: &Place) -> Span<'_> {
    span_in(&place.source, place.span)
}

/// Returns a span without an excerpt.
pub(crate) fn span_in(source: &Source, span: source::Span) -> Span<'_> {
    let at = |offset| {
        let source::Position { line, column, offset } = source.position(offset);
        Position { line, column, offset }
    };
    Span { file: source.name().into(), start: at(span.start), end: at(span.end), excerpt: None }
}
