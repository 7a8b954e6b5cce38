//! Tests of policies: cases that change a snapshot and say which verdicts must come out, on whom, where and why.
//!
//! A [`Suite`] compiles the policies once and runs every case of every [`CaseFile`] on its own, many at a time. Nothing
//! here reads a file or the clock: a case says what it starts from and what time it is.

mod edit;
pub mod json;
pub mod junit;
mod read;
mod secrets;
mod bless;
mod run;
mod cover;
mod mutants;
mod same;
mod mutate;
mod survivors;
pub mod text;

pub use bless::{blessed, diff};
pub use cover::{ConditionCoverage, Coverage, Goal, PolicyCoverage, Share};
pub use edit::{Change, Edit, Miss};
pub use mutants::Mutant;
pub use mutate::{Mutation, NearestCase, Survivor};
pub use read::OpenBase;
pub use secrets::secrets_of_files;
pub use survivors::{AcceptedSurvivor, SurvivorList};

use crate::diagnostic::{Code, Diagnostic, DiagnosticLevel, has_errors, sort};
use crate::engine::{Verdict, VerdictCounts};
use crate::pack::Pack;
use crate::parallel::*;
use crate::parameters::Setting;
use crate::report::{PackReport, Status};
use crate::snapshot::{SecretPaths, Secrets};
use crate::source::cedar::on_deep_stack;
use crate::source::{Source, Span};
use cover::Observed;
use globset::GlobMatcher;
use run::Planned;
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
    pack: Pack,
    secrets: Option<Arc<SecretPaths>>,
}

/// Which cases are run, and how strictly.
#[derive(Debug, Default)]
pub struct TestOptions {
    /// Only cases whose name, or one of whose checks, it matches.
    pub filter: Option<GlobMatcher>,
    /// Whether what is only doubtful makes a case fail.
    pub strict: bool,
    /// Whether checks without a case are reported: only where the files are all there are.
    pub complete: bool,
    /// Whether to find out what the cases have seen of every condition.
    pub coverage: bool,
    /// How much of what could be seen must have been seen, in percent.
    pub min_coverage: Option<f64>,
    /// Whether to find out which changes of the policies the cases notice.
    pub mutate: bool,
    /// How many of them they must notice, in percent.
    pub min_score: Option<f64>,
    /// Changes that need not be noticed.
    pub survivors: Vec<SurvivorList>,
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
    pub counts: Vec<(String, VerdictCounts)>,
    /// What is wrong; the case holds if none is an error.
    pub diagnostics: Vec<Diagnostic>,
    /// The secrets of the snapshot as it was judged; `None` if the schema declares none.
    pub secrets: Option<Secrets>,
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
    /// The schema and policies under test, if they could be read.
    pub pack: Option<PackReport>,
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
    /// What the cases have seen of the policies, if it was asked for.
    pub coverage: Option<Coverage>,
    /// Which changes of the policies the cases notice, if it was asked for and they hold.
    pub mutation: Option<Mutation>,
    /// What is secret in snapshots; `None` if the schema declares nothing so.
    pub secret_paths: Option<Arc<SecretPaths>>,
    /// The secrets of the files.
    pub secrets: Vec<Secrets>,
}

impl Suite {
    /// Returns the suite of a pack without errors.
    pub fn new(pack: Pack) -> Self {
        let secrets = pack.secrets();
        Self { pack, secrets }
    }

