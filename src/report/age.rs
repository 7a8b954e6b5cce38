//! The age of a snapshot: the oldest time of capture in it, compared with the limit of the run. All verdicts on a snapshot
//! that is too old are unknown.
//!
//! Times of capture are the values of `captured_at`: of the root, and of every instance or record with this property.

use super::evidence::{Capture, ReadReport, ReadState};
use super::finding::{Finding, Findings, MASK, scope_clause};
use super::message::unknown_phrase;
use crate::engine::{Subject, Verdict};
use crate::policy::{Check, CheckId};
use crate::schema::{Slot, SlotId};
use crate::snapshot::{Data, LocationKind, State, UncapturedList};
use crate::source::json::Kind;
use crate::source::{Place, Span};
use crate::value::{EntityRef, TypeId, show_datetime, show_duration};
use std::ops::RangeInclusive;

/// A time of capture that makes a snapshot too old.
#[derive(Debug, Clone)]
pub(crate) struct TooOld {
    /// The time as the clauses of the unknown verdicts read it.
    read: ReadReport,
    /// The value to capture.
    capture: Capture,
    /// The problem of the time, as it follows its name.
    problem: String,
}

impl TooOld {
    /// Returns the place of the time in the snapshot, or of the object that lacks it.
    pub(crate) fn place(&self) -> Option<&Place> {
        self.read.place.as_ref()
    }

    /// Returns the time and its problem in one phrase.
    pub(crate) fn phrase(&self) -> String {
        let of = self.read.entity.as_ref().map_or_else(String::new, |entity| format!(" of {entity}"));
        format!("`{}`{of} {}", self.read.name, self.problem)
    }
}

/// The reason why a time makes a snapshot too old, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    /// The time is present and invalid.
    Unreadable,
    /// The time was not captured.
    Missing,
    /// The time is after that of the run, in milliseconds since 1970.
    Future(i64),
    /// The age is above the limit; times are in milliseconds since 1970, so the oldest is first.
    Old(i64),
}

impl Findings<'_, '_> {
    /// Returns the time of capture that makes the snapshot older than `most` milliseconds at `now`. The worst one is a time
    /// that is not known, then one after `now`, then the oldest.
    pub(crate) fn too_old(&self, most: i64, now: i64) -> Option<TooOld> {
        let model = self.evaluator.model;
        let mut worst: Option<(Reason, EntityRef, SlotId)> = None;
        let mut is_dated = false;
        for (ty, slot) in model.capture_times() {
            if let Some(list) = self.open_list(ty) {
                return Some(self.of_list(ty, slot, list));
            }
            is_dated |= self.is_of_root(ty, slot);
            let column = self.evaluator.column(ty, slot);
            for (row, state) in (0u32..).zip(&column.states) {
                let known = match (&column.data, state) {
                    (Data::Number(values), State::Known) => values.get(row as usize).copied(),
                    _ => None,
                };
                let entity = EntityRef { ty, row };
                let reason = match known {
                    Some(at) if at > now => Some(Reason::Future(at)),
                    Some(at) => (now.saturating_sub(at) > most).then_some(Reason::Old(at)),
                    None => self.lack(entity, slot, *state),
                };
                let worse = reason.filter(|reason| worst.is_none_or(|(known, ..)| *reason < known));
                worst = worse.map(|reason| (reason, entity, slot)).or(worst);
            }
        }
        match worst {
            _ if !is_dated => Some(self.undated()),
            Some((reason, entity, slot)) => Some(self.described(reason, entity, slot, (most, now))),
            None => None,
        }
    }

    /// Returns the times, in milliseconds since 1970, at which the snapshot is not too old: from the last time of capture to
    /// the end of the age of the first one. The range is empty if a time is not known.
    pub(crate) fn fresh(&self, most: i64) -> RangeInclusive<i64> {
        #[expect(clippy::reversed_empty_ranges, reason = "there is no such time")]
        const NEVER: RangeInclusive<i64> = 1..=0;
        let mut fresh = i64::MIN..=i64::MAX;
        for (ty, slot) in self.evaluator.model.capture_times() {
            let column = self.evaluator.column(ty, slot);
            if let (Data::Number(values), false) = (&column.data, self.open_list(ty).is_some()) {
                for (value, state) in values.iter().zip(&column.states) {
                    if *state == State::Known {
                        let (start, end) = fresh.into_inner();
                        fresh = start.max(*value)..=end.min(value.saturating_add(most));
                    }
                }
            }
        }
        // Between these times, it depends on times that are not known.
        if fresh.is_empty() || self.too_old(most, *fresh.start()).is_some() { NEVER } else { fresh }
    }

    /// Returns the finding of a verdict that is unknown because the snapshot is too old.
    pub(crate) fn outdated(&self, at: CheckId, check: &Check, subject: Subject, order: usize, age: &TooOld) -> Finding {
        Finding {
            check: at,
            verdict: Verdict::Unknown,
            waived: None,
            snapshot: 0,
            path: self.path.clone(),
            resource: self.resource(subject, order),
            message: format!("the snapshot is too old: {}", age.phrase()),
            clauses: vec![scope_clause(check, age.read.clone())],
            captures: vec![age.capture.clone()],
            identity: self.identities.of(&check.statement.id, subject),
            change: None,
        }
    }

    /// Returns whether a slot is `captured_at` of the root.
    fn is_of_root(&self, ty: TypeId, slot: SlotId) -> bool {
        let model = self.evaluator.model;
        ty == model.root && model.ty(ty).slots.find(slot).is_some_and(|slot| slot.dotted() == "captured_at")
    }

