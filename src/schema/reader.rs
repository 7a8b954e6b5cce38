//! Readers: the values that a reader of `@as` reads, and the folded form in which texts are compared.
//!
//! A reader takes a value of one type and gives one of another type. [`Chain`](super::Chain) joins readers.

mod numbers;
mod range;
mod times;

pub use numbers::Unit;
pub use times::{DateFormat, Zone, midnight};

use crate::source::{is_hidden, selects_variant, trimmed};
use crate::value::IpNet;
use crate::value::fold::{self, Domain};
use jiff::civil;
use std::borrow::Cow;
use std::fmt;

/// A way to read a value, named by `@as`.
///
/// Readers of text trim it and return its folded form: see [`crate::value::fold`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reader {
    /// The whole text.
    Casefold,
    /// An e-mail address.
    Email,
    /// An e-mail address, or a name without an `@`.
    EmailOrName,
    /// The domain of an e-mail address.
    EmailDomain,
    /// The part of an e-mail address before the `@`.
    EmailLocal,
    /// The words before the `@` of an e-mail address: its runs of letters.
    EmailLocalWords,
    /// The prefix length of an address or CIDR range.
    PrefixLength,
    /// The scheme of a URL.
    UrlScheme,
    /// The host of a URL.
    UrlHost,
    /// The number of elements or characters.
    Length,
    /// The number of elements.
    Count,
    /// The pieces of a text between any of these characters, without those that are empty.
    Split(String),
    /// A domain.
    Domain,
    /// A domain and all its parent domains.
    Parents,
    /// `true` and `false`, and the usual words for them.
    Bool,
    /// A number, or a text that is one.
    Number,
    /// Seconds since 1970.
    EpochSeconds,
    /// Milliseconds since 1970.
    EpochMillis,
    /// `/Date(1777406311623)/`.
    JsonDate,
    /// `P15D`.
    IsoDuration,
    /// A number of units of time.
    Span(Unit),
    /// A date or time in a format.
    Date(DateFormat),
    /// A time without offset, in a time zone.
    Zone(Zone),
}

/// The type of a value that a reader takes or gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatumType {
    /// A text.
    Text,
    /// A number, exactly as it is written.
    Number,
    /// A boolean.
    Bool,
    /// A length.
    Whole,
    /// A day of the calendar.
    Day,
    /// A day and a time, without an offset.
    LocalTime,
    /// A moment.
    Moment,
    /// A duration.
    Duration,
}

/// A value between two readers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the variants are those of `DatumType`")]
pub enum Datum {
    Text(String),
    Number(String),
    Bool(bool),
    Whole(i64),
    Day(civil::Date),
    LocalTime(civil::DateTime),
    Moment(i64),
    Duration(i64),
}

/// The result of one reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Given {
    /// One value.
    One(Datum),
    /// The elements of a set.
    Set(Vec<Datum>),
}

/// A property of a value that a reader accepts and that deserves a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caution {
    /// IDNA rejects the domain, which is then folded like other text.
    Domain,
    /// The address is an IPv6 form of an IPv4 address.
    Mapped(IpNet),
}

/// The result of a reader of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folded<'t> {
    /// The part of the text that the reader selects, as written.
    pub written: &'t str,
    /// The folded form of `written`; borrowed if it is a part of `written`.
    pub text: Cow<'t, str>,
    /// Whether IDNA rejects the domain in it, which is then folded like other text.
    pub is_domain_rejected: bool,
}

/// The text does not have the shape that its reader needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongShape {
    /// The shape in words.
    pub expected: Cow<'static, str>,
    /// The remedy.
    pub help: Cow<'static, str>,
}

impl WrongShape {
    pub(super) fn new(expected: impl Into<Cow<'static, str>>, help: impl Into<Cow<'static, str>>) -> Self {
        Self { expected: expected.into(), help: help.into() }
    }
}

impl Reader {
    /// The names of all readers in `@as`. Those with a second text take an argument, which it is an example of.
    pub const ALL: [(&'static str, Option<&'static str>); 26] = [
        ("bool", None),
        ("casefold", None),
        ("count", None),
        ("date", Some("%d/%m/%Y")),
        ("days", None),
        ("domain", None),
        ("email", None),
        ("email-domain", None),
        ("email-local", None),
        ("email-local-words", None),
        ("email-or-name", None),
        ("epoch-millis", None),
        ("epoch-seconds", None),
        ("hours", None),
        ("iso-duration", None),
        ("json-date", None),
        ("length", None),
        ("minutes", None),
        ("number", None),
        ("parents", None),
        ("prefix-length", None),
        ("seconds", None),
        ("split", Some(",")),
        ("url-host", None),
        ("url-scheme", None),
        ("zone", Some("Europe/Berlin")),
    ];

