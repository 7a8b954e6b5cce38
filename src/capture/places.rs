//! The places in an instance whose values may be absent. A value that no file states must not look absent there.

use crate::schema::{Fallback, Model, Origin, Slot};
use crate::value::TypeId;

/// A place below an instance whose value, or the record around it, may be absent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct OptionalPlace {
    pub pointer: Vec<String>,
    /// Whether a missing value states something.
    pub is_optional: bool,
    /// The outermost optional record around the value.
    pub record: Option<Vec<String>>,
}

impl OptionalPlace {
    /// Returns the pointers that are uncaptured if the value is. An inner one counts if the record is there.
    pub(super) fn unknown(&self) -> impl Iterator<Item = &Vec<String>> {
        self.record.iter().chain(self.is_optional.then_some(&self.pointer))
    }
}

/// Returns whether a missing value of a slot states something.
pub(super) fn lack_is_known(slot: &Slot) -> bool {
    match &slot.missing {
        Some(missing) => missing.fallback != Fallback::Unknown,
        None => !slot.required,
    }
}

/// Returns the outermost optional record around a property of a type.
pub(super) fn optional_record(model: &Model, ty: TypeId, property: &[String]) -> Option<Vec<String>> {
    let records = model.ty(ty).slots.iter().filter_map(|slot| match &slot.origin {
        Origin::Presence(pointer) if lack_is_known(slot) => Some(pointer),
        _ => None,
    });
    let around = records.filter(|record| record.len() < property.len() && property.starts_with(record));
    around.min_by_key(|record| record.len()).cloned()
}

/// Returns the types whose instances are groups of properties of an instance, with the pointer to the object of the groups.
fn groups(model: &Model, ty: TypeId) -> impl Iterator<Item = (TypeId, Vec<String>)> {
    let inner = model.type_ids().filter(move |inner| model.ty(*inner).parent == Some(ty));
    inner.filter(|inner| model.ty(*inner).groups().is_some()).map(|inner| (inner, model.way_to_groups(inner)))
}

/// Returns whether a property of an instance belongs to a group of properties.
pub(super) fn is_in_group(model: &Model, ty: TypeId, property: &[String]) -> bool {
    groups(model, ty).any(|(inner, way)| {
        let name = property.strip_prefix(&way[..]).and_then(<[String]>::first);
        name.is_some_and(|name| model.ty(inner).groups().is_some_and(|groups| groups.group_of(name).is_some()))
    })
}

/// Returns the places below an instance whose values may be absent.
pub(super) fn optional_places(model: &Model, ty: TypeId) -> Vec<OptionalPlace> {
    let place = |slot: &Slot| {
        let pointer = slot.origin.pointer().filter(|pointer| !pointer.is_empty())?.to_vec();
        let record = optional_record(model, ty, &pointer);
        let place = OptionalPlace { pointer, is_optional: lack_is_known(slot), record };
        (place.is_optional || place.record.is_some()).then_some(place)
    };
    let mut places: Vec<OptionalPlace> = model.ty(ty).slots.iter().filter_map(place).collect();
    for (inner, way) in groups(model, ty) {
        let declared = model.ty(inner);
        let pointers = declared.slots.iter().filter_map(|slot| slot.origin.pointer()?.split_first());
        for (first, rest) in pointers {
            let names = declared.groups().into_iter().flat_map(|groups| &groups.list).map(|group| group.name(first));
            places.extend(names.map(|name| OptionalPlace {
                pointer: [&way[..], &[name], rest].concat(),
                is_optional: true,
                record: None,
            }));
        }
    }
    // An optional place comes before another one with its pointer.
    places.sort_by(|a, b| (&a.pointer, !a.is_optional).cmp(&(&b.pointer, !b.is_optional)));
    places.dedup_by(|later, first| later.pointer == first.pointer);
    places
}

/// Returns the pointers that are uncaptured because no source states the value of a place.
pub(super) fn lacking(places: &[OptionalPlace], is_stated: impl Fn(&[String]) -> bool) -> Vec<Vec<String>> {
    places.iter().filter(|place| !is_stated(&place.pointer)).flat_map(OptionalPlace::unknown).cloned().collect()
}

/// Returns whether one of two places is at or below the other.
pub(super) fn overlap(one: &[String], other: &[String]) -> bool {
    one.starts_with(other) || other.starts_with(one)
}
