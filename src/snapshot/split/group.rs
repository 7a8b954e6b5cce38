//! Groups of properties of one object that are instances: `access_key_{1,2}_*` in the schema.
//!
//! A group is an instance if one of its properties has a known value. If the values of its properties leave that open, the
//! list of groups is partial.

use super::super::api_error;
use super::super::groups::GroupPlan;
use super::super::plan::SlotUse;
use super::super::read::{Cell, Reading, repeated};
use super::super::uncaptured::Statement;
use super::super::{Gap, RowStep, row_number};
use super::{Here, Result, Splitter};
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::{EntityType, FieldId, FieldNode, Lacking, PathId, Slot};
use crate::source::Span;
use crate::source::json::{Kind, Scanned, Scanner, SyntaxError};
use crate::source::pointer::{Group, Groups};
use crate::value::{EntityRef, TypeId};
use std::collections::{HashMap, HashSet};

/// A property of the object that has the groups.
struct Property {
    name: String,
    key: Span,
    kind: Kind,
    value: Span,
    escaped: bool,
}

/// The groups of one type in one object.
struct Object<'g> {
    /// The node of the type.
    of: PathId,
    ty: TypeId,
    declared: &'g EntityType,
    groups: &'g Groups,
    plan: &'g GroupPlan,
    properties: Vec<Property>,
    /// Their names.
    names: HashSet<String>,
    /// Declared properties whose values have no effect.
    void: Vec<Void>,
    /// Whether the object has an error, so that `null` is not a value.
    has_error: bool,
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
    /// Whether the group has a declared property.
    is_given: bool,
    diagnostics: Vec<Diagnostic>,
}

impl Evidence {
    fn doubt(&mut self, name: &str, span: Span) {
        self.doubt.get_or_insert_with(|| (name.to_owned(), span));
    }
}

