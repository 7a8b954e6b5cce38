//! The law of parameters per instance: under parameters for an instance W, a resource that is W or is nested in W has
//! the verdict that it has under the same parameters for the whole run. Every other resource has the verdict that it
//! has without them. Both hold in both engines.

use super::blueprint::{Field, From, Kind, Way};
use super::case::{Case, Form, Recipe, random_parameter, setting_text};
use super::choices::Choices;
use super::compiled::Compiled;
use super::judged::listed;
use super::runner::{LawResult, NOW, failure, tally};
use super::world::Datum;
use deodar::engine::{Binding, Evaluation, Evaluator, Judgement, Reference, Subject, Verdict, VerdictCounts};
use deodar::parameters::{ParameterValue, Parameters, Scope, Values};
use deodar::program::{Body, CheckProgram};
use deodar::schema::{Model, parse_value};
use deodar::snapshot::Snapshot;
use deodar::value::{EntityRef, TypeId};
use proptest::test_runner::TestCaseError;
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Settings for up to three instances; one of the ids may be that of no instance.
fn scopes(choices: &mut Choices<'_>, case: &Case, model: &Model, ids: &[SmolStr]) -> Vec<Scope> {
    let mut scopes: BTreeMap<SmolStr, BTreeMap<usize, ParameterValue>> = BTreeMap::new();
    for _ in 0..3 {
        let scope = scopes.entry(choices.pick(ids).clone()).or_default();
        for (at, declared) in model.parameters.iter().enumerate() {
            let field = case.blueprint.parameters.iter().find(|field| declared.name == field.name);
            if let Some(field) = field.filter(|_| choices.percent(60)) {
                let text = setting_text(&random_parameter(choices, &field.kind));
                let value = parse_value(&declared.ty, &text).ok().filter(|_| !choices.percent(10));
                scope.insert(at, value.map_or(ParameterValue::Invalid, ParameterValue::Valid));
            }
        }
    }
    scopes.into_iter().map(|(id, set)| Scope { id, set, place: None }).collect()
}

/// A run with parameters for the whole run only.
struct Plain<'a> {
    evaluator: Evaluator<'a>,
    reference: Vec<Judgement>,
}

impl<'a> Plain<'a> {
    fn new(
        case: &Case,
        compiled: &'a Compiled,
        snapshot: &'a Snapshot,
        values: &Values,
    ) -> Result<Self, TestCaseError> {
        let binding = Binding::new(&compiled.schema.model, &compiled.program, snapshot, NOW, values);
        let (evaluator, _) = binding.derive(usize::MAX);
        let reference = Reference::new(&evaluator, &compiled.policies, NOW, values).judge();
        let reference = reference.map_err(|error| failure(error, case, None))?;
        Ok(Self { evaluator, reference })
    }
}

/// A parameter that `more_policies` read.
const LIMIT: &str = "p9";

fn limit() -> Field {
    let pointer = vec![LIMIT.to_owned()];
    Field {
        name: LIMIT.to_owned(),
        pointer,
        kind: Kind::Long,
        required: true,
        from: From::Snapshot,
        way: Way::default(),
    }
}

/// Policies that depend on a parameter: random ones seldom do.
fn more_policies(case: &Case) -> String {
    let blueprint = &case.blueprint;
    let (action, mut text) = (blueprint.qualified("Action"), String::new());
    for type_idx in 0..blueprint.types.len() {
        let _ = writeln!(
            text,
            "@id(\"limit-{type_idx}\") @title(\"t\") @severity(\"low\")\n\
             forbid (principal, action == {action}::\"audit\", resource is {}) when {{ context.parameters.{LIMIT} > 1 }};",
            blueprint.name(type_idx),
        );
    }
    for (number, (at, written)) in case.derivations.iter().enumerate() {
        let (type_idx, field) = blueprint.derived[*at];
        let field = &blueprint.types[type_idx].fields[field];
        let name = &field.name;
        let condition = match field.kind {
            Kind::Bool => format!("resource[{name:?}]"),
            Kind::Long => format!("resource[{name:?}] > 1"),
            _ => format!("resource[{name:?}].isEmpty()"),
        };
        let (principal, resource) = (blueprint.name(written.principal), blueprint.name(type_idx));
        let _ = writeln!(
            text,
            "@id(\"derived-{number}\") @title(\"t\") @severity(\"low\")\n\
             forbid (principal, action == {action}::\"audit\", resource is {resource}) when {{ {condition} }};\n\
             @id(\"less-{number}\") @derives({name:?})\n\
             forbid (principal is {principal}, action == {action}::\"derive\", resource is {resource})\n\
             when {{ context.parameters.{LIMIT} > 1 }};",
        );
    }
    text
}

