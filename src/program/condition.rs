//! Conditions: leaves combined by `&&`, `||`, `!` and `if`, and the only code that combines their outcomes.
//!
//! A condition does not know what its leaves are. For the engine they are expressions of the program; for the
//! comparison of two versions of a policy they are terms with a table of outcomes. The same function evaluates a
//! condition for one pair of principal and resource ([`Outcomes`]) and for a batch of rows (`Vec<Outcomes>`).

use crate::policy::ClauseKind;
use crate::source::Span;
use crate::value::Outcomes;
use serde::{Deserialize, Serialize};
use std::ops::BitOr;

use super::NodeId;

/// A condition. A chain such as `a && b && c` is one [`Condition::All`], so that the depth of a condition is the depth
/// of its brackets.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Condition<L = NodeId> {
    /// An expression that the text shows as one condition: a comparison, a `has`, an attribute of type `Bool`.
    Leaf(L),
    /// `!`.
    Not(Box<Condition<L>>),
    /// `&&`.
    All(Vec<Condition<L>>),
    /// `||`.
    Any(Vec<Condition<L>>),
    /// `if then else`: the test and the branches.
    If(Box<[Condition<L>; 3]>),
}

/// A `when` or `unless` clause.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LoweredClause<L = NodeId> {
    /// `when` or `unless`.
    pub kind: ClauseKind,
    /// The condition between the braces.
    pub condition: Condition<L>,
    /// Where the condition is written.
    pub written: Span,
    /// The clause with its keyword.
    pub span: Span,
}

/// The outcomes of a policy.
#[derive(Debug, Clone)]
pub struct PolicyOutcomes<T> {
    /// Lanes of the scope.
    pub scope: T,
    /// Lanes of the whole policy: scope, then clauses in order.
    pub satisfied: T,
    /// Lanes of all `when` clauses together; [`Outcomes::NONE`] if the policy does not have clauses of both kinds.
    pub applies: T,
}

/// Lanes of one evaluation, or of one evaluation for each row of a batch.
///
/// [`Outcomes::NONE`] means that a condition is not evaluated, for one row or for all.
pub trait Lanes: Clone {
    /// Returns where evaluation continues: the rows with one of the outcomes in `open`. `None` if there are none.
    fn continued(&self, open: Outcomes) -> Option<Self>;

    /// Combines each outcome with the outcome of a further part.
    fn combine(&mut self, further: Self, with: impl Fn(Outcomes, Outcomes) -> Outcomes);

    /// Replaces each outcome.
    fn map(&mut self, with: impl Fn(Outcomes) -> Outcomes);
}

impl Lanes for Outcomes {
    fn continued(&self, open: Outcomes) -> Option<Self> {
        self.may(open).then_some(Outcomes::EITHER)
    }

    fn combine(&mut self, further: Self, with: impl Fn(Outcomes, Outcomes) -> Outcomes) {
        *self = with(*self, further);
    }

    fn map(&mut self, with: impl Fn(Outcomes) -> Outcomes) {
        *self = with(*self);
    }
}

impl Lanes for Vec<Outcomes> {
    fn continued(&self, open: Outcomes) -> Option<Self> {
        let asked = |mask: &Outcomes| if mask.may(open) { Outcomes::EITHER } else { Outcomes::NONE };
        self.iter().any(|mask| mask.may(open)).then(|| self.iter().map(asked).collect())
    }

    fn combine(&mut self, further: Self, with: impl Fn(Outcomes, Outcomes) -> Outcomes) {
        self.iter_mut().zip(further).for_each(|(mask, further)| *mask = with(*mask, further));
    }

    fn map(&mut self, with: impl Fn(Outcomes) -> Outcomes) {
        self.iter_mut().for_each(|mask| *mask = with(*mask));
    }
}

impl<L> Condition<L> {
    /// Returns the leaves in the order of the text.
    pub fn leaves(&self) -> Vec<&L> {
        let mut leaves = Vec::new();
        self.each_leaf(&mut |leaf| leaves.push(leaf));
        leaves
    }

