//! Reads a case file. Every unknown key and every invalid value is reported with its place.

use super::edit::{Change, Edit, quoted};
use super::{Case, CaseFile, Expectation, Insertion, NOT_JUDGED, Target, Variant};
use crate::diagnostic::{Code, Diagnostic};
use crate::engine::Verdict;
use crate::parameters::Setting;
use crate::source::json::Scanner;
use crate::source::{Place, Source, Span, byte_offset, one_line};
use crate::value::parse_datetime;
use std::collections::BTreeMap;
use std::sync::Arc;
use toml_edit::{Document, Item, TableLike, Value};

/// The keys at the top of a file.
const IN_FILE: [&str; 5] = ["base", "now", "parameters", "pointers", "case"];
/// The keys of a case.
const IN_CASE: [&str; 14] = [
    "name",
    "base",
    "now",
    "parameters",
    "set",
    "add",
    "null",
    "remove",
    "append",
    "rename",
    "copy",
    "each",
    "expect",
    "no_other_failures",
];
/// The keys of an element of `each`.
const IN_EACH: [&str; 8] = ["parameters", "set", "add", "null", "remove", "append", "rename", "copy"];
/// The keys of an expectation that is a table.
const IN_EXPECTATION: [&str; 4] = ["verdict", "reads", "clause", "witnesses"];

/// Returns the snapshot at a path in a case file.
pub type OpenBase<'o> = dyn FnMut(&str) -> Result<Arc<Source>, Diagnostic> + 'o;

impl CaseFile {
    /// Reads a file; `open` returns the snapshots that it names. Mistakes are reported, and their cases are omitted.
    pub fn parse(source: &Arc<Source>, open: &mut OpenBase<'_>) -> (Self, Vec<Diagnostic>) {
        let mut file = Self { source: Arc::clone(source), cases: Vec::new() };
        let document = match Document::parse(source.text()) {
            Ok(document) => document,
            Err(error) => {
                let message = format!("`{}` is not TOML: {}", source.name(), error.message().replace('\n', ", "));
                let error = Diagnostic::error(Code::NotToml, message).label(source, span(error.span()), "here");
                return (file, vec![error]);
            }
        };
        let mut reader = Reader { source, open, pointers: BTreeMap::new(), diagnostics: Vec::new() };
        file.cases = reader.file(document.as_table());
        (file, reader.diagnostics)
    }
}

struct Reader<'r, 'o> {
    source: &'r Arc<Source>,
    open: &'r mut OpenBase<'o>,
    /// Short names of pointers.
    pointers: BTreeMap<String, String>,
    diagnostics: Vec<Diagnostic>,
}

/// The defaults of a file for its cases. An invalid value is `Some(None)`.
#[derive(Clone, Default)]
struct Defaults {
    base: Option<Option<Arc<Source>>>,
    now: Option<Option<i64>>,
    settings: Vec<Setting>,
}

impl Reader<'_, '_> {
    fn file(&mut self, table: &dyn TableLike) -> Vec<Case> {
        self.known(table, &IN_FILE, "a case file");
        for (name, at, item) in self.entries(table, "pointers") {
            let Some(pointer) = self.text(item) else { continue };
            if name.is_empty() || name.contains(['/', ' ']) {
                self.wrong(at, format!("`{name}` cannot name a pointer"), "a name without `/` and spaces is valid");
            } else if pointer.starts_with('/') {
                self.pointers.insert(name, pointer);
            } else {
                self.wrong(span_of(item), format!("`{pointer}` is not a pointer"), "a pointer starts with `/`");
            }
        }
        let defaults = self.defaults(table, &Defaults::default());
        let mut cases: Vec<Case> = Vec::new();
        for (at, table) in self.tables(table, "case") {
            let before = self.diagnostics.len();
            let Some(case) = self.case(table, at, &defaults).filter(|_| self.diagnostics.len() == before) else {
                continue;
            };
            if let Some(first) = cases.iter().find(|first| first.name == case.name) {
                let error = Diagnostic::error(Code::CaseValue, format!("two cases are called `{}`", case.name));
                let error = error.label(self.source, case.span, "this one");
                self.diagnostics.push(error.label(self.source, first.span, "and this one"));
            }
            cases.push(case);
        }
        cases
    }

