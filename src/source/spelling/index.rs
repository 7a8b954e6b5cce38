//! The search among many names: the letters of two names are compared as bits, and most pairs differ in them.

use super::units::without_unit;
use super::{Name, by_fewest, slips};
use smol_str::SmolStr;
use std::collections::{BTreeSet, HashMap};

/// Letters that two names may differ in: two edits may replace two letters, and `policies` has three letters that `policy` lacks, and
/// lacks one.
const MOST_LETTERS: u32 = 4;

/// The letters and digits of a name, so that names that are not misspellings of each other are found by a few instructions.
///
/// From the lowest bit on, these are two bits for each letter from `a` to `z` that count how often it occurs, four bits for the
/// number of other letters, and eight bits of a hash of the digits. The numbers are counted without carry (00, 01, 11, 10, 00...), so
/// that one letter more or less is one bit, and two signatures have at most as many different bits as the names have different letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Signature(u64);

impl Signature {
    /// The bits of letters.
    const LETTERS: u64 = (1 << Self::DIGITS) - 1;
    /// The first bit of letters that are not from `a` to `z`.
    const OTHERS: u32 = 52;
    /// The first bit of the digits.
    const DIGITS: u32 = 56;
    /// The bits of the letters that inflections add and remove.
    const INFLECTING: u64 =
        Self::bits_of(b'd') | Self::bits_of(b'e') | Self::bits_of(b'i') | Self::bits_of(b's') | Self::bits_of(b'y');

    /// Returns the signature of a name.
    pub(super) fn of(name: &str) -> Self {
        match name.is_ascii() {
            true => Self::of_letters(super::ascii_letters(name).map(char::from)),
            false => Name::new(name).signature(),
        }
    }

    /// Returns the signature of the letters and digits of a name.
    pub(super) fn of_letters(letters: impl Iterator<Item = char>) -> Self {
        let (mut bits, mut digits) = (0_u64, 0_u8);
        for c in letters {
            match c {
                'a'..='z' => bits = Self::counted(bits, Self::first_bit(c as u8), 2),
                c if c.is_numeric() => digits = digits.wrapping_mul(29).wrapping_add(c as u8).wrapping_add(1),
                _ => bits = Self::counted(bits, Self::OTHERS, Self::DIGITS - Self::OTHERS),
            }
        }
        Self(bits | u64::from(digits) << Self::DIGITS)
    }

    /// Counts one letter more in a number of bits from the first one on: they are moved by one, and the complement of the last one is
    /// the new first.
    fn counted(bits: u64, first: u32, width: u32) -> u64 {
        let all = (1 << width) - 1;
        let (count, last) = (bits >> first & all, bits >> (first + width - 1) & 1);
        bits & !(all << first) | (count << 1 & all | (last ^ 1)) << first
    }

    const fn bits_of(letter: u8) -> u64 {
        0b11 << Self::first_bit(letter)
    }

    const fn first_bit(letter: u8) -> u32 {
        (letter - b'a') as u32 * 2
    }

    /// Returns whether one name may be a misspelling of the other: they have the same digits, and differ in few letters, or in
    /// those of inflections.
    pub(super) fn may_be_misspelling(self, other: Self) -> bool {
        let differences = self.0 ^ other.0;
        differences & !Self::LETTERS == 0
            && (differences.count_ones() <= MOST_LETTERS || differences & !Self::INFLECTING == 0)
    }

    /// Returns whether a number of edits may lead from one name to the other.
    pub(super) fn may_be_within(self, other: Self, edits: usize) -> bool {
        ((self.0 ^ other.0) & Self::LETTERS).count_ones() as usize <= 2 * edits
    }
}

/// Names of which others may be misspellings, prepared for many searches.
#[derive(Debug, Default)]
pub struct NameIndex {
    names: Vec<(SmolStr, Name)>,
    /// The signature of each name.
    signatures: Vec<Signature>,
    /// The places of the names by their letters without the unit.
    without_unit: HashMap<SmolStr, Vec<usize>>,
    /// The first place of each name.
    places: HashMap<SmolStr, usize>,
}

