//! Reads the file. Every unknown key and every invalid value is reported with its place.

use super::keys::{IN_SEVERITY, KEYS};
use super::values::{Values, key_span, span, span_of};
use super::{Configuration, Given, OutputSetting};
use crate::diagnostic::{Code, Diagnostic};
use crate::parameters::Setting;
use crate::policy::{CheckSeverity, FRAMEWORKS, SeverityOverride, is_built_in_annotation};
use crate::render::FORMATS;
use crate::source::{Source, Span};
use crate::value::parse_duration;
use smol_str::SmolStr;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use toml_edit::{Document, Item, TableLike};

pub(super) fn read(source: &Arc<Source>) -> (Configuration, Vec<Diagnostic>) {
    let empty = Configuration::empty(source);
    let document = match Document::parse(source.text()) {
        Ok(document) => document,
        Err(error) => {
            let message = format!("`{}` is not TOML: {}", source.name(), error.message().replace('\n', ", "));
            let error = Diagnostic::error(Code::NotToml, message).label(source, span(error.span()), "here");
            return (empty, vec![error]);
        }
    };
    let values = Values { source, code: Code::Configuration, diagnostics: Vec::new() };
    let mut reader = Reader { folder: Path::new(source.name()).parent().unwrap_or(Path::new("")), values };
    let configuration = reader.configuration(document.as_table(), empty);
    (configuration, reader.values.diagnostics)
}

struct Reader<'s> {
    /// The folder of the file, to which its paths are relative.
    folder: &'s Path,
    values: Values<'s>,
}

