//! The resolve: ids must be unique, references must meet.

use super::decode::first_line;
use super::{Data, Missing, Snapshot, State, StrRef};
use crate::diagnostic::Diagnostic;
use crate::schema::{Model, Origin, Ty};
use crate::source::pointer::Step;
use crate::source::{Span, nearest};
use crate::value::{EntityRef, Set, TypeId, Value};
use smol_str::SmolStr;
use std::collections::HashMap;
use std::sync::Arc;

/// Keys looked at for a suggestion.
const SUGGESTIONS: usize = 2000;

pub(super) fn resolve(snapshot: &mut Snapshot, model: &Model, diagnostics: &mut Vec<Diagnostic>) {
    for at in 0..model.types.len() {
        index(snapshot, model, TypeId(at as u16), diagnostics);
    }
    for at in 0..model.types.len() {
        for slot in 0..snapshot.tables[at].columns.len() {
            references(snapshot, model, TypeId(at as u16), slot, diagnostics);
        }
    }
}

/// Maps keys to rows and reports ids that stand twice.
fn index(snapshot: &mut Snapshot, model: &Model, ty: TypeId, diagnostics: &mut Vec<Diagnostic>) {
    let declared = model.ty(ty);
    let mut by_key = rustc_hash::FxHashMap::with_capacity_and_hasher(snapshot.table(ty).rows.len(), Default::default());
    let mut whole: HashMap<SmolStr, u32> = HashMap::new();
    for (at, row) in snapshot.table(ty).rows.iter().enumerate() {
        let key = SmolStr::new(snapshot.text(row.key));
        let mut first = by_key.get(&(row.parent, key.clone())).copied();
        if first.is_none() && key.contains('/') {
            // Keys with a `/` of their own can make one id out of two different places.
            let id = snapshot.id(model, EntityRef { ty, row: at as u32 });
            first = whole.insert(id, at as u32);
        }
        if let Some(first) = first.and_then(|first: u32| snapshot.table(ty).rows.get(first as usize)) {
            let id = snapshot.id(model, EntityRef { ty, row: at as u32 });
            let place = |row: &super::Row| match &declared.key {
                Some(pointer) => snapshot.locate(row.span, pointer).span,
                None => first_line(&snapshot.source, row.span),
            };
            let error = Diagnostic::error(
                "snapshot-duplicate-id",
                format!("two instances of {} have the id `{id}`", model.short_name(ty)),
            );
            let error = error.label(&snapshot.source, place(row), "again here").label(
                &snapshot.source,
                place(first),
                "first here",
            );
            diagnostics.push(error.help("an id is used once: remove one, or correct it"));
            continue;
        }
        by_key.insert((row.parent, key), at as u32);
    }
    differing_in_case(snapshot, model, ty, diagnostics);
    snapshot.tables[ty.index()].by_key = by_key;
    expected(snapshot, model, ty);
}

/// Ids that differ only in case are two ids, and rarely meant to be.
fn differing_in_case(snapshot: &Snapshot, model: &Model, ty: TypeId, diagnostics: &mut Vec<Diagnostic>) {
    let rows = &snapshot.table(ty).rows;
    if !rows.iter().any(|row| snapshot.text(row.key).contains(char::is_uppercase)) {
        return;
    }
    let mut seen: HashMap<(u32, String), usize> = HashMap::new();
    for (at, row) in rows.iter().enumerate() {
        let key = snapshot.text(row.key);
        let Some(first) = seen.insert((row.parent, key.to_lowercase()), at).and_then(|first| rows.get(first)) else {
            continue;
        };
        if snapshot.text(first.key) == key {
            continue;
        }
        let place = |row: &super::Row| match &model.ty(ty).key {
            Some(pointer) => snapshot.locate(row.span, pointer).span,
            None => first_line(&snapshot.source, row.span),
        };
        let message = format!("two instances of {} have ids that differ only in case: `{key}`", model.short_name(ty));
        let warning =
            Diagnostic::warning("snapshot-duplicate-id", message).label(&snapshot.source, place(row), "this one");
        diagnostics
            .push(warning.label(&snapshot.source, place(first), "and this one").help("if they are one, remove one"));
    }
}

