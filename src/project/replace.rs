//! Files that are replaced as a whole: a reader has the old content or the new one.

use super::shown;
use std::fs::{self, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Writes a file by rename. A link keeps its target, which is replaced; permissions are kept.
///
/// # Errors
/// When the file cannot be written. Then it is as before.
pub fn replace_file(path: &Path, text: impl AsRef<[u8]>) -> io::Result<()> {
    replace_file_with(path, |file| file.write_all(text.as_ref()).map(|()| true))
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

/// Writes a file by rename, as [`replace_file`] does. If `content` returns that there is nothing to write, the file is as
/// before.
///
/// # Errors
/// When the file cannot be written. Then it is as before.
pub fn replace_file_with(path: &Path, content: impl FnOnce(&mut dyn Write) -> io::Result<bool>) -> io::Result<()> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("cannot write `{}`: {error}", shown(path)));
    replace(path, content).map_err(named)
}

fn replace(path: &Path, content: impl FnOnce(&mut dyn Write) -> io::Result<bool>) -> io::Result<()> {
    let target = match path.canonicalize() {
        Ok(target) => target,
        Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
        Err(error) => return Err(error),
    };
    let name = target.file_name().ok_or_else(|| io::Error::other("it does not name a file"))?.to_string_lossy();
    // Walks of folders ignore names that begin with a dot.
    let beside = target.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    let written = write(&beside, &target, content);
    let renamed = match written {
        Ok(true) => fs::rename(&beside, &target),
        Ok(false) => fs::remove_file(&beside),
        Err(error) => Err(error),
    };
    if renamed.is_err() {
        // The error of the write is the one to report.
        fs::remove_file(&beside).ok();
    }
    renamed
}

fn write(beside: &Path, target: &Path, content: impl FnOnce(&mut dyn Write) -> io::Result<bool>) -> io::Result<bool> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(beside)?;
    if let Ok(known) = target.metadata() {
        file.set_permissions(known.permissions())?;
    }
    let mut buffer = BufWriter::new(&mut file);
    let is_written = content(&mut buffer)?;
    buffer.flush()?;
    drop(buffer);
    file.sync_all()?;
    Ok(is_written)
}
