//! Text with its secrets masked. All masks have the same width, so places move: a [`Masked`] text maps them.

use crate::snapshot::Secrets;
use crate::source::{Source, Span, byte_offset};
use std::sync::Arc;

pub use crate::report::MASK;

/// A part of a source as it may be shown.
#[derive(Debug)]
pub struct Masked {
    /// The text that is shown.
    pub text: String,
    /// The pieces of the part in order, without gaps.
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, Copy)]
struct Piece {
    written: Span,
    shown: Span,
    secret: bool,
}

impl Masked {
    /// Masks a part of a source; `secrets` are in order and do not overlap.
    ///
    /// Line breaks in a secret stay, and each of its lines gets a mask: the lines below keep their numbers.
    pub fn new(source: &Source, part: Span, secrets: &[Span]) -> Self {
        let mut masked = Self { text: String::new(), pieces: Vec::new() };
        let mut at = part.start;
        for secret in inside(secrets, part) {
            let (start, end) = (secret.start.max(part.start), secret.end.min(part.end));
            masked.push(source, Span::new(at, start), false);
            at = start;
            for line in source.slice(Span::new(start, end)).split_inclusive('\n') {
                let (whole, kept) = (at + byte_offset(line.len()), u32::from(line.ends_with('\n')));
                masked.push(source, Span::new(at, whole - kept), true);
                masked.push(source, Span::new(whole - kept, whole), false);
                at = whole;
            }
        }
        masked.push(source, Span::new(at, part.end), false);
        masked
    }

    fn push(&mut self, source: &Source, written: Span, secret: bool) {
        if written.is_empty() && !secret {
            return;
        }
        let start = byte_offset(self.text.len());
        self.text.push_str(if secret { MASK } else { source.slice(written) });
        self.pieces.push(Piece { written, shown: Span::new(start, byte_offset(self.text.len())), secret });
    }

    /// Returns where a place is in the shown text. A place in a secret covers the mask.
    pub fn place(&self, place: Span) -> Span {
        let end_of_text = byte_offset(self.text.len());
        let first = self.pieces.iter().rfind(|piece| piece.written.start <= place.start);
        let start = first.map_or(0, |piece| match piece.secret {
            true => piece.shown.start,
            false => (piece.shown.start + (place.start - piece.written.start)).min(piece.shown.end),
        });
        let last = self.pieces.iter().find(|piece| piece.written.end >= place.end);
        let end = last.map_or(end_of_text, |piece| match piece.secret {
            true => piece.shown.end,
            false => piece.shown.start + place.end.saturating_sub(piece.written.start),
        });
        Span::new(start, end.max(start))
    }
}

/// Returns the secrets that touch a part of a text.
pub fn inside(secrets: &[Span], part: Span) -> impl DoubleEndedIterator<Item = &Span> {
    let from = secrets.partition_point(|secret| secret.end <= part.start);
    let to = secrets.partition_point(|secret| secret.start < part.end);
    secrets.get(from..to).unwrap_or_default().iter()
}

/// Returns the places of a source that are masked, in order.
pub fn secrets_of<'s>(secrets: &'s [Secrets], source: &Arc<Source>) -> &'s [Span] {
    secrets.iter().find_map(|known| known.masked_in(source)).unwrap_or_default()
}

/// Returns the text of a source with its secrets masked.
pub fn masked(source: &Source, secrets: &[Span]) -> String {
    Masked::new(source, Span::from(0..source.text().len()), secrets).text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a text in which `<` and `>` enclose secrets, as outputs show it, with the shown part of each place.
    fn shown(text: &str) -> (String, Vec<(String, String)>) {
        let plain: String = text.replace(['<', '>'], "");
        let (mut secrets, mut at) = (Vec::new(), 0);
        for c in text.chars() {
            match c {
                '<' => secrets.push(Span::new(at, at)),
                '>' => secrets.last_mut().unwrap().end = at,
                c => at += byte_offset(c.len_utf8()),
            }
        }
        let source = Source::new("t", plain.clone()).unwrap();
        let masked = Masked::new(&source, Span::new(0, at), &secrets);
        let words = plain.split([' ', '\n']).filter(|word| !word.is_empty());
        let place = |word: &str| {
            let start = (word.as_ptr() as usize - plain.as_ptr() as usize) as u32;
            let place = masked.place(Span::new(start, start + word.len() as u32));
            (word.to_owned(), masked.text[place.range()].to_owned())
        };
        let places = words.map(place).collect();
        (masked.text, places)
    }

    #[test]
    fn masks_are_as_wide_whatever_they_hide_and_places_move_with_the_text() {
        for secret in ["1", "four", "a much longer secret"] {
            let (text, places) = shown(&format!("ä <{secret}> b <{secret}> c"));
            assert_eq!(text, "ä *** b *** c");
            for (word, at) in places {
                assert_eq!(at, if secret.contains(&word) && word != "b" && word != "c" { "***" } else { &word });
            }
        }
    }

    #[test]
    fn every_line_of_a_secret_has_a_mask_and_later_lines_keep_their_numbers() {
        let (text, places) = shown("a <{\n  one\n\n}> b\nc");
        assert_eq!(text, "a ***\n***\n***\n*** b\nc");
        assert_eq!(places.last().unwrap().1, "c");
    }

    #[test]
    fn a_place_that_reaches_into_a_secret_ends_with_the_mask() {
        let source = Source::new("t", "ab secret cd").unwrap();
        let masked = Masked::new(&source, Span::new(0, 12), &[Span::new(3, 9)]);
        let at = |start, end| masked.text[masked.place(Span::new(start, end)).range()].to_owned();
        assert_eq!(masked.text, "ab *** cd");
        assert_eq!([at(0, 5), at(5, 12), at(4, 6), at(0, 12)], ["ab ***", "*** cd", "***", "ab *** cd"]);
    }

    #[test]
    fn a_part_that_begins_and_ends_in_secrets_is_masked_there() {
        let source = Source::new("t", "secret a secret").unwrap();
        let masked = Masked::new(&source, Span::new(3, 12), &[Span::new(0, 6), Span::new(9, 15)]);
        assert_eq!(masked.text, "*** a ***");
    }
}
