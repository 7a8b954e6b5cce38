//! The types of a report: the run, its accounts and its checks.

use super::baseline::Compared;
use super::finding::Finding;
use super::identity::Identity;
use super::listed::{ListedVerdict, explained, identities};
use super::needs::{Evidence, Needs};
use super::run::{RunReport, SnapshotReport};
use super::waiver::{AccountCoverage, WaiverReport};
use crate::diagnostic::{Code, Diagnostic, DiagnosticLevel};
use crate::engine::{Sought, Verdict, VerdictCounts};
use crate::ids::IdVec;
use crate::policy::{CheckId, CheckSeverity, Overridden, WaiverId};
use crate::snapshot::{ReadTimes, Secrets};
use crate::source::Place;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

/// The results of a run.
#[derive(Debug)]
pub struct Report {
    /// The inputs and the options.
    pub run: RunReport,
    /// All checks of the pack, run or not, in order of ids.
    pub checks: IdVec<CheckId, CheckReport>,
    /// All waivers of the run, in order of ids.
    pub waivers: IdVec<WaiverId, WaiverReport>,
    /// The verdicts that outputs need, the most severe first.
    pub(crate) listed: Vec<ListedVerdict>,
    /// The problems of the inputs, up to the needs of the outputs.
    pub diagnostics: Vec<Diagnostic>,
    /// For every diagnostic about an account, the number of earlier ones of its kind. The order is that of
    /// `diagnostics`; the last diagnostics may have no entry.
    pub(super) ranks: Vec<Option<usize>>,
    /// The number of diagnostics about accounts in `diagnostics`.
    pub(super) shown: DiagnosticCounts,
    /// The number of diagnostics that the report does not keep.
    pub suppressed: DiagnosticCounts,
    /// Whether the pack, a parameter or the selection is invalid. Then every account may lack verdicts.
    pub invalid: bool,
    /// Different ids of accounts: one more than messages list.
    pub ids_seen: Vec<SmolStr>,
    /// The ids of all accounts.
    pub(crate) account_ids: HashSet<SmolStr>,
    /// The number of snapshots with the id of an earlier account.
    pub(crate) repeated: usize,
    /// The first of these snapshots, with its id.
    pub(crate) first_repeated: Option<(String, SmolStr)>,
    /// The instances for which a parameter is set.
    pub(crate) scopes: Vec<SoughtInstance>,
    /// The instances that entity literals in conditions name.
    pub(crate) literals: Vec<SoughtInstance>,
    /// The number of properties of snapshots that the schema does not declare.
    pub other_properties: usize,
    /// The number of files in directories that are not snapshots.
    pub skipped: usize,
    /// The number of reports of Deodar in directories.
    pub skipped_reports: usize,
    /// The secrets of the texts that findings and diagnostics refer to. Outputs mask them.
    pub secrets: Vec<Secrets>,
    /// The durations of the steps, summed over all threads.
    pub times: Times,
}

/// An instance that a setting or a policy names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SoughtInstance {
    /// The name of its type.
    pub ty: SmolStr,
    /// Its id.
    pub id: SmolStr,
    /// The best match in the judged snapshots; `None` before the first one.
    pub found: Option<Sought>,
}

impl SoughtInstance {
    pub(crate) fn new(ty: &str, id: &SmolStr) -> Self {
        Self { ty: ty.into(), id: id.clone(), found: None }
    }

    /// Adds the result of a snapshot.
    pub(super) fn absorb(&mut self, sought: Sought) {
        match &self.found {
            Some(Sought::Found) => {}
            Some(_) if matches!(sought, Sought::Others(_)) => {}
            Some(Sought::Similar(_)) if sought != Sought::Found => {}
            _ => self.found = Some(sought),
        }
    }
}

/// The number of diagnostics by code and severity.
pub type DiagnosticCounts = BTreeMap<(Code, DiagnosticLevel), usize>;

