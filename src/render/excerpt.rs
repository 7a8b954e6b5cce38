//! Excerpts: the lines around a place, as miette shows them, with secrets masked and very long lines cut.

use super::escape::{harmless, plain};
use super::mask::{MASK, Masked, inside};
use crate::source::{Place, Position, Source, Span, byte_offset};
use miette::{MietteError, SourceCode, SourceSpan, SpanContents};

/// Characters of a line that are shown; a longer line has a window around the place.
const WIDEST_LINE: u32 = 200;
const AROUND: u32 = 60;
/// Characters of a value that a label covers.
const WIDEST_LABEL: usize = 60;

/// The lines of a source around some places.
///
/// The offsets are those of the shown text, which is the concatenation of the windows.
#[derive(Debug)]
pub(super) struct Excerpts {
    name: String,
    windows: Vec<Window>,
    /// The places of the labels in the shown text, with their positions in the source.
    labels: Vec<(Span, Position)>,
}

#[derive(Debug)]
struct Window {
    /// The part of the source.
    span: Span,
    masked: Masked,
    /// The offset of its text.
    base: u32,
    line: usize,
}

impl Excerpts {
    /// Cuts out the lines around `places`, all of one source; `context` lines more on each side. `starts` are the offsets
    /// that reports give for the places: a place at the end of a text is shown one character earlier.
    pub(super) fn new(source: &Source, places: &[Span], starts: &[u32], secrets: &[Span], context: usize) -> Self {
        let view = View { source, secrets };
        let mut spans: Vec<Span> = places.iter().map(|place| view.window(*place, context)).collect();
        spans.sort();
        let mut merged: Vec<Span> = Vec::new();
        for span in spans {
            match merged.last_mut().filter(|last| span.start <= last.end) {
                Some(last) => last.end = last.end.max(span.end),
                None => merged.push(span),
            }
        }
        let mut base = 0;
        let windows = merged.into_iter().map(|mut span| {
            // A byte order mark is not part of the first line.
            if span.start == 0 && source.text().starts_with('\u{feff}') {
                span.start = byte_offset('\u{feff}'.len_utf8());
            }
            let mut masked = Masked::new(source, span, secrets);
            masked.text = harmless(&masked.text);
            let window = Window { span, base, line: source.position(span.start).line - 1, masked };
            base += byte_offset(window.masked.text.len()) + 1;
            window
        });
        let mut excerpts =
            Self { name: plain(source.name()).into_owned(), windows: windows.collect(), labels: Vec::new() };
        let label = |(place, start): (&Span, &u32)| (excerpts.label(*place), source.position(*start));
        excerpts.labels = places.iter().zip(starts).map(label).collect();
        excerpts
    }

    /// Returns where the places are in the text that is shown, in their order: of a long value the beginning.
    pub(super) fn labels(&self) -> impl Iterator<Item = Span> {
        self.labels.iter().map(|(label, _)| *label)
    }

    fn label(&self, place: Span) -> Span {
        let Some(window) = self.windows.iter().find(|window| place.start <= window.span.end) else {
            return Span::default();
        };
        let shown = window.masked.place(place);
        let text = window.masked.text.get(shown.range()).unwrap_or_default();
        let line = text.split_once('\n').map_or(text, |(line, _)| line.trim_end());
        let end = line.char_indices().nth(WIDEST_LABEL).map_or(line.len(), |(at, _)| at);
        let end = byte_offset(if text.is_empty() { 0 } else { end.max(1) });
        Span::new(window.base + shown.start, window.base + shown.start + end)
    }
}

/// A source with masked secrets. Widths count the masks.
#[derive(Clone, Copy)]
struct View<'s> {
    source: &'s Source,
    secrets: &'s [Span],
}

