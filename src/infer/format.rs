//! Formats of texts and numbers: the types and readers that a schema may declare for them.

use crate::schema::Reader;
use crate::value::{Inexact, IpNet, parse_datetime, parse_duration, parse_number};

/// Bytes of the longest text that has a format.
const LONGEST: usize = 2_048;

/// A format of texts. The order is that of preference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// A date, or a time with its offset.
    Datetime,
    /// A duration such as `14d`.
    Duration,
    /// An IP address or a range of them.
    Address,
    /// An e-mail address.
    Email,
    /// A URL with a host.
    Url,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 5] = [Self::Datetime, Self::Duration, Self::Address, Self::Email, Self::Url];

    /// Returns the name in reports and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Datetime => "datetime",
            Self::Duration => "duration",
            Self::Address => "address",
            Self::Email => "email",
            Self::Url => "url",
        }
    }

    /// Returns the format in words, with its article.
    pub fn described(self) -> &'static str {
        match self {
            Self::Datetime => "a date or time",
            Self::Duration => "a duration",
            Self::Address => "an IP address or range",
            Self::Email => "an e-mail address",
            Self::Url => "a URL",
        }
    }

    /// Returns the type and the reader of an attribute.
    pub fn read_as(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Datetime => ("datetime", None),
            Self::Duration => ("duration", None),
            Self::Address => ("ipaddr", None),
            Self::Email => ("String", Some("email")),
            Self::Url => ("String", Some("url-host")),
        }
    }

    /// Returns the type of the elements of a set, which no reader reads.
    pub fn element(self) -> &'static str {
        match self {
            Self::Email | Self::Url => "String",
            other => other.read_as().0,
        }
    }

    /// Returns whether a text has the format, and is read without a warning.
    fn fits(self, text: &str) -> bool {
        let text = text.trim();
        let folds = |reader: Reader| matches!(reader.read(text), Some(Ok(read)) if !read.is_domain_rejected);
        match self {
            Self::Datetime => parse_datetime(text).is_ok(),
            Self::Duration => parse_duration(text).is_ok(),
            Self::Address => IpNet::parse(text).is_ok_and(|address| address.mapped().is_none()),
            Self::Email => folds(Reader::Email),
            Self::Url => folds(Reader::UrlHost),
        }
    }
}

/// A set of formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Formats(u8);

impl Default for Formats {
    fn default() -> Self {
        Self(u8::MAX)
    }
}

impl Formats {
    /// Removes the formats that a text does not have.
    pub fn retain(&mut self, text: &str) {
        if text.len() > LONGEST {
            self.0 = 0;
        }
        for format in Format::ALL {
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
        Format::ALL.into_iter().find(|format| self.contains(*format))
    }

    fn contains(self, format: Format) -> bool {
        self.0 & Self::bit(format) != 0
    }

    fn bit(format: Format) -> u8 {
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
}

impl Default for Numbers {
    fn default() -> Self {
        Self { whole: true, decimal: true }
    }
}

impl Numbers {
    /// Adds a number.
    pub fn add(&mut self, raw: &str) {
        let fits = |places| !matches!(parse_number(raw, places), Err(Inexact::TooFine | Inexact::TooLarge));
        self.whole = self.whole && fits(0);
        self.decimal = self.decimal && fits(4);
    }

    /// Returns the types that hold the numbers of both places.
    pub fn and(self, other: Self) -> Self {
        Self { whole: self.whole && other.whole, decimal: self.decimal && other.decimal }
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
}
