//! Reading values: from the bytes of one value to what a slot holds.

use super::api_error::{self, ApiError, is_about_error, is_of_error, says_nothing};
use super::plan::SlotUse;
use super::uncaptured::{self, Statement, UNCAPTURED};
use super::{StrRef, is_respelled};
use crate::diagnostic::{Code, Diagnostic, quoted_list};
use crate::hash::keyed_text;
use crate::schema::{
    ADDRESS, Caution, Chain, Datum, DatumType, DeclaredDefault, Fallback, Folded, Lacking, LackingWords, Member, Model,
    Origin, Read, Reader, Slot, SlotId, Ty, folded_email_parts, midnight, words,
};
use crate::source::json::{Kind, Scanned, Scanner, SyntaxError, string_text};
use crate::source::{
    MAX_SOURCE_BYTES, NameIndex, Place, Source, Span, byte_offset, is_blank, is_slip, look_alike, misspelling, nearest,
    trimmed,
};
use crate::value::{self, EntityRef, Inexact, IpNet, Record, Set, TypeId, Value};
use hashbrown::HashTable;
use smol_str::SmolStr;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

/// The value that was read for a slot.
pub(super) enum Cell {
    /// A captured value that is not there.
    Absent,
    Uncaptured,
    /// An invalid value.
    Unreadable,
    Bool(bool),
    Number(i64),
    /// A length, from least to most.
    Between(i64, i64),
    Text(StrRef),
    Ip(IpNet),
    Choice(u32),
    Value(Value),
}

/// Reads values, and gathers what they leave behind.
pub(super) struct Reading<'s> {
    pub source: &'s Arc<Source>,
    pub model: &'s Model,
    pub diagnostics: Vec<Diagnostic>,
    /// Whether the slot in hand is secret, so that nothing of its value is quoted.
    secret: bool,
    /// The side text: strings that differ from the bytes of the file.
    pub side: String,
    pub other_properties: usize,
    /// The names of tags that policies read.
    tags: Option<&'s NameIndex>,
    /// The latest time of something past.
    pub(super) latest: i64,
    /// The earliest time that was refused because it is after `latest`.
    pub(super) earliest_refused: Option<i64>,
    /// The names of tags in the snapshot, each with the places of those above that it may be a misspelling of.
    other_tags: HashMap<SmolStr, Arc<[usize]>>,
    /// Sets that were read and are as they should be, by slot and text: many rows say the same.
    known: HashTable<(SlotId, &'s str, Value)>,
    slips: Slips,
    /// The last address, with its place, and its parts if it is in folded form: several attributes read one address.
    last_address: Option<(u32, Option<(&'s str, &'s str)>)>,
    /// The last string, with its place: an id is also an attribute.
    last: Option<(Span, StrRef)>,
}

/// The members of an object.
#[derive(Default)]
struct Members {
    /// Those that are known.
    fields: Vec<(SmolStr, Value)>,
    /// Those that are `null`.
    nulls: Vec<SmolStr>,
    /// Those that are invalid or given twice.
    unreadable: Vec<SmolStr>,
    /// Names that are not declared, and where they are.
    others: Vec<(SmolStr, Span)>,
    /// The error among these.
    error: ApiError,
}

/// Names of properties and declared names, and whether the first have slips of the second: many objects have the same names.
#[derive(Default)]
pub(super) struct Slips(HashMap<(SmolStr, SmolStr), bool>);

impl Slips {
    /// Returns whether a name has a slip of a declared one.
    pub(super) fn has(&mut self, name: &str, declared: &str) -> bool {
        let names = (SmolStr::new(name), SmolStr::new(declared));
        if let Some(known) = self.0.get(&names) {
            return *known;
        }
        let found = is_slip(name, declared);
        if self.0.len() < MAX_REMEMBERED_NAMES {
            self.0.insert(names, found);
        }
        found
    }
}

/// The elements of a set that are being read.
#[derive(Default)]
struct Elements {
    items: Vec<Value>,
    is_open: bool,
}

impl Elements {
    fn cell(self) -> Cell {
        Cell::Value(Value::Set(Arc::new(Set::partial(self.items, Vec::new(), self.is_open))))
    }
}

/// Bytes of a set that is remembered.
const MAX_REMEMBERED_BYTES: u32 = 64;

/// Sets that are remembered.
const MAX_REMEMBERED_SETS: usize = 256;

/// Tags whose likeness to those of policies is remembered.
const MAX_REMEMBERED_TAGS: usize = 256;

/// Names whose likeness to declared ones is remembered.
const MAX_REMEMBERED_NAMES: usize = 256;

/// Diagnostics that are searched for one of the same value.
const RECENT: usize = 8;

/// The name of a value, assembled only for a diagnostic.
#[derive(Clone, Copy)]
enum Name<'n> {
    Slot(&'n Slot),
    Tags,
    Member(&'n Name<'n>, &'n str),
}

impl Name<'_> {
    /// Returns whether messages must not quote the value.
    fn is_secret(&self) -> bool {
        match self {
            Name::Slot(slot) => slot.secret,
            Name::Tags => false,
            Name::Member(of, _) => of.is_secret(),
        }
    }

    /// Returns the words for missing values, and for missing elements of a set.
    fn words(&self) -> Option<&LackingWords> {
        match self {
            Name::Slot(slot) => Some(&slot.words),
            Name::Tags | Name::Member(..) => None,
        }
    }
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Name::Slot(slot) => f.write_str(&slot.dotted()),
            Name::Tags => f.write_str("tags"),
            Name::Member(of, member) => write!(f, "{of}.{member}"),
        }
    }
}

impl<'s> Reading<'s> {
    pub(super) fn new(source: &'s Arc<Source>, model: &'s Model) -> Self {
        let (diagnostics, side) = (Vec::new(), String::new());
        Self {
            source,
            model,
            diagnostics,
            secret: false,
            side,
            other_properties: 0,
            tags: None,
            latest: i64::MAX,
            earliest_refused: None,
            other_tags: HashMap::new(),
            known: HashTable::new(),
            slips: Slips::default(),
            last_address: None,
            last: None,
        }
    }

    /// Returns the reading with the names of the tags that policies read.
    pub(super) fn with_tags(self, tags: &'s NameIndex) -> Self {
        Self { tags: Some(tags).filter(|tags| tags.names().next().is_some()), ..self }
    }

    /// Returns the reading with the latest time of something past.
    pub(super) fn with_latest(self, latest: i64) -> Self {
        Self { latest, ..self }
    }

    /// Copies text to the side text.
    pub(super) fn side(&mut self, text: &str) -> StrRef {
        let start = self.side.len();
        self.side.push_str(text);
        StrRef::on_side(start, text)
    }

    pub(super) fn error(&mut self, code: Code, span: Span, message: String, label: String, help: Option<String>) {
        // A remedy says what the value is like.
        let help = help.filter(|_| !self.secret);
        self.diagnostics.push(Diagnostic::error(code, message).label(self.source, span, label).maybe_help(help));
    }

    /// Reads the key of an instance.
    pub(super) fn key(&mut self, value: Scanned) -> Option<StrRef> {
        match value.kind {
            Kind::String => self.string(value),
            Kind::Number | Kind::Bool => Some(StrRef::in_file(value.span.start, self.source.slice(value.span))),
            _ => None,
        }
    }

    /// Returns a reference to a string of the file, or to a copy if it has escapes. Returns `None` if it is not text.
    fn string(&mut self, value: Scanned) -> Option<StrRef> {
        if let Some((_, text)) = self.last.filter(|(span, _)| *span == value.span) {
            return Some(text);
        }
        let text = match self.plain(value) {
            Some(plain) => StrRef::in_file(value.span.start + 1, plain),
            None => match string_text(self.source.slice(value.span))? {
                Cow::Borrowed(text) => StrRef::in_file(value.span.start + 1, text),
                Cow::Owned(text) => self.side(&text),
            },
        };
        self.last = Some((value.span, text));
        Some(text)
    }