    fn case(&mut self, table: &dyn TableLike, at: Span, defaults: &Defaults) -> Option<Case> {
        self.known(table, &IN_CASE, "a case");
        let Some(item) = table.get("name") else {
            self.wrong(at, "a case has no name".into(), "add `name = \"...\"`");
            return None;
        };
        let (name, at_name) = (self.text(item)?, span_of(item));
        let Defaults { base, now, settings } = self.defaults(table, defaults);
        let edits = self.edits(table);
        let (mut variants, mut has_edit) = (Vec::new(), false);
        for (span, table) in self.tables(table, "each") {
            has_edit |= !table.is_empty();
            self.known(table, &IN_EACH, "an element of `each`");
            let number = Some(variants.len() + 1);
            let edits = edits.iter().cloned().chain(self.edits(table)).collect();
            variants.push(Variant { number, span, edits, settings: self.settings(table, &settings) });
        }
        match table.get("each") {
            None => variants.push(Variant { number: None, span: at_name, edits, settings }),
            Some(each) if variants.is_empty() => {
                self.wrong(span_of(each), format!("case `{name}` is never run: `each` is empty"), "name an edit");
            }
            // With others, it is the case itself.
            Some(each) if variants.len() == 1 && !has_edit => {
                let message = format!("the one element of `each` of case `{name}` is empty");
                self.wrong(span_of(each), message, "name an edit, or remove `each`");
            }
            Some(_) => {}
        }
        let expectations = self.entries(table, "expect").into_iter();
        let expectations: Vec<Expectation> =
            expectations.filter_map(|(key, at, item)| self.expectation(&key, at, item)).collect();
        let no_other_failures = match table.get("no_other_failures").map(|item| (item.as_bool(), span_of(item))) {
            Some((None, at)) => {
                self.wrong(at, "`no_other_failures` is not a boolean".into(), "write `true` or `false`");
                None
            }
            found => found.filter(|(value, _)| *value == Some(true)).map(|(_, at)| at),
        };
        if base.is_none() {
            let help = "add `base = \"snapshot.json\"`, to the case or at the top of the file";
            self.wrong(at_name, format!("case `{name}` has no snapshot to start from"), help);
        }
        if now.is_none() {
            let help = "add `now = \"2026-09-01T12:00:00Z\"`, to the case or at the top of the file";
            self.wrong(at_name, format!("case `{name}` has no `now`"), help);
        }
        let inline = self.source.slice(at).starts_with('{');
        let insertion = insertion(table.get("expect"), &expectations, no_other_failures, inline);
        let (base, now) = (base??, now??);
        Some(Case { name, span: at_name, base, now, variants, expectations, no_other_failures, insertion })
    }

    fn defaults(&mut self, table: &dyn TableLike, above: &Defaults) -> Defaults {
        Defaults {
            base: table.get("base").map_or_else(|| above.base.clone(), |item| Some(self.base(item))),
            now: table.get("now").map_or(above.now, |item| Some(self.now(item))),
            settings: self.settings(table, &above.settings),
        }
    }

    /// Reads a snapshot: a path, or the text itself.
    fn base(&mut self, item: &Item) -> Option<Arc<Source>> {
        let text = self.text(item)?;
        let base = match text.trim_start().starts_with('{') {
            true => Source::new(format!("{} (base)", self.source.name()), text).map_err(|_| too_large()),
            false => (self.open)(&text),
        };
        let read = base.and_then(|base| is_json(&base).map(|()| base));
        let named = |error: Diagnostic| error.label(self.source, span_of(item), "named here, relative to this file");
        read.map_err(|error| self.diagnostics.push(named(error))).ok()
    }

    fn now(&mut self, item: &Item) -> Option<i64> {
        let text = match item.as_datetime() {
            Some(moment) => moment.to_string(),
            None => self.text(item)?,
        };
        let read = parse_datetime(&text);
        read.map_err(|help| self.wrong(span_of(item), format!("`{text}` is not a time"), &help)).ok()
    }

