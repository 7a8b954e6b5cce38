//! Stored pages of a SCIM 2.0 list of users: the `ListResponse` answers of `GET /Users`.
//!
//! A file has one page, an array of pages, or one page after the other. The pages are joined, and the result states
//! whether users are missing. The meaning of attributes such as `active` is data of a pack.

use super::conflict::same;
use super::node::{Node, Property, Value};
use crate::diagnostic::{Code, Diagnostic};
use crate::snapshot::api_error::ApiError;
use crate::source::json::SyntaxError;
use crate::source::{Place, Source};
use std::collections::HashMap;
use std::sync::Arc;

/// The largest number of pages.
const MAX_PAGES: usize = 10_000;
/// The largest number of users.
const MAX_USERS: usize = 200_000;

const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

/// A list of users.
#[derive(Debug)]
pub struct Users {
    /// The users, each once.
    pub users: Vec<Node>,
    /// The number of users in the directory; `None` if no page states it.
    pub total: Option<usize>,
    /// Whether there may be users that no page has. Then the list is partial.
    pub is_partial: bool,
    /// The place of the whole: the first page.
    pub place: Place,
}

/// Reads stored pages, in any order.
///
/// Missing pages and a changed total are warnings. An invalid file is an error, and there is then no list.
pub fn read(sources: &[Arc<Source>]) -> (Option<Users>, Vec<Diagnostic>) {
    let (mut pages, mut diagnostics) = (Vec::new(), Vec::new());
    for source in sources {
        match pages_of(source) {
            Ok(found) => pages.extend(found),
            Err(error) => diagnostics.push(*error),
        }
    }
    if pages.len() > MAX_PAGES || pages.iter().map(|page| page.users.len()).sum::<usize>() > MAX_USERS {
        let error = error(format!("there are more than {MAX_PAGES} pages or {MAX_USERS} users"));
        diagnostics.push(error.help("pass the pages of one directory"));
    }
    let Some(first) = pages.first().filter(|_| diagnostics.is_empty()) else { return (None, diagnostics) };
    let place = first.place.clone();
    let total = total(&pages, &mut diagnostics);
    let is_gapless = check_indices(&pages, &mut diagnostics);
    let is_cut = check_errors(&pages, &mut diagnostics) | check_cursors(&pages, &mut diagnostics);
    let (users, count) = distinct(pages, &mut diagnostics);
    let is_counted = check_count(&place, count, total, &mut diagnostics);
    let users = Users { users, total, is_partial: is_cut || !is_gapless || !is_counted, place };
    (Some(users), diagnostics)
}

/// Returns an attribute of a user by its path, such as `userName`, `name.givenName`, `emails.value`, or
/// `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value`.
///
/// Names are compared without case. On the way through a list of several values, the primary one counts, or the only one.
/// Without either there is no value: which one counts is not known.
pub fn attribute<'n>(user: &'n Node, path: &str) -> Option<&'n Node> {
    let Value::Object(properties) = &user.value else { return None };
    let mut found = None;
    for property in properties {
        let name = property.name.as_str();
        let Some(rest) = path.get(..name.len()).filter(|start| start.eq_ignore_ascii_case(name)) else { continue };
        let rest = path.get(rest.len()..).unwrap_or_default();
        let is_extension = name.starts_with("urn:");
        let below = match rest.chars().next() {
            None => Some(""),
            Some('.') if !is_extension => rest.get(1..),
            Some(':') if is_extension => rest.get(1..),
            _ => continue,
        };
        found = below.map(|below| (&property.node, below));
    }
    let (node, below) = found?;
    if below.is_empty() {
        return Some(node);
    }
    match &node.value {
        Value::List(values) => {
            let is_primary = |value: &&Node| {
                let primary = property(value, "primary").map(|it| &it.value);
                matches!(primary, Some(Value::Bool(true)))
            };
            let mut primary = values.iter().filter(is_primary);
            match (primary.next(), primary.next(), &values[..]) {
                (Some(only), None, _) | (None, _, [only]) => attribute(only, below),
                _ => None,
            }
        }
        _ => attribute(node, below),
    }
}

