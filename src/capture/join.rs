//! Lists that are joined from the rows of several sources.
//!
//! The rows of one key are one instance. A list keeps numbers of rows; the instances are made while they are written.

use super::cell::Dates;
use super::conflict::{Rule, contradiction, given_twice, names, same};
use super::doubt::Misspelt;
use super::key::{Key, KeyOf};
use super::log::Activities;
use super::node::{Node, Property, Value};
use super::origin::{OriginId, Origins};
use super::places::{OptionalPlace, lacking, overlap};
use super::reports::Reports;
use super::rows::{Belongs, Instance, Mapped, remove, set};
use crate::diagnostic::{Code, Diagnostic};
use crate::hash::keyed;
use crate::schema::{Model, WrongShape};
use crate::source::Place;
use crate::source::pointer::{Pointer, escape};
use crate::value::{TypeId, number_form, parse_datetime, show_datetime};
use hashbrown::HashTable;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The number of places below an instance that evidence names for one source.
const MAX_PLACES: usize = 100;

/// The number of instances that a note names.
const NOTED: usize = 10;

/// A list of instances.
#[derive(Debug)]
pub(super) struct List {
    pub ty: TypeId,
    pub parts: Vec<Part>,
    /// Whether a source states that the list has not all instances.
    pub is_partial: bool,
    /// The origins of lists of the old snapshot that a document replaces.
    pub replaced: Vec<OriginId>,
}

/// The instances of one source.
#[derive(Debug)]
pub(super) struct Part {
    pub content: Content,
    pub role: Role,
    pub origin: OriginId,
    /// Further origins, such as the exports of a log in an old snapshot.
    pub further: Vec<OriginId>,
    /// The name of its file.
    pub name: String,
    /// Whether rows of it are missing.
    pub is_damaged: bool,
    /// The origins of values below an instance, if they differ.
    pub inner: Vec<(Vec<String>, OriginId)>,
    /// The origins of single instances and of values in them, by the number of the row.
    pub of_rows: HashMap<usize, Vec<(Vec<String>, OriginId)>>,
}

/// The content of a part.
#[derive(Debug)]
pub(super) enum Content {
    /// Rows with columns.
    Mapped(Mapped),
    /// Instances as the snapshot has them.
    Instances(Vec<Node>),
    /// Values for each instance that other parts have.
    Activities(Activities),
}

/// The part that a source has in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// It has all instances.
    Complete,
    /// It is a document, whose list is the whole one if no source is complete.
    Document,
    /// It adds to instances.
    Adds,
    /// It is the old snapshot.
    Old,
}

/// The instances of a list: for each, the part and row that it begins with, and rows of other parts.
#[derive(Debug)]
pub(super) struct Joined {
    order: Vec<(u32, u32)>,
    /// For each part and instance, the number of a row plus one.
    others: Vec<Vec<u32>>,
    /// Further rows: instance, part, row.
    repeated: Vec<(u32, u32, u32)>,
    /// Whether the list may have more instances.
    pub is_partial: bool,
}

impl Joined {
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }
}

/// Settings of the join.
pub(super) struct Joining<'j> {
    pub model: &'j Model,
    pub ty: TypeId,
    pub key: &'j KeyOf,
    /// Whether the type has a key.
    pub is_keyed: bool,
    pub dates: &'j Dates,
    pub rule: Rule,
    pub origins: &'j Origins,
    /// Properties of which the latest time counts.
    pub latest: &'j [Vec<String>],
    /// The places below an instance whose values have another origin than the list.
    pub columns: &'j BTreeMap<Vec<String>, OriginId>,
    /// The places below an instance whose values may be absent.
    pub optional: &'j [OptionalPlace],
}

/// An instance of the snapshot.
pub(super) struct Joint {
    pub node: Node,
    /// The places in it whose values have another origin than in other instances.
    pub origins: Vec<(Vec<String>, OriginId)>,
}

impl Part {
    fn len(&self) -> usize {
        match &self.content {
            Content::Mapped(rows) => rows.len(),
            Content::Instances(nodes) => nodes.len(),
            Content::Activities(_) => 0,
        }
    }

    fn key(&self, row: usize, key: &KeyOf) -> Option<Key> {
        match &self.content {
            Content::Mapped(rows) => rows.key(row, key),
            Content::Instances(nodes) => nodes.get(row).and_then(|node| key.of_node(node)),
            Content::Activities(_) => None,
        }
    }

    /// Calls a function for the key of each row that has the first property of the id.
    pub(super) fn keys(&self, key: &KeyOf, mut each: impl FnMut(&str)) {
        for row in 0..self.len() {
            if let Some(key) = self.key(row, key).filter(Key::is_first) {
                each(key.as_str());
            }
        }
    }

    fn place(&self, row: usize) -> Option<Place> {
        match &self.content {
            Content::Mapped(rows) => rows.place(row),
            Content::Instances(nodes) => nodes.get(row).map(|node| node.place.clone()),
            Content::Activities(_) => None,
        }
    }

    fn instance(&self, row: usize, joining: &Joining<'_>, reports: &mut Reports) -> Option<Instance> {
        match &self.content {
            Content::Mapped(rows) => rows.instance(row, joining.dates, reports),
            Content::Instances(nodes) => nodes.get(row).map(|node| {
                let mut instance = Instance::new(node.clone());
                if self.role != Role::Old {
                    instance.doubted = Misspelt::of(joining.model, joining.ty, node).values;
                }
                take_uncaptured(&mut instance.node, &mut Vec::new(), &mut instance.uncaptured);
                instance
            }),
            Content::Activities(_) => None,
        }
    }

    fn belongs(&self, row: usize, dates: &Dates) -> Belongs {
        match &self.content {
            Content::Mapped(rows) => rows.belongs(row, dates),
            Content::Instances(_) | Content::Activities(_) => Belongs::Yes,
        }
    }

    /// Returns the origin of the values at a place below the instances.
    fn column_origin(&self, place: &[String]) -> OriginId {
        self.inner.iter().find(|(inner, _)| inner == place).map_or(self.origin, |(_, origin)| *origin)
    }

    /// Returns the origin of the value at a place below the instance of a row: that of the deepest entry.
    fn origin_at(&self, row: usize, place: &[String]) -> OriginId {
        let entries = self.of_row(row).iter().filter(|(entry, _)| place.starts_with(entry));
        let entry = entries.max_by_key(|(entry, _)| entry.len());
        let has_column = self.inner.iter().any(|(inner, _)| inner == place);
        match entry {
            Some((entry, origin)) if !has_column || entry.len() == place.len() => *origin,
            _ => self.column_origin(place),
        }
    }

