//! Recognising Deodar's own reports, which are often in the same folder as the snapshots.

use crate::diagnostic::{Code, Diagnostic};
use crate::render::DOCUMENTS;
use crate::source::json::{Kind, Scanner, WalkEnd, string_text};

/// Returns the format of a document that Deodar wrote, as its first top-level property `format` says.
///
/// Only a text that contains the name of a format somewhere is scanned, and only up to that property.
pub(super) fn format_of(text: &str) -> Option<&'static str> {
    // Every format begins like this. Looking for it takes much less time than a scan.
    memchr::memmem::find(text.as_bytes(), b"deodar-")?;
    let text = text.trim_start_matches('\u{feff}');
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
            r#"{"name": , "format":"deodar-report"}"#,
            "",
        ] {
            assert_eq!(format_of(text), None, "{text}");
        }
    }
}
