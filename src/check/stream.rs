//! A run on a stream of snapshots: judges a batch at a time, and keeps only the report.

use super::account::AccountRun;
use super::inputs::{Inputs, SnapshotInput, SnapshotInputs};
use super::session::{Session, finish};
use crate::engine::VerdictCounts;
use crate::ids::IdVec;
use crate::parallel::*;
use crate::report::{AccountReport, Options, Report};

/// Receives the results of accounts, with the report of the accounts before them.
pub type Sink<'s, E> = dyn FnMut(&Report, &[AccountReport]) -> Result<(), E> + Send + 's;

/// Snapshots in one batch, and their bytes. A batch of one snapshot may have more.
const MOST: Most = Most { items: 1024, bytes: 32 << 20 };

impl Session {
    /// Judges the snapshots of a stream, and passes the results of each batch to `sink`, in the order of the stream.
    ///
    /// The report contains as many findings, diagnostics and snapshots as the options need, and counts all.
    ///
    /// # Errors
    /// The error of `sink`, which ends the run.
    pub fn stream<E: Send>(
        &mut self,
        inputs: &Inputs,
        snapshots: &mut dyn SnapshotInputs,
        options: &Options,
        sink: &mut Sink<'_, E>,
    ) -> Result<Report, E> {
        let (mut report, pack) = self.prepare(inputs, options);
        if let Some(run) = AccountRun::new(pack.as_ref(), inputs, options, &mut report) {
            let bytes = |input: &SnapshotInput| input.source.as_ref().map_or(0, |source| source.text().len());
            let produce = || {
                let input = snapshots.next()?;
                let bytes = bytes(&input);
                Some((input, bytes))
            };
            crate::parallel::read_ahead(MOST, produce, |next_batch| {
                loop {
                    let batch = next_batch();
                    if batch.is_empty() {
                        return Ok(());
                    }
                    let listed: IdVec<_, VerdictCounts> = report.checks.iter().map(|check| check.listed).collect();
                    let accounts: Vec<AccountReport> =
                        batch.into_par_iter().map(|input| run.input(input, &listed)).collect();
                    sink(&report, &accounts)?;
                    accounts.into_iter().for_each(|account| report.absorb(account, &options.needs));
                }
            })?;
            report.skipped_reports += snapshots.skipped_reports();
        }
        Ok(finish(pack.as_ref(), report))
    }
}