    /// Runs every case that was chosen, unless a file names what does not exist.
    pub fn run(&self, files: &[CaseFile], choice: &TestOptions) -> Outcome {
        let mut outcome =
            Outcome { files: files.iter().map(|file| Arc::clone(&file.source)).collect(), ..Outcome::default() };
        outcome.secret_paths.clone_from(&self.secrets);
        outcome.secrets = secrets_of_files(files, Some(self.pack.schema()));
        outcome.diagnostics = self.unknown_checks(files);
        for file in files {
            outcome.diagnostics.extend(self.wrong_parameters(file));
        }
        sort(&mut outcome.diagnostics);
        if has_errors(&outcome.diagnostics) {
            return outcome;
        }
        let planned = Self::plan(files, choice, &mut outcome.left_out);
        let run = |planned: &Planned<'_>| {
            let mut observed = Observed::default();
            let trial = match self.prepare(*planned) {
                Err(trial) => *trial,
                Ok(prepared) => prepared.run(self.tested(), choice.doubt(), |judging, trial, spoken_of| {
                    if choice.coverage && trial.holds() {
                        observed = cover::observe(self.tested(), judging, spoken_of);
                    }
                }),
            };
            (trial, observed)
        };
        let run = |planned: &Planned<'_>| on_deep_stack(|| run(planned));
        let (trials, observed): (Vec<Trial>, Vec<Observed>) = planned.par_iter().map(run).unzip();
        outcome.trials = trials;
        if choice.coverage {
            let observed = observed.into_iter().reduce(cover::merge).unwrap_or_default();
            let checks = self.concerned(planned.iter().map(|planned| planned.case), choice);
            outcome.coverage = Some(Coverage::of(self.tested(), &checks, &observed));
        }
        if outcome.trials.is_empty() {
            return outcome;
        }
        if choice.complete {
            outcome.gaps = self.gaps(files, choice.doubt());
        }
        if let Some(coverage) = &outcome.coverage {
            outcome.gaps.extend(coverage.policies.iter().filter_map(PolicyCoverage::holes));
            outcome.gaps.extend(too_low(Code::MinCoverage, "coverage", coverage.share(), choice.min_coverage));
        }
        if choice.mutate && outcome.holding() < outcome.trials.len() {
            let error = Diagnostic::error(Code::Mutation, "nothing was mutated, because some expectations are wrong");
            outcome.gaps.push(
                error.help("correct the cases or the policies first: only a case that passes can detect a change"),
            );
        } else if choice.mutate {
            let (mutation, found) = self.mutate(files, choice);
            outcome.gaps.extend(found);
            outcome.gaps.extend(too_low(Code::MinScore, "the mutation score", mutation.share(), choice.min_score));
            outcome.mutation = Some(mutation);
        }
        outcome
    }

    /// The runs that were chosen, and how many others there are.
    fn plan<'c>(files: &'c [CaseFile], choice: &TestOptions, left_out: &mut usize) -> Vec<Planned<'c>> {
        let mut planned = Vec::new();
        for (at, CaseFile { source, cases }) in files.iter().enumerate() {
            for (case_at, case) in cases.iter().enumerate() {
                if choice.takes(case) {
                    let one = |variant| Planned { file: source, case, variant, at: (at, case_at) };
                    planned.extend(case.variants.iter().map(one));
                } else {
                    *left_out += case.variants.len();
                }
            }
        }
        planned
    }

    /// The checks that the chosen cases test: all, unless something was chosen; then those that the filter names, or
    /// else all that these cases expect something of.
    fn concerned<'c>(&self, cases: impl Iterator<Item = &'c Case>, choice: &TestOptions) -> BTreeSet<usize> {
        let ids = || self.pack.policies().checks.iter().map(|check| check.statement.id.as_str()).enumerate();
        if choice.complete {
            return ids().map(|(at, _)| at).collect();
        }
        let expected: BTreeSet<&str> =
            cases.flat_map(|case| &case.expectations).map(|expectation| expectation.check.as_str()).collect();
        let expected = || ids().filter(|(_, id)| expected.contains(id));
        let named: BTreeSet<usize> = match &choice.filter {
            Some(filter) => expected().filter(|(_, id)| filter.is_match(id)).map(|(at, _)| at).collect(),
            None => BTreeSet::new(),
        };
        if named.is_empty() { expected().map(|(at, _)| at).collect() } else { named }
    }

    /// Checks that there are not, each where it is first expected.
    fn unknown_checks(&self, files: &[CaseFile]) -> Vec<Diagnostic> {
        let ids: Vec<&str> = self.pack.policies().checks.iter().map(|check| check.statement.id.as_str()).collect();
        let mut unknown: Vec<(&CaseFile, &Expectation, usize)> = Vec::new();
        let mut known = 0;
        for file in files {
            for expectation in file.cases.iter().flat_map(|case| &case.expectations) {
                if ids.contains(&expectation.check.as_str()) {
                    known += 1;
                } else if let Some(first) = unknown.iter_mut().find(|(_, first, _)| first.check == expectation.check) {
                    first.2 += 1;
                } else {
                    unknown.push((file, expectation, 0));
                }
            }
        }
        if let (0, [(file, first, _), _, ..]) = (known, &unknown[..]) {
            let message = format!("the policies have none of the {} checks that these cases expect", unknown.len());
            let error = Diagnostic::error(Code::NoCheck, message).label(&file.source, first.span, "the first of them");
            let help = "the cases belong to other policies: name these with --policies and --schema, or with --pack";
            return vec![error.help(help)];
        }
        let error = |(file, first, more): &(&CaseFile, &Expectation, usize)| {
            let label = match more {
                0 => "expected here".to_owned(),
                1 => "expected here, and once more".to_owned(),
                more => format!("expected here, and {more} times more"),
            };
            let error = Diagnostic::error(Code::NoCheck, format!("there is no check `{}`", first.check));
            error.label(&file.source, first.span, label).suggest(&first.check, ids.iter().copied())
        };
        unknown.iter().map(error).collect()
    }

    /// What is wrong with the parameters that the cases of a file set.
    fn wrong_parameters(&self, file: &CaseFile) -> Vec<Diagnostic> {
        let mut diagnostics = Vec::new();
        for variant in file.cases.iter().flat_map(|case| &case.variants) {
            let (_, wrong) = self.pack.parameters(&variant.settings);
            for wrong in wrong {
                // Many cases share the parameters at the top of the file.
                if !diagnostics.contains(&wrong) {
                    diagnostics.push(wrong);
                }
            }
        }
        diagnostics
    }

    /// Checks that no case says anything about.
    fn gaps(&self, files: &[CaseFile], level: DiagnosticLevel) -> Vec<Diagnostic> {
        let expectations = files.iter().flat_map(|file| &file.cases).flat_map(|case| &case.expectations);
        let tested: BTreeSet<&str> = expectations.map(|expectation| expectation.check.as_str()).collect();
        let untested = self.pack.policies().checks.iter().filter(|check| !tested.contains(check.statement.id.as_str()));
        let gap = |check: &crate::policy::Check| {
            let statement = &check.statement;
            let gap = Diagnostic::warning(Code::NoCase, format!("check `{}` has no case", statement.id));
            let help = format!("add a case with `expect = {{ \"{}\" = \"fail\" }}`", statement.id);
            let gap = gap.label(&statement.source, statement.span, "never tested").help(help);
            Diagnostic { level, ..gap }
        };
        untested.map(gap).collect()
    }
}

