//! Names: the words of a property name, names of types and attributes made from them, and their syntax in Cedar.

use crate::source::is_hidden;
use std::collections::HashSet;
use std::fmt::Write as _;

/// Bytes of a name that a schema declares. Longer names are left out.
pub(super) const LONGEST_NAME: usize = 200;

/// Words that Cedar reserves in policies.
const RESERVED: [&str; 9] = ["true", "false", "if", "then", "else", "in", "is", "like", "has"];

/// Names that an entity type cannot have, or that a schema of Deodar uses for other declarations.
const TAKEN: [&str; 15] = [
    "action",
    "auditcontext",
    "bool",
    "boolean",
    "datetime",
    "decimal",
    "duration",
    "entity",
    "extension",
    "ipaddr",
    "long",
    "parameters",
    "record",
    "set",
    "string",
];

/// Words that are plural forms, or end in `s` and are not.
const IRREGULAR: [(&str, &str); 12] = [
    ("people", "person"),
    ("children", "child"),
    ("men", "man"),
    ("women", "woman"),
    ("data", "datum"),
    ("criteria", "criterion"),
    ("statuses", "status"),
    ("aliases", "alias"),
    ("buses", "bus"),
    ("series", "series"),
    ("news", "news"),
    ("ids", "id"),
];

/// Returns the words of a name in lower case. It is divided at punctuation, between letters and digits, and before
/// capitals.
pub(super) fn words(name: &str) -> Vec<String> {
    let chars: Vec<char> = name.chars().collect();
    let mut words: Vec<String> = Vec::new();
    let mut before: Option<char> = None;
    for (at, c) in chars.iter().copied().enumerate() {
        if !c.is_alphanumeric() {
            before = None;
            continue;
        }
        let is_lower = |at: usize| chars.get(at).is_some_and(|c| c.is_lowercase());
        // The plural of an acronym is one word: `userIDs`.
        let is_plural = |at: usize| chars.get(at) == Some(&'s') && !is_lower(at + 1);
        let begins = match before {
            None => true,
            Some(before) => {
                before.is_numeric() != c.is_numeric()
                    || c.is_uppercase() && (!before.is_uppercase() || is_lower(at + 1) && !is_plural(at + 1))
            }
        };
        match words.last_mut().filter(|_| !begins) {
            Some(word) => word.extend(c.to_lowercase()),
            None => words.push(c.to_lowercase().collect()),
        }
        before = Some(c);
    }
    words
}

/// Returns the singular form of an English word in lower case.
pub(super) fn singular(word: &str) -> String {
    if let Some((_, singular)) = IRREGULAR.iter().find(|(plural, _)| *plural == word) {
        return (*singular).to_owned();
    }
    let keep = ["ss", "us", "is"].iter().any(|ending| word.ends_with(ending));
    let stem = |ending: &str| word.strip_suffix(ending);
    match word.strip_suffix('s') {
        _ if word.len() < 4 || keep => word.to_owned(),
        None => word.to_owned(),
        Some(short) => {
            match (stem("ies"), ["sses", "xes", "zes", "ches", "shes"].iter().any(|it| word.ends_with(it))) {
                (Some(stem), _) if stem.len() > 1 => format!("{stem}y"),
                (_, true) => short.strip_suffix('e').unwrap_or(short).to_owned(),
                _ => short.to_owned(),
            }
        }
    }
}

/// Returns the name of the type of the elements of a list: `service_accounts` is a list of `ServiceAccount`.
pub(super) fn element_type(list: &str) -> String {
    let mut words = words(list);
    if let Some(last) = words.last_mut() {
        *last = singular(last);
    }
    pascal(&words)
}

/// Returns words in one name, each with a capital. Other letters than those of ASCII are left out.
pub(super) fn pascal(words: &[String]) -> String {
    let mut name = String::new();
    for word in words {
        let mut letters = word.chars().filter(char::is_ascii_alphanumeric);
        name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        name.extend(letters);
    }
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        name.insert(0, 'N');
    }
    name
}

/// Returns whether Cedar reads a text as an identifier that policies may use.
pub fn is_identifier(text: &str) -> bool {
    let mut chars = text.chars();
    let begins = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    let goes_on = chars.all(|c| c.is_ascii_alphanumeric() || c == '_');
    begins && goes_on && !RESERVED.contains(&text) && !text.starts_with("__cedar")
}

