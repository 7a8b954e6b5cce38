//! `deodar capture`: exports of an account to a snapshot. The flags are those of the pack's capture description.

use super::check::CaptureCheck;
use super::inputs::InputFiles;
use super::output::{Output, message, to_stderr};
use super::pack::{self, PackArgs};
use super::screens::{self, StatusFormat, StatusRequest};
use super::{Color, parsed, usage, width};
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Command, FromArgMatches as _};
use deodar::capture::cell::{Dates, stated_time};
use deodar::capture::description::{Description, FeedReader};
use deodar::capture::export::{Dating, Export, TextEncoding, decode};
use deodar::capture::template::TemplateInstances;
use deodar::capture::{Given, Inputs, Outcome, Settings, capture, capture_source};
use deodar::diagnostic::{Diagnostic, has_errors};
use deodar::project::{self, CapturePack, ExportFile, InputFormat, Loader};
use deodar::render::{Detail, Style, diagnostics, plain};
use deodar::schema::Schema;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const AFTER_HELP: &str = "\
A file may be named as ID=FILE, with the id of the instance that it is from, such
as WS1=members.csv or WS1/LIVE=metadata.xml. The id is needed if there are several.

Exit codes: 0 the snapshot was written, or with --check that of the check; 2 wrong
usage of the command line; 5 a file has errors. With errors in rows, cells or
single values the snapshot is written, and these values are unknown in it; with
others it is not.";

const EXAMPLES: &str = "\
Examples:
  deodar capture PACK --settings settings.json --members members.csv --output snapshot.json
  deodar capture PACK --members members.csv --into snapshot.json --output snapshot.json
  deodar capture PACK --members members.csv --check -- --format json
  deodar capture PACK --template --output settings.yaml
  deodar capture PACK --status snapshot.json

`deodar capture PACK --help` lists the files that a pack reads.";

#[derive(clap::Args)]
#[command(disable_help_flag = true, after_help = EXAMPLES)]
pub(super) struct Args {
    /// Built-in pack, and the files of the capture; or --schema and --policies in place of the pack
    #[arg(value_name = "PACK", trailing_var_arg = true, allow_hyphen_values = true, num_args = 0..)]
    arguments: Vec<OsString>,
}

// The options that are the same for every pack. (Not a doc comment: that would be the help of the command.)
#[derive(clap::Args)]
struct Common {
    /// Keep the values of this snapshot that no file has, with their age
    #[arg(long, value_name = "FILE", help_heading = "Snapshot")]
    into: Option<PathBuf>,
    /// Write the snapshot to this file; - is standard output
    #[arg(long, value_name = "FILE", default_value = "-", help_heading = "Snapshot")]
    output: PathBuf,
    /// State when the files were exported, or one of them, such as 2026-09-01T06:00:00Z [default: the last change of the file]
    #[arg(long, value_name = "[FILE=]TIME", help_heading = "Exports")]
    captured_at: Vec<String>,
    /// State who exported the files
    #[arg(long, value_name = "TEXT", help_heading = "Exports")]
    captured_by: Option<String>,
    /// State the period that the export of a log has, such as audit.csv=2026-06-01..2026-09-01 [default: from its first to
    /// its last event]
    #[arg(long, value_name = "FILE=FROM..TO", help_heading = "Exports")]
    range: Vec<String>,
    /// Read 03/04/2026 as the third of April
    #[arg(long, help_heading = "Exports")]
    day_first: bool,
    /// Read times without an offset in this zone, such as Asia/Kolkata
    #[arg(long, value_name = "NAME", value_parser = parse_zone, help_heading = "Exports")]
    zone: Option<TimeZone>,
    /// Read exports without a byte order mark, or one of them, as windows-1252 [default: utf-8]
    #[arg(long, value_name = "[FILE=]NAME", help_heading = "Exports")]
    encoding: Vec<String>,
    /// Choose a source if two state different values
    #[arg(long, value_enum, help_heading = "Exports")]
    prefer: Option<Prefer>,
    /// Write a commented YAML file with a line for every value, screen by screen
    #[arg(long, conflicts_with_all = ["status", "into"], help_heading = "Screens")]
    template: bool,
    /// List the values that this snapshot lacks, by screen
    #[arg(long, value_name = "SNAPSHOT", conflicts_with = "into", help_heading = "Screens")]
    status: Option<PathBuf>,
    /// Set the format of the list
    #[arg(long, value_enum, requires = "status", help_heading = "Screens")]
    format: Option<StatusFormat>,
    /// Judge the snapshot as of this time, for example 2026-09-01T12:00:00Z [default: now]
    #[arg(long, value_name = "TIME", value_parser = super::check::parse_now, requires = "status", help_heading = "Screens")]
    now: Option<i64>,
    /// Judge the snapshot, and show findings in the exports. Options of `deodar check` follow after --. The snapshot is
    /// written if --output names a file
    #[arg(long, conflicts_with_all = ["template", "status"], help_heading = "Check")]
    check: bool,
    /// Options of `deodar check`, such as --now 2026-09-01 or --format json
    #[arg(last = true, requires = "check", value_name = "OPTIONS", help_heading = "Check")]
    check_options: Vec<OsString>,
    #[command(flatten)]
    pack: PackArgs,
    /// Set when to use colour
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    color: Color,
}

