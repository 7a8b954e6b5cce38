//! Moments of the past. An attribute with `@past` is the time when something happened, so a value after the time of the run is a
//! mistake, such as a year with exchanged digits. It would satisfy every condition that something is recent.

use super::Snapshot;
use super::read::{Cell, Reading};
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::Slot;
use crate::source::Span;
use crate::value::{DAY, show_datetime};

/// The time by which a moment may be after that of the run, in milliseconds: clocks differ, and a local time without an offset is read
/// in UTC.
const TOLERANCE: i64 = DAY;

/// Returns the latest time of something past for the time of a run, in milliseconds since 1970.
pub(super) fn latest(now: Option<i64>) -> i64 {
    now.map_or(i64::MAX, |now| now.saturating_add(TOLERANCE))
}

/// Returns the earlier of two times, of which each may be missing.
pub(super) fn earliest(a: Option<i64>, b: Option<i64>) -> Option<i64> {
    a.into_iter().chain(b).min()
}

impl Snapshot {
    /// Returns whether a run at a time, in milliseconds since 1970, reads the text in the same way: it refuses the same times as
    /// being in the future.
    pub(crate) fn is_as_of(&self, now: i64) -> bool {
        let latest = latest(Some(now));
        self.latest <= latest && self.earliest_refused.is_none_or(|refused| latest < refused)
    }
}

impl Reading<'_> {
    /// Returns the value of a slot with `@past`, which is unreadable if it is after the time of the run.
    pub(super) fn of_past(&mut self, cell: Cell, slot: &Slot, span: Span) -> Cell {
        let Cell::Number(moment) = cell else { return cell };
        if moment <= self.latest {
            return cell;
        }
        self.earliest_refused = earliest(self.earliest_refused, Some(moment));
        let shown = if slot.secret { "the value".to_owned() } else { show_datetime(moment) };
        // Several attributes may read the value, so the message names none.
        let message = format!("{shown} is after the time of the run, but `@past` is on the attribute");
        let error = Diagnostic::error(Code::SnapshotValue, message).label(self.source, span, "in the future");
        // The remedy says nothing of a secret value.
        self.diagnostics.push(error.help("correct the time, or evaluate as of a later time; until then it is unknown"));
        Cell::Unreadable
    }
}
