//! Places in the text that Cedar's tree does not have: operators between operands, patterns, names of attributes.

use crate::program::written::span;
use crate::source::{Span, cedar_marks};
use cedar_policy_core::ast::{Expr, ExprKind};

/// Returns the place of a part of a text, by its offset in the text and its length.
pub(super) fn part(of: Span, offset: usize, length: usize) -> Option<Span> {
    let start = of.start.checked_add(u32::try_from(offset).ok()?)?;
    Some(Span::new(start, start.checked_add(u32::try_from(length).ok()?)?))
}

/// Returns the end of an operand of a chain of `+`. An operand that is itself a chain has the place of the whole.
pub(super) fn right_edge(expr: &Expr, chain: Option<Span>) -> Option<u32> {
    match expr.expr_kind() {
        ExprKind::BinaryApp { arg2, .. } if span(expr) == chain => right_edge(arg2, chain),
        _ => span(expr).map(|span| span.end),
    }
}

/// Returns the offset of the comparison in the text between two operands, and its replacement.
pub(super) fn boundary(between: &str) -> Option<(usize, &'static str)> {
    let (offset, mark) = cedar_marks(between).find(|(_, mark)| matches!(mark, b'<' | b'>'))?;
    let or_equal = between.as_bytes().get(offset + 1) == Some(&b'=');
    let swapped = match (mark, or_equal) {
        (b'<', false) => "<=",
        (b'<', true) => "<",
        (_, false) => ">=",
        (_, true) => ">",
    };
    Some((offset, swapped))
}

/// Returns the offset of the first string.
pub(super) fn first_quote(text: &str) -> Option<usize> {
    let quote = text.find('"')?;
    match text.find("//").filter(|comment| *comment < quote) {
        Some(comment) => {
            let next = comment + text.get(comment..)?.find('\n')?;
            first_quote(text.get(next..)?).map(|quote| next + quote)
        }
        None => Some(quote),
    }
}

/// Returns the place of a word in a text: at its end, or the only one.
pub(super) fn only_word(text: &str, word: &str) -> Option<usize> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let mut places = text.match_indices(word).map(|(at, _)| at).filter(|at| {
        let (before, after) = text.split_at(*at);
        before.trim_end().ends_with('.') && !after.strip_prefix(word).is_some_and(|after| after.starts_with(is_part))
    });
    if text.ends_with(word) {
        return places.last();
    }
    places.next().filter(|_| places.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparisons_change_at_their_boundary_and_comments_are_skipped() {
        assert_eq!(boundary(" < "), Some((1, "<=")));
        assert_eq!(boundary(") >= ("), Some((2, ">")));
        assert_eq!(boundary(" // <\n <= "), Some((7, "<")));
        assert_eq!(boundary(" == "), None);
        assert_eq!(first_quote(" // \"*\"\n like // no \"\n \"a*\""), Some(23));
        assert_eq!(first_quote(" // \"*\""), None);
    }
}
