//! Messages about texts that are not values of their types: the problem, and a valid text.
//!
//! The readers of values call these functions only after they have rejected a text. No function here accepts a text.

use super::{DAY, is_decimal, parse_decimal, show_datetime, show_decimal, show_duration};
use std::net::{IpAddr, Ipv4Addr};

/// Texts of more bytes are not repeated in a message.
const LONGEST: usize = 80;

/// A number that has this many seconds, milliseconds, microseconds or nanoseconds is a moment between 1973 and 2286.
const EPOCHS: [(usize, &str, i64); 8] = [
    (9, "seconds", 1),
    (10, "seconds", 1),
    (12, "milliseconds", 1000),
    (13, "milliseconds", 1000),
    (15, "microseconds", 1_000_000),
    (16, "microseconds", 1_000_000),
    (18, "nanoseconds", 1_000_000_000),
    (19, "nanoseconds", 1_000_000_000),
];

/// Says that a number counts from 1970, and which moment it is; `None` if it is not in any usual unit.
pub fn epoch(number: &str) -> Option<String> {
    let whole = number.split_once('.').map_or(number, |(whole, _)| whole);
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    let numeric = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !numeric(digits) || !number.rsplit('.').next().is_some_and(|end| numeric(end.trim_start_matches('-'))) {
        return None;
    }
    let (_, unit, per_second) = EPOCHS.iter().find(|(length, ..)| *length == digits.len())?;
    let seconds = whole.parse::<i64>().ok()?.div_euclid(*per_second);
    let moment = show_datetime(seconds.checked_mul(1000)?);
    Some(format!("this is a number of {unit} since 1970: write \"{moment}\""))
}

/// Says what is wrong with a text that is not a moment.
pub(super) fn of_datetime(text: &str) -> String {
    const EXPECTED: &str =
        "expected a date or an RFC 3339 time with an offset, such as 2026-09-01 or 2026-09-01T06:00:00Z";
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let all_digits = digits.len() == text.len();
    let date = text.get(..10).filter(|date| is_date(date));
    if text.len() > LONGEST {
        return EXPECTED.into();
    }
    if text.is_empty() {
        return "the text is empty: write a date, or `null` if there is none".into();
    }
    if let Some(epoch) = epoch(text) {
        return epoch;
    }
    if text.len() == 10 && text.replace(['/', '.', '_'], "-") != text && is_date(&text.replace(['/', '.', '_'], "-")) {
        return format!("a date has hyphens: write {}", text.replace(['/', '.', '_'], "-"));
    }
    let basic = || {
        let parts = [text.get(..4)?, text.get(4..6)?, text.get(6..8)?];
        parts.iter().all(|part| part.bytes().all(|b| b.is_ascii_digit())).then(|| parts.join("-"))
    };
    if let Some(date) =
        basic().filter(|_| text.len() == 8 || all_digits && text.len() == 14 || text.get(8..9) == Some("T"))
    {
        let time = if text.len() == 8 { "" } else { ", and a time such as T06:00:00Z" };
        return format!("a date has hyphens: write {date}{time}");
    }
    let parts: Vec<&str> = text.split(['/', '.', '-', ' ']).collect();
    if let [first, second, third, ..] = parts[..]
        && [first, second].iter().all(|part| (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()))
        && third.get(..4).is_some_and(|year| year.bytes().all(|b| b.is_ascii_digit()))
    {
        return "a date begins with the year, then month and day: write a date such as 2026-09-01".into();
    }
    match date {
        Some(_) => of_time(text),
        None if text.len() == 7 && text.get(4..5) == Some("-") => {
            "a date needs a day: write a date such as 2026-09-01".into()
        }
        None => EXPECTED.into(),
    }
}

/// Returns whether a text has the shape of a date, `2026-09-01`.
fn is_date(text: &str) -> bool {
    let shape = text.bytes().enumerate();
    text.len() == 10
        && shape.into_iter().all(|(at, b)| if matches!(at, 4 | 7) { b == b'-' } else { b.is_ascii_digit() })
}

