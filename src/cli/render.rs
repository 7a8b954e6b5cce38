//! `deodar render`: saved reports in another format.

use super::inputs::InputFiles;
use super::output::{Output, to_stderr, wrong_usage};
use super::outputs::{OutputArg, Selected, Target};
use super::{Color, PLATFORMS, PrimaryArg, StyleArg, width};
use deodar::diagnostic::Diagnostic;
use deodar::project;
use deodar::render::document::{Document, merged};
use deodar::render::{Destination, Detail, FORMATS, Presentation, Style, diagnostics};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  deodar render report.json --output sarif=report.sarif --output gitlab=quality.json
  deodar render part-1.ndjson part-2.ndjson --output json=fleet.json

The exit code is that of the runs that wrote the reports.";

#[derive(clap::Args)]
#[command(after_help = after_help())]
pub(super) struct Args {
    /// Reports that `deodar check` wrote as JSON or NDJSON, or - for standard input
    #[arg(required = true, value_name = "REPORT")]
    reports: Vec<PathBuf>,
    /// Write this format, to a file or to standard output; may be repeated
    #[arg(long = "output", required = true, value_name = "FORMAT[=PATH]", value_parser = OutputArg::parse)]
    outputs: Vec<OutputArg>,
    /// Set the layout of findings in text
    #[arg(long, value_enum, default_value_t)]
    style: StyleArg,
    /// Set the place of a finding in SARIF, GitHub annotations and GitLab reports
    #[arg(long, value_enum, default_value_t)]
    primary: PrimaryArg,
    /// Set when to use colour
    #[arg(long, value_enum, default_value_t)]
    color: Color,
}

pub(super) fn run(args: &Args) -> io::Result<ExitCode> {
    let style = Style { width: width(), color: args.color.wanted(), detail: Detail::Normal };
    if let Some(refused) = refused(args) {
        return Ok(wrong_usage(&refused));
    }
    match project::saved_reports(&args.reports).and_then(|saved| merged(saved).map_err(|error| vec![error])) {
        Ok(document) => write(args, style, &document),
        Err(errors) => {
            let errors: Vec<&Diagnostic> = errors.iter().collect();
            to_stderr(|out| diagnostics::write(errors, &[], style, out));
            Ok(ExitCode::from(5))
        }
    }
}

/// Returns the formats and the examples.
fn after_help() -> String {
    let formats = FORMATS.iter().filter(|format| format.saved.is_some());
    let lines = formats.map(|format| format!("  {:9} {}", format.name, format.help));
    format!("Formats:\n{}\n\n{EXAMPLES}", lines.collect::<Vec<_>>().join("\n"))
}

/// Returns the reason if the outputs cannot be written.
fn refused(args: &Args) -> Option<String> {
    if let Some(output) = args.outputs.iter().find(|output| output.format.saved.is_none()) {
        return Some(format!("`{}` is written by `deodar check` only", output.format.name));
    }
    let outputs: Vec<_> = args.outputs.iter().map(|output| (output.format.name, output.path.clone())).collect();
    match Selected::new(None, &outputs) {
        Ok(selected) if args.primary == PrimaryArg::Policy && !selected.has_any(&PLATFORMS) => {
            Some(format!("--primary is for {}: add --output sarif=PATH", PLATFORMS.join(", ")))
        }
        Ok(selected) => InputFiles::default().and(args.reports.clone()).refuse(selected.paths(), "--output").err(),
        Err(refused) => Some(refused),
    }
}

fn write(args: &Args, style: Style, document: &Document<'_>) -> io::Result<ExitCode> {
    for OutputArg { format, path } in &args.outputs {
        let Some(saved) = format.saved else { continue };
        let presentation = Presentation {
            style: Style { color: style.color && path.is_none(), ..style },
            layout: args.style.layout(),
            primary: args.primary.into(),
            repository: project::repository(),
            ..Presentation::default()
        };
        match path {
            None => {
                let mut out = Output::new();
                saved(document, &presentation, &mut out)?;
                out.flush()?;
            }
            Some(path) => {
                let mut out = Target::create(path)?;
                saved(document, &presentation, &mut out)?;
                out.complete()?;
            }
        }
    }
    Ok(ExitCode::from(document.run.exit_code))
}
