//! Deodar's program as a Cedar authorizer, for any schema, policies that validate strictly, and entities.
//!
//! The tests compare it with `cedar_policy::Authorizer`: decision, reasons and errors must be equal. A request is
//! represented as a snapshot. No value of it is missing, so every policy is decided. Each call lowers all policies
//! again, so that it does not suit production.

use crate::diagnostic::{Code, Diagnostic};
use crate::engine::{self, Binding, Evaluator};
use crate::policy::Policy;
use crate::program::Program;
use crate::schema::Model;
use crate::snapshot::Snapshot;
use crate::source::Source;
use crate::value::Outcomes;
use crate::value::TypeId;
use cedar_policy::{Decision, Entities, EntityUid, Request};
use smol_str::{SmolStr, ToSmolStr};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A schema and policies. They are lowered for the environment of each request: its action and its types.
#[derive(Debug)]
pub struct Authorizer {
    schema: cedar_policy::Schema,
    policies: Vec<Policy>,
}

/// The response to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// Allow if some `permit` is satisfied and no `forbid` is.
    pub decision: Decision,
    /// The policies that determine the decision.
    pub reasons: BTreeSet<SmolStr>,
    /// The policies that ended in an error; they count as not satisfied.
    pub errors: BTreeSet<SmolStr>,
    /// The policies without a decided result; empty unless the program has a bug.
    pub undecided: BTreeSet<SmolStr>,
}

impl Authorizer {
    /// Reads policies; their ids are `policy0`, `policy1` and so on in the order of the file.
    ///
    /// # Errors
    /// A diagnostic for each policy that does not parse (`policy-syntax`), does not validate strictly
    /// (`policy-invalid`) or is too large (`policy-size`), or for a schema that is too large (`schema-size`).
    pub fn new(schema: cedar_policy::Schema, policies: &Arc<Source>) -> Result<Self, Vec<Diagnostic>> {
        if let Some(message) = Model::excess(&schema) {
            return Err(vec![Diagnostic::error(Code::SchemaSize, message)]);
        }
        let policies = Policy::parse(&schema, policies)?;
        Ok(Self { schema, policies })
    }

    /// Returns the response to a request. Request and entities must conform to the schema.
    ///
    /// # Errors
    /// A message about a part of the request or the entities that cannot be read.
    pub fn is_authorized(&self, request: &Request, entities: &Entities) -> Result<Response, String> {
        let (Some(principal), Some(action), Some(resource)) =
            (request.principal(), request.action(), request.resource())
        else {
            return Err("the principal, the action or the resource is not known".into());
        };
        let model = Model::of_action(&self.schema, action.as_ref()).ok_or("the schema declares no such action")?;
        let (principal_type, resource_type) = type_of(&model, principal, &model.audit.principals)
            .zip(type_of(&model, resource, &model.audit.resources))
            .ok_or("the action does not apply to principal and resource")?;
        let program = Program::of_request(&model, &self.policies, principal_type, resource_type);
        let snapshot = Snapshot::of_request(&model, &program.reads, request, entities)?;
        let mut binding = Binding::new(&model, &program, &snapshot, 0, &[]);
        let mut entity = |ty, uid: &EntityUid| binding.named(ty, &uid.id().unescaped().into());
        let (principal, resource) = (entity(principal_type, principal), entity(resource_type, resource));
        let (evaluator, _) = binding.derive(0);
        Ok(self.response(&evaluator, &engine::Request { principal, resource, uncaptured_in: None }))
    }

    /// Evaluates every policy, and combines the results.
    fn response(&self, evaluator: &Evaluator<'_>, request: &engine::Request) -> Response {
        let [mut permits, mut forbids, mut errors, mut undecided] = [const { BTreeSet::new() }; 4];
        for check in &evaluator.program.checks {
            let (Some(policy), [body]) = (self.policies.get(check.check.index()), &check.bodies[..]) else { continue };
            let id = policy.statement.id.clone();
            match evaluator.policy(body, false, request).satisfied {
                Outcomes::TRUE if policy.forbids => forbids.insert(id),
                Outcomes::TRUE => permits.insert(id),
                Outcomes::FALSE => false,
                Outcomes::ERROR => errors.insert(id),
                _ => undecided.insert(id),
            };
        }
        let allowed = forbids.is_empty() && !permits.is_empty();
        let decision = if allowed { Decision::Allow } else { Decision::Deny };
        let reasons = if forbids.is_empty() { permits } else { forbids };
        Response { decision, reasons, errors, undecided }
    }
}

/// Returns the type of an entity if it is one of the `valid` types.
fn type_of(model: &Model, uid: &EntityUid, valid: &[TypeId]) -> Option<TypeId> {
    let ty = model.type_named(&uid.type_name().to_smolstr())?;
    valid.contains(&ty).then_some(ty)
}
