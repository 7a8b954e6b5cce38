//! `deodar waive`: waivers for findings of a saved report.

use super::output::{Output, message, to_stderr};
use super::pack::{self, PackArgs};
use super::{Color, width};
use cedar_policy_formatter::{Config, policies_str_to_pretty};
use deodar::check::{describe_pack, without_snapshots};
use deodar::diagnostic::{Code, Diagnostic, has_errors};
use deodar::project::{self, InputFormat, Loader};
use deodar::render::document::merged;
use deodar::render::{Detail, Style, diagnostics, plain};
use deodar::value::{DAY, parse_datetime};
use deodar::waive::{Terms, keyless_root, waivers};
use deodar::{Inputs, Limits, Options, Source};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  deodar check snapshot.json --output json=report.json
  deodar waive 93fff9b597f29b08c76201ffee38d493 --report report.json \\
    --reason 'replaced in Q3' --owner mia@example.com --until 2026-12-31 --waivers waivers.cedar
  deodar check snapshot.json --waivers waivers.cedar

The policies must be those of the report.";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Fingerprints of findings, or their first digits, as all outputs have them
    #[arg(required = true, value_name = "FINGERPRINT")]
    fingerprints: Vec<String>,
    /// Read the findings from this report, which `deodar check` wrote as JSON or NDJSON; - is standard input
    #[arg(long, value_name = "FILE")]
    report: PathBuf,
    /// State why the findings are accepted
    #[arg(long, value_name = "TEXT", value_parser = parse_text)]
    reason: String,
    /// Name the person or team that is responsible for it
    #[arg(long, value_name = "TEXT", value_parser = parse_text)]
    owner: String,
    /// Set the last day of the waivers, in UTC
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_day)]
    until: String,
    /// Name a ticket
    #[arg(long, value_name = "TEXT", value_parser = parse_text)]
    ticket: Option<String>,
    /// Waive unknown verdicts too. A waiver of an unknown verdict does not waive a later failure
    #[arg(long)]
    unknown_too: bool,
    /// Add the waivers to this file [default: write them to standard output]
    #[arg(long, value_name = "FILE")]
    waivers: Option<PathBuf>,
    /// Compare the last day with this time [default: now]
    #[arg(long, value_name = "TIME", value_parser = parse_datetime)]
    now: Option<i64>,
    #[command(flatten)]
    pack: PackArgs,
    /// Set when to use colour
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    color: Color,
}

fn parse_text(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("write a text".to_owned()) } else { Ok(text.to_owned()) }
}

fn parse_day(text: &str) -> Result<String, String> {
    match parse_datetime(text) {
        Ok(_) if text.len() == "YYYY-MM-DD".len() => Ok(text.to_owned()),
        _ => Err("write a day as YYYY-MM-DD, such as 2026-12-31".to_owned()),
    }
}

