//! Phrases of diagnostics by which a later step finds them in a saved report.

/// The end of the error about a setting for an instance that no snapshot has.
pub(crate) const NO_SNAPSHOT_HAS_IT: &str = ", and no judged snapshot has it";

/// Returns the beginning of the warning about a snapshot that is too old.
pub(crate) fn too_old(path: &str) -> String {
    format!("`{path}` is too old")
}
