//! The layout of a snapshot: the tree of all places that a schema reads, in the order of the screens that show them.

use super::description::Description;
use crate::schema::{Fallback, FieldId, Model, PathId, Slot, SlotId, Ty};
use crate::value::TypeId;

/// A place in a snapshot.
#[derive(Debug)]
pub(super) struct Spot {
    /// The name of the property; empty for an element.
    pub name: String,
    /// The type of the instance that has it, and its pointer from the instance.
    pub of: (TypeId, Vec<String>),
    /// The type whose instance is here.
    pub instance: Option<TypeId>,
    /// The attributes that read it.
    pub slots: Vec<(TypeId, SlotId)>,
    /// Whether it is the id of the instance.
    pub is_key: bool,
    /// The properties, in the order of the screens.
    pub children: Vec<Spot>,
    /// The elements, if it is a list of instances.
    pub each: Option<Box<Spot>>,
    /// The screen, and the place on it: of a container, those of its first value.
    pub order: (usize, usize),
    /// The screen that shows the value itself, or a value of the elements.
    pub screen: Option<usize>,
}

/// The meaning of a value that is `null` or missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lack {
    /// It was not captured.
    Unknown,
    /// It states something: there is no value, or a default holds.
    Known,
}

/// The fields of types that a place is, each with the pointer from the instance.
type Fields = Vec<(TypeId, FieldId, Vec<String>)>;

impl Spot {
    /// Returns the document of a schema.
    pub(super) fn document(model: &Model, description: &Description) -> Self {
        let builder = Builder { model, description };
        builder.spot(String::new(), &[PathId::default()], Vec::new(), (model.root, Vec::new()))
    }

    /// Returns the place of a property.
    pub(super) fn child(&self, name: &str) -> Option<&Spot> {
        self.children.iter().find(|child| child.name == name)
    }

    /// Returns the meaning of `null` here.
    pub(super) fn null(&self, model: &Model) -> Lack {
        let states = |slot: &Slot| match &slot.null {
            Some(declared) => declared.fallback != Fallback::Unknown,
            None => !slot.required,
        };
        let is_empty_list = self.list_type().is_some_and(|ty| model.ty(ty).list_defaults.null_is_empty);
        self.lack(model, is_empty_list, states)
    }

    /// Returns the meaning of a missing property here.
    pub(super) fn missing(&self, model: &Model) -> Lack {
        let states = |slot: &Slot| match &slot.missing {
            Some(declared) => declared.fallback != Fallback::Unknown,
            None => !slot.required,
        };
        let is_empty_list = self.list_type().is_some_and(|ty| model.ty(ty).list_defaults.missing_is_empty);
        self.lack(model, is_empty_list, states)
    }

    fn lack(&self, model: &Model, is_empty_list: bool, states: impl Fn(&Slot) -> bool) -> Lack {
        let slot = |(ty, slot): &(TypeId, SlotId)| model.ty(*ty).slots.find(*slot);
        match is_empty_list || self.slots.iter().filter_map(slot).any(states) {
            true => Lack::Known,
            false => Lack::Unknown,
        }
    }

    /// Returns the type of the elements, if this is a list of instances.
    pub(super) fn list_type(&self) -> Option<TypeId> {
        self.each.as_ref()?.instance
    }

    /// Returns the attribute that describes the value best, and its type.
    pub(super) fn main_slot<'m>(&self, model: &'m Model) -> Option<(&'m Slot, Option<&'m str>)> {
        let rank = |slot: &Slot| {
            let kind = match &slot.ty {
                Ty::Ip => 0,
                Ty::Entity(_) => 1,
                Ty::Datetime | Ty::Duration | Ty::Decimal | Ty::Bool => 2,
                Ty::String => 3,
                Ty::Set(_) => 4,
                Ty::Long => 5,
                Ty::Record(_) => 6,
            };
            let is_namesake = slot.path.last().is_some_and(|name| *name == self.name.as_str());
            (kind, !is_namesake, slot.path.clone())
        };
        let slots = self.slots.iter().filter_map(|(ty, slot)| Some((model.ty(*ty).slots.find(*slot)?, *ty, *slot)));
        let (slot, ty, id) = slots.min_by_key(|(slot, ..)| rank(slot))?;
        Some((slot, model.ty(ty).doc_of(id).map(smol_str::SmolStr::as_str)))
    }

    /// Returns the places with values at and below this one, in order.
    pub(super) fn values(&self) -> Vec<&Spot> {
        let mut found = Vec::new();
        self.collect(&mut found);
        found
    }

    fn collect<'s>(&'s self, found: &mut Vec<&'s Spot>) {
        if !self.slots.is_empty() || self.is_key {
            found.push(self);
        }
        self.children.iter().for_each(|child| child.collect(found));
        self.each.iter().for_each(|each| each.collect(found));
    }
}

