//! Reads annotations into the [`Model`]. Every mistake is a diagnostic at its annotation.

use super::defaults;
use super::layout::{self, Slots};
use super::model::*;
use super::written::{Fragment, Written, WrittenType, span_of};
use super::{errors_from_cedar, size};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::json::string_text;
use crate::source::pointer::{self, Pattern, Step};
use crate::source::{Source, Span, is_same_but_for_writing};
use crate::value::{self, IpNet, TypeId, Value};
use cedar_policy_core::ast::{self, Annotation, Name};
use cedar_policy_core::est::Annotations;
use cedar_policy_core::extensions::Extensions;
use cedar_policy_core::parser::Loc;
use cedar_policy_core::validator::cedar_schema::SchemaWarning;
use cedar_policy_core::validator::types::{Attributes, Type};
use cedar_policy_core::validator::{
    CedarSchemaError, RawName, ValidatorEntityTypeKind, ValidatorSchema, ValidatorSchemaFragment, json_schema,
};
use smol_str::{SmolStr, ToSmolStr};
use std::collections::HashMap;
use std::sync::Arc;

const ON_ENTITY: &[&str] = &[
    "path",
    "key",
    "expect",
    "total",
    "more",
    "null",
    "missing",
    "closed",
    "open",
    "former",
    "ignore",
    "tags",
    "version",
    "parameter_scope",
    "doc",
];
const ON_ATTRIBUTE: &[&str] =
    &["path", "as", "enclosing", "derived", "null", "missing", "secret", "unknown", "ignore", "doc"];
const ON_PARAMETER: &[&str] = &["default", "doc"];
const ON_OTHER: &[&str] = &["doc"];

/// Annotations without a value.
const FLAGS: &[&str] = &["closed", "open", "enclosing", "derived", "secret", "parameter_scope"];

/// Parses a schema: as it is written, with annotations and places, and in Cedar's form.
pub(super) fn parse(
    source: &Arc<Source>,
) -> Result<(Fragment, cedar_policy::Schema, Vec<SchemaWarning>), Vec<Diagnostic>> {
    let extensions = Extensions::all_available();
    let invalid = |error: CedarSchemaError| errors_from_cedar(Code::SchemaInvalid, source, &error);
    let (written, warnings) = Fragment::from_cedarschema_str(source.text(), extensions).map_err(invalid)?;
    if let Some(error) = size::excess(source, &Written::new(&written)) {
        return Err(vec![error]);
    }
    let fragment =
        ValidatorSchemaFragment::from_schema_fragment(written.clone()).map_err(|error| invalid(error.into()))?;
    let schema =
        ValidatorSchema::from_schema_fragments([fragment], extensions).map_err(|error| invalid(error.into()))?;
    Ok((written, schema.into(), warnings.collect()))
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
    ignored: Vec<(Vec<String>, Note)>,
    diagnostics: &'s mut Vec<Diagnostic>,
}

/// An annotation: its value and its span.
#[derive(Clone)]
struct Note {
    value: SmolStr,
    span: Span,
}

