//! The observation of documents: one pass over each, in memory that does not depend on the number of values.

use super::names::LONGEST_NAME;
use super::shape::{Place, Seen};
use crate::hash::keyed;
use crate::snapshot::api_error::is_of_error;
use crate::snapshot::uncaptured::{Statement, UNCAPTURED};
use crate::source::json::{Kind, Scanner, SyntaxError, document_start, string_text};
use crate::source::{Source, Span};
use crate::value::fold::caseless;
use smol_str::SmolStr;
use std::collections::HashSet;

/// Levels of nesting that are observed. Deeper values are counted, and their contents are not.
const DEEPEST: usize = 40;

/// Places of all documents together.
const MAX_PLACES: usize = 20_000;

/// Properties of one place. An object with more is a map.
const MAX_PROPERTIES: usize = 512;

/// Bytes of a text that may be an id.
const LONGEST_ID: usize = 256;

/// Properties of the elements of a list that may be ids, by the number of elements: more elements, fewer properties.
const CANDIDATES: [(usize, usize); 3] = [(1_000, 8), (20_000, 3), (200_000, 1)];

/// The observation of some documents.
#[derive(Debug, Default)]
pub struct Observer {
    /// Whether errors in place of objects are separated. [`Place::settle_errors`] ends that.
    separates_errors: bool,
    /// Whether `uncaptured` is a property as any other, and not a statement.
    ignores_statements: bool,
    documents: u32,
    places: usize,
    objects: u64,
}

/// One document that is being observed.
struct Walk<'o, 't> {
    observer: &'o mut Observer,
    source: &'t Source,
    text: &'t str,
    /// Whether objects of the document may state that properties of them were not captured.
    has_statements: bool,
    /// Whether objects of the document may be errors, which are to be separated.
    has_errors: bool,
}

/// The properties of an object that determine how it is observed.
#[derive(Default)]
struct Marks {
    /// The properties that it states as not captured, each once, in order.
    uncaptured: Vec<String>,
    /// All names, if one is that of an error.
    with_error: Option<Vec<SmolStr>>,
}

/// The texts and numbers of the elements of one list, by property.
#[derive(Default)]
struct Ids {
    /// The hashes of the values of a property; `None` for one that is not a candidate.
    of: Vec<Option<HashSet<u64>>>,
    elements: usize,
}

impl Observer {
    /// Returns an observation that separates errors in place of objects.
    pub(super) fn of_samples() -> Self {
        Self { separates_errors: true, ..Self::default() }
    }

    /// Returns an observation to which `uncaptured` is a property as any other.
    pub fn without_statements() -> Self {
        Self { ignores_statements: true, ..Self::default() }
    }

    /// Returns the number of observed documents.
    pub fn documents(&self) -> u32 {
        self.documents
    }

    /// Adds a document to a shape. The limit of depth is that of snapshots.
    ///
    /// # Errors
    /// If the text is not JSON.
    pub fn add(&mut self, root: &mut Place, source: &Source, depth: usize) -> Result<(), SyntaxError> {
        let text = source.text();
        let mut scanner = Scanner::at(text, document_start(text)).up_to(depth);
        let has_statements =
            !self.ignores_statements && memchr::memmem::find(text.as_bytes(), UNCAPTURED.as_bytes()).is_some();
        let may_have = |part: &str| memchr::memmem::find(text.as_bytes(), part.as_bytes()).is_some();
        // `error`, `Error`, `ERROR`.
        let has_errors = self.separates_errors && (may_have("rror") || may_have("RROR"));
        let walked = Walk { observer: self, source, text, has_statements, has_errors }
            .value(&mut scanner, root, 0)
            .and_then(|()| scanner.end());
        self.documents += 1;
        walked
    }
}

impl Walk<'_, '_> {
    fn seen(&self, offset: u32) -> Seen {
        Seen { document: self.observer.documents, offset }
    }