struct Builder<'b> {
    model: &'b Model,
    description: &'b Description,
}

impl Builder<'_> {
    /// Returns the place at nodes of the tree of paths; an element of a list of several types has the nodes of all.
    fn spot(&self, name: String, nodes: &[PathId], mut fields: Fields, of: (TypeId, Vec<String>)) -> Spot {
        let model = self.model;
        let trees = || nodes.iter().filter_map(|node| model.paths.find(*node));
        let instance = trees().find_map(|tree| tree.ty);
        fields.extend(trees().filter_map(|tree| tree.ty).map(|ty| (ty, FieldId::default(), Vec::new())));
        let of = match instance {
            Some(ty) => (ty, Vec::new()),
            None => of,
        };
        let nodes = || fields.iter().filter_map(|(ty, field, at)| Some((*ty, model.ty(*ty).fields.find(*field)?, at)));
        let slots =
            nodes().flat_map(|(ty, node, _)| node.slots.iter().chain(&node.presence).map(move |slot| (ty, *slot)));
        let slots: Vec<(TypeId, SlotId)> = slots.collect();
        let is_key = nodes().any(|(_, node, _)| node.key);
        let mut children: Vec<(String, Vec<PathId>, Fields)> = Vec::new();
        for (name, path) in trees().flat_map(|tree| &tree.children) {
            match children.iter_mut().find(|(known, ..)| known == name) {
                Some((_, nodes, _)) => nodes.push(*path),
                None => children.push((name.clone(), vec![*path], Vec::new())),
            }
        }
        for ty in trees().flat_map(|tree| &tree.groups).filter_map(|group| model.paths.find(*group)?.ty) {
            for group in model.ty(ty).groups().into_iter().flat_map(|groups| &groups.list) {
                for (name, child) in model.ty(ty).properties_in(group) {
                    let part = group.part(&name).unwrap_or_default().to_owned();
                    children.push((name, Vec::new(), vec![(ty, child, vec![part])]));
                }
            }
        }
        for (ty, node, at) in nodes() {
            for (name, child) in &node.children {
                let field = (ty, *child, at.iter().cloned().chain([name.clone()]).collect());
                match children.iter_mut().find(|(known, ..)| known == name) {
                    Some((.., fields)) => fields.push(field),
                    None => children.push((name.clone(), Vec::new(), vec![field])),
                }
            }
        }
        let below = |name: &str| (of.0, of.1.iter().cloned().chain([name.to_owned()]).collect());
        let spots = children.into_iter().map(|(name, nodes, fields)| {
            let of = below(&name);
            self.spot(name, &nodes, fields, of)
        });
        let mut children: Vec<Spot> = spots.collect();
        let each: Vec<PathId> = trees().flat_map(|tree| tree.each.iter().copied()).collect();
        let each = (!each.is_empty()).then(|| Box::new(self.spot(String::new(), &each, Vec::new(), of.clone())));
        children.sort_by(|a, b| (a.order, &a.name).cmp(&(b.order, &b.name)));
        let own = self.place_on_screen(&of);
        // A list is on the screen of the ids of its elements.
        let id = each.as_ref().and_then(|each| each.children.iter().find(|child| child.is_key));
        let id = id.and_then(|id| self.place_on_screen(&id.of));
        let inner = || children.iter().chain(each.as_deref()).map(|spot| spot.order).min();
        let order = own.or(id).or_else(inner).unwrap_or((usize::MAX, 0));
        let has_value = is_key || !slots.is_empty() || each.is_some();
        let screen = has_value.then_some(order.0).filter(|screen| *screen != usize::MAX);
        Spot { name, of, instance, slots, is_key, children, each, order, screen }
    }

    fn place_on_screen(&self, of: &(TypeId, Vec<String>)) -> Option<(usize, usize)> {
        let screen = self.description.screen_of(of.0, &of.1)?;
        let values = &self.description.screens.get(screen)?.values;
        Some((screen, values.iter().position(|value| value.is(of.0, &of.1))?))
    }
}
