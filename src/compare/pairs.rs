//! The verdicts of a document by fingerprint.

use crate::diagnostic::{Code, Diagnostic};
use crate::engine::Verdict;
use crate::policy::CheckSeverity;
use crate::render::document::{Check, Document, Reason, Resource};
use crate::report::CheckState;
use std::collections::{BTreeMap, BTreeSet};

/// A verdict of a document.
#[derive(Debug, Clone)]
pub(super) struct Pair<'d> {
    pub check: &'d str,
    pub account: &'d str,
    pub resource: &'d Resource<'d>,
    pub verdict: Verdict,
    /// The id of the waiver, if the verdict is waived.
    pub waiver: Option<&'d str>,
    pub reasons: Vec<Reason<'d>>,
}

/// The verdicts of a document by fingerprint, and its checks and accounts.
#[derive(Debug)]
pub(super) struct Pairs<'d> {
    pub document: &'d Document<'d>,
    pub by_fingerprint: BTreeMap<&'d str, Pair<'d>>,
    pub checks: BTreeMap<&'d str, &'d Check<'d>>,
    accounts: BTreeSet<&'d str>,
    /// The clauses of each check that decided a verdict.
    pub clauses: BTreeMap<&'d str, BTreeSet<String>>,
    /// The lists that were not captured in full: check, account, type, and the beginning of the ids of their elements.
    lists: BTreeSet<(&'d str, &'d str, &'d str, &'d str)>,
}

impl Pair<'_> {
    /// Returns whether the verdict is about all resources of a list that was not captured in full.
    pub(super) fn is_list(&self) -> bool {
        self.resource.identity.as_ref().is_some_and(|identity| identity.form.contains('*'))
    }
}

impl<'d> Pairs<'d> {
    /// Indexes a document with the name `name`. Without `all`, the verdicts are those that every report has: failures,
    /// unknown and waived ones.
    ///
    /// # Errors
    /// When two verdicts have one fingerprint, or two snapshots one account: they cannot be compared.
    pub(super) fn of(document: &'d Document<'d>, name: &str, all: bool) -> Result<Self, Diagnostic> {
        let findings = document.findings.iter().map(|it| {
            let pair = Pair {
                check: &it.check,
                account: &it.account,
                resource: &it.resource,
                verdict: it.verdict,
                waiver: it.waiver.as_ref().map(|waiver| &*waiver.id),
                reasons: it.reasons(),
            };
            (&*it.fingerprint, pair)
        });
        let others = document.other_verdicts.iter().flatten().map(|it| {
            let pair = Pair {
                check: &it.check,
                account: &it.account,
                resource: &it.resource,
                verdict: it.verdict,
                waiver: None,
                reasons: it.reasons.clone(),
            };
            (&*it.fingerprint, pair)
        });
        let is_wanted = |pair: &Pair<'_>| all || pair.verdict <= Verdict::Waived;
        let mut by_fingerprint = BTreeMap::new();
        for (fingerprint, pair) in findings.chain(others).filter(|(_, pair)| is_wanted(pair)) {
            if by_fingerprint.insert(fingerprint, pair).is_some() {
                let message = format!("`{name}` has two verdicts with the fingerprint `{fingerprint}`");
                return Err(Diagnostic::error(Code::SavedReport, message)
                    .help("compare one snapshot of each account, and give the root entity of the schema a `@key`"));
            }
        }
        let mut accounts = BTreeSet::new();
        for account in document.run.snapshots.iter().filter_map(|snapshot| snapshot.account.as_deref()) {
            if !accounts.insert(account) {
                let message = format!("`{name}` has two snapshots with the account id {account:?}");
                return Err(Diagnostic::error(Code::SavedReport, message)
                    .help("compare one snapshot of each account, and give the root entity of the schema a `@key`"));
            }
        }
        let lists = by_fingerprint.values().filter(|pair: &&Pair<'d>| pair.is_list());
        let lists = lists.filter_map(|list| {
            Some((list.check, list.account, &*list.resource.ty, list.resource.id.strip_suffix('*')?))
        });
        let mut clauses: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for pair in by_fingerprint.values() {
            let texts = pair.reasons.iter().map(|reason| reason.clause.to_string());
            clauses.entry(pair.check).or_default().extend(texts);
        }
        Ok(Self {
            document,
            clauses,
            lists: lists.collect(),
            by_fingerprint,
            checks: document.checks.iter().map(|check| (&*check.id, check)).collect(),
            accounts,
        })
    }

    /// Returns whether a check was run on an account.
    pub(super) fn has_judged(&self, check: &str, account: &str) -> bool {
        let is_run = |check: &&&Check<'_>| matches!(check.state, CheckState::Run | CheckState::NoResources);
        self.checks.get(check).filter(is_run).is_some() && self.accounts.contains(account)
    }

    /// Returns whether the list of a resource was not captured in full, and the resource, or the list that the verdict is
    /// about, may be one of its elements or in one.
    pub(super) fn lacks_list_of(&self, pair: &Pair<'_>) -> bool {
        let id = &*pair.resource.id;
        let ends = std::iter::once(0).chain(id.match_indices('/').map(|(at, _)| at + 1));
        let mut around = ends.filter_map(|end| id.get(..end));
        // A list may be in an instance of an outer list.
        around.any(|around| self.lists.contains(&(pair.check, pair.account, &pair.resource.ty, around)))
    }

    /// Returns the title and the severity of a check.
    pub(super) fn described(&self, check: &str) -> Option<(&'d str, CheckSeverity)> {
        self.checks.get(check).map(|check| (&*check.title, check.severity))
    }
}
