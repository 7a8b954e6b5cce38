//! Findings for people: two excerpts each, of the policy and of the snapshot, and the remedy.

use super::escape::plain;
use super::frame::{Frame, by_source, one_line_place};
use super::layout::Style;
use super::names::{self, SHORT_FINGERPRINT};
use crate::diagnostic::Label;
use crate::engine::Verdict;
use crate::report::{
    Capture, Change, CheckReport, ClauseOutcome, ClauseReport, Finding, ListedVerdict, Needs, ReadKind, ReadReport,
    ReadState, Report, explain, phrase, unknown_label, unset,
};
use crate::source::{Place, Span};
use miette::Severity;
use std::collections::HashSet;
use std::io::{self, Write};

/// Writes the most severe findings.
pub(super) fn write_worst(report: &Report, most: usize, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let is_shown = |it: &&ListedVerdict| it.verdict() < Verdict::Waived && !it.change.is_some_and(Change::is_covered);
    let worst: Vec<&ListedVerdict> = report.listed.iter().filter(is_shown).take(most).collect();
    explain(&worst, |_, finding| {
        let Some(check) = report.checks.find(finding.check) else { return Ok(()) };
        let captures: Vec<&Capture> = finding.captures.iter().collect();
        write_finding(report, check, &finding, &captures, true, style, out)
    })
}

