//! Logs: the period that an export has, and the time of the last event of each kind for each actor.

use super::cell::Dates;
use super::description::{Activity, Condition, Log};
use super::key::KeyOf;
use super::node::{Node, Value};
use super::reports::Reports;
use super::rows::{Mapped, set};
use crate::source::Place;
use crate::value::fold::caseless;
use crate::value::{parse_datetime, show_datetime};
use std::collections::{BTreeMap, HashMap};

/// The last events of actors, for the instances of one type.
#[derive(Debug)]
pub(super) struct Activities {
    /// The values: a property, and whether it is `null` without an event.
    kinds: Vec<(Vec<String>, bool)>,
    /// For each actor, the time of the last event of each kind.
    last: HashMap<String, Vec<Option<i64>>>,
}

impl Activities {
    /// Returns the properties of an instance that follow from events.
    pub(super) fn properties(&self) -> impl Iterator<Item = &Vec<String>> {
        self.kinds.iter().map(|(property, _)| property)
    }

    /// Returns the values of an instance. If the log has no event of a kind, the value is `null` or missing; it does not state
    /// that there never was one.
    pub(super) fn of(&self, key: Option<&str>, place: &Place) -> Node {
        let last = key.and_then(|key| self.last.get(key));
        let mut node = Node::new(place, Value::Object(Vec::new()));
        for (at, (property, null_if_none)) in self.kinds.iter().enumerate() {
            let time = last.and_then(|last| last.get(at).copied().flatten());
            match time {
                Some(time) => set(&mut node, property, Node::new(place, Value::Text(show_datetime(time)))),
                None if *null_if_none => set(&mut node, property, Node::new(place, Value::Null)),
                None => {}
            }
        }
        node
    }
}

/// The events of the exports of one log.
#[derive(Debug, Default)]
pub(super) struct Events {
    /// The last events by activity of the description and actor.
    last: Vec<BTreeMap<String, i64>>,
}

/// The first and the last time in an export.
pub(super) type Period = Option<(i64, i64)>;

impl Events {
    /// Adds the rows of an export. Returns its period, and whether each event could be read.
    pub(super) fn add(&mut self, log: &Log, rows: &Mapped, keys: &[KeyOf], dates: &Dates) -> (Period, bool) {
        self.last.resize_with(log.activities.len(), BTreeMap::new);
        let (mut period, mut is_whole): (Period, bool) = (None, true);
        for row in 0..rows.len() {
            // Problems of the row are reported when it is written.
            let Some(event) = rows.instance(row, dates, &mut Reports::default()) else { continue };
            let text = |pointer: &[String]| {
                pointer.iter().try_fold(&event.node, |node, step| node.get(step)).and_then(Node::text)
            };
            let Some(time) = text(&log.time).and_then(|time| parse_datetime(time).ok()) else {
                is_whole = false;
                continue;
            };
            period = Some(period.map_or((time, time), |(first, last)| (first.min(time), last.max(time))));
            for ((activity, key), last) in log.activities.iter().zip(keys).zip(&mut self.last) {
                let kinds: Vec<Option<bool>> = activity.events.iter().map(|kind| fulfils(kind, &text)).collect();
                if !kinds.contains(&Some(true)) {
                    is_whole &= !kinds.contains(&None);
                    continue;
                }
                let Some(actor) = text(&activity.actor) else {
                    is_whole = false;
                    continue;
                };
                let known = last.entry(key.fold(actor)).or_insert(time);
                *known = time.max(*known);
            }
        }
        (period, is_whole)
    }

    /// Returns the actors, in order.
    pub(super) fn actors(&self) -> Vec<&str> {
        let mut actors: Vec<&str> = self.last.iter().flat_map(BTreeMap::keys).map(String::as_str).collect();
        actors.sort_unstable();
        actors.dedup();
        actors
    }

    /// Returns the values of the instances of each type.
    pub(super) fn activities(&self, activities: &[Activity]) -> BTreeMap<crate::value::TypeId, Activities> {
        let mut by_type: BTreeMap<crate::value::TypeId, Activities> = BTreeMap::new();
        for (activity, last) in activities.iter().zip(&self.last) {
            let known = by_type.entry(activity.ty);
            let known = known.or_insert_with(|| Activities { kinds: Vec::new(), last: HashMap::new() });
            let at = known.kinds.len();
            known.kinds.push((activity.property.clone(), activity.null_if_none));
            for (actor, time) in last {
                let times = known.last.entry(actor.clone()).or_default();
                times.resize(at, None);
                times.push(Some(*time));
            }
        }
        by_type
    }
}

/// Returns whether an event is of a kind; `None` if it lacks a value that decides.
fn fulfils<'e>(kind: &[Condition], text: &impl Fn(&[String]) -> Option<&'e str>) -> Option<bool> {
    let fulfilled = |condition: &Condition| {
        let text = caseless(text(&condition.property)?).into_owned();
        Some(condition.texts.contains(&text))
    };
    let fulfilled: Vec<Option<bool>> = kind.iter().map(fulfilled).collect();
    if fulfilled.contains(&Some(false)) {
        return Some(false);
    }
    (!fulfilled.contains(&None)).then_some(true)
}
