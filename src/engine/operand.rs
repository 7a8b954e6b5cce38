//! Abstract values: what is known about the result of an expression.
//!
//! An unknown value of a snapshot may be any value of its type. Evaluation therefore computes with sets of possible
//! values, as abstract interpretation does (Cousot and Cousot, 1977). A [`Domain`] describes such a set: one value, an
//! interval, or all values of the type. The functions on sets at the end return the [`Outcomes`] of Cedar's operators.

use crate::value::{EntityRef, IpNet, Outcomes, Record, Set, Value};
use smol_str::SmolStr;
use std::cmp::Ordering;
use std::sync::Arc;

/// A known value. It is borrowed from the snapshot or the program where that is possible.
#[derive(Debug, Clone)]
pub(super) enum Operand<'a> {
    Bool(bool),
    Long(i64),
    String(&'a str),
    BuiltString(SmolStr),
    Decimal(i64),
    Datetime(i64),
    Duration(i64),
    Ip(IpNet),
    Entity(EntityRef),
    Set(&'a Set),
    BuiltSet(Arc<Set>),
    Record(&'a Record),
    BuiltRecord(Arc<Record>),
}

/// The possible results of an expression.
#[derive(Debug, Clone)]
pub(super) struct AbstractValue<'a> {
    /// The possible values.
    pub(super) value: Domain<'a>,
    /// Whether an error is possible too.
    pub(super) may_error: bool,
}

/// A set of possible values.
#[derive(Debug, Clone)]
pub(super) enum Domain<'a> {
    /// One value.
    Known(Operand<'a>),
    /// The interval of numbers from the first to the second.
    Range(i64, i64),
    /// Any datetime that a snapshot can contain. The calendar ends, so that differences of such datetimes do not
    /// overflow.
    Moment,
    /// Any value of the type.
    Unknown,
    /// No value: an error is certain.
    Nothing,
}

impl<'a> AbstractValue<'a> {
    /// Any value of the type, without an error.
    pub(super) const UNKNOWN: AbstractValue<'static> = AbstractValue { value: Domain::Unknown, may_error: false };
    /// A certain error.
    pub(super) const ERROR: AbstractValue<'static> = AbstractValue { value: Domain::Nothing, may_error: true };

    /// Returns the abstract value of a known value.
    pub(super) fn known(operand: Operand<'a>) -> Self {
        Self { value: Domain::Known(operand), may_error: false }
    }

    /// Returns the interval from `low` to `high`.
    pub(super) fn range(low: i64, high: i64) -> Self {
        if low == high {
            Self::known(Operand::Long(low))
        } else {
            Self { value: Domain::Range(low, high), may_error: false }
        }
    }

    /// Returns the abstract value of a condition.
    pub(super) fn of_outcomes(outcomes: Outcomes) -> Self {
        let may_error = outcomes.may(Outcomes::ERROR);
        match (outcomes.may(Outcomes::TRUE), outcomes.may(Outcomes::FALSE)) {
            (true, true) => Self { value: Domain::Unknown, may_error },
            (false, false) => Self::ERROR,
            (answer, _) => Self { value: Domain::Known(Operand::Bool(answer)), may_error },
        }
    }

    /// Returns the outcomes of an expression of type `Bool`.
    pub(super) fn to_outcomes(&self) -> Outcomes {
        let error = if self.may_error { Outcomes::ERROR } else { Outcomes::NONE };
        match &self.value {
            Domain::Known(Operand::Bool(answer)) => Outcomes::of(*answer) | error,
            Domain::Nothing => Outcomes::ERROR,
            // Cedar's validator guarantees the type.
            _ => Outcomes::EITHER | error,
        }
    }

    /// Returns the least and the largest possible number.
    pub(super) fn bounds(&self) -> (i64, i64) {
        match &self.value {
            Domain::Known(Operand::Long(n)) => (*n, *n),
            Domain::Range(low, high) => (*low, *high),
            _ => (i64::MIN, i64::MAX),
        }
    }

    /// Returns the value if it is known.
    pub(super) fn operand(&self) -> Option<&Operand<'a>> {
        match &self.value {
            Domain::Known(operand) => Some(operand),
            _ => None,
        }
    }

    /// Returns the value if it is a known set.
    pub(super) fn set(&self) -> Option<&Set> {
        self.operand().and_then(Operand::set)
    }

    /// Returns the value if it is a known entity.
    pub(super) fn entity(&self) -> Option<EntityRef> {
        self.operand().and_then(Operand::entity)
    }

    /// Returns the abstract value with an error possible too, if `may_error`.
    pub(super) fn or_error(mut self, may_error: bool) -> Self {
        self.may_error |= may_error;
        self
    }

    /// Returns whether an error is certain.
    pub(super) fn fails(&self) -> bool {
        matches!(self.value, Domain::Nothing)
    }
}

