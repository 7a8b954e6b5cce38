//! The forecast of a snapshot: the verdicts that change without any action, and when.

use crate::diagnostic::{Code, Diagnostic};
use crate::engine::{
    Evaluation, Judgement, PolicyAt, Sought, Subject, TimeDependence, Uncritical, Verdict, WaiversInUse,
};
use crate::pack::{Assessment, Pack, Run};
use crate::policy::{CheckId, CheckSeverity, WaiverId};
use crate::render::document::{Configuration, Counts, configuration};
use crate::report::{Findings, Identities, RunReport, WaiverUse};
use crate::snapshot::{Secrets, Snapshot};
use crate::source::cedar::on_deep_stack;
use crate::value::{EntityRef, show_datetime};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// The version of the format.
const VERSION: &str = "1.0";

/// A day in milliseconds.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// The forecasts of some snapshots.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Forecast<'f> {
    /// `deodar-forecast`.
    pub format: Cow<'f, str>,
    /// The version of the format.
    pub version: Cow<'f, str>,
    /// The start of the period, RFC 3339 in UTC.
    pub now: Cow<'f, str>,
    /// Its end.
    pub until: Cow<'f, str>,
    /// The origin of schema and policies, in words.
    pub pack: Cow<'f, str>,
    /// The version of the pack.
    pub pack_version: Option<Cow<'f, str>>,
    /// The configuration file, and its settings that weaken the gate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration: Option<Configuration<'f>>,
    /// The accounts in order of the snapshots.
    pub accounts: Vec<AccountForecast>,
}

/// The forecast of one account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccountForecast {
    /// The path of the snapshot.
    pub snapshot: String,
    /// The id of the account.
    pub account: String,
    /// The number of times at which the snapshot was judged again. No verdict changes between them.
    pub times: usize,
    /// The verdicts at the start.
    pub verdicts: Counts,
    /// The changes in order of their times.
    pub changes: Vec<ForecastChange>,
}

/// A verdict that changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ForecastChange {
    /// The first millisecond of the new verdict, RFC 3339 in UTC.
    pub at: String,
    /// The id of the check.
    pub check: String,
    /// The title of the check.
    pub title: String,
    /// The severity of the check.
    pub severity: CheckSeverity,
    /// The type of the resource: without namespace, unless another type has the same name without it.
    pub resource_type: String,
    /// The id of the resource.
    pub resource_id: String,
    /// The fingerprint of the verdict.
    pub fingerprint: String,
    /// The verdict before, if there is one.
    pub old: Option<Verdict>,
    /// The verdict from then on, if there is one.
    pub new: Option<Verdict>,
}

impl<'f> Forecast<'f> {
    /// Returns a forecast without accounts, of a period in milliseconds since 1970, with the settings of a run.
    pub fn new((now, until): (i64, i64), run: &'f RunReport) -> Self {
        Self {
            format: "deodar-forecast".into(),
            version: VERSION.into(),
            now: show_datetime(now).into(),
            until: show_datetime(until).into(),
            pack: run.pack.name.as_str().into(),
            pack_version: run.pack.version.as_deref().map(Cow::from),
            configuration: run.configuration.as_ref().map(configuration),
            accounts: Vec::new(),
        }
    }

    /// Returns the exit code: 1 if a verdict changes, otherwise 0.
    pub fn exit_code(&self) -> u8 {
        u8::from(self.accounts.iter().any(|account| !account.changes.is_empty()))
    }
}

/// A snapshot whose verdicts are forecast.
#[derive(Debug, Clone, Copy)]
pub struct Forecaster<'p> {
    /// The pack.
    pub pack: &'p Pack,
    /// The snapshot.
    pub snapshot: &'p Snapshot,
    /// The secrets of the snapshot.
    pub secrets: Option<&'p Secrets>,
    /// The start of the period, and the options of the run.
    pub run: Run<'p>,
    /// The end of the period, in milliseconds since 1970.
    pub until: i64,
    /// The maximal age of the snapshot, in milliseconds. All verdicts on an older one are unknown.
    pub max_snapshot_age: Option<i64>,
    /// Whether waivers are used.
    pub waivers: WaiverUse,
    /// The most times at which the snapshot is judged.
    pub most_times: usize,
}

