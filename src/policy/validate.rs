//! The validation of policies by Cedar, strictly.

use super::absence;
use super::model::Policies;
use crate::diagnostic::{Code, Diagnostic, DiagnosticLevel};
use crate::parallel::*;
use crate::schema::{Model, RequestScope, Schema, from_cedar};
use crate::source::{Source, cedar};
use crate::value::IpNet;
use cedar_policy::{PolicySet, ValidationMode, ValidationResult, ValidationWarning};
use smol_str::{SmolStr, ToSmolStr};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// The number of policies that one task validates.
const POLICIES_PER_TASK: usize = 8;

/// Errors of one policy that are listed; of the others the number is given.
const MAX_ERRORS: usize = 20;

/// Validates policies: marks those with errors as invalid and those without effect as idle, and returns diagnostics.
/// Policies of this program are not validated by its own schema: its tests do that, and it is half of the time of a start.
pub(super) fn validate(schema: &Schema, policies: &mut Policies) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    let sources: HashMap<SmolStr, Arc<Source>> =
        policies.statements().map(|statement| (statement.id.clone(), Arc::clone(&statement.source))).collect();
    let is_known = |policy: &&cedar_policy::Policy| {
        let source = sources.get(AsRef::<str>::as_ref(policy.id()));
        source.is_some_and(|source| schema.validates(source))
    };
    // Policies are validated one by one, so their division into sets does not matter.
    let all: Vec<&cedar_policy::Policy> = policies.cedar.policies().filter(|policy| !is_known(policy)).collect();
    if all.is_empty() {
        return diagnostics;
    }
    let mut scopes: BTreeMap<RequestScope, Vec<&cedar_policy::Policy>> = BTreeMap::new();
    for policy in all {
        scopes.entry(RequestScope::of(policy.as_ref())).or_default().push(policy);
    }
    let validate = |(scope, some): &(&RequestScope, &[&cedar_policy::Policy])| {
        let validator = schema.validator_of(scope)?;
        let some = PolicySet::from_policies(some.iter().map(|policy| (*policy).clone()));
        let some = some.as_ref().unwrap_or(&policies.cedar);
        Ok(cedar::on_deep_stack(|| validator.validate(some, ValidationMode::Strict)))
    };
    let divided = scopes.iter().flat_map(|(scope, all)| all.chunks(POLICIES_PER_TASK).map(move |some| (scope, some)));
    let divided: Vec<(&RequestScope, &[&cedar_policy::Policy])> = divided.collect();
    let results: Result<Vec<ValidationResult>, &[Diagnostic]> = map_each(&divided, validate).into_iter().collect();
    let results = match results {
        Ok(results) => results,
        Err(errors) => {
            policies.statements().for_each(|statement| statement.valid = false);
            return errors.to_vec();
        }
    };
    let mut errors: BTreeMap<SmolStr, Vec<Diagnostic>> = BTreeMap::new();
    for error in results.iter().flat_map(ValidationResult::validation_errors) {
        let id = error.policy_id().to_smolstr();
        let Some(source) = sources.get(&id) else { continue };
        let found = explained(policies, error, invalid(source, error));
        let found = with_meant_type(&schema.model, found);
        errors.entry(id).or_default().push(found);
    }
    let failed: HashSet<SmolStr> = errors.keys().cloned().collect();
    diagnostics.extend(errors.into_iter().flat_map(|(id, errors)| first_errors(&id, errors)));
    let (mut idle, mut warned): (HashSet<SmolStr>, Vec<_>) = (HashSet::new(), Vec::new());
    for warning in results.iter().flat_map(ValidationResult::validation_warnings) {
        let id = warning.policy_id().to_smolstr();
        let Some(source) = sources.get(&id).filter(|_| !failed.contains(&id)) else { continue };
        // A check that no resource can fail would pass for ever: the review of the pack refuses it and says why.
        if let ValidationWarning::ImpossiblePolicy(_) = warning {
            idle.insert(id);
        } else {
            warned.push((id, from_cedar(Code::PolicyWarning, DiagnosticLevel::Warning, source, warning)));
        }
    }
    let warned = warned.into_iter().filter(|(id, _)| !idle.contains(id)).map(|(_, warning)| warning);
    diagnostics.extend(warned);
    policies.statements().for_each(|statement| statement.idle = idle.contains(&statement.id));
    policies
        .statements()
        .filter(|statement| failed.contains(&statement.id))
        .for_each(|statement| statement.valid = false);
    diagnostics
}

/// Adds advice to one of Cedar's errors that fits the policy.
fn explained(policies: &Policies, error: &cedar_policy::ValidationError, found: Diagnostic) -> Diagnostic {
    let id = error.policy_id().to_smolstr();
    let check = policies.checks.iter().map(|check| (&check.statement, true));
    let derivation = policies.derivations.iter().map(|derivation| (&derivation.statement, false));
    let waiver = policies.waivers.iter().map(|waiver| (&waiver.statement, false));
    match check.chain(derivation).chain(waiver).find(|(statement, _)| statement.id == id) {
        Some((statement, is_check)) => absence::explain(error, found, statement, is_check),
        None => found,
    }
}

/// Returns the first errors of a policy and, if there are more, how many.
fn first_errors(id: &str, mut errors: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let more = errors.len().saturating_sub(MAX_ERRORS);
    crate::diagnostic::sort(&mut errors);
    errors.truncate(MAX_ERRORS);
    if more > 0 {
        let labels = errors.last().map(|last| last.labels.clone()).unwrap_or_default();
        let count = Diagnostic::error(Code::PolicyInvalid, format!("`{id}` has {more} more errors, from here on"));
        errors.push(Diagnostic { labels, ..count }.help("correct the errors before it, then check again"));
    }
    errors
}

/// Replaces Cedar's suggestion for a misspelt entity type: of several similar types it names one at random.
fn with_meant_type(model: &Model, found: Diagnostic) -> Diagnostic {
    let written = found.message.split_once("unrecognized entity type `").and_then(|(_, rest)| rest.split('`').next());
    let Some(written) = written.map(str::to_owned) else { return found };
    let names: Vec<&str> = model.types.iter().map(|ty| ty.name.as_str()).collect();
    found.suggest(&written, names)
}

/// Turns one of Cedar's validation errors into ours. For an address whose notation only Cedar rejects, the help gives
/// the notation that Cedar reads.
pub(super) fn invalid(source: &Arc<Source>, error: &dyn miette::Diagnostic) -> Diagnostic {
    let diagnostic = from_cedar(Code::PolicyInvalid, DiagnosticLevel::Error, source, error);
    let argument = diagnostic.labels.first().and_then(|label| label.place.text().split('"').nth(1));
    let notation = argument.filter(|text| IpNet::parse(text).is_ok()).and_then(|text| IpNet::literal(text).err());
    diagnostic.maybe_help(notation)
}
