//! The options of a run.

use super::baseline::Baseline;
use super::configured::ConfigurationReport;
use super::needs::Needs;
use crate::parameters::Setting;
use crate::policy::CheckSeverity;
use crate::snapshot::Limits;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::sync::Arc;

/// The choices of a user for a run.
#[derive(Debug, Clone)]
pub struct Options {
    /// The time of the run, in milliseconds since 1970.
    pub now: i64,
    /// The origin of that time.
    pub clock: Clock,
    /// Settings of parameters, which override the schema's defaults for the whole run or for one instance.
    pub parameters: Vec<Setting>,
    /// Ids of checks, patterns with `*`, and severities: the checks to run. Empty for all.
    pub only: Vec<String>,
    /// Ids of checks, patterns with `*`, and severities: the checks to leave out.
    pub skip: Vec<String>,
    /// The engine that judges.
    pub engine: Engine,
    /// Whether waivers are used.
    pub waivers: WaiverUse,
    /// The results that a pipeline accepts.
    pub gate: Gate,
    /// The earlier run whose failures and unknown verdicts a pipeline accepts.
    pub baseline: Option<Arc<Baseline>>,
    /// The maximal age of a snapshot, in milliseconds. All verdicts on an older one are unknown.
    pub max_snapshot_age: Option<i64>,
    /// The framework, by its name in reports, whose controls group the checks.
    pub by: Option<SmolStr>,
    /// The configuration file of the run, if it has one.
    pub configuration: Option<Arc<ConfigurationReport>>,
    /// The needs of all outputs of the run.
    pub needs: Needs,
    /// The limits on snapshots and on pairs of derivations.
    pub limits: Limits,
}

impl Options {
    /// Returns the options of a run at a time, in milliseconds since 1970, that explains every finding.
    pub fn at(now: i64) -> Self {
        Self {
            now,
            clock: Clock::Given,
            parameters: Vec::new(),
            only: Vec::new(),
            skip: Vec::new(),
            engine: Engine::Compiled,
            waivers: WaiverUse::Applied,
            gate: Gate::STRICT,
            baseline: None,
            max_snapshot_age: None,
            by: None,
            configuration: None,
            needs: Needs::ALL,
            limits: Limits::default(),
        }
    }
}

/// The results that a pipeline accepts. They determine the status of a run, and no verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gate {
    /// The lowest severity whose failures a pipeline does not accept.
    pub fail_on: CheckSeverity,
    /// Whether a pipeline accepts unknown verdicts.
    pub allow_unknown: bool,
}

impl Gate {
    /// Accepts neither failures nor unknown verdicts.
    pub const STRICT: Self = Self { fail_on: CheckSeverity::Low, allow_unknown: false };
}

/// The origin of the time of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// The clock of the machine.
    Machine,
    /// The user.
    Given,
}

/// Whether a run uses waivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaiverUse {
    /// Live waivers waive verdicts.
    #[default]
    Applied,
    /// No waiver waives a verdict.
    Ignored,
}

/// The engine that judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Engine {
    /// Deodar's program.
    Compiled,
    /// Cedar's evaluator.
    Reference,
}
