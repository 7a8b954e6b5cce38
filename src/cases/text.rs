//! The results of cases as text: every wrong expectation with its evidence, then the files.

use super::{Coverage, Mutation, Outcome, Share, Survivor};
use crate::render::{Style, diagnostics, plain};
use crate::report::{FileReport, PackReport, Status};
use crate::snapshot::Secrets;
use crate::source::{Source, Span, one_line};
use std::io::{self, Write};

/// Writes an outcome.
///
/// # Errors
/// When `out` cannot be written.
pub fn write(outcome: &Outcome, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let of_trials = outcome.trials.iter().filter_map(|trial| trial.secrets.as_ref());
    let secrets: Vec<Secrets> = outcome.secrets.iter().chain(of_trials).cloned().collect();
    diagnostics::write(outcome.all_diagnostics(), &secrets, style, out)?;
    let widest = outcome.files.iter().map(|file| file.name().chars().count()).max().unwrap_or(0);
    for (at, file) in outcome.files.iter().enumerate() {
        let trials = || outcome.trials.iter().filter(|trial| trial.file == at);
        let (all, holding) = (trials().count(), trials().filter(|trial| trial.holds()).count());
        let (mark, result) = match (all, all - holding) {
            (0, _) => ("–", "no case was run".to_owned()),
            (all, 0) => ("✓", cases(all)),
            (all, wrong) => ("✗", format!("{wrong} of {} wrong", cases(all))),
        };
        let color = match mark {
            "✓" => "32",
            "✗" => "31",
            _ => "0",
        };
        let mark = if style.color { format!("\x1b[{color}m{mark}\x1b[0m") } else { mark.to_owned() };
        writeln!(out, "  {mark} {:widest$}  {result}", plain(file.name()))?;
    }
    if let Some(pack) = &outcome.pack {
        let version = pack.version.as_ref().map(|version| format!(", version {version}")).unwrap_or_default();
        writeln!(out, "  {}{version}: {}", plain(&pack.name), plain(&files(pack)))?;
    }
    let (all, holding) = (outcome.trials.len(), outcome.holding());
    let left_out = if outcome.left_out > 0 { format!(", {} left out", outcome.left_out) } else { String::new() };
    writeln!(out, "  {}: {holding} as expected, {} wrong{left_out}", cases(all), all - holding)?;
    if let Some(coverage) = &outcome.coverage {
        write_coverage(coverage, out)?;
    }
    if let Some(mutation) = &outcome.mutation {
        write_mutation(mutation, outcome.coverage.as_ref(), out)?;
    }
    let status = outcome.status();
    let reason = match status {
        Status::Invalid => "some files are unreadable or invalid, and nothing was run",
        Status::Nothing => "nothing was run",
        Status::Findings => &outcome.wrong().join("; "),
        Status::Clean | Status::Incomplete => "everything came out as expected",
    };
    writeln!(out, "  exit {}: {reason}", status.exit_code())
}

/// Returns the files of a pack; for several files in one folder, the folder.
fn files(pack: &PackReport) -> String {
    let folder = |file: &FileReport| file.path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
    let groups = pack.files.chunk_by(|a, b| (a.role, folder(a)) == (b.role, folder(b)));
    let shown = groups.filter_map(|group| match group {
        [] => None,
        [one] => Some(one.path.clone()),
        [first, ..] => Some(format!("{}/ ({} files)", folder(first), group.len())),
    });
    shown.collect::<Vec<_>>().join(", ")
}

fn write_coverage(coverage: &Coverage, out: &mut dyn Write) -> io::Result<()> {
    let files = coverage.files();
    let widest = files.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let shown = |share: Share| format!("{:5.1} %  ({} of {})", share.percent(), share.met, share.all);
    for (name, share) in files {
        writeln!(out, "    {:widest$}  {}", plain(name), shown(share))?;
    }
    writeln!(out, "  coverage of conditions: {}", shown(coverage.share()).trim_start())?;
    for policy in &coverage.policies {
        for condition in &policy.conditions {
            if let Some(why) = policy.redundant(condition) {
                write_redundant(&policy.id, &policy.source, condition.span, why, out)?;
            }
        }
    }
    Ok(())
}

/// Writes that a condition of a policy is redundant.
fn write_redundant(id: &str, source: &Source, span: Span, why: &str, out: &mut dyn Write) -> io::Result<()> {
    let (condition, position) = (one_line(source.slice(span)), source.position(span.start));
    let condition = plain(&condition);
    let (id, file) = (plain(id), plain(source.name()));
    let (line, column) = (position.line, position.column);
    writeln!(out, "  redundant condition of `{id}`: `{condition}` is {why}  ({file}:{line}:{column})")
}

fn write_mutation(mutation: &Mutation, coverage: Option<&Coverage>, out: &mut dyn Write) -> io::Result<()> {
    let Share { met, all } = mutation.share();
    let explained = mutation.survivors.len() - mutation.unexplained().count();
    let explained = if explained > 0 { format!(", {explained} of them explained") } else { String::new() };
    let score = mutation.share().percent();
    writeln!(
        out,
        "  mutation score: {score:.1} %  ({met} of {all} changes noticed, {} survived{explained})",
        all - met
    )?;
    let (equivalent, refused) = (mutation.equivalent.len(), mutation.refused);
    writeln!(out, "  not counted: {equivalent} that make no difference, {refused} that make a policy invalid")?;
    let listed = |change: &&Survivor| {
        let policy = coverage.and_then(|coverage| coverage.policies.iter().find(|policy| policy.id == change.policy));
        let conditions = policy.into_iter().flat_map(|policy| policy.conditions.iter().map(move |it| (policy, it)));
        let mut redundant = conditions.filter(|(policy, condition)| policy.redundant(condition).is_some());
        redundant.any(|(_, condition)| condition.span == change.mutant.span)
    };
    let dropped = mutation.equivalent.iter().filter(|change| change.mutant.drops_condition());
    for change in dropped.filter(|change| !listed(change)) {
        write_redundant(&change.policy, &change.source, change.mutant.span, "implied by the others", out)?;
    }
    Ok(())
}

fn cases(n: usize) -> String {
    if n == 1 { "1 case".to_owned() } else { format!("{n} cases") }
}
