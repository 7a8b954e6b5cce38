//! `deodar test`

use super::pack::PackArgs;
use super::{Color, start_threads, width};
use deodar::cases::{self, Choice, Outcome, Suite};
use deodar::check::Limits;
use deodar::diagnostic::has_errors;
use deodar::project::{CaseFiles, Form, Loader};
use deodar::report::text::{Detail, Style};
use globset::{Glob, GlobMatcher};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(clap::Args)]
pub struct Args {
    /// Case files (.test.toml) or folders of them; without any, those beside the policies
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    pack: PackArgs,
    /// Run only cases whose name, or one of whose checks, matches, as MOE-AUTH-*
    #[arg(long, value_name = "GLOB", value_parser = parse_glob)]
    filter: Option<GlobMatcher>,
    /// How to write the outcome
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Write what happened into the case files, and show the difference
    #[arg(long)]
    bless: bool,
    /// Fail also for checks without a case and for cases that expect nothing or matched nothing
    #[arg(long)]
    strict: bool,
    /// When to use colour
    #[arg(long, value_enum, default_value_t)]
    color: Color,
}

#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Default)]
enum Format {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
    /// For pipelines: JUnit XML
    Junit,
}

fn parse_glob(text: &str) -> Result<GlobMatcher, String> {
    Glob::new(text).map(|glob| glob.compile_matcher()).map_err(|error| error.kind().to_string())
}

pub fn run(args: &Args) -> io::Result<ExitCode> {
    start_threads(0)?;
    let (mut found, mut outcome) = tested(args);
    let mut out = io::BufWriter::new(io::stdout());
    if args.bless && write_blessed(args, &found, &outcome, &mut out)? {
        (found, outcome) = tested(args);
    }
    match args.format {
        Format::Text => {
            let style = Style { width: width(), color: args.color.wanted(), detail: Detail::Normal };
            cases::text::write(&outcome, style, &mut out)?;
        }
        Format::Json => cases::json::write(&outcome, &found.files, &mut out)?,
        Format::Junit => cases::junit::write(&outcome, &mut out)?,
    }
    out.flush()?;
    Ok(ExitCode::from(outcome.status().exit_code()))
}

/// Reads policies and cases, and runs them unless a file is wrong.
fn tested(args: &Args) -> (CaseFiles, Outcome) {
    let mut loader = Loader::default();
    let selection = args.pack.selection(&[], Form::ByName);
    let inputs = match loader.load(&selection, &Limits::default()) {
        Ok(inputs) => inputs,
        Err(diagnostics) => return (CaseFiles::default(), Outcome::unread(diagnostics)),
    };
    let (suite, mut diagnostics) = Suite::compile(&inputs);
    diagnostics.extend(inputs.diagnostics);
    let (found, wrong) = loader.cases(&args.paths, &selection);
    diagnostics.extend(wrong);
    let mut outcome = match suite.filter(|_| !has_errors(&diagnostics)) {
        None => Outcome::unread(Vec::new()),
        Some(suite) => {
            let complete = found.complete && args.filter.is_none();
            suite.run(&found.files, &Choice { filter: args.filter.clone(), strict: args.strict, complete })
        }
    };
    outcome.diagnostics.splice(..0, diagnostics);
    (found, outcome)
}

/// Writes what happened into the files and shows the difference. Returns whether there is one.
fn write_blessed(args: &Args, found: &CaseFiles, outcome: &Outcome, out: &mut dyn Write) -> io::Result<bool> {
    let mut changed = false;
    for (at, (file, path)) in found.files.iter().zip(&found.paths).enumerate() {
        let old = file.source.text();
        let new = cases::blessed(file, outcome.trials.iter().filter(|trial| trial.file == at));
        if new == old {
            continue;
        }
        std::fs::write(path, &new).map_err(|error| io::Error::other(format!("{}: {error}", path.display())))?;
        changed = true;
        let diff = cases::diff(file.source.name(), old, &new);
        match args.format {
            Format::Text => writeln!(out, "{diff}")?,
            Format::Json | Format::Junit => writeln!(io::stderr(), "{diff}")?,
        }
    }
    Ok(changed)
}
