//! The law of waivers: a waiver covers the resources that a check with its scope and its conditions fails for, in both
//! engines. A failure that a waiver covers is waived, and every other verdict is the one without waivers.
//!
//! The law of agreement relates the failures of that check to Cedar's authorizer.

use super::case::{Case, Form, Recipe};
use super::compiled::Compiled;
use super::runner::{LawResult, NOW, failure, source, tally};
use deodar::diagnostic::{Code, DiagnosticLevel};
use deodar::engine::{Evaluation, Judgement, Subject, Verdict, WaiversInUse};
use deodar::parameters::Parameters;
use deodar::policy::{Adaptation, Policies, PolicyFile};
use deodar::program::Program;
use std::collections::BTreeMap;

/// Counts over the cases.
#[derive(Default, Debug)]
struct Tally {
    waived: usize,
    /// Failures that no waiver covers.
    failures: usize,
    unknown_waived: usize,
    beyond: usize,
}

/// Returns a waiver of every check with the scope and the conditions of another check, by the id of the waiver.
fn waivers(case: &Case) -> (String, BTreeMap<String, (String, String)>) {
    let (mut text, mut of) = (String::new(), BTreeMap::new());
    for (at, check) in case.checks.iter().enumerate() {
        for (number, step) in [0, 1, 2].into_iter().enumerate() {
            // A waiver with the text of its check covers every failure.
            if step == 0 && at % 3 > 0 {
                continue;
            }
            let Some(other) = case.checks.get((at + step) % case.checks.len()) else { continue };
            let id = format!("waiver-{at}-{number}");
            let too = if number == 2 { "@unknown_too" } else { "" };
            let mut waiver = other.clone();
            waiver.id.clone_from(&id);
            waiver.effect = "permit";
            waiver.annotations =
                format!("@waives({:?}) @reason(\"r\") @owner(\"o\") @expires(\"2999-12-31\") {too}", check.id);
            text.push_str(&waiver.text());
            of.insert(id, (check.id.clone(), other.id.clone()));
        }
    }
    (text, of)
}

/// The verdicts by check and subject.
type Verdicts = BTreeMap<(String, Subject), Verdict>;

fn verdicts(policies: &Policies, judgements: &[Judgement]) -> Verdicts {
    let of = |judgement: &Judgement| {
        let id = policies.checks[judgement.check].statement.id.to_string();
        judgement.judged.iter().map(|it| ((id.clone(), it.subject), it.verdict)).collect::<Vec<_>>()
    };
    judgements.iter().flat_map(of).collect()
}

