//! A schema as it is written: declarations with their annotations and places, and the declarations that names refer to.

use crate::source::Span;
use cedar_policy_core::ast::Name;
use cedar_policy_core::parser::Loc;
use cedar_policy_core::validator::{RawName, json_schema};
use smol_str::SmolStr;
use std::collections::BTreeMap;

pub(super) type Fragment = json_schema::Fragment<RawName>;
pub(super) type WrittenType = json_schema::Type<RawName>;

/// The declarations of a schema: entity and common types by full name, each with its namespace.
pub(super) struct Written<'f> {
    pub entities: BTreeMap<String, (Option<&'f Name>, &'f json_schema::EntityType<RawName>)>,
    pub commons: BTreeMap<String, (Option<&'f Name>, &'f json_schema::CommonType<RawName>)>,
    pub actions: Vec<(Option<&'f Name>, &'f SmolStr, &'f json_schema::ActionType<RawName>)>,
}

impl<'f> Written<'f> {
    pub(super) fn new(fragment: &'f Fragment) -> Self {
        let mut written = Self { entities: BTreeMap::new(), commons: BTreeMap::new(), actions: Vec::new() };
        for (namespace, definition) in &fragment.0 {
            let namespace = namespace.as_ref();
            for (name, entity) in &definition.entity_types {
                written.entities.insert(qualify(namespace, name.as_ref()), (namespace, entity));
            }
            for (name, common) in &definition.common_types {
                written.commons.insert(qualify(namespace, &name.to_string()), (namespace, common));
            }
            written.actions.extend(definition.actions.iter().map(|(name, action)| (namespace, name, action)));
        }
        written
    }

    /// Returns the common type that a type names, with its full name and its namespace.
    pub(super) fn common(
        &self,
        namespace: Option<&'f Name>,
        ty: &WrittenType,
    ) -> Option<(String, Option<&'f Name>, &'f json_schema::CommonType<RawName>)> {
        let name = match ty {
            WrittenType::CommonTypeRef { type_name, .. } => type_name.to_string(),
            WrittenType::Type { ty: json_schema::TypeVariant::EntityOrCommon { type_name }, .. } => {
                type_name.to_string()
            }
            WrittenType::Type { .. } => return None,
        };
        let full = [qualify(namespace, &name), name];
        full.into_iter().find_map(|full| self.commons.get(&full).map(|(of, common)| (full, *of, *common)))
    }

    /// Follows references to common types until a type that is written out.
    pub(super) fn resolve(
        &self,
        namespace: Option<&'f Name>,
        ty: &'f WrittenType,
    ) -> (Option<&'f Name>, &'f WrittenType) {
        let (mut namespace, mut ty) = (namespace, ty);
        // Cedar has refused cycles of common types.
        while let Some((_, of, common)) = self.common(namespace, ty) {
            (namespace, ty) = (of, &common.ty);
        }
        (namespace, ty)
    }

    pub(super) fn members(
        &self,
        namespace: Option<&'f Name>,
        ty: &'f WrittenType,
    ) -> Option<(Option<&'f Name>, &'f json_schema::RecordType<RawName>)> {
        match self.resolve(namespace, ty) {
            (of, WrittenType::Type { ty: json_schema::TypeVariant::Record(record), .. }) => Some((of, record)),
            _ => None,
        }
    }
}

fn qualify(namespace: Option<&Name>, name: &str) -> String {
    namespace.map_or_else(|| name.to_owned(), |namespace| format!("{namespace}::{name}"))
}

pub(super) fn span_of(loc: Option<&Loc>) -> Span {
    loc.map_or(Span::default(), |loc| Span::from(loc.start()..loc.end()))
}
