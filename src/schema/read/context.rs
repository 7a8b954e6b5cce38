//! The actions, their context, and the parameters.

use super::SchemaReader;
use super::annotations::{Annotation, ON_OTHER, ON_PARAMETER};
use crate::diagnostic::Code;
use crate::schema::layout::{self, Slots};
use crate::schema::literal::parse_value;
use crate::schema::model::*;
use crate::source::Span;
use crate::value::{EntityRef, TypeId};
use cedar_policy_core::ast;
use cedar_policy_core::validator::types::{Attributes, Type};
use cedar_policy_core::validator::{RawName, json_schema};
use smol_str::{SmolStr, ToSmolStr};
use std::collections::HashMap;

impl<'f> SchemaReader<'_, 'f> {
    pub(super) fn actions(&mut self, model: &mut Model) {
        let find = |reader: &mut Self, eid: &str| {
            let mut found =
                reader.validator.action_ids().filter(|action| AsRef::<str>::as_ref(action.name().eid()) == eid);
            let first = found.next()?;
            if let Some(second) = found.next() {
                let message = format!("two actions have the name `{eid}`: `{}` and `{}`", first.name(), second.name());
                reader.error(Code::SchemaAction, Span::default(), message);
            }
            let EntityRef { ty, row: choice } = model.choice(first.name())?;
            let ids = |types: Vec<&ast::EntityType>| {
                let mut ids: Vec<TypeId> =
                    types.into_iter().filter_map(|ty| model.type_named(&ty.to_smolstr())).collect();
                ids.sort();
                ids
            };
            let principals = ids(first.applies_to_principals().collect());
            let resources = ids(first.applies_to_resources().collect());
            Some(ActionRef { ty, choice, name: first.name().to_smolstr(), principals, resources })
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
            self.annotations(&member.annotations, ON_OTHER, span);
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

    /// Adds a slot of the root for each parameter with a `@path`: the value that the account sets.
    pub(super) fn account_parameters(&mut self, model: &Model, slots: &mut Slots) -> Vec<AccountParameter> {
        let Some((record, types)) = ["audit", "derive"].into_iter().find_map(|eid| self.written_parameters(eid)) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for (name, written) in &record.attributes {
            let span = self.declaration(written.ty.loc(), name);
            let Some(place) = self.annotation_named(&written.annotations, "path", span) else { continue };
            let attribute = types.get_attr(name);
            let Some(ty) = attribute.and_then(|attribute| layout::ty(model, &attribute.attr_type)) else { continue };
            let Some(steps) = place.value.strip_prefix('/') else {
                let message = format!("`{}` does not start with `/`", place.value);
                let error = self.error(Code::SchemaPath, place.span, message);
                error.help = Some("write the place in the document, such as @path(\"/settings/max_age\")".into());
                continue;
            };
            let Some(pointer) = self.relative(&Annotation { value: steps.into(), ..place.clone() }) else { continue };
            let read = ["as", "null", "missing", "unknown", "absent"];
            let read = read
                .into_iter()
                .filter_map(|name| Some((name, self.annotation_named(&written.annotations, name, span)?)));
            let annotations: HashMap<&str, Annotation> = read.collect();
            let slot = Slot {
                path: vec!["parameters".into(), name.clone()],
                origin: self.origin(&annotations, &ty, pointer.clone(), model),
                words: self.words(model, &ty, false, &annotations),
                ty,
                required: false,
                within: None,
                above: Vec::new(),
                null: None,
                missing: None,
                each: Vec::new(),
                secret: false,
                past: false,
                span,
            };
            let slot = slots.add(&pointer, slot);
            self.defaults(model, slots, slot, None, &annotations);
            // `null` may be any setting, unlike that of an optional attribute.
            slots.list[slot].null.get_or_insert(DeclaredDefault { fallback: Fallback::Unknown, span: place.span });
            let doc = self.annotation_named(&written.annotations, "doc", span).map(|doc| doc.value);
            found.push(AccountParameter { name: name.clone(), slot, doc });
        }
        found
    }

    /// Returns the parameters in the context of an action, as they are written and as Cedar reads them.
    fn written_parameters(&self, eid: &str) -> Option<(&'f json_schema::RecordType<RawName>, Attributes)> {
        let mut actions = self.written.actions.iter();
        let (namespace, _, written) = actions.find(|(_, name, _)| **name == eid)?;
        let (namespace, record) = self.written.members(*namespace, &written.applies_to.as_ref()?.context.0)?;
        let mut actions = self.validator.action_ids();
        let action = actions.find(|action| AsRef::<str>::as_ref(action.name().eid()) == eid)?;
        let Some(Type::Record { attrs, .. }) = action.context() else { return None };
        let (_, record) = self.written.members(namespace, &record.attributes.get("parameters")?.ty)?;
        match &*attrs.get_attr("parameters")?.attr_type {
            Type::Record { attrs, .. } => Some((record, attrs.clone())),
            _ => None,
        }
    }

    /// Rejects the annotations of a parameter that do not fit its `@path`, and returns its slot.
    fn account_slot(
        &mut self,
        model: &Model,
        (name, ty): (&SmolStr, &Ty),
        annotations: &HashMap<&str, Annotation>,
        span: Span,
    ) -> Option<SlotId> {
        let root = model.ty(model.root);
        let Some(found) = root.parameters.iter().find(|parameter| parameter.name == *name) else {
            if !annotations.contains_key("path") {
                self.none_of(
                    annotations,
                    &["as", "null", "missing", "unknown", "absent"],
                    "a parameter without `@path`",
                );
            }
            return None;
        };
        let has_entity = match ty {
            Ty::Set(element) => matches!(**element, Ty::Entity(_) | Ty::Record(_) | Ty::Set(_)),
            _ => false,
        };
        let place = annotations.get("path").map_or(span, |annotation| annotation.span);
        if has_entity {
            let message = format!("a parameter of type {} cannot have a `@path`", model.show(ty));
            self.error(Code::SchemaParameter, place, message).help = Some("remove the `@path`".into());
        }
        if root.slots.find(found.slot).is_some_and(|slot| slot.secret) {
            let message = format!("the parameter `{name}` is secret, and findings show its value");
            self.error(Code::SchemaSecret, place, message).help = Some("remove the `@path` or the `@secret`".into());
        }
        Some(found.slot)
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
            let annotations = self.annotations(&written.annotations, ON_PARAMETER, span);
            if matches!(ty, Ty::Record(_) | Ty::Entity(_)) {
                self.error(Code::SchemaParameter, span, format!("a parameter cannot be of type {}", model.show(&ty)));
                continue;
            }
            let default = annotations.get("default").and_then(|annotation| match parse_value(&ty, &annotation.value) {
                Ok(value) => Some(value),
                Err(message) => {
                    self.error(
                        Code::SchemaParameter,
                        annotation.span,
                        format!("`{}` is not a value of type {}: {message}", annotation.value, model.show(&ty)),
                    );
                    None
                }
            });
            let doc = annotations.get("doc").map(|doc| doc.value.clone());
            let slot = self.account_slot(model, (name, &ty), &annotations, span);
            let required = written.required;
            parameters.push(Parameter { name: name.clone(), ty, required, default, slot, doc, span });
        }
        parameters
    }
}
