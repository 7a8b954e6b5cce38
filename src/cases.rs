//! Tests of policies: cases that change a snapshot and say which verdicts must come out, on whom, where and why.
//!
//! A [`Suite`] compiles the policies once and runs every case of every [`CaseFile`] on its own, many at a time. Nothing
//! here reads a file or the clock: a case says what it starts from and what time it is.

mod bless;
mod edit;
pub mod json;
pub mod junit;
mod read;
mod run;
pub mod text;

pub use bless::{blessed, diff};
pub use edit::{Change, Edit, Miss};
pub use read::OpenBase;

use crate::check::Inputs;
use crate::diagnostic::{Diagnostic, Severity, has_errors, sort};
use crate::engine::Verdict;
use crate::policy::Policies;
use crate::program::Program;
use crate::report::Status;
use crate::schema::{Schema, parse_value};
use crate::source::{Source, Span};
use globset::GlobMatcher;
use rayon::prelude::*;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A file of cases.
#[derive(Debug)]
pub struct CaseFile {
    /// Its text.
    pub source: Arc<Source>,
    /// Its cases, in order.
    pub cases: Vec<Case>,
}

/// A snapshot, what is changed in it, and what must come out.
#[derive(Debug, Clone)]
pub struct Case {
    /// Its name, unique in the file.
    pub name: String,
    /// Where the name is written.
    pub span: Span,
    /// The snapshot it starts from.
    pub base: Arc<Source>,
    /// The time that checks take for now, in milliseconds since 1970.
    pub now: i64,
    /// The ways in which it is run: one, or one for every element of `each`.
    pub variants: Vec<Variant>,
    /// What must come out of every one of them.
    pub expectations: Vec<Expectation>,
    /// Where it says that nothing else fails, if it does.
    pub no_other_failures: Option<Span>,
    /// Where further expectations can be written.
    pub insertion: Option<Insertion>,
}

/// One way in which a case is run.
#[derive(Debug, Clone)]
pub struct Variant {
    /// Its number in `each`, from 1; `None` if the case has no `each`.
    pub number: Option<usize>,
    /// Where it is written.
    pub span: Span,
    /// What is changed, in this order.
    pub edits: Vec<Edit>,
    /// Parameters that are set.
    pub settings: Vec<Setting>,
}

/// A parameter that a case sets.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Its name.
    pub name: String,
    /// Its value, as on the command line.
    pub text: String,
    /// Where the name is written.
    pub span: Span,
}

/// What must come out of a case.
#[derive(Debug, Clone)]
pub struct Expectation {
    /// The id of a check.
    pub check: String,
    /// The resources it is about.
    pub target: Target,
    /// Where check and resource are written.
    pub span: Span,
    /// Where the expectation ends.
    pub end: u32,
    /// The verdict.
    pub verdict: Verdict,
    /// Where it is written.
    pub verdict_span: Span,
    /// Pointers of values that must have decided.
    pub reads: Vec<(String, Span)>,
    /// Texts that clauses which decided must hold.
    pub clauses: Vec<(String, Span)>,
    /// All entities that must stand behind the derived values that decided: entities as reports write them, or pointers.
    pub witnesses: Option<(Vec<String>, Span)>,
}

/// The resources that an expectation is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// All that the check judges.
    All,
    /// All of a type.
    Type(String),
    /// One, by type and id.
    Named {
        /// The type, without namespace.
        ty: String,
        /// The id.
        id: String,
    },
    /// The one at a pointer.
    Pointer(String),
}

/// A place where expectations can be written, and what goes around them.
#[derive(Debug, Clone)]
pub struct Insertion {
    at: u32,
    open: String,
    between: String,
    close: &'static str,
}

/// The policies under test, compiled once.
#[derive(Debug)]
pub struct Suite {
    schema: Schema,
    policies: Policies,
    program: Program,
}

