//! The aggregation of a derivation: from the pairs of one resource to the value of the derived attribute.
//!
//! A principal counts if some `permit` is satisfied and no `forbid` is. One that may count is uncertain: it is included
//! in the upper bound of a count and in the possible elements of a set.

use crate::program::Aggregate;
use crate::snapshot::{Column, Data, State};
use crate::value::{EntityRef, Outcomes, Set, Value};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A principal that contributes to a derived value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Witness {
    /// The principal.
    pub entity: EntityRef,
    /// Whether it certainly counts; otherwise that depends on an unknown value.
    pub certain: bool,
}

/// A principal that a policy of a derivation may permit, or forbid, on the resource of a probe.
pub(super) struct Pair {
    /// The principal.
    pub(super) principal: EntityRef,
    /// Whether the policy is a `forbid`.
    pub(super) subtracts: bool,
    /// The outcomes of the policy.
    pub(super) outcomes: Outcomes,
}

/// Whether there may be principals that were not tested, because of the limit on pairs.
#[derive(Clone, Copy, Default)]
pub(super) struct Truncated {
    /// Principals that a `permit` permits.
    pub(super) permitted: bool,
    /// Principals that a `forbid` forbids.
    pub(super) forbidden: bool,
}

impl Truncated {
    /// Records that a policy was not tested for some principals.
    pub(super) fn note(&mut self, subtracts: bool) {
        *(if subtracts { &mut self.forbidden } else { &mut self.permitted }) = true;
    }
}

/// A value of a derived attribute.
#[derive(Debug, Clone)]
pub(super) struct Aggregated {
    is_known: bool,
    value: AggregatedValue,
}

#[derive(Debug, Clone)]
enum AggregatedValue {
    Exists(bool),
    /// The least and the largest number.
    Count(i64, i64),
    Collect(Arc<Set>),
}

/// Returns the principals that count or may count, in order of type and row.
pub(super) fn witnesses(pairs: &mut [Pair], truncated: Truncated) -> impl Iterator<Item = Witness> {
    pairs.sort_unstable_by_key(|pair| pair.principal);
    pairs.chunk_by(|a, b| a.principal == b.principal).filter_map(move |pairs| {
        let entity = pairs.first()?.principal;
        let any = |subtracts| {
            let outcomes = pairs.iter().filter(|pair| pair.subtracts == subtracts).map(|pair| pair.outcomes);
            outcomes.fold(Outcomes::FALSE, |any, one| if any == Outcomes::TRUE { any } else { one })
        };
        let counts = any(false).and(any(true).not());
        let certain = counts == Outcomes::TRUE && !truncated.forbidden;
        (counts != Outcomes::FALSE).then_some(Witness { entity, certain })
    })
}

/// Returns the value for the witnesses of a resource, if at most `more` principals may count besides them.
pub(super) fn aggregate(kind: Aggregate, witnesses: impl Iterator<Item = Witness>, more: u64) -> Aggregated {
    if kind == Aggregate::Collect {
        let (certain, maybe): (Vec<Witness>, Vec<Witness>) = witnesses.partition(|witness| witness.certain);
        let values = |list: Vec<Witness>| list.into_iter().map(|witness| Value::Entity(witness.entity)).collect();
        let set = Set::partial(values(certain), values(maybe), false);
        return Aggregated { is_known: more == 0, value: AggregatedValue::Collect(Arc::new(set)) };
    }
    let (mut certain, mut possible) = (0, 0);
    for witness in witnesses {
        possible += 1;
        certain += i64::from(witness.certain);
    }
    counted(kind, (certain, possible), more)
}

/// Returns the value for the numbers of witnesses that certainly count, and of all, if at most `more` principals may
/// count besides them.
pub(super) fn counted(kind: Aggregate, (certain, possible): (i64, i64), more: u64) -> Aggregated {
    let most = i64::try_from(more).unwrap_or(i64::MAX).saturating_add(possible);
    match kind {
        Aggregate::Exists => {
            Aggregated { is_known: certain > 0 || most == 0, value: AggregatedValue::Exists(certain > 0) }
        }
        _ => Aggregated { is_known: certain == most, value: AggregatedValue::Count(certain, most) },
    }
}

/// The principals that count for each resource of a class, except for itself.
pub(super) struct Apart {
    kind: Aggregate,
    /// In order.
    witnesses: Vec<Witness>,
    certain: i64,
    more: u64,
}

impl Apart {
    pub(super) fn new(kind: Aggregate, witnesses: impl Iterator<Item = Witness>, more: u64) -> Self {
        let witnesses: Vec<Witness> = witnesses.collect();
        let certain = witnesses.iter().map(|witness| i64::from(witness.certain)).sum();
        Self { kind, witnesses, certain, more }
    }

