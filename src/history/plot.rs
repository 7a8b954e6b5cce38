//! The plot of an account: for each kind of verdict a line over time with its numbers, and the intervals between reviews.
//!
//! Each line has its own row with its name, so the plot is readable without colours. The table of reviews has the same
//! numbers.

use super::model::{AccountHistory, Interval};
use super::words::{SHOWN, when};

/// The width of the drawing, of its left margin with names, and of its right margin.
const WIDTH: i64 = 1000;
const LEFT: i64 = 110;
const RIGHT: i64 = 60;

/// The height of a row, and of the part of it for the line.
const ROW: i64 = 64;
const LINE: i64 = 34;

/// Reviews whose numbers and times are all written.
const FEW: usize = 8;

/// The plot of an account.
pub(super) struct Plot {
    /// Its height.
    pub height: i64,
    /// The width.
    pub width: i64,
    /// The ends of the lines along the time.
    pub left: i64,
    pub right: i64,
    /// A row for each kind of verdict.
    pub rows: Vec<Row>,
    /// The intervals between the reviews.
    pub spans: Vec<Span>,
    /// The height of their row.
    pub spans_at: i64,
    /// The times.
    pub times: Vec<Label>,
}

/// The row of one kind of verdict.
pub(super) struct Row {
    pub name: &'static str,
    pub class: &'static str,
    /// The height of the name, and that of zero.
    pub middle: i64,
    pub zero: i64,
    /// The line, as SVG has it.
    pub points: String,
    pub dots: Vec<(i64, i64)>,
    pub labels: Vec<Label>,
}

/// A text at a position.
pub(super) struct Label {
    pub x: i64,
    pub y: i64,
    pub text: String,
    pub anchor: &'static str,
}

/// The interval between two reviews, or since the last one.
pub(super) struct Span {
    pub from: i64,
    pub to: i64,
    pub class: &'static str,
    pub label: Option<Label>,
}

impl Plot {
    /// Returns the plot of an account; `None` without a review.
    pub(super) fn of(account: &AccountHistory) -> Option<Self> {
        let first = account.reviews.first()?.at;
        let last = account.plan.intervals.last().map_or(first, |interval| interval.to);
        let x = |at: i64| {
            let (part, whole) = (i128::from(at) - i128::from(first), i128::from(last) - i128::from(first));
            let room = i128::from(WIDTH - LEFT - RIGHT);
            let along = if whole > 0 { part * room / whole } else { 0 };
            LEFT + i64::try_from(along).unwrap_or(0)
        };
        let rows: Vec<Row> = (0..).zip(SHOWN).map(|(at, kind)| row(account, at, kind, &x)).collect();
        let spans_at = ROW * i64::try_from(rows.len()).unwrap_or(0) + 22;
        let spans = account.plan.intervals.iter().map(|it| span(it, spans_at, &x)).collect();
        Some(Self {
            height: spans_at + 46,
            width: WIDTH,
            left: LEFT,
            right: WIDTH - RIGHT,
            rows,
            spans,
            spans_at,
            times: times(account, spans_at + 34, &x),
        })
    }
}

fn row(
    account: &AccountHistory,
    at: i64,
    (verdict, name, class): (crate::engine::Verdict, &'static str, &'static str),
    x: &dyn Fn(i64) -> i64,
) -> Row {
    let zero = ROW * at + ROW - 12;
    let counts: Vec<usize> =
        account.reviews.iter().map(|review| review.verdicts.get(&verdict).copied().unwrap_or(0)).collect();
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let y = |count: usize| {
        let high = i128::try_from(count).unwrap_or(0) * i128::from(LINE) / i128::try_from(most).unwrap_or(1);
        zero - i64::try_from(high).unwrap_or(0)
    };
    let dots: Vec<(i64, i64)> =
        account.reviews.iter().zip(&counts).map(|(review, count)| (x(review.at), y(*count))).collect();
    let points: Vec<String> = dots.iter().map(|(x, y)| format!("{x},{y}")).collect();
    let last = counts.len().saturating_sub(1);
    let highest = counts.iter().position(|count| *count == most);
    let is_labelled = |at: usize| counts.len() <= FEW || at == 0 || at == last || Some(at) == highest;
    let label = |(at, ((x, y), count)): (usize, (&(i64, i64), &usize))| {
        is_labelled(at).then(|| Label { x: *x, y: y - 7, text: count.to_string(), anchor: "middle" })
    };
    let labels = dots.iter().zip(&counts).enumerate().filter_map(label).collect();
    Row { name, class, middle: zero - LINE / 2 + 5, zero, points: points.join(" "), dots, labels }
}

fn span(interval: &Interval, y: i64, x: &dyn Fn(i64) -> i64) -> Span {
    let (from, to) = (x(interval.from), x(interval.to));
    let class = match (interval.missed, interval.ended) {
        (0, true) => "kept",
        (0, false) => "running",
        _ => "missed",
    };
    let text = || format!("{} missed", interval.missed);
    let label = (interval.missed > 0).then(|| Label { x: (from + to) / 2, y: y - 6, text: text(), anchor: "middle" });
    Span { from, to, class, label }
}

/// Returns the times below the plot: all of a few reviews that are apart, otherwise the first and the last one.
fn times(account: &AccountHistory, y: i64, x: &dyn Fn(i64) -> i64) -> Vec<Label> {
    let label = |at: i64, anchor| {
        let text = when(at);
        Label { x: x(at), y, text: text.get(..10).unwrap_or(&text).to_owned(), anchor }
    };
    let mut times: Vec<Label> = Vec::new();
    for review in &account.reviews {
        let next = label(review.at, "middle");
        if times.last().is_none_or(|last| next.x - last.x >= 100) {
            times.push(next);
        }
    }
    times
}
