//! Symbols: the texts that joins compare, as numbers. Equal texts have equal symbols, so that a join of texts compares
//! numbers (string interning, as the dictionaries of column stores do it).
//!
//! The texts of all columns are grouped by sorting their hashes, which has fewer cache misses than a hash table. The texts
//! of a group are compared in the order of the document. No result depends on the order of the symbols.

use crate::parallel::*;
use crate::schema::SlotId;
use crate::snapshot::{Data, Snapshot, State, StrRef, text_hash};
use crate::value::TypeId;
use rustc_hash::FxHashMap;
use std::ops::Range;

/// The number of shards of a large dictionary, which are made in parallel.
const SHARDS: usize = 8;

/// The number of texts from which a dictionary has several shards. It is low in debug builds, so that tests cover both
/// ways.
const LARGE: usize = if cfg!(debug_assertions) { 4 } else { 1 << 14 };

/// The number of texts that one task compares.
const TEXTS_PER_TASK: usize = 1 << 14;

/// The number of pairs of texts whose bytes are fetched at once: about as many cache misses as a core waits for at one time.
const FETCHED: usize = 16;

/// The bits of the hashes by which texts are grouped. They are few in debug builds, so that tests cover different texts with
/// one hash.
const HASH_BITS: u32 = if cfg!(debug_assertions) { 3 } else { StrRef::HASH_BITS };

/// The place of a symbol where a value is not known.
pub(super) const NO_SYMBOL: u32 = u32::MAX;

/// The symbols of the texts of some columns.
#[derive(Debug, Default)]
pub(super) struct Symbols {
    /// The symbols of the values of all columns, one column after the other.
    symbols: Vec<u32>,
    columns: FxHashMap<(TypeId, SlotId), Range<usize>>,
    /// The different texts, by the remainders of their hashes.
    shards: Vec<Shard>,
}

/// The different texts whose hashes have one remainder.
#[derive(Debug)]
struct Shard {
    /// The texts with their symbols, in the order of their hashes.
    texts: Vec<(StrRef, u32)>,
    /// For the upper bits of a hash, the number of texts with less; the last number is that of all texts.
    starts: Vec<u32>,
}

/// The values of some columns as one list. The place of a value in it is its number.
struct Texts<'s> {
    snapshot: &'s Snapshot,
    /// The columns, each with the number of its first value.
    columns: Vec<(usize, &'s [State], &'s [StrRef])>,
    len: usize,
}

/// A number of a value below the hash of its text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Hashed(u64);

impl Hashed {
    fn new(text: StrRef, number: usize) -> Self {
        Self(u64::from(group_hash(text.hash())) << 32 | number as u64)
    }

    fn hash(self) -> u64 {
        self.0 >> 32
    }

    #[expect(clippy::cast_possible_truncation, reason = "a number has 32 bits")]
    fn number(self) -> usize {
        self.0 as u32 as usize
    }
}

impl Symbols {
    /// Interns the known texts of some columns. A column that does not hold texts has no symbols.
    pub(super) fn new(snapshot: &Snapshot, columns: impl IntoIterator<Item = (TypeId, SlotId)>) -> Self {
        let (mut ranges, mut texts) = (FxHashMap::default(), Texts { snapshot, columns: Vec::new(), len: 0 });
        for (ty, slot) in columns {
            let column = snapshot.table(ty).column(slot);
            let Data::Text(all) = &column.data else { continue };
            // A column whose numbers do not fit has no symbols.
            if texts.len + all.len() < NO_SYMBOL as usize {
                ranges.insert((ty, slot), texts.len..texts.len + all.len());
                texts.columns.push((texts.len, &column.states, all));
                texts.len += all.len();
            }
        }
        let shards: Vec<usize> = (0..if texts.len < LARGE { 1 } else { SHARDS }).collect();
        let sorted = map_each(&shards, |shard| texts.sorted(*shard, shards.len()));
        let firsts = texts.firsts(&sorted);
        let is_first = |at: &&Hashed| firsts.get(at.number()).is_some_and(|first| *first as usize == at.number());
        let different = map_each(&sorted, |shard| shard.iter().filter(is_first).copied().collect::<Vec<_>>());
        let symbols = numbered(firsts);
        let shards = map_each(&different, |shard| Shard::new(&texts, &symbols, shard));
        Self { symbols, columns: ranges, shards }
    }

    /// Returns the symbols of a column by row; `None` if it was not interned.
    pub(super) fn column(&self, ty: TypeId, slot: SlotId) -> Option<&[u32]> {
        self.symbols.get(self.columns.get(&(ty, slot))?.clone())
    }

    /// Returns the symbol of a text; `None` if no column has it.
    pub(super) fn find(&self, snapshot: &Snapshot, text: &str) -> Option<u32> {
        let hash = text_hash(text);
        let texts = self.shards.get(hash as usize % self.shards.len().max(1))?.near(hash);
        let is_it = |known: StrRef| known.hash() == hash && snapshot.text(known) == text;
        texts.iter().find(|(known, _)| is_it(*known)).map(|(_, symbol)| *symbol)
    }
}

impl<'s> Texts<'s> {
    /// Returns the known texts of a shard by their hashes, those with one hash by their numbers.
    fn sorted(&self, shard: usize, shards: usize) -> Vec<Hashed> {
        let mut sorted = Vec::with_capacity(self.len / shards);
        for (first, states, texts) in &self.columns {
            let known = (*first..).zip(states.iter().zip(*texts)).filter(|(_, (state, _))| **state == State::Known);
            let here = known.filter(|(_, (_, text))| text.hash() as usize % shards == shard);
            sorted.extend(here.map(|(number, (_, text))| Hashed::new(*text, number)));
        }
        sorted.sort_unstable();
        sorted
    }

