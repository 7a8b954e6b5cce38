//! Files that have a meaning of their own by their names.

use crate::configuration::FILE_NAME;
use std::path::Path;

/// The file of accepted survivors in the folder of the policies.
pub(super) const SURVIVORS: &str = "survivors.toml";

/// The description of the sources of a pack.
pub(super) const CAPTURE: &str = "capture.toml";

/// Returns whether a file has test cases.
pub(super) fn is_cases(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().to_lowercase().ends_with(".test.toml"))
}

/// Returns whether a file is a list of accepted survivors.
pub(super) fn is_survivors(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == SURVIVORS)
}

/// Returns whether a file is not a snapshot in a folder, although its ending is one of snapshots.
pub(super) fn is_own(path: &Path) -> bool {
    let is_named = |name: &str| path.file_name().is_some_and(|found| found == name);
    is_cases(path) || is_survivors(path) || is_named(FILE_NAME) || is_named(CAPTURE)
}
