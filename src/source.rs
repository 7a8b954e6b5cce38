//! Text and positions: a named text, byte spans in it, lines and columns, JSON scanning and pointers.
//!
//! This module does not read files. Every span in the program is a byte range of one [`Source`]. Lines are counted on
//! the first use. A source may be [derived](derived) from a file in another format: then a [`Place`] in it is a place in
//! the file.

pub mod cedar;
pub mod derived;
pub mod json;
pub mod format;
pub mod pointer;
pub(crate) mod by_name;
mod spelling;

pub use spelling::{
    NameIndex, is_in_other_unit, is_same_but_for_writing, is_slip, look_alike, misspelling, misspellings, nearest,
};

use bytestring::ByteString;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::sync::{Arc, OnceLock};

/// A named text that diagnostics can point into.
#[derive(Debug)]
pub struct Source {
    name: String,
    text: ByteString,
    line_starts: OnceLock<Vec<u32>>,
    /// The place of the text in a larger one: lines and bytes before it.
    before: (usize, usize),
    /// Whether the text is a document of its own in a file that has one on each line.
    is_line: bool,
    /// Scalar values before every block of [`BLOCK`] bytes: a line may be as long as the file.
    scalars_before: OnceLock<Vec<u32>>,
    /// The texts that this one was made from, if it is derived.
    origins: Option<Box<derived::Origins>>,
    /// Whether the text is a part of this program that its tests validate.
    is_validated: bool,
    /// The compiled forms of the pack of this schema, if it has any.
    saved: Option<SavedPack>,
}

/// The compiled forms of a pack of this program. A form states the digests of the texts that it was made of.
#[derive(Debug, Clone, Copy)]
pub struct SavedPack {
    /// The model of the schema.
    pub model: &'static [u8],
    /// The policies, and the program of all checks.
    pub program: &'static [u8],
}

/// Two sources are equal if they have the same name, the same text, the same place in a larger one, and the same origin.
impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        let files = |source: &Self| source.origins.as_ref().map(|origins| origins.files().to_vec());
        (&self.name, self.before, self.is_line, &self.text) == (&other.name, other.before, other.is_line, &other.text)
            && files(self) == files(other)
    }
}

// The comparison of two `Arc<Source>` looks at the texts only if the pointers differ.
impl Eq for Source {}

/// Returns bytes in hexadecimal.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

const BLOCK: usize = 4096;

/// The largest text a [`Source`] holds, in bytes: positions are 32 bits wide.
pub const MAX_SOURCE_BYTES: usize = u32::MAX as usize - 1;

/// The text is larger than [`MAX_SOURCE_BYTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLarge;

impl std::fmt::Display for TooLarge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the text is larger than {MAX_SOURCE_BYTES} bytes")
    }
}

impl std::error::Error for TooLarge {}

