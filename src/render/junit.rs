//! A run as JUnit XML: a suite for every account, with a case for every check. An unknown verdict is an error, so that no
//! reader of the format counts it as passed.
//!
//! The results of test cases are written with the same functions, by `cases/junit.rs`.

use super::configured;
use super::document::{AccountCheck, Check, Diagnostic, Document, Finding, Snapshot};
use super::escape::plain;
use super::output::{Audience, Format, OfDocument, Presentation, Unit};
use crate::diagnostic::DiagnosticLevel;
use crate::engine::Verdict;
use crate::report::CheckState;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// The format.
pub(super) const FORMAT: Format = Format {
    name: "junit",
    help: "For pipelines: JUnit XML with a case for every check and account",
    audience: Audience::Programs,
    unit: Unit::Run,
    recognised: &[],
    new: |presentation| OfDocument::open(presentation, write),
    saved: Some(write),
};

/// Findings by snapshot, account and check.
type Findings<'d> = BTreeMap<(&'d str, &'d str, &'d str), Vec<&'d Finding<'d>>>;

fn write(document: &Document<'_>, _: &Presentation, out: &mut dyn Write) -> io::Result<()> {
    let mut findings = Findings::new();
    for found in &document.findings {
        findings.entry((&found.snapshot, &found.account, &found.check)).or_default().push(found);
    }
    let mut suites: Vec<TestSuite> = configuration(document).into_iter().collect();
    suites.extend(document.run.snapshots.iter().map(|snapshot| suite(document, snapshot, &findings)));
    suites.extend(inputs(document));
    write_suites("deodar check", suites, out)
}

/// Returns a suite with an error for every invalid input. The format has no warnings, so they are its text.
fn inputs(document: &Document<'_>) -> Option<TestSuite> {
    let of = |level: DiagnosticLevel| document.diagnostics.iter().filter(move |found| found.severity == level);
    let errors = of(DiagnosticLevel::Error).map(|found| (&*found.code, &*found.message));
    let mut suite = suite_of_errors("inputs", errors);
    let warnings: Vec<String> = of(DiagnosticLevel::Warning).map(warning).collect();
    if !warnings.is_empty() {
        suite.get_or_insert_with(|| TestSuite::new("inputs")).set_system_err(warnings.join("\n"));
    }
    suite
}

/// Returns a warning with its first place.
fn warning(found: &Diagnostic<'_>) -> String {
    let place = found.labels.first().map(|label| format!("{}: ", label.span.shown())).unwrap_or_default();
    valid(&format!("{place}warning: {} ({})", found.message, found.code))
}

/// Returns a suite without cases whose properties are the configuration file and the settings that weaken the gate.
fn configuration(document: &Document<'_>) -> Option<TestSuite> {
    let configuration = document.run.configuration.as_ref()?;
    let mut suite = TestSuite::new("configuration");
    let weakens = configuration.weakens.iter().map(|it| ("weakens", configured::weakening(it)));
    let file = [("path", configuration.path.to_string()), ("sha256", configuration.sha256.to_string())];
    for (name, value) in file.into_iter().chain(weakens) {
        suite.add_property((name, valid(&value).as_str()));
    }
    Some(suite)
}

fn suite<'d>(document: &'d Document<'_>, snapshot: &'d Snapshot<'_>, findings: &Findings<'d>) -> TestSuite {
    let mut suite = TestSuite::new(valid(&snapshot.path));
    let account = snapshot.account.as_deref().unwrap_or_default();
    for check in &document.checks {
        let found = findings.get(&(&*snapshot.path, account, &*check.id)).map_or(&[][..], Vec::as_slice);
        let given = snapshot.checks.get(&check.id).filter(|_| snapshot.account.is_some());
        let mut case = TestCase::new(valid(&format!("{} {}", check.id, check.title)), status(check, given, found));
        case.set_classname(valid(snapshot.account.as_deref().unwrap_or(&snapshot.path)));
        suite.add_test_case(case);
    }
    suite
}

