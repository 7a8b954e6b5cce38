//! Reading values: from the bytes of one value to what a slot holds.

use super::StrRef;
use crate::diagnostic::Diagnostic;
use crate::schema::{Member, Model, Origin, Reader, Slot, SlotId, Ty};
use crate::source::json::{Kind, Scanner, SyntaxError, string_text};
use crate::source::{Source, Span, is_hidden};
use crate::value::{self, EntityRef, IpNet, Record, Set, Value};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// What was read for a slot.
pub(super) enum Cell {
    /// `null`.
    Unset,
    Unknown,
    Bool(bool),
    Number(i64),
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
    /// Text that does not stand in the file as it is read.
    pub side: String,
    pub other_properties: usize,
    /// Sets that were read and are as they should be, by slot and text: many rows say the same.
    known: FxHashMap<(SlotId, &'s str), Value>,
}

/// Bytes of a set that is remembered.
const SHORT: u32 = 64;

/// Sets that are remembered.
const KNOWN: usize = 256;

/// What a value is called, put together only when something is to be said of it.
#[derive(Clone, Copy)]
enum Name<'n> {
    Slot(&'n Slot),
    Tags,
    Member(&'n Name<'n>, &'n str),
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
    pub fn new(source: &'s Arc<Source>, model: &'s Model) -> Self {
        let (diagnostics, side) = (Vec::new(), String::new());
        Self { source, model, diagnostics, secret: false, side, other_properties: 0, known: FxHashMap::default() }
    }

    /// Copies text beside the file.
    pub fn side(&mut self, text: &str) -> StrRef {
        let start = self.side.len();
        self.side.push_str(text);
        StrRef::on_side(start, text)
    }

    pub fn error(&mut self, code: &'static str, span: Span, message: String, label: String, help: Option<String>) {
        // A remedy says what the value is like.
        let help = help.filter(|_| !self.secret);
        self.diagnostics.push(Diagnostic::error(code, message).label(self.source, span, label).maybe_help(help));
    }

    /// Reads what identifies an instance.
    pub fn key(&mut self, kind: Kind, span: Span) -> Option<StrRef> {
        match kind {
            Kind::String => self.string(span),
            Kind::Number | Kind::Bool => Some(StrRef::in_file(span.start, self.source.slice(span))),
            _ => None,
        }
    }

    /// Refers to a string of the file, or copies it when it holds escapes; `None` when it is no text.
    fn string(&mut self, span: Span) -> Option<StrRef> {
        match string_text(self.source.slice(span))? {
            Cow::Borrowed(text) => Some(StrRef::in_file(span.start + 1, text)),
            Cow::Owned(text) => Some(self.side(&text)),
        }
    }

    /// Reads the value of a slot.
    pub fn slot(&mut self, id: SlotId, slot: &Slot, kind: Kind, span: Span) -> Cell {
        if kind == Kind::Null {
            return Cell::Unset;
        }
        let short = matches!(slot.ty, Ty::Set(_)) && kind == Kind::Array && span.len() <= SHORT && !slot.secret;
        if short && let Some(known) = self.known.get(&(id, self.source.slice(span))) {
            return Cell::Value(known.clone());
        }
        let before = (self.diagnostics.len(), self.other_properties);
        self.secret = slot.secret;
        let cell = self.fresh(slot, kind, span);
        self.secret = false;
        if let (true, Cell::Value(value)) = (short, &cell)
            && before == (self.diagnostics.len(), self.other_properties)
            && self.known.len() < KNOWN
        {
            self.known.insert((id, self.source.slice(span)), value.clone());
        }
        cell
    }

    fn fresh(&mut self, slot: &Slot, kind: Kind, span: Span) -> Cell {
        if let (Some(unknown), Kind::String) = (&slot.unknown_text, kind)
            && string_text(self.source.slice(span)).is_some_and(|text| text.trim().eq_ignore_ascii_case(unknown))
        {
            return Cell::Unknown;
        }
        let name = Name::Slot(slot);
        match &slot.origin {
            Origin::Read(_, Some(reader)) => return self.through(*reader, kind, span, name),
            Origin::Tags(_) => return self.tags(&slot.ty, kind, span).map_or(Cell::Unknown, Cell::Value),
            _ => {}
        }
        let refers = |ty: &Ty| matches!(ty, Ty::Entity(target) if self.model.ty(*target).choices().is_none());
        let text = match (&slot.ty, kind) {
            (Ty::String, Kind::String) => self.string(span),
            (ty, Kind::String) if refers(ty) => self.string(span),
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
                    None => Cell::Unknown,
                };
            }
        };
        text.map_or_else(|| self.not_text(span), Cell::Text)
    }

