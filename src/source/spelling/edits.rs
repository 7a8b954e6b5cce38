//! The number of edits between two words, up to a limit.
//!
//! The distance is that of Damerau and Levenshtein. Its cost grows with the product of the lengths, so most pairs are refused by the
//! distance that does not edit between swapped letters, which is computed for all letters of a column at once.

/// Letters of a word in one column of bits.
const COLUMN: usize = 64;

/// Returns the number of edits between two words, if it is at most a limit: letters that are added, removed or replaced, and
/// swaps of letters between which others may be edited.
pub(super) fn edits_up_to(a: &str, b: &str, most: usize) -> Option<usize> {
    if let Some(adjacent) = adjacent_edits(a.as_bytes(), b.as_bytes()) {
        // A swap with edits between the two letters has at least two edits, and one more without such swaps.
        if adjacent > most + most / 2 {
            return None;
        }
        if adjacent <= 2 {
            return (adjacent <= most).then_some(adjacent);
        }
    }
    let edits = strsim::damerau_levenshtein(a, b);
    (edits <= most).then_some(edits)
}

/// Returns the number of edits between two ASCII words if only neighbours are swapped, by the algorithm of Hyyrö (2003). Returns `None` for
/// other words, and if the first one is longer than a column.
fn adjacent_edits(a: &[u8], b: &[u8]) -> Option<usize> {
    if a.is_empty() || a.len() > COLUMN || !a.is_ascii() || !b.is_ascii() {
        return None;
    }
    // The places of each character in `a`.
    let mut places = [0_u64; 128];
    for (at, byte) in a.iter().enumerate() {
        *places.get_mut(usize::from(*byte))? |= 1 << at;
    }
    let last = 1 << (a.len() - 1);
    // The rows of the column in which the distance is one more, or one less, than in the row above.
    let (mut more, mut less) = (u64::MAX, 0_u64);
    // The rows whose distance is that of the row above in the column before, and the places of the character of that column.
    let (mut diagonal, mut matches_before) = (0_u64, 0_u64);
    let mut distance = a.len();
    for byte in b {
        let matches = *places.get(usize::from(*byte))?;
        let swapped = (!diagonal & matches) << 1 & matches_before;
        diagonal = ((matches & more).wrapping_add(more) ^ more) | matches | less | swapped;
        let (right_more, right_less) = (less | !(diagonal | more), diagonal & more);
        distance += usize::from(right_more & last != 0);
        distance -= usize::from(right_less & last != 0);
        let (below_more, below_less) = (right_more << 1 | 1, right_less << 1);
        more = below_less | !(diagonal | below_more);
        less = below_more & diagonal;
        matches_before = matches;
    }
    Some(distance)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn edits_are_those_of_the_plain_algorithms(
            a in "[ab]{0,9}|[a-d]{0,12}|[a-dé]{0,6}|[ab]{60,68}",
            b in "[ab]{0,9}|[a-d]{0,12}|[a-dé]{0,6}|[ab]{60,68}",
        ) {
            let edits = strsim::damerau_levenshtein(&a, &b);
            for most in 0..6 {
                prop_assert_eq!(edits_up_to(&a, &b, most), (edits <= most).then_some(edits), "{} {} {}", a, b, most);
            }
            if let Some(adjacent) = adjacent_edits(a.as_bytes(), b.as_bytes()) {
                prop_assert_eq!(adjacent, strsim::osa_distance(&a, &b), "{} {}", a, b);
            }
        }
    }

    #[test]
    fn a_swap_around_an_edit_counts() {
        assert_eq!(adjacent_edits(b"ca", b"abc"), Some(3));
        assert_eq!(edits_up_to("ca", "abc", 2), Some(2));
        assert_eq!(edits_up_to("ca", "abc", 1), None);
        assert_eq!(edits_up_to("", "ab", 2), Some(2));
    }
}
