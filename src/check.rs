//! The story of a run, on one screen: schema, policies, program, snapshots, verdicts, findings.
//!
//! A [`Session`] remembers what it has read and compiled, so that a second run redoes only what its inputs changed.

use crate::diagnostic::{Code, Diagnostic, Severity, has_errors, sort};
use crate::engine::{Evaluation, Judgement, Machine, Sought, TooManyPairs, Verdict};
use crate::parameters::Parameters;
use crate::policy::{Level, Policies, PolicyFile, Statement, warm_up};
use crate::program::Program;
use crate::report::{
    Account, CheckReport, CheckState, FileReport, Finding, Findings, PackReport, ParameterReport, Report, ScopeReport,
    SnapshotReport, Times, WITNESSES, show_constant,
};
use crate::schema::{Model, Schema, SlotId};
use crate::snapshot::{Data, Found, SecretPaths, Secrets, Snapshot, State};
use crate::source::cedar::on_deep_stack;
use crate::source::json::Kind;
use crate::source::{Source, Span, nearest};
use crate::value::{TypeId, show_datetime};
use globset::{Glob, GlobSet, GlobSetBuilder};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use smol_str::{SmolStr, ToSmolStr};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

pub use crate::report::{Clock, Engine, Options};
pub use crate::snapshot::Limits;

/// The files of a run. Two are equal if they say the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inputs {
    /// Where schema and policies come from, in words.
    pub pack: String,
    /// Whether the pack was chosen because it knows such snapshots: then one it does not know is an error.
    pub recognised: bool,
    /// The schema.
    pub schema: Arc<Source>,
    /// The policy files, in order of their names.
    pub policies: Vec<Arc<Source>>,
    /// The snapshots that are held in memory, in the order they were given.
    pub snapshots: Vec<Arc<Source>>,
    /// The names of snapshots that could not be read, each with the number of `snapshots` before it. `diagnostics`
    /// contain the reasons.
    pub unread: Vec<(usize, String)>,
    /// What could not be read.
    pub diagnostics: Vec<Diagnostic>,
    /// Files in walked directories that are no snapshots.
    pub skipped: usize,
    /// Reports of Deodar in walked directories.
    pub skipped_reports: usize,
    /// Whether part of the pack could not be read, so that no account is judged by all of it.
    pub partial_pack: bool,
}

/// A snapshot that is read when its turn comes.
#[derive(Debug)]
pub struct Delivery {
    /// What reports call it: a path, with a line where a file holds many.
    pub path: String,
    /// The text, or why there is none.
    pub source: Result<Arc<Source>, Diagnostic>,
}

/// Snapshots as they come in.
pub trait Deliveries: Iterator<Item = Delivery> + Send {
    /// Returns whether the next one can be had without waiting for it.
    fn is_ready(&mut self) -> bool;

    /// Returns how many reports of Deodar were left out so far.
    fn skipped_reports(&self) -> usize {
        0
    }
}

/// Sees what accounts came to, beside the report so far, before they are forgotten.
pub type Sink<'s, E> = dyn FnMut(&Report, &[Account]) -> Result<(), E> + Send + 's;

/// Bytes of snapshots that are judged together, unless one alone has more.
const BATCH_BYTES: usize = 32 << 20;

/// Snapshots that are judged together.
const BATCH: usize = 1024;

/// Runs checks, and remembers what does not change between runs.
#[derive(Debug, Default)]
pub struct Session {
    schema: Option<(Arc<Source>, Option<Schema>, Vec<Diagnostic>)>,
    /// The policy files of the last run, parsed.
    files: Vec<PolicyFile>,
    policies: Option<(Vec<Arc<Source>>, Policies, Vec<Diagnostic>)>,
    program: Option<(Vec<bool>, Program, Vec<Diagnostic>)>,
    /// What the snapshots below were read for.
    reads: BTreeSet<(TypeId, SlotId)>,
    limits: Limits,
    snapshots: Vec<ReadSnapshot>,
    /// What the last run did anew: files parsed, programs lowered.
    pub work: Work,
}

