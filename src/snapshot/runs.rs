//! Runs of rows: decoded in parallel, those of a long list while the split goes on, and concatenated in order.
//!
//! The split hands over a run of rows as soon as it has found the row after it. An object later in the document may void
//! rows, for example by a second property with the name of their list. Then the rows of that type are decoded again after
//! the split.

use super::decode::{Run, decode_run};
use super::locate::SplitText;
use super::plan::ReadPlan;
use super::{Jumps, ReadTimes, Row, RowStep, Snapshot, StrRef, Table, past};
use crate::diagnostic::Diagnostic;
use crate::ids::IdVec;
use crate::parallel::*;
use crate::schema::{EntityType, Model};
use crate::source::Source;
use crate::value::TypeId;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes of a document whose rows are decoded while the split goes on.
pub(super) const LARGE: usize = 1 << 19;

/// The rows of one run.
const ROWS_PER_RUN: usize = 512;

/// Runs that wait for each thread other than that of the split, at most. They take memory beyond that of the columns.
const RUNS_PER_THREAD: usize = 16;

/// The reading of one snapshot: what the split and the decode have in common.
#[derive(Clone, Copy)]
pub(super) struct Reader<'s> {
    pub source: &'s Arc<Source>,
    pub model: &'s Model,
    pub plan: &'s ReadPlan,
    /// The latest time of something past, in milliseconds since 1970.
    pub latest: i64,
}

/// The places of the instances of a document.
pub(super) struct Split {
    pub tables: IdVec<TypeId, Table>,
    pub jumps: Jumps,
    /// Escaped property names that became ids.
    pub side: String,
    /// Instances that a map has under one name: the first, and one that follows.
    pub twice: Vec<(TypeId, u32, u32)>,
}

/// Rows that the split has found, with what the decode needs of the split.
struct FoundRows {
    ty: TypeId,
    /// The number of the first row.
    first: usize,
    rows: Vec<Row>,
    /// The names of rows that differ from the bytes of the file.
    side: String,
    /// The lists of instances in the rows.
    jumps: Jumps,
}

impl FoundRows {
    /// Copies rows of a split, and their names.
    fn new(ty: TypeId, first: usize, rows: &[Row], side: &str, lists: Vec<(u32, u32)>) -> Self {
        let (mut rows, mut names) = (rows.to_vec(), String::new());
        for row in &mut rows {
            if let RowStep::Property(name) = row.step
                && name.is_side()
            {
                let text = side.get(name.range()).unwrap_or_default();
                row.step = RowStep::Property(StrRef::on_side(names.len(), text));
                names.push_str(text);
            }
        }
        Self { ty, first, rows, side: names, jumps: lists.into_iter().collect() }
    }
}

/// Rows that are decoded while the split goes on.
pub(super) struct Ahead<'s> {
    reader: Reader<'s>,
    types: IdVec<TypeId, Mutex<Decoded>>,
    /// The number of runs that were started and have not ended.
    pending: AtomicUsize,
    /// The bytes that may still be reserved for columns.
    to_reserve: AtomicUsize,
}

/// The rows of one type that are decoded.
#[derive(Default)]
struct Decoded {
    /// The first rows.
    whole: Option<Run>,
    /// Runs whose rows do not follow these, by the number of their first row.
    later: BTreeMap<usize, Run>,
    is_void: bool,
}

impl Decoded {
    /// Adds the run of some rows.
    fn add(&mut self, first: usize, run: Run, empty: impl FnOnce() -> Run) {
        if self.is_void {
            return;
        }
        self.later.insert(first, run);
        let whole = self.whole.get_or_insert_with(empty);
        while let Some(run) = self.later.remove(&whole.keys.len()) {
            whole.append(run);
        }
    }
}

impl<'s> Ahead<'s> {
    /// Returns `None` for a document that is not large.
    pub(super) fn new(reader: Reader<'s>) -> Option<Self> {
        let types = || reader.model.types.iter().map(|_| Mutex::default()).collect();
        let bytes = reader.source.text().len();
        let new = || Self { reader, types: types(), pending: AtomicUsize::new(0), to_reserve: AtomicUsize::new(bytes) };
        (bytes >= LARGE).then(new)
    }

