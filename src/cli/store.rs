//! `deodar check --store`: an output that adds a report of each account to a folder.

use deodar::project::{self, ReportStore};
use deodar::render::Output;
use deodar::render::store::{self, stored};
use deodar::report::{AccountReport, Needs, Report};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Accounts whose reports are in memory at once.
const AT_ONCE: usize = 16;

/// The output that adds reports to a folder. It writes nothing to its destination.
#[derive(Debug)]
pub(super) struct StoreOutput(ReportStore);

impl StoreOutput {
    /// Opens a folder, which is created if it does not exist.
    ///
    /// # Errors
    /// When it cannot be created.
    pub(super) fn open(folder: PathBuf) -> io::Result<Self> {
        Ok(Self(ReportStore::open(folder)?))
    }
}

impl Output for StoreOutput {
    fn needs(&self) -> Needs {
        store::NEEDS
    }

    fn accounts(&mut self, report: &Report, accounts: &[AccountReport], _: &mut dyn Write) -> io::Result<()> {
        for accounts in accounts.chunks(AT_ONCE) {
            for report in stored(report, accounts)? {
                self.0.add(&report.name, &report.text)?;
            }
        }
        Ok(())
    }

    fn finish(&mut self, _: &Report, _: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}

/// Returns the reason if a path cannot be a store; `configuration` is the configuration file that names it, with its folder.
pub(super) fn refused(store: &Path, configuration: Option<(&Path, &str)>) -> Option<String> {
    if store.as_os_str() == "-" {
        return Some("standard output cannot be a store: name a folder with --store".to_owned());
    }
    if store.exists() && !store.is_dir() {
        return Some(format!("the store `{}` is not a folder: name a folder with --store", store.display()));
    }
    let (folder, file) = configuration?;
    // The author of a change may edit the configuration file, and add links.
    let existing = store.ancestors().find(|path| path.symlink_metadata().is_ok()).unwrap_or(Path::new(""));
    let reason = "a link leads out of the folder of this file";
    (!project::is_below(existing, folder))
        .then(|| format!("the store `{}` of `{file}` cannot be written: {reason}", store.display()))
}
