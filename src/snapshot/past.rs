//! Moments of the past. An attribute with `@past` is the time when something happened, so a value after the time of the run is a
//! mistake, such as a year with exchanged digits. It would satisfy every condition that something is recent.

use super::locate::LocationKind;
use super::{Column, Data, Snapshot, State};
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::Model;
use crate::value::{DAY, show_datetime};

/// The time by which a moment may be after that of the run, in milliseconds: clocks differ, and a local time without an offset is read
/// in UTC.
const TOLERANCE: i64 = DAY;

/// Makes the moments of the past unreadable that are after the time of the run.
pub(super) fn forget_future(snapshot: &mut Snapshot, model: &Model, now: i64, diagnostics: &mut Vec<Diagnostic>) {
    let latest = now.saturating_add(TOLERANCE);
    for (ty, declared) in model.types.entries() {
        for (slot, past) in declared.slots.entries().filter(|(_, slot)| slot.past) {
            let Some(Column { states, data: Data::Number(moments) }) = snapshot.table(ty).columns.find(slot) else {
                continue;
            };
            let all = (0..).zip(states.iter().zip(moments));
            let wrong = all.filter(|(_, (state, moment))| **state == State::Known && **moment > latest);
            let wrong: Vec<(u32, i64)> = wrong.map(|(row, (_, moment))| (row, *moment)).collect();
            for (row, moment) in wrong {
                let Some(around) = snapshot.table(ty).rows.get(row as usize) else { continue };
                let pointer = past.origin.pointer().unwrap_or_default();
                let at = snapshot.locate(around.span, &around.pointer_in_object(declared, pointer));
                // A default is not a value of the snapshot.
                if !matches!(at.kind, LocationKind::Value(_)) {
                    continue;
                }
                let shown = if past.secret { "the value".to_owned() } else { show_datetime(moment) };
                // Several attributes may read the value, so the message names none.
                let message = format!("{shown} is after the time of the run, but `@past` is on the attribute");
                let error = Diagnostic::error(Code::SnapshotValue, message);
                let error = error.label(&snapshot.source, at.span, "in the future");
                diagnostics
                    .push(error.help("correct the time, or evaluate as of a later time; until then it is unknown"));
                if let Some(column) = snapshot.tables.find_mut(ty).and_then(|table| table.columns.find_mut(slot)) {
                    column.forget(row as usize);
                }
            }
        }
    }
}
