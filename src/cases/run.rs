//! The run of one variant of a case: applies the edits, judges the snapshot, and compares the verdicts with the expected
//! ones.

use super::bless::Blessing;
use super::edit::{Edit, Miss, find};
use super::{Case, Expectation, NOT_JUDGED, Suite, Target, Trial, Variant};
use crate::check::without_instance;
use crate::diagnostic::{Code, Diagnostic, DiagnosticLevel};
use crate::engine::{Judged, Judgement, Subject, Verdict};
use crate::pack::{Assessment, Pack, Run};
use crate::parameters::Parameters;
use crate::policy::CheckId;
use crate::program::CheckProgram;
use crate::render::evidence;
use crate::report::{Finding, Findings, ReadKind, ResourceName, WITNESSES};
use crate::schema::without_namespace;
use crate::snapshot::{Limits, Relation, Secrets, Snapshot};
use crate::source::{Source, Span, nearest, one_line};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Names that a help line lists if none is similar.
const LISTED: usize = 5;

/// A variant of a case, selected for the run.
#[derive(Clone, Copy)]
pub(super) struct Planned<'c> {
    pub file: &'c Arc<Source>,
    pub case: &'c Case,
    pub variant: &'c Variant,
    /// The indices of the file and of the case.
    pub at: (usize, usize),
}

/// The parts of a run that do not depend on the policies.
pub(super) struct Prepared<'c> {
    pub planned: Planned<'c>,
    pub snapshot: Snapshot,
    secrets: Option<Secrets>,
    parameters: Parameters,
}

/// The policies that cases are run against.
#[derive(Clone, Copy)]
pub(super) struct Tested<'s> {
    pub pack: &'s Pack,
    /// Whether the policies are a mutant. Then expectations on the text of clauses do not apply.
    pub changed: bool,
}

/// The checks and resources with an expectation.
pub(super) type Expected = BTreeSet<(CheckId, Subject)>;

impl Planned<'_> {
    fn name(&self) -> String {
        match self.variant.number {
            Some(number) => format!("{} ({number})", self.case.name),
            None => self.case.name.clone(),
        }
    }

    fn trial(&self) -> Trial {
        Trial {
            file: self.at.0,
            case: self.at.1,
            variant: self.variant.number,
            name: self.name(),
            actual: vec![None; self.case.expectations.len()],
            counts: Vec::new(),
            diagnostics: Vec::new(),
            secrets: None,
            blessings: Vec::new(),
        }
    }
}

impl<'s> Tested<'s> {
    /// Returns the policies of a pack.
    pub(super) fn new(pack: &'s Pack) -> Self {
        Self { pack, changed: false }
    }
}

impl Suite {
    /// Applies the edits of a case and reads the values of the snapshot that a pack needs.
    ///
    /// # Errors
    /// The result of the case, if its snapshot cannot be judged.
    pub(super) fn prepare<'c>(&self, planned: Planned<'c>, pack: &Pack) -> Result<Prepared<'c>, Box<Trial>> {
        let mut trial = planned.trial();
        let Some(source) = self.snapshot_text(&planned, &mut trial) else { return Err(Box::new(trial)) };
        let secrets = self.secrets.as_ref().map(|paths| Secrets::new(&source, paths));
        let (snapshot, diagnostics) = pack.read(&source, planned.case.now, &Limits::default());
        let Some(snapshot) = snapshot else {
            let message = format!("the snapshot of case `{}` cannot be judged", trial.name);
            let error = Diagnostic::error(Code::CaseSnapshot, message);
            trial.diagnostics.push(error.label(planned.file, planned.case.span, "this case"));
            trial.diagnostics.extend(diagnostics);
            trial.secrets = secrets;
            return Err(Box::new(trial));
        };
        // Invalid settings were reported before the run.
        let (parameters, _) = self.pack.parameters(&planned.variant.settings);
        Ok(Prepared { planned, snapshot, secrets, parameters })
    }

    /// Applies the edits. If an edit has no effect, the case fails and its snapshot is not judged.
    fn snapshot_text(&self, planned: &Planned<'_>, trial: &mut Trial) -> Option<Arc<Source>> {
        let Planned { file, case, variant, .. } = *planned;
        if variant.edits.is_empty() {
            return Some(Arc::clone(&case.base));
        }
        let mut text = Cow::Borrowed(case.base.text());
        for edit in &variant.edits {
            match edit.apply(&text) {
                Ok(changed) => text = Cow::Owned(changed),
                Err(miss) => {
                    let miss = self.open(edit, miss, &text);
                    let message = format!("an edit of case `{}` changes nothing: {}", trial.name, miss.message);
                    let error = Diagnostic::error(Code::Edit, message).label(file, edit.span, "this edit");
                    trial.diagnostics.push(error.maybe_help(miss.help));
                    return None;
                }
            }
        }
        let name = format!("{}, edited by `{}`", case.base.name(), trial.name);
        let source = Source::new(name, text.into_owned());
        if source.is_err() {
            let message = format!("the snapshot of case `{}` is larger than 4 GiB", trial.name);
            trial.diagnostics.push(Diagnostic::error(Code::TooLarge, message).label(file, case.span, "this case"));
        }
        source.ok()
    }

    /// Returns the message about an edit without an effect, without secrets.
    fn open(&self, edit: &Edit, miss: Miss, text: &str) -> Miss {
        let Some(paths) = &self.secrets else { return miss };
        match paths.relation(&edit.at) {
            Relation::Within(steps) if steps < edit.at.matches('/').count() => {
                let secret: String = edit.at.split_inclusive('/').take(steps + 1).collect();
                Miss {
                    message: format!("it names nothing to change in the secret `{}`", secret.trim_end_matches('/')),
                    help: None,
                }
            }
            _ => match Source::new("edited", text) {
                Ok(source) => without_secrets(miss, &edit.at, text, &paths.spans(&source)),
                Err(_) => Miss { help: None, ..miss },
            },
        }
    }
}

