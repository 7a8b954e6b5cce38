//! The elements of a list that are instances of a type, and the lists with elements of several types.

use super::SchemaReader;
use super::annotations::Annotation;
use crate::diagnostic::Code;
use crate::schema::model::*;
use crate::source::Span;
use crate::source::pointer::Step;
use crate::value::TypeId;
use crate::value::fold::is_same;
use std::collections::HashMap;

const EXAMPLE: &str = "kind = human, guest";

impl SchemaReader<'_, '_> {
    /// Reads `@where` and `@unjudged`.
    pub(super) fn only(&mut self, kind: &EntityKind, annotations: &HashMap<&str, Annotation>) -> Option<Only> {
        let Some(annotation) = annotations.get("where") else {
            if let Some(annotation) = annotations.get("unjudged") {
                let message = "`@unjudged` lists words of the property in `@where`, which the type does not have";
                self.error(Code::SchemaAnnotation, annotation.span, message).help =
                    Some(format!("add the property and its words, such as @where({EXAMPLE:?})"));
            }
            return None;
        };
        let EntityKind::Rows(path) = kind else { return None };
        if matches!(path.0.last(), Some(Step::Groups(_))) {
            return None;
        }
        if path.0.last() != Some(&Step::Each) {
            let message = "`@where` selects elements of a list: its `@path` ends in `/*`";
            self.error(Code::SchemaAnnotation, annotation.span, message).help =
                Some("remove it: the instances of the type are not in a list".into());
        }
        if annotations.get("key").is_some_and(|key| key.value.is_empty()) {
            let message = "`@where` selects objects by a property, and @key(\"\") reads single values";
            self.error(Code::SchemaAnnotation, annotation.span, message).help = Some("remove `@where`".into());
        }
        self.none_of(annotations, &["evidence"], "a type with `@where`");
        let Some((property, _)) = annotation.value.split_once('=').filter(|(name, _)| !name.trim().is_empty()) else {
            let message = "`@where` is not a property and its words";
            self.error(Code::SchemaAnnotation, annotation.span, message).help =
                Some(format!("write @where({EXAMPLE:?}) for example"));
            return None;
        };
        let words = self.list_of_words(annotation, ("where", EXAMPLE), property.len() + 1, |_| None);
        let unjudged = annotations.get("unjudged").map(|unjudged| {
            self.list_of_words(unjudged, ("unjudged", "service, bot"), 0, |word| {
                let is_listed = words.iter().any(|listed| is_same(listed, word));
                is_listed.then(|| format!("`@unjudged` has `{word}`, which is a word of `@where`"))
            })
        });
        let property = self.relative(&Annotation { value: property.trim().into(), ..annotation.clone() })?;
        Some(Only { property, words, unjudged: unjudged.unwrap_or_default(), span: annotation.span })
    }

    /// Records the names of the properties that groups read, at their object.
    pub(super) fn group_names(&mut self, model: &mut Model) {
        for at in model.paths.ids() {
            let mut names: Vec<String> = Vec::new();
            for ty in model.paths[at].groups.iter().filter_map(|node| model.paths.find(*node)?.ty) {
                let declared = model.ty(ty);
                let ignored = declared.fields.first().map_or(&[][..], |field| &field.ignored);
                for group in declared.groups().into_iter().flat_map(|groups| &groups.list) {
                    names.extend(declared.properties_in(group).map(|(name, _)| name));
                    names.extend(ignored.iter().map(|ignored| group.name(ignored)));
                    names.push(group.label.clone());
                }
            }
            model.paths[at].group_names = names;
        }
    }

    /// Rejects attributes that read a value which an attribute of another type reads from the same object as a secret.
    pub(super) fn shared_secrets(&mut self, model: &Model) {
        let mut wrong: Vec<(Span, String)> = Vec::new();
        for (ty, other) in pairs(model) {
            let secrets = places(model, other).into_iter().filter(|(_, _, slot)| slot.is_some_and(|slot| slot.secret));
            let secrets: Vec<Vec<String>> = secrets.map(|(place, ..)| place).collect();
            for (place, span, slot) in places(model, ty) {
                let is_shown = |secret: &&Vec<String>| match slot {
                    Some(slot) if slot.secret => false,
                    // Only the presence of the record is read.
                    Some(Slot { origin: Origin::Presence(_), .. }) => place.starts_with(secret),
                    _ => place.starts_with(secret) || secret.starts_with(&place),
                };
                if secrets.iter().any(|secret| is_shown(&secret)) {
                    wrong.push((span, model.ty(other).name.to_string()));
                }
            }
        }
        wrong.sort();
        wrong.dedup();
        for (span, other) in wrong {
            let error = self.error(Code::SchemaSecret, span, format!("`{other}` reads the same value as a secret"));
            error.help = Some("mark it with `@secret` here, too".into());
        }
    }

