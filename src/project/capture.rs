//! The capture description of a pack, and the files of a capture.

use super::unpack::open_file;
use super::{Loader, MAX_TOML_BYTES, Selection, shown, source_of, unreadable};
use crate::diagnostic::{Code, Diagnostic};
use crate::snapshot::Limits;
use crate::source::Source;
use std::io::Read;
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
    /// The built-in pack that the description is part of.
    pub built_in: Option<&'static str>,
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
        let built_in = pack.built_in.filter(|_| described.is_none());
        let description = match (described, built_in) {
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
        let built_in = built_in.map(|pack| pack.name);
        Ok(CapturePack { name: pack.name, schema: pack.schema, description, built_in, diagnostics })
    }
}

/// Returns the error for a pack without a capture description.
pub fn no_description() -> Diagnostic {
    let error = Diagnostic::error(Code::CaptureDescription, format!("the pack has no `{FILE_NAME}`"));
    error.help("add the file to the folder of the policies")
}

/// Returns the place of the description next to policies.
fn beside(policies: &Path) -> PathBuf {
    let folder = if policies.is_dir() { policies } else { policies.parent().unwrap_or(Path::new("")) };
    folder.join(FILE_NAME)
}

/// The bytes of a file of a capture.
#[derive(Debug)]
pub struct ExportFile {
    /// The path as the user wrote it.
    pub name: String,
    /// The path without links, which is the same for all names of the file.
    pub file: PathBuf,
    /// The content.
    pub bytes: Vec<u8>,
    /// When it was last changed, in milliseconds since 1970.
    pub changed_at: i64,
}

impl ExportFile {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, is not a regular file, or is too large.
    pub fn read(path: &Path) -> Result<Self, Diagnostic> {
        let name = shown(path);
        let file = open_file(path, &name)?;
        let most_bytes = Limits::default().bytes;
        let mut bytes = Vec::new();
        let read = |bytes: &mut Vec<u8>| -> std::io::Result<_> {
            let metadata = file.metadata()?;
            let changed = metadata.modified().ok().and_then(|time| jiff::Timestamp::try_from(time).ok());
            // A file that grows is read up to the limit.
            bytes.reserve_exact(usize::try_from(metadata.len()).unwrap_or(0).min(most_bytes) + 1);
            file.take(most_bytes as u64 + 1).read_to_end(bytes)?;
            Ok(changed)
        };
        let changed = read(&mut bytes).map_err(|error| unreadable(&name, &error))?;
        if bytes.len() > most_bytes {
            let error = Diagnostic::error(Code::TooLarge, format!("`{name}` holds more than {most_bytes} bytes"));
            return Err(error.help("divide it into several files"));
        }
        let changed_at = changed.map_or_else(super::now, jiff::Timestamp::as_millisecond);
        let file = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        Ok(Self { name, file, bytes, changed_at })
    }
}
