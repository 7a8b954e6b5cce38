//! Files that are replaced as a whole: a reader has the old content or the new one.

use super::shown;
use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Names of temporary files that are tried.
const ATTEMPTS: usize = 16;

/// Names among them that are the same in each run.
const FIXED: usize = 4;

/// Characters of the name of a file that the name of its temporary file has. Both names are limited by the file system.
const NAMED: usize = 40;

/// Links that are followed.
const MOST_LINKS: usize = 40;

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
    let written = Replacement::begin(path).and_then(|mut file| match content(&mut file)? {
        true => file.finish(),
        false => Ok(()),
    });
    written.map_err(|error| io::Error::new(error.kind(), format!("cannot write `{}`: {error}", shown(path))))
}

/// A file that is being written. Its path has the old content until [`Replacement::finish`]; without that, it is as before.
#[derive(Debug)]
pub struct Replacement {
    file: BufWriter<File>,
    /// `None` for a file that is written in place.
    temporary: Option<Temporary>,
}

/// A file that this process created, and the one that it replaces.
#[derive(Debug)]
struct Temporary {
    path: PathBuf,
    target: PathBuf,
}

impl Replacement {
    /// Begins to write a file in a temporary file next to it. A link keeps its target, which is replaced; permissions are
    /// kept. Devices, pipes and open files, such as `/dev/stdout`, are written in place.
    ///
    /// # Errors
    /// When the file or the temporary file cannot be written.
    pub fn begin(path: &Path) -> io::Result<Self> {
        if path.as_os_str().as_encoded_bytes().last().is_some_and(|last| std::path::is_separator(char::from(*last))) {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        // A rename does not need the permission to write the file, so it is asked for here.
        let known = match OpenOptions::new().write(true).open(path) {
            Ok(file) => Some((file.metadata()?, file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let known = match known {
            Some((metadata, file)) if !metadata.is_file() => return Ok(Self::within(file)),
            Some(_) if is_open_file(path) => return Self::in_place(path),
            known => known.map(|(metadata, _)| metadata),
        };
        let target = target(path);
        let (path, file) = create(&target, names(&target)?)?;
        let begun = Self { file: BufWriter::new(file), temporary: Some(Temporary { path, target }) };
        if let Some(known) = known {
            keep_access(begun.file.get_ref(), &known)?;
        }
        Ok(begun)
    }

    /// Begins to write a file without a temporary file. It is emptied now.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn in_place(path: &Path) -> io::Result<Self> {
        File::create(path).map(Self::within)
    }

    fn within(file: File) -> Self {
        Self { file: BufWriter::new(file), temporary: None }
    }

    /// Replaces the file.
    ///
    /// # Errors
    /// When it cannot be written. Then it is as before, unless it is written in place.
    pub fn finish(&mut self) -> io::Result<()> {
        self.file.flush()?;
        let Some(Temporary { path, target }) = &self.temporary else { return Ok(()) };
        self.file.get_ref().sync_all()?;
        match fs::rename(path, target) {
            Ok(()) => {
                self.temporary = None;
                Ok(())
            }
            // A file that is mounted by itself, as in a container, has no other name.
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => fs::copy(path, target).map(|_| ()),
            Err(error) => Err(io::Error::new(error.kind(), format!("cannot rename `{}`: {error}", shown(path)))),
        }
    }
}

impl Write for Replacement {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            // The error of the write is the one to report.
            fs::remove_file(&temporary.path).ok();
        }
    }
}

/// Returns whether a path is that of an open file of a process, which has another path or none.
fn is_open_file(path: &Path) -> bool {
    let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
    folder.is_some_and(|folder| {
        folder.starts_with("/proc") || [Path::new("/dev"), Path::new("/dev/fd")].contains(&folder.as_path())
    })
}

/// Returns the file that a path names, which need not exist. Links are followed.
fn target(path: &Path) -> PathBuf {
    if let Ok(target) = path.canonicalize() {
        return target;
    }
    let mut target = path.to_owned();
    for _ in 0..MOST_LINKS {
        let Ok(link) = fs::read_link(&target) else { break };
        target = target.parent().unwrap_or(Path::new("")).join(link);
    }
    target
}

/// Returns names of temporary files for a file. The first ones are the same in each run, so that a run finds what an
/// interrupted one has left.
fn names(target: &Path) -> io::Result<impl Iterator<Item = String>> {
    let name = target.file_name().ok_or_else(|| io::Error::other("it does not name a file"))?.to_string_lossy();
    let named: String = name.chars().take(NAMED).collect();
    // Each state has a key of its own.
    let digits = |at: usize| if at < FIXED { at as u64 } else { RandomState::new().hash_one(at) };
    // Walks of folders ignore names that begin with a dot.
    Ok((0..ATTEMPTS).map(move |at| format!(".{named}.{:016x}.tmp", digits(at))))
}

/// Creates the first of some files next to another one that does not exist, or that an interrupted process has left.
///
/// The process that writes a temporary file holds a lock of it. The lock ends with the process.
fn create(target: &Path, names: impl Iterator<Item = String>) -> io::Result<(PathBuf, File)> {
    let mut last = io::Error::other("there is no name for a temporary file");
    for name in names {
        let path = target.with_file_name(name);
        let new = || OpenOptions::new().write(true).create_new(true).open(&path);
        let created = new().or_else(|error| match error.kind() {
            io::ErrorKind::AlreadyExists if remove_left(&path) => new(),
            _ => Err(error),
        });
        match created {
            Ok(file) if is_held(&file, &path) => return Ok((path, file)),
            // Another process took it for one that was left.
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                last = io::Error::new(error.kind(), format!("cannot create `{}`: {error}", shown(&path)));
            }
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

/// Locks a new file. Returns whether no other process has locked or removed it. Some file systems do not have locks.
fn is_held(file: &File, path: &Path) -> bool {
    match file.try_lock() {
        Ok(()) => is_at(file, path),
        Err(TryLockError::WouldBlock) => false,
        Err(TryLockError::Error(_)) => true,
    }
}

/// Removes a file that no process holds. Returns whether it was removed.
fn remove_left(path: &Path) -> bool {
    // Pipes are not opened: that would wait for a reader.
    path.symlink_metadata().is_ok_and(|found| found.is_file())
        && OpenOptions::new().write(true).open(path).is_ok_and(|file| {
            // Only the holder of its lock removes a file, so it stays at the path.
            file.try_lock().is_ok() && is_at(&file, path) && fs::remove_file(path).is_ok()
        })
}

/// Returns whether an open file is the one at a path.
fn is_at(file: &File, path: &Path) -> bool {
    let open = file.try_clone().and_then(same_file::Handle::from_file);
    open.is_ok_and(|open| same_file::Handle::from_path(path).is_ok_and(|found| found == open))
}

/// Gives a file the permissions of another one and, if this process may, its owner.
fn keep_access(file: &File, known: &Metadata) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, fchown};
        // Only an administrator may give a file away.
        fchown(file, Some(known.uid()), Some(known.gid())).ok();
    }
    file.set_permissions(known.permissions())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(path: &Path) -> String {
        fs::read_to_string(path).expect("it is a text")
    }

