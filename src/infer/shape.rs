//! The shape of documents: a tree of places, each with the number and the kinds of the values there.

use super::format::{Format, Formats, Numbers, truth};
use super::secret;
use crate::snapshot::api_error::is_of_error;
use crate::source::Span;
use crate::source::json::Kind;
use crate::source::misspelling;
use crate::source::pointer::{Pattern, Step};
use smol_str::SmolStr;
use std::collections::{BTreeMap, HashMap};

/// Distinct texts that are kept of one place.
const MAX_WORDS: usize = 32;

/// Bytes of a text that is kept.
const LONGEST_WORD: usize = 64;

/// Sets of property names of objects with an error, at one place.
const MAX_ERRORS: usize = 16;

/// Pairs of similar names that are compared in each object.
const MAX_SIMILAR: usize = 64;

/// The limits of a vocabulary.
struct Vocabulary {
    words: u64,
    longest: usize,
    values: u64,
    values_of_each: u64,
}

const VOCABULARY: Vocabulary = Vocabulary { words: 12, longest: 40, values: 6, values_of_each: 3 };

/// All kinds, in the order of `Place::kinds`.
pub const KINDS: [Kind; 6] = [Kind::Object, Kind::Array, Kind::String, Kind::Number, Kind::Bool, Kind::Null];

/// A place in a document: the number of the document among all, and the offset of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    /// The document.
    pub document: u32,
    /// The first byte of the value.
    pub offset: u32,
}

/// The values at one place of all documents: a property, the elements of a list, or the values of a map.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// The number of values by kind, in the order of [`KINDS`].
    kinds: [u64; 6],
    /// The first value.
    pub first: Option<Seen>,
    /// The first `null`.
    pub first_null: Option<Seen>,
    /// The texts.
    pub texts: Texts,
    /// The numbers.
    pub numbers: Numbers,
    /// The properties of the objects, in the order of their first values.
    pub children: Vec<(SmolStr, Place)>,
    by_name: HashMap<SmolStr, usize>,
    /// Pairs of properties one of which may be a misspelling of the other.
    similar: Vec<Similar>,
    /// The elements of the arrays, and the values of a map.
    pub each: Option<Box<Place>>,
    /// Whether the objects are maps, whose names are not those of properties.
    pub is_map: bool,
    /// The number of objects that are the only element of a list in whose place they are.
    pub only: u64,
    /// The first property that an object has twice.
    pub twice: Option<Seen>,
    /// Whether the value is different in all elements of each list; only if the place is a property of an element.
    pub repeats: bool,
    /// The numbers of objects that state that a property was not captured. Its values there are not observed.
    pub uncaptured: BTreeMap<SmolStr, u64>,
    /// The objects with a property `error`, by the names of their properties, until [`Place::settle_errors`].
    with_error: BTreeMap<Vec<SmolStr>, WithError>,
    /// The number of objects that are errors, and not values of this place.
    pub errors: u64,
    /// Whether the values nest too deep, or the documents have too many places, to observe all of them.
    pub is_cut: bool,
    /// The object that was observed last.
    pub(super) last_object: u64,
}

/// Objects with a property `error`.
#[derive(Debug, Clone, Default)]
pub(super) struct WithError {
    pub place: Place,
    /// The documents of the objects, and their places there.
    pub objects: Vec<(u32, Span)>,
}

/// Two properties, by their numbers in an object.
#[derive(Debug, Clone, Copy)]
struct Similar {
    pair: [usize; 2],
    /// Whether an object has both.
    together: bool,
}

/// The texts of a place.
#[derive(Debug, Clone, Default)]
pub struct Texts {
    /// The number of texts.
    pub count: u64,
    /// Distinct short texts with their numbers.
    pub words: BTreeMap<SmolStr, u64>,
    /// Whether there are other texts.
    pub more: bool,
    /// The formats of all texts.
    formats: Formats,
    /// Texts with an escape that is not text.
    pub unreadable: u64,
    /// Texts that look like a secret by themselves; equal ones may be counted once.
    pub secrets: u64,
    /// Texts that look random; equal ones may be counted once.
    pub random: u64,
}

impl Texts {
    /// Adds a text.
    pub fn add(&mut self, text: &str) {
        self.count += 1;
        if let Some(known) = self.words.get_mut(text) {
            *known += 1;
            return;
        }
        self.formats.retain(text);
        self.secrets += u64::from(secret::is_secret_text(text));
        self.random += u64::from(secret::is_random_text(text));
        self.keep(text, 1);
    }