    /// Returns the settings of the table, then the inherited ones that it does not override.
    fn settings(&mut self, table: &dyn TableLike, above: &[Setting]) -> Vec<Setting> {
        let mut settings = Vec::new();
        for (key, span, item) in self.entries(table, "parameters") {
            let text = match item.as_str() {
                Some(text) => Some(text.to_owned()),
                None => self.json(item),
            };
            let place = Some(Place::new(self.source, span));
            settings.extend(text.map(|text| Setting { key, text, place }));
        }
        let inherited = above.iter().filter(|above| !settings.iter().any(|own: &Setting| own.key == above.key));
        let inherited: Vec<Setting> = inherited.cloned().collect();
        settings.into_iter().chain(inherited).collect()
    }

    /// Returns the edits of a table, in the order of the text.
    fn edits(&mut self, table: &dyn TableLike) -> Vec<Edit> {
        let mut edits = Vec::new();
        for (kind, item) in table.iter() {
            let is_edit = ["set", "add", "append", "null", "remove", "rename", "copy"].contains(&kind);
            let is_empty = |item: &Item| {
                item.as_table_like().is_some_and(TableLike::is_empty)
                    || item.as_array().is_some_and(|all| all.is_empty())
            };
            if is_edit && is_empty(item) {
                self.wrong(span_of(item), format!("`{kind}` is empty"), &format!("name a pointer, or remove `{kind}`"));
            }
            match kind {
                "set" | "add" | "append" => {
                    for (at, span, item) in self.entries(table, kind) {
                        let (Some(at), Some(json)) = (self.pointer(&at, span), self.json(item)) else { continue };
                        let change = match kind {
                            "set" => Change::Set(json),
                            "add" => Change::Add(json),
                            _ => Change::Append(json),
                        };
                        edits.push(Edit { at, change, span });
                    }
                }
                "null" | "remove" => {
                    for (at, span) in self.texts(item) {
                        let Some(at) = self.pointer(&at, span) else { continue };
                        let change = if kind == "null" { Change::Set("null".into()) } else { Change::Remove };
                        edits.push(Edit { at, change, span });
                    }
                }
                "rename" | "copy" => {
                    for (at, span, item) in self.entries(table, kind) {
                        let (Some(at), Some(to)) = (self.pointer(&at, span), self.text(item)) else { continue };
                        let change = match kind {
                            "rename" => Some(Change::Rename(to)),
                            _ => self.pointer(&to, span_of(item)).map(Change::Copy),
                        };
                        edits.extend(change.map(|change| Edit { at, change, span }));
                    }
                }
                _ => {}
            }
        }
        edits
    }

    /// Expands a pointer that begins with a short name.
    fn pointer(&mut self, text: &str, span: Span) -> Option<String> {
        if text.is_empty() || text.starts_with('/') {
            return Some(text.to_owned());
        }
        let (head, rest) = text.split_at(text.find('/').unwrap_or(text.len()));
        if let Some(start) = self.pointers.get(head) {
            return Some(format!("{start}{rest}"));
        }
        let error = Diagnostic::error(Code::CaseValue, format!("`[pointers]` has no `{head}`"));
        let error = match self.pointers.is_empty() {
            true => error.help("a pointer starts with `/`, or with a name that `[pointers]` gives one"),
            false => error.suggest(head, self.pointers.keys().map(String::as_str)),
        };
        self.diagnostics.push(error.label(self.source, span, "a pointer starts with `/` or with such a name"));
        None
    }

    /// Reports a target that is neither a pointer, because it does not begin with `/` or a short name, nor a type and
    /// id.
    fn no_target(&mut self, text: &str, span: Span) {
        let head = text.split('/').next().unwrap_or(text);
        let near = crate::source::nearest(head, self.pointers.keys().map(String::as_str));
        let help = match near {
            Some(near) => format!("did you mean `{near}`, from `[pointers]`?"),
            None => format!(
                "write the type before the id, such as `Type {text}`; a pointer starts with `/` or a name from `[pointers]`"
            ),
        };
        let error = Diagnostic::error(Code::CaseValue, format!("`{text}` is neither a pointer nor a resource"));
        self.diagnostics.push(error.label(self.source, span, "expected here").help(help));
    }