    #[test]
    fn a_file_has_its_old_content_until_the_new_one_is_finished() {
        let folder = tempfile::tempdir().expect("there is room");
        let path = folder.path().join("report.json");
        fs::write(&path, "old").expect("it can be written");
        let mut file = Replacement::begin(&path).expect("it can be written");
        file.write_all(b"new").and_then(|()| file.flush()).expect("there is room");
        assert_eq!(content(&path), "old");
        drop(file);
        assert_eq!((content(&path).as_str(), fs::read_dir(&folder).expect("a folder").count()), ("old", 1));
        let mut file = Replacement::begin(&path).expect("it can be written");
        file.write_all(b"new").and_then(|()| file.finish()).expect("there is room");
        drop(file);
        assert_eq!((content(&path).as_str(), fs::read_dir(&folder).expect("a folder").count()), ("new", 1));
    }

    #[test]
    fn a_temporary_file_of_another_process_stays_and_another_name_is_used() {
        let folder = tempfile::tempdir().expect("there is room");
        let (target, taken) = (folder.path().join("w.cedar"), folder.path().join("taken"));
        fs::write(&taken, "of another process").expect("it can be written");
        let held = File::open(&taken).expect("it exists");
        held.lock().expect("there are locks");
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>().into_iter();
        let (path, other) = create(&target, names(&["taken", "free"])).expect("it can be created");
        assert_eq!(path, folder.path().join("free"));
        let error = create(&target, names(&["taken", "free"])).expect_err("both exist").to_string();
        assert!(error.starts_with("cannot create `") && error.contains("free`: "), "{error}");
        assert_eq!(content(&taken), "of another process");
        drop(other);
        let tried: std::collections::BTreeSet<String> = super::names(&target).expect("it has a name").collect();
        assert_eq!(tried.len(), ATTEMPTS);
    }