impl Reader<'_> {
    fn configuration(&mut self, table: &dyn TableLike, empty: Configuration) -> Configuration {
        self.values.known(table, &KEYS, "");
        Configuration {
            pack: self.given(table, "pack", |it, key, item| it.values.text(key, item)),
            policies: self.given(table, "policies", Self::paths),
            waivers: self.given(table, "waivers", Self::paths),
            schema: self.given(table, "schema", Self::path),
            parameters: self.parameters(table),
            only: self.given(table, "only", Self::patterns),
            skip: self.given(table, "skip", Self::patterns),
            fail_on: self.given(table, "fail-on", Self::severity),
            allow_unknown: self.given(table, "allow-unknown", |it, key, item| it.values.boolean(key, item)),
            max_snapshot_age: self.given(table, "max-snapshot-age", Self::age),
            outputs: self.given(table, "outputs", Self::outputs),
            store: self.given(table, "store", Self::store),
            baseline: self.given(table, "baseline", Self::path),
            severities: self.severities(table),
            annotations: self.given(table, "annotations", Self::annotations),
            frameworks: self.given(table, "frameworks", Self::frameworks),
            ..empty
        }
    }

    /// Reads the value of a key, if the table has it and it is valid.
    fn given<T>(
        &mut self,
        table: &dyn TableLike,
        key: &str,
        read: impl FnOnce(&mut Self, &str, &Item) -> Option<T>,
    ) -> Option<Given<T>> {
        let value = read(self, key, table.get(key)?)?;
        Some(Given { value, place: self.values.place(key_span(table, key)) })
    }

    fn path(&mut self, key: &str, item: &Item) -> Option<PathBuf> {
        Some(self.folder.join(self.values.text(key, item)?))
    }

    fn paths(&mut self, key: &str, item: &Item) -> Option<Vec<PathBuf>> {
        let texts = self.values.texts(key, item)?;
        if texts.is_empty() {
            self.values.wrong(span_of(item), format!("`{key}` is empty"), "name a file or folder, or remove the key");
            return None;
        }
        Some(texts.into_iter().map(|(text, _)| self.folder.join(text)).collect())
    }

    fn patterns(&mut self, key: &str, item: &Item) -> Option<Vec<String>> {
        let texts = self.values.texts(key, item)?;
        if texts.is_empty() {
            self.values.wrong(span_of(item), format!("`{key}` is empty"), "name a check, or remove the key");
            return None;
        }
        Some(texts.into_iter().map(|(text, _)| text).collect())
    }

    fn severity(&mut self, key: &str, item: &Item) -> Option<CheckSeverity> {
        let text = self.values.text(key, item)?;
        let severity = text.parse().ok();
        if severity.is_none() {
            let error = Diagnostic::error(Code::Configuration, format!("unknown severity `{text}`"));
            let error = error.label(self.values.source, span_of(item), "");
            self.values.diagnostics.push(error.suggest(&text, CheckSeverity::ALL.map(CheckSeverity::name)));
        }
        severity
    }

    fn age(&mut self, key: &str, item: &Item) -> Option<i64> {
        let text = self.values.text(key, item)?;
        match parse_duration(&text) {
            Ok(age) if age >= 0 => return Some(age),
            Ok(_) => {
                self.values.wrong(span_of(item), format!("`{key}` is negative"), "write a duration such as \"7d\"")
            }
            Err(help) => self.values.wrong(span_of(item), format!("`{text}` is not a duration"), &help),
        }
        None
    }

    /// Reads settings of parameters. A mistake in a value is found when the pack is known.
    fn parameters(&mut self, table: &dyn TableLike) -> Vec<Setting> {
        let Some(table) = table.get("parameters").and_then(|item| self.values.table("parameters", item)) else {
            return Vec::new();
        };
        let mut settings = Vec::new();
        for (key, item) in table.iter() {
            let Some(text) = self.values.parameter(key, item) else { continue };
            let place = Some(self.values.place(key_span(table, key)));
            settings.push(Setting { key: key.to_owned(), text, place });
        }
        settings
    }

    /// Reads `FORMAT=PATH`. An output is below the folder of the file, because the author of a change may edit the file.
    fn outputs(&mut self, key: &str, item: &Item) -> Option<Vec<OutputSetting>> {
        let mut outputs = Vec::new();
        for (text, at) in self.values.texts(key, item)? {
            let (name, path) = text.split_once('=').unwrap_or((&text, ""));
            let Some(format) = FORMATS.iter().find(|format| format.name == name) else {
                let error = Diagnostic::error(Code::Configuration, format!("`{name}` is not a format"));
                let error = error.label(self.values.source, at, "");
                self.values.diagnostics.push(error.suggest(name, FORMATS.map(|format| format.name)));
                continue;
            };
            if path.is_empty() || path == "-" {
                let help = format!("write \"{name}=PATH\"; --format {name} writes to standard output");
                self.values.wrong(at, format!("the output `{text}` has no path"), &help);
                continue;
            }
            if !is_below(path) {
                let message = format!("the output `{path}` is not below the folder of `{}`", self.values.source.name());
                self.values.wrong(at, message, "write a path without `..`, or name the output with --output");
                continue;
            }
            let place = self.values.place(at);
            outputs.push(OutputSetting { format: format.name, path: self.folder.join(path), place });
        }
        Some(outputs)
    }

    /// Reads a folder below that of the file.
    fn store(&mut self, key: &str, item: &Item) -> Option<PathBuf> {
        let path = self.values.text(key, item)?;
        if !is_below(&path) {
            let message = format!("the store `{path}` is not below the folder of `{}`", self.values.source.name());
            self.values.wrong(span_of(item), message, "write a path without `..`, or name the folder with --store");
            return None;
        }
        Some(self.folder.join(path))
    }

    /// Reads severities by the ids of checks. Each has a reason.
    fn severities(&mut self, table: &dyn TableLike) -> Vec<SeverityOverride> {
        let Some(table) = table.get("severity").and_then(|item| self.values.table("severity", item)) else {
            return Vec::new();
        };
        let mut severities = Vec::new();
        for (check, item) in table.iter() {
            let at = key_span(table, check);
            let Some(entry) = item.as_table_like() else {
                let message = format!("the severity of `{check}` has no reason");
                let help = format!("write it as {check} = {{ severity = \"...\", reason = \"...\" }}");
                self.values.wrong(if item.is_none() { at } else { span_of(item) }, message, &help);
                continue;
            };
            self.values.known(entry, &IN_SEVERITY, &format!(" in the severity of `{check}`"));
            for key in IN_SEVERITY.iter().filter(|key| entry.get(key).is_none()) {
                let message = format!("the severity of `{check}` has no `{key}`");
                self.values.wrong(at, message, &format!("add {key} = \"...\""));
            }
            let severity = entry.get("severity").and_then(|item| self.severity("severity", item));
            let reason = entry.get("reason").and_then(|item| self.reason(item));
            let (Some(severity), Some(reason)) = (severity, reason) else { continue };
            severities.push(SeverityOverride { check: check.into(), severity, reason, place: self.values.place(at) });
        }
        severities
    }

    fn reason(&mut self, item: &Item) -> Option<SmolStr> {
        let text = self.values.text("reason", item)?;
        if text.trim().is_empty() {
            self.values.wrong(span_of(item), "`reason` is empty".to_owned(), "state why the severity differs");
            return None;
        }
        Some(text.trim().into())
    }

    fn annotations(&mut self, key: &str, item: &Item) -> Option<Vec<SmolStr>> {
        let mut names = Vec::new();
        for (name, at) in self.values.texts(key, item)? {
            let is_name = |name: &str| {
                name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                    && !name.starts_with(|c: char| c.is_ascii_digit())
            };
            if !is_name(&name) {
                let message = format!("`{name}` cannot be the name of an annotation");
                self.values.wrong(at, message, "write letters, digits and `_`, without `@`");
            } else if is_built_in_annotation(&name) {
                self.values.wrong(at, format!("`@{name}` is a built-in annotation"), "remove it, or use another name");
            } else {
                self.add(key, name.into(), at, &mut names);
            }
        }
        Some(names)
    }

    fn frameworks(&mut self, key: &str, item: &Item) -> Option<Vec<SmolStr>> {
        let mut names = Vec::new();
        for (name, at) in self.values.texts(key, item)? {
            let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
            if !is_name {
                let message = format!("`{name}` cannot be the name of a framework");
                self.values.wrong(at, message, "write letters, digits, `-`, `_` and `.`, such as \"pci-dss-4\"");
            } else if FRAMEWORKS.iter().any(|framework| framework.name == name) {
                self.values.wrong(at, format!("`{name}` is a built-in framework"), "remove it, or use another name");
            } else {
                self.add(key, name.into(), at, &mut names);
            }
        }
        Some(names)
    }

    /// Adds a name that is not in the list.
    fn add(&mut self, key: &str, name: SmolStr, at: Span, names: &mut Vec<SmolStr>) {
        if names.contains(&name) {
            self.values.wrong(at, format!("`{name}` is twice in `{key}`"), "remove one of them");
        } else {
            names.push(name);
        }
    }
}

/// Returns whether a path leads to a place below its folder. Links are checked when the place is used.
fn is_below(path: &str) -> bool {
    Path::new(path).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}
