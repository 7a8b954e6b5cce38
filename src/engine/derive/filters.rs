//! Filters that several derivations have: they are evaluated once for all principals of a type (common subexpressions, as
//! query optimizers call them).
//!
//! Filters are evaluated in order, so derivations share the first ones of a list. All lists together are a trie.

use super::super::batch::{Batch, Role};
use super::super::eval::Evaluator;
use super::ROWS_PER_TASK;
use crate::program::{Condition, DerivationProgram, DerivedAttribute, Program};
use crate::value::{Outcomes, TypeId};
use std::collections::HashMap;
use std::sync::OnceLock;

/// The number of principals from which filters are shared. It is low in debug builds, so that tests cover both ways.
const MIN_PRINCIPALS: usize = if cfg!(debug_assertions) { 3 } else { 1 << 10 };

/// The number of the first filters of a derivation that it may share: the keys of all prefixes of a long list would take much
/// memory. It is low in debug builds, so that tests cover both ways.
const MOST_FILTERS: usize = if cfg!(debug_assertions) { 2 } else { 16 };

/// The first filters of a derivation, by their structures, and the type of the principals.
type Prefix = (TypeId, Vec<Condition>);

/// The outcomes of filters that several derivations share, for all principals of a type.
#[derive(Default)]
pub(super) struct SharedFilters {
    outcomes: HashMap<Prefix, OnceLock<Vec<Outcomes>>>,
}

impl SharedFilters {
    /// Returns the filters that several derivations of some attributes share. They are evaluated later.
    pub(super) fn new<'p>(evaluator: &Evaluator<'_>, attributes: impl Iterator<Item = &'p DerivedAttribute>) -> Self {
        let mut counts: HashMap<Prefix, usize> = HashMap::new();
        let is_large =
            |part: &&DerivationProgram| evaluator.snapshot.table(part.body.principal).rows.len() >= MIN_PRINCIPALS;
        for part in attributes.flat_map(|attribute| &attribute.parts).filter(is_large) {
            for count in 1..=part.filters.len().min(MOST_FILTERS) {
                *counts.entry(prefix(evaluator.program, part, count)).or_default() += 1;
            }
        }
        let shared = counts.into_iter().filter(|(_, count)| *count > 1);
        Self { outcomes: shared.map(|(prefix, _)| (prefix, OnceLock::new())).collect() }
    }

    /// Returns the number of the first filters of a derivation that it shares, and their outcomes for all principals.
    pub(super) fn of(&self, evaluator: &Evaluator<'_>, part: &DerivationProgram) -> Option<(usize, &[Outcomes])> {
        if self.outcomes.is_empty() {
            return None;
        }
        let most = part.filters.len().min(MOST_FILTERS);
        (1..=most).rev().find_map(|count| Some((count, self.first(evaluator, part, count)?)))
    }

    /// Returns the outcomes of the first filters of a derivation, if it shares them.
    fn first(&self, evaluator: &Evaluator<'_>, part: &DerivationProgram, count: usize) -> Option<&[Outcomes]> {
        let last = count.checked_sub(1)?;
        let known = self.outcomes.get(&prefix(evaluator.program, part, count))?;
        // It works on one thread, because this is a lock.
        Some(known.get_or_init(|| {
            let before = self.first(evaluator, part, last).unwrap_or_default();
            evaluator.filtered(part, before, last..count)
        }))
    }
}

/// Returns the first filters of a derivation.
fn prefix(program: &Program, part: &DerivationProgram, count: usize) -> Prefix {
    let filters = part.filters.iter().take(count);
    (part.body.principal, filters.map(|filter| program.structure(filter)).collect())
}

impl Evaluator<'_> {
    /// Returns the outcomes of filters of a derivation, and of those before, for all principals. If there are none before, their
    /// list is empty.
    pub(super) fn filtered(
        &self,
        part: &DerivationProgram,
        before: &[Outcomes],
        filters: std::ops::Range<usize>,
    ) -> Vec<Outcomes> {
        let ty = part.body.principal;
        let rows = self.snapshot.table(ty).row_numbers();
        let mut all = Vec::with_capacity(rows.len());
        for start in rows.clone().step_by(ROWS_PER_TASK as usize) {
            let batch = Batch { role: Role::Principal, ty, start, other: self.root() };
            let len = (rows.end - start).min(ROWS_PER_TASK) as usize;
            let before = before.get(start as usize..start as usize + len);
            let mut lanes = before.map_or_else(|| vec![Outcomes::TRUE; len], <[_]>::to_vec);
            for filter in part.filters.get(filters.clone()).unwrap_or_default() {
                self.and_batch(filter, batch, &mut lanes);
            }
            all.extend(lanes);
        }
        all
    }
}
