//! The data of a hash join: principals by a hash of the value that they are joined on.

use super::operand::Operand;
use crate::hash::keyed;
use crate::value::{EntityRef, Outcomes};
use hashbrown::HashTable;
use std::hash::Hash;

/// How the principals of one derivation are found.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// The principals that the filters leave.
    pub kept: Vec<u32>,
    /// The outcomes of the filters, for each of them.
    pub filtered: Vec<Outcomes>,
    /// The lookup of each join for them.
    pub lookups: Vec<HashIndex>,
    /// Lists that were not captured and may hold principals that the filters leave, by their places in the table.
    pub lists: Vec<u32>,
    /// The lookup of each join for these lists.
    pub list_lookups: Vec<HashIndex>,
    /// How many are tried where all would be too many.
    pub tried: Tried,
}

/// How many principals are tried on a resource, besides those that a join finds by its value.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tried {
    /// Those that may match any resource.
    pub always: usize,
    /// On a resource that no join helps with.
    pub unjoined: usize,
    /// Lists that were not captured.
    pub lists: usize,
}

/// Principals by the value they are joined on; a principal is a place among those that are kept.
#[derive(Debug, Default)]
pub(super) struct HashIndex {
    buckets: HashTable<Bucket>,
    /// The principals, grouped by key.
    pub sorted: Vec<u32>,
    /// Those that may match any resource: their value is not known, or known in part and equal to more than itself.
    pub always: Vec<u32>,
}

/// The principals with one key: so many of the sorted ones, from `start`.
#[derive(Debug)]
struct Bucket {
    key: u64,
    start: u32,
    count: u32,
}

impl HashIndex {
    /// Groups pairs of key and principal; `always` are the principals without a key.
    pub fn new(mut found: Vec<(u64, u32)>, always: Vec<u32>) -> Self {
        found.sort_unstable();
        let groups = found.chunk_by(|a, b| a.0 == b.0);
        let mut buckets = HashTable::with_capacity(groups.clone().count());
        let mut start = 0;
        for group in groups {
            let count = group.len() as u32;
            buckets.insert_unique(keyed(&group[0].0), Bucket { key: group[0].0, start, count }, |bucket| {
                keyed(&bucket.key)
            });
            start += count;
        }
        Self { buckets, sorted: found.into_iter().map(|(_, at)| at).collect(), always }
    }

    /// Returns the principals with a key, in order.
    pub fn found(&self, key: HashKey) -> &[u32] {
        let bucket = self.buckets.find(keyed(&key.bits), |bucket| bucket.key == key.bits);
        bucket.map_or(&[], |bucket| &self.sorted[bucket.start as usize..][..bucket.count as usize])
    }
}

/// A hash of the value that the two sides are joined on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HashKey {
    pub bits: u64,
    /// Whether no other value of its type has these bits.
    pub exact: bool,
}

impl HashKey {
    /// Returns the key of a known value.
    pub fn of(operand: &Operand<'_>) -> Self {
        match operand {
            Operand::Bool(b) => Self::exact(u64::from(*b)),
            Operand::Long(n) | Operand::Decimal(n) | Operand::Datetime(n) | Operand::Duration(n) => {
                Self::exact(*n as u64)
            }
            Operand::Entity(entity) => Self::entity(*entity),
            _ => match operand.text() {
                Some(text) => Self::inexact(text),
                None => Self::inexact(&operand.to_value()),
            },
        }
    }

    /// Returns the key of an entity.
    pub fn entity(entity: EntityRef) -> Self {
        Self::exact((entity.ty.index() as u64) << 32 | u64::from(entity.row))
    }

    /// Returns the key of a value that other values may share.
    pub fn inexact(value: &(impl Hash + ?Sized)) -> Self {
        Self { bits: keyed(value), exact: false }
    }

    /// Returns the key of a value that fits its bits.
    pub fn exact(bits: u64) -> Self {
        Self { bits, exact: true }
    }
}
