//! The data of the page.

use super::Asset;
use super::areas::Areas;
use super::listing::{self, Listing};
use super::words::{self, many};
use crate::engine::Verdict;
use crate::policy::CheckSeverity;
use crate::render::document::{ByControl, Check, Counts, Diagnostic, Document, Finding, Snapshot, Text, add};
use crate::render::gaps::{Gap, blocked, blocked_checks, gaps};
use crate::render::totals::{baseline, reason};
use crate::report::controls::ControlStatus;
use crate::report::{Change, CheckState, Engine, FileRole, Status, WaiverUse};
use askama::Template;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// The page.
#[derive(Template)]
#[template(path = "page.html")]
pub(super) struct Page<'d> {
    style: Asset,
    script: Asset,
    document: &'d Document<'d>,
    title: String,
    /// The status in a few words, and the class of its colour.
    heading: String,
    tone: &'static str,
    reason: String,
    totals: Vec<Total>,
    facts: Vec<(&'static str, String)>,
    /// The verdicts that tables have columns for.
    columns: Vec<Verdict>,
    waived: bool,
    severities: Vec<(CheckSeverity, usize)>,
    verdicts: Vec<(Verdict, usize)>,
    /// The changes since the baseline, if the run has one.
    changes: Vec<(&'static str, usize)>,
    areas: Areas<'d>,
    groups: Vec<Group<'d>>,
    /// The position of the group of each check with findings.
    group_of: BTreeMap<&'d str, usize>,
    gaps: Vec<Gap<'d>>,
    missing: String,
    several: bool,
    files: Vec<PolicyFile<'d>>,
    frameworks: Vec<Framework<'d>>,
    checks: Vec<CheckRow<'d>>,
    snapshots: Vec<SnapshotRow<'d>>,
}

/// The number of verdicts of one kind, with its part of the bar.
struct Total {
    verdict: Verdict,
    count: usize,
    from: usize,
    width: usize,
}

/// The findings of one check.
struct Group<'d> {
    at: usize,
    id: &'d str,
    title: &'d str,
    severity: CheckSeverity,
    overridden: Option<String>,
    counts: Vec<(Verdict, usize)>,
    remedy: Option<&'d str>,
    link: Option<&'d str>,
    findings: Vec<(&'d Finding<'d>, String)>,
}

/// A finding, with the parts that are shown when it is opened.
#[derive(Template)]
#[template(path = "finding.html")]
struct Row<'d> {
    finding: &'d Finding<'d>,
    anchor: &'d str,
    change: Option<&'static str>,
    account: Option<&'d str>,
    part: Option<&'d str>,
    place: Option<String>,
    waiver: Option<String>,
    waiver_place: String,
    policy: Vec<Listing<'d>>,
    snapshot: Vec<Listing<'d>>,
}

/// A link to the row of a check.
#[derive(Template)]
#[template(source = r##"<a href="#{{ at }}">{{ id }}</a>"##, ext = "html")]
struct Link<'d> {
    at: String,
    id: &'d str,
}

struct Problem<'d> {
    found: &'d Diagnostic<'d>,
    listings: Vec<Listing<'d>>,
}

struct PolicyFile<'d> {
    name: &'d str,
    checks: usize,
    counts: Counts,
}

struct Framework<'d> {
    totals: Vec<(ControlStatus, usize)>,
    table: ByControl<'d>,
}

struct CheckRow<'d> {
    at: usize,
    check: &'d Check<'d>,
    group: Option<usize>,
    result: &'static str,
    kind: &'static str,
    policy: String,
}

struct SnapshotRow<'d> {
    snapshot: &'d Snapshot<'d>,
    counts: Counts,
}

