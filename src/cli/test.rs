//! `deodar test`

use super::output::{Output, to_stderr};
use super::outputs::Target;
use super::pack::PackArgs;
use super::{Color, pack, width};
use deodar::Limits;
use deodar::cases::{self, Outcome, Suite, TestOptions, secrets_of_files};
use deodar::check::describe_pack;
use deodar::configuration::Effective;
use deodar::diagnostic::has_errors;
use deodar::pack::Pack;
use deodar::project::{CaseFiles, InputFormat, Loader, PackOrigin, Selection};
use deodar::render::{Destination, Detail, Style, plain};
use globset::{Glob, GlobMatcher};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  deodar test
  deodar test --filter 'MOE-AUTH-*'
  deodar test --schema devices.cedarschema --policies devices.cedar --bless
  deodar test --strict --min-coverage 100 --min-score 95
  deodar test --format junit > results.xml

`deodar --help` lists the exit codes.";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Case files (.test.toml) or folders of them [default: those in the folders of the policies]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    pack: PackArgs,
    /// Run only cases whose name or one of whose checks matches, for example MOE-AUTH-*
    #[arg(long, value_name = "GLOB", value_parser = parse_glob)]
    filter: Option<GlobMatcher>,
    /// Set the format of the results
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    format: Format,
    /// Write the actual verdicts into the case files, and show the difference
    #[arg(long)]
    bless: bool,
    /// Also fail for checks without a case, for cases that expect nothing, and for survivors without an explanation
    #[arg(long)]
    strict: bool,
    /// Report conditions that no case has exercised as true, false, unknown and decisive
    #[arg(long, help_heading = "Quality of the cases")]
    coverage: bool,
    /// Fail if the cases cover less than this share of the conditions
    #[arg(long, help_heading = "Quality of the cases", value_name = "PERCENT", value_parser = parse_percent)]
    min_coverage: Option<f64>,
    /// Change the policies one thing at a time, and list the changes that no case detects
    #[arg(long, help_heading = "Quality of the cases")]
    mutate: bool,
    /// Fail if the cases detect less than this share of the changes
    #[arg(long, help_heading = "Quality of the cases", value_name = "PERCENT", value_parser = parse_percent)]
    min_score: Option<f64>,
    /// Read accepted survivors from this file [default: survivors.toml in the folder of the policies]
    #[arg(long, value_name = "FILE", help_heading = "Quality of the cases")]
    survivors: Option<PathBuf>,
    /// Set when to use colour
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    color: Color,
}

#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Default)]
enum Format {
    /// Wrong expectations with their reasons
    #[default]
    Text,
    /// One document, described by schemas/test.schema.json
    Json,
    /// JUnit XML
    Junit,
}

fn parse_glob(text: &str) -> Result<GlobMatcher, String> {
    Glob::new(text).map(|glob| glob.compile_matcher()).map_err(|error| error.kind().to_string())
}

fn parse_percent(text: &str) -> Result<f64, String> {
    let percent = text.strip_suffix('%').unwrap_or(text).trim().parse::<f64>();
    percent.ok().filter(|percent| (0.0..=100.0).contains(percent)).ok_or("valid are 0 to 100".into())
}

pub(super) fn run(args: &Args) -> io::Result<ExitCode> {
    let mut out = Output::new();
    if args.bless {
        let plain = TestOptions { filter: args.filter.clone(), ..TestOptions::default() };
        let (found, outcome) = tested(args, plain);
        write_blessed(args, &found, &outcome, &mut out)?;
    }
    let (found, outcome) = tested(args, args.options());
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

impl Args {
    fn options(&self) -> TestOptions {
        TestOptions {
            filter: self.filter.clone(),
            strict: self.strict,
            complete: self.filter.is_none(),
            all_checks: self.format == Format::Json,
            coverage: self.coverage || self.min_coverage.is_some(),
            min_coverage: self.min_coverage,
            mutate: self.mutate || self.min_score.is_some() || self.survivors.is_some(),
            min_score: self.min_score,
            ..TestOptions::default()
        }
    }
}

/// Reads policies and cases, and runs the cases unless a file is invalid.
fn tested(args: &Args, mut options: TestOptions) -> (CaseFiles, Outcome) {
    let mut loader = Loader::default();
    let (configuration, mistakes) = loader.configuration(&args.pack.configuration_file());
    if has_errors(&mistakes) {
        return (CaseFiles::default(), Outcome::unread(mistakes));
    }
    let settings = Effective::new(args.pack.flags(), configuration.as_ref());
    let selection = Selection { packs: PackOrigin::Folder, ..pack::selection(&settings, &[], InputFormat::ByName) };
    let inputs = match loader.load(&selection, &Limits::default()) {
        Ok(inputs) => inputs,
        Err(diagnostics) => return (CaseFiles::default(), Outcome::unread(diagnostics)),
    };
    let (pack, mut diagnostics) = Pack::adapted(inputs.sources(), &inputs.adaptation);
    let described = describe_pack(&inputs, pack.as_ref().map(Pack::model));
    diagnostics.extend(inputs.diagnostics);
    let (found, wrong) = loader.cases(&args.paths, &selection);
    diagnostics.extend(wrong);
    options.complete &= found.complete;
    if options.mutate {
        let (survivors, wrong) = loader.survivors(args.survivors.as_deref(), &selection);
        diagnostics.extend(wrong);
        options.survivors = survivors;
    }
    let mut outcome = match pack {
        Some(pack) if !has_errors(&diagnostics) => Suite::new(pack).run(&found.files, &options),
        pack => {
            let secrets = secrets_of_files(&found.files, pack.as_ref().map(Pack::schema));
            Outcome { secrets, ..Outcome::unread(Vec::new()) }
        }
    };
    outcome.pack = Some(described);
    outcome.diagnostics.splice(..0, diagnostics);
    (found, outcome)
}

/// Writes the actual verdicts into the files and shows the difference.
fn write_blessed(args: &Args, found: &CaseFiles, outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
    for (at, (file, path)) in found.files.iter().zip(&found.paths).enumerate() {
        let old = file.source.text();
        let new = cases::blessed(file, outcome.trials.iter().filter(|trial| trial.file == at));
        if new == old {
            continue;
        }
        let mark = if file.source.has_mark() { "\u{feff}" } else { "" };
        let mut written = Target::create(path)?;
        written.write_all(format!("{mark}{new}").as_bytes())?;
        written.complete()?;
        let diff = cases::diff(file, &new, outcome.secret_paths.as_deref());
        match args.format {
            Format::Text => write_diff(&diff, out)?,
            Format::Json | Format::Junit => to_stderr(|out| write_diff(&diff, out)),
        }
    }
    Ok(())
}

fn write_diff(diff: &str, out: &mut dyn Write) -> io::Result<()> {
    diff.lines().try_for_each(|line| writeln!(out, "{}", plain(line)))?;
    writeln!(out)
}
