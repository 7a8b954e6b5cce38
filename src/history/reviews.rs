//! Whether the reviews of an account were made in time.

/// Returns the number of reviews that are missing in a period: the times, `every` after the other since its start, that
/// passed with their grace before its end. `every` is positive.
pub(super) fn missed((from, to): (i64, i64), every: i64, grace: i64) -> u64 {
    let late = i128::from(to) - i128::from(from) - i128::from(grace);
    let every = i128::from(every.max(1));
    if late <= every {
        return 0;
    }
    // A review at the very end of the grace is in time, so the quotient is rounded up, less the review at the end.
    u64::try_from((late + every - 1) / every - 1).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::missed;

    #[test]
    fn a_review_is_missing_when_its_grace_is_over() {
        const DAY: i64 = 86_400_000;
        for (days, expected) in
            [(0, 0), (1, 0), (14, 0), (15, 0), (16, 1), (28, 1), (29, 1), (30, 2), (43, 2), (44, 3), (-5, 0)]
        {
            assert_eq!(missed((0, days * DAY), 14 * DAY, DAY), expected, "{days}");
        }
        assert_eq!(missed((0, 15 * DAY + 1), 14 * DAY, DAY), 1);
        assert_eq!(missed((0, 14 * DAY), 14 * DAY, 0), 0);
        assert_eq!(missed((0, 14 * DAY + 1), 14 * DAY, 0), 1);
        assert_eq!(missed((i64::MIN, i64::MAX), 1, 0), u64::MAX - 1);
    }
}
