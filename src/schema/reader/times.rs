//! Readers of times and durations.

use super::numbers::{duration_help, number, scaled};
use super::{Datum, DatumType, WrongShape};
use crate::value::{DAY, Inexact, MOMENTS, parse_datetime, parse_number};
use jiff::civil::{Date, DateTime};
use jiff::fmt::strtime::{self, BrokenDownTime};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase};

/// The format of `date`, in the syntax of `strftime`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DateFormat {
    text: String,
    gives: DatumType,
}

impl DateFormat {
    /// Returns the format of an argument of `date`.
    pub(super) fn new(argument: &str) -> Result<Self, (String, String)> {
        let invalid = |message: &str, help: &str| Err((format!("`{argument}` {message}"), help.to_owned()));
        // An afternoon, which a format without the half of the day does not give back.
        let sample = jiff::civil::date(2001, 2, 3).at(16, 5, 6, 789_000_000);
        let written = sample.to_zoned_datetime(TimeZone::UTC).and_then(|sample| strtime::format(argument, &sample));
        let Some(back) = written.ok().and_then(|written| BrokenDownTime::parse(argument, written).ok()) else {
            return invalid("is not a format of a date", "write directives such as %Y-%m-%d %H:%M:%S");
        };
        if back.iana_time_zone().is_some() {
            return invalid("reads the name of a time zone", "read an offset with %z, or add zone(\"Europe/Berlin\")");
        }
        if back.to_timestamp().is_ok() {
            return Ok(Self { text: argument.to_owned(), gives: DatumType::Moment });
        }
        match back.to_datetime() {
            Ok(time) if time.date() != sample.date() => {
                invalid("does not give the day", "write the year, the month and the day, such as %Y-%m-%d")
            }
            Ok(_) if back.hour().is_none() => Ok(Self { text: argument.to_owned(), gives: DatumType::Day }),
            Ok(time) if time.hour() == sample.hour() => {
                Ok(Self { text: argument.to_owned(), gives: DatumType::LocalTime })
            }
            Ok(_) => invalid("does not give the hour of the day", "add %p, or write %H in place of %I"),
            Err(_) => invalid("does not give the day", "write the year, the month and the day, such as %Y-%m-%d"),
        }
    }

    /// Returns the argument.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the type of the values that it gives.
    pub fn gives(&self) -> DatumType {
        self.gives
    }

    pub(super) fn read(&self, text: &str) -> Result<Datum, WrongShape> {
        let wrong = || {
            let kind = if self.gives == DatumType::Day { "date" } else { "time" };
            WrongShape::new(
                format!("a {kind} in the format {}", self.text),
                format!("write the {kind} as {}", self.text),
            )
        };
        let read = BrokenDownTime::parse(&self.text, text.trim()).map_err(|_| wrong())?;
        // `%Y` also reads `26`, which is not the year 26.
        if read.year().is_some_and(|year| year < 1000) {
            return Err(wrong());
        }
        let datum = match self.gives {
            DatumType::Day => read.to_date().ok().map(Datum::Day),
            DatumType::LocalTime => read.to_datetime().ok().map(Datum::LocalTime),
            _ => return moment(millis_of(read.to_timestamp().map_err(|_| wrong())?)).map(Datum::Moment),
        };
        datum.ok_or_else(wrong)
    }
}

/// A time zone by its name in the database that is a part of the program, or an offset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

impl Zone {
    /// Returns the time zone of an argument of `zone`.
    pub(super) fn new(argument: &str) -> Result<Self, (String, String)> {
        let name = argument.trim();
        if let Some(offset) = offset(name) {
            return Ok(Self { name: name.to_owned(), zone: offset.to_time_zone() });
        }
        let database = TimeZoneDatabase::bundled();
        match database.get(name) {
            Ok(zone) => Ok(Self { name: zone.iana_name().unwrap_or(name).to_owned(), zone }),
            Err(_) => {
                let known: Vec<String> = database.available().map(|name| name.to_string()).collect();
                let near = crate::source::nearest(name, known.iter().map(String::as_str));
                let help = match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => {
                        "write a name of the IANA database such as Europe/Berlin, or an offset such as +05:30".into()
                    }
                };
                Err((format!("`{name}` is not a time zone"), help))
            }
        }
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn read(&self, datum: &Datum) -> Result<i64, WrongShape> {
        match datum {
            Datum::Day(day) => self.moment(day.at(0, 0, 0, 0)),
            Datum::LocalTime(time) => self.moment(*time),
            Datum::Text(text) => {
                let text = text.trim();
                let wrong = |help: String| WrongShape::new("a time", help);
                // A date has no offset. Another text that is read without an addition has one.
                let whole = match text.len() {
                    10 => text.to_owned() + "T00:00:00Z",
                    16 => text.to_owned() + ":00Z",
                    _ => match parse_datetime(text) {
                        Ok(moment) => return Ok(moment),
                        Err(_) => text.to_owned() + "Z",
                    },
                };
                let expected = "write a time such as 2026-09-01T06:00:00";
                let local = parse_datetime(&whole).map_err(|_| wrong(expected.to_owned()))?;
                let local = jiff::Timestamp::from_millisecond(local).map_err(|_| wrong(expected.to_owned()))?;
                self.moment(Offset::UTC.to_datetime(local))
            }
            _ => Err(WrongShape::new("a time without offset", "write a time such as 2026-09-01T06:00:00")),
        }
    }

