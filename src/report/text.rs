//! The report for people: findings with excerpts of policy and snapshot, then a scorecard.

use super::controls::{ByControl, ControlReport, Standing, by_control};
use super::excerpt::{Excerpts, first_line, plain, short};
use super::finding::show_constant;
use super::{
    Capture, CheckReport, CheckState, ClauseReport, Finding, ReadReport, ReadState, Report, Status, phrase,
    unknown_phrase,
};
use crate::diagnostic::{self, Code, Diagnostic, Label, Page};
use crate::engine::Verdict;
use crate::policy::{Check, Policies};
use crate::program::{Constant, Program};
use crate::schema::{Model, SlotId};
use crate::source::pointer::{Pattern, Pointer};
use crate::source::{Place, Source, Span};
use crate::value::{TypeId, show_datetime};
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, Severity, SourceCode};
use std::collections::HashSet;
use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;

/// How a report is written.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// Columns of the terminal.
    pub width: usize,
    /// Whether to use colour.
    pub color: bool,
    /// How much is written.
    pub detail: Detail,
}

/// How much is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Errors and the totals.
    Quiet,
    /// Failures, unknowns and the scorecard.
    Normal,
    /// Also what is not applicable and why.
    Verbose,
}

/// Writes a report.
///
/// # Errors
/// When `out` cannot be written.
pub fn write(report: &Report, style: Style, out: &mut dyn Write) -> io::Result<()> {
    write_diagnostics(&report.diagnostics, report, style, out)?;
    for ((code, severity), count) in &report.untold {
        let (name, s) = (severity.name(), if *count == 1 { "" } else { "s" });
        writeln!(
            out,
            "  … and {count} more {name}{s} of the kind {code}; --max-findings or --format json shows them\n"
        )?;
    }
    if style.detail > Detail::Quiet {
        write_findings(report, style, out)?;
        match report.run.by {
            None => write_scorecard(report, style, out)?,
            Some(framework) => write_controls(&by_control(report, framework), style, out)?,
        }
    }
    write_totals(report, style, out)
}

/// Writes the page of a code: its meaning, its fix and an example.
///
/// # Errors
/// When `out` cannot be written.
pub fn write_page(code: Code, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let Page { paragraphs, example } = Page::of(code);
    writeln!(out, "{code} · {}\n", code.severity().name())?;
    for text in &paragraphs {
        writeln!(out, "{}\n", paragraph("", "", text, style))?;
    }
    let Some(example) = example else { return Ok(()) };
    writeln!(out, "Example: {}\n", example.heading)?;
    for (name, content) in &example.inputs {
        writeln!(out, "  {name}")?;
        content.lines().try_for_each(|line| writeln!(out, "{}", format!("  │ {}", plain(line)).trim_end()))?;
        writeln!(out)?;
    }
    example.output.lines().try_for_each(|line| writeln!(out, "{}", format!("  {line}").trim_end()))
}

/// Writes diagnostics alone.
///
/// # Errors
/// When `out` cannot be written.
pub fn write_diagnostics(
    diagnostics: &[Diagnostic],
    report: &Report,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    for diagnostic in diagnostics {
        let severity = match diagnostic.severity {
            diagnostic::Severity::Error => Severity::Error,
            diagnostic::Severity::Warning => Severity::Warning,
        };
        let label = |label: &Label| (label.place.clone(), label.text.clone());
        let labels: Vec<(Place, String)> = diagnostic.labels.iter().map(label).collect();
        let mut groups = by_source(&labels).into_iter();
        let first = groups.next();
        let shown = Shown::new(
            report,
            severity,
            Some(diagnostic.code.name().to_owned()),
            diagnostic.message.clone(),
            first.as_deref(),
        );
        let rest: Vec<_> = groups.collect();
        let help = diagnostic.help.clone();
        if rest.is_empty() {
            Shown { help, ..shown }.write(style, out)?;
            continue;
        }
        shown.write(style, out)?;
        let last = rest.len() - 1;
        for (at, group) in rest.iter().enumerate() {
            let shown = Shown::new(report, Severity::Advice, None, "see also".into(), Some(group));
            Shown { help: help.clone().filter(|_| at == last), ..shown }.write(style, out)?;
        }
    }
    Ok(())
}

