//! A `.cedarschema` file, read twice: by Cedar for its types, and here for the annotations that say where in a
//! snapshot each entity and attribute lives. The outcome is a [`Model`].
//!
//! Nothing here knows any account: every name comes from the file.

mod model;
mod reader;
mod layout;
mod written;
mod size;
mod plain;
mod defaults;
mod read;
mod wording;

pub use read::parse_value;

pub use model::*;
pub use reader::{Folded, WrongShape, folded, words};

use crate::diagnostic::{Code, Diagnostic, Label, Severity};
use crate::source::{Place, Source, Span, cedar};
use std::sync::Arc;

/// A schema: Cedar's own form of it, and ours.
#[derive(Debug, Clone)]
pub struct Schema {
    /// The file.
    pub source: Arc<Source>,
    /// What Cedar validates and type-checks policies against.
    pub cedar: cedar_policy::Schema,
    /// Where everything lives in a snapshot.
    pub model: Arc<Model>,
}

impl Schema {
    /// Reads a schema.
    ///
    /// Returns what was wrong beside the schema; without a schema at least one of the diagnostics is an error.
    pub fn parse(source: &Arc<Source>) -> (Option<Self>, Vec<Diagnostic>) {
        cedar::on_deep_stack(|| Self::parse_here(source))
    }

    fn parse_here(source: &Arc<Source>) -> (Option<Self>, Vec<Diagnostic>) {
        let mut diagnostics = Vec::new();
        if let Some(excess) = cedar::schema(source.text()) {
            let error = Diagnostic::error(Code::SchemaSize, excess.message);
            diagnostics.push(error.label(source, excess.span, "here").help(excess.help));
            return (None, diagnostics);
        }
        let (written, cedar) = match read::parse(source) {
            Ok((written, cedar, warnings)) => {
                let warning = |warning| from_cedar(Code::SchemaWarning, Severity::Warning, source, &warning);
                diagnostics.extend(warnings.into_iter().map(warning));
                (written, cedar)
            }
            Err(errors) => {
                diagnostics.extend(errors);
                return (None, diagnostics);
            }
        };
        let model = read::model(source, &cedar, &written, &mut diagnostics);
        let model = model.filter(|_| !crate::diagnostic::has_errors(&diagnostics));
        (model.map(|model| Self { source: Arc::clone(source), cedar, model: Arc::new(model) }), diagnostics)
    }
}

/// Turns one of Cedar's diagnostics into ours: with its labels, and in plain words.
pub fn from_cedar(code: Code, severity: Severity, source: &Arc<Source>, theirs: &dyn miette::Diagnostic) -> Diagnostic {
    let labels = theirs.labels().into_iter().flatten().map(|label| Label {
        place: Place::new(source, Span::new(label.offset() as u32, (label.offset() + label.len()) as u32)),
        text: label.label().unwrap_or_default().to_owned(),
    });
    let (message, help) = (theirs.to_string(), theirs.help().map(|help| help.to_string()));
    wording::reworded(Diagnostic { code, severity, message, labels: labels.collect(), help }, source.text())
}

/// Turns one of Cedar's errors, and those it carries as related, into ours.
pub fn errors_from_cedar(code: Code, source: &Arc<Source>, theirs: &dyn miette::Diagnostic) -> Vec<Diagnostic> {
    let mut errors = vec![from_cedar(code, Severity::Error, source, theirs)];
    errors.extend(theirs.related().into_iter().flatten().flat_map(|other| errors_from_cedar(code, source, other)));
    errors
}
