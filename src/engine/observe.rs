//! What every leaf of a condition came to, and whether the verdict hung on it.
//!
//! A leaf decides where another answer of it, all else being equal, would have given another verdict: the masking form
//! of modified condition/decision coverage (Chilenski, "An Investigation of Three Forms of the MC/DC Criterion", 2001),
//! with unknown as an answer and as a verdict.

use super::eval::{Frame, Machine, PHANTOM};
use super::judge::{Subject, Verdict, settled};
use super::mask::Mask;
use crate::policy::ClauseKind;
use crate::program::{Body, Formula, NodeId};
use crate::value::EntityRef;
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

/// The policy that is observed, in one place.
struct Trial<'t, 'a> {
    machine: &'t Machine<'a>,
    body: &'t Body,
    formulas: &'t [(ClauseKind, Formula)],
    conditional: bool,
    frame: Frame,
    /// Leaves that were evaluated.
    masks: FxHashMap<NodeId, Mask>,
}

impl Machine<'_> {
    /// Observes the leaves of a check while it judges some subjects.
    pub fn observe(&self, body: &Body, conditional: bool, subjects: &[Subject], sights: &mut Sights) {
        let formulas = self.formulas(body);
        for subject in subjects {
            let frame = match *subject {
                Subject::Entity(resource) => self.frame(resource),
                Subject::Uncaptured(ty, at) => self.uncaptured_frame(ty, at),
            };
            self.observe_one(body, &formulas, conditional, frame, sights);
        }
    }

    /// Observes the leaves of a derivation over at most `most` pairs; [`Machine::derive`] must have been called.
    pub fn observe_pairs(&self, body: &Body, most: usize, sights: &mut Sights) {
        let formulas = self.formulas(body);
        let (principals, resources) = (self.snapshot.table(body.principal), self.snapshot.table(body.resource));
        let captured = (0..principals.rows.len() as u32).map(|row| (row, None));
        let missing = principals.missing.iter().map(|missing| (PHANTOM, Some(missing.scope)));
        let pairs = captured.chain(missing).flat_map(|principal| {
            (0..resources.rows.len() as u32).map(move |row| (principal, EntityRef { ty: body.resource, row }))
        });
        for ((row, phantom), resource) in pairs.take(most) {
            let frame = Frame { principal: EntityRef { ty: body.principal, row }, resource, phantom };
            self.observe_one(body, &formulas, false, frame, sights);
        }
    }

    fn formulas(&self, body: &Body) -> Vec<(ClauseKind, Formula)> {
        body.clauses.iter().map(|clause| (clause.kind, self.program.formula(clause.node))).collect()
    }

    fn observe_one(
        &self,
        body: &Body,
        formulas: &[(ClauseKind, Formula)],
        conditional: bool,
        frame: Frame,
        sights: &mut Sights,
    ) {
        let mut trial = Trial { machine: self, body, formulas, conditional, frame, masks: FxHashMap::default() };
        let Some(verdict) = trial.verdict(None) else { return };
        let evaluated: Vec<(NodeId, Mask)> = trial.masks.iter().map(|(leaf, mask)| (*leaf, *mask)).collect();
        for (leaf, mask) in evaluated {
            let others = [Mask::TRUE, Mask::FALSE].into_iter().filter(|other| *other != mask);
            let sight = Sight {
                true_: mask == Mask::TRUE,
                false_: mask == Mask::FALSE,
                unknown: mask.known().is_none(),
                decided: others.into_iter().any(|other| trial.verdict(Some((leaf, other))) != Some(verdict)),
            };
            sights.entry(leaf).or_default().merge(sight);
        }
    }
}

impl Trial<'_, '_> {
    /// The verdict, had one leaf come to something else; `None` where the scope names another resource.
    fn verdict(&mut self, other: Option<(NodeId, Mask)>) -> Option<Verdict> {
        let mut total = Mask::TRUE;
        for node in &self.body.scope {
            total = total.and(self.machine.mask(*node, &self.frame));
        }
        if total == Mask::FALSE {
            return None;
        }
        for (kind, formula) in self.formulas {
            if !total.may(Mask::TRUE) {
                break;
            }
            let mask = self.mask(formula, other);
            total = total.and(if *kind == ClauseKind::Unless { mask.not() } else { mask });
        }
        if self.frame.phantom.is_some() {
            // Nothing is known to be in a list that was not captured: what could not fail there has no verdict.
            return Some(if total == Mask::FALSE { Verdict::Pass } else { Verdict::Unknown });
        }
        let mut applies = if self.conditional { Mask::TRUE } else { Mask::NONE };
        if total == Mask::FALSE {
            for (_, formula) in self.formulas.iter().filter(|(kind, _)| *kind == ClauseKind::When) {
                if !applies.may(Mask::TRUE) {
                    break;
                }
                applies = applies.and(self.mask(formula, other));
            }
        }
        Some(settled(total, || applies))
    }

    fn mask(&mut self, formula: &Formula, other: Option<(NodeId, Mask)>) -> Mask {
        match formula {
            Formula::Leaf(leaf) => match other.filter(|(flipped, _)| flipped == leaf) {
                Some((_, mask)) => mask,
                None => *self.masks.entry(*leaf).or_insert_with(|| self.machine.mask(*leaf, &self.frame)),
            },
            Formula::Not(inner) => self.mask(inner, other).not(),
            Formula::And(left, right) => {
                let left = self.mask(left, other);
                if left.may(Mask::TRUE) { left.and(self.mask(right, other)) } else { left }
            }
            Formula::Or(left, right) => {
                let left = self.mask(left, other);
                if left.may(Mask::FALSE) { left.or(self.mask(right, other)) } else { left }
            }
            Formula::If(parts) => {
                let [test, then, otherwise] = &**parts;
                let test = self.mask(test, other);
                let mut mask = if test.may(Mask::ERROR) { Mask::ERROR } else { Mask::NONE };
                if test.may(Mask::TRUE) {
                    mask |= self.mask(then, other);
                }
                if test.may(Mask::FALSE) {
                    mask |= self.mask(otherwise, other);
                }
                mask
            }
        }
    }
}
