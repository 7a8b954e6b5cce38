//! `deodar explain`

use super::output::{Output, tell};
use super::pack::PackArgs;
use super::{Color, width};
use deodar::catalogue;
use deodar::diagnostic::{Code, Diagnostic};
use deodar::render::{Detail, Style, diagnostics, explain};
use std::io::{self, Write};
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  deodar explain MOE-AUTH-02
  deodar explain DEV-DISK-01 --schema devices.cedarschema --policies policies";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Id of the check
    check: String,
    #[command(flatten)]
    pack: PackArgs,
    /// Set when to use colour
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    color: Color,
}

pub fn run(args: &Args) -> io::Result<ExitCode> {
    let style = Style { width: width(), color: args.color.wanted(), detail: Detail::Normal };
    let (pack, report) = args.pack.read(style);
    let Some(pack) = pack else { return Ok(ExitCode::from(5)) };
    let policies = pack.policies();
    let Some(check) = policies.checks.iter().find(|check| check.statement.id == args.check.as_str()) else {
        let ids: Vec<&str> = policies.checks.iter().map(|check| check.statement.id.as_str()).collect();
        let error =
            Diagnostic::error(Code::NoCheck, format!("there is no check `{}`", args.check)).suggest(&args.check, ids);
        tell(|out| diagnostics::write(&[error], &report.secrets, style, out));
        return Ok(ExitCode::from(2));
    };
    let mut out = Output::new();
    explain::write(&catalogue::about(pack.model(), policies, check), style, &mut out)?;
    out.flush()?;
    Ok(ExitCode::from(if deodar::check::is_sound(&report) { 0 } else { 5 }))
}
