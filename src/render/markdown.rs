//! A run as Markdown, for job summaries and comments: status, counts and the checks that did not pass first, then the
//! findings, folded by check, and the missing data. The text has at most [`MOST`] characters; it states the number of items
//! that it omits.
//!
//! Texts from inputs are escaped for Markdown and for HTML, and values of snapshots are code, in which platforms do not
//! look for mentions and links.

use super::configured;
use super::document::{Check, Diagnostic, Document, Finding, Waiver};
use super::escape::{plain, short};
use super::gaps::{blocked, blocked_checks, gaps};
use super::names;
use super::output::{Audience, Format, OfDocument, Presentation, Unit};
use super::totals::{baseline, reason};
use crate::engine::Verdict;
use crate::report::CheckState;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// The format.
pub(super) const FORMAT: Format = Format {
    name: "markdown",
    help: "For job summaries and comments: Markdown with folded findings",
    audience: Audience::Programs,
    unit: Unit::Run,
    recognised: &[],
    new: |presentation| OfDocument::open(presentation, write),
    saved: Some(write),
};

/// Characters of a text. GitHub accepts 65,536 in a comment.
const MOST: usize = 60_000;

/// Characters up to which the table of checks, the missing data and the diagnostics are written. The findings, which are
/// folded, take the rest.
const MOST_BEFORE_FINDINGS: usize = 30_000;

/// Characters that the statements of omissions may take.
const RESERVE: usize = 1_000;

fn write(document: &Document<'_>, _: &Presentation, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page::default();
    head(document, &mut page);
    diagnostics(document, &mut page);
    table(document, &mut page);
    waivers(document, &mut page);
    missing(document, &mut page);
    findings(document, &mut page);
    out.write_all(page.text.as_bytes())
}

/// A text that is being written, with the number of its characters.
#[derive(Debug, Default)]
struct Page {
    text: String,
    characters: usize,
}

impl Page {
    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.characters += text.chars().count();
    }

    /// Adds a text unless the page then has more than `most` characters.
    fn push_within(&mut self, text: &str, most: usize) -> bool {
        let fits = self.characters + text.chars().count() <= most;
        if fits {
            self.push(text);
        }
        fits
    }

    /// Adds items until one does not fit, and the number of the others.
    fn push_items(&mut self, items: &[String], most: usize, name: &str) {
        let shown = items.iter().take_while(|item| self.push_within(item, most)).count();
        if shown < items.len() {
            self.push(&format!("\n{} more {name} are not shown: the text is limited.\n", items.len() - shown));
        }
    }
}

fn head(document: &Document<'_>, page: &mut Page) {
    let (run, summary) = (&document.run, &document.summary);
    let count = |verdict| summary.verdicts.get(&verdict).copied().unwrap_or(0);
    let statuses: Vec<&str> = run.statuses.iter().map(|status| names::status(*status)).collect();
    page.push(&format!("## Deodar: {}\n\n", statuses.join(", ").replace('_', " ")));
    let reasons = run.statuses.iter().map(|status| reason(*status, document));
    let reasons: Vec<String> = reasons.chain(baseline(document)).collect();
    page.push(&format!("**Exit code {}**: {}.\n\n", run.exit_code, reasons.join("; ")));
    let shown = Verdict::ALL.into_iter().filter(|verdict| *verdict != Verdict::Waived || count(*verdict) > 0);
    let shown: Vec<String> = shown.map(|verdict| format!("{} {}", count(verdict), named(verdict))).collect();
    let total: usize = summary.verdicts.values().sum();
    page.push(&format!("{}, {}: {}.\n\n", many(summary.checks, "check"), many(total, "verdict"), shown.join(", ")));
    let snapshots = match &run.snapshots[..] {
        [one] => code(&one.path),
        _ => many(summary.accounts, "snapshot"),
    };
    let version = run.pack_version.as_deref().map(|version| format!(" {}", code(version))).unwrap_or_default();
    page.push(&format!("{snapshots}, judged by {}{version} as of {}.\n", code(&run.pack), code(&run.now)));
    if let Some((file, weakens)) = configured::lines(document).split_first() {
        page.push(&format!("\n{}\n\n", code(file)));
        let items: Vec<String> = weakens.iter().map(|line| format!("- {}\n", code(line))).collect();
        page.push_items(&items, MOST_BEFORE_FINDINGS / 3, "settings");
    }
}