/// Says what is wrong with what follows a date.
fn of_time(text: &str) -> String {
    const EXPECTED: &str = "expected a time with an offset after the date, such as 2026-09-01T06:00:00Z";
    let Some(rest) = text.get(11..).filter(|_| matches!(text.as_bytes().get(10), Some(b'T' | b't' | b' '))) else {
        return EXPECTED.into();
    };
    let clock_end = rest.find(|c: char| !c.is_ascii_digit() && c != ':').unwrap_or(rest.len());
    let (clock, after) = rest.split_at(clock_end);
    let fields: Vec<&str> = clock.split(':').collect();
    let two_digits = |field: &&str| field.len() == 2;
    match &fields[..] {
        [hours, minutes] if two_digits(hours) && two_digits(minutes) && *hours != "24" => {
            return format!("a time needs seconds: write {hours}:{minutes}:00{after}");
        }
        ["24", ..] => return "a day ends at 23:59:59: write 00:00:00 of the next day".into(),
        [hours, minutes, seconds] if [hours, minutes, seconds].into_iter().all(two_digits) => {
            if *seconds == "60" {
                return "a leap second cannot be held: write second 59".into();
            }
            if *hours > "23" || *minutes > "59" || *seconds > "59" {
                return "there is no such time of day: hours end at 23, minutes and seconds at 59".into();
            }
        }
        _ => return EXPECTED.into(),
    }
    if after.starts_with(',') {
        return "a fraction of a second has a point: write `.` for the comma".into();
    }
    if after.strip_prefix('.').is_some_and(|fraction| !fraction.starts_with(|c: char| c.is_ascii_digit())) {
        return "a fraction of a second has digits: write some after the point, or remove it".into();
    }
    let offset = after.trim_start_matches('.').trim_start_matches(|c: char| c.is_ascii_digit());
    of_offset(offset)
}

/// Says what is wrong with an offset from UTC.
fn of_offset(offset: &str) -> String {
    let trimmed = offset.trim();
    let other = || format!("`{trimmed}` is not an offset from UTC: write `Z`, or hours and minutes such as +05:30");
    if trimmed.is_empty() {
        return "a time needs its offset from UTC: add `Z` if it is UTC".into();
    }
    if trimmed.eq_ignore_ascii_case("z") {
        return "there are blanks around `Z`: remove them".into();
    }
    if ["utc", "gmt", "ut", "zulu"].contains(&trimmed.to_ascii_lowercase().as_str()) {
        return format!("write `Z` for `{trimmed}`");
    }
    if trimmed.starts_with('\u{2212}') {
        return format!("`{trimmed}` begins with a minus sign: write a hyphen `-`");
    }
    let Some(digits) = trimmed.strip_prefix(['+', '-']) else { return other() };
    if trimmed != offset {
        return format!("there is a blank before the offset: write `{trimmed}` after the seconds");
    }
    let (hours, minutes) = match digits.split_once(':') {
        Some(fields) => fields,
        None if digits.len() == 4 && digits.is_ascii() => digits.split_at(2),
        None => (digits, ""),
    };
    match (hours.len(), hours.parse::<u8>(), minutes.len(), minutes.parse::<u8>()) {
        (1 | 2, Ok(_), 0, _) => {
            let sign = if trimmed.starts_with('-') { '-' } else { '+' };
            format!("the offset `{trimmed}` needs minutes: write {sign}{hours:0>2}:00")
        }
        (2, Ok(_), 2, Ok(60..)) => format!("the offset `{trimmed}` has {minutes} minutes: minutes end at 59"),
        (2, Ok(24..), 2, Ok(_)) => format!("the offset `{trimmed}` has {hours} hours: hours end at 23"),
        (1, Ok(_), 2, Ok(_)) => format!("the hours of the offset `{trimmed}` need two digits, such as +05:30"),
        _ => other(),
    }
}

