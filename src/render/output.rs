//! The trait that every format implements, and the outputs of one run together.

use super::document::{Document, Explained};
use super::layout::{Detail, Layout, Style};
use crate::report::{AccountReport, Evidence, Needs, Report};
use std::fmt;
use std::io::{self, Write};

/// A format of outputs.
#[derive(Clone, Copy)]
pub struct Format {
    /// The name that the command line uses.
    pub name: &'static str,
    /// Its purpose, in one line of the help.
    pub help: &'static str,
    /// Its readers.
    pub audience: Audience,
    /// The unit that it describes.
    pub unit: Unit,
    /// The endings of files in which it is recognised as a report, so that no run reads it as a snapshot.
    pub recognised: &'static [&'static str],
    /// Returns an output in this format.
    pub(super) new: fn(&Presentation) -> Box<dyn Output>,
    /// Writes a saved document in this format; `None` if the format needs the run itself.
    pub saved: Option<WriteDocument>,
}

/// The endings of files in which a whole report is recognised.
pub(super) const JSON_FILES: &[&str] = &["json", "jsonc"];

/// The endings of files in which a report of lines is recognised.
pub(super) const LINES_FILES: &[&str] = &["json", "jsonc", "ndjson", "jsonl"];

/// Writes a document in some format.
pub type WriteDocument = fn(&Document<'_>, &Presentation, &mut dyn Write) -> io::Result<()>;

impl Format {
    /// Returns an output in this format.
    pub fn open(&self, presentation: &Presentation) -> Box<dyn Output> {
        (self.new)(presentation)
    }
}

/// An output that is a function of the document of the run.
#[derive(Debug)]
pub(super) struct OfDocument {
    pub presentation: Presentation,
    pub write: WriteDocument,
}

impl OfDocument {
    /// Returns the output of a presentation.
    pub(super) fn open(presentation: &Presentation, write: WriteDocument) -> Box<dyn Output> {
        Box::new(Self { presentation: presentation.clone(), write })
    }
}

impl Output for OfDocument {
    fn needs(&self) -> Needs {
        Needs {
            findings: Evidence::All,
            not_applicable: self.presentation.style.detail == Detail::Verbose,
            diagnostics: Evidence::All,
            covered: true,
            snapshots: Evidence::All,
            digests: true,
            ..Needs::NOTHING
        }
    }

    fn finish(&mut self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let needs = self.needs();
        let explained = Explained::of(report, &needs);
        (self.write)(&Document::of(report, &explained, &needs), &self.presentation, out)
    }
}

/// The readers of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// People, in a terminal.
    People,
    /// Other programs.
    Programs,
}

/// The unit that an output describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// The whole run, at its end.
    Run,
    /// Every account, as it is judged.
    Account,
}

/// The appearance of outputs.
#[derive(Debug, Clone)]
pub struct Presentation {
    /// The style of text for people. Its detail determines whether outputs contain findings that are not applicable.
    pub style: Style,
    /// Findings of one check and verdict that text for people shows.
    pub most_findings: usize,
    /// The layout of findings in text for people.
    pub layout: Layout,
    /// Whether text for people lists all checks and all places of missing data.
    pub all: bool,
    /// Whether JSON and NDJSON contain every verdict.
    pub all_verdicts: bool,
    /// The place of a finding in outputs for platforms.
    pub primary: Primary,
    /// The repository. Outputs for platforms write paths of files in it relative to it.
    pub repository: Option<Repository>,
}

/// The place of a finding in outputs for platforms, which show one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Primary {
    /// The first value with a place in the snapshot.
    #[default]
    Snapshot,
    /// The first clause of the policy.
    Policy,
}

/// The repository around the working directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// Its absolute path.
    pub root: String,
    /// The path of the working directory below it, with `/` between its parts; empty in the root itself.
    pub folder: String,
}