fn write_findings(report: &Report, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let written = |finding: &&Finding| finding.verdict != Verdict::NotApplicable || style.detail == Detail::Verbose;
    let findings: Vec<&Finding> = report.findings.iter().filter(written).collect();
    for same in findings.chunk_by(|a, b| (a.check, a.verdict) == (b.check, b.verdict)) {
        let Some((first, check)) = same.first().and_then(|first| Some((first, report.checks.get(first.check)?))) else {
            continue;
        };
        let mut told = HashSet::new();
        for (at, finding) in same.iter().enumerate() {
            let new = finding.captures.iter().filter(|capture| told.insert((&capture.attribute, &capture.doc)));
            let captures: Vec<&Capture> = new.collect();
            write_finding(report, check, finding, &captures, at == 0, style, out)?;
        }
        let more = check.count(first.verdict).saturating_sub(same.len());
        if more > 0 {
            writeln!(
                out,
                "  … and {more} more {} of {}; --max-findings or --format json shows them\n",
                plural(more, first.verdict),
                plain(&check.id)
            )?;
        }
    }
    Ok(())
}

fn plural(n: usize, verdict: Verdict) -> &'static str {
    match (verdict, n) {
        (Verdict::Fail, 1) => "failure",
        (Verdict::Fail, _) => "failures",
        (Verdict::Unknown, 1) => "unknown verdict",
        (Verdict::Unknown, _) => "unknown verdicts",
        (Verdict::Waived, _) => "waived",
        (Verdict::NotApplicable, _) => "not applicable",
        (Verdict::Pass, _) => "passed",
    }
}

/// The places that a finding rests on: the clauses that decided, then the values they decided on.
pub(crate) fn evidence(finding: &Finding) -> Vec<Label> {
    let clauses = finding.clauses.iter().map(|clause| (clause.place.clone(), clause_label(clause)));
    clauses.chain(values(finding)).map(|(place, text)| Label { place, text }).collect()
}

/// Two excerpts: the clauses that decided, then the values they decided on. `captures` are the values to capture that no
/// earlier finding of the check names.
fn write_finding(
    report: &Report,
    check: &CheckReport,
    finding: &Finding,
    captures: &[&Capture],
    first: bool,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let severity = match finding.verdict {
        Verdict::Fail => Severity::Error,
        Verdict::Unknown | Verdict::Waived => Severity::Warning,
        Verdict::NotApplicable | Verdict::Pass => Severity::Advice,
    };
    let clauses: Vec<(Place, String)> =
        finding.clauses.iter().map(|clause| (clause.place.clone(), clause_label(clause))).collect();
    let code = format!("{} · {} · {}", check.id, check.level.name(), finding.verdict.name().replace('_', " "));
    let about = format!("{} {}", finding.resource.ty, finding.resource.id);
    let shown = Shown::new(
        report,
        severity,
        Some(code),
        check.title.to_string(),
        by_source(&clauses).first().map(Vec::as_slice),
    );
    Shown { about: Some(about), labelled: "clauses", ..shown }.write(style, out)?;
    let values = values(finding);
    let groups = by_source(&values);
    let shown = Shown::new(report, Severity::Advice, None, finding.message.clone(), groups.first().map(Vec::as_slice));
    let (shown_captures, more_captures) = captures.split_at(captures.len().min(CAPTURES));
    let mut helps = shown_captures.iter().map(|capture| capture_help(capture));
    let help = match finding.verdict {
        Verdict::Unknown if finding.captures.is_empty() => Some(unknown_help(finding).to_owned()),
        Verdict::Unknown => helps.next(),
        Verdict::Fail | Verdict::Waived => check.remediation.as_ref().map(ToString::to_string),
        Verdict::NotApplicable | Verdict::Pass => None,
    };
    let more_helps = helps.collect();
    // What to do is the same for every failure of a check: the first says it.
    let help = help.filter(|_| first || !captures.is_empty());
    let mut defaults = groups.iter().skip(1);
    let source = check.source.as_ref().filter(|_| first && finding.verdict == Verdict::Fail).map(ToString::to_string);
    let labelled = "values";
    Shown { help, more_helps, unhelped: more_captures.len(), source_link: source, labelled, ..shown }
        .write(style, out)?;
    defaults.try_for_each(|group| {
        let message = "a value that is not in the snapshot has a default".to_owned();
        Shown::new(report, Severity::Advice, None, message, Some(group)).write(style, out)
    })
}

