//! The meaning of a cell: a value of the snapshot, a lack of one, or a mistake.

use super::description::{CellForm, Column};
use super::node::{Node, Value};
use crate::source::Place;
use crate::value::fold::caseless;
use crate::value::{parse_datetime, parse_number, show_datetime};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::fmt::strtime;
use jiff::tz::{Offset, TimeZone};

/// The settings for times that do not have one meaning by themselves.
#[derive(Debug, Clone, Default)]
pub struct Dates {
    /// Whether the day is before the month in dates such as `03/04/2026`.
    pub day_first: bool,
    /// The zone of times without offset.
    pub zone: Option<TimeZone>,
}

/// The kind of value that a file has for a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// A text. It may be a number in the format of a language.
    Text,
    /// A number of JSON, which has one meaning.
    Number,
}

/// The meaning of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// A value.
    Value(Value),
    /// The cell states that there is no value.
    Absent,
    /// The cell does not state a value.
    Unknown,
    /// The cell has a word that the description does not list.
    OtherWord,
    /// The cell is not readable.
    Wrong(Wrong),
}

/// A mistake in a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// The problem, after the text of the cell.
    pub message: &'static str,
    /// The remedy.
    pub help: &'static str,
}

/// Returns the meaning of the text of a cell. White space around it has no meaning.
pub fn meaning(column: &Column, (text, written): (&str, Written), place: &Place, dates: &Dates) -> Meaning {
    let text = text.trim();
    if text.is_empty() {
        return empty(column);
    }
    let folded = caseless(text);
    if column.unknown.iter().any(|word| *word == folded) {
        return Meaning::Unknown;
    }
    if column.absent.iter().any(|word| *word == folded) {
        return Meaning::Absent;
    }
    match &column.separator {
        Some(separator) => {
            let texts = text.split(separator.as_str());
            elements(column, texts.map(|text| (text, written)), place, dates)
        }
        None => single(column, (text, written), dates),
    }
}

/// Returns the meaning of a cell without a text.
fn empty(column: &Column) -> Meaning {
    if column.empty_is_absent { Meaning::Absent } else { Meaning::Unknown }
}

/// Returns the meaning of the elements of a list.
pub(super) fn elements<'t>(
    column: &Column,
    texts: impl Iterator<Item = (&'t str, Written)>,
    place: &Place,
    dates: &Dates,
) -> Meaning {
    let (mut elements, mut is_blank, mut is_absent) = (Vec::new(), false, false);
    for (part, written) in texts.map(|(text, written)| (text.trim(), written)) {
        let folded = caseless(part);
        if part.is_empty() {
            is_blank = true;
        } else if column.unknown.iter().any(|word| *word == folded) {
            return Meaning::Unknown;
        } else if column.absent.iter().any(|word| *word == folded) {
            is_absent = true;
        } else {
            match single(column, (part, written), dates) {
                Meaning::Value(value) => elements.push(Node::new(place, value)),
                other => return other,
            }
        }
    }
    match (elements.is_empty(), is_absent) {
        (true, true) => Meaning::Absent,
        (false, true) => Meaning::Wrong(Wrong {
            message: "has values and a word for no value",
            help: "remove the word, or the values",
        }),
        // Separators alone state as little as an empty cell. A list of JSON without elements is empty.
        (true, false) if is_blank => empty(column),
        (_, false) => Meaning::Value(Value::List(elements)),
    }
}

fn single(column: &Column, (text, written): (&str, Written), dates: &Dates) -> Meaning {
    if !column.words.is_empty() {
        let folded = caseless(text);
        let word = column.words.iter().find(|word| word.written.iter().any(|written| *written == folded));
        return word.map_or(Meaning::OtherWord, |word| Meaning::Value(Value::Text(word.word.clone())));
    }
    match column.form {
        CellForm::Text => Meaning::Value(Value::Text(text.to_owned())),
        CellForm::Time => {
            let read = time(text, &column.formats, dates);
            let read = if column.is_event_time { read.and_then(|time| start_of_day(time, dates)) } else { read };
            match read {
                Ok(time) => Meaning::Value(Value::Text(time)),
                Err(wrong) => Meaning::Wrong(wrong),
            }
        }
        CellForm::Number if written == Written::Text && may_separate_thousands(text) => Meaning::Wrong(Wrong {
            message: "may be a whole number with a separator of thousands, or a fraction",
            help: "write the whole number without the point, or the fraction without its last digit",
        }),
        CellForm::Number if parse_number(text, 4).is_ok() && text.parse::<serde_json::Number>().is_ok() => {
            Meaning::Value(Value::Number(text.to_owned()))
        }
        CellForm::Number => Meaning::Wrong(Wrong {
            message: "is not a number",
            help: "write digits, with a point before the fraction and without other separators",
        }),
        CellForm::Bool => match caseless(text).as_ref() {
            "true" | "yes" | "on" | "1" => Meaning::Value(Value::Bool(true)),
            "false" | "no" | "off" | "0" => Meaning::Value(Value::Bool(false)),
            _ => Meaning::Wrong(Wrong { message: "is neither true nor false", help: "write true or false" }),
        },
    }
}

