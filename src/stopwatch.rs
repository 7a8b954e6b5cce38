//! The duration of steps, for `--verbose`. Not a source of time for verdicts: these depend on the time of the run alone.

use std::time::Duration;

/// A running clock. On a platform without a clock, all durations are zero.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch {
    #[cfg(not(target_family = "wasm"))]
    started: std::time::Instant,
}

impl Stopwatch {
    /// Starts it.
    #[cfg(not(target_family = "wasm"))]
    #[expect(clippy::disallowed_methods, reason = "the one place where the library reads the clock")]
    pub(crate) fn start() -> Self {
        Self { started: std::time::Instant::now() }
    }

    /// Starts it.
    #[cfg(target_family = "wasm")]
    pub(crate) fn start() -> Self {
        Self {}
    }

    /// Returns the time since the start, and starts again.
    pub(crate) fn lap(&mut self) -> Duration {
        #[cfg(not(target_family = "wasm"))]
        let lap = self.started.elapsed();
        #[cfg(target_family = "wasm")]
        let lap = Duration::ZERO;
        *self = Self::start();
        lap
    }
}
