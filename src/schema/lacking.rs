//! Words that mean that a value is unknown or absent: the arguments of `@unknown` and `@absent`.

use crate::value::fold::is_same;
use crate::value::parse_number;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::sync::Arc;

/// The state that a word gives a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lacking {
    /// The value is unknown.
    Unknown,
    /// The value is absent.
    Absent,
}

/// The words of an attribute that mean that its value is unknown or absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LackingWords(Option<Arc<Lists>>);

#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Lists {
    unknown: Vec<String>,
    absent: Vec<String>,
}

impl LackingWords {
    pub(super) fn new(unknown: Vec<String>, absent: Vec<String>) -> Self {
        let is_empty = unknown.is_empty() && absent.is_empty();
        Self((!is_empty).then(|| Arc::new(Lists { unknown, absent })))
    }

    /// Returns whether there are no words.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Returns the words for a state, as the schema has them.
    pub fn of(&self, lacking: Lacking) -> &[String] {
        self.0.as_ref().map_or(&[], |lists| match lacking {
            Lacking::Unknown => &lists.unknown,
            Lacking::Absent => &lists.absent,
        })
    }

    /// Returns the state that a text gives a value, trimmed and in any case.
    pub fn meaning(&self, text: &str) -> Option<Lacking> {
        self.listed(|word| is_same(text.trim(), word))
    }

    /// Returns the state that a number of JSON gives a value. `0.0` is `0`.
    pub fn meaning_of_number(&self, raw: &str) -> Option<Lacking> {
        let number = parse_number(raw, PLACES).ok();
        let is_number = |word: &str| serde_json::from_str::<serde_json::Number>(word).is_ok();
        let is_equal = |word: &str| is_number(word) && parse_number(word, PLACES).ok() == number;
        self.listed(|word| word == raw || number.is_some() && is_equal(word))
    }

    fn listed(&self, is: impl Fn(&str) -> bool) -> Option<Lacking> {
        let lists = self.0.as_ref()?;
        let is_in = |words: &[String]| words.iter().any(|word| is(word));
        if is_in(&lists.unknown) { Some(Lacking::Unknown) } else { is_in(&lists.absent).then_some(Lacking::Absent) }
    }
}

/// Decimal places of numbers that are compared by value: those of Cedar's decimal.
const PLACES: i64 = 4;

/// A word, and its place in its list.
pub(super) type PlacedWord = (String, Range<usize>);

/// Returns the words of a list that commas separate, trimmed, with their places in it. A word in double quotes may
/// contain a comma, and may be empty; `\"` and `\\` are a quote and a backslash in it.
///
/// # Errors
/// The place of the problem, and the problem.
pub(super) fn words(list: &str) -> Result<Vec<PlacedWord>, (Range<usize>, &'static str)> {
    let mut words = Vec::new();
    let mut at = 0;
    loop {
        let rest = list.get(at..).unwrap_or_default();
        let start = at + rest.len() - rest.trim_start().len();
        let (word, end) = match quoted(list, start) {
            Some(quoted) => quoted.map_err(|()| (start..list.len(), "has a quote without an end"))?,
            None => {
                let rest = list.get(start..).unwrap_or_default();
                let word = rest.split(',').next().unwrap_or_default().trim_end();
                if word.is_empty() {
                    return Err((at.min(list.len())..list.len(), "has an empty word"));
                }
                (word.to_owned(), start + word.len())
            }
        };
        words.push((word.trim().to_owned(), start..end));
        let rest = list.get(end..).unwrap_or_default().trim_start();
        match rest.strip_prefix(',') {
            Some(after) => at = list.len() - after.len(),
            None if rest.is_empty() => return Ok(words),
            None => return Err((list.len() - rest.len()..list.len(), "has a text after a quoted word")),
        }
    }
}

/// Reads a text in double quotes that starts at a place: the text and the place after it. Returns `None` if there is no
/// quote, and an error if the quote does not end.
pub(super) fn quoted(list: &str, start: usize) -> Option<Result<(String, usize), ()>> {
    let inner = list.get(start..)?.strip_prefix('"')?;
    let (mut text, mut chars) = (String::new(), inner.char_indices());
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some(Ok((text, start + 1 + at + 1))),
            '\\' => text.extend(chars.next().map(|(_, escaped)| escaped)),
            _ => text.push(c),
        }
    }
    Some(Err(()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_separate_words_unless_they_are_quoted() {
        let read = |list| words(list).map(|words| words.into_iter().map(|(word, _)| word).collect::<Vec<_>>());
        assert_eq!(read("unknown").unwrap(), ["unknown"]);
        assert_eq!(read(" N/A , never,- ").unwrap(), ["N/A", "never", "-"]);
        assert_eq!(read(r#""not, known", "", "a \"b\\" ,c"#).unwrap(), ["not, known", "", "a \"b\\", "c"]);
        assert_eq!(words("a, bc").unwrap()[1].1, 3..5);
        for (list, at) in [("", 0..0), ("a,", 2..2), ("a,,b", 2..4), ("\"a", 0..2), ("\"a\" b", 4..5)] {
            assert_eq!(words(list).unwrap_err().0, at, "{list}");
        }
    }

    #[test]
    fn words_are_compared_trimmed_and_in_any_case() {
        let words = LackingWords::new(vec!["tbd".into()], vec!["N/A".into(), String::new()]);
        assert_eq!(words.meaning(" TBD "), Some(Lacking::Unknown));
        assert_eq!(words.meaning("n/a"), Some(Lacking::Absent));
        assert_eq!(words.meaning("  "), Some(Lacking::Absent));
        assert_eq!(words.meaning("none"), None);
        assert_eq!(LackingWords::default().meaning(""), None);
    }

    #[test]
    fn numbers_are_compared_by_value() {
        let words = LackingWords::new(vec!["-1".into()], vec!["0".into(), "-".into(), "n/a".into()]);
        for zero in ["0", "0.0", "-0", "0e9"] {
            assert_eq!(words.meaning_of_number(zero), Some(Lacking::Absent), "{zero}");
        }
        assert_eq!(words.meaning_of_number("-1.00"), Some(Lacking::Unknown));
        assert_eq!(words.meaning_of_number("0.00001"), None);
        assert_eq!(LackingWords::new(Vec::new(), vec!["-".into()]).meaning_of_number("0"), None);
        assert_eq!(words.meaning("0.0"), None);
    }
}
