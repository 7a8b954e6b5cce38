//! The places of the secrets of a document: the bytes at and below every place of an attribute with `@secret`.
//!
//! The walk is independent of split and decode. It reads any text, valid or not, and masks more in case of doubt:
//! a value of another type on the way to a secret, a name that resembles the name of a secret, everything after a
//! syntax error. It runs only for schemas with secrets, and only when something of the text is shown.

use crate::ids::{IdVec, id};
use crate::schema::{EntityType, FieldId, Model, Origin, PathId, Reader, Slot, SlotId, Ty};
use crate::source::json::{Key, Kind, Scanner, SyntaxError, WalkEnd, document_start};
use crate::source::pointer::unescape;
use crate::source::{Source, Span, byte_offset};
use crate::value::TypeId;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// The depth to which the walk searches undeclared values for names of secrets. Deeper values are masked.
const DEEPEST: usize = 64;

/// Undeclared names whose meaning is remembered.
const REMEMBERED: usize = 10_000;

id! {
    /// A place in a document that a schema reads.
    struct PlaceId(u32)
}

/// The places that a schema reads from a document, and the secrets among them.
#[derive(Debug, Default)]
pub struct SecretPaths {
    /// The first is the document.
    nodes: IdVec<PlaceId, Node>,
    /// The properties that hold secrets.
    names: Vec<String>,
}

/// A place in a document.
#[derive(Debug, Default)]
struct Node {
    /// The declared properties.
    children: Vec<(String, PlaceId)>,
    /// The elements, or the values of a map.
    each: Option<PlaceId>,
    /// Whether the value is secret.
    secret: bool,
    /// Whether a secret is here or below.
    holds: bool,
    /// Whether a declared attribute reads an array or an object here.
    container: bool,
    /// The properties one of which the values of a map of instances have.
    marks: Vec<String>,
    /// Whether an object in place of a list may be its only instance.
    may_be_one: bool,
}

/// The relation of a place to secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// No secret is there.
    Apart,
    /// A secret may be below.
    Above,
    /// The place after this number of steps is secret.
    Within(usize),
}

/// A text with the places of its secrets, which are computed on the first use.
#[derive(Debug, Clone)]
pub struct Secrets {
    source: Arc<Source>,
    paths: Option<Arc<SecretPaths>>,
    /// Places in the files that the text is derived from, which only excerpts mask.
    hidden: Vec<Secrets>,
    /// The places, which all clones share.
    found: Arc<Found>,
}

/// The places of the secrets of a text.
#[derive(Debug, Default)]
struct Found {
    spans: OnceLock<Vec<Span>>,
    /// The places in the files that the text is derived from, in the order of [`Source::files`].
    in_files: OnceLock<Vec<Vec<Span>>>,
    /// These with the hidden places.
    masked_in_files: OnceLock<Vec<Vec<Span>>>,
}

impl Secrets {
    /// Returns the secrets of a snapshot.
    pub fn new(source: &Arc<Source>, paths: &Arc<SecretPaths>) -> Self {
        let paths = Some(Arc::clone(paths));
        Self { source: Arc::clone(source), paths, hidden: Vec::new(), found: Arc::default() }
    }

    /// Returns the secrets of a snapshot that is derived from files, with places in these files that excerpts mask too.
    /// `None` if there is nothing to mask.
    pub fn with_hidden(source: &Arc<Source>, paths: Option<&Arc<SecretPaths>>, hidden: &[Self]) -> Option<Self> {
        let (paths, hidden) = (paths.cloned(), hidden.to_vec());
        let is_empty = paths.is_none() && hidden.is_empty();
        (!is_empty).then(|| Self { source: Arc::clone(source), paths, hidden, found: Arc::default() })
    }

    /// Returns secrets at known places of a text, in any order.
    pub fn at(source: &Arc<Source>, spans: Vec<Span>) -> Self {
        let found = Found { spans: OnceLock::from(merged(spans)), ..Found::default() };
        Self { source: Arc::clone(source), paths: None, hidden: Vec::new(), found: Arc::new(found) }
    }

    /// Returns the text.
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// Returns the places of secrets in order; none overlap.
    pub fn spans(&self) -> &[Span] {
        let spans = || self.paths.as_ref().map(|paths| paths.spans(&self.source)).unwrap_or_default();
        self.found.spans.get_or_init(spans)
    }

