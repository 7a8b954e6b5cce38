//! The snapshot while it is assembled: values with their origins, and lists that are written row by row.

use super::conflict::{Rule, contradiction, given_twice, outdated, same};
use super::doubt::Misspelt;
use super::join::{List, Part};
use super::key::{Key, KeyOf};
use super::layout::{Lack, Spot};
use super::node::{Node, Property, Value};
use super::origin::{DocumentOrigins, OriginId, Origins};
use super::reports::Reports;
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::{Model, PathId, PathNode};
use crate::snapshot::uncaptured::UNCAPTURED;
use crate::source::pointer::Pointer;
use crate::source::{Place, Span, is_same_but_for_writing};
use crate::value::TypeId;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Names of instances in a note.
const LISTED: usize = 10;

/// A value of the snapshot.
#[derive(Debug)]
pub(super) enum Tree {
    /// A value from one source.
    Leaf(Leaf),
    /// An object whose properties may have several origins.
    Object(Vec<(String, Tree)>),
    /// A list of instances, each with properties of its own.
    Instances(Instances),
    /// A list of instances that is joined from rows.
    Rows(Box<List>),
    /// A value that a source states to be uncaptured.
    Uncaptured,
    /// A value that sources contradict.
    Contradicted,
}

/// A value from one source.
#[derive(Debug)]
pub(super) struct Leaf {
    pub node: Node,
    pub origin: OriginId,
    /// The pointers, from the value, of lists in it that have not all elements.
    pub partial: Vec<String>,
    /// The origins of single elements, by their numbers, if it is a list and they differ.
    pub elements: BTreeMap<usize, OriginId>,
}

/// A list of instances, each with properties of its own.
#[derive(Debug)]
pub(super) struct Instances {
    pub elements: Vec<Tree>,
    pub key: KeyOf,
    pub is_partial: bool,
    /// Whether a document may have more instances under a misspelt name.
    pub is_doubtful: bool,
}

/// The types of the snapshot that are not copied as they are.
#[derive(Debug)]
pub(super) struct Layout<'m> {
    pub model: &'m Model,
    /// Types whose instances have properties from several sources.
    pub containers: Vec<TypeId>,
    /// Types whose instances are rows.
    pub lists: Vec<TypeId>,
}

impl Layout<'_> {
    /// Returns the type in a list whose elements are at nodes of the tree of paths.
    fn type_at(&self, each: &[PathId], types: &[TypeId]) -> Option<TypeId> {
        let node = |ty: &TypeId| self.model.path_of.find(*ty).copied().flatten();
        types.iter().find(|ty| node(ty).is_some_and(|node| each.contains(&node))).copied()
    }
}

/// The state of a merge.
pub(super) struct Merge<'r> {
    pub rule: Rule,
    pub origins: &'r Origins,
    pub reports: &'r mut Reports,
    pub at: Pointer,
    pub model: &'r Model,
    /// The place in the layout, if the schema reads it.
    pub spot: Option<&'r Spot>,
}

impl<'r> Merge<'r> {
    /// Merges the parts at a step below.
    fn below(&mut self, step: &str, spot: Option<&'r Spot>, one: Tree, two: Tree) -> Tree {
        let (at, here) = (self.at.clone(), self.spot);
        self.at.push(step);
        self.spot = spot;
        let merged = one.merge(two, self);
        (self.at, self.spot) = (at, here);
        merged
    }

    /// Returns whether a value of another source takes the place of one here.
    fn replaces(&self, known: &Tree, other: &Tree) -> bool {
        match self.rule {
            Rule::Report | Rule::Newer => false,
            Rule::Replace => self.is_stated(other),
            Rule::Refresh => self.is_stated(other) && !known.is_newer(other, self),
        }
    }

    /// Returns whether a source states something here: a value, or `null` if the schema gives it a meaning.
    fn is_stated(&self, tree: &Tree) -> bool {
        match tree {
            Tree::Uncaptured => false,
            tree if tree.is_null() => self.spot.is_some_and(|spot| spot.null(self.model) == Lack::Known),
            _ => true,
        }
    }

