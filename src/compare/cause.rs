//! The causes of a changed verdict: the values, clauses, parameters and times that differ between its two explanations.
//!
//! Two explanations of different verdicts contradict each other. If the policy is the same, they have a value, a parameter
//! or the time in common that differs.

use super::pairs::{Pair, Pairs};
use crate::engine::Verdict;
use crate::render::document::{Document, Place, Reading, Reason};
use crate::report::{ReadKind, ReadState};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// A cause of a change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "cause", rename_all = "snake_case")]
pub enum Cause<'d> {
    /// A value of the snapshot differs.
    ValueChanged {
        /// The attribute with dots.
        name: Cow<'d, str>,
        /// The entity that has it, as Cedar writes it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        entity: Option<Cow<'d, str>>,
        /// The value in the old run.
        old: Observed<'d>,
        /// The value in the new run.
        new: Observed<'d>,
    },
    /// A clause of the policy, or the pack, differs.
    PolicyChanged {
        /// The clauses that decided here, and nowhere in the new run.
        old: Vec<DecidingClause<'d>>,
        /// The clauses that decided here, and nowhere in the old run.
        new: Vec<DecidingClause<'d>>,
    },
    /// A parameter differs.
    ParameterChanged {
        /// Its name.
        name: Cow<'d, str>,
        /// The value in the old run.
        old: Option<Cow<'d, str>>,
        /// The value in the new run.
        new: Option<Cow<'d, str>>,
    },
    /// A waiver applied in the old run.
    WaiverLapsed {
        /// Its id.
        waiver: Cow<'d, str>,
    },
    /// A waiver applies in the new run.
    WaiverAdded {
        /// Its id.
        waiver: Cow<'d, str>,
    },
    /// The time of the run differs, and a clause compares it.
    TimePassed {
        /// The time of the old run.
        old: Cow<'d, str>,
        /// The time of the new run.
        new: Cow<'d, str>,
    },
    /// The check was not run on the account in the old run.
    CheckAdded,
    /// The check was not run on the account in the new run.
    CheckNotRun,
    /// The list of the resource was not captured in full in the new run.
    ListNotCaptured,
    /// The version of the program differs.
    EngineChanged {
        /// The version of the old run.
        old: Cow<'d, str>,
        /// The version of the new run.
        new: Cow<'d, str>,
    },
    /// The snapshot differs. The explanations do not show where.
    SnapshotChanged,
}

/// A value as a run observed it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observed<'d> {
    /// Its state.
    pub state: ReadState,
    /// The value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Cow<'d, str>>,
    /// Its place in the snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place<'d>>,
}

/// A clause that decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DecidingClause<'d> {
    /// Its text.
    pub clause: Cow<'d, str>,
    /// Its place.
    pub place: Place<'d>,
}

/// Returns the causes of a change between two verdicts on the same resource.
pub(super) fn between<'d>(old: &Pair<'d>, new: &Pair<'d>, (before, after): (&Pairs<'d>, &Pairs<'d>)) -> Vec<Cause<'d>> {
    let mut causes = Vec::new();
    let waiver = |pair: &Pair<'d>| pair.waiver.unwrap_or_default().into();
    match (old.verdict, new.verdict) {
        (Verdict::Waived, Verdict::Fail | Verdict::Unknown) => causes.push(Cause::WaiverLapsed { waiver: waiver(old) }),
        (Verdict::Fail | Verdict::Unknown, Verdict::Waived) => causes.push(Cause::WaiverAdded { waiver: waiver(new) }),
        _ => {}
    }
    let (of_old, of_new) = (readings(&old.reasons), readings(&new.reasons));
    for was in &of_old {
        let same = |is: &&&Reading<'d>| (is.kind, &is.name, &is.entity) == (was.kind, &was.name, &was.entity);
        let Some(is) = of_new.iter().find(same) else { continue };
        if (was.state, &was.value) == (is.state, &is.value) {
            continue;
        }
        causes.push(match was.kind {
            ReadKind::Now => {
                Cause::TimePassed { old: text(&before.document.run.now), new: text(&after.document.run.now) }
            }
            ReadKind::Parameter => {
                Cause::ParameterChanged { name: was.name.clone(), old: was.value.clone(), new: is.value.clone() }
            }
            _ => Cause::ValueChanged {
                name: was.name.clone(),
                entity: was.entity.clone(),
                old: Observed { state: was.state, value: was.value.clone(), place: was.place.clone() },
                new: Observed { state: is.state, value: is.value.clone(), place: is.place.clone() },
            },
        });
    }
    let has_pack = |documents: (&Document<'_>, &Document<'_>)| {
        let digests = |document: &Document<'_>| -> Vec<String> {
            document.run.pack_files.iter().map(|file| file.sha256.to_string()).collect()
        };
        digests(documents.0) != digests(documents.1)
    };
    if has_pack((before.document, after.document)) {
        let nothing = BTreeSet::new();
        let only = |reasons: &[Reason<'d>], others: &Pairs<'d>| -> Vec<DecidingClause<'d>> {
            let others = others.clauses.get(old.check).unwrap_or(&nothing);
            let only = reasons.iter().filter(|it| !others.contains(&*it.clause));
            only.map(|it| DecidingClause { clause: it.clause.clone(), place: it.place.clone() }).collect()
        };
        let (old, new) = (only(&old.reasons, after), only(&new.reasons, before));
        // Clauses that decided in one of the runs alone are a cause, and so is any edit that no value explains.
        if causes.is_empty() || (!old.is_empty() && !new.is_empty()) {
            causes.push(Cause::PolicyChanged { old, new });
        }
    }
    if causes.is_empty() {
        causes.extend(without_evidence(before.document, after.document));
    }
    causes
}

/// Returns the differences of two runs that may change a verdict, if its explanations do not show the cause.
fn without_evidence<'d>(old: &'d Document<'d>, new: &'d Document<'d>) -> Vec<Cause<'d>> {
    let mut causes = Vec::new();
    let snapshots = |document: &Document<'_>| -> BTreeSet<Option<String>> {
        document.run.snapshots.iter().map(|it| it.sha256.as_ref().map(ToString::to_string)).collect()
    };
    if snapshots(old) != snapshots(new) {
        causes.push(Cause::SnapshotChanged);
    }
    for (name, was) in &old.run.parameters {
        let is = new.run.parameters.get(name).and_then(|parameter| parameter.value.as_ref());
        if was.value.as_ref() != is {
            let shown = |value: Option<&serde_json::Value>| value.map(|value| Cow::Owned(value.to_string()));
            causes.push(Cause::ParameterChanged { name: text(name), old: shown(was.value.as_ref()), new: shown(is) });
        }
    }
    if old.run.now != new.run.now {
        causes.push(Cause::TimePassed { old: text(&old.run.now), new: text(&new.run.now) });
    }
    if old.tool.version != new.tool.version {
        causes.push(Cause::EngineChanged { old: text(&old.tool.version), new: text(&new.tool.version) });
    }
    causes
}

fn readings<'p, 'd>(reasons: &'p [Reason<'d>]) -> Vec<&'p Reading<'d>> {
    let mut seen = BTreeSet::new();
    let all = reasons.iter().flat_map(|reason| &reason.values);
    all.filter(|it| seen.insert((format!("{:?}", it.kind), &it.name, &it.entity))).collect()
}

fn text<'d>(text: &'d str) -> Cow<'d, str> {
    Cow::Borrowed(text)
}
