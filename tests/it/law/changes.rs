//! Laws of changes to policies: equivalent mutations change no verdict, and a condition decides a verdict if and only if
//! another answer in its place gives another verdict.
//!
//! The changes are made in the text, and the changed text is judged like any other policy.

use super::case::{Case, Form, Recipe, is_valid, validator};
use super::choices::Choices;
use super::compiled::Compiled;
use super::policies::Writer;
use super::runner::{LawResult, failure, source, tally};
use super::world::{Blanks, World};
use deodar::cases::{Suite, Survivor, TestOptions};
use deodar::diagnostic::has_errors;
use deodar::engine::{Evaluator, Judged, Judgement, LeafCoverage, LeafCoverages, Subject, Verdict};
use deodar::pack::{Pack, PackSources};
use deodar::policy::CheckId;
use deodar::program::CheckProgram;
use deodar::snapshot::Snapshot;
use deodar::source::Span;
use deodar::value::EntityRef;
use proptest::test_runner::TestCaseError;
use std::collections::BTreeMap;

/// Random policies with more conditions than they need, over a case's schema and values.
fn redundant(recipe: &Recipe) -> Case {
    let mut case = Case::new(recipe, Form { derived: true, complete: false });
    let choices = &mut Choices::seeded(recipe.seed);
    let writer = Writer::new(&case.blueprint, &case.world, case.blueprint.derived.len());
    case.checks = recipe
        .checks
        .iter()
        .enumerate()
        .map(|(number, recipe)| match number % 3 {
            2 => writer.check(&mut Choices::given(recipe), number),
            _ => writer.redundant(choices, number),
        })
        .collect();
    for (at, written) in &mut case.derivations {
        if choices.below(3) == 0 {
            let is_definition = written.scope.starts_with("(principal,");
            let (variable, type_idx) = match is_definition {
                true => ("resource", case.blueprint.derived[*at].0),
                false => ("principal", written.principal),
            };
            let more = Writer::new(&case.blueprint, &case.world, *at).comparisons(choices, variable, type_idx, 1);
            written.clauses.extend(more);
        }
    }
    let validator = validator(&case.blueprint);
    case.checks.retain(|policy| is_valid(&validator, policy));
    case.derivations.retain(|(_, policy)| is_valid(&validator, policy));
    case
}

/// Snapshots of one schema: that of the case, and other worlds, whole and captured in part.
fn snapshots(case: &Case) -> Vec<String> {
    let choices = &mut Choices::seeded(case.seed);
    let mut all = vec![case.json.clone()];
    for percent in [0, 10, 40] {
        let world = World::random(choices, &case.blueprint);
        let blanks = if percent == 0 { Blanks::default() } else { world.blanks(choices, &case.blueprint, percent) };
        all.push(world.json(choices, &case.blueprint, &blanks));
    }
    all
}

/// All verdicts of all checks on a snapshot.
fn judged(case: &Case, compiled: &Compiled, json: &str) -> Result<Vec<Vec<Judged>>, TestCaseError> {
    let snapshot = compiled.snapshot_of(case, json)?;
    let judgements = compiled.evaluator(&snapshot).judge(&Verdict::ALL);
    Ok(judgements.into_iter().map(|Judgement { judged, .. }| judged).collect())
}

/// A text with a part of it replaced.
fn replaced(text: &str, span: Span, by: &str) -> String {
    format!("{}{by}{}", &text[..span.start as usize], &text[span.end as usize..])
}

/// Returns the mutations of a case's policies that are reported as equivalent.
fn equivalent(case: &Case) -> Vec<Survivor> {
    let (schema, policies) = (source("s.cedarschema", &case.blueprint.text()), [source("p.cedar", &case.policies())]);
    // A policy that is never satisfied is an error there.
    let (Some(pack), problems) = Pack::compile(PackSources { schema: &schema, policies: &policies, waivers: &[] })
    else {
        return Vec::new();
    };
    if has_errors(&problems) {
        return Vec::new();
    }
    let (mutation, _) = Suite::new(pack).mutate(&[], &TestOptions { complete: true, ..TestOptions::default() });
    mutation.equivalent
}

/// A mutation that is reported as equivalent changes no verdict on any snapshot.
fn equivalent_mutation_changes_nothing(
    case: &Case,
    survivor: &Survivor,
    before: &[(String, Vec<Vec<Judged>>)],
) -> LawResult {
    let policies = replaced(&case.policies(), survivor.mutant.span, &survivor.mutant.replacement);
    let changed = Compiled::with_policies(case, &policies)?;
    for (json, before) in before {
        let after = judged(case, &changed, json)?;
        if after != *before {
            let (policy, was, is) = (&survivor.policy, &survivor.before, &survivor.after);
            let message = format!("policy `{policy}`: `{was}` and `{is}` differ: {before:?}, {after:?} on\n{json}");
            return Err(failure(message, case, None));
        }
    }
    Ok(())
}

#[test]
fn equivalent_mutations_change_no_verdict() {
    let operators = tally(90, |recipe, operators: &mut BTreeMap<&str, usize>| {
        let case = redundant(recipe);
        let equivalent = equivalent(&case);
        if equivalent.is_empty() {
            return Ok(());
        }
        let compiled = Compiled::new(&case)?;
        let judge = |json: String| judged(&case, &compiled, &json).map(|verdicts| (json, verdicts));
        let before = snapshots(&case).into_iter().map(judge).collect::<Result<Vec<_>, _>>()?;
        for survivor in &equivalent {
            *operators.entry(survivor.mutant.operator).or_default() += 1;
            equivalent_mutation_changes_nothing(&case, survivor, &before)?;
        }
        Ok(())
    });
    assert!(operators.values().sum::<usize>() > 300 && operators.len() >= 6, "{operators:?}");
}

