//! The origin of values, for the list of evidence.

use super::conflict::names;
use super::node::{Node, Value};
use crate::schema::{COVERS, Model, PathId, PathNode};
use crate::source::pointer::unescape;
use crate::value::{parse_datetime, show_datetime};
use serde_json::json;
use std::collections::HashMap;

/// The number of an origin.
pub(super) type OriginId = usize;

/// A file, or an entry of the evidence of an older snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    pub method: Option<String>,
    pub file: Option<String>,
    pub sha256: Option<String>,
    pub captured_at: Option<i64>,
    pub captured_by: Option<String>,
    /// A remark about the entry.
    pub note: Option<String>,
}

impl Origin {
    /// Returns the entry of the evidence for a place of the snapshot.
    pub(super) fn entry(&self, covers: &str) -> String {
        let mut members = vec![(COVERS, covers.to_owned())];
        let captured_at = self.captured_at.map(show_datetime);
        let optional = [
            ("method", &self.method),
            ("file", &self.file),
            ("sha256", &self.sha256),
            ("captured_at", &captured_at),
            ("captured_by", &self.captured_by),
            ("note", &self.note),
        ];
        members.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))));
        let members: Vec<String> =
            members.iter().map(|(name, value)| format!("\"{name}\": {}", json!(value))).collect();
        format!("{{ {} }}", members.join(", "))
    }
}

/// All origins of a capture.
#[derive(Debug, Default)]
pub(super) struct Origins(pub Vec<Origin>);

impl Origins {
    /// Adds an origin, if it is not there, and returns its number.
    pub(super) fn add(&mut self, origin: Origin) -> OriginId {
        if let Some(at) = self.0.iter().position(|known| *known == origin) {
            return at;
        }
        self.0.push(origin);
        self.0.len() - 1
    }

    /// Returns the time of an origin.
    pub(super) fn time(&self, origin: OriginId) -> Option<i64> {
        self.0.get(origin).and_then(|origin| origin.captured_at)
    }

    /// Returns whether the time of an origin is after that of another one, if both have one.
    pub(super) fn is_later(&self, origin: OriginId, other: OriginId) -> bool {
        self.time(origin).zip(self.time(other)).is_some_and(|(time, other)| time > other)
    }
}

/// The origins of the values of a document: those of its evidence, and the document itself.
#[derive(Debug)]
pub(super) struct DocumentOrigins {
    /// The places that entries cover, with their origins and times.
    entries: Vec<(Vec<String>, OriginId, Option<i64>)>,
    /// The origin of all other values.
    document: OriginId,
}

impl DocumentOrigins {
    /// Reads the evidence of a document.
    pub(super) fn read(evidence: Option<&Node>, document: OriginId, origins: &mut Origins) -> Self {
        let elements = match evidence.map(|node| &node.value) {
            Some(Value::List(elements)) => &elements[..],
            _ => &[],
        };
        let text = |node: &Node, name: &str| node.get(name).and_then(Node::text).map(str::to_owned);
        let mut entries = Vec::new();
        for node in elements {
            let Some(covers) = text(node, COVERS) else { continue };
            let origin = origins.add(Origin {
                method: text(node, "method"),
                file: text(node, "file"),
                sha256: text(node, "sha256"),
                captured_at: text(node, "captured_at").and_then(|time| parse_datetime(&time).ok()),
                captured_by: text(node, "captured_by"),
                note: text(node, "note"),
            });
            entries.push((steps(&covers), origin, origins.time(origin)));
        }
        Self { entries, document }
    }

    /// Returns the origins of the value at a pointer: those of the deepest entries that cover it, the oldest first. A log
    /// has an entry for each of its exports.
    pub(super) fn all_of(&self, pointer: &str) -> (OriginId, Vec<OriginId>) {
        let at = steps(pointer);
        let covers = |covers: &[String]| {
            covers.len() <= at.len() && covers.iter().zip(&at).all(|(step, here)| step == "*" || step == here)
        };
        let covering = || self.entries.iter().filter(|(entry, ..)| covers(entry));
        let deepest = covering().map(|(entry, ..)| entry.len()).max();
        let mut found: Vec<_> = covering().filter(|(entry, ..)| Some(entry.len()) == deepest).collect();
        found.sort_by_key(|(.., time)| *time);
        let mut origins = found.into_iter().map(|(_, origin, _)| *origin);
        let oldest = origins.next().unwrap_or(self.document);
        (oldest, origins.filter(|origin| *origin != oldest).collect())
    }