    fn not_text(&mut self, span: Span) -> Cell {
        let message = "this string is not text: an escape is half of a surrogate pair";
        self.error("snapshot-text", span, message.into(), "here".into(), None);
        Cell::Unknown
    }

    fn through(&mut self, reader: Reader, kind: Kind, span: Span, name: Name<'_>) -> Cell {
        let source = self.source;
        let whole = string_text(source.slice(span)).filter(|_| kind == Kind::String);
        let text = whole.as_deref().map(str::trim);
        // A part of the text, to be read in lower case.
        let outcome = match (reader, kind, text) {
            (Reader::Length, Kind::Array | Kind::Object, _) => return Cell::Number(self.count(kind, span)),
            (Reader::Length, ..) if let Some(text) = &whole => return Cell::Number(text.chars().count() as i64),
            (Reader::PrefixLength, _, Some(text)) => match IpNet::parse(text) {
                Ok(ip) => return Cell::Number(i64::from(ip.prefix)),
                Err(problem) => Err(("an address or CIDR range", problem)),
            },
            (Reader::Casefold, _, Some(text)) => Ok(text),
            (Reader::Email | Reader::EmailDomain | Reader::EmailLocal, _, Some(text)) => match email_parts(text) {
                None => Err(("an e-mail address", "valid is as name@example.com".to_owned())),
                Some((local, domain)) => Ok(match reader {
                    Reader::EmailDomain => domain,
                    Reader::EmailLocal => local,
                    _ => text,
                }),
            },
            (Reader::UrlScheme | Reader::UrlHost, _, Some(text)) => match url_parts(text) {
                Some((scheme, host)) => Ok(if reader == Reader::UrlScheme { scheme } else { host }),
                None => Err(("a URL", "valid is as https://host/path".to_owned())),
            },
            _ => {
                let wanted = if reader == Reader::Length { "a list or a string" } else { "a string" };
                self.wrong_type(wanted, kind, span, name, None);
                return Cell::Unknown;
            }
        };
        match (outcome, &whole) {
            // It stands in the file as it is read.
            (Ok(part), Some(Cow::Borrowed(text))) if !part.bytes().any(|b| !b.is_ascii() || b.is_ascii_uppercase()) => {
                let offset = part.as_ptr() as usize - text.as_ptr() as usize;
                Cell::Text(StrRef::in_file(span.start + 1 + offset as u32, part))
            }
            (Ok(part), _) => {
                let folded = part.to_lowercase();
                Cell::Text(self.side(&folded))
            }
            (Err((what, help)), _) => {
                let message = format!("`{name}` is not {what}");
                self.error("snapshot-value", span, message, "cannot be read".into(), Some(help));
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

    fn wrong_type(&mut self, wanted: &str, kind: Kind, span: Span, name: Name<'_>, help: Option<String>) {
        let span = first_line(self.source, span);
        let message = format!("`{name}` is {}, expected {wanted}", kind.described());
        self.error("snapshot-type", span, message, format!("this is {}", kind.described()), help);
    }

    /// Reads a value of any type. `None` after a diagnostic, or when part of it is not known.
    fn value(&mut self, ty: &Ty, kind: Kind, span: Span, name: Name<'_>) -> Option<Value> {
        let source = self.source;
        let raw = source.slice(span);
        let text = if kind == Kind::String { string_text(raw) } else { None };
        let trimmed = text.as_deref().unwrap_or_default().trim();
        let read = |parsed: Result<Value, String>| parsed.map_err(|help| ("cannot be read", help));
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
            (Ty::Datetime, Kind::String) => read(value::parse_datetime(trimmed).map(Value::Datetime)),
            (Ty::Duration, Kind::String) => read(value::parse_duration(trimmed).map(Value::Duration)),
            (Ty::Ip, Kind::String) => read(IpNet::parse(trimmed).map(Value::Ip)),
            (Ty::Entity(target), Kind::String) => match self.model.ty(*target).choices() {
                Some(choices) => {
                    let word = text.as_deref().unwrap_or_default();
                    match choices.iter().position(|choice| choice == word) {
                        Some(at) => Ok(Value::Entity(EntityRef { ty: *target, row: at as u32 })),
                        None => {
                            let quoted = if self.secret { "***".to_owned() } else { format!("{word:?}") };
                            let message =
                                format!("`{name}` is {quoted}, which is no {}", self.model.short_name(*target));
                            let error = Diagnostic::error("snapshot-value", message);
                            let error = error.label(self.source, span, "unknown value");
                            let choices: Vec<&str> = choices.iter().map(SmolStr::as_str).collect();
                            let suggested = if self.secret { error } else { error.suggest(word, choices) };
                            self.diagnostics.push(suggested);
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
                let message = format!("`{name}` is not a valid {}", self.model.show(ty));
                self.error("snapshot-value", span, message, label.into(), Some(help));
                None
            }
        }
    }

    fn set(&mut self, element: &Ty, span: Span, name: Name<'_>) -> Value {
        let (mut items, mut open) = (Vec::new(), false);
        let mut scanner = Scanner::at(self.source.text(), span.start);
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

    fn record(&mut self, members: &[Member], span: Span, name: Name<'_>) -> Option<Value> {
        let member = |name: &str| members.iter().find(|member| member.name == name).map(|member| &member.ty);
        let (fields, _) = self.members(member, span, name)?;
        let there = |member: &Member| !member.required || fields.iter().any(|(name, _)| *name == member.name);
        members.iter().all(there).then(|| Value::Record(Arc::new(Record::new(fields))))
    }

    fn tags(&mut self, ty: &Ty, kind: Kind, span: Span) -> Option<Value> {
        if kind != Kind::Object {
            self.wrong_type("an object", kind, span, Name::Tags, None);
            return None;
        }
        let (fields, nulls) = self.members(|_| Some(ty), span, Name::Tags)?;
        (nulls == 0).then(|| Value::Record(Arc::new(Record::new(fields))))
    }

    /// Reads the members of an object, and counts those that are `null`. `None` when one of them is not known.
    fn members<'t>(
        &mut self,
        ty_of: impl Fn(&str) -> Option<&'t Ty>,
        span: Span,
        of: Name<'_>,
    ) -> Option<(Vec<(SmolStr, Value)>, usize)> {
        let mut scanner = Scanner::at(self.source.text(), span.start);
        let (mut fields, mut nulls, mut whole) = (Vec::new(), 0, true);
        let mut seen: FxHashMap<SmolStr, Span> = FxHashMap::default();
        let walked = scanner.object(|scanner, key| {
            let (kind, _) = scanner.peek()?;
            let span = scanner.skip()?;
            let text = key.text();
            let Some(ty) = ty_of(&text) else {
                self.other_properties += 1;
                return Ok::<_, SyntaxError>(());
            };
            let name = SmolStr::new(&text);
            let shown = if self.secret { "***" } else { &text };
            if let Some(first) = seen.insert(name.clone(), key.span) {
                self.diagnostics.push(duplicate_key(self.source, shown, first, key.span));
                whole = false;
            } else if kind == Kind::Null {
                nulls += 1;
            } else {
                match self.value(ty, kind, span, Name::Member(&of, shown)) {
                    Some(value) => fields.push((name, value)),
                    None => whole = false,
                }
            }
            Ok(())
        });
        (walked.is_ok() && whole).then_some((fields, nulls))
    }
}

/// The first line of a value: an object may be pages long.
pub(super) fn first_line(source: &Source, span: Span) -> Span {
    let text = source.slice(span);
    let end = text.find('\n').map_or(text, |at| &text[..at]).trim_end();
    let end = end.char_indices().nth(60).map_or(end.len(), |(at, _)| at);
    Span::new(span.start, span.start + end.max(1).min(text.len()) as u32)
}

/// The error for a property that stands twice in one object.
pub(super) fn duplicate_key(source: &Arc<Source>, name: &str, first: Span, again: Span) -> Diagnostic {
    let error = Diagnostic::error("snapshot-duplicate-key", format!("property `{name}` stands twice in one object"));
    error
        .label(source, again, "again here")
        .label(source, first, "first here")
        .help("which of the two is meant cannot be known: remove one")
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
    let usual = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'+');
    let sound = |part: &str| {
        let dotted = part.starts_with('.') || part.ends_with('.');
        !part.is_empty() && !dotted && (part.bytes().all(usual) || !part.contains(odd))
    };
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
