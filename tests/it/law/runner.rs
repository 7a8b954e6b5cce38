//! The run of a law on random cases, and the text of a failure.

use super::case::{Case, Recipe, recipes};
use deodar::diagnostic::Diagnostic;
use deodar::engine::Verdict;
use deodar::source::Source;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};
use std::cell::RefCell;
use std::fmt::{Debug, Display};
use std::sync::Arc;

/// The time of every run.
pub const NOW: i64 = 1_788_220_800_000;

/// The outcome of a law on one case.
pub type LawResult = Result<(), TestCaseError>;

/// Checks a law on random cases. `PROPTEST_CASES` and `PROPTEST_RNG_SEED` widen the search.
pub fn for_each_recipe(cases: u32, law: impl Fn(&Recipe) -> LawResult) {
    let wanted = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    let mut config = Config {
        cases: wanted.unwrap_or(cases),
        failure_persistence: None,
        max_shrink_iters: 6000,
        ..Config::default()
    };
    if std::env::var_os("PROPTEST_RNG_SEED").is_none() {
        config.rng_seed = RngSeed::Fixed(1);
    }
    match TestRunner::new(config).run(&recipes(), |recipe| law(&recipe)) {
        Ok(()) => {}
        Err(TestError::Fail(reason, _)) => panic!("{reason}"),
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}

/// Checks a law on random cases, and returns the counts that it keeps.
pub fn tally<T: Default + Debug>(cases: u32, law: impl Fn(&Recipe, &mut T) -> LawResult) -> T {
    let tally = RefCell::new(T::default());
    for_each_recipe(cases, |recipe| law(recipe, &mut tally.borrow_mut()));
    eprintln!("{:?}", tally.borrow());
    tally.into_inner()
}

/// Returns a failure with the case as text; with the id of a check, only this check is shown.
pub fn failure(message: impl Display, case: &Case, check: Option<&str>) -> TestCaseError {
    TestCaseError::fail(format!("{message}\n\n{}", case.text(check)))
}

/// Returns the word for a verdict.
pub fn verdict_name(verdict: Option<Verdict>) -> &'static str {
    verdict.map_or("out of scope", Verdict::name)
}

/// Returns a source in memory.
pub fn source(name: &str, text: &str) -> Arc<Source> {
    Source::new(name, text).expect("a small text")
}

/// Returns diagnostics, one a line, with the texts that they point at.
pub fn listed_problems(diagnostics: &[Diagnostic]) -> String {
    let line = |found: &Diagnostic| {
        let places: Vec<&str> = found.labels.iter().map(|label| label.place.text()).collect();
        format!("{}: {} [{}]\n", found.code, found.message, places.join(" | "))
    };
    diagnostics.iter().map(line).collect()
}
