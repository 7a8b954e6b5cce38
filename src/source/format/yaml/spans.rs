//! Places of YAML: offsets in bytes, and values without their anchors, tags and comments.

use crate::source::{Span, byte_offset};
use saphyr_parser::ScalarStyle;

/// The number of characters from one known offset to the next.
const STEP: usize = 64;

/// The byte offsets of the characters of a text.
pub(super) struct Offsets<'t> {
    text: &'t str,
    /// The offset of every [`STEP`]th character; empty if every character is one byte.
    known: Vec<u32>,
}

impl<'t> Offsets<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let known = match text.is_ascii() {
            true => Vec::new(),
            false => text.char_indices().step_by(STEP).map(|(at, _)| byte_offset(at)).collect(),
        };
        Self { text, known }
    }

    /// Returns the byte offset of a character, or the end of the text.
    pub(super) fn byte(&self, character: usize) -> u32 {
        let len = byte_offset(self.text.len());
        if self.known.is_empty() {
            return byte_offset(character).min(len);
        }
        let Some(near) = self.known.get(character / STEP) else { return len };
        let rest = self.text.get(*near as usize..).unwrap_or_default();
        rest.char_indices().nth(character % STEP).map_or(len, |(at, _)| near + byte_offset(at))
    }
}

/// Returns the place of a scalar as written, with its quotes; an empty one if nothing is written.
pub(super) fn scalar(text: &str, span: Span, style: ScalarStyle, has_properties: bool) -> Span {
    let start = after_properties(text, span, has_properties);
    let written = text.get(start as usize..span.end as usize).unwrap_or_default();
    let len = match style {
        ScalarStyle::SingleQuoted => quoted(written, |rest| {
            let at = rest.find('\'')?;
            Some((at, rest.get(at..).is_some_and(|rest| rest.starts_with("''"))))
        }),
        ScalarStyle::DoubleQuoted => quoted(written, |rest| {
            let at = rest.find(['"', '\\'])?;
            Some((at, rest.get(at..).is_some_and(|rest| rest.starts_with('\\'))))
        }),
        ScalarStyle::Plain | ScalarStyle::Literal | ScalarStyle::Folded => written.trim_end().len(),
    };
    Span::new(start, start + byte_offset(len))
}

/// Returns the length of a text in quotes. `next` finds the next quote or escape, and whether it is an escape of two
/// characters.
fn quoted(written: &str, next: impl Fn(&str) -> Option<(usize, bool)>) -> usize {
    let mut at = 1;
    while let Some((step, is_escape)) = written.get(at..).and_then(&next) {
        if !is_escape {
            return at + step + 1;
        }
        let escaped = written.get(at + step + 1..).and_then(|rest| rest.chars().next());
        at += step + 1 + escaped.map_or(0, char::len_utf8);
    }
    written.len()
}

/// Returns the start of a value after its anchor and tag.
pub(super) fn after_properties(text: &str, span: Span, has_properties: bool) -> u32 {
    if !has_properties {
        return span.start;
    }
    let whole = text.get(span.range()).unwrap_or_default();
    let mut rest = whole;
    loop {
        rest = match rest.as_bytes().first() {
            Some(b'&' | b'!') => rest.trim_start_matches(|c: char| !c.is_ascii_whitespace()),
            Some(b'#') => rest.trim_start_matches(|c: char| c != '\n'),
            Some(b' ' | b'\t' | b'\r' | b'\n') => rest.trim_ascii_start(),
            _ => return span.start + byte_offset(whole.len() - rest.len()),
        };
    }
}

/// Returns the place of the `-` before a place, or the place.
pub(super) fn dash(text: &str, span: Span) -> Span {
    let before = text.get(..span.start as usize).unwrap_or_default().trim_end_matches([' ', '\t']);
    let at = byte_offset(before.len());
    if before.ends_with('-') { Span::new(at - 1, at) } else { span }
}

/// Returns the start of a list with `-`. The parser may place the value of a property after its first `-`.
pub(super) fn first_dash(text: &str, start: u32) -> u32 {
    let before = text.get(..start as usize).unwrap_or_default();
    let line = before.rfind(['\n', '\r']).map_or(0, |at| at + 1);
    let indent = before.get(line..).unwrap_or_default();
    let blank = indent.len() - indent.trim_start().len();
    if indent.trim_start().starts_with('-') { byte_offset(line + blank) } else { start }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_those_of_the_characters() {
        for text in [String::new(), "abc".into(), "é".repeat(200), format!("{}あ{}😀b", "a".repeat(63), "b".repeat(70))]
        {
            let offsets = Offsets::new(&text);
            let expected = text.char_indices().map(|(at, _)| at).chain([text.len(), text.len()]);
            for (character, at) in expected.enumerate() {
                assert_eq!(offsets.byte(character) as usize, at, "{character} of {text:?}");
            }
        }
    }

    #[test]
    fn a_scalar_has_neither_properties_nor_comments() {
        for (text, style, expected) in [
            ("&a !!str # c\n  x ", ScalarStyle::Plain, "x"),
            ("'it''s'  # c", ScalarStyle::SingleQuoted, "'it''s'"),
            ("!t \"a\\\"\\\\\" # \"", ScalarStyle::DoubleQuoted, "\"a\\\"\\\\\""),
            ("'ends", ScalarStyle::SingleQuoted, "'ends"),
            ("&a", ScalarStyle::Plain, ""),
            ("&a |\n  & b\n\n", ScalarStyle::Literal, "|\n  & b"),
        ] {
            let span = scalar(text, Span::from(0..text.len()), style, text.starts_with(['&', '!']));
            assert_eq!(&text[span.range()], expected, "{text:?}");
        }
    }
}
