//! Inference: a schema from documents, and the shape of documents.
//!
//! The [`Observer`] adds each document to a tree of places, in one pass. The plan turns places into declarations, and
//! the text of the schema states what each follows from. Then the schema reads the documents: a declaration that
//! causes a diagnostic is corrected, until none does.

mod names;
mod format;
mod secret;
mod shape;
mod keys;
mod maps;
mod observe;
mod plan;
mod link;
mod write;

pub use format::{Format, Formats, Numbers};
pub use keys::is_secret;
pub use maps::is_map;
pub use names::is_identifier;
pub use observe::Observer;
pub use shape::{KINDS, Place, Seen, Texts};

use crate::diagnostic::{Code, Diagnostic, has_errors};
use crate::schema::Schema;
use crate::snapshot::api_error::is_of_error;
use crate::snapshot::{Limits, Snapshot};
use crate::source::json::{Kind, Scanner, WalkEnd, document_start, string_text};
use crate::source::pointer::{Pattern, Step};
use crate::source::{Source, Span, misspelling};
use plan::Corrections;
use std::collections::BTreeSet;
use std::collections::btree_map::Entry;
use std::sync::Arc;

/// Corrections of a schema until it reads all documents.
const ROUNDS: usize = 24;

/// Diagnostics of one document that are corrected in a round.
const CORRECTED: usize = 64;

/// Infers a schema that reads all documents without a diagnostic, other than those of names that may be misspelt and
/// of errors in place of objects. `namespace` is that of its declarations.
///
/// # Errors
/// If a document is not a JSON object, or no schema reads the documents without diagnostics.
pub fn infer(documents: &[Arc<Source>], namespace: Option<&str>, limits: &Limits) -> Result<String, Vec<Diagnostic>> {
    let (root, errors) = observe(documents, limits)?;
    // Spans are those of the text that is read, also if it is derived from a file in another format.
    let plain: Result<Vec<Arc<Source>>, _> =
        documents.iter().map(|source| Source::new(source.name(), source.text())).collect();
    let plain = plain.map_err(|error| vec![Diagnostic::error(Code::TooLarge, error.to_string())])?;
    let names: Vec<String> = documents.iter().map(|source| source.document()).collect();
    let number = u32::try_from(documents.len()).unwrap_or(u32::MAX);
    let mut corrections = Corrections::default();
    let mut left = Vec::new();
    for _ in 0..ROUNDS {
        let mut plan = plan::plan(&root, number, &corrections);
        link::link(&mut plan, &corrections);
        let text = write::write(&plan, namespace, &names);
        let is_of_samples = |document: usize, source: &Source, diagnostic: &Diagnostic| {
            let Some(label) = diagnostic.labels.first() else { return false };
            let name = string_text(source.slice(label.place.span));
            let is_misspelt = name.as_ref().is_some_and(|name| plan.misspelt.contains(&**name));
            let is_error = name.is_some_and(|name| is_of_error(&name));
            let is_error_in_map =
                || is_error && pattern(&root, &steps_to(source, label.place.span)).0.last() == Some(&Step::Each);
            diagnostic.code == Code::SnapshotProperty && (is_misspelt || is_error_in_map())
                || is_within(&errors, document, label.place.span)
        };
        let found = problems(&text, &plain, limits, is_of_samples)?;
        if found.is_empty() {
            return Ok(text);
        }
        let is_corrected = found.iter().fold(false, |any, (document, diagnostic)| {
            let source = plain.get(*document);
            source.is_some_and(|source| correct(&mut corrections, &root, source, diagnostic)) || any
        });
        left = found.into_iter().map(|(_, diagnostic)| diagnostic).collect();
        if !is_corrected {
            break;
        }
    }
    let message = "no inferred schema reads these documents without a diagnostic";
    let error = Diagnostic::error(Code::Inference, message);
    left.insert(0, error.help("correct the documents, or write the schema by hand"));
    Err(left)
}

/// An error in place of an object: the number of its document, and its place there.
type ErrorAt = (u32, Span);

/// Returns whether a span is in one of the errors, which are in order.
fn is_within(errors: &[ErrorAt], document: usize, span: Span) -> bool {
    let at = errors.partition_point(|(of, error)| (*of as usize, error.start) <= (document, span.start));
    let before = at.checked_sub(1).and_then(|before| errors.get(before));
    before.is_some_and(|(of, error)| *of as usize == document && error.contains(span))
}

