//! A session: runs a pack, and keeps the parts that do not change between runs.

use super::account::{AccountRun, ReadSnapshot};
use super::describe::{describe_checks, describe_pack, describe_waivers};
use super::inputs::Inputs;
use super::problems::unmatched;
use crate::ids::IdVec;
use crate::pack::{CheckFilter, Compiled, Compiler, Pack};
use crate::report::{Options, Report};
use crate::snapshot::{Limits, ReadPlan};
use std::sync::Arc;

/// Runs packs on snapshots. A second run compiles and reads only the inputs that changed.
#[derive(Debug, Default)]
pub struct Session {
    compiler: Compiler,
    /// The plan by which the snapshots below were read.
    plan: Option<Arc<ReadPlan>>,
    limits: Limits,
    snapshots: Vec<ReadSnapshot>,
    /// The parts that the last run compiled and read.
    pub work: Recompiled,
}

/// The parts that a run compiled and read.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Recompiled {
    /// The parts of the pack.
    pub compiled: Compiled,
    /// The number of snapshots.
    pub snapshots: usize,
}

impl Session {
    /// Judges every snapshot of the inputs by every selected check.
    pub fn run(&mut self, inputs: &Inputs, options: &Options) -> Report {
        let (mut report, pack) = self.prepare(inputs, options);
        let (mut known, mut read, mut fresh) = (std::mem::take(&mut self.snapshots), Vec::new(), 0);
        if let Some(run) = AccountRun::new(pack.as_ref(), inputs, options, &mut report) {
            let mut unread = inputs.unread.iter().peekable();
            for (at, source) in inputs.snapshots.iter().enumerate() {
                while let Some((_, path)) = unread.next_if(|(before, _)| *before <= at) {
                    report.absorb(run.unread(path.clone(), Vec::new()), &options.needs);
                }
                let snapshot = match known.iter().position(|known| known.is_of(source, options)) {
                    Some(at) => known.swap_remove(at),
                    None => {
                        fresh += 1;
                        run.read(source, Vec::new())
                    }
                };
                report.absorb(run.account(&source.document(), &snapshot, &IdVec::new()), &options.needs);
                read.push(snapshot);
            }
            unread.for_each(|(_, path)| report.absorb(run.unread(path.clone(), Vec::new()), &options.needs));
        }
        self.snapshots = read;
        self.work.snapshots = fresh;
        finish(pack.as_ref(), report)
    }

    /// Compiles the pack, and returns it with a report without verdicts.
    pub(super) fn prepare(&mut self, inputs: &Inputs, options: &Options) -> (Report, Option<Pack>) {
        self.work = Recompiled::default();
        let mut report = Report::new(options, inputs.diagnostics.clone());
        (report.skipped, report.skipped_reports) = (inputs.skipped, inputs.skipped_reports);
        report.run.pack = describe_pack(inputs, None);
        report.invalid = inputs.partial_pack;
        let filter = CheckFilter { only: &options.only, skip: &options.skip };
        let (pack, diagnostics) = self.compiler.compile(inputs.sources(), &inputs.adaptation, filter);
        self.work.compiled = self.compiler.compiled;
        report.diagnostics.extend(diagnostics);
        if let Some(pack) = &pack {
            report.run.pack.version = pack.model().version().cloned();
            report.checks = describe_checks(pack);
            report.describe_overrides(options);
            report.waivers = describe_waivers(pack, options);
            self.keep_snapshots_of(pack, options);
        }
        (report, pack)
    }

    /// Forgets the snapshots of the last run if it read them by another plan, or had other limits.
    fn keep_snapshots_of(&mut self, pack: &Pack, options: &Options) {
        let same_plan = self.plan.as_ref().is_some_and(|known| Arc::ptr_eq(known, pack.plan()));
        if !same_plan || self.limits != options.limits {
            self.snapshots.clear();
            self.plan = Some(Arc::clone(pack.plan()));
            self.limits = options.limits;
        }
    }
}

/// Compiles a pack, and returns it with the report of a run without snapshots.
pub fn without_snapshots(inputs: &Inputs, options: &Options) -> (Option<Pack>, Report) {
    let (mut report, pack) = Session::default().prepare(inputs, options);
    AccountRun::new(pack.as_ref(), inputs, options, &mut report);
    let report = finish(pack.as_ref(), report);
    (pack, report)
}

/// Adds the diagnostics about the run as a whole, and sorts the report.
pub(super) fn finish(pack: Option<&Pack>, mut report: Report) -> Report {
    if let Some(pack) = pack {
        let diagnostics = unmatched(pack, &report);
        report.diagnostics.extend(diagnostics);
    }
    let accounts = report.run.accounts;
    let problems: Vec<_> = report.waivers.iter().filter_map(|waiver| waiver.problem(accounts)).collect();
    report.diagnostics.extend(problems);
    report.sort();
    report
}
