//! Coverage: the conditions of the policies that were true, false or unknown in the cases, or decided a verdict.
//!
//! Only results that an expectation names count, in cases that hold. A result without an expectation is not tested.

use super::run::{Expected, Judging, Tested};
use crate::diagnostic::{Code, Diagnostic};
use crate::engine::{LeafCoverage, LeafCoverages, Subject};
use crate::policy::{CheckId, DerivationId, Statement};
use crate::program::{Body, NodeId, NodeKind, Program, Reachable};
use crate::schema::Model;
use crate::source::{Source, Span};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Pairs that are observed for one derivation in one case.
const MOST_PAIRS: usize = 100_000;

/// A policy: a check or a derivation, by its place among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Part {
    Check(CheckId),
    Derivation(DerivationId),
}

/// The observed outcomes of conditions, by policy and place in its file.
pub(super) type Observed = FxHashMap<(Part, Span), LeafCoverage>;

/// The coverage of the policies.
#[derive(Debug, Default)]
pub struct Coverage {
    /// The policies, in the order of their files.
    pub policies: Vec<PolicyCoverage>,
}

/// The coverage of a policy.
#[derive(Debug)]
pub struct PolicyCoverage {
    /// Its id.
    pub id: SmolStr,
    /// Its file.
    pub source: Arc<Source>,
    /// Where it is written.
    pub span: Span,
    /// Its conditions, in the order of the text.
    pub conditions: Vec<ConditionCoverage>,
}

/// The coverage of a condition: a part of a clause without `&&`, `||`, `!` or `if`.
#[derive(Debug, Clone, Copy)]
pub struct ConditionCoverage {
    /// Where it is written.
    pub span: Span,
    /// Its possible outcomes.
    pub possible: Reachable,
    /// Its observed outcomes.
    pub seen: LeafCoverage,
}

/// An outcome of a condition that the cases should show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Goal {
    /// Its name.
    pub name: &'static str,
    /// Whether a case shows it.
    pub met: bool,
}

impl ConditionCoverage {
    /// Returns its goals: to be true, false and unknown, and to decide a verdict, as far as they are possible.
    pub fn goals(&self) -> Vec<Goal> {
        let Self { possible, seen, .. } = self;
        // A redundant condition does not decide a verdict.
        if !(possible.can_be_true && possible.can_be_false) {
            return Vec::new();
        }
        let goals = [
            (true, "true", seen.was_true),
            (true, "false", seen.was_false),
            (possible.unknown, "unknown", seen.unknown),
            (possible.decides, "decided", seen.decided),
        ];
        goals.into_iter().filter(|(asked, ..)| *asked).map(|(_, name, met)| Goal { name, met }).collect()
    }
}

/// The number of goals, and the number of those that are reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Share {
    /// The number of goals that are reached.
    pub met: usize,
    /// The number of all goals.
    pub all: usize,
}

impl Share {
    /// Returns the share in percent, or 100 without goals. It is rounded down to a tenth, so that 100 means all goals.
    pub fn percent(self) -> f64 {
        (self.met * 1000).checked_div(self.all).map_or(100.0, |tenths| tenths as f64 / 10.0)
    }

    /// Returns whether the share is less than `percent`.
    pub fn is_below(self, percent: f64) -> bool {
        self.all > 0 && (self.met as f64) * 100.0 < percent * self.all as f64
    }
}

impl PolicyCoverage {
    /// Returns the share of goals of its conditions that are reached.
    pub fn share(&self) -> Share {
        share(self.conditions.iter())
    }

