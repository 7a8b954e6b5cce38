//! The common parts of outputs for platforms that show findings at lines of files: order, place, path and text.

use super::document::{Diagnostic, Document, Finding, Span};
use super::escape::plain;
use crate::engine::Verdict;
use crate::report::{Change, fingerprint_of};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Returns the findings by verdict, then severity, the worst first. Those that the baseline covers are last.
pub(super) fn by_severity<'d>(document: &'d Document<'_>) -> Vec<&'d Finding<'d>> {
    let mut findings: Vec<&Finding<'_>> = document.findings.iter().collect();
    let is_covered = |finding: &Finding<'_>| finding.baseline.is_some_and(Change::is_covered);
    findings.sort_by_key(|finding| (is_covered(finding), finding.verdict, Reverse(finding.severity)));
    findings
}

/// Returns the place of a finding: the first value with a place in a file, otherwise the first clause.
pub(super) fn primary<'d>(finding: &'d Finding<'_>) -> Option<&'d Span<'d>> {
    let mut reads = finding.clauses.iter().flat_map(|clause| &clause.reads);
    reads.find_map(|read| read.span.as_ref()).or_else(|| Some(&finding.clauses.first()?.span))
}

/// Returns a path as a platform expects it: an absolute path below the root of the repository becomes relative to it.
pub(super) fn path<'p>(path: &'p str, root: Option<&str>) -> &'p str {
    let below = root.and_then(|root| path.strip_prefix(root)?.strip_prefix('/'));
    let mut path = below.unwrap_or(path);
    while let Some(rest) = path.strip_prefix("./") {
        path = rest;
    }
    path
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

    #[test]
    fn paths_are_relative_to_the_repository() {
        let root = Some("/srv/repository");
        let cases = [
            ("/srv/repository/a b.json", "a b.json"),
            ("/srv/repository-2/a.json", "/srv/repository-2/a.json"),
            ("./././a/./b.json", "a/./b.json"),
            ("../a.json", "../a.json"),
            ("-", "-"),
        ];
        for (given, expected) in cases {
            assert_eq!(path(given, root), expected);
        }
        assert_eq!(path("/srv/repository/a.json", None), "/srv/repository/a.json");
    }
}
