//! What a run came to: findings with their evidence, counts per check, a status. Formats render it; none adds to it.

pub mod controls;
pub mod excerpt;
mod capture;
mod finding;
pub mod json;
pub mod mask;
pub mod ndjson;
pub mod text;

pub use capture::Capture;
pub use finding::{
    ClauseReport, Finding, ReadReport, ReadState, ResourceName, WitnessReport, show_constant, show_value,
};
pub(crate) use finding::{Findings, WITNESSES, phrase, unknown_phrase};

use crate::diagnostic::{Code, Diagnostic, Severity, has_errors};
use crate::engine::{Sought, Verdict, VerdictCounts};
use crate::parameters::Setting;
use crate::policy::Level;
use crate::snapshot::{Limits, ReadTimes, Secrets};
use crate::source::{Source, Span};
use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The formats of the documents that Deodar writes as JSON, as their property `format` says.
pub const FORMATS: [&str; 3] = ["deodar-report", "deodar-account", "deodar-test"];

/// Ids of accounts that a report keeps.
const IDS: usize = 8;

/// Everything a run has to say.
#[derive(Debug)]
pub struct Report {
    /// What was run.
    pub run: Run,
    /// Every check, whatever happened to it, in order of ids.
    pub checks: Vec<CheckReport>,
    /// Every verdict that is not a pass, as far as it was to be explained, the worst first.
    pub findings: Vec<Finding>,
    /// What is wrong with the files, as far as it is told.
    pub diagnostics: Vec<Diagnostic>,
    told: BTreeMap<(Code, Severity), usize>,
    /// What more is wrong with them: how often, by code and severity.
    pub untold: BTreeMap<(Code, Severity), usize>,
    /// Whether the pack, a parameter or the selection is invalid: then no account is judged as it should be.
    pub invalid: bool,
    /// Ids of accounts, the first few.
    pub ids_seen: Vec<SmolStr>,
    /// The instances for which parameters are set, by id, each with what the judged snapshots have; `None` if no snapshot
    /// was judged.
    pub(crate) scopes: Vec<(SmolStr, Option<Sought>)>,
    /// Whether there were other ids.
    pub more_ids: bool,
    /// Properties of snapshots that the schema does not declare.
    pub other_properties: usize,
    /// Files in walked directories that are no snapshots.
    pub skipped: usize,
    /// Reports of Deodar in walked directories.
    pub skipped_reports: usize,
    /// The secrets of the texts that are shown; no output shows them.
    pub secrets: Vec<Secrets>,
    /// How long the steps took, on all threads together.
    pub times: Times,
}

/// What one account of a run came to.
#[derive(Debug)]
pub struct Account {
    /// Its snapshot.
    pub snapshot: SnapshotReport,
    /// The id of its root entity; `None` if it was not judged.
    pub id: Option<SmolStr>,
    /// How often each verdict was given, in the order of the run's checks.
    pub counts: Vec<VerdictCounts>,
    /// Verdicts that are explained.
    pub findings: Vec<Finding>,
    /// What is wrong with the snapshot.
    pub diagnostics: Vec<Diagnostic>,
    /// For every instance for which parameters are set, whether the snapshot has it; empty if it was not judged.
    pub scopes: Vec<Sought>,
    /// Properties that the schema does not declare.
    pub other_properties: usize,
    /// The secrets of the snapshot; `None` if the schema declares none.
    pub secrets: Option<Secrets>,
    /// How long the steps took.
    pub times: Times,
}

/// How long the steps of a run took, and how many bytes of snapshots there were.
#[derive(Debug, Clone, Copy, Default)]
pub struct Times {
    /// Bytes of snapshots.
    pub bytes: usize,
    /// Reading the snapshots' bytes.
    pub read: ReadTimes,
    /// Computing derived attributes.
    pub derive: Duration,
    /// Giving verdicts.
    pub judge: Duration,
    /// Explaining them.
    pub explain: Duration,
}

impl Times {
    fn add(&mut self, other: &Times) {
        self.bytes += other.bytes;
        self.read.split += other.read.split;
        self.read.decode += other.read.decode;
        self.read.resolve += other.read.resolve;
        self.derive += other.derive;
        self.judge += other.judge;
        self.explain += other.explain;
    }
}

