//! The snapshots of a run: from files, folders or standard input, compressed or not, one per file or one per line.

use super::names::is_own;
use super::unpack::{Input, Streams, open, read_large};
use super::{line_of, over_4_gib, reports, shown, source_of, unreadable};
use crate::check::{SnapshotInput, SnapshotInputs};
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::Schema;
use crate::snapshot::join;
use crate::source::format::SourceFormat;
use crate::source::{MAX_SOURCE_BYTES, Source};
use bytes::Bytes;
use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The input format of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InputFormat {
    /// By the file's name: one snapshot per line in `.ndjson` and `.jsonl`, another format by its ending, otherwise JSON.
    #[default]
    ByName,
    /// One snapshot per file.
    Json,
    /// One snapshot per line.
    Ndjson,
    /// One snapshot per file, in another format.
    Other(SourceFormat),
}

impl InputFormat {
    /// Returns whether a file has one snapshot per line.
    pub(super) fn is_lines(self, path: &Path) -> bool {
        match self {
            InputFormat::ByName => {
                let extension = unpacked(path).extension().unwrap_or_default().to_ascii_lowercase();
                extension == "ndjson" || extension == "jsonl"
            }
            InputFormat::Json | InputFormat::Other(_) => false,
            InputFormat::Ndjson => true,
        }
    }

    /// Returns a whole file as JSON, if it is in another format.
    pub(super) fn json_of(self, path: &Path, source: Arc<Source>) -> Result<Arc<Source>, Diagnostic> {
        let format = match self {
            InputFormat::ByName => format_of_name(path),
            InputFormat::Json | InputFormat::Ndjson => None,
            InputFormat::Other(format) => Some(format),
        };
        let Some(format) = format else { return Ok(source) };
        format.read(&source).map_err(|_| over_4_gib(source.name()))
    }
}

/// Returns the format that the name of a file states, if it is not JSON.
fn format_of_name(path: &Path) -> Option<SourceFormat> {
    SourceFormat::of_ending(unpacked(path).extension()?.to_str()?)
}

/// Returns whether a file contains snapshots, by its name. The files of a pack and of its configuration do not.
pub(super) fn is_snapshot(path: &Path) -> bool {
    let path = unpacked(path);
    let is_json = |found: &OsStr| ["json", "ndjson", "jsonl"].iter().any(|one| found.eq_ignore_ascii_case(one));
    let is_other = || format_of_name(&path).is_some() && !is_own(&path);
    path.extension().is_some_and(is_json) || is_other()
}

/// Returns whether a file is compressed, by its name.
pub(super) fn is_packed(path: &Path) -> bool {
    path.extension().is_some_and(|found| ["gz", "zst"].iter().any(|one| found.eq_ignore_ascii_case(one)))
}

/// Returns a path without the ending of a compressed file.
pub(super) fn unpacked(path: &Path) -> PathBuf {
    if is_packed(path) { path.with_extension("") } else { path.to_owned() }
}

/// A file of snapshots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SnapshotFile {
    /// Its path; `-` is standard input.
    pub path: PathBuf,
    /// The origin of the path.
    pub found: Found,
    /// The files of a joined account.
    pub parts: Vec<PathBuf>,
}

impl SnapshotFile {
    /// Returns a file that is not a joined account.
    pub(super) fn new(path: PathBuf, found: Found) -> Self {
        Self { path, found, parts: Vec::new() }
    }

    /// Returns the files of a joined account as files of a folder.
    pub(super) fn parts(&self) -> impl Iterator<Item = Self> {
        self.parts.iter().map(|path| Self::new(path.clone(), Found::Walked))
    }
}

/// The schema and the limits with which the files of an account are joined.
#[derive(Debug, Clone)]
pub(super) struct Joining {
    /// The schema of the run; `None` if it is not valid, so that nothing is judged.
    pub schema: Option<Arc<Schema>>,
    /// The bytes of all files together.
    pub most_bytes: usize,
    /// The nesting of each file.
    pub depth: usize,
    /// The time of the run, in milliseconds since 1970.
    pub now: i64,
}

impl Joining {
    /// Joins the files of an account.
    pub(super) fn join(&self, name: &str, parts: &[Arc<Source>]) -> Result<Arc<Source>, Diagnostic> {
        let files = parts.iter().flat_map(|part| part.files());
        if files.map(|file| file.text().len()).fold(0, usize::saturating_add) > self.most_bytes {
            return Err(too_large(name, self.most_bytes));
        }
        match (&self.schema, parts) {
            (_, []) => {
                let message = format!("folder `{name}` holds no part of a snapshot");
                Err(Diagnostic::error(Code::NoSnapshot, message).help("name a folder with the files of one account"))
            }
            (Some(schema), _) => join(name, parts, &schema.model, (self.depth, self.now)).map_err(|_| over_4_gib(name)),
            (None, [first, ..]) => Ok(Arc::clone(first)),
        }
    }
}

