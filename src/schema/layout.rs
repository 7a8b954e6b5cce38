//! The layout of a model: the types of attributes, actions and their groups, the slots of an entity type, the tree of
//! paths.

use super::model::*;
use crate::ids::IdVec;
use crate::source::Span;
use crate::source::pointer::Step;
use crate::value::TypeId;
use cedar_policy_core::validator::ValidatorSchema;
use cedar_policy_core::validator::types::{EntityKind as CedarEntityKind, Type};
use smol_str::{SmolStr, ToSmolStr};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Returns a type of Cedar as a type of the model; `None` for a type that no attribute can have.
pub(super) fn ty(model: &Model, ty: &Type) -> Option<Ty> {
    Some(match ty {
        Type::Bool(_) => Ty::Bool,
        Type::Long => Ty::Long,
        Type::String => Ty::String,
        Type::Entity(CedarEntityKind::Entity(lub)) => {
            Ty::Entity(model.type_named(&lub.get_single_entity()?.to_smolstr())?)
        }
        Type::Set { element_type } => Ty::Set(Arc::new(self::ty(model, element_type.as_ref()?)?)),
        Type::Record { attrs, .. } => {
            let member = |(name, attribute): (&SmolStr, &cedar_policy_core::validator::types::AttributeType)| {
                Some(Member {
                    name: name.clone(),
                    ty: self::ty(model, &attribute.attr_type)?,
                    required: attribute.is_required,
                })
            };
            Ty::Record(Arc::new(attrs.iter().map(member).collect::<Option<_>>()?))
        }
        Type::ExtensionType { name } => match name.to_string().as_str() {
            "decimal" => Ty::Decimal,
            "datetime" => Ty::Datetime,
            "duration" => Ty::Duration,
            "ipaddr" => Ty::Ip,
            _ => return None,
        },
        Type::Entity(CedarEntityKind::AnyEntity) | Type::Never => return None,
    })
}

/// Returns a type for the actions of every namespace.
pub(super) fn action_types(validator: &ValidatorSchema) -> impl Iterator<Item = EntityType> {
    let mut actions: BTreeMap<SmolStr, Vec<SmolStr>> = BTreeMap::new();
    for action in validator.action_ids() {
        let ids = actions.entry(action.name().entity_type().to_smolstr()).or_default();
        ids.push(AsRef::<str>::as_ref(action.name().eid()).into());
    }
    actions.into_iter().map(|(name, mut choices)| {
        choices.sort();
        EntityType::new(name, EntityKind::Actions(choices))
    })
}

/// Records the groups of every action.
pub(super) fn groups(model: &mut Model, validator: &ValidatorSchema) {
    for action in validator.action_ids() {
        let Some(group) = model.choice(action.name()) else { continue };
        for member in action.descendants() {
            let Some(member) = model.choice(member) else { continue };
            let ty = &mut model.types[member.ty];
            ty.groups.resize(ty.choices().map_or(0, <[SmolStr]>::len), Vec::new());
            #[expect(clippy::indexing_slicing, reason = "the line above makes a list for every action of the type")]
            ty.groups[member.row as usize].push(group);
        }
    }
}

/// Builds the tree of paths.
pub(super) fn paths(model: &mut Model) {
    model.paths = vec![PathNode::default()].into();
    model.path_of = vec![None; model.types.len()].into();
    for ty in model.type_ids() {
        place(model, ty);
    }
    fill_below(&mut model.paths, PathId::default());
}

/// Adds the node for the instances of a type, below that of the instances around them.
fn place(model: &mut Model, ty: TypeId) {
    let declared = model.ty(ty);
    let (Some(path), None) = (declared.path().cloned(), model.path_of[ty]) else { return };
    let around = declared.parent;
    if let Some(around) = around {
        place(model, around);
    }
    let start = around.and_then(|around| model.path_of[around]).unwrap_or_default();
    let outer = around.and_then(|around| model.ty(around).path()).map_or(0, |path| path.0.len());
    let node = insert(&mut model.paths, start, path.0.get(outer..).unwrap_or_default());
    model.paths[node].ty = Some(ty);
    model.path_of[ty] = Some(node);
}

/// The slots of one entity type, and the fields that contain them.
pub(super) struct Slots {
    pub list: IdVec<SlotId, Slot>,
    pub fields: IdVec<FieldId, FieldNode>,
}

impl Default for Slots {
    fn default() -> Self {
        Self { list: IdVec::new(), fields: vec![FieldNode::default()].into() }
    }
}

impl Slots {
    /// Records the slots at and below every field, and the record above every slot.
    pub(super) fn fill_below(&mut self) {
        fill_slots_below(&mut self.fields, FieldId::default());
        for at in self.list.ids() {
            let above = self.list[at].origin.pointer().map(|pointer| self.above(pointer)).unwrap_or_default();
            self.list[at].above = above;
        }
    }

