//! Optional values that no file states. They are not captured, so they must not look absent.

use super::description::Feed;
use super::places::{OptionalPlace, optional_places};
use super::tree::Tree;
use crate::schema::{Model, PathId};
use crate::value::TypeId;

/// Returns the places of [`optional_places`] without those that the organisation declares in documents, such as whether an event
/// was reviewed: a row without them states that they are absent.
pub(super) fn captured_places(model: &Model, feeds: &[Feed], ty: TypeId) -> Vec<OptionalPlace> {
    let targets = feeds.iter().flat_map(|feed| &feed.targets).filter(|target| target.ty == ty);
    let declared: Vec<&Vec<String>> = targets.flat_map(|target| &target.declared).collect();
    let mut places = optional_places(model, ty);
    places.retain(|place| !declared.contains(&&place.pointer));
    places
}

/// Makes uncaptured what the instances in a tree lack, if no document describes them.
pub(super) fn mark(model: &Model, tree: &mut Tree, at: PathId) {
    let Some(node) = model.paths.find(at) else { return };
    if let Some(ty) = node.ty {
        let places = optional_places(model, ty);
        places.iter().flat_map(OptionalPlace::unknown).for_each(|place| lacks(tree, place));
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
