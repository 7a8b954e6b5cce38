//! Drift: the places of two shapes that differ, with the attributes and checks that a change affects.

use super::coverage::kind_name;
use super::declared::{Declared, Node, attribute};
use super::{At, at};
use crate::infer::{Place, Seen, is_secret};
use crate::pack::Pack;
use crate::schema::Ty;
use crate::source::Source;
use crate::source::json::Kind;
use crate::source::pointer::{Pattern, Step};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

/// The kind of a change. The order is that of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// The place is not there any more.
    Removed,
    /// The values have another JSON type, or another type of numbers.
    Retyped,
    /// The texts do not have the format that they had.
    Reformatted,
    /// The ids of a list are missing, or not unique.
    LostKey,
    /// Some values are missing or `null`.
    BecameOptional,
    /// There are other words.
    NewWords,
    /// The place is new.
    Added,
    /// Each value is there.
    BecameRequired,
}

impl ChangeKind {
    /// All kinds in order.
    pub const ALL: [Self; 8] = [
        Self::Removed,
        Self::Retyped,
        Self::Reformatted,
        Self::LostKey,
        Self::BecameOptional,
        Self::NewWords,
        Self::Added,
        Self::BecameRequired,
    ];

    /// Returns the heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Removed => "Removed",
            Self::Retyped => "Another type",
            Self::Reformatted => "Another format",
            Self::LostKey => "Lost ids",
            Self::BecameOptional => "Sometimes missing or null",
            Self::NewWords => "New words",
            Self::Added => "Added",
            Self::BecameRequired => "Always there",
        }
    }
}

/// A difference between two shapes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Its kind.
    pub kind: ChangeKind,
    /// The place, where `*` is every element.
    pub place: String,
    /// The old state in words.
    pub old: Option<String>,
    /// The new state in words.
    pub new: Option<String>,
    /// The first value in the older snapshots.
    pub old_at: Option<At>,
    /// The first value that shows the change in the snapshots.
    pub new_at: Option<At>,
    /// The attributes and types that the schema reads from this place, or below a place that is removed or retyped.
    pub declared: Vec<String>,
    /// The checks that read them, directly or through derived attributes.
    pub checks: Vec<String>,
}

/// Two shapes with their documents.
#[derive(Clone, Copy)]
pub(super) struct Sides<'s> {
    pub old: (&'s Place, &'s [Arc<Source>]),
    pub new: (&'s Place, &'s [Arc<Source>]),
}

/// Returns the differences of two shapes, by kind and place.
pub(super) fn changes(pack: &Pack, declared: &Declared, sides: Sides<'_>) -> Vec<Change> {
    let mut comparison = Comparison { pack, declared, sides, found: Vec::new() };
    let (old, new) = (sides.old.0, sides.new.0);
    comparison.both(old, new, Some(declared.root()), &mut Pattern::default());
    let mut found = comparison.found;
    found.sort_by(|a, b| (a.kind, &a.place).cmp(&(b.kind, &b.place)));
    found
}

struct Comparison<'c> {
    pack: &'c Pack,
    declared: &'c Declared,
    sides: Sides<'c>,
    found: Vec<Change>,
}

/// The part of a schema that a change affects.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// The attributes at a place.
    Here,
    /// Also everything below.
    Below,
}

