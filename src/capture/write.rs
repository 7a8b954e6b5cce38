//! The snapshot as JSON. It is written while its lists are joined.

use super::Settings;
use super::conflict::Rule;
use super::description::Feed;
use super::join::{Joining, List, steps};
use super::key::KeyOf;
use super::node::{Node, Value};
use super::optional::captured_places;
use super::origin::{OriginId, Origins};
use super::reports::Reports;
use super::tree::{Leaf, Tree};
use crate::schema::Model;
use crate::source::Place;
use crate::source::derived::Trace;
use crate::source::pointer::Pointer;
use std::io::{self, Write};

/// The number of characters of a container on one line.
const LINE: usize = 100;

/// Entries of the evidence for single instances.
const MAX_ENTRIES: usize = 1_000;

/// An output that may record the places that values come from.
pub(super) struct Traced<'w> {
    pub out: &'w mut dyn Write,
    /// The number of bytes that were written.
    pub at: usize,
    pub trace: Option<&'w mut Trace>,
}

impl Traced<'_> {
    /// Writes a value that comes from a place.
    fn value(&mut self, place: &Place, write: impl FnOnce(&mut Self) -> io::Result<()>) -> io::Result<()> {
        if let Some(trace) = &mut self.trace {
            trace.begin(self.at, place);
        }
        write(self)?;
        if let Some(trace) = &mut self.trace {
            trace.end(self.at);
        }
        Ok(())
    }
}

impl Write for Traced<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.at += written;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A writer of a snapshot.
pub(super) struct Writer<'w> {
    pub out: Traced<'w>,
    pub model: &'w Model,
    pub origins: &'w Origins,
    pub settings: &'w Settings,
    pub feeds: &'w [Feed],
    /// Properties of which the latest time counts.
    pub latest: &'w [Vec<String>],
    pub reports: &'w mut Reports,
    /// The pointers of partial lists.
    pub partial: Vec<String>,
    /// The entries of the evidence.
    pub evidence: Vec<String>,
    /// Values of single instances that have another origin than in other instances.
    pub of_instances: Vec<(String, OriginId)>,
}

