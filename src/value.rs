//! Cedar values in the form that the engine uses, and the functions that read them from text.
//!
//! Datetimes and durations are milliseconds, decimals ten-thousandths, as in Cedar. The readers accept Cedar's syntax
//! and, for text of an account, common forms: RFC 3339 with any precision and offset, numbers for decimals. Operations
//! on values are in the engine.

pub mod fold;

mod entity;
mod outcomes;
mod problem;

pub use entity::{EntityRef, RefKind};
pub use outcomes::Outcomes;
pub use problem::epoch;

use crate::ids::id;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::cmp::Ordering;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

id! {
    /// An entity type of a schema, by its place in the model.
    ///
    /// The limits of a schema (`schema/size.rs`) keep places far below 65,535.
    pub struct TypeId(u16)
}

/// An address or a network: Cedar's `ipaddr`.
///
/// An IPv4-mapped address (`::ffff:0:0/96`) is an IPv6 address, as in Cedar: it is not in any IPv4 range, and it is
/// neither loopback nor multicast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IpNet {
    /// The address as written, host bits and all.
    pub addr: IpAddr,
    /// Prefix length in bits; 32 or 128 for a single address.
    pub prefix: u8,
}

/// A fully known value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the variants are Cedar's types")]
pub enum Value {
    Bool(bool),
    Long(i64),
    String(SmolStr),
    /// Ten-thousandths.
    Decimal(i64),
    /// Milliseconds since 1970-01-01T00:00:00Z.
    Datetime(i64),
    /// Milliseconds.
    Duration(i64),
    Ip(IpNet),
    Entity(EntityRef),
    Set(Arc<Set>),
    Record(Arc<Record>),
}

impl Value {
    /// Returns whether everything in the value is known.
    pub fn is_exact(&self) -> bool {
        match self {
            Self::Set(set) => set.is_exact() && set.items().iter().all(Self::is_exact),
            Self::Record(record) => {
                record.unknown.is_empty() && record.fields.iter().all(|(_, value)| value.is_exact())
            }
            _ => true,
        }
    }
}

/// A set, of which some elements may not be known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Set {
    // INVARIANT: both lists are sorted and without repetition, and share no element.
    items: Box<[Value]>,
    maybe: Box<[Value]>,
    open: bool,
}

impl Set {
    /// Returns the set of `items`.
    pub fn new(items: Vec<Value>) -> Self {
        Self::partial(items, Vec::new(), false)
    }

    /// Returns a set that holds `items`, may hold any of `maybe`, and, if `open`, any other values of its type.
    pub fn partial(mut items: Vec<Value>, mut maybe: Vec<Value>, open: bool) -> Self {
        items.sort_unstable();
        items.dedup();
        maybe.sort_unstable();
        maybe.dedup();
        maybe.retain(|value| items.binary_search(value).is_err());
        Self { items: items.into(), maybe: maybe.into(), open }
    }

    /// Returns the certain elements, in order.
    pub fn items(&self) -> &[Value] {
        &self.items
    }

    /// Returns the possible elements, in order.
    pub fn maybe(&self) -> &[Value] {
        &self.maybe
    }

    /// Returns whether the set may also hold values that are not known.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Returns whether every element is known.
    pub fn is_exact(&self) -> bool {
        self.maybe.is_empty() && !self.open
    }
}

/// A record; absent members are left out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Record {
    // INVARIANT: sorted by name, names are unique; no name is in both lists.
    fields: Vec<(SmolStr, Value)>,
    unknown: Vec<SmolStr>,
}

impl Record {
    /// Returns the record of `fields`. If two members have one name, the first is used.
    pub fn new(mut fields: Vec<(SmolStr, Value)>) -> Self {
        fields.sort_by(|a, b| a.0.cmp(&b.0));
        fields.dedup_by(|later, first| later.0 == first.0);
        Self { fields, unknown: Vec::new() }
    }

