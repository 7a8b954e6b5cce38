//! Random states of an account: instances with values, what of them is not captured, and other fillings of that.
//!
//! A world is written as JSON for Deodar and turned into Cedar entities for the official evaluator. The two ways share
//! nothing but the world.

use super::blueprint::{Blueprint, Field, From, Kind, Place};
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
    pub of: usize,
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
    dangles: bool,
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

/// Makes a number up: small ones most of the time.
pub fn one_of<T: Copy>(c: &mut Choices<'_>, from: &[T], plain: usize) -> T {
    if c.one_in(5) { *c.of(from) } else { *c.of(&from[..plain]) }
}

impl World {
    /// Makes a complete world up.
    pub fn random(c: &mut Choices<'_>, blueprint: &Blueprint) -> Self {
        let mut world = Self { dangles: true, ..Self::default() };
        world.add(c, blueprint, 0, None, None);
        for uid in world.numbers() {
            world.make_up(c, blueprint, uid);
        }
        world
    }

    fn numbers(&self) -> Vec<Uid> {
        self.instances.keys().copied().collect()
    }

    /// Adds an instance and all that is nested in it, without values.
    fn add(
        &mut self,
        c: &mut Choices<'_>,
        blueprint: &Blueprint,
        of: usize,
        parent: Option<Uid>,
        key: Option<String>,
    ) -> Uid {
        let ty = &blueprint.types[of];
        let taken: Vec<&str> = self
            .instances
            .values()
            .filter(|other| other.of == of && other.parent == parent)
            .map(|other| other.key.as_str())
            .collect();
        let key = key.unwrap_or_else(|| match (ty.place, &ty.key) {
            (Place::Array, None) => (0..)
                .map(|index: usize| index.to_string())
                .find(|index| !taken.contains(&index.as_str()))
                .unwrap_or_default(),
            (Place::Fixed, None) => String::new(),
            _ => {
                let first = c.below(KEYS.len());
                let free = (0..KEYS.len()).map(|at| KEYS[(first + at) % KEYS.len()]).find(|key| !taken.contains(key));
                free.map_or_else(|| format!("k{}", taken.len()), str::to_owned)
            }
        });
        let uid = self.next;
        self.next += 1;
        self.instances.insert(uid, Instance { of, parent, key, fields: BTreeMap::new(), tags: BTreeMap::new() });
        for child in blueprint.children(of) {
            let count = if blueprint.types[child].place == Place::Fixed { 1 } else { *c.of(&[1, 2, 0, 3]) };
            for _ in 0..count {
                self.add(c, blueprint, child, Some(uid), None);
            }
        }
        uid
    }

    /// Gives an instance values of its own.
    fn make_up(&mut self, c: &mut Choices<'_>, blueprint: &Blueprint, uid: Uid) {
        let of = self.instances[&uid].of;
        let fields = self.record(c, blueprint, uid, &blueprint.types[of].fields);
        let tags = self.tags(c, blueprint, uid);
        if let Some(instance) = self.instances.get_mut(&uid) {
            (instance.fields, instance.tags) = (fields, tags);
        }
    }

    fn tags(&self, c: &mut Choices<'_>, blueprint: &Blueprint, uid: Uid) -> BTreeMap<String, Datum> {
        let Some((_, kind)) = &blueprint.types[self.instances[&uid].of].tags else { return BTreeMap::new() };
        let keys = TAG_KEYS.iter().filter(|_| c.below(2) == 1).collect::<Vec<_>>();
        keys.into_iter().map(|key| ((*key).to_owned(), self.datum(c, blueprint, uid, kind))).collect()
    }

    fn record(
        &self,
        c: &mut Choices<'_>,
        blueprint: &Blueprint,
        holder: Uid,
        fields: &[Field],
    ) -> BTreeMap<String, Datum> {
        let read = fields.iter().filter(|field| field.from == From::Snapshot);
        let there: Vec<&Field> = read.filter(|field| field.required || c.below(2) == 1).collect();
        there.into_iter().map(|field| (field.name.clone(), self.datum(c, blueprint, holder, &field.kind))).collect()
    }

