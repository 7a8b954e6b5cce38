//! `deodar history`: the findings and the reviews of accounts over the reports of a store.

use super::output::{Output, to_stderr, wrong_usage};
use super::outputs::Target;
use super::{Color, width};
use deodar::diagnostic::{Code, Diagnostic};
use deodar::history::{Collector, History, HistoryOptions, write_history, write_history_as_html};
use deodar::project;
use deodar::render::{Destination, Detail, Style, diagnostics};
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  deodar check snapshot.json --store reports
  deodar history reports
  deodar history reports --every 7d --output html=history.html

Exit codes: 0 the reports were read, 3 there is no report, 5 a report is damaged
or a file is unreadable.";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The folder of the reports that `deodar check --store` wrote
    #[arg(value_name = "DIR")]
    store: PathBuf,
    /// Set the time between two reviews
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true, default_value = "14d", value_parser = parse_every)]
    every: i64,
    /// Set the time by which a review may be late
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true, default_value = "1d", value_parser = parse_grace)]
    grace: i64,
    /// Count ages and the next reviews as of this time, for example 2026-09-01T12:00:00Z [default: now]
    #[arg(long, value_name = "TIME", value_parser = super::check::parse_now)]
    now: Option<i64>,
    /// Show only the account with this id; may be repeated
    #[arg(long = "account", value_name = "ID")]
    accounts: Vec<String>,
    /// Set the format on standard output [default: text]
    #[arg(long, value_enum, help_heading = "Output")]
    format: Option<HistoryFormat>,
    /// Write this format too, to a file or to standard output; may be repeated
    #[arg(long = "output", value_name = "FORMAT[=PATH]", value_parser = parse_output, help_heading = "Output")]
    outputs: Vec<(HistoryFormat, Option<PathBuf>)>,
    /// List all fixed findings and all intervals between reviews (text only)
    #[arg(long, help_heading = "Output")]
    all: bool,
    /// Set when to use colour
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    color: Color,
}

#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq)]
enum HistoryFormat {
    /// For people
    Text,
    /// For programs; described by schemas/history.schema.json
    Json,
    /// For people, in a browser: one page with plots
    Html,
}

/// Parses `FORMAT` or `FORMAT=PATH`.
fn parse_output(text: &str) -> Result<(HistoryFormat, Option<PathBuf>), String> {
    let (name, path) = text.split_once('=').map_or((text, None), |(name, path)| (name, Some(path)));
    let format = match name {
        "text" => HistoryFormat::Text,
        "json" => HistoryFormat::Json,
        "html" => HistoryFormat::Html,
        _ => return Err(format!("`{name}` is not a format of a history; valid are text, json, html")),
    };
    match path {
        Some("") => Err(format!("write a path after `{name}=`, or `{name}` alone for standard output")),
        path => Ok((format, path.filter(|path| *path != "-").map(PathBuf::from))),
    }
}

fn parse_every(text: &str) -> Result<i64, String> {
    match deodar::value::parse_duration(text)? {
        every if every <= 0 => Err("the time between two reviews is positive".to_owned()),
        every => Ok(every),
    }
}

fn parse_grace(text: &str) -> Result<i64, String> {
    match deodar::value::parse_duration(text)? {
        grace if grace < 0 => Err("a grace is not negative".to_owned()),
        grace => Ok(grace),
    }
}

pub(super) fn run(args: &Args) -> io::Result<ExitCode> {
    let style = Style { width: width(), color: args.color.wanted(), detail: Detail::Normal };
    let stdout = match on_stdout(args) {
        Ok(format) => format,
        Err(refused) => return Ok(wrong_usage(&refused)),
    };
    let mut collector = Collector::default();
    let unused = match project::stored_reports(&args.store, &mut |file, report| collector.add(file, report)) {
        Ok(unused) => unused,
        Err(error) => return Ok(refused(&[error], style)),
    };
    to_stderr(|out| diagnostics::write(&unused.damaged, &[], style, out));
    let missing = missing_accounts(args, &collector);
    if !missing.is_empty() {
        return Ok(refused(&missing, style));
    }
    let options = HistoryOptions {
        now: args.now.unwrap_or_else(project::now),
        every: args.every,
        grace: args.grace,
        accounts: args.accounts.clone(),
    };
    let damaged = unused.damaged.iter().map(|error| error.message.clone()).collect();
    let history = collector.finish(&options, damaged, unused.others);
    for (format, path) in &args.outputs {
        if let Some(path) = path {
            let mut out = Target::create(path)?;
            write(&history, *format, args.all, Style { color: false, ..style }, &mut out)?;
            out.complete()?;
        }
    }
    let mut out = Output::new();
    write(&history, stdout, args.all, style, &mut out)?;
    out.flush()?;
    Ok(ExitCode::from(history.exit_code()))
}

fn refused(errors: &[Diagnostic], style: Style) -> ExitCode {
    to_stderr(|out| diagnostics::write(errors, &[], style, out));
    ExitCode::from(5)
}

/// Returns the format on standard output.
///
/// # Errors
/// The message for the user, when two outputs have one destination, or an output would replace a report.
fn on_stdout(args: &Args) -> Result<HistoryFormat, String> {
    let outputs = args.outputs.iter();
    let mut stdout: Vec<HistoryFormat> = args.format.into_iter().collect();
    stdout.extend(outputs.clone().filter(|(_, path)| path.is_none()).map(|(format, _)| *format));
    let mut seen = BTreeSet::new();
    for path in outputs.filter_map(|(_, path)| path.as_ref()) {
        if !seen.insert(project::target(path)) {
            return Err(format!("two outputs in the file `{}`: name two files", path.display()));
        }
        if path.is_file() && project::is_stored_report(path) {
            return Err(format!("`{}` is a report of `deodar check`: name another file with --output", path.display()));
        }
    }
    match stdout[..] {
        [] => Ok(HistoryFormat::Text),
        [only] => Ok(only),
        _ => Err("two outputs on standard output: write one of them to a file with --output FORMAT=PATH".to_owned()),
    }
}

/// Returns an error for each account of the command line that no report has.
fn missing_accounts(args: &Args, collector: &Collector) -> Vec<Diagnostic> {
    let missing = args.accounts.iter().filter(|wanted| !collector.accounts().any(|known| known == wanted.as_str()));
    missing
        .map(|wanted| {
            let error = Diagnostic::error(Code::NoAccount, format!("no report has the account `{wanted}`"));
            error.suggest(wanted, collector.accounts())
        })
        .collect()
}

fn write(history: &History, format: HistoryFormat, all: bool, style: Style, out: &mut dyn Write) -> io::Result<()> {
    match format {
        HistoryFormat::Text => write_history(history, all, style, out),
        HistoryFormat::Html => write_history_as_html(history, out),
        HistoryFormat::Json => {
            serde_json::to_writer_pretty(&mut *out, history)?;
            out.write_all(b"\n")
        }
    }
}
