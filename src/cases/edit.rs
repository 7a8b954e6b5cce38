//! Edits of a snapshot's text by JSON pointer. The other parts of the text keep their order and form.

use crate::source::json::{Kind, Scanner, SyntaxError};
use crate::source::pointer::{escape, unescape};
use crate::source::{Span, byte_offset, nearest};

/// A change of a snapshot.
#[derive(Debug, Clone)]
pub struct Edit {
    /// The pointer, spelt out.
    pub at: String,
    /// The change at this place.
    pub change: Change,
    /// The place in the case file.
    pub span: Span,
}

/// The change at a pointer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Another value in place of the one there, as JSON.
    Set(String),
    /// A property that was not there, as JSON.
    Add(String),
    /// The value is removed.
    Remove,
    /// An element at the end of the list there, as JSON.
    Append(String),
    /// The property gets another name.
    Rename(String),
    /// A copy of the value at the end of the list at another pointer.
    Copy(String),
}

/// The reason why an edit has no effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Miss {
    /// The reason, in one phrase.
    pub message: String,
    /// The remedy, if a similar name exists.
    pub help: Option<String>,
}

impl Miss {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None }
    }
}

impl From<SyntaxError> for Miss {
    fn from(error: SyntaxError) -> Self {
        Miss::new(format!("the snapshot is not JSON: {}", error.unquoted))
    }
}

impl Edit {
    /// Returns the text after the change.
    ///
    /// # Errors
    /// [`Miss`] if there is no value at the pointer, or if the change has no effect.
    pub fn apply(&self, text: &str) -> Result<String, Miss> {
        match &self.change {
            Change::Set(json) => {
                let span = find(text, &self.at)?;
                let old = text.get(span.range()).unwrap_or_default();
                if same(old, json) {
                    return Err(Miss::new(format!("`{}` has that value already", self.at)));
                }
                Ok(replaced(text, span, json))
            }
            Change::Add(json) => {
                let (parent, name) = self.split()?;
                let around = find(text, parent)?;
                expect_kind(text, around, Kind::Object, parent)?;
                let children = children(text, around.start)?;
                if children.iter().any(|child| child.name == name) {
                    let help = format!("`set` puts another value in place of the one there: `{}`", self.at);
                    return Err(Miss { help: Some(help), ..Miss::new(format!("`{}` is there already", self.at)) });
                }
                Ok(inserted(text, around, &children, &format!("{}: {json}", quoted(&name))))
            }
            Change::Append(json) => appended(text, &self.at, json),
            Change::Copy(to) => {
                let span = find(text, &self.at)?;
                appended(text, to, text.get(span.range()).unwrap_or_default())
            }
            Change::Remove => {
                let (children, at) = self.child(text)?;
                let (before, rest) = children.split_at_checked(at).unwrap_or_default();
                let cut = match (before.last(), rest) {
                    (Some(before), [child, ..]) => Span::new(before.value.end, child.value.end),
                    (None, [child, next, ..]) => Span::new(child.start(), next.start()),
                    (None, [child]) => Span::new(child.start(), child.value.end),
                    (_, []) => return Err(Miss::new(format!("there is no `{}`", self.at))),
                };
                Ok(replaced(text, cut, ""))
            }
            Change::Rename(name) => {
                let (children, at) = self.child(text)?;
                if children.iter().any(|child| child.name == *name) {
                    return Err(Miss::new(format!("the object of `{}` has a `{name}` already", self.at)));
                }
                match children.get(at).and_then(|child| child.key) {
                    Some(key) => Ok(replaced(text, key, &quoted(name))),
                    None => Err(Miss::new(format!("`{}` is an element of a list, which has no name", self.at))),
                }
            }
        }
    }

    /// Returns the pointer of the parent, and the last step.
    fn split(&self) -> Result<(&str, String), Miss> {
        let whole = || Miss::new("the empty pointer is the whole snapshot: name something in it");
        self.at.rsplit_once('/').map(|(parent, name)| (parent, unescape(name))).ok_or_else(whole)
    }

    /// Returns the children of the value's parent, and the place of the value among them.
    fn child(&self, text: &str) -> Result<(Vec<Child>, usize), Miss> {
        let (parent, name) = self.split()?;
        find(text, &self.at)?;
        let children = children(text, find(text, parent)?.start)?;
        let at = children.iter().position(|child| child.name == name);
        at.map(|at| (children, at)).ok_or_else(|| Miss::new(format!("there is no `{}`", self.at)))
    }
}

/// A property or an element.
struct Child {
    key: Option<Span>,
    /// The property, or the index.
    name: String,
    value: Span,
}

