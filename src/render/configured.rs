//! The configuration file of a run and the settings that weaken the gate, in words. Every output contains them, because the
//! author of a change may edit the file.

use super::document::{Document, Weakening};
use super::escape::plain;

/// Returns the file with its digest, then each setting that weakens the gate; nothing without a file.
pub(super) fn lines(document: &Document<'_>) -> Vec<String> {
    let Some(configuration) = &document.run.configuration else { return Vec::new() };
    let count = configuration.weakens.len();
    let settings = match count {
        0 => "no setting weakens the gate".to_owned(),
        1 => "1 setting weakens the gate".to_owned(),
        _ => format!("{count} settings weaken the gate"),
    };
    let file = format!("configuration {}, SHA-256 {}: {settings}", configuration.path, configuration.sha256);
    std::iter::once(plain(&file).into_owned()).chain(configuration.weakens.iter().map(weakening)).collect()
}

/// Returns a setting that weakens the gate, with its place and its effect.
pub(super) fn weakening(weakening: &Weakening<'_>) -> String {
    let Weakening { setting, effect, span } = weakening;
    plain(&format!("{}:{}:{} {setting}: {effect}", span.file, span.start.line, span.start.column)).into_owned()
}