    /// Returns, for each known text, the number of the first one that is equal.
    #[expect(clippy::indexing_slicing, reason = "there is an item for each number")]
    #[expect(clippy::cast_possible_truncation, reason = "a number has 32 bits")]
    fn firsts(&self, sorted: &[Vec<Hashed>]) -> Vec<u32> {
        let mut firsts = vec![NO_SYMBOL; self.len];
        for group in sorted.iter().flat_map(|shard| shard.chunk_by(|a, b| a.hash() == b.hash())) {
            let first = group.first().map_or(0, |first| first.number());
            group.iter().for_each(|at| firsts[at.number()] = first as u32);
        }
        // Different texts may have one hash.
        let starts: Vec<usize> = (0..self.len).step_by(TEXTS_PER_TASK).collect();
        let others = map_each(&starts, |start| self.others(&firsts, *start));
        let mut known: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
        for number in others.into_iter().flatten() {
            let (first, text) = (&mut firsts[number], self.text(number));
            let known = known.entry(*first).or_default();
            *first = match known.iter().find(|known| self.text(**known as usize) == text) {
                Some(equal) => *equal,
                None => {
                    known.push(number as u32);
                    number as u32
                }
            };
        }
        firsts
    }

    /// Returns the numbers, of a task that begins at one, of the texts that differ from the first one with their hash.
    fn others(&self, firsts: &[u32], start: usize) -> Vec<usize> {
        let numbers = (start..).zip(firsts.iter().skip(start).take(TEXTS_PER_TASK));
        let mut repeated = numbers.filter(|(number, first)| **first != NO_SYMBOL && **first as usize != *number);
        let (mut others, mut pairs) = (Vec::new(), Vec::with_capacity(FETCHED));
        loop {
            pairs.clear();
            let next = repeated.by_ref().take(FETCHED);
            pairs.extend(next.map(|(number, first)| (number, [self.get(number), self.get(*first as usize)])));
            if pairs.is_empty() {
                return others;
            }
            // Most of the bytes are in no cache. The processor waits for those of many texts at once here, and not in each
            // comparison.
            let fetched = pairs.iter().flat_map(|(_, pair)| pair).map(|text| self.snapshot.last_byte(*text));
            std::hint::black_box(fetched.fold(0, |all, byte| all ^ byte));
            let differ = |[text, first]: [StrRef; 2]| self.snapshot.text(text) != self.snapshot.text(first);
            others.extend(pairs.iter().filter(|(_, pair)| differ(*pair)).map(|(number, _)| *number));
        }
    }

    /// Returns the reference to the text with a number.
    fn get(&self, number: usize) -> StrRef {
        let at = self.columns.partition_point(|(first, ..)| *first <= number);
        let column = at.checked_sub(1).and_then(|at| self.columns.get(at));
        column.and_then(|(first, _, texts)| texts.get(number - first)).copied().unwrap_or_default()
    }

    /// Returns the text with a number.
    fn text(&self, number: usize) -> &'s str {
        self.snapshot.text(self.get(number))
    }
}

impl Shard {
    /// Returns the dictionary of texts that differ, which are in the order of their hashes.
    #[expect(clippy::indexing_slicing, reason = "there is a symbol for each number, and a start for the upper bits")]
    fn new(texts: &Texts<'_>, symbols: &[u32], different: &[Hashed]) -> Self {
        let texts = different.iter().map(|at| (texts.get(at.number()), symbols[at.number()])).collect();
        let bits = different.len().max(1).ilog2().min(HASH_BITS);
        let mut shard = Self { texts, starts: vec![0; (1 << bits) + 1] };
        for (text, _) in &shard.texts {
            shard.starts[upper(text.hash(), bits) + 1] += 1;
        }
        let mut before = 0;
        for start in &mut shard.starts {
            before += *start;
            *start = before;
        }
        shard
    }

    /// Returns the texts whose hashes have the upper bits of a hash.
    fn near(&self, hash: u32) -> &[(StrRef, u32)] {
        let bits = (self.starts.len() - 1).max(1).ilog2();
        let at = upper(hash, bits);
        let range = self.starts.get(at).zip(self.starts.get(at + 1));
        range.and_then(|(start, end)| self.texts.get(*start as usize..*end as usize)).unwrap_or_default()
    }
}

/// Returns the part of a hash by which texts are grouped: its upper bits.
fn group_hash(hash: u32) -> u32 {
    hash >> (StrRef::HASH_BITS - HASH_BITS)
}

/// Returns the upper bits of a hash, at most [`HASH_BITS`] of them.
fn upper(hash: u32, bits: u32) -> usize {
    (hash >> (StrRef::HASH_BITS - bits)) as usize
}

/// Replaces the numbers of the first equal texts by symbols, in their order.
#[expect(
    clippy::indexing_slicing,
    reason = "the number of a first text is not larger than those of the texts that equal it"
)]
fn numbered(mut firsts: Vec<u32>) -> Vec<u32> {
    let mut next = 0;
    for number in 0..firsts.len() {
        match firsts[number] {
            NO_SYMBOL => {}
            first if first as usize == number => {
                firsts[number] = next;
                next += 1;
            }
            // An earlier number has its symbol already.
            first => firsts[number] = firsts[first as usize],
        }
    }
    firsts
}