/// The results of one account.
#[derive(Debug, Clone)]
pub struct AccountReport {
    /// Its snapshot.
    pub snapshot: SnapshotReport,
    /// The id of its root entity; `None` if it was not judged.
    pub id: Option<SmolStr>,
    /// The number of each verdict, by check.
    pub counts: IdVec<CheckId, VerdictCounts>,
    /// The verdicts of these checks, compared with the baseline; empty without one.
    pub compared: IdVec<CheckId, Compared>,
    /// The verdicts that outputs need.
    pub(crate) listed: Vec<ListedVerdict>,
    /// For checks with waived verdicts that are unknown without the waiver, their number.
    pub waived_unknown: Vec<(CheckId, usize)>,
    /// The coverage of the waivers that were used.
    pub coverages: Vec<AccountCoverage>,
    /// The problems of the snapshot.
    pub diagnostics: Vec<Diagnostic>,
    /// For every instance with settings of parameters, the best match in the snapshot; empty if it was not judged.
    pub scopes: Vec<Sought>,
    /// For every instance that a condition names, the best match in the snapshot; empty if it was not judged.
    pub literals: Vec<Sought>,
    /// The number of properties that the schema does not declare.
    pub other_properties: usize,
    /// The secrets of the snapshot; `None` if the schema does not declare any.
    pub secrets: Option<Secrets>,
    /// The durations of the steps.
    pub times: Times,
}

impl AccountReport {
    /// Returns the report of an account without verdicts, for a number of checks.
    pub(crate) fn unjudged(snapshot: SnapshotReport, checks: usize) -> Self {
        Self {
            snapshot,
            id: None,
            counts: vec![VerdictCounts::default(); checks].into(),
            compared: IdVec::new(),
            listed: Vec::new(),
            waived_unknown: Vec::new(),
            coverages: Vec::new(),
            diagnostics: Vec::new(),
            scopes: Vec::new(),
            literals: Vec::new(),
            other_properties: 0,
            secrets: None,
            times: Times::default(),
        }
    }

    /// Returns the verdicts of the findings that an output needs.
    pub(crate) fn listed_for(&self, needs: &Needs) -> Vec<&ListedVerdict> {
        let is_shown = |it: &&ListedVerdict| needs.is_finding(it.verdict()) && needs.shows(it.change);
        self.listed.iter().filter(is_shown).collect()
    }

    /// Returns the other verdicts.
    pub(crate) fn others_for(&self, needs: &Needs) -> Vec<&ListedVerdict> {
        self.listed.iter().filter(|it| !needs.is_finding(it.verdict())).collect()
    }
}

/// The durations of the steps of a run, and the size of its snapshots.
#[derive(Debug, Clone, Copy, Default)]
pub struct Times {
    /// The size of the snapshots in bytes.
    pub bytes: usize,
    /// Split, decode and resolve.
    pub read: ReadTimes,
    /// The computation of derived attributes.
    pub derive: Duration,
    /// The computation of verdicts.
    pub judge: Duration,
    /// The selection of the verdicts that outputs show.
    pub list: Duration,
}

impl Times {
    pub(super) fn add(&mut self, other: &Times) {
        self.bytes += other.bytes;
        self.read.split += other.read.split;
        self.read.decode += other.read.decode;
        self.read.resolve += other.read.resolve;
        self.derive += other.derive;
        self.judge += other.judge;
        self.list += other.list;
    }
}

/// A check of a run.
#[derive(Debug, Clone)]
pub struct CheckReport {
    /// Its id.
    pub id: SmolStr,
    /// Its title.
    pub title: SmolStr,
    /// Its severity.
    pub severity: CheckSeverity,
    /// The severity in the policy, if the project replaced it.
    pub overridden: Option<Overridden>,
    /// The remedy of a failure.
    pub remediation: Option<SmolStr>,
    /// The address of the recommendation that it implements.
    pub reference: Option<SmolStr>,
    /// Controls by framework.
    pub controls: Vec<(SmolStr, Vec<SmolStr>)>,
    /// Its policy.
    pub policy: Place,
    /// Whether it was run.
    pub state: CheckState,
    /// The ids of accounts in its scope. If there are any, it judges only these accounts.
    pub accounts: Vec<SmolStr>,
    /// Whether an account in its scope was judged.
    pub judged: bool,
    /// The number of each verdict.
    pub counts: VerdictCounts,
    /// The number of listed verdicts.
    pub listed: VerdictCounts,
    /// The verdicts, compared with the baseline; zero without one.
    pub compared: Compared,
    /// The number of waived verdicts that are unknown without the waiver.
    pub waived_unknown: usize,
}

