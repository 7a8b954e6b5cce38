//! A snapshot in the form that the engine uses: rows, which are byte ranges of the file, and typed columns.
//!
//! Reading has three steps. The *split* walks the document once along the schema's `@path` tree and records the place
//! of every instance. The *decode* reads the declared attributes of every row, in parallel, from its bytes; in a large
//! document it begins before the split ends. The
//! *resolve* finds the entities that references refer to. An invalid value is a diagnostic with its span, and counts as
//! unknown.

mod locate;
pub(crate) mod api_error;
pub(crate) mod uncaptured;
pub(crate) mod partial;
mod groups;
mod literal;
mod plan;
mod join;
mod read;
mod column;
mod request;
mod resolve;
mod past;
mod secrets;
mod element;
mod decode;
mod runs;
mod split;
#[cfg(test)]
mod tests;

pub use column::{Column, Data, State, StrRef, text_hash};
pub use join::join;
pub use locate::{Location, LocationKind};
pub(crate) use plan::ReadPlan;
use runs::{Ahead, Reader};
pub use secrets::{Relation, SecretPaths, Secrets};

use crate::diagnostic::{Code, Diagnostic};
use crate::hash::{Numbers, keyed_number};
use crate::ids::IdVec;
use crate::program::Needed;
use crate::schema::{EntityType, Model, SlotId};
use crate::source::json::{MAX_DEPTH, Scanner, WalkEnd, document_start};
use crate::source::pointer::{Group, Pointer, Step};
use crate::source::{Source, Span, is_same_but_for_writing, misspelling, push_quoted};
use crate::stopwatch::Stopwatch;
use crate::value::{EntityRef, TypeId};
use hashbrown::HashTable;
use smol_str::SmolStr;
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// The end of each list of instances by its start.
type Jumps = HashMap<u32, u32, Numbers>;

/// The state of an account at one time.
#[derive(Debug)]
pub struct Snapshot {
    /// The file.
    pub source: Arc<Source>,
    /// One table for every type of the model.
    #[doc(hidden)]
    pub tables: IdVec<TypeId, Table>,
    /// Properties that the schema does not declare.
    pub other_properties: usize,
    /// Texts that differ from the bytes of the file: strings with escapes, and results of readers. The side text.
    side: String,
    /// The end of each list of instances by its start, so that a search for other values skips the list.
    jumps: Jumps,
    /// Whether some object states that properties of it were not captured.
    states_uncaptured: bool,
    /// Whether the document may have a list of partial lists. The decode finds out.
    may_list_partial: bool,
    /// The latest time at which something past may have happened, in milliseconds since 1970.
    latest: i64,
    /// The earliest time that was refused because it is after `latest`.
    earliest_refused: Option<i64>,
    /// Whether the read has reported an invalid value or a word that an open list does not contain.
    #[doc(hidden)]
    pub is_damaged: bool,
    /// The durations of the steps of reading.
    #[doc(hidden)]
    pub times: ReadTimes,
}

/// The instances of one type.
#[derive(Debug, Default)]
pub struct Table {
    /// Instances in the order of the document.
    pub rows: Vec<Row>,
    /// One column for every slot, empty for a slot that no policy reads; none if there are no rows.
    pub columns: IdVec<SlotId, Column>,
    /// Lists of instances that are not known in full, at most one for each instance around them.
    pub uncaptured_lists: Vec<UncapturedList>,
    /// Rows that share their id with an earlier one, and rows inside such instances. They may be the same instances, so
    /// they are not subjects, and only the upper bound of a count includes them.
    pub copies: BTreeSet<u32>,
    /// Rows whose id is not known. No key finds them.
    pub nameless: BTreeSet<u32>,
    /// The places of `uncaptured_lists` by the instance around them.
    uncaptured_list_of: HashMap<EntityRef, u32>,
    /// Ids of dangling references; they are numbered after the rows.
    pub dangling: Vec<SmolStr>,
    /// Rows whose keys contain a `/` or a capital, in order.
    odd_keys: Vec<u32>,
    /// The elements of the list that are known to be of other types.
    elsewhere: Vec<Elsewhere>,
    /// Rows by parent and key; the first row if an id is given twice.
    by_key: HashTable<u32>,
    /// The places of `dangling` ids.
    by_dangling: HashMap<SmolStr, u32>,
    /// Whether references spell an id in several ways. An entity literal in another spelling may mean the same.
    pub has_respelt: bool,
}

