//! Deodar's program as a Cedar authorizer gives the official answers: on test cases in the format of Cedar's
//! integration tests, and on random ones.

#[path = "../../examples/authorize/cases.rs"]
mod cases;

use crate::law::requests::RequestCase;
use crate::law::{LawResult, tally};
use crate::support::repository;
use cases::{Corpus, Outcome};
use cedar_policy::{AuthorizationError, Decision, PolicySet, Request, ValidationMode, Validator};
use deodar::authorize::Authorizer;
use deodar::source::Source;
use proptest::test_runner::TestCaseError;
use smol_str::SmolStr;
use std::collections::BTreeSet;

/// Counts of answers.
#[derive(Debug, Default)]
struct Tally {
    policies: usize,
    valid: usize,
    requests: usize,
    allowed: usize,
    forbidden: usize,
    errors: usize,
}

impl Tally {
    fn add(&mut self, (decision, reasons, errors, _): &Answer) {
        self.requests += 1;
        self.allowed += usize::from(*decision == Decision::Allow);
        self.forbidden += usize::from(*decision == Decision::Deny && !reasons.is_empty());
        self.errors += usize::from(!errors.is_empty());
    }
}

/// An answer: the decision, the policies that determine it, the policies that end in an error, and those that are not
/// decided.
type Answer = (Decision, BTreeSet<String>, BTreeSet<String>, BTreeSet<SmolStr>);

fn official_answer(case: &RequestCase, policies: &PolicySet, request: &Request) -> Answer {
    let response = cedar_policy::Authorizer::new().is_authorized(request, policies, &case.entities);
    let reasons = response.diagnostics().reason().map(ToString::to_string).collect();
    let errors = response.diagnostics().errors().map(|error| match error {
        AuthorizationError::PolicyEvaluationError(error) => error.policy_id().to_string(),
    });
    (response.decision(), reasons, errors.collect(), BTreeSet::new())
}

/// Returns the policies of a case that pass strict validation, as one text.
fn valid_policies(case: &RequestCase, tally: &mut Tally) -> String {
    let validator = Validator::new(case.cedar.clone());
    let texts = case.policies.iter().map(|policy| policy.text());
    let valid: Vec<String> = texts.filter(|text| is_valid(&validator, text)).collect();
    tally.policies += case.policies.len();
    tally.valid += valid.len();
    valid.concat()
}

fn is_valid(validator: &Validator, text: &str) -> bool {
    let policy: PolicySet = text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"));
    validator.validate(&policy, ValidationMode::Strict).validation_passed()
}

/// Deodar's answers to the requests of a case are the official ones.
fn answers_are_official(case: &RequestCase, tally: &mut Tally) -> LawResult {
    let text = valid_policies(case, tally);
    let fail = |what: String| TestCaseError::fail(format!("{what}\n{}", case.text(&text)));
    let source = Source::new("policies", text.as_str()).expect("a small text");
    let authorizer = Authorizer::new(case.cedar.clone(), &source).map_err(|errors| fail(format!("{errors:?}")))?;
    let policies: PolicySet = text.parse().expect("every policy parses");
    for request in &case.requests {
        let found = authorizer.is_authorized(request, &case.entities).map_err(&fail)?;
        let names = |set: &BTreeSet<SmolStr>| set.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
        let found: Answer = (found.decision, names(&found.reasons), names(&found.errors), found.undecided);
        let official = official_answer(case, &policies, request);
        if found != official {
            return Err(fail(format!(
                "Deodar's answer is {found:?}\nCedar's answer is  {official:?}\nfor {request:?}"
            )));
        }
        tally.add(&found);
    }
    Ok(())
}

#[test]
fn random_requests_get_the_official_answers() {
    let tally = tally(800, |recipe, tally| answers_are_official(&RequestCase::random(recipe), tally));
    assert!(tally.valid * 10 > tally.policies * 9, "most policies must be valid: {tally:?}");
    let kinds = [tally.allowed, tally.forbidden, tally.errors];
    assert!(kinds.iter().all(|count| count * 100 > tally.requests), "every kind of answer must occur: {tally:?}");
}

#[test]
fn every_case_of_the_corpus_agrees_and_none_is_skipped() {
    let folder = repository().join("tests/data/authorize");
    let comparison = Corpus { folder: &folder, root: None, oracle: true }.compare();
    assert!(comparison.cases >= 17, "there are {} cases", comparison.cases);
    assert_eq!(comparison.unreadable, Vec::<String>::new());
    assert_eq!(comparison.skipped().collect::<Vec<_>>(), Vec::<&str>::new());
    let differ = comparison.differ().map(|(request, what)| (&request.file, request.number, &request.description, what));
    let differ: Vec<_> = differ.collect();
    assert!(differ.is_empty(), "{differ:#?}");
    assert_eq!(comparison.agree(), comparison.requests.len());
}