    /// Returns the text of a string without escapes.
    fn plain(&self, value: Scanned) -> Option<&'s str> {
        let inside = Span::new(value.span.start + 1, value.span.end - 1);
        (value.kind == Kind::String && !value.escaped).then(|| self.source.slice(inside))
    }

    /// Reads the value of a slot.
    pub(super) fn slot(&mut self, id: SlotId, slot: &Slot, slot_use: SlotUse, value: Scanned) -> Cell {
        let Scanned { kind, span, .. } = value;
        if kind == Kind::Null {
            return self.default(slot, slot.null.as_ref());
        }
        if let Some(cell) = self.usual(slot, slot_use, value) {
            return cell;
        }
        let short = matches!(slot.ty, Ty::Set(_))
            && matches!(kind, Kind::Array | Kind::String)
            && span.len() <= MAX_REMEMBERED_BYTES
            && !slot.secret;
        let hash = if short { set_hash(id, self.source.slice(span)) } else { 0 };
        if short {
            let text = self.source.slice(span);
            let known = self.known.find(hash, |(slot, known, _)| *slot == id && *known == text);
            if let Some((.., known)) = known {
                return Cell::Value(known.clone());
            }
        }
        let before = (self.diagnostics.len(), self.other_properties);
        self.secret = slot.secret;
        let cell = self.fresh(slot, value);
        let cell = if slot.past { self.of_past(cell, slot, span) } else { cell };
        self.secret = false;
        if let (true, Cell::Value(value)) = (short, &cell)
            && before == (self.diagnostics.len(), self.other_properties)
            && self.known.len() < MAX_REMEMBERED_SETS
        {
            let known = (id, self.source.slice(span), value.clone());
            self.known.insert_unique(hash, known, |(slot, text, _)| set_hash(*slot, text));
        }
        cell
    }

    /// Reads a valid scalar that no reader and no word changes. Returns `None` for any other value.
    fn usual(&mut self, slot: &Slot, slot_use: SlotUse, value: Scanned) -> Option<Cell> {
        if !slot.words.is_empty() {
            return None;
        }
        match &slot.origin {
            Origin::Read(_, None) => {}
            Origin::Read(_, Some(chain)) => {
                let reader = chain.only().filter(|reader| is_direct(reader, &slot.ty, value.kind))?;
                return match reader {
                    _ if !slot.each.is_empty() => None,
                    Reader::Casefold => self.casefold(slot_use, value),
                    _ => self.address(reader, slot_use, value),
                };
            }
            _ => return None,
        }
        match (&slot.ty, value.kind) {
            (Ty::Bool, Kind::Bool) => Some(Cell::Bool(self.source.slice(value.span) == "true")),
            (Ty::String, Kind::String) => {
                let plain = self.plain(value)?;
                // A text that nothing reads needs no reference.
                match slot_use {
                    SlotUse::Kept => self.string(value).map(Cell::Text),
                    SlotUse::State | SlotUse::Checked => Some(Cell::Bool(!plain.is_empty())),
                }
            }
            (Ty::Datetime, Kind::String) => {
                let moment = value::parse_datetime(trimmed(self.plain(value)?)).ok()?;
                (!slot.past || moment <= self.latest).then_some(Cell::Number(moment))
            }
            (Ty::Long, Kind::Number) => value::parse_number(self.source.slice(value.span), 0).ok().map(Cell::Number),
            (Ty::Entity(target), Kind::String) => {
                let word = self.plain(value)?;
                let place = self.model.ty(*target).choices()?.iter().position(|choice| choice == word)?;
                Some(Cell::Choice(EntityRef::numbered(*target, place).row))
            }
            _ => None,
        }
    }

    /// Reads a text of ASCII characters without regard to case. Returns `None` for any other value.
    fn casefold(&mut self, slot_use: SlotUse, value: Scanned) -> Option<Cell> {
        let whole = self.plain(value)?;
        let text = trimmed(whole);
        if !text.is_ascii() {
            return None;
        }
        Some(match slot_use {
            SlotUse::State | SlotUse::Checked => Cell::Bool(true),
            SlotUse::Kept if text.bytes().any(|byte| byte.is_ascii_uppercase()) => {
                let start = self.side.len();
                self.side.push_str(text);
                let folded = self.side.get_mut(start..)?;
                folded.make_ascii_lowercase();
                Cell::Text(StrRef::on_side(start, folded))
            }
            SlotUse::Kept => Cell::Text(part_in_file(value, whole, text)),
        })
    }

    /// Reads an address in folded form. Returns `None` for any other value, and for a reader of other texts.
    fn address(&mut self, reader: &Reader, slot_use: SlotUse, value: Scanned) -> Option<Cell> {
        let whole = self.plain(value)?;
        reader.part_of_address(whole, (whole, whole))?;
        let parts = match self.last_address {
            Some((start, parts)) if start == value.span.start => parts,
            _ => folded_email_parts(whole),
        };
        self.last_address = Some((value.span.start, parts));
        let part = reader.part_of_address(whole, parts?)?;
        Some(match (reader, slot_use) {
            (_, SlotUse::State | SlotUse::Checked) => Cell::Bool(true),
            (Reader::Email, SlotUse::Kept) => Cell::Text(self.string(value)?),
            (Reader::EmailLocalWords, SlotUse::Kept) => words_of(part),
            (_, SlotUse::Kept) => Cell::Text(part_in_file(value, whole, part)),
        })
    }

    /// Returns the value of a slot that is `null` or missing, by the annotation of the schema.
    pub(super) fn default(&mut self, slot: &Slot, declared: Option<&DeclaredDefault>) -> Cell {
        match declared.map(|declared| &declared.fallback) {
            None if slot.required => Cell::Uncaptured,
            None => Cell::Absent,
            Some(fallback) => self.fallback(slot, fallback),
        }
    }

    /// Returns the value of a slot by an argument of `@null` or `@missing`.
    pub(super) fn fallback(&mut self, slot: &Slot, fallback: &Fallback) -> Cell {
        match fallback {
            Fallback::Unknown => Cell::Uncaptured,
            Fallback::Absent => Cell::Absent,
            Fallback::Record(_) => Cell::Bool(true),
            Fallback::Value(Value::Bool(b)) => Cell::Bool(*b),
            Fallback::Value(Value::Long(n) | Value::Decimal(n) | Value::Datetime(n) | Value::Duration(n)) => {
                Cell::Number(*n)
            }
            Fallback::Value(Value::Ip(ip)) => Cell::Ip(*ip),
            Fallback::Value(Value::Entity(entity)) => Cell::Choice(entity.row),
            Fallback::Value(Value::String(text)) if matches!(slot.ty, Ty::String | Ty::Entity(_)) => {
                Cell::Text(self.side(text))
            }
            Fallback::Value(value) => Cell::Value(value.clone()),
        }
    }

    fn fresh(&mut self, slot: &Slot, value: Scanned) -> Cell {
        let Scanned { kind, span, .. } = value;
        match self.meaning(&slot.words, kind, span) {
            Some(Lacking::Unknown) => return Cell::Uncaptured,
            Some(Lacking::Absent) => return Cell::Absent,
            None => {}
        }
        let name = Name::Slot(slot);
        if let (Ty::Set(element), false) = (&slot.ty, slot.each.is_empty()) {
            return self.each(element, slot, kind, span);
        }
        match &slot.origin {
            Origin::Read(_, Some(chain)) => {
                return match chain.only().filter(|reader| is_direct(reader, &slot.ty, kind)) {
                    Some(reader) => self.through(reader, value, name),
                    None => self.chained(chain, slot, kind, span),
                };
            }
            Origin::Tags(_) => return self.tags(&slot.ty, kind, span).map_or(Cell::Unreadable, Cell::Value),
            _ => {}
        }
        let refers = |ty: &Ty| matches!(ty, Ty::Entity(target) if self.model.ty(*target).choices().is_none());
        let text = match (&slot.ty, kind) {
            (Ty::String, Kind::String) => self.string(value),
            (Ty::Entity(target), Kind::String) if refers(&slot.ty) => {
                let text = string_text(self.source.slice(span));
                if text.is_some_and(|text| self.is_blank_reference(*target, &text, span, name)) {
                    return Cell::Unreadable;
                }
                self.string(value)
            }
            (ty, Kind::Number) if refers(ty) => Some(StrRef::in_file(span.start, self.source.slice(span))),
            (ty, _) => {
                return match self.value(ty, kind, span, name) {
                    Some(Value::Bool(b)) => Cell::Bool(b),
                    Some(Value::Long(n) | Value::Decimal(n) | Value::Datetime(n) | Value::Duration(n)) => {
                        Cell::Number(n)
                    }
                    Some(Value::Ip(ip)) => Cell::Ip(ip),
                    Some(Value::Entity(entity)) => Cell::Choice(entity.row),
                    Some(value) => Cell::Value(value),
                    None => Cell::Unreadable,
                };
            }
        };
        text.map_or_else(|| self.not_text(span), Cell::Text)
    }

    fn not_text(&mut self, span: Span) -> Cell {
        let message = "this string is not text: an escape is half of a surrogate pair";
        self.error(Code::SnapshotText, span, message.into(), "here".into(), None);
        Cell::Unreadable
    }

    /// Returns whether a word of `@unknown` or `@absent` is in the place of a value.
    pub(super) fn meaning(&self, words: &LackingWords, kind: Kind, span: Span) -> Option<Lacking> {
        if words.is_empty() {
            return None;
        }
        match kind {
            Kind::String => words.meaning(&string_text(self.source.slice(span))?),
            Kind::Number => words.meaning_of_number(self.source.slice(span)),
            _ => None,
        }
    }

    fn through(&mut self, reader: &Reader, value: Scanned, name: Name<'_>) -> Cell {
        let Scanned { kind, span, .. } = value;
        let whole = match self.plain(value) {
            Some(plain) => Some(Cow::Borrowed(plain)),
            None if kind == Kind::String => match string_text(self.source.slice(span)) {
                Some(text) => Some(text),
                None => return self.not_text(span),
            },
            None => None,
        };
        let text = whole.as_deref().map(trimmed);
        if let (Reader::Length, Some(text)) = (reader, &whole) {
            return Cell::Number(i64::try_from(text.chars().count()).unwrap_or(i64::MAX));
        }
        let read = match (reader, kind, text) {
            (reader, Kind::Array, _) if reader.counts() => return self.length(span, name),
            (Reader::Count, ..) => {
                self.wrong_type("a list", kind, span, name, None);
                return Cell::Unreadable;
            }
            (Reader::PrefixLength, _, Some(text)) => match IpNet::parse(text) {
                Ok(ip) => {
                    self.warn_of_mapped(&ip, span, name);
                    return Cell::Number(i64::from(ip.prefix));
                }
                Err(problem) => Err((ADDRESS.into(), problem.into())),
            },
            _ => match text.and_then(|text| reader.read(text)) {
                Some(read) => read.map_err(|wrong| (wrong.expected, wrong.help)),
                None => {
                    let wanted = if *reader == Reader::Length { "a list or a string" } else { "a string" };
                    self.wrong_type(wanted, kind, span, name, None);
                    return Cell::Unreadable;
                }
            },
        };
        let Folded { text: folded, is_domain_rejected, .. } = match read {
            Ok(read) => read,
            Err((what, help)) => {
                self.wrong_shape(&what, help.into_owned(), span, name);
                return Cell::Unreadable;
            }
        };
        if is_domain_rejected {
            self.warn_of_domain(span, name);
        }
        match (folded, &whole) {
            (folded, _) if *reader == Reader::EmailLocalWords => words_of(&folded),
            // The file holds the text in folded form.
            (Cow::Borrowed(part), Some(Cow::Borrowed(text))) => {
                let offset = part.as_ptr() as usize - text.as_ptr() as usize;
                Cell::Text(StrRef::in_file(span.start + 1 + byte_offset(offset), part))
            }
            (folded, _) if folded.len() > MAX_SOURCE_BYTES => self.too_long(span, name),
            (folded, _) => Cell::Text(self.side(&folded)),
        }
    }

    fn too_long(&mut self, span: Span, name: Name<'_>) -> Cell {
        let message = format!("`{name}` is longer than 4 GiB after Unicode normalisation");
        self.error(Code::SnapshotValue, span, message, "too long".into(), None);
        Cell::Unreadable
    }

    fn wrong_shape(&mut self, expected: &str, help: String, span: Span, name: Name<'_>) {
        let message = format!("`{name}` is not {expected}");
        self.error(Code::SnapshotValue, span, message, "cannot be read".into(), Some(help));
    }

    fn warn_of_domain(&mut self, span: Span, name: Name<'_>) {
        let message = format!("the domain in `{name}` is not a valid internationalised domain name");
        let help = "correct it: its Unicode and `xn--` spellings do not compare as equal";
        self.warning(Code::SnapshotDomain, span, message, "compared without regard to case only", help.into());
    }

    /// Reads a value through a chain: one text, or every element of an array.
    fn chained(&mut self, chain: &Chain, slot: &Slot, kind: Kind, span: Span) -> Cell {
        let name = Name::Slot(slot);
        match &slot.ty {
            Ty::Set(element) if kind == Kind::Array => {
                let mut elements = Elements::default();
                let mut scanner = Scanner::at(self.source.text(), span.start);
                let walked = scanner.array(|scanner, _| {
                    let (kind, _) = scanner.peek()?;
                    let span = scanner.skip()?;
                    match self.meaning(&slot.words, kind, span) {
                        Some(Lacking::Absent) => {}
                        Some(Lacking::Unknown) => elements.is_open = true,
                        None if kind == Kind::Null => elements.is_open = true,
                        None => self.elements(chain, slot, element, (kind, span), &mut elements),
                    }
                    Ok::<_, SyntaxError>(())
                });
                elements.is_open |= walked.is_err();
                elements.cell()
            }
            Ty::Set(element) if chain.makes_set() => {
                let Some(_) = self.datum(chain, kind, span, name) else { return Cell::Unreadable };
                let mut elements = Elements::default();
                self.elements(chain, slot, element, (kind, span), &mut elements);
                elements.cell()
            }
            Ty::Set(_) => {
                self.wrong_type("an array", kind, span, name, None);
                Cell::Unreadable
            }
            ty => {
                let Some(datum) = self.datum(chain, kind, span, name) else { return Cell::Unreadable };
                let Read { mut data, is_open, wrong, .. } = self.read(chain, datum, slot, span);
                match (data.pop(), wrong) {
                    (Some(Datum::Whole(count)), wrong) if is_open || wrong.is_some() => Cell::Between(count, i64::MAX),
                    (Some(Datum::Text(text)), None) if text.len() > MAX_SOURCE_BYTES => self.too_long(span, name),
                    (Some(datum), None) => match self.finished(chain, ty, datum, span, name) {
                        Some(value) => self.fallback(slot, &Fallback::Value(value)),
                        None => Cell::Unreadable,
                    },
                    _ => Cell::Unreadable,
                }
            }
        }
    }

    /// Adds the elements that one value of a set gives.
    fn elements(
        &mut self,
        chain: &Chain,
        slot: &Slot,
        element: &Ty,
        (kind, span): (Kind, Span),
        elements: &mut Elements,
    ) {
        let name = Name::Slot(slot);
        let Some(datum) = self.datum(chain, kind, span, name) else {
            elements.is_open = true;
            return;
        };
        let read = self.read(chain, datum, slot, span);
        elements.is_open |= read.is_open || read.wrong.is_some();
        for datum in read.data {
            match self.finished(chain, element, datum, span, name) {
                Some(value) => elements.items.push(value),
                None => elements.is_open = true,
            }
        }
    }

    /// Returns a scalar of the file as the first reader of a chain takes it.
    fn datum(&mut self, chain: &Chain, kind: Kind, span: Span, name: Name<'_>) -> Option<Datum> {
        let raw = self.source.slice(span);
        let takes = chain.first().map_or(&[][..], Reader::takes);
        match kind {
            Kind::String => match string_text(raw) {
                Some(text) => return Some(Datum::Text(text.into_owned())),
                None => {
                    self.not_text(span);
                    return None;
                }
            },
            Kind::Number if takes.contains(&DatumType::Number) => return Some(Datum::Number(raw.to_owned())),
            Kind::Bool if takes.contains(&DatumType::Bool) => return Some(Datum::Bool(raw == "true")),
            _ => {}
        }
        let wanted = match takes {
            [DatumType::Text, DatumType::Number, DatumType::Bool] => "a boolean or a word for one",
            [DatumType::Text, DatumType::Number] => "a string or a number",
            _ => "a string",
        };
        self.wrong_type(wanted, kind, span, name, None);
        None
    }

    /// Applies a chain to a scalar, and reports its problems.
    fn read(&mut self, chain: &Chain, datum: Datum, slot: &Slot, span: Span) -> Read {
        let name = Name::Slot(slot);
        let read = chain.read(datum, &slot.words);
        if let Some(wrong) = &read.wrong {
            self.wrong_shape(&wrong.expected, wrong.help.clone().into_owned(), span, name);
        }
        for caution in &read.cautions {
            match caution {
                Caution::Domain => self.warn_of_domain(span, name),
                Caution::Mapped(ip) => self.warn_of_mapped(ip, span, name),
            }
        }
        read
    }

    /// Returns what a chain gives as a value of a type. `None` after a diagnostic.
    fn finished(&mut self, chain: &Chain, ty: &Ty, datum: Datum, span: Span, name: Name<'_>) -> Option<Value> {
        match (ty, datum) {
            (Ty::String, Datum::Text(text)) => Some(Value::String(text.into())),
            (Ty::Entity(target), Datum::Text(text)) if self.model.ty(*target).choices().is_some() => {
                match chain.choice(&text) {
                    Some(at) => Some(Value::Entity(EntityRef::numbered(*target, at))),
                    None => self.unlisted(*target, &text, &|word| chain.folded(word), span, name),
                }
            }
            (ty, Datum::Text(text)) => self.of_text(ty, &text, span, name),
            (ty, Datum::Number(number)) => self.of_number(ty, &number, span, name),
            (_, Datum::Bool(value)) => Some(Value::Bool(value)),
            (_, Datum::Whole(number)) => Some(Value::Long(number)),
            (_, Datum::Moment(moment)) => Some(Value::Datetime(moment)),
            (_, Datum::Duration(duration)) => Some(Value::Duration(duration)),
            (_, Datum::Day(day)) => match midnight(day) {
                Some(moment) => Some(Value::Datetime(moment)),
                None => self.invalid(ty, "cannot be read", "write a date of the years 0 to 9999".into(), span, name),
            },
            // The schema does not let a chain end here.
            (ty, Datum::LocalTime(_)) => self.invalid(ty, "cannot be read", "write an offset".into(), span, name),
        }
    }

    /// Warns of an IPv4-mapped address, which Cedar does not treat as the IPv4 address that it carries.
    fn warn_of_mapped(&mut self, ip: &IpNet, span: Span, name: Name<'_>) {
        let Some(carried) = ip.mapped() else { return };
        let message = format!("`{name}` is an IPv4-mapped IPv6 address");
        let help = if name.is_secret() {
            "write the IPv4 address if it is meant: a mapped address is not in any IPv4 range, nor loopback".into()
        } else {
            format!("write `{carried}` for the IPv4 address: `{ip}` is not in any IPv4 range, nor loopback")
        };
        self.warning(Code::SnapshotAddress, span, message, "compared as IPv6", help);
    }

    /// Adds a warning, once for each value and code: several attributes may read one value.
    fn warning(&mut self, code: Code, span: Span, message: String, label: &str, help: String) {
        self.add_once(Diagnostic::warning(code, message).label(self.source, span, label).help(help));
    }

    /// Adds a diagnostic, unless several slots read the value and one of them has reported it.
    fn add_once(&mut self, new: Diagnostic) {
        let span = |of: &Diagnostic| of.labels.first().map(|label| label.place.span);
        let is_same = |other: &Diagnostic| other.code == new.code && span(other) == span(&new);
        if !self.diagnostics.iter().rev().take(RECENT).any(is_same) {
            self.diagnostics.push(new);
        }
    }

    /// Returns the length of an array. An element that is `null`, blank or an error represents any number of elements.
    fn length(&mut self, span: Span, name: Name<'_>) -> Cell {
        let words = name.words();
        let mut scanner = Scanner::at(self.source.text(), span.start);
        let (mut count, mut nulls) = (0, 0);
        #[expect(clippy::let_underscore_must_use, reason = "these bytes have been scanned before")]
        let _ = scanner.array(|scanner, _| {
            let (kind, _) = scanner.peek()?;
            let span = scanner.skip()?;
            let meaning = words.and_then(|words| self.meaning(words, kind, span));
            let is_error = kind == Kind::Object && self.is_error(span, name);
            let is_open = match meaning {
                Some(meaning) => meaning == Lacking::Unknown,
                None => kind == Kind::Null || is_error || kind == Kind::String && self.is_blank(span),
            };
            nulls += i64::from(is_open);
            count += i64::from(meaning != Some(Lacking::Absent));
            Ok::<_, SyntaxError>(())
        });
        if nulls == 0 { Cell::Number(count) } else { Cell::Between(count - nulls, i64::MAX) }
    }

    /// Returns whether nothing of a string is seen.
    fn is_blank(&self, string: Span) -> bool {
        let written = self.source.slice(string);
        let begins_with_letter = written.as_bytes().get(1).is_some_and(u8::is_ascii_alphanumeric);
        !begins_with_letter && string_text(written).is_some_and(|text| is_blank(&text))
    }

    /// Returns whether an object states an error of an API and nothing else, so that it is not an element of a list. Warns of it.
    fn is_error(&mut self, span: Span, name: Name<'_>) -> bool {
        let (mut error, mut has_others) = (None, false);
        #[expect(clippy::let_underscore_must_use, reason = "these bytes have been scanned before")]
        let _ = Scanner::at(self.source.text(), span.start).object(|scanner, key| {
            let property = key.text();
            if is_of_error(&property) {
                error.get_or_insert(key.span);
            }
            has_others |= !is_of_error(&property) && !is_about_error(&property);
            scanner.skip().map(|_| ())
        });
        let Some(key) = error.filter(|_| !has_others) else { return false };
        let message = format!("an element of `{name}` is an error, so the number of elements is not known");
        let help = "capture the list again".to_owned();
        self.warning(Code::SnapshotProperty, key, message, "this is the error", help);
        true
    }

    fn wrong_type(&mut self, wanted: &str, kind: Kind, span: Span, name: Name<'_>, help: Option<String>) {
        let message = format!("`{name}` is {}, expected {wanted}", kind.described());
        self.error(Code::SnapshotType, span, message, format!("this is {}", kind.described()), help);
    }

    /// Reads a value of any type. `None` after a diagnostic, or when part of it is not known.
    fn value(&mut self, ty: &Ty, kind: Kind, span: Span, name: Name<'_>) -> Option<Value> {
        let source = self.source;
        let raw = source.slice(span);
        let text = if kind == Kind::String { string_text(raw) } else { None };
        match (ty, kind, text.as_deref()) {
            (_, Kind::String, None) => {
                self.not_text(span);
                None
            }
            (Ty::Bool, Kind::Bool, _) => Some(Value::Bool(raw == "true")),
            (Ty::Long | Ty::Decimal, Kind::Number, _) => self.of_number(ty, raw, span, name),
            (
                Ty::String | Ty::Decimal | Ty::Datetime | Ty::Duration | Ty::Ip | Ty::Entity(_),
                Kind::String,
                Some(text),
            ) => self.of_text(ty, text, span, name),
            (Ty::Set(element), Kind::Array, _) => Some(self.set(element, span, name)),
            (Ty::Record(members), Kind::Object, _) => self.record(members, span, name),
            _ => {
                let wanted = match ty {
                    Ty::Bool => "true or false",
                    Ty::Long => "a whole number",
                    Ty::String => "a string",
                    Ty::Decimal => "a number",
                    Ty::Datetime => "a date or time such as \"2026-09-01T06:00:00Z\"",
                    Ty::Duration => "a duration such as \"14d\"",
                    Ty::Ip => "an address or CIDR range such as \"203.0.113.0/28\"",
                    Ty::Entity(_) => "a name",
                    Ty::Set(_) => "an array",
                    Ty::Record(_) => "an object",
                };
                let written = source.is_derived().then(|| Place::new(source, span));
                let written = written.as_ref().map(Place::text);
                let meant = meant(ty, kind, text.as_deref().unwrap_or(raw), written).filter(|_| !self.secret);
                self.wrong_type(wanted, kind, span, name, meant);
                None
            }
        }
    }

    /// Reads a number. `None` after a diagnostic.
    fn of_number(&mut self, ty: &Ty, raw: &str, span: Span, name: Name<'_>) -> Option<Value> {
        let (read, is_whole) = match ty {
            Ty::Long => (value::parse_number(raw, 0).map(Value::Long), true),
            _ => (value::parse_number(raw, 4).map(Value::Decimal), false),
        };
        let (label, help) = match (read, is_whole) {
            (Ok(value), _) => return Some(value),
            (Err(Inexact::TooFine), true) => ("not a whole number", "expected a whole number".to_owned()),
            (Err(Inexact::TooLarge), true) => {
                ("not a whole number of 64 bits", format!("expected a whole number from {} to {}", i64::MIN, i64::MAX))
            }
            (Err(Inexact::TooFine), false) => {
                ("cannot be read", "a decimal has at most four digits after the point: round it".to_owned())
            }
            (Err(Inexact::TooLarge), false) => ("cannot be read", "the number is too large for a decimal".to_owned()),
        };
        self.invalid(ty, label, help, span, name)
    }

    /// Reads a text as a value of a type. `None` after a diagnostic.
    fn of_text(&mut self, ty: &Ty, text: &str, span: Span, name: Name<'_>) -> Option<Value> {
        let trimmed = text.trim();
        let read = match ty {
            Ty::Decimal => value::parse_decimal(&plain_decimal(text)).map(Value::Decimal),
            Ty::Datetime => value::parse_datetime(trimmed).map(Value::Datetime),
            Ty::Duration => value::parse_duration(trimmed).map(Value::Duration),
            Ty::Ip => IpNet::parse(trimmed).map(|ip| {
                self.warn_of_mapped(&ip, span, name);
                Value::Ip(ip)
            }),
            Ty::Entity(target) => match self.model.ty(*target).choices() {
                Some(choices) => return self.choice(*target, choices, text, span, name),
                None if self.is_blank_reference(*target, text, span, name) => return None,
                // A reference inside a set: resolved with the others.
                None => Ok(Value::String(SmolStr::new(text))),
            },
            _ => Ok(Value::String(SmolStr::new(text))),
        };
        match read {
            Ok(value) => Some(value),
            Err(help) => self.invalid(ty, "cannot be read", help, span, name),
        }
    }

    /// Returns whether a reference to a type with ids is blank, after a diagnostic: no instance has such an id.
    fn is_blank_reference(&mut self, target: TypeId, text: &str, span: Span, name: Name<'_>) -> bool {
        if self.model.ty(target).key.is_none() || !is_blank(text) {
            return false;
        }
        let of = self.model.short_name(target);
        let help = match name {
            Name::Slot(Slot { ty: Ty::Entity(_), required: false, .. }) => format!(
                "write the id of the {of}, or `null` if there is none; `@absent(\"\\\"\\\"\")` in the schema reads it as absent"
            ),
            Name::Slot(Slot { ty: Ty::Entity(_), .. }) => {
                format!("write the id of the {of}, or `null` if it is not known")
            }
            _ => format!("write the id of the {of}, or remove the empty text"),
        };
        let message = format!("`{name}` has an empty reference to {of}");
        self.error(Code::SnapshotReference, span, message, "empty".into(), Some(help));
        true
    }

    fn invalid(&mut self, ty: &Ty, label: &str, help: String, span: Span, name: Name<'_>) -> Option<Value> {
        let message = format!("`{name}` is not a valid {}", self.model.show(ty));
        // The help may repeat the value.
        let help = Some(help).filter(|_| !self.secret);
        self.error(Code::SnapshotValue, span, message, label.into(), help);
        None
    }

    /// Reads a word of an enumerated type. A word that an open type does not list is unknown, and that is not an error.
    fn choice(&mut self, ty: TypeId, choices: &[SmolStr], word: &str, span: Span, name: Name<'_>) -> Option<Value> {
        if let Some(at) = choices.iter().position(|choice| choice == word) {
            return Some(Value::Entity(EntityRef::numbered(ty, at)));
        }
        self.unlisted(ty, word, &|former| Some(former.to_owned()), span, name)
    }

    /// Reports a word that an enumerated type does not list, or no longer lists; `form` is the form in which words are
    /// compared.
    fn unlisted(
        &mut self,
        ty: TypeId,
        word: &str,
        form: &dyn Fn(&str) -> Option<String>,
        span: Span,
        name: Name<'_>,
    ) -> Option<Value> {
        let choices = self.model.ty(ty).choices().unwrap_or_default();
        let of = self.model.short_name(ty);
        let quoted = if self.secret { "***".to_owned() } else { format!("{word:?}") };
        let is_word = |former: &str| former == word || form(former).as_deref() == Some(word);
        if let Some(former) = self.model.ty(ty).former.iter().find(|former| is_word(&former.word)) {
            let by = match choices {
                [only] => format!("superseded by `{only}`"),
                _ => format!("a former {of}"),
            };
            let message = format!("`{name}` is {quoted}, which is {by}");
            self.error(Code::SnapshotFormer, span, message, "former word".into(), Some(former.migration.to_string()));
            return None;
        }
        if self.model.ty(ty).open {
            let message = format!("`{name}` is {quoted}, which the open list {of} does not contain");
            let near = if self.secret { None } else { nearest(word, choices.iter().map(SmolStr::as_str)) };
            let help = match near {
                Some(near) => format!("did you mean `{near}`? If the word is new, add it to {of} in the schema"),
                None => format!("correct the word, or add it to {of} in the schema"),
            };
            self.warning(Code::SnapshotWord, span, message, "unknown word: the value is unknown", help);
            return None;
        }
        let error = Diagnostic::error(Code::SnapshotValue, format!("`{name}` is {quoted}, which is not a valid {of}"));
        let error = error.label(self.source, span, "unknown value");
        let choices: Vec<&str> = choices.iter().map(SmolStr::as_str).collect();
        self.diagnostics.push(if self.secret { error } else { error.suggest(word, choices) });
        None
    }

    fn set(&mut self, element: &Ty, span: Span, name: Name<'_>) -> Value {
        let (mut items, mut open) = (Vec::new(), false);
        let mut scanner = Scanner::at(self.source.text(), span.start);
        let walked = scanner.array(|scanner, _| {
            let (kind, _) = scanner.peek()?;
            let span = scanner.skip()?;
            match name.words().and_then(|words| self.meaning(words, kind, span)) {
                Some(Lacking::Absent) => return Ok(()),
                Some(Lacking::Unknown) => {
                    open = true;
                    return Ok(());
                }
                None => {}
            }
            match if kind == Kind::Null { None } else { self.value(element, kind, span, name) } {
                Some(value) => items.push(value),
                None => open = true,
            }
            Ok::<_, SyntaxError>(())
        });
        Value::Set(Arc::new(Set::partial(items, Vec::new(), open || walked.is_err())))
    }

    /// Reads a set of values below the elements of a list. An element without the value is an unknown element.
    fn each(&mut self, element: &Ty, slot: &Slot, kind: Kind, span: Span) -> Cell {
        let name = Name::Slot(slot);
        if !matches!(kind, Kind::Array | Kind::Object) {
            self.wrong_type("an array", kind, span, name, None);
            return Cell::Unreadable;
        }
        let (mut elements, mut left) = (Elements::default(), vec![(kind, span, slot.each.as_slice())]);
        while let Some((kind, span, each)) = left.pop() {
            let Some((steps, rest)) = each.split_first() else {
                self.leaf(element, slot, (kind, span), &mut elements);
                continue;
            };
            if !matches!(kind, Kind::Array | Kind::Object | Kind::Null) {
                self.wrong_type("an array", kind, span, name, None);
            }
            elements.is_open |= !matches!(kind, Kind::Array | Kind::Object);
            // `{"error": "forbidden"}` is not a list of texts.
            if kind == Kind::Object && steps.is_empty() && rest.is_empty() && !matches!(element, Ty::Record(_)) {
                self.wrong_type("an array", kind, span, name, None);
                elements.is_open = true;
                continue;
            }
            let mut parts = self.parts(kind, span, name, &mut elements.is_open);
            // The last one is read first, so that problems are in the order of the document.
            parts.reverse();
            for (kind, span) in parts {
                match self.below(steps, kind, span, name) {
                    Some((kind, span)) => left.push((kind, span, rest)),
                    None => elements.is_open = true,
                }
            }
        }
        elements.cell()
    }

    /// Reads one value of a set below the elements of a list.
    fn leaf(&mut self, element: &Ty, slot: &Slot, (kind, span): (Kind, Span), elements: &mut Elements) {
        let meaning = self.meaning(&slot.words, kind, span);
        if meaning == Some(Lacking::Absent) {
            return;
        }
        if meaning.is_some() || kind == Kind::Null {
            elements.is_open = true;
            return;
        }
        if let Origin::Read(_, Some(chain)) = &slot.origin {
            return self.elements(chain, slot, element, (kind, span), elements);
        }
        match self.value(element, kind, span, Name::Slot(slot)) {
            Some(value) => elements.items.push(value),
            None => elements.is_open = true,
        }
    }

    /// Returns the elements of an array, or the values of an object. A name that is given twice opens the set, and its values are not
    /// elements. An error opens the set, too, and is not an element.
    fn parts(&mut self, kind: Kind, span: Span, name: Name<'_>, open: &mut bool) -> Vec<(Kind, Span)> {
        let (mut found, mut scanner) = (Vec::new(), Scanner::at(self.source.text(), span.start));
        let (mut names, mut twice, mut error) = (HashMap::new(), Vec::new(), ApiError::default());
        let value = |scanner: &mut Scanner<'_>| Ok::<_, SyntaxError>((scanner.peek()?.0, scanner.skip()?));
        #[expect(clippy::let_underscore_must_use, reason = "these bytes have been scanned before")]
        let _ = match kind {
            Kind::Array => scanner
                .array(|scanner, _| {
                    found.push(Some(value(scanner)?));
                    Ok::<_, SyntaxError>(())
                })
                .map(|_| ()),
            Kind::Object => scanner
                .object(|scanner, key| {
                    let name = key.text().into_owned();
                    let part = value(scanner)?;
                    if is_of_error(&name) {
                        error.consider(&name, key.span, || says_nothing(self.source.slice(part.1)));
                        return Ok(());
                    }
                    match names.get(&name) {
                        Some((first, at)) => {
                            twice.push((name, *first, key.span));
                            // Neither value is the one of the name.
                            found.get_mut(*at).map(Option::take);
                        }
                        None => {
                            names.insert(name, (key.span, found.len()));
                            found.push(Some(part));
                        }
                    }
                    Ok::<_, SyntaxError>(())
                })
                .map(|_| ()),
            _ => Ok(()),
        };
        *open |= !twice.is_empty();
        for (name, first, again) in twice {
            let shown = if self.secret { "***" } else { name.as_str() };
            self.diagnostics.push(duplicate_key(self.source, shown, first, again));
        }
        if let Some(key) = error.shown(!found.is_empty()) {
            *open = true;
            match found.is_empty() {
                true => self.wrong_type("an array", kind, span, name, None),
                false => self.diagnostics.push(api_error::warning_in_map(self.source, key)),
            }
        }
        found.into_iter().flatten().collect()
    }

    /// Returns the value at a pointer below a value. `None` if there is none, or more than one in any spelling, or if its
    /// object states that it was not captured.
    fn below(&mut self, steps: &[String], kind: Kind, span: Span, name: Name<'_>) -> Option<(Kind, Span)> {
        let mut at = (kind, span);
        for step in steps {
            if at.0 != Kind::Object {
                if at.0 != Kind::Null {
                    self.wrong_type("an object", at.0, at.1, name, None);
                }
                return None;
            }
            let (mut found, mut again, mut statement) = (None, None, Statement::default());
            let mut slips: Vec<(SmolStr, Span)> = Vec::new();
            #[expect(clippy::let_underscore_must_use, reason = "these bytes have been scanned before")]
            let _ = Scanner::at(self.source.text(), at.1.start).object(|scanner, key| {
                let (kind, value) = (scanner.peek()?.0, scanner.skip()?);
                let name = key.text();
                if name == step.as_str() || is_respelled(step, &name) {
                    match found {
                        None => found = Some((key.span, kind, value, name == step.as_str())),
                        Some(_) => again = Some(key.span),
                    }
                } else if name == UNCAPTURED {
                    statement.add(self.source, kind, value);
                } else if uncaptured::is_like(&name) {
                    statement.add_like(&name, key.span);
                } else if self.slips.has(&name, step) && !self.model.has_property(&name) {
                    slips.push((SmolStr::new(name), key.span));
                }
                Ok::<_, SyntaxError>(())
            });
            // The element may have other values, which other sets read.
            let names = statement.names.iter().map(|(name, _)| name.as_str());
            let (declared, others): (Vec<&str>, Vec<&str>) =
                names.partition(|name| name == step || self.model.has_property(name));
            let known = declared.into_iter().chain([step.as_str()]);
            for problem in statement.problems(self.source, known, self.secret) {
                self.add_once(problem);
            }
            let is_named = statement.named_as(step, std::iter::empty(), std::iter::empty()).is_some();
            let is_stated = !others.is_empty() || is_named;
            let (first, kind, value, is_exact) = found?;
            if let Some(again) = again {
                let shown = if self.secret { "***" } else { step.as_str() };
                self.diagnostics.push(duplicate_key(self.source, shown, first, again));
                return None;
            }
            if is_stated || !is_exact {
                return None;
            }
            for (name, key) in slips {
                let shown = if self.secret { "***" } else { name.as_str() };
                self.diagnostics.push(slip_of(self.source, (shown, key), step));
            }
            at = (kind, value);
        }
        Some(at)
    }

    fn record(&mut self, members: &[Member], span: Span, name: Name<'_>) -> Option<Value> {
        let member = |name: &str| members.iter().find(|member| member.name == name).map(|member| &member.ty);
        let Members { fields, nulls, mut unreadable, others, error } = self.members(member, span, name);
        let is_there = |member: &&Member| {
            fields.iter().any(|(name, _)| *name == member.name)
                || nulls.iter().chain(&unreadable).any(|name| *name == member.name)
        };
        let lacking: Vec<&str> =
            members.iter().filter(|member| !is_there(member)).map(|member| member.name.as_str()).collect();
        // `{"error": "forbidden"}` does not show which members are absent.
        let is_whole = lacking.is_empty() && nulls.is_empty();
        if let Some(key) = error.shown(lacking.len() < members.len()).filter(|_| !is_whole) {
            let message = "a record has an error, so the properties that it lacks, or has as null, are unknown";
            let warning = Diagnostic::warning(Code::SnapshotProperty, message).label(self.source, key, "not declared");
            self.diagnostics.push(warning.help("capture the record again"));
            return None;
        }
        for (other, key) in others {
            if other == UNCAPTURED {
                // Its names are those of members, or may be meant to be.
                unreadable.push(other);
                continue;
            }
            let respelt = members.iter().find(|member| is_respelled(&member.name, &other)).map(|it| it.name.as_str());
            let Some(meant) = respelt.or_else(|| misspelling(&other, lacking.iter().copied())) else { continue };
            // The names of properties in a secret record are secret too.
            let (shown, meant_as) = if self.secret { ("***", "***") } else { (other.as_str(), meant) };
            let problem = match respelt {
                Some(_) => {
                    let message = format!("`{shown}` is not a property of `{name}`, which has `{meant_as}`");
                    Diagnostic::error(Code::SnapshotProperty, message).help(format!("write `{meant_as}`, once"))
                }
                None => {
                    let message = format!("unknown property `{shown}`, and the object has no `{meant_as}`");
                    Diagnostic::warning(Code::SnapshotProperty, message).help(format!("did you mean `{meant_as}`?"))
                }
            };
            self.diagnostics.push(problem.label(self.source, key, "not declared"));
            unreadable.push(meant.into());
        }
        let there = |member: &Member| !member.required || fields.iter().any(|(name, _)| *name == member.name);
        let known = unreadable.is_empty() && members.iter().all(there);
        known.then(|| Value::Record(Arc::new(Record::new(fields))))
    }

    /// Reads tags. One that is `null` or unreadable is not known; the others are.
    fn tags(&mut self, ty: &Ty, kind: Kind, span: Span) -> Option<Value> {
        if kind != Kind::Object {
            self.wrong_type("an object", kind, span, Name::Tags, None);
            return None;
        }
        let Members { fields, nulls, unreadable, .. } = self.members(|_| Some(ty), span, Name::Tags);
        let mut unknown = [nulls, unreadable].concat();
        unknown.extend(self.misspelt_tags(span));
        // `{"error": "forbidden"}` does not show which tags there are. Next to a known tag, `error` is a tag, too.
        let has_tag = |tags: &NameIndex| fields.iter().any(|(name, _)| tags.place(name).is_some());
        let mut names = fields.iter().map(|(name, _)| name).chain(&unknown);
        if let Some(tags) = self.tags
            && names.any(|name| is_of_error(name))
            && !has_tag(tags)
        {
            unknown.extend(tags.names().filter(|tag| !is_of_error(tag)).cloned());
        }
        Some(Value::Record(Arc::new(Record::partial(fields, unknown))))
    }

    /// Returns the tags that a policy reads and an object lacks, and of which it may have a misspelling.
    fn misspelt_tags(&mut self, span: Span) -> Vec<SmolStr> {
        let Some(tags) = self.tags else { return Vec::new() };
        let mut names = Vec::new();
        #[expect(clippy::let_underscore_must_use, reason = "these bytes have been scanned before")]
        let _ = Scanner::at(self.source.text(), span.start).object(|scanner, key| {
            names.push((SmolStr::new(key.text()), key.span));
            scanner.skip().map(|_| ())
        });
        let given: HashSet<&SmolStr> = names.iter().map(|(name, _)| name).collect();
        let mut unknown: Vec<SmolStr> = Vec::new();
        for (name, key) in &names {
            let near = self.near_tags(tags, name);
            let near = || near.iter().filter_map(|place| tags.get(*place));
            // Another spelling of a tag that the object has is the same words, and not a misspelling of another tag.
            if near().any(|tag| given.contains(tag) && is_respelled(tag, name)) {
                continue;
            }
            let lacking = || near().filter(|tag| !given.contains(tag));
            if lacking().all(|tag| unknown.contains(tag)) {
                continue;
            }
            let shown = if self.secret { "***" } else { name.as_str() };
            let meant: Vec<&str> = lacking().map(|tag| if self.secret { "***" } else { tag.as_str() }).collect();
            let (all, one) = (quoted_list(&meant, "and"), quoted_list(&meant, "or"));
            let (reads, is) = if meant.len() > 1 { ("policies read", "they are") } else { ("a policy reads", "it is") };
            let message = format!("the tag `{shown}` resembles {all}, which {reads} and this object lacks");
            let warning = Diagnostic::warning(Code::SnapshotProperty, message).label(self.source, *key, "this tag");
            self.diagnostics.push(warning.help(format!("write {one} if that is meant; until then {is} unknown")));
            for tag in lacking() {
                if !unknown.contains(tag) {
                    unknown.push(tag.clone());
                }
            }
        }
        unknown
    }

    /// Returns the places of the `tags` that policies read and of which another tag may be a misspelling.
    fn near_tags(&mut self, tags: &NameIndex, name: &SmolStr) -> Arc<[usize]> {
        if let Some(known) = self.other_tags.get(name) {
            return Arc::clone(known);
        }
        let near = if tags.place(name).is_some() { Vec::new() } else { tags.misspellings(name) };
        let near: Arc<[usize]> = near.into();
        if self.other_tags.len() < MAX_REMEMBERED_TAGS {
            self.other_tags.insert(name.clone(), Arc::clone(&near));
        }
        near
    }

    /// Reads the members of an object.
    fn members<'t>(&mut self, ty_of: impl Fn(&str) -> Option<&'t Ty>, span: Span, of: Name<'_>) -> Members {
        let mut scanner = Scanner::at(self.source.text(), span.start);
        let mut members = Members::default();
        let mut seen: HashMap<SmolStr, Span> = HashMap::new();
        #[expect(clippy::let_underscore_must_use, reason = "these bytes have been scanned before")]
        let _ = scanner.object(|scanner, key| {
            let (kind, _) = scanner.peek()?;
            let span = scanner.skip()?;
            let text = key.text();
            let Some(ty) = ty_of(&text) else {
                self.other_properties += 1;
                members.others.push((SmolStr::new(&text), key.span));
                members.error.consider(&text, key.span, || says_nothing(self.source.slice(span)));
                return Ok::<_, SyntaxError>(());
            };
            let name = SmolStr::new(&text);
            let shown = if self.secret { "***" } else { &text };
            if let Some(first) = seen.insert(name.clone(), key.span) {
                self.diagnostics.push(duplicate_key(self.source, shown, first, key.span));
                members.unreadable.push(name);
            } else if kind == Kind::Null {
                members.nulls.push(name);
            } else {
                match self.value(ty, kind, span, Name::Member(&of, shown)) {
                    Some(value) => members.fields.push((name, value)),
                    None => members.unreadable.push(name),
                }
            }
            Ok(())
        });
        members
    }
}

