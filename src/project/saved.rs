//! Saved reports, for `deodar render`.

use super::accounts::read_whole;
use super::{shown, source_of};
use crate::diagnostic::Diagnostic;
use crate::render::document::Saved;
use crate::snapshot::Limits;
use std::path::{Path, PathBuf};

/// Reads all documents in some files. A file holds one report, or lines of NDJSON.
///
/// # Errors
/// A diagnostic for each file that cannot be read.
pub fn saved_reports(paths: &[PathBuf]) -> Result<Vec<(String, Saved)>, Vec<Diagnostic>> {
    let (mut all, mut errors) = (Vec::new(), Vec::new());
    for path in paths {
        let name = if path == Path::new("-") { "(standard input)".to_owned() } else { shown(path) };
        let bytes = read_whole(path, &name, Limits::default().bytes);
        match bytes.and_then(|bytes| source_of(&name, bytes, 0, 0)).and_then(|source| Saved::read(&source)) {
            Ok(found) => all.extend(found.into_iter().map(|saved| (name.clone(), saved))),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(all) } else { Err(errors) }
}