/// Says what is wrong with a day that the calendar does not have.
pub(super) fn of_day(year: i64, month: i64, day: i64) -> String {
    if !(1..=12).contains(&month) {
        return format!("there is no month {month:02}: months are 01 to 12");
    }
    format!("there is no day {day:02} in {year:04}-{month:02}")
}

/// Says what is wrong with a text that is not a duration.
pub(super) fn of_duration(text: &str) -> String {
    const EXPECTED: &str = "expected whole numbers of d, h, m, s and ms, in that order, such as 14d or 1h30m";
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return "the text is empty: write a duration such as 14d, or `null` if there is none".into();
    }
    if trimmed.len() <= LONGEST && trimmed.bytes().all(|b| b.is_ascii_digit()) {
        return format!("a duration needs a unit: write `{trimmed}d` for days, or h, m, s or ms");
    }
    match Some(trimmed).filter(|text| text.len() <= LONGEST).and_then(meant_duration).map(show_duration) {
        Some(meant) => {
            format!("a duration has the units d, h, m, s and ms, in that order and without blanks: write `{meant}`")
        }
        None if trimmed.to_lowercase().contains("month") || trimmed.to_lowercase().contains("year") => {
            "months and years have no fixed length: write days, such as 30d".into()
        }
        None => EXPECTED.into(),
    }
}

