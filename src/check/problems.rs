//! Diagnostics about a snapshot as a whole, and about settings that do not apply to any snapshot of a run.

use super::literals;
use crate::diagnostic::{Code, Diagnostic};
use crate::engine::{Evaluator, Sought, Verdict};
use crate::pack::Pack;
use crate::parameters::Parameters;
use crate::policy::Statement;
use crate::report::{
    CheckReport, CheckState, Clock, NO_SNAPSHOT_HAS_IT, Options, RepeatedAccount, Report, SnapshotReport,
    SoughtInstance, TooOld, listed_accounts,
};
use crate::schema::{Model, Shape, SlotId};
use crate::snapshot::{Data, Snapshot, State};
use crate::source::{Source, Span};
use crate::value::{show_datetime, show_duration};
use smol_str::{SmolStr, ToSmolStr};
use std::sync::Arc;

const OTHER_ACCOUNT: &str = "name a snapshot, or name the schema and policies of this one with --schema and --policies";

/// Returns the error for a document that does not have any property of the schema: it is not a snapshot. `recognised`
/// is the name of the pack, if it was selected by its properties.
pub(super) fn unrecognised_document(
    pack: &Pack,
    recognised: Option<&str>,
    path: &str,
    source: &Arc<Source>,
) -> Option<Diagnostic> {
    if !is_object(source) || !Snapshot::is_strange(pack.model(), source) {
        return None;
    }
    let message = match recognised {
        Some(pack) => format!("`{path}` does not look like a snapshot of {pack}: it has no known property"),
        None => format!("`{path}` does not look like a snapshot: it has no property that the schema declares"),
    };
    let error = Diagnostic::error(Code::NoPack, message);
    Some(error.label(source, Span::new(0, 0), "this document").help(match recognised {
        Some(_) => OTHER_ACCOUNT,
        None => "name a snapshot; if nothing could be captured, add `captured_at` to it",
    }))
}

/// Returns the warning for a document without any list of resources. `recognised` is the name of the pack.
pub(super) fn without_lists(pack: &Pack, recognised: &str, path: &str, source: &Arc<Source>) -> Option<Diagnostic> {
    if !is_object(source) || Snapshot::has_lists(pack.model(), source) {
        return None;
    }
    let lists: Vec<String> = Snapshot::lists(pack.model()).map(|name| format!("`{name}`")).collect();
    let message = format!("`{path}` does not look like a snapshot of {recognised}: it has no {}", lists.join(", no "));
    let warning = Diagnostic::warning(Code::NoPack, message);
    Some(warning.label(source, Span::new(0, 0), "this document").help(OTHER_ACCOUNT))
}

fn is_object(source: &Source) -> bool {
    source.text().trim_start_matches('\u{feff}').trim_start().starts_with('{')
}

/// Returns the slot of `captured_at` of the root entity, if the schema has it.
fn capture_slot(model: &Model) -> Option<SlotId> {
    match model.ty(model.root).attribute("captured_at")?.shape {
        Shape::Leaf(slot) => Some(slot),
        _ => None,
    }
}

/// Returns the time of the capture, in milliseconds since 1970, if the snapshot states it, and whether it is unknown.
/// Where the schema does not declare it, and where it is optional and absent, there is none.
pub(super) fn captured_at(evaluator: &Evaluator<'_>) -> (Option<i64>, bool) {
    let Some(slot) = capture_slot(evaluator.model) else { return (None, false) };
    let column = evaluator.column(evaluator.model.root, slot);
    match (&column.data, column.states.first()) {
        (Data::Number(all), Some(State::Known)) => (all.first().copied(), false),
        (_, state) => (None, state != Some(&State::Absent)),
    }
}

/// Returns the warning for a snapshot whose time of capture is missing or after that of the run.
pub(super) fn capture_time(
    evaluator: &Evaluator<'_>,
    described: &SnapshotReport,
    options: &Options,
) -> Option<Diagnostic> {
    let state = evaluator.column(evaluator.model.root, capture_slot(evaluator.model)?).states.first();
    let now = options.now;
    let (problem, help) = match described.captured_at {
        // The decoder has reported a value that is not a time.
        None if state == Some(&State::Unreadable) => return None,
        None => ("has no `captured_at`".to_owned(), "add the time of the capture"),
        Some(captured_at) if captured_at > now => {
            let problem =
                format!("was captured at {}, which is after {}", show_datetime(captured_at), show_datetime(now));
            let help = match options.clock {
                Clock::Machine => "correct `captured_at` or the clock, or set the time of the run with --now",
                Clock::Given => "correct `captured_at`, or evaluate as of a later time",
            };
            (problem, help)
        }
        Some(_) => return None,
    };
    Some(Diagnostic::warning(Code::CaptureTime, format!("`{}` {problem}", described.path)).help(help))
}

