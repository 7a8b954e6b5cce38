//! Statements of a snapshot about single properties: the property `uncaptured` of an object names properties of this
//! object that were not captured. Their values have no effect.

use super::locate::LocationKind;
use super::{Snapshot, is_respelled};
use crate::diagnostic::{Code, Diagnostic, quoted_list};
use crate::schema::Model;
use crate::source::json::{Kind, Scanner, SyntaxError, string_text};
use crate::source::pointer::Group;
use crate::source::{NameIndex, Source, Span, misspelling, misspellings};
use crate::value::TypeId;
use std::collections::HashMap;
use std::sync::Arc;

/// The property of an object that names its properties that were not captured.
pub(crate) const UNCAPTURED: &str = "uncaptured";

/// The number of names in a statement that are searched among the known ones without an index.
const FEW_NAMES: usize = 16;

/// Returns whether an undeclared property may be meant to be `uncaptured`.
pub(crate) fn is_like(name: &str) -> bool {
    name != UNCAPTURED && misspelling(name, [UNCAPTURED]).is_some()
}

/// The statement of one object.
#[derive(Debug, Default)]
pub(crate) struct Statement {
    /// The names, with their places.
    pub(super) names: Vec<(String, Span)>,
    /// The values and elements that are not names, with the reasons.
    pub(super) wrong: Vec<(Span, String)>,
    /// Whether a property of the object was read.
    is_given: bool,
}

impl Statement {
    /// Adds the value of a property `uncaptured`.
    pub(crate) fn add(&mut self, source: &Source, kind: Kind, span: Span) {
        if std::mem::replace(&mut self.is_given, true) {
            self.wrong.push((span, format!("`{UNCAPTURED}` is given twice")));
        }
        match kind {
            Kind::Null => {}
            Kind::Array => {
                let mut scanner = Scanner::at(source.text(), span.start);
                #[expect(clippy::let_underscore_must_use, reason = "these bytes have been scanned before")]
                let _ = scanner.array(|scanner, _| {
                    let (kind, _) = scanner.peek()?;
                    let span = scanner.skip()?;
                    match string_text(source.slice(span)).filter(|_| kind == Kind::String) {
                        Some(name) => self.names.push((name.into_owned(), span)),
                        None => {
                            let message = format!("an element of `{UNCAPTURED}` is {}", kind.described());
                            self.wrong.push((span, message));
                        }
                    }
                    Ok::<_, SyntaxError>(())
                });
            }
            kind => {
                let message = format!("`{UNCAPTURED}` is a list of property names, found {}", kind.described());
                self.wrong.push((span, message));
            }
        }
    }

    /// Adds a property whose name may be meant to be `uncaptured`.
    pub(super) fn add_like(&mut self, name: &str, key: Span) {
        self.wrong.push((key, format!("unknown property `{name}`, and `{UNCAPTURED}` may be meant")));
    }

