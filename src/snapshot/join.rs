//! One snapshot from several files: the pages and services of one account.
//!
//! Objects are merged by property. Lists of instances are appended, and instances with one id are merged. Other values must
//! be equal. Two values of one property are both kept, so that the rule for duplicates makes it unreadable, with both
//! places.

mod at;
mod marks;
mod identity;

use super::Snapshot;
use super::partial;
use super::uncaptured::UNCAPTURED;
use crate::schema::{COVERS, EntityType, Model};
use crate::source::derived::{Container, Derivation, Fault};
use crate::source::json::{Kind, Scanner, SyntaxError, SyntaxProblem, document_start, string_text};
use crate::source::pointer::{Step, escape, unescape};
use crate::source::{Place, Source, Span, TooLarge, misspelling};
use crate::value::{number_form, parse_datetime};
use at::At;
use identity::Identity;
use marks::{Mark, Marks, MarksOf};
use rustc_hash::{FxHashMap, FxHashSet};
use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

/// Joins the files of one account, in their order. `name` is the name of the whole; `depth` limits the nesting of each
/// file, and `now` is the time of the run in milliseconds since 1970. A file that is not valid is the fault of the whole.
///
/// # Errors
/// [`TooLarge`] if the whole does not fit 32-bit positions.
pub fn join(
    name: &str,
    files: &[Arc<Source>],
    model: &Model,
    (depth, now): (usize, i64),
) -> Result<Arc<Source>, TooLarge> {
    let empty = || Source::new(name, "");
    let Some(first) = files.first() else { return empty() };
    let (mut roots, marks) = (Vec::new(), Marks::new(model));
    for file in files {
        match root(file, depth).and_then(|span| part_of(model, &marks, file, span)) {
            Ok(span) => roots.push(Value { file: roots.len(), key: None, kind: Kind::Object, span }),
            Err((at, fault)) => {
                // Nothing of the file was read, so all of it is masked.
                return Derivation::new(first).named(name).from_all(files).fail(&at, 0, fault);
            }
        }
    }
    let json = || Derivation::new(first).named(name).from_all(files);
    let around = Around { depth: 0, marks: marks.of(&[]), ids: Vec::new(), objects: roots.clone() };
    let (pointer, moved, deepest, unmarked) = Default::default();
    let around = vec![around];
    let mut joiner = Joiner { model, files, now, marks, json: json(), pointer, around, moved, deepest, unmarked };
    joiner.object(&At::root(model), &roots);
    if has_nested_evidence(model) {
        // An instance may have evidence of lists that come after it, so their new indexes are collected first.
        joiner.json = json();
        joiner.object(&At::root(model), &roots);
    }
    joiner.json.finish()
}

/// Returns whether lists of evidence are in instances of other lists.
fn has_nested_evidence(model: &Model) -> bool {
    let lists = |ty: &EntityType| ty.path().map_or(0, |path| path.0.iter().filter(|step| **step == Step::Each).count());
    model.type_ids().map(|ty| model.ty(ty)).any(|ty| ty.is_evidence && lists(ty) > 1)
}

/// Returns the object of a file, or the fault with the text that it is about.
fn root(file: &Arc<Source>, depth: usize) -> Result<Span, (Arc<Source>, Fault)> {
    if let Some((fault, of)) = file.fault() {
        return Err((Arc::clone(of), fault.clone()));
    }
    let here = |span: Span| Place::new(file, span);
    let mut scanner = Scanner::at(file.text(), document_start(file.text())).up_to(depth);
    let scanned =
        scanner.peek().and_then(|(kind, _)| Ok((kind, scanner.skip()?))).and_then(|it| scanner.end().map(|()| it));
    match scanned {
        Ok((Kind::Object, span)) => Ok(span),
        Ok((kind, span)) => {
            let place = here(Span::new(span.start, span.start + 1));
            let message = format!("a file of a joined account is an object, and this is {}", kind.described());
            let help = "put the value in an object, under the name that the schema reads";
            Err((place.source, Fault::new(place.span, message).help(help)))
        }
        Err(error) => {
            let SyntaxProblem { span, message, unquoted, too_deep } = error.into_problem();
            let place = here(span);
            let fault = Fault::new(place.span, message).unquoted(unquoted);
            Err((place.source, if too_deep { fault.help("allow more with --max-depth") } else { fault }))
        }
    }
}

/// Returns the object of a file, or a fault if it has nothing that the schema declares: it may be an error of an API in place
/// of a page.
fn part_of(model: &Model, marks: &Marks, file: &Arc<Source>, span: Span) -> Result<Span, (Arc<Source>, Fault)> {
    let statements = [UNCAPTURED, partial::PARTIAL].map(|name| vec![name.to_owned()]);
    let marks = marks.of(&[]);
    let has_marker = || marks.all().chain(statements.iter().map(Vec::as_slice)).any(|way| has(file, span.start, way));
    if !Snapshot::is_strange(model, file) || has_marker() {
        return Ok(span);
    }
    let place = Place::new(file, Span::new(span.start, span.start + 1));
    let fault = Fault::new(place.span, "the file has no property that the schema declares");
    Err((place.source, fault.help("capture the page again, or move the file out of the folder")))
}

/// A value of a file.
#[derive(Debug, Clone, Copy)]
struct Value {
    file: usize,
    /// The name of the property.
    key: Option<Span>,
    kind: Kind,
    span: Span,
}

/// A property with its values in the files that have it.
struct Property {
    name: String,
    values: Vec<Value>,
}

struct Joiner<'s> {
    model: &'s Model,
    files: &'s [Arc<Source>],
    now: i64,
    marks: Marks,
    json: Derivation,
    /// The names and indexes on the way to the object at hand.
    pointer: Vec<String>,
    /// The document and the instances around it that are merged, innermost last.
    around: Vec<Around>,
    /// The elements of each appended list and file.
    moved: HashMap<(Vec<String>, usize), Moved>,
    /// The number of steps of the longest pointer of a list in `moved`.
    deepest: usize,
    /// The pointers of lists that several files have without a marker of `@more`.
    unmarked: Vec<String>,
}

/// The elements that a file has of a list.
struct Moved {
    /// The new index of each.
    indexes: Vec<usize>,
    /// Whether the file has the only element in place of the list.
    is_only: bool,
}

/// The document, or an instance that several files have.
struct Around {
    /// The number of steps on the way to it.
    depth: usize,
    marks: Rc<MarksOf>,
    /// Its ids.
    ids: Vec<Rc<Identity>>,
    /// Its object in each file that has it.
    objects: Vec<Value>,
}

