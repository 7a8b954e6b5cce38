//! Groups of properties of one object that are instances: `access_key_{1,2}_*` in the schema.
//!
//! A group is an instance if one of its properties has a known value. If the values of its properties leave that open, the
//! list of groups is partial.

use super::super::read::{Cell, Reading, duplicate_key};
use super::super::uncaptured::Statement;
use super::super::{Gap, RowStep, is_respelled, row_number};
use super::{Here, Result, Splitter};
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::{EntityType, FieldId, FieldNode, Lacking, PathId};
use crate::source::json::{Kind, Scanner, SyntaxError};
use crate::source::pointer::{Group, Groups};
use crate::source::{Span, misspelling};
use crate::value::{EntityRef, TypeId};

/// A property of the object that has the groups.
struct Property {
    name: String,
    key: Span,
    kind: Kind,
    value: Span,
}

/// The groups of one type in one object.
struct Object<'g> {
    ty: TypeId,
    declared: &'g EntityType,
    groups: &'g Groups,
    properties: Vec<Property>,
    /// Declared properties whose values have no effect.
    void: Vec<Void>,
}

/// A declared property of a group whose value has no effect.
struct Void {
    name: String,
    /// The place of the reason.
    span: Span,
    /// The error, unless the object states the property to be uncaptured.
    error: Option<Diagnostic>,
}

/// Whether a group is an instance.
#[derive(Default)]
struct Evidence {
    /// Whether a property has a known value.
    is_certain: bool,
    /// The first property that leaves it open, with its place.
    doubt: Option<(String, Span)>,
    diagnostics: Vec<Diagnostic>,
}

impl Evidence {
    fn doubt(&mut self, name: &str, span: Span) {
        self.doubt.get_or_insert_with(|| (name.to_owned(), span));
    }
}