    /// Calls the split with what it needs to hand over rows. Returns when these are decoded.
    pub(super) fn alongside<R: Send>(&self, split: impl FnOnce(Handover<'_>) -> R + Send) -> R {
        let types = self.reader.model.types.iter().map(HandedOver::new).collect();
        with_tasks(|tasks| split(Handover { ahead: self, types, decode: &|rows| self.decode(rows, tasks) }))
    }

    /// Decodes rows on another thread, or on this one if that has enough to do.
    fn decode<'e>(&'e self, rows: FoundRows, tasks: &Tasks<'_, 'e>) {
        if self.pending.load(Ordering::Relaxed) >= RUNS_PER_THREAD * Tasks::other_threads() {
            return self.run(&rows);
        }
        self.pending.fetch_add(1, Ordering::Relaxed);
        tasks.start(move || {
            self.run(&rows);
            self.pending.fetch_sub(1, Ordering::Relaxed);
        });
    }

    fn of(&self, ty: TypeId) -> MutexGuard<'_, Decoded> {
        self.types[ty].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, found: &FoundRows) {
        if self.of(found.ty).is_void {
            return;
        }
        let Reader { source, model, plan, latest } = self.reader;
        let text = SplitText { source, side: &found.side, jumps: &found.jumps };
        let plan = plan.of(model, found.ty);
        let run = decode_run(text, &found.rows, (model, found.ty), plan, latest);
        let empty = || {
            let rows = self.reserved(self.expected(&found.rows), Run::bytes_per_row(model, found.ty, plan).max(1));
            Run::with_capacity(rows, model, found.ty, plan)
        };
        self.of(found.ty).add(found.first, run, empty);
    }

    /// Returns the number of rows to reserve memory for. All types together reserve no more bytes than the document has.
    fn reserved(&self, rows: usize, bytes: usize) -> usize {
        let take = |left: usize| left.checked_sub(rows.saturating_mul(bytes).min(left));
        let before = self.to_reserve.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        rows.min(before.unwrap_or_default() / bytes)
    }

    /// Returns the number of rows to expect if the rest of the document is like these rows.
    fn expected(&self, rows: &[Row]) -> usize {
        let [Some(first), Some(last)] = [rows.first(), rows.last()] else { return 0 };
        let of_rows = (last.span.end.saturating_sub(first.span.start) as usize / rows.len()).max(1);
        let rest = self.reader.source.text().len().saturating_sub(first.span.start as usize);
        rest / of_rows
    }

    /// Forgets the rows of a type, because some of them are void.
    fn forget(&self, ty: TypeId) {
        *self.of(ty) = Decoded { is_void: true, ..Decoded::default() };
    }

    /// Returns the first rows of a type, if they were decoded.
    fn take(&self, ty: TypeId) -> Option<Run> {
        std::mem::take(&mut *self.of(ty)).whole
    }
}

/// The rows that a split hands over.
pub(super) struct Handover<'s> {
    ahead: &'s Ahead<'s>,
    types: IdVec<TypeId, HandedOver>,
    /// Starts to decode rows.
    decode: &'s (dyn Fn(FoundRows) + Sync),
}

/// The rows of one type that were handed over.
struct HandedOver {
    /// The number of these rows.
    rows: usize,
    /// The starts and ends of the lists in the rows after these.
    lists: Vec<(u32, u32)>,
    /// The number of lists that were walked before the last row.
    before: usize,
    /// Whether no further rows are handed over.
    is_closed: bool,
}

impl HandedOver {
    fn new(ty: &EntityType) -> Self {
        // The lists in the row of a group were walked before it. The document is one row.
        let is_closed = ty.groups().is_some() || ty.parent.is_none();
        Self { rows: 0, lists: Vec::new(), before: 0, is_closed }
    }
}

