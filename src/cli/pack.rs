//! Arguments that say which schema and policies are meant.

use super::output::tell;
use deodar::check::{Limits, Options};
use deodar::pack::Pack;
use deodar::project::{Form, Loader, PackOrigin, Selection};
use deodar::report::Report;
use deodar::report::text::{self, Style};
use std::path::PathBuf;

#[derive(clap::Args, Default, Clone)]
pub struct PackArgs {
    /// Pack to use: a built-in one, or for `test` one of the working directory (default: detected)
    #[arg(long, value_name = "NAME")]
    pub pack: Option<String>,
    /// Policy files or folders, in place of the pack's; with --pack beside them
    #[arg(long, value_name = "PATH")]
    pub policies: Vec<PathBuf>,
    /// The schema, in place of the pack's
    #[arg(long, value_name = "FILE")]
    pub schema: Option<PathBuf>,
}

impl PackArgs {
    pub fn selection(&self, snapshots: &[PathBuf], form: Form) -> Selection {
        Selection {
            snapshots: snapshots.to_vec(),
            form,
            pack: self.pack.clone(),
            packs: PackOrigin::BuiltIn,
            policies: self.policies.clone(),
            schema: self.schema.clone(),
        }
    }

    /// Compiles the pack, and writes what is wrong with it to standard error. The report lists its checks and does not
    /// have any snapshot.
    pub fn read(&self, style: Style) -> (Option<Pack>, Report) {
        let options = Options::at(0);
        let (pack, report) = match Loader::default().load(&self.selection(&[], Form::ByName), &Limits::default()) {
            Ok(inputs) => deodar::check::without_snapshots(&inputs, &options),
            Err(diagnostics) => (None, Report::unread(diagnostics, &options)),
        };
        tell(|out| text::write_diagnostics(&report.diagnostics, &report, style, out));
        (pack, report)
    }
}
