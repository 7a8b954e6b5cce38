//! The plan of a schema: its entity types, attributes and words, from the shape of documents.

use super::format::Format;
use super::keys;
use super::names::{Names, can_be_ignored, element_type, has_path, identifier, words};
use super::secret;
use super::shape::{Place, Texts};
use crate::snapshot::api_error::is_of_error;
use crate::snapshot::uncaptured::UNCAPTURED;
use crate::source::json::Kind;
use crate::source::misspelling;
use crate::source::pointer::{Pattern, Step};
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Entity types of a schema.
const MAX_TYPES: usize = 100;

/// Attributes and members of a schema.
const MAX_ATTRIBUTES: usize = 3_000;

/// Records in a record.
const DEEPEST_RECORD: usize = 10;

/// Names of objects whose properties are tags.
const TAGS: [&str; 5] = ["tags", "labels", "annotations", "customfields", "attributes"];

/// Parts of the planned schema that reading the documents has shown to be wrong.
#[derive(Debug, Default)]
pub(super) struct Corrections {
    /// Places that are not declared, with the reason.
    pub left_out: BTreeMap<Pattern, String>,
    /// Places that are read as they are written.
    pub plain: BTreeSet<Pattern>,
    /// Properties that are not keys.
    pub no_key: BTreeSet<Pattern>,
    /// Attributes that are not references.
    pub no_reference: BTreeSet<Pattern>,
}

/// The declarations of a schema.
#[derive(Debug)]
pub(super) struct Plan<'t> {
    /// Entity types, the root first; a type is after the one that its instances are nested in.
    pub types: Vec<EntityPlan<'t>>,
    /// Enumerated types.
    pub words: Vec<WordsPlan>,
    /// Whether parts of the documents were not observed.
    pub is_cut: bool,
    /// Properties that may be misspellings of declared ones. A warning about one is not a mistake of the schema.
    pub misspelt: BTreeSet<String>,
    /// The names of types that are in use.
    pub names: Names,
}

/// An entity type.
#[derive(Debug)]
pub(super) struct EntityPlan<'t> {
    /// Its name without namespace.
    pub name: String,
    /// Its place.
    pub at: Pattern,
    /// The type whose instances enclose its own.
    pub parent: Option<usize>,
    /// The pointer of its id.
    pub key: Option<Vec<String>>,
    /// Whether an object in place of the list is its only instance.
    pub one_or_many: bool,
    /// The property whose properties are tags.
    pub tags: Option<(String, String)>,
    /// Its attributes.
    pub body: Body<'t>,
    /// The observations that it follows from.
    pub remarks: Vec<String>,
    /// The instances.
    pub place: &'t Place,
}

/// The members of an entity type or of a record.
#[derive(Debug, Default)]
pub(super) struct Body<'t> {
    /// The attributes in the order of the documents.
    pub attributes: Vec<AttributePlan<'t>>,
    /// Properties that are not declared, with the reason.
    pub left_out: Vec<(String, String)>,
    /// Properties that resemble declared ones.
    pub ignored: Vec<String>,
}

/// An attribute.
#[derive(Debug)]
pub(super) struct AttributePlan<'t> {
    /// Its name.
    pub name: String,
    /// The property that it reads.
    pub property: String,
    /// Its type.
    pub ty: Type<'t>,
    /// The reader of its texts.
    pub reader: Option<&'static str>,
    /// Whether it is optional.
    pub is_optional: bool,
    /// Whether it is secret.
    pub is_secret: bool,
    /// Whether it is the id of its instance.
    pub is_key: bool,
    /// The observations that it follows from.
    pub remarks: Vec<String>,
    /// Its place.
    pub at: Pattern,
    /// Its values.
    pub place: &'t Place,
}

