//! The keys by which instances of several sources are joined.

use super::node::{Node, Value};
use crate::schema::{KeyForm, Model};
use crate::value::TypeId;

/// The key of the instances of a type, and the form in which the schema compares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeyOf {
    /// The pointer of the property; empty for a scalar instance.
    pub pointer: Vec<String>,
    form: KeyForm,
}

impl KeyOf {
    /// Returns the key of a type. A type without `@key` has an empty pointer.
    pub(super) fn new(model: &Model, ty: TypeId) -> Self {
        let declared = model.ty(ty);
        let pointer = declared.key.clone().unwrap_or_default();
        let form = KeyForm::of(declared, &pointer);
        Self { pointer, form }
    }

    /// Returns the form in which keys are compared.
    pub(super) fn fold(&self, text: &str) -> String {
        self.form.fold(text)
    }

    /// Returns the noun of the form that the keys have, if they have one and this key does not.
    pub(super) fn wrong_form(&self, key: &str) -> Option<&'static str> {
        let is_address = || {
            let parts = key.rsplit_once('@');
            parts.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
                && !key.contains(char::is_whitespace)
        };
        (self.form == KeyForm::Email && !is_address()).then_some("an e-mail address")
    }

    /// Returns whether every text is a key by its form.
    pub(super) fn has_any_form(&self) -> bool {
        self.form != KeyForm::Email
    }

    /// Returns the key of an instance, if it has one.
    pub(super) fn of_node(&self, node: &Node) -> Option<String> {
        let key = self.pointer.iter().try_fold(node, |node, step| node.get(step))?;
        match &key.value {
            Value::Text(text) if !text.trim().is_empty() => Some(self.fold(text)),
            Value::Number(number) => Some(number.clone()),
            _ => None,
        }
    }
}