impl Child {
    fn start(&self) -> u32 {
        self.key.unwrap_or(self.value).start
    }
}

fn kind(text: &str, at: u32) -> Result<Kind, Miss> {
    Ok(Scanner::at(text, at).peek()?.0)
}

fn expect_kind(text: &str, span: Span, expected: Kind, at: &str) -> Result<(), Miss> {
    match kind(text, span.start)? {
        found if found == expected => Ok(()),
        found => Err(Miss::new(format!("`{at}` is {}, not {}", found.described(), expected.described()))),
    }
}

/// Returns the children of the value that starts at a place.
fn children(text: &str, at: u32) -> Result<Vec<Child>, Miss> {
    let mut children = Vec::new();
    let mut scanner = Scanner::at(text, at);
    match scanner.peek()?.0 {
        Kind::Object => {
            scanner.object(|scanner, key| {
                children.push(Child { key: Some(key.span), name: key.text().into_owned(), value: scanner.skip()? });
                Ok::<_, Miss>(())
            })?;
        }
        Kind::Array => {
            scanner.array(|scanner, index| {
                children.push(Child { key: None, name: index.to_string(), value: scanner.skip()? });
                Ok::<_, Miss>(())
            })?;
        }
        _ => {}
    }
    Ok(children)
}

/// The end of a search for a child.
enum End {
    /// The child starts here.
    Found(u32),
    /// The text is not JSON.
    Invalid(SyntaxError),
}

impl From<SyntaxError> for End {
    fn from(error: SyntaxError) -> Self {
        End::Invalid(error)
    }
}

/// Returns the start of the child with a name of a value. The text after it is not read.
fn child_at(text: &str, start: u32, name: &str) -> Result<Option<u32>, SyntaxError> {
    let mut scanner = Scanner::at(text, start);
    let here = |scanner: &mut Scanner<'_>| Ok(End::Found(scanner.peek()?.1));
    let walked = match scanner.peek()?.0 {
        Kind::Object => scanner.object(|scanner, key| match key.text() == name {
            true => Err(here(scanner).unwrap_or_else(End::Invalid)),
            false => scanner.skip().map(|_| ()).map_err(End::Invalid),
        }),
        Kind::Array => {
            let wanted = name.parse().ok().filter(|index: &usize| index.to_string() == name);
            scanner.array(|scanner, index| match wanted == Some(index) {
                true => Err(here(scanner).unwrap_or_else(End::Invalid)),
                false => scanner.skip().map(|_| ()).map_err(End::Invalid),
            })
        }
        _ => return Ok(None),
    };
    match walked {
        Ok(_) => Ok(None),
        Err(End::Found(start)) => Ok(Some(start)),
        Err(End::Invalid(error)) => Err(error),
    }
}

/// Returns the value at a pointer.
pub(super) fn find(text: &str, pointer: &str) -> Result<Span, Miss> {
    let before = byte_offset(text.len() - text.trim_start_matches('\u{feff}').len());
    let (_, mut at) = Scanner::at(text, before).peek()?;
    let mut here = String::new();
    for step in pointer.split('/').skip(1) {
        let name = unescape(step);
        match child_at(text, at, &name)? {
            Some(child) => at = child,
            None => return Err(lacking(kind(text, at)?, &here, &name, &children(text, at)?)),
        }
        here.push('/');
        here.push_str(step);
    }
    Ok(Scanner::at(text, at).skip()?)
}

/// Returns the message for a missing child, with the names of the others.
fn lacking(kind: Kind, here: &str, name: &str, found: &[Child]) -> Miss {
    let place = if here.is_empty() { "the snapshot".to_owned() } else { format!("`{here}`") };
    match kind {
        Kind::Object => {
            let names: Vec<&str> = found.iter().map(|child| child.name.as_str()).collect();
            let help = match nearest(name, names.iter().copied()) {
                Some(near) => Some(format!("did you mean `{here}/{}`?", escape(near))),
                None if names.is_empty() => None,
                None => {
                    let shown: Vec<String> = names.iter().take(12).map(|name| format!("`{name}`")).collect();
                    let more = names.len().saturating_sub(shown.len());
                    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                    Some(format!("it has {}{more}; `add` adds a property", shown.join(", ")))
                }
            };
            Miss { message: format!("{place} has no `{name}`"), help }
        }
        Kind::Array => {
            let help = match found.len() {
                0 => "it is empty; `append` adds an element".to_owned(),
                1 => "it has one element: 0".to_owned(),
                n => format!("it has the elements 0 to {}", n - 1),
            };
            Miss { message: format!("{place} has no element `{name}`"), help: Some(help) }
        }
        other => Miss::new(format!("{place} is {}, which has no `{name}`", other.described())),
    }
}

