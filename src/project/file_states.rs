//! The states of files and folders at the time of a load, and their comparison with the present states.
//!
//! A file counts as unchanged while its identity, size and times are the same. That misses a second write within the
//! resolution of the file system's clock, so a watch confirms what it has read once that time has passed.

use super::links::Folders;
use super::walk::{Listing, identity};
use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The files and folders that a load looked at, each with its state just before.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct FileStates {
    files: BTreeMap<PathBuf, Result<Stamp, NoFile>>,
    /// Paths that were tested for existence only.
    existing: BTreeMap<PathBuf, bool>,
    /// Walked folders with the digest of their entries.
    folders: BTreeMap<PathBuf, u64>,
}

/// The metadata that changes if a file is written or replaced, or if its rights change.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    identity: [u64; 2],
    is_folder: bool,
    len: u64,
    modified: Option<SystemTime>,
    /// When the file's metadata last changed. Unlike the time of its last write, it cannot be set back.
    changed: [i64; 2],
}

/// The state of a path that leads to no file. The message about it depends on both.
#[derive(Debug, PartialEq, Eq)]
struct NoFile {
    error: ErrorKind,
    is_link: bool,
}

impl Stamp {
    fn of(path: &Path) -> Result<Self, NoFile> {
        let found = path.metadata().map_err(|error| NoFile { error: error.kind(), is_link: path.is_symlink() })?;
        Ok(Self {
            identity: identity(&found),
            is_folder: found.is_dir(),
            len: found.len(),
            modified: found.modified().ok(),
            changed: changed(&found),
        })
    }
}

#[cfg(unix)]
fn changed(found: &std::fs::Metadata) -> [i64; 2] {
    use std::os::unix::fs::MetadataExt;
    [found.ctime(), found.ctime_nsec()]
}

#[cfg(not(unix))]
fn changed(_: &std::fs::Metadata) -> [i64; 2] {
    [0; 2]
}

fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

impl FileStates {
    /// Records the state of a file that is about to be read, or of a path that is about to be tested for existence.
    pub(super) fn file(&mut self, path: &Path) {
        // The first state is kept: what has changed since is then noticed.
        self.files.entry(path.to_owned()).or_insert_with(|| Stamp::of(path));
    }

    /// Returns whether a path exists, and records this. The content may change.
    pub(super) fn exists(&mut self, path: &Path) -> bool {
        *self.existing.entry(path.to_owned()).or_insert_with(|| exists(path))
    }

    /// Records the entries that a walk has found.
    pub(super) fn folder(&mut self, path: &Path, listing: &Listing) {
        self.folders.entry(path.to_owned()).or_insert_with(|| listing.finish());
    }

    /// Returns whether every file and folder is as it was.
    pub(super) fn is_current(&self) -> bool {
        self.files.iter().all(|(path, stamp)| *stamp == Stamp::of(path))
            && self.existing.iter().all(|(path, known)| *known == exists(path))
            && self.folders.iter().all(|(path, listing)| *listing == Listing::of(path))
    }