impl<'c> Prepared<'c> {
    /// Judges the snapshot and compares the verdicts with the expected ones. `observe` receives the verdicts.
    pub(super) fn run(
        &self,
        tested: Tested<'_>,
        doubt: DiagnosticLevel,
        observe: impl FnOnce(&Judging<'_, '_>, &Trial, &Expected),
    ) -> Trial {
        let Planned { case, .. } = self.planned;
        let mut trial = self.planned.trial();
        let run = Run { now: case.now, parameters: &self.parameters, pairs: Limits::default().pairs };
        let Assessment { evaluation, diagnostics, .. } = tested.pack.assess(&self.snapshot, run);
        let sought = [evaluation.sought()];
        trial.diagnostics.extend(without_instance(tested.pack.model(), &self.parameters, &sought));
        trial.diagnostics.extend(diagnostics);
        let judgements = evaluation.judge(&Verdict::ALL);
        let needs_all_witnesses = case.expectations.iter().any(|expectation| expectation.witnesses.is_some());
        let judging = Judging {
            tested,
            planned: self.planned,
            findings: Findings::new(
                &evaluation,
                self.snapshot.source.name().into(),
                self.secrets.as_ref(),
                if needs_all_witnesses { usize::MAX } else { WITNESSES },
            ),
            judgements: &judgements,
            secrets: self.secrets.as_ref(),
            doubt,
        };
        let expected = judging.compare(&mut trial);
        observe(&judging, &trial, &expected);
        let checks = &tested.pack.policies().checks;
        let counts =
            |judgement: &Judgement| Some((checks.find(judgement.check)?.statement.id.to_string(), judgement.counts));
        trial.counts = judgements.iter().filter_map(counts).collect();
        if !trial.diagnostics.is_empty() {
            trial.secrets.clone_from(&self.secrets);
        }
        trial
    }
}

/// Returns the message without names of properties that are in a secret.
fn without_secrets(miss: Miss, pointer: &str, text: &str, secrets: &[Span]) -> Miss {
    let mut around = pointer;
    let nearest = loop {
        match (find(text, around), around.rsplit_once('/')) {
            (Ok(span), _) => break span,
            (Err(_), Some((outer, _))) => around = outer,
            (Err(_), None) => break Span::default(),
        }
    };
    let secret = secrets.iter().any(|secret| secret.contains(nearest));
    Miss { help: miss.help.filter(|_| !secret), ..miss }
}

/// A judged snapshot with its expectations.
pub(super) struct Judging<'j, 'a> {
    tested: Tested<'j>,
    planned: Planned<'j>,
    pub findings: Findings<'j, 'a>,
    judgements: &'j [Judgement],
    secrets: Option<&'j Secrets>,
    /// The severity of problems that are errors only if the options are strict.
    doubt: DiagnosticLevel,
}

/// A verdict on a resource.
pub(super) struct Given {
    pub check: CheckId,
    /// The index in the verdicts of the check.
    order: usize,
    pub subject: Subject,
    verdict: Verdict,
    resource: ResourceName,
}