/// Returns the shape of documents, and the errors in place of objects in order.
///
/// # Errors
/// If a document is not a JSON object.
fn observe(documents: &[Arc<Source>], limits: &Limits) -> Result<(Place, Vec<ErrorAt>), Vec<Diagnostic>> {
    let (mut root, mut errors) = (Place::default(), Vec::new());
    let mut observer = Observer::of_samples();
    for source in documents {
        errors.extend(add(&mut observer, &mut root, source, limits).err());
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let mut in_place = Vec::new();
    root.settle_errors(&mut in_place);
    in_place.sort_unstable_by_key(|(document, span)| (*document, span.start));
    root.join_only();
    root.settle(&mut |place, at| !at.0.is_empty() && is_map(place));
    Ok((root, in_place))
}

/// Adds a document to a shape.
///
/// # Errors
/// If the document is not a JSON object.
pub fn add(observer: &mut Observer, root: &mut Place, source: &Arc<Source>, limits: &Limits) -> Result<(), Diagnostic> {
    let text = source.text();
    let start = document_start(text);
    if text.get(start as usize..).unwrap_or_default().trim().is_empty() {
        let error = Diagnostic::error(Code::SnapshotEmpty, "the snapshot is empty");
        return Err(error.label(source, Span::new(0, 0), "nothing here").help("a snapshot is a JSON object"));
    }
    let kind = Scanner::at(text, start).peek().map(|(kind, at)| (kind, Span::new(at, at + 1)));
    if let Ok((kind, at)) = kind
        && kind != Kind::Object
    {
        let message = format!("a snapshot is an object, and this is {}", kind.described());
        let error = Diagnostic::error(Code::SnapshotRoot, message).label(source, at, "the document starts here");
        let help = match kind {
            Kind::Array => "put the list into an object with the name of its elements, such as {\"members\": [...]}",
            _ => "write an object around the value",
        };
        return Err(error.help(help));
    }
    observer.add(root, source, limits.depth).map_err(|error| {
        let error = error.into_problem();
        let help = error.too_deep.then(|| "the document nests too deep: remove the inner levels".to_owned());
        // A text with a syntax error may show a secret.
        let error_at = Diagnostic::error(Code::SnapshotSyntax, error.unquoted).label(source, error.span, "here");
        error_at.maybe_help(help)
    })
}

/// Returns the diagnostics of documents that a schema reads, each with the number of its document. Mistakes of the samples
/// themselves are not among them.
///
/// # Errors
/// If the text is not a schema.
fn problems(
    text: &str,
    documents: &[Arc<Source>],
    limits: &Limits,
    is_of_samples: impl Fn(usize, &Source, &Diagnostic) -> bool,
) -> Result<Vec<(usize, Diagnostic)>, Vec<Diagnostic>> {
    let source = Source::new("inferred.cedarschema", text);
    let source = source.map_err(|error| vec![Diagnostic::error(Code::TooLarge, error.to_string())])?;
    let (schema, diagnostics) = Schema::parse(&source);
    let Some(schema) = schema.filter(|_| !has_errors(&diagnostics)) else {
        let error = Diagnostic::error(Code::Inference, "the inferred schema is not valid");
        let error = error.help("report this as a bug of Deodar, with the names of the properties");
        return Err(std::iter::once(error).chain(diagnostics).collect());
    };
    // References are resolved only in attributes that are kept.
    let model = &schema.model;
    let mut reads = BTreeSet::new();
    for (ty, declared) in model.types.entries() {
        let refers = declared.slots.entries().filter(|(_, slot)| model.refers(&slot.ty));
        reads.extend(refers.map(|(slot, _)| (ty, slot)));
    }
    let mut found = Vec::new();
    for (at, document) in documents.iter().enumerate() {
        let (_, diagnostics) = Snapshot::read(document, model, &reads, limits);
        let of_schema = diagnostics.into_iter().filter(|diagnostic| !is_of_samples(at, document, diagnostic));
        found.extend(of_schema.take(CORRECTED).map(|diagnostic| (at, diagnostic)));
    }
    Ok(found)
}

/// Corrects the declaration that causes a diagnostic. Returns whether a correction was added.
fn correct(corrections: &mut Corrections, root: &Place, source: &Source, diagnostic: &Diagnostic) -> bool {
    let Some(label) = diagnostic.labels.first() else { return false };
    let steps = steps_to(source, label.place.span);
    let at = pattern(root, &steps);
    let has_objects = place(root, &at).is_none_or(|place| place.count(Kind::Object) > 0);
    let is_instance = at.0.last().is_none_or(|step| *step == Step::Each && has_objects);
    match diagnostic.code {
        Code::SnapshotReference => corrections.no_reference.insert(attribute_at(at)),
        Code::SnapshotDuplicateId | Code::SnapshotKey if !is_instance => corrections.no_key.insert(at),
        Code::SnapshotDomain | Code::SnapshotAddress | Code::SnapshotValue
            if !corrections.plain.contains(&at) && !is_instance =>
        {
            corrections.plain.insert(at)
        }
        _ => leave_out(corrections, root, at),
    }
}

/// Leaves out the innermost property at a place. If it is left out already, a property that it resembles is left out.
fn leave_out(corrections: &mut Corrections, root: &Place, at: Pattern) -> bool {
    let mut at = attribute_at(at);
    let Some(Step::Property(name)) = at.0.last().cloned() else { return false };
    if let Entry::Vacant(entry) = corrections.left_out.entry(at.clone()) {
        entry.insert("its values do not fit".to_owned());
        return true;
    }
    at.0.pop();
    let siblings = place(root, &at).into_iter().flat_map(|place| &place.children);
    let near = siblings.filter(|(other, _)| misspelling(&name, [other.as_str()]).is_some());
    let near: Vec<Pattern> = near
        .map(|(other, _)| Pattern([&at.0[..], &[Step::Property(other.to_string())]].concat()))
        .filter(|at| !corrections.left_out.contains_key(at))
        .collect();
    let is_any = !near.is_empty();
    corrections.left_out.extend(near.into_iter().map(|at| (at, "another property resembles it".to_owned())));
    is_any
}

/// Returns the place of the attribute whose value, or an element of it, is at a place.
fn attribute_at(mut at: Pattern) -> Pattern {
    while at.0.last() == Some(&Step::Each) {
        at.0.pop();
    }
    at
}

/// Returns the values at a place of a shape.
fn place<'p>(root: &'p Place, at: &Pattern) -> Option<&'p Place> {
    at.0.iter().try_fold(root, |place, step| match step {
        Step::Property(name) => place.child(name),
        Step::Each => place.each.as_deref(),
        Step::Groups(_) => None,
    })
}

