//! JSON Pointers (RFC 6901), as patterns in schemas and as addresses in reports.

use std::borrow::Cow;
use std::fmt;

/// One step of a pointer pattern.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// A property of an object.
    Property(String),
    /// `*`: every element of an array or every property value of an object.
    Each,
}

/// A pointer whose steps may be `*`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Pattern(pub Vec<Step>);

impl Pattern {
    /// Reads an absolute pattern: empty for the document itself, else starting with `/`.
    ///
    /// # Errors
    /// A phrase saying what is wrong with the text.
    pub fn absolute(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        if text == "/" {
            return Err("`/` is not the document itself: write an empty path".into());
        }
        if let Some(steps) = text.strip_prefix('/') {
            let step = |text| if text == "*" { Ok(Step::Each) } else { property(text).map(Step::Property) };
            return Ok(Self(steps.split('/').map(step).collect::<Result<_, String>>()?));
        }
        if text.starts_with(['$', '#']) {
            return Err("a path is a JSON Pointer that starts with `/`, such as `/members/*`".into());
        }
        let steps = if text.contains('/') { text.to_owned() } else { text.replace('.', "/") };
        Err(format!("a path starts with `/`: write `/{steps}`"))
    }

    /// Returns the pattern as it is written in a schema.
    pub fn to_text(&self) -> String {
        self.0.iter().fold(String::new(), |mut text, step| {
            text.push('/');
            match step {
                Step::Each => text.push('*'),
                Step::Property(name) => text.push_str(&escape(name)),
            }
            text
        })
    }
}

/// Reads a relative pointer, `two_step/enforced`: property names below some value. Empty means the value itself.
///
/// # Errors
/// A phrase saying what is wrong with the text.
pub fn relative(text: &str) -> Result<Vec<String>, String> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    if text.starts_with('/') {
        return Err(format!(
            "a path inside an entity does not start with `/`: write `{}`",
            text.trim_start_matches('/')
        ));
    }
    if text.split('/').any(|step| step == "*") {
        return Err("`*` is not possible in a path inside an entity: name a property".into());
    }
    text.split('/').map(property).collect()
}

/// Reads a step that names a property.
fn property(step: &str) -> Result<String, String> {
    if step.is_empty() {
        return Err("a path with an empty step: remove one `/`".into());
    }
    if let Some(name) = step.strip_suffix("[*]") {
        return Err(format!("`{step}` is not a step of a path: write `{name}/*` for all elements"));
    }
    if step.contains('*') {
        return Err(format!("`{step}` is not a step of a path: `*` is a step of its own, and means one level"));
    }
    if step.split('~').skip(1).any(|rest| !rest.starts_with(['0', '1'])) {
        return Err(format!("`{step}` has a `~` without `0` or `1`: write `~` as `~0` and `/` as `~1`"));
    }
    Ok(unescape(step))
}

/// Returns the property name that a step of a pointer means.
pub(crate) fn unescape(text: &str) -> String {
    text.replace("~1", "/").replace("~0", "~")
}

/// Returns a property name as a step of a pointer.
pub(crate) fn escape(name: &str) -> Cow<'_, str> {
    if name.contains(['~', '/']) { Cow::Owned(name.replace('~', "~0").replace('/', "~1")) } else { Cow::Borrowed(name) }
}

/// An address in one document, written as RFC 6901 asks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Pointer(String);

impl Pointer {
    /// Appends a property name or an index.
    pub fn push(&mut self, step: &str) {
        self.0.push('/');
        self.0.push_str(&escape(step));
    }

    /// Returns this pointer with `steps` appended.
    pub fn join<S: AsRef<str>>(&self, steps: impl IntoIterator<Item = S>) -> Self {
        let mut joined = self.clone();
        steps.into_iter().for_each(|step| joined.push(step.as_ref()));
        joined
    }

    /// Returns the text, empty for the document itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_read_and_write() {
        let pattern = Pattern::absolute("/workspaces/*/a~1b").unwrap();
        assert_eq!(pattern.0[1], Step::Each);
        assert_eq!(pattern.0[2], Step::Property("a/b".into()));
        assert_eq!(pattern.to_text(), "/workspaces/*/a~1b");
        assert_eq!(Pattern::absolute("").unwrap(), Pattern::default());
        assert!(Pattern::absolute("workspaces").unwrap_err().contains("`/workspaces`"));
    }

    #[test]
    fn malformed_paths_are_refused_with_what_to_write() {
        let table = [
            ("/a/**", "`**` is not a step of a path: `*` is a step of its own, and means one level"),
            ("/a/b*", "`b*` is not a step of a path: `*` is a step of its own, and means one level"),
            ("/members[*]/x", "`members[*]` is not a step of a path: write `members/*` for all elements"),
            ("/a~2/*", "`a~2` has a `~` without `0` or `1`: write `~` as `~0` and `/` as `~1`"),
            ("/a~/*", "`a~` has a `~` without `0` or `1`: write `~` as `~0` and `/` as `~1`"),
            ("/a/~01~", "`~01~` has a `~` without `0` or `1`: write `~` as `~0` and `/` as `~1`"),
            ("/a//b", "a path with an empty step: remove one `/`"),
            ("/a/", "a path with an empty step: remove one `/`"),
            ("//", "a path with an empty step: remove one `/`"),
            ("/", "`/` is not the document itself: write an empty path"),
            ("$.members[*]", "a path is a JSON Pointer that starts with `/`, such as `/members/*`"),
            ("#/members", "a path is a JSON Pointer that starts with `/`, such as `/members/*`"),
        ];
        for (path, expected) in table {
            assert_eq!(Pattern::absolute(path).unwrap_err(), expected, "{path}");
            // Below an entity a path has neither a `/` at its start nor `*`.
            let inside = path.strip_prefix('/').map(|inside| inside.trim_end_matches("/*"));
            let Some(inside) = inside.filter(|inside| !inside.is_empty() && !inside.starts_with('/')) else { continue };
            assert_eq!(relative(inside).unwrap_err(), expected, "{inside}");
        }
        assert_eq!(Pattern::absolute("/~0~1/~01").unwrap().to_text(), "/~0~1/~01");
    }

    #[test]
    fn relative_pointers_name_properties() {
        assert_eq!(relative("two_step/enforced").unwrap(), ["two_step", "enforced"]);
        assert!(relative("").unwrap().is_empty());
        assert!(relative("/x").is_err());
        assert!(relative("a/*").is_err());
    }
}