/// Values to capture that one finding names; of the others the number is given.
const CAPTURES: usize = 3;

/// Says what to capture, and where a person finds it.
fn capture_help(capture: &Capture) -> String {
    let place = match capture.pointer.as_str() {
        "" => "the document",
        pointer => pointer,
    };
    let doc = capture.doc.as_ref().map_or(String::new(), |doc| format!(": {doc}"));
    format!("capture {} at {place}{doc}", capture.attribute)
}

/// The remedy for an unknown verdict if no value to capture is known.
fn unknown_help(finding: &Finding) -> &'static str {
    let reads = finding.clauses.iter().flat_map(|clause| &clause.reads);
    let states =
        reads.flat_map(|read| std::iter::once(read.state).chain(read.uncaptured.iter().map(|list| list.state)));
    let unreadable = |state: &ReadState| *state == ReadState::Unreadable;
    let states: Vec<ReadState> = states.collect();
    match (states.iter().any(unreadable), states.iter().any(|state| !unreadable(state) && state.is_unknown())) {
        (true, false) => "correct what is unreadable, then check again",
        (true, true) => "correct what is unreadable and capture what is missing, then check again",
        (false, _) => "capture what is missing, then check again",
    }
}

fn clause_label(clause: &ClauseReport) -> String {
    let outcome = match (clause.outcome, &clause.failure) {
        (_, Some((_, reason))) => format!("cannot be evaluated: {reason}"),
        ("unknown", None) => "cannot be told".to_owned(),
        (outcome, None) => format!("this is {outcome}"),
    };
    let parameters = clause.reads.iter().filter(|read| read.kind == "parameter");
    let parameters: Vec<String> = parameters
        .map(|read| {
            let scope = read.entity.as_ref().map_or(String::new(), |scope| format!(" for {scope}"));
            format!("{} = {}{scope}", read.name, read.value.as_deref().unwrap_or("(not set)"))
        })
        .collect();
    let derived = clause
        .reads
        .iter()
        .filter(|read| read.kind == "derived" && matches!(read.state, ReadState::Known | ReadState::Between));
    let derived: Vec<String> =
        derived.map(|read| format!("{} = {}", read.name, read.value.as_deref().unwrap_or_default())).collect();
    let values: Vec<String> = derived.into_iter().chain(parameters).collect();
    if values.is_empty() { outcome } else { format!("{outcome}: {}", values.join(", ")) }
}

/// Labels on the snapshot: every value that was read, every object that lacks one.
fn values(finding: &Finding) -> Vec<(Place, String)> {
    let mut labels: Vec<(Place, String)> = Vec::new();
    let mut seen: HashSet<(Span, String)> = HashSet::new();
    let mut push = |place: Place, text: String| {
        if seen.insert((place.span, text.clone())) {
            labels.push((place, text));
        }
    };
    for read in finding.clauses.iter().flat_map(|clause| &clause.reads) {
        // A derived value stands nowhere: what it counted does, or else the entity it was derived for.
        let counted = !read.witnesses.is_empty() || !read.uncaptured.is_empty();
        if let Some(place) = read.place.as_ref().filter(|_| read.kind != "derived" || !counted) {
            push(place.clone(), value_label(read));
        }
        if let Some(place) = &read.default {
            push(one_line_place(place), format!("the default of {}", read.name));
        }
        if let Some((name, place)) = &read.misspelt {
            push(place.clone(), format!("is `{name}` meant to be `{}`?", read.lacks.as_deref().unwrap_or(&read.name)));
        }
        for witness in &read.witnesses {
            let doubt = if witness.certain { "" } else { "perhaps " };
            push(witness.place.clone(), format!("{doubt}counts for {}", read.name));
        }
        if read.more_witnesses > 0
            && let Some(last) = read.witnesses.last()
        {
            push(last.place.clone(), format!("and {} more count for {}", read.more_witnesses, read.name));
        }
        for list in &read.uncaptured {
            let label = format!("`{}` {}, and {} counts it", list.entity, unknown_phrase(list.state), read.name);
            push(one_line_place(&list.place), label);
        }
    }
    labels
}

