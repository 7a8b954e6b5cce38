//! Columns: the values of one slot over all rows of a type.

use crate::schema::Ty;
use crate::value::{IpNet, TypeId, Value};
use std::ops::Range;

/// Whether a value is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum State {
    /// It is.
    Known,
    /// It is not, and that is known.
    Absent,
    /// It was not captured.
    Unknown,
}

/// A text, in the file or beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StrRef {
    start: u32,
    len: u32,
}

const SIDE: u32 = 1 << 31;

impl StrRef {
    /// Returns a reference to text in the file.
    pub fn in_file(start: u32, len: u32) -> Self {
        Self { start, len: len & !SIDE }
    }

    /// Returns a reference to text beside the file.
    pub fn on_side(start: usize, len: usize) -> Self {
        Self { start: start as u32, len: len as u32 | SIDE }
    }

    /// Returns whether the text stands beside the file.
    pub fn is_side(self) -> bool {
        self.len & SIDE != 0
    }

    /// Returns the bytes.
    pub fn range(self) -> Range<usize> {
        let start = self.start as usize;
        start..start + (self.len & !SIDE) as usize
    }

    /// Moves a side reference, when side texts are put together.
    pub(super) fn rebased(self, by: usize) -> Self {
        if self.is_side() { Self { start: self.start + by as u32, len: self.len } } else { self }
    }
}

/// The values of one slot.
#[derive(Debug, Default)]
pub struct Column {
    /// Whether each is there.
    pub states: Vec<State>,
    /// What they are; of those that are not there, anything.
    pub data: Data,
}

/// Values of one type.
#[derive(Debug, Default)]
pub enum Data {
    /// Nothing but the states: a record's presence, or a slot that nobody reads.
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
    /// Derived counts, from least to most.
    Range(Vec<(i64, i64)>),
    /// The entity of this type that the row is nested in.
    Enclosing(TypeId),
}

impl Data {
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
}
