//! Values for people.

use crate::engine::Evaluator;
use crate::schema::Model;
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

fn show(id: &dyn Fn(EntityRef) -> SmolStr, value: &Value) -> String {
    match value {
        Value::Bool(b) => b.to_string(),
        Value::Long(n) => n.to_string(),
        Value::String(s) => serde_json::to_string(s.as_str()).unwrap_or_default(),
        Value::Decimal(n) => value::show_decimal(*n),
        Value::Datetime(n) => value::show_datetime(*n),
        Value::Duration(n) => value::show_duration(*n),
        Value::Ip(ip) => ip.to_string(),
        Value::Entity(entity) => serde_json::to_string(id(*entity).as_str()).unwrap_or_default(),
        Value::Set(set) => {
            let mut items: Vec<String> = set.items().iter().take(ELEMENTS).map(|item| show(id, item)).collect();
            let more = set.items().len().saturating_sub(ELEMENTS) + set.maybe().len() + usize::from(set.is_open());
            if more > 0 {
                items.push(format!("and {more} more"));
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
