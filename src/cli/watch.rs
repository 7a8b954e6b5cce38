//! `deodar check --watch`: runs again when the inputs change.

use super::check::{Args, Settings};
use super::color::is_dumb;
use super::output::{Output, message};
use super::outputs::Selected;
use deodar::compare::{Changed, Difference, Kind};
use deodar::diagnostic::{Code, Diagnostic};
use deodar::engine::Verdict;
use deodar::project::{self, Changes, Loader, Selection};
use deodar::render::document::{Document, Explained};
use deodar::render::{Audience, Detail, FORMATS, Outputs, Presentation, Style, diagnostics, filled, plain};
use deodar::report::{Needs, Report};
use deodar::source::Source;
use deodar::value::show_datetime;
use deodar::{Inputs, Session};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

/// Returns the reason if a selection cannot be watched.
pub(super) fn refused(selection: &Selection, baseline: Option<&Path>) -> Option<String> {
    if selection.snapshots.iter().any(|path| path.as_os_str() == "-") {
        return Some("standard input cannot be watched: name files or folders with --watch".to_owned());
    }
    let mut named = selection
        .snapshots
        .iter()
        .chain(&selection.joined)
        .chain(&selection.policies)
        .chain(&selection.waivers)
        .chain(&selection.schema)
        .map(PathBuf::as_path)
        .chain(baseline);
    // The content of a pipe can be read once.
    let is_stream = |path: &&Path| path.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir());
    let stream = named.find(is_stream)?;
    Some(format!("`{}` is not a file or folder and cannot be watched", stream.display()))
}

/// Runs again at every change of the inputs. While a file is invalid, text output is its errors, below the totals of the
/// last result from valid files.
pub(super) fn run(args: &Args, selected: &Selected) -> io::Result<ExitCode> {
    #[expect(clippy::exit, reason = "the handler of Ctrl-C ends the process at once, with the exit code of a shell")]
    ctrlc::set_handler(|| std::process::exit(130)).map_err(io::Error::other)?;
    let (mut loader, mut changes, mut screens) = (Loader::watching(), Changes::new(), Screens::default());
    let mut last_inputs = None;
    loop {
        let started = Instant::now();
        let settings = Settings::read(args, &mut loader);
        let inputs = match settings.refused() {
            Some(mistakes) => Err(mistakes),
            None => loader.load(&settings.selection(args), &args.limits()),
        };
        // The configuration file may name an output as an input by now.
        let replaced = settings.inputs(args).replaced(selected.paths()).map(own_output);
        let (inputs, files, note) = match replaced {
            Some(error) => (Err(vec![error]), Files::Kept, None),
            None => (inputs, Files::Written, outdated(args, &settings, selected)),
        };
        let baseline = settings.baseline_path().map(|path| (path.to_owned(), loader.watched_baseline(path)));
        changes.expect(std::mem::take(&mut loader.file_states));
        let inputs = Some(((settings, baseline, note), inputs));
        // A file that was written again with the same text changes nothing.
        if inputs != last_inputs {
            let changed = changed_files(last_inputs.as_ref(), inputs.as_ref());
            last_inputs = inputs;
            if let Some(((settings, _, note), inputs)) = &last_inputs {
                screens.show((args, settings, &loader), (selected, files), inputs, &changed)?;
                let without_events =
                    |reason| format!("no file events for some folders ({reason}); changes are found by rescans");
                let notes = note.iter().cloned().chain(changes.without_events().map(without_events));
                // The last text of the screen.
                notes.for_each(|note| message(&format!("note: {note}")));
                if selected.stdout.audience == Audience::People {
                    let millis = started.elapsed().as_millis();
                    message(&format!("  {millis} ms; watching for changes, Ctrl-C ends"));
                }
            }
        }
        changes.wait();
    }
}

/// Returns a note if a watch that starts now would write other outputs, or be refused. The watch goes on with its own.
fn outdated(args: &Args, settings: &Settings, selected: &Selected) -> Option<String> {
    match settings.accepted_outputs(args) {
        // The error of the file is on the screen.
        _ if settings.refused().is_some() => None,
        Ok(now) if now.is_same(selected) => None,
        Ok(_) => Some("the outputs of the configuration file changed; start the watch again".to_owned()),
        Err(reason) => Some(format!("with the changed configuration file, this run is refused: {reason}")),
    }
}

