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
pub(super) fn wrapped(width: usize) -> textwrap::Options<'static> {
    let options = textwrap::Options::new(width).word_splitter(textwrap::WordSplitter::NoHyphenation);
    options.word_separator(textwrap::WordSeparator::AsciiSpace)
}

/// Returns the beginning of a text that is longer than `room`.
pub(super) fn shortened(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let cut: String = text.chars().take(room.saturating_sub(1)).collect();
    format!("{}…", cut.trim_end())
}

/// Returns prose of a pack as one wrapped paragraph; its line breaks are ignored.
pub(super) fn paragraph(head: &str, indent: &str, text: &str, style: Style) -> String {
    let words: Vec<_> = text.split_whitespace().map(plain).collect();
    textwrap::fill(&words.join(" "), wrapped(style.width).initial_indent(head).subsequent_indent(indent))
}

/// Writes a remedy as miette writes the first one of a diagnostic.
pub(super) fn help_line(help: &str, style: Style) -> String {
    let head = if style.color { "\x1b[36m  help: \x1b[0m" } else { "  help: " };
    let options = wrapped(style.width).initial_indent(head).subsequent_indent("        ");
    textwrap::fill(&short(help), options)
}
