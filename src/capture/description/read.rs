//! Reads a description. Every unknown key and every invalid value is reported with its place.

use super::{
    Activity, CellForm, Column, Condition, Description, Feed, FeedReader, FixedValue, Log, Target, TargetForm, Word,
    containers,
};
use crate::capture::places::{is_in_group, lack_is_known, optional_places, optional_record};
use crate::configuration::values::{Values, key_span, span, span_of};
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::{Fallback, Model, Origin, Slot, Ty};
use crate::source::pointer::{self, Step};
use crate::source::{Source, Span, misspelling, nearest};
use crate::value::TypeId;
use crate::value::fold::caseless;
use std::sync::Arc;
use toml_edit::{Document, Item, TableLike};

/// The keys of the file.
const TOP: [&str; 4] = ["screens", "snapshot", "sources", "template"];
const IN_SNAPSHOT: [&str; 2] = ["evidence", "values"];
const IN_SOURCE: [&str; 7] = ["flag", "help", "log", "method", "reader", "stamp", "targets"];
const IN_TARGET: [&str; 6] = ["columns", "complete", "declared", "instance", "instances", "only"];
const IN_COLUMN: [&str; 9] =
    ["absent", "form", "formats", "headers", "property", "required", "separator", "unknown", "words"];
const IN_LOG: [&str; 3] = ["activities", "exports", "time"];
const IN_ACTIVITY: [&str; 5] = ["actor", "events", "instances", "none", "property"];

/// Flags of the command itself.
const RESERVED: [&str; 20] = [
    "captured-at",
    "captured-by",
    "color",
    "config",
    "day-first",
    "encoding",
    "format",
    "help",
    "into",
    "no-config",
    "now",
    "output",
    "pack",
    "policies",
    "prefer",
    "range",
    "schema",
    "status",
    "template",
    "zone",
];

pub(super) fn read(source: &Arc<Source>, model: &Model) -> (Description, Vec<Diagnostic>) {
    let empty = Description {
        source: Arc::clone(source),
        values: Vec::new(),
        evidence: None,
        feeds: Vec::new(),
        screens: Vec::new(),
        lists: Vec::new(),
    };
    let document = match Document::parse(source.text()) {
        Ok(document) => document,
        Err(error) => {
            let message = format!("`{}` is not TOML: {}", source.name(), error.message().replace('\n', ", "));
            let error = Diagnostic::error(Code::CaptureDescription, message).label(source, span(error.span()), "here");
            return (empty, vec![error]);
        }
    };
    let values = Values { source, code: Code::CaptureDescription, diagnostics: Vec::new() };
    let mut reader = Reader { model, values };
    let description = reader.description(document.as_table(), empty);
    (description, reader.values.diagnostics)
}

pub(super) struct Reader<'s> {
    pub(super) model: &'s Model,
    pub(super) values: Values<'s>,
}