    fn of_row(&self, row: usize) -> &[(Vec<String>, OriginId)] {
        self.of_rows.get(&row).map_or(&[], Vec::as_slice)
    }

    /// Returns all origins of its values.
    pub(super) fn origins(&self) -> impl Iterator<Item = OriginId> {
        let below = self.inner.iter().chain(self.of_rows.values().flatten()).map(|(_, origin)| origin);
        std::iter::once(&self.origin).chain(&self.further).chain(below).copied()
    }

    /// Returns whether all of its values have one origin.
    pub(super) fn is_uniform(&self) -> bool {
        self.inner.is_empty() && self.further.is_empty() && self.of_rows.is_empty()
    }

    /// Returns the places below an instance that the part has.
    fn places(&self) -> Vec<Vec<String>> {
        match &self.content {
            Content::Mapped(rows) => rows.covered(),
            Content::Activities(activities) => activities.properties().cloned().collect(),
            Content::Instances(nodes) => {
                let mut places = BTreeSet::new();
                for node in nodes {
                    leaves(node, &mut Vec::new(), &mut places);
                    if places.len() > MAX_PLACES {
                        return Vec::new();
                    }
                }
                places.into_iter().collect()
            }
        }
    }
}

/// Moves the lists `uncaptured` of an instance to pointers. The values that they name are not captured, so they are removed.
fn take_uncaptured(node: &mut Node, at: &mut Vec<String>, into: &mut Vec<Vec<String>>) {
    let Value::Object(properties) = &mut node.value else { return };
    let lists = properties.iter().filter(|property| property.name == "uncaptured");
    let listed: Vec<String> = lists.flat_map(|property| names(&property.node)).collect();
    properties.retain(|property| property.name != "uncaptured" && !listed.contains(&property.name));
    into.extend(listed.into_iter().map(|name| at.iter().cloned().chain([name]).collect()));
    for property in properties {
        at.push(property.name.clone());
        take_uncaptured(&mut property.node, at, into);
        at.pop();
    }
}

/// Removes the properties that an object has more than once. Returns their pointers, each with the place of the last one.
fn take_repeated(node: &mut Node, at: &mut Vec<String>, into: &mut Vec<(Vec<String>, Place)>) {
    let Value::Object(properties) = &mut node.value else { return };
    let mut last: BTreeMap<&str, (usize, &Place)> = BTreeMap::new();
    for property in properties.iter() {
        let (count, place) = last.entry(&property.name).or_insert((0, &property.place));
        (*count, *place) = (*count + 1, &property.place);
    }
    let repeated = last.into_iter().filter(|(_, (count, _))| *count > 1);
    let repeated: BTreeMap<String, Place> =
        repeated.map(|(name, (_, place))| (name.to_owned(), place.clone())).collect();
    properties.retain(|property| !repeated.contains_key(&property.name));
    into.extend(repeated.into_iter().map(|(name, place)| (at.iter().cloned().chain([name]).collect(), place)));
    for property in properties {
        at.push(property.name.clone());
        take_repeated(&mut property.node, at, into);
        at.pop();
    }
}

/// Adds the pointers of properties that only one of two objects has, at the outermost level. `null` counts as missing.
fn lacking_in_one([one, two]: [&Node; 2], at: &mut Vec<String>, into: &mut BTreeSet<Vec<String>>) {
    let properties = |node: &Node| match &node.value {
        Value::Object(properties) => properties.iter().map(|property| property.name.clone()).collect(),
        _ => BTreeSet::new(),
    };
    for name in properties(one).union(&properties(two)) {
        at.push(name.clone());
        match [one, two].map(|node| node.get(name).filter(|node| node.value != Value::Null)) {
            [Some(one), Some(two)] => lacking_in_one([one, two], at, into),
            [None, None] => {}
            _ => drop(into.insert(at.clone())),
        }
        at.pop();
    }
}

fn leaves(node: &Node, at: &mut Vec<String>, into: &mut BTreeSet<Vec<String>>) {
    match &node.value {
        Value::Object(properties) => {
            for property in properties.iter().filter(|property| property.name != "uncaptured") {
                at.push(property.name.clone());
                leaves(&property.node, at, into);
                at.pop();
            }
        }
        _ => {
            into.insert(at.clone());
        }
    }
}

impl List {
    /// Returns the number of the part that determines the instances.
    fn primary(&self) -> Option<usize> {
        let first = |role: Role| self.parts.iter().position(|part| part.role == role);
        first(Role::Complete).or_else(|| first(Role::Document)).or_else(|| first(Role::Old))
    }

    /// Orders the parts: the one that determines the instances is the first, and the old snapshot is the last.
    pub(super) fn arrange(&mut self, is_keyed: bool) {
        let primary = self.primary();
        if let Some(primary) = primary.filter(|_| is_keyed) {
            let part = self.parts.remove(primary);
            self.parts.insert(0, part);
        }
        if is_keyed {
            let replaces = self.parts.first().is_some_and(|part| part.role == Role::Document);
            let is_replaced = |part: &&Part| replaces && part.role == Role::Old;
            self.replaced.extend(self.parts.iter().filter(is_replaced).map(|part| part.origin));
            self.parts.retain(|part| !is_replaced(&part));
            let others = self.parts.get_mut(1..).unwrap_or_default();
            others.sort_by_key(|part| part.role == Role::Old);
        } else {
            // An event of a document or of the old snapshot may state more than the same event of a log.
            self.parts.sort_by_key(|part| matches!(part.role, Role::Complete | Role::Adds));
        }
    }

    /// Joins the rows. Rows without a key and rows that the complete source lacks are reported.
    pub(super) fn join(&self, joining: &Joining<'_>, reports: &mut Reports) -> Joined {
        let mut joined = Joined {
            order: Vec::new(),
            others: self.parts.iter().map(|_| Vec::new()).collect(),
            repeated: Vec::new(),
            is_partial: self.is_partial,
        };
        joined.is_partial |= self.parts.iter().any(|part| part.is_damaged);
        match joining.is_keyed {
            true => {
                self.by_key(joining, &mut joined, reports);
                joined.repeated.sort_unstable();
            }
            false => self.distinct(joining, &mut joined, reports),
        }
        joined
    }

