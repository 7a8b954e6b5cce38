//! Arguments, streams, exit codes. The library computes and writes everything else.

mod color;
mod output;
mod pack;
mod inputs;
mod outputs;
mod store;
mod settings;
mod check;
mod watch;
mod screens;
mod capture;
mod render;
mod waive;
mod diff;
mod forecast;
mod history;
mod verify;
mod config;
mod list;
mod explain;
mod doc;
mod new;
mod inspect;
mod test;
mod completions;
mod man;

use clap::{Parser, Subcommand};
use color::is_colored;
use deodar::render::{Layout, Primary, plain};
use output::{Output, failed, message, to_stderr};
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

/// Checks JSON snapshots of a SaaS account against Cedar policies, and explains every verdict.
#[derive(Parser)]
#[command(name = "deodar", version, max_term_width = 100, after_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Judge snapshots, and explain every verdict that is not a pass
    Check(Box<check::Args>),
    /// Write a snapshot of exported files, as the capture description of a pack states
    Capture(capture::Args),
    /// Write saved reports in another format, or several as one
    Render(render::Args),
    /// Write waivers for findings of a saved report
    Waive(waive::Args),
    /// Compare two snapshots, or two saved reports: the verdicts that differ, and why
    Diff(diff::Args),
    /// List the verdicts of a snapshot that change without any action, and when
    Forecast(forecast::Args),
    /// List the findings of stored reports with their ages, and the reviews that are missing
    History(history::Args),
    /// Repeat a run from its evidence file, and report whether it is identical
    Verify(verify::Args),
    /// Print the settings of a run with their origins: flags, configuration file, defaults
    Config(config::Args),
    /// List the checks of a pack
    List(list::Args),
    /// Print one check with its condition, policy, parameters and values, or the meaning of a message's code
    Explain(explain::Args),
    /// Write all checks of a pack in plain English, as Markdown
    Doc(doc::Args),
    /// Write a new file: a schema that is inferred from snapshots
    New(new::Args),
    /// Compare a snapshot with the schema, or its shape with that of an older one
    Inspect(inspect::Args),
    /// Run the test cases of policies
    Test(test::Args),
    /// Write a shell completion script
    Completions(completions::Args),
    /// Write man pages
    Man(man::Args),
}

const AFTER_HELP: &str = "\
Exit codes (if several apply, the first of 5, 1, 4, 3):
  0  nothing failed at or above the threshold, and every verdict is known
  1  failures at or above --fail-on; for `deodar test`, wrong expectations
     and missed minimums
  2  wrong usage of the command line
  3  nothing was evaluated
  4  some verdict is unknown (--allow-unknown tolerates this)
  5  a policy, waiver, schema, snapshot, case or configuration file, a parameter
     or a selection of checks is invalid, a file is unreadable, or the output
     cannot be written
  101 / 130  a bug in Deodar / interrupted
  141  output closed (broken pipe)

Examples:
  deodar check snapshot.json
  deodar explain MOE-AUTH-02
  deodar test --coverage

`deodar COMMAND --help` describes the options of a command.";

/// Bytes of the stack of the main thread. Walks of conditions recurse, and chains of `||` are deep in Cedar's tree.
const STACK: usize = 256 << 20;

/// Runs the command that was typed.
pub(crate) fn main() -> ExitCode {
    match std::thread::Builder::new().stack_size(STACK).spawn(command).map(std::thread::JoinHandle::join) {
        Ok(Ok(code)) => code,
        // The panic has been reported by its thread.
        Ok(Err(_)) => ExitCode::from(101),
        Err(error) => {
            message(&format!("deodar: cannot start a thread: {error}"));
            ExitCode::from(101)
        }
    }
}

fn command() -> ExitCode {
    let command = match parsed(std::env::args_os().collect(), Cli::try_parse_from) {
        Ok(cli) => cli.command,
        Err(error) => return usage(&error),
    };
    let threads = match &command {
        Command::Check(args) => args.threads,
        _ => None,
    };
    let outcome = start_threads(threads).and_then(|()| match command {
        Command::Check(args) => check::run(&args),
        Command::Capture(args) => capture::run(&args),
        Command::Render(args) => render::run(&args),
        Command::Waive(args) => waive::run(&args),
        Command::Diff(args) => diff::run(&args),
        Command::Forecast(args) => forecast::run(&args),
        Command::History(args) => history::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Config(args) => config::run(&args),
        Command::List(args) => list::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Doc(args) => doc::run(&args),
        Command::New(args) => new::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args),
    });
    outcome.unwrap_or_else(|error| failed(&error))
}