/// The type of an attribute.
#[derive(Debug)]
pub(super) enum Type<'t> {
    /// A type of Cedar.
    Plain(&'static str),
    /// An enumerated type of the plan.
    Words(usize),
    /// An entity type of the plan.
    Reference(usize),
    /// A set.
    Set(Box<Type<'t>>),
    /// A record.
    Record(Body<'t>),
}

/// An enumerated type.
#[derive(Debug)]
pub(super) struct WordsPlan {
    /// Its name.
    pub name: String,
    /// Its words, with the number of values that have each.
    pub words: BTreeMap<String, u64>,
    /// The places of its values.
    pub places: Vec<String>,
    /// The property name, in words.
    property: String,
    /// The name of the type that has the first attribute.
    owner: String,
}

/// The declaration of a property.
enum Decision {
    Scalar(&'static str, Option<Format>),
    Set(Type<'static>, Option<Format>),
    List,
    Map,
    Tags,
    Record,
}

/// The object whose members are planned.
struct Around<'a> {
    at: &'a Pattern,
    owner: usize,
    depth: usize,
    is_secret: bool,
    /// The key of the entity type, below this object.
    key: &'a [String],
}

/// Plans a schema for documents.
pub(super) fn plan<'t>(root: &'t Place, documents: u32, corrections: &Corrections) -> Plan<'t> {
    let mut planner = Planner {
        corrections,
        types: Vec::new(),
        names: Names::of_types(),
        attributes: 0,
        is_cut: false,
        misspelt: BTreeSet::new(),
    };
    let key = keys::of_document(root, |name| {
        let at = Pattern(vec![Step::Property(name.to_owned())]);
        !corrections.no_key.contains(&at) && !corrections.left_out.contains_key(&at)
    });
    let around = key.as_deref().and_then(|key| key.split_last()).and_then(|(_, around)| around.first());
    let name = around.map_or_else(|| "Account".to_owned(), |name| element_type(name));
    let mut remarks = vec![format!("The document, in {}.", count(u64::from(documents), "sample"))];
    remarks.push(match &key {
        Some(key) => format!("`{}` is in all of them: confirm that it is the id of the account.", key.join("/")),
        None => "No property is certainly the id of the account: add a `@key` if there is one.".to_owned(),
    });
    planner.entity(root, Pattern::default(), None, &[name], key, remarks);
    let Planner { types, is_cut, misspelt, names, .. } = planner;
    Plan { types, words: Vec::new(), is_cut, misspelt, names }
}

struct Planner<'t, 'c> {
    corrections: &'c Corrections,
    types: Vec<EntityPlan<'t>>,
    names: Names,
    attributes: usize,
    is_cut: bool,
    misspelt: BTreeSet<String>,
}

impl<'t> Planner<'t, '_> {
    /// Adds an entity type with everything in it.
    fn entity(
        &mut self,
        place: &'t Place,
        at: Pattern,
        parent: Option<usize>,
        names: &[String],
        key: Option<Vec<String>>,
        remarks: Vec<String>,
    ) {
        let (owner, name) = (self.types.len(), self.names.choose(names));
        self.types.push(EntityPlan {
            name,
            at: at.clone(),
            parent,
            key: key.clone(),
            one_or_many: false,
            tags: None,
            body: Body::default(),
            remarks,
            place,
        });
        let key = key.unwrap_or_default();
        let body = self.body(place, &Around { at: &at, owner, depth: 0, is_secret: false, key: &key });
        if let Some(ty) = self.types.get_mut(owner) {
            ty.body = body;
        }
    }

    fn body(&mut self, place: &'t Place, around: &Around<'_>) -> Body<'t> {
        self.is_cut |= place.is_cut;
        let mut decisions: Vec<Result<Decision, String>> = Vec::new();
        let mut has_tags = around.depth > 0;
        for (name, child) in &place.children {
            let at = below(around.at, name);
            let decision = self.decide(name, child, &at, around, &mut has_tags);
            decisions.push(decision);
        }
        leave_out_respelled(place, &mut decisions);
        let misspelt = leave_out_misspelt(place, &mut decisions);
        self.misspelt.extend(misspelt.iter().map(ToString::to_string));
        let mut body = Body::default();
        let mut used = Names::default();
        let mut declared: Vec<&str> = Vec::new();
        for ((name, child), decision) in place.children.iter().zip(decisions) {
            match decision {
                Err(reason) => body.left_out.push((name.to_string(), reason)),
                Ok(decision) => {
                    declared.push(name);
                    let attribute = self.declare(name, child, decision, around, place, &mut used);
                    body.attributes.extend(attribute);
                }
            }
        }
        // A property that resembles a declared one would be reported as a misspelling of it.
        let resembles = |name: &str| {
            let begins = |declared: &&str| declared.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
            misspelling(name, declared.iter().copied()).is_some() || declared.iter().any(begins)
        };
        // A misspelling, or a path, names a declared property.
        let is_other = |name: &&SmolStr| !resembles(name) && !name.contains(['/', '.']);
        let never = place.uncaptured.keys().filter(|name| place.child(name).is_none()).filter(is_other);
        body.left_out.extend(never.map(|name| (name.to_string(), "no object has captured it".to_owned())));
        let left_out = body.left_out.iter().map(|(name, _)| name);
        let is_key = |name: &str| around.key.first().is_some_and(|key| key == name);
        // So would be a name that the schema does not have, in a statement about properties that were not captured, and the error
        // of an object with other properties.
        let is_reported = |name: &str| resembles(name) || is_of_error(name) || place.uncaptured(name) > 0;
        let is_ignored = |name: &&String| {
            let is_other = !is_key(name) && *name != UNCAPTURED && !misspelt.contains(name.as_str());
            can_be_ignored(name) && is_other && is_reported(name)
        };
        body.ignored = left_out.filter(is_ignored).cloned().collect();
        body
    }

    /// Decides how a property is declared, or why it is not.
    fn decide(
        &self,
        name: &str,
        child: &'t Place,
        at: &Pattern,
        around: &Around<'_>,
        has_tags: &mut bool,
    ) -> Result<Decision, String> {
        if let Some(reason) = self.corrections.left_out.get(at) {
            return Err(reason.clone());
        }
        if self.attributes >= MAX_ATTRIBUTES {
            return Err(format!("the schema has {MAX_ATTRIBUTES} attributes already"));
        }
        if child.twice.is_some() {
            return Err("an object has it twice".to_owned());
        }
        let is_list_of_pointers = child.each.as_ref().is_some_and(|each| {
            each.texts.count == each.total() && each.texts.words.keys().all(|text| text.starts_with('/'))
        });
        if around.at.0.is_empty() && name == "partial" && is_list_of_pointers {
            return Err("it lists partial lists".to_owned());
        }
        let is_list_of_texts = child.each.as_ref().is_some_and(|each| each.texts.count == each.total());
        if name == UNCAPTURED && is_list_of_texts {
            return Err("it lists properties that were not captured".to_owned());
        }
        // Reports show the time of the capture.
        let texts = child.each.as_deref().unwrap_or(child);
        if around.at.0.is_empty() && identifier(name) == "captured_at" && keys::is_secret(name, texts) {
            return Err("it looks like a secret, and reports show the time of the capture".to_owned());
        }
        match child.present()[..] {
            [] => Err("always null".to_owned()),
            [(Kind::Bool, _)] => Ok(Decision::Scalar("Bool", None)),
            [(Kind::Number, _)] => {
                let ty = child.numbers.ty().ok_or("numbers that neither Long nor decimal holds")?;
                let is_plain = self.corrections.plain.contains(at);
                Ok(Decision::Scalar(ty, child.numbers.format(name).filter(|_| !is_plain)))
            }
            [(Kind::String, _)] => self.text(name, child, at),
            [(Kind::Array, _)] => self.array(name, child, at, around),
            [(Kind::Object, _), (Kind::Array, _)] if child.only > 0 => {
                let path = Pattern([&at.0[..], &[Step::Each]].concat());
                let each = child.each.as_deref().ok_or("a list without elements")?;
                self.key(each, &path, &element_type(name))
                    .ok_or("an object and lists, and no property is certainly the id of an element")?;
                self.instances(name, around).map(|()| Decision::List)
            }
            [(Kind::Object, _)] => self.object(name, child, around, has_tags),
            ref kinds => Err(format!("several kinds: {}", kinds_in_words(kinds))),
        }
    }

    fn text(&self, name: &str, child: &Place, at: &Pattern) -> Result<Decision, String> {
        if child.texts.unreadable > 0 {
            return Err("a string is not text".to_owned());
        }
        let is_plain = self.corrections.plain.contains(at) || keys::is_secret(name, child);
        Ok(Decision::Scalar("String", child.texts.format().filter(|_| !is_plain)))
    }

    fn array(&self, name: &str, child: &'t Place, at: &Pattern, around: &Around<'_>) -> Result<Decision, String> {
        let Some(each) = child.each.as_deref().filter(|each| each.total() > 0) else {
            return Err("always an empty list".to_owned());
        };
        match each.present()[..] {
            [(Kind::Object, _)] => self.instances(name, around).map(|()| Decision::List),
            _ => {
                let is_plain = self.corrections.plain.contains(&Pattern([&at.0[..], &[Step::Each]].concat()));
                // Words of sets are vocabularies, and a set of hosts lacks the URLs.
                let kept = |format: &Format| !is_plain && !matches!(format, Format::Boolean | Format::Url);
                let format = each.texts.format().filter(|_| matches!(each.present()[..], [(Kind::String, _)]));
                let format = format.filter(kept).filter(|_| !keys::is_secret(name, each));
                Ok(Decision::Set(Type::Set(Box::new(element(each, format, 0)?)), format))
            }
        }
    }

    /// Returns the property that is the id of the elements of a list at a path.
    fn key<'p>(&self, each: &'p Place, path: &Pattern, element: &str) -> Option<&'p str> {
        keys::of_list(each, element, |key| {
            let at = below(path, key);
            !self.corrections.no_key.contains(&at) && !self.corrections.left_out.contains_key(&at)
        })
    }

    fn object(
        &self,
        name: &str,
        child: &'t Place,
        around: &Around<'_>,
        has_tags: &mut bool,
    ) -> Result<Decision, String> {
        if is_tags(name, child) && !*has_tags && has_path(name) && !around.is_secret {
            *has_tags = true;
            return Ok(Decision::Tags);
        }
        if child.is_map {
            let kinds = child.each.as_ref().map(|each| each.present()).unwrap_or_default();
            return match kinds[..] {
                [(Kind::Object, _)] => self.instances(name, around).map(|()| Decision::Map),
                _ => Err(format!("a map of {}", kinds_in_words(&kinds))),
            };
        }
        if around.depth >= DEEPEST_RECORD || child.is_cut && child.children.is_empty() {
            return Err("nested too deep".to_owned());
        }
        if child.children.is_empty() { Err("always an empty object".to_owned()) } else { Ok(Decision::Record) }
    }

    /// Returns why the values of a property are not instances of an entity type.
    fn instances(&self, name: &str, around: &Around<'_>) -> Result<(), String> {
        let is_odd = |step: &Step| matches!(step, Step::Property(name) if !has_path(name));
        let is_unnamed = !has_path(name) || around.at.0.iter().any(is_odd);
        match () {
            () if around.is_secret => Err("objects in a secret".to_owned()),
            () if is_unnamed => Err("a path cannot contain its name".to_owned()),
            () if self.types.len() >= MAX_TYPES => Err(format!("the schema has {MAX_TYPES} entity types already")),
            () => Ok(()),
        }
    }

    /// Declares a property; an entity type in place of an attribute for a list or a map of objects.
    fn declare(
        &mut self,
        name: &str,
        child: &'t Place,
        decision: Decision,
        around: &Around<'_>,
        place: &'t Place,
        used: &mut Names,
    ) -> Option<AttributePlan<'t>> {
        let at = below(around.at, name);
        match decision {
            Decision::List | Decision::Map => {
                self.list(name, child, at, around, place);
                None
            }
            Decision::Tags => {
                let pointer = self.pointer(&at, around.owner);
                let ty = self.types.get_mut(around.owner)?;
                let remark = format!("The properties of `{name}` are tags: their names vary.");
                ty.tags = Some((pointer, remark));
                None
            }
            Decision::Record => self.record(name, child, at, around, place, used),
            Decision::Scalar(ty, format) => {
                let mut remarks = vec![presence(name, child, place)];
                let reader = format.and_then(|format| format.read_as().1);
                let ty = format.map_or(ty, |format| format.read_as().0);
                let kind = if child.count(Kind::Number) > 0 { "number" } else { "text" };
                remarks.extend(format.map(|format| format!("Each {kind} is {}.", format.described())));
                if format == Some(Format::Url) {
                    remarks.push("The host; without `@as` the whole text.".to_owned());
                }
                let suffix = if format == Some(Format::Url) { "_host" } else { "" };
                Some(self.attribute(name, suffix, child, (Type::Plain(ty), reader), at, around, (remarks, used)))
            }
            Decision::Set(ty, format) => {
                let each = child.each.as_deref()?;
                let mut remarks = vec![presence(name, child, place), format!("{}.", count(each.total(), "element"))];
                let errors =
                    std::iter::successors(Some(each), |each| each.each.as_deref()).map(|each| each.errors).sum();
                remarks.extend(not_observed(errors, "an element"));
                if each.count(Kind::Null) > 0 {
                    remarks.push("A `null` element makes the rest of its set unknown.".to_owned());
                }
                let reader = format.and_then(|format| format.read_as().1);
                remarks.extend(format.map(|format| format!("Each text is {}.", format.described())));
                Some(self.attribute(name, "", child, (ty, reader), at, around, (remarks, used)))
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one attribute")]
    fn attribute(
        &mut self,
        name: &str,
        suffix: &str,
        child: &'t Place,
        (ty, reader): (Type<'t>, Option<&'static str>),
        at: Pattern,
        around: &Around<'_>,
        (mut remarks, used): (Vec<String>, &mut Names),
    ) -> AttributePlan<'t> {
        self.attributes += 1;
        let texts = child.each.as_deref().filter(|_| matches!(ty, Type::Set(_))).unwrap_or(child);
        let is_secret = !around.is_secret && !matches!(ty, Type::Plain("Bool")) && keys::is_secret(name, texts);
        if is_secret {
            remarks.push("Looks like a secret: outputs mask it.".to_owned());
        }
        // A name that no path can contain is the name of the attribute.
        let named = match has_path(name) {
            true => used.choose(&[format!("{}{suffix}", identifier(name))]),
            false => name.to_owned(),
        };
        let is_key = around.key.len() == 1 && around.key.first().is_some_and(|key| key == name);
        let is_optional = remarks.first().is_some_and(|remark| remark.ends_with("optional."));
        AttributePlan {
            name: named,
            property: name.to_owned(),
            ty,
            reader,
            is_optional,
            is_secret,
            is_key,
            remarks,
            at,
            place: child,
        }
    }

    fn record(
        &mut self,
        name: &str,
        child: &'t Place,
        at: Pattern,
        around: &Around<'_>,
        place: &'t Place,
        used: &mut Names,
    ) -> Option<AttributePlan<'t>> {
        let is_secret = secret::is_secret_name(name) && !name.ends_with(['s', 'S']);
        let key = match around.key.split_first() {
            Some((first, rest)) if first == name => rest,
            _ => &[],
        };
        let is_inside = is_secret && key.is_empty() || around.is_secret;
        let inner = Around { at: &at, owner: around.owner, depth: around.depth + 1, is_secret: is_inside, key };
        let types = self.types.len();
        let body = self.body(child, &inner);
        // Lists are declared by their own paths.
        if body.attributes.is_empty() && body.left_out.is_empty() && self.types.len() > types {
            let errors = not_observed(child.errors, &format!("`{name}`"));
            self.types.get_mut(around.owner).into_iter().for_each(|ty| ty.remarks.extend(errors.clone()));
            return None;
        }
        let remarks = vec![presence(name, child, place)];
        let record = (Type::Record(body), None);
        let mut attribute = self.attribute(name, "", child, record, at, around, (remarks, used));
        attribute.is_key = false;
        if is_secret && key.is_empty() && !around.is_secret {
            attribute.is_secret = true;
            attribute.remarks.push("Looks like a secret: outputs mask it.".to_owned());
        }
        Some(attribute)
    }

    /// Adds the entity type of a list or a map.
    fn list(&mut self, name: &str, child: &'t Place, at: Pattern, around: &Around<'_>, place: &'t Place) {
        let Some(each) = child.each.as_deref() else { return };
        let path = Pattern([&at.0[..], &[Step::Each]].concat());
        let element = element_type(name);
        let owner = self.types.get(around.owner).map(|ty| ty.name.clone()).unwrap_or_default();
        let names = [element.clone(), format!("{owner}{element}")];
        let instances = each.count(Kind::Object);
        let lists = child.count(Kind::Array) + child.count(Kind::Object);
        let what = if child.is_map { "map" } else { "list" };
        let mut remarks = vec![format!("{} in {}.", count(instances, "instance"), count(lists, what))];
        let key = if child.is_map { None } else { self.key(each, &path, &element) };
        remarks.push(match key {
            _ if child.is_map => "A map: the id is the property name.".to_owned(),
            Some(key) if instances <= lists => {
                format!("`{key}` is in each element; the samples have too few to prove that it is an id.")
            }
            Some(key) => format!("`{key}` is different in all elements of each list."),
            None => "No property is certainly the id of an element: the id is its index.".to_owned(),
        });
        if child.only > 0 {
            remarks.push(format!("{} in place of a list: its only element.", count(child.only, "object")));
        }
        if each.count(Kind::Null) > 0 {
            remarks.push("A `null` element makes its list partial.".to_owned());
        }
        remarks.extend(not_observed(each.errors, "an instance"));
        remarks.extend(not_observed(child.errors, "the list"));
        let objects = place.count(Kind::Object);
        for (lacking, of, annotation) in
            [(child.count(Kind::Null), "null", "null"), (place.lacking(name), "missing", "missing")]
        {
            if lacking > 0 {
                remarks.push(format!(
                    "The {what} is {of} in {lacking} of {objects}, which is unknown: `@{annotation}(\"[]\")` makes it empty."
                ));
            }
        }
        let key = key.map(|key| vec![key.to_owned()]);
        let (added, one_or_many) = (self.types.len(), child.only > 0);
        self.entity(each, path, Some(around.owner), &names, key, remarks);
        if let Some(ty) = self.types.get_mut(added) {
            ty.one_or_many = one_or_many;
        }
    }

    /// Returns the pointer from the instance of a type to a place.
    fn pointer(&self, at: &Pattern, owner: usize) -> String {
        let outer = self.types.get(owner).map_or(0, |ty| ty.at.0.len());
        let inner = Pattern(at.0.get(outer..).unwrap_or_default().to_vec()).to_text();
        inner.trim_start_matches('/').to_owned()
    }
}

