//! The plan of reading: the work of the split and of the decode that is the same for every snapshot.
//!
//! A pack has one plan, which all of its snapshots share. A type is planned when the first snapshot with an instance of
//! it is read.

use super::groups::GroupPlan;
use super::literal::Literals;
use super::partial;
use super::uncaptured::{self, UNCAPTURED};
use super::{is_label, misspelling_in_group};
use crate::ids::{IdVec, id};
use crate::program::Needed;
use crate::schema::{FieldId, Model, PathId, Slot, SlotId};
use crate::source::json::{Key, Scanner, SyntaxError, UsualKey};
use crate::source::pointer::{Group, Groups};
use crate::source::{NameIndex, is_slip};
use crate::value::TypeId;
use smol_str::SmolStr;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// The number of undeclared names that a layout has of one object. They are from input.
const MAX_NAMES: usize = 256;

/// Bytes of an undeclared name in a layout.
const MAX_NAME_BYTES: usize = 64;

/// The plan of reading snapshots by one model, for some slots.
#[derive(Debug)]
pub(crate) struct ReadPlan {
    reads: BTreeSet<(TypeId, SlotId)>,
    /// The tags that policies read.
    tags: BTreeSet<(TypeId, SmolStr)>,
    literals: Vec<Literals>,
    types: IdVec<TypeId, OnceLock<TypePlan>>,
    /// The groups of properties, by the node of their type.
    groups: IdVec<PathId, OnceLock<GroupPlan>>,
}

impl ReadPlan {
    /// Plans the reading of all attributes, of which those in `reads` are kept.
    pub(crate) fn new(model: &Model, needed: Needed) -> Self {
        let Needed { reads, tags, literals } = needed;
        Self {
            reads,
            tags,
            literals: literals.into_iter().map(|(slot, texts)| Literals::new(slot, texts)).collect(),
            types: model.type_ids().map(|_| OnceLock::new()).collect(),
            groups: model.paths.iter().map(|_| OnceLock::new()).collect(),
        }
    }

    /// Returns the plan of a type of the model that the plan was made for.
    pub(super) fn of(&self, model: &Model, ty: TypeId) -> &TypePlan {
        self.types[ty].get_or_init(|| TypePlan::new(model, ty, &self.reads, &self.tags))
    }

    /// Returns the texts that policies compare with each attribute.
    pub(super) fn literals(&self) -> &[Literals] {
        &self.literals
    }

    /// Returns the plan of the groups of properties of a type, which is at a node.
    pub(super) fn groups(&self, model: &Model, node: PathId, ty: TypeId) -> &GroupPlan {
        self.groups[node].get_or_init(|| GroupPlan::new(model, ty))
    }
}

/// The plan of reading the instances of one type.
#[derive(Debug)]
pub(super) struct TypePlan {
    pub route: Route,
    pub uses: IdVec<SlotId, SlotUse>,
    /// The slots below records of which the states are needed, each record before the slots below it.
    pub below_records: Vec<SlotId>,
    /// The names of tags that policies read.
    pub tags: NameIndex,
    /// Layouts that no task has in hand; at most one for each thread.
    layouts: Mutex<Vec<Layout>>,
}

impl TypePlan {
    fn new(model: &Model, ty: TypeId, reads: &BTreeSet<(TypeId, SlotId)>, tags: &BTreeSet<(TypeId, SmolStr)>) -> Self {
        let slots = &model.ty(ty).slots;
        let kept = slots.ids().map(|slot| reads.contains(&(ty, slot)));
        let mut uses: IdVec<SlotId, SlotUse> =
            kept.map(|kept| if kept { SlotUse::Kept } else { SlotUse::Checked }).collect();
        // A record is read before what is below it.
        let mut order: Vec<SlotId> = slots.ids().collect();
        order.sort_by_key(|at| slots[*at].origin.pointer().map_or(0, <[String]>::len));
        for slot in order.iter().rev().filter(|slot| slots[**slot].is_below_records()) {
            if uses[*slot] != SlotUse::Checked {
                let above = slots[*slot].above.iter().filter(|above| **above != *slot);
                let unkept: Vec<SlotId> = above.copied().filter(|above| uses[*above] == SlotUse::Checked).collect();
                unkept.into_iter().for_each(|above| uses[above] = SlotUse::State);
            }
        }
        let tags = NameIndex::new(tags.iter().filter(|(of, _)| *of == ty).map(|(_, tag)| tag.as_str()));
        order.retain(|slot| slots[*slot].is_below_records() && uses[*slot] != SlotUse::Checked);
        Self { route: Route::new(model, ty), uses, below_records: order, tags, layouts: Mutex::default() }
    }

