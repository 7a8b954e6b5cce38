//! Operators and extension functions of Cedar on abstract values.
//!
//! In terms of abstract interpretation these are the transfer functions, and [`union`] is the least upper bound (Cousot
//! and Cousot, "Abstract Interpretation", 1977). Each result covers Cedar's result for every possible value of the
//! operands. Numbers are intervals: as the operators are monotone, the ends of the operands give the ends of the
//! result.

use super::operand::{AbstractValue, Domain, Operand};
use crate::program::{Arithmetic, Function, Kernel};
use crate::schema::Ty;
use crate::value::{MOMENTS, Outcomes};

/// Returns the outcomes of `==`.
pub(super) fn equal(a: &AbstractValue<'_>, b: &AbstractValue<'_>) -> Outcomes {
    match (a.operand(), b.operand()) {
        (Some(a), Some(b)) => a.equals(b),
        _ if matches!(a.value, Domain::Range(..)) || matches!(b.value, Domain::Range(..)) => {
            let ((a, b), (c, d)) = (a.bounds(), b.bounds());
            if b < c || d < a { Outcomes::FALSE } else { Outcomes::EITHER }
        }
        _ => Outcomes::EITHER,
    }
}

/// Returns the outcomes of `<` or `<=`, from the results for the ends of the operands.
pub(super) fn ordered(a: &AbstractValue<'_>, b: &AbstractValue<'_>, holds: impl Fn(i64, i64) -> bool) -> Outcomes {
    match (a.operand(), b.operand()) {
        (Some(Operand::Datetime(a)), Some(Operand::Datetime(b)))
        | (Some(Operand::Duration(a)), Some(Operand::Duration(b)))
        | (Some(Operand::Long(a)), Some(Operand::Long(b))) => Outcomes::of(holds(*a, *b)),
        (Some(Operand::Datetime(_) | Operand::Duration(_)), _)
        | (_, Some(Operand::Datetime(_) | Operand::Duration(_))) => Outcomes::EITHER,
        _ => {
            let ((a_low, a_high), (b_low, b_high)) = (a.bounds(), b.bounds());
            match (holds(a_high, b_low), holds(a_low, b_high)) {
                (true, _) => Outcomes::TRUE,
                (_, false) => Outcomes::FALSE,
                _ => Outcomes::EITHER,
            }
        }
    }
}

/// Returns the result of `+`, `-` or `*`.
pub(super) fn arithmetic<'x>(op: Arithmetic, a: &AbstractValue<'_>, b: &AbstractValue<'_>) -> AbstractValue<'x> {
    if a.fails() || b.fails() {
        return AbstractValue::ERROR;
    }
    let ((a_low, a_high), (b_low, b_high)) = (a.bounds(), b.bounds());
    let wide = |x: i64, y: i64| match op {
        Arithmetic::Add => i128::from(x) + i128::from(y),
        Arithmetic::Subtract => i128::from(x) - i128::from(y),
        Arithmetic::Multiply => i128::from(x) * i128::from(y),
    };
    let corners = [wide(a_low, b_low), wide(a_low, b_high), wide(a_high, b_low), wide(a_high, b_high)];
    let low = corners.into_iter().fold(i128::MAX, i128::min);
    let high = corners.into_iter().fold(i128::MIN, i128::max);
    if high < i128::from(i64::MIN) || low > i128::from(i64::MAX) {
        return AbstractValue::ERROR;
    }
    let (low, high) = (i64::try_from(low), i64::try_from(high));
    let overflows = low.is_err() || high.is_err();
    let mut result = AbstractValue::range(low.unwrap_or(i64::MIN), high.unwrap_or(i64::MAX));
    result.may_error = overflows || a.may_error || b.may_error;
    result
}

/// Returns the least upper bound of two abstract values: the result of an `if` whose test is unknown.
pub(super) fn union<'x>(a: AbstractValue<'x>, b: AbstractValue<'x>) -> AbstractValue<'x> {
    let may_error = a.may_error || b.may_error;
    let value = match (&a.value, &b.value) {
        (Domain::Nothing, _) => b.value,
        (_, Domain::Nothing) => a.value,
        (Domain::Known(x), Domain::Known(y)) if x.equals(y) == Outcomes::TRUE => a.value,
        (Domain::Known(Operand::Long(_)) | Domain::Range(..), Domain::Known(Operand::Long(_)) | Domain::Range(..)) => {
            let ((a, b), (c, d)) = (a.bounds(), b.bounds());
            Domain::Range(a.min(c), b.max(d))
        }
        _ => Domain::Unknown,
    };
    AbstractValue { value, may_error }
}