/// Reads a duration as people and ISO 8601 write it: `14 days`, `1h 30m`, `P14D`, `PT1H30M`, `1.5h`, `01:30:00`.
fn meant_duration(text: &str) -> Option<i64> {
    let lower = text.to_ascii_lowercase();
    let fields: Vec<&str> = lower.split(':').collect();
    if let [hours, minutes, seconds] = fields[..] {
        let field = |text: &str| text.parse::<i64>().ok().filter(|number| (0..100_000).contains(number));
        return Some(((field(hours)? * 60 + field(minutes)?) * 60 + field(seconds)?) * 1000);
    }
    let iso = lower.strip_prefix('p');
    let mut rest = iso.unwrap_or(&lower);
    let (mut total, mut in_time) = (0i64, iso.is_none());
    while !rest.is_empty() {
        rest = rest.trim_start_matches([' ', ',', '+']);
        if let (Some(time), false) = (rest.strip_prefix('t'), in_time) {
            (rest, in_time) = (time, true);
            continue;
        }
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let after = after.trim_start();
        let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let letters = if iso.is_some() { letters.min(1) } else { letters };
        let (unit, after) = after.split_at(letters);
        // `M` of ISO 8601 is a month before the `T` and a minute after it.
        let unit = if unit == "m" && !in_time { return None } else { unit };
        let size = match unit {
            "w" | "wk" | "wks" | "week" | "weeks" => 7 * DAY,
            "d" | "day" | "days" => DAY,
            "h" | "hr" | "hrs" | "hour" | "hours" => 3_600_000,
            "m" | "min" | "mins" | "minute" | "minutes" => 60_000,
            "s" | "sec" | "secs" | "second" | "seconds" => 1000,
            "ms" | "milli" | "millis" | "millisecond" | "milliseconds" => 1,
            _ => return None,
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let mut amount = whole.parse::<i64>().ok()?.checked_mul(size)?;
        if !fraction.is_empty() {
            let parts = fraction.parse::<i64>().ok().filter(|_| fraction.len() <= 6)?.checked_mul(size)?;
            let per_whole = 10i64.pow(u32::try_from(fraction.len()).ok()?);
            amount += Some(parts / per_whole).filter(|_| parts % per_whole == 0)?;
        }
        total = total.checked_add(amount)?;
        rest = after.trim_start().strip_prefix("and ").unwrap_or(after.trim_start());
    }
    Some(total)
}

/// Says what is wrong with a text that is not a decimal.
pub(super) fn of_decimal(text: &str) -> String {
    const EXPECTED: &str = "expected a number with at most four digits after the point, such as 12.5";
    let numeric = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    if let Some((whole, fraction)) = unsigned.split_once('.')
        && numeric(whole)
        && numeric(fraction)
    {
        return format!("a decimal has at most four digits after the point, and this has {}: round it", fraction.len());
    }
    if text.len() > LONGEST {
        return EXPECTED.into();
    }
    let candidates = [
        (",", text.replacen(',', ".", 1), "a decimal has a point"),
        ("%", text.trim_end_matches('%').trim().to_owned(), "a decimal has no sign after it"),
        ("+", text.trim_start_matches('+').to_owned(), "a decimal has no plus sign"),
        ("_", text.replace('_', ""), "a decimal has no separators"),
        (".", format!("0{text}"), "a decimal has a digit before the point"),
        (".", text.trim_end_matches('.').to_owned(), "a decimal has a digit after the point"),
    ];
    let meant = candidates.into_iter().filter(|(mark, ..)| text.contains(mark));
    let mut meant = meant.filter(|(_, meant, _)| is_decimal(meant));
    let meant = meant.find_map(|(_, meant, why)| Some((parse_decimal(&meant).ok().map(show_decimal)?, why)));
    meant.map_or_else(|| EXPECTED.into(), |(meant, why)| format!("{why}: write {meant}"))
}

/// Says what is wrong with a text that is not an address or a range of addresses.
pub(super) fn of_ip(text: &str) -> String {
    const EXPECTED: &str = "expected an IPv4 or IPv6 address or a CIDR range, such as 203.0.113.0/24";
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return "the text is empty: write an address, or `null` if there is none".into();
    }
    if trimmed != text && parses(trimmed) {
        return format!("an address has no blanks: write {trimmed}");
    }
    if trimmed.contains("://") {
        return "this is a URL: write only its address".into();
    }
    let listed: Vec<&str> =
        trimmed.split([',', ';', ' ', '\n', '|']).map(str::trim).filter(|part| !part.is_empty()).collect();
    if listed.len() > 1 && listed.iter().all(|part| parses(part)) {
        return format!(
            "there are {} addresses in one text: write each in a text of its own, in an attribute of type Set<ipaddr>",
            listed.len()
        );
    }
    if trimmed.len() > LONGEST {
        return EXPECTED.into();
    }
    if let Some((first, last)) = trimmed.split_once('-')
        && let (Ok(first), Ok(last)) = (first.trim().parse::<IpAddr>(), last.trim().parse::<IpAddr>())
    {
        return match one_range(first, last) {
            Some(range) => format!("a range of addresses is written in CIDR notation: write {range}"),
            None => "a range of addresses is written in CIDR notation: write the CIDR ranges it consists of".into(),
        };
    }
    if trimmed.chars().any(char::is_whitespace) {
        return "an address has no blanks: remove them".into();
    }
    let (address, prefix) =
        trimmed.split_once('/').map_or((trimmed, None), |(address, prefix)| (address, Some(prefix)));
    if let Some(inner) =
        address.strip_prefix('[').and_then(|rest| rest.split_once(']')).filter(|(inner, _)| parses(inner))
    {
        let what = if inner.1.starts_with(':') { "the brackets and the port" } else { "the brackets" };
        return format!("remove {what}: write {}", inner.0);
    }
    if let Some((address, zone)) = address.split_once('%') {
        return format!("an address has no zone: remove `%{zone}`, and write {address}");
    }
    if let Some((host, port)) = address.split_once(':').filter(|(host, _)| host.parse::<Ipv4Addr>().is_ok()) {
        return format!("an address has no port: remove `:{port}`, and write {host}");
    }
    if address.parse::<IpAddr>().is_ok()
        && let Some(prefix) = prefix
    {
        return of_prefix(address, prefix);
    }
    if address.contains('*') {
        return of_wildcard(address);
    }
    if address.bytes().all(|b| b.is_ascii_digit() || b == b'.') && !address.is_empty() {
        return of_ipv4(address, prefix);
    }
    if address.contains(':') && address.bytes().all(|b| b.is_ascii_hexdigit() || b == b':') {
        return of_ipv6(address);
    }
    if address.eq_ignore_ascii_case("localhost") {
        return "`localhost` is a host name: write 127.0.0.1, or ::1".into();
    }
    if ["any", "all", "everyone", "internet"].contains(&address.to_ascii_lowercase().as_str()) {
        return format!(
            "`{address}` is not an address: write 0.0.0.0/0 for every IPv4 address, ::/0 for every IPv6 address"
        );
    }
    let named = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    if address.chars().all(named) && address.chars().any(char::is_alphabetic) && !address.starts_with("0x") {
        return format!("`{address}` is a host name, not an address: write the address of that host");
    }
    EXPECTED.into()
}

