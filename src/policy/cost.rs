//! The cost of the validation of policies, which Cedar repeats for every pair of types that a policy may apply to.

use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Source, Span, cedar};
use cedar_policy_core::ast::{self, ActionConstraint, EntityReference, EntityUID, PrincipalOrResourceConstraint};
use std::sync::Arc;

/// Parts of policies that one run validates, counted once for every pair of types that a policy is validated for.
pub(super) const MAX_VALIDATED: usize = 20_000_000;

/// The cost of the validation of a policy.
pub(super) struct Cost {
    parts: usize,
    environments: usize,
}

impl Cost {
    pub(super) fn total(&self) -> usize {
        self.parts.saturating_mul(self.environments)
    }

    pub(super) fn too_much(&self, file: &Arc<Source>, span: Span) -> Diagnostic {
        let Self { parts, environments } = self;
        let message = format!(
            "with this policy, which has {parts} parts and is validated for {environments} pairs of types, the \
             policies have more than {MAX_VALIDATED} parts to validate"
        );
        let error = Diagnostic::error(Code::PolicySize, message).label(file, span, "this policy");
        error.help("name the types in its scope, such as `resource is T`, or divide it")
    }
}

/// Counts the parts of a policy and the pairs of types that it is validated for.
pub(super) fn validation_cost(schema: &cedar_policy::Schema, policy: &ast::Policy, text: &str) -> Cost {
    let fits = |constraint: &PrincipalOrResourceConstraint, ty: Option<&ast::EntityType>| match constraint {
        PrincipalOrResourceConstraint::Is(of) | PrincipalOrResourceConstraint::IsIn(of, _) => ty == Some(of),
        PrincipalOrResourceConstraint::Eq(EntityReference::EUID(uid)) => ty == Some(uid.entity_type()),
        _ => true,
    };
    let acts = |action: Option<&EntityUID>| match policy.action_constraint() {
        ActionConstraint::Eq(only) => action == Some(only),
        _ => true,
    };
    let (principal, resource) = (policy.principal_constraint(), policy.resource_constraint());
    let validator: &cedar_policy_core::validator::ValidatorSchema = schema.as_ref();
    let environments = validator.unlinked_request_envs(cedar_policy_core::validator::ValidationMode::Strict);
    let environments = environments.filter(|environment| {
        acts(environment.action_entity_uid())
            && fits(principal.as_inner(), environment.principal_entity_type())
            && fits(resource.as_inner(), environment.resource_entity_type())
    });
    Cost { parts: cedar::parts(text), environments: environments.count().max(1) }
}
