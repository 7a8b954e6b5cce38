//! Sets of possible outcomes of a condition: true, false, error.

use std::ops::{BitOr, BitOrAssign};

/// The set of outcomes that a condition may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mask(u8);

impl Mask {
    /// Certainly true.
    pub const TRUE: Mask = Mask(1);
    /// Certainly false.
    pub const FALSE: Mask = Mask(2);
    /// Certainly an error.
    pub const ERROR: Mask = Mask(4);
    /// True or false.
    pub const EITHER: Mask = Mask(3);
    /// No outcome: nothing was evaluated.
    pub const NONE: Mask = Mask(0);

    /// Returns the mask of a known answer.
    pub const fn of(answer: bool) -> Self {
        if answer { Self::TRUE } else { Self::FALSE }
    }

    /// Returns whether one of `other`'s outcomes is possible.
    pub const fn may(self, other: Mask) -> bool {
        self.0 & other.0 != 0
    }

    /// Returns the outcome if it is the only one and is not an error.
    pub const fn known(self) -> Option<bool> {
        match self {
            Mask::TRUE => Some(true),
            Mask::FALSE => Some(false),
            _ => None,
        }
    }

    /// Returns the outcomes of Cedar's `&&`: the right side counts if the left may be true. If the right side is false,
    /// the result is false, unless the left side may be an error.
    pub const fn and(self, right: Mask) -> Mask {
        Mask((self.0 & 0b110) | if self.0 & 1 != 0 { right.0 } else { 0 })
    }

    /// Returns the outcomes of Cedar's `||`: the right side counts if the left may be false.
    pub const fn or(self, right: Mask) -> Mask {
        Mask((self.0 & 0b101) | if self.0 & 2 != 0 { right.0 } else { 0 })
    }

    /// Returns the outcomes of Cedar's `!`.
    pub const fn not(self) -> Mask {
        Mask((self.0 & 1) << 1 | (self.0 >> 1) & 1 | self.0 & 4)
    }
}

impl BitOr for Mask {
    type Output = Mask;

    fn bitor(self, other: Mask) -> Mask {
        Mask(self.0 | other.0)
    }
}

impl BitOrAssign for Mask {
    fn bitor_assign(&mut self, other: Mask) {
        self.0 |= other.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Mask; 7] = [Mask(1), Mask(2), Mask(3), Mask(4), Mask(5), Mask(6), Mask(7)];

    /// Cedar's semantics on single outcomes.
    fn and(left: Mask, right: Mask) -> Mask {
        if left == Mask::TRUE { right } else { left }
    }

    fn or(left: Mask, right: Mask) -> Mask {
        if left == Mask::FALSE { right } else { left }
    }

    fn outcomes(mask: Mask) -> impl Iterator<Item = Mask> {
        [Mask::TRUE, Mask::FALSE, Mask::ERROR].into_iter().filter(move |one| mask.may(*one))
    }

    #[test]
    fn operators_are_cedars_on_every_possible_outcome() {
        for left in ALL {
            assert_eq!(left.not().not(), left);
            for right in ALL {
                let every = |op: fn(Mask, Mask) -> Mask| {
                    outcomes(left).flat_map(|l| outcomes(right).map(move |r| op(l, r))).fold(Mask::NONE, BitOr::bitor)
                };
                assert_eq!(left.and(right), every(and));
                assert_eq!(left.or(right), every(or));
            }
        }
    }
}
