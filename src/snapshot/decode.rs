//! The decode: from the bytes of a row to the values of its slots.
//!
//! Rows are decoded in parallel, a run of rows at a time; runs are put together in order. Every declared attribute is
//! read and checked, whether a policy reads it or not; only those that one reads are kept.

use super::split::{Split, duplicate_key};
use super::{Column, Data, RowStep, Snapshot, State, StrRef};
use crate::diagnostic::Diagnostic;
use crate::schema::{EntityType, Model, Origin, Reader, SlotId, Ty};
use crate::source::json::{Kind, Scanner, SyntaxError, string_text};
use crate::source::{Source, Span, is_hidden, nearest};
use crate::value::{self, EntityRef, IpNet, Record, Set, TypeId, Value};
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Rows decoded in one piece of work.
const RUN: usize = 2048;

pub(super) fn decode(
    source: &Arc<Source>,
    model: &Model,
    reads: &BTreeSet<(TypeId, SlotId)>,
    split: Split,
    diagnostics: &mut Vec<Diagnostic>,
) -> Snapshot {
    let Split { tables, jumps, side } = split;
    let mut snapshot =
        Snapshot { source: Arc::clone(source), tables, other_properties: 0, side, jumps, secrets: Vec::new() };
    for at in 0..model.types.len() {
        let ty = TypeId(at as u16);
        let kept: Vec<bool> =
            (0..model.ty(ty).slots.len()).map(|slot| reads.contains(&(ty, SlotId(slot as u16)))).collect();
        let starts: Vec<usize> = (0..snapshot.tables[at].rows.len()).step_by(RUN).collect();
        let runs: Vec<Run> = starts.par_iter().map(|start| decode_run(&snapshot, model, ty, &kept, *start)).collect();
        let mut columns: Vec<Column> =
            model.ty(ty).slots.iter().zip(&kept).map(|(slot, kept)| empty(model, slot, *kept)).collect();
        for (run, start) in runs.into_iter().zip(starts) {
            let base = snapshot.side.len();
            snapshot.side.push_str(&run.side);
            snapshot.other_properties += run.other_properties;
            snapshot.secrets.extend(run.secrets);
            diagnostics.extend(run.diagnostics);
            for (column, piece) in columns.iter_mut().zip(run.columns) {
                append(column, piece, base);
            }
            let rows = snapshot.tables[at].rows.iter_mut().skip(start);
            rows.zip(run.keys).for_each(|(row, key)| row.key = key.rebased(base));
        }
        snapshot.tables[at].columns = columns;
    }
    snapshot.secrets.sort();
    snapshot
}

fn empty(model: &Model, slot: &crate::schema::Slot, kept: bool) -> Column {
    let data = match &slot.origin {
        _ if !kept => Data::Nothing,
        Origin::Presence(_) => Data::Nothing,
        Origin::Tags(_) => Data::Value(Vec::new()),
        Origin::Enclosing(ty) => Data::Enclosing(*ty),
        Origin::Derived => Data::Nothing,
        Origin::Read(..) => {
            let enumerated = matches!(slot.ty, Ty::Entity(target) if model.ty(target).choices().is_some());
            Data::for_type(&slot.ty, enumerated)
        }
    };
    Column { states: Vec::new(), data }
}

fn append(column: &mut Column, piece: Column, base: usize) {
    column.states.extend(piece.states);
    match (&mut column.data, piece.data) {
        (Data::Bool(all), Data::Bool(more)) => all.extend(more),
        (Data::Number(all), Data::Number(more)) => all.extend(more),
        (Data::Text(all), Data::Text(more)) => all.extend(more.into_iter().map(|text| text.rebased(base))),
        (Data::Ip(all), Data::Ip(more)) => all.extend(more),
        (Data::Entity(all), Data::Entity(more)) => all.extend(more),
        (Data::Value(all), Data::Value(more)) => all.extend(more),
        _ => {}
    }
}

/// What one run of rows decodes to.
struct Run {
    columns: Vec<Column>,
    keys: Vec<StrRef>,
    side: String,
    other_properties: usize,
    secrets: Vec<Span>,
    diagnostics: Vec<Diagnostic>,
}

