//! Lists with elements of several types: ids that elements of two types have.

use super::super::locate::{Location, LocationKind};
use super::super::{Elsewhere, Snapshot};
use super::name_span;
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::{EntityType, Model};
use crate::source::Span;
use crate::source::json::{Kind, string_text};
use crate::value::{EntityRef, TypeId};
use std::borrow::Cow;

/// Warns of instances of a type whose ids are also ids of elements of other types in the same list.
///
/// They may be two things with one name, and each is judged as what it is. If they are one thing that was captured twice, one
/// of the two is out of date.
pub(super) fn of_two_types(snapshot: &Snapshot, model: &Model, ty: TypeId, diagnostics: &mut Vec<Diagnostic>) {
    for other in &snapshot.table(ty).elsewhere {
        let Some(key) = key_of(snapshot, model.ty(ty), *other) else { continue };
        let Some(row) = snapshot.by_key(ty, other.parent, &key) else { continue };
        diagnostics.extend(diagnostic(snapshot, model, EntityRef { ty, row }, *other));
    }
}

/// Returns the id that an element of another type would have as an instance of a type.
fn key_of<'s>(snapshot: &'s Snapshot, ty: &EntityType, element: Elsewhere) -> Option<Cow<'s, str>> {
    let within = Span::new(element.start, element.start);
    let mut parts = ty.keys().map(|key| text_at(snapshot, snapshot.locate(within, key)));
    if !ty.has_composite_key() {
        return parts.flatten().next();
    }
    let escaped = |part: Cow<'_, str>| part.replace('~', "~0").replace('/', "~1");
    let parts: Vec<String> = parts.try_fold(Vec::new(), |mut all, part| {
        all.push(escaped(part?));
        Some(all)
    })?;
    Some(parts.join("/").into())
}

/// Returns the text of a value that can be an id.
fn text_at(snapshot: &Snapshot, at: Location) -> Option<Cow<'_, str>> {
    let text = || snapshot.source.slice(at.span);
    match at.kind {
        LocationKind::Value(Kind::String) => string_text(text()),
        LocationKind::Value(Kind::Number | Kind::Bool) => Some(text().into()),
        _ => None,
    }
}

fn diagnostic(snapshot: &Snapshot, model: &Model, instance: EntityRef, other: Elsewhere) -> Option<Diagnostic> {
    let declared = model.ty(instance.ty);
    let row = snapshot.table(instance.ty).rows.get(instance.row as usize)?;
    let elsewhere = declared.keys().map(|key| snapshot.locate(Span::new(other.start, other.start), key));
    let elsewhere = elsewhere.into_iter().find(|at| text_at(snapshot, *at).is_some())?;
    let mut places = [name_span(snapshot, model, instance.ty, row), elsewhere.span];
    places.sort_by_key(|place| place.start);
    let [first, again] = places;
    let property = declared.only.as_ref().map(|only| only.property.join("/")).unwrap_or_default();
    let message =
        format!("two elements of a list have the id `{}` and differ in `{property}`", snapshot.id(model, instance));
    let warning = Diagnostic::warning(Code::SnapshotDuplicateId, message);
    let warning = warning.label(&snapshot.source, again, "again here").label(&snapshot.source, first, "first here");
    Some(warning.help("if they are one, remove the one that is out of date"))
}
