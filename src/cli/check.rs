//! `deodar check`

use super::color::is_dumb;
use super::inputs::InputFiles;
use super::output::{Output, to_stderr, wrong_usage};
use super::outputs::{Selected, Target, format_parser};
use super::settings::SettingArgs;
use super::store::{self, StoreOutput};
use super::{Color, MAX_THREADS, PLATFORMS, PrimaryArg, StyleArg, pack, parsed, usage, watch, width};
use deodar::Session;
use deodar::check::{Inputs, SnapshotInput, SnapshotInputs};
use deodar::configuration::{Effective, Origin, Sourced};
use deodar::diagnostic::{Diagnostic, has_errors};
use deodar::policy::FRAMEWORKS;
use deodar::project::{self, InputFormat, Loader, Selection};
use deodar::render::digests::{DigestOutput, RunDigests};
use deodar::render::{Audience, Detail, FORMATS, Format, Presentation, Style, Unit};
use deodar::report::{AccountReport, Baseline, Clock, Engine, Gate, Needs, Options, Report};
use deodar::snapshot::{Limits, Secrets};
use deodar::source::Source;
use deodar::source::format::SourceFormat;
use indicatif::{HumanBytes, HumanCount, ProgressBar};
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

const EXAMPLES: &str = "\
Examples:
  deodar check snapshot.json
  deodar check snapshot.json --only 'MOE-AUTH-*,critical' --param max_admins=2
  deodar check snapshot.json --by framework=iso-27001
  deodar check devices.json --schema devices.cedarschema --policies policies --watch
  zcat fleet.ndjson.gz | deodar check - --input ndjson --format ndjson
  deodar check snapshot.json --store reports && deodar history reports

`deodar --help` lists the exit codes.";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Snapshot files (.json, .ndjson, .yaml, .toml or .jsonc, and these as .gz or .zst), folders of them, or - for standard input
    #[arg(required_unless_present = "join", value_name = "SNAPSHOT")]
    snapshots: Vec<PathBuf>,
    /// Read all files of this folder as one account: pages and services of an API, in any format (repeatable)
    #[arg(long, value_name = "DIR")]
    join: Vec<PathBuf>,
    #[command(flatten)]
    settings: SettingArgs,
    /// Set the input format
    #[arg(long, value_enum, default_value_t, help_heading = "Evaluation")]
    input: Input,
    /// Set the format of the report on standard output [default: text]
    #[arg(long, value_parser = format_parser(), help_heading = "Output")]
    format: Option<Format>,
    /// Evaluate as of this time, for example 2026-09-01T12:00:00Z [default: now]
    #[arg(long, value_name = "TIME", value_parser = parse_now, help_heading = "Evaluation")]
    now: Option<i64>,
    /// Group verdicts by control: framework=cis-v8, nist-800-53, iso-27001, soc2, or one of the configuration file
    #[arg(long, value_name = "framework=NAME", value_parser = parse_framework, help_heading = "Output")]
    by: Option<String>,
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
    /// Set the verdicts that JSON and NDJSON contain
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    verdicts: Verdicts,
    /// Set the place of a finding in SARIF, GitHub annotations and GitLab reports
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    primary: PrimaryArg,
    /// Print at most this many findings per check and verdict (text only). Other problems: at least 50 of one kind
    #[arg(long, value_name = "N", default_value_t = 10, help_heading = "Output")]
    max_findings: usize,
    /// Write the digests of the inputs and of all verdicts to this file, for `deodar verify`
    #[arg(long, value_name = "FILE", conflicts_with = "watch", help_heading = "Output")]
    evidence: Option<PathBuf>,
    /// Run again after every change of an input: snapshots, policies, schema, waivers, baseline, configuration file
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
    /// The files that the snapshot is captured from, and its own, if this is the check of a capture
    #[arg(skip)]
    captured_from: Option<Vec<PathBuf>>,
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
    /// By file name: one snapshot per line in .ndjson and .jsonl; YAML, TOML and JSON with comments by .yaml, .yml, .toml
    /// and .jsonc; otherwise JSON
    #[default]
    Auto,
    /// One snapshot per file
    Json,
    /// One snapshot per line
    Ndjson,
    /// YAML, one snapshot per file
    Yaml,
    /// TOML, one snapshot per file
    Toml,
    /// JSON with comments and trailing commas, one snapshot per file
    Jsonc,
}