/// What was read for a slot.
#[derive(Clone)]
enum Cell {
    Unset,
    Unknown,
    Present,
    Bool(bool),
    Number(i64),
    Text(StrRef),
    Ip(IpNet),
    Choice(u32),
    Value(Value),
}

struct Decoder<'s> {
    source: &'s Arc<Source>,
    model: &'s Model,
    ty: &'s EntityType,
    snapshot: &'s Snapshot,
    cells: Vec<Cell>,
    key: Option<StrRef>,
    run: Run,
    /// Whether an undeclared name is close to a declared one, and to which; by field node and name.
    near: FxHashMap<(usize, String), Option<String>>,
}

type Result<T> = std::result::Result<T, SyntaxError>;

fn decode_run(snapshot: &Snapshot, model: &Model, id: TypeId, kept: &[bool], start: usize) -> Run {
    let ty = model.ty(id);
    let rows = &snapshot.tables[id.index()].rows;
    let rows = &rows[start..(start + RUN).min(rows.len())];
    let columns = ty.slots.iter().zip(kept).map(|(slot, kept)| empty(model, slot, *kept)).collect();
    let run = Run {
        columns,
        keys: Vec::with_capacity(rows.len()),
        side: String::new(),
        other_properties: 0,
        secrets: Vec::new(),
        diagnostics: Vec::new(),
    };
    let mut decoder = Decoder {
        source: &snapshot.source,
        model,
        ty,
        snapshot,
        cells: vec![Cell::Unset; ty.slots.len()],
        key: None,
        run,
        near: FxHashMap::default(),
    };
    for row in rows {
        decoder.cells.fill(Cell::Unset);
        decoder.key = None;
        let mut scanner = Scanner::at(snapshot.source.text(), row.span.start);
        // The split has scanned these bytes, so they are JSON.
        let _ = decoder.node(&mut scanner, Some(0), model.path_of[id.index()], "");
        decoder.finish(kept);
        // A name that stands beside the file is copied: this run's side text is moved as one, the split's stays.
        let step = match row.step {
            RowStep::Property(name) if name.is_side() => RowStep::Property(decoder.side(snapshot.text(name))),
            step => step,
        };
        let key = match (&ty.key, decoder.key, step) {
            (Some(_), Some(key), _) => key,
            (Some(pointer), None, _) if id != model.root && snapshot.source.slice(row.span).starts_with('{') => {
                let error = Diagnostic::error(
                    "snapshot-key",
                    format!("a {} without `{}`, which is its id", model.short_name(id), pointer.join("/")),
                );
                decoder.run.diagnostics.push(
                    error
                        .label(&snapshot.source, first_line(&snapshot.source, row.span), "this one")
                        .help("add the id: without it nobody can tell which one a finding is about"),
                );
                decoder.ordinal(step)
            }
            (None, _, step) => decoder.ordinal(step),
            (Some(_), None, step) => decoder.ordinal(step),
        };
        decoder.run.keys.push(key);
    }
    decoder.run
}

/// The first line of a value: an object may be pages long.
pub(super) fn first_line(source: &Source, span: Span) -> Span {
    let text = source.slice(span);
    let end = text.find('\n').map_or(text, |at| &text[..at]).trim_end();
    let end = end.char_indices().nth(60).map_or(end.len(), |(at, _)| at);
    Span::new(span.start, span.start + end.max(1).min(text.len()) as u32)
}