/// What was run.
#[derive(Debug, Clone)]
pub struct Run {
    /// The time that checks take for now, in milliseconds since 1970.
    pub now: i64,
    /// Policies and schema.
    pub pack: PackReport,
    /// The snapshots in order, as far as they are told.
    pub snapshots: Vec<SnapshotReport>,
    /// How many there were.
    pub accounts: usize,
    /// Parameters with their values and where those come from.
    pub parameters: Vec<ParameterReport>,
    /// `compiled` or `reference`.
    pub engine: &'static str,
    /// The mildest severity whose failures stop a pipeline.
    pub fail_on: Level,
    /// Whether unknown verdicts are tolerated.
    pub allow_unknown: bool,
    /// The framework by whose controls checks are rolled up, if any.
    pub by: Option<&'static str>,
}

/// The pack of a run.
#[derive(Debug, Clone, Default)]
pub struct PackReport {
    /// Where policies and schema come from, in words.
    pub name: String,
    /// The version, if the schema has one.
    pub version: Option<SmolStr>,
    /// The schema, then the policy files in order of their names.
    pub files: Vec<FileReport>,
}

impl PackReport {
    /// Returns the origin and the version in words.
    pub fn described(&self) -> String {
        match &self.version {
            Some(version) => format!("{}, version {version},", self.name),
            None => self.name.clone(),
        }
    }
}

/// A file of a pack.
#[derive(Debug, Clone)]
pub struct FileReport {
    /// The path as it was given.
    pub path: String,
    /// `schema` or `policies`.
    pub role: &'static str,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// A snapshot of a run.
#[derive(Debug, Clone)]
pub struct SnapshotReport {
    /// The path as it was given.
    pub path: String,
    /// SHA-256 of the text, unpacked, in hexadecimal; `None` if there is none.
    pub sha256: Option<String>,
    /// When it was captured, if it says so, in milliseconds since 1970.
    pub captured_at: Option<i64>,
}

/// A parameter of a run.
#[derive(Debug, Clone)]
pub struct ParameterReport {
    /// Its name.
    pub name: SmolStr,
    /// The instance for which it was set; `None` if it is a parameter of the whole run.
    pub scope: Option<ScopeReport>,
    /// Its value, if it has one.
    pub value: Option<String>,
    /// Whether somebody set it; otherwise it is the schema's default.
    pub set: bool,
}

/// An instance for which a parameter was set.
#[derive(Debug, Clone)]
pub struct ScopeReport {
    /// Its type without namespace.
    pub ty: String,
    /// Its id.
    pub id: SmolStr,
}

/// A check of a run.
#[derive(Debug, Clone)]
pub struct CheckReport {
    /// Its id.
    pub id: SmolStr,
    /// Its title.
    pub title: SmolStr,
    /// Its severity.
    pub level: Level,
    /// What to do about a failure.
    pub remediation: Option<SmolStr>,
    /// Where the recommendation comes from.
    pub source: Option<SmolStr>,
    /// Controls by framework.
    pub controls: Vec<(&'static str, Vec<SmolStr>)>,
    /// Whether it was run.
    pub state: CheckState,
    /// The ids of accounts that its scope names; if there are some, it judges no other account.
    pub accounts: Vec<SmolStr>,
    /// Whether one of these was judged.
    pub met: bool,
    /// How often each verdict was given.
    pub counts: VerdictCounts,
    /// How many of them are explained.
    pub explained: VerdictCounts,
}

impl CheckReport {
    /// Returns how often a verdict was given.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.counts[verdict]
    }

    /// Returns how many verdicts were given.
    pub fn total(&self) -> usize {
        self.counts.total()
    }

    /// Returns its state after the run.
    pub fn outcome(&self) -> CheckState {
        self.state.after(&self.counts)
    }
}

/// Whether a check was run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckState {
    /// It was.
    Run,
    /// It was, and there was no resource that it judges.
    NoResources,
    /// `--only` or `--skip` left it out.
    Deselected,
    /// It is invalid, or depends on a derivation that is.
    Invalid,
}

impl CheckState {
    /// Returns the state of a check after it gave some verdicts.
    pub fn after(self, counts: &VerdictCounts) -> Self {
        if self == CheckState::Run && counts.total() == 0 { CheckState::NoResources } else { self }
    }

    /// Returns the name reports use.
    pub fn name(self) -> &'static str {
        match self {
            CheckState::Run => "run",
            CheckState::NoResources => "no_resources",
            CheckState::Deselected => "deselected",
            CheckState::Invalid => "invalid",
        }
    }
}

