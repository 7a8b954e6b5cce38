//! Excerpts: the lines around a place, as miette shows them, with secrets masked and very long lines cut.

use crate::source::{Place, Position, Source, Span, is_hidden};
use miette::{MietteError, SourceCode, SourceSpan, SpanContents};
use std::borrow::Cow;

/// Bytes of a line that are shown; of a longer line a window around the place.
const WIDEST_LINE: u32 = 200;
const AROUND: u32 = 60;
/// Characters of a message or a label that are shown.
const LONGEST_TEXT: usize = 600;

/// A source as far as some places in it are concerned.
#[derive(Debug)]
pub struct Excerpts {
    name: String,
    windows: Vec<Window>,
    /// Where the places begin: miette would count columns in bytes.
    positions: Vec<(u32, Position)>,
}

#[derive(Debug)]
struct Window {
    span: Span,
    text: String,
    line: usize,
}

impl Excerpts {
    /// Cuts out the lines around `places`, all of one source; `context` lines more on each side. `starts` are the offsets
    /// that reports give for the places: a place at the end of a text is shown one character earlier.
    pub fn new(source: &Source, places: &[Span], starts: &[u32], secrets: &[Span], context: usize) -> Self {
        let mut spans: Vec<Span> = places.iter().map(|place| window(source, *place, context)).collect();
        spans.sort();
        let mut merged: Vec<Span> = Vec::new();
        for span in spans {
            match merged.last_mut().filter(|last| span.start <= last.end) {
                Some(last) => last.end = last.end.max(span.end),
                None => merged.push(span),
            }
        }
        let windows = merged.into_iter().map(|mut span| {
            // A byte order mark is no part of the first line.
            if span.start == 0 && source.text().starts_with('\u{feff}') {
                span.start = '\u{feff}'.len_utf8() as u32;
            }
            Window { span, text: masked(source, span, secrets), line: source.position(span.start).line - 1 }
        });
        let positions = places.iter().zip(starts).map(|(place, start)| (place.start, source.position(*start)));
        Self { name: plain(source.name()).into_owned(), windows: windows.collect(), positions: positions.collect() }
    }
}

/// The lines around a place, or a window of one very long line.
fn window(source: &Source, place: Span, context: usize) -> Span {
    let line_of = |offset| source.line_at(offset);
    let (first, last) = (line_of(place.start), line_of(place.end.max(place.start)));
    let line = |number| source.line(number).unwrap_or(place);
    if line(first).len() > WIDEST_LINE || line(last).len() > WIDEST_LINE {
        let text = source.text();
        let mut start = place.start.saturating_sub(AROUND).max(line(first).start);
        let mut end = (place.end + AROUND).min(line(last).end);
        while !text.is_char_boundary(start as usize) {
            start += 1;
        }
        while !text.is_char_boundary(end as usize) {
            end -= 1;
        }
        return Span::new(start, end.max(place.end));
    }
    let short = |number: &usize| line(*number).len() <= WIDEST_LINE;
    let first = (first.saturating_sub(context)..first).find(short).unwrap_or(first);
    let last = (last + 1..=last + context)
        .rev()
        .find(|number| source.line(*number).is_some() && short(number))
        .unwrap_or(last);
    Span::new(line(first).start, line(last).end)
}

/// The text with every byte of a secret replaced, so that places stay true.
fn masked(source: &Source, span: Span, secrets: &[Span]) -> String {
    let mut bytes = source.slice(span).as_bytes().to_vec();
    let from = secrets.partition_point(|secret| secret.end <= span.start);
    for secret in secrets.iter().skip(from).take_while(|secret| secret.start < span.end) {
        let start = secret.start.max(span.start) - span.start;
        let end = secret.end.min(span.end) - span.start;
        if let Some(hidden) = bytes.get_mut(start as usize..end as usize) {
            hidden.fill(b'*');
        }
    }
    // Each commanding character becomes as many bytes, so that places stay true.
    let shown = String::from_utf8_lossy(&bytes).into_owned();
    let mut text = String::with_capacity(shown.len());
    let mut rest = shown.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\n' | '\t' => text.push(c),
            '\r' if rest.peek() == Some(&'\n') => text.push(c),
            '\r' => text.push(' '),
            c if commands(c) => text.extend(std::iter::repeat_n('?', c.len_utf8())),
            c => text.push(c),
        }
    }
    text
}

/// Whether a character moves the cursor, hides, or turns around the text of whoever reads it.
fn commands(c: char) -> bool {
    c.is_control() || is_hidden(c)
}

/// Returns a text as it is shown inside one line: line breaks, other control characters and characters that hide or
/// reorder text are written as escapes. Every text that does not come from the program passes through here.
pub fn plain(text: &str) -> Cow<'_, str> {
    if !text.chars().any(commands) {
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

/// Plain text of which, if it is very long, only the beginning is shown.
pub fn short(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(LONGEST_TEXT) {
        None => plain(text),
        Some((end, _)) => Cow::Owned(format!("{}…", plain(&text[..end]))),
    }
}

impl SourceCode for Excerpts {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let wanted = Span::new(span.offset() as u32, (span.offset() + span.len()) as u32);
        let window = self.windows.iter().find(|window| window.span.contains(wanted)).ok_or(MietteError::OutOfBounds)?;
        let base = window.span.start as usize;
        let inner = SourceSpan::from((span.offset() - base, span.len()));
        let found = window.text.read_span(&inner, before, after)?;
        let at = SourceSpan::from((found.span().offset() + base, found.span().len()));
        // miette asks for a place alone to write its position, and otherwise shows the line only.
        let place =
            self.positions.iter().find(|(start, _)| *start == wanted.start).filter(|_| (before, after) == (0, 0));
        let (line, column) =
            place.map_or((window.line + found.line(), found.column()), |(_, at)| (at.line - 1, at.column - 1));
        let contents = miette::MietteSpanContents::new_named(
            self.name.clone(),
            found.data(),
            at,
            line,
            column,
            found.line_count(),
        );
        Ok(Box::new(contents))
    }
}

/// Shortens a place that spans many lines to its first line, for a label.
pub fn first_line(place: &Place) -> Span {
    let text = place.text();
    match text.find('\n') {
        None if text.chars().count() <= 60 => place.span,
        found => {
            let line = found.map_or(text, |at| &text[..at]).trim_end();
            let end = line.char_indices().nth(60).map_or(line.len(), |(at, _)| at);
            Span::new(place.span.start, place.span.start + end.max(1) as u32)
        }
    }
}
