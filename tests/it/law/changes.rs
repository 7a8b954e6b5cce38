//! Laws about changes of policies: those that are said to make no difference make none, and a condition decides exactly
//! where another answer written in its place gives another verdict.
//!
//! Changes are made in the text and judged like any other policy, so that the laws share nothing with what they test
//! but the verdicts.

use super::*;
use deodar::Inputs;
use deodar::cases::{Suite, TestOptions};
use deodar::diagnostic::has_errors;
use deodar::engine::{Judged, Judgement, LeafCoverage, LeafCoverages};
use deodar::pack::Pack;
use deodar::source::Span;

/// Random policies with more conditions than they need, over a case's schema and values.
fn redundant(given: &Given, complete: bool) -> Case {
    let mut case = Case::new(given, true, complete);
    let c = &mut Choices::seeded(given.seed);
    let writer = Writer::new(&case.blueprint, &case.world, case.blueprint.derived.len());
    case.checks = given
        .checks
        .iter()
        .enumerate()
        .map(|(number, choices)| match number % 3 {
            2 => writer.check(&mut Choices::given(choices), number),
            _ => writer.redundant(c, number),
        })
        .collect();
    for (at, written) in &mut case.derivations {
        if c.below(3) == 0 {
            let more = Writer::new(&case.blueprint, &case.world, *at).comparisons(c, "principal", written.principal, 1);
            written.clauses.extend(more);
        }
    }
    case.checks.retain(|written| is_valid(&case.blueprint, written));
    case.derivations.retain(|(_, written)| is_valid(&case.blueprint, written));
    case
}

/// Snapshots of one schema: that of the case, and other worlds, whole and captured in part.
fn snapshots(case: &Case) -> Vec<String> {
    let c = &mut Choices::seeded(case.seed);
    let mut all = vec![case.json.clone()];
    for percent in [0, 10, 40] {
        let world = World::random(c, &case.blueprint);
        let blanks = if percent == 0 { Blanks::default() } else { world.blanks(c, &case.blueprint, percent) };
        all.push(world.json(c, &case.blueprint, &blanks));
    }
    all
}

/// All verdicts of all checks on a snapshot.
fn judged(case: &Case, read: &Read, json: &str) -> Result<Vec<Vec<Judged>>, TestCaseError> {
    let snapshot = read.snapshot_of(case, json)?;
    let judgements = read.evaluator(&snapshot).judge(&Verdict::ALL);
    Ok(judgements.into_iter().map(|Judgement { judged, .. }| judged).collect())
}

/// A text with a part of it replaced.
fn replaced(text: &str, span: Span, by: &str) -> String {
    format!("{}{by}{}", &text[..span.start as usize], &text[span.end as usize..])
}

#[test]
fn changes_that_are_said_to_make_no_difference_make_none() {
    let equivalent = RefCell::new(BTreeMap::<&str, usize>::new());
    each_given(90, |given| {
        let case = redundant(given, false);
        let text = case.policies();
        let inputs =
            Inputs::new(source("s.cedarschema", &case.blueprint.text()), vec![source("p.cedar", &text)], Vec::new());
        // A policy that says nothing is an error there.
        let (Some(pack), wrong) = Pack::compile(inputs.sources()) else { return Ok(()) };
        if has_errors(&wrong) {
            return Ok(());
        }
        let suite = Suite::new(pack);
        let (mutation, _) = suite.mutate(&[], &TestOptions { complete: true, ..TestOptions::default() });
        if mutation.equivalent.is_empty() {
            return Ok(());
        }
        let (snapshots, read) = (snapshots(&case), Read::of(&case, &text)?);
        let before: Result<Vec<_>, _> = snapshots.iter().map(|json| judged(&case, &read, json)).collect();
        let before = before?;
        for survivor in &mutation.equivalent {
            *equivalent.borrow_mut().entry(survivor.mutant.operator).or_default() += 1;
            let changed = Read::of(&case, &replaced(&text, survivor.mutant.span, &survivor.mutant.replacement))?;
            for (json, before) in snapshots.iter().zip(&before) {
                let after = judged(&case, &changed, json)?;
                if after != *before {
                    let (was, is) = (&survivor.before, &survivor.after);
                    let message = format!(
                        "{}: `{was}` and `{is}` are said to be the same: {before:?}, {after:?}\n--- on\n{json}",
                        survivor.policy
                    );
                    return Err(fail(message, &case, None));
                }
            }
        }
        Ok(())
    });
    let equivalent = equivalent.into_inner();
    eprintln!("{equivalent:?}");
    assert!(equivalent.values().sum::<usize>() > 300 && equivalent.len() >= 6, "{equivalent:?}");
}

