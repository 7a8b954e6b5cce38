//! `deodar list`

use super::output::Output;
use super::pack::PackArgs;
use super::{Color, width};
use deodar::render::{Detail, Style, list};
use std::io::{self, Write};
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  deodar list
  deodar list --schema devices.cedarschema --policies policies";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    pack: PackArgs,
    /// Set when to use colour
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    color: Color,
}

pub(super) fn run(args: &Args) -> io::Result<ExitCode> {
    let style = Style { width: width(), color: args.color.wanted(), detail: Detail::Normal };
    let (_, report) = args.pack.read(style);
    let mut out = Output::new();
    list::write(&report, style, &mut out)?;
    out.flush()?;
    let sound = report.is_valid();
    Ok(ExitCode::from(match (sound, report.checks.is_empty()) {
        (false, _) => 5,
        (true, true) => 3,
        (true, false) => 0,
    }))
}
