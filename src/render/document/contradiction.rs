//! The parts of a saved document that contradict each other. A report is written as a whole, so one that was edited or cut
//! is refused.

use super::counts::{add, count};
use super::status::exit_code;
use super::{Account, ByControl, Check, Counts, Diagnostic, Document, Finding, Waiver};
use crate::diagnostic::DiagnosticLevel;
use crate::engine::Verdict;
use crate::policy::end_of;
use crate::report::{Change, CheckState, UnknownsReport, WaiverStatus, WaiverUse, fingerprint_of};
use crate::value::read_shown_datetime;
use std::collections::{BTreeMap, BTreeSet};

/// More verdicts than any run has.
const MOST_VERDICTS: usize = usize::MAX >> 16;

impl Document<'_> {
    /// Returns the first part of a run that does not agree with its counts.
    pub(super) fn contradiction(&self) -> Option<String> {
        let mut verdicts = Counts::new();
        self.checks.iter().for_each(|check| add(&mut verdicts, &check.counts));
        let mut findings: BTreeMap<(&str, Verdict), usize> = BTreeMap::new();
        for finding in &self.findings {
            *findings.entry((&finding.check, finding.verdict)).or_insert(0) += 1;
        }
        for other in self.other_verdicts.iter().flatten() {
            *findings.entry((&other.check, other.verdict)).or_insert(0) += 1;
        }
        let explained = |check: &Check<'_>, verdict| findings.get(&(&*check.id, verdict)).copied().unwrap_or(0);
        let is_explained = |check: &&Check<'_>| {
            let all = if self.other_verdicts.is_some() {
                &Verdict::ALL[..]
            } else {
                Verdict::ALL.get(..3).unwrap_or_default()
            };
            all.iter().copied().all(|verdict| explained(check, verdict) == check.count(verdict))
        };
        let ids: BTreeSet<&str> = self.checks.iter().map(|check| &*check.id).collect();
        let listed = |level| self.diagnostics.iter().filter(|found| found.severity == level).count();
        let summary = &self.summary;
        let Some(now) = read_shown_datetime(&self.run.now) else {
            return Some(format!("`{}` is not a time", self.run.now));
        };
        let mut captured = self.run.snapshots.iter().filter_map(|snapshot| snapshot.captured_at.as_deref());
        if let Some(text) = captured.find(|text| read_shown_datetime(text).is_none()) {
            return Some(format!("`{text}` is not a time"));
        }
        // Sums of numbers that are not larger do not overflow.
        let snapshots = self.run.snapshots.iter().flat_map(|snapshot| snapshot.checks.values());
        let of_snapshots = snapshots.map(|check| &check.counts);
        let mut counts = self.checks.iter().map(|check| &check.counts).chain(of_snapshots).chain([&summary.verdicts]);
        if counts.any(|counts| counts.values().any(|count| *count > MOST_VERDICTS)) {
            return Some("it counts more verdicts than a run has".to_owned());
        }
        if self.run.snapshots.len() != summary.accounts {
            return Some(format!("it lists {} of {} snapshots", self.run.snapshots.len(), summary.accounts));
        }
        if self.checks.len() != summary.checks
            || Verdict::ALL.iter().any(|it| count(&verdicts, *it) != count(&summary.verdicts, *it))
        {
            return Some("the totals are not those of the checks".to_owned());
        }
        if let Some(check) = self.checks.iter().find(|check| !is_explained(check)) {
            return Some(format!("the findings of `{}` are not those that it counts", check.id));
        }
        if let Some(finding) = self.findings.iter().find(|finding| !ids.contains(&*finding.check)) {
            return Some(format!("it has a finding of `{}` and no such check", finding.check));
        }
        if let Some(other) = self.other_verdicts.iter().flatten().find(|other| !ids.contains(&*other.check)) {
            return Some(format!("it has a verdict of `{}` and no such check", other.check));
        }
        if let Some(finding) = self.findings.iter().find(|finding| !self.is_waived_rightly(finding)) {
            return Some(format!("a finding of `{}` is not waived by a live waiver of the run", finding.check));
        }
        if let Some(waiver) = self.waivers.iter().find(|waiver| !self.is_counted_rightly(waiver)) {
            return Some(format!("the status of waiver `{}` is not that of its verdicts", waiver.id));
        }
        if let Some(waiver) = self.waivers.iter().find(|waiver| !waiver.is_in_time(now)) {
            return Some(format!("the status of waiver `{}` is not that of its last day", waiver.id));
        }
        if [(DiagnosticLevel::Error, summary.errors), (DiagnosticLevel::Warning, summary.warnings)]
            .into_iter()
            .any(|(level, counted)| listed(level) != counted)
        {
            return Some("the diagnostics are not those that it counts".to_owned());
        }
        if let Some(check) = self.misstated() {
            return Some(format!("the state of `{check}` is not that of its verdicts"));
        }
        if let Some(check) = self.miscounted() {
            return Some(format!("the findings of `{check}` are not those that its snapshots count"));
        }
        if let Some(finding) = self.findings.iter().find(|finding| !self.is_described(finding)) {
            return Some(format!("a finding of `{}` differs from its check or from its waiver", finding.check));
        }
        if let Some(fingerprint) = self.foreign_fingerprint() {
            return Some(format!("the fingerprint `{fingerprint}` is not that of its resource"));
        }
        if self.by_control.as_ref().is_some_and(|table| *table != ByControl::of(&self.checks, &table.framework)) {
            return Some("the verdicts by control are not those of its checks".to_owned());
        }
        if !self.is_compared() {
            return Some("the changes since the baseline are not those that it counts".to_owned());
        }
        let is_status = self.statuses() == self.run.statuses && exit_code(&self.run.statuses) == self.run.exit_code;
        (!is_status).then(|| "its status is not that of its verdicts".to_owned())
    }

    /// Returns the id of a check of the run or of a snapshot whose state is not that of its verdicts. A check that was not run
    /// was not run on any snapshot, and has no verdict. The id may be that of a check that the run does not have.
    fn misstated(&self) -> Option<&str> {
        let agrees = |of_run: CheckState, state: CheckState, counts: &Counts| {
            let is_given = counts.values().any(|count| *count > 0);
            match of_run {
                CheckState::Run | CheckState::NoResources if is_given => state == CheckState::Run,
                CheckState::Run | CheckState::NoResources => state == CheckState::NoResources,
                CheckState::Deselected | CheckState::Invalid => state == of_run && !is_given,
            }
        };
        let states: BTreeMap<&str, CheckState> = self.checks.iter().map(|check| (&*check.id, check.state)).collect();
        let wrong = self.checks.iter().find(|check| !agrees(check.state, check.state, &check.counts));
        let of_snapshots = self.run.snapshots.iter().flat_map(|snapshot| &snapshot.checks);
        let mut of_snapshots = of_snapshots.filter(|(id, check)| {
            let of_run = states.get(&***id);
            !of_run.is_some_and(|of_run| agrees(*of_run, check.state, &check.counts))
        });
        wrong.map(|check| &*check.id).or_else(|| of_snapshots.next().map(|(id, _)| &**id))
    }

    /// Returns the id of a check whose verdicts by snapshot are not those of the run, or not those of its findings.
    fn miscounted(&self) -> Option<&str> {
        type Key<'d> = (&'d str, &'d str, &'d str, Verdict);
        fn count_in<K: Ord>(counts: &mut BTreeMap<K, usize>, key: K, more: usize) {
            let sum = counts.entry(key).or_insert(0);
            *sum = sum.saturating_add(more);
        }
        let mut of_checks: BTreeMap<(&str, Verdict), usize> = BTreeMap::new();
        let mut counted: BTreeMap<Key<'_>, usize> = BTreeMap::new();
        for snapshot in &self.run.snapshots {
            let account = snapshot.account.as_deref().unwrap_or_default();
            for (id, check) in &snapshot.checks {
                for (verdict, count) in &check.counts {
                    count_in(&mut of_checks, (id, *verdict), *count);
                    count_in(&mut counted, (&snapshot.path, account, id, *verdict), *count);
                }
            }
        }
        let is_counted = |check: &&Check<'_>| {
            Verdict::ALL.iter().all(|it| of_checks.get(&(&*check.id, *it)).copied().unwrap_or(0) == check.count(*it))
        };
        if let Some(check) = self.checks.iter().find(|check| !is_counted(check)) {
            return Some(&check.id);
        }
        let findings = self.findings.iter().map(|it| (&*it.snapshot, &*it.account, &*it.check, it.verdict));
        let others = self.other_verdicts.iter().flatten();
        let others = others.map(|it| (&*it.snapshot, &*it.account, &*it.check, it.verdict));
        let mut found: BTreeMap<Key<'_>, usize> = BTreeMap::new();
        findings.chain(others).for_each(|key| count_in(&mut found, key, 1));
        let differs = |(key, count): &(&Key<'_>, &usize)| counted.get(*key) != Some(*count);
        found.iter().find(differs).map(|((_, _, check, _), _)| *check)
    }

    /// Returns whether a finding has the severity of its check, and the properties of its waiver.
    fn is_described(&self, finding: &Finding<'_>) -> bool {
        let check = self.checks.iter().find(|check| check.id == finding.check);
        let waiver = finding.waiver.as_ref();
        check.is_some_and(|check| check.severity == finding.severity)
            && waiver.is_none_or(|by| {
                self.waivers.iter().any(|it| {
                    (&it.id, &it.reason, &it.owner, &it.expires, &it.ticket)
                        == (&by.id, &by.reason, &by.owner, &by.expires, &by.ticket)
                })
            })
    }

    /// Returns a fingerprint that is not the hash of its identity.
    fn foreign_fingerprint(&self) -> Option<&str> {
        let findings = self.findings.iter().map(|it| (&it.check, &it.resource, &it.account, &it.fingerprint));
        let others = self.other_verdicts.iter().flatten();
        let others = others.map(|it| (&it.check, &it.resource, &it.account, &it.fingerprint));
        let foreign = findings.chain(others).find(|(check, resource, account, fingerprint)| {
            let hash = match &resource.identity {
                None => fingerprint_of(&[check, &resource.ty, &resource.id, account]),
                Some(identity) => fingerprint_of(&[check, &resource.ty, &identity.id, account, &identity.form]),
            };
            hash != ***fingerprint
        });
        foreign.map(|(.., fingerprint)| &**fingerprint)
    }

    /// Returns whether the changes of the findings since the baseline are those that the checks count.
    fn is_compared(&self) -> bool {
        let Some(baseline) = &self.run.baseline else {
            return self.findings.iter().all(|finding| finding.baseline.is_none())
                && self.checks.iter().all(|check| check.baseline.is_none());
        };
        let mut found: BTreeMap<(&str, Change, Verdict), usize> = BTreeMap::new();
        for finding in &self.findings {
            if let Some(change) = finding.baseline {
                *found.entry((&finding.check, change, finding.verdict)).or_insert(0) += 1;
            }
        }
        let is_counted = |check: &Check<'_>| {
            check.baseline.as_ref().is_some_and(|changes| {
                let all = Change::ALL.into_iter().flat_map(|change| Verdict::ALL.map(|verdict| (change, verdict)));
                let is_equal = |change, verdict| {
                    let listed = found.get(&(&*check.id, change, verdict)).copied().unwrap_or(0);
                    listed == count(changes.of(change), verdict)
                };
                let of =
                    |verdict| Change::ALL.into_iter().map(|change| count(changes.of(change), verdict)).sum::<usize>();
                all.clone().all(|(change, verdict)| is_equal(change, verdict))
                    && [Verdict::Fail, Verdict::Unknown].into_iter().all(|verdict| of(verdict) == check.count(verdict))
            })
        };
        let fixed = self.checks.iter().flat_map(|check| &check.baseline).map(|changes| changes.fixed);
        let fixed = fixed.fold(0, usize::saturating_add);
        let mut seen = BTreeSet::new();
        let mut accounts = self.run.snapshots.iter().filter_map(|snapshot| snapshot.account.as_deref());
        // The findings of a baseline are compared with each snapshot of their account.
        let is_repeated = accounts.any(|account| !seen.insert(account));
        self.checks.iter().all(is_counted)
            && fixed <= baseline.judged
            && (is_repeated || baseline.judged <= baseline.findings)
    }

    /// Returns whether a finding has a waiver if it is waived, and this waiver waives its original verdict.
    fn is_waived_rightly(&self, finding: &Finding<'_>) -> bool {
        let (Verdict::Waived, Some(original), Some(by)) = (finding.verdict, finding.original_verdict, &finding.waiver)
        else {
            return finding.verdict != Verdict::Waived
                && finding.original_verdict.is_none()
                && finding.waiver.is_none();
        };
        let is_it = |waiver: &&Waiver<'_>| waiver.id == by.id && waiver.check == finding.check;
        self.waivers.iter().find(is_it).is_some_and(|waiver| {
            let waives = match original {
                Verdict::Fail => waiver.unknown != UnknownsReport::Only,
                Verdict::Unknown => waiver.unknown != UnknownsReport::Kept,
                _ => false,
            };
            waives && waiver.status.waives()
        })
    }

    /// Returns whether the status of a waiver agrees with its counts, and these with the findings.
    fn is_counted_rightly(&self, waiver: &Waiver<'_>) -> bool {
        let named = self.findings.iter().filter(|finding| finding.waiver.as_ref().is_some_and(|it| it.id == waiver.id));
        let agrees = match waiver.status {
            WaiverStatus::Live => waiver.waived > 0 && waiver.beyond == 0,
            WaiverStatus::OverBroad => waiver.waived > 0 && waiver.beyond > 0,
            WaiverStatus::Unused => waiver.waived == 0,
            WaiverStatus::Ignored => self.run.waivers == WaiverUse::Ignored && waiver.waived == 0,
            WaiverStatus::Expired | WaiverStatus::NotJudged | WaiverStatus::Invalid => waiver.waived == 0,
        };
        let is_known = self.checks.iter().any(|check| check.id == waiver.check);
        agrees && named.count() <= waiver.waived && (is_known || waiver.status == WaiverStatus::Invalid)
    }
}

