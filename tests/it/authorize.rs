//! Deodar's program as a Cedar authorizer gives the official answers.

use crate::law::each_given;
use crate::law::requests::Asked;
use cedar_policy::{PolicySet, ValidationMode, Validator};
use deodar::authorize::Authorizer;
use deodar::source::Source;
use proptest::test_runner::TestCaseError;
use std::cell::RefCell;
use std::collections::BTreeSet;

/// What many answers were.
#[derive(Debug, Default)]
struct Tally {
    policies: usize,
    valid: usize,
    requests: usize,
    allowed: usize,
    forbidden: usize,
    errors: usize,
}

fn compare(asked: &Asked, tally: &mut Tally) -> Result<(), TestCaseError> {
    let validator = Validator::new(asked.cedar.clone());
    let valid = asked.policies.iter().filter(|written| {
        let policy: PolicySet = written.text().parse().unwrap_or_else(|error| panic!("{error}\n{}", written.text()));
        validator.validate(&policy, ValidationMode::Strict).validation_passed()
    });
    let valid: Vec<String> = valid.map(|written| written.text()).collect();
    tally.policies += asked.policies.len();
    tally.valid += valid.len();
    let text = valid.concat();
    let fail = |what: String| TestCaseError::fail(format!("{what}\n{}", asked.text(&text)));
    let source = Source::new("policies", text.as_str()).expect("a small text");
    let authorizer = Authorizer::new(asked.cedar.clone(), &source).map_err(|errors| fail(format!("{errors:?}")))?;
    let policies: PolicySet = text.parse().expect("every policy parses");
    for request in &asked.requests {
        let theirs = cedar_policy::Authorizer::new().is_authorized(request, &policies, &asked.entities);
        let reasons: BTreeSet<String> = theirs.diagnostics().reason().map(ToString::to_string).collect();
        let errors = theirs.diagnostics().errors().map(|error| match error {
            cedar_policy::AuthorizationError::PolicyEvaluationError(error) => error.policy_id().to_string(),
        });
        let errors: BTreeSet<String> = errors.collect();
        let ours = authorizer.is_authorized(request, &asked.entities).map_err(&fail)?;
        let names = |set: &BTreeSet<smol_str::SmolStr>| set.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
        let ours = (ours.decision, names(&ours.reasons), names(&ours.errors), ours.undecided);
        let theirs = (theirs.decision(), reasons, errors, BTreeSet::new());
        if ours != theirs {
            return Err(fail(format!("Deodar says {ours:?}\nCedar says  {theirs:?}\nof {request:?}")));
        }
        tally.requests += 1;
        tally.allowed += usize::from(ours.0 == cedar_policy::Decision::Allow);
        tally.forbidden += usize::from(ours.0 == cedar_policy::Decision::Deny && !ours.1.is_empty());
        tally.errors += usize::from(!ours.2.is_empty());
    }
    Ok(())
}

#[test]
fn random_requests_get_the_official_answers() {
    let tally = RefCell::new(Tally::default());
    each_given(800, |given| {
        let asked = Asked::random(&given.schema, &given.world, &given.checks, &given.style);
        compare(&asked, &mut tally.borrow_mut())
    });
    let tally = tally.into_inner();
    eprintln!("{tally:?}");
    assert!(tally.valid * 10 > tally.policies * 9, "most policies must be valid: {tally:?}");
    let kinds = [tally.allowed, tally.forbidden, tally.errors];
    assert!(kinds.iter().all(|count| count * 100 > tally.requests), "every kind of answer must occur: {tally:?}");
}
