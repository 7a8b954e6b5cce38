//! Derived texts: JSON made from texts in other formats, with the place of each value in the user's file.
//!
//! A reader of another format writes JSON with a [`Derivation`]. The result is a [`Source`] that the engine reads like every
//! other. A [`Place`] in it is the place in the user's file, because [`Place::new`] looks it up here. A text that is not
//! valid has a [`Fault`], and its derived text ends there.

use super::{Place, Source, Span, TooLarge, byte_offset};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

/// The bytes of a derived text that come from one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    /// The bytes in the derived text.
    span: Span,
    /// The innermost piece around it, if it is not the whole document.
    around: Option<u32>,
    origin: Origin,
    /// The bytes in the text that it comes from.
    written: Span,
}

/// The relation of a piece to the text that it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// The piece as a whole comes from a place in this text.
    Whole(u32),
    /// The piece is a copy of bytes in this text, so that a part of it comes from a part of them.
    Copy(u32),
    /// The piece is a copy of earlier bytes of the derived text.
    Again,
}

/// The origins of a derived text.
#[derive(Debug)]
pub(super) struct Origins {
    /// The texts, the main one first. They may be derived themselves.
    sources: Vec<Arc<Source>>,
    /// The number of them that were joined, the first ones.
    joined: usize,
    /// The files of these texts, each once.
    files: Vec<Arc<Source>>,
    /// The pieces by their start; a piece is before those inside it.
    pieces: Vec<Piece>,
    /// The reason why the text ends early.
    fault: Option<(Fault, Arc<Source>)>,
}

/// The result of a lookup of one piece.
enum Found {
    /// A place in a text.
    There(u32, Span),
    /// Earlier bytes of the derived text.
    Again(Span),
}

impl Origins {
    /// Returns the texts that were joined. They may be derived themselves.
    pub(super) fn joined(&self) -> &[Arc<Source>] {
        self.sources.get(..self.joined).unwrap_or_default()
    }

    /// Returns the files that the text comes from, the main one first.
    pub(super) fn files(&self) -> &[Arc<Source>] {
        &self.files
    }

    /// Returns the reason why the text ends early, with the text that the reason is about.
    pub(super) fn fault(&self) -> Option<(&Fault, &Arc<Source>)> {
        self.fault.as_ref().map(|(fault, source)| (fault, source))
    }

    /// Returns the places of all bytes in some spans: those of the pieces in them, and of the innermost piece around each.
    pub(super) fn places(&self, spans: &[Span]) -> Vec<Place> {
        let (mut places, mut seen) = (Vec::new(), BTreeSet::new());
        let mut left: Vec<Span> = spans.to_vec();
        while let Some(span) = left.pop() {
            if span.is_empty() || !seen.insert(span) {
                continue;
            }
            let from = self.pieces.partition_point(|piece| piece.span.start < span.start);
            let inside = self.pieces.get(from..).unwrap_or_default();
            let inside = inside.iter().take_while(|piece| piece.span.start < span.end);
            for piece in inside.chain(self.innermost(span)) {
                match piece.part(span) {
                    Found::Again(earlier) => left.push(earlier),
                    Found::There(source, written) => {
                        places.extend(
                            self.sources.get(source as usize).iter().flat_map(|source| source.written(&[written])),
                        );
                    }
                }
            }
        }
        places
    }

    /// Returns the place of the innermost piece that contains a span.
    pub(super) fn place(&self, mut span: Span) -> Option<Place> {
        loop {
            let Some(piece) = self.innermost(span).or(self.pieces.first()) else {
                return Some(Place::new(self.sources.first()?, Span::default()));
            };
            match piece.part(span) {
                // Copied bytes are before the copy, so this ends.
                Found::Again(earlier) => span = earlier,
                Found::There(source, written) => return Some(Place::new(self.sources.get(source as usize)?, written)),
            }
        }
    }