/// The origin of the path of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// The user named it: a report in it is an error.
    Named,
    /// It is in a folder that the user named: a report in it is skipped.
    Walked,
    /// The user named a folder whose files are one account.
    Joined,
}

/// Returns a snapshot, or the error if it is a report of Deodar.
pub(super) fn named_snapshot(source: Arc<Source>, name: &str) -> Result<Arc<Source>, Diagnostic> {
    match reports::format_of(source.text()) {
        Some(format) => Err(reports::refused(name, format)),
        None => Ok(source),
    }
}

/// Returns a snapshot, an error if it is a report of Deodar, or `None` if such a report is skipped.
pub(super) fn snapshot(
    source: Result<Arc<Source>, Diagnostic>,
    name: &str,
    found: Found,
) -> Option<Result<Arc<Source>, Diagnostic>> {
    match (source, found) {
        (Ok(source), Found::Walked | Found::Joined) => {
            reports::format_of(source.text()).is_none().then_some(Ok(source))
        }
        (Ok(source), Found::Named) => Some(named_snapshot(source, name)),
        (Err(error), _) => Some(Err(error)),
    }
}

/// A reader of snapshots, one after the other.
pub struct SnapshotReader {
    files: VecDeque<SnapshotFile>,
    form: InputFormat,
    most_bytes: usize,
    /// How to join the files of an account.
    joining: Option<Joining>,
    lines: Option<Lines>,
    /// A snapshot that was peeked at and is not taken yet.
    first: Option<SnapshotInput>,
    /// The number of skipped reports of Deodar in folders.
    reports: usize,
    /// Whether there is one input. Without a snapshot, nothing is judged, which the exit code of the run states.
    is_single: bool,
}

/// A file with one snapshot per line.
struct Lines {
    name: String,
    found: Found,
    input: Input,
    /// Lines and bytes before the next one.
    line: usize,
    bytes: usize,
    /// Whether no line so far has a snapshot, although other inputs may have some.
    is_blank: bool,
}

impl SnapshotReader {
    /// Returns the snapshots of files.
    pub(super) fn new(files: impl IntoIterator<Item = SnapshotFile>, form: InputFormat, most_bytes: usize) -> Self {
        let most_bytes = most_bytes.min(MAX_SOURCE_BYTES);
        let files: VecDeque<SnapshotFile> = files.into_iter().collect();
        let is_single = files.len() == 1;
        Self { files, form, most_bytes, joining: None, lines: None, first: None, reports: 0, is_single }
    }

    /// Sets how the files of an account are joined.
    pub(super) fn set_joining(&mut self, joining: Joining) {
        self.joining = Some(joining);
    }

    /// Returns the next snapshot without taking it; `None` if it is a joined account.
    pub(super) fn peek(&mut self) -> Option<&SnapshotInput> {
        if self.first.is_none() && self.files.front().is_none_or(|file| file.found != Found::Joined) {
            self.first = self.next();
        }
        self.first.as_ref()
    }

    /// Reads the files of an account. One that cannot be read makes the account unreadable.
    fn joined(&mut self, file: &SnapshotFile) -> SnapshotInput {
        let path = shown(&file.path);
        let mut parts = Self::new(file.parts(), self.form, self.most_bytes);
        let read: Result<Vec<Arc<Source>>, Diagnostic> = parts.by_ref().map(|part| part.source).collect();
        self.reports += parts.reports;
        let joined = read.and_then(|read| match &self.joining {
            Some(joining) => joining.join(&path, &read),
            None => Err(too_large(&path, self.most_bytes)),
        });
        SnapshotInput::new(path, joined)
    }

    fn open(&mut self, file: &SnapshotFile) -> Option<SnapshotInput> {
        let SnapshotFile { path, found, .. } = file;
        if *found == Found::Joined {
            return Some(self.joined(file));
        }
        let name = if path == Path::new("-") { "(standard input)".to_owned() } else { shown(path) };
        let input = match open(path, &name, Streams::Read) {
            Ok(input) => input,
            Err(error) => return Some(SnapshotInput::new(name, Err(error))),
        };
        if self.form.is_lines(path) {
            self.lines = Some(Lines { name, found: *found, input, line: 0, bytes: 0, is_blank: !self.is_single });
            return None;
        }
        let bytes = whole(input, path, &name, self.most_bytes);
        let source = bytes.and_then(|bytes| source_of(&name, bytes, 0, 0));
        let source = source.and_then(|source| self.form.json_of(path, source));
        self.deliver(SnapshotInput::new(name, source), *found)
    }

    /// Returns what is delivered, unless it is a report that is skipped.
    fn deliver(&mut self, SnapshotInput { path, source, .. }: SnapshotInput, found: Found) -> Option<SnapshotInput> {
        let source = snapshot(source, &path, found);
        self.reports += usize::from(source.is_none());
        Some(SnapshotInput::new(path, source?))
    }
}

