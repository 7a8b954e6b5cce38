//! JSON with comments: comments and trailing commas are blanked out, and the strict scanner reads the rest.
//!
//! Every byte of the derived text has the offset of its origin, so that the messages of the scanner fit. Nothing else of
//! JSON5 is accepted: no single quotes, names without quotes, or hexadecimal numbers.

use super::{character, mark};
use crate::source::derived::{Derivation, Fault};
use crate::source::{Source, Span, TooLarge, byte_offset};
use std::sync::Arc;

/// Returns JSON without comments and trailing commas.
pub(super) fn read(main: &Arc<Source>) -> Result<Arc<Source>, TooLarge> {
    let text = main.text();
    let mut blanks = Blanks { text, at: mark(text) as usize, found: Vec::new(), comma: None, last: b' ' };
    let scanned = blanks.scan();
    if scanned.is_ok() && blanks.found.is_empty() {
        return Ok(Arc::clone(main));
    }
    let mut bytes = text.as_bytes().to_vec();
    for span in &blanks.found {
        // Line breaks stay, so that lines keep their numbers.
        let inside = bytes.get_mut(span.range()).unwrap_or_default().iter_mut();
        inside.filter(|byte| !matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
    }
    let blanked = String::from_utf8(bytes).unwrap_or_default();
    let mut json = Derivation::new(main);
    match scanned {
        Ok(()) => {
            json.respelled(&blanked);
            json.finish()
        }
        Err(start) => {
            json.respelled(blanked.get(..start).unwrap_or_default());
            let start = byte_offset(start);
            let fault = Fault::new(character(text, start), "this comment does not end").help("end it with `*/`");
            json.fail(main, start, fault)
        }
    }
}

/// A search for comments and trailing commas.
struct Blanks<'t> {
    text: &'t str,
    at: usize,
    /// The comments and the trailing commas.
    found: Vec<Span>,
    /// The last comma, if only white space and comments follow it.
    comma: Option<usize>,
    /// The last byte outside white space and comments.
    last: u8,
}

impl Blanks<'_> {
    /// Searches the text. Returns the offset of a comment that does not end.
    fn scan(&mut self) -> Result<(), usize> {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at).copied() {
            let next = bytes.get(self.at + 1).copied();
            match (byte, next) {
                (b'/', Some(b'/' | b'*')) => self.comment(next == Some(b'*'))?,
                (b' ' | b'\t' | b'\n' | b'\r', _) => self.at += 1,
                _ => self.token(byte),
            }
        }
        Ok(())
    }

    fn comment(&mut self, is_block: bool) -> Result<(), usize> {
        let start = self.at;
        let rest = self.text.as_bytes().get(start + 2..).unwrap_or_default();
        let end = match is_block {
            true => start + 4 + memchr::memmem::find(rest, b"*/").ok_or(start)?,
            false => start + 2 + memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len()),
        };
        self.found.push(Span::from(start..end));
        self.at = end;
        Ok(())
    }

    fn token(&mut self, byte: u8) {
        let comma = self.comma.take();
        if let (Some(comma), b']' | b'}') = (comma, byte) {
            self.found.push(Span::from(comma..comma + 1));
        }
        // A comma without a value before it is not a trailing comma.
        if byte == b',' && !b"[{,: ".contains(&self.last) {
            self.comma = Some(self.at);
        }
        self.last = byte;
        self.at = if byte == b'"' { self.string_end() } else { self.at + 1 };
    }

    /// Returns the end of the string that starts here, or of the text.
    fn string_end(&self) -> usize {
        let bytes = self.text.as_bytes();
        let mut at = self.at + 1;
        while let Some(step) = memchr::memchr2(b'"', b'\\', bytes.get(at..).unwrap_or_default()) {
            if bytes.get(at + step) == Some(&b'"') {
                return at + step + 1;
            }
            at += step + 2;
        }
        bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, json, places};
    use crate::source::format::SourceFormat::Jsonc;

    #[test]
    fn comments_and_trailing_commas_become_blanks() {
        check(
            Jsonc,
            &[
                ("{} // é", "{}      "),
                ("/* a\r\nb */{\"a\": 1,}", "    \r\n    {\"a\": 1 }"),
                ("[1, /* x */ ] // y\n", "[1          ]     \n"),
                (r#"{"a": "// no", "b\"/*": "\\"} "#, r#"{"a": "// no", "b\"/*": "\\"} "#),
                ("[1, 2]", "[1, 2]"),
                ("\u{feff}[1,]", "\u{feff}[1 ]"),
                ("", ""),
                ("/**/", "    "),
                ("{\"a\": /* ]", "1:7: this comment does not end; end it with `*/`"),
                ("[] /*/", "1:4: this comment does not end; end it with `*/`"),
            ],
        );
    }

    #[test]
    fn nothing_else_is_accepted() {
        use crate::source::json::Scanner;
        for text in [
            "[,]",
            "{,}",
            "[1,,]",
            "{\"a\":,}",
            "{'a': 1}",
            "{a: 1}",
            "[0x1F]",
            "[+1]",
            "[.5]",
            "[1] 2",
            "[\"a\n//\"]",
            "/ 1",
            "{\"a\": 1 \"b\": 2}",
        ] {
            let source = crate::source::Source::new("t", text).unwrap();
            let derived = Jsonc.read(&source).unwrap();
            let mut scanner = Scanner::new(derived.text());
            assert!(scanner.skip().and_then(|_| scanner.end()).is_err(), "{text}");
        }
        assert_eq!(json(Jsonc, "[1,\n]"), "[1 \n]");
    }

    #[test]
    fn places_are_those_of_the_file() {
        let text = "{ // one\n  \"a\": [1, /* two */ \"three\",],\n}";
        assert_eq!(places(Jsonc, text, &["\"a\"", "\"three\""]), ["\"a\"", "\"three\""]);
    }
}
