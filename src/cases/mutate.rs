//! Mutation testing: what cases are worth, measured by how many small changes of the policies they notice.

use super::cover::{Part, Share, bodies, statement};
use super::mutants::{Mutant, mutants};
use super::run::{Prepared, Tested};
use super::same;
use super::{CaseFile, Suite, TestOptions};
use crate::diagnostic::{Code, Diagnostic, DiagnosticLevel, has_errors};
use crate::parallel::*;
use crate::policy::{Check, Clause, ClauseKind, Policies, PolicyFile, Statement};
use crate::program::Program;
use crate::source::cedar::on_deep_stack;
use crate::source::{Source, Span, one_line};
use cedar_policy_core::ast::Expr;
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Cases that are searched for one that reads what was changed.
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
    /// The text as it is, on one line.
    pub before: String,
    /// The text as it was changed, on one line.
    pub after: String,
    /// The explanation in the list of survivors, if there is one.
    pub why: Option<String>,
    /// A case to start from.
    pub near: Option<NearestCase>,
}

/// A case that evaluates what was changed.
#[derive(Debug)]
pub struct NearestCase {
    /// The file of the case.
    pub source: Arc<Source>,
    /// Where its name is written.
    pub span: Span,
    /// Its name.
    pub case: String,
    /// The pointer of the value that is read there, if it is in the snapshot.
    pub pointer: Option<String>,
}

/// The checks that rest on each derivation, by their places.
type Resting = BTreeMap<usize, BTreeSet<usize>>;

/// The result for one change.
enum MutantStatus {
    Killed,
    Refused,
    Equivalent(Box<Survivor>),
    Survived(Box<Survivor>),
}

impl Mutation {
    /// Returns how many of the changes that count some case noticed.
    pub fn share(&self) -> Share {
        Share { met: self.killed, all: self.killed + self.survivors.len() }
    }

    /// Returns the survivors without an explanation.
    pub fn unexplained(&self) -> impl Iterator<Item = &Survivor> {
        self.survivors.iter().filter(|survivor| survivor.why.is_none())
    }
}

impl Survivor {
    /// Returns what to do about it.
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
    /// Changes the policies that the chosen cases test, one thing at a time, and runs the cases that could notice.
    ///
    /// All cases must hold. Changes that no case notices and no list of survivors explains are reported, as are
    /// explanations of changes that do not survive.
    pub fn mutate(&self, files: &[CaseFile], choice: &TestOptions) -> (Mutation, Vec<Diagnostic>) {
        let planned = Self::plan(files, choice, &mut 0);
        let checks = self.concerned(planned.iter().map(|planned| planned.case), choice);
        let prepared: Vec<Prepared<'_>> =
            planned.into_par_iter().filter_map(|planned| self.prepare(planned).ok()).collect();
        let mutants = on_deep_stack(|| {
            mutants(self.pack.model(), self.pack.policies(), self.pack.program(), &self.parts(&checks))
        });
        let resting = self.resting();
        let fate = |mutant| on_deep_stack(|| self.fate(mutant, &prepared, &resting));
        let fates = mutants.into_par_iter().map(fate);
        let fates: Vec<MutantStatus> = fates.collect();
        let mut mutation = Mutation::default();
        for fate in fates {
            match fate {
                MutantStatus::Killed => mutation.killed += 1,
                MutantStatus::Refused => mutation.refused += 1,
                MutantStatus::Equivalent(survivor) => mutation.equivalent.push(*survivor),
                MutantStatus::Survived(survivor) => mutation.survivors.push(*survivor),
            }
        }
        let mut diagnostics = self.explain(&mut mutation, choice);
        diagnostics.extend(mutation.unexplained().map(|survivor| survivor.diagnostic(choice.doubt())));
        (mutation, diagnostics)
    }