/// Which cases are run, and how strictly.
#[derive(Debug, Default)]
pub struct Choice {
    /// Only cases whose name, or one of whose checks, it matches.
    pub filter: Option<GlobMatcher>,
    /// Whether what is only doubtful makes a case fail.
    pub strict: bool,
    /// Whether checks without a case are reported: only where the files are all there are.
    pub complete: bool,
}

/// What one run of one case came to.
#[derive(Debug)]
pub struct Trial {
    /// The file, by its place in the list.
    pub file: usize,
    /// The case, by its place in the file.
    pub case: usize,
    /// The number of the variant, where there are many.
    pub variant: Option<usize>,
    /// The name of the case, and the number of the variant.
    pub name: String,
    /// For every expectation the verdict that was given; `None` if there was none, or not the same for all.
    pub actual: Vec<Option<Verdict>>,
    /// What every check came to: verdicts by kind, in the order of [`Verdict::ALL`]. It has judged nothing where all are 0.
    pub counts: Vec<(String, [usize; 5])>,
    /// What is wrong; the case holds if none is an error.
    pub diagnostics: Vec<Diagnostic>,
    /// The snapshot as it was judged, and where secret values lie in it.
    pub secrets: Option<(Arc<Source>, Vec<Span>)>,
    /// What the case file would say, had it been right.
    blessings: Vec<bless::Blessing>,
}

impl Trial {
    /// Returns whether everything came out as expected.
    pub fn holds(&self) -> bool {
        !has_errors(&self.diagnostics)
    }
}

/// What a run of many cases came to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The files, in order.
    pub files: Vec<Arc<Source>>,
    /// Every run of every case, in the order of the files.
    pub trials: Vec<Trial>,
    /// Cases that the filter left out.
    pub left_out: usize,
    /// What is wrong with policies and case files; with an error among them nothing was run.
    pub diagnostics: Vec<Diagnostic>,
    /// What the cases as a whole lack.
    pub gaps: Vec<Diagnostic>,
}

impl Suite {
    /// Compiles the policies. What is wrong with them comes beside; `None` if there is nothing to run.
    pub fn compile(inputs: &Inputs) -> (Option<Self>, Vec<Diagnostic>) {
        let (schema, mut diagnostics) = Schema::parse(&inputs.schema);
        let Some(schema) = schema else { return (None, diagnostics) };
        let (policies, wrong) = Policies::parse(&schema, &inputs.policies);
        diagnostics.extend(wrong);
        let (program, wrong) = Program::lower(&schema.model, &policies, |_| true);
        diagnostics.extend(wrong);
        let sound = !has_errors(&diagnostics);
        (sound.then_some(Self { schema, policies, program }), diagnostics)
    }

    /// Runs every case that was chosen, unless a file names what does not exist.
    pub fn run(&self, files: &[CaseFile], choice: &Choice) -> Outcome {
        let mut outcome =
            Outcome { files: files.iter().map(|file| Arc::clone(&file.source)).collect(), ..Outcome::default() };
        for file in files {
            let wrong = file.cases.iter().flat_map(|case| self.unknown_names(file, case));
            outcome.diagnostics.extend(wrong);
        }
        sort(&mut outcome.diagnostics);
        if has_errors(&outcome.diagnostics) {
            return outcome;
        }
        let mut wanted = Vec::new();
        for (at, file) in files.iter().enumerate() {
            for (case_at, case) in file.cases.iter().enumerate() {
                if choice.takes(case) {
                    wanted.extend(case.variants.iter().map(|variant| (at, case_at, variant)));
                } else {
                    outcome.left_out += case.variants.len();
                }
            }
        }
        let run = |(file, case, variant): (usize, usize, &Variant)| {
            self.trial(&files[file].source, &files[file].cases[case], variant, choice.doubt(), (file, case))
        };
        outcome.trials = wanted.into_par_iter().map(run).collect();
        if choice.complete && !outcome.trials.is_empty() {
            outcome.gaps = self.gaps(files, choice.doubt());
        }
        outcome
    }

