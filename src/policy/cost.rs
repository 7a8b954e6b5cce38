//! The cost of the validation of policies, which Cedar repeats for every pair of types that a policy may apply to.

use crate::diagnostic::{Code, Diagnostic};
use crate::schema::RequestScope;
use crate::source::{Source, Span, cedar};
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

/// Counts the parts of a policy and the pairs of types of a schema that it is validated for.
pub(super) fn validation_cost(schema: &cedar_policy::Schema, scope: &RequestScope, text: &str) -> Cost {
    let environments = scope.count(schema);
    Cost { parts: cedar::parts(text), environments: environments.max(1) }
}