#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Default)]
enum EngineArg {
    /// Policies compiled to Deodar's own program
    #[default]
    Compiled,
    /// The official Cedar evaluator; slower, used to verify `compiled`
    Reference,
}

#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Default)]
enum Verdicts {
    /// The findings
    #[default]
    Findings,
    /// Every verdict with its evidence, those that passed too
    All,
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

pub(super) fn parse_now(text: &str) -> Result<i64, String> {
    deodar::value::parse_datetime(text)
}

fn parse_framework(text: &str) -> Result<String, String> {
    let name = text.strip_prefix("framework=").filter(|name| !name.is_empty());
    let names: Vec<String> = FRAMEWORKS.iter().map(|framework| format!("`framework={}`", framework.name)).collect();
    name.map(str::to_owned)
        .ok_or_else(|| format!("valid are {}, and those of the configuration file", names.join(", ")))
}

/// The check of a snapshot that is captured from exports.
pub(super) struct CaptureCheck {
    args: Args,
    name: String,
}

impl CaptureCheck {
    /// Parses the options of this command. `name` is that of the snapshot, and `files` are those that it is captured
    /// from, and its own.
    ///
    /// # Errors
    /// The exit code, if the options are wrong or an output would replace one of the files. The reason is reported.
    pub(super) fn parse(
        pack: &pack::PackArgs,
        options: &[OsString],
        name: String,
        files: Vec<PathBuf>,
    ) -> Result<Self, ExitCode> {
        use clap::{Args as _, FromArgMatches as _};
        let given = pack.words().into_iter().chain(options.iter().cloned());
        let words = ["deodar check".into(), "--".into(), OsString::from(&name)];
        let [command, rest @ ..] = words;
        let words = std::iter::once(command).chain(given).chain(rest);
        let parse = |words: Vec<OsString>| {
            let matches = Args::augment_args(clap::Command::new("deodar check")).try_get_matches_from(words)?;
            Args::from_arg_matches(&matches)
        };
        let args = parsed(words.collect(), parse).map_err(|error| usage(&error))?;
        let args = Args { captured_from: Some(files), ..args };
        if args.snapshots.len() > 1 || !args.join.is_empty() || args.watch {
            return Err(wrong_usage("a capture is the only snapshot of its check, and it is not watched"));
        }
        match Settings::read(&args, &mut Loader::default()).outputs(&args) {
            Ok(_) => Ok(Self { args, name }),
            Err(refused) => Err(wrong_usage(&refused)),
        }
    }

    /// Judges the snapshot. Excerpts mask the `hidden` places of its files.
    pub(super) fn run(&self, source: Arc<Source>, hidden: Vec<Secrets>) -> io::Result<ExitCode> {
        run_with(&self.args, Some(SnapshotInput { path: self.name.clone(), source: Ok(source), hidden }))
    }
}

pub(super) fn run(args: &Args) -> io::Result<ExitCode> {
    run_with(args, None)
}

fn run_with(args: &Args, given: Option<SnapshotInput>) -> io::Result<ExitCode> {
    let mut loader = Loader::default();
    let settings = Settings::read(args, &mut loader);
    let selected = match settings.accepted_outputs(args) {
        Ok(selected) => selected,
        Err(refused) => return Ok(wrong_usage(&refused)),
    };
    if !args.watch {
        return once(args, &settings, loader, &selected, given);
    }
    match watch::refused(&settings.selection(args), settings.baseline_path()) {
        Some(refused) => Ok(wrong_usage(&refused)),
        None => watch::run(args, &selected),
    }
}

/// The settings of one run.
#[derive(Debug, PartialEq)]
pub(super) struct Settings {
    effective: Effective,
    /// The mistakes of the configuration file. With one, nothing is judged.
    mistakes: Vec<Diagnostic>,
}

impl Settings {
    /// Reads the configuration file.
    pub(super) fn read(args: &Args, loader: &mut Loader) -> Self {
        let (effective, mistakes) = args.settings.effective(loader);
        Self { effective, mistakes }
    }

    /// Returns the mistakes of the configuration file if it cannot be used.
    pub(super) fn refused(&self) -> Option<Vec<Diagnostic>> {
        has_errors(&self.mistakes).then(|| self.mistakes.clone())
    }

    /// Returns the name of the configuration file if it differs from that of other settings.
    pub(super) fn changed_file(&self, other: &Self) -> Option<String> {
        let (own, other) = (&self.effective.file, &other.effective.file);
        if own == other { None } else { own.as_ref().or(other.as_ref()).map(|(path, _)| path.clone()) }
    }

