//! What every leaf of a condition came to, and whether the verdict hung on it.
//!
//! A leaf decides where another answer of it, all else being equal, would have given another verdict: the masking form
//! of modified condition/decision coverage (Chilenski, "An Investigation of Three Forms of the MC/DC Criterion", 2001),
//! with unknown as an answer and as a verdict.

use super::eval::{Frame, Machine};
use super::judge::Subject;
use super::verdict::Verdict;
use crate::program::{Body, NodeId, evaluate_policy};
use crate::value::{EntityRef, Mask};
use rustc_hash::FxHashMap;

/// What a leaf has come to so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sight {
    /// Whether it was true.
    pub true_: bool,
    /// Whether it was false.
    pub false_: bool,
    /// Whether it depended on something that was not captured, or could not be evaluated.
    pub unknown: bool,
    /// Whether a verdict hung on it.
    pub decided: bool,
}

/// What leaves have come to so far.
pub type Sights = FxHashMap<NodeId, Sight>;

impl Sight {
    /// Adds what was seen elsewhere.
    pub fn merge(&mut self, other: Sight) {
        self.true_ |= other.true_;
        self.false_ |= other.false_;
        self.unknown |= other.unknown;
        self.decided |= other.decided;
    }
}

impl Machine<'_> {
    /// Observes the leaves of a check while it judges some subjects.
    pub fn observe(&self, body: &Body, conditional: bool, subjects: &[Subject], sights: &mut Sights) {
        for subject in subjects {
            let frame = match *subject {
                Subject::Entity(resource) => self.frame(resource),
                Subject::Uncaptured(ty, at) => self.uncaptured_frame(ty, at),
            };
            self.observe_one(body, conditional, frame, sights);
        }
    }

    /// Observes the leaves of a derivation over at most `most` pairs.
    pub fn observe_pairs(&self, body: &Body, most: usize, sights: &mut Sights) {
        let (principals, resources) = (self.snapshot.table(body.principal), self.snapshot.table(body.resource));
        let row = |row| EntityRef { ty: body.principal, row };
        let captured = (0..principals.rows.len() as u32).map(|at| (row(at), None));
        let placeholder = EntityRef::placeholder(body.principal);
        let missing = principals.missing.iter().map(|missing| (placeholder, Some(missing.scope)));
        let pairs = captured.chain(missing).flat_map(|principal| {
            (0..resources.rows.len() as u32).map(move |row| (principal, EntityRef { ty: body.resource, row }))
        });
        for ((principal, phantom), resource) in pairs.take(most) {
            let frame = Frame { principal, resource, phantom };
            self.observe_one(body, false, frame, sights);
        }
    }

    fn observe_one(&self, body: &Body, conditional: bool, frame: Frame, sights: &mut Sights) {
        let conditional = conditional && frame.phantom.is_none();
        // The verdict if one leaf had another outcome.
        let verdict = |masks: &mut FxHashMap<NodeId, Mask>, flipped: Option<(NodeId, Mask)>| {
            let mut leaf = |leaf: &NodeId, _| match flipped.filter(|(flipped, _)| flipped == leaf) {
                Some((_, mask)) => mask,
                None => *masks.entry(*leaf).or_insert_with(|| self.mask(*leaf, &frame)),
            };
            let outcomes = evaluate_policy(&body.scope, &body.clauses, conditional, Mask::EITHER, &mut leaf);
            match Verdict::of(&outcomes)? {
                // Nothing is known to be in a list that was not captured: what could fail there is unknown.
                Verdict::Fail if frame.phantom.is_some() => Some(Verdict::Unknown),
                verdict => Some(verdict),
            }
        };
        let mut masks = FxHashMap::default();
        let Some(actual) = verdict(&mut masks, None) else { return };
        let clauses = body.clauses.iter().flat_map(|clause| clause.condition.leaves());
        let evaluated: Vec<(NodeId, Mask)> = clauses.filter_map(|leaf| Some((*leaf, *masks.get(leaf)?))).collect();
        for (leaf, mask) in evaluated {
            let mut others = [Mask::TRUE, Mask::FALSE].into_iter().filter(|other| *other != mask);
            let sight = Sight {
                true_: mask == Mask::TRUE,
                false_: mask == Mask::FALSE,
                unknown: mask.known().is_none(),
                decided: others.any(|other| verdict(&mut masks, Some((leaf, other))) != Some(actual)),
            };
            sights.entry(leaf).or_default().merge(sight);
        }
    }
}