    fn keep(&mut self, text: &str, count: u64) {
        if let Some(known) = self.words.get_mut(text) {
            *known += count;
        } else if text.len() <= LONGEST_WORD && self.words.len() < MAX_WORDS {
            self.words.insert(text.into(), count);
        } else {
            self.more = true;
        }
    }

    /// Returns the preferred format that all texts have.
    pub fn format(&self) -> Option<Format> {
        self.formats.first().filter(|format| self.count > 0 && (*format != Format::Boolean || self.has_truths()))
    }

    /// Returns whether words for true and false are both there, or one that has no other meaning. `NO` is a country, too.
    fn has_truths(&self) -> bool {
        let is_plain = |word: &str| ["true", "false"].iter().any(|truth| word.trim().eq_ignore_ascii_case(truth));
        let has = |value: bool| self.words.keys().any(|word| truth(word) == Some(value));
        has(true) && has(false) || self.words.keys().any(|word| is_plain(word))
    }

    /// Returns whether the texts are words of a small vocabulary: there are few, and each is there often.
    pub fn is_vocabulary(&self) -> bool {
        let known = u64::try_from(self.words.len()).unwrap_or(u64::MAX);
        let is_word = |word: &SmolStr| {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ' ' | '.' | ':');
            let begins = word.starts_with(|c: char| c.is_ascii_alphabetic());
            word.len() <= VOCABULARY.longest && begins && word.chars().all(plain) && !word.ends_with(' ')
        };
        !self.more
            && (2..=VOCABULARY.words).contains(&known)
            && self.count >= VOCABULARY.values.max(known * VOCABULARY.values_of_each)
            && self.format().is_none()
            && self.words.keys().all(is_word)
    }

    fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.more |= other.more;
        self.formats = self.formats.and(other.formats);
        self.unreadable += other.unreadable;
        self.secrets += other.secrets;
        self.random += other.random;
        other.words.iter().for_each(|(word, count)| self.keep(word, *count));
    }
}

impl Place {
    /// Returns the number of values of a kind.
    pub fn count(&self, kind: Kind) -> u64 {
        KINDS.iter().zip(self.kinds).filter(|(known, _)| **known == kind).map(|(_, count)| count).sum()
    }

    /// Returns the number of values.
    pub fn total(&self) -> u64 {
        self.kinds.iter().sum()
    }

    /// Returns the kinds of the values that are not `null`, with their numbers.
    pub fn present(&self) -> Vec<(Kind, u64)> {
        KINDS.into_iter().zip(self.kinds).filter(|(kind, count)| *kind != Kind::Null && *count > 0).collect()
    }

    /// Returns whether the value of a property can be missing or `null` in an object that has captured it.
    pub fn is_optional(&self, name: &str) -> bool {
        self.child(name).is_none_or(|child| self.lacking(name) > 0 || child.count(Kind::Null) > 0)
    }

    /// Returns the number of objects that have captured a property and do not have it.
    pub fn lacking(&self, name: &str) -> u64 {
        let total = self.child(name).map_or(0, Place::total);
        self.count(Kind::Object).saturating_sub(total + self.uncaptured(name))
    }

    /// Returns the number of objects that state that a property was not captured.
    pub fn uncaptured(&self, name: &str) -> u64 {
        self.uncaptured.get(name).copied().unwrap_or(0)
    }

    /// Returns the property with a name.
    pub fn child(&self, name: &str) -> Option<&Place> {
        self.by_name.get(name).and_then(|at| self.children.get(*at)).map(|(_, child)| child)
    }

    /// Returns the place of a property, or `None` if there are too many.
    pub(super) fn child_at(&self, name: &str, guess: usize) -> Option<usize> {
        let is_guess = self.children.get(guess).is_some_and(|(known, _)| known == name);
        if is_guess { Some(guess) } else { self.by_name.get(name).copied() }
    }