/// Writes the problems of the inputs.
fn diagnostics(document: &Document<'_>, page: &mut Page) {
    if document.diagnostics.is_empty() {
        return;
    }
    page.push("\n### Problems of the inputs\n\n");
    let items: Vec<String> = document.diagnostics.iter().map(diagnostic).collect();
    page.push_items(&items, MOST_BEFORE_FINDINGS / 3, "problems");
}

fn diagnostic(found: &Diagnostic<'_>) -> String {
    let place = found.labels.first().map(|label| format!(" at {}", code(&label.span.shown()))).unwrap_or_default();
    let help = found.help.as_deref().map(|help| format!("<br>help: {}", code(help))).unwrap_or_default();
    format!("- **{}** {}: {}{place}{help}\n", found.severity.name(), code(&found.code), code(&found.message))
}

/// Writes the waivers of the run.
fn waivers(document: &Document<'_>, page: &mut Page) {
    if document.waivers.is_empty() {
        return;
    }
    page.push("\n### Waivers\n\n| waiver | check | status | waived | last day | owner | reason |\n");
    page.push("| --- | --- | --- | ---: | --- | --- | --- |\n");
    let row = |it: &Waiver<'_>| {
        let ticket = it.ticket.as_ref().map_or_else(String::new, |ticket| format!(" ({ticket})"));
        format!(
            "| {} | {} | {} | {} | {} | {} | {} |\n",
            code(&it.id),
            code(&it.check),
            it.status.words(),
            it.waived,
            code(&it.expires),
            code(&it.owner),
            prose(&format!("{}{ticket}", it.reason))
        )
    };
    let rows: Vec<String> = document.waivers.iter().map(row).collect();
    page.push_items(&rows, MOST_BEFORE_FINDINGS * 5 / 6, "waivers");
}

/// Writes the checks that failed, are unknown or are invalid, by severity.
fn table(document: &Document<'_>, page: &mut Page) {
    let checks = sorted(document, |check| {
        check.state == CheckState::Invalid || check.count(Verdict::Fail) > 0 || check.count(Verdict::Unknown) > 0
    });
    if checks.is_empty() {
        return;
    }
    let has_baseline = document.run.baseline.is_some();
    let (new, line) = if has_baseline { (" new or worse |", " ---: |") } else { ("", "") };
    page.push(&format!(
        "\n| severity | check | title | fail | unknown |{new}\n| --- | --- | --- | ---: | ---: |{line}\n"
    ));
    let rows = checks.iter().map(|check| {
        let (fail, unknown) = match check.state {
            CheckState::Invalid => ("invalid".to_owned(), String::new()),
            _ => (check.count(Verdict::Fail).to_string(), check.count(Verdict::Unknown).to_string()),
        };
        let new = check.uncovered(Verdict::Fail) + check.uncovered(Verdict::Unknown);
        let new = if has_baseline { format!(" {new} |") } else { String::new() };
        let (severity, id, title) = (check.severity.name(), code(&check.id), prose(&check.title));
        format!("| {severity} | {id} | {title} | {fail} | {unknown} |{new}\n")
    });
    page.push_items(&rows.collect::<Vec<_>>(), MOST_BEFORE_FINDINGS * 2 / 3, "checks");
}

/// Returns the checks with a property, the most severe first.
fn sorted<'d>(document: &'d Document<'_>, is_shown: impl Fn(&Check<'_>) -> bool) -> Vec<&'d Check<'d>> {
    let mut checks: Vec<&Check<'_>> = document.checks.iter().filter(|check| is_shown(check)).collect();
    checks.sort_by_key(|check| (Reverse(check.severity), &check.id));
    checks
}

/// Writes every place that was not captured once, with the checks that it blocks; the largest first.
fn missing(document: &Document<'_>, page: &mut Page) {
    let gaps = gaps(document);
    if gaps.is_empty() {
        return;
    }
    let (values, verdicts) = (many(gaps.len(), "value"), many(blocked(&gaps), "verdict"));
    let blocks = if gaps.len() == 1 { "blocks" } else { "block" };
    let of_checks = many(blocked_checks(&gaps), "check");
    page.push(&format!("\n<details><summary>Missing data: {values} {blocks} {verdicts} of {of_checks}</summary>\n\n"));
    let several = document.run.snapshots.len() > 1;
    let items = gaps.iter().map(|gap| {
        let place = if gap.pointer.is_empty() { "the document".to_owned() } else { code(gap.pointer) };
        let of = if several { format!(" of {}", code(gap.snapshot)) } else { String::new() };
        let checks: Vec<String> = gap.checks.iter().map(|check| code(check)).collect();
        let doc = gap.doc.map(|doc| format!("<br>{}", prose(doc))).unwrap_or_default();
        let lacks = gap.lacks.map(|lacks| format!("<br>{} is missing", code(lacks))).unwrap_or_default();
        let (attribute, verdicts) = (code(gap.attribute), many(gap.findings.len(), "verdict"));
        format!("- {place}{of}: {attribute} blocks {verdicts} of {}{lacks}{doc}\n", checks.join(", "))
    });
    page.push_items(&items.collect::<Vec<_>>(), MOST_BEFORE_FINDINGS, "values");
    page.push("\n</details>\n");
}