    /// Returns the key of the elements, if a list of instances of one type is here, and one property is their key.
    fn key(&self) -> Option<KeyOf> {
        let ty = self.spot?.list_type()?;
        let declared = self.model.ty(ty);
        let element = self.model.path_of.find(ty).copied().flatten()?;
        let list = self.model.paths.find(self.model.paths.find(element)?.list?)?;
        let is_keyed = declared.key.is_some() && !declared.has_composite_key() && list.each.len() == 1;
        is_keyed.then(|| KeyOf::new(self.model, ty))
    }

    /// Reports the instances of the old snapshot that a document lacks, and that are kept.
    fn note_kept<'k>(&mut self, keys: impl Iterator<Item = Option<&'k Key>>) {
        let names: Vec<String> = keys.flatten().map(Key::to_string).collect();
        let shown = names.get(..LISTED).unwrap_or(&names).join(", ");
        let more = match names.len().saturating_sub(LISTED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        if !names.is_empty() {
            self.reports.note(format!("kept from the old snapshot in `{}`: {shown}{more}", self.at.as_str()));
        }
    }
}

impl Leaf {
    /// Puts the elements of a list that has not all of them in the place of those with their keys.
    fn with(mut self, other: Leaf, key: &KeyOf, merge: &mut Merge<'_>) -> Self {
        let (Value::List(elements), Value::List(others)) = (&mut self.node.value, other.node.value) else {
            return self;
        };
        let keys = |nodes: &[Node]| nodes.iter().map(|node| key.of_node(node)).collect::<Vec<_>>();
        let known = keys(elements);
        let pairs = paired(&known, &keys(&others));
        let mut is_kept = vec![true; elements.len()];
        let mut places = Vec::new();
        for (node, known) in others.into_iter().zip(pairs) {
            let is_free = |at: &usize| is_kept.get(*at).copied().unwrap_or_default();
            let known = known.filter(is_free);
            places.push(known.unwrap_or(elements.len()));
            match known.and_then(|at| Some((elements.get_mut(at)?, is_kept.get_mut(at)?))) {
                Some((element, is_kept)) => (*element, *is_kept) = (node, false),
                None => elements.push(node),
            }
        }
        let is_old = |at: usize| is_kept.get(at).copied().unwrap_or_default();
        self.partial.retain(|pointer| element_of(pointer).is_some_and(|(at, _)| is_old(at)));
        self.partial.extend(other.partial.iter().filter_map(|pointer| match element_of(pointer) {
            Some((at, below)) => Some(format!("/{}{below}", places.get(at)?)),
            None => Some(pointer.clone()),
        }));
        self.elements.retain(|at, _| is_old(*at));
        for (number, at) in places.into_iter().enumerate() {
            let origin = other.elements.get(&number).copied().unwrap_or(other.origin);
            if origin != self.origin {
                self.elements.insert(at, origin);
            }
        }
        merge.note_kept(known.iter().zip(&is_kept).filter(|(_, is_kept)| **is_kept).map(|(key, _)| key.as_ref()));
        self
    }
}

/// Returns the number of the element that a pointer from a list leads to, and the rest of the pointer.
fn element_of(pointer: &str) -> Option<(usize, &str)> {
    let steps = pointer.strip_prefix('/')?;
    let end = steps.find('/').unwrap_or(steps.len());
    let (number, below) = steps.split_at_checked(end)?;
    Some((number.parse().ok()?, below))
}

impl Tree {
    pub(super) fn leaf(node: Node, origin: OriginId) -> Self {
        Tree::Leaf(Leaf { node, origin, partial: Vec::new(), elements: BTreeMap::new() })
    }

    /// Returns a property of an object.
    pub(super) fn get(&self, name: &str) -> Option<&Tree> {
        match self {
            Tree::Object(properties) => properties.iter().find(|(known, _)| known == name).map(|(_, tree)| tree),
            _ => None,
        }
    }

    /// Returns the key of an instance, if it has one.
    pub(super) fn key(&self, key: &KeyOf) -> Option<Key> {
        key.find(|pointer| match pointer.iter().try_fold(self, |tree, step| tree.get(step))? {
            Tree::Leaf(leaf) => Some(&leaf.node.value),
            _ => None,
        })
    }