impl Reader<'_> {
    fn description(&mut self, table: &dyn TableLike, empty: Description) -> Description {
        self.values.known(table, &TOP, "");
        let mut description = empty;
        if let Some(table) = table.get("snapshot").and_then(|item| self.values.table("snapshot", item)) {
            self.values.known(table, &IN_SNAPSHOT, " in `snapshot`");
            description.evidence = table.get("evidence").and_then(|item| self.evidence(item));
            description.values = self.fixed(table);
        }
        for (at, table) in self.tables(table, "sources") {
            let Some(feed) = self.feed(table, at) else { continue };
            if description.feeds.iter().any(|known| known.flag == feed.flag) {
                let message = format!("two sources have the flag `{}`", feed.flag);
                self.values.wrong(feed.place.span, message, "name them differently");
            }
            description.feeds.push(feed);
        }
        self.divided(&description.feeds);
        description.screens = self.screens(table);
        description.lists = self.template(table, &description.feeds);
        description
    }

    /// Reports lists of rows whose instances other sources describe in part: an instance is one row.
    fn divided(&mut self, feeds: &[Feed]) {
        let containers = containers(self.model, feeds);
        for feed in feeds {
            let targets = feed.targets.iter().filter(|target| target.form != TargetForm::Instance);
            let targets = targets.map(|target| (target.ty, target.place.span));
            let exports = feed.log.iter().filter_map(|log| Some((log.exports?, feed.place.span)));
            for (ty, at) in targets.chain(exports).filter(|(ty, _)| containers.contains(ty)) {
                let name = self.model.short_name(ty);
                let message = format!("rows give the instances of `{name}`, and another target gives parts of them");
                let help = format!("remove one of them: a document can list the instances of `{name}`");
                self.values.wrong(at, message, &help);
            }
        }
    }

    /// Reads the property of the origin of values. If the schema has pieces of evidence, it is one of their lists.
    fn evidence(&mut self, item: &Item) -> Option<String> {
        let name = self.values.text("evidence", item)?;
        let (root, place) = (self.model.root, std::slice::from_ref(&name));
        let types = self.model.type_ids().map(|ty| self.model.ty(ty)).filter(|ty| ty.is_evidence);
        let lists = types.filter_map(|ty| match &ty.path()?.0[..] {
            [Step::Property(name), Step::Each] => Some(name.clone()),
            _ => None,
        });
        let lists: Vec<String> = lists.collect();
        if lists.contains(&name) {
            return Some(name);
        }
        let known = self.undeclared(place);
        if lists.is_empty() && known.is_some() {
            self.declared(root, place, span_of(item));
            return Some(name);
        }
        let message = format!("`{name}` is not a list of evidence in the schema");
        let error = Diagnostic::error(Code::CaptureDescription, message).label(self.values.source, span_of(item), "");
        self.values.diagnostics.push(match &lists[..] {
            [] => error.help("name a property that the schema does not read"),
            lists => error.suggest(&name, lists.iter().map(String::as_str)),
        });
        None
    }

    /// Reads the place of the time of a file, which the schema has to read.
    fn stamp(&mut self, item: &Item) -> Option<Vec<String>> {
        let pointer = self.pointer("stamp", item)?;
        let Some((name, known)) = self.undeclared(&pointer) else { return Some(pointer) };
        let message = format!("the schema does not read `{name}` of `{}`", pointer.join("/"));
        let error = Diagnostic::error(Code::CaptureDescription, message).label(self.values.source, span_of(item), "");
        self.values.diagnostics.push(error.suggest(&name, known.iter().map(String::as_str)));
        None
    }

    /// Returns the first step of a place, from the root, that the schema does not declare, and the names that it declares there.
    fn undeclared(&self, place: &[String]) -> Option<(String, Vec<String>)> {
        let (mut ty, mut object) = (self.model.root, Vec::new());
        for name in place {
            let known: Vec<String> = self.model.known_properties(ty, &object).map(str::to_owned).collect();
            if !known.contains(name) {
                return Some((name.clone(), known));
            }
            object.push(name.clone());
            if let Some(inner) = self.model.path_at(ty, &object).and_then(|path| path.ty) {
                (ty, object) = (inner, Vec::new());
            }
        }
        None
    }

    fn fixed(&mut self, table: &dyn TableLike) -> Vec<FixedValue> {
        let Some(table) = table.get("values").and_then(|item| self.values.table("values", item)) else {
            return Vec::new();
        };
        let mut fixed = Vec::new();
        for (key, item) in table.iter() {
            let at = key_span(table, key);
            let Some(pointer) = self.pointer_of(key, at) else { continue };
            // A snapshot may have more properties than the schema reads.
            if let Some((name, known)) = self.undeclared(&pointer)
                && let Some(near) = nearest(&name, known.iter().map(String::as_str))
            {
                self.values.wrong(at, format!("the schema does not read `{name}`"), &format!("did you mean `{near}`?"));
            }
            let json = match (item.as_str(), item.as_bool(), item.as_integer()) {
                (Some(text), ..) => serde_json::Value::from(text).to_string(),
                (_, Some(truth), _) => truth.to_string(),
                (.., Some(number)) => number.to_string(),
                _ => {
                    self.values.wrong(
                        span_of(item),
                        format!("`{key}` is not a text, a boolean or an integer"),
                        "write one",
                    );
                    continue;
                }
            };
            fixed.push(FixedValue { pointer, json, place: self.values.place(span_of(item)) });
        }
        fixed
    }

    fn feed(&mut self, table: &dyn TableLike, at: Span) -> Option<Feed> {
        self.values.known(table, &IN_SOURCE, " of a source");
        let flag = self.needed_text(table, "flag", at, "a source");
        let help = self.needed_text(table, "help", at, "a source");
        let name = self.needed_text(table, "reader", at, "a source");
        let reader = name.and_then(|name| self.choice("reader", &name, table, &FeedReader::ALL));
        let method = table.get("method").and_then(|item| self.values.text("method", item));
        let stamp = table.get("stamp").and_then(|item| self.stamp(item));
        let mut targets: Vec<Target> =
            self.tables(table, "targets").into_iter().filter_map(|(at, table)| self.target(table, at)).collect();
        let columns: Vec<Column> = targets.iter().flat_map(|target| &target.columns).cloned().collect();
        for target in &targets {
            self.properties(&target.only, &columns);
        }
        let (flag, help, reader) = (flag?, help?, reader?);
        self.flag(&flag, table);
        let has_no_target = !table.contains_key("targets");
        if has_no_target != (reader == FeedReader::Document) {
            let (message, help) = match has_no_target {
                true => {
                    (format!("source `{flag}` has no `targets`"), "add [[sources.targets]] with a type and columns")
                }
                false => (
                    format!("source `{flag}` is a document and has `targets`"),
                    "remove them: a document has its own places",
                ),
            };
            self.values.wrong(at, message, help);
        }
        let log = table.get("log").and_then(|item| self.values.table("log", item));
        let log = log.and_then(|log| self.log(log, &targets, at));
        if let Some(log) = &log {
            let columns = targets.iter_mut().flat_map(|target| &mut target.columns);
            columns.for_each(|column| column.is_event_time = column.property == log.time);
        }
        Some(Feed { flag, help, reader, method, stamp, targets, log, place: self.values.place(at) })
    }

    fn flag(&mut self, flag: &str, table: &dyn TableLike) {
        let at = table.get("flag").map_or(Span::default(), span_of);
        self.check_flag(flag, at);
    }

    /// Reports a name that cannot be a flag.
    pub(super) fn check_flag(&mut self, flag: &str, at: Span) {
        let is_letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !flag.chars().all(is_letter) || flag.starts_with('-') || flag.ends_with('-') {
            let help = "write lower-case letters, digits and `-`, without `--`";
            self.values.wrong(at, format!("`{flag}` cannot be a flag"), help);
        } else if RESERVED.contains(&flag) {
            self.values.wrong(at, format!("`--{flag}` is a flag of the command itself"), "choose another name");
        }
    }

    fn target(&mut self, table: &dyn TableLike, at: Span) -> Option<Target> {
        self.values.known(table, &IN_TARGET, " of a target");
        let (key, is_instance) = match (table.get("instances"), table.get("instance")) {
            (Some(_), None) => ("instances", false),
            (None, Some(_)) => ("instance", true),
            _ => {
                let help =
                    "write instances = \"TYPE\" if each row is an instance, or instance = \"TYPE\" for the only row";
                self.values.wrong(at, "a target has one of `instances` and `instance`".to_owned(), help);
                return None;
            }
        };
        let ty = table.get(key).and_then(|item| self.entity_type(key, item))?;
        let complete = table.get("complete").and_then(|item| self.values.boolean("complete", item));
        let form = match (is_instance, complete) {
            (true, None) => TargetForm::Instance,
            (true, Some(_)) => {
                self.values.wrong(
                    key_span(table, "complete"),
                    "one instance is not a list".to_owned(),
                    "remove `complete`",
                );
                TargetForm::Instance
            }
            (false, Some(true)) => TargetForm::Complete,
            (false, _) => TargetForm::Adds,
        };
        if !is_instance && !self.model.ty(ty).is_collection() {
            let message = format!("instances of `{}` are not in a list", self.model.short_name(ty));
            self.values.wrong(table.get(key).map_or(at, span_of), message, "write `instance` in place of `instances`");
        }
        let columns = self.tables(table, "columns").into_iter().filter_map(|(at, table)| self.column(table, at, ty));
        let columns: Vec<Column> = columns.collect();
        self.keyed(ty, form, &columns, at);
        let only = table.get("only").map_or_else(Vec::new, |item| self.conditions("only", item));
        if is_instance && table.get("declared").is_some() {
            let message = "`declared` is about the rows of a list, and one instance is not a list".to_owned();
            self.values.wrong(key_span(table, "declared"), message, "remove `declared`");
        }
        let declared = table.get("declared").map_or_else(Vec::new, |item| self.declarations(item, ty));
        Some(Target { ty, form, columns, only, declared, place: self.values.place(at) })
    }

    /// Reads the optional properties that rows state to be absent.
    fn declarations(&mut self, item: &Item, ty: TypeId) -> Vec<Vec<String>> {
        let texts = self.values.texts("declared", item).unwrap_or_default();
        let mut declared = Vec::new();
        for (text, at) in texts {
            let Some(property) = self.pointer_of(&text, at) else { continue };
            let places = optional_places(self.model, ty);
            if places.iter().any(|place| place.pointer == property) {
                declared.push(property);
                continue;
            }
            let message = format!("`{}` has no optional property `{text}`", self.model.short_name(ty));
            let error = Diagnostic::error(Code::CaptureDescription, message).label(self.values.source, at, "");
            let names: Vec<String> = places.iter().map(|place| place.pointer.join("/")).collect();
            self.values.diagnostics.push(error.suggest(&text, names.iter().map(String::as_str)));
        }
        declared
    }

    /// Reports rows that cannot be joined: the key of their type is not a required column.
    fn keyed(&mut self, ty: TypeId, form: TargetForm, columns: &[Column], at: Span) {
        if let Some(of) = self.model.ancestry(ty).find(|ty| self.model.ty(*ty).has_composite_key()) {
            let message = format!("the id of `{}` consists of several properties", self.model.short_name(of));
            self.values.wrong(at, message, "remove the target, and write its instances in a document");
        }
        let Some(key) = &self.model.ty(ty).key else { return };
        let column = columns.iter().find(|column| column.property == *key);
        if form == TargetForm::Instance || column.is_some_and(|column| column.required) {
            return;
        }
        let key = key.join("/");
        let message = format!("no required column gives the key `{key}` of `{}`", self.model.short_name(ty));
        self.values.wrong(at, message, &format!("add a column with property = \"{key}\" and required = true"));
    }

    fn column(&mut self, table: &dyn TableLike, at: Span, ty: TypeId) -> Option<Column> {
        self.values.known(table, &IN_COLUMN, " of a column");
        let Some(item) = table.get("property") else {
            self.values.wrong(at, "a column has no `property`".to_owned(), "add property = \"...\"");
            return None;
        };
        let property = match item.as_str() {
            Some("") => Vec::new(),
            _ => self.pointer("property", item)?,
        };
        self.declared(ty, &property, span_of(item));
        let headers = table.get("headers").and_then(|item| self.values.texts("headers", item)).unwrap_or_default();
        if headers.is_empty() {
            let message = format!("the column of `{}` has no headers", property.join("/"));
            self.values.wrong(at, message, "add headers = [\"...\"] with all spellings");
        }
        let required = table.get("required").and_then(|item| self.values.boolean("required", item)).unwrap_or(false);
        let form = table.get("form").and_then(|item| self.values.text("form", item));
        let form = form.and_then(|name| self.choice("form", &name, table, &CellForm::ALL)).unwrap_or(CellForm::Text);
        let words = self.words(table, ty, &property);
        let unknown = self.folded_texts(table, "unknown");
        let absent = self.folded_texts(table, "absent");
        let separator = table.get("separator").and_then(|item| self.values.text("separator", item));
        let formats = table.get("formats").and_then(|item| self.values.texts("formats", item)).unwrap_or_default();
        let formats = formats.into_iter().map(|(format, _)| format).collect();
        let headers = headers.into_iter().map(|(header, _)| header).collect();
        let (may_be_absent, empty_is_absent) = (self.may_be_absent(ty, &property), self.empty_is_absent(ty, &property));
        let record = optional_record(self.model, ty, &property);
        let place = self.values.place(at);
        Some(Column {
            property,
            headers,
            required,
            form,
            words,
            unknown,
            absent,
            separator,
            formats,
            is_event_time: false,
            may_be_absent,
            empty_is_absent,
            record,
            place,
        })
    }

    /// Reads the words of a column. The words of an enumerated type are known without being listed.
    fn words(&mut self, table: &dyn TableLike, ty: TypeId, property: &[String]) -> Vec<Word> {
        let valid = self.choices(ty, property);
        let mut words: Vec<Word> = valid
            .iter()
            .flatten()
            .map(|word| Word { word: word.clone(), written: vec![caseless(word).into_owned()] })
            .collect();
        let Some(table) = table.get("words").and_then(|item| self.values.table("words", item)) else { return words };
        for (word, item) in table.iter() {
            let at = key_span(table, word);
            if valid.as_ref().is_some_and(|valid| !valid.iter().any(|one| one == word)) {
                let error =
                    Diagnostic::error(Code::CaptureDescription, format!("the schema has no word `{word}` here"));
                let error = error.label(self.values.source, at, "");
                self.values.diagnostics.push(error.suggest(word, valid.iter().flatten().map(String::as_str)));
            }
            for (text, at) in self.values.texts(word, item).unwrap_or_default() {
                let text = caseless(text.trim()).into_owned();
                if let Some(twice) = words.iter().find(|known| known.word != word && known.written.contains(&text)) {
                    let message = format!("`{text}` means `{word}` and `{}`", twice.word);
                    self.values.wrong(at, message, "remove one of them");
                }
                match words.iter_mut().find(|known| known.word == word) {
                    Some(known) => known.written.push(text),
                    None => words.push(Word { word: word.to_owned(), written: vec![text] }),
                }
            }
        }
        words
    }

    fn folded_texts(&mut self, table: &dyn TableLike, key: &str) -> Vec<String> {
        let texts = table.get(key).and_then(|item| self.values.texts(key, item)).unwrap_or_default();
        texts.into_iter().map(|(text, _)| caseless(text.trim()).into_owned()).collect()
    }

    fn log(&mut self, table: &dyn TableLike, targets: &[Target], at: Span) -> Option<Log> {
        self.values.known(table, &IN_LOG, " of a log");
        let [events] = targets else {
            self.values.wrong(at, "a log has one target: its events".to_owned(), "remove the other targets");
            return None;
        };
        let time = table.get("time").and_then(|item| self.pointer("time", item));
        let Some(time) = time.filter(|time| is_time(events, time)) else {
            let help = "add time = \"...\": the property of a column with form = \"time\" and required = true";
            self.values.wrong(at, "a log has no required column with the time of an event".to_owned(), help);
            return None;
        };
        let exports = table.get("exports").and_then(|item| self.entity_type("exports", item));
        let activities = self.tables(table, "activities");
        let activities = activities.into_iter().filter_map(|(at, table)| self.activity(table, at, events)).collect();
        Some(Log { time, exports, activities })
    }

    fn activity(&mut self, table: &dyn TableLike, at: Span, events: &Target) -> Option<Activity> {
        self.values.known(table, &IN_ACTIVITY, " of an activity");
        for key in ["actor", "events", "instances", "property"].iter().filter(|key| !table.contains_key(key)) {
            self.values.wrong(at, format!("an activity has no `{key}`"), &format!("add {key} = ..."));
        }
        let ty = table.get("instances").and_then(|item| self.entity_type("instances", item))?;
        let actor = self.pointer("actor", table.get("actor")?)?;
        let is_actor = [Condition { property: actor.clone(), texts: Vec::new(), place: self.values.place(at) }];
        self.properties(&is_actor, &events.columns);
        let item = table.get("property")?;
        let property = self.pointer("property", item)?;
        self.declared(ty, &property, span_of(item));
        let item = table.get("events")?;
        let Some(list) = item.as_array().filter(|list| !list.is_empty()) else {
            self.values.wrong(span_of(item), "`events` is not a list".to_owned(), "write [{ property = [\"text\"] }]");
            return None;
        };
        let kinds = list.iter().map(|value| self.conditions("events", &Item::Value(value.clone())));
        let kinds: Vec<Vec<Condition>> = kinds.collect();
        kinds.iter().for_each(|kind| self.properties(kind, &events.columns));
        let none = table.get("none").and_then(|item| self.values.text("none", item));
        let choices = [("missing", false), ("null", true)];
        let null_if_none = none.and_then(|none| self.choice("none", &none, table, &choices)).unwrap_or(false);
        Some(Activity { ty, actor, property, events: kinds, null_if_none, place: self.values.place(at) })
    }

    /// Reads conditions: `{ property = ["text", "other"] }`.
    fn conditions(&mut self, key: &str, item: &Item) -> Vec<Condition> {
        let Some(table) = item.as_table_like() else {
            let at = span_of(item);
            self.values.wrong(at, format!("`{key}` is not a table"), "write { property = [\"text\"] }");
            return Vec::new();
        };
        let mut conditions = Vec::new();
        for (property, item) in table.iter() {
            let Some(pointer) = self.pointer_of(property, key_span(table, property)) else { continue };
            let Some(texts) = self.values.texts(property, item) else { continue };
            if texts.is_empty() {
                let message = format!("the condition on `{property}` has no texts, so no row fulfils it");
                self.values.wrong(span_of(item), message, "write the texts that fulfil it, or remove the condition");
            }
            let texts = texts.into_iter().map(|(text, _)| caseless(text.trim()).into_owned()).collect();
            conditions.push(Condition { property: pointer, texts, place: self.values.place(span_of(item)) });
        }
        conditions
    }

    /// Reports conditions on properties that no column gives, and words that a column does not give.
    fn properties(&mut self, conditions: &[Condition], columns: &[Column]) {
        for Condition { property, texts, place } in conditions {
            let Some(column) = columns.iter().find(|column| column.property == *property) else {
                let message = format!("no column gives the property `{}`", property.join("/"));
                self.values.wrong(place.span, message, "name the property of a column");
                continue;
            };
            let words: Vec<String> = column.words.iter().map(|word| caseless(&word.word).into_owned()).collect();
            for text in texts.iter().filter(|text| !words.is_empty() && !words.contains(text)) {
                let message = format!("the column of `{}` does not give the word `{text}`", property.join("/"));
                let error = Diagnostic::error(Code::CaptureDescription, message);
                let error = error.label(self.values.source, place.span, "");
                let meaning = column.words.iter().find(|word| word.written.contains(text));
                self.values.diagnostics.push(match meaning {
                    Some(word) => error.help(format!("write `{}`, the word of the snapshot", word.word)),
                    None => error.suggest(text, column.words.iter().map(|word| word.word.as_str())),
                });
            }
        }
    }

    pub(super) fn entity_type(&mut self, key: &str, item: &Item) -> Option<TypeId> {
        let name = self.values.text(key, item)?;
        self.type_named(&name, span_of(item))
    }

    /// Returns the type with instances that has a name, with or without its namespace.
    pub(super) fn type_named(&mut self, name: &str, at: Span) -> Option<TypeId> {
        let mut types = self.model.type_ids().filter(|ty| self.model.ty(*ty).path().is_some());
        let is_named = |ty: &TypeId| self.model.short_name(*ty) == name || self.model.ty(*ty).name == name;
        if let Some(found) = types.find(is_named) {
            return Some(found);
        }
        let error = Diagnostic::error(Code::CaptureDescription, format!("the schema has no instances of `{name}`"));
        let error = error.label(self.values.source, at, "");
        let types = self.model.type_ids().filter(|ty| self.model.ty(*ty).path().is_some());
        let names: Vec<&str> = types.map(|ty| self.model.short_name(ty)).collect();
        self.values.diagnostics.push(error.suggest(name, names));
        None
    }

    /// Reports a property that is a misspelling of one that the schema reads. Others are allowed: a snapshot may have more.
    fn declared(&mut self, ty: TypeId, property: &[String], at: Span) {
        for (level, name) in property.iter().enumerate() {
            let known: Vec<&str> = self.model.known_properties(ty, property.get(..level).unwrap_or_default()).collect();
            if known.contains(&name.as_str()) {
                continue;
            }
            if let Some(near) = misspelling(name, known) {
                let message = format!("`{}` has no property `{name}`", self.model.short_name(ty));
                self.values.wrong(at, message, &format!("did you mean `{near}`?"));
            }
            return;
        }
    }

    /// Returns the slots of a type that read a property.
    fn slots(&self, ty: TypeId, property: &[String]) -> impl Iterator<Item = &Slot> {
        let reads = move |slot: &&Slot| slot.origin.pointer().is_some_and(|pointer| pointer == property);
        self.model.ty(ty).slots.iter().filter(reads)
    }

    /// Returns the words of the enumerated type that a property has in the schema.
    fn choices(&self, ty: TypeId, property: &[String]) -> Option<Vec<String>> {
        self.slots(ty, property).find_map(|slot| {
            let (Ty::Entity(id), Origin::Read(..)) = (element(&slot.ty), &slot.origin) else { return None };
            let choices = self.model.ty(*id).choices()?;
            Some(choices.iter().map(ToString::to_string).collect())
        })
    }

    /// Returns whether a missing property may state something, for some slot that reads it or as a part of a group.
    fn may_be_absent(&self, ty: TypeId, property: &[String]) -> bool {
        self.slots(ty, property).any(lack_is_known) || is_in_group(self.model, ty, property)
    }

    /// Returns whether an empty cell means that there is no value. It does not mean a default.
    fn empty_is_absent(&self, ty: TypeId, property: &[String]) -> bool {
        let is_absent = |slot: &Slot| match &slot.missing {
            Some(missing) => missing.fallback == Fallback::Absent,
            None => !slot.required,
        };
        let mut slots = self.slots(ty, property).peekable();
        if slots.peek().is_none() { is_in_group(self.model, ty, property) } else { slots.all(is_absent) }
    }

    fn choice<T: Copy>(
        &mut self,
        key: &str,
        name: &str,
        table: &dyn TableLike,
        all: &[(&'static str, T)],
    ) -> Option<T> {
        let found = all.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        if found.is_none() {
            let error = Diagnostic::error(Code::CaptureDescription, format!("`{name}` is not valid for `{key}`"));
            let error = error.label(self.values.source, table.get(key).map_or(Span::default(), span_of), "");
            self.values.diagnostics.push(error.suggest(name, all.iter().map(|(name, _)| *name)));
        }
        found
    }

    pub(super) fn needed_text(&mut self, table: &dyn TableLike, key: &str, at: Span, what: &str) -> Option<String> {
        match table.get(key) {
            Some(item) => self.values.text(key, item),
            None => {
                self.values.wrong(at, format!("{what} has no `{key}`"), &format!("add {key} = \"...\""));
                None
            }
        }
    }

    fn pointer(&mut self, key: &str, item: &Item) -> Option<Vec<String>> {
        let text = self.values.text(key, item)?;
        self.pointer_of(&text, span_of(item))
    }

    pub(super) fn pointer_of(&mut self, text: &str, at: Span) -> Option<Vec<String>> {
        let read = pointer::relative(text).map_err(|message| {
            let error = Diagnostic::error(Code::CaptureDescription, message).label(self.values.source, at, "");
            self.values.diagnostics.push(error.help("write names of properties with `/` between them"));
        });
        read.ok()
    }

    /// Returns the tables of the list at a key, if there is one: `[[key]]` or `key = [{ ... }]`.
    pub(super) fn tables<'t>(&mut self, table: &'t dyn TableLike, key: &str) -> Vec<(Span, &'t dyn TableLike)> {
        let Some(item) = table.get(key) else { return Vec::new() };
        if let Some(tables) = item.as_array_of_tables() {
            return tables.iter().map(|table| (span(table.span()), table as &dyn TableLike)).collect();
        }
        let inline = item.as_array().and_then(|list| {
            list.iter().map(|value| Some((span(value.span()), value.as_inline_table()? as &dyn TableLike))).collect()
        });
        inline.unwrap_or_else(|| {
            let help = format!("write it as [[{key}]], or as {key} = [{{ ... }}]");
            self.values.wrong(span_of(item), format!("`{key}` is not a list of tables"), &help);
            Vec::new()
        })
    }
}