    fn innermost(&self, span: Span) -> Option<&Piece> {
        let before = self.pieces.partition_point(|piece| piece.span.start <= span.start);
        let mut at = before.checked_sub(1).and_then(|at| self.pieces.get(at));
        while let Some(piece) = at.filter(|piece| !piece.span.contains(span)) {
            at = piece.around.and_then(|around| self.pieces.get(around as usize));
        }
        at
    }
}

impl Piece {
    /// Returns the origin of the part of the piece that is in a span.
    fn part(&self, span: Span) -> Found {
        let shift = |at: u32| self.written.start + (at.clamp(self.span.start, self.span.end) - self.span.start);
        let copied = || Span::new(shift(span.start), shift(span.end));
        match self.origin {
            Origin::Whole(source) => Found::There(source, self.written),
            Origin::Copy(source) => Found::There(source, copied()),
            Origin::Again => Found::Again(copied()),
        }
    }
}

/// The reason why a text is not what its format requires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The kind of the reason.
    pub kind: FaultKind,
    /// The place in the text.
    pub span: Span,
    /// The reason, in one phrase.
    pub message: String,
    /// The same without any character of a value, for texts with secrets.
    pub unquoted: String,
    /// The remedy.
    pub help: Option<String>,
}

/// The kind of a [`Fault`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The text is not valid, or has a value that JSON does not have.
    Syntax,
    /// The derived text is beyond a limit.
    TooLarge,
}

impl Fault {
    /// Returns a fault whose message does not quote the text.
    pub fn new(span: Span, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { kind: FaultKind::Syntax, span, unquoted: message.clone(), message, help: None }
    }

    /// Returns the fault with a remedy.
    #[must_use]
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// Returns the fault as one of a limit.
    #[must_use]
    pub fn too_large(self) -> Self {
        Self { kind: FaultKind::TooLarge, ..self }
    }

    /// Returns the fault with another message for texts with secrets.
    #[must_use]
    pub fn unquoted(self, unquoted: impl Into<String>) -> Self {
        Self { unquoted: unquoted.into(), ..self }
    }
}

/// The kind of a container of JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    /// `[...]`
    Array,
    /// `{...}`
    Object,
}

/// A writer of derived JSON: the calls follow the document from start to end. Each returns the bytes of the derived text.
///
/// ```
/// use deodar::source::derived::{Container, Derivation};
/// use deodar::source::{Place, Source, Span};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let yaml = Source::new("lamp.yaml", "lit: yes")?;
/// let at = |start, end| Place::new(&yaml, Span::new(start, end));
/// let mut json = Derivation::new(&yaml);
/// json.open(Container::Object, &at(0, 8));
/// json.key("lit", &at(0, 3));
/// json.text("yes", &at(5, 8));
/// json.close();
/// let derived = json.finish()?;
/// assert_eq!(derived.text(), r#"{"lit":"yes"}"#);
/// // A place in the derived text is the place in the file.
/// let place = Place::new(&derived, Span::new(7, 12));
/// assert_eq!((place.source.name(), place.text()), ("lamp.yaml", "yes"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Derivation {
    text: String,
    origins: Origins,
    /// The numbers of the texts among the origins, by their addresses, at which the origins keep them.
    numbers: FxHashMap<usize, usize>,
    /// The pieces of the containers that are open, innermost last.
    open: Vec<(u32, Container)>,
    /// Whether the next value of the innermost container follows another one.
    follows: bool,
    /// Whether a key was written whose value follows.
    after_key: bool,
    /// The name of the derived text, if it is not that of the main text.
    name: Option<String>,
}

impl Derivation {
    /// Returns a writer of a document that comes from `main`, and maybe from other texts too. The derived text has the name of
    /// `main`.
    pub fn new(main: &Arc<Source>) -> Self {
        let origins =
            Origins { sources: vec![Arc::clone(main)], joined: 0, files: Vec::new(), pieces: Vec::new(), fault: None };
        let numbers = FxHashMap::from_iter([(Arc::as_ptr(main).addr(), 0)]);
        Self { text: String::new(), origins, numbers, open: Vec::new(), follows: false, after_key: false, name: None }
    }