/// Counts over the cases.
#[derive(Default, Debug)]
struct Tally {
    verdicts: usize,
    /// Verdicts that are not those of the run.
    other: usize,
    /// Cases in which a derived attribute depends on a parameter that differs.
    derived: usize,
}

/// Returns a case with a type of its own parameters, and its policies. `None` if no type has a key.
fn scoped_case(recipe: &Recipe, choices: &mut Choices<'_>, complete: bool) -> Option<(Case, String)> {
    let mut case = Case::new(recipe, Form { derived: true, complete });
    let has_key = |at: &usize| case.blueprint.types[*at].key.is_some();
    let with_key: Vec<usize> = (0..case.blueprint.types.len()).filter(has_key).collect();
    let [_, ..] = with_key[..] else { return None };
    case.blueprint.parameter_scope = Some(*choices.pick(&with_key));
    case.blueprint.parameters.push(limit());
    case.parameters.push(Some(Datum::Long(*choices.pick(&[0, 1, 2]))));
    let policies = format!("{}{}", case.policies(), more_policies(&case));
    Some((case, policies))
}

/// A snapshot that both engines have judged with parameters per instance, and in a run for each set of parameters.
struct Scoped<'a> {
    case: &'a Case,
    compiled: &'a Compiled,
    snapshot: &'a Snapshot,
    parameters: &'a Parameters,
    /// The type whose instances have parameters, and the ids of its instances.
    ty: TypeId,
    ids: &'a [SmolStr],
    evaluation: &'a Evaluation<'a>,
    verdicts: Vec<Judgement>,
    reference: Vec<Judgement>,
    of_run: Plain<'a>,
    of_scopes: Vec<Plain<'a>>,
}

impl Scoped<'_> {
    /// Returns the run with the parameters of the instance that an entity is or is nested in.
    fn run_of(&self, entity: EntityRef) -> Option<&Plain<'_>> {
        let model = &self.compiled.schema.model;
        let is_inside = model.ancestry(entity.ty).any(|around| around == self.ty);
        let around = is_inside.then(|| self.snapshot.enclosing(model, entity, self.ty)).flatten()?;
        let at = self.parameters.scopes.iter().position(|scope| scope.id == self.snapshot.id(model, around));
        Some(at.map_or(&self.of_run, |at| &self.of_scopes[at]))
    }

    /// Returns whether a list that was not captured may hold a resource that fails.
    fn may_fail(&self, body: &Body, list: usize) -> bool {
        let model = &self.compiled.schema.model;
        let may_fail = |plain: &Plain<'_>| plain.evaluator.uncaptured(body).contains(&list);
        if let Some(plain) = self.run_of(self.snapshot.table(body.resource).uncaptured_lists[list].scope) {
            return may_fail(plain);
        }
        // An instance that was not captured may be any that the snapshot lacks.
        let is_around = model.ancestry(body.resource).any(|around| around == self.ty);
        let mut lacking =
            self.parameters.scopes.iter().zip(&self.of_scopes).filter(|(scope, _)| !self.ids.contains(&scope.id));
        may_fail(&self.of_run) || is_around && lacking.any(|(_, plain)| may_fail(plain))
    }

    fn failure(&self, check: &CheckProgram, subject: Subject, message: String) -> TestCaseError {
        let shown = match subject {
            Subject::Entity(entity) => self.snapshot.show(&self.compiled.schema.model, entity).to_string(),
            Subject::Uncaptured(ty, list) => self.snapshot.table(ty).uncaptured_lists[list].pointer.to_string(),
        };
        let id = self.compiled.id_of(check);
        failure(format!("check `{id}` on {shown}: {message}\n{:?}", self.parameters), self.case, Some(id))
    }

    /// A resource has the verdict of a run with its parameters, in both engines, and an explanation.
    fn resource_has_its_own_verdict(
        &self,
        at: usize,
        body: &Body,
        resource: EntityRef,
        tally: &mut Tally,
    ) -> LawResult {
        let (check, subject) = (&self.compiled.program.checks[at], Subject::Entity(resource));
        let plain = self.run_of(resource).unwrap_or(&self.of_run);
        let own = plain.evaluator.verdict(check, body, resource);
        for (engine, found, expected) in [
            ("the evaluator", listed(&self.verdicts[at], subject), own),
            ("the reference engine", listed(&self.reference[at], subject), listed(&plain.reference[at], subject)),
        ] {
            if found != expected {
                let message = format!("{engine} returns {found:?}, and {expected:?} in a run of its own");
                return Err(self.failure(check, subject, message));
            }
        }
        let Some(own) = own else { return Ok(()) };
        if self.evaluation.explains(check, body, subject, own).is_none() {
            return Err(self.failure(check, subject, format!("{own:?} has no explanation")));
        }
        tally.verdicts += 1;
        tally.other += usize::from(self.of_run.evaluator.verdict(check, body, resource) != Some(own));
        Ok(())
    }

    /// A list that was not captured is unknown if a resource in it may fail with its parameters, in both engines.
    fn list_has_its_own_verdict(&self, at: usize, body: &Body, list: usize) -> LawResult {
        let (check, subject) = (&self.compiled.program.checks[at], Subject::Uncaptured(body.resource, list));
        let expected = self.may_fail(body, list).then_some(Verdict::Unknown);
        for judgement in [&self.verdicts[at], &self.reference[at]] {
            let found = listed(judgement, subject);
            if found != expected {
                return Err(self.failure(check, subject, format!("{found:?}, and {expected:?} in a run of its own")));
            }
        }
        Ok(())
    }

    /// A judgement counts the verdicts that it lists; passes are listed too.
    fn judgement_counts_its_verdicts(&self, at: usize) -> LawResult {
        let (check, judgement) = (&self.compiled.program.checks[at], &self.verdicts[at]);
        let mut counts = VerdictCounts::default();
        judgement.judged.iter().for_each(|judged| counts[judged.verdict] += 1);
        let id = self.compiled.id_of(check);
        let message = || format!("check `{id}`: {:?} are counted, not {counts:?}", judgement.counts);
        if judgement.counts == counts { Ok(()) } else { Err(failure(message(), self.case, Some(id))) }
    }

    fn laws(&self, tally: &mut Tally) -> LawResult {
        for (at, check) in self.compiled.program.checks.iter().enumerate() {
            for body in &check.bodies {
                let table = self.snapshot.table(body.resource);
                for row in 0..table.rows.len() as u32 {
                    self.resource_has_its_own_verdict(at, body, EntityRef { ty: body.resource, row }, tally)?;
                }
                for list in 0..table.uncaptured_lists.len() {
                    self.list_has_its_own_verdict(at, body, list)?;
                }
            }
            self.judgement_counts_its_verdicts(at)?;
        }
        Ok(())
    }
}

