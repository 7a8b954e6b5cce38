//! The report of a run: findings with their identity and evidence, counts per check, a status. It is data; `render`
//! writes it.

pub mod controls;
mod needs;
mod show;
mod identity;
mod evidence;
mod message;
mod finding;
mod capture;

pub use evidence::{Capture, ClauseOutcome, ClauseReport, ReadKind, ReadReport, ReadState, WitnessReport};
pub use finding::{Finding, MASK, ResourceName};
pub(crate) use finding::{Findings, WITNESSES};
pub use identity::Identity;
pub(crate) use message::{phrase, unknown_phrase};
pub use needs::{Evidence, Needs};
pub use show::{show_constant, show_value};

use crate::diagnostic::{self, Code, Diagnostic, DiagnosticLevel, has_errors};
use crate::engine::{Sought, Verdict, VerdictCounts};
use crate::parameters::Setting;
use crate::policy::CheckSeverity;
use crate::snapshot::{Limits, ReadTimes, Secrets};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::borrow::Borrow;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

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
    /// What is wrong with the files, as far as it is shown.
    pub diagnostics: Vec<Diagnostic>,
    /// For every diagnostic that is about an account, the number of earlier ones of its kind. The order is that of
    /// `diagnostics`; the last diagnostics may have no entry.
    ranks: Vec<Option<usize>>,
    shown: DiagnosticCounts,
    /// What more is wrong with them: how often, by code and severity.
    pub suppressed: DiagnosticCounts,
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

/// The number of diagnostics by code and severity.
pub type DiagnosticCounts = BTreeMap<(Code, DiagnosticLevel), usize>;

/// What one account of a run came to.
#[derive(Debug)]
pub struct AccountReport {
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
    /// The snapshots in order, as far as they are shown.
    pub snapshots: Vec<SnapshotReport>,
    /// How many there were.
    pub accounts: usize,
    /// Parameters with their values and where those come from.
    pub parameters: Vec<ParameterReport>,
    /// The engine that judged.
    pub engine: Engine,
    /// The mildest severity whose failures stop a pipeline.
    pub fail_on: CheckSeverity,
    /// Whether unknown verdicts are tolerated.
    pub allow_unknown: bool,
    /// The framework by whose controls checks are rolled up, if any.
    pub by: Option<&'static str>,
}

impl Run {
    /// Returns the severity from which failures count, and whether unknown verdicts are tolerated.
    fn gate(&self) -> (CheckSeverity, bool) {
        (self.fail_on, self.allow_unknown)
    }
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
    /// Its role in the pack.
    pub role: FileRole,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// The role of a file of a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileRole {
    /// It is the schema.
    Schema,
    /// It contains policies.
    Policies,
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
    pub severity: CheckSeverity,
    /// What to do about a failure.
    pub remediation: Option<SmolStr>,
    /// Where the recommendation comes from.
    pub reference: Option<SmolStr>,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
    pub fail_on: CheckSeverity,
    /// Whether unknown verdicts are tolerated.
    pub allow_unknown: bool,
    /// The framework, by the name reports use, by whose controls the report rolls checks up.
    pub by: Option<&'static str>,
    /// The needs of all outputs of the run.
    pub needs: Needs,
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
            fail_on: CheckSeverity::Low,
            allow_unknown: false,
            by: None,
            needs: Needs::ALL,
            limits: Limits::default(),
        }
    }
}

/// Where the time of a run comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// The clock of the evaluator.
    Machine,
    /// The user.
    Given,
}

/// Who judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Engine {
    /// Deodar's own program.
    Compiled,
    /// The official evaluator.
    Reference,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Everything was judged, nothing at or above the threshold.
    Clean,
    /// There are failures at or above the threshold.
    Findings,
    /// Nothing was evaluated, or nothing could be decided and unknown verdicts are tolerated.
    #[serde(rename = "nothing_evaluated")]
    Nothing,
    /// Some verdict is unknown.
    Incomplete,
    /// A file is unreadable or invalid.
    #[serde(rename = "invalid_input")]
    Invalid,
}

impl Status {
    /// All statuses that hold at once, the one that sets the exit code first.
    const ORDER: [Status; 4] = [Status::Invalid, Status::Findings, Status::Incomplete, Status::Nothing];