fn value_label(read: &ReadReport) -> String {
    match &read.lacks {
        _ if read.kind == "derived" => format!("nothing counts for {} of this", read.name),
        Some(property) if read.default.is_some() => {
            format!("no `{property}` here: {} by default", read.value.as_deref().unwrap_or_default())
        }
        Some(property) if read.state == ReadState::Absent => format!("no `{property}` here"),
        Some(property) => format!("`{property}` is missing here"),
        None => phrase(read),
    }
}

/// The first line of a place. At the end of a text, where nothing can be pointed at, the last character before it.
fn shown_place(place: &Place) -> Place {
    let text = place.source.text().trim_end();
    match text.char_indices().next_back() {
        Some((last, c)) if place.span.is_empty() && place.span.start as usize >= text.len() => {
            Place::new(&place.source, Span::new(last as u32, (last + c.len_utf8()) as u32))
        }
        _ => one_line_place(place),
    }
}

fn one_line_place(place: &Place) -> Place {
    Place { source: Arc::clone(&place.source), span: first_line(place) }
}

/// Groups labels by source, in order of first appearance.
fn by_source(labels: &[(Place, String)]) -> Vec<Vec<(Place, String)>> {
    let mut groups: Vec<Vec<(Place, String)>> = Vec::new();
    for label in labels {
        let group =
            groups.iter_mut().find(|group| group.iter().any(|(place, _)| Arc::ptr_eq(&place.source, &label.0.source)));
        match group {
            Some(group) => group.push(label.clone()),
            None => groups.push(vec![label.clone()]),
        }
    }
    groups
}

/// Labels of one excerpt; of the others the number is given.
const LABELS: usize = 12;

/// Something miette can render.
#[derive(Debug)]
struct Shown {
    severity: Severity,
    code: Option<String>,
    message: String,
    /// What the message is about, on a line of its own.
    about: Option<String>,
    help: Option<String>,
    /// Further remedies, each after a `help:` of its own.
    more_helps: Vec<String>,
    /// Remedies that are not shown.
    unhelped: usize,
    labels: Vec<LabeledSpan>,
    source: Option<Excerpts>,
    /// Written on a line of its own: a link that is broken over lines is no link.
    source_link: Option<String>,
    /// Labels that are not shown.
    more: usize,
    /// What the labels point at.
    labelled: &'static str,
}

impl Shown {
    fn new(
        report: &Report,
        severity: Severity,
        code: Option<String>,
        message: String,
        labels: Option<&[(Place, String)]>,
    ) -> Self {
        let all = labels.unwrap_or_default();
        let written = all.get(..LABELS).unwrap_or(all);
        let labels: Vec<(Place, &str)> =
            written.iter().map(|(place, text)| (shown_place(place), text.as_str())).collect();
        let source: Option<&Arc<Source>> = labels.first().map(|(place, _)| &place.source);
        let spans: Vec<Span> = labels.iter().map(|(place, _)| place.span).collect();
        let starts: Vec<u32> = written.iter().map(|(place, _)| place.span.start).collect();
        let source = source.map(|source| Excerpts::new(source, &spans, &starts, report.secrets_of(source), 1));
        let mut said: Vec<(Span, Vec<&str>)> = Vec::new();
        for (span, (_, text)) in source.iter().flat_map(Excerpts::labels).zip(labels) {
            match said.iter_mut().find(|(known, _)| *known == span) {
                Some((_, texts)) => texts.push(text),
                None => said.push((span, vec![text])),
            }
        }
        let labelled = said.iter().map(|(span, texts)| {
            let text = Some(short(&texts.join("; ")).into_owned()).filter(|text| !text.is_empty());
            LabeledSpan::new(text, span.start as usize, span.len() as usize)
        });
        Self {
            severity,
            code,
            message,
            about: None,
            help: None,
            more_helps: Vec::new(),
            unhelped: 0,
            labels: labelled.collect(),
            source_link: None,
            more: all.len() - written.len(),
            labelled: "places",
            source,
        }
    }