    /// Returns the record of `fields`. Presence and value of the members `unknown` are not known.
    pub fn partial(mut fields: Vec<(SmolStr, Value)>, mut unknown: Vec<SmolStr>) -> Self {
        unknown.sort_unstable();
        unknown.dedup();
        fields.retain(|(name, _)| unknown.binary_search(name).is_err());
        Self { unknown, ..Self::new(fields) }
    }

    /// Returns the names of the members whose presence and value are not known, in order.
    pub fn unknown(&self) -> &[SmolStr] {
        &self.unknown
    }

    /// Returns whether presence and value of a member are not known.
    pub fn is_unknown(&self, name: &str) -> bool {
        self.unknown.binary_search_by(|unknown| unknown.as_str().cmp(name)).is_ok()
    }

    /// Returns a member.
    pub fn get(&self, name: &str) -> Option<&Value> {
        let at = self.fields.binary_search_by(|(field, _)| field.as_str().cmp(name)).ok()?;
        self.fields.get(at).map(|(_, value)| value)
    }

    /// Returns the members in order of their names.
    pub fn fields(&self) -> &[(SmolStr, Value)] {
        &self.fields
    }
}

impl IpNet {
    /// Reads the argument of Cedar's `ip()`, which does not accept dotted notation inside an IPv6 address.
    ///
    /// # Errors
    /// A phrase saying what is wrong with the text.
    pub fn literal(text: &str) -> Result<Self, String> {
        let net = Self::parse(text)?;
        if net.addr.is_ipv6() && text.contains('.') {
            return Err(format!("Cedar reads IPv6 addresses in hexadecimal only: write `{net}`"));
        }
        Ok(net)
    }

    /// Reads an address or a CIDR range of a snapshot or a parameter: what Cedar's `ip()` reads, and dotted notation
    /// inside an IPv6 address, which is another spelling of the hexadecimal one.
    ///
    /// # Errors
    /// A phrase saying what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let addr: IpAddr = address.parse().map_err(|_| problem::of_ip(text))?;
        let most = if addr.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => most,
            Some(digits) => {
                let plain = digits.bytes().all(|b| b.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
                let bits = digits.parse::<u8>().ok().filter(|bits| plain && *bits <= most);
                bits.ok_or_else(|| problem::of_ip(text))?
            }
        };
        Ok(Self { addr, prefix })
    }

    /// Returns the IPv4 address or range that an IPv4-mapped one carries.
    pub fn mapped(&self) -> Option<Self> {
        let IpAddr::V6(v6) = self.addr else { return None };
        let prefix = self.prefix.checked_sub(96)?;
        v6.to_ipv4_mapped().map(|v4| Self { addr: IpAddr::V4(v4), prefix })
    }

    /// Returns the first and the last address of the range, as 128-bit numbers.
    pub fn bounds(&self) -> (u128, u128) {
        match self.addr {
            IpAddr::V4(v4) => {
                let bits = u32::from(v4);
                let host = u32::MAX.checked_shr(u32::from(self.prefix)).unwrap_or(0);
                (u128::from(bits & !host), u128::from(bits | host))
            }
            IpAddr::V6(v6) => {
                let bits = u128::from(v6);
                let host = u128::MAX.checked_shr(u32::from(self.prefix)).unwrap_or(0);
                (bits & !host, bits | host)
            }
        }
    }

    /// Returns whether `other` contains every address of this range. An IPv4 range does not contain IPv6 addresses.
    pub fn is_in_range(&self, other: &Self) -> bool {
        let (low, high) = self.bounds();
        let (other_low, other_high) = other.bounds();
        self.addr.is_ipv4() == other.addr.is_ipv4() && other_low <= low && high <= other_high
    }

    /// Returns whether the whole range is loopback.
    pub fn is_loopback(&self) -> bool {
        self.addr.is_loopback() && self.prefix >= if self.addr.is_ipv4() { 8 } else { 128 }
    }

    /// Returns whether the whole range is multicast.
    pub fn is_multicast(&self) -> bool {
        self.addr.is_multicast() && self.prefix >= if self.addr.is_ipv4() { 4 } else { 8 }
    }
}

