//! The only part of the library that touches disk, clock and watcher: finding files, reading them, watching them.

mod accounts;
mod packs;
mod suites;
mod watch;

pub use accounts::{Accounts, Form};
pub use packs::{EMBEDDED, EmbeddedPack};
pub use suites::CaseFiles;
pub use watch::{Changes, WatchError};

use crate::check::Inputs;
use crate::diagnostic::{Diagnostic, has_errors};
use crate::schema::Schema;
use crate::snapshot::{Limits, Snapshot};
use crate::source::Source;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Which files a user named.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Snapshots: files, folders, `-` for standard input.
    pub snapshots: Vec<PathBuf>,
    /// How snapshots lie in those files.
    pub form: Form,
    /// A pack by name.
    pub pack: Option<String>,
    /// Policy files and folders that stand in for the pack's, or beside them when a pack is named too.
    pub policies: Vec<PathBuf>,
    /// A schema file that stands in for the pack's.
    pub schema: Option<PathBuf>,
}

/// Reads files, and hands out the same [`Source`] again while a file's text stays the same.
#[derive(Debug, Default)]
pub struct Loader {
    known: HashMap<PathBuf, Arc<Source>>,
    /// Snapshots by file and line.
    snapshots: HashMap<(PathBuf, usize), Arc<Source>>,
    /// Files and folders that the last load looked at, for a watcher.
    pub looked_at: Vec<PathBuf>,
}

/// Schema and policies, and where they come from.
struct Pack {
    name: String,
    /// Whether nobody chose it.
    recognised: bool,
    schema: Arc<Source>,
    policies: Vec<Arc<Source>>,
}

/// Returns the time now, in milliseconds since 1970.
pub fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

impl Loader {
    /// Reads everything a selection names, the snapshots too. Without a schema there is nothing to run: then only what
    /// went wrong is left.
    ///
    /// # Errors
    /// All that went wrong, when no schema could be read.
    pub fn load(&mut self, selection: &Selection, limits: &Limits) -> Result<Inputs, Vec<Diagnostic>> {
        let mut diagnostics = self.begin();
        let (paths, skipped) = self.snapshot_files(selection, &mut diagnostics);
        let mut snapshots = Vec::new();
        for path in paths {
            self.read_snapshots(&path, selection.form, limits.bytes, &mut snapshots, &mut diagnostics);
        }
        self.inputs(selection, snapshots, skipped, diagnostics)
    }

    /// Reads schema and policies, and returns the snapshots to be read when their turn comes.
    ///
    /// # Errors
    /// All that went wrong, when no schema could be read.
    pub fn open(&mut self, selection: &Selection, limits: &Limits) -> Result<(Inputs, Accounts), Vec<Diagnostic>> {
        let mut diagnostics = self.begin();
        let (paths, skipped) = self.snapshot_files(selection, &mut diagnostics);
        let mut accounts = Accounts::new(paths, selection.form, limits.bytes);
        // Only where there is a choice is the first snapshot looked at before its turn.
        let choice = selection.pack.is_none() && selection.schema.is_none() && EMBEDDED.len() > 1;
        let first = if choice { accounts.peek().and_then(|first| first.source.as_ref().ok()).cloned() } else { None };
        let inputs = self.inputs(selection, first.into_iter().collect(), skipped, diagnostics)?;
        Ok((Inputs { snapshots: Vec::new(), ..inputs }, accounts))
    }

    fn begin(&mut self) -> Vec<Diagnostic> {
        self.looked_at.clear();
        if !Path::new("deodar.toml").exists() {
            return Vec::new();
        }
        let warning = Diagnostic::warning("no-configuration", "`deodar.toml` is not read by this version");
        vec![warning.help("say what it holds on the command line: --pack, --param, --fail-on")]
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
        let partial_pack = has_errors(diagnostics.get(before..).unwrap_or_default());
        let Pack { name: pack, recognised, schema, policies } = pack;
        Ok(Inputs { pack, recognised, schema, policies, snapshots, diagnostics, skipped, partial_pack })
    }

    /// Returns the files that hold snapshots, in the order they were named and in folders by their names, and how many
    /// others lie in the folders.
    fn snapshot_files(&mut self, selection: &Selection, diagnostics: &mut Vec<Diagnostic>) -> (Vec<PathBuf>, usize) {
        let (mut files, mut skipped) = (Vec::new(), 0);
        for path in &selection.snapshots {
            if path == Path::new("-") || !path.is_dir() {
                files.push(path.clone());
                continue;
            }
            let (found, others) = self.walk(path, accounts::is_snapshot, diagnostics);
            skipped += others;
            if found.is_empty() {
                let message = format!("folder `{}` holds no snapshot", path.display());
                let warning = Diagnostic::warning("no-snapshot", message);
                diagnostics.push(warning.help(
                    "snapshots are files whose name ends in `.json` or `.ndjson`, and perhaps in `.gz` or `.zst`",
                ));
            }
            files.extend(found);
        }
        (files, skipped)
    }

