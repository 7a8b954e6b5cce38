//! `deodar explain`

use super::output::{Output, tell};
use super::pack::PackArgs;
use super::{Color, width};
use deodar::catalogue;
use deodar::diagnostic::Diagnostic;
use deodar::render::{Detail, Style, diagnostics, explain};
use std::io::{self, Write};
use std::process::ExitCode;

#[derive(clap::Args)]
pub struct Args {
    /// The id of a check
    check: String,
    #[command(flatten)]
    pack: PackArgs,
    /// When to use colour
    #[arg(long, value_enum, default_value_t)]
    color: Color,
}

pub fn run(args: &Args) -> io::Result<ExitCode> {
    let style = Style { width: width(), color: args.color.wanted(), detail: Detail::Normal };
    let (parsed, report) = args.pack.read(style);
    let Some((schema, policies)) = parsed else { return Ok(ExitCode::from(5)) };
    let Some(check) = policies.checks.iter().find(|check| check.statement.id == args.check.as_str()) else {
        let ids: Vec<&str> = policies.checks.iter().map(|check| check.statement.id.as_str()).collect();
        let error =
            Diagnostic::error("no-check", format!("there is no check `{}`", args.check)).suggest(&args.check, ids);
        tell(|out| diagnostics::write(&[error], &report.secrets, style, out));
        return Ok(ExitCode::from(2));
    };
    let mut out = Output::new();
    explain::write(&catalogue::about(&schema.model, &policies, check), style, &mut out)?;
    out.flush()?;
    Ok(ExitCode::from(if deodar::check::is_sound(&report) { 0 } else { 5 }))
}