/// Returns whether a target has a required column of times for a property.
fn is_time(target: &Target, property: &[String]) -> bool {
    let is_it = |column: &&Column| column.property == property;
    target.columns.iter().find(is_it).is_some_and(|column| column.required && column.form == CellForm::Time)
}

/// Returns the type of the elements of a set, or the type itself.
fn element(ty: &Ty) -> &Ty {
    match ty {
        Ty::Set(element) => element,
        ty => ty,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Schema;

    const SCHEMA: &str = r#"
        @path("") entity Club = { captured_at: datetime };
        entity Status enum ["in", "out"];
        @path("/people/*") @key("email")
        entity Person in [Club] = { @as("email") email: String, status: Status, left?: datetime };
        @path("/evidence/*") @evidence entity Evidence in [Club] = { covers: String };
        @path("/log/*") entity Event in [Club] = { time: datetime };
        action audit appliesTo { principal: [Club], resource: [Person], context: {} };
    "#;

    fn read(text: &str) -> (Description, Vec<String>) {
        let (schema, problems) = Schema::parse(&Source::new("s.cedarschema", SCHEMA).unwrap());
        assert!(problems.is_empty(), "{problems:?}");
        let (description, problems) =
            Description::read(&Source::new("capture.toml", text).unwrap(), &schema.unwrap().model);
        let line = |it: Diagnostic| {
            let at = it.labels[0].place.source.position(it.labels[0].place.span.start).line;
            format!("{at}: {}; {}", it.message, it.help.unwrap_or_default())
        };
        (description, problems.into_iter().map(line).collect())
    }

    const PEOPLE: &str = r#"
[snapshot]
evidence = "evidence"
values = { version = "2", "a/b" = 1 }
[[sources]]
flag = "people"
help = "The list"
reader = "rows"
[[sources.targets]]
instances = "Person"
complete = true
columns = [
  { property = "email", headers = ["E-mail"], required = true },
  { property = "status", headers = ["Status"], words = { in = ["Joined"] }, unknown = ["?"] },
  { property = "left", headers = ["Left"], form = "time" },
]
"#;

    #[test]
    fn a_description_has_sources_with_columns_and_words() {
        let (description, problems) = read(PEOPLE);
        assert_eq!(problems, Vec::<String>::new());
        let feed = &description.feeds[0];
        let target = &feed.targets[0];
        assert_eq!((feed.flag.as_str(), feed.reader, target.form), ("people", FeedReader::Rows, TargetForm::Complete));
        let [email, status, left] = &target.columns[..] else { panic!("three columns") };
        assert!(email.required && !email.may_be_absent && left.may_be_absent);
        assert_eq!(status.words[0], Word { word: "in".into(), written: vec!["in".into(), "joined".into()] });
        assert_eq!(description.values[1].json, "1");
    }

    #[test]
    fn mistakes_have_their_place_and_a_remedy() {
        for (old, new, expected) in [
            (
                "flag = \"people\"",
                "flag = \"into\"",
                "6: `--into` is a flag of the command itself; choose another name",
            ),
            ("a/b", "captured_a", "4: the schema does not read `captured_a`; did you mean `captured_at`?"),
            (
                "\"evidence\"",
                "\"evidance\"",
                "3: `evidance` is not a list of evidence in the schema; did you mean `evidence`?",
            ),
            ("\"evidence\"", "\"people\"", "3: `people` is not a list of evidence in the schema; valid: `evidence`"),
            (
                "\"The list\"",
                "\"The list\"\nstamp = \"captured\"",
                "8: the schema does not read `captured` of `captured`; did you mean `captured_at`?",
            ),
            ("\"rows\"", "\"row\"", "8: `row` is not valid for `reader`; did you mean `rows`?"),
            ("\"Person\"", "\"Persn\"", "10: the schema has no instances of `Persn`; did you mean `Person`?"),
            ("complete", "complet", "11: unknown key `complet` of a target; did you mean `complete`?"),
            ("in = [", "inn = [", "14: the schema has no word `inn` here; did you mean `in`?"),
            ("\"status\"", "\"statuses\"", "14: `Person` has no property `statuses`; did you mean `status`?"),
            (
                ", required = true",
                "",
                "9: no required column gives the key `email` of `Person`; add a column with property = \"email\" and required = true",
            ),
            (
                "headers = [\"Left\"], ",
                "",
                "15: the column of `left` has no headers; add headers = [\"...\"] with all spellings",
            ),
        ] {
            let (_, problems) = read(&PEOPLE.replacen(old, new, 1));
            assert_eq!(problems.first().map(String::as_str), Some(expected), "{problems:?}");
        }
        let (_, problems) =
            read(&format!("{PEOPLE}[[sources]]\nflag = \"people\"\nhelp = \"h\"\nreader = \"document\"\n"));
        assert_eq!(problems, ["17: two sources have the flag `people`; name them differently"]);
        let one = "[[sources]]\nflag = \"one\"\nhelp = \"h\"\nreader = \"rows\"\n[[sources.targets]]\ninstance = \"Person\"\n";
        let column = "columns = [{ property = \"status\", headers = [\"S\"] }]\n";
        let (_, problems) = read(&format!("{PEOPLE}{one}{column}"));
        assert_eq!(
            problems,
            [
                "9: rows give the instances of `Person`, and another target gives parts of them; remove one of them: a document can list the instances of `Person`"
            ]
        );
    }

    #[test]
    fn a_condition_names_words_of_its_column() {
        let of =
            |only: &str| read(&PEOPLE.replace("complete = true", &format!("complete = true\nonly = {{ {only} }}"))).1;
        assert_eq!(of("status = [\"In\", \"out\"], email = [\"a@x\"]"), Vec::<String>::new());
        assert_eq!(
            of("status = [\"iin\"]"),
            ["12: the column of `status` does not give the word `iin`; did you mean `in`?"]
        );
        assert_eq!(
            of("status = [\"Joined\"]"),
            ["12: the column of `status` does not give the word `joined`; write `in`, the word of the snapshot"]
        );
        assert_eq!(
            of("status = []"),
            [
                "12: the condition on `status` has no texts, so no row fulfils it; write the texts that fulfil it, or remove the condition"
            ]
        );
        assert_eq!(of("state = [\"in\"]"), ["12: no column gives the property `state`; name the property of a column"]);
    }

    #[test]
    fn a_log_has_a_time_and_activities() {
        let log = r#"
[[sources]]
flag = "log"
help = "The log"
reader = "rows"
targets = [{ instances = "Event", columns = [
  { property = "time", headers = ["Time"], form = "time", required = true },
  { property = "who", headers = ["Who"] },
] }]
log = { time = "time", activities = [
  { instances = "Person", actor = "who", property = "left", none = "null", events = [{ who = ["A"] }] },
] }
"#;
        let (description, problems) = read(log);
        assert_eq!(problems, Vec::<String>::new());
        let activity = &description.feeds[0].log.as_ref().unwrap().activities[0];
        assert_eq!((activity.null_if_none, activity.events[0][0].texts[0].as_str()), (true, "a"));
        let (_, problems) = read(&log.replace("actor = \"who\"", "actor = \"whom\""));
        assert_eq!(problems, ["11: no column gives the property `whom`; name the property of a column"]);
    }
}
