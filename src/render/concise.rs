//! The concise report for people: failures by severity and check, one line each, then the missing data, each place once,
//! then the checks without findings. It is a function of the document of a run.

use super::document::{Check, Clause, Document, Finding, Parameter, Read, Span};
use super::escape::plain;
use super::gaps::{blocked, blocked_checks, gaps};
use super::layout::{Style, columns, middle, painted, shortened, wrapped};
use crate::engine::Verdict;
use crate::policy::CheckSeverity;
use crate::report::{CheckState, FileRole, ReadKind, ReadState, unknown_phrase, unset};
use crate::value::parse_datetime;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

/// Places of missing data that are listed without `--all`.
const PLACES: usize = 12;
/// Columns of a line and a column that follow the name of a file.
const POSITION: usize = 12;
/// Milliseconds of a day.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// The limits of a concise report.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Findings of one check that are listed.
    pub findings: usize,
    /// Findings of one check and verdict that the document has; the others are only counted.
    pub explained: usize,
    /// Whether all places of missing data are listed.
    pub all: bool,
}

/// Writes the inputs of the run, the findings, and the missing data.
pub(super) fn write(document: &Document<'_>, limits: Limits, style: Style, out: &mut dyn Write) -> io::Result<()> {
    write_inputs(document, style, out)?;
    for severity in CheckSeverity::ALL.into_iter().rev() {
        write_severity(document, severity, limits, style, out)?;
    }
    write_missing(document, limits, style, out)
}

fn write_inputs(document: &Document<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let run = &document.run;
    let mut items = vec![match &run.snapshots[..] {
        [one] if document.summary.accounts == 1 => plain(&one.path).into_owned(),
        _ => format!("{} snapshots", document.summary.accounts),
    }];
    let version = run.pack_version.as_ref().map(|version| format!(" {version}"));
    items.push(plain(&format!("{}{}", run.pack, version.unwrap_or_default())).into_owned());
    if let ([one], 1) = (&run.snapshots[..], document.summary.accounts)
        && let Some(captured) = &one.captured_at
    {
        items.push(format!("captured {}", plain(captured)));
    }
    items.push(format!("as of {}", plain(&run.now)));
    write_items("", &items, " · ", style, out)?;
    writeln!(out)
}

/// Writes items that are not broken over lines.
fn write_items(indent: &str, items: &[String], between: &str, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let mut line = indent.to_owned();
    for (at, item) in items.iter().enumerate() {
        let is_first = line.len() == indent.len();
        if !is_first && columns(&line) + columns(between) + columns(item) > style.width {
            writeln!(out, "{}", line.trim_end())?;
            line = indent.to_owned();
        } else if !is_first {
            line.push_str(between);
        }
        line.push_str(item);
        if at + 1 == items.len() {
            writeln!(out, "{}", line.trim_end())?;
        }
    }
    Ok(())
}

/// Returns whether a finding has a line: unknown verdicts with values to capture are counted for these values.
fn has_line(finding: &Finding<'_>) -> bool {
    match finding.verdict {
        Verdict::Unknown => finding.capture.as_ref().is_none_or(Vec::is_empty),
        Verdict::Waived => false,
        _ => true,
    }
}

fn write_severity(
    document: &Document<'_>,
    severity: CheckSeverity,
    limits: Limits,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut by_check: BTreeMap<&str, Vec<&Finding<'_>>> = BTreeMap::new();
    for finding in document.findings.iter().filter(|it| it.severity == severity && has_line(it)) {
        by_check.entry(&finding.check).or_default().push(finding);
    }
    let checks: Vec<&Check<'_>> = document.checks.iter().filter(|check| by_check.contains_key(&*check.id)).collect();
    if checks.is_empty() {
        return Ok(());
    }
    writeln!(out, "{}", painted(severity.name(), "1", style))?;
    let ids = checks.iter().map(|check| columns(&plain(&check.id))).max().unwrap_or(0);
    for check in checks {
        let room = style.width.saturating_sub(ids + 4).max(20);
        let id = plain(&check.id);
        let pad = " ".repeat(ids - columns(&id));
        writeln!(out, "  {}{pad}  {}", painted(&id, "1", style), shortened(&plain(&check.title), room))?;
        let findings = by_check.get(&*check.id).map(Vec::as_slice).unwrap_or_default();
        let listed = findings.get(..limits.findings).unwrap_or(findings);
        let names = names_column(listed, style);
        listed.iter().try_for_each(|finding| write_finding(document, finding, names, style, out))?;
        let more = unlisted(document, check, findings, listed.len());
        if more > 0 {
            writeln!(out, "    … and {more} more; --max-findings {} lists them", listed.len() + more)?;
        }
    }
    writeln!(out)
}