impl Splitter<'_> {
    /// Records the groups of the type at a node in an object.
    pub(super) fn groups(
        &mut self,
        of: PathId,
        here: &Here,
        (span, statement): (Span, Option<&Statement>),
    ) -> Result<()> {
        let model = self.model;
        let Some(ty) = model.paths[of].ty else { return Ok(()) };
        let declared = model.ty(ty);
        let Some(groups) = declared.groups() else { return Ok(()) };
        let statement = statement.filter(|_| model.states_uncaptured(ty, &[]));
        let properties = self.properties_of(span);
        let mut object = Object { ty, declared, groups, properties, void: Vec::new() };
        object.void = self.void(&object, statement);
        let mut found: Vec<Evidence> = groups.list.iter().map(|_| Evidence::default()).collect();
        let is_given = self.evidence(of, here, &object, &mut found);
        let is_wrong = statement.is_some_and(Statement::is_wrong);
        if !is_given && !is_wrong && !declared.list_defaults.missing_is_empty {
            let name = object.expected();
            let inner = Here { scope: here.scope, pointer: here.pointer.join([&name]) };
            self.lost(of, &inner, span, &name, Gap::Uncaptured);
        }
        for (at, mut evidence) in found.into_iter().enumerate() {
            if is_wrong {
                evidence.doubt(&object.expected(), span);
            }
            if evidence.is_certain {
                // The decoder reports the problems of the values.
                let row = self.push(ty, here.scope.row, RowStep::Group(row_number(at)), span.start)?;
                self.close(EntityRef { ty, row }, span.end);
            } else if let Some((name, span)) = evidence.doubt {
                self.diagnostics.extend(evidence.diagnostics);
                let inner = Here { scope: here.scope, pointer: here.pointer.join([&name]) };
                self.lost(of, &inner, span, "", Gap::Partial);
            }
        }
        Ok(())
    }

    /// Gathers the properties of an object that show whether its groups are instances. Returns whether there are any.
    fn evidence(&mut self, of: PathId, here: &Here, object: &Object<'_>, found: &mut [Evidence]) -> bool {
        let mut is_given = false;
        for void in &object.void {
            if let Some(evidence) = object.groups.group_of(&void.name).and_then(|group| found.get_mut(group)) {
                is_given = true;
                evidence.doubt(&void.name, void.span);
                evidence.diagnostics.extend(void.error.clone());
            }
        }
        for property in &object.properties {
            let group = object.groups.group_of(&property.name);
            match group.and_then(|group| Some((object.groups.list.get(group)?, found.get_mut(group)?))) {
                Some((group, evidence)) => {
                    is_given = true;
                    if !object.void.iter().any(|void| void.name == property.name) {
                        self.read_property(object, group, property, evidence);
                    }
                }
                None if self.is_known(object, &property.name) => {}
                None => {
                    match object.meant(&property.name).and_then(|(group, name)| Some((found.get_mut(group)?, name))) {
                        Some((evidence, name)) => {
                            is_given = true;
                            evidence.doubt(&property.name, property.key);
                            evidence.diagnostics.extend(self.misspelt(object, property, &name));
                        }
                        None if property.kind != Kind::Null => self.further_group(of, here, object, property),
                        None => {}
                    }
                }
            }
        }
        is_given
    }

    /// Returns the declared properties of groups that the object states to be uncaptured, and those that are given twice or
    /// in two spellings.
    fn void(&self, object: &Object<'_>, statement: Option<&Statement>) -> Vec<Void> {
        let mut found = Vec::new();
        let known: Vec<&str> = self.model.known_properties(object.ty, &[]).collect();
        for group in &object.groups.list {
            let names: Vec<String> = object.declared.properties_in(group).map(|(name, _)| name).collect();
            for (at, span) in statement.map_or(Vec::new(), |statement| {
                statement.named(names.iter().map(String::as_str), known.iter().copied())
            }) {
                found.extend(names.get(at).map(|name| Void { name: name.clone(), span, error: None }));
            }
            let labels = statement.into_iter().flat_map(|statement| &statement.names);
            for (_, span) in labels.filter(|(name, _)| *name == group.label) {
                found.extend(names.iter().map(|name| Void { name: name.clone(), span: *span, error: None }));
            }
            for name in &names {
                let same = |property: &&Property| property.name == *name || is_respelled(name, &property.name);
                let mut all = object.properties.iter().filter(same);
                if let (Some(first), Some(again)) = (all.next(), all.next()) {
                    let error = self.twice(first, again);
                    found.push(Void { name: name.clone(), span: again.key, error: Some(error) });
                }
            }
        }
        found
    }

    fn twice(&self, first: &Property, again: &Property) -> Diagnostic {
        if first.name == again.name {
            return duplicate_key(self.source, &first.name, first.key, again.key);
        }
        let message = format!("properties `{}` and `{}` differ only in case or separators", first.name, again.name);
        let error = Diagnostic::error(Code::SnapshotDuplicateKey, message).label(self.source, again.key, "this one");
        error.label(self.source, first.key, "and this one").help("remove one of the two")
    }

    /// Returns the warning for a misspelling of a property that the object lacks.
    fn misspelt(&self, object: &Object<'_>, property: &Property, name: &str) -> Option<Diagnostic> {
        if object.properties.iter().any(|property| property.name == name) {
            return None;
        }
        let message = format!("unknown property `{}`, and the object has no `{name}`", property.name);
        let warning = Diagnostic::warning(Code::SnapshotProperty, message);
        Some(warning.label(self.source, property.key, "not declared").help(format!("did you mean `{name}`?")))
    }

    /// Reads a property of a group.
    fn read_property(&self, object: &Object<'_>, group: &Group, property: &Property, evidence: &mut Evidence) {
        let declared = object.declared;
        let Some((node, part)) = declared.fields.first().zip(group.part(&property.name)) else { return };
        let field = node.children.iter().find(|(name, _)| name == part);
        let Some(field) = field.and_then(|(_, field)| declared.fields.find(*field)) else {
            let is_ignored = node.ignored.iter().any(|ignored| ignored == part);
            if !is_ignored && property.kind != Kind::Null {
                evidence.doubt(&property.name, property.value);
                let meant = object.meant(&property.name);
                evidence.diagnostics.extend(meant.and_then(|(_, name)| self.misspelt(object, property, &name)));
            }
            return;
        };
        if property.kind == Kind::Null && declared.list_defaults.null_is_empty {
            return;
        }
        let is_known = self.is_value(declared, field, property, &mut evidence.diagnostics);
        match is_known {
            Some(true) => evidence.is_certain = true,
            Some(false) => {}
            None => evidence.doubt(&property.name, property.value),
        }
    }

    /// Returns whether a property has a value, or is absent; `None` if that is not known.
    fn is_value(
        &self,
        declared: &EntityType,
        field: &FieldNode,
        property: &Property,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<bool> {
        let mut reading = Reading::new(self.source, self.model);
        let (kind, span) = (property.kind, property.value);
        let mut states = Vec::new();
        for (id, slot) in field.slots.iter().filter_map(|id| Some((*id, declared.slots.find(*id)?))) {
            states.push(match reading.slot(id, slot, kind, span) {
                Cell::Absent => Some(false),
                Cell::Uncaptured | Cell::Unreadable => None,
                _ => Some(true),
            });
        }
        for slot in field.presence.iter().filter_map(|id| declared.slots.find(*id)) {
            states.push(match (kind, reading.meaning(&slot.words, kind, span)) {
                (Kind::Object, _) => Some(true),
                (Kind::Null, _) => match reading.default(slot, slot.null.as_ref()) {
                    Cell::Absent => Some(false),
                    Cell::Uncaptured => None,
                    _ => Some(true),
                },
                (_, Some(Lacking::Absent)) => Some(false),
                _ => None,
            });
        }
        diagnostics.append(&mut reading.diagnostics);
        if states.is_empty() {
            let is_declared = |name: &str| field.children.iter().any(|(child, _)| child == name);
            return match kind {
                Kind::Null => Some(false),
                Kind::Object => self.properties_of(span).iter().any(|inner| is_declared(&inner.name)).then_some(true),
                Kind::String | Kind::Number | Kind::Bool if field.key => Some(true),
                _ => None,
            };
        }
        let is_absent = states.iter().all(|state| *state == Some(false));
        if is_absent { Some(false) } else { states.contains(&Some(true)).then_some(true) }
    }

    /// Returns whether a property of the object is one of the instance around the groups, or of groups of another type.
    fn is_known(&self, object: &Object<'_>, name: &str) -> bool {
        let model = self.model;
        let Some(parent) = object.declared.parent else { return false };
        let way = model.way_to_groups(object.ty);
        let others = model.type_ids().filter(|other| {
            *other != object.ty && model.ty(*other).parent == Some(parent) && model.way_to_groups(*other) == way
        });
        model.declared_properties(parent, &way).any(|known| known == name)
            || others.filter_map(|ty| model.ty(ty).groups()).any(|groups| groups.group_of(name).is_some())
    }

    /// Records a property of a group that the schema does not have. The number or word of the group is reported once.
    fn further_group(&mut self, of: PathId, here: &Here, object: &Object<'_>, property: &Property) {
        let fields = object.declared.fields.first().into_iter().flat_map(|node| &node.children);
        let names: Vec<&str> = fields.map(|(name, _)| name.as_str()).collect();
        let Some(word) = object.groups.other_word(&property.name, &names) else { return };
        let inner = Here { scope: here.scope, pointer: here.pointer.join([&property.name]) };
        self.lost(of, &inner, property.value, "", Gap::Partial);
        if self.unjudged.insert((Some(of), word.to_owned())) {
            let ty = self.model.short_name(object.ty);
            let message = format!("`{}` is in a group of properties that is not a declared {ty}", property.name);
            let warning = Diagnostic::warning(Code::SnapshotProperty, message);
            let warning = warning.label(self.source, property.key, "no instance reads it");
            let around = object.declared.parent.map_or("the type around it", |parent| self.model.short_name(parent));
            let help = format!(
                "add `{word}` to the braces in the `@path` of {ty}, or the property to the `@ignore` of {around}"
            );
            self.diagnostics.push(warning.help(help));
        }
    }

    fn properties_of(&self, object: Span) -> Vec<Property> {
        let mut properties = Vec::new();
        #[expect(clippy::let_underscore_must_use, reason = "these bytes have been scanned before")]
        let _ = Scanner::at(self.source.text(), object.start).object(|scanner, key| {
            let (kind, _) = scanner.peek()?;
            let value = scanner.skip()?;
            properties.push(Property { name: key.text().into_owned(), key: key.span, kind, value });
            Ok::<_, SyntaxError>(())
        });
        properties
    }
}

impl Object<'_> {
    /// Returns the property that an undeclared name is a misspelling of, with its group.
    fn meant(&self, name: &str) -> Option<(usize, String)> {
        let list = self.groups.list.iter();
        let names: Vec<String> =
            list.flat_map(|group| self.declared.properties_in(group)).map(|(name, _)| name).collect();
        let meant = misspelling(name, names.iter().map(String::as_str))?;
        Some((self.groups.group_of(meant)?, meant.to_owned()))
    }

    /// Returns the name of a property that an object with a group has.
    fn expected(&self) -> String {
        let is_required = |(_, field): &(String, FieldId)| {
            let slots = self.declared.fields.find(*field).into_iter().flat_map(|field| &field.slots);
            slots.filter_map(|slot| self.declared.slots.find(*slot)).any(|slot| slot.required)
        };
        let first = self.groups.list.first();
        let all: Vec<(String, FieldId)> =
            first.into_iter().flat_map(|group| self.declared.properties_in(group)).collect();
        let name = all.iter().find(|property| is_required(property)).or(all.first());
        name.map_or_else(|| self.groups.with("*"), |(name, _)| name.clone())
    }
}
