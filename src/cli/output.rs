//! Standard output, and messages on standard error.
//!
//! A failed write to standard output ends the process: with 141 if the reader is gone, otherwise with 5. Standard error
//! may be closed, so a failed write to it changes nothing.

use deodar::render::plain;
use std::fmt;
use std::io::{self, BufWriter, Stdout, Write};
use std::process::ExitCode;

/// The exit code after a write to a closed pipe, as if SIGPIPE had ended the process.
const CLOSED_PIPE: u8 = 141;

/// Standard output with a buffer. It must be flushed, because an error of a write on drop is lost.
pub(super) struct Output(BufWriter<Stdout>);

impl Output {
    /// Returns standard output.
    pub(super) fn new() -> Self {
        Self(BufWriter::new(io::stdout()))
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(named)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(named)
    }
}

fn named(error: io::Error) -> io::Error {
    cannot_write("standard output", &error)
}

/// Adds the name of the target to the error of a failed write.
pub(super) fn cannot_write(target: impl fmt::Display, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot write {target}: {error}"))
}

/// Writes a line to standard error. Arguments and texts of inputs in it are escaped.
pub(super) fn message(line: &str) {
    to_stderr(|out| writeln!(out, "{}", plain(line)));
}

/// Reports wrong usage of the command line, and returns its exit code.
pub(super) fn wrong_usage(reason: &str) -> ExitCode {
    message(&format!("error: {reason}"));
    ExitCode::from(2)
}

/// Writes to standard error what a function of the library writes, which escapes its texts itself.
pub(super) fn to_stderr(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
    let mut text = Vec::new();
    // A write to memory does not fail, and a failed write to standard error changes nothing.
    write(&mut text).ok();
    io::stderr().lock().write_all(&text).ok();
}

/// Returns the exit code of a failed command, and reports the failure.
pub(super) fn failed(error: &io::Error) -> ExitCode {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return ExitCode::from(CLOSED_PIPE);
    }
    message(&format!("deodar: {error}"));
    ExitCode::from(5)
}
