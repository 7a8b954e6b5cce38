//! Finding case files and the snapshots that they change.

use super::names::{SURVIVORS, is_cases};
use super::unpack::Streams;
use super::{InputFormat, Loader, MAX_TOML_BYTES, Selection, accounts, folder_packs, shown, source_of, unused};
use crate::cases::{CaseFile, SurvivorList};
use crate::diagnostic::{Code, Diagnostic};
use crate::snapshot::Limits;
use crate::source::Source;
use std::collections::{BTreeSet, HashMap};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// The case files of a run.
#[derive(Debug, Default)]
pub struct CaseFiles {
    /// The files, those of a folder in order of their names.
    pub files: Vec<CaseFile>,
    /// Their paths, for `--bless`.
    pub paths: Vec<PathBuf>,
    /// Whether they are all case files in the folders of the policies.
    pub complete: bool,
}

impl Loader {
    /// Reads the named case files, or without any those in the folders of the policies. Returns them with diagnostics.
    pub fn cases(&mut self, named: &[PathBuf], selection: &Selection) -> (CaseFiles, Vec<Diagnostic>) {
        let mut diagnostics = Vec::new();
        let mut found = CaseFiles { complete: named.iter().all(|path| path.is_dir()), ..CaseFiles::default() };
        let places = if named.is_empty() { beside_policies(selection) } else { named.to_vec() };
        for place in &places {
            if place.is_dir() {
                found.paths.extend(self.walk(place, is_cases, &mut diagnostics).0);
            } else {
                found.paths.push(place.clone());
            }
        }
        let mut bases = HashMap::new();
        found.paths.retain(|path| {
            let Some(source) = self.read(path, MAX_TOML_BYTES, &mut diagnostics) else { return false };
            let folder = path.parent().unwrap_or(Path::new(""));
            let (file, wrong) = CaseFile::parse(&source, &mut |base| open_base(&folder.join(base), &mut bases));
            diagnostics.extend(wrong);
            found.files.push(file);
            true
        });
        if found.files.iter().all(|file| file.cases.is_empty()) && diagnostics.is_empty() {
            let places: Vec<String> = places.iter().map(|place| format!("`{}`", shown(place))).collect();
            let message = match places.is_empty() {
                true => "there is no case: this folder holds no policies of the pack".to_owned(),
                false => format!("there is no case in {}", places.join(", ")),
            };
            let help = "put cases in files whose name ends in `.test.toml`, next to the policies, or name the files";
            diagnostics.push(Diagnostic::warning(Code::NoCase, message).help(help));
        }
        (found, diagnostics)
    }
}

impl Loader {
    /// Reads the named list of accepted survivors, or without one those in the folders of the policies.
    pub fn survivors(&mut self, named: Option<&Path>, selection: &Selection) -> (Vec<SurvivorList>, Vec<Diagnostic>) {
        let mut diagnostics = Vec::new();
        let paths: Vec<PathBuf> = match named {
            Some(path) => vec![path.to_owned()],
            None => {
                // A policy file may be named that has no cases next to it.
                let places =
                    if selection.policies.is_empty() { beside_policies(selection) } else { selection.policies.clone() };
                let mut lists: Vec<PathBuf> = Vec::new();
                for place in places {
                    let folder = if place.is_dir() { &place } else { place.parent().unwrap_or(Path::new("")) };
                    let list = folder.join(SURVIVORS);
                    if !lists.contains(&list) && list.is_file() {
                        lists.push(list);
                    }
                }
                lists
            }
        };
        let mut lists = Vec::new();
        for path in paths {
            let Some(source) = self.read(&path, MAX_TOML_BYTES, &mut diagnostics) else { continue };
            let (list, wrong) = SurvivorList::parse(&source);
            lists.push(list);
            diagnostics.extend(wrong);
        }
        (lists, diagnostics)
    }
}

/// Returns the folders of the policies, and the case file of a policy file that was named itself.
fn beside_policies(selection: &Selection) -> Vec<PathBuf> {
    if selection.policies.is_empty() {
        let names = selection.pack.clone().map_or_else(folder_packs, |name| BTreeSet::from([name]));
        let folders = names.iter().map(|name| unused::of_folder(name).1);
        return folders.filter(|folder| folder.is_dir()).collect();
    }
    let beside = |path: &PathBuf| if path.is_dir() { path.clone() } else { path.with_extension("test.toml") };
    selection.policies.iter().map(beside).filter(|path| path.exists()).collect()
}

fn open_base(path: &Path, known: &mut HashMap<PathBuf, Arc<Source>>) -> Result<Arc<Source>, Diagnostic> {
    if let Some(known) = known.get(path) {
        return Ok(Arc::clone(known));
    }
    let name = shown(&straight(path));
    let bytes = accounts::read_input(path, &name, Limits::default().bytes, Streams::Refuse)?;
    let source = source_of(&name, bytes, 0, 0).and_then(|source| InputFormat::ByName.json_of(path, source))?;
    let source = accounts::named_snapshot(source, &name)?;
    known.insert(path.to_owned(), Arc::clone(&source));
    Ok(source)
}

/// Returns the path without `..`, for messages.
fn straight(path: &Path) -> PathBuf {
    let mut straight = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir if matches!(straight.components().next_back(), Some(Component::Normal(_))) => {
                straight.pop();
            }
            Component::CurDir => {}
            part => straight.push(part),
        }
    }
    straight
}
