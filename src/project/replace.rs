//! Files that are replaced as a whole: a reader has the old content or the new one.

use super::shown;
use std::fs::{self, File, Metadata, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Names of temporary files that are tried.
const ATTEMPTS: usize = 16;

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

/// Returns names of temporary files for a file.
fn names(target: &Path) -> io::Result<impl Iterator<Item = String>> {
    let name = target.file_name().ok_or_else(|| io::Error::other("it does not name a file"))?.to_string_lossy();
    let named: String = name.chars().take(NAMED).collect();
    // Each state has a key of its own. Walks of folders ignore names that begin with a dot.
    Ok((0..ATTEMPTS).map(move |at| format!(".{named}.{:016x}.tmp", RandomState::new().hash_one(at))))
}

/// Creates the first of some files next to another one that does not exist.
fn create(target: &Path, names: impl Iterator<Item = String>) -> io::Result<(PathBuf, File)> {
    let mut last = io::Error::other("there is no name for a temporary file");
    for name in names {
        let path = target.with_file_name(name);
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                last = io::Error::new(error.kind(), format!("cannot create `{}`: {error}", shown(&path)));
            }
            Err(error) => return Err(error),
        }
    }
    Err(last)
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
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>().into_iter();
        let (path, _) = create(&target, names(&["taken", "free"])).expect("it can be created");
        assert_eq!(path, folder.path().join("free"));
        let error = create(&target, names(&["taken", "free"])).expect_err("both exist").to_string();
        assert!(error.starts_with("cannot create `") && error.contains("free`: "), "{error}");
        assert_eq!(content(&taken), "of another process");
        let tried: std::collections::BTreeSet<String> = super::names(&target).expect("it has a name").collect();
        assert_eq!(tried.len(), ATTEMPTS);
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
