//! The model: entity types, their attributes, and their places in a snapshot.

use super::chain::Chain;
use super::lacking::LackingWords;
use crate::ids::{IdVec, id};
use crate::source::pointer::{Group, Groups, Pattern, Pointer, Step};
use crate::source::{Source, Span, misspelling};
use crate::value::fold::is_same;
use crate::value::{EntityRef, TypeId, Value};
use cedar_policy_core::ast::{ActionConstraint, EntityUID};
use serde::{Deserialize, Serialize};
use smol_str::{SmolStr, ToSmolStr};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

/// The property of a piece of evidence with the JSON Pointer of what it covers.
pub(crate) const COVERS: &str = "covers";

/// A type of Cedar's language, with entity types resolved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the variants are Cedar's types")]
pub enum Ty {
    Bool,
    Long,
    String,
    Decimal,
    Datetime,
    Duration,
    Ip,
    Entity(TypeId),
    Set(Arc<Ty>),
    Record(Arc<Vec<Member>>),
}

/// A member of a record type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its name.
    pub name: SmolStr,
    /// Its type.
    pub ty: Ty,
    /// Whether it is required.
    pub required: bool,
}

/// The content of a schema.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Model {
    /// The schema file, into which the spans of the model point; `None` for a model without annotations.
    #[serde(skip)]
    pub source: Option<Arc<Source>>,
    /// Entity types in order of their names, then action types.
    pub types: IdVec<TypeId, EntityType>,
    /// The type of the document itself.
    pub root: TypeId,
    /// The action that checks forbid.
    pub audit: ActionRef,
    /// The action that derivations permit, if the schema has it.
    pub derive: Option<ActionRef>,
    /// The tree of `@path` patterns; its first node is the document.
    pub paths: IdVec<PathId, PathNode>,
    /// For every type with instances, its node in that tree.
    pub path_of: IdVec<TypeId, Option<PathId>>,
    /// The members of the context.
    pub context: Vec<ContextMember>,
    /// The members of `context.parameters`, in order of their names.
    pub parameters: Vec<Parameter>,
    #[serde(skip)]
    by_name: HashMap<SmolStr, TypeId>,
    /// The types whose name without its namespace is that of another type.
    #[serde(skip)]
    shared_names: HashSet<TypeId>,
}

/// An action: its entity, and the types it applies to.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ActionRef {
    /// The entity type of the action.
    pub ty: TypeId,
    /// Its place among the actions of its type.
    pub choice: u32,
    /// The action as Cedar writes it.
    pub name: SmolStr,
    /// The types of principals.
    pub principals: Vec<TypeId>,
    /// The types of resources.
    pub resources: Vec<TypeId>,
}

/// An entity type.
#[derive(Debug, Serialize, Deserialize)]
pub struct EntityType {
    /// The full name, `MoEngage::Member`.
    pub name: SmolStr,
    /// The origin of its entities.
    pub kind: EntityKind,
    /// The type whose instances enclose its own.
    pub parent: Option<TypeId>,
    /// The pointer to the property that is an instance's id, or to the first of several.
    pub key: Option<Vec<String>>,
    /// The pointers to the further properties of an id, and their meaning.
    pub further_keys: FurtherKeys,
    /// The fields of the properties of an id, in their order.
    pub key_fields: Vec<FieldId>,
    /// Keys that every list of instances has. An instance that a list lacks was not captured.
    pub expect: Vec<SmolStr>,
    /// The meaning of a list of instances that is `null` or missing.
    pub list_defaults: ListDefaults,
    /// The place of the number of instances in the parent instance: `@total`.
    pub total: Option<Vec<String>>,
    /// The place in the parent instance that shows whether there are more instances than the captured ones: `@more`.
    pub more: Option<Vec<String>>,
    /// Whether an object with the key, in place of a list, is its only instance: `@one_or_many`.
    pub one_or_many: bool,
    /// The elements of the list that are instances: `@where` and `@unjudged`.
    pub only: Option<Only>,
    /// Whether an undeclared property is an error.
    pub closed: bool,
    /// Whether its instances are pieces of evidence: `@evidence`. Each has the JSON Pointer `covers`.
    pub is_evidence: bool,
    /// Whether a snapshot may have words that an enumerated type does not list; they are unknown.
    pub open: bool,
    /// Words that an enumerated type no longer has: `@former`.
    pub former: Vec<Former>,
    /// The version of the pack; only the root has one.
    pub version: Option<SmolStr>,
    /// Whether parameters may be set for one of its instances; at most one type of a schema has `@parameter_scope`.
    pub is_parameter_scope: bool,
    /// The `@doc` text.
    pub doc: Option<SmolStr>,
    /// The declaration.
    pub span: Span,
    /// Attributes in order of their names.
    pub attributes: Vec<Attribute>,
    /// The stored values of an instance: one slot for every leaf of the attributes.
    pub slots: IdVec<SlotId, Slot>,
    /// The tree of the properties of an instance, with their slots; the first node is the instance.
    pub fields: IdVec<FieldId, FieldNode>,
    /// The slot of Cedar tags, if the type has them.
    pub tags: Option<SlotId>,
    /// Further ancestors (Cedar's `in`) in addition to the nesting: for each type, the slot of the set of all ancestors
    /// of this type. Only the models of requests have such slots.
    pub memberships: Vec<(TypeId, SlotId)>,
    /// The parameters that the account sets, with their slots; only the root has them.
    pub parameters: Vec<AccountParameter>,
    /// For every action of an action type, the groups it is in, directly or not; empty if there are none.
    pub groups: Vec<Vec<EntityRef>>,
}

