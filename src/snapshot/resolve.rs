//! The resolve: ids must be unique, and references must refer to instances.

mod kinds;
mod place;
mod spelling;

use super::locate::{Location, LocationKind};
use super::{Column, Data, Gap, Row, Snapshot, State, Table, UncapturedList, key_hash, row_number};
use crate::diagnostic::{Code, Diagnostic};
use crate::parallel::*;
use crate::schema::{Model, Origin, Slot, SlotId, Ty};
use crate::source::json::Kind;
use crate::source::pointer::Step;
use crate::source::{Span, nearest};
use crate::value::fold::caseless;
use crate::value::{EntityRef, Set, TypeId, Value};
use hashbrown::HashTable;
use place::References;
use smol_str::SmolStr;
use spelling::{Respelt, Spellings};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// The number of keys that are compared for a suggestion.
const SUGGESTIONS: usize = 2000;

/// The number of dangling references of one attribute for which a suggestion is computed.
const SUGGESTED: usize = 100;

pub(super) fn resolve(snapshot: &mut Snapshot, model: &Model, twice: Vec<Twice>, diagnostics: &mut Vec<Diagnostic>) {
    let types: Vec<TypeId> = model.type_ids().collect();
    for table in &mut snapshot.tables {
        let lists = std::mem::take(&mut table.uncaptured_lists);
        lists.into_iter().for_each(|list| table.add_uncaptured_list(list));
    }
    let with_rows: Vec<TypeId> = types.iter().copied().filter(|ty| !snapshot.table(*ty).rows.is_empty()).collect();
    let indexes: Vec<_> = with_rows.par_iter().map(|ty| index(snapshot, model, *ty)).collect();
    let mut twice = twice;
    for (ty, (by_key, again, found)) in with_rows.into_iter().zip(indexes) {
        snapshot.tables[ty].by_key = by_key;
        twice.extend(again);
        diagnostics.extend(found);
    }
    if !twice.is_empty() {
        forget_duplicates(snapshot, model, &twice);
    }
    let mut respelt = HashSet::new();
    for ty in &types {
        kinds::of_two_types(snapshot, model, *ty, diagnostics);
        respelt.extend(differing_in_case(snapshot, model, *ty, diagnostics));
        expected(snapshot, model, *ty);
    }
    super::partial::apply(snapshot, model, &respelt, diagnostics);
    let mut spellings = Spellings::default();
    for ty in types {
        for slot in snapshot.table(ty).columns.ids() {
            references(snapshot, model, ty, slot, (&mut spellings, diagnostics));
        }
    }
}

/// Two instances with one id: their type, the first row, and one that follows.
pub(super) type Twice = (TypeId, u32, u32);