    fn by_key(&self, joining: &Joining<'_>, joined: &mut Joined, reports: &mut Reports) {
        let Some(first) = self.parts.first() else { return };
        joined.is_partial |= first.role == Role::Adds && !matches!(first.content, Content::Activities(_));
        let is_outdated = self.is_outdated(joining, reports);
        joined.is_partial |= is_outdated;
        let memberships = self.memberships(joining, reports);
        let mut index: HashTable<u32> = HashTable::new();
        // Whether the new sources that determine the instances may lack some that the account has.
        let determines = |part: &Part| matches!(part.role, Role::Complete | Role::Document);
        let mut is_cut = is_outdated || self.parts.iter().any(|part| part.is_damaged && determines(part));
        for (number, part) in self.parts.iter().enumerate() {
            let (mut dropped, mut kept) = (Vec::new(), Vec::new());
            for row in 0..part.len() {
                let read = self.key_in_list(part, row, joining, reports);
                joined.is_partial |= read.is_partial;
                is_cut |= read.is_partial && determines(part);
                let Some(key) = read.key else { continue };
                let is_it = |it: &Membership| self.key_at(it.at, joining.key).as_ref() == Some(&key);
                let membership = match memberships.is_empty() {
                    true => None,
                    false => memberships.find(keyed(key.as_str()), is_it).map(|it| it.belongs),
                };
                match membership {
                    Some(Belongs::No) if part.role != Role::Old => continue,
                    Some(Belongs::Unknown) => {
                        joined.is_partial = true;
                        continue;
                    }
                    _ => {}
                }
                let hash = keyed(key.as_str());
                let same = |instance: &u32| self.key_of(joined, *instance, joining.key).as_ref() == Some(&key);
                match index.find(hash, same).copied() {
                    Some(instance) => {
                        if let Some(first) = joined.add(instance, number, row) {
                            twice(part, [first, row], key.shown(), reports);
                        }
                    }
                    // A row may state that the instance is not in the list.
                    None if number > 0 && part.role == Role::Old && (!is_cut || membership == Some(Belongs::No)) => {
                        dropped.push(key.to_string());
                    }
                    None => {
                        if number > 0 && part.role == Role::Old {
                            kept.push(key.to_string());
                        } else if number > 0 {
                            self.extra((part, row), &key, first, "the snapshot has it with these values only", reports);
                        }
                        let instance = small(joined.order.len());
                        joined.order.push((small(number), small(row)));
                        let hasher = |instance: &u32| {
                            self.key_of(joined, *instance, joining.key).map_or(0, |key| keyed(key.as_str()))
                        };
                        index.insert_unique(hash, instance, hasher);
                    }
                }
            }
            let (file, old) = (&first.name, &part.name);
            let shown = |keys: &[String]| {
                let more = keys.len().checked_sub(NOTED).filter(|more| *more > 0);
                let more = more.map_or_else(String::new, |more| format!(" and {more} more"));
                format!("{}{more}", keys.get(..NOTED).unwrap_or(keys).join(", "))
            };
            if !dropped.is_empty() {
                reports.note(format!("`{file}` no longer has {} of `{old}`: {}", dropped.len(), shown(&dropped)));
            }
            if !kept.is_empty() {
                let count = kept.len();
                reports.note(format!("`{file}` is not complete, so {count} of `{old}` are kept: {}", shown(&kept)));
            }
        }
        self.lacking(joined, joining.key, reports);
    }

    fn key_of(&self, joined: &Joined, instance: u32, key: &KeyOf) -> Option<Key> {
        self.key_at(*joined.order.get(instance as usize)?, key)
    }

    fn key_at(&self, (part, row): (u32, u32), key: &KeyOf) -> Option<Key> {
        self.parts.get(part as usize)?.key(row as usize, key)
    }

    /// Reads the key of a row that belongs to the list. A row that cannot be used makes the list partial.
    fn key_in_list(&self, part: &Part, row: usize, joining: &Joining<'_>, reports: &mut Reports) -> KeyInList {
        match part.belongs(row, joining.dates) {
            Belongs::Yes => {}
            Belongs::No => return KeyInList { key: None, is_partial: false },
            Belongs::Unknown => return KeyInList { key: None, is_partial: true },
        }
        let Some(key) = part.key(row, joining.key) else {
            self.no_key(part, row, joining.key, reports);
            return KeyInList { key: None, is_partial: true };
        };
        let Content::Mapped(rows) = &part.content else { return KeyInList { key: Some(key), is_partial: false } };
        if let Some(wrong) = joining.key.wrong_form(&key) {
            other_form(part, row, key.shown_as_written(), &wrong, reports);
            return KeyInList { key: None, is_partial: true };
        }
        // Exports have totals and remarks below the table.
        let is_partial = joining.key.has_any_form() && rows.has_only_key(row, joining.key);
        if is_partial {
            only_key(part, row, key.shown(), reports);
        }
        KeyInList { key: Some(key), is_partial }
    }

    /// Reports files that are older than the list of the old snapshot that they would replace.
    fn is_outdated(&self, joining: &Joining<'_>, reports: &mut Reports) -> bool {
        let time = |part: &Part| joining.origins.time(part.origin);
        let old = self.parts.iter().filter(|part| part.role == Role::Old).map(|part| part.origin);
        let old = old.chain(self.replaced.iter().copied());
        let Some(old) = old.filter_map(|origin| joining.origins.time(origin)).max() else { return false };
        // Rows that only add to instances replace single values, which have their own times.
        let is_rows = |part: &&Part| match part.content {
            Content::Mapped(_) => part.role == Role::Complete,
            Content::Instances(_) => part.role != Role::Old,
            Content::Activities(_) => false,
        };
        let is_older = |part: &&Part| is_rows(part) && time(part).is_some_and(|time| time < old);
        let mut outdated = self.parts.iter().filter(is_older).peekable();
        let is_any = outdated.peek().is_some();
        for part in outdated {
            let error = || {
                let message = format!(
                    "`{}` is of {}, and the snapshot has values of {}",
                    part.name,
                    time(part).map(show_datetime).unwrap_or_default(),
                    show_datetime(old)
                );
                let error = Diagnostic::error(Code::CaptureConflict, message);
                error.help("leave the file out, export it again, or correct --captured-at")
            };
            match part.place(0) {
                Some(place) => reports.report("outdated", &place, || {
                    error().label(&place.source, place.span, "the list of these rows is partial")
                }),
                None => reports.push(error()),
            }
        }
        is_any
    }

