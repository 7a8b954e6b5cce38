//! The keys by which instances of several sources are joined.

use super::node::{Node, Value};
use super::secrets::masked;
use crate::schema::{KeyForm, Model, WrongShape};
use crate::value::TypeId;
use std::borrow::Cow;
use std::hash::{Hash, Hasher};

/// The key of the instances of a type, and the forms in which the schema compares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeyOf {
    /// The pointer of the property; empty for a scalar instance. Columns of tables give this property.
    pub pointer: Vec<String>,
    form: KeyForm,
    /// The properties that take its place in instances without it, in their order.
    further: Vec<(Vec<String>, KeyForm)>,
}

/// The key of an instance. Keys are equal if they are spellings of one text.
#[derive(Debug, Clone)]
pub(super) struct Key {
    /// The number of its property. Other properties may have the same text.
    property: usize,
    /// The text in its form.
    text: String,
    /// The text as it is written, without blanks around it.
    written: String,
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        (self.property, &self.text) == (other.property, &other.text)
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.property, &self.text).hash(state);
    }
}

impl Key {
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn written(&self) -> &str {
        &self.written
    }

    /// Returns its text for messages, without secrets. The form of a text may hide that it is one.
    pub(super) fn shown(&self) -> &str {
        if self.is_secret() { "***" } else { &self.text }
    }

    /// Returns its text as it is written for messages, without secrets.
    pub(super) fn shown_as_written(&self) -> &str {
        if self.is_secret() { "***" } else { &self.written }
    }

    fn is_secret(&self) -> bool {
        matches!(masked(&self.written), Cow::Owned(_))
    }

    /// Returns its property and its text as it is written.
    pub(super) fn spelling(&self) -> (usize, &str) {
        (self.property, &self.written)
    }

    /// Returns whether two keys are one text as they are written.
    pub(super) fn is_spelt_as(&self, other: &Self) -> bool {
        self.spelling() == other.spelling()
    }

    /// Returns whether it is a text as it is written.
    pub(super) fn is_written(&self, text: &str) -> bool {
        self.written == text.trim()
    }

    /// Returns whether it is the property that columns of tables give.
    pub(super) fn is_first(&self) -> bool {
        self.property == 0
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.shown())
    }
}

impl KeyOf {
    /// Returns the key of a type. A type without `@key` has an empty pointer.
    pub(super) fn new(model: &Model, ty: TypeId) -> Self {
        let declared = model.ty(ty);
        let pointer = declared.key.clone().unwrap_or_default();
        let form = KeyForm::of(declared, &pointer);
        let further = declared.keys().skip(1).filter(|_| !declared.has_composite_key());
        let further = further.map(|key| (key.to_vec(), KeyForm::of(declared, key))).collect();
        Self { pointer, form, further }
    }

    fn all(&self) -> impl Iterator<Item = (&[String], KeyForm)> {
        let further = self.further.iter().map(|(pointer, form)| (pointer.as_slice(), *form));
        std::iter::once((self.pointer.as_slice(), self.form)).chain(further)
    }

    /// Returns the form in which keys of tables are compared.
    pub(super) fn fold(&self, text: &str) -> String {
        self.form.fold(text)
    }

    /// Returns the key of a row of a table.
    pub(super) fn of_row(&self, text: &str) -> Key {
        Key { property: 0, text: self.fold(text), written: text.trim().to_owned() }
    }

    /// Returns whether a text is the key of an instance.
    pub(super) fn is(&self, key: &Key, text: &str) -> bool {
        self.all().nth(key.property).is_some_and(|(_, form)| form.fold(text) == key.text)
    }

    /// Returns the pointer of the property that is the key of an instance.
    pub(super) fn pointer_of(&self, key: &Key) -> &[String] {
        self.all().nth(key.property).map_or(&[], |(pointer, _)| pointer)
    }

    /// Returns the name of the property that tables give.
    pub(super) fn name(&self) -> String {
        name(&self.pointer)
    }

    /// Returns the names of its properties.
    pub(super) fn names(&self) -> String {
        self.all().map(|(pointer, _)| name(pointer)).collect::<Vec<_>>().join(" or ")
    }

    /// Returns the error of a key of a table that the reader of the schema rejects.
    pub(super) fn wrong_form(&self, key: &Key) -> Option<WrongShape> {
        self.form.wrong(&key.written)
    }

    /// Returns whether texts such as totals are keys by their form.
    pub(super) fn has_any_form(&self) -> bool {
        self.form != KeyForm::Email
    }

    /// Returns the key of an instance, if it has one: the first of its properties that is there and not `null`. `property`
    /// returns the value at a pointer.
    pub(super) fn find<'n>(&self, property: impl Fn(&[String]) -> Option<&'n Value>) -> Option<Key> {
        let present = self.all().enumerate().filter_map(|(number, (pointer, form))| {
            let value = property(pointer).filter(|value| **value != Value::Null)?;
            Some((number, value, form))
        });
        let (property, value, form) = present.into_iter().next()?;
        let (text, written) = match value {
            Value::Text(text) if !text.trim().is_empty() => (form.fold(text), text.trim().to_owned()),
            Value::Number(number) => (number.clone(), number.clone()),
            Value::Bool(value) => (value.to_string(), value.to_string()),
            _ => return None,
        };
        Some(Key { property, text, written })
    }

    /// Returns the key of an instance of a document, if it has one.
    pub(super) fn of_node(&self, node: &Node) -> Option<Key> {
        self.find(|pointer| Some(&pointer.iter().try_fold(node, |node, step| node.get(step))?.value))
    }
}

fn name(pointer: &[String]) -> String {
    format!("`{}`", pointer.last().map_or("value", String::as_str))
}