/// One instance.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Its bytes.
    pub span: Span,
    /// The row of the parent type that it is nested in.
    pub parent: u32,
    /// The last step of its pointer.
    pub step: RowStep,
    /// Its key.
    pub key: StrRef,
}

impl Row {
    /// Returns the pointer from the object of an instance to a value: the properties of a group have other names there.
    pub fn pointer_in_object<'p>(&self, ty: &EntityType, pointer: &'p [String]) -> Cow<'p, [String]> {
        let (RowStep::Group(at), Some((first, rest))) = (self.step, pointer.split_first()) else {
            return pointer.into();
        };
        let group = ty.groups().and_then(|groups| groups.list.get(at as usize));
        group.map_or(pointer.into(), |group| [&[group.name(first)], rest].concat().into())
    }
}

/// An element of a list of several types that is of another type.
#[derive(Debug, Clone, Copy)]
struct Elsewhere {
    /// The row of the instance around the list.
    parent: u32,
    /// Its first byte.
    start: u32,
}

/// The last step of a row's pointer.
#[derive(Debug, Clone, Copy)]
pub enum RowStep {
    /// An element of an array.
    Index(u32),
    /// The value of a property.
    Property(StrRef),
    /// A fixed place.
    Fixed,
    /// A group of properties of the object, by its place among the groups of the type.
    Group(u32),
}

/// The reason why the elements of a list of instances are not all known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gap {
    /// Some of its instances were captured.
    Partial,
    /// The capture does not cover it.
    Uncaptured,
    /// A value is present in its place and invalid.
    Unreadable,
}

/// A list of instances whose elements are not all known, or the place of such a list.
#[derive(Debug, Clone)]
pub struct UncapturedList {
    /// The instance whose list it is.
    pub scope: EntityRef,
    /// The object without the list, or the `null` in its place; of a partial list the reason.
    pub span: Span,
    /// The missing property, or the key of the missing instance; of a partial list the missing step of its `@total` or
    /// `@more`. Empty if nothing is missing at `span`.
    pub property: String,
    /// The expected place.
    pub pointer: Pointer,
    /// The reason.
    pub gap: Gap,
    /// The maximal number of instances beyond the captured ones, if the snapshot states it.
    pub most: Option<u64>,
}

/// Limits of the input of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one snapshot, decompressed.
    pub bytes: usize,
    /// The nesting of arrays and objects.
    pub depth: usize,
    /// Instances of one entity type.
    pub entities: usize,
    /// Pairs of principal and resource that one derivation tries.
    pub pairs: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 1 << 30, depth: MAX_DEPTH, entities: 10_000_000, pairs: 100_000_000 }
    }
}

/// The durations of the steps of reading.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReadTimes {
    /// The split, with the decode of the rows that it hands over.
    pub split: Duration,
    /// The decode of the other rows.
    pub decode: Duration,
    /// The resolve.
    pub resolve: Duration,
}

#[doc(hidden)]
impl Snapshot {
    /// Reads a snapshot. All attributes are checked; only those in `reads` are kept.
    ///
    /// If there is no snapshot, at least one of the diagnostics is an error: the text is not JSON, not an object, or
    /// beyond the limits.
    pub fn read(
        source: &Arc<Source>,
        model: &Model,
        reads: &BTreeSet<(TypeId, SlotId)>,
        limits: &Limits,
    ) -> (Option<Self>, Vec<Diagnostic>) {
        let needed = Needed { reads: reads.clone(), ..Needed::default() };
        Self::planned(source, model, &ReadPlan::new(model, needed), None, limits)
    }