/// Returns whether one reader reads a value without a chain: a text or a number from a text of the file.
fn is_direct(reader: &Reader, ty: &Ty, kind: Kind) -> bool {
    match (reader, ty) {
        (Reader::EmailLocalWords, _) => kind != Kind::Array,
        (Reader::Length | Reader::Count | Reader::PrefixLength, Ty::Long) => true,
        (reader, Ty::String) => reader.folds(),
        _ => false,
    }
}

/// Returns the reference to a part of the text of a string without escapes.
fn part_in_file(value: Scanned, whole: &str, part: &str) -> StrRef {
    let offset = part.as_ptr() as usize - whole.as_ptr() as usize;
    StrRef::in_file(value.span.start + 1 + byte_offset(offset), part)
}

/// Returns the words of a folded text, as a set.
fn words_of(folded: &str) -> Cell {
    // A set takes the memory of its elements, and no more.
    let mut all = Vec::with_capacity(words(folded).count());
    all.extend(words(folded).map(|word| Value::String(SmolStr::new(word))));
    Cell::Value(Value::Set(Arc::new(Set::partial(all, Vec::new(), false))))
}

/// Returns the hash of the text of a set in a slot.
fn set_hash(slot: SlotId, text: &str) -> u64 {
    keyed_text(text).wrapping_add(slot.index() as u64)
}