    /// Returns the reader with a name and an argument; `None` if no reader has the name.
    ///
    /// # Errors
    /// The argument is missing, not possible, or not valid: a phrase with the problem, and the remedy.
    pub fn named(name: &str, argument: Option<&str>) -> Option<Result<Self, (String, String)>> {
        let (_, example) = Self::ALL.iter().find(|(known, _)| *known == name)?;
        Some(match (example, argument) {
            (Some(example), None) => {
                Err((format!("`{name}` lacks its argument"), format!("write {name}({example:?}) for example")))
            }
            (None, Some(_)) => {
                Err((format!("`{name}` does not take an argument"), "remove the parentheses".to_owned()))
            }
            (_, argument) => Self::with(name, argument.unwrap_or_default()),
        })
    }

    fn with(name: &str, argument: &str) -> Result<Self, (String, String)> {
        Ok(match name {
            "casefold" => Reader::Casefold,
            "email" => Reader::Email,
            "email-domain" => Reader::EmailDomain,
            "email-or-name" => Reader::EmailOrName,
            "email-local" => Reader::EmailLocal,
            "email-local-words" => Reader::EmailLocalWords,
            "prefix-length" => Reader::PrefixLength,
            "url-scheme" => Reader::UrlScheme,
            "url-host" => Reader::UrlHost,
            "length" => Reader::Length,
            "count" => Reader::Count,
            "domain" => Reader::Domain,
            "parents" => Reader::Parents,
            "bool" => Reader::Bool,
            "epoch-seconds" => Reader::EpochSeconds,
            "epoch-millis" => Reader::EpochMillis,
            "json-date" => Reader::JsonDate,
            "iso-duration" => Reader::IsoDuration,
            "seconds" => Reader::Span(Unit::Seconds),
            "minutes" => Reader::Span(Unit::Minutes),
            "hours" => Reader::Span(Unit::Hours),
            "days" => Reader::Span(Unit::Days),
            "split" => Reader::Split(separators(argument)?),
            "date" => Reader::Date(DateFormat::new(argument)?),
            "zone" => Reader::Zone(Zone::new(argument)?),
            _ => Reader::Number,
        })
    }

