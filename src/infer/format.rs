//! Formats of texts and numbers: the types and readers that a schema may declare for them.

use super::names::words;
use crate::schema::{Datum, Reader};
use crate::value::{Inexact, IpNet, parse_datetime, parse_duration, parse_number};
use std::ops::RangeInclusive;

/// Bytes of the longest text that has a format.
const LONGEST: usize = 2_048;

/// The years from 2000 to 2099 in seconds since 1970: times that an account can have.
const CENTURY: RangeInclusive<i64> = 946_684_800..=4_102_444_799;

/// Last words of the names of times.
const TIMES: [&str; 16] = [
    "at",
    "created",
    "date",
    "expiration",
    "expires",
    "expiry",
    "login",
    "modified",
    "seen",
    "since",
    "time",
    "timestamp",
    "ts",
    "until",
    "updated",
    "used",
];

/// A format of texts or numbers. The order is that of preference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// A date, or a time with its offset.
    Datetime,
    /// A time such as `/Date(1777406311623)/`.
    JsonDate,
    /// A duration such as `14d`.
    Duration,
    /// A duration such as `P15D`.
    IsoDuration,
    /// A word for true or false.
    Boolean,
    /// An IP address or a range of them.
    Address,
    /// An e-mail address.
    Email,
    /// A URL with a host.
    Url,
    /// A number of seconds since 1970.
    EpochSeconds,
    /// A number of milliseconds since 1970.
    EpochMillis,
}

impl Format {
    /// All formats of texts.
    const OF_TEXTS: [Self; 8] = [
        Self::Datetime,
        Self::JsonDate,
        Self::Duration,
        Self::IsoDuration,
        Self::Boolean,
        Self::Address,
        Self::Email,
        Self::Url,
    ];

    /// Returns the name in reports and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Datetime => "datetime",
            Self::JsonDate => "json-date",
            Self::Duration => "duration",
            Self::IsoDuration => "iso-duration",
            Self::Boolean => "boolean",
            Self::Address => "address",
            Self::Email => "email",
            Self::Url => "url",
            Self::EpochSeconds => "epoch-seconds",
            Self::EpochMillis => "epoch-millis",
        }
    }

    /// Returns the format in words, with its article.
    pub fn described(self) -> &'static str {
        match self {
            Self::Datetime => "a date or time",
            Self::JsonDate => "a time in milliseconds since 1970",
            Self::Duration => "a duration",
            Self::IsoDuration => "an ISO 8601 duration",
            Self::Boolean => "a word for true or false",
            Self::Address => "an IP address or range",
            Self::Email => "an e-mail address",
            Self::Url => "a URL",
            Self::EpochSeconds => "a time in seconds since 1970",
            Self::EpochMillis => "a time in milliseconds since 1970",
        }
    }

    /// Returns whether it is a format of times or durations.
    pub fn is_time(self) -> bool {
        matches!(self.read_as().0, "datetime" | "duration")
    }

    /// Returns the type and the reader of an attribute.
    pub fn read_as(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Datetime => ("datetime", None),
            Self::JsonDate => ("datetime", Some("json-date")),
            Self::EpochSeconds => ("datetime", Some("epoch-seconds")),
            Self::EpochMillis => ("datetime", Some("epoch-millis")),
            Self::Duration => ("duration", None),
            Self::IsoDuration => ("duration", Some("iso-duration")),
            Self::Boolean => ("Bool", Some("bool")),
            Self::Address => ("ipaddr", None),
            Self::Email => ("String", Some("email")),
            Self::Url => ("String", Some("url-host")),
        }
    }

    /// Returns whether a text has the format, and is read without a warning.
    fn fits(self, text: &str) -> bool {
        let text = text.trim();
        let folds = |reader: Reader| matches!(reader.read(text), Some(Ok(read)) if !read.is_domain_rejected);
        match self {
            Self::Datetime => parse_datetime(text).is_ok(),
            Self::JsonDate => Reader::JsonDate.value(text).is_some(),
            Self::Duration => parse_duration(text).is_ok(),
            Self::IsoDuration => Reader::IsoDuration.value(text).is_some(),
            Self::Boolean => truth(text).is_some(),
            Self::Address => IpNet::parse(text).is_ok_and(|address| address.mapped().is_none()),
            Self::Email => folds(Reader::Email),
            Self::Url => folds(Reader::UrlHost),
            Self::EpochSeconds | Self::EpochMillis => false,
        }
    }
}

/// Returns the meaning of a word for true or false. A number is not a word.
pub(super) fn truth(text: &str) -> Option<bool> {
    match Reader::Bool.value(text)? {
        Datum::Bool(value) if !text.trim().starts_with(|c: char| c.is_ascii_digit()) => Some(value),
        _ => None,
    }
}

/// A set of formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Formats(u16);

impl Default for Formats {
    fn default() -> Self {
        Self(u16::MAX)
    }
}

