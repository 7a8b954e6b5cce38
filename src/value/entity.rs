//! References to entities, and what kinds of entities they refer to.

use super::TypeId;
use serde::{Deserialize, Serialize};

/// A reference to an entity: its type and its row. Numbers after the last row are dangling references.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EntityRef {
    /// The entity's type.
    pub ty: TypeId,
    /// The row, or the choice of an enumerated type. The largest numbers encode the other kinds: see
    /// [`EntityRef::kind`].
    pub row: u32,
}

/// The kind of an [`EntityRef`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefKind {
    /// A row of the table, a dangling reference, or a choice.
    Row(u32),
    /// A phantom: any unknown instance of a list that was not captured. Its own values are unknown.
    Placeholder,
    /// An entity literal, by its number, that may name an instance of a list that was not captured.
    Literal(u32),
    /// An entity literal, by its number, that may also name a captured instance whose id is not known.
    OpenLiteral(u32),
}

/// The number of rows that are reserved for each kind of literal.
const LITERALS: u32 = 1 << 20;
const PLACEHOLDER: u32 = u32::MAX;
/// The first literal; others follow below it.
const LITERAL: u32 = PLACEHOLDER - 1;
/// The first open literal; others follow below it.
const OPEN_LITERAL: u32 = LITERAL - LITERALS;
const LEAST: u32 = OPEN_LITERAL - LITERALS;

impl EntityRef {
    /// Returns the entity of a type with a number: a row, a choice, or a dangling reference after the rows.
    pub fn numbered(ty: TypeId, number: usize) -> Self {
        // Numbers are below 2^32, because every entity takes a byte of a text of less than 4 GiB.
        Self { ty, row: u32::try_from(number).unwrap_or(PLACEHOLDER) }
    }

    /// Returns the phantom of a type.
    pub const fn placeholder(ty: TypeId) -> Self {
        Self { ty, row: PLACEHOLDER }
    }

    /// Returns the literal with a number that may name an instance of a list that was not captured.
    pub const fn literal(ty: TypeId, number: usize) -> Self {
        Self { ty, row: LITERAL - remainder(number) }
    }

    /// Returns the literal with a number that may also name a captured instance whose id is not known.
    pub const fn open_literal(ty: TypeId, number: usize) -> Self {
        Self { ty, row: OPEN_LITERAL - remainder(number) }
    }

    /// Returns the least reference of a type that is not a row, a choice or a dangling reference.
    pub const fn least_literal(ty: TypeId) -> Self {
        Self { ty, row: LEAST }
    }

    /// Returns the kind of the reference.
    pub const fn kind(self) -> RefKind {
        match self.row {
            PLACEHOLDER => RefKind::Placeholder,
            row if row > OPEN_LITERAL => RefKind::Literal(LITERAL - row),
            row if row >= LEAST => RefKind::OpenLiteral(OPEN_LITERAL - row),
            row => RefKind::Row(row),
        }
    }

    /// Returns whether it is a phantom.
    pub const fn is_placeholder(self) -> bool {
        matches!(self.kind(), RefKind::Placeholder)
    }

    /// Returns whether it is a literal that may name an unknown instance, or none.
    pub const fn is_literal(self) -> bool {
        matches!(self.kind(), RefKind::Literal(_) | RefKind::OpenLiteral(_))
    }

    /// Returns whether it is a literal that may name a captured instance whose id is not known.
    pub const fn is_open_literal(self) -> bool {
        matches!(self.kind(), RefKind::OpenLiteral(_))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the remainder is below `LITERALS`")]
const fn remainder(number: usize) -> u32 {
    (number % LITERALS as usize) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read_back() {
        let ty = TypeId::default();
        for number in [0, 1, LITERALS - 1] {
            assert_eq!(EntityRef::literal(ty, number as usize).kind(), RefKind::Literal(number));
            assert_eq!(EntityRef::open_literal(ty, number as usize).kind(), RefKind::OpenLiteral(number));
            assert_eq!(EntityRef::numbered(ty, number as usize).kind(), RefKind::Row(number));
            assert_eq!(EntityRef { ty, row: number }.kind(), RefKind::Row(number));
        }
        assert_eq!(EntityRef::placeholder(ty).kind(), RefKind::Placeholder);
        let least = EntityRef::least_literal(ty);
        assert!(least.is_open_literal() && !EntityRef { ty, row: least.row - 1 }.is_literal());
    }
}