/// Returns the warning for a snapshot that is older than the limit.
pub(super) fn too_old(age: &TooOld, described: &SnapshotReport, options: &Options) -> Diagnostic {
    let limit = options.max_snapshot_age.map(show_duration).unwrap_or_default();
    let is_too_old = crate::report::too_old(&described.path);
    let message = format!("{is_too_old}, so its verdicts are unknown: {}", age.phrase());
    let warning = Diagnostic::warning(Code::SnapshotAge, message);
    let warning = match age.place() {
        Some(place) => warning.label(&place.source, place.span, format!("the limit is {limit}")),
        None => warning,
    };
    warning.help("capture the snapshot and its evidence again, or raise --max-snapshot-age")
}

/// Returns the diagnostics for scopes and settings that did not apply to any judged snapshot.
pub(super) fn unmatched(pack: &Pack, report: &Report) -> Vec<Diagnostic> {
    let checks = pack.policies().checks.iter().zip(&report.checks).filter_map(|(check, listed)| {
        if listed.state != CheckState::Run || report.ids_seen.is_empty() {
            return None;
        }
        match listed.judged {
            true if listed.counts.total() == 0 => no_instance(pack.model(), &check.statement),
            false if !listed.accounts.is_empty() => Some(no_account(&check.statement, listed, report)),
            _ => None,
        }
    });
    let scopes = report.scopes.iter().filter_map(not_found);
    checks
        .chain(literals::not_found(pack, report))
        .chain(scopes)
        .chain(same_account(report))
        .chain(other_baseline(pack.model(), report))
        .collect()
}

/// Returns the warning for a baseline that has no verdict about the accounts and checks of the run, or may be of another
/// account.
fn other_baseline(model: &Model, report: &Report) -> Option<Diagnostic> {
    let baseline = report.run.baseline.as_ref()?;
    let is_judged = report.checks.iter().any(|check| check.compared.judged > 0);
    if baseline.findings == 0 || report.ids_seen.is_empty() {
        return None;
    }
    if is_judged {
        // Without a key, all accounts have one id.
        return model.ty(model.root).key.is_none().then(|| {
            let message = format!("the baseline `{}` may be of another account", baseline.path);
            let root = model.short_name(model.root);
            let help =
                format!("give the root entity `{root}` a `@key` in the schema, so that accounts have different ids");
            Diagnostic::warning(Code::NoAccount, message).help(help)
        });
    }
    let message = format!("the baseline `{}` has no finding of the accounts and checks of this run", baseline.path);
    let help = "name the report of an earlier run on the same accounts with --baseline";
    Some(Diagnostic::warning(Code::NoAccount, message).help(help))
}

/// Returns the diagnostic for snapshots with the account id of an earlier one.
fn same_account(report: &Report) -> Option<Diagnostic> {
    let (path, id) = report.first_repeated.as_ref()?;
    Some(
        RepeatedAccount { path, id, count: report.repeated }
            .problem(report.run.baseline.is_some() || report.count(Verdict::Waived) > 0),
    )
}

/// Returns the warning for a check whose scope names an account that the run does not have.
fn no_account(statement: &Statement, listed: &CheckReport, report: &Report) -> Diagnostic {
    let quoted = |ids: &[SmolStr]| ids.iter().map(|id| format!("{id:?}")).collect::<Vec<_>>().join(", ");
    let message = format!("`{}` is for the account {}, and no snapshot is of it", listed.id, quoted(&listed.accounts));
    let named = statement.principal.equals.is_some() || statement.principal.within.is_some();
    let span = if named { statement.principal_span } else { statement.resource_span };
    let warning = Diagnostic::warning(Code::NoAccount, message).label(&statement.source, span, "");
    warning.help(listed_accounts(&report.ids_seen))
}