    /// Returns the folders in which a change can alter what the files and folders contain. A path that was only tested for
    /// existence may be in a busy folder, which rescans look at.
    pub(super) fn watched_folders(&self) -> BTreeSet<PathBuf> {
        let mut folders = Folders::default();
        self.files.keys().for_each(|path| folders.add_file(path));
        self.folders.keys().for_each(|path| folders.add_tree(path));
        folders.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// A folder `top` with a file in it and in a folder below, and links to both.
    fn scratch() -> tempfile::TempDir {
        let scratch = tempfile::tempdir().expect("there is room");
        let root = scratch.path();
        fs::create_dir_all(root.join("top/below")).expect("it can be made");
        for name in ["top/a.json", "top/below/b.json", "top/.hidden.json", "beside.json"] {
            fs::write(root.join(name), "{}").expect("it can be written");
        }
        scratch
    }

    /// Records `top` and two files, makes a change, and returns whether all is as it was.
    fn is_current_after(change: impl FnOnce(&Path) -> std::io::Result<()>) -> bool {
        let scratch = scratch();
        let root = scratch.path();
        let mut states = FileStates::default();
        let mut listing = Listing::default();
        super::super::walk::entries(&root.join("top")).for_each(|entry| listing.add(&entry));
        states.folder(&root.join("top"), &listing);
        states.file(&root.join("top/a.json"));
        states.file(&root.join("none.json"));
        change(root).expect("the change can be made");
        states.is_current()
    }

    #[test]
    fn the_reason_why_there_is_no_file_is_a_part_of_the_state() {
        let scratch = scratch();
        let path = scratch.path().join("top/a.json");
        let states = || {
            let mut states = FileStates::default();
            states.file(&path);
            states
        };
        fs::remove_file(&path).expect("it can be removed");
        let missing = states();
        assert!(missing.is_current());
        fs::rename(scratch.path().join("top"), scratch.path().join("old")).expect("it can be renamed");
        fs::write(scratch.path().join("top"), "{}").expect("it can be written");
        assert!(!missing.is_current(), "a file is in place of the folder");
        let below_file = states();
        fs::remove_file(scratch.path().join("top")).expect("it can be removed");
        assert!(!below_file.is_current(), "there is neither a folder nor a file");
    }

    #[test]
    fn what_is_at_a_path_that_was_tested_for_existence_may_change() {
        let scratch = scratch();
        let mut states = FileStates::default();
        assert!(states.exists(&scratch.path().join("top")));
        assert!(!states.exists(&scratch.path().join("none")));
        fs::write(scratch.path().join("top/more.json"), "{}").expect("it can be written");
        assert!(states.is_current());
        fs::create_dir(scratch.path().join("none")).expect("it can be made");
        assert!(!states.is_current());
        fs::remove_dir(scratch.path().join("none")).expect("it can be removed");
        assert!(states.is_current());
        fs::rename(scratch.path().join("top"), scratch.path().join("old")).expect("it can be renamed");
        assert!(!states.is_current());
    }

    type Change = fn(&Path) -> std::io::Result<()>;

    #[test]
    fn a_change_of_a_file_or_folder_is_seen() {
        let changes: &[(&str, Change)] = &[
            ("write", |root| fs::write(root.join("top/a.json"), "{ }")),
            ("write and set the time back", |root| {
                let path = root.join("top/a.json");
                let time = path.metadata()?.modified()?;
                fs::write(&path, "{  }")?;
                fs::File::options().write(true).open(path)?.set_modified(time)
            }),
            ("rename over it", |root| fs::rename(root.join("beside.json"), root.join("top/a.json"))),
            ("remove", |root| fs::remove_file(root.join("top/a.json"))),
            ("create", |root| fs::write(root.join("none.json"), "")),
            ("create in the folder", |root| fs::write(root.join("top/c.json"), "")),
            ("create below the folder", |root| fs::write(root.join("top/below/c.json"), "")),
            ("remove below the folder", |root| fs::remove_file(root.join("top/below/b.json"))),
            ("make an empty folder", |root| fs::create_dir(root.join("top/c"))),
            ("rename the folder", |root| fs::rename(root.join("top"), root.join("old"))),
            ("replace the folder", |root| {
                fs::rename(root.join("top"), root.join("old"))?;
                fs::create_dir_all(root.join("top/below"))?;
                fs::write(root.join("top/below/b.json"), "{}")?;
                fs::copy(root.join("old/a.json"), root.join("top/a.json")).map(|_| ())
            }),
            ("a file in place of the folder", |root| {
                fs::rename(root.join("top"), root.join("old"))?;
                fs::write(root.join("top"), "{}")
            }),
        ];
        for (name, change) in changes {
            assert!(!is_current_after(change), "{name}");
        }
    }

    #[test]
    fn reading_and_ignored_files_change_nothing() {
        let changes: &[(&str, Change)] = &[
            ("read", |root| fs::read(root.join("top/a.json")).map(|_| ())),
            ("list", |root| fs::read_dir(root.join("top")).map(|_| ())),
            ("a swap file", |root| fs::write(root.join("top/.a.json.swp"), "x")),
            ("a backup", |root| fs::write(root.join("top/a.json~"), "x")),
            ("a hidden file", |root| fs::write(root.join("top/.hidden.json"), "x")),
            ("a repository", |root| {
                fs::create_dir(root.join("top/.git"))?;
                fs::write(root.join("top/.git/index.json"), "x")
            }),
            ("a file beside", |root| fs::write(root.join("beside.json"), "x")),
        ];
        for (name, change) in changes {
            assert!(is_current_after(change), "{name}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_leads_elsewhere_is_a_change() {
        use std::os::unix::fs::symlink;
        let scratch = scratch();
        let root = scratch.path();
        let link = root.join("link");
        symlink("top", &link).expect("it can be linked");
        let mut states = FileStates::default();
        states.file(&link.join("a.json"));
        assert!(states.is_current());
        symlink("top/below", root.join("new")).expect("it can be linked");
        fs::rename(root.join("new"), &link).expect("it can be renamed");
        assert!(!states.is_current());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_itself_or_to_nothing_is_not_a_missing_file() {
        let scratch = scratch();
        let link = scratch.path().join("link.json");
        let mut states = Vec::new();
        for target in [Some("link.json"), None, Some("none.json")] {
            if let Some(target) = target {
                std::os::unix::fs::symlink(target, &link).expect("it can be linked");
            }
            let mut state = FileStates::default();
            state.file(&link);
            assert!(state.is_current() && states.iter().all(|earlier: &FileStates| !earlier.is_current()));
            states.push(state);
            if target.is_some() {
                fs::remove_file(&link).expect("it can be removed");
            }
        }
    }
}