#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq)]
enum Prefer {
    /// The newer one
    Newer,
}

fn parse_zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).map_err(|_| "write a name of the time zone database, such as Asia/Kolkata or UTC".to_owned())
}

pub(super) fn run(args: &Args) -> io::Result<ExitCode> {
    let arguments = &args.arguments;
    let style = |color: Color| Style { width: width(), color: color.wanted(), detail: Detail::Normal };
    let Some(named) = Named::find(arguments) else {
        return Ok(usage(&generic().error(
            ErrorKind::MissingRequiredArgument,
            "name a pack, or --schema and --policies: deodar capture PACK --help lists its files",
        )));
    };
    if named.wants_help && named.is_empty() {
        let mut out = Output::new();
        write!(out, "{}", generic().render_long_help())?;
        out.flush()?;
        return Ok(ExitCode::SUCCESS);
    }
    let loaded = match named.load() {
        Ok(loaded) => loaded,
        Err(errors) => {
            to_stderr(|out| diagnostics::write(&errors, &[], style(Color::Auto), out));
            return Ok(ExitCode::from(5));
        }
    };
    let command = command(&loaded.description);
    let with_name: Vec<OsString> = std::iter::once("deodar capture".into()).chain(arguments.iter().cloned()).collect();
    let parse = |words: Vec<OsString>| {
        let matches = command.clone().try_get_matches_from(words)?;
        Common::from_arg_matches(&matches).map(|common| (matches, common))
    };
    let (matches, common) = match parsed(with_name, parse) {
        Ok(parsed) => parsed,
        Err(error) => return Ok(usage(&error)),
    };
    let wrong = |kind, message: &str| usage(&command.clone().error(kind, plain(message)));
    let style = style(common.color);
    if common.template || common.status.is_some() {
        let usage_error = |message: &str| wrong(ErrorKind::ArgumentConflict, message);
        if let Some(feed) = loaded.description.feeds.iter().find(|feed| matches.contains_id(&feed.flag)) {
            return Ok(usage_error(&format!("--{} has no use with --template and --status", feed.flag)));
        }
        // `requires` of clap is satisfied where the required option conflicts with another one.
        if common.template && (common.format.is_some() || common.now.is_some()) {
            return Ok(usage_error("--format and --now have no use with --template"));
        }
        return by_screen(&named.pack, &loaded.description, &matches, &common, style);
    }
    match files(&loaded, &matches, &common) {
        Ok(files) if common.check => checked(&named.pack, loaded, files, &common, style),
        Ok(files) => written(loaded, files, &common, style),
        Err(message) => Ok(wrong(ErrorKind::ValueValidation, &message)),
    }
}

/// The options that select the pack, found before the other options are known.
#[derive(Default)]
struct Named {
    pack: PackArgs,
    wants_help: bool,
}

