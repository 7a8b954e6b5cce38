//! `deodar explain`: one check, or the page of a code.

use super::output::{Output, tell};
use super::pack::PackArgs;
use super::{Color, width};
use deodar::catalogue;
use deodar::diagnostic::{Code, Diagnostic};
use deodar::report::text::{self, Detail, Style};
use std::io::{self, Write};
use std::process::ExitCode;

#[derive(clap::Args)]
pub struct Args {
    /// The id of a check, or the code of a message, such as snapshot-value
    #[arg(value_name = "CHECK|CODE")]
    subject: String,
    #[command(flatten)]
    pack: PackArgs,
    /// When to use colour
    #[arg(long, value_enum, default_value_t)]
    color: Color,
}

pub fn run(args: &Args) -> io::Result<ExitCode> {
    let style = Style { width: width(), color: args.color.wanted(), detail: Detail::Normal };
    if let Some(code) = Code::of_name(&args.subject) {
        let mut out = Output::new();
        text::write_page(code, style, &mut out)?;
        out.flush()?;
        return Ok(ExitCode::SUCCESS);
    }
    let (parsed, report) = args.pack.read(style);
    let Some((schema, policies)) = parsed else { return Ok(ExitCode::from(5)) };
    let Some(check) = policies.checks.iter().find(|check| check.statement.id == args.subject.as_str()) else {
        let ids = policies.checks.iter().map(|check| check.statement.id.as_str());
        let names: Vec<&str> = ids.chain(Code::ALL.iter().map(|code| code.name())).collect();
        let message = format!("there is no check or code `{}`", args.subject);
        let error = Diagnostic::error(Code::NoCheck, message).suggest(&args.subject, names);
        tell(|out| text::write_diagnostics(&[error], &report, style, out));
        return Ok(ExitCode::from(2));
    };
    let mut out = Output::new();
    text::write_check(check, &schema.model, &policies, style, &mut out)?;
    let reads = catalogue::reads_of(&schema.model, &policies, check);
    text::write_reads(&schema.model, &reads, style, &mut out)?;
    out.flush()?;
    Ok(ExitCode::from(if deodar::check::is_sound(&report) { 0 } else { 5 }))
}
