//! The baseline of a run: the verdicts of a saved report.

use crate::diagnostic::{Code, Diagnostic};
use crate::render::document::Document;
use crate::report::Baseline;
use std::collections::BTreeSet;

/// Returns the verdicts of a report as a baseline. `path` and `sha256` are those of its file.
///
/// # Errors
/// When two of its snapshots have one account id, or two verdicts one fingerprint: one of them would cover the other.
pub fn baseline(document: &Document<'_>, path: &str, sha256: String) -> Result<Baseline, Diagnostic> {
    let mut accounts = BTreeSet::new();
    let mut ids = document.run.snapshots.iter().filter_map(|snapshot| snapshot.account.as_deref());
    if let Some(twice) = ids.find(|id| !accounts.insert(*id)) {
        let message = format!("the baseline `{path}` has two snapshots with the account id {twice:?}");
        return Err(
            Diagnostic::error(Code::SavedReport, message).help("write a report with one snapshot of each account")
        );
    }
    let now = document.run.now.to_string();
    let mut baseline = Baseline::new(path, sha256, now);
    let findings = document.findings.iter().map(|it| (&it.account, &it.check, &it.fingerprint, it.verdict));
    let others = document.other_verdicts.iter().flatten();
    let others = others.map(|it| (&it.account, &it.check, &it.fingerprint, it.verdict));
    for (account, check, fingerprint, verdict) in findings.chain(others) {
        if !accounts.contains(&**account) {
            let message =
                format!("the baseline `{path}` has a verdict of the account {account:?} and no snapshot of it");
            return Err(edited(message));
        }
        if !baseline.add(account, check, fingerprint, verdict) {
            return Err(edited(format!("the baseline `{path}` has two verdicts with the fingerprint `{fingerprint}`")));
        }
    }
    Ok(baseline)
}

fn edited(message: String) -> Diagnostic {
    Diagnostic::error(Code::SavedReport, message)
        .help("check the snapshot again; a report is written as a whole and is not edited")
}