impl Source {
    /// Returns a source that shows `name` in messages.
    ///
    /// # Errors
    /// [`TooLarge`] when the text does not fit 32-bit positions.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Result<Arc<Self>, TooLarge> {
        Self::part(name, text, 0, 0)
    }

    /// Returns a source that is a part of a larger text, with `lines` lines and `bytes` bytes before it.
    ///
    /// # Errors
    /// [`TooLarge`] when the line does not fit 32-bit positions.
    pub fn part(
        name: impl Into<String>,
        text: impl Into<String>,
        lines: usize,
        bytes: usize,
    ) -> Result<Arc<Self>, TooLarge> {
        Ok(Arc::new(Self::at(name.into(), text.into().into(), (lines, bytes), false)?))
    }

    /// Returns a source that is a document on one line of a file, with `lines` lines and `bytes` bytes before it.
    ///
    /// # Errors
    /// [`TooLarge`] when the line does not fit 32-bit positions.
    pub fn on_line(
        name: impl Into<String>,
        text: impl Into<String>,
        lines: usize,
        bytes: usize,
    ) -> Result<Arc<Self>, TooLarge> {
        Ok(Arc::new(Self::at(name.into(), text.into().into(), (lines, bytes), true)?))
    }

    /// Returns a source as it was read from a file, with `before` lines and bytes before it.
    ///
    /// # Errors
    /// [`TooLarge`] when the text does not fit 32-bit positions.
    #[cfg(feature = "files")]
    pub(crate) fn read(
        name: &str,
        text: ByteString,
        before: (usize, usize),
        is_line: bool,
    ) -> Result<Arc<Self>, TooLarge> {
        Ok(Arc::new(Self::at(name.to_owned(), text, before, is_line)?))
    }

    fn at(name: String, text: ByteString, before: (usize, usize), is_line: bool) -> Result<Self, TooLarge> {
        if text.len() > MAX_SOURCE_BYTES {
            return Err(TooLarge);
        }
        let (line_starts, scalars_before) = (OnceLock::new(), OnceLock::new());
        let (origins, is_validated, saved) = (None, false, None);
        Ok(Self { name, text, line_starts, before, is_line, scalars_before, origins, is_validated, saved })
    }

    /// Returns a source that is a part of this program, and of a schema the compiled forms of its pack. Tests hold that
    /// Cedar validates it without a diagnostic, and that the forms are those of the texts.
    ///
    /// # Errors
    /// [`TooLarge`] when the text does not fit 32-bit positions.
    #[cfg(feature = "files")]
    pub(crate) fn validated(name: &str, text: &str, saved: Option<SavedPack>) -> Result<Arc<Self>, TooLarge> {
        let source = Self::at(name.to_owned(), text.into(), (0, 0), false)?;
        Ok(Arc::new(Self { is_validated: true, saved, ..source }))
    }

    /// Returns the compiled forms of the pack of this schema, if it is a part of this program.
    pub(crate) fn saved(&self) -> Option<SavedPack> {
        self.saved
    }

    /// Returns whether Cedar need not validate the text, because tests of this program do.
    pub fn is_validated(&self) -> bool {
        self.is_validated
    }

    /// Returns the texts that this one is derived from, or this one.
    pub fn files(self: &Arc<Self>) -> &[Arc<Source>] {
        self.origins.as_ref().map_or(std::slice::from_ref(self), |origins| origins.files())
    }

    /// Returns the texts that this one is joined from; none if it is not joined.
    pub fn parts(&self) -> &[Arc<Source>] {
        self.origins.as_ref().map_or(&[], |origins| origins.joined())
    }

    /// Returns whether the text is derived from a file in another format, or from several files.
    pub fn is_derived(&self) -> bool {
        self.origins.is_some()
    }

    /// Returns the reason why this text, which is derived, ends early, with the text that the reason is about.
    pub fn fault(&self) -> Option<(&derived::Fault, &Arc<Source>)> {
        self.origins.as_ref()?.fault()
    }

    /// Returns the places in the files of this text that any byte of `spans` comes from, in any order.
    pub fn written(self: &Arc<Self>, spans: &[Span]) -> Vec<Place> {
        match &self.origins {
            Some(origins) => origins.places(spans),
            None => spans.iter().map(|span| Place::new(self, *span)).collect(),
        }
    }

    /// Returns the SHA-256 of the bytes of the file, with its byte order mark, in hexadecimal. If the text is derived from
    /// several files, it is that of their list, as `sha256sum` writes it.
    pub fn sha256(&self) -> String {
        match self.origins.as_ref().map(|origins| origins.files()) {
            Some([only]) => return only.sha256(),
            Some(files) => {
                let lines = files.iter().map(|file| format!("{}  {}\n", file.sha256(), file.document()));
                return hexadecimal(Sha256::digest(lines.collect::<String>()).as_slice());
            }
            None => {}
        }
        let mut hash = Sha256::new();
        if self.has_mark() {
            hash.update("\u{feff}");
        }
        hash.update(&self.text);
        hexadecimal(hash.finalize().as_slice())
    }

    /// Returns the name that messages show, usually a path as the user typed it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the name of the document: that of its file, with the line if the file has one document on each.
    pub fn document(&self) -> String {
        if self.is_line { format!("{}:{}", self.name, self.before.0 + 1) } else { self.name.clone() }
    }

    /// Returns the whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the text of `span`, or the empty string if the span is not in this text.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or_default()
    }

    /// Returns the position of a byte offset.
    pub fn position(&self, offset: u32) -> Position {
        let line = self.line_at(offset);
        let start = self.line_starts().get(line).copied().unwrap_or(0);
        let column = if (offset - start) as usize <= BLOCK {
            scalars(self.bytes(start as usize, offset as usize))
        } else {
            self.scalars_before(offset) - self.scalars_before(start)
        };
        let (lines, bytes) = self.before;
        Position { line: lines + line + 1, column: column + 1, offset: bytes + offset as usize }
    }

    /// Returns the positions of the start and of the end of a span.
    pub fn positions(&self, span: Span) -> (Position, Position) {
        let start = self.position(span.start);
        let text = self.slice(span);
        // Most spans are short and in one line, so that one search for the line is enough.
        if span.end < span.start || text.len() > BLOCK || memchr::memchr(b'\n', text.as_bytes()).is_some() {
            return (start, self.position(span.end));
        }
        let end =
            Position { column: start.column + scalars(text.as_bytes()), offset: start.offset + text.len(), ..start };
        (start, end)
    }

    /// Returns whether the file begins with a byte order mark that is not part of this text.
    pub fn has_mark(&self) -> bool {
        self.before == (0, '\u{feff}'.len_utf8())
    }

    /// Returns the number of bytes of a larger text before this one.
    pub fn bytes_before(&self) -> usize {
        self.before.1
    }

    /// Returns the line of this text, from 0, that contains a byte offset.
    pub fn line_at(&self, offset: u32) -> usize {
        self.line_starts().partition_point(|start| *start <= offset).saturating_sub(1)
    }

    /// Returns the byte range of the line (from 0) without its line break.
    pub fn line(&self, line: usize) -> Option<Span> {
        let starts = self.line_starts();
        let start = *starts.get(line)?;
        let end = starts.get(line + 1).map_or(byte_offset(self.text.len()), |next| next - 1);
        let end = if self.slice(Span::new(start, end)).ends_with('\r') { end - 1 } else { end };
        Some(Span::new(start, end))
    }

    fn bytes(&self, from: usize, to: usize) -> &[u8] {
        self.text.as_bytes().get(from..to).unwrap_or_default()
    }

    /// Counts the scalar values before an offset.
    fn scalars_before(&self, offset: u32) -> usize {
        let blocks = self.scalars_before.get_or_init(|| {
            let mut before = 0;
            let counted = self.text.as_bytes().chunks(BLOCK).map(|block| {
                let here = before;
                before += byte_offset(scalars(block));
                here
            });
            counted.collect()
        });
        let block = (offset as usize / BLOCK).min(blocks.len().saturating_sub(1));
        blocks.get(block).copied().unwrap_or(0) as usize + scalars(self.bytes(block * BLOCK, offset as usize))
    }

    fn line_starts(&self) -> &[u32] {
        self.line_starts.get_or_init(|| {
            let breaks = memchr::memchr_iter(b'\n', self.text.as_bytes());
            std::iter::once(0).chain(breaks.map(|at| byte_offset(at) + 1)).collect()
        })
    }
}

