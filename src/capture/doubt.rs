//! Misspelt properties of documents. Their values are not read, so they may contradict the value that another source has at
//! the intended place.

use super::node::{Node, Value};
use crate::schema::{FieldNode, Model, PathNode};
use crate::source::misspelling;
use crate::value::TypeId;

/// Returns the places of values of an instance that an object of a document does not have, and of whose names it has a
/// misspelling. No list of instances is at or below them.
pub(super) fn misspelt_places(model: &Model, ty: TypeId, node: &Node) -> Vec<Vec<String>> {
    let mut search = Search { model, ty, places: Vec::new() };
    let path = model.path_of.find(ty).copied().flatten();
    let path = path.and_then(|path| model.paths.find(path));
    if let Some(field) = model.ty(ty).fields.first() {
        search.object((field, path), node, &mut Vec::new());
    }
    search.places
}

struct Search<'m> {
    model: &'m Model,
    ty: TypeId,
    places: Vec<Vec<String>>,
}

/// A place in an instance: its properties, and the lists of instances below it.
type At<'m> = (&'m FieldNode, Option<&'m PathNode>);

impl<'m> Search<'m> {
    fn object(&mut self, (field, path): At<'m>, node: &Node, at: &mut Vec<String>) {
        let Value::Object(properties) = &node.value else { return };
        let names = || field.children.iter().map(|(name, _)| name.as_str());
        let paths = || path.into_iter().flat_map(|path| &path.children).map(|(name, _)| name.as_str());
        let is_declared = |name: &str| {
            names().chain(paths()).chain(field.ignored.iter().map(String::as_str)).any(|known| known == name)
        };
        for property in properties.iter().filter(|property| !is_declared(&property.name)) {
            let lacking = names().filter(|name| node.get(name).is_none());
            if let Some(meant) = misspelling(&property.name, lacking) {
                self.values((field, path), meant, at);
            }
        }
        for name in names() {
            if let (Some(inner), Some(child)) = (node.get(name), self.child((field, path), name)) {
                at.push(name.to_owned());
                self.object(child, inner, at);
                at.pop();
            }
        }
    }

    fn child(&self, (field, path): At<'m>, name: &str) -> Option<At<'m>> {
        let (_, child) = field.children.iter().find(|(known, _)| known == name)?;
        let path = path.and_then(|path| path.children.iter().find(|(known, _)| known == name));
        let path = path.and_then(|(_, path)| self.model.paths.find(*path));
        Some((self.model.ty(self.ty).fields.find(*child)?, path))
    }

    /// Adds the value at a property, or the values in it, without lists of instances.
    fn values(&mut self, above: At<'m>, name: &str, at: &mut Vec<String>) {
        let Some((field, path)) = self.child(above, name) else { return };
        at.push(name.to_owned());
        match path {
            None => self.places.push(at.clone()),
            Some(_) => field.children.iter().for_each(|(name, _)| self.values((field, path), name, at)),
        }
        at.pop();
    }
}