    /// Returns the moment of a local time, unless a change of the clocks skips or repeats it.
    fn moment(&self, local: DateTime) -> Result<i64, WrongShape> {
        let expected = format!("a time of {}", self.name);
        let found = self.zone.to_ambiguous_timestamp(local);
        let help = match found.offset() {
            AmbiguousOffset::Gap { .. } => "correct the time: a change of the clocks skips it",
            AmbiguousOffset::Fold { .. } => "write the offset: a change of the clocks repeats the time",
            AmbiguousOffset::Unambiguous { .. } => "write a time of the years 0 to 9999",
        };
        moment(millis_of(found.unambiguous().map_err(|_| WrongShape::new(expected, help))?))
    }
}

/// Returns an offset such as `+05:30`.
fn offset(text: &str) -> Option<Offset> {
    let (sign, rest) = match text.as_bytes().first()? {
        b'+' => (1, text.get(1..)?),
        b'-' => (-1, text.get(1..)?),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    let is_valid = digits(rest.get(..2)?) && digits(rest.get(3..)?) && hours < 24 && minutes < 60;
    Offset::from_seconds(sign * (hours * 60 + minutes) * 60).ok().filter(|_| is_valid)
}

/// Returns the milliseconds since 1970; finer fractions are cut off.
fn millis_of(moment: jiff::Timestamp) -> i128 {
    moment.as_nanosecond().div_euclid(1_000_000)
}

/// Returns a moment that a snapshot may have.
fn moment(millis: i128) -> Result<i64, WrongShape> {
    let (first, last) = MOMENTS;
    let within = i64::try_from(millis).ok().filter(|millis| (first..=last).contains(millis));
    within.ok_or_else(|| {
        WrongShape::new("a time of the years 0 to 9999", "correct the number, or the unit of the reader")
    })
}

/// Reads a number of units since 1970; one unit is a millisecond for 0 `places` and a second for 3. Finer fractions are
/// cut off.
pub(super) fn epoch(text: &str, places: i64) -> Result<i64, WrongShape> {
    let unit = if places == 0 { "milliseconds" } else { "seconds" };
    let expected = || format!("a number of {unit} since 1970");
    let number = number(text).map_err(|wrong| WrongShape::new(expected(), wrong.help))?;
    let millis = match parse_number(number, places) {
        Err(Inexact::TooFine) => cut(number, places),
        exact => exact,
    };
    let help = "correct the number, or the unit of the reader";
    moment(i128::from(millis.map_err(|_| WrongShape::new(expected(), help))?))
}

/// Returns a number with more decimal places than are held, rounded down.
fn cut(number: &str, places: i64) -> Result<i64, Inexact> {
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent: i64 = exponent.parse().map_err(|_| Inexact::TooFine)?;
    let kept = usize::try_from(places.saturating_add(exponent)).map_err(|_| Inexact::TooFine)?;
    let kept = fraction.get(..kept).unwrap_or(fraction);
    let held = parse_number(&format!("{whole}.{kept}e{exponent}"), places)?;
    if number.starts_with('-') { held.checked_sub(1).ok_or(Inexact::TooLarge) } else { Ok(held) }
}

/// Reads `/Date(1777406311623)/`. An offset after the number is that of the writer: the number is in UTC.
pub(super) fn json_date(text: &str) -> Result<i64, WrongShape> {
    let wrong = || WrongShape::new("a date of JSON", "write a number of milliseconds, such as /Date(1777406311623)/");
    let inner = text.trim().strip_prefix("/Date(").and_then(|rest| rest.strip_suffix(")/")).ok_or_else(wrong)?;
    let (negative, digits) = inner.strip_prefix('-').map_or((false, inner), |rest| (true, rest));
    let (digits, offset) =
        digits.split_once(['+', '-']).map_or((digits, None), |(digits, offset)| (digits, Some(offset)));
    let numeric = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !numeric(digits) || offset.is_some_and(|offset| offset.len() != 4 || !numeric(offset)) {
        return Err(wrong());
    }
    let millis: i64 = digits.parse().map_err(|_| wrong())?;
    moment(if negative { -i128::from(millis) } else { i128::from(millis) })
}

/// Reads a duration of ISO 8601: weeks, days, hours, minutes and seconds.
pub(super) fn iso_duration(text: &str) -> Result<i64, WrongShape> {
    let wrong = |help: &'static str| WrongShape::new("a duration of ISO 8601", help);
    let example = "write a duration such as P15D or PT8H30M";
    let upper = text.trim().to_ascii_uppercase().replace(',', ".");
    let (negative, rest) = match upper.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, upper.strip_prefix('+').unwrap_or(&upper)),
    };
    let rest = rest.strip_prefix('P').ok_or_else(|| wrong(example))?;
    let (date, time) = rest.split_once('T').map_or((rest, None), |(date, time)| (date, Some(time)));
    if time == Some("") || date.is_empty() && time.is_none() {
        return Err(wrong(example));
    }
    if date.contains(['Y', 'M']) {
        return Err(wrong("write days or weeks: years and months have no fixed length"));
    }
    let mut total: i128 = 0;
    for (part, units) in [
        (date, &[('W', 7 * DAY), ('D', DAY)][..]),
        (time.unwrap_or_default(), &[('H', 3_600_000), ('M', 60_000), ('S', 1000)][..]),
    ] {
        let mut units = units.iter();
        for component in part.split_inclusive(|c: char| c.is_ascii_alphabetic()) {
            let mut chars = component.chars();
            let name = chars.next_back();
            let (_, unit) = units.find(|(unit, _)| Some(*unit) == name).ok_or_else(|| wrong(example))?;
            let amount = number(chars.as_str()).ok().filter(|amount| !amount.contains('-'));
            let amount = amount.ok_or_else(|| wrong(example))?;
            total += i128::from(scaled(amount, *unit).map_err(|why| wrong(duration_help(why)))?);
        }
    }
    let total = if negative { -total } else { total };
    i64::try_from(total).map_err(|_| wrong(duration_help(Inexact::TooLarge)))
}

