//! Where symbolic links lead: the folders in which replacing an entry alters what a path leads to.

use super::walk;
use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

/// Links on the way to one path. The system gives up after as many.
const MAX_LINKS: usize = 40;

/// The folders to watch for a set of paths.
#[derive(Debug, Default)]
pub(super) struct Folders {
    /// The folders, each of which exists or is the target of a link.
    pub(super) found: BTreeSet<PathBuf>,
    /// Folders whose own path has been followed.
    followed: BTreeSet<PathBuf>,
}

impl Folders {
    /// Adds the folder that contains a file, and those of the links on the way to it.
    pub(super) fn add_file(&mut self, path: &Path) {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        if !self.followed.contains(&folder) {
            self.follow(&folder);
            self.found.insert(folder.clone());
            self.followed.insert(folder);
        }
        if path.is_symlink() {
            self.follow(path);
        }
    }

    /// Adds a folder, the folders below it, and those of the links on the way to any of them.
    pub(super) fn add_tree(&mut self, path: &Path) {
        self.add_file(path);
        for entry in walk::entries(path).flatten().filter(|entry| entry.file_type().is_dir()) {
            if entry.path_is_symlink() {
                self.follow(entry.path());
            }
            self.found.insert(entry.into_path());
        }
    }

    /// Adds the folder of every link on the way to a path, and the folder of what the path leads to. If that does not
    /// exist, adds the nearest folder above it that does.
    ///
    /// For `/a/link/b`, where `link` leads to `../c`, these are `/a` (the link) and `/c` (where `b` is).
    fn follow(&mut self, path: &Path) {
        let Ok(path) = std::path::absolute(path) else { return };
        let (mut reached, mut links) = (PathBuf::new(), 0);
        let mut steps: Vec<PathBuf> = steps_back(&path).collect();
        while let Some(step) = steps.pop() {
            match step.components().next() {
                Some(Component::Normal(_)) => {}
                Some(Component::ParentDir) => {
                    reached.pop();
                    continue;
                }
                Some(Component::CurDir) | None => continue,
                Some(Component::RootDir | Component::Prefix(_)) => {
                    reached.push(step);
                    continue;
                }
            }
            let next = reached.join(step);
            if !next.is_symlink() {
                if !next.exists() {
                    self.found.insert(reached);
                    return;
                }
                reached = next;
                continue;
            }
            self.found.insert(reached.clone());
            links += 1;
            match std::fs::read_link(&next) {
                Ok(target) if links <= MAX_LINKS => steps.extend(steps_back(&target)),
                _ => return,
            }
        }
        self.found.extend(reached.parent().map(Path::to_owned));
    }
}

/// Returns the components of a path, the last one first.
fn steps_back(path: &Path) -> impl Iterator<Item = PathBuf> {
    path.components().rev().map(|step| PathBuf::from(step.as_os_str()))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// Follows `path` in a folder that holds `a/b/file`, and links that lead there; returns what is found inside it.
    fn found(path: &str) -> Vec<String> {
        let scratch = tempfile::tempdir().expect("there is room");
        let root = scratch.path().canonicalize().expect("it exists");
        std::fs::create_dir_all(root.join("a/b")).expect("it can be made");
        std::fs::create_dir_all(root.join("c")).expect("it can be made");
        std::fs::write(root.join("a/b/file"), "").expect("it can be written");
        for (target, link) in [
            ("../a", "c/up"),
            ("b", "a/beside"),
            ("../c/up/beside/file", "a/twice"),
            ("gone/x", "c/gone"),
            ("loop", "c/loop"),
        ] {
            symlink(target, root.join(link)).expect("it can be linked");
        }
        let mut folders = Folders::default();
        folders.follow(&root.join(path));
        let inside = folders.found.iter().filter_map(|folder| folder.strip_prefix(&root).ok());
        inside.map(|folder| folder.display().to_string()).collect()
    }

    #[test]
    fn every_link_on_the_way_names_its_folder() {
        let cases: &[(&str, &[&str])] = &[
            ("a/b/file", &["a/b"]),
            ("c/up/b/file", &["a/b", "c"]),
            ("c/up/beside/file", &["a", "a/b", "c"]),
            ("a/twice", &["a", "a/b", "c"]),
            ("c/up/../c/up/b/file", &["a/b", "c"]),
        ];
        for (path, expected) in cases {
            assert_eq!(found(path), *expected, "{path}");
        }
    }

    #[test]
    fn a_path_that_leads_nowhere_names_the_nearest_folder() {
        let cases: &[(&str, &[&str])] =
            &[("a/none/x", &["a"]), ("c/gone", &["c"]), ("c/loop", &["c"]), ("c/up/none", &["a", "c"])];
        for (path, expected) in cases {
            assert_eq!(found(path), *expected, "{path}");
        }
    }
}