    /// Returns its name in `@as`.
    pub fn name(&self) -> &'static str {
        match self {
            Reader::Casefold => "casefold",
            Reader::Email => "email",
            Reader::EmailDomain => "email-domain",
            Reader::EmailOrName => "email-or-name",
            Reader::EmailLocal => "email-local",
            Reader::EmailLocalWords => "email-local-words",
            Reader::PrefixLength => "prefix-length",
            Reader::UrlScheme => "url-scheme",
            Reader::UrlHost => "url-host",
            Reader::Length => "length",
            Reader::Count => "count",
            Reader::Split(_) => "split",
            Reader::Domain => "domain",
            Reader::Parents => "parents",
            Reader::Bool => "bool",
            Reader::Number => "number",
            Reader::EpochSeconds => "epoch-seconds",
            Reader::EpochMillis => "epoch-millis",
            Reader::JsonDate => "json-date",
            Reader::IsoDuration => "iso-duration",
            Reader::Span(unit) => unit.name(),
            Reader::Date(_) => "date",
            Reader::Zone(_) => "zone",
        }
    }

    /// Returns the types of the values that it takes.
    pub fn takes(&self) -> &'static [DatumType] {
        use DatumType::*;
        match self {
            Reader::Bool => &[Text, Number, Bool],
            Reader::Number | Reader::EpochSeconds | Reader::EpochMillis | Reader::Span(_) | Reader::Date(_) => {
                &[Text, Number]
            }
            Reader::Zone(_) => &[Text, Day, LocalTime],
            Reader::Count => &[],
            _ => &[Text],
        }
    }

    /// Returns the type of the values that it gives; for a reader of a set, of its elements.
    pub fn gives(&self) -> DatumType {
        match self {
            Reader::PrefixLength | Reader::Length | Reader::Count => DatumType::Whole,
            Reader::Bool => DatumType::Bool,
            Reader::Number => DatumType::Number,
            Reader::EpochSeconds | Reader::EpochMillis | Reader::JsonDate | Reader::Zone(_) => DatumType::Moment,
            Reader::IsoDuration | Reader::Span(_) => DatumType::Duration,
            Reader::Date(format) => format.gives(),
            _ => DatumType::Text,
        }
    }

    /// Returns whether it gives a set.
    pub fn gives_set(&self) -> bool {
        matches!(self, Reader::EmailLocalWords | Reader::Split(_) | Reader::Parents)
    }

    /// Returns whether it gives the number of elements of a list or set.
    pub fn counts(&self) -> bool {
        matches!(self, Reader::Length | Reader::Count)
    }

    /// Returns whether the texts that it gives are in folded form.
    pub fn folds(&self) -> bool {
        self.gives() == DatumType::Text && !matches!(self, Reader::Split(_))
    }

    /// Reads a value. A value of a type that the reader does not take has the wrong shape.
    pub(super) fn apply(&self, datum: &Datum, cautions: &mut Vec<Caution>) -> Result<Given, WrongShape> {
        let one = match (self, datum) {
            (Reader::Bool, datum) => Datum::Bool(numbers::boolean(datum)?),
            (Reader::Number, Datum::Text(text) | Datum::Number(text)) => {
                Datum::Number(numbers::number(text)?.to_owned())
            }
            (Reader::EpochSeconds, Datum::Text(text) | Datum::Number(text)) => Datum::Moment(times::epoch(text, 3)?),
            (Reader::EpochMillis, Datum::Text(text) | Datum::Number(text)) => Datum::Moment(times::epoch(text, 0)?),
            (Reader::Span(unit), Datum::Text(text) | Datum::Number(text)) => Datum::Duration(unit.duration(text)?),
            (Reader::Date(format), Datum::Text(text) | Datum::Number(text)) => format.read(text)?,
            (Reader::Zone(zone), datum) => Datum::Moment(zone.read(datum)?),
            (Reader::JsonDate, Datum::Text(text)) => Datum::Moment(times::json_date(text)?),
            (Reader::IsoDuration, Datum::Text(text)) => Datum::Duration(times::iso_duration(text)?),
            (Reader::Length, Datum::Text(text)) => {
                Datum::Whole(i64::try_from(text.chars().count()).unwrap_or(i64::MAX))
            }
            (Reader::PrefixLength, Datum::Text(text)) => {
                let ip = IpNet::parse(text.trim()).map_err(|help| WrongShape::new(ADDRESS, help))?;
                cautions.extend(ip.mapped().map(|_| Caution::Mapped(ip)));
                Datum::Whole(i64::from(ip.prefix))
            }
            (Reader::Split(separators), Datum::Text(text)) => {
                let pieces = text.split(|c| separates(separators, c)).map(str::trim).filter(|piece| !piece.is_empty());
                return Ok(Given::Set(pieces.map(|piece| Datum::Text(piece.to_owned())).collect()));
            }
            (reader, Datum::Text(text)) => {
                let Some(read) = reader.read(text) else { return Err(WrongShape::new("a text", "write a text")) };
                let Folded { text, is_domain_rejected, .. } = read?;
                cautions.extend(is_domain_rejected.then_some(Caution::Domain));
                let one = |text: &str| Datum::Text(text.to_owned());
                // A parent of a domain that IDNA rejects may be valid.
                let parent = |domain: &str| Datum::Text(fold::domain(domain).text.into_owned());
                return Ok(match reader {
                    Reader::EmailLocalWords => Given::Set(words(&text).map(one).collect()),
                    Reader::Parents => Given::Set(parents(&text).map(parent).collect()),
                    _ => Given::One(Datum::Text(text.into_owned())),
                });
            }
            (reader, _) => {
                let expected = reader.takes().first().map_or("another value", |ty| ty.one());
                return Err(WrongShape::new(expected, "write a value of this type"));
            }
        };
        Ok(Given::One(one))
    }
}

impl fmt::Display for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let argument = match self {
            Reader::Split(separators) => separators,
            Reader::Date(format) => format.text(),
            Reader::Zone(zone) => zone.name(),
            _ => return f.write_str(self.name()),
        };
        // As `Chain::parse` reads it: other characters are not escaped.
        write!(f, "{}(\"{}\")", self.name(), argument.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

impl DatumType {
    /// Returns a value of the type in words.
    pub fn one(self) -> &'static str {
        match self {
            DatumType::Text => "a text",
            DatumType::Number => "a number",
            DatumType::Bool => "a boolean",
            DatumType::Whole => "a whole number",
            DatumType::Day => "a date",
            DatumType::LocalTime => "a time without offset",
            DatumType::Moment => "a time",
            DatumType::Duration => "a duration",
        }
    }

    /// Returns a set of such values in words.
    pub fn many(self) -> &'static str {
        match self {
            DatumType::Text => "a set of texts",
            DatumType::Number => "a set of numbers",
            DatumType::Bool => "a set of booleans",
            DatumType::Whole => "a set of whole numbers",
            DatumType::Day => "a set of dates",
            DatumType::LocalTime => "a set of times without offset",
            DatumType::Moment => "a set of times",
            DatumType::Duration => "a set of durations",
        }
    }
}