/// Returns the result of an extension function.
pub(super) fn call<'x>(
    function: Function,
    first: &AbstractValue<'_>,
    second: Option<&AbstractValue<'_>>,
) -> AbstractValue<'x> {
    if first.fails() || second.is_some_and(AbstractValue::fails) {
        return AbstractValue::ERROR;
    }
    let mut result = match (first.operand(), second, second.and_then(AbstractValue::operand)) {
        (Some(a), None, _) => call_known(function, a, None),
        (Some(a), Some(_), Some(b)) => call_known(function, a, Some(b)),
        _ => AbstractValue { value: Domain::Unknown, may_error: may_overflow(function, first, second) },
    };
    result.may_error |= first.may_error || second.is_some_and(|second| second.may_error);
    result
}

/// Returns the result of a function for known operands.
fn call_known<'x>(function: Function, a: &Operand<'_>, b: Option<&Operand<'_>>) -> AbstractValue<'x> {
    let answer = |answer| AbstractValue::known(Operand::Bool(answer));
    let computed =
        |n: Option<i64>| n.map_or(AbstractValue::ERROR, |n| AbstractValue::known(number(function.result(), n)));
    let numbers = || Some((a.number()?, b?.number()?));
    match (function.kernel(), a, b) {
        (Kernel::Address(kernel), Operand::Ip(a), _) => answer(kernel(a)),
        (Kernel::Addresses(kernel), Operand::Ip(a), Some(Operand::Ip(b))) => answer(kernel(a, b)),
        (Kernel::Comparison(kernel), ..) => numbers().map_or(AbstractValue::ERROR, |(a, b)| answer(kernel(&a, &b))),
        (Kernel::Total(kernel), ..) => computed(a.number().map(kernel)),
        (Kernel::Checked(kernel), ..) => computed(a.number().and_then(kernel)),
        (Kernel::CheckedPair(kernel), ..) => computed(numbers().and_then(|(a, b)| kernel(a, b))),
        _ => AbstractValue::ERROR,
    }
}

/// Returns whether the result of a function may overflow for operands of which at least one is unknown.
fn may_overflow(function: Function, a: &AbstractValue<'_>, b: Option<&AbstractValue<'_>>) -> bool {
    let bounds = |operand: &AbstractValue<'_>| match &operand.value {
        Domain::Known(Operand::Datetime(n) | Operand::Duration(n)) => [*n, *n],
        Domain::Moment => [MOMENTS.0, MOMENTS.1],
        _ => [i64::MIN, i64::MAX],
    };
    // The functions are monotone: if the results for the ends fit, all others do.
    match (function.kernel(), b) {
        (Kernel::Checked(kernel), _) => bounds(a).into_iter().any(|a| kernel(a).is_none()),
        (Kernel::CheckedPair(kernel), Some(b)) => {
            bounds(a).into_iter().any(|a| bounds(b).into_iter().any(|b| kernel(a, b).is_none()))
        }
        _ => false,
    }
}

/// Returns a number as a value of a type.
pub(super) fn number<'x>(ty: &Ty, n: i64) -> Operand<'x> {
    match ty {
        Ty::Decimal => Operand::Decimal(n),
        Ty::Datetime => Operand::Datetime(n),
        Ty::Duration => Operand::Duration(n),
        _ => Operand::Long(n),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns an interval of numbers.
    fn range(low: i64, high: i64) -> AbstractValue<'static> {
        AbstractValue::range(low, high)
    }

    #[test]
    fn comparisons_of_intervals_are_decided_if_the_intervals_are_apart() {
        let less = |a, b| ordered(&a, &b, |a, b| a < b);
        assert_eq!(less(range(0, 3), range(4, 9)), Outcomes::TRUE);
        assert_eq!(less(range(4, 9), range(0, 4)), Outcomes::FALSE);
        assert_eq!(less(range(0, 4), range(4, 9)), Outcomes::EITHER);
        assert_eq!(equal(&range(0, 3), &range(4, 9)), Outcomes::FALSE);
        assert_eq!(equal(&range(0, 4), &range(4, 9)), Outcomes::EITHER);
    }

    #[test]
    fn arithmetic_on_intervals_covers_every_result_and_overflow() {
        let product = arithmetic(Arithmetic::Multiply, &range(-2, 3), &range(-5, 7));
        assert_eq!((product.bounds(), product.may_error), ((-15, 21), false));
        let sum = arithmetic(Arithmetic::Add, &range(0, i64::MAX), &range(1, 1));
        assert_eq!((sum.bounds(), sum.may_error), ((1, i64::MAX), true));
        assert!(arithmetic(Arithmetic::Add, &range(i64::MAX, i64::MAX), &range(1, 1)).fails());
    }

    #[test]
    fn a_union_covers_both_values() {
        assert_eq!(union(range(1, 1), range(5, 6)).bounds(), (1, 6));
        assert!(matches!(union(AbstractValue::ERROR, range(5, 6)).value, Domain::Range(5, 6)));
        assert!(union(AbstractValue::ERROR, range(5, 6)).may_error);
    }
}
