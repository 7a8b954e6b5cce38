//! Mutation testing: the quality of cases, measured by the share of small changes of the policies that they detect.

use super::cover::{Part, Share, bodies, statement};
use super::mutants::{Mutant, mutants};
use super::run::{Prepared, Tested};
use super::same;
use super::{CaseFile, Suite, TestOptions};
use crate::diagnostic::{Code, Diagnostic, DiagnosticLevel, has_errors};
use crate::parallel::*;
use crate::policy::{Check, CheckId, Clause, ClauseKind, Clauses, DerivationId, Policies, PolicyFile, Statement};
use crate::program::Program;
use crate::source::cedar::on_deep_stack;
use crate::source::{Source, Span, one_line};
use cedar_policy_core::ast::Expr;
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The number of cases that are searched for one that evaluates the changed text.
const SEARCHED: usize = 16;

/// The result of mutation testing.
#[derive(Debug, Default)]
pub struct Mutation {
    /// The number of changes that a case detected.
    pub killed: usize,
    /// Changes that no case detected, in the order of the policies' ids and texts.
    pub survivors: Vec<Survivor>,
    /// Changes that have no effect for any snapshot, in the same order; not counted.
    pub equivalent: Vec<Survivor>,
    /// Changes after which the policy is invalid; not counted.
    pub refused: usize,
}

/// A change that no case detected.
#[derive(Debug)]
pub struct Survivor {
    /// The change.
    pub mutant: Mutant,
    /// The id of the policy.
    pub policy: SmolStr,
    /// The file of the policy.
    pub source: Arc<Source>,
    /// The text before the change, on one line.
    pub before: String,
    /// The text after the change, on one line.
    pub after: String,
    /// The explanation in the list of survivors, if there is one.
    pub why: Option<String>,
    /// A case to start from.
    pub near: Option<NearestCase>,
}

/// A case that evaluates the changed text.
#[derive(Debug)]
pub struct NearestCase {
    /// The file of the case.
    pub source: Arc<Source>,
    /// The place of its name.
    pub span: Span,
    /// Its name.
    pub case: String,
    /// The pointer of the value that the changed text reads, if it is in the snapshot.
    pub pointer: Option<String>,
}

/// The checks that depend on each derivation.
type Dependents = BTreeMap<DerivationId, BTreeSet<CheckId>>;

/// The cases that could detect a change.
struct Relevant<'p, 'c> {
    prepared: &'p [Prepared<'c>],
    /// For each check, by its id, the cases with an expectation of it.
    expecting: HashMap<&'c str, BTreeSet<usize>>,
    /// The cases that expect no other failures.
    no_others: BTreeSet<usize>,
    /// For each policy, the case that last detected a change of it: it often detects the next change of the text too.
    detected_by: HashMap<Part, AtomicUsize>,
}

impl<'p, 'c> Relevant<'p, 'c> {
    fn new(prepared: &'p [Prepared<'c>], parts: &BTreeSet<Part>) -> Self {
        let (mut expecting, mut no_others) = (HashMap::<&str, BTreeSet<usize>>::new(), BTreeSet::new());
        for (at, run) in prepared.iter().enumerate() {
            let case = run.planned.case;
            for expectation in &case.expectations {
                expecting.entry(expectation.check.as_str()).or_default().insert(at);
            }
            no_others.extend(case.no_other_failures.map(|_| at));
        }
        let detected_by = parts.iter().map(|part| (*part, AtomicUsize::new(usize::MAX))).collect();
        Self { prepared, expecting, no_others, detected_by }
    }

    /// Returns the cases with an expectation of some checks, and the other cases that any failure of them makes wrong.
    fn to<'s>(&self, checks: impl Iterator<Item = &'s str>) -> (Vec<usize>, Vec<usize>) {
        let expecting: BTreeSet<usize> =
            checks.filter_map(|check| self.expecting.get(check)).flatten().copied().collect();
        let others = self.no_others.difference(&expecting).copied().collect();
        (expecting.into_iter().collect(), others)
    }

    /// Returns whether one of some cases detects a change of a policy.
    fn any(&self, part: Part, cases: impl Iterator<Item = usize>, detects: impl Fn(&Prepared<'_>) -> bool) -> bool {
        let last = self.detected_by.get(&part);
        // Every change of a policy has the same cases. Their order does not matter for the answer.
        let first = last.map_or(usize::MAX, |last| last.load(Ordering::Relaxed));
        let found = std::iter::once(first)
            .chain(cases.filter(|at| *at != first))
            .find(|at| self.prepared.get(*at).is_some_and(&detects));
        if let (Some(last), Some(found)) = (last, found) {
            last.store(found, Ordering::Relaxed);
        }
        found.is_some()
    }
}

