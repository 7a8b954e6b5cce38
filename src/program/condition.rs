//! Conditions: leaves combined by `&&`, `||`, `!` and `if`, and the only code that combines their outcomes.
//!
//! A condition does not know what its leaves are. For the engine they are expressions of the program; for the comparison
//! of two versions of a policy they are terms with a table of outcomes. The same function evaluates a condition for one
//! pair of principal and resource ([`Mask`]) and for a batch of rows (`Vec<Mask>`).

use crate::policy::ClauseKind;
use crate::source::Span;
use crate::value::Mask;
use std::ops::BitOr;

use super::NodeId;

/// A condition. A chain such as `a && b && c` is one [`Condition::All`], so that the depth of a condition is the depth
/// of its brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
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
#[derive(Debug, Clone)]
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
    /// Outcomes of the scope.
    pub scope: T,
    /// Outcomes of the whole policy: scope, then clauses in order.
    pub satisfied: T,
    /// Outcomes of all `when` clauses together; [`Mask::NONE`] if the policy does not have clauses of both kinds.
    pub applies: T,
}

/// Outcomes of one evaluation, or of one evaluation for each row of a batch.
///
/// [`Mask::NONE`] says that a condition is not evaluated, for one row or for all.
pub trait Outcomes: Clone {
    /// Returns where evaluation continues: the rows with one of the outcomes in `open`. `None` if there are none.
    fn continued(&self, open: Mask) -> Option<Self>;

    /// Combines each outcome with the outcome of a further part.
    fn combine(&mut self, further: Self, with: impl Fn(Mask, Mask) -> Mask);

    /// Replaces each outcome.
    fn map(&mut self, with: impl Fn(Mask) -> Mask);
}

impl Outcomes for Mask {
    fn continued(&self, open: Mask) -> Option<Self> {
        self.may(open).then_some(Mask::EITHER)
    }

    fn combine(&mut self, further: Self, with: impl Fn(Mask, Mask) -> Mask) {
        *self = with(*self, further);
    }

    fn map(&mut self, with: impl Fn(Mask) -> Mask) {
        *self = with(*self);
    }
}

impl Outcomes for Vec<Mask> {
    fn continued(&self, open: Mask) -> Option<Self> {
        let asked = |mask: &Mask| if mask.may(open) { Mask::EITHER } else { Mask::NONE };
        self.iter().any(|mask| mask.may(open)).then(|| self.iter().map(asked).collect())
    }

    fn combine(&mut self, further: Self, with: impl Fn(Mask, Mask) -> Mask) {
        self.iter_mut().zip(further).for_each(|(mask, further)| *mask = with(*mask, further));
    }