/// Writes what Cedar's `ip()` reads: IPv6 addresses in hexadecimal only.
impl fmt::Display for IpNet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&show_address(self.addr))?;
        let whole = if self.addr.is_ipv4() { 32 } else { 128 };
        if self.prefix == whole { Ok(()) } else { write!(f, "/{}", self.prefix) }
    }
}

/// Writes an address, IPv6 in hexadecimal only: the standard library writes `::ffff:10.0.0.1`, which Cedar rejects.
pub fn show_address(addr: IpAddr) -> String {
    match addr {
        IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => {
            let [.., high, low] = v6.segments();
            format!("::ffff:{high:x}:{low:x}")
        }
        addr => addr.to_string(),
    }
}

/// Milliseconds of a day.
pub const DAY: i64 = 24 * 60 * 60 * 1000;

/// The first and the last moment that [`parse_datetime`] can read: years 0000 to 9999, offsets of less than a day.
pub const MOMENTS: (i64, i64) = (-62_167_219_200_000 - DAY, 253_402_300_799_999 + DAY);

/// Reads a moment: a date, or RFC 3339 with `Z`, `+hh:mm` or `+hhmm` and any number of fraction digits.
///
/// Returns milliseconds since 1970; finer fractions are cut off. A date alone is midnight UTC, as in Cedar.
///
/// # Errors
/// A phrase saying what is wrong with the text.
pub fn parse_datetime(text: &str) -> Result<i64, String> {
    let problem = || problem::of_datetime(text);
    let bytes = text.as_bytes();
    let digits = |from: usize, to: usize| {
        let field = bytes.get(from..to).filter(|field| field.iter().all(u8::is_ascii_digit))?;
        Some(field.iter().fold(0i64, |number, digit| number * 10 + i64::from(digit - b'0')))
    };
    let mark = |at: usize, byte: u8| bytes.get(at) == Some(&byte);
    let date = || Some((digits(0, 4)?, digits(5, 7)?, digits(8, 10)?)).filter(|_| mark(4, b'-') && mark(7, b'-'));
    let Some((year, month, day)) = date() else { return Err(problem()) };
    let civil = civil_date(year, month, day).ok_or_else(|| problem::of_day(year, month, day))?;
    let epoch = jiff::civil::date(1970, 1, 1);
    let days = civil.since(epoch).map_err(|_| problem())?.get_days();
    let midnight = i64::from(days) * DAY;
    if bytes.len() == 10 {
        return Ok(midnight);
    }
    let time =
        || Some((digits(11, 13)?, digits(14, 16)?, digits(17, 19)?)).filter(|_| mark(13, b':') && mark(16, b':'));
    let separator = matches!(bytes.get(10), Some(b'T' | b't' | b' '));
    let Some((hour, minute, second)) = time().filter(|_| separator) else { return Err(problem()) };
    if hour > 23 || minute > 59 || second > 59 {
        return Err(problem());
    }
    let fraction_end = if mark(19, b'.') {
        let end = 20 + bytes.iter().skip(20).take_while(|b| b.is_ascii_digit()).count();
        if end == 20 {
            return Err(problem());
        }
        end
    } else {
        19
    };
    let millis = (20..23)
        .fold(0, |millis, at| millis * 10 + if at < fraction_end { digits(at, at + 1).unwrap_or(0) } else { 0 });
    let offset = match bytes.get(fraction_end..) {
        Some(b"Z" | b"z") => 0,
        Some([sign @ (b'+' | b'-'), ..]) => {
            let hours = digits(fraction_end + 1, fraction_end + 3);
            let colon = usize::from(mark(fraction_end + 3, b':'));
            let minutes = digits(fraction_end + 3 + colon, fraction_end + 5 + colon)
                .filter(|_| bytes.len() == fraction_end + 5 + colon);
            match (hours, minutes) {
                (Some(hours @ 0..24), Some(minutes @ 0..60)) => {
                    (hours * 60 + minutes) * 60_000 * if *sign == b'-' { -1 } else { 1 }
                }
                _ => return Err(problem()),
            }
        }
        _ => return Err(problem()),
    };
    Ok(midnight + ((hour * 60 + minute) * 60 + second) * 1000 + millis - offset)
}

