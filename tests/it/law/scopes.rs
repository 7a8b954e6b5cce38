//! The law of parameters per instance: under parameters for an instance W, a resource that is W or is nested in W has
//! the verdict that it has under the same parameters for the whole run. Every other resource has the verdict that it
//! has without them. Both hold in both engines.

use super::blueprint::{Field, From};
use super::*;
use deodar::engine::{Binding, Evaluation, VerdictCounts};
use deodar::parameters::{Parameters, Scope, Values};
use deodar::schema::Model;
use smol_str::SmolStr;
use std::cell::Cell;

/// Settings for up to three instances; one of the ids may be that of no instance.
fn scopes(c: &mut Choices<'_>, case: &Case, model: &Model, ids: &[SmolStr]) -> Vec<Scope> {
    let mut scopes: BTreeMap<SmolStr, BTreeMap<usize, Option<Value>>> = BTreeMap::new();
    for _ in 0..3 {
        let scope = scopes.entry(c.of(ids).clone()).or_default();
        for (at, declared) in model.parameters.iter().enumerate() {
            let field = case.blueprint.parameters.iter().find(|field| declared.name == field.name);
            if let Some(field) = field.filter(|_| c.percent(60)) {
                scope.insert(at, parse_value(&declared.ty, &typed(&parameter(c, &field.kind))).ok());
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
    fn new(case: &Case, read: &'a Read, snapshot: &'a Snapshot, values: &Values) -> Result<Self, TestCaseError> {
        let binding = Binding::new(&read.schema.model, &read.program, snapshot, NOW, values);
        let (evaluator, _) = binding.derive(usize::MAX);
        let reference = Reference::new(&evaluator, &read.policies, NOW, values).judge();
        let reference = reference.map_err(|error| fail(error, case, None))?;
        Ok(Self { evaluator, reference })
    }
}

fn listed(judgement: &Judgement, subject: Subject) -> Option<Verdict> {
    judgement.judged.iter().find(|judged| judged.subject == subject).map(|judged| judged.verdict)
}

/// A parameter that `more_policies` read.
const LIMIT: &str = "p9";

fn limit() -> Field {
    let pointer = vec![LIMIT.to_owned()];
    Field { name: LIMIT.to_owned(), pointer, kind: Kind::Long, required: true, from: From::Snapshot }
}

/// Policies that depend on a parameter: random ones seldom do.
fn more_policies(case: &Case) -> String {
    let blueprint = &case.blueprint;
    let (action, mut text) = (blueprint.qualified("Action"), String::new());
    for of in 0..blueprint.types.len() {
        let _ = writeln!(
            text,
            "@id(\"limit-{of}\") @title(\"t\") @severity(\"low\")\n\
             forbid (principal, action == {action}::\"audit\", resource is {}) when {{ context.parameters.{LIMIT} > 1 }};",
            blueprint.name(of),
        );
    }
    for (number, (at, written)) in case.derivations.iter().enumerate() {
        let (of, field) = blueprint.derived[*at];
        let field = &blueprint.types[of].fields[field];
        let name = &field.name;
        let condition = match field.kind {
            Kind::Bool => format!("resource[{name:?}]"),
            Kind::Long => format!("resource[{name:?}] > 1"),
            _ => format!("resource[{name:?}].isEmpty()"),
        };
        let (principal, resource) = (blueprint.name(written.principal), blueprint.name(of));
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
struct Seen {
    verdicts: Cell<usize>,
    /// Verdicts that are not those of the run.
    other: Cell<usize>,
    /// Cases in which a derived attribute depends on a parameter that differs.
    derived: Cell<usize>,
}

fn add(to: &Cell<usize>, more: usize) {
    to.set(to.get() + more);
}

fn holds_for(given: &Given, complete: bool, seen: &Seen) -> Result<(), TestCaseError> {
    let mut case = Case::new(given, true, complete);
    let c = &mut Choices::seeded(given.seed);
    let with_key: Vec<usize> =
        (0..case.blueprint.types.len()).filter(|at| case.blueprint.types[*at].key.is_some()).collect();
    let [_, ..] = with_key[..] else { return Ok(()) };
    case.blueprint.parameter_scope = Some(*c.of(&with_key));
    case.blueprint.parameters.push(limit());
    case.parameters.push(Some(Datum::Long(*c.of(&[0, 1, 2]))));
    let read = Read::of(&case, &format!("{}{}", case.policies(), more_policies(&case)))?;
    let Some(ty) = read.schema.model.parameter_scope() else { return Err(fail("no type is the scope", &case, None)) };
    let (model, program) = (&read.schema.model, &read.program);
    let snapshot = &read.snapshot(&case)?;
    let rows = 0..snapshot.table(ty).rows.len() as u32;
    let id = |row| snapshot.id(model, EntityRef { ty, row });
    let ids: Vec<SmolStr> = rows.map(id).chain(["elsewhere".into()]).collect();
    let parameters = Parameters {
        values: read.parameters.clone(),
        is_set: vec![true; model.parameters.len()],
        scopes: scopes(c, &case, model, &ids),
    };
    let (evaluation, _) = Evaluation::new(model, program, snapshot, (NOW, &parameters), usize::MAX);
    let mine = evaluation.judge(&Verdict::ALL);
    let theirs = evaluation.judge_by_reference(&read.policies).map_err(|error| fail(error, &case, None))?;
    let of_run = Plain::new(&case, &read, snapshot, &parameters.values)?;
    let of_scopes: Result<Vec<Plain<'_>>, TestCaseError> = parameters
        .scopes
        .iter()
        .map(|scope| Plain::new(&case, &read, snapshot, &parameters.values_in(scope)))
        .collect();
    let of_scopes = of_scopes?;
    let differ: BTreeSet<usize> = parameters.scopes.iter().flat_map(|scope| scope.set.keys().copied()).collect();
    add(&seen.derived, usize::from(program.depends_on(model, &differ).derived.contains(&true)));
    // The run that an instance belongs to.
    let run_of = |entity: EntityRef| {
        let is_inside = model.ancestry(entity.ty).any(|around| around == ty);
        let around = is_inside.then(|| snapshot.enclosing(model, entity, ty)).flatten()?;
        let at = parameters.scopes.iter().position(|scope| scope.id == snapshot.id(model, around));
        Some(at.map_or(&of_run, |at| &of_scopes[at]))
    };
    for (at, check) in program.checks.iter().enumerate() {
        let id = &read.policies.checks[check.check].statement.id;
        let wrong = |what: &str, subject: Subject, is: Option<Verdict>, was: Option<Verdict>| {
            let shown = match subject {
                Subject::Entity(entity) => snapshot.show(model, entity),
                Subject::Uncaptured(ty, at) => snapshot.table(ty).uncaptured_lists[at].pointer.to_string(),
            };
            let message = format!("{what} on {shown} is {is:?}, and {was:?} in a run of its own\n{parameters:?}");
            fail(message, &case, Some(id))
        };
        let mut counts = VerdictCounts::default();
        for body in &check.bodies {
            for row in 0..snapshot.table(body.resource).rows.len() as u32 {
                let resource = EntityRef { ty: body.resource, row };
                let subject = Subject::Entity(resource);
                let plain = run_of(resource).unwrap_or(&of_run);
                let verdict = plain.evaluator.verdict(check, body, resource);
                if listed(&mine[at], subject) != verdict {
                    return Err(wrong("the verdict", subject, listed(&mine[at], subject), verdict));
                }
                let reference = listed(&plain.reference[at], subject);
                if listed(&theirs[at], subject) != reference {
                    return Err(wrong("the reference", subject, listed(&theirs[at], subject), reference));
                }
                let Some(verdict) = verdict else { continue };
                if evaluation.explains(check, body, subject, verdict).is_none() {
                    return Err(wrong("the explanation", subject, None, Some(verdict)));
                }
                counts[verdict] += 1;
                add(&seen.verdicts, 1);
                add(&seen.other, usize::from(of_run.evaluator.verdict(check, body, resource) != Some(verdict)));
            }
            for (list, missing) in snapshot.table(body.resource).uncaptured_lists.iter().enumerate() {
                let subject = Subject::Uncaptured(body.resource, list);
                let may_fail = |plain: &Plain<'_>| plain.evaluator.uncaptured(body).contains(&list);
                // An instance that was not captured may be any that the snapshot lacks.
                let is_around = model.ancestry(body.resource).any(|around| around == ty);
                let lacking = parameters
                    .scopes
                    .iter()
                    .zip(&of_scopes)
                    .filter(|(scope, _)| !ids[..ids.len() - 1].contains(&scope.id));
                let unknown = match run_of(missing.scope) {
                    Some(plain) => may_fail(plain),
                    None => may_fail(&of_run) || is_around && lacking.into_iter().any(|(_, plain)| may_fail(plain)),
                };
                let verdict = unknown.then_some(Verdict::Unknown);
                for judgement in [&mine[at], &theirs[at]] {
                    if listed(judgement, subject) != verdict {
                        return Err(wrong("the verdict", subject, listed(judgement, subject), verdict));
                    }
                }
                counts[Verdict::Unknown] += usize::from(unknown);
            }
        }
        if mine[at].counts != counts {
            return Err(fail(format!("counted {:?}, and there are {counts:?}", mine[at].counts), &case, Some(id)));
        }
    }
    Ok(())
}

fn holds(complete: bool) {
    let seen = Seen::default();
    each_given(200, |given| holds_for(given, complete, &seen));
    eprintln!("{seen:?}");
    assert!(seen.other.get() * 20 > seen.verdicts.get(), "parameters must change verdicts: {seen:?}");
    assert!(seen.derived.get() > 50, "derived attributes must depend on parameters: {seen:?}");
}

#[test]
fn parameters_of_an_instance_are_those_of_a_run_of_its_own() {
    holds(true);
}

#[test]
fn parameters_of_an_instance_are_those_of_a_run_of_its_own_where_values_are_missing() {
    holds(false);
}