/// Returns the verdict on a subject; on an uncaptured list, unknown if a resource in it may fail.
fn verdict(compiled: &Compiled, evaluator: &Evaluator<'_>, check: CheckId, subject: Subject) -> Option<Verdict> {
    let check = compiled.program.checks.iter().find(|program| program.check == check)?;
    let body = check.bodies.iter().find(|body| body.resource == subject.ty())?;
    match subject {
        Subject::Entity(resource) => evaluator.verdict(check, body, resource),
        Subject::Uncaptured(_, at) => evaluator.uncaptured(body).contains(&at).then_some(Verdict::Unknown),
    }
}

/// Counts over the cases.
#[derive(Debug, Default)]
struct Tally {
    decided: usize,
    idle: usize,
    unknown: usize,
    uncaptured: usize,
}

/// The coverage of the conditions of a check: by place in the text, for every subject.
type Coverage = BTreeMap<Span, Vec<(Subject, LeafCoverage)>>;

fn coverage(compiled: &Compiled, evaluator: &Evaluator<'_>, check: &CheckProgram) -> Coverage {
    let mut places = Coverage::new();
    for body in &check.bodies {
        let rows = evaluator.snapshot.table(body.resource).rows.len() as u32;
        let rows = (0..rows).map(|row| Subject::Entity(EntityRef { ty: body.resource, row }));
        let lists = evaluator.uncaptured(body).into_iter().map(|at| Subject::Uncaptured(body.resource, at));
        for subject in rows.chain(lists) {
            let mut coverages = LeafCoverages::default();
            evaluator.record_coverage(body, check.conditional, &[subject], &mut coverages);
            // A value that is read from either of two entities is two leaves with one place.
            let mut of_subject: BTreeMap<Span, LeafCoverage> = BTreeMap::new();
            for leaf in body.clauses.iter().flat_map(|clause| clause.condition.leaves()).copied() {
                let found = coverages.get(&leaf).copied().unwrap_or_default();
                of_subject.entry(compiled.program.node(leaf).span).or_default().merge(found);
            }
            for (span, found) in of_subject {
                places.entry(span).or_default().push((subject, found));
            }
        }
    }
    places
}

/// Returns a case with a condition replaced by `true`, and by `false`; `None` if the check is not valid then.
fn with_answers(case: &Case, id: &str, span: Span) -> Result<Option<[Compiled; 2]>, TestCaseError> {
    let with = |answer| Compiled::with_policies(case, &replaced(&case.policies(), span, answer));
    let others = [with("true")?, with("false")?];
    // A policy may not be valid without a guard.
    Ok(others.iter().all(|other| other.is_valid(id)).then_some(others))
}

/// A condition decides the verdict on a subject if and only if `true` or `false` in its place gives another verdict.
fn coverage_is_that_of_other_answers(
    case: &Case,
    (compiled, evaluator): (&Compiled, &Evaluator<'_>),
    check: &CheckProgram,
    (span, found): (Span, &[(Subject, LeafCoverage)]),
    tally: &mut Tally,
) -> LawResult {
    let id = compiled.id_of(check);
    let Some(others) = with_answers(case, id, span)? else { return Ok(()) };
    let snapshots = [others[0].snapshot(case)?, others[1].snapshot(case)?];
    let evaluators = [0, 1].map(|at: usize| others[at].evaluator(&snapshots[at]));
    for (subject, coverage) in found {
        let was = verdict(compiled, evaluator, check.check, *subject);
        let becomes = [0, 1].map(|at: usize| verdict(&others[at], &evaluators[at], check.check, *subject));
        if coverage.decided != becomes.iter().any(|verdict| *verdict != was) {
            let text = &case.policies()[span.range()];
            let message = format!("`{text}` on {subject:?}: {coverage:?}, and {was:?} becomes {becomes:?}");
            return Err(failure(format!("check `{id}`: {message}"), case, Some(id)));
        }
        tally.decided += usize::from(coverage.decided);
        tally.idle += usize::from(!coverage.decided);
        tally.unknown += usize::from(coverage.unknown);
        tally.uncaptured += usize::from(matches!(subject, Subject::Uncaptured(..)));
    }
    Ok(())
}

#[test]
fn a_condition_decides_where_another_answer_in_its_place_gives_another_verdict() {
    let tally = tally(40, |recipe, tally: &mut Tally| {
        let case = redundant(recipe);
        let compiled = Compiled::new(&case)?;
        let snapshot: Snapshot = compiled.snapshot(&case)?;
        let evaluator = compiled.evaluator(&snapshot);
        for check in compiled.program.checks.iter().take(3) {
            for (span, found) in coverage(&compiled, &evaluator, check) {
                coverage_is_that_of_other_answers(&case, (&compiled, &evaluator), check, (span, &found), tally)?;
            }
        }
        Ok(())
    });
    let Tally { decided, idle, unknown, uncaptured } = tally;
    assert!([decided, idle, unknown, uncaptured].into_iter().all(|count| count > 50), "{tally:?}");
}