/// Returns a day of the Gregorian calendar, if there is such a day.
fn civil_date(year: i64, month: i64, day: i64) -> Option<jiff::civil::Date> {
    let (year, month, day) = (year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?);
    jiff::civil::Date::new(year, month, day).ok()
}

/// Reads a duration as Cedar writes it, `1d2h3m4s5ms` with an optional `-`, in milliseconds.
///
/// # Errors
/// A phrase saying what is wrong with the text.
pub fn parse_duration(text: &str) -> Result<i64, String> {
    let problem = || problem::of_duration(text);
    let (negative, mut rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let mut units = [("d", DAY), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)].iter();
    let mut total: i128 = 0;
    if rest.is_empty() {
        return Err(problem());
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at(digits);
        let letters = after.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, after) = after.split_at(letters);
        let (_, millis) = units.find(|(name, _)| *name == unit).ok_or_else(problem)?;
        let number: u64 = if number.is_empty() {
            return Err(problem());
        } else {
            number.parse().map_err(|_| "the duration is too long to hold")?
        };
        total += i128::from(number) * i128::from(*millis);
        rest = after;
    }
    i64::try_from(if negative { -total } else { total }).map_err(|_| "the duration is too long to hold".into())
}

/// Reads a decimal with at most four digits after the point, in ten-thousandths. The point may be left out.
///
/// # Errors
/// A phrase saying what is wrong with the text.
pub fn parse_decimal(text: &str) -> Result<i64, String> {
    if !is_decimal(text) {
        return Err(problem::of_decimal(text));
    }
    parse_number(text, 4).map_err(|_| "the number is too large for a decimal".into())
}

/// Returns whether a text is a number with at most four digits after the point, as [`parse_decimal`] reads it.
fn is_decimal(text: &str) -> bool {
    let (whole, fraction) = text.strip_prefix('-').unwrap_or(text).split_once('.').unwrap_or_else(|| {
        let whole = text.strip_prefix('-').unwrap_or(text);
        (whole, "0")
    });
    let numeric = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    numeric(whole) && numeric(fraction) && fraction.len() <= 4
}

/// The reason why a number of JSON is not represented exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inexact {
    /// It has more digits after the point than the type.
    TooFine,
    /// It does not fit 64 bits.
    TooLarge,
}

/// Reads a number as JSON writes it, with a fraction and an exponent, as a whole number of units of which `places`
/// decimal places make one: `1.5e2` is 150 with 0 places. Nothing is rounded.
///
/// # Errors
/// [`Inexact`] when the number is not held exactly.
pub fn parse_number(raw: &str, places: i64) -> Result<i64, Inexact> {
    // Most numbers are whole and small.
    if let (Ok(whole), Ok(places)) = (raw.parse::<i64>(), u32::try_from(places))
        && let Some(number) = 10i64.checked_pow(places).and_then(|unit| whole.checked_mul(unit))
    {
        return Ok(number);
    }
    let (mantissa, exponent) = raw.split_once(['e', 'E']).unwrap_or((raw, "0"));
    let (negative, mantissa) = mantissa.strip_prefix('-').map_or((false, mantissa), |rest| (true, rest));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_end_matches('0');
    let leading = significant.trim_start_matches('0');
    if leading.is_empty() {
        return Ok(0);
    }
    let count = |text: &str| i64::try_from(text.len()).unwrap_or(i64::MAX);
    let dropped = count(&digits) - count(significant);
    let shift = match exponent.strip_prefix('+').unwrap_or(exponent).parse::<i64>() {
        Ok(exponent) => exponent.saturating_add(dropped + places - count(fraction)),
        // An exponent of more than 64 bits.
        Err(_) if exponent.starts_with('-') => return Err(Inexact::TooFine),
        Err(_) => return Err(Inexact::TooLarge),
    };
    let Ok(shift) = u32::try_from(shift) else {
        return Err(if shift < 0 { Inexact::TooFine } else { Inexact::TooLarge });
    };
    if shift > 19 || leading.len() > 19 {
        return Err(Inexact::TooLarge);
    }
    let scaled = leading.parse::<i128>().map_err(|_| Inexact::TooLarge)? * 10i128.pow(shift);
    i64::try_from(if negative { -scaled } else { scaled }).map_err(|_| Inexact::TooLarge)
}