impl<'d> Page<'d> {
    /// Returns the page of a document.
    pub(super) fn of(document: &'d Document<'d>) -> Self {
        let count = |verdict: Verdict| words::count(&document.summary.verdicts, &verdict);
        let run = &document.run;
        let groups = groups(document);
        let group_of: BTreeMap<&str, usize> = groups.iter().map(|group| (group.id, group.at)).collect();
        let gaps = gaps(document);
        let blocks = if gaps.len() == 1 { "blocks" } else { "block" };
        let (verdicts, of_checks) = (many(blocked(&gaps), "verdict"), many(blocked_checks(&gaps), "check"));
        let missing = format!("{} {blocks} {verdicts} of {of_checks}", many(gaps.len(), "place"));
        let waived = count(Verdict::Waived) > 0;
        let reasons: Vec<String> = run.statuses.iter().map(|status| reason(*status, document)).collect();
        let (heading, tone) = heading(document);
        Self {
            style: Asset::new(include_str!("page.css")),
            script: Asset::new(include_str!("page.js")),
            document,
            title: format!("{heading} · {}", subject(document)),
            heading,
            tone,
            reason: reasons.into_iter().chain(baseline(document)).collect::<Vec<_>>().join("; "),
            totals: totals(document),
            facts: facts(document),
            columns: Verdict::ALL.into_iter().filter(|verdict| *verdict != Verdict::Waived || waived).collect(),
            waived,
            severities: tally(CheckSeverity::ALL.into_iter().rev(), document, |finding| finding.severity),
            verdicts: tally(Verdict::ALL.into_iter(), document, |finding| finding.verdict),
            changes: changes(document),
            areas: Areas::of(document),
            checks: document.checks.iter().enumerate().map(|it| check_row(it, &group_of)).collect(),
            groups,
            group_of,
            gaps,
            missing,
            several: run.snapshots.len() > 1,
            files: policy_files(document),
            frameworks: frameworks(document),
            snapshots: run.snapshots.iter().map(snapshot_row).collect(),
        }
    }

    /// Returns the row of a finding.
    fn row(&self, (finding, anchor): &'d (&'d Finding<'d>, String)) -> Row<'d> {
        Row {
            finding,
            anchor,
            change: finding.baseline.map(Change::name),
            account: Some(&*finding.account).filter(|_| self.areas.accounts.len() > 1),
            part: self.areas.part_of(finding),
            place: finding
                .snapshot_place()
                .map(|span| format!("{}:{}:{}", file_name(&span.file), span.start.line, span.start.column)),
            waiver: finding.waiver.as_ref().map(|by| {
                format!(
                    "The verdict without the waiver is {}. Waived {}",
                    words::verdict(&finding.original()),
                    by.words()
                )
            }),
            waiver_place: finding.waiver.as_ref().map(|by| by.span.shown()).unwrap_or_default(),
            policy: listing::policy(finding),
            snapshot: listing::snapshot(finding),
        }
    }

    /// Returns a link to the findings of a check.
    fn link(&self, id: &'d str) -> Link<'d> {
        let row = || self.checks.iter().find(|row| row.check.id == id).map_or(0, |row| row.at);
        Link { at: self.group_of.get(id).map_or_else(|| format!("c{}", row()), |at| format!("g{at}")), id }
    }

    /// Returns the places of the settings that weaken the gate.
    fn weakens(&self) -> Vec<Listing<'d>> {
        let weakens = self.document.run.configuration.iter().flat_map(|configuration| &configuration.weakens);
        listing::labelled(weakens.map(|it| (&it.span, format!("{}: {}", it.setting, it.effect))).collect())
    }

    /// Returns the diagnostics with their places.
    fn problems(&self) -> impl Iterator<Item = Problem<'d>> {
        self.document.diagnostics.iter().map(|found| {
            let places = found.labels.iter().map(|label| (&label.span, label.text.to_string())).collect();
            Problem { found, listings: listing::labelled(places) }
        })
    }
}

