//! Arguments of `@null` and `@missing`: the meaning of a value that is `null` or missing.
//!
//! An argument is `unknown`, `absent`, or a JSON literal of the attribute's type. A literal is not passed through the
//! readers of `@as`.

use super::model::*;
use crate::ids::IdVec;
use crate::value::{self, EntityRef, IpNet, Record, Set, Value};
use serde_json::Value as Json;
use smol_str::SmolStr;
use std::sync::Arc;

/// Reads an argument for an attribute that is stored in one slot.
///
/// # Errors
/// A phrase that says what is valid.
pub(super) fn of_leaf(model: &Model, ty: &Ty, required: bool, text: &str) -> Result<Fallback, String> {
    match word(required, text)? {
        Some(fallback) => Ok(fallback),
        None => Ok(Fallback::Value(literal(model, ty, &json(text)?)?)),
    }
}

/// Reads an argument for a record, whose members are stored in `slots` at pointers below `pointer`.
///
/// # Errors
/// A phrase that says what is valid.
pub(super) fn of_record(
    model: &Model,
    slots: &IdVec<SlotId, Slot>,
    pointer: &[String],
    members: &[Attribute],
    required: bool,
    text: &str,
) -> Result<Fallback, String> {
    match word(required, text)? {
        Some(fallback) => Ok(fallback),
        None => Ok(Fallback::Record(record(model, slots, pointer, members, &json(text)?)?)),
    }
}

/// Reads an argument for a list of instances. Returns whether it means an empty list.
///
/// # Errors
/// A phrase that says what is valid.
pub(super) fn of_list(text: &str) -> Result<bool, String> {
    match text {
        "unknown" => Ok(false),
        "[]" => Ok(true),
        _ => Err("write `unknown` or `[]` on a list of instances".into()),
    }
}

/// Reads an argument that is not JSON: `unknown` or `absent`.
fn word(required: bool, text: &str) -> Result<Option<Fallback>, String> {
    match text {
        "unknown" => Ok(Some(Fallback::Unknown)),
        "absent" if required => Err("a required attribute is never absent: make it optional with `?`".into()),
        "absent" => Ok(Some(Fallback::Absent)),
        _ => Ok(None),
    }
}

fn json(text: &str) -> Result<Json, String> {
    serde_json::from_str(text).map_err(|_| {
        let quoted = Json::from(text).to_string().replace('"', "\\\"");
        format!("write `unknown`, `absent` or JSON; a text in JSON is `\"{quoted}\"`")
    })
}

fn record(
    model: &Model,
    slots: &IdVec<SlotId, Slot>,
    pointer: &[String],
    members: &[Attribute],
    json: &Json,
) -> Result<Vec<(SlotId, Fallback)>, String> {
    let Json::Object(_) = json else { return Err("the attribute is a record: write a JSON object".into()) };
    let mut fallbacks = Vec::new();
    for member in members {
        let id = match member.shape {
            Shape::Leaf(slot) | Shape::Record(slot, _) => slot,
        };
        let Some(inner) = slots[id].origin.pointer() else { continue };
        let steps = inner.get(pointer.len()..).unwrap_or_default();
        let found = steps.iter().try_fold(json, |json, step| json.get(step)).filter(|json| !json.is_null());
        let fallback = match (found, &member.shape) {
            (Some(json), Shape::Leaf(_)) => Fallback::Value(literal(model, &member.ty, json)?),
            (Some(json), Shape::Record(_, members)) => Fallback::Record(record(model, slots, inner, members, json)?),
            (None, _) if member.required => Fallback::Unknown,
            (None, _) => Fallback::Absent,
        };
        fallbacks.push((id, fallback));
    }
    Ok(fallbacks)
}

/// Reads a JSON literal of a type.
fn literal(model: &Model, ty: &Ty, json: &Json) -> Result<Value, String> {
    Ok(match (ty, json) {
        (Ty::Bool, Json::Bool(b)) => Value::Bool(*b),
        (Ty::Long, Json::Number(n)) => Value::Long(n.as_i64().ok_or("expected a whole number of 64 bits")?),
        (Ty::String, Json::String(text)) => Value::String(text.into()),
        (Ty::Decimal, Json::String(text)) => Value::Decimal(value::parse_decimal(text)?),
        (Ty::Decimal, Json::Number(n)) => Value::Decimal(value::parse_decimal(&n.to_string())?),
        (Ty::Datetime, Json::String(text)) => Value::Datetime(value::parse_datetime(text)?),
        (Ty::Duration, Json::String(text)) => Value::Duration(value::parse_duration(text)?),
        (Ty::Ip, Json::String(text)) => Value::Ip(IpNet::parse(text)?),
        (Ty::Entity(target), Json::String(text)) => match model.ty(*target).choices() {
            Some(choices) => match choices.iter().position(|choice| choice == text.as_str()) {
                Some(at) => Value::Entity(EntityRef::numbered(*target, at)),
                None => return Err(format!("`{text}` is not a word of {}", model.short_name(*target))),
            },
            // A reference; it is resolved with those of the snapshot.
            None => Value::String(text.into()),
        },
        (Ty::Set(element), Json::Array(items)) => {
            let items = items.iter().map(|item| literal(model, element, item));
            Value::Set(Arc::new(Set::new(items.collect::<Result<_, _>>()?)))
        }
        (Ty::Record(members), Json::Object(object)) => {
            let mut fields: Vec<(SmolStr, Value)> = Vec::new();
            for member in members.iter() {
                match object.get(member.name.as_str()) {
                    Some(json) => fields.push((member.name.clone(), literal(model, &member.ty, json)?)),
                    None if member.required => return Err(format!("the record lacks `{}`", member.name)),
                    None => {}
                }
            }
            Value::Record(Arc::new(Record::new(fields)))
        }
        (ty, _) => return Err(format!("the attribute is of type {}", model.show(ty))),
    })
}