impl Comparison<'_> {
    fn add(
        &mut self,
        kind: ChangeKind,
        path: &Pattern,
        (node, reach): (Option<&Node>, Reach),
        (old, new): (Option<String>, Option<String>),
        (old_at, new_at): (Option<Seen>, Option<Seen>),
    ) {
        let (mut declared, mut checks) = (Vec::new(), BTreeSet::new());
        if let Some(node) = node {
            self.names(node, reach, &mut declared);
            match reach {
                Reach::Below => self.declared.checks_below(node, &mut checks),
                Reach::Here => {
                    checks.extend(node.slots.iter().flat_map(|slot| self.declared.checks_of(*slot)));
                    checks.extend(node.instances().flat_map(|ty| self.declared.checks_of_type(ty)));
                }
            }
        }
        let (old_at, new_at) = (at(self.sides.old.1, old_at), at(self.sides.new.1, new_at));
        let (place, checks) = (path.to_text(), checks.into_iter().collect());
        self.found.push(Change { kind, place, old, new, old_at, new_at, declared, checks });
    }

    fn names(&self, node: &Node, reach: Reach, found: &mut Vec<String>) {
        let model = self.pack.model();
        found.extend(node.slots.iter().map(|slot| attribute(model, *slot)));
        if reach == Reach::Here {
            found.extend(node.instances().map(|ty| model.short_name(ty).to_owned()));
        } else {
            found.extend(node.types.iter().map(|ty| model.short_name(*ty).to_owned()));
        }
        if reach == Reach::Below {
            node.below.values().for_each(|below| self.names(below, reach, found));
        }
    }

    /// Compares a place that both shapes have.
    fn both(&mut self, old: &Place, new: &Place, node: Option<&Node>, path: &mut Pattern) {
        let kinds = |place: &Place| place.present().into_iter().map(|(kind, _)| kind).collect::<Vec<Kind>>();
        let (was, is) = (kinds(old), kinds(new));
        if !was.is_empty() && !is.is_empty() && was != is {
            let words = (Some(in_words(old, &was)), Some(in_words(new, &is)));
            // Objects and lists that both have are compared below.
            self.add(ChangeKind::Retyped, path, (node, Reach::Below), words, (old.first, new.first));
        } else if !was.is_empty() && !is.is_empty() {
            self.values(old, new, node, path);
        }
        self.properties(old, new, node, path);
        if let (Some(old), Some(new)) = (old.each.as_deref(), new.each.as_deref()) {
            let below = node.and_then(Node::each);
            path.0.push(Step::Each);
            self.ids(old, new, below, path);
            self.both(old, new, below, path);
            path.0.pop();
        }
    }

    /// Compares the texts and numbers of a place.
    fn values(&mut self, old: &Place, new: &Place, node: Option<&Node>, path: &Pattern) {
        let here = (node, Reach::Here);
        if old.count(Kind::Number) > 0 && old.numbers.ty() != new.numbers.ty() {
            let words = |place: &Place| Some(place.numbers.ty().unwrap_or("number").to_owned());
            self.add(ChangeKind::Retyped, path, here, (words(old), words(new)), (old.first, new.first));
        }
        let (was, is) = (old.texts.format(), new.texts.format());
        if let Some(was) = was.filter(|was| Some(*was) != is) {
            let words = (Some(was.name().to_owned()), Some(is.map_or("text", |is| is.name()).to_owned()));
            self.add(ChangeKind::Reformatted, path, here, words, (old.first, new.first));
        }
        let name = match path.0.iter().rev().find(|step| **step != Step::Each) {
            Some(Step::Property(name)) => name.as_str(),
            _ => "",
        };
        let is_secret = node.is_some_and(|node| node.is_secret) || is_secret(name, old) || is_secret(name, new);
        let is_closed = self.is_enumerated(node) || old.texts.is_vocabulary() && new.texts.is_vocabulary();
        if is_closed && !is_secret && !old.texts.more {
            let words = new.texts.words.keys().filter(|word| !old.texts.words.contains_key(*word));
            let words: Vec<&str> = words.map(SmolStr::as_str).collect();
            if !words.is_empty() {
                let known: Vec<&str> = old.texts.words.keys().map(SmolStr::as_str).collect();
                let words = (Some(known.join(", ")), Some(words.join(", ")));
                self.add(ChangeKind::NewWords, path, here, words, (old.first, new.first));
            }
        }
    }

    /// Returns whether a schema reads words of an enumerated type at a place.
    fn is_enumerated(&self, node: Option<&Node>) -> bool {
        let model = self.pack.model();
        let of_type = |ty: &Ty| matches!(ty, Ty::Entity(target) if model.ty(*target).choices().is_some());
        let slots = node.into_iter().flat_map(|node| &node.slots);
        slots.into_iter().any(|(ty, slot)| match &model.ty(*ty).slot(*slot).ty {
            Ty::Set(element) => of_type(element),
            ty => of_type(ty),
        })
    }

    /// Compares the properties of objects.
    fn properties(&mut self, old: &Place, new: &Place, node: Option<&Node>, path: &mut Pattern) {
        let mut names: Vec<&SmolStr> = old.children.iter().chain(&new.children).map(|(name, _)| name).collect();
        let mut seen = HashSet::new();
        names.retain(|name| seen.insert(name.as_str()));
        for name in names {
            if node.is_some_and(|node| node.is_statement(path, name)) {
                continue;
            }
            let below = node.filter(|node| !node.is_whole).and_then(|node| node.property(name));
            path.0.push(Step::Property(name.to_string()));
            match (old.child(name), new.child(name)) {
                (Some(was), Some(is)) => {
                    self.presence((old, was), (new, is), below, path);
                    self.both(was, is, below, path);
                }
                (Some(was), None) if new.count(Kind::Object) > 0 => {
                    let words = (Some(in_words(was, &[])), None);
                    let seen = (was.first.or(was.first_null), new.first);
                    self.add(ChangeKind::Removed, path, (below, Reach::Below), words, seen);
                }
                (None, Some(is)) if old.count(Kind::Object) > 0 => {
                    let words = (None, Some(in_words(is, &[])));
                    let seen = (old.first, is.first.or(is.first_null));
                    self.add(ChangeKind::Added, path, (below, Reach::Below), words, seen);
                }
                _ => {}
            }
            path.0.pop();
        }
    }

    /// Compares whether a property is always there.
    fn presence(
        &mut self,
        (old_around, old): (&Place, &Place),
        (new_around, new): (&Place, &Place),
        node: Option<&Node>,
        path: &Pattern,
    ) {
        let Some(Step::Property(name)) = path.0.last() else { return };
        let words = |around: &Place, place: &Place| {
            let present = place.total() - place.count(Kind::Null);
            Some(format!("in {present} of {}", around.count(Kind::Object)))
        };
        let kind = match (old_around.is_optional(name), new_around.is_optional(name)) {
            (false, true) => ChangeKind::BecameOptional,
            (true, false) => ChangeKind::BecameRequired,
            _ => return,
        };
        let words = (words(old_around, old), words(new_around, new));
        let seen = (old.first, new.first_null.filter(|_| kind == ChangeKind::BecameOptional).or(new.first));
        self.add(kind, path, (node, Reach::Here), words, seen);
    }

    /// Compares the ids of the elements of lists.
    fn ids(&mut self, old: &Place, new: &Place, node: Option<&Node>, path: &mut Pattern) {
        // An id of several properties is not followed.
        let mut keys: Vec<&[String]> =
            node.into_iter().flat_map(|node| &node.types).flat_map(|ty| self.pack.model().ty(*ty).keys()).collect();
        keys.dedup();
        let [[name]] = keys[..] else { return };
        let is_id = |each: &Place| each.child(name).is_some_and(|child| !child.repeats) && !each.is_optional(name);
        if !is_id(old) || new.count(Kind::Object) == 0 || is_id(new) {
            return;
        }
        let state = if new.is_optional(name) { "missing in an element" } else { "not unique in a list" };
        let seen = (old.first, new.first);
        path.0.push(Step::Property(name.clone()));
        let words = (Some("unique in each list".to_owned()), Some(state.to_owned()));
        self.add(ChangeKind::LostKey, path, (node, Reach::Below), words, seen);
        path.0.pop();
    }
}

/// Returns the kinds of a place in words.
fn in_words(place: &Place, kinds: &[Kind]) -> String {
    let present: Vec<Kind> = place.present().into_iter().map(|(kind, _)| kind).collect();
    let kinds = if kinds.is_empty() { &present[..] } else { kinds };
    let words: Vec<&str> = kinds.iter().map(|kind| kind_name(*kind)).collect();
    if words.is_empty() { "null".to_owned() } else { words.join(" or ") }
}
