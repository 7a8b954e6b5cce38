//! From a report to its document.

use super::{
    Account, AccountCheck, AlsoCovered, Baseline, ByControl, Capture, Changes, Check, Clause, Configuration, Counts,
    DerivedFrom, Diagnostic, Document, Excerpt, Failure, Finding, JoinedFile, Label, Misspelt, NearMiss, Origin,
    OtherVerdict, Overridden, PackFile, Parameter, Position, Read, Reason, Resource, ResourceIdentity, Run,
    ScopedParameter, Snapshot, Span, Summary, Text, Tool, VERSION, WaivedBy, Waiver, Weakening, Witness,
};
use crate::diagnostic::{self, DiagnosticLevel};
use crate::engine::{Verdict, VerdictCounts};
use crate::ids::IdVec;
use crate::parallel::*;
use crate::policy::{self, CheckId};
use crate::render::excerpt::line_around;
use crate::render::mask::secrets_of;
use crate::report::{
    self, AccountReport, Change, CheckReport, CheckState, ClauseReport, Compared, NearMissReport, Needs, OriginReport,
    PackReport, ParameterReport, ReadKind, ReadReport, Report, SnapshotReport, WaiverReport, WitnessReport, explained,
};
use crate::snapshot::Secrets;
use crate::source::{self, Place, Source};
use crate::value::{show_datetime, show_duration};
use std::borrow::Cow;
use std::sync::Arc;

/// Builds documents of a report; `secrets` are those of the texts that it shows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Builder<'r> {
    pub report: &'r Report,
    pub secrets: &'r [Secrets],
}

/// The findings and the other verdicts that documents of a report refer to.
#[derive(Debug)]
pub struct Explained {
    findings: Vec<Arc<report::Finding>>,
    others: Vec<Arc<report::Finding>>,
}

impl Explained {
    /// Explains the verdicts of a report that an output needs.
    pub fn of(report: &Report, needs: &Needs) -> Self {
        Self { findings: explained(&report.listed_for(needs)), others: explained(&report.others_for(needs)) }
    }

    /// Explains the verdicts of an account that an output needs.
    pub(crate) fn of_account(account: &AccountReport, needs: &Needs) -> Self {
        Self { findings: explained(&account.listed_for(needs)), others: explained(&account.others_for(needs)) }
    }
}

impl<'r> Document<'r> {
    /// Returns the document of a report with everything that an output needs; `explained` are its findings.
    pub fn of(report: &'r Report, explained: &'r Explained, needs: &Needs) -> Self {
        let builder = Builder { report, secrets: &report.secrets };
        let mut document = Self::without_findings(report, needs);
        document.findings = explained.findings.par_iter().map(|found| builder.finding(found)).collect();
        let others = || explained.others.par_iter().map(|found| builder.other(found)).collect();
        document.other_verdicts = needs.all_verdicts.then(others);
        document
    }

    /// Returns the document of a report with everything but the findings and the other verdicts.
    pub fn without_findings(report: &'r Report, needs: &Needs) -> Self {
        Builder { report, secrets: &report.secrets }.document(needs)
    }

    /// Returns the document of a run whose accounts are documents of their own: the run without findings, and with the
    /// diagnostics that are not about an account.
    pub fn of_run(report: &'r Report, needs: &Needs) -> Self {
        let builder = Builder { report, secrets: &report.secrets };
        let (shown, _) = report.diagnostics_for(needs);
        let mut document = builder.document(needs);
        document.format = "deodar-run".into();
        document.run.snapshots = Vec::new();
        document.diagnostics = shown.into_iter().map(|found| builder.diagnostic(found)).collect();
        document
    }
}