pub(super) fn run(args: &Args) -> io::Result<ExitCode> {
    let style = Style { width: width(), color: args.color.wanted(), detail: Detail::Normal };
    match written(args) {
        Ok((texts, file)) => match &args.waivers {
            None => {
                let mut out = Output::new();
                out.write_all(texts.join("\n").as_bytes())?;
                out.flush()?;
            }
            Some(path) => {
                project::replace_file(path, &file)?;
                let count = texts.len();
                let s = if count == 1 { "" } else { "s" };
                message(&format!("added {count} waiver{s} to `{}`", path.display()));
            }
        },
        Err(errors) => {
            to_stderr(|out| diagnostics::write(&errors, &[], style, out));
            return Ok(ExitCode::from(5));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the new waivers, and the file of waivers with them.
fn written(args: &Args) -> Result<(Vec<String>, String), Vec<Diagnostic>> {
    let end = parse_datetime(&args.until).ok().and_then(|day| day.checked_add(DAY));
    if end.is_none_or(|end| end <= args.now.unwrap_or_else(project::now)) {
        let message = format!("`{}` is over: a waiver until then has no effect", args.until);
        return Err(vec![Diagnostic::error(Code::WaiverRefused, message).help("name a later day with --until")]);
    }
    if let Some(folder) = args.waivers.iter().find(|path| path.is_dir()) {
        let message = format!("`{}` is a folder", folder.display());
        return Err(vec![Diagnostic::error(Code::WaiverRefused, message).help("name a file with --waivers")]);
    }
    let report = merged(project::saved_reports(std::slice::from_ref(&args.report))?).map_err(|error| vec![error])?;
    let inputs = args.inputs()?;
    let (pack, compiled) = without_snapshots(&inputs, &Options::at(0));
    let errors: Vec<Diagnostic> = compiled.diagnostics;
    let Some(pack) = pack.filter(|_| !has_errors(&errors)) else { return Err(errors) };
    let terms = Terms {
        reason: args.reason.clone(),
        owner: args.owner.clone(),
        until: args.until.clone(),
        ticket: args.ticket.clone(),
        unknown_too: args.unknown_too,
    };
    let drafts = waivers(&pack, &describe_pack(&inputs, None), &report, &args.fingerprints, &terms)?;
    let texts = formatted(&drafts)?;
    let known = || pack.policies().waivers.iter().map(|it| it.statement.source.slice(it.statement.span));
    // A waiver of the same check with the same scope and conditions has no effect of its own.
    let is_known =
        |text: &&String| known().any(|known| known.contains(check_of(text)) && known.contains(scope_of(text)));
    if let Some(twice) = texts.iter().find(is_known) {
        let id = twice.lines().next().unwrap_or_default();
        let message = format!("the waivers have the scope and conditions of {} already", plain(id));
        let error = Diagnostic::error(Code::WaiverRefused, message);
        return Err(vec![error.help("change the `@expires` of that waiver, or remove it")]);
    }
    let mut sources = inputs.policies.iter().chain(&inputs.waivers);
    let existing = sources.find(|source| args.writes(source));
    let mut file = existing.map(|source| source.text().to_owned()).unwrap_or_default();
    if !file.is_empty() {
        file.push_str(if file.ends_with('\n') { "\n" } else { "\n\n" });
    }
    file.push_str(&texts.join("\n"));
    valid(args, &inputs, &file)?;
    if let Some(root) = keyless_root(&pack) {
        message(&format!("note: the root entity `{root}` has no `@key`, so the waiver is for every account"));
    }
    Ok((texts, file))
}

impl Args {
    /// Reads the pack with the waivers of the configuration file and of the file that is written.
    fn inputs(&self) -> Result<Inputs, Vec<Diagnostic>> {
        let mut loader = Loader::default();
        let (settings, mistakes) = self.pack.effective(self.pack.flags(), &mut loader);
        if has_errors(&mistakes) {
            return Err(mistakes);
        }
        let mut selection = pack::selection(&settings, &[], InputFormat::ByName);
        let is_there = |path: &&PathBuf| path.symlink_metadata().is_ok();
        selection.waivers.extend(self.waivers.iter().filter(is_there).cloned());
        loader.load(&selection, &Limits::default())
    }

    /// Returns whether a source is the file that is written.
    fn writes(&self, source: &Source) -> bool {
        self.waivers.as_ref().is_some_and(|path| project::is_same_file(path, Path::new(source.name())))
    }
}

/// Returns the annotation with the check of a waiver.
fn check_of(waiver: &str) -> &str {
    waiver.lines().find(|line| line.starts_with("@waives(")).unwrap_or(waiver)
}

/// Returns the part of a waiver after its annotations.
fn scope_of(waiver: &str) -> &str {
    waiver.find("\npermit (").and_then(|at| waiver.get(at..)).unwrap_or(waiver).trim()
}

/// Returns policies in Cedar's layout.
fn formatted(drafts: &[String]) -> Result<Vec<String>, Vec<Diagnostic>> {
    let layout = Config { line_width: 100, indent_width: 2 };
    let layout = |draft: &String| {
        policies_str_to_pretty(draft, &layout).map_err(|error| {
            let message = format!("the waiver cannot be written: {}", plain(&error.to_string()));
            vec![Diagnostic::error(Code::WaiverRefused, message).help("write a waiver by hand")]
        })
    };
    drafts.iter().map(layout).collect()
}

/// Returns the errors of the policies with the file of waivers as it will be.
fn valid(args: &Args, inputs: &Inputs, file: &str) -> Result<(), Vec<Diagnostic>> {
    let name = args.waivers.as_ref().map_or_else(|| "waivers".to_owned(), |path| path.display().to_string());
    let source = Source::new(name, file).map_err(|_| {
        vec![Diagnostic::error(Code::TooLarge, "the file of waivers is too large").help("name another file")]
    })?;
    let mut with = inputs.clone();
    match with.policies.iter_mut().chain(&mut with.waivers).find(|known| args.writes(known)) {
        Some(known) => *known = source,
        None => with.waivers.push(source),
    }
    let (_, compiled) = without_snapshots(&with, &Options::at(0));
    let errors = compiled.diagnostics.iter().filter(|it| has_errors(std::slice::from_ref(it)));
    // The file with these places is not written, and without the new waivers there is no error.
    let refused = |error: &Diagnostic| {
        let message = format!("the waiver cannot be written: {}", error.message);
        // The annotations have the texts of the arguments.
        let help = error.help.as_deref().filter(|_| error.code == Code::PolicyAnnotation);
        Diagnostic::error(Code::WaiverRefused, message).help(help.unwrap_or("write a waiver by hand"))
    };
    let refused: Vec<Diagnostic> = errors.map(refused).collect();
    if refused.is_empty() { Ok(()) } else { Err(refused) }
}
