//! The capture description of a pack.

use super::{Loader, MAX_TOML_BYTES, Selection, source_of};
use crate::diagnostic::Diagnostic;
use crate::source::Source;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The name of the description in a folder of policies.
pub(super) const FILE_NAME: &str = super::names::CAPTURE;

/// The schema of a pack, with its capture description.
#[derive(Debug)]
pub struct CapturePack {
    /// The name of the pack, as reports have it.
    pub name: String,
    /// The schema.
    pub schema: Arc<Source>,
    /// The description, if the pack has one.
    pub description: Option<Arc<Source>>,
    /// Warnings about the pack.
    pub diagnostics: Vec<Diagnostic>,
}

impl Loader {
    /// Reads the schema and the capture description of the selected pack. The description of a folder of policies replaces
    /// that of a built-in pack.
    ///
    /// # Errors
    /// All diagnostics, if a file cannot be read.
    pub fn capture_pack(&mut self, selection: &Selection) -> Result<CapturePack, Vec<Diagnostic>> {
        let mut diagnostics = Vec::new();
        let Some(pack) = self.pack(selection, &[], &mut diagnostics) else { return Err(diagnostics) };
        let described = selection.policies.iter().map(|path| beside(path)).find(|path| path.is_file());
        let description = match (described, pack.built_in) {
            (Some(path), _) => match self.read(&path, MAX_TOML_BYTES, &mut diagnostics) {
                Some(source) => Some(source),
                None => return Err(diagnostics),
            },
            (None, Some(built_in)) => {
                let (file, text) = built_in.capture;
                Some(source_of(file, text.as_bytes().to_vec(), 0, 0).map_err(|error| vec![error])?)
            }
            (None, None) => None,
        };
        Ok(CapturePack { name: pack.name, schema: pack.schema, description, diagnostics })
    }
}

/// Returns the place of the description next to policies.
fn beside(policies: &Path) -> PathBuf {
    let folder = if policies.is_dir() { policies } else { policies.parent().unwrap_or(Path::new("")) };
    folder.join(FILE_NAME)
}
