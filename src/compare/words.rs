//! The words for a change and its causes, which text and Markdown share.

use super::cause::{Cause, DecidingClause, Observed};
use super::diff::{Changed, Difference, Kind, Recounted, Unlisted};
use crate::engine::Verdict;
use crate::render::describe_configuration;
use crate::report::ReadState;

/// Returns the name of a verdict in a sentence.
pub(super) fn verdict(verdict: Option<Verdict>) -> String {
    verdict.map_or_else(|| "none".to_owned(), |verdict| verdict.name().replace('_', " "))
}

/// Returns the verdicts of a change.
pub(super) fn verdicts(old: Option<Verdict>, new: Option<Verdict>) -> String {
    format!("{} -> {}", verdict(old), verdict(new))
}

/// Returns the resource of a change, with its account if the runs have several.
pub(super) fn resource(change: &Changed<'_>, difference: &Difference<'_>) -> String {
    let resource = format!("{} {}", change.resource_type, change.resource_id);
    let has_several = difference.old.accounts.len().max(difference.new.accounts.len()) > 1;
    if has_several { format!("{resource} of {}", change.account) } else { resource }
}

/// Returns a cause in one line.
pub(super) fn cause(cause: &Cause<'_>) -> String {
    match cause {
        Cause::ValueChanged { name, entity, old, new } => {
            let of = entity.as_ref().map_or_else(String::new, |entity| format!(" of {entity}"));
            format!("value changed: {name}{of} {} -> {}", observed(old), observed(new))
        }
        Cause::PolicyChanged { old, new } => match (clauses(old), clauses(new)) {
            (None, None) => "policy changed".to_owned(),
            (old, new) => {
                let shown = |clauses: Option<String>| clauses.unwrap_or_else(|| "none".to_owned());
                format!("policy changed: {} -> {}", shown(old), shown(new))
            }
        },
        Cause::ParameterChanged { name, old, new } => {
            let shown = |value: &Option<std::borrow::Cow<'_, str>>| value.as_deref().unwrap_or("not set").to_owned();
            format!("parameter changed: {name} {} -> {}", shown(old), shown(new))
        }
        Cause::WaiverLapsed { waiver } => format!("waiver lapsed: {waiver}"),
        Cause::WaiverAdded { waiver } => format!("waiver added: {waiver}"),
        Cause::TimePassed { old, new } => format!("time passed: {old} -> {new}"),
        Cause::CheckAdded => "the old run has not judged the account by the check".to_owned(),
        Cause::CheckNotRun => "the new run has not judged the account by the check".to_owned(),
        Cause::ListNotCaptured => "the list of the resource was not captured in full in the new run".to_owned(),
        Cause::EngineChanged { old, new } => format!("version of Deodar changed: {old} -> {new}"),
        Cause::SnapshotChanged => "the snapshot changed".to_owned(),
    }
}

fn observed(observed: &Observed<'_>) -> String {
    let value = match (observed.state, &observed.value) {
        (ReadState::Known | ReadState::Between | ReadState::Partial, Some(value)) => value.to_string(),
        (ReadState::Absent, _) => "absent".to_owned(),
        (ReadState::Unreadable, _) => "unreadable".to_owned(),
        (ReadState::Partial, _) => "captured in part".to_owned(),
        _ => "not captured".to_owned(),
    };
    let place = observed.place.as_ref().map_or_else(String::new, |place| format!(" ({})", place.shown()));
    format!("{value}{place}")
}

fn clauses(clauses: &[DecidingClause<'_>]) -> Option<String> {
    let shown = clauses.iter().map(|it| {
        let text = it.clause.split_whitespace().collect::<Vec<_>>().join(" ");
        format!("`{text}` ({})", it.place.shown())
    });
    (!clauses.is_empty()).then(|| shown.collect::<Vec<_>>().join(", "))
}

/// Returns the configuration files of a difference with their settings that weaken the gate; equal ones once.
pub(super) fn configurations(difference: &Difference<'_>) -> Vec<String> {
    let (old, new) = (&difference.old.configuration, &difference.new.configuration);
    let both = old.iter().chain(new.iter().filter(|_| old != new));
    both.flat_map(|configuration| describe_configuration(configuration, true)).collect()
}

/// Returns the totals of a difference.
pub(super) fn totals(difference: &Difference<'_>) -> String {
    let changed = Kind::ALL.into_iter().filter_map(|kind| Some((kind, difference.changed.get(&kind)?)));
    let changed: Vec<String> = changed.map(|(kind, count)| kind.counted(*count)).collect();
    let unchanged = Verdict::ALL.into_iter().filter_map(|it| Some((it, difference.unchanged.get(&it)?)));
    let unchanged: Vec<String> = unchanged.map(|(it, count)| format!("{count} {}", verdict(Some(it)))).collect();
    let or_none = |items: Vec<String>| if items.is_empty() { "none".to_owned() } else { items.join(", ") };
    format!("changed: {}; unchanged: {}", or_none(changed), or_none(unchanged))
}

/// Returns the numbers of the verdicts that a report left out.
pub(super) fn recounted(it: &Recounted<'_>) -> String {
    let numbers = |of: &Unlisted| format!("{} pass, {} not applicable", of.pass, of.not_applicable);
    format!("{} on {}: {} -> {}", it.check, it.account, numbers(&it.old), numbers(&it.new))
}

/// The title of the checks with other numbers of verdicts that a report left out.
pub(super) const RECOUNTED: &str = "other numbers of verdicts that are not listed";

/// Returns the reason of the exit code.
pub(super) fn reason(difference: &Difference<'_>) -> &'static str {
    match difference.exit_code() {
        0 if !difference.complete => {
            "the verdicts that both reports list are the same, and so are the numbers of the others"
        }
        0 => "the verdicts are the same",
        1 => "the verdicts differ",
        _ => "some files are unreadable or invalid",
    }
}

/// The advice for reports that do not have all verdicts.
pub(super) const INCOMPLETE: &str =
    "a report does not have all verdicts, so causes are missing: write it with --verdicts all";