/// The shape that `prefix-length` reads.
pub const ADDRESS: &str = "an address or CIDR range";

/// The number of bytes of the longest domain in ASCII.
const LONGEST_DOMAIN: usize = 253;

/// Returns the separators of `split`: every character of its argument.
fn separators(argument: &str) -> Result<String, (String, String)> {
    let blank = argument.chars().filter(|c| c.is_whitespace()).count();
    if argument.is_empty() {
        return Err(("`split` has no separator".to_owned(), "write split(\",\") for example".to_owned()));
    }
    if blank > 0 && blank < argument.chars().count() {
        let message = "`split` has white space among its separators, and each of them separates".to_owned();
        return Err((message, "remove the white space, which is trimmed from every piece".to_owned()));
    }
    Ok(argument.to_owned())
}

/// Returns whether a character is one of the separators of `split`, in any encoding.
pub(super) fn separates(separators: &str, c: char) -> bool {
    separators.contains(c) || separators.contains(fold::canonical(c))
}

/// Returns a folded domain and its parent domains, the longest first.
fn parents(domain: &str) -> impl Iterator<Item = &str> {
    let is_address = domain.starts_with('[') || domain.parse::<std::net::Ipv4Addr>().is_ok();
    std::iter::successors(Some(domain), move |domain| {
        domain.split_once('.').map(|(_, parent)| parent).filter(|_| !is_address)
    })
}

/// Returns whether a text is a domain, perhaps with a final dot, of a possible length.
fn is_domain(text: &str) -> bool {
    fold::is_domain(text.strip_suffix('.').unwrap_or(text)) && fold::domain(text).text.len() <= LONGEST_DOMAIN
}

impl Reader {
    /// Returns the value that it gives for a text by itself; `None` if it rejects the text or gives a set.
    pub fn value(&self, text: &str) -> Option<Datum> {
        match self.apply(&Datum::Text(text.to_owned()), &mut Vec::new()) {
            Ok(Given::One(value)) => Some(value),
            Ok(Given::Set(_)) | Err(_) => None,
        }
    }

    /// Reads a text of a snapshot; `None` from a reader that does not give texts in folded form.
    ///
    /// # Errors
    /// [`WrongShape`] if the text is not an address or a URL where the reader needs one.
    pub fn read<'t>(&self, text: &'t str) -> Option<Result<Folded<'t>, WrongShape>> {
        let text = trimmed(text);
        let in_folded_form = folded_email_parts(text).and_then(|parts| self.part_of_address(text, parts));
        if let Some(written) = in_folded_form {
            return Some(Ok(Folded { written, text: Cow::Borrowed(written), is_domain_rejected: false }));
        }
        let part = match self {
            Reader::Domain => match invisible(text) {
                None if is_domain(text) => Ok(text),
                hidden => {
                    let usual = || "write a domain such as example.com, without `@`, `*` and `https://`".into();
                    Err(WrongShape::new("a domain", hidden.map_or_else(usual, removal)))
                }
            },
            // `@` has two compatible forms.
            Reader::EmailOrName if text.contains(['@', '\u{ff20}', '\u{fe6b}']) => {
                email_parts(text).map(|_| text).ok_or_else(|| {
                    let usual = || "write an address such as name@example.com, or a name without `@`".into();
                    WrongShape::new("an e-mail address", invisible(text).map_or_else(usual, removal))
                })
            }
            // Folding may leave a joiner between ASCII letters, where it is not seen.
            Reader::Casefold | Reader::EmailOrName => match unseen(text).or_else(|| unseen(&fold::caseless(text))) {
                None => Ok(text),
                Some(c) => Err(WrongShape::new("a text of visible characters", removal(c))),
            },
            Reader::Parents => match invisible(text) {
                // The host of a URL may be an address.
                None if is_domain(text) || text.starts_with('[') => Ok(text),
                Some(c) => Err(WrongShape::new("a domain", removal(c))),
                None => Err(WrongShape::new("a domain", "write a domain such as mail.example.com")),
            },
            Reader::Email | Reader::EmailDomain | Reader::EmailLocal | Reader::EmailLocalWords => email_parts(text)
                .map(|(local, domain)| match self {
                    Reader::EmailDomain => domain,
                    Reader::EmailLocal | Reader::EmailLocalWords => local,
                    _ => text,
                })
                .ok_or_else(|| {
                    let usual = || "write an address such as name@example.com".into();
                    WrongShape::new("an e-mail address", invisible(text).map_or_else(usual, removal))
                }),
            Reader::UrlScheme | Reader::UrlHost => url_parts(text)
                .map(|(scheme, host)| if *self == Reader::UrlScheme { scheme } else { host })
                .ok_or_else(|| {
                    let usual = || "write a URL such as https://host/path".into();
                    WrongShape::new("a URL", invisible(text).map_or_else(usual, removal))
                }),
            _ => return None,
        };
        Some(part.map(|part| self.fold(part)))
    }

    /// Returns the part of an address in folded form that the reader gives. `None` if it does not read addresses.
    pub(crate) fn part_of_address<'t>(&self, whole: &'t str, (local, domain): (&'t str, &'t str)) -> Option<&'t str> {
        match self {
            Reader::Email | Reader::EmailOrName => Some(whole),
            Reader::EmailDomain => Some(domain),
            Reader::EmailLocal | Reader::EmailLocalWords => Some(local),
            _ => None,
        }
    }

    /// Folds a text that the reader selected.
    fn fold<'t>(&self, written: &'t str) -> Folded<'t> {
        let (text, is_domain_rejected) = match self {
            Reader::EmailDomain | Reader::UrlHost | Reader::Domain | Reader::Parents => {
                let Domain { text, is_rejected } = fold::domain(written);
                (text, is_rejected)
            }
            Reader::Email | Reader::EmailOrName => address(written),
            _ => (fold::caseless(written), false),
        };
        Folded { written, text, is_domain_rejected }
    }
}

