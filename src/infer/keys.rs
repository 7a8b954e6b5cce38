//! Keys: the property of the elements of a list that is their id.

use super::format::Format;
use super::names::{has_path, words};
use super::secret;
use super::shape::Place;
use crate::source::is_same_but_for_writing;
use crate::source::json::Kind;

/// Names of ids, by preference.
const NAMES: [&str; 20] = [
    "id",
    "key",
    "uid",
    "uuid",
    "guid",
    "name",
    "email",
    "login",
    "slug",
    "username",
    "user",
    "code",
    "arn",
    "mail",
    "domain",
    "hostname",
    "primaryemail",
    "useremail",
    "userprincipalname",
    "accountname",
];

/// The rank of a name that is not a usual name of an id.
const OTHER: usize = 100;

/// Elements without which a property with another name is not an id.
const ENOUGH: u64 = 3;

/// Returns the rank of a property name among ids: a smaller one is preferred. `element` is the name of the type.
pub(super) fn rank(name: &str, element: &str) -> usize {
    let words = words(name);
    let joined = words.concat();
    let whole = NAMES.iter().position(|known| *known == joined);
    let (Some(last), false) = (words.last(), element.is_empty()) else { return whole.unwrap_or(OTHER) };
    let of_type = joined
        .strip_suffix(last.as_str())
        .is_some_and(|stem| element.to_lowercase().ends_with(stem) && !stem.is_empty());
    let part = NAMES.iter().position(|known| *known == last).filter(|_| of_type);
    whole.or(part.map(|at| at + NAMES.len())).unwrap_or(OTHER)
}

/// Returns whether the text or number of a property is a secret, by its name and by its texts.
pub fn is_secret(name: &str, child: &Place) -> bool {
    let texts = &child.texts;
    let is_time = texts.format().is_some_and(Format::is_time);
    let is_random = secret::is_key_name(name) && texts.random > 0;
    let is_named = secret::is_secret_name(name) && (texts.count > 0 || child.count(Kind::Number) > 0);
    !is_time && (is_named || texts.secrets > 0 || is_random)
}

/// Returns whether a property may be the id of every object of a place.
pub(super) fn may_be_key(name: &str, child: &Place, around: &Place) -> bool {
    let objects = around.count(Kind::Object);
    let texts = child.count(Kind::String) + child.count(Kind::Number);
    objects > 0
        && texts == objects
        && child.total() == objects
        && child.texts.unreadable == 0
        && child.twice.is_none()
        && !is_secret(name, child)
        && has_path(name)
        && !around.children.iter().any(|(other, _)| other != name && is_same_but_for_writing(other, name))
        && (child.texts.count > 0) != (child.count(Kind::Number) > 0)
}

/// Returns the property that is the id of the elements of lists. `allowed` says whether a property may be the id.
pub(super) fn of_list<'p>(each: &'p Place, element: &str, allowed: impl Fn(&str) -> bool) -> Option<&'p str> {
    let candidates = each.children.iter().filter(|(name, child)| {
        let is_usual = rank(name, element) < OTHER;
        let words = child.texts.count > 0 && !child.texts.format().is_some_and(Format::is_time);
        let is_enough = is_usual || words && each.count(Kind::Object) >= ENOUGH;
        !child.repeats && is_enough && may_be_key(name, child, each) && allowed(name)
    });
    candidates.min_by_key(|(name, _)| rank(name, element)).map(|(name, _)| name.as_str())
}

/// Returns the pointer of the property that is the id of the document: a property of it, or of an object in it.
pub(super) fn of_document(root: &Place, allowed: impl Fn(&str) -> bool) -> Option<Vec<String>> {
    const IN: [&str; 9] =
        ["organization", "organisation", "account", "tenant", "workspace", "team", "company", "customer", "enterprise"];
    let usual = |place: &Place, names: &[&str]| -> Option<String> {
        let found = names.iter().filter_map(|name| {
            let is_named = |property: &str| words(property).concat() == *name;
            place.children.iter().find(|(property, child)| is_named(property) && may_be_key(property, child, place))
        });
        found.map(|(name, _)| name.to_string()).find(|name| allowed(name))
    };
    let own = [
        "id",
        "accountid",
        "organizationid",
        "organisationid",
        "orgid",
        "tenantid",
        "workspaceid",
        "teamid",
        "customerid",
    ];
    if let Some(name) = usual(root, &own) {
        return Some(vec![name]);
    }
    let inner = root.children.iter().filter(|(name, place)| {
        IN.contains(&words(name).concat().as_str())
            && place.count(Kind::Object) == root.count(Kind::Object)
            && has_path(name)
    });
    let inner = inner.filter(|(name, place)| !place.is_map && allowed(name) && place.twice.is_none());
    let mut inner = inner.filter_map(|(name, place)| {
        Some(vec![name.to_string(), usual(place, &["id", "key", "name", "slug", "login", "domain"])?])
    });
    inner.next().or_else(|| Some(vec![usual(root, &["name", "login", "slug", "domain", "account", "organization"])?]))
}