impl Joiner<'_> {
    fn text(&self, value: &Value, span: Span) -> &str {
        self.files.get(value.file).map_or("", |file| file.slice(span))
    }

    fn place(&self, value: &Value) -> Option<Place> {
        Some(Place::new(self.files.get(value.file)?, value.span))
    }

    /// Writes the object that some objects are together.
    fn object(&mut self, at: &At, objects: &[Value]) {
        let Some(place) = objects.first().and_then(|first| self.place(first)) else { return };
        self.json.open(Container::Object, &place);
        let is_root = self.pointer.is_empty();
        let (partial, mut others): (Vec<Property>, Vec<Property>) = self
            .properties(objects)
            .into_iter()
            .partition(|property| is_root && property.name == partial::PARTIAL && partial::is_reserved(self.model));
        // The pointers of evidence have the new indexes of appended lists, so these are first.
        if at.leads_to_evidence(self.model) {
            let leads =
                |name: &str| at.child(self.model, name).is_some_and(|child| child.leads_to_evidence(self.model));
            others.sort_by_key(|property| leads(&property.name));
        }
        let misspelt = self.misspelt(at, &others);
        for property in others {
            self.pointer.push(property.name.clone());
            self.property(at, &property);
            self.pointer.pop();
        }
        // Two values of one property are an error, and the property is unreadable.
        for (name, value) in misspelt {
            if let Some(place) = value.key.and_then(|key| Some(Place::new(self.files.get(value.file)?, key))) {
                self.json.key(&name, &place);
                self.write(&Value { key: None, ..value });
            }
        }
        if self.around.last().is_some_and(|around| around.depth == self.pointer.len()) {
            if partial::is_reserved(self.model) {
                let unmarked = self.unmarked_lists().map(|mark| pointer(self.pointer.iter().chain(&mark.list)));
                let unmarked: Vec<String> = unmarked.collect();
                self.unmarked.extend(unmarked);
            } else {
                // The property `partial` has another meaning here, so the marker itself says that more follow.
                let markers: Vec<Vec<String>> = self.unmarked_lists().map(|mark| mark.marker.clone()).collect();
                markers.iter().for_each(|marker| self.mark_as_more(marker, &place));
            }
        }
        // Its pointers have the new indexes of appended lists.
        let unmarked = if is_root { std::mem::take(&mut self.unmarked) } else { Vec::new() };
        for property in &partial {
            self.partial(property, &unmarked);
        }
        if partial.is_empty() && !unmarked.is_empty() {
            self.json.key(partial::PARTIAL, &place);
            self.json.open(Container::Array, &place);
            for pointer in &unmarked {
                self.json.text(pointer, &place);
            }
            self.json.close();
        }
        self.json.close();
    }

    /// Returns the values whose names may be misspellings of a property that another file has and this one lacks. The object
    /// that the files are together has that property.
    fn misspelt(&self, at: &At, properties: &[Property]) -> Vec<(String, Value)> {
        let is_read = |name: &str| at.child(self.model, name).is_some();
        let is_free = |name: &str| {
            let marked = self.marks().has_at(&[self.within(), &[name.to_owned()]].concat());
            !is_read(name)
                && !at.ignores(self.model, name)
                && !marked
                && ![UNCAPTURED, partial::PARTIAL].contains(&name)
        };
        let read: Vec<&Property> = properties.iter().filter(|property| is_read(&property.name)).collect();
        let mut found = Vec::new();
        for Property { name, values } in properties.iter().filter(|property| is_free(&property.name)) {
            for value in values {
                let lacks = |other: &&&Property| other.values.iter().all(|known| known.file != value.file);
                let meant = misspelling(name, read.iter().filter(lacks).map(|other| other.name.as_str()));
                found.extend(meant.map(|meant| (meant.to_owned(), *value)));
            }
        }
        found
    }

    /// Returns the properties of some objects, in the order in which they first occur.
    fn properties(&self, objects: &[Value]) -> Vec<Property> {
        let (mut found, mut known) = (Vec::<Property>::new(), HashMap::<String, usize>::default());
        for object in objects {
            let Some(file) = self.files.get(object.file) else { continue };
            #[expect(clippy::let_underscore_must_use, reason = "the file has been scanned before")]
            let _ = Scanner::at(file.text(), object.span.start).object(|scanner, key| {
                let (kind, _) = scanner.peek()?;
                let value = Value { file: object.file, key: Some(key.span), kind, span: scanner.skip()? };
                let name = key.text().into_owned();
                let at = *known.entry(name.clone()).or_insert(found.len());
                match found.get_mut(at) {
                    Some(property) => property.values.push(value),
                    None => found.push(Property { name, values: vec![value] }),
                }
                Ok::<_, SyntaxError>(())
            });
        }
        found
    }

    fn property(&mut self, at: &At, property: &Property) {
        let is_twice = property.values.windows(2).any(|pair| matches!(pair, [a, b] if a.file == b.file));
        let place = self.within();
        let is_more = self.marks().more.iter().any(|mark| mark.marker == place);
        let is_marked = self.marks().has_at(place);
        let child = at.child(self.model, &property.name);
        let is_object = property.values.iter().all(|value| value.kind == Kind::Object);
        match (&property.values[..], child) {
            // The rule for duplicates applies within one file too.
            (values, _) if is_twice => self.write_all(values),
            (values, _) if at.is_evidence(self.model) && property.name == COVERS => self.covers(values),
            (values, _) if is_more => self.more(values),
            ([only], child) if !is_marked && !child.as_ref().is_some_and(|it| it.leads_to_evidence(self.model)) => {
                self.write(only);
            }
            (values, Some(child)) if !child.each(self.model).is_empty() => self.list(&child, values),
            (values, Some(child)) if is_object && values.iter().any(|value| self.is_foreign(&child, value)) => {
                self.write_all(values);
            }
            (values, Some(child)) if is_object => self.merged(&child, values),
            (values, None) if is_object && is_marked => {
                self.merged(&At::elsewhere(), values);
            }
            (values, None) if property.name == UNCAPTURED => self.uncaptured(values),
            (values, None) if !is_marked => values.iter().take(1).for_each(|value| self.write(value)),
            (values, _) => self.distinct(values),
        }
    }

    /// Returns the steps from the innermost object in `around` to the value at hand.
    fn within(&self) -> &[String] {
        self.around.last().and_then(|around| self.pointer.get(around.depth..)).unwrap_or_default()
    }

    /// Returns the markers of the lists of that object.
    fn marks(&self) -> &MarksOf {
        const NONE: &MarksOf = &MarksOf { more: Vec::new(), total: Vec::new() };
        self.around.last().map_or(NONE, |around| &around.marks)
    }

    /// Returns whether an object has properties and none of them is one that the schema reads there: it may be an error in
    /// place of the object.
    fn is_foreign(&self, at: &At, object: &Value) -> bool {
        let names = self.properties(std::slice::from_ref(object));
        let is_marker = |name: &str| self.marks().has_at(&[self.within(), &[name.to_owned()]].concat());
        let is_known = |name: &str| name == UNCAPTURED || at.child(self.model, name).is_some() || is_marker(name);
        !names.is_empty() && !names.iter().any(|property| is_known(&property.name))
    }

    /// Writes the names of properties that any file states as uncaptured. `null` states none, and a value of another shape stays, as
    /// an error.
    fn uncaptured(&mut self, values: &[Value]) {
        if let Some(other) = values.iter().find(|value| !matches!(value.kind, Kind::Array | Kind::Null)) {
            return self.write(other);
        }
        let lists: Vec<Value> = values.iter().filter(|value| value.kind == Kind::Array).copied().collect();
        let Some((first, place)) = lists.first().and_then(|first| Some((first, self.place(first)?))) else { return };
        self.write_key(first);
        self.json.open(Container::Array, &place);
        for element in lists.iter().flat_map(|value| self.elements(value)).collect::<Vec<_>>() {
            self.write(&element);
        }
        self.json.close();
    }

    fn merged(&mut self, at: &At, objects: &[Value]) {
        if let Some(first) = objects.first() {
            self.write_key(first);
            self.object(at, objects);
        }
    }

    /// Writes the pointers of what a piece of evidence covers, with the new indexes of elements.
    fn covers(&mut self, values: &[Value]) {
        let mut known = HashSet::new();
        for value in values {
            let text = string_text(self.text(value, value.span)).filter(|_| value.kind == Kind::String);
            let text = text.as_deref().map(str::trim).filter(|text| text.starts_with('/')).map(str::to_owned);
            let moved = text.as_deref().map(|text| self.moved_pointer(text, value.file));
            let form = match &moved {
                Some(Some(moved)) => (value.kind, Ok(moved.clone())),
                _ => self.form(value),
            };
            let Some(place) = self.place(value).filter(|_| known.insert(form)) else { continue };
            match moved {
                Some(moved) if moved != text => {
                    self.write_key(value);
                    match moved {
                        Some(moved) => self.json.text(&moved, &place),
                        // A pointer that does not fit its file covers nothing.
                        None => self.json.json("null", &place),
                    };
                }
                _ => self.write(value),
            }
        }
    }

    fn write_key(&mut self, value: &Value) {
        if let (Some(file), Some(key)) = (self.files.get(value.file), value.key) {
            self.json.copy_key(file, key);
        }
    }

    fn write(&mut self, value: &Value) {
        self.write_key(value);
        if let Some(file) = self.files.get(value.file) {
            self.json.copy(file, value.span);
        }
    }

    fn write_all(&mut self, values: &[Value]) {
        values.iter().for_each(|value| self.write(value));
    }

    /// Writes a value that all files must have in the same form, and every value that differs.
    fn distinct(&mut self, values: &[Value]) {
        let mut known = HashSet::new();
        let distinct: Vec<Value> = values.iter().filter(|value| known.insert(self.form(value))).copied().collect();
        let is_time = self.pointer.len() == 1 && self.pointer.iter().all(|name| name == "captured_at");
        let times: Vec<Option<i64>> = distinct.iter().map(|value| self.time(value)).collect();
        if is_time && times.iter().all(Option::is_some) {
            // The account is as old as its oldest part. A time after that of the run is wrong, so the age is not known.
            let times = times.into_iter().flatten().map(|time| if time > self.now { i64::MIN } else { time });
            let oldest = distinct.iter().zip(times).min_by_key(|(_, time)| *time).map(|(value, _)| *value);
            return self.write_all(oldest.as_slice());
        }
        self.write_all(&distinct);
    }

    /// Returns the form of a value in which equal values are equal: its text if it is a valid string, a number by its value, a list of single
    /// values without its order, and otherwise its JSON. Spellings of a property of the id of an instance are equal.
    fn form(&self, value: &Value) -> (Kind, Result<String, String>) {
        let text = self.text(value, value.span);
        let form = match string_text(text).filter(|_| value.kind == Kind::String) {
            Some(text) => {
                let ids = self.around.last().map_or(&[][..], |around| &around.ids);
                let folded = ids.iter().find_map(|id| id.folded(self.within(), &text));
                Ok(folded.unwrap_or_else(|| text.into_owned()))
            }
            None if value.kind == Kind::Number => Err(number_form(text)),
            None => Err(self.sorted(value).unwrap_or_else(|| without_blanks(text))),
        };
        (value.kind, form)
    }

    /// Returns the form of a list whose elements are neither lists nor objects, without their order. Equal elements are all there, because
    /// an attribute may count them.
    fn sorted(&self, value: &Value) -> Option<String> {
        let elements = if value.kind == Kind::Array { self.elements(value) } else { return None };
        let form = |element: &Value| {
            let text = self.text(element, element.span);
            match element.kind {
                Kind::Array | Kind::Object => None,
                Kind::Number => Some(number_form(text)),
                // Texts of JSON with other escapes.
                Kind::String => Some(string_text(text).map_or_else(|| text.to_owned(), |text| format!("{text:?}"))),
                Kind::Bool | Kind::Null => Some(text.to_owned()),
            }
        };
        let mut forms = elements.iter().map(form).collect::<Option<Vec<String>>>()?;
        forms.sort_unstable();
        Some(forms.join(","))
    }

    fn time(&self, value: &Value) -> Option<i64> {
        let text = string_text(self.text(value, value.span)).filter(|_| value.kind == Kind::String)?;
        parse_datetime(text.trim()).ok()
    }

    /// Writes a list of instances with the instances of all files.
    fn list(&mut self, at: &At, values: &[Value]) {
        let types = at.types(self.model);
        let is_one_or_many = types.iter().any(|ty| self.model.ty(*ty).one_or_many);
        let is_list = |value: &Value| value.kind == Kind::Array || is_one_or_many && value.kind == Kind::Object;
        let is_array = values.iter().all(is_list);
        let is_map = !is_array && values.iter().all(|value| value.kind == Kind::Object);
        let Some(first) = values.first().filter(|_| is_array || is_map) else { return self.distinct(values) };
        let Some(place) = self.place(first) else { return };
        let ids: Vec<Rc<Identity>> = types.iter().map(|ty| Rc::new(Identity::new(self.model.ty(*ty)))).collect();
        let instances = self.instances(values, &ids, is_array);
        let object: Vec<Step> =
            types.first().and_then(|ty| self.model.ty(*ty).path()).map_or(Vec::new(), |path| path.0.clone());
        let marks = self.marks.of(&object);
        let element = at.element(self.model);
        self.write_key(first);
        self.json.open(if is_array { Container::Array } else { Container::Object }, &place);
        for (index, instance) in instances.into_iter().enumerate() {
            let Some(first) = instance.first() else { continue };
            if let [only] = &instance[..]
                && !(only.kind == Kind::Object && element.leads_to_evidence(self.model))
            {
                self.write(only);
                continue;
            }
            self.pointer.push(if is_map { self.name(first).unwrap_or_default() } else { index.to_string() });
            let depth = self.pointer.len();
            // The id of an instance of a map is its name.
            let text = self.files.get(first.file).map_or("", |file| file.text());
            let of_type = ids.iter().filter(|id| is_array && id.judges(text, first.kind, first.span));
            let ids = of_type.cloned().collect();
            self.around.push(Around { depth, marks: Rc::clone(&marks), ids, objects: instance.clone() });
            let is_object = |value: &Value| value.kind == Kind::Object && !self.is_foreign(&element, value);
            if instance.iter().all(is_object) {
                self.write_key(first);
                self.object(&element, &instance);
            } else {
                self.distinct(&instance);
            }
            self.around.pop();
            self.pointer.pop();
        }
        self.json.close();
    }

    /// Returns the instances of a list in their order, each with its object of every file that has it.
    fn instances(&mut self, values: &[Value], ids: &[Rc<Identity>], is_array: bool) -> Vec<Vec<Value>> {
        // The number of each element by its id, and the file that last had it.
        let mut known = HashMap::<Vec<String>, (usize, usize)>::default();
        let (mut numbered, mut twice) = (Vec::<Vec<(Value, usize)>>::new(), FxHashSet::default());
        let mut count = 0;
        for value in values {
            let elements = match value.kind {
                // The only element of a list.
                Kind::Object if is_array => vec![Value { key: None, ..*value }],
                _ => self.elements(value),
            };
            let mut of_file = Vec::with_capacity(elements.len());
            for element in elements {
                let id = if !is_array { self.name(&element).map(|name| vec![name]) } else { self.id(&element, ids) };
                let mut number = count;
                match id.map(|id| known.entry(id)) {
                    Some(Entry::Occupied(mut entry)) => {
                        let (first, file) = entry.get_mut();
                        number = *first;
                        if std::mem::replace(file, element.file) == element.file {
                            twice.insert(number);
                        }
                    }
                    Some(Entry::Vacant(entry)) => {
                        entry.insert((number, element.file));
                        count += 1;
                    }
                    None => count += 1,
                }
                of_file.push((element, number));
            }
            numbered.push(of_file);
        }
        let (mut instances, mut index_of) = (Vec::<Vec<Value>>::new(), FxHashMap::<usize, usize>::default());
        for (value, elements) in values.iter().zip(numbered) {
            let mut indexes = Vec::with_capacity(elements.len());
            for (element, number) in elements {
                let new = instances.len();
                // Two instances of one file with one id are duplicates, and so are those of the other files.
                let index = if twice.contains(&number) { new } else { *index_of.entry(number).or_insert(new) };
                match instances.get_mut(index) {
                    Some(instance) => instance.push(element),
                    None => instances.push(vec![element]),
                }
                indexes.push(index);
            }
            if is_array {
                let is_only = value.kind == Kind::Object;
                self.deepest = self.deepest.max(self.pointer.len());
                self.moved.insert((self.pointer.clone(), value.file), Moved { indexes, is_only });
            }
        }
        instances
    }

    /// Returns the name of a property.
    fn name(&self, property: &Value) -> Option<String> {
        string_text(self.text(property, property.key?)).map(Cow::into_owned)
    }

    /// Returns the ids of an element for the types of its list, if it has them all. Without one, equal elements may be
    /// different instances.
    fn id(&self, element: &Value, ids: &[Rc<Identity>]) -> Option<Vec<String>> {
        let text = self.files.get(element.file).map(|file| file.text())?;
        let mut parts = Vec::new();
        for id in ids {
            parts.extend(id.of(text, element.kind, element.span)?);
        }
        // An element that no type judges has no id.
        let is_judged = ids.iter().any(|id| id.judges(text, element.kind, element.span));
        Some(parts).filter(|_| is_judged)
    }

    /// Returns the elements of an array, or the properties of an object.
    fn elements(&self, value: &Value) -> Vec<Value> {
        let mut elements = Vec::new();
        let Some(file) = self.files.get(value.file) else { return elements };
        let mut scanner = Scanner::at(file.text(), value.span.start);
        let mut add = |key, scanner: &mut Scanner<'_>| {
            let (kind, _) = scanner.peek()?;
            elements.push(Value { file: value.file, key, kind, span: scanner.skip()? });
            Ok::<_, SyntaxError>(())
        };
        #[expect(clippy::let_underscore_must_use, reason = "the file has been scanned before")]
        let _ = match value.kind {
            Kind::Array => scanner.array(|scanner, _| add(None, scanner)),
            _ => scanner.object(|scanner, key| add(Some(key.span), scanner)),
        };
        elements
    }

    /// Writes a marker of `@more`. A list is complete only if the marker of its last file says so, and those of its other
    /// files say that more follow.
    fn more(&mut self, values: &[Value]) {
        let is_more = |value: &Value| !matches!(self.text(value, value.span), "null" | "false" | "\"\"" | "[]" | "{}");
        let saying: FxHashSet<usize> = values.iter().filter(|value| is_more(value)).map(|value| value.file).collect();
        let says_more = |file: usize| saying.contains(&file);
        let lists = self.marks().more.iter().filter(|mark| mark.marker == self.within()).map(|mark| &mark.list);
        let files: Vec<Vec<usize>> = lists.map(|list| self.files_with(list)).collect();
        let is_complete = |files: &Vec<usize>| match files.split_last() {
            Some((last, others)) => !says_more(*last) && others.iter().all(|file| says_more(*file)),
            None => true,
        };
        let with_list: FxHashSet<usize> = files.iter().flatten().copied().collect();
        let is_stray = |value: &&Value| says_more(value.file) && !with_list.contains(&value.file);
        let open = !files.iter().all(is_complete) || values.iter().any(|value| is_stray(&value));
        let shown = values.iter().rfind(|value| says_more(value.file) == open).or(values.last());
        let Some(shown) = shown.copied() else { return };
        let is_said = says_more(shown.file) == open;
        match self.place(&shown).filter(|_| !is_said) {
            None => self.write(&shown),
            Some(place) => {
                self.write_key(&shown);
                self.json.json(if open { "true" } else { "false" }, &place);
            }
        }
    }

    /// Returns the files that have a value on a way of names from the innermost object in `around`.
    fn files_with(&self, way: &[String]) -> Vec<usize> {
        let objects = self.around.last().map_or(&[][..], |around| &around.objects);
        let has = |object: &&Value| self.files.get(object.file).is_some_and(|file| has(file, object.span.start, way));
        objects.iter().filter(has).map(|object| object.file).collect()
    }

    /// Writes the pointers of partial lists, with the new indexes of elements. `null` has none.
    fn partial(&mut self, property: &Property, unmarked: &[String]) {
        let values = &property.values;
        let is_twice = values.windows(2).any(|pair| matches!(pair, [a, b] if a.file == b.file));
        let is_list = values.iter().all(|value| matches!(value.kind, Kind::Array | Kind::Null));
        let lists = || values.iter().filter(|value| value.kind == Kind::Array);
        let Some(first) = values.first().copied().filter(|_| is_list && !is_twice) else {
            return self.write_all(values);
        };
        let Some(place) = self.place(&first) else { return };
        self.write_key(&first);
        self.json.open(Container::Array, &place);
        for element in lists().flat_map(|value| self.elements(value)).collect::<Vec<_>>() {
            let text = string_text(self.text(&element, element.span)).filter(|_| element.kind == Kind::String);
            let moved = text.map(|text| self.moved_pointer(&text, element.file));
            match (moved, self.place(&element)) {
                (Some(Some(pointer)), Some(place)) => self.json.text(&pointer, &place),
                // A pointer that does not fit its file makes every list partial.
                (_, Some(place)) => self.json.json("null", &place),
                (_, None) => continue,
            };
        }
        for pointer in unmarked {
            self.json.text(pointer, &place);
        }
        self.json.close();
    }

    /// Returns the markers of lists with `@more` that several files have, and whose markers no file has: no file says that
    /// more follow, and yet more follow. A list whose total a file states is compared with it.
    fn unmarked_lists(&self) -> impl Iterator<Item = &Mark> {
        let marks = self.marks();
        let is_unmarked = |mark: &&Mark| {
            let has_total =
                marks.total.iter().any(|it| it.list == mark.list && !self.files_with(&it.marker).is_empty());
            self.files_with(&mark.list).len() > 1 && self.files_with(&mark.marker).is_empty() && !has_total
        };
        marks.more.iter().filter(is_unmarked)
    }

    /// Writes a marker of `@more` that says that more follow. If its object is there without it, the object is there twice
    /// then, so the marker cannot be read, and the list is partial too.
    fn mark_as_more(&mut self, marker: &[String], place: &Place) {
        let Some((last, around)) = marker.split_last() else { return };
        for name in around {
            self.json.key(name, place);
            self.json.open(Container::Object, place);
        }
        self.json.key(last, place);
        self.json.json("true", place);
        around.iter().for_each(|_| {
            self.json.close();
        });
    }

    /// Returns a pointer of a file as it is in the whole; `None` if it has an element that its file does not have.
    fn moved_pointer(&self, text: &str, file: usize) -> Option<String> {
        let mut steps: Vec<String> = Vec::new();
        for step in text.split('/').skip(1).map(unescape) {
            // A pointer may have any number of steps.
            let moved = if steps.len() > self.deepest { None } else { self.moved.get(&(steps.clone(), file)) };
            let index = step.parse::<usize>().ok().filter(|_| step.bytes().all(|byte| byte.is_ascii_digit()));
            match (moved, index) {
                (Some(Moved { indexes, is_only: true }), _) => {
                    steps.extend([indexes.first()?.to_string(), step]);
                }
                (Some(Moved { indexes, .. }), Some(index)) => steps.push(indexes.get(index)?.to_string()),
                _ => steps.push(step),
            }
        }
        Some(pointer(&steps))
    }
}

