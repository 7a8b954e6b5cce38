//! JSON Pointers (RFC 6901), as patterns in schemas and as addresses in reports.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

/// One step of a pointer pattern.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Step {
    /// A property of an object.
    Property(String),
    /// `*`: every element of an array or every property value of an object.
    Each,
    /// `access_key_{1,2}_*`: groups of properties of an object.
    Groups(Groups),
}

/// Groups of properties of one object, by the names that the properties have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Groups {
    /// The text before the braces, in them, and after them.
    parts: [String; 3],
    /// The groups, in their order.
    pub list: Vec<Group>,
}

/// A group of properties: those whose names begin and end in a certain way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Group {
    /// The name of the group, such as `access_key_1`.
    pub label: String,
    prefix: String,
    suffix: String,
}

impl Group {
    /// Returns the name in the object of a property of the group.
    pub fn name(&self, property: &str) -> String {
        format!("{}{property}{}", self.prefix, self.suffix)
    }

    /// Returns the property of the group that has a name in the object.
    pub fn part<'n>(&self, name: &'n str) -> Option<&'n str> {
        let part = name.strip_prefix(self.prefix.as_str())?.strip_suffix(self.suffix.as_str())?;
        (!part.is_empty()).then_some(part)
    }

    /// Returns whether one name can be that of a property of both groups.
    fn overlaps(&self, other: &Self) -> bool {
        let begins = self.prefix.starts_with(&other.prefix) || other.prefix.starts_with(&self.prefix);
        begins && (self.suffix.ends_with(&other.suffix) || other.suffix.ends_with(&self.suffix))
    }
}

impl Groups {
    /// Reads a step with braces and a `*`; `None` for any other step.
    fn read(step: &str) -> Option<Result<Self, String>> {
        let (head, rest) = step.split_once('{')?;
        let (words, tail) = rest.split_once('}')?;
        if !step.contains('*') {
            let message = || format!("`{step}` has braces and no `*`: write `key_{{1,2}}_*` for example");
            return words.contains(',').then(|| Err(message()));
        }
        let is_plain = |text: &str| !text.contains(['{', '}', '~']);
        let stars = head.matches('*').count() + tail.matches('*').count();
        if stars != 1 || !is_plain(head) || !is_plain(tail) || words.contains(['{', '*', '~']) {
            return Some(Err(format!("`{step}` has more than one `*` or `{{}}`: write `key_{{1,2}}_*` for example")));
        }
        Some(Self::of([head, words, tail].map(str::to_owned)))
    }

    fn of(parts: [String; 3]) -> Result<Self, String> {
        let [head, words, tail] = &parts;
        let mut list: Vec<Group> = Vec::new();
        for word in words.split(',').map(str::trim) {
            if word.is_empty() {
                return Err(format!("`{{{words}}}` has an empty word: write `key_{{1,2}}_*` for example"));
            }
            let name = format!("{head}{word}{tail}");
            let (prefix, suffix) = name.split_once('*').unwrap_or((name.as_str(), ""));
            let ends = [prefix, suffix].map(|text| text.trim_matches(|c: char| !c.is_alphanumeric()));
            let label = ends.iter().filter(|end| !end.is_empty()).copied().collect::<Vec<_>>().join("_");
            let group = Group { label, prefix: prefix.to_owned(), suffix: suffix.to_owned() };
            if let Some(other) = list.iter().find(|other| other.overlaps(&group) || other.label == group.label) {
                let (one, two) = (other.name("*"), group.name("*"));
                return Err(format!("a property can be in both groups `{one}` and `{two}`: write names that differ"));
            }
            if group.label.is_empty() {
                return Err(format!("the group `{}` has no letter or digit", group.name("*")));
            }
            list.push(group);
        }
        Ok(Self { parts, list })
    }

    /// Returns the step with a property in the place of the `*`.
    pub fn with(&self, property: &str) -> String {
        let [head, words, tail] = &self.parts;
        format!("{}{{{words}}}{}", head.replace('*', property), tail.replace('*', property))
    }

    /// Returns the group of a property.
    pub fn group_of(&self, name: &str) -> Option<usize> {
        self.list.iter().position(|group| group.part(name).is_some())
    }