/// Makes everything unknown about instances that share an id.
///
/// They are one subject: the first row, of which no attribute is known. Whether the others are instances of their own
/// is not known either. The lists inside them were given more than once, so what these hold is not known.
fn forget_duplicates(snapshot: &mut Snapshot, model: &Model, twice: &[Twice]) {
    for (ty, _, again) in twice {
        snapshot.tables[*ty].copies.insert(*again);
    }
    let mut unreadable: BTreeSet<(TypeId, u32)> = twice.iter().map(|(ty, first, _)| (*ty, *first)).collect();
    // A type comes after the one that its instances are nested in.
    let mut types: Vec<TypeId> = model.type_ids().collect();
    types.sort_by_key(|ty| model.ancestry(*ty).count());
    let scopes: Vec<EntityRef> = unreadable.iter().map(|(ty, row)| EntityRef { ty: *ty, row: *row }).collect();
    let mut inside: BTreeSet<(TypeId, u32)> = twice.iter().flat_map(|(ty, a, b)| [(*ty, *a), (*ty, *b)]).collect();
    for ty in types {
        let Some(parent) = model.ty(ty).parent else { continue };
        let rows = (0u32..).zip(&snapshot.table(ty).rows);
        let within: Vec<u32> =
            rows.filter(|(_, row)| inside.contains(&(parent, row.parent))).map(|(at, _)| at).collect();
        inside.extend(within.iter().map(|row| (ty, *row)));
        snapshot.tables[ty].copies.extend(within);
        for scope in scopes.iter().filter(|scope| model.ancestry(ty).skip(1).any(|around| around == scope.ty)) {
            let pointer = snapshot.pointer(model, *scope);
            let span = snapshot.table(scope.ty).rows.get(scope.row as usize).map_or(Span::default(), |row| row.span);
            let list = UncapturedList {
                scope: *scope,
                span,
                property: String::new(),
                pointer,
                gap: Gap::Unreadable,
                most: None,
            };
            snapshot.tables[ty].add_uncaptured_list(list);
        }
    }
    for (ty, table) in snapshot.tables.entries() {
        unreadable.extend(table.copies.iter().map(|row| (ty, *row)));
    }
    for (ty, row) in unreadable {
        let slots = &model.ty(ty).slots;
        for (slot, column) in slots.iter().zip(&mut snapshot.tables[ty].columns) {
            if slot.origin.pointer().is_some() {
                column.forget(row as usize);
            }
        }
    }
    for ty in model.type_ids() {
        let table = &snapshot.tables[ty];
        if !table.copies.is_empty() {
            let by_key = named(table);
            snapshot.tables[ty].by_key = by_key;
        }
        // What a copy lacks is part of what is not known of the lists of the first.
        let lists = std::mem::take(&mut snapshot.tables[ty].uncaptured_lists);
        let kept: Vec<UncapturedList> = lists.into_iter().filter(|list| !snapshot.is_copy(list.scope)).collect();
        snapshot.tables[ty].uncaptured_list_of.clear();
        kept.into_iter().for_each(|list| snapshot.tables[ty].add_uncaptured_list(list));
    }
}

/// Returns the table of rows by their keys, without rows that no key finds.
fn named(table: &Table) -> HashTable<u32> {
    let rows = &table.rows;
    let hash = |at: &u32| rows.get(*at as usize).map_or(0, |row| key_hash(row.parent, row.key.hash()));
    let mut by_key: HashTable<u32> = HashTable::with_capacity(rows.len());
    for at in table.row_numbers().filter(|at| table.is_named(*at)) {
        by_key.insert_unique(hash(&at), at, hash);
    }
    by_key
}

/// Returns whether a key of a type, or of an instance around one, has a `/`.
fn has_slash(snapshot: &Snapshot, model: &Model, ty: TypeId) -> bool {
    let around = std::iter::successors(Some(ty), |ty| model.ty(*ty).parent).filter(|ty| *ty != model.root);
    let mut keys = around.flat_map(|ty| {
        let table = snapshot.table(ty);
        table.odd_keys.iter().filter_map(|at| Some(snapshot.text(table.rows.get(*at as usize)?.key)))
    });
    keys.any(|key| key.contains('/'))
}