    /// Returns the files that the run reads.
    pub(super) fn selection(&self, args: &Args) -> Selection {
        let form = match args.input {
            Input::Auto => InputFormat::ByName,
            Input::Json => InputFormat::Json,
            Input::Ndjson => InputFormat::Ndjson,
            Input::Yaml => InputFormat::Other(SourceFormat::Yaml),
            Input::Toml => InputFormat::Other(SourceFormat::Toml),
            Input::Jsonc => InputFormat::Other(SourceFormat::Jsonc),
        };
        let mut selection = pack::selection(&self.effective, &args.snapshots, form);
        selection.outputs.extend(args.evidence.clone());
        selection.joined.clone_from(&args.join);
        selection.now = args.now;
        selection
    }

    /// Reads the inputs of the run. A given snapshot is the only one.
    fn open(
        &self,
        args: &Args,
        loader: &mut Loader,
        limits: &Limits,
        given: Option<SnapshotInput>,
    ) -> Result<(Inputs, Box<dyn SnapshotInputs>), Vec<Diagnostic>> {
        let selection = self.selection(args);
        match given {
            Some(given) => {
                let inputs = loader.load(&Selection { snapshots: Vec::new(), ..selection }, limits)?;
                Ok((inputs, Box::new(InMemory(Some(given)))))
            }
            None => {
                let (inputs, snapshots) = loader.open(&selection, limits)?;
                Ok((inputs, Box::new(snapshots)))
            }
        }
    }

    /// Returns the outputs of the run.
    ///
    /// # Errors
    /// The message for the user, when an output would overwrite an input or another output.
    fn outputs(&self, args: &Args) -> Result<Selected, String> {
        let Effective { file, outputs, .. } = &self.effective;
        let folder = file.as_ref().and_then(|(path, _)| Path::new(path).parent());
        let selected = Selected::new(args.format, &outputs.value)?;
        if let (Origin::File(place), Some(folder)) = (&outputs.origin, folder) {
            selected.stay_below(folder, place.source.name())?;
        }
        let evidence = args.evidence.as_deref();
        if let Some(path) = evidence
            .filter(|path| selected.files.iter().any(|(_, file)| project::target(file) == project::target(path)))
        {
            return Err(format!("two outputs in the file `{}`: name two files", path.display()));
        }
        if let Some(refused) = self.refused_store(folder) {
            return Err(refused);
        }
        let inputs = self.inputs(args);
        inputs.refuse(evidence, "--evidence")?;
        if evidence.is_some() && args.snapshots.iter().any(|path| path.as_os_str() == "-") {
            return Err("a run on standard input cannot be repeated: name files with --evidence".to_owned());
        }
        inputs.refuse(selected.paths(), "--output")?;
        if args.captured_from.is_none() {
            selected.stay_apart(&[&args.snapshots[..], &args.join].concat())?;
        }
        Ok(selected)
    }

    /// Returns the outputs of the run, if its settings fit them and each other.
    ///
    /// # Errors
    /// The message for the user.
    pub(super) fn accepted_outputs(&self, args: &Args) -> Result<Selected, String> {
        let selected = self.outputs(args)?;
        let has_lines = selected.has_lines();
        Err(match args.watch {
            _ if args.by.is_some() && has_lines => {
                format!("lines are of one snapshot each: valid with --by are {}", formats_of_runs())
            }
            _ if !self.has_framework(args) => {
                let names: Vec<String> =
                    self.effective.adaptation.framework_names().map(|name| format!("`framework={name}`")).collect();
                format!(
                    "`{}` is not a framework: valid with --by are {}",
                    args.by.as_deref().unwrap_or_default(),
                    names.join(", ")
                )
            }
            true if has_lines => {
                format!("a watch writes whole reports: valid with --watch are {}", formats_of_runs())
            }
            _ if args.verdicts == Verdicts::All && !selected.has_any(&["json", "ndjson"]) => {
                "all verdicts are in JSON and NDJSON: add --output json=PATH or --output ndjson=PATH to --verdicts all"
                    .to_owned()
            }
            _ if args.verdicts == Verdicts::All && args.engine == EngineArg::Reference => {
                "the reference engine does not explain passes: leave out --engine or --verdicts all".to_owned()
            }
            _ if args.primary == PrimaryArg::Policy && !selected.has_any(&PLATFORMS) => {
                format!("--primary is for {}: add --output sarif=PATH", PLATFORMS.join(", "))
            }
            _ if self.baseline_path().is_some_and(|path| path.as_os_str() == "-") => {
                "the baseline cannot be standard input: name a file with --baseline".to_owned()
            }
            _ if args.engine == EngineArg::Reference && self.store().is_some() => {
                "the reference engine does not explain passes: leave out --engine or --store".to_owned()
            }
            true if self.store().is_some() => {
                "a watch does not store reports: leave out --watch, or --store and the key `store`".to_owned()
            }
            _ => return Ok(selected),
        })
    }

