//! Values during evaluation: borrowed where they can be, and possibly not known.

use crate::value::{EntityRef, IpNet, Outcomes, Record, Set, Value};
use smol_str::SmolStr;
use std::cmp::Ordering;
use std::sync::Arc;

/// A known value, borrowed from the snapshot or the program where that is possible.
#[derive(Debug, Clone)]
pub enum Operand<'a> {
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

/// What an expression may evaluate to.
#[derive(Debug, Clone)]
pub struct AbstractValue<'a> {
    pub value: Domain<'a>,
    /// Whether it may also end in an error.
    pub may_error: bool,
}

#[derive(Debug, Clone)]
pub enum Domain<'a> {
    /// Exactly this.
    Known(Operand<'a>),
    /// Some number from the first to the second.
    Range(i64, i64),
    /// Some moment that a snapshot can name: the calendar ends, so differences of such moments never overflow.
    Moment,
    /// Any value of its type.
    Unknown,
    /// No value: it certainly ends in an error.
    Nothing,
}

impl<'a> AbstractValue<'a> {
    pub const UNKNOWN: AbstractValue<'static> = AbstractValue { value: Domain::Unknown, may_error: false };
    pub const ERROR: AbstractValue<'static> = AbstractValue { value: Domain::Nothing, may_error: true };

    pub fn known(operand: Operand<'a>) -> Self {
        Self { value: Domain::Known(operand), may_error: false }
    }

    pub fn range(low: i64, high: i64) -> Self {
        if low == high {
            Self::known(Operand::Long(low))
        } else {
            Self { value: Domain::Range(low, high), may_error: false }
        }
    }

    pub fn of_outcomes(mask: Outcomes) -> Self {
        let may_error = mask.may(Outcomes::ERROR);
        match (mask.may(Outcomes::TRUE), mask.may(Outcomes::FALSE)) {
            (true, true) => Self { value: Domain::Unknown, may_error },
            (false, false) => Self::ERROR,
            (answer, _) => Self { value: Domain::Known(Operand::Bool(answer)), may_error },
        }
    }

    pub fn to_outcomes(&self) -> Outcomes {
        let error = if self.may_error { Outcomes::ERROR } else { Outcomes::NONE };
        match &self.value {
            Domain::Known(Operand::Bool(answer)) => Outcomes::of(*answer) | error,
            Domain::Nothing => Outcomes::ERROR,
            // Validation has shown the expression to be a boolean.
            _ => Outcomes::EITHER | error,
        }
    }

    /// Returns the numbers it may be.
    pub fn bounds(&self) -> (i64, i64) {
        match &self.value {
            Domain::Known(Operand::Long(n)) => (*n, *n),
            Domain::Range(low, high) => (*low, *high),
            _ => (i64::MIN, i64::MAX),
        }
    }

    pub fn operand(&self) -> Option<&Operand<'a>> {
        match &self.value {
            Domain::Known(operand) => Some(operand),
            _ => None,
        }
    }

    pub fn fails(&self) -> bool {
        matches!(self.value, Domain::Nothing)
    }
}

impl<'a> Operand<'a> {
    /// Returns a number of any type.
    pub fn number(&self) -> Option<i64> {
        match self {
            Operand::Long(n) | Operand::Decimal(n) | Operand::Datetime(n) | Operand::Duration(n) => Some(*n),
            _ => None,
        }
    }