/// Builds the table of rows by their keys, and reports duplicate ids.
fn index(snapshot: &Snapshot, model: &Model, ty: TypeId) -> (HashTable<u32>, Vec<Twice>, Vec<Diagnostic>) {
    let rows = &snapshot.table(ty).rows;
    let mut by_key: HashTable<u32> = HashTable::with_capacity(rows.len());
    let (mut again, mut diagnostics) = (Vec::new(), Vec::new());
    let mut whole: HashMap<SmolStr, u32> = HashMap::new();
    let hash = |at: &u32| rows.get(*at as usize).map_or(0, |row| key_hash(row.parent, row.key.hash()));
    // With a `/` in keys, parts of other lengths can make one id.
    let has_slash = has_slash(snapshot, model, ty);
    for (at, row) in (0u32..).zip(rows) {
        if snapshot.table(ty).nameless.contains(&at) {
            continue;
        }
        let same = |other: &u32| {
            rows.get(*other as usize).is_some_and(|other| {
                let alike = other.parent == row.parent && other.key.hash() == row.key.hash();
                alike && snapshot.text(other.key) == snapshot.text(row.key)
            })
        };
        let own = hash(&at);
        let mut first = by_key.find(own, same).copied();
        if first.is_none() && has_slash {
            first = whole.insert(snapshot.id(model, EntityRef { ty, row: at }), at);
        }
        match first.and_then(|first| Some((first, rows.get(first as usize)?))) {
            Some((number, first)) => {
                again.push((ty, number, at));
                let id = snapshot.id(model, EntityRef { ty, row: at });
                let message = format!("two instances of {} have the id `{id}`", model.short_name(ty));
                let error = Diagnostic::error(Code::SnapshotDuplicateId, message)
                    .label(&snapshot.source, name_span(snapshot, model, ty, row), "again here")
                    .label(&snapshot.source, name_span(snapshot, model, ty, first), "first here");
                let help =
                    "remove one, or correct its id; until then both count as one instance with unknown attributes";
                diagnostics.push(error.help(help));
            }
            None => {
                by_key.insert_unique(own, at, hash);
            }
        }
    }
    (by_key, again, diagnostics)
}

/// Returns the place of the key of an instance, or the instance if its type has no key.
fn name_span(snapshot: &Snapshot, model: &Model, ty: TypeId, row: &Row) -> Span {
    let declared = model.ty(ty);
    let mut places = declared.keys().map(|key| snapshot.locate(row.span, &row.pointer_in_object(declared, key)));
    let first = places.next();
    let value = first.filter(|first| is_present(*first)).or_else(|| places.find(|place| is_present(*place)));
    value.or(first).map_or(row.span, |place| place.span)
}

/// Returns whether a value is there and not `null`.
fn is_present(place: Location) -> bool {
    matches!(place.kind, LocationKind::Value(kind) if kind != Kind::Null)
}

