//! A compiled pack: a schema, its policies, and the program that they are lowered to.
//!
//! A [`Pack`] judges snapshots. [`Pack::compile`] compiles it from texts; a [`Compiler`] compiles it again after a change,
//! and only the parts that the change affects. A pack does not read files or the clock.

mod saved;
mod compile;
mod select;

pub use compile::{Compiled, Compiler, PackSources};
pub use select::CheckFilter;

use crate::diagnostic::{Code, Diagnostic};
use crate::engine::{Evaluation, Subject, TooManyPairs, Verdict};
use crate::ids::IdVec;
use crate::parameters::{Parameters, Setting};
use crate::policy::{Adaptation, Check, CheckId, Policies};
use crate::program::Program;
use crate::schema::{Model, Schema};
use crate::snapshot::{Limits, ReadPlan, SecretPaths, Snapshot};
use crate::source::Source;
use smol_str::SmolStr;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A schema and policies, compiled.
#[derive(Debug, Clone)]
pub struct Pack {
    schema: Arc<Schema>,
    policies: Arc<Policies>,
    program: Arc<Program>,
    /// The plan of reading snapshots for the program.
    plan: Arc<ReadPlan>,
    /// Whether each check is selected.
    selected: IdVec<CheckId, bool>,
    /// The changes of the project to the policies.
    adaptation: Arc<Adaptation>,
}

/// The time and the parameters of verdicts.
#[derive(Debug, Clone, Copy)]
pub struct Run<'r> {
    /// The time of the run, in milliseconds since 1970.
    pub now: i64,
    /// The parameters: see [`Pack::parameters`].
    pub parameters: &'r Parameters,
    /// The largest number of pairs that one derivation may try.
    pub pairs: usize,
}

/// A snapshot that is bound to a pack, with its derived attributes.
pub struct Assessment<'a> {
    /// The evaluation, which judges and explains.
    #[doc(hidden)]
    pub evaluation: Evaluation<'a>,
    /// The derivations that exceed the limit on pairs. Their attributes are unknown.
    pub diagnostics: Vec<Diagnostic>,
    pack: &'a Pack,
}

/// The verdict of a check on a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckVerdict {
    /// The id of the check.
    pub check: SmolStr,
    /// The type of the resource: without namespace, unless another type has the same name without it.
    pub ty: String,
    /// The id of the resource; `None` for resources of a list that was not captured.
    pub id: Option<SmolStr>,
    /// The verdict.
    pub verdict: Verdict,
}

impl Pack {
    /// Compiles a pack with all its checks.
    ///
    /// Also returns the problems. There is no pack if the schema cannot be read; a check with an error is not evaluated.
    pub fn compile(sources: PackSources<'_>) -> (Option<Self>, Vec<Diagnostic>) {
        Self::adapted(sources, &Arc::default())
    }

    /// Compiles a pack with all its checks and the changes of a project.
    #[doc(hidden)]
    pub fn adapted(sources: PackSources<'_>, adaptation: &Arc<Adaptation>) -> (Option<Self>, Vec<Diagnostic>) {
        Compiler::default().compile(sources, adaptation, CheckFilter::default())
    }

    /// Reads a snapshot at a time, in milliseconds since 1970, and returns it with its problems. There is no snapshot if the text is not
    /// a JSON object. The values of attributes with `@past` must not be after the time.
    pub fn read(&self, source: &Arc<Source>, now: i64, limits: &Limits) -> (Option<Snapshot>, Vec<Diagnostic>) {
        Snapshot::planned(source, self.model(), &self.plan, Some(now), limits)
    }

    /// Reads settings of parameters, and returns the values with the problems of the settings.
    pub fn parameters(&self, settings: &[Setting]) -> (Parameters, Vec<Diagnostic>) {
        Parameters::read(self.model(), &self.program, settings)
    }

    /// Binds a snapshot and computes its derived attributes.
    pub fn assess<'a>(&'a self, snapshot: &'a Snapshot, run: Run<'a>) -> Assessment<'a> {
        let given = (run.now, run.parameters);
        let (evaluation, too_many) = Evaluation::new(self.model(), &self.program, snapshot, given, run.pairs);
        let diagnostics = too_many.into_iter().map(|excess| self.too_many_pairs(excess, run.pairs)).collect();
        Assessment { evaluation, diagnostics, pack: self }
    }
}

