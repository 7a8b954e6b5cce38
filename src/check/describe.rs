//! The description of a run in its report: files with their digests, checks, parameters.

use super::inputs::Inputs;
use crate::engine::VerdictCounts;
use crate::ids::IdVec;
use crate::pack::Pack;
use crate::parameters::Parameters;
use crate::policy::{Check, CheckId, Statement};
use crate::report::{
    CheckReport, CheckState, Compared, FileReport, FileRole, PackReport, ParameterReport, ScopeReport, json_constant,
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
    PackReport {
        name: inputs.pack.clone(),
        version: model.and_then(Model::version).cloned(),
        files: std::iter::once(file(&inputs.schema, FileRole::Schema)).chain(policies).collect(),
    }
}

/// Returns the SHA-256 of a text, in hexadecimal.
pub(super) fn digest(source: &Source) -> String {
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
        explained: VerdictCounts::default(),
        compared: Compared::default(),
    };
    pack.policies().checks.entries().map(report).collect()
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
    let shown = |value: &Option<Value>| value.as_ref().map(|value| json_constant(model, value));
    let of_run = model.parameters.iter().zip(&parameters.values).zip(&parameters.is_set);
    let of_run = of_run.map(|((parameter, value), set)| ParameterReport {
        name: parameter.name.clone(),
        scope: None,
        value: shown(value),
        set: *set,
    });
    let ty = model.parameter_scope().map(|ty| model.short_name(ty)).unwrap_or_default();
    let of_scopes = parameters.scopes.iter().flat_map(|scope| {
        let of_scope = scope.set.iter().filter_map(|(at, value)| Some((model.parameters.get(*at)?, value)));
        of_scope.map(|(parameter, value)| ParameterReport {
            name: parameter.name.clone(),
            scope: Some(ScopeReport { ty: ty.to_owned(), id: scope.id.clone() }),
            value: shown(value),
            set: true,
        })
    });
    of_run.chain(of_scopes).collect()
}
