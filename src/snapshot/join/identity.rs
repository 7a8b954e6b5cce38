//! The ids by which instances of several files are one.

use crate::schema::{EntityType, KeyForm};
use crate::source::Span;
use crate::source::json::{Kind, Scanner, SyntaxError, string_text};
use crate::value::fold::caseless;

/// The id of the instances of a type.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    /// The pointer to each property of the id, and the form of its text.
    keys: Vec<(Vec<String>, KeyForm)>,
    /// Whether the id consists of all properties; otherwise it is the first that is present and not `null`.
    is_composite: bool,
    /// The property whose words decide whether an element is an instance of the type.
    only: Option<Vec<String>>,
}

/// A property on the way to an id.
enum Found {
    /// It is missing or `null`.
    Missing,
    /// It has this text.
    Text(String),
    /// It is there twice, or is not a scalar.
    Unreadable,
}

impl Identity {
    pub(super) fn new(declared: &EntityType) -> Self {
        let keys = declared.keys().map(|key| (key.to_vec(), KeyForm::of(declared, key))).collect();
        let only = declared.only.as_ref().map(|only| only.property.clone());
        Self { keys, is_composite: declared.has_composite_key(), only }
    }

    /// Returns whether a property of an instance is one of the id, and its spellings are one text.
    pub(super) fn is_at(&self, property: &[String]) -> bool {
        self.keys.iter().any(|(key, form)| key == property && *form != KeyForm::Exact)
    }

    /// Returns the parts of the id of an element of a JSON text, with the word that decides its type. Returns `None` if the
    /// element has none that can be read.
    pub(super) fn of(&self, text: &str, kind: Kind, span: Span) -> Option<Vec<String>> {
        let mut parts = Vec::with_capacity(self.keys.len() + 1);
        for (at, (key, form)) in self.keys.iter().enumerate() {
            match property(text, kind, span, key) {
                Found::Text(text) if !text.trim().is_empty() => {
                    // Another property may have the same text.
                    parts.push(format!("{at}:{}", form.fold(&text)));
                    if !self.is_composite {
                        break;
                    }
                }
                Found::Missing if !self.is_composite => {}
                Found::Missing | Found::Text(_) | Found::Unreadable => return None,
            }
        }
        if parts.is_empty() {
            return None;
        }
        if let Some(only) = &self.only {
            match property(text, kind, span, only) {
                Found::Text(word) => parts.push(caseless(word.trim()).into_owned()),
                Found::Missing | Found::Unreadable => return None,
            }
        }
        Some(parts)
    }
}

/// Returns the scalar at a pointer below a value.
fn property(text: &str, mut kind: Kind, mut span: Span, pointer: &[String]) -> Found {
    for name in pointer {
        let (mut found, mut is_twice) = (None, false);
        if kind != Kind::Object {
            return Found::Unreadable;
        }
        #[expect(clippy::let_underscore_must_use, reason = "the file has been scanned before")]
        let _ = Scanner::at(text, span.start).object(|scanner, key| {
            let (kind, _) = scanner.peek()?;
            let value = (kind, scanner.skip()?);
            if key.text() == *name {
                is_twice |= found.replace(value).is_some();
            }
            Ok::<_, SyntaxError>(())
        });
        match found {
            Some(_) if is_twice => return Found::Unreadable,
            Some(value) => (kind, span) = value,
            None => return Found::Missing,
        }
    }
    let written = text.get(span.range()).unwrap_or_default();
    match kind {
        Kind::Null => Found::Missing,
        Kind::String => string_text(written).map_or(Found::Unreadable, |text| Found::Text(text.into_owned())),
        Kind::Number | Kind::Bool => Found::Text(written.to_owned()),
        Kind::Object | Kind::Array => Found::Unreadable,
    }
}