    /// Returns the places in a file of the text that excerpts mask, in order; `None` if the text does not come from the
    /// file.
    pub fn masked_in(&self, file: &Arc<Source>) -> Option<&[Span]> {
        if self.hidden.is_empty() || Arc::ptr_eq(&self.source, file) {
            return self.spans_in(file);
        }
        let files = self.source.files();
        let at = files.iter().position(|known| Arc::ptr_eq(known, file))?;
        let of_file = |file: &Arc<Source>| {
            let hidden = self.hidden.iter().filter_map(|hidden| hidden.spans_in(file));
            merged(hidden.chain(self.spans_in(file)).flatten().copied().collect())
        };
        let in_files = self.found.masked_in_files.get_or_init(|| files.iter().map(of_file).collect());
        in_files.get(at).map(Vec::as_slice)
    }

    /// Returns the places of secrets in a file of the text, in order; `None` if the text does not come from the file.
    pub fn spans_in(&self, file: &Arc<Source>) -> Option<&[Span]> {
        let at = self.source.files().iter().position(|known| Arc::ptr_eq(known, file))?;
        let is_derived = !Arc::ptr_eq(&self.source, file);
        if !is_derived {
            return Some(self.spans());
        }
        let in_files = self.found.in_files.get_or_init(|| {
            let files = self.source.files();
            let mut in_files = vec![Vec::new(); files.len()];
            // A joined text does not have the values that two of its files share.
            let of_parts = self.source.parts().iter().flat_map(|part| {
                let spans = self.paths.as_ref().map(|paths| paths.spans(part)).unwrap_or_default();
                part.written(&spans)
            });
            for place in self.source.written(self.spans()).into_iter().chain(of_parts) {
                let file = files.iter().position(|file| Arc::ptr_eq(file, &place.source));
                if let Some(spans) = file.and_then(|file| in_files.get_mut(file)) {
                    spans.push(place.span);
                }
            }
            in_files.into_iter().map(merged).collect()
        });
        in_files.get(at).map(Vec::as_slice)
    }
}

/// A property below a place: its name, its nodes in the path tree, and the fields of entity types that it is.
type Child<'m> = (&'m str, Vec<PathId>, Vec<(TypeId, FieldId)>);

impl SecretPaths {
    /// Returns the places that a schema declares; `None` if none is secret.
    pub fn of(model: &Model) -> Option<Arc<Self>> {
        if !model.has_secrets() {
            return None;
        }
        let mut paths = Self::default();
        let document = paths.add(model, "", vec![PathId::default()], Vec::new());
        paths.fill_holds(document);
        Some(Arc::new(paths))
    }

    /// Adds the place at nodes of the path tree and at fields of entity types, with everything below. An element of a list
    /// of several types has the nodes of all.
    fn add(&mut self, model: &Model, name: &str, nodes: Vec<PathId>, mut fields: Vec<(TypeId, FieldId)>) -> PlaceId {
        let at = self.nodes.push(Node::default());
        let trees = || nodes.iter().map(|node| &model.paths[*node]);
        let instances: Vec<TypeId> = trees().filter_map(|tree| tree.ty).collect();
        let read = instances.iter().filter(|ty| !model.ty(**ty).fields.is_empty());
        fields.extend(read.map(|ty| (*ty, FieldId::default())));
        let mut in_groups: Vec<(String, (TypeId, FieldId))> = Vec::new();
        let mut children: Vec<Child<'_>> = Vec::new();
        for (name, path) in trees().flat_map(|tree| &tree.children) {
            match children.iter_mut().find(|(known, ..)| known == name) {
                Some((_, nodes, _)) => nodes.push(*path),
                None => children.push((name, vec![*path], Vec::new())),
            }
        }
        for ty in trees().flat_map(|tree| &tree.groups).filter_map(|group| model.paths[*group].ty) {
            for group in model.ty(ty).groups().into_iter().flat_map(|groups| &groups.list) {
                for (name, field) in model.ty(ty).properties_in(group) {
                    in_groups.push((name, (ty, field)));
                }
            }
        }
        for (name, field) in &in_groups {
            match children.iter_mut().find(|(known, ..)| known == name) {
                Some((.., fields)) => fields.push(*field),
                None => children.push((name, Vec::new(), vec![*field])),
            }
        }
        let mut node = Node::default();
        for (ty, field) in fields {
            let (ty, id) = (model.ty(ty), ty);
            let field = &ty.fields[field];
            node.secret |= field.secret;
            node.container |= field.slots.iter().any(|slot| reads_container(ty, *slot));
            for (name, child) in &field.children {
                match children.iter_mut().find(|(known, ..)| known == name) {
                    Some((.., fields)) => fields.push((id, *child)),
                    None => children.push((name, Vec::new(), vec![(id, *child)])),
                }
            }
        }
        let each: Vec<PathId> = trees().flat_map(|tree| tree.each.iter().copied()).collect();
        let mut list = each.iter().filter_map(|each| model.paths[*each].ty);
        node.may_be_one = list.any(|ty| model.ty(ty).one_or_many);
        let keys = instances.iter().flat_map(|ty| model.ty(*ty).key_names());
        node.marks = keys.map(str::to_owned).collect();
        if instances.iter().all(|ty| model.ty(*ty).key_names().next().is_none())
            || instances.iter().any(|ty| model.ty(*ty).key.is_none())
        {
            node.marks.extend(children.iter().map(|(name, ..)| (*name).to_owned()));
        }
        if node.secret && !name.is_empty() {
            self.names.push(name.to_owned());
        }
        for (name, path, fields) in children {
            node.children.push((name.to_owned(), self.add(model, name, path, fields)));
        }
        node.each = (!each.is_empty()).then(|| self.add(model, "", each, Vec::new()));
        self.nodes[at] = node;
        at
    }

