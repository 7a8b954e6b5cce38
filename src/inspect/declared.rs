//! The places that a schema reads, as a tree.

use crate::catalogue;
use crate::pack::Pack;
use crate::schema::{EntityType, FieldId, Model, Origin, SlotId, Ty};
use crate::snapshot::partial::PARTIAL;
use crate::snapshot::uncaptured::UNCAPTURED;
use crate::source::pointer::{Group, Pattern, Step};
use crate::value::TypeId;
use std::collections::{BTreeMap, BTreeSet};

/// The places that a schema reads.
#[derive(Debug, Default)]
pub(super) struct Declared {
    root: Node,
    /// The checks that read an attribute.
    checks: BTreeMap<(TypeId, SlotId), BTreeSet<String>>,
    /// The checks that judge or count the instances of a type.
    checks_of_type: BTreeMap<TypeId, BTreeSet<String>>,
}

/// A place.
#[derive(Debug, Default)]
pub(super) struct Node {
    /// The places below.
    pub below: BTreeMap<Step, Node>,
    /// The attributes that are read here.
    pub slots: Vec<(TypeId, SlotId)>,
    /// The types whose instances are here.
    pub types: Vec<TypeId>,
    /// Whether the whole value is read here, with everything in it.
    pub is_whole: bool,
    /// Whether the value is secret.
    pub is_secret: bool,
    /// Properties that `@ignore` names.
    pub ignored: Vec<String>,
}

impl Declared {
    /// Returns the places that the schema of a pack reads, with the checks of the pack.
    pub(super) fn of(pack: &Pack) -> Self {
        let model = pack.model();
        let mut declared = Self::default();
        for (id, ty) in model.types.entries() {
            if let Some(path) = ty.path() {
                let object = if ty.groups().is_some() {
                    path.0.split_last().map_or(&[][..], |(_, object)| object)
                } else {
                    &path.0
                };
                declared.root.insert(object).types.push(id);
                declared.entity(model, id, ty, path);
            }
        }
        for check in &pack.policies().checks {
            let about = catalogue::about(pack, check);
            let name = check.statement.id.to_string();
            for (ty, slots) in &about.reads {
                declared.checks_of_type.entry(*ty).or_default().insert(name.clone());
                for slot in slots {
                    declared.checks.entry((*ty, *slot)).or_default().insert(name.clone());
                }
            }
        }
        for lowered in &pack.program().checks {
            let Some(check) = pack.policies().checks.find(lowered.check) else { continue };
            for body in &lowered.bodies {
                declared.checks_of_type.entry(body.resource).or_default().insert(check.statement.id.to_string());
            }
        }
        declared
    }

    fn entity(&mut self, model: &Model, id: TypeId, ty: &EntityType, path: &Pattern) {
        for (slot, declared) in ty.slots.entries() {
            let Some(pointer) = declared.origin.pointer() else { continue };
            for place in places(ty, path, pointer) {
                let node = self.root.insert(&place);
                node.slots.push((id, slot));
                node.is_secret |= declared.secret;
                node.is_whole |= match &declared.origin {
                    Origin::Read(_, Some(_)) | Origin::Tags(_) => true,
                    Origin::Read(_, None) => matches!(declared.ty, Ty::Set(_) | Ty::Record(_)),
                    _ => false,
                };
            }
        }
        for key in ty.keys().chain(ty.only.iter().map(|only| &only.property[..])) {
            for place in places(ty, path, key) {
                self.root.insert(&place);
            }
        }
        let around = ty.parent.and_then(|parent| model.ty(parent).path());
        if let Some(around) = around {
            for pointer in ty.total.iter().chain(&ty.more) {
                self.root.insert(&steps(around, pointer));
            }
        }
        match (ty.groups(), path.0.split_last(), ty.fields.first()) {
            (Some(groups), Some((_, object)), Some(node)) => {
                let names = groups.list.iter().flat_map(|group| node.ignored.iter().map(|ignored| group.name(ignored)));
                self.root.insert(object).ignored.extend(names);
            }
            _ => self.ignored(ty, FieldId::default(), &mut path.0.clone()),
        }
    }

