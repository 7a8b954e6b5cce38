//! The only part of the library that touches disk, clock and watcher: finding files, reading them, watching them.

mod packs;
mod watch;

pub use packs::{EMBEDDED, EmbeddedPack};
pub use watch::{Changes, WatchError};

use crate::check::Inputs;
use crate::diagnostic::Diagnostic;
use crate::schema::Schema;
use crate::source::json::{Scanner, SyntaxError};
use crate::source::{Source, Span, nearest};
use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Which files a user named.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Snapshots: files, folders, `-` for standard input.
    pub snapshots: Vec<PathBuf>,
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
    /// Files and folders that the last load looked at, for a watcher.
    pub looked_at: Vec<PathBuf>,
}

/// Schema and policies, and where they come from.
struct Pack {
    name: String,
    schema: Arc<Source>,
    policies: Vec<Arc<Source>>,
}

/// Returns the time now, in milliseconds since 1970.
pub fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

impl Loader {
    /// Reads everything a selection names. Without a schema there is nothing to run: then only what went wrong is left.
    ///
    /// # Errors
    /// All that went wrong, when no schema could be read.
    pub fn load(&mut self, selection: &Selection) -> Result<Inputs, Vec<Diagnostic>> {
        self.looked_at.clear();
        let mut diagnostics = Vec::new();
        if Path::new("deodar.toml").exists() {
            let warning = Diagnostic::warning("no-configuration", "`deodar.toml` is not read by this version");
            diagnostics.push(warning.help("say what it holds on the command line: --pack, --param, --fail-on"));
        }
        let mut skipped = 0;
        let mut snapshots = Vec::new();
        for path in &selection.snapshots {
            self.snapshots(path, &mut snapshots, &mut skipped, &mut diagnostics);
        }
        let Some(pack) = self.pack(selection, &snapshots, &mut diagnostics) else { return Err(diagnostics) };
        Ok(Inputs { pack: pack.name, schema: pack.schema, policies: pack.policies, snapshots, diagnostics, skipped })
    }

    fn snapshots(
        &mut self,
        path: &Path,
        into: &mut Vec<Arc<Source>>,
        skipped: &mut usize,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        if path == Path::new("-") {
            let mut bytes = Vec::new();
            match std::io::stdin().lock().read_to_end(&mut bytes) {
                Ok(_) => into.extend(source("(standard input)".into(), bytes, diagnostics)),
                Err(error) => diagnostics.push(unreadable("standard input", &error)),
            }
            return;
        }
        if !path.is_dir() {
            into.extend(self.read(path, diagnostics));
            return;
        }
        let (found, others) = self.walk(path, &["json"], diagnostics);
        *skipped += others;
        if found.is_empty() {
            let warning = Diagnostic::warning("no-snapshot", format!("folder `{}` holds no snapshot", path.display()));
            diagnostics.push(warning.help("snapshots are files whose name ends in `.json`"));
        }
        for file in found {
            into.extend(self.read(&file, diagnostics));
        }
    }

    /// Returns the files below a folder with one of the extensions, in order of their names, and how many others there are.
    fn walk(&mut self, folder: &Path, extensions: &[&str], diagnostics: &mut Vec<Diagnostic>) -> (Vec<PathBuf>, usize) {
        self.looked_at.push(folder.to_owned());
        let (mut found, mut others) = (Vec::new(), 0);
        for entry in walkdir::WalkDir::new(folder).sort_by_file_name().follow_links(true) {
            match entry {
                Ok(entry) if entry.file_type().is_file() => {
                    let extension = entry.path().extension().unwrap_or_default();
                    let wanted = extensions.iter().any(|wanted| extension.eq_ignore_ascii_case(wanted));
                    if wanted { found.push(entry.into_path()) } else { others += 1 }
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
            // Cedar knows no byte order mark; JSON may begin with one.
            Ok(bytes) if !path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json")) => {
                bytes.strip_prefix(b"\xEF\xBB\xBF").map(<[u8]>::to_vec).unwrap_or(bytes)
            }
            Ok(bytes) => bytes,
            Err(error) => {
                diagnostics.push(unreadable(&name, &error));
                return None;
            }
        };
        if let Some(known) = self.known.get(path).filter(|known| known.text().as_bytes() == bytes) {
            return Some(Arc::clone(known));
        }
        let read = source(name, bytes, diagnostics)?;
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
                    name: "the schema and policies given".to_owned(),
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
                pack.name = format!("{}, with the policies given", pack.name);
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
        let (found, others) = self.walk(path, &["cedar"], diagnostics);
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
                Pack { name: String::new(), schema: self.read(&schema, diagnostics)?, policies: Vec::new() }
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
            let read = source(file.to_owned(), text.as_bytes().to_vec(), diagnostics)?;
            self.known.insert(key, Arc::clone(&read));
            Some(read)
        };
        let schema = part(pack.schema.0, pack.schema.1)?;
        let policies = pack.policies.iter().filter_map(|(file, text)| part(file, text)).collect();
        Some(Pack { name: pack.name.to_owned(), schema, policies })
    }