    /// Returns why a condition is redundant, if it is: it has the same answer for every snapshot, or is never
    /// evaluated.
    /// `true` and `false` as such are not redundant.
    pub fn redundant(&self, condition: &ConditionCoverage) -> Option<&'static str> {
        let Reachable { can_be_true, can_be_false, .. } = condition.possible;
        match self.source.slice(condition.span).trim() {
            "true" | "false" => None,
            _ if can_be_true && can_be_false => None,
            _ if can_be_true => Some("always true"),
            _ if can_be_false => Some("always false"),
            _ => Some("never evaluated"),
        }
    }

    /// Returns the conditions with goals that are not reached, each with a label; `None` if there are none.
    pub fn holes(&self) -> Option<Diagnostic> {
        let missing = |condition: &ConditionCoverage| {
            let goals = condition.goals().into_iter().filter(|goal| !goal.met);
            let named: Vec<String> = goals.map(|goal| format!("never {}", goal.name)).collect();
            (!named.is_empty()).then(|| (condition.span, named.join(", ")))
        };
        let holes: Vec<(Span, String)> = self.conditions.iter().filter_map(missing).collect();
        let (conditions, are) = if holes.len() == 1 {
            ("1 condition".to_owned(), "is")
        } else {
            (format!("{} conditions", holes.len()), "are")
        };
        let Share { met, all } = self.share();
        let message = format!("{conditions} of `{}` {are} not fully tested: {met} of {all}", self.id);
        let warning = Diagnostic::warning(Code::Coverage, message);
        let hole = |found: Diagnostic, (span, text): &(Span, String)| found.label(&self.source, *span, text.as_str());
        (!holes.is_empty()).then(|| holes.iter().fold(warning, hole))
    }
}

impl Coverage {
    /// Returns the share of goals of all conditions that are reached.
    pub fn share(&self) -> Share {
        share(self.policies.iter().flat_map(|policy| &policy.conditions))
    }

    /// Returns the share of every file of policies, in order.
    pub fn files(&self) -> Vec<(&str, Share)> {
        let mut files: Vec<(&str, Share)> = Vec::new();
        for policy in &self.policies {
            let Share { met, all } = policy.share();
            match files.last_mut().filter(|(name, _)| *name == policy.source.name()) {
                Some((_, share)) => *share = Share { met: share.met + met, all: share.all + all },
                None => files.push((policy.source.name(), Share { met, all })),
            }
        }
        files
    }

    /// Combines the observations of some checks and of the derivations behind them.
    #[expect(
        clippy::indexing_slicing,
        reason = "a place of a policy, a body or a derived attribute is one of its pack"
    )]
    pub(super) fn of(tested: Tested<'_>, checks: &BTreeSet<CheckId>, observed: &Observed) -> Self {
        let (model, policies, program) = (tested.pack.model(), tested.pack.policies(), tested.pack.program());
        let mut parts = BTreeSet::new();
        for check in program.checks.iter().filter(|check| checks.contains(&check.check)) {
            parts.insert(Part::Check(check.check));
            let behind = program.derived_behind(model, check);
            let derivations = behind.iter().flat_map(|at| &program.derived[*at].parts);
            parts.extend(derivations.map(|part| Part::Derivation(part.derivation)));
        }
        let policy = |part: Part| {
            let statement = statement(policies, part);
            let seen = |span| observed.get(&(part, span)).copied().unwrap_or_default();
            let conditions = conditions(model, program, part).into_iter();
            PolicyCoverage {
                id: statement.id.clone(),
                source: Arc::clone(&statement.source),
                span: statement.span,
                conditions: conditions
                    .map(|(span, possible)| ConditionCoverage { span, possible, seen: seen(span) })
                    .collect(),
            }
        };
        let mut policies: Vec<PolicyCoverage> = parts.into_iter().map(policy).collect();
        policies.sort_by(|a, b| (a.source.name(), a.span).cmp(&(b.source.name(), b.span)));
        Self { policies }
    }
}

fn share<'c>(conditions: impl Iterator<Item = &'c ConditionCoverage>) -> Share {
    let goals: Vec<Goal> = conditions.flat_map(ConditionCoverage::goals).collect();
    Share { met: goals.iter().filter(|goal| goal.met).count(), all: goals.len() }
}

pub(super) fn statement(policies: &crate::policy::Policies, part: Part) -> &Statement {
    match part {
        Part::Check(at) => &policies.checks[at].statement,
        Part::Derivation(at) => &policies.derivations[at].statement,
    }
}