    /// Returns the files that the run reads, or that its snapshot was captured from.
    pub(super) fn inputs(&self, args: &Args) -> InputFiles {
        let of_pack = InputFiles::of_pack(args.settings.pack(), &self.effective);
        let inputs = of_pack.and(self.effective.baseline.value.clone()).and(args.join.clone());
        inputs.and(args.captured_from.as_ref().unwrap_or(&args.snapshots).clone())
    }

    /// Returns the folder that reports are added to.
    fn store(&self) -> Option<&Path> {
        self.effective.store.value.as_deref()
    }

    /// Returns the reason if this folder cannot be used; `folder` is that of the configuration file.
    fn refused_store(&self, folder: Option<&Path>) -> Option<String> {
        let Sourced { value: Some(store), origin } = &self.effective.store else { return None };
        let configuration = match origin {
            Origin::File(place) => folder.map(|folder| (folder, place.source.name())),
            _ => None,
        };
        store::refused(store, configuration)
    }

    /// Returns the path of the baseline.
    pub(super) fn baseline_path(&self) -> Option<&Path> {
        self.effective.baseline.value.as_deref()
    }

    /// Reads the baseline.
    ///
    /// # Errors
    /// A diagnostic if it is not a complete report.
    pub(super) fn baseline(&self, loader: &Loader) -> Result<Option<Arc<Baseline>>, Vec<Diagnostic>> {
        self.baseline_path().map(|path| loader.baseline(path).map(Arc::new)).transpose()
    }

    /// Returns whether the framework of `--by` is known.
    fn has_framework(&self, args: &Args) -> bool {
        let known = |name: &String| self.effective.adaptation.framework_names().any(|known| known == name);
        args.by.as_ref().is_none_or(known)
    }

    /// Returns the options of a run with outputs that have these needs.
    pub(super) fn options(&self, args: &Args, needs: Needs, baseline: Option<Arc<Baseline>>) -> Options {
        let Effective { parameters, only, skip, fail_on, allow_unknown, max_snapshot_age, .. } = &self.effective;
        Options {
            now: args.now.unwrap_or_else(project::now),
            clock: if args.now.is_some() { Clock::Given } else { Clock::Machine },
            parameters: parameters.clone(),
            only: only.value.clone(),
            skip: skip.value.clone(),
            engine: match args.engine {
                EngineArg::Compiled => Engine::Compiled,
                EngineArg::Reference => Engine::Reference,
            },
            waivers: self.effective.waiver_use,
            gate: Gate { fail_on: fail_on.value, allow_unknown: allow_unknown.value },
            baseline,
            max_snapshot_age: max_snapshot_age.value,
            by: args.by.as_deref().map(Into::into),
            configuration: self.effective.report().map(Arc::new),
            needs,
            limits: args.limits(),
        }
    }
}

impl Args {
    pub(super) fn limits(&self) -> Limits {
        Limits {
            bytes: self.limits.max_bytes,
            depth: self.limits.max_depth,
            entities: self.limits.max_entities,
            pairs: self.limits.max_pairs,
        }
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
            all_verdicts: self.verdicts == Verdicts::All,
            primary: self.primary.into(),
            repository: project::repository(),
        }
    }
}

/// A snapshot in memory, as a stream.
struct InMemory(Option<SnapshotInput>);

impl Iterator for InMemory {
    type Item = SnapshotInput;

    fn next(&mut self) -> Option<SnapshotInput> {
        self.0.take()
    }
}

impl SnapshotInputs for InMemory {}