    /// Returns the presence slots of the innermost record that a pointer crosses.
    fn above(&self, pointer: &[String]) -> Vec<SlotId> {
        let (mut at, mut above) = (FieldId::default(), &[][..]);
        for step in pointer {
            let node = &self.fields[at];
            if !node.presence.is_empty() {
                above = &node.presence;
            }
            let Some((_, child)) = node.children.iter().find(|(name, _)| name == step) else { break };
            at = *child;
        }
        above.to_vec()
    }

    /// Marks everything at and below a secret place, and every slot that reads a value with a secret in it. Returns for
    /// every field the declaration of the secret that is at, above or below it.
    pub(super) fn fill_secrets(&mut self) -> IdVec<FieldId, Option<Span>> {
        let mut concerns = vec![None; self.fields.len()].into();
        self.fill_secrets_below(FieldId::default(), None, &mut concerns);
        concerns
    }

    fn fill_secrets_below(
        &mut self,
        at: FieldId,
        around: Option<Span>,
        concerns: &mut IdVec<FieldId, Option<Span>>,
    ) -> Option<Span> {
        let node = &self.fields[at];
        let own = node.slots.iter().chain(&node.presence).map(|slot| &self.list[*slot]);
        let secret = around.or_else(|| own.filter(|slot| slot.secret).map(|slot| slot.span).next());
        let children: Vec<FieldId> = node.children.iter().map(|(_, child)| *child).collect();
        let below = children.into_iter().filter_map(|child| self.fill_secrets_below(child, secret, concerns)).last();
        let node = &mut self.fields[at];
        node.secret = secret.is_some();
        concerns[at] = secret.or(below);
        // A record with a secret is not a secret itself: only its presence is read.
        let presence = node.presence.iter().filter(|_| node.secret);
        for slot in node.slots.iter().filter(|_| concerns[at].is_some()).chain(presence) {
            self.list[*slot].secret = true;
        }
        concerns[at]
    }

    pub(super) fn add(&mut self, pointer: &[String], slot: Slot) -> SlotId {
        let id = self.list.next_id();
        if slot.origin.pointer().is_some() {
            let node = self.node(pointer);
            self.fields[node].slots.push(id);
        }
        self.list.push(slot);
        id
    }

    pub(super) fn add_presence(&mut self, pointer: &[String], slot: Slot) -> SlotId {
        let id = self.list.next_id();
        let node = self.node(pointer);
        self.fields[node].presence.push(id);
        self.list.push(slot);
        id
    }

    pub(super) fn node(&mut self, pointer: &[String]) -> FieldId {
        let mut at = FieldId::default();
        for step in pointer {
            at = match self.fields[at].children.iter().find(|(name, _)| name == step) {
                Some((_, child)) => *child,
                None => {
                    let child = self.fields.push(FieldNode::default());
                    self.fields[at].children.push((step.clone(), child));
                    self.fields[at].children.sort();
                    child
                }
            };
        }
        at
    }
}

fn fill_slots_below(fields: &mut IdVec<FieldId, FieldNode>, at: FieldId) -> Vec<SlotId> {
    let children: Vec<FieldId> = fields[at].children.iter().map(|(_, child)| *child).collect();
    let mut below: Vec<SlotId> = fields[at].slots.iter().chain(&fields[at].presence).copied().collect();
    children.into_iter().for_each(|child| below.extend(fill_slots_below(fields, child)));
    fields[at].below.clone_from(&below);
    below
}

/// Returns the node for the instances of a type, below a node. Each type of a list has elements of its own.
fn insert(paths: &mut IdVec<PathId, PathNode>, start: PathId, steps: &[Step]) -> PathId {
    let mut at = start;
    for (left, step) in (0..steps.len()).rev().zip(steps) {
        let known = match step {
            Step::Each => paths[at].each.first().copied().filter(|_| left > 0),
            Step::Property(name) => paths[at].children.iter().find(|(child, _)| child == name).map(|(_, child)| *child),
            Step::Groups(_) => None,
        };
        at = known.unwrap_or_else(|| {
            let list = (*step == Step::Each).then_some(at);
            let child = paths.push(PathNode { list, ..PathNode::default() });
            match step {
                Step::Each => paths[at].each.push(child),
                Step::Property(name) => paths[at].children.push((name.clone(), child)),
                Step::Groups(_) => paths[at].groups.push(child),
            }
            child
        });
    }
    at
}

fn fill_below(paths: &mut IdVec<PathId, PathNode>, at: PathId) -> Vec<TypeId> {
    let elements = paths[at].each.iter().chain(&paths[at].groups).copied();
    let next: Vec<PathId> = paths[at].children.iter().map(|(_, child)| *child).chain(elements).collect();
    let mut below: Vec<TypeId> = paths[at].ty.into_iter().collect();
    next.into_iter().for_each(|child| below.extend(fill_below(paths, child)));
    below.sort();
    paths[at].below.clone_from(&below);
    below
}