/// Returns whether the point in a number may separate thousands: one to three digits are before it, the first of them not 0, and
/// three after it. Some languages write a thousand as `1.000`.
fn may_separate_thousands(text: &str) -> bool {
    let Some((whole, fraction)) = text.trim_start_matches(['-', '+']).split_once('.') else { return false };
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    are_digits(whole)
        && are_digits(fraction)
        && fraction.len() == 3
        && (1..=3).contains(&whole.len())
        && !whole.starts_with('0')
}

/// Reads a time, and returns it as RFC 3339 in UTC, or as a date if it has no time of day.
///
/// # Errors
/// When it has no meaning, or more than one.
pub fn time(text: &str, formats: &[String], dates: &Dates) -> Result<String, Wrong> {
    let as_written = text.len() == "YYYY-MM-DD".len();
    if let Ok(moment) = parse_datetime(text) {
        return Ok(if as_written { text.to_owned() } else { show_datetime(moment) });
    }
    if text.as_bytes().first().is_some_and(u8::is_ascii_digit) && text.as_bytes().get(4) == Some(&b'-') {
        return like_rfc_3339(text, dates);
    }
    for format in formats {
        let Ok(parts) = strtime::parse(format, text) else { continue };
        // `%Y` also reads `26`, which is not the year 26.
        if parts.year().is_some_and(|year| year < 1000) {
            return Err(NOT_A_TIME);
        }
        if let Ok(moment) = parts.to_timestamp() {
            // RFC 3339 has no other offsets.
            let is_offset = |offset: Offset| offset.seconds().abs() < 86_400 && offset.seconds() % 60 == 0;
            return parts.offset().is_none_or(is_offset).then(|| moment.to_string()).ok_or(NOT_A_TIME);
        }
        // Without a time of day it is midnight for jiff, and a date here.
        return match (parts.hour(), parts.to_datetime(), parts.to_date()) {
            (Some(_), Ok(local), _) => in_zone(local, dates),
            (None, _, Ok(date)) => Ok(date.to_string()),
            _ => Err(NOT_A_TIME),
        };
    }
    let (date, rest) = text.split_once([' ', 'T', ',']).unwrap_or((text, ""));
    let date = numeric_date(date, dates)?;
    let rest = rest.trim_start_matches([' ', ',']);
    if rest.is_empty() {
        return Ok(date.to_string());
    }
    let (clock, half) = match rest.split_once(' ') {
        Some((clock, half)) => (clock, half.trim()),
        None => (rest, ""),
    };
    let format = match (half, clock.matches(':').count()) {
        ("", 1) => "%H:%M",
        ("", 2) => "%H:%M:%S",
        (_, 1) => "%I:%M %p",
        (_, 2) => "%I:%M:%S %p",
        _ => return Err(NOT_A_TIME),
    };
    let clock = if half.is_empty() { clock.to_owned() } else { format!("{clock} {half}") };
    let time = strtime::parse(format, &clock).and_then(|parts| parts.to_time()).map_err(|_| NOT_A_TIME)?;
    in_zone(date.to_datetime(time), dates)
}

