//! `deodar explain`: one check, the page of a code, or the list of all codes.

use super::output::{Output, to_stderr};
use super::pack::PackArgs;
use super::{Color, width};
use deodar::catalogue;
use deodar::diagnostic::{Code, Diagnostic};
use deodar::render::{Detail, Style, diagnostics, explain, page};
use deodar::source::nearest;
use std::io::{self, Write};
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  deodar explain MOE-AUTH-02
  deodar explain snapshot-value
  deodar explain DEV-DISK-01 --schema devices.cedarschema --policies policies";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Id of a check, or code of a message such as snapshot-value [default: list all codes]
    #[arg(value_name = "CHECK|CODE")]
    subject: Option<String>,
    #[command(flatten)]
    pack: PackArgs,
    /// Set when to use colour
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    color: Color,
}

pub(super) fn run(args: &Args) -> io::Result<ExitCode> {
    let style = Style { width: width(), color: args.color.wanted(), detail: Detail::Normal };
    let mut out = Output::new();
    let Some(subject) = &args.subject else {
        page::list(style, &mut out)?;
        out.flush()?;
        return Ok(ExitCode::SUCCESS);
    };
    if let Some(code) = Code::of_name(subject) {
        page::write(code, style, &mut out)?;
        out.flush()?;
        return Ok(ExitCode::SUCCESS);
    }
    let (pack, report) = args.pack.read(style);
    let Some(pack) = pack else { return Ok(ExitCode::from(5)) };
    let policies = pack.policies();
    let Some(check) = policies.checks.iter().find(|check| check.statement.id == subject.as_str()) else {
        let ids = policies.checks.iter().map(|check| check.statement.id.as_str());
        let names: Vec<&str> = ids.chain(Code::ALL.iter().map(|code| code.name())).collect();
        let message = format!("there is no check or code `{subject}`");
        let near = nearest(subject, names);
        let help = near.map_or_else(
            || "`deodar list` lists the checks, and `deodar explain` the codes".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        let error = Diagnostic::error(Code::NoCheck, message).help(help);
        to_stderr(|out| diagnostics::write(&[error], &report.secrets, style, out));
        return Ok(ExitCode::from(2));
    };
    explain::write(&catalogue::about(&pack, check), style, &mut out)?;
    out.flush()?;
    Ok(ExitCode::from(if report.is_valid() { 0 } else { 5 }))
}
