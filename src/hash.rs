//! Keyed hashes, for keys that the author of an input chooses.
//!
//! An unkeyed hash lets that author build many keys with one hash, and every look-up then walks through all of them.
//! The key is drawn once per process and is not written anywhere: no output depends on a hash, or on the order of a
//! hash map. Maps with such keys are those of `std`, which use SipHash-1-3 with a random key of their own.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::LazyLock;

/// The key of this process.
static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// Returns the keyed hash of a value.
pub(crate) fn keyed(value: &(impl Hash + ?Sized)) -> u64 {
    KEY.hash_one(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn keys_that_collide_without_a_key_are_spread() {
        // The product of each number and FxHash's factor is small, so that all of its hashes end in the same bits.
        const FACTOR: u64 = 0xf135_7aea_2e62_a9c5;
        let inverse =
            (0..6).fold(FACTOR, |inverse, _| inverse.wrapping_mul(2u64.wrapping_sub(FACTOR.wrapping_mul(inverse))));
        assert_eq!(FACTOR.wrapping_mul(inverse), 1);
        let colliding: Vec<u64> = (0..4096).map(|n: u64| n.wrapping_mul(inverse)).collect();
        assert!(colliding.iter().all(|n| n.wrapping_mul(FACTOR).rotate_left(26) % 4096 == 0));
        let buckets: HashSet<u64> = colliding.iter().map(|n| keyed(n) % 4096).collect();
        assert!(buckets.len() > 2000, "{}", buckets.len());
    }
}