    /// Adds the explanations to the survivors, and returns diagnostics for explanations without a survivor.
    fn explain(&self, mutation: &mut Mutation, choice: &TestOptions) -> Vec<Diagnostic> {
        let statements = self.pack.policies().checks.iter().map(|check| &check.statement);
        let statements =
            statements.chain(self.pack.policies().derivations.iter().map(|derivation| &derivation.statement));
        let policies: Vec<&str> = statements.map(|statement| statement.id.as_str()).collect();
        let mut unused = Vec::new();
        for list in &choice.survivors {
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
                // Of policies that were not changed nothing is known.
                if !explains && choice.complete {
                    unused.push((&list.source, entry));
                }
            }
        }
        let stale = unused.into_iter().map(|(source, entry)| {
            let of_policy = mutation.unexplained().filter(|survivor| survivor.policy == entry.policy.as_str());
            let texts: Vec<(&str, &str)> =
                of_policy.map(|survivor| (survivor.before.as_str(), survivor.after.as_str())).collect();
            entry.stale(source, &policies, &texts, choice.doubt())
        });
        stale.collect()
    }

    /// The checks and what is derived for them.
    fn parts(&self, checks: &BTreeSet<usize>) -> BTreeSet<Part> {
        let chosen = self.pack.program().checks.iter().filter(|check| checks.contains(&check.check));
        let behind = chosen.clone().flat_map(|check| self.pack.program().derived_behind(self.pack.model(), check));
        let derivations = behind.flat_map(|at| &self.pack.program().derived[at].parts);
        let derivations = derivations.map(|part| Part::Derivation(part.derivation));
        chosen.map(|check| Part::Check(check.check)).chain(derivations).collect()
    }

    /// The checks that rest on each derivation.
    fn resting(&self) -> Resting {
        let mut resting = Resting::new();
        for check in &self.pack.program().checks {
            let behind = self.pack.program().derived_behind(self.pack.model(), check);
            for part in behind.iter().flat_map(|behind| &self.pack.program().derived[*behind].parts) {
                resting.entry(part.derivation).or_default().insert(check.check);
            }
        }
        resting
    }

    fn fate(&self, mutant: Mutant, prepared: &[Prepared<'_>], resting: &Resting) -> MutantStatus {
        let part = mutant.part;
        let original = statement(self.pack.policies(), part);
        let Some(changed) = self.changed(&mutant, original, resting) else { return MutantStatus::Refused };
        let model = self.pack.model();
        // A policy that is dropped never holds, which the review would refuse.
        let (program, wrong) = match mutant.drops_policy() {
            true => (Program::unreviewed(model, &changed, |_| true), Vec::new()),
            false => Program::lower(model, &changed, |_| true),
        };
        if has_errors(&wrong) {
            return MutantStatus::Refused;
        }
        let pack = self.pack.with_policies(changed, program);
        let (changed, program) = (pack.policies(), pack.program());
        let tested = Tested { pack: &pack, changed: true };
        let checks: BTreeSet<&str> = changed.checks.iter().map(|check| check.statement.id.as_str()).collect();
        let speaks = |run: &Prepared<'_>| {
            run.planned.case.expectations.iter().any(|known| checks.contains(known.check.as_str()))
        };
        let (speaking, silent): (Vec<_>, Vec<_>) = prepared.iter().partition(|run| speaks(run));
        let silent = silent.into_iter().filter(|run| run.planned.case.no_other_failures.is_some());
        // Only what is an error counts: that a case says less than it seems to is known already.
        let notices = |run: &Prepared<'_>| !run.run(tested, DiagnosticLevel::Warning, |_, _, _| {}).holds();
        if speaking.iter().copied().chain(silent).any(notices) {
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
            Part::Derivation(at) => changed.derivations.get(at).map(|derivation| &derivation.statement),
        };
        let then = bodies(self.pack.program(), part);
        let now = match part {
            Part::Check(_) => bodies(program, Part::Check(0)),
            Part::Derivation(_) => bodies(program, part),
        };
        if same::is_same_by_types(model, (self.pack.program(), &then[..]), (program, &now[..]))
            || replaced.is_some_and(|replaced| same::is_same(model, part, original, replaced))
        {
            return MutantStatus::Equivalent(survivor);
        }
        let near = speaking.iter().take(SEARCHED).find_map(|run| self.near(run, &survivor.mutant, true));
        survivor.near = near.or_else(|| speaking.iter().find_map(|run| self.near(run, &survivor.mutant, false)));
        MutantStatus::Survived(survivor)
    }

    /// The checks that a change could matter to, and all derivations, with the change made; `None` if the policy is
    /// invalid then.
    fn changed(&self, mutant: &Mutant, original: &Statement, resting: &Resting) -> Option<Policies> {
        let mut changed = Policies { derivations: self.pack.policies().derivations.clone(), ..Policies::default() };
        let read = if mutant.drops_policy() {
            // A policy that is not there derives nothing, and that is no error here.
            let never = Clause { kind: ClauseKind::When, span: original.span, expr: Expr::val(false) };
            let mut dropped = original.clone();
            dropped.clauses.push(never);
            dropped
        } else {
            self.edited(mutant, original)?
        };
        match mutant.part {
            Part::Check(at) => {
                let check = self.pack.policies().checks.get(at)?.clone();
                changed.checks.push(Check { statement: read, ..check });
            }
            Part::Derivation(at) => {
                changed.derivations.get_mut(at)?.statement = read;
                let checks = resting.get(&at).into_iter().flatten();
                changed.checks.extend(checks.map(|check| self.pack.policies().checks[*check].clone()));
            }
        }
        (!changed.checks.is_empty()).then_some(changed)
    }

    /// The statement with the change made in its text; `None` if it is none any more.
    fn edited(&self, mutant: &Mutant, original: &Statement) -> Option<Statement> {
        let changed = mutant.applied(original.source.text(), original.span);
        let source = Source::new(original.source.name(), changed).ok()?;
        let (mut read, wrong) = Policies::read(self.pack.schema(), &[&PolicyFile::parse(&source)]);
        if has_errors(&wrong) {
            return None;
        }
        let check = read.checks.pop().map(|check| check.statement);
        check.or_else(|| read.derivations.pop().map(|derivation| derivation.statement))
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
        run.run(self.tested(), DiagnosticLevel::Warning, |judging, _, spoken_of| {
            let given = judging.given(check);
            let given = given.iter().filter(|given| spoken_of.contains(&(check, given.subject)));
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