    /// Reads a snapshot by a plan for the model, as [`Snapshot::read`] does. With the time of the run, in milliseconds since 1970,
    /// times of the past are not after it.
    pub(crate) fn planned(
        source: &Arc<Source>,
        model: &Model,
        plan: &ReadPlan,
        now: Option<i64>,
        limits: &Limits,
    ) -> (Option<Self>, Vec<Diagnostic>) {
        let mut diagnostics = Vec::new();
        let mut stopwatch = Stopwatch::start();
        let reader = Reader { source, model, plan, latest: past::latest(now) };
        let ahead = Ahead::new(reader);
        let Some(mut split) = split::split(reader, ahead.as_ref(), limits, &mut diagnostics) else {
            return (None, diagnostics);
        };
        let split_took = stopwatch.lap();
        let twice = std::mem::take(&mut split.twice);
        let mut snapshot = runs::decode(reader, split, ahead.as_ref(), &mut diagnostics);
        let decode_took = stopwatch.lap();
        resolve::resolve(&mut snapshot, model, twice, &mut diagnostics);
        literal::warn_of_near(&snapshot, model, plan.literals(), &mut diagnostics);
        snapshot.times = ReadTimes { split: split_took, decode: decode_took, resolve: stopwatch.lap() };
        let is_unlisted =
            |diagnostic: &Diagnostic| matches!(diagnostic.code, Code::SnapshotWord | Code::SnapshotElement);
        snapshot.is_damaged = crate::diagnostic::has_errors(&diagnostics) || diagnostics.iter().any(is_unlisted);
        crate::diagnostic::sort(&mut diagnostics);
        // Several attributes may read one value.
        diagnostics.dedup();
        (Some(snapshot), diagnostics)
    }

    /// Returns the number of first properties of a document that the root of a schema declares or nearly declares, up to `enough`.
    pub fn likeness(model: &Model, source: &Source, enough: usize) -> usize {
        let fields = model.ty(model.root).fields.first().into_iter().flat_map(|node| &node.children);
        let declared: Vec<&str> = fields.map(|(name, _)| name.as_str()).chain(Self::lists(model)).collect();
        Self::known_properties(&declared, source, enough)
    }

    /// Returns whether a document has nothing that a schema declares, nearly declares, or every snapshot may have.
    pub fn is_strange(model: &Model, source: &Source) -> bool {
        let root = model.ty(model.root).fields.first();
        let fields = || root.into_iter().flat_map(|node| &node.children).map(|(name, _)| name.as_str());
        let declared: Vec<&str> = fields().chain(Self::lists(model)).collect();
        // Below a root that is read as a whole, any property may be declared.
        let whole = root.is_some_and(|node| !node.slots.is_empty() || node.key)
            || model.paths.first().is_some_and(|node| !node.each.is_empty());
        let declared_any = !declared.is_empty() && !whole;
        declared_any && Self::known_properties(&[&declared[..], &["captured_at"]].concat(), source, 1) == 0
    }

    /// Returns whether a document has any of the properties below which a schema has entities, or nearly one.
    pub fn has_lists(model: &Model, source: &Source) -> bool {
        Self::known_properties(&Self::lists(model).collect::<Vec<_>>(), source, 1) > 0
    }

    /// Returns the properties of a document that contain entities.
    pub fn lists(model: &Model) -> impl Iterator<Item = &str> {
        let lists = model.paths.first().into_iter().flat_map(|node| &node.children);
        lists.map(|(name, _)| name.as_str())
    }

