//! Files of the working directory in the place of a built-in pack. They are not used, and a warning says so.

use super::{EmbeddedPack, Loader, Selection, is_policy, shown};
use crate::diagnostic::{Code, Diagnostic};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Returns the files in which the working directory may hold a pack: its schema, and its folder of policies.
pub(super) fn of_folder(name: &str) -> (PathBuf, PathBuf) {
    (PathBuf::from(format!("schemas/{name}.cedarschema")), PathBuf::from(format!("policies/{name}")))
}

impl Loader {
    /// Returns a warning if the working directory holds another pack of this name than the binary, and no option names it.
    pub(super) fn unused_pack(&mut self, pack: &EmbeddedPack, selection: &Selection) -> Option<Diagnostic> {
        let (schema, folder) = of_folder(pack.name);
        let mut unused = Vec::new();
        // They may appear while a watch goes on.
        self.file_states.file(&schema);
        self.file_states.file(&folder);
        if selection.schema.is_none() && schema.exists() && !holds(&schema, pack.schema.1) {
            unused.push((schema, "--schema"));
        }
        let is_named = selection.policies.iter().any(|named| overlap(named, &folder));
        if !is_named && folder.exists() && !self.is_copy(&folder, pack) {
            unused.push((folder, "--policies"));
        }
        let (are, them) = match unused.len() {
            0 => return None,
            1 => ("is", "it"),
            _ => ("are", "them"),
        };
        let paths: Vec<String> = unused.iter().map(|(path, _)| format!("`{}`", shown(path))).collect();
        let options: Vec<String> = unused.iter().map(|(path, option)| format!("{option} {}", shown(path))).collect();
        let (paths, name) = (paths.join(" and "), pack.name);
        let message = format!("{paths} in the working directory {are} not used: pack `{name}` is built in");
        Some(Diagnostic::warning(Code::UnusedPack, message).help(format!("to use {them}, pass {}", options.join(" "))))
    }

    /// Returns whether a folder holds exactly the policies of a pack: then it does not matter which are used.
    fn is_copy(&mut self, folder: &Path, pack: &EmbeddedPack) -> bool {
        let mut wrong = Vec::new();
        let (found, _) = self.walk(folder, is_policy, &mut wrong);
        found.iter().for_each(|file| self.file_states.file(file));
        let is_known = |path: &PathBuf| pack.policies.iter().any(|(file, _)| Path::new(file) == path);
        let is_there = |(file, text): &(&str, &str)| holds(Path::new(file), text);
        wrong.is_empty() && found.iter().all(is_known) && pack.policies.iter().all(is_there)
    }
}

/// Returns whether one path is in, or is, the other.
fn overlap(named: &Path, folder: &Path) -> bool {
    match (named.canonicalize(), folder.canonicalize()) {
        (Ok(named), Ok(folder)) => named.starts_with(&folder) || folder.starts_with(&named),
        _ => false,
    }
}

/// Returns whether a regular file has this text.
fn holds(path: &Path, text: &str) -> bool {
    let same_length = path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() == text.len() as u64);
    let read = || {
        let mut bytes = Vec::new();
        File::open(path)?.take(text.len() as u64 + 1).read_to_end(&mut bytes).map(|_| bytes)
    };
    same_length && read().is_ok_and(|bytes| bytes == text.as_bytes())
}