/// Reads a time of RFC 3339 that may lack its seconds, the minutes of its offset, or the offset, and may have the name of a zone after
/// the offset. Everything else in it is read as by the schema.
fn like_rfc_3339(text: &str, dates: &Dates) -> Result<String, Wrong> {
    let (text, zone) = match text.strip_suffix(']').and_then(|text| text.split_once('[')) {
        Some((text, zone)) => (text, Some(zone)),
        None => (text, None),
    };
    let (day, clock) = text.split_at_checked("YYYY-MM-DDT".len()).ok_or(NOT_A_TIME)?;
    let at = clock.find(['Z', 'z', '+', '-']).unwrap_or(clock.len());
    let (clock, offset) = clock.split_at_checked(at).ok_or(NOT_A_TIME)?;
    let seconds = if clock.len() == "HH:MM".len() { ":00" } else { "" };
    let minutes = if offset.len() == "+HH".len() { ":00" } else { "" };
    let moment = |offset: &str| parse_datetime(&format!("{day}{clock}{seconds}{offset}")).map_err(|_| NOT_A_TIME);
    let in_utc = moment("Z")?;
    if offset.is_empty() {
        let local = Timestamp::from_millisecond(in_utc).map_err(|_| NOT_A_TIME)?;
        // The zone alone would not decide between two times when clocks change.
        return if zone.is_none() { in_zone(Offset::UTC.to_datetime(local), dates) } else { Err(NOT_A_TIME) };
    }
    let moment = moment(&format!("{offset}{minutes}"))?;
    // `Z` states no offset of the zone (RFC 9557, section 2.2).
    if let Some(name) = zone.filter(|name| !matches!(offset, "Z" | "z") && *name != offset) {
        let zone = TimeZone::get(name).map_err(|_| Wrong {
            message: "has a zone that is not known",
            help: "write the time with its offset only, such as 2026-10-25T02:30:00+02:00",
        })?;
        let at = Timestamp::from_millisecond(moment).map_err(|_| NOT_A_TIME)?;
        if i64::from(zone.to_offset(at).seconds()) * 1000 != in_utc - moment {
            return Err(Wrong {
                message: "has an offset that its zone does not have at this time",
                help: "correct the offset, or write the time without the zone",
            });
        }
    }
    Ok(show_datetime(moment))
}

/// Returns the time that an argument of the command line states, in milliseconds since 1970. A date is the start of the day.
///
/// # Errors
/// When it has no meaning, or more than one.
pub fn stated_time(text: &str, dates: &Dates) -> Result<i64, Wrong> {
    let time = start_of_day(time(text.trim(), &[], dates)?, dates)?;
    parse_datetime(&time).map_err(|_| NOT_A_TIME)
}

/// Returns the start of a day in the zone of the dates. Other times are returned as they are.
fn start_of_day(time: String, dates: &Dates) -> Result<String, Wrong> {
    match time.parse::<Date>() {
        Ok(date) if time.len() == "YYYY-MM-DD".len() && dates.zone.is_some() => {
            in_zone(date.to_datetime(jiff::civil::Time::midnight()), dates)
        }
        _ => Ok(time),
    }
}

const NOT_A_TIME: Wrong =
    Wrong { message: "is not a time", help: "write a date such as 2026-09-01, or a time such as 2026-09-01T06:00:00Z" };

fn in_zone(local: DateTime, dates: &Dates) -> Result<String, Wrong> {
    let Some(zone) = &dates.zone else {
        return Err(Wrong {
            message: "has no offset from UTC",
            help: "name the zone of the export with --zone, such as --zone Asia/Kolkata or --zone UTC",
        });
    };
    match zone.to_ambiguous_timestamp(local).unambiguous() {
        Ok(moment) => Ok(show_datetime(moment.as_millisecond())),
        Err(_) => Err(Wrong {
            message: "is skipped or repeated in the zone of --zone, where clocks change",
            help: "write the time with its offset, such as 2026-10-25T02:30:00+02:00",
        }),
    }
}