/// Leaves out all properties whose names differ only in case or separators, if one of them is left out, or if some are
/// lists of instances and others are not.
fn leave_out_respelled(place: &Place, decisions: &mut [Result<Decision, String>]) {
    let mut groups: HashMap<String, Vec<usize>> = HashMap::new();
    let letters = |(name, _): &(SmolStr, Place)| -> String {
        name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let letters: Vec<String> = place.children.iter().map(letters).collect();
    for (at, letters) in letters.iter().enumerate().filter(|(_, letters)| !letters.is_empty()) {
        groups.entry(letters.clone()).or_default().push(at);
    }
    let is_list = |decision: &Result<Decision, String>| matches!(decision, Ok(Decision::List | Decision::Map));
    let mut wrong: Vec<usize> = Vec::new();
    for (at, letters) in letters.iter().enumerate() {
        let Some(group) = groups.get(letters).filter(|group| group.len() > 1) else { continue };
        let members = || group.iter().filter_map(|at| decisions.get(*at));
        let some_lists = members().any(is_list) && !members().all(is_list);
        if some_lists || members().any(Result::is_err) {
            wrong.push(at);
        }
    }
    for at in wrong {
        if let Some(decision) = decisions.get_mut(at).filter(|decision| decision.is_ok()) {
            *decision = Err("another property has the same name in other writing".to_owned());
        }
    }
}

/// Leaves out properties that may be misspellings of others, and returns their names. A schema that declared both would read
/// the misspelt one as another attribute.
fn leave_out_misspelt<'t>(place: &'t Place, decisions: &mut [Result<Decision, String>]) -> BTreeSet<&'t str> {
    let mut left_out = BTreeSet::new();
    let pairs = place.misspelt();
    for (at, (name, child)) in place.children.iter().enumerate() {
        // The most frequent of the names that it resembles.
        let meant = pairs.iter().filter(|(rare, _)| rare == name).map(|(_, meant)| *meant);
        let meant = meant.max_by_key(|meant| place.child(meant).map_or(0, Place::total));
        let (Some(meant), Some(decision)) = (meant, decisions.get_mut(at).filter(|decision| decision.is_ok())) else {
            continue;
        };
        let objects = place.count(Kind::Object);
        *decision = Err(format!(
            "in {} of {objects}, it may be a misspelling of `{meant}`, which no object has next to it",
            child.total()
        ));
        left_out.insert(name.as_str());
    }
    left_out
}

