//! `deodar new`: a file to begin with.

use super::output::{Output, cannot_write, message, to_stderr};
use super::{Color, width};
use deodar::Limits;
use deodar::diagnostic::{Code, Diagnostic, has_errors};
use deodar::infer::{infer, is_identifier};
use deodar::project::{self, EMBEDDED, InputFormat, Loader};
use deodar::render::{Detail, Style, diagnostics};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  deodar new schema --from snapshot.json
  deodar new schema --from exports --name Forge --output forge.cedarschema
  deodar new capture PACK --output capture.toml

Exit codes: 0 the file is written, 5 an input is invalid, or the file exists.";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(subcommand)]
    kind: Kind,
}

#[derive(clap::Subcommand)]
enum Kind {
    /// Infer a schema that reads snapshots without a diagnostic, and state what each part follows from
    Schema(SchemaArgs),
    /// Write a copy of the capture description of a built-in pack, for `deodar capture PACK --policies capture.toml`
    Capture(CaptureArgs),
}

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
struct CaptureArgs {
    /// Built-in pack
    #[arg(value_name = "PACK", value_parser = clap::builder::PossibleValuesParser::new(EMBEDDED.iter().map(|pack| pack.name)))]
    pack: String,
    /// Write the description to this file, which does not exist [default: standard output]
    #[arg(long, short, value_name = "FILE", help_heading = "Output")]
    output: Option<PathBuf>,
    /// Set when to use colour
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    color: Color,
}

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
struct SchemaArgs {
    /// Snapshot files, folders of them, or - for standard input: the more, the better
    #[arg(long, required = true, num_args = 1.., value_name = "SNAPSHOT")]
    from: Vec<PathBuf>,
    /// Read one snapshot per line of each file
    #[arg(long)]
    ndjson: bool,
    /// Declare everything in this namespace, such as Forge [default: none]
    #[arg(long, value_name = "NAMESPACE", value_parser = parse_namespace)]
    name: Option<String>,
    /// Write the schema to this file, which does not exist [default: standard output]
    #[arg(long, short, value_name = "FILE", help_heading = "Output")]
    output: Option<PathBuf>,
    /// Set when to use colour
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    color: Color,
}

fn parse_namespace(text: &str) -> Result<String, String> {
    match text.split("::").all(is_identifier) {
        true => Ok(text.to_owned()),
        false => Err("write a name of Cedar such as Forge, or several as in Acme::Forge".to_owned()),
    }
}

pub(super) fn run(args: &Args) -> io::Result<ExitCode> {
    match &args.kind {
        Kind::Schema(args) => schema(args),
        Kind::Capture(args) => {
            let style = Style { width: width(), color: args.color.wanted(), detail: Detail::Normal };
            let pack = EMBEDDED.iter().find(|pack| pack.name == args.pack);
            let text = pack.map_or("", |pack| pack.capture.1);
            written(args.output.as_deref(), text, "add headers and words, and pass it with --policies", style)
        }
    }
}

fn schema(args: &SchemaArgs) -> io::Result<ExitCode> {
    let style = Style { width: width(), color: args.color.wanted(), detail: Detail::Normal };
    let (text, warnings) = match inferred(args) {
        Ok(inferred) => inferred,
        Err(errors) => return Ok(refused(&errors, style)),
    };
    to_stderr(|out| diagnostics::write(&warnings, &[], style, out));
    written(args.output.as_deref(), &text, "review it by hand", style)
}

/// Writes a text to a new file, or to standard output. A note states what to do with the file.
fn written(output: Option<&Path>, text: &str, note: &str, style: Style) -> io::Result<ExitCode> {
    match output {
        None => {
            let mut out = Output::new();
            out.write_all(text.as_bytes())?;
            out.flush()?;
        }
        Some(path) => match project::new_file(path, text) {
            Ok(()) => {
                message(&format!("wrote `{}`: {note}", path.display()));
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(refused(&[exists(path)], style)),
            Err(error) => return Err(cannot_write(format_args!("`{}`", path.display()), &error)),
        },
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the schema with the warnings about its sources.
fn inferred(args: &SchemaArgs) -> Result<(String, Vec<Diagnostic>), Vec<Diagnostic>> {
    if let Some(path) = args.output.iter().find(|path| path.symlink_metadata().is_ok()) {
        return Err(vec![exists(path)]);
    }
    let form = if args.ndjson { InputFormat::Ndjson } else { InputFormat::ByName };
    let limits = Limits::default();
    let (sources, mut found) = Loader::default().snapshots(&args.from, form, &limits);
    if has_errors(&found) {
        return Err(found);
    }
    if sources.is_empty() {
        let error = Diagnostic::error(Code::Inference, "there is no snapshot to infer a schema from");
        found.push(error.help("name a file with a JSON object"));
        return Err(found);
    }
    Ok((infer(&sources, args.name.as_deref(), &limits)?, found))
}

fn exists(path: &Path) -> Diagnostic {
    let error = Diagnostic::error(Code::Inference, format!("`{}` exists, and is not overwritten", path.display()));
    error.help("name another file with --output, or remove this one")
}

fn refused(errors: &[Diagnostic], style: Style) -> ExitCode {
    to_stderr(|out| diagnostics::write(errors, &[], style, out));
    ExitCode::from(5)
}
