//! The document of a run as a Code Quality report of GitLab: a JSON array with an entry for every finding and diagnostic.
//!
//! The description of an entry that is not a failure begins with its verdict.

use super::alerts::{by_severity, fingerprints, path, primary, problem, sentence};
use super::configured;
use super::document::{Diagnostic, Document, Finding};
use super::escape::plain;
use super::output::{Audience, Format, JSON_FILES, OfDocument, Presentation, Unit};
use crate::diagnostic::DiagnosticLevel;
use crate::engine::Verdict;
use crate::policy::CheckSeverity;
use crate::report::fingerprint_of;
use serde::Serialize;
use std::borrow::Cow;
use std::io::{self, Write};

/// The format.
pub(super) const FORMAT: Format = Format {
    name: "gitlab",
    help: "For GitLab: a Code Quality report",
    audience: Audience::Programs,
    unit: Unit::Run,
    recognised: JSON_FILES,
    new: |presentation| OfDocument::open(presentation, write),
    saved: Some(write),
};

/// The path of a diagnostic that is not about a file. GitLab requires a path.
const NO_FILE: &str = "deodar";

#[derive(Serialize)]
struct Entry<'d> {
    description: String,
    check_name: &'d str,
    fingerprint: &'d str,
    severity: Severity,
    location: Location<'d>,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Severity {
    Info,
    Minor,
    Major,
    Critical,
    Blocker,
}

#[derive(Serialize)]
struct Location<'d> {
    path: Cow<'d, str>,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: usize,
}

fn write(document: &Document<'_>, presentation: &Presentation, out: &mut dyn Write) -> io::Result<()> {
    let configuration = of_configuration(document);
    let configuration = configuration.iter().map(|(description, fingerprint, (file, line))| Entry {
        description: description.clone(),
        check_name: "configuration",
        fingerprint,
        severity: Severity::Info,
        location: Location { path: path(file, presentation.repository.as_ref()), lines: Lines { begin: *line } },
    });
    let fingerprints = fingerprints(&document.diagnostics);
    let problems = document.diagnostics.iter().zip(&fingerprints);
    let problems = problems.map(|(found, fingerprint)| of_diagnostic(found, fingerprint, presentation));
    let findings = by_severity(document).into_iter().map(|finding| of_finding(finding, presentation));
    serde_json::to_writer_pretty(&mut *out, &problems.chain(findings).chain(configuration).collect::<Vec<_>>())?;
    out.write_all(b"\n")
}

/// Returns the configuration file and each setting that weakens the gate: description, fingerprint and place.
fn of_configuration<'d>(document: &'d Document<'_>) -> Vec<(String, String, (&'d str, usize))> {
    let Some(configuration) = &document.run.configuration else { return Vec::new() };
    let places = configuration.weakens.iter().map(|it| (&*it.span.file, it.span.start.line));
    let places = std::iter::once((&*configuration.path, 1)).chain(places);
    let keys = std::iter::once("").chain(configuration.weakens.iter().map(|it| &*it.setting));
    let described = configured::lines(document).into_iter().zip(keys).zip(places);
    described
        .map(|((line, key), place)| (line, fingerprint_of(&["configuration", &configuration.path, key]), place))
        .collect()
}

fn of_finding<'d>(finding: &'d Finding<'d>, presentation: &Presentation) -> Entry<'d> {
    let place = primary(finding, presentation.primary);
    let severity = match (finding.verdict, finding.severity) {
        (Verdict::Fail, CheckSeverity::Critical) => Severity::Blocker,
        (Verdict::Fail, CheckSeverity::High) => Severity::Critical,
        (Verdict::Fail, CheckSeverity::Medium) => Severity::Major,
        (Verdict::Fail, CheckSeverity::Low) => Severity::Minor,
        _ => Severity::Info,
    };
    Entry {
        description: format!("{} ({})", sentence(finding), plain(&finding.title)),
        check_name: &finding.check,
        fingerprint: &finding.fingerprint,
        severity,
        location: Location {
            path: path(place.map_or(&finding.snapshot, |span| &span.file), presentation.repository.as_ref()),
            lines: Lines { begin: place.map_or(1, |span| span.start.line) },
        },
    }
}

fn of_diagnostic<'d>(found: &'d Diagnostic<'d>, fingerprint: &'d str, presentation: &Presentation) -> Entry<'d> {
    let place = found.labels.first().map(|label| &label.span);
    Entry {
        description: problem(found, "; "),
        check_name: &found.code,
        fingerprint,
        severity: match found.severity {
            DiagnosticLevel::Error => Severity::Blocker,
            DiagnosticLevel::Warning => Severity::Minor,
        },
        location: Location {
            path: place.map_or(NO_FILE.into(), |span| path(&span.file, presentation.repository.as_ref())),
            lines: Lines { begin: place.map_or(1, |span| span.start.line) },
        },
    }
}