/// Returns the last part of a path.
fn file_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// Returns the number of findings of each kind that occurs.
fn tally<T: PartialEq>(
    kinds: impl Iterator<Item = T>,
    document: &Document<'_>,
    kind_of: impl Fn(&Finding<'_>) -> T,
) -> Vec<(T, usize)> {
    let count = |kind: T| {
        let count = document.findings.iter().filter(|finding| kind_of(finding) == kind).count();
        (kind, count)
    };
    kinds.map(count).filter(|(_, count)| *count > 0).collect()
}

/// Returns the number of findings with each change since the baseline.
fn changes(document: &Document<'_>) -> Vec<(&'static str, usize)> {
    let count = |change| document.findings.iter().filter(|finding| finding.baseline == Some(change)).count();
    Change::ALL.into_iter().map(|change| (change.name(), count(change))).filter(|(_, count)| *count > 0).collect()
}

/// Returns the status in a few words, and the class of its colour. A run with unknown verdicts has not passed.
fn heading(document: &Document<'_>) -> (String, &'static str) {
    let count = |verdict: Verdict| words::count(&document.summary.verdicts, &verdict);
    let unknown = count(Verdict::Unknown);
    let new = if document.run.baseline.is_some() { "new or worse " } else { "" };
    let counted = |verdict, noun: &str| many(document.uncovered(verdict), &format!("{new}{noun}"));
    match document.run.statuses.first() {
        Some(Status::Invalid) | None => ("Invalid inputs".to_owned(), "fail"),
        Some(Status::Findings) => (counted(Verdict::Fail, "failure"), "fail"),
        Some(Status::Incomplete) => (counted(Verdict::Unknown, "unknown verdict"), "unknown"),
        Some(Status::Clean) if document.run.baseline.is_some() && count(Verdict::Fail) + unknown > 0 => {
            ("Nothing new or worse".to_owned(), "unknown")
        }
        Some(Status::Nothing) => ("Nothing was decided".to_owned(), "unknown"),
        Some(Status::Clean) if unknown > 0 => ("No failure, with unknown verdicts".to_owned(), "unknown"),
        Some(Status::Clean) if count(Verdict::Fail) > 0 => ("No failure above the threshold".to_owned(), "pass"),
        Some(Status::Clean) => ("No failure".to_owned(), "pass"),
    }
}

/// Returns the snapshot, or the number of snapshots.
fn subject(document: &Document<'_>) -> String {
    match &document.run.snapshots[..] {
        [one] => one.path.to_string(),
        _ => many(document.summary.accounts, "snapshot"),
    }
}

fn totals(document: &Document<'_>) -> Vec<Total> {
    let count = |verdict: Verdict| words::count(&document.summary.verdicts, &verdict);
    let all = Verdict::ALL.into_iter().map(count).sum::<usize>().max(1);
    let shown = Verdict::ALL.into_iter().filter(|verdict| *verdict != Verdict::Waived || count(*verdict) > 0);
    let mut before = 0;
    shown
        .map(|verdict| {
            let from = scaled(before, all);
            before += count(verdict);
            Total { verdict, count: count(verdict), from, width: scaled(before, all) - from }
        })
        .collect()
}

/// Returns a share of a whole in thousandths.
fn scaled(part: usize, whole: usize) -> usize {
    part.saturating_mul(1000).checked_div(whole).unwrap_or(0)
}

/// Returns the inputs and the options of the run, by name. Further properties of a run have their lines here.
fn facts(document: &Document<'_>) -> Vec<(&'static str, String)> {
    let run = &document.run;
    let mut facts = vec![("Snapshot", subject(document))];
    if let [one] = &run.snapshots[..] {
        facts.extend(one.account.as_ref().map(|account| ("Account", account.to_string())));
        facts.extend(one.captured_at.as_ref().map(|at| ("Captured", at.to_string())));
    }
    let version = run.pack_version.as_ref().map_or_else(String::new, |version| format!(" {version}"));
    facts.push(("Policies", format!("{}{version}", run.pack)));
    facts.push(("As of", run.now.to_string()));
    let unknown = if run.allow_unknown { "unknown is tolerated" } else { "unknown is not tolerated" };
    facts.push(("Threshold", format!("{}; {unknown}", run.fail_on.name())));
    facts.extend(run.max_snapshot_age.as_ref().map(|age| ("Maximal age of snapshots", age.to_string())));
    facts.extend(run.baseline.as_ref().map(|it| ("Baseline", format!("{}, as of {}", it.path, it.now))));
    facts.extend(run.configuration.as_ref().map(|it| ("Configuration", it.path.to_string())));
    if run.waivers == WaiverUse::Ignored {
        facts.push(("Waivers", "ignored".to_owned()));
    }
    if run.engine == Engine::Reference {
        facts.push(("Engine", "reference".to_owned()));
    }
    facts
}

/// Returns the findings by check, the most severe first.
fn groups<'d>(document: &'d Document<'d>) -> Vec<Group<'d>> {
    let checks: BTreeMap<&str, &Check<'_>> = document.checks.iter().map(|check| (&*check.id, check)).collect();
    let mut by_check: BTreeMap<&str, Vec<&Finding<'_>>> = BTreeMap::new();
    for finding in &document.findings {
        by_check.entry(&finding.check).or_default().push(finding);
    }
    let mut by_check: Vec<(&str, Vec<&Finding<'_>>)> = by_check.into_iter().collect();
    by_check.sort_by_key(|(id, findings)| {
        let worst = findings.first().map(|first| (Reverse(first.severity), first.verdict));
        (worst, *id)
    });
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let group = |(at, (id, findings)): (usize, (&'d str, Vec<&'d Finding<'d>>))| {
        let first = *findings.first()?;
        let check = checks.get(id);
        let count = |verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
        let link = check.and_then(|check| check.source.as_deref());
        Some(Group {
            at,
            id,
            title: &first.title,
            severity: first.severity,
            overridden: check.and_then(|check| check.overridden.as_ref()).map(|overridden| {
                format!("The policy has the severity {}. {}", overridden.severity.name(), overridden.reason)
            }),
            counts: Verdict::ALL.into_iter().map(|it| (it, count(it))).filter(|(_, count)| *count > 0).collect(),
            remedy: check.and_then(|check| check.remediation.as_deref()).or(first.remediation.as_deref()),
            link: link.filter(|link| link.starts_with("https://") || link.starts_with("http://")),
            findings: findings.into_iter().map(|finding| (finding, anchor(finding, &mut seen))).collect(),
        })
    };
    by_check.into_iter().enumerate().filter_map(group).collect()
}

/// Returns the anchor of a finding. Accounts with equal ids have findings with equal fingerprints, which get a number.
fn anchor<'d>(finding: &'d Finding<'_>, seen: &mut BTreeMap<&'d str, usize>) -> String {
    let times = seen.entry(&finding.fingerprint).or_insert(0);
    *times += 1;
    if *times == 1 { format!("f-{}", finding.fingerprint) } else { format!("f-{}-{times}", finding.fingerprint) }
}

/// Returns the verdicts by policy file.
fn policy_files<'d>(document: &'d Document<'_>) -> Vec<PolicyFile<'d>> {
    let mut files: BTreeMap<&str, (usize, Counts)> = BTreeMap::new();
    let policies = document.run.pack_files.iter().filter(|file| file.role == FileRole::Policies);
    for file in policies {
        files.insert(&file.path, (0, Counts::new()));
    }
    for check in &document.checks {
        let name = check.policy.as_ref().map_or("not stated in this report", |span| &*span.file);
        let (checks, counts) = files.entry(name).or_default();
        *checks += 1;
        add(counts, &check.counts);
    }
    files.into_iter().map(|(name, (checks, counts))| PolicyFile { name, checks, counts }).collect()
}

/// Returns the frameworks that the checks name, with their controls.
fn frameworks<'d>(document: &'d Document<'d>) -> Vec<Framework<'d>> {
    let names: BTreeSet<&Text<'d>> = document.checks.iter().flat_map(|check| check.controls.keys()).collect();
    names.into_iter().map(|name| framework(document, name)).collect()
}

fn framework<'d>(document: &'d Document<'d>, name: &Text<'d>) -> Framework<'d> {
    let table = ByControl::of(&document.checks, name);
    let all = [ControlStatus::Failed, ControlStatus::Partial, ControlStatus::NotJudged, ControlStatus::Passed];
    let count = |status| table.controls.iter().filter(|control| control.standing == status).count();
    let totals = all.into_iter().map(|status| (status, count(status))).filter(|(_, count)| *count > 0).collect();
    Framework { totals, table }
}