    /// Reads `check`, `check Type`, `check Type id` or `check pointer`, and a verdict.
    fn expectation(&mut self, key: &str, span: Span, item: &Item) -> Option<Expectation> {
        let (check, rest) = key.trim().split_once(' ').unwrap_or((key.trim(), ""));
        let rest = rest.trim();
        let is_short = |head: &str| self.pointers.contains_key(head);
        let target = match rest.split_once(' ') {
            None if rest.is_empty() => Target::All,
            _ if rest.starts_with('/') => Target::Pointer(rest.to_owned()),
            Some((ty, id)) => Target::Named { ty: ty.to_owned(), id: id.trim().to_owned() },
            None if is_short(rest.split('/').next().unwrap_or(rest)) => Target::Pointer(self.pointer(rest, span)?),
            None if rest.contains('/') => {
                self.no_target(rest, span);
                return None;
            }
            None => Target::Type(rest.to_owned()),
        };
        let check = check.to_owned();
        let (verdict, more) = match item.as_table_like() {
            Some(table) => {
                self.known(table, &IN_EXPECTATION, "an expectation");
                match table.get("verdict") {
                    Some(verdict) => (verdict, Some(table)),
                    None => {
                        let help = "add `verdict = \"fail\"`, or another one";
                        self.wrong(span, "an expectation has no verdict".into(), help);
                        return None;
                    }
                }
            }
            None => (item, None),
        };
        let verdict_span = span_of(verdict);
        let verdict = self.verdict(verdict)?;
        if verdict.is_none() && matches!(target, Target::Named { .. } | Target::Pointer(_)) {
            let help = "leave out the id or the pointer, or remove the resource from the snapshot of the case";
            self.wrong(verdict_span, format!("`{NOT_JUDGED}` is for all resources of a check or of a type"), help);
        }
        let has = |name: &&&str| **name != "verdict" && more.is_some_and(|table| table.contains_key(name));
        if let Some(name) = IN_EXPECTATION.iter().filter(|_| verdict.is_none()).find(has) {
            let help = format!("remove `{name}`, or expect a verdict");
            self.wrong(verdict_span, format!("`{NOT_JUDGED}` has no evidence"), &help);
        }
        let texts = |reader: &mut Self, name| {
            more.and_then(|table| table.get(name)).map(|item| (reader.texts(item), span_of(item)))
        };
        // An empty list is true for all evidence.
        for name in ["reads", "clause"] {
            let Some((expected, at)) = texts(self, name) else { continue };
            if expected.is_empty() || name == "clause" && expected.iter().any(|(text, _)| one_line(text).is_empty()) {
                self.wrong(at, format!("`{name}` asks for nothing"), "name what must have decided, or leave it out");
            }
        }
        let reads = texts(self, "reads").map(|(reads, _)| reads).unwrap_or_default();
        let reads = reads.into_iter().filter_map(|(at, span)| Some((self.pointer(&at, span)?, span))).collect();
        let clauses = texts(self, "clause").map(|(clauses, _)| clauses).unwrap_or_default();
        let witnesses = texts(self, "witnesses");
        let witnesses = witnesses
            .map(|(names, at)| (names.into_iter().filter_map(|(name, span)| self.witness(&name, span)).collect(), at));
        let end = span_of(item).end;
        Some(Expectation { check, target, span, end, verdict, verdict_span, reads, clauses, witnesses })
    }

    /// Returns `Type id` as reports write entities, and a pointer in full.
    fn witness(&mut self, text: &str, span: Span) -> Option<String> {
        match text.split_once(' ') {
            _ if text.starts_with('/') || text.contains("::") => Some(text.to_owned()),
            Some((ty, id)) => Some(entity(ty, id)),
            None => self.pointer(text, span),
        }
    }