/// The properties of an id after the first one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FurtherKeys {
    /// The id is the first property that is present and not `null`: `@key("id, name")`.
    Fallbacks(Vec<Vec<String>>),
    /// The id consists of all properties: `@key("region + name")`.
    Parts(Vec<Vec<String>>),
}

impl Default for FurtherKeys {
    fn default() -> Self {
        Self::Fallbacks(Vec::new())
    }
}

/// The elements of a list that are instances of a type: those with one of some words at a property.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Only {
    /// The pointer from an element to the property.
    pub property: Vec<String>,
    /// The words, which are compared trimmed and in any case.
    pub words: Vec<String>,
    /// Further words of the property, of elements that no type judges: `@unjudged`.
    pub unjudged: Vec<String>,
    /// The annotation.
    pub span: Span,
}

impl Only {
    /// Returns whether an element with a word at the property is an instance.
    pub fn has(&self, word: &str) -> bool {
        self.words.iter().any(|known| is_same(word.trim(), known))
    }

    /// Returns whether an element with a word at the property is not judged, as the schema states.
    pub fn is_unjudged(&self, word: &str) -> bool {
        self.unjudged.iter().any(|known| is_same(word.trim(), known))
    }

    /// Returns whether the elements of another type of the list are others.
    fn excludes(&self, other: &Self) -> bool {
        self.property == other.property && !self.words.iter().any(|word| other.has(word))
    }
}

impl fmt::Display for Only {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = self.words.iter().map(|word| format!("{word:?}")).collect();
        write!(f, "{} is {}", self.property.join("/"), words.join(" or "))
    }
}

/// A parameter that the account sets.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AccountParameter {
    /// Its name.
    pub name: SmolStr,
    /// The slot of the root with its value.
    pub slot: SlotId,
    /// Its `@doc` text.
    pub doc: Option<SmolStr>,
}

/// A word that an enumerated type had in an earlier version of the pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Former {
    /// The word.
    pub word: SmolStr,
    /// How to change a snapshot that has it.
    pub migration: SmolStr,
}

/// The meaning of a list of instances that is `null` or missing: `@null` and `@missing` on an entity type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ListDefaults {
    /// Whether `null` is an empty list; otherwise it is an uncaptured one.
    pub null_is_empty: bool,
    /// Whether a missing list is an empty one; otherwise it is an uncaptured one.
    pub missing_is_empty: bool,
}

/// The meaning of a value that is `null` or missing: an argument of `@null` or `@missing`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Fallback {
    /// The value is uncaptured.
    Unknown,
    /// The value is absent.
    Absent,
    /// The value is this one.
    Value(Value),
    /// A record is present, and its members are these.
    Record(Vec<(SlotId, Fallback)>),
}

/// An annotation that states the meaning of a `null` or missing value, with its span.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeclaredDefault {
    /// The meaning of the value.
    pub fallback: Fallback,
    /// The annotation in the schema.
    pub span: Span,
}

/// The origin of the entities of a type.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum EntityKind {
    /// Instances in the snapshot.
    Rows(Pattern),
    /// A closed list.
    Enumerated(Vec<SmolStr>),
    /// The schema's actions.
    Actions(Vec<SmolStr>),
}

id! {
    /// A slot of an entity type.
    ///
    /// The limits of a schema (`schema/size.rs`) keep places far below 65,535.
    pub struct SlotId(u16)
}

id! {
    /// A node of the tree of paths.
    pub struct PathId(u32)
}

id! {
    /// A node of the tree of an instance's properties.
    pub struct FieldId(u32)
}

/// An attribute, or a member of a record-typed one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Attribute {
    /// Its name.
    pub name: SmolStr,
    /// Its type.
    pub ty: Ty,
    /// Whether it is required. A missing required attribute is uncaptured, a missing optional one absent.
    pub required: bool,
    /// Its `@doc` text.
    pub doc: Option<SmolStr>,
    /// Its declaration.
    pub span: Span,
    /// The form in which it is stored.
    pub shape: Shape,
}