/// Warns of ids with one folded form: they are different ids, which is rarely intended. Returns the instances whose ids
/// differ from those of others in blanks only.
fn differing_in_case(
    snapshot: &Snapshot,
    model: &Model,
    ty: TypeId,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<EntityRef> {
    let mut respelt = Vec::new();
    let rows = &snapshot.table(ty).rows;
    let trimmed = |key: &str| match model.ty(ty).has_composite_key() {
        true => key.split('/').map(str::trim).collect::<Vec<_>>().join("/"),
        false => key.trim().to_owned(),
    };
    let mut seen: HashMap<(u32, String), u32> = HashMap::new();
    let odd = snapshot.table(ty).odd_keys.iter().filter_map(|at| Some((*at, rows.get(*at as usize)?)));
    for (at, row) in odd {
        let key = snapshot.text(row.key);
        let folded = caseless(&trimmed(key)).into_owned();
        if folded == key {
            continue;
        }
        let written_folded = snapshot.by_key(ty, row.parent, &folded);
        let other = seen.insert((row.parent, folded), at).or(written_folded);
        let Some((first, again)) = other.map(|other| (other.min(at), other.max(at))) else { continue };
        let (Some(first), Some(again)) = (rows.get(first as usize), rows.get(again as usize)) else { continue };
        if snapshot.text(first.key) == snapshot.text(again.key) {
            continue;
        }
        if trimmed(snapshot.text(first.key)) == trimmed(snapshot.text(again.key)) {
            respelt.push(EntityRef { ty, row: at });
        }
        let name = model.short_name(ty);
        let message = format!(
            "two instances of {name} have ids that differ only in case, in blanks or in the encoding of accents: `{key}`"
        );
        let warning = Diagnostic::warning(Code::SnapshotDuplicateId, message)
            .label(&snapshot.source, name_span(snapshot, model, ty, again), "this one")
            .label(&snapshot.source, name_span(snapshot, model, ty, first), "and this one");
        diagnostics.push(warning.help("if they are one, remove one"));
    }
    respelt
}

/// Records lists that lack an instance of `@expect`, which were not captured in full.
fn expected(snapshot: &mut Snapshot, model: &Model, ty: TypeId) {
    let declared = model.ty(ty);
    let (Some(parent), false) = (declared.parent, declared.expect.is_empty()) else { return };
    let outer = model.ty(parent).path().map_or(0, |path| path.0.len());
    let steps = declared.path().and_then(|path| path.0.get(outer..)).unwrap_or_default();
    let properties: Vec<String> = steps
        .iter()
        .filter_map(|step| match step {
            Step::Property(name) => Some(name.clone()),
            Step::Each | Step::Groups(_) => None,
        })
        .collect();
    let mut lacking = Vec::new();
    for (at, row) in snapshot.table(parent).rows.iter().enumerate() {
        let scope = EntityRef { ty: parent, row: row_number(at) };
        if snapshot.table(ty).uncaptured_list(scope).is_some() {
            continue;
        }
        for key in declared.expect.iter().filter(|key| snapshot.by_key(ty, scope.row, key).is_none()) {
            let list = snapshot.locate(row.span, &properties).span;
            let pointer = snapshot.pointer(model, scope).join(&properties).join([key.as_str()]);
            let (property, gap) = (key.to_string(), Gap::Uncaptured);
            lacking.push(UncapturedList { scope, span: list, property, pointer, gap, most: None });
        }
    }
    lacking.into_iter().for_each(|list| snapshot.tables[ty].add_uncaptured_list(list));
}

fn references(
    snapshot: &mut Snapshot,
    model: &Model,
    ty: TypeId,
    slot: SlotId,
    (spellings, diagnostics): (&mut Spellings, &mut Vec<Diagnostic>),
) {
    let declared = &model.ty(ty).slots[slot];
    let mut errors = ReferenceErrors {
        slot: declared,
        tag: None,
        references: References::default(),
        suggested: 0,
        spellings,
        diagnostics,
    };
    if let Origin::Tags(_) = declared.origin {
        return tags(snapshot, model, ty, slot, &mut errors);
    }
    match &declared.ty {
        Ty::Entity(target) if model.ty(*target).choices().is_none() => {
            let Data::Text(texts) = &mut snapshot.tables[ty].columns[slot].data else { return };
            let texts = std::mem::take(texts);
            let states = std::mem::take(&mut snapshot.tables[ty].columns[slot].states);
            let targets: Vec<Target> = (texts.par_iter().zip(&states).enumerate())
                .map(|(row, (text, state))| match state {
                    State::Known => find_target(
                        snapshot,
                        model,
                        EntityRef { ty, row: row_number(row) },
                        *target,
                        snapshot.text(*text),
                    ),
                    _ => Target::Unknown,
                })
                .collect();
            let mut rows = Vec::with_capacity(texts.len());
            for (row, (found, text)) in (0u32..).zip(targets.into_iter().zip(&texts)) {
                let span = (!text.is_side()).then(|| Span::from(text.range()));
                rows.push(match found {
                    Target::Row(row) => Ok(row),
                    Target::Unknown => Err(State::Uncaptured),
                    Target::Dangling(scope) => {
                        let text = SmolStr::new(snapshot.text(*text));
                        let here = EntityRef { ty, row };
                        let found =
                            respelt_or_dangling(snapshot, model, here, span, *target, scope, &text, &mut errors);
                        found.ok_or(State::Unreadable)
                    }
                });
            }
            let state = |(state, row): (State, &std::result::Result<u32, State>)| match (state, row) {
                (State::Known, Err(state)) => *state,
                (state, _) => state,
            };
            let column = &mut snapshot.tables[ty].columns[slot];
            column.states = states.into_iter().zip(&rows).map(state).collect();
            column.data = Data::Entity(rows.into_iter().map(|row| row.unwrap_or(0)).collect());
        }
        ty_of_slot @ (Ty::Set(_) | Ty::Record(_)) if model.refers(ty_of_slot) => {
            let column = &mut snapshot.tables[ty].columns[slot];
            let Data::Value(values) = &mut column.data else { return };
            let (mut values, mut states) = (std::mem::take(values), std::mem::take(&mut column.states));
            for (row, (value, state)) in (0u32..).zip(values.iter_mut().zip(&mut states)) {
                if *state != State::Known {
                    continue;
                }
                let here = EntityRef { ty, row };
                match resolved(snapshot, model, here, ty_of_slot, value, &mut errors) {
                    Some(resolved) => *value = resolved,
                    None => *state = State::Uncaptured,
                }
            }
            snapshot.tables[ty].columns[slot] = Column { states, data: Data::Value(values) };
        }
        _ => {}
    }
}

/// Resolves the values of tags. A tag with an unknown reference is unknown.
fn tags(snapshot: &mut Snapshot, model: &Model, ty: TypeId, slot: SlotId, errors: &mut ReferenceErrors<'_>) {
    let declared = &model.ty(ty).slots[slot];
    let Data::Value(values) = &mut snapshot.tables[ty].columns[slot].data else { return };
    if !model.refers(&declared.ty) {
        return;
    }
    let mut values = std::mem::take(values);
    for (row, value) in (0u32..).zip(&mut values) {
        let Value::Record(tags) = value else { continue };
        let here = EntityRef { ty, row };
        let (mut fields, mut unknown) = (Vec::new(), tags.unknown().to_vec());
        for (name, value) in tags.fields() {
            errors.tag = Some(name.clone());
            match resolved(snapshot, model, here, &declared.ty, value, errors) {
                Some(value) => fields.push((name.clone(), value)),
                None => unknown.push(name.clone()),
            }
        }
        *value = Value::Record(Arc::new(crate::value::Record::partial(fields, unknown)));
    }
    snapshot.tables[ty].columns[slot].data = Data::Value(values);
}

/// The references of one attribute that name no id as it is written, and their diagnostics.
struct ReferenceErrors<'d> {
    slot: &'d Slot,
    /// The tag in hand, if the attribute is the tags.
    tag: Option<SmolStr>,
    /// The references in the value in hand, if it is not one reference.
    references: References,
    suggested: usize,
    spellings: &'d mut Spellings,
    diagnostics: &'d mut Vec<Diagnostic>,
}

