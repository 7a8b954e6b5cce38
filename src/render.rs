//! The outputs of a run. A format is one file and one line of [`FORMATS`]. An output writes a report; it neither
//! lowers nor evaluates.
//!
//! An [`Output`] states its needs, and the run lists the maximum of verdicts. Their findings are explained when they are
//! written. The text of an output does not depend on the other outputs of the run.

mod names;
mod escape;
pub mod mask;
mod excerpt;
mod layout;
pub mod document;
mod output;
mod gaps;
mod labels;
mod frame;
mod table;
pub mod diagnostics;
mod findings;
mod scorecard;
mod controls;
mod configured;
mod totals;
mod concise;
mod waived;
mod saved;
mod text;
mod chunks;
mod json;
mod ndjson;
pub mod junit;
mod markdown;
mod csv;
mod alerts;
mod sarif;
mod github;
mod gitlab;
mod ocsf;
pub mod digests;
pub mod store;
pub(crate) mod html;
pub mod list;
pub mod explain;
pub mod page;

pub(crate) use configured::described as describe_configuration;
#[cfg(feature = "files")]
pub(crate) use csv::COLUMNS as CSV_COLUMNS;
pub use escape::{plain, short};
pub(crate) use findings::evidence;
pub use layout::{Detail, Layout, Style, filled};
pub(crate) use layout::{middle, painted, wrapped};
pub(crate) use markdown::{code, prose};
pub(crate) use names::status;
pub use output::{
    Audience, Destination, Format, Output, Outputs, Presentation, Primary, Repository, Unit, WriteDocument,
};

/// Every format, the default first.
pub const FORMATS: [Format; 11] = [
    text::FORMAT,
    json::FORMAT,
    ndjson::FORMAT,
    junit::FORMAT,
    markdown::FORMAT,
    html::FORMAT,
    csv::FORMAT,
    sarif::FORMAT,
    github::FORMAT,
    gitlab::FORMAT,
    ocsf::FORMAT,
];

/// The names of the documents that Deodar writes as JSON: the values of their property `format`.
pub const DOCUMENTS: [&str; 9] = [
    "deodar-report",
    "deodar-account",
    "deodar-run",
    "deodar-test",
    "deodar-diff",
    "deodar-forecast",
    "deodar-history",
    "deodar-config",
    "deodar-evidence",
];

impl Format {
    /// Returns the format with a name.
    pub fn of_name(name: &str) -> Option<Self> {
        FORMATS.into_iter().find(|format| format.name == name)
    }
}