    /// Returns a property of an object, and makes it with `new` if there is none or it is `null`. `None` if this is not an
    /// object.
    pub(super) fn child(&mut self, name: &str, new: impl FnOnce() -> Tree) -> Option<&mut Tree> {
        let Tree::Object(properties) = self else { return None };
        let at = match properties.iter().position(|(known, _)| known == name) {
            Some(at) => at,
            None => {
                properties.push((name.to_owned(), Tree::Uncaptured));
                properties.len() - 1
            }
        };
        let (_, tree) = properties.get_mut(at)?;
        if tree.is_null() || matches!(tree, Tree::Uncaptured) {
            *tree = new();
        }
        Some(tree)
    }

    /// Returns a property of an object.
    pub(super) fn find(&mut self, name: &str) -> Option<&mut Tree> {
        match self {
            Tree::Object(properties) => properties.iter_mut().find(|(known, _)| known == name).map(|(_, tree)| tree),
            _ => None,
        }
    }

    /// Orders the parts of all lists.
    pub(super) fn arrange(&mut self, model: &Model) {
        match self {
            Tree::Object(properties) => properties.iter_mut().for_each(|(_, tree)| tree.arrange(model)),
            Tree::Instances(list) => list.elements.iter_mut().for_each(|tree| tree.arrange(model)),
            Tree::Rows(list) => {
                let is_keyed = model.ty(list.ty).key.is_some();
                list.arrange(is_keyed);
            }
            Tree::Leaf(_) | Tree::Uncaptured | Tree::Contradicted => {}
        }
    }

    /// Returns the origins of all values.
    pub(super) fn origins(&self) -> BTreeSet<OriginId> {
        match self {
            Tree::Leaf(leaf) => leaf.elements.values().copied().chain([leaf.origin]).collect(),
            Tree::Object(properties) => properties.iter().flat_map(|(_, tree)| tree.origins()).collect(),
            Tree::Instances(list) => list.elements.iter().flat_map(Tree::origins).collect(),
            Tree::Rows(list) => list.parts.iter().flat_map(Part::origins).collect(),
            Tree::Uncaptured | Tree::Contradicted => BTreeSet::new(),
        }
    }

    /// Returns an object with one value at a pointer.
    pub(super) fn at(pointer: &[String], value: Tree) -> Self {
        pointer.iter().rev().fold(value, |tree, step| Tree::Object(vec![(step.clone(), tree)]))
    }

    /// Returns the value at a place, if it is from one source and not `null`.
    pub(super) fn leaf_at(&self, place: &[String]) -> Option<&Leaf> {
        match place.iter().try_fold(self, |tree, step| tree.get(step))? {
            Tree::Leaf(leaf) if leaf.node.value != Value::Null => Some(leaf),
            _ => None,
        }
    }

    /// Removes the property at a place.
    pub(super) fn remove(&mut self, place: &[String]) {
        let (Tree::Object(properties), Some((first, rest))) = (self, place.split_first()) else { return };
        if rest.is_empty() {
            properties.retain(|(name, _)| name != first);
        } else if let Some((_, inner)) = properties.iter_mut().find(|(name, _)| name == first) {
            inner.remove(rest);
        }
    }

    /// Removes the properties whose names differ only in case or separators from those on the way to a place, if the object has these. A
    /// snapshot with both could not be read.
    fn remove_respelt(&mut self, place: &[String]) {
        let (Tree::Object(properties), Some((first, rest))) = (self, place.split_first()) else { return };
        let is_written = |tree: &Tree| !matches!(tree, Tree::Uncaptured | Tree::Contradicted);
        if !properties.iter().any(|(name, tree)| name == first && is_written(tree)) {
            return;
        }
        properties.retain(|(name, _)| name == first || !is_same_but_for_writing(name, first));
        if let Some((_, inner)) = properties.iter_mut().find(|(name, _)| name == first) {
            inner.remove_respelt(rest);
        }
    }

