//! The values of scalars, by the core schema of YAML 1.2.
//!
//! It differs from the core schema where a reading might surprise: a number with leading zeros is a text, because YAML 1.1
//! reads it as another number, and so are `.inf` and `.nan`, which JSON does not have.

use crate::source::Span;
use crate::source::derived::{Container, Fault};
use saphyr_parser::{ScalarStyle, Tag};
use std::borrow::Cow;

/// The value of a scalar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scalar<'t> {
    Text(&'t str),
    /// A number or a boolean.
    Json(Cow<'t, str>),
    Null,
}

/// The reason why a tag does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Problem {
    /// The tag is not one of JSON's types.
    Unknown,
    /// The value is not of the type of the tag.
    Unfit,
    /// The tag is `!!binary`.
    Binary,
}

impl Problem {
    pub(super) fn fault(self, place: Span) -> Fault {
        let (message, help) = match self {
            Problem::Unknown => {
                ("a tag that has no meaning in a snapshot", "remove the tag, and write the value that it means")
            }
            Problem::Unfit => ("the value is not of the type of its tag", "correct the value, or remove the tag"),
            Problem::Binary => (
                "a binary value, which JSON does not have",
                "write `!!str` for the text as it is, or leave the value out",
            ),
        };
        Fault::new(place, message).help(help)
    }
}

/// The tags of YAML begin with this.
const CORE: &str = "tag:yaml.org,2002:";

impl<'t> Scalar<'t> {
    /// Reads a scalar.
    pub(super) fn new(text: &'t str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Self, Problem> {
        let Some(tag) = tag else {
            return Ok(if style == ScalarStyle::Plain { Self::plain(text) } else { Scalar::Text(text) });
        };
        let plain = Self::plain(text);
        let expected = match core_name(tag).ok_or(Problem::Unknown)? {
            "" | "str" | "timestamp" => return Ok(Scalar::Text(text)),
            "binary" => return Err(Problem::Binary),
            "null" => plain == Scalar::Null,
            "bool" => matches!(&plain, Scalar::Json(json) if json.starts_with(['t', 'f'])),
            "int" => matches!(&plain, Scalar::Json(json) if !json.contains(['t', 'f', '.', 'e', 'E'])),
            "float" => matches!(&plain, Scalar::Json(json) if !json.starts_with(['t', 'f'])) || is_special(text),
            _ => return Err(Problem::Unknown),
        };
        if expected { Ok(plain) } else { Err(Problem::Unfit) }
    }

    /// Reads a scalar without quotes.
    fn plain(text: &'t str) -> Self {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => Scalar::Null,
            "true" | "True" | "TRUE" => Scalar::Json("true".into()),
            "false" | "False" | "FALSE" => Scalar::Json("false".into()),
            _ => number(text).map_or(Scalar::Text(text), Scalar::Json),
        }
    }
}

/// Returns the name of a tag of YAML; the empty one for `!`.
fn core_name(tag: &Tag) -> Option<&str> {
    match (tag.handle.as_str(), tag.suffix.as_str()) {
        (CORE, name) => Some(name),
        ("!", "") | ("", "!") => Some(""),
        ("", whole) => whole.strip_prefix(CORE),
        _ => None,
    }
}

/// Checks the tag of a container.
pub(super) fn of_container(container: Container, tag: Option<&Tag>) -> Result<(), Problem> {
    let Some(tag) = tag else { return Ok(()) };
    match (core_name(tag).ok_or(Problem::Unknown)?, container) {
        ("" | "map", Container::Object) | ("" | "seq", Container::Array) => Ok(()),
        ("map" | "seq" | "str" | "int" | "float" | "bool" | "null", _) => Err(Problem::Unfit),
        _ => Err(Problem::Unknown),
    }
}

/// Returns whether a text is a float that JSON does not have.
fn is_special(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN")
}

/// Returns a number as JSON writes it.
fn number(text: &str) -> Option<Cow<'_, str>> {
    let based = |digits: &str, base: u32| {
        let all = !digits.is_empty() && digits.chars().all(|c| c.is_digit(base));
        all.then(|| u64::from_str_radix(digits, base).ok().map(|number| number.to_string().into())).flatten()
    };
    if let Some(digits) = text.strip_prefix("0x") {
        return based(digits, 16);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return based(digits, 8);
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_number = digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|exponent| {
            let digits_of = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
            !digits_of.is_empty() && digits(digits_of)
        });
    // YAML 1.1 reads `010` as 8.
    if !is_number || whole.len() > 1 && whole.starts_with('0') {
        return None;
    }
    if !whole.is_empty() && !mantissa.ends_with('.') && !text.starts_with('+') {
        return Some(text.into());
    }
    let sign = if text.starts_with('-') { "-" } else { "" };
    let whole = if whole.is_empty() { "0" } else { whole };
    let point = if fraction.is_empty() { "" } else { "." };
    let exponent = exponent.map(|exponent| format!("e{exponent}")).unwrap_or_default();
    Some(format!("{sign}{whole}{point}{fraction}{exponent}").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_are_read_by_the_core_schema() {
        let numbers = [
            ("0", "0"),
            ("-0", "-0"),
            ("+12", "12"),
            ("0o17", "15"),
            ("0x1F", "31"),
            ("1.50", "1.50"),
            ("1.", "1"),
            (".5", "0.5"),
            ("-.5", "-0.5"),
            ("1e3", "1e3"),
            ("1.E+3", "1e+3"),
            ("+0.1e-2", "0.1e-2"),
            ("0xFFFFFFFFFFFFFFFF", "18446744073709551615"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
        ];
        for (text, json) in numbers {
            assert_eq!(Scalar::plain(text), Scalar::Json(json.into()), "{text}");
            serde_json::from_str::<serde_json::Value>(json).unwrap();
        }
        for text in [
            "no",
            "No",
            "off",
            "y",
            "yes",
            "on",
            "tRUE",
            "nULL",
            "1_000",
            "010",
            "00",
            "-01.5",
            "0b11",
            "0x",
            "0xG",
            "0X1F",
            "0o8",
            "-0x1F",
            "0x1FFFFFFFFFFFFFFFF",
            ".",
            "-",
            "+",
            "e3",
            "1e",
            "1e+",
            "1.2.3",
            ".inf",
            "-.INF",
            ".nan",
            "2026-09-01",
            "06:00:00",
            "1 2",
            "١",
        ] {
            assert_eq!(Scalar::plain(text), Scalar::Text(text), "{text}");
        }
    }
}