/// Writes requested help, or an error of the command line.
fn usage(message: &clap::Error) -> ExitCode {
    let text = |color: bool| {
        let text = message.render();
        if color { text.ansi().to_string() } else { text.to_string() }
    };
    if message.use_stderr() {
        to_stderr(|out| out.write_all(text(is_colored(&io::stderr())).as_bytes()));
        return ExitCode::from(2);
    }
    let mut out = Output::new();
    let written = out.write_all(text(is_colored(&io::stdout())).as_bytes()).and_then(|()| out.flush());
    written.map_or_else(|error| failed(&error), |()| ExitCode::SUCCESS)
}

/// Parses the words of a command line. An error quotes arguments such as file names, so they are escaped.
fn parsed<T>(words: Vec<OsString>, parse: impl Fn(Vec<OsString>) -> Result<T, clap::Error>) -> Result<T, clap::Error> {
    let shown = words.iter().map(|word| OsString::from(plain(&word.to_string_lossy()).into_owned())).collect();
    parse(words).map_err(|error| match parse(shown) {
        Err(shown) if shown.kind() == error.kind() => shown,
        _ => error,
    })
}

/// Starts the threads that judge, with stacks for deep conditions. Without a number, `RAYON_NUM_THREADS` sets it, and
/// otherwise there is one for each core.
fn start_threads(threads: Option<u16>) -> io::Result<()> {
    let threads = match threads {
        Some(threads) => usize::from(threads),
        None => threads_of_environment()?,
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).stack_size(STACK / 4);
    pool.build_global().map_err(io::Error::other)
}

/// The maximal number of threads of one run.
const MAX_THREADS: u16 = 1024;

/// Returns the number in `RAYON_NUM_THREADS` if it is within bounds, and otherwise the number of cores.
fn threads_of_environment() -> io::Result<usize> {
    const VARIABLE: &str = "RAYON_NUM_THREADS";
    // Rayon would read the variable itself for a number of zero.
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(usize::from(MAX_THREADS));
    let Some(text) = std::env::var_os(VARIABLE).filter(|text| !text.is_empty()) else { return Ok(cores) };
    let threads = text.to_str().and_then(|text| text.trim().parse::<u16>().ok());
    if let Some(threads) = threads.filter(|threads| *threads <= MAX_THREADS) {
        return Ok(if threads == 0 { cores } else { usize::from(threads) });
    }
    let text = text.to_string_lossy();
    message(&format!(
        "warning: {VARIABLE} is `{text}`, valid are 0 to {MAX_THREADS}; the run has one thread for each core"
    ));
    Ok(cores)
}

/// When to use colour.
#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Default)]
enum Color {
    /// In a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Also in files and pipes
    Always,
    /// Not at all
    Never,
}

impl Color {
    /// Returns whether standard output is coloured.
    fn wanted(self) -> bool {
        match self {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => is_colored(&io::stdout()),
        }
    }
}

/// The layout of findings in text.
#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Default)]
enum StyleArg {
    /// Full up to ten findings; otherwise concise, with the three most severe in full
    #[default]
    Auto,
    /// One line for each finding, and each place of missing data once
    Concise,
    /// Excerpts of the policy and of the snapshot for each finding
    Full,
}

impl StyleArg {
    fn layout(self) -> Layout {
        match self {
            StyleArg::Auto => Layout::Auto,
            StyleArg::Concise => Layout::Concise,
            StyleArg::Full => Layout::Full,
        }
    }
}

/// The formats that show one place of each finding.
const PLATFORMS: [&str; 3] = ["sarif", "github", "gitlab"];

/// The place of a finding.
#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Default)]
enum PrimaryArg {
    /// The value in the snapshot that decided
    #[default]
    Snapshot,
    /// The clause of the policy that decided
    Policy,
}

impl From<PrimaryArg> for Primary {
    fn from(primary: PrimaryArg) -> Self {
        match primary {
            PrimaryArg::Snapshot => Primary::Snapshot,
            PrimaryArg::Policy => Primary::Policy,
        }
    }
}

/// Returns the width of the output in columns: `COLUMNS`, or the width of the terminal, or 80 in a pipe.
fn width() -> usize {
    let set = std::env::var("COLUMNS").ok().and_then(|text| text.trim().parse::<usize>().ok());
    let columns = set.filter(|columns| *columns > 0).unwrap_or_else(|| match terminal_size::terminal_size() {
        Some((terminal_size::Width(columns), _)) if io::stdout().is_terminal() => usize::from(columns),
        _ => 80,
    });
    columns.clamp(40, 200)
}