/// What a user may choose.
#[derive(Debug, Clone)]
pub struct Options {
    /// The time that checks take for now, in milliseconds since 1970.
    pub now: i64,
    /// Where that time comes from.
    pub clock: Clock,
    /// Parameters that override the schema's defaults, for the whole run or for one instance.
    pub parameters: Vec<Setting>,
    /// Run only checks that one of these matches: an id, a pattern with `*`, a severity.
    pub only: Vec<String>,
    /// Leave out checks that one of these matches.
    pub skip: Vec<String>,
    /// Which engine judges.
    pub engine: Engine,
    /// The mildest severity whose failures stop a pipeline.
    pub fail_on: Level,
    /// Whether unknown verdicts are tolerated.
    pub allow_unknown: bool,
    /// The framework, by the name reports use, by whose controls the report rolls checks up.
    pub by: Option<&'static str>,
    /// How many verdicts of one check and kind are explained of one account; the others are counted.
    pub most_findings: usize,
    /// How many of them the report keeps, over all accounts.
    pub most_kept: usize,
    /// Whether what is not applicable is explained too.
    pub explain_not_applicable: bool,
    /// How many diagnostics of one code the report keeps; the others are counted.
    pub most_diagnostics: usize,
    /// How many snapshots the report names; the others are counted.
    pub most_snapshots: usize,
    /// How much is taken on.
    pub limits: Limits,
}

impl Options {
    /// Returns the options of a run that explains everything, with the clock at `now`.
    pub fn at(now: i64) -> Self {
        Self {
            now,
            clock: Clock::Given,
            parameters: Vec::new(),
            only: Vec::new(),
            skip: Vec::new(),
            engine: Engine::Compiled,
            fail_on: Level::Low,
            allow_unknown: false,
            by: None,
            most_findings: usize::MAX,
            most_kept: usize::MAX,
            explain_not_applicable: true,
            most_diagnostics: usize::MAX,
            most_snapshots: usize::MAX,
            limits: Limits::default(),
        }
    }
}

/// Where the time of a run comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// The clock of the machine.
    Machine,
    /// The user.
    Given,
}

/// Who judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Deodar's own program.
    Compiled,
    /// The official evaluator.
    Reference,
}

impl Engine {
    /// Returns the name reports use.
    pub fn name(self) -> &'static str {
        match self {
            Engine::Compiled => "compiled",
            Engine::Reference => "reference",
        }
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Everything was judged, nothing at or above the threshold.
    Clean,
    /// There are failures at or above the threshold.
    Findings,
    /// Nothing was evaluated, or nothing could be decided and unknown verdicts are tolerated.
    Nothing,
    /// Some verdict is unknown.
    Incomplete,
    /// A file is unreadable or invalid.
    Invalid,
}

impl Status {
    /// All statuses that hold at once, the one that sets the exit code first.
    const ORDER: [Status; 4] = [Status::Invalid, Status::Findings, Status::Incomplete, Status::Nothing];

    /// Returns everything that holds, by severity and verdicts of every check; only `Clean` if nothing else does.
    fn of<'c>(run: &Run, checks: impl Iterator<Item = (Level, &'c VerdictCounts)>, invalid: bool) -> Vec<Status> {
        let (mut failed, mut unknown, mut decided) = (false, false, 0);
        for (level, counts) in checks {
            failed |= level >= run.fail_on && counts[Verdict::Fail] > 0;
            unknown |= counts[Verdict::Unknown] > 0;
            decided += counts.total() - counts[Verdict::Unknown];
        }
        let holds = |status: &Status| match status {
            Status::Clean => false,
            Status::Findings => failed,
            Status::Nothing => decided == 0 && (!unknown || run.allow_unknown),
            Status::Incomplete => unknown && !run.allow_unknown,
            Status::Invalid => invalid,
        };
        let all: Vec<Status> = Status::ORDER.into_iter().filter(holds).collect();
        if all.is_empty() { vec![Status::Clean] } else { all }
    }

    /// Returns the exit code.
    pub fn exit_code(self) -> u8 {
        match self {
            Status::Clean => 0,
            Status::Findings => 1,
            Status::Nothing => 3,
            Status::Incomplete => 4,
            Status::Invalid => 5,
        }
    }

    /// Returns the name reports use.
    pub fn name(self) -> &'static str {
        match self {
            Status::Clean => "clean",
            Status::Findings => "findings",
            Status::Nothing => "nothing_evaluated",
            Status::Incomplete => "incomplete",
            Status::Invalid => "invalid_input",
        }
    }
}

impl Report {
    /// Returns the report of a run that could not begin.
    pub fn unread(diagnostics: Vec<Diagnostic>, options: &Options) -> Self {
        Self::new(options, diagnostics)
    }

