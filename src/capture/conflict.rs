//! Values that two sources state.

use super::node::{Node, Property, Value};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Place;
use crate::value::{number_form, parse_datetime, show_datetime};

/// The rule for two sources with different values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// The value is uncaptured, and both places are reported.
    Report,
    /// The newer source wins.
    Newer,
    /// The second source replaces the first.
    Replace,
    /// The second source replaces the old snapshot, unless it is the older one: then a value that differs is uncaptured, and
    /// both places are reported.
    Refresh,
}

/// Returns the error for a value that is older than the one of the old snapshot that it would replace. `times` are those of
/// the old snapshot and of the value.
pub(super) fn outdated(at: &str, times: [Option<i64>; 2], old: Option<&Place>, new: &Place) -> Diagnostic {
    let [known, given] = times.map(|time| time.map(show_datetime).unwrap_or_default());
    let message = format!("`{at}` is of {given}, and the snapshot has another value of {known}");
    let error = Diagnostic::error(Code::CaptureConflict, message).label(&new.source, new.span, "the older value");
    let error = match old {
        Some(old) => error.label(&old.source, old.span, "the newer value"),
        None => error,
    };
    error
        .help("leave the older one out, capture it again, or correct --captured-at; until then the value is uncaptured")
}

/// Returns the error for two values at one place.
pub(super) fn contradiction(at: &str, one: Option<&Place>, two: Option<&Place>) -> Diagnostic {
    let error = Diagnostic::error(Code::CaptureConflict, format!("two sources state different values of `{at}`"));
    let texts = ["one value", "another value"];
    let labelled = [one, two].into_iter().zip(texts).fold(error, |error, (place, text)| match place {
        Some(place) => error.label(&place.source, place.span, text),
        None => error,
    });
    labelled.help("correct one of them, or pass --prefer newer if they are of different times; until then the value is uncaptured")
}

/// Returns the error for a property that an object has more than once.
pub(super) fn given_twice(at: &str, again: &Place) -> Diagnostic {
    let error = Diagnostic::error(Code::CaptureConflict, format!("`{at}` is given twice"));
    let error = error.label(&again.source, again.span, "given again here");
    error.help("remove one of them; until then the value is uncaptured")
}

/// Returns the texts of a list.
pub(super) fn names(node: &Node) -> Vec<String> {
    match &node.value {
        Value::List(elements) => elements.iter().filter_map(Node::text).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// A value that is neither a list nor an object, in a form in which equal values are equal.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Single<'n> {
    Null,
    Bool(bool),
    Number(String),
    Time(i64),
    Text(&'n str),
}

fn single(node: &Node) -> Option<Single<'_>> {
    match &node.value {
        Value::Null => Some(Single::Null),
        Value::Bool(truth) => Some(Single::Bool(*truth)),
        Value::Number(number) => Some(Single::Number(number_form(number))),
        Value::Text(text) => {
            let text = text.trim();
            Some(parse_datetime(text).map_or(Single::Text(text), Single::Time))
        }
        Value::List(_) | Value::Object(_) => None,
    }
}

/// Returns the elements of a list of single values in order. Equal elements are all there, because an attribute may count them.
fn sorted(list: &[Node]) -> Option<Vec<Single<'_>>> {
    let mut elements: Vec<Single<'_>> = list.iter().map(single).collect::<Option<_>>()?;
    elements.sort_unstable();
    Some(elements)
}

/// Returns whether two values state the same. The order of lists of single values does not matter.
pub(super) fn same(one: &Node, two: &Node) -> bool {
    match (&one.value, &two.value) {
        (Value::List(one), Value::List(two)) => match (sorted(one), sorted(two)) {
            (Some(one), Some(two)) => one == two,
            _ => one.len() == two.len() && one.iter().zip(two).all(|(one, two)| same(one, two)),
        },
        (Value::Object(one), Value::Object(two)) => {
            let has =
                |property: &Property| two.iter().any(|it| it.name == property.name && same(&it.node, &property.node));
            one.len() == two.len() && one.iter().all(has)
        }
        _ => single(one).is_some_and(|one| single(two) == Some(one)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    #[test]
    fn values_are_the_same_in_another_spelling() {
        let node = |text: &str| Node::read(&Source::new("s.json", text).unwrap()).unwrap();
        for (one, two, expected) in [
            ("5", "5.0", true),
            ("5", "50e-1", true),
            ("5", "5.00001", false),
            ("0.25", "25e-2", true),
            ("123456789012345678901", "123456789012345678901", true),
            ("5", "\"5\"", false),
            ("null", "null", true),
            ("null", "[]", false),
            ("\"2026-09-01\"", "\"2026-09-01T00:00:00Z\"", true),
            ("\" a\"", "\"a\"", true),
            ("[\"x\", \"y\", \"x\"]", "[\"y\", \"x\", \"x\"]", true),
            ("[\"x\", \"y\"]", "[\"y\", \"x\", \"x\"]", false),
            ("[1, 2]", "[2.0, 1]", true),
            ("[1]", "[1, 2]", false),
            ("[]", "[null]", false),
            ("[{\"a\": 1}, {\"a\": 2}]", "[{\"a\": 2}, {\"a\": 1}]", false),
            ("[{\"a\": 1, \"b\": [1, 2]}]", "[{\"b\": [2, 1], \"a\": 1.0}]", true),
            ("{\"a\": 1}", "{\"a\": 1, \"b\": 1}", false),
        ] {
            assert_eq!(same(&node(one), &node(two)), expected, "{one} {two}");
            assert_eq!(same(&node(two), &node(one)), expected, "{two} {one}");
        }
    }
}
