//! The formats of snapshots other than JSON. Each reader turns a text into derived JSON, with the place of every value.
//!
//! A reader accepts what its format does. A value that JSON does not have becomes a text or a fault, and docs/formats.md
//! lists which. Limits of depth and size apply to the derived JSON, where the engine reads it.

mod jsonc;
mod toml;
mod yaml;

use super::derived::Fault;
use super::{Source, Span, TooLarge};
use std::sync::Arc;

/// A format of snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceFormat {
    /// YAML 1.2 with its core schema.
    Yaml,
    /// TOML 1.1.
    Toml,
    /// JSON with comments and trailing commas.
    Jsonc,
}

/// A reader of a format.
type Reader = fn(&Arc<Source>) -> Result<Arc<Source>, TooLarge>;

/// All formats with the endings of their files and their readers.
const FORMATS: [(SourceFormat, &[&str], Reader); 3] = [
    (SourceFormat::Yaml, &["yaml", "yml"], yaml::read),
    (SourceFormat::Toml, &["toml"], toml::read),
    (SourceFormat::Jsonc, &["jsonc"], jsonc::read),
];

impl SourceFormat {
    /// Returns the format of files with an ending, without its point.
    pub fn of_ending(ending: &str) -> Option<Self> {
        let found = FORMATS.iter().find(|(_, endings, _)| endings.iter().any(|one| one.eq_ignore_ascii_case(ending)));
        found.map(|(format, ..)| *format)
    }

    /// Returns the JSON that a text in this format is, as a derived text. If the text is not valid, the derived text has a
    /// fault.
    ///
    /// # Errors
    /// [`TooLarge`] if the derived text does not fit 32-bit positions.
    pub fn read(self, source: &Arc<Source>) -> Result<Arc<Source>, TooLarge> {
        let reader = FORMATS.iter().find(|(format, ..)| *format == self).map(|(.., reader)| reader);
        reader.map_or_else(|| Ok(Arc::clone(source)), |reader| reader(source))
    }
}

/// Returns the number of bytes of a byte order mark at the start of a text.
fn mark(text: &str) -> u32 {
    super::json::document_start(text)
}

/// Returns the span of the character at an offset.
fn character(text: &str, at: u32) -> Span {
    let next = text.get(at as usize..).and_then(|rest| rest.chars().next());
    Span::new(at, at + next.map_or(0, |c| super::byte_offset(c.len_utf8())))
}

/// Returns the fault of a control character, which no format accepts outside escapes.
fn control_character(text: &str) -> Option<Fault> {
    let at = text.bytes().position(|byte| byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r'))?;
    let fault = Fault::new(character(text, super::byte_offset(at)), "a control character in the text");
    Some(fault.help("remove it, or write it as an escape in double quotes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Place;
    use crate::source::json::Scanner;

    /// Returns the derived JSON of a text, or its fault with the place.
    pub(super) fn json(format: SourceFormat, text: &str) -> String {
        let source = Source::new("file", text).unwrap();
        let derived = format.read(&source).unwrap();
        match derived.fault() {
            None => {
                let mut scanner = Scanner::new(derived.text().trim_start_matches('\u{feff}'));
                if !derived.text().trim().is_empty() {
                    scanner.skip().and_then(|_| scanner.end()).unwrap_or_else(|error| panic!("{error:?} in {text:?}"));
                }
                derived.text().to_owned()
            }
            Some((fault, of)) => {
                let (start, _) = of.positions(fault.span);
                let help = fault.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
                format!("{}:{}: {}{help}", start.line, start.column, fault.message)
            }
        }
    }

    /// Returns the text of the file that each value of the derived JSON comes from.
    pub(super) fn places(format: SourceFormat, text: &str, parts: &[&str]) -> Vec<String> {
        let derived = format.read(&Source::new("file", text).unwrap()).unwrap();
        let place = |part: &&str| {
            let start = derived.text().find(part).unwrap_or_else(|| panic!("no {part} in {}", derived.text()));
            Place::new(&derived, Span::from(start..start + part.len())).text().to_owned()
        };
        parts.iter().map(place).collect()
    }

    /// Checks readings: a text, and its JSON or its fault.
    pub(super) fn check(format: SourceFormat, cases: &[(&str, &str)]) {
        for (text, expected) in cases {
            assert_eq!(json(format, text), *expected, "{text:?}");
        }
    }

    #[test]
    fn endings_name_formats() {
        assert_eq!(SourceFormat::of_ending("YML"), Some(SourceFormat::Yaml));
        assert_eq!(SourceFormat::of_ending("jsonc"), Some(SourceFormat::Jsonc));
        // JSON5 has more than comments.
        assert_eq!(SourceFormat::of_ending("json5"), None);
    }
}