/// Returns the status of a check for an account; `given` is `None` if the account was not judged.
fn status(check: &Check<'_>, given: Option<&AccountCheck>, found: &[&Finding<'_>]) -> TestCaseStatus {
    let error = |message: &str| with_message(TestCaseStatus::non_success(NonSuccessKind::Error), message);
    let skipped = |message: &str| with_message(TestCaseStatus::skipped(), message);
    let Some(given) = given.filter(|_| check.state != CheckState::Deselected) else {
        return match check.state {
            CheckState::Deselected => skipped("the check is not selected"),
            _ => error("the snapshot was not judged"),
        };
    };
    let count = |verdict| given.counts.get(&verdict).copied().unwrap_or(0);
    let totals = totals(&count);
    let mut status = match given.state {
        CheckState::Invalid => return error("the check is invalid"),
        CheckState::Deselected => return skipped("the check is not selected"),
        _ if count(Verdict::Fail) > 0 => {
            with_message(TestCaseStatus::non_success(NonSuccessKind::Failure), &format!("{}: {totals}", check.title))
        }
        _ if count(Verdict::Unknown) > 0 => error(&format!("{}: {totals}", check.title)),
        _ if count(Verdict::Waived) > 0 => skipped(&totals),
        _ if count(Verdict::Pass) > 0 => TestCaseStatus::success(),
        _ if count(Verdict::NotApplicable) > 0 => skipped("the check does not apply to any resource"),
        _ => skipped("there are no resources for the check"),
    };
    let text: Vec<String> = found.iter().flat_map(|found| lines(found)).collect();
    if !text.is_empty() && !matches!(status, TestCaseStatus::Success { .. }) {
        let remedy = check.remediation.as_deref().filter(|_| count(Verdict::Fail) > 0);
        let remedy = remedy.map(|remedy| format!("help: {}", valid(&one_line(remedy))));
        status.set_description(text.into_iter().chain(remedy).collect::<Vec<_>>().join("\n"));
    }
    status.set_type(check.severity.name());
    status
}

/// Returns the number of each verdict that was given.
fn totals(count: &dyn Fn(Verdict) -> usize) -> String {
    let given = Verdict::ALL.into_iter().filter(|verdict| count(*verdict) > 0);
    let given: Vec<String> =
        given.map(|verdict| format!("{} {}", count(verdict), verdict.name().replace('_', " "))).collect();
    given.join(", ")
}

/// Returns the lines of a finding: its message, its places, its fingerprint.
fn lines(found: &Finding<'_>) -> Vec<String> {
    let resource = format!("{} {}", found.resource.ty, found.resource.id);
    let head = format!("{}: {resource}: {}", found.verdict.name().replace('_', " "), found.message);
    let places = [("snapshot", found.snapshot_place()), ("policy", found.policy_place())];
    let places = places.into_iter().filter_map(|(of, place)| Some(format!("  {of} {}", valid(&place?.shown()))));
    let pointer = (!found.resource.pointer.is_empty()).then(|| format!("  pointer {}", valid(&found.resource.pointer)));
    let change = found.baseline.map(|change| format!("  baseline {}", change.name()));
    let fingerprint = format!("  fingerprint {}", valid(&found.fingerprint));
    let waiver = found.waiver.iter().map(|by| {
        let original = found.original().name();
        valid(&format!("  original verdict {original}, waived {}", by.words()))
    });
    let parts = std::iter::once(valid(&head)).chain(places).chain(pointer).chain(change).chain(waiver);
    parts.chain([fingerprint]).collect()
}

/// Returns prose of a pack without line breaks.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn with_message(mut status: TestCaseStatus, message: &str) -> TestCaseStatus {
    status.set_message(valid(message));
    status
}

/// Returns a suite with an error for every diagnostic, by code and message; `None` without diagnostics.
pub(crate) fn suite_of_errors<'d>(name: &str, errors: impl Iterator<Item = (&'d str, &'d str)>) -> Option<TestSuite> {
    let mut suite = TestSuite::new(name);
    for (code, message) in errors {
        let status = with_message(TestCaseStatus::non_success(NonSuccessKind::Error), message);
        suite.add_test_case(TestCase::new(valid(code), status));
    }
    (!suite.test_cases.is_empty()).then_some(suite)
}

/// Writes suites as one document.
///
/// # Errors
/// When `out` cannot be written.
pub(crate) fn write_suites(name: &str, suites: Vec<TestSuite>, out: &mut dyn Write) -> io::Result<()> {
    let mut report = Report::new(name);
    report.add_test_suites(suites);
    // The writer of the library hides the kind of a failed write.
    out.write_all(report.to_string().map_err(io::Error::other)?.as_bytes())
}

/// Returns a text with the characters that XML 1.0 allows: control and hidden characters are escapes.
pub(crate) fn valid(text: &str) -> String {
    let is_refused = |c: char| matches!(c, '\u{fffe}' | '\u{ffff}');
    plain(text).chars().map(|c| if is_refused(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}