    fn write(&self, style: Style, out: &mut dyn Write) -> io::Result<()> {
        let theme = if style.color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_width(style.width)
            .with_word_splitter(textwrap::WordSplitter::NoHyphenation)
            // A pointer or an address that is broken over lines cannot be copied.
            .with_word_separator(textwrap::WordSeparator::AsciiSpace)
            .with_context_lines(1)
            .with_links(false);
        let mut text = String::new();
        handler.render_report(&mut text, self).map_err(io::Error::other)?;
        // miette pads lines to the width of a box that nobody sees.
        for line in text.lines() {
            writeln!(out, "{}", line.trim_end())?;
        }
        if self.more > 0 {
            writeln!(out, "  … and {} more {}; --format json shows them", self.more, self.labelled)?;
        }
        for help in &self.more_helps {
            writeln!(out, "{}", help_line(help, style))?;
        }
        if self.unhelped > 0 {
            writeln!(out, "  … and {} more values to capture; --format json shows them", self.unhelped)?;
        }
        if let Some(link) = &self.source_link {
            writeln!(out, "  see:  {}", plain(link))?;
        }
        writeln!(out)
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&short(&self.message))?;
        self.about.as_ref().map_or(Ok(()), |about| write!(f, "\n{}", short(about)))
    }
}

impl std::error::Error for Shown {}

impl miette::Diagnostic for Shown {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.code.as_ref().map(|code| Box::new(plain(code)) as Box<dyn fmt::Display>)
    }

    fn severity(&self) -> Option<Severity> {
        Some(self.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(short(help)) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        if self.labels.is_empty() { None } else { Some(Box::new(self.labels.iter().cloned())) }
    }
}

fn write_scorecard(report: &Report, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let idle = |check: &CheckReport| check.outcome() == CheckState::NoResources;
    if report.checks.len() > 1 && report.checks.iter().all(idle) {
        return writeln!(out, " –  no resources for any of the {} checks\n", report.checks.len());
    }
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_content_arrangement(comfy_table::ContentArrangement::Disabled);
    table.set_header(["", "check", "severity", "fail", "unknown", "n/a", "pass", ""]);
    let ids = report.checks.iter().map(|check| plain(&check.id).chars().count()).max().unwrap_or(0);
    // What the columns before the title take, each with a space on either side.
    let room = style.width.saturating_sub(ids + 44).max(12);
    for check in &report.checks {
        let count = |verdict| shown_count(check.count(verdict));
        let row = [
            mark(check).to_owned(),
            plain(&check.id).into_owned(),
            check.level.name().to_owned(),
            count(Verdict::Fail),
            count(Verdict::Unknown),
            count(Verdict::NotApplicable),
            count(Verdict::Pass),
            match check.outcome() {
                CheckState::Invalid => "invalid, not run".to_owned(),
                CheckState::Deselected => "not selected".to_owned(),
                CheckState::NoResources => "no resources".to_owned(),
                CheckState::Run => shortened(&plain(&check.title), room),
            },
        ];
        table.add_row(row);
    }
    write_table(table, 3..7, style, out)
}

fn write_controls(rolled: &ByControl<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let (judged, not_judged): (Vec<_>, Vec<_>) =
        rolled.controls.iter().partition(|control| control.standing != Standing::NotJudged);
    writeln!(out, "Controls of {}", rolled.framework)?;
    write_control_table(&judged, style, out)?;
    if !not_judged.is_empty() {
        writeln!(out, "Controls that nothing speaks for: all unknown, not applicable or not run")?;
        write_control_table(&not_judged, style, out)?;
    }
    if rolled.controls.iter().flat_map(|control| &control.checks).any(|check| check.outcome() != CheckState::Run) {
        writeln!(out, "  * not selected, ! invalid: not run, so their controls do not pass; ~ no resources\n")?;
    }
    if !rolled.unmapped.is_empty() {
        let line = format!("Checks without a control of {}: {}", rolled.framework, ids(&rolled.unmapped));
        // No word of an id begins a line.
        let options = wrapped(style.width).subsequent_indent("  │ ");
        writeln!(out, "{}\n", textwrap::fill(&line, options))?;
    }
    Ok(())
}