    /// Returns the writer of a text with another name.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// Writes a whole document in which every byte has the offset of its origin in the main text.
    pub fn respelled(&mut self, text: &str) -> Span {
        let at = self.push(Origin::Copy(0), Span::from(0..text.len()));
        self.text.push_str(text);
        self.end(at)
    }

    /// Returns the writer of a text that comes from some texts, in their order, even if it has no bytes of one.
    #[must_use]
    pub fn from_all(mut self, sources: &[Arc<Source>]) -> Self {
        for source in sources {
            self.source(source);
        }
        self.origins.joined = self.origins.sources.len();
        self
    }

    /// Returns the text that was written.
    pub fn written(&self) -> &str {
        &self.text
    }

    /// Begins an array or an object. `place` is the whole of it; [`Derivation::close_at`] sets the end later.
    pub fn open(&mut self, container: Container, place: &Place) {
        let at = self.begin(place);
        self.open.push((at, container));
        self.text.push(if container == Container::Array { '[' } else { '{' });
        self.follows = false;
    }

    /// Ends the innermost array or object.
    pub fn close(&mut self) -> Span {
        let Some((at, container)) = self.open.pop() else { return Span::default() };
        self.text.push(if container == Container::Array { ']' } else { '}' });
        self.end(at)
    }

    /// Ends the innermost array or object, which ends at this offset of its text.
    pub fn close_at(&mut self, end: u32) -> Span {
        if let Some(piece) = self.open.last().and_then(|(at, _)| self.origins.pieces.get_mut(*at as usize)) {
            piece.written.end = end.max(piece.written.start);
        }
        self.close()
    }

    /// Writes the name of a property of the innermost object. Its value follows.
    pub fn key(&mut self, name: &str, place: &Place) -> Span {
        let at = self.begin(place);
        self.quoted(name);
        let span = self.end(at);
        self.colon();
        span
    }

    /// Writes a string.
    pub fn text(&mut self, text: &str, place: &Place) -> Span {
        let at = self.begin(place);
        self.quoted(text);
        self.end(at)
    }

    /// Writes JSON that is valid in this place, such as `null`, `true`, a number, or a value that was read from JSON.
    pub fn json(&mut self, json: &str, place: &Place) -> Span {
        let at = self.begin(place);
        self.text.push_str(json);
        self.end(at)
    }

    /// Writes a value of another JSON text. A place in it is the place there.
    pub fn copy(&mut self, source: &Arc<Source>, span: Span) -> Span {
        let at = self.begin_copy(source, span);
        self.text.push_str(source.slice(span));
        self.end(at)
    }

    /// Writes the name of a property of another JSON text. Its value follows.
    pub fn copy_key(&mut self, source: &Arc<Source>, span: Span) -> Span {
        let span = self.copy(source, span);
        self.colon();
        span
    }

    /// Writes a value that the derived text has already. A place in it is the place there.
    pub fn again(&mut self, earlier: Span) -> Span {
        let at = self.push(Origin::Again, earlier);
        self.text.extend_from_within(earlier.range());
        self.end(at)
    }

    /// Writes the name of a property that the derived text has already. Its value follows.
    pub fn key_again(&mut self, earlier: Span) -> Span {
        let span = self.again(earlier);
        self.colon();
        span
    }

    /// Ends the text, because the rest of its file is not valid: everything from byte `from` of a source on.
    ///
    /// # Errors
    /// [`TooLarge`] if the derived text does not fit 32-bit positions.
    pub fn fail(mut self, source: &Arc<Source>, from: u32, fault: Fault) -> Result<Arc<Source>, TooLarge> {
        self.origins.fault = Some((fault, Arc::clone(source)));
        // JSON does not have this character, so that a reader that goes on ends here.
        let rest = Span::new(from, byte_offset(source.text().len()).max(from));
        self.json("!", &Place { source: Arc::clone(source), span: rest });
        self.built()
    }