/// Writes the findings, folded by check, and the number of those that do not fit.
fn findings(document: &Document<'_>, page: &mut Page) {
    let mut by_check: BTreeMap<&str, Vec<&Finding<'_>>> = BTreeMap::new();
    for found in &document.findings {
        by_check.entry(&found.check).or_default().push(found);
    }
    let mut shown = 0;
    'checks: for check in sorted(document, |check| by_check.contains_key(&*check.id)) {
        let found = by_check.get(&*check.id).map_or(&[][..], Vec::as_slice);
        let counts: Vec<String> = Verdict::ALL
            .into_iter()
            .map(|verdict| (verdict, found.iter().filter(|found| found.verdict == verdict).count()))
            .filter(|(_, count)| *count > 0)
            .map(|(verdict, count)| format!("{count} {}", named(verdict)))
            .collect();
        let (severity, title) = (check.severity.name(), prose(&check.title));
        let mut head =
            format!("\n<details><summary>{severity} {}: {title}: {}</summary>\n\n", code(&check.id), counts.join(", "));
        let remedy = check.remediation.as_deref().filter(|_| check.count(Verdict::Fail) > 0);
        head.extend(remedy.map(|remedy| format!("Remedy: {}\n\n", prose(remedy))));
        let end = "\n</details>\n";
        let room = MOST - RESERVE - end.len();
        let Some((first, others)) = found.split_first() else { continue };
        if !page.push_within(&(head + &item(first)), room) {
            break;
        }
        shown += 1;
        for found in others {
            if !page.push_within(&item(found), room) {
                page.push(end);
                break 'checks;
            }
            shown += 1;
        }
        page.push(end);
    }
    let omitted = document.findings.len() - shown;
    if omitted > 0 {
        page.push(&format!(
            "\n**{omitted} of {} findings are not shown**: the text has at most {MOST} characters.\n",
            document.findings.len()
        ));
    }
}

fn item(found: &Finding<'_>) -> String {
    let resource = code(&format!("{} {}", found.resource.ty, found.resource.id));
    let place = found.snapshot_place().map(|place| format!(" at {}", code(&place.shown())));
    let policy = found.policy_place().map(|place| format!(", policy {}", code(&place.shown())));
    let change = found.baseline.map_or_else(String::new, |change| format!("{} ", change.name()));
    let waiver = found
        .waiver
        .as_ref()
        .map(|by| format!(", original verdict **{}**, waived {}", named(found.original()), code(&by.words())));
    format!(
        "- **{change}{}** {resource}: {}{}{}{}, fingerprint {}\n",
        named(found.verdict),
        code(&found.message),
        place.unwrap_or_default(),
        policy.unwrap_or_default(),
        waiver.unwrap_or_default(),
        code(&found.fingerprint)
    )
}

fn named(verdict: Verdict) -> String {
    verdict.name().replace('_', " ")
}

fn many(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Returns a text from an input as code.
pub(crate) fn code(text: &str) -> String {
    format!("<code>{}</code>", escaped(&short(text)))
}

/// Returns prose of a pack as one paragraph, without markup. A space of no width keeps platforms from reading mentions
/// of users and of issues.
pub(crate) fn prose(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    escaped(&short(&text)).replace("&#64;", "&#64;&#8203;").replace("&#35;", "&#35;&#8203;")
}

/// Returns a text in which no character is markup of Markdown or HTML. A character reference is never markup.
fn escaped(text: &str) -> String {
    let text = plain(text);
    let mut shown = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let is_markup = match c {
            // Platforms make links of addresses.
            ':' => rest.peek() == Some(&'/'),
            '.' => ends_with_www(&shown),
            c => "&<>\\`*_[]|~#@$".contains(c),
        };
        if is_markup { shown.push_str(&format!("&#{};", u32::from(c))) } else { shown.push(c) }
    }
    shown
}

fn ends_with_www(text: &str) -> bool {
    text.bytes().rev().take(3).filter(|byte| byte.eq_ignore_ascii_case(&b'w')).count() == 3
}