/// A list that lacks an instance which every such list has was not fully captured.
fn expected(snapshot: &mut Snapshot, model: &Model, ty: TypeId) {
    let declared = model.ty(ty);
    let (Some(parent), false) = (declared.parent, declared.expect.is_empty()) else { return };
    let outer = model.ty(parent).path().map_or(0, |path| path.0.len());
    let steps = declared.path().and_then(|path| path.0.get(outer..)).unwrap_or_default();
    let properties: Vec<String> = steps
        .iter()
        .filter_map(|step| match step {
            Step::Property(name) => Some(name.clone()),
            Step::Each => None,
        })
        .collect();
    let mut lacking = Vec::new();
    for (at, row) in snapshot.table(parent).rows.iter().enumerate() {
        let scope = EntityRef { ty: parent, row: at as u32 };
        if snapshot.table(ty).missing.iter().any(|missing| missing.scope == scope) {
            continue;
        }
        for key in declared.expect.iter().filter(|key| snapshot.by_key(ty, scope.row, key).is_none()) {
            let list = snapshot.locate(row.span, &properties).span;
            let pointer = snapshot.pointer(model, scope).join(&properties).join([key.as_str()]);
            lacking.push(Missing { scope, span: list, property: key.to_string(), pointer });
        }
    }
    snapshot.tables[ty.index()].missing.extend(lacking);
}

fn references(snapshot: &mut Snapshot, model: &Model, ty: TypeId, slot: usize, diagnostics: &mut Vec<Diagnostic>) {
    let declared = &model.ty(ty).slots[slot];
    if let Origin::Tags(_) = declared.origin {
        return tags(snapshot, model, ty, slot, diagnostics);
    }
    match &declared.ty {
        Ty::Entity(target) if model.ty(*target).choices().is_none() => {
            let Data::Text(texts) = &mut snapshot.tables[ty.index()].columns[slot].data else { return };
            let texts = std::mem::take(texts);
            let mut found = Vec::with_capacity(texts.len());
            for (row, text) in texts.into_iter().enumerate() {
                let known = snapshot.tables[ty.index()].columns[slot].states[row] == State::Known;
                let entity = if known {
                    lookup(snapshot, model, ty, row as u32, *target, Name::At(text), &declared.dotted(), diagnostics)
                } else {
                    Some(0)
                };
                if entity.is_none() {
                    snapshot.tables[ty.index()].columns[slot].states[row] = State::Unknown;
                }
                found.push(entity.unwrap_or(0));
            }
            snapshot.tables[ty.index()].columns[slot].data = Data::Entity(found);
        }
        ty_of_slot @ (Ty::Set(_) | Ty::Record(_)) if refers(model, ty_of_slot) => {
            let Data::Value(values) = &mut snapshot.tables[ty.index()].columns[slot].data else { return };
            let mut values = std::mem::take(values);
            for (row, value) in values.iter_mut().enumerate() {
                if snapshot.tables[ty.index()].columns[slot].states[row] != State::Known {
                    continue;
                }
                match resolved(snapshot, model, ty, row as u32, ty_of_slot, value, &declared.dotted(), diagnostics) {
                    Some(resolved) => *value = resolved,
                    None => snapshot.tables[ty.index()].columns[slot].states[row] = State::Unknown,
                }
            }
            snapshot.tables[ty.index()].columns[slot].data = Data::Value(values);
        }
        _ => {}
    }
}

/// Resolves the values of tags. Tags of which one is not known are not known.
fn tags(snapshot: &mut Snapshot, model: &Model, ty: TypeId, slot: usize, diagnostics: &mut Vec<Diagnostic>) {
    let declared = &model.ty(ty).slots[slot];
    let Data::Value(values) = &mut snapshot.tables[ty.index()].columns[slot].data else { return };
    if !refers(model, &declared.ty) {
        return;
    }
    let mut values = std::mem::take(values);
    for (row, value) in values.iter_mut().enumerate() {
        let Value::Record(tags) = value else { continue };
        let fields: Option<Vec<(SmolStr, Value)>> = tags
            .fields()
            .iter()
            .map(|(name, value)| {
                Some((
                    name.clone(),
                    resolved(
                        snapshot,
                        model,
                        ty,
                        row as u32,
                        &declared.ty,
                        value,
                        &format!("tags.{name}"),
                        diagnostics,
                    )?,
                ))
            })
            .collect();
        match fields {
            Some(fields) => *value = Value::Record(Arc::new(crate::value::Record::new(fields))),
            None => snapshot.tables[ty.index()].columns[slot].states[row] = State::Unknown,
        }
    }
    snapshot.tables[ty.index()].columns[slot].data = Data::Value(values);
}