    /// Returns the derived text.
    ///
    /// # Errors
    /// [`TooLarge`] if it does not fit 32-bit positions.
    pub fn finish(mut self) -> Result<Arc<Source>, TooLarge> {
        while !self.open.is_empty() {
            self.close();
        }
        self.built()
    }

    fn built(mut self) -> Result<Arc<Source>, TooLarge> {
        let end = byte_offset(self.text.len());
        let rest = self.origins.pieces.last().map_or(0, |piece| piece.written.end);
        for (at, _) in self.open {
            // A fault leaves containers open. They have the rest of the file.
            if let Some(piece) = self.origins.pieces.get_mut(at as usize) {
                piece.span.end = end;
                piece.written.end = rest.max(piece.written.end);
            }
        }
        let main = self.origins.sources.first().map_or("", |main| main.name());
        let name = self.name.unwrap_or_else(|| main.to_owned());
        self.origins.files = files_of(&self.origins.sources);
        let mut source = Source::at(name, self.text.into(), (0, 0), false)?;
        source.origins = Some(Box::new(self.origins));
        Ok(Arc::new(source))
    }

    fn begin(&mut self, place: &Place) -> u32 {
        let source = self.source(&place.source);
        self.push(Origin::Whole(source), place.span)
    }

    fn begin_copy(&mut self, source: &Arc<Source>, span: Span) -> u32 {
        let number = self.source(source);
        self.push(Origin::Copy(number), span)
    }

    fn push(&mut self, origin: Origin, written: Span) -> u32 {
        if self.follows && !self.after_key {
            self.text.push(',');
        }
        self.after_key = false;
        let start = byte_offset(self.text.len());
        let around = self.open.last().map(|(at, _)| *at);
        let at = byte_offset(self.origins.pieces.len());
        self.origins.pieces.push(Piece { span: Span::new(start, start), around, origin, written });
        at
    }

    fn colon(&mut self) {
        self.text.push(':');
        self.after_key = true;
    }

    fn end(&mut self, at: u32) -> Span {
        self.follows = true;
        let Some(piece) = self.origins.pieces.get_mut(at as usize) else { return Span::default() };
        piece.span.end = byte_offset(self.text.len());
        piece.span
    }

    /// Returns the number of a text among the origins.
    fn source(&mut self, source: &Arc<Source>) -> u32 {
        let sources = &mut self.origins.sources;
        byte_offset(*self.numbers.entry(Arc::as_ptr(source).addr()).or_insert_with(|| {
            sources.push(Arc::clone(source));
            sources.len() - 1
        }))
    }

    fn quoted(&mut self, text: &str) {
        self.text.push('"');
        let mut rest = text;
        while let Some(at) = rest.find(|c: char| c < ' ' || matches!(c, '"' | '\\')) {
            let (plain, special) = rest.split_at(at);
            self.text.push_str(plain);
            let mut others = special.chars();
            match others.next() {
                Some(c @ ('"' | '\\')) => self.text.extend(['\\', c]),
                Some('\n') => self.text.push_str("\\n"),
                Some('\t') => self.text.push_str("\\t"),
                Some(c) => {
                    #[expect(clippy::let_underscore_must_use, reason = "writing to a string does not fail")]
                    let _ = write!(self.text, "\\u{:04x}", u32::from(c));
                }
                None => {}
            }
            rest = others.as_str();
        }
        self.text.push_str(rest);
        self.text.push('"');
    }
}

/// Returns the files that some texts come from, each once.
fn files_of(sources: &[Arc<Source>]) -> Vec<Arc<Source>> {
    let mut known = FxHashSet::default();
    let files = sources.iter().flat_map(|source| source.files());
    files.filter(|file| known.insert(Arc::as_ptr(file))).cloned().collect()
}

/// The places of the values of a text that is written from start to end.
///
/// The calls follow the text. Offsets are in bytes.
#[derive(Debug, Default)]
pub struct Trace {
    sources: Vec<Arc<Source>>,
    pieces: Vec<Piece>,
    open: Vec<u32>,
}