impl Judging<'_, '_> {
    /// Compares the verdicts with the expectations, and returns the resources with an expectation.
    fn compare(&self, trial: &mut Trial) -> Expected {
        if self.planned.case.expectations.is_empty() && self.planned.case.no_other_failures.is_none() {
            let message = format!("case `{}` expects nothing", trial.name);
            let found = Diagnostic { level: self.doubt, ..Diagnostic::error(Code::NoExpectation, message) };
            let help = "add `expect = { \"CHECK Type id\" = \"fail\" }`, or `no_other_failures = true`";
            trial.diagnostics.push(found.label(self.planned.file, self.planned.case.span, "this case").help(help));
        }
        let mut expected = Expected::new();
        for (at, expectation) in self.planned.case.expectations.iter().enumerate() {
            let Some(check) = self.check(&expectation.check) else { continue };
            let all = self.given(check);
            let given: Vec<&Given> = all.iter().filter(|given| matches(&expectation.target, &given.resource)).collect();
            expected.extend(given.iter().map(|given| (given.check, given.subject)));
            let first = given.first().map(|first| first.verdict);
            let actual = first.filter(|first| given.iter().all(|given| given.verdict == *first));
            if let Some(slot) = trial.actual.get_mut(at) {
                *slot = actual;
            }
            let text = actual.map(|actual| match actual {
                _ if Some(actual) == expectation.verdict => {
                    self.planned.file.slice(expectation.verdict_span).to_owned()
                }
                _ => format!("\"{}\"", actual.name()),
            });
            trial.blessings.push(Blessing { span: expectation.verdict_span, text });
            if given.is_empty() {
                trial.diagnostics.extend(self.not_given(check, expectation, &all));
            }
            let wrong: Vec<&&Given> = given.iter().filter(|given| Some(given.verdict) != expectation.verdict).collect();
            match wrong.first() {
                Some(first) => trial.diagnostics.push(self.wrong(expectation, first, wrong.len() - 1)),
                None => given.iter().for_each(|given| self.why(expectation, given, &mut trial.diagnostics)),
            }
        }
        if let Some(span) = self.planned.case.no_other_failures {
            self.no_others(span, &expected, trial);
        }
        expected
    }

    /// Returns the id of a check in the policies.
    fn check(&self, id: &str) -> Option<CheckId> {
        self.tested.pack.policies().check_named(id)
    }

    pub(super) fn program(&self, check: CheckId) -> Option<&CheckProgram> {
        self.tested.pack.program().checks.iter().find(|program| program.check == check)
    }

    /// Returns the verdicts of a check with their resources.
    pub(super) fn given(&self, check: CheckId) -> Vec<Given> {
        let judgement = self.judgements.iter().find(|judgement| judgement.check == check);
        let judged = judgement.map(|judgement| judgement.judged.as_slice()).unwrap_or_default();
        let named = judged.iter().enumerate().map(|(order, judged)| Given {
            check,
            order,
            subject: judged.subject,
            verdict: judged.verdict,
            resource: self.findings.resource(judged.subject, order),
        });
        named.collect()
    }

    /// Returns the finding for a verdict.
    pub(super) fn finding(&self, given: &Given) -> Option<Finding> {
        let program = self.program(given.check)?;
        let body = program.bodies.iter().find(|body| body.resource == given.subject.ty())?;
        let check = self.tested.pack.policies().checks.find(given.check)?;
        let judged = Judged::new(given.subject, given.verdict);
        Some(self.findings.finding(program, check, body, judged, given.order, 0))
    }

    /// Adds the place of the variant, if the case has several.
    fn in_variant(&self, found: Diagnostic) -> Diagnostic {
        match self.planned.variant.number {
            Some(_) => found.label(self.planned.file, self.planned.variant.span, "after this"),
            None => found,
        }
    }

    fn wrong(&self, expectation: &Expectation, given: &Given, more: usize) -> Diagnostic {
        let actual = given.verdict.name();
        let finding = self.finding(given);
        let reason = finding.as_ref().map_or(String::new(), |finding| format!(": {}", finding.message));
        let resource = shown(&given.resource);
        let message = match expectation.verdict {
            Some(expected) => {
                format!("`{}` on {resource} is {actual}, not {}{reason}", expectation.check, expected.name())
            }
            None => format!("`{}` judges {resource}, which is {actual}{reason}", expectation.check),
        };
        let label = match (more, expectation.verdict) {
            (0, _) => format!("it is {actual}"),
            (1, Some(expected)) => format!("it is {actual}, and one more is not {}", expected.name()),
            (n, Some(expected)) => format!("it is {actual}, and {n} more are not {}", expected.name()),
            (1, None) => format!("it is {actual}, and one more is judged"),
            (n, None) => format!("it is {actual}, and {n} more are judged"),
        };
        let error =
            Diagnostic::error(Code::Expectation, message).label(self.planned.file, expectation.verdict_span, label);
        let mut error = self.in_variant(error);
        error.labels.extend(finding.iter().flat_map(evidence));
        error
    }

