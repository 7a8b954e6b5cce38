//! The document of a run as events of the class Compliance Finding (2003) of OCSF, one on a line: for every finding, for
//! every check of an account that passed, and for every diagnostic.
//!
//! An unknown verdict has the compliance status Warning, which OCSF defines as no result because of missing information.
//! Only a check without a failure, an unknown verdict and a waived one has the status Pass.

use super::alerts::{by_severity, fingerprints, problem};
use super::chunks::{write_listed, write_saved};
use super::configured;
use super::document::{Builder, Check, Diagnostic, Document, Finding, Snapshot, Text};
use super::escape::plain;
use super::output::{Audience, Format, LINES_FILES, OfDocument, Output, Presentation, Unit};
use crate::diagnostic::DiagnosticLevel;
use crate::engine::Verdict;
use crate::policy::CheckSeverity;
use crate::report::{self, Change, CheckState, Needs, Report, fingerprint_of};
use crate::value::parse_datetime;
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// The format.
pub(super) const FORMAT: Format = Format {
    name: "ocsf",
    help: "For security lakes: Compliance Findings of OCSF, one on a line",
    audience: Audience::Programs,
    unit: Unit::Run,
    recognised: LINES_FILES,
    new: |presentation| Box::new(Events(OfDocument { presentation: presentation.clone(), write })),
    saved: Some(write),
};

/// The version of OCSF.
const OCSF: &str = "1.5.0";

#[derive(Serialize)]
struct Event<'d> {
    activity_id: u32,
    activity_name: &'static str,
    category_uid: u32,
    category_name: &'static str,
    class_uid: u32,
    class_name: &'static str,
    type_uid: u32,
    type_name: &'static str,
    time: i64,
    severity_id: u32,
    severity: &'static str,
    status_id: u32,
    status: &'static str,
    status_detail: Cow<'d, str>,
    message: String,
    metadata: Metadata<'d>,
    finding_info: FindingInfo<'d>,
    compliance: Compliance<'d>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remediation: Option<Remediation<'d>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resources: Vec<Resource<'d>>,
    unmapped: Unmapped<'d>,
}

#[derive(Serialize, Clone, Copy)]
struct Metadata<'d> {
    version: &'static str,
    product: Product<'d>,
}

#[derive(Serialize, Clone, Copy)]
struct Product<'d> {
    name: &'d str,
    vendor_name: &'d str,
    version: &'d str,
}

#[derive(Serialize)]
struct FindingInfo<'d> {
    uid: Cow<'d, str>,
    title: Cow<'d, str>,
    desc: Cow<'d, str>,
    created_time: i64,
    types: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    src_url: Option<&'d str>,
}

#[derive(Serialize)]
struct Compliance<'d> {
    status_id: u32,
    status: &'static str,
    control: Cow<'d, str>,
    standards: Vec<&'d str>,
    requirements: Vec<String>,
    checks: Vec<CheckOf<'d>>,
}

#[derive(Serialize)]
struct CheckOf<'d> {
    uid: &'d str,
    name: Cow<'d, str>,
    severity_id: u32,
    severity: &'static str,
    status_id: u32,
    status: &'static str,
}

#[derive(Serialize)]
struct Remediation<'d> {
    desc: Cow<'d, str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    references: Vec<&'d str>,
}

#[derive(Serialize)]
struct Resource<'d> {
    #[serde(rename = "type")]
    ty: &'d str,
    uid: &'d str,
    name: Cow<'d, str>,
    /// The id of the account.
    namespace: &'d str,
}

/// The properties of a report that OCSF does not have.
#[derive(Serialize)]
struct Unmapped<'d> {
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'d str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshot: Option<&'d str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<&'d str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<String>,
    /// The change since the baseline.
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline: Option<&'static str>,
    /// The verdict without the waiver.
    #[serde(skip_serializing_if = "Option::is_none")]
    original_verdict: Option<&'static str>,
    /// The id of the waiver.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiver: Option<&'d str>,
    /// The JSON pointers of the values to capture.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    capture: Vec<&'d str>,
}