    /// Returns a report without verdicts.
    pub(crate) fn new(options: &Options, diagnostics: Vec<Diagnostic>) -> Self {
        let run = Run {
            now: options.now,
            pack: PackReport { name: "nothing".to_owned(), ..PackReport::default() },
            snapshots: Vec::new(),
            accounts: 0,
            parameters: Vec::new(),
            engine: options.engine.name(),
            fail_on: options.fail_on,
            allow_unknown: options.allow_unknown,
            by: options.by,
        };
        Self {
            run,
            checks: Vec::new(),
            findings: Vec::new(),
            diagnostics,
            told: BTreeMap::new(),
            untold: BTreeMap::new(),
            invalid: false,
            ids_seen: Vec::new(),
            scopes: Vec::new(),
            more_ids: false,
            other_properties: 0,
            skipped: 0,
            skipped_reports: 0,
            secrets: Vec::new(),
            times: Times::default(),
        }
    }

    /// Takes in what the next account came to, as far as there is room for it.
    pub(crate) fn absorb(&mut self, account: Account, options: &Options) {
        let number = self.run.accounts;
        self.run.accounts += 1;
        self.other_properties += account.other_properties;
        self.times.add(&account.times);
        if self.run.snapshots.len() < options.most_snapshots {
            self.run.snapshots.push(account.snapshot);
        }
        for (check, counts) in self.checks.iter_mut().zip(account.counts) {
            check.counts += counts;
        }
        if let Some(id) = account.id {
            for check in self.checks.iter_mut().filter(|check| !check.met) {
                check.met = check.accounts.iter().all(|account| *account == id);
            }
            if !self.ids_seen.contains(&id) {
                if self.ids_seen.len() < IDS { self.ids_seen.push(id) } else { self.more_ids = true }
            }
        }
        for ((_, known), sought) in self.scopes.iter_mut().zip(account.scopes) {
            match known {
                Some(Sought::Found) => {}
                Some(_) if matches!(sought, Sought::Others(_)) => {}
                Some(Sought::Similar(_)) if sought != Sought::Found => {}
                _ => *known = Some(sought),
            }
        }
        let (findings, diagnostics) = (self.findings.len(), self.diagnostics.len());
        for finding in account.findings {
            let explained = &mut self.checks[finding.check].explained[finding.verdict];
            if *explained < options.most_kept {
                *explained += 1;
                self.findings.push(Finding { snapshot: number, ..finding });
            }
        }
        self.tell(account.diagnostics, options);
        // The text is kept only where something shows it.
        if self.findings.len() > findings || self.diagnostics.len() > diagnostics {
            self.secrets.extend(account.secrets);
        }
    }

    /// Adds diagnostics, as far as there is room for more of their kind.
    pub(crate) fn tell(&mut self, diagnostics: Vec<Diagnostic>, options: &Options) {
        for diagnostic in diagnostics {
            let kind = (diagnostic.code, diagnostic.severity);
            let told = self.told.entry(kind).or_insert(0);
            if *told < options.most_diagnostics {
                *told += 1;
                self.diagnostics.push(diagnostic);
            } else {
                *self.untold.entry(kind).or_insert(0) += 1;
            }
        }
    }

    /// Returns how many diagnostics of a severity there are, told or not.
    pub fn problems(&self, severity: Severity) -> usize {
        let told = self.diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count();
        let untold = self.untold.iter().filter(|((_, untold), _)| *untold == severity).map(|(_, count)| count);
        told + untold.sum::<usize>()
    }

    /// Returns how often a verdict was given, over all checks.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.checks.iter().map(|check| check.count(verdict)).sum()
    }

    /// Returns everything that holds, the one that sets the exit code first; only `Clean` if nothing else does.
    pub fn statuses(&self) -> Vec<Status> {
        let counts = self.checks.iter().map(|check| (check.level, &check.counts));
        Status::of(&self.run, counts, self.problems(Severity::Error) > 0)
    }

    /// Returns everything that holds of one account of the run.
    pub fn statuses_of(&self, account: &Account) -> Vec<Status> {
        let counts = self.checks.iter().map(|check| check.level).zip(&account.counts);
        Status::of(&self.run, counts, self.invalid || has_errors(&account.diagnostics))
    }

    /// Returns the status that sets the exit code.
    pub fn status(&self) -> Status {
        self.statuses().first().copied().unwrap_or(Status::Clean)
    }

    /// Returns where the secrets of a source are, in order.
    pub fn secrets_of(&self, source: &Arc<Source>) -> &[Span] {
        let found = self.secrets.iter().find(|known| Arc::ptr_eq(known.source(), source));
        found.map_or(&[], Secrets::spans)
    }

    /// Returns the checks that were run and met nothing to judge.
    pub fn idle_checks(&self) -> impl Iterator<Item = &CheckReport> {
        self.checks.iter().filter(|check| check.outcome() == CheckState::NoResources)
    }
}
