//! `deodar list`

use super::output::{Output, tell};
use super::pack::PackArgs;
use super::{Color, width};
use deodar::render::{Detail, Style, diagnostics, list};
use std::io::{self, Write};
use std::process::ExitCode;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    pack: PackArgs,
    /// When to use colour
    #[arg(long, value_enum, default_value_t)]
    color: Color,
}

pub fn run(args: &Args) -> io::Result<ExitCode> {
    let (_, report) = args.pack.checks();
    let style = Style { width: width(), color: args.color.wanted(), detail: Detail::Normal };
    tell(|out| diagnostics::write(&report.diagnostics, &report.secrets, style, out));
    let mut out = Output::new();
    list::write(&report, style, &mut out)?;
    out.flush()?;
    let sound = deodar::check::is_sound(&report);
    Ok(ExitCode::from(match (sound, report.checks.is_empty()) {
        (false, _) => 5,
        (true, true) => 3,
        (true, false) => 0,
    }))
}
