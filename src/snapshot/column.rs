//! Columns: the values of one slot over all rows of a type.

use super::read::Cell;
use crate::schema::Ty;
use crate::value::{IpNet, TypeId, Value};
use rustc_hash::FxHasher;
use std::hash::Hasher;
use std::net::{IpAddr, Ipv4Addr};
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

/// A text, in the file or beside it, with its hash: most texts are told apart without looking at them again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StrRef {
    start: u32,
    len: u32,
    hash: u32,
}

const SIDE: u32 = 1 << 31;

impl StrRef {
    /// Returns a reference to `text`, which starts here in the file.
    pub fn in_file(start: u32, text: &str) -> Self {
        Self { start, len: text.len() as u32 & !SIDE, hash: text_hash(text) }
    }

    /// Returns a reference to `text`, which starts here beside the file.
    pub fn on_side(start: usize, text: &str) -> Self {
        Self { start: start as u32, len: text.len() as u32 | SIDE, hash: text_hash(text) }
    }

    /// Returns the [`text_hash`].
    pub fn hash(self) -> u32 {
        self.hash
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
        if self.is_side() { Self { start: self.start + by as u32, ..self } } else { self }
    }
}

/// A hash of a text.
pub fn text_hash(text: &str) -> u32 {
    let mut hasher = FxHasher::default();
    hasher.write(text.as_bytes());
    let hash = hasher.finish();
    (hash ^ hash >> 32) as u32
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
    /// Returns the storage, empty, with room for so many values.
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

    /// Returns the storage with so many values of no meaning.
    pub(super) fn filled(self, rows: usize) -> Self {
        let nowhere = IpNet { addr: IpAddr::V4(Ipv4Addr::UNSPECIFIED), prefix: 32 };
        match self {
            Data::Bool(_) => Data::Bool(vec![false; rows]),
            Data::Number(_) => Data::Number(vec![0; rows]),
            Data::Text(_) => Data::Text(vec![StrRef::default(); rows]),
            Data::Ip(_) => Data::Ip(vec![nowhere; rows]),
            Data::Entity(_) => Data::Entity(vec![0; rows]),
            Data::Value(_) => Data::Value(vec![Value::Bool(false); rows]),
            Data::Range(_) => Data::Range(vec![(0, 0); rows]),
            other @ (Data::Nothing | Data::Enclosing(_)) => other,
        }
    }

    /// Stores what was read, if this is storage for it.
    pub(super) fn set(&mut self, row: usize, cell: Cell) {
        match (self, cell) {
            (Data::Bool(all), Cell::Bool(b)) => all[row] = b,
            (Data::Number(all), Cell::Number(n)) => all[row] = n,
            (Data::Text(all), Cell::Text(text)) => all[row] = text,
            (Data::Ip(all), Cell::Ip(ip)) => all[row] = ip,
            (Data::Entity(all), Cell::Choice(choice)) => all[row] = choice,
            (Data::Value(all), Cell::Value(value)) => all[row] = value,
            _ => {}
        }
    }
}
