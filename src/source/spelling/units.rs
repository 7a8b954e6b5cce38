//! Units at the end of names: `idle_timeout_minutes` and `idle_timeout_hours` are names of one value.

use super::Name;

/// Units by what they measure: time, and size in bytes. Abbreviations that have other meanings, such as `min`, are left out.
const UNITS: [&[&str]; 2] = [
    &[
        "ms",
        "millis",
        "millisecond",
        "milliseconds",
        "secs",
        "second",
        "seconds",
        "mins",
        "minute",
        "minutes",
        "hrs",
        "hour",
        "hours",
        "day",
        "days",
        "week",
        "weeks",
        "month",
        "months",
        "year",
        "years",
    ],
    &["byte", "bytes", "kb", "mb", "gb", "tb", "kib", "mib", "gib", "tib"],
];

/// The fewest words before a unit that mean the same without it: `idle_timeout`, but not `session`.
const WORDS_WITHOUT_UNIT: usize = 2;

/// A name that ends with a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Measured<'n> {
    /// The letters before the unit.
    before: &'n str,
    /// The number of words before the unit.
    words: usize,
    /// The quantity of the unit, by its place in [`UNITS`].
    quantity: usize,
}

impl<'n> Measured<'n> {
    fn of(name: &'n Name) -> Option<Self> {
        let words = name.ends.len().checked_sub(1)?;
        let end = *name.ends.get(words.checked_sub(1)?)?;
        let (before, unit) = name.letters.split_at_checked(end)?;
        let quantity = UNITS.iter().position(|units| units.contains(&unit))?;
        Some(Self { before, words, quantity })
    }
}

/// Returns whether two names may differ in the unit at their ends: one has a unit, and they begin with one letter.
pub(super) fn may_differ_in_unit(a: &str, b: &str) -> bool {
    let first = |name: &str| name.bytes().find(u8::is_ascii_alphanumeric).map(|first| first.to_ascii_lowercase());
    let is_ascii = a.is_ascii() && b.is_ascii();
    (!is_ascii || first(a) == first(b)) && (may_have_unit(a) || may_have_unit(b))
}

/// Returns whether a name may end with a unit.
fn may_have_unit(name: &str) -> bool {
    let ends = |unit: &str| {
        let end = name.len().checked_sub(unit.len()).and_then(|at| name.get(at..));
        end.is_some_and(|end| end.eq_ignore_ascii_case(unit))
    };
    UNITS.into_iter().flatten().any(|unit| ends(unit))
}

/// Returns the letters of a name without its unit.
pub(super) fn without_unit(name: &Name) -> &str {
    Measured::of(name).map_or(&name.letters, |measured| measured.before)
}

/// Returns whether two names differ in the unit at their ends, or in that one of them has none.
pub(super) fn differ_in_unit(a: &Name, b: &Name) -> bool {
    match (Measured::of(a), Measured::of(b)) {
        (Some(of_a), Some(of_b)) => {
            a.letters != b.letters && (of_a.before, of_a.quantity) == (of_b.before, of_b.quantity)
        }
        (Some(measured), None) => measured.words >= WORDS_WITHOUT_UNIT && measured.before == b.letters,
        (None, Some(measured)) => measured.words >= WORDS_WITHOUT_UNIT && measured.before == a.letters,
        (None, None) => false,
    }
}