fn write_control_table(controls: &[&ControlReport<'_>], style: Style, out: &mut dyn Write) -> io::Result<()> {
    if controls.is_empty() {
        return writeln!(out, "  none\n");
    }
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_content_arrangement(comfy_table::ContentArrangement::Disabled);
    table.set_header(["", "control", "fail", "unknown", "n/a", "pass", "checks"]);
    let names = controls.iter().map(|it| plain(it.control).chars().count()).max().unwrap_or(0).max("control".len());
    // What the columns before the checks take, each with a space on either side.
    let room = style.width.saturating_sub(names + 35).max(12);
    let options = wrapped(room);
    for control in controls {
        let count = |verdict: Verdict| shown_count(control.counts[verdict as usize]);
        table.add_row([
            match control.standing {
                Standing::Failed => "✗".to_owned(),
                Standing::Partial => "?".to_owned(),
                Standing::Passed => "✓".to_owned(),
                Standing::NotJudged => "–".to_owned(),
            },
            plain(control.control).into_owned(),
            count(Verdict::Fail),
            count(Verdict::Unknown),
            count(Verdict::NotApplicable),
            count(Verdict::Pass),
            textwrap::fill(&ids(&control.checks), &options),
        ]);
    }
    write_table(table, 2..6, style, out)
}

/// How text is wrapped: between words only, as an id such as `MOE-AUTH-01` is one.
fn wrapped(width: usize) -> textwrap::Options<'static> {
    let options = textwrap::Options::new(width).word_splitter(textwrap::WordSplitter::NoHyphenation);
    options.word_separator(textwrap::WordSeparator::AsciiSpace)
}

/// Returns the ids of checks, with a mark on those that were not run.
fn ids(checks: &[&CheckReport]) -> String {
    let mark = |check: &CheckReport| match check.outcome() {
        CheckState::Run => "",
        CheckState::NoResources => "~",
        CheckState::Deselected => "*",
        CheckState::Invalid => "!",
    };
    checks.iter().map(|check| format!("{}{}", plain(&check.id), mark(check))).collect::<Vec<_>>().join(", ")
}

fn shown_count(count: usize) -> String {
    match count {
        0 => "·".to_owned(),
        n => n.to_string(),
    }
}

fn write_table(
    mut table: comfy_table::Table,
    numbers: std::ops::Range<usize>,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    for (at, column) in table.column_iter_mut().enumerate() {
        column.set_padding((if numbers.contains(&at) { 2 } else { 1 }, u16::from(at < 2)));
        if numbers.contains(&at) {
            column.set_cell_alignment(comfy_table::CellAlignment::Right);
        }
    }
    for line in table.to_string().lines() {
        let line = line.trim_end();
        writeln!(out, "{}", if style.color { painted(line) } else { line.to_owned() })?;
    }
    writeln!(out)
}

fn mark(check: &CheckReport) -> &'static str {
    match check.outcome() {
        CheckState::Invalid => "!",
        CheckState::Deselected => " ",
        CheckState::NoResources => "–",
        CheckState::Run if check.count(Verdict::Fail) > 0 => "✗",
        CheckState::Run if check.count(Verdict::Unknown) > 0 => "?",
        CheckState::Run if check.count(Verdict::Pass) > 0 => "✓",
        CheckState::Run => "–",
    }
}

/// Colours the mark at the start of a line: once it is laid out, so that colour takes no room.
fn painted(line: &str) -> String {
    let marks = [("✗", "31"), ("!", "31"), ("?", "33"), ("✓", "32")];
    match marks.into_iter().find(|(mark, _)| line.trim_start().starts_with(mark)) {
        Some((mark, color)) => line.replacen(mark, &format!("\x1b[{color}m{mark}\x1b[0m"), 1),
        None => line.to_owned(),
    }
}

fn shortened(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let cut: String = text.chars().take(room.saturating_sub(1)).collect();
    format!("{}…", cut.trim_end())
}

/// Writes what concerns no account, and the sum.
///
/// # Errors
/// When `out` cannot be written.
pub fn write_sum(report: &Report, style: Style, out: &mut dyn Write) -> io::Result<()> {
    write_diagnostics(&report.diagnostics, report, style, out)?;
    write_totals(report, style, out)
}

