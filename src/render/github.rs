//! The document of a run as workflow commands of GitHub Actions, which annotate the lines of files.
//!
//! GitHub shows ten annotations of a level for each step. The output has the most severe ones, and plain lines in a
//! group for the others. Waived and inapplicable findings are not annotations.

use super::alerts::{by_severity, message, path, primary, problem, sentence, totals, verdict};
use super::configured;
use super::document::{Document, Finding, Span};
use super::escape::plain;
use super::output::{Audience, Format, OfDocument, Presentation, Primary, Repository, Unit};
use crate::diagnostic::DiagnosticLevel;
use crate::engine::Verdict;
use crate::policy::CheckSeverity;
use crate::report::Change;
use std::borrow::Cow;
use std::io::{self, Write};

/// The number of annotations of one level that GitHub shows for a step.
const MOST_OF_LEVEL: usize = 10;

/// The format.
pub(super) const FORMAT: Format = Format {
    name: "github",
    help: "For GitHub Actions: annotations as workflow commands",
    audience: Audience::Programs,
    unit: Unit::Run,
    recognised: &[],
    new: |presentation| OfDocument::open(presentation, write),
    saved: Some(write),
};

/// A level of annotations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Error,
    Warning,
    Notice,
}

impl Level {
    const ALL: [Level; 3] = [Level::Error, Level::Warning, Level::Notice];

    fn name(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Notice => "notice",
        }
    }
}

/// A finding or a diagnostic.
struct Entry<'d> {
    /// The level of its annotation, if it can be one.
    level: Option<Level>,
    place: Option<&'d Span<'d>>,
    /// The file, if there is no place.
    file: Option<&'d str>,
    title: String,
    message: String,
    /// The plain line.
    line: String,
}

fn write(document: &Document<'_>, presentation: &Presentation, out: &mut dyn Write) -> io::Result<()> {
    let repository = presentation.repository.as_ref();
    let entries: Vec<Entry<'_>> = problems(document)
        .chain(by_severity(document).into_iter().map(|it| finding(it, presentation.primary)))
        .collect();
    let mut shown = [0; Level::ALL.len()];
    let (mut annotations, mut others) = (Vec::new(), Vec::new());
    for entry in &entries {
        let count = Level::ALL.into_iter().zip(&mut shown).find(|(level, _)| Some(*level) == entry.level);
        match count {
            Some((level, count)) if *count < MOST_OF_LEVEL => {
                *count += 1;
                annotations.push((level, entry));
            }
            _ => others.push(entry),
        }
    }
    for (level, entry) in annotations {
        writeln!(out, "{}", command(level, entry, repository))?;
    }
    for (level, shown) in Level::ALL.into_iter().zip(shown) {
        let all = entries.iter().filter(|entry| entry.level == Some(level)).count();
        if all > shown {
            let name = level.name();
            writeln!(out, "{} of {all} {name} annotations are left out, the least severe ones", all - shown)?;
        }
    }
    if !others.is_empty() {
        writeln!(out, "::group::Deodar: {} without an annotation", others.len())?;
        for entry in others {
            let place = located(entry, repository).map(|(file, span)| {
                let at = span.map(|span| format!(":{}:{}", span.start.line, span.start.column)).unwrap_or_default();
                format!(" at {}{at}", plain(&file))
            });
            writeln!(out, "{}{}", inert(&entry.line), inert(&place.unwrap_or_default()))?;
        }
        writeln!(out, "::endgroup::")?;
    }
    configured::lines(document).iter().try_for_each(|line| writeln!(out, "Deodar: {}", inert(line)))?;
    writeln!(out, "Deodar: {}; exit code {}", totals(document), document.run.exit_code)
}

fn problems<'d>(document: &'d Document<'_>) -> impl Iterator<Item = Entry<'d>> {
    document.diagnostics.iter().map(|found| {
        let level = match found.severity {
            DiagnosticLevel::Error => Level::Error,
            DiagnosticLevel::Warning => Level::Warning,
        };
        Entry {
            level: Some(level),
            place: found.labels.first().map(|label| &label.span),
            file: None,
            title: plain(&found.code).into_owned(),
            message: problem(found, "\n"),
            line: format!("{} {}: {}", level.name(), plain(&found.code), problem(found, "; ")),
        }
    })
}

