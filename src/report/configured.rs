//! The configuration file of a run, as a report describes it.

use crate::source::Place;

/// The configuration file of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigurationReport {
    /// The path as messages show it.
    pub path: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// The settings that weaken the gate, in the order of the file.
    pub weakens: Vec<Weakening>,
}

/// A setting of a configuration file that may turn a run that a pipeline rejects into one that it accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weakening {
    /// The key.
    pub setting: String,
    /// The effect, in one phrase.
    pub effect: String,
    /// The place of the setting.
    pub place: Place,
}
