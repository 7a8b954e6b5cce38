//! Values for people, and as expressions of Cedar.

use crate::engine::Evaluator;
use crate::schema::Model;
use crate::source::push_quoted;
use crate::value::{self, EntityRef, Value};
use smol_str::SmolStr;

/// Elements of a set that are shown.
const ELEMENTS: usize = 8;
/// Characters of a value that are shown. The value is repeated in every clause that reads it.
const CHARACTERS: usize = 600;

/// Returns a value as text for people.
pub fn show_value(evaluator: &Evaluator<'_>, value: &Value) -> String {
    let mut shown = show(&|entity| evaluator.id(entity), value);
    if let Some((end, _)) = shown.char_indices().nth(CHARACTERS) {
        shown.truncate(end);
        shown.push('…');
    }
    shown
}

/// Returns a value without entities of a snapshot as text for people.
pub fn show_constant(model: &Model, value: &Value) -> String {
    let id = |entity: EntityRef| model.ty(entity.ty).choices().and_then(|ids| ids.get(entity.row as usize)).cloned();
    show(&|entity| id(entity).unwrap_or_default(), value)
}

/// Returns a value without entities of a snapshot as JSON. A time, a duration, a decimal and an address are texts, as Cedar
/// writes them.
pub fn json_constant(model: &Model, value: &Value) -> serde_json::Value {
    match value {
        Value::Bool(b) => (*b).into(),
        Value::Long(n) => (*n).into(),
        Value::String(s) => s.as_str().into(),
        Value::Entity(entity) => {
            let ids = model.ty(entity.ty).choices();
            ids.and_then(|ids| ids.get(entity.row as usize)).map(SmolStr::as_str).unwrap_or_default().into()
        }
        Value::Set(set) => set.items().iter().map(|item| json_constant(model, item)).collect(),
        Value::Record(record) => {
            let fields = record.fields().iter().map(|(name, value)| (name.to_string(), json_constant(model, value)));
            serde_json::Value::Object(fields.collect())
        }
        Value::Decimal(_) | Value::Datetime(_) | Value::Duration(_) | Value::Ip(_) => {
            show_constant(model, value).into()
        }
    }
}

/// Bytes of an expression of Cedar. Longer ones are left out.
const EXPRESSION: usize = 4096;

/// Returns a value as an expression of Cedar; `None` if it is not known in full or is long.
pub(super) fn cedar_expression(evaluator: &Evaluator<'_>, value: &Value) -> Option<String> {
    let mut text = String::new();
    write_expression(evaluator, value, &mut text)?;
    Some(text)
}

fn write_expression(evaluator: &Evaluator<'_>, value: &Value, out: &mut String) -> Option<()> {
    let quoted = |before: &str, text: &str, after: &str| {
        let mut quoted = String::with_capacity(before.len() + text.len() + after.len() + 2);
        quoted.push_str(before);
        push_quoted(&mut quoted, text);
        quoted.push_str(after);
        quoted
    };
    let call = |name: &str, argument: &str| quoted(name, argument, ")");
    let part = match value {
        Value::Bool(b) => b.to_string(),
        Value::Long(n) => n.to_string(),
        Value::String(s) => quoted("", s, ""),
        Value::Decimal(n) => call("decimal(", &value::show_decimal(*n)),
        Value::Datetime(n) => {
            let seconds = value::show_datetime(n - n.rem_euclid(1000));
            // Cedar reads years of four digits, and fractions of three.
            let whole = seconds.strip_suffix('Z').filter(|whole| whole.len() == "YYYY-MM-DDThh:mm:ss".len())?;
            match n.rem_euclid(1000) {
                0 => call("datetime(", &seconds),
                millis => call("datetime(", &format!("{whole}.{millis:03}Z")),
            }
        }
        Value::Duration(n) => call("duration(", &value::show_duration(*n)),
        Value::Ip(ip) => call("ip(", &ip.to_string()),
        Value::Entity(entity) => {
            let declared = evaluator.model.ty(entity.ty);
            let table = evaluator.snapshot.table(entity.ty);
            let is_row = declared.choices().is_none() && table.row(entity.row).is_some();
            if entity.is_placeholder() || is_row && !table.is_named(entity.row) {
                return None;
            }
            quoted(&format!("{}::", declared.name), &evaluator.id(*entity), "")
        }
        Value::Set(set) => {
            if !set.is_exact() {
                return None;
            }
            return write_list(evaluator, ('[', ']'), set.items().iter().map(|item| (None, item)), out);
        }
        Value::Record(record) => {
            if !record.unknown().is_empty() {
                return None;
            }
            let members = record.fields().iter().map(|(name, value)| (Some(name.as_str()), value));
            return write_list(evaluator, ('{', '}'), members, out);
        }
    };
    out.push_str(&part);
    (out.len() <= EXPRESSION).then_some(())
}

fn write_list<'v>(
    evaluator: &Evaluator<'_>,
    (open, close): (char, char),
    items: impl Iterator<Item = (Option<&'v str>, &'v Value)>,
    out: &mut String,
) -> Option<()> {
    out.push(open);
    for (at, (name, item)) in items.enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        if let Some(name) = name {
            out.push_str(&format!("{name:?}: "));
        }
        write_expression(evaluator, item, out)?;
    }
    out.push(close);
    Some(())
}

fn show(id: &dyn Fn(EntityRef) -> SmolStr, value: &Value) -> String {
    match value {
        Value::Bool(b) => b.to_string(),
        Value::Long(n) => n.to_string(),
        Value::String(s) => json_text(s),
        Value::Decimal(n) => value::show_decimal(*n),
        Value::Datetime(n) => value::show_datetime(*n),
        Value::Duration(n) => value::show_duration(*n),
        Value::Ip(ip) => ip.to_string(),
        Value::Entity(entity) => json_text(&id(*entity)),
        Value::Set(set) => {
            let mut items: Vec<String> = set.items().iter().take(ELEMENTS).map(|item| show(id, item)).collect();
            let more = set.items().len().saturating_sub(ELEMENTS) + set.maybe().len();
            if more > 0 {
                items.push(format!("and {more} more"));
            }
            if set.is_open() {
                items.push(if items.is_empty() { "unknown elements" } else { "and unknown elements" }.to_owned());
            }
            format!("[{}]", items.join(", "))
        }
        Value::Record(record) => {
            let fields: Vec<String> =
                record.fields().iter().map(|(name, value)| format!("{name}: {}", show(id, value))).collect();
            format!("{{{}}}", fields.join(", "))
        }
    }
}

/// Returns a text as JSON.
fn json_text(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    // Cedar and JSON escape other characters than those of ASCII differently.
    if text.is_ascii() && !text.contains(|c: char| c.is_control() || matches!(c, '"' | '\\')) {
        push_quoted(&mut json, text);
        return json;
    }
    serde_json::to_string(text).unwrap_or_default()
}