/// Returns midnight UTC of a day, in milliseconds since 1970.
pub fn midnight(day: Date) -> Option<i64> {
    let moment = Offset::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok()?;
    self::moment(millis_of(moment)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::show_datetime;

    fn shown(moment: Result<i64, WrongShape>) -> Option<String> {
        moment.ok().map(show_datetime)
    }

    #[test]
    fn numbers_since_1970_are_moments() {
        for (text, places, expected) in [
            ("1777406311", 3, Some("2026-04-28T19:58:31Z")),
            ("1777406311.6239", 3, Some("2026-04-28T19:58:31.623Z")),
            ("1.7774063116239E9", 3, Some("2026-04-28T19:58:31.623Z")),
            ("1777406311623", 0, Some("2026-04-28T19:58:31.623Z")),
            (" 1777406311623.9 ", 0, Some("2026-04-28T19:58:31.623Z")),
            ("0", 3, Some("1970-01-01T00:00:00Z")),
            ("-0.0001", 3, Some("1969-12-31T23:59:59.999Z")),
            ("1777406311623", 3, None),
            ("99999999999999999999", 0, None),
            ("1e-400", 3, None),
            ("1e400", 3, None),
            ("soon", 3, None),
            ("", 0, None),
        ] {
            assert_eq!(shown(epoch(text, places)).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn dates_of_json_are_in_utc() {
        for (text, expected) in [
            ("/Date(1777406311623)/", Some("2026-04-28T19:58:31.623Z")),
            ("/Date(1777406311623+0530)/", Some("2026-04-28T19:58:31.623Z")),
            ("/Date(-1-0800)/", Some("1969-12-31T23:59:59.999Z")),
            ("/Date()/", None),
            ("/Date(1e3)/", None),
            ("/Date(99999999999999999)/", None),
            ("/Date(99999999999999999999)/", None),
            ("/Date(1+05:30)/", None),
            ("Date(1)", None),
        ] {
            assert_eq!(shown(json_date(text)).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn durations_of_iso_8601_have_a_fixed_length() {
        for (text, expected) in [
            ("P15D", Some(15 * DAY)),
            ("pt8h", Some(28_800_000)),
            ("P2W", Some(14 * DAY)),
            ("P1DT2H3M4.5S", Some(DAY + 7_384_500)),
            ("PT0,5H", Some(1_800_000)),
            ("-PT1M", Some(-60_000)),
            ("P0D", Some(0)),
            ("P1Y", None),
            ("P1M", None),
            ("P", None),
            ("PT", None),
            ("P1DT", None),
            ("P1H", None),
            ("PT1M2H", None),
            ("P1D2", None),
            ("P--1D", None),
            ("P-1D", None),
            ("PT0.0001S", None),
            ("P999999999999D", None),
            ("15D", None),
        ] {
            assert_eq!(iso_duration(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn a_format_gives_a_day_a_local_time_or_a_moment() {
        for (format, expected) in [
            ("%d/%m/%Y", Some(DatumType::Day)),
            ("%b %e, %Y", Some(DatumType::Day)),
            ("%y%m%d", Some(DatumType::Day)),
            ("%Y-%m-%d %H:%M", Some(DatumType::LocalTime)),
            ("%m/%d/%Y %I:%M %p", Some(DatumType::LocalTime)),
            ("%Y-%m-%dT%H:%M:%S%z", Some(DatumType::Moment)),
            ("%s", Some(DatumType::Moment)),
            ("%m/%d/%Y %I:%M", None),
            ("%d/%m", None),
            ("%Y-%m-%d %M:%S", None),
            ("%Y-%m-%d %H:%M[%Q]", None),
            ("%!", None),
            ("dd/mm/yyyy", None),
            ("", None),
        ] {
            assert_eq!(DateFormat::new(format).ok().map(|format| format.gives()), expected, "{format}");
        }
    }

    #[test]
    fn dates_are_read_in_their_format_only() {
        let read = |format: &str, text: &str| DateFormat::new(format).unwrap().read(text).ok();
        assert_eq!(read("%d/%m/%Y", " 01/09/2026 "), Some(Datum::Day(jiff::civil::date(2026, 9, 1))));
        assert_eq!(read("%d/%m/%Y", "09/30/2026"), None);
        assert_eq!(read("%d/%m/%Y", "30/02/2026"), None);
        assert_eq!(read("%d/%m/%Y", "03/04/26"), None);
        assert_eq!(read("%d/%m/%Y", "01/09/2026 10:00"), None);
        let moment = read("%d.%m.%Y %H:%M %z", "01.09.2026 06:00 +0530");
        assert_eq!(moment, Some(Datum::Moment(parse_datetime("2026-09-01T00:30:00Z").unwrap())));
    }

    #[test]
    fn local_times_are_moments_of_their_zone() {
        let berlin = Zone::new("europe/berlin").unwrap();
        assert_eq!(berlin.name(), "Europe/Berlin");
        for (text, expected) in [
            ("2026-09-01T06:00:00", Some("2026-09-01T04:00:00Z")),
            ("2026-01-01 06:00", Some("2026-01-01T05:00:00Z")),
            ("2026-01-01", Some("2025-12-31T23:00:00Z")),
            ("2026-01-01T06:00:00.5", Some("2026-01-01T05:00:00.5Z")),
            // A time with its offset is in another zone.
            ("2026-09-01T06:00:00Z", Some("2026-09-01T06:00:00Z")),
            // The clocks skip the first and repeat the second.
            ("2026-03-29T02:30:00", None),
            ("2026-10-25T02:30:00", None),
            ("2026-10-25T02:30:00+01:00", Some("2026-10-25T01:30:00Z")),
            ("2026-02-30T02:30:00", None),
            ("noon", None),
            ("", None),
        ] {
            assert_eq!(shown(berlin.read(&Datum::Text(text.to_owned()))).as_deref(), expected, "{text}");
        }
        let fixed = Zone::new("+05:30").unwrap();
        assert_eq!(shown(fixed.read(&Datum::Text("2026-09-01".into()))).as_deref(), Some("2026-08-31T18:30:00Z"));
        assert_eq!(Zone::new("Europe/Berlim").unwrap_err().1, "did you mean `Europe/Berlin`?");
        for name in ["", "Mars/Olympus", "+5:30", "+25:00", "+05:60", "+\u{e9}:30"] {
            assert!(Zone::new(name).is_err(), "{name}");
        }
    }
}
