//! Files, the clock and the watcher. No other module of the library uses these.

mod encoding;
mod names;
mod source_cache;
mod packs;
mod reports;
mod unpack;
mod accounts;
mod saved;
mod configured;
mod walk;
mod overwrite;
mod replace;
mod store;
mod unused;
mod suites;
mod capture;
mod history;
mod links;
mod file_states;
mod watch;

pub use accounts::{InputFormat, SnapshotReader};
pub use capture::{CapturePack, ExportFile, no_description};
pub use configured::ConfigurationFile;
pub use file_states::FileStates;
pub use history::{ReportReader, Unused, is_stored_report, stored_reports};
pub use overwrite::{found_as_snapshot, is_below, is_same_file, overwritten_input, target};
pub use packs::{EMBEDDED, EmbeddedPack};
pub use replace::{Replacement, new_file, replace_file, replace_file_with};
pub use saved::{is_report, named_text, saved_report, saved_reports};
pub use store::ReportStore;
pub use suites::CaseFiles;
pub use watch::Changes;

use crate::check::Inputs;
use crate::diagnostic::{Code, Diagnostic, has_errors};
use crate::policy::Adaptation;
use crate::render::Repository;
use crate::schema::Schema;
use crate::snapshot::{Limits, Snapshot};
use crate::source::cedar::MAX_BYTES;
use crate::source::{SavedPack, Source, TooLarge, nearest};
use accounts::{Found, Joining, SnapshotFile};
use bytes::Bytes;
use bytestring::ByteString;
use source_cache::SourceCache;
use std::collections::BTreeSet;
use std::fs::Metadata;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use unpack::Streams;
use walk::{Listing, OwnOutputs};

/// Entries of a folder among which a similar name is searched.
const MAX_SIMILAR: usize = 10_000;

/// The files that the user named.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Snapshots: files, folders, `-` for standard input.
    pub snapshots: Vec<PathBuf>,
    /// Folders whose files are one account each.
    pub joined: Vec<PathBuf>,
    /// The input format of these files.
    pub form: InputFormat,
    /// A pack by name.
    pub pack: Option<String>,
    /// Where packs are looked up.
    pub packs: PackOrigin,
    /// Policy files and folders that replace those of the pack, or are added to them if a pack is named too.
    pub policies: Vec<PathBuf>,
    /// Files and folders with waivers only, which are added to those of the policies.
    pub waivers: Vec<PathBuf>,
    /// A schema file that replaces that of the pack.
    pub schema: Option<PathBuf>,
    /// The changes of the project to the policies.
    pub adaptation: Arc<Adaptation>,
    /// Files that the run writes. They are not snapshots.
    pub outputs: Vec<PathBuf>,
    /// The time of the run, in milliseconds since 1970; the clock by default.
    pub now: Option<i64>,
}

/// Where packs are looked up by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PackOrigin {
    /// In the binary. Files of the working directory are used only if an option names them.
    #[default]
    BuiltIn,
    /// In the working directory, then in the binary; for commands that do not judge snapshots.
    Folder,
}

/// The largest case file or list of survivors, in bytes.
const MAX_TOML_BYTES: usize = 16 << 20;

/// A byte order mark in UTF-8.
const MARK: &[u8] = b"\xEF\xBB\xBF";

/// Reads files, and hands out the same [`Source`] again while a file's text stays the same.
#[derive(Debug, Default)]
pub struct Loader {
    known: SourceCache<PathBuf>,
    /// Snapshots by file and line.
    snapshots: SourceCache<(PathBuf, usize)>,
    outputs: OwnOutputs,
    /// Whether snapshots and baselines may be pipes.
    streams: Streams,
    /// Files and folders that were looked at since a watch took them.
    pub file_states: FileStates,
}

/// Schema and policies with their origin.
struct Pack {
    name: String,
    /// The built-in pack of that name, if it was taken.
    built_in: Option<&'static EmbeddedPack>,
    /// Whether the snapshot determined it.
    recognised: bool,
    schema: Arc<Source>,
    policies: PolicyFiles,
}

/// Policy files in the order in which they were named. A file is read once, however its path is written.
#[derive(Debug, Default)]
struct PolicyFiles {
    sources: Vec<Arc<Source>>,
    /// The files, with links followed.
    targets: BTreeSet<PathBuf>,
}