fn once(
    args: &Args,
    settings: &Settings,
    mut loader: Loader,
    selected: &Selected,
    given: Option<SnapshotInput>,
) -> io::Result<ExitCode> {
    let started = Instant::now();
    let mut files = selected.open_files(&args.presentation(false))?;
    if let Some(path) = &args.evidence {
        files = files.and_completed(Box::new(DigestOutput { command: command_line()? }), Target::create(path)?);
    }
    if let Some(folder) = settings.store() {
        files = files.and(Box::new(StoreOutput::open(folder.to_owned())?), io::sink());
    }
    let mut outputs = files.and(selected.stdout.open(&args.presentation(true)), Output::new());
    let baseline = settings.baseline(&loader);
    let options = settings.options(args, outputs.needs(), baseline.clone().unwrap_or_default());
    let mut session = Session::default();
    let opened = match settings.refused() {
        Some(mistakes) => Err(mistakes),
        None => baseline.and_then(|_| settings.open(args, &mut loader, &options.limits, given)),
    };
    let report = match opened {
        Err(diagnostics) => Report::new(&options, diagnostics),
        Ok((inputs, mut accounts)) => {
            let mut progress = Progress::new(args, selected, started);
            let mut seen = |report: &Report, accounts: &[AccountReport]| {
                progress.add(accounts);
                outputs.accounts(report, accounts)
            };
            session.stream(&inputs, &mut *accounts, &options, &mut seen)?
        }
    };
    let code = ExitCode::from(report.status().exit_code());
    outputs.finish(&report)?;
    // Text on standard output has what other outputs leave out.
    if selected.stdout.audience != Audience::People {
        to_stderr(|out| outputs.aside(&report, out));
    }
    to_stderr(|out| notes(args, &report, started.elapsed(), out));
    // The process ends here, so freeing the memory piece by piece is a waste of time.
    std::mem::forget((session, report));
    Ok(code)
}

/// Returns the words of the command line after the name of the program.
fn command_line() -> io::Result<Vec<String>> {
    let words = std::env::args_os().skip(1).map(|word| word.into_string());
    words.collect::<Result<_, _>>().map_err(|word| {
        let word = word.to_string_lossy().into_owned();
        io::Error::other(format!("cannot write evidence: the argument `{}` is not UTF-8", word.escape_debug()))
    })
}

/// Repeats a run at its time, without its outputs.
///
/// # Errors
/// The reason why it cannot be repeated.
pub(super) fn repeat(args: &Args, now: i64, command: Vec<String>) -> Result<RunDigests, String> {
    let mut loader = Loader::default();
    let settings = Settings::read(args, &mut loader);
    if !settings.has_framework(args) {
        return Err("its framework is not known".to_owned());
    }
    let baseline = settings.baseline(&loader);
    let given = settings.options(args, RunDigests::NEEDS, baseline.clone().unwrap_or_default());
    let options = Options { now, clock: Clock::Given, ..given };
    let opened = match (settings.refused(), baseline) {
        (Some(mistakes), _) | (None, Err(mistakes)) => Err(mistakes),
        (None, Ok(_)) => loader.open(&settings.selection(args), &options.limits),
    };
    let report = match opened {
        Err(diagnostics) => Report::new(&options, diagnostics),
        Ok((inputs, mut accounts)) => {
            let mut ignore = |_: &Report, _: &[AccountReport]| Ok::<(), std::convert::Infallible>(());
            match Session::default().stream(&inputs, &mut accounts, &options, &mut ignore) {
                Ok(report) => report,
                Err(never) => match never {},
            }
        }
    };
    Ok(RunDigests::of(&report, command))
}

/// Writes the duration of the run.
fn notes(args: &Args, report: &Report, elapsed: Duration, out: &mut dyn Write) -> io::Result<()> {
    if args.verbose {
        let times = &report.times;
        let steps = [
            ("split", times.read.split),
            ("decode", times.read.decode),
            ("resolve", times.read.resolve),
            ("derive", times.derive),
            ("judge", times.judge),
            ("list", times.list),
        ];
        for (name, time) in steps {
            let (millis, rate) = (time.as_secs_f64() * 1e3, times.bytes as f64 / time.as_secs_f64().max(1e-9) / 1e6);
            writeln!(out, "  {name:8} {millis:10.1} ms {rate:10.0} MB/s")?;
        }
        writeln!(out, "  {:8} {:10.1} ms, {} bytes", "all", elapsed.as_secs_f64() * 1e3, times.bytes)?;
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
        let wanted = !args.quiet && !lines_on_screen && io::stderr().is_terminal() && !is_dumb();
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
