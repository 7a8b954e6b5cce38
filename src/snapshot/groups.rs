//! The plan of reading groups of properties of an object that are instances: `access_key_{1,2}_*` in the schema.

use super::{is_label, is_respelled, misspelling_in_group};
use crate::schema::{EntityType, Model};
use crate::source::pointer::Groups;
use crate::value::TypeId;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

/// The number of undeclared names whose meaning is kept. They are from input.
const MAX_NAMES: usize = 10_000;

/// Bytes of such a name.
const MAX_NAME_BYTES: usize = 64;

/// The names of the properties of an object that has groups of one type.
#[derive(Debug)]
pub(super) struct GroupPlan {
    /// The declared properties of each group.
    pub names: Vec<Vec<String>>,
    /// The groups of these names.
    pub group_of: HashMap<String, usize>,
    /// The properties of the instance around the groups, and of groups of other types.
    around: HashSet<String>,
    /// The groups of other types.
    others: Vec<Groups>,
    /// All names that the schema knows in the object.
    pub known: Vec<String>,
    /// Whether the property `uncaptured` of the object is a statement.
    pub states_uncaptured: bool,
    /// The meanings of undeclared names. Most objects have the same names.
    strangers: Mutex<HashMap<String, Arc<Stranger>>>,
}

impl GroupPlan {
    pub(super) fn new(model: &Model, ty: TypeId) -> Self {
        let declared = model.ty(ty);
        let groups = declared.groups().map_or(&[][..], |groups| &groups.list);
        let names: Vec<Vec<String>> =
            groups.iter().map(|group| declared.properties_in(group).map(|(name, _)| name).collect()).collect();
        let group_of: HashMap<String, usize> = names
            .iter()
            .enumerate()
            .flat_map(|(group, names)| names.iter().map(move |name| (name.clone(), group)))
            .collect();
        let way = model.way_to_groups(ty);
        let is_beside = |other: &TypeId| {
            *other != ty && model.ty(*other).parent == declared.parent && model.way_to_groups(*other) == way
        };
        let others = model.type_ids().filter(is_beside).filter_map(|other| model.ty(other).groups().cloned()).collect();
        let around = declared.parent.into_iter().flat_map(|parent| model.own_properties(parent, &way));
        let is_own = |name: &&str| declared.groups().is_some_and(|groups| groups.group_of(name).is_some());
        Self {
            around: around.filter(|name| !is_own(name)).map(str::to_owned).collect(),
            names,
            group_of,
            others,
            known: model.known_properties(ty, &[]).map(str::to_owned).collect(),
            states_uncaptured: model.states_uncaptured(ty, &[]),
            strangers: Mutex::default(),
        }
    }

    /// Returns whether a property is one of other instances.
    pub(super) fn is_elsewhere(&self, name: &str) -> bool {
        self.around.contains(name) || self.others.iter().any(|groups| groups.group_of(name).is_some())
    }

    /// Returns the meaning of a name that no instance in the object declares.
    pub(super) fn stranger(&self, declared: &EntityType, name: &str) -> Arc<Stranger> {
        let strangers = || self.strangers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = strangers().get(name) {
            return Arc::clone(known);
        }
        let stranger = Arc::new(self.meaning(declared, name));
        let mut strangers = strangers();
        if name.len() <= MAX_NAME_BYTES {
            if strangers.len() >= MAX_NAMES {
                strangers.clear();
            }
            strangers.insert(name.to_owned(), Arc::clone(&stranger));
        }
        stranger
    }

    fn meaning(&self, declared: &EntityType, name: &str) -> Stranger {
        let names = || self.names.iter().flatten();
        let meant = misspelling_in_group(name, names().map(String::as_str));
        let fields = declared.fields.first().into_iter().flat_map(|node| &node.children);
        let parts: Vec<&str> = fields.map(|(name, _)| name.as_str()).collect();
        let groups = declared.groups();
        let list = || groups.into_iter().flat_map(|groups| &groups.list);
        let is_declared = |name: &str| {
            names().any(|declared| declared == name || is_respelled(declared, name))
                || misspelling_in_group(name, names().map(String::as_str)).is_some()
        };
        let further = groups.and_then(|groups| {
            groups
                .other_word(name, &parts)
                .or_else(|| groups.other_label(name))
                .or_else(|| groups.other_number(name, is_declared))
        });
        Stranger {
            label: list().position(|group| is_label(group, name)),
            meant: meant.and_then(|meant| Some((*self.group_of.get(meant)?, meant.to_owned()))),
            respells: names().filter(|declared| is_respelled(declared, name)).cloned().collect(),
            further: further.map(str::to_owned),
        }
    }
}

/// The meaning of an undeclared name in an object with groups.
#[derive(Debug)]
pub(super) struct Stranger {
    /// The property that it is a misspelling of, with its group.
    pub meant: Option<(usize, String)>,
    /// The properties that it is another spelling of.
    pub respells: Vec<String>,
    /// The group that it names as a whole.
    pub label: Option<usize>,
    /// The number or word of a further group.
    pub further: Option<String>,
}
