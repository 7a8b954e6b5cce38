//! The secrets of a case file: values that edits write to secret attributes.

use super::CaseFile;
use crate::schema::Schema;
use crate::snapshot::{Relation, SecretPaths, Secrets};
use crate::source::{Source, Span, byte_offset};
use std::collections::BTreeMap;
use std::sync::Arc;
use toml_edit::{Document, Item, TableLike, Value};

/// Returns the secrets of case files. If the schema cannot be read, every value that may be secret is one.
pub fn secrets_of_files(files: &[CaseFile], schema: Option<&Schema>) -> Vec<Secrets> {
    let paths = schema.map(|schema| SecretPaths::of(&schema.model));
    let secrets = |file: &CaseFile| match &paths {
        Some(None) => None,
        Some(Some(paths)) => Some(Secrets::at(&file.source, secret_spans(&file.source, Some(paths)))),
        None => Some(Secrets::at(&file.source, secret_spans(&file.source, None))),
    };
    files.iter().filter_map(secrets).collect()
}

/// Returns the places of values that may be secret, in any order. Without paths every value may be.
pub(super) fn secret_spans(source: &Arc<Source>, paths: Option<&SecretPaths>) -> Vec<Span> {
    let Ok(document) = Document::parse(source.text()) else { return values_of_lines(source) };
    let pointers = match document.get("pointers").and_then(Item::as_table_like) {
        Some(table) => {
            table.iter().filter_map(|(name, item)| Some((name.to_owned(), item.as_str()?.to_owned()))).collect()
        }
        None => BTreeMap::new(),
    };
    let mut search = Search { paths, pointers, spans: Vec::new() };
    search.table(document.as_table());
    search.spans
}

/// Returns the values of a text that is not TOML: on every line the part after the first `=`, or the whole line.
fn values_of_lines(source: &Source) -> Vec<Span> {
    let mut at = 0;
    let lines = source.text().split_inclusive('\n').map(|line| {
        let start = at + line.find('=').map_or(0, |equals| byte_offset(equals) + 1);
        at += byte_offset(line.len());
        Span::new(start, at - u32::from(line.ends_with('\n')))
    });
    lines.collect()
}

struct Search<'p> {
    paths: Option<&'p SecretPaths>,
    /// Short names of pointers.
    pointers: BTreeMap<String, String>,
    spans: Vec<Span>,
}

impl Search<'_> {
    fn table(&mut self, table: &dyn TableLike) {
        for (key, item) in table.iter() {
            match (key, item.as_table_like()) {
                ("set" | "add" | "append", Some(edits)) => {
                    for (pointer, value) in edits.iter() {
                        if self.is_secret(pointer, value) {
                            self.hide(value);
                        }
                    }
                }
                ("base", None) if item.as_str().is_some_and(|text| text.trim_start().starts_with('{')) => {
                    self.spans.extend(item.span().map(Span::from));
                }
                (_, Some(inner)) => self.table(inner),
                _ => self.tables(item),
            }
        }
    }

    fn tables(&mut self, item: &Item) {
        if let Some(tables) = item.as_array_of_tables() {
            tables.iter().for_each(|table| self.table(table));
        }
        let inline = item.as_array().into_iter().flatten().filter_map(Value::as_inline_table);
        inline.for_each(|table| self.table(table));
    }

    /// Returns whether an edit writes a secret: at its place, around it, or under its name.
    fn is_secret(&self, pointer: &str, value: &Item) -> bool {
        let Some(paths) = self.paths else { return true };
        let (head, rest) = pointer.split_at(pointer.find('/').unwrap_or(pointer.len()));
        let spelt = self.pointers.get(head).map_or_else(|| pointer.to_owned(), |start| format!("{start}{rest}"));
        paths.relation(&spelt) != Relation::Apart || names_secret(paths, value)
    }

    /// Adds the places of a value. A table in several parts has a name at each part.
    fn hide(&mut self, item: &Item) {
        self.spans.extend(item.span().filter(|_| !item.is_table()).map(Span::from));
        let Some(table) = item.as_table_like() else { return };
        for (name, value) in table.iter() {
            self.spans.extend(table.key(name).and_then(toml_edit::Key::span).map(Span::from));
            self.hide(value);
        }
    }
}

/// Returns whether a value has a property with a name like that of a secret.
fn names_secret(paths: &SecretPaths, item: &Item) -> bool {
    let in_table = |table: &dyn TableLike| {
        table.iter().any(|(name, value)| paths.resembles_secret(name) || names_secret(paths, value))
    };
    let in_value = |value: &Value| names_secret(paths, &Item::Value(value.clone()));
    match (item.as_table_like(), item.as_array()) {
        (Some(table), _) => in_table(table),
        (None, Some(list)) => list.iter().any(in_value),
        _ => false,
    }
}