    /// Makes a value up.
    fn datum(&self, c: &mut Choices<'_>, blueprint: &Blueprint, holder: Uid, kind: &Kind) -> Datum {
        match kind {
            Kind::Bool => Datum::Bool(c.below(2) == 1),
            Kind::Long => Datum::Long(one_of(c, &LONGS, 4)),
            Kind::Text => Datum::Text(one_of(c, &TEXTS, 4).to_owned()),
            Kind::Decimal => Datum::Decimal(one_of(c, &DECIMALS, 4)),
            Kind::Datetime => Datum::Datetime(one_of(c, &DATETIMES, 4)),
            Kind::Duration => Datum::Duration(one_of(c, &DURATIONS, 4)),
            Kind::Ip => Datum::Ip((*c.of(&IPS)).to_owned()),
            Kind::Enum(at) => Datum::Choice(*at, c.text(&blueprint.enums[*at])),
            Kind::Entity(of) => {
                let scope = self.scope(blueprint, holder, *of);
                let keys: Vec<&String> = self
                    .instances
                    .values()
                    .filter(|other| other.of == *of && other.parent == scope)
                    .map(|other| &other.key)
                    .collect();
                let dangling = keys.is_empty() || (self.dangles && c.one_in(30));
                Datum::Refers(*of, if dangling { "gone".to_owned() } else { (*c.of(&keys)).clone() })
            }
            Kind::Set(element) => {
                let count = *c.of(&[1, 2, 0, 3]);
                Datum::Set((0..count).map(|_| self.datum(c, blueprint, holder, element)).collect())
            }
            Kind::Record(fields) => Datum::Record(self.record(c, blueprint, holder, fields)),
        }
    }

    /// Returns the instance whose list of `of` a reference of `holder` looks into; `None` for the root.
    fn scope(&self, blueprint: &Blueprint, holder: Uid, of: usize) -> Option<Uid> {
        let wanted = blueprint.types[of].parent?;
        self.around(holder).find(|uid| self.instances[uid].of == wanted)
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
        entity_uid(&blueprint.name(self.instances[&uid].of), &self.id(uid))
    }