    /// Returns the origin of the value at a pointer: the oldest of the deepest entries that cover it.
    pub(super) fn of(&self, pointer: &str) -> OriginId {
        self.all_of(pointer).0
    }

    /// Returns the entries below the elements of a list, by their places below an element.
    pub(super) fn below(&self, list: &str) -> Vec<(Vec<String>, OriginId)> {
        let at = steps(list);
        let inner = self.entries.iter().filter_map(|(entry, origin, _)| {
            let (above, below) = entry.split_at_checked(at.len() + 1)?;
            let is_it = above.iter().zip(&at).all(|(step, here)| step == "*" || step == here);
            let is_of_all = above.last().is_some_and(|step| step == "*");
            (is_it && is_of_all && !below.is_empty()).then(|| (below.to_vec(), *origin))
        });
        inner.collect()
    }

    /// Returns the entries of single elements of a list and of values in them, by the number of the element.
    pub(super) fn of_rows(&self, list: &str) -> HashMap<usize, Vec<(Vec<String>, OriginId)>> {
        let at = steps(list);
        let mut rows: HashMap<usize, Vec<(Vec<String>, OriginId)>> = HashMap::new();
        for (entry, origin, _) in &self.entries {
            let Some((above, below)) = entry.split_at_checked(at.len() + 1) else { continue };
            let is_it = above.iter().zip(&at).all(|(step, here)| step == "*" || step == here);
            let number = above.last().and_then(|step| step.parse::<usize>().ok());
            if let Some(number) = number.filter(|_| is_it) {
                rows.entry(number).or_default().push((below.to_vec(), *origin));
            }
        }
        rows
    }
}

fn steps(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(unescape).collect()
}

/// Returns the pointers of the root property `partial`.
pub(super) fn partial(root: &Node) -> Vec<String> {
    root.get("partial").map(names).unwrap_or_default()
}

/// Returns the first element of the root property `partial` that is not the pointer of a list of instances in the document.
pub(super) fn wrong_partial<'n>(model: &Model, root: &'n Node) -> Option<&'n Node> {
    let Value::List(pointers) = &root.get("partial")?.value else { return None };
    pointers.iter().find(|node| node.text().is_none_or(|pointer| !is_list(model, root, pointer)))
}

fn is_list(model: &Model, root: &Node, pointer: &str) -> bool {
    let Some(rest) = pointer.strip_prefix('/') else { return false };
    let (mut node, mut paths) = (Some(root), model.path_of.find(model.root).copied().flatten().into_iter().collect());
    let below = |paths: &Vec<PathId>, step: &str| -> Vec<PathId> {
        let trees = paths.iter().filter_map(|path| model.paths.find(*path));
        let child = |tree: &PathNode| tree.children.iter().find(|(name, _)| name == step).map(|(_, child)| *child);
        // An element of a list may be an instance of several types.
        trees
            .flat_map(|tree| if tree.each.is_empty() { child(tree).into_iter().collect() } else { tree.each.clone() })
            .collect()
    };
    for step in rest.split('/').map(unescape) {
        paths = below(&paths, &step);
        node = node.and_then(|node| match &node.value {
            Value::List(elements) => step.parse::<usize>().ok().and_then(|number| elements.get(number)),
            _ => node.get(&step),
        });
    }
    let mut each = paths.iter().filter_map(|path| model.paths.find(*path)).flat_map(|tree| &tree.each);
    let is_of_instances = each.any(|each| model.paths.find(*each).is_some_and(|node| node.ty.is_some()));
    is_of_instances && matches!(node.map(|node| &node.value), Some(Value::List(_) | Value::Object(_)))
}
