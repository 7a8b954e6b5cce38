//! The files that a run reads, none of which an output replaces.

use super::pack::PackArgs;
use deodar::configuration::Effective;
use deodar::project;
use std::path::{Path, PathBuf};

/// The files and folders that a run reads.
#[derive(Default, Clone)]
pub(super) struct InputFiles(Vec<PathBuf>);

impl InputFiles {
    /// Returns the files of a pack: policies, waivers, schema and configuration file.
    pub(super) fn of_pack(args: &PackArgs, settings: &Effective) -> Self {
        let Effective { file, policies, waivers, schema, .. } = settings;
        let configuration = file.as_ref().map(|(path, _)| PathBuf::from(path));
        // A configuration file that cannot be read has no settings, and is not replaced either.
        let named = [&schema.value, &args.config, &configuration].into_iter().flatten();
        Self(policies.value.iter().chain(&waivers.value).chain(named).cloned().collect())
    }

    /// Adds files or folders.
    pub(super) fn and(mut self, paths: impl IntoIterator<Item = PathBuf>) -> Self {
        self.0.extend(paths);
        self
    }

    /// Returns the first output that would replace an input.
    pub(super) fn replaced<'o>(&self, outputs: impl IntoIterator<Item = &'o Path>) -> Option<&'o Path> {
        project::overwritten_input(outputs, &self.0)
    }

    /// Refuses an output that would replace an input. `option` names the output.
    ///
    /// # Errors
    /// The message for the user.
    pub(super) fn refuse<'o>(&self, outputs: impl IntoIterator<Item = &'o Path>, option: &str) -> Result<(), String> {
        match self.replaced(outputs) {
            Some(input) => {
                Err(format!("`{}` is an input of the run: name another file with {option}", input.display()))
            }
            None => Ok(()),
        }
    }
}