/// The verdict on a subject; of a list that was not captured, whether something in it could fail.
fn verdict(read: &Read, evaluator: &Evaluator<'_>, check: usize, subject: Subject) -> Option<Verdict> {
    let check = read.program.checks.iter().find(|program| program.check == check)?;
    let body = check.bodies.iter().find(|body| body.resource == subject.ty())?;
    match subject {
        Subject::Entity(resource) => evaluator.verdict(check, body, resource),
        Subject::Uncaptured(_, at) => evaluator.uncaptured(body).contains(&at).then_some(Verdict::Unknown),
    }
}

/// Counts over many cases.
#[derive(Debug, Default)]
struct Seen {
    decided: usize,
    idle: usize,
    unknown: usize,
    uncaptured: usize,
}

#[test]
fn a_condition_decides_where_another_answer_in_its_place_gives_another_verdict() {
    let seen = RefCell::new(Seen::default());
    each_given(40, |given| {
        let case = redundant(given, false);
        let text = case.policies();
        let read = Read::of(&case, &text)?;
        let snapshot = read.snapshot(&case)?;
        let evaluator = read.evaluator(&snapshot);
        for check in read.program.checks.iter().take(3) {
            let id = &read.policies.checks[check.check].statement.id;
            let mut places: BTreeMap<Span, Vec<(Subject, LeafCoverage, Option<Verdict>)>> = BTreeMap::new();
            for body in &check.bodies {
                let rows = snapshot.table(body.resource).rows.len() as u32;
                let rows = (0..rows).map(|row| Subject::Entity(EntityRef { ty: body.resource, row }));
                let lists = evaluator.uncaptured(body).into_iter().map(|at| Subject::Uncaptured(body.resource, at));
                for subject in rows.chain(lists) {
                    let mut coverages = LeafCoverages::default();
                    evaluator.record_coverage(body, check.conditional, &[subject], &mut coverages);
                    let was = verdict(&read, &evaluator, check.check, subject);
                    // What is read of one of two entities is two leaves with one place.
                    let mut found: BTreeMap<Span, LeafCoverage> = BTreeMap::new();
                    for leaf in body.clauses.iter().flat_map(|clause| clause.condition.leaves()).copied() {
                        let sight = coverages.get(&leaf).copied().unwrap_or_default();
                        found.entry(read.program.node(leaf).span).or_default().merge(sight);
                    }
                    for (span, sight) in found {
                        places.entry(span).or_default().push((subject, sight, was));
                    }
                }
            }
            for (span, found) in places {
                let others: Result<Vec<Read>, _> =
                    ["true", "false"].iter().map(|answer| Read::of(&case, &replaced(&text, span, answer))).collect();
                // Without a guard a policy may be none.
                let others = others?;
                if !others.iter().all(|other| other.valid(id)) {
                    continue;
                }
                let snapshots: Result<Vec<Snapshot>, _> = others.iter().map(|other| other.snapshot(&case)).collect();
                let snapshots = snapshots?;
                let machines: Vec<Evaluator<'_>> =
                    others.iter().zip(&snapshots).map(|(other, snapshot)| other.evaluator(snapshot)).collect();
                for (subject, sight, was) in found {
                    let is = |(other, evaluator)| verdict(other, evaluator, check.check, subject);
                    let hangs = others.iter().zip(&machines).any(|pair| is(pair) != was);
                    if sight.decided != hangs {
                        let message = format!(
                            "`{}` of {id} on {subject:?}: {sight:?}, and with another answer {:?} becomes {:?}",
                            &text[span.range()],
                            was,
                            others.iter().zip(&machines).map(is).collect::<Vec<_>>(),
                        );
                        return Err(fail(message, &case, Some(id)));
                    }
                    let seen = &mut *seen.borrow_mut();
                    seen.decided += usize::from(sight.decided);
                    seen.idle += usize::from(!sight.decided);
                    seen.unknown += usize::from(sight.unknown);
                    seen.uncaptured += usize::from(matches!(subject, Subject::Uncaptured(..)));
                }
            }
        }
        Ok(())
    });
    let seen = seen.into_inner();
    eprintln!("{seen:?}");
    let Seen { decided, idle, unknown, uncaptured } = seen;
    assert!([decided, idle, unknown, uncaptured].into_iter().all(|count| count > 50), "{seen:?}");
}