    /// Returns, for a list with conditions, whether each instance is in it by all of its rows. Rows that contradict each
    /// other are reported, and the instance may or may not be in the list.
    fn memberships(&self, joining: &Joining<'_>, reports: &mut Reports) -> HashTable<Membership> {
        let mut known: HashTable<Membership> = HashTable::new();
        let has_conditions = |part: &Part| matches!(&part.content, Content::Mapped(rows) if rows.has_conditions());
        if !self.parts.iter().any(has_conditions) {
            return known;
        }
        for (number, part) in self.parts.iter().enumerate().filter(|(_, part)| part.role != Role::Old) {
            for row in 0..part.len() {
                let belongs = part.belongs(row, joining.dates);
                let key = part.key(row, joining.key).filter(|_| belongs != Belongs::Unknown);
                let Some(key) = key else { continue };
                let stated = Membership { at: (small(number), small(row)), belongs };
                let is_same = |it: &Membership| self.key_at(it.at, joining.key).as_ref() == Some(&key);
                match known.find_mut(keyed(key.as_str()), is_same) {
                    Some(first) => self.combine(first, stated, key.shown(), joining, reports),
                    None => {
                        let hasher =
                            |it: &Membership| self.key_at(it.at, joining.key).map_or(0, |key| keyed(key.as_str()));
                        known.insert_unique(keyed(key.as_str()), stated, hasher);
                    }
                }
            }
        }
        known
    }

    /// Combines what two rows state.
    fn combine(
        &self,
        first: &mut Membership,
        stated: Membership,
        key: &str,
        joining: &Joining<'_>,
        reports: &mut Reports,
    ) {
        let part = |it: &Membership| self.parts.get(it.at.0 as usize);
        let time = |it: &Membership| part(it).and_then(|part| joining.origins.time(part.origin));
        let is_decided = joining.rule == Rule::Newer && time(first) != time(&stated);
        let is_disputed = first.belongs == Belongs::Unknown && !is_decided;
        if first.belongs == stated.belongs || is_decided || is_disputed {
            if time(&stated) > time(first) {
                *first = stated;
            }
            return;
        }
        let place = |it: &Membership| part(it).and_then(|part| part.place(it.at.1 as usize));
        if let (Some(one), Some(two)) = (place(first), place(&stated)) {
            disputed(key, [(&one, first.belongs), (&two, stated.belongs)], reports);
        }
        first.belongs = Belongs::Unknown;
    }

    fn no_key(&self, part: &Part, row: usize, key: &KeyOf, reports: &mut Reports) {
        let Some(place) = part.place(row) else { return };
        if matches!(&part.content, Content::Mapped(rows) if rows.has_uncaptured_key(row, key)) {
            reports.report("uncaptured-key", &place, || {
                let message = format!("`uncaptured` of this row names {}, its id", key.name());
                let error = Diagnostic::error(Code::CaptureRow, message);
                error.label(&place.source, place.span, "not read").help("remove the name from `uncaptured`, or the row")
            });
            return;
        }
        reports.report("key", &place, || {
            let names = if matches!(part.content, Content::Mapped(_)) { key.name() } else { key.names() };
            let error = Diagnostic::error(Code::CaptureRow, format!("this row has no {names}"));
            error.label(&place.source, place.span, "not read").help("complete or remove the row")
        });
    }

    /// Reports instances that a further complete source lacks.
    fn lacking(&self, joined: &Joined, key: &KeyOf, reports: &mut Reports) {
        let complete = |part: &Part| match &part.content {
            // A row that does not fulfil the conditions states that the instance is not in the list.
            Content::Mapped(rows) => part.role == Role::Complete && !rows.has_conditions(),
            Content::Instances(_) | Content::Activities(_) => false,
        };
        for (number, other) in self.parts.iter().enumerate().skip(1).filter(|(_, part)| complete(part)) {
            for (instance, (of, row)) in joined.order.iter().enumerate() {
                let has_row = joined.others.get(number).and_then(|rows| rows.get(instance)).is_some_and(|row| *row > 0);
                let key = || self.key_at((*of, *row), key);
                let part = self.parts.get(*of as usize).filter(|part| part.role != Role::Old);
                if let Some(part) = part.filter(|_| *of as usize != number && !has_row)
                    && let Some(key) = key()
                {
                    self.extra((part, *row as usize), &key, other, "the snapshot has it", reports);
                }
            }
        }
    }

    fn extra(&self, (part, row): (&Part, usize), key: &Key, other: &Part, label: &str, reports: &mut Reports) {
        let Some(place) = part.place(row) else { return };
        reports.report("extra", &place, || {
            let message = format!("`{key}` is in `{}`, and not in `{}`", place.source.name(), other.name);
            let warning = Diagnostic::warning(Code::CaptureRow, message);
            let warning = warning.label(&place.source, place.span, label);
            warning.help("export both files on the same day, or remove the row if it is out of date")
        });
    }

    /// Lists the rows of a type without key, each once.
    fn distinct(&self, joining: &Joining<'_>, joined: &mut Joined, reports: &mut Reports) {
        let mut seen: HashMap<(u64, u64), usize> = HashMap::new();
        let compared = self.parts.iter().find_map(|part| match &part.content {
            Content::Mapped(rows) => Some(rows.covered()),
            _ => None,
        });
        for (number, part) in self.parts.iter().enumerate() {
            let mut repeated = 0usize;
            for row in 0..part.len() {
                // Problems of the row are reported when it is written.
                let Some(instance) = part.instance(row, joining, &mut Reports::default()) else { continue };
                let text = canonical(&instance.node, compared.as_deref());
                match seen.entry((keyed(&text), keyed(&(1u8, text)))) {
                    Entry::Vacant(entry) => {
                        entry.insert(number);
                        joined.order.push((small(number), small(row)));
                    }
                    Entry::Occupied(first) => repeated += usize::from(*first.get() == number),
                }
            }
            if repeated > 0 {
                let (name, s) = (&part.name, if repeated == 1 { "" } else { "s" });
                reports.note(format!("`{name}` has {repeated} row{s} with the values of an earlier row: they are one"));
            }
        }
    }