    fn fill_holds(&mut self, at: PlaceId) -> bool {
        let node = &self.nodes[at];
        let below: Vec<PlaceId> = node.children.iter().map(|(_, child)| *child).chain(node.each).collect();
        let mut holds = node.secret;
        for child in below {
            holds |= self.fill_holds(child);
        }
        self.nodes[at].holds = holds;
        holds
    }

    /// Returns the places of secrets in a text, in order; none overlap.
    pub fn spans(&self, source: &Source) -> Vec<Span> {
        let text = source.text();
        let begin = document_start(text);
        let mut walk = Walk { paths: self, text, spans: Vec::new(), meanings: HashMap::new(), read: begin };
        let mut scanner = Scanner::at(text, begin);
        let walked = walk.value(&mut scanner, PlaceId::default()).and_then(|()| {
            walk.read = scanner.offset();
            scanner.end()
        });
        if let Err(error) = walked {
            walk.spans.push(Span::new(walk.unread(error.span.start), byte_offset(text.len())));
        }
        merged(walk.spans)
    }

    /// Returns the relation of the place of a JSON Pointer to secrets.
    pub fn relation(&self, pointer: &str) -> Relation {
        let mut at = Some(PlaceId::default());
        for (step, name) in pointer.split('/').skip(1).map(unescape).enumerate() {
            let node = at.map(|at| &self.nodes[at]);
            if node.is_some_and(|node| node.secret) {
                return Relation::Within(step);
            }
            let child = |node: &Node| node.children.iter().find(|(child, _)| *child == name).map(|(_, child)| *child);
            // The pointer may be that of a property of the only instance of a list.
            let of_one = |node: &Node| node.each.filter(|_| node.may_be_one).and_then(|each| child(&self.nodes[each]));
            let declared = node.and_then(|node| child(node).or_else(|| of_one(node)).or(node.each));
            at = match declared {
                Some(child) => Some(child),
                None => match node.map_or_else(|| self.anywhere(&name), |node| self.meaning(node, &name)) {
                    Meaning::Secret => return Relation::Within(step + 1),
                    Meaning::Like(child) => Some(child),
                    Meaning::Other => None,
                },
            };
        }
        match at.map(|at| &self.nodes[at]) {
            Some(node) if node.secret => Relation::Within(pointer.matches('/').count()),
            Some(node) if node.holds => Relation::Above,
            _ => Relation::Apart,
        }
    }

    /// Returns whether a property with this name may hold a secret where the schema declares nothing.
    pub fn resembles_secret(&self, name: &str) -> bool {
        self.names.iter().any(|secret| resembles(name, secret))
    }

    fn anywhere(&self, name: &str) -> Meaning {
        if self.resembles_secret(name) { Meaning::Secret } else { Meaning::Other }
    }

