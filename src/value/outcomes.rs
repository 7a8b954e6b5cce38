//! Sets of possible outcomes of a condition: true, false, error.
//!
//! A set covers every value that the snapshot leaves open. The operators are those of Cedar, applied to every
//! combination of outcomes, as in Kleene's three-valued logic with errors added.

use std::ops::{BitOr, BitOrAssign};

/// The set of outcomes that a condition may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Outcomes(u8);

impl Outcomes {
    /// Certainly true.
    pub const TRUE: Outcomes = Outcomes(1);
    /// Certainly false.
    pub const FALSE: Outcomes = Outcomes(2);
    /// Certainly an error.
    pub const ERROR: Outcomes = Outcomes(4);
    /// True or false.
    pub const EITHER: Outcomes = Outcomes(3);
    /// No outcome: nothing was evaluated.
    pub const NONE: Outcomes = Outcomes(0);

    /// Returns the set with one outcome, true or false.
    pub const fn of(answer: bool) -> Self {
        if answer { Self::TRUE } else { Self::FALSE }
    }

    /// Returns whether one of the outcomes in `other` is possible.
    pub const fn may(self, other: Outcomes) -> bool {
        self.0 & other.0 != 0
    }

    /// Returns the outcome if it is the only one and is not an error.
    pub const fn known(self) -> Option<bool> {
        match self {
            Outcomes::TRUE => Some(true),
            Outcomes::FALSE => Some(false),
            _ => None,
        }
    }

    /// Returns the outcomes of Cedar's `&&`, which evaluates the right side only if the left side is true.
    ///
    /// If the right side is false, the result is false, unless the left side may be an error.
    pub const fn and(self, right: Outcomes) -> Outcomes {
        Outcomes((self.0 & 0b110) | if self.0 & 1 != 0 { right.0 } else { 0 })
    }

    /// Returns the outcomes of Cedar's `||`, which evaluates the right side only if the left side is false.
    pub const fn or(self, right: Outcomes) -> Outcomes {
        Outcomes((self.0 & 0b101) | if self.0 & 2 != 0 { right.0 } else { 0 })
    }

    /// Returns the outcomes of Cedar's `!`.
    pub const fn not(self) -> Outcomes {
        Outcomes((self.0 & 1) << 1 | (self.0 >> 1) & 1 | self.0 & 4)
    }
}

impl BitOr for Outcomes {
    type Output = Outcomes;

    fn bitor(self, other: Outcomes) -> Outcomes {
        Outcomes(self.0 | other.0)
    }
}

impl BitOrAssign for Outcomes {
    fn bitor_assign(&mut self, other: Outcomes) {
        self.0 |= other.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Outcomes; 7] =
        [Outcomes(1), Outcomes(2), Outcomes(3), Outcomes(4), Outcomes(5), Outcomes(6), Outcomes(7)];

    /// Returns the outcome of Cedar's `&&` for single outcomes.
    fn and(left: Outcomes, right: Outcomes) -> Outcomes {
        if left == Outcomes::TRUE { right } else { left }
    }

    /// Returns the outcome of Cedar's `||` for single outcomes.
    fn or(left: Outcomes, right: Outcomes) -> Outcomes {
        if left == Outcomes::FALSE { right } else { left }
    }

    fn elements(outcomes: Outcomes) -> impl Iterator<Item = Outcomes> {
        [Outcomes::TRUE, Outcomes::FALSE, Outcomes::ERROR].into_iter().filter(move |one| outcomes.may(*one))
    }

    #[test]
    fn operators_are_cedars_on_every_possible_outcome() {
        for left in ALL {
            assert_eq!(left.not().not(), left);
            for right in ALL {
                let every = |op: fn(Outcomes, Outcomes) -> Outcomes| {
                    elements(left)
                        .flat_map(|l| elements(right).map(move |r| op(l, r)))
                        .fold(Outcomes::NONE, BitOr::bitor)
                };
                assert_eq!(left.and(right), every(and));
                assert_eq!(left.or(right), every(or));
            }
        }
    }
}
