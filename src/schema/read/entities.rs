//! The entity types of a schema, without their attributes.

use super::SchemaReader;
use super::annotations::{Annotation, ON_ENTITY, ON_OTHER};
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::model::*;
use crate::schema::written::{Fragment, span_of};
use crate::schema::{defaults, layout};
use crate::source::Span;
use crate::source::pointer::{Pattern, Step};
use cedar_policy_core::validator::json_schema;
use smol_str::SmolStr;
use std::collections::HashMap;

impl<'f> SchemaReader<'_, 'f> {
    pub(super) fn other_annotations(&mut self, fragment: &'f Fragment) {
        for definition in fragment.0.values() {
            self.annotations(&definition.annotations, ON_OTHER, Span::default());
            for common in definition.common_types.values() {
                self.annotations(&common.annotations, ON_OTHER, span_of(common.loc.as_ref()));
            }
            for action in definition.actions.values() {
                self.annotations(&action.annotations, ON_OTHER, span_of(action.loc.as_ref()));
            }
        }
    }

    /// Returns entity types in order of their names, then a type for the actions of every namespace; without
    /// attributes.
    pub(super) fn entity_types(&mut self) -> Vec<EntityType> {
        let declared: Vec<_> =
            self.written.entities.iter().map(|(name, (_, entity))| (name.clone(), *entity)).collect();
        let mut types = Vec::new();
        for (name, entity) in declared {
            let span = span_of(entity.loc.as_ref());
            let annotations = self.annotations(&entity.annotations, ON_ENTITY, span);
            let choices = match &entity.kind {
                json_schema::EntityTypeKind::Enum { choices } => {
                    Some(choices.iter().map(|eid| SmolStr::new(AsRef::<str>::as_ref(eid))).collect())
                }
                json_schema::EntityTypeKind::Standard(_) => None,
            };
            let kind = match (choices, annotations.get("path")) {
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
                let others = &[
                    "key",
                    "expect",
                    "closed",
                    "evidence",
                    "ignore",
                    "tags",
                    "parameter_scope",
                    "one_or_many",
                    "where",
                ];
                self.none_of(&annotations, others, "an enumerated entity type");
            } else {
                self.none_of(&annotations, &["open", "former"], "an entity type that is not enumerated");
            }
            if matches!(&kind, EntityKind::Rows(path) if matches!(path.0.last(), Some(Step::Groups(_)))) {
                self.none_of(&annotations, &["expect", "evidence", "one_or_many", "where"], "groups of properties");
                if let Some(key) = annotations.get("key").filter(|key| key.value.is_empty()) {
                    let message = "@key(\"\") reads single values, and the instances are groups of properties";
                    self.error(Code::SchemaAnnotation, key.span, message).help = Some("remove the `@key`".into());
                }
            }
            let former = match &kind {
                EntityKind::Enumerated(choices) => self.former(choices, &annotations),
                _ => Vec::new(),
            };
            let (key, further_keys) = self.key(&annotations);
            types.push(EntityType {
                key,
                further_keys,
                expect: self.expected(&annotations),
                one_or_many: self.one_or_many(&kind, &annotations),
                only: self.only(&kind, &annotations),
                list_defaults: self.list_defaults(&kind, &annotations),
                closed: annotations.contains_key("closed"),
                is_evidence: self.is_evidence(&kind, &annotations),
                open: annotations.contains_key("open"),
                former,
                version: self.version(&annotations),
                is_parameter_scope: matches!(kind, EntityKind::Rows(_))
                    && self.is_parameter_scope(&annotations, &types),
                doc: annotations.get("doc").map(|doc| doc.value.clone()),
                span,
                ..EntityType::new(name, kind)
            });
        }
        types.extend(layout::action_types(self.validator));
        types
    }

    /// Reads the properties of an id: one, several of which the first that is present is the id (`,`), or the parts of an
    /// id (`+`).
    fn key(&mut self, annotations: &HashMap<&str, Annotation>) -> (Option<Vec<String>>, FurtherKeys) {
        let Some(annotation) = annotations.get("key") else { return (None, FurtherKeys::default()) };
        let is_composite = annotation.value.contains('+');
        if is_composite && annotation.value.contains(',') {
            let error = self.error(Code::SchemaPath, annotation.span, "`@key` has both `,` and `+`");
            error.help = Some("write alternatives with `,`, or the parts of one id with `+`".into());
            return (None, FurtherKeys::default());
        }
        if !is_composite && !annotation.value.contains(',') {
            return (self.relative(annotation), FurtherKeys::default());
        }
        let mut all: Vec<Vec<String>> = Vec::new();
        for part in annotation.value.split([',', '+']).map(str::trim) {
            let read = self.relative(&Annotation { value: part.into(), ..annotation.clone() });
            match read {
                Some(pointer) if pointer.is_empty() || all.contains(&pointer) => {
                    let what = if part.is_empty() { "an empty property".to_owned() } else { format!("`{part}` twice") };
                    let error = self.error(Code::SchemaPath, annotation.span, format!("`@key` names {what}"));
                    error.help = Some("name each property of the id once".into());
                }
                Some(pointer) => all.push(pointer),
                None => {}
            }
        }
        if all.is_empty() {
            return (None, FurtherKeys::default());
        }
        let further = all.split_off(1);
        (all.pop(), if is_composite { FurtherKeys::Parts(further) } else { FurtherKeys::Fallbacks(further) })
    }

    /// Reads the words that an enumerated type no longer has: one a line, each with how to change a snapshot.
    fn former(&mut self, choices: &[SmolStr], annotations: &HashMap<&str, Annotation>) -> Vec<Former> {
        let Some(annotation) = annotations.get("former") else { return Vec::new() };
        let mut all: Vec<Former> = Vec::new();
        // A value without a line has no word.
        let lines = if annotation.value.is_empty() { vec![""] } else { annotation.value.lines().collect() };
        for line in lines {
            let (word, migration) = line.split_once(':').map_or(("", ""), |(word, rest)| (word.trim(), rest.trim()));
            if word.is_empty() || migration.is_empty() {
                let error =
                    self.error(Code::SchemaAnnotation, annotation.span, "`@former` lacks a word or its migration");
                error.help = Some("write a line for each word, such as @former(\"1.0: rename `a` to `b`\")".into());
            } else if choices.iter().any(|choice| choice == word) || all.iter().any(|former| former.word == word) {
                let message = format!("`@former` names `{word}`, which is a word of the type or is named twice");
                self.error(Code::SchemaAnnotation, annotation.span, message).help =
                    Some("name each former word once".into());
            } else {
                all.push(Former { word: word.into(), migration: migration.into() });
            }
        }
        all
    }

    /// Returns the keys of `@expect`, which are listed as the words of `@unknown`.
    fn expected(&mut self, annotations: &HashMap<&str, Annotation>) -> Vec<SmolStr> {
        let Some(annotation) = annotations.get("expect") else { return Vec::new() };
        if !annotations.contains_key("key") {
            self.error(Code::SchemaAnnotation, annotation.span, "`@expect` names ids, so the type needs a `@key`");
        }
        let keys = self.placed_words(annotation, ("expect", "owner, admin"), 0);
        if let Some((_, at)) = keys.iter().find(|(key, _)| key.is_empty()) {
            let span = self.part_of(annotation, at.clone());
            self.error(Code::SchemaAnnotation, span, "`@expect` has an empty id").help =
                Some("remove it: no instance has an empty id".into());
        }
        keys.into_iter().map(|(key, _)| SmolStr::new(key)).filter(|key| !key.is_empty()).collect()
    }

    /// Returns the version of the pack, from the root entity type.
    fn version(&mut self, annotations: &HashMap<&str, Annotation>) -> Option<SmolStr> {
        let annotation = annotations.get("version")?;
        if annotations.get("path").is_none_or(|path| !path.value.is_empty()) {
            let error =
                self.error(Code::SchemaAnnotation, annotation.span, "`@version` is not on the root entity type");
            error.help = Some("move it to the type with @path(\"\")".into());
            return None;
        }
        if let Err(reason) = semver::Version::parse(&annotation.value) {
            let message = format!("`{}` is not a semantic version: {reason}", annotation.value);
            let error = self.error(Code::SchemaVersion, annotation.span, message);
            error.help = Some("write three numbers, such as @version(\"1.2.0\")".into());
            return None;
        }
        Some(annotation.value.clone())
    }

    /// Returns whether the instances of the type are pieces of evidence.
    fn is_evidence(&mut self, kind: &EntityKind, annotations: &HashMap<&str, Annotation>) -> bool {
        let Some(annotation) = annotations.get("evidence") else { return false };
        let last = match kind {
            EntityKind::Rows(path) => path.0.last(),
            _ => None,
        };
        let is_list = last == Some(&Step::Each);
        if !is_list && matches!(kind, EntityKind::Rows(_)) && !matches!(last, Some(Step::Groups(_))) {
            let message = "`@evidence` describes a list: its `@path` ends in `/*`";
            self.error(Code::SchemaAnnotation, annotation.span, message).help =
                Some("write the place of the pieces, such as @path(\"/evidence/*\")".into());
        }
        is_list
    }

    /// Returns whether parameters may be set for one instance of the type; `earlier` are the types that were read
    /// before.
    fn is_parameter_scope(&mut self, annotations: &HashMap<&str, Annotation>, earlier: &[EntityType]) -> bool {
        let Some(annotation) = annotations.get("parameter_scope") else { return false };
        if !annotations.contains_key("key") {
            let message = "`@parameter_scope` needs ids that name the instances, so the type needs a `@key`";
            self.error(Code::SchemaAnnotation, annotation.span, message);
        }
        if let Some(other) = earlier.iter().find(|other| other.is_parameter_scope) {
            let message = format!("`@parameter_scope` is on `{}`, too", other.name);
            let error = Diagnostic::error(Code::SchemaAnnotation, message).label(self.source, annotation.span, "");
            let error = error.label(self.source, other.span, "the first type with it");
            self.diagnostics.push(error.help("keep it on one entity type"));
            return false;
        }
        true
    }

    /// Returns whether an object in place of a list of instances is its only instance.
    fn one_or_many(&mut self, kind: &EntityKind, annotations: &HashMap<&str, Annotation>) -> bool {
        let Some(annotation) = annotations.get("one_or_many") else { return false };
        let EntityKind::Rows(path) = kind else { return true };
        if matches!(path.0.last(), Some(Step::Groups(_))) {
            return true;
        }
        if path.0.last() != Some(&Step::Each) {
            let message = "`@one_or_many` describes a list: its `@path` ends in `/*`";
            self.error(Code::SchemaAnnotation, annotation.span, message).help =
                Some("remove it: the instances of the type are not in a list".into());
        } else if annotations.get("key").is_none_or(|key| key.value.is_empty()) {
            let message = "`@one_or_many` needs a property that an instance has, so the type needs a `@key`";
            self.error(Code::SchemaAnnotation, annotation.span, message).help =
                Some("add the property that is the id, such as @key(\"id\")".into());
        }
        true
    }

    /// Reads the meaning of a list of instances that is `null` or missing.
    fn list_defaults(&mut self, kind: &EntityKind, annotations: &HashMap<&str, Annotation>) -> ListDefaults {
        let is_list = |path: &Pattern| matches!(path.0.last(), Some(Step::Each | Step::Groups(_)));
        let is_list = matches!(kind, EntityKind::Rows(path) if is_list(path));
        let mut is_empty = |name: &str| {
            let Some(annotation) = annotations.get(name) else { return false };
            if !is_list {
                let message = format!("`@{name}` on an entity type describes a list: its `@path` ends in `*`");
                self.error(Code::SchemaDefault, annotation.span, message);
                return false;
            }
            defaults::of_list(&annotation.value).unwrap_or_else(|help| {
                let message = format!("`{}` is not a default for a list", annotation.value);
                self.error(Code::SchemaDefault, annotation.span, message).help = Some(help);
                false
            })
        };
        ListDefaults { null_is_empty: is_empty("null"), missing_is_empty: is_empty("missing") }
    }
}