/// Returns the error for a property that an object has twice, or in two spellings.
pub(super) fn repeated(source: &Arc<Source>, (name, first): (&str, Span), (other, again): (&str, Span)) -> Diagnostic {
    if name == other {
        return duplicate_key(source, name, first, again);
    }
    let message = format!("properties `{name}` and `{other}` differ only in {}", difference(other));
    let error = Diagnostic::error(Code::SnapshotDuplicateKey, message).label(source, again, "this one");
    error.label(source, first, "and this one").help("remove one of the two")
}

/// Returns what the second spelling of a name differs in.
pub(super) fn difference(name: &str) -> &'static str {
    if look_alike(name).is_some() { "letters that look the same" } else { "case or separators" }
}

/// Returns the warning for a property with a slip of a declared one that its object has too.
pub(super) fn slip_of(source: &Arc<Source>, (name, key): (&str, Span), declared: &str) -> Diagnostic {
    let message = format!("unknown property `{name}`, which may be a misspelling of `{declared}`");
    let warning = Diagnostic::warning(Code::SnapshotProperty, message).label(source, key, "nothing reads its value");
    warning.help(format!("the object has `{declared}` too: correct the name, or add it to `@ignore` in the schema"))
}

/// Returns the error for a duplicate property of an object.
pub(super) fn duplicate_key(source: &Arc<Source>, name: &str, first: Span, again: Span) -> Diagnostic {
    let (first_file, again_file) = (Place::new(source, first).source, Place::new(source, again).source);
    if !Arc::ptr_eq(&first_file, &again_file) {
        // The files of a joined account. The second property may be a misspelling, which the join noticed.
        let written = Place::new(source, again);
        let json = Some(written.text()).filter(|text| text.starts_with('"'));
        let own = json.and_then(string_text).unwrap_or_else(|| written.text().trim_matches('\'').into());
        if let Some(meant) = misspelling(&own, [name]) {
            let message = format!("`{own}` may be a misspelling of `{meant}`, which another file has");
            let error = Diagnostic::error(Code::SnapshotDuplicateKey, message);
            let error = error.label(source, again, "this property").label(source, first, "the other file");
            return error
                .help("correct the name; if nothing is to read the property, add it to `@ignore` in the schema");
        }
        let message = format!("two files have different values of `{name}`");
        let error = Diagnostic::error(Code::SnapshotDuplicateKey, message);
        let error = error.label(source, again, "another value").label(source, first, "one value");
        return error.help("correct one of them, or leave it out of one file");
    }
    let error = Diagnostic::error(Code::SnapshotDuplicateKey, format!("duplicate property `{name}`"));
    error.label(source, again, "again here").label(source, first, "first here").help("remove one of the two")
}

