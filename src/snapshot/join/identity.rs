//! The ids by which instances of several files are one.

use crate::schema::{EntityType, KeyForm, Only};
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
    /// The elements of the list that are instances of the type, if not all are.
    only: Option<Only>,
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
        Self { keys, is_composite: declared.has_composite_key(), only: declared.only.clone() }
    }

    /// Returns the text of a property of an instance in the form of the id, if the property is in the id and has one.
    pub(super) fn folded(&self, property: &[String], text: &str) -> Option<String> {
        let (_, form) = self.keys.iter().find(|(key, form)| key == property && *form != KeyForm::Exact)?;
        Some(form.fold(text))
    }

    /// Returns the parts of the id of an element of a JSON text, with the word that decides whether it is an instance of the
    /// type. An element that is not has only this word. Returns `None` if a part or the word cannot be read.
    pub(super) fn of(&self, text: &str, kind: Kind, span: Span) -> Option<Vec<String>> {
        let mut parts = Vec::with_capacity(self.keys.len() + 1);
        if let Some(only) = &self.only {
            let Found::Text(word) = property(text, kind, span, &only.property) else { return None };
            parts.push(caseless(word.trim()).into_owned());
            if !only.has(&word) {
                return Some(parts);
            }
        }
        let of_word = parts.len();
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
        (parts.len() > of_word).then_some(parts)
    }

    /// Returns whether an element with a word is an instance of the type.
    pub(super) fn judges(&self, text: &str, kind: Kind, span: Span) -> bool {
        let Some(only) = &self.only else { return true };
        matches!(property(text, kind, span, &only.property), Found::Text(word) if only.has(&word))
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