/// Returns the property names and indexes from the document to the innermost value around a span.
fn steps_to(source: &Source, span: Span) -> Vec<Option<String>> {
    let text = source.text();
    let (mut steps, mut start) = (Vec::new(), document_start(text));
    loop {
        let mut scanner = Scanner::at(text, start);
        let mut inner = None;
        let Ok((kind, _)) = scanner.peek() else { return steps };
        #[expect(clippy::let_underscore_must_use, reason = "the walk ends where the value is found")]
        let _ = match kind {
            Kind::Object => scanner.object(|scanner, key| {
                let start = scanner.peek()?.1;
                let value = scanner.skip()?;
                if Span::new(key.span.start, value.end).contains(span) {
                    inner = Some((Some(key.text().into_owned()), start));
                    return Err(WalkEnd);
                }
                Ok(())
            }),
            Kind::Array => scanner.array(|scanner, _| {
                let start = scanner.peek()?.1;
                if scanner.skip()?.contains(span) {
                    inner = Some((None, start));
                    return Err(WalkEnd);
                }
                Ok(())
            }),
            _ => return steps,
        };
        let Some((step, next)) = inner else { return steps };
        steps.push(step);
        start = next;
    }
}

/// Returns the place in a shape that steps in a document lead to.
fn pattern(root: &Place, steps: &[Option<String>]) -> Pattern {
    let (mut at, mut place) = (Pattern::default(), Some(root));
    for step in steps {
        let named = step.as_ref().filter(|_| place.is_none_or(|place| !place.is_map));
        // The object is the only element of a list.
        if let (Some(_), Some(list)) = (named, place.filter(|place| place.only > 0)) {
            at.0.push(Step::Each);
            place = list.each.as_deref();
        }
        match named {
            Some(name) => {
                at.0.push(Step::Property(name.clone()));
                place = place.and_then(|place| place.child(name));
            }
            None => {
                at.0.push(Step::Each);
                place = place.and_then(|place| place.each.as_deref());
            }
        }
    }
    at
}