    /// Reads a verdict, or `not_judged`, which is not one.
    fn verdict(&mut self, item: &Item) -> Option<Option<Verdict>> {
        let text = self.text(item)?;
        if text == NOT_JUDGED {
            return Some(None);
        }
        let found = Verdict::ALL.into_iter().find(|verdict| verdict.name() == text);
        if found.is_none() {
            let error = Diagnostic::error(Code::CaseValue, format!("`{text}` is not a verdict"));
            let error = error.label(self.source, span_of(item), "expected here");
            let words = Verdict::ALL.map(Verdict::name);
            self.diagnostics.push(error.suggest(&text, words.into_iter().chain([NOT_JUDGED])));
        }
        found.map(Some)
    }

    /// Reports the unknown keys of a table.
    fn known(&mut self, table: &dyn TableLike, valid: &[&'static str], what: &str) {
        for (key, _) in table.iter().filter(|(key, _)| !valid.contains(key)) {
            let error = Diagnostic::error(Code::CaseKey, format!("unknown key `{key}` in {what}"));
            let error = error.label(self.source, key_span(table, key), "unknown key");
            self.diagnostics.push(error.suggest(key, valid.iter().copied()));
        }
    }

    fn wrong(&mut self, span: Span, message: String, help: &str) {
        let error = Diagnostic::error(Code::CaseValue, message).label(self.source, span, "here");
        self.diagnostics.push(error.help(help));
    }

    fn text(&mut self, item: &Item) -> Option<String> {
        if let Some(text) = item.as_str() {
            return Some(text.to_owned());
        }
        self.wrong(span_of(item), format!("expected a text, and found {}", described(item)), "put it in quotes");
        None
    }

    /// Returns a text, or the texts of a list, each with its place.
    fn texts(&mut self, item: &Item) -> Vec<(String, Span)> {
        let Some(list) = item.as_array() else {
            return self.text(item).map(|text| (text, span_of(item))).into_iter().collect();
        };
        let mut texts = Vec::new();
        for value in list {
            match value.as_str() {
                Some(text) => texts.push((text.to_owned(), span(value.span()))),
                None => {
                    let message = format!("expected a text, and found {}", value.type_name());
                    self.wrong(span(value.span()), message, "put it in quotes");
                }
            }
        }
        texts
    }

    /// Returns the keys and values of the table at a key, if there is one.
    fn entries<'t>(&mut self, table: &'t dyn TableLike, key: &str) -> Vec<(String, Span, &'t Item)> {
        let Some(item) = table.get(key) else { return Vec::new() };
        let Some(inner) = item.as_table_like() else {
            let message = format!("`{key}` is {}, not a table", described(item));
            self.wrong(span_of(item), message, &format!("write it as `{key} = {{ \"...\" = ... }}`"));
            return Vec::new();
        };
        inner.iter().map(|(name, item)| (name.to_owned(), key_span(inner, name), item)).collect()
    }

    /// Returns the tables of the list at a key, if there is one: `[[key]]` or `key = [{ ... }]`.
    fn tables<'t>(&mut self, table: &'t dyn TableLike, key: &str) -> Vec<(Span, &'t dyn TableLike)> {
        let Some(item) = table.get(key) else { return Vec::new() };
        if let Some(tables) = item.as_array_of_tables() {
            return tables.iter().map(|table| (span(table.span()), table as &dyn TableLike)).collect();
        }
        let inline = item.as_array().and_then(|list| {
            list.iter().map(|value| Some((span(value.span()), value.as_inline_table()? as &dyn TableLike))).collect()
        });
        inline.unwrap_or_else(|| {
            let message = format!("`{key}` is {}, not a list of tables", described(item));
            self.wrong(span_of(item), message, &format!("write it as `[[{key}]]`, or as `{key} = [{{ ... }}]`"));
            Vec::new()
        })
    }

    /// Returns a value as JSON.
    fn json(&mut self, item: &Item) -> Option<String> {
        let text = match (item.as_value(), item.as_table_like()) {
            (Some(value), _) => json(value),
            (None, Some(table)) => json_object(table),
            _ => None,
        };
        if text.is_none() {
            let help = "JSON knows texts, numbers, booleans, lists and objects; `null = [...]` sets null";
            self.wrong(span_of(item), "this is not a JSON value".into(), help);
        }
        text
    }
}

fn too_large() -> Diagnostic {
    Diagnostic::error(Code::TooLarge, "a snapshot is larger than 4 GiB, the limit for one snapshot")
}

