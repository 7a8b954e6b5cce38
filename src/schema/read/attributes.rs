//! The attributes of entity types.

use super::annotations::{Annotation, ON_ATTRIBUTE};
use super::{SchemaReader, cedar_type};
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::lacking::LackingWords;
use crate::schema::layout::Slots;
use crate::schema::model::*;
use crate::schema::written::{WrittenType, span_of};
use crate::schema::{defaults, layout};
use crate::source::is_same_but_for_writing;
use crate::value::TypeId;
use cedar_policy_core::ast::Name;
use cedar_policy_core::validator::types::{Attributes, Type};
use cedar_policy_core::validator::{RawName, ValidatorEntityTypeKind, json_schema};
use smol_str::SmolStr;
use std::collections::HashMap;

impl<'f> SchemaReader<'_, 'f> {
    pub(super) fn attributes(&mut self, model: &mut Model) {
        for at in model.type_ids() {
            let name = model.types[at].name.clone();
            let Some((namespace, entity)) = self.written.entities.get(name.as_str()).copied() else { continue };
            let json_schema::EntityTypeKind::Standard(standard) = &entity.kind else { continue };
            let Some(cedar) = cedar_type(&name).and_then(|name| self.validator.get_entity_type(&name)) else {
                continue;
            };
            let mut slots = Slots::default();
            self.ignored.clear();
            let declared = span_of(entity.loc.as_ref());
            if let Some(annotation) = self.annotation_named(&entity.annotations, "ignore", declared) {
                self.ignored.push((Vec::new(), annotation));
            }
            let attributes = match self.written.members(namespace, &standard.shape.0) {
                Some((namespace, record)) => {
                    let inside = Inside { is_group: model.types[at].groups().is_some(), ..Inside::default() };
                    self.members(model, &mut slots, namespace, record, cedar.attributes(), &inside)
                }
                None => Vec::new(),
            };
            let tags = match &cedar.kind {
                ValidatorEntityTypeKind::Standard(_) => cedar.tag_type(),
                _ => None,
            };
            if let (None, Some(annotation)) = (tags, self.annotation_named(&entity.annotations, "tags", declared)) {
                let error = self.error(Code::SchemaAnnotation, annotation.span, format!("`{name}` has no tags"));
                error.help = Some("add `tags String` to the declaration, or remove `@tags`".into());
            }
            let tags = tags.and_then(|ty| {
                let pointer = match self.annotation_named(&entity.annotations, "tags", declared) {
                    Some(annotation) => self.relative(&annotation)?,
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
                        each: Vec::new(),
                        secret: false,
                        past: false,
                        words: LackingWords::default(),
                        span: declared,
                    },
                ))
            });
            let keys: Vec<Vec<String>> = model.types[at].keys().map(<[String]>::to_vec).collect();
            let mut key_fields = Vec::new();
            for key in &keys {
                let node = slots.node(key);
                slots.fields[node].key = true;
                key_fields.push(node);
                for slot in &slots.fields[node].slots {
                    let slot = &slots.list[*slot];
                    if let Some(default) = slot.null.as_ref().or(slot.missing.as_ref()) {
                        let message = "`@null` and `@missing` are not valid on the `@key`: an id has no default";
                        self.error(Code::SchemaDefault, default.span, message);
                    }
                }
                if let Some(annotation) = self.annotation_named(&entity.annotations, "key", declared) {
                    self.key_is_read(&annotation, key, &slots);
                }
            }
            let parameters = if at == model.root { self.account_parameters(model, &mut slots) } else { Vec::new() };
            slots.fill_below();
            self.secrets(model, at, &mut slots);
            let ty = &mut model.types[at];
            (ty.parameters, ty.key_fields) = (parameters, key_fields);
            ty.attributes = attributes;
            ty.tags = tags;
            ty.slots = slots.list;
            ty.fields = slots.fields;
            for (object, annotation) in std::mem::take(&mut self.ignored) {
                let names = self.ignored_names(model, at, &object, &annotation);
                let fields = &mut model.types[at].fields;
                if let Some(field) = field_at(fields, &object) {
                    fields[field].ignored.extend(names);
                }
            }
        }
        self.lists_in_secrets(model);
    }

    /// Rejects a key that is an attribute without a value in the snapshot.
    fn key_is_read(&mut self, annotation: &Annotation, key: &[String], slots: &Slots) {
        let node = field_at(&slots.fields, key).and_then(|field| slots.fields.find(field));
        let (read, [name]) = (node.is_some_and(|node| !node.slots.is_empty()), key) else { return };
        let named = slots.list.iter().find(|slot| slot.origin.pointer().is_none() && slot.dotted() == *name);
        let Some(slot) = named.filter(|_| !read) else { return };
        let kind = if slot.origin == Origin::Derived { "@derived" } else { "@enclosing" };
        let span = slot.span;
        let message = format!("the key `{name}` is an attribute with `{kind}`, which is not in the snapshot");
        let error = Diagnostic::error(Code::SchemaAnnotation, message).label(self.source, annotation.span, "");
        let error = error.label(self.source, span, "this attribute");
        self.diagnostics.push(error.help("name a property of the snapshot that identifies an instance"));
    }

    /// Returns the names in an `@ignore`, which are separated by commas. Rejects names that the schema declares.
    fn ignored_names(&mut self, model: &Model, ty: TypeId, object: &[String], annotation: &Annotation) -> Vec<String> {
        let names: Vec<String> =
            annotation.value.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
        if names.is_empty() {
            let error = self.error(Code::SchemaAnnotation, annotation.span, "`@ignore` names no property");
            error.help = Some("list properties, such as @ignore(\"avatar_url, gravatar_id\")".into());
        }
        for name in &names {
            let known = |same: &dyn Fn(&str) -> bool| model.declared_properties(ty, object).find(|known| same(known));
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
            let error = self.error(Code::SchemaAnnotation, annotation.span, message);
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
            let annotations = self.annotations(&written.annotations, ON_ATTRIBUTE, span);
            let doc = annotations.get("doc").map(|doc| doc.value.clone());
            let (pointer, each) = match annotations.get("path") {
                Some(annotation) => self.place(model, annotation, &ty),
                None => (vec![name.to_string()], Vec::new()),
            };
            for unread in ["derived", "enclosing"].into_iter().filter(|unread| annotations.contains_key(unread)) {
                self.none_of(
                    &annotations,
                    &["path", "unknown", "absent", "past"],
                    &format!("an attribute with `@{unread}`"),
                );
            }
            let mut whole = inside.pointer.clone();
            whole.extend(pointer);
            if let (true, true, Some(annotation)) = (inside.is_group, whole.is_empty(), annotations.get("path")) {
                let message = "a group of properties is not one value";
                self.error(Code::SchemaPath, annotation.span, message).help =
                    Some("name a property of the group".into());
            }
            let mut path = inside.path.clone();
            path.push(name.clone());
            let secret = inside.secret || annotations.contains_key("secret");
            let words = self.words(model, &ty, written.required, &annotations);
            let slot = |ty: Ty, origin: Origin| Slot {
                path: path.clone(),
                ty,
                origin,
                required: written.required,
                within: inside.within,
                above: Vec::new(),
                null: None,
                missing: None,
                each: each.clone(),
                secret,
                past: false,
                words: words.clone(),
                span,
            };
            let shape = match (
                &ty,
                self.written.members(namespace, &written.ty),
                types.get_attr(name).map(|a| &*a.attr_type),
            ) {
                (Ty::Record(_), Some((namespace, record)), Some(Type::Record { attrs, .. })) => {
                    self.none_of(&annotations, &["as", "enclosing", "derived", "past"], "a record");
                    if let Some(annotation) = annotations.get("ignore") {
                        self.ignored.push((whole.clone(), annotation.clone()));
                    }
                    let presence = slots.add_presence(&whole, slot(ty.clone(), Origin::Presence(whole.clone())));
                    let inner =
                        Inside { pointer: whole, path: path.clone(), within: Some(presence), secret, is_group: false };
                    let members = self.members(model, slots, namespace, record, attrs, &inner);
                    self.defaults(model, slots, presence, Some(&members), &annotations);
                    Shape::Record(presence, members)
                }
                _ => {
                    self.none_of(&annotations, &["ignore"], "an attribute that is not a record");
                    self.plain_elements(namespace, &written.ty, false);
                    let origin = self.origin(&annotations, &ty, whole.clone(), model);
                    let past = annotations.get("past").is_some_and(|annotation| self.is_moment(model, &ty, annotation));
                    let leaf = slots.add(&whole, Slot { past, ..slot(ty.clone(), origin) });
                    self.defaults(model, slots, leaf, None, &annotations);
                    Shape::Leaf(leaf)
                }
            };
            attributes.push(Attribute { name: name.clone(), ty, required: written.required, doc, span, shape });
        }
        attributes
    }

    /// Returns whether `@past` is on a time. It has no meaning on other values.
    fn is_moment(&mut self, model: &Model, ty: &Ty, annotation: &Annotation) -> bool {
        let is_moment = *ty == Ty::Datetime;
        if !is_moment {
            let message = format!("`@past` needs a datetime, not {}", model.show(ty));
            self.error(Code::SchemaAnnotation, annotation.span, message).help = Some("remove `@past`".into());
        }
        is_moment
    }

    /// Reads the place of an attribute: the pointer to its value or, with `*`, to the outermost list, and then the pointer
    /// below the elements of each list.
    fn place(&mut self, model: &Model, annotation: &Annotation, ty: &Ty) -> (Vec<String>, Vec<Vec<String>>) {
        let steps: Vec<&str> = annotation.value.split('/').collect();
        let mut parts = steps.split(|step| *step == "*");
        let mut read = |part: &[&str]| {
            let part = Annotation { value: part.join("/").into(), ..annotation.clone() };
            self.relative(&part).unwrap_or_default()
        };
        let first = parts.next().map(&mut read).unwrap_or_default();
        let each: Vec<Vec<String>> = parts.map(read).collect();
        let wrong = match ty {
            _ if each.is_empty() => None,
            Ty::Set(_) if first.is_empty() => Some("`*` follows the name of a list, such as `plans/*/name`".to_owned()),
            Ty::Set(_) => None,
            _ => Some(format!("`*` reads a set, but the attribute is of type {}", model.show(ty))),
        };
        if let Some(message) = wrong {
            self.error(Code::SchemaPath, annotation.span, message);
            return (first, Vec::new());
        }
        (first, each)
    }

    /// Reads the meaning of an attribute that is `null` or missing; for a record, also that of its members.
    pub(super) fn defaults(
        &mut self,
        model: &Model,
        slots: &mut Slots,
        id: SlotId,
        members: Option<&[Attribute]>,
        annotations: &HashMap<&str, Annotation>,
    ) {
        let slot = &slots.list[id];
        let mut read = |name: &str| -> Option<DeclaredDefault> {
            let annotation = annotations.get(name)?;
            let Some(pointer) = slot.origin.pointer() else {
                let message = format!("`@{name}` is not valid on an attribute that is not read from the snapshot");
                self.error(Code::SchemaDefault, annotation.span, message);
                return None;
            };
            let fallback = match members {
                Some(members) => {
                    defaults::of_record(model, &slots.list, pointer, members, slot.required, &annotation.value)
                }
                None => defaults::of_leaf(model, &slot.ty, slot.required, &annotation.value),
            };
            match fallback {
                Ok(fallback) => Some(DeclaredDefault { fallback, span: annotation.span }),
                Err(help) => {
                    let message = format!("`{}` is not a default for `{}`", annotation.value, slot.dotted());
                    self.error(Code::SchemaDefault, annotation.span, message).help = Some(help);
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
        let slot = &mut slots.list[id];
        (slot.null, slot.missing) = (null, missing);
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
                    let annotations = self.annotations(&member.annotations, ON_ATTRIBUTE, span);
                    let mut written: Vec<_> =
                        annotations.iter().filter(|(annotation, _)| **annotation != "doc").collect();
                    written.sort_by_key(|(annotation, _)| **annotation);
                    for (annotation, at) in written {
                        let error = self.error(
                            Code::SchemaAnnotation,
                            at.span,
                            format!("`@{annotation}` has no meaning inside a set"),
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

    pub(super) fn origin(
        &mut self,
        annotations: &HashMap<&str, Annotation>,
        ty: &Ty,
        pointer: Vec<String>,
        model: &Model,
    ) -> Origin {
        let ways: Vec<&str> =
            ["as", "enclosing", "derived"].into_iter().filter(|name| annotations.contains_key(name)).collect();
        if let [first, second, ..] = ways[..]
            && let Some(annotation) = annotations.get(second)
        {
            let message = format!("`@{first}` and `@{second}` exclude each other");
            self.error(Code::SchemaAnnotation, annotation.span, message).help = Some("remove one of them".into());
        }
        if let Some(annotation) = annotations.get("derived") {
            let gathered = match ty {
                Ty::Bool | Ty::Long => true,
                Ty::Set(element) => matches!(**element, Ty::Entity(_)),
                _ => false,
            };
            if !gathered {
                let error = self.error(
                    Code::SchemaAnnotation,
                    annotation.span,
                    format!("an attribute of type {} cannot be derived", model.show(ty)),
                );
                error.help = Some(
                    "declare it as Bool (whether there is one), Long (how many) or a Set of an entity type (which)"
                        .into(),
                );
            }
            return Origin::Derived;
        }
        if let Some(annotation) = annotations.get("enclosing") {
            return match ty {
                Ty::Entity(enclosing) => Origin::Enclosing(*enclosing),
                _ => {
                    self.error(
                        Code::SchemaAnnotation,
                        annotation.span,
                        format!("`@enclosing` needs an entity type, not {}", model.show(ty)),
                    );
                    Origin::Derived
                }
            };
        }
        let chain = annotations.get("as").and_then(|annotation| self.chain(model, ty, annotation));
        Origin::Read(pointer, chain)
    }
}

/// The context of the members that are being read.
#[derive(Default, Clone)]
struct Inside {
    pointer: Vec<String>,
    path: Vec<SmolStr>,
    within: Option<SlotId>,
    secret: bool,
    /// Whether they are the attributes of a group of properties.
    is_group: bool,
}
