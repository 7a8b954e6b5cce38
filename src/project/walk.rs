//! Directory walks: which entries of a folder are looked at.
//!
//! Hidden entries and the backup, swap and temporary files of editors are left out without a message. This file
//! decides by name only; the loader decides what the remaining files are.

use std::ffi::OsStr;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use walkdir::{DirEntry, WalkDir};

/// Endings of backup, swap and temporary files. docs/cli.md lists them.
const LEFT_OUT: [&str; 9] = ["~", ".swp", ".swo", ".swx", ".tmp", ".bak", ".orig", "___jb_tmp___", "___jb_old___"];

/// The file that Vim creates to find out whether a folder is writable.
const VIM_PROBE: &str = "4913";

/// Returns the entries below a folder in the order of their names, links followed, ignored entries left out.
///
/// The folder itself comes first; it is never ignored, because the user named it.
pub(super) fn entries(folder: &Path) -> impl Iterator<Item = walkdir::Result<DirEntry>> {
    let walk = WalkDir::new(folder).sort_by_file_name().follow_links(true).into_iter();
    let entries =
        walk.filter_entry(|entry| entry.depth() == 0 || !is_ignored(entry.file_name(), entry.file_type().is_dir()));
    // A dangling link is an error before it is an entry. Emacs locks files with such links.
    entries.filter(|entry| match entry {
        Ok(_) => true,
        Err(error) => {
            error.depth() == 0 || error.path().and_then(Path::file_name).is_none_or(|name| !is_ignored(name, false))
        }
    })
}

/// Returns whether the walk of a folder visits a file with this path in the folder.
pub(super) fn visits(file: &Path) -> bool {
    let mut folders = file.parent().into_iter().flat_map(Path::iter);
    file.file_name().is_some_and(|name| !is_ignored(name, false)) && !folders.any(|name| is_ignored(name, true))
}

/// Returns whether an entry with this name is left out of directory walks.
fn is_ignored(name: &OsStr, is_folder: bool) -> bool {
    let name = name.to_string_lossy().to_lowercase();
    if name.starts_with('.') {
        return true;
    }
    let autosave = name.len() > 1 && name.starts_with('#') && name.ends_with('#');
    !is_folder && (autosave || name == VIM_PROBE || LEFT_OUT.iter().any(|ending| name.ends_with(ending)))
}

/// A digest of the entries of a walk: their paths and kinds, and the identity of the folders.
#[derive(Debug, Default)]
pub(super) struct Listing(DefaultHasher);

impl Listing {
    /// Returns the digest of a folder as it is now.
    pub(super) fn of(folder: &Path) -> u64 {
        let mut listing = Self::default();
        entries(folder).for_each(|entry| listing.add(&entry));
        listing.finish()
    }

    /// Adds the next entry of the walk.
    pub(super) fn add(&mut self, entry: &walkdir::Result<DirEntry>) {
        match entry {
            Ok(entry) => {
                let kind = entry.file_type();
                let folder = kind.is_dir().then(|| entry.metadata().ok().map(|found| identity(&found)));
                (entry.path(), kind.is_file(), folder).hash(&mut self.0);
            }
            Err(error) => (error.path(), error.to_string()).hash(&mut self.0),
        }
    }

    /// Returns the digest of the entries so far.
    pub(super) fn finish(&self) -> u64 {
        self.0.finish()
    }
}

/// Returns numbers that differ between two files or folders that exist at the same time, where the system has them.
#[cfg(unix)]
pub(super) fn identity(found: &std::fs::Metadata) -> [u64; 2] {
    use std::os::unix::fs::MetadataExt;
    [found.dev(), found.ino()]
}

/// Returns the time of creation, which is all that is available.
#[cfg(not(unix))]
pub(super) fn identity(found: &std::fs::Metadata) -> [u64; 2] {
    let created = found.created().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    [0, created.map_or(0, |created| created.as_nanos() as u64)]
}

/// Regular files that the run writes: those of its outputs, and those that standard output and standard error are
/// redirected to.
#[derive(Debug, Default)]
pub(super) struct OwnOutputs(Vec<same_file::Handle>);

impl OwnOutputs {
    /// Finds the files.
    pub(super) fn find(outputs: &[PathBuf]) -> Self {
        let streams = [same_file::Handle::stdout(), same_file::Handle::stderr()];
        let is_file = |handle: &same_file::Handle| handle.as_file().metadata().is_ok_and(|found| found.is_file());
        let files = outputs.iter().filter(|path| path.is_file()).map(same_file::Handle::from_path);
        Self(streams.into_iter().chain(files).flatten().filter(is_file).collect())
    }

    /// Returns whether a path leads to one of the files.
    pub(super) fn contain(&self, path: &Path) -> bool {
        // A pipe is not opened: that would wait for its writer.
        !self.0.is_empty()
            && path.is_file()
            && same_file::Handle::from_path(path).is_ok_and(|handle| self.0.contains(&handle))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_entries_and_editors_files_are_ignored() {
        let ignored = [
            ".git",
            ".#a.json",
            ".a.json.swp",
            "..data",
            "a.json~",
            "a.json.swp",
            "a.json.SWO",
            "a.swx",
            "#a.json#",
            "4913",
            "a.cedar.tmp",
            "a.cedar.bak",
            "a.cedar.orig",
            "a.json___jb_tmp___",
            "a.json___jb_old___",
        ];
        for name in ignored {
            assert!(is_ignored(OsStr::new(name), false), "{name}");
        }
        for name in ["a.json", "a.tmp.json", "#a.json", "#", "49130", "swp", "a~.json", "notes.txt"] {
            assert!(!is_ignored(OsStr::new(name), false), "{name}");
        }
    }

    #[test]
    fn a_folder_is_ignored_only_if_it_is_hidden() {
        assert!(is_ignored(OsStr::new(".git"), true));
        for name in ["old~", "a.bak", "4913", "#a#"] {
            assert!(!is_ignored(OsStr::new(name), true), "{name}");
        }
    }
}