impl Iterator for SnapshotReader {
    type Item = SnapshotInput;

    fn next(&mut self) -> Option<SnapshotInput> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        loop {
            if let Some(lines) = &mut self.lines {
                let found = lines.found;
                match lines.next(self.most_bytes).map(|delivery| self.deliver(delivery, found)) {
                    Some(Some(delivery)) => return Some(delivery),
                    Some(None) => {}
                    None => self.lines = None,
                }
                continue;
            }
            let file = self.files.pop_front()?;
            if let Some(delivery) = self.open(&file) {
                return Some(delivery);
            }
        }
    }
}

impl SnapshotInputs for SnapshotReader {
    fn skipped_reports(&self) -> usize {
        self.reports
    }
}

impl Lines {
    fn next(&mut self, most_bytes: usize) -> Option<SnapshotInput> {
        loop {
            let (line, before) = (self.line, self.bytes);
            let path = format!("{}:{}", self.name, line + 1);
            let mut bytes = Vec::new();
            let read = match (&mut self.input).take(most_bytes as u64 + 1).read_until(b'\n', &mut bytes) {
                // A file that lost its lines must not look like one that was judged.
                Ok(0) => return std::mem::take(&mut self.is_blank).then(|| self.without_lines()),
                Ok(read) => read,
                Err(error) => return Some(self.ended_by(path, &error)),
            };
            self.line += 1;
            self.bytes += read;
            self.is_blank &= bytes.trim_ascii().is_empty();
            if bytes.len() > most_bytes && bytes.last() != Some(&b'\n') {
                return Some(match skip_line(&mut self.input) {
                    Ok(skipped) => {
                        self.bytes += skipped;
                        SnapshotInput::new(path.clone(), Err(too_large(&path, most_bytes)))
                    }
                    Err(error) => self.ended_by(path, &error),
                });
            }
            bytes.pop_if(|byte| *byte == b'\n');
            if bytes.trim_ascii().is_empty() {
                continue;
            }
            let source = line_of(&self.name, bytes, line, before);
            return Some(SnapshotInput::new(path, source));
        }
    }

    /// Returns the error for a file without a snapshot.
    fn without_lines(&self) -> SnapshotInput {
        let error = Diagnostic::error(Code::SnapshotEmpty, format!("`{}` has no snapshot", self.name));
        let error = error.help("each line is a snapshot; if the file is to have none, leave it out");
        SnapshotInput::new(self.name.clone(), Err(error))
    }

    /// Returns an unreadable snapshot and ends its file, because the start of the next one is unknown.
    fn ended_by(&mut self, path: String, error: &io::Error) -> SnapshotInput {
        self.is_blank = false;
        self.input = BufReader::new(Box::new(io::empty()));
        SnapshotInput::new(path, Err(unreadable(&self.name, error)))
    }
}

/// Skips to the start of the next line; returns the number of skipped bytes.
fn skip_line(input: &mut Input) -> io::Result<usize> {
    let mut skipped = 0;
    loop {
        let ahead = input.fill_buf()?;
        let (taken, ended) = match ahead.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (ahead.len(), ahead.is_empty()),
        };
        input.consume(taken);
        skipped += taken;
        if ended {
            return Ok(skipped);
        }
    }
}

fn too_large(name: &str, most_bytes: usize) -> Diagnostic {
    let message = format!("`{name}` holds more than {most_bytes} bytes");
    Diagnostic::error(Code::TooLarge, message).help("allow more with --max-bytes, up to 4 GiB")
}

fn size_of(path: &Path) -> usize {
    // It only says how much room to make.
    if is_packed(path) { 0 } else { path.metadata().map_or(0, |metadata| usize::try_from(metadata.len()).unwrap_or(0)) }
}

/// Reads a whole file or pipe, decompressed.
pub(super) fn read_whole(path: &Path, name: &str, most_bytes: usize) -> Result<Bytes, Diagnostic> {
    read_input(path, name, most_bytes, Streams::Read)
}

/// Reads a whole file, or a pipe that is not refused, decompressed.
pub(super) fn read_input(path: &Path, name: &str, most_bytes: usize, streams: Streams) -> Result<Bytes, Diagnostic> {
    let most_bytes = most_bytes.min(MAX_SOURCE_BYTES);
    whole(open(path, name, streams)?, path, name, most_bytes)
}

fn whole(input: Input, path: &Path, name: &str, most_bytes: usize) -> Result<Bytes, Diagnostic> {
    if let Some(bytes) = read_large(path, most_bytes) {
        return Ok(bytes);
    }
    let mut bytes = Vec::with_capacity(size_of(path).min(most_bytes) + 1);
    match input.take(most_bytes as u64 + 1).read_to_end(&mut bytes) {
        Ok(_) if bytes.len() > most_bytes => Err(too_large(name, most_bytes)),
        Ok(_) => Ok(bytes.into()),
        Err(error) => Err(unreadable(name, &error)),
    }
}