impl Named {
    fn find(arguments: &[OsString]) -> Option<Self> {
        let mut named = Named::default();
        let mut rest = arguments.iter();
        if let Some(first) = arguments.first().and_then(|first| first.to_str()).filter(|it| !it.starts_with('-')) {
            named.pack.pack = Some(first.to_owned());
            rest.next();
        }
        while let Some(argument) = rest.next().filter(|argument| *argument != "--") {
            let text = argument.to_string_lossy();
            let (name, value) =
                text.split_once('=').map_or((&*text, None), |(name, value)| (name, Some(value.to_owned())));
            let mut value = || value.clone().or_else(|| rest.next().map(|value| value.to_string_lossy().into_owned()));
            match name {
                "--schema" => named.pack.schema = value().map(PathBuf::from),
                "--policies" => named.pack.policies.extend(value().map(PathBuf::from)),
                "--pack" => named.pack.pack = value(),
                "--config" => named.pack.config = value().map(PathBuf::from),
                "--no-config" => named.pack.no_config = true,
                "--help" | "-h" => named.wants_help = true,
                _ => {}
            }
        }
        (!arguments.is_empty()).then_some(named)
    }

    fn is_empty(&self) -> bool {
        self.pack.pack.is_none() && self.pack.schema.is_none() && self.pack.policies.is_empty()
    }

    fn load(&self) -> Result<Loaded, Vec<Diagnostic>> {
        let mut loader = Loader::default();
        let (settings, mut problems) = self.pack.effective(self.pack.flags(), &mut loader);
        if has_errors(&problems) {
            return Err(problems);
        }
        let selection = pack::selection(&settings, &[], InputFormat::ByName);
        let CapturePack { schema, description, diagnostics, built_in, .. } = loader.capture_pack(&selection)?;
        let described = description.as_ref().filter(|_| built_in.is_none());
        let description_file = described.map(|source| PathBuf::from(source.name()));
        let inputs = InputFiles::of_pack(&self.pack, &settings).and(description_file.clone());
        problems.extend(diagnostics);
        let (schema, wrong) = Schema::parse(&schema);
        problems.extend(wrong);
        let (Some(schema), Some(source)) = (schema, description.as_ref()) else {
            if description.is_none() {
                problems.push(project::no_description());
            }
            return Err(problems);
        };
        let (description, wrong) = Description::read(source, &schema.model);
        problems.extend(wrong);
        if has_errors(&problems) {
            return Err(problems);
        }
        Ok(Loaded { schema, description, description_file, built_in, inputs, problems })
    }
}

/// A pack with its capture description.
struct Loaded {
    schema: Schema,
    description: Description,
    /// The file of the description; `None` if it is part of a built-in pack.
    description_file: Option<PathBuf>,
    /// The built-in pack that the description is part of.
    built_in: Option<&'static str>,
    /// The files of the pack and of its description.
    inputs: InputFiles,
    problems: Vec<Diagnostic>,
}

/// Returns the command without the flags of a pack.
fn generic() -> Command {
    use clap::Args as _;
    Args::augment_args(Command::new("deodar capture"))
        .about("Write a snapshot of exported files")
        .disable_help_flag(true)
}

/// Returns the command with the flags of a description.
fn command(description: &Description) -> Command {
    use clap::Args as _;
    let command = Command::new("deodar capture").about("Write a snapshot of exported files").after_help(AFTER_HELP);
    let command = command.max_term_width(100).arg(Arg::new("PACK").help("Built-in pack"));
    let command = description.feeds.iter().fold(command, |command, feed| {
        // The names of arguments are static; the process has one description.
        let flag: &'static str = feed.flag.clone().leak();
        let arg = Arg::new(flag).long(flag).value_name("[ID=]FILE").help(feed.help.clone());
        command.arg(arg.action(ArgAction::Append).value_parser(clap::value_parser!(OsString)).help_heading("Files"))
    });
    let command = description.lists.iter().fold(command, |command, list| {
        let flag: &'static str = list.flag.clone().leak();
        let arg = Arg::new(flag).long(flag).value_name("ID,...").help("Write these entries to the template");
        let arg = arg.value_delimiter(',').action(ArgAction::Append).requires("template");
        command.arg(arg.help_heading("Screens"))
    });
    Common::augment_args(command)
}

