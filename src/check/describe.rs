//! The description of a run in its report: files with their digests, checks, parameters.

use super::inputs::Inputs;
use crate::engine::VerdictCounts;
use crate::ids::IdVec;
use crate::pack::Pack;
use crate::parameters::Parameters;
use crate::policy::{Check, CheckId, Statement, Waiver, WaiverId};
use crate::report::{
    CheckReport, CheckState, Compared, FileReport, FileRole, Options, PackReport, ParameterReport, ScopeReport,
    WaiverReport, WaiverState, WaiverUse, json_constant,
};
use crate::schema::Model;
use crate::source::{Place, Source, hexadecimal};
use crate::value::Value;
use sha2::{Digest, Sha256};
use smol_str::{SmolStr, ToSmolStr};
use std::sync::Arc;

/// Describes the files of a pack. `model` is that of the schema, if it is valid.
pub fn describe_pack(inputs: &Inputs, model: Option<&Model>) -> PackReport {
    let file =
        |source: &Arc<Source>, role| FileReport { path: source.name().to_owned(), role, sha256: source.sha256() };
    let policies = inputs.policies.iter().map(|source| file(source, FileRole::Policies));
    let waivers = inputs.waivers.iter().map(|source| file(source, FileRole::Waivers));
    PackReport {
        name: inputs.pack.clone(),
        version: model.and_then(Model::version).cloned(),
        files: std::iter::once(file(&inputs.schema, FileRole::Schema)).chain(policies).chain(waivers).collect(),
    }
}

/// Returns the SHA-256 of a text, in hexadecimal.
pub(super) fn digest(source: &Source) -> String {
    if source.is_derived() {
        return source.sha256();
    }
    hexadecimal(Sha256::digest(source.text().as_bytes()).as_slice())
}

/// Describes the checks of a pack before the run.
pub(super) fn describe_checks(pack: &Pack) -> IdVec<CheckId, CheckReport> {
    let report = |(at, check): (CheckId, &Check)| CheckReport {
        id: check.statement.id.clone(),
        title: check.title.clone(),
        severity: check.severity,
        overridden: check.overridden.clone(),
        remediation: check.remediation.clone(),
        reference: check.reference.clone(),
        controls: check.controls.clone(),
        policy: Place::new(&check.statement.source, check.statement.span),
        state: match (pack.is_valid(check), pack.is_selected(at)) {
            (false, _) => CheckState::Invalid,
            (true, true) => CheckState::Run,
            (true, false) => CheckState::Deselected,
        },
        accounts: accounts_of(pack.model(), &check.statement),
        judged: false,
        counts: VerdictCounts::default(),
        listed: VerdictCounts::default(),
        compared: Compared::default(),
        waived_unknown: 0,
    };
    pack.policies().checks.entries().map(report).collect()
}

/// Describes the waivers of a pack before the run.
pub(super) fn describe_waivers(pack: &Pack, options: &Options) -> IdVec<WaiverId, WaiverReport> {
    let policies = pack.policies();
    let has_error = |waiver: &Waiver| {
        let statement = &waiver.statement;
        !statement.valid || statement.idle || pack.program().refused.contains(&statement.id)
    };
    let is_run = |at: WaiverId| pack.program().waivers.iter().any(|lowered| lowered.waiver == at);
    let report = |(at, waiver): (WaiverId, &Waiver)| WaiverReport {
        id: waiver.statement.id.clone(),
        check: waiver.check.clone(),
        reason: waiver.reason.clone(),
        owner: waiver.owner.clone(),
        expires: waiver.expires.clone(),
        ticket: waiver.ticket.clone(),
        unknowns: waiver.unknowns.into(),
        place: Place::new(&waiver.statement.source, waiver.head),
        expires_span: waiver.expires_span,
        state: match options.waivers {
            _ if has_error(waiver) => WaiverState::Invalid,
            WaiverUse::Ignored => WaiverState::Ignored,
            WaiverUse::Applied if !waiver.is_live(options.now) => WaiverState::Expired,
            WaiverUse::Applied if is_run(at) => WaiverState::Live,
            WaiverUse::Applied => WaiverState::NotRun,
        },
        accounts: 0,
        waived: 0,
        beyond: 0,
        examples: Vec::new(),
    };
    policies.waivers.entries().map(report).collect()
}

/// Returns the ids of root entities in the scope of a check. The check judges an account only if all are its id.
fn accounts_of(model: &Model, statement: &Statement) -> Vec<SmolStr> {
    let scopes = [&statement.principal, &statement.resource];
    let named = scopes.into_iter().flat_map(|scope| scope.equals.iter().chain(&scope.within));
    let of_root = named.filter(|uid| model.type_named(&uid.entity_type().to_smolstr()) == Some(model.root));
    of_root.map(|uid| AsRef::<str>::as_ref(uid.eid()).into()).collect()
}

/// Describes the parameters of a run: the values for the whole run, then those for single instances.
pub(super) fn describe_parameters(model: &Model, parameters: &Parameters) -> Vec<ParameterReport> {
    let shown = |value: Option<&Value>| value.map(|value| json_constant(model, value));
    let of_run = model.parameters.iter().zip(&parameters.values).zip(&parameters.is_set);
    let of_run = of_run.map(|((parameter, value), set)| ParameterReport {
        name: parameter.name.clone(),
        scope: None,
        value: shown(value.valid()),
        default: shown(parameter.default.as_ref()),
        set: *set,
        of_account: parameter.slot.is_some(),
    });
    let ty = model.parameter_scope().map(|ty| model.short_name(ty)).unwrap_or_default();
    let of_scopes = parameters.scopes.iter().flat_map(|scope| {
        let of_scope = scope.set.iter().filter_map(|(at, value)| Some((model.parameters.get(*at)?, value)));
        of_scope.map(|(parameter, value)| ParameterReport {
            name: parameter.name.clone(),
            scope: Some(ScopeReport { ty: ty.to_owned(), id: scope.id.clone() }),
            value: shown(value.valid()),
            default: shown(parameter.default.as_ref()),
            set: true,
            of_account: parameter.slot.is_some(),
        })
    });
    of_run.chain(of_scopes).collect()
}