/// What a run did anew.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// Schemas parsed.
    pub schemas: usize,
    /// Policy files parsed.
    pub policies: usize,
    /// Programs lowered.
    pub programs: usize,
    /// Snapshots read.
    pub snapshots: usize,
}

#[derive(Debug)]
struct ReadSnapshot {
    source: Arc<Source>,
    snapshot: Option<Snapshot>,
    diagnostics: Vec<Diagnostic>,
    sha256: String,
}

/// Everything that judging one account takes.
struct Judge<'s> {
    model: &'s Model,
    policies: &'s Policies,
    program: &'s Program,
    parameters: Parameters,
    options: &'s Options,
    /// The pack, if a snapshot that it does not know is an error.
    recognised: Option<&'s str>,
    /// What is secret in snapshots.
    secrets: Option<Arc<SecretPaths>>,
    /// How many checks there are.
    checks: usize,
}

impl Session {
    /// Judges every snapshot that is held in memory by every selected check.
    pub fn run(&mut self, inputs: &Inputs, options: &Options) -> Report {
        let mut report = self.prepare(inputs, options);
        let (mut known, mut read, mut fresh) = (std::mem::take(&mut self.snapshots), Vec::new(), 0);
        if let Some(judge) = self.judge(inputs, options, &mut report) {
            let mut unread = inputs.unread.iter().peekable();
            for (at, source) in inputs.snapshots.iter().enumerate() {
                while let Some((_, path)) = unread.next_if(|(before, _)| *before <= at) {
                    report.absorb(judge.unread(path.clone(), Vec::new()), options);
                }
                let snapshot = match known.iter().position(|known| Arc::ptr_eq(&known.source, source)) {
                    Some(at) => known.swap_remove(at),
                    None => {
                        fresh += 1;
                        judge.read(source)
                    }
                };
                report.absorb(judge.account(&source.document(), &snapshot, &[]), options);
                read.push(snapshot);
            }
            unread.for_each(|(_, path)| report.absorb(judge.unread(path.clone(), Vec::new()), options));
        }
        self.snapshots = read;
        self.work.snapshots = fresh;
        self.finish(report)
    }

    /// Judges snapshots as they come in, many at a time, and forgets each when `sink` has seen what it came to.
    ///
    /// What `sink` gets is in the order in which the snapshots came. The report tells of as many findings,
    /// diagnostics and snapshots as the options have room for, and counts all.
    ///
    /// # Errors
    /// What `sink` returned, after which nothing more is judged.
    pub fn stream<E: Send>(
        &mut self,
        inputs: &Inputs,
        deliveries: &mut dyn Deliveries,
        options: &Options,
        sink: &mut Sink<'_, E>,
    ) -> Result<Report, E> {
        let mut report = self.prepare(inputs, options);
        if let Some(judge) = self.judge(inputs, options, &mut report) {
            let mut batch = gather(deliveries);
            while !batch.is_empty() {
                let judged = || -> Result<(), E> {
                    let full: Vec<[usize; 5]> = report.checks.iter().map(|check| check.explained).collect();
                    let accounts: Vec<Account> =
                        batch.into_par_iter().map(|delivery| judge.delivered(delivery, &full)).collect();
                    sink(&report, &accounts)?;
                    accounts.into_iter().for_each(|account| report.absorb(account, options));
                    Ok(())
                };
                // Reading may wait for input, which no thread that judges should.
                let (outcome, next) = std::thread::scope(|scope| {
                    let next = scope.spawn(|| gather(deliveries));
                    (judged(), next.join())
                });
                outcome?;
                batch = next.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            }
            report.skipped_reports += deliveries.skipped_reports();
        }
        Ok(self.finish(report))
    }

