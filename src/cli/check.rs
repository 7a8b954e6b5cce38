//! `deodar check`

use super::output::{Output, to_stderr};
use super::outputs::{OutputArg, Selected, format_parser};
use super::pack::PackArgs;
use super::{Color, MAX_THREADS, StyleArg, watch, width};
use deodar::Session;
use deodar::parameters::Setting;
use deodar::policy::{CheckSeverity, FRAMEWORKS};
use deodar::project::{self, InputFormat, Loader, Selection};
use deodar::render::{Audience, Detail, FORMATS, Format, Presentation, Style, Unit};
use deodar::report::{AccountReport, Clock, Engine, Gate, Needs, Options, Report, WaiverUse};
use deodar::snapshot::Limits;
use indicatif::{HumanBytes, HumanCount, ProgressBar};
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

const EXAMPLES: &str = "\
Examples:
  deodar check snapshot.json
  deodar check snapshot.json --only 'MOE-AUTH-*,critical' --param max_admins=2
  deodar check snapshot.json --by framework=iso-27001
  deodar check devices.json --schema devices.cedarschema --policies policies --watch
  zcat fleet.ndjson.gz | deodar check - --input ndjson --format ndjson

`deodar --help` lists the exit codes.";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Snapshot files (.json, .ndjson, and both as .gz or .zst), folders of them, or - for standard input
    #[arg(required = true, value_name = "SNAPSHOT")]
    snapshots: Vec<PathBuf>,
    #[command(flatten)]
    pack: PackArgs,
    /// Set the input format
    #[arg(long, value_enum, default_value_t, help_heading = "Evaluation")]
    input: Input,
    /// Set the format of the report on standard output [default: text]
    #[arg(long, value_parser = format_parser(), help_heading = "Output")]
    format: Option<Format>,
    /// Write the report in this format too, to a file or to standard output; may be repeated
    #[arg(long = "output", value_name = "FORMAT[=PATH]", value_parser = OutputArg::parse, help_heading = "Output")]
    outputs: Vec<OutputArg>,
    /// Evaluate as of this time, for example 2026-09-01T12:00:00Z [default: now]
    #[arg(long, value_name = "TIME", value_parser = parse_now, help_heading = "Evaluation")]
    now: Option<i64>,
    /// Set a parameter, for example max_admins=2, or FERNBOOKS1:max_admins=2 for one instance; may be repeated
    #[arg(long = "param", help_heading = "Evaluation", value_name = "[SCOPE:]NAME=VALUE", value_parser = Setting::parse)]
    parameters: Vec<Setting>,
    /// Run only these checks: ids, patterns such as MOE-AUTH-*, or severities [default: all]
    #[arg(long, value_name = "CHECK", value_delimiter = ',', help_heading = "Evaluation")]
    only: Vec<String>,
    /// Do not run these checks [default: none]
    #[arg(long, value_name = "CHECK", value_delimiter = ',', help_heading = "Evaluation")]
    skip: Vec<String>,
    /// Exit with 1 only for failures of at least this severity
    #[arg(long, value_name = "SEVERITY", default_value = "low", value_parser = parse_level, help_heading = "Exit code")]
    fail_on: CheckSeverity,
    /// Group verdicts by control: framework=cis-v8, nist-800-53, iso-27001 or soc2
    #[arg(long, value_name = "framework=NAME", value_parser = parse_framework, help_heading = "Output")]
    by: Option<&'static str>,
    /// Do not exit with 4 if verdicts are unknown
    #[arg(long, help_heading = "Exit code")]
    allow_unknown: bool,
    /// Use the waivers in these files or folders too; may be repeated
    #[arg(long, value_name = "PATH", help_heading = "Policies")]
    waivers: Vec<PathBuf>,
    /// Ignore all waivers, those of the policies too
    #[arg(long, help_heading = "Evaluation")]
    no_waivers: bool,
    /// Set the evaluation engine
    #[arg(long, value_enum, default_value_t, help_heading = "Evaluation")]
    engine: EngineArg,
    /// Set the number of threads [default: one per core]
    #[arg(long, help_heading = "Evaluation", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=i64::from(MAX_THREADS)))]
    pub threads: Option<u16>,
    /// Set the layout of findings in text
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    style: StyleArg,
    /// List all checks and all places of missing data in text
    #[arg(long, help_heading = "Output")]
    all: bool,
    /// Print at most this many findings per check and verdict (text only). Other problems: at least 50 of one kind
    #[arg(long, value_name = "N", default_value_t = 10, help_heading = "Output")]
    max_findings: usize,
    /// Run again after every change of a policy, the schema or a snapshot
    #[arg(long)]
    watch: bool,
    /// Set when to use colour
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    color: Color,
    /// Print only errors and totals
    #[arg(short, long, conflicts_with = "verbose", help_heading = "Output")]
    quiet: bool,
    /// Also print verdicts that are not applicable with the reason, and the duration of each step
    #[arg(short, long, help_heading = "Output")]
    verbose: bool,
    // The last, because its heading applies to all options after it.
    #[command(flatten)]
    limits: LimitArgs,
}