impl<'a> Operand<'a> {
    /// Returns the value if it is a number of any type.
    pub(super) fn number(&self) -> Option<i64> {
        match self {
            Operand::Long(n) | Operand::Decimal(n) | Operand::Datetime(n) | Operand::Duration(n) => Some(*n),
            _ => None,
        }
    }

    /// Returns a value, borrowed.
    pub(super) fn of(value: &'a Value) -> Self {
        match value {
            Value::Bool(b) => Operand::Bool(*b),
            Value::Long(n) => Operand::Long(*n),
            Value::String(s) => Operand::String(s),
            Value::Decimal(n) => Operand::Decimal(*n),
            Value::Datetime(n) => Operand::Datetime(*n),
            Value::Duration(n) => Operand::Duration(*n),
            Value::Ip(ip) => Operand::Ip(*ip),
            Value::Entity(entity) => Operand::Entity(*entity),
            Value::Set(set) => Operand::Set(set),
            Value::Record(record) => Operand::Record(record),
        }
    }

    /// Returns a copy of a value that does not borrow it: sets and records are shared.
    pub(super) fn shared(value: &Value) -> Self {
        match value {
            Value::Set(set) => Operand::BuiltSet(Arc::clone(set)),
            Value::Record(record) => Operand::BuiltRecord(Arc::clone(record)),
            Value::String(text) => Operand::BuiltString(text.clone()),
            Value::Bool(b) => Operand::Bool(*b),
            Value::Long(n) => Operand::Long(*n),
            Value::Decimal(n) => Operand::Decimal(*n),
            Value::Datetime(n) => Operand::Datetime(*n),
            Value::Duration(n) => Operand::Duration(*n),
            Value::Ip(ip) => Operand::Ip(*ip),
            Value::Entity(entity) => Operand::Entity(*entity),
        }
    }

    /// Returns the value, owned.
    pub(super) fn to_value(&self) -> Value {
        match self {
            Operand::Bool(b) => Value::Bool(*b),
            Operand::Long(n) => Value::Long(*n),
            Operand::String(s) => Value::String(SmolStr::new(s)),
            Operand::BuiltString(s) => Value::String(s.clone()),
            Operand::Decimal(n) => Value::Decimal(*n),
            Operand::Datetime(n) => Value::Datetime(*n),
            Operand::Duration(n) => Value::Duration(*n),
            Operand::Ip(ip) => Value::Ip(*ip),
            Operand::Entity(entity) => Value::Entity(*entity),
            Operand::Set(set) => Value::Set(Arc::new((*set).clone())),
            Operand::BuiltSet(set) => Value::Set(Arc::clone(set)),
            Operand::Record(record) => Value::Record(Arc::new((*record).clone())),
            Operand::BuiltRecord(record) => Value::Record(Arc::clone(record)),
        }
    }