impl CheckReport {
    /// Returns the number of resources with a verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.counts[verdict]
    }

    /// Returns the number of all verdicts.
    pub fn total(&self) -> usize {
        self.counts.total()
    }

    /// Returns its state after the run.
    pub fn outcome(&self) -> CheckState {
        self.state.after(&self.counts)
    }
}

/// Whether a check was run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    /// The check was run.
    Run,
    /// The check was run, and the snapshots have no resource for it.
    NoResources,
    /// The selection of the user excludes the check.
    Deselected,
    /// The check, or a derivation that it depends on, is invalid.
    Invalid,
}

impl CheckState {
    /// Returns the state of a check with these verdicts.
    pub fn after(self, counts: &VerdictCounts) -> Self {
        if self == CheckState::Run && counts.total() == 0 { CheckState::NoResources } else { self }
    }
}

impl Report {
    /// Returns the explained verdicts, the most severe first. A call may explain them anew.
    pub fn findings(&self) -> Vec<Finding> {
        let findings = explained(&self.listed.iter().collect::<Vec<_>>());
        findings.into_iter().map(Arc::unwrap_or_clone).collect()
    }

    /// Returns the fingerprints of the listed verdicts with these verdicts.
    pub fn fingerprints(&self) -> Vec<(String, Verdict)> {
        let listed: Vec<&ListedVerdict> = self.listed.iter().collect();
        let verdicts = listed.iter().map(|listed| listed.verdict());
        identities(&listed).iter().map(Identity::fingerprint).zip(verdicts).collect()
    }

    /// Returns the verdicts of the findings that an output needs, in order: the first ones of each check and verdict.
    pub(crate) fn listed_for(&self, needs: &Needs) -> Vec<&ListedVerdict> {
        let is_shown = |it: &&ListedVerdict| needs.is_finding(it.verdict()) && needs.shows(it.change);
        let wanted: Vec<&ListedVerdict> = self.listed.iter().filter(is_shown).collect();
        let same = wanted.chunk_by(|a, b| (a.check, a.verdict()) == (b.check, b.verdict()));
        same.flat_map(|same| same.iter().take(needs.findings.most())).copied().collect()
    }

    /// Returns the other verdicts, by check and place.
    pub(crate) fn others_for(&self, needs: &Needs) -> Vec<&ListedVerdict> {
        let is_kept = needs.findings != Evidence::None;
        let others = self.listed.iter().filter(|it| is_kept && !needs.is_finding(it.verdict()));
        let mut others: Vec<&ListedVerdict> = others.collect();
        others.sort_by_key(|it| (it.check, it.number, it.order));
        others
    }

    /// Returns the diagnostics that an output needs, in order, and the number of the others.
    ///
    /// Every output needs the diagnostics that are not about an account.
    pub fn diagnostics_for(&self, needs: &Needs) -> (Vec<&Diagnostic>, DiagnosticCounts) {
        let (mut shown, mut others) = (Vec::new(), self.suppressed.clone());
        let ranks = self.ranks.iter().copied().chain(std::iter::repeat(None));
        for (diagnostic, rank) in self.diagnostics.iter().zip(ranks) {
            if rank.is_none_or(|rank| rank < needs.diagnostics.most()) {
                shown.push(diagnostic);
            } else {
                *others.entry((diagnostic.code, diagnostic.level)).or_insert(0) += 1;
            }
        }
        (shown, others)
    }

    /// Returns the number of diagnostics of a severity, including those that the report does not keep.
    pub fn problems(&self, severity: DiagnosticLevel) -> usize {
        let shown = self.diagnostics.iter().filter(|diagnostic| diagnostic.level == severity).count();
        let suppressed = self.suppressed.iter().filter(|((_, level), _)| *level == severity);
        shown + suppressed.map(|(_, count)| count).sum::<usize>()
    }

    /// Returns the number of resources with a verdict, over all checks.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.checks.iter().map(|check| check.count(verdict)).sum()
    }

    /// Returns the checks that were run and did not find a resource.
    pub fn idle_checks(&self) -> impl Iterator<Item = &CheckReport> {
        self.checks.iter().filter(|check| check.outcome() == CheckState::NoResources)
    }
}