/// The result for one change.
enum MutantStatus {
    Killed,
    Refused,
    Equivalent(Box<Survivor>),
    Survived(Box<Survivor>),
}

impl Mutation {
    /// Returns the share of the counted changes that a case detects.
    pub fn share(&self) -> Share {
        Share { met: self.killed, all: self.killed + self.survivors.len() }
    }

    /// Returns the survivors without an explanation.
    pub fn unexplained(&self) -> impl Iterator<Item = &Survivor> {
        self.survivors.iter().filter(|survivor| survivor.why.is_none())
    }
}

impl Survivor {
    /// Returns the diagnostic with the remedy.
    pub fn diagnostic(&self, level: DiagnosticLevel) -> Diagnostic {
        let Mutant { operator, span, replacement, hint, .. } = &self.mutant;
        let message = format!("no case notices a change of `{}` ({operator})", self.policy);
        let label = match replacement.trim() {
            "" => "gone".to_owned(),
            becomes => format!("becomes `{}`", one_line(becomes)),
        };
        let mut found = Diagnostic::warning(Code::Survivor, message).label(&self.source, *span, label);
        if let Some(near) = &self.near {
            let label = match &near.pointer {
                Some(pointer) => format!("this case reads {pointer}"),
                None => "this case evaluates it".to_owned(),
            };
            found = found.label(&near.source, near.span, label);
        }
        Diagnostic { level, ..found.help(format!("write {hint}")) }
    }
}

impl Suite {
    /// Applies one change at a time to the policies that the selected cases test, and runs the cases that could detect it.
    ///
    /// All cases must hold. The diagnostics report unexplained survivors, and explanations of changes that do not survive.
    pub fn mutate(&self, files: &[CaseFile], options: &TestOptions) -> (Mutation, Vec<Diagnostic>) {
        let planned = Self::plan(files, options, &mut 0);
        let checks = self.tested_checks(planned.iter().map(|planned| planned.case), options);
        let prepared: Vec<Prepared<'_>> =
            planned.into_par_iter().filter_map(|planned| self.prepare(planned, &self.pack).ok()).collect();
        let parts = self.parts(&checks);
        let mutants = on_deep_stack(|| mutants(self.pack.model(), self.pack.policies(), self.pack.program(), &parts));
        let dependents = self.dependents();
        let relevant = Relevant::new(&prepared, &parts);
        let status = |mutant| on_deep_stack(|| self.status(mutant, &relevant, &dependents));
        let statuses = mutants.into_par_iter().map(status);
        let statuses: Vec<MutantStatus> = statuses.collect();
        let mut mutation = Mutation::default();
        for status in statuses {
            match status {
                MutantStatus::Killed => mutation.killed += 1,
                MutantStatus::Refused => mutation.refused += 1,
                MutantStatus::Equivalent(survivor) => mutation.equivalent.push(*survivor),
                MutantStatus::Survived(survivor) => mutation.survivors.push(*survivor),
            }
        }
        let mut diagnostics = self.explain(&mut mutation, options);
        diagnostics.extend(mutation.unexplained().map(|survivor| survivor.diagnostic(options.strictness())));
        (mutation, diagnostics)
    }

