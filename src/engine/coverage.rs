//! Condition coverage: the outcomes of every leaf, and whether the leaf decided a verdict.
//!
//! A leaf decides if another outcome of this leaf alone gives another verdict. This is masking MC/DC, a form of
//! modified condition/decision coverage (Chilenski, "An Investigation of Three Forms of the Modified Condition Decision
//! Coverage (MCDC) Criterion", 2001), with unknown as an additional outcome and verdict.

use super::eval::{Evaluator, Request};
use super::judge::Subject;
use super::verdict::Verdict;
use crate::program::{Body, NodeId, evaluate_policy};
use crate::value::{EntityRef, Outcomes};
use rustc_hash::FxHashMap;

/// The coverage of a leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LeafCoverage {
    /// Whether it was true.
    pub was_true: bool,
    /// Whether it was false.
    pub was_false: bool,
    /// Whether it was unknown or an error.
    pub unknown: bool,
    /// Whether it decided a verdict.
    pub decided: bool,
}

/// The coverage of leaves.
pub type LeafCoverages = FxHashMap<NodeId, LeafCoverage>;

impl LeafCoverage {
    /// Adds the coverage by other evaluations.
    pub fn merge(&mut self, other: LeafCoverage) {
        self.was_true |= other.was_true;
        self.was_false |= other.was_false;
        self.unknown |= other.unknown;
        self.decided |= other.decided;
    }
}

/// One evaluation of a policy, with the outcomes of the leaves that it has evaluated.
struct Recording<'r, 'a> {
    evaluator: &'r Evaluator<'a>,
    body: &'r Body,
    conditional: bool,
    request: Request,
    outcomes: FxHashMap<NodeId, Outcomes>,
}

impl Recording<'_, '_> {
    /// Returns the verdict, with another outcome of one leaf if one is given.
    fn verdict(&mut self, changed: Option<(NodeId, Outcomes)>) -> Option<Verdict> {
        let Self { evaluator, body, conditional, request, outcomes } = self;
        let mut leaf = |leaf: &NodeId, _| match changed.filter(|(changed, _)| changed == leaf) {
            Some((_, changed)) => changed,
            None => *outcomes.entry(*leaf).or_insert_with(|| evaluator.outcomes(*leaf, request)),
        };
        let policy = evaluate_policy(&body.scope, &body.clauses, *conditional, Outcomes::EITHER, &mut leaf);
        match Verdict::of(&policy)? {
            // It is unknown whether an uncaptured list has a resource that fails.
            Verdict::Fail if request.uncaptured_in.is_some() => Some(Verdict::Unknown),
            verdict => Some(verdict),
        }
    }
}

impl Evaluator<'_> {
    /// Records the coverage of the leaves of a check for some subjects.
    pub fn record_coverage(&self, body: &Body, conditional: bool, subjects: &[Subject], coverages: &mut LeafCoverages) {
        for subject in subjects {
            let request = match *subject {
                Subject::Entity(resource) => self.request(resource),
                Subject::Uncaptured(ty, list) => self.phantom_resource_request(ty, list),
            };
            self.record_request(body, conditional, request, coverages);
        }
    }

    /// Records the coverage of the leaves of a derivation for at most `most` pairs.
    pub fn record_pair_coverage(&self, body: &Body, most: usize, coverages: &mut LeafCoverages) {
        let captured = self.snapshot.instances(body.principal).map(|principal| (principal, None));
        let lists = &self.snapshot.table(body.principal).uncaptured_lists;
        let phantoms = lists.iter().map(|list| (EntityRef::placeholder(body.principal), Some(list.scope)));
        let pairs = captured
            .chain(phantoms)
            .flat_map(|principal| self.snapshot.instances(body.resource).map(move |resource| (principal, resource)));
        for ((principal, uncaptured_in), resource) in pairs.take(most) {
            let request = Request { principal, resource, uncaptured_in };
            self.record_request(body, false, request, coverages);
        }
    }

    /// Records the coverage of the leaves that one evaluation of a policy evaluates.
    fn record_request(&self, body: &Body, conditional: bool, request: Request, coverages: &mut LeafCoverages) {
        let conditional = conditional && request.uncaptured_in.is_none();
        let mut recording = Recording { evaluator: self, body, conditional, request, outcomes: FxHashMap::default() };
        let Some(actual) = recording.verdict(None) else { return };
        let leaves = body.clauses.iter().flat_map(|clause| clause.condition.leaves());
        let evaluated: Vec<(NodeId, Outcomes)> =
            leaves.filter_map(|leaf| Some((*leaf, *recording.outcomes.get(leaf)?))).collect();
        for (leaf, outcomes) in evaluated {
            let mut others = [Outcomes::TRUE, Outcomes::FALSE].into_iter().filter(|other| *other != outcomes);
            let coverage = LeafCoverage {
                was_true: outcomes == Outcomes::TRUE,
                was_false: outcomes == Outcomes::FALSE,
                unknown: outcomes.known().is_none(),
                decided: others.any(|other| recording.verdict(Some((leaf, other))) != Some(actual)),
            };
            coverages.entry(leaf).or_default().merge(coverage);
        }
    }
}
