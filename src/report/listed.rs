//! The verdicts that a report lists. Their findings are made when an output shows them.
//!
//! A finding takes much more memory than its verdict. So a report keeps verdicts, and the snapshots with the values that
//! were computed for them. If a snapshot has few verdicts, their findings take less memory than the snapshot: they are made
//! at once, and the snapshot is dropped.

use super::age::TooOld;
use super::baseline::Change;
use super::finding::{Cache, Finding, Findings, NEAR_MISSES, WITNESSES};
use super::identity::Identity;
use crate::engine::{Evaluated, Evaluation, Judged, Verdict};
use crate::pack::Pack;
use crate::parallel::*;
use crate::parameters::Parameters;
use crate::policy::CheckId;
use crate::snapshot::{Secrets, Snapshot};
use crate::source::cedar::on_deep_stack;
use smol_str::SmolStr;
use std::fmt;
use std::sync::Arc;

/// Verdicts that are explained together.
pub(crate) const CHUNK: usize = 64;

/// Verdicts of one snapshot up to which their findings are made at once.
const FEW: usize = 64;

/// Findings that one task makes at once.
const FEW_IN_TASK: usize = 8;

/// A verdict that a report lists.
#[derive(Debug, Clone)]
pub(crate) struct ListedVerdict {
    /// The check, by its place in the report.
    pub check: CheckId,
    /// The verdict and its subject.
    pub judged: Judged,
    /// The change since the baseline, if the run has one.
    pub change: Option<Change>,
    /// The snapshot, by its place in the run.
    pub number: usize,
    /// Its place among the verdicts of the check on the snapshot.
    pub order: u32,
    /// Whether near misses are searched.
    pub searched: bool,
    /// The basis of the finding.
    pub basis: Basis,
}

/// The basis of the finding of a listed verdict.
#[derive(Debug, Clone)]
pub(crate) enum Basis {
    /// The finding.
    Made(Arc<MadeFinding>),
    /// The snapshot, from which the finding is made each time that an output shows it.
    Snapshot(Arc<JudgedSnapshot>),
}

/// A finding that is kept.
#[derive(Debug, Clone)]
pub(crate) struct MadeFinding {
    finding: Arc<Finding>,
    /// The secrets of the snapshot.
    secrets: Option<Secrets>,
}

impl ListedVerdict {
    /// Returns the verdict.
    pub(crate) fn verdict(&self) -> Verdict {
        self.judged.verdict
    }

    /// Sets the place of the snapshot in the run.
    pub(super) fn set_number(&mut self, number: usize) {
        self.number = number;
        if let Basis::Made(made) = &mut self.basis {
            Arc::make_mut(&mut Arc::make_mut(made).finding).snapshot = number;
        }
    }

    /// Makes the findings of the verdicts of one snapshot if they are few.
    pub(crate) fn make_few(listed: &mut [Self]) {
        if listed.len() > FEW {
            return;
        }
        let made: Vec<Vec<Basis>> = listed.par_chunks(FEW_IN_TASK).map(Self::made).collect();
        listed.iter_mut().zip(made.into_iter().flatten()).for_each(|(listed, basis)| listed.basis = basis);
    }

    /// Makes the findings of verdicts.
    fn made(listed: &[Self]) -> Vec<Basis> {
        let basis = |listed: &Self| {
            let Basis::Snapshot(snapshot) = &listed.basis else { return listed.basis.clone() };
            let finding = snapshot.with_findings(|findings| snapshot.finding(findings, listed));
            let made =
                finding.map(|finding| MadeFinding { finding: Arc::new(finding), secrets: snapshot.secrets.clone() });
            made.map_or_else(|| listed.basis.clone(), |made| Basis::Made(Arc::new(made)))
        };
        listed.iter().map(basis).collect()
    }
}

/// A snapshot with the values of its evaluation, from which its verdicts are explained.
pub(crate) struct JudgedSnapshot {
    /// The pack and the parameters, which all snapshots of a run share.
    pub run: Arc<(Pack, Parameters)>,
    /// The snapshot.
    pub snapshot: Arc<Snapshot>,
    /// The values of the evaluation.
    pub values: Arc<Evaluated>,
    /// The name of the snapshot in the report.
    pub path: SmolStr,
    /// The secrets of the snapshot.
    pub secrets: Option<Secrets>,
    /// The results that its findings share.
    pub cache: Arc<Cache>,
    /// The time that makes the snapshot too old.
    pub age: Option<TooOld>,
}

