//! A `.cedarschema` file, read twice: by Cedar for its types, and here for the annotations that give the place of each
//! entity and attribute in a snapshot. The result is a [`Model`].
//!
//! This module does not depend on an account: every name is from the file.

mod reader;
mod lacking;
mod chain;
mod model;
mod key;
mod layout;
mod written;
mod parts;
mod duplicates;
mod size;
mod declarations;
mod plain;
mod defaults;
mod literal;
mod read;
mod wording;
mod requests;
#[cfg(test)]
mod tests;

pub use literal::parse_value;
pub use requests::RequestScope;

pub use chain::{Chain, Read, Shape as ChainShape};
pub(crate) use key::KeyForm;
pub use lacking::{Lacking, LackingWords};
pub use model::*;
pub(crate) use reader::folded_email_parts;
pub use reader::{
    ADDRESS, Caution, DateFormat, Datum, DatumType, Folded, Reader, Unit, WrongShape, Zone, folded, midnight, words,
};

use crate::diagnostic::{Code, Diagnostic, DiagnosticLevel, Label};
use crate::source::{Place, Source, Span, cedar};
use cedar_policy::Validator;
use requests::ScopedValidators;
use std::sync::{Arc, OnceLock};

/// A schema in Cedar's form and as a model.
#[derive(Debug, Clone)]
pub struct Schema {
    /// The file.
    pub source: Arc<Source>,
    /// The schema in Cedar's form.
    cedar: OnceLock<Result<Arc<Validator>, Vec<Diagnostic>>>,
    /// The same for policies with some scopes.
    scoped: ScopedValidators,
    /// The place of each entity and attribute in a snapshot.
    pub model: Arc<Model>,
}

impl Schema {
    /// Reads a schema.
    ///
    /// Returns the schema with its diagnostics. If there is no schema, at least one of the diagnostics is an error.
    pub fn parse(source: &Arc<Source>) -> (Option<Self>, Vec<Diagnostic>) {
        cedar::on_deep_stack(|| Self::parse_here(source))
    }

    fn parse_here(source: &Arc<Source>) -> (Option<Self>, Vec<Diagnostic>) {
        let mut diagnostics = Vec::new();
        // A schema of this program is compiled already.
        if let Some(model) = source.saved().and_then(|saved| Model::of_saved(saved.model, source)) {
            let (source, cedar, model) = (Arc::clone(source), OnceLock::new(), Arc::new(model));
            return (Some(Self { source, cedar, scoped: ScopedValidators::default(), model }), diagnostics);
        }
        if let Some(excess) = cedar::schema(source.text()) {
            let error = Diagnostic::error(Code::SchemaSize, excess.message);
            diagnostics.push(error.label(source, excess.span, "here").help(excess.help));
            return (None, diagnostics);
        }
        let (written, cedar) = match read::parse(source) {
            Ok((written, cedar, warnings)) => {
                let warning = |warning| from_cedar(Code::SchemaWarning, DiagnosticLevel::Warning, source, &warning);
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
        let (source, cedar) = (Arc::clone(source), OnceLock::from(Ok(Arc::new(Validator::new(cedar)))));
        let schema = |model| Self { source, cedar, scoped: ScopedValidators::default(), model: Arc::new(model) };
        (model.map(schema), diagnostics)
    }

    /// Returns whether it is a saved model, and Cedar has not parsed the text.
    #[cfg(test)]
    pub(crate) fn is_saved(&self) -> bool {
        self.cedar.get().is_none()
    }

    /// Returns whether policies need no validation by this schema, because both are a part of this program.
    pub fn validates(&self, policies: &Source) -> bool {
        self.source.is_validated() && policies.is_validated()
    }

    /// Returns Cedar's validator of policies, with the schema in Cedar's form.
    ///
    /// # Errors
    /// The diagnostics of a schema that Cedar does not accept. They occur only if the model is not that of the text.
    pub fn validator(&self) -> Result<&Validator, &[Diagnostic]> {
        self.shared_validator().map(|validator| &**validator)
    }

    fn shared_validator(&self) -> Result<&Arc<Validator>, &[Diagnostic]> {
        let parse = || read::parse(&self.source).map(|(_, cedar, _)| Arc::new(Validator::new(cedar)));
        self.cedar.get_or_init(|| cedar::on_deep_stack(parse)).as_ref().map_err(Vec::as_slice)
    }
}

/// Returns one of Cedar's diagnostics as a [`Diagnostic`] with its labels, in plain words.
pub fn from_cedar(
    code: Code,
    level: DiagnosticLevel,
    source: &Arc<Source>,
    theirs: &dyn miette::Diagnostic,
) -> Diagnostic {
    let labels = theirs.labels().into_iter().flatten().map(|label| Label {
        place: Place::new(source, Span::from(label.offset()..label.offset() + label.len())),
        text: label.label().unwrap_or_default().to_owned(),
    });
    let (message, help) = (theirs.to_string(), theirs.help().map(|help| help.to_string()));
    wording::reworded(Diagnostic { code, level, message, labels: labels.collect(), help }, source.text())
}

/// Returns one of Cedar's errors with its related errors as diagnostics.
pub fn errors_from_cedar(code: Code, source: &Arc<Source>, theirs: &dyn miette::Diagnostic) -> Vec<Diagnostic> {
    let mut errors = vec![from_cedar(code, DiagnosticLevel::Error, source, theirs)];
    errors.extend(theirs.related().into_iter().flatten().flat_map(|other| errors_from_cedar(code, source, other)));
    errors
}