    /// Returns a layout, which may be that of rows of another snapshot.
    pub(super) fn layout(&self) -> Layout {
        self.layouts().pop().unwrap_or_else(|| Layout::new(&self.route))
    }

    /// Takes a layout back for the next task.
    pub(super) fn keep(&self, layout: Layout) {
        self.layouts().push(layout);
    }

    fn layouts(&self) -> MutexGuard<'_, Vec<Layout>> {
        self.layouts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The use of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SlotUse {
    /// A policy reads it.
    Kept,
    /// The state of a slot below it depends on its state.
    State,
    /// Its values are only checked.
    Checked,
}

impl Slot {
    /// Returns whether the state of a value whose object is missing depends on the states of the records above it.
    pub(super) fn is_below_records(&self) -> bool {
        !self.above.is_empty() && self.origin.pointer().is_some()
    }
}

id! {
    /// A place in a row.
    pub(super) struct StopId(u32)
}

/// The objects in a row of one type whose properties are read.
#[derive(Debug)]
pub(super) struct Route {
    /// The first is the row itself.
    pub stops: IdVec<StopId, Stop>,
    /// The stops of rows: one, or one for each group of properties.
    pub rows: Vec<StopId>,
}

/// A place in a row: a node of the type's fields, of the path tree, or of both.
#[derive(Debug)]
pub(super) struct Stop {
    /// The property that leads here.
    pub name: String,
    /// Its key as it is usually written.
    key: Option<UsualKey>,
    pub field: Option<FieldId>,
    /// Whether a node of the path tree is here.
    pub is_path: bool,
    /// Stops below. Those that are fields come first.
    pub children: Vec<StopId>,
    /// Their names, for the search of misspellings. Most objects have no undeclared name.
    child_names: OnceLock<NameIndex>,
    /// Whether the value is read here.
    pub read: bool,
    /// Whether the value is an object whose properties are read.
    pub leads_on: bool,
    /// Whether the value is a list of instances of other types.
    pub list: bool,
    /// Whether the value is an instance of another type.
    pub instance: bool,
    /// All properties that the schema knows in an object here.
    pub known: Vec<String>,
    /// The group of properties that the row is.
    pub group: Option<Group>,
    /// Whether the property `uncaptured` of an object here names properties that were not captured.
    pub states_uncaptured: bool,
    /// Groups of properties of the object here, which are instances of other types.
    groups: Vec<Groups>,
    /// All groups of properties of the type, if the row is one of them.
    all_groups: Option<Groups>,
    /// Properties that `@ignore` names.
    ignored: Vec<String>,
    /// Whether the property `partial` of the object lists partial lists.
    pub lists_partial: bool,
}

impl Route {
    fn new(model: &Model, ty: TypeId) -> Self {
        let mut route = Self { stops: IdVec::new(), rows: Vec::new() };
        let declared = model.ty(ty);
        let field = (!declared.fields.is_empty()).then(FieldId::default);
        let groups = declared.groups().map_or(&[][..], |groups| &groups.list);
        for group in groups.iter().map(Some).chain(groups.is_empty().then_some(None)) {
            let row = route.add(model, ty, (&[], group), field, model.path_of[ty]);
            route.rows.push(row);
        }
        route
    }