    /// Adds the explanations to the survivors, and returns diagnostics for explanations without a survivor.
    fn explain(&self, mutation: &mut Mutation, options: &TestOptions) -> Vec<Diagnostic> {
        let statements = self.pack.policies().checks.iter().map(|check| &check.statement);
        let statements =
            statements.chain(self.pack.policies().derivations.iter().map(|derivation| &derivation.statement));
        let policies: Vec<&str> = statements.map(|statement| statement.id.as_str()).collect();
        let mut unused = Vec::new();
        for list in &options.survivors {
            for entry in &list.entries {
                let meant = mutation.survivors.iter_mut().filter(|survivor| {
                    let is = (survivor.policy.as_str(), &survivor.before, &survivor.after);
                    is == (entry.policy.as_str(), &entry.before, &entry.after)
                });
                let mut explains = false;
                meant.for_each(|survivor| {
                    survivor.why = Some(entry.why.clone());
                    explains = true;
                });
                // The changes of policies that the run does not test are unknown.
                if !explains && options.complete {
                    unused.push((&list.source, entry));
                }
            }
        }
        let stale = unused.into_iter().map(|(source, entry)| {
            let of_policy = mutation.unexplained().filter(|survivor| survivor.policy == entry.policy.as_str());
            let texts: Vec<(&str, &str)> =
                of_policy.map(|survivor| (survivor.before.as_str(), survivor.after.as_str())).collect();
            entry.stale(source, &policies, &texts, options.strictness())
        });
        stale.collect()
    }

    /// Returns the checks and the derivations that they depend on.
    fn parts(&self, checks: &BTreeSet<CheckId>) -> BTreeSet<Part> {
        let chosen = self.pack.program().checks.iter().filter(|check| checks.contains(&check.check));
        let behind = chosen.clone().flat_map(|check| self.pack.program().derived_behind(self.pack.model(), check));
        let derivations =
            behind.filter_map(|at| self.pack.program().derived.get(at)).flat_map(|derived| &derived.parts);
        let derivations = derivations.map(|part| Part::Derivation(part.derivation));
        chosen.map(|check| Part::Check(check.check)).chain(derivations).collect()
    }

    /// Returns the checks that depend on each derivation.
    fn dependents(&self) -> Dependents {
        let mut dependents = Dependents::new();
        for check in &self.pack.program().checks {
            let behind = self.pack.program().derived_behind(self.pack.model(), check);
            let derived = behind.iter().filter_map(|behind| self.pack.program().derived.get(*behind));
            for part in derived.flat_map(|derived| &derived.parts) {
                dependents.entry(part.derivation).or_default().insert(check.check);
            }
        }
        dependents
    }

    fn status(&self, mutant: Mutant, relevant: &Relevant<'_, '_>, dependents: &Dependents) -> MutantStatus {
        let part = mutant.part;
        let original = statement(self.pack.policies(), part);
        let Some(changed) = self.changed(&mutant, original, dependents) else { return MutantStatus::Refused };
        let model = self.pack.model();
        // A policy that is dropped never holds, which the review would refuse.
        let (program, wrong) = match mutant.drops_policy() {
            true => (Program::unreviewed(model, &changed, |_| true), Vec::new()),
            false => Program::lower_needed(model, &changed, |at| part == Part::Derivation(at)),
        };
        if has_errors(&wrong) {
            return MutantStatus::Refused;
        }
        let pack = self.pack.with_policies(changed, program);
        let (changed, program) = (pack.policies(), pack.program());
        let tested = Tested { pack: &pack, changed: true };
        let (expecting, others) = relevant.to(changed.checks.iter().map(|check| check.statement.id.as_str()));
        // Only errors count: the warnings of a case are reported without mutation.
        let detects = |run: &Prepared<'_>| !run.run(tested, DiagnosticLevel::Warning, |_, _, _| {}).holds();
        if relevant.any(part, expecting.iter().chain(&others).copied(), detects) {
            return MutantStatus::Killed;
        }
        let (before, after) = mutant.texts(original.source.text());
        let mut survivor = Box::new(Survivor {
            policy: original.id.clone(),
            source: Arc::clone(&original.source),
            before,
            after,
            why: None,
            near: None,
            mutant,
        });
        let replaced = match part {
            Part::Check(_) => changed.checks.first().map(|check| &check.statement),
            Part::Derivation(at) => changed.derivations.find(at).map(|derivation| &derivation.statement),
        };
        let then = bodies(self.pack.program(), part);
        let now = match part {
            Part::Check(_) => bodies(program, Part::Check(CheckId::new(0))),
            Part::Derivation(_) => bodies(program, part),
        };
        if same::is_same_by_types(model, (self.pack.program(), &then[..]), (program, &now[..]))
            || replaced.is_some_and(|replaced| same::is_same(model, part, original, replaced))
        {
            return MutantStatus::Equivalent(survivor);
        }
        let expecting: Vec<&Prepared<'_>> = expecting.iter().filter_map(|at| relevant.prepared.get(*at)).collect();
        let near = expecting.iter().take(SEARCHED).find_map(|run| self.near(run, &survivor.mutant, true));
        survivor.near = near.or_else(|| expecting.iter().find_map(|run| self.near(run, &survivor.mutant, false)));
        MutantStatus::Survived(survivor)
    }

