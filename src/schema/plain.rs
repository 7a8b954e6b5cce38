//! The model of any Cedar schema, without annotations. Each entity and attribute has a place in a document that is
//! written for one request.

use super::lacking::LackingWords;
use super::layout::{self, Slots};
use super::model::*;
use super::size;
use crate::source::Span;
use crate::source::pointer::{Pattern, Step};
use crate::value::TypeId;
use cedar_policy_core::ast::{EntityType as EntityTypeName, EntityUID};
use cedar_policy_core::validator::types::{Attributes, Type};
use cedar_policy_core::validator::{ValidatorEntityType, ValidatorEntityTypeKind, ValidatorSchema};
use smol_str::{SmolStr, ToSmolStr};

impl Model {
    /// Returns a model for the requests of one action of a schema, which need not have annotations; `None` if it has no
    /// such action, or [exceeds a limit](Model::excess).
    ///
    /// The document is the request. The members of its `context` are attributes of the root, whose type has a name that
    /// no policy can write. Below `entities` are the entities by type and id, each with its `attrs`, its `tags`, and
    /// below `in` the ids of all its ancestors, by type.
    pub fn of_action(schema: &cedar_policy::Schema, action: &EntityUID) -> Option<Self> {
        if Self::excess(schema).is_some() {
            return None;
        }
        let validator: &ValidatorSchema = schema.as_ref();
        let declared = validator.get_action_id(action)?;
        let mut model = Self::with_types(types(validator));
        layout::groups(&mut model, validator);
        layout::paths(&mut model);
        for name in validator.entity_type_names() {
            let cedar = validator.get_entity_type(name)?;
            let id = model.type_named(&name.to_smolstr())?;
            if model.ty(id).choices().is_none() {
                instances(&mut model, validator, id, cedar)?;
            }
        }
        let Some(Type::Record { attrs, .. }) = declared.context() else { return None };
        context(&mut model, attrs)?;
        let ids = |names: &mut dyn Iterator<Item = &EntityTypeName>| {
            let mut ids: Vec<TypeId> = names.filter_map(|name| model.type_named(&name.to_smolstr())).collect();
            ids.sort();
            ids
        };
        let principals = ids(&mut declared.applies_to_principals());
        let resources = ids(&mut declared.applies_to_resources());
        let choice = model.choice(action)?;
        model.audit = ActionRef { ty: choice.ty, choice: choice.row, name: action.to_smolstr(), principals, resources };
        Some(model)
    }

    /// Returns the limit that a schema exceeds, so that there are no models of its requests.
    pub fn excess(schema: &cedar_policy::Schema) -> Option<String> {
        size::excess_of(schema.as_ref())
    }
}

/// Returns the root, entity types in order of their names, then action types; without attributes.
fn types(validator: &ValidatorSchema) -> Vec<EntityType> {
    let mut types = vec![EntityType::new("", EntityKind::Rows(Pattern::default()))];
    for ty in validator.entity_types() {
        let name = ty.name().to_smolstr();
        let kind = match &ty.kind {
            ValidatorEntityTypeKind::Enum(choices) => {
                EntityKind::Enumerated(choices.iter().map(|choice| choice.as_ref().into()).collect())
            }
            _ => {
                let steps = ["entities", &name].map(|step| Step::Property(step.to_owned()));
                EntityKind::Rows(Pattern(steps.into_iter().chain([Step::Each]).collect()))
            }
        };
        let parent = matches!(kind, EntityKind::Rows(_)).then_some(TypeId::new(0));
        types.push(EntityType { parent, ..EntityType::new(name, kind) });
    }
    types.sort_by(|a, b| a.name.cmp(&b.name));
    types.extend(layout::action_types(validator));
    types
}