/// The parts of a pack, for the other modules of this package.
#[doc(hidden)]
impl Pack {
    /// Returns the schema.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Returns the model of the schema.
    pub fn model(&self) -> &Model {
        &self.schema.model
    }

    /// Returns the policies.
    pub fn policies(&self) -> &Policies {
        &self.policies
    }

    /// Returns the program.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Returns the plan of reading snapshots. A compiler gives packs that read alike the same plan.
    pub(crate) fn plan(&self) -> &Arc<ReadPlan> {
        &self.plan
    }

    /// Returns the changes of the project to the policies.
    pub fn adaptation(&self) -> &Adaptation {
        &self.adaptation
    }

    /// Returns whether a check is selected.
    pub fn is_selected(&self, check: CheckId) -> bool {
        self.selected.find(check).copied().unwrap_or(false)
    }

    /// Returns whether a check can be evaluated: it, and the derivations that it depends on, are valid.
    pub fn is_valid(&self, check: &Check) -> bool {
        let statement = &check.statement;
        statement.valid && !statement.idle && !self.program.refused.contains(&statement.id)
    }

    /// Returns the places of secret values in snapshots; `None` if the schema declares none.
    pub fn secrets(&self) -> Option<Arc<SecretPaths>> {
        SecretPaths::of(self.model())
    }

    /// Returns the pack with some of its checks only.
    pub(crate) fn narrowed(&self, checks: &BTreeSet<CheckId>) -> Self {
        let select = |at: CheckId| checks.contains(&at);
        let program = self.program.narrowed(self.model(), &self.policies, select);
        let plan = Arc::new(ReadPlan::new(self.model(), program.needed()));
        let selected = self.policies.checks.entries().map(|(at, _)| select(at) && self.is_selected(at)).collect();
        Self {
            schema: Arc::clone(&self.schema),
            policies: Arc::clone(&self.policies),
            program: Arc::new(program),
            plan,
            selected,
            adaptation: Arc::clone(&self.adaptation),
        }
    }

    /// Returns a pack with the same schema and other policies, all of them selected.
    pub(crate) fn with_policies(&self, policies: Policies, program: Program) -> Self {
        let selected = vec![true; policies.checks.len()].into();
        let (schema, adaptation) = (Arc::clone(&self.schema), Arc::clone(&self.adaptation));
        let plan = Arc::new(ReadPlan::new(self.model(), program.needed()));
        Self { schema, policies: Arc::new(policies), program: Arc::new(program), plan, selected, adaptation }
    }

    /// Returns the error for a derivation that would try more than `most` pairs.
    fn too_many_pairs(&self, excess: TooManyPairs, most: usize) -> Diagnostic {
        let derivation = self.policies.derivations.find(excess.derivation);
        let TooManyPairs { principals, resources, found, .. } = excess;
        let (tries, label, help) = match found {
            None => (
                format!("each of {principals} principals on each of {resources} resources"),
                "no condition here ties principal and resource together",
                "add what they have in common, such as `principal.email == resource.email` or `principal in resource.workspace`",
            ),
            Some(found) => (
                format!("{found} pairs of principal and resource"),
                "too many principals have what a resource is tied to",
                "tie them by a value that fewer principals have",
            ),
        };
        let derives = derivation.map_or("an attribute", |derivation| derivation.derives.as_str());
        let message = format!("derivation of `{derives}` tries {tries}, which is more than {most}");
        let error = Diagnostic::error(Code::DerivationPairs, message);
        let labelled = match derivation.map(|derivation| &derivation.statement) {
            Some(statement) => error.label(&statement.source, statement.span, label),
            None => error,
        };
        labelled.help(format!("{help}, or allow more with --max-pairs"))
    }
}

impl Assessment<'_> {
    /// Returns every verdict, by check, resource type and place in the snapshot.
    pub fn verdicts(&self) -> Vec<CheckVerdict> {
        let evaluator = self.evaluation.base();
        let mut verdicts = Vec::new();
        for judgement in self.evaluation.judge(&Verdict::ALL) {
            let Some(check) = self.pack.policies.checks.find(judgement.check) else { continue };
            verdicts.extend(judgement.judged.iter().map(|judged| CheckVerdict {
                check: check.statement.id.clone(),
                ty: evaluator.model.short_name(judged.subject.ty()).to_owned(),
                id: match judged.subject {
                    Subject::Entity(entity) => Some(evaluator.id(entity)),
                    Subject::Uncaptured(..) => None,
                },
                verdict: judged.verdict,
            }));
        }
        verdicts
    }
}