/// Returns the number of findings of a check that have a line and are not among the first `listed`. The document may not
/// have all of them.
fn unlisted(document: &Document<'_>, check: &Check<'_>, findings: &[&Finding<'_>], listed: usize) -> usize {
    let is_counted = |verdict| matches!(verdict, Verdict::Fail | Verdict::Unknown);
    let in_document = |verdict| {
        document.findings.iter().filter(|finding| finding.check == check.id && finding.verdict == verdict).count()
    };
    // An unknown verdict outside the document counts if one in the document has a line.
    let outside = |verdict| {
        let has_lines = verdict == Verdict::Fail || findings.iter().any(|finding| finding.verdict == verdict);
        let count = check.uncovered(verdict);
        if has_lines { count.saturating_sub(in_document(verdict)) } else { 0 }
    };
    let cut = findings.iter().skip(listed).filter(|finding| is_counted(finding.verdict)).count();
    cut + outside(Verdict::Fail) + outside(Verdict::Unknown)
}

fn resource(finding: &Finding<'_>) -> String {
    format!("{}{}", ty(finding), plain(&format!(" {}", finding.resource.id)))
}

/// Returns the type of a resource, after the change of the verdict since the baseline.
fn ty<'f>(finding: &'f Finding<'_>) -> Cow<'f, str> {
    let ty = plain(&finding.resource.ty);
    match finding.baseline {
        Some(change) => Cow::Owned(format!("{} {ty}", change.name())),
        None => ty,
    }
}

/// Returns a resource in a number of columns: a long id loses its middle.
fn fitted(finding: &Finding<'_>, room: usize) -> String {
    let ty = ty(finding);
    match room.checked_sub(columns(&ty) + 1).filter(|room| *room >= 8) {
        Some(room) => format!("{ty} {}", middle(&plain(&finding.resource.id), room)),
        None => middle(&resource(finding), room),
    }
}

/// Returns the width of the column with the resources of some findings.
pub(super) fn names_column(findings: &[&Finding<'_>], style: Style) -> usize {
    let widest = findings.iter().map(|finding| columns(&resource(finding))).max().unwrap_or(0);
    widest.min(style.width * 2 / 5)
}

/// Writes a finding: its mark, its resource, the values that decided, and a place. If they do not fit in a line, the values
/// have the next one.
pub(super) fn write_finding(
    document: &Document<'_>,
    finding: &Finding<'_>,
    names: usize,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (mark, color) = match finding.verdict {
        Verdict::Fail => ("✗", "31"),
        Verdict::Unknown => ("?", "33"),
        _ => ("–", "2"),
    };
    let mark = painted(mark, color, style);
    let name = resource(finding);
    let place = location(document, finding, style);
    let room = style.width.saturating_sub(6);
    let phrases = phrases(document, finding);
    let first = phrases.first().map_or(0, |first| columns(first) + if phrases.len() > 1 { 4 } else { 0 });
    let left = room.saturating_sub(columns(&place) + first + 4);
    if left >= columns(&name) {
        let pad = " ".repeat(names.min(left).saturating_sub(columns(&name)));
        let reason = reasons(&phrases, room - columns(&name) - pad.len() - columns(&place) - 4);
        let used = columns(&name) + pad.len() + 2 + columns(&reason);
        let gap = " ".repeat(room.saturating_sub(used + columns(&place)));
        return writeln!(out, "    {mark} {name}{pad}  {reason}{gap}{}", painted(&place, "2", style));
    }
    let name = fitted(finding, room.saturating_sub(columns(&place) + 2).max(12));
    let gap = " ".repeat(room.saturating_sub(columns(&name) + columns(&place)).max(2));
    writeln!(out, "    {mark} {name}{gap}{}", painted(&place, "2", style))?;
    writeln!(out, "        {}", reasons(&phrases, style.width.saturating_sub(8)))
}

/// Returns the phrases that fit in a line, and the number of the others.
fn reasons(phrases: &[String], room: usize) -> String {
    let mut text = String::new();
    for (at, phrase) in phrases.iter().enumerate() {
        let others = if at + 1 < phrases.len() { 4 } else { 0 };
        if at == 0 {
            text = shortened(phrase, room.saturating_sub(others));
        } else if columns(&text) + 2 + columns(phrase) + others <= room {
            text.push_str(", ");
            text.push_str(phrase);
        } else {
            text.push_str(&format!(" +{}", phrases.len() - at));
            return text;
        }
    }
    text
}

/// Returns the values that decided, in short phrases.
fn phrases(document: &Document<'_>, finding: &Finding<'_>) -> Vec<String> {
    if finding.clauses.iter().any(|clause| clause.failure.is_some()) {
        return vec![plain(&finding.message).into_owned()];
    }
    let own = format!("{}::\"{}\"", finding.resource.ty, finding.resource.id);
    let mut phrases: Vec<String> = Vec::new();
    let mut named = BTreeSet::new();
    for clause in finding.deciding_clauses() {
        let of_snapshot: Vec<&Read<'_>> = clause.reads.iter().filter(|read| read.kind.is_of_snapshot()).collect();
        let limit = match &clause.reads.iter().filter(|read| read.kind == ReadKind::Parameter).collect::<Vec<_>>()[..] {
            [one] => Some((&*one.name, one.value.as_deref().unwrap_or(unset(one.state, one.pointer.is_some())))),
            _ => None,
        };
        for read in &of_snapshot {
            // The value has a phrase already.
            let is_named = !named.insert((&read.entity, &read.name));
            if is_named && (clause.also || limit.is_none()) {
                continue;
            }
            let is_alone = of_snapshot.len() == 1;
            let limit = limit.filter(|(_, value)| is_alone && columns(value) <= 24);
            let age = age(document, clause, read, limit.map(|(_, value)| value)).filter(|_| is_alone);
            let phrase = match (age, limit) {
                (Some(age), Some((_, limit))) => format!("{age}, limit {limit}"),
                (Some(age), None) => age,
                (None, Some((name, limit))) => format!("{} ({name} {limit})", phrase(read, &own)),
                (None, None) => phrase(read, &own),
            };
            let phrase = plain(&phrase).into_owned();
            if !phrases.contains(&phrase) {
                phrases.push(phrase);
            }
        }
    }
    if phrases.is_empty() { vec![plain(&finding.message).into_owned()] } else { phrases }
}

/// Returns the number of days between a time of the snapshot and the time of the run, if a clause compares them. More than the days
/// of the limit, by less than a day, is "more than".
fn age(document: &Document<'_>, clause: &Clause<'_>, read: &Read<'_>, limit: Option<&str>) -> Option<String> {
    let is_compared = clause.text.contains("durationSince") && clause.reads.iter().any(|it| it.kind == ReadKind::Now);
    if !is_compared || read.state != ReadState::Known || read.default.is_some() {
        return None;
    }
    let (now, at) = (parse_datetime(&document.run.now).ok()?, parse_datetime(read.value.as_deref()?).ok()?);
    let duration = now.checked_sub(at)?;
    let days = duration.checked_div(DAY)?;
    let is_rounded_to_limit = duration % DAY != 0 && limit == Some(format!("{}d", days.abs()).as_str());
    let more = if is_rounded_to_limit { "more than " } else { "" };
    let s = if days.abs() == 1 { "" } else { "s" };
    let direction = if at <= now { "since" } else { "until" };
    Some(format!("{more}{} day{s} {direction} `{}`", days.abs(), read.name))
}

fn phrase(read: &Read<'_>, own: &str) -> String {
    let of = match read.entity.as_deref() {
        Some(entity) if entity != own => format!(" of {}", middle(entity, 32)),
        _ => String::new(),
    };
    let name = &read.name;
    match (read.state, read.value.as_deref()) {
        (ReadState::Known, Some(value)) if read.default.is_some() => format!("{name}{of} is {value} by default"),
        (ReadState::Known | ReadState::Partial, Some(value)) => format!("{name}{of} is {value}"),
        (ReadState::Between, Some(value)) => format!("{name}{of} is {value}"),
        (ReadState::Absent, _) => format!("{name}{of} is absent"),
        (state, _) => format!("{name}{of} {}", unknown_phrase(state, read.lacks.as_deref())),
    }
}

/// Returns the place of the value that decided, or that of the clause.
fn location(document: &Document<'_>, finding: &Finding<'_>, style: Style) -> String {
    let span = finding.snapshot_place().or_else(|| finding.policy_place());
    span.map_or_else(String::new, |span| position(span, document.summary.accounts == 1, style))
}

/// Returns `file:line:column`. A long path is left out if there is one snapshot, because the first line has its path.
fn position(span: &Span<'_>, is_only: bool, style: Style) -> String {
    let name = match span.file.rsplit_once('/') {
        // The decision does not depend on the position, so that all places of a report look alike.
        Some((_, name)) if is_only && columns(&plain(&span.file)) + POSITION > style.width / 3 => name,
        _ => &span.file,
    };
    format!("{}:{}:{}", plain(name), span.start.line, span.start.column)
}

fn write_missing(document: &Document<'_>, limits: Limits, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let places = gaps(document);
    if places.is_empty() {
        return Ok(());
    }
    let heading = format!(
        "missing data: {} {} {} of {}",
        counted(places.len(), "place"),
        if places.len() == 1 { "blocks" } else { "block" },
        counted(blocked(&places), "verdict"),
        counted(blocked_checks(&places), "check")
    );
    writeln!(out, "{}", painted(&heading, "33", style))?;
    if document.checks.iter().any(|check| check.uncovered(Verdict::Unknown) > limits.explained) {
        writeln!(out, "  (the first {} unknown verdicts of each check)", limits.explained)?;
    }
    let listed = if limits.all { &places[..] } else { places.get(..PLACES).unwrap_or(&places) };
    let digits = places.first().map_or(1, |place| place.findings.len().to_string().len());
    let mut last_doc = None;
    for place in listed {
        let pointer = if place.pointer.is_empty() { "the document".into() } else { plain(place.pointer) };
        let head = format!("  {:>digits$}  ", place.findings.len());
        let room = style.width.saturating_sub(head.len());
        let below_head = " ".repeat(head.len());
        let lines = in_steps(&pointer, room);
        let (pointer, first_lines) = lines.split_last().map_or(("", &[][..]), |(last, first)| (last.as_str(), first));
        let mut head = head.as_str();
        for line in first_lines {
            writeln!(out, "{head}{line}")?;
            head = &below_head;
        }
        let ids: Vec<String> = place.checks.iter().map(|id| plain(id).into_owned()).collect();
        let doc = place.doc.map_or_else(|| format!("capture {}", plain(place.attribute)), where_to_find);
        let lacks = place.lacks.map_or_else(String::new, |lacks| format!("; `{}` is missing", plain(lacks)));
        let doc = format!("{doc}{lacks}");
        // The same words for a neighbour are not repeated.
        let is_known = last_doc.as_ref() == Some(&doc);
        let in_line = ids_in(&ids, room.saturating_sub(columns(pointer) + 2));
        let below = match (&in_line, is_known) {
            (Some(_), true) => None,
            (Some(_), false) => Some(doc.clone()),
            (None, true) => ids_in(&ids, room.saturating_sub(2)),
            (None, false) => ids_in(&ids, room / 3).map(|ids| format!("{ids} · {doc}")).or_else(|| Some(doc.clone())),
        };
        writeln!(out, "{head}{pointer}{}", in_line.map_or_else(String::new, |ids| format!("  {ids}")))?;
        if let Some(below) = below {
            let indent = format!("{below_head}  ");
            let options = wrapped(style.width).initial_indent(&indent).subsequent_indent(&indent);
            writeln!(out, "{}", textwrap::fill(&below, options))?;
        }
        last_doc = Some(doc);
    }
    if places.len() > listed.len() {
        let left = blocked(&places) - blocked(listed);
        let left = if left > 0 { format!(" ({})", counted(left, "more verdict")) } else { String::new() };
        writeln!(out, "  … and {}{left}: --all lists them", counted(places.len() - listed.len(), "more place"))?;
    }
    writeln!(out)
}

/// Returns the lines of a pointer, which end before a step. A longer step is shortened.
fn in_steps(pointer: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let starts: Vec<usize> = pointer.match_indices('/').map(|(at, _)| at).chain([pointer.len()]).collect();
    let steps = std::iter::once(pointer.get(..starts.first().copied().unwrap_or(0)).unwrap_or_default());
    let steps = steps.chain(starts.windows(2).filter_map(|pair| pointer.get(*pair.first()?..*pair.last()?)));
    for step in steps {
        if let Some(last) = lines.last_mut().filter(|last| last.is_empty() || columns(last) + columns(step) <= room) {
            last.push_str(&middle(step, room));
        } else {
            lines.push(middle(step, room));
        }
    }
    lines
}

/// Returns the sentence of a `@doc` that names a screen, or all sentences if none does.
fn where_to_find(doc: &str) -> String {
    let doc = doc.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut sentences = doc.split_inclusive(". ");
    let screen = sentences.find(|sentence| sentence.contains(" > ")).map(|sentence| sentence.trim_end().to_owned());
    plain(&screen.unwrap_or(doc)).into_owned()
}

fn counted(count: usize, noun: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{s}")
}

/// Returns the ids that fit in a line, and the number of the others; `None` if not even one fits.
fn ids_in(ids: &[String], room: usize) -> Option<String> {
    (1..=ids.len()).rev().find_map(|shown| {
        let text = ids.get(..shown)?.join(", ");
        let more = ids.len() - shown;
        let text = if more > 0 { format!("{text} +{more}") } else { text };
        (columns(&text) <= room).then_some(text)
    })
}

/// Writes the checks without findings, by result: one line each.
pub(super) fn write_others(document: &Document<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let names = ["covered", "passed", "waived", "not applicable", "no resources", "deselected", "invalid, not run"];
    let mut groups = names.map(|name| (name, Vec::new()));
    for check in &document.checks {
        let Some(group) = group_of(check) else { continue };
        if let Some((_, ids)) = groups.iter_mut().find(|(name, _)| *name == group) {
            ids.push(plain(&check.id).into_owned());
        }
    }
    let shown: Vec<_> = groups.into_iter().filter(|(_, ids)| !ids.is_empty()).collect();
    let width = shown.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, ids) in &shown {
        let head = format!("  {name:width$} {:>3}  ", ids.len());
        let listed = ids_in(ids, style.width.saturating_sub(columns(&head))).unwrap_or_default();
        let head = if *name == "passed" { painted(&head, "32", style) } else { head };
        writeln!(out, "{}", format!("{head}{listed}").trim_end())?;
    }
    if shown.is_empty() { Ok(()) } else { writeln!(out) }
}

/// Returns the name of the result of a check without failures and unknown verdicts.
fn group_of(check: &Check<'_>) -> Option<&'static str> {
    let given = |verdict| check.counts.get(&verdict).is_some_and(|count| *count > 0);
    match check.state {
        CheckState::Invalid => Some("invalid, not run"),
        CheckState::Deselected => Some("deselected"),
        CheckState::NoResources => Some("no resources"),
        CheckState::Run if check.uncovered(Verdict::Fail) > 0 || check.uncovered(Verdict::Unknown) > 0 => None,
        CheckState::Run if given(Verdict::Fail) || given(Verdict::Unknown) => Some("covered"),
        CheckState::Run if given(Verdict::Waived) => Some("waived"),
        CheckState::Run if given(Verdict::Pass) => Some("passed"),
        CheckState::Run => Some("not applicable"),
    }
}

/// Writes the command that shows one check in full.
pub(super) fn write_command(document: &Document<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let mut shown = document.findings.iter().filter(|finding| finding.verdict != Verdict::Waived);
    let Some(first) = shown.next() else { return Ok(()) };
    let is_built_in = document.run.pack.ends_with("(built in)")
        && document.run.pack_files.iter().any(|file| file.role == FileRole::Schema);
    let check = quoted(&first.check);
    let command = match &document.run.snapshots[..] {
        [one] if is_built_in && document.summary.accounts == 1 && &*one.path != "-" && !has_settings(document) => {
            format!("deodar check {} --only {check} --style full", quoted(&one.path))
        }
        _ => format!("add --only {check} --style full"),
    };
    write_items("  ", &["one check in full:".to_owned(), plain(&command).into_owned()], "  ", style, out)
}

/// Returns whether the verdicts depend on settings that are not in the snapshot and the pack.
fn has_settings(document: &Document<'_>) -> bool {
    let run = &document.run;
    let is_set = |parameter: &Parameter<'_>| parameter.origin == "set";
    run.configuration.is_some()
        || run.baseline.is_some()
        || run.max_snapshot_age.is_some()
        || !run.scoped_parameters.is_empty()
        || run.parameters.values().any(is_set)
        || !document.waivers.is_empty()
}

/// Quotes a word for a shell, if it needs that.
fn quoted(word: &str) -> String {
    let is_safe = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+=,".contains(c);
    if !word.is_empty() && word.chars().all(is_safe) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}