    /// Returns whether the statement has no effect.
    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty() && self.wrong.is_empty()
    }

    /// Returns the names, if the statement is a valid list.
    pub(crate) fn into_names(self) -> Vec<String> {
        if self.is_wrong() { Vec::new() } else { self.names.into_iter().map(|(name, _)| name).collect() }
    }

    /// Returns whether the object does not state a valid list, so that what it lacks is unknown.
    pub(super) fn is_wrong(&self) -> bool {
        !self.wrong.is_empty()
    }

    /// Returns the places of the declared properties that the statement names, among `declared`, each with the place of the
    /// name. A misspelling names each property that it may mean, and the name of one of the `groups` of properties names what that
    /// group has. `known` are all names that the schema knows in the object.
    pub(super) fn named<'d>(
        &self,
        declared: impl Iterator<Item = &'d str> + Clone,
        known: impl Iterator<Item = &'d str> + Clone,
        groups: impl Iterator<Item = &'d Group> + Clone,
    ) -> Vec<(usize, Span)> {
        let known = self.known(known);
        let mut first: HashMap<&str, (usize, Span)> = HashMap::new();
        for (order, (name, span)) in self.names.iter().enumerate() {
            for meant in known.meant(name).properties {
                first.entry(meant).or_insert((order, *span));
            }
        }
        let of_groups = |declared: &str| {
            let groups = groups.clone().filter(|group| group.part(declared).is_some());
            groups.filter_map(|group| first.get(group.label.as_str()).copied()).min()
        };
        let of = |declared: &str| first.get(declared).copied().into_iter().chain(of_groups(declared)).min();
        let found =
            declared.enumerate().filter_map(|(at, declared)| of(declared).map(|(order, span)| (order, at, span)));
        let mut found: Vec<(usize, usize, Span)> = found.collect();
        found.sort_unstable_by_key(|(order, at, _)| (*order, *at));
        found.into_iter().map(|(_, at, span)| (at, span)).collect()
    }

    /// Returns the known names in the form in which the names of the statement are searched.
    fn known<'k>(&self, known: impl Iterator<Item = &'k str>) -> Known<'k> {
        let names: Vec<&str> = known.collect();
        let index = (self.names.len() > FEW_NAMES).then(|| NameIndex::new(names.iter().copied()));
        Known { names, index }
    }

    /// Returns the place of a name of the statement that is `wanted`, may mean it, or is the name of one of the `groups` of
    /// properties that has it. `known` are all names that the schema knows in the object.
    pub(super) fn named_as<'k>(
        &self,
        wanted: &'k str,
        known: impl Iterator<Item = &'k str> + Clone,
        groups: impl Iterator<Item = &'k Group> + Clone,
    ) -> Option<Span> {
        let known = known.chain([wanted]);
        self.named(std::iter::once(wanted), known, groups).first().map(|(_, span)| *span)
    }

    /// Returns the diagnostics of the statement. With `secret`, they do not quote names.
    pub(super) fn problems<'k>(
        &self,
        source: &Arc<Source>,
        known: impl Iterator<Item = &'k str> + Clone,
        secret: bool,
    ) -> Vec<Diagnostic> {
        let (mut problems, known) = (Vec::new(), self.known(known));
        for (span, message) in &self.wrong {
            let message = if secret { format!("`{UNCAPTURED}` is not valid") } else { message.clone() };
            let error = Diagnostic::error(Code::SnapshotUncaptured, message).label(source, *span, "here");
            let help =
                "write a list of property names, such as [\"status\"]; until then what the object lacks is unknown";
            problems.push(error.help(help));
        }
        for (name, span) in &self.names {
            if known.exact(name).is_some() {
                continue;
            }
            let shown = if secret { "***" } else { name };
            let message = format!("`{UNCAPTURED}` names `{shown}`, which the schema does not declare here");
            let warning = Diagnostic::warning(Code::SnapshotUncaptured, message).label(source, *span, "not declared");
            let meant = known.meant(name);
            problems.push(match (meant.properties.as_slice(), meant.rest) {
                _ if secret => warning,
                ([], _) => warning.suggest(name, known.names.iter().copied()),
                ([first], Some(rest)) => warning.help(format!(
                    "`{first}` counts as uncaptured as a whole; to keep the rest of it, write `{UNCAPTURED}: [\"{rest}\"]` in it"
                )),
                ([one], None) => warning.help(format!("did you mean `{one}`?")),
                (several, _) => warning.help(format!(
                    "did you mean {}? until then they all count as uncaptured",
                    quoted_list(several, "or")
                )),
            });
        }
        problems
    }
}

/// The known properties that a name in a statement may mean, and the rest of a path.
struct Meant<'k, 'n> {
    properties: Vec<&'k str>,
    rest: Option<&'n str>,
}

/// All names that the schema knows in the object of a statement.
struct Known<'k> {
    names: Vec<&'k str>,
    /// The index of the names, if many names are searched among them.
    index: Option<NameIndex>,
}