    /// Returns the problem of an expectation without a matching resource.
    fn not_given(&self, check: CheckId, expectation: &Expectation, all: &[Given]) -> Option<Diagnostic> {
        let id = &expectation.check;
        let bodies = self.program(check).map(|program| program.bodies.as_slice()).unwrap_or_default();
        let types: Vec<&str> = bodies.iter().map(|body| self.tested.pack.model().short_name(body.resource)).collect();
        let ids = || all.iter().map(|given| shown(&given.resource)).collect::<Vec<_>>();
        let pointers = || all.iter().map(|given| given.resource.pointer.to_string()).collect::<Vec<_>>();
        let (message, help) = match &expectation.target {
            Target::Type(ty) | Target::Named { ty, .. } if !types.iter().any(|known| is_named(known, ty)) => {
                // The most frequent mistake is an id in place of the type.
                let meant = all.iter().find(|given| given.resource.id == *ty).map(|given| shown(&given.resource));
                let meant = meant.as_deref().or_else(|| nearest(ty, types.iter().copied()));
                let help = match meant {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => format!(
                        "write {}, optionally with an id, or a pointer after the check",
                        types.iter().map(|ty| format!("`{ty}`")).collect::<Vec<_>>().join(", ")
                    ),
                };
                (format!("`{id}` does not judge `{ty}`"), Some(help))
            }
            Target::All | Target::Type(_) if expectation.verdict.is_none() => return None,
            Target::All | Target::Type(_) => {
                let help = format!("keep a resource in the snapshot, or expect `{NOT_JUDGED}`");
                (format!("`{id}` found nothing to judge"), Some(help))
            }
            Target::Named { ty, id: name } => {
                let resource = format!("{} {name}", without_namespace(ty));
                (format!("`{id}` did not judge {resource}"), near(&resource, ids()))
            }
            Target::Pointer(pointer) => {
                let text = self.findings.evaluator.snapshot.source.text();
                let spans = self.secrets.map_or(&[][..], Secrets::spans);
                let miss = find(text, pointer).err().map(|miss| without_secrets(miss, pointer, text, spans));
                let of_root = || Some(format!("write `{id} {}`", all.first()?.resource.ty));
                let help = miss.and_then(|miss| miss.help).or_else(|| near(pointer, pointers())).or_else(of_root);
                (format!("`{id}` judged nothing at `{pointer}`"), help)
            }
        };
        let error = Diagnostic::error(Code::NothingMatched, message);
        let error = error.label(self.planned.file, expectation.span, "expected here");
        Some(self.in_variant(error).maybe_help(help))
    }

    /// Compares the evidence of a verdict with that of an expectation.
    fn why(&self, expectation: &Expectation, given: &Given, diagnostics: &mut Vec<Diagnostic>) {
        let Expectation { reads, clauses, witnesses, .. } = expectation;
        if reads.is_empty() && clauses.is_empty() && witnesses.is_none() {
            return;
        }
        let Some(finding) = self.finding(given) else { return };
        let all_reads = || finding.clauses.iter().flat_map(|clause| &clause.reads);
        let mut report = |span: Span, label: &str, message: String, help: Option<String>| {
            let error = Diagnostic::error(Code::Expectation, message).label(self.planned.file, span, label);
            let mut error = self.in_variant(error).maybe_help(help);
            error.labels.extend(evidence(&finding));
            diagnostics.push(error);
        };
        let resource = shown(&given.resource);
        let decided: Vec<String> = all_reads().filter_map(|read| Some(read.pointer.as_ref()?.to_string())).collect();
        // A derived value of the root has the empty pointer.
        let derived = || {
            let read = all_reads().find(|read| read.kind == ReadKind::Derived)?;
            Some(format!("`{}` is derived: expect its `witnesses`, or a `clause`", read.name))
        };
        for (pointer, span) in reads.iter().filter(|(pointer, _)| !decided.contains(pointer)) {
            let message = format!("`{pointer}` did not decide `{}` on {resource}", expectation.check);
            report(*span, "did not decide", message, near(pointer, decided.clone()).or_else(derived));
        }
        let texts: Vec<String> = finding.clauses.iter().map(|clause| one_line(clause.place.text())).collect();
        for (clause, span) in clauses.iter().filter(|_| !self.tested.changed) {
            let wanted = one_line(clause);
            if !texts.iter().any(|text| text.contains(&wanted)) {
                let message = format!("no clause with `{wanted}` decided `{}` on {resource}", expectation.check);
                report(*span, "decided nothing", message, near(&wanted, texts.clone()));
            }
        }
        if let Some((wanted, span)) = witnesses {
            let found: Vec<_> = all_reads().flat_map(|read| &read.witnesses).collect();
            let is = |name: &String, witness: &crate::report::WitnessReport| {
                *name == witness.entity || *name == witness.pointer.as_str()
            };
            let absent = wanted.iter().find(|name| !found.iter().any(|witness| is(name, witness)));
            let unnamed = found.iter().find(|witness| !wanted.iter().any(|name| is(name, witness)));
            if let Some(name) = absent {
                let names = found.iter().map(|witness| witness.entity.clone()).collect();
                let message = format!("{name} is not a witness of `{}` on {resource}", expectation.check);
                report(*span, "named here", message, near(name, names));
            } else if let Some(witness) = unnamed {
                let message = format!("{} is also a witness of `{}` on {resource}", witness.entity, expectation.check);
                report(*span, "not named here", message, None);
            }
        }
    }

