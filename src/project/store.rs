//! A folder of stored reports. A file is written by rename, and the file of another report is not replaced.

use super::replace::replace_file;
use super::shown;
use std::fs;
use std::io;
use std::path::PathBuf;

/// A folder that reports are added to.
#[derive(Debug)]
pub struct ReportStore(PathBuf);

impl ReportStore {
    /// Opens a folder, which is created if it does not exist.
    ///
    /// # Errors
    /// When the folder cannot be created, or the path is not a folder.
    pub fn open(folder: PathBuf) -> io::Result<Self> {
        match fs::create_dir_all(&folder) {
            Ok(()) => Ok(Self(folder)),
            Err(error) => {
                let message = format!("cannot write to the folder `{}`: {error}", shown(&folder));
                Err(io::Error::new(error.kind(), message))
            }
        }
    }

    /// Adds a report. The file of an equal report stays as it is.
    ///
    /// # Errors
    /// When the file cannot be written, or exists with another content.
    pub fn add(&self, name: &str, text: &[u8]) -> io::Result<()> {
        let path = self.0.join(name);
        match fs::read(&path) {
            Ok(known) if known == text => Ok(()),
            Ok(_) => Err(io::Error::other(format!(
                "cannot write `{}`: it is damaged or another report; move it out of the folder",
                shown(&path)
            ))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => replace_file(&path, text),
            Err(error) => Err(io::Error::new(error.kind(), format!("cannot read `{}`: {error}", shown(&path)))),
        }
    }
}