    /// Reads schema and policies, and returns the report before anything is judged.
    fn prepare(&mut self, inputs: &Inputs, options: &Options) -> Report {
        self.work = Work::default();
        let mut report = Report::new(options, inputs.diagnostics.clone());
        (report.skipped, report.skipped_reports) = (inputs.skipped, inputs.skipped_reports);
        report.run.pack = describe_pack(inputs, None);
        report.invalid = inputs.partial_pack;
        self.parse(inputs);
        if let Some((_, _, diagnostics)) = &self.schema {
            report.diagnostics.extend(diagnostics.iter().cloned());
        }
        let Some((_, Some(schema), _)) = &self.schema else { return report };
        let schema = schema.clone();
        report.run.pack.version = schema.model.version().cloned();
        self.read_policies(&schema, &inputs.policies);
        let selected = self.select(options, &mut report);
        self.lower(&schema.model, &selected);
        self.list(&schema.model, &selected, &mut report);
        if self.limits != options.limits {
            self.snapshots.clear();
            self.limits = options.limits;
        }
        report
    }

    /// Returns what judges, unless the schema cannot be read.
    fn judge<'s>(&'s self, inputs: &'s Inputs, options: &'s Options, report: &mut Report) -> Option<Judge<'s>> {
        let (_, Some(schema), _) = self.schema.as_ref()? else { return None };
        let (_, policies, _) = self.policies.as_ref()?;
        let (_, program, diagnostics) = self.program.as_ref()?;
        let (parameters, wrong) = Parameters::read(&schema.model, program, &options.parameters);
        report.diagnostics.extend(wrong);
        report.diagnostics.extend(parameters.without_value(&schema.model, program));
        report.diagnostics.extend(diagnostics.iter().cloned());
        let known = inputs.diagnostics.len();
        report.invalid |= has_errors(report.diagnostics.get(known..).unwrap_or_default());
        report.run.parameters = describe_parameters(&schema.model, &parameters);
        report.scopes = parameters.scopes.iter().map(|scope| (scope.id.clone(), None)).collect();
        let recognised = inputs.recognised.then_some(inputs.pack.as_str());
        Some(Judge {
            model: &schema.model,
            policies,
            program,
            parameters,
            options,
            recognised,
            secrets: SecretPaths::of(&schema.model),
            checks: report.checks.len(),
        })
    }

    /// Parses the schema and the policy files that changed, side by side.
    fn parse(&mut self, inputs: &Inputs) {
        let known = |file: &Arc<Source>| self.files.iter().any(|known| Arc::ptr_eq(&known.source, file));
        let changed: Vec<&Arc<Source>> = inputs.policies.iter().filter(|file| !known(file)).collect();
        let same_schema = self.schema.as_ref().is_some_and(|(known, ..)| Arc::ptr_eq(known, &inputs.schema));
        let (schema, fresh) = rayon::join(
            || (!same_schema).then(|| Schema::parse(&inputs.schema)),
            || {
                if !same_schema {
                    warm_up();
                }
                changed.into_par_iter().map(PolicyFile::parse).collect::<Vec<_>>()
            },
        );
        self.work.policies += fresh.len();
        let wanted = |file: &PolicyFile| inputs.policies.iter().any(|wanted| Arc::ptr_eq(wanted, &file.source));
        self.files.retain(wanted);
        self.files.extend(fresh);
        if let Some((schema, diagnostics)) = schema {
            self.schema = Some((Arc::clone(&inputs.schema), schema, diagnostics));
            (self.policies, self.program) = (None, None);
            self.snapshots.clear();
            self.work.schemas += 1;
        }
    }

    fn read_policies(&mut self, schema: &Schema, files: &[Arc<Source>]) {
        let same = |known: &[Arc<Source>]| {
            known.len() == files.len() && known.iter().zip(files).all(|(a, b)| Arc::ptr_eq(a, b))
        };
        if self.policies.as_ref().is_some_and(|(known, ..)| same(known)) {
            return;
        }
        let parsed = |file: &Arc<Source>| self.files.iter().find(|parsed| Arc::ptr_eq(&parsed.source, file));
        let (policies, diagnostics) = Policies::read(schema, &files.iter().filter_map(parsed).collect::<Vec<_>>());
        self.policies = Some((files.to_vec(), policies, diagnostics));
        self.program = None;
    }

    /// Returns which checks were selected.
    fn select(&self, options: &Options, report: &mut Report) -> Vec<bool> {
        let Some((_, policies, diagnostics)) = &self.policies else { return Vec::new() };
        report.diagnostics.extend(diagnostics.iter().cloned());
        let only = Selection::new(&options.only, policies, &mut report.diagnostics);
        let skip = Selection::new(&options.skip, policies, &mut report.diagnostics);
        let selected = policies.checks.iter().map(|check| {
            let id = check.statement.id.as_str();
            (options.only.is_empty() || only.matches(id, check.level)) && !skip.matches(id, check.level)
        });
        selected.collect()
    }

    /// Lists every check in the report, with its state.
    fn list(&self, model: &Model, selected: &[bool], report: &mut Report) {
        let (Some((_, policies, _)), Some((_, program, _))) = (&self.policies, &self.program) else { return };
        for (check, selected) in policies.checks.iter().zip(selected) {
            let Statement { id, valid, idle, .. } = &check.statement;
            let state = if !valid || *idle || program.refused.contains(id) {
                CheckState::Invalid
            } else if *selected {
                CheckState::Run
            } else {
                CheckState::Deselected
            };
            report.checks.push(CheckReport {
                id: id.clone(),
                title: check.title.clone(),
                level: check.level,
                remediation: check.remediation.clone(),
                source: check.source.clone(),
                controls: check.controls.clone(),
                state,
                accounts: accounts_of(model, &check.statement),
                met: false,
                counts: [0; 5],
                explained: [0; 5],
            });
        }
    }

    fn lower(&mut self, model: &Model, selected: &[bool]) {
        let Some((_, policies, _)) = &self.policies else { return };
        if self.program.as_ref().is_some_and(|(known, ..)| known == selected) {
            return;
        }
        let (program, diagnostics) =
            Program::lower(model, policies, |check| selected.get(check).copied().unwrap_or(false));
        if self.reads != program.reads {
            self.snapshots.clear();
            self.reads.clone_from(&program.reads);
        }
        self.program = Some((selected.to_vec(), program, diagnostics));
        self.work.programs += 1;
    }

    /// Adds what only the whole run shows, and sorts what it has to say.
    fn finish(&self, mut report: Report) -> Report {
        if let Some((_, policies, _)) = &self.policies {
            let unmatched = policies.checks.iter().zip(&report.checks).filter_map(|(check, listed)| {
                let other = listed.state == CheckState::Run && !listed.met && !listed.accounts.is_empty();
                (other && !report.ids_seen.is_empty()).then(|| no_account(&check.statement, listed, &report))
            });
            let unmatched: Vec<Diagnostic> = unmatched.collect();
            report.diagnostics.extend(unmatched);
        }
        if let Some((_, Some(schema), _)) = &self.schema {
            let sought = report.scopes.iter().filter_map(|(id, sought)| Some((id, sought.as_ref()?)));
            let unmatched = sought.filter(|(_, sought)| **sought != Sought::Found);
            let unmatched: Vec<Diagnostic> =
                unmatched.map(|(id, sought)| no_scope(&schema.model, id, sought)).collect();
            report.diagnostics.extend(unmatched);
        }
        report.findings.sort_by_key(|finding| order(&report.checks, finding));
        sort(&mut report.diagnostics);
        report
    }
}