/// Returns an error if a text is not JSON. It does not quote the text, because the secrets are not known yet.
fn is_json(base: &Source) -> Result<(), Diagnostic> {
    if let Some((fault, file)) = base.fault() {
        let at = file.position(fault.span.start);
        let place = format!("line {}, column {}", at.line, at.column);
        let message = format!("`{}` cannot be read in {place}: {}", file.name(), fault.unquoted);
        return Err(Diagnostic::error(Code::NotJson, message).maybe_help(fault.help.clone()));
    }
    let text = base.text().trim_start_matches('\u{feff}');
    let mut scanner = Scanner::new(text);
    scanner.skip().and_then(|_| scanner.end()).map_err(|error| {
        let at = base.position(error.span.start.saturating_add(byte_offset(base.text().len() - text.len())));
        let place = format!("in line {}, column {}", at.line, at.column);
        Diagnostic::error(Code::NotJson, format!("`{}` is not JSON {place}: {}", base.name(), error.unquoted))
    })
}

/// Returns an entity as reports write it.
fn entity(ty: &str, id: &str) -> String {
    format!("{ty}::{id:?}")
}

fn json(value: &Value) -> Option<String> {
    Some(match value {
        Value::String(text) => quoted(text.value()),
        Value::Integer(number) => number.value().to_string(),
        Value::Float(number) => serde_json::Number::from_f64(*number.value())?.to_string(),
        Value::Boolean(truth) => truth.value().to_string(),
        Value::Datetime(moment) => quoted(&moment.value().to_string()),
        Value::Array(list) => {
            let items: Option<Vec<String>> = list.iter().map(json).collect();
            format!("[{}]", items?.join(", "))
        }
        Value::InlineTable(table) => json_object(table)?,
    })
}

fn json_object(table: &dyn TableLike) -> Option<String> {
    let member = |(name, item): (&str, &Item)| {
        let value = match (item.as_value(), item.as_table_like()) {
            (Some(value), _) => json(value)?,
            (None, table) => json_object(table?)?,
        };
        Some(format!("{}: {value}", quoted(name)))
    };
    let members: Option<Vec<String>> = table.iter().map(member).collect();
    let members = members?;
    Some(if members.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", members.join(", ")) })
}

/// Returns the place for further expectations of a case, in the form of its expectations.
fn insertion(
    expect: Option<&Item>,
    expectations: &[Expectation],
    no_other: Option<Span>,
    inline: bool,
) -> Option<Insertion> {
    let next = if inline { ", " } else { "\n" };
    let place = |at, open: String, between: &str, close: &'static str| {
        Some(Insertion { at, open, between: between.to_owned(), close })
    };
    let last = expectations.iter().map(|known| known.end).max();
    let is_dotted = |item: &Item| item.as_table_like().is_some_and(TableLike::is_dotted);
    match (expect, last) {
        (None, _) => place(no_other?.end, format!("{next}expect = {{ "), ", ", " }"),
        (Some(item), Some(at)) if is_dotted(item) => {
            let next = format!("{next}expect.");
            place(at, next.clone(), &next, "")
        }
        (Some(item), Some(at)) if item.is_inline_table() => place(at, ", ".to_owned(), ", ", ""),
        (Some(item), None) if item.is_inline_table() => place(span_of(item).start + 1, " ".to_owned(), ", ", " "),
        (Some(_), last) => place(last?, "\n".to_owned(), "\n", ""),
    }
}

fn described(item: &Item) -> &'static str {
    match item.type_name() {
        "string" => "a text",
        "integer" | "float" => "a number",
        "boolean" => "a boolean",
        "datetime" => "a moment",
        "array" => "a list",
        "array of tables" => "a list of tables",
        _ => "a table",
    }
}

fn key_span(table: &dyn TableLike, key: &str) -> Span {
    span(table.key(key).and_then(toml_edit::Key::span))
}

fn span_of(item: &Item) -> Span {
    span(item.span())
}

fn span(range: Option<std::ops::Range<usize>>) -> Span {
    range.map_or(Span::new(0, 0), Span::from)
}
