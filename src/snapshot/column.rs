//! Columns: the values of one slot over all rows of a type.

use super::read::Cell;
use crate::hash::keyed_text;
use crate::schema::Ty;
use crate::source::byte_offset;
use crate::value::{IpNet, TypeId, Value};
use std::net::{IpAddr, Ipv4Addr};
use std::ops::Range;

/// The state of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum State {
    /// The value is known.
    Known,
    /// The capture covers the value, and it does not exist.
    Absent,
    /// The capture does not cover the value.
    Uncaptured,
    /// The value is present and invalid.
    Unreadable,
}

impl State {
    /// Returns whether neither the value nor its presence is known.
    pub fn is_unknown(self) -> bool {
        matches!(self, State::Uncaptured | State::Unreadable)
    }
}

/// A text in the file or in the side text, with its hash. Most comparisons need the hashes only.
///
/// It takes 12 bytes, because a large snapshot has many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StrRef {
    /// The lower 32 bits of the place of the first byte.
    start: u32,
    len: u32,
    /// The hash, and the flags [`SIDE`] and [`FAR`].
    hash: u32,
}

/// The text is in the side text.
const SIDE: u32 = 1 << 31;
/// The text starts after 4 GiB. Only the side text is that long: ids of several parts have escapes, which double their bytes.
const FAR: u32 = 1 << 30;

impl StrRef {
    /// The number of bits of a hash.
    pub(crate) const HASH_BITS: u32 = FAR.trailing_zeros();

    /// Returns a reference to `text`, which starts at `start` in the file.
    pub fn in_file(start: u32, text: &str) -> Self {
        Self { start, len: byte_offset(text.len()), hash: text_hash(text) }
    }

    /// Returns a reference to `text`, which starts at `start` in the side text.
    pub fn on_side(start: usize, text: &str) -> Self {
        Self::in_file(0, text).at_side(start as u64)
    }

    /// Returns the [`text_hash`].
    pub fn hash(self) -> u32 {
        self.hash & (FAR - 1)
    }

    /// Returns whether the text is in the side text.
    pub fn is_side(self) -> bool {
        self.hash & SIDE != 0
    }

    /// Returns the bytes.
    pub fn range(self) -> Range<usize> {
        // An offset that an address cannot hold is after every text.
        let start = usize::try_from(self.first()).unwrap_or(usize::MAX);
        start..start.saturating_add(self.len as usize)
    }

    /// Moves a reference to a side text that is appended to another.
    pub(super) fn rebased(self, by: usize) -> Self {
        if self.is_side() { self.at_side(self.first() + by as u64) } else { self }
    }

    fn first(self) -> u64 {
        u64::from(self.start) | (u64::from(self.hash & FAR) << 2)
    }

    fn at_side(self, start: u64) -> Self {
        let far = if start > u64::from(u32::MAX) { FAR } else { 0 };
        let [start, _] = halves(start);
        Self { start, len: self.len, hash: self.hash() | SIDE | far }
    }
}

/// Returns the lower and the upper 32 bits of a number.
fn halves(number: u64) -> [u32; 2] {
    [number & u64::from(u32::MAX), number >> 32].map(|half| u32::try_from(half).unwrap_or_default())
}

/// Returns a hash of a text, the same for equal texts of one process. It has 30 bits.
pub fn text_hash(text: &str) -> u32 {
    let [_, upper] = halves(keyed_text(text));
    upper & (FAR - 1)
}

/// The values of one slot.
#[derive(Debug, Default)]
pub struct Column {
    /// The states of the values.
    pub states: Vec<State>,
    /// The values. A value that is not known or absent is arbitrary.
    pub data: Data,
}

impl Column {
    /// Makes the value of a row unreadable.
    pub(super) fn forget(&mut self, row: usize) {
        if let Some(state) = self.states.get_mut(row) {
            *state = State::Unreadable;
        }
        self.data.forget(row);
    }
}

/// Values of one type.
#[derive(Debug, Default)]
pub enum Data {
    /// No values, only states: the presence of a record, or a slot that no policy reads.
    #[default]
    Nothing,
    /// Booleans.
    Bool(Vec<bool>),
    /// Longs, decimals, datetimes, durations.
    Number(Vec<i64>),
    /// Strings, and references that are not resolved yet.
    Text(Vec<StrRef>),
    /// Addresses.
    Ip(Vec<IpNet>),
    /// Entities of the slot's type, by row.
    Entity(Vec<u32>),
    /// Sets, records and tags.
    Value(Vec<Value>),
    /// Counts and lengths, from least to most.
    Range(Vec<(i64, i64)>),
    /// The entity of this type that the row is nested in.
    Enclosing(TypeId),
}

impl Data {
    /// The range of an unknown number.
    const ANY: (i64, i64) = (0, i64::MAX);