    /// Returns the checks that depend on a change, and all derivations, after the change; `None` if the policy is then
    /// invalid.
    fn changed(&self, mutant: &Mutant, original: &Statement, dependents: &Dependents) -> Option<Policies> {
        let mut changed = Policies { derivations: self.pack.policies().derivations.clone(), ..Policies::default() };
        let read = if mutant.drops_policy() {
            // A mutant without the derivation is valid, and the attribute has no witnesses.
            let never = Clause { kind: ClauseKind::When, span: original.span, expr: Expr::val(false) };
            let clauses = Clauses::Parsed(original.clauses.iter().cloned().chain([never]).collect());
            Statement { clauses, ..original.clone() }
        } else {
            self.edited(mutant, original)?
        };
        match mutant.part {
            Part::Check(at) => {
                let check = self.pack.policies().checks.find(at)?.clone();
                changed.checks.push(Check { statement: read, ..check });
            }
            Part::Derivation(at) => {
                Arc::make_mut(changed.derivations.find_mut(at)?).statement = read;
                let checks = dependents.get(&at).into_iter().flatten();
                changed.checks.extend(checks.filter_map(|check| self.pack.policies().checks.find(*check).cloned()));
            }
        }
        (!changed.checks.is_empty()).then_some(changed)
    }

    /// Returns the statement after the change of its text; `None` if the text is then invalid.
    fn edited(&self, mutant: &Mutant, original: &Statement) -> Option<Statement> {
        let changed = mutant.applied(original.source.text(), original.span);
        let source = Source::new(original.source.name(), changed).ok()?;
        let (mut read, wrong) =
            Policies::read(self.pack.schema(), &[&PolicyFile::parse(&source)], &[], self.pack.adaptation());
        if has_errors(&wrong) {
            return None;
        }
        let check = read.checks.pop().map(|check| check.statement);
        check.or_else(|| read.derivations.pop().map(|derivation| Arc::unwrap_or_clone(derivation).statement))
    }

    /// Returns the value that a case reads at the place of the change.
    fn near(&self, run: &Prepared<'_>, mutant: &Mutant, exactly: bool) -> Option<NearestCase> {
        let case = run.planned.case;
        let near = |pointer| NearestCase {
            source: Arc::clone(run.planned.file),
            span: case.span,
            case: case.name.clone(),
            pointer,
        };
        if !exactly {
            return Some(near(None));
        }
        let Part::Check(check) = mutant.part else { return None };
        let mut found = None;
        run.run(Tested::new(&self.pack), DiagnosticLevel::Warning, |judging, _, expected| {
            let given = judging.given(check);
            let given = given.iter().filter(|given| expected.contains(&(check, given.subject)));
            let findings: Vec<_> = given.filter_map(|given| judging.finding(given)).collect();
            let clauses = findings.iter().flat_map(|finding| &finding.clauses);
            let here = clauses.filter(|clause| overlap(clause.place.span, mutant.whole));
            let pointer = here.flat_map(|clause| &clause.reads).find_map(|read| read.pointer.as_ref());
            found = pointer.map(|pointer| near(Some(pointer.to_string())));
        });
        found
    }
}

fn overlap(a: Span, b: Span) -> bool {
    a.start < b.end && b.start < a.end
}
