//! Files that are replaced as a whole: a reader has the old content or the new one.

use super::shown;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// Writes a file by rename. A link keeps its target, which is replaced; permissions are kept.
///
/// # Errors
/// When the file cannot be written. Then it is as before.
pub fn replace_file(path: &Path, text: impl AsRef<[u8]>) -> io::Result<()> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("cannot write `{}`: {error}", shown(path)));
    replace(path, text.as_ref()).map_err(named)
}

/// Writes a file that does not exist.
///
/// # Errors
/// When there is a file, a folder or a link with the name, or the file cannot be written.
pub fn new_file(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let target = match path.canonicalize() {
        Ok(target) => target,
        Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
        Err(error) => return Err(error),
    };
    let name = target.file_name().ok_or_else(|| io::Error::other("it does not name a file"))?.to_string_lossy();
    // Walks of folders ignore names that begin with a dot.
    let beside = target.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    let written = write(&beside, &target, text).and_then(|()| fs::rename(&beside, &target));
    if written.is_err() {
        // The error of the write is the one to report.
        fs::remove_file(&beside).ok();
    }
    written
}

fn write(beside: &Path, target: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(beside)?;
    if let Ok(known) = target.metadata() {
        file.set_permissions(known.permissions())?;
    }
    file.write_all(text)?;
    file.sync_all()
}
