//! The story of a run, on one screen: schema, policies, program, snapshots, verdicts, findings.
//!
//! A [`Session`] remembers what it has read and compiled, so that a second run redoes only what its inputs changed.

use crate::diagnostic::{Code, Diagnostic, DiagnosticLevel, has_errors};
use crate::engine::{Evaluator, Judgement, Sought, Verdict, VerdictCounts};
use crate::pack::{Assessment, CheckFilter, Compiled, Compiler, Pack, PackSources, Run};
use crate::parallel::*;
use crate::parameters::Parameters;
use crate::policy::{Check, Statement};
use crate::report::{
    AccountReport, CheckReport, CheckState, FileReport, FileRole, Finding, Findings, PackReport, ParameterReport,
    Report, ScopeReport, SnapshotReport, Times, WITNESSES, show_constant,
};
use crate::schema::{Model, SlotId};
use crate::snapshot::{Data, LocationKind, SecretPaths, Secrets, Snapshot, State};
use crate::source::cedar::on_deep_stack;
use crate::source::json::Kind;
use crate::source::{Source, Span};
use crate::stopwatch::Stopwatch;
use crate::value::{TypeId, show_datetime};
use sha2::{Digest, Sha256};
use smol_str::{SmolStr, ToSmolStr};
use std::collections::BTreeSet;
use std::sync::Arc;

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

impl Inputs {
    /// Returns the texts of the pack.
    pub fn sources(&self) -> PackSources<'_> {
        PackSources { schema: &self.schema, policies: &self.policies }
    }
}

/// A snapshot that is read when its turn comes.
#[derive(Debug)]
pub struct SnapshotInput {
    /// What reports call it: a path, with a line where a file holds many.
    pub path: String,
    /// The text, or why there is none.
    pub source: Result<Arc<Source>, Diagnostic>,
}

/// Snapshots as they come in.
pub trait SnapshotInputs: Iterator<Item = SnapshotInput> + Send {
    /// Returns whether the next one can be had without waiting for it.
    fn is_ready(&mut self) -> bool;

    /// Returns how many reports of Deodar were left out so far.
    fn skipped_reports(&self) -> usize {
        0
    }
}

/// Sees what accounts came to, beside the report so far, before they are forgotten.
pub type Sink<'s, E> = dyn FnMut(&Report, &[AccountReport]) -> Result<(), E> + Send + 's;

/// Bytes of snapshots that are judged together, unless one alone has more.
const BATCH_BYTES: usize = 32 << 20;

/// Snapshots that are judged together.
const BATCH: usize = 1024;

/// Runs checks, and remembers what does not change between runs.
#[derive(Debug, Default)]
pub struct Session {
    compiler: Compiler,
    /// What the snapshots below were read for.
    reads: BTreeSet<(TypeId, SlotId)>,
    schema: Option<Arc<Source>>,
    limits: Limits,
    snapshots: Vec<ReadSnapshot>,
    /// What the last run did anew.
    pub work: Recompiled,
}

