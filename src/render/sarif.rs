//! The document of a run as SARIF 2.1.0, in the subset that GitHub code scanning reads: one run, a rule for every check,
//! a result for every finding. Diagnostics are notifications of the invocation.
//!
//! A result has its place in the snapshot; its message links to the clauses of the policy. Columns count Unicode code
//! points, and end columns are exclusive, as in the document.

use super::alerts::{by_severity, path, primary, problem, sentence, totals};
use super::configured;
use super::document::{self, Check, Configuration, Document, Finding, Span, Weakening};
use super::escape::plain;
use super::names;
use super::output::{Audience, Format, JSON_FILES, OfDocument, Presentation, Primary, Repository, Unit};
use crate::diagnostic::DiagnosticLevel;
use crate::engine::Verdict;
use crate::policy::CheckSeverity;
use crate::report::{Change, CheckState, Status};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use serde_sarif::sarif::{
    Artifact, ArtifactLocation, ConfigurationOverride, Invocation, Location, Message, MultiformatMessageString,
    Notification, PhysicalLocation, PropertyBag, Region, ReportingConfiguration, ReportingDescriptor,
    ReportingDescriptorReference, Result as Entry, ResultKind, ResultLevel, Run, SCHEMA_URL, Sarif, Suppression, Tool,
    ToolComponent,
};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// The number of results that GitHub accepts in a run.
const MOST_RESULTS: usize = 25_000;

/// The number of bytes of a compressed file that GitHub accepts is 10 MB. The limit is lower, because another program
/// compresses the file.
const MOST_BYTES: usize = 9_500_000;

/// The number of results that GitHub shows.
const SHOWN_RESULTS: usize = 5_000;

/// The number of tags of a rule that GitHub shows.
const SHOWN_TAGS: usize = 10;

/// The number of characters of a description of a rule that GitHub accepts.
const LONGEST_DESCRIPTION: usize = 1024;

/// The number of locations of a result that GitHub shows.
const SHOWN_LOCATIONS: usize = 100;

/// The number of values to capture that a message lists.
const SHOWN_CAPTURES: usize = 3;

/// The format.
pub(super) const FORMAT: Format = Format {
    name: "sarif",
    help: "For code scanning: SARIF 2.1.0",
    audience: Audience::Programs,
    unit: Unit::Run,
    recognised: JSON_FILES,
    new: |presentation| OfDocument::open(presentation, write),
    saved: Some(write),
};

fn write(document: &Document<'_>, presentation: &Presentation, out: &mut dyn Write) -> io::Result<()> {
    let whole = log(document, presentation, MOST_RESULTS);
    let mut text = serde_json::to_vec(&whole)?;
    // Compression makes no text longer, except by a few bytes.
    if text.len() > MOST_BYTES {
        let results = || whole.runs.iter().flat_map(|run| run.results.iter().flatten());
        let rest = serde_json::to_vec(&log(document, presentation, 0))?;
        let fitting = compressed_prefix(&rest, results().map(serde_json::to_vec), MOST_BYTES)?;
        if fitting < results().count() {
            text = serde_json::to_vec(&log(document, presentation, fitting))?;
        }
    }
    out.write_all(&text)?;
    out.write_all(b"\n")
}

/// Returns the number of texts that, after a head and compressed with it, are at most as long as a limit.
fn compressed_prefix(
    head: &[u8],
    texts: impl Iterator<Item = serde_json::Result<Vec<u8>>>,
    most: usize,
) -> io::Result<usize> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(head)?;
    let mut count = 0;
    for text in texts {
        gzip.write_all(&text?)?;
        if gzip.get_ref().len() > most {
            return Ok(count);
        }
        count += 1;
    }
    Ok(count)
}

