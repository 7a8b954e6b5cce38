//! The build side of a hash join: principals, grouped by a hash of their join value.
//!
//! A hash join builds an index of one input and probes it with every row of the other (Graefe, "Query Evaluation
//! Techniques for Large Databases", 1993). Here principals are the build side and resources are the probe side. This
//! module has the data; `derive::build` fills it, and `derive::probe` reads it.

use super::operand::Operand;
use super::symbols::NO_SYMBOL;
use crate::hash::{keyed, keyed_number, keyed_text};
use crate::value::{EntityRef, Outcomes};
use hashbrown::HashTable;
use std::hash::Hash;

/// The build side of one derivation.
#[derive(Debug, Clone, Default)]
pub(super) struct BuildSide {
    /// The principals that the filters do not exclude, in order.
    pub(super) candidates: Vec<Candidate>,
    /// The index of the candidates for each join; none if all candidates are tested.
    pub(super) indexes: Vec<HashIndex>,
    /// The uncaptured lists that may have a principal that the filters do not exclude, by their places in the table.
    pub(super) lists: Vec<u32>,
    /// The index of these lists for each join; none if all lists are tested.
    pub(super) list_indexes: Vec<HashIndex>,
    /// The limits on tests of pairs that no join finds.
    pub(super) limits: ProbeLimits,
}

/// A principal that the filters do not exclude.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    /// The row of the principal.
    pub(super) row: u32,
    /// The outcomes of the filters.
    pub(super) filter: Outcomes,
}

/// The maximal number of tests for one resource, of principals that no join finds by a key.
///
/// The limits apply if testing all pairs exceeds the limit of the run. A principal that is not tested may count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ProbeLimits {
    /// Principals without a key, for a resource that probes an index.
    pub(super) unkeyed: usize,
    /// Principals, for a resource that cannot probe an index.
    pub(super) unjoined: usize,
    /// Uncaptured lists.
    pub(super) lists: usize,
}

impl Default for ProbeLimits {
    /// Returns limits that allow all tests.
    fn default() -> Self {
        Self { unkeyed: usize::MAX, unjoined: usize::MAX, lists: usize::MAX }
    }
}

/// The index of one join. An entry is the place of a candidate, or of a list, on the build side.
#[derive(Debug, Clone, Default)]
pub(super) struct HashIndex {
    places: Places,
    // INVARIANT: every bucket is a range of these entries.
    entries: Vec<u32>,
    /// The entries without a key: their join value is not known in full, so that it may match any resource.
    pub(super) unkeyed: Vec<u32>,
    /// Whether the keys of texts are their symbols.
    pub(super) is_interned: bool,
    /// The number of keys.
    keys: usize,
}

/// The places of the entries with one key.
#[derive(Debug, Clone)]
enum Places {
    /// By the key without the least one: the entries before those of this key. The last number is that of all entries.
    Dense(u64, Vec<u32>),
    Hashed(HashTable<Bucket>),
}

impl Default for Places {
    fn default() -> Self {
        Self::Hashed(HashTable::new())
    }
}

/// The entries with one key: `count` entries from `start`.
#[derive(Debug, Clone)]
struct Bucket {
    key: u64,
    start: u32,
    count: u32,
}

/// The number of keys in the range of a dense index, for each entry. A number takes four bytes.
const MOST_SPARSE: u64 = 8;

impl HashIndex {
    /// Groups pairs of a key and an entry, which are in the order of the entries; `unkeyed` has the entries without a key.
    pub(super) fn new(pairs: Vec<(u64, u32)>, unkeyed: Vec<u32>, is_interned: bool) -> Self {
        let keys = || pairs.iter().map(|(key, _)| *key);
        let range = keys().min().zip(keys().max());
        let range = range.map(|(least, most)| (least, most - least));
        let index = match range.filter(|(_, range)| range / MOST_SPARSE <= pairs.len() as u64) {
            Some((least, range)) => Self::dense(&pairs, least, range),
            None => Self::hashed(pairs),
        };
        Self { unkeyed, is_interned, ..index }
    }

