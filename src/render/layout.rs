//! The layout of text for people: its style, wrapped paragraphs, shortened lines.

use super::escape::{plain, short};

/// The style of text for people.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// Columns of the terminal.
    pub width: usize,
    /// Whether to use colour.
    pub color: bool,
    /// The amount of text.
    pub detail: Detail,
}

impl Default for Style {
    /// Returns the style of plain text, 80 columns wide.
    fn default() -> Self {
        Self { width: 80, color: false, detail: Detail::Normal }
    }
}

/// The layout of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layout {
    /// In full up to ten findings; otherwise concise, with the three most severe in full.
    #[default]
    Auto,
    /// One line each.
    Concise,
    /// Two excerpts each, of the policy and of the snapshot.
    Full,
}

/// The amount of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Errors and the totals.
    Quiet,
    /// Failures, unknowns and the scorecard.
    Normal,
    /// Also the verdicts that are not applicable, with the reasons.
    Verbose,
}

/// Returns the options of a wrap between words. An id such as `MOE-AUTH-01` is one word.
pub(crate) fn wrapped(width: usize) -> textwrap::Options<'static> {
    let options = textwrap::Options::new(width).word_splitter(textwrap::WordSplitter::NoHyphenation);
    // A pointer or a path is not broken.
    options.word_separator(textwrap::WordSeparator::AsciiSpace).break_words(false)
}

/// Returns the number of columns that a text takes in a terminal.
pub(super) fn columns(text: &str) -> usize {
    textwrap::core::display_width(text)
}

/// Returns the beginning of a text that is wider than `room`.
pub(super) fn shortened(text: &str, room: usize) -> String {
    if columns(text) <= room {
        return text.to_owned();
    }
    format!("{}…", beginning(text.chars(), room.saturating_sub(1)).trim_end())
}

/// Returns both ends of a text that is wider than `room`.
pub(crate) fn middle(text: &str, room: usize) -> String {
    if columns(text) <= room {
        return text.to_owned();
    }
    let tail: String = beginning(text.chars().rev(), room.saturating_sub(1) / 2).chars().rev().collect();
    let head = beginning(text.chars(), room.saturating_sub(columns(&tail) + 1));
    format!("{head}…{tail}")
}

/// Returns the first characters that fit in `room`.
fn beginning(chars: impl Iterator<Item = char>, room: usize) -> String {
    let mut text = String::new();
    for c in chars {
        text.push(c);
        if columns(&text) > room {
            text.pop();
            break;
        }
    }
    text
}

/// Returns a line of text, wrapped between words to the width of a style. `head` begins it, and `indent` the lines below.
pub fn filled(head: &str, indent: &str, text: &str, style: Style) -> String {
    textwrap::fill(text, wrapped(style.width).initial_indent(head).subsequent_indent(indent))
}

/// Returns a text in a colour of the terminal.
pub(crate) fn painted(text: &str, color: &str, style: Style) -> String {
    if style.color { format!("\x1b[{color}m{text}\x1b[0m") } else { text.to_owned() }
}

/// Returns prose of a pack as one wrapped paragraph; its line breaks are ignored.
pub(super) fn paragraph(head: &str, indent: &str, text: &str, style: Style) -> String {
    let words: Vec<_> = text.split_whitespace().map(plain).collect();
    filled(head, indent, &words.join(" "), style)
}

/// Writes a remedy as miette writes the first one of a diagnostic.
pub(super) fn help_line(help: &str, style: Style) -> String {
    let head = if style.color { "\x1b[36m  help: \x1b[0m" } else { "  help: " };
    let options = wrapped(style.width).initial_indent(head).subsequent_indent("        ");
    textwrap::fill(&short(help), options)
}
