//! The annotations of declarations, with their places.

use super::SchemaReader;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::source::pointer::{self, Pattern};
use cedar_policy_core::ast::Annotation as CedarAnnotation;
use cedar_policy_core::est::Annotations;
use cedar_policy_core::parser::Loc;
use smol_str::SmolStr;
use std::collections::HashMap;
use std::ops::Range;

pub(super) const ON_ENTITY: &[&str] = &[
    "path",
    "key",
    "expect",
    "total",
    "more",
    "null",
    "missing",
    "one_or_many",
    "where",
    "unjudged",
    "closed",
    "evidence",
    "open",
    "former",
    "ignore",
    "tags",
    "version",
    "parameter_scope",
    "doc",
];
pub(super) const ON_ATTRIBUTE: &[&str] =
    &["path", "as", "enclosing", "derived", "null", "missing", "secret", "past", "unknown", "absent", "ignore", "doc"];
pub(super) const ON_PARAMETER: &[&str] = &["default", "path", "as", "null", "missing", "unknown", "absent", "doc"];
pub(super) const ON_OTHER: &[&str] = &["doc"];

/// Annotations without a value.
pub(super) const FLAGS: &[&str] =
    &["closed", "evidence", "open", "enclosing", "derived", "secret", "past", "parameter_scope", "one_or_many"];

/// An annotation: its value and its span.
#[derive(Clone)]
pub(super) struct Annotation {
    pub(super) value: SmolStr,
    pub(super) span: Span,
}