impl NameIndex {
    /// Prepares names.
    pub fn new<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut index = Self::default();
        for (place, name) in names.into_iter().enumerate() {
            let divided = Name::new(name);
            index.signatures.push(divided.signature());
            index.without_unit.entry(without_unit(&divided).into()).or_default().push(place);
            index.names.push((name.into(), divided));
            index.places.entry(name.into()).or_insert(place);
        }
        index
    }

    /// Returns the place of a name.
    pub fn place(&self, name: &str) -> Option<usize> {
        self.places.get(name).copied()
    }

    /// Returns the names in their order.
    pub fn names(&self) -> impl Iterator<Item = &SmolStr> {
        self.names.iter().map(|(name, _)| name)
    }

    /// Returns the name at a place.
    pub fn get(&self, place: usize) -> Option<&SmolStr> {
        self.names.get(place).map(|(name, _)| name)
    }

    /// Returns the places of the names that a property's name is a [`misspelling`](super::misspelling) of, those with the fewest
    /// slips first.
    pub fn misspellings(&self, name: &str) -> Vec<usize> {
        let written = Name::new(name);
        let signature = written.signature();
        let alike = self.signatures.iter().enumerate().filter(|(_, other)| signature.may_be_misspelling(**other));
        let in_units = self.without_unit.get(without_unit(&written)).into_iter().flatten().copied();
        let near: BTreeSet<usize> = alike.map(|(place, _)| place).chain(in_units).collect();
        let found = near.into_iter().filter_map(|place| {
            let (declared, divided) = self.names.get(place)?;
            Some((slips((name, &written), (declared, divided))?, place))
        });
        by_fewest(found)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::MISSPELLINGS;
    use super::*;
    use crate::source::{misspelling, misspellings};
    use proptest::prelude::*;

    /// Returns the places of the names that a name is a misspelling of, without the comparison of signatures.
    fn plain(name: &str, names: &[String]) -> Vec<usize> {
        let of = |declared: &String| slips((name, &Name::new(name)), (declared, &Name::new(declared)));
        by_fewest(names.iter().enumerate().filter_map(|(place, declared)| Some((of(declared)?, place))))
    }

    /// Returns a name with a letter left out, replaced, swapped or doubled, or with an ending, at one or two places.
    fn slipped(name: &str, edits: &[(usize, u8, char)]) -> String {
        let mut chars: Vec<char> = name.chars().collect();
        for (at, edit, c) in edits {
            let at = at % chars.len().max(1);
            match edit {
                0 if at < chars.len() => drop(chars.remove(at)),
                1 if at < chars.len() => chars[at] = *c,
                2 if at + 1 < chars.len() => chars.swap(at, at + 1),
                3 if at < chars.len() => chars.insert(at, chars[at]),
                4 => chars.insert(at, *c),
                5 => chars.extend("es".chars()),
                6 => chars.extend("_at".chars()),
                7 if chars.last() == Some(&'y') => {
                    chars.pop();
                    chars.extend("ies".chars());
                }
                8 if at < chars.len() => chars[at] = chars[at].to_ascii_uppercase(),
                _ => chars.push('s'),
            }
        }
        chars.into_iter().collect()
    }

    fn word() -> impl Strategy<Value = String> {
        let words: Vec<&str> = MISSPELLINGS.iter().flat_map(|(one, other)| [*one, *other]).collect();
        let parts = prop_oneof![
            4 => prop::sample::select(words).prop_map(str::to_owned),
            2 => "[a-e]{1,9}",
            2 => "[deisy]{1,4}",
            1 => "[a-cA-C0-2²٣ééßⅳｅﬃİа]{1,6}",
        ];
        (prop::collection::vec(parts, 1..4), prop::sample::select(vec!["_", "", "-", "/"]))
            .prop_map(|(parts, between)| parts.join(between))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3000))]

        #[test]
        fn an_index_finds_what_the_comparison_with_each_name_finds(
            name in word(),
            others in prop::collection::vec(word(), 0..6),
            edits in prop::collection::vec(prop::collection::vec((0_usize..24, 0_u8..10, "[a-fsy0é]"), 0..4), 1..8),
        ) {
            let edits = edits.into_iter().map(|edits| {
                edits.into_iter().map(|(at, edit, c)| (at, edit, c.chars().next().unwrap())).collect::<Vec<_>>()
            });
            let near = edits.map(|edits| slipped(&name, &edits));
            let names: Vec<String> = others.into_iter().chain(near).collect();
            let expected = plain(&name, &names);
            let all = || names.iter().map(String::as_str);
            let index = NameIndex::new(all());
            prop_assert_eq!(&index.misspellings(&name), &expected, "{} {:?}", name, names);
            let listed: Vec<&str> = expected.iter().map(|place| names[*place].as_str()).collect();
            prop_assert_eq!(&misspellings(&name, all()), &listed);
            prop_assert_eq!(misspelling(&name, all()), listed.first().copied());
            for (place, other) in names.iter().enumerate() {
                prop_assert_eq!(index.get(place).map(SmolStr::as_str), Some(other.as_str()));
                prop_assert_eq!(index.place(other), names.iter().position(|first| first == other));
            }
        }
    }

    #[test]
    fn most_names_differ_in_their_signatures() {
        let may = |one: &str, other: &str| Signature::of(one).may_be_misspelling(Signature::of(other));
        assert!(may("expires_at", "expired-at") && may("polycies", "policy") && may("a1b2", "b1a2"));
        assert!(!may("line1", "line2") && !may("line12", "line21") && !may("include", "external"));
        let names: Vec<String> = (0..200_u32).map(|at| format!("{:?}", at.wrapping_mul(2_654_435_761))).collect();
        let letters = |name: &String| name.bytes().map(|digit| char::from(digit - b'0' + b'a')).collect::<String>();
        let names: Vec<String> = names.iter().map(letters).collect();
        let near = names.iter().flat_map(|one| names.iter().filter(|other| may(one, other))).count();
        assert!(near < names.len() * names.len() / 4, "{near}");
    }
}
