//! Cedar's extension functions: one table with the name, the type and the meaning of each, and one of the constructors.
//!
//! A constructor such as `datetime("...")` is a constant of the program. The tables are complete for the extensions
//! `ipaddr`, `decimal`, `datetime` and `duration` of
//! [Cedar](https://docs.cedarpolicy.com/policies/syntax-operators.html).

use crate::schema::Ty;
use crate::value::{self, IpNet, Value};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// One of Cedar's extension functions, by its place in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "SmolStr", into = "SmolStr")]
pub struct Function(u8);

/// The saved form of a function is its name.
impl From<Function> for SmolStr {
    fn from(function: Function) -> Self {
        Self::new_static(function.name())
    }
}

impl TryFrom<SmolStr> for Function {
    type Error = String;

    fn try_from(name: SmolStr) -> Result<Self, String> {
        Self::named(&name).ok_or_else(|| format!("Cedar has no function `{name}`"))
    }
}

/// How a function computes its result. Decimals, moments and durations are numbers.
#[derive(Clone, Copy)]
pub enum Kernel {
    /// A predicate of an address or range.
    Address(fn(&IpNet) -> bool),
    /// A predicate of two addresses or ranges.
    Addresses(fn(&IpNet, &IpNet) -> bool),
    /// A comparison of two numbers.
    Comparison(fn(&i64, &i64) -> bool),
    /// A number from a number.
    Total(fn(i64) -> i64),
    /// A number from a number, or an error if the result does not fit. Monotone.
    Checked(fn(i64) -> Option<i64>),
    /// A number from two numbers, or an error if the result does not fit. Monotone in both.
    CheckedPair(fn(i64, i64) -> Option<i64>),
}

struct Row {
    name: &'static str,
    operand: Ty,
    result: Ty,
    kernel: Kernel,
}

const fn row(name: &'static str, operand: Ty, result: Ty, kernel: Kernel) -> Row {
    Row { name, operand, result, kernel }
}

/// A day in milliseconds.
const DAY: i64 = 24 * 60 * 60 * 1000;

static FUNCTIONS: [Row; 18] = [
    row("isIpv4", Ty::Ip, Ty::Bool, Kernel::Address(|ip| ip.addr.is_ipv4())),
    row("isIpv6", Ty::Ip, Ty::Bool, Kernel::Address(|ip| ip.addr.is_ipv6())),
    row("isLoopback", Ty::Ip, Ty::Bool, Kernel::Address(IpNet::is_loopback)),
    row("isMulticast", Ty::Ip, Ty::Bool, Kernel::Address(IpNet::is_multicast)),
    row("isInRange", Ty::Ip, Ty::Bool, Kernel::Addresses(IpNet::is_in_range)),
    row("lessThan", Ty::Decimal, Ty::Bool, Kernel::Comparison(i64::lt)),
    row("lessThanOrEqual", Ty::Decimal, Ty::Bool, Kernel::Comparison(i64::le)),
    row("greaterThan", Ty::Decimal, Ty::Bool, Kernel::Comparison(i64::gt)),
    row("greaterThanOrEqual", Ty::Decimal, Ty::Bool, Kernel::Comparison(i64::ge)),
    row("offset", Ty::Datetime, Ty::Datetime, Kernel::CheckedPair(i64::checked_add)),
    row("durationSince", Ty::Datetime, Ty::Duration, Kernel::CheckedPair(i64::checked_sub)),
    row("toDate", Ty::Datetime, Ty::Datetime, Kernel::Checked(|moment| moment.checked_sub(moment.rem_euclid(DAY)))),
    row("toTime", Ty::Datetime, Ty::Duration, Kernel::Total(|moment| moment.rem_euclid(DAY))),
    row("toMilliseconds", Ty::Duration, Ty::Long, Kernel::Total(|millis| millis)),
    row("toSeconds", Ty::Duration, Ty::Long, Kernel::Total(|millis| millis / 1000)),
    row("toMinutes", Ty::Duration, Ty::Long, Kernel::Total(|millis| millis / 60_000)),
    row("toHours", Ty::Duration, Ty::Long, Kernel::Total(|millis| millis / 3_600_000)),
    row("toDays", Ty::Duration, Ty::Long, Kernel::Total(|millis| millis / DAY)),
];

/// A constructor: its name, its type, and the value of a text.
type Constructor = (&'static str, Ty, fn(&str) -> Result<Value, String>);

static CONSTRUCTORS: [Constructor; 4] = [
    ("ip", Ty::Ip, |text| IpNet::literal(text).map(Value::Ip)),
    ("decimal", Ty::Decimal, |text| value::parse_decimal(text).map(Value::Decimal)),
    ("datetime", Ty::Datetime, |text| value::parse_datetime(text).map(Value::Datetime)),
    ("duration", Ty::Duration, |text| value::parse_duration(text).map(Value::Duration)),
];

/// Returns the value of a constructor with a text, and its type; `None` if the text is not valid.
pub(super) fn constructed(name: &str, text: &str) -> Option<(Value, &'static Ty)> {
    let (_, ty, parse) = CONSTRUCTORS.iter().find(|(known, ..)| *known == name)?;
    Some((parse(text).ok()?, ty))
}

/// Returns the type of the result of an extension function or a constructor.
pub(super) fn result_type(name: &str) -> Option<&'static Ty> {
    let constructor = CONSTRUCTORS.iter().find(|(known, ..)| *known == name).map(|(_, ty, _)| ty);
    constructor.or_else(|| Function::named(name).map(Function::result))
}

impl Function {
    #[expect(clippy::indexing_slicing, reason = "`named` returns only places of the table")]
    fn row(self) -> &'static Row {
        &FUNCTIONS[usize::from(self.0)]
    }

    /// Returns the function with a name.
    pub fn named(name: &str) -> Option<Self> {
        let at = FUNCTIONS.iter().position(|row| row.name == name)?;
        u8::try_from(at).ok().map(Self)
    }

    /// Returns its name in Cedar.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// Returns the type of its first operand.
    pub fn operand(self) -> &'static Ty {
        &self.row().operand
    }

    /// Returns the type of its result.
    pub fn result(self) -> &'static Ty {
        &self.row().result
    }

    /// Returns how it computes its result.
    pub fn kernel(self) -> Kernel {
        self.row().kernel
    }

    /// Returns whether it can end in an error.
    pub fn is_fallible(self) -> bool {
        matches!(self.kernel(), Kernel::Checked(_) | Kernel::CheckedPair(_))
    }
}
