//! Arguments that say which schema and policies are meant.

use super::output::tell;
use deodar::check::{Inputs, Limits, Options, Session};
use deodar::policy::Policies;
use deodar::project::{Form, Loader, PackOrigin, Selection};
use deodar::render::{Style, diagnostics};
use deodar::report::Report;
use deodar::schema::Schema;
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

    /// Reads schema and policies, and says on standard error what is wrong with them; `None` for the policies if there is
    /// no schema.
    pub fn read(&self, style: Style) -> (Option<(Schema, Policies)>, Report) {
        let (inputs, report) = self.checks();
        tell(|out| diagnostics::write(&report.diagnostics, &report.secrets, style, out));
        let parsed = inputs.and_then(|inputs| {
            let schema = Schema::parse(&inputs.schema).0?;
            let (policies, _) = Policies::parse(&schema, &inputs.policies);
            Some((schema, policies))
        });
        (parsed, report)
    }

    /// Reads schema and policies and lists the checks, without any snapshot.
    pub fn checks(&self) -> (Option<Inputs>, Report) {
        let options = Options::at(0);
        match Loader::default().load(&self.selection(&[], Form::ByName), &Limits::default()) {
            Ok(inputs) => {
                let report = Session::default().run(&inputs, &options);
                (Some(inputs), report)
            }
            Err(diagnostics) => (None, Report::unread(diagnostics, &options)),
        }
    }
}