    /// Returns the word in the place of the braces if a property seems to be in a further group: another number, or another
    /// word before or after one of the declared properties. A name in a group is that of a further one if only then its
    /// property is declared.
    pub fn other_word<'n>(&self, name: &'n str, declared: &[&str]) -> Option<&'n str> {
        let [head, _, tail] = &self.parts;
        let part = |before: &str, after: &str| name.strip_prefix(before)?.strip_suffix(after);
        let (word, property) = match (self.are_numbers(), head.split_once('*'), tail.split_once('*')) {
            (true, _, Some((middle, end))) => {
                let rest = part(head, end)?;
                let word = rest.get(..rest.bytes().take_while(u8::is_ascii_digit).count())?;
                (word, rest.strip_prefix(word)?.strip_prefix(middle)?)
            }
            (true, Some((start, middle)), _) => {
                let rest = part(start, tail)?;
                let digits = rest.bytes().rev().take_while(u8::is_ascii_digit).count();
                let word = rest.get(rest.len() - digits..)?;
                (word, rest.strip_suffix(word)?.strip_suffix(middle)?)
            }
            (false, _, Some((middle, end))) if !middle.is_empty() => declared.iter().find_map(|property| {
                let word = part(head, &format!("{middle}{property}{end}")).filter(|word| self.may_have(word))?;
                Some((word, *property))
            })?,
            (false, Some((start, middle)), _) if !middle.is_empty() => declared.iter().find_map(|property| {
                let word = part(&format!("{start}{property}{middle}"), tail).filter(|word| self.may_have(word))?;
                Some((word, *property))
            })?,
            _ => return None,
        };
        let is_own = self.words().any(|own| own == word);
        let is_further = self.group_of(name).is_none() || !is_own && declared.contains(&property);
        (is_further && !property.is_empty() && self.may_have(word)).then_some(word)
    }

    /// Returns the word in the place of the braces if a name is that of a further group as a whole, such as `key_3`.
    pub fn other_label<'n>(&self, name: &'n str) -> Option<&'n str> {
        let [head, _, tail] = &self.parts;
        let is_mark = |c: char| !c.is_alphanumeric();
        let (before, after) = match (head.split_once('*'), tail.split_once('*')) {
            (Some((start, middle)), _) => (
                joined([start.trim_matches(is_mark), ""]) + middle.trim_start_matches(is_mark),
                tail.trim_end_matches(is_mark).to_owned(),
            ),
            (None, Some((middle, end))) => (
                head.trim_start_matches(is_mark).to_owned(),
                middle.trim_end_matches(is_mark).to_owned() + &joined(["", end.trim_matches(is_mark)]),
            ),
            (None, None) => return None,
        };
        let word = name.strip_prefix(before.as_str())?.strip_suffix(after.as_str())?;
        let is_own = self.list.iter().any(|group| group.label == name);
        (!is_own && self.may_have(word)).then_some(word)
    }

    /// Returns the number in the place of the braces if a name would be a declared one, perhaps in another spelling, with
    /// one of the numbers in the braces.
    pub fn other_number<'n>(&self, name: &'n str, is_declared: impl Fn(&str) -> bool) -> Option<&'n str> {
        let start = name.find(|c: char| c.is_ascii_digit()).filter(|_| self.are_numbers())?;
        let rest = name.get(start..)?;
        let number = rest.get(..rest.bytes().take_while(u8::is_ascii_digit).count())?;
        let (before, after) = (name.get(..start)?, rest.strip_prefix(number)?);
        let is_own = self.words().any(|own| own == number);
        let is_meant = |own: &str| is_declared(&format!("{before}{own}{after}"));
        (!is_own && self.words().any(is_meant)).then_some(number)
    }

    /// Returns the words in the braces.
    fn words(&self) -> impl Iterator<Item = &str> {
        let [_, words, _] = &self.parts;
        words.split(',').map(str::trim)
    }

    fn are_numbers(&self) -> bool {
        self.words().all(is_number)
    }

    /// Returns whether a text can be a further word in the braces.
    fn may_have(&self, word: &str) -> bool {
        let is_word = !word.is_empty() && word.chars().all(char::is_alphanumeric);
        if self.are_numbers() { is_number(word) } else { is_word }
    }
}

/// Returns what the parts of a label add around its word.
fn joined(ends: [&str; 2]) -> String {
    let is_empty = ends.iter().all(|end| end.is_empty());
    if is_empty { String::new() } else { ends.join("_") }
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// A pointer whose steps may be `*`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
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
            let step = |text| match Groups::read(text) {
                _ if text == "*" => Ok(Step::Each),
                Some(groups) => groups.map(Step::Groups),
                None => property(text).map(Step::Property),
            };
            let steps: Vec<Step> = steps.split('/').map(step).collect::<Result<_, String>>()?;
            let is_inner = |step: &Step| matches!(step, Step::Groups(_));
            if steps.split_last().is_some_and(|(_, before)| before.iter().any(is_inner)) {
                return Err("a path ends at groups of properties: remove the steps after them".into());
            }
            return Ok(Self(steps));
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
                Step::Groups(groups) => text.push_str(&groups.with("*")),
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
    if name.bytes().any(|byte| matches!(byte, b'~' | b'/')) {
        Cow::Owned(name.replace('~', "~0").replace('/', "~1"))
    } else {
        Cow::Borrowed(name)
    }
}

