//! Recognising Deodar's own reports, which are often in the same folder as the snapshots.

use crate::diagnostic::{Code, Diagnostic};
use crate::parallel::map_each;
use crate::render::{CSV_COLUMNS, DOCUMENTS};
use crate::source::json::{Kind, Scanner, WalkEnd, string_text};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// Returns the format of a report that Deodar wrote: a document with its name, or a report for another program.
pub(super) fn format_of(text: &str) -> Option<&'static str> {
    let text = text.trim_start_matches('\u{feff}');
    document_of(text).or_else(|| report_for_others(text.trim_start()))
}

/// Returns the format of a document that Deodar wrote, as its first top-level property `format` says.
///
/// Only a text that contains the name of a format somewhere is scanned, and only up to that property.
fn document_of(text: &str) -> Option<&'static str> {
    // Every format begins like this. Looking for it takes much less time than a scan.
    if !contains(text.as_bytes(), b"deodar-") {
        return None;
    }
    let mut found = None;
    #[expect(
        clippy::let_underscore_must_use,
        reason = "an early end of the scan means that the property was found, or that the text is not JSON"
    )]
    let _ = Scanner::new(text).object(|scanner, key| {
        let (kind, _) = scanner.peek()?;
        let span = scanner.skip()?;
        if key.text() != "format" {
            return Ok::<_, WalkEnd>(());
        }
        if kind == Kind::String {
            let written = string_text(text.get(span.range()).unwrap_or_default());
            found = written.and_then(|written| DOCUMENTS.into_iter().find(|format| written == *format));
        }
        Err(WalkEnd)
    });
    found
}

/// The number of bytes of a text that one task searches.
const BYTES_PER_TASK: usize = 1 << 20;

/// Returns whether a text contains a piece. All threads search a large text.
fn contains(text: &[u8], piece: &[u8]) -> bool {
    let starts: Vec<usize> = (0..text.len()).step_by(BYTES_PER_TASK).collect();
    let found = map_each(&starts, |start| {
        let end = start.saturating_add(BYTES_PER_TASK + piece.len()).min(text.len());
        text.get(*start..end).is_some_and(|part| memchr::memmem::find(part, piece).is_some())
    });
    found.contains(&true)
}

/// The number of bytes in which the first event of a file has its class.
const BEGINNING: usize = 1 << 16;

/// Returns the format of a report for another program, which has the form that Deodar writes. None of them may be a
/// snapshot: a SARIF report has no other properties than those of SARIF, and a Code Quality report is an array.
fn report_for_others(text: &str) -> Option<&'static str> {
    let is_ours = |name: &str| name.eq_ignore_ascii_case(env!("CARGO_PKG_NAME"));
    let beginning = text.as_bytes().get(..BEGINNING).unwrap_or(text.as_bytes());
    let has = |piece: &[u8]| memchr::memmem::find(beginning, piece).is_some();
    match text.chars().next()? {
        '{' => {
            let is_sarif =
                |sarif: Sarif| !sarif.runs.is_empty() && sarif.runs.iter().all(|run| is_ours(&run.tool.driver.name));
            let is_event = |event: OcsfEvent| is_ours(&event.metadata.product.name);
            let mut events = serde_json::Deserializer::from_str(text).into_iter::<OcsfEvent>();
            // A large snapshot is not parsed as SARIF, because its first property is not one of SARIF.
            if SARIF.contains(&first_key(text)?.as_str()) && serde_json::from_str(text).is_ok_and(is_sarif) {
                Some("sarif")
            } else if has(b"\"class_uid\"") && events.all(|event| event.is_ok_and(is_event)) {
                Some("ocsf")
            } else {
                None
            }
        }
        '[' => {
            let entries: Vec<CodeQuality> = serde_json::from_str(text).ok()?;
            let is_ours = |entry: &CodeQuality| {
                entry.fingerprint.len() == 32 && entry.fingerprint.bytes().all(|byte| byte.is_ascii_hexdigit())
            };
            (!entries.is_empty() && entries.iter().all(is_ours)).then_some("gitlab")
        }
        _ => is_csv(text).then_some("csv"),
    }
}

fn is_csv(text: &str) -> bool {
    text.lines().next().is_some_and(|first| first.split(',').eq(CSV_COLUMNS))
}