/// Returns the ids of root entities that the scope of a check names: it judges an account only if all are its id.
fn accounts_of(model: &Model, statement: &Statement) -> Vec<SmolStr> {
    let scopes = [&statement.principal, &statement.resource];
    let named = scopes.into_iter().flat_map(|scope| scope.equals.iter().chain(&scope.within));
    let of_root = named.filter(|uid| model.type_named(&uid.entity_type().to_smolstr()) == Some(model.root));
    of_root.map(|uid| AsRef::<str>::as_ref(uid.eid()).into()).collect()
}

/// The warning for a check whose scope names an account that was not in the run.
fn no_account(statement: &Statement, listed: &CheckReport, report: &Report) -> Diagnostic {
    let quoted = |ids: &[SmolStr]| ids.iter().map(|id| format!("{id:?}")).collect::<Vec<_>>().join(", ");
    let message = format!("`{}` is for the account {}, and no snapshot is of it", listed.id, quoted(&listed.accounts));
    let more = if report.more_ids { " and others" } else { "" };
    let named = statement.principal.equals.is_some() || statement.principal.within.is_some();
    let span = if named { statement.principal_span } else { statement.resource_span };
    let warning = Diagnostic::warning(Code::NoAccount, message).label(&statement.source, span, "");
    warning.help(format!("the snapshots are of {}{more}", quoted(&report.ids_seen)))
}

