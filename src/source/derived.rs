//! Derived texts: JSON made from texts in other formats, with the place of each value in the user's file.
//!
//! A reader of another format writes JSON with a [`Derivation`]. The result is a [`Source`] that the engine reads like every
//! other. A [`Place`] in it is the place in the user's file, because [`Place::new`] looks it up here.

use super::{MAX_SOURCE_BYTES, Place, Source, Span, TooLarge, byte_offset};
use std::fmt::Write as _;
use std::sync::Arc;

/// The bytes of a derived text that come from one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    /// The bytes in the derived text.
    span: Span,
    /// The innermost piece around it, if it is not the whole document.
    around: Option<u32>,
    /// The text that it comes from.
    source: u32,
    /// The bytes in that text.
    written: Span,
}

/// The origins of a derived text.
#[derive(Debug)]
pub(super) struct Origins {
    /// The texts, the main one first.
    sources: Vec<Arc<Source>>,
    /// The pieces by their start; a piece is before those inside it.
    pieces: Vec<Piece>,
}

impl Origins {
    /// Returns the main text that the derived one comes from.
    pub(super) fn main(&self) -> Option<&Arc<Source>> {
        self.sources.first()
    }

    /// Returns all texts that the derived one comes from, the main one first.
    pub(super) fn sources(&self) -> &[Arc<Source>] {
        &self.sources
    }

    /// Returns the places of the pieces in a span, and of the innermost piece that contains it.
    pub(super) fn places(&self, span: Span) -> impl Iterator<Item = Place> {
        let from = self.pieces.partition_point(|piece| piece.span.start < span.start);
        let inside = self.pieces.get(from..).unwrap_or_default();
        let inside = inside.iter().take_while(move |piece| piece.span.start < span.end);
        let inside = inside.filter_map(|piece| Some((self.sources.get(piece.source as usize)?, piece.written)));
        inside.chain(self.place(span)).map(|(source, span)| Place::new(source, span))
    }

    /// Returns the place of the innermost piece that contains a span.
    pub(super) fn place(&self, span: Span) -> Option<(&Arc<Source>, Span)> {
        let before = self.pieces.partition_point(|piece| piece.span.start <= span.start);
        let mut at = before.checked_sub(1).and_then(|at| self.pieces.get(at));
        while let Some(piece) = at {
            if piece.span.contains(span) {
                return Some((self.sources.get(piece.source as usize)?, piece.written));
            }
            at = piece.around.and_then(|around| self.pieces.get(around as usize));
        }
        let whole = self.pieces.first()?;
        Some((self.sources.get(whole.source as usize)?, whole.written))
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

/// A writer of derived JSON: the calls follow the document from start to end.
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
    /// The pieces of the containers that are open, innermost last.
    open: Vec<(u32, Container)>,
    /// Whether the next value of the innermost container follows another one.
    follows: bool,
    /// Whether a key was written whose value follows.
    after_key: bool,
}

impl Derivation {
    /// Returns a writer of a document that comes from `main`, and maybe from other texts too. The derived text has the name of
    /// `main`.
    pub fn new(main: &Arc<Source>) -> Self {
        let origins = Origins { sources: vec![Arc::clone(main)], pieces: Vec::new() };
        Self { text: String::new(), origins, open: Vec::new(), follows: false, after_key: false }
    }

    /// Returns the number of bytes that were written.
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// Returns whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Begins an array or an object. `place` is the whole of it.
    pub fn open(&mut self, container: Container, place: &Place) {
        let at = self.begin(place);
        self.open.push((at, container));
        self.text.push(if container == Container::Array { '[' } else { '{' });
        self.follows = false;
    }

    /// Ends the innermost array or object.
    pub fn close(&mut self) {
        let Some((at, container)) = self.open.pop() else { return };
        self.text.push(if container == Container::Array { ']' } else { '}' });
        self.end(at);
    }

    /// Writes the name of a property of the innermost object. Its value follows.
    pub fn key(&mut self, name: &str, place: &Place) {
        let at = self.begin(place);
        self.quoted(name);
        self.end(at);
        self.text.push(':');
        self.after_key = true;
    }

    /// Writes a string.
    pub fn text(&mut self, text: &str, place: &Place) {
        let at = self.begin(place);
        self.quoted(text);
        self.end(at);
    }

    /// Writes JSON that is valid in this place, such as `null`, `true`, a number, or a value that was read from JSON.
    pub fn json(&mut self, json: &str, place: &Place) {
        let at = self.begin(place);
        self.text.push_str(json);
        self.end(at);
    }

    /// Returns the derived text.
    ///
    /// # Errors
    /// [`TooLarge`] if it does not fit 32-bit positions.
    pub fn finish(mut self) -> Result<Arc<Source>, TooLarge> {
        while !self.open.is_empty() {
            self.close();
        }
        let name = self.origins.main().map_or("", |main| main.name()).to_owned();
        if self.text.len() > MAX_SOURCE_BYTES {
            return Err(TooLarge);
        }
        let mut source = Source::at(name, self.text, (0, 0), false)?;
        source.origins = Some(Box::new(self.origins));
        Ok(Arc::new(source))
    }

    fn begin(&mut self, place: &Place) -> u32 {
        if self.follows && !self.after_key {
            self.text.push(',');
        }
        self.after_key = false;
        let start = byte_offset(self.text.len());
        let source = self.source(&place.source);
        let around = self.open.last().map(|(at, _)| *at);
        let at = byte_offset(self.origins.pieces.len());
        self.origins.pieces.push(Piece { span: Span::new(start, start), around, source, written: place.span });
        at
    }

    fn end(&mut self, at: u32) {
        if let Some(piece) = self.origins.pieces.get_mut(at as usize) {
            piece.span.end = byte_offset(self.text.len());
        }
        self.follows = true;
    }

    /// Returns the number of a text among the origins. The last ones are tried first: pieces of a text follow each other.
    fn source(&mut self, source: &Arc<Source>) -> u32 {
        let sources = &mut self.origins.sources;
        let found = sources.iter().rposition(|known| Arc::ptr_eq(known, source));
        byte_offset(found.unwrap_or_else(|| {
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

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_text_may_come_from_several() {
        let (first, second) = (Source::new("1", "[x").unwrap(), Source::new("2", "y]").unwrap());
        let mut json = Derivation::new(&first);
        json.open(Container::Array, &Place::new(&first, Span::new(0, 2)));
        json.text("x", &Place::new(&first, Span::new(1, 2)));
        json.text("y", &Place::new(&second, Span::new(0, 1)));
        let json = json.finish().unwrap();
        assert_eq!(json.text(), r#"["x","y"]"#);
        assert_eq!(Place::new(&json, Span::new(5, 8)).source.name(), "2");
        // It has no file of its own, so its digest is that of the JSON.
        assert_eq!(json.sha256(), Source::new("", json.text()).unwrap().sha256());
    }
}
