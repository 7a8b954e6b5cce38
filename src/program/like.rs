//! Patterns of `like`: texts between wildcards.
//!
//! Cedar's own function goes back to the last wildcard after each character that does not match, and decodes the text before.
//! Here the first text must be at the start, the last one at the end, and each of the others is searched in what is left: its
//! first occurrence is as good as any other.

use cedar_policy_core::ast::{Pattern, PatternElem};
use memchr::memmem;
use serde::{Deserialize, Serialize};

/// A pattern of `like`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LikePattern {
    first: String,
    /// The texts after each wildcard.
    further: Vec<String>,
}

impl LikePattern {
    /// Returns whether a text matches.
    pub fn matches(&self, text: &str) -> bool {
        let Some((last, middle)) = self.further.split_last() else { return text == self.first };
        let rest = text.as_bytes().strip_prefix(self.first.as_bytes());
        let Some(mut rest) = rest.and_then(|rest| rest.strip_suffix(last.as_bytes())) else { return false };
        middle.iter().all(|piece| {
            let found = find(rest, piece.as_bytes()).and_then(|at| rest.get(at + piece.len()..));
            found.map(|after| rest = after).is_some()
        })
    }

    /// Returns the texts before, between and after the wildcards: one text if there is no wildcard.
    pub(super) fn pieces(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.first).chain(&self.further).map(String::as_str)
    }
}

/// The number of bytes of a text that is searched without a searcher, which takes longer to make than to use.
const MOST_SHORT: usize = 64;

/// Returns the place of the first occurrence of a piece.
fn find(text: &[u8], piece: &[u8]) -> Option<usize> {
    let Some(first) = piece.first().filter(|_| text.len() <= MOST_SHORT) else { return memmem::find(text, piece) };
    memchr::memchr_iter(*first, text).find(|at| text.get(*at..).is_some_and(|rest| rest.starts_with(piece)))
}

impl From<&Pattern> for LikePattern {
    fn from(pattern: &Pattern) -> Self {
        let mut read = Self { first: String::new(), further: Vec::new() };
        for element in pattern.iter() {
            match element {
                PatternElem::Wildcard => read.further.push(String::new()),
                PatternElem::Char(character) => read.further.last_mut().unwrap_or(&mut read.first).push(*character),
            }
        }
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns all texts of up to some characters.
    fn texts(characters: &[char], most: usize) -> Vec<String> {
        let mut all = vec![String::new()];
        let mut last = all.clone();
        for _ in 0..most {
            last = last.iter().flat_map(|text| characters.iter().map(move |next| format!("{text}{next}"))).collect();
            all.extend(last.iter().cloned());
        }
        all
    }

    #[test]
    fn a_pattern_matches_what_cedar_matches() {
        let texts_to_match = texts(&['a', 'é', '*'], 5);
        let mut matches = 0;
        for written in texts(&['a', 'é', 'W'], 5) {
            let element = |c| if c == 'W' { PatternElem::Wildcard } else { PatternElem::Char(c) };
            let pattern: Pattern = written.chars().map(element).collect();
            let own = LikePattern::from(&pattern);
            for text in &texts_to_match {
                let is_match = own.matches(text);
                assert_eq!(is_match, pattern.wildcard_match(text), "{text} like {written}");
                matches += usize::from(is_match);
            }
        }
        assert!(matches > 1000, "{matches}");
    }
}
