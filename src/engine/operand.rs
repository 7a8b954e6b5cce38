//! Values during evaluation: borrowed where they can be, and possibly not known.

use crate::value::{EntityRef, IpNet, Mask, Record, Set, Value};
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
pub struct Outcome<'a> {
    pub value: Possible<'a>,
    /// Whether it may also end in an error.
    pub may_fail: bool,
}

#[derive(Debug, Clone)]
pub enum Possible<'a> {
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

impl<'a> Outcome<'a> {
    pub const UNKNOWN: Outcome<'static> = Outcome { value: Possible::Unknown, may_fail: false };
    pub const ERROR: Outcome<'static> = Outcome { value: Possible::Nothing, may_fail: true };

    pub fn known(operand: Operand<'a>) -> Self {
        Self { value: Possible::Known(operand), may_fail: false }
    }

    pub fn range(low: i64, high: i64) -> Self {
        if low == high {
            Self::known(Operand::Long(low))
        } else {
            Self { value: Possible::Range(low, high), may_fail: false }
        }
    }

    pub fn of_mask(mask: Mask) -> Self {
        let may_fail = mask.may(Mask::ERROR);
        match (mask.may(Mask::TRUE), mask.may(Mask::FALSE)) {
            (true, true) => Self { value: Possible::Unknown, may_fail },
            (false, false) => Self::ERROR,
            (answer, _) => Self { value: Possible::Known(Operand::Bool(answer)), may_fail },
        }
    }

    pub fn to_mask(&self) -> Mask {
        let error = if self.may_fail { Mask::ERROR } else { Mask::NONE };
        match &self.value {
            Possible::Known(Operand::Bool(answer)) => Mask::of(*answer) | error,
            Possible::Nothing => Mask::ERROR,
            // Validation has shown the expression to be a boolean.
            _ => Mask::EITHER | error,
        }
    }

    /// Returns the numbers it may be.
    pub fn bounds(&self) -> (i64, i64) {
        match &self.value {
            Possible::Known(Operand::Long(n)) => (*n, *n),
            Possible::Range(low, high) => (*low, *high),
            _ => (i64::MIN, i64::MAX),
        }
    }

    pub fn operand(&self) -> Option<&Operand<'a>> {
        match &self.value {
            Possible::Known(operand) => Some(operand),
            _ => None,
        }
    }

    pub fn fails(&self) -> bool {
        matches!(self.value, Possible::Nothing)
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
    pub fn equals(&self, other: &Operand<'_>) -> Mask {
        match (self, other) {
            (Operand::String(a), Operand::String(b)) => Mask::of(a == b),
            (Operand::Bool(a), Operand::Bool(b)) => Mask::of(a == b),
            (Operand::Long(a), Operand::Long(b))
            | (Operand::Decimal(a), Operand::Decimal(b))
            | (Operand::Datetime(a), Operand::Datetime(b))
            | (Operand::Duration(a), Operand::Duration(b)) => Mask::of(a == b),
            (Operand::Ip(a), Operand::Ip(b)) => Mask::of(a == b),
            // A literal may name the very instance that nobody captured.
            (Operand::Entity(a), Operand::Entity(b))
                if a.ty == b.ty && (a.is_placeholder() && b.is_literal() || b.is_placeholder() && a.is_literal()) =>
            {
                Mask::EITHER
            }
            (Operand::Entity(a), Operand::Entity(b)) if a == b => Mask::TRUE,
            // A literal may name an instance of which the id is not known.
            (Operand::Entity(a), Operand::Entity(b)) if a.ty == b.ty && a.is_open_literal() != b.is_open_literal() => {
                Mask::EITHER
            }
            (Operand::Entity(_), Operand::Entity(_)) => Mask::FALSE,
            _ => match (self.set(), other.set()) {
                (Some(a), Some(b)) => sets_equal(a, b),
                _ if self.is_exact() && other.is_exact() => Mask::of(self.to_value() == other.to_value()),
                _ => Mask::EITHER,
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

fn sets_equal(a: &Set, b: &Set) -> Mask {
    if set_is_exact(a) && set_is_exact(b) {
        return Mask::of(a == b);
    }
    let impossible = |from: &Set, into: &Set| {
        from.items().iter().any(|item| contains(into, Some(&Operand::of(item))) == Mask::FALSE)
    };
    if impossible(a, b) || impossible(b, a) { Mask::FALSE } else { Mask::EITHER }
}

/// `.contains()`; an unknown item is `None`.
pub fn contains(set: &Set, item: Option<&Operand<'_>>) -> Mask {
    let Some(item) = item else {
        return if is_empty(set) == Mask::TRUE { Mask::FALSE } else { Mask::EITHER };
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
        return if set.items().iter().any(|element| equals(element) == Mask::TRUE) {
            Mask::TRUE
        } else if set.is_exact() && set.items().iter().chain(set.maybe()).all(|element| equals(element) == Mask::FALSE)
        {
            Mask::FALSE
        } else {
            Mask::EITHER
        };
    }
    let find = |list: &[Value]| list.binary_search_by(|element| item.compare(element).reverse()).is_ok();
    match (find(set.items()), set.is_open() || find(set.maybe())) {
        (true, _) => Mask::TRUE,
        (false, true) => Mask::EITHER,
        (false, false) => Mask::FALSE,
    }
}

/// `a.containsAll(b)`.
pub fn contains_all(a: &Set, b: &Set) -> Mask {
    let certain = b.items().iter().fold(Mask::TRUE, |all, item| all.and(contains(a, Some(&Operand::of(item)))));
    if certain == Mask::FALSE || b.items().iter().any(|item| contains(a, Some(&Operand::of(item))) == Mask::FALSE) {
        return Mask::FALSE;
    }
    let spoiled = b.is_open() || b.maybe().iter().any(|item| contains(a, Some(&Operand::of(item))) != Mask::TRUE);
    if spoiled { Mask::EITHER } else { certain }
}

/// `a.containsAny(b)`.
pub fn contains_any(a: &Set, b: &Set) -> Mask {
    let any = b.items().iter().fold(Mask::FALSE, |any, item| any.or(contains(a, Some(&Operand::of(item)))));
    if b.items().iter().any(|item| contains(a, Some(&Operand::of(item))) == Mask::TRUE) {
        return Mask::TRUE;
    }
    let perhaps = b.maybe().iter().any(|item| contains(a, Some(&Operand::of(item))) != Mask::FALSE);
    if perhaps || (b.is_open() && is_empty(a) != Mask::TRUE) { any | Mask::EITHER } else { any }
}

/// `.isEmpty()`.
pub fn is_empty(set: &Set) -> Mask {
    if !set.items().is_empty() {
        Mask::FALSE
    } else if set.is_exact() {
        Mask::TRUE
    } else {
        Mask::EITHER
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::TypeId;

    #[test]
    fn a_set_holds_what_it_certainly_holds_whatever_else_may_be_in_it() {
        let entity = |row| Value::Entity(EntityRef { ty: TypeId(0), row });
        let set = Set::new(vec![entity(3), Value::Entity(EntityRef::placeholder(TypeId(0)))]);
        let asked = |row| contains(&set, Some(&Operand::of(&entity(row))));
        assert_eq!([asked(3), asked(u32::MAX), asked(4)], [Mask::TRUE, Mask::TRUE, Mask::FALSE]);
        let open = Set::partial(vec![entity(3), Value::Entity(EntityRef::placeholder(TypeId(0)))], Vec::new(), true);
        let asked = |row| contains(&open, Some(&Operand::of(&entity(row))));
        assert_eq!([asked(3), asked(4)], [Mask::TRUE, Mask::EITHER]);
    }
}