impl<'f> SchemaReader<'_, 'f> {
    fn error(&mut self, code: Code, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        self.diagnostics.push(Diagnostic::error(code, message).label(self.source, span, ""));
        let last = self.diagnostics.len() - 1;
        &mut self.diagnostics[last]
    }

    /// Reads the annotations of one declaration, and rejects those without a meaning there.
    fn notes(&mut self, annotations: &'f Annotations, known: &[&str], declared: Span) -> HashMap<&'f str, Note> {
        let mut notes = HashMap::new();
        for (name, annotation) in &annotations.0 {
            let name: &str = AsRef::<str>::as_ref(name);
            let note = self.note(annotation.as_ref(), declared);
            if !known.contains(&name) {
                self.unknown_annotation(name, note.span, known);
                continue;
            }
            if FLAGS.contains(&name) && !note.value.is_empty() {
                let error = self.error(Code::SchemaAnnotation, note.span, format!("`@{name}` has a value"));
                error.help = Some(format!("write `@{name}`, or remove it if that is not meant"));
            }
            notes.insert(name, note);
        }
        notes
    }

    /// Rejects an annotation without a meaning on a declaration, and names the declarations where it has one.
    fn unknown_annotation(&mut self, name: &str, span: Span, known: &[&str]) {
        let places =
            [("an entity type", ON_ENTITY), ("an attribute", ON_ATTRIBUTE), ("a member of `parameters`", ON_PARAMETER)];
        if let Some((place, _)) = places.iter().find(|(_, there)| there.contains(&name)) {
            let error = self.error(Code::SchemaAnnotation, span, format!("`@{name}` has no meaning here"));
            error.help = Some(format!("`@{name}` belongs on {place}"));
            return;
        }
        let error = self.error(Code::SchemaAnnotation, span, format!("unknown annotation `@{name}`"));
        let known: Vec<String> = known.iter().map(|known| format!("@{known}")).collect();
        *error = error.clone().suggest(&format!("@{name}"), known.iter().map(String::as_str));
    }

    fn note(&self, annotation: Option<&Annotation>, declared: Span) -> Note {
        let loc = annotation.and_then(|annotation| annotation.loc.as_ref());
        Note {
            value: annotation.map(|annotation| annotation.val.clone()).unwrap_or_default(),
            span: loc.map_or(declared, |loc| self.whole_annotation(loc)),
        }
    }

    /// Returns one annotation of a declaration whose annotations were read before.
    fn note_named(&self, annotations: &Annotations, name: &str, declared: Span) -> Option<Note> {
        let mut named = annotations.0.iter().filter(|(other, _)| AsRef::<str>::as_ref(*other) == name);
        named.next().map(|(_, annotation)| self.note(annotation.as_ref(), declared))
    }

    /// Returns the span of an annotation from the `@` on. Cedar gives the span of the value only.
    fn whole_annotation(&self, value: &Loc) -> Span {
        let before = self.source.text().get(..value.start()).unwrap_or_default();
        let start = before.rfind('@').filter(|at| !before[*at..].contains(['"', '\n'])).unwrap_or(value.start());
        let rest = self.source.text().get(value.end()..).unwrap_or_default();
        let close = if rest.trim_start().starts_with(')') { rest.len() - rest.trim_start().len() + 1 } else { 0 };
        Span::new(start as u32, (value.end() + close) as u32)
    }

    /// Returns the span of the declaration of an attribute, from its name to its type.
    fn declaration(&self, ty: Option<&Loc>, name: &str) -> Span {
        let Some(loc) = ty else { return Span::default() };
        let before = self.source.text().get(..loc.start()).unwrap_or_default();
        let colon = before.trim_end().strip_suffix(':').unwrap_or(before).trim_end();
        let head = colon.strip_suffix('?').unwrap_or(colon).trim_end();
        let start = match head.strip_suffix('"') {
            Some(quoted) => quoted.rfind('"'),
            None => head.strip_suffix(name).map(str::len),
        };
        Span::new(start.unwrap_or(loc.start()) as u32, loc.end() as u32)
    }

    fn other_annotations(&mut self, fragment: &'f Fragment) {
        for definition in fragment.0.values() {
            self.notes(&definition.annotations, ON_OTHER, Span::default());
            for common in definition.common_types.values() {
                self.notes(&common.annotations, ON_OTHER, span_of(common.loc.as_ref()));
            }
            for action in definition.actions.values() {
                self.notes(&action.annotations, ON_OTHER, span_of(action.loc.as_ref()));
            }
        }
    }

    /// Returns entity types in order of their names, then a type for the actions of every namespace; without
    /// attributes.
    fn entity_types(&mut self) -> Vec<EntityType> {
        let declared: Vec<_> =
            self.written.entities.iter().map(|(name, (_, entity))| (name.clone(), *entity)).collect();
        let mut types = Vec::new();
        for (name, entity) in declared {
            let span = span_of(entity.loc.as_ref());
            let notes = self.notes(&entity.annotations, ON_ENTITY, span);
            let choices = match &entity.kind {
                json_schema::EntityTypeKind::Enum { choices } => {
                    Some(choices.iter().map(|eid| SmolStr::new(AsRef::<str>::as_ref(eid))).collect())
                }
                json_schema::EntityTypeKind::Standard(_) => None,
            };
            let kind = match (choices, notes.get("path")) {
                (Some(choices), None) => EntityKind::Enumerated(choices),
                (Some(choices), Some(path)) => {
                    self.error(
                        Code::SchemaPath,
                        path.span,
                        format!("`{name}` is enumerated: its entities are not in the snapshot"),
                    );
                    EntityKind::Enumerated(choices)
                }
                (None, Some(path)) => EntityKind::Rows(self.pattern(path)),
                (None, None) => {
                    self.misplaced = true;
                    let error = self.error(Code::SchemaPath, span, format!("entity type `{name}` has no `@path`"));
                    error.help = Some("add the place of its instances, such as @path(\"/members/*\"), or @path(\"\") for the document itself".into());
                    EntityKind::Rows(Pattern::default())
                }
            };
            if matches!(kind, EntityKind::Enumerated(_)) {
                let others = &["key", "expect", "closed", "ignore", "tags", "parameter_scope"];
                self.none_of(&notes, others, "an enumerated entity type");
            } else {
                self.none_of(&notes, &["open", "former"], "an entity type that is not enumerated");
            }
            let former = match &kind {
                EntityKind::Enumerated(choices) => self.former(choices, &notes),
                _ => Vec::new(),
            };
            let key = notes.get("key").and_then(|key| self.relative(key));
            types.push(EntityType {
                key,
                expect: self.expected(&notes),
                list_defaults: self.list_defaults(&kind, &notes),
                closed: notes.contains_key("closed"),
                open: notes.contains_key("open"),
                former,
                version: self.version(&notes),
                is_parameter_scope: matches!(kind, EntityKind::Rows(_)) && self.is_parameter_scope(&notes, &types),
                doc: notes.get("doc").map(|doc| doc.value.clone()),
                span,
                ..EntityType::new(name, kind)
            });
        }
        types.extend(layout::action_types(self.validator));
        types
    }

    /// Reads the words that an enumerated type no longer has: one a line, each with how to change a snapshot.
    fn former(&mut self, choices: &[SmolStr], notes: &HashMap<&str, Note>) -> Vec<Former> {
        let Some(note) = notes.get("former") else { return Vec::new() };
        let mut all: Vec<Former> = Vec::new();
        for line in note.value.lines() {
            let (word, migration) = line.split_once(':').map_or(("", ""), |(word, rest)| (word.trim(), rest.trim()));
            if word.is_empty() || migration.is_empty() {
                let error = self.error(Code::SchemaAnnotation, note.span, "`@former` lacks a word or its migration");
                error.help = Some("write a line for each word, such as @former(\"1.0: rename `a` to `b`\")".into());
            } else if choices.iter().any(|choice| choice == word) || all.iter().any(|former| former.word == word) {
                let message = format!("`@former` names `{word}`, which is a word of the type or is named twice");
                self.error(Code::SchemaAnnotation, note.span, message).help = Some("name each former word once".into());
            } else {
                all.push(Former { word: word.into(), migration: migration.into() });
            }
        }
        all
    }

    /// Returns the keys of `@expect`, which are separated by commas.
    fn expected(&mut self, notes: &HashMap<&str, Note>) -> Vec<SmolStr> {
        let Some(note) = notes.get("expect") else { return Vec::new() };
        if !notes.contains_key("key") {
            self.error(Code::SchemaAnnotation, note.span, "`@expect` names ids, so the type needs a `@key`");
        }
        note.value.split(',').map(|key| SmolStr::new(key.trim())).filter(|key| !key.is_empty()).collect()
    }

    /// Returns the version of the pack, from the root entity type.
    fn version(&mut self, notes: &HashMap<&str, Note>) -> Option<SmolStr> {
        let note = notes.get("version")?;
        if notes.get("path").is_none_or(|path| !path.value.is_empty()) {
            let error = self.error(Code::SchemaAnnotation, note.span, "`@version` is not on the root entity type");
            error.help = Some("move it to the type with @path(\"\")".into());
            return None;
        }
        if let Err(reason) = semver::Version::parse(&note.value) {
            let message = format!("`{}` is not a semantic version: {reason}", note.value);
            let error = self.error(Code::SchemaVersion, note.span, message);
            error.help = Some("write three numbers, such as @version(\"1.2.0\")".into());
            return None;
        }
        Some(note.value.clone())
    }

    /// Returns whether parameters may be set for one instance of the type; `earlier` are the types that were read
    /// before.
    fn is_parameter_scope(&mut self, notes: &HashMap<&str, Note>, earlier: &[EntityType]) -> bool {
        let Some(note) = notes.get("parameter_scope") else { return false };
        if !notes.contains_key("key") {
            let message = "`@parameter_scope` needs ids that name the instances, so the type needs a `@key`";
            self.error(Code::SchemaAnnotation, note.span, message);
        }
        if let Some(other) = earlier.iter().find(|other| other.is_parameter_scope) {
            let message = format!("`@parameter_scope` is on `{}`, too", other.name);
            let error = Diagnostic::error(Code::SchemaAnnotation, message).label(self.source, note.span, "");
            let error = error.label(self.source, other.span, "the first type with it");
            self.diagnostics.push(error.help("keep it on one entity type"));
            return false;
        }
        true
    }

    fn pattern(&mut self, note: &Note) -> Pattern {
        match Pattern::absolute(&note.value) {
            Ok(pattern) => pattern,
            Err(message) => {
                self.misplaced = true;
                self.error(Code::SchemaPath, note.span, message);
                Pattern::default()
            }
        }
    }

    fn relative(&mut self, note: &Note) -> Option<Vec<String>> {
        match pointer::relative(&note.value) {
            Ok(steps) => Some(steps),
            Err(message) => {
                self.error(Code::SchemaPath, note.span, message);
                None
            }
        }
    }

    /// Determines the root and the nesting, and builds the tree of paths. Returns `false` if they are undetermined.
    fn nest(&mut self, model: &mut Model) -> bool {
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
            model.types[id.index()].parent = parent;
            let Some(parent) = parent else { continue };
            let skipped = path.0.len() - model.ty(parent).path().map_or(0, |path| path.0.len());
            let tail = &path.0[path.0.len() - skipped..];
            if tail.iter().filter(|step| **step == Step::Each).count() > 1 || tail[..skipped - 1].contains(&Step::Each)
            {
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
        self.page_notes(model);
        true
    }

    /// Reads `@total` and `@more`: the places in the parent that state the part of a list that was captured.
    fn page_notes(&mut self, model: &mut Model) {
        for at in 0..model.types.len() {
            let name = model.types[at].name.clone();
            let Some((_, entity)) = self.written.entities.get(name.as_str()).copied() else { continue };
            let declared = span_of(entity.loc.as_ref());
            let mut read = |name: &str| {
                let note = self.note_named(&entity.annotations, name, declared)?;
                self.beside_list(model, TypeId::new(at), name, &note)
            };
            let (total, more) = (read("total"), read("more"));
            (model.types[at].total, model.types[at].more) = (total, more);
        }
    }

    /// Returns the pointer of a value that describes a list, below the instance that has the list.
    fn beside_list(&mut self, model: &Model, ty: TypeId, name: &str, note: &Note) -> Option<Vec<String>> {
        let declared = model.ty(ty);
        if !declared.is_collection() {
            let message =
                format!("`@{name}` describes a list, and the `@path` of `{}` does not end in `/*`", declared.name);
            self.error(Code::SchemaAnnotation, note.span, message);
            return None;
        }
        let pattern = match Pattern::absolute(&note.value) {
            Ok(pattern) => pattern,
            Err(message) => {
                self.error(Code::SchemaPath, note.span, message);
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
                note.span,
                format!("`{}` is not a property of the instance that has the list", note.value),
            );
            error.help = Some(format!("write a path below `{around}/`, such as `{around}/page/{name}`"));
        }
        inside
    }

    fn attributes(&mut self, model: &mut Model) {
        for at in 0..model.types.len() {
            let name = model.types[at].name.clone();
            let Some((namespace, entity)) = self.written.entities.get(name.as_str()).copied() else { continue };
            let json_schema::EntityTypeKind::Standard(standard) = &entity.kind else { continue };
            let Some(cedar) = cedar_type(&name).and_then(|name| self.validator.get_entity_type(&name)) else {
                continue;
            };
            let mut slots = Slots::default();
            self.ignored.clear();
            let declared = span_of(entity.loc.as_ref());
            if let Some(note) = self.note_named(&entity.annotations, "ignore", declared) {
                self.ignored.push((Vec::new(), note));
            }
            let attributes = match self.written.members(namespace, &standard.shape.0) {
                Some((namespace, record)) => {
                    self.members(model, &mut slots, namespace, record, cedar.attributes(), &Inside::default())
                }
                None => Vec::new(),
            };
            let tags = match &cedar.kind {
                ValidatorEntityTypeKind::Standard(_) => cedar.tag_type(),
                _ => None,
            };
            if let (None, Some(note)) = (tags, self.note_named(&entity.annotations, "tags", declared)) {
                let error = self.error(Code::SchemaAnnotation, note.span, format!("`{name}` has no tags"));
                error.help = Some("add `tags String` to the declaration, or remove `@tags`".into());
            }
            let tags = tags.and_then(|ty| {
                let pointer = match self.note_named(&entity.annotations, "tags", declared) {
                    Some(note) => self.relative(&note)?,
                    None => vec!["tags".to_owned()],
                };
                let ty = layout::ty(model, ty)?;
                let origin = Origin::Tags(pointer.clone());
                Some(slots.add(
                    &pointer,
                    Slot {
                        path: vec!["tags".into()],
                        ty,
                        origin,
                        required: true,
                        within: None,
                        above: Vec::new(),
                        null: None,
                        missing: None,
                        secret: false,
                        unknown_text: None,
                        span: declared,
                    },
                ))
            });
            if let Some(key) = &model.types[at].key {
                let node = slots.node(key);
                slots.fields[node].key = true;
                for slot in &slots.fields[node].slots {
                    let slot = &slots.list[slot.index()];
                    if let Some(default) = slot.null.as_ref().or(slot.missing.as_ref()) {
                        let message = "`@null` and `@missing` are not valid on the `@key`: an id has no default";
                        self.error(Code::SchemaDefault, default.span, message);
                    }
                }
                if let Some(note) = self.note_named(&entity.annotations, "key", declared) {
                    self.key_is_read(&note, key, &slots);
                }
            }
            slots.fill_below();
            self.secrets(model, at, &mut slots);
            let ty = &mut model.types[at];
            ty.attributes = attributes;
            ty.tags = tags;
            ty.slots = slots.list;
            ty.fields = slots.fields;
            for (object, note) in std::mem::take(&mut self.ignored) {
                let names = self.ignored_names(model, TypeId::new(at), &object, &note);
                let fields = &mut model.types[at].fields;
                if let Some(field) = field_at(fields, &object) {
                    fields[field].ignored.extend(names);
                }
            }
        }
        self.lists_in_secrets(model);
    }

    /// Rejects a key that is an attribute without a value in the snapshot.
    fn key_is_read(&mut self, note: &Note, key: &[String], slots: &Slots) {
        let node = slots.fields.iter().find(|node| node.key);
        let (read, [name]) = (node.is_some_and(|node| !node.slots.is_empty()), key) else { return };
        let named = slots.list.iter().find(|slot| slot.origin.pointer().is_none() && slot.dotted() == *name);
        let Some(slot) = named.filter(|_| !read) else { return };
        let kind = if slot.origin == Origin::Derived { "@derived" } else { "@enclosing" };
        let span = slot.span;
        let message = format!("the key `{name}` is an attribute with `{kind}`, which is not in the snapshot");
        let error = Diagnostic::error(Code::SchemaAnnotation, message).label(self.source, note.span, "");
        let error = error.label(self.source, span, "this attribute");
        self.diagnostics.push(error.help("name a property of the snapshot that identifies an instance"));
    }

    /// Returns the names in an `@ignore`, which are separated by commas. Rejects names that the schema declares.
    fn ignored_names(&mut self, model: &Model, ty: TypeId, object: &[String], note: &Note) -> Vec<String> {
        let names: Vec<String> =
            note.value.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
        if names.is_empty() {
            let error = self.error(Code::SchemaAnnotation, note.span, "`@ignore` names no property");
            error.help = Some("list properties, such as @ignore(\"avatar_url, gravatar_id\")".into());
        }
        for name in &names {
            let known = |same: &dyn Fn(&str) -> bool| model.known_properties(ty, object).find(|known| same(known));
            let declared = known(&|declared| declared == name)
                .or_else(|| known(&|declared| is_same_but_for_writing(name, declared)));
            let Some(declared) = declared else { continue };
            let message = if declared == name {
                format!("`@ignore` names `{name}`, which the schema declares")
            } else {
                format!(
                    "`@ignore` names `{name}`, which differs from the declared `{declared}` only in case or separators"
                )
            };
            let error = self.error(Code::SchemaAnnotation, note.span, message);
            error.help = Some(format!("remove `{name}` from `@ignore`, or remove the attribute"));
        }
        names
    }

    /// Reads the members of an entity's attribute record, or of a record inside it.
    fn members(
        &mut self,
        model: &Model,
        slots: &mut Slots,
        namespace: Option<&'f Name>,
        record: &'f json_schema::RecordType<RawName>,
        types: &Attributes,
        inside: &Inside,
    ) -> Vec<Attribute> {
        let mut attributes = Vec::new();
        for (name, written) in &record.attributes {
            let Some(ty) = types.get_attr(name).and_then(|attribute| layout::ty(model, &attribute.attr_type)) else {
                continue;
            };
            let span = self.declaration(written.ty.loc(), name);
            let notes = self.notes(&written.annotations, ON_ATTRIBUTE, span);
            let doc = notes.get("doc").map(|doc| doc.value.clone());
            let pointer = match notes.get("path") {
                Some(note) => self.relative(note).unwrap_or_default(),
                None => vec![name.to_string()],
            };
            for unread in ["derived", "enclosing"].into_iter().filter(|unread| notes.contains_key(unread)) {
                self.none_of(&notes, &["path", "unknown"], &format!("an attribute with `@{unread}`"));
            }
            let mut whole = inside.pointer.clone();
            whole.extend(pointer);
            let mut path = inside.path.clone();
            path.push(name.clone());
            let secret = inside.secret || notes.contains_key("secret");
            let slot = |ty: Ty, origin: Origin| Slot {
                path: path.clone(),
                ty,
                origin,
                required: written.required,
                within: inside.within,
                above: Vec::new(),
                null: None,
                missing: None,
                secret,
                unknown_text: notes.get("unknown").map(|note| note.value.clone()),
                span,
            };
            let shape = match (
                &ty,
                self.written.members(namespace, &written.ty),
                types.get_attr(name).map(|a| &*a.attr_type),
            ) {
                (Ty::Record(_), Some((namespace, record)), Some(Type::Record { attrs, .. })) => {
                    self.none_of(&notes, &["as", "enclosing", "derived", "unknown"], "a record");
                    if let Some(note) = notes.get("ignore") {
                        self.ignored.push((whole.clone(), note.clone()));
                    }
                    let presence = slots.add_presence(&whole, slot(ty.clone(), Origin::Presence(whole.clone())));
                    let inner = Inside { pointer: whole, path: path.clone(), within: Some(presence), secret };
                    let members = self.members(model, slots, namespace, record, attrs, &inner);
                    self.defaults(model, slots, presence, Some(&members), &notes);
                    Shape::Record(presence, members)
                }
                _ => {
                    self.none_of(&notes, &["ignore"], "an attribute that is not a record");
                    self.plain_elements(namespace, &written.ty, false);
                    let origin = self.origin(&notes, &ty, whole.clone(), model);
                    let leaf = slots.add(&whole, slot(ty.clone(), origin));
                    self.defaults(model, slots, leaf, None, &notes);
                    Shape::Leaf(leaf)
                }
            };
            attributes.push(Attribute { name: name.clone(), ty, required: written.required, doc, span, shape });
        }
        attributes
    }

    /// Reads the meaning of an attribute that is `null` or missing; for a record, also that of its members.
    fn defaults(
        &mut self,
        model: &Model,
        slots: &mut Slots,
        id: SlotId,
        members: Option<&[Attribute]>,
        notes: &HashMap<&str, Note>,
    ) {
        let slot = &slots.list[id.index()];
        let mut read = |name: &str| -> Option<DeclaredDefault> {
            let note = notes.get(name)?;
            let Some(pointer) = slot.origin.pointer() else {
                let message = format!("`@{name}` is not valid on an attribute that is not read from the snapshot");
                self.error(Code::SchemaDefault, note.span, message);
                return None;
            };
            let fallback = match members {
                Some(members) => defaults::of_record(model, &slots.list, pointer, members, slot.required, &note.value),
                None => defaults::of_leaf(model, &slot.ty, slot.required, &note.value),
            };
            match fallback {
                Ok(fallback) => Some(DeclaredDefault { fallback, span: note.span }),
                Err(help) => {
                    let message = format!("`{}` is not a default for `{}`", note.value, slot.dotted());
                    self.error(Code::SchemaDefault, note.span, message).help = Some(help);
                    None
                }
            }
        };
        let (null, missing) = (read("null"), read("missing"));
        let literal = |default: &Option<DeclaredDefault>| {
            default.as_ref().is_some_and(|default| matches!(default.fallback, Fallback::Value(_) | Fallback::Record(_)))
        };
        if let (true, true, false, Some(default)) = (literal(&null), literal(&missing), slot.required, &missing) {
            let message =
                format!("`{}` is never absent: both `null` and a missing value have a default", slot.dotted());
            let error = self.error(Code::SchemaDefault, default.span, message);
            error.help = Some("make the attribute required: remove the `?`".into());
        }
        let slot = &mut slots.list[id.index()];
        (slot.null, slot.missing) = (null, missing);
    }

    /// Reads the meaning of a list of instances that is `null` or missing.
    fn list_defaults(&mut self, kind: &EntityKind, notes: &HashMap<&str, Note>) -> ListDefaults {
        let is_list = matches!(kind, EntityKind::Rows(path) if path.0.last() == Some(&Step::Each));
        let mut is_empty = |name: &str| {
            let Some(note) = notes.get(name) else { return false };
            if !is_list {
                let message = format!("`@{name}` on an entity type describes a list: its `@path` ends in `/*`");
                self.error(Code::SchemaDefault, note.span, message);
                return false;
            }
            defaults::of_list(&note.value).unwrap_or_else(|help| {
                let message = format!("`{}` is not a default for a list", note.value);
                self.error(Code::SchemaDefault, note.span, message).help = Some(help);
                false
            })
        };
        ListDefaults { null_is_empty: is_empty("null"), missing_is_empty: is_empty("missing") }
    }

    /// Marks the slots of secrets. If one attribute marks a value as secret, every attribute that reads the same value
    /// is masked. Reports show ids, references and the time of the capture, so none of them can be secret.
    fn secrets(&mut self, model: &Model, at: usize, slots: &mut Slots) {
        let concerns = slots.fill_secrets();
        for (_, span) in slots.fields.iter().zip(concerns).filter(|(node, _)| node.key) {
            let Some(span) = span else { continue };
            let error = self.error(Code::SchemaSecret, span, "a secret cannot be an id");
            error.help = Some("choose another `@key`: findings name entities by their ids".into());
        }
        let captured_at = slots.list.iter().find(|slot| slot.secret && slot.path == ["captured_at"]);
        if let Some(slot) = captured_at.filter(|_| at == model.root.index()) {
            let error = self.error(Code::SchemaSecret, slot.span, "the time of the capture cannot be secret");
            error.help = Some("remove `@secret`, or rename the attribute: reports show the time".into());
        }
        for slot in slots.list.iter().filter(|slot| slot.secret && slot.origin.pointer().is_some()) {
            if entity_types_in(&slot.ty).iter().any(|target| model.ty(*target).choices().is_none()) {
                let error = self.error(Code::SchemaSecret, slot.span, "a secret cannot be a reference");
                error.help =
                    Some("declare the attribute as a String: findings name the entities that they are about".into());
            }
        }
    }

    /// Rejects lists of instances in secrets, because reports show the ids of instances.
    fn lists_in_secrets(&mut self, model: &Model) {
        for (ty, path) in model.types.iter().zip(&model.path_of) {
            let mut places: Vec<(usize, usize)> = path.iter().map(|path| (*path, 0)).collect();
            while let Some((path, field)) = places.pop() {
                let (tree, Some(node)) = (&model.paths[path], ty.fields.get(field)) else { continue };
                let inner = tree.children.iter().map(|(_, child)| *child).chain(tree.each);
                let inner = inner.flat_map(|child| &model.paths[child].below).next();
                if let (true, Some(inner)) = (node.secret, inner) {
                    let slot = node.below.iter().map(|slot| &ty.slots[slot.index()]).find(|slot| slot.secret);
                    let message = format!("a secret cannot hold instances of {}", model.short_name(*inner));
                    let error = self.error(Code::SchemaSecret, slot.map_or(ty.span, |slot| slot.span), message);
                    error.help = Some("make only their attributes secret: findings name entities by their ids".into());
                    continue;
                }
                let both = node.children.iter().filter_map(|(name, field)| {
                    let (_, path) = tree.children.iter().find(|(other, _)| other == name)?;
                    Some((*path, *field))
                });
                places.extend(both);
            }
        }
    }

    /// Rejects annotations inside elements of sets. They have no meaning, because elements are read as a whole.
    fn plain_elements(&mut self, namespace: Option<&'f Name>, ty: &'f WrittenType, in_set: bool) {
        match self.written.resolve(namespace, ty) {
            (namespace, WrittenType::Type { ty: json_schema::TypeVariant::Set { element }, .. }) => {
                self.plain_elements(namespace, element, true);
            }
            (namespace, WrittenType::Type { ty: json_schema::TypeVariant::Record(record), .. }) if in_set => {
                for (name, member) in &record.attributes {
                    let span = self.declaration(member.ty.loc(), name);
                    let notes = self.notes(&member.annotations, ON_ATTRIBUTE, span);
                    let mut written: Vec<_> = notes.iter().filter(|(note, _)| **note != "doc").collect();
                    written.sort_by_key(|(note, _)| **note);
                    for (note, at) in written {
                        let error = self.error(
                            Code::SchemaAnnotation,
                            at.span,
                            format!("`@{note}` has no meaning inside a set"),
                        );
                        error.help =
                            Some("move it to the attribute, or declare an entity type for the elements".into());
                    }
                    self.plain_elements(namespace, &member.ty, true);
                }
            }
            _ => {}
        }
    }

    /// Rejects annotations without a meaning on a kind of declaration.
    fn none_of(&mut self, notes: &HashMap<&str, Note>, names: &[&str], what: &str) {
        for name in names {
            if let Some(note) = notes.get(name) {
                let error =
                    self.error(Code::SchemaAnnotation, note.span, format!("`@{name}` is not possible on {what}"));
                error.help = Some(format!("remove `@{name}`"));
            }
        }
    }

    fn origin(&mut self, notes: &HashMap<&str, Note>, ty: &Ty, pointer: Vec<String>, model: &Model) -> Origin {
        let ways: Vec<&str> =
            ["as", "enclosing", "derived"].into_iter().filter(|name| notes.contains_key(name)).collect();
        if let [first, second, ..] = ways[..]
            && let Some(note) = notes.get(second)
        {
            let message = format!("`@{first}` and `@{second}` exclude each other");
            self.error(Code::SchemaAnnotation, note.span, message).help = Some("remove one of them".into());
        }
        if let Some(note) = notes.get("unknown")
            && !matches!(ty, Ty::String | Ty::Entity(_))
        {
            self.error(
                Code::SchemaAnnotation,
                note.span,
                format!("`@unknown` names a text, but the attribute is of type {}", model.show(ty)),
            );
        }
        if let Some(note) = notes.get("derived") {
            let gathered = match ty {
                Ty::Bool | Ty::Long => true,
                Ty::Set(element) => matches!(**element, Ty::Entity(_)),
                _ => false,
            };
            if !gathered {
                let error = self.error(
                    Code::SchemaAnnotation,
                    note.span,
                    format!("an attribute of type {} cannot be derived", model.show(ty)),
                );
                error.help = Some(
                    "declare it as Bool (whether there is one), Long (how many) or a Set of an entity type (which)"
                        .into(),
                );
            }
            return Origin::Derived;
        }
        if let Some(note) = notes.get("enclosing") {
            return match ty {
                Ty::Entity(enclosing) => Origin::Enclosing(*enclosing),
                _ => {
                    self.error(
                        Code::SchemaAnnotation,
                        note.span,
                        format!("`@enclosing` needs an entity type, not {}", model.show(ty)),
                    );
                    Origin::Derived
                }
            };
        }
        let reader = notes.get("as").and_then(|note| {
            let found = Reader::ALL.iter().find(|(name, _)| *name == note.value).map(|(_, reader)| *reader);
            match found {
                Some(reader) if reader.ty() != *ty => {
                    self.error(
                        Code::SchemaReader,
                        note.span,
                        format!(
                            "`{}` reads a {}, but the attribute is of type {}",
                            note.value,
                            model.show(&reader.ty()),
                            model.show(ty)
                        ),
                    );
                }
                Some(_) => {}
                None => {
                    let error = self.error(Code::SchemaReader, note.span, format!("unknown reader `{}`", note.value));
                    *error = error.clone().suggest(&note.value, Reader::ALL.map(|(name, _)| name));
                }
            }
            found
        });
        Origin::Read(pointer, reader)
    }

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

    fn actions(&mut self, model: &mut Model) {
        let find = |reader: &mut Self, eid: &str| {
            let mut found =
                reader.validator.action_ids().filter(|action| AsRef::<str>::as_ref(action.name().eid()) == eid);
            let first = found.next()?;
            if let Some(second) = found.next() {
                let message = format!("two actions have the name `{eid}`: `{}` and `{}`", first.name(), second.name());
                reader.error(Code::SchemaAction, Span::default(), message);
            }
            let ty = model.type_named(&first.name().entity_type().to_smolstr())?;
            let choice = model.ty(ty).choices()?.iter().position(|choice| choice == eid)?;
            let ids = |types: Vec<&ast::EntityType>| {
                let mut ids: Vec<TypeId> =
                    types.into_iter().filter_map(|ty| model.type_named(&ty.to_smolstr())).collect();
                ids.sort();
                ids
            };
            let principals = ids(first.applies_to_principals().collect());
            let resources = ids(first.applies_to_resources().collect());
            Some(ActionRef { ty, choice: choice as u32, name: first.name().to_smolstr(), principals, resources })
        };
        let (audit, derive) = (find(self, "audit"), find(self, "derive"));
        let Some(audit) = audit else {
            let error = self.error(Code::SchemaAction, Span::default(), "the schema declares no action `audit`");
            error.help = Some("checks forbid `audit`: write `action \"audit\" appliesTo { principal: [Root], resource: [...], context: {...} };`".into());
            return;
        };
        if !audit.principals.contains(&model.root) {
            let message = format!(
                "the principal of `audit` is the document, but its types do not include `{}`",
                model.ty(model.root).name
            );
            self.error(Code::SchemaAction, Span::default(), message);
        }
        (model.audit, model.derive) = (audit, derive);
        self.context(model, "audit");
        if model.derive.is_some() {
            self.context(model, "derive");
        }
    }

    /// Reads the context of an action; the contexts of both actions are merged.
    fn context(&mut self, model: &mut Model, eid: &str) {
        let Some((namespace, written)) = self
            .written
            .actions
            .iter()
            .find(|(_, name, _)| **name == eid)
            .map(|(namespace, _, action)| (*namespace, *action))
        else {
            return;
        };
        let Some(applies) = &written.applies_to else { return };
        let Some((namespace, record)) = self.written.members(namespace, &applies.context.0) else { return };
        let Some(action) = self.validator.action_ids().find(|action| AsRef::<str>::as_ref(action.name().eid()) == eid)
        else {
            return;
        };
        let Some(Type::Record { attrs, .. }) = action.context() else { return };
        for (name, member) in &record.attributes {
            let Some(ty) = attrs.get_attr(name).and_then(|attribute| layout::ty(model, &attribute.attr_type)) else {
                continue;
            };
            if model.context.iter().any(|known| known.name == *name) {
                continue;
            }
            let span = self.declaration(member.ty.loc(), name);
            self.notes(&member.annotations, ON_OTHER, span);
            let origin = match (name.as_str(), &ty) {
                ("now", Ty::Datetime) => ContextOrigin::Now,
                ("parameters", Ty::Record(_)) => {
                    let members = self.written.members(namespace, &member.ty);
                    let types = attrs.get_attr(name).map(|attribute| &*attribute.attr_type);
                    if let (Some((_, record)), Some(Type::Record { attrs, .. })) = (members, types) {
                        model.parameters = self.parameters(model, record, attrs);
                    }
                    ContextOrigin::Parameters
                }
                _ => {
                    let root = model.ty(model.root).attribute(name).filter(|attribute| attribute.ty == ty);
                    let Some(Shape::Leaf(slot)) = root.map(|attribute| &attribute.shape) else {
                        let message = format!("`context.{name}` has no source");
                        // Several actions may share one type of context.
                        if self.diagnostics.iter().any(|known| known.message == message) {
                            continue;
                        }
                        let error = self.error(Code::SchemaContext, span, message);
                        error.help = Some(format!(
                            "declare an attribute `{name}` of the same type on the root entity type, or use `now` or `parameters`"
                        ));
                        continue;
                    };
                    ContextOrigin::Root(*slot)
                }
            };
            let required = member.required;
            model.context.push(ContextMember { name: name.clone(), ty, required, origin });
        }
    }

    fn parameters(
        &mut self,
        model: &Model,
        record: &'f json_schema::RecordType<RawName>,
        types: &Attributes,
    ) -> Vec<Parameter> {
        let mut parameters = Vec::new();
        for (name, written) in &record.attributes {
            let Some(ty) = types.get_attr(name).and_then(|attribute| layout::ty(model, &attribute.attr_type)) else {
                continue;
            };
            let span = self.declaration(written.ty.loc(), name);
            let notes = self.notes(&written.annotations, ON_PARAMETER, span);
            if matches!(ty, Ty::Record(_) | Ty::Entity(_)) {
                self.error(Code::SchemaParameter, span, format!("a parameter cannot be of type {}", model.show(&ty)));
                continue;
            }
            let default = notes.get("default").and_then(|note| match parse_value(&ty, &note.value) {
                Ok(value) => Some(value),
                Err(message) => {
                    self.error(
                        Code::SchemaParameter,
                        note.span,
                        format!("`{}` is not a {}: {message}", note.value, model.show(&ty)),
                    );
                    None
                }
            });
            let doc = notes.get("doc").map(|doc| doc.value.clone());
            parameters.push(Parameter { name: name.clone(), ty, required: written.required, default, doc, span });
        }
        parameters
    }
}

/// The context of the members that are being read.
#[derive(Default, Clone)]
struct Inside {
    pointer: Vec<String>,
    path: Vec<SmolStr>,
    within: Option<SlotId>,
    secret: bool,
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

fn last(name: &str) -> &str {
    name.rsplit("::").next().unwrap_or(name)
}

/// Reads a value of a parameter as typed: `14`, `true`, `14d`, `10.0.0.0/8`, `["a", "b"]`.
///
/// # Errors
/// A phrase saying what is valid.
pub fn parse_value(ty: &Ty, text: &str) -> Result<Value, String> {
    Ok(match ty {
        Ty::Bool => match text {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => return Err("expected `true` or `false`".into()),
        },
        Ty::Long => Value::Long(text.parse().map_err(|_| "expected a whole number of 64 bits".to_owned())?),
        Ty::String => Value::String(text.into()),
        Ty::Decimal => Value::Decimal(value::parse_decimal(text)?),
        Ty::Datetime => Value::Datetime(value::parse_datetime(text)?),
        Ty::Duration => Value::Duration(value::parse_duration(text)?),
        Ty::Ip => Value::Ip(IpNet::parse(text)?),
        Ty::Set(element) => {
            let valid = || "expected a list in JSON, such as [\"a\", \"b\"]".to_owned();
            let mut scanner = crate::source::json::Scanner::new(text);
            let mut items = Vec::new();
            let walked = scanner.array(|scanner, _| {
                let span = scanner.skip()?;
                items.push(text.get(span.range()).unwrap_or_default());
                Ok::<_, crate::source::json::SyntaxError>(())
            });
            walked.and_then(|_| scanner.end()).map_err(|_| valid())?;
            let read = |item: &&str| {
                parse_value(element, &string_text(item).filter(|_| item.starts_with('"')).unwrap_or((*item).into()))
            };
            Value::Set(Arc::new(value::Set::new(items.iter().map(read).collect::<Result<_, _>>()?)))
        }
        Ty::Entity(_) | Ty::Record(_) => {
            return Err(
                "a parameter is a number, a text, a moment, a duration, an address, a boolean or a list of these"
                    .into(),
            );
        }
    })
}