fn check_row<'d>((at, check): (usize, &'d Check<'d>), group_of: &BTreeMap<&str, usize>) -> CheckRow<'d> {
    let given = |verdict| check.count(verdict) > 0;
    let (result, kind) = match check.state {
        CheckState::Invalid => ("invalid", "fail"),
        CheckState::Deselected => ("deselected", "none"),
        CheckState::NoResources => ("no resources", "none"),
        CheckState::Run if given(Verdict::Fail) => ("failed", "fail"),
        CheckState::Run if given(Verdict::Unknown) => ("unknown", "unknown"),
        CheckState::Run if given(Verdict::Waived) => ("waived", "waived"),
        CheckState::Run if given(Verdict::Pass) => ("passed", "pass"),
        CheckState::Run => ("not applicable", "none"),
    };
    let policy =
        check.policy.as_ref().map_or_else(String::new, |span| format!("{}:{}", file_name(&span.file), span.start.line));
    CheckRow { at, check, group: group_of.get(&*check.id).copied(), result, kind, policy }
}

fn snapshot_row<'d>(snapshot: &'d Snapshot<'d>) -> SnapshotRow<'d> {
    let mut counts = Counts::new();
    snapshot.checks.values().for_each(|check| add(&mut counts, &check.counts));
    SnapshotRow { snapshot, counts }
}