/// Returns whether a path of attributes leads through a list of several values of which none is primary.
pub(super) fn has_several(user: &Node, path: &str) -> bool {
    let starts = path.match_indices('.').map(|(at, _)| at);
    let mut above = starts.filter_map(|at| attribute(user, path.get(..at)?));
    attribute(user, path).is_none() && above.any(|node| matches!(&node.value, Value::List(values) if values.len() > 1))
}

/// A page of the list.
struct Page {
    place: Place,
    total: Option<(usize, Place)>,
    /// The number of the first user, from 1.
    start: Option<usize>,
    /// The number of users that the page states.
    size: Option<(usize, Place)>,
    /// The place of the cursor of the next page (RFC 9865).
    next: Option<Place>,
    /// The place of a property that states an error.
    error: Option<Place>,
    users: Vec<Node>,
}

type Refusal = Box<Diagnostic>;

fn error(message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(Code::CaptureScim, message)
}

fn refuse(node: &Node, message: &str, label: &str, help: &str) -> Refusal {
    let error = error(message).label(&node.place.source, head(&node.place).span, label);
    Box::new(error.help(help))
}

/// Returns the beginning of a place, because a page is long.
fn head(place: &Place) -> Place {
    let mut span = place.span;
    span.end = span.end.min(span.start.saturating_add(1));
    Place { source: Arc::clone(&place.source), span }
}

/// Returns a property by its name, without case.
fn property<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    let Value::Object(properties) = &node.value else { return None };
    properties.iter().find(|property| property.name.eq_ignore_ascii_case(name)).map(|property| &property.node)
}