/// Returns a text that is equal for numbers of JSON with one value: `5` for `5`, `5.0` and `50e-1`. A number that neither `Long` nor
/// `decimal` holds is returned as written.
pub fn number_form(raw: &str) -> String {
    match (parse_number(raw, 0), parse_number(raw, 4)) {
        (Ok(whole), _) => whole.to_string(),
        (_, Ok(units)) => format!("{units}e-4"),
        _ => raw.to_owned(),
    }
}

/// Returns a moment in RFC 3339, UTC; beyond the years 0 to 9999 as milliseconds since 1970.
pub fn show_datetime(millis: i64) -> String {
    match jiff::Timestamp::from_millisecond(millis) {
        Ok(moment) => moment.to_string(),
        Err(_) => format!("{millis} ms after 1970"),
    }
}

/// Reads a moment that [`show_datetime`] wrote, as milliseconds since 1970.
pub(crate) fn read_shown_datetime(text: &str) -> Option<i64> {
    match text.strip_suffix(" ms after 1970") {
        Some(millis) => millis.parse().ok(),
        None => text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond),
    }
}

/// Returns a duration in Cedar's syntax, in the largest units without a remainder.
pub fn show_duration(millis: i64) -> String {
    let mut rest = millis.unsigned_abs();
    let mut text = String::from(if millis < 0 { "-" } else { "" });
    for (unit, size) in [("d", DAY.unsigned_abs()), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)] {
        if rest >= size {
            text.push_str(&format!("{}{unit}", rest / size));
            rest %= size;
        }
    }
    if text.is_empty() { "0ms".into() } else { text }
}

/// Returns a decimal with its point.
pub fn show_decimal(scaled: i64) -> String {
    let sign = if scaled < 0 { "-" } else { "" };
    let (whole, fraction) = (scaled.unsigned_abs() / 10_000, scaled.unsigned_abs() % 10_000);
    let digits = format!("{fraction:04}");
    let trimmed = digits.trim_end_matches('0');
    format!("{sign}{whole}.{}", if trimmed.is_empty() { "0" } else { trimmed })
}