impl<'k> Known<'k> {
    /// Returns the known properties that a name in a statement may mean: itself, all that it is a misspelling of, or those that a path
    /// begins with. A property that the object has may be meant too: its value is that of a form that is not filled in.
    fn meant<'n>(&self, name: &'n str) -> Meant<'k, 'n> {
        let properties = self.named_by(name);
        match name.trim_start_matches('/').split_once(['/', '.']) {
            Some((first, rest)) if properties.is_empty() => {
                Meant { properties: self.named_by(first), rest: Some(rest) }
            }
            _ => Meant { properties, rest: None },
        }
    }

    /// Returns the known property with a name.
    fn exact(&self, name: &str) -> Option<&'k str> {
        match &self.index {
            Some(index) => index.place(name).and_then(|place| self.names.get(place).copied()),
            None => self.names.iter().copied().find(|known| *known == name),
        }
    }

    /// Returns the known property that a name is, or those that it is a misspelling of, each once.
    fn named_by(&self, name: &str) -> Vec<&'k str> {
        if let Some(exact) = self.exact(name) {
            return vec![exact];
        }
        let all = match &self.index {
            Some(index) => index.misspellings(name).into_iter().filter_map(|at| self.names.get(at).copied()).collect(),
            None => misspellings(name, self.names.iter().copied()),
        };
        let mut near = Vec::new();
        for name in all {
            if !near.contains(&name) {
                near.push(name);
            }
        }
        near
    }
}

impl Model {
    /// Returns the properties of an object of an instance that a statement may name: those that the schema knows, and those of
    /// `@total` and `@more`.
    pub(super) fn stateable_properties(&self, ty: TypeId, object: &[String]) -> impl Iterator<Item = &str> {
        self.known_properties(ty, object).chain(self.marker_properties(ty, object))
    }

    /// Returns whether the property `uncaptured` of an object is a statement of the snapshot: the schema reads the
    /// properties of the object, and does not declare or ignore that one. `object` is the pointer from the instance.
    pub(super) fn states_uncaptured(&self, ty: TypeId, object: &[String]) -> bool {
        !self.are_tags(ty, object) && !self.known_properties(ty, object).any(|known| known == UNCAPTURED)
    }
}

impl Snapshot {
    /// Returns the place where the snapshot states that a value was not captured: the name of a property on the way to it,
    /// in the `uncaptured` of its object. `within` is the instance.
    pub fn stated_uncaptured(&self, model: &Model, ty: TypeId, within: Span, pointer: &[String]) -> Option<Span> {
        if !self.states_uncaptured {
            return None;
        }
        pointer.iter().enumerate().find_map(|(at, step)| {
            let (before, _) = pointer.split_at(at);
            let statement = self.statement(model, ty, within, before)?;
            let known: Vec<&str> = model.stateable_properties(ty, before).collect();
            statement.named_as(step, known.iter().copied(), model.groups_in(ty, before))
        })
    }

    /// Returns whether the snapshot states that a value about a list was not captured, or if a statement on the way to it
    /// is not valid. The decode does not read such values.
    pub(super) fn is_stated(&self, model: &Model, ty: TypeId, within: Span, pointer: &[String]) -> bool {
        pointer.iter().enumerate().any(|(at, step)| {
            let (before, _) = pointer.split_at(at);
            let Some(statement) = self.statement(model, ty, within, before) else { return false };
            let known: Vec<&str> = model.stateable_properties(ty, before).collect();
            let named = || statement.named_as(step, known.iter().copied(), model.groups_in(ty, before));
            statement.is_wrong() || named().is_some()
        })
    }