impl Splitter<'_> {
    /// Records the groups of the type at a node in an object. With `error`, the groups that it lacks are not known to be missing: it is
    /// the property of an error of the object, or the object itself if it is `{}` as an element of a list.
    pub(super) fn groups(
        &mut self,
        of: PathId,
        here: &Here,
        span: Span,
        statement: Option<&Statement>,
        error: Option<Span>,
    ) -> Result<()> {
        let model = self.model;
        let Some(ty) = model.paths[of].ty else { return Ok(()) };
        let declared = model.ty(ty);
        let Some(groups) = declared.groups() else { return Ok(()) };
        let plan = self.plan.groups(model, of, ty);
        let statement = statement.filter(|_| plan.states_uncaptured);
        let properties = self.properties_of(span);
        let names = properties.iter().map(|property| property.name.clone()).collect();
        let mut object =
            Object { of, ty, declared, groups, plan, properties, names, void: Vec::new(), has_error: error.is_some() };
        object.void = self.void(&object, statement);
        let mut found: Vec<Evidence> = groups.list.iter().map(|_| Evidence::default()).collect();
        let is_given = self.evidence(here, &object, &mut found);
        for (name, span) in statement.iter().flat_map(|statement| &statement.names) {
            if !object.plan.known.contains(name) {
                let stranger = object.plan.stranger(object.declared, name);
                stranger.further.iter().for_each(|word| self.further_group(here, &object, (name, *span), word));
            }
        }
        let is_wrong = statement.is_some_and(Statement::is_wrong);
        object.lacks(&mut found, span);
        if let Some(error) = error.filter(|_| is_given) {
            self.unseen(&object, &mut found, error);
        }
        if !is_given && !is_wrong && (error.is_some() || !declared.list_defaults.missing_is_empty) {
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

    /// Records that an object with groups and an error may have what it lacks of them.
    fn unseen(&mut self, object: &Object<'_>, found: &mut [Evidence], error: Span) {
        let mut is_any = false;
        for (names, evidence) in object.plan.names.iter().zip(found) {
            if let Some(name) = names.iter().find(|name| !object.names.contains(*name)) {
                is_any = true;
                evidence.doubt(name, error);
            }
        }
        if is_any {
            self.diagnostics.push(api_error::warning(self.source, error));
        }
    }

    /// Gathers the properties of an object that show whether its groups are instances. Returns whether there are any.
    fn evidence(&mut self, here: &Here, object: &Object<'_>, found: &mut [Evidence]) -> bool {
        let mut is_given = false;
        let void_names: HashSet<&str> = object.void.iter().map(|void| void.name.as_str()).collect();
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
                    if !void_names.contains(property.name.as_str()) {
                        self.read_property(here, object, (group, property), evidence);
                    }
                }
                None if object.plan.is_elsewhere(&property.name) || api_error::is_of_error(&property.name) => {}
                None => {
                    let stranger = object.plan.stranger(object.declared, &property.name);
                    let meant = stranger.meant.as_ref();
                    match meant.and_then(|(group, name)| Some((found.get_mut(*group)?, name))) {
                        Some((evidence, name)) => {
                            is_given = true;
                            evidence.doubt(&property.name, property.key);
                            evidence.diagnostics.extend(self.misspelt(object, property, name));
                        }
                        None if property.kind == Kind::Null => {}
                        None => {
                            if let Some(evidence) = stranger.label.and_then(|group| found.get_mut(group)) {
                                is_given = true;
                                evidence.doubt(&property.name, property.key);
                                evidence.diagnostics.extend(self.whole(object, stranger.label, property));
                            }
                            let at = (property.name.as_str(), property.key);
                            stranger.further.iter().for_each(|word| self.further_group(here, object, at, word));
                        }
                    }
                }
            }
        }
        is_given
    }

    /// Returns the declared properties of groups that the object states to be uncaptured, and those that are given twice or
    /// in two spellings.
    fn void(&mut self, object: &Object<'_>, statement: Option<&Statement>) -> Vec<Void> {
        let (mut found, plan) = (Vec::new(), object.plan);
        if let Some(statement) = statement {
            let stated = |name: &String, span| Void { name: name.clone(), span, error: None };
            for (group, names) in object.groups.list.iter().zip(&plan.names) {
                let known = plan.known.iter().map(String::as_str);
                let named = statement.named(names.iter().map(String::as_str), known, std::iter::once(group));
                found.extend(named.into_iter().filter_map(|(at, span)| Some(stated(names.get(at)?, span))));
            }
        }
        let mut seen: HashMap<&str, &Property> = HashMap::new();
        for property in &object.properties {
            let name = property.name.as_str();
            if plan.group_of.contains_key(name)
                && let Some(first) = seen.insert(name, property)
            {
                let error = Some(self.twice(first, property));
                found.push(Void { name: name.to_owned(), span: property.key, error });
            }
        }
        let is_stranger =
            |property: &&Property| !plan.group_of.contains_key(&property.name) && !plan.is_elsewhere(&property.name);
        for property in object.properties.iter().filter(is_stranger) {
            let stranger = object.plan.stranger(object.declared, &property.name);
            let nested = stranger.label.filter(|_| matches!(property.kind, Kind::Object | Kind::Array));
            if let Some((group, names)) = nested.and_then(|at| Some((object.groups.list.get(at)?, plan.names.get(at)?)))
            {
                let mut error = Some(self.nested(object, group, property));
                let void = |name: &String| Void { name: name.clone(), span: property.key, error: error.take() };
                found.extend(names.iter().map(void));
            }
            if let Some(first) = stranger.respells.iter().find_map(|name| seen.get(name.as_str())) {
                let (name, error) = (first.name.clone(), Some(self.twice(first, property)));
                found.push(Void { name, span: property.key, error });
            }
        }
        found
    }

    /// Returns the error for an object in the place of a group.
    fn nested(&self, object: &Object<'_>, group: &Group, property: &Property) -> Diagnostic {
        let ty = self.model.short_name(object.ty);
        let (name, kind) = (&property.name, property.kind.described());
        let message =
            format!("`{name}` is {kind}, and {ty} is read from properties such as `{}`", object.in_group(group));
        let error = Diagnostic::error(Code::SnapshotType, message).label(self.source, property.key, "not read");
        error.help(format!("write `{}` in place of properties in `{name}`", group.name("*")))
    }

    /// Returns the warning for a value with the name of a group.
    fn whole(&self, object: &Object<'_>, group: Option<usize>, property: &Property) -> Option<Diagnostic> {
        let name = object.in_group(object.groups.list.get(group?)?);
        let message = format!("`{}` has the name of a group of properties without a value", property.name);
        let warning = Diagnostic::warning(Code::SnapshotProperty, message);
        let warning = warning.label(self.source, property.key, "no instance reads it");
        let around = object.declared.parent.map_or("the type around it", |parent| self.model.short_name(parent));
        Some(warning.help(format!("did you mean `{name}`? Otherwise add it to the `@ignore` of {around}")))
    }

    fn twice(&self, first: &Property, again: &Property) -> Diagnostic {
        repeated(self.source, (&first.name, first.key), (&again.name, again.key))
    }

    /// Returns the warning for a misspelling of a property that the object lacks.
    fn misspelt(&self, object: &Object<'_>, property: &Property, name: &str) -> Option<Diagnostic> {
        if object.names.contains(name) {
            return None;
        }
        let message = format!("unknown property `{}`, and the object has no `{name}`", property.name);
        let warning = Diagnostic::warning(Code::SnapshotProperty, message);
        Some(warning.label(self.source, property.key, "not declared").help(format!("did you mean `{name}`?")))
    }

    /// Reads a property of a group.
    fn read_property(
        &mut self,
        here: &Here,
        object: &Object<'_>,
        (group, property): (&Group, &Property),
        evidence: &mut Evidence,
    ) {
        let declared = object.declared;
        let Some((node, part)) = declared.fields.first().zip(group.part(&property.name)) else { return };
        let field = node.children.iter().find(|(name, _)| name == part);
        let Some(field) = field.and_then(|(_, field)| declared.fields.find(*field)) else {
            let is_ignored = node.ignored.iter().any(|ignored| ignored == part);
            if !is_ignored && property.kind != Kind::Null {
                evidence.doubt(&property.name, property.value);
                let stranger = object.plan.stranger(object.declared, &property.name);
                let meant = stranger.meant.as_ref();
                evidence.diagnostics.extend(meant.and_then(|(_, name)| self.misspelt(object, property, name)));
                let at = (property.name.as_str(), property.key);
                stranger.further.iter().for_each(|word| self.further_group(here, object, at, word));
            }
            return;
        };
        if property.kind == Kind::Null && object.has_error {
            return evidence.doubt(&property.name, property.value);
        }
        if property.kind == Kind::Null && declared.list_defaults.null_is_empty {
            return;
        }
        evidence.is_given = true;
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
        let value = Scanned { kind, span, escaped: property.escaped };
        let mut states = Vec::new();
        for (id, slot) in field.slots.iter().filter_map(|id| Some((*id, declared.slots.find(*id)?))) {
            states.push(match reading.slot(id, slot, SlotUse::Checked, value) {
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
        if states.is_empty() && kind == Kind::Null {
            let below = field.below.iter().filter_map(|id| declared.slots.find(*id));
            let is_absent = |slot: &Slot| matches!(reading.default(slot, slot.null.as_ref()), Cell::Absent);
            return below.into_iter().all(is_absent).then_some(false);
        }
        if states.is_empty() {
            let is_declared = |name: &str| field.children.iter().any(|(child, _)| child == name);
            return match kind {
                Kind::Object => self.properties_of(span).iter().any(|inner| is_declared(&inner.name)).then_some(true),
                Kind::String | Kind::Number | Kind::Bool if field.key => Some(true),
                _ => None,
            };
        }
        let is_absent = states.iter().all(|state| *state == Some(false));
        if is_absent { Some(false) } else { states.contains(&Some(true)).then_some(true) }
    }

    /// Records a property of a group that the schema does not have. The number or word of the group is reported once.
    fn further_group(&mut self, here: &Here, object: &Object<'_>, (name, span): (&str, Span), word: &str) {
        let inner = Here { scope: here.scope, pointer: here.pointer.join([name]) };
        self.lost(object.of, &inner, span, "", Gap::Partial);
        if self.unjudged.insert((Some(object.of), word.to_owned())) {
            let ty = self.model.short_name(object.ty);
            let message = format!("`{name}` is in a group of properties that is not a declared {ty}");
            let warning = Diagnostic::warning(Code::SnapshotProperty, message);
            let warning = warning.label(self.source, span, "no instance reads it");
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
            let Scanned { kind, span, escaped } = scanner.value()?;
            properties.push(Property { name: key.text().into_owned(), key: key.span, kind, value: span, escaped });
            Ok::<_, SyntaxError>(())
        });
        properties
    }
}

impl Object<'_> {
    /// Records the groups that have a property and lack one that an instance must have.
    fn lacks(&self, found: &mut [Evidence], span: Span) {
        let is_required = |field: FieldId| {
            let slots = self.declared.fields.find(field).into_iter().flat_map(|field| &field.slots);
            let mut slots = slots.filter_map(|slot| self.declared.slots.find(*slot));
            slots.any(|slot| slot.required && slot.missing.is_none())
        };
        for (group, evidence) in self.groups.list.iter().zip(found).filter(|(_, evidence)| evidence.is_given) {
            let mut required = self.declared.properties_in(group).filter(|(_, field)| is_required(*field));
            let has = |name: &str| self.names.contains(name);
            if let Some((name, _)) = required.find(|(name, _)| !has(name)) {
                evidence.doubt(&name, span);
            }
        }
    }

    /// Returns the name of a property of a group.
    fn in_group(&self, group: &Group) -> String {
        let name = self.declared.properties_in(group).next().map(|(name, _)| name);
        name.unwrap_or_else(|| group.name("*"))
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