    fn value(&mut self, scanner: &mut Scanner<'_>, place: &mut Place, depth: usize) -> Result<(), SyntaxError> {
        let (kind, start) = scanner.peek()?;
        if kind == Kind::Object && depth < DEEPEST {
            return self.object(scanner, place, depth, None);
        }
        place.add(kind, self.seen(start));
        match kind {
            Kind::Object | Kind::Array if depth >= DEEPEST => {
                place.is_cut = true;
                scanner.skip().map(|_| ())
            }
            Kind::Array => self.array(scanner, place, depth),
            _ => {
                let raw = self.text.get(scanner.skip()?.range()).unwrap_or_default();
                match (kind, string_text(raw)) {
                    (Kind::String, Some(text)) => place.texts.add(&text),
                    (Kind::String, None) => place.texts.unreadable += 1,
                    (Kind::Number, _) => place.numbers.add(raw),
                    _ => {}
                }
                Ok(())
            }
        }
    }

    fn array(&mut self, scanner: &mut Scanner<'_>, place: &mut Place, depth: usize) -> Result<(), SyntaxError> {
        if place.each.is_none() {
            self.observer.places += 1;
        }
        let each = place.each_mut();
        let mut ids = Ids::default();
        let walked = scanner.array(|scanner, _| {
            let (kind, _) = scanner.peek()?;
            if kind != Kind::Object || depth + 1 >= DEEPEST {
                return self.value(scanner, each, depth + 1);
            }
            self.object(scanner, each, depth + 1, Some(&mut ids))?;
            ids.next(each);
            Ok(())
        });
        walked.map(|_| ())
    }

    fn object(
        &mut self,
        scanner: &mut Scanner<'_>,
        place: &mut Place,
        depth: usize,
        ids: Option<&mut Ids>,
    ) -> Result<(), SyntaxError> {
        let start = scanner.offset();
        let is_marked = (self.has_statements || self.has_errors && depth > 0) && !place.is_map;
        let Marks { uncaptured, with_error } = if is_marked { self.marks(start) } else { Marks::default() };
        let with_error = with_error.filter(|_| self.has_errors && depth > 0);
        let Some(objects) = with_error.and_then(|names| place.with_error(&names)) else {
            return self.properties(scanner, place, depth, ids, &uncaptured);
        };
        self.properties(scanner, &mut objects.place, depth, None, &uncaptured)?;
        objects.objects.push((self.observer.documents, Span::new(start, scanner.offset())));
        Ok(())
    }

    /// Observes the properties of an object, other than those that it states as not captured, which are in order.
    fn properties(
        &mut self,
        scanner: &mut Scanner<'_>,
        place: &mut Place,
        depth: usize,
        mut ids: Option<&mut Ids>,
        uncaptured: &[String],
    ) -> Result<(), SyntaxError> {
        place.add(Kind::Object, self.seen(scanner.offset()));
        self.observer.objects += 1;
        let (object, mut next) = (self.observer.objects, 0);
        for name in uncaptured {
            if place.uncaptured.contains_key(&**name) || place.uncaptured.len() < MAX_PROPERTIES {
                *place.uncaptured.entry(name.into()).or_default() += 1;
            }
        }
        let walked = scanner.object(|scanner, key| {
            let name = key.text();
            if place.is_map && is_of_error(&name) {
                place.each_mut().errors += 1;
                return scanner.skip().map(|_| ());
            }
            if place.is_map {
                return self.value(scanner, place.each_mut(), depth + 1);
            }
            if uncaptured.binary_search_by(|uncaptured| (**uncaptured).cmp(&name)).is_ok() {
                return scanner.skip().map(|_| ());
            }
            let Some(at) = self.child(place, &name, next) else {
                let is_map = place.is_map;
                place.is_cut |= !is_map;
                return match is_map {
                    true => self.value(scanner, place.each_mut(), depth + 1),
                    false => scanner.skip().map(|_| ()),
                };
            };
            next = at + 1;
            let seen = self.seen(key.span.start);
            let Some((_, child)) = place.children.get_mut(at) else { return scanner.skip().map(|_| ()) };
            if std::mem::replace(&mut child.last_object, object) == object {
                child.twice.get_or_insert(seen);
                return scanner.skip().map(|_| ());
            }
            let (kind, start) = scanner.peek()?;
            self.value(scanner, child, depth + 1)?;
            if let (Some(ids), Kind::String | Kind::Number, false) = (&mut ids, kind, child.repeats) {
                let raw = self.text.get(start as usize..scanner.offset() as usize).unwrap_or_default();
                child.repeats = ids.repeats(at, raw);
            }
            Ok(())
        });
        place.end_object(object);
        walked.map(|_| ())
    }

