//! A strict JSON scanner over a `&str`. It walks objects and arrays, skips values, and yields byte offsets.
//!
//! It does not build values. A value is a [`Span`]; the caller decides which ones are read as text, number or list.
//! It accepts the texts of RFC 8259 whose names are Unicode text, as RFC 7493 requires, with nesting up to a depth that
//! the caller sets. A name with half of a surrogate pair is an error, because it may be meant to be any other name.

use super::{Span, byte_offset};
use std::borrow::Cow;
use std::ops::{Deref, Range};
use wide::u8x16;

/// The default limit of the nesting of arrays and objects.
pub const MAX_DEPTH: usize = 512;

/// The text is not JSON. It is as small as a pointer, because a scan returns many results and few errors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError(Box<SyntaxProblem>);

/// The place where a text is not JSON, and the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxProblem {
    /// Where.
    pub span: Span,
    /// The expected syntax, in one phrase.
    pub message: String,
    /// The same without any character of a value, for texts with secrets.
    pub unquoted: String,
    /// Whether it may be JSON, and only nests deeper than the scanner goes.
    pub too_deep: bool,
}

impl From<SyntaxProblem> for SyntaxError {
    fn from(problem: SyntaxProblem) -> Self {
        Self(Box::new(problem))
    }
}

impl SyntaxError {
    /// Returns the place and the reason.
    pub fn into_problem(self) -> SyntaxProblem {
        *self.0
    }
}

impl Deref for SyntaxError {
    type Target = SyntaxProblem;

    fn deref(&self) -> &SyntaxProblem {
        &self.0
    }
}

/// The early end of a walk over an array or object: enough was read, or the text is not JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WalkEnd;

impl From<SyntaxError> for WalkEnd {
    fn from(_: SyntaxError) -> Self {
        WalkEnd
    }
}

/// The kind of a JSON value, which its first byte determines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the JSON kinds name themselves")]
pub enum Kind {
    Object,
    Array,
    String,
    Number,
    Bool,
    Null,
}

impl Kind {
    /// Returns the kind with its article, for messages.
    pub fn described(self) -> &'static str {
        match self {
            Kind::Object => "an object",
            Kind::Array => "an array",
            Kind::String => "a string",
            Kind::Number => "a number",
            Kind::Bool => "a boolean",
            Kind::Null => "null",
        }
    }
}

/// The key of a property.
#[derive(Debug, Clone, Copy)]
pub struct Key<'a> {
    /// The key with its quotes.
    pub span: Span,
    document: &'a str,
    escaped: bool,
}

impl<'a> Key<'a> {
    /// Returns the key as text.
    pub fn text(&self) -> Cow<'a, str> {
        if self.escaped {
            // The scan accepts only names that are text.
            Cow::Owned(unescape(self.raw()).unwrap_or_default())
        } else {
            Cow::Borrowed(self.raw())
        }
    }

    fn raw(&self) -> &'a str {
        self.document.get(self.span.start as usize + 1..self.span.end as usize - 1).unwrap_or_default()
    }

    /// Returns the bytes between the quotes when they hold no escape, which is nearly always.
    pub fn plain(&self) -> Option<&'a str> {
        (!self.escaped).then(|| self.raw())
    }
}

/// A name as the key of an object is usually written: in quotes, with a colon after it, without escapes.
#[derive(Debug)]
pub struct UsualKey(Box<str>);

impl UsualKey {
    /// Returns the key of a name. `None` for a name that is always written with an escape.
    pub fn of(name: &str) -> Option<Self> {
        let is_plain = name.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\');
        is_plain.then(|| Self(format!("\"{name}\":").into()))
    }
}

/// A value that was scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scanned {
    /// Its kind.
    pub kind: Kind,
    /// Its place.
    pub span: Span,
    /// Whether it is a string with an escape.
    pub escaped: bool,
}

/// A cursor over JSON text.
#[derive(Debug, Clone)]
pub struct Scanner<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    max_depth: usize,
}

type Result<T> = std::result::Result<T, SyntaxError>;

impl<'a> Scanner<'a> {
    /// Returns a scanner at the start of `text` that goes down to [`MAX_DEPTH`].
    pub fn new(text: &'a str) -> Self {
        Self::at(text, 0).up_to(MAX_DEPTH)
    }