fn resolved(
    snapshot: &mut Snapshot,
    model: &Model,
    here: EntityRef,
    of: &Ty,
    value: &Value,
    errors: &mut ReferenceErrors<'_>,
) -> Option<Value> {
    match (of, value) {
        (Ty::Entity(target), Value::String(text)) => {
            let row = match find_target(snapshot, model, here, *target, text) {
                Target::Row(row) => row,
                Target::Unknown => return None,
                Target::Dangling(scope) => {
                    respelt_or_dangling(snapshot, model, here, None, *target, scope, text, errors)?
                }
            };
            Some(Value::Entity(EntityRef { ty: *target, row }))
        }
        (Ty::Set(element), Value::Set(set)) => {
            let (mut items, mut open) = (Vec::new(), set.is_open());
            for item in set.items() {
                match resolved(snapshot, model, here, element, item, errors) {
                    Some(item) => items.push(item),
                    None => open = true,
                }
            }
            Some(Value::Set(Arc::new(Set::partial(items, Vec::new(), open))))
        }
        (Ty::Record(members), Value::Record(record)) => {
            let mut fields = Vec::new();
            for (field, value) in record.fields() {
                let member = members.iter().find(|member| member.name == *field)?;
                fields.push((field.clone(), resolved(snapshot, model, here, &member.ty, value, errors)?));
            }
            Some(Value::Record(Arc::new(crate::value::Record::new(fields))))
        }
        (_, value) => Some(value.clone()),
    }
}