    /// Puts a value at a place, and makes the objects on the way.
    pub(super) fn put(&mut self, place: &[String], value: Tree) {
        let (Tree::Object(properties), Some((first, rest))) = (self, place.split_first()) else { return };
        match properties.iter_mut().find(|(name, _)| name == first) {
            Some((_, inner)) if !rest.is_empty() => inner.put(rest, value),
            Some((_, tree)) => *tree = value,
            None => properties.push((first.clone(), Tree::at(rest, value))),
        }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self, Tree::Leaf(Leaf { node: Node { value: Value::Null, .. }, .. }))
    }

    /// Returns the place of the first value in it.
    fn place(&self) -> Option<&Place> {
        match self {
            Tree::Leaf(leaf) => Some(&leaf.node.place),
            Tree::Object(properties) => properties.iter().find_map(|(_, tree)| tree.place()),
            Tree::Instances(list) => list.elements.iter().find_map(Tree::place),
            Tree::Rows(_) | Tree::Uncaptured | Tree::Contradicted => None,
        }
    }

    /// Returns the origin of the first value in it.
    fn origin(&self) -> Option<OriginId> {
        match self {
            Tree::Leaf(leaf) => Some(leaf.origin),
            Tree::Object(properties) => properties.iter().find_map(|(_, tree)| tree.origin()),
            Tree::Instances(list) => list.elements.iter().find_map(Tree::origin),
            Tree::Rows(list) => list.parts.first().map(|part| part.origin),
            Tree::Uncaptured | Tree::Contradicted => None,
        }
    }

    /// Merges a value of another source into this one.
    pub(super) fn merge(self, other: Tree, merge: &mut Merge<'_>) -> Tree {
        match (self, other) {
            (Tree::Object(mut properties), Tree::Object(others)) => {
                for (name, other) in others {
                    match properties.iter_mut().find(|(known, _)| *known == name) {
                        Some((_, known)) => {
                            let spot = merge.spot.and_then(|spot| spot.child(&name));
                            *known = merge.below(&name, spot, std::mem::replace(known, Tree::Uncaptured), other);
                        }
                        None => properties.push((name, other)),
                    }
                }
                Tree::Object(properties)
            }
            (Tree::Instances(list), Tree::Instances(other)) => Tree::Instances(list.merge(other, merge)),
            (Tree::Rows(mut list), Tree::Rows(other)) => {
                list.is_partial |= other.is_partial;
                list.parts.extend(other.parts);
                Tree::Rows(list)
            }
            (known, other) if merge.replaces(&known, &other) => known.replaced_by(other, merge),
            (Tree::Contradicted, _) | (_, Tree::Contradicted) => Tree::Contradicted,
            (Tree::Uncaptured, other) => other,
            (tree, Tree::Uncaptured) => tree,
            (tree, other) if tree.is_null() => other,
            (tree, other) if other.is_null() => tree,
            (Tree::Leaf(mut leaf), Tree::Leaf(other)) if same(&leaf.node, &other.node) => {
                leaf.partial.extend(other.partial);
                leaf.partial.sort();
                leaf.partial.dedup();
                Tree::Leaf(leaf)
            }
            (tree, other) => tree.contradict(other, merge),
        }
    }

    /// Returns the value of another source that replaces this one. A list that has not all elements replaces those that it has.
    fn replaced_by(self, other: Tree, merge: &mut Merge<'_>) -> Tree {
        let is_list = |leaf: &Leaf| matches!(leaf.node.value, Value::List(_));
        match (self, other) {
            (Tree::Leaf(known), Tree::Leaf(other)) if is_list(&known) && is_list(&other) => match merge.key() {
                Some(key) if other.partial.iter().any(String::is_empty) => Tree::Leaf(known.with(other, &key, merge)),
                _ => Tree::Leaf(other),
            },
            (_, other) => other,
        }
    }

    /// Returns whether something in a value is newer than another value from one source.
    fn is_newer(&self, other: &Tree, merge: &Merge<'_>) -> bool {
        let time = match other {
            Tree::Leaf(leaf) => merge.origins.time(leaf.origin),
            _ => None,
        };
        self.latest(merge).zip(time).is_some_and(|(known, new)| known > new)
    }

    /// Returns the time of the newest value in it.
    fn latest(&self, merge: &Merge<'_>) -> Option<i64> {
        self.origins().into_iter().filter_map(|origin| merge.origins.time(origin)).max()
    }

    /// Returns a list of objects as partial, if another list that it replaces may have further ones.
    fn without_others(mut self, other: &Tree) -> Tree {
        let objects = |tree: &Tree| match tree {
            Tree::Leaf(Leaf { node: Node { value: Value::List(elements), .. }, .. }) => {
                elements.iter().any(|element| matches!(element.value, Value::Object(_)))
            }
            _ => false,
        };
        let is_shorter = objects(other);
        if let Tree::Leaf(leaf) = &mut self
            && is_shorter
            && matches!(leaf.node.value, Value::List(_))
            && !leaf.partial.contains(&String::new())
        {
            leaf.partial.push(String::new());
        }
        self
    }

    fn contradict(self, other: Tree, merge: &mut Merge<'_>) -> Tree {
        if merge.rule == Rule::Refresh {
            let times = [&self, &other].map(|tree| tree.latest(merge));
            if let Some(place) = other.place() {
                merge.reports.report("outdated", place, || outdated(merge.at.as_str(), times, self.place(), place));
            }
            return Tree::Contradicted;
        }
        if merge.rule == Rule::Newer {
            let time = |tree: &Tree| tree.origin().and_then(|origin| merge.origins.time(origin));
            match (time(&self), time(&other)) {
                (Some(one), Some(two)) if one > two => return self.without_others(&other),
                (Some(one), Some(two)) if one < two => return other.without_others(&self),
                _ => {}
            }
        }
        merge.reports.push(contradiction(merge.at.as_str(), self.place(), other.place()));
        Tree::Contradicted
    }
}