impl Attribute {
    /// Returns a member of an attribute that is stored as a record.
    fn member(&self, name: &SmolStr) -> Option<&Self> {
        match &self.shape {
            Shape::Record(_, members) => members.iter().find(|member| member.name == *name),
            Shape::Leaf(_) => None,
        }
    }
}

/// The form in which an attribute is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Shape {
    /// In one slot.
    Leaf(SlotId),
    /// As a record: the slot of its presence, and its members.
    Record(SlotId, Vec<Attribute>),
}

/// One stored value of an instance.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Slot {
    /// The attribute path, `["two_step", "enforced"]`.
    pub path: Vec<SmolStr>,
    /// The type of the value.
    pub ty: Ty,
    /// The origin of the value.
    pub origin: Origin,
    /// Whether a missing value is uncaptured (`true`) or absent (`false`).
    pub required: bool,
    /// The presence slot of the record that contains this slot.
    pub within: Option<SlotId>,
    /// The presence slots of the innermost declared record that the pointer crosses.
    pub above: Vec<SlotId>,
    /// The meaning of `null`, if the schema states it.
    pub null: Option<DeclaredDefault>,
    /// The meaning of a missing property, if the schema states it.
    pub missing: Option<DeclaredDefault>,
    /// For a set that is read through `*`: the pointer below the elements of the list after each `*`. Its own pointer is
    /// that of the outermost list.
    pub each: Vec<Vec<String>>,
    /// Whether outputs mask the value.
    pub secret: bool,
    /// Whether the value is a time of the past, so that one after the time of the run is unreadable.
    pub past: bool,
    /// The words that mean that the value is unknown or absent.
    pub words: LackingWords,
    /// The declaration.
    pub span: Span,
}

impl Slot {
    /// Returns its place below the instance as a schema writes it, with a `/` at the start; empty for the instance.
    pub fn place(&self) -> String {
        let list = Pointer::default().join(self.origin.pointer().unwrap_or_default());
        let each = self.each.iter().map(|below| format!("/*{}", Pointer::default().join(below)));
        std::iter::once(list.to_string()).chain(each).collect()
    }

    /// Returns the attribute path with dots.
    pub fn dotted(&self) -> String {
        self.path.join(".")
    }
}

/// The origin of the value of a slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// The snapshot, at this pointer below the instance, through readers.
    Read(Vec<String>, Option<Chain>),
    /// The presence of the object at this pointer.
    Presence(Vec<String>),
    /// The object at this pointer, whose properties are Cedar tags.
    Tags(Vec<String>),
    /// The entity that encloses this one.
    Enclosing(TypeId),
    /// Derivation policies.
    Derived,
}

impl Origin {
    /// Returns the pointer below the instance, if the value is read from the snapshot.
    pub fn pointer(&self) -> Option<&[String]> {
        match self {
            Origin::Read(pointer, _) | Origin::Presence(pointer) | Origin::Tags(pointer) => Some(pointer),
            Origin::Enclosing(_) | Origin::Derived => None,
        }
    }
}

/// A place in an instance, in the tree of its properties.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct FieldNode {
    /// Properties below, in order of their names.
    pub children: Vec<(String, FieldId)>,
    /// Slots that read the value here.
    pub slots: Vec<SlotId>,
    /// Whether the value here is the instance's id.
    pub key: bool,
    /// Presence slots of the record here.
    pub presence: Vec<SlotId>,
    /// Slots here and below, which a value of the wrong type makes unknown.
    pub below: Vec<SlotId>,
    /// Whether the value here is secret, with everything in it.
    pub secret: bool,
    /// Properties that `@ignore` names: they are known, and no attribute reads them.
    pub ignored: Vec<String>,
}

/// A place in the document, in the tree of paths.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct PathNode {
    /// Properties with places below.
    pub children: Vec<(String, PathId)>,
    /// The place of every element or property value, once for each type of the list.
    pub each: Vec<PathId>,
    /// The types whose instances are groups of properties of the object here.
    pub groups: Vec<PathId>,
    /// The names of these groups and of their properties.
    pub group_names: Vec<String>,
    /// The type whose instance is here.
    pub ty: Option<TypeId>,
    /// The list whose elements are here.
    pub list: Option<PathId>,
    /// Types whose instances are here or below.
    pub below: Vec<TypeId>,
}

impl PathNode {
    /// Returns whether no instances are below the place.
    pub fn is_leaf(&self) -> bool {
        self.children.is_empty() && self.each.is_empty() && self.groups.is_empty()
    }
}