    /// Returns the instances of a type in order.
    pub fn of(&self, of: usize) -> impl Iterator<Item = Uid> + '_ {
        self.instances.iter().filter(move |(_, instance)| instance.of == of).map(|(uid, _)| *uid)
    }

    /// Blanks some of the world, about `percent` of it.
    pub fn blanks(&self, c: &mut Choices<'_>, blueprint: &Blueprint, percent: usize) -> Blanks {
        let mut blanks = Blanks::default();
        for (uid, instance) in &self.instances {
            let ty = &blueprint.types[instance.of];
            for child in blueprint.children(instance.of) {
                if c.percent(percent / 2) {
                    blanks.lists.insert((*uid, child));
                }
            }
            if instance.parent.is_some() && c.percent(percent / 4) {
                blanks.instances.insert(*uid);
            }
            for path in required(&ty.fields, &instance.fields, &[]) {
                if c.percent(percent) {
                    blanks.values.insert((*uid, path));
                }
            }
            // An optional value is not captured where the object around it is not, which holds nothing else.
            let alone = |field: &&Field| !field.required && field.pointer[0].starts_with("deep_");
            for field in ty.fields.iter().filter(|field| field.from == From::Snapshot).filter(alone) {
                if c.percent(percent) {
                    blanks.values.insert((*uid, vec![field.name.clone()]));
                }
            }
            if let Some((_, kind)) = &ty.tags {
                if c.percent(percent) {
                    blanks.values.insert((*uid, vec![TAGS.to_owned()]));
                }
                for (key, datum) in &instance.tags {
                    let path = vec![TAGS.to_owned(), key.clone()];
                    let inner = inside(kind, datum, &path);
                    blanks.values.extend(
                        std::iter::once(path).chain(inner).filter(|_| c.percent(percent / 2)).map(|path| (*uid, path)),
                    );
                }
            }
        }
        blanks
    }

    /// Returns the paths of every value that may be blanked, by holder: the attributes, not what is inside them.
    pub fn blankable(&self, blueprint: &Blueprint) -> Vec<(Uid, Vec<String>)> {
        let of = |(uid, instance): (&Uid, &Instance)| {
            let fields = &blueprint.types[instance.of].fields;
            let leaves = leaves(fields, &instance.fields, &[]);
            leaves.into_iter().map(|path| (*uid, path)).collect::<Vec<_>>()
        };
        self.instances.iter().flat_map(of).collect()
    }

    /// Whether an instance itself was captured.
    pub fn captured(&self, blanks: &Blanks, uid: Uid) -> bool {
        self.around(uid).all(|at| {
            let instance = &self.instances[&at];
            !blanks.instances.contains(&at)
                && instance.parent.is_none_or(|parent| !blanks.lists.contains(&(parent, instance.of)))
        })
    }

    /// Returns a complete world that agrees with everything captured of this one.
    pub fn filled(&self, c: &mut Choices<'_>, blueprint: &Blueprint, blanks: &Blanks) -> World {
        let mut world = World { instances: BTreeMap::new(), next: self.next, dangles: false };
        let captured: BTreeSet<Uid> =
            self.instances.keys().copied().filter(|uid| self.captured(blanks, *uid)).collect();
        world.instances.extend(captured.iter().map(|uid| (*uid, self.instances[uid].clone())));
        // What stands in a list nobody captured may be anything, but what is referred to is there.
        let mut open: BTreeMap<(Uid, usize), usize> = BTreeMap::new();
        for (parent, of) in blanks.lists.iter().filter(|(parent, _)| captured.contains(parent)) {
            let count = if blueprint.types[*of].place == Place::Fixed { 1 } else { *c.of(&[0, 1, 2, 3]) };
            open.insert((*parent, *of), count);
        }
        for uid in blanks.instances.iter().filter(|uid| !captured.contains(uid)) {
            let instance = &self.instances[uid];
            if let Some(parent) = instance
                .parent
                .filter(|parent| captured.contains(parent) && !blanks.lists.contains(&(*parent, instance.of)))
            {
                *open.entry((parent, instance.of)).or_default() += 1;
                if blueprint.types[instance.of].place == Place::Object && blueprint.types[instance.of].key.is_none() {
                    world.add(c, blueprint, instance.of, Some(parent), Some(instance.key.clone()));
                    *open.entry((parent, instance.of)).or_default() -= 1;
                }
            }
        }
        for uid in &captured {
            let mut named = Vec::new();
            let instance = &self.instances[uid];
            references(&instance.fields, &[], &mut |of, key, path| named.push((of, key.to_owned(), path.to_vec())));
            references(&instance.tags, &[TAGS.to_owned()], &mut |of, key, path| {
                named.push((of, key.to_owned(), path.to_vec()))
            });
            for (of, key, path) in named {
                let blanked = (1..=path.len()).any(|to| blanks.values.contains(&(*uid, path[..to].to_vec())));
                let Some(scope) = self.scope(blueprint, *uid, of).filter(|_| !blanked) else { continue };
                if let Some(left) = open.get_mut(&(scope, of))
                    && !world.of(of).any(|other| {
                        world.instances[&other].parent == Some(scope) && world.instances[&other].key == key
                    })
                {
                    *left = left.saturating_sub(1);
                    world.add(c, blueprint, of, Some(scope), Some(key));
                }
            }
        }
        for ((parent, of), count) in open {
            for _ in 0..count {
                if blueprint.types[of].place == Place::Fixed
                    && world.of(of).any(|other| world.instances[&other].parent == Some(parent))
                {
                    continue;
                }
                world.add(c, blueprint, of, Some(parent), None);
            }
        }
        for uid in world.numbers() {
            if !captured.contains(&uid) {
                world.make_up(c, blueprint, uid);
                continue;
            }
            let instance = &self.instances[&uid];
            let ty = &blueprint.types[instance.of];
            let fields = world.fill_record(c, blueprint, blanks, uid, &ty.fields, &instance.fields, &[]);
            let whole = vec![TAGS.to_owned()];
            let tags = match &ty.tags {
                Some(_) if blanks.values.contains(&(uid, whole)) => world.tags(c, blueprint, uid),
                Some((_, kind)) => {
                    let fill = |(key, datum): (&String, &Datum)| {
                        (
                            key.clone(),
                            world.fill(c, blueprint, blanks, uid, kind, datum, &[TAGS.to_owned(), key.clone()]),
                        )
                    };
                    instance.tags.iter().map(fill).collect()
                }
                None => BTreeMap::new(),
            };
            if let Some(instance) = world.instances.get_mut(&uid) {
                (instance.fields, instance.tags) = (fields, tags);
            }
        }
        world
    }

    #[expect(clippy::too_many_arguments, reason = "a value, its type, where it stands, and what of it is blank")]
    fn fill_record(
        &self,
        c: &mut Choices<'_>,
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
                if c.one_in(2) {
                    filled.insert(field.name.clone(), self.datum(c, blueprint, uid, &field.kind));
                }
            } else if let Some(datum) = data.get(&field.name) {
                filled.insert(
                    field.name.clone(),
                    self.fill(c, blueprint, blanks, uid, &field.kind, datum, &step(path, &field.name)),
                );
            }
        }
        filled
    }

    #[expect(clippy::too_many_arguments, reason = "a value, its type, where it stands, and what of it is blank")]
    fn fill(
        &self,
        c: &mut Choices<'_>,
        blueprint: &Blueprint,
        blanks: &Blanks,
        uid: Uid,
        kind: &Kind,
        datum: &Datum,
        path: &[String],
    ) -> Datum {
        if blanks.values.contains(&(uid, path.to_vec())) {
            return self.datum(c, blueprint, uid, kind);
        }
        match (kind, datum) {
            (Kind::Set(element), Datum::Set(items)) => Datum::Set(
                items
                    .iter()
                    .enumerate()
                    .map(|(at, item)| self.fill(c, blueprint, blanks, uid, element, item, &step(path, &at.to_string())))
                    .collect(),
            ),
            (Kind::Record(fields), Datum::Record(data)) => {
                Datum::Record(self.fill_record(c, blueprint, blanks, uid, fields, data, path))
            }
            _ => datum.clone(),
        }
    }

    /// Whether `filling` agrees with this world's references: those that dangle were captured, and so was the list they
    /// look into.
    pub fn conforms(&self, blueprint: &Blueprint, blanks: &Blanks, filling: &World) -> bool {
        filling.instances.iter().all(|(uid, instance)| {
            let mut conforms = true;
            let mut each = |of: usize, key: &str, path: &[String]| {
                let scope = filling.scope(blueprint, *uid, of);
                if filling
                    .of(of)
                    .any(|other| filling.instances[&other].parent == scope && filling.instances[&other].key == key)
                {
                    return;
                }
                let blanked = (1..=path.len()).any(|to| blanks.values.contains(&(*uid, path[..to].to_vec())));
                let known = self.instances.contains_key(uid) && self.captured(blanks, *uid) && !blanked;
                conforms &= known && scope.is_none_or(|scope| !self.is_open(blanks, scope, of));
            };
            references(&instance.fields, &[], &mut each);
            references(&instance.tags, &[TAGS.to_owned()], &mut each);
            conforms
        })
    }

    /// Whether a list of instances was not captured, or not all of it.
    fn is_open(&self, blanks: &Blanks, parent: Uid, of: usize) -> bool {
        let lacking =
            self.of(of).any(|uid| self.instances[&uid].parent == Some(parent) && blanks.instances.contains(&uid));
        lacking || blanks.lists.contains(&(parent, of)) || !self.captured(blanks, parent)
    }

    /// Writes the captured part of the world as a snapshot.
    pub fn json(&self, c: &mut Choices<'_>, blueprint: &Blueprint, blanks: &Blanks) -> String {
        let mut text = String::new();
        self.tree(c, blueprint, blanks).write(&mut text, 0);
        text.push('\n');
        text
    }

    /// Returns the captured part of the world as JSON that can be changed before it is written.
    pub fn tree(&self, c: &mut Choices<'_>, blueprint: &Blueprint, blanks: &Blanks) -> Json {
        let root = self.instances.iter().find(|(_, instance)| instance.parent.is_none()).map_or(0, |(uid, _)| *uid);
        self.instance_json(c, blueprint, blanks, root)
    }

    fn instance_json(&self, c: &mut Choices<'_>, blueprint: &Blueprint, blanks: &Blanks, uid: Uid) -> Json {
        let instance = &self.instances[&uid];
        let ty = &blueprint.types[instance.of];
        let mut object = Json::Object(Vec::new());
        if let Some(key) = &ty.key {
            object.put(key, Json::text(&instance.key));
        }
        self.members_json(c, blueprint, blanks, uid, &ty.fields, &instance.fields, &[], &mut object);
        if let Some((property, kind)) = &ty.tags {
            let path = vec![TAGS.to_owned()];
            if blanks.values.contains(&(uid, path.clone())) {
                if c.one_in(2) {
                    object.put(std::slice::from_ref(property), Json::Raw("null".into()));
                }
            } else {
                let tags = instance.tags.iter().map(|(key, datum)| {
                    (key.clone(), self.value_json(c, blueprint, blanks, uid, kind, datum, &step(&path, key)))
                });
                let tags = tags.collect();
                object.put(std::slice::from_ref(property), Json::Tags(tags));
            }
        }
        for child in blueprint.children(instance.of) {
            let ty = &blueprint.types[child];
            if blanks.lists.contains(&(uid, child)) {
                // Lacking, or null in one of the places on the way.
                let depth = c.below(ty.within.len() + 1);
                if depth > 0 {
                    object.put(&ty.within[..depth], Json::Raw("null".into()));
                }
                continue;
            }
            let inner: Vec<Uid> = self.of(child).filter(|other| self.instances[other].parent == Some(uid)).collect();
            let written: Vec<(String, Json)> = inner
                .into_iter()
                .map(|uid| {
                    let json = if blanks.instances.contains(&uid) {
                        Json::Raw("null".into())
                    } else {
                        self.instance_json(c, blueprint, blanks, uid)
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
        }
        // In a map an instance without a key is known by its properties.
        if let (Place::Object, None, Json::Object(members)) = (ty.place, &ty.key, &object)
            && members.is_empty()
        {
            let fields = ty.fields.iter().filter(|field| field.from == From::Snapshot);
            let children = blueprint.children(instance.of).map(|child| &blueprint.types[child].within[..1]);
            let tags = ty.tags.iter().map(|(property, _)| std::slice::from_ref(property));
            if let Some(place) = fields.map(|field| &field.pointer[..1]).chain(children).chain(tags).next() {
                object.put(place, Json::Raw("null".into()));
            }
        }
        object
    }

    #[expect(clippy::too_many_arguments, reason = "values, their types, where they stand, and what of them is blank")]
    fn members_json(
        &self,
        c: &mut Choices<'_>,
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
                    let value = self.value_json(c, blueprint, blanks, uid, &field.kind, datum, &path);
                    object.put(&field.pointer, value);
                }
                // Nothing on the way to it was captured.
                None if !field.required && blanks.values.contains(&(uid, path.clone())) => {
                    if c.one_in(2) {
                        object.put(&field.pointer[..1], Json::Raw("null".into()));
                    }
                }
                None if c.one_in(2) => object.put(&field.pointer, Json::Raw("null".into())),
                None if field.required => {}
                None => object.touch(&field.pointer[..field.pointer.len() - 1]),
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a value, its type, where it stands, and what of it is blank")]
    fn value_json(
        &self,
        c: &mut Choices<'_>,
        blueprint: &Blueprint,
        blanks: &Blanks,
        uid: Uid,
        kind: &Kind,
        datum: &Datum,
        path: &[String],
    ) -> Json {
        if blanks.values.contains(&(uid, path.to_vec())) {
            return Json::Raw("null".into());
        }
        match (kind, datum) {
            (Kind::Set(element), Datum::Set(items)) => Json::Array(
                items
                    .iter()
                    .enumerate()
                    .map(|(at, item)| {
                        self.value_json(c, blueprint, blanks, uid, element, item, &step(path, &at.to_string()))
                    })
                    .collect(),
            ),
            (Kind::Record(fields), Datum::Record(data)) => {
                let mut object = Json::Object(Vec::new());
                self.members_json(c, blueprint, blanks, uid, fields, data, path, &mut object);
                object
            }
            (_, Datum::Bool(b)) => Json::Raw(b.to_string()),
            (_, Datum::Long(n)) => Json::Raw(n.to_string()),
            (_, Datum::Decimal(n)) if c.one_in(2) => Json::Raw(decimal(*n)),
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
            let ty = &blueprint.types[instance.of];
            let mut attributes: HashMap<String, RestrictedExpression> = HashMap::new();
            for field in &ty.fields {
                let value = match (field.from, &field.kind) {
                    (From::Snapshot, _) => {
                        instance.fields.get(&field.name).map(|datum| self.expression(blueprint, *uid, datum))
                    }
                    (From::Derivations, _) => derived.get(&(*uid, field.name.clone())).cloned(),
                    (From::Enclosing, Kind::Entity(of)) => {
                        let found = self.around(*uid).skip(1).find(|at| self.instances[at].of == *of);
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
            Datum::Refers(of, key) => RestrictedExpression::new_entity_uid(entity_uid(
                &blueprint.name(*of),
                &self.join(self.scope(blueprint, holder, *of), key),
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
        Datum::Refers(of, key) => each(*of, key, path),
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
