//! Snapshots with the account id of an earlier one: their findings have equal fingerprints.

use crate::diagnostic::{Code, Diagnostic};

/// The snapshots of a run with the account id of an earlier one.
pub(crate) struct RepeatedAccount<'r> {
    /// The path of the first of them.
    pub path: &'r str,
    /// Its account id.
    pub id: &'r str,
    /// Their number.
    pub count: usize,
}

impl RepeatedAccount<'_> {
    /// Returns the diagnostic: an error if a baseline or a waiver would cover a finding of one account by that of the other.
    pub(crate) fn problem(&self, is_covered: bool) -> Diagnostic {
        let Self { path, id, count } = self;
        let message = match count {
            1 => format!("`{path}` has the account id {id:?} of an earlier snapshot"),
            more => format!("`{path}` and {} more snapshots have the account id of an earlier one", more - 1),
        };
        let found = match is_covered {
            true => Diagnostic::error(Code::SameAccount, message),
            false => Diagnostic::warning(Code::SameAccount, message),
        };
        found.help("their findings have equal fingerprints: check one snapshot of each account, or give the root entity of the schema a `@key`")
    }
}