fn pointer<'s>(steps: impl IntoIterator<Item = &'s String>) -> String {
    steps.into_iter().fold(String::new(), |text, step| text + "/" + &escape(step))
}

/// Returns whether the object at an offset of a file has a value on a way of names.
fn has(file: &Source, object: u32, way: &[String]) -> bool {
    way.iter().try_fold(object, |at, name| property_of(file.text(), at, name)).is_some()
}

/// Returns the start of a property of the object at an offset.
fn property_of(text: &str, object: u32, name: &str) -> Option<u32> {
    let mut found = None;
    #[expect(clippy::let_underscore_must_use, reason = "a value of another kind does not have the property")]
    let _ = Scanner::at(text, object).object(|scanner, key| {
        let (_, start) = scanner.peek()?;
        if key.text() == name {
            found = Some(start);
        }
        scanner.skip().map(|_| ())
    });
    found
}

/// Returns JSON without the white space outside its strings.
fn without_blanks(json: &str) -> String {
    let (mut kept, mut in_string, mut escaped) = (String::with_capacity(json.len()), false, false);
    for c in json.chars() {
        if in_string || !matches!(c, ' ' | '\n' | '\r' | '\t') {
            kept.push(c);
        }
        in_string ^= c == '"' && !escaped;
        escaped = in_string && c == '\\' && !escaped;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Schema;

    /// 2026-09-03.
    const NOW: i64 = 1_788_393_600_000;

    const SCHEMA: &str = r#"
        @path("") @key("name") entity Account = {
            name: String, captured_at?: datetime, sso: { on?: Bool, by?: String }, tags?: Set<String>, @path("box") whole?: Whole
        };
        type Whole = { a?: Long, b?: Long };
        @path("/people/*") @key("id") @more("/next") @total("/page/total") entity Person in [Account] = { id: String, n?: Long };
        @path("/notes/*") entity Note in [Account] = { n: Long };
        @path("/rooms/*") @key("id") entity Room in [Account] = { @as("casefold") id: String, n?: Long };
        @path("/rooms/*/desks/*") @key("id") @more("/rooms/*/next") entity Desk in [Room] = { id: String, n?: Long };
        @path("/tools/*") @key("id") @where("kind = saw") entity Saw in [Account] = { id: Long, n?: Long };
        @path("/tools/*") @key("name") @where("kind = awl") entity Awl in [Account] = { name: String, n?: Long };
        @path("/pens/*") @key("id") entity Pen in [Account] = { @as("casefold") id: String, @path("id") raw: String };
        @path("/cars/*") @key("plate, mail") entity Car in [Account] = { plate?: String, @as("email") mail?: String };
        @path("/tags2/*") @key("") entity Tag in [Account] = { @as("casefold") @path("") text: String };
        @path("/idp/*") @key("id") @one_or_many entity Idp in [Account] = { id: String, n?: Long };
        @path("/rooms/*/proof/*") @evidence entity RoomProof in [Room] = { covers?: String };
        @path("/proof/*") @evidence @key("file") entity Proof in [Account] = { file: String, covers?: String };
        @path("/hosts/*") @key("zone + id") @where("kind = web") entity Web in [Account] = { n?: Long };
        type Context = { now: datetime };
        action "audit" appliesTo { principal: [Account], resource: [Account, Person, Note, Room, Desk, Web, Proof, RoomProof, Idp, Saw, Awl, Car, Tag, Pen], context: Context };
    "#;

    fn joined(files: &[&str]) -> Arc<Source> {
        joined_by(SCHEMA, files)
    }

    fn joined_by(schema: &str, files: &[&str]) -> Arc<Source> {
        let (schema, diagnostics) = Schema::parse(&Source::new("s", schema).unwrap());
        let model = schema.unwrap_or_else(|| panic!("{diagnostics:?}")).model;
        let name = |(at, text): (usize, &&str)| Source::new(format!("{}.json", at + 1), *text).unwrap();
        let files: Vec<_> = files.iter().enumerate().map(name).collect();
        join("folder", &files, &model, (20, NOW)).unwrap()
    }

    #[test]
    fn files_are_one_account() {
        for (files, whole) in [
            // Objects are merged; undeclared values are those of the first file.
            (
                &[r#"{"name":"A","sso":{"on":true},"page":1,"x":{"y":1}}"#, r#"{"sso":{"by":"me"},"x":{"z":2}}"#][..],
                r#"{"name":"A","sso":{"on":true,"by":"me"},"page":1,"x":{"y":1}}"#,
            ),
            (&[r#"{"box":{"a":1}}"#, r#"{"box":{"b":2}}"#], r#"{"box":{"a":1,"b":2}}"#),
            // Equal values are one value, and others are both there.
            (&[r#"{"name":"\u0041"}"#, r#"{"name":"A"}"#, r#"{"name":"A"}"#], r#"{"name":"\u0041"}"#),
            (&[r#"{"name":"A"}"#, r#"{"name":"B"}"#], r#"{"name":"A","name":"B"}"#),
            (&[r#"{"sso":null}"#, r#"{"sso":{"on":true}}"#], r#"{"sso":null,"sso":{"on":true}}"#),
            (&[r#"{"tags":["a", "b"]}"#, r#"{"tags":["a","b"]}"#], r#"{"tags":["a", "b"]}"#),
            (&[r#"{"tags":["a"]}"#, r#"{"tags":["b"]}"#], r#"{"tags":["a"],"tags":["b"]}"#),
            (&[r#"{"tags":["a","b,c"]}"#, r#"{"tags":["b,\u0063","a"]}"#], r#"{"tags":["a","b,c"]}"#),
            (&[r#"{"tags":["a"]}"#, r#"{"tags":["a","a"]}"#], r#"{"tags":["a"],"tags":["a","a"]}"#),
            (&[r#"{"tags":["a,b"]}"#, r#"{"tags":["a","b"]}"#], r#"{"tags":["a,b"],"tags":["a","b"]}"#),
            (&[r#"{"tags":["1"]}"#, r#"{"tags":[1]}"#], r#"{"tags":["1"],"tags":[1]}"#),
            (&[r#"{"box":{"a":5}}"#, r#"{"box":{"a":5.0}}"#, r#"{"box":{"a":50e-1}}"#], r#"{"box":{"a":5}}"#),
            (&[r#"{"box":{"a":5}}"#, r#"{"box":{"a":"5"}}"#], r#"{"box":{"a":5,"a":"5"}}"#),
            (&[r#"{"box":{"a":1}}"#, r#"{"box":{"a":2}}"#], r#"{"box":{"a":1,"a":2}}"#),
            // A property that a file misspells is there twice, unless the file has it too.
            (&[r#"{"tags":["a"]}"#, r#"{"tagss":["b"]}"#], r#"{"tags":["a"],"tagss":["b"],"tags":["b"]}"#),
            (&[r#"{"tags":["a"],"tagss":1}"#, r#"{"name":"A"}"#], r#"{"tags":["a"],"tagss":1,"name":"A"}"#),
            // An object without a declared property may be an error in its place.
            (
                &[r#"{"sso":{"on":true}}"#, r#"{"sso":{"error":"forbidden"}}"#],
                r#"{"sso":{"on":true},"sso":{"error":"forbidden"}}"#,
            ),
            (&[r#"{"sso":{"on":true}}"#, r#"{"sso":{}}"#], r#"{"sso":{"on":true}}"#),
            // A name that one file has twice stays twice.
            (&[r#"{"name":"A","name":"A"}"#, r#"{"name":"A"}"#], r#"{"name":"A","name":"A","name":"A"}"#),
            // The whole is as old as its oldest part.
            (
                &[r#"{"captured_at":"2026-09-02"}"#, r#"{"captured_at":"2026-09-01T00:00:00Z"}"#],
                r#"{"captured_at":"2026-09-01T00:00:00Z"}"#,
            ),
            // A time after that of the run makes the age unknown.
            (
                &[r#"{"captured_at":"2026-09-02"}"#, r#"{"captured_at":"2026-09-04"}"#],
                r#"{"captured_at":"2026-09-04"}"#,
            ),
            (
                &[r#"{"captured_at":"2026-09-02"}"#, r#"{"captured_at":"?"}"#],
                r#"{"captured_at":"2026-09-02","captured_at":"?"}"#,
            ),
            // Lists are appended, with equal instances once. No file says that more people follow, so they are partial.
            (
                &[r#"{"people":[{"id":"a"},{"id":"b","n":1}]}"#, r#"{"people":[{"id":"b", "n": 1},{"id":"b","n":2}]}"#],
                r#"{"people":[{"id":"a"},{"id":"b","n":1},{"id":"b", "n": 1},{"id":"b","n":2}],"partial":["/people"]}"#,
            ),
            (
                &[r#"{"people":[{"id":"a"},{"id":"a"}]}"#, r#"{"people":[]}"#],
                r#"{"people":[{"id":"a"},{"id":"a"}],"partial":["/people"]}"#,
            ),
            (
                &[r#"{"people":[{"n":1},null]}"#, r#"{"people":[{"n":1},null]}"#],
                r#"{"people":[{"n":1},null,{"n":1},null],"partial":["/people"]}"#,
            ),
            (&[r#"{"notes":[{"n":1}]}"#, r#"{"notes":[{"n":1}]}"#], r#"{"notes":[{"n":1},{"n":1}]}"#),
            (
                &[r#"{"people":{"a":{"id":"a"}}}"#, r#"{"people":{"a":{"id":"a"},"b":{"id":"b"}}}"#],
                r#"{"people":{"a":{"id":"a"},"b":{"id":"b"}},"partial":["/people"]}"#,
            ),
            (&[r#"{"people":[]}"#, r#"{"people":{}}"#], r#"{"people":[],"people":{},"partial":["/people"]}"#),
            (&[r#"{"people":null}"#, r#"{"people":[]}"#], r#"{"people":null,"people":[],"partial":["/people"]}"#),
            // Instances with one id are merged, in lists and in maps; other properties of two values are both there.
            (
                &[r#"{"rooms":[{"id":"a","n":1},{"id":"b"}]}"#, r#"{"rooms":[{"n":2,"id":"b"},{"id":"a","n":3}]}"#],
                r#"{"rooms":[{"id":"a","n":1,"n":3},{"id":"b","n":2}]}"#,
            ),
            (
                &[
                    r#"{"rooms":{"x":{"id":"a"}}}"#,
                    r#"{"rooms":{"x":{"id":"a","n":1},"y":null}}"#,
                    r#"{"rooms":{"y":{}}}"#,
                ],
                r#"{"rooms":{"x":{"id":"a","n":1},"y":null,"y":{}}}"#,
            ),
            // Ids are compared in the form in which the schema reads them.
            (&[r#"{"rooms":[{"id":"A"}]}"#, r#"{"rooms":[{"id":" a","n":1}]}"#], r#"{"rooms":[{"id":"A","n":1}]}"#),
            (
                &[r#"{"people":[{"id":"A"}],"next":1}"#, r#"{"people":[{"id":"a"}],"next":null}"#],
                r#"{"people":[{"id":"A"},{"id":"a"}],"next":null}"#,
            ),
            // Without an id that can be read, elements are not merged.
            (
                &[
                    r#"{"rooms":[{"id":null},{"id":["a"]},{"id":"a","id":"a"},{"id":""}]}"#,
                    r#"{"rooms":[{"id":"a"},{"id":""}]}"#,
                ],
                r#"{"rooms":[{"id":null},{"id":["a"]},{"id":"a","id":"a"},{"id":""},{"id":"a"},{"id":""}]}"#,
            ),
            // All parts of an id, and the word that decides the type.
            (
                &[
                    r#"{"hosts":[{"zone":"z","id":1,"kind":"web"},{"zone":"z","id":2,"kind":"db"},{"zone":"z","id":3}]}"#,
                    r#"{"hosts":[{"id":1,"zone":"z","kind":" Web","n":1},{"id":2,"zone":"z","kind":"web"},{"id":3,"zone":"z"}]}"#,
                ],
                r#"{"hosts":[{"zone":"z","id":1,"kind":"web","n":1},{"zone":"z","id":2,"kind":"db"},{"zone":"z","id":3},{"id":2,"zone":"z","kind":"web"},{"id":3,"zone":"z"}]}"#,
            ),
            // A word that decides the type decides which ids count.
            (
                &[
                    r#"{"tools":[{"kind":"saw","id":1,"n":1},{"kind":"awl","name":"a"},{"kind":"x","id":1}]}"#,
                    r#"{"tools":[{"kind":"Awl","name":"a","n":2},{"kind":"saw","id":1},{"kind":"x","id":1}]}"#,
                ],
                r#"{"tools":[{"kind":"saw","id":1,"n":1},{"kind":"awl","name":"a","n":2},{"kind":"x","id":1},{"kind":"x","id":1}]}"#,
            ),
            // Another property of the id may differ, and then it is a conflict.
            (
                &[
                    r#"{"cars":[{"plate":"1","mail":"a@b.example"}]}"#,
                    r#"{"cars":[{"plate":"1","mail":"c@b.example"}]}"#,
                    r#"{"cars":[{"plate":"1","mail":"A@b.example"}]}"#,
                ],
                r#"{"cars":[{"plate":"1","mail":"a@b.example","mail":"c@b.example"}]}"#,
            ),
            // An attribute that reads an id as it is written tells spellings apart.
            (&[r#"{"pens":[{"id":"A"}]}"#, r#"{"pens":[{"id":"a"}]}"#], r#"{"pens":[{"id":"A"},{"id":"a"}]}"#),
            // An error in place of an instance of a map, and spellings of a scalar.
            (
                &[r#"{"rooms":{"x":{"n":1}}}"#, r#"{"rooms":{"x":{"error":"forbidden"}}}"#],
                r#"{"rooms":{"x":{"n":1},"x":{"error":"forbidden"}}}"#,
            ),
            (&[r#"{"tags2":["a","b"]}"#, r#"{"tags2":["A"]}"#], r#"{"tags2":["a","b"]}"#),
            // Lists of an instance are pages too, with the markers of the instance.
            (
                &[
                    r#"{"rooms":[{"id":"z"},{"id":"a","desks":[{"id":"1"}],"next":"2"}],"partial":["/rooms/1/desks/0/x"]}"#,
                    r#"{"rooms":[{"id":"a","desks":[{"id":"2"}],"next":null}],"partial":["/rooms/0/desks/0/x"]}"#,
                ],
                r#"{"rooms":[{"id":"z"},{"id":"a","desks":[{"id":"1"},{"id":"2"}],"next":null}],"partial":["/rooms/1/desks/0/x","/rooms/1/desks/1/x"]}"#,
            ),
            (
                &[
                    r#"{"rooms":[{"id":"a","desks":[],"next":null}]}"#,
                    r#"{"rooms":[{"id":"a","desks":[],"next":"3"}]}"#,
                ],
                r#"{"rooms":[{"id":"a","desks":[],"next":"3"}]}"#,
            ),
            (
                &[r#"{"rooms":[{"id":"a","desks":[]},{"id":"b","desks":[]}]}"#, r#"{"rooms":[{"id":"b","desks":[]}]}"#],
                r#"{"rooms":[{"id":"a","desks":[]},{"id":"b","desks":[]}],"partial":["/rooms/1/desks"]}"#,
            ),
            // Indexes of partial lists are those of the whole.
            (
                &[
                    r#"{"people":[{"id":"a"},{"id":"b"}],"partial":["/people/1/x"]}"#,
                    r#"{"partial":["/people/0/x","/people/1/x","/people/9/x","/notes",7],"people":[{"id":"b"},{"id":"c"}]}"#,
                ],
                r#"{"people":[{"id":"a"},{"id":"b"},{"id":"c"}],"partial":["/people/1/x","/people/1/x","/people/2/x",null,"/notes",null,"/people"]}"#,
            ),
            // So are those of what evidence covers, and its list follows the others.
            (
                &[
                    r#"{"proof":[{"file":"1","covers":"/notes/0/n"},{"file":"2","covers":"/notes"}],"notes":[{},{}]}"#,
                    r#"{"proof":[{"file":"3","covers":"/notes/0"},{"file":"4","covers":"/notes/9"},{"file":"1","covers":"/notes/0/n"},"x"],"notes":[{}]}"#,
                ],
                r#"{"notes":[{},{},{}],"proof":[{"file":"1","covers":"/notes/0/n","covers":"/notes/2/n"},{"file":"2","covers":"/notes"},{"file":"3","covers":"/notes/2"},{"file":"4","covers":null},"x"]}"#,
            ),
            (
                &[
                    r#"{"idp":[{"id":"a"}]}"#,
                    r#"{"idp":{"id":"b"},"proof":[{"file":"1","covers":"/idp/id"},{"file":"2","covers":"/idp"}],"partial":["/idp/x"]}"#,
                ],
                r#"{"idp":[{"id":"a"},{"id":"b"}],"proof":[{"file":"1","covers":"/idp/1/id"},{"file":"2","covers":"/idp"}],"partial":["/idp/1/x"]}"#,
            ),
            (
                &[
                    r#"{"rooms":[{"id":"a","proof":[{"covers":"/rooms/1"}]},{"proof":[],"id":"b"}]}"#,
                    r#"{"rooms":[{"id":"c","proof":[{"covers":"/rooms/1"},{"covers":"/rooms/0/proof/1"}]},{"id":"d","error":1,"error":2}]}"#,
                ],
                r#"{"rooms":[{"id":"a","proof":[{"covers":"/rooms/1"}]},{"id":"b","proof":[]},{"id":"c","proof":[{"covers":"/rooms/3"},{"covers":"/rooms/2/proof/1"}]},{"id":"d","error":1,"error":2}]}"#,
            ),
            (
                &[
                    r#"{"rooms":[{"id":"a"},{"id":"b"}],"proof":[{"file":"1","covers":"/rooms/1"}]}"#,
                    r#"{"proof":[{"file":"1","covers":"/rooms/0"},{"file":2,"covers":7},{"file":"3","covers":"rooms/0"}],"rooms":[{"id":"b"}]}"#,
                ],
                r#"{"rooms":[{"id":"a"},{"id":"b"}],"proof":[{"file":"1","covers":"/rooms/1"},{"file":2,"covers":7},{"file":"3","covers":"rooms/0"}]}"#,
            ),
            (
                &[r#"{"uncaptured":["sso"],"sso":null}"#, r#"{"uncaptured":["tags"],"sso":null}"#],
                r#"{"uncaptured":["sso","tags"],"sso":null}"#,
            ),
            (&[r#"{"uncaptured":["sso"]}"#, r#"{"uncaptured":"tags"}"#], r#"{"uncaptured":"tags"}"#),
            (&[r#"{"uncaptured":null}"#, r#"{"uncaptured":["sso"]}"#], r#"{"uncaptured":["sso"]}"#),
            (&[r#"{"uncaptured":["sso"]}"#, r#"{"uncaptured":null}"#], r#"{"uncaptured":["sso"]}"#),
            (&[r#"{"partial":null}"#, r#"{"partial":["/people"]}"#], r#"{"partial":["/people"]}"#),
            // Both files have the list, and no file says that more people follow.
            (
                &[r#"{"people":[],"partial":null}"#, r#"{"people":[],"partial":null}"#],
                r#"{"people":[],"partial":["/people"]}"#,
            ),
            (&[r#"{"partial":"/people"}"#, r#"{"partial":[]}"#], r#"{"partial":"/people","partial":[]}"#),
        ] {
            assert_eq!(joined(files).text(), whole);
        }
    }

    #[test]
    fn a_list_of_pages_is_complete_only_by_the_markers_of_all() {
        let more = |markers: &[&str]| {
            let page = |marker: &&str| match *marker {
                "" => r#"{"people":[]}"#.to_owned(),
                marker => format!(r#"{{"people":[],"next":{marker}}}"#),
            };
            let pages: Vec<String> = markers.iter().map(page).collect();
            let whole = joined(&pages.iter().map(String::as_str).collect::<Vec<_>>());
            whole.text().split_once("\"next\":").map_or("", |(_, next)| next.trim_end_matches('}')).to_owned()
        };
        assert_eq!(more(&["\"2\"", "\"3\"", "null"]), "null");
        assert_eq!(more(&["\"2\"", "\"3\""]), "\"3\"");
        // The last page is not the last file, two pages are the last, or one does not say.
        assert_eq!(more(&["null", "\"2\""]), "\"2\"");
        assert_eq!(more(&["null", "null"]), "true");
        assert_eq!(more(&["", "null"]), "true");
        // As in one file, the last page may leave the marker out.
        assert_eq!(more(&["\"2\"", ""]), "false");
        assert_eq!(more(&["", ""]), "");
        // A file without the list that says more.
        assert_eq!(joined(&[r#"{"people":[],"next":null}"#, r#"{"next":"x"}"#]).text(), r#"{"people":[],"next":"x"}"#);
        assert_eq!(
            joined(&[r#"{"people":[],"page":{"total":2}}"#, r#"{"people":[],"page":{"total":3}}"#]).text(),
            r#"{"people":[],"page":{"total":2,"total":3}}"#
        );
    }

    #[test]
    fn a_list_without_a_marker_is_partial_if_the_schema_has_a_property_partial() {
        let schema = SCHEMA.replace("tags?: Set<String>", "tags?: Set<String>, partial?: Bool");
        let whole = joined_by(&schema, &[r#"{"people":[]}"#, r#"{"people":[]}"#]);
        assert_eq!(whole.text(), r#"{"people":[],"next":true}"#);
    }

    #[test]
    fn places_are_those_of_the_files() {
        let whole =
            joined(&[r#"{"name":"A","people":[{"id":"a"}]}"#, r#"{ "people": [{"id": "b"}], "sso": {"by": "me"} }"#]);
        let place = |part: &str| {
            let at = whole.text().find(part).unwrap();
            let place = Place::new(&whole, Span::from(at..at + part.len()));
            format!("{} {}", place.source.name(), place.text())
        };
        assert_eq!(whole.name(), "folder");
        assert_eq!(place("\"a\""), "1.json \"a\"");
        assert_eq!(place("\"b\""), "2.json \"b\"");
        assert_eq!(place("\"me\""), "2.json \"me\"");
        assert_eq!(whole.files().len(), 2);
    }

    #[test]
    fn a_file_that_is_not_valid_is_the_fault_of_the_whole() {
        for (file, message, help) in [
            ("{\"a\":", "expected a value, the text ends here", None),
            (
                "[1]",
                "a file of a joined account is an object, and this is an array",
                Some("put the value in an object, under the name that the schema reads"),
            ),
            ("", "expected a value, the text ends here", None),
            (
                "{}",
                "the file has no property that the schema declares",
                Some("capture the page again, or move the file out of the folder"),
            ),
            (
                &format!("{{\"a\":{}", "[".repeat(30)),
                "nested deeper than 20 levels",
                Some("allow more with --max-depth"),
            ),
            (
                r#"{"error": "rate limited"}"#,
                "the file has no property that the schema declares",
                Some("capture the page again, or move the file out of the folder"),
            ),
        ] {
            let whole = joined(&[r#"{"people":[]}"#, file]);
            let (fault, of) = whole.fault().unwrap();
            assert_eq!((of.name(), fault.message.as_str(), fault.help.as_deref()), ("2.json", message, help));
        }
    }
}