#[derive(clap::Args)]
#[command(next_help_heading = "Limits")]
struct LimitArgs {
    /// Accept at most this many bytes per snapshot, decompressed
    #[arg(long, value_name = "N", default_value_t = Limits::default().bytes)]
    max_bytes: usize,
    /// Accept at most this many levels of arrays and objects
    #[arg(long, value_name = "N", default_value_t = Limits::default().depth)]
    max_depth: usize,
    /// Accept at most this many instances of one entity type per snapshot
    #[arg(long, value_name = "N", default_value_t = Limits::default().entities)]
    max_entities: usize,
    /// Try at most this many pairs of principal and resource per derivation
    #[arg(long, value_name = "N", default_value_t = Limits::default().pairs)]
    max_pairs: usize,
}

#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Default)]
enum Input {
    /// By file name: one snapshot per line in .ndjson and .jsonl, otherwise one per file
    #[default]
    Auto,
    /// One snapshot per file
    Json,
    /// One snapshot per line
    Ndjson,
}

#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Default)]
enum EngineArg {
    /// Policies compiled to Deodar's own program
    #[default]
    Compiled,
    /// The official Cedar evaluator; slower, used to verify `compiled`
    Reference,
}

/// Returns the names of the formats that describe a whole run, as a list in a sentence.
fn formats_of_runs() -> String {
    let of_runs = FORMATS.iter().filter(|format| format.unit == Unit::Run);
    let names: Vec<&str> = of_runs.map(|format| format.name).collect();
    names.split_last().map_or_else(String::new, |(last, others)| match others {
        [] => (*last).to_owned(),
        _ => format!("{} and {last}", others.join(", ")),
    })
}

fn parse_now(text: &str) -> Result<i64, String> {
    deodar::value::parse_datetime(text)
}

fn parse_level(text: &str) -> Result<CheckSeverity, String> {
    text.parse()
}

fn parse_framework(text: &str) -> Result<&'static str, String> {
    let name = text.strip_prefix("framework=");
    let found = FRAMEWORKS.iter().map(|(_, known)| *known).find(|known| name == Some(known));
    found.ok_or_else(|| {
        let valid: Vec<String> = FRAMEWORKS.iter().map(|(_, known)| format!("`framework={known}`")).collect();
        format!("valid are {}", valid.join(", "))
    })
}

pub(super) fn run(args: &Args) -> io::Result<ExitCode> {
    let selection = args.selection();
    let inputs =
        [&selection.snapshots[..], &selection.policies, &selection.waivers, selection.schema.as_slice()].concat();
    let selected = Selected::new(args.format, &args.outputs);
    let selected = match selected.and_then(|selected| selected.refused(&inputs).map_or(Ok(selected), Err)) {
        Ok(selected) => selected,
        Err(refused) => {
            to_stderr(|out| writeln!(out, "error: {refused}"));
            return Ok(ExitCode::from(2));
        }
    };
    let has_lines = selected.has_lines();
    let refused = match args.watch {
        _ if args.by.is_some() && has_lines => {
            format!("lines are of one snapshot each: valid with --by are {}", formats_of_runs())
        }
        true if has_lines => {
            format!("a watch writes whole reports: valid with --watch are {}", formats_of_runs())
        }
        true => match watch::refused(&args.selection()) {
            Some(refused) => refused,
            None => return watch::run(args, &selected),
        },
        false => return once(args, &selected),
    };
    to_stderr(|out| writeln!(out, "error: {refused}"));
    Ok(ExitCode::from(2))
}

impl Args {
    /// Returns the options of a run with outputs that have these needs.
    pub(super) fn options(&self, needs: Needs) -> Options {
        Options {
            now: self.now.unwrap_or_else(project::now),
            clock: if self.now.is_some() { Clock::Given } else { Clock::Machine },
            parameters: self.parameters.clone(),
            only: self.only.clone(),
            skip: self.skip.clone(),
            engine: match self.engine {
                EngineArg::Compiled => Engine::Compiled,
                EngineArg::Reference => Engine::Reference,
            },
            waivers: if self.no_waivers { WaiverUse::Ignored } else { WaiverUse::Applied },
            gate: Gate { fail_on: self.fail_on, allow_unknown: self.allow_unknown },
            by: self.by,
            needs,
            limits: self.limits(),
        }
    }

    pub(super) fn limits(&self) -> Limits {
        Limits {
            bytes: self.limits.max_bytes,
            depth: self.limits.max_depth,
            entities: self.limits.max_entities,
            pairs: self.limits.max_pairs,
        }
    }