impl Decoder<'_> {
    fn ordinal(&mut self, step: RowStep) -> StrRef {
        match step {
            RowStep::Property(name) => name,
            RowStep::Index(index) => self.side(&index.to_string()),
            RowStep::Fixed => self.side(""),
        }
    }

    fn side(&mut self, text: &str) -> StrRef {
        let start = self.run.side.len();
        self.run.side.push_str(text);
        StrRef::on_side(start, text.len())
    }

    fn error(&mut self, code: &'static str, span: Span, message: String, label: String, help: Option<String>) {
        self.run.diagnostics.push(Diagnostic::error(code, message).label(self.source, span, label).maybe_help(help));
    }

    /// Reads the value at a field node, which may also lie at a node of the path tree.
    fn node(&mut self, scanner: &mut Scanner<'_>, field: Option<usize>, path: Option<usize>, name: &str) -> Result<()> {
        let (ty, model) = (self.ty, self.model);
        let (kind, start) = scanner.peek()?;
        let node = field.map(|field| &ty.fields[field]);
        let leads_on = node.is_some_and(|node| !node.children.is_empty() || !node.presence.is_empty())
            || path.is_some_and(|path| !model.paths[path].children.is_empty());
        if let Some(node) = node
            && (!node.slots.is_empty() || node.key)
        {
            let span = self.snapshot.skip(scanner)?;
            if node.key {
                self.key_value(kind, span);
            }
            for slot in &node.slots {
                self.cells[slot.index()] = self.slot(*slot, kind, span);
            }
            if !(leads_on && kind == Kind::Object) {
                return Ok(());
            }
            scanner.jump(start);
        }
        let list = path.is_some_and(|path| model.paths[path].each.is_some());
        match kind {
            Kind::Object if list => self.snapshot.skip(scanner).map(|_| ()),
            Kind::Object if leads_on || name.is_empty() => self.object(scanner, field, path),
            Kind::Null => scanner.skip().map(|_| ()),
            _ => {
                let span = self.snapshot.skip(scanner)?;
                if let (Some(node), false) = (node, list) {
                    let what = if name.is_empty() {
                        format!("`{}` is read from an object", self.ty.name)
                    } else {
                        format!("expected an object at `{name}`")
                    };
                    self.error(
                        "snapshot-type",
                        first_line(self.source, span),
                        format!("{what}, found {}", kind.described()),
                        format!("this is {}", kind.described()),
                        (name.is_empty() && kind == Kind::Array)
                            .then(|| "if its elements are the instances, the schema's `@path` ends in `/*`".to_owned()),
                    );
                    for slot in &node.below {
                        self.cells[slot.index()] = Cell::Unknown;
                    }
                }
                Ok(())
            }
        }
    }

    fn object(&mut self, scanner: &mut Scanner<'_>, field: Option<usize>, path: Option<usize>) -> Result<()> {
        let (ty, model) = (self.ty, self.model);
        let fields: &[(String, usize)] = field.map_or(&[], |field| &ty.fields[field].children);
        let paths: &[(String, usize)] = path.map_or(&[], |path| &model.paths[path].children);
        if let Some(field) = field {
            for slot in &ty.fields[field].presence {
                self.cells[slot.index()] = Cell::Present;
            }
        }
        let mut seen = Seen::default();
        let mut others: Vec<(String, Span, Span)> = Vec::new();
        scanner.object(|scanner, key| {
            let name = key.text();
            let in_fields = fields.iter().position(|(child, _)| *child == *name);
            let in_paths = paths.iter().position(|(child, _)| *child == *name);
            let Some(known) = in_fields.or(in_paths.map(|at| at + fields.len())) else {
                self.run.other_properties += 1;
                let value = self.snapshot.skip(scanner)?;
                others.push((name.into_owned(), key.span, value));
                return Ok(());
            };
            let first = seen.insert(known, key.span);
            let child = in_paths.map(|at| paths[at].1);
            if child.is_some_and(|child| model.paths[child].ty.is_some()) && in_fields.is_none() {
                return self.snapshot.skip(scanner).map(|_| ());
            }
            self.node(scanner, in_fields.map(|at| fields[at].1), child, &name)?;
            if let (Some(first), Some(at)) = (first, in_fields) {
                if in_paths.is_none() {
                    self.run.diagnostics.push(duplicate_key(self.source, &name, first, key.span));
                }
                for slot in &ty.fields[fields[at].1].below {
                    self.cells[slot.index()] = Cell::Unknown;
                }
            }
            Ok(())
        })?;
        for (name, key, value) in others {
            self.other(field, path, &name, key, value, &seen);
        }
        Ok(())
    }

    /// A property nobody declared: an error on a closed type, or where it differs from a declared one beside it only
    /// in writing; a warning if it looks like a slip, and then what it may have meant to say is not known.
    fn other(&mut self, field: Option<usize>, path: Option<usize>, name: &str, key: Span, value: Span, seen: &Seen) {
        let (ty, model) = (self.ty, self.model);
        let fields: &[(String, usize)] = field.map_or(&[], |field| &ty.fields[field].children);
        let paths: &[(String, usize)] = path.map_or(&[], |path| &model.paths[path].children);
        let declared = || fields.iter().chain(paths).map(|(child, _)| child.as_str());
        let place = (field.unwrap_or(usize::MAX), name.to_owned());
        let near = self.near.entry(place).or_insert_with(|| nearest(name, declared()).map(str::to_owned)).clone();
        let Some((near, at)) = near.and_then(|near| declared().position(|child| child == near).map(|at| (near, at)))
        else {
            if ty.closed {
                self.undeclared(name, key, declared().collect());
            }
            return;
        };
        let meant: Vec<SlotId> = fields.get(at).map(|(_, child)| ty.fields[*child].below.clone()).unwrap_or_default();
        if meant.iter().any(|slot| ty.slots[slot.index()].secret) {
            self.run.secrets.push(value);
        }
        let first = seen.place(at);
        if ty.closed {
            self.undeclared(name, key, declared().collect());
        } else if let Some(first) = first.filter(|_| plain(name) == plain(&near)) {
            let message = format!("properties `{near}` and `{name}` differ only in how they are written");
            let error = Diagnostic::error("snapshot-duplicate-key", message);
            let error = error.label(self.source, key, "this one").label(self.source, first, "and this one");
            self.run.diagnostics.push(error.help("which of the two is meant cannot be known: remove one"));
        } else if first.is_none() {
            let message = format!("unknown property `{name}`, and `{near}` is missing beside it");
            let warning = Diagnostic::warning("snapshot-property", message).label(self.source, key, "not declared");
            self.run.diagnostics.push(warning.help(format!("did you mean `{near}`?")));
        } else {
            return;
        }
        for slot in meant {
            self.cells[slot.index()] = Cell::Unknown;
        }
    }

    fn undeclared(&mut self, name: &str, key: Span, valid: Vec<&str>) {
        let error = Diagnostic::error("snapshot-property", format!("a {} has no property `{name}`", self.ty.name));
        self.run.diagnostics.push(error.label(self.source, key, "not declared").suggest(name, valid));
    }

    fn key_value(&mut self, kind: Kind, span: Span) {
        let text = self.source.slice(span);
        match kind {
            Kind::String => self.key = self.string(span),
            Kind::Number | Kind::Bool => self.key = Some(StrRef::in_file(span.start, text.len() as u32)),
            _ => {}
        }
    }

    /// Refers to a string of the file, or copies it when it holds escapes; `None` when it is no text.
    fn string(&mut self, span: Span) -> Option<StrRef> {
        match string_text(self.source.slice(span)) {
            Some(Cow::Borrowed(text)) => Some(StrRef::in_file(span.start + 1, text.len() as u32)),
            Some(Cow::Owned(text)) => Some(self.side(&text)),
            None => None,
        }
    }

    fn slot(&mut self, id: SlotId, kind: Kind, span: Span) -> Cell {
        let slot = &self.ty.slots[id.index()];
        if kind == Kind::Null {
            return Cell::Unset;
        }
        if slot.secret {
            self.run.secrets.push(span);
        }
        let source = Arc::clone(self.source);
        let text = source.slice(span);
        if let (Some(unknown), Kind::String) = (&slot.unknown_text, kind)
            && string_text(text).is_some_and(|text| text.trim().eq_ignore_ascii_case(unknown))
        {
            return Cell::Unknown;
        }
        let reader = match &slot.origin {
            Origin::Read(_, reader) => *reader,
            Origin::Tags(_) => return self.tags(&slot.ty, kind, span).map_or(Cell::Unknown, Cell::Value),
            _ => None,
        };
        if let Some(reader) = reader {
            return self.through(reader, kind, span, &slot.dotted());
        }
        match &slot.ty {
            Ty::String if kind == Kind::String => match self.string(span) {
                Some(text) => Cell::Text(text),
                None => self.not_text(span),
            },
            Ty::Entity(target)
                if self.model.ty(*target).choices().is_none() && matches!(kind, Kind::String | Kind::Number) =>
            {
                let reference = if kind == Kind::String {
                    self.string(span)
                } else {
                    Some(StrRef::in_file(span.start, span.len()))
                };
                reference.map_or_else(|| self.not_text(span), Cell::Text)
            }
            ty => {
                let name = slot.dotted();
                match self.value(ty, kind, span, &name) {
                    Some(Value::Bool(b)) => Cell::Bool(b),
                    Some(Value::Long(n) | Value::Decimal(n) | Value::Datetime(n) | Value::Duration(n)) => {
                        Cell::Number(n)
                    }
                    Some(Value::Ip(ip)) => Cell::Ip(ip),
                    Some(Value::Entity(entity)) => Cell::Choice(entity.row),
                    Some(value) => Cell::Value(value),
                    None => Cell::Unknown,
                }
            }
        }
    }

    fn not_text(&mut self, span: Span) -> Cell {
        self.error(
            "snapshot-text",
            span,
            "this string is not text: an escape is half of a surrogate pair".into(),
            "here".into(),
            None,
        );
        Cell::Unknown
    }

    fn through(&mut self, reader: Reader, kind: Kind, span: Span, name: &str) -> Cell {
        let source = Arc::clone(self.source);
        let text = string_text(source.slice(span)).filter(|_| kind == Kind::String);
        let outcome = match (reader, kind, text) {
            (Reader::Length, Kind::Array | Kind::Object, _) => return Cell::Number(self.count(kind, span)),
            (Reader::Length, _, Some(text)) => return Cell::Number(text.chars().count() as i64),
            (Reader::PrefixLength, _, Some(text)) => match IpNet::parse(text.trim()) {
                Ok(ip) => return Cell::Number(i64::from(ip.prefix)),
                Err(problem) => Err(("an address or CIDR range", problem)),
            },
            (Reader::Casefold, _, Some(text)) => Ok(text.trim().to_lowercase()),
            (Reader::Email | Reader::EmailDomain | Reader::EmailLocal, _, Some(text)) => {
                match (reader, email_parts(text.trim())) {
                    (_, None) => Err(("an e-mail address", "valid is as name@example.com".to_owned())),
                    (Reader::Email, _) => Ok(text.trim().to_lowercase()),
                    (Reader::EmailDomain, Some((_, domain))) => Ok(domain.to_lowercase()),
                    (_, Some((local, _))) => Ok(local.to_lowercase()),
                }
            }
            (Reader::UrlScheme | Reader::UrlHost, _, Some(text)) => match url_parts(text.trim()) {
                Some((scheme, host)) => Ok(if reader == Reader::UrlScheme { scheme } else { host }.to_lowercase()),
                None => Err(("a URL", "valid is as https://host/path".to_owned())),
            },
            _ => {
                let wanted = if reader == Reader::Length { "a list or a string" } else { "a string" };
                self.wrong_type(wanted, kind, span, name, None);
                return Cell::Unknown;
            }
        };
        match outcome {
            Ok(read) => {
                let plain = source.slice(span).trim_matches('"');
                Cell::Text(if plain == read {
                    StrRef::in_file(span.start + 1, plain.len() as u32)
                } else {
                    self.side(&read)
                })
            }
            Err((what, help)) => {
                self.error(
                    "snapshot-value",
                    span,
                    format!("`{name}` is not {what}"),
                    "cannot be read".into(),
                    Some(help),
                );
                Cell::Unknown
            }
        }
    }

    fn count(&self, kind: Kind, span: Span) -> i64 {
        let mut scanner = Scanner::at(self.source.text(), span.start);
        let mut count = 0;
        // These bytes have been scanned before.
        let _ = if kind == Kind::Array {
            scanner.array(|scanner, _| {
                count += 1;
                scanner.skip().map(|_| ())
            })
        } else {
            scanner.object(|scanner, _| {
                count += 1;
                scanner.skip().map(|_| ())
            })
        };
        count
    }

    fn wrong_type(&mut self, wanted: &str, kind: Kind, span: Span, name: &str, help: Option<String>) {
        let span = first_line(self.source, span);
        self.error(
            "snapshot-type",
            span,
            format!("`{name}` is {}, expected {wanted}", kind.described()),
            format!("this is {}", kind.described()),
            help,
        );
    }

    /// Reads a value of any type. `None` after a diagnostic, or when part of it is not known.
    fn value(&mut self, ty: &Ty, kind: Kind, span: Span, name: &str) -> Option<Value> {
        let source = Arc::clone(self.source);
        let raw = source.slice(span);
        let text = (kind == Kind::String).then(|| string_text(raw)).flatten();
        let read = |parsed: std::result::Result<Value, String>| parsed.map_err(|help| ("cannot be read", help));
        let outcome = match (ty, kind) {
            (Ty::Bool, Kind::Bool) => Ok(Value::Bool(raw == "true")),
            (Ty::Long, Kind::Number) => match whole_number(raw) {
                Some(number) => Ok(Value::Long(number)),
                None => Err((
                    "not a whole number of 64 bits",
                    format!("valid are whole numbers from {} to {}", i64::MIN, i64::MAX),
                )),
            },
            (Ty::String, Kind::String) => match &text {
                Some(text) => Ok(Value::String(SmolStr::new(text))),
                None => {
                    self.not_text(span);
                    return None;
                }
            },
            (Ty::Decimal, Kind::Number | Kind::String) => {
                read(value::parse_decimal(&plain_decimal(text.as_deref().unwrap_or(raw))).map(Value::Decimal))
            }
            (Ty::Datetime, Kind::String) => {
                read(value::parse_datetime(text.as_deref().unwrap_or_default().trim()).map(Value::Datetime))
            }
            (Ty::Duration, Kind::String) => {
                read(value::parse_duration(text.as_deref().unwrap_or_default().trim()).map(Value::Duration))
            }
            (Ty::Ip, Kind::String) => read(IpNet::parse(text.as_deref().unwrap_or_default().trim()).map(Value::Ip)),
            (Ty::Entity(target), Kind::String) => match self.model.ty(*target).choices() {
                Some(choices) => {
                    let word = text.as_deref().unwrap_or_default();
                    match choices.iter().position(|choice| choice == word) {
                        Some(at) => Ok(Value::Entity(EntityRef { ty: *target, row: at as u32 })),
                        None => {
                            let error = Diagnostic::error(
                                "snapshot-value",
                                format!("`{name}` is {word:?}, which is no {}", self.model.short_name(*target)),
                            );
                            let choices: Vec<&str> = choices.iter().map(SmolStr::as_str).collect();
                            self.run
                                .diagnostics
                                .push(error.label(self.source, span, "unknown value").suggest(word, choices));
                            return None;
                        }
                    }
                }
                // A reference inside a set: resolved with the others.
                None => Ok(Value::String(SmolStr::new(text.as_deref().unwrap_or_default()))),
            },
            (Ty::Set(element), Kind::Array) => return Some(self.set(element, span, name)),
            (Ty::Record(members), Kind::Object) => return self.record(members, span, name),
            _ => {
                let wanted = match ty {
                    Ty::Bool => "true or false",
                    Ty::Long => "a whole number",
                    Ty::String => "a string",
                    Ty::Decimal => "a number",
                    Ty::Datetime => "a date or time, as \"2026-09-01T06:00:00Z\"",
                    Ty::Duration => "a duration, as \"14d\"",
                    Ty::Ip => "an address or CIDR range, as \"203.0.113.0/28\"",
                    Ty::Entity(_) => "a name",
                    Ty::Set(_) => "an array",
                    Ty::Record(_) => "an object",
                };
                let quoted = text.filter(|text| match ty {
                    Ty::Bool => matches!(text.as_ref(), "true" | "false"),
                    Ty::Long => text.parse::<i64>().is_ok(),
                    _ => false,
                });
                self.wrong_type(wanted, kind, span, name, quoted.map(|text| format!("write {text} without quotes")));
                return None;
            }
        };
        match outcome {
            Ok(value) => Some(value),
            Err((label, help)) => {
                self.error(
                    "snapshot-value",
                    span,
                    format!("`{name}` is not a valid {}", self.model.show(ty)),
                    label.into(),
                    Some(help),
                );
                None
            }
        }
    }

    fn set(&mut self, element: &Ty, span: Span, name: &str) -> Value {
        let (mut items, mut open) = (Vec::new(), false);
        let source = Arc::clone(self.source);
        let mut scanner = Scanner::at(source.text(), span.start);
        let walked = scanner.array(|scanner, _| {
            let (kind, _) = scanner.peek()?;
            let span = scanner.skip()?;
            match if kind == Kind::Null { None } else { self.value(element, kind, span, name) } {
                Some(value) => items.push(value),
                None => open = true,
            }
            Ok::<_, SyntaxError>(())
        });
        Value::Set(Arc::new(Set::partial(items, Vec::new(), open || walked.is_err())))
    }

    fn record(&mut self, members: &[crate::schema::Member], span: Span, name: &str) -> Option<Value> {
        let source = Arc::clone(self.source);
        let mut scanner = Scanner::at(source.text(), span.start);
        let mut fields: Vec<(SmolStr, Value)> = Vec::new();
        let mut whole = true;
        let mut seen: Vec<(SmolStr, Span)> = Vec::new();
        let walked = scanner.object(|scanner, key| {
            let (kind, _) = scanner.peek()?;
            let span = scanner.skip()?;
            let text = key.text();
            let Some(member) = members.iter().find(|member| member.name == *text) else {
                self.run.other_properties += 1;
                return Ok::<_, SyntaxError>(());
            };
            if let Some((_, first)) = seen.iter().find(|(name, _)| *name == member.name) {
                self.run.diagnostics.push(duplicate_key(self.source, &text, *first, key.span));
                whole = false;
                return Ok(());
            }
            seen.push((member.name.clone(), key.span));
            if kind != Kind::Null {
                match self.value(&member.ty, kind, span, &format!("{name}.{text}")) {
                    Some(value) => fields.push((member.name.clone(), value)),
                    None => whole = false,
                }
            }
            Ok(())
        });
        let complete =
            members.iter().all(|member| !member.required || fields.iter().any(|(name, _)| *name == member.name));
        (walked.is_ok() && whole && complete).then(|| Value::Record(Arc::new(Record::new(fields))))
    }

    fn tags(&mut self, ty: &Ty, kind: Kind, span: Span) -> Option<Value> {
        if kind != Kind::Object {
            self.wrong_type("an object", kind, span, "tags", None);
            return None;
        }
        let source = Arc::clone(self.source);
        let mut scanner = Scanner::at(source.text(), span.start);
        let mut fields: Vec<(SmolStr, Value)> = Vec::new();
        let mut whole = true;
        let mut seen: FxHashMap<SmolStr, Span> = FxHashMap::default();
        let walked = scanner.object(|scanner, key| {
            let (kind, _) = scanner.peek()?;
            let span = scanner.skip()?;
            let name = SmolStr::new(key.text());
            if let Some(first) = seen.insert(name.clone(), key.span) {
                self.run.diagnostics.push(duplicate_key(self.source, &name, first, key.span));
                whole = false;
                return Ok(());
            }
            match if kind == Kind::Null { None } else { self.value(ty, kind, span, &format!("tags.{name}")) } {
                Some(value) => fields.push((name, value)),
                None => whole = false,
            }
            Ok::<_, SyntaxError>(())
        });
        (walked.is_ok() && whole).then(|| Value::Record(Arc::new(Record::new(fields))))
    }

    /// Turns the cells of a row into states and values, and stores what is kept.
    fn finish(&mut self, kept: &[bool]) {
        let mut states: Vec<State> = Vec::with_capacity(self.cells.len());
        for (at, slot) in self.ty.slots.iter().enumerate() {
            let around = slot.within.and_then(|within| states.get(within.index())).copied().unwrap_or(State::Known);
            let state = match (&self.cells[at], &slot.origin) {
                (_, Origin::Enclosing(_)) => State::Known,
                (_, Origin::Derived) => State::Unknown,
                (Cell::Unset, _) => match around {
                    State::Known if slot.required => State::Unknown,
                    State::Known => State::Absent,
                    around => around,
                },
                (Cell::Unknown, _) => State::Unknown,
                _ => State::Known,
            };
            states.push(state);
        }
        for ((column, cell), (state, kept)) in
            self.run.columns.iter_mut().zip(&mut self.cells).zip(states.iter().zip(kept))
        {
            if !kept {
                continue;
            }
            column.states.push(*state);
            let cell = std::mem::replace(cell, Cell::Unset);
            match (&mut column.data, cell) {
                (Data::Bool(all), Cell::Bool(b)) => all.push(b),
                (Data::Bool(all), _) => all.push(false),
                (Data::Number(all), Cell::Number(n)) => all.push(n),
                (Data::Number(all), _) => all.push(0),
                (Data::Text(all), Cell::Text(text)) => all.push(text),
                (Data::Text(all), _) => all.push(StrRef::default()),
                (Data::Ip(all), Cell::Ip(ip)) => all.push(ip),
                (Data::Ip(all), _) => {
                    all.push(IpNet { addr: std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), prefix: 32 })
                }
                (Data::Entity(all), Cell::Choice(row)) => all.push(row),
                (Data::Entity(all), _) => all.push(0),
                (Data::Value(all), Cell::Value(value)) => all.push(value),
                (Data::Value(all), _) => all.push(Value::Bool(false)),
                (Data::Nothing | Data::Range(_) | Data::Enclosing(_), _) => {}
            }
        }
    }
}