    /// Returns a scanner of `text` that starts at a byte offset. It has no limit of depth, for text that was scanned
    /// before.
    pub fn at(text: &'a str, offset: u32) -> Self {
        Self { text, at: offset as usize, depth: 0, max_depth: usize::MAX }
    }

    /// Returns the scanner with a limit to how deep arrays and objects may nest.
    pub fn up_to(self, max_depth: usize) -> Self {
        Self { max_depth, ..self }
    }

    /// Moves to the start of the next value and returns its kind and offset.
    ///
    /// # Errors
    /// When no value starts here.
    pub fn peek(&mut self) -> Result<(Kind, u32)> {
        self.blank();
        let kind = match self.byte() {
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b'"') => Kind::String,
            Some(b'-' | b'0'..=b'9') => Kind::Number,
            Some(b't' | b'f') => Kind::Bool,
            Some(b'n') => Kind::Null,
            _ => return Err(self.expected("a value")),
        };
        Ok((kind, self.offset()))
    }

    /// Returns the offset of the next unread byte.
    pub fn offset(&self) -> u32 {
        byte_offset(self.at)
    }

    /// Moves to an offset, which must be the end of a value this scanner, or another on the same text, has read.
    pub fn jump(&mut self, offset: u32) {
        self.at = offset as usize;
    }

    /// Walks an object; `each` gets every key and must read or skip its value.
    ///
    /// # Errors
    /// When the text is not JSON, or `each` says so.
    pub fn object<E: From<SyntaxError>>(
        &mut self,
        mut each: impl FnMut(&mut Self, Key<'a>) -> std::result::Result<(), E>,
    ) -> std::result::Result<Span, E> {
        self.properties(|scanner| {
            let key = scanner.key()?;
            each(scanner, key)
        })
    }

    /// Walks an object; `each` must read the key and the value of one property.
    ///
    /// # Errors
    /// When the text is not JSON, or `each` says so.
    pub fn properties<E: From<SyntaxError>>(
        &mut self,
        mut each: impl FnMut(&mut Self) -> std::result::Result<(), E>,
    ) -> std::result::Result<Span, E> {
        let start = self.open(b'{', "an object")?;
        self.blank();
        if self.byte() == Some(b'}') {
            self.at += 1;
        } else {
            loop {
                each(self)?;
                self.blank();
                match self.byte() {
                    Some(b',') => self.at += 1,
                    Some(b'}') => {
                        self.at += 1;
                        break;
                    }
                    _ => return Err(self.expected("`,` or `}`").into()),
                }
            }
        }
        self.depth -= 1;
        Ok(Span::new(start, self.offset()))
    }

    /// Walks an array; `each` gets every index and must read or skip the element.
    ///
    /// # Errors
    /// When the text is not JSON, or `each` says so.
    pub fn array<E: From<SyntaxError>>(
        &mut self,
        mut each: impl FnMut(&mut Self, usize) -> std::result::Result<(), E>,
    ) -> std::result::Result<Span, E> {
        let start = self.open(b'[', "an array")?;
        self.blank();
        if self.byte() == Some(b']') {
            self.at += 1;
        } else {
            for index in 0.. {
                each(self, index)?;
                self.blank();
                match self.byte() {
                    Some(b',') => self.at += 1,
                    Some(b']') => {
                        self.at += 1;
                        break;
                    }
                    _ => return Err(self.expected("`,` or `]`").into()),
                }
            }
        }
        self.depth -= 1;
        Ok(Span::new(start, self.offset()))
    }

    /// Skips one value of any kind and returns its span. Checks its syntax all the way down, without recursion.
    ///
    /// # Errors
    /// When the text is not JSON.
    pub fn skip(&mut self) -> Result<Span> {
        Ok(self.value()?.span)
    }

    /// Skips one value of any kind, as [`Scanner::skip`] does, and returns what the scan has found.
    ///
    /// # Errors
    /// When the text is not JSON.
    pub fn value(&mut self) -> Result<Scanned> {
        let (kind, start) = self.peek()?;
        let mut escaped = false;
        match kind {
            Kind::String => escaped = self.string()?,
            Kind::Number => self.number()?,
            Kind::Bool => self.word(if self.byte() == Some(b't') { "true" } else { "false" })?,
            Kind::Null => self.word("null")?,
            Kind::Object | Kind::Array => self.container()?,
        }
        Ok(Scanned { kind, span: Span::new(start, self.offset()), escaped })
    }

    /// Skips the object or array that starts here.
    fn container(&mut self) -> Result<()> {
        let outer = self.depth;
        // One bit for each open container above `outer`: set for an object.
        let mut objects = BitStack::default();
        loop {
            self.blank();
            match self.byte() {
                Some(b'"') => {
                    self.string()?;
                }
                Some(b'-' | b'0'..=b'9') => self.number()?,
                Some(b't') => self.word("true")?,
                Some(b'f') => self.word("false")?,
                Some(b'n') => self.word("null")?,
                Some(b'{') => {
                    self.descend()?;
                    self.blank();
                    objects.push(true);
                    if self.byte() != Some(b'}') {
                        self.name()?;
                        continue;
                    }
                }
                Some(b'[') => {
                    self.descend()?;
                    self.blank();
                    objects.push(false);
                    if self.byte() != Some(b']') {
                        continue;
                    }
                }
                _ => return Err(self.expected("a value")),
            }
            // A value has ended: close what closes, then go on to the next element or key.
            loop {
                if self.depth == outer {
                    return Ok(());
                }
                self.blank();
                match (objects.top(), self.byte()) {
                    (true, Some(b'}')) | (false, Some(b']')) => {
                        self.at += 1;
                        self.depth -= 1;
                        objects.pop();
                    }
                    (true, Some(b',')) => {
                        self.at += 1;
                        self.name()?;
                        break;
                    }
                    (false, Some(b',')) => {
                        self.at += 1;
                        break;
                    }
                    (true, _) => return Err(self.expected("`,` or `}`")),
                    (false, _) => return Err(self.expected("`,` or `]`")),
                }
            }
        }
    }

    /// Checks that nothing but white space follows.
    ///
    /// # Errors
    /// When something does.
    pub fn end(&mut self) -> Result<()> {
        self.blank();
        if self.at == self.text.len() { Ok(()) } else { Err(self.expected("the end of the document")) }
    }

    fn open(&mut self, brace: u8, what: &str) -> Result<u32> {
        self.blank();
        if self.byte() != Some(brace) {
            return Err(self.expected(what));
        }
        let start = self.offset();
        self.descend()?;
        Ok(start)
    }

    fn descend(&mut self) -> Result<()> {
        if self.depth >= self.max_depth {
            let span = Span::new(self.offset(), self.offset() + 1);
            let message = format!("nested deeper than {} levels", self.max_depth);
            return Err(SyntaxProblem { span, unquoted: message.clone(), message, too_deep: true }.into());
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    /// Reads a key and its colon if they are those of a name. Otherwise it reads nothing.
    pub fn key_if(&mut self, expected: &UsualKey) -> Option<Key<'a>> {
        self.blank();
        let start = self.at;
        let written = self.text.as_bytes().get(start..start + expected.0.len())?;
        if written != expected.0.as_bytes() {
            return None;
        }
        self.at += written.len();
        let span = Span::new(byte_offset(start), byte_offset(self.at - 1));
        Some(Key { span, document: self.text, escaped: false })
    }

    /// Reads a key and its colon.
    ///
    /// # Errors
    /// If none follows.
    pub fn key(&mut self) -> Result<Key<'a>> {
        let (range, escaped) = self.name()?;
        Ok(Key { span: Span::from(range), document: self.text, escaped })
    }

    /// Skips a key and its colon; returns the place of the key, and whether it holds an escape.
    #[inline]
    fn name(&mut self) -> Result<(Range<usize>, bool)> {
        self.blank();
        if self.byte() != Some(b'"') {
            return Err(self.expected("a property name in double quotes"));
        }
        let start = self.at;
        let escaped = self.string()?;
        let end = self.at;
        if escaped {
            self.check_name(start..end)?;
        }
        self.blank();
        if self.byte() != Some(b':') {
            return Err(self.expected("`:`"));
        }
        self.at += 1;
        Ok((start..end, escaped))
    }

    /// Checks that a name with escapes is text.
    #[cold]
    fn check_name(&self, name: Range<usize>) -> Result<()> {
        if self.text.get(name.clone()).and_then(string_text).is_some() {
            return Ok(());
        }
        let message = "this name is not text: an escape is half of a surrogate pair".to_owned();
        let span = Span::from(name);
        Err(SyntaxProblem { span, unquoted: message.clone(), message, too_deep: false }.into())
    }

    /// Skips a string, the opening quote being here; returns whether it holds an escape.
    #[inline]
    fn string(&mut self) -> Result<bool> {
        let bytes = self.text.as_bytes();
        let at = plain_end(bytes, self.at + 1);
        if bytes.get(at) == Some(&b'"') {
            self.at = at + 1;
            return Ok(false);
        }
        self.rest_of_string(at)
    }

    /// Skips the rest of the string that starts here, from the first byte that is a backslash or invalid.
    #[cold]
    fn rest_of_string(&mut self, mut at: usize) -> Result<bool> {
        let (bytes, open) = (self.text.as_bytes(), self.at);
        let mut escaped = false;
        loop {
            match bytes.get(at) {
                Some(b'"') => {
                    self.at = at + 1;
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    escaped = true;
                    let after = bytes.get(at + 1);
                    let four = bytes.get(at + 2..at + 6);
                    at += match after {
                        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
                        Some(b'u') if four.is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)) => 6,
                        _ => {
                            return Err(self.fail(
                                at,
                                "invalid escape: the escapes are \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX",
                            ));
                        }
                    };
                    at = plain_end(bytes, at);
                }
                Some(_) => return Err(self.fail(at, "a control character must be written as an escape, such as \\n")),
                None => return Err(self.fail(open, "this string does not end")),
            }
        }
    }

    fn number(&mut self) -> Result<()> {
        let start = self.at;
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        match self.byte() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return Err(self.fail(start, "a number needs a digit here")),
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.some_digits(start)?;
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.byte(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.some_digits(start)?;
        }
        match self.byte() {
            Some(b'0'..=b'9' | b'.' | b'a'..=b'z' | b'A'..=b'Z' | b'_') => {
                Err(self.fail(start, "this is not a JSON number"))
            }
            _ => Ok(()),
        }
    }

    fn digits(&mut self) {
        while self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
    }

    fn some_digits(&mut self, start: usize) -> Result<()> {
        let before = self.at;
        self.digits();
        if self.at == before { Err(self.fail(start, "this is not a JSON number: a digit is missing")) } else { Ok(()) }
    }

    fn word(&mut self, word: &str) -> Result<()> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let ends = !rest.get(word.len()).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        if rest.starts_with(word.as_bytes()) && ends {
            self.at += word.len();
            return Ok(());
        }
        Err(self.expected("a value"))
    }

    fn blank(&mut self) {
        let bytes = self.text.as_bytes();
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = bytes.get(self.at) {
            self.at += 1;
        }
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn expected(&self, what: &str) -> SyntaxError {
        let found = match self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
            None => "the text ends here".to_owned(),
            Some('\'') => "found `'`: JSON strings and names take double quotes".to_owned(),
            Some('/') => "found `/`: JSON has no comments".to_owned(),
            Some(c @ ('}' | ']')) if what.starts_with("a value") || what.starts_with("a property") => {
                format!("found `{c}`: JSON allows no comma before it")
            }
            Some(c) => format!("found `{}`", c.escape_debug()),
        };
        let error = self.fail(self.at, &format!("expected {what}, {found}"));
        // Punctuation belongs to JSON. Anything else may belong to a value that does not end where it seems to.
        let next = self.text.get(self.at..).and_then(|rest| rest.chars().next());
        let begins = what.starts_with("a value") || what.starts_with("a property");
        match next {
            Some(c) if !("{}[]:,\"".contains(c) || begins && "'/".contains(c)) => {
                SyntaxProblem { unquoted: format!("expected {what}"), ..*error.0 }.into()
            }
            _ => error,
        }
    }

    fn fail(&self, at: usize, message: &str) -> SyntaxError {
        let end = self.text.get(at..).and_then(|rest| rest.chars().next()).map_or(at, |c| at + c.len_utf8());
        let span = Span::from(at..end);
        SyntaxProblem { span, message: message.to_owned(), unquoted: message.to_owned(), too_deep: false }.into()
    }
}

