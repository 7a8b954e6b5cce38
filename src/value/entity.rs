//! References to entities, and what kinds of entities they refer to.

use super::TypeId;

/// An entity: its type, and its row in that type's table, or beyond the last row the number of an absent entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntityRef {
    /// The entity's type.
    pub ty: TypeId,
    /// The row, or the choice of an enumerated type. The largest numbers are other kinds: see [`EntityRef::kind`].
    pub row: u32,
}

/// The kind of an [`EntityRef`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefKind {
    /// A row of the table, an absent entity, or a choice.
    Row(u32),
    /// An unknown instance of a list that was not captured. It may have any values.
    Placeholder,
    /// An entity literal, by its number, that may name an instance of a list that was not captured.
    Literal(u32),
    /// An entity literal, by its number, that may also name a captured instance of which the id is not known.
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
    /// Returns an unknown instance of a list that was not captured.
    pub const fn placeholder(ty: TypeId) -> Self {
        Self { ty, row: PLACEHOLDER }
    }

    /// Returns the literal with a number that may name an instance of a list that was not captured.
    pub const fn literal(ty: TypeId, number: u32) -> Self {
        Self { ty, row: LITERAL - number % LITERALS }
    }

    /// Returns the literal with a number that may also name a captured instance of which the id is not known.
    pub const fn open_literal(ty: TypeId, number: u32) -> Self {
        Self { ty, row: OPEN_LITERAL - number % LITERALS }
    }

    /// Returns what it refers to.
    pub const fn kind(self) -> RefKind {
        match self.row {
            PLACEHOLDER => RefKind::Placeholder,
            row if row > OPEN_LITERAL => RefKind::Literal(LITERAL - row),
            row if row >= LEAST => RefKind::OpenLiteral(OPEN_LITERAL - row),
            row => RefKind::Row(row),
        }
    }

    /// Returns whether it is an unknown instance of a list that was not captured.
    pub const fn is_placeholder(self) -> bool {
        matches!(self.kind(), RefKind::Placeholder)
    }

    /// Returns whether it is a literal that may or may not name an entity.
    pub const fn is_literal(self) -> bool {
        matches!(self.kind(), RefKind::Literal(_) | RefKind::OpenLiteral(_))
    }

    /// Returns whether it is a literal that may name a captured instance of which the id is not known.
    pub const fn is_open_literal(self) -> bool {
        matches!(self.kind(), RefKind::OpenLiteral(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read_back() {
        let ty = TypeId::default();
        for number in [0, 1, LITERALS - 1] {
            assert_eq!(EntityRef::literal(ty, number).kind(), RefKind::Literal(number));
            assert_eq!(EntityRef::open_literal(ty, number).kind(), RefKind::OpenLiteral(number));
            assert_eq!(EntityRef { ty, row: number }.kind(), RefKind::Row(number));
        }
        assert_eq!(EntityRef::placeholder(ty).kind(), RefKind::Placeholder);
    }
}
