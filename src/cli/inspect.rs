//! `deodar inspect`: a snapshot in comparison with the schema, or with an older snapshot.

use super::output::{Output, to_stderr};
use super::pack::{self, PackArgs};
use super::{Color, width};
use deodar::check::without_snapshots;
use deodar::diagnostic::{Code, Diagnostic, has_errors};
use deodar::inspect::{Inspection, write_inspection};
use deodar::project::{InputFormat, Loader};
use deodar::render::{Detail, Style, diagnostics};
use deodar::{Limits, Options};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  deodar inspect snapshot.json
  deodar inspect new.json --against old.json --format json

Exit codes: 0 the shape is the same (always without --against), 1 it differs,
5 an input is invalid.";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Snapshots of one kind: files, folders, or - for standard input
    #[arg(required = true, value_name = "SNAPSHOT")]
    snapshots: Vec<PathBuf>,
    /// Compare the shape with that of this older snapshot, or of a folder of them
    #[arg(long, value_name = "OLD")]
    against: Option<PathBuf>,
    #[command(flatten)]
    pack: PackArgs,
    /// Set the format
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    format: InspectFormat,
    /// Set when to use colour
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    color: Color,
}

#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Default)]
enum InspectFormat {
    /// For people
    #[default]
    Text,
    /// For programs; described by schemas/inspect.schema.json
    Json,
}

pub(super) fn run(args: &Args) -> io::Result<ExitCode> {
    let style = Style { width: width(), color: args.color.wanted(), detail: Detail::Normal };
    match inspected(args, style) {
        Ok(inspection) => {
            let mut out = Output::new();
            match args.format {
                InspectFormat::Text => write_inspection(&inspection, style, &mut out)?,
                InspectFormat::Json => {
                    serde_json::to_writer_pretty(&mut out, &inspection)?;
                    out.write_all(b"\n")?;
                }
            }
            out.flush()?;
            Ok(ExitCode::from(inspection.exit_code()))
        }
        Err(errors) => {
            to_stderr(|out| diagnostics::write(&errors, &[], style, out));
            Ok(ExitCode::from(5))
        }
    }
}

fn inspected(args: &Args, style: Style) -> Result<Inspection, Vec<Diagnostic>> {
    let (mut loader, limits) = (Loader::default(), Limits::default());
    let (settings, mistakes) = args.pack.effective(args.pack.flags(), &mut loader);
    if has_errors(&mistakes) {
        return Err(mistakes);
    }
    let selection = pack::selection(&settings, &args.snapshots, InputFormat::ByName);
    let inputs = loader.load(&selection, &limits)?;
    let old = match &args.against {
        Some(path) => {
            let (sources, found) =
                Loader::default().snapshots(std::slice::from_ref(path), InputFormat::ByName, &limits);
            if has_errors(&found) {
                return Err(found);
            }
            Some(sources)
        }
        None => None,
    };
    let (pack, report) = without_snapshots(&inputs, &Options::at(0));
    // A schema without policies has places, and no check that a change affects.
    let found: Vec<Diagnostic> = report.diagnostics.into_iter().filter(|found| found.code != Code::NoPolicy).collect();
    let Some(pack) = pack.filter(|_| !has_errors(&found)) else { return Err(found) };
    to_stderr(|out| diagnostics::write(&found, &report.secrets, style, out));
    if inputs.snapshots.is_empty() || old.as_ref().is_some_and(Vec::is_empty) {
        let error = Diagnostic::error(Code::NoSnapshot, "there is no snapshot to inspect");
        return Err(vec![error.help("name a file with a JSON object")]);
    }
    Inspection::of(&pack, inputs.pack.clone(), &inputs.snapshots, old.as_deref(), &limits)
}
