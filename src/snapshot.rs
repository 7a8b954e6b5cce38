//! A snapshot as the engine sees it: rows cut out of the file's bytes, and typed columns decoded from them.
//!
//! Three steps. The *split* walks the document once along the schema's `@path` tree and notes where every instance
//! lies. The *decode* reads the declared attributes of every row, in parallel, straight from its bytes. The *resolve*
//! finds out which entities references mean. What is wrong on the way is a diagnostic with the span of the value, and
//! the value counts as not captured.

mod column;
mod decode;
mod locate;
mod partial;
mod read;
mod request;
mod resolve;
mod secrets;
mod split;

pub use column::{Column, Data, State, StrRef, text_hash};
pub use locate::{Found, Located};
pub use secrets::{Relation, SecretPaths, Secrets};

use crate::diagnostic::{Code, Diagnostic};
use crate::hash::keyed;
use crate::schema::{Model, SlotId};
use crate::source::json::{MAX_DEPTH, Scanner, SyntaxError};
use crate::source::pointer::{Pointer, Step};
use crate::source::{Source, Span, is_same_but_for_writing, misspelling};
use crate::value::{EntityRef, TypeId};
use hashbrown::HashTable;
use smol_str::SmolStr;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The state of an account at one moment.
#[derive(Debug)]
pub struct Snapshot {
    /// The file.
    pub source: Arc<Source>,
    /// One table for every type of the model.
    pub tables: Vec<Table>,
    /// Properties that the schema does not declare.
    pub other_properties: usize,
    /// Text of strings that are not written plainly in the file: with escapes, or changed by a reader.
    side: String,
    /// Where each list of instances ends, by where it starts: whoever looks for something else jumps over it.
    jumps: HashMap<u32, u32>,
    /// Whether reading it has reported an invalid value or a word that an open list does not contain.
    pub is_damaged: bool,
    /// How long it took to read.
    pub times: ReadTimes,
}

/// The instances of one type.
#[derive(Debug, Default)]
pub struct Table {
    /// Instances in the order of the document.
    pub rows: Vec<Row>,
    /// One column for every slot; of slots that no policy reads, an empty one.
    pub columns: Vec<Column>,
    /// Lists of instances that are not known in full, at most one for each instance around them.
    pub missing: Vec<Missing>,
    /// Rows that share their id with an earlier one, and rows inside such instances: whether they are instances of
    /// their own is not known, so they are not subjects, and counts include them at most.
    pub copies: BTreeSet<u32>,
    /// Rows of which the id is not known. They are found by no key.
    pub nameless: BTreeSet<u32>,
    /// The places of `missing` lists by the instance around them.
    missing_in: HashMap<EntityRef, u32>,
    /// Ids of entities that are named somewhere but have no row; they are numbered after the rows.
    pub absent: Vec<SmolStr>,
    /// Rows whose keys hold a `/` or a capital, in order.
    odd_keys: Vec<u32>,
    /// Rows by parent and key; where an id stands twice, the first.
    by_key: HashTable<u32>,
    /// The places of `absent` ids.
    by_absent: HashMap<SmolStr, u32>,
}

/// One instance.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Its bytes.
    pub span: Span,
    /// The row of the parent type it is nested in.
    pub parent: u32,
    /// The last step of its pointer.
    pub step: RowStep,
    /// Its key.
    pub key: StrRef,
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
}

/// Why it is not known what a list of instances holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gap {
    /// Some of its instances were captured.
    Partial,
    /// The capture does not cover it.
    Uncaptured,
    /// A value is present in its place and invalid.
    Unreadable,
}

/// A list of instances, or a place for one, of which it is not known what it holds.
#[derive(Debug, Clone)]
pub struct Missing {
    /// The instance whose list it is.
    pub scope: EntityRef,
    /// The object that lacks it, or the `null` in its place.
    pub span: Span,
    /// The property that is lacking, or the key of the instance that is.
    pub property: String,
    /// Where it would be.
    pub pointer: Pointer,
    /// Why it is not known.
    pub gap: Gap,
    /// How many instances it holds at most beyond those that were captured, where the snapshot says so.
    pub most: Option<u64>,
}