    fn known_properties(declared: &[&str], source: &Source, enough: usize) -> usize {
        let mut known = 0;
        #[expect(
            clippy::let_underscore_must_use,
            reason = "a document that is cut off has names before the cut; the run reports the error"
        )]
        let _ = Scanner::at(source.text(), document_start(source.text())).object(|scanner, key| {
            let name = key.text();
            known += usize::from(declared.contains(&&*name) || misspelling(&name, declared.iter().copied()).is_some());
            if known >= enough {
                return Err(WalkEnd);
            }
            scanner.skip().map(|_| ()).map_err(WalkEnd::from)
        });
        known
    }

    /// Returns the table of a type.
    pub fn table(&self, ty: TypeId) -> &Table {
        &self.tables[ty]
    }

    /// Returns the instances of a type, in the order of the document.
    pub fn instances(&self, ty: TypeId) -> impl Iterator<Item = EntityRef> + use<> {
        self.table(ty).row_numbers().map(move |row| EntityRef { ty, row })
    }

    /// Returns the last byte of a text, or 0. It is faster than [`Snapshot::text`] for a text that is in no cache.
    pub(crate) fn last_byte(&self, at: StrRef) -> u8 {
        let whole = if at.is_side() { self.side.as_str() } else { self.source.text() };
        let last = at.range().end.checked_sub(1).and_then(|last| whole.as_bytes().get(last));
        last.copied().unwrap_or_default()
    }

    /// Returns the row of the instance of type `ancestor` that encloses `entity` or is `entity`.
    pub fn enclosing(&self, model: &Model, entity: EntityRef, ancestor: TypeId) -> Option<EntityRef> {
        let mut at = entity;
        while at.ty != ancestor {
            let row = self.table(at.ty).rows.get(at.row as usize)?;
            at = EntityRef { ty: model.ty(at.ty).parent?, row: row.parent };
        }
        Some(at)
    }

    /// Returns the list that a reference of `entity` to an instance of `target` refers to, if the list is not known in full.
    pub(crate) fn uncaptured_list_of(
        &self,
        model: &Model,
        entity: EntityRef,
        target: TypeId,
    ) -> Option<&UncapturedList> {
        let parent = model.ty(target).parent.unwrap_or(model.root);
        self.table(target).uncaptured_list(self.enclosing(model, entity, parent)?)
    }

    /// Returns whether `entity` is `other` or is nested in it.
    pub fn is_in(&self, model: &Model, entity: EntityRef, other: EntityRef) -> bool {
        entity == other || self.enclosing(model, entity, other.ty) == Some(other)
    }

    /// Returns the id of an entity: its key after the keys of the instances that it is nested in, without the root.
    pub fn id(&self, model: &Model, entity: EntityRef) -> SmolStr {
        let ty = model.ty(entity.ty);
        if let Some(choices) = ty.choices() {
            return choices.get(entity.row as usize).cloned().unwrap_or_default();
        }
        let table = self.table(entity.ty);
        let Some(row) = table.rows.get(entity.row as usize) else {
            return table.dangling.get(entity.row as usize - table.rows.len()).cloned().unwrap_or_default();
        };
        self.join_id(model, ty.parent, row.parent, self.text(row.key)).into()
    }

    /// Returns the id of an instance with a key inside a row of the parent type.
    pub(crate) fn join_id(&self, model: &Model, parent: Option<TypeId>, row: u32, key: &str) -> String {
        match parent {
            Some(ty) if ty != model.root => format!("{}/{key}", self.id(model, EntityRef { ty, row })),
            _ => key.to_owned(),
        }
    }

    /// Writes an entity as Cedar does, with the short name of its type.
    pub fn show(&self, model: &Model, entity: EntityRef) -> String {
        let mut shown = format!("{}::", model.short_name(entity.ty));
        push_quoted(&mut shown, &self.id(model, entity));
        shown
    }

    /// Returns the pointer of an instance.
    pub fn pointer(&self, model: &Model, entity: EntityRef) -> Pointer {
        let ty = model.ty(entity.ty);
        let Some((row, path)) = self.table(entity.ty).rows.get(entity.row as usize).zip(ty.path()) else {
            return Pointer::default();
        };
        let Some(parent) = ty.parent else { return Pointer::default() };
        let mut pointer = self.pointer(model, EntityRef { ty: parent, row: row.parent });
        let inner = model.ty(parent).path().map_or(0, |path| path.0.len());
        for step in path.0.get(inner..).unwrap_or_default() {
            match (step, row.step) {
                (Step::Property(name), _) => pointer.push(name),
                (Step::Each, RowStep::Index(index)) => pointer.push(&index.to_string()),
                (Step::Each, RowStep::Property(name)) => pointer.push(self.text(name)),
                // A group of properties has the pointer of its object.
                (Step::Each, _) | (Step::Groups(_), _) => {}
            }
        }
        pointer
    }

    /// Returns the row of type `ty` with a key in a scope.
    pub(crate) fn by_key(&self, ty: TypeId, scope: u32, key: &str) -> Option<u32> {
        let table = self.table(ty);
        let hash = text_hash(key);
        let same = |row: &u32| {
            table
                .rows
                .get(*row as usize)
                .is_some_and(|row| row.parent == scope && row.key.hash() == hash && self.text(row.key) == key)
        };
        table.by_key.find(key_hash(scope, hash), same).copied()
    }

    /// Returns the entity of a type with an id, as entity literals of policies name it; a number beyond the rows if
    /// there is none.
    pub fn entity(&self, model: &Model, ty: TypeId, id: &str) -> Option<EntityRef> {
        let declared = model.ty(ty);
        if let Some(choices) = declared.choices() {
            return choices.iter().position(|choice| choice == id).map(|at| EntityRef { ty, row: row_number(at) });
        }
        // A key may hold a `/` of its own, so the id is compared whole, among the rows with the right last part.
        let table = self.table(ty);
        let found = table.rows.iter().enumerate().position(|(at, row)| {
            id.ends_with(self.text(row.key))
                && table.is_named(row_number(at))
                && self.join_id(model, declared.parent, row.parent, self.text(row.key)) == id
        });
        let row = found
            .or_else(|| table.dangling.iter().position(|dangling| dangling == id).map(|at| at + table.rows.len()))?;
        Some(EntityRef { ty, row: row_number(row) })
    }

    /// Returns whether an entity is that of a dangling reference.
    pub(crate) fn is_dangling(&self, entity: EntityRef) -> bool {
        let table = self.table(entity.ty);
        let number = (entity.row as usize).checked_sub(table.rows.len());
        number.is_some_and(|number| number < table.dangling.len())
    }

    /// Returns whether an entity is a row that shares its id with an earlier one, or is nested in such a row. It is not
    /// a subject, and only the upper bound of a count includes it.
    pub fn is_copy(&self, entity: EntityRef) -> bool {
        let copies = &self.table(entity.ty).copies;
        !copies.is_empty() && copies.contains(&entity.row)
    }

    /// Returns whether the id of an instance is not known: its own key, or that of an instance around it.
    pub(crate) fn is_nameless(&self, model: &Model, entity: EntityRef) -> bool {
        let around = model.ancestry(entity.ty).filter(|ty| *ty == entity.ty || *ty != model.root);
        let mut around = around.filter_map(|ty| self.enclosing(model, entity, ty));
        around.any(|around| self.table(around.ty).nameless.contains(&around.row))
    }

    /// Returns whether a literal may name an instance of a type whose id is not known: its own key, or that of an instance around
    /// it.
    pub(crate) fn has_nameless(&self, model: &Model, ty: TypeId) -> bool {
        let is_in_id = |around: &TypeId| *around == ty || *around != model.root;
        model.ancestry(ty).filter(is_in_id).any(|around| self.table(around).has_nameless())
    }

    /// Returns whether a reference to an unknown key of `ty` in `scope` may refer to an instance: one that was not
    /// captured, or one whose id is not known.
    ///
    /// `scope` itself has a row, so a missing list around it does not matter.
    pub(crate) fn may_mean(&self, ty: TypeId, scope: EntityRef) -> bool {
        let table = self.table(ty);
        table.uncaptured_list_of.contains_key(&scope) || table.has_nameless()
    }
}