/// Returns the remedy for a value of another JSON type, if the intended value is clear: the text of a string, or a
/// number. `written` is the value in a file that is not JSON, where a string may be without quotes.
fn meant(ty: &Ty, kind: Kind, text: &str, written: Option<&str>) -> Option<String> {
    let word = text.trim();
    let is_quoted = written.is_none_or(|written| written.starts_with(['"', '\'']));
    match (ty, kind) {
        (Ty::Bool, Kind::String | Kind::Number) => {
            let meant = match word.to_ascii_lowercase().as_str() {
                "true" | "yes" | "y" | "on" | "enabled" | "1" => "true",
                "false" | "no" | "n" | "off" | "disabled" | "0" => "false",
                _ => return None,
            };
            let quotes = if kind == Kind::String && is_quoted { " without quotes" } else { "" };
            Some(format!("write {meant}{quotes}"))
        }
        (Ty::String, Kind::Number | Kind::Bool) if written.is_some() => Some("put the value in quotes".to_owned()),
        (Ty::String, Kind::Number | Kind::Bool) => {
            let declared = match kind {
                Kind::Bool => "Bool",
                _ if value::parse_number(word, 0).is_ok() => "Long",
                _ => "decimal",
            };
            Some(format!("write it in quotes, or declare it as `{declared}` in the schema"))
        }
        (Ty::String, Kind::Object) => Some("name a property of the object with `@path` in the schema".to_owned()),
        (Ty::Set(_), Kind::String) => Some(
            "write an array, or read the parts of the text with `@as(\"split(\\\",\\\")\")` in the schema".to_owned(),
        ),
        (Ty::Long, Kind::String) => {
            let number = Some(word).filter(|word| word.bytes().all(|b| b.is_ascii_digit() || b".-+eE".contains(&b)));
            let number = number.filter(|word| word.trim_start_matches("-").starts_with(|c: char| c.is_ascii_digit()));
            let number = number.and_then(|word| value::parse_number(word, 0).ok())?;
            Some(format!("write {number}{}", if is_quoted { " without quotes" } else { "" }))
        }
        (Ty::Datetime, Kind::Number) => value::epoch(text),
        (Ty::Duration, Kind::Number) => {
            Some("a duration is a string with units: write \"14d\" for 14 days, or \"30m\" for 30 minutes".into())
        }
        _ => None,
    }
}

/// Removes zeros from the end of a fraction: `0.500000` has one digit after the point.
fn plain_decimal(raw: &str) -> Cow<'_, str> {
    match raw.split_once('.') {
        Some((whole, fraction)) if fraction.len() > 4 => {
            let fraction = fraction.trim_end_matches('0');
            Cow::Owned(if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") })
        }
        _ => Cow::Borrowed(raw),
    }
}