    #[test]
    fn temporary_files_that_interrupted_runs_have_left_are_removed() {
        let folder = tempfile::tempdir().expect("there is room");
        let (path, other) = (folder.path().join("report.json"), folder.path().join(".report.json.bak.tmp"));
        fs::write(&other, "of the user").expect("it can be written");
        for at in 0..6 {
            let begun = Replacement::begin(&path).expect("it can be written");
            let Temporary { path: left, .. } = begun.temporary.as_ref().expect("it is not written in place");
            let left = left.clone();
            // The end of a process closes its files, and does not remove them.
            drop(begun);
            fs::write(left, "a part").expect("it can be written");
            if at % 2 == 1 {
                replace_file(&path, "new").expect("it can be written");
                assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 2, "{at}");
            }
        }
        assert_eq!([content(&path), content(&other)], ["new", "of the user"]);
        // Two files at a time have different names, and the file of one that is left is used by the next one.
        let mut both = [0, 1].map(|_| Replacement::begin(&path).expect("it can be written"));
        both.iter_mut().for_each(|file| file.write_all(b"newer").expect("there is room"));
        both.iter_mut().for_each(|file| file.finish().expect("there is room"));
        drop(both);
        assert_eq!((content(&path).as_str(), fs::read_dir(&folder).expect("a folder").count()), ("newer", 2));
    }

    #[cfg(unix)]
    #[test]
    fn what_is_not_a_temporary_file_is_not_removed() {
        let folder = tempfile::tempdir().expect("there is room");
        let (path, file) = (folder.path().join("report.json"), folder.path().join("file"));
        fs::write(&file, "of the user").expect("it can be written");
        for name in names(&path).expect("it has a name").take(FIXED) {
            std::os::unix::fs::symlink("file", folder.path().join(name)).expect("there are links");
        }
        replace_file(&path, "new").expect("it can be written");
        assert_eq!([content(&path), content(&file)], ["new", "of the user"]);
        assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 2 + FIXED);
    }

    #[test]
    fn a_folder_is_not_replaced() {
        let folder = tempfile::tempdir().expect("there is room");
        for path in [folder.path().to_owned(), folder.path().join("none/")] {
            assert_eq!(
                Replacement::begin(&path).map_err(|error| error.kind()).err(),
                Some(io::ErrorKind::IsADirectory)
            );
        }
        assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 0);
    }

    #[test]
    fn a_file_with_the_longest_name_can_be_replaced() {
        let folder = tempfile::tempdir().expect("there is room");
        let path = folder.path().join("n".repeat(255));
        replace_file(&path, "new").expect("it can be written");
        assert_eq!(content(&path), "new");
    }

    #[cfg(unix)]
    #[test]
    fn links_and_permissions_are_kept() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().expect("there is room");
        let path = |name: &str| folder.path().join(name);
        fs::write(path("file"), "old").expect("it can be written");
        fs::set_permissions(path("file"), fs::Permissions::from_mode(0o640)).expect("it is ours");
        symlink("file", path("link")).expect("there are links");
        symlink("later", path("dangling")).expect("there are links");
        for name in ["link", "dangling"] {
            replace_file(&path(name), "new").expect("it can be written");
            assert!(path(name).is_symlink(), "{name}");
        }
        assert_eq!([content(&path("file")), content(&path("later"))], ["new", "new"]);
        assert_eq!(fs::metadata(path("file")).expect("it exists").permissions().mode() & 0o777, 0o640);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn devices_and_open_files_are_written_in_place() {
        use std::os::fd::AsRawFd;
        assert!(replace_file(Path::new("/dev/full"), "text").is_err());
        replace_file(Path::new("/dev/null"), "text").expect("it takes everything");
        let folder = tempfile::tempdir().expect("there is room");
        let path = folder.path().join("open");
        let file = File::create(&path).expect("it can be created");
        fs::remove_file(&path).expect("it exists");
        let open = PathBuf::from(format!("/dev/fd/{}", file.as_raw_fd()));
        replace_file(&open, "text").expect("it can be written");
        assert_eq!(content(&open), "text");
        assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 0);
    }
}