    /// Returns the condition with a condition in place of each leaf, in the order of the text.
    pub fn expand<M>(self, leaf: &mut impl FnMut(L) -> Condition<M>) -> Condition<M> {
        match self {
            Condition::Leaf(own) => leaf(own),
            Condition::Not(inner) => Condition::Not(Box::new(inner.expand(leaf))),
            Condition::All(parts) => Condition::All(parts.into_iter().map(|part| part.expand(leaf)).collect()),
            Condition::Any(parts) => Condition::Any(parts.into_iter().map(|part| part.expand(leaf)).collect()),
            Condition::If(parts) => Condition::If(Box::new(parts.map(|part| part.expand(leaf)))),
        }
    }

    /// Returns the condition with other leaves, in the order of the text.
    pub fn map<M>(self, leaf: &mut impl FnMut(L) -> M) -> Condition<M> {
        self.expand(&mut |own| Condition::Leaf(leaf(own)))
    }

    fn each_leaf<'c>(&'c self, each: &mut impl FnMut(&'c L)) {
        match self {
            Condition::Leaf(leaf) => each(leaf),
            Condition::Not(inner) => inner.each_leaf(each),
            Condition::All(parts) | Condition::Any(parts) => parts.iter().for_each(|part| part.each_leaf(each)),
            Condition::If(parts) => parts.iter().for_each(|part| part.each_leaf(each)),
        }
    }

    /// Evaluates the condition where `asked` is not [`Outcomes::NONE`].
    ///
    /// Parts are evaluated in Cedar's order. `leaf` is called with a leaf and with the rows for which Cedar could
    /// evaluate it, and returns its outcomes for these rows.
    pub fn evaluate<T: Lanes>(&self, asked: T, leaf: &mut impl FnMut(&L, T) -> T) -> T {
        match self {
            Condition::Leaf(own) => leaf(own, asked),
            Condition::Not(inner) => {
                let mut outcomes = inner.evaluate(asked, leaf);
                outcomes.map(Outcomes::not);
                outcomes
            }
            Condition::All(parts) => Self::chain(parts, asked, Outcomes::TRUE, Outcomes::and, leaf),
            Condition::Any(parts) => Self::chain(parts, asked, Outcomes::FALSE, Outcomes::or, leaf),
            Condition::If(parts) => {
                let [test, then, other] = &**parts;
                let test = test.evaluate(asked, leaf);
                let mut outcomes = test.clone();
                outcomes.map(|mask| if mask.may(Outcomes::ERROR) { Outcomes::ERROR } else { Outcomes::NONE });
                for (branch, taken) in [(then, Outcomes::TRUE), (other, Outcomes::FALSE)] {
                    if let Some(asked) = test.continued(taken) {
                        outcomes.combine(branch.evaluate(asked, leaf), Outcomes::bitor);
                    }
                }
                outcomes
            }
        }
    }

    /// Evaluates the parts of `&&` or `||`; `open` is the outcome after which the next part is evaluated.
    fn chain<T: Lanes>(
        parts: &[Self],
        asked: T,
        open: Outcomes,
        combine: impl Fn(Outcomes, Outcomes) -> Outcomes,
        leaf: &mut impl FnMut(&L, T) -> T,
    ) -> T {
        let Some((first, rest)) = parts.split_first() else {
            let mut outcomes = asked;
            outcomes.map(|mask| if mask == Outcomes::NONE { mask } else { open });
            return outcomes;
        };
        let mut outcomes = first.evaluate(asked, leaf);
        for part in rest {
            let Some(asked) = outcomes.continued(open) else { break };
            outcomes.combine(part.evaluate(asked, leaf), &combine);
        }
        outcomes
    }
}