/// An identifier of OCSF with its name.
type Named = (u32, &'static str);

/// The parts of an event that differ.
struct Parts<'d> {
    severity: Named,
    status: Named,
    compliance: Compliance<'d>,
    uid: Cow<'d, str>,
    title: Cow<'d, str>,
    detail: Cow<'d, str>,
    source: Option<&'d str>,
    remediation: Option<Remediation<'d>>,
    resources: Vec<Resource<'d>>,
    unmapped: Unmapped<'d>,
}

#[derive(Debug)]
struct Events(OfDocument);

impl Output for Events {
    fn needs(&self) -> Needs {
        self.0.needs()
    }

    fn finish(&mut self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let needs = self.needs();
        let document = Document::without_findings(report, &needs);
        let mut listed = report.listed_for(&needs);
        // The sort is stable: the order is that of `by_severity`.
        listed.sort_by_key(|it| it.change.is_some_and(Change::is_covered));
        write_events(&document, out, |checks, out| {
            let finding = |builder: Builder<'_>, found: &report::Finding, text: &mut Vec<u8>| {
                let finding = builder.finding(found);
                line(&document, of_finding(&finding, checks.get(&*finding.check)), text)
            };
            write_listed(report, &listed, b"", finding, out)
        })
    }
}

/// Writes a saved document.
fn write(document: &Document<'_>, _: &Presentation, out: &mut dyn Write) -> io::Result<()> {
    write_events(document, out, |checks, out| {
        let finding = |finding: &&Finding<'_>, text: &mut Vec<u8>| {
            line(document, of_finding(finding, checks.get(&*finding.check)), text)
        };
        write_saved(&by_severity(document), b"", finding, out)
    })
}

/// The checks of a document by id.
type Checks<'d> = BTreeMap<&'d str, &'d Check<'d>>;

/// Writes the events of a document; `findings` writes those of the findings.
fn write_events(
    document: &Document<'_>,
    out: &mut dyn Write,
    findings: impl FnOnce(&Checks<'_>, &mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let checks: Checks<'_> = document.checks.iter().map(|check| (&*check.id, check)).collect();
    let fingerprints = fingerprints(&document.diagnostics);
    let problems = document.diagnostics.iter().zip(&fingerprints).map(|(found, uid)| of_diagnostic(found, uid));
    let passes = document.run.snapshots.iter().flat_map(|snapshot| {
        let passed = snapshot.checks.keys().filter(|id| is_passed(snapshot, id));
        passed.filter_map(|id| of_pass(snapshot, checks.get(&**id)?))
    });
    let mut text = Vec::new();
    problems.into_iter().try_for_each(|parts| line(document, parts, &mut text))?;
    out.write_all(&text)?;
    findings(&checks, out)?;
    text.clear();
    passes.chain(of_configuration(document)).try_for_each(|parts| line(document, parts, &mut text))?;
    out.write_all(&text)
}

/// Appends an event.
fn line(document: &Document<'_>, parts: Parts<'_>, text: &mut Vec<u8>) -> io::Result<()> {
    serde_json::to_writer(&mut *text, &event(document, parts))?;
    text.push(b'\n');
    Ok(())
}

fn event<'d>(document: &'d Document<'_>, parts: Parts<'d>) -> Event<'d> {
    let name = &document.tool.name;
    let time = parse_datetime(&document.run.now).unwrap_or_default();
    Event {
        activity_id: 1,
        activity_name: "Create",
        category_uid: 2,
        category_name: "Findings",
        class_uid: 2003,
        class_name: "Compliance Finding",
        type_uid: 200_301,
        type_name: "Compliance Finding: Create",
        time,
        severity_id: parts.severity.0,
        severity: parts.severity.1,
        status_id: parts.status.0,
        status: parts.status.1,
        message: format!("{}: {}", parts.title, parts.detail),
        metadata: Metadata {
            version: OCSF,
            product: Product { name, vendor_name: name, version: &document.tool.version },
        },
        finding_info: FindingInfo {
            uid: parts.uid,
            title: parts.title,
            desc: parts.detail.clone(),
            created_time: time,
            types: ["Configuration"],
            src_url: parts.source,
        },
        status_detail: parts.detail,
        compliance: parts.compliance,
        remediation: parts.remediation,
        resources: parts.resources,
        unmapped: parts.unmapped,
    }
}

