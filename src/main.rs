//! The command line: one file per command under `cli`, arguments and a call.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