/// Returns the time now, in milliseconds since 1970.
pub fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// Returns the repository around the working directory, whose root is the nearest folder with `.git`. `None` if there is
/// none, or the path is not UTF-8.
pub fn repository() -> Option<Repository> {
    let current = std::env::current_dir().ok()?;
    let root = current.ancestors().find(|folder| folder.join(".git").exists())?;
    let below = current.strip_prefix(root).ok()?.iter().map(|part| part.to_str());
    let folder = below.collect::<Option<Vec<&str>>>()?.join("/");
    Some(Repository { root: root.to_str()?.to_owned(), folder })
}

impl Loader {
    /// Returns a loader that reads its files again, so that it refuses pipes and devices.
    pub fn watching() -> Self {
        Self { streams: Streams::Refuse, ..Self::default() }
    }

    /// Reads all files of a selection, including the snapshots.
    ///
    /// # Errors
    /// All diagnostics, if the schema cannot be read.
    pub fn load(&mut self, selection: &Selection, limits: &Limits) -> Result<Inputs, Vec<Diagnostic>> {
        let mut diagnostics = Vec::new();
        self.begin(selection);
        let (files, skipped) = self.snapshot_files(selection, &mut diagnostics);
        let (mut snapshots, mut unread, mut reports) = (Vec::new(), Vec::new(), 0);
        let (joined, files): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| file.found == Found::Joined);
        for file in files {
            let wrong = self.read_snapshots(&file, selection.form, limits.bytes, &mut snapshots, &mut reports);
            for (before, name, error) in wrong {
                unread.push((before, name));
                diagnostics.push(error);
            }
        }
        let mut inputs = self.inputs(selection, snapshots, skipped, diagnostics);
        if let (Ok(inputs), false) = (&mut inputs, joined.is_empty()) {
            let joining = joining(&inputs.schema, limits, selection.now);
            for file in &joined {
                match self.read_joined(file, selection.form, &joining, &mut reports) {
                    Ok(account) => inputs.snapshots.push(account),
                    Err(errors) => {
                        unread.push((inputs.snapshots.len(), shown(&file.path)));
                        inputs.diagnostics.extend(errors);
                    }
                }
            }
        }
        self.known.forget();
        self.snapshots.forget();
        Ok(Inputs { unread, skipped_reports: reports, ..inputs? })
    }

    /// Reads the files of an account and joins them.
    fn read_joined(
        &mut self,
        file: &SnapshotFile,
        form: InputFormat,
        joining: &Joining,
        reports: &mut usize,
    ) -> Result<Arc<Source>, Vec<Diagnostic>> {
        let (mut parts, mut wrong) = (Vec::new(), Vec::new());
        for part in file.parts() {
            wrong.extend(self.read_snapshots(&part, form, joining.most_bytes, &mut parts, reports));
        }
        if !wrong.is_empty() {
            return Err(wrong.into_iter().map(|(_, _, error)| error).collect());
        }
        joining.join(&shown(&file.path), &parts).map_err(|error| vec![error])
    }

    /// Reads schema and policies, and returns the snapshots, which are read one after the other.
    ///
    /// # Errors
    /// All diagnostics, if the schema cannot be read.
    pub fn open(
        &mut self,
        selection: &Selection,
        limits: &Limits,
    ) -> Result<(Inputs, SnapshotReader), Vec<Diagnostic>> {
        let mut diagnostics = Vec::new();
        self.begin(selection);
        let (files, skipped) = self.snapshot_files(selection, &mut diagnostics);
        let mut accounts = SnapshotReader::new(files, selection.form, limits.bytes);
        // Only where there is a choice is the first snapshot looked at before its turn.
        let choice = selection.pack.is_none() && selection.schema.is_none() && EMBEDDED.len() > 1;
        let first = if choice { accounts.peek().and_then(|first| first.source.as_ref().ok()).cloned() } else { None };
        let inputs = self.inputs(selection, first.into_iter().collect(), skipped, diagnostics)?;
        if !selection.joined.is_empty() {
            accounts.set_joining(joining(&inputs.schema, limits, selection.now));
        }
        Ok((Inputs { snapshots: Vec::new(), ..inputs }, accounts))
    }

    /// Reads snapshots without a pack. Also returns the problems of files that could not be read.
    pub fn snapshots(
        &mut self,
        paths: &[PathBuf],
        form: InputFormat,
        limits: &Limits,
    ) -> (Vec<Arc<Source>>, Vec<Diagnostic>) {
        let selection = Selection { snapshots: paths.to_vec(), form, ..Selection::default() };
        let (mut diagnostics, mut snapshots, mut reports) = (Vec::new(), Vec::new(), 0);
        self.begin(&selection);
        for file in self.snapshot_files(&selection, &mut diagnostics).0 {
            let wrong = self.read_snapshots(&file, form, limits.bytes, &mut snapshots, &mut reports);
            diagnostics.extend(wrong.into_iter().map(|(.., error)| error));
        }
        (snapshots, diagnostics)
    }

    fn begin(&mut self, selection: &Selection) {
        self.outputs = OwnOutputs::find(&selection.outputs);
        self.known.age();
        self.snapshots.age();
    }

    fn inputs(
        &mut self,
        selection: &Selection,
        snapshots: Vec<Arc<Source>>,
        skipped: usize,
        mut diagnostics: Vec<Diagnostic>,
    ) -> Result<Inputs, Vec<Diagnostic>> {
        let before = diagnostics.len();
        let Some(pack) = self.pack(selection, &snapshots, &mut diagnostics) else { return Err(diagnostics) };
        let waivers = self.waivers(selection, &pack.policies, &mut diagnostics);
        let policies = pack.policies.sources;
        let partial_pack = has_errors(diagnostics.get(before..).unwrap_or_default());
        let Pack { name: pack, recognised, schema, .. } = pack;
        let skipped_reports = 0;
        let unread = Vec::new();
        Ok(Inputs {
            pack,
            recognised,
            schema,
            policies,
            waivers,
            adaptation: Arc::clone(&selection.adaptation),
            snapshots,
            unread,
            diagnostics,
            skipped,
            skipped_reports,
            partial_pack,
        })
    }

    /// Returns the files with snapshots, in the order in which they were named and in folders by their names, and the
    /// number of other files in the folders.
    fn snapshot_files(
        &mut self,
        selection: &Selection,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> (Vec<SnapshotFile>, usize) {
        let (mut files, mut skipped) = (Vec::new(), 0);
        let is_only = selection.snapshots.len() + selection.joined.len() == 1;
        for path in &selection.snapshots {
            if path == Path::new("-") || !path.is_dir() {
                match self.outputs.contain(path) {
                    true => diagnostics.push(own_output(&shown(path))),
                    false => files.push(SnapshotFile::new(path.clone(), Found::Named)),
                }
                continue;
            }
            let (mut found, others) = self.walk(path, accounts::is_snapshot, diagnostics);
            let all = found.len();
            found.retain(|path| !self.outputs.contain(path));
            skipped += others + (all - found.len());
            if found.is_empty() {
                let message = format!("folder `{}` holds no snapshot", path.display());
                // Other inputs are judged, and a run without verdicts of this one is not complete. A run without any input
                // has an exit code of its own.
                let found = if is_only { Diagnostic::warning } else { Diagnostic::error };
                diagnostics.push(found(Code::NoSnapshot, message).help(
                    "snapshots are files whose name ends in `.json`, `.ndjson`, `.jsonl`, `.jsonc`, `.yaml`, `.yml` or \
                     `.toml`, and perhaps in `.gz` or `.zst`",
                ));
            }
            files.extend(found.into_iter().map(|path| SnapshotFile::new(path, Found::Walked)));
        }
        for path in &selection.joined {
            let (mut parts, others) = self.walk(path, accounts::is_snapshot, diagnostics);
            let all = parts.len();
            parts.retain(|path| !self.outputs.contain(path));
            skipped += others + (all - parts.len());
            files.push(SnapshotFile { path: path.clone(), found: Found::Joined, parts });
        }
        (files, skipped)
    }

    /// Reads the snapshots in a file and counts the reports that it skips. A snapshot with the same text in the same
    /// place is reused. Returns an unreadable input: the number of snapshots before it, a name and the reason.
    fn read_snapshots(
        &mut self,
        SnapshotFile { path, found, .. }: &SnapshotFile,
        form: InputFormat,
        most_bytes: usize,
        into: &mut Vec<Arc<Source>>,
        reports: &mut usize,
    ) -> Vec<(usize, String, Diagnostic)> {
        self.file_states.file(path);
        let name = shown(path);
        let bytes = match accounts::read_input(path, &name, most_bytes, self.streams) {
            Ok(bytes) => bytes,
            Err(error) => return vec![(into.len(), name, error)],
        };
        let lines = form.is_lines(path);
        let (mut before, mut wrong) = (0, Vec::new());
        let parts = bytes.split_inclusive(|byte| lines && *byte == b'\n');
        let parts = parts.chain(bytes.is_empty().then_some(&bytes[..]).filter(|_| !lines));
        for (line, part) in parts.enumerate() {
            let whole = part.len();
            let part = part.strip_suffix(b"\n").filter(|_| lines).unwrap_or(part);
            let place = (path.to_owned(), line);
            // A derived snapshot has one file.
            let same = |known: &Arc<Source>| {
                let file = known.files().first().unwrap_or(known);
                file.text().as_bytes() == part && file.bytes_before() == before
            };
            match self.snapshots.get(&place, same) {
                Some(known) => into.push(known),
                None if lines && part.trim_ascii().is_empty() => {}
                None => {
                    let shown = if lines { format!("{name}:{}", line + 1) } else { name.clone() };
                    let read = match lines {
                        true => line_of(&name, part.to_vec(), line, before),
                        false => {
                            source_of(&name, bytes.clone(), line, before).and_then(|source| form.json_of(path, source))
                        }
                    };
                    match accounts::snapshot(read, &shown, *found) {
                        Some(Ok(read)) => {
                            self.snapshots.insert(place, Arc::clone(&read));
                            into.push(read);
                        }
                        Some(Err(error)) => wrong.push((into.len(), shown, error)),
                        None => *reports += 1,
                    }
                }
            }
            before += whole;
        }
        wrong
    }

    /// Returns the wanted files below a folder in the order of their names, and the number of other files.
    fn walk(
        &mut self,
        folder: &Path,
        wanted: impl Fn(&Path) -> bool,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> (Vec<PathBuf>, usize) {
        let (mut found, mut others, mut listing) = (Vec::new(), 0, Listing::default());
        for entry in walk::entries(folder) {
            listing.add(&entry);
            match entry {
                Ok(entry) if entry.file_type().is_file() => {
                    if wanted(entry.path()) {
                        found.push(entry.into_path())
                    } else {
                        others += 1
                    }
                }
                Ok(entry) if entry.file_type().is_dir() => {}
                // Pipes, sockets and devices hold no file.
                Ok(_) => others += 1,
                Err(error) => diagnostics.push(match (error.path(), error.io_error()) {
                    (Some(path), Some(error)) => unreadable(&shown(path), error),
                    _ => Diagnostic::error(Code::Unreadable, format!("cannot read below `{}`: {error}", shown(folder))),
                }),
            }
        }
        self.file_states.folder(folder, &listing);
        (found, others)
    }

    /// Reads a file of at most `most_bytes`, or returns the earlier source if it has the same text.
    fn read(&mut self, path: &Path, most_bytes: usize, diagnostics: &mut Vec<Diagnostic>) -> Option<Arc<Source>> {
        self.file_states.file(path);
        let read = self.read_text(path, most_bytes);
        read.map_err(|error| diagnostics.push(error)).ok()
    }

    fn read_text(&mut self, path: &Path, most_bytes: usize) -> Result<Arc<Source>, Diagnostic> {
        let name = shown(path);
        let mut bytes = Vec::new();
        let input = unpack::open_regular(path, &name)?;
        input.take(most_bytes as u64 + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&name, &error))?;
        if bytes.len() > most_bytes {
            let error = Diagnostic::error(Code::TooLarge, format!("`{name}` holds more than {most_bytes} bytes"));
            return Err(error.help("divide it into several files"));
        }
        // Cedar and TOML do not accept a byte order mark.
        let before = if bytes.starts_with(MARK) { MARK.len() } else { 0 };
        bytes.drain(..before);
        let same = |known: &Arc<Source>| known.text().as_bytes() == bytes && known.bytes_before() == before;
        if let Some(known) = self.known.get(path, same) {
            return Ok(known);
        }
        let read = source_of(&name, bytes, 0, before)?;
        self.known.insert(path.to_owned(), Arc::clone(&read));
        Ok(read)
    }

    fn pack(
        &mut self,
        selection: &Selection,
        snapshots: &[Arc<Source>],
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<Pack> {
        let named = match &selection.pack {
            Some(name) => Some(self.named_pack(name, selection.packs, diagnostics)?),
            None => None,
        };
        let mut pack = match (&selection.schema, named) {
            (Some(path), named) => {
                let schema = self.read(path, MAX_BYTES, diagnostics)?;
                Pack {
                    name: "the given schema and policies".to_owned(),
                    built_in: named.as_ref().and_then(|pack| pack.built_in),
                    recognised: false,
                    schema,
                    policies: named.map(|pack| pack.policies).unwrap_or_default(),
                }
            }
            (None, Some(pack)) => pack,
            (None, None) => self.recognised_pack(selection.packs, snapshots, diagnostics)?,
        };
        diagnostics.extend(pack.built_in.and_then(|pack| self.unused_pack(pack, selection)));
        if !selection.policies.is_empty() {
            if selection.pack.is_none() {
                pack.policies = PolicyFiles::default();
            }
            if selection.schema.is_none() {
                pack.name = format!("{} with the given policies", pack.name);
            }
            for path in &selection.policies {
                self.policies(path, &mut pack.policies, diagnostics);
            }
        } else if selection.schema.is_some() && selection.pack.is_none() {
            let error = Diagnostic::error(Code::NoPolicy, "a schema is given, and no policies");
            diagnostics.push(error.help("name policy files or folders with --policies, or a pack with --pack"));
        }
        Some(pack)
    }

    fn policies(&mut self, path: &Path, into: &mut PolicyFiles, diagnostics: &mut Vec<Diagnostic>) {
        if !path.is_dir() {
            self.policy_file(path, into, diagnostics);
            return;
        }
        let (mut found, others) = self.walk(path, belongs, diagnostics);
        found.retain(|path| is_policy(path));
        if others > 0 {
            let (files, are) = if others == 1 { ("file", "is not a policy") } else { ("files", "are not policies") };
            let message = format!("ignored {others} {files} in `{}` that {are}", path.display());
            let warning = Diagnostic::warning(Code::NotAPolicy, message);
            diagnostics.push(warning.help("policies are files whose name ends in `.cedar`"));
        }
        if found.is_empty() {
            let warning = Diagnostic::warning(Code::NoPolicy, format!("folder `{}` holds no policy", path.display()));
            diagnostics.push(warning.help("policies are files whose name ends in `.cedar`"));
        }
        for file in found {
            self.policy_file(&file, into, diagnostics);
        }
    }

    /// Reads a policy file that is not among the files yet.
    fn policy_file(&mut self, path: &Path, into: &mut PolicyFiles, diagnostics: &mut Vec<Diagnostic>) {
        match into.targets.insert(target(path)) {
            true => into.sources.extend(self.read(path, MAX_BYTES, diagnostics)),
            // A link may lead to another file later.
            false => self.file_states.file(path),
        }
    }

    /// Reads the files of waivers. One that is also a policy file is read once.
    fn waivers(
        &mut self,
        selection: &Selection,
        policies: &PolicyFiles,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Vec<Arc<Source>> {
        let mut waivers = PolicyFiles { sources: Vec::new(), targets: policies.targets.clone() };
        for path in &selection.waivers {
            self.policies(path, &mut waivers, diagnostics);
        }
        waivers.sources
    }

    /// Returns a pack by name.
    fn named_pack(&mut self, name: &str, origin: PackOrigin, diagnostics: &mut Vec<Diagnostic>) -> Option<Pack> {
        let built_in = EMBEDDED.iter().find(|pack| pack.name == name);
        match (origin, built_in) {
            (PackOrigin::BuiltIn, Some(pack)) => Some(Pack {
                name: format!("pack {name} (built in)"),
                built_in: Some(pack),
                ..self.embedded(pack, diagnostics)?
            }),
            (PackOrigin::BuiltIn, None) => {
                let (schema, folder) = unused::of_folder(name);
                let files = [(schema, "--schema"), (folder, "--policies")];
                let there = files.iter().filter(|(path, _)| path.exists());
                let options: Vec<String> = there.map(|(path, option)| format!("{option} {}", shown(path))).collect();
                let help = format!("to use the files of the working directory, pass {}", options.join(" "));
                diagnostics.push(no_pack(name).maybe_help((!options.is_empty()).then_some(help)));
                None
            }
            (PackOrigin::Folder, _) => self.folder_pack(name, built_in, diagnostics),
        }
    }

    /// Returns a pack of the working directory. A part that it lacks is taken from the built-in pack of that name.
    fn folder_pack(
        &mut self,
        name: &str,
        built_in: Option<&EmbeddedPack>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<Pack> {
        let (schema, folder) = unused::of_folder(name);
        let (has_schema, has_policies) = (schema.is_file(), folder.is_dir());
        let mut pack = match built_in {
            Some(pack) => self.embedded(pack, diagnostics)?,
            None if has_schema && has_policies => {
                let schema = self.read(&schema, MAX_BYTES, diagnostics)?;
                let policies = PolicyFiles::default();
                Pack { name: String::new(), built_in: None, recognised: false, schema, policies }
            }
            None => {
                let both = format!("a pack of this folder needs both `{}` and `{}`", shown(&schema), shown(&folder));
                diagnostics.push(no_pack(name).maybe_help((has_schema || has_policies).then_some(both)));
                return None;
            }
        };
        if has_schema {
            pack.schema = self.read(&schema, MAX_BYTES, diagnostics)?;
        }
        if has_policies {
            pack.policies = PolicyFiles::default();
            self.policies(&folder, &mut pack.policies, diagnostics);
        }
        let origin = match (has_schema, has_policies) {
            (true, true) => "from this folder",
            (true, false) => "schema from this folder, policies built in",
            (false, true) => "policies from this folder, schema built in",
            (false, false) => "built in",
        };
        pack.name = format!("pack {name} ({origin})");
        Some(pack)
    }

    fn embedded(&mut self, pack: &EmbeddedPack, diagnostics: &mut Vec<Diagnostic>) -> Option<Pack> {
        let mut part = |file: &str, text: &str, saved: Option<SavedPack>| {
            let key = PathBuf::from(format!("<{}>/{file}", pack.name));
            if let Some(known) = self.known.get(&key, |_| true) {
                return Some(known);
            }
            let read = Source::validated(file, text, saved);
            let too_large = |error: TooLarge| diagnostics.push(Diagnostic::error(Code::TooLarge, error.to_string()));
            let read = read.map_err(too_large).ok()?;
            self.known.insert(key, Arc::clone(&read));
            Some(read)
        };
        let schema = part(pack.schema.0, pack.schema.1, Some(pack.saved))?;
        let sources = pack.policies.iter().filter_map(|(file, text)| part(file, text, None)).collect();
        let policies = PolicyFiles { sources, targets: BTreeSet::new() };
        Some(Pack { name: pack.name.to_owned(), built_in: None, recognised: false, schema, policies })
    }

    /// Returns the pack whose schema matches the first readable snapshot best.
    fn recognised_pack(
        &mut self,
        origin: PackOrigin,
        snapshots: &[Arc<Source>],
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<Pack> {
        if origin == PackOrigin::Folder {
            let found: Vec<String> = folder_packs().into_iter().collect();
            match &found[..] {
                [] => {}
                [only] => return self.named_pack(only, origin, diagnostics),
                several => {
                    let message = format!("this folder holds several packs: `{}`", several.join("`, `"));
                    diagnostics.push(Diagnostic::error(Code::NoPack, message).help("choose one with --pack"));
                    return None;
                }
            }
        }
        let names: Vec<&str> = EMBEDDED.iter().map(|pack| pack.name).collect();
        let mut best: Option<(usize, &str)> = None;
        for name in names.iter().copied().filter(|_| names.len() > 1) {
            let pack = self.named_pack(name, origin, diagnostics)?;
            let (Some(schema), _) = Schema::parse(&pack.schema) else { continue };
            let likeness = |snapshot: &Arc<Source>| Snapshot::likeness(&schema.model, snapshot, usize::MAX);
            let likeness = snapshots.iter().map(likeness).max().unwrap_or(0);
            if best.is_none_or(|(most, _)| likeness > most) {
                best = Some((likeness, name));
            }
        }
        match (best, &names[..]) {
            (Some((1.., name)), _) => self.named_pack(name, origin, diagnostics),
            (_, [only]) => Some(Pack { recognised: true, ..self.named_pack(only, origin, diagnostics)? }),
            _ => {
                let error = Diagnostic::error(Code::NoPack, "no pack knows a snapshot of this shape");
                diagnostics.push(error.help(format!("choose one with --pack: {}", names.join(", "))));
                None
            }
        }
    }
}

/// Returns the names of the packs in the working directory: those with a schema and a folder of policies, and those
/// with a part of a built-in pack.
fn folder_packs() -> BTreeSet<String> {
    let folders = Path::new("policies").read_dir().into_iter().flatten().flatten();
    let names = folders.filter_map(|entry| entry.file_name().into_string().ok());
    let built_in = |name: &str| EMBEDDED.iter().any(|pack| pack.name == name);
    let is_pack = |name: &String| {
        let (schema, folder) = unused::of_folder(name);
        let (has_schema, has_policies) = (schema.is_file(), folder.is_dir());
        has_schema && has_policies || built_in(name) && (has_schema || has_policies)
    };
    names.chain(EMBEDDED.iter().map(|pack| pack.name.to_owned())).filter(is_pack).collect()
}

fn no_pack(name: &str) -> Diagnostic {
    let names: Vec<&str> = EMBEDDED.iter().map(|pack| pack.name).collect();
    Diagnostic::error(Code::NoPack, format!("there is no pack `{name}`")).suggest(name, names)
}

/// Returns whether a file has its place among policies.
fn belongs(path: &Path) -> bool {
    let schema = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("cedarschema"));
    let capture = path.file_name().is_some_and(|name| name == capture::FILE_NAME);
    schema || capture || is_policy(path) || names::is_cases(path) || names::is_survivors(path)
}

fn is_policy(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("cedar"))
}

/// Returns the path as the user wrote it, with `/` on every system.
fn shown(path: &Path) -> String {
    path.display().to_string().replace('\\', "/")
}

fn own_output(name: &str) -> Diagnostic {
    let error = Diagnostic::error(Code::OwnOutput, format!("`{name}` is also the output of this run"));
    error.help("write the report to another file")
}

fn unreadable(name: &str, error: &std::io::Error) -> Diagnostic {
    let remedy = match error.kind() {
        std::io::ErrorKind::NotFound => Some(similar(Path::new(name))),
        _ => unpack::Damage::remedy(error).map(str::to_owned),
    };
    Diagnostic::error(Code::Unreadable, format!("cannot read `{name}`: {}", plain(error))).maybe_help(remedy)
}

/// Returns the remedy for a path that does not exist: a file of the same folder with a similar name, if there is one.
fn similar(path: &Path) -> String {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().take(MAX_SIMILAR);
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if names.iter().any(|known| known == name) {
        return "correct the link: its target does not exist".to_owned();
    }
    match nearest(name, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{}`?", shown(&path.with_file_name(near))),
        None => "correct the path".to_owned(),
    }
}

/// Refuses a pipe or a device: reading it may never end. A folder is refused where it is opened.
fn regular(found: &Metadata, name: &str) -> Result<(), Diagnostic> {
    if found.is_file() || found.is_dir() {
        return Ok(());
    }
    let error = Diagnostic::error(Code::Unreadable, format!("cannot read `{name}`: it is not a regular file"));
    Err(error.help("name a file; only snapshots are read from pipes, and not with --watch"))
}

/// Returns the operating system's message without its number.
fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    let message = text.split_once(" (os error").map_or(text.as_str(), |(message, _)| message);
    let mut chars = message.chars();
    let first = chars.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(chars).collect()
}

/// Returns how the files of an account are joined.
fn joining(schema: &Arc<Source>, limits: &Limits, now: Option<i64>) -> Joining {
    let schema = Schema::parse(schema).0.map(Arc::new);
    Joining { schema, most_bytes: limits.bytes, depth: limits.depth, now: now.unwrap_or_else(self::now) }
}

/// Returns a text as a source, with `lines` and `bytes_before` of a larger text before it.
fn source_of(
    name: &str,
    bytes: impl Into<Bytes>,
    lines: usize,
    bytes_before: usize,
) -> Result<Arc<Source>, Diagnostic> {
    let text = text_of(name, bytes.into(), lines)?;
    Source::read(name, text, (lines, bytes_before), false).map_err(|_| over_4_gib(name))
}

/// Returns a document on one line of a file as a source, with `lines` and `bytes_before` before it.
fn line_of(name: &str, bytes: impl Into<Bytes>, lines: usize, bytes_before: usize) -> Result<Arc<Source>, Diagnostic> {
    let text = text_of(name, bytes.into(), lines)?;
    Source::read(name, text, (lines, bytes_before), true).map_err(|_| over_4_gib(name))
}

fn text_of(name: &str, bytes: Bytes, lines: usize) -> Result<ByteString, Diagnostic> {
    ByteString::try_from(bytes.clone()).map_err(|_| encoding::not_utf8(name, &bytes, lines))
}

fn over_4_gib(name: &str) -> Diagnostic {
    Diagnostic::error(Code::TooLarge, format!("`{name}` is larger than 4 GiB, the limit for one file"))
}