/// Returns the remedy for an invisible character.
fn removal(c: char) -> String {
    format!("remove the character U+{:04X}, which is not seen", u32::from(c))
}

/// Returns the first invisible character of a text that must not have any: an address, a URL or a domain.
fn invisible(text: &str) -> Option<char> {
    text.chars().find(|c| is_invisible(*c))
}

/// Returns whether a character of an address, a URL or a domain is not seen. IDNA leaves out most of them.
fn is_invisible(c: char) -> bool {
    is_hidden(c) || selects_variant(c) || (c.is_control() && !c.is_whitespace())
}

/// Returns the first invisible character of a text, which people take for another text. Tabs and line breaks are white space.
/// Joiners between characters that are not ASCII belong to the writing, as in Persian words and in emoji. A selector of a
/// variant belongs to the sign before it, and to a keycap (`1`, U+FE0F, U+20E3).
fn unseen(text: &str) -> Option<char> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return None;
    }
    let is_written = |c: Option<char>| c.is_some_and(|c| !c.is_ascii() && !is_hidden(c));
    let is_sign = |c: Option<char>| is_written(c) && c.is_some_and(|c| !c.is_alphanumeric() && !selects_variant(c));
    let mut before = None;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let next = || rest.clone().next();
        let is_seen = match c {
            '\t' | '\n' | '\r' => true,
            '\u{200c}' | '\u{200d}' => is_written(before) && is_written(next()),
            c if selects_variant(c) => is_sign(before) || next() == Some('\u{20e3}'),
            c => !c.is_control() && !is_hidden(c),
        };
        if !is_seen {
            return Some(c);
        }
        before = Some(c);
    }
    None
}

/// Returns the words of a folded text: its maximal runs of letters.
///
/// ```
/// use deodar::schema::words;
/// assert_eq!(words("qa-team2go").collect::<Vec<_>>(), ["qa", "team", "go"]);
/// ```
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty())
}

/// Returns the folded form of `text` for a comparison with values of a reader. Returns `None` for a reader that does not
/// give texts in folded form, and if a reader of words cannot return `text`.
///
/// ```
/// use deodar::schema::{Reader, folded};
/// assert_eq!(folded(&Reader::Casefold, "Open").as_deref(), Some("open"));
/// assert_eq!(folded(&Reader::EmailDomain, "bücher.example").as_deref(), Some("xn--bcher-kva.example"));
/// ```
pub fn folded(reader: &Reader, text: &str) -> Option<String> {
    match reader {
        Reader::EmailLocalWords => {
            let text = reader.fold(text.trim()).text;
            words(&text).eq([text.as_ref()]).then(|| text.into_owned())
        }
        reader if reader.folds() => Some(reader.fold(text.trim()).text.into_owned()),
        _ => None,
    }
}

