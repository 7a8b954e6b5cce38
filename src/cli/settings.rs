//! The settings that flags and the configuration file share.

use super::outputs::OutputArg;
use super::pack::PackArgs;
use deodar::Options;
use deodar::configuration::{Effective, Flags};
use deodar::diagnostic::{Diagnostic, has_errors};
use deodar::parameters::Setting;
use deodar::policy::CheckSeverity;
use deodar::project::Loader;
use std::path::PathBuf;
use std::sync::Arc;

/// The settings that determine verdicts.
#[derive(clap::Args)]
pub(super) struct JudgeArgs {
    #[command(flatten)]
    pack: PackArgs,
    /// Set a parameter, for example max_admins=2, or FERNBOOKS1:max_admins=2 for one instance; may be repeated
    #[arg(long = "param", help_heading = "Evaluation", value_name = "[SCOPE:]NAME=VALUE", value_parser = Setting::parse)]
    parameters: Vec<Setting>,
    /// Run only these checks: ids, patterns such as MOE-AUTH-*, or severities [default: all]
    #[arg(long, value_name = "CHECK", value_delimiter = ',', help_heading = "Evaluation")]
    only: Vec<String>,
    /// Do not run these checks [default: none]
    #[arg(long, value_name = "CHECK", value_delimiter = ',', help_heading = "Evaluation")]
    skip: Vec<String>,
    /// Use the waivers in these files or folders, and those of the policies; may be repeated
    #[arg(long, value_name = "PATH", help_heading = "Policies")]
    waivers: Vec<PathBuf>,
    /// Ignore all waivers, those of the policies too
    #[arg(long, help_heading = "Policies")]
    no_waivers: bool,
}

impl JudgeArgs {
    fn flags(&self) -> Flags {
        Flags {
            parameters: self.parameters.clone(),
            only: self.only.clone(),
            skip: self.skip.clone(),
            waivers: self.waivers.clone(),
            no_waivers: self.no_waivers,
            ..self.pack.flags()
        }
    }

    fn effective(&self, loader: &mut Loader) -> (Effective, Vec<Diagnostic>) {
        self.pack.effective(self.flags(), loader)
    }

    /// Reads the configuration file, and returns the settings with the options of a run at a time.
    ///
    /// # Errors
    /// The mistakes of the file.
    pub(super) fn options(&self, loader: &mut Loader, now: i64) -> Result<(Effective, Options), Vec<Diagnostic>> {
        let (settings, mistakes) = self.effective(loader);
        if has_errors(&mistakes) {
            return Err(mistakes);
        }
        let options = Options {
            parameters: settings.parameters.clone(),
            only: settings.only.value.clone(),
            skip: settings.skip.value.clone(),
            waivers: settings.waiver_use,
            max_snapshot_age: settings.max_snapshot_age.value,
            configuration: settings.report().map(Arc::new),
            ..Options::at(now)
        };
        Ok((settings, options))
    }
}

/// The settings of a run of `deodar check`.
#[derive(clap::Args)]
pub(super) struct SettingArgs {
    #[command(flatten)]
    judge: JudgeArgs,
    /// Write the report in this format too, to a file or to standard output; may be repeated
    #[arg(long = "output", value_name = "FORMAT[=PATH]", value_parser = OutputArg::parse, help_heading = "Output")]
    outputs: Vec<OutputArg>,
    /// Add a report of each account with all verdicts to this folder, for `deodar history`
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    store: Option<PathBuf>,
    /// Exit with 1 only for failures of at least this severity [default: low]
    #[arg(long, value_name = "SEVERITY", value_parser = parse_level, help_heading = "Exit code")]
    fail_on: Option<CheckSeverity>,
    /// Do not exit with 4 if verdicts are unknown
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        help_heading = "Exit code"
    )]
    allow_unknown: Option<bool>,
    /// Make all verdicts on a snapshot unknown if it, or a piece of its evidence, is older than this, for example 7d
    /// [default: none]
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true, value_parser = parse_age, help_heading = "Exit code")]
    max_snapshot_age: Option<MaximalAge>,
    /// Compare with this saved report: exit with 1 and 4 only for verdicts that are new or worse
    #[arg(long, value_name = "REPORT", help_heading = "Exit code")]
    baseline: Option<PathBuf>,
}

/// The maximal age of a snapshot.
#[derive(Clone, Copy)]
enum MaximalAge {
    None,
    Milliseconds(i64),
}

fn parse_level(text: &str) -> Result<CheckSeverity, String> {
    text.parse()
}

fn parse_age(text: &str) -> Result<MaximalAge, String> {
    if text == "none" {
        return Ok(MaximalAge::None);
    }
    match deodar::value::parse_duration(text)? {
        age if age < 0 => Err("an age is not negative".to_owned()),
        age => Ok(MaximalAge::Milliseconds(age)),
    }
}

impl SettingArgs {
    /// Returns the arguments that select the pack.
    pub(super) fn pack(&self) -> &PackArgs {
        &self.judge.pack
    }

    /// Reads the configuration file, and returns the settings of the run with the mistakes of the file.
    pub(super) fn effective(&self, loader: &mut Loader) -> (Effective, Vec<Diagnostic>) {
        let flags = Flags {
            fail_on: self.fail_on,
            allow_unknown: self.allow_unknown,
            max_snapshot_age: self.max_snapshot_age.map(|age| match age {
                MaximalAge::None => None,
                MaximalAge::Milliseconds(age) => Some(age),
            }),
            outputs: self.outputs.iter().map(|output| (output.format.name, output.path.clone())).collect(),
            store: self.store.clone(),
            baseline: self.baseline.clone(),
            ..self.judge.flags()
        };
        self.judge.pack.effective(flags, loader)
    }
}