    /// Makes an instance of its rows. Contradictions are reported.
    pub(super) fn instance(
        &self,
        joined: &Joined,
        instance: usize,
        joining: &Joining<'_>,
        reports: &mut Reports,
        at: &Pointer,
    ) -> Option<Joint> {
        let (number, row) = joined.order.get(instance).copied()?;
        let part = self.parts.get(number as usize)?;
        let first_part = number as usize;
        let has_row = |number: usize| {
            let other = joined.others.get(number).and_then(|rows| rows.get(instance));
            number == first_part || other.is_some_and(|row| *row > 0)
        };
        let mut first = self.row((part, row as usize), has_row, joining, at, reports)?;
        let mut sources = vec![part];
        let mut merging = Merging {
            contradicted: Vec::new(),
            doubted: std::mem::take(&mut first.doubted),
            absent: std::mem::take(&mut first.absent)
                .into_iter()
                .map(|(pointer, place)| {
                    let origin = part.origin_at(row as usize, &pointer);
                    Absence { pointer, place, origin }
                })
                .collect(),
            instance: first,
            first: (part, row as usize),
            key: part.key(row as usize, joining.key),
            owners: Vec::new(),
            joining,
            at,
            reports,
        };
        if joining.is_keyed {
            let from = joined.repeated.partition_point(|(of, ..)| (*of as usize) < instance);
            let repeated = joined.repeated.iter().skip(from).take_while(|(of, ..)| *of as usize == instance);
            let others = joined.others.iter().zip(0u32..).filter_map(|(rows, number)| {
                let row = rows.get(instance).copied()?.checked_sub(1)?;
                Some((number, row))
            });
            let repeated: Vec<(u32, u32)> = repeated.map(|(_, part, row)| (*part, *row)).collect();
            let rows: Vec<(u32, u32)> = others.chain(repeated.iter().copied()).collect();
            // The statements of the rows of each part so far.
            let mut of_parts: HashMap<u32, Statements> = HashMap::new();
            if !repeated.is_empty() {
                of_parts.insert(number, merging.instance.statements(&merging.absent, part));
            }
            for (number, row) in rows {
                let Some(other) = self.parts.get(number as usize) else { continue };
                sources.push(other);
                let at = (other, row as usize);
                let Some(mut instance) = self.row(at, has_row, joining, merging.at, merging.reports) else { continue };
                let mut lacking = BTreeSet::new();
                if !repeated.is_empty() {
                    let of_part = of_parts.entry(number).or_default();
                    let statements = instance.statements(&[], other);
                    lacking = of_part.lacking(&statements);
                    of_part.add(statements).into_iter().for_each(|place| merging.doubt(place));
                }
                if other.role == Role::Old {
                    // An uncaptured property takes the place of the old value.
                    merging.instance.uncaptured.iter().for_each(|place| remove(&mut instance.node, place));
                }
                merging.add(instance, at);
                lacking.into_iter().for_each(|place| merging.lack(place, other.role));
            }
            let key = merging.key.clone();
            let activities = self.parts.iter().filter_map(|part| match &part.content {
                Content::Activities(activities) => Some((part, activities)),
                _ => None,
            });
            for (other, activities) in activities {
                // A log names the first property of the id. It may have events of an instance without this property.
                if !key.as_ref().is_none_or(Key::is_first) {
                    merging.doubted.extend(activities.properties().cloned());
                    continue;
                }
                sources.push(other);
                let place = merging.instance.node.place.clone();
                let found = Instance::new(activities.of(key.as_ref().map(Key::as_str), &place));
                merging.add(found, (other, 0));
            }
        }
        merging.instance.uncaptured.extend(unstated(&sources, joining.optional));
        let list = self.parts.first().map_or(part.origin, |part| part.origin);
        Some(merging.finish(list))
    }

    /// Reads a row as a part of an instance. A property that it has twice is reported, and is in doubt. New sources replace the
    /// values of an old row: those parts of which `has_row` is true have a row for the instance.
    fn row(
        &self,
        (part, row): (&Part, usize),
        has_row: impl Fn(usize) -> bool,
        joining: &Joining<'_>,
        at: &Pointer,
        reports: &mut Reports,
    ) -> Option<Instance> {
        let mut instance = part.instance(row, joining, reports)?;
        if part.role == Role::Old && joining.is_keyed {
            self.forget(&mut instance, (part, row), joining, has_row);
        }
        let mut repeated = Vec::new();
        take_repeated(&mut instance.node, &mut Vec::new(), &mut repeated);
        for (pointer, place) in repeated {
            let steps: Vec<&String> = pointer.iter().collect();
            reports.report("repeated", &place, || given_twice(at.join(&steps).as_str(), &place));
            instance.doubted.push(pointer);
        }
        Some(instance)
    }

    /// Removes the properties of an old instance that new sources cover. A value that is newer than the source stays, and
    /// contradicts another one. The values of a complete source that has no row for the instance are not known if another one has the
    /// instance.
    fn forget(
        &self,
        old: &mut Instance,
        (of, row): (&Part, usize),
        joining: &Joining<'_>,
        has_row: impl Fn(usize) -> bool,
    ) {
        let mut parts = self.parts.iter().enumerate();
        let is_only_old = parts.all(|(number, part)| part.role == Role::Old || !has_row(number));
        for (number, part) in self.parts.iter().enumerate().filter(|(_, it)| matches!(it.content, Content::Mapped(_))) {
            let has_row = has_row(number);
            if !has_row && (part.role != Role::Complete || is_only_old) {
                continue;
            }
            let is_newer = |place: &Vec<String>| joining.origins.is_later(of.origin_at(row, place), part.origin);
            let is_kept = |place: &Vec<String>| {
                joining.latest.contains(place) || *place == joining.key.pointer || is_newer(place)
            };
            for place in part.places().iter().filter(|place| !is_kept(place)) {
                if has_row {
                    old.uncaptured.retain(|known| known != place);
                } else if place.iter().try_fold(&old.node, |node, step| node.get(step)).is_some() {
                    old.uncaptured.extend(lacking(joining.optional, |optional| optional != place));
                }
                remove(&mut old.node, place);
            }
        }
    }