/// Writes a template, or the values that a snapshot lacks.
fn by_screen(
    pack: &PackArgs,
    description: &Description,
    matches: &ArgMatches,
    common: &Common,
    style: Style,
) -> io::Result<ExitCode> {
    if let Some(snapshot) = &common.status {
        let now = common.now.unwrap_or_else(project::now);
        let request = StatusRequest { snapshot, format: common.format.unwrap_or_default(), now };
        return screens::status(pack, description, &request, style);
    }
    let instances = description.lists.iter().map(|list| {
        let ids = matches.get_many::<String>(&list.flag).into_iter().flatten();
        TemplateInstances { ty: list.ty, ids: ids.cloned().collect() }
    });
    let instances: Vec<TemplateInstances> = instances.collect();
    screens::template(pack, description, &instances, &common.output, style)
}

/// A file that the command line names.
struct NamedFile {
    feed: usize,
    scope: Option<String>,
    path: PathBuf,
}

/// The files of a capture.
struct Files {
    named: Vec<NamedFile>,
    statements: Statements,
}

/// The statements about files. Those of all files have an empty name.
#[derive(Default)]
struct Statements {
    times: BTreeMap<String, i64>,
    encodings: BTreeMap<String, TextEncoding>,
    ranges: BTreeMap<String, (i64, i64)>,
}

/// Returns the files that the command line names.
fn files(loaded: &Loaded, matches: &ArgMatches, common: &Common) -> Result<Files, String> {
    let description = &loaded.description;
    let mut named = Vec::new();
    for (feed, declared) in description.feeds.iter().enumerate() {
        for value in matches.get_many::<OsString>(&declared.flag).into_iter().flatten() {
            named.push(scoped(feed, value));
        }
    }
    if named.is_empty() {
        let flags: Vec<String> = description.feeds.iter().map(|feed| format!("--{}", feed.flag)).collect();
        return Err(format!("no file is named: name one with {}", flags.join(", ")));
    }
    let inputs = loaded.inputs.clone().and(named.iter().map(|it| it.path.clone()));
    inputs.refuse([common.output.as_path()], "--output")?;
    let ending = common.output.extension().unwrap_or_default().to_ascii_lowercase();
    if let Some(other) = ["yaml", "yml", "toml", "jsonc", "csv", "xml"].iter().find(|other| ending == **other) {
        return Err(format!("a snapshot is JSON: name a file with --output that ends in .json, not .{other}"));
    }
    let mut names: Vec<String> = named.iter().map(|it| shown(&it.path)).collect();
    names.extend(common.into.iter().map(|path| shown(path)));
    let statements = Statements::parse(common, &names)?;
    Ok(Files { named, statements })
}

/// Returns the latest time that a capture may have. Clocks differ, and so do the days of time zones.
fn latest() -> i64 {
    const DAY: i64 = 86_400_000;
    project::now().saturating_add(DAY)
}

/// An example of a range.
const RANGE: &str = "--range audit.csv=2026-06-01..2026-09-01";

impl Common {
    /// Returns the meaning of dates.
    fn dates(&self) -> Dates {
        Dates { day_first: self.day_first, zone: self.zone.clone() }
    }
}

