//! Outputs that would overwrite an input.

use super::accounts::{is_snapshot, read_whole, unpacked};
use super::reports::format_of;
use super::{belongs, walk};
use crate::snapshot::Limits;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Returns the first output that is an input: a named file, or a file of a pack or snapshot in a named folder. A report of
/// Deodar in a folder is not an input, because the run skips it. A named input need not exist.
pub fn overwritten_input<'o>(outputs: impl IntoIterator<Item = &'o Path>, inputs: &[PathBuf]) -> Option<&'o Path> {
    // Pipes and devices keep nothing that an output could replace.
    let holds_text = |output: &Path| output.is_file() || output.symlink_metadata().is_err();
    outputs.into_iter().find(|output| holds_text(output) && inputs.iter().any(|input| reads(input, output)))
}

/// Returns whether a search of folders takes a file for one of snapshots, by its place and name, and a report in it is not
/// recognised. `recognised` are the endings of files in which it is.
pub fn found_as_snapshot(file: &Path, recognised: &[&str], folders: &[PathBuf]) -> bool {
    let name = unpacked(file);
    let is_recognised = |ending: &OsStr| recognised.iter().any(|known| ending.eq_ignore_ascii_case(known));
    let is_found = |folder: &PathBuf| {
        let folder = folder.canonicalize().ok().filter(|folder| folder.is_dir());
        folder.is_some_and(|folder| target(file).strip_prefix(folder).is_ok_and(walk::visits))
    };
    is_snapshot(file) && !name.extension().is_some_and(is_recognised) && folders.iter().any(is_found)
}

/// Returns whether a file that is to be written is in a folder. Links are followed, and the folder around the file exists.
pub fn is_below(file: &Path, folder: &Path) -> bool {
    let real =
        |path: &Path| if path.as_os_str().is_empty() { Path::new(".").canonicalize() } else { path.canonicalize() };
    let target = match file.symlink_metadata() {
        Ok(_) => real(file),
        Err(_) => real(file.parent().unwrap_or(Path::new(""))),
    };
    matches!((target, real(folder)), (Ok(target), Ok(folder)) if target.starts_with(&folder))
}

/// Returns the file that a path names: links are followed, and the last part need not exist.
pub fn target(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let named = || Some(folder.canonicalize().ok()?.join(path.file_name()?));
    path.canonicalize().ok().or_else(named).unwrap_or_else(|| path.to_owned())
}

/// Returns whether two paths name one file. Links are followed.
pub fn is_same_file(a: &Path, b: &Path) -> bool {
    same_file::is_same_file(a, b).unwrap_or(false)
}

fn reads(input: &Path, output: &Path) -> bool {
    if !input.is_dir() {
        // A pipe is not opened: that would wait for its writer.
        return target(input) == target(output) || input.is_file() && is_same_file(input, output);
    }
    let is_below = input.canonicalize().is_ok_and(|folder| target(output).starts_with(folder));
    is_below && (belongs(output) || output.is_file() && is_snapshot(output) && !is_report(output))
}

fn is_report(path: &Path) -> bool {
    let bytes = read_whole(path, "", Limits::default().bytes).unwrap_or_default();
    // A report of no findings may be an empty array.
    matches!(bytes.trim_ascii(), [] | b"[]") || std::str::from_utf8(&bytes).is_ok_and(|text| format_of(text).is_some())
}