    /// Returns the value if it is a string.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Operand::String(text) => Some(text),
            Operand::BuiltString(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the value if it is a set.
    pub(super) fn set(&self) -> Option<&Set> {
        match self {
            Operand::Set(set) => Some(set),
            Operand::BuiltSet(set) => Some(set),
            _ => None,
        }
    }

    /// Returns the value if it is a record.
    pub(super) fn record(&self) -> Option<&Record> {
        match self {
            Operand::Record(record) => Some(record),
            Operand::BuiltRecord(record) => Some(record),
            _ => None,
        }
    }

    /// Returns the value if it is an entity.
    pub(super) fn entity(&self) -> Option<EntityRef> {
        match self {
            Operand::Entity(entity) => Some(*entity),
            _ => None,
        }
    }

    /// Returns whether every part of the value is known.
    pub(super) fn is_exact(&self) -> bool {
        match self {
            Operand::Set(_) | Operand::BuiltSet(_) => self.set().is_some_and(set_is_exact),
            Operand::Record(_) | Operand::BuiltRecord(_) => {
                self.record().is_some_and(|record| record.fields().iter().all(|(_, value)| value_is_exact(value)))
            }
            Operand::Entity(entity) => is_exact(*entity),
            _ => true,
        }
    }

    /// Compares in the order of [`Value`], without a copy of a string.
    fn compare(&self, value: &Value) -> Ordering {
        match (self.text(), value) {
            (Some(a), Value::String(b)) => a.cmp(b.as_str()),
            _ => self.to_value().cmp(value),
        }
    }

    /// Returns the outcomes of `==`.
    pub(super) fn equals(&self, other: &Operand<'_>) -> Outcomes {
        match (self, other) {
            (Operand::String(a), Operand::String(b)) => Outcomes::of(a == b),
            (Operand::Bool(a), Operand::Bool(b)) => Outcomes::of(a == b),
            (Operand::Long(a), Operand::Long(b))
            | (Operand::Decimal(a), Operand::Decimal(b))
            | (Operand::Datetime(a), Operand::Datetime(b))
            | (Operand::Duration(a), Operand::Duration(b)) => Outcomes::of(a == b),
            (Operand::Ip(a), Operand::Ip(b)) => Outcomes::of(a == b),
            // The literal may name an instance of the uncaptured list.
            (Operand::Entity(a), Operand::Entity(b))
                if a.ty == b.ty && (a.is_placeholder() && b.is_literal() || b.is_placeholder() && a.is_literal()) =>
            {
                Outcomes::EITHER
            }
            (Operand::Entity(a), Operand::Entity(b)) if a == b => Outcomes::TRUE,
            // An open literal may name a captured instance whose id is unknown.
            (Operand::Entity(a), Operand::Entity(b)) if a.ty == b.ty && a.is_open_literal() != b.is_open_literal() => {
                Outcomes::EITHER
            }
            (Operand::Entity(_), Operand::Entity(_)) => Outcomes::FALSE,
            _ => match (self.set(), other.set()) {
                (Some(a), Some(b)) => sets_equal(a, b),
                _ if self.is_exact() && other.is_exact() => Outcomes::of(self.to_value() == other.to_value()),
                _ => Outcomes::EITHER,
            },
        }
    }
}

/// Returns whether every part of a value is known, and so is the identity of its entities.
fn value_is_exact(value: &Value) -> bool {
    match value {
        Value::Set(set) => set_is_exact(set),
        Value::Record(record) => record.fields().iter().all(|(_, value)| value_is_exact(value)),
        Value::Entity(entity) => is_exact(*entity),
        _ => true,
    }
}

/// Returns whether the identity of an entity is known.
fn is_exact(entity: EntityRef) -> bool {
    !entity.is_placeholder() && !entity.is_open_literal()
}

/// Returns whether every element of a set is known, and so is the identity of its entities.
fn set_is_exact(set: &Set) -> bool {
    set.is_exact() && set.items().iter().all(value_is_exact)
}

/// Returns the outcomes of `==` for two sets.
fn sets_equal(a: &Set, b: &Set) -> Outcomes {
    if set_is_exact(a) && set_is_exact(b) {
        return Outcomes::of(a == b);
    }
    let lacks_an_item =
        |set: &Set, of: &Set| of.items().iter().any(|item| contains(set, Some(&Operand::of(item))) == Outcomes::FALSE);
    if lacks_an_item(b, a) || lacks_an_item(a, b) { Outcomes::FALSE } else { Outcomes::EITHER }
}

/// Returns the outcomes of `.contains()`; an unknown item is `None`.
pub(super) fn contains(set: &Set, item: Option<&Operand<'_>>) -> Outcomes {
    let Some(item) = item else {
        return if is_empty(set) == Outcomes::TRUE { Outcomes::FALSE } else { Outcomes::EITHER };
    };
    if let Operand::Entity(entity) = item
        && is_exact(*entity)
    {
        return match (find_entity(set.items(), *entity), set.is_open()) {
            (Outcomes::TRUE, _) => Outcomes::TRUE,
            (Outcomes::FALSE, false) => find_entity(set.maybe(), *entity) | Outcomes::FALSE,
            _ => Outcomes::EITHER,
        };
    }
    // The elements of a set have one type. If it is not a set, a record or an entity, all elements are exact.
    let is_flat = |value: &Value| !matches!(value, Value::Set(_) | Value::Record(_) | Value::Entity(_));
    let mut elements = set.items().iter().chain(set.maybe());
    let is_exact = elements.clone().next().is_some_and(is_flat) || elements.all(value_is_exact);
    if !is_exact || !item.is_exact() {
        return contains_inexact(set, item);
    }
    let find = |list: &[Value]| list.binary_search_by(|element| item.compare(element).reverse()).is_ok();
    match (find(set.items()), set.is_open() || find(set.maybe())) {
        (true, _) => Outcomes::TRUE,
        (false, true) => Outcomes::EITHER,
        (false, false) => Outcomes::FALSE,
    }
}

/// Returns whether an element of a sorted list is an entity, whose identity is known. The elements whose identity is not known are
/// after the other ones of their type.
pub(super) fn find_entity<'v>(list: &'v [Value], entity: EntityRef) -> Outcomes {
    let since = |list: &'v [Value], wanted: EntityRef| {
        let is_before = |element: &Value| matches!(element, Value::Entity(element) if *element < wanted);
        list.split_at(list.partition_point(is_before)).1
    };
    let rest = since(list, entity);
    match rest.first() {
        Some(Value::Entity(found)) if *found == entity => return Outcomes::TRUE,
        Some(Value::Entity(next)) if next.ty == entity.ty => {}
        // Its type has no element after it, so none of unknown identity unless it is a literal.
        _ if !entity.is_literal() => return Outcomes::FALSE,
        _ => {}
    }
    let unknown = since(if entity.is_literal() { list } else { rest }, EntityRef::least_literal(entity.ty));
    let mut unknown = unknown.iter().take_while(|element| matches!(element, Value::Entity(it) if it.ty == entity.ty));
    let may_be = |element: &Value| Operand::Entity(entity).equals(&Operand::of(element)) != Outcomes::FALSE;
    if unknown.any(may_be) { Outcomes::EITHER } else { Outcomes::FALSE }
}