impl Trace {
    /// Begins a value that comes from a place.
    pub fn begin(&mut self, at: usize, place: &Place) {
        let known = self.sources.iter().rposition(|known| Arc::ptr_eq(known, &place.source));
        let source = known.unwrap_or_else(|| {
            self.sources.push(Arc::clone(&place.source));
            self.sources.len() - 1
        });
        let start = byte_offset(at);
        let piece = Piece {
            span: Span::new(start, start),
            around: self.open.last().copied(),
            // The text itself is the first source.
            origin: Origin::Whole(byte_offset(source + 1)),
            written: place.span,
        };
        self.open.push(byte_offset(self.pieces.len()));
        self.pieces.push(piece);
    }

    /// Ends the innermost value.
    pub fn end(&mut self, at: usize) {
        if let Some(piece) = self.open.pop().and_then(|open| self.pieces.get_mut(open as usize)) {
            piece.span.end = byte_offset(at);
        }
    }

    /// Returns the text with these places. Other parts of it have their places in the text itself.
    ///
    /// # Errors
    /// [`TooLarge`] if the text does not fit 32-bit positions.
    pub fn finish(self, name: &str, text: String) -> Result<Arc<Source>, TooLarge> {
        let own = Source::new(name, text.clone())?;
        let whole = Span::from(0..text.len());
        let all = Piece { span: whole, around: None, origin: Origin::Copy(0), written: whole };
        let inner =
            self.pieces.into_iter().map(|piece| Piece { around: Some(piece.around.map_or(0, |at| at + 1)), ..piece });
        let pieces = std::iter::once(all).chain(inner).collect();
        let sources: Vec<Arc<Source>> = std::iter::once(own).chain(self.sources).collect();
        let files = files_of(&sources);
        let mut source = Source::at(name.to_owned(), text.into(), (0, 0), false)?;
        source.origins = Some(Box::new(Origins { sources, joined: 0, files, pieces, fault: None }));
        Ok(Arc::new(source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traced_text_has_the_places_of_its_values() {
        let table = Source::new("m.csv", "email,role\nann,admin\n").unwrap();
        let place = |part: &str| {
            let at = table.text().find(part).unwrap();
            Place::new(&table, Span::from(at..at + part.len()))
        };
        let text = r#"{"at":1,"list":[{"email":"ann","role":"admin"}]}"#;
        let mut trace = Trace::default();
        for (part, from) in
            [(r#"{"email":"ann","role":"admin"}"#, "ann,admin"), (r#""ann""#, "ann"), (r#""admin""#, "admin")]
        {
            let at = text.find(part).unwrap();
            trace.begin(at, &place(from));
            if !part.starts_with('{') {
                trace.end(at + part.len());
            }
        }
        trace.end(text.find("]}").unwrap());
        let traced = trace.finish("new.json", text.to_owned()).unwrap();
        let found = |part: &str| {
            let at = text.find(part).unwrap();
            let place = Place::new(&traced, Span::from(at..at + part.len()));
            format!("{} {}", place.source.name(), place.text())
        };
        assert_eq!(found(r#""admin""#), "m.csv admin");
        assert_eq!(found(r#"{"email":"ann","role":"admin"}"#), "m.csv ann,admin");
        assert_eq!(found(r#""role""#), "m.csv ann,admin");
        assert_eq!(found(r#""at":1"#), r#"new.json "at":1"#);
        assert_eq!(found("["), "new.json [");
    }

    fn derived(written: &Arc<Source>) -> Arc<Source> {
        let at = |start, end| Place::new(written, Span::new(start, end));
        let mut json = Derivation::new(written);
        json.open(Container::Object, &at(0, 20));
        json.key("a", &at(0, 1));
        json.open(Container::Array, &at(3, 9));
        json.json("1", &at(4, 5));
        json.text("q\"\\\n\u{1}é", &at(6, 8));
        json.close();
        json.key("b", &at(10, 11));
        json.json("null", &at(12, 16));
        json.finish().unwrap()
    }

    fn place(source: &Arc<Source>, text: &str) -> (u32, u32) {
        let start = source.text().find(text).unwrap();
        let place = Place::new(source, Span::from(start..start + text.len()));
        (place.span.start, place.span.end)
    }

    #[test]
    fn places_in_a_derived_text_are_places_in_the_file() {
        let written = Source::new("w.yaml", "a: [1, qq]\nb: null  \n").unwrap();
        let json = derived(&written);
        assert_eq!(json.text(), "{\"a\":[1,\"q\\\"\\\\\\n\\u0001é\"],\"b\":null}");
        serde_json::from_str::<serde_json::Value>(json.text()).unwrap();
        // The value, a part of it, the list around two values, and the document around two properties.
        assert_eq!(place(&json, "1"), (4, 5));
        assert_eq!(place(&json, "u0001"), (6, 8));
        assert_eq!(place(&json, "1,\"q"), (3, 9));
        assert_eq!(place(&json, "],\"b"), (0, 20));
        assert_eq!(place(&json, "\"b\""), (10, 11));
        assert_eq!(Place::new(&json, Span::new(0, 0)).span, Span::new(0, 20));
        assert_eq!((json.name(), json.sha256()), ("w.yaml", written.sha256()));
    }

    #[test]
    fn a_part_of_a_copy_comes_from_a_part() {
        let written = Source::new("w", r#" {"a": [1, "two"]} "#).unwrap();
        let mut json = Derivation::new(&written);
        json.open(Container::Array, &Place::new(&written, Span::new(0, 19)));
        let list = json.copy(&written, Span::new(7, 17));
        json.again(list);
        let json = json.finish().unwrap();
        assert_eq!(json.text(), r#"[[1, "two"],[1, "two"]]"#);
        assert_eq!(place(&json, "two"), (12, 15));
        // A copy of a copy, and a copy of a derived text.
        let second = Span::new(17, 20);
        assert_eq!((&json.text()[second.range()], Place::new(&json, second).text()), ("two", "two"));
        let mut outer = Derivation::new(&json);
        outer.copy(&json, Span::new(1, 11));
        let outer = outer.finish().unwrap();
        assert_eq!(place(&outer, "two"), (12, 15));
        assert_eq!((outer.files().len(), outer.files()[0].name(), outer.sha256()), (1, "w", written.sha256()));
        assert_eq!(outer.written(&[Span::new(5, 8)])[0].text(), "two");
    }

    #[test]
    fn a_fault_ends_the_text_and_has_the_rest_of_the_file() {
        let written = Source::new("w", "a: 1\nb: [2, \"x").unwrap();
        let at = |start, end| Place::new(&written, Span::new(start, end));
        let mut json = Derivation::new(&written);
        json.open(Container::Object, &at(0, 0));
        json.key("b", &at(5, 6));
        json.open(Container::Array, &at(8, 8));
        json.json("2", &at(9, 10));
        let json = json.fail(&written, 10, Fault::new(Span::new(12, 13), "this text does not end")).unwrap();
        assert_eq!(json.text(), r#"{"b":[2,!"#);
        assert_eq!(json.fault().unwrap().0.span, Span::new(12, 13));
        assert_eq!(place(&json, "!"), (10, 14));
        assert_eq!(place(&json, "[2,!"), (8, 14));
    }

    #[test]
    fn a_text_may_come_from_several() {
        let (first, second) = (Source::new("1", "[x").unwrap(), Source::new("2", "y]").unwrap());
        let mut json = Derivation::new(&first);
        json.open(Container::Array, &Place::new(&first, Span::new(0, 2)));
        json.text("x", &Place::new(&first, Span::new(1, 2)));
        json.text("y", &Place::new(&second, Span::new(0, 1)));
        let json = json.finish().unwrap();
        assert_eq!(json.text(), r#"["x","y"]"#);
        assert_eq!(Place::new(&json, Span::new(5, 8)).source.name(), "2");
        // It has no file of its own, so its digest is that of the list of files.
        let list = format!("{}  1\n{}  2\n", first.sha256(), second.sha256());
        assert_eq!(json.sha256(), Source::new("", list).unwrap().sha256());
    }
}