/// Bytes of the steps that are appended to a pointer, as most have.
const JOINED: usize = 32;

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
        let mut joined = Self(String::with_capacity(self.0.len() + JOINED));
        joined.0.push_str(&self.0);
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
    fn groups_of_properties_read_and_write() {
        let groups = |step: &str| match Pattern::absolute(&format!("/u/*/{step}")) {
            Ok(Pattern(steps)) => match &steps[..] {
                [_, _, Step::Groups(groups)] => groups.clone(),
                steps => panic!("{steps:?}"),
            },
            Err(message) => panic!("{message}"),
        };
        for (step, labels, name) in [
            ("access_key_{1,2}_*", ["access_key_1", "access_key_2"], "access_key_1_active"),
            ("*_{1, 2}", ["1", "2"], "active_1"),
            ("key{A,B}*", ["keyA", "keyB"], "keyAactive"),
            ("k_*_{x,y}", ["k_x", "k_y"], "k_active_x"),
        ] {
            let found = groups(step);
            assert_eq!(found.list.iter().map(|group| group.label.as_str()).collect::<Vec<_>>(), labels);
            assert_eq!(found.list[0].name("active"), name);
            assert_eq!(found.list[0].part(name), Some("active"));
            assert_eq!(found.group_of(name), Some(0));
            assert_eq!(found.with("*"), step);
        }
        for (step, problem) in [
            ("k_{1,1}_*", "a property can be in both groups `k_1_*` and `k_1_*`: write names that differ"),
            ("k_{1,11}*", "a property can be in both groups `k_1*` and `k_11*`: write names that differ"),
            ("{_,-}*", "the group `_*` has no letter or digit"),
            ("k_{1,}_*", "`{1,}` has an empty word: write `key_{1,2}_*` for example"),
            ("k_{}_*", "`{}` has an empty word: write `key_{1,2}_*` for example"),
            ("k_{1}_{2}_*", "`k_{1}_{2}_*` has more than one `*` or `{}`: write `key_{1,2}_*` for example"),
            ("*_{1}_*", "`*_{1}_*` has more than one `*` or `{}`: write `key_{1,2}_*` for example"),
            ("k_{1,2}_x", "`k_{1,2}_x` has braces and no `*`: write `key_{1,2}_*` for example"),
            ("k_{1}_*/x", "a path ends at groups of properties: remove the steps after them"),
        ] {
            assert_eq!(Pattern::absolute(&format!("/u/*/{step}")).unwrap_err(), problem);
        }
        assert_eq!(Pattern::absolute("/a{1}").unwrap().0, [Step::Property("a{1}".into())]);
    }

    #[test]
    fn further_groups_are_found() {
        for (step, name, word) in [
            ("key_{1,2}_*", "key_3_active", Some("3")),
            ("key_{1,2}_*", "key_12_x", Some("12")),
            ("key_{1,2}_*", "key_1_active", None),
            ("key_{1,2}_*", "key_a_active", None),
            ("key_{1,2}_*", "key_3_", None),
            ("*_{1,2}", "active_3", Some("3")),
            ("*_{1,2}", "active_x", None),
            ("{home,work}_*", "second_active", Some("second")),
            ("{home,work}_*", "last_name", None),
            ("phone_*_{home,work}", "phone_active_car", Some("car")),
            ("cert{1,2}*", "cert12active", Some("12")),
            ("cert{1,2}*", "cert12x", None),
            ("*{1,2}", "active12", Some("12")),
        ] {
            let Ok(Pattern(steps)) = Pattern::absolute(&format!("/{step}")) else { panic!("{step}") };
            let [Step::Groups(groups)] = &steps[..] else { panic!("{step}") };
            assert_eq!(groups.other_word(name, &["active"]), word, "{step} {name}");
        }
    }

    #[test]
    fn names_of_further_groups_are_found() {
        for (step, name, word) in [
            ("key_{1,2}_*", "key_3", Some("3")),
            ("key_{1,2}_*", "key_2", None),
            ("key_{1,2}_*", "key_x", None),
            ("cert{1,2}*", "cert12", Some("12")),
            ("*_{home,work}", "car", Some("car")),
            ("*_{home,work}", "home", None),
            ("a1_{1,2}_*", "a1_3", Some("3")),
            ("k_*_{x,y}", "k_z", Some("z")),
            ("k_*_{x,y}", "z", None),
        ] {
            let Ok(Pattern(steps)) = Pattern::absolute(&format!("/{step}")) else { panic!("{step}") };
            let [Step::Groups(groups)] = &steps[..] else { panic!("{step}") };
            assert_eq!(groups.other_label(name), word, "{step} {name}");
        }
    }

    #[test]
    fn relative_pointers_name_properties() {
        assert_eq!(relative("two_step/enforced").unwrap(), ["two_step", "enforced"]);
        assert!(relative("").unwrap().is_empty());
        assert!(relative("/x").is_err());
        assert!(relative("a/*").is_err());
    }
}