    /// Returns the places below the list that have an origin of their own.
    pub(super) fn evidence(&self, key: &[String], is_keyed: bool) -> Vec<(String, OriginId)> {
        let mut evidence: Vec<(String, OriginId)> = Vec::new();
        let Some(first) = self.parts.first() else { return evidence };
        if !is_keyed {
            let origins = self.parts.iter().flat_map(|part| std::iter::once(&part.origin).chain(&part.further));
            evidence.extend(origins.map(|origin| (String::new(), *origin)));
            evidence.sort();
            evidence.dedup();
            return evidence;
        }
        evidence.push((String::new(), first.origin));
        evidence.extend(self.columns(key).into_iter().map(|(place, origin)| (format!("/*{}", steps(&place)), origin)));
        evidence.sort();
        evidence
    }

    /// Returns the places below an instance whose values have another origin than the list.
    pub(super) fn columns(&self, key: &[String]) -> BTreeMap<Vec<String>, OriginId> {
        let mut columns: BTreeMap<Vec<String>, OriginId> = BTreeMap::new();
        let Some(first) = self.parts.first() else { return columns };
        let of_first = first.places();
        let mut add = |place: &[String], origin: OriginId| {
            let known = columns.entry(place.to_vec()).or_insert(origin);
            *known = origin.min(*known);
        };
        first.inner.iter().for_each(|(place, origin)| add(place, *origin));
        for part in self.parts.iter().skip(1) {
            for place in part.places().iter().filter(|place| *place != key && !of_first.contains(place)) {
                add(place, part.column_origin(place));
            }
        }
        columns
    }
}

/// Returns the pointers of values that none of the sources of an instance states. A document states what it lacks.
fn unstated(sources: &[&Part], optional: &[OptionalPlace]) -> Vec<Vec<String>> {
    let states = |part: &&Part, place: &[String]| match &part.content {
        Content::Mapped(rows) => rows.states(place),
        Content::Activities(activities) => activities.properties().any(|known| overlap(known, place)),
        Content::Instances(_) => true,
    };
    lacking(optional, |place| sources.iter().any(|part| states(part, place)))
}

/// The key of a row, if it is in the list, and whether the list may have more instances because of the row.
struct KeyInList {
    key: Option<Key>,
    is_partial: bool,
}

/// A statement whether an instance is in a list.
struct Membership {
    /// The part and the row.
    at: (u32, u32),
    belongs: Belongs,
}

fn disputed(key: &str, rows: [(&Place, Belongs); 2], reports: &mut Reports) {
    let [_, (second, _)] = rows;
    reports.report("membership", second, || {
        let message = format!("two rows state differently whether `{key}` is in a list");
        let error =
            rows.into_iter().fold(Diagnostic::error(Code::CaptureConflict, message), |error, (place, belongs)| {
                let text = if belongs == Belongs::Yes { "in the list" } else { "not in the list" };
                error.label(&place.source, place.span, text)
            });
        error.help("correct one of them, or pass --prefer newer if they are of different times; until then the list is partial")
    });
}

fn other_form(part: &Part, row: usize, key: &str, wrong: &WrongShape, reports: &mut Reports) {
    let Some(place) = part.place(row) else { return };
    reports.report("form", &place, || {
        let error = Diagnostic::error(Code::CaptureRow, format!("`{key}` is not {}", wrong.expected));
        let error = error.label(&place.source, place.span, "not read");
        error.help(format!("remove the row if it is a total or a remark; otherwise {}", wrong.help))
    });
}

fn only_key(part: &Part, row: usize, key: &str, reports: &mut Reports) {
    let Some(place) = part.place(row) else { return };
    reports.report("remark", &place, || {
        let warning = Diagnostic::warning(Code::CaptureRow, format!("the row of `{key}` has no other value"));
        let warning = warning.label(&place.source, place.span, "it may be a total or a remark, so the list is partial");
        warning.help("remove the row if it is one; otherwise complete it")
    });
}

fn twice(part: &Part, rows: [usize; 2], key: &str, reports: &mut Reports) {
    let [Some(first), Some(second)] = rows.map(|row| part.place(row)) else { return };
    reports.report("twice", &second, || {
        let message = format!("`{key}` has two rows in `{}`", part.name);
        let warning = Diagnostic::warning(Code::CaptureRow, message);
        let warning = warning.label(&second.source, second.span, "merged with the other row");
        let warning = warning.label(&first.source, first.span, "the other row");
        warning.help("remove one of them, or export the file again")
    });
}

/// Returns a number of a row or part, which is below the number of bytes of a text.
fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl Joined {
    /// Adds a row to an instance. Returns the first row of the part for the instance, if it has one.
    fn add(&mut self, instance: u32, part: usize, row: usize) -> Option<usize> {
        let first = self.order.get(instance as usize).filter(|(first, _)| *first as usize == part);
        let first = first.map(|(_, row)| *row as usize);
        let rows = self.others.get_mut(part)?;
        if rows.len() <= instance as usize {
            rows.resize(instance as usize + 1, 0);
        }
        let known = rows.get_mut(instance as usize)?;
        match first.or((*known as usize).checked_sub(1)) {
            None => {
                *known = small(row + 1);
                None
            }
            earlier => {
                self.repeated.push((instance, small(part), small(row)));
                earlier
            }
        }
    }
}

/// Returns a text that is equal for equal instances. With `compared`, only these properties count.
fn canonical(node: &Node, compared: Option<&[Vec<String>]>) -> String {
    let mut text = String::new();
    match compared {
        None => canonical_value(node, &mut text),
        Some(properties) => {
            for pointer in properties {
                match pointer.iter().try_fold(node, |node, step| node.get(step)) {
                    Some(value) => canonical_value(value, &mut text),
                    None => text.push('-'),
                }
                text.push('\u{1f}');
            }
        }
    }
    text
}

fn canonical_value(node: &Node, text: &mut String) {
    match &node.value {
        Value::Null => text.push('-'),
        Value::Bool(truth) => text.push_str(if *truth { "t" } else { "f" }),
        Value::Number(number) => text.push_str(&number_form(number)),
        Value::Text(written) => match parse_datetime(written) {
            Ok(moment) => text.push_str(&moment.to_string()),
            Err(_) => {
                text.push('"');
                text.push_str(written.trim());
            }
        },
        Value::List(elements) => {
            text.push('[');
            for element in elements {
                canonical_value(element, text);
                text.push(',');
            }
        }
        Value::Object(properties) => {
            let mut sorted: Vec<&Property> = properties.iter().collect();
            sorted.sort_by(|one, two| one.name.cmp(&two.name));
            text.push('{');
            for property in sorted {
                text.push_str(&property.name);
                text.push(':');
                canonical_value(&property.node, text);
                text.push(',');
            }
        }
    }
}

