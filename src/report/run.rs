//! The inputs of a run, as a report lists them: the pack, the snapshots, the parameters.

use super::baseline::Baseline;
use super::configured::ConfigurationReport;
use super::options::{Engine, Gate, WaiverUse};
use crate::engine::VerdictCounts;
use crate::ids::IdVec;
use crate::policy::CheckId;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::sync::Arc;

/// The inputs and the options of a run.
#[derive(Debug, Clone)]
pub struct RunReport {
    /// The time of the run, in milliseconds since 1970.
    pub now: i64,
    /// The schema and the policies.
    pub pack: PackReport,
    /// The first snapshots, in order, up to the needs of the outputs.
    pub snapshots: Vec<SnapshotReport>,
    /// The verdicts of each of these snapshots.
    pub verdicts: Vec<AccountVerdicts>,
    /// The number of snapshots.
    pub accounts: usize,
    /// The parameters, with their values and origins.
    pub parameters: Vec<ParameterReport>,
    /// The engine that judged.
    pub engine: Engine,
    /// Whether waivers were used.
    pub waivers: WaiverUse,
    /// The results that a pipeline accepts.
    pub gate: Gate,
    /// The earlier run that the verdicts are compared with.
    pub baseline: Option<Arc<Baseline>>,
    /// The maximal age of a snapshot, in milliseconds.
    pub max_snapshot_age: Option<i64>,
    /// The framework whose controls group the checks.
    pub by: Option<SmolStr>,
    /// The configuration file, if the run has one.
    pub configuration: Option<ConfigurationReport>,
}

/// The pack of a run.
#[derive(Debug, Clone, Default)]
pub struct PackReport {
    /// The origin of schema and policies, for people.
    pub name: String,
    /// The version, if the schema has one.
    pub version: Option<SmolStr>,
    /// The schema, then the policy files in order of their names, then the files of waivers.
    pub files: Vec<FileReport>,
}

impl PackReport {
    /// Returns the origin and the version, for people.
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
    /// The path as the user wrote it.
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
    /// The schema.
    Schema,
    /// Policies.
    Policies,
    /// Waivers only.
    Waivers,
}

/// A snapshot of a run.
#[derive(Debug, Clone)]
pub struct SnapshotReport {
    /// The path as the user wrote it.
    pub path: String,
    /// SHA-256 of the text, decompressed, in hexadecimal; `None` if it could not be read.
    pub sha256: Option<String>,
    /// The time of the capture, in milliseconds since 1970, if the snapshot states it.
    pub captured_at: Option<i64>,
    /// Whether it has a time of capture that is not known: it was not captured, is unreadable, or may be misspelt.
    pub captured_at_unknown: bool,
    /// The files of a joined account, with the SHA-256 of each; empty if the snapshot is one file.
    pub files: Vec<(String, String)>,
}

/// The verdicts of one account.
#[derive(Debug, Clone)]
pub struct AccountVerdicts {
    /// The id of its root entity; `None` if it was not judged.
    pub id: Option<SmolStr>,
    /// The number of each verdict, by check.
    pub counts: IdVec<CheckId, VerdictCounts>,
}

/// A parameter of a run.
#[derive(Debug, Clone)]
pub struct ParameterReport {
    /// Its name.
    pub name: SmolStr,
    /// The instance that the value applies to; `None` for the whole run.
    pub scope: Option<ScopeReport>,
    /// Its value as JSON, if it has one.
    pub value: Option<serde_json::Value>,
    /// The default of the schema as JSON, if it has one.
    pub default: Option<serde_json::Value>,
    /// Whether the user set the value.
    pub set: bool,
    /// Whether each account sets the value, if the user does not. Otherwise it is then the default.
    pub of_account: bool,
}

/// An instance that a setting of a parameter applies to.
#[derive(Debug, Clone)]
pub struct ScopeReport {
    /// Its type: without namespace, unless another type has the same name without it.
    pub ty: String,
    /// Its id.
    pub id: SmolStr,
}