    /// Returns a list of instances of a type, or of a type around it, that is not known in full.
    fn open_list(&self, ty: TypeId) -> Option<&UncapturedList> {
        let (model, snapshot) = (self.evaluator.model, self.evaluator.snapshot);
        std::iter::successors(Some(ty), |ty| model.ty(*ty).parent)
            .find_map(|ty| snapshot.table(ty).uncaptured_lists.first())
    }

    /// Returns the reason for a time that is not known. A time of the root must be there; another one must be there if the
    /// object around it is.
    fn lack(&self, entity: EntityRef, slot: SlotId, state: State) -> Option<Reason> {
        let is_of_root = self.is_of_root(entity.ty, slot);
        match state {
            State::Unreadable => return Some(Reason::Unreadable),
            State::Absent if !is_of_root => return None,
            _ => {}
        }
        let (model, snapshot) = (self.evaluator.model, self.evaluator.snapshot);
        let row = snapshot.table(entity.ty).rows.get(entity.row as usize);
        let pointer = model.ty(entity.ty).slots.find(slot).and_then(|slot| slot.origin.pointer());
        let (Some(row), Some((_, around))) = (row, pointer.and_then(<[String]>::split_last)) else {
            return Some(Reason::Missing);
        };
        match snapshot.locate(row.span, &row.pointer_in_object(model.ty(entity.ty), around)).kind {
            LocationKind::Value(Kind::Object) => Some(Reason::Missing),
            LocationKind::Value(Kind::Null) | LocationKind::Lacks(_) => {
                let may_be_there = || snapshot.may_have(model, entity.ty, row.span, pointer.unwrap_or_default());
                (is_of_root || may_be_there()).then_some(Reason::Missing)
            }
            LocationKind::Value(_) => Some(Reason::Unreadable),
        }
    }

    fn described(&self, reason: Reason, entity: EntityRef, slot: SlotId, (most, now): (i64, i64)) -> TooOld {
        let mut read = ReadReport { entity: Some(self.show(entity)), ..ReadReport::unknown("captured_at") };
        let declared = self.evaluator.model.ty(entity.ty).slots.find(slot);
        let pointer = declared.and_then(|slot| slot.origin.pointer());
        self.locate(&mut read, entity, pointer.unwrap_or_default());
        read.name = declared.map(Slot::dotted).unwrap_or_default();
        let is_secret = declared.is_none_or(|slot| slot.secret);
        let written = |at: i64| if is_secret { MASK.to_owned() } else { show_datetime(at) };
        let (state, value, problem) = match reason {
            Reason::Unreadable => {
                (ReadState::Unreadable, None, unknown_phrase(ReadState::Unreadable, None).into_owned())
            }
            Reason::Missing => (ReadState::Uncaptured, None, unknown_phrase(ReadState::Uncaptured, None).into_owned()),
            Reason::Future(at) => {
                let problem = format!("is {}, which is after {}", written(at), show_datetime(now));
                (ReadState::Known, Some(written(at)), problem)
            }
            Reason::Old(at) => {
                let limit = format!("older than {} at {}", show_duration(most), show_datetime(now));
                (ReadState::Known, Some(written(at)), format!("is {}, which is {limit}", written(at)))
            }
        };
        (read.state, read.value) = (state, value);
        let capture = self.capture(entity.ty, slot, &read);
        TooOld { read, capture, problem }
    }

    /// Returns the reason for a list that may have more instances with times.
    fn of_list(&self, ty: TypeId, slot: SlotId, list: &UncapturedList) -> TooOld {
        let read = ReadReport {
            entity: Some(self.show(list.scope)),
            state: list.gap.into(),
            pointer: Some(list.pointer.clone()),
            place: Some(Place::new(&self.evaluator.snapshot.source, list.span)),
            lacks: (!list.property.is_empty()).then(|| list.property.clone()),
            ..ReadReport::unknown(list.pointer.as_str().rsplit('/').next().unwrap_or_default())
        };
        let reason = unknown_phrase(read.state, read.lacks.as_deref());
        let problem = format!("{reason}, and its instances have a `captured_at`");
        TooOld { capture: self.capture(ty, slot, &read), read, problem }
    }

    /// Returns the reason for a snapshot of a schema that does not declare `captured_at` of the root.
    fn undated(&self) -> TooOld {
        let (model, snapshot) = (self.evaluator.model, self.evaluator.snapshot);
        let read = ReadReport {
            entity: Some(self.show(self.evaluator.root())),
            place: Some(Place::new(&snapshot.source, Span::new(0, 0))),
            pointer: Some(snapshot.pointer(model, self.evaluator.root())),
            ..ReadReport::unknown("captured_at")
        };
        let attribute = format!("{}.captured_at", model.short_name(model.root));
        let capture = Capture { pointer: read.pointer.clone().unwrap_or_default(), attribute, doc: None };
        TooOld { read, capture, problem: "is not declared in the schema".to_owned() }
    }

    fn capture(&self, ty: TypeId, slot: SlotId, read: &ReadReport) -> Capture {
        let model = self.evaluator.model;
        let name = model.ty(ty).slots.find(slot).map(Slot::dotted).unwrap_or_default();
        Capture {
            pointer: read.pointer.clone().unwrap_or_default(),
            attribute: format!("{}.{name}", model.short_name(ty)),
            doc: model.ty(ty).doc_of(slot).cloned(),
        }
    }
}