impl Statements {
    fn parse(common: &Common, names: &[String]) -> Result<Self, String> {
        let known = |file: &str| match file.is_empty() || names.iter().any(|name| name == file) {
            true => Ok(file.to_owned()),
            false => Err(format!("`{file}` is not a file of the capture; valid are {}", names.join(", "))),
        };
        let mut statements = Self::default();
        let again = |flag: &str, file: &str| match file {
            "" => format!("{flag} is given twice for all files: name the files"),
            _ => format!("{flag} is given twice for `{file}`: leave one out"),
        };
        for text in &common.captured_at {
            let (file, time) = text.rsplit_once('=').unwrap_or(("", text));
            let time = stated_time(time, &common.dates()).map_err(|wrong| {
                let example = "--captured-at members.csv=2026-09-01T06:00:00Z";
                format!("--captured-at {text}: the time {}: {}, as in {example}", wrong.message, wrong.help)
            })?;
            if time > latest() {
                return Err(format!("--captured-at {text}: the time is in the future"));
            }
            if statements.times.insert(known(file)?, time).is_some() {
                return Err(again("--captured-at", file));
            }
        }
        for text in &common.encoding {
            let (file, name) = text.rsplit_once('=').unwrap_or(("", text));
            let encoding = match name.to_ascii_lowercase().as_str() {
                "utf-8" | "utf8" => TextEncoding::Utf8,
                "windows-1252" => TextEncoding::Windows1252,
                _ => {
                    return Err(format!(
                        "--encoding {text}: valid are utf-8 and windows-1252; UTF-16 is known by its mark"
                    ));
                }
            };
            if statements.encodings.insert(known(file)?, encoding).is_some() {
                return Err(again("--encoding", file));
            }
        }
        for text in &common.range {
            let parts = text.rsplit_once('=').and_then(|(file, range)| Some((file, range.split_once("..")?)));
            let Some((file, (from, to))) = parts else {
                return Err(format!("--range {text}: write FILE=FROM..TO, as in {RANGE}"));
            };
            let time = |time: &str| {
                let read = stated_time(time, &common.dates());
                read.map_err(|wrong| {
                    format!("--range {text}: `{time}` {}: {}, as in {RANGE}", wrong.message, wrong.help)
                })
            };
            let (from, to) = (time(from)?, time(to)?);
            if from > to {
                return Err(format!("--range {text}: the start is after the end; write FROM..TO, as in {RANGE}"));
            }
            if statements.ranges.insert(known(file)?, (from, to)).is_some() {
                return Err(again("--range", file));
            }
        }
        Ok(statements)
    }
}

/// Returns the statement about a file, or about all files.
fn stated<T: Copy>(statements: &BTreeMap<String, T>, file: &str) -> Option<T> {
    statements.get(file).or_else(|| statements.get("")).copied()
}

