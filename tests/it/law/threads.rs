//! The law of threads: their number changes no outcome.

use super::case::{Case, Form};
use super::compiled::Compiled;
use super::runner::{failure, for_each_recipe};
use super::texts::verdict_lines;
use deodar::engine::{Subject, Verdict};
use proptest::test_runner::TestCaseError;
use std::fmt::Write;

/// Reads, derives, judges and explains a case, and returns all results as text.
fn all_results(case: &Case, compiled: &Compiled) -> Result<String, TestCaseError> {
    let snapshot = compiled.snapshot(case)?;
    let evaluator = compiled.evaluator(&snapshot);
    let mut text = String::new();
    for (judgement, check) in evaluator.judge(&Verdict::ALL[..4]).iter().zip(&compiled.program.checks) {
        let _ = writeln!(text, "{judgement:?}");
        for judged in &judgement.judged {
            let Subject::Entity(resource) = judged.subject else { continue };
            for body in check.bodies.iter().filter(|body| body.resource == resource.ty) {
                let _ = writeln!(text, "{:?}", evaluator.explain(body, &evaluator.request(resource)));
            }
        }
    }
    Ok(text)
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
    let (one, others) = (pool(1), [pool(2), pool(8)]);
    for_each_recipe(60, |recipe| {
        let case = Case::new(recipe, Form { derived: true, complete: false });
        let compiled = Compiled::new(&case)?;
        let expected = one.install(|| all_results(&case, &compiled))?;
        for pool in &others {
            let results = pool.install(|| all_results(&case, &compiled))?;
            if results != expected {
                let threads = pool.current_num_threads();
                let message = format!("with {threads} threads\n{results}\nwith one thread\n{expected}");
                return Err(failure(message, &case, None));
            }
        }
        Ok(())
    });
}

#[test]
fn runs_of_many_rows_come_out_in_order_at_any_number_of_threads() {
    let schema = r#"
        @path("") entity Org;
        @path("/groups/*") @key("id") entity Group in [Org] { "n": Long, @derived "members": Long };
        @path("/users/*") entity User in [Org] { "n": Long, "group": String };
        action "audit" appliesTo { principal: [Org], resource: [User, Group] };
        action "derive" appliesTo { principal: [User], resource: [Group] };
    "#;
    let policies = r#"
        @id("D") @derives("members")
        permit (principal is User, action == Action::"derive", resource is Group)
        when { principal.group == "a" && principal.n == resource.n };
        @id("U") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is User)
        when { resource.n > 0 } unless { resource.group == "a" };
        @id("G") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Group)
        unless { resource.members < 160 };
    "#;
    let users: Vec<String> = (0..9001)
        .map(|at| match at % 97 {
            0 => r#"{"group": "a"}"#.to_owned(),
            1 => format!(r#"{{"n": {}, "group": null}}"#, at % 3),
            _ => format!(r#"{{"n": {}, "group": "{}"}}"#, at % 7, if at % 16 == 2 { "a" } else { "b" }),
        })
        .collect();
    let groups: Vec<String> = (0..4200).map(|at| format!(r#"{{"id": "{at}", "n": {}}}"#, at % 9)).collect();
    let snapshot = format!(r#"{{"groups": [{}], "users": [{}]}}"#, groups.join(","), users.join(","));
    let at = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| verdict_lines(schema, policies, &snapshot))
    };
    let one = at(1);
    assert_eq!(one.lines().count(), 13_201);
    assert!(["fail", "pass", "unknown", "not_applicable"].iter().all(|verdict| one.contains(verdict)));
    assert!([2, 8].iter().all(|threads| at(*threads) == one), "more threads, another outcome");
}
