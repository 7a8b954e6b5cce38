//! Statements of a snapshot about single properties: the property `uncaptured` of an object names properties of this
//! object that were not captured. Their values have no effect.

use super::locate::LocationKind;
use super::{Snapshot, is_respelled};
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::Model;
use crate::source::json::{Kind, Scanner, SyntaxError, string_text};
use crate::source::pointer::Group;
use crate::source::{Source, Span, misspelling};
use crate::value::TypeId;
use std::sync::Arc;

/// The property of an object that names its properties that were not captured.
pub(crate) const UNCAPTURED: &str = "uncaptured";

/// Returns whether an undeclared property may be meant to be `uncaptured`.
pub(crate) fn is_like(name: &str) -> bool {
    // Most names have other letters.
    let others = (letters(name) ^ letters(UNCAPTURED)).count_ones();
    others <= 2 && name != UNCAPTURED && misspelling(name, [UNCAPTURED]).is_some()
}

/// Returns the set of the letters of a name, as bits.
fn letters(name: &str) -> u32 {
    let letter = |byte: u8| byte.is_ascii_alphabetic().then(|| 1 << (byte.to_ascii_lowercase() - b'a'));
    name.bytes().filter_map(letter).fold(0, |all, letter: u32| all | letter)
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
    /// name. A misspelling of one names it, too, and so does the name of one of the `groups` of properties that has it. `known` are
    /// all names that the schema knows in the object.
    pub(super) fn named<'d>(
        &self,
        declared: impl Iterator<Item = &'d str> + Clone,
        known: impl Iterator<Item = &'d str> + Clone,
        groups: impl Iterator<Item = &'d Group> + Clone,
    ) -> Vec<(usize, Span)> {
        let named = |(name, span): &(String, Span)| {
            let meant = meant(name, known.clone());
            let group = meant.and_then(|meant| groups.clone().find(|group| group.label == meant));
            let is_named =
                |declared: &str| meant == Some(declared) || group.is_some_and(|it| it.part(declared).is_some());
            let places = declared.clone().enumerate().filter(|(_, declared)| is_named(declared));
            places.map(|(at, _)| (at, *span)).collect::<Vec<_>>()
        };
        self.names.iter().flat_map(named).collect()
    }

    /// Returns the place of a name of the statement that is `wanted`, a misspelling of it, or the name of one of the `groups` of
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
        let mut problems = Vec::new();
        for (span, message) in &self.wrong {
            let message = if secret { format!("`{UNCAPTURED}` is not valid") } else { message.clone() };
            let error = Diagnostic::error(Code::SnapshotUncaptured, message).label(source, *span, "here");
            let help =
                "write a list of property names, such as [\"status\"]; until then what the object lacks is unknown";
            problems.push(error.help(help));
        }
        for (name, span) in &self.names {
            if known.clone().any(|known| known == name) {
                continue;
            }
            let shown = if secret { "***" } else { name };
            let message = format!("`{UNCAPTURED}` names `{shown}`, which the schema does not declare here");
            let warning = Diagnostic::warning(Code::SnapshotUncaptured, message).label(source, *span, "not declared");
            problems.push(match first_step(name, known.clone()) {
                _ if secret => warning,
                Some((first, rest)) => warning.help(format!(
                    "`{first}` counts as uncaptured as a whole; to keep the rest of it, write `{UNCAPTURED}: [\"{rest}\"]` in it"
                )),
                None => warning.suggest(name, known.clone()),
            });
        }
        problems
    }
}

/// Returns the known property that a name in a statement names: itself, the one that it is a misspelling of, or the one
/// that a path begins with.
fn meant<'k>(name: &str, known: impl Iterator<Item = &'k str> + Clone) -> Option<&'k str> {
    let exact = known.clone().find(|known| *known == name);
    exact.or_else(|| misspelling(name, known.clone())).or_else(|| Some(first_step(name, known)?.0))
}

/// Returns the known property that a path begins with, and the rest of the path.
fn first_step<'k, 'n>(name: &'n str, known: impl Iterator<Item = &'k str> + Clone) -> Option<(&'k str, &'n str)> {
    let (first, rest) = name.trim_start_matches('/').split_once(['/', '.'])?;
    let exact = known.clone().find(|known| *known == first);
    Some((exact.or_else(|| misspelling(first, known))?, rest))
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
            let is_named = || statement.named_as(step, known.iter().copied(), model.groups_in(ty, before)).is_some();
            statement.is_wrong() || is_named()
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
            let span = self.skip(scanner)?;
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