    /// Returns whether a value that an instance lacks is stated to be uncaptured, or may be there under a misspelt name.
    /// `pointer` is its place below the instance.
    pub(crate) fn may_have(&self, model: &Model, ty: TypeId, within: Span, pointer: &[String]) -> bool {
        let is_misspelt = |(at, step): (usize, &String)| {
            let (before, _) = pointer.split_at(at);
            let object = self.locate(within, before);
            if !matches!(object.kind, LocationKind::Value(Kind::Object)) {
                return false;
            }
            let known: Vec<&str> = model.known_properties(ty, before).collect();
            let is_near = |name: &str| is_respelled(step, name) || misspelling(name, [step.as_str()]).is_some();
            self.properties(object.span).iter().any(|(name, _)| !known.contains(&name.as_str()) && is_near(name))
        };
        self.is_stated(model, ty, within, pointer) || pointer.iter().enumerate().any(is_misspelt)
    }

    /// Returns the statement of an object of an instance, if it can have one.
    fn statement(&self, model: &Model, ty: TypeId, within: Span, object: &[String]) -> Option<Statement> {
        if !model.states_uncaptured(ty, object) {
            return None;
        }
        let object = self.locate(within, object);
        if !matches!(object.kind, LocationKind::Value(Kind::Object)) {
            return None;
        }
        let mut statement = Statement::default();
        let mut scanner = Scanner::at(self.source.text(), object.span.start);
        #[expect(clippy::let_underscore_must_use, reason = "these bytes have been scanned before")]
        let _ = scanner.object(|scanner, key| {
            let (kind, _) = scanner.peek()?;
            let span = self.split_text().skip(scanner)?;
            let name = key.text();
            if name == UNCAPTURED {
                statement.add(&self.source, kind, span);
            } else if is_like(&name) {
                statement.add_like(&name, key.span);
            }
            Ok::<_, SyntaxError>(())
        });
        Some(statement)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_warning_names_each_property_that_a_name_may_mean() {
        let help = |name: &str| {
            let source = Source::new("a.json", "{}").unwrap();
            let statement = Statement { names: vec![(name.to_owned(), Span::new(0, 1))], ..Statement::default() };
            let known = ["expired", "expires", "id", "expires"].into_iter();
            let problems = statement.problems(&source, known, false);
            problems.into_iter().map(|problem| problem.help.unwrap()).collect::<String>()
        };
        let both = "did you mean `expired` or `expires`? until then they all count as uncaptured";
        assert_eq!(help("expire"), both);
        assert_eq!(help("expire/by"), both);
        assert_eq!(help("expird"), "did you mean `expired`?");
        assert_eq!(help("expired"), "");
    }

    #[test]
    fn many_names_mean_what_each_of_them_means() {
        let source = Source::new("a.json", r#"{"expired": 1}"#).unwrap();
        let known = ["expired", "expires", "id", "key_1_on", "key_2_on", "id"];
        let names = ["expire", "id", "ID", "key_1_onn", "Key-2-On", "key-2-on", "expires/at", "expired", "other"];
        let statement = |names: &[&str]| {
            let places = (0..).map(|at| Span::new(at, at + 1));
            let names = names.iter().map(|name| (*name).to_owned()).zip(places).collect();
            Statement { names, ..Statement::default() }
        };
        let named = |statement: &Statement| {
            let known = known.into_iter();
            (
                statement.named(known.clone(), known.clone(), std::iter::empty()),
                statement.problems(&source, known, false),
            )
        };
        let (few, many) = (statement(&names), statement(&names.repeat(3)));
        assert!(few.names.len() <= FEW_NAMES && many.names.len() > FEW_NAMES);
        let (places, problems) = named(&few);
        assert_eq!(
            places.iter().map(|(at, span)| (*at, span.start)).collect::<Vec<_>>(),
            [(0, 0), (1, 0), (2, 1), (5, 1), (3, 3), (4, 4)]
        );
        let (all, all_problems) = named(&many);
        assert_eq!(all, places);
        assert_eq!(all_problems.get(..problems.len()), Some(problems.as_slice()));
    }
}