/// Returns a number. Some servers write numbers as texts.
fn number(node: &Node) -> Option<usize> {
    match &node.value {
        Value::Number(text) | Value::Text(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn has_schema(node: &Node, wanted: &str) -> bool {
    match property(node, "schemas").map(|schemas| &schemas.value) {
        Some(Value::List(schemas)) => {
            schemas.iter().any(|it| it.text().is_some_and(|schema| schema.eq_ignore_ascii_case(wanted)))
        }
        _ => false,
    }
}

fn pages_of(source: &Arc<Source>) -> Result<Vec<Page>, Refusal> {
    let values = Node::read_all(source).map_err(|error| not_json(source, &error))?;
    let mut pages = Vec::new();
    for value in values {
        if let Some([_, again]) = value.repeated() {
            let error = error(format!("`{}` is given twice", again.name));
            let error = error.label(&again.place.source, again.place.span, "given again here");
            return Err(Box::new(error.help("store the answers as the SCIM server sends them")));
        }
        match value.value {
            Value::List(elements) => {
                for element in elements {
                    pages.push(page(element)?);
                }
            }
            _ => pages.push(page(value)?),
        }
    }
    if pages.is_empty() {
        let error = error("the file has no page").label(source, crate::source::Span::new(0, 1), "an empty array");
        return Err(Box::new(error.help("store the answers of GET /Users, one after the other")));
    }
    Ok(pages)
}

fn not_json(source: &Arc<Source>, error: &SyntaxError) -> Refusal {
    let html = source.text().trim_start().starts_with('<');
    let message = if html { "this is not JSON but markup, such as a login page" } else { "this is not JSON" };
    let error = self::error(message).label(source, error.span, error.unquoted.clone());
    Box::new(error.help("store the answers of GET /Users as the SCIM server sends them"))
}

fn page(mut node: Node) -> Result<Page, Refusal> {
    if has_schema(&node, ERROR) {
        let status = property(&node, "status").and_then(number);
        let status = status.map_or_else(String::new, |status| format!(" with the status {status}"));
        let message = format!("the SCIM server answered with an error{status}");
        return Err(refuse(&node, &message, "this is not a list", "correct the request, and store the answer again"));
    }
    if has_schema(&node, USER) || property(&node, "userName").is_some() {
        let label = "expected a `ListResponse`";
        return Err(refuse(&node, "this is a single user, not a list", label, "store the answers of GET /Users"));
    }
    if !has_schema(&node, LIST) && property(&node, "Resources").is_none() {
        let label = "it has neither the schema of a `ListResponse` nor `Resources`";
        return Err(refuse(&node, "this is not a SCIM list", label, "store the answers of GET /Users"));
    }
    let counted = |name: &str| -> Result<Option<(usize, Place)>, Refusal> {
        let Some(found) = property(&node, name).filter(|it| it.value != Value::Null) else { return Ok(None) };
        let count = number(found).ok_or_else(|| {
            let message = format!("`{name}` is not a number");
            refuse(found, &message, "expected a whole number", "store the answers as the SCIM server sends them")
        })?;
        Ok(Some((count, found.place.clone())))
    };
    let (total, size) = (counted("totalResults")?, counted("itemsPerPage")?);
    let start = counted("startIndex")?.map(|(start, _)| start.max(1));
    let next = property(&node, "nextCursor").filter(|it| !it.says_nothing()).map(|it| it.place.clone());
    let error = error_of(&node).map(|property| property.place.clone());
    Ok(Page { place: head(&node.place), total, start, size, next, error, users: users(&mut node)? })
}

/// Returns the property of a page that states an error: that of an API, or one that a page has only as an error (RFC 7644,
/// section 3.12).
fn error_of(page: &Node) -> Option<&Property> {
    let Value::Object(properties) = &page.value else { return None };
    let mut error = ApiError::default();
    for property in properties {
        error.consider(&property.name, property, || property.node.says_nothing());
    }
    let is_of_answer = |property: &&Property| match property.name.to_ascii_lowercase().as_str() {
        "status" => number(&property.node).is_some_and(|status| status >= 400),
        "scimtype" | "detail" => !property.node.says_nothing(),
        _ => false,
    };
    error.shown(true).or_else(|| properties.iter().find(is_of_answer))
}

/// Takes the users of a page out of it.
fn users(page: &mut Node) -> Result<Vec<Node>, Refusal> {
    let Value::Object(properties) = &mut page.value else { return Ok(Vec::new()) };
    let found = properties.iter_mut().find(|property| property.name.eq_ignore_ascii_case("Resources"));
    let Some(resources) = found.map(|property| &mut property.node) else { return Ok(Vec::new()) };
    let Value::List(users) = &mut resources.value else {
        return Err(match resources.value {
            Value::Null => return Ok(Vec::new()),
            _ => refuse(resources, "`Resources` is not a list", "expected an array", "store the answers of GET /Users"),
        });
    };
    let users = std::mem::take(users);
    let is_user = |node: &&Node| property(node, "userName").is_some() || has_schema(node, USER);
    match users.iter().find(|node| !is_user(node)) {
        Some(other) => {
            let label = "it has neither a `userName` nor the schema of a user";
            Err(refuse(other, "a resource of the list is not a user", label, "store the answers of GET /Users"))
        }
        None => Ok(users),
    }
}

/// Returns the largest total, and reports a total that changes or is missing.
fn total(pages: &[Page], diagnostics: &mut Vec<Diagnostic>) -> Option<usize> {
    let mut totals = pages.iter().filter_map(|page| page.total.as_ref());
    let Some((first, place)) = totals.next() else {
        let page = pages.first()?;
        let warning = Diagnostic::warning(Code::CaptureScim, "no page states `totalResults`, so users may be missing");
        let warning = warning.label(&page.place.source, page.place.span, "this page does not have it");
        diagnostics.push(warning.help("store the answers as the SCIM server sends them"));
        return None;
    };
    if let Some((other, at)) = totals.find(|(total, _)| total != first) {
        let message = format!("the number of users changed from {first} to {other} between two pages");
        let warning = Diagnostic::warning(Code::CaptureScim, message);
        let warning =
            warning.label(&at.source, at.span, "another total").label(&place.source, place.span, "the first one");
        diagnostics.push(warning.help("request all pages again"));
    }
    pages.iter().filter_map(|page| page.total.as_ref()).map(|(total, _)| *total).max()
}

/// Returns whether the pages follow on each other, and reports those that do not.
fn check_indices(pages: &[Page], diagnostics: &mut Vec<Diagnostic>) -> bool {
    let mut ranges: Vec<(usize, &Page)> = Vec::new();
    for page in pages {
        // Some servers state the size that was asked for, which may be larger.
        if let Some((size, place)) = page.size.as_ref().filter(|(size, _)| *size < page.users.len()) {
            let message = format!("a page states {size} users and has {}", page.users.len());
            let warning = Diagnostic::warning(Code::CaptureScim, message);
            diagnostics.push(warning.label(&place.source, place.span, "the number in the page"));
        }
        ranges.extend(page.start.map(|start| (start, page)));
    }
    ranges.sort_by_key(|(start, _)| *start);
    let (mut next, mut is_gapless) = (1, true);
    for (start, page) in ranges {
        if start > next {
            is_gapless = false;
            let message = format!("the page with the users {next} to {} is missing", start - 1);
            let warning = Diagnostic::warning(Code::CaptureScim, message);
            let warning =
                warning.label(&page.place.source, page.place.span, format!("this page begins with user {start}"));
            diagnostics.push(warning.help("request this page, too; without it the list is partial"));
        }
        next = next.max(start.saturating_add(page.users.len()));
    }
    is_gapless
}

/// Returns whether a page states an error, and reports those that do.
fn check_errors(pages: &[Page], diagnostics: &mut Vec<Diagnostic>) -> bool {
    let mut has_errors = false;
    for place in pages.iter().filter_map(|page| page.error.as_ref()) {
        has_errors = true;
        let warning = Diagnostic::warning(Code::CaptureScim, "a page states an error, so users may be missing");
        let warning = warning.label(&place.source, place.span, "an error of the SCIM server");
        diagnostics.push(warning.help("request the page again; until then the list is partial"));
    }
    has_errors
}

/// Returns whether every page has a cursor of a next one, and reports it: the last page has none (RFC 9865, section 2).
fn check_cursors(pages: &[Page], diagnostics: &mut Vec<Diagnostic>) -> bool {
    let cursors: Option<Vec<&Place>> = pages.iter().map(|page| page.next.as_ref()).collect();
    let Some(last) = cursors.as_ref().and_then(|cursors| cursors.last()) else { return false };
    let warning = Diagnostic::warning(Code::CaptureScim, "the last page is missing, so users may be missing");
    let warning = warning.label(&last.source, last.span, "a further page follows on every page");
    diagnostics.push(warning.help("request the pages up to one without `nextCursor`; until then the list is partial"));
    true
}

/// Returns whether there are as many users as the total states, and reports a difference.
fn check_count(place: &Place, users: usize, total: Option<usize>, diagnostics: &mut Vec<Diagnostic>) -> bool {
    let Some(total) = total else { return false };
    if users == total {
        return true;
    }
    let message = format!("the pages have {users} users, and the directory has {total}");
    let warning = Diagnostic::warning(Code::CaptureScim, message).label(&place.source, place.span, "the first page");
    diagnostics.push(warning.help("request all pages again; the list is partial"));
    false
}

/// Returns each user once, and their number: overlapping pages repeat them. Two versions of a user are both kept, with an
/// error.
fn distinct(pages: Vec<Page>, diagnostics: &mut Vec<Diagnostic>) -> (Vec<Node>, usize) {
    let (mut known, mut users) = (HashMap::<String, usize>::new(), Vec::<Node>::new());
    let mut nameless = 0;
    for user in pages.into_iter().flat_map(|page| page.users) {
        let text = |name: &str| property(&user, name).and_then(Node::text).map(str::to_owned);
        // A user without an id is known by its name, which is compared without case (RFC 7643, section 4.1.1).
        let id = text("id").or_else(|| text("userName").map(|name| format!("userName:{}", name.to_lowercase())));
        nameless += usize::from(id.is_none());
        let earlier = id.as_ref().and_then(|id| users.get(*known.get(id)?));
        match earlier {
            Some(earlier) if same(earlier, &user) => continue,
            Some(earlier) => diagnostics.push(changed(earlier, &user)),
            None => {
                if let Some(id) = id {
                    known.insert(id, users.len());
                }
            }
        }
        users.push(user);
    }
    (users, known.len() + nameless)
}

fn changed(earlier: &Node, later: &Node) -> Diagnostic {
    let (earlier, later) = (head(&earlier.place), head(&later.place));
    let error = error("two pages have different values of one user");
    let error = error.label(&later.source, later.span, "the user here");
    error.label(&earlier.source, earlier.span, "and here").help("request all pages again")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(id: &str, more: &str) -> String {
        format!("{{\"schemas\": [\"{USER}\"], \"id\": \"{id}\", \"userName\": \"{id}@x.example\"{more}}}")
    }

    fn list(total: usize, start: usize, users: &[String]) -> String {
        let users = users.join(", ");
        format!(
            "{{\"schemas\": [\"{LIST}\"], \"totalResults\": {total}, \"startIndex\": {start}, \"Resources\": [{users}]}}"
        )
    }

    fn read_texts(texts: &[&str]) -> (Option<Users>, Vec<String>) {
        let sources: Vec<_> = texts.iter().map(|text| Source::new("users.json", *text).unwrap()).collect();
        let (users, diagnostics) = read(&sources);
        (users, diagnostics.into_iter().map(|it| it.message).collect())
    }

    fn ids(users: &Users) -> Vec<&str> {
        users.users.iter().filter_map(|user| user.get("id")?.text()).collect()
    }

    #[test]
    fn pages_in_any_form_are_one_list() {
        let first = list(3, 1, &[user("a", ""), user("b", "")]);
        let second = list(3, 3, &[user("c", "")]);
        let (array, lines) = (format!("[{first}, {second}]"), format!("{first}\n{second}\n"));
        for texts in [&[array.as_str()][..], &[&lines], &[&first, &second], &[&second, &first]] {
            let (users, messages) = read_texts(texts);
            let users = users.unwrap();
            assert_eq!((users.users.len(), users.total, users.is_partial), (3, Some(3), false), "{texts:?}");
            assert_eq!(messages, [""; 0]);
        }
    }

    #[test]
    fn users_are_counted_once() {
        let b = |name: &str| format!("{{\"userName\": \"{name}@x.example\"}}");
        let (first, again) = (list(3, 1, &[user("a", ""), b("B")]), list(3, 2, &[b("b")]));
        let (users, messages) = read_texts(&[&first, &again]);
        assert!(users.unwrap().is_partial);
        let expected =
            ["two pages have different values of one user", "the pages have 2 users, and the directory has 3"];
        assert_eq!(messages, expected);
        let (users, messages) = read_texts(&[&first, &first]);
        assert_eq!((users.unwrap().users.len(), messages.len()), (2, 1));
        // Properties have no order.
        let name = |inner: &str| list(1, 1, &[format!("{{\"userName\": \"a\", \"name\": {{{inner}}}}}")]);
        let texts = ["\"x\": 1, \"y\": 2", "\"y\": 2, \"x\": 1"].map(name);
        let (users, messages) = read_texts(&[&texts[0], &texts[1]]);
        assert_eq!((users.unwrap().users.len(), messages), (1, Vec::new()));
    }

    #[test]
    fn missing_and_changed_pages_make_the_list_partial() {
        let a = || user("a", "");
        let with = |more: &str| list(1, 1, &[a()]).replacen('{', &format!("{{{more}, "), 1);
        let stated: &[&str] = &["a page states an error, so users may be missing"];
        let cursor = "\"nextCursor\": \"VZUTiy\"";
        let cut: &[&str] = &["the last page is missing, so users may be missing"];
        let cases: [(Vec<String>, bool, &[&str]); 18] = [
            (vec![with("\"error\": \"timeout\"")], true, stated),
            (vec![with("\"Errors\": [{}]")], true, stated),
            (vec![with("\"status\": \"500\"")], true, stated),
            (vec![with("\"detail\": \"cut off\"")], true, stated),
            (vec![with("\"error\": null, \"errors\": [], \"status\": 200, \"detail\": \"\"")], false, &[]),
            (vec![with(cursor)], true, cut),
            (vec![with(cursor), with(cursor)], true, cut),
            (vec![with(cursor), list(1, 1, &[a()])], false, &[]),
            (vec![list(1, 1, &[a()]), with(cursor)], false, &[]),
            (vec![with("\"nextCursor\": null")], false, &[]),
            (vec![list(1, 1, &[a()])], false, &[]),
            (vec![list(0, 1, &[])], false, &[]),
            (
                vec![list(3, 1, &[a()]), list(3, 3, &[user("c", "")])],
                true,
                &["the page with the users 2 to 2 is missing", "the pages have 2 users, and the directory has 3"],
            ),
            (vec![list(2, 1, &[a()])], true, &["the pages have 1 users, and the directory has 2"]),
            (
                vec![list(1, 1, &[a()]), list(2, 2, &[user("b", "")])],
                false,
                &["the number of users changed from 1 to 2 between two pages"],
            ),
            // The pages overlap.
            (vec![list(2, 1, &[a(), user("b", "")]), list(2, 2, &[user("b", "")])], false, &[]),
            (
                vec![list(1, 1, &[a()]), list(1, 1, &[user("a", ", \"active\": false")])],
                false,
                &["two pages have different values of one user"],
            ),
            (
                vec![format!("{{\"Resources\": [{}]}}", a())],
                true,
                &["no page states `totalResults`, so users may be missing"],
            ),
        ];
        for (texts, is_partial, expected) in cases {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let (users, messages) = read_texts(&texts);
            assert!(users.unwrap().is_partial == is_partial && messages == expected, "{texts:?} {messages:?}");
        }
    }

    #[test]
    fn names_are_compared_without_case_and_numbers_may_be_texts() {
        let text = format!(
            "{{\"SCHEMAS\": [\"{}\"], \"totalresults\": \"1\", \"itemsPerPage\": 100, \"resources\": [{}]}}",
            LIST.to_uppercase(),
            user("a", "")
        );
        let (users, messages) = read_texts(&[&text]);
        let users = users.unwrap();
        assert_eq!((ids(&users), users.is_partial, messages.len()), (vec!["a"], false, 0), "{messages:?}");
    }

    #[test]
    fn other_answers_are_refused() {
        let error = format!("{{\"schemas\": [\"{ERROR}\"], \"status\": \"401\", \"detail\": \"x\"}}");
        let group = list(1, 1, &["{\"displayName\": \"g\"}".to_owned()]);
        let total = list(1, 1, &[user("a", "")]).replace("\"totalResults\": 1", "\"totalResults\": [1]");
        for (text, expected) in [
            (error.as_str(), "the SCIM server answered with an error with the status 401"),
            (&user("a", ""), "this is a single user, not a list"),
            ("{\"users\": []}", "this is not a SCIM list"),
            ("{\"Resources\": {}}", "`Resources` is not a list"),
            ("[]", "the file has no page"),
            ("7", "this is not a SCIM list"),
            ("", "this is not JSON"),
            ("<html>", "this is not JSON but markup, such as a login page"),
            (&group, "a resource of the list is not a user"),
            (&total, "`totalResults` is not a number"),
        ] {
            let (users, messages) = read_texts(&[&list(1, 1, &[user("a", "")]), text]);
            assert!(users.is_none() && messages == [expected], "{text}\n{messages:?}");
        }
    }

    #[test]
    fn attributes_are_found_by_their_paths() {
        let more = ", \"active\": true, \"name\": {\"givenName\": \"Ada\"}, \
            \"emails\": [{\"value\": \"1\"}, {\"value\": \"2\", \"primary\": true}], \"roles\": [{\"value\": \"r\"}], \
            \"groups\": [{\"value\": \"g1\"}, {\"value\": \"g2\"}], \
            \"urn:x:2.0:User\": {\"role\": \"Admin\", \"manager\": {\"value\": \"m\"}}";
        let (users, _) = read_texts(&[&list(1, 1, &[user("a", more)])]);
        let users = users.unwrap();
        let text = |path: &str| attribute(&users.users[0], path).map(|node| node.place.text());
        for (path, expected) in [
            ("userName", Some("\"a@x.example\"")),
            ("USERNAME", Some("\"a@x.example\"")),
            ("active", Some("true")),
            ("name.givenName", Some("\"Ada\"")),
            ("emails.value", Some("\"2\"")),
            ("roles.value", Some("\"r\"")),
            ("groups.value", None),
            ("urn:x:2.0:User:role", Some("\"Admin\"")),
            ("urn:x:2.0:user:manager.value", Some("\"m\"")),
            ("urn:x:2.0:User", Some("{\"role\": \"Admin\", \"manager\": {\"value\": \"m\"}}")),
            ("user", None),
            ("id.value", None),
            ("", None),
        ] {
            assert_eq!(text(path), expected, "{path}");
        }
        let several = ["groups.value", "emails.value", "roles.value", "none.value", "groups", "userName"];
        assert_eq!(several.map(|path| has_several(&users.users[0], path)), [true, false, false, false, false, false]);
    }
}
