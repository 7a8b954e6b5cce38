//! What every leaf of a condition came to, and whether the verdict hung on it.
//!
//! A leaf decides where another answer of it, all else being equal, would have given another verdict: the masking form
//! of modified condition/decision coverage (Chilenski, "An Investigation of Three Forms of the MC/DC Criterion", 2001),
//! with unknown as an answer and as a verdict.

use super::eval::{Evaluator, Request};
use super::judge::Subject;
use super::verdict::Verdict;
use crate::program::{Body, NodeId, evaluate_policy};
use crate::value::{EntityRef, Outcomes};
use rustc_hash::FxHashMap;

/// What a leaf has come to so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LeafCoverage {
    /// Whether it was true.
    pub was_true: bool,
    /// Whether it was false.
    pub was_false: bool,
    /// Whether it depended on something that was not captured, or could not be evaluated.
    pub unknown: bool,
    /// Whether a verdict hung on it.
    pub decided: bool,
}

/// What leaves have come to so far.
pub type LeafCoverages = FxHashMap<NodeId, LeafCoverage>;

impl LeafCoverage {
    /// Adds what was seen elsewhere.
    pub fn merge(&mut self, other: LeafCoverage) {
        self.was_true |= other.was_true;
        self.was_false |= other.was_false;
        self.unknown |= other.unknown;
        self.decided |= other.decided;
    }
}

impl Evaluator<'_> {
    /// Observes the leaves of a check while it judges some subjects.
    pub fn observe(&self, body: &Body, conditional: bool, subjects: &[Subject], coverage: &mut LeafCoverages) {
        for subject in subjects {
            let request = match *subject {
                Subject::Entity(resource) => self.request(resource),
                Subject::Uncaptured(ty, at) => self.uncaptured_request(ty, at),
            };
            self.observe_one(body, conditional, request, coverage);
        }
    }

    /// Observes the leaves of a derivation over at most `most` pairs.
    pub fn observe_pairs(&self, body: &Body, most: usize, coverage: &mut LeafCoverages) {
        let (principals, resources) = (self.snapshot.table(body.principal), self.snapshot.table(body.resource));
        let row = |row| EntityRef { ty: body.principal, row };
        let captured = (0..principals.rows.len() as u32).map(|at| (row(at), None));
        let placeholder = EntityRef::placeholder(body.principal);
        let missing = principals.missing.iter().map(|missing| (placeholder, Some(missing.scope)));
        let pairs = captured.chain(missing).flat_map(|principal| {
            (0..resources.rows.len() as u32).map(move |row| (principal, EntityRef { ty: body.resource, row }))
        });
        for ((principal, uncaptured_in), resource) in pairs.take(most) {
            let request = Request { principal, resource, uncaptured_in };
            self.observe_one(body, false, request, coverage);
        }
    }

    fn observe_one(&self, body: &Body, conditional: bool, request: Request, coverage: &mut LeafCoverages) {
        let conditional = conditional && request.uncaptured_in.is_none();
        // The verdict if one leaf had another outcome.
        let verdict = |masks: &mut FxHashMap<NodeId, Outcomes>, flipped: Option<(NodeId, Outcomes)>| {
            let mut leaf = |leaf: &NodeId, _| match flipped.filter(|(flipped, _)| flipped == leaf) {
                Some((_, mask)) => mask,
                None => *masks.entry(*leaf).or_insert_with(|| self.outcomes(*leaf, &request)),
            };
            let outcomes = evaluate_policy(&body.scope, &body.clauses, conditional, Outcomes::EITHER, &mut leaf);
            match Verdict::of(&outcomes)? {
                // Nothing is known to be in a list that was not captured: what could fail there is unknown.
                Verdict::Fail if request.uncaptured_in.is_some() => Some(Verdict::Unknown),
                verdict => Some(verdict),
            }
        };
        let mut masks = FxHashMap::default();
        let Some(actual) = verdict(&mut masks, None) else { return };
        let clauses = body.clauses.iter().flat_map(|clause| clause.condition.leaves());
        let evaluated: Vec<(NodeId, Outcomes)> = clauses.filter_map(|leaf| Some((*leaf, *masks.get(leaf)?))).collect();
        for (leaf, mask) in evaluated {
            let mut others = [Outcomes::TRUE, Outcomes::FALSE].into_iter().filter(|other| *other != mask);
            let sight = LeafCoverage {
                was_true: mask == Outcomes::TRUE,
                was_false: mask == Outcomes::FALSE,
                unknown: mask.known().is_none(),
                decided: others.any(|other| verdict(&mut masks, Some((leaf, other))) != Some(actual)),
            };
            coverage.entry(leaf).or_default().merge(sight);
        }
    }
}