/// Takes the next snapshots: at least one if there is one, then those that are ready.
fn gather(deliveries: &mut dyn Deliveries) -> Vec<Delivery> {
    let (mut batch, mut bytes) = (Vec::new(), 0);
    while batch.is_empty() || (bytes < BATCH_BYTES && batch.len() < BATCH && deliveries.is_ready()) {
        let Some(delivery) = deliveries.next() else { break };
        bytes += delivery.source.as_ref().map_or(0, |source| source.text().len());
        batch.push(delivery);
    }
    batch
}

impl Judge<'_> {
    fn read(&self, source: &Arc<Source>) -> ReadSnapshot {
        let limits = &self.options.limits;
        let ((snapshot, diagnostics), sha256) =
            rayon::join(|| Snapshot::read(source, self.model, &self.program.reads, limits), || digest(source));
        ReadSnapshot { source: Arc::clone(source), snapshot, diagnostics, sha256 }
    }

    fn delivered(&self, delivery: Delivery, explained: &[[usize; 5]]) -> Account {
        match delivery.source {
            Ok(source) => self.account(&delivery.path, &self.read(&source), explained),
            Err(diagnostic) => self.unread(delivery.path, vec![diagnostic]),
        }
    }

    /// Returns an account without verdicts: its snapshot could not be read.
    fn unread(&self, path: String, diagnostics: Vec<Diagnostic>) -> Account {
        Account {
            snapshot: SnapshotReport { path, sha256: None, captured_at: None },
            id: None,
            counts: vec![[0; 5]; self.checks],
            findings: Vec::new(),
            diagnostics,
            scopes: Vec::new(),
            other_properties: 0,
            secrets: None,
            times: Times::default(),
        }
    }

    /// Judges one account. Of what is `explained` already, by check and verdict, less is explained again.
    fn account(&self, path: &str, read: &ReadSnapshot, explained: &[[usize; 5]]) -> Account {
        let mut account = Account {
            snapshot: SnapshotReport { path: path.to_owned(), sha256: Some(read.sha256.clone()), captured_at: None },
            id: None,
            counts: vec![[0; 5]; self.checks],
            findings: Vec::new(),
            diagnostics: Vec::new(),
            scopes: Vec::new(),
            other_properties: 0,
            secrets: self.secrets.as_ref().map(|paths| Secrets::new(&read.source, paths)),
            times: Times { bytes: read.source.text().len(), ..Times::default() },
        };
        let stranger = read.snapshot.as_ref().and_then(|_| self.stranger(path, &read.source));
        let Some(snapshot) = read.snapshot.as_ref().filter(|_| stranger.is_none()) else {
            account.diagnostics = stranger.map_or_else(|| read.diagnostics.clone(), |stranger| vec![stranger]);
            return account;
        };
        account.diagnostics.extend(self.without_lists(path, &read.source));
        account.diagnostics.extend(read.diagnostics.iter().cloned());
        account.other_properties = snapshot.other_properties;
        account.times.read = snapshot.times;
        let begin = Instant::now();
        let mut evaluation = Evaluation::bind(self.model, self.program, snapshot, self.options.now, &self.parameters);
        let too_many = evaluation.derive(self.options.limits.pairs);
        let too_many = too_many.into_iter().map(|found| too_many_pairs(self.policies, found, &self.options.limits));
        account.diagnostics.extend(too_many);
        let machine = evaluation.base();
        account.id = Some(machine.id(machine.root()));
        account.scopes = evaluation.sought();
        let derived = Instant::now();
        account.times.derive = derived - begin;
        account.snapshot.captured_at = captured_at(machine);
        account.diagnostics.extend(odd_capture(machine, &account.snapshot, self.options));
        let listed = &Verdict::ALL[..if self.options.explain_not_applicable { 4 } else { 3 }];
        let judgements = match self.options.engine {
            Engine::Compiled => evaluation.judge(listed),
            Engine::Reference => {
                match evaluation.judge_by_reference(self.policies) {
                    Ok(judgements) => judgements,
                    Err(error) => {
                        // Cedar's messages quote values.
                        let quotes = self.secrets.is_none();
                        let message = if quotes { error.to_string() } else { error.unquoted().to_owned() };
                        account.diagnostics.push(Diagnostic::error(Code::ReferenceEngine, message));
                        return account;
                    }
                }
            }
        };
        let judged = Instant::now();
        account.times.judge = judged - derived;
        let findings = Findings::new(&evaluation, path.into(), WITNESSES);
        for judgement in &judgements {
            account.counts[judgement.check] = judgement.counts;
            let explained = explained.get(judgement.check).copied().unwrap_or_default();
            let left = explained.map(|explained| self.options.most_findings.saturating_sub(explained));
            account.findings.extend(self.explain(&findings, judgement, left));
        }
        account.times.explain = judged.elapsed();
        account
    }

    /// Explains the verdicts of one check, at most `left` of each kind.
    fn explain(&self, findings: &Findings<'_, '_>, judgement: &Judgement, mut left: [usize; 5]) -> Vec<Finding> {
        let Some(check) = self.program.checks.iter().find(|check| check.check == judgement.check) else {
            return Vec::new();
        };
        let policy = &self.policies.checks[judgement.check];
        let one = |(order, judged): (usize, &crate::engine::Judged)| {
            let ty = match judged.subject {
                crate::engine::Subject::Entity(entity) => entity.ty,
                crate::engine::Subject::Uncaptured(ty, _) => ty,
            };
            let body = check.bodies.iter().find(|body| body.resource == ty)?;
            Some(on_deep_stack(|| findings.finding(check, policy, body, judged.subject, judged.verdict, order)))
        };
        let wanted = judgement.judged.iter().enumerate().filter(|(_, judged)| {
            let left = &mut left[judged.verdict as usize];
            let wanted = *left > 0 && (self.options.explain_not_applicable || judged.verdict != Verdict::NotApplicable);
            *left = left.saturating_sub(1);
            wanted
        });
        let wanted: Vec<_> = wanted.collect();
        wanted.into_par_iter().filter_map(one).collect()
    }

    /// The error for a document that has nothing of what the schema declares: it is not a snapshot.
    fn stranger(&self, path: &str, source: &Arc<Source>) -> Option<Diagnostic> {
        if !is_object(source) || !Snapshot::is_strange(self.model, source) {
            return None;
        }
        let found = match self.recognised {
            Some(pack) => Diagnostic::error(Code::NoPack, format!("`{path}` has no property that {pack} knows")),
            None => Diagnostic::error(Code::NoPack, format!("`{path}` has no property that the schema declares")),
        };
        Some(found.label(source, Span::new(0, 0), "this document").help(match self.recognised {
            Some(_) => OTHER_ACCOUNT,
            None => "is it a snapshot? if it is one in which nothing could be captured, give it a `captured_at`",
        }))
    }

    /// What is to be said of a document without any list that a recognised pack judges.
    fn without_lists(&self, path: &str, source: &Arc<Source>) -> Option<Diagnostic> {
        self.recognised?;
        if !is_object(source) || Snapshot::has_lists(self.model, source) {
            return None;
        }
        let lists: Vec<String> = Snapshot::lists(self.model).map(|name| format!("`{name}`")).collect();
        let pack = self.recognised.unwrap_or_default();
        let message = format!("`{path}` has nothing that {pack} judges: no {}", lists.join(", no "));
        let found = Diagnostic::warning(Code::NoPack, message);
        Some(found.label(source, Span::new(0, 0), "this document").help(OTHER_ACCOUNT))
    }
}