/// Counts the bytes that begin a scalar value.
fn scalars(bytes: &[u8]) -> usize {
    if bytes.is_ascii() {
        return bytes.len();
    }
    // A sum of so few bytes is a byte, so that many are counted in one register.
    let begins = |byte: &u8| u8::from(*byte & 0b1100_0000 != 0b1000_0000);
    let few = |bytes: &[u8]| bytes.iter().map(begins).fold(0, u8::wrapping_add);
    bytes.chunks(u8::MAX.into()).map(|bytes| usize::from(few(bytes))).sum()
}

/// A half-open range of bytes in some [`Source`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(from = "(u32, u32)", into = "(u32, u32)")]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl From<(u32, u32)> for Span {
    fn from((start, end): (u32, u32)) -> Self {
        Self { start, end }
    }
}

impl From<Span> for (u32, u32) {
    fn from(span: Span) -> Self {
        (span.start, span.end)
    }
}

impl Span {
    /// Returns the span `start..end`.
    pub const fn new(start: u32, end: u32) -> Self {
        Self { start, end }
    }

    /// Returns the length in bytes.
    pub const fn len(self) -> u32 {
        self.end.saturating_sub(self.start)
    }

    /// Returns whether the span holds no byte.
    pub const fn is_empty(self) -> bool {
        self.end <= self.start
    }

    /// Returns the span as a range for slicing.
    pub const fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }

    /// Returns whether `other` is inside this span.
    pub const fn contains(self, other: Span) -> bool {
        self.start <= other.start && other.end <= self.end
    }
}

/// The span of a byte range of a [`Source`].
impl From<std::ops::Range<usize>> for Span {
    fn from(range: std::ops::Range<usize>) -> Self {
        Self { start: byte_offset(range.start), end: byte_offset(range.end) }
    }
}

/// Returns a text without the white space around it. Most texts have none.
pub(crate) fn trimmed(text: &str) -> &str {
    let is_mark = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_graphic);
    if is_mark(text.as_bytes().first()) && is_mark(text.as_bytes().last()) { text } else { text.trim() }
}

/// Returns a place in a [`Source`] as a 32-bit offset. A text is at most [`MAX_SOURCE_BYTES`] long.
pub(crate) fn byte_offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Where a byte is: line and column from 1, columns in Unicode scalar values, offset in bytes from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in Unicode scalar values.
    pub column: usize,
    /// Byte offset, from 0.
    pub offset: usize,
}

/// A span with its text, in a file of the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The text.
    pub source: Arc<Source>,
    /// The bytes.
    pub span: Span,
}

impl Place {
    /// Returns the place `span` in `source`, or the place in a file that the bytes of a derived text come from.
    pub fn new(source: &Arc<Source>, span: Span) -> Self {
        let derived = source.origins.as_ref().and_then(|origins| origins.place(span));
        derived.unwrap_or_else(|| Self { source: Arc::clone(source), span })
    }

    /// Returns the text at this place.
    pub fn text(&self) -> &str {
        self.source.slice(self.span)
    }
}

