//! The requests that a policy is validated for.
//!
//! Cedar's validator checks a policy for each action and pair of types that the schema allows, and finds for most of them that
//! the scope of the policy excludes them. A validator for the others has the same result: a scope that is false hides the
//! rest of the policy.

use super::Schema;
use crate::diagnostic::Diagnostic;
use cedar_policy::Validator;
use cedar_policy_core::ast::{
    self, ActionConstraint, EntityReference, EntityType, EntityUID, PrincipalOrResourceConstraint,
};
use cedar_policy_core::validator::{ValidationMode, ValidatorActionId, ValidatorSchema, types::RequestEnv};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The number of requests up to which a policy is validated for all of them. It is low in debug builds, so that tests cover
/// both ways.
const FEW: usize = if cfg!(debug_assertions) { 1 } else { 16 };

/// Parts of all narrowed schemas together: types and their slots. Policies with further scopes are validated for all requests.
const MAX_PARTS: usize = 1 << 18;

/// The part of a scope that selects requests: the action and the types, each if it is only one.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestScope {
    action: Option<EntityUID>,
    principal: Option<EntityType>,
    resource: Option<EntityType>,
}

/// Validators of a schema for a part of the requests.
pub(super) type ScopedValidators = Arc<Mutex<HashMap<RequestScope, Arc<Validator>>>>;

impl RequestScope {
    /// Returns the scope of a policy.
    pub fn of(policy: &ast::Policy) -> Self {
        let ty = |constraint: &PrincipalOrResourceConstraint| match constraint {
            PrincipalOrResourceConstraint::Is(of) | PrincipalOrResourceConstraint::IsIn(of, _) => Some((**of).clone()),
            PrincipalOrResourceConstraint::Eq(EntityReference::EUID(uid)) => Some(uid.entity_type().clone()),
            _ => None,
        };
        let action = match policy.action_constraint() {
            ActionConstraint::Eq(only) => Some((**only).clone()),
            _ => None,
        };
        let (principal, resource) = (policy.principal_constraint(), policy.resource_constraint());
        Self { action, principal: ty(principal.as_inner()), resource: ty(resource.as_inner()) }
    }

    /// Returns the number of requests of a schema that are in the scope.
    pub fn count(&self, schema: &cedar_policy::Schema) -> usize {
        let schema: &ValidatorSchema = schema.as_ref();
        schema.unlinked_request_envs(ValidationMode::Strict).filter(|request| self.includes(request)).count()
    }

    fn includes(&self, request: &RequestEnv<'_>) -> bool {
        fits(self.action.as_ref(), request.action_entity_uid())
            && fits(self.principal.as_ref(), request.principal_entity_type())
            && fits(self.resource.as_ref(), request.resource_entity_type())
    }

    /// Returns a schema with the requests of another one that are in the scope.
    fn narrowed(&self, schema: &ValidatorSchema) -> Option<ValidatorSchema> {
        let action = |action: &ValidatorActionId| {
            let is_it = fits(self.action.as_ref(), Some(action.name()));
            let types = |only: &Option<EntityType>, all: &mut dyn Iterator<Item = &EntityType>| -> Vec<EntityType> {
                all.filter(|ty| is_it && fits(only.as_ref(), Some(*ty))).cloned().collect()
            };
            Some(ValidatorActionId::new_defined(
                action.name().clone(),
                types(&self.principal, &mut action.principals()),
                types(&self.resource, &mut action.resources()),
                action.descendants().cloned(),
                action.context()?.clone(),
                action.loc().cloned(),
            ))
        };
        let actions: Option<Vec<ValidatorActionId>> = schema.action_ids().map(action).collect();
        Some(ValidatorSchema::new(schema.entity_types().cloned(), actions?))
    }
}

fn fits<T: PartialEq>(only: Option<&T>, found: Option<&T>) -> bool {
    only.is_none() || only == found
}