/// A member of the context record.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ContextMember {
    /// Its name.
    pub name: SmolStr,
    /// Its type.
    pub ty: Ty,
    /// Whether it is required.
    pub required: bool,
    /// The origin of its value.
    pub origin: ContextOrigin,
}

/// The origin of a member of the context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ContextOrigin {
    /// The clock of the run.
    Now,
    /// The parameters.
    Parameters,
    /// The attribute of the root entity with the same name.
    Root(SlotId),
}

/// A parameter: a threshold that the user may set.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Parameter {
    /// Its name.
    pub name: SmolStr,
    /// Its type.
    pub ty: Ty,
    /// Whether it is required.
    pub required: bool,
    /// Its `@default`.
    pub default: Option<Value>,
    /// The slot of the root with the value that the account sets, if it has a `@path`.
    pub slot: Option<SlotId>,
    /// Its `@doc`.
    pub doc: Option<SmolStr>,
    /// Its declaration.
    pub span: Span,
}

impl Model {
    /// Returns whether its documents are requests of Cedar's authorizer. Their ids are exact, and no instance is missing by a
    /// mistake.
    pub fn is_of_requests(&self) -> bool {
        self.source.is_none()
    }

    /// Returns a model of `types`, whose names must differ.
    pub(super) fn with_types(types: Vec<EntityType>) -> Self {
        Self { types: types.into(), ..Self::default() }.named()
    }

    /// Reads a model that [`Model::save`] has written. `None` if it is not that of the schema, or of another version of
    /// this program.
    pub(super) fn of_saved(bytes: &[u8], schema: &Arc<Source>) -> Option<Self> {
        let (sha256, rest) = postcard::take_from_bytes::<&str>(bytes).ok()?;
        if sha256 != schema.sha256() {
            return None;
        }
        let model = postcard::from_bytes(rest).ok()?;
        Some(Self { source: Some(Arc::clone(schema)), ..model }.named())
    }

    /// Returns the digest of the text of the schema, and the model, as bytes.
    ///
    /// # Errors
    /// None occur: every part of a model has a saved form.
    pub fn save(&self) -> postcard::Result<Vec<u8>> {
        let sha256 = self.source.as_ref().map(|source| source.sha256()).unwrap_or_default();
        postcard::to_allocvec(&(sha256, self))
    }

    /// Returns the model with the index of the names of its types.
    fn named(mut self) -> Self {
        self.by_name = self.types.entries().map(|(at, ty)| (ty.name.clone(), at)).collect();
        let mut shared: HashMap<&str, Vec<(TypeId, &EntityType)>> = HashMap::new();
        for (at, ty) in self.types.entries() {
            shared.entry(without_namespace(&ty.name)).or_default().push((at, ty));
        }
        let is_shared = |of: &EntityType, all: &[(TypeId, &EntityType)]| {
            let rivals = all.iter().filter(|(_, ty)| of.path().is_none() || ty.path().is_some());
            rivals.count() > 1
        };
        let types = shared.values().flat_map(|all| all.iter().filter(|(_, ty)| is_shared(ty, all)).map(|(at, _)| *at));
        self.shared_names = types.collect();
        self
    }

    /// Returns whether any attribute is secret.
    pub fn has_secrets(&self) -> bool {
        self.types.iter().flat_map(|ty| &ty.fields).any(|node| node.secret)
    }

    /// Returns the version of the pack, if the schema has one.
    pub fn version(&self) -> Option<&SmolStr> {
        self.types.find(self.root)?.version.as_ref()
    }

    /// Returns the type for whose instances parameters may be set, if the schema has one.
    pub fn parameter_scope(&self) -> Option<TypeId> {
        self.types.iter().position(|ty| ty.is_parameter_scope).map(TypeId::new)
    }

    /// Returns the place in the document of the value of a parameter that the account sets.
    pub fn parameter_place(&self, parameter: &Parameter) -> Option<Pointer> {
        let slot = self.ty(self.root).slots.find(parameter.slot?)?;
        Some(Pointer::default().join(slot.origin.pointer()?))
    }

    /// Returns the type with a full name.
    pub fn type_named(&self, name: &str) -> Option<TypeId> {
        self.by_name.get(name).copied()
    }

    /// Returns one of a closed list of entities: an action, or an entity of an enumerated type.
    pub fn choice(&self, uid: &EntityUID) -> Option<EntityRef> {
        let ty = self.type_named(&uid.entity_type().to_smolstr())?;
        let row = self.ty(ty).choices()?.iter().position(|choice| choice == AsRef::<str>::as_ref(uid.eid()))?;
        Some(EntityRef::numbered(ty, row))
    }