fn law(recipe: &Recipe, form: Form, tally: &mut Tally) -> LawResult {
    let case = Case::new(recipe, form);
    let compiled = Compiled::new(&case)?;
    let wrong = |message: String| failure(message, &case, None);
    let (text, of) = waivers(&case);
    let parsed = [("p.cedar", case.policies()), ("w.cedar", text.clone())];
    let [policies, waivers] = parsed.map(|(name, text)| PolicyFile::parse(&source(name, &text)));
    let (policies, _) = Policies::read(&compiled.schema, &[&policies], &[&waivers], &Adaptation::default());
    let model = &compiled.schema.model;
    let (program, found) = Program::lower(model, &policies, |_| true);
    let allowed = [Code::PolicyIdle, Code::PolicyHas, Code::CheckNotRun, Code::WaiverCheck];
    if let Some(error) = found.iter().find(|it| it.level == DiagnosticLevel::Error && !allowed.contains(&it.code)) {
        return Err(wrong(format!("{}\n{text}", error.message)));
    }
    let snapshot = {
        let limits = deodar::Limits::default();
        let (snapshot, _) = deodar::Snapshot::read(&source("s.json", &case.json), model, &program.reads, &limits);
        snapshot.ok_or_else(|| wrong("the snapshot is refused".to_owned()))?
    };
    let parameters = Parameters { values: compiled.parameters.clone(), is_set: Vec::new(), scopes: Vec::new() };
    let (evaluation, _) = Evaluation::new(model, &program, &snapshot, (NOW, &parameters), usize::MAX);
    for is_reference in [false, true] {
        let refused = |error: deodar::engine::ReferenceError| wrong(error.to_string());
        let mut judgements = match is_reference {
            false => evaluation.judge(&Verdict::ALL),
            true => evaluation.judge_all_by_reference(&policies).map_err(refused)?,
        };
        let before = verdicts(&policies, &judgements);
        let used = WaiversInUse { is_live: &|_| true, may_cover: &|_, _| true };
        let coverages = match is_reference {
            false => evaluation.waive(&mut judgements, used),
            true => evaluation.waive_by_reference(&policies, &mut judgements, used).map_err(refused)?,
        };
        let after = verdicts(&policies, &judgements);
        let id = |waiver| policies.waivers[waiver].statement.id.as_str();
        let is_waived = |check: &str, subject: Subject, verdict: Verdict| {
            let lowered = program.waivers.iter().filter(|waiver| policies.waivers[waiver.waiver].check == check);
            lowered.into_iter().any(|waiver| {
                let covers = before.get(&(of[id(waiver.waiver)].1.clone(), subject)) == Some(&Verdict::Fail);
                covers && waiver.unknowns.waives(verdict)
            })
        };
        // The review reaches more of a check than of a waiver, which is for the types of another check.
        let has_refused_text = |check: &str| {
            let of_check = program.waivers.iter().filter(|waiver| policies.waivers[waiver.waiver].check == check);
            let mut others = of_check.map(|waiver| of[id(waiver.waiver)].1.as_str());
            others.any(|other| program.refused.contains(other))
        };
        for ((check, subject), verdict) in &before {
            // The phantom of a list is not a resource with a verdict of its own.
            let Subject::Entity(_) = subject else { continue };
            if has_refused_text(check) {
                continue;
            }
            let expected = if is_waived(check, *subject, *verdict) { Verdict::Waived } else { *verdict };
            let actual = after[&(check.clone(), *subject)];
            if actual != expected {
                let engine = if is_reference { "the reference engine" } else { "the engine" };
                let message = format!("`{check}` on {subject:?}: {engine} gives {actual:?}, not {expected:?}\n{text}");
                return Err(failure(message, &case, Some(check)));
            }
            tally.waived += usize::from(actual == Verdict::Waived);
            tally.failures += usize::from(actual == Verdict::Fail);
            tally.unknown_waived += usize::from(actual == Verdict::Waived && *verdict == Verdict::Unknown);
        }
        for coverage in &coverages {
            tally.beyond += coverage.beyond;
            let named = judgements.iter().flat_map(|it| &it.judged).filter_map(|it| it.waived);
            let named = named.filter(|waived| waived.waiver == coverage.waiver).count();
            if named > coverage.waived {
                let id = id(coverage.waiver);
                return Err(wrong(format!("`{id}` waives {} verdicts, and {named} name it", coverage.waived)));
            }
        }
        for judgement in &judgements {
            let listed = |verdict| judgement.judged.iter().filter(|it| it.verdict == verdict).count();
            if Verdict::ALL.into_iter().any(|verdict| listed(verdict) != judgement.counts[verdict]) {
                return Err(wrong("the counts are not those of the verdicts".to_owned()));
            }
        }
    }
    Ok(())
}

#[test]
fn a_waiver_covers_what_a_check_with_its_text_fails_for() {
    let tally = tally(250, |recipe, tally| law(recipe, Form { derived: true, complete: true }, tally));
    assert!(tally.waived > 300 && tally.failures > 100 && tally.beyond > 100, "{tally:?}");
}

#[test]
fn on_an_incomplete_snapshot_a_waiver_covers_what_is_certain() {
    let tally = tally(250, |recipe, tally| law(recipe, Form { derived: true, complete: false }, tally));
    assert!(tally.waived > 200 && tally.failures > 100 && tally.unknown_waived > 10, "{tally:?}");
}
