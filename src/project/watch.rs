//! Watching files. Editors save in many ways; what matters is that something below a watched folder has changed.

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// Saving is several events: writing to a second file, renaming, changing times. A run waits until this long is quiet.
const SETTLED: Duration = Duration::from_millis(60);

/// The watcher could not be set up.
#[derive(Debug)]
pub struct WatchError(notify::Error);

impl std::fmt::Display for WatchError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "cannot watch files: {}", self.0)
    }
}

impl std::error::Error for WatchError {}

/// Tells when files change.
pub struct Changes {
    watcher: RecommendedWatcher,
    events: Receiver<notify::Result<Event>>,
    watched: BTreeSet<PathBuf>,
}

impl Changes {
    /// Returns a watcher that watches nothing yet.
    ///
    /// # Errors
    /// When the system provides no file events.
    pub fn new() -> Result<Self, WatchError> {
        let (send, events) = channel();
        let watcher = notify::recommended_watcher(move |event| {
            // Nobody listens any more when the program is ending.
            let _ = send.send(event);
        });
        Ok(Self { watcher: watcher.map_err(WatchError)?, events, watched: BTreeSet::new() })
    }

    /// Watches files and folders besides those watched already.
    ///
    /// Of a file its folder is watched: an editor that renames a new file over the old one leaves no file to watch.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn watch(&mut self, paths: &[PathBuf]) -> Result<(), WatchError> {
        for path in paths {
            let (folder, mode) = if path.is_dir() {
                (path.clone(), RecursiveMode::Recursive)
            } else {
                (folder_of(path), RecursiveMode::NonRecursive)
            };
            if folder.is_dir() && self.watched.insert(folder.clone()) {
                self.watcher.watch(&folder, mode).map_err(WatchError)?;
            }
        }
        Ok(())
    }

    /// Waits until something has changed and saving is over.
    ///
    /// # Errors
    /// When the watcher has failed.
    pub fn wait(&self) -> Result<(), WatchError> {
        loop {
            let event = self.events.recv().map_err(|_| WatchError(notify::Error::generic("the watcher has ended")))?;
            if matters(&event.map_err(WatchError)?) {
                break;
            }
        }
        loop {
            match self.events.recv_timeout(SETTLED) {
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => return Ok(()),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(WatchError(notify::Error::generic("the watcher has ended")));
                }
            }
        }
    }
}

/// Reading a file is no change.
fn matters(event: &Event) -> bool {
    !matches!(event.kind, EventKind::Access(_))
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}
