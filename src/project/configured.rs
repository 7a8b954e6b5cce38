//! Finding and reading the configuration file.

use super::{Loader, shown};
use crate::configuration::{Configuration, FILE_NAME};
use crate::diagnostic::{Code, Diagnostic};
use std::path::{Path, PathBuf};

/// Bytes of a configuration file.
const MAX_BYTES: usize = 256 << 10;

/// The configuration file that a command reads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ConfigurationFile {
    /// The nearest one between the working directory and the root of its repository. Without a repository, that of the
    /// working directory.
    #[default]
    Nearest,
    /// This file.
    Named(PathBuf),
    /// None.
    None,
}

impl Loader {
    /// Reads the configuration file, if there is one, and returns it with its mistakes.
    pub fn configuration(&mut self, file: &ConfigurationFile) -> (Option<Configuration>, Vec<Diagnostic>) {
        let path = match file {
            ConfigurationFile::None => return (None, Vec::new()),
            ConfigurationFile::Named(path) => path.clone(),
            ConfigurationFile::Nearest => match self.nearest() {
                Some(Ok(path)) => path,
                Some(Err(error)) => return (None, vec![error]),
                None => return (None, Vec::new()),
            },
        };
        let mut diagnostics = Vec::new();
        let Some(source) = self.read(&path, MAX_BYTES, &mut diagnostics) else { return (None, diagnostics) };
        let (configuration, wrong) = Configuration::read(&source);
        (Some(configuration), wrong)
    }

    /// Returns the path of the nearest configuration file, relative to the working directory.
    fn nearest(&mut self) -> Option<Result<PathBuf, Diagnostic>> {
        let folder = match std::env::current_dir() {
            Ok(folder) => folder,
            Err(error) => {
                let message = format!("cannot look for `{FILE_NAME}`: the working directory is not known: {error}");
                return Some(Err(Diagnostic::error(Code::Unreadable, message).help("pass --config or --no-config")));
            }
        };
        let root = folder.ancestors().position(|folder| self.file_states.exists(&folder.join(".git")));
        let mut way = PathBuf::new();
        for _ in 0..=root.unwrap_or(0) {
            let path = way.join(FILE_NAME);
            self.file_states.file(&path);
            if path.symlink_metadata().is_ok() {
                return Some(within(path, folder.ancestors().nth(root.unwrap_or(0)).unwrap_or(&folder)));
            }
            way.push("..");
        }
        None
    }
}

/// Returns the path of a file that was found, unless it is a link to a file outside of the folder.
fn within(path: PathBuf, folder: &Path) -> Result<PathBuf, Diagnostic> {
    let (Ok(file), Ok(root)) = (path.canonicalize(), folder.canonicalize()) else { return Ok(path) };
    if file.starts_with(&root) {
        return Ok(path);
    }
    let name = shown(&path);
    let message = format!("`{name}` is a link to a file outside of its repository");
    Err(Diagnostic::error(Code::Configuration, message).help("name the file itself with --config"))
}
