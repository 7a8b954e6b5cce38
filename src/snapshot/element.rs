//! The elements of a list that are instances of a type: `@where` in the schema.

use super::is_respelled;
use super::read::{difference, duplicate_key};
use super::uncaptured::{self, Statement, UNCAPTURED};
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::{Model, Only, PathId};
use crate::source::json::{Kind, Scanner, SyntaxError, string_text};
use crate::source::{Source, Span, misspelling, nearest};
use std::sync::Arc;

/// Whether an element of a list is an instance of a type.
pub(super) enum Membership {
    /// It is.
    Member,
    /// It is not.
    Other,
    /// It may be.
    Doubtful(Doubt),
}

/// The reason why the type of an element is not known.
pub(super) struct Doubt {
    problem: Problem,
    /// The property of `@where`.
    property: String,
    /// The place of the problem, if it is a part of the element.
    pub span: Option<Span>,
    /// The word, if no type has it.
    pub word: Option<String>,
    /// The words of the types of the list.
    words: Vec<String>,
}

enum Problem {
    /// The element does not have the property; it may have a misspelling of it.
    Lacking(Option<String>),
    Null,
    Stated,
    /// The statement of uncaptured properties is not valid, for this reason.
    Statement(String),
    /// The value, or one on the way to it, is of this kind.
    Wrong(Kind),
    /// The string is not text.
    NotText,
    /// The property is given twice, here first.
    Twice(Span),
    /// The property is given in two spellings: the other one, and its place.
    Respelled(String, Span),
    /// No type has the word.
    Unlisted,
}

impl Membership {
    /// Returns whether the element that starts at a place is an instance of the type at a node of the tree of paths.
    pub(super) fn of(source: &Arc<Source>, model: &Model, node: PathId, start: u32) -> Self {
        let ty = model.paths.find(node).and_then(|node| node.ty);
        let Some((ty, only)) = ty.and_then(|ty| Some((ty, model.ty(ty).only.as_ref()?))) else { return Self::Member };
        let (word, span) = match word(source, model, ty, only, start) {
            Ok(found) => found,
            Err((problem, span)) => return Self::Doubtful(Doubt::new(model, node, only, problem, span)),
        };
        if only.has(&word) {
            return Self::Member;
        }
        let is_judged = model.types_of_list(node).filter(|(_, other)| *other != ty).any(|(_, other)| {
            let Some(theirs) = &model.ty(other).only else { return true };
            // If that type may have the element, its list states so.
            self::word(source, model, other, theirs, start)
                .map_or(true, |(word, _)| theirs.has(&word) || theirs.is_unjudged(&word))
        });
        if is_judged || only.is_unjudged(&word) {
            return Self::Other;
        }
        let doubt = Doubt::new(model, node, only, Problem::Unlisted, Some(span));
        Self::Doubtful(Doubt { word: Some(word.trim().to_owned()), ..doubt })
    }
}

/// Returns the word at the property of `@where`, with its place.
///
/// # Errors
/// The problem, and its place if it is a part of the element.
fn word(
    source: &Arc<Source>,
    model: &Model,
    ty: crate::value::TypeId,
    only: &Only,
    start: u32,
) -> Result<(String, Span), (Problem, Option<Span>)> {
    let mut at = (Kind::Object, Span::new(start, start));
    for (done, step) in only.property.iter().enumerate() {
        match at.0 {
            Kind::Object => {}
            Kind::Null => return Err((Problem::Null, Some(at.1))),
            kind => return Err((Problem::Wrong(kind), Some(at.1))),
        }
        let way = only.property.get(..done).unwrap_or_default();
        at = property(source, model, (ty, way), step, at.1.start)?;
    }
    let (kind, span) = at;
    match kind {
        Kind::String => match string_text(source.slice(span)) {
            Some(text) => Ok((text.into_owned(), span)),
            None => Err((Problem::NotText, Some(span))),
        },
        Kind::Number | Kind::Bool => Ok((source.slice(span).to_owned(), span)),
        Kind::Null => Err((Problem::Null, Some(span))),
        kind => Err((Problem::Wrong(kind), Some(span))),
    }
}

