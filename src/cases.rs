//! Tests of policies: cases that edit a snapshot and state the expected verdicts with their evidence.
//!
//! A [`Suite`] runs every case of every [`CaseFile`] on the same pack, in parallel. The module does not read files or the
//! clock: a case names its snapshot and its time.

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
use crate::policy::CheckId;
use crate::report::{PackReport, Status};
use crate::snapshot::{SecretPaths, Secrets};
use crate::source::cedar::on_deep_stack;
use crate::source::{Source, Span};
use cover::Observed;
use globset::GlobMatcher;
use run::{Planned, Tested};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A file of cases.
#[derive(Debug)]
pub struct CaseFile {
    /// Its text.
    pub source: Arc<Source>,
    /// Its cases, in order.
    pub cases: Vec<Case>,
}

/// A snapshot with edits and the expected verdicts.
#[derive(Debug, Clone)]
pub struct Case {
    /// Its name, unique in the file.
    pub name: String,
    /// The place of the name.
    pub span: Span,
    /// The snapshot before the edits.
    pub base: Arc<Source>,
    /// The time of the run, in milliseconds since 1970.
    pub now: i64,
    /// The variants of the case: one, or one for every element of `each`.
    pub variants: Vec<Variant>,
    /// The expectations, for every variant.
    pub expectations: Vec<Expectation>,
    /// The place of `no_other_failures`, if it is true.
    pub no_other_failures: Option<Span>,
    /// The place for further expectations.
    pub insertion: Option<Insertion>,
}

/// A variant of a case.
#[derive(Debug, Clone)]
pub struct Variant {
    /// Its number in `each`, from 1; `None` if the case has no `each`.
    pub number: Option<usize>,
    /// Its place.
    pub span: Span,
    /// The edits, in order.
    pub edits: Vec<Edit>,
    /// The settings of parameters.
    pub settings: Vec<Setting>,
}

/// An expected verdict.
#[derive(Debug, Clone)]
pub struct Expectation {
    /// The id of a check.
    pub check: String,
    /// The resources.
    pub target: Target,
    /// The place of check and resource.
    pub span: Span,
    /// The end of the expectation.
    pub end: u32,
    /// The verdict; `None` if the check must judge no such resource.
    pub verdict: Option<Verdict>,
    /// The place of the verdict.
    pub verdict_span: Span,
    /// Pointers of values that the evidence must contain.
    pub reads: Vec<(String, Span)>,
    /// Texts that the clauses of the evidence must contain.
    pub clauses: Vec<(String, Span)>,
    /// All witnesses of the derived values of the evidence: entities as reports write them, or pointers.
    pub witnesses: Option<(Vec<String>, Span)>,
}

/// The expected word if the check must judge no such resource.
const NOT_JUDGED: &str = "not_judged";

impl Expectation {
    /// Returns the expected word.
    fn word(&self) -> &'static str {
        self.verdict.map_or(NOT_JUDGED, Verdict::name)
    }
}

/// The resources of an expectation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// All resources of the check.
    All,
    /// All resources of a type.
    Type(String),
    /// The resource with a type and an id.
    Named {
        /// The type, with or without its namespace.
        ty: String,
        /// The id.
        id: String,
    },
    /// The resource at a pointer.
    Pointer(String),
}

/// A place for further expectations, with the text around them.
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

/// The selection of cases, and the requirements on them.
#[derive(Debug, Default)]
pub struct TestOptions {
    /// The pattern of names of cases and checks; `None` for all cases.
    pub filter: Option<GlobMatcher>,
    /// Whether warnings are errors.
    pub strict: bool,
    /// Whether the files are all cases of the pack. Then checks without a case are reported.
    pub complete: bool,
    /// Whether each case runs all checks, so that [`Trial::counts`] has them all. Otherwise it runs those that it expects.
    pub all_checks: bool,
    /// Whether to measure the coverage of conditions.
    pub coverage: bool,
    /// The minimum coverage, in percent.
    pub min_coverage: Option<f64>,
    /// Whether to run mutation tests.
    pub mutate: bool,
    /// The minimum mutation score, in percent.
    pub min_score: Option<f64>,
    /// The accepted survivors.
    pub survivors: Vec<SurvivorList>,
}

