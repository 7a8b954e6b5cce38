//! Locating a value in the bytes of its row, for a finding or a diagnostic that shows it.

use super::Snapshot;
use crate::source::Span;
use crate::source::json::{Kind, Scanned, Scanner, SyntaxError, WalkEnd};

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

#[doc(hidden)]
impl Snapshot {
    /// Follows property names inside the value at `within`.
    pub fn locate(&self, within: Span, pointer: &[String]) -> Location {
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
    pub(super) fn skip(&self, scanner: &mut Scanner<'_>) -> Result<Span, SyntaxError> {
        Ok(self.scan(scanner)?.span)
    }

    /// Scans a value, jumping over lists of instances.
    pub(super) fn scan(&self, scanner: &mut Scanner<'_>) -> Result<Scanned, SyntaxError> {
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
    pub fn properties(&self, object: Span) -> Vec<(String, Span)> {
        let mut names = Vec::new();
        self.each_property(object, |name, key, _| names.push((name.to_owned(), key)));
        names
    }

    /// Passes on the properties of an object in order: the names, their places, and the places of the values.
    pub(super) fn each_property(&self, object: Span, mut each: impl FnMut(&str, Span, Span)) {
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
