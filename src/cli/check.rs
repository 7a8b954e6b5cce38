//! `deodar check`

use super::pack::PackArgs;
use super::{Color, width};
use deodar::check::{Engine, Options, Session, is_sound};
use deodar::policy::Level;
use deodar::project::{self, Changes, Loader, Selection};
use deodar::report::text::{Detail, Style};
use deodar::report::{Report, json, text};
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

#[derive(clap::Args)]
pub struct Args {
    /// Snapshots: files, folders (every .json below), or - for standard input
    #[arg(required = true, value_name = "SNAPSHOT")]
    snapshots: Vec<PathBuf>,
    #[command(flatten)]
    pack: PackArgs,
    /// How to write the report
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// The time that checks take for now, as 2026-09-01T12:00:00Z; without it, the clock
    #[arg(long, value_name = "TIME", value_parser = parse_now)]
    now: Option<i64>,
    /// Set a parameter, as max_admins=2; may be repeated
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = parse_parameter)]
    parameters: Vec<(String, String)>,
    /// Run only these checks: ids, patterns as MOE-AUTH-*, severities
    #[arg(long, value_name = "CHECK", value_delimiter = ',')]
    only: Vec<String>,
    /// Leave these checks out
    #[arg(long, value_name = "CHECK", value_delimiter = ',')]
    skip: Vec<String>,
    /// The mildest severity whose failures end with exit code 1
    #[arg(long, value_name = "SEVERITY", default_value = "low", value_parser = parse_level)]
    fail_on: Level,
    /// Do not end with exit code 4 when some verdict is unknown
    #[arg(long)]
    allow_unknown: bool,
    /// Who judges
    #[arg(long, value_enum, default_value_t)]
    engine: EngineArg,
    /// Threads; without it one per core
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Failures, and unknown verdicts, of one check that are written out as text
    #[arg(long, value_name = "N", default_value_t = 10)]
    max_findings: usize,
    /// Pairs of principal and resource that a derivation may try when nothing ties the two together
    #[arg(long, value_name = "N", default_value_t = deodar::check::MOST_PAIRS)]
    max_pairs: usize,
    /// Run again whenever a policy, the schema or a snapshot changes
    #[arg(long)]
    watch: bool,
    /// When to use colour
    #[arg(long, value_enum, default_value_t)]
    color: Color,
    /// Write only errors and totals
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,
    /// Also write what is not applicable and why
    #[arg(short, long)]
    verbose: bool,
}

#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Default)]
enum Format {
    /// For people
    #[default]
    Text,
    /// For programs; described by schemas/report.schema.json
    Json,
}

#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Default)]
enum EngineArg {
    /// Deodar's own program
    #[default]
    Compiled,
    /// The official Cedar evaluator: slow, and the judge of the other
    Reference,
}

fn parse_now(text: &str) -> Result<i64, String> {
    deodar::value::parse_datetime(text)
}

fn parse_level(text: &str) -> Result<Level, String> {
    text.parse()
}

fn parse_parameter(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    Ok((name.trim().to_owned(), value.to_owned()))
}

pub fn run(args: &Args) -> io::Result<ExitCode> {
    // Zero threads are as many as there are cores.
    let threads = usize::from(args.threads.unwrap_or(0));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).stack_size(super::STACK / 4).build_global();
    pool.map_err(io::Error::other)?;
    if args.watch && args.snapshots.iter().any(|path| path.as_os_str() == "-") {
        writeln!(io::stderr(), "error: standard input cannot be watched: name files or folders with --watch")?;
        return Ok(ExitCode::from(2));
    }
    if args.watch { watch(args) } else { once(args) }
}

impl Args {
    fn options(&self) -> Options {
        Options {
            now: self.now.unwrap_or_else(project::now),
            parameters: self.parameters.clone(),
            only: self.only.clone(),
            skip: self.skip.clone(),
            engine: match self.engine {
                EngineArg::Compiled => Engine::Compiled,
                EngineArg::Reference => Engine::Reference,
            },
            fail_on: self.fail_on,
            allow_unknown: self.allow_unknown,
            most_findings: if self.format == Format::Json { usize::MAX } else { self.max_findings },
            most_pairs: self.max_pairs,
            explain_not_applicable: self.verbose || self.format == Format::Json,
        }
    }

    fn selection(&self) -> Selection {
        self.pack.selection(&self.snapshots)
    }

    fn style(&self) -> Style {
        let detail = match (self.quiet, self.verbose) {
            (true, _) => Detail::Quiet,
            (_, true) => Detail::Verbose,
            _ => Detail::Normal,
        };
        Style { width: width(), color: self.color.wanted(), detail }
    }

    fn write(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        match self.format {
            Format::Text => text::write(report, self.style(), out),
            Format::Json => json::write(report, out),
        }
    }
}

fn load_and_run(args: &Args, loader: &mut Loader, session: &mut Session) -> Report {
    match loader.load(&args.selection()) {
        Ok(inputs) => session.run(&inputs, &args.options()),
        Err(diagnostics) => Report::unread(diagnostics, &args.options()),
    }
}

fn once(args: &Args) -> io::Result<ExitCode> {
    let started = Instant::now();
    let report = load_and_run(args, &mut Loader::default(), &mut Session::default());
    let code = ExitCode::from(report.status().exit_code());
    let mut out = io::BufWriter::new(io::stdout().lock());
    match args.write(&report, &mut out).and_then(|()| out.flush()) {
        Ok(()) => {}
        // Whoever read the report has seen enough; what was found is true all the same.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(code),
        Err(error) => return Err(error),
    }
    if !args.quiet && args.format == Format::Text {
        // A note in passing: nobody need read it.
        let _ = writeln!(io::stderr(), "  {} ms", started.elapsed().as_millis());
    }
    Ok(code)
}

/// Runs again at every change. While a file does not parse, the last verdict that rested on sound files stays.
fn watch(args: &Args) -> io::Result<ExitCode> {
    ctrlc::set_handler(|| std::process::exit(130)).map_err(io::Error::other)?;
    let (mut loader, mut session) = (Loader::default(), Session::default());
    let mut changes = Changes::new().map_err(io::Error::other)?;
    let mut last_sound: Option<Vec<u8>> = None;
    loop {
        let started = Instant::now();
        let report = load_and_run(args, &mut loader, &mut session);
        changes.watch(&loader.looked_at).map_err(io::Error::other)?;
        let mut screen = Vec::new();
        if is_sound(&report) {
            args.write(&report, &mut screen)?;
            last_sound = Some(screen.clone());
        } else if let (Some(last), Format::Text) = (&last_sound, args.format) {
            text::write_diagnostics(&report.diagnostics, &report, args.style(), &mut screen)?;
            writeln!(screen, "  ── stale: what follows is from before this error ──\n")?;
            screen.extend_from_slice(last);
        } else {
            args.write(&report, &mut screen)?;
        }
        show(args, &screen, started)?;
        changes.wait().map_err(io::Error::other)?;
    }
}

fn show(args: &Args, screen: &[u8], started: Instant) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if out.is_terminal() {
        // Clear the screen and what has scrolled off it, then go home.
        out.write_all(b"\x1b[2J\x1b[3J\x1b[H")?;
    }
    out.write_all(screen)?;
    out.flush()?;
    if args.format == Format::Text {
        writeln!(io::stderr(), "  {} ms; watching for changes, Ctrl-C ends", started.elapsed().as_millis())?;
    }
    Ok(())
}