/// Returns the warning for a check that judges nothing and whose scope names an instance that is not an account.
fn no_instance(model: &Model, statement: &Statement) -> Option<Diagnostic> {
    let named = statement.resource.equals.as_ref().or(statement.resource.within.as_ref())?;
    let (ty, id) = (named.entity_type().to_smolstr(), named.eid().as_ref());
    if model.type_named(&ty).is_none_or(|ty| ty == model.root) {
        return None;
    }
    let message = format!("`{}` is for `{ty}::{id:?}`, and no snapshot has a resource for it", statement.id);
    let warning = Diagnostic::warning(Code::NoInstance, message).label(&statement.source, statement.resource_span, "");
    Some(warning.help("correct the id: it is the key of the instance after the keys of those that it is nested in"))
}

/// Returns the errors for settings for instances that no snapshot has. `sought` are the results of each snapshot, in the order of
/// the settings.
pub fn without_instance(model: &Model, parameters: &Parameters, sought: &[Vec<Sought>]) -> Vec<Diagnostic> {
    let errors = parameters.scopes.iter().enumerate().filter_map(|(at, scope)| {
        let found = || sought.iter().filter_map(|of_snapshot| of_snapshot.get(at));
        if found().any(|found| *found == Sought::Found) {
            return None;
        }
        let similar = found().find(|found| matches!(found, Sought::Similar(_)));
        let error = no_scope(scope_name(model), &scope.id, similar.or_else(|| found().next())?);
        Some(match &scope.place {
            Some(place) => error.label(&place.source, place.span, "set here"),
            None => error,
        })
    });
    errors.collect()
}

/// Removes the errors for settings for instances that only the other one of two compared runs has.
pub fn share_instances(old: &mut Report, new: &mut Report) {
    let is_found = |instance: &SoughtInstance| instance.found == Some(Sought::Found);
    let has = |report: &Report, sought: &SoughtInstance| {
        report.scopes.iter().any(|instance| instance.id == sought.id && is_found(instance))
    };
    let missing = |report: &Report, other: &Report| -> Vec<Diagnostic> {
        report.scopes.iter().filter(|instance| has(other, instance)).filter_map(not_found).collect()
    };
    let (of_old, of_new) = (missing(old, new), missing(new, old));
    old.remove_of_run(&of_old);
    new.remove_of_run(&of_new);
}

/// Returns the name of the type whose instances parameters can be set for; empty without one.
pub(super) fn scope_name(model: &Model) -> &str {
    model.parameter_scope().map(|ty| model.short_name(ty)).unwrap_or_default()
}

/// Returns the error for an instance of a run that no judged snapshot has.
fn not_found(instance: &SoughtInstance) -> Option<Diagnostic> {
    let sought = instance.found.as_ref().filter(|found| **found != Sought::Found)?;
    Some(no_scope(&instance.ty, &instance.id, sought))
}

/// Returns the error for a setting of a parameter for an instance that no judged snapshot has.
fn no_scope(ty: &str, id: &str, sought: &Sought) -> Diagnostic {
    let message = format!("a parameter is set for {ty} `{id}`{NO_SNAPSHOT_HAS_IT}");
    let error = Diagnostic::error(Code::Parameter, message);
    match sought {
        Sought::Similar(similar) => error.help(format!("did you mean `{similar}`?")),
        Sought::Others(ids) if !ids.is_empty() => {
            let ids: Vec<String> = ids.iter().map(|id| format!("`{id}`")).collect();
            error.help(format!("name it by its id: the first snapshot that was judged has {}", ids.join(", ")))
        }
        _ => error.help(format!("the first snapshot that was judged has no {ty} with a known id")),
    }
}

/// Returns an error for every parameter that the account sets to a value that is never equal to the folded values that
/// policies compare it with.
pub(super) fn unfolded_parameters(evaluator: &Evaluator<'_>) -> Vec<Diagnostic> {
    let Evaluator { model, program, snapshot, .. } = evaluator;
    let one = |at: usize| {
        let slot = evaluator.account_slot(at)?;
        let error = program.unfolded(model, at, &evaluator.account_value(slot)?)?;
        let row = snapshot.table(model.root).rows.first()?;
        let found = snapshot.locate(row.span, model.ty(model.root).slot(slot).origin.pointer()?);
        Some(error.label(&snapshot.source, found.span, "set here"))
    };
    (0..model.parameters.len()).filter_map(one).collect()
}
