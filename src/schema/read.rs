//! Reads annotations into the [`Model`]. Every mistake is a diagnostic at its annotation.

mod annotations;
mod entities;
mod nesting;
mod secrets;
mod readers;
mod only;
mod attributes;
mod context;

use super::layout;
use super::model::*;
use super::written::{Fragment, Written};
use super::{declarations, duplicates, errors_from_cedar, parts, size};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Source, Span};
use crate::value::TypeId;
use annotations::Annotation;
use cedar_policy_core::ast;
use cedar_policy_core::extensions::Extensions;
use cedar_policy_core::validator::cedar_schema::SchemaWarning;
use cedar_policy_core::validator::{CedarSchemaError, ValidatorSchema, ValidatorSchemaFragment};
use std::sync::Arc;

/// Parses a schema: as it is written, with annotations and places, and in Cedar's form.
pub(super) fn parse(
    source: &Arc<Source>,
) -> Result<(Fragment, cedar_policy::Schema, Vec<SchemaWarning>), Vec<Diagnostic>> {
    let extensions = Extensions::all_available();
    let invalid = |error: CedarSchemaError| errors_from_cedar(Code::SchemaInvalid, source, &error);
    let (written, warnings) = match parts::parse(source.text()) {
        Some(read) => read,
        None => {
            let read = Fragment::from_cedarschema_str(source.text(), extensions).map_err(invalid)?;
            (read.0, read.1.collect())
        }
    };
    let twice = duplicates::attributes(source);
    if !twice.is_empty() {
        return Err(twice);
    }
    if let Some(error) = size::excess(source, &Written::new(&written)) {
        return Err(vec![error]);
    }
    let fragment =
        ValidatorSchemaFragment::from_schema_fragment(written.clone()).map_err(|error| invalid(error.into()))?;
    match ValidatorSchema::from_schema_fragments([fragment], extensions) {
        Ok(schema) => Ok((written, schema.into(), warnings)),
        Err(error) => {
            let errors = ValidatorSchemaFragment::from_schema_fragment(written.clone())
                .map(|fragment| declarations::errors(source, &Written::new(&written), &fragment, extensions, &error));
            Err(errors.ok().filter(|errors| !errors.is_empty()).unwrap_or_else(|| invalid(error.into())))
        }
    }
}

pub(super) fn model(
    source: &Arc<Source>,
    cedar: &cedar_policy::Schema,
    fragment: &Fragment,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Model> {
    let validator: &ValidatorSchema = cedar.as_ref();
    let (written, misplaced, ignored) = (Written::new(fragment), false, Vec::new());
    let mut reader = SchemaReader { source, validator, written, misplaced, ignored, diagnostics };
    reader.other_annotations(fragment);
    let mut model = Model::with_types(reader.entity_types());
    layout::groups(&mut model, validator);
    if !model.types.iter().any(|ty| matches!(ty.kind, EntityKind::Rows(_))) {
        let error =
            reader.error(Code::SchemaRoot, Span::default(), "the schema declares no entity type with a `@path`");
        error.help = Some("declare the document itself, such as `@path(\"\") entity Account;`".into());
        return None;
    }
    let placed = reader.nest(&mut model);
    reader.attributes(&mut model);
    if placed {
        reader.group_names(&mut model);
        reader.shared_elements(&mut model);
        reader.shared_secrets(&model);
        reader.references(&model);
        reader.actions(&mut model);
    }
    model.source = Some(Arc::clone(source));
    Some(model)
}

struct SchemaReader<'s, 'f> {
    source: &'s Arc<Source>,
    validator: &'s ValidatorSchema,
    written: Written<'f>,
    /// Whether some entity type has no place in a snapshot. The nesting is then undetermined.
    misplaced: bool,
    /// The `@ignore` annotations of the type that is being read, with the pointers to their objects.
    ignored: Vec<(Vec<String>, Annotation)>,
    diagnostics: &'s mut Vec<Diagnostic>,
}

impl SchemaReader<'_, '_> {
    /// Checks that references can be resolved in an enclosing scope, and that `@enclosing` names an enclosing type.
    fn references(&mut self, model: &Model) {
        for (at, ty) in model.types.iter().enumerate() {
            let around: Vec<TypeId> = model.ancestry(TypeId::new(at)).collect();
            for slot in &ty.slots {
                match (&slot.origin, &slot.ty) {
                    (Origin::Enclosing(target), _)
                        if !around.get(1..).is_some_and(|around| around.contains(target)) =>
                    {
                        let message = format!("`{}` is not nested in `{}`", ty.name, model.ty(*target).name);
                        self.error(Code::SchemaEnclosing, slot.span, message);
                    }
                    (Origin::Read(..) | Origin::Tags(_), slot_ty) => {
                        for target in entity_types_in(slot_ty) {
                            let scope = model.ty(target).parent;
                            if model.ty(target).choices().is_none()
                                && target != model.root
                                && !scope.is_some_and(|scope| around.contains(&scope))
                            {
                                let message = format!(
                                    "`{}` refers to `{}`, whose instances are in no scope around it",
                                    ty.name,
                                    model.ty(target).name
                                );
                                let error = self.error(Code::SchemaReference, slot.span, message);
                                error.help =
                                    Some("declare the key as a String, and join by equality in a derivation".into());
                            }
                        }
                    }
                    _ => {}
                }
            }
        }
    }
}

fn entity_types_in(ty: &Ty) -> Vec<TypeId> {
    match ty {
        Ty::Entity(id) => vec![*id],
        Ty::Set(element) => entity_types_in(element),
        Ty::Record(members) => members.iter().flat_map(|member| entity_types_in(&member.ty)).collect(),
        _ => Vec::new(),
    }
}

fn cedar_type(name: &str) -> Option<ast::EntityType> {
    name.parse().ok()
}
