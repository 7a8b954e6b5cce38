//! Keyed hashes, for keys that the author of an input chooses.
//!
//! An unkeyed hash lets that author build many keys with one hash, and every look-up then walks through all of them.
//! The key is drawn once per process and is not written anywhere: no output depends on a hash, or on the order of a
//! hash map. Maps with such keys are those of `std`, which use SipHash-1-3 with a random key of their own.

use siphasher::sip::SipHasher13;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::LazyLock;

/// The key of this process.
static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// Returns the keyed hash of a value.
pub(crate) fn keyed(value: &(impl Hash + ?Sized)) -> u64 {
    KEY.hash_one(value)
}

/// The two halves of the key of [`keyed_text`] and [`keyed_number`].
static HALVES: LazyLock<[u64; 2]> = LazyLock::new(|| [KEY.hash_one(0u8), KEY.hash_one(1u8)]);

/// Returns the keyed hash of a text, which [`keyed`] computes more slowly.
pub(crate) fn keyed_text(text: &str) -> u64 {
    sip(text.as_bytes())
}

/// Returns the keyed hash of a number, which [`keyed`] computes more slowly.
pub(crate) fn keyed_number(number: u64) -> u64 {
    sip(&number.to_le_bytes())
}

/// Returns SipHash-1-3 of some bytes in one call. The hasher of `std` takes them in pieces, which costs more than the hash of
/// a short text.
fn sip(bytes: &[u8]) -> u64 {
    let [low, high] = *HALVES;
    SipHasher13::new_with_keys(low, high).hash(bytes)
}

/// The keyed hashes of a hash map whose keys are numbers.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Numbers;

/// A hasher of one number.
#[derive(Debug, Default)]
pub(crate) struct NumberHasher(u64);

impl BuildHasher for Numbers {
    type Hasher = NumberHasher;

    fn build_hasher(&self) -> NumberHasher {
        NumberHasher::default()
    }
}

impl Hasher for NumberHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = keyed_number(self.0 ^ number);
    }
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
