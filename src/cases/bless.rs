//! Writes the actual verdicts into a case file. All other bytes stay the same.

use super::secrets::secret_spans;
use super::{CaseFile, Trial};
use crate::render::mask::masked;
use crate::render::plain;
use crate::snapshot::{SecretPaths, Secrets};
use crate::source::{Source, Span};
use std::collections::BTreeMap;

/// The correct text at a place of a case file; `None` if no single text is correct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Blessing {
    pub span: Span,
    pub text: Option<String>,
}

/// Returns the text of a file with the actual verdicts of `trials`, all of which are of this file.
///
/// If the variants of a case have different verdicts, the expectation stays the same. New line breaks are like those of
/// the file.
pub fn blessed<'t>(file: &CaseFile, trials: impl IntoIterator<Item = &'t Trial>) -> String {
    let mut texts: BTreeMap<Span, Vec<Option<&str>>> = BTreeMap::new();
    for blessing in trials.into_iter().flat_map(|trial| &trial.blessings) {
        texts.entry(blessing.span).or_default().push(blessing.text.as_deref());
    }
    let mut text = file.source.text().to_owned();
    let line_break = if text.contains("\r\n") { "\r\n" } else { "\n" };
    // From the end, so that the places before an edit stay valid.
    for (span, actual) in texts.into_iter().rev() {
        if let Some(Some(new)) = actual.first().filter(|first| actual.iter().all(|other| other == *first)) {
            text.replace_range(span.range(), &new.replace('\n', line_break));
        }
    }
    text
}

/// Returns the lines that differ, as a patch in which secrets are masked.
pub fn diff(file: &CaseFile, new: &str, secrets: Option<&SecretPaths>) -> String {
    let name = plain(file.source.name());
    let shown = |text: &str| match (secrets, Source::new(file.source.name(), text)) {
        (Some(paths), Ok(source)) => {
            let spans = Secrets::at(&source, secret_spans(&source, Some(paths)));
            masked(&source, spans.spans())
        }
        _ => text.to_owned(),
    };
    let (old, new) = (shown(file.source.text()), shown(new));
    similar::TextDiff::from_lines(&old, &new).unified_diff().context_radius(2).header(&name, &name).to_string()
}
