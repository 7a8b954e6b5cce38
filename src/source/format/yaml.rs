//! YAML: the events of a parser become JSON as they arrive.
//!
//! Values are read by the core schema of YAML 1.2, so `no` and `2026-09-01` are texts. An alias writes the anchored value
//! again, with its place. A merge key adds the properties of anchored mappings when the mapping ends. Duplicate keys stay:
//! the engine has a rule for them.

mod scalar;
mod spans;
mod words;

use super::control_character;
use crate::source::derived::{Container, Derivation, Fault};
use crate::source::json::{Kind, Scanner, SyntaxError, document_start, string_text};
use crate::source::{Place, Source, Span, TooLarge};
use rustc_hash::FxHashSet;
use saphyr_parser::{Event, Parser, ScalarStyle, Tag};
use scalar::{Scalar, of_container};
use spans::Offsets;
use std::sync::Arc;

/// The bytes that aliases may add to the JSON of a small file. Those of a larger one may add the size of the file.
const MOST_ALIASED: usize = 16 << 20;

/// Returns a YAML document as JSON.
pub(super) fn read(main: &Arc<Source>) -> Result<Arc<Source>, TooLarge> {
    if is_json(main.text()) {
        return Ok(Arc::clone(main));
    }
    let mut reader = Reader::new(main);
    let read = match control_character(main.text()) {
        Some(fault) => Err(fault),
        None => reader.document(),
    };
    match read {
        Ok(()) => reader.json.finish(),
        Err(fault) => reader.json.fail(main, reader.read, fault),
    }
}

/// Returns whether a text is JSON, which is YAML too. The strict scanner reads it with less memory, and brackets of any depth.
fn is_json(text: &str) -> bool {
    let start = document_start(text);
    let mut scanner = Scanner::at(text, start);
    matches!(scanner.peek(), Ok((Kind::Object | Kind::Array, _))) && scanner.skip().is_ok() && scanner.end().is_ok()
}

type Result<T, E = Fault> = std::result::Result<T, E>;

/// A container that is open.
struct Frame {
    container: Container,
    /// Its anchor, or 0.
    anchor: usize,
    /// Whether it is written with brackets, so that its end is known.
    is_flow: bool,
    next: Next,
    /// The names of its properties in the derived text.
    names: Vec<Span>,
    /// The merge key, and the mappings to merge in their order.
    merge: Option<(Span, Vec<Span>)>,
}

/// The meaning of the next event in a container.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    /// A key, or the end.
    Key,
    /// The value of the key at this place.
    Value(Span),
    /// An element, or the end.
    Element,
    /// The value of a merge key.
    Merge,
    /// An element of the list of a merge key, or its end.
    Merged,
}

/// The value of an anchor.
#[derive(Clone, Copy)]
enum Anchored {
    /// The value is not complete.
    Open,
    /// The bytes of the value in the derived text.
    Value(Span),
}

struct Reader<'s> {
    main: &'s Arc<Source>,
    text: &'s str,
    offsets: Offsets<'s>,
    json: Derivation,
    open: Vec<Frame>,
    /// Values by the numbers of their anchors.
    anchors: Vec<Option<Anchored>>,
    /// The end of the last scalar, alias or bracket. Everything after it is unread.
    read: u32,
    /// The bytes that aliases have added.
    aliased: usize,
    documents: usize,
}

impl<'s> Reader<'s> {
    fn new(main: &'s Arc<Source>) -> Self {
        Self {
            main,
            text: main.text(),
            offsets: Offsets::new(main.text()),
            json: Derivation::new(main),
            open: Vec::new(),
            anchors: Vec::new(),
            read: 0,
            aliased: 0,
            documents: 0,
        }
    }