    fn ignored(&mut self, ty: &EntityType, field: FieldId, at: &mut Vec<Step>) {
        let Some(node) = ty.fields.find(field) else { return };
        if !node.ignored.is_empty() {
            self.root.insert(at).ignored.extend(node.ignored.iter().cloned());
        }
        for (name, child) in &node.children {
            at.push(Step::Property(name.clone()));
            self.ignored(ty, *child, at);
            at.pop();
        }
    }

    /// Returns the document.
    pub(super) fn root(&self) -> &Node {
        &self.root
    }

    /// Returns whether the schema has a property `uncaptured`, which is then not a statement of the snapshot.
    pub(super) fn has_uncaptured(&self) -> bool {
        self.root.has_uncaptured()
    }

    /// Returns whether the schema has a map at a place; `None` if it declares nothing there.
    pub(super) fn is_map(&self, at: &Pattern) -> Option<bool> {
        let mut node = &self.root;
        for step in &at.0 {
            if node.is_whole {
                return None;
            }
            node = node.below.get(step)?;
        }
        if node.is_whole { None } else { Some(node.below.contains_key(&Step::Each)) }
    }

    /// Returns the checks that read an attribute.
    pub(super) fn checks_of(&self, slot: (TypeId, SlotId)) -> Vec<String> {
        self.checks.get(&slot).into_iter().flatten().cloned().collect()
    }

    /// Returns the checks that judge or count the instances of a type.
    pub(super) fn checks_of_type(&self, ty: TypeId) -> Vec<String> {
        self.checks_of_type.get(&ty).into_iter().flatten().cloned().collect()
    }

    /// Returns the checks that a change of everything at and below a place affects.
    pub(super) fn checks_below(&self, node: &Node, found: &mut BTreeSet<String>) {
        found.extend(node.slots.iter().flat_map(|slot| self.checks_of(*slot)));
        found.extend(node.types.iter().flat_map(|ty| self.checks_of_type(*ty)));
        node.below.values().for_each(|child| self.checks_below(child, found));
    }
}

impl Node {
    fn insert(&mut self, steps: &[Step]) -> &mut Node {
        steps.iter().fold(self, |node, step| node.below.entry(step.clone()).or_default())
    }

    /// Returns the place of a property.
    pub(super) fn property(&self, name: &str) -> Option<&Node> {
        self.below.get(&Step::Property(name.to_owned()))
    }

    fn has_uncaptured(&self) -> bool {
        self.property(UNCAPTURED).is_some()
            || self.ignored.iter().any(|ignored| ignored == UNCAPTURED)
            || self.below.values().any(Self::has_uncaptured)
    }

    /// Returns whether a property of the objects here, which the schema does not declare, is a statement of the snapshot
    /// about its coverage. Deodar reads it.
    pub(super) fn is_statement(&self, path: &Pattern, name: &str) -> bool {
        let is_free = self.property(name).is_none() && !self.ignored.iter().any(|ignored| ignored == name);
        is_free && !self.is_whole && (name == UNCAPTURED || name == PARTIAL && path.0.is_empty())
    }

    /// Returns the types whose instances are here, or are the elements of the list here.
    pub(super) fn instances(&self) -> impl Iterator<Item = TypeId> {
        self.types.iter().chain(self.each().into_iter().flat_map(|each| &each.types)).copied()
    }

    /// Returns the place of elements.
    pub(super) fn each(&self) -> Option<&Node> {
        self.below.get(&Step::Each)
    }
}

/// Returns the places of a pointer below instances: in groups of properties, one for each group.
fn places(ty: &EntityType, path: &Pattern, pointer: &[String]) -> Vec<Vec<Step>> {
    match (ty.groups(), path.0.split_last(), pointer.split_first()) {
        (Some(groups), Some((_, object)), Some((first, rest))) => {
            let object = Pattern(object.to_vec());
            let below = |group: &Group| [&[group.name(first)], rest].concat();
            groups.list.iter().map(|group| steps(&object, &below(group))).collect()
        }
        _ => vec![steps(path, pointer)],
    }
}

/// Returns the place of a pointer below instances.
fn steps(path: &Pattern, pointer: &[String]) -> Vec<Step> {
    path.0.iter().cloned().chain(pointer.iter().cloned().map(Step::Property)).collect()
}

/// Returns an attribute as `Type.attribute`.
pub(super) fn attribute(model: &Model, (ty, slot): (TypeId, SlotId)) -> String {
    format!("{}.{}", model.short_name(ty), model.ty(ty).slot(slot).dotted())
}
