//! Random states of an account: instances with values, the parts that are not captured, and other values of these parts.
//!
//! A world is written as JSON for Deodar and turned into Cedar entities for the official evaluator. The two ways share
//! nothing but the world.

use super::blueprint::{Blueprint, Field, From, Kind, Place, WORDS, Way};
use super::choices::Choices;
use cedar_policy::{Entities, Entity, EntityId, EntityTypeName, EntityUid, RestrictedExpression};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::str::FromStr;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Datum {
    Bool(bool),
    Long(i64),
    Text(String),
    Decimal(i64),
    Datetime(i64),
    Duration(i64),
    Ip(String),
    /// The instance of a type with a key, in the scope around the holder.
    Refers(usize, String),
    Choice(usize, &'static str),
    Set(Vec<Datum>),
    Record(BTreeMap<String, Datum>),
}

/// An instance, by its number in a world.
pub type Uid = usize;

/// An instance of an entity type.
#[derive(Debug, Clone)]
pub struct Instance {
    pub type_idx: usize,
    pub parent: Option<Uid>,
    pub key: String,
    pub fields: BTreeMap<String, Datum>,
    pub tags: BTreeMap<String, Datum>,
}

/// The state of an account.
#[derive(Debug, Clone, Default)]
pub struct World {
    /// By number; parents before children.
    pub instances: BTreeMap<Uid, Instance>,
    /// The number of the next instance.
    next: Uid,
    /// Whether references may dangle.
    may_dangle: bool,
}

/// The missing data of a world.
#[derive(Debug, Clone, Default)]
pub struct Blanks {
    /// Values, by holder and path; of records and sets also single members and elements.
    pub values: BTreeSet<(Uid, Vec<String>)>,
    /// Lists, by parent and type.
    pub lists: BTreeSet<(Uid, usize)>,
    /// Instances that are null.
    pub instances: BTreeSet<Uid>,
}

const TAGS: &str = "#tags";
pub const KEYS: [&str; 6] = ["a", "b", "c", "s/t", "é\"", "9"];
pub const TEXTS: [&str; 9] = ["a", "b", "ab", "", "a*b", "é\"\\", "red", "x\ny", "A"];
pub const TAG_KEYS: [&str; 3] = ["k", "a", "é"];
pub const LONGS: [i64; 12] = [0, 1, 2, 3, -1, 5, 10, 100, i64::MAX, i64::MIN, i64::MAX / 2, 3_037_000_500];
pub const DECIMALS: [i64; 7] = [0, 10_000, 5_000, -12_345, 1, i64::MAX, i64::MIN];
pub const DATETIMES: [i64; 9] = [
    0,
    1_788_220_800_000,
    1_788_220_800_001,
    -1,
    86_400_000,
    1_700_000_000_123,
    -62_135_596_800_000,
    253_402_300_799_999,
    -86_400_000,
];
pub const DURATIONS: [i64; 9] = [0, 1, 86_400_000, 3_600_000, -1, 90_061_001, -86_399_999, i64::MAX, i64::MIN];
pub const IPS: [&str; 12] = [
    "10.0.0.1",
    "10.0.0.0/8",
    "10.0.0.1/8",
    "127.0.0.1",
    "127.0.0.0/8",
    "224.0.0.1",
    "0.0.0.0/0",
    "::1",
    "ff00::1/8",
    "2001:db8::1",
    "::/0",
    "127.0.0.0/7",
];

/// Picks one of some values; mostly one of the first `plain`.
pub fn one_of<T: Copy>(choices: &mut Choices<'_>, from: &[T], plain: usize) -> T {
    if choices.one_in(5) { *choices.pick(from) } else { *choices.pick(&from[..plain]) }
}

impl World {
    /// Returns a random complete world.
    pub fn random(choices: &mut Choices<'_>, blueprint: &Blueprint) -> Self {
        let mut world = Self { may_dangle: true, ..Self::default() };
        world.add(choices, blueprint, 0, None, None);
        for uid in world.numbers() {
            world.add_values(choices, blueprint, uid);
        }
        world
    }

    fn numbers(&self) -> Vec<Uid> {
        self.instances.keys().copied().collect()
    }

    /// Adds an instance and all that is nested in it, without values.
    fn add(
        &mut self,
        choices: &mut Choices<'_>,
        blueprint: &Blueprint,
        type_idx: usize,
        parent: Option<Uid>,
        key: Option<String>,
    ) -> Uid {
        let ty = &blueprint.types[type_idx];
        let taken: Vec<&str> = self
            .instances
            .values()
            .filter(|other| other.type_idx == type_idx && other.parent == parent)
            .map(|other| other.key.as_str())
            .collect();
        let key = key.unwrap_or_else(|| match (ty.place, &ty.key) {
            (Place::Array, None) => (0..)
                .map(|index: usize| index.to_string())
                .find(|index| !taken.contains(&index.as_str()))
                .unwrap_or_default(),
            (Place::Fixed, None) => String::new(),
            _ => {
                let first = choices.below(KEYS.len());
                let free = (0..KEYS.len()).map(|at| KEYS[(first + at) % KEYS.len()]).find(|key| !taken.contains(key));
                free.map_or_else(|| format!("k{}", taken.len()), str::to_owned)
            }
        });
        let uid = self.next;
        self.next += 1;
        self.instances.insert(uid, Instance { type_idx, parent, key, fields: BTreeMap::new(), tags: BTreeMap::new() });
        for child in blueprint.children(type_idx) {
            let count = if blueprint.types[child].place == Place::Fixed { 1 } else { *choices.pick(&[1, 2, 0, 3]) };
            for _ in 0..count {
                self.add(choices, blueprint, child, Some(uid), None);
            }
        }
        uid
    }

    /// Gives an instance values of its own.
    fn add_values(&mut self, choices: &mut Choices<'_>, blueprint: &Blueprint, uid: Uid) {
        let type_idx = self.instances[&uid].type_idx;
        let fields = self.record(choices, blueprint, uid, &blueprint.types[type_idx].fields);
        let tags = self.tags(choices, blueprint, uid);
        if let Some(instance) = self.instances.get_mut(&uid) {
            (instance.fields, instance.tags) = (fields, tags);
        }
    }

    fn tags(&self, choices: &mut Choices<'_>, blueprint: &Blueprint, uid: Uid) -> BTreeMap<String, Datum> {
        let Some((_, kind)) = &blueprint.types[self.instances[&uid].type_idx].tags else { return BTreeMap::new() };
        let keys = TAG_KEYS.iter().filter(|_| choices.below(2) == 1).collect::<Vec<_>>();
        keys.into_iter().map(|key| ((*key).to_owned(), self.datum(choices, blueprint, uid, kind))).collect()
    }

    fn record(
        &self,
        choices: &mut Choices<'_>,
        blueprint: &Blueprint,
        holder: Uid,
        fields: &[Field],
    ) -> BTreeMap<String, Datum> {
        let read = fields.iter().filter(|field| field.from == From::Snapshot);
        let there: Vec<&Field> = read.filter(|field| field.required || choices.below(2) == 1).collect();
        there
            .into_iter()
            .map(|field| (field.name.clone(), self.datum(choices, blueprint, holder, &field.kind)))
            .collect()
    }

    /// Returns a random value.
    fn datum(&self, choices: &mut Choices<'_>, blueprint: &Blueprint, holder: Uid, kind: &Kind) -> Datum {
        match kind {
            Kind::Bool => Datum::Bool(choices.below(2) == 1),
            Kind::Long => Datum::Long(one_of(choices, &LONGS, 4)),
            Kind::Text => Datum::Text(one_of(choices, &TEXTS, 4).to_owned()),
            Kind::Decimal => Datum::Decimal(one_of(choices, &DECIMALS, 4)),
            Kind::Datetime => Datum::Datetime(one_of(choices, &DATETIMES, 4)),
            Kind::Duration => Datum::Duration(one_of(choices, &DURATIONS, 4)),
            Kind::Ip => Datum::Ip((*choices.pick(&IPS)).to_owned()),
            Kind::Enum(at) => Datum::Choice(*at, choices.pick_text(&blueprint.enums[*at])),
            Kind::Entity(type_idx) => {
                let scope = self.scope(blueprint, holder, *type_idx);
                let keys: Vec<&String> = self
                    .instances
                    .values()
                    .filter(|other| other.type_idx == *type_idx && other.parent == scope)
                    .map(|other| &other.key)
                    .collect();
                let dangling = keys.is_empty() || (self.may_dangle && choices.one_in(30));
                Datum::Refers(*type_idx, if dangling { "gone".to_owned() } else { (*choices.pick(&keys)).clone() })
            }
            Kind::Set(element) => {
                let count = *choices.pick(&[1, 2, 0, 3]);
                Datum::Set((0..count).map(|_| self.datum(choices, blueprint, holder, element)).collect())
            }
            Kind::Record(fields) => Datum::Record(self.record(choices, blueprint, holder, fields)),
        }
    }

    /// Returns the instance whose list of `of` a reference of `holder` looks into; `None` for the root.
    fn scope(&self, blueprint: &Blueprint, holder: Uid, type_idx: usize) -> Option<Uid> {
        let wanted = blueprint.types[type_idx].parent?;
        self.around(holder).find(|uid| self.instances[uid].type_idx == wanted)
    }

    /// Returns an instance and those it is nested in, innermost first.
    pub fn around(&self, uid: Uid) -> impl Iterator<Item = Uid> {
        std::iter::successors(Some(uid), |uid| self.instances[uid].parent)
    }

    /// Returns the id of an instance as Cedar and Deodar know it.
    pub fn id(&self, uid: Uid) -> String {
        let instance = &self.instances[&uid];
        self.join(instance.parent, &instance.key)
    }

    fn join(&self, scope: Option<Uid>, key: &str) -> String {
        match scope {
            Some(scope) if self.instances[&scope].parent.is_some() => format!("{}/{key}", self.id(scope)),
            _ => key.to_owned(),
        }
    }

    /// Returns the Cedar entity of an instance.
    pub fn uid(&self, blueprint: &Blueprint, uid: Uid) -> EntityUid {
        entity_uid(&blueprint.name(self.instances[&uid].type_idx), &self.id(uid))
    }

    /// Returns the instances of a type in order.
    pub fn instances_of(&self, type_idx: usize) -> impl Iterator<Item = Uid> + '_ {
        self.instances.iter().filter(move |(_, instance)| instance.type_idx == type_idx).map(|(uid, _)| *uid)
    }

    /// Removes some of the world, about `percent` of it.
    pub fn blanks(&self, choices: &mut Choices<'_>, blueprint: &Blueprint, percent: usize) -> Blanks {
        let mut blanks = Blanks::default();
        for (uid, instance) in &self.instances {
            let ty = &blueprint.types[instance.type_idx];
            for child in blueprint.children(instance.type_idx) {
                if choices.percent(percent / 2) {
                    blanks.lists.extend(blueprint.sharing(child).map(|child| (*uid, child)));
                }
            }
            if instance.parent.is_some() && choices.percent(percent / 4) {
                blanks.instances.insert(*uid);
            }
            for path in required(&ty.fields, &instance.fields, &[]) {
                if choices.percent(percent) {
                    blanks.values.insert((*uid, path));
                }
            }
            // An optional value is not captured where the object around it is not, which holds nothing else.
            let alone = |field: &&Field| !field.required && field.pointer[0].starts_with("deep_");
            for field in ty.fields.iter().filter(|field| field.from == From::Snapshot).filter(alone) {
                if choices.percent(percent) {
                    blanks.values.insert((*uid, vec![field.name.clone()]));
                }
            }
            if let Some((_, kind)) = &ty.tags {
                if choices.percent(percent) {
                    blanks.values.insert((*uid, vec![TAGS.to_owned()]));
                }
                for (key, datum) in &instance.tags {
                    let path = vec![TAGS.to_owned(), key.clone()];
                    let inner = inside(kind, datum, &path);
                    blanks.values.extend(
                        std::iter::once(path)
                            .chain(inner)
                            .filter(|_| choices.percent(percent / 2))
                            .map(|path| (*uid, path)),
                    );
                }
            }
        }
        blanks
    }

    /// Returns the paths of every value that may be blanked, by holder: the attributes, not what is inside them.
    pub fn blankable(&self, blueprint: &Blueprint) -> Vec<(Uid, Vec<String>)> {
        let of_instance = |(uid, instance): (&Uid, &Instance)| {
            let fields = &blueprint.types[instance.type_idx].fields;
            let leaves = leaves(fields, &instance.fields, &[]);
            leaves.into_iter().map(|path| (*uid, path)).collect::<Vec<_>>()
        };
        self.instances.iter().flat_map(of_instance).collect()
    }

    /// Whether an instance itself was captured.
    pub fn captured(&self, blanks: &Blanks, uid: Uid) -> bool {
        self.around(uid).all(|at| {
            let instance = &self.instances[&at];
            !blanks.instances.contains(&at)
                && instance.parent.is_none_or(|parent| !blanks.lists.contains(&(parent, instance.type_idx)))
        })
    }

    /// Returns a complete world that agrees with everything captured of this one.
    pub fn filled(&self, choices: &mut Choices<'_>, blueprint: &Blueprint, blanks: &Blanks) -> World {
        let mut world = World { instances: BTreeMap::new(), next: self.next, may_dangle: false };
        let captured: BTreeSet<Uid> =
            self.instances.keys().copied().filter(|uid| self.captured(blanks, *uid)).collect();
        world.instances.extend(captured.iter().map(|uid| (*uid, self.instances[uid].clone())));
        // An uncaptured list may have any instances, and has those that are referred to.
        let mut open = self.open_lists(choices, blueprint, blanks, &captured, &mut world);
        for uid in &captured {
            for (scope, type_idx, key) in self.referred(blueprint, blanks, *uid) {
                let is_key =
                    |other: Uid| world.instances[&other].parent == Some(scope) && world.instances[&other].key == key;
                if let Some(left) = open.get_mut(&(scope, type_idx))
                    && !world.instances_of(type_idx).any(is_key)
                {
                    *left = left.saturating_sub(1);
                    world.add(choices, blueprint, type_idx, Some(scope), Some(key));
                }
            }
        }
        for ((parent, type_idx), count) in open {
            for _ in 0..count {
                let is_sibling = |other: Uid| world.instances[&other].parent == Some(parent);
                let is_fixed = blueprint.types[type_idx].place == Place::Fixed;
                let is_taken = is_fixed && world.instances_of(type_idx).any(is_sibling);
                if !is_taken {
                    world.add(choices, blueprint, type_idx, Some(parent), None);
                }
            }
        }
        for uid in world.numbers() {
            if captured.contains(&uid) {
                self.fill_instance(choices, blueprint, blanks, uid, &mut world);
            } else {
                world.add_values(choices, blueprint, uid);
            }
        }
        world
    }

    /// Returns the world with an instance for every reference that dangles, where a list can have one with its key.
    pub fn with_referred(&self, choices: &mut Choices<'_>, blueprint: &Blueprint) -> World {
        let mut world = World { may_dangle: false, ..self.clone() };
        for uid in self.numbers() {
            for (scope, type_idx, key) in self.referred(blueprint, &Blanks::default(), uid) {
                let ty = &blueprint.types[type_idx];
                let may_have = ty.place == Place::Object || ty.place == Place::Array && ty.key.is_some();
                let is_key =
                    |other: Uid| world.instances[&other].parent == Some(scope) && world.instances[&other].key == key;
                if may_have && !world.instances_of(type_idx).any(is_key) {
                    world.add(choices, blueprint, type_idx, Some(scope), Some(key));
                }
            }
        }
        for uid in world.numbers().into_iter().filter(|uid| !self.instances.contains_key(uid)) {
            world.add_values(choices, blueprint, uid);
        }
        world
    }

    /// Returns how many further instances each list has that was not captured, or not in full. An instance of which only
    /// the key was captured is added.
    fn open_lists(
        &self,
        choices: &mut Choices<'_>,
        blueprint: &Blueprint,
        blanks: &Blanks,
        captured: &BTreeSet<Uid>,
        world: &mut World,
    ) -> BTreeMap<(Uid, usize), usize> {
        let mut open: BTreeMap<(Uid, usize), usize> = BTreeMap::new();
        for (parent, type_idx) in blanks.lists.iter().filter(|(parent, _)| captured.contains(parent)) {
            let is_fixed = blueprint.types[*type_idx].place == Place::Fixed;
            open.insert((*parent, *type_idx), if is_fixed { 1 } else { *choices.pick(&[0, 1, 2, 3]) });
        }
        for uid in blanks.instances.iter().filter(|uid| !captured.contains(uid)) {
            let Instance { type_idx, parent, key, .. } = &self.instances[uid];
            let is_listed = |parent: &Uid| captured.contains(parent) && !blanks.lists.contains(&(*parent, *type_idx));
            let Some(parent) = parent.filter(is_listed) else { continue };
            let left = open.entry((parent, *type_idx)).or_default();
            let ty = &blueprint.types[*type_idx];
            if ty.place == Place::Object && ty.key.is_none() {
                world.add(choices, blueprint, *type_idx, Some(parent), Some(key.clone()));
            } else {
                *left += 1;
            }
        }
        open
    }

    /// Returns the references of an instance that were captured: the scope, the type and the key.
    fn referred(&self, blueprint: &Blueprint, blanks: &Blanks, uid: Uid) -> Vec<(Uid, usize, String)> {
        let mut found = Vec::new();
        let mut add = |type_idx: usize, key: &str, path: &[String]| {
            let is_missing = (1..=path.len()).any(|to| blanks.values.contains(&(uid, path[..to].to_vec())));
            let scope = self.scope(blueprint, uid, type_idx).filter(|_| !is_missing);
            found.extend(scope.map(|scope| (scope, type_idx, key.to_owned())));
        };
        references(&self.instances[&uid].fields, &[], &mut add);
        references(&self.instances[&uid].tags, &[TAGS.to_owned()], &mut add);
        found
    }

    /// Gives an instance of another world the captured values of this one, and random ones in place of the others.
    fn fill_instance(
        &self,
        choices: &mut Choices<'_>,
        blueprint: &Blueprint,
        blanks: &Blanks,
        uid: Uid,
        world: &mut World,
    ) {
        let instance = &self.instances[&uid];
        let ty = &blueprint.types[instance.type_idx];
        let fields = world.fill_record(choices, blueprint, blanks, uid, &ty.fields, &instance.fields, &[]);
        let tags = match &ty.tags {
            Some(_) if blanks.values.contains(&(uid, vec![TAGS.to_owned()])) => world.tags(choices, blueprint, uid),
            Some((_, kind)) => {
                let fill = |(key, datum): (&String, &Datum)| {
                    let path = [TAGS.to_owned(), key.clone()];
                    (key.clone(), world.fill(choices, blueprint, blanks, uid, kind, datum, &path))
                };
                instance.tags.iter().map(fill).collect()
            }
            None => BTreeMap::new(),
        };
        if let Some(instance) = world.instances.get_mut(&uid) {
            (instance.fields, instance.tags) = (fields, tags);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a value, its type, its place, and the missing parts")]
    fn fill_record(
        &self,
        choices: &mut Choices<'_>,
        blueprint: &Blueprint,
        blanks: &Blanks,
        uid: Uid,
        fields: &[Field],
        data: &BTreeMap<String, Datum>,
        path: &[String],
    ) -> BTreeMap<String, Datum> {
        let mut filled = BTreeMap::new();
        for field in fields {
            if !field.required && blanks.values.contains(&(uid, step(path, &field.name))) {
                if choices.one_in(2) {
                    filled.insert(field.name.clone(), self.datum(choices, blueprint, uid, &field.kind));
                }
            } else if let Some(datum) = data.get(&field.name) {
                filled.insert(
                    field.name.clone(),
                    self.fill(choices, blueprint, blanks, uid, &field.kind, datum, &step(path, &field.name)),
                );
            }
        }
        filled
    }

    #[expect(clippy::too_many_arguments, reason = "a value, its type, its place, and the missing parts")]
    fn fill(
        &self,
        choices: &mut Choices<'_>,
        blueprint: &Blueprint,
        blanks: &Blanks,
        uid: Uid,
        kind: &Kind,
        datum: &Datum,
        path: &[String],
    ) -> Datum {
        if blanks.values.contains(&(uid, path.to_vec())) {
            return self.datum(choices, blueprint, uid, kind);
        }
        match (kind, datum) {
            (Kind::Set(element), Datum::Set(items)) => Datum::Set(
                items
                    .iter()
                    .enumerate()
                    .map(|(at, item)| {
                        self.fill(choices, blueprint, blanks, uid, element, item, &step(path, &at.to_string()))
                    })
                    .collect(),
            ),
            (Kind::Record(fields), Datum::Record(data)) => {
                Datum::Record(self.fill_record(choices, blueprint, blanks, uid, fields, data, path))
            }
            _ => datum.clone(),
        }
    }

    /// Whether `filling` agrees with this world's references: those that dangle were captured, and so was the list they
    /// look into.
    pub fn conforms(&self, blueprint: &Blueprint, blanks: &Blanks, filling: &World) -> bool {
        filling.instances.iter().all(|(uid, instance)| {
            let mut conforms = true;
            let mut each = |type_idx: usize, key: &str, path: &[String]| {
                let scope = filling.scope(blueprint, *uid, type_idx);
                if filling
                    .instances_of(type_idx)
                    .any(|other| filling.instances[&other].parent == scope && filling.instances[&other].key == key)
                {
                    return;
                }
                let blanked = (1..=path.len()).any(|to| blanks.values.contains(&(*uid, path[..to].to_vec())));
                let known = self.instances.contains_key(uid) && self.captured(blanks, *uid) && !blanked;
                conforms &= known && scope.is_none_or(|scope| !self.is_open(blanks, scope, type_idx));
            };
            references(&instance.fields, &[], &mut each);
            references(&instance.tags, &[TAGS.to_owned()], &mut each);
            conforms
        })
    }

    /// Whether a list of instances was not captured, or not all of it.
    fn is_open(&self, blanks: &Blanks, parent: Uid, type_idx: usize) -> bool {
        let lacking = self
            .instances_of(type_idx)
            .any(|uid| self.instances[&uid].parent == Some(parent) && blanks.instances.contains(&uid));
        lacking || blanks.lists.contains(&(parent, type_idx)) || !self.captured(blanks, parent)
    }

    /// Writes the captured part of the world as a snapshot.
    pub fn json(&self, choices: &mut Choices<'_>, blueprint: &Blueprint, blanks: &Blanks) -> String {
        let mut text = String::new();
        self.tree(choices, blueprint, blanks).write(&mut text, 0);
        text.push('\n');
        text
    }

    /// Returns the captured part of the world as JSON that can be changed before it is written.
    pub fn tree(&self, choices: &mut Choices<'_>, blueprint: &Blueprint, blanks: &Blanks) -> Json {
        let root = self.instances.iter().find(|(_, instance)| instance.parent.is_none()).map_or(0, |(uid, _)| *uid);
        self.instance_json(choices, blueprint, blanks, root)
    }

    fn instance_json(&self, choices: &mut Choices<'_>, blueprint: &Blueprint, blanks: &Blanks, uid: Uid) -> Json {
        let instance = &self.instances[&uid];
        let ty = &blueprint.types[instance.type_idx];
        let mut object = Json::Object(Vec::new());
        if let Some(key) = &ty.key {
            object.put(key, Json::text(&instance.key));
        }
        if let Some(word) = &ty.word {
            let word = if choices.one_in(3) { format!(" {}", word.to_uppercase()) } else { word.clone() };
            object.put(&["kind".to_owned()], Json::text(&word));
        }
        self.members_json(choices, blueprint, blanks, uid, &ty.fields, &instance.fields, &[], &mut object);
        if let Some((property, kind)) = &ty.tags {
            let path = vec![TAGS.to_owned()];
            if blanks.values.contains(&(uid, path.clone())) {
                if choices.one_in(2) {
                    object.put(std::slice::from_ref(property), Json::Raw("null".into()));
                }
            } else {
                let tags = instance.tags.iter().map(|(key, datum)| {
                    let (way, path) = (Way::default(), step(&path, key));
                    (key.clone(), self.value_json(choices, blueprint, blanks, uid, (kind, way), datum, &path))
                });
                let tags = tags.collect();
                object.put(std::slice::from_ref(property), Json::Tags(tags));
            }
        }
        for child in blueprint.children(instance.type_idx).filter(|child| blueprint.types[*child].shares.is_none()) {
            let ty = &blueprint.types[child];
            let is_blank = blanks.lists.contains(&(uid, child));
            let is_stated = is_blank && choices.one_in(3);
            if is_blank && !is_stated {
                // Lacking, or null in one of the places on the way.
                let depth = choices.below(ty.within.len() + 1);
                if depth > 0 {
                    object.put(&ty.within[..depth], Json::Raw("null".into()));
                }
                continue;
            }
            let all = blueprint.sharing(child).flat_map(|child| self.instances_of(child));
            let mut inner: Vec<Uid> = all.filter(|other| self.instances[other].parent == Some(uid)).collect();
            if blueprint.sharing(child).count() > 1 {
                inner.sort_by_key(|uid| (&self.instances[uid].key, *uid));
            }
            let written: Vec<(String, Json)> = inner
                .into_iter()
                .map(|uid| {
                    let json = if blanks.instances.contains(&uid) {
                        Json::Raw("null".into())
                    } else {
                        self.instance_json(choices, blueprint, blanks, uid)
                    };
                    (self.instances[&uid].key.clone(), json)
                })
                .collect();
            let list = match ty.place {
                Place::Array => Json::Array(written.into_iter().map(|(_, json)| json).collect()),
                Place::Object => Json::Map(written),
                Place::Fixed => written.into_iter().next().map_or(Json::Raw("null".into()), |(_, json)| json),
            };
            object.put(&ty.within, list);
            if is_stated {
                object.state(&ty.within);
            }
        }
        // In a map an instance without a key is known by its properties.
        if let (Place::Object, None, Json::Object(members)) = (ty.place, &ty.key, &object)
            && members.is_empty()
        {
            let fields = ty.fields.iter().filter(|field| field.from == From::Snapshot);
            let children = blueprint.children(instance.type_idx).map(|child| &blueprint.types[child].within[..1]);
            let tags = ty.tags.iter().map(|(property, _)| std::slice::from_ref(property));
            if let Some(place) = fields.map(|field| &field.pointer[..1]).chain(children).chain(tags).next() {
                object.put(place, Json::Raw("null".into()));
            }
        }
        object
    }

    #[expect(clippy::too_many_arguments, reason = "values, their types, their places, and the missing parts")]
    fn members_json(
        &self,
        choices: &mut Choices<'_>,
        blueprint: &Blueprint,
        blanks: &Blanks,
        uid: Uid,
        fields: &[Field],
        data: &BTreeMap<String, Datum>,
        path: &[String],
        object: &mut Json,
    ) {
        for field in fields.iter().filter(|field| field.from == From::Snapshot) {
            let path = step(path, &field.name);
            match data.get(&field.name).filter(|_| !blanks.values.contains(&(uid, path.clone()))) {
                Some(datum) => {
                    let typed = (&field.kind, field.way);
                    let value = self.value_json(choices, blueprint, blanks, uid, typed, datum, &path);
                    object.put(&field.pointer, value);
                }
                // The object states that its value was not captured.
                None if blanks.values.contains(&(uid, path.clone())) && choices.one_in(3) => {
                    let mut others = blanks.clone();
                    others.values.remove(&(uid, path.clone()));
                    let value = data.get(&field.name).map(|datum| {
                        let typed = (&field.kind, field.way);
                        self.value_json(choices, blueprint, &others, uid, typed, datum, &path)
                    });
                    object.put(&field.pointer, value.unwrap_or(Json::Raw("null".into())));
                    object.state(&field.pointer);
                }
                None if field.way.words && blanks.values.contains(&(uid, path.clone())) && choices.one_in(2) => {
                    object.put(&field.pointer, Json::text(WORDS[0]));
                }
                // Nothing on the way to it was captured.
                None if !field.required && blanks.values.contains(&(uid, path.clone())) => {
                    if choices.one_in(2) {
                        object.put(&field.pointer[..1], Json::Raw("null".into()));
                    }
                }
                None if choices.one_in(2) => {
                    let is_word = field.way.words && !field.required && choices.one_in(2);
                    let lacking = if is_word { Json::text(WORDS[1]) } else { Json::Raw("null".into()) };
                    object.put(&field.pointer, lacking);
                }
                None if field.required => {}
                None => object.touch(&field.pointer[..field.pointer.len() - 1]),
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a value, its type, its place, and the missing parts")]
    fn value_json(
        &self,
        choices: &mut Choices<'_>,
        blueprint: &Blueprint,
        blanks: &Blanks,
        uid: Uid,
        (kind, way): (&Kind, Way),
        datum: &Datum,
        path: &[String],
    ) -> Json {
        if blanks.values.contains(&(uid, path.to_vec())) {
            let is_word = way.words && choices.one_in(2);
            return if is_word { Json::text(WORDS[0]) } else { Json::Raw("null".into()) };
        }
        if let Some(json) = way.reader.and_then(|reader| written_for(choices, reader, datum)) {
            return json;
        }
        match (kind, datum) {
            (Kind::Set(element), Datum::Set(items)) => Json::Array(
                items
                    .iter()
                    .enumerate()
                    .map(|(at, item)| {
                        let path = step(path, &at.to_string());
                        self.value_json(choices, blueprint, blanks, uid, (element, way), item, &path)
                    })
                    .collect(),
            ),
            (Kind::Record(fields), Datum::Record(data)) => {
                let mut object = Json::Object(Vec::new());
                self.members_json(choices, blueprint, blanks, uid, fields, data, path, &mut object);
                object
            }
            (_, Datum::Bool(b)) => Json::Raw(b.to_string()),
            (_, Datum::Long(n)) => Json::Raw(n.to_string()),
            (_, Datum::Decimal(n)) if choices.one_in(2) => Json::Raw(decimal(*n)),
            (_, Datum::Decimal(n)) => Json::text(&decimal(*n)),
            (_, Datum::Datetime(n)) => Json::text(&rfc3339(*n)),
            (_, Datum::Duration(n)) => Json::text(&format!("{n}ms")),
            (_, Datum::Text(text) | Datum::Ip(text) | Datum::Refers(_, text)) => Json::text(text),
            (_, Datum::Choice(_, choice)) => Json::text(choice),
            (_, Datum::Set(_) | Datum::Record(_)) => Json::Raw("null".into()),
        }
    }

    /// Returns the world as Cedar entities; `derived` holds what derivations gave, by holder and attribute.
    pub fn entities(&self, blueprint: &Blueprint, derived: &BTreeMap<(Uid, String), RestrictedExpression>) -> Entities {
        let mut all = Vec::new();
        for (uid, instance) in &self.instances {
            let ty = &blueprint.types[instance.type_idx];
            let mut attributes: HashMap<String, RestrictedExpression> = HashMap::new();
            for field in &ty.fields {
                let value = match (field.from, &field.kind) {
                    (From::Snapshot, _) => {
                        instance.fields.get(&field.name).map(|datum| self.expression(blueprint, *uid, datum))
                    }
                    (From::Derivations, _) => derived.get(&(*uid, field.name.clone())).cloned(),
                    (From::Enclosing, Kind::Entity(type_idx)) => {
                        let found = self.around(*uid).skip(1).find(|at| self.instances[at].type_idx == *type_idx);
                        found.map(|found| RestrictedExpression::new_entity_uid(self.uid(blueprint, found)))
                    }
                    (From::Enclosing, _) => None,
                };
                attributes.extend(value.map(|value| (field.name.clone(), value)));
            }
            let parents: HashSet<EntityUid> =
                instance.parent.map(|parent| self.uid(blueprint, parent)).into_iter().collect();
            let tags: Vec<_> = instance
                .tags
                .iter()
                .map(|(key, datum)| (key.clone(), self.expression(blueprint, *uid, datum)))
                .collect();
            all.push(
                Entity::new_with_tags(self.uid(blueprint, *uid), attributes, parents, tags)
                    .expect("values are well formed"),
            );
        }
        Entities::from_entities(all, None).expect("ids are unique")
    }

    /// Returns a value as Cedar's.
    pub fn expression(&self, blueprint: &Blueprint, holder: Uid, datum: &Datum) -> RestrictedExpression {
        match datum {
            Datum::Bool(b) => RestrictedExpression::new_bool(*b),
            Datum::Long(n) => RestrictedExpression::new_long(*n),
            Datum::Text(text) => RestrictedExpression::new_string(text.clone()),
            Datum::Decimal(n) => RestrictedExpression::new_decimal(decimal(*n)),
            Datum::Datetime(n) => RestrictedExpression::new_datetime(rfc3339(*n)),
            Datum::Duration(n) => RestrictedExpression::new_duration(format!("{n}ms")),
            Datum::Ip(ip) => RestrictedExpression::new_ip(ip),
            Datum::Choice(at, choice) => {
                RestrictedExpression::new_entity_uid(entity_uid(&blueprint.qualified(&format!("Choice{at}")), choice))
            }
            Datum::Refers(type_idx, key) => RestrictedExpression::new_entity_uid(entity_uid(
                &blueprint.name(*type_idx),
                &self.join(self.scope(blueprint, holder, *type_idx), key),
            )),
            Datum::Set(items) => {
                RestrictedExpression::new_set(items.iter().map(|item| self.expression(blueprint, holder, item)))
            }
            Datum::Record(fields) => {
                let fields =
                    fields.iter().map(|(name, datum)| (name.clone(), self.expression(blueprint, holder, datum)));
                RestrictedExpression::new_record(fields).expect("names are unique")
            }
        }
    }
}

/// Writes a value so that a reader gives it; `None` if the value is not one that the reader gives.
fn written_for(choices: &mut Choices<'_>, reader: &str, datum: &Datum) -> Option<Json> {
    let text = |text: String| Json::text(&text);
    Some(match (reader, datum) {
        (_, Datum::Bool(true)) => {
            choices.pick(&[text("Yes".into()), Json::Raw("1".into()), text(" on".into())]).clone()
        }
        (_, Datum::Bool(false)) => {
            choices.pick(&[text("NO".into()), Json::Raw("0".into()), text("false".into())]).clone()
        }
        (_, Datum::Long(n)) => text(n.to_string()),
        (_, Datum::Decimal(n)) => text(decimal(*n)),
        ("epoch-millis", Datum::Datetime(n)) => choices.pick(&[Json::Raw(n.to_string()), text(n.to_string())]).clone(),
        ("json-date", Datum::Datetime(n)) => text(format!("/Date({n})/")),
        (_, Datum::Datetime(n)) => Json::Raw(thousandths(*n)),
        (_, Datum::Duration(n)) => choices.pick(&[Json::Raw(thousandths(*n)), text(thousandths(*n))]).clone(),
        (_, Datum::Choice(_, choice)) => text(choice.to_uppercase()),
        _ => return None,
    })
}

/// Writes thousandths with a point.
fn thousandths(n: i64) -> String {
    let sign = if n < 0 { "-" } else { "" };
    format!("{sign}{}.{:03}", n.unsigned_abs() / 1000, n.unsigned_abs() % 1000)
}

fn entity_uid(ty: &str, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(EntityTypeName::from_str(ty).expect("a type name"), EntityId::new(id))
}

fn step(path: &[String], to: &str) -> Vec<String> {
    path.iter().cloned().chain([to.to_owned()]).collect()
}

/// The paths of required values: those of absent records left out, those inside sets included.
fn required(fields: &[Field], data: &BTreeMap<String, Datum>, path: &[String]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for field in fields.iter().filter(|field| field.from == From::Snapshot) {
        let path = step(path, &field.name);
        let Some(datum) = data.get(&field.name) else { continue };
        found.extend(inside(&field.kind, datum, &path));
        if field.required {
            found.push(path);
        }
    }
    found
}

fn inside(kind: &Kind, datum: &Datum, path: &[String]) -> Vec<Vec<String>> {
    match (kind, datum) {
        (Kind::Record(fields), Datum::Record(data)) => required(fields, data, path),
        (Kind::Set(element), Datum::Set(items)) => {
            let each = items.iter().enumerate().flat_map(|(at, item)| {
                let path = step(path, &at.to_string());
                let mut found = inside(element, item, &path);
                found.push(path);
                found
            });
            each.collect()
        }
        _ => Vec::new(),
    }
}

/// The paths of required attributes and members that are not records.
fn leaves(fields: &[Field], data: &BTreeMap<String, Datum>, path: &[String]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for field in fields.iter().filter(|field| field.from == From::Snapshot) {
        let path = step(path, &field.name);
        match (&field.kind, data.get(&field.name)) {
            (Kind::Record(inner), Some(Datum::Record(data))) => found.extend(leaves(inner, data, &path)),
            (_, Some(_)) if field.required => found.push(path),
            _ => {}
        }
    }
    found
}

fn references(data: &BTreeMap<String, Datum>, path: &[String], each: &mut impl FnMut(usize, &str, &[String])) {
    for (name, datum) in data {
        referred(datum, &step(path, name), each);
    }
}

fn referred(datum: &Datum, path: &[String], each: &mut impl FnMut(usize, &str, &[String])) {
    match datum {
        Datum::Refers(type_idx, key) => each(*type_idx, key, path),
        Datum::Set(items) => {
            items.iter().enumerate().for_each(|(at, item)| referred(item, &step(path, &at.to_string()), each))
        }
        Datum::Record(data) => references(data, path, each),
        _ => {}
    }
}

/// Writes ten-thousandths with a point.
pub fn decimal(n: i64) -> String {
    let sign = if n < 0 { "-" } else { "" };
    format!("{sign}{}.{:04}", n.unsigned_abs() / 10_000, n.unsigned_abs() % 10_000)
}

/// Writes milliseconds since 1970 in RFC 3339, as Cedar reads it too.
pub fn rfc3339(millis: i64) -> String {
    let (days, rest) = (millis.div_euclid(86_400_000), millis.rem_euclid(86_400_000));
    let date = jiff::civil::date(1970, 1, 1).checked_add(jiff::Span::new().days(days)).expect("a day of the calendar");
    let (seconds, millis) = (rest / 1000, rest % 1000);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{millis:03}Z",
        date.year(),
        date.month(),
        date.day(),
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// JSON being written.
#[derive(Debug, Clone)]
pub enum Json {
    Raw(String),
    Array(Vec<Json>),
    /// An object whose properties the schema declares.
    Object(Vec<(String, Json)>),
    /// A map of instances.
    Map(Vec<(String, Json)>),
    /// An object whose properties are tags.
    Tags(Vec<(String, Json)>),
}

/// A name that starts with this is written with an escape for every other character.
pub const ESCAPED: char = '\u{10ffff}';

fn quoted(name: &str) -> String {
    match name.strip_prefix(ESCAPED) {
        Some(name) => format!("\"{}\"", name.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect::<String>()),
        None => serde_json::to_string(name).expect("text is JSON"),
    }
}

impl Json {
    pub fn text(text: &str) -> Self {
        Json::Raw(serde_json::to_string(text).expect("text is JSON"))
    }

    /// Makes an object at a pointer, unless there is a value.
    fn touch(&mut self, pointer: &[String]) {
        let (Json::Object(members), Some((first, rest))) = (self, pointer.split_first()) else { return };
        let at = members.iter().position(|(name, _)| name == first).unwrap_or_else(|| {
            members.push((first.clone(), Json::Object(Vec::new())));
            members.len() - 1
        });
        members[at].1.touch(rest);
    }

    /// Puts a value at a pointer; what is null on the way stays null.
    fn put(&mut self, pointer: &[String], value: Json) {
        let (Json::Object(members), Some((first, rest))) = (self, pointer.split_first()) else { return };
        let at = members.iter().position(|(name, _)| name == first).unwrap_or_else(|| {
            members.push((first.clone(), Json::Object(Vec::new())));
            members.len() - 1
        });
        if rest.is_empty() {
            members[at].1 = value;
        } else {
            members[at].1.put(rest, value);
        }
    }

    /// States that the property at a pointer was not captured, if its object is there.
    fn state(&mut self, pointer: &[String]) {
        let (Json::Object(members), Some((first, rest))) = (self, pointer.split_first()) else { return };
        let Some(at) = members.iter().position(|(name, _)| name == first) else { return };
        if !rest.is_empty() {
            return members[at].1.state(rest);
        }
        let name = Json::text(first);
        match members.iter_mut().find(|(name, _)| name == "uncaptured") {
            Some((_, Json::Array(names))) => names.push(name),
            _ => members.push(("uncaptured".to_owned(), Json::Array(vec![name]))),
        }
    }

    pub fn write(&self, text: &mut String, depth: usize) {
        let (open, close, members): (char, char, Vec<(Option<&String>, &Json)>) = match self {
            Json::Raw(raw) => return text.push_str(raw),
            Json::Array(items) => ('[', ']', items.iter().map(|item| (None, item)).collect()),
            Json::Object(members) | Json::Map(members) | Json::Tags(members) => {
                ('{', '}', members.iter().map(|(name, json)| (Some(name), json)).collect())
            }
        };
        let lines = members.iter().any(|(_, json)| !matches!(json, Json::Raw(_)));
        text.push(open);
        for (at, (name, json)) in members.iter().enumerate() {
            text.push_str(if at > 0 { "," } else { "" });
            text.push_str(&if lines {
                format!("\n{}", "  ".repeat(depth + 1))
            } else if at > 0 {
                " ".to_owned()
            } else {
                String::new()
            });
            if let Some(name) = name {
                text.push_str(&format!("{}: ", quoted(name)));
            }
            json.write(text, depth + 1);
        }
        if lines {
            text.push_str(&format!("\n{}", "  ".repeat(depth)));
        }
        text.push(close);
    }
}
