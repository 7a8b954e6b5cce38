//! Values one step away from a literal of an extension type.

use crate::schema::Ty;
use crate::value::{parse_datetime, show_address};
use std::net::IpAddr;

/// Returns the kind of the change and the texts one step away from the text of a constructor.
pub(super) fn steps(ty: &Ty, text: &str) -> Option<(&'static str, Vec<String>)> {
    let found = match ty {
        Ty::Duration => {
            ("duration", around(text, |text| text.trim_end_matches(|c: char| c.is_ascii_alphabetic()).len()))
        }
        Ty::Decimal => ("decimal", decimals(text)),
        Ty::Datetime => ("datetime", moments(text)),
        Ty::Ip => ("address", addresses(text)),
        _ => return None,
    };
    Some(found)
}

/// Returns the text with the number that ends at `end` one larger and one smaller.
fn around(text: &str, end: impl Fn(&str) -> usize) -> Vec<String> {
    let end = end(text);
    let (head, unit) = text.split_at(end);
    let start = head.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let (before, digits) = head.split_at(start);
    let Ok(number) = digits.parse::<u64>() else { return Vec::new() };
    let steps = [number.checked_add(1), number.checked_sub(1)];
    steps.into_iter().flatten().map(|step| format!("{before}{step}{unit}")).collect()
}

fn decimals(text: &str) -> Vec<String> {
    let Some((_, fraction)) = text.split_once('.') else { return Vec::new() };
    let Ok(number) = text.replacen('.', "", 1).parse::<i64>() else { return Vec::new() };
    let Some(scale) = u32::try_from(fraction.len()).ok().and_then(|digits| 10i64.checked_pow(digits)) else {
        return Vec::new();
    };
    let shown = |step: i64| {
        let (sign, step) = (if step < 0 { "-" } else { "" }, step.unsigned_abs());
        let (whole, rest) = (step / scale.unsigned_abs(), step % scale.unsigned_abs());
        format!("{sign}{whole}.{rest:0width$}", width = fraction.len())
    };
    [number.checked_add(1), number.checked_sub(1)].into_iter().flatten().map(shown).collect()
}

fn moments(text: &str) -> Vec<String> {
    const DAY: i64 = 86_400_000;
    let Ok(moment) = parse_datetime(text) else { return Vec::new() };
    let (step, format) = if text.len() == 10 { (DAY, "%Y-%m-%d") } else { (1, "%Y-%m-%dT%H:%M:%S%.3fZ") };
    let shown = |moment: i64| Some(jiff::Timestamp::from_millisecond(moment).ok()?.strftime(format).to_string());
    [moment.checked_add(step), moment.checked_sub(step)].into_iter().flatten().filter_map(shown).collect()
}

fn addresses(text: &str) -> Vec<String> {
    let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
    let Ok(address) = address.parse::<IpAddr>() else { return Vec::new() };
    let most = if address.is_ipv4() { 32 } else { 128 };
    match prefix.map(str::parse::<u32>) {
        Some(Ok(prefix)) => {
            let steps = [prefix.checked_add(1), prefix.checked_sub(1)].into_iter().flatten();
            steps.filter(|prefix| *prefix <= most).map(|prefix| format!("{}/{prefix}", show_address(address))).collect()
        }
        Some(Err(_)) => Vec::new(),
        None => {
            let next = match address {
                IpAddr::V4(v4) => IpAddr::V4((u32::from(v4) ^ 1).into()),
                IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) ^ 1).into()),
            };
            vec![show_address(next)]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_take_one_step_in_the_unit_they_are_written_in() {
        let stepped = |ty, text| steps(&ty, text).unwrap().1;
        assert_eq!(stepped(Ty::Duration, "1d12h"), ["1d13h", "1d11h"]);
        assert_eq!(stepped(Ty::Duration, "0ms"), ["1ms"]);
        assert_eq!(stepped(Ty::Duration, "-90d"), ["-91d", "-89d"]);
        assert_eq!(stepped(Ty::Decimal, "0.50"), ["0.51", "0.49"]);
        assert_eq!(stepped(Ty::Decimal, "-1.0"), ["-0.9", "-1.1"]);
        assert_eq!(stepped(Ty::Datetime, "2024-02-28"), ["2024-02-29", "2024-02-27"]);
        assert_eq!(
            stepped(Ty::Datetime, "2024-01-01T00:00:00Z"),
            ["2024-01-01T00:00:00.001Z", "2023-12-31T23:59:59.999Z"]
        );
        assert_eq!(stepped(Ty::Ip, "10.0.0.0/8"), ["10.0.0.0/9", "10.0.0.0/7"]);
        assert_eq!(stepped(Ty::Ip, "::/128"), ["::/127"]);
        assert_eq!(stepped(Ty::Ip, "10.0.0.2"), ["10.0.0.3"]);
        assert_eq!(stepped(Ty::Ip, "::ffff:7f00:1"), ["::ffff:7f00:0"]);
        assert_eq!(stepped(Ty::Ip, "::ffff:0:0/96"), ["::ffff:0:0/97", "::ffff:0:0/95"]);
    }
}
