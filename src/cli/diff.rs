//! `deodar diff`: the verdicts that differ between two snapshots, or two saved reports.

use super::output::{Output, to_stderr, wrong_usage};
use super::pack;
use super::settings::JudgeArgs;
use super::{Color, width};
use deodar::check::{Session, share_instances};
use deodar::compare::{Difference, write_difference, write_difference_as_markdown};
use deodar::configuration::Effective;
use deodar::diagnostic::{Code, Diagnostic};
use deodar::project::{self, InputFormat, Loader};
use deodar::render::document::{Document, Explained};
use deodar::render::{Detail, Style, diagnostics};
use deodar::report::{Needs, Report};
use deodar::{Limits, Options};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  deodar diff monday.json tuesday.json
  deodar diff monday.json tuesday.json --now 2026-09-01T12:00:00Z --format markdown
  deodar check monday.json --verdicts all --output json=monday-report.json
  deodar diff monday-report.json tuesday-report.json

Exit codes: 0 the verdicts are the same, 1 they differ, 5 an input is invalid.";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The old snapshot, or its saved report
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The new snapshot, or its saved report
    #[arg(value_name = "NEW")]
    new: PathBuf,
    #[command(flatten)]
    judge: JudgeArgs,
    /// Judge both snapshots as of this time, for example 2026-09-01T12:00:00Z [default: now]
    #[arg(long, value_name = "TIME", value_parser = super::check::parse_now, help_heading = "Evaluation")]
    now: Option<i64>,
    /// Set the format
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    format: DiffFormat,
    /// List also changes between pass and not applicable (text only)
    #[arg(long, help_heading = "Output")]
    all: bool,
    /// Set when to use colour
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    color: Color,
}

#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Default)]
enum DiffFormat {
    /// For people
    #[default]
    Text,
    /// For programs; described by schemas/diff.schema.json
    Json,
    /// For comments and job summaries
    Markdown,
}

/// One side of a comparison, as it was read.
enum Side {
    /// A saved report.
    Saved(Box<Document<'static>>),
    /// A snapshot that was judged, and the findings.
    Judged(Box<Report>, Explained),
}

/// Every verdict with its evidence.
const EVERYTHING: Needs = Needs { not_applicable: false, all_verdicts: true, ..Needs::ALL };

pub(super) fn run(args: &Args) -> io::Result<ExitCode> {
    let style = Style { width: width(), color: args.color.wanted(), detail: Detail::Normal };
    if [&args.old, &args.new].into_iter().any(|path| path.as_os_str() == "-") {
        return Ok(wrong_usage("standard input cannot be compared: name two files"));
    }
    let is_stream = |path: &&PathBuf| path.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir());
    if let Some(stream) = [&args.old, &args.new].into_iter().find(is_stream) {
        return Ok(wrong_usage(&format!("`{}` is not a file: name two files", stream.display())));
    }
    let now = args.now.unwrap_or_else(project::now);
    let (settings, options) = match args.judge.options(&mut Loader::default(), now) {
        Ok((settings, options)) => (settings, Options { needs: EVERYTHING, ..options }),
        Err(mistakes) => return Ok(refused(&mistakes, style)),
    };
    let side = |path| side(&settings, path, &options);
    let (old, new) = match (side(&args.old), side(&args.new)) {
        (Ok(mut old), Ok(mut new)) => {
            if let (Side::Judged(old, _), Side::Judged(new, _)) = (&mut old, &mut new) {
                share_instances(old, new);
            }
            (old, new)
        }
        (old, new) => {
            let errors: Vec<Diagnostic> = [old.err(), new.err()].into_iter().flatten().flatten().collect();
            return Ok(refused(&errors, style));
        }
    };
    for side in [&old, &new] {
        if let Side::Judged(report, _) = side {
            to_stderr(|out| diagnostics::write(&report.diagnostics, &report.secrets, style, out));
        }
    }
    let (before, after) = (document(&old), document(&new));
    // Without a judged account, there is nothing to compare.
    let is_empty = |side: &Document<'_>| side.run.snapshots.iter().all(|snapshot| snapshot.account.is_none());
    if let Some((path, _)) = [(&args.old, &before), (&args.new, &after)].into_iter().find(|(_, side)| is_empty(side)) {
        let message = format!("no account of `{}` was judged", path.display());
        let error = Diagnostic::error(Code::SavedReport, message).help("name a snapshot or a report with an account");
        return Ok(refused(&[error], style));
    }
    let names = [&args.old, &args.new].map(|path| path.display().to_string());
    let difference = match Difference::of((&names[0], &before), (&names[1], &after)) {
        Ok(difference) => difference,
        Err(error) => return Ok(refused(&[error], style)),
    };
    let mut out = Output::new();
    match args.format {
        DiffFormat::Text => write_difference(&difference, args.all, style, &mut out)?,
        DiffFormat::Markdown => write_difference_as_markdown(&difference, &mut out)?,
        DiffFormat::Json => {
            serde_json::to_writer_pretty(&mut out, &difference)?;
            out.write_all(b"\n")?;
        }
    }
    out.flush()?;
    Ok(ExitCode::from(difference.exit_code()))
}

fn refused(errors: &[Diagnostic], style: Style) -> ExitCode {
    to_stderr(|out| diagnostics::write(errors, &[], style, out));
    ExitCode::from(5)
}

fn side(settings: &Effective, path: &Path, options: &Options) -> Result<Side, Vec<Diagnostic>> {
    if project::is_report(path) {
        let (document, _) = project::saved_report(path)?;
        return Ok(Side::Saved(Box::new(document)));
    }
    let selection = pack::selection(settings, &[path.to_owned()], InputFormat::ByName);
    let inputs = Loader::default().load(&selection, &Limits::default())?;
    let report = Session::default().run(&inputs, options);
    let explained = Explained::of(&report, &EVERYTHING);
    Ok(Side::Judged(Box::new(report), explained))
}

fn document(side: &Side) -> Document<'_> {
    match side {
        Side::Saved(document) => Document::clone(document),
        Side::Judged(report, explained) => Document::of(report, explained, &EVERYTHING),
    }
}
