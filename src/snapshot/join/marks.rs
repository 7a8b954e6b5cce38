//! The markers of pages outside lists: `@more` and `@total`.

use crate::schema::Model;
use crate::source::pointer::Step;
use std::collections::HashMap;
use std::rc::Rc;

/// The markers of each object that has lists: the document, and the instances of a list. An object is known by its path,
/// which is empty or ends with `*`.
pub(super) struct Marks(HashMap<Vec<Step>, Rc<MarksOf>>);

/// The markers of the lists of one object.
#[derive(Debug, Default, Clone)]
pub(super) struct MarksOf {
    /// Those of `@more`.
    pub more: Vec<Mark>,
    /// Those of `@total`.
    pub total: Vec<Mark>,
}

/// A marker of a list.
#[derive(Debug, Clone)]
pub(super) struct Mark {
    /// The names on the way from the object to the marker.
    pub marker: Vec<String>,
    /// The names on the way to the list.
    pub list: Vec<String>,
}

impl Marks {
    pub(super) fn new(model: &Model) -> Self {
        let mut marks = HashMap::<Vec<Step>, MarksOf>::new();
        for ty in model.type_ids() {
            let declared = model.ty(ty);
            let Some((parent, list)) = declared.parent.zip(declared.path()) else { continue };
            let Some(around) = model.ty(parent).path() else { continue };
            let inner = around.0.iter().rposition(|step| *step == Step::Each).map_or(0, |at| at + 1);
            let (object, around) = around.0.split_at(inner);
            let Some(list) = list.0.strip_prefix(object) else { continue };
            let list: Vec<Step> = list.iter().take_while(|step| **step != Step::Each).cloned().collect();
            let (Some(around), Some(list)) = (names(around), names(&list)) else { continue };
            let mark = |marker: &Vec<String>| Mark { marker: [&around[..], marker].concat(), list: list.clone() };
            let of = marks.entry(object.to_vec()).or_default();
            of.more.extend(declared.more.iter().map(mark));
            of.total.extend(declared.total.iter().map(mark));
        }
        Self(marks.into_iter().map(|(object, of)| (object, Rc::new(of))).collect())
    }

    /// Returns the markers of an object.
    pub(super) fn of(&self, object: &[Step]) -> Rc<MarksOf> {
        self.0.get(object).cloned().unwrap_or_default()
    }
}

impl MarksOf {
    /// Returns the ways to all markers.
    pub(super) fn all(&self) -> impl Iterator<Item = &[String]> {
        self.more.iter().chain(&self.total).map(|mark| mark.marker.as_slice())
    }

    /// Returns whether a marker is at or below a place.
    pub(super) fn has_at(&self, place: &[String]) -> bool {
        self.all().any(|marker| marker.starts_with(place))
    }
}

/// Returns the names on a way without `*`.
fn names(steps: &[Step]) -> Option<Vec<String>> {
    let name = |step: &Step| match step {
        Step::Property(name) => Some(name.clone()),
        Step::Each | Step::Groups(_) => None,
    };
    steps.iter().map(name).collect()
}