/// The error where less is met than must be, or where there is nothing to be met: that is no success.
fn too_low(code: Code, what: &str, share: Share, least: Option<f64>) -> Option<Diagnostic> {
    let least = least.filter(|least| *least > 0.0)?;
    let Share { met, all } = share;
    if all == 0 {
        let message = format!("{what} cannot be held to {least} %, because there is nothing to count");
        let help = "run cases that expect verdicts of checks with conditions";
        return Some(Diagnostic::error(code, message).help(help));
    }
    if !share.is_below(least) {
        return None;
    }
    let message = format!("{what} is {:.1} % ({met} of {all}), less than {least} %", share.percent());
    Some(Diagnostic::error(code, message))
}

impl TestOptions {
    fn takes(&self, case: &Case) -> bool {
        self.filter.as_ref().is_none_or(|filter| {
            filter.is_match(&case.name) || case.expectations.iter().any(|known| filter.is_match(&known.check))
        })
    }

    /// How bad it is when a case says less than it seems to.
    fn doubt(&self) -> DiagnosticLevel {
        if self.strict { DiagnosticLevel::Error } else { DiagnosticLevel::Warning }
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

    /// Returns what made the run fail: one phrase for each kind.
    pub fn wrong(&self) -> Vec<&'static str> {
        let mut phrases = Vec::new();
        if self.holding() < self.trials.len() {
            phrases.push("some expectations are wrong");
        }
        for found in self.gaps.iter().filter(|found| found.level == DiagnosticLevel::Error) {
            let phrase = match found.code {
                Code::NoCase => "some check has no case",
                Code::MinCoverage => "coverage is too low",
                Code::MinScore => "the mutation score is too low",
                Code::Survivor => "some change is noticed by no case",
                Code::SurvivorStale => "some explanation of a survivor is out of date",
                _ => continue,
            };
            if !phrases.contains(&phrase) {
                phrases.push(phrase);
            }
        }
        phrases
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