/// Returns a JSON pointer of some steps.
pub(super) fn steps(place: &[String]) -> String {
    place.iter().map(|step| format!("/{}", escape(step))).collect()
}

/// A statement that a property does not exist.
struct Absence {
    pointer: Vec<String>,
    place: Place,
    origin: OriginId,
}

/// The properties that rows state, and those that their source has and a row leaves open.
#[derive(Default)]
struct Statements {
    stated: BTreeSet<Vec<String>>,
    open: BTreeSet<Vec<String>>,
    /// The first row, if it states what it lacks, as one of a document does.
    whole: Option<Node>,
}

impl Statements {
    /// Returns the properties that only one of the first and another row of a document has.
    fn lacking(&self, row: &Self) -> BTreeSet<Vec<String>> {
        let mut lacking = BTreeSet::new();
        if let (Some(one), Some(two)) = (&self.whole, &row.whole) {
            lacking_in_one([one, two], &mut Vec::new(), &mut lacking);
        }
        lacking
    }

    /// Adds the statements of a row. Returns the properties that this row states and another one leaves open, or the reverse.
    fn add(&mut self, row: Self) -> BTreeSet<Vec<String>> {
        let reverse = row.open.intersection(&self.stated);
        let half_open = row.stated.intersection(&self.open).chain(reverse).cloned().collect();
        self.stated.extend(row.stated);
        self.open.extend(row.open);
        self.whole = self.whole.take().or(row.whole);
        half_open
    }
}

impl Instance {
    /// Returns the statements of a row. Those of absence may have been taken out of it.
    fn statements(&self, absent: &[Absence], part: &Part) -> Statements {
        let mut places = BTreeSet::new();
        leaves(&self.node, &mut Vec::new(), &mut places);
        let absent = absent.iter().map(|it| &it.pointer).chain(self.absent.iter().map(|(pointer, _)| pointer));
        Statements {
            stated: places.iter().chain(absent).cloned().collect(),
            open: self.unstated.iter().cloned().collect(),
            whole: matches!(part.content, Content::Instances(_)).then(|| self.node.clone()),
        }
    }
}

/// The row that a value is from, if it is not the first one.
struct Owner {
    place: Vec<String>,
    origin: OriginId,
    role: Role,
}

/// The merge of rows to one instance.
struct Merging<'m> {
    instance: Instance,
    /// The part and the number of the first row.
    first: (&'m Part, usize),
    /// The key of the instance; `None` for a list without keys.
    key: Option<Key>,
    /// The places whose values are not those of the first row.
    owners: Vec<Owner>,
    /// The places of values that contradict each other, which are reported.
    contradicted: Vec<Vec<String>>,
    /// The places whose values are not known for another reason. Values that rows state are compared nevertheless.
    doubted: Vec<Vec<String>>,
    absent: Vec<Absence>,
    joining: &'m Joining<'m>,
    at: &'m Pointer,
    reports: &'m mut Reports,
}