/// Returns the type of the elements of a set.
fn element(each: &Place, format: Option<Format>, depth: usize) -> Result<Type<'static>, String> {
    match each.present()[..] {
        [] => Err("only null elements".to_owned()),
        [(Kind::Bool, _)] => Ok(Type::Plain("Bool")),
        [(Kind::Number, _)] => Ok(Type::Plain(each.numbers.ty().ok_or("numbers that neither Long nor decimal holds")?)),
        [(Kind::String, _)] if each.texts.unreadable > 0 => Err("a string is not text".to_owned()),
        [(Kind::String, _)] => Ok(Type::Plain(format.map_or("String", |format| format.read_as().0))),
        [(Kind::Array, _)] if depth < 3 => match each.each.as_deref().filter(|each| each.total() > 0) {
            Some(inner) => {
                let format = inner.texts.format().filter(|format| format.read_as().1.is_none());
                Ok(Type::Set(Box::new(element(inner, format, depth + 1)?)))
            }
            None => Err("always empty lists".to_owned()),
        },
        [(Kind::Array | Kind::Object, _)] => Err("lists of objects in lists".to_owned()),
        ref kinds => Err(format!("elements of several kinds: {}", kinds_in_words(kinds))),
    }
}

/// Returns whether the properties of objects are tags: texts whose names are not the same in all objects.
fn is_tags(name: &str, child: &Place) -> bool {
    let is_text = |value: &Place| {
        value.texts.count > 0
            && value.texts.unreadable == 0
            && value.twice.is_none()
            && value.texts.count + value.count(Kind::Null) == value.total()
    };
    let objects = child.count(Kind::Object);
    if child.is_map {
        return child.each.as_deref().is_some_and(|each| is_text(each) && each.texts.secrets == 0);
    }
    let is_secret = child.children.iter().any(|(name, value)| keys::is_secret(name, value));
    let is_named = TAGS.contains(&words(name).concat().as_str());
    let varies =
        objects > 1 && child.children.len() > 2 && child.children.iter().all(|(_, value)| value.total() < objects);
    !child.children.is_empty()
        && !is_secret
        && child.children.iter().all(|(_, value)| is_text(value))
        && (is_named || varies)
}