/// Returns the first byte at or after `at` that is a quote, a backslash or a control character.
#[inline]
fn plain_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let chunk = u8x16::new(*chunk);
        let is_control = chunk.min(u8x16::splat(0x1f)).simd_eq(chunk);
        let ends = chunk.simd_eq(u8x16::splat(b'"')) | chunk.simd_eq(u8x16::splat(b'\\')) | is_control;
        let hits = ends.to_bitmask();
        if hits != 0 {
            return at + hits.trailing_zeros() as usize;
        }
        at += 16;
    }
    while bytes.get(at).is_some_and(|byte| *byte >= 0x20 && *byte != b'"' && *byte != b'\\') {
        at += 1;
    }
    at
}

#[derive(Default)]
struct BitStack {
    words: Vec<u64>,
    low: u64,
    len: usize,
}

impl BitStack {
    fn push(&mut self, bit: bool) {
        if self.len > 0 && self.len.is_multiple_of(64) {
            self.words.push(self.low);
        }
        self.low = self.low << 1 | u64::from(bit);
        self.len += 1;
    }

    fn pop(&mut self) {
        self.len -= 1;
        self.low >>= 1;
        if self.len > 0 && self.len.is_multiple_of(64) {
            self.low = self.words.pop().unwrap_or_default();
        }
    }