    /// Adds a property.
    pub(super) fn add_child(&mut self, name: &str, place: Place) -> usize {
        let at = self.children.len();
        let is_similar = |other: &str| misspelling(name, [other]).is_some() || misspelling(other, [name]).is_some();
        let others = self.children.iter().enumerate().filter(|(_, (other, _))| is_similar(other));
        let room = MAX_SIMILAR.saturating_sub(self.similar.len());
        let similar: Vec<Similar> =
            others.take(room).map(|(other, _)| Similar { pair: [other, at], together: false }).collect();
        self.similar.extend(similar);
        self.by_name.insert(name.into(), at);
        self.children.push((name.into(), place));
        at
    }

    /// Returns the objects with a property `error` and these properties, or `None` if there are too many others.
    pub(super) fn with_error(&mut self, names: &[SmolStr]) -> Option<&mut WithError> {
        if !self.with_error.contains_key(names) && self.with_error.len() >= MAX_ERRORS {
            return None;
        }
        Some(self.with_error.entry(names.to_vec()).or_default())
    }

    /// Separates the errors in place of objects, and records their places. An object with a property `error` is an error if
    /// there are others without, and it has none of their properties.
    pub(super) fn settle_errors(&mut self, errors: &mut Vec<(u32, Span)>) {
        for (name, child) in &mut self.children {
            child.settle_errors(errors);
            if child.errors > 0 {
                *self.uncaptured.entry(name.clone()).or_default() += child.errors;
            }
        }
        self.each.iter_mut().for_each(|each| each.settle_errors(errors));
        let mut with_error: Vec<(Vec<SmolStr>, WithError)> = std::mem::take(&mut self.with_error).into_iter().collect();
        with_error.sort_by_key(|(_, objects)| objects.place.first);
        let has_others = self.count(Kind::Object) > 0 || self.each.is_some();
        loop {
            let is_like =
                |(names, _): &(Vec<SmolStr>, WithError)| !has_others || names.iter().any(|name| self.has(name));
            let (like, others): (Vec<_>, Vec<_>) = with_error.into_iter().partition(is_like);
            with_error = others;
            if like.is_empty() {
                break;
            }
            for (_, mut objects) in like {
                objects.place.settle_errors(errors);
                self.merge(objects.place);
            }
        }
        for (_, mut objects) in with_error {
            self.errors += objects.place.count(Kind::Object);
            errors.append(&mut objects.objects);
        }
    }

    /// Returns whether an object here, or an element of a list here, has a property.
    fn has(&self, name: &str) -> bool {
        self.child(name).is_some() || self.each.as_ref().is_some_and(|each| each.child(name).is_some())
    }

    /// Ends an object: records the similar properties that it has together.
    pub(super) fn end_object(&mut self, object: u64) {
        let children = &self.children;
        let has = |at: usize| children.get(at).is_some_and(|(_, child)| child.last_object == object);
        for similar in self.similar.iter_mut().filter(|similar| !similar.together) {
            similar.together = similar.pair.into_iter().all(has);
        }
    }

    /// Returns the properties that may be misspellings, each with the property that is meant: more objects have it, none has
    /// both, and their values are of one kind.
    pub fn misspelt(&self) -> Vec<(&str, &str)> {
        let of_pair = |similar: &Similar| {
            let [a, b] = similar.pair.map(|at| self.children.get(at));
            let (rare, common) = if a?.1.total() < b?.1.total() { (a?, b?) } else { (b?, a?) };
            // One in four or fewer.
            let is_rare = rare.1.total().saturating_mul(3) <= common.1.total();
            let kinds = |place: &Place| place.present().into_iter().map(|(kind, _)| kind).collect::<Vec<Kind>>();
            let is_alike = kinds(&rare.1) == kinds(&common.1) && misspelling(&rare.0, [common.0.as_str()]).is_some();
            (is_rare && is_alike).then_some((rare.0.as_str(), common.0.as_str()))
        };
        self.similar.iter().filter(|similar| !similar.together).filter_map(of_pair).collect()
    }

    /// Adds a value of a kind at a place.
    pub(super) fn add(&mut self, kind: Kind, seen: Seen) {
        for (known, count) in KINDS.iter().zip(&mut self.kinds) {
            *count += u64::from(*known == kind);
        }
        if kind == Kind::Null {
            self.first_null.get_or_insert(seen);
        } else {
            self.first.get_or_insert(seen);
        }
    }

    /// Returns the elements of lists and the values of maps.
    pub(super) fn each_mut(&mut self) -> &mut Place {
        self.each.get_or_insert_with(Box::default)
    }

