//! `deodar forecast`: the verdicts that change without any action, and when.

use super::output::{Output, to_stderr, wrong_usage};
use super::pack;
use super::settings::JudgeArgs;
use super::{Color, width};
use deodar::check::{without_instance, without_snapshots};
use deodar::compare::{Forecast, Forecaster, write_forecast};
use deodar::diagnostic::{Diagnostic, has_errors};
use deodar::pack::{Pack, Run};
use deodar::project::{self, InputFormat, Loader};
use deodar::render::{Detail, Style, diagnostics};
use deodar::snapshot::Secrets;
use deodar::{Inputs, Limits, Options};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  deodar forecast snapshot.json --until 30d
  deodar forecast snapshot.json --until 2026-12-31T00:00:00Z --only critical,high

Exit codes: 0 no verdict changes, 1 a verdict changes, 5 an input is invalid
or the changes cannot be computed.";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// A snapshot
    #[arg(value_name = "SNAPSHOT")]
    snapshot: PathBuf,
    #[command(flatten)]
    judge: JudgeArgs,
    /// Set the end of the period: a duration such as 30d, or a time
    #[arg(long, value_name = "PERIOD", default_value = "30d", help_heading = "Evaluation")]
    until: String,
    /// Begin at this time, for example 2026-09-01T12:00:00Z [default: now]
    #[arg(long, value_name = "TIME", value_parser = super::check::parse_now, help_heading = "Evaluation")]
    now: Option<i64>,
    /// Judge the snapshot at most at this many times
    #[arg(long, value_name = "N", default_value_t = 10_000, help_heading = "Limits")]
    max_times: usize,
    /// Set the format
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    format: ForecastFormat,
    /// Set when to use colour
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    color: Color,
}

#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Default)]
enum ForecastFormat {
    /// For people
    #[default]
    Text,
    /// For programs; described by schemas/forecast.schema.json
    Json,
}

pub(super) fn run(args: &Args) -> io::Result<ExitCode> {
    let style = Style { width: width(), color: args.color.wanted(), detail: Detail::Normal };
    let now = args.now.unwrap_or_else(project::now);
    let until = match end(&args.until, now) {
        Ok(until) => until,
        Err(reason) => return Ok(wrong_usage(&reason)),
    };
    let mut loader = Loader::default();
    let (settings, options) = match args.judge.options(&mut loader, now) {
        Ok(settings) => settings,
        Err(mistakes) => return Ok(refused(&mistakes, style)),
    };
    let selection = pack::selection(&settings, std::slice::from_ref(&args.snapshot), InputFormat::ByName);
    let inputs = match loader.load(&selection, &Limits::default()) {
        Ok(inputs) => inputs,
        Err(errors) => return Ok(refused(&errors, style)),
    };
    let (pack, report) = without_snapshots(&inputs, &options);
    to_stderr(|out| diagnostics::write(&report.diagnostics, &report.secrets, style, out));
    let Some(pack) = pack.filter(|_| report.is_valid()) else { return Ok(ExitCode::from(5)) };
    let mut forecast = Forecast::new((now, until), &report.run);
    if !add_accounts(&mut forecast, args, (&pack, &inputs), (&options, until), style) {
        return Ok(ExitCode::from(5));
    }
    let mut out = Output::new();
    match args.format {
        ForecastFormat::Text => write_forecast(&forecast, style, &mut out)?,
        ForecastFormat::Json => {
            serde_json::to_writer_pretty(&mut out, &forecast)?;
            out.write_all(b"\n")?;
        }
    }
    out.flush()?;
    Ok(ExitCode::from(forecast.exit_code()))
}

/// Returns the end of the period.
fn end(text: &str, now: i64) -> Result<i64, String> {
    let end = match deodar::value::parse_duration(text) {
        Ok(duration) => now.checked_add(duration).ok_or("the period is too long")?,
        Err(_) => deodar::value::parse_datetime(text).map_err(|_| {
            format!("`{text}` is neither a duration such as `30d` nor a time such as `2026-12-31T00:00:00Z`")
        })?,
    };
    if end <= now { Err("the end of the period is not after its start".to_owned()) } else { Ok(end) }
}

fn refused(errors: &[Diagnostic], style: Style) -> ExitCode {
    to_stderr(|out| diagnostics::write(errors, &[], style, out));
    ExitCode::from(5)
}

/// Adds the forecast of every snapshot. Returns whether all of them are valid.
fn add_accounts(
    forecast: &mut Forecast<'_>,
    args: &Args,
    (pack, inputs): (&Pack, &Inputs),
    (options, until): (&Options, i64),
    style: Style,
) -> bool {
    let mut is_valid = inputs.unread.is_empty() && !inputs.snapshots.is_empty();
    let (parameters, _) = pack.parameters(&options.parameters);
    let max_snapshot_age = options.max_snapshot_age;
    let run = Run { now: options.now, parameters: &parameters, pairs: options.limits.pairs };
    let mut sought = Vec::new();
    for source in &inputs.snapshots {
        let (snapshot, mut found) = pack.read(source, options.now, &options.limits);
        let secrets = pack.secrets().map(|paths| Secrets::new(source, &paths));
        if let Some(snapshot) = &snapshot {
            let secrets = secrets.as_ref();
            let (waivers, most_times) = (options.waivers, args.max_times);
            let forecaster = Forecaster { pack, snapshot, secrets, run, until, max_snapshot_age, waivers, most_times };
            match forecaster.forecast() {
                Ok(forecasted) => {
                    forecast.accounts.push(forecasted.account);
                    found.extend(forecasted.diagnostics);
                    sought.push(forecasted.sought);
                }
                Err(error) => found.push(error),
            }
        }
        is_valid &= !has_errors(&found);
        to_stderr(|out| diagnostics::write(&found, secrets.as_slice(), style, out));
    }
    let errors = without_instance(pack.model(), &parameters, &sought);
    to_stderr(|out| diagnostics::write(&errors, &[], style, out));
    is_valid && errors.is_empty()
}