    fn add(
        &mut self,
        model: &Model,
        id: TypeId,
        (way, group): (&[String], Option<&Group>),
        field: Option<FieldId>,
        path: Option<PathId>,
    ) -> StopId {
        let ty = model.ty(id);
        let is_row = way.is_empty();
        let groups = path.into_iter().flat_map(|path| &model.paths[path].groups);
        let groups = groups.filter_map(|node| model.ty(model.paths[*node].ty?).groups().cloned()).collect();
        let (node, tree) = (field.map(|field| &ty.fields[field]), path.map(|path| &model.paths[path]));
        let name = way.last().cloned().unwrap_or_default();
        let at = self.stops.push(Stop {
            key: UsualKey::of(&name),
            name,
            field,
            is_path: path.is_some(),
            known: model.stateable_properties(id, way).map(str::to_owned).collect(),
            states_uncaptured: model.states_uncaptured(id, way),
            group: group.cloned(),
            groups,
            all_groups: group.and_then(|_| ty.groups().cloned()),
            ignored: node.map_or(Vec::new(), |node| node.ignored.clone()),
            lists_partial: self.stops.is_empty() && id == model.root && partial::is_reserved(model),
            children: Vec::new(),
            child_names: OnceLock::new(),
            read: node.is_some_and(|node| !node.slots.is_empty() || node.key),
            leads_on: node.is_some_and(|node| !node.children.is_empty() || !node.presence.is_empty())
                || tree.is_some_and(|tree| !tree.children.is_empty() || !tree.groups.is_empty()),
            list: tree.is_some_and(|tree| !tree.each.is_empty()),
            instance: !is_row && field.is_none() && tree.is_some_and(|tree| tree.ty.is_some()),
        });
        if self.stops[at].instance {
            return at;
        }
        let fields = node.map_or(&[][..], |node| &node.children);
        let paths = tree.map_or(&[][..], |tree| &tree.children);
        for (name, child) in fields {
            let path = paths.iter().find(|(other, _)| other == name).map(|(_, path)| *path);
            let name = group.map_or_else(|| name.clone(), |group| group.name(name));
            let way = [way, &[name]].concat();
            let stop = self.add(model, id, (&way, None), Some(*child), path);
            self.stops[at].children.push(stop);
        }
        for (name, path) in paths.iter().filter(|(name, _)| !fields.iter().any(|(other, _)| other == name)) {
            let way = [way, std::slice::from_ref(name)].concat();
            let stop = self.add(model, id, (&way, None), None, Some(*path));
            self.stops[at].children.push(stop);
        }
        at
    }

    /// Returns the names of the children of a stop.
    pub(super) fn children(&self, stop: StopId) -> impl Iterator<Item = &str> + Clone {
        self.stops[stop].children.iter().map(|child| self.stops[*child].name.as_str())
    }

    fn child(&self, stop: StopId, child: usize) -> Option<&Stop> {
        self.stops[stop].children.get(child).map(|child| &self.stops[*child])
    }

    /// Returns the meaning of an undeclared name in an object.
    fn undeclared(&self, at: StopId, name: &str) -> Undeclared {
        let lists_partial = self.stops[at].lists_partial;
        let may_list_partial = lists_partial && (name == partial::PARTIAL || partial::is_like(name));
        Undeclared { meaning: self.meaning(at, name), may_list_partial }
    }

    fn meaning(&self, at: StopId, name: &str) -> Meaning {
        let stop = &self.stops[at];
        if stop.states_uncaptured && name == UNCAPTURED {
            return Meaning::Statement;
        }
        if stop.lists_partial && name == partial::PARTIAL || stop.is_ignored(name) {
            return Meaning::Ignored;
        }
        let near = self.near(at, name);
        // An attribute of the row may read a property of a group.
        if near.is_empty() && stop.is_in_groups(name) {
            return Meaning::Ignored;
        }
        let first = near.iter().next().and_then(|near| self.child(at, near));
        Meaning::Other {
            // A property of a group of the row, of another group, or of the object around the groups, is one of other instances.
            is_own: match &stop.group {
                Some(group) => group.part(name).is_some(),
                None => !stop.is_in_groups(name),
            },
            near,
            is_slip: first.is_some_and(|child| is_slip(name, &child.name)),
            is_label: stop.groups.iter().flat_map(|groups| &groups.list).any(|group| is_label(group, name)),
            is_like_statement: first.is_none() && stop.states_uncaptured && uncaptured::is_like(name),
        }
    }