impl fmt::Debug for JudgedSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JudgedSnapshot").field("path", &self.path).finish_non_exhaustive()
    }
}

impl JudgedSnapshot {
    /// Calls a function with the builder of the findings.
    fn with_findings<R>(&self, call: impl FnOnce(&Findings<'_, '_>) -> R) -> R {
        let (pack, parameters) = &*self.run;
        let evaluation = Evaluation::again(pack.model(), pack.program(), &self.snapshot, parameters, &self.values);
        let (path, secrets, cache) = (self.path.clone(), self.secrets.as_ref(), Arc::clone(&self.cache));
        call(&Findings::again(&evaluation, path, secrets, WITNESSES, cache))
    }

    /// Explains one of its verdicts.
    fn finding(&self, findings: &Findings<'_, '_>, listed: &ListedVerdict) -> Option<Finding> {
        let ListedVerdict { check: at, judged, change, number, order, searched, .. } = *listed;
        let pack = &self.run.0;
        let check = pack.policies().checks.find(at)?;
        let order = order as usize;
        let finding = match &self.age {
            Some(age) => findings.outdated(at, check, judged.subject, order, age),
            None => {
                let program = pack.program().checks.iter().find(|program| program.check == at)?;
                let body = program.bodies.iter().find(|body| body.resource == judged.subject.ty())?;
                let near = if searched { NEAR_MISSES } else { 0 };
                on_deep_stack(|| findings.finding(program, check, body, judged, order, near))
            }
        };
        Some(Finding { change, snapshot: number, ..finding })
    }
}

/// Explains verdicts, and passes the findings to `each`, in order, with the secrets of their snapshots.
///
/// # Errors
/// The first error of `each`, which ends the explanation.
pub(crate) fn explain<E>(
    listed: &[&ListedVerdict],
    mut each: impl FnMut(&[Secrets], Arc<Finding>) -> Result<(), E>,
) -> Result<(), E> {
    let is_same = |a: &&ListedVerdict, b: &&ListedVerdict| match (&a.basis, &b.basis) {
        (Basis::Snapshot(a), Basis::Snapshot(b)) => Arc::ptr_eq(a, b),
        _ => false,
    };
    for same in listed.chunk_by(is_same) {
        match same.first().map(|first| &first.basis) {
            Some(Basis::Snapshot(snapshot)) => snapshot.with_findings(|findings| {
                let mut found = same.iter().filter_map(|listed| snapshot.finding(findings, listed));
                found.try_for_each(|finding| each(snapshot.secrets.as_slice(), Arc::new(finding)))
            })?,
            Some(Basis::Made(made)) => each(made.secrets.as_slice(), Arc::clone(&made.finding))?,
            None => {}
        }
    }
    Ok(())
}

/// Explains verdicts, and returns the findings in order.
pub(crate) fn explained(listed: &[&ListedVerdict]) -> Vec<Arc<Finding>> {
    of_findings(listed, |finding| finding)
}

/// Explains verdicts, and returns a value of each finding, in order.
pub(crate) fn of_findings<T: Send>(
    listed: &[&ListedVerdict],
    value: impl Fn(Arc<Finding>) -> T + Send + Sync,
) -> Vec<T> {
    in_parallel(listed, |chunk| {
        let mut values = Vec::with_capacity(chunk.len());
        let Ok(()) = explain(chunk, |_, finding| {
            values.push(value(finding));
            Ok::<_, std::convert::Infallible>(())
        });
        values
    })
}

/// Returns the identities of verdicts, in order.
pub(super) fn identities(listed: &[&ListedVerdict]) -> Vec<Identity> {
    let identity = |listed: &&ListedVerdict| match &listed.basis {
        Basis::Made(made) => Some(made.finding.identity.clone()),
        Basis::Snapshot(snapshot) => {
            let check = snapshot.run.0.policies().checks.find(listed.check)?;
            let of = |findings: &Findings<'_, '_>| findings.identities.of(&check.statement.id, listed.judged.subject);
            Some(snapshot.with_findings(of))
        }
    };
    in_parallel(listed, |chunk| chunk.iter().filter_map(identity).collect())
}

fn in_parallel<T: Send>(
    listed: &[&ListedVerdict],
    of_chunk: impl Fn(&[&ListedVerdict]) -> Vec<T> + Send + Sync,
) -> Vec<T> {
    let chunks: Vec<Vec<T>> = listed.par_chunks(CHUNK).map(of_chunk).collect();
    chunks.into_iter().flatten().collect()
}
