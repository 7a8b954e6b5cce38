//! A history as one HTML page that loads nothing and has no script: for each account a plot, its findings with their ages,
//! and its reviews.

use super::model::{AccountHistory, FindingHistory, History, Section};
use super::plot::Plot;
use super::words::{self, SHOWN};
use crate::render::html::Asset;
use askama::Template;
use std::io::{self, BufWriter, Write};

/// The page.
#[derive(Template)]
#[template(path = "history.html")]
struct Page<'h> {
    style: Asset,
    version: &'static str,
    history: &'h History,
    heading: String,
    tone: &'static str,
    subject: String,
    totals: Vec<(Section, usize)>,
    accounts: Vec<Account<'h>>,
}

/// An account on the page.
struct Account<'h> {
    at: usize,
    account: &'h AccountHistory,
    name: &'h str,
    plot: Option<Plot>,
    summary: String,
    plan: String,
    sections: Vec<(Section, Vec<(&'h FindingHistory, String)>)>,
    intervals: Vec<(&'static str, String)>,
}

impl<'h> Page<'h> {
    fn of(history: &'h History) -> Self {
        let count = |section| {
            let counts = history.accounts.iter().filter_map(|account| account.totals.get(&section));
            counts.sum::<usize>()
        };
        let (open, unknown) = (count(Section::Open), count(Section::Unknown) + count(Section::NotJudged));
        let (heading, tone) = match (history.damaged.len(), history.accounts.len(), open, unknown) {
            (1.., ..) => ("Some reports are damaged".to_owned(), "fail"),
            (_, 0, ..) => ("No reports".to_owned(), "unknown"),
            (_, _, 1.., _) => (words::counted(open, "open finding"), "fail"),
            (_, _, _, 1..) => ("No open finding, with unknown verdicts".to_owned(), "unknown"),
            _ => ("No open finding".to_owned(), "pass"),
        };
        Self {
            style: Asset::new(concat!(
                include_str!("../render/html/page.css"),
                include_str!("../render/html/history.css")
            )),
            version: env!("CARGO_PKG_VERSION"),
            history,
            heading,
            tone,
            subject: words::subject(history),
            totals: Section::ALL.into_iter().map(|section| (section, count(section))).collect(),
            accounts: history.accounts.iter().enumerate().map(|it| account(it, history)).collect(),
        }
    }

    /// Returns the class of the colour of a section.
    fn kind(&self, section: &Section) -> &'static str {
        match section {
            Section::Open => "fail",
            Section::Unknown | Section::NotJudged => "unknown",
            Section::Waived => "waived",
            Section::Fixed => "pass",
        }
    }

    /// Returns a time to the minute.
    fn when(&self, at: &i64) -> String {
        words::when(*at)
    }

    /// Returns the number of findings of an account in a section.
    fn total(&self, account: &AccountHistory, section: &Section) -> usize {
        account.totals.get(section).copied().unwrap_or(0)
    }
}

fn account<'h>((at, account): (usize, &'h AccountHistory), history: &'h History) -> Account<'h> {
    let section = |section: Section| {
        let findings = account.findings.iter().filter(|finding| finding.section == section);
        let findings: Vec<_> = findings.map(|finding| (finding, words::story(finding, history.now))).collect();
        (!findings.is_empty()).then_some((section, findings))
    };
    let interval = |interval: &super::model::Interval| {
        let mark = match (interval.missed, interval.ended) {
            (0, true) => "kept",
            (0, false) => "running",
            _ => "missed",
        };
        (mark, words::interval(interval, account))
    };
    Account {
        at,
        account,
        name: if account.account.is_empty() { "(an account without an id)" } else { &account.account },
        plot: Plot::of(account),
        summary: format!("{}. Findings: {}.", words::reviews(account), words::totals(account)),
        plan: words::plan(account, history),
        sections: Section::ALL.into_iter().filter_map(section).collect(),
        intervals: account.plan.intervals.iter().map(interval).collect(),
    }
}

/// Writes a history as HTML.
///
/// # Errors
/// When `out` cannot be written.
pub fn write_history_as_html(history: &History, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    Page::of(history).write_into(&mut out)?;
    out.flush()
}