    /// Returns the value for a resource, which does not count for itself.
    pub(super) fn without(&self, resource: EntityRef) -> Aggregated {
        let found = self.witnesses.binary_search_by_key(&resource, |witness| witness.entity);
        let own = found.ok().and_then(|at| self.witnesses.get(at));
        let possible = i64::try_from(self.witnesses.len()).unwrap_or(i64::MAX) - i64::from(own.is_some());
        let certain = self.certain - own.map_or(0, |own| i64::from(own.certain));
        counted(self.kind, (certain, possible), self.more)
    }
}

/// A value of a principal, of which the different ones are counted.
pub(super) enum CountedValue {
    /// It is known.
    Known(Value),
    /// It is absent, and does not count.
    Absent,
    /// It is any value or, if `may_be_absent`, none.
    Unknown { may_be_absent: bool },
}

/// Returns the number of different values of the witnesses of a resource, if at most `more` principals may count besides
/// them.
pub(super) fn distinct(
    witnesses: impl Iterator<Item = Witness>,
    value: impl Fn(EntityRef) -> CountedValue,
    more: u64,
) -> Aggregated {
    let (mut certain, mut possible, mut unknown, mut is_one) = (BTreeSet::new(), BTreeSet::new(), 0, false);
    for witness in witnesses {
        match value(witness.entity) {
            CountedValue::Known(value) if witness.certain => {
                certain.insert(value);
            }
            CountedValue::Known(value) => {
                possible.insert(value);
            }
            CountedValue::Absent => {}
            CountedValue::Unknown { may_be_absent } => {
                unknown += 1;
                is_one |= witness.certain && !may_be_absent;
            }
        }
    }
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let known = count(certain.len());
    let others = count(possible.difference(&certain).count()).saturating_add(unknown);
    let more = i64::try_from(more).unwrap_or(i64::MAX);
    let (low, high) = (known.max(i64::from(is_one)), known.saturating_add(others).saturating_add(more));
    Aggregated { is_known: low == high, value: AggregatedValue::Count(low, high) }
}

/// Returns the column of a derived attribute from its values by row.
pub(super) fn column(kind: Aggregate, rows: usize, values: impl Iterator<Item = Aggregated>) -> Column {
    let mut states = Vec::with_capacity(rows);
    let mut data = match kind {
        Aggregate::Exists => Data::Bool(Vec::with_capacity(rows)),
        Aggregate::Count | Aggregate::Distinct => Data::Range(Vec::with_capacity(rows)),
        Aggregate::Collect => Data::Value(Vec::with_capacity(rows)),
    };
    for Aggregated { is_known, value } in values {
        states.push(if is_known { State::Known } else { State::Uncaptured });
        match (&mut data, value) {
            (Data::Bool(all), AggregatedValue::Exists(exists)) => all.push(exists),
            (Data::Range(all), AggregatedValue::Count(low, high)) => all.push((low, high)),
            (Data::Value(all), AggregatedValue::Collect(set)) => all.push(Value::Set(set)),
            _ => {}
        }
    }
    Column { states, data }
}

/// Returns the rows of several columns of a derived attribute as one column.
pub(super) fn concatenated(columns: Vec<Column>) -> Column {
    let rows: usize = columns.iter().map(|column| column.states.len()).sum();
    let mut columns = columns.into_iter();
    let Some(mut all) = columns.next() else { return Column::default() };
    all.states.reserve_exact(rows - all.states.len());
    for column in columns {
        all.states.extend(column.states);
        match (&mut all.data, column.data) {
            (Data::Bool(all), Data::Bool(more)) => all.extend(more),
            (Data::Range(all), Data::Range(more)) => all.extend(more),
            (Data::Value(all), Data::Value(more)) => all.extend(more),
            _ => {}
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::TypeId;

    /// Returns the witnesses for pairs of a row, whether the policy is a `forbid`, and its outcomes.
    fn found(pairs: &[(u32, bool, Outcomes)], truncated: Truncated) -> Vec<(u32, bool)> {
        let principal = |row| EntityRef { ty: TypeId::default(), row };
        let pair = |(row, subtracts, outcomes): &(u32, bool, Outcomes)| Pair {
            principal: principal(*row),
            subtracts: *subtracts,
            outcomes: *outcomes,
        };
        let mut pairs: Vec<Pair> = pairs.iter().map(pair).collect();
        witnesses(&mut pairs, truncated).map(|witness| (witness.entity.row, witness.certain)).collect()
    }

    #[test]
    fn a_principal_counts_if_it_is_permitted_and_not_forbidden() {
        let (yes, maybe) = (Outcomes::TRUE, Outcomes::EITHER);
        let pairs =
            [(2, false, yes), (1, false, maybe), (1, false, yes), (2, true, yes), (3, false, yes), (3, true, maybe)];
        assert_eq!(found(&pairs, Truncated::default()), [(1, true), (3, false)]);
    }

    #[test]
    fn no_principal_is_certain_if_a_forbid_was_not_tested() {
        let truncated = Truncated { forbidden: true, permitted: false };
        assert_eq!(found(&[(1, false, Outcomes::TRUE)], truncated), [(1, false)]);
    }
}
