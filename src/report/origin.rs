//! The origin of a value: the piece of evidence of the snapshot that covers it, such as an export with its time.
//!
//! A type with `@evidence` in the schema contains the pieces. Each has the JSON Pointer `covers`, and maybe `file`, `method` and
//! `captured_at`. The deepest piece covers a value.

use crate::schema::{COVERS, EntityType, Model};
use crate::snapshot::{LocationKind, Snapshot};
use crate::source::Span;
use crate::source::json::{Kind, string_text};
use crate::value::{parse_datetime, show_datetime};
use std::collections::HashMap;
use std::sync::Arc;

/// A piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginReport {
    /// The name of its file; `None` if it has none, such as a value that a person stated.
    pub file: Option<String>,
    /// The way of capture, such as `csv_members`.
    pub method: Option<String>,
    /// The time of capture.
    pub captured_at: Option<String>,
    /// The age at the time of the run, such as `9 days`; `None` without a valid time before it.
    pub age: Option<String>,
}

impl OriginReport {
    /// Returns the origin as it follows a value: `from members.csv, 9 days old`.
    pub fn phrase(&self) -> String {
        phrase(self.file.as_deref(), self.method.as_deref(), self.age.as_deref())
    }
}

/// Returns an origin as it follows a value.
pub(crate) fn phrase(file: Option<&str>, method: Option<&str>, age: Option<&str>) -> String {
    let from = file.or(method).unwrap_or("unnamed evidence");
    match age {
        Some(age) => format!("from {from}, {age} old"),
        None => format!("from {from}, without a valid date"),
    }
}

/// The pieces of evidence of a snapshot.
#[derive(Debug, Default)]
pub(super) struct Origins {
    /// The pieces by the pointers that they cover.
    pieces: HashMap<String, Arc<OriginReport>>,
    /// The pieces whose pointers have a `*`, which is every element.
    patterns: Vec<(String, Arc<OriginReport>)>,
    /// The number of steps of the deepest pointer of a piece.
    depth: usize,
}

impl Origins {
    /// Reads the pieces of a snapshot; `now` is in milliseconds since 1970. If several cover one pointer, the oldest is kept.
    pub(super) fn of(model: &Model, snapshot: &Snapshot, now: i64) -> Self {
        let mut pieces: HashMap<String, (Option<i64>, Arc<OriginReport>)> = HashMap::new();
        for ty in model.type_ids().filter(|ty| model.ty(*ty).is_evidence) {
            let secret = |name: &str| is_secret(model.ty(ty), name);
            for row in &snapshot.table(ty).rows {
                let text = |name: &str| text(snapshot, row.span, name).filter(|_| !secret(name));
                let Some(covers) = text(COVERS) else { continue };
                let time = text("captured_at").and_then(|time| parse_datetime(&time).ok());
                let age = time.and_then(|time| now.checked_sub(time)).filter(|age| *age >= 0).map(shown_age);
                let origin = OriginReport {
                    file: text("file").filter(|file| !file.is_empty()),
                    method: text("method").filter(|method| !method.is_empty()),
                    captured_at: time.map(show_datetime),
                    age,
                };
                let is_older = pieces.get(&covers).is_none_or(|(known, _)| time < *known);
                if is_older {
                    pieces.insert(covers, (time, Arc::new(origin)));
                }
            }
        }
        Self::new(pieces.into_iter().map(|(covers, (_, origin))| (covers, origin)).collect())
    }

    fn new(pieces: HashMap<String, Arc<OriginReport>>) -> Self {
        let is_pattern = |(covers, _): &(&String, &Arc<OriginReport>)| covers.split('/').any(|step| step == "*");
        let patterns = pieces.iter().filter(is_pattern);
        let mut patterns: Vec<_> = patterns.map(|(covers, origin)| (covers.clone(), Arc::clone(origin))).collect();
        patterns.sort_by(|(one, _), (two, _)| one.cmp(two));
        let depth = pieces.keys().map(|covers| covers.matches('/').count()).max().unwrap_or(0);
        Self { pieces, patterns, depth }
    }