impl Writer<'_> {
    /// Writes the properties of an object, and returns whether there was one.
    pub(super) fn properties(&mut self, properties: &[(String, Tree)], at: &Pointer, depth: usize) -> io::Result<bool> {
        let mut is_first = true;
        let mut unknown: Vec<&str> = Vec::new();
        for (name, tree) in properties {
            if matches!(tree, Tree::Uncaptured | Tree::Contradicted) {
                unknown.push(name);
                continue;
            }
            self.separate(&mut is_first, depth)?;
            text(name, &mut self.out)?;
            self.out.write_all(b": ")?;
            self.tree(tree, &at.join([name]), depth)?;
        }
        if !unknown.is_empty() {
            self.separate(&mut is_first, depth)?;
            let names: Vec<String> = unknown.iter().map(|name| serde_json::json!(name).to_string()).collect();
            write!(self.out, "\"uncaptured\": [{}]", names.join(", "))?;
        }
        Ok(!is_first)
    }

    fn tree(&mut self, tree: &Tree, at: &Pointer, depth: usize) -> io::Result<()> {
        match tree {
            Tree::Leaf(Leaf { node, partial, .. }) => {
                self.partial.extend(partial.iter().map(|below| format!("{}{below}", at.as_str())));
                self.node(node, depth)
            }
            Tree::Object(_) if tree_width(tree, LINE).is_some() => tree_line(tree, &mut self.out),
            Tree::Object(properties) => {
                self.out.write_all(b"{")?;
                let has_some = self.properties(properties, at, depth + 1)?;
                self.close(b"}", has_some, depth)
            }
            Tree::Instances(list) => {
                if list.is_partial || list.is_doubtful {
                    self.partial.push(at.as_str().to_owned());
                }
                self.out.write_all(b"[")?;
                let mut is_first = true;
                for (number, element) in list.elements.iter().enumerate() {
                    self.separate(&mut is_first, depth + 1)?;
                    self.tree(element, &at.join([number.to_string()]), depth + 1)?;
                }
                self.close(b"]", !is_first, depth)
            }
            Tree::Rows(list) => self.rows(list, at, depth),
            Tree::Uncaptured | Tree::Contradicted => self.out.write_all(b"null"),
        }
    }

    fn rows(&mut self, list: &List, at: &Pointer, depth: usize) -> io::Result<()> {
        let key = KeyOf::new(self.model, list.ty);
        let columns = list.columns(&key.pointer);
        let rule = if self.settings.prefer_newer { Rule::Newer } else { Rule::Report };
        let joining = Joining {
            model: self.model,
            ty: list.ty,
            key: &key,
            is_keyed: self.model.ty(list.ty).key.is_some(),
            dates: &self.settings.dates,
            rule,
            origins: self.origins,
            latest: self.latest,
            columns: &columns,
            optional: &captured_places(self.model, self.feeds, list.ty),
        };
        let joined = list.join(&joining, self.reports);
        if joined.is_partial {
            self.partial.push(at.as_str().to_owned());
        }
        self.out.write_all(b"[")?;
        let mut is_first = true;
        for number in 0..joined.len() {
            let here = at.join([number.to_string()]);
            let Some(joint) = list.instance(&joined, number, &joining, self.reports, &here) else { continue };
            self.separate(&mut is_first, depth + 1)?;
            write_line(&joint.node, &mut self.out)?;
            let room = MAX_ENTRIES.saturating_sub(self.of_instances.len());
            let origins = joint.origins.into_iter().take(room);
            self.of_instances
                .extend(origins.map(|(place, origin)| (format!("{}{}", here.as_str(), steps(&place)), origin)));
        }
        self.close(b"]", !is_first, depth)
    }

    /// Writes the lists about the snapshot itself: partial lists, and the evidence.
    pub(super) fn lists(&mut self, evidence: Option<&str>) -> io::Result<()> {
        let partial: Vec<String> = self.partial.iter().map(|it| serde_json::json!(it).to_string()).collect();
        for (covers, origin) in std::mem::take(&mut self.of_instances) {
            self.entry(origin, &covers);
        }
        let entries = std::mem::take(&mut self.evidence);
        let evidence = evidence.map(|name| (name, entries));
        let lists = (!partial.is_empty()).then_some(("partial", partial)).into_iter().chain(evidence);
        for (name, elements) in lists {
            self.out.write_all(b",")?;
            self.indent(1)?;
            text(name, &mut self.out)?;
            self.out.write_all(b": [")?;
            let mut is_first = true;
            for element in &elements {
                self.separate(&mut is_first, 2)?;
                self.out.write_all(element.as_bytes())?;
            }
            self.close(b"]", !is_first, 1)?;
        }
        Ok(())
    }

    fn node(&mut self, node: &Node, depth: usize) -> io::Result<()> {
        let is_short = width(node, LINE).is_some();
        match &node.value {
            Value::List(_) | Value::Object(_) if !is_short => {
                self.begin(&node.place);
                self.long(node, depth)?;
                self.end();
                Ok(())
            }
            _ => write_line(node, &mut self.out),
        }
    }

    /// Writes a value on several lines.
    fn long(&mut self, node: &Node, depth: usize) -> io::Result<()> {
        match &node.value {
            Value::List(elements) => {
                self.out.write_all(b"[")?;
                let mut is_first = true;
                for element in elements {
                    self.separate(&mut is_first, depth + 1)?;
                    self.node(element, depth + 1)?;
                }
                self.close(b"]", !is_first, depth)
            }
            Value::Object(properties) => {
                self.out.write_all(b"{")?;
                let mut is_first = true;
                for property in properties {
                    self.separate(&mut is_first, depth + 1)?;
                    self.out.value(&property.place, |out| text(&property.name, out))?;
                    self.out.write_all(b": ")?;
                    self.node(&property.node, depth + 1)?;
                }
                self.close(b"}", !is_first, depth)
            }
            _ => write_line(node, &mut self.out),
        }
    }

    pub(super) fn separate(&mut self, is_first: &mut bool, depth: usize) -> io::Result<()> {
        if !*is_first {
            self.out.write_all(b",")?;
        }
        *is_first = false;
        self.indent(depth)
    }

    fn close(&mut self, bracket: &[u8], has_some: bool, depth: usize) -> io::Result<()> {
        if has_some {
            self.indent(depth)?;
        }
        self.out.write_all(bracket)
    }

    fn indent(&mut self, depth: usize) -> io::Result<()> {
        write!(self.out, "\n{:1$}", "", depth * 2)
    }

    fn begin(&mut self, place: &Place) {
        if let Some(trace) = &mut self.out.trace {
            trace.begin(self.out.at, place);
        }
    }

    fn end(&mut self) {
        if let Some(trace) = &mut self.out.trace {
            trace.end(self.out.at);
        }
    }

    /// Collects the evidence of a value whose enclosing value has the origin `around`.
    pub(super) fn collect(&mut self, tree: &Tree, at: &Pointer, around: Option<OriginId>) {
        if let Some(origin) = uniform(tree) {
            if around != Some(origin) {
                self.entry(origin, at.as_str());
            }
            return;
        }
        match tree {
            Tree::Object(properties) => {
                for (name, tree) in properties {
                    self.collect(tree, &at.join([name]), around);
                }
            }
            Tree::Instances(list) => {
                for (number, element) in list.elements.iter().enumerate() {
                    self.collect(element, &at.join([number.to_string()]), around);
                }
            }
            Tree::Rows(list) => {
                let key = KeyOf::new(self.model, list.ty).pointer;
                let is_keyed = self.model.ty(list.ty).key.is_some();
                for (place, origin) in list.evidence(&key, is_keyed) {
                    if !place.is_empty() || around != Some(origin) {
                        self.entry(origin, &format!("{}{place}", at.as_str()));
                    }
                }
            }
            Tree::Leaf(leaf) => {
                if around != Some(leaf.origin) {
                    self.entry(leaf.origin, at.as_str());
                }
                for (number, origin) in leaf.elements.iter().take(MAX_ENTRIES) {
                    self.entry(*origin, at.join([number.to_string()]).as_str());
                }
            }
            Tree::Uncaptured | Tree::Contradicted => {}
        }
    }

    fn entry(&mut self, origin: OriginId, covers: &str) {
        if let Some(origin) = self.origins.0.get(origin) {
            self.evidence.push(origin.entry(covers));
        }
    }
}

