//! Symbols: the texts that joins compare, as numbers. Equal texts have equal symbols, so that a join of texts compares
//! numbers (string interning, as the dictionaries of column stores do it).
//!
//! A text is interned once for all derivations. No result depends on the order of the symbols.

use crate::parallel::*;
use crate::schema::SlotId;
use crate::snapshot::{Data, Snapshot, State, StrRef, text_hash};
use crate::value::TypeId;
use hashbrown::HashTable;
use rustc_hash::FxHashMap;

/// The number of shards of a large dictionary, which are filled in parallel.
const SHARDS: usize = 8;

/// The number of texts from which a dictionary has several shards. It is low in debug builds, so that tests cover both
/// ways.
const LARGE: usize = if cfg!(debug_assertions) { 4 } else { 1 << 14 };

/// The place of a symbol where a value is not known.
pub(super) const NO_SYMBOL: u32 = u32::MAX;

/// The symbols of the texts of some columns.
#[derive(Debug, Default)]
pub(super) struct Symbols {
    shards: Vec<Shard>,
    /// The symbols by row.
    columns: FxHashMap<(TypeId, SlotId), Vec<u32>>,
}

/// The texts whose hashes have one remainder. The symbol of a text is its place, times the number of shards, plus the
/// number of the shard.
#[derive(Debug, Default)]
struct Shard {
    texts: Vec<StrRef>,
    places: HashTable<u32>,
}

/// A column of texts.
type Texts<'s> = (&'s [State], &'s [StrRef]);

impl Symbols {
    /// Interns the known texts of some columns. A column that does not hold texts has no symbols.
    pub(super) fn new(snapshot: &Snapshot, columns: impl IntoIterator<Item = (TypeId, SlotId)>) -> Self {
        let (mut names, mut texts) = (Vec::new(), Vec::<Texts<'_>>::new());
        for (ty, slot) in columns {
            let column = snapshot.table(ty).column(slot);
            if let Data::Text(all) = &column.data {
                names.push((ty, slot));
                texts.push((&column.states, all));
            }
        }
        let size: usize = texts.iter().map(|(_, texts)| texts.len()).sum();
        let numbers: Vec<usize> = (0..if size < LARGE { 1 } else { SHARDS }).collect();
        let filled: Vec<(Shard, Vec<u32>)> =
            map_each(&numbers, |number| Shard::fill(snapshot, &texts, (*number, numbers.len())));
        let (shards, found): (Vec<Shard>, Vec<Vec<u32>>) = filled.into_iter().unzip();
        // Each shard has the symbols of its texts in the order of the columns and rows.
        let mut found: Vec<_> = found.into_iter().map(Vec::into_iter).collect();
        let mut symbol = |(state, text): (&State, &StrRef)| match state {
            State::Known => found.get_mut(shard_of(*text, numbers.len())).and_then(Iterator::next).unwrap_or(NO_SYMBOL),
            _ => NO_SYMBOL,
        };
        let symbols = texts.iter().map(|(states, texts)| states.iter().zip(*texts).map(&mut symbol).collect());
        let columns = names.into_iter().zip(symbols).collect();
        Self { shards, columns }
    }

    /// Returns the symbols of a column by row; `None` if it was not interned.
    pub(super) fn column(&self, ty: TypeId, slot: SlotId) -> Option<&[u32]> {
        self.columns.get(&(ty, slot)).map(Vec::as_slice)
    }

    /// Returns the symbol of a text; `None` if no column has it.
    pub(super) fn find(&self, snapshot: &Snapshot, text: &str) -> Option<u32> {
        let hash = text_hash(text);
        let number = hash as usize % self.shards.len().max(1);
        let place = self.shards.get(number)?.find(snapshot, hash, text)?;
        symbol(place as usize, number, self.shards.len())
    }
}

impl Shard {
    /// Returns a shard by its number and the number of shards, with the symbols of its texts in their order.
    fn fill(snapshot: &Snapshot, texts: &[Texts<'_>], (number, shards): (usize, usize)) -> (Self, Vec<u32>) {
        let (mut shard, mut symbols) = (Self::default(), Vec::new());
        for (states, texts) in texts {
            let known = states.iter().zip(*texts).filter(|(state, _)| **state == State::Known);
            for (_, text) in known.filter(|(_, text)| shard_of(**text, shards) == number) {
                let place = shard.intern(snapshot, *text);
                symbols.push(symbol(place, number, shards).unwrap_or(NO_SYMBOL));
            }
        }
        (shard, symbols)
    }

    fn find(&self, snapshot: &Snapshot, hash: u32, text: &str) -> Option<u32> {
        let is_it = |place: &u32| {
            let known = self.texts.get(*place as usize);
            known.is_some_and(|known| known.hash() == hash && snapshot.text(*known) == text)
        };
        self.places.find(spread(hash), is_it).copied()
    }

    /// Returns the place of a text, which is added if it is new.
    fn intern(&mut self, snapshot: &Snapshot, text: StrRef) -> usize {
        if let Some(place) = self.find(snapshot, text.hash(), snapshot.text(text)) {
            return place as usize;
        }
        let place = self.texts.len();
        self.texts.push(text);
        let texts = &self.texts;
        let hash = |place: &u32| texts.get(*place as usize).map_or(0, |text| spread(text.hash()));
        self.places.insert_unique(spread(text.hash()), u32::try_from(place).unwrap_or(NO_SYMBOL), hash);
        place
    }
}

fn shard_of(text: StrRef, shards: usize) -> usize {
    text.hash() as usize % shards.max(1)
}

fn symbol(place: usize, shard: usize, shards: usize) -> Option<u32> {
    u32::try_from(place * shards + shard).ok().filter(|symbol| *symbol != NO_SYMBOL)
}

/// Spreads the 32 bits of a keyed hash over the 64 bits that a table uses.
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