/// How much a run takes on before it says that it is too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one snapshot, once it is unpacked.
    pub bytes: usize,
    /// How deep its arrays and objects may nest.
    pub depth: usize,
    /// Instances of one entity type.
    pub entities: usize,
    /// Pairs of principal and resource that a derivation may try.
    pub pairs: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 1 << 30, depth: MAX_DEPTH, entities: 10_000_000, pairs: 100_000_000 }
    }
}

/// How long the steps of reading took.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReadTimes {
    /// Finding the instances.
    pub split: Duration,
    /// Reading their attributes.
    pub decode: Duration,
    /// Finding what references mean.
    pub resolve: Duration,
}

impl Snapshot {
    /// Reads a snapshot; of its attributes only those in `reads` are kept, though all are checked.
    ///
    /// Without a snapshot at least one of the diagnostics is an error: the text is not JSON, not an object, or beyond
    /// the limits.
    pub fn read(
        source: &Arc<Source>,
        model: &Model,
        reads: &BTreeSet<(TypeId, SlotId)>,
        limits: &Limits,
    ) -> (Option<Self>, Vec<Diagnostic>) {
        let mut diagnostics = Vec::new();
        let begin = Instant::now();
        let Some(mut split) = split::split(source, model, limits, &mut diagnostics) else { return (None, diagnostics) };
        let is_split = Instant::now();
        let twice = std::mem::take(&mut split.twice);
        let mut snapshot = decode::decode(source, model, reads, split, &mut diagnostics);
        let is_decoded = Instant::now();
        resolve::resolve(&mut snapshot, model, twice, &mut diagnostics);
        snapshot.times =
            ReadTimes { split: is_split - begin, decode: is_decoded - is_split, resolve: is_decoded.elapsed() };
        let is_unlisted = |diagnostic: &Diagnostic| diagnostic.code == Code::SnapshotWord;
        snapshot.is_damaged = crate::diagnostic::has_errors(&diagnostics) || diagnostics.iter().any(is_unlisted);
        crate::diagnostic::sort(&mut diagnostics);
        (Some(snapshot), diagnostics)
    }