    pub fn of(value: &'a Value) -> Self {
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

    pub fn to_value(&self) -> Value {
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

    pub fn text(&self) -> Option<&str> {
        match self {
            Operand::String(text) => Some(text),
            Operand::BuiltString(text) => Some(text),
            _ => None,
        }
    }

    pub fn set(&self) -> Option<&Set> {
        match self {
            Operand::Set(set) => Some(set),
            Operand::BuiltSet(set) => Some(set),
            _ => None,
        }
    }

    pub fn record(&self) -> Option<&Record> {
        match self {
            Operand::Record(record) => Some(record),
            Operand::BuiltRecord(record) => Some(record),
            _ => None,
        }
    }

    pub fn entity(&self) -> Option<EntityRef> {
        match self {
            Operand::Entity(entity) => Some(*entity),
            _ => None,
        }
    }

    /// Whether every part of it is known.
    pub fn is_exact(&self) -> bool {
        match self {
            Operand::Set(_) | Operand::BuiltSet(_) => self.set().is_some_and(set_is_exact),
            Operand::Record(_) | Operand::BuiltRecord(_) => {
                self.record().is_some_and(|record| record.fields().iter().all(|(_, value)| value_is_exact(value)))
            }
            Operand::Entity(entity) => is_exact(*entity),
            _ => true,
        }
    }

    /// The order of [`Value`], without building one for texts.
    fn compare(&self, value: &Value) -> Ordering {
        match (self.text(), value) {
            (Some(a), Value::String(b)) => a.cmp(b.as_str()),
            _ => self.to_value().cmp(value),
        }
    }

    /// `==`.
    pub fn equals(&self, other: &Operand<'_>) -> Outcomes {
        match (self, other) {
            (Operand::String(a), Operand::String(b)) => Outcomes::of(a == b),
            (Operand::Bool(a), Operand::Bool(b)) => Outcomes::of(a == b),
            (Operand::Long(a), Operand::Long(b))
            | (Operand::Decimal(a), Operand::Decimal(b))
            | (Operand::Datetime(a), Operand::Datetime(b))
            | (Operand::Duration(a), Operand::Duration(b)) => Outcomes::of(a == b),
            (Operand::Ip(a), Operand::Ip(b)) => Outcomes::of(a == b),
            // A literal may name the very instance that nobody captured.
            (Operand::Entity(a), Operand::Entity(b))
                if a.ty == b.ty && (a.is_placeholder() && b.is_literal() || b.is_placeholder() && a.is_literal()) =>
            {
                Outcomes::EITHER
            }
            (Operand::Entity(a), Operand::Entity(b)) if a == b => Outcomes::TRUE,
            // A literal may name an instance of which the id is not known.
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

fn value_is_exact(value: &Value) -> bool {
    match value {
        Value::Set(set) => set_is_exact(set),
        Value::Record(record) => record.fields().iter().all(|(_, value)| value_is_exact(value)),
        Value::Entity(entity) => is_exact(*entity),
        _ => true,
    }
}

/// Whether it is known which entity this is.
fn is_exact(entity: EntityRef) -> bool {
    !entity.is_placeholder() && !entity.is_open_literal()
}

fn set_is_exact(set: &Set) -> bool {
    set.is_exact() && set.items().iter().all(value_is_exact)
}

fn sets_equal(a: &Set, b: &Set) -> Outcomes {
    if set_is_exact(a) && set_is_exact(b) {
        return Outcomes::of(a == b);
    }
    let impossible = |from: &Set, into: &Set| {
        from.items().iter().any(|item| contains(into, Some(&Operand::of(item))) == Outcomes::FALSE)
    };
    if impossible(a, b) || impossible(b, a) { Outcomes::FALSE } else { Outcomes::EITHER }
}

/// `.contains()`; an unknown item is `None`.
pub fn contains(set: &Set, item: Option<&Operand<'_>>) -> Outcomes {
    let Some(item) = item else {
        return if is_empty(set) == Outcomes::TRUE { Outcomes::FALSE } else { Outcomes::EITHER };
    };
    // Elements of a set have one type: where one can be told to be exact by its type, so can all.
    let mut elements = set.items().iter().chain(set.maybe());
    let flat = elements
        .clone()
        .next()
        .is_some_and(|first| !matches!(first, Value::Set(_) | Value::Record(_) | Value::Entity(_)));
    let exact = item.is_exact() && (flat || elements.all(value_is_exact));
    if !exact {
        let equals = |element: &Value| item.equals(&Operand::of(element));
        return if set.items().iter().any(|element| equals(element) == Outcomes::TRUE) {
            Outcomes::TRUE
        } else if set.is_exact()
            && set.items().iter().chain(set.maybe()).all(|element| equals(element) == Outcomes::FALSE)
        {
            Outcomes::FALSE
        } else {
            Outcomes::EITHER
        };
    }
    let find = |list: &[Value]| list.binary_search_by(|element| item.compare(element).reverse()).is_ok();
    match (find(set.items()), set.is_open() || find(set.maybe())) {
        (true, _) => Outcomes::TRUE,
        (false, true) => Outcomes::EITHER,
        (false, false) => Outcomes::FALSE,
    }
}

/// `a.containsAll(b)`.
pub fn contains_all(a: &Set, b: &Set) -> Outcomes {
    let certain = b.items().iter().fold(Outcomes::TRUE, |all, item| all.and(contains(a, Some(&Operand::of(item)))));
    if certain == Outcomes::FALSE
        || b.items().iter().any(|item| contains(a, Some(&Operand::of(item))) == Outcomes::FALSE)
    {
        return Outcomes::FALSE;
    }
    let spoiled = b.is_open() || b.maybe().iter().any(|item| contains(a, Some(&Operand::of(item))) != Outcomes::TRUE);
    if spoiled { Outcomes::EITHER } else { certain }
}

/// `a.containsAny(b)`.
pub fn contains_any(a: &Set, b: &Set) -> Outcomes {
    let any = b.items().iter().fold(Outcomes::FALSE, |any, item| any.or(contains(a, Some(&Operand::of(item)))));
    if b.items().iter().any(|item| contains(a, Some(&Operand::of(item))) == Outcomes::TRUE) {
        return Outcomes::TRUE;
    }
    let perhaps = b.maybe().iter().any(|item| contains(a, Some(&Operand::of(item))) != Outcomes::FALSE);
    if perhaps || (b.is_open() && is_empty(a) != Outcomes::TRUE) { any | Outcomes::EITHER } else { any }
}

/// `.isEmpty()`.
pub fn is_empty(set: &Set) -> Outcomes {
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

    #[test]
    fn a_set_holds_what_it_certainly_holds_whatever_else_may_be_in_it() {
        let entity = |row| Value::Entity(EntityRef { ty: TypeId::default(), row });
        let set = Set::new(vec![entity(3), Value::Entity(EntityRef::placeholder(TypeId::default()))]);
        let asked = |row| contains(&set, Some(&Operand::of(&entity(row))));
        assert_eq!([asked(3), asked(u32::MAX), asked(4)], [Outcomes::TRUE, Outcomes::TRUE, Outcomes::FALSE]);
        let open =
            Set::partial(vec![entity(3), Value::Entity(EntityRef::placeholder(TypeId::default()))], Vec::new(), true);
        let asked = |row| contains(&open, Some(&Operand::of(&entity(row))));
        assert_eq!([asked(3), asked(4)], [Outcomes::TRUE, Outcomes::EITHER]);
    }
}