    /// Groups pairs whose keys are in a small range, by counting.
    #[expect(clippy::indexing_slicing, reason = "there is a number for every key in the range, and one after them")]
    #[expect(clippy::cast_possible_truncation, reason = "a small range has few keys")]
    fn dense(pairs: &[(u64, u32)], least: u64, range: u64) -> Self {
        let place = |key: u64| (key - least) as usize;
        let mut starts = vec![0u32; range as usize + 2];
        pairs.iter().for_each(|(key, _)| starts[place(*key) + 1] += 1);
        let keys = starts.iter().filter(|count| **count > 0).count();
        let mut before = 0;
        for start in &mut starts {
            before += *start;
            *start = before;
        }
        let (mut next, mut entries) = (starts.clone(), vec![0; pairs.len()]);
        for (key, entry) in pairs {
            let next = &mut next[place(*key)];
            entries[*next as usize] = *entry;
            *next += 1;
        }
        Self { places: Places::Dense(least, starts), entries, keys, ..Self::default() }
    }

    /// Groups pairs by a hash table of their keys.
    fn hashed(mut pairs: Vec<(u64, u32)>) -> Self {
        pairs.sort_unstable();
        let groups = pairs.chunk_by(|a, b| a.0 == b.0);
        let mut buckets = HashTable::with_capacity(groups.clone().count());
        let mut start = 0;
        for group in groups {
            let Some((key, _)) = group.first().copied() else { continue };
            #[expect(clippy::cast_possible_truncation, reason = "the limits of a run allow fewer than 2^32 pairs")]
            let count = group.len() as u32;
            let hash = |bucket: &Bucket| keyed_number(bucket.key);
            buckets.insert_unique(keyed_number(key), Bucket { key, start, count }, hash);
            start += count;
        }
        let keys = buckets.len();
        let entries = pairs.into_iter().map(|(_, entry)| entry).collect();
        Self { places: Places::Hashed(buckets), entries, keys, ..Self::default() }
    }

    /// Returns the entries with a key, in order.
    #[expect(clippy::indexing_slicing, reason = "a bucket is a range of the entries")]
    pub(super) fn get(&self, key: HashKey) -> &[u32] {
        match &self.places {
            Places::Dense(least, starts) => {
                let at = key.bits.checked_sub(*least).and_then(|at| usize::try_from(at).ok());
                let range = at.and_then(|at| Some((starts.get(at)?, starts.get(at.checked_add(1)?)?)));
                range.map_or(&[], |(start, end)| &self.entries[*start as usize..*end as usize])
            }
            Places::Hashed(buckets) => {
                let bucket = buckets.find(keyed_number(key.bits), |bucket| bucket.key == key.bits);
                bucket.map_or(&[], |bucket| &self.entries[bucket.start as usize..][..bucket.count as usize])
            }
        }
    }

    /// Returns the mean number of entries that a key finds, with those without a key.
    pub(super) fn mean(&self) -> usize {
        self.entries.len() / self.keys.max(1) + self.unkeyed.len()
    }

    /// Returns the number of entries. An entry with several keys counts once for each.
    pub(super) fn len(&self) -> usize {
        self.entries.len() + self.unkeyed.len()
    }
}

/// Returns the entries of a list that all other lists have. The lists are in order.
pub(super) fn common<'l>(first: &'l [u32], others: &'l [&'l [u32]]) -> impl Iterator<Item = u32> + 'l {
    let shortest = others.iter().copied().chain([first]).min_by_key(|list| list.len()).unwrap_or_default();
    let is_in = move |entry: &u32| {
        let mut lists = others.iter().copied().chain([first]);
        lists.all(|list| std::ptr::eq(list, shortest) || list.binary_search(entry).is_ok())
    };
    shortest.iter().copied().filter(is_in)
}

impl BuildSide {
    /// Returns whether a resource probes an index.
    pub(super) fn has_index(&self) -> bool {
        !self.indexes.is_empty() || !self.list_indexes.is_empty()
    }

    /// Returns the candidate at a place.
    #[expect(clippy::indexing_slicing, reason = "the entries of an index are places of candidates")]
    pub(super) fn candidate(&self, at: u32) -> Candidate {
        self.candidates[at as usize]
    }
}

