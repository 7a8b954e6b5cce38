//! What a run came to: findings with their evidence, counts per check, a status. Formats render it; none adds to it.

pub mod excerpt;
mod finding;
pub mod json;
pub mod text;

pub use finding::{ClauseReport, Finding, ReadReport, ReadState, ResourceName, WitnessReport, show_value};
pub(crate) use finding::{Findings, phrase};

use crate::diagnostic::{Diagnostic, has_errors};
use crate::engine::Verdict;
use crate::policy::Level;
use crate::source::{Source, Span};
use smol_str::SmolStr;
use std::sync::Arc;

/// Everything a run has to say.
#[derive(Debug)]
pub struct Report {
    /// What was run.
    pub run: Run,
    /// Every check, whatever happened to it, in order of ids.
    pub checks: Vec<CheckReport>,
    /// Every verdict that is not a pass, as far as it was to be explained, the worst first.
    pub findings: Vec<Finding>,
    /// What is wrong with the files.
    pub diagnostics: Vec<Diagnostic>,
    /// Properties of snapshots that the schema does not declare.
    pub other_properties: usize,
    /// Files in walked directories that are no snapshots.
    pub skipped: usize,
    /// Where secret values lie, by snapshot; no output shows them.
    pub secrets: Vec<(Arc<Source>, Vec<Span>)>,
}

/// What was run.
#[derive(Debug, Clone)]
pub struct Run {
    /// The time that checks take for now, in milliseconds since 1970.
    pub now: i64,
    /// Where policies and schema come from, in words.
    pub pack: String,
    /// The snapshots in order.
    pub snapshots: Vec<SnapshotReport>,
    /// Parameters with their values and where those come from.
    pub parameters: Vec<ParameterReport>,
    /// `compiled` or `reference`.
    pub engine: &'static str,
    /// The mildest severity whose failures stop a pipeline.
    pub fail_on: Level,
    /// Whether unknown verdicts are tolerated.
    pub allow_unknown: bool,
}

/// A snapshot of a run.
#[derive(Debug, Clone)]
pub struct SnapshotReport {
    /// The path as it was given.
    pub path: String,
    /// SHA-256 of the bytes, in hexadecimal.
    pub sha256: String,
    /// When it was captured, if it says so, in milliseconds since 1970.
    pub captured_at: Option<i64>,
}

/// A parameter of a run.
#[derive(Debug, Clone)]
pub struct ParameterReport {
    /// Its name.
    pub name: SmolStr,
    /// Its value, if it has one.
    pub value: Option<String>,
    /// Whether somebody set it; otherwise it is the schema's default.
    pub set: bool,
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
    /// Verdicts by kind, in the order of [`Verdict::ALL`].
    pub counts: [usize; 5],
}

impl CheckReport {
    /// Returns how often a verdict was given.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.counts[verdict as usize]
    }

    /// Returns how many verdicts were given.
    pub fn total(&self) -> usize {
        self.counts.iter().sum()
    }
}

/// Whether a check was run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckState {
    /// It was.
    Run,
    /// `--only` or `--skip` left it out.
    Deselected,
    /// It is invalid.
    Invalid,
}

impl CheckState {
    /// Returns the name reports use.
    pub fn name(self) -> &'static str {
        match self {
            CheckState::Run => "run",
            CheckState::Deselected => "deselected",
            CheckState::Invalid => "invalid",
        }
    }
}

/// Pairs that a derivation without a join may try: a few seconds.
pub const MOST_PAIRS: usize = 100_000_000;

/// What a user may choose.
#[derive(Debug, Clone)]
pub struct Options {
    /// The time that checks take for now, in milliseconds since 1970.
    pub now: i64,
    /// Parameters that override the schema's defaults, by name.
    pub parameters: Vec<(String, String)>,
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
    /// How many verdicts of one check and kind are explained; the others are counted.
    pub most_findings: usize,
    /// Whether what is not applicable is explained too.
    pub explain_not_applicable: bool,
    /// How many pairs of principal and resource a derivation without a join may try.
    pub most_pairs: usize,
}

impl Options {
    /// Returns the options of a run that explains everything, with the clock at `now`.
    pub fn at(now: i64) -> Self {
        Self {
            now,
            parameters: Vec::new(),
            only: Vec::new(),
            skip: Vec::new(),
            engine: Engine::Compiled,
            fail_on: Level::Low,
            allow_unknown: false,
            most_findings: usize::MAX,
            explain_not_applicable: true,
            most_pairs: MOST_PAIRS,
        }
    }
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
    /// Nothing was evaluated.
    Nothing,
    /// Some verdict is unknown.
    Incomplete,
    /// A file is unreadable or invalid.
    Invalid,
}

impl Status {
    /// All statuses that hold at once, the one that sets the exit code first.
    const ORDER: [Status; 4] = [Status::Invalid, Status::Findings, Status::Incomplete, Status::Nothing];

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
        Self::new("nothing", options, diagnostics, 0)
    }

    /// Returns a report without verdicts.
    pub(crate) fn new(pack: &str, options: &Options, diagnostics: Vec<Diagnostic>, skipped: usize) -> Self {
        let run = Run {
            now: options.now,
            pack: pack.to_owned(),
            snapshots: Vec::new(),
            parameters: Vec::new(),
            engine: options.engine.name(),
            fail_on: options.fail_on,
            allow_unknown: options.allow_unknown,
        };
        Self {
            run,
            checks: Vec::new(),
            findings: Vec::new(),
            diagnostics,
            other_properties: 0,
            skipped,
            secrets: Vec::new(),
        }
    }

    /// Returns how often a verdict was given, over all checks.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.checks.iter().map(|check| check.count(verdict)).sum()
    }

    /// Returns everything that holds, the one that sets the exit code first; only `Clean` if nothing else does.
    pub fn statuses(&self) -> Vec<Status> {
        let failed = self.checks.iter().any(|check| check.level >= self.run.fail_on && check.count(Verdict::Fail) > 0);
        let holds = |status: &Status| match status {
            Status::Clean => false,
            Status::Findings => failed,
            Status::Nothing => self.checks.iter().all(|check| check.total() == 0),
            Status::Incomplete => self.count(Verdict::Unknown) > 0 && !self.run.allow_unknown,
            Status::Invalid => has_errors(&self.diagnostics),
        };
        let all: Vec<Status> = Status::ORDER.into_iter().filter(holds).collect();
        if all.is_empty() { vec![Status::Clean] } else { all }
    }

    /// Returns the status that sets the exit code.
    pub fn status(&self) -> Status {
        self.statuses().first().copied().unwrap_or(Status::Clean)
    }

    /// Returns where secret values lie in a source.
    pub fn secrets_of(&self, source: &Arc<Source>) -> &[Span] {
        let found = self.secrets.iter().find(|(known, _)| Arc::ptr_eq(known, source));
        found.map_or(&[], |(_, spans)| spans)
    }

    /// Returns the checks that were run and met nothing to judge.
    pub fn idle_checks(&self) -> impl Iterator<Item = &CheckReport> {
        self.checks.iter().filter(|check| check.state == CheckState::Run && check.total() == 0)
    }
}