    /// Returns whether the scope of a policy includes an action.
    pub fn takes_in(&self, scope: &ActionConstraint, action: &ActionRef) -> bool {
        let action = EntityRef { ty: action.ty, row: action.choice };
        match scope {
            ActionConstraint::Any => true,
            ActionConstraint::In(uids) => {
                uids.iter().filter_map(|uid| self.choice(uid)).any(|group| self.is_in_group(action, group))
            }
            ActionConstraint::Eq(uid) => self.choice(uid) == Some(action),
        }
    }

    /// Returns whether `action` is `group` or in it.
    pub fn is_in_group(&self, action: EntityRef, group: EntityRef) -> bool {
        let groups = self.ty(action.ty).groups.get(action.row as usize);
        action == group || groups.is_some_and(|groups| groups.contains(&group))
    }

    /// Returns a type.
    pub fn ty(&self, id: TypeId) -> &EntityType {
        &self.types[id]
    }

    /// Returns the slots with times of capture: each `captured_at` that is read from a snapshot.
    pub fn capture_times(&self) -> impl Iterator<Item = (TypeId, SlotId)> {
        let is_time = |slot: &Slot| {
            let last = slot.origin.pointer().and_then(<[String]>::last);
            let is_named = slot.path == ["captured_at"] || last.is_some_and(|last| last == "captured_at");
            is_named && slot.ty == Ty::Datetime && matches!(slot.origin, Origin::Read(..))
        };
        self.types.entries().flat_map(move |(ty, declared)| {
            declared.slots.entries().filter(move |(_, slot)| is_time(slot)).map(move |(slot, _)| (ty, slot))
        })
    }

    /// Returns the ids of all types, in order.
    pub fn type_ids(&self) -> impl Iterator<Item = TypeId> + use<> {
        (0..self.types.len()).map(TypeId::new)
    }

    /// Returns `ty` and the types that enclose its instances, innermost first.
    pub fn ancestry(&self, ty: TypeId) -> impl Iterator<Item = TypeId> {
        std::iter::successors(Some(ty), |ty| self.ty(*ty).parent)
    }

    /// Returns the names of the known properties of an object in an instance: those that are read, those that contain
    /// other instances, and those that `@ignore` names. `object` is the pointer from the instance to the object.
    ///
    /// A group of properties knows those of its object, too.
    pub fn known_properties(&self, ty: TypeId, object: &[String]) -> impl Iterator<Item = &str> {
        let (ty, object) = self.in_type(ty, object);
        self.declared_properties(ty, &object)
    }

    /// Returns the properties of an object of an instance that `@total` and `@more` of its lists name.
    pub fn marker_properties(&self, ty: TypeId, object: &[String]) -> impl Iterator<Item = &str> {
        let lists = self.types.iter().filter(move |list| list.parent == Some(ty));
        let markers = lists.flat_map(|list| list.total.iter().chain(&list.more));
        markers.filter_map(move |marker| marker.strip_prefix(object)?.first()).map(String::as_str)
    }

    /// Returns whether the schema declares or ignores a property with a name, at any place.
    pub fn has_property(&self, name: &str) -> bool {
        fn in_value(ty: &Ty, name: &str) -> bool {
            match ty {
                Ty::Set(element) => in_value(element, name),
                Ty::Record(members) => members.iter().any(|member| member.name == name || in_value(&member.ty, name)),
                _ => false,
            }
        }
        let in_type = |ty: &EntityType| {
            let is_field = |field: &FieldNode| {
                field.children.iter().any(|(child, _)| child == name) || field.ignored.iter().any(|it| it == name)
            };
            let is_read = |slot: &Slot| slot.each.iter().flatten().any(|step| step == name) || in_value(&slot.ty, name);
            ty.fields.iter().any(is_field) || ty.slots.iter().any(is_read)
        };
        self.types.iter().any(in_type)
            || self.paths.iter().any(|path| path.children.iter().any(|(child, _)| child == name))
    }