/// Returns a number of rows, or of elements of a list, in the form in which it is stored.
#[expect(clippy::cast_possible_truncation, reason = "a row or an element takes a byte of a text of less than 4 GiB")]
const fn row_number(at: usize) -> u32 {
    at as u32
}

impl Table {
    /// Returns the number of rows.
    pub fn row_count(&self) -> u32 {
        row_number(self.rows.len())
    }

    /// Returns the numbers of the rows.
    pub fn row_numbers(&self) -> Range<u32> {
        0..self.row_count()
    }

    /// Returns the row of an entity; `None` if the entity is not an instance of the snapshot.
    pub fn row(&self, row: u32) -> Option<&Row> {
        self.rows.get(row as usize)
    }

    /// Returns the column of a slot.
    pub fn column(&self, slot: SlotId) -> &Column {
        static NO_ROWS: Column = Column { states: Vec::new(), data: Data::Nothing };
        if self.rows.is_empty() { &NO_ROWS } else { &self.columns[slot] }
    }

    /// Returns whether a row is found by its id.
    pub fn is_named(&self, row: u32) -> bool {
        !self.nameless.contains(&row) && !self.copies.contains(&row)
    }

    /// Returns whether there are rows that a literal or a reference may refer to although their ids are not known.
    pub fn has_nameless(&self) -> bool {
        !self.nameless.is_empty() || !self.copies.is_empty()
    }

