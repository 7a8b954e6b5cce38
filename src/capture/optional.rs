//! Optional values that no file states. They are not captured, so they must not look absent.

use super::description::Feed;
use super::rows::overlap;
use super::tree::Tree;
use crate::schema::{Model, Origin, PathId};
use crate::value::TypeId;

/// Returns the places below an instance whose values may be absent, the outermost ones.
pub(super) fn optional_places(model: &Model, ty: TypeId) -> Vec<Vec<String>> {
    let slots = model.ty(ty).slots.iter().filter(|slot| !slot.required && slot.missing.is_none());
    let pointers = slots.filter_map(|slot| match &slot.origin {
        Origin::Read(pointer, _) | Origin::Presence(pointer) | Origin::Tags(pointer) => Some(pointer),
        Origin::Enclosing(_) | Origin::Derived => None,
    });
    let mut places: Vec<Vec<String>> = pointers.filter(|pointer| !pointer.is_empty()).cloned().collect();
    places.sort();
    places.dedup();
    // A place comes before those below it.
    let mut outermost: Vec<Vec<String>> = Vec::new();
    for place in places {
        if !outermost.last().is_some_and(|last| place.starts_with(last)) {
            outermost.push(place);
        }
    }
    outermost
}

/// Returns the places of [`optional_places`] that some file of a description can state. Only documents state the others,
/// such as whether an event was reviewed: a row without them states that they are absent.
pub(super) fn stated_places(model: &Model, feeds: &[Feed], ty: TypeId) -> Vec<Vec<String>> {
    let targets = feeds.iter().flat_map(|feed| &feed.targets).filter(|target| target.ty == ty);
    let columns = targets.flat_map(|target| &target.columns).map(|column| &column.property);
    let logs = feeds.iter().filter_map(|feed| feed.log.as_ref()).flat_map(|log| &log.activities);
    let times = logs.filter(|activity| activity.ty == ty).map(|activity| &activity.property);
    let stated: Vec<&Vec<String>> = columns.chain(times).collect();
    let mut places = optional_places(model, ty);
    places.retain(|place| stated.iter().any(|stated| overlap(stated, place)));
    places
}

/// Makes uncaptured what the instances in a tree lack, if no document describes them.
pub(super) fn mark(model: &Model, tree: &mut Tree, at: PathId) {
    let Some(node) = model.paths.find(at) else { return };
    if let Some(ty) = node.ty {
        optional_places(model, ty).iter().for_each(|place| lacks(tree, place));
    }
    match tree {
        Tree::Object(properties) => {
            for (name, child) in &node.children {
                let found = properties.iter_mut().find(|(known, _)| known == name);
                found.into_iter().for_each(|(_, tree)| mark(model, tree, *child));
            }
        }
        Tree::Instances(list) => {
            for each in &node.each {
                list.elements.iter_mut().for_each(|element| mark(model, element, *each));
            }
        }
        Tree::Leaf(_) | Tree::Rows(_) | Tree::Uncaptured | Tree::Contradicted => {}
    }
}

/// Makes a value uncaptured if an object lacks it. The values of a missing object are unknown in any case.
fn lacks(tree: &mut Tree, place: &[String]) {
    let (Tree::Object(properties), Some((first, rest))) = (tree, place.split_first()) else { return };
    match properties.iter_mut().find(|(name, _)| name == first) {
        Some((_, inner)) => lacks(inner, rest),
        None if rest.is_empty() => properties.push((first.clone(), Tree::Uncaptured)),
        None => {}
    }
}

impl Tree {
    /// Returns whether an object is at a pointer.
    pub(super) fn has_object(&self, pointer: &[String]) -> bool {
        let found = pointer.iter().try_fold(self, |tree, step| tree.get(step));
        matches!(found, Some(Tree::Object(_)))
    }
}