impl<'f> SchemaReader<'_, 'f> {
    pub(super) fn error(&mut self, code: Code, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        let last = self.diagnostics.len();
        self.diagnostics.push(Diagnostic::error(code, message).label(self.source, span, ""));
        #[expect(clippy::indexing_slicing, reason = "the line above pushes this element")]
        &mut self.diagnostics[last]
    }

    /// Reads the annotations of one declaration, and rejects those without a meaning there.
    pub(super) fn annotations(
        &mut self,
        written: &'f Annotations,
        known: &[&str],
        declared: Span,
    ) -> HashMap<&'f str, Annotation> {
        let mut annotations = HashMap::new();
        for (name, annotation) in &written.0 {
            let name: &str = AsRef::<str>::as_ref(name);
            // Cedar gives an annotation without a value an empty one, and no place.
            let is_bare = annotation.as_ref().is_none_or(|annotation| annotation.loc.is_none());
            let annotation = self.annotation(annotation.as_ref(), declared);
            if !known.contains(&name) {
                self.unknown_annotation(name, annotation.span, known);
                continue;
            }
            if is_bare && !FLAGS.contains(&name) {
                let error = self.error(Code::SchemaAnnotation, annotation.span, format!("`@{name}` has no value"));
                error.help = Some(format!("write its value as in `@{name}(\"...\")`, or remove it"));
                // An empty path and an empty key have a meaning, so that no further error follows.
                if !["path", "key"].contains(&name) {
                    continue;
                }
            }
            if FLAGS.contains(&name) && !annotation.value.is_empty() {
                let error = self.error(Code::SchemaAnnotation, annotation.span, format!("`@{name}` has a value"));
                error.help = Some(format!("write `@{name}`, or remove it if that is not meant"));
            }
            annotations.insert(name, annotation);
        }
        annotations
    }

    /// Rejects an annotation without a meaning on a declaration, and names the declarations where it has one.
    fn unknown_annotation(&mut self, name: &str, span: Span, known: &[&str]) {
        let places =
            [("an entity type", ON_ENTITY), ("an attribute", ON_ATTRIBUTE), ("a member of `parameters`", ON_PARAMETER)];
        if let Some((place, _)) = places.iter().find(|(_, there)| there.contains(&name)) {
            let error = self.error(Code::SchemaAnnotation, span, format!("`@{name}` has no meaning here"));
            error.help = Some(format!("`@{name}` belongs on {place}"));
            return;
        }
        let error = self.error(Code::SchemaAnnotation, span, format!("unknown annotation `@{name}`"));
        let known: Vec<String> = known.iter().map(|known| format!("@{known}")).collect();
        *error = error.clone().suggest(&format!("@{name}"), known.iter().map(String::as_str));
    }

    fn annotation(&self, annotation: Option<&CedarAnnotation>, declared: Span) -> Annotation {
        let loc = annotation.and_then(|annotation| annotation.loc.as_ref());
        Annotation {
            value: annotation.map(|annotation| annotation.val.clone()).unwrap_or_default(),
            span: loc.map_or(declared, |loc| self.whole_annotation(loc)),
        }
    }

    /// Returns one annotation of a declaration whose annotations were read before.
    pub(super) fn annotation_named(&self, annotations: &Annotations, name: &str, declared: Span) -> Option<Annotation> {
        let mut named = annotations.0.iter().filter(|(other, _)| AsRef::<str>::as_ref(*other) == name);
        named.next().map(|(_, annotation)| self.annotation(annotation.as_ref(), declared))
    }

    /// Returns the span of an annotation from the `@` on. Cedar gives the span of the value only.
    fn whole_annotation(&self, value: &Loc) -> Span {
        let before = self.source.text().get(..value.start()).unwrap_or_default();
        let start = match before.rsplit_once('@') {
            Some((start, name)) if !name.contains(['"', '\n']) => start.len(),
            _ => value.start(),
        };
        let rest = self.source.text().get(value.end()..).unwrap_or_default();
        let close = if rest.trim_start().starts_with(')') { rest.len() - rest.trim_start().len() + 1 } else { 0 };
        Span::from(start..value.end() + close)
    }

    /// Returns the span of a part of the value of an annotation; that of the annotation if the text has an escape that
    /// is not a quote or a backslash.
    pub(super) fn part_of(&self, annotation: &Annotation, part: Range<usize>) -> Span {
        let text = self.source.slice(annotation.span);
        let Some((head, written)) = text.split_once('"') else { return annotation.span };
        // The place in the file of every byte of the value, and of its end.
        let (mut places, mut at) = (Vec::new(), 0);
        for c in annotation.value.chars() {
            let rest = written.get(at..).unwrap_or_default();
            let escaped = matches!(c, '"' | '\\') && rest.starts_with('\\');
            if !rest.get(usize::from(escaped)..).unwrap_or_default().starts_with(c) {
                return annotation.span;
            }
            places.extend(std::iter::repeat_n(at, c.len_utf8()));
            at += usize::from(escaped) + c.len_utf8();
        }
        places.push(at);
        let start = annotation.span.start as usize + head.len() + 1;
        match (places.get(part.start), places.get(part.end)) {
            (Some(from), Some(to)) if from < to => Span::from(start + from..start + to),
            _ => annotation.span,
        }
    }

    /// Returns the span of the declaration of an attribute, from its name to its type.
    pub(super) fn declaration(&self, ty: Option<&Loc>, name: &str) -> Span {
        let Some(loc) = ty else { return Span::default() };
        let before = self.source.text().get(..loc.start()).unwrap_or_default();
        let colon = before.trim_end().strip_suffix(':').unwrap_or(before).trim_end();
        let head = colon.strip_suffix('?').unwrap_or(colon).trim_end();
        let start = match head.strip_suffix('"') {
            Some(quoted) => quoted.rfind('"'),
            None => head.strip_suffix(name).map(str::len),
        };
        Span::from(start.unwrap_or(loc.start())..loc.end())
    }

    /// Rejects annotations without a meaning on a kind of declaration.
    pub(super) fn none_of(&mut self, annotations: &HashMap<&str, Annotation>, names: &[&str], what: &str) {
        for name in names {
            if let Some(annotation) = annotations.get(name) {
                let error =
                    self.error(Code::SchemaAnnotation, annotation.span, format!("`@{name}` is not possible on {what}"));
                error.help = Some(format!("remove `@{name}`"));
            }
        }
    }

    pub(super) fn pattern(&mut self, annotation: &Annotation) -> Pattern {
        match Pattern::absolute(&annotation.value) {
            Ok(pattern) => pattern,
            Err(message) => {
                self.misplaced = true;
                self.error(Code::SchemaPath, annotation.span, message);
                Pattern::default()
            }
        }
    }

    pub(super) fn relative(&mut self, annotation: &Annotation) -> Option<Vec<String>> {
        match pointer::relative(&annotation.value) {
            Ok(steps) => Some(steps),
            Err(message) => {
                self.error(Code::SchemaPath, annotation.span, message);
                None
            }
        }
    }
}