    /// Returns empty storage for a type; references are stored as text until they are resolved.
    pub(super) fn for_type(ty: &Ty, enumerated: bool) -> Self {
        match ty {
            Ty::Bool => Data::Bool(Vec::new()),
            Ty::Long | Ty::Decimal | Ty::Datetime | Ty::Duration => Data::Number(Vec::new()),
            Ty::String => Data::Text(Vec::new()),
            Ty::Entity(_) if enumerated => Data::Entity(Vec::new()),
            Ty::Entity(_) => Data::Text(Vec::new()),
            Ty::Ip => Data::Ip(Vec::new()),
            Ty::Set(_) | Ty::Record(_) => Data::Value(Vec::new()),
        }
    }

    /// Returns the bytes that a value takes here.
    pub(super) const fn bytes_per_value(&self) -> usize {
        match self {
            Data::Bool(_) => size_of::<bool>(),
            Data::Number(_) => size_of::<i64>(),
            Data::Text(_) => size_of::<StrRef>(),
            Data::Ip(_) => size_of::<IpNet>(),
            Data::Entity(_) => size_of::<u32>(),
            Data::Value(_) => size_of::<Value>(),
            Data::Range(_) => size_of::<(i64, i64)>(),
            Data::Nothing | Data::Enclosing(_) => 0,
        }
    }

    /// Returns empty storage with capacity for a number of values.
    pub(super) fn with_capacity(self, rows: usize) -> Self {
        match self {
            Data::Bool(_) => Data::Bool(Vec::with_capacity(rows)),
            Data::Number(_) => Data::Number(Vec::with_capacity(rows)),
            Data::Text(_) => Data::Text(Vec::with_capacity(rows)),
            Data::Ip(_) => Data::Ip(Vec::with_capacity(rows)),
            Data::Entity(_) => Data::Entity(Vec::with_capacity(rows)),
            Data::Value(_) => Data::Value(Vec::with_capacity(rows)),
            Data::Range(_) => Data::Range(Vec::with_capacity(rows)),
            other @ (Data::Nothing | Data::Enclosing(_)) => other,
        }
    }

    /// Returns the storage with a number of arbitrary values.
    pub(super) fn filled(self, rows: usize) -> Self {
        let nowhere = IpNet { addr: IpAddr::V4(Ipv4Addr::UNSPECIFIED), prefix: 32 };
        match self {
            Data::Bool(_) => Data::Bool(vec![false; rows]),
            Data::Number(_) => Data::Number(vec![0; rows]),
            Data::Text(_) => Data::Text(vec![StrRef::default(); rows]),
            Data::Ip(_) => Data::Ip(vec![nowhere; rows]),
            Data::Entity(_) => Data::Entity(vec![0; rows]),
            Data::Value(_) => Data::Value(vec![Value::Bool(false); rows]),
            Data::Range(_) => Data::Range(vec![Self::ANY; rows]),
            other @ (Data::Nothing | Data::Enclosing(_)) => other,
        }
    }

    /// Makes the value of a row unknown. A range is used even if its state is unknown.
    pub(super) fn forget(&mut self, row: usize) {
        if let Data::Range(all) = self
            && let Some(range) = all.get_mut(row)
        {
            *range = Self::ANY;
        }
    }

    /// Stores a value, if this is storage for its type.
    #[expect(clippy::indexing_slicing, reason = "storage is filled with a value for every row before values are set")]
    pub(super) fn set(&mut self, row: usize, cell: Cell) {
        match (self, cell) {
            (Data::Bool(all), Cell::Bool(b)) => all[row] = b,
            (Data::Number(all), Cell::Number(n)) => all[row] = n,
            (Data::Range(all), Cell::Number(n)) => all[row] = (n, n),
            (Data::Range(all), Cell::Between(low, high)) => all[row] = (low, high),
            (Data::Text(all), Cell::Text(text)) => all[row] = text,
            (Data::Ip(all), Cell::Ip(ip)) => all[row] = ip,
            (Data::Entity(all), Cell::Choice(choice)) => all[row] = choice,
            (Data::Value(all), Cell::Value(value)) => all[row] = value,
            (data, _) => data.forget(row),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_has_its_place() {
        let text = StrRef::in_file(7, "anse");
        assert_eq!((text.range(), text.is_side(), text.hash()), (7..11, false, text_hash("anse")));
        assert_eq!(text.rebased(9), text);
        for start in [0, 7, u32::MAX as usize, 1 << 32, (1 << 33) - 9] {
            let side = StrRef::on_side(start, "anse");
            assert_eq!((side.range(), side.is_side(), side.hash()), (start..start + 4, true, text_hash("anse")));
            assert_eq!(StrRef::on_side(0, "anse").rebased(start), side);
        }
        assert_eq!(size_of::<StrRef>(), 12);
        assert_eq!(size_of::<super::super::Row>(), 40);
    }
}