    /// Returns the children that an undeclared name is a misspelling of, or the one that it begins: then a `.` in its path
    /// probably separates two steps.
    fn near(&self, at: StopId, name: &str) -> Near {
        let begins = |child: &str| child.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
        let place = |near: &str| self.children(at).position(|child| child == near);
        let stop = &self.stops[at];
        let mut near: Vec<usize> = match &stop.group {
            Some(_) => misspelling_in_group(name, self.children(at)).and_then(place).into_iter().collect(),
            None => stop.child_names.get_or_init(|| NameIndex::new(self.children(at))).misspellings(name),
        };
        if near.is_empty() && !stop.groups.is_empty() {
            let in_groups = self.children(at).filter(|child| stop.is_in_groups(child));
            near.extend(misspelling_in_group(name, in_groups).and_then(place));
        }
        if near.is_empty() {
            near.extend(self.children(at).position(begins));
        }
        Near::new(near)
    }
}

impl Stop {
    /// Returns the groups of properties of the object here: the one that the row is, or all that are instances of other types.
    pub(super) fn groups(&self) -> impl Iterator<Item = &Group> + Clone {
        self.groups.iter().flat_map(|groups| &groups.list).chain(&self.group)
    }

    /// Returns whether a property is in a group of properties of the object here.
    fn is_in_groups(&self, name: &str) -> bool {
        self.groups.iter().any(|groups| groups.group_of(name).is_some())
    }

    /// Returns whether `@ignore` in the schema names a property, or it is a declared one of other instances: of a group of properties
    /// or, in a group, of another one or of the object around them.
    fn is_ignored(&self, name: &str) -> bool {
        let name = match &self.group {
            Some(group) => match group.part(name) {
                Some(part) => part,
                None => {
                    return self.all_groups.as_ref().is_some_and(|groups| groups.group_of(name).is_some())
                        || self.known.iter().any(|known| known == name);
                }
            },
            None if self.is_in_groups(name) => return self.known.iter().any(|known| known == name),
            None => name,
        };
        self.ignored.iter().any(|ignored| ignored == name)
    }
}

/// An undeclared property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Undeclared {
    pub meaning: Meaning,
    /// Whether it is the property `partial` of the document, or may be meant to be.
    pub may_list_partial: bool,
}

/// The declared properties that an undeclared one may be meant to be, by their places among the children of the stop; those with
/// the fewest slips first. The object may have the first, and lack another one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Near(Option<Arc<[usize]>>);

impl Near {
    /// Takes places.
    fn new(places: Vec<usize>) -> Self {
        Self((!places.is_empty()).then(|| places.into()))
    }

    /// Returns whether there is no such property.
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Returns the places.
    pub(super) fn iter(&self) -> impl Iterator<Item = usize> + Clone {
        self.0.iter().flat_map(|places| &**places).copied()
    }
}

/// The meaning of an undeclared property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Its value names properties that were not captured.
    Statement,
    /// The schema knows it, and no attribute reads it.
    Ignored,
    Other {
        /// Whether it is a property of this instance.
        is_own: bool,
        /// The children that it is a misspelling of.
        near: Near,
        /// Whether the misspelling of the first of them has a slip of letters.
        is_slip: bool,
        /// Whether it has the name of a group of properties that are an instance of another type.
        is_label: bool,
        /// Whether `uncaptured` may be meant.
        is_like_statement: bool,
    },
}

/// The order of the properties in rows that were decoded before, and the undeclared names in them. Most rows have the
/// layout of the one before them. A layout decides only which names are compared first, so no result depends on it.
#[derive(Debug)]
pub(super) struct Layout(IdVec<StopId, ObjectLayout>);

#[derive(Debug)]
struct ObjectLayout {
    /// For every child, and for the start of the object, the property that followed it last time.
    after: Vec<Property>,
    /// Undeclared names.
    others: Vec<OtherName>,
    /// The places of the undeclared names.
    by_name: HashMap<SmolStr, usize>,
}

#[derive(Debug)]
struct OtherName {
    name: SmolStr,
    key: Option<UsualKey>,
    undeclared: Undeclared,
    /// The property that followed it last time.
    after: Property,
}

/// A property of an object, by its place among the children of the stop or among the undeclared names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Property {
    Child(usize),
    Other(usize),
}

/// A property of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// A declared one, by its place among the children of the stop.
    Child(usize),
    Undeclared(Undeclared),
}

/// The last property of an object that was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Last(Option<Property>);

impl Last {
    /// The start of the object.
    pub(super) const START: Self = Self(None);
}

impl Layout {
    fn new(route: &Route) -> Self {
        let object = |stop: &Stop| ObjectLayout {
            after: vec![Property::Child(0); stop.children.len() + 1],
            others: Vec::new(),
            by_name: HashMap::new(),
        };
        Self(route.stops.iter().map(object).collect())
    }

