//! `deodar verify`: repeats a run and compares its digests.

use super::output::{Output, to_stderr};
use super::{Cli, Color, Command, check, width};
use clap::Parser;
use deodar::diagnostic::{Code, Diagnostic};
use deodar::project;
use deodar::render::digests::RunDigests;
use deodar::render::{Detail, Style, diagnostics, plain};
use deodar::value::parse_datetime;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  deodar check snapshot.json --evidence evidence.json
  deodar verify evidence.json

Run it in the folder of the first run. Exit codes: 0 identical, 1 different,
5 the file is unreadable or invalid.";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// File that `deodar check --evidence FILE` wrote
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Set when to use colour
    #[arg(long, value_enum, default_value_t)]
    color: Color,
}

pub(super) fn run(args: &Args) -> io::Result<ExitCode> {
    let style = Style { width: width(), color: args.color.wanted(), detail: Detail::Normal };
    let read = project::named_text(&args.file).and_then(|source| {
        let digests = RunDigests::read(&source)?;
        let again = repeated(&digests).map_err(|reason| {
            let message = format!("the run of `{}` cannot be repeated: {reason}", source.name());
            Diagnostic::error(Code::SavedReport, message).help("check the snapshots again with --evidence")
        })?;
        Ok((digests, again))
    });
    let (before, now) = match read {
        Ok(both) => both,
        Err(error) => {
            to_stderr(|out| diagnostics::write(&[error], &[], style, out));
            return Ok(ExitCode::from(5));
        }
    };
    let mut out = Output::new();
    if before.engine != now.engine {
        writeln!(out, "another engine: version {}, was {}", plain(&now.engine), plain(&before.engine))?;
    }
    let differences = before.differences(&now);
    let code = match differences.is_empty() {
        true => {
            let verdicts: usize = now.verdicts.values().sum();
            let s = if verdicts == 1 { "" } else { "s" };
            writeln!(out, "identical: {verdicts} verdict{s} as of {}", plain(&now.now))?;
            0
        }
        false => {
            differences.iter().try_for_each(|difference| writeln!(out, "different: {}", plain(difference)))?;
            1
        }
    };
    out.flush()?;
    Ok(ExitCode::from(code))
}

/// Repeats the run of some digests, without its outputs.
fn repeated(digests: &RunDigests) -> Result<RunDigests, String> {
    let words = std::iter::once("deodar".to_owned()).chain(digests.command.iter().cloned());
    let now = parse_datetime(&digests.now)?;
    match Cli::try_parse_from(words).map(|cli| cli.command) {
        Ok(Command::Check(args)) => check::repeat(&args, now, digests.command.clone()),
        Ok(_) => Err("its command is not `deodar check`".to_owned()),
        Err(error) => Err(plain(error.to_string().lines().next().unwrap_or_default()).into_owned()),
    }
}
