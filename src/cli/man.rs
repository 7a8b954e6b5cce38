//! `deodar man`

use super::output::cannot_write;
use clap::CommandFactory;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  deodar man ~/.local/share/man/man1";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Folder for the pages, which exists: deodar.1, and one page for each command
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

pub(super) fn run(args: &Args) -> io::Result<ExitCode> {
    clap_mangen::generate_to(super::Cli::command(), &args.folder)
        .map_err(|error| cannot_write(format_args!("man pages in `{}`", args.folder.display()), &error))?;
    Ok(ExitCode::SUCCESS)
}
