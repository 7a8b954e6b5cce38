//! Errors of an API in a snapshot. An export that copies the answers of an API has `{"error": "forbidden"}` in place of an
//! object, or an error next to a part of its properties. The properties that such an object lacks or has as `null` are unknown. An error
//! in a map is not an element of it, and the map may have further elements.
//!
//! The capture reads rows of JSON by the same rule.

use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Source, Span};
use std::sync::Arc;

/// Returns whether a property has the name of an error.
pub(crate) fn is_of_error(name: &str) -> bool {
    ["error", "errors"].iter().any(|error| name.eq_ignore_ascii_case(error))
}

/// Returns whether a property is a usual one next to an error, of which it states more.
pub(super) fn is_about_error(name: &str) -> bool {
    ["code", "detail", "details", "message", "reason", "status", "type"].iter().any(|it| name.eq_ignore_ascii_case(it))
}

/// Returns whether a value is a usual one for "none".
pub(crate) fn says_nothing(json: &str) -> bool {
    let inside = |brackets: [char; 2]| json.strip_prefix(brackets[0])?.strip_suffix(brackets[1]);
    matches!(json, "null" | "false" | "\"\"")
        || inside(['[', ']']).or_else(|| inside(['{', '}'])).is_some_and(|inside| inside.trim().is_empty())
}

/// The error of an object, among its properties that the schema neither declares nor ignores. `K` identifies a property.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ApiError<K = Span> {
    /// The first property with the name of an error.
    first: Option<K>,
    /// The first one whose value states an error.
    stated: Option<K>,
}

impl<K> Default for ApiError<K> {
    fn default() -> Self {
        Self { first: None, stated: None }
    }
}

impl<K: Copy> ApiError<K> {
    /// Considers a property that the schema neither declares nor ignores. `says_nothing` returns whether its value is a usual
    /// one for "none".
    pub(crate) fn consider(&mut self, name: &str, key: K, says_nothing: impl FnOnce() -> bool) {
        if !is_of_error(name) {
            return;
        }
        self.first.get_or_insert(key);
        if self.stated.is_none() && !says_nothing() {
            self.stated = Some(key);
        }
    }

    /// Returns the key of the error, if the properties that the object lacks or has as `null` are unknown because of it. `has_known` is
    /// whether the object has a property that the schema declares or ignores: if so, the value of the error must state one.
    pub(crate) fn shown(self, has_known: bool) -> Option<K> {
        if has_known { self.stated } else { self.stated.or(self.first) }
    }
}

/// Returns the warning for an object with known properties and an error. `key` is the property of the error.
pub(super) fn warning(source: &Arc<Source>, key: Span) -> Diagnostic {
    let message = "the object has an error, so the properties that it lacks, or has as null, are unknown";
    let warning = Diagnostic::warning(Code::SnapshotProperty, message).label(source, key, "not declared");
    warning.help(
        "capture the object again, or add the property to `@ignore` in the schema if it is not an error of the capture",
    )
}

/// Returns the warning for a map with elements and an error. `key` is the property of the error.
pub(super) fn warning_in_map(source: &Arc<Source>, key: Span) -> Diagnostic {
    let message = "the map has an error, so it may have further elements";
    let warning = Diagnostic::warning(Code::SnapshotProperty, message).label(source, key, "not an element");
    warning.help("capture the map again, or write an array if it is not an error of the capture")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the place of the property that shows an error in an object, next to a known property and without one.
    fn shown(object: &str) -> [Option<u32>; 2] {
        let mut error = ApiError::default();
        let mut scanner = crate::source::json::Scanner::new(object);
        scanner
            .object(|scanner, key| {
                let value = scanner.skip()?;
                error.consider(&key.text(), key.span, || says_nothing(&object[value.range()]));
                Ok::<_, crate::source::json::SyntaxError>(())
            })
            .unwrap();
        [true, false].map(|has_known| error.shown(has_known).map(|key| key.start))
    }

    #[test]
    fn an_error_next_to_known_properties_must_state_one() {
        assert_eq!(shown(r#"{"error": "forbidden"}"#), [Some(1), Some(1)]);
        assert_eq!(shown(r#"{"error": null}"#), [None, Some(1)]);
        assert_eq!(shown(r#"{"Errors": [ ], "error": {}}"#), [None, Some(1)]);
        assert_eq!(shown(r#"{"error": "", "errors": [{}]}"#), [Some(14), Some(14)]);
        assert_eq!(shown(r#"{"error": 0}"#), [Some(1), Some(1)]);
        assert_eq!(shown(r#"{"error_rate": 1}"#), [None, None]);
    }
}