impl<'r> Builder<'r> {
    fn document(self, needs: &Needs) -> Document<'r> {
        let report = self.report;
        let checks: Vec<Check<'r>> = report.checks.iter().map(|it| check(it, report.run.baseline.is_some())).collect();
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
            waivers: report.waivers.iter().map(|waiver| self::waiver(waiver, report.run.accounts)).collect(),
            by_control: report.run.by.as_deref().map(|framework| ByControl::of(&checks, &framework.into())),
            checks,
            findings: Vec::new(),
            other_verdicts: needs.all_verdicts.then(Vec::new),
            diagnostics: report.diagnostics.iter().map(|found| self.diagnostic(found)).collect(),
        }
    }

    /// Returns the line of one account; `explained` are its findings.
    pub(crate) fn account(self, account: &'r AccountReport, explained: &'r Explained, needs: &Needs) -> Account<'r> {
        let run = &self.report.run;
        let statuses = self.report.statuses_of(account);
        let count = |verdict| account.counts.iter().map(|counts| counts[verdict]).sum();
        let snapshot = snapshot(&account.snapshot, account.id.as_deref(), &self.report.checks, &account.counts);
        Account {
            format: "deodar-account".into(),
            version: VERSION.into(),
            snapshot: snapshot.path,
            sha256: snapshot.sha256,
            files: snapshot.files,
            captured_at: snapshot.captured_at,
            captured_at_unknown: snapshot.captured_at_unknown,
            account: snapshot.account,
            pack: run.pack.name.as_str().into(),
            pack_version: run.pack.version.as_deref().map(Cow::from),
            exit_code: statuses.first().map_or(0, |status| status.exit_code()),
            statuses,
            verdicts: counts(count),
            checks: snapshot.checks,
            findings: explained.findings.iter().map(|found| self.finding(found)).collect(),
            other_verdicts: needs
                .all_verdicts
                .then(|| explained.others.iter().map(|found| self.other(found)).collect()),
            diagnostics: account.diagnostics.iter().map(|found| self.diagnostic(found)).collect(),
        }
    }

    /// Returns a finding.
    pub(crate) fn finding(self, found: &'r report::Finding) -> Finding<'r> {
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
            resource: resource(found),
            message: found.message.as_str().into(),
            remediation: check
                .filter(|_| original == Verdict::Fail)
                .and_then(|check| check.remediation.as_deref())
                .map(Cow::from),
            capture: (original == Verdict::Unknown).then(|| found.captures.iter().map(capture).collect()),
            baseline: found.change,
            fingerprint: found.identity.fingerprint().into(),
            clauses: found.clauses.iter().map(|clause| self.clause(clause)).collect(),
        }
    }

    /// Returns a verdict that is not a finding.
    pub(crate) fn other(self, found: &'r report::Finding) -> OtherVerdict<'r> {
        OtherVerdict {
            check: found.identity.check.as_str().into(),
            verdict: found.verdict,
            snapshot: found.path.as_str().into(),
            account: found.identity.account.as_str().into(),
            resource: resource(found),
            fingerprint: found.identity.fingerprint().into(),
            reasons: found.clauses.iter().map(Reason::of).collect(),
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
            demand: clause.demand,
        }
    }

    fn read(self, read: &'r ReadReport) -> Read<'r> {
        let derived = (read.kind == ReadKind::Derived || !read.uncaptured.is_empty()).then(|| DerivedFrom {
            witnesses: read.witnesses.iter().map(|it| self.witness(it)).collect(),
            more: read.more_witnesses,
            uncaptured: read.uncaptured.iter().map(|it| self.witness(it)).collect(),
            near_misses: read.near_misses.iter().map(|it| self.near_miss(it)).collect(),
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
            origin: read.origin.as_deref().map(origin),
            lacks: read.lacks.as_deref().map(Cow::from),
            stated: read.stated,
            default: read.default.as_ref().map(bare),
            misspelt: read
                .misspelt
                .as_ref()
                .map(|(name, place)| Misspelt { name: name.as_str().into(), span: bare(place) }),
            derived_from: derived,
        }
    }

    fn witness(self, witness: &'r WitnessReport) -> Witness<'r> {
        Witness {
            entity: witness.entity.as_str().into(),
            state: witness.state,
            certain: witness.certain,
            pointer: witness.pointer.as_str().into(),
            span: self.span(&witness.place),
            lacks: witness.lacks.as_deref().map(Cow::from),
        }
    }

    fn near_miss(self, near: &'r NearMissReport) -> NearMiss<'r> {
        NearMiss {
            entity: near.entity.as_str().into(),
            reason: near.reason.as_str().into(),
            pointer: near.pointer.as_str().into(),
            span: self.span(&near.place),
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

fn origin(origin: &OriginReport) -> Origin<'_> {
    Origin {
        file: origin.file.as_deref().map(Cow::from),
        method: origin.method.as_deref().map(Cow::from),
        captured_at: origin.captured_at.as_deref().map(Cow::from),
        age: origin.age.as_deref().map(Cow::from),
    }
}

fn resource(found: &report::Finding) -> Resource<'_> {
    let (name, identity) = (&found.resource, &found.identity);
    Resource {
        ty: name.ty.as_str().into(),
        id: name.id.as_str().into(),
        pointer: name.pointer.as_str().into(),
        identity: (!identity.form.is_empty())
            .then(|| ResourceIdentity { id: identity.id.as_str().into(), form: identity.form.as_str().into() }),
    }
}

fn changes(compared: &Compared) -> Changes {
    let given = |change| {
        let mut counts = counts(|verdict| compared.counts(change)[verdict]);
        counts.retain(|_, count| *count > 0);
        counts
    };
    Changes {
        new: given(Change::New),
        worse: given(Change::Worse),
        better: given(Change::Better),
        unchanged: given(Change::Unchanged),
        fixed: compared.fixed,
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
        configuration: run.configuration.as_ref().map(configuration),
        max_snapshot_age: run.max_snapshot_age.map(|age| show_duration(age).into()),
        exit_code: report.status().exit_code(),
        statuses: report.statuses(),
        baseline: run.baseline.as_ref().map(|baseline| Baseline {
            path: baseline.path.as_str().into(),
            sha256: baseline.sha256.as_str().into(),
            now: baseline.now.as_str().into(),
            findings: baseline.findings,
            judged: report.checks.iter().map(|check| check.compared.judged).sum(),
        }),
        snapshots: snapshots
            .map(|(described, verdicts)| snapshot(described, verdicts.id.as_deref(), &report.checks, &verdicts.counts))
            .collect(),
        parameters: of_run.map(|of_run| (of_run.name.as_str().into(), parameter(of_run))).collect(),
        scoped_parameters: run.parameters.iter().filter_map(scoped_parameter).collect(),
    }
}

pub(crate) fn configuration(configuration: &report::ConfigurationReport) -> Configuration<'_> {
    fn weakening(it: &report::Weakening) -> Weakening<'_> {
        Weakening { setting: it.setting.as_str().into(), effect: it.effect.as_str().into(), span: bare(&it.place) }
    }
    Configuration {
        path: configuration.path.as_str().into(),
        sha256: configuration.sha256.as_str().into(),
        weakens: configuration.weakens.iter().map(weakening).collect(),
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
        files: snapshot
            .files
            .iter()
            .map(|(path, sha256)| JoinedFile { path: path.as_str().into(), sha256: sha256.as_str().into() })
            .collect(),
        captured_at: snapshot.captured_at.map(|at| show_datetime(at).into()),
        captured_at_unknown: snapshot.captured_at_unknown,
        account: id.map(Cow::from),
        checks: checks.map(|(check, counts)| (check.id.as_str().into(), account_check(check.state, counts))).collect(),
    }
}

fn parameter(parameter: &ParameterReport) -> Parameter<'_> {
    let origin = match (parameter.set, parameter.of_account) {
        (true, _) => "set",
        (false, true) => "snapshot",
        (false, false) => "default",
    };
    Parameter { value: parameter.value.clone(), origin: origin.into() }
}

fn scoped_parameter(parameter: &ParameterReport) -> Option<ScopedParameter<'_>> {
    let scope = parameter.scope.as_ref()?;
    let (ty, id, name) = (scope.ty.as_str().into(), scope.id.as_str().into(), parameter.name.as_str().into());
    Some(ScopedParameter { ty, id, name, value: parameter.value.clone() })
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

fn check(check: &CheckReport, is_compared: bool) -> Check<'_> {
    let ids = |(framework, ids): &'_ (smol_str::SmolStr, Vec<smol_str::SmolStr>)| {
        (Text::from(framework.to_string()), ids.iter().map(|id| id.to_string().into()).collect())
    };
    let overridden = |original: &policy::Overridden| Overridden {
        severity: original.severity,
        reason: original.reason.to_string().into(),
    };
    Check {
        id: check.id.as_str().into(),
        title: check.title.as_str().into(),
        severity: check.severity,
        overridden: check.overridden.as_ref().map(overridden),
        remediation: check.remediation.as_deref().map(Cow::from),
        source: check.reference.as_deref().map(Cow::from),
        controls: check.controls.iter().map(ids).collect(),
        policy: Some(bare(&check.policy)),
        state: check.outcome(),
        counts: counts(|verdict| check.count(verdict)),
        baseline: is_compared.then(|| changes(&check.compared)),
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

fn capture(capture: &report::Capture) -> Capture<'_> {
    Capture {
        pointer: capture.pointer.as_str().into(),
        attribute: capture.attribute.as_str().into(),
        doc: capture.doc.as_deref().map(Cow::from),
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
    let (start, end) = source.positions(span);
    let position = |source::Position { line, column, offset }| Position { line, column, offset };
    Span { file: source.name().into(), start: position(start), end: position(end), excerpt: None }
}