    /// Returns the type that declares the properties of an object, and the pointer to it: for a group of properties, the
    /// type around it.
    fn in_type<'o>(&self, ty: TypeId, object: &'o [String]) -> (TypeId, Cow<'o, [String]>) {
        let declared = self.ty(ty);
        let (Some(groups), Some(parent)) = (declared.groups(), declared.parent) else { return (ty, object.into()) };
        match object.split_first() {
            None => (parent, self.way_to_groups(ty).into()),
            Some((first, rest)) => {
                let part = groups.list.iter().find_map(|group| group.part(first)).unwrap_or(first);
                (ty, [&[part.to_owned()], rest].concat().into())
            }
        }
    }

    /// Returns the pointer from the instances around groups of properties to their object.
    pub fn way_to_groups(&self, ty: TypeId) -> Vec<String> {
        let declared = self.ty(ty);
        let outer = declared.parent.and_then(|parent| self.ty(parent).path()).map_or(0, |path| path.0.len());
        let steps = declared.path().and_then(|path| path.0.get(outer..)).unwrap_or_default();
        let property = |step: &Step| match step {
            Step::Property(name) => Some(name.clone()),
            Step::Each | Step::Groups(_) => None,
        };
        steps.iter().filter_map(property).collect()
    }

    /// Returns whether an object has a property that a type declares, or a misspelling of one, so that it may be an instance
    /// of the type. Any object may be if the type declares none. `has` states whether the object has a property with a name
    /// that a test accepts, and `node` is the place of the instances.
    pub fn has_declared(&self, node: PathId, ty: TypeId, has: impl Fn(&dyn Fn(&str) -> bool) -> bool) -> bool {
        let declared = self.ty(ty);
        let fields = declared.fields.first().map_or(&[][..], |node| &node.children);
        let paths = &self.paths[node].children;
        let fields = || fields.iter().map(|(name, _)| name.as_str());
        let names = || fields().chain(paths.iter().map(|(name, _)| name.as_str()));
        let nodes = &self.paths[node].groups;
        let groups = || nodes.iter().filter_map(|node| self.ty(self.paths[*node].ty?).groups());
        if names().next().is_none() && nodes.is_empty() && declared.key.is_none() {
            return true;
        }
        let only = declared.only.as_ref().and_then(|only| only.property.first());
        let is_key = |name: &str| declared.key_names().any(|key| key == name) || only.is_some_and(|only| only == name);
        let in_group = |name: &str| groups().any(|groups| groups.group_of(name).is_some());
        has(&|name| is_key(name) || names().any(|declared| declared == name) || in_group(name))
            || has(&|name| misspelling(name, names()).is_some())
    }

    /// Returns the names of the properties that a type declares in an object, and those of groups in it.
    pub fn declared_properties(&self, ty: TypeId, object: &[String]) -> impl Iterator<Item = &str> + use<'_> {
        let groups = self.path_at(ty, object).into_iter().flat_map(|path| &path.group_names).map(String::as_str);
        self.own_properties(ty, object).chain(groups)
    }

    /// Returns the names of the properties that a type declares in an object, without groups.
    pub fn own_properties(&self, ty: TypeId, object: &[String]) -> impl Iterator<Item = &str> + use<'_> {
        let fields = &self.ty(ty).fields;
        let field = field_at(fields, object).and_then(|at| fields.find(at));
        let path = self.path_at(ty, object);
        let fields = field.into_iter().flat_map(|field| &field.children).map(|(name, _)| name.as_str());
        let paths = path.into_iter().flat_map(|path| &path.children).map(|(name, _)| name.as_str());
        fields.chain(paths).chain(field.into_iter().flat_map(|field| &field.ignored).map(String::as_str))
    }

    /// Returns the groups of properties of an object, of all types.
    pub fn groups_in(&self, ty: TypeId, object: &[String]) -> impl Iterator<Item = &Group> + Clone + use<'_> {
        let (ty, object) = self.in_type(ty, object);
        let nodes = self.path_at(ty, &object).map_or(&[][..], |path| &path.groups);
        let groups = nodes.iter().filter_map(|node| self.ty(self.paths.find(*node)?.ty?).groups());
        groups.flat_map(|groups| &groups.list)
    }

    /// Returns the node of an object in the tree of paths.
    pub fn path_at(&self, ty: TypeId, object: &[String]) -> Option<&PathNode> {
        let below = |children: &[(String, PathId)], step: &String| {
            children.iter().find(|(name, _)| name == step).map(|(_, child)| *child)
        };
        let start = self.path_of.find(ty).copied().flatten()?;
        let at = object.iter().try_fold(start, |at, step| below(&self.paths.find(at)?.children, step))?;
        self.paths.find(at)
    }

    /// Returns whether the properties of an object in an instance are Cedar tags.
    pub fn are_tags(&self, ty: TypeId, object: &[String]) -> bool {
        let (ty, object) = self.in_type(ty, object);
        let declared = self.ty(ty);
        let tags = declared.tags.and_then(|slot| declared.slots.find(slot)).and_then(|slot| slot.origin.pointer());
        tags == Some(&*object)
    }

    /// Returns whether an element of a list may be an instance of both of two types of the list.
    pub fn may_share(&self, one: TypeId, other: TypeId) -> bool {
        match (&self.ty(one).only, &self.ty(other).only) {
            (Some(one), Some(other)) => !one.excludes(other),
            _ => true,
        }
    }

    /// Returns the types of a list, by the place of the elements of one of them.
    pub fn types_of_list(&self, element: PathId) -> impl Iterator<Item = (PathId, TypeId)> {
        let list = self.paths.find(element).and_then(|node| self.paths.find(node.list?));
        let all = list.map_or(&[][..], |list| &list.each);
        all.iter().filter_map(|element| Some((*element, self.paths.find(*element)?.ty?)))
    }

    /// Returns the place of the instances of a type in words, such as `at /users/*, where kind is "human"`.
    pub fn described_place(&self, ty: TypeId) -> String {
        let declared = self.ty(ty);
        match declared.path().map(Pattern::to_text).filter(|place| !place.is_empty()) {
            Some(place) => match &declared.only {
                Some(only) => format!("at {place}, where {only}"),
                None => format!("at {place}"),
            },
            None => "the document itself".to_owned(),
        }
    }

    /// Returns the properties from the instances of a type to a node of the tree of paths; `None` if the node is in
    /// another instance.
    pub fn way_to(&self, ty: TypeId, node: PathId) -> Option<Vec<String>> {
        fn find(model: &Model, at: PathId, node: PathId, way: &mut Vec<String>) -> bool {
            if at == node {
                return true;
            }
            model.paths.find(at).into_iter().flat_map(|tree| &tree.children).any(|(name, child)| {
                way.push(name.clone());
                let found = find(model, *child, node, way);
                if !found {
                    way.pop();
                }
                found
            })
        }
        let mut way = Vec::new();
        find(self, self.path_of.find(ty).copied().flatten()?, node, &mut way).then_some(way)
    }

    /// Returns whether this is a [model of requests](Model::of_action). Every text is an id there.
    pub fn is_of_action(&self) -> bool {
        self.ty(self.root).name.is_empty()
    }

    /// Returns the name of a type without its namespace, or with it if another type has the same name without it. A type
    /// with instances keeps its name without namespace if the others have no instances.
    pub fn short_name(&self, id: TypeId) -> &str {
        let name = self.ty(id).name.as_str();
        if self.shared_names.contains(&id) { name } else { without_namespace(name) }
    }

    /// Returns whether values of a type can have words that an open enumerated type does not list.
    pub fn is_open(&self, ty: &Ty) -> bool {
        match ty {
            Ty::Entity(id) => self.ty(*id).open,
            Ty::Set(element) => self.is_open(element),
            Ty::Record(members) => members.iter().any(|member| self.is_open(&member.ty)),
            _ => false,
        }
    }

    /// Returns whether values of a type refer to instances.
    pub fn refers(&self, ty: &Ty) -> bool {
        match ty {
            Ty::Entity(target) => self.ty(*target).choices().is_none(),
            Ty::Set(element) => self.refers(element),
            Ty::Record(members) => members.iter().any(|member| self.refers(&member.ty)),
            _ => false,
        }
    }

    /// Returns a type in Cedar's syntax.
    pub fn show(&self, ty: &Ty) -> String {
        match ty {
            Ty::Bool => "Bool".into(),
            Ty::Long => "Long".into(),
            Ty::String => "String".into(),
            Ty::Decimal => "decimal".into(),
            Ty::Datetime => "datetime".into(),
            Ty::Duration => "duration".into(),
            Ty::Ip => "ipaddr".into(),
            Ty::Entity(id) => self.short_name(*id).to_owned(),
            Ty::Set(element) => format!("Set<{}>", self.show(element)),
            Ty::Record(_) => "record".into(),
        }
    }
}

