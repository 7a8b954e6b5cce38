//! References and words: attributes whose texts are ids of other instances, or words of a small vocabulary.

use super::names::{pascal, singular, words};
use super::plan::{AttributePlan, Body, Corrections, Plan, Type, WordsPlan};
use super::shape::Texts;
use crate::source::json::Kind;
use crate::source::pointer::Step;

/// Last words of the names of ids, which are not part of the name of what they refer to.
const OF_IDS: [&str; 12] =
    ["id", "ids", "key", "keys", "uid", "uuid", "name", "names", "email", "emails", "login", "slug"];

/// Last words of the names of properties whose texts are not words of a vocabulary.
const FREE: [&str; 24] = [
    "address",
    "city",
    "code",
    "color",
    "country",
    "currency",
    "department",
    "description",
    "domain",
    "email",
    "id",
    "key",
    "language",
    "locale",
    "login",
    "name",
    "path",
    "slug",
    "surname",
    "timezone",
    "title",
    "url",
    "version",
    "zone",
];

/// An entity type that attributes may refer to.
struct Target<'t> {
    words: Vec<String>,
    parent: usize,
    /// Whether ids are numbers; `None` for a map.
    has_numbers: Option<bool>,
    /// The texts of the ids; `None` for a map.
    ids: Option<&'t Texts>,
}

/// Declares references and vocabularies.
pub(super) fn link(plan: &mut Plan<'_>, corrections: &Corrections) {
    let targets: Vec<Option<Target<'_>>> = (0..plan.types.len()).map(|at| target(plan, at)).collect();
    let names: Vec<String> = plan.types.iter().map(|ty| ty.name.clone()).collect();
    let parents: Vec<Option<usize>> = plan.types.iter().map(|ty| ty.parent).collect();
    for owner in 0..plan.types.len() {
        let around: Vec<usize> = std::iter::successors(Some(owner), |at| parents.get(*at).copied().flatten()).collect();
        let (types, vocabularies) = (&mut plan.types, &mut plan.words);
        let Some(ty) = types.get_mut(owner) else { continue };
        let name = ty.name.clone();
        for_each(&mut ty.body, &mut |attribute| {
            if attribute.is_secret || attribute.is_key {
                return;
            }
            let usable = |(at, target): (usize, &Option<Target<'_>>)| {
                target.as_ref().is_some_and(|target| around.contains(&target.parent)).then_some(at)
            };
            let in_scope: Vec<usize> = targets.iter().enumerate().filter_map(usable).collect();
            let is_named =
                |at: &usize| targets.get(*at).and_then(Option::as_ref).is_some_and(|to| to.is_named_by(attribute));
            let referred =
                in_scope.iter().copied().find(is_named).filter(|_| !corrections.no_reference.contains(&attribute.at));
            if let Some((at, name)) = referred.and_then(|at| Some((at, names.get(at)?))) {
                refer(attribute, at, name);
            } else if is_vocabulary(attribute) {
                let at = vocabulary(vocabularies, attribute, &name);
                attribute.ty = attribute.ty.with_words(at);
                attribute.reader = None;
            } else if attribute.ty.is_text() {
                let is_like =
                    |at: &usize| targets.get(*at).and_then(Option::as_ref).is_some_and(|to| to.contains(attribute));
                let like = in_scope.iter().find(|at| is_like(at)).and_then(|at| names.get(*at));
                attribute
                    .remarks
                    .extend(like.map(|name| format!("Each is the id of a {name} too: it may be a reference.")));
            }
        });
    }
    for vocabulary in &mut plan.words {
        vocabulary.name = plan.names.choose(&vocabulary.names());
    }
}

fn for_each<'t>(body: &mut Body<'t>, each: &mut dyn FnMut(&mut AttributePlan<'t>)) {
    for attribute in &mut body.attributes {
        let is_secret = attribute.is_secret;
        match &mut attribute.ty {
            Type::Record(_) if is_secret => {}
            Type::Record(body) => for_each(body, each),
            _ => each(attribute),
        }
    }
}

