//! `deodar check --watch`: runs again when the inputs change.

use super::check::Args;
use super::output::{Output, to_stderr};
use super::outputs::Selected;
use deodar::diagnostic::Diagnostic;
use deodar::project::{Changes, Loader, Selection};
use deodar::render::{Audience, diagnostics};
use deodar::report::Report;
use deodar::{Inputs, Session};
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

/// Returns the reason if a selection cannot be watched.
pub(super) fn refused(selection: &Selection) -> Option<String> {
    if selection.snapshots.iter().any(|path| path.as_os_str() == "-") {
        return Some("standard input cannot be watched: name files or folders with --watch".to_owned());
    }
    let mut named = selection.snapshots.iter().chain(&selection.policies).chain(&selection.schema);
    // The content of a pipe can be read once.
    let is_stream = |path: &&PathBuf| path.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir());
    let stream = named.find(is_stream)?;
    Some(format!("`{}` is not a file or folder and cannot be watched", stream.display()))
}

/// Runs again at every change of the inputs. While a file is invalid, text output keeps the last result from valid
/// files.
pub(super) fn run(args: &Args, selected: &Selected) -> io::Result<ExitCode> {
    #[expect(clippy::exit, reason = "the handler of Ctrl-C ends the process at once, with the exit code of a shell")]
    ctrlc::set_handler(|| std::process::exit(130)).map_err(io::Error::other)?;
    let (mut loader, mut changes, mut screens) = (Loader::default(), Changes::new(), Screens::default());
    let mut last_inputs = None;
    let mut is_noted = false;
    loop {
        let started = Instant::now();
        let inputs = loader.load(&args.selection(), &args.limits());
        if let Err(reason) = changes.expect(std::mem::take(&mut loader.file_states))
            && !std::mem::replace(&mut is_noted, true)
        {
            to_stderr(|out| {
                writeln!(out, "note: no file events for some folders ({reason}); changes are found by rescans")
            });
        }
        let inputs = Some(inputs);
        // A file that was written again with the same text changes nothing.
        if inputs != last_inputs {
            last_inputs = inputs;
            if let Some(inputs) = &last_inputs {
                screens.show(args, selected, inputs, started)?;
            }
        }
        changes.wait();
    }
}

/// The last screen, and the state that the next run reuses.
#[derive(Default)]
struct Screens {
    session: Session,
    /// The last result from valid files.
    last_valid: Option<Vec<u8>>,
}

impl Screens {
    /// Judges the inputs and writes the result.
    fn show(
        &mut self,
        args: &Args,
        selected: &Selected,
        inputs: &Result<Inputs, Vec<Diagnostic>>,
        started: Instant,
    ) -> io::Result<()> {
        let mut files = selected.open_files(&args.presentation(false))?;
        let mut output = selected.stdout.open(&args.presentation(true));
        let options = args.options(output.needs().max(files.needs()));
        let report = match inputs {
            Ok(inputs) => self.session.run(inputs, &options),
            Err(diagnostics) => Report::new(&options, diagnostics.clone()),
        };
        files.finish(&report)?;
        let mut screen = Vec::new();
        if report.is_valid() {
            output.finish(&report, &mut screen)?;
            self.last_valid = Some(screen.clone());
        } else if let (Some(last), Audience::People) = (&self.last_valid, selected.stdout.audience) {
            diagnostics::write(&report.diagnostics, &report.secrets, args.style(), &mut screen)?;
            writeln!(screen, "  ── stale: what follows is from before this error ──\n")?;
            screen.extend_from_slice(last);
        } else {
            output.finish(&report, &mut screen)?;
        }
        write(selected, &screen, started)
    }
}

fn write(selected: &Selected, screen: &[u8], started: Instant) -> io::Result<()> {
    let mut out = Output::new();
    if io::stdout().is_terminal() {
        // Clear the screen and the scrollback, then move to the first line.
        out.write_all(b"\x1b[2J\x1b[3J\x1b[H")?;
    }
    out.write_all(screen)?;
    out.flush()?;
    if selected.stdout.audience == Audience::People {
        let millis = started.elapsed().as_millis();
        to_stderr(|out| writeln!(out, "  {millis} ms; watching for changes, Ctrl-C ends"));
    }
    Ok(())
}