    /// Makes the properties known that another type of the list reads in the same element: the property of `@where`, and
    /// those of a type whose instance the element may be too. A secret does not distinguish types.
    pub(super) fn shared_elements(&mut self, model: &mut Model) {
        let mut found: Vec<(TypeId, FieldId, String)> = Vec::new();
        for ty in model.type_ids() {
            let Some(element) = model.path_of.find(ty).copied().flatten() else { continue };
            for (node, other) in model.types_of_list(element) {
                let declared = model.ty(other);
                if let Some(only) = &declared.only {
                    found.extend(unread(model.ty(ty), &only.property).map(|(field, name)| (ty, field, name)));
                    self.secret_words(model.ty(ty), only);
                }
                if other != ty && model.may_share(ty, other) {
                    let fields = declared.fields.first().into_iter().flat_map(|field| &field.children);
                    let names =
                        fields.map(|(name, _)| name).chain(model.paths[node].children.iter().map(|(name, _)| name));
                    let of_property = names.map(|name| unread(model.ty(ty), std::slice::from_ref(name)));
                    found.extend(of_property.flatten().map(|(field, name)| (ty, field, name)));
                }
            }
        }
        for (ty, field, name) in found {
            if let Some(node) = model.types[ty].fields.find_mut(field) {
                node.ignored.push(name);
                node.ignored.sort();
                node.ignored.dedup();
            }
        }
    }

    fn secret_words(&mut self, ty: &EntityType, only: &Only) {
        let way = (0..=only.property.len()).filter_map(|length| only.property.get(..length));
        let fields = way.filter_map(|way| field_at(&ty.fields, way)).filter_map(|field| ty.fields.find(field));
        if fields.into_iter().any(|node| node.secret) {
            let error = self.error(Code::SchemaSecret, only.span, "a secret cannot distinguish the types of a list");
            error.help = Some("choose another property, or remove `@secret`: messages show its words".into());
        }
    }
}

/// Returns the pairs of types whose instances may read the same object.
fn pairs(model: &Model) -> Vec<(TypeId, TypeId)> {
    let of_object = |ty: TypeId| model.ty(ty).groups().and(model.ty(ty).parent).unwrap_or(ty);
    let types: Vec<TypeId> =
        model.type_ids().filter(|ty| model.path_of.find(*ty).copied().flatten().is_some()).collect();
    let is_pair = |one: TypeId, other: TypeId| {
        let (one_of, other_of) = (of_object(one), of_object(other));
        let same_list = model.path_of.find(one_of).copied().flatten().is_some_and(|element| {
            model.types_of_list(element).any(|(_, ty)| ty == other_of) && model.may_share(one_of, other_of)
        });
        one != other && (one_of == other_of || same_list)
    };
    types
        .iter()
        .flat_map(|one| types.iter().map(move |other| (*one, *other)))
        .filter(|(one, other)| is_pair(*one, *other))
        .collect()
}

/// Returns the values that a type reads, by their pointers from the instance that has the object: with the span of the
/// declaration, and the slot.
fn places(model: &Model, ty: TypeId) -> Vec<(Vec<String>, Span, Option<&Slot>)> {
    let declared = model.ty(ty);
    let slots = declared.slots.iter().filter_map(|slot| Some((slot.origin.pointer()?, slot.span, Some(slot))));
    let keys = declared.keys().filter(|key| !key.is_empty()).map(|key| (key, declared.span, None));
    let read = slots.chain(keys);
    let Some(groups) = declared.groups() else {
        return read.map(|(pointer, span, slot)| (pointer.to_vec(), span, slot)).collect();
    };
    let way = model.way_to_groups(ty);
    let mut found = Vec::new();
    for (pointer, span, slot) in read {
        let Some((first, rest)) = pointer.split_first() else { continue };
        for group in &groups.list {
            found.push(([&way[..], &[group.name(first)], rest].concat(), span, slot));
        }
    }
    found
}

/// Returns the first property on a way that no attribute of a type is at or below, with the field of its object.
fn unread(ty: &EntityType, way: &[String]) -> Option<(FieldId, String)> {
    (0..way.len()).find_map(|at| {
        let (before, rest) = way.split_at(at);
        let here = field_at(&ty.fields, before)?;
        let next = rest.first()?;
        let is_read = ty.fields.find(here)?.children.iter().any(|(name, _)| name == next);
        (!is_read).then(|| (here, next.clone()))
    })
}
