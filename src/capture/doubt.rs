//! Misspelt properties of documents. Their values are not read, so they may contradict the value that another source has at
//! the intended place, or have instances that other sources lack.

use super::node::{Node, Value};
use crate::schema::{FieldNode, Model, PathNode};
use crate::source::misspelling;
use crate::value::TypeId;
use std::collections::BTreeSet;

/// The places of an instance that an object of a document does not have, and of whose names it has a misspelling.
#[derive(Debug, Default)]
pub(super) struct Misspelt {
    /// Places of values.
    pub values: Vec<Vec<String>>,
    /// Places of lists of instances.
    pub lists: Vec<Vec<String>>,
}

impl Misspelt {
    /// Searches an instance of a type.
    pub(super) fn of(model: &Model, ty: TypeId, node: &Node) -> Self {
        let mut search = Search { model, ty, found: Self::default() };
        let path = model.path_of.find(ty).copied().flatten();
        let path = path.and_then(|path| model.paths.find(path));
        search.object((model.ty(ty).fields.first(), path), node, &mut Vec::new());
        search.found
    }
}

struct Search<'m> {
    model: &'m Model,
    ty: TypeId,
    found: Misspelt,
}

/// A place in an instance: its properties, and the lists of instances below it.
type At<'m> = (Option<&'m FieldNode>, Option<&'m PathNode>);

impl<'m> Search<'m> {
    fn object(&mut self, here: At<'m>, node: &Node, at: &mut Vec<String>) {
        let Value::Object(properties) = &node.value else { return };
        let known = names(here);
        let declared: Vec<&str> = self.model.declared_properties(self.ty, at).collect();
        for property in properties.iter().filter(|property| !declared.contains(&property.name.as_str())) {
            let lacking = known.iter().copied().filter(|name| node.get(name).is_none());
            if let Some(meant) = misspelling(&property.name, lacking) {
                self.meant(here, meant, at);
            }
        }
        for name in known {
            if let Some(inner) = node.get(name) {
                at.push(name.to_owned());
                self.object(self.child(here, name), inner, at);
                at.pop();
            }
        }
    }

    /// Returns the place of a property. An instance there is searched by itself.
    fn child(&self, (field, path): At<'m>, name: &str) -> At<'m> {
        let field = field.and_then(|field| field.children.iter().find(|(known, _)| known == name));
        let path = path.and_then(|path| path.children.iter().find(|(known, _)| known == name));
        let path = path.and_then(|(_, path)| self.model.paths.find(*path)).filter(|path| path.ty.is_none());
        (field.and_then(|(_, field)| self.model.ty(self.ty).fields.find(*field)), path)
    }

    /// Adds the value or the list at a property, or those in it.
    fn meant(&mut self, above: At<'m>, name: &str, at: &mut Vec<String>) {
        let here = self.child(above, name);
        at.push(name.to_owned());
        match here {
            (None, None) => {}
            (Some(_), None) => self.found.values.push(at.clone()),
            (_, Some(path)) => {
                if !path.each.is_empty() {
                    self.found.lists.push(at.clone());
                }
                names(here).into_iter().for_each(|name| self.meant(here, name, at));
            }
        }
        at.pop();
    }
}

/// Returns the names of the properties at a place, each once.
fn names<'m>((field, path): At<'m>) -> BTreeSet<&'m str> {
    let fields = field.into_iter().flat_map(|field| &field.children).map(|(name, _)| name.as_str());
    let paths = path.into_iter().flat_map(|path| &path.children).map(|(name, _)| name.as_str());
    fields.chain(paths).collect()
}