/// Adds the attributes, tags and memberships of the instances of a type.
fn instances(model: &mut Model, validator: &ValidatorSchema, id: TypeId, cedar: &ValidatorEntityType) -> Option<()> {
    let mut slots = Slots::default();
    let attributes = members(model, &mut slots, cedar.attributes(), &Inside::at("attrs"))?;
    let tags = match &cedar.kind {
        ValidatorEntityTypeKind::Standard(_) => cedar.tag_type(),
        _ => None,
    };
    let tags = match tags {
        Some(ty) => {
            let pointer = vec!["tags".to_owned()];
            let tags = slot(vec!["tags".into()], layout::ty(model, ty)?, Origin::Tags(pointer.clone()), true, None);
            Some(slots.add(&pointer, tags))
        }
        None => None,
    };
    let mut memberships = Vec::new();
    for around in validator.entity_types().filter(|around| around.has_descendant_entity_type(cedar.name())) {
        let name = around.name().to_smolstr();
        let (of, pointer) = (model.type_named(&name)?, vec!["in".to_owned(), name.to_string()]);
        let path = vec!["in".into(), name];
        let origin = Origin::Read(pointer.clone(), None);
        memberships.push((of, slots.add(&pointer, slot(path, Ty::Set(Ty::Entity(of).into()), origin, true, None))));
    }
    slots.fill_below();
    memberships.sort();
    let ty = &mut model.types[id];
    (ty.attributes, ty.tags, ty.memberships) = (attributes, tags, memberships);
    (ty.slots, ty.fields) = (slots.list, slots.fields);
    Some(())
}

/// Adds the members of a context as attributes of the root, each in one slot.
fn context(model: &mut Model, context: &Attributes) -> Option<()> {
    let mut slots = Slots::default();
    for (name, member) in context.iter() {
        let (ty, required) = (layout::ty(model, &member.attr_type)?, member.is_required);
        let pointer = vec!["context".to_owned(), name.to_string()];
        let origin = Origin::Read(pointer.clone(), None);
        let slot = slots.add(&pointer, slot(vec![name.clone()], ty.clone(), origin, required, None));
        model.context.push(ContextMember { name: name.clone(), ty, required, origin: ContextOrigin::Root(slot) });
    }
    slots.fill_below();
    let root = &mut model.types[model.root];
    (root.slots, root.fields) = (slots.list, slots.fields);
    Some(())
}

/// The context of the members that are being read.
struct Inside {
    pointer: Vec<String>,
    path: Vec<SmolStr>,
    within: Option<SlotId>,
}

impl Inside {
    fn at(property: &str) -> Self {
        Self { pointer: vec![property.to_owned()], path: Vec::new(), within: None }
    }
}

fn members(model: &Model, slots: &mut Slots, types: &Attributes, inside: &Inside) -> Option<Vec<Attribute>> {
    let mut attributes = Vec::new();
    for (name, member) in types.iter() {
        let (ty, required) = (layout::ty(model, &member.attr_type)?, member.is_required);
        let pointer = [&inside.pointer[..], &[name.to_string()]].concat();
        let path = [&inside.path[..], std::slice::from_ref(name)].concat();
        let of = |origin| slot(path.clone(), ty.clone(), origin, required, inside.within);
        let shape = match &*member.attr_type {
            Type::Record { attrs, .. } => {
                let presence = slots.add_presence(&pointer, of(Origin::Presence(pointer.clone())));
                let inner = Inside { pointer, path, within: Some(presence) };
                Shape::Record(presence, members(model, slots, attrs, &inner)?)
            }
            _ => Shape::Leaf(slots.add(&pointer, of(Origin::Read(pointer.clone(), None)))),
        };
        attributes.push(Attribute { name: name.clone(), ty, required, doc: None, span: Span::default(), shape });
    }
    Some(attributes)
}

fn slot(path: Vec<SmolStr>, ty: Ty, origin: Origin, required: bool, within: Option<SlotId>) -> Slot {
    Slot {
        path,
        ty,
        origin,
        required,
        within,
        above: Vec::new(),
        null: None,
        missing: None,
        each: Vec::new(),
        secret: false,
        past: false,
        words: LackingWords::default(),
        span: Span::default(),
    }
}