/// The result of one variant of a case.
#[derive(Debug)]
pub struct Trial {
    /// The index of the file.
    pub file: usize,
    /// The index of the case in the file.
    pub case: usize,
    /// The number of the variant, if the case has several.
    pub variant: Option<usize>,
    /// The name of the case, and the number of the variant.
    pub name: String,
    /// The actual verdict of every expectation; `None` if there is none, or if the resources have different ones.
    pub actual: Vec<Option<Verdict>>,
    /// The number of each verdict of every check that ran, by its id.
    pub counts: Vec<(String, VerdictCounts)>,
    /// The problems. The case holds if none is an error.
    pub diagnostics: Vec<Diagnostic>,
    /// The secrets of the edited snapshot; `None` if the schema does not declare any.
    pub secrets: Option<Secrets>,
    /// The actual verdicts, as texts of the case file.
    blessings: Vec<bless::Blessing>,
}

impl Trial {
    /// Returns whether the case satisfies all expectations.
    pub fn holds(&self) -> bool {
        !has_errors(&self.diagnostics)
    }
}

/// The results of many cases.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The schema and policies under test, if they could be read.
    pub pack: Option<PackReport>,
    /// The files, in order.
    pub files: Vec<Arc<Source>>,
    /// The results of all variants, in the order of the files.
    pub trials: Vec<Trial>,
    /// The number of variants that the filter excludes.
    pub left_out: usize,
    /// The problems of policies and case files. If one is an error, no case was run.
    pub diagnostics: Vec<Diagnostic>,
    /// The requirements that the cases as a whole do not satisfy.
    pub gaps: Vec<Diagnostic>,
    /// The coverage of conditions, if the options request it.
    pub coverage: Option<Coverage>,
    /// The result of mutation testing, if the options request it and all cases hold.
    pub mutation: Option<Mutation>,
    /// The places of secret values in snapshots; `None` if the schema does not declare any.
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

    /// Runs every selected case. If a file has errors, no case is run.
    pub fn run(&self, files: &[CaseFile], options: &TestOptions) -> Outcome {
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
        let planned = Self::plan(files, options, &mut outcome.left_out);
        let packs = self.narrowed(&planned, options);
        let run = |planned: &Planned<'_>| {
            let mut observed = Observed::default();
            let pack =
                self.checks_of(planned.case, options).and_then(|checks| packs.get(&checks)).unwrap_or(&self.pack);
            let tested = Tested::new(pack);
            let trial = match self.prepare(*planned, pack) {
                Err(trial) => *trial,
                Ok(prepared) => prepared.run(tested, options.strictness(), |judging, trial, expected| {
                    if options.coverage && trial.holds() {
                        observed = cover::observe(tested, judging, expected);
                    }
                }),
            };
            (trial, observed)
        };
        let run = |planned: &Planned<'_>| on_deep_stack(|| run(planned));
        let (trials, observed): (Vec<Trial>, Vec<Observed>) = planned.par_iter().map(run).unzip();
        outcome.trials = trials;
        if options.coverage {
            let observed = observed.into_iter().reduce(cover::merge).unwrap_or_default();
            let checks = self.tested_checks(planned.iter().map(|planned| planned.case), options);
            outcome.coverage = Some(Coverage::of(Tested::new(&self.pack), &checks, &observed));
        }
        if outcome.trials.is_empty() {
            return outcome;
        }
        if options.complete {
            outcome.gaps = self.gaps(files, options.strictness());
        }
        if let Some(coverage) = &outcome.coverage {
            outcome.gaps.extend(coverage.policies.iter().filter_map(PolicyCoverage::holes));
            outcome.gaps.extend(too_low(Code::MinCoverage, "coverage", coverage.share(), options.min_coverage));
        }
        if options.mutate && outcome.holding() < outcome.trials.len() {
            let error = Diagnostic::error(Code::Mutation, "nothing was mutated, because some expectations are wrong");
            outcome.gaps.push(
                error.help("correct the cases or the policies first: only a case that passes can detect a change"),
            );
        } else if options.mutate {
            let (mutation, found) = self.mutate(files, options);
            outcome.gaps.extend(found);
            outcome.gaps.extend(too_low(Code::MinScore, "the mutation score", mutation.share(), options.min_score));
            outcome.mutation = Some(mutation);
        }
        outcome
    }

    /// Returns the checks that a case needs; `None` if these are all.
    fn checks_of(&self, case: &Case, options: &TestOptions) -> Option<BTreeSet<CheckId>> {
        let named = |expectation: &Expectation| self.pack.policies().check_named(&expectation.check);
        let needs_all = options.all_checks || case.no_other_failures.is_some();
        (!needs_all).then(|| case.expectations.iter().filter_map(named).collect())
    }

    /// Returns a pack for each set of checks that a case needs.
    fn narrowed(&self, planned: &[Planned<'_>], options: &TestOptions) -> BTreeMap<BTreeSet<CheckId>, Pack> {
        let sets: BTreeSet<_> = planned.iter().filter_map(|planned| self.checks_of(planned.case, options)).collect();
        let sets: Vec<_> = sets.into_iter().collect();
        sets.into_par_iter()
            .map(|checks| (checks.clone(), self.pack.narrowed(&checks)))
            .collect::<Vec<_>>()
            .into_iter()
            .collect()
    }

    /// Returns the selected variants, and counts the others.
    fn plan<'c>(files: &'c [CaseFile], options: &TestOptions, left_out: &mut usize) -> Vec<Planned<'c>> {
        let mut planned = Vec::new();
        for (at, CaseFile { source, cases }) in files.iter().enumerate() {
            for (case_at, case) in cases.iter().enumerate() {
                if options.selects(case) {
                    let one = |variant| Planned { file: source, case, variant, at: (at, case_at) };
                    planned.extend(case.variants.iter().map(one));
                } else {
                    *left_out += case.variants.len();
                }
            }
        }
        planned
    }

    /// Returns the checks that the selected cases test. Without a selection these are all checks; otherwise those that the
    /// filter names, or else those with an expectation.
    fn tested_checks<'c>(&self, cases: impl Iterator<Item = &'c Case>, options: &TestOptions) -> BTreeSet<CheckId> {
        let ids = || self.pack.policies().checks.entries().map(|(at, check)| (at, check.statement.id.as_str()));
        if options.complete {
            return ids().map(|(at, _)| at).collect();
        }
        let expected: BTreeSet<&str> =
            cases.flat_map(|case| &case.expectations).map(|expectation| expectation.check.as_str()).collect();
        let expected = || ids().filter(|(_, id)| expected.contains(id));
        let named: BTreeSet<CheckId> = match &options.filter {
            Some(filter) => expected().filter(|(_, id)| filter.is_match(id)).map(|(at, _)| at).collect(),
            None => BTreeSet::new(),
        };
        if named.is_empty() { expected().map(|(at, _)| at).collect() } else { named }
    }

    /// Returns the errors for unknown checks, each at its first expectation.
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

    /// Returns the problems of the parameters that a file sets.
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

    /// Returns the problems for checks without an expectation.
    fn gaps(&self, files: &[CaseFile], level: DiagnosticLevel) -> Vec<Diagnostic> {
        let expectations = files.iter().flat_map(|file| &file.cases).flat_map(|case| &case.expectations);
        let with_verdict = expectations.filter(|expectation| expectation.verdict.is_some());
        let tested: BTreeSet<&str> = with_verdict.map(|expectation| expectation.check.as_str()).collect();
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

/// Returns the error for a share below a minimum, or of an empty set, which does not count as a success.
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
    fn selects(&self, case: &Case) -> bool {
        self.filter.as_ref().is_none_or(|filter| {
            filter.is_match(&case.name) || case.expectations.iter().any(|known| filter.is_match(&known.check))
        })
    }

    /// Returns the severity of problems that are errors only if the options are strict.
    fn strictness(&self) -> DiagnosticLevel {
        if self.strict { DiagnosticLevel::Error } else { DiagnosticLevel::Warning }
    }
}

impl Outcome {
    /// Returns the outcome of a run that could not begin.
    pub fn unread(diagnostics: Vec<Diagnostic>) -> Self {
        Self { diagnostics, ..Self::default() }
    }

    /// Returns all diagnostics, in order.
    pub fn all_diagnostics(&self) -> impl Iterator<Item = &Diagnostic> {
        self.diagnostics.iter().chain(self.trials.iter().flat_map(|trial| &trial.diagnostics)).chain(&self.gaps)
    }

    /// Returns the number of variants that hold.
    pub fn holding(&self) -> usize {
        self.trials.iter().filter(|trial| trial.holds()).count()
    }

    /// Returns the reasons of a failure: one phrase for each kind.
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

    /// Returns the status.
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