    /// Reports failures without an expectation.
    fn no_others(&self, stated: Span, expected: &Expected, trial: &mut Trial) {
        let is_stated = self.planned.case.expectations.iter().any(|expectation| expectation.verdict.is_none());
        if !is_stated && self.judgements.iter().all(|judgement| judgement.total() == 0) {
            let message = format!("nothing fails in case `{}`, because nothing was judged", trial.name);
            let error = Diagnostic::error(Code::NothingMatched, message).label(self.planned.file, stated, "said here");
            let help = format!("keep a resource in the snapshot, or expect `{NOT_JUDGED}` of a check");
            trial.diagnostics.push(error.help(help));
        }
        let failed = self.judgements.iter().filter(|judgement| judgement.count(Verdict::Fail) > 0);
        let failed = failed.flat_map(|judgement| self.given(judgement.check));
        let others =
            failed.filter(|given| given.verdict == Verdict::Fail && !expected.contains(&(given.check, given.subject)));
        let mut entries = Vec::new();
        for given in others {
            let check = self.tested.pack.policies().checks.find(given.check);
            let id = check.map_or("?", |check| check.statement.id.as_str());
            let finding = self.finding(&given);
            let reason = finding.as_ref().map_or(String::new(), |finding| format!(": {}", finding.message));
            let message = format!("`{id}` on {} fails, too{reason}", shown(&given.resource));
            let error = Diagnostic::error(Code::Expectation, message).label(
                self.planned.file,
                stated,
                "nothing else was to fail",
            );
            let mut error = self.in_variant(error);
            error.labels.extend(finding.iter().flat_map(evidence));
            trial.diagnostics.push(error);
            let key = format!("{id} {}", shown(&given.resource));
            entries.push(format!("{} = \"fail\"", super::edit::quoted(&key)));
        }
        if let Some(insertion) = &self.planned.case.insertion {
            let text = match entries.is_empty() {
                true => String::new(),
                false => format!("{}{}{}", insertion.open, entries.join(&insertion.between), insertion.close),
            };
            let span = Span::new(insertion.at, insertion.at);
            trial.blessings.push(Blessing { span, text: Some(text) });
        }
    }
}

fn matches(target: &Target, resource: &ResourceName) -> bool {
    match target {
        Target::All => true,
        Target::Type(ty) => is_named(&resource.ty, ty),
        Target::Named { ty, id } => is_named(&resource.ty, ty) && resource.id == *id,
        Target::Pointer(pointer) => resource.pointer.as_str() == pointer,
    }
}

/// Returns whether a case names a type of a report. Both have a namespace only if the namespaces decide.
fn is_named(ty: &str, name: &str) -> bool {
    ty == name || !(ty.contains("::") && name.contains("::")) && without_namespace(ty) == without_namespace(name)
}

/// Returns a resource as expectations write it: `Member WS1/mia@example.com`.
fn shown(resource: &ResourceName) -> String {
    format!("{} {}", resource.ty, resource.id).trim_end().to_owned()
}

/// Returns a help line with the most similar name, or with the first names. The empty name of the root is not one of them.
fn near(word: &str, mut names: Vec<String>) -> Option<String> {
    names.retain(|name| !name.is_empty());
    if let Some(near) = nearest(word, names.iter().map(String::as_str)) {
        return Some(format!("did you mean `{near}`?"));
    }
    let (more, names) = (names.len().saturating_sub(LISTED), names.into_iter().take(LISTED));
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    (!names.is_empty()).then(|| format!("there is {}{more}", names.join(", ")))
}