/// Folds an e-mail address, and returns whether IDNA rejects its domain.
fn address(written: &str) -> (Cow<'_, str>, bool) {
    let Some((local, domain)) = written.rsplit_once('@') else { return (fold::caseless(written), false) };
    // Most addresses: one pass over the whole.
    if fold::is_plain_domain(domain) && local.is_ascii() && !domain.ends_with('.') && !domain.starts_with('[') {
        return (fold::caseless(written), false);
    }
    let (local, Domain { text: domain, is_rejected }) = (fold::caseless(local), fold::domain(domain));
    match (&local, &domain) {
        (Cow::Borrowed(_), Cow::Borrowed(_)) => (Cow::Borrowed(written), is_rejected),
        _ => (Cow::Owned(format!("{local}@{domain}")), is_rejected),
    }
}

/// Splits an e-mail address into local part and domain; a name, a list or hidden characters around it are errors.
fn email_parts(text: &str) -> Option<(&str, &str)> {
    let (local, domain) = text.split_once('@')?;
    let odd = |c: char| {
        let c = fold::canonical(c);
        c.is_whitespace() || c.is_control() || is_invisible(c) || "@,;:<>()[]\"\\*".contains(c)
    };
    let usual = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'+');
    let sound = |part: &str| {
        let dotted = part.starts_with('.') || part.ends_with('.');
        !part.is_empty() && !dotted && (part.bytes().all(usual) || !part.contains(odd))
    };
    (sound(local) && sound(domain) && fold::is_domain(domain)).then_some((local, domain))
}

/// Splits an address that is in folded form, and consists of small letters, digits and usual punctuation, as most do.
/// `None` for any other text.
pub(crate) fn folded_email_parts(text: &str) -> Option<(&str, &str)> {
    let (mut at, mut before) = (None::<usize>, b'.');
    for (place, byte) in text.bytes().enumerate() {
        match (byte, before) {
            // A part does not begin or end with a dot, and a label with `--` may be encoded.
            (b'@', _) if at.is_none() && before != b'.' => at = Some(place),
            (b'.', b'@') | (b'-', b'-') => return None,
            // A domain has no empty label and no `+`.
            (b'.', b'.') | (b'+', _) if at.is_some() => return None,
            (b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'+', _) => {}
            _ => return None,
        }
        before = byte;
    }
    let (local, domain) = text.split_at_checked(at?)?;
    let is_sound = !local.starts_with('.') && !matches!(before, b'@' | b'.');
    is_sound.then_some((local, domain.get(1..)?))
}

