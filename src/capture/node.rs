//! Values of small sources, such as transcribed settings, as a tree with the place of each value.
//!
//! Lists with many rows do not pass through this tree: a node is several times as large as its text.

use crate::source::json::{Kind, Scanner, SyntaxError, SyntaxProblem, document_start, string_text};
use crate::source::{Place, Source, Span};
use crate::value::fold::{caseless, is_same};
use std::collections::HashMap;
use std::sync::Arc;

/// A value with its place in the user's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The place.
    pub place: Place,
    /// The value.
    pub value: Value,
}

/// A value as JSON has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as written.
    Number(String),
    /// A string.
    Text(String),
    /// An array.
    List(Vec<Node>),
    /// The properties of an object, in the order of the text. A name may be there twice.
    Object(Vec<Property>),
}

/// A property of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    /// Its name.
    pub name: String,
    /// The place of the name.
    pub place: Place,
    /// Its value.
    pub node: Node,
}

impl Node {
    /// Returns a value at a place.
    pub fn new(place: &Place, value: Value) -> Self {
        Self { place: place.clone(), value }
    }

    /// Reads a JSON text, or a derived one.
    ///
    /// # Errors
    /// [`SyntaxError`] if the text is not JSON, is nested too deeply, or has a string that is not text.
    pub fn read(source: &Arc<Source>) -> Result<Self, SyntaxError> {
        let text = source.text();
        let mut scanner = Scanner::new(text);
        scanner.jump(document_start(text));
        let node = read(source, &mut scanner)?;
        scanner.end()?;
        Ok(node)
    }

    /// Reads the JSON values of a text, such as one on each line.
    ///
    /// # Errors
    /// [`SyntaxError`] if the text is not a sequence of values, as in [`Node::read`].
    pub fn read_all(source: &Arc<Source>) -> Result<Vec<Self>, SyntaxError> {
        let text = source.text();
        let mut scanner = Scanner::new(text);
        scanner.jump(document_start(text));
        let mut nodes = vec![read(source, &mut scanner)?];
        while scanner.end().is_err() {
            nodes.push(read(source, &mut scanner)?);
        }
        Ok(nodes)
    }

    /// Returns the first property with a name, if this is an object.
    pub fn get(&self, name: &str) -> Option<&Node> {
        match &self.value {
            Value::Object(properties) => {
                properties.iter().find(|property| property.name == name).map(|property| &property.node)
            }
            _ => None,
        }
    }

    /// Returns the first property with a name, compared without regard to case, if this is an object.
    pub fn named(&self, name: &str) -> Option<&Property> {
        match &self.value {
            Value::Object(properties) => properties.iter().find(|property| is_same(&property.name, name)),
            _ => None,
        }
    }

    /// Returns two properties of one object, here or below, whose names are equal without regard to case.
    pub fn repeated(&self) -> Option<[&Property; 2]> {
        match &self.value {
            Value::Object(properties) => {
                let mut known: HashMap<String, &Property> = HashMap::new();
                for property in properties {
                    if let Some(first) = known.insert(caseless(&property.name).into_owned(), property) {
                        return Some([first, property]);
                    }
                }
                properties.iter().find_map(|property| property.node.repeated())
            }
            Value::List(elements) => elements.iter().find_map(Node::repeated),
            _ => None,
        }
    }

    /// Returns the first statement `uncaptured`, here or below, that is not a list of names.
    pub fn wrong_statement(&self) -> Option<&Node> {
        match &self.value {
            Value::Object(properties) => properties.iter().find_map(|property| match &property.node.value {
                Value::Null => None,
                Value::List(names) if property.name == "uncaptured" => names.iter().find(|name| name.text().is_none()),
                _ if property.name == "uncaptured" => Some(&property.node),
                _ => property.node.wrong_statement(),
            }),
            Value::List(elements) => elements.iter().find_map(Node::wrong_statement),
            _ => None,
        }
    }

    /// Returns whether this is a usual value for "none", as an API has it in place of an error.
    pub fn says_nothing(&self) -> bool {
        match &self.value {
            Value::Null | Value::Bool(false) => true,
            Value::Text(text) => text.is_empty(),
            Value::List(elements) => elements.is_empty(),
            Value::Object(properties) => properties.is_empty(),
            Value::Bool(true) | Value::Number(_) => false,
        }
    }