fn log(document: &Document<'_>, presentation: &Presentation, most: usize) -> Sarif {
    let files = Files::of(document, presentation.repository.as_ref());
    let findings = by_severity(document);
    let rules: BTreeMap<&str, i64> = document.checks.iter().map(|check| &*check.id).zip(0..).collect();
    // SARIF expects the property at all results of a run or at none.
    let has_waived = findings.iter().any(|finding| finding.verdict == Verdict::Waived);
    let results: Vec<Entry> = findings
        .iter()
        .take(most)
        .map(|finding| result(finding, (&files, presentation.primary), &rules, has_waived))
        .collect();
    let notices = notices(document, results.len());
    let driver = ToolComponent::builder()
        .name("Deodar")
        .version(&*document.tool.version)
        .semantic_version(&*document.tool.version)
        .rules(document.checks.iter().map(rule).collect::<Vec<_>>())
        .notifications(notices.iter().map(|id| ReportingDescriptor::builder().id(*id).build()).collect::<Vec<_>>())
        .build();
    let run = Run::builder()
        .tool(Tool::builder().driver(driver).build())
        .invocations(vec![invocation(document, &files, &notices, (&findings, results.len()))])
        .artifacts(files.artifacts.clone())
        .column_kind(json!("unicodeCodePoints"))
        .results(results)
        .properties(properties([
            ("now", json!(document.run.now)),
            ("pack", json!(document.run.pack)),
            ("packVersion", json!(document.run.pack_version)),
            ("verdicts", json!(document.summary.verdicts)),
            ("configuration", json!(document.run.configuration.as_ref().map(configuration))),
        ]))
        .build();
    Sarif::builder().schema(SCHEMA_URL).version(json!("2.1.0")).runs(vec![run]).build()
}

/// The files of a run, each with its number in the list of artifacts.
struct Files<'d> {
    repository: Option<&'d Repository>,
    artifacts: Vec<Artifact>,
    numbers: BTreeMap<&'d str, i64>,
}

impl<'d> Files<'d> {
    /// Returns the snapshots, and the files of the pack.
    fn of(document: &'d Document<'_>, repository: Option<&'d Repository>) -> Self {
        let mut files = Self { repository, artifacts: Vec::new(), numbers: BTreeMap::new() };
        for snapshot in &document.run.snapshots {
            // A joined account is a folder, and its files are artifacts.
            match &snapshot.files[..] {
                [] => files.add(&snapshot.path, snapshot.sha256.as_deref(), Some(json!("analysisTarget"))),
                parts => parts
                    .iter()
                    .for_each(|file| files.add(&file.path, Some(&file.sha256), Some(json!("analysisTarget")))),
            }
        }
        if let Some(file) = &document.run.configuration {
            files.add(&file.path, Some(&file.sha256), Some(json!("userSpecifiedConfiguration")));
        }
        for file in &document.run.pack_files {
            files.add(&file.path, Some(&file.sha256), None);
        }
        files
    }

    fn add(&mut self, path: &'d str, sha256: Option<&str>, role: Option<Value>) {
        if self.numbers.contains_key(path) {
            return;
        }
        self.numbers.insert(path, number(self.artifacts.len()));
        let location = ArtifactLocation::builder().uri(uri(path, self.repository)).build();
        let mut artifact = Artifact::builder().location(location).build();
        artifact.hashes = sha256.map(|sha256| BTreeMap::from([("sha-256".to_owned(), sha256.to_owned())]));
        artifact.roles = role.map(|role| vec![role]);
        self.artifacts.push(artifact);
    }

    /// Returns a place in a file, or its first line.
    fn location(&self, file: &str, span: Option<&Span<'_>>) -> Location {
        let mut artifact = ArtifactLocation::builder().uri(uri(file, self.repository)).build();
        artifact.index = self.numbers.get(file).copied();
        let region = match span {
            None => Region::builder().start_line(1).build(),
            Some(Span { start, end, .. }) => Region::builder()
                .start_line(number(start.line))
                .start_column(number(start.column))
                .end_line(number(end.line))
                .end_column(number(end.column))
                .build(),
        };
        let physical = PhysicalLocation::builder().artifact_location(artifact).region(region).build();
        Location::builder().physical_location(physical).build()
    }
}

fn configuration(configuration: &Configuration<'_>) -> Value {
    let weakening =
        |it: &Weakening<'_>| json!({ "setting": it.setting, "effect": it.effect, "line": it.span.start.line });
    json!({
        "path": configuration.path,
        "sha256": configuration.sha256,
        "weakens": configuration.weakens.iter().map(weakening).collect::<Vec<_>>(),
    })
}