/// Returns whether a text is an address or a range.
fn parses(text: &str) -> bool {
    let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
    let Ok(address) = address.parse::<IpAddr>() else { return false };
    let most = if address.is_ipv4() { 32 } else { 128 };
    prefix.is_none_or(|prefix| prefix.parse::<u8>().is_ok_and(|bits| bits <= most))
}

/// Says what is wrong with the prefix length of a range.
fn of_prefix(address: &str, prefix: &str) -> String {
    let most: u32 = if address.contains(':') { 128 } else { 32 };
    if let Ok(mask) = prefix.parse::<Ipv4Addr>() {
        let bits = u32::from(mask);
        return if bits.leading_ones() + bits.trailing_zeros() == 32 || bits == 0 {
            format!("a range has a prefix length, not a mask: write {address}/{}", bits.leading_ones())
        } else {
            format!("`{prefix}` is not a prefix length: write a number from 0 to {most}")
        };
    }
    match prefix.parse::<u32>() {
        Ok(bits) if bits <= most && prefix.bytes().all(|b| b.is_ascii_digit()) => {
            format!("a prefix length has no leading zeros: write {address}/{bits}")
        }
        Ok(_) => format!("the prefix length `{prefix}` is out of range: it is a number from 0 to {most}"),
        Err(_) => format!("`{prefix}` is not a prefix length: write a number from 0 to {most}"),
    }
}

/// Says what is wrong with an address with a wildcard.
fn of_wildcard(address: &str) -> String {
    if address == "*" {
        return "`*` is not an address: write 0.0.0.0/0 for every IPv4 address, ::/0 for every IPv6 address".into();
    }
    let parts: Vec<&str> = address.split('.').collect();
    let fixed = parts.iter().take_while(|part| part.parse::<u8>().is_ok()).count();
    let range = (parts.len() <= 4 && parts.iter().skip(fixed).all(|part| *part == "*"))
        .then(|| four_parts(parts.get(..fixed).unwrap_or_default()))
        .map(|address| format!("{address}/{}", fixed * 8));
    match range.filter(|range| parses(range)) {
        Some(range) => format!("a range is written in CIDR notation, without `*`: write {range}"),
        None => "a range is written in CIDR notation, without `*`, such as 203.0.113.0/24".into(),
    }
}

/// Says what is wrong with an address of digits and points.
fn of_ipv4(address: &str, prefix: Option<&str>) -> String {
    let parts: Vec<&str> = address.split('.').collect();
    if let Some(part) = parts.iter().find(|part| part.len() > 1 && part.starts_with('0')) {
        return format!("`{part}` has a leading zero, which some programs read as octal: remove it");
    }
    if let Some(part) = parts.iter().find(|part| part.parse::<u8>().is_err() && !part.is_empty() && parts.len() > 1) {
        return format!("`{part}` is not a part of an IPv4 address: each part is a number from 0 to 255");
    }
    let short = parts.len() < 4 && parts.iter().all(|part| part.parse::<u8>().is_ok());
    match prefix.filter(|_| short) {
        Some(prefix) => format!("an IPv4 address has four parts: write {}/{prefix}", four_parts(&parts)),
        None => "an IPv4 address has four parts from 0 to 255, such as 203.0.113.7".into(),
    }
}