    /// Returns the text, if this is a string.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

fn read(source: &Arc<Source>, scanner: &mut Scanner<'_>) -> Result<Node, SyntaxError> {
    let (kind, start) = scanner.peek()?;
    let value = match kind {
        Kind::Object => {
            let mut properties = Vec::new();
            scanner.object(|scanner, key| {
                let (name, place) = (key.text().into_owned(), Place::new(source, key.span));
                properties.push(Property { name, place, node: read(source, scanner)? });
                Ok::<(), SyntaxError>(())
            })?;
            Value::Object(properties)
        }
        Kind::Array => {
            let mut elements = Vec::new();
            scanner.array(|scanner, _| {
                elements.push(read(source, scanner)?);
                Ok::<(), SyntaxError>(())
            })?;
            Value::List(elements)
        }
        Kind::String | Kind::Number | Kind::Bool | Kind::Null => {
            let span = scanner.skip()?;
            let written = source.slice(span);
            let value = match kind {
                Kind::Null => Value::Null,
                Kind::Bool => Value::Bool(written == "true"),
                Kind::Number => Value::Number(written.to_owned()),
                _ => Value::Text(string_text(written).ok_or_else(|| not_text(span))?.into_owned()),
            };
            return Ok(Node { place: Place::new(source, span), value });
        }
    };
    Ok(Node { place: Place::new(source, Span::new(start, scanner.offset())), value })
}

fn not_text(span: Span) -> SyntaxError {
    let message = "expected a string without halves of surrogate pairs".to_owned();
    SyntaxProblem { span, unquoted: message.clone(), message, too_deep: false }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_places() {
        let source = Source::new("s.json", "{\"a\": [1, \"x\\n\", null, true], \"a\": {}}").unwrap();
        let node = Node::read(&source).unwrap();
        let Value::List(list) = &node.get("a").unwrap().value else { panic!("not a list") };
        assert_eq!(list.iter().map(|node| node.place.text()).collect::<Vec<_>>(), ["1", "\"x\\n\"", "null", "true"]);
        assert_eq!(list[1].text(), Some("x\n"));
        assert_eq!(node.place.text(), source.text());
        assert!(Node::read(&Source::new("s.json", "[1,").unwrap()).is_err());
        assert!(Node::read(&Source::new("s.json", "[".repeat(600)).unwrap()).is_err());
    }

    #[test]
    fn values_for_none_are_those_of_a_snapshot() {
        let values =
            ["null", "false", "true", "0", "\"\"", "\" \"", "\"x\"", "[]", "[ ]", "[null]", "{}", "{ }", "{\"a\": 1}"];
        for text in values {
            let node = Node::read(&Source::new("s.json", text).unwrap()).unwrap();
            assert_eq!(node.says_nothing(), crate::snapshot::api_error::says_nothing(text), "{text}");
        }
    }

    #[test]
    fn repeated_names_and_wrong_statements_are_found() {
        let node = |text: &str| Node::read(&Source::new("s.json", text).unwrap()).unwrap();
        let repeated = |text: &str| node(text).repeated().map(|pair| pair.map(|property| property.name.clone()));
        assert_eq!(repeated(r#"{"a": {"a": 1}, "b": [{"a": 1}, {"a": 2}]}"#), None);
        assert_eq!(repeated(r#"[{"b": {"Role": 1, "role": 1}}]"#), Some(["Role".to_owned(), "role".to_owned()]));
        let wrong = |text: &str| node(text).wrong_statement().map(|node| node.place.text().to_owned());
        assert_eq!(wrong(r#"{"uncaptured": ["a"], "b": {"uncaptured": null}}"#), None);
        assert_eq!(wrong(r#"{"b": [{"uncaptured": "a"}]}"#).as_deref(), Some("\"a\""));
        assert_eq!(wrong(r#"{"b": {"uncaptured": ["a", 1]}}"#).as_deref(), Some("1"));
    }
}