/// Returns an identifier for a property name.
pub(super) fn identifier(name: &str) -> String {
    if is_identifier(name) {
        return name.to_owned();
    }
    let mut text = String::new();
    for c in name.chars() {
        match c {
            c if c.is_ascii_alphanumeric() => text.push(c),
            _ if text.is_empty() || text.ends_with('_') => {}
            _ => text.push('_'),
        }
    }
    let text = text.trim_end_matches('_');
    match text {
        "" => "value".to_owned(),
        text if is_identifier(text) => text.to_owned(),
        text if text.starts_with(|c: char| c.is_ascii_digit()) => format!("n{text}"),
        text => format!("{text}_"),
    }
}

/// Returns whether a step of a `@path` can name a property.
pub(super) fn has_path(name: &str) -> bool {
    !name.is_empty() && !name.contains('*') && name.len() <= LONGEST_NAME
}

/// Returns whether `@ignore` can name a property.
pub(super) fn can_be_ignored(name: &str) -> bool {
    !name.is_empty() && !name.contains(',') && name.trim() == name && name.len() <= LONGEST_NAME
}

/// Returns a string literal of Cedar.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            c if c.is_control() || is_hidden(c) => {
                #[expect(clippy::let_underscore_must_use, reason = "writing to a string does not fail")]
                let _ = write!(quoted, "\\u{{{:x}}}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// The names of one kind that are in use. They differ in more than case.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    used: HashSet<String>,
}

impl Names {
    /// Returns names among which those of types of Cedar are in use.
    pub(super) fn of_types() -> Self {
        Self { used: TAKEN.iter().map(|name| (*name).to_owned()).collect() }
    }

    /// Returns the first name that is not in use, and uses it. The last one gets a number if it is in use too.
    pub(super) fn choose(&mut self, candidates: &[String]) -> String {
        let is_free = |name: &&String| !name.is_empty() && !self.used.contains(&name.to_lowercase());
        let free = candidates.iter().find(is_free).cloned();
        let name = free.unwrap_or_else(|| {
            let base = candidates.last().filter(|name| !name.is_empty()).map_or("Item", String::as_str);
            let mut numbered = (2u32..).map(|number| format!("{base}{number}"));
            let first = Some(base.to_owned()).filter(|name| !self.used.contains(&name.to_lowercase()));
            let next = || numbered.find(|name| !self.used.contains(&name.to_lowercase()));
            first.or_else(next).unwrap_or_default()
        });
        self.used.insert(name.to_lowercase());
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_types_are_singular() {
        for (list, expected) in [
            ("people", "Person"),
            ("service_accounts", "ServiceAccount"),
            ("apiKeys", "ApiKey"),
            ("policies", "Policy"),
            ("addresses", "Address"),
            ("statuses", "Status"),
            ("branches", "Branch"),
            ("ssoConfigs", "SsoConfig"),
            ("2fa_methods", "N2FaMethod"),
            ("access", "Access"),
            ("userIDs", "UserId"),
            ("\u{43f}\u{43e}", ""),
        ] {
            assert_eq!(element_type(list), expected, "{list}");
        }
    }

    #[test]
    fn names_of_attributes_are_identifiers() {
        for (name, expected) in [
            ("createdAt", "createdAt"),
            ("last login", "last_login"),
            ("in", "in_"),
            ("__proto__", "__proto__"),
            ("__cedar", "cedar"),
            ("3d", "n3d"),
            ("", "value"),
            ("a\"b", "a_b"),
        ] {
            assert_eq!(identifier(name), expected, "{name}");
            assert!(is_identifier(expected), "{expected}");
        }
    }

    #[test]
    fn names_differ_in_more_than_case() {
        let mut names = Names::of_types();
        let names = ["Key", "KEY", "Set", "Key"].map(|name| names.choose(&[name.to_owned()]));
        assert_eq!(names, ["Key", "KEY2", "Set2", "Key3"]);
    }

    #[test]
    fn literals_are_escaped() {
        assert_eq!(quoted("a\"\\\n\u{202e}é"), "\"a\\\"\\\\\\u{a}\\u{202e}é\"");
    }
}
