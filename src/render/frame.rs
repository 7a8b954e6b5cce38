//! A message for people with one excerpt of a source and labels in it, drawn by miette.

use super::escape::{plain, short};
use super::excerpt::{Excerpts, first_line};
use super::layout::{Style, help_line};
use super::mask::secrets_of;
use crate::snapshot::Secrets;
use crate::source::{Place, Source, Span};
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, Severity, SourceCode};
use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;

/// Labels of one excerpt. The others are counted.
const LABELS: usize = 12;

/// Bytes of a word that is not broken over lines.
const LONGEST_WORD: usize = 200;

/// A message with one excerpt, as miette renders it.
#[derive(Debug)]
pub(super) struct Frame {
    pub severity: Severity,
    pub code: Option<String>,
    pub message: String,
    /// The subject of the message, on a separate line.
    pub about: Option<String>,
    pub help: Option<String>,
    /// Further remedies, each after a `help:` of its own.
    pub more_helps: Vec<String>,
    /// Remedies that are not shown.
    pub unhelped: usize,
    pub labels: Vec<LabeledSpan>,
    pub source: Option<Excerpts>,
    /// A link, on a separate line: a terminal does not recognise a link with a line break.
    pub source_link: Option<String>,
    /// Labels that are not shown.
    pub more: usize,
    /// The kind of place that the labels point at.
    pub labelled: &'static str,
    /// The severity that colours the labels.
    pub cause: Severity,
}

/// Returns the theme of a frame. The labels of a cause have one colour, because another one such as green would judge it.
fn theme(cause: Severity) -> GraphicalTheme {
    let mut theme = GraphicalTheme::unicode();
    let styles = &theme.styles;
    let highlight = match cause {
        Severity::Error => styles.error,
        Severity::Warning => styles.warning,
        Severity::Advice => styles.advice,
    };
    theme.styles.highlights = vec![highlight];
    theme
}

impl Frame {
    pub(super) fn new(
        secrets: &[Secrets],
        severity: Severity,
        code: Option<String>,
        message: String,
        labels: Option<&[(Place, String)]>,
    ) -> Self {
        let all = labels.unwrap_or_default();
        let written = all.get(..LABELS).unwrap_or(all);
        let labels: Vec<(Place, &str)> =
            written.iter().map(|(place, text)| (shown_place(place), text.as_str())).collect();
        let source: Option<&Arc<Source>> = labels.first().map(|(place, _)| &place.source);
        let spans: Vec<Span> = labels.iter().map(|(place, _)| place.span).collect();
        let starts: Vec<u32> = written.iter().map(|(place, _)| place.span.start).collect();
        let source = source.map(|source| Excerpts::new(source, &spans, &starts, secrets_of(secrets, source), 1));
        let mut by_span: Vec<(Span, Vec<&str>)> = Vec::new();
        for (span, (_, text)) in source.iter().flat_map(Excerpts::labels).zip(labels) {
            match by_span.iter_mut().find(|(known, _)| *known == span) {
                Some((_, texts)) => texts.push(text),
                None => by_span.push((span, vec![text])),
            }
        }
        let labelled = by_span.iter().map(|(span, texts)| {
            let text = Some(short(&texts.join("; ")).into_owned()).filter(|text| !text.is_empty());
            LabeledSpan::new(text, span.start as usize, span.len() as usize)
        });
        Self {
            severity,
            code,
            message,
            about: None,
            help: None,
            more_helps: Vec::new(),
            unhelped: 0,
            labels: labelled.collect(),
            source_link: None,
            more: all.len() - written.len(),
            labelled: "places",
            cause: severity,
            source,
        }
    }

    /// Returns whether a word is too long for a pointer or a path, which are not broken.
    fn has_long_word(&self) -> bool {
        let texts = [Some(&self.message), self.about.as_ref(), self.help.as_ref()];
        let mut words = texts.into_iter().flatten().flat_map(|text| text.split_whitespace());
        words.any(|word| word.len() > LONGEST_WORD)
    }

    pub(super) fn write(&self, style: Style, out: &mut dyn Write) -> io::Result<()> {
        let theme = if style.color { theme(self.cause) } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme)
            // Prose that is wider is hard to read.
            .with_width(style.width.min(100))
            .with_break_words(self.has_long_word())
            .with_word_splitter(textwrap::WordSplitter::NoHyphenation)
            // A pointer or an address that is broken over lines cannot be copied.
            .with_word_separator(textwrap::WordSeparator::AsciiSpace)
            .with_context_lines(1)
            .with_links(false);
        let mut text = String::new();
        handler.render_report(&mut text, self).map_err(io::Error::other)?;
        // miette pads lines to the width of a box that is not drawn.
        for line in text.lines() {
            writeln!(out, "{}", line.trim_end())?;
        }
        if self.more > 0 {
            writeln!(out, "  … and {} more {}; --format json shows them", self.more, self.labelled)?;
        }
        for help in &self.more_helps {
            writeln!(out, "{}", help_line(help, style))?;
        }
        if self.unhelped > 0 {
            writeln!(out, "  … and {} more values to capture; --format json shows them", self.unhelped)?;
        }
        if let Some(link) = &self.source_link {
            writeln!(out, "  see:  {}", plain(link))?;
        }
        writeln!(out)
    }
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&short(&self.message))?;
        self.about.as_ref().map_or(Ok(()), |about| write!(f, "\n{}", short(about)))
    }
}

impl std::error::Error for Frame {}

impl miette::Diagnostic for Frame {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.code.as_ref().map(|code| Box::new(plain(code)) as Box<dyn fmt::Display>)
    }

    fn severity(&self) -> Option<Severity> {
        Some(self.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(short(help)) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        if self.labels.is_empty() { None } else { Some(Box::new(self.labels.iter().cloned())) }
    }
}

/// Returns the first line of a place. At the end of a text, which has no character, it is the last character before it.
fn shown_place(place: &Place) -> Place {
    let text = place.source.text().trim_end();
    match text.char_indices().next_back() {
        Some((last, c)) if place.span.is_empty() && place.span.start as usize >= text.len() => {
            Place::new(&place.source, Span::from(last..last + c.len_utf8()))
        }
        _ => one_line_place(place),
    }
}

/// Returns the first line of a place.
pub(super) fn one_line_place(place: &Place) -> Place {
    Place { source: Arc::clone(&place.source), span: first_line(place) }
}

/// Groups labels by source, in order of first appearance.
pub(super) fn by_source(labels: &[(Place, String)]) -> Vec<Vec<(Place, String)>> {
    let mut groups: Vec<Vec<(Place, String)>> = Vec::new();
    for label in labels {
        let group =
            groups.iter_mut().find(|group| group.iter().any(|(place, _)| Arc::ptr_eq(&place.source, &label.0.source)));
        match group {
            Some(group) => group.push(label.clone()),
            None => groups.push(vec![label.clone()]),
        }
    }
    groups
}
