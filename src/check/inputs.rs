//! The inputs of a run: texts with names.

use crate::diagnostic::Diagnostic;
use crate::pack::PackSources;
use crate::policy::Adaptation;
use crate::snapshot::Secrets;
use crate::source::Source;
use std::sync::Arc;

/// The texts of a run. Two are equal if all texts and names are equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inputs {
    /// The origin of schema and policies, for people.
    pub pack: String,
    /// Whether the pack was selected because it declares the properties of the snapshots. Then a snapshot without any of
    /// them is an error.
    pub recognised: bool,
    /// The schema.
    pub schema: Arc<Source>,
    /// The policy files, in order of their names.
    pub policies: Vec<Arc<Source>>,
    /// Files with waivers only, in the order of the user.
    pub waivers: Vec<Arc<Source>>,
    /// The changes of the project to the policies.
    pub adaptation: Arc<Adaptation>,
    /// The snapshots that are in memory, in the order of the user.
    pub snapshots: Vec<Arc<Source>>,
    /// The names of snapshots that could not be read, each with the number of `snapshots` before it. `diagnostics`
    /// contain the reasons.
    pub unread: Vec<(usize, String)>,
    /// The problems of files that could not be read.
    pub diagnostics: Vec<Diagnostic>,
    /// The number of files in directories that are not snapshots.
    pub skipped: usize,
    /// The number of reports of Deodar in directories.
    pub skipped_reports: usize,
    /// Whether a part of the pack could not be read. Then every account lacks verdicts.
    pub partial_pack: bool,
}

impl Inputs {
    /// Returns the inputs of a run on texts in memory.
    pub fn new(schema: Arc<Source>, policies: Vec<Arc<Source>>, snapshots: Vec<Arc<Source>>) -> Self {
        Self {
            pack: "the given schema and policies".to_owned(),
            recognised: false,
            schema,
            policies,
            waivers: Vec::new(),
            adaptation: Arc::default(),
            snapshots,
            unread: Vec::new(),
            diagnostics: Vec::new(),
            skipped: 0,
            skipped_reports: 0,
            partial_pack: false,
        }
    }

    /// Returns the texts of the pack.
    pub fn sources(&self) -> PackSources<'_> {
        PackSources { schema: &self.schema, policies: &self.policies, waivers: &self.waivers }
    }
}

/// A snapshot of a stream.
#[derive(Debug)]
pub struct SnapshotInput {
    /// Its name in reports: a path, with a line if the file contains many snapshots.
    pub path: String,
    /// The text, or the reason why it could not be read.
    pub source: Result<Arc<Source>, Diagnostic>,
    /// Places in the files that the text is derived from. Excerpts mask them, as they mask secrets of the schema.
    pub hidden: Vec<Secrets>,
}

impl SnapshotInput {
    /// Returns a snapshot whose only secrets are those of the schema.
    pub fn new(path: String, source: Result<Arc<Source>, Diagnostic>) -> Self {
        Self { path, source, hidden: Vec::new() }
    }
}

/// A stream of snapshots.
pub trait SnapshotInputs: Iterator<Item = SnapshotInput> + Send {
    /// Returns the number of reports of Deodar that were left out until now.
    fn skipped_reports(&self) -> usize {
        0
    }
}