fn appended(text: &str, at: &str, json: &str) -> Result<String, Miss> {
    let list = find(text, at)?;
    expect_kind(text, list, Kind::Array, at)?;
    Ok(inserted(text, list, &children(text, list.start)?, json))
}

/// Inserts a text after the last child, with the white space that precedes the first child.
fn inserted(text: &str, around: Span, children: &[Child], new: &str) -> String {
    let (Some(first), Some(last)) = (children.first(), children.last()) else {
        return replaced(text, Span::new(around.start + 1, around.start + 1), new);
    };
    let before = text.get(..first.start() as usize).unwrap_or_default();
    let blank = before.strip_prefix(before.trim_end_matches([' ', '\t', '\r', '\n'])).unwrap_or_default();
    let blank = if blank.contains('\n') { blank } else { " " };
    replaced(text, Span::new(last.value.end, last.value.end), &format!(",{blank}{new}"))
}

fn replaced(text: &str, span: Span, by: &str) -> String {
    let before = text.get(..span.start as usize).unwrap_or_default();
    let after = text.get(span.end as usize..).unwrap_or_default();
    [before, by, after].concat()
}

/// Returns whether two JSON texts have the same value.
fn same(a: &str, b: &str) -> bool {
    let read = |text| serde_json::from_str::<serde_json::Value>(text).ok();
    a == b || read(a).is_some_and(|a| Some(a) == read(b))
}

pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(text: &str, at: &str, change: Change) -> Result<String, String> {
        let edit = Edit { at: at.to_owned(), change, span: Span::default() };
        edit.apply(text)
            .map_err(|miss| [Some(miss.message), miss.help].into_iter().flatten().collect::<Vec<_>>().join("; "))
    }

    const TEXT: &str = "{\n  \"a\": [1, 2],\n  \"b/c\": { \"x\": null }\n}";

    #[test]
    fn edits_change_what_they_name_and_nothing_else() {
        let ok = |at, change| edited(TEXT, at, change).unwrap();
        assert_eq!(ok("/a/1", Change::Set("\"two\"".into())), TEXT.replace("2]", "\"two\"]"));
        assert_eq!(ok("/b~1c/y", Change::Add("3".into())), TEXT.replace("null }", "null, \"y\": 3 }"));
        assert_eq!(ok("/z", Change::Add("3".into())), TEXT.replace("null }\n", "null },\n  \"z\": 3\n"));
        assert_eq!(ok("/a", Change::Append("{}".into())), TEXT.replace("2]", "2, {}]"));
        assert_eq!(ok("/a", Change::Remove), "{\n  \"b/c\": { \"x\": null }\n}");
        assert_eq!(ok("/b~1c", Change::Remove), "{\n  \"a\": [1, 2]\n}");
        assert_eq!(ok("/b~1c/x", Change::Remove), TEXT.replace("\"x\": null", ""));
        assert_eq!(ok("/a/0", Change::Remove), TEXT.replace("1, ", ""));
        assert_eq!(ok("/b~1c/x", Change::Rename("y".into())), TEXT.replace("\"x\"", "\"y\""));
        assert_eq!(ok("/b~1c", Change::Copy("/a".into())), TEXT.replace("2]", "2, { \"x\": null }]"));
        assert_eq!(edited("{\"a\":[]}", "/a", Change::Append("1".into())).unwrap(), "{\"a\":[1]}");
    }

    #[test]
    fn an_edit_that_hits_nothing_says_what_is_there() {
        let miss = |at, change| edited(TEXT, at, change).unwrap_err();
        assert_eq!(miss("/a/2", Change::Remove), "`/a` has no element `2`; it has the elements 0 to 1");
        assert_eq!(miss("/bc", Change::Remove), "the snapshot has no `bc`; did you mean `/b~1c`?");
        assert_eq!(miss("/a/1", Change::Set("2".into())), "`/a/1` has that value already");
        assert_eq!(miss("/b~1c", Change::Append("1".into())), "`/b~1c` is an object, not an array");
        assert_eq!(miss("/a/0/x", Change::Set("1".into())), "`/a/0` is a number, which has no `x`");
        assert_eq!(miss("", Change::Remove), "the empty pointer is the whole snapshot: name something in it");
        assert_eq!(miss("/a/0", Change::Rename("x".into())), "`/a/0` is an element of a list, which has no name");
    }
}
