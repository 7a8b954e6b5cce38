//! The common parts of outputs for platforms that show findings at lines of files: order, place, path and text.

use super::document::{Diagnostic, Document, Finding, Span};
use super::escape::plain;
use super::output::{Primary, Repository};
use crate::engine::Verdict;
use crate::report::{Change, fingerprint_of};
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Returns the findings by verdict, then severity, the worst first. Those that the baseline covers are last.
pub(super) fn by_severity<'d>(document: &'d Document<'_>) -> Vec<&'d Finding<'d>> {
    let mut findings: Vec<&Finding<'_>> = document.findings.iter().collect();
    let is_covered = |finding: &Finding<'_>| finding.baseline.is_some_and(Change::is_covered);
    findings.sort_by_key(|finding| (is_covered(finding), finding.verdict, Reverse(finding.severity)));
    findings
}

/// Returns the place of a finding: that of the value or of the clause that decided, and the other one if there is none.
pub(super) fn primary<'d>(finding: &'d Finding<'d>, primary: Primary) -> Option<&'d Span<'d>> {
    let (value, clause) = (finding.snapshot_place(), finding.policy_place());
    match primary {
        Primary::Snapshot => value.or(clause),
        Primary::Policy => clause.or(value),
    }
}

/// Returns a path as a platform expects it: that of a file in the repository is relative to its root.
pub(super) fn path<'p>(path: &'p str, repository: Option<&Repository>) -> Cow<'p, str> {
    match repository.filter(|_| path != "-").and_then(|repository| repository.path_of(path)) {
        Some(path) => path.into(),
        None => path.into(),
    }
}

/// Returns the name of a verdict in a sentence.
pub(super) fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Fail => "fail",
        Verdict::Unknown => "unknown",
        Verdict::Waived => "waived",
        Verdict::NotApplicable => "not applicable",
        Verdict::Pass => "pass",
    }
}

/// Returns the resource of a finding with the message.
pub(super) fn message(finding: &Finding<'_>) -> String {
    format!("{} {}: {}", plain(&finding.resource.ty), plain(&finding.resource.id), plain(&finding.message))
}

/// Returns the sentence of a finding: the verdict unless it is a failure, the resource, and the message.
pub(super) fn sentence(finding: &Finding<'_>) -> String {
    match (finding.verdict, &finding.waiver) {
        (Verdict::Fail, _) => message(finding),
        (Verdict::Waived, Some(by)) => {
            let (original, words) = (verdict(finding.original()), plain(&by.words()).into_owned());
            format!("waived: {original}: {}; waived {words}", message(finding))
        }
        (other, _) => format!("{}: {}", verdict(other), message(finding)),
    }
}

/// Returns the message of a diagnostic with its help.
pub(super) fn problem(found: &Diagnostic<'_>, separator: &str) -> String {
    let help = found.help.iter().map(|help| format!("{separator}help: {}", plain(help)));
    std::iter::once(plain(&found.message).into_owned()).chain(help).collect()
}

/// Returns a hash of each diagnostic. It does not depend on lines: equal diagnostics of a file differ by their number.
pub(super) fn fingerprints(diagnostics: &[Diagnostic<'_>]) -> Vec<String> {
    let mut seen: BTreeMap<[&str; 3], usize> = BTreeMap::new();
    let mut hashes = Vec::with_capacity(diagnostics.len());
    for found in diagnostics {
        let file = found.labels.first().map_or("", |label| &*label.span.file);
        let [code, message] = [&*found.code, &*found.message];
        let count = seen.entry([code, file, message]).or_insert(0);
        *count += 1;
        hashes.push(fingerprint_of(&[code, file, message, &count.to_string()]));
    }
    hashes
}

/// Returns the number of verdicts of each kind, as a list in a sentence.
pub(super) fn totals(document: &Document<'_>) -> String {
    let count = |kind: &Verdict| document.summary.verdicts.get(kind).copied().unwrap_or(0);
    let given = Verdict::ALL.into_iter().filter(|kind| *kind != Verdict::Waived || count(kind) > 0);
    given.map(|kind| format!("{} {}", count(&kind), verdict(kind))).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::path;
    use crate::render::Repository;

    #[test]
    fn paths_are_relative_to_the_repository() {
        let in_folder = |folder: &str| Repository { root: "/srv/repository".to_owned(), folder: folder.to_owned() };
        let (root, below) = (in_folder(""), in_folder("accounts/eu"));
        let cases = [
            ("/srv/repository/a b.json", "a b.json", "a b.json"),
            ("/srv/repository/../a.json", "/srv/repository/../a.json", "/srv/repository/../a.json"),
            ("/srv/repository-2/a.json", "/srv/repository-2/a.json", "/srv/repository-2/a.json"),
            ("./././a/./b.json", "a/b.json", "accounts/eu/a/b.json"),
            ("../a.json", "../a.json", "accounts/a.json"),
            ("../../../a.json", "../../../a.json", "../../../a.json"),
            ("-", "-", "-"),
        ];
        for (given, in_root, in_below) in cases {
            assert_eq!((&*path(given, Some(&root)), &*path(given, Some(&below))), (in_root, in_below), "{given}");
        }
        assert_eq!(path("/srv/repository/a.json", None), "/srv/repository/a.json");
    }
}