    /// Returns everything that holds, by severity and verdicts of every check; only `Clean` if nothing else does.
    pub(crate) fn of(
        (fail_on, allow_unknown): (CheckSeverity, bool),
        checks: impl Iterator<Item = (CheckSeverity, VerdictCounts)>,
        invalid: bool,
    ) -> Vec<Status> {
        let (mut failed, mut unknown, mut decided) = (false, false, 0);
        for (level, counts) in checks {
            failed |= level >= fail_on && counts[Verdict::Fail] > 0;
            unknown |= counts[Verdict::Unknown] > 0;
            decided += counts.total() - counts[Verdict::Unknown];
        }
        let holds = |status: &Status| match status {
            Status::Clean => false,
            Status::Findings => failed,
            Status::Nothing => decided == 0 && (!unknown || allow_unknown),
            Status::Incomplete => unknown && !allow_unknown,
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
}

/// A diagnostic with the number of earlier ones of its kind, if it is about an account.
struct Ranked {
    diagnostic: Diagnostic,
    rank: Option<usize>,
}

impl Borrow<Diagnostic> for Ranked {
    fn borrow(&self) -> &Diagnostic {
        &self.diagnostic
    }
}

impl AccountReport {
    /// Returns the findings that an output needs.
    pub fn findings_for(&self, needs: &Needs) -> impl Iterator<Item = &Finding> {
        let not_applicable = needs.not_applicable;
        self.findings.iter().filter(move |found| not_applicable || found.verdict != Verdict::NotApplicable)
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
            engine: options.engine,
            fail_on: options.fail_on,
            allow_unknown: options.allow_unknown,
            by: options.by,
        };
        Self {
            run,
            checks: Vec::new(),
            findings: Vec::new(),
            diagnostics,
            ranks: Vec::new(),
            shown: BTreeMap::new(),
            suppressed: BTreeMap::new(),
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
    pub(crate) fn absorb(&mut self, account: AccountReport, options: &Options) {
        let number = self.run.accounts;
        self.run.accounts += 1;
        self.other_properties += account.other_properties;
        self.times.add(&account.times);
        if self.run.snapshots.len() < options.needs.snapshots.most() {
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
            if *explained < options.needs.findings.most() {
                *explained += 1;
                self.findings.push(Finding { snapshot: number, ..finding });
            }
        }
        self.push_capped(account.diagnostics, options);
        // The text is kept only where something shows it.
        if self.findings.len() > findings || self.diagnostics.len() > diagnostics {
            self.secrets.extend(account.secrets);
        }
    }

    /// Adds diagnostics, as far as there is room for more of their kind.
    pub(crate) fn push_capped(&mut self, diagnostics: Vec<Diagnostic>, options: &Options) {
        for diagnostic in diagnostics {
            let kind = (diagnostic.code, diagnostic.level);
            let shown = self.shown.entry(kind).or_insert(0);
            if *shown < options.needs.diagnostics.most() {
                self.ranks.resize(self.diagnostics.len(), None);
                self.ranks.push(Some(*shown));
                self.diagnostics.push(diagnostic);
                *shown += 1;
            } else {
                *self.suppressed.entry(kind).or_insert(0) += 1;
            }
        }
    }

    /// Sorts findings, the worst first, and diagnostics by file and place.
    pub(crate) fn sort(&mut self) {
        let checks = &self.checks;
        self.findings.sort_by_key(|finding| {
            let level = checks.get(finding.check).map_or(CheckSeverity::Low, |check| check.severity);
            (finding.verdict, Reverse(level), finding.check, finding.snapshot, finding.resource.order)
        });
        self.ranks.resize(self.diagnostics.len(), None);
        let ranked = std::mem::take(&mut self.diagnostics).into_iter().zip(std::mem::take(&mut self.ranks));
        let mut ranked: Vec<Ranked> = ranked.map(|(diagnostic, rank)| Ranked { diagnostic, rank }).collect();
        diagnostic::sort(&mut ranked);
        (self.diagnostics, self.ranks) = ranked.into_iter().map(|it| (it.diagnostic, it.rank)).unzip();
    }

    /// Returns the findings that an output needs, in order: of each check and verdict the first ones.
    pub fn findings_for(&self, needs: &Needs) -> Vec<&Finding> {
        let wanted = self.findings.iter().filter(|finding| needs.wants(finding.verdict));
        let wanted: Vec<&Finding> = wanted.collect();
        let same = wanted.chunk_by(|a, b| (a.check, a.verdict) == (b.check, b.verdict));
        same.flat_map(|same| same.iter().take(needs.findings.most())).copied().collect()
    }

    /// Returns the diagnostics that an output needs, in order, and the number of the others. Those that
    /// are not about an account are always needed.
    pub fn diagnostics_for(&self, needs: &Needs) -> (Vec<&Diagnostic>, DiagnosticCounts) {
        let (mut shown, mut others) = (Vec::new(), self.suppressed.clone());
        let ranks = self.ranks.iter().copied().chain(std::iter::repeat(None));
        for (diagnostic, rank) in self.diagnostics.iter().zip(ranks) {
            if rank.is_none_or(|rank| rank < needs.diagnostics.most()) {
                shown.push(diagnostic);
            } else {
                *others.entry((diagnostic.code, diagnostic.level)).or_insert(0) += 1;
            }
        }
        (shown, others)
    }

    /// Returns how many diagnostics of a severity there are, shown or not.
    pub fn problems(&self, severity: DiagnosticLevel) -> usize {
        let shown = self.diagnostics.iter().filter(|diagnostic| diagnostic.level == severity).count();
        let suppressed =
            self.suppressed.iter().filter(|((_, suppressed), _)| *suppressed == severity).map(|(_, count)| count);
        shown + suppressed.sum::<usize>()
    }

    /// Returns how often a verdict was given, over all checks.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.checks.iter().map(|check| check.count(verdict)).sum()
    }

    /// Returns everything that holds, the one that sets the exit code first; only `Clean` if nothing else does.
    pub fn statuses(&self) -> Vec<Status> {
        let counts = self.checks.iter().map(|check| (check.severity, check.counts));
        Status::of(self.run.gate(), counts, self.problems(DiagnosticLevel::Error) > 0)
    }

    /// Returns everything that holds of one account of the run.
    pub fn statuses_of(&self, account: &AccountReport) -> Vec<Status> {
        let counts = self.checks.iter().map(|check| check.severity).zip(account.counts.iter().copied());
        Status::of(self.run.gate(), counts, self.invalid || has_errors(&account.diagnostics))
    }

    /// Returns the status that sets the exit code.
    pub fn status(&self) -> Status {
        self.statuses().first().copied().unwrap_or(Status::Clean)
    }

    /// Returns the checks that were run and met nothing to judge.
    pub fn idle_checks(&self) -> impl Iterator<Item = &CheckReport> {
        self.checks.iter().filter(|check| check.outcome() == CheckState::NoResources)
    }
}