/// Whether the files of the outputs are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Files {
    Written,
    /// One of them is an input.
    Kept,
}

fn own_output(path: &Path) -> Diagnostic {
    let error =
        Diagnostic::error(Code::OwnOutput, format!("`{}` is an output and an input of the run", path.display()));
    error.help("name another file with --output; no file is written")
}

/// The settings of a run, with the path and the digest of its baseline, and the note that they differ from those of the
/// start.
type Configured = (Settings, Option<(PathBuf, Result<String, Diagnostic>)>, Option<String>);

/// Returns the names of the files that differ between two runs; none if one of them could not select its files.
fn changed_files<E>(
    last: Option<&(Configured, Result<Inputs, E>)>,
    new: Option<&(Configured, Result<Inputs, E>)>,
) -> Vec<String> {
    let (Some(((settings, baseline, _), Ok(last))), Some(((new_settings, new_baseline, _), Ok(new)))) = (last, new)
    else {
        return Vec::new();
    };
    let configuration = new_settings.changed_file(settings);
    let files = |inputs: &Inputs| -> BTreeMap<String, Vec<Arc<Source>>> {
        let mut files: BTreeMap<String, Vec<Arc<Source>>> = BTreeMap::new();
        let of_pack = std::iter::once(&inputs.schema).chain(&inputs.policies).chain(&inputs.waivers);
        for source in of_pack.chain(&inputs.snapshots) {
            files.entry(source.name().to_owned()).or_default().push(Arc::clone(source));
        }
        files
    };
    let compared = new_baseline.as_ref().or(baseline.as_ref()).filter(|_| baseline != new_baseline);
    let compared = compared.map(|(path, _)| path.display().to_string());
    let (last, new) = (files(last), files(new));
    let names: BTreeSet<&String> = last.keys().chain(new.keys()).collect();
    let changed = names.into_iter().filter(|name| last.get(*name) != new.get(*name)).cloned();
    configuration.into_iter().chain(changed).chain(compared).collect()
}

/// A run whose failures, unknown and waived verdicts are all listed.
struct Listed {
    report: Report,
    findings: Explained,
}

impl Listed {
    /// The listed verdicts with their evidence.
    const NEEDS: Needs = Needs { not_applicable: false, ..Needs::ALL };

    /// The largest number of verdicts whose evidence is kept for the next run.
    const MOST: usize = 10_000;

    /// Returns `None` if some verdicts are not listed, or if there are too many.
    fn of(report: Report) -> Option<Self> {
        let kinds = [Verdict::Fail, Verdict::Unknown, Verdict::Waived];
        let each = || report.checks.iter().flat_map(|check| kinds.map(|kind| (check.listed[kind], check.counts[kind])));
        let is_whole =
            each().all(|(listed, all)| listed == all) && each().map(|(_, all)| all).sum::<usize>() <= Self::MOST;
        is_whole.then(|| Self { findings: Explained::of(&report, &Self::NEEDS), report })
    }

    fn document(&self) -> Document<'_> {
        Document::of(&self.report, &self.findings, &Self::NEEDS)
    }

    /// Returns the numbers of verdicts that differ from those of an earlier run, in words. `None` if the runs cannot be
    /// compared.
    fn changes_since(&self, last: &Self) -> Option<String> {
        let (last, new) = (last.document(), self.document());
        let changes = Difference::of(("the last run", &last), ("this run", &new)).ok()?.changes;
        let count = |wanted: fn(&Changed<'_>) -> bool| changes.iter().filter(|change| wanted(change)).count();
        let parts = [
            (count(|it| it.old.is_none()), "new"),
            (count(|it| it.new.is_none() && it.kind == Kind::Fixed), "fixed"),
            // The runs do not list the verdicts that passed.
            (count(|it| it.new.is_none() && it.kind == Kind::FixedOrRemoved), "fixed or removed"),
            (count(|it| it.new.is_none() && it.kind == Kind::NotJudged), "not judged"),
            (count(|it| it.old.is_some() && it.new.is_some()), "moved"),
        ];
        let parts = parts.iter().filter(|(count, _)| *count > 0).map(|(count, kind)| format!("{count} {kind}"));
        let parts: Vec<String> = parts.collect();
        Some(if parts.is_empty() { "the same verdicts".to_owned() } else { parts.join(", ") })
    }
}

