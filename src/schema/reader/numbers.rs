//! Readers of numbers and booleans.

use super::{Datum, WrongShape};
use crate::value::{Inexact, parse_number};

/// A unit of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A second.
    Seconds,
    /// A minute.
    Minutes,
    /// An hour.
    Hours,
    /// A day of 24 hours.
    Days,
}

impl Unit {
    /// Returns the name of its reader.
    pub fn name(self) -> &'static str {
        match self {
            Unit::Seconds => "seconds",
            Unit::Minutes => "minutes",
            Unit::Hours => "hours",
            Unit::Days => "days",
        }
    }

    fn millis(self) -> i64 {
        match self {
            Unit::Seconds => 1000,
            Unit::Minutes => 60_000,
            Unit::Hours => 3_600_000,
            Unit::Days => crate::value::DAY,
        }
    }

    /// Returns a number of these units as milliseconds.
    pub(super) fn duration(self, text: &str) -> Result<i64, WrongShape> {
        let expected = format!("a number of {}", self.name());
        let number = number(text).map_err(|wrong| WrongShape::new(expected.clone(), wrong.help))?;
        scaled(number, self.millis()).map_err(|why| WrongShape::new(expected, duration_help(why)))
    }
}

/// Returns the remedy for a duration that is not held exactly.
pub(super) fn duration_help(why: Inexact) -> &'static str {
    match why {
        Inexact::TooFine => "write a whole number of milliseconds",
        Inexact::TooLarge => "write a smaller number: the duration is too long to hold",
    }
}

/// Returns a number of units, each of some milliseconds. Nothing is rounded.
pub(super) fn scaled(number: &str, unit: i64) -> Result<i64, Inexact> {
    for (places, one) in [(0, 1), (3, 1_000), (6, 1_000_000), (9, 1_000_000_000)] {
        let fine = match parse_number(number, places) {
            Ok(fine) => i128::from(fine) * i128::from(unit),
            Err(Inexact::TooFine) => continue,
            Err(Inexact::TooLarge) => return Err(Inexact::TooLarge),
        };
        if fine % one != 0 {
            return Err(Inexact::TooFine);
        }
        return i64::try_from(fine / one).map_err(|_| Inexact::TooLarge);
    }
    Err(Inexact::TooFine)
}

/// Returns a text that is a number as JSON writes it; zeros may precede it.
pub(super) fn number(text: &str) -> Result<&str, WrongShape> {
    let text = text.trim();
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_number = digits(whole.strip_prefix('-').unwrap_or(whole))
        && digits(fraction)
        && digits(exponent.strip_prefix(['-', '+']).unwrap_or(exponent));
    let help = "write digits, with a point before a fraction and without other separators";
    is_number.then_some(text).ok_or_else(|| WrongShape::new("a number", help))
}

/// Returns the boolean that a value means.
pub(super) fn boolean(datum: &Datum) -> Result<bool, WrongShape> {
    let wrong = || WrongShape::new("a boolean", "write true or false, yes or no, on or off, 1 or 0");
    match datum {
        Datum::Bool(value) => Ok(*value),
        Datum::Number(number) => match parse_number(number, 0) {
            Ok(1) => Ok(true),
            Ok(0) => Ok(false),
            _ => Err(wrong()),
        },
        Datum::Text(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Ok(true),
            "false" | "no" | "off" | "0" => Ok(false),
            _ => Err(wrong()),
        },
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_units_are_durations_without_rounding() {
        for (unit, text, expected) in [
            (Unit::Seconds, "90", Some(90_000)),
            (Unit::Seconds, " 0.25 ", Some(250)),
            (Unit::Minutes, "-1.5", Some(-90_000)),
            (Unit::Hours, "1e2", Some(360_000_000)),
            (Unit::Days, "007", Some(604_800_000)),
            (Unit::Seconds, "9223372036854775.807", Some(i64::MAX)),
            (Unit::Seconds, "0.0001", None),
            (Unit::Days, "106751991168", None),
            (Unit::Days, "1e99999999999999999999", None),
            (Unit::Days, "14d", None),
            (Unit::Days, "1,000", None),
            (Unit::Days, "", None),
            (Unit::Days, "NaN", None),
        ] {
            assert_eq!(unit.duration(text).ok(), expected, "{text} {unit:?}");
        }
    }

    #[test]
    fn only_the_usual_words_are_booleans() {
        let text = |text: &str| Datum::Text(text.to_owned());
        for yes in [text("TRUE"), text(" yes "), text("On"), text("1"), Datum::Number("1.0".into()), Datum::Bool(true)]
        {
            assert_eq!(boolean(&yes), Ok(true), "{yes:?}");
        }
        for no in [text("false"), text("NO"), text("off"), text("0"), Datum::Number("0".into()), Datum::Bool(false)] {
            assert_eq!(boolean(&no), Ok(false), "{no:?}");
        }
        for other in
            [text(""), text("y"), text("enabled"), text("01"), Datum::Number("2".into()), Datum::Number("0.1".into())]
        {
            assert!(boolean(&other).is_err(), "{other:?}");
        }
    }
}
