//! Values in English: literals, constructors, durations and lists.

use super::escape::code;
use crate::program::written::{self, Constructed};
use crate::schema::Model;
use crate::value::{Value, show_datetime, show_decimal};
use cedar_policy_core::ast::Expr;
use smol_str::SmolStr;

/// Writes a value without an entity of a snapshot.
pub(super) fn value(model: &Model, it: &Value) -> String {
    match it {
        Value::Bool(b) => b.to_string(),
        Value::Long(n) => n.to_string(),
        Value::String(text) => quoted(text),
        Value::Decimal(n) => show_decimal(*n),
        Value::Datetime(n) => code(&show_datetime(*n)),
        Value::Duration(n) => signed_duration(*n),
        Value::Ip(ip) => code(&ip.to_string()),
        Value::Entity(entity) => {
            let choices = model.ty(entity.ty).choices().unwrap_or_default();
            choices.get(entity.row as usize).map(|id| code(id)).unwrap_or_default()
        }
        Value::Set(set) if set.items().is_empty() => "none".into(),
        Value::Set(set) => set.items().iter().map(|item| value(model, item)).collect::<Vec<_>>().join(", "),
        Value::Record(record) => {
            let member = |(name, member): &(SmolStr, Value)| format!("{}: {}", code(name), value(model, member));
            record.fields().iter().map(member).collect::<Vec<_>>().join(", ")
        }
    }
}

/// Joins names; `last` is the word before the last one.
pub(super) fn enumerated(names: &[String], last: &str) -> String {
    match names {
        [] => String::new(),
        [only] => only.clone(),
        [rest @ .., end] => format!("{} {last} {end}", rest.join(", ")),
    }
}

/// Writes a text in quotes, as code.
pub(super) fn quoted(text: &str) -> String {
    code(&serde_json::to_string(text).unwrap_or_default())
}

/// Returns the words for the value of a constructor with a literal.
pub(super) fn constant(expr: &Expr) -> Option<String> {
    let Constructed { text, value, .. } = written::constructed(expr)?;
    Some(match value {
        Value::Duration(millis) => signed_duration(millis),
        _ => code(text),
    })
}

/// Writes a duration, which may be negative.
fn signed_duration(millis: i64) -> String {
    let length = duration(millis.unsigned_abs());
    if millis < 0 { format!("minus {length}") } else { length }
}

/// Writes a duration in the largest units, without a remainder.
pub(super) fn duration(millis: u64) -> String {
    let mut rest = millis;
    let mut parts = Vec::new();
    let units = [("day", 86_400_000), ("hour", 3_600_000), ("minute", 60_000), ("second", 1000), ("millisecond", 1)];
    for (unit, size) in units {
        match rest / size {
            0 => {}
            1 => parts.push(format!("1 {unit}")),
            many => parts.push(format!("{many} {unit}s")),
        }
        rest %= size;
    }
    if parts.is_empty() { "no time".into() } else { enumerated(&parts, "and") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_in_the_largest_units() {
        assert_eq!(duration(0), "no time");
        assert_eq!(duration(90_061_001), "1 day, 1 hour, 1 minute, 1 second and 1 millisecond");
    }
}