/// Splits `ID=FILE`. A text that is a path of a file has no id.
fn scoped(feed: usize, value: &OsStr) -> NamedFile {
    let path = PathBuf::from(value);
    match value.to_str().and_then(|text| text.split_once('=')) {
        Some((scope, file)) if !path.exists() => {
            NamedFile { feed, scope: Some(scope.to_owned()), path: PathBuf::from(file) }
        }
        _ => NamedFile { feed, scope: None, path },
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string().replace('\\', "/")
}

/// Reads the files and calls a function with the inputs of the capture.
fn with_inputs<R>(
    loaded: &Loaded,
    files: &Files,
    common: &Common,
    style: Style,
    call: impl FnOnce(Inputs<'_>) -> io::Result<R>,
) -> io::Result<Option<R>> {
    let Loaded { schema, description, built_in, problems, .. } = loaded;
    to_stderr(|out| diagnostics::write(problems, &[], style, out));
    let (given, old) = match exports(description, files, common) {
        Ok(read) => read,
        Err(errors) => {
            to_stderr(|out| diagnostics::write(&errors, &[], style, out));
            return Ok(None);
        }
    };
    let settings = Settings {
        dates: common.dates(),
        latest: Some(latest()),
        prefer_newer: common.prefer == Some(Prefer::Newer),
        captured_by: common.captured_by.clone(),
        built_in: built_in.map(str::to_owned),
    };
    call(Inputs { model: &schema.model, description, given, old, settings }).map(Some)
}

/// Captures a snapshot and judges it. Its values have the places of the exports.
fn checked(pack: &PackArgs, loaded: Loaded, files: Files, common: &Common, style: Style) -> io::Result<ExitCode> {
    let is_written = common.output != Path::new("-");
    let name = if is_written { shown(&common.output) } else { "captured.json".to_owned() };
    let exports = files.named.iter().map(|file| file.path.clone());
    let own = common.into.iter().cloned().chain(is_written.then(|| common.output.clone()));
    let read: Vec<PathBuf> = exports.chain(loaded.description_file.clone()).chain(own).collect();
    let check = match CaptureCheck::parse(pack, &common.check_options, name.clone(), read) {
        Ok(check) => check,
        Err(code) => return Ok(code),
    };
    let captured = with_inputs(&loaded, &files, common, style, |inputs| capture_source(inputs, &name))?;
    let Some((outcome, source)) = captured else { return Ok(ExitCode::from(5)) };
    let code = report(&outcome, common, style);
    let Some(source) = source else { return Ok(ExitCode::from(5)) };
    if is_written {
        project::replace_file_with(&common.output, |out| out.write_all(source.text().as_bytes()).map(|()| true))?;
    }
    let judged = check.run(source, outcome.secrets.clone())?;
    Ok(if has_errors(&outcome.diagnostics) { code } else { judged })
}

fn written(loaded: Loaded, files: Files, common: &Common, style: Style) -> io::Result<ExitCode> {
    let outcome = with_inputs(&loaded, &files, common, style, |inputs| write(inputs, common))?;
    Ok(outcome.map_or(ExitCode::from(5), |outcome| report(&outcome, common, style)))
}

/// Writes the snapshot to its file or to standard output.
fn write(inputs: Inputs<'_>, common: &Common) -> io::Result<Outcome> {
    let outcome = if common.output == Path::new("-") {
        let mut out = Output::new();
        let outcome = capture(inputs, &mut out)?;
        out.flush()?;
        outcome
    } else {
        let mut outcome = None;
        project::replace_file_with(&common.output, |out| {
            let captured = capture(inputs, out)?;
            let is_written = captured.is_written;
            outcome = Some(captured);
            Ok(is_written)
        })?;
        outcome.ok_or_else(|| io::Error::other("nothing was written"))?
    };
    Ok(outcome)
}

fn report(outcome: &Outcome, common: &Common, style: Style) -> ExitCode {
    let has_errors = has_errors(&outcome.diagnostics);
    to_stderr(|out| diagnostics::write(&outcome.diagnostics, &outcome.secrets, style, out));
    outcome.notes.iter().for_each(|note| message(&format!("note: {note}")));
    let output = shown(&common.output);
    match (outcome.is_written, has_errors) {
        (false, _) => message("exit 5: no snapshot was written"),
        (true, true) => message("exit 5: the snapshot was written, and values with errors are unknown in it"),
        (true, false) if output == "-" => {}
        (true, false) => message(&format!("wrote `{output}`")),
    }
    ExitCode::from(if has_errors { 5 } else { 0 })
}

/// Reads the files.
fn exports(
    description: &Description,
    files: &Files,
    common: &Common,
) -> Result<(Vec<Given>, Option<Export>), Vec<Diagnostic>> {
    let mut errors = Vec::new();
    let statements = &files.statements;
    let mut export = |path: &Path, is_document: bool| {
        let read = ExportFile::read(path).and_then(|ExportFile { name, file, bytes, changed_at }| {
            let time = stated(&statements.times, &name);
            // JSON is UTF-8.
            let encoding = if is_document { None } else { stated(&statements.encodings, &name) };
            let range = statements.ranges.get(&name).copied();
            let (source, sha256) = decode(&name, bytes, encoding.unwrap_or_default())?;
            let dating = match time {
                None => Dating::Change,
                Some(_) if statements.times.contains_key(&name) => Dating::File,
                Some(_) => Dating::All,
            };
            let captured_at = time.unwrap_or(changed_at);
            Ok(Export { source, file, sha256, captured_at, dating, range })
        });
        read.map_err(|error| errors.push(error)).ok()
    };
    let mut given = Vec::new();
    for NamedFile { feed, scope, path } in &files.named {
        let is_document = description.feeds.get(*feed).is_some_and(|feed| feed.reader == FeedReader::Document);
        if let Some(export) = export(path, is_document) {
            given.push(Given { feed: *feed, scope: scope.clone(), export });
        }
    }
    let old = common.into.as_ref().and_then(|path| export(path, true));
    if errors.is_empty() { Ok((given, old)) } else { Err(errors) }
}