/// Evaluates a policy: its scope, then its clauses in order.
///
/// With `conditional`, the outcomes of the `when` clauses alone are computed too.
pub fn evaluate_policy<L, T: Lanes>(
    scope: &[Condition<L>],
    clauses: &[LoweredClause<L>],
    conditional: bool,
    asked: T,
    leaf: &mut impl FnMut(&L, T) -> T,
) -> PolicyOutcomes<T> {
    let scope = Condition::chain(scope, asked, Outcomes::TRUE, Outcomes::and, leaf);
    let (mut satisfied, mut applies) = (scope.clone(), scope.clone());
    applies.map(|scope| if conditional && scope.may(Outcomes::TRUE) { Outcomes::TRUE } else { Outcomes::NONE });
    for LoweredClause { kind, condition, .. } in clauses {
        let mut open = satisfied.clone();
        if *kind == ClauseKind::When {
            open.combine(applies.clone(), Outcomes::bitor);
        }
        let Some(asked) = open.continued(Outcomes::TRUE) else { continue };
        let outcomes = condition.evaluate(asked, leaf);
        match kind {
            ClauseKind::When => {
                applies.combine(outcomes.clone(), Outcomes::and);
                satisfied.combine(outcomes, Outcomes::and);
            }
            ClauseKind::Unless => satisfied.combine(outcomes, |all, clause| all.and(clause.not())),
        }
    }
    PolicyOutcomes { scope, satisfied, applies }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A leaf with a fixed outcome, which notes that it was evaluated.
    type Fixed = (char, Outcomes);

    fn leaf(name: char, mask: Outcomes) -> Condition<Fixed> {
        Condition::Leaf((name, mask))
    }

    #[track_caller]
    fn check(condition: &Condition<Fixed>, outcome: Outcomes, evaluated: &str) {
        let mut order = String::new();
        let found = condition.evaluate(Outcomes::EITHER, &mut |(name, mask), _| {
            order.push(*name);
            *mask
        });
        assert_eq!((found, order.as_str()), (outcome, evaluated));
    }

    #[test]
    fn a_chain_stops_where_cedar_stops() {
        let (yes, no, error) = (Outcomes::TRUE, Outcomes::FALSE, Outcomes::ERROR);
        check(&Condition::All(vec![leaf('a', yes), leaf('b', no), leaf('c', error)]), no, "ab");
        check(&Condition::Any(vec![leaf('a', no), leaf('b', yes), leaf('c', error)]), yes, "ab");
        check(&Condition::All(vec![leaf('a', error), leaf('b', no)]), error, "a");
        check(&Condition::All(vec![]), yes, "");
        check(&Condition::Any(vec![]), no, "");
    }

    #[test]
    fn an_unknown_part_leaves_the_rest_to_decide() {
        check(&Condition::All(vec![leaf('a', Outcomes::EITHER), leaf('b', Outcomes::FALSE)]), Outcomes::FALSE, "ab");
        let may_fail = Outcomes::TRUE | Outcomes::ERROR;
        check(
            &Condition::All(vec![leaf('a', may_fail), leaf('b', Outcomes::FALSE)]),
            Outcomes::FALSE | Outcomes::ERROR,
            "ab",
        );
    }

    #[test]
    fn both_branches_count_if_the_test_is_unknown() {
        let branches = |test| Condition::If(Box::new([test, leaf('b', Outcomes::TRUE), leaf('c', Outcomes::FALSE)]));
        check(&branches(leaf('a', Outcomes::TRUE)), Outcomes::TRUE, "ab");
        check(&branches(leaf('a', Outcomes::EITHER)), Outcomes::EITHER, "abc");
        check(&branches(leaf('a', Outcomes::ERROR)), Outcomes::ERROR, "a");
    }

    #[test]
    fn a_batch_has_the_outcomes_of_its_rows() {
        const ALL: [Outcomes; 4] = [Outcomes::TRUE, Outcomes::FALSE, Outcomes::EITHER, Outcomes::ERROR];
        let condition = Condition::All(vec![
            Condition::Any(vec![Condition::Leaf(0), Condition::Not(Box::new(Condition::Leaf(1)))]),
            Condition::If(Box::new([Condition::Leaf(1), Condition::Leaf(2), Condition::Leaf(0)])),
        ]);
        let rows: Vec<[Outcomes; 3]> =
            ALL.into_iter().flat_map(|a| ALL.into_iter().flat_map(move |b| ALL.map(|c| [a, b, c]))).collect();
        let batch =
            condition.evaluate(vec![Outcomes::EITHER; rows.len()], &mut |leaf: &usize, asked: Vec<Outcomes>| {
                let outcome =
                    |(asked, row): (Outcomes, &[Outcomes; 3])| if asked == Outcomes::NONE { asked } else { row[*leaf] };
                asked.into_iter().zip(&rows).map(outcome).collect()
            });
        for (row, outcome) in rows.iter().zip(batch) {
            assert_eq!(outcome, condition.evaluate(Outcomes::EITHER, &mut |leaf, _| row[*leaf]), "{row:?}");
        }
    }
}
