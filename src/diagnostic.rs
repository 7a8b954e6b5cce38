//! Diagnostics: problems of inputs, with a code, a severity, one phrase, labelled places and a remedy.
//!
//! Diagnostics are data. Other modules collect, sort and render them.

mod code;
mod page;

pub use code::Code;
pub use page::{Example, Page};

use crate::source::{Place, Source, Span};
use serde::{Deserialize, Serialize};
use std::borrow::Borrow;
use std::sync::Arc;

/// Valid words that are listed where none is near.
const LISTED: usize = 24;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiagnosticLevel {
    /// The input is invalid: the run ends with exit code 5.
    Error,
    /// Something a person should look at; the run goes on.
    Warning,
}

impl DiagnosticLevel {
    /// Returns the severity as reports write it.
    pub fn name(self) -> &'static str {
        match self {
            DiagnosticLevel::Error => "error",
            DiagnosticLevel::Warning => "warning",
        }
    }
}

/// A labelled place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub place: Place,
    /// The fact that the place shows; may be empty.
    pub text: String,
}

/// Something a person should know about one of the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Kind of defect.
    pub code: Code,
    /// How bad it is.
    pub level: DiagnosticLevel,
    /// The problem: one phrase in lower case without a final period, complete without the other fields.
    pub message: String,
    /// Places, the one the message is about first.
    pub labels: Vec<Label>,
    /// The remedy.
    pub help: Option<String>,
}

impl Diagnostic {
    /// Returns an error without a place.
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self { code, level: DiagnosticLevel::Error, message: message.into(), labels: Vec::new(), help: None }
    }

    /// Returns a warning without a place.
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self { level: DiagnosticLevel::Warning, ..Self::error(code, message) }
    }

    /// Adds a place.
    #[must_use]
    pub fn label(mut self, source: &Arc<Source>, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { place: Place::new(source, span), text: text.into() });
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Says what to do, if anything is known to.
    #[must_use]
    pub fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }

    /// Returns "did you mean" help for a misspelt word.
    #[must_use]
    pub fn suggest<'c>(self, word: &str, valid: impl IntoIterator<Item = &'c str> + Clone) -> Self {
        let help = match crate::source::nearest(word, valid.clone()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                let more = valid.clone().into_iter().count().saturating_sub(LISTED);
                let listed: Vec<String> = valid.into_iter().take(LISTED).map(|word| format!("`{word}`")).collect();
                match more {
                    0 if listed.is_empty() => return self,
                    0 => format!("valid: {}", listed.join(", ")),
                    more => format!("valid: {}, and {more} more", listed.join(", ")),
                }
            }
        };
        self.help(help)
    }
}

/// Returns names in backticks, with a conjunction before the last one: `` `a`, `b` or `c` ``.
pub(crate) fn quoted_list(names: &[&str], conjunction: &str) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} {conjunction} {last}", before.join(", ")),
        _ => quoted.concat(),
    }
}

/// Sorts by file and place, so that the output does not depend on the number of threads.
pub fn sort<D: Borrow<Diagnostic>>(diagnostics: &mut [D]) {
    diagnostics.sort_by(|a, b| {
        let (a, b): (&Diagnostic, &Diagnostic) = (a.borrow(), b.borrow());
        let key = |d: &Diagnostic| {
            d.labels
                .first()
                .map(|Label { place, .. }| (place.source.name().to_owned(), place.source.bytes_before(), place.span))
        };
        key(a).cmp(&key(b)).then_with(|| a.code.cmp(&b.code)).then_with(|| a.message.cmp(&b.message))
    });
}

/// Returns whether any of them is an error.
pub fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|diagnostic| diagnostic.level == DiagnosticLevel::Error)
}