    /// Returns the meaning of an undeclared property in an object with declared ones.
    fn meaning(&self, node: &Node, name: &str) -> Meaning {
        let like = node.children.iter().filter(|(child, at)| self.nodes[*at].holds && resembles(name, child));
        match like.map(|(_, at)| *at).collect::<Vec<_>>()[..] {
            _ if self.resembles_secret(name) => Meaning::Secret,
            [] => Meaning::Other,
            [child] if !self.nodes[child].secret => Meaning::Like(child),
            _ => Meaning::Secret,
        }
    }
}

/// Returns whether a slot reads an array or an object.
fn reads_container(ty: &EntityType, slot: SlotId) -> bool {
    let Slot { ty, origin, .. } = &ty.slots[slot];
    match origin {
        Origin::Read(_, Some(chain)) => matches!(ty, Ty::Set(_)) || chain.only().is_some_and(Reader::counts),
        Origin::Read(_, None) => matches!(ty, Ty::Set(_) | Ty::Record(_)),
        Origin::Tags(_) => true,
        _ => false,
    }
}

/// The meaning of an undeclared property.
#[derive(Debug, Clone, Copy)]
enum Meaning {
    /// A secret.
    Secret,
    /// A declared property with a secret below.
    Like(PlaceId),
    /// Nothing that is secret.
    Other,
}

/// Returns whether a name may be another one, written otherwise or with slips. Laxer than every suggestion that reports
/// make.
fn resembles(name: &str, declared: &str) -> bool {
    const FARTHEST: usize = 4;
    let near = |a: &str, b: &str| {
        let (a_length, b_length) = (a.chars().count(), b.chars().count());
        let longest = a_length.max(b_length);
        if longest - a_length.min(b_length) > FARTHEST {
            return false;
        }
        let distance = strsim::damerau_levenshtein(a, b);
        distance == 0 || distance <= longest.div_ceil(3).min(FARTHEST) && distance < longest
    };
    let plain = |name: &str| name.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    let (name, declared) = (name.to_lowercase(), declared.to_lowercase());
    near(&name, &declared) || near(&plain(&name), &plain(&declared))
}

/// Sorts spans, and joins those that overlap.
fn merged(mut spans: Vec<Span>) -> Vec<Span> {
    spans.retain(|span| !span.is_empty());
    spans.sort();
    let mut merged: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        match merged.last_mut().filter(|last| span.start < last.end) {
            Some(last) => last.end = last.end.max(span.end),
            None => merged.push(span),
        }
    }
    merged
}

type Result<T> = std::result::Result<T, SyntaxError>;

/// A walk over one text.
struct Walk<'p, 't> {
    paths: &'p SecretPaths,
    text: &'t str,
    spans: Vec<Span>,
    /// The meaning of undeclared names, by place; `None` is any place that the schema does not declare.
    meanings: HashMap<(Option<PlaceId>, String), Meaning>,
    /// The end of the last name or value that was read.
    read: u32,
}