    /// Returns the list of an instance whose elements are not all known.
    pub fn uncaptured_list(&self, scope: EntityRef) -> Option<&UncapturedList> {
        self.uncaptured_lists.get(*self.uncaptured_list_of.get(&scope)? as usize)
    }

    /// Records a list whose elements are not all known. If there are two reasons, the stronger one is kept.
    fn add_uncaptured_list(&mut self, new: UncapturedList) {
        match self.uncaptured_list_of.get(&new.scope).and_then(|at| self.uncaptured_lists.get_mut(*at as usize)) {
            Some(known) if known.gap >= new.gap => {}
            Some(known) => *known = new,
            None => {
                self.uncaptured_list_of.insert(new.scope, row_number(self.uncaptured_lists.len()));
                self.uncaptured_lists.push(new);
            }
        }
    }
}

/// Returns the declared name of a property of a group that a name is a misspelling of. In the name of the group, a short
/// word may have a slip too.
fn misspelling_in_group<'c>(name: &str, declared: impl Iterator<Item = &'c str> + Clone) -> Option<&'c str> {
    fn digits(name: &str) -> impl Iterator<Item = u8> {
        name.bytes().filter(u8::is_ascii_digit)
    }
    let is_slip = |declared: &&str| {
        name.len().abs_diff(declared.len()) <= 1
            && digits(name).eq(digits(declared))
            && strsim::damerau_levenshtein(name, declared) == 1
    };
    misspelling(name, declared.clone()).or_else(|| declared.clone().find(is_slip))
}

/// Returns whether two names are spellings of one: they differ, but have the same letters and digits without case.
fn is_respelled(declared: &str, name: &str) -> bool {
    declared != name && is_same_but_for_writing(declared, name)
}

/// Returns whether a property has the name of a group of properties, in some spelling.
fn is_label(group: &Group, name: &str) -> bool {
    group.label == name || is_respelled(&group.label, name)
}

/// Returns the hash of a key in a scope, from the hash of the key.
fn key_hash(scope: u32, key: u32) -> u64 {
    keyed_number(u64::from(scope) << 32 | u64::from(key))
}