fn four_parts(parts: &[&str]) -> String {
    let zeros = std::iter::repeat_n("0", 4usize.saturating_sub(parts.len()));
    parts.iter().copied().chain(zeros).collect::<Vec<_>>().join(".")
}

/// Says what is wrong with an address of hexadecimal digits and colons.
fn of_ipv6(address: &str) -> String {
    if address.matches("::").count() > 1 || address.contains(":::") {
        return "an IPv6 address has `::` at most once".into();
    }
    if let Some(group) = address.split(':').find(|group| group.len() > 4) {
        return format!("`{group}` is not a group of an IPv6 address: a group has at most four hexadecimal digits");
    }
    "an IPv6 address has eight groups, or fewer with `::` in place of groups of zeros, such as 2001:db8::1".into()
}

/// The range that holds exactly the addresses from one to another, if there is one.
fn one_range(first: IpAddr, last: IpAddr) -> Option<String> {
    let (low, high, width) = match (first, last) {
        (IpAddr::V4(low), IpAddr::V4(high)) => (u128::from(u32::from(low)), u128::from(u32::from(high)), 32),
        (IpAddr::V6(low), IpAddr::V6(high)) => (u128::from(low), u128::from(high), 128),
        _ => return None,
    };
    let differ = low ^ high;
    let is_whole = differ & differ.wrapping_add(1) == 0 && low & differ == 0 && low <= high;
    let bits = width - (u128::BITS - differ.leading_zeros());
    // The first address of the range.
    is_whole.then(|| format!("{first}/{bits}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{IpNet, parse_datetime, parse_duration};

    #[test]
    fn moments() {
        let table = [
            ("", "the text is empty: write a date, or `null` if there is none"),
            ("1788220800", "this is a number of seconds since 1970: write \"2026-09-01T00:00:00Z\""),
            ("1788220800000", "this is a number of milliseconds since 1970: write \"2026-09-01T00:00:00Z\""),
            ("1788220800.25", "this is a number of seconds since 1970: write \"2026-09-01T00:00:00Z\""),
            ("1788220800000000000", "this is a number of nanoseconds since 1970: write \"2026-09-01T00:00:00Z\""),
            ("2026/09/01", "a date has hyphens: write 2026-09-01"),
            ("20260901", "a date has hyphens: write 2026-09-01"),
            ("20260901T060000Z", "a date has hyphens: write 2026-09-01, and a time such as T06:00:00Z"),
            ("20260901060000", "a date has hyphens: write 2026-09-01, and a time such as T06:00:00Z"),
            ("01/06/2026", "a date begins with the year, then month and day: write a date such as 2026-09-01"),
            ("1.6.2026 12:00", "a date begins with the year, then month and day: write a date such as 2026-09-01"),
            ("2026-09", "a date needs a day: write a date such as 2026-09-01"),
            ("2026-13-01", "there is no month 13: months are 01 to 12"),
            ("2026-02-30", "there is no day 30 in 2026-02"),
            ("2026-09-01T24:00:00Z", "a day ends at 23:59:59: write 00:00:00 of the next day"),
            ("2026-06-30T23:59:60Z", "a leap second cannot be held: write second 59"),
            ("2026-09-01T25:00:00Z", "there is no such time of day: hours end at 23, minutes and seconds at 59"),
            ("2026-09-01T06:00Z", "a time needs seconds: write 06:00:00Z"),
            ("2026-09-01T24:00", "a day ends at 23:59:59: write 00:00:00 of the next day"),
            ("2026-09-01T06:00:00.Z", "a fraction of a second has digits: write some after the point, or remove it"),
            ("2026-09-01T06:00:00", "a time needs its offset from UTC: add `Z` if it is UTC"),
            ("2026-09-01T06:00:00,5Z", "a fraction of a second has a point: write `.` for the comma"),
            ("2026-09-01T06:00:00+13:60", "the offset `+13:60` has 60 minutes: minutes end at 59"),
            ("2026-09-01T06:00:00+1360", "the offset `+1360` has 60 minutes: minutes end at 59"),
            ("2026-09-01T06:00:00-24:00", "the offset `-24:00` has 24 hours: hours end at 23"),
            ("2026-09-01T06:00:00+05", "the offset `+05` needs minutes: write +05:00"),
            ("2026-09-01T06:00:00.5+5", "the offset `+5` needs minutes: write +05:00"),
            ("2026-09-01T06:00:00+5:30", "the hours of the offset `+5:30` need two digits, such as +05:30"),
            ("2026-09-01T06:00:00 UTC", "write `Z` for `UTC`"),
            ("2026-09-01T06:00:00 +05:30", "there is a blank before the offset: write `+05:30` after the seconds"),
            ("2026-09-01T06:00:00\u{2212}05:30", "`\u{2212}05:30` begins with a minus sign: write a hyphen `-`"),
            (
                "2026-09-01T06:00:00 Europe/Berlin",
                "`Europe/Berlin` is not an offset from UTC: write `Z`, or hours and minutes such as +05:30",
            ),
            (
                "2026-09-01T06:00:00CET",
                "`CET` is not an offset from UTC: write `Z`, or hours and minutes such as +05:30",
            ),
            ("never", "expected a date or an RFC 3339 time with an offset, such as 2026-09-01 or 2026-09-01T06:00:00Z"),
        ];
        for (text, expected) in table {
            assert_eq!(parse_datetime(text).unwrap_err(), expected, "{text}");
        }
    }

    #[test]
    fn durations() {
        let meant = [
            ("14 days", "14d"),
            ("P14D", "14d"),
            ("P2W", "14d"),
            ("PT1H30M", "1h30m"),
            ("P1DT12H", "1d12h"),
            ("1h 30m", "1h30m"),
            ("30m1h", "1h30m"),
            ("1.5h", "1h30m"),
            ("90 minutes", "1h30m"),
            ("2 weeks", "14d"),
            ("14D", "14d"),
            ("01:30:00", "1h30m"),
            ("1 day and 2 hours", "1d2h"),
        ];
        for (text, expected) in meant {
            let problem = parse_duration(text).unwrap_err();
            assert!(problem.ends_with(&format!("write `{expected}`")), "{text}: {problem}");
        }
        let table = [
            ("", "the text is empty: write a duration such as 14d, or `null` if there is none"),
            ("14", "a duration needs a unit: write `14d` for days, or h, m, s or ms"),
            ("3 months", "months and years have no fixed length: write days, such as 30d"),
            ("P3M", "expected whole numbers of d, h, m, s and ms, in that order, such as 14d or 1h30m"),
            ("a fortnight", "expected whole numbers of d, h, m, s and ms, in that order, such as 14d or 1h30m"),
            ("0.3ms", "expected whole numbers of d, h, m, s and ms, in that order, such as 14d or 1h30m"),
            ("99999999999999999999d", "the duration is too long to hold"),
        ];
        for (text, expected) in table {
            assert_eq!(parse_duration(text).unwrap_err(), expected, "{text}");
        }
    }

    #[test]
    fn decimals() {
        let table = [
            ("12,5", "a decimal has a point: write 12.5"),
            ("12.5%", "a decimal has no sign after it: write 12.5"),
            ("+1.5", "a decimal has no plus sign: write 1.5"),
            ("1_000.5", "a decimal has no separators: write 1000.5"),
            (".5", "a decimal has a digit before the point: write 0.5"),
            ("5.", "a decimal has a digit after the point: write 5.0"),
            ("0.12345", "a decimal has at most four digits after the point, and this has 5: round it"),
            ("much", "expected a number with at most four digits after the point, such as 12.5"),
        ];
        for (text, expected) in table {
            assert_eq!(parse_decimal(text).unwrap_err(), expected, "{text}");
        }
    }

    #[test]
    fn addresses() {
        let table = [
            ("", "the text is empty: write an address, or `null` if there is none"),
            (" 10.0.0.1", "an address has no blanks: write 10.0.0.1"),
            ("10.0.0. 1", "an address has no blanks: remove them"),
            (
                "10.0.0.1,10.0.0.2",
                "there are 2 addresses in one text: write each in a text of its own, in an attribute of type Set<ipaddr>",
            ),
            ("10.0.0.1:443", "an address has no port: remove `:443`, and write 10.0.0.1"),
            ("[::1]:443", "remove the brackets and the port: write ::1"),
            ("[::1]", "remove the brackets: write ::1"),
            ("fe80::1%eth0", "an address has no zone: remove `%eth0`, and write fe80::1"),
            ("10.0.0.0-10.0.0.255", "a range of addresses is written in CIDR notation: write 10.0.0.0/24"),
            (
                "10.0.0.1 - 10.0.0.9",
                "a range of addresses is written in CIDR notation: write the CIDR ranges it consists of",
            ),
            ("0.0.0.0-255.255.255.255", "a range of addresses is written in CIDR notation: write 0.0.0.0/0"),
            ("10.0.0.*", "a range is written in CIDR notation, without `*`: write 10.0.0.0/24"),
            ("10.*", "a range is written in CIDR notation, without `*`: write 10.0.0.0/8"),
            ("10.*.0.1", "a range is written in CIDR notation, without `*`, such as 203.0.113.0/24"),
            ("*", "`*` is not an address: write 0.0.0.0/0 for every IPv4 address, ::/0 for every IPv6 address"),
            ("10.0.0.0/33", "the prefix length `33` is out of range: it is a number from 0 to 32"),
            ("10.0.0.0/08", "a prefix length has no leading zeros: write 10.0.0.0/8"),
            ("10.0.0.0/255.255.255.0", "a range has a prefix length, not a mask: write 10.0.0.0/24"),
            ("10.0.0.0/x", "`x` is not a prefix length: write a number from 0 to 32"),
            ("::/129", "the prefix length `129` is out of range: it is a number from 0 to 128"),
            ("010.0.0.1", "`010` has a leading zero, which some programs read as octal: remove it"),
            ("10.0.0.256", "`256` is not a part of an IPv4 address: each part is a number from 0 to 255"),
            ("10.0.0/24", "an IPv4 address has four parts: write 10.0.0.0/24"),
            ("10.0.0", "an IPv4 address has four parts from 0 to 255, such as 203.0.113.7"),
            ("localhost", "`localhost` is a host name: write 127.0.0.1, or ::1"),
            ("db.example.com", "`db.example.com` is a host name, not an address: write the address of that host"),
            ("https://10.0.0.1/", "this is a URL: write only its address"),
            ("1::2::3", "an IPv6 address has `::` at most once"),
            (
                "2001:db8::12345",
                "`12345` is not a group of an IPv6 address: a group has at most four hexadecimal digits",
            ),
            ("any", "`any` is not an address: write 0.0.0.0/0 for every IPv4 address, ::/0 for every IPv6 address"),
        ];
        for (text, expected) in table {
            assert_eq!(IpNet::parse(text).unwrap_err(), expected, "{text}");
        }
    }

    #[test]
    fn any_text_is_described() {
        let pieces = [
            "2026-09-01",
            "T",
            "24",
            ":",
            "60",
            "+",
            "\u{2212}",
            "é",
            "日",
            "/",
            "*",
            ".",
            "%",
            "-",
            ",",
            "[",
            "]",
            " ",
            "d",
            "P",
        ];
        for first in pieces {
            for second in pieces {
                for third in pieces {
                    let text = format!("{first}{second}{third}");
                    let problems = [of_datetime(&text), of_duration(&text), of_decimal(&text), of_ip(&text)];
                    assert!(problems.iter().all(|problem| !problem.is_empty()), "{text}");
                }
            }
        }
    }
}
