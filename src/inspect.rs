//! Inspection: the shape of a snapshot in comparison with its schema, and with the shape of an older snapshot.

mod declared;
mod coverage;
mod drift;
mod text;

pub use coverage::{Lacking, Undeclared};
pub use drift::{Change, ChangeKind};
pub use text::write_inspection;

use crate::diagnostic::Diagnostic;
use crate::infer::{self, Observer, Place, Seen, is_map};
use crate::pack::Pack;
use crate::snapshot::Limits;
use crate::source;
use crate::source::pointer::Pattern;
use crate::source::{Source, Span};
use declared::Declared;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The version of the format.
const VERSION: &str = "1.0";

/// The result of an inspection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inspection {
    /// `deodar-inspect`.
    pub format: String,
    /// The version of the format.
    pub version: String,
    /// The origin of schema and policies, in words.
    pub pack: String,
    /// The version of the pack.
    pub pack_version: Option<String>,
    /// The names of the snapshots.
    pub snapshots: Vec<String>,
    /// The names of the older snapshots.
    pub against: Option<Vec<String>>,
    /// Properties that the schema does not read, in the order of the documents.
    pub undeclared: Vec<Undeclared>,
    /// Attributes and lists of the schema that no document has, in the order of their places.
    pub lacking: Vec<Lacking>,
    /// The differences from the older snapshots; `None` without them.
    pub changes: Option<Vec<Change>>,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct At {
    /// The file, or the line of a file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
}

impl Inspection {
    /// Inspects the snapshots of one kind of account.
    ///
    /// # Errors
    /// If a snapshot is not a JSON object.
    pub fn of(
        pack: &Pack,
        name: String,
        new: &[Arc<Source>],
        old: Option<&[Arc<Source>]>,
        limits: &Limits,
    ) -> Result<Self, Vec<Diagnostic>> {
        let declared = Declared::of(pack);
        let mut new_shape = observed(&declared, new, limits)?;
        let mut old_shape = old.map(|old| observed(&declared, old, limits)).transpose()?;
        settle(&declared, &mut new_shape, old_shape.as_mut());
        let model = pack.model();
        let documents = |sources: &[Arc<Source>]| sources.iter().map(|source| source.document()).collect();
        Ok(Self {
            format: "deodar-inspect".to_owned(),
            version: VERSION.to_owned(),
            pack: name,
            pack_version: model.version().map(ToString::to_string),
            snapshots: documents(new),
            against: old.map(documents),
            undeclared: coverage::undeclared(&declared, &new_shape, new),
            lacking: coverage::lacking(pack, &declared, &new_shape),
            changes: old.zip(old_shape).map(|(old, shape)| {
                drift::changes(pack, &declared, drift::Sides { old: (&shape, old), new: (&new_shape, new) })
            }),
        })
    }

    /// Returns the exit code: 1 if the shapes differ.
    pub fn exit_code(&self) -> u8 {
        u8::from(self.changes.as_ref().is_some_and(|changes| !changes.is_empty()))
    }
}

/// Returns the shape of documents.
fn observed(declared: &Declared, sources: &[Arc<Source>], limits: &Limits) -> Result<Place, Vec<Diagnostic>> {
    let mut shape = Place::default();
    let mut observer = if declared.has_uncaptured() { Observer::without_statements() } else { Observer::default() };
    let errors: Vec<Diagnostic> =
        sources.iter().filter_map(|source| infer::add(&mut observer, &mut shape, source, limits).err()).collect();
    if errors.is_empty() { Ok(shape) } else { Err(errors) }
}

/// Finds the maps: those of the schema, and other objects by the names in both shapes.
fn settle(declared: &Declared, new: &mut Place, old: Option<&mut Place>) {
    let mut both = new.clone();
    if let Some(old) = &old {
        both.merge(Place::clone(old));
    }
    let mut maps: BTreeSet<Pattern> = BTreeSet::new();
    both.settle(&mut |place, at| {
        let decided = declared.is_map(at).unwrap_or_else(|| !at.0.is_empty() && is_map(place));
        if decided {
            maps.insert(at.clone());
        }
        decided
    });
    for shape in std::iter::once(new).chain(old) {
        shape.settle(&mut |_, at| maps.contains(at));
    }
}

/// Returns a place in the user's file.
fn at(sources: &[Arc<Source>], seen: Option<Seen>) -> Option<At> {
    let seen = seen?;
    let source = sources.get(usize::try_from(seen.document).ok()?)?;
    let place = source::Place::new(source, Span::new(seen.offset, seen.offset + 1));
    let position = place.source.position(place.span.start);
    Some(At { file: place.source.name().to_owned(), line: position.line, column: position.column })
}