fn refers(model: &Model, ty: &Ty) -> bool {
    match ty {
        Ty::Entity(target) => model.ty(*target).choices().is_none(),
        Ty::Set(element) => refers(model, element),
        Ty::Record(members) => members.iter().any(|member| refers(model, &member.ty)),
        _ => false,
    }
}

#[expect(clippy::too_many_arguments, reason = "one value, where it stands, and where complaints go")]
fn resolved(
    snapshot: &mut Snapshot,
    model: &Model,
    ty: TypeId,
    row: u32,
    of: &Ty,
    value: &Value,
    name: &str,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Value> {
    match (of, value) {
        (Ty::Entity(target), Value::String(text)) => {
            let row = lookup(snapshot, model, ty, row, *target, Name::Is(text.clone()), name, diagnostics)?;
            Some(Value::Entity(EntityRef { ty: *target, row }))
        }
        (Ty::Set(element), Value::Set(set)) => {
            let (mut items, mut open) = (Vec::new(), set.is_open());
            for item in set.items() {
                match resolved(snapshot, model, ty, row, element, item, name, diagnostics) {
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
                fields.push((field.clone(), resolved(snapshot, model, ty, row, &member.ty, value, name, diagnostics)?));
            }
            Some(Value::Record(Arc::new(crate::value::Record::new(fields))))
        }
        (_, value) => Some(value.clone()),
    }
}

enum Name {
    At(StrRef),
    Is(SmolStr),
}

/// Returns the row a reference means; `None` if the instances it may mean were not captured.
#[expect(clippy::too_many_arguments, reason = "one reference, where it stands, and where complaints go")]
fn lookup(
    snapshot: &mut Snapshot,
    model: &Model,
    ty: TypeId,
    row: u32,
    target: TypeId,
    name: Name,
    attribute: &str,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<u32> {
    let here = EntityRef { ty, row };
    let (text, span) = match &name {
        Name::At(at) => (
            SmolStr::new(snapshot.text(*at)),
            (!at.is_side()).then(|| Span::new(at.range().start as u32, at.range().end as u32)),
        ),
        Name::Is(text) => (text.clone(), None),
    };
    let scope = match model.ty(target).parent {
        Some(parent) => snapshot.enclosing(model, here, parent)?,
        None => EntityRef { ty: model.root, row: 0 },
    };
    if let Some(found) = snapshot.by_key(target, scope.row, &text) {
        return Some(found);
    }
    if snapshot.may_miss(target, scope) {
        return None;
    }
    let span = span.unwrap_or_else(|| {
        first_line(&snapshot.source, snapshot.table(ty).rows.get(row as usize).map_or(Span::default(), |row| row.span))
    });
    let keys: Vec<SmolStr> = {
        let rows = snapshot.table(target).rows.iter().filter(|row| row.parent == scope.row).take(SUGGESTIONS);
        rows.map(|row| SmolStr::new(snapshot.text(row.key))).collect()
    };
    let what = model.short_name(target);
    let error = Diagnostic::error(
        "snapshot-reference",
        format!("`{attribute}` refers to {what} `{text}`, which is not in the snapshot"),
    );
    let help = match nearest(&text, keys.iter().map(SmolStr::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None if keys.is_empty() => format!("there is no {what} here at all"),
        None => {
            format!("known here: {}", keys.iter().take(8).map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", "))
        }
    };
    diagnostics.push(error.label(&snapshot.source, span, format!("no such {what}")).help(help));
    let id: SmolStr = snapshot.join_id(model, model.ty(target).parent, scope.row, &text).into();
    let table = &mut snapshot.tables[target.index()];
    let absent = table.absent.iter().position(|known| *known == id).unwrap_or_else(|| {
        table.absent.push(id);
        table.absent.len() - 1
    });
    Some((table.rows.len() + absent) as u32)
}