    /// Returns the deepest piece that covers a pointer.
    pub(super) fn covering(&self, pointer: &str) -> Option<&Arc<OriginReport>> {
        let end = pointer.match_indices('/').nth(self.depth).map_or(pointer.len(), |(end, _)| end);
        let mut at = pointer.get(..end).filter(|_| !self.pieces.is_empty());
        while let Some(pointer) = at {
            let pattern = || self.patterns.iter().find(|(covers, _)| is_covered(pointer, covers));
            if let Some(found) = self.pieces.get(pointer).or_else(|| pattern().map(|(_, origin)| origin)) {
                return Some(found);
            }
            at = pointer.rfind('/').and_then(|end| pointer.get(..end));
        }
        None
    }
}

/// Returns whether a pointer has the steps of another one, in which `*` is every step.
fn is_covered(pointer: &str, covers: &str) -> bool {
    let (mut here, mut steps) = (pointer.split('/'), covers.split('/'));
    loop {
        match (here.next(), steps.next()) {
            (None, None) => return true,
            (Some(here), Some(step)) if step == "*" || step == here => {}
            _ => return false,
        }
    }
}

/// Returns whether the schema declares a property, or the whole piece, as secret.
fn is_secret(ty: &EntityType, name: &str) -> bool {
    ty.slots.iter().any(|slot| {
        let pointer = slot.origin.pointer().filter(|_| slot.secret);
        pointer.is_some_and(|pointer| pointer.first().is_none_or(|first| first == name))
    })
}

/// Returns the text of a property of a piece, if it has one.
fn text(snapshot: &Snapshot, piece: Span, name: &str) -> Option<String> {
    let found = snapshot.locate(piece, &[name.to_owned()]);
    let is_text = found.kind == LocationKind::Value(Kind::String);
    Some(string_text(snapshot.source.slice(found.span)).filter(|_| is_text)?.trim().to_owned())
}

/// Returns an age in its largest whole unit.
fn shown_age(milliseconds: i64) -> String {
    const UNITS: [(i64, &str); 3] = [(86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute")];
    for (size, unit) in UNITS {
        match milliseconds / size {
            0 => {}
            1 => return format!("1 {unit}"),
            count => return format!("{count} {unit}s"),
        }
    }
    "less than a minute".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_covers_every_element() {
        for (covers, expected) in [("/a/*/b", true), ("/a/7/b", true), ("/a/*", false), ("/*/*/c", false)] {
            assert_eq!(is_covered("/a/7/b", covers), expected, "{covers}");
        }
    }

    #[test]
    fn ages_have_one_unit() {
        let days = |days: i64| days * 86_400_000;
        for (age, expected) in [
            (0, "less than a minute"),
            (60_000, "1 minute"),
            (days(1) - 1, "23 hours"),
            (days(2) - 1, "1 day"),
            (days(9), "9 days"),
            (i64::MAX, "106751991167 days"),
        ] {
            assert_eq!(shown_age(age), expected);
        }
    }

    #[test]
    fn the_deepest_piece_covers_a_value() {
        let piece = |file: &str| {
            let file = Some(file.to_owned());
            Arc::new(OriginReport { file, method: None, captured_at: None, age: None })
        };
        let pieces =
            HashMap::from([("/w/1".to_owned(), piece("one.csv")), ("/w/1/members".to_owned(), piece("members.csv"))]);
        let origins = Origins::new(pieces);
        let file = |pointer: &str| origins.covering(pointer).and_then(|origin| origin.file.as_deref());
        assert_eq!(file("/w/1/members/3/email"), Some("members.csv"));
        assert_eq!(file("/w/1/members"), Some("members.csv"));
        assert_eq!(file("/w/1/membership"), Some("one.csv"));
        assert_eq!(file("/w/10"), None);
        assert_eq!(file(""), None);
    }
}