fn of_finding<'d>(finding: &'d Finding<'d>, check: Option<&&'d Check<'d>>) -> Parts<'d> {
    let status = match finding.verdict {
        Verdict::Waived => (3, "Suppressed"),
        Verdict::NotApplicable => (99, "Not Applicable"),
        _ => (1, "New"),
    };
    let result = match finding.verdict {
        Verdict::Fail => (3, "Fail"),
        Verdict::Unknown => (2, "Warning"),
        Verdict::Waived => (99, "Waived"),
        Verdict::NotApplicable => (99, "Not Applicable"),
        Verdict::Pass => (1, "Pass"),
    };
    let source = check.and_then(|check| check.source.as_deref());
    Parts {
        severity: severity(finding.severity),
        status,
        compliance: compliance(&finding.check, &finding.title, finding.severity, check.copied(), result),
        uid: (&*finding.fingerprint).into(),
        title: plain(&finding.title),
        detail: match &finding.waiver {
            Some(by) => format!("{}; waived {}", plain(&finding.message), plain(&by.words())).into(),
            None => plain(&finding.message),
        },
        source,
        remediation: finding.remediation.as_deref().map(|text| remediation(text, source)),
        resources: vec![Resource {
            ty: &finding.resource.ty,
            uid: &finding.resource.id,
            name: plain(&finding.resource.id),
            namespace: &finding.account,
        }],
        unmapped: Unmapped {
            verdict: finding.verdict.name(),
            account: Some(&finding.account),
            snapshot: Some(&finding.snapshot),
            pointer: Some(&finding.resource.pointer),
            place: finding.snapshot_place().map(|span| span.shown()),
            policy: finding.policy_place().map(|span| span.shown()),
            baseline: finding.baseline.map(Change::name),
            original_verdict: finding.original_verdict.map(Verdict::name),
            waiver: finding.waiver.as_ref().map(|by| &*by.id),
            capture: finding.capture.iter().flatten().map(|capture| &*capture.pointer).collect(),
        },
    }
}

/// Returns whether all verdicts of a check for an account are pass or not applicable, and one is pass.
fn is_passed(snapshot: &Snapshot<'_>, id: &Text<'_>) -> bool {
    snapshot.checks.get(id).is_some_and(|check| {
        let given = |verdict| check.counts.get(&verdict).is_some_and(|count| *count > 0);
        let is_open = [Verdict::Fail, Verdict::Unknown, Verdict::Waived].into_iter().any(given);
        check.state == CheckState::Run && given(Verdict::Pass) && !is_open
    })
}

fn of_pass<'d>(snapshot: &'d Snapshot<'d>, check: &'d Check<'d>) -> Option<Parts<'d>> {
    let account = snapshot.account.as_deref()?;
    let count = snapshot.checks.get(&check.id)?.counts.get(&Verdict::Pass).copied().unwrap_or(0);
    let s = if count == 1 { "" } else { "s" };
    Some(Parts {
        severity: (1, "Informational"),
        status: (4, "Resolved"),
        compliance: compliance(&check.id, &check.title, check.severity, Some(check), (1, "Pass")),
        uid: fingerprint_of(&["pass", &check.id, account]).into(),
        title: plain(&check.title),
        detail: format!("{count} resource{s} passed").into(),
        source: check.source.as_deref(),
        remediation: None,
        resources: vec![Resource { ty: "Account", uid: account, name: plain(account), namespace: account }],
        unmapped: Unmapped {
            account: Some(account),
            snapshot: Some(&snapshot.path),
            policy: check.policy.as_ref().map(|span| span.shown()),
            ..Unmapped::new(Verdict::Pass.name())
        },
    })
}

