//! The results of cases as JUnit XML: a suite for every file.

use super::Outcome;
use crate::diagnostic::DiagnosticLevel;
use crate::render::junit::{suite_of_errors, valid, write_suites};
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};
use std::io::{self, Write};

/// Writes an outcome. Diagnostics about the files, or about the cases as a whole, are a separate suite.
///
/// # Errors
/// When `out` cannot be written.
pub fn write(outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
    let mut suites = Vec::new();
    for (at, file) in outcome.files.iter().enumerate() {
        let mut suite = TestSuite::new(valid(file.name()));
        for trial in outcome.trials.iter().filter(|trial| trial.file == at) {
            let mut status = TestCaseStatus::success();
            if !trial.holds() {
                status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                let wrong = trial.diagnostics.iter().filter(|found| found.level == DiagnosticLevel::Error);
                let messages: Vec<&str> = wrong.map(|found| found.message.as_str()).collect();
                // A line break in an attribute is read as a space.
                status.set_message(valid(&messages.join("; ")));
            }
            let mut case = TestCase::new(valid(&trial.name), status);
            case.set_classname(valid(file.name()));
            suite.add_test_case(case);
        }
        suites.push(suite);
    }
    let errors = outcome.diagnostics.iter().chain(&outcome.gaps).filter(|found| found.level == DiagnosticLevel::Error);
    let errors = errors.map(|found| (found.code.name(), found.message.as_str()));
    suites.extend(suite_of_errors("policies and case files", errors));
    write_suites("deodar test", suites, out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::Trial;
    use crate::diagnostic::{Code, Diagnostic};
    use crate::source::Source;

    /// Returns whether XML 1.0 allows a character (section 2.2).
    fn is_xml(c: char) -> bool {
        matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
    }

    #[test]
    fn every_character_in_a_name_or_message_is_valid_xml() {
        let all: String =
            ('\0'..='\u{ff}').chain('\u{ff00}'..='\u{1000f}').chain(['\u{2028}', '\u{1fffe}', '\u{10ffff}']).collect();
        let text = format!("{all}]]>&<\"'\u{1b}[31mred");
        let source = Source::new(text.as_str(), "").unwrap();
        let wrong = Diagnostic::error(Code::Expectation, text.as_str());
        let trial = Trial {
            file: 0,
            case: 0,
            variant: None,
            name: text.clone(),
            actual: Vec::new(),
            counts: Vec::new(),
            diagnostics: vec![wrong.clone()],
            secrets: None,
            blessings: Vec::new(),
        };
        let outcome =
            Outcome { files: vec![source], trials: vec![trial], diagnostics: vec![wrong], ..Outcome::default() };
        let mut written = Vec::new();
        write(&outcome, &mut written).unwrap();
        let written = String::from_utf8(written).unwrap();
        assert_eq!(written.chars().find(|c| !is_xml(*c)), None);
        assert_eq!(written.matches("[31mred").count(), 5, "nothing but the character itself is replaced");
    }
}