    /// Finds the pack whose document the first readable snapshot looks like.
    fn recognised_pack(&mut self, snapshots: &[Arc<Source>], diagnostics: &mut Vec<Diagnostic>) -> Option<Pack> {
        let names: Vec<&str> = EMBEDDED.iter().map(|pack| pack.name).collect();
        let [only] = names[..] else {
            let mut best: BTreeMap<usize, &str> = BTreeMap::new();
            for name in names.iter().rev() {
                let pack = self.named_pack(name, diagnostics)?;
                let likeness =
                    snapshots.iter().map(|snapshot| likeness(&pack.schema, snapshot, usize::MAX)).max().unwrap_or(0);
                best.insert(likeness, name);
            }
            let (likeness, name) = best.pop_last()?;
            if likeness == 0 {
                let error = Diagnostic::error("no-pack", "no pack knows a snapshot of this shape");
                diagnostics.push(error.help(format!("choose one with --pack: {}", names.join(", "))));
                return None;
            }
            return self.named_pack(name, diagnostics);
        };
        let pack = self.named_pack(only, diagnostics)?;
        for snapshot in
            snapshots.iter().filter(|snapshot| likeness(&pack.schema, snapshot, 1) == 0 && is_object(snapshot))
        {
            let error =
                Diagnostic::error("no-pack", format!("`{}` has no property that pack {only} knows", snapshot.name()));
            diagnostics.push(error.label(snapshot, Span::new(0, 0), "this document").help("is it a snapshot? if it is one of another account, name its schema and policies with --schema and --policies"));
        }
        Some(pack)
    }
}

/// How many of the first properties of a document the root of a schema declares, up to `enough`.
fn likeness(schema: &Arc<Source>, snapshot: &Source, enough: usize) -> usize {
    let (Some(schema), _) = Schema::parse(schema) else { return 0 };
    let model = &schema.model;
    let fields = model.ty(model.root).fields.first().into_iter().flat_map(|node| &node.children);
    let lists = model.paths.first().into_iter().flat_map(|node| &node.children);
    let declared: Vec<&str> = fields.chain(lists).map(|(name, _)| name.as_str()).collect();
    let mut known = 0;
    let start = if snapshot.text().starts_with('\u{feff}') { 3 } else { 0 };
    // A document that is cut off has names before the cut; the run says what is wrong with it.
    let _ = Scanner::at(snapshot.text(), start).object(|scanner, key| {
        let name = key.text();
        known += usize::from(declared.contains(&&*name) || nearest(&name, declared.iter().copied()).is_some());
        if known == enough {
            return Err(Seen::Enough);
        }
        scanner.skip().map(|_| ()).map_err(Seen::Broken)
    });
    known
}

/// Why a walk over a document ended early.
enum Seen {
    Enough,
    Broken(#[expect(dead_code, reason = "the run says what is wrong")] SyntaxError),
}

impl From<SyntaxError> for Seen {
    fn from(error: SyntaxError) -> Self {
        Seen::Broken(error)
    }
}

fn is_object(snapshot: &Source) -> bool {
    snapshot.text().trim_start_matches('\u{feff}').trim_start().starts_with('{')
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

fn source(name: String, bytes: Vec<u8>, diagnostics: &mut Vec<Diagnostic>) -> Option<Arc<Source>> {
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let before = String::from_utf8_lossy(&error.as_bytes()[..at]).into_owned();
            let byte = error.as_bytes().get(at).copied().unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            // No excerpt: nobody has said yet which values are secret.
            let message = format!("`{name}` is not UTF-8: byte 0x{byte:02X} in line {line}, column {column}");
            let diagnostic = Diagnostic::error("not-utf8", message);
            diagnostics.push(diagnostic.help("save the file as UTF-8"));
            return None;
        }
    };
    match Source::new(name.clone(), text) {
        Ok(source) => Some(source),
        Err(_) => {
            diagnostics.push(Diagnostic::error(
                "too-large",
                format!("`{name}` is larger than 4 GiB, which is the most one file may hold"),
            ));
            None
        }
    }
}