fn write_totals(report: &Report, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let run = &report.run;
    let snapshots = match (run.accounts, &run.snapshots[..]) {
        (1, [one, ..]) => one.path.clone(),
        (accounts, _) => format!("{accounts} snapshots"),
    };
    if style.detail > Detail::Quiet {
        writeln!(out, "  {}", plain(&snapshots))?;
        writeln!(out, "  judged by {} as of {}", plain(&run.pack.described()), show_datetime(run.now))?;
    }
    let counts = [
        (Verdict::Fail, "fail"),
        (Verdict::Unknown, "unknown"),
        (Verdict::Waived, "waived"),
        (Verdict::NotApplicable, "not applicable"),
        (Verdict::Pass, "pass"),
    ];
    let counts = counts.into_iter().filter(|(verdict, _)| *verdict != Verdict::Waived || report.count(*verdict) > 0);
    let counts: Vec<String> = counts.map(|(verdict, name)| format!("{} {name}", report.count(verdict))).collect();
    let checks = if report.checks.len() == 1 { "check" } else { "checks" };
    writeln!(out, "  {} {checks}: {}", report.checks.len(), counts.join(", "))?;
    if report.skipped > 0 {
        let files =
            if report.skipped == 1 { "other file in the folders was" } else { "other files in the folders were" };
        writeln!(out, "  {} {files} left alone", report.skipped)?;
    }
    if report.skipped_reports > 0 {
        let reports = if report.skipped_reports == 1 { "report of Deodar was" } else { "reports of Deodar were" };
        writeln!(out, "  {} {reports} skipped in the folders", report.skipped_reports)?;
    }
    if style.detail == Detail::Verbose && report.other_properties > 0 {
        writeln!(out, "  {} properties that the schema does not declare were left alone", report.other_properties)?;
    }
    let statuses: Vec<&str> = report.statuses().into_iter().map(|status| describe(status, report)).collect();
    writeln!(out, "  exit {}: {}", report.status().exit_code(), statuses.join("; "))
}

fn describe(status: Status, report: &Report) -> &'static str {
    match status {
        Status::Clean if report.count(Verdict::Unknown) > 0 => {
            "nothing failed at or above the threshold; some verdicts are unknown, which was allowed"
        }
        Status::Clean if report.checks.iter().any(|check| check.total() == 0) => {
            "nothing failed at or above the threshold; some checks judged nothing"
        }
        Status::Clean => "everything was judged, nothing failed at or above the threshold",
        Status::Findings => "there are failures",
        Status::Nothing if report.count(Verdict::Unknown) > 0 => "nothing could be decided",
        Status::Nothing => "nothing was evaluated",
        Status::Incomplete => "some verdicts are unknown",
        Status::Invalid => "some files are unreadable or invalid",
    }
}

/// Writes the checks of a pack, one line each.
///
/// # Errors
/// When `out` cannot be written.
pub fn write_list(report: &Report, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let ids = report.checks.iter().map(|check| plain(&check.id).chars().count()).max().unwrap_or(0);
    let room = style.width.saturating_sub(ids + 12).max(20);
    for check in &report.checks {
        writeln!(
            out,
            "{:ids$}  {:8}  {}",
            plain(&check.id),
            check.level.name(),
            shortened(&plain(&check.title), room)
        )?;
    }
    Ok(())
}