const OTHER_ACCOUNT: &str =
    "is it a snapshot? if it is one of another account, name its schema and policies with --schema and --policies";

fn is_object(source: &Source) -> bool {
    source.text().trim_start_matches('\u{feff}').trim_start().starts_with('{')
}

/// The error for a derivation that would try too many pairs.
pub(crate) fn too_many_pairs(policies: &Policies, excess: TooManyPairs, limits: &Limits) -> Diagnostic {
    let derivation = &policies.derivations[excess.derivation];
    let TooManyPairs { principals, resources, found, .. } = excess;
    let (tries, label, help) = match found {
        None => (
            format!("each of {principals} principals on each of {resources} resources"),
            "no condition here ties principal and resource together",
            "add what they have in common, such as `principal.email == resource.email` or `principal in resource.workspace`",
        ),
        Some(found) => (
            format!("{found} pairs of principal and resource"),
            "too many principals have what a resource is tied to",
            "tie them by a value that fewer principals have",
        ),
    };
    let message = format!("derivation of `{}` tries {tries}, which is more than {}", derivation.derives, limits.pairs);
    Diagnostic::error(Code::DerivationPairs, message)
        .label(&derivation.statement.source, derivation.statement.span, label)
        .help(format!("{help}, or allow more with --max-pairs"))
}

