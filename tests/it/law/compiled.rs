//! The texts of a case, read by Deodar.

use super::case::{Case, setting_text};
use super::runner::{NOW, failure, listed_problems, source};
use super::world::Uid;
use deodar::diagnostic::{Code, Diagnostic, DiagnosticLevel};
use deodar::engine::{Binding, Evaluator, Verdict};
use deodar::parameters::{ParameterValue, Values};
use deodar::policy::Policies;
use deodar::program::{Body, CheckProgram, Program};
use deodar::schema::{Schema, parse_value};
use deodar::snapshot::{Limits, Snapshot};
use deodar::source::Source;
use deodar::value::EntityRef;
use proptest::test_runner::TestCaseError;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A compiled case.
pub struct Compiled {
    pub schema: Schema,
    pub policies: Policies,
    pub program: Program,
    pub parameters: Values,
    /// The policies that the review reports as never satisfied.
    pub idle: BTreeSet<String>,
}

/// Returns an error of another code than the expected ones.
fn unexpected<'d>(diagnostics: &'d [Diagnostic], expected: &[Code]) -> Option<&'d Diagnostic> {
    let is_error = |found: &&Diagnostic| found.level == DiagnosticLevel::Error;
    diagnostics.iter().filter(is_error).find(|found| !expected.contains(&found.code))
}

impl Compiled {
    /// Compiles a case.
    pub fn new(case: &Case) -> Result<Self, TestCaseError> {
        Self::with_policies(case, &case.policies())
    }

    /// Compiles a case with other policies than its own.
    pub fn with_policies(case: &Case, policies: &str) -> Result<Self, TestCaseError> {
        let refused = |what: &str, problems: &[Diagnostic]| {
            failure(format!("{what} is refused\n{}", listed_problems(problems)), case, None)
        };
        let (schema, diagnostics) = Schema::parse(&source("s.cedarschema", &case.blueprint.text()));
        let schema = schema.ok_or_else(|| refused("the schema", &diagnostics))?;
        let (policies, diagnostics) = Policies::parse(&schema, &[source("p.cedar", policies)]);
        // Random policies may be invalid.
        if unexpected(&diagnostics, &[Code::PolicyInvalid]).is_some() {
            return Err(refused("a policy", &diagnostics));
        }
        // The engine agrees with Cedar on policies that the review refuses, too.
        let program = Program::unreviewed(&schema.model, &policies, |_| true);
        let (_, diagnostics) = Program::lower(&schema.model, &policies, |_| true);
        if unexpected(&diagnostics, &[Code::PolicyIdle, Code::PolicyHas, Code::CheckNotRun]).is_some() {
            return Err(refused("a policy", &diagnostics));
        }
        let idle = diagnostics.iter().filter(|diagnostic| diagnostic.code == Code::PolicyIdle);
        let idle = idle.filter_map(|diagnostic| Some(diagnostic.message.split('`').nth(1)?.to_owned())).collect();
        let parameters = case.blueprint.parameters.iter().zip(&case.parameters).map(|(field, datum)| {
            let declared = schema.model.parameters.iter().find(|parameter| parameter.name == field.name)?;
            parse_value(&declared.ty, &setting_text(datum.as_ref()?)).ok()
        });
        let parameters = parameters.map(ParameterValue::from).collect();
        Ok(Self { schema, policies, program, parameters, idle })
    }

    /// Reads the snapshot of a case.
    pub fn snapshot(&self, case: &Case) -> Result<Snapshot, TestCaseError> {
        self.snapshot_of(case, &case.json)
    }

    /// Reads another snapshot than that of the case.
    pub fn snapshot_of(&self, case: &Case, json: &str) -> Result<Snapshot, TestCaseError> {
        self.snapshot_in(case, &source("s.json", json))
    }

    /// Reads another snapshot than that of the case from a source.
    pub fn snapshot_in(&self, case: &Case, source: &Arc<Source>) -> Result<Snapshot, TestCaseError> {
        let (snapshot, diagnostics) =
            Snapshot::read(source, &self.schema.model, &self.program.reads, &Limits::default());
        // References may dangle, and elements of two types may have one id. These snapshots have no other problem.
        let is_allowed = |it: &Diagnostic| {
            it.code == Code::SnapshotReference
                || it.code == Code::SnapshotDuplicateId && it.level == DiagnosticLevel::Warning
        };
        match (snapshot, !diagnostics.iter().all(is_allowed)) {
            (Some(snapshot), false) => Ok(snapshot),
            _ => Err(failure(format!("the snapshot is refused\n{}", listed_problems(&diagnostics)), case, None)),
        }
    }

    /// Returns the evaluator of a snapshot.
    pub fn evaluator<'a>(&'a self, snapshot: &'a Snapshot) -> Evaluator<'a> {
        let binding = Binding::new(&self.schema.model, &self.program, snapshot, NOW, &self.parameters);
        let (evaluator, _) = binding.derive(usize::MAX);
        evaluator
    }

    /// Returns the rows of the instances that the snapshot has.
    pub fn rows(&self, case: &Case, snapshot: &Snapshot) -> BTreeMap<Uid, EntityRef> {
        let model = &self.schema.model;
        let row_of = |uid: &Uid| {
            let ty = model.type_named(&case.blueprint.name(case.world.instances[uid].type_idx))?;
            let id = case.world.id(*uid);
            let mut rows = (0..snapshot.table(ty).rows.len() as u32).map(|row| EntityRef { ty, row });
            Some((*uid, rows.find(|entity| snapshot.id(model, *entity) == id)?))
        };
        case.world.instances.keys().filter_map(row_of).collect()
    }

    /// Returns a check of the program by its id.
    pub fn check(&self, id: &str) -> Option<&CheckProgram> {
        self.program.checks.iter().find(|check| self.id_of(check) == id)
    }

    /// Returns the id of a check.
    pub fn id_of(&self, check: &CheckProgram) -> &str {
        &self.policies.checks[check.check].statement.id
    }

    /// Returns whether a policy is valid.
    pub fn is_valid(&self, id: &str) -> bool {
        let checks = self.policies.checks.iter().map(|check| &check.statement);
        let derivations = self.policies.derivations.iter().map(|derivation| &derivation.statement);
        checks.chain(derivations).any(|statement| statement.id == id && statement.valid)
    }
}

/// Returns the body of a check for resources of the type of an entity.
pub fn body_of(check: &CheckProgram, resource: EntityRef) -> Option<&Body> {
    check.bodies.iter().find(|body| body.resource == resource.ty)
}

/// Returns the verdict of a check on a resource; `None` if the resource is out of scope.
pub fn verdict_on(evaluator: &Evaluator<'_>, check: &CheckProgram, resource: EntityRef) -> Option<Verdict> {
    body_of(check, resource).and_then(|body| evaluator.verdict(check, body, resource))
}
