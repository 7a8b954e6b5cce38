//! The verdicts that a report lists. Their findings are made when an output shows them.
//!
//! A finding takes much more memory than its verdict. So a report keeps verdicts, and the snapshots with the values that
//! were computed for them.

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
    /// The snapshot.
    pub snapshot: Arc<JudgedSnapshot>,
}

impl ListedVerdict {
    /// Returns the verdict.
    pub(crate) fn verdict(&self) -> Verdict {
        self.judged.verdict
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

/// Explains verdicts, and passes the findings to `each`, in order.
///
/// # Errors
/// The first error of `each`, which ends the explanation.
pub(crate) fn explain<E>(
    listed: &[&ListedVerdict],
    mut each: impl FnMut(&JudgedSnapshot, Finding) -> Result<(), E>,
) -> Result<(), E> {
    for same in listed.chunk_by(|a, b| Arc::ptr_eq(&a.snapshot, &b.snapshot)) {
        let Some(ListedVerdict { snapshot, .. }) = same.first() else { continue };
        snapshot.with_findings(|findings| {
            let mut found = same.iter().filter_map(|listed| snapshot.finding(findings, listed));
            found.try_for_each(|finding| each(snapshot, finding))
        })?;
    }
    Ok(())
}

/// Explains verdicts, and returns the findings in order.
pub(crate) fn explained(listed: &[&ListedVerdict]) -> Vec<Finding> {
    in_parallel(listed, |chunk| {
        let mut findings = Vec::with_capacity(chunk.len());
        let Ok(()) = explain(chunk, |_, finding| {
            findings.push(finding);
            Ok::<_, std::convert::Infallible>(())
        });
        findings
    })
}

/// Returns the identities of verdicts, in order.
pub(super) fn identities(listed: &[&ListedVerdict]) -> Vec<Identity> {
    let identity = |listed: &&ListedVerdict| {
        let check = listed.snapshot.run.0.policies().checks.find(listed.check)?;
        let of = |findings: &Findings<'_, '_>| findings.identities.of(&check.statement.id, listed.judged.subject);
        Some(listed.snapshot.with_findings(of))
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
