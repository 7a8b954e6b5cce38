//! Arguments that select the schema and the policies.

use super::output::tell;
use deodar::check::{Inputs, Limits, Options, Session};
use deodar::policy::Policies;
use deodar::project::{Form, Loader, PackOrigin, Selection};
use deodar::report::Report;
use deodar::report::text::{self, Style};
use deodar::schema::Schema;
use std::path::PathBuf;

#[derive(clap::Args, Default, Clone)]
pub struct PackArgs {
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

    /// Reads schema and policies, and writes their errors to standard error. The policies are `None` if the schema is
    /// invalid.
    pub fn read(&self, style: Style) -> (Option<(Schema, Policies)>, Report) {
        let (inputs, report) = self.checks();
        tell(|out| text::write_diagnostics(&report.diagnostics, &report, style, out));
        let parsed = inputs.and_then(|inputs| {
            let schema = Schema::parse(&inputs.schema).0?;
            let (policies, _) = Policies::parse(&schema, &inputs.policies);
            Some((schema, policies))
        });
        (parsed, report)
    }

    /// Reads schema and policies and lists the checks, without a snapshot.
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