impl Repository {
    /// Returns the path of a file relative to the repository; `None` for a file outside of it.
    pub(super) fn path_of(&self, path: &str) -> Option<String> {
        let from_root = match path.strip_prefix('/') {
            Some(_) => path.strip_prefix(&self.root)?.strip_prefix('/')?.to_owned(),
            None => format!("{}/{path}", self.folder),
        };
        let mut parts: Vec<&str> = Vec::new();
        for part in from_root.split('/') {
            match part {
                "" | "." => {}
                ".." => drop(parts.pop()?),
                part => parts.push(part),
            }
        }
        Some(parts.join("/"))
    }
}

impl Default for Presentation {
    /// Returns the appearance of plain text, 80 columns wide, with all findings.
    fn default() -> Self {
        Self {
            style: Style::default(),
            most_findings: usize::MAX,
            layout: Layout::Auto,
            all: false,
            all_verdicts: false,
            primary: Primary::Snapshot,
            repository: None,
        }
    }
}

/// An output of a run.
pub trait Output: fmt::Debug + Send {
    /// Returns the parts of the run that the output shows.
    fn needs(&self) -> Needs;

    /// Writes the results of accounts, which are in the order of their snapshots; `report` is that of the run so far.
    ///
    /// # Errors
    /// When `out` cannot be written.
    fn accounts(&mut self, _report: &Report, _accounts: &[AccountReport], _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    /// Writes the result of the run at its end.
    ///
    /// # Errors
    /// When `out` cannot be written.
    fn finish(&mut self, report: &Report, out: &mut dyn Write) -> io::Result<()>;

    /// Writes for people the messages of the run that the output does not contain.
    ///
    /// # Errors
    /// When `out` cannot be written.
    fn aside(&self, _report: &Report, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}

/// A destination of an output that is completed at the end, such as a file that is replaced.
pub trait Destination: Write + Send {
    /// Completes the destination: everything was written.
    ///
    /// # Errors
    /// When it cannot be completed.
    fn complete(&mut self) -> io::Result<()>;
}

/// A destination that is complete when everything was written.
struct Stream<W>(W);

impl<W: Write> Write for Stream<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<W: Write + Send> Destination for Stream<W> {
    fn complete(&mut self) -> io::Result<()> {
        self.flush()
    }
}

/// The outputs of one run, each with its destination.
#[derive(Default)]
pub struct Outputs<'w>(Vec<(Box<dyn Output>, Box<dyn Destination + 'w>)>);

impl<'w> Outputs<'w> {
    /// Adds an output that is written to `out`.
    #[must_use]
    pub fn and(self, output: Box<dyn Output>, out: impl Write + Send + 'w) -> Self {
        self.and_completed(output, Stream(out))
    }

    /// Adds an output whose destination is completed after it.
    #[must_use]
    pub fn and_completed(mut self, output: Box<dyn Output>, out: impl Destination + 'w) -> Self {
        self.0.push((output, Box::new(out)));
        self
    }

    /// Returns the needs of all outputs together.
    pub fn needs(&self) -> Needs {
        self.0.iter().map(|(output, _)| output.needs()).fold(Needs::NOTHING, Needs::max)
    }

    /// Writes the results of accounts.
    ///
    /// # Errors
    /// When a destination cannot be written.
    pub fn accounts(&mut self, report: &Report, accounts: &[AccountReport]) -> io::Result<()> {
        self.0.iter_mut().try_for_each(|(output, out)| {
            output.accounts(report, accounts, out)?;
            out.flush()
        })
    }

    /// Writes the result of the run at its end, and completes the destinations one after the other.
    ///
    /// # Errors
    /// When a destination cannot be written. Those before it are complete.
    pub fn finish(&mut self, report: &Report) -> io::Result<()> {
        self.0.iter_mut().try_for_each(|(output, out)| {
            output.finish(report, out)?;
            out.complete()
        })
    }

    /// Writes for people the messages of the run that the outputs do not contain.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn aside(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        self.0.iter().try_for_each(|(output, _)| output.aside(report, out))
    }
}

impl fmt::Debug for Outputs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(output, _)| output)).finish()
    }
}
