//! `--output FORMAT[=PATH]`: the outputs of one run, each with its destination.

use super::output::cannot_write;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use deodar::project::{self, Replacement};
use deodar::render::{Destination, FORMATS, Format, Outputs, Presentation, Unit};
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// An output that the command line names.
#[derive(Clone)]
pub(super) struct OutputArg {
    /// The format.
    pub format: Format,
    /// The file; `None` is standard output.
    pub path: Option<PathBuf>,
}

impl OutputArg {
    /// Parses `FORMAT` or `FORMAT=PATH`.
    ///
    /// # Errors
    /// When there is no such format, or the path is empty.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (name, path) = text.split_once('=').map_or((text, None), |(name, path)| (name, Some(path)));
        let format = Format::of_name(name).ok_or_else(|| {
            let names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
            format!("there is no format `{name}`; valid are {}", names.join(", "))
        })?;
        match path {
            Some("") => Err(format!("write a path after `{name}=`, or `{name}` alone for standard output")),
            path => Ok(Self { format, path: path.filter(|path| *path != "-").map(PathBuf::from) }),
        }
    }
}

/// Returns the parser of `--format`.
pub(super) fn format_parser() -> impl TypedValueParser<Value = Format> {
    let names = FORMATS.map(|format| PossibleValue::new(format.name).help(format.help));
    PossibleValuesParser::new(names).try_map(|name| Format::of_name(&name).ok_or("there is no such format"))
}

/// The outputs of one run. One of them is written to standard output.
#[derive(Clone)]
pub(super) struct Selected {
    /// The format on standard output.
    pub stdout: Format,
    /// The others, with their files.
    pub files: Vec<(Format, PathBuf)>,
}

impl Selected {
    /// Selects the outputs of `--output`, and that of `--format` on standard output unless an output of `--output` is
    /// written there.
    ///
    /// # Errors
    /// The message for the user, when two outputs have one destination.
    pub(super) fn new(format: Option<Format>, outputs: &[(&str, Option<PathBuf>)]) -> Result<Self, String> {
        let outputs = outputs.iter().filter_map(|(name, path)| Some((Format::of_name(name)?, path)));
        let mut stdout: Vec<Format> = format.into_iter().collect();
        stdout.extend(outputs.clone().filter(|(_, path)| path.is_none()).map(|(format, _)| format));
        let stdout = match stdout[..] {
            [] => FORMATS[0],
            [only] => only,
            _ => {
                let message = "two outputs on standard output: write one of them to a file with --output FORMAT=PATH";
                return Err(message.to_owned());
            }
        };
        let files = outputs.filter_map(|(format, path)| Some((format, path.clone()?)));
        let files: Vec<(Format, PathBuf)> = files.collect();
        let mut seen = BTreeSet::new();
        match files.iter().find(|(_, path)| !seen.insert(project::target(path))) {
            Some((_, twice)) => Err(format!("two outputs in the file `{}`: name two files", twice.display())),
            None => Ok(Self { stdout, files }),
        }
    }

    /// Returns whether the same outputs are written to the same files.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let named = |selected: &Self| -> Vec<(&str, PathBuf)> {
            selected.files.iter().map(|(format, path)| (format.name, path.clone())).collect()
        };
        self.stdout.name == other.stdout.name && named(self) == named(other)
    }

    /// Returns whether one of the outputs describes accounts, not the run.
    pub(super) fn has_lines(&self) -> bool {
        std::iter::once(&self.stdout)
            .chain(self.files.iter().map(|(format, _)| format))
            .any(|it| it.unit == Unit::Account)
    }

    /// Returns whether an output has one of these formats.
    pub(super) fn has_any(&self, formats: &[&str]) -> bool {
        std::iter::once(&self.stdout)
            .chain(self.files.iter().map(|(format, _)| format))
            .any(|format| formats.contains(&format.name))
    }

    /// Returns the paths of the files.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|(_, path)| path.as_path())
    }

    /// Refuses a file that the next run would read as a snapshot in one of these folders.
    ///
    /// # Errors
    /// The message for the user.
    pub(super) fn stay_apart(&self, folders: &[PathBuf]) -> Result<(), String> {
        let is_found =
            |(format, path): &&(Format, PathBuf)| project::found_as_snapshot(path, format.recognised, folders);
        match self.files.iter().find(is_found) {
            Some((format, path)) => {
                let remedy = format!("write {} to another folder, or to a name with another ending", format.name);
                Err(format!("the next run would read `{}` as a snapshot: {remedy}", path.display()))
            }
            None => Ok(()),
        }
    }

    /// Refuses a file that is not below the folder of the configuration file that names it: the author of a change may edit
    /// that file.
    ///
    /// # Errors
    /// The message for the user.
    pub(super) fn stay_below(&self, folder: &Path, configuration: &str) -> Result<(), String> {
        // A folder that does not exist is an error when the file is opened.
        let has_folder =
            |path: &Path| path.parent().is_some_and(|parent| parent.as_os_str().is_empty() || parent.exists());
        match self.files.iter().find(|(_, path)| has_folder(path) && !project::is_below(path, folder)) {
            Some((_, path)) => {
                let reason = "a link leads out of the folder of this file";
                Err(format!("the output `{}` of `{configuration}` cannot be written: {reason}", path.display()))
            }
            None => Ok(()),
        }
    }

    /// Opens the files.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(super) fn open_files(&self, presentation: &Presentation) -> io::Result<Outputs<'static>> {
        let open = |outputs: Outputs<'static>, (format, path): &(Format, PathBuf)| {
            Ok(outputs.and_completed(format.open(presentation), Target::create(path)?))
        };
        self.files.iter().try_fold(Outputs::default(), open)
    }
}

/// A file that an output is written to. It has the old content until the output is complete.
pub(super) struct Target {
    path: PathBuf,
    file: Replacement,
}

impl Target {
    /// Begins to write a file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let file = Replacement::begin(path).or_else(|error| match error.kind() {
            // A folder that cannot be written may have a file that can.
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem if path.is_file() => {
                Replacement::in_place(path)
            }
            _ => Err(error),
        });
        let file = file.map_err(|error| cannot_write(shown(path), &error))?;
        Ok(Self { path: path.to_owned(), file })
    }
}

fn shown(path: &Path) -> String {
    format!("`{}`", path.display())
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes).map_err(|error| cannot_write(shown(&self.path), &error))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush().map_err(|error| cannot_write(shown(&self.path), &error))
    }
}

impl Destination for Target {
    fn complete(&mut self) -> io::Result<()> {
        self.file.finish().map_err(|error| cannot_write(shown(&self.path), &error))
    }
}