impl Instances {
    /// Merges the instances of another source. With [`Rule::Replace`], instances that it lacks are kept.
    fn merge(mut self, other: Instances, merge: &mut Merge<'_>) -> Self {
        let mut kept: Vec<bool> = self.elements.iter().map(|_| true).collect();
        let keys = |elements: &[Tree]| elements.iter().map(|element| element.key(&self.key)).collect::<Vec<_>>();
        let (known_keys, keys) = (keys(&self.elements), keys(&other.elements));
        let pairs = paired(&known_keys, &keys);
        for (mut element, (key, known)) in other.elements.into_iter().zip(keys.iter().zip(pairs)) {
            let Some(at) = known else {
                self.elements.push(element);
                continue;
            };
            if let (Some(key), Some(Some(known))) = (key, known_keys.get(at))
                && matches!(merge.rule, Rule::Report | Rule::Newer)
                && !key.is_spelt_as(known)
            {
                // The first spelling is kept, as `check --join` does.
                element.remove(self.key.pointer_of(key));
            }
            if let Some(known) = self.elements.get_mut(at) {
                let spot = merge.spot.and_then(|spot| spot.each.as_deref());
                *known = merge.below(&at.to_string(), spot, std::mem::replace(known, Tree::Uncaptured), element);
            }
            kept.get_mut(at).into_iter().for_each(|kept| *kept = false);
        }
        if matches!(merge.rule, Rule::Replace | Rule::Refresh) {
            let only_old = known_keys.iter().zip(&kept).filter(|(_, kept)| **kept);
            merge.note_kept(only_old.map(|(key, _)| key.as_ref()));
        }
        self.is_partial &= other.is_partial;
        self.is_doubtful |= other.is_doubtful;
        self
    }
}

