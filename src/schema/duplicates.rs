//! Attributes that a record type declares twice.
//!
//! Cedar's parser keeps the last declaration, so a `@path` or a `@secret` of the first would be lost.

use crate::diagnostic::{Code, Diagnostic};
use crate::source::cedar::{Token, tokens};
use crate::source::{Source, Span};
use std::collections::HashMap;
use std::sync::Arc;

/// Returns an error for every attribute of a schema whose record type has declared it before. The text is a valid schema.
///
/// An attribute is a name, perhaps with `?`, and a `:` directly between two braces.
pub(super) fn attributes(source: &Arc<Source>) -> Vec<Diagnostic> {
    let mut errors = Vec::new();
    // The names that each open bracket contains. Those of `(` and `[` stay empty.
    let mut open: Vec<HashMap<String, Span>> = Vec::new();
    let mut name: Option<(Span, String)> = None;
    for (span, token) in tokens(source.text()) {
        match token {
            Token::Word(word) => name = Some((span, word.to_owned())),
            Token::Text(text) => name = unquoted(text).map(|text| (span, text)),
            Token::Sign("?") => {}
            Token::Sign(":") => {
                let Some(((span, name), known)) = name.take().zip(open.last_mut()) else { continue };
                match known.get(&name) {
                    Some(first) => {
                        let message = format!("`{name}` is declared twice");
                        let error = Diagnostic::error(Code::SchemaInvalid, message).label(source, *first, "here");
                        let error = error.label(source, span, "and here");
                        errors.push(error.help("remove or rename one of the two: Cedar reads only the last one"));
                    }
                    None => {
                        known.insert(name, span);
                    }
                }
            }
            Token::Sign(sign) => {
                match sign {
                    "{" | "(" | "[" => open.push(HashMap::new()),
                    "}" | ")" | "]" => {
                        open.pop();
                    }
                    _ => {}
                }
                name = None;
            }
        }
    }
    errors
}

/// Returns the text of a string token. `None` if its escapes are not those of a string.
pub(super) fn unquoted(token: &str) -> Option<String> {
    let inner = token.strip_prefix('"')?.strip_suffix('"')?;
    cedar_policy_core::parser::unescape::to_unescaped_string(inner).ok().map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(schema: &str, expected: &[&str]) {
        let source = Source::new("s.cedarschema", schema).expect("it is short");
        let errors = attributes(&source);
        let found = errors.iter().map(|error| {
            let places: Vec<&str> = error.labels.iter().map(|label| source.slice(label.place.span)).collect();
            format!("{}: {}", error.message, places.join(" and "))
        });
        assert_eq!(found.collect::<Vec<_>>(), expected, "{schema}");
    }

    #[test]
    fn names_are_compared_within_one_record_type() {
        check("entity A = { a: Bool, b: { a: Bool }, c?: { a: Long } };", &[]);
        check("entity A = { a: Bool }; entity B = { a: Bool };", &[]);
        check("entity A = { a: Bool, a?: Long };", &["`a` is declared twice: a and a"]);
        check(
            "namespace N { type T = { \"a\": Bool, @path(\"x: y\") @secret a: N::B, b: Set<{ c: Long, \"\\u{63}\"?: Long }> }; }",
            &["`a` is declared twice: \"a\" and a", "`c` is declared twice: c and \"\\u{63}\""],
        );
        check(
            "action a appliesTo { principal: [A], resource: [B], context: { now: datetime, now: datetime } };",
            &["`now` is declared twice: now and now"],
        );
    }
}