/// Returns the first line of a run after the first: its time, the files that changed, and the changes of verdicts.
fn first_line(changed: &[String], changes: Option<String>, style: Style) -> String {
    let mut parts = vec![show_datetime(project::now() / 1000 * 1000)];
    match changed {
        [] => {}
        [one] => parts.push(format!("{one} changed")),
        [first, others @ ..] => parts.push(format!("{first} and {} more changed", others.len())),
    }
    parts.extend(changes);
    filled("── ", "   ", &plain(&parts.join(" · ")), style)
}

/// The last screen, and the state that the next run reuses.
#[derive(Default)]
struct Screens {
    session: Session,
    /// Whether a result was shown.
    has_shown: bool,
    /// The totals of the last result from valid files, in one line.
    last_valid: Option<String>,
    /// That result, if its verdicts are listed.
    last_listed: Option<Listed>,
}

impl Screens {
    /// Judges the inputs and writes the result.
    fn show(
        &mut self,
        (args, settings, loader): (&Args, &Settings, &Loader),
        (selected, files): (&Selected, Files),
        inputs: &Result<Inputs, Vec<Diagnostic>>,
        changed: &[String],
    ) -> io::Result<()> {
        let mut files = match files {
            Files::Written => selected.open_files(&args.presentation(false))?,
            Files::Kept => Outputs::default(),
        };
        let mut output = selected.stdout.open(&args.presentation(true));
        let baseline = settings.baseline(loader);
        let options = settings.options(args, output.needs().max(files.needs()), baseline.clone().unwrap_or_default());
        let report = match (inputs, baseline) {
            (Ok(inputs), Ok(_)) => self.session.run(inputs, &options),
            (Err(diagnostics), _) => Report::new(&options, diagnostics.clone()),
            (Ok(_), Err(diagnostics)) => Report::new(&options, diagnostics),
        };
        files.finish(&report)?;
        let (mut screen, mut changes) = (Vec::new(), None);
        if report.is_valid() {
            output.finish(&report, &mut screen)?;
            self.last_valid = Some(totals(args, &report)?);
            let listed = Listed::of(report);
            changes = self.last_listed.as_ref().zip(listed.as_ref()).and_then(|(last, new)| new.changes_since(last));
            self.last_listed = listed;
        } else if let (Some(last), Audience::People) = (&self.last_valid, selected.stdout.audience) {
            // The error is the last text, so that it is on the screen however long it is.
            let stale = format!("stale, from before this error: {last}");
            writeln!(screen, "{}\n", filled("  ", "    ", &stale, args.text_style()))?;
            diagnostics::write(&report.diagnostics, &report.secrets, args.text_style(), &mut screen)?;
        } else {
            output.finish(&report, &mut screen)?;
        }
        if std::mem::replace(&mut self.has_shown, true) && selected.stdout.audience == Audience::People {
            screen.splice(..0, format!("{}\n\n", first_line(changed, changes, args.text_style())).into_bytes());
        }
        write(&screen)
    }
}

/// Returns the totals and the exit code of a report in one line.
fn totals(args: &Args, report: &Report) -> io::Result<String> {
    let style = Style { detail: Detail::Quiet, color: false, width: usize::MAX };
    let presentation = Presentation { style, ..args.presentation(true) };
    let mut text = Vec::new();
    FORMATS[0].open(&presentation).finish(report, &mut text)?;
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    // The last two lines; warnings are before them.
    Ok(lines.get(lines.len().saturating_sub(2)..).unwrap_or_default().join("; "))
}

fn write(screen: &[u8]) -> io::Result<()> {
    let mut out = Output::new();
    if io::stdout().is_terminal() && !is_dumb() {
        // Clear the screen and move to the first line. The scrollback stays.
        out.write_all(b"\x1b[2J\x1b[H")?;
    }
    out.write_all(screen)?;
    out.flush()
}