/// Compares a case in a folder of its own; `more` are attributes of the only user.
fn compared(policies: &str, more: &str, requests: &str) -> Vec<Outcome> {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let schema = "entity User = { n: Long, at?: datetime }; action go appliesTo { principal: User, resource: User };";
    let entity = r#"{ "uid": { "type": "User", "id": "a" }, "parents": [], "attrs": { "n": 1 "#;
    let entities = format!("[{entity} {more} }} }}]");
    let case = format!(
        r#"{{ "policies": "p.cedar", "entities": "e.json", "schema": "s.cedarschema", "requests": [{requests}] }}"#
    );
    for (name, text) in [("p.cedar", policies), ("e.json", &entities), ("s.cedarschema", schema), ("c.json", &case)] {
        std::fs::write(folder.path().join(name), text).expect("a scratch file");
    }
    let comparison = Corpus { folder: folder.path(), root: None, oracle: false }.compare();
    assert_eq!((comparison.cases, comparison.unreadable), (1, Vec::new()));
    comparison.requests.into_iter().map(|request| request.outcome).collect()
}

/// A request of one user for himself, with its answer.
fn request(id: &str, answer: &str) -> String {
    let user = format!(r#"{{ "type": "User", "id": "{id}" }}"#);
    format!(
        r#"{{ "principal": {user}, "action": {{ "type": "Action", "id": "go" }}, "resource": {user}, "context": {{}}, {answer} }}"#
    )
}

#[test]
fn a_wrong_answer_is_told_apart_by_decision_reasons_and_errors() {
    let policies = "permit (principal, action, resource); forbid (principal, action, resource) when { principal.n + 9223372036854775807 > 0 };";
    let right = request("a", r#""decision": "Allow", "reason": ["policy0"], "errors": ["policy1"]"#);
    let oldest = request("a", r#""decision": "allow", "reasons": ["policy0"], "errors": ["in `policy1`: overflow"]"#);
    let wrong = [
        (
            request("a", r#""decision": "deny", "reason": ["policy0"], "errors": ["policy1"]"#),
            "decision allow, expected deny",
        ),
        (
            request("a", r#""decision": "allow", "reason": [], "errors": ["policy1"]"#),
            r#"reasons {"policy0"}, expected {}"#,
        ),
        (
            request("a", r#""decision": "allow", "reason": ["policy0"], "errors": []"#),
            r#"errors {"policy1"}, expected {}"#,
        ),
    ];
    for right in [right, oldest] {
        assert_eq!(compared(policies, "", &right), [Outcome::Agrees]);
    }
    for (request, difference) in wrong {
        assert_eq!(compared(policies, "", &request), [Outcome::Differs(vec![difference.to_owned()])]);
    }
}

#[test]
fn what_cannot_be_compared_is_skipped_with_a_reason() {
    let answer = r#""decision": "deny", "reason": [], "errors": []"#;
    let skipped = |policies: &str, request: &str| match &compared(policies, "", request)[..] {
        [Outcome::Skipped(reason)] => reason.clone(),
        other => format!("{other:?}"),
    };
    let sound = "forbid (principal, action, resource) when { principal.n > 1 };";
    assert_eq!(skipped("permit (principal, action, resource", &request("a", answer)), "the policies do not parse");
    let invalid = "permit (principal, action, resource) when { principal.m };";
    assert_eq!(skipped(invalid, &request("a", answer)), "the policies do not validate strictly");
    let nobody =
        format!(r#"{{ "principal": null, "action": {{ "type": "Action", "id": "go" }}, "resource": null, {answer} }}"#);
    assert_eq!(skipped(sound, &nobody), "the request lacks a principal, an action or a resource");
    let elsewhere = request("a", answer).replace("User", "Group");
    assert_eq!(skipped(sound, &elsewhere), "the request is not valid for the schema");
    // Cedar can compute a moment that no text names.
    let late = r#", "at": { "__extn": { "fn": "offset", "args": [
        { "__extn": { "fn": "datetime", "arg": "9999-12-31" } }, { "__extn": { "fn": "duration", "arg": "2d" } }] } }"#;
    let late = compared(sound, late, &request("a", answer));
    let beyond = |outcome: &Outcome| matches!(outcome, Outcome::Skipped(reason) if reason.ends_with("is beyond the years 0000 to 9999"));
    assert!(late.iter().all(beyond) && late.len() == 1, "{late:?}");
}

#[test]
fn a_case_whose_files_are_not_there_is_no_case_that_agrees() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let case = r#"{ "policies": "p.cedar", "entities": "e.json", "schema": "s.cedarschema", "requests": [] }"#;
    std::fs::write(folder.path().join("c.json"), case).expect("a scratch file");
    std::fs::write(folder.path().join("entities.json"), "[]").expect("a scratch file");
    let comparison = Corpus { folder: folder.path(), root: None, oracle: false }.compare();
    let [reason] = &comparison.unreadable[..] else { panic!("{comparison:?}") };
    assert!(comparison.cases == 0 && reason.ends_with("c.json: there is no `p.cedar`"), "{reason}");
}