/// Returns, for each instance of another source, the place of the one with its key: of several with one key, the first. An instance
/// whose key is spelt in another way has its key if no other instance of either source has it.
fn paired(known: &[Option<Key>], others: &[Option<Key>]) -> Vec<Option<usize>> {
    let (mut written, mut places) = (HashMap::new(), HashMap::<&Key, Option<usize>>::new());
    for (at, key) in known.iter().enumerate() {
        let Some(key) = key else { continue };
        written.entry(key.spelling()).or_insert(at);
        places.entry(key).and_modify(|place| *place = None).or_insert(Some(at));
    }
    let mut is_only: HashMap<&Key, (&Key, bool)> = HashMap::new();
    for key in others.iter().flatten() {
        let (first, is_only) = is_only.entry(key).or_insert((key, true));
        *is_only &= first.is_spelt_as(key);
    }
    let place = |key: &Key| {
        let respelt = || places.get(key).copied().flatten().filter(|_| is_only.get(key).is_some_and(|(_, only)| *only));
        written.get(&key.spelling()).copied().or_else(respelt)
    };
    others.iter().map(|key| place(key.as_ref()?)).collect()
}

/// A document that is read into a tree.
pub(super) struct DocumentReader<'r> {
    pub layout: &'r Layout<'r>,
    pub origins: &'r DocumentOrigins,
    /// The pointers of partial lists in the document.
    pub partial: &'r [String],
    /// Whether it is the old snapshot.
    pub is_old: bool,
    /// The name, the time and the role of its rows.
    pub part: &'r dyn Fn(Vec<Node>, &str) -> Part,
    pub reports: &'r mut Reports,
    /// Whether everything that the document states is in the tree.
    pub is_whole: bool,
}