/// The worst first; within a check as the document has it.
fn order(checks: &[CheckReport], finding: &Finding) -> (Verdict, std::cmp::Reverse<Level>, usize, usize, usize) {
    let level = checks.get(finding.check).map_or(Level::Low, |check| check.level);
    (finding.verdict, std::cmp::Reverse(level), finding.check, finding.snapshot, finding.resource.order)
}

/// What is odd about the time of a capture, if the schema wants to know it.
fn odd_capture(machine: &Machine<'_>, described: &SnapshotReport, options: &Options) -> Option<Diagnostic> {
    let root = machine.model.ty(machine.model.root);
    let crate::schema::Shape::Leaf(slot) = root.attribute("captured_at")?.shape else { return None };
    let pointer = root.slots.get(slot.index())?.origin.pointer()?;
    let written =
        machine.snapshot.table(machine.model.root).rows.first().map(|row| machine.snapshot.locate(row.span, pointer));
    let now = options.now;
    let (odd, help) = match described.captured_at {
        // What is written and cannot be read has been reported.
        None if matches!(written.map(|at| at.found), Some(Found::Value(kind)) if kind != Kind::Null) => return None,
        None => ("does not say when it was captured".to_owned(), "add `captured_at` to the snapshot"),
        Some(captured_at) if captured_at > now => {
            let odd = format!("was captured at {}, which is after {}", show_datetime(captured_at), show_datetime(now));
            let help = match options.clock {
                Clock::Machine => "correct `captured_at` or the clock, or set the time of the run with --now",
                Clock::Given => "correct `captured_at`, or evaluate as of a later time",
            };
            (odd, help)
        }
        Some(_) => return None,
    };
    Some(Diagnostic::warning(Code::CaptureTime, format!("`{}` {odd}", described.path)).help(help))
}

/// The `captured_at` attribute of the root entity, where the schema has one.
fn captured_at(machine: &Machine<'_>) -> Option<i64> {
    let root = machine.model.ty(machine.model.root);
    let crate::schema::Shape::Leaf(slot) = root.attribute("captured_at")?.shape else { return None };
    let column = machine.column(machine.model.root, slot);
    match (&column.data, column.states.first()) {
        (Data::Number(all), Some(State::Known)) => all.first().copied(),
        _ => None,
    }
}

