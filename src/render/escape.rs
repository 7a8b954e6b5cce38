//! Texts from inputs, without the characters that control a terminal.

use crate::source::is_hidden;
use std::borrow::Cow;

/// Characters of a message or a label that are shown.
const LONGEST_TEXT: usize = 600;

/// Returns a text without characters that control a terminal. Each is replaced by as many bytes, so offsets stay valid.
pub(super) fn harmless(shown: &str) -> String {
    let mut text = String::with_capacity(shown.len());
    let mut rest = shown.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            ' '..='~' | '\n' | '\t' => text.push(c),
            '\r' if rest.peek() == Some(&'\n') => text.push(c),
            '\r' => text.push(' '),
            c if commands(c) => text.extend(std::iter::repeat_n('?', c.len_utf8())),
            c => text.push(c),
        }
    }
    text
}

/// Returns whether a character moves the cursor, is invisible, or changes the direction of the text.
fn commands(c: char) -> bool {
    c.is_control() || is_hidden(c)
}

/// Returns a text as it is shown inside one line: line breaks, other control characters and characters that hide or
/// reorder text are written as escapes. Every text from an input passes through this function.
pub fn plain(text: &str) -> Cow<'_, str> {
    let is_ascii = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if is_ascii || !text.chars().any(commands) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::new();
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => shown.extend(c.escape_default()),
            c if commands(c) => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

/// Returns plain text; if it is very long, only its beginning.
pub fn short(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(LONGEST_TEXT) {
        None => plain(text),
        Some((end, _)) => Cow::Owned(format!("{}…", plain(text.get(..end).unwrap_or_default()))),
    }
}
