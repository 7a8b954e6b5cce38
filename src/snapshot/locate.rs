//! Locating a value in the bytes of its row, for a finding or a diagnostic that shows it.

use super::{Jumps, Snapshot, StrRef};
use crate::source::json::{Kind, Scanned, Scanner, SyntaxError, WalkEnd};
use crate::source::{Source, Span};
use std::sync::Arc;

/// The place of a value, or the place where it is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Location {
    /// The value, or the object that lacks it.
    pub span: Span,
    /// The value or the missing property at this place.
    pub kind: LocationKind,
}

/// The result of following a pointer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocationKind {
    /// A value of this kind.
    Value(Kind),
    /// An object that lacks the property at this step of the pointer.
    Lacks(usize),
}

/// The text of a document, and what the split found in it.
#[derive(Clone, Copy)]
pub(super) struct SplitText<'s> {
    pub source: &'s Arc<Source>,
    /// The side text.
    pub side: &'s str,
    /// The end of each list of instances by its start.
    pub jumps: &'s Jumps,
}

impl<'s> SplitText<'s> {
    /// Returns the text of a reference.
    pub(super) fn text(self, at: StrRef) -> &'s str {
        if at.is_side() { self.side.get(at.range()) } else { self.source.text().get(at.range()) }.unwrap_or_default()
    }

    /// Follows property names inside the value at `within`.
    pub(super) fn locate(self, within: Span, pointer: &[String]) -> Location {
        let text = self.source.text();
        let mut span = within;
        for (at, step) in pointer.iter().enumerate() {
            let mut scanner = Scanner::at(text, span.start);
            match scanner.peek() {
                Ok((Kind::Object, _)) => {}
                Ok((kind, _)) => return Location { span, kind: LocationKind::Value(kind) },
                Err(_) => return Location { span, kind: LocationKind::Lacks(at) },
            }
            let mut found = None;
            #[expect(
                clippy::let_underscore_must_use,
                reason = "the walk ends early where the step is found; a duplicate property is unreadable in any case"
            )]
            let _ = scanner.object(|scanner, key| {
                let value = self.skip(scanner)?;
                if key.plain().map_or_else(|| key.text() == step.as_str(), |plain| plain == step) {
                    found = Some(value);
                    return Err(WalkEnd);
                }
                Ok(())
            });
            match found {
                Some(value) => span = value,
                None => return Location { span, kind: LocationKind::Lacks(at) },
            }
        }
        let kind = Scanner::at(text, span.start).peek().map_or(Kind::Null, |(kind, _)| kind);
        Location { span, kind: LocationKind::Value(kind) }
    }

    /// Skips a value, jumping over lists of instances.
    pub(super) fn skip(self, scanner: &mut Scanner<'_>) -> Result<Span, SyntaxError> {
        Ok(self.scan(scanner)?.span)
    }

    /// Scans a value, jumping over lists of instances.
    pub(super) fn scan(self, scanner: &mut Scanner<'_>) -> Result<Scanned, SyntaxError> {
        let (kind, start) = scanner.peek()?;
        let list = if matches!(kind, Kind::Object | Kind::Array) { self.jumps.get(&start) } else { None };
        match list {
            Some(end) => {
                scanner.jump(*end);
                Ok(Scanned { kind, span: Span::new(start, *end), escaped: false })
            }
            None => scanner.value(),
        }
    }

    /// Returns the names of the properties of an object, with the spans of the keys.
    pub(super) fn properties(self, object: Span) -> Vec<(String, Span)> {
        let mut names = Vec::new();
        self.each_property(object, |name, key, _| names.push((name.to_owned(), key)));
        names
    }

    /// Passes on the properties of an object in order: the names, their places, and the places of the values.
    pub(super) fn each_property(self, object: Span, mut each: impl FnMut(&str, Span, Span)) {
        let mut scanner = Scanner::at(self.source.text(), object.start);
        #[expect(
            clippy::let_underscore_must_use,
            reason = "a value of another kind has no properties, and the text has been scanned before"
        )]
        let _ = scanner.object(|scanner, key| {
            let value = self.skip(scanner)?;
            each(&key.text(), key.span, value);
            Ok::<_, SyntaxError>(())
        });
    }
}

#[doc(hidden)]
impl Snapshot {
    pub(super) fn split_text(&self) -> SplitText<'_> {
        SplitText { source: &self.source, side: &self.side, jumps: &self.jumps }
    }

    /// Follows property names inside the value at `within`.
    pub fn locate(&self, within: Span, pointer: &[String]) -> Location {
        self.split_text().locate(within, pointer)
    }

    /// Returns the text of a reference.
    pub fn text(&self, at: StrRef) -> &str {
        self.split_text().text(at)
    }

    /// Returns the names of the properties of an object, with the spans of the keys.
    pub fn properties(&self, object: Span) -> Vec<(String, Span)> {
        self.split_text().properties(object)
    }

    /// Passes on the properties of an object, as [`SplitText::each_property`] does.
    pub(super) fn each_property(&self, object: Span, each: impl FnMut(&str, Span, Span)) {
        self.split_text().each_property(object, each);
    }
}