    /// Turns the properties into the values of a map.
    pub(super) fn become_map(&mut self) {
        self.is_map = true;
        self.by_name.clear();
        self.similar.clear();
        let children = std::mem::take(&mut self.children);
        let twice = children.iter().filter_map(|(_, child)| child.twice).min();
        let each = self.each_mut();
        for (name, child) in children {
            match is_of_error(&name) {
                true => each.errors += child.total(),
                false => each.merge(child),
            }
        }
        each.twice = each.twice.or(twice);
    }

    /// Turns objects where other documents have a list of objects into elements of it.
    pub fn join_only(&mut self) {
        let (objects, arrays) = (self.count(Kind::Object), self.count(Kind::Array));
        let has_objects = self.each.as_ref().is_some_and(|each| matches!(each.present()[..], [(Kind::Object, _)]));
        if objects > 0 && arrays > 0 && has_objects && !self.is_map {
            let only = Place {
                kinds: [objects, 0, 0, 0, 0, 0],
                first: self.first,
                children: std::mem::take(&mut self.children),
                by_name: std::mem::take(&mut self.by_name),
                similar: std::mem::take(&mut self.similar),
                uncaptured: std::mem::take(&mut self.uncaptured),
                ..Place::default()
            };
            self.each_mut().merge(only);
            self.only = objects;
        }
        self.children.iter_mut().for_each(|(_, child)| child.join_only());
        self.each.iter_mut().for_each(|each| each.join_only());
    }

    /// Adds the values of another place.
    pub fn merge(&mut self, other: Place) {
        for (count, more) in self.kinds.iter_mut().zip(other.kinds) {
            *count += more;
        }
        let earlier = |a: Option<Seen>, b: Option<Seen>| a.into_iter().chain(b).min();
        self.first = earlier(self.first, other.first);
        self.first_null = earlier(self.first_null, other.first_null);
        self.twice = earlier(self.twice, other.twice);
        self.texts.merge(other.texts);
        self.numbers = self.numbers.and(other.numbers);
        self.repeats |= other.repeats;
        self.is_cut |= other.is_cut;
        for (name, count) in other.uncaptured {
            *self.uncaptured.entry(name).or_default() += count;
        }
        self.errors += other.errors;
        for (names, objects) in other.with_error {
            match self.with_error(&names) {
                Some(known) => {
                    known.place.merge(objects.place);
                    known.objects.extend(objects.objects);
                }
                None => self.merge(objects.place),
            }
        }
        if other.is_map && !self.is_map {
            self.become_map();
        }
        let together = other.similar.iter().filter(|similar| similar.together).filter_map(|similar| {
            let [a, b] = similar.pair.map(|at| other.children.get(at).map(|(name, _)| name.clone()));
            Some([a?, b?])
        });
        let together: Vec<[SmolStr; 2]> = together.collect();
        for (name, child) in other.children {
            if self.is_map {
                self.each_mut().merge(child);
                continue;
            }
            match self.by_name.get(&name).and_then(|at| self.children.get_mut(*at)) {
                Some((_, known)) => known.merge(child),
                None => {
                    self.add_child(&name, child);
                }
            }
        }
        for names in together {
            let pair = names.map(|name| self.by_name.get(&name).copied());
            let is_pair = |similar: &&mut Similar| similar.pair.iter().all(|at| pair.contains(&Some(*at)));
            if let Some(similar) = self.similar.iter_mut().find(is_pair) {
                similar.together = true;
            }
        }
        if let Some(each) = other.each {
            match &mut self.each {
                Some(known) => known.merge(*each),
                None => self.each = Some(each),
            }
        }
    }

    /// Turns objects into maps where `decide` says so, from the outside to the inside.
    pub fn settle(&mut self, decide: &mut dyn FnMut(&Place, &Pattern) -> bool) {
        self.settle_at(&mut Pattern::default(), decide);
    }

    fn settle_at(&mut self, at: &mut Pattern, decide: &mut dyn FnMut(&Place, &Pattern) -> bool) {
        if !self.is_map && !self.children.is_empty() && decide(self, at) {
            self.become_map();
        }
        for (name, child) in &mut self.children {
            at.0.push(Step::Property(name.to_string()));
            child.settle_at(at, decide);
            at.0.pop();
        }
        if let Some(each) = &mut self.each {
            at.0.push(Step::Each);
            each.settle_at(at, decide);
            at.0.pop();
        }
    }
}