    fn top(&self) -> bool {
        self.low & 1 == 1
    }
}

/// Returns the offset of the document in a text: it is after the byte order mark, if there is one.
pub(crate) fn document_start(text: &str) -> u32 {
    if text.starts_with('\u{feff}') { 3 } else { 0 }
}

/// Returns the text of a scanned string, given with its quotes. `None` when an escape is half a surrogate pair.
pub fn string_text(quoted: &str) -> Option<Cow<'_, str>> {
    let raw = quoted.get(1..quoted.len().checked_sub(1)?)?;
    if raw.contains('\\') { unescape(raw).map(Cow::Owned) } else { Some(Cow::Borrowed(raw)) }
}

/// Replaces the escapes of a scanned string. `None` when one is half a surrogate pair.
fn unescape(raw: &str) -> Option<String> {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((plain, escaped)) = rest.split_once('\\') {
        let at = plain.len();
        text.push_str(plain);
        let escape = escaped.as_bytes().first()?;
        let mut taken = 2;
        text.push(match escape {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = |from: usize| u32::from_str_radix(rest.get(from..from + 4)?, 16).ok();
                let high = unit(at + 2)?;
                taken = 6;
                if (0xD800..0xDC00).contains(&high) {
                    rest.get(at + 6..at + 8).filter(|next| *next == "\\u")?;
                    let low = unit(at + 8).filter(|low| (0xDC00..0xE000).contains(low))?;
                    taken = 12;
                    char::from_u32(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))?
                } else {
                    char::from_u32(high)?
                }
            }
            other => char::from(*other),
        });
        rest = rest.get(at + taken..)?;
    }
    text.push_str(rest);
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn skip(text: &str) -> Result<Span> {
        let mut scanner = Scanner::new(text);
        let span = scanner.skip()?;
        scanner.end()?;
        Ok(span)
    }

    #[test]
    fn a_scanned_value_has_its_kind_and_whether_it_has_escapes() {
        let values = [
            ("{\"a\": \"\\n\"}", Kind::Object, false),
            ("[\"\\n\", 1]", Kind::Array, false),
            ("\"a\\u0062\"", Kind::String, true),
            ("\"\"", Kind::String, false),
            ("-1.5e3", Kind::Number, false),
            ("true", Kind::Bool, false),
            ("false", Kind::Bool, false),
            ("null", Kind::Null, false),
        ];
        for (text, kind, escaped) in values {
            let padded = format!(" {text} ");
            let span = Span::new(1, byte_offset(1 + text.len()));
            assert_eq!(Scanner::new(&padded).value(), Ok(Scanned { kind, span, escaped }), "{text}");
        }
    }

    /// Text made of the pieces JSON is made of, so that most of it is nearly right.
    fn nearly_json() -> impl Strategy<Value = String> {
        let piece = proptest::sample::select(vec![
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"a\"",
            "\"\\u00e9\"",
            "\"\\x\"",
            "\"\n\"",
            "0",
            "01",
            "-",
            "-1.5e3",
            "1.",
            "2e",
            "true",
            "tru",
            "null",
            "false",
            " ",
            "\n",
            "\"",
            "\\",
            "ß",
            "{}",
            "[]",
            "{\"a\":1}",
            "[1,2]",
        ]);
        prop_oneof![
            proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat()),
            any::<i32>().prop_map(|n| format!("{{\"k\":[{n},{{\"n\":null}}]}}")),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]
        #[test]
        fn accepts_exactly_what_serde_json_accepts(text in nearly_json()) {
            let theirs = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
            prop_assert_eq!(skip(&text).is_ok(), theirs, "{}", text);
        }

        #[test]
        fn strings_read_as_serde_json_reads_them(text in any::<String>()) {
            let quoted = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(string_text(&quoted).unwrap(), text);
        }
    }

    #[test]
    fn a_usual_key_is_read_as_any_key() {
        for name in ["", "a", "a b", "ß:", "a'"] {
            let usual = UsualKey::of(name).unwrap();
            for text in [format!(" {:?}: 1", name), format!("\n{:?}:1", name)] {
                let (mut scanner, mut other) = (Scanner::new(&text), Scanner::new(&text));
                let (key, expected) = (scanner.key_if(&usual).unwrap(), other.key().unwrap());
                assert_eq!((key.text(), key.span, scanner.offset()), (expected.text(), expected.span, other.offset()));
            }
            for text in [format!("{:?} : 1", name), format!("{:?}: 1", format!("{name}x")), "\"".to_owned()] {
                let mut scanner = Scanner::new(&text);
                assert!(scanner.key_if(&usual).is_none() && scanner.offset() == 0, "{text}");
            }
        }
        assert!(["a\"", "a\":", "a\\", "a\n"].iter().all(|name| UsualKey::of(name).is_none()));
    }

    #[test]
    fn a_value_ends_where_it_ends() {
        let text = " {\"a\": [1, {\"b\": \"}\"}]} , ";
        let mut scanner = Scanner::new(text);
        let span = scanner.skip().unwrap();
        assert_eq!(&text[span.range()], "{\"a\": [1, {\"b\": \"}\"}]}");
    }

    #[test]
    fn deep_nesting_is_an_error_and_not_a_crash() {
        let deep = "[".repeat(10_000);
        let error = skip(&deep).unwrap_err();
        assert_eq!(error.message, "nested deeper than 512 levels");
        assert_eq!(error.span, Span::new(512, 513));
        let fine = format!("{}{}", "[{\"a\":".repeat(200) + "1", "}]".repeat(200));
        assert!(skip(&fine).is_ok());
    }

    #[test]
    fn errors_say_what_was_expected() {
        let message = |text: &str| skip(text).unwrap_err().into_problem().message;
        assert_eq!(
            message("{\"a\": 1,}"),
            "expected a property name in double quotes, found `}`: JSON allows no comma before it"
        );
        assert_eq!(
            message("{'a': 1}"),
            "expected a property name in double quotes, found `'`: JSON strings and names take double quotes"
        );
        assert_eq!(message("{\"a\" 1}"), "expected `:`, found `1`");
        assert_eq!(message("[1 2]"), "expected `,` or `]`, found `2`");
        assert_eq!(message("[\"abc"), "this string does not end");
        assert_eq!(message(""), "expected a value, the text ends here");
        assert_eq!(message("1 // one"), "expected the end of the document, found `/`: JSON has no comments");
    }

    #[test]
    fn lone_surrogates_have_no_text() {
        assert_eq!(string_text(r#""\ud83d\ude00""#).unwrap(), "\u{1f600}");
        assert_eq!(string_text(r#""\ud83d""#), None);
    }

    #[test]
    fn a_name_with_half_of_a_surrogate_pair_is_an_error() {
        for name in [r"\ud83d", r"a\uD83Db", r"\ude00", r"\ude00\ud83d", r"\ud83d\u0041", r"\ud83d\n"] {
            let (walked, nested) = (format!("{{\"{name}\": 1}}"), format!("[{{\"b\": {{}}, \"{name}\": 1}}]"));
            let error = Scanner::new(&walked).object(|scanner, _| scanner.skip().map(drop)).unwrap_err();
            assert_eq!(error.message, "this name is not text: an escape is half of a surrogate pair");
            assert_eq!(&walked[error.span.range()], format!("\"{name}\""));
            let error = skip(&nested).unwrap_err();
            assert_eq!(&nested[error.span.range()], format!("\"{name}\""));
        }
        assert!(skip(r#"{"\ud83d\ude00\u00e9": ["\ud83d"]}"#).is_ok());
    }
}