impl Schema {
    /// Returns Cedar's validator of policies with a scope.
    ///
    /// # Errors
    /// Those of [`Schema::validator`].
    pub fn validator_of(&self, scope: &RequestScope) -> Result<Arc<Validator>, &[Diagnostic]> {
        let known = || self.scoped.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known().get(scope) {
            return Ok(Arc::clone(known));
        }
        let all = self.shared_validator()?;
        let parts: usize = self.model.types.iter().map(|ty| 1 + ty.slots.len()).sum();
        let is_room = || (known().len() + 1).saturating_mul(parts) <= MAX_PARTS;
        let is_large = || RequestScope::default().count(all.schema()) > FEW;
        if *scope == RequestScope::default() || !is_room() || !is_large() {
            return Ok(Arc::clone(all));
        }
        let Some(narrowed) = scope.narrowed(all.schema().as_ref()) else { return Ok(Arc::clone(all)) };
        let validator = Arc::new(Validator::new(narrowed.into()));
        known().insert(scope.clone(), Arc::clone(&validator));
        Ok(validator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;
    use cedar_policy::PolicySet;

    /// Returns the errors and warnings of a validator.
    fn found(validator: &Validator, policy: &PolicySet) -> Vec<String> {
        let result = validator.validate(policy, cedar_policy::ValidationMode::Strict);
        let errors = result.validation_errors().map(ToString::to_string);
        let mut found: Vec<String> = errors.chain(result.validation_warnings().map(ToString::to_string)).collect();
        found.sort();
        found
    }

    #[test]
    fn a_validator_of_a_scope_finds_what_the_one_of_all_requests_finds() {
        let schema = r#"
            @path("") entity Org = { open: Bool };
            @path("/teams/*") @key("id") entity Team in [Org] = { id: String, size?: Long };
            @path("/users/*") @key("id") entity User in [Org] = { id: String, name: String, team: Team };
            entity Level enum ["low", "high"];
            action audit appliesTo { principal: [Org], resource: [Team, User], context: { now: datetime } };
            action derive appliesTo { principal: [Team, User], resource: [Team, User], context: {} };
        "#;
        let schema = Schema::parse(&Source::new("all.cedarschema", schema).unwrap()).0.unwrap();
        let scopes = [
            r#"forbid (principal, action == Action::"audit", resource is User)"#,
            r#"forbid (principal, action == Action::"audit", resource)"#,
            r#"forbid (principal is User, action == Action::"audit", resource)"#,
            r#"forbid (principal is Org, action in [Action::"audit", Action::"derive"], resource is Team)"#,
            r#"permit (principal is User, action == Action::"derive", resource is Team)"#,
            r#"permit (principal, action, resource == Team::"a")"#,
            r#"permit (principal in Org::"o", action == Action::"derive", resource is User in Org::"o")"#,
            r#"permit (principal is Usr, action == Action::"derive", resource is Team)"#,
            r#"permit (principal, action == Action::"audti", resource is Level)"#,
            "permit (principal, action, resource)",
        ];
        let conditions = [
            "true",
            "false",
            "resource.id == \"a\"",
            "resource.size > 1",
            "resource has size && resource.size > 1",
            "principal.name == resource.id",
            "resource.team.size == 1 || principal.open",
            "resource.nmae == 1",
            "context.now == context.later",
            "principal == Level::\"middle\"",
            "resource is User && resource.team == principal",
            "principal.id + 1 == 2",
        ];
        let mut narrowed = 0;
        for scope in scopes {
            for condition in conditions {
                let text = format!("{scope} when {{ {condition} }};");
                let policy: PolicySet = text.parse().unwrap();
                let all = schema.validator().unwrap();
                let scope = RequestScope::of(policy.policies().next().unwrap().as_ref());
                let some = schema.validator_of(&scope).unwrap();
                narrowed += usize::from(!std::ptr::eq(&*some, all));
                assert_eq!(found(&some, &policy), found(all, &policy), "{text}");
            }
        }
        assert_eq!(narrowed, (scopes.len() - 1) * conditions.len());
    }
}