/// Returns the lowered policy: a check has a body for every type it judges, a derivation one.
pub(super) fn bodies(program: &Program, part: Part) -> Vec<&Body> {
    match part {
        Part::Check(at) => {
            program.checks.iter().filter(|check| check.check == at).flat_map(|check| &check.bodies).collect()
        }
        Part::Derivation(at) => {
            let parts = program.derived.iter().flat_map(|derived| &derived.parts);
            parts.filter(|part| part.derivation == at).map(|part| &part.body).collect()
        }
    }
}

/// Returns the conditions of a policy by their places, with the possible outcomes of each in some body.
fn conditions(model: &Model, program: &Program, part: Part) -> BTreeMap<Span, Reachable> {
    let mut conditions: BTreeMap<Span, Reachable> = BTreeMap::new();
    let mut type_tests: BTreeSet<Span> = BTreeSet::new();
    for (leaf, possible) in bodies(program, part).into_iter().flat_map(|body| program.possible(model, body)) {
        let span = program.node(leaf).span;
        conditions.entry(span).or_default().merge(possible);
        let operand = |operand: NodeId| matches!(program.node(operand).kind, NodeKind::Resource);
        if matches!(program.node(leaf).kind, NodeKind::StaticallyKnown(of, _) if operand(of)) {
            type_tests.insert(span);
        }
    }
    let selects = |at: CheckId| program.checks.iter().any(|check| check.check == at && check.selects);
    if matches!(part, Part::Check(at) if selects(at)) {
        // A test that selects the types of the check is neither open nor redundant.
        conditions.retain(|span, found| !type_tests.contains(span) || found.can_be_true && found.can_be_false);
    }
    conditions
}

/// Observes the results that one case expects, and the derivations behind them.
#[expect(clippy::indexing_slicing, reason = "a place of a policy, a body or a derived attribute is one of its pack")]
pub(super) fn observe(tested: Tested<'_>, judging: &Judging<'_, '_>, expected: &Expected) -> Observed {
    let (model, program) = (tested.pack.model(), tested.pack.program());
    let evaluation = judging.findings.evaluation;
    let mut observed = Observed::default();
    let mut take = |part: Part, coverages: LeafCoverages| {
        #[expect(clippy::iter_over_hash_type, reason = "the order of merging does not matter")]
        for (leaf, sight) in coverages {
            observed.entry((part, program.node(leaf).span)).or_default().merge(sight);
        }
    };
    // The derivations behind the checks, each with the evaluators that use it.
    let mut behind: BTreeSet<(usize, usize)> = BTreeSet::new();
    for check in &program.checks {
        let mut shares: BTreeMap<(usize, usize), Vec<Subject>> = BTreeMap::new();
        for (_, subject) in expected.iter().filter(|(of, _)| *of == check.check) {
            let Some(body) = check.bodies.iter().position(|body| body.resource == subject.ty()) else { continue };
            for evaluator in evaluation.judging(check, *subject) {
                shares.entry((body, evaluator)).or_default().push(*subject);
            }
        }
        if shares.is_empty() {
            continue;
        }
        let derived = program.derived_behind(model, check);
        for ((body, evaluator), subjects) in shares {
            let mut coverages = LeafCoverages::default();
            evaluation.evaluator(evaluator).record_coverage(
                &check.bodies[body],
                check.conditional,
                &subjects,
                &mut coverages,
            );
            take(Part::Check(check.check), coverages);
            behind.extend(derived.iter().map(|at| (*at, evaluator)));
        }
    }
    for (at, evaluator) in behind {
        for part in &program.derived[at].parts {
            let mut coverages = LeafCoverages::default();
            evaluation.evaluator(evaluator).record_pair_coverage(&part.body, MOST_PAIRS, &mut coverages);
            take(Part::Derivation(part.derivation), coverages);
        }
    }
    observed
}

/// Adds the observations of another case.
pub(super) fn merge(mut into: Observed, other: Observed) -> Observed {
    #[expect(clippy::iter_over_hash_type, reason = "the order of merging does not matter")]
    for (place, sight) in other {
        into.entry(place).or_default().merge(sight);
    }
    into
}