/// The verdicts at a time, by check and subject.
type Verdicts = BTreeMap<(CheckId, Subject), Verdict>;

/// A change: its time, its check and subject, and the verdicts before and after.
type Step = (i64, (CheckId, Subject), Option<Verdict>, Option<Verdict>);

/// The result for one snapshot.
#[derive(Debug)]
pub struct Forecasted {
    /// The forecast.
    pub account: AccountForecast,
    /// The problems of the derivations.
    pub diagnostics: Vec<Diagnostic>,
    /// The results of the search for each instance with settings, in the order of the parameters.
    pub sought: Vec<Sought>,
}

impl Forecaster<'_> {
    /// Returns the changes of the period.
    ///
    /// # Errors
    /// When there are too many times at which a verdict may change, or a policy depends on the time in a way that cannot be
    /// computed. No changes are returned then.
    pub fn forecast(&self) -> Result<Forecasted, Diagnostic> {
        on_deep_stack(|| self.forecast_on_this_stack())
    }

    fn forecast_on_this_stack(&self) -> Result<Forecasted, Diagnostic> {
        let dependence = TimeDependence::of(self.pack.program(), self.waivers == WaiverUse::Applied);
        let Assessment { evaluation, diagnostics, .. } = self.pack.assess(self.snapshot, self.run);
        let start = self.run.now.saturating_add(1);
        let findings = Findings::new(&evaluation, self.snapshot.source.name().into(), self.secrets, 0);
        let fresh = self.max_snapshot_age.map(|most| findings.fresh(most));
        let waivers = &self.pack.policies().waivers;
        let may_cover = |waiver: WaiverId, subject| {
            waivers.find(waiver).is_some_and(|waiver| findings.may_be_waived(waiver, subject))
        };
        let is_selected = |check: CheckId| fresh.is_some() || dependence.checks.contains(&check);
        let judged = |evaluation: &Evaluation<'_>, time: i64, is_selected: &(dyn Fn(CheckId) -> bool + Sync)| {
            let mut judgements = evaluation.judge_listing(&|check| is_selected(check).then_some(&Verdict::ALL[..]));
            match &fresh {
                Some(fresh) if !fresh.contains(&time) => {
                    return judgements.into_iter().map(Judgement::without_decisions).collect();
                }
                _ => {
                    let used = WaiversInUse { is_live: &|waiver| self.is_live(waiver, time), may_cover: &may_cover };
                    evaluation.waive(&mut judgements, used)
                }
            };
            judgements
        };
        let times = match self.times(&dependence, start, self.until) {
            Ok(mut times) => {
                let ends = fresh.iter().filter(|fresh| !fresh.is_empty());
                let ends = ends.flat_map(|fresh| [*fresh.start(), fresh.end().saturating_add(1)]);
                let waivers = self.pack.policies().waivers.iter().filter(|_| self.waivers == WaiverUse::Applied);
                let ends = ends.chain(waivers.map(|waiver| waiver.end));
                times.extend(ends.filter(|time| (start..=self.until).contains(time)));
                times
            }
            Err(reason) => return Err(self.refused(reason, &dependence, start)),
        };
        let (mut verdicts, mut counts) = (Verdicts::new(), Counts::new());
        for judgement in judged(&evaluation, self.run.now, &|_| true) {
            for verdict in Verdict::ALL {
                *counts.entry(verdict).or_insert(0) += judgement.count(verdict);
            }
            if is_selected(judgement.check) {
                verdicts.extend(listed(&judgement));
            }
        }
        let mut changes: Vec<Step> = Vec::new();
        for time in &times {
            let assessment = self.pack.assess(self.snapshot, Run { now: *time, ..self.run });
            let judgements = judged(&assessment.evaluation, *time, &is_selected);
            let next: Verdicts = judgements.iter().flat_map(listed).collect();
            if next != verdicts {
                let keys: BTreeSet<_> = verdicts.keys().chain(next.keys()).copied().collect();
                for key in keys {
                    let (old, new) = (verdicts.get(&key).copied(), next.get(&key).copied());
                    if old != new {
                        changes.push((*time, key, old, new));
                    }
                }
                verdicts = next;
            }
        }
        let model = self.pack.model();
        let account = AccountForecast {
            snapshot: self.snapshot.source.document(),
            account: self.snapshot.id(model, EntityRef { ty: model.root, row: 0 }).into(),
            times: times.len(),
            verdicts: counts,
            changes: self.described(&changes),
        };
        Ok(Forecasted { account, diagnostics, sought: evaluation.sought() })
    }

    /// Returns whether a waiver of the program is used at a time.
    fn is_live(&self, waiver: WaiverId, time: i64) -> bool {
        let waiver = self.pack.policies().waivers.find(waiver).filter(|_| self.waivers == WaiverUse::Applied);
        waiver.is_some_and(|waiver| waiver.is_live(time))
    }

    fn times(&self, dependence: &TimeDependence, start: i64, end: i64) -> Result<BTreeSet<i64>, Uncritical> {
        let Assessment { evaluation, .. } = self.pack.assess(self.snapshot, self.run);
        evaluation.critical_times(dependence, start..=end, self.most_times)
    }

    fn described(&self, changes: &[Step]) -> Vec<ForecastChange> {
        let model = self.pack.model();
        let identities = Identities::new(model, self.snapshot, self.secrets);
        let described = changes.iter().filter_map(|(time, (check, subject), old, new)| {
            let check = self.pack.policies().checks.find(*check)?;
            let identity = identities.of(&check.statement.id, *subject);
            Some(ForecastChange {
                at: show_datetime(*time),
                check: check.statement.id.to_string(),
                title: check.title.to_string(),
                severity: check.severity,
                resource_type: identity.ty.to_string(),
                resource_id: identities.name(*subject).into(),
                fingerprint: identity.fingerprint(),
                old: *old,
                new: *new,
            })
        });
        described.collect()
    }

    /// Returns the error for a period whose changes cannot be computed.
    fn refused(&self, reason: Uncritical, dependence: &TimeDependence, start: i64) -> Diagnostic {
        match reason {
            Uncritical::TooMany => {
                let message = format!(
                    "`{}` has too many times until {} at which a verdict may change: more than {}",
                    self.snapshot.source.document(),
                    show_datetime(self.until),
                    self.most_times
                );
                let (mut fits, mut too_long) = (0, self.until.saturating_sub(start) / DAY + 1);
                while too_long - fits > 1 {
                    let middle = fits + (too_long - fits) / 2;
                    match self.times(dependence, start, start.saturating_add(middle.saturating_mul(DAY)) - 1) {
                        Ok(_) => fits = middle,
                        Err(_) => too_long = middle,
                    }
                }
                let help = match fits {
                    0 => "allow more with --max-times, or select checks with --only".to_owned(),
                    days => format!("use --until {days}d, allow more with --max-times, or select checks with --only"),
                };
                Diagnostic::error(Code::Forecast, message).help(help)
            }
            Uncritical::Expression { policy, span } => {
                let policies = self.pack.policies();
                let leave_out = |id: &str| match policy {
                    PolicyAt::Check(_) | PolicyAt::Derivation(_) => format!("leave the check out with --skip {id}"),
                    PolicyAt::Waiver(_) => "ignore waivers with --no-waivers".to_owned(),
                };
                let statement = match policy {
                    PolicyAt::Waiver(at) => policies.waivers.find(at).map(|waiver| &waiver.statement),
                    PolicyAt::Check(at) => policies.checks.find(at).map(|check| &check.statement),
                    PolicyAt::Derivation(at) => policies.derivations.find(at).map(|derivation| &derivation.statement),
                };
                let id = statement.map_or("", |statement| statement.id.as_str());
                let error = Diagnostic::error(
                    Code::Forecast,
                    format!("`{id}` depends on the time in a way that has no forecast"),
                );
                let error = match statement {
                    Some(statement) => error.label(&statement.source, span, "this changes at unknown times"),
                    None => error,
                };
                error.help(format!("compare `context.now` with a sum of times and durations, or {}", leave_out(id)))
            }
        }
    }
}

fn listed(judgement: &Judgement) -> impl Iterator<Item = ((CheckId, Subject), Verdict)> + '_ {
    judgement.judged.iter().map(|judged| ((judgement.check, judged.subject), judged.verdict))
}
