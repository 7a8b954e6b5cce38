//! The command line: one file per command under `cli`, arguments and a call.

#![allow(clippy::disallowed_methods, reason = "the program reads its arguments, files and clock")]

mod cli;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::main()
}