    /// Reads the next key of an object at a stop, and returns it with the property that it names. The one that followed
    /// `last` before is tried first.
    ///
    /// # Errors
    /// If no key follows.
    pub(super) fn read<'a>(
        &mut self,
        route: &Route,
        at: StopId,
        last: &mut Last,
        scanner: &mut Scanner<'a>,
    ) -> Result<(Key<'a>, Found), SyntaxError> {
        let object = &self.0[at];
        let guess = object.guess(*last);
        let (name, usual) = match guess {
            Property::Child(child) => {
                let child = route.child(at, child);
                (child.map(|stop| stop.name.as_str()), child.and_then(|stop| stop.key.as_ref()))
            }
            Property::Other(other) => {
                let other = object.others.get(other);
                (other.map(|other| other.name.as_str()), other.and_then(|other| other.key.as_ref()))
            }
        };
        let guessed = || match guess {
            Property::Child(child) => Found::Child(child),
            Property::Other(other) => match object.others.get(other) {
                Some(other) => Found::Undeclared(other.undeclared.clone()),
                None => Found::Child(0),
            },
        };
        if let Some(key) = usual.and_then(|usual| scanner.key_if(usual)) {
            *last = Last(Some(guess));
            return Ok((key, guessed()));
        }
        let key = scanner.key()?;
        if name.is_some() && key.plain() == name {
            *last = Last(Some(guess));
            return Ok((key, guessed()));
        }
        Ok((key, self.find(route, at, last, &key)))
    }

    /// Returns the property of an object at a stop that a key names.
    fn find(&mut self, route: &Route, at: StopId, last: &mut Last, key: &Key<'_>) -> Found {
        let object = &mut self.0[at];
        let name = key.text();
        if let Some(child) = route.children(at).position(|child| child == name) {
            object.follow(last, Property::Child(child));
            return Found::Child(child);
        }
        if let Some((place, other)) = object.by_name.get(&*name).and_then(|at| Some((*at, object.others.get(*at)?))) {
            let undeclared = other.undeclared.clone();
            object.follow(last, Property::Other(place));
            return Found::Undeclared(undeclared);
        }
        let undeclared = route.undeclared(at, &name);
        if name.len() <= MAX_NAME_BYTES {
            let place = object.remember(&name, undeclared.clone());
            object.follow(last, Property::Other(place));
        }
        Found::Undeclared(undeclared)
    }
}

impl ObjectLayout {
    /// Returns the property that followed another one last time.
    fn guess(&self, last: Last) -> Property {
        let after = match last.0 {
            None => self.after.last(),
            Some(Property::Child(child)) => self.after.get(child),
            Some(Property::Other(other)) => self.others.get(other).map(|other| &other.after),
        };
        after.copied().unwrap_or(Property::Child(0))
    }

    /// Records that a property follows the last one.
    fn follow(&mut self, last: &mut Last, property: Property) {
        let after = match last.0 {
            None => self.after.last_mut(),
            Some(Property::Child(child)) => self.after.get_mut(child),
            Some(Property::Other(other)) => self.others.get_mut(other).map(|other| &mut other.after),
        };
        if let Some(after) = after {
            *after = property;
        }
        *last = Last(Some(property));
    }