/// Returns the name of the first property of an object.
fn first_key(text: &str) -> Option<String> {
    let mut first = None;
    #[expect(clippy::let_underscore_must_use, reason = "the scan ends after the first property")]
    let _ = Scanner::new(text).object(|_, key| {
        first = Some(key.text().into_owned());
        Err::<(), _>(WalkEnd)
    });
    first
}

/// The properties of a SARIF report.
const SARIF: [&str; 3] = ["$schema", "version", "runs"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sarif {
    #[serde(rename = "$schema")]
    _schema: IgnoredAny,
    #[serde(rename = "version")]
    _version: IgnoredAny,
    runs: Vec<SarifRun>,
}

#[derive(Deserialize)]
struct SarifRun {
    tool: SarifTool,
}

#[derive(Deserialize)]
struct SarifTool {
    driver: Product,
}

/// A program.
#[derive(Deserialize)]
struct Product {
    name: String,
}

/// An event of OCSF. No snapshot has all of these properties.
#[derive(Deserialize)]
struct OcsfEvent {
    #[serde(rename = "class_uid")]
    _class: u32,
    #[serde(rename = "type_uid")]
    _ty: u32,
    #[serde(rename = "finding_info")]
    _finding: IgnoredAny,
    #[serde(rename = "compliance")]
    _compliance: IgnoredAny,
    metadata: OcsfMetadata,
}

#[derive(Deserialize)]
struct OcsfMetadata {
    product: Product,
}

/// An entry of a Code Quality report.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CodeQuality {
    #[serde(rename = "description")]
    _description: IgnoredAny,
    #[serde(rename = "check_name")]
    _check: IgnoredAny,
    fingerprint: String,
    #[serde(rename = "severity")]
    _severity: IgnoredAny,
    #[serde(rename = "location")]
    _location: IgnoredAny,
}

/// Returns the error for a report in the place of a snapshot.
pub(super) fn refused(name: &str, format: &str) -> Diagnostic {
    let message = format!("`{name}` is a report of Deodar (`{format}`), not a snapshot");
    Diagnostic::error(Code::NotASnapshot, message).help("name the snapshot that the report is about")
}

#[cfg(test)]
mod tests {
    use super::{DOCUMENTS, format_of};

    #[test]
    fn a_report_is_known_wherever_its_format_is() {
        assert!(DOCUMENTS.iter().all(|format| format.starts_with("deodar-")));
        for text in [
            r#"{"format":"deodar-report","version":"1.0"}"#,
            r#" { "checks": [{"format": "other"}], "format": "deodar-report" }"#,
            "\u{feff}{\"format\":\"deodar-report\"}",
            r#"{"fo\u0072mat":"deodar-report"}"#,
            r#"{"format":"deodar-report","cut"#,
        ] {
            assert_eq!(format_of(text), Some("deodar-report"), "{text}");
        }
        assert_eq!(format_of(r#"{"format":"deodar-account"}"#), Some("deodar-account"));
        assert_eq!(format_of(r#"{"format":"deodar-test"}"#), Some("deodar-test"));
    }

    #[test]
    fn another_document_is_no_report() {
        for text in [
            r#"{"format":"xml"}"#,
            r#"{"a":{"format":"deodar-report"}}"#,
            r#"{"a":"format","b":"deodar-report"}"#,
            r#"{"format":["deodar-report"]}"#,
            r#"{"format":"deodar-report-2"}"#,
            r#"{"format":"xml","format":"deodar-report"}"#,
            r#"["format","deodar-report"]"#,
            "[]",
            r#"[{"description":"","check_name":"","fingerprint":"short","severity":"","location":{}}]"#,
            r#"{"$schema":"","version":"2.1.0","runs":[{"tool":{"driver":{"name":"deodar"}}}],"members":[]}"#,
            r#"{"$schema":"","version":"2.1.0","runs":[]}"#,
            r#"{"$schema":"","version":"2.1.0","runs":[{"tool":{"driver":{"name":"other"}}}],"x":"deodar"}"#,
            r#"{"metadata":{"product":{"name":"deodar"}}}"#,
            "fingerprint,account",
            r#"{"name": , "format":"deodar-report"}"#,
            "",
        ] {
            assert_eq!(format_of(text), None, "{text}");
        }
    }
}