    fn document(&mut self) -> Result<()> {
        let mut parser = Parser::new_from_str(self.text);
        while let Some(next) = parser.next_event() {
            let (event, span) = next.map_err(|error| {
                let at = self.offsets.byte(error.marker().index());
                words::fault(self.text, at, error.info())
            })?;
            let span = Span::new(self.offsets.byte(span.start.index()), self.offsets.byte(span.end.index()));
            self.event(event, span)?;
        }
        Ok(())
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Result<()> {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) => self.start(span),
            Event::Alias(anchor) => self.alias(anchor, span),
            Event::Scalar(text, style, anchor, tag) => self.scalar(&text, style, (anchor, tag.as_deref()), span),
            Event::SequenceStart(anchor, tag) => self.begin(Container::Array, (anchor, tag.as_deref()), span),
            Event::MappingStart(anchor, tag) => self.begin(Container::Object, (anchor, tag.as_deref()), span),
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
        }
    }

    fn start(&mut self, span: Span) -> Result<()> {
        self.documents += 1;
        if self.documents > 1 {
            let fault = Fault::new(span, "a second document begins here, and a file has one snapshot");
            return Err(fault.help("write each document to a file of its own"));
        }
        words::directive(self.text, span.start).map_or(Ok(()), Err)
    }

    fn place(&self, span: Span) -> Place {
        Place { source: Arc::clone(self.main), span }
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        (anchor, tag): (usize, Option<&Tag>),
        span: Span,
    ) -> Result<()> {
        let written = spans::scalar(self.text, span, style, anchor != 0 || tag.is_some());
        let scalar = Scalar::new(text, style, tag).map_err(|problem| problem.fault(written))?;
        let next = self.open.last().map(|frame| frame.next);
        let value = match next {
            Some(Next::Key) => {
                return self.name(text, &scalar, (style == ScalarStyle::Plain && tag.is_none(), anchor), written);
            }
            Some(Next::Merge | Next::Merged) => return Err(words::bad_merge(written)),
            Some(Next::Value(name)) if written.is_empty() => self.write(&scalar, name),
            _ if written.is_empty() => self.write(&scalar, spans::dash(self.text, span)),
            _ => self.write(&scalar, written),
        };
        self.read = self.read.max(written.end);
        self.define(anchor, Anchored::Value(value));
        self.advance();
        Ok(())
    }

    fn write(&mut self, scalar: &Scalar<'_>, written: Span) -> Span {
        let place = self.place(written);
        match scalar {
            Scalar::Text(text) => self.json.text(text, &place),
            Scalar::Json(json) => self.json.json(json, &place),
            Scalar::Null => self.json.json("null", &place),
        }
    }

    /// Reads the name of a property: its text as written.
    fn name(
        &mut self,
        text: &str,
        scalar: &Scalar<'_>,
        (is_plain, anchor): (bool, usize),
        written: Span,
    ) -> Result<()> {
        if self.open.last().is_some_and(|frame| !frame.is_flow) {
            words::tab(self.text, written.start).map_or(Ok(()), Err)?;
        }
        if is_plain && text == "<<" {
            return self.merge_key(written);
        }
        if matches!(scalar, Scalar::Null) {
            let help = "write a name before the `:`, or put `null` in quotes if it is the name";
            return Err(Fault::new(written, "the name of a property is null").help(help));
        }
        let name = self.json.key(text, &self.place(written));
        self.define(anchor, Anchored::Value(name));
        self.named(name, written);
        Ok(())
    }

    fn named(&mut self, name: Span, written: Span) {
        self.read = self.read.max(written.end);
        if let Some(frame) = self.open.last_mut() {
            frame.names.push(name);
            frame.next = Next::Value(written);
        }
    }

    fn merge_key(&mut self, written: Span) -> Result<()> {
        let Some(frame) = self.open.last_mut() else { return Ok(()) };
        if frame.merge.is_some() {
            let fault = Fault::new(written, "a second merge key in one mapping");
            return Err(fault.help("write one `<<` with a list: `<<: [*first, *second]`"));
        }
        frame.merge = Some((written, Vec::new()));
        frame.next = Next::Merge;
        self.read = self.read.max(written.end);
        Ok(())
    }

    fn alias(&mut self, anchor: usize, written: Span) -> Result<()> {
        let value = match self.anchors.get(anchor).copied().flatten() {
            Some(Anchored::Value(value)) => value,
            Some(Anchored::Open) => {
                let fault = Fault::new(written, "this alias is inside its own anchor");
                return Err(fault.help("write the value in place of the alias"));
            }
            None => return Err(words::no_anchor(written)),
        };
        match self.open.last().map(|frame| frame.next) {
            Some(Next::Key) => return self.alias_name(value, written),
            Some(Next::Merge | Next::Merged) => return self.merge(value, written),
            _ => {}
        }
        self.count(value, written)?;
        self.json.again(value);
        self.read = self.read.max(written.end);
        self.advance();
        Ok(())
    }

    /// Counts the bytes that an alias adds.
    fn count(&mut self, value: Span, written: Span) -> Result<()> {
        self.aliased += value.len() as usize;
        let most = MOST_ALIASED.max(self.text.len());
        if self.aliased > most {
            let message = format!("the aliases of this file expand to more than {} MiB", most >> 20);
            let fault = Fault::new(written, message).too_large();
            return Err(fault.help("write the snapshot with fewer aliases of large values"));
        }
        Ok(())
    }

    /// Reads an alias in place of a name.
    fn alias_name(&mut self, value: Span, written: Span) -> Result<()> {
        self.count(value, written)?;
        let json = self.json.written().get(value.range()).unwrap_or_default();
        let name = match json.as_bytes().first() {
            Some(b'"') => string_text(json).unwrap_or_default().into_owned(),
            Some(b'{' | b'[' | b'n') | None => return Err(words::not_a_name(written)),
            Some(_) => json.to_owned(),
        };
        let name = self.json.key(&name, &self.place(written));
        self.named(name, written);
        Ok(())
    }

    fn merge(&mut self, value: Span, written: Span) -> Result<()> {
        self.count(value, written)?;
        if !self.json.written().get(value.range()).is_some_and(|json| json.starts_with('{')) {
            return Err(words::bad_merge(written));
        }
        self.read = self.read.max(written.end);
        if let Some(frame) = self.open.last_mut() {
            frame.merge.iter_mut().for_each(|(_, mappings)| mappings.push(value));
            if frame.next == Next::Merge {
                frame.next = Next::Key;
            }
        }
        Ok(())
    }

    fn begin(&mut self, container: Container, (anchor, tag): (usize, Option<&Tag>), span: Span) -> Result<()> {
        let start = spans::after_properties(self.text, span, anchor != 0 || tag.is_some());
        let here = Span::new(start, span.end.max(start));
        let is_value = self.open.last().is_some_and(|frame| matches!(frame.next, Next::Value(_)));
        let is_list = container == Container::Array && here.is_empty() && is_value;
        let here = if is_list { Span::new(spans::first_dash(self.text, start), start) } else { here };
        of_container(container, tag).map_err(|problem| problem.fault(here))?;
        match self.open.last_mut().map(|frame| (frame.next, frame)) {
            Some((Next::Key, _)) => return Err(words::not_a_name(here)),
            Some((Next::Merge, frame)) if container == Container::Array && anchor == 0 => {
                frame.next = Next::Merged;
                return Ok(());
            }
            Some((Next::Merge | Next::Merged, _)) => return Err(words::bad_merge(here)),
            _ => {}
        }
        self.json.open(container, &self.place(here));
        self.define(anchor, Anchored::Open);
        let is_flow = self.text.get(here.range()).is_some_and(|text| text.starts_with(['[', '{']));
        if is_flow {
            self.read = self.read.max(here.end);
        }
        let next = if container == Container::Array { Next::Element } else { Next::Key };
        self.open.push(Frame { container, anchor, is_flow, next, names: Vec::new(), merge: None });
        Ok(())
    }

    fn end(&mut self, span: Span) -> Result<()> {
        if let Some(frame) = self.open.last_mut().filter(|frame| frame.next == Next::Merged) {
            frame.next = Next::Key;
            return Ok(());
        }
        let Some(mut frame) = self.open.pop() else { return Ok(()) };
        if let Some((_, mappings)) = frame.merge.take().filter(|_| frame.container == Container::Object) {
            self.add_merged(&frame.names, &mappings);
        }
        if frame.is_flow {
            self.read = self.read.max(span.end);
        }
        let value = self.json.close_at(self.read);
        self.define(frame.anchor, Anchored::Value(value));
        self.advance();
        Ok(())
    }

    /// Writes the properties of merged mappings that neither the mapping itself nor an earlier one has.
    fn add_merged(&mut self, names: &[Span], mappings: &[Span]) {
        let text = self.json.written();
        let mut known: FxHashSet<&str> = names.iter().filter_map(|name| text.get(name.range())).collect();
        let mut added = Vec::new();
        for mapping in mappings {
            let properties = properties(text, *mapping);
            let is_new = |name: Span| text.get(name.range()).is_some_and(|name| !known.contains(name));
            added.extend(properties.iter().filter(|(name, _)| is_new(*name)));
            known.extend(properties.iter().filter_map(|(name, _)| text.get(name.range())));
        }
        for (name, value) in added {
            self.json.key_again(name);
            self.json.again(value);
        }
    }

    fn define(&mut self, anchor: usize, value: Anchored) {
        if anchor == 0 {
            return;
        }
        if self.anchors.len() <= anchor {
            self.anchors.resize(anchor + 1, None);
        }
        if let Some(known) = self.anchors.get_mut(anchor) {
            *known = Some(value);
        }
    }

    /// Expects what follows a value.
    fn advance(&mut self) {
        if let Some(frame) = self.open.last_mut().filter(|frame| matches!(frame.next, Next::Value(_))) {
            frame.next = Next::Key;
        }
    }
}

/// Returns the names and the values of an object of the derived text.
fn properties(text: &str, object: Span) -> Vec<(Span, Span)> {
    let mut found = Vec::new();
    #[expect(clippy::let_underscore_must_use, reason = "the derivation has written this object")]
    let _ = Scanner::at(text, object.start).object(|scanner, key| {
        found.push((key.span, scanner.skip()?));
        Ok::<_, SyntaxError>(())
    });
    found
}

#[cfg(test)]
mod tests;