/// Judges a case with parameters per instance, and checks the laws on it.
fn holds_for(recipe: &Recipe, complete: bool, tally: &mut Tally) -> LawResult {
    let choices = &mut Choices::seeded(recipe.seed);
    let Some((case, policies)) = scoped_case(recipe, choices, complete) else { return Ok(()) };
    let compiled = &Compiled::with_policies(&case, &policies)?;
    let (model, program) = (&compiled.schema.model, &compiled.program);
    let Some(ty) = model.parameter_scope() else { return Err(failure("no type is the scope", &case, None)) };
    let snapshot = &compiled.snapshot(&case)?;
    let rows = 0..snapshot.table(ty).rows.len() as u32;
    let ids: Vec<SmolStr> = rows.map(|row| snapshot.id(model, EntityRef { ty, row })).collect();
    let named = [&ids[..], &["elsewhere".into()]].concat();
    let parameters = Parameters {
        values: compiled.parameters.clone(),
        is_set: vec![true; model.parameters.len()],
        scopes: scopes(choices, &case, model, &named),
    };
    let differ: BTreeSet<usize> = parameters.scopes.iter().flat_map(|scope| scope.set.keys().copied()).collect();
    tally.derived += usize::from(program.depends_on(model, &differ).derived.contains(&true));
    let (evaluation, _) = Evaluation::new(model, program, snapshot, (NOW, &parameters), usize::MAX);
    let reference = evaluation.judge_by_reference(&compiled.policies).map_err(|error| failure(error, &case, None))?;
    let plain = |values: &Values| Plain::new(&case, compiled, snapshot, values);
    let of_scopes: Result<Vec<_>, _> =
        parameters.scopes.iter().map(|scope| plain(&parameters.values_in(scope))).collect();
    let scoped = Scoped {
        case: &case,
        compiled,
        snapshot,
        parameters: &parameters,
        ty,
        ids: &ids,
        verdicts: evaluation.judge(&Verdict::ALL),
        reference,
        evaluation: &evaluation,
        of_run: plain(&parameters.values)?,
        of_scopes: of_scopes?,
    };
    scoped.laws(tally)
}

fn holds(complete: bool) {
    let tally = tally(200, |recipe, tally: &mut Tally| holds_for(recipe, complete, tally));
    assert!(tally.other * 20 > tally.verdicts, "parameters must change verdicts: {tally:?}");
    assert!(tally.derived > 50, "derived attributes must depend on parameters: {tally:?}");
}

#[test]
fn parameters_of_an_instance_are_those_of_a_run_of_its_own() {
    holds(true);
}

#[test]
fn parameters_of_an_instance_are_those_of_a_run_of_its_own_where_values_are_missing() {
    holds(false);
}