impl Handover<'_> {
    /// Hands over the rows of a type that are new since the last time, if they are a run. It is called before each new row, with the
    /// number of lists that were walked.
    pub(super) fn before_row(&mut self, ty: TypeId, rows: &[Row], side: &str, lists: usize) {
        let handed_over = &mut self.types[ty];
        if handed_over.is_closed {
            return;
        }
        handed_over.before = lists;
        if !rows.len().is_multiple_of(ROWS_PER_RUN) {
            return;
        }
        let (first, lists) = (handed_over.rows, std::mem::take(&mut handed_over.lists));
        if let Some(new @ [_, ..]) = rows.get(first..) {
            (self.decode)(FoundRows::new(ty, first, new, side, lists));
        }
        handed_over.rows = rows.len();
    }

    /// Takes note of the lists in the last row of a type. `lists` are all that were walked.
    pub(super) fn after_row(&mut self, ty: TypeId, lists: &[(u32, u32)]) {
        let handed_over = &mut self.types[ty];
        if !handed_over.is_closed {
            handed_over.lists.extend_from_slice(lists.get(handed_over.before..).unwrap_or_default());
        }
    }

    /// Takes note that only a number of the rows of a type are left.
    pub(super) fn truncated(&mut self, ty: TypeId, rows: usize) {
        let handed_over = &mut self.types[ty];
        if rows < handed_over.rows {
            (handed_over.is_closed, handed_over.lists) = (true, Vec::new());
            self.ahead.forget(ty);
        }
    }
}

/// Decodes the rows of a split that are not decoded yet, and builds the tables.
pub(super) fn decode(
    reader: Reader<'_>,
    split: Split,
    ahead: Option<&Ahead<'_>>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Snapshot {
    let Split { tables, jumps, side, .. } = split;
    let mut snapshot = Snapshot {
        source: Arc::clone(reader.source),
        tables,
        other_properties: 0,
        side,
        jumps,
        states_uncaptured: false,
        may_list_partial: true,
        latest: reader.latest,
        earliest_refused: None,
        is_damaged: false,
        times: ReadTimes::default(),
    };
    for ty in reader.model.type_ids() {
        // A type without instances has no columns.
        if !snapshot.tables[ty].rows.is_empty() {
            let run = decode_type(&snapshot, reader, ty, ahead.and_then(|ahead| ahead.take(ty)));
            add_columns(&mut snapshot, ty, run, diagnostics);
        }
    }
    snapshot
}

/// Decodes the rows of one type that follow the `first` ones.
fn decode_type(snapshot: &Snapshot, reader: Reader<'_>, ty: TypeId, first: Option<Run>) -> Run {
    let Reader { model, plan, latest, .. } = reader;
    let (rows, plan) = (&snapshot.tables[ty].rows, plan.of(model, ty));
    let decode = |rows: &[Row]| decode_run(snapshot.split_text(), rows, (model, ty), plan, latest);
    if rows.len() <= ROWS_PER_RUN {
        return decode(rows);
    }
    let mut whole = first.unwrap_or_else(|| Run::with_capacity(rows.len(), model, ty, plan));
    let rest = rows.get(whole.keys.len()..).unwrap_or_default();
    let decode = |run: Range<usize>| decode(rest.get(run).unwrap_or_default());
    // Few runs at once, because they take as much memory again as the columns.
    let Ok(()) = in_chunks(rest.len(), ROWS_PER_RUN, decode, |run| {
        whole.append(run);
        Ok::<(), Infallible>(())
    });
    whole
}

/// Adds the columns of a type to its table.
fn add_columns(snapshot: &mut Snapshot, ty: TypeId, mut run: Run, diagnostics: &mut Vec<Diagnostic>) {
    run.move_side(snapshot.side.len());
    snapshot.side.push_str(&run.side);
    snapshot.other_properties += run.other_properties;
    snapshot.states_uncaptured |= run.states_uncaptured;
    snapshot.may_list_partial &= run.may_list_partial;
    snapshot.earliest_refused = past::earliest(snapshot.earliest_refused, run.earliest_refused);
    diagnostics.extend(run.diagnostics);
    let table = &mut snapshot.tables[ty];
    table.rows.iter_mut().zip(run.keys).for_each(|(row, key)| row.key = key);
    (table.odd_keys, table.nameless) = (run.odd_keys, run.nameless.into_iter().collect());
    table.columns = run.columns.into();
}
