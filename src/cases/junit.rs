//! What cases came to, as JUnit XML: a suite for every file.

use super::Outcome;
use crate::diagnostic::Severity;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use std::io::{self, Write};

/// Writes an outcome. What is wrong with the files themselves, or with the cases as a whole, is a suite of its own.
///
/// # Errors
/// When `out` cannot be written.
pub fn write(outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
    let mut report = Report::new("deodar test");
    for (at, file) in outcome.files.iter().enumerate() {
        let mut suite = TestSuite::new(file.name());
        for trial in outcome.trials.iter().filter(|trial| trial.file == at) {
            let mut status = TestCaseStatus::success();
            if !trial.holds() {
                status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                let wrong = trial.diagnostics.iter().filter(|found| found.severity == Severity::Error);
                let said: Vec<&str> = wrong.map(|found| found.message.as_str()).collect();
                // A line break in an attribute is read as a space.
                status.set_message(said.join("; "));
            }
            let mut case = TestCase::new(trial.name.as_str(), status);
            case.set_classname(file.name());
            suite.add_test_case(case);
        }
        report.add_test_suite(suite);
    }
    let errors = outcome.diagnostics.iter().chain(&outcome.gaps).filter(|found| found.severity == Severity::Error);
    let mut others = TestSuite::new("policies and case files");
    for found in errors {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_message(found.message.as_str());
        others.add_test_case(TestCase::new(found.code, status));
    }
    if !others.test_cases.is_empty() {
        report.add_test_suite(others);
    }
    report.serialize(out).map_err(io::Error::other)
}