impl Merging<'_> {
    /// Returns whether a property is the key of the instance.
    fn is_key(&self, pointer: &[String]) -> bool {
        match &self.key {
            Some(key) => self.joining.key.pointer_of(key) == pointer,
            None => *pointer == self.joining.key.pointer,
        }
    }

    fn add(&mut self, other: Instance, (second, row): (&Part, usize)) {
        let is_old = second.role == Role::Old;
        let mut found = Vec::new();
        values(other.node, &mut Vec::new(), &mut found);
        for (pointer, node) in found {
            if self.is_key(&pointer) || self.contradicted.contains(&pointer) {
                continue;
            }
            // A value of the old snapshot counts if the new source is older. Rows of it have one age.
            let origin = second.origin_at(row, &pointer);
            let is_over = |new: OriginId| is_old && !self.joining.origins.is_later(origin, new);
            if let Some(at) = self.absent.iter().position(|it| it.pointer == pointer) {
                let Some(absence) = self.absent.get(at) else { continue };
                if is_over(absence.origin) || self.is_latest(&pointer) || node.value == Value::Null {
                    continue;
                }
                match self.newer_of(absence.origin, origin) {
                    Some(true) => drop(self.absent.swap_remove(at)),
                    Some(false) => continue,
                    None => {
                        let one = absence.place.clone();
                        self.conflict(pointer, [&one, &node.place]);
                        continue;
                    }
                }
            }
            let known = pointer.iter().try_fold(&self.instance.node, |node, step| node.get(step));
            let replaces = match known {
                None => true,
                Some(known) if known.value == Value::Null => true,
                Some(_) if node.value == Value::Null => false,
                Some(_) if !self.is_of_old(&pointer) && is_over(self.owner(&pointer)) && !self.is_latest(&pointer) => {
                    false
                }
                Some(known) if same(known, &node) => false,
                Some(known) if self.is_latest(&pointer) => is_later(&node, known),
                Some(known) => match self.newer(&pointer, origin) {
                    Some(is_second) => is_second,
                    None => {
                        let one = known.place.clone();
                        self.conflict(pointer, [&one, &node.place]);
                        continue;
                    }
                },
            };
            if replaces {
                set(&mut self.instance.node, &pointer, node);
                self.owners.retain(|owner| owner.place != pointer);
                self.owners.push(Owner { place: pointer.clone(), origin, role: second.role });
            }
        }
        if !is_old {
            other.absent.into_iter().for_each(|(pointer, place)| {
                let origin = second.origin_at(row, &pointer);
                self.add_absence(Absence { pointer, place, origin });
            });
        }
        self.instance.uncaptured.extend(other.uncaptured);
        self.doubted.extend(other.doubted);
    }

    /// Makes a value uncaptured.
    fn doubt(&mut self, pointer: Vec<String>) {
        if !self.doubted.contains(&pointer) {
            self.doubted.push(pointer);
        }
    }

    /// Makes a property uncaptured that only one of two rows of a document has. Values of other sources replace those of the old
    /// snapshot.
    fn lack(&mut self, pointer: Vec<String>, role: Role) {
        if self.is_key(&pointer) || self.is_latest(&pointer) {
            return;
        }
        let mut below = BTreeSet::new();
        let known = pointer.iter().try_fold(&self.instance.node, |node, step| node.get(step));
        known.into_iter().for_each(|known| leaves(known, &mut pointer.clone(), &mut below));
        let (old, new): (Vec<_>, Vec<_>) = below.into_iter().partition(|place| self.is_of_old(place));
        if role == Role::Old && !new.is_empty() {
            old.into_iter().for_each(|place| self.doubt(place));
        } else {
            self.doubt(pointer);
        }
    }

    /// Adds a statement that a property does not exist.
    fn add_absence(&mut self, absence: Absence) {
        let pointer = &absence.pointer;
        if self.is_key(pointer) || self.contradicted.contains(pointer) || self.is_latest(pointer) {
            return;
        }
        let known = pointer.iter().try_fold(&self.instance.node, |node, step| node.get(step));
        match known.filter(|known| known.value != Value::Null).map(|known| known.place.clone()) {
            None => self.absent.push(absence),
            Some(known) => match self.newer(pointer, absence.origin) {
                Some(true) => {
                    remove(&mut self.instance.node, pointer);
                    self.owners.retain(|owner| owner.place != *pointer);
                    self.absent.push(absence);
                }
                Some(false) => {}
                None => self.conflict(absence.pointer, [&known, &absence.place]),
            },
        }
    }

    /// Reports two statements about a property, whose value is uncaptured then.
    fn conflict(&mut self, pointer: Vec<String>, [one, two]: [&Place; 2]) {
        let steps: Vec<&String> = pointer.iter().collect();
        let at = self.at.join(&steps);
        self.reports.report("conflict", two, || contradiction(at.as_str(), Some(one), Some(two)));
        self.contradicted.push(pointer);
    }

    fn is_latest(&self, pointer: &[String]) -> bool {
        self.joining.latest.iter().any(|known| known == pointer)
    }

    /// Returns the origin of a value.
    fn owner(&self, pointer: &[String]) -> OriginId {
        let known = self.owners.iter().find(|owner| owner.place == pointer);
        known.map_or_else(|| self.first.0.origin_at(self.first.1, pointer), |owner| owner.origin)
    }

    /// Returns whether a value is of the old snapshot.
    fn is_of_old(&self, pointer: &[String]) -> bool {
        let known = self.owners.iter().find(|owner| owner.place == pointer);
        known.map_or(self.first.0.role, |owner| owner.role) == Role::Old
    }

    /// Returns whether the second source wins, if the newer one does.
    fn newer(&self, pointer: &[String], second: OriginId) -> Option<bool> {
        self.newer_of(self.owner(pointer), second)
    }

    fn newer_of(&self, first: OriginId, second: OriginId) -> Option<bool> {
        let time = |origin: OriginId| self.joining.origins.time(origin);
        match (time(first), time(second)) {
            (Some(one), Some(two)) if self.joining.rule == Rule::Newer && one != two => Some(two > one),
            _ => None,
        }
    }

    /// Returns the places whose values have another origin than in other instances. The list has the origin `list`.
    fn origins(&self, list: OriginId) -> Vec<(Vec<String>, OriginId)> {
        let (part, row) = self.first;
        let base = part.origin_at(row, &[]);
        let mut origins = Vec::new();
        if base != list {
            origins.push((Vec::new(), base));
        }
        let columns = self.joining.columns;
        let mut add = |place: &Vec<String>, origin: OriginId| {
            if origin != columns.get(place).copied().unwrap_or(base) {
                origins.push((place.clone(), origin));
            }
        };
        let is_known = |owner: &&Owner| !self.doubted.contains(&owner.place);
        self.owners.iter().filter(is_known).for_each(|owner| add(&owner.place, owner.origin));
        let entries = part.of_row(row).iter().map(|(place, _)| place).filter(|place| !place.is_empty());
        // The values of other first rows have the origins of the columns.
        let of_columns = columns.keys().filter(|_| base != list || !part.of_row(row).is_empty());
        let places: BTreeSet<&Vec<String>> = entries.chain(of_columns).collect();
        let is_there = |place: &&Vec<String>| place.iter().try_fold(&self.instance.node, |node, step| node.get(step));
        let is_owned = |place: &&Vec<String>| self.owners.iter().any(|owner| owner.place == **place);
        let of_row = places.into_iter().filter(|place| !is_owned(place) && is_there(place).is_some());
        of_row.for_each(|place| add(place, part.origin_at(row, place)));
        origins
    }

    /// Returns the instance, with the names of properties that are not known.
    fn finish(self, list: OriginId) -> Joint {
        let origins = if self.joining.is_keyed { self.origins(list) } else { Vec::new() };
        let Instance { mut node, uncaptured, .. } = self.instance;
        let not_known = || self.contradicted.iter().chain(&self.doubted);
        not_known().for_each(|pointer| remove(&mut node, pointer));
        let is_known = |pointer: &Vec<String>| pointer.iter().try_fold(&node, |node, step| node.get(step)).is_some();
        let unknown: BTreeSet<Vec<String>> =
            uncaptured.into_iter().filter(|pointer| !is_known(pointer)).chain(not_known().cloned()).collect();
        // An object that is not captured is named without what is in it.
        let is_below = |pointer: &Vec<String>| {
            (1..pointer.len()).any(|length| pointer.get(..length).is_some_and(|above| unknown.contains(above)))
        };
        for pointer in unknown.iter().filter(|pointer| !is_below(pointer)) {
            let Some((name, above)) = pointer.split_last() else { continue };
            let place = node.place.clone();
            let list: Vec<String> = above.iter().cloned().chain(["uncaptured".to_owned()]).collect();
            let known = list.iter().try_fold(&node, |node, step| node.get(step)).map(names);
            let names = known.into_iter().flatten().chain([name.clone()]);
            let names = names.map(|name| Node::new(&place, Value::Text(name))).collect();
            set(&mut node, &list, Node::new(&place, Value::List(names)));
        }
        Joint { node, origins }
    }
}

fn is_later(one: &Node, two: &Node) -> bool {
    match (one.text().map(parse_datetime), two.text().map(parse_datetime)) {
        (Some(Ok(one)), Some(Ok(two))) => one > two,
        _ => false,
    }
}

/// Returns the values of an instance with their pointers.
fn values(node: Node, at: &mut Vec<String>, into: &mut Vec<(Vec<String>, Node)>) {
    match node.value {
        Value::Object(properties) if !properties.is_empty() || at.is_empty() => {
            for property in properties {
                at.push(property.name);
                values(property.node, at, into);
                at.pop();
            }
        }
        value => into.push((at.clone(), Node { place: node.place, value })),
    }
}