fn rule(check: &Check<'_>) -> ReportingDescriptor {
    let title = plain(&check.title);
    let remediation = check.remediation.as_deref().map(plain);
    let reference = check.source.as_deref().map(plain);
    let url = check.source.as_deref().filter(|source| is_url(source));
    let described = remediation.iter().fold(title.to_string(), |text, remedy| format!("{text}. {remedy}"));
    let described = limited(&described);
    let listed = |ids: &[document::Text<'_>]| ids.iter().map(|id| plain(id)).collect::<Vec<_>>().join(", ");

    let mut text = title.to_string();
    let mut markdown = in_markdown(&title);
    if let Some(remediation) = &remediation {
        text += &format!("\n\nRemediation: {remediation}");
        markdown += &format!("\n\n**Remediation:** {}", in_markdown(remediation));
    }
    if let Some(reference) = &reference {
        text += &format!("\n\nReference: {reference}");
        let link = url.map_or_else(|| in_markdown(reference), |url| format!("<{url}>"));
        markdown += &format!("\n\n**Reference:** {link}");
    }
    if !check.controls.is_empty() {
        text += "\n\nControls:";
        markdown += "\n\n| framework | controls |\n| --- | --- |";
    }
    for (framework, ids) in &check.controls {
        let (framework, ids) = (plain(framework), listed(ids));
        text += &format!("\n{framework}: {ids}");
        markdown += &format!("\n| {} | {} |", in_markdown(&framework), in_markdown(&ids));
    }

    let controls = check.controls.iter();
    let controls = controls.flat_map(|(framework, ids)| ids.iter().map(move |id| format!("{framework}:{id}")));
    let tags: Vec<String> = std::iter::once("security".to_owned()).chain(controls).take(SHOWN_TAGS).collect();
    let mut bag = properties([
        ("precision", json!("very-high")),
        ("security-severity", json!(security_severity(check.severity))),
        ("severity", json!(check.severity)),
        ("overridden", json!(check.overridden)),
        ("state", json!(check.state)),
        ("controls", json!(check.controls)),
        ("verdicts", json!(check.counts)),
    ]);
    bag.tags = Some(tags);

    let configuration = ReportingConfiguration::builder().level(json!(level(check.severity))).build();
    let mut rule = ReportingDescriptor::builder()
        .id(&*check.id)
        .short_description(multiformat(&limited(&title)))
        .full_description(multiformat(&described))
        .help(MultiformatMessageString::builder().text(text).markdown(markdown).build())
        .default_configuration(configuration)
        .properties(bag)
        .build();
    rule.help_uri = url.map(str::to_owned);
    rule
}

fn result(
    finding: &Finding<'_>,
    (files, place): (&Files<'_>, Primary),
    rules: &BTreeMap<&str, i64>,
    has_waived: bool,
) -> Entry {
    let related = related(finding, files, place);
    let text = described(finding, place, related.len());
    let place = primary(finding, place);
    let file = place.map_or(&*finding.snapshot, |span| &*span.file);
    // A waived result keeps the kind of its original verdict, with a suppression.
    let (kind, level) = match finding.original() {
        Verdict::Fail | Verdict::Waived => (ResultKind::Fail, level(finding.severity)),
        Verdict::Unknown => (ResultKind::Open, ResultLevel::None),
        Verdict::NotApplicable => (ResultKind::NotApplicable, ResultLevel::None),
        Verdict::Pass => (ResultKind::Pass, ResultLevel::None),
    };
    let mut result = Entry::builder()
        .rule_id(&*finding.check)
        .kind(kind)
        .level(level)
        .message(message(&text))
        .locations(vec![files.location(file, place)])
        .related_locations(related)
        .partial_fingerprints(BTreeMap::from([
            ("primaryLocationLineHash".to_owned(), format!("{}:1", finding.fingerprint)),
            ("deodarFingerprint/v1".to_owned(), finding.fingerprint.to_string()),
        ]))
        .properties(properties([
            ("account", json!(finding.account)),
            ("pointer", json!(finding.resource.pointer)),
            ("resourceId", json!(finding.resource.id)),
            ("resourceType", json!(finding.resource.ty)),
            ("severity", json!(finding.severity)),
            ("snapshot", json!(path(&finding.snapshot, files.repository))),
            ("verdict", json!(finding.verdict)),
        ]))
        .build();
    result.rule_index = rules.get(&*finding.check).copied();
    result.baseline_state = finding.baseline.map(|change| match change {
        Change::New => json!("new"),
        Change::Worse | Change::Better => json!("updated"),
        Change::Unchanged => json!("unchanged"),
    });
    if has_waived {
        let waived = (finding.verdict == Verdict::Waived).then(|| suppression(finding, files));
        result.suppressions = Some(waived.into_iter().collect());
    }
    result
}

fn suppression(finding: &Finding<'_>, files: &Files<'_>) -> Suppression {
    let mut suppression = Suppression::builder().kind(json!("external")).status(json!("accepted")).build();
    let Some(by) = &finding.waiver else { return suppression };
    suppression.justification = Some(plain(&format!("waived {}", by.words())).into_owned());
    suppression.location = Some(files.location(&by.span.file, Some(&by.span)));
    suppression.properties = Some(properties([
        ("waiver", json!(by.id)),
        ("reason", json!(by.reason)),
        ("owner", json!(by.owner)),
        ("expires", json!(by.expires)),
        ("ticket", json!(by.ticket)),
        ("originalVerdict", json!(finding.original())),
    ]));
    suppression
}

/// Returns the places of a finding in the file that is not the primary one, each with a text.
fn related(finding: &Finding<'_>, files: &Files<'_>, place: Primary) -> Vec<Location> {
    let clauses = finding.clauses.iter();
    let places: Vec<(String, &Span<'_>)> = match place {
        Primary::Snapshot => clauses.map(|clause| (clause.text.trim().to_owned(), &clause.span)).collect(),
        Primary::Policy => {
            let reads = clauses.flat_map(|clause| &clause.reads);
            let placed = reads.filter_map(|read| Some((read, read.span.as_ref()?)));
            placed
                .map(|(read, span)| {
                    (
                        read.value
                            .as_ref()
                            .map_or_else(|| read.name.to_string(), |value| format!("{} is {value}", read.name)),
                        span,
                    )
                })
                .collect()
        }
    };
    let location = |((text, span), id): ((String, &Span<'_>), i64)| Location {
        id: Some(id),
        message: Some(message(&in_message(&plain(&text)))),
        ..files.location(&span.file, Some(span))
    };
    places.into_iter().take(SHOWN_LOCATIONS).zip(1..).map(location).collect()
}

/// Returns the text of a result, with links to `related` places and the values to capture.
fn described(finding: &Finding<'_>, place: Primary, related: usize) -> String {
    let mut text = in_message(&sentence(finding));
    let (of, noun) = match place {
        Primary::Snapshot => ("Policy", "clause"),
        Primary::Policy => ("Snapshot", "value"),
    };
    let links: Vec<String> =
        (1..=related).map(|id| if id == 1 { format!("[{noun}](1)") } else { format!("[{noun} {id}]({id})") }).collect();
    if !links.is_empty() {
        text += &format!(". {of}: {}", links.join(", "));
    }
    let captures = finding.capture.as_deref().unwrap_or_default();
    let listed: Vec<String> = captures
        .iter()
        .take(SHOWN_CAPTURES)
        .map(|capture| in_message(&format!("{} ({})", plain(&capture.pointer), plain(&capture.attribute))))
        .collect();
    if !listed.is_empty() {
        text += &format!(". Capture: {}", listed.join(", "));
    }
    if captures.len() > listed.len() {
        text += &format!(" and {} more", captures.len() - listed.len());
    }
    text + "."
}

/// The notification about results that GitHub does not show, or that are omitted.
const LIMIT: &str = "result-limit";

/// Returns the ids of notifications, in order.
fn notices<'d>(document: &'d Document<'_>, results: usize) -> Vec<&'d str> {
    let codes = document.diagnostics.iter().map(|found| &*found.code);
    let limit = limits(document.findings.len(), results).map(|_| LIMIT);
    codes.chain(limit).collect::<std::collections::BTreeSet<_>>().into_iter().collect()
}

fn invocation(
    document: &Document<'_>,
    files: &Files<'_>,
    notices: &[&str],
    (findings, results): (&[&Finding<'_>], usize),
) -> Invocation {
    let of_notice = |id: &str| {
        let mut descriptor = ReportingDescriptorReference::builder().id(id).build();
        descriptor.index = notices.iter().position(|notice| *notice == id).map(number);
        descriptor
    };
    let limits = limits(findings.len(), results).map(|(level, text)| {
        let notification = Notification::builder().level(json!(level)).message(message(&in_message(&text)));
        notification.descriptor(of_notice(LIMIT)).build()
    });
    let diagnostics = document.diagnostics.iter().map(|found| {
        let level = match found.severity {
            DiagnosticLevel::Error => ResultLevel::Error,
            DiagnosticLevel::Warning => ResultLevel::Warning,
        };
        let locations = found.labels.iter().map(|label| {
            let text = Some(plain(&label.text)).filter(|text| !text.is_empty());
            let text = text.map(|text| message(&in_message(&text)));
            Location { message: text, ..files.location(&label.span.file, Some(&label.span)) }
        });
        Notification::builder()
            .level(json!(level))
            .message(message(&in_message(&problem(found, "; "))))
            .descriptor(of_notice(&found.code))
            .locations(locations.collect::<Vec<_>>())
            .build()
    });
    let deselected = document.checks.iter().zip(0..).filter(|(check, _)| check.state == CheckState::Deselected);
    let overrides = deselected.map(|(check, index)| {
        ConfigurationOverride::builder()
            .configuration(ReportingConfiguration::builder().enabled(false).build())
            .descriptor(ReportingDescriptorReference::builder().id(&*check.id).index(index).build())
            .build()
    });
    let weakens = document.run.configuration.iter().flat_map(|configuration| &configuration.weakens).map(|it| {
        Notification::builder()
            .level(json!(ResultLevel::Note))
            .message(message(&in_message(&configured::weakening(it))))
            .locations(vec![files.location(&it.span.file, Some(&it.span))])
            .build()
    });
    let statuses: Vec<&str> = document.run.statuses.iter().map(|status| names::status(*status)).collect();
    Invocation::builder()
        .execution_successful(!document.run.statuses.contains(&Status::Invalid))
        .exit_code(i64::from(document.run.exit_code))
        .exit_code_description(format!("{}: {}", statuses.join(", "), totals(document)))
        .rule_configuration_overrides(overrides.collect::<Vec<_>>())
        .tool_configuration_notifications(weakens.collect::<Vec<_>>())
        .tool_execution_notifications(limits.into_iter().chain(diagnostics).collect::<Vec<_>>())
        .build()
}

/// Returns the level and the text of the notification about the limits of GitHub, if one applies to the findings, of which
/// some are `results`.
fn limits(all: usize, results: usize) -> Option<(ResultLevel, String)> {
    let order = "failures first, then unknown verdicts, the most severe first";
    let shown = match results > SHOWN_RESULTS {
        true => format!("; GitHub shows the first {SHOWN_RESULTS} of them"),
        false => String::new(),
    };
    let omitted = all.saturating_sub(results);
    if omitted > 0 {
        let limit = match results {
            MOST_RESULTS => format!("{MOST_RESULTS} results in a run"),
            _ => "10 MB in a compressed file".to_owned(),
        };
        let text = format!(
            "{omitted} of {all} findings are omitted, because GitHub accepts {limit}; the others are results, \
             {order}{shown}"
        );
        return Some((ResultLevel::Warning, text));
    }
    (results > SHOWN_RESULTS).then(|| (ResultLevel::Note, format!("{all} findings are results, {order}{shown}")))
}

fn level(severity: CheckSeverity) -> ResultLevel {
    match severity {
        CheckSeverity::Critical | CheckSeverity::High => ResultLevel::Error,
        CheckSeverity::Medium => ResultLevel::Warning,
        CheckSeverity::Low => ResultLevel::Note,
    }
}

/// Returns a score in the range that GitHub shows as this severity.
fn security_severity(severity: CheckSeverity) -> &'static str {
    match severity {
        CheckSeverity::Critical => "9.5",
        CheckSeverity::High => "8.0",
        CheckSeverity::Medium => "5.5",
        CheckSeverity::Low => "3.0",
    }
}

fn properties<const N: usize>(entries: [(&str, Value); N]) -> PropertyBag {
    let entries = entries.into_iter().map(|(name, value)| (name.to_owned(), value));
    PropertyBag::builder().additional_properties(entries.collect::<BTreeMap<_, _>>()).build()
}

fn message(text: &str) -> Message {
    Message::builder().text(text).build()
}

fn multiformat(text: &str) -> MultiformatMessageString {
    MultiformatMessageString::builder().text(text).build()
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Returns a text without links: SARIF reads `[text](target)` as a link.
fn in_message(text: &str) -> String {
    escaped(text, |c| matches!(c, '\\' | '[' | ']'))
}

/// Returns a text as Markdown that shows it.
fn in_markdown(text: &str) -> String {
    escaped(text, |c| c.is_ascii_punctuation() && !matches!(c, ',' | '.' | ';' | ':' | '/' | '\'' | '"' | '?' | '%'))
}

fn escaped(text: &str, is_special: impl Fn(char) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if is_special(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// Returns a description that GitHub accepts.
fn limited(text: &str) -> String {
    match text.char_indices().nth(LONGEST_DESCRIPTION - 1) {
        Some((end, last)) if text.len() > end + last.len_utf8() => {
            text.chars().take(LONGEST_DESCRIPTION - 1).chain(['…']).collect()
        }
        _ => text.to_owned(),
    }
}

/// Returns whether a text is a URL that is safe as a link.
fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let is_valid = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#@!$&'()*+,;=%".contains(c);
    rest.is_some_and(|rest| !rest.is_empty() && rest.matches('#').count() < 2 && rest.chars().all(is_valid))
}

/// Returns the URI of a file: relative as the path, or with the scheme `file` for an absolute path.
fn uri(file: &str, repository: Option<&Repository>) -> String {
    let path = path(file, repository);
    let scheme = if path.starts_with('/') { "file://" } else { "" };
    let mut uri = scheme.to_owned();
    for byte in path.bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' => uri.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => uri.push(char::from(byte)),
            byte => uri += &format!("%{byte:02X}"),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_are_percent_encoded() {
        assert_eq!(uri("a b/ü%:[1].json", None), "a%20b/%C3%BC%25%3A%5B1%5D.json");
        let repository = Repository { root: "/x".to_owned(), folder: String::new() };
        assert_eq!(uri("/x/a.json", Some(&repository)), "a.json");
        assert_eq!(uri("/x/a.json", None), "file:///x/a.json");
    }

    #[test]
    fn texts_contain_neither_links_nor_markup() {
        assert_eq!(in_message("[a](1) \\"), "\\[a\\](1) \\\\");
        assert_eq!(in_markdown("<b> `x` | [a](b) *"), "\\<b\\> \\`x\\` \\| \\[a\\]\\(b\\) \\*");
        assert!(is_url("https://example.org/a?b=c#d"));
        for wrong in ["javascript:alert(1)", "https://", "https://a b", "https://a>b", "https://a#b#c", "https://ü"] {
            assert!(!is_url(wrong), "{wrong}");
        }
    }

    #[test]
    fn descriptions_are_limited() {
        let limit = |length| limited(&"ü".repeat(length)).chars().count();
        assert_eq!([1023, 1024, 1025, 5000].map(limit), [1023, 1024, 1024, 1024]);
        assert!(limited(&"ü".repeat(1025)).ends_with('…'));
        assert!(!limited(&"ü".repeat(1024)).ends_with('…'));
    }

    /// Texts that cannot be compressed by much.
    fn texts() -> Vec<Vec<u8>> {
        let mut state = 1_u64;
        let mut letter = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            b'!' + u8::try_from((state >> 33) % 90).expect("it is small")
        };
        (0..200).map(|_| (0..5_000).map(|_| letter()).collect()).collect()
    }

    #[test]
    fn results_are_omitted_beyond_a_compressed_size() {
        let (texts, most) = (texts(), 600_000);
        let count = |texts: &[Vec<u8>], most| {
            compressed_prefix(b"head", texts.iter().map(|text| Ok(text.clone())), most).expect("it is in memory")
        };
        let size = |texts: &[Vec<u8>]| {
            let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
            gzip.write_all(&texts.concat()).expect("it is in memory");
            gzip.finish().expect("it is in memory").len()
        };
        let fitting = count(&texts, most);
        assert!(0 < fitting && fitting < texts.len(), "{fitting}");
        // The encoder holds back some of the last texts.
        let (with, without) = (size(&texts[..fitting]), size(&texts[..fitting - 20]));
        assert!(with < most + 100_000 && without < most, "{with} {without}");
        assert_eq!(count(&texts, 2_000_000), texts.len());
        assert_eq!(count(&texts, 0), 0);
    }
}