impl Waiver<'_> {
    /// Returns whether a waiver that is used has not ended at a time, and one that has expired has; the time is in milliseconds
    /// since 1970.
    fn is_in_time(&self, now: i64) -> bool {
        let is_over = |is_over: bool| end_of(&self.expires).is_some_and(|end| (end <= now) == is_over);
        match self.status {
            WaiverStatus::Live | WaiverStatus::OverBroad => is_over(false),
            WaiverStatus::Expired => is_over(true),
            WaiverStatus::Unused | WaiverStatus::Ignored | WaiverStatus::NotJudged | WaiverStatus::Invalid => true,
        }
    }
}

impl Account<'_> {
    /// Returns the first part of the line of an account that does not agree with its counts or with its run.
    pub(super) fn contradiction(&self, run: &Document<'_>) -> Option<String> {
        if (&self.pack, &self.pack_version) != (&run.run.pack, &run.run.pack_version) {
            return Some("its pack is not that of the run".to_owned());
        }
        let mut verdicts = Counts::new();
        self.checks.values().for_each(|check| add(&mut verdicts, &check.counts));
        if Verdict::ALL.iter().any(|it| count(&verdicts, *it) != count(&self.verdicts, *it)) {
            return Some("the totals of an account are not those of its checks".to_owned());
        }
        let is_error = |found: &Diagnostic<'_>| found.severity == DiagnosticLevel::Error;
        // An error of the pack is one of each account.
        let own = self.diagnostics.iter().any(is_error);
        let may_be_invalid = [own, own || run.diagnostics.iter().any(is_error)];
        let is_status = may_be_invalid.iter().any(|invalid| self.statuses == self.statuses_in(run, *invalid));
        let is_status = is_status && exit_code(&self.statuses) == self.exit_code;
        (!is_status).then(|| "the status of an account is not that of its verdicts".to_owned())
    }
}