    /// Reads the snapshots in a file, or hands out again those that say the same in the same place.
    fn read_snapshots(
        &mut self,
        path: &Path,
        form: Form,
        most_bytes: usize,
        into: &mut Vec<Arc<Source>>,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        self.looked_at.push(path.to_owned());
        let name = shown(path);
        let bytes = match accounts::read_whole(path, &name, most_bytes) {
            Ok(bytes) => bytes,
            Err(error) => return diagnostics.push(error),
        };
        let lines = form.is_lines(path);
        let mut before = 0;
        let parts = bytes.split_inclusive(|byte| lines && *byte == b'\n');
        let parts = parts.chain(bytes.is_empty().then_some(&bytes[..]).filter(|_| !lines));
        for (line, part) in parts.enumerate() {
            let whole = part.len();
            let part = part.strip_suffix(b"\n").filter(|_| lines).unwrap_or(part);
            let place = (path.to_owned(), line);
            let known = self.snapshots.get(&place);
            match known.filter(|known| known.text().as_bytes() == part && known.bytes_before() == before) {
                Some(known) => into.push(Arc::clone(known)),
                None if lines && part.trim_ascii().is_empty() => {}
                None => match source_of(&name, part.to_vec(), line, before) {
                    Ok(read) => {
                        self.snapshots.insert(place, Arc::clone(&read));
                        into.push(read);
                    }
                    Err(error) => diagnostics.push(error),
                },
            }
            before += whole;
        }
    }

    /// Returns the files below a folder that are wanted, in order of their names, and how many others there are.
    fn walk(
        &mut self,
        folder: &Path,
        wanted: impl Fn(&Path) -> bool,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> (Vec<PathBuf>, usize) {
        self.looked_at.push(folder.to_owned());
        let (mut found, mut others) = (Vec::new(), 0);
        for entry in walkdir::WalkDir::new(folder).sort_by_file_name().follow_links(true) {
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
                    _ => Diagnostic::error("unreadable", format!("cannot read below `{}`: {error}", shown(folder))),
                }),
            }
        }
        (found, others)
    }

    /// Reads a file, or returns what was read before when it says the same.
    fn read(&mut self, path: &Path, diagnostics: &mut Vec<Diagnostic>) -> Option<Arc<Source>> {
        self.looked_at.push(path.to_owned());
        let name = shown(path);
        let bytes = match std::fs::read(path) {
            // Cedar knows no byte order mark.
            Ok(bytes) => bytes.strip_prefix(b"\xEF\xBB\xBF").map(<[u8]>::to_vec).unwrap_or(bytes),
            Err(error) => {
                diagnostics.push(unreadable(&name, &error));
                return None;
            }
        };
        if let Some(known) = self.known.get(path).filter(|known| known.text().as_bytes() == bytes) {
            return Some(Arc::clone(known));
        }
        let read = source_of(&name, bytes, 0, 0).map_err(|error| diagnostics.push(error)).ok()?;
        self.known.insert(path.to_owned(), Arc::clone(&read));
        Some(read)
    }

    fn pack(
        &mut self,
        selection: &Selection,
        snapshots: &[Arc<Source>],
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<Pack> {
        let named = match &selection.pack {
            Some(name) => Some(self.named_pack(name, diagnostics)?),
            None => None,
        };
        let mut pack = match (&selection.schema, named) {
            (Some(path), named) => {
                let schema = self.read(path, diagnostics)?;
                Pack {
                    name: "the given schema and policies".to_owned(),
                    recognised: false,
                    schema,
                    policies: named.map(|pack| pack.policies).unwrap_or_default(),
                }
            }
            (None, Some(pack)) => pack,
            (None, None) => self.recognised_pack(snapshots, diagnostics)?,
        };
        if !selection.policies.is_empty() {
            if selection.pack.is_none() {
                pack.policies.clear();
            }
            if selection.schema.is_none() {
                pack.name = format!("{} with the given policies", pack.name);
            }
            for path in &selection.policies {
                self.policies(path, &mut pack.policies, diagnostics);
            }
        } else if selection.schema.is_some() && selection.pack.is_none() {
            let error = Diagnostic::error("no-policy", "a schema is given, and no policies");
            diagnostics.push(error.help("name policy files or folders with --policies, or a pack with --pack"));
        }
        Some(pack)
    }

    fn policies(&mut self, path: &Path, into: &mut Vec<Arc<Source>>, diagnostics: &mut Vec<Diagnostic>) {
        if !path.is_dir() {
            into.extend(self.read(path, diagnostics));
            return;
        }
        let (mut found, others) = self.walk(path, belongs, diagnostics);
        found.retain(|path| is_policy(path));
        if others > 0 {
            let (files, are) =
                if others == 1 { ("file", "is no policy and was") } else { ("files", "are no policies and were") };
            let message = format!("{others} {files} in `{}` {are} left alone", path.display());
            let warning = Diagnostic::warning("not-a-policy", message);
            diagnostics.push(warning.help("policies are files whose name ends in `.cedar`"));
        }
        if found.is_empty() {
            let warning = Diagnostic::warning("no-policy", format!("folder `{}` holds no policy", path.display()));
            diagnostics.push(warning.help("policies are files whose name ends in `.cedar`"));
        }
        for file in found {
            into.extend(self.read(&file, diagnostics));
        }
    }

    /// A pack in the working folder wins over the built-in one of the same name.
    fn named_pack(&mut self, name: &str, diagnostics: &mut Vec<Diagnostic>) -> Option<Pack> {
        let built_in = EMBEDDED.iter().find(|pack| pack.name == name);
        let (schema, folder) =
            (PathBuf::from(format!("schemas/{name}.cedarschema")), PathBuf::from(format!("policies/{name}")));
        let (has_schema, has_policies) = (schema.is_file(), folder.is_dir());
        let mut pack = match built_in {
            Some(pack) => self.embedded(pack, diagnostics)?,
            None if has_schema && has_policies => {
                let schema = self.read(&schema, diagnostics)?;
                Pack { name: String::new(), recognised: false, schema, policies: Vec::new() }
            }
            None => {
                let names: Vec<&str> = EMBEDDED.iter().map(|pack| pack.name).collect();
                let error = Diagnostic::error("no-pack", format!("there is no pack `{name}`")).suggest(name, names);
                let both = format!("a pack of your own needs both `{}` and `{}`", shown(&schema), shown(&folder));
                diagnostics.push(error.maybe_help((has_schema || has_policies).then_some(both)));
                return None;
            }
        };
        if has_schema {
            pack.schema = self.read(&schema, diagnostics)?;
        }
        if has_policies {
            pack.policies.clear();
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
        let mut part = |file: &str, text: &str| {
            let key = PathBuf::from(format!("<{}>/{file}", pack.name));
            if let Some(known) = self.known.get(&key) {
                return Some(Arc::clone(known));
            }
            let read = source_of(file, text.as_bytes().to_vec(), 0, 0).map_err(|error| diagnostics.push(error)).ok()?;
            self.known.insert(key, Arc::clone(&read));
            Some(read)
        };
        let schema = part(pack.schema.0, pack.schema.1)?;
        let policies = pack.policies.iter().filter_map(|(file, text)| part(file, text)).collect();
        Some(Pack { name: pack.name.to_owned(), recognised: false, schema, policies })
    }

    /// Finds the pack whose document the first readable snapshot looks like.
    fn recognised_pack(&mut self, snapshots: &[Arc<Source>], diagnostics: &mut Vec<Diagnostic>) -> Option<Pack> {
        let names: Vec<&str> = EMBEDDED.iter().map(|pack| pack.name).collect();
        let mut best: Option<(usize, &str)> = None;
        for name in names.iter().copied().filter(|_| names.len() > 1) {
            let pack = self.named_pack(name, diagnostics)?;
            let (Some(schema), _) = Schema::parse(&pack.schema) else { continue };
            let likeness = |snapshot: &Arc<Source>| Snapshot::likeness(&schema.model, snapshot, usize::MAX);
            let likeness = snapshots.iter().map(likeness).max().unwrap_or(0);
            if best.is_none_or(|(most, _)| likeness > most) {
                best = Some((likeness, name));
            }
        }
        match (best, &names[..]) {
            (Some((1.., name)), _) => self.named_pack(name, diagnostics),
            (_, [only]) => Some(Pack { recognised: true, ..self.named_pack(only, diagnostics)? }),
            _ => {
                let error = Diagnostic::error("no-pack", "no pack knows a snapshot of this shape");
                diagnostics.push(error.help(format!("choose one with --pack: {}", names.join(", "))));
                None
            }
        }
    }
}

/// Whether a file has its place among policies.
fn belongs(path: &Path) -> bool {
    let schema = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("cedarschema"));
    schema || is_policy(path) || suites::is_cases(path) || suites::is_survivors(path)
}

