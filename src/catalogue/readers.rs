//! Readers and words for missing values in English.

use super::values::{enumerated, quoted};
use crate::schema::{DatumType, Lacking, Reader, Slot};

/// Returns the effect of a reader in words.
pub(super) fn manner(reader: &Reader) -> String {
    let fixed = match reader {
        Reader::Casefold => "compared without regard to case",
        Reader::Email => "an address, compared without regard to case",
        Reader::EmailOrName => "an address or a name, compared without regard to case",
        Reader::EmailDomain => "the part after the @",
        Reader::EmailLocal => "the part before the @",
        Reader::EmailLocalWords => "the words in the part before the @",
        Reader::PrefixLength => "the prefix length",
        Reader::UrlScheme => "the scheme",
        Reader::UrlHost => "the host",
        Reader::Length => "the length",
        Reader::Count => "the number of elements",
        Reader::Domain => "a domain, compared without regard to case",
        Reader::Parents => "the domain and its parent domains",
        Reader::Bool => "true or false in words",
        Reader::Number => "a number, also as text",
        Reader::EpochSeconds => "seconds since 1970",
        Reader::EpochMillis => "milliseconds since 1970",
        Reader::JsonDate => "a date such as `/Date(0)/`",
        Reader::IsoDuration => "a duration such as `P15D`",
        Reader::Split(separators) => return format!("split at {}", quoted(separators)),
        Reader::Span(unit) => return format!("a number of {}", unit.name()),
        Reader::Date(format) if format.gives() == DatumType::Day => {
            return format!("a date such as {}", quoted(format.text()));
        }
        Reader::Date(format) => return format!("a time such as {}", quoted(format.text())),
        Reader::Zone(zone) => return format!("in the time zone {}", quoted(zone.name())),
    };
    fixed.to_owned()
}

/// Returns the words of an attribute for missing values with their meaning.
pub(super) fn missing(slot: &Slot) -> Vec<String> {
    let meanings = [(Lacking::Unknown, "unknown"), (Lacking::Absent, "absent")];
    let phrase = |(lacking, meaning): (Lacking, &str)| {
        let words: Vec<String> = slot.words.of(lacking).iter().map(|word| quoted(word)).collect();
        let verb = if words.len() == 1 { "means" } else { "mean" };
        (!words.is_empty()).then(|| format!("{} {verb} {meaning}", enumerated(&words, "and")))
    };
    meanings.into_iter().filter_map(phrase).collect()
}