impl View<'_> {
    /// Returns the lines around the first line of a place, or a window of one very long line.
    fn window(self, place: Span, context: usize) -> Span {
        let number = self.source.line_at(place.start);
        let line = |number| self.source.line(number).unwrap_or(place);
        if self.is_wide(line(number)) {
            let first_line = line(number);
            let start = self.back(place.start, AROUND, first_line.start);
            let end =
                self.forward(place.start, byte_offset(WIDEST_LABEL), first_line.end).min(place.end.max(place.start));
            // A label that ends in a secret covers the whole mask.
            let cut = inside(self.secrets, Span::new(place.start, end)).next_back();
            let end = cut.map_or(end, |secret| end.max(secret.end));
            return Span::new(start, self.forward(end, AROUND, first_line.end));
        }
        let short = |number: &usize| self.source.line(*number).is_some_and(|line| !self.is_wide(line));
        let first = (number.saturating_sub(context)..number).find(short).unwrap_or(number);
        let last = (number + 1..=number + context).rev().find(short).unwrap_or(number);
        Span::new(line(first).start, line(last).end)
    }

    fn is_wide(self, line: Span) -> bool {
        self.forward(line.start, WIDEST_LINE, line.end) < line.end
    }

    /// Returns the offset `width` shown bytes after another one, or `limit`. It is not inside a secret or a character.
    fn forward(self, from: u32, width: u32, limit: u32) -> u32 {
        let (mut at, mut left) = (from, width);
        for secret in inside(self.secrets, Span::new(from, limit)) {
            if secret.start.saturating_sub(at) >= left {
                break;
            }
            left = (left - secret.start.saturating_sub(at)).saturating_sub(byte_offset(MASK.len()));
            at = secret.end;
        }
        let mut end = at.saturating_add(left).min(limit);
        while !self.source.text().is_char_boundary(end as usize) {
            end -= 1;
        }
        end
    }

    /// Returns the offset `width` shown bytes before another one, or `limit`. It is not inside a secret or a character.
    fn back(self, from: u32, width: u32, limit: u32) -> u32 {
        let (mut at, mut left) = (from, width);
        for secret in inside(self.secrets, Span::new(limit, from)).rev() {
            if at.saturating_sub(secret.end) >= left {
                break;
            }
            left = (left - at.saturating_sub(secret.end)).saturating_sub(byte_offset(MASK.len()));
            at = secret.start;
        }
        let mut start = at.saturating_sub(left).max(limit);
        while !self.source.text().is_char_boundary(start as usize) {
            start += 1;
        }
        start
    }
}

impl SourceCode for Excerpts {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let wanted = Span::from(span.offset()..span.offset() + span.len());
        let holds = |window: &&Window| {
            Span::new(window.base, window.base + byte_offset(window.masked.text.len())).contains(wanted)
        };
        let window = self.windows.iter().find(holds).ok_or(MietteError::OutOfBounds)?;
        let base = window.base as usize;
        let inner = SourceSpan::from((span.offset() - base, span.len()));
        let found = window.masked.text.read_span(&inner, before, after)?;
        let at = SourceSpan::from((found.span().offset() + base, found.span().len()));
        // A single label is requested for its position, which is the same in every format.
        let label = self.labels.iter().find(|(label, _)| *label == wanted && (before, after) == (0, 0));
        let (line, column) = label.map_or((window.line + found.line(), found.column()), |(_, position)| {
            (position.line - 1, position.column - 1)
        });
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

/// Returns the line in which a place starts, as it may be shown, and the characters of the place in it. A line that is
/// very long is cut around the place.
pub(super) fn line_around(source: &Source, place: Span, secrets: &[Span]) -> (String, usize, usize) {
    let window = View { source, secrets }.window(place, 0);
    let mut masked = Masked::new(source, window, secrets);
    masked.text = harmless(&masked.text);
    let shown = masked.place(place);
    let line = masked.text.lines().next().unwrap_or_default();
    let chars = |to: u32| masked.text.get(..to as usize).map_or(0, |before| before.chars().count());
    let width = line.chars().count();
    let (start, end) = (chars(shown.start).min(width), chars(shown.end).min(width));
    (line.to_owned(), start, end.max(start))
}

/// Shortens a place that spans many lines to its first line, for a label.
pub(super) fn first_line(place: &Place) -> Span {
    let text = place.text();
    match text.find('\n') {
        None if text.chars().count() <= 60 => place.span,
        found => {
            let line = found.and_then(|at| text.get(..at)).unwrap_or(text).trim_end();
            let end = line.char_indices().nth(60).map_or(line.len(), |(at, _)| at);
            Span::new(place.span.start, place.span.start + byte_offset(end.max(1)))
        }
    }
}