fn is_policy(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("cedar"))
}

/// The path as the user wrote it, with `/` on every system.
fn shown(path: &Path) -> String {
    path.display().to_string().replace('\\', "/")
}

fn unreadable(name: &str, error: &std::io::Error) -> Diagnostic {
    Diagnostic::error("unreadable", format!("cannot read `{name}`: {}", plain(error)))
}

/// The operating system's message without its number.
fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    let end = text.find(" (os error").unwrap_or(text.len());
    text[..end].to_lowercase()
}

/// Returns a text as a source, `lines` and `bytes_before` of a larger one standing before it.
fn source_of(name: &str, bytes: Vec<u8>, lines: usize, bytes_before: usize) -> Result<Arc<Source>, Diagnostic> {
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(&error.as_bytes()[..at]).into_owned();
        let byte = error.as_bytes().get(at).copied().unwrap_or_default();
        let line = lines + before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        // No excerpt: nobody has said yet which values are secret.
        let message = format!("`{name}` is not UTF-8: byte 0x{byte:02X} in line {line}, column {column}");
        Diagnostic::error("not-utf8", message).help("save the file as UTF-8")
    })?;
    Source::part(name, text, lines, bytes_before).map_err(|_| {
        let message = format!("`{name}` is larger than 4 GiB, which is the most one file may hold");
        Diagnostic::error("too-large", message)
    })
}