/// Writes the findings of a report that an output needs, and the number of the others. Those that are waived are written
/// elsewhere.
pub(super) fn write(report: &Report, needs: &Needs, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let mut listed = report.listed_for(needs);
    listed.retain(|it| it.verdict() != Verdict::Waived);
    for same in listed.chunk_by(|a, b| (a.check, a.verdict()) == (b.check, b.verdict())) {
        let Some((first, check)) = same.first().and_then(|first| Some((first, report.checks.find(first.check)?)))
        else {
            continue;
        };
        let mut shown = HashSet::new();
        let mut is_first = true;
        explain(same, |_, finding| {
            let mut captures: Vec<&Capture> = finding.captures.iter().collect();
            captures.retain(|capture| shown.insert((capture.attribute.clone(), capture.doc.clone())));
            write_finding(report, check, &finding, &captures, std::mem::take(&mut is_first), style, out)
        })?;
        let verdict = first.verdict();
        let of_baseline = report.run.baseline.is_some() && matches!(verdict, Verdict::Fail | Verdict::Unknown);
        let all = check.count(verdict);
        let all = if of_baseline { check.compared.uncovered(verdict, all) } else { all };
        let more = all.saturating_sub(same.len());
        if more > 0 {
            writeln!(
                out,
                "  … and {more} more {} of {}; --max-findings or --format json shows them\n",
                plural(more, verdict),
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

/// Returns the places of the evidence of a finding: the clauses, then the values that they read.
pub(crate) fn evidence(finding: &Finding) -> Vec<Label> {
    let clauses = finding.clauses.iter().map(|clause| (clause.place.clone(), clause_label(clause)));
    clauses.chain(values(finding)).map(|(place, text)| Label { place, text }).collect()
}

/// Writes a finding with two excerpts: the clauses, then the values that they read. `captures` are the values to capture
/// that no earlier finding of the check names.
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
    let change = finding.change.map_or_else(String::new, |change| format!(" · {}", change.name()));
    let verdict = finding.verdict.name().replace('_', " ");
    let fingerprint = finding.identity.fingerprint();
    let fingerprint = fingerprint.get(..SHORT_FINGERPRINT).unwrap_or(&fingerprint);
    let code = format!("{} · {} · {verdict}{change} · {fingerprint}", check.id, check.severity.name());
    let about = format!("{} {}", finding.resource.ty, finding.resource.id);
    let shown = Frame::new(
        &report.secrets,
        severity,
        Some(code),
        check.title.to_string(),
        by_source(&clauses).first().map(Vec::as_slice),
    );
    Frame { about: Some(about), labelled: "clauses", ..shown }.write(style, out)?;
    for group in by_source(&clauses).iter().skip(1) {
        let message = "the condition has a definition in another file".to_owned();
        let shown = Frame::new(&report.secrets, Severity::Advice, None, message, Some(group));
        Frame { labelled: "clauses", ..shown }.write(style, out)?;
    }
    let values = values(finding);
    let groups = by_source(&values);
    let shown =
        Frame::new(&report.secrets, Severity::Advice, None, finding.message.clone(), groups.first().map(Vec::as_slice));
    let (shown_captures, more_captures) = captures.split_at(captures.len().min(CAPTURES));
    let mut helps = shown_captures.iter().map(|capture| capture_help(capture));
    let help = match finding.verdict {
        Verdict::Unknown if finding.captures.is_empty() => Some(unknown_help(finding).to_owned()),
        Verdict::Unknown => helps.next(),
        Verdict::Fail | Verdict::Waived => check.remediation.as_ref().map(ToString::to_string),
        Verdict::NotApplicable | Verdict::Pass => None,
    };
    let more_helps = helps.collect();
    // The remedy is the same for every failure of a check, so only the first one has it.
    let help = help.filter(|_| first || !captures.is_empty());
    let mut defaults = groups.iter().skip(1);
    let source =
        check.reference.as_ref().filter(|_| first && finding.verdict == Verdict::Fail).map(ToString::to_string);
    let labelled = "values";
    Frame { help, more_helps, unhelped: more_captures.len(), source_link: source, labelled, cause: severity, ..shown }
        .write(style, out)?;
    defaults.try_for_each(|group| {
        // Only a default of a parameter is in the schema.
        let is_default = group.iter().all(|(place, _)| place.source.name().ends_with(".cedarschema"));
        let message = match is_default {
            true => "a value that is not in the snapshot has a default".to_owned(),
            false => "a value in another file".to_owned(),
        };
        Frame::new(&report.secrets, Severity::Advice, None, message, Some(group)).write(style, out)
    })
}

/// Values to capture that one finding lists. The others are counted.
const CAPTURES: usize = 3;

/// Returns the remedy of an unknown verdict: the values to capture, with the screens that show them.
fn capture_help(capture: &Capture) -> String {
    let place = match capture.pointer.as_str() {
        "" => "the document",
        pointer => pointer,
    };
    let doc = capture.doc.as_ref().map_or(String::new(), |doc| format!(": {doc}"));
    format!("capture {} at {place}{doc}", capture.attribute)
}

/// Returns the remedy for an unknown verdict without a value to capture.
fn unknown_help(finding: &Finding) -> &'static str {
    let reads = finding.clauses.iter().flat_map(|clause| &clause.reads);
    // A derived value is not captured itself.
    let own = |read: &ReadReport| (read.kind != ReadKind::Derived).then_some(read.state);
    let states = reads.flat_map(|read| own(read).into_iter().chain(read.uncaptured.iter().map(|list| list.state)));
    let fails = finding.clauses.iter().any(|clause| clause.failure.is_some());
    let unreadable = |state: &ReadState| *state == ReadState::Unreadable;
    let states: Vec<ReadState> = states.collect();
    match (states.iter().any(unreadable), states.iter().any(|state| !unreadable(state) && state.is_unknown())) {
        (true, false) => "correct what is unreadable, then check again",
        (true, true) => "correct what is unreadable and capture what is missing, then check again",
        (false, false) if fails => "correct the value or the policy, then check again",
        (false, _) => "capture what is missing, then check again",
    }
}

fn clause_label(clause: &ClauseReport) -> String {
    let outcome = match (clause.outcome, &clause.failure) {
        (_, Some((_, reason))) => format!("cannot be evaluated: {reason}"),
        (ClauseOutcome::Unknown, None) => "undetermined".to_owned(),
        (outcome, None) if clause.also => format!("this is also {}", names::outcome(outcome)),
        (outcome, None) => format!("this is {}", names::outcome(outcome)),
    };
    let parameters = clause.reads.iter().filter(|read| read.kind == ReadKind::Parameter);
    let parameters: Vec<String> = parameters
        .map(|read| {
            let scope = read.entity.as_ref().map_or(String::new(), |scope| format!(" for {scope}"));
            let unset = format!("({})", unset(read.state, read.pointer.is_some()));
            format!("{} = {}{scope}", read.name, read.value.as_deref().unwrap_or(&unset))
        })
        .collect();
    let derived = clause
        .reads
        .iter()
        .filter(|read| read.kind == ReadKind::Derived && matches!(read.state, ReadState::Known | ReadState::Between));
    let derived: Vec<String> =
        derived.map(|read| format!("{} = {}", read.name, read.value.as_deref().unwrap_or_default())).collect();
    let values: Vec<String> = derived.into_iter().chain(parameters).collect();
    if values.is_empty() { outcome } else { format!("{outcome}: {}", values.join(", ")) }
}

/// Returns the labels on the snapshot: every value that was read, and every object that lacks one.
fn values(finding: &Finding) -> Vec<(Place, String)> {
    let mut labels: Vec<(Place, String)> = Vec::new();
    let mut seen: HashSet<(Span, String)> = HashSet::new();
    let mut push = |place: Place, text: String| {
        if seen.insert((place.span, text.clone())) {
            labels.push((place, text));
        }
    };
    let mut origins = HashSet::new();
    for read in finding.clauses.iter().flat_map(|clause| &clause.reads) {
        // A derived value has no place: its witnesses do, or else its entity.
        let counted = !read.witnesses.is_empty() || !read.uncaptured.is_empty() || !read.near_misses.is_empty();
        if let Some(place) = read.place.as_ref().filter(|_| read.kind != ReadKind::Derived || !counted) {
            // An origin is the same for many values, so only the first one has it.
            let origin =
                read.origin.as_ref().map(|origin| origin.phrase()).filter(|origin| origins.insert(origin.clone()));
            push(place.clone(), names::with_origin(value_label(read), origin));
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
        for near in &read.near_misses {
            push(near.place.clone(), format!("would count for {}, but {}", read.name, near.reason));
        }
        for list in &read.uncaptured {
            let reason = unknown_label(list.state, list.lacks.as_deref());
            let label = format!("`{}` {reason}, and {} {} it", list.entity, read.name, names::use_of_list(read.kind));
            push(one_line_place(&list.place), label);
        }
    }
    labels
}

fn value_label(read: &ReadReport) -> String {
    match &read.lacks {
        _ if read.kind == ReadKind::Derived => format!("nothing counts for {} of this", read.name),
        Some(property) if read.default.is_some() => {
            format!("no `{property}` here: {} by default", read.value.as_deref().unwrap_or_default())
        }
        Some(property) if read.state == ReadState::Absent => format!("no `{property}` here"),
        Some(_) if read.state == ReadState::Partial => format!("{} here", phrase(read)),
        Some(property) => format!("`{property}` is missing here"),
        None => phrase(read),
    }
}