/// Compares two values of one ordered type; `None` when their type has no order.
pub fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Long(a), Value::Long(b)) | (Value::Decimal(a), Value::Decimal(b)) => Some(a.cmp(b)),
        (Value::Datetime(a), Value::Datetime(b)) | (Value::Duration(a), Value::Duration(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cedar_policy::{EvalResult, eval_expression};
    use proptest::prelude::*;

    #[test]
    fn moments_that_are_shown_are_read_back() {
        for millis in [0, 1_788_220_800_123, -1, MOMENTS.0, MOMENTS.1, i64::MIN, i64::MAX] {
            assert_eq!(read_shown_datetime(&show_datetime(millis)), Some(millis));
        }
        for text in ["", "zzz", "2026-13-01T00:00:00Z", "x ms after 1970", "2026-09-01"] {
            assert_eq!(read_shown_datetime(text), None, "{text}");
        }
    }

    #[test]
    fn moments_are_read_as_people_write_them() {
        let at = |text| parse_datetime(text).map(show_datetime);
        assert_eq!(at("2026-09-01").unwrap(), "2026-09-01T00:00:00Z");
        assert_eq!(at("2026-09-01T06:00:00+05:30").unwrap(), "2026-09-01T00:30:00Z");
        assert_eq!(at("2026-09-01T06:00:00.123456-0100").unwrap(), "2026-09-01T07:00:00.123Z");
        assert_eq!(at("2026-09-01 06:00:00Z").unwrap(), "2026-09-01T06:00:00Z");
        for wrong in [
            "",
            "2026",
            "2026-13-01",
            "2026-02-30",
            "2026-09-01T06:00:00",
            "2026-09-01T25:00:00Z",
            "2026-09-01T06:00Z",
            "2026-09-01T06:00:00.Z",
            "01.09.2026",
        ] {
            assert!(at(wrong).is_err(), "{wrong}");
        }
    }

    fn evaluated(expression: &str) -> Option<EvalResult> {
        let expression = expression.parse().ok()?;
        let uid = || "T::\"x\"".parse::<cedar_policy::EntityUid>().unwrap();
        let request = cedar_policy::Request::new(uid(), uid(), uid(), cedar_policy::Context::empty(), None).unwrap();
        eval_expression(&request, &cedar_policy::Entities::empty(), &expression).ok()
    }

    fn cedar(function: &str, text: &str) -> Option<String> {
        match evaluated(&format!("{function}({})", serde_json::to_string(text).unwrap())) {
            Some(EvalResult::ExtensionValue(value)) => Some(value),
            _ => None,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn whatever_cedar_reads_we_read(
            date in "[0-9]{4}-[01][0-9]-[0-3][0-9](T[0-2][0-9]:[0-5][0-9]:[0-6][0-9](\\.[0-9]{3})?(Z|[+-][0-2][0-9][0-5][0-9]))?",
            duration in "-?([0-9]{1,6}d)?([0-9]{1,4}h)?([0-9]{1,4}m)?([0-9]{1,4}s)?([0-9]{1,4}ms)?",
            decimal in "-?[0-9]{1,16}\\.[0-9]{1,5}",
            ip in "(::|::ffff:|64:ff9b::|)([0-9]{1,3}\\.){3}[0-9]{1,3}(/[0-9]{1,2})?|([0-9a-f]{1,4}|::ffff|)::?[0-9a-f]{1,4}:?[0-9a-f]{1,4}(/[0-9]{1,3})?",
        ) {
            if cedar("datetime", &date).is_some() { prop_assert!(parse_datetime(&date).is_ok(), "{}", date); }
            prop_assert_eq!(cedar("duration", &duration).is_some(), parse_duration(&duration).is_ok(), "{}", duration);
            prop_assert_eq!(cedar("decimal", &decimal).is_some(), parse_decimal(&decimal).is_ok(), "{}", decimal);
            prop_assert_eq!(cedar("ip", &ip).is_some(), IpNet::literal(&ip).is_ok(), "{}", ip);
        }

        #[test]
        fn an_address_is_written_as_cedar_reads_it(v4: u32, prefix in 0u8..=128, kind in 0u8..4, any: u128) {
            let addr = match kind {
                0 => IpAddr::V4(v4.into()),
                1 => IpAddr::V6(std::net::Ipv4Addr::from(v4).to_ipv6_mapped()),
                2 => IpAddr::V6(u128::from(v4).into()),
                _ => IpAddr::V6(any.into()),
            };
            let net = IpNet { addr, prefix: if addr.is_ipv4() { prefix / 4 } else { prefix } };
            prop_assert!(cedar("ip", &net.to_string()).is_some(), "{}", net);
            prop_assert_eq!(IpNet::literal(&net.to_string()), Ok(net));
            prop_assert_eq!(IpNet::parse(&format!("{addr}/{}", net.prefix)), Ok(net));
        }
    }

    #[test]
    fn both_spellings_of_a_mapped_address_are_one_value_that_is_not_an_ipv4_address() {
        let read = |text| IpNet::parse(text).unwrap();
        let (dotted, hexadecimal) = (read("::ffff:127.0.0.1"), read("::FFFF:7f00:1"));
        assert_eq!(dotted, hexadecimal);
        assert_eq!(dotted.to_string(), "::ffff:7f00:1");
        assert_eq!(dotted.mapped(), Some(read("127.0.0.1")));
        assert_eq!(read("::ffff:10.0.0.0/104").mapped(), Some(read("10.0.0.0/8")));
        assert_eq!(
            (read("::ffff:0:0/95").mapped(), read("::1").mapped(), read("::127.0.0.1").mapped()),
            (None, None, None)
        );
        assert!(!dotted.is_loopback() && !dotted.is_in_range(&read("127.0.0.0/8")));
        assert!(dotted.is_in_range(&read("::ffff:0:0/96")));
        assert_eq!(
            IpNet::literal("::ffff:127.0.0.1").unwrap_err(),
            "Cedar reads IPv6 addresses in hexadecimal only: write `::ffff:7f00:1`"
        );
    }

    #[test]
    fn operators_on_mapped_addresses_mean_what_cedar_means() {
        for (text, range) in [
            ("::ffff:7f00:1", "127.0.0.0/8"),
            ("::ffff:7f00:1", "::ffff:0:0/96"),
            ("::ffff:e000:1", "::/0"),
            ("127.0.0.1", "::ffff:7f00:0/104"),
        ] {
            let (net, range) = (IpNet::literal(text).unwrap(), IpNet::literal(range).unwrap());
            for (call, ours) in [
                ("isIpv4()".to_owned(), net.addr.is_ipv4()),
                ("isLoopback()".to_owned(), net.is_loopback()),
                ("isMulticast()".to_owned(), net.is_multicast()),
                (format!("isInRange(ip(\"{range}\"))"), net.is_in_range(&range)),
            ] {
                let theirs = evaluated(&format!("ip(\"{text}\").{call}"));
                assert!(matches!(theirs, Some(EvalResult::Bool(theirs)) if theirs == ours), "{text} {call}");
            }
        }
    }

    #[test]
    fn numbers_of_json_are_read_exactly_or_not_at_all() {
        let (fine, large) = (Err(Inexact::TooFine), Err(Inexact::TooLarge));
        let whole = [
            ("14", Ok(14)),
            ("14.0", Ok(14)),
            ("1e3", Ok(1000)),
            ("1E3", Ok(1000)),
            ("1e+3", Ok(1000)),
            ("1.5e2", Ok(150)),
            ("1500e-2", Ok(15)),
            ("-1.5e1", Ok(-15)),
            ("-0", Ok(0)),
            ("0e999999999999999999999", Ok(0)),
            ("0.000e-99", Ok(0)),
            ("9223372036854775807", Ok(i64::MAX)),
            ("-9223372036854775808", Ok(i64::MIN)),
            ("-9.223372036854775808e18", Ok(i64::MIN)),
            ("9223372036854775808", large),
            ("1e19", large),
            ("1e99999999999999999999", large),
            ("1e9223372036854775807", large),
            ("1.5", fine),
            ("1e-1", fine),
            ("1e-99999999999999999999", fine),
        ];
        for (raw, expected) in whole {
            assert_eq!(parse_number(raw, 0), expected, "{raw}");
        }
        let scaled =
            [("1.5e-1", Ok(1500)), ("12.34560", Ok(123_456)), ("1e-5", fine), ("1e15", large), ("2E1", Ok(200_000))];
        for (raw, expected) in scaled {
            assert_eq!(parse_number(raw, 4), expected, "{raw}");
        }
    }

    #[test]
    fn values_are_shown_as_cedar_writes_them() {
        assert_eq!(show_duration(parse_duration("1d2h3m4s5ms").unwrap()), "1d2h3m4s5ms");
        assert_eq!(show_duration(-1000), "-1s");
        assert_eq!(show_decimal(parse_decimal("-0.50").unwrap()), "-0.5");
        assert_eq!(IpNet::parse("10.0.0.0/8").unwrap().to_string(), "10.0.0.0/8");
    }

    #[test]
    fn partial_sets_keep_what_is_certain_apart() {
        let long = |n| Value::Long(n);
        let set = Set::partial(vec![long(2), long(1), long(2)], vec![long(1), long(3)], true);
        assert_eq!(set.items(), [long(1), long(2)]);
        assert_eq!(set.maybe(), [long(3)]);
        assert!(!set.is_exact());
    }
}