    pub(super) fn selection(&self) -> Selection {
        let form = match self.input {
            Input::Auto => InputFormat::ByName,
            Input::Json => InputFormat::Json,
            Input::Ndjson => InputFormat::Ndjson,
        };
        let outputs = self.outputs.iter().filter_map(|output| output.path.clone()).collect();
        Selection { outputs, waivers: self.waivers.clone(), ..self.pack.selection(&self.snapshots, form) }
    }

    pub(super) fn text_style(&self) -> Style {
        let detail = match (self.quiet, self.verbose) {
            (true, _) => Detail::Quiet,
            (_, true) => Detail::Verbose,
            _ => Detail::Normal,
        };
        Style { width: width(), color: self.color.wanted(), detail }
    }

    /// Returns the appearance of an output on standard output, or in a file.
    pub(super) fn presentation(&self, on_stdout: bool) -> Presentation {
        let style = self.text_style();
        Presentation {
            style: Style { color: style.color && on_stdout, ..style },
            most_findings: self.max_findings,
            layout: self.style.layout(),
            all: self.all,
            root: project::repository_root(),
        }
    }
}

fn once(args: &Args, selected: &Selected) -> io::Result<ExitCode> {
    let started = Instant::now();
    let files = selected.open_files(&args.presentation(false))?;
    let mut outputs = files.and(selected.stdout.open(&args.presentation(true)), Output::new());
    let options = args.options(outputs.needs());
    let mut session = Session::default();
    let report = match Loader::default().open(&args.selection(), &options.limits) {
        Err(diagnostics) => Report::new(&options, diagnostics),
        Ok((inputs, mut accounts)) => {
            let mut progress = Progress::new(args, selected, started);
            let mut seen = |report: &Report, accounts: &[AccountReport]| {
                progress.add(accounts);
                outputs.accounts(report, accounts)
            };
            session.stream(&inputs, &mut accounts, &options, &mut seen)?
        }
    };
    let code = ExitCode::from(report.status().exit_code());
    outputs.finish(&report)?;
    to_stderr(|out| outputs.aside(&report, out));
    to_stderr(|out| notes(args, selected, &report, started.elapsed(), out));
    // The process ends here, so freeing the memory piece by piece is a waste of time.
    std::mem::forget((session, report));
    Ok(code)
}

/// Writes the duration of the run.
fn notes(args: &Args, selected: &Selected, report: &Report, elapsed: Duration, out: &mut dyn Write) -> io::Result<()> {
    if args.verbose {
        let times = &report.times;
        let steps = [
            ("split", times.read.split),
            ("decode", times.read.decode),
            ("resolve", times.read.resolve),
            ("derive", times.derive),
            ("judge", times.judge),
            ("explain", times.explain),
        ];
        for (name, time) in steps {
            let (millis, rate) = (time.as_secs_f64() * 1e3, times.bytes as f64 / time.as_secs_f64().max(1e-9) / 1e6);
            writeln!(out, "  {name:8} {millis:10.1} ms {rate:10.0} MB/s")?;
        }
        writeln!(out, "  {:8} {:10.1} ms, {} bytes", "all", elapsed.as_secs_f64() * 1e3, times.bytes)?;
    } else if !args.quiet && selected.stdout.audience == Audience::People {
        writeln!(out, "  {} ms", elapsed.as_millis())?;
    }
    Ok(())
}

/// The progress of a long run, shown in a terminal only.
struct Progress {
    started: Instant,
    bar: Option<ProgressBar>,
    wanted: bool,
    accounts: u64,
    bytes: u64,
}

impl Progress {
    /// The time after which a run shows its progress.
    const PROGRESS_DELAY: Duration = Duration::from_millis(700);

    fn new(args: &Args, selected: &Selected, started: Instant) -> Self {
        let lines_on_screen = selected.stdout.unit == Unit::Account && io::stdout().is_terminal();
        let wanted = !args.quiet && !lines_on_screen && io::stderr().is_terminal();
        Self { started, bar: None, wanted, accounts: 0, bytes: 0 }
    }

    fn add(&mut self, accounts: &[AccountReport]) {
        self.accounts += accounts.len() as u64;
        self.bytes += accounts.iter().map(|account| account.times.bytes as u64).sum::<u64>();
        if self.wanted && self.started.elapsed() > Self::PROGRESS_DELAY {
            let bar = self.bar.get_or_insert_with(ProgressBar::new_spinner);
            let rate = u128::from(self.bytes) * 1000 / self.started.elapsed().as_millis().max(1);
            let rate = HumanBytes(u64::try_from(rate).unwrap_or(u64::MAX));
            bar.set_message(format!("{} snapshots, {rate}/s", HumanCount(self.accounts)));
            bar.tick();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
