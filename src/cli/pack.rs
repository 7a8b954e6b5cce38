//! Arguments that select the schema, the policies and the configuration file.

use super::output::to_stderr;
use deodar::configuration::{Effective, Flags};
use deodar::diagnostic::{Diagnostic, has_errors};
use deodar::pack::Pack;
use deodar::project::{ConfigurationFile, InputFormat, Loader, PackOrigin, Selection};
use deodar::render::{Style, diagnostics};
use deodar::report::Report;
use deodar::{Limits, Options};
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

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
    /// Read settings from this file [default: the nearest deodar.toml up to the root of the repository]
    #[arg(long, value_name = "FILE", help_heading = "Policies")]
    pub config: Option<PathBuf>,
    /// Do not read a configuration file
    #[arg(long, conflicts_with = "config", help_heading = "Policies")]
    pub no_config: bool,
}

/// Returns the files that settings select.
pub(super) fn selection(settings: &Effective, snapshots: &[PathBuf], form: InputFormat) -> Selection {
    Selection {
        snapshots: snapshots.to_vec(),
        joined: Vec::new(),
        form,
        pack: settings.pack.value.clone(),
        packs: PackOrigin::BuiltIn,
        policies: settings.policies.value.clone(),
        waivers: settings.waivers.value.clone(),
        schema: settings.schema.value.clone(),
        adaptation: Arc::new(settings.adaptation.clone()),
        outputs: settings.outputs.value.iter().filter_map(|(_, path)| path.clone()).collect(),
        now: None,
    }
}

impl PackArgs {
    /// Returns the arguments as words of a command line.
    pub(super) fn words(&self) -> Vec<OsString> {
        let Self { pack, policies, schema, config, no_config } = self;
        let path = |flag: &str, path: &PathBuf| [OsString::from(flag), path.as_os_str().to_owned()];
        let named = pack.iter().flat_map(|name| [OsString::from("--pack"), OsString::from(name)]);
        let files = policies.iter().flat_map(|file| path("--policies", file));
        let schema = schema.iter().flat_map(|file| path("--schema", file));
        let config = config.iter().flat_map(|file| path("--config", file));
        named.chain(files).chain(schema).chain(config).chain(no_config.then(|| "--no-config".into())).collect()
    }

    /// Reads the configuration file, and returns the settings with its mistakes.
    pub(super) fn effective(&self, flags: Flags, loader: &mut Loader) -> (Effective, Vec<Diagnostic>) {
        let (configuration, mistakes) = loader.configuration(&self.configuration_file());
        (Effective::new(flags, configuration.as_ref()), mistakes)
    }

    /// Returns the configuration file to read.
    pub(super) fn configuration_file(&self) -> ConfigurationFile {
        match &self.config {
            _ if self.no_config => ConfigurationFile::None,
            Some(path) => ConfigurationFile::Named(path.clone()),
            None => ConfigurationFile::Nearest,
        }
    }

    /// Returns the flags as settings.
    pub(super) fn flags(&self) -> Flags {
        Flags {
            pack: self.pack.clone(),
            policies: self.policies.clone(),
            schema: self.schema.clone(),
            ..Flags::default()
        }
    }

    /// Compiles the pack, and writes its problems to standard error. The report lists its checks and does not have any
    /// snapshot.
    pub(super) fn read(&self, style: Style) -> (Option<Pack>, Report) {
        let mut loader = Loader::default();
        let (settings, mistakes) = self.effective(self.flags(), &mut loader);
        let options = Options { configuration: settings.report().map(Arc::new), ..Options::at(0) };
        let selection = selection(&settings, &[], InputFormat::ByName);
        let (pack, report) = match mistakes {
            mistakes if has_errors(&mistakes) => (None, Report::new(&options, mistakes)),
            _ => match loader.load(&selection, &Limits::default()) {
                Ok(inputs) => deodar::check::without_snapshots(&inputs, &options),
                Err(diagnostics) => (None, Report::new(&options, diagnostics)),
            },
        };
        to_stderr(|out| diagnostics::write(&report.diagnostics, &report.secrets, style, out));
        (pack, report)
    }
}