/// Returns what a type offers to references; `None` for the root, and for a type without ids of its own.
fn target<'t>(plan: &Plan<'t>, at: usize) -> Option<Target<'t>> {
    let ty = plan.types.get(at)?;
    let steps = ty.at.0.split_last().map(|(_, before)| before)?;
    let Some(Step::Property(list)) = steps.last() else { return None };
    let mut words = words(list);
    if let Some(last) = words.last_mut() {
        *last = singular(last);
    }
    let key = ty.key.as_ref().and_then(|key| ty.place.child(key.first()?));
    let is_map = ty.key.is_none() && ty.remarks.iter().any(|remark| remark.starts_with("A map"));
    if key.is_none() && !is_map {
        return None;
    }
    let has_numbers = key.map(|key| key.count(Kind::Number) > 0);
    Some(Target { words, parent: ty.parent?, has_numbers, ids: key.map(|key| &key.texts) })
}

impl Target<'_> {
    /// Returns whether the name of an attribute is that of the type, and its values may be ids.
    fn is_named_by(&self, attribute: &AttributePlan<'_>) -> bool {
        let mut name = words(&attribute.property);
        while name.len() > 1 && name.last().is_some_and(|last| OF_IDS.contains(&last.as_str())) {
            name.pop();
        }
        if let Some(last) = name.last_mut() {
            *last = singular(last);
        }
        let is_number = matches!(attribute.ty, Type::Plain("Long"));
        let fits = match is_number {
            true => self.has_numbers == Some(true) && words(&attribute.property).len() > name.len(),
            false => attribute.ty.is_text() && attribute.reader != Some("url-host"),
        };
        fits && !self.words.is_empty() && name.ends_with(&self.words)
    }

    /// Returns whether all texts of an attribute are ids.
    fn contains(&self, attribute: &AttributePlan<'_>) -> bool {
        let texts = attribute.texts();
        let Some(ids) = self.ids.filter(|ids| !ids.more && !texts.more) else { return false };
        texts.words.len() > 1 && texts.words.keys().all(|word| ids.words.contains_key(word))
    }
}

/// Makes an attribute a reference.
fn refer(attribute: &mut AttributePlan<'_>, at: usize, name: &str) {
    attribute.ty = match attribute.ty {
        Type::Set(_) => Type::Set(Box::new(Type::Reference(at))),
        _ => Type::Reference(at),
    };
    attribute.reader = None;
    attribute.remarks.push(format!("Each is the id of a {name}; another one is an error, so confirm it."));
}

/// Returns whether the texts of an attribute are words of a small vocabulary.
fn is_vocabulary(attribute: &AttributePlan<'_>) -> bool {
    let texts = attribute.texts();
    let last = words(&attribute.property).pop().unwrap_or_default();
    attribute.ty.is_text()
        && attribute.reader.is_none()
        && texts.is_vocabulary()
        && !FREE.contains(&singular(&last).as_str())
}

/// Adds the words of an attribute to a vocabulary of the same name, or to a new one. Returns its place.
fn vocabulary(known: &mut Vec<WordsPlan>, attribute: &AttributePlan<'_>, owner: &str) -> usize {
    let mut property = words(&attribute.property);
    if let Some(last) = property.last_mut() {
        *last = singular(last);
    }
    let (property, texts) = (pascal(&property), attribute.texts());
    let at = known.iter().position(|words| words.is_like(&property, texts)).unwrap_or_else(|| {
        known.push(WordsPlan::new(property, owner.to_owned()));
        known.len() - 1
    });
    if let Some(words) = known.get_mut(at) {
        words.places.push(attribute.at.to_text());
        for (word, count) in &texts.words {
            *words.words.entry(word.to_string()).or_default() += count;
        }
    }
    at
}

impl Type<'_> {
    /// Returns the type with words in the place of texts.
    fn with_words(&self, at: usize) -> Self {
        match self {
            Self::Set(_) => Self::Set(Box::new(Self::Words(at))),
            _ => Self::Words(at),
        }
    }
}