fn finding<'d>(finding: &'d Finding<'d>, place: Primary) -> Entry<'d> {
    let change = finding.baseline.map_or_else(String::new, |change| format!("{} ", change.name()));
    let level = match (finding.verdict, finding.severity) {
        _ if finding.baseline.is_some_and(Change::is_covered) => None,
        (Verdict::Fail, CheckSeverity::Critical | CheckSeverity::High) => Some(Level::Error),
        (Verdict::Fail, CheckSeverity::Medium) | (Verdict::Unknown, _) => Some(Level::Warning),
        (Verdict::Fail, CheckSeverity::Low) => Some(Level::Notice),
        (Verdict::Waived | Verdict::NotApplicable | Verdict::Pass, _) => None,
    };
    let remedy = finding.remediation.as_deref().map(|text| format!("\nremedy: {}", plain(text))).unwrap_or_default();
    let (severity, check) = (finding.severity.name(), plain(&finding.check));
    let fingerprint = plain(&finding.fingerprint);
    Entry {
        level,
        place: primary(finding, place),
        file: Some(&finding.snapshot),
        title: format!("{check} ({severity}): {}", plain(&finding.title)),
        message: format!("{}{remedy}\nfingerprint: {fingerprint}", sentence(finding)),
        line: match &finding.waiver {
            Some(by) => {
                let (original, words) = (verdict(finding.original()), by.words());
                format!(
                    "{change}waived {original} {severity} {check} {fingerprint} {}; waived {}",
                    message(finding),
                    plain(&words)
                )
            }
            None => {
                format!("{change}{} {severity} {check} {fingerprint} {}", verdict(finding.verdict), message(finding))
            }
        },
    }
}

/// Returns the file of an entry, and its place.
fn located<'e>(entry: &'e Entry<'_>, repository: Option<&Repository>) -> Option<(Cow<'e, str>, Option<&'e Span<'e>>)> {
    let file = entry.place.map(|span| &*span.file).or(entry.file)?;
    Some((path(file, repository), entry.place))
}

/// Returns the workflow command of an annotation. Only a place in one line has columns, as GitHub requires.
fn command(level: Level, entry: &Entry<'_>, repository: Option<&Repository>) -> String {
    let mut properties: Vec<(&str, String)> = Vec::new();
    if let Some((file, span)) = located(entry, repository) {
        properties.push(("file", plain(&file).into_owned()));
        let (start, end) = span.map_or((1, 1), |span| (span.start.line, span.end.line));
        properties.extend([("line", start.to_string()), ("endLine", end.to_string())]);
        if let Some(span) = span.filter(|_| start == end) {
            properties.push(("col", span.start.column.to_string()));
            properties.push(("endColumn", span.end.column.to_string()));
        }
    }
    properties.push(("title", entry.title.clone()));
    let properties: Vec<String> =
        properties.into_iter().map(|(name, value)| format!("{name}={}", property(&value))).collect();
    format!("::{} {}::{}", level.name(), properties.join(","), data(&entry.message))
}

/// Returns the message of a command as GitHub's toolkit escapes it.
fn data(text: &str) -> String {
    inert(&text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A"))
}

/// Returns the value of a property as GitHub's toolkit escapes it.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// Returns a text without commands of the old syntax, which a runner finds anywhere in a line.
fn inert(text: &str) -> String {
    text.replace("##[", "## [")
}

#[cfg(test)]
mod tests {
    use super::{data, property};

    #[test]
    fn texts_are_escaped_as_the_toolkit_does() {
        assert_eq!(data("50%\r\na: b, c"), "50%25%0D%0Aa: b, c");
        assert_eq!(property("50%\r\na: b, c"), "50%25%0D%0Aa%3A b%2C c");
        assert_eq!(data("::error::x ##[add-mask]y"), "::error::x ## [add-mask]y");
    }
}