fn digest(source: &Source) -> String {
    hexadecimal(Sha256::digest(source.text().as_bytes()).as_slice())
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Describes the files of a pack. `model` is their schema, if it could be read.
pub fn describe_pack(inputs: &Inputs, model: Option<&Model>) -> PackReport {
    let file = |source: &Arc<Source>, role| {
        let mut hash = Sha256::new();
        if source.has_mark() {
            hash.update("\u{feff}");
        }
        hash.update(source.text());
        FileReport { path: source.name().to_owned(), role, sha256: hexadecimal(hash.finalize().as_slice()) }
    };
    let policies = inputs.policies.iter().map(|source| file(source, "policies"));
    PackReport {
        name: inputs.pack.clone(),
        version: model.and_then(Model::version).cloned(),
        files: std::iter::once(file(&inputs.schema, "schema")).chain(policies).collect(),
    }
}

/// What `--only` or `--skip` says.
struct Selection {
    ids: GlobSet,
    levels: Vec<Level>,
}

impl Selection {
    /// Reads patterns; one that no check and no severity matches is an error.
    fn new(patterns: &[String], policies: &Policies, diagnostics: &mut Vec<Diagnostic>) -> Self {
        let (mut ids, mut levels) = (GlobSetBuilder::new(), Vec::new());
        let known: Vec<&str> = policies.checks.iter().map(|check| check.statement.id.as_str()).collect();
        for pattern in patterns {
            if let Ok(level) = pattern.parse::<Level>() {
                levels.push(level);
                continue;
            }
            match Glob::new(pattern) {
                Ok(glob) => {
                    if !known.iter().any(|id| glob.compile_matcher().is_match(id)) {
                        let error = Diagnostic::error(Code::Selection, format!("no check is called `{pattern}`"));
                        let help = match nearest(pattern, known.iter().copied()) {
                            Some(near) => format!("did you mean `{near}`?"),
                            None => "valid are ids, patterns as `MOE-AUTH-*`, and severities; `deodar list` shows them"
                                .to_owned(),
                        };
                        diagnostics.push(error.help(help));
                    }
                    ids.add(glob);
                }
                Err(error) => diagnostics.push(Diagnostic::error(
                    Code::Selection,
                    format!("`{pattern}` is not a pattern: {}", error.kind()),
                )),
            }
        }
        Self { ids: ids.build().unwrap_or_else(|_| GlobSet::empty()), levels }
    }

    fn matches(&self, id: &str, level: Level) -> bool {
        self.levels.contains(&level) || self.ids.is_match(id)
    }
}

/// Describes the parameters of a run: those of the whole run, then those of single instances.
fn describe_parameters(model: &Model, parameters: &Parameters) -> Vec<ParameterReport> {
    let shown = |value: &Option<crate::value::Value>| value.as_ref().map(|value| show_constant(model, value));
    let of_run = model.parameters.iter().zip(&parameters.values).zip(&parameters.is_set);
    let of_run = of_run.map(|((parameter, value), set)| ParameterReport {
        name: parameter.name.clone(),
        scope: None,
        value: shown(value),
        set: *set,
    });
    let ty = model.parameter_scope().map(|ty| model.short_name(ty)).unwrap_or_default();
    let of_scopes = parameters.scopes.iter().flat_map(|scope| {
        let of_scope = scope.set.iter().filter_map(|(at, value)| Some((model.parameters.get(*at)?, value)));
        of_scope.map(|(parameter, value)| ParameterReport {
            name: parameter.name.clone(),
            scope: Some(ScopeReport { ty: ty.to_owned(), id: scope.id.clone() }),
            value: shown(value),
            set: true,
        })
    });
    of_run.chain(of_scopes).collect()
}

/// The error for a parameter that is set for an instance that no judged snapshot has; `place` is that of the setting.
pub(crate) fn no_scope(model: &Model, id: &SmolStr, sought: &Sought) -> Diagnostic {
    let ty = model.parameter_scope().map(|ty| model.short_name(ty)).unwrap_or_default();
    let message = format!("a parameter is set for {ty} `{id}`, and no judged snapshot has it");
    let error = Diagnostic::error(Code::Parameter, message);
    match sought {
        Sought::Similar(similar) => error.help(format!("did you mean `{similar}`?")),
        Sought::Others(ids) if !ids.is_empty() => {
            let ids: Vec<String> = ids.iter().map(|id| format!("`{id}`")).collect();
            error.help(format!("name it by its id: the first snapshot that was judged has {}", ids.join(", ")))
        }
        _ => error.help(format!("the first snapshot that was judged has no {ty} with a known id")),
    }
}

/// Returns whether a report rests on files that could all be read.
pub fn is_sound(report: &Report) -> bool {
    report.problems(Severity::Error) == 0
}
