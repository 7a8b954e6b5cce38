//! `deodar completions`

use super::output::Output;
use clap::CommandFactory;
use std::io::{self, Write};
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  deodar completions bash > ~/.local/share/bash-completion/completions/deodar
  deodar completions zsh > ~/.zfunc/_deodar";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Shell that the script is for
    shell: clap_complete::Shell,
}

pub(super) fn run(args: &Args) -> io::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::Cli::command(), "deodar", &mut script);
    let mut out = Output::new();
    out.write_all(&script)?;
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}