/// Writes everything there is to say about one check.
///
/// # Errors
/// When `out` cannot be written.
pub fn write_check(
    check: &Check,
    model: &Model,
    policies: &Policies,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let statement = &check.statement;
    writeln!(out, "{} · {}", plain(&statement.id), check.level.name())?;
    writeln!(out, "{}\n", plain(&check.title))?;
    if let Some(doc) = &check.doc {
        writeln!(out, "{}\n", paragraph("", "", doc, style))?;
    }
    if let Some(remediation) = &check.remediation {
        writeln!(out, "{}\n", paragraph("To mend it: ", "  ", remediation, style))?;
    }
    if let Some(source) = &check.source {
        writeln!(out, "{}\n", paragraph("Source: ", "  ", source, style))?;
    }
    for (framework, controls) in &check.controls {
        writeln!(out, "{framework}: {}", controls.iter().map(|control| plain(control)).collect::<Vec<_>>().join(", "))?;
    }
    if !check.controls.is_empty() {
        writeln!(out)?;
    }
    writeln!(out, "{}", plain(statement.source.name()))?;
    for line in statement.source.slice(statement.span).lines() {
        // With a rule before it no line of the policy looks like one of the report.
        writeln!(out, "{}", format!("│ {}", code_line(line)).trim_end())?;
    }
    let program = Program::unreviewed(model, policies, |at| {
        policies.checks.get(at).is_some_and(|other| other.statement.id == statement.id)
    });
    let used = program.constants.iter().filter_map(|constant| match constant {
        Constant::Parameter(at) => model.parameters.get(*at),
        _ => None,
    });
    let used: Vec<_> = used.collect();
    if !used.is_empty() {
        let scope =
            model.parameter_scope().map(|ty| format!(" (of one {}: --param ID:name=value)", model.short_name(ty)));
        writeln!(out, "\nParameters{}", scope.unwrap_or_default())?;
    }
    for parameter in used {
        let default = parameter.default.as_ref().map(|value| format!(", by default {}", show_constant(model, value)));
        let declared = format!("{}: {}{}", parameter.name, model.show(&parameter.ty), default.unwrap_or_default());
        writeln!(out, "  {}", plain(&declared))?;
        if let Some(doc) = &parameter.doc {
            writeln!(out, "{}", paragraph("    ", "    ", doc, style))?;
        }
    }
    if !program.derived.is_empty() {
        writeln!(out, "\nDerived attributes it reads")?;
    }
    for derived in &program.derived {
        let ty = model.ty(derived.ty);
        let by = derived
            .parts
            .iter()
            .filter_map(|part| policies.derivations.get(part.derivation))
            .map(|derivation| derivation.statement.id.as_str());
        let name = ty.slots[derived.slot.index()].dotted();
        let by = by.collect::<Vec<_>>().join(", ");
        writeln!(out, "  {}", plain(&format!("{}.{name}, from {by}", model.short_name(derived.ty))))?;
    }
    Ok(())
}

/// Writes prose of a pack as one wrapped paragraph, whatever its line breaks.
fn paragraph(head: &str, indent: &str, text: &str, style: Style) -> String {
    let words: Vec<_> = text.split_whitespace().map(plain).collect();
    textwrap::fill(&words.join(" "), wrapped(style.width).initial_indent(head).subsequent_indent(indent))
}

/// Writes a remedy as miette writes the first one of a diagnostic.
fn help_line(help: &str, style: Style) -> String {
    let head = if style.color { "\x1b[36m  help: \x1b[0m" } else { "  help: " };
    let options = wrapped(style.width).initial_indent(head).subsequent_indent("        ");
    textwrap::fill(&short(help), options)
}

/// Writes what a check reads of a snapshot, with what the schema says of each attribute.
///
/// # Errors
/// When `out` cannot be written.
pub fn write_reads(
    model: &Model,
    reads: &[(TypeId, Vec<SlotId>)],
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let attributes = reads.iter().flat_map(|(ty, slots)| slots.iter().map(move |slot| (*ty, *slot)));
    let attributes: Vec<(TypeId, SlotId)> = attributes.collect();
    if !attributes.is_empty() {
        writeln!(out, "\nValues it reads")?;
    }
    for (ty, slot) in attributes {
        let (name, ty) = (model.short_name(ty), model.ty(ty));
        let declared = &ty.slots[slot.index()];
        let below = Pointer::default().join(declared.origin.pointer().unwrap_or_default());
        let place = format!("{}{below}", ty.path().map(Pattern::to_text).unwrap_or_default());
        let open = if model.is_open(&declared.ty) { ", where an unlisted word is unknown" } else { "" };
        let line = format!("{name}.{} at {place}{open}", declared.dotted());
        writeln!(out, "{}", paragraph("  ", "    ", &line, style))?;
        if let Some(doc) = ty.doc_of(slot) {
            writeln!(out, "{}", paragraph("    ", "    ", doc, style))?;
        }
    }
    Ok(())
}

/// Writes a line of a policy: its tabs stay.
fn code_line(line: &str) -> String {
    line.split('\t').map(plain).collect::<Vec<_>>().join("\t")
}
