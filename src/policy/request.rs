//! Policies with any effect and action, as Cedar's authorizer accepts them.

use super::cost::{MAX_VALIDATED, validation_cost};
use super::model::Statement;
use super::parse::{Grammatical, not_by_policy, parse, span_of, statement, too_much, with_parts};
use super::validate::invalid;
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::{RequestScope, errors_from_cedar};
use crate::source::{Source, Span, cedar};
use cedar_policy::{ValidationMode, Validator};
use cedar_policy_core::ast::{self, ActionConstraint};
use std::sync::Arc;

/// A policy with any effect, for any action, as Cedar's authorizer accepts it.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Whether it forbids; otherwise it permits.
    pub forbids: bool,
    /// The scope of the action.
    pub action: ActionConstraint,
    /// The statement, under the id that Cedar gives it.
    pub statement: Statement,
}

impl Policy {
    /// Reads the policies of a file and validates them strictly. Templates are left out: nothing fills their slots.
    ///
    /// # Errors
    /// A diagnostic for each policy that does not parse or validate.
    pub fn parse(schema: &cedar_policy::Schema, file: &Arc<Source>) -> Result<Vec<Self>, Vec<Diagnostic>> {
        cedar::on_deep_stack(|| Self::parse_here(schema, file))
    }

    fn parse_here(schema: &cedar_policy::Schema, file: &Arc<Source>) -> Result<Vec<Self>, Vec<Diagnostic>> {
        let excess = cedar::policies(file.text()).or_else(|| cedar::excesses(file.text()).into_iter().flatten().next());
        if let Some(excess) = excess {
            return Err(vec![too_much(file, excess)]);
        }
        let Grammatical { set, parts } = *parse(file.text()).map_err(|errors| {
            errors.iter().flat_map(|error| errors_from_cedar(Code::PolicySyntax, file, error)).collect::<Vec<_>>()
        })?;
        let mut total = 0usize;
        for (policy, _) in with_parts(&set, &parts) {
            let core: &ast::Policy = policy.as_ref();
            let span = core.loc().map_or(Span::default(), span_of);
            let cost = validation_cost(schema, &RequestScope::of(core), file.slice(span));
            total = total.saturating_add(cost.total());
            if total > MAX_VALIDATED {
                return Err(vec![cost.too_much(file, span)]);
            }
        }
        let validated = Validator::new(schema.clone()).validate(&set, ValidationMode::Strict);
        let mut errors: Vec<Diagnostic> = validated.validation_errors().map(|error| invalid(file, error)).collect();
        if !errors.is_empty() {
            crate::diagnostic::sort(&mut errors);
            return Err(errors);
        }
        let policies = with_parts(&set, &parts).map(|(policy, parts)| {
            Some(Self {
                forbids: matches!(policy.effect(), cedar_policy::Effect::Forbid),
                action: AsRef::<ast::Policy>::as_ref(policy).action_constraint().clone(),
                statement: statement(file, policy, parts)?,
            })
        });
        let policies: Option<Vec<Self>> = policies.collect();
        // One that is left out would count as one that is not satisfied.
        let whole = policies.filter(|policies| policies.len() == set.policies().count());
        whole.ok_or_else(|| vec![not_by_policy(file)])
    }
}