/// Returns the outcomes of `.contains()` if the item or an element is not exact.
fn contains_inexact(set: &Set, item: &Operand<'_>) -> Outcomes {
    let equals = |element: &Value| item.equals(&Operand::of(element));
    if set.items().iter().any(|element| equals(element) == Outcomes::TRUE) {
        return Outcomes::TRUE;
    }
    let is_none = set.items().iter().chain(set.maybe()).all(|element| equals(element) == Outcomes::FALSE);
    if !set.is_open() && is_none { Outcomes::FALSE } else { Outcomes::EITHER }
}

/// Returns the outcomes of `a.containsAll(b)`.
pub(super) fn contains_all(a: &Set, b: &Set) -> Outcomes {
    let mut certain = Outcomes::TRUE;
    for item in b.items() {
        let contains = contains(a, Some(&Operand::of(item)));
        if contains == Outcomes::FALSE {
            return Outcomes::FALSE;
        }
        certain = certain.and(contains);
    }
    let is_missing = |item: &Value| contains(a, Some(&Operand::of(item))) != Outcomes::TRUE;
    if b.is_open() || b.maybe().iter().any(is_missing) { Outcomes::EITHER } else { certain }
}

/// Returns the outcomes of `a.containsAny(b)`.
pub(super) fn contains_any(a: &Set, b: &Set) -> Outcomes {
    let mut any = Outcomes::FALSE;
    for item in b.items() {
        let contains = contains(a, Some(&Operand::of(item)));
        if contains == Outcomes::TRUE {
            return Outcomes::TRUE;
        }
        any = any.or(contains);
    }
    let is_possible = b.maybe().iter().any(|item| contains(a, Some(&Operand::of(item))) != Outcomes::FALSE);
    if is_possible || (b.is_open() && is_empty(a) != Outcomes::TRUE) { any | Outcomes::EITHER } else { any }
}

/// Returns the outcomes of `.isEmpty()`.
pub(super) fn is_empty(set: &Set) -> Outcomes {
    if !set.items().is_empty() {
        Outcomes::FALSE
    } else if set.is_exact() {
        Outcomes::TRUE
    } else {
        Outcomes::EITHER
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::TypeId;

    /// A search by place has the outcomes of comparisons with every element.
    #[test]
    fn an_entity_is_found_in_every_set_as_by_comparing_all_elements() {
        let ty = TypeId::default();
        let other = EntityRef { ty: TypeId::new(1), row: 0 };
        let all = [
            EntityRef { ty, row: 0 },
            EntityRef { ty, row: 7 },
            EntityRef::placeholder(ty),
            EntityRef::literal(ty, 0),
            EntityRef::open_literal(ty, 0),
            other,
        ];
        let subset = |bits: usize| {
            let chosen = all.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1);
            chosen.map(|(_, entity)| Value::Entity(*entity)).collect::<Vec<_>>()
        };
        for (items, maybe) in (0..64).flat_map(|items| (0..64).map(move |maybe| (items, maybe))) {
            for open in [false, true] {
                let set = Set::partial(subset(items), subset(maybe), open);
                for entity in all {
                    let item = Operand::Entity(entity);
                    assert_eq!(contains(&set, Some(&item)), contains_inexact(&set, &item), "{set:?} {entity:?}");
                }
            }
        }
    }

    #[test]
    fn unknown_elements_do_not_hide_a_certain_element() {
        let entity = |row| Value::Entity(EntityRef { ty: TypeId::default(), row });
        let set = Set::new(vec![entity(3), Value::Entity(EntityRef::placeholder(TypeId::default()))]);
        let outcomes = |row| contains(&set, Some(&Operand::of(&entity(row))));
        assert_eq!([outcomes(3), outcomes(u32::MAX), outcomes(4)], [Outcomes::TRUE, Outcomes::TRUE, Outcomes::FALSE]);
        let open =
            Set::partial(vec![entity(3), Value::Entity(EntityRef::placeholder(TypeId::default()))], Vec::new(), true);
        let outcomes = |row| contains(&open, Some(&Operand::of(&entity(row))));
        assert_eq!([outcomes(3), outcomes(4)], [Outcomes::TRUE, Outcomes::EITHER]);
    }
}
