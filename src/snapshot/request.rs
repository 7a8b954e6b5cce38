//! A request of Cedar's authorizer as a snapshot. The context and the entities are written at the places of
//! [`Model::of_action`], and then read like any snapshot.

use super::{Limits, Snapshot};
use crate::diagnostic::{Code, Diagnostic, DiagnosticLevel};
use crate::schema::{EntityKind, Model, SlotId};
use crate::source::Source;
use crate::value::{TypeId, parse_datetime, parse_duration, show_datetime};
use cedar_policy_core::ast::{self, ExprKind, Literal, PartialValue, RestrictedExpr, Value, ValueKind};
use serde_json::{Map, Value as Json};
use smol_str::ToSmolStr;
use std::collections::BTreeSet;

#[doc(hidden)]
impl Snapshot {
    /// Reads a request and its entities, which conform to the schema of the model; of their attributes only those in
    /// `reads` are kept.
    ///
    /// # Errors
    /// A phrase naming the value that a snapshot cannot hold.
    pub fn of_request(
        model: &Model,
        reads: &BTreeSet<(TypeId, SlotId)>,
        request: &cedar_policy::Request,
        entities: &cedar_policy::Entities,
    ) -> Result<Self, String> {
        let text = document(model, request, entities)?.to_string();
        let source = Source::new("request", text).map_err(|_| "the request is too large for a snapshot".to_owned())?;
        let (snapshot, diagnostics) = Self::read(&source, model, reads, &Limits::default());
        // A reference to an entity that is not there is an error to Cedar only where it is followed.
        let wrong = |diagnostic: &&Diagnostic| {
            diagnostic.level == DiagnosticLevel::Error && diagnostic.code != Code::SnapshotReference
        };
        match diagnostics.iter().find(wrong) {
            Some(wrong) => Err(wrong.message.clone()),
            None => snapshot.ok_or_else(|| "the request cannot be read as a snapshot".to_owned()),
        }
    }
}

fn document(model: &Model, request: &cedar_policy::Request, entities: &cedar_policy::Entities) -> Result<Json, String> {
    let mut document = Map::new();
    let Some(ast::Context::Value(context)) = request.context().map(AsRef::as_ref) else {
        return Err("the context is not known".into());
    };
    if !model.context.is_empty() {
        document.insert("context".into(), record(context.iter())?);
    }
    let mut types = Map::new();
    for ty in model.types.iter().filter(|ty| matches!(ty.kind, EntityKind::Rows(_)) && ty.parent.is_some()) {
        types.insert(ty.name.to_string(), Json::Object(Map::new()));
    }
    for entity in entities.iter().map(AsRef::<ast::Entity>::as_ref) {
        let name = entity.uid().entity_type().to_smolstr();
        let list = types.get_mut(name.as_str()).and_then(Json::as_object_mut);
        // Actions and enumerated entities have no attributes.
        if let (Some(list), Some(ty)) = (list, model.type_named(&name)) {
            list.insert(id(entity.uid()), instance(model, ty, entity)?);
        }
    }
    if !types.is_empty() {
        document.insert("entities".into(), types.into());
    }
    Ok(document.into())
}

fn instance(model: &Model, ty: TypeId, entity: &ast::Entity) -> Result<Json, String> {
    let (declared, mut instance) = (model.ty(ty), Map::new());
    if !declared.attributes.is_empty() {
        instance.insert("attrs".into(), record(known(entity.attrs())?)?);
    }
    if declared.tags.is_some() {
        instance.insert("tags".into(), record(known(entity.tags())?)?);
    }
    if !declared.memberships.is_empty() {
        let mut around: Map<String, Json> = Map::new();
        for (of, _) in &declared.memberships {
            let name = &model.ty(*of).name;
            let ancestors = entity.ancestors().filter(|ancestor| ancestor.entity_type().to_smolstr() == *name);
            around.insert(name.to_string(), ancestors.map(id).collect());
        }
        instance.insert("in".into(), around.into());
    }
    Ok(instance.into())
}

fn id(uid: &ast::EntityUID) -> String {
    AsRef::<str>::as_ref(uid.eid()).to_owned()
}

type Members<'v, K> = Vec<(&'v K, &'v Value)>;

fn known<'v, K>(members: impl Iterator<Item = (&'v K, &'v PartialValue)>) -> Result<Members<'v, K>, String> {
    let known = members.map(|(name, value)| match value {
        PartialValue::Value(value) => Ok((name, value)),
        PartialValue::Residual(_) => Err("an attribute is not known".to_owned()),
    });
    known.collect()
}

fn record<'v, K: ToString + 'v>(members: impl IntoIterator<Item = (&'v K, &'v Value)>) -> Result<Json, String> {
    let members = members.into_iter().map(|(name, value)| Ok((name.to_string(), json(value)?)));
    members.collect::<Result<Map<_, _>, String>>().map(Json::from)
}

fn json(value: &Value) -> Result<Json, String> {
    Ok(match &value.value {
        ValueKind::Lit(Literal::Bool(b)) => Json::from(*b),
        ValueKind::Lit(Literal::Long(n)) => Json::from(*n),
        ValueKind::Lit(Literal::String(text)) => Json::from(text.as_str()),
        ValueKind::Lit(Literal::EntityUID(uid)) => Json::from(id(uid)),
        ValueKind::Set(set) => set.iter().map(json).collect::<Result<_, _>>()?,
        ValueKind::Record(members) => record(members.iter())?,
        ValueKind::ExtensionValue(value) => Json::from(text(&RestrictedExpr::from((**value).clone()))?),
    })
}

/// Returns the argument of the constructor of an extension value.
fn text(expr: &ast::Expr) -> Result<String, String> {
    let ExprKind::ExtensionFunctionApp { fn_name, args } = expr.expr_kind() else {
        return Err(format!("`{expr}` is not a value of an extension type"));
    };
    match (fn_name.to_string().as_str(), &args[..]) {
        ("offset", [moment, duration]) => {
            let moment = parse_datetime(&text(moment)?)?.checked_add(parse_duration(&text(duration)?)?);
            // Snapshots name moments by the calendar, which ends.
            let shown = moment.map(|moment| (moment, show_datetime(moment)));
            let whole = shown.filter(|(moment, shown)| parse_datetime(shown) == Ok(*moment)).map(|(_, shown)| shown);
            whole.ok_or_else(|| format!("`{expr}` is beyond the years 0000 to 9999"))
        }
        (_, [argument]) => match argument.expr_kind() {
            ExprKind::Lit(Literal::String(text)) => Ok(text.to_string()),
            _ => Err(format!("`{expr}` is not made from a text")),
        },
        _ => Err(format!("`{expr}` is not made from a text")),
    }
}