/// Returns the origin of all values in a tree, if they have one.
fn uniform(tree: &Tree) -> Option<OriginId> {
    let all = |trees: &mut dyn Iterator<Item = &Tree>| {
        let mut origin = None;
        for tree in trees.filter(|tree| !matches!(tree, Tree::Uncaptured | Tree::Contradicted)) {
            let here = uniform(tree)?;
            if origin.is_some_and(|origin| origin != here) {
                return None;
            }
            origin = Some(here);
        }
        origin
    };
    match tree {
        Tree::Leaf(leaf) => leaf.elements.is_empty().then_some(leaf.origin),
        Tree::Object(properties) => all(&mut properties.iter().map(|(_, tree)| tree)),
        Tree::Instances(list) => all(&mut list.elements.iter()),
        Tree::Rows(list) => match &list.parts[..] {
            [only] if only.is_uniform() => Some(only.origin),
            _ => None,
        },
        Tree::Uncaptured | Tree::Contradicted => None,
    }
}

/// Returns the number of characters of a value on one line, if it is at most `most`.
fn width(node: &Node, most: usize) -> Option<usize> {
    let width = match &node.value {
        Value::Null | Value::Bool(_) => 5,
        Value::Number(number) => number.len(),
        Value::Text(text) => text.len() + 2,
        Value::List(elements) => {
            elements.iter().try_fold(2, |sum, element| sum_of(sum, width(element, most)?, most))?
        }
        Value::Object(properties) => properties
            .iter()
            .try_fold(4, |sum, property| sum_of(sum, width(&property.node, most)? + property.name.len() + 4, most))?,
    };
    (width <= most).then_some(width)
}

/// Returns the number of characters of a value on one line, if it is at most `most` and has no lists of instances.
fn tree_width(tree: &Tree, most: usize) -> Option<usize> {
    match tree {
        Tree::Leaf(leaf) if leaf.partial.is_empty() => width(&leaf.node, most),
        Tree::Object(properties) => properties
            .iter()
            .try_fold(4, |sum, (name, tree)| sum_of(sum, tree_width(tree, most)? + name.len() + 4, most)),
        _ => None,
    }
}

/// Writes a value without lists of instances on one line.
fn tree_line(tree: &Tree, out: &mut Traced<'_>) -> io::Result<()> {
    match tree {
        Tree::Leaf(leaf) => write_line(&leaf.node, out),
        Tree::Object(properties) => {
            for (number, (name, tree)) in properties.iter().enumerate() {
                out.write_all(if number == 0 { b"{ " } else { b", " })?;
                text(name, out)?;
                out.write_all(b": ")?;
                tree_line(tree, out)?;
            }
            out.write_all(if properties.is_empty() { b"{}" } else { b" }" })
        }
        _ => out.write_all(b"null"),
    }
}

fn sum_of(sum: usize, part: usize, most: usize) -> Option<usize> {
    Some(sum + part + 2).filter(|sum| *sum <= most)
}

fn text(text: &str, out: &mut Traced<'_>) -> io::Result<()> {
    serde_json::to_writer(out, text).map_err(io::Error::from)
}

/// Writes a value on one line.
fn write_line(node: &Node, out: &mut Traced<'_>) -> io::Result<()> {
    out.value(&node.place, |out| match &node.value {
        Value::Null => out.write_all(b"null"),
        Value::Bool(truth) => write!(out, "{truth}"),
        Value::Number(number) => out.write_all(number.as_bytes()),
        Value::Text(value) => text(value, out),
        Value::List(elements) => {
            out.write_all(b"[")?;
            for (number, element) in elements.iter().enumerate() {
                if number > 0 {
                    out.write_all(b", ")?;
                }
                write_line(element, out)?;
            }
            out.write_all(b"]")
        }
        Value::Object(properties) if properties.is_empty() => out.write_all(b"{}"),
        Value::Object(properties) => {
            for (number, property) in properties.iter().enumerate() {
                out.write_all(if number == 0 { b"{ " } else { b", " })?;
                out.value(&property.place, |out| text(&property.name, out))?;
                out.write_all(b": ")?;
                write_line(&property.node, out)?;
            }
            out.write_all(b" }")
        }
    })
}