/// Returns the bytes of a Cedar file outside strings and comments, with their offsets.
pub fn cedar_marks(text: &str) -> impl Iterator<Item = (usize, u8)> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let byte = *bytes.get(at)?;
            let here = at;
            at += 1;
            match byte {
                b'"' => {
                    while let Some(inner) = bytes.get(at).filter(|inner| **inner != b'"') {
                        at += if *inner == b'\\' { 2 } else { 1 };
                    }
                    at += 1;
                }
                b'/' if bytes.get(at) == Some(&b'/') => {
                    while bytes.get(at).is_some_and(|inner| !matches!(inner, b'\n' | b'\r')) {
                        at += 1;
                    }
                }
                _ => return Some((here, byte)),
            }
        }
    })
}

/// Returns Cedar on one line, without the comments. Blanks in strings do not change.
pub fn one_line(text: &str) -> String {
    let (mut line, mut in_string, mut escaped) = (String::with_capacity(text.len()), false, false);
    for c in without_comments(text).trim().chars() {
        match c {
            _ if in_string && c != '\n' => line.push(c),
            _ if !c.is_whitespace() => line.push(c),
            _ if !line.ends_with(' ') => line.push(' '),
            _ => {}
        }
        in_string ^= c == '"' && !escaped;
        escaped = in_string && c == '\\' && !escaped;
    }
    line
}

/// Returns a Cedar text without its comments.
fn without_comments(text: &str) -> String {
    let (mut kept, mut in_string, mut escaped) = (String::with_capacity(text.len()), false, false);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c == '/' && !in_string && rest.peek() == Some(&'/') {
            while rest.peek().is_some_and(|next| !matches!(next, '\n' | '\r')) {
                rest.next();
            }
            continue;
        }
        in_string ^= c == '"' && !escaped;
        escaped = in_string && c == '\\' && !escaped;
        kept.push(c);
    }
    kept
}

/// Appends a text to another one as a string of Cedar, as `{:?}` writes it.
pub(crate) fn push_quoted(out: &mut String, text: &str) {
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\');
    if is_plain {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        out.push_str(&format!("{text:?}"));
    }
}

/// Returns whether a character is invisible, or changes the order or the look of the text around it: soft hyphens,
/// fillers, zero-width, bidirectional, interlinear and tag characters, line separators, the byte order mark.
pub fn is_hidden(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Returns whether nothing of a text is seen.
pub(crate) fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || is_hidden(c))
}

/// Returns whether a character selects a variant of the one before it, such as the coloured form of a sign.
pub fn selects_variant(c: char) -> bool {
    matches!(c, '\u{fe00}'..='\u{fe0f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_scalar_values_and_lines_from_one() {
        let source = Source::new("t", "a\nßb\r\nc").unwrap();
        let at = |offset| {
            let position = source.position(offset);
            (position.line, position.column)
        };
        assert_eq!([at(0), at(2), at(4), at(7)], [(1, 1), (2, 1), (2, 2), (3, 1)]);
        assert_eq!(source.slice(source.line(1).unwrap()), "ßb");
        assert_eq!(source.slice(source.line(2).unwrap()), "c");
        assert_eq!(source.line(3), None);
    }

    #[test]
    fn the_positions_of_a_span_are_those_of_its_ends() {
        let source = Source::new("t", format!("a\nßb\r\nc{}\n", "ü".repeat(9_000))).unwrap();
        for (start, end) in [(0, 0), (0, 1), (0, 2), (2, 4), (2, 5), (2, 7), (7, 10), (7, 18_008), (7, 18_009), (4, 2)]
        {
            let span = Span::new(start, end);
            assert_eq!(source.positions(span), (source.position(start), source.position(end)), "{span:?}");
        }
    }

    #[test]
    fn columns_of_very_long_lines_are_the_same_however_they_are_counted() {
        let text = "aß".repeat(10_000);
        let source = Source::new("t", format!("x\n{text}")).unwrap();
        for offset in [2, 5, 4097, 8192, 8193, 29_999] {
            let before =
                source.text().as_bytes()[2..offset as usize].iter().filter(|byte| **byte & 0xC0 != 0x80).count();
            assert_eq!(source.position(offset).column, before + 1);
        }
    }

    #[test]
    fn comments_end_with_their_line_and_strings_hold_none() {
        assert_eq!(without_comments("a // b \" c\nd"), "a \nd");
        assert_eq!(without_comments(r#""http://x\" // y" // z"#), r#""http://x\" // y" "#);
    }

    #[test]
    fn a_line_keeps_the_blanks_in_strings() {
        assert_eq!(one_line(" a ==\n  \"x  \\\"  y\" // no\r\n   && b "), "a == \"x  \\\"  y\" && b");
    }
}