/// Returns the place of a property.
fn below(at: &Pattern, name: &str) -> Pattern {
    Pattern([&at.0[..], &[Step::Property(name.to_owned())]].concat())
}

/// States in how many objects a property is.
fn presence(name: &str, child: &Place, around: &Place) -> String {
    let (total, objects, nulls) = (child.total(), around.count(Kind::Object), child.count(Kind::Null));
    let null = if nulls > 0 { format!(", null in {nulls}") } else { String::new() };
    let uncaptured = around.uncaptured(name);
    let uncaptured = if uncaptured > 0 { format!(", not captured in {uncaptured}") } else { String::new() };
    let errors =
        if child.errors > 0 { format!(" ({} in its place)", count(child.errors, "error")) } else { String::new() };
    let optional = if around.is_optional(name) { ": optional" } else { "" };
    format!("In {total} of {objects}{null}{uncaptured}{errors}{optional}.")
}

/// States the number of errors in place of something.
fn not_observed(errors: u64, of: &str) -> Option<String> {
    (errors > 0).then(|| format!("{} in place of {of}: not observed.", count(errors, "error")))
}

/// Returns a number with its noun.
pub(super) fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// Returns kinds with their numbers in words.
fn kinds_in_words(kinds: &[(Kind, u64)]) -> String {
    let word = |kind: Kind| match kind {
        Kind::Object => "object",
        Kind::Array => "array",
        Kind::String => "string",
        Kind::Number => "number",
        Kind::Bool => "boolean",
        Kind::Null => "null",
    };
    kinds.iter().map(|(kind, number)| count(*number, word(*kind))).collect::<Vec<_>>().join(", ")
}

