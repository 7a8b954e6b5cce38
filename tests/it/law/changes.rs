//! A law about changes of policies: those that are said to make no difference make none.
//!
//! Changes are made in the text and judged like any other policy, so that the law shares nothing with what it tests but
//! the verdicts.

use super::*;
use deodar::cases::{Choice, Suite};
use deodar::check::Inputs;
use deodar::engine::{Judged, Judgement};
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
    let judgements = read.machine(&snapshot).judge(&Verdict::ALL);
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
        let inputs = Inputs {
            pack: String::new(),
            recognised: false,
            schema: source("s.cedarschema", &case.blueprint.text()),
            policies: vec![source("p.cedar", &text)],
            snapshots: Vec::new(),
            diagnostics: Vec::new(),
            skipped: 0,
        };
        // A policy that says nothing is an error there.
        let (Some(suite), _) = Suite::compile(&inputs) else { return Ok(()) };
        let (mutation, _) = suite.mutate(&[], &Choice { complete: true, ..Choice::default() });
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