impl<'t> Walk<'_, 't> {
    /// Returns the start of the text that a syntax error makes unreadable: names and values cannot be distinguished
    /// after it. Punctuation belongs to neither.
    fn unread(&self, error: u32) -> u32 {
        let rest = self.text.get(self.read as usize..).unwrap_or_default();
        let limit = error.saturating_sub(self.read) as usize;
        let structure = |at: usize, c: char| c.is_ascii_whitespace() || at <= limit && "{}[],:".contains(c);
        let next = rest.char_indices().find(|(at, c)| !structure(*at, *c));
        self.read + byte_offset(next.map_or(rest.len(), |(at, _)| at))
    }

    /// Walks the value at a declared place.
    fn value(&mut self, scanner: &mut Scanner<'t>, at: PlaceId) -> Result<()> {
        let node = &self.paths.nodes[at];
        if node.secret {
            return self.mask(scanner);
        }
        match (scanner.peek()?.0, node.each) {
            (Kind::Null, _) => scanner.skip().map(|_| ()),
            (Kind::Object, None) if node.holds && at != PlaceId::default() && !self.has_shape(scanner, at) => {
                self.mask(scanner)
            }
            (Kind::Object, None) if node.holds || !node.container => self.object(scanner, at),
            (Kind::Array, Some(each)) => {
                let walked = scanner.array(|scanner, _| {
                    self.value(scanner, each)?;
                    self.read = scanner.offset();
                    Ok(())
                });
                walked.map(|_| ())
            }
            (Kind::Object, Some(each)) if node.may_be_one && self.has_mark(scanner, each) => self.value(scanner, each),
            (Kind::Object, Some(each)) => self.map(scanner, at, each),
            _ if node.holds => self.mask(scanner),
            (Kind::Array | Kind::Object, _) if !node.container => self.stranger(scanner, 0),
            _ => scanner.skip().map(|_| ()),
        }
    }

    /// Masks the next value, or everything if it does not end.
    fn mask(&mut self, scanner: &mut Scanner<'t>) -> Result<()> {
        let start = scanner.peek().map(|(_, start)| start);
        let skipped = start.clone().and_then(|_| scanner.skip());
        let end = skipped.as_ref().map_or(byte_offset(self.text.len()), |span| span.end);
        self.spans.extend(start.map(|start| Span::new(start, end)));
        skipped.map(|_| ())
    }

    fn object(&mut self, scanner: &mut Scanner<'t>, at: PlaceId) -> Result<()> {
        let walked = scanner.object(|scanner, key| {
            self.read = key.span.end;
            self.property(scanner, at, &key)?;
            self.read = scanner.offset();
            Ok(())
        });
        walked.map(|_| ())
    }

    fn property(&mut self, scanner: &mut Scanner<'t>, at: PlaceId, key: &Key<'_>) -> Result<()> {
        let name = key.text();
        let node = &self.paths.nodes[at];
        match node.children.iter().find(|(child, _)| *child == *name) {
            Some((_, child)) => self.value(scanner, *child),
            None => match self.meaning(Some(at), &name) {
                Meaning::Secret => self.mask(scanner),
                Meaning::Like(child) => self.value(scanner, child),
                Meaning::Other => self.stranger(scanner, 0),
            },
        }
    }

    /// Walks an object in place of a list: a map if all its values are instances, else anything.
    fn map(&mut self, scanner: &mut Scanner<'t>, at: PlaceId, each: PlaceId) -> Result<()> {
        let (node, inner) = (&self.paths.nodes[at], &self.paths.nodes[each]);
        let mut ahead = scanner.clone();
        let mut is_map = true;
        #[expect(clippy::let_underscore_must_use, reason = "a syntax error is found again below")]
        let _ = ahead.object(|ahead, key| {
            let is_child = node.children.iter().any(|(child, _)| *child == *key.text());
            is_map &= match ahead.peek()?.0 {
                _ if is_child => true,
                Kind::Null => true,
                Kind::Object => {
                    inner.each.is_some() || self.any_name(ahead, |name| inner.marks.iter().any(|mark| mark == name))
                }
                Kind::Array => inner.each.is_some(),
                _ => false,
            };
            ahead.skip().map(|_| ())
        });
        if node.holds && !is_map {
            return self.mask(scanner);
        }
        let walked = scanner.object(|scanner, key| {
            self.read = key.span.end;
            let name = key.text();
            let child = node.children.iter().find(|(child, _)| *child == *name);
            self.value(scanner, child.map_or(each, |(_, child)| *child))?;
            self.read = scanner.offset();
            Ok(())
        });
        walked.map(|_| ())
    }

    /// Returns whether the object that comes next has a property that marks instances.
    fn has_mark(&self, scanner: &Scanner<'t>, each: PlaceId) -> bool {
        self.any_name(scanner, |name| self.paths.nodes[each].marks.iter().any(|mark| mark == name))
    }

    /// Returns whether the object that comes next is empty or has a property that is declared, or that may mean one
    /// which is: any other object in its place may hold anything.
    fn has_shape(&mut self, scanner: &Scanner<'t>, at: PlaceId) -> bool {
        let paths = self.paths;
        let node = &paths.nodes[at];
        let declared = |name: &str| node.children.iter().any(|(child, _)| child == name);
        self.any_name(scanner, declared)
            || !self.any_name(scanner, |_| true)
            || self.any_name(scanner, |name| !matches!(paths.meaning(node, name), Meaning::Other))
    }

    /// Returns whether a property of the object that comes next has a name of some kind.
    fn any_name(&self, scanner: &Scanner<'t>, kind: impl Fn(&str) -> bool) -> bool {
        let mut found = false;
        #[expect(clippy::let_underscore_must_use, reason = "the walk ends at the first name that decides")]
        let _ = scanner.clone().object(|scanner, key| {
            found |= kind(&key.text());
            // The rest of the object says nothing more.
            if found { Err(WalkEnd) } else { scanner.skip().map(|_| ()).map_err(WalkEnd::from) }
        });
        found
    }

    /// Looks for names of secrets in a value that the schema does not declare.
    fn stranger(&mut self, scanner: &mut Scanner<'t>, depth: usize) -> Result<()> {
        match scanner.peek()?.0 {
            Kind::Object | Kind::Array if depth >= DEEPEST => self.mask(scanner),
            Kind::Object => {
                let walked = scanner.object(|scanner, key| match self.meaning(None, &key.text()) {
                    Meaning::Other => self.stranger(scanner, depth + 1),
                    _ => self.mask(scanner),
                });
                walked.map(|_| ())
            }
            Kind::Array => scanner.array(|scanner, _| self.stranger(scanner, depth + 1)).map(|_| ()),
            _ => scanner.skip().map(|_| ()),
        }
    }

    fn meaning(&mut self, at: Option<PlaceId>, name: &str) -> Meaning {
        let key = (at, name.to_owned());
        if let Some(known) = self.meanings.get(&key) {
            return *known;
        }
        let meaning = match at {
            Some(at) => self.paths.meaning(&self.paths.nodes[at], name),
            None => self.paths.anywhere(name),
        };
        if self.meanings.len() < REMEMBERED {
            self.meanings.insert(key, meaning);
        }
        meaning
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Schema;

    const SCHEMA: &str = r#"
        @path("") entity Account = { on: Bool, @secret box: { inner: String }, @path("login/token") @secret token?: String };
        @path("/people/*") @key("id") entity Person in [Account] = { id: String, note?: String, @secret pins: Set<String> };
        type Context = { now: datetime };
        action "audit" appliesTo { principal: [Account], resource: [Account, Person], context: Context };
    "#;

    fn paths() -> Arc<SecretPaths> {
        let (schema, diagnostics) = Schema::parse(&Source::new("s", SCHEMA).unwrap());
        SecretPaths::of(&schema.unwrap_or_else(|| panic!("{diagnostics:?}")).model).unwrap()
    }

    /// Returns a text with `#` in place of every secret.
    fn masked(text: &str) -> String {
        let mut shown = text.to_owned();
        for span in paths().spans(&Source::new("t", text).unwrap()).into_iter().rev() {
            shown.replace_range(span.range(), "#");
        }
        shown
    }

    #[test]
    fn secrets_are_masked_whatever_their_shape() {
        for value in ["\"x\"", "7", "true", "[\"x\", [1]]", "{}", "{\"inner\": {\"x\": 1}}", "{\"y\": \"}\"}"] {
            assert_eq!(masked(&format!("{{\"on\":true,\"box\":{value},\"a\":1}}")), "{\"on\":true,\"box\":#,\"a\":1}");
        }
    }

    #[test]
    fn every_spelling_and_every_occurrence_is_masked() {
        for name in ["box", "b\\u006fx", "Box", "BOX", "bxo", "bo", "boxx", "b-o-x"] {
            assert_eq!(masked(&format!("{{\"{name}\":1,\"on\":1}}")), format!("{{\"{name}\":#,\"on\":1}}"));
        }
        assert_eq!(masked("{\"box\":1,\"box\":2,\"Box\":3}"), "{\"box\":#,\"box\":#,\"Box\":#}");
        assert_eq!(masked("{\"Login\":{\"token\":1,\"a\":2}}"), "{\"Login\":{\"token\":#,\"a\":2}}");
        // A name that is not text is an error of the document.
        assert_eq!(masked("{\"on\":1,\"\\ud800\":1,\"a\":2}"), "{\"on\":1,#");
    }

    #[test]
    fn other_shapes_on_the_way_are_masked_whole() {
        assert_eq!(masked("{\"login\":\"x\"}"), "{\"login\":#}");
        assert_eq!(masked("{\"login\":[{\"token\":1}]}"), "{\"login\":#}");
        assert_eq!(masked("[{\"login\":1}]"), "#");
        assert_eq!(masked("{\"people\":\"x\"}"), "{\"people\":#}");
        assert_eq!(masked("{\"people\":[1,[{\"id\":1}],{\"x\":1},null]}"), "{\"people\":[#,#,#,null]}");
        assert_eq!(masked("{\"login\":{\"x\":1}}"), "{\"login\":#}");
        for text in ["{\"login\":null,\"people\":[]}", "{\"login\":{},\"people\":{}}"] {
            assert_eq!(masked(text), text);
        }
    }

    #[test]
    fn a_map_is_walked_only_if_all_its_values_are_instances() {
        assert_eq!(
            masked("{\"people\":{\"a\":{\"id\":1,\"pins\":[2]},\"b\":null}}"),
            "{\"people\":{\"a\":{\"id\":1,\"pins\":#},\"b\":null}}"
        );
        for other in ["{\"id\":1,\"pins\":[2]}", "{\"items\":[{\"id\":1}]}", "{\"a\":{\"id\":1},\"b\":{\"pins\":1}}"] {
            assert_eq!(masked(&format!("{{\"people\":{other}}}")), "{\"people\":#}");
        }
    }

    #[test]
    fn the_only_instance_of_a_list_is_walked() {
        let schema = SCHEMA.replace("@key(\"id\")", "@key(\"id\") @one_or_many");
        let (schema, diagnostics) = Schema::parse(&Source::new("s", schema).unwrap());
        let paths = SecretPaths::of(&schema.unwrap_or_else(|| panic!("{diagnostics:?}")).model).unwrap();
        let shown = |text: &str| {
            let spans = paths.spans(&Source::new("t", text).unwrap());
            spans.iter().map(|span| text[span.range()].to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(shown("{\"people\":{\"id\":1,\"pins\":[2]}}"), ["[2]"]);
        assert_eq!(shown("{\"people\":{\"pins\":[2]}}"), ["{\"pins\":[2]}"]);
        assert_eq!(paths.relation("/people/pins"), Relation::Within(2));
        assert_eq!(paths.relation("/people/0/pins"), Relation::Within(3));
    }

    #[test]
    fn undeclared_values_are_searched_for_names_of_secrets() {
        assert_eq!(
            masked("{\"other\":[{\"Token\":{\"x\":1},\"id\":2}],\"on\":{\"pins\":1}}"),
            "{\"other\":[{\"Token\":#,\"id\":2}],\"on\":{\"pins\":#}}"
        );
        let deep = format!("{{\"other\":{}1{}}}", "[".repeat(100), "]".repeat(100));
        assert_eq!(masked(&deep), format!("{{\"other\":{}#{}}}", "[".repeat(64), "]".repeat(64)));
    }

    #[test]
    fn everything_from_a_syntax_error_on_is_masked() {
        for (text, shown) in [
            ("{\"on\":true \"box\":1}", "{\"on\":true #"),
            ("{\"on\":true,\"box\":\"x", "{\"on\":true,\"box\":#"),
            ("{\"on\":true,\"box\":{\"x\":1 2},\"a\":1}", "{\"on\":true,\"box\":#"),
            ("{\"on\":true,\"people\":[{\"id\":\"a\nb\"", "{\"on\":true,\"people\":[{\"id\":#"),
            ("{'box':1}", "{#"),
            ("box: 1", "#"),
            ("{\"on\":true} x", "{\"on\":true} #"),
            ("{\"on\":true", "{\"on\":true"),
            ("{\"on\":true,}", "{\"on\":true,}"),
            ("{\"on\":true}}\n1", "{\"on\":true}}\n#"),
            ("{\"box\":\"x\",\"y\",\"a\":1}", "{\"box\":#,#"),
            ("{\"box\":x,\"a\":1}", "{\"box\":#"),
        ] {
            assert_eq!(masked(text), shown);
        }
    }

    #[test]
    fn pointers_are_related_to_secrets() {
        let paths = paths();
        for (pointer, relation) in [
            ("", Relation::Above),
            ("/on", Relation::Apart),
            ("/box", Relation::Within(1)),
            ("/box/inner/x", Relation::Within(1)),
            ("/login", Relation::Above),
            ("/login/Token", Relation::Within(2)),
            ("/people/0", Relation::Above),
            ("/people/0/note", Relation::Apart),
            ("/people/0/pins/1", Relation::Within(3)),
            ("/other/0/pin", Relation::Within(3)),
        ] {
            assert_eq!(paths.relation(pointer), relation, "{pointer}");
        }
    }
}
