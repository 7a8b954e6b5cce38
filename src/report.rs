//! The report of a run as data: findings with their identity and evidence, counts per check, a status. `render` writes it.

mod baseline;
mod needs;
mod phrases;
mod configured;
mod options;
mod show;
mod identity;
mod origin;
mod evidence;
mod message;
mod waiver;
mod repeated;
mod finding;
mod capture;
mod age;
mod listed;
mod run;
mod model;
mod status;
mod absorb;
mod alone;
pub mod controls;

pub(crate) use absorb::listed_accounts;
pub(crate) use age::TooOld;
pub use baseline::{Baseline, Change, Compared};
pub use configured::{ConfigurationReport, Weakening};
pub(crate) use evidence::by_importance;
pub use evidence::{
    Capture, ClauseOutcome, ClauseReport, NearMissReport, ReadKind, ReadReport, ReadState, WitnessReport,
};
pub use finding::{Finding, MASK, ResourceName};
pub(crate) use finding::{Findings, SEARCHED_FAILURES, WITNESSES};
pub use identity::{Identities, Identity};
pub(crate) use identity::{fingerprint_of, id_of};
pub(crate) use listed::{Basis, CHUNK, JudgedSnapshot, ListedVerdict, explain, explained, of_findings};
pub(crate) use message::{REFERS, STATED, phrase, unknown_label, unknown_phrase, unset};
pub(crate) use model::SoughtInstance;
pub use model::{AccountReport, CheckReport, CheckState, DiagnosticCounts, Report, Times};
pub use needs::{Evidence, Needs};
pub use options::{Clock, Engine, Gate, Options, WaiverUse};
pub use origin::OriginReport;
pub(crate) use origin::phrase as origin_phrase;
pub(crate) use phrases::{NO_SNAPSHOT_HAS_IT, too_old};
pub(crate) use repeated::RepeatedAccount;
pub use run::{
    AccountVerdicts, FileReport, FileRole, PackReport, ParameterReport, RunReport, ScopeReport, SnapshotReport,
};
pub use show::{json_constant, show_constant, show_value};
pub(crate) use status::Judged;
pub use status::Status;
pub(crate) use waiver::WaiverProblem;
pub use waiver::{AccountCoverage, Beyond, UnknownsReport, WaiverReport, WaiverState, WaiverStatus};