    /// Checks and parameters that there are not.
    fn unknown_names(&self, file: &CaseFile, case: &Case) -> Vec<Diagnostic> {
        let mut diagnostics = Vec::new();
        let checks = || self.policies.checks.iter().map(|check| check.statement.id.as_str());
        for expectation in case.expectations.iter().filter(|known| !checks().any(|id| id == known.check)) {
            let error = Diagnostic::error("no-check", format!("there is no check `{}`", expectation.check));
            let error = error.label(&file.source, expectation.span, "expected here");
            let ids: Vec<&str> = checks().collect();
            diagnostics.push(error.suggest(&expectation.check, ids));
        }
        let model = &self.schema.model;
        let mut seen = BTreeSet::new();
        for setting in case.variants.iter().flat_map(|variant| &variant.settings) {
            if !seen.insert(setting.span) {
                continue;
            }
            let Some(known) = model.parameters.iter().find(|known| known.name == setting.name.as_str()) else {
                let error = Diagnostic::error("parameter", format!("there is no parameter `{}`", setting.name));
                let names: Vec<&str> = model.parameters.iter().map(|known| known.name.as_str()).collect();
                diagnostics.push(error.label(&file.source, setting.span, "set here").suggest(&setting.name, names));
                continue;
            };
            if let Err(help) = parse_value(&known.ty, &setting.text) {
                let ty = model.show(&known.ty);
                let message = format!("`{}` is no value for parameter `{}`, a {ty}", setting.text, setting.name);
                let error = Diagnostic::error("parameter", message).label(&file.source, setting.span, "set here");
                diagnostics.push(error.help(help));
            }
        }
        diagnostics
    }

    /// Checks that no case says anything about.
    fn gaps(&self, files: &[CaseFile], severity: Severity) -> Vec<Diagnostic> {
        let expectations = files.iter().flat_map(|file| &file.cases).flat_map(|case| &case.expectations);
        let tested: BTreeSet<&str> = expectations.map(|expectation| expectation.check.as_str()).collect();
        let untested = self.policies.checks.iter().filter(|check| !tested.contains(check.statement.id.as_str()));
        let gap = |check: &crate::policy::Check| {
            let statement = &check.statement;
            let gap = Diagnostic::warning("no-case", format!("check `{}` has no case", statement.id));
            let help = format!("add a case with `expect = {{ \"{}\" = \"fail\" }}`", statement.id);
            let gap = gap.label(&statement.source, statement.span, "never tested").help(help);
            Diagnostic { severity, ..gap }
        };
        untested.map(gap).collect()
    }
}

impl Choice {
    fn takes(&self, case: &Case) -> bool {
        self.filter.as_ref().is_none_or(|filter| {
            filter.is_match(&case.name) || case.expectations.iter().any(|known| filter.is_match(&known.check))
        })
    }

    /// How bad it is when a case says less than it seems to.
    fn doubt(&self) -> Severity {
        if self.strict { Severity::Error } else { Severity::Warning }
    }
}

impl Outcome {
    /// Returns the outcome of a run that could not begin.
    pub fn unread(diagnostics: Vec<Diagnostic>) -> Self {
        Self { diagnostics, ..Self::default() }
    }

    /// Returns everything there is to say, in order.
    pub fn all_diagnostics(&self) -> impl Iterator<Item = &Diagnostic> {
        self.diagnostics.iter().chain(self.trials.iter().flat_map(|trial| &trial.diagnostics)).chain(&self.gaps)
    }

    /// Returns how many runs of cases hold.
    pub fn holding(&self) -> usize {
        self.trials.iter().filter(|trial| trial.holds()).count()
    }

    /// Returns how it ended.
    pub fn status(&self) -> Status {
        if has_errors(&self.diagnostics) {
            Status::Invalid
        } else if self.holding() < self.trials.len() || has_errors(&self.gaps) {
            Status::Findings
        } else if self.trials.is_empty() {
            Status::Nothing
        } else {
            Status::Clean
        }
    }
}
