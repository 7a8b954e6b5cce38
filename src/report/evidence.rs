//! The evidence of a finding: the clauses that decided, and every value that they read. It is data with places,
//! which `render` writes as text.

use super::origin::OriginReport;
use crate::snapshot::Gap;
use crate::source::Place;
use crate::source::pointer::Pointer;
use crate::value::Outcomes;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::sync::Arc;

/// A clause that decided a verdict, or would have decided it.
#[derive(Debug, Clone)]
pub struct ClauseReport {
    /// Its place in the policy.
    pub place: Place,
    /// Its outcome.
    pub outcome: ClauseOutcome,
    /// The part that could not be evaluated, with the reason.
    pub failure: Option<(Place, String)>,
    /// The values that it read.
    pub reads: Vec<ReadReport>,
    /// Whether another clause decided, and this one would decide in the same way.
    pub also: bool,
    /// Whether it states the demand that the resource violates, or if the verdict is unknown may violate.
    pub demand: bool,
}

/// Returns the clauses of a verdict in the order in which a reader needs them.
///
/// The clauses of the demand are first, in the order of the policy. Its premises follow from the last to the first, because
/// a policy states its subject before its conditions. Clauses that do not decide are the last. Without a demand, the
/// clauses that decide are in the order of the policy.
pub(crate) fn by_importance<C>(clauses: &[C], is_demand: fn(&C) -> bool, is_also: fn(&C) -> bool) -> Vec<&C> {
    let (demand, others): (Vec<&C>, Vec<&C>) = clauses.iter().partition(|clause| is_demand(clause));
    let (also, mut premises): (Vec<&C>, Vec<&C>) = others.into_iter().partition(|clause| is_also(clause));
    if !demand.is_empty() {
        premises.reverse();
    }
    let (also_demand, demand): (Vec<&C>, Vec<&C>) = demand.into_iter().partition(|clause| is_also(clause));
    [demand, also_demand, premises, also].concat()
}

/// The outcome of a clause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClauseOutcome {
    /// It is true.
    True,
    /// It is false.
    False,
    /// It cannot be evaluated.
    Error,
    /// More than one of these is possible.
    Unknown,
}

impl ClauseOutcome {
    /// Returns the outcome of a clause with these possible outcomes.
    pub fn of(mask: Outcomes) -> Self {
        match mask {
            Outcomes::TRUE => ClauseOutcome::True,
            Outcomes::FALSE => ClauseOutcome::False,
            Outcomes::ERROR => ClauseOutcome::Error,
            _ => ClauseOutcome::Unknown,
        }
    }
}

/// A value that a clause read.
#[derive(Debug, Clone)]
pub struct ReadReport {
    /// Its kind.
    pub kind: ReadKind,
    /// The attribute path, `two_step.enforced`, or the name of a parameter.
    pub name: String,
    /// The entity that has it, as Cedar writes it; for a parameter, the instance that its value applies to.
    pub entity: Option<String>,
    /// Whether that entity is the resource.
    pub own: bool,
    /// The state of the value.
    pub state: ReadState,
    /// The value in the snapshot; for a secret, a mask.
    pub value: Option<String>,
    /// The value as an expression of Cedar, where it differs from `value`; `None` for a secret, and for a value that is
    /// not known in full or is long.
    pub exact: Option<String>,
    /// The folded form in which a text was compared, where it differs from the text.
    pub compared_as: Option<String>,
    /// Its pointer, whether it is there or not.
    pub pointer: Option<Pointer>,
    /// The value in the snapshot, or the object that lacks it.
    pub place: Option<Place>,
    /// The piece of evidence that covers the value, if the snapshot names one.
    pub origin: Option<Arc<OriginReport>>,
    /// The property that the object at `place` lacks.
    pub lacks: Option<String>,
    /// Whether an object of the snapshot states that the value was not captured; `place` is its name there.
    pub stated: bool,
    /// The annotation of the schema with the default of a `null` or missing value.
    pub default: Option<Place>,
    /// A property of that object whose name may be a misspelling.
    pub misspelt: Option<(String, Place)>,
    /// The first principals behind a derived value.
    pub witnesses: Vec<WitnessReport>,
    /// The number of other principals.
    pub more_witnesses: usize,
    /// Lists that were not captured and may have more of them.
    pub uncaptured: Vec<WitnessReport>,
    /// Principals that only one condition excludes from a derived value without principals.
    pub near_misses: Vec<NearMissReport>,
}

impl ReadReport {
    /// Returns the report of an attribute without any known part.
    pub(super) fn unknown(name: &str) -> Self {
        Self {
            kind: ReadKind::Attribute,
            name: name.to_owned(),
            entity: None,
            own: false,
            state: ReadState::Uncaptured,
            value: None,
            exact: None,
            compared_as: None,
            pointer: None,
            place: None,
            origin: None,
            lacks: None,
            stated: false,
            default: None,
            misspelt: None,
            witnesses: Vec::new(),
            more_witnesses: 0,
            uncaptured: Vec::new(),
            near_misses: Vec::new(),
        }
    }
}

/// The kind of a value that a clause reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadKind {
    /// An attribute that the snapshot contains.
    Attribute,
    /// An attribute that is derived.
    Derived,
    /// A tag.
    Tag,
    /// A parameter.
    Parameter,
    /// The time of the run.
    Now,
}

impl ReadKind {
    /// Returns whether the value belongs to an entity of the snapshot, not to the run.
    pub fn is_of_snapshot(self) -> bool {
        !matches!(self, ReadKind::Parameter | ReadKind::Now)
    }
}

/// The state of a value that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadState {
    /// It has a valid value.
    Known,
    /// It was captured, and is missing.
    Absent,
    /// The capture does not cover it.
    Uncaptured,
    /// It is present and invalid.
    Unreadable,
    /// Some of it was captured.
    Partial,
    /// A number with known bounds.
    Between,
}

impl From<Gap> for ReadState {
    fn from(gap: Gap) -> Self {
        match gap {
            Gap::Partial => ReadState::Partial,
            Gap::Uncaptured => ReadState::Uncaptured,
            Gap::Unreadable => ReadState::Unreadable,
        }
    }
}

impl ReadState {
    /// Returns whether the value is unknown, in whole or in part.
    pub fn is_unknown(self) -> bool {
        matches!(self, ReadState::Uncaptured | ReadState::Unreadable | ReadState::Partial)
    }
}

/// An entity, or a list, behind a derived value.
#[derive(Debug, Clone)]
pub struct WitnessReport {
    /// The entity, as Cedar writes it; for a list, its property.
    pub entity: String,
    /// Its pointer.
    pub pointer: Pointer,
    /// Its bytes.
    pub place: Place,
    /// Whether it certainly counts.
    pub certain: bool,
    /// The known value; for an entity, its presence.
    pub state: ReadState,
    /// For a list, the property that the object at `place` lacks.
    pub lacks: Option<String>,
}

/// A principal that would contribute to a derived value if one condition were true.
#[derive(Debug, Clone)]
pub struct NearMissReport {
    /// The entity, as Cedar writes it.
    pub entity: String,
    /// Its pointer.
    pub pointer: Pointer,
    /// Its bytes.
    pub place: Place,
    /// The reason why the condition is false, in one phrase.
    pub reason: String,
}

/// A value to capture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    /// Its pointer in the snapshot, whether it is there or not.
    pub pointer: Pointer,
    /// The type and the attribute, `Member.status`; of a list of instances their type.
    pub attribute: String,
    /// The `@doc` of the attribute; of a list that of its type.
    pub doc: Option<SmolStr>,
}
