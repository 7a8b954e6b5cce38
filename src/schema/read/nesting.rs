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
            if model.ty(*id).is_collection() {
                self.one_list(model, *other, *id);
                continue;
            }
            self.misplaced = true;
            let message = format!("`{}` and `{}` have the same `@path`", model.ty(*other).name, model.ty(*id).name);
            let help = "give each type a place of its own: only the elements of a list can be of several types";
            self.pair(model, Code::SchemaPath, message, (*other, *id), help);
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
        let mut indexed = Vec::new();
        for (id, path) in &rows {
            let within = rows.iter().filter(|(_, other)| other.0.len() < path.0.len() && path.0.starts_with(&other.0));
            let nearest = within.clone().map(|(_, other)| other.0.len()).max();
            let around: Vec<TypeId> =
                within.filter(|(_, other)| Some(other.0.len()) == nearest).map(|(id, _)| *id).collect();
            let parent = self.parent(model, *id, &around);
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
            let is_list = |way: &[Step]| rows.iter().any(|(_, other)| other.0.split_last() == Some((&Step::Each, way)));
            let index = path.0.iter().enumerate().find_map(|(at, step)| match step {
                Step::Property(name) if name.bytes().all(|byte| byte.is_ascii_digit()) => {
                    path.0.get(..at).filter(|way| is_list(way)).map(|_| name)
                }
                _ => None,
            });
            if let Some(index) = index {
                indexed.push(*id);
                let message = format!("the `@path` of `{}` names one element of a list", model.ty(*id).name);
                let error = self.error(Code::SchemaPath, model.ty(*id).span, message);
                error.help = Some(format!("write `*` in place of `{index}`"));
            }
            let names = (model.ty(*id).name.clone(), model.ty(parent).name.clone());
            if !self.is_declared_in(model, *id, parent) {
                let error = self.error(
                    Code::SchemaNesting,
                    model.ty(*id).span,
                    format!("instances of `{}` are nested in `{}`, but the declaration lacks `in`", names.0, names.1),
                );
                error.help = Some(format!(
                    "write `entity {} in [{}]`",
                    without_namespace(&names.0),
                    without_namespace(&names.1)
                ));
            }
        }
        let others: Vec<TypeId> = rows.iter().map(|(id, _)| *id).filter(|id| !indexed.contains(id)).collect();
        self.declared_elsewhere(model, &others);
        layout::paths(model);
        self.page_annotations(model);
        true
    }

    /// Reports types that are declared in a type whose instances are not around theirs: a `@path` that misses the list of that
    /// type finds nothing.
    fn declared_elsewhere(&mut self, model: &Model, types: &[TypeId]) {
        let is_below = |inner: &EntityType, outer: &EntityType| {
            inner.path().zip(outer.path()).is_some_and(|(inner, outer)| inner.0.starts_with(&outer.0))
        };
        for ty in types.iter().copied() {
            let parent = model.ty(ty).parent;
            let is_elsewhere = |around: &TypeId| {
                // A type that follows from the declaration of the type around is reported there.
                let follows = parent.is_some_and(|parent| self.is_declared_in(model, parent, *around));
                self.is_declared_in(model, ty, *around) && !follows && !is_below(model.ty(ty), model.ty(*around))
            };
            let elsewhere: Vec<TypeId> = types.iter().copied().filter(is_elsewhere).collect();
            for around in elsewhere {
                let (inner, outer) = (model.ty(ty), model.ty(around));
                let [own, path] = [inner, outer].map(|ty| ty.path().map(Pattern::to_text).unwrap_or_default());
                let message =
                    format!("`{}` is declared in `{}`, and `{own}` is not below `{path}`", inner.name, outer.name);
                let help = format!(
                    "begin the `@path` with `{path}/`, or remove `{}` from `in`",
                    without_namespace(&outer.name)
                );
                let error = Diagnostic::error(Code::SchemaNesting, message).label(self.source, inner.span, "");
                self.diagnostics.push(error.help(help));
            }
        }
    }

    /// Returns the type around the instances of a type. If several types of one list are around them, the declaration
    /// names one.
    fn parent(&mut self, model: &Model, ty: TypeId, around: &[TypeId]) -> Option<TypeId> {
        let named: Vec<TypeId> =
            around.iter().copied().filter(|around| self.is_declared_in(model, ty, *around)).collect();
        if let ([first, second, ..], [_, _, ..]) = (&named[..], around) {
            let (name, first, second) = (&model.ty(ty).name, &model.ty(*first).name, &model.ty(*second).name);
            let message = format!("instances of `{name}` are nested in `{first}` and in `{second}`");
            let help = format!(
                "name one of them: write `entity {} in [{}]`, and declare another type for the other",
                without_namespace(name),
                without_namespace(first)
            );
            self.error(Code::SchemaNesting, model.ty(ty).span, message).help = Some(help);
        }
        named.first().or(around.first()).copied()
    }

    /// Returns whether a declaration states that instances of a type are nested in those of another one.
    fn is_declared_in(&self, model: &Model, ty: TypeId, around: TypeId) -> bool {
        let names = cedar_type(&model.ty(ty).name).zip(cedar_type(&model.ty(around).name));
        let allowed = names.and_then(|(child, parent)| {
            Some(self.validator.get_entity_type(&parent)?.has_descendant_entity_type(&child))
        });
        allowed == Some(true)
    }

    /// Checks that two types of one list agree on the shape of its elements.
    fn one_list(&mut self, model: &Model, first: TypeId, second: TypeId) {
        let (one, two) = (model.ty(first), model.ty(second));
        let names = format!("`{}` and `{}` have the same `@path`", one.name, two.name);
        if one.is_scalar() != two.is_scalar() {
            let message = format!("{names}, and only one of them has @key(\"\")");
            let help = "declare the elements as objects, or as single values";
            self.pair(model, Code::SchemaPath, message, (first, second), help);
        }
        if one.one_or_many != two.one_or_many {
            let message = format!("{names}, and only one of them has `@one_or_many`");
            let help = "add `@one_or_many` to both types: it describes their list";
            self.pair(model, Code::SchemaAnnotation, message, (first, second), help);
        }
        for (one, two, pair) in [(one, two, (first, second)), (two, one, (second, first))] {
            let (Some(only), Some(other)) = (&one.only, &two.only) else { continue };
            let listed = other.unjudged.iter().find(|word| only.property == other.property && only.has(word));
            if let Some(word) = listed {
                let message = format!("`@unjudged` names `{word}`, which `{}` judges", one.name);
                self.pair(model, Code::SchemaAnnotation, message, pair, "remove the word from `@unjudged`");
            }
        }
    }

    /// Adds an error about two types, at the declaration of the second one.
    fn pair(&mut self, model: &Model, code: Code, message: String, (first, second): (TypeId, TypeId), help: &str) {
        let error = Diagnostic::error(code, message).label(self.source, model.ty(second).span, "");
        self.diagnostics.push(error.label(self.source, model.ty(first).span, "also here").help(help));
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
        self.shared_pages(model);
    }

    /// Gives `@total` and `@more` of one type to the other types of the list, which they describe too.
    fn shared_pages(&mut self, model: &mut Model) {
        let lists: Vec<Vec<TypeId>> = model
            .paths
            .iter()
            .filter(|node| node.each.len() > 1)
            .map(|node| node.each.iter().filter_map(|each| model.paths.find(*each)?.ty).collect())
            .collect();
        for types in lists {
            let total = self.of_list(model, &types, "total", |ty| &ty.total);
            let more = self.of_list(model, &types, "more", |ty| &ty.more);
            for ty in types {
                (model.types[ty].total, model.types[ty].more) = (total.clone(), more.clone());
            }
        }
    }

    /// Returns what the types of a list state about it. Rejects two statements.
    fn of_list(
        &mut self,
        model: &Model,
        types: &[TypeId],
        name: &str,
        stated: impl Fn(&EntityType) -> &Option<Vec<String>>,
    ) -> Option<Vec<String>> {
        let mut all = types.iter().filter_map(|ty| Some((*ty, stated(model.ty(*ty)).as_ref()?)));
        let (first, pointer) = all.next()?;
        if let Some((second, _)) = all.find(|(_, other)| *other != pointer) {
            let message = format!("two types of one list have different places in `@{name}`");
            self.pair(model, Code::SchemaAnnotation, message, (first, second), "keep one of them");
        }
        Some(pointer.clone())
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
                Step::Each | Step::Groups(_) => None,
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