    /// Returns how many of the first properties of a document the root of a schema declares, or nearly, up to `enough`.
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
            || model.paths.first().is_some_and(|node| node.each.is_some());
        let declared_any = !declared.is_empty() && !whole;
        declared_any && Self::known_properties(&[&declared[..], &["captured_at"]].concat(), source, 1) == 0
    }

    /// Returns whether a document has any of the properties below which a schema has entities, or nearly one.
    pub fn has_lists(model: &Model, source: &Source) -> bool {
        Self::known_properties(&Self::lists(model).collect::<Vec<_>>(), source, 1) > 0
    }

    /// The properties of a document below which entities are.
    pub fn lists(model: &Model) -> impl Iterator<Item = &str> {
        let lists = model.paths.first().into_iter().flat_map(|node| &node.children);
        lists.map(|(name, _)| name.as_str())
    }

    fn known_properties(declared: &[&str], source: &Source, enough: usize) -> usize {
        let mut known = 0;
        let start = if source.text().starts_with('\u{feff}') { 3 } else { 0 };
        // A document that is cut off has names before the cut; the run says what is wrong with it.
        let _ = Scanner::at(source.text(), start).object(|scanner, key| {
            let name = key.text();
            known += usize::from(declared.contains(&&*name) || misspelling(&name, declared.iter().copied()).is_some());
            if known >= enough {
                return Err(Enough);
            }
            scanner.skip().map(|_| ()).map_err(Enough::from)
        });
        known
    }

    /// Returns the table of a type.
    pub fn table(&self, ty: TypeId) -> &Table {
        &self.tables[ty.index()]
    }

    /// Returns the text a reference stands for.
    pub fn text(&self, at: StrRef) -> &str {
        if at.is_side() { self.side.get(at.range()) } else { self.source.text().get(at.range()) }.unwrap_or_default()
    }

    /// Returns the row of the instance that holds `entity`, itself included, of type `ancestor`.
    pub fn enclosing(&self, model: &Model, entity: EntityRef, ancestor: TypeId) -> Option<EntityRef> {
        let mut at = entity;
        while at.ty != ancestor {
            let row = self.table(at.ty).rows.get(at.row as usize)?;
            at = EntityRef { ty: model.ty(at.ty).parent?, row: row.parent };
        }
        Some(at)
    }

    /// Returns whether `entity` is `other` or lies in it.
    pub fn lies_in(&self, model: &Model, entity: EntityRef, other: EntityRef) -> bool {
        entity == other || self.enclosing(model, entity, other.ty) == Some(other)
    }

    /// Returns the id of an entity: its key, after the keys of the instances it is nested in, the root's left out.
    pub fn id(&self, model: &Model, entity: EntityRef) -> SmolStr {
        let ty = model.ty(entity.ty);
        if let Some(choices) = ty.choices() {
            return choices.get(entity.row as usize).cloned().unwrap_or_default();
        }
        let table = self.table(entity.ty);
        let Some(row) = table.rows.get(entity.row as usize) else {
            return table.absent.get(entity.row as usize - table.rows.len()).cloned().unwrap_or_default();
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
        format!("{}::{:?}", model.short_name(entity.ty), self.id(model, entity).as_str())
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
                (Step::Each, RowStep::Fixed) => {}
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
            return choices.iter().position(|choice| choice == id).map(|at| EntityRef { ty, row: at as u32 });
        }
        // A key may hold a `/` of its own, so the id is compared whole, among the rows with the right last part.
        let table = self.table(ty);
        let found = table.rows.iter().enumerate().position(|(at, row)| {
            id.ends_with(self.text(row.key))
                && table.is_named(at as u32)
                && self.join_id(model, declared.parent, row.parent, self.text(row.key)) == id
        });
        let row =
            found.or_else(|| table.absent.iter().position(|absent| absent == id).map(|at| at + table.rows.len()))?;
        Some(EntityRef { ty, row: row as u32 })
    }

    /// Returns whether an entity is a row that shares its id with an earlier one, or lies in one that does: it is not a
    /// subject, and counts include it at most.
    pub fn is_copy(&self, entity: EntityRef) -> bool {
        let copies = &self.table(entity.ty).copies;
        !copies.is_empty() && copies.contains(&entity.row)
    }

    /// Returns whether a reference to an unknown key of `ty` in `scope` may mean an instance all the same: one that was
    /// not captured, or one of which the id is not known.
    ///
    /// What is missing around `scope` is missing beside it: `scope` itself has a row.
    pub(crate) fn may_mean(&self, ty: TypeId, scope: EntityRef) -> bool {
        let table = self.table(ty);
        table.missing_in.contains_key(&scope) || table.has_nameless()
    }
}

impl Table {
    /// Returns whether a row is found by its id.
    pub fn is_named(&self, row: u32) -> bool {
        !self.nameless.contains(&row) && !self.copies.contains(&row)
    }

    /// Returns whether there are rows that a literal or a reference may mean without naming them.
    pub fn has_nameless(&self) -> bool {
        !self.nameless.is_empty() || !self.copies.is_empty()
    }

    /// Returns the list that is not known in full in an instance.
    pub fn missing_in(&self, scope: EntityRef) -> Option<&Missing> {
        self.missing.get(*self.missing_in.get(&scope)? as usize)
    }

    /// Notes that a list is not known in full. Of two reasons the stronger one stays.
    fn note_missing(&mut self, new: Missing) {
        match self.missing_in.get(&new.scope).and_then(|at| self.missing.get_mut(*at as usize)) {
            Some(known) if known.gap >= new.gap => {}
            Some(known) => *known = new,
            None => {
                self.missing_in.insert(new.scope, self.missing.len() as u32);
                self.missing.push(new);
            }
        }
    }
}

/// Returns whether two names are one in two spellings: they differ, but not in letters and digits without case.
fn is_respelled(declared: &str, name: &str) -> bool {
    declared != name && is_same_but_for_writing(declared, name)
}

/// Why a walk over a document ended early: enough was seen, or the text is broken.
struct Enough;

impl From<SyntaxError> for Enough {
    fn from(_: SyntaxError) -> Self {
        Enough
    }
}

/// The hash of a key, given by its own hash, in a scope.
fn key_hash(scope: u32, key: u32) -> u64 {
    keyed(&(u64::from(scope) << 32 | u64::from(key)))
}