/// Returns the name of a type without its namespace.
pub(crate) fn without_namespace(name: &str) -> &str {
    name.rsplit("::").next().unwrap_or(name)
}

impl EntityType {
    /// Returns a type with a name and a kind, without attributes.
    pub(super) fn new(name: impl Into<SmolStr>, kind: EntityKind) -> Self {
        Self {
            name: name.into(),
            kind,
            parent: None,
            key: None,
            further_keys: FurtherKeys::default(),
            key_fields: Vec::new(),
            expect: Vec::new(),
            list_defaults: ListDefaults::default(),
            total: None,
            more: None,
            one_or_many: false,
            only: None,
            closed: false,
            is_evidence: false,
            open: false,
            former: Vec::new(),
            version: None,
            is_parameter_scope: false,
            doc: None,
            span: Span::default(),
            attributes: Vec::new(),
            slots: IdVec::new(),
            fields: IdVec::new(),
            tags: None,
            memberships: Vec::new(),
            parameters: Vec::new(),
            groups: Vec::new(),
        }
    }

    /// Returns a slot of the type.
    pub fn slot(&self, slot: SlotId) -> &Slot {
        &self.slots[slot]
    }

    /// Returns the top-level attribute with a name.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }

    /// Returns the `@doc` of the attribute that a slot stores.
    pub fn doc_of(&self, slot: SlotId) -> Option<&SmolStr> {
        if let Some(parameter) = self.parameters.iter().find(|parameter| parameter.slot == slot) {
            return parameter.doc.as_ref();
        }
        let (first, rest) = self.slots[slot].path.split_first()?;
        rest.iter().try_fold(self.attribute(first)?, Attribute::member)?.doc.as_ref()
    }