/// Which children of an object were seen, and where.
#[derive(Default)]
struct Seen(Vec<(usize, Span)>);

impl Seen {
    /// Notes a child; returns where it was seen before.
    fn insert(&mut self, child: usize, span: Span) -> Option<Span> {
        let first = self.0.iter().find(|(seen, _)| *seen == child).map(|(_, span)| *span);
        if first.is_none() {
            self.0.push((child, span));
        }
        first
    }

    /// Returns where a child was seen.
    fn place(&self, child: usize) -> Option<Span> {
        self.0.iter().find(|(seen, _)| *seen == child).map(|(_, span)| *span)
    }
}

/// A name without case and punctuation.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Reads a JSON number as a whole one; `14.0` is fourteen.
fn whole_number(raw: &str) -> Option<i64> {
    let digits =
        raw.split_once('.').filter(|(_, fraction)| fraction.bytes().all(|b| b == b'0')).map_or(raw, |(whole, _)| whole);
    digits.parse().ok()
}

/// Takes zeros off the end of a fraction: `0.500000` has one digit after the point.
fn plain_decimal(raw: &str) -> Cow<'_, str> {
    match raw.split_once('.') {
        Some((whole, fraction)) if fraction.len() > 4 => {
            let fraction = fraction.trim_end_matches('0');
            Cow::Owned(if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") })
        }
        _ => Cow::Borrowed(raw),
    }
}

/// Splits an e-mail address into local part and domain; a name, a list or hidden characters around it make it none.
fn email_parts(text: &str) -> Option<(&str, &str)> {
    let (local, domain) = text.split_once('@')?;
    let odd = |c: char| c.is_whitespace() || c.is_control() || is_hidden(c) || "@,;:<>()[]\"\\*".contains(c);
    let sound = |part: &str| !part.is_empty() && !part.contains(odd) && !part.starts_with('.') && !part.ends_with('.');
    (sound(local) && sound(domain)).then_some((local, domain))
}

/// What stands in no address.
fn blank(c: char) -> bool {
    c.is_whitespace() || c.is_control()
}

/// Splits a URL into scheme and host.
fn url_parts(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = if host.starts_with('[') { host.split_inclusive(']').next()? } else { host.split(':').next()? };
    let named =
        !scheme.is_empty() && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    let closed = host.starts_with('[') == host.ends_with(']');
    (named && closed && !host.is_empty() && !authority.contains(blank)).then_some((scheme, host))
}
