//! Arguments that select the schema and the policies.

use super::output::to_stderr;
use deodar::pack::Pack;
use deodar::project::{InputFormat, Loader, PackOrigin, Selection};
use deodar::render::{Style, diagnostics};
use deodar::report::Report;
use deodar::{Limits, Options};
use std::path::PathBuf;

#[derive(clap::Args, Default, Clone)]
pub(super) struct PackArgs {
    /// Use this built-in pack; `test` uses a pack of the working directory [default: detected]
    #[arg(long, value_name = "NAME", help_heading = "Policies")]
    pub pack: Option<String>,
    /// Use these policy files or folders instead of the pack's, or in addition if --pack is given
    #[arg(long, value_name = "PATH", help_heading = "Policies")]
    pub policies: Vec<PathBuf>,
    /// Use this schema instead of the pack's
    #[arg(long, value_name = "FILE", help_heading = "Policies")]
    pub schema: Option<PathBuf>,
}

impl PackArgs {
    pub(super) fn selection(&self, snapshots: &[PathBuf], form: InputFormat) -> Selection {
        Selection {
            snapshots: snapshots.to_vec(),
            form,
            pack: self.pack.clone(),
            packs: PackOrigin::BuiltIn,
            policies: self.policies.clone(),
            waivers: Vec::new(),
            schema: self.schema.clone(),
            outputs: Vec::new(),
        }
    }

    /// Compiles the pack, and writes its problems to standard error. The report lists its checks and does not have any
    /// snapshot.
    pub(super) fn read(&self, style: Style) -> (Option<Pack>, Report) {
        let options = Options::at(0);
        let (pack, report) = match Loader::default().load(&self.selection(&[], InputFormat::ByName), &Limits::default())
        {
            Ok(inputs) => deodar::check::without_snapshots(&inputs, &options),
            Err(diagnostics) => (None, Report::new(&options, diagnostics)),
        };
        to_stderr(|out| diagnostics::write(&report.diagnostics, &report.secrets, style, out));
        (pack, report)
    }
}