/// The target of a reference.
enum Target {
    /// This row.
    Row(u32),
    /// An unknown instance: the instances that it may refer to were not captured.
    Unknown,
    /// No instance in this scope has the id as it is written: the reference is dangling, or is another spelling.
    Dangling(EntityRef),
}

fn find_target(snapshot: &Snapshot, model: &Model, here: EntityRef, target: TypeId, text: &str) -> Target {
    let scope = match model.ty(target).parent {
        Some(parent) => match snapshot.enclosing(model, here, parent) {
            Some(scope) => scope,
            None => return Target::Unknown,
        },
        None => EntityRef { ty: model.root, row: 0 },
    };
    match snapshot.by_key(target, scope.row, text) {
        Some(found) => Target::Row(found),
        None if snapshot.may_mean(target, scope) => Target::Unknown,
        None => Target::Dangling(scope),
    }
}

/// Returns the row of the instance with another spelling of the id. If there is none, reports a dangling reference, and returns
/// the number of the dangling entity, beyond the rows. Returns `None` after the error if the reference may be a misspelling:
/// several instances have the id in other spellings, or an id that was compared is like it, or not all ids were compared.
#[expect(clippy::too_many_arguments, reason = "one reference, its place, and where diagnostics go")]
fn respelt_or_dangling(
    snapshot: &mut Snapshot,
    model: &Model,
    here: EntityRef,
    span: Option<Span>,
    target: TypeId,
    scope: EntityRef,
    text: &SmolStr,
    errors: &mut ReferenceErrors<'_>,
) -> Option<u32> {
    let respelt = errors.spellings.find(snapshot, model, target, scope.row, text);
    if let Respelt::One(row) = respelt {
        snapshot.tables[target].has_respelt = true;
        return Some(row);
    }
    let of = (here, errors.slot, errors.tag.as_ref());
    let span = span.unwrap_or_else(|| errors.references.find((snapshot, model), of, (target, text)));
    let what = model.short_name(target);
    let attribute = errors.tag.as_ref().map_or_else(|| errors.slot.dotted(), |tag| format!("tags.{tag}"));
    let message = format!("`{attribute}` refers to {what} `{text}`, which is not in the snapshot");
    let error = Diagnostic::error(Code::SnapshotReference, message);
    let error = error.label(&snapshot.source, span, format!("no such {what}"));
    errors.suggested += 1;
    let mut may_be_misspelt = respelt == Respelt::Several || errors.suggested > SUGGESTED;
    let help = (errors.suggested <= SUGGESTED).then(|| {
        let rows = snapshot.table(target).rows.iter().filter(|row| row.parent == scope.row);
        let mut keys = rows.map(|row| snapshot.text(row.key));
        let compared: Vec<&str> = keys.by_ref().take(SUGGESTIONS).collect();
        may_be_misspelt |= keys.next().is_some();
        match nearest(text, compared.iter().copied()) {
            Some(near) => {
                may_be_misspelt = true;
                format!("did you mean `{near}`?")
            }
            None if compared.is_empty() => format!("there are no instances of {what} here"),
            None => {
                let some: Vec<String> = compared.iter().take(8).map(|key| format!("`{key}`")).collect();
                format!("known here: {}", some.join(", "))
            }
        }
    });
    errors.diagnostics.push(error.maybe_help(help));
    if may_be_misspelt && !model.is_of_requests() {
        return None;
    }
    let id = |text: &str| SmolStr::from(snapshot.join_id(model, model.ty(target).parent, scope.row, text));
    let (folded, id) = (id(&errors.spellings.folded(snapshot, model, target, text)), id(text));
    let table = &mut snapshot.tables[target];
    let next = row_number(table.dangling.len());
    let place = *table.by_dangling.entry(folded).or_insert(next);
    match table.dangling.get(place as usize) {
        None => table.dangling.push(id),
        Some(known) => table.has_respelt |= *known != id,
    }
    Some(table.row_count() + place)
}