impl Type<'_> {
    /// Returns whether the values are texts, or sets of texts, that are read as they are written.
    pub(super) fn is_text(&self) -> bool {
        match self {
            Self::Plain(ty) => *ty == "String",
            Self::Set(element) => matches!(**element, Self::Plain("String")),
            _ => false,
        }
    }
}

impl<'t> AttributePlan<'t> {
    /// Returns the texts of the value, or of the elements of a set.
    pub(super) fn texts(&self) -> &'t Texts {
        match (&self.ty, &self.place.each) {
            (Type::Set(_), Some(each)) => &each.texts,
            _ => &self.place.texts,
        }
    }
}

impl WordsPlan {
    /// Returns words of one property.
    pub(super) fn new(property: String, owner: String) -> Self {
        Self { name: String::new(), words: BTreeMap::new(), places: Vec::new(), property, owner }
    }

    /// Returns whether the words are those of a property name, and some of them are those of `texts`.
    pub(super) fn is_like(&self, property: &str, texts: &Texts) -> bool {
        self.property == property && texts.words.keys().any(|word| self.words.contains_key(word.as_str()))
    }

    /// Returns the names that the type may have, by preference.
    pub(super) fn names(&self) -> [String; 2] {
        [self.property.clone(), format!("{}{}", self.owner, self.property)]
    }
}