/// Returns the value of a property of the object that starts at a place. `way` is the pointer to the object, from an
/// instance of a type.
fn property(
    source: &Arc<Source>,
    model: &Model,
    (ty, way): (crate::value::TypeId, &[String]),
    step: &str,
    start: u32,
) -> Result<(Kind, Span), (Problem, Option<Span>)> {
    let mut found: Option<(Span, Kind, Span)> = None;
    let (mut wrong, mut near) = (None, None);
    let mut statement = Statement::default();
    #[expect(clippy::let_underscore_must_use, reason = "these bytes are scanned as a whole elsewhere")]
    let _ = Scanner::at(source.text(), start).object(|scanner, key| {
        let (kind, value) = (scanner.peek()?.0, scanner.skip()?);
        let name = key.text();
        if name == step {
            match found {
                None => found = Some((key.span, kind, value)),
                Some((first, ..)) => wrong = Some((Problem::Twice(first), Some(key.span))),
            }
        } else if is_respelled(step, &name) {
            near = Some((name.into_owned(), key.span, true));
        } else if name == UNCAPTURED {
            statement.add(source, kind, value);
        } else if uncaptured::is_like(&name) {
            statement.add_like(&name, key.span);
        } else if near.is_none() && misspelling(&name, [step]).is_some() {
            near = Some((name.into_owned(), key.span, false));
        }
        Ok::<_, SyntaxError>(())
    });
    if !statement.is_empty() && model.states_uncaptured(ty, way) {
        let known: Vec<&str> = model.known_properties(ty, way).collect();
        if let Some(span) = statement.named_as(step, known.iter().copied(), model.groups_in(ty, way)) {
            return Err((Problem::Stated, Some(span)));
        }
        if let Some((span, message)) = statement.wrong.first() {
            return Err((Problem::Statement(message.clone()), Some(*span)));
        }
    }
    match (found, wrong, near) {
        (_, Some(wrong), _) => Err(wrong),
        (Some((first, ..)), None, Some((name, span, true))) => Err((Problem::Respelled(name, first), Some(span))),
        (Some((_, kind, value)), None, _) => Ok((kind, value)),
        (None, None, Some((name, span, _))) => Err((Problem::Lacking(Some(name)), Some(span))),
        (None, None, None) => Err((Problem::Lacking(None), None)),
    }
}

impl Doubt {
    fn new(model: &Model, node: PathId, only: &Only, problem: Problem, span: Option<Span>) -> Self {
        let others = model.types_of_list(node).filter_map(|(_, ty)| model.ty(ty).only.as_ref());
        let mut words: Vec<String> = Vec::new();
        for word in others.filter(|other| other.property == only.property).flat_map(|other| &other.words) {
            if !words.contains(word) {
                words.push(word.clone());
            }
        }
        Self { problem, property: only.property.join("/"), span, word: None, words }
    }

    /// Returns the diagnostic for an element of the list at a pointer.
    pub(super) fn diagnostic(&self, source: &Arc<Source>, list: &str, element: Span) -> Diagnostic {
        let property = &self.property;
        let unknown = format!("so the type of the element of `{list}` is unknown");
        let error = |message: String| Diagnostic::error(Code::SnapshotElement, message);
        let warning = |message: String| Diagnostic::warning(Code::SnapshotElement, message);
        let diagnostic = match &self.problem {
            Problem::Lacking(_) => warning(format!("`{property}` is missing, {unknown}")),
            Problem::Null => warning(format!("`{property}` is null, {unknown}")),
            Problem::Statement(reason) => error(format!("{reason}, {unknown}")),
            Problem::Stated => warning(format!("`{property}` was not captured, {unknown}")),
            Problem::Wrong(kind) => error(format!("`{property}` is {}, {unknown}", kind.described())),
            Problem::NotText => error(format!("`{property}` is not text, {unknown}")),
            Problem::Twice(first) => {
                return duplicate_key(source, property, *first, self.span.unwrap_or(element));
            }
            Problem::Respelled(name, first) => {
                let message = format!("properties `{property}` and `{name}` differ only in {}", difference(name));
                let error = Diagnostic::error(Code::SnapshotDuplicateKey, message);
                let error = error.label(source, self.span.unwrap_or(element), "this one");
                return error.label(source, *first, "and this one").help("remove one of the two");
            }
            Problem::Unlisted => warning(format!(
                "`{property}` is {:?}, which no type of the list `{list}` has: nothing judges the element",
                self.word.as_deref().unwrap_or_default()
            )),
        };
        diagnostic.label(source, self.span.unwrap_or(element), "here").help(self.help())
    }

    fn help(&self) -> String {
        let words: Vec<String> = self.words.iter().map(|word| format!("`{word}`")).collect();
        match (&self.problem, &self.word) {
            (Problem::Lacking(Some(_)), _) => format!("did you mean `{}`?", self.property),
            (Problem::Unlisted, Some(word)) => {
                let near = nearest(word, self.words.iter().map(String::as_str));
                let meant = near.map(|near| format!("did you mean `{near}`? Otherwise ")).unwrap_or_default();
                format!("{meant}add the word to `@where` of a type, or to `@unjudged`")
            }
            _ => format!("write `{}`: {}", self.property, words.join(", ")),
        }
    }
}
