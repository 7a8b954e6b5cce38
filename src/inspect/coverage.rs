//! Coverage: the properties that a schema does not read, and the attributes that a snapshot lacks.

use super::declared::{Declared, Node, attribute};
use super::{At, at};
use crate::infer::{KINDS, Place};
use crate::pack::Pack;
use crate::source::Source;
use crate::source::json::Kind;
use crate::source::pointer::{Pattern, Step};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A property that a schema does not read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Undeclared {
    /// Its place, where `*` is every element.
    pub place: String,
    /// The kinds of its values.
    pub kinds: Vec<String>,
    /// The number of its values.
    pub values: u64,
    /// The number of objects that may have it.
    pub objects: u64,
    /// Whether the schema names it in `@ignore`.
    pub ignored: bool,
    /// The first value.
    pub at: Option<At>,
}

/// An attribute or a list of a schema that no document has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lacking {
    /// Its place, where `*` is every element.
    pub place: String,
    /// `Type.attribute`, or the type of the elements of a list.
    pub declared: String,
    /// Whether the attribute is required; a list is.
    pub required: bool,
    /// Whether each value is `null`.
    pub null: bool,
    /// The number of instances that lack it.
    pub instances: u64,
    /// The checks that read it.
    pub checks: Vec<String>,
}

/// Returns the properties that a schema does not read.
pub(super) fn undeclared(declared: &Declared, shape: &Place, sources: &[Arc<Source>]) -> Vec<Undeclared> {
    let mut found = Vec::new();
    undeclared_below(declared.root(), shape, &mut Pattern::default(), sources, &mut found);
    found
}

fn undeclared_below(
    node: &Node,
    place: &Place,
    path: &mut Pattern,
    sources: &[Arc<Source>],
    found: &mut Vec<Undeclared>,
) {
    if node.is_whole {
        return;
    }
    for (name, child) in &place.children {
        if node.is_statement(path, name) {
            continue;
        }
        path.0.push(Step::Property(name.to_string()));
        match node.property(name) {
            Some(below) => undeclared_below(below, child, path, sources, found),
            None => found.push(Undeclared {
                place: path.to_text(),
                kinds: kinds(child),
                values: child.total(),
                objects: place.count(Kind::Object),
                ignored: node.ignored.iter().any(|ignored| ignored == name),
                at: at(sources, child.first.or(child.first_null)),
            }),
        }
        path.0.pop();
    }
    if let (Some(below), Some(each)) = (node.each(), place.each.as_deref()) {
        path.0.push(Step::Each);
        undeclared_below(below, each, path, sources, found);
        path.0.pop();
    }
}

/// Returns the attributes and lists that no document has.
pub(super) fn lacking(pack: &Pack, declared: &Declared, shape: &Place) -> Vec<Lacking> {
    let mut found = Vec::new();
    let search = Search { pack, declared };
    search.below(declared.root(), shape, &mut Pattern::default(), &mut found);
    found
}

struct Search<'p> {
    pack: &'p Pack,
    declared: &'p Declared,
}

impl Search<'_> {
    fn below(&self, node: &Node, place: &Place, path: &mut Pattern, found: &mut Vec<Lacking>) {
        for (step, below) in &node.below {
            path.0.push(step.clone());
            let inner = match step {
                Step::Property(name) => place.child(name),
                Step::Each => place.each.as_deref(),
                Step::Groups(_) => None,
            };
            match inner.filter(|inner| !inner.present().is_empty()) {
                Some(inner) => self.below(below, inner, path, found),
                // A list without elements lacks nothing.
                None if *step == Step::Each => {}
                None => {
                    let instances = place.count(Kind::Object);
                    if instances > 0 {
                        self.all_below(below, path, (instances, inner.is_some()), found);
                    }
                }
            }
            path.0.pop();
        }
    }

    /// Adds the attributes at and below a place, and the lists; attributes of their elements are not added.
    fn all_below(&self, node: &Node, path: &mut Pattern, (instances, null): (u64, bool), found: &mut Vec<Lacking>) {
        let model = self.pack.model();
        for slot in &node.slots {
            found.push(Lacking {
                place: path.to_text(),
                declared: attribute(model, *slot),
                required: model.ty(slot.0).slot(slot.1).required,
                null,
                instances,
                checks: self.declared.checks_of(*slot),
            });
        }
        let elements = node.each().map(|each| &each.types).filter(|types| !types.is_empty());
        let types = elements.unwrap_or(&node.types);
        for ty in types {
            let (declared, checks) = (model.short_name(*ty).to_owned(), self.declared.checks_of_type(*ty));
            found.push(Lacking { place: path.to_text(), declared, required: true, null, instances, checks });
        }
        if !types.is_empty() {
            return;
        }
        for (step, below) in &node.below {
            path.0.push(step.clone());
            self.all_below(below, path, (instances, false), found);
            path.0.pop();
        }
    }
}

/// Returns the names of the kinds of the values at a place.
pub(super) fn kinds(place: &Place) -> Vec<String> {
    KINDS.into_iter().filter(|kind| place.count(*kind) > 0).map(|kind| kind_name(kind).to_owned()).collect()
}

/// Returns the name of a kind.
pub(super) fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Object => "object",
        Kind::Array => "array",
        Kind::String => "string",
        Kind::Number => "number",
        Kind::Bool => "boolean",
        Kind::Null => "null",
    }
}