/// A hash of a join value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HashKey {
    /// The hash, or the value itself if it fits.
    pub(super) bits: u64,
    /// Whether no other value of the type has these bits. Otherwise values with equal keys are compared.
    pub(super) exact: bool,
    /// Whether the value is an entity literal that may name an unknown instance.
    pub(super) literal: bool,
}

impl HashKey {
    /// Returns the key of a known value.
    pub(super) fn of(operand: &Operand<'_>) -> Self {
        match operand {
            Operand::Bool(b) => Self::exact(u64::from(*b)),
            Operand::Long(n) | Operand::Decimal(n) | Operand::Datetime(n) | Operand::Duration(n) => Self::number(*n),
            Operand::Entity(entity) => Self::entity(*entity),
            _ => match operand.text() {
                Some(text) => Self::text(text),
                None => Self::hashed(&operand.to_value()),
            },
        }
    }

    /// Returns the key of an entity.
    pub(super) fn entity(entity: EntityRef) -> Self {
        let bits = (entity.ty.index() as u64) << 32 | u64::from(entity.row);
        Self { literal: entity.is_literal(), ..Self::exact(bits) }
    }

    /// Returns the key of a number of any type.
    pub(super) fn number(n: i64) -> Self {
        Self::exact(n.cast_unsigned())
    }

    /// Returns the key of a text by its symbol. A text without a symbol has the key of no entry.
    pub(super) fn symbol(symbol: Option<u32>) -> Self {
        Self::exact(u64::from(symbol.unwrap_or(NO_SYMBOL)))
    }

    /// Returns the key of a text.
    pub(super) fn text(text: &str) -> Self {
        Self { bits: keyed_text(text), exact: false, literal: false }
    }

    /// Returns the key of a value that does not fit 64 bits.
    fn hashed(value: &impl Hash) -> Self {
        Self { bits: keyed(value), exact: false, literal: false }
    }

    /// Returns the key of a value that fits 64 bits.
    pub(super) fn exact(bits: u64) -> Self {
        Self { bits, exact: true, literal: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_returns_the_entries_of_a_key_in_order() {
        for spread in [1, 1 << 40] {
            let pairs = vec![(7 * spread, 0), (3 * spread, 1), (7 * spread, 2), (7 * spread, 4)];
            let index = HashIndex::new(pairs, vec![3], false);
            assert_eq!(matches!(index.places, Places::Dense(..)), spread == 1);
            let entries = [3, 7, 8, 2, 5].map(|bits| index.get(HashKey::exact(bits * spread)).to_vec());
            assert_eq!(entries, [vec![1], vec![0, 2, 4], vec![], vec![], vec![]]);
            assert_eq!((index.len(), index.mean()), (5, 3));
            assert!(index.get(HashKey::exact(u64::MAX)).is_empty());
        }
        assert!(HashIndex::new(Vec::new(), Vec::new(), false).get(HashKey::exact(0)).is_empty());
    }

    #[test]
    fn common_entries_are_those_of_all_lists() {
        let all = |first: &[u32], others: &[&[u32]]| common(first, others).collect::<Vec<_>>();
        assert_eq!(all(&[1, 3, 5, 8], &[&[0, 3, 8, 9, 10], &[3, 4, 8]]), [3, 8]);
        assert_eq!(all(&[3], &[&[1, 3]]), [3]);
        assert_eq!(all(&[1, 2], &[&[1, 2], &[1, 2]]), [1, 2]);
        assert!(all(&[1, 2], &[&[]]).is_empty() && all(&[], &[&[1]]).is_empty());
    }

    #[test]
    fn keys_are_exact_if_the_value_fits() {
        let key = |operand: Operand<'_>| HashKey::of(&operand).exact;
        assert!(key(Operand::Long(-1)) && key(Operand::Bool(true)) && !key(Operand::String("-1")));
        assert_ne!(HashKey::of(&Operand::Long(-1)), HashKey::of(&Operand::Long(1)));
    }
}