/// Returns the event of a problem of an input. Verdicts may be missing because of an error, so its result is not known.
fn of_diagnostic<'d>(found: &'d Diagnostic<'d>, uid: &'d str) -> Parts<'d> {
    let severity = match found.severity {
        DiagnosticLevel::Error => (4, "High"),
        DiagnosticLevel::Warning => (1, "Informational"),
    };
    Parts {
        severity,
        status: (1, "New"),
        compliance: not_evaluated(&found.code),
        uid: uid.into(),
        title: format!("{} in an input: {}", found.severity.name(), found.code).into(),
        detail: problem(found, "; ").into(),
        source: None,
        remediation: found.help.as_deref().map(|text| remediation(text, None)),
        resources: Vec::new(),
        unmapped: Unmapped {
            place: found.labels.first().map(|label| label.span.shown()),
            ..Unmapped::new("invalid_input")
        },
    }
}

/// Returns the events of the configuration file and of each setting that weakens the gate.
fn of_configuration<'d>(document: &'d Document<'_>) -> Vec<Parts<'d>> {
    let Some(configuration) = &document.run.configuration else { return Vec::new() };
    let keys = std::iter::once("").chain(configuration.weakens.iter().map(|it| &*it.setting));
    let part = |(at, (line, key)): (usize, (String, &str))| Parts {
        severity: (1, "Informational"),
        status: (1, "New"),
        compliance: not_evaluated("configuration"),
        uid: fingerprint_of(&["configuration", &configuration.path, key, &at.to_string()]).into(),
        title: "configuration of the run".into(),
        detail: line.into(),
        source: None,
        remediation: None,
        resources: Vec::new(),
        unmapped: Unmapped::new("configuration"),
    };
    configured::lines(document).into_iter().zip(keys).enumerate().map(part).collect()
}

/// Returns the part of an event that is not the result of a check.
fn not_evaluated(control: &str) -> Compliance<'_> {
    Compliance {
        status_id: 0,
        status: "Unknown",
        control: control.into(),
        standards: Vec::new(),
        requirements: Vec::new(),
        checks: Vec::new(),
    }
}

impl Unmapped<'_> {
    fn new(verdict: &'static str) -> Self {
        Self {
            verdict,
            account: None,
            snapshot: None,
            pointer: None,
            place: None,
            policy: None,
            baseline: None,
            original_verdict: None,
            waiver: None,
            capture: Vec::new(),
        }
    }
}

fn compliance<'d>(
    id: &'d str,
    title: &'d str,
    level: CheckSeverity,
    check: Option<&'d Check<'d>>,
    (status_id, status): Named,
) -> Compliance<'d> {
    let controls = || check.into_iter().flat_map(|check| &check.controls);
    let (severity_id, severity) = severity(level);
    Compliance {
        status_id,
        status,
        control: id.into(),
        standards: controls().map(|(framework, _)| &**framework).collect(),
        requirements: controls().flat_map(|(name, ids)| ids.iter().map(move |id| format!("{name}:{id}"))).collect(),
        checks: vec![CheckOf { uid: id, name: plain(title), severity_id, severity, status_id, status }],
    }
}

fn remediation<'d>(text: &str, source: Option<&'d str>) -> Remediation<'d> {
    let desc = text.split_whitespace().collect::<Vec<_>>().join(" ");
    Remediation { desc: plain(&desc).into_owned().into(), references: source.into_iter().collect() }
}

fn severity(severity: CheckSeverity) -> Named {
    match severity {
        CheckSeverity::Low => (2, "Low"),
        CheckSeverity::Medium => (3, "Medium"),
        CheckSeverity::High => (4, "High"),
        CheckSeverity::Critical => (5, "Critical"),
    }
}