    /// Reads the names of an object, and its statement about properties that were not captured.
    fn marks(&self, start: u32) -> Marks {
        let (mut statement, mut names) = (Statement::default(), Vec::new());
        #[expect(clippy::let_underscore_must_use, reason = "the walk reports the error")]
        let _ = Scanner::at(self.text, start).object(|scanner, key| {
            let (kind, _) = scanner.peek()?;
            let span = scanner.skip()?;
            let name = key.text();
            if name == UNCAPTURED {
                statement.add(self.source, kind, span);
            }
            if self.has_errors {
                names.push(SmolStr::from(&*name));
            }
            Ok::<_, SyntaxError>(())
        });
        let mut uncaptured = statement.into_names();
        uncaptured.sort_unstable();
        uncaptured.dedup();
        names.sort_unstable();
        names.dedup();
        let is_error = names.iter().any(|name| is_of_error(name));
        Marks { uncaptured, with_error: is_error.then_some(names) }
    }

    /// Returns the place of a property, which is added if it is new. If there are too many properties, the object is a
    /// map; if there are too many places, there is no place for the property.
    fn child(&mut self, place: &mut Place, name: &str, guess: usize) -> Option<usize> {
        if let Some(at) = place.child_at(name, guess) {
            return Some(at);
        }
        if place.children.len() >= MAX_PROPERTIES {
            place.become_map();
            return None;
        }
        if self.observer.places >= MAX_PLACES || name.len() > LONGEST_NAME {
            return None;
        }
        self.observer.places += 1;
        Some(place.add_child(name, Place::default()))
    }
}

impl Ids {
    /// Adds a value of a property. Returns whether the list has it already, or it is not an id.
    fn repeats(&mut self, property: usize, raw: &str) -> bool {
        let text = if raw.starts_with('"') { string_text(raw) } else { Some(raw.into()) };
        let Some(text) = text.filter(|text| !text.is_empty() && text.len() <= LONGEST_ID) else { return true };
        if self.of.len() <= property {
            self.of.resize_with(property + 1, || None);
        }
        let Some(known) = self.of.get_mut(property) else { return true };
        // Ids that differ only in case are rarely intended.
        let is_new = known.get_or_insert_default().insert(keyed(&*caseless(&text)));
        if !is_new {
            *known = None;
        }
        !is_new
    }

    /// Ends an element. A long list keeps the values of a few properties.
    fn next(&mut self, each: &mut Place) {
        self.elements += 1;
        let Some((_, most)) = CANDIDATES.iter().find(|(elements, _)| *elements == self.elements) else { return };
        let mut kept = 0;
        let mut candidates: Vec<(usize, usize)> = (0..self.of.len())
            .filter(|at| self.of.get(*at).is_some_and(Option::is_some))
            .map(|at| (each.children.get(at).map_or(usize::MAX, |(name, _)| super::keys::rank(name, "")), at))
            .collect();
        candidates.sort_unstable();
        for (_, at) in candidates {
            kept += 1;
            if let (true, Some((_, child))) = (kept > *most, each.children.get_mut(at)) {
                child.repeats = true;
                if let Some(values) = self.of.get_mut(at) {
                    *values = None;
                }
            }
        }
    }
}
