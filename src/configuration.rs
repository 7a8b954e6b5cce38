//! The configuration file of a project, `deodar.toml`: its settings with their places, and the settings of a run, which flags
//! override.
//!
//! A file with a mistake is not used in part: each mistake is an error, and the run judges nothing.

mod keys;
pub(crate) mod values;
mod read;
mod effective;

pub use effective::{Effective, EffectiveSetting, Flags, Origin, Sourced};
pub use keys::KEYS;

use crate::diagnostic::Diagnostic;
use crate::parameters::Setting;
use crate::policy::{CheckSeverity, SeverityOverride};
use crate::source::{Place, Source};
use smol_str::SmolStr;
use std::path::PathBuf;
use std::sync::Arc;

/// The name of the file.
pub const FILE_NAME: &str = "deodar.toml";

/// A setting of the file, with the place of its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given<T> {
    /// The value.
    pub value: T,
    /// The place of the key.
    pub place: Place,
}

/// An output of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputSetting {
    /// The name of its format.
    pub format: &'static str,
    /// Its file.
    pub path: PathBuf,
    /// The place of the text.
    pub place: Place,
}

/// The settings of a configuration file. Paths are relative to the working directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configuration {
    /// The file.
    pub source: Arc<Source>,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// The name of a built-in pack.
    pub pack: Option<Given<String>>,
    /// Policy files and folders.
    pub policies: Option<Given<Vec<PathBuf>>>,
    /// Files and folders of waivers.
    pub waivers: Option<Given<Vec<PathBuf>>>,
    /// A schema file.
    pub schema: Option<Given<PathBuf>>,
    /// Settings of parameters; each has its place.
    pub parameters: Vec<Setting>,
    /// The checks to run.
    pub only: Option<Given<Vec<String>>>,
    /// The checks to leave out.
    pub skip: Option<Given<Vec<String>>>,
    /// The lowest severity whose failures a pipeline does not accept.
    pub fail_on: Option<Given<CheckSeverity>>,
    /// Whether a pipeline accepts unknown verdicts.
    pub allow_unknown: Option<Given<bool>>,
    /// The maximal age of a snapshot, in milliseconds.
    pub max_snapshot_age: Option<Given<i64>>,
    /// Outputs in files.
    pub outputs: Option<Given<Vec<OutputSetting>>>,
    /// The folder that reports are added to.
    pub store: Option<Given<PathBuf>>,
    /// The report of an earlier run.
    pub baseline: Option<Given<PathBuf>>,
    /// Severities that replace those of the policies.
    pub severities: Vec<SeverityOverride>,
    /// Annotations of the project.
    pub annotations: Option<Given<Vec<SmolStr>>>,
    /// Frameworks of the project.
    pub frameworks: Option<Given<Vec<SmolStr>>>,
}

impl Configuration {
    /// Reads a file, and returns the settings with the mistakes.
    pub fn read(source: &Arc<Source>) -> (Self, Vec<Diagnostic>) {
        read::read(source)
    }

    /// Returns a file without settings.
    fn empty(source: &Arc<Source>) -> Self {
        Self {
            source: Arc::clone(source),
            sha256: source.sha256(),
            pack: None,
            policies: None,
            waivers: None,
            schema: None,
            parameters: Vec::new(),
            only: None,
            skip: None,
            fail_on: None,
            allow_unknown: None,
            max_snapshot_age: None,
            outputs: None,
            store: None,
            baseline: None,
            severities: Vec::new(),
            annotations: None,
            frameworks: None,
        }
    }
}