    fn map(&mut self, with: impl Fn(Mask) -> Mask) {
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

    fn each_leaf<'c>(&'c self, each: &mut impl FnMut(&'c L)) {
        match self {
            Condition::Leaf(leaf) => each(leaf),
            Condition::Not(inner) => inner.each_leaf(each),
            Condition::All(parts) | Condition::Any(parts) => parts.iter().for_each(|part| part.each_leaf(each)),
            Condition::If(parts) => parts.iter().for_each(|part| part.each_leaf(each)),
        }
    }

    /// Evaluates the condition where `asked` is not [`Mask::NONE`].
    ///
    /// Parts are evaluated in Cedar's order. `leaf` is called with a leaf and with the rows for which Cedar could evaluate
    /// it, and returns its outcomes for these rows.
    pub fn evaluate<T: Outcomes>(&self, asked: T, leaf: &mut impl FnMut(&L, T) -> T) -> T {
        match self {
            Condition::Leaf(own) => leaf(own, asked),
            Condition::Not(inner) => {
                let mut outcomes = inner.evaluate(asked, leaf);
                outcomes.map(Mask::not);
                outcomes
            }
            Condition::All(parts) => Self::chain(parts, asked, Mask::TRUE, Mask::and, leaf),
            Condition::Any(parts) => Self::chain(parts, asked, Mask::FALSE, Mask::or, leaf),
            Condition::If(parts) => {
                let [test, then, other] = &**parts;
                let test = test.evaluate(asked, leaf);
                let mut outcomes = test.clone();
                outcomes.map(|mask| if mask.may(Mask::ERROR) { Mask::ERROR } else { Mask::NONE });
                for (branch, taken) in [(then, Mask::TRUE), (other, Mask::FALSE)] {
                    if let Some(asked) = test.continued(taken) {
                        outcomes.combine(branch.evaluate(asked, leaf), Mask::bitor);
                    }
                }
                outcomes
            }
        }
    }

    /// Evaluates the parts of `&&` or `||`; `open` is the outcome after which the next part is evaluated.
    fn chain<T: Outcomes>(
        parts: &[Self],
        asked: T,
        open: Mask,
        combine: impl Fn(Mask, Mask) -> Mask,
        leaf: &mut impl FnMut(&L, T) -> T,
    ) -> T {
        let Some((first, rest)) = parts.split_first() else {
            let mut outcomes = asked;
            outcomes.map(|mask| if mask == Mask::NONE { mask } else { open });
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
/// `conditional` says whether the outcomes of the `when` clauses alone are wanted too.
pub fn evaluate_policy<L, T: Outcomes>(
    scope: &[Condition<L>],
    clauses: &[LoweredClause<L>],
    conditional: bool,
    asked: T,
    leaf: &mut impl FnMut(&L, T) -> T,
) -> PolicyOutcomes<T> {
    let scope = Condition::chain(scope, asked, Mask::TRUE, Mask::and, leaf);
    let (mut satisfied, mut applies) = (scope.clone(), scope.clone());
    applies.map(|scope| if conditional && scope.may(Mask::TRUE) { Mask::TRUE } else { Mask::NONE });
    for LoweredClause { kind, condition, .. } in clauses {
        let mut open = satisfied.clone();
        if *kind == ClauseKind::When {
            open.combine(applies.clone(), Mask::bitor);
        }
        let Some(asked) = open.continued(Mask::TRUE) else { continue };
        let outcomes = condition.evaluate(asked, leaf);
        match kind {
            ClauseKind::When => {
                applies.combine(outcomes.clone(), Mask::and);
                satisfied.combine(outcomes, Mask::and);
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
    type Fixed = (char, Mask);

    fn leaf(name: char, mask: Mask) -> Condition<Fixed> {
        Condition::Leaf((name, mask))
    }

    #[track_caller]
    fn check(condition: &Condition<Fixed>, outcome: Mask, evaluated: &str) {
        let mut order = String::new();
        let found = condition.evaluate(Mask::EITHER, &mut |(name, mask), _| {
            order.push(*name);
            *mask
        });
        assert_eq!((found, order.as_str()), (outcome, evaluated));
    }

    #[test]
    fn a_chain_stops_where_cedar_stops() {
        let (yes, no, error) = (Mask::TRUE, Mask::FALSE, Mask::ERROR);
        check(&Condition::All(vec![leaf('a', yes), leaf('b', no), leaf('c', error)]), no, "ab");
        check(&Condition::Any(vec![leaf('a', no), leaf('b', yes), leaf('c', error)]), yes, "ab");
        check(&Condition::All(vec![leaf('a', error), leaf('b', no)]), error, "a");
        check(&Condition::All(vec![]), yes, "");
        check(&Condition::Any(vec![]), no, "");
    }

    #[test]
    fn an_unknown_part_leaves_the_rest_to_decide() {
        check(&Condition::All(vec![leaf('a', Mask::EITHER), leaf('b', Mask::FALSE)]), Mask::FALSE, "ab");
        let may_fail = Mask::TRUE | Mask::ERROR;
        check(&Condition::All(vec![leaf('a', may_fail), leaf('b', Mask::FALSE)]), Mask::FALSE | Mask::ERROR, "ab");
    }

    #[test]
    fn both_branches_count_if_the_test_is_unknown() {
        let branches = |test| Condition::If(Box::new([test, leaf('b', Mask::TRUE), leaf('c', Mask::FALSE)]));
        check(&branches(leaf('a', Mask::TRUE)), Mask::TRUE, "ab");
        check(&branches(leaf('a', Mask::EITHER)), Mask::EITHER, "abc");
        check(&branches(leaf('a', Mask::ERROR)), Mask::ERROR, "a");
    }

    #[test]
    fn a_batch_has_the_outcomes_of_its_rows() {
        const ALL: [Mask; 4] = [Mask::TRUE, Mask::FALSE, Mask::EITHER, Mask::ERROR];
        let condition = Condition::All(vec![
            Condition::Any(vec![Condition::Leaf(0), Condition::Not(Box::new(Condition::Leaf(1)))]),
            Condition::If(Box::new([Condition::Leaf(1), Condition::Leaf(2), Condition::Leaf(0)])),
        ]);
        let rows: Vec<[Mask; 3]> =
            ALL.into_iter().flat_map(|a| ALL.into_iter().flat_map(move |b| ALL.map(|c| [a, b, c]))).collect();
        let batch = condition.evaluate(vec![Mask::EITHER; rows.len()], &mut |leaf: &usize, asked: Vec<Mask>| {
            let outcome = |(asked, row): (Mask, &[Mask; 3])| if asked == Mask::NONE { asked } else { row[*leaf] };
            asked.into_iter().zip(&rows).map(outcome).collect()
        });
        for (row, outcome) in rows.iter().zip(batch) {
            assert_eq!(outcome, condition.evaluate(Mask::EITHER, &mut |leaf, _| row[*leaf]), "{row:?}");
        }
    }
}
