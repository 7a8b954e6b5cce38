//! Values of the file with their places, and the mistakes in them.

use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Place, Source, Span};
use std::sync::Arc;
use toml_edit::{Item, TableLike, Value};

/// Reads values of one file, and collects the mistakes.
pub(crate) struct Values<'s> {
    pub source: &'s Arc<Source>,
    /// The code of the mistakes.
    pub code: Code,
    pub diagnostics: Vec<Diagnostic>,
}

impl Values<'_> {
    pub(crate) fn place(&self, span: Span) -> Place {
        Place::new(self.source, span)
    }

    /// Reports a mistake.
    pub(crate) fn wrong(&mut self, span: Span, message: String, help: &str) {
        let error = Diagnostic::error(self.code, message).label(self.source, span, "");
        self.diagnostics.push(error.help(help));
    }

    /// Reports the unknown keys of a table.
    pub(crate) fn known(&mut self, table: &dyn TableLike, valid: &[&'static str], of: &str) {
        for (key, _) in table.iter().filter(|(key, _)| !valid.contains(key)) {
            let error = Diagnostic::error(self.code, format!("unknown key `{key}`{of}"));
            let error = error.label(self.source, key_span(table, key), "unknown key");
            self.diagnostics.push(error.suggest(key, valid.iter().copied()));
        }
    }

    /// Returns the text of a key. An empty text is a mistake.
    pub(crate) fn text(&mut self, key: &str, item: &Item) -> Option<String> {
        match item.as_str() {
            Some("") => self.wrong(span_of(item), format!("`{key}` is empty"), "write a text, or remove the key"),
            Some(text) => return Some(text.to_owned()),
            None => {
                let message = format!("`{key}` is {}, not a text", described(item.type_name()));
                self.wrong(span_of(item), message, &format!("write it as {key} = \"...\""));
            }
        }
        None
    }

    /// Returns the texts of a list, each with its place. An empty text is a mistake.
    pub(crate) fn texts(&mut self, key: &str, item: &Item) -> Option<Vec<(String, Span)>> {
        let Some(list) = item.as_array() else {
            let message = format!("`{key}` is {}, not a list of texts", described(item.type_name()));
            self.wrong(span_of(item), message, &format!("write it as {key} = [\"...\"]"));
            return None;
        };
        let mut texts = Vec::new();
        for value in list {
            let at = span(value.span());
            match value.as_str() {
                Some("") => self.wrong(at, format!("a text of `{key}` is empty"), "write a text, or remove it"),
                Some(text) => texts.push((text.to_owned(), at)),
                None => {
                    let message = format!("an element of `{key}` is {}, not a text", described(value.type_name()));
                    self.wrong(at, message, "put it in quotes");
                }
            }
        }
        Some(texts)
    }

    pub(crate) fn boolean(&mut self, key: &str, item: &Item) -> Option<bool> {
        if item.as_bool().is_none() {
            let message = format!("`{key}` is {}, not a boolean", described(item.type_name()));
            self.wrong(span_of(item), message, "write `true` or `false`, without quotes");
        }
        item.as_bool()
    }

    pub(crate) fn table<'t>(&mut self, key: &str, item: &'t Item) -> Option<&'t dyn TableLike> {
        if item.as_table_like().is_none() {
            let message = format!("`{key}` is {}, not a table", described(item.type_name()));
            self.wrong(span_of(item), message, &format!("write it as [{key}], with one key in each line"));
        }
        item.as_table_like()
    }

    /// Returns a value as parameters are written on the command line: a text as it is, and any other value as JSON.
    pub(crate) fn parameter(&mut self, key: &str, item: &Item) -> Option<String> {
        if let Some(text) = item.as_str() {
            return Some(text.to_owned());
        }
        let text = json_of(item);
        if text.is_none() {
            let message = format!("parameter `{key}` is {}, which is not a JSON value", described(item.type_name()));
            self.wrong(span_of(item), message, "write a text, a number, a boolean, a list or a table of these");
        }
        text
    }
}

fn json_of(item: &Item) -> Option<String> {
    match (item.as_value(), item.as_table_like()) {
        (Some(value), _) => json(value).map(|value| value.to_string()),
        (None, table) => object(table?).map(|value| value.to_string()),
    }
}

fn json(value: &Value) -> Option<serde_json::Value> {
    Some(match value {
        Value::String(text) => text.value().as_str().into(),
        Value::Integer(number) => (*number.value()).into(),
        Value::Float(number) => serde_json::Number::from_f64(*number.value())?.into(),
        Value::Boolean(truth) => (*truth.value()).into(),
        Value::Datetime(moment) => moment.value().to_string().into(),
        Value::Array(list) => serde_json::Value::Array(list.iter().map(json).collect::<Option<_>>()?),
        Value::InlineTable(table) => object(table)?,
    })
}

fn object(table: &dyn TableLike) -> Option<serde_json::Value> {
    let member = |(name, item): (&str, &Item)| {
        let value = match (item.as_value(), item.as_table_like()) {
            (Some(value), _) => json(value)?,
            (None, table) => object(table?)?,
        };
        Some((name.to_owned(), value))
    };
    Some(serde_json::Value::Object(table.iter().map(member).collect::<Option<_>>()?))
}

fn described(type_name: &str) -> &'static str {
    match type_name {
        "string" => "a text",
        "integer" | "float" => "a number",
        "boolean" => "a boolean",
        "datetime" => "a time",
        "array" => "a list",
        "array of tables" => "a list of tables",
        _ => "a table",
    }
}

pub(crate) fn key_span(table: &dyn TableLike, key: &str) -> Span {
    span(table.key(key).and_then(toml_edit::Key::span))
}

pub(crate) fn span_of(item: &Item) -> Span {
    span(item.span())
}

pub(crate) fn span(range: Option<std::ops::Range<usize>>) -> Span {
    range.map_or(Span::new(0, 0), Span::from)
}
