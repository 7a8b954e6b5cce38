//! Maps: objects whose names are ids, not property names, and whose values have one shape.

use super::shape::Place;
use crate::snapshot::api_error::is_of_error;
use crate::source::json::Kind;
use smol_str::SmolStr;
use std::collections::HashSet;

/// The part of the names of a map that look like ids, in percent.
const ID_LIKE: usize = 80;

/// The part of the properties of all values that a value of a map has, in percent.
const ALIKE: usize = 50;

/// Values of an object whose names are words, from which on the object is a map.
const MANY: usize = 8;

/// Returns whether the objects at a place are maps of objects.
pub fn is_map(place: &Place) -> bool {
    let children = elements(place).count();
    let objects_only = |(_, child): &&(SmolStr, Place)| {
        child.count(Kind::Object) > 0 && child.total() == child.count(Kind::Object) + child.count(Kind::Null)
    };
    if children == 0 || !elements(place).all(|child| objects_only(&child)) || !are_alike(place) {
        return false;
    }
    if has_ids(place) {
        return children > 1 || elements(place).all(|(name, _)| is_certain_id(name));
    }
    let objects = place.count(Kind::Object);
    let varies = objects > 1 && elements(place).all(|(_, child)| child.total() * 2 <= objects);
    let same = elements(place).all(|(_, child)| child.children.len() > 1) && shared(place) * 100 >= 90 * width(place);
    same && (children >= MANY || varies && children > 2)
}

/// Returns the properties of a place other than errors, which are not elements of a map.
fn elements(place: &Place) -> impl Iterator<Item = &(SmolStr, Place)> {
    place.children.iter().filter(|(name, _)| !is_of_error(name))
}

/// Returns whether most property names of a place look like ids.
fn has_ids(place: &Place) -> bool {
    let ids = elements(place).filter(|(name, _)| is_id(name)).count();
    ids > 0 && ids * 100 >= elements(place).count() * ID_LIKE
}

/// Returns whether a name is an id even if no other name is like it.
fn is_certain_id(name: &str) -> bool {
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    name.contains('@') || digits * 2 >= name.len() || digits > 2 && name.len() >= 8
}

/// Returns whether a name looks like an id: it has a digit or a separator of addresses and dates.
fn is_id(name: &str) -> bool {
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    let marks = name.contains(['@', '.', ':', '/', ' ']);
    digits * 3 >= name.len() || marks || digits > 0 && name.len() >= 8 || digits > 0 && name.contains(['-', '_'])
}

/// Returns whether the values of an object have many properties in common. Maps in a map have other names.
fn are_alike(place: &Place) -> bool {
    let is_empty = |child: &Place| child.children.is_empty() && !child.is_map;
    if elements(place).any(|(_, child)| is_empty(child)) {
        return false;
    }
    elements(place).all(|(_, child)| child.is_map || has_ids(child)) || shared(place) * 100 >= width(place) * ALIKE
}

/// Returns the number of different properties of all values, times the number of values.
fn width(place: &Place) -> usize {
    let values = elements(place).flat_map(|(_, child)| &child.children);
    let names: HashSet<&str> = values.map(|(name, _)| name.as_str()).collect();
    names.len() * elements(place).count()
}

/// Returns the number of properties of all values.
fn shared(place: &Place) -> usize {
    elements(place).map(|(_, child)| child.children.len()).sum()
}