impl DocumentReader<'_> {
    /// Reads a value at a place of the snapshot.
    pub(super) fn tree(&mut self, node: Node, path: Option<PathId>, at: &Pointer) -> Tree {
        let paths = &self.layout.model.paths;
        let path = path.and_then(|path| paths.find(path));
        let ty = path.and_then(|path| path.ty).filter(|_| !self.is_old);
        let misspelt = ty.map(|ty| Misspelt::of(self.layout.model, ty, &node)).unwrap_or_default();
        match node.value {
            // It may be an error in place of an instance, and then nothing is known of the list.
            Value::Object(properties) if path.is_some_and(|path| self.is_no_map(path, &properties)) => {
                Tree::Contradicted
            }
            Value::Object(properties) => {
                let child =
                    |name: &str| path?.children.iter().find(|(known, _)| known == name).map(|(_, child)| *child);
                let mut read: Vec<(String, Tree)> = Vec::new();
                let mut uncaptured = Vec::new();
                for Property { name, node, place } in properties {
                    if name == UNCAPTURED {
                        // The place of a name is that of its value if the value was refused as a secret.
                        let Value::List(names) = &node.value else { continue };
                        let names = names.iter().filter_map(|name| Some((name.text()?, &name.place)));
                        uncaptured.extend(names.map(|(name, place)| (name.to_owned(), self.reports.hides(place))));
                        continue;
                    }
                    let tree = self.tree(node, child(&name), &at.join([&name]));
                    match read.iter_mut().find(|(known, _)| *known == name) {
                        None => read.push((name, tree)),
                        Some((_, twice)) => {
                            self.reports.push(given_twice(at.join([&name]).as_str(), &place));
                            *twice = Tree::Contradicted;
                        }
                    }
                }
                // The values that the list names are not captured, whatever they are.
                for (name, is_refused) in uncaptured {
                    read.retain(|(known, _)| *known != name);
                    let list = || child(&name).and_then(|path| paths.find(path));
                    let unknown = match is_refused {
                        true => list().map_or(Tree::Contradicted, |list| self.doubtful_list(list)),
                        false => Tree::Uncaptured,
                    };
                    read.push((name, unknown));
                }
                let mut object = Tree::Object(read);
                misspelt.values.iter().for_each(|place| object.put(place, Tree::Contradicted));
                for place in &misspelt.lists {
                    let list = path.and_then(|path| {
                        let step = |path: &'_ PathNode, step: &String| {
                            let child = path.children.iter().find(|(known, _)| known == step).map(|(_, child)| *child);
                            child.and_then(|child| paths.find(child))
                        };
                        place.iter().try_fold(path, step)
                    });
                    list.into_iter().for_each(|list| object.put(place, self.doubtful_list(list)));
                }
                misspelt.values.iter().chain(&misspelt.lists).for_each(|place| object.remove_respelt(place));
                object
            }
            Value::List(elements) => {
                let each = path.map_or(&[][..], |path| &path.each);
                let is_partial = self.partial.iter().any(|pointer| pointer == at.as_str());
                let layout = self.layout;
                if let Some(ty) = layout.type_at(each, &layout.lists) {
                    self.refuse_partial_below(&node.place, at);
                    let part = (self.part)(elements, at.as_str());
                    return Tree::Rows(Box::new(List { ty, parts: vec![part], is_partial, replaced: Vec::new() }));
                }
                if let Some(ty) = layout.type_at(each, &layout.containers) {
                    let each = layout.model.path_of.find(ty).copied().flatten();
                    let elements = elements.into_iter().enumerate();
                    let elements = elements.map(|(n, node)| self.tree(node, each, &at.join([n.to_string()]))).collect();
                    let key = KeyOf::new(layout.model, ty);
                    return Tree::Instances(Instances { elements, key, is_partial, is_doubtful: false });
                }
                let inner = self.partial.iter().filter_map(|pointer| pointer.strip_prefix(at.as_str()));
                let inner = inner.filter(|below| below.is_empty() || below.starts_with('/'));
                let partial = inner.map(str::to_owned).collect();
                let count = elements.len();
                let numbers = self.origins.of_rows(at.as_str()).into_keys().filter(|number| *number < count);
                let node = Node { place: node.place, value: Value::List(elements) };
                let origin = self.origins.of(at.as_str());
                let of_elements =
                    numbers.map(|number| (number, self.origins.of(at.join([number.to_string()]).as_str())));
                let elements = of_elements.filter(|(_, of_element)| *of_element != origin).collect();
                Tree::Leaf(Leaf { node, origin, partial, elements })
            }
            value => {
                let node = Node { place: node.place, value };
                Tree::leaf(node, self.origins.of(at.as_str()))
            }
        }
    }

    /// Returns whether an object in place of a list is not a map of instances: one of its objects cannot be an instance.
    fn is_no_map(&self, list: &PathNode, properties: &[Property]) -> bool {
        let model = self.layout.model;
        let types = || list.each.iter().filter_map(|each| Some((*each, model.paths.find(*each)?.ty?)));
        let is_foreign = |property: &Property| match &property.node.value {
            Value::Object(inner) => !types().any(|(each, ty)| {
                model.has_declared(each, ty, |wanted| inner.iter().any(|property| wanted(&property.name)))
            }),
            _ => false,
        };
        let is_list = types().next().is_some() && !types().any(|(_, ty)| model.ty(ty).one_or_many);
        is_list && properties.iter().any(is_foreign)
    }

    /// Returns a list whose name is misspelt: it may have more instances than other sources have.
    fn doubtful_list(&self, list: &PathNode) -> Tree {
        let layout = self.layout;
        if let Some(ty) = layout.type_at(&list.each, &layout.lists) {
            return Tree::Rows(Box::new(List { ty, parts: Vec::new(), is_partial: true, replaced: Vec::new() }));
        }
        match layout.type_at(&list.each, &layout.containers) {
            Some(ty) => {
                let key = KeyOf::new(layout.model, ty);
                Tree::Instances(Instances { elements: Vec::new(), key, is_partial: true, is_doubtful: true })
            }
            None => Tree::Contradicted,
        }
    }

    /// Reports partial lists in the instances of a list that is joined, because the instances have other indexes then.
    fn refuse_partial_below(&mut self, place: &Place, at: &Pointer) {
        let is_below = |pointer: &&String| pointer.strip_prefix(at.as_str()).is_some_and(|rest| rest.starts_with('/'));
        if let Some(pointer) = self.partial.iter().find(is_below) {
            let message = format!("`{pointer}` of `partial` is in a list that other files complete");
            let error = Diagnostic::error(Code::CaptureConflict, message);
            let error = error.label(&place.source, Span::new(place.span.start, place.span.start + 1), "this list");
            self.reports.push(error.help(format!("name the whole list `{at}` in `partial`")));
            self.is_whole = false;
        }
    }
}