/// Reads a date of three numbers.
fn numeric_date(text: &str, dates: &Dates) -> Result<Date, Wrong> {
    let Some(separator) = text.chars().find(|c| !c.is_ascii_digit()).filter(|c| matches!(c, '/' | '.' | '-')) else {
        return Err(NOT_A_TIME);
    };
    let numbers: Vec<&str> = text.split(separator).collect();
    let [first, second, third] = numbers[..] else { return Err(NOT_A_TIME) };
    let number = |text: &str| text.parse::<i16>().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()));
    let (Some(a), Some(b), Some(c)) = (number(first), number(second), number(third)) else { return Err(NOT_A_TIME) };
    let (year, month, day) = match (first.len(), third.len()) {
        (4, 1 | 2) => (a, b, c),
        (1 | 2, 4) if dates.day_first => (c, b, a),
        (1 | 2, 4) if a > 12 && b <= 12 => {
            return Err(Wrong { message: "has the day before the month", help: "pass --day-first" });
        }
        (1 | 2, 4) if b > 12 => {
            return Err(Wrong { message: "has the month before the day", help: "export dates as YYYY-MM-DD" });
        }
        (1 | 2, 4) => {
            return Err(Wrong {
                message: "does not state whether the day or the month is first",
                help: "pass --day-first if the day is first; otherwise export dates as YYYY-MM-DD",
            });
        }
        _ => return Err(NOT_A_TIME),
    };
    let date =
        i8::try_from(month).ok().zip(i8::try_from(day).ok()).and_then(|(month, day)| Date::new(year, month, day).ok());
    date.ok_or(Wrong {
        message: "is not a day of the calendar",
        help: "correct the date; with --day-first the day is before the month",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Source, Span};

    #[test]
    fn a_stated_day_starts_in_its_zone() {
        let of = |text: &str, zone: Option<&str>| {
            let zone = zone.map(|zone| TimeZone::get(zone).unwrap());
            stated_time(text, &Dates { day_first: false, zone }).map(show_datetime).map_err(|wrong| wrong.message)
        };
        assert_eq!(of("2026-09-01", None).as_deref(), Ok("2026-09-01T00:00:00Z"));
        assert_eq!(of("2026-09-01", Some("Asia/Kolkata")).as_deref(), Ok("2026-08-31T18:30:00Z"));
        assert_eq!(of("2026-09-01T06:00:00Z", Some("Asia/Kolkata")).as_deref(), Ok("2026-09-01T06:00:00Z"));
        assert_eq!(of("2026-09-01 06:00", Some("Asia/Kolkata")).as_deref(), Ok("2026-09-01T00:30:00Z"));
        assert_eq!(of("2026-09-01 06:00", None), Err("has no offset from UTC"));
        assert_eq!(of("soon", None), Err("is not a time"));
    }

    fn read(text: &str, day_first: bool, zone: Option<&str>) -> Result<String, &'static str> {
        let zone = zone.map(|zone| TimeZone::get(zone).unwrap());
        let formats = ["%b %d, %Y, %I:%M %p", "%d %b %Y", "%b %d, %Y, %I:%M %p %:z"].map(str::to_owned);
        time(text, &formats, &Dates { day_first, zone }).map_err(|wrong| wrong.message)
    }

    #[test]
    fn a_list_states_something_if_all_of_its_elements_do() {
        let place = Place::new(&Source::new("x", "x").unwrap(), Span::default());
        let of = |text: &str, empty_is_absent: bool| {
            let words = |word: &str| vec![word.to_owned()];
            let column = Column {
                property: Vec::new(),
                headers: Vec::new(),
                required: false,
                form: CellForm::Text,
                words: Vec::new(),
                unknown: words("n/a"),
                absent: words("none"),
                separator: Some(";".to_owned()),
                formats: Vec::new(),
                is_event_time: false,
                may_be_absent: true,
                empty_is_absent,
                record: None,
                place: place.clone(),
            };
            match meaning(&column, (text, Written::Text), &place, &Dates::default()) {
                Meaning::Value(Value::List(elements)) => format!("{}", elements.len()),
                Meaning::Wrong(wrong) => wrong.message.to_owned(),
                other => format!("{other:?}"),
            }
        };
        for (text, expected) in [
            ("a; b", "2"),
            ("a;", "1"),
            ("n/a", "Unknown"),
            ("n/a;", "Unknown"),
            ("a; N/A", "Unknown"),
            ("none;", "Absent"),
            ("none; a", "has values and a word for no value"),
            (";", "Absent"),
            ("", "Absent"),
        ] {
            assert_eq!(of(text, true), expected, "{text}");
        }
        assert_eq!(of(" ; ", false), "Unknown");
    }

    #[test]
    fn a_point_before_three_digits_may_separate_thousands() {
        for text in ["1.000", "-12.500", "999.999"] {
            assert!(may_separate_thousands(text), "{text}");
        }
        for text in ["1000", "1.0", "1.5", "0.250", "1000.125", "1.0000", "1.5e3", "1.000.000", "", ".125", "v1.000"] {
            assert!(!may_separate_thousands(text), "{text}");
        }
    }

    #[test]
    fn times_have_one_meaning_or_are_refused() {
        for (text, expected) in [
            ("2026-09-01", "2026-09-01"),
            ("2026-09-01T06:00:00+05:30", "2026-09-01T00:30:00Z"),
            ("2026-09-01 06:00:00", "2026-09-01T00:30:00Z"),
            ("2026-09-01 06:00", "2026-09-01T00:30:00Z"),
            ("2026-08-31 09:30:00-04", "2026-08-31T13:30:00Z"),
            ("2026-08-31 13:42:00+00", "2026-08-31T13:42:00Z"),
            ("2026-08-31T09:30:00-04:00[America/New_York]", "2026-08-31T13:30:00Z"),
            ("2026-08-31T13:42-08", "2026-08-31T21:42:00Z"),
            ("2026-08-31T13:42Z", "2026-08-31T13:42:00Z"),
            ("2026-08-31T13:42:00.25+0530", "2026-08-31T08:12:00.25Z"),
            ("2026-08-31T13:42:00.25+05", "2026-08-31T08:42:00.25Z"),
            ("2026-08-31T13:42:00Z[America/New_York]", "2026-08-31T13:42:00Z"),
            ("2026-08-31T13:42:00+01:00[+01:00]", "2026-08-31T12:42:00Z"),
            ("2026-09-01 06:00:00.5", "2026-09-01T00:30:00.5Z"),
            ("31/08/2026", "2026-08-31"),
            ("1.9.2026 06:00", "2026-09-01T00:30:00Z"),
            ("01/09/2026, 6:00:05 am", "2026-09-01T00:30:05Z"),
            ("2026/09/01", "2026-09-01"),
            ("Sep 01, 2026, 06:00 PM", "2026-09-01T12:30:00Z"),
            ("01 Sep 2026", "2026-09-01"),
        ] {
            assert_eq!(read(text, true, Some("Asia/Kolkata")).as_deref(), Ok(expected), "{text}");
        }
        for (text, day_first, zone, expected) in [
            ("2026-09-01 06:00:00", false, None, "has no offset from UTC"),
            ("03/04/2026", false, None, "does not state whether the day or the month is first"),
            ("31/08/2026", false, None, "has the day before the month"),
            ("31/08/2026 10:00", false, None, "has the day before the month"),
            ("08/31/2026", false, None, "has the month before the day"),
            ("08/31/2026", true, None, "is not a day of the calendar"),
            ("30/02/2026", true, None, "is not a day of the calendar"),
            ("1/2/26", true, None, "is not a time"),
            ("soon", true, None, "is not a time"),
            ("Apr 3, 26, 1:00 PM", true, Some("UTC"), "is not a time"),
            ("2026-13-01", true, None, "is not a time"),
            ("2026-08-31T13", true, Some("UTC"), "is not a time"),
            ("2026-08-31 09:30 EST", true, Some("UTC"), "is not a time"),
            ("2026-08-31T13:42:00[Europe/Berlin]", true, Some("UTC"), "is not a time"),
            ("2027-01-01T00:00:00+25:00", true, Some("UTC"), "is not a time"),
            ("2027-01-01T00:00:00+24", true, Some("UTC"), "is not a time"),
            ("2027-01-01T00:00:00+05:30:15", true, Some("UTC"), "is not a time"),
            ("2027-01-01T23:59:60Z", true, Some("UTC"), "is not a time"),
            ("2027-01-01T23:59:60", true, Some("UTC"), "is not a time"),
            ("2027-01-01T10Z", true, Some("UTC"), "is not a time"),
            ("2027-01-01T1030Z", true, Some("UTC"), "is not a time"),
            ("2027-01-01T10:30:00,5Z", true, Some("UTC"), "is not a time"),
            ("2027-01-01T10:30:00,5", true, Some("UTC"), "is not a time"),
            ("2027-01-01Z", true, Some("UTC"), "is not a time"),
            ("2027-01-01T10:30:00é", true, Some("UTC"), "is not a time"),
            ("Jan 01, 2027, 01:00 PM +25:00", true, Some("UTC"), "is not a time"),
            ("2027-01-01T10:30:00+01:00[Asia/Kolkat]", true, Some("UTC"), "has a zone that is not known"),
            (
                "2027-01-01T10:30:00+01[America/New_York]",
                true,
                Some("UTC"),
                "has an offset that its zone does not have at this time",
            ),
            (
                "2026-10-25 02:30:00",
                true,
                Some("Europe/Berlin"),
                "is skipped or repeated in the zone of --zone, where clocks change",
            ),
            (
                "2026-03-29 02:30:00",
                true,
                Some("Europe/Berlin"),
                "is skipped or repeated in the zone of --zone, where clocks change",
            ),
        ] {
            assert_eq!(read(text, day_first, zone), Err(expected), "{text}");
        }
    }
}
