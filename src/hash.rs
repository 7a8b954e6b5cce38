//! Keyed hashes, for keys that the author of an input chooses.
//!
//! An unkeyed hash lets that author build many keys with one hash, and every look-up then walks through all of them.
//! The key is drawn once per process and is not written anywhere: no output depends on a hash, or on the order of a
//! hash map. Maps with such keys are those of `std`, which use SipHash-1-3 with a random key of their own.

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
    SipHash::new(*HALVES).of(text.as_bytes())
}

/// Returns the keyed hash of a number, which [`keyed`] computes more slowly.
pub(crate) fn keyed_number(number: u64) -> u64 {
    let mut hash = SipHash::new(*HALVES);
    hash.add(number);
    hash.end(8 << 56)
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

/// SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012) of a whole text. The hasher of `std` takes
/// the text in pieces, which costs more than the hash of a short text.
struct SipHash([u64; 4]);

impl SipHash {
    fn new([low, high]: [u64; 2]) -> Self {
        Self([
            low ^ 0x736f_6d65_7073_6575,
            high ^ 0x646f_7261_6e64_6f6d,
            low ^ 0x6c79_6765_6e65_7261,
            high ^ 0x7465_6462_7974_6573,
        ])
    }

    fn of(mut self, bytes: &[u8]) -> u64 {
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| self.add(u64::from_le_bytes(*word)));
        let rest = rest.iter().rev().fold(0, |last, byte| last << 8 | u64::from(*byte));
        // The last word has the length, modulo 256, in its highest byte.
        self.end((bytes.len() as u64) << 56 | rest)
    }

    fn add(&mut self, word: u64) {
        self.0[3] ^= word;
        self.round();
        self.0[0] ^= word;
    }

    fn end(mut self, last: u64) -> u64 {
        self.add(last);
        self.0[2] ^= 0xff;
        (0..3).for_each(|_| self.round());
        let [a, b, c, d] = self.0;
        a ^ b ^ c ^ d
    }

    fn round(&mut self) {
        let [mut a, mut b, mut c, mut d] = self.0;
        a = a.wrapping_add(b);
        b = b.rotate_left(13) ^ a;
        a = a.rotate_left(32);
        c = c.wrapping_add(d);
        d = d.rotate_left(16) ^ c;
        a = a.wrapping_add(d);
        d = d.rotate_left(21) ^ a;
        c = c.wrapping_add(b);
        b = b.rotate_left(17) ^ c;
        c = c.rotate_left(32);
        self.0 = [a, b, c, d];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::DefaultHasher;

    #[test]
    fn a_text_has_the_hash_that_the_hasher_of_std_computes() {
        let text = "an id of some length, such as that of an account".repeat(8);
        for end in 0..text.len() {
            let mut hasher = DefaultHasher::new();
            hasher.write(&text.as_bytes()[..end]);
            assert_eq!(SipHash::new([0, 0]).of(&text.as_bytes()[..end]), hasher.finish(), "{end}");
        }
    }
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
