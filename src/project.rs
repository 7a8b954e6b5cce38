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
                    let wanted = entry
                        .path()
                        .extension()
                        .is_some_and(|extension| extensions.iter().any(|wanted| extension == *wanted));
                    if wanted { found.push(entry.into_path()) } else { others += 1 }
                }
                Ok(_) => {}
                Err(error) => diagnostics.push(Diagnostic::error(
                    "unreadable",
                    format!("cannot read below `{}`: {error}", folder.display()),
                )),
            }
        }
        (found, others)
    }

    /// Reads a file, or returns what was read before when it says the same.
    fn read(&mut self, path: &Path, diagnostics: &mut Vec<Diagnostic>) -> Option<Arc<Source>> {
        self.looked_at.push(path.to_owned());
        let name = shown(path);
        let bytes = match std::fs::read(path) {
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
                    name: format!("the policies given under {}", shown(path)),
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
        let (found, _) = self.walk(path, &["cedar"], diagnostics);
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
        let (schema, folder) =
            (PathBuf::from(format!("schemas/{name}.cedarschema")), PathBuf::from(format!("policies/{name}")));
        if schema.is_file() && folder.is_dir() {
            let schema = self.read(&schema, diagnostics)?;
            let mut policies = Vec::new();
            self.policies(&folder, &mut policies, diagnostics);
            return Some(Pack { name: format!("pack {name} (from this folder)"), schema, policies });
        }
        match EMBEDDED.iter().find(|pack| pack.name == name) {
            Some(pack) => self.embedded(pack, diagnostics),
            None => {
                let names: Vec<&str> = EMBEDDED.iter().map(|pack| pack.name).collect();
                diagnostics
                    .push(Diagnostic::error("no-pack", format!("there is no pack `{name}`")).suggest(name, names));
                None
            }
        }
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
        Some(Pack { name: format!("pack {} (built in)", pack.name), schema, policies })
    }

    /// Finds the pack whose document the first readable snapshot looks like.
    fn recognised_pack(&mut self, snapshots: &[Arc<Source>], diagnostics: &mut Vec<Diagnostic>) -> Option<Pack> {
        let names: Vec<&str> = EMBEDDED.iter().map(|pack| pack.name).collect();
        let [only] = names[..] else {
            let mut best: BTreeMap<usize, &str> = BTreeMap::new();
            for name in names.iter().rev() {
                let pack = self.named_pack(name, diagnostics)?;
                let likeness = snapshots.iter().map(|snapshot| likeness(&pack.schema, snapshot)).max().unwrap_or(0);
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
        for snapshot in snapshots.iter().filter(|snapshot| likeness(&pack.schema, snapshot) == 0 && is_object(snapshot))
        {
            let error =
                Diagnostic::error("no-pack", format!("`{}` has no property that pack {only} knows", snapshot.name()));
            diagnostics.push(error.label(snapshot, Span::new(0, 0), "this document").help("is it a snapshot? if it is one of another account, name its schema and policies with --schema and --policies"));
        }
        Some(pack)
    }
}

/// How many properties of a document the root of a schema declares.
fn likeness(schema: &Arc<Source>, snapshot: &Source) -> usize {
    let (Some(schema), _) = Schema::parse(schema) else { return 0 };
    let root = schema.model.ty(schema.model.root);
    let declared: Vec<&str> = root
        .fields
        .first()
        .into_iter()
        .flat_map(|node| &node.children)
        .chain(schema.model.paths.first().into_iter().flat_map(|node| &node.children))
        .map(|(name, _)| name.as_str())
        .collect();
    top_level(snapshot)
        .iter()
        .filter(|name| declared.contains(&name.as_str()) || nearest(name, declared.iter().copied()).is_some())
        .count()
}

fn is_object(snapshot: &Source) -> bool {
    snapshot.text().trim_start_matches('\u{feff}').trim_start().starts_with('{')
}

fn top_level(snapshot: &Source) -> Vec<String> {
    let mut names = Vec::new();
    let start = if snapshot.text().starts_with('\u{feff}') { 3 } else { 0 };
    let mut scanner = Scanner::at(snapshot.text(), start);
    // A document that is cut off has names before the cut; the run says what is wrong with it.
    let _ = scanner.object(|scanner, key| {
        names.push(key.text().into_owned());
        scanner.skip()?;
        Ok::<_, SyntaxError>(())
    });
    names
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
            let diagnostic =
                Diagnostic::error("not-utf8", format!("`{name}` is not UTF-8: byte 0x{byte:02X} at offset {at}"));
            let end = before.len() as u32;
            let diagnostic = match Source::new(name, before) {
                Ok(readable) => diagnostic.label(&readable, Span::new(end, end), "the text is readable up to here"),
                Err(_) => diagnostic,
            };
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
