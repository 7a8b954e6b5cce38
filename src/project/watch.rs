//! Waiting until files change.
//!
//! Whether something has changed is decided by looking at the files again ([`FileStates::is_current`]). Events of the
//! system only say when to look early: they are lost when a folder is replaced, when watches run out, and on many
//! network file systems. Regular rescans find what events miss.

use super::file_states::FileStates;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

/// Saving is several events: writing to a second file, renaming, changing times. A run waits until this long is quiet.
const QUIET: Duration = Duration::from_millis(60);

/// Events that go on postpone a run by at most this long.
const LONGEST_DELAY: Duration = Duration::from_millis(500);

/// The time between rescans.
const RESCAN: Duration = Duration::from_secs(1);

/// A rescan may take this part of the time, at most.
const SHARE: u32 = 10;

/// Files are read again this long after a change. The coarsest file system clock has a resolution of two seconds.
const CONFIRM: Duration = Duration::from_secs(2);

/// Waits for changes of the files and folders that a load looked at.
pub struct Changes {
    /// Absent before the first load, and where the system provides no events.
    watcher: Option<RecommendedWatcher>,
    /// Why the system provides no events for some folder.
    without_events: Option<String>,
    /// Holds at most one hint: more say the same.
    hints: Receiver<()>,
    /// Keeps the channel open where there is no watcher.
    hint: SyncSender<()>,
    file_states: FileStates,
    /// When the files are to be read again although they look unchanged.
    confirm_at: Option<Instant>,
    last_scan: Scan,
}

/// When a scan ended, and how long it took.
struct Scan {
    ended: Instant,
    took: Duration,
}

impl Changes {
    /// Returns a watch over nothing.
    pub fn new() -> Self {
        let (hint, hints) = sync_channel(1);
        let last_scan = Scan { ended: Instant::now(), took: Duration::ZERO };
        let (watcher, without_events, confirm_at) = (None, None, None);
        Self { watcher, without_events, hints, hint, file_states: FileStates::default(), confirm_at, last_scan }
    }

    /// Watches what a load has looked at. Changes since then count.
    pub fn expect(&mut self, file_states: FileStates) {
        if self.file_states == file_states {
            return;
        }
        self.file_states = file_states;
        self.confirm_at = Some(Instant::now() + CONFIRM);
        // A watch stays with a folder that has been renamed or deleted, so all are set anew.
        self.watcher = None;
        self.without_events = self.set_watches().err().map(|error| error.to_string());
    }

    /// Returns why the system provides no events for some folder. Rescans find its changes all the same.
    pub fn without_events(&self) -> Option<&str> {
        self.without_events.as_deref()
    }

    fn set_watches(&mut self) -> notify::Result<()> {
        let hint = self.hint.clone();
        let mut watcher = notify::recommended_watcher(move |event| {
            if may_change(&event) {
                #[expect(clippy::let_underscore_must_use, reason = "a full channel has a hint already")]
                let _ = hint.try_send(());
            }
        })?;
        let mut outcome = Ok(());
        let mut paths = watcher.paths_mut();
        for folder in self.file_states.watched_folders() {
            // A folder may have gone since; the next scan notices.
            if folder.is_dir() {
                outcome = outcome.and(paths.add(&folder, RecursiveMode::NonRecursive));
            }
        }
        outcome = outcome.and(paths.commit());
        self.watcher = Some(watcher);
        outcome
    }

    /// Waits until files have changed and saving is over, or until they have to be read again to be certain.
    pub fn wait(&mut self) {
        loop {
            let now = Instant::now();
            let rescan_at = self.last_scan.ended + RESCAN.max(self.last_scan.took * SHARE);
            let until = self.confirm_at.map_or(rescan_at, |confirm_at| confirm_at.min(rescan_at));
            if self.hints.recv_timeout(until.saturating_duration_since(now)).is_ok() {
                self.settle();
            }
            if self.confirm_at.is_some_and(|confirm_at| confirm_at <= Instant::now()) {
                self.confirm_at = None;
                return;
            }
            if !self.is_current() {
                self.settle();
                return;
            }
        }
    }

    /// Waits until no event has come for a while, or the longest delay is over.
    fn settle(&self) {
        let latest = Instant::now() + LONGEST_DELAY;
        loop {
            let left = latest.saturating_duration_since(Instant::now());
            if left.is_zero() || self.hints.recv_timeout(QUIET.min(left)).is_err() {
                return;
            }
        }
    }

    /// Scans, but not so often that scanning takes up the machine.
    fn is_current(&mut self) -> bool {
        let earliest = self.last_scan.ended + self.last_scan.took * SHARE;
        std::thread::sleep(earliest.saturating_duration_since(Instant::now()));
        let started = Instant::now();
        let is_current = self.file_states.is_current();
        let ended = Instant::now();
        self.last_scan = Scan { ended, took: ended - started };
        is_current
    }
}

impl Default for Changes {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns whether an event may be a change. Reading is not, and a lost event may be anything.
fn may_change(event: &notify::Result<Event>) -> bool {
    !matches!(event, Ok(Event { kind: EventKind::Access(_), .. }))
}
