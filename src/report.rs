//! The report of a run as data: findings with their identity and evidence, counts per check, a status. `render` writes it.

mod needs;
mod configured;
mod options;
mod show;
mod identity;
mod evidence;
mod message;
mod finding;
mod capture;
mod age;
mod run;
mod model;
mod status;
mod absorb;
pub mod controls;

pub(crate) use age::TooOld;
pub use configured::{ConfigurationReport, Weakening};
pub use evidence::{Capture, ClauseOutcome, ClauseReport, ReadKind, ReadReport, ReadState, WitnessReport};
pub use finding::{Finding, MASK, ResourceName};
pub(crate) use finding::{Findings, WITNESSES};
pub use identity::Identity;
pub(crate) use identity::fingerprint_of;
pub(crate) use message::{phrase, unknown_phrase};
pub use model::{AccountReport, CheckReport, CheckState, DiagnosticCounts, Report, Times};
pub use needs::{Evidence, Needs};
pub use options::{Clock, Engine, Gate, Options};
pub use run::{
    AccountVerdicts, FileReport, FileRole, PackReport, ParameterReport, RunReport, ScopeReport, SnapshotReport,
};
pub use show::{show_constant, show_value};
pub use status::Status;