    /// Returns the pointers to the properties of an id, in their order.
    pub fn keys(&self) -> impl Iterator<Item = &[String]> {
        let (FurtherKeys::Fallbacks(further) | FurtherKeys::Parts(further)) = &self.further_keys;
        self.key.iter().chain(further).map(Vec::as_slice)
    }

    /// Returns whether an id consists of several properties.
    pub fn has_composite_key(&self) -> bool {
        matches!(self.further_keys, FurtherKeys::Parts(_))
    }

    /// Returns the names of properties of which an instance has at least one.
    pub fn key_names(&self) -> impl Iterator<Item = &str> {
        let several = if self.has_composite_key() { 1 } else { usize::MAX };
        self.keys().take(several).filter_map(|key| key.first()).map(String::as_str)
    }

    /// Returns the choices of an enumerated type or the actions of an action type.
    pub fn choices(&self) -> Option<&[SmolStr]> {
        match &self.kind {
            EntityKind::Enumerated(choices) | EntityKind::Actions(choices) => Some(choices),
            EntityKind::Rows(_) => None,
        }
    }

    /// Returns the pattern of its instances.
    pub fn path(&self) -> Option<&Pattern> {
        match &self.kind {
            EntityKind::Rows(path) => Some(path),
            _ => None,
        }
    }

    /// Returns the groups of properties that its instances are, if they are.
    pub fn groups(&self) -> Option<&Groups> {
        match self.path()?.0.last()? {
            Step::Groups(groups) => Some(groups),
            Step::Property(_) | Step::Each => None,
        }
    }

    /// Returns the top-level properties of an instance in a group, by their names in the object.
    pub fn properties_in<'t>(&'t self, group: &'t Group) -> impl Iterator<Item = (String, FieldId)> + 't {
        let fields = self.fields.first().into_iter().flat_map(|node| &node.children);
        fields.map(|(name, field)| (group.name(name), *field))
    }

    /// Returns a place below its instances as a schema writes it: a text that is empty or starts with `/`.
    pub fn place_below(&self, below: &str) -> String {
        let Some(path) = self.path() else { return below.to_owned() };
        match (self.groups(), path.0.split_last()) {
            (Some(groups), Some((_, around))) if !below.is_empty() => {
                let (first, rest) = below
                    .get(1..)
                    .and_then(|below| below.split_once('/'))
                    .unwrap_or((below.get(1..).unwrap_or_default(), ""));
                let rest = if rest.is_empty() { String::new() } else { format!("/{rest}") };
                format!("{}/{}{rest}", Pattern(around.to_vec()).to_text(), groups.with(first))
            }
            _ => format!("{}{below}", path.to_text()),
        }
    }

    /// Returns whether a property of the id of an instance is at a field or below it.
    pub fn leads_to_key(&self, field: FieldId) -> bool {
        self.keys().any(|key| self.leads_to(field, key))
    }

    /// Returns whether the property at a pointer is at a field or below it.
    pub fn leads_to(&self, field: FieldId, pointer: &[String]) -> bool {
        let steps = pointer.iter().scan(FieldId::default(), |at, step| {
            let children = &self.fields.find(*at)?.children;
            *at = children.iter().find(|(name, _)| name == step)?.1;
            Some(*at)
        });
        std::iter::once(FieldId::default()).chain(steps).any(|at| at == field)
    }

    /// Returns whether its instances are scalars: `@key("")`.
    pub fn is_scalar(&self) -> bool {
        self.key.as_ref().is_some_and(Vec::is_empty)
    }

    /// Returns whether an account may have several instances: a step of the path is a list or a group.
    pub fn may_have_several(&self) -> bool {
        self.path().is_some_and(|path| path.0.iter().any(|step| !matches!(step, Step::Property(_))))
    }

    /// Returns whether instances are found under `*`, so that their number is not fixed.
    pub fn is_collection(&self) -> bool {
        self.path().is_some_and(|path| path.0.last() == Some(&Step::Each))
    }
}

/// Returns the node of the properties at a pointer below an instance.
pub(super) fn field_at(fields: &IdVec<FieldId, FieldNode>, pointer: &[String]) -> Option<FieldId> {
    pointer.iter().try_fold(FieldId::default(), |at, step| {
        let child = fields.find(at)?.children.iter().find(|(name, _)| name == step);
        child.map(|(_, child)| *child)
    })
}