/// What a run did anew.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Recompiled {
    /// Parts of the pack compiled.
    pub compiled: Compiled,
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
struct AccountRun<'s> {
    pack: &'s Pack,
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
        let (mut report, pack) = self.prepare(inputs, options);
        let (mut known, mut read, mut fresh) = (std::mem::take(&mut self.snapshots), Vec::new(), 0);
        if let Some(run) = AccountRun::new(pack.as_ref(), inputs, options, &mut report) {
            let mut unread = inputs.unread.iter().peekable();
            for (at, source) in inputs.snapshots.iter().enumerate() {
                while let Some((_, path)) = unread.next_if(|(before, _)| *before <= at) {
                    report.absorb(run.unread(path.clone(), Vec::new()), options);
                }
                let snapshot = match known.iter().position(|known| Arc::ptr_eq(&known.source, source)) {
                    Some(at) => known.swap_remove(at),
                    None => {
                        fresh += 1;
                        run.read(source)
                    }
                };
                report.absorb(run.account(&source.document(), &snapshot, &[]), options);
                read.push(snapshot);
            }
            unread.for_each(|(_, path)| report.absorb(run.unread(path.clone(), Vec::new()), options));
        }
        self.snapshots = read;
        self.work.snapshots = fresh;
        finish(pack.as_ref(), report)
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
        snapshots: &mut dyn SnapshotInputs,
        options: &Options,
        sink: &mut Sink<'_, E>,
    ) -> Result<Report, E> {
        let (mut report, pack) = self.prepare(inputs, options);
        if let Some(run) = AccountRun::new(pack.as_ref(), inputs, options, &mut report) {
            let mut batch = gather(snapshots);
            while !batch.is_empty() {
                let judged = || -> Result<(), E> {
                    let full: Vec<VerdictCounts> = report.checks.iter().map(|check| check.explained).collect();
                    let accounts: Vec<AccountReport> =
                        batch.into_par_iter().map(|delivery| run.delivered(delivery, &full)).collect();
                    sink(&report, &accounts)?;
                    accounts.into_iter().for_each(|account| report.absorb(account, options));
                    Ok(())
                };
                // Reading may wait for input, which no thread that judges should.
                let (outcome, next) = crate::parallel::join_spawned(judged, || gather(snapshots));
                outcome?;
                batch = next;
            }
            report.skipped_reports += snapshots.skipped_reports();
        }
        Ok(finish(pack.as_ref(), report))
    }

    /// Compiles the pack, and returns it with the report before anything is judged.
    fn prepare(&mut self, inputs: &Inputs, options: &Options) -> (Report, Option<Pack>) {
        self.work = Recompiled::default();
        let mut report = Report::new(options, inputs.diagnostics.clone());
        (report.skipped, report.skipped_reports) = (inputs.skipped, inputs.skipped_reports);
        report.run.pack = describe_pack(inputs, None);
        report.invalid = inputs.partial_pack;
        let filter = CheckFilter { only: &options.only, skip: &options.skip };
        let (pack, diagnostics) = self.compiler.compile(inputs.sources(), filter);
        self.work.compiled = self.compiler.compiled;
        report.diagnostics.extend(diagnostics);
        if let Some(pack) = &pack {
            report.run.pack.version = pack.model().version().cloned();
            report.checks = listed(pack);
            let same_schema = self.schema.as_ref().is_some_and(|known| Arc::ptr_eq(known, &inputs.schema));
            if !same_schema || self.reads != pack.program().reads || self.limits != options.limits {
                self.snapshots.clear();
                self.schema = Some(Arc::clone(&inputs.schema));
                self.reads.clone_from(&pack.program().reads);
                self.limits = options.limits;
            }
        }
        (report, pack)
    }
}

/// Compiles a pack, and returns it with the report of a run without snapshots.
pub fn without_snapshots(inputs: &Inputs, options: &Options) -> (Option<Pack>, Report) {
    let (mut report, pack) = Session::default().prepare(inputs, options);
    AccountRun::new(pack.as_ref(), inputs, options, &mut report);
    let report = finish(pack.as_ref(), report);
    (pack, report)
}

/// Lists every check of a pack, with its state.
fn listed(pack: &Pack) -> Vec<CheckReport> {
    let checks = pack.policies().checks.iter().enumerate();
    let report = |(at, check): (usize, &Check)| CheckReport {
        id: check.statement.id.clone(),
        title: check.title.clone(),
        severity: check.severity,
        remediation: check.remediation.clone(),
        reference: check.reference.clone(),
        controls: check.controls.clone(),
        state: match (pack.is_valid(check), pack.is_selected(at)) {
            (false, _) => CheckState::Invalid,
            (true, true) => CheckState::Run,
            (true, false) => CheckState::Deselected,
        },
        accounts: accounts_of(pack.model(), &check.statement),
        met: false,
        counts: VerdictCounts::default(),
        explained: VerdictCounts::default(),
    };
    checks.map(report).collect()
}

