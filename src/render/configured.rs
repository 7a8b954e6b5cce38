//! The configuration file of a run and the settings that weaken the gate, in words. Every output contains them, because the
//! author of a change may edit the file.

use super::document::{Configuration, Diagnostic, Document, Weakening};
use super::escape::plain;
use crate::diagnostic::{Code, DiagnosticLevel};

/// Returns the file with its digest, then each setting that weakens the gate; nothing without a file.
pub(super) fn lines(document: &Document<'_>) -> Vec<String> {
    let codes = [Code::Configuration.name(), Code::NotToml.name()];
    let is_mistake = |found: &Diagnostic<'_>| found.severity == DiagnosticLevel::Error && codes.contains(&&*found.code);
    // The name of an unknown check in it is such an error too, and the run judges.
    let is_judged = document.run.snapshots.iter().any(|snapshot| snapshot.account.is_some());
    let is_valid = is_judged || !document.diagnostics.iter().any(is_mistake);
    document.run.configuration.iter().flat_map(|configuration| described(configuration, is_valid)).collect()
}

/// Returns a file with its digest, then each setting that weakens the gate.
pub(crate) fn described(configuration: &Configuration<'_>, is_valid: bool) -> Vec<String> {
    let count = configuration.weakens.len();
    let settings = match count {
        _ if !is_valid => "the file is invalid, and nothing is judged".to_owned(),
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