impl Formats {
    /// Removes the formats that a text does not have.
    pub fn retain(&mut self, text: &str) {
        if text.len() > LONGEST {
            self.0 = 0;
        }
        for format in Format::OF_TEXTS {
            if self.contains(format) && !format.fits(text) {
                self.0 &= !Self::bit(format);
            }
        }
    }

    /// Returns the formats in both sets.
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Returns the preferred format.
    pub fn first(self) -> Option<Format> {
        Format::OF_TEXTS.into_iter().find(|format| self.contains(*format))
    }

    fn contains(self, format: Format) -> bool {
        self.0 & Self::bit(format) != 0
    }

    fn bit(format: Format) -> u16 {
        1 << format as u8
    }
}

/// The types that hold all numbers of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbers {
    /// Whether all are whole numbers of 64 bits.
    pub whole: bool,
    /// Whether all are decimals.
    pub decimal: bool,
    /// Whether all are times of this century in seconds since 1970.
    seconds: bool,
    /// The same in milliseconds.
    millis: bool,
}

impl Default for Numbers {
    fn default() -> Self {
        Self { whole: true, decimal: true, seconds: true, millis: true }
    }
}

impl Numbers {
    /// Adds a number.
    pub fn add(&mut self, raw: &str) {
        let fits = |places| !matches!(parse_number(raw, places), Err(Inexact::TooFine | Inexact::TooLarge));
        self.whole = self.whole && fits(0);
        self.decimal = self.decimal && fits(4);
        let whole = if self.seconds || self.millis { parse_number(raw, 0).ok() } else { None };
        self.seconds = self.seconds && whole.is_some_and(|whole| CENTURY.contains(&whole));
        self.millis = self.millis && whole.is_some_and(|whole| CENTURY.contains(&whole.div_euclid(1000)));
    }

    /// Returns the types that hold the numbers of both places.
    pub fn and(self, other: Self) -> Self {
        Self {
            whole: self.whole && other.whole,
            decimal: self.decimal && other.decimal,
            seconds: self.seconds && other.seconds,
            millis: self.millis && other.millis,
        }
    }

    /// Returns the format of the numbers of a property, if its name is that of a time.
    pub fn format(self, property: &str) -> Option<Format> {
        let words = words(property);
        let is_named = words.last().is_some_and(|last| TIMES.contains(&last.as_str()));
        let unit = if self.seconds { Some(Format::EpochSeconds) } else { self.millis.then_some(Format::EpochMillis) };
        unit.filter(|_| is_named)
    }

    /// Returns the type of an attribute.
    pub fn ty(self) -> Option<&'static str> {
        match self {
            Self { whole: true, .. } => Some("Long"),
            Self { decimal: true, .. } => Some("decimal"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_the_formats_that_all_of_them_have() {
        for (texts, expected) in [
            (&["2026-09-01", "2026-09-01T06:00:00Z"][..], Some(Format::Datetime)),
            (&["14d", "1h30m"], Some(Format::Duration)),
            (&["203.0.113.7", "2001:db8::/32"], Some(Format::Address)),
            (&["::ffff:127.0.0.1"], None),
            (&["a@b.example", "C@D.example"], Some(Format::Email)),
            (&["a@xn--a.example"], None),
            (&["https://x.example/y"], Some(Format::Url)),
            (&["/Date(1777406311623)/"], Some(Format::JsonDate)),
            (&["P15D", "PT8H"], Some(Format::IsoDuration)),
            (&["yes", "No"], Some(Format::Boolean)),
            (&["yes", "0"], None),
            (&["2026-09-01", "14d"], None),
            (&[""], None),
        ] {
            let mut formats = Formats::default();
            texts.iter().for_each(|text| formats.retain(text));
            assert_eq!(formats.first(), expected, "{texts:?}");
        }
    }

    #[test]
    fn numbers_have_the_narrowest_type() {
        for (numbers, expected) in [
            (&["1", "1.5e2"][..], Some("Long")),
            (&["1", "0.25"], Some("decimal")),
            (&["0.00001"], None),
            (&["9223372036854775808"], None),
        ] {
            let mut all = Numbers::default();
            numbers.iter().for_each(|raw| all.add(raw));
            assert_eq!(all.ty(), expected, "{numbers:?}");
        }
    }

    #[test]
    fn numbers_of_this_century_are_times_if_their_name_is() {
        for (numbers, name, expected) in [
            (&["1777406311", "1756684800"][..], "createdAt", Some(Format::EpochSeconds)),
            (&["1777406311623"], "last_login", Some(Format::EpochMillis)),
            (&["1777406311"], "size", None),
            (&["1777406311", "0"], "createdAt", None),
            (&["1777406311.5"], "createdAt", None),
        ] {
            let mut all = Numbers::default();
            numbers.iter().for_each(|raw| all.add(raw));
            assert_eq!(all.format(name), expected, "{numbers:?} {name}");
        }
    }
}