/// Splits a URL into scheme and host.
fn url_parts(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = if host.starts_with('[') { host.split_inclusive(']').next()? } else { host.split(':').next()? };
    let named =
        !scheme.is_empty() && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    let closed = if host.starts_with('[') { host.ends_with(']') } else { !host.contains(['[', ']']) };
    // A browser reads `\` as `/`, so the host would not be the one that it opens.
    let odd = |c: char| c.is_whitespace() || c.is_control() || is_invisible(c) || c == '\\';
    (named && closed && host.contains(|c| !fold::is_stop(c)) && !authority.contains(odd)).then_some((scheme, host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(reader: &Reader, text: &str) -> Option<String> {
        Some(reader.read(text)?.ok()?.text.into_owned())
    }

    #[test]
    fn addresses_in_folded_form_are_split_as_others() {
        let mut texts = vec![String::new()];
        for _ in 0..6 {
            texts.extend(texts.clone().iter().flat_map(|text| ["a", ".", "@", "-", "B"].map(|c| format!("{text}{c}"))));
            texts.sort();
            texts.dedup();
        }
        let more = ["a@xn--bcher-kva.example", "a@b.c,d", "a b@c.d", "\u{e9}@b.c", "a+b_1@b.c", "a@1.2.3.4", "a@[::1]"];
        for text in texts.iter().map(String::as_str).chain(more) {
            let Some(parts) = folded_email_parts(text) else { continue };
            assert_eq!(email_parts(text), Some(parts), "{text}");
            assert_eq!(address(text), (Cow::Borrowed(text), false), "{text}");
            assert_eq!(fold::caseless(parts.0), parts.0, "{text}");
            let Domain { text: domain, is_rejected } = fold::domain(parts.1);
            assert_eq!((domain.as_ref(), is_rejected), (parts.1, false), "{text}");
        }
        let usual = ["jo.berger2@larch.example", "a+b_1@b.c", "a@1.2.3.4", "a-b@c-d.e"];
        assert!(usual.iter().all(|text| folded_email_parts(text).is_some()));
    }

    #[test]
    fn readers_return_the_folded_form_of_their_part() {
        for (reader, text, expected) in [
            (Reader::Casefold, "  E\u{301}TAT ", "\u{e9}tat"),
            (Reader::Casefold, "\u{645}\u{6cc}\u{200c}\u{62e}\u{648}", "\u{645}\u{6cc}\u{200c}\u{62e}\u{648}"),
            (Reader::Casefold, "\u{1f469}\u{200d}\u{1f4bb} Dev", "\u{1f469}\u{200d}\u{1f4bb} dev"),
            (Reader::Casefold, "\u{26a0}\u{fe0f} Alerts", "\u{26a0}\u{fe0f} alerts"),
            (Reader::Casefold, "\u{2764}\u{fe0f}\u{200d}\u{1f525}", "\u{2764}\u{fe0f}\u{200d}\u{1f525}"),
            (Reader::Casefold, "1\u{fe0f}\u{20e3} A\tB\r\nC~", "1\u{fe0f}\u{20e3} a\tb\r\nc~"),
            (Reader::Email, " JOSE\u{301}@B\u{dc}CHER.example", "jos\u{e9}@xn--bcher-kva.example"),
            (Reader::Email, "Stra\u{df}e@x.example", "strasse@x.example"),
            (Reader::EmailLocal, "\u{39f}\u{394}\u{39f}\u{3a3}@x.example", "\u{3bf}\u{3b4}\u{3bf}\u{3c3}"),
            (Reader::EmailDomain, "a@XN--BCHER-KVA.example", "xn--bcher-kva.example"),
            (Reader::EmailOrName, "Ann@B\u{fc}cher.example", "ann@xn--bcher-kva.example"),
            (Reader::EmailOrName, " Growth Team", "growth team"),
            (Reader::Domain, "B\u{fc}cher.Example.", "xn--bcher-kva.example"),
            (Reader::Domain, "x_y.example\u{ff0e}com", "x_y.example.com"),
            (Reader::Email, "a@\u{9ac}\u{9be}\u{982}\u{9b2}\u{9be}.example", "a@xn--54b7fta0cc.example"),
            (Reader::Email, "a@xn--54b7fta0cc.example", "a@xn--54b7fta0cc.example"),
            (Reader::Email, "a@\u{3007}.example", "a@xn--w6j.example"),
            (Reader::Email, "a@i\u{2764}.example", "a@xn--i-7iq.example"),
            (Reader::UrlHost, "HTTPS://u:p@B\u{fc}cher.Example.:443/x?y", "xn--bcher-kva.example"),
            (Reader::UrlHost, "https://[2001:DB8::1]:8/", "[2001:db8::1]"),
            (Reader::UrlScheme, "HTTPS://x", "https"),
        ] {
            assert_eq!(read(&reader, text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn words_are_the_runs_of_letters_before_the_at_sign() {
        for (text, expected) in [
            ("QA.Team-2go_x+y@x.example", vec!["qa", "team", "go", "x", "y"]),
            ("Jose\u{301}.STRASSE@x.example", vec!["jos\u{e9}", "strasse"]),
            ("\u{39f}\u{394}\u{39f}\u{3a3}9@x.example", vec!["\u{3bf}\u{3b4}\u{3bf}\u{3c3}"]),
            ("42@x.example", vec![]),
        ] {
            let local = read(&Reader::EmailLocalWords, text).unwrap();
            assert_eq!(words(&local).collect::<Vec<_>>(), expected, "{text}");
        }
        assert_eq!(read(&Reader::EmailLocalWords, "qa.team"), None);
        assert_eq!(folded(&Reader::EmailLocalWords, "QA").as_deref(), Some("qa"));
        assert_eq!(folded(&Reader::EmailLocalWords, "qa2"), None);
    }

    #[test]
    fn texts_of_another_shape_are_rejected() {
        for (reader, text) in [
            (Reader::Casefold, "Admin\u{200b}"),
            (Reader::Casefold, "Admin\0"),
            (Reader::Casefold, "Adm\u{1f}in"),
            (Reader::Casefold, "Adm\u{7f}in"),
            (Reader::Casefold, "Ad\u{b}min"),
            (Reader::Casefold, "Adm\u{85}in"),
            (Reader::Casefold, "Admin\u{fe0f}"),
            (Reader::Casefold, "\u{e9}tat\u{fe00}"),
            (Reader::Casefold, "\u{26a0}\u{fe0f}\u{fe0f} Alerts"),
            (Reader::Email, "admin\u{fe0f}@x.example"),
            (Reader::Casefold, "\u{2060}admin"),
            (Reader::Casefold, "ad\u{ad}min"),
            (Reader::Casefold, "ad\u{200d}min"),
            (Reader::Casefold, "\u{dc}\u{200d}\u{200d}\u{dc}"),
            (Reader::Casefold, "\u{202e}nimda"),
            (Reader::Email, "name"),
            (Reader::Email, "a@b@c"),
            (Reader::EmailDomain, "a@b\u{200b}.example"),
            (Reader::Email, "a@b\u{2010}c.example"),
            (Reader::Email, "a@b\u{2013}c.example"),
            (Reader::Email, "a@b..example"),
            (Reader::Email, "a@b.example?"),
            (Reader::Email, "'a@b.example'"),
            (Reader::Email, "a@b+c.example"),
            (Reader::Email, "a@\u{ff1f}.example"),
            (Reader::EmailOrName, "Ann <ann@x.example>"),
            (Reader::EmailOrName, "mailto:ann@x.example"),
            (Reader::EmailOrName, "@ann"),
            (Reader::EmailOrName, "@"),
            (Reader::EmailOrName, "ann@"),
            (Reader::EmailOrName, "Ann\u{200b}"),
            (Reader::EmailOrName, "ann\u{ff20}x.example"),
            (Reader::Domain, "x\u{200b}.example"),
            (Reader::Domain, "x.exam\u{ad}ple"),
            (Reader::Domain, "@x.example"),
            (Reader::Domain, "https://x.example"),
            (Reader::Domain, "*.x.example"),
            (Reader::Domain, "*"),
            (Reader::Domain, "x.example.."),
            (Reader::Domain, "."),
            (Reader::Domain, ""),
            (Reader::UrlHost, "x.example/a"),
            (Reader::UrlHost, "https://."),
            (Reader::UrlHost, "https://x.example\\@y.example"),
            (Reader::UrlHost, "https://x\u{200b}.example/"),
            (Reader::UrlHost, "https://x.example\u{fe0f}"),
            (Reader::UrlHost, "https://x.exam\u{ad}ple:8/a"),
            (Reader::UrlScheme, "https://x\u{2060}.example/a"),
            (Reader::Parents, "x\u{200b}.example"),
            (Reader::Parents, "x.example\u{fe0f}"),
            (Reader::Parents, "\u{6cc}\u{200c}\u{62e}.example"),
            (Reader::EmailDomain, "a@b\u{fe0e}.example"),
        ] {
            assert_eq!(read(&reader, text), None, "{text}");
        }
        assert_eq!(
            Reader::Email.read("a@x\0").unwrap().unwrap_err().help,
            "remove the character U+0000, which is not seen"
        );
        assert_eq!(Reader::Length.read("abc"), None);
        assert_eq!(read(&Reader::UrlHost, "https://x.example/a\u{200b}").as_deref(), Some("x.example"));
        for (reader, text) in [
            (Reader::UrlHost, "https://x\u{200b}.example/"),
            (Reader::Parents, "x\u{200b}.example"),
            (Reader::Email, "a@x\u{200b}.example"),
            (Reader::Email, "a@x\u{200b}.exa\0mple"),
        ] {
            let help = reader.read(text).unwrap().unwrap_err().help;
            assert_eq!(help, "remove the character U+200B, which is not seen", "{text}");
        }
    }

    #[test]
    fn what_a_reader_returns_is_in_folded_form() {
        let readers = Reader::ALL.iter().filter_map(|(name, argument)| Reader::named(name, *argument)?.ok());
        for reader in readers.filter(|reader| !matches!(reader, Reader::EmailLocalWords)) {
            for text in ["Jos\u{c9}@B\u{fc}cher.Example", "https://Stra\u{df}e.example/", "a@xn--a", "\u{1e9e}\u{130}"]
            {
                let Some(Ok(first)) = reader.read(text) else { continue };
                assert_eq!(folded(&reader, &first.text).as_deref(), Some(first.text.as_ref()), "{reader:?} {text}");
            }
        }
    }

    #[test]
    fn a_domain_that_idna_rejects_is_folded_and_marked() {
        let read = Reader::Email.read("Bob@XN--A.example").unwrap().unwrap();
        assert_eq!((read.text.as_ref(), read.is_domain_rejected), ("bob@xn--a.example", true));
        assert!(!Reader::EmailLocal.read("Bob@XN--A.example").unwrap().unwrap().is_domain_rejected);
    }
}
