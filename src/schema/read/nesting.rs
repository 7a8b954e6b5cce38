//! The nesting of instances by their paths, and the statements about lists.

use super::annotations::Annotation;
use super::{SchemaReader, cedar_type};
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::layout;
use crate::schema::model::*;
use crate::schema::written::span_of;
use crate::source::Span;
use crate::source::pointer::{Pattern, Step};
use crate::value::TypeId;

impl<'f> SchemaReader<'_, 'f> {
    /// Determines the root and the nesting, and builds the tree of paths. Returns `false` if they are undetermined.
    pub(super) fn nest(&mut self, model: &mut Model) -> bool {
        if self.misplaced {
            return false;
        }
        let rows: Vec<(TypeId, Pattern)> =
            model.types.iter().enumerate().filter_map(|(at, ty)| Some((TypeId::new(at), ty.path()?.clone()))).collect();
        for (at, (id, path)) in rows.iter().enumerate() {
            let Some((other, _)) = rows.iter().take(at).find(|(_, other)| other == path) else { continue };
            self.misplaced = true;
            let message = format!("`{}` and `{}` have the same `@path`", model.ty(*other).name, model.ty(*id).name);
            let error = Diagnostic::error(Code::SchemaPath, message).label(self.source, model.ty(*id).span, "");
            let error = error.label(self.source, model.ty(*other).span, "also here");
            self.diagnostics.push(error.help("give each type a place of its own"));
        }
        match rows.iter().find(|(_, path)| path.0.is_empty()) {
            Some((root, _)) => model.root = *root,
            None => {
                self.misplaced = true;
                self.error(
                    Code::SchemaRoot,
                    Span::default(),
                    "no entity type has `@path(\"\")`: one must be the document itself",
                );
            }
        }
        if self.misplaced {
            return false;
        }
        for (id, path) in &rows {
            let within = rows.iter().filter(|(_, other)| other.0.len() < path.0.len() && path.0.starts_with(&other.0));
            let parent = within.max_by_key(|(_, other)| other.0.len()).map(|(id, _)| *id);
            model.types[*id].parent = parent;
            let Some(parent) = parent else { continue };
            let inner = model.ty(parent).path().map_or(0, |path| path.0.len());
            // Only the last step may be `*`.
            let between = path.0.split_last().map_or(&[][..], |(_, before)| before);
            if between.iter().skip(inner).any(|step| *step == Step::Each) {
                let name = model.ty(*id).name.clone();
                let error = self.error(
                    Code::SchemaPath,
                    model.ty(*id).span,
                    format!("no entity type is declared between `{}` and `{name}`", model.ty(parent).name),
                );
                error.help = Some("give the elements at the inner `*` an entity type of their own".into());
            }
            let names = (model.ty(*id).name.clone(), model.ty(parent).name.clone());
            let allowed = cedar_type(&names.0).zip(cedar_type(&names.1)).and_then(|(child, parent)| {
                Some(self.validator.get_entity_type(&parent)?.has_descendant_entity_type(&child))
            });
            if allowed != Some(true) {
                let error = self.error(
                    Code::SchemaNesting,
                    model.ty(*id).span,
                    format!("instances of `{}` are nested in `{}`, but the declaration lacks `in`", names.0, names.1),
                );
                error.help = Some(format!("write `entity {} in [{}]`", last(&names.0), last(&names.1)));
            }
        }
        layout::paths(model);
        self.page_annotations(model);
        true
    }

    /// Reads `@total` and `@more`: the places in the parent that state the part of a list that was captured.
    fn page_annotations(&mut self, model: &mut Model) {
        for at in model.type_ids() {
            let name = model.types[at].name.clone();
            let Some((_, entity)) = self.written.entities.get(name.as_str()).copied() else { continue };
            let declared = span_of(entity.loc.as_ref());
            let mut read = |name: &str| {
                let annotation = self.annotation_named(&entity.annotations, name, declared)?;
                self.list_property(model, at, name, &annotation)
            };
            let (total, more) = (read("total"), read("more"));
            (model.types[at].total, model.types[at].more) = (total, more);
        }
    }

    /// Returns the pointer of a value that describes a list, below the instance that has the list.
    fn list_property(&mut self, model: &Model, ty: TypeId, name: &str, annotation: &Annotation) -> Option<Vec<String>> {
        let declared = model.ty(ty);
        if !declared.is_collection() {
            let message =
                format!("`@{name}` describes a list, and the `@path` of `{}` does not end in `/*`", declared.name);
            self.error(Code::SchemaAnnotation, annotation.span, message);
            return None;
        }
        let pattern = match Pattern::absolute(&annotation.value) {
            Ok(pattern) => pattern,
            Err(message) => {
                self.error(Code::SchemaPath, annotation.span, message);
                return None;
            }
        };
        let around = declared.parent.and_then(|parent| model.ty(parent).path()).map_or(&[][..], |path| &path.0);
        let inside: Option<Vec<String>> = pattern.0.strip_prefix(around).and_then(|steps| {
            let property = |step: &Step| match step {
                Step::Property(name) => Some(name.clone()),
                Step::Each => None,
            };
            steps.iter().map(property).collect()
        });
        let inside = inside.filter(|steps| !steps.is_empty());
        if inside.is_none() {
            let around = Pattern(around.to_vec()).to_text();
            let error = self.error(
                Code::SchemaPath,
                annotation.span,
                format!("`{}` is not a property of the instance that has the list", annotation.value),
            );
            error.help = Some(format!("write a path below `{around}/`, such as `{around}/page/{name}`"));
        }
        inside
    }
}

fn last(name: &str) -> &str {
    name.rsplit("::").next().unwrap_or(name)
}