/// Adds what only the whole run shows, and sorts what it has to say.
fn finish(pack: Option<&Pack>, mut report: Report) -> Report {
    if let Some(pack) = pack {
        let unmatched = pack.policies().checks.iter().zip(&report.checks).filter_map(|(check, listed)| {
            let other = listed.state == CheckState::Run && !listed.met && !listed.accounts.is_empty();
            (other && !report.ids_seen.is_empty()).then(|| no_account(&check.statement, listed, &report))
        });
        let unmatched: Vec<Diagnostic> = unmatched.collect();
        report.diagnostics.extend(unmatched);
        let sought = report.scopes.iter().filter_map(|(id, sought)| Some((id, sought.as_ref()?)));
        let unmatched = sought.filter(|(_, sought)| **sought != Sought::Found);
        let unmatched: Vec<Diagnostic> = unmatched.map(|(id, sought)| no_scope(pack.model(), id, sought)).collect();
        report.diagnostics.extend(unmatched);
    }
    report.sort();
    report
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
fn gather(snapshots: &mut dyn SnapshotInputs) -> Vec<SnapshotInput> {
    let (mut batch, mut bytes) = (Vec::new(), 0);
    while batch.is_empty() || (bytes < BATCH_BYTES && batch.len() < BATCH && snapshots.is_ready()) {
        let Some(delivery) = snapshots.next() else { break };
        bytes += delivery.source.as_ref().map_or(0, |source| source.text().len());
        batch.push(delivery);
    }
    batch
}

impl<'s> AccountRun<'s> {
    /// Returns what judges, unless there is no pack. Reads the parameters.
    fn new(pack: Option<&'s Pack>, inputs: &'s Inputs, options: &'s Options, report: &mut Report) -> Option<Self> {
        let pack = pack?;
        let (parameters, wrong) = pack.parameters(&options.parameters);
        report.diagnostics.extend(wrong);
        report.diagnostics.extend(parameters.without_value(pack.model(), pack.program()));
        let known = inputs.diagnostics.len();
        report.invalid |= has_errors(report.diagnostics.get(known..).unwrap_or_default());
        report.run.parameters = describe_parameters(pack.model(), &parameters);
        report.scopes = parameters.scopes.iter().map(|scope| (scope.id.clone(), None)).collect();
        let recognised = inputs.recognised.then_some(inputs.pack.as_str());
        let (secrets, checks) = (pack.secrets(), report.checks.len());
        Some(Self { pack, parameters, options, recognised, secrets, checks })
    }

    fn read(&self, source: &Arc<Source>) -> ReadSnapshot {
        let limits = &self.options.limits;
        let ((snapshot, diagnostics), sha256) =
            crate::parallel::join(|| self.pack.read(source, limits), || digest(source));
        ReadSnapshot { source: Arc::clone(source), snapshot, diagnostics, sha256 }
    }

    fn delivered(&self, delivery: SnapshotInput, explained: &[VerdictCounts]) -> AccountReport {
        match delivery.source {
            Ok(source) => self.account(&delivery.path, &self.read(&source), explained),
            Err(diagnostic) => self.unread(delivery.path, vec![diagnostic]),
        }
    }

    /// Returns an account without verdicts: its snapshot could not be read.
    fn unread(&self, path: String, diagnostics: Vec<Diagnostic>) -> AccountReport {
        AccountReport {
            snapshot: SnapshotReport { path, sha256: None, captured_at: None },
            id: None,
            counts: vec![VerdictCounts::default(); self.checks],
            findings: Vec::new(),
            diagnostics,
            scopes: Vec::new(),
            other_properties: 0,
            secrets: None,
            times: Times::default(),
        }
    }

    /// Judges one account. Of what is `explained` already, by check and verdict, less is explained again.
    fn account(&self, path: &str, read: &ReadSnapshot, explained: &[VerdictCounts]) -> AccountReport {
        let mut account = AccountReport {
            snapshot: SnapshotReport { path: path.to_owned(), sha256: Some(read.sha256.clone()), captured_at: None },
            id: None,
            counts: vec![VerdictCounts::default(); self.checks],
            findings: Vec::new(),
            diagnostics: Vec::new(),
            scopes: Vec::new(),
            other_properties: 0,
            secrets: self.secrets.as_ref().map(|paths| Secrets::new(&read.source, paths)),
            times: Times { bytes: read.source.text().len(), ..Times::default() },
        };
        let unrecognised = read.snapshot.as_ref().and_then(|_| self.unrecognised_document(path, &read.source));
        let Some(snapshot) = read.snapshot.as_ref().filter(|_| unrecognised.is_none()) else {
            account.diagnostics =
                unrecognised.map_or_else(|| read.diagnostics.clone(), |unrecognised| vec![unrecognised]);
            return account;
        };
        account.diagnostics.extend(self.without_lists(path, &read.source));
        account.diagnostics.extend(read.diagnostics.iter().cloned());
        account.other_properties = snapshot.other_properties;
        account.times.read = snapshot.times;
        let mut stopwatch = Stopwatch::start();
        let run = Run { now: self.options.now, parameters: &self.parameters, pairs: self.options.limits.pairs };
        let Assessment { evaluation, diagnostics, .. } = self.pack.assess(snapshot, run);
        account.diagnostics.extend(diagnostics);
        let evaluator = evaluation.base();
        account.id = Some(evaluator.id(evaluator.root()));
        account.scopes = evaluation.sought();
        account.times.derive = stopwatch.lap();
        account.snapshot.captured_at = captured_at(evaluator);
        account.diagnostics.extend(odd_capture(evaluator, &account.snapshot, self.options));
        let listed = &Verdict::ALL[..if self.options.needs.not_applicable { 4 } else { 3 }];
        let judgements = match self.options.engine {
            Engine::Compiled => evaluation.judge(listed),
            Engine::Reference => {
                match evaluation.judge_by_reference(self.pack.policies()) {
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
        account.times.judge = stopwatch.lap();
        let findings = Findings::new(&evaluation, path.into(), WITNESSES);
        for judgement in &judgements {
            account.counts[judgement.check] = judgement.counts;
            let explained = explained.get(judgement.check).copied().unwrap_or_default();
            let left = explained.map(|explained| self.options.needs.explained().most().saturating_sub(explained));
            account.findings.extend(self.explain(&findings, judgement, left));
        }
        account.times.explain = stopwatch.lap();
        account
    }

    /// Explains the verdicts of one check, at most `left` of each kind.
    fn explain(&self, findings: &Findings<'_, '_>, judgement: &Judgement, mut left: VerdictCounts) -> Vec<Finding> {
        let Some(check) = self.pack.program().checks.iter().find(|check| check.check == judgement.check) else {
            return Vec::new();
        };
        let policy = &self.pack.policies().checks[judgement.check];
        let one = |(order, judged): (usize, &crate::engine::Judged)| {
            let ty = match judged.subject {
                crate::engine::Subject::Entity(entity) => entity.ty,
                crate::engine::Subject::Uncaptured(ty, _) => ty,
            };
            let body = check.bodies.iter().find(|body| body.resource == ty)?;
            Some(on_deep_stack(|| findings.finding(check, policy, body, judged.subject, judged.verdict, order)))
        };
        let wanted = judgement.judged.iter().enumerate().filter(|(_, judged)| {
            let left = &mut left[judged.verdict];
            let wanted = *left > 0 && self.options.needs.wants(judged.verdict);
            *left = left.saturating_sub(1);
            wanted
        });
        let wanted: Vec<_> = wanted.collect();
        wanted.into_par_iter().filter_map(one).collect()
    }

    /// The error for a document that has nothing of what the schema declares: it is not a snapshot.
    fn unrecognised_document(&self, path: &str, source: &Arc<Source>) -> Option<Diagnostic> {
        if !is_object(source) || !Snapshot::is_strange(self.pack.model(), source) {
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
        if !is_object(source) || Snapshot::has_lists(self.pack.model(), source) {
            return None;
        }
        let lists: Vec<String> = Snapshot::lists(self.pack.model()).map(|name| format!("`{name}`")).collect();
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

/// What is odd about the time of a capture, if the schema wants to know it.
fn odd_capture(evaluator: &Evaluator<'_>, described: &SnapshotReport, options: &Options) -> Option<Diagnostic> {
    let root = evaluator.model.ty(evaluator.model.root);
    let crate::schema::Shape::Leaf(slot) = root.attribute("captured_at")?.shape else { return None };
    let pointer = root.slots.get(slot.index())?.origin.pointer()?;
    let written = evaluator
        .snapshot
        .table(evaluator.model.root)
        .rows
        .first()
        .map(|row| evaluator.snapshot.locate(row.span, pointer));
    let now = options.now;
    let (odd, help) = match described.captured_at {
        // What is written and cannot be read has been reported.
        None if matches!(written.map(|at| at.kind), Some(LocationKind::Value(kind)) if kind != Kind::Null) => {
            return None;
        }
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
fn captured_at(evaluator: &Evaluator<'_>) -> Option<i64> {
    let root = evaluator.model.ty(evaluator.model.root);
    let crate::schema::Shape::Leaf(slot) = root.attribute("captured_at")?.shape else { return None };
    let column = evaluator.column(evaluator.model.root, slot);
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
    let policies = inputs.policies.iter().map(|source| file(source, FileRole::Policies));
    PackReport {
        name: inputs.pack.clone(),
        version: model.and_then(Model::version).cloned(),
        files: std::iter::once(file(&inputs.schema, FileRole::Schema)).chain(policies).collect(),
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

/// Returns the error for a parameter that is set for an instance that no judged snapshot has.
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
    report.problems(DiagnosticLevel::Error) == 0
}