    /// Adds an undeclared name, in place of all others if there are many. Returns its place.
    fn remember(&mut self, name: &str, undeclared: Undeclared) -> usize {
        if self.others.len() >= MAX_NAMES {
            self.others.clear();
            self.by_name.clear();
        }
        let (key, name, place) = (UsualKey::of(name), SmolStr::new(name), self.others.len());
        self.by_name.insert(name.clone(), place);
        self.others.push(OtherName { name, key, undeclared, after: Property::Child(0) });
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Schema;
    use crate::snapshot::{Limits, Snapshot};
    use crate::source::Source;

    const SCHEMA: &str = r#"
        @path("") entity Lab = { open: Bool };
        @path("/people/*") @key("name") entity Person in [Lab] = { name: String, age: Long };
        action audit appliesTo { principal: [Lab], resource: [Lab, Person], context: {} };
    "#;

    fn schema() -> std::sync::Arc<Schema> {
        let (schema, problems) = Schema::parse(&Source::new("lab.cedarschema", SCHEMA).unwrap());
        assert!(problems.is_empty(), "{problems:?}");
        std::sync::Arc::new(schema.unwrap())
    }

    /// Returns what a layout finds for the names in an object of a person.
    fn find(layout: &mut Layout, route: &Route, object: &str) -> Vec<Found> {
        let (mut last, mut found) = (Last::START, Vec::new());
        let walked = Scanner::new(object).properties(|scanner| {
            let (key, property) = layout.read(route, route.rows[0], &mut last, scanner)?;
            assert_eq!(property, layout.find(route, route.rows[0], &mut last.clone(), &key), "{object}");
            found.push(property);
            scanner.skip().map(|_| ())
        });
        walked.unwrap();
        found
    }

    #[test]
    fn a_layout_does_not_change_what_a_name_means() {
        let schema = schema();
        let plan = ReadPlan::new(&schema.model, Needed::default());
        let person = schema.model.type_named("Person").unwrap();
        let route = &plan.of(&schema.model, person).route;
        let mut layout = Layout::new(route);
        let objects = [
            r#"{"name": 1, "shoe": 2, "age": 3, "agee": 4}"#,
            r#"{"shoe": 2, "name": 1, "agee": 4, "age": 3}"#,
            r#"{"name" : 1, "shoe" : 2, "age" : 3, "ageee": 4}"#,
            r#"{"age": 3, "\u0061ge": 3, "sh\u006fe": 2, "uncaptured": 5, "uncaptred": 6}"#,
        ];
        for object in objects.iter().chain(&objects) {
            let fresh = find(&mut Layout::new(route), route, object);
            assert_eq!(find(&mut layout, route, object), fresh, "{object}");
        }
        let found = find(&mut layout, route, objects[0]);
        let meaning = |found: Found| match found {
            Found::Undeclared(undeclared) => undeclared.meaning,
            Found::Child(_) => panic!("{found:?}"),
        };
        let Meaning::Other { near, is_own: true, .. } = meaning(found[1].clone()) else { panic!("{found:?}") };
        assert!(near.is_empty());
        let Meaning::Other { near, .. } = meaning(found[3].clone()) else { panic!("{found:?}") };
        let near = near.iter().next().unwrap();
        assert_eq!(found[2], Found::Child(near));
    }

    #[test]
    fn the_names_of_a_layout_are_bounded() {
        let schema = schema();
        let plan = ReadPlan::new(&schema.model, Needed::default());
        let person = schema.model.type_named("Person").unwrap();
        let route = &plan.of(&schema.model, person).route;
        let mut layout = Layout::new(route);
        let names = |long: &str| (0..1000).map(|at| format!("\"x{long}{at}\": 0")).collect::<Vec<_>>().join(", ");
        find(&mut layout, route, &format!("{{{}}}", names("")));
        let row = &layout.0[route.rows[0]];
        assert!(row.others.len() <= MAX_NAMES && row.others.len() == row.by_name.len() && !row.others.is_empty());
        let mut layout = Layout::new(route);
        find(&mut layout, route, &format!("{{{}}}", names(&"y".repeat(MAX_NAME_BYTES))));
        assert!(layout.0[route.rows[0]].others.is_empty());
    }

    #[test]
    fn snapshots_of_one_plan_are_read_as_alone() {
        let schema = schema();
        let plan = ReadPlan::new(&schema.model, Needed::default());
        let texts = [
            r#"{"open": true, "people": [{"name": "a", "age": 1, "shoe": 1}, {"name": "b", "agee": 1, "shoe": 1}]}"#,
            r#"{"people": [], "opne": true}"#,
            r#"{"people": [{"name": "a", "shoe": 1, "agee": 1, "age": 2}], "open": false, "opne": true}"#,
        ];
        for text in texts.iter().chain(&texts) {
            let source = Source::new("lab.json", *text).unwrap();
            let (shared, found) = Snapshot::planned(&source, &schema.model, &plan, None, &Limits::default());
            let (alone, expected) = Snapshot::read(&source, &schema.model, &BTreeSet::new(), &Limits::default());
            assert_eq!(found, expected, "{text}");
            let others = |snapshot: Option<Snapshot>| snapshot.map(|snapshot| snapshot.other_properties);
            assert_eq!(others(shared), others(alone), "{text}");
        }
    }
}
