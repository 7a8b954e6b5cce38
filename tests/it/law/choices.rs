//! A stream of choices from which everything random is built.
//!
//! The stream is what proptest generates and shrinks. Choice 0 is always the plainest alternative, and a stream that has
//! run out goes on with zeros, so a shorter stream of smaller numbers makes a simpler case.

/// A stream of choices.
pub struct Choices<'s> {
    given: &'s [u16],
    seed: Option<u64>,
}

impl<'s> Choices<'s> {
    /// Returns the stream that proptest gave.
    pub fn given(given: &'s [u16]) -> Self {
        Self { given, seed: None }
    }

    /// Returns an endless stream, for what need not shrink.
    pub fn seeded(seed: u64) -> Self {
        Self { given: &[], seed: Some(seed) }
    }

    /// Returns a number below `count`.
    pub fn below(&mut self, count: usize) -> usize {
        if let Some(seed) = &mut self.seed {
            // SplitMix64
            *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (*seed ^ (*seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            return ((mixed ^ (mixed >> 31)) % count.max(1) as u64) as usize;
        }
        let Some((first, rest)) = self.given.split_first() else { return 0 };
        self.given = rest;
        usize::from(*first) % count.max(1)
    }

    /// Returns true in one of `count` cases, and never once the stream has run out.
    pub fn one_in(&mut self, count: usize) -> bool {
        self.below(count) + 1 == count && count > 1
    }

    /// Returns true in `percent` of a hundred cases.
    pub fn percent(&mut self, percent: usize) -> bool {
        self.below(100) >= 100 - percent
    }

    /// Returns one of `from`.
    pub fn pick<'f, T>(&mut self, from: &'f [T]) -> &'f T {
        &from[self.below(from.len())]
    }

    /// Returns one of some texts.
    pub fn pick_text(&mut self, from: &[&'static str]) -> &'static str {
        from[self.below(from.len())]
    }
}
