//! The size of a schema: the size of its types after each name of a type is replaced by the type.
//!
//! A few lines of nested names can declare a type of any size, which Cedar expands. Therefore the sizes are computed
//! from the declarations before Cedar reads the schema.

use super::written::{Written, WrittenType, span_of};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Source, Span};
use cedar_policy_core::ast::Name;
use cedar_policy_core::validator::types::Type;
use cedar_policy_core::validator::{ValidatorSchema, json_schema};
use std::collections::HashMap;
use std::sync::Arc;

/// Parts of the type of one declaration: attributes, members, sets and their elements.
pub(super) const MAX_TYPE_PARTS: usize = 4_096;
/// Parts of all types of a schema.
pub(super) const MAX_PARTS: usize = 100_000;
/// The nesting of types, names included.
pub(super) const MAX_TYPE_NESTING: usize = 64;
/// Entity types of a schema, and actions of a schema.
pub(super) const MAX_DECLARATIONS: usize = 1_000;
/// A model has a type for every entity type and for the actions of every namespace, and a slot for every part of a
/// declaration, for tags and for every entity type. The numbers of both are below 65,535.
const _: () = assert!(2 * MAX_DECLARATIONS < u16::MAX as usize);
const _: () = assert!(MAX_TYPE_PARTS + MAX_DECLARATIONS + 1 < u16::MAX as usize);

/// Triples of action, principal type and resource type for which a schema allows requests.
pub(super) const MAX_ENVIRONMENTS: usize = 20_000;

/// Returns the first limit that a schema exceeds.
pub(super) fn excess(source: &Arc<Source>, written: &Written<'_>) -> Option<Diagnostic> {
    let excess = too_many(written).err().or_else(|| Sizes::new(written).declarations().err())?;
    let error = Diagnostic::error(Code::SchemaSize, excess.message).label(source, excess.span, "here");
    Some(error.help(excess.help))
}

/// Returns the limit that a schema without a text exceeds, if it is too large for a model of its requests.
pub(super) fn excess_of(validator: &ValidatorSchema) -> Option<String> {
    let (types, actions) = (validator.entity_types().count(), validator.action_ids().count());
    if types > MAX_DECLARATIONS || actions > MAX_DECLARATIONS {
        return Some(format!("the schema declares more than {MAX_DECLARATIONS} entity types or actions"));
    }
    let too_large =
        |name: String| format!("the types of `{name}` have more than {MAX_TYPE_PARTS} parts, or nest too deep");
    let entities = validator.entity_types().find(|entity| {
        let mut left = MAX_TYPE_PARTS;
        let attributes = entity.attributes();
        let mut types = attributes.iter().map(|(_, attribute)| &*attribute.attr_type).chain(entity.tag_type());
        !types.all(|ty| fits(ty, MAX_TYPE_NESTING, &mut left))
    });
    let contexts = || {
        validator
            .action_ids()
            .find(|action| action.context().is_some_and(|ty| !fits(ty, MAX_TYPE_NESTING, &mut { MAX_TYPE_PARTS })))
    };
    let entity = entities.map(|entity| entity.name().to_string());
    entity.or_else(|| Some(contexts()?.name().to_string())).map(too_large)
}

/// Returns whether a type has at most `left` parts and is within the limit of nesting.
fn fits(ty: &Type, depth: usize, left: &mut usize) -> bool {
    let Some((depth, rest)) = depth.checked_sub(1).zip(left.checked_sub(1)) else { return false };
    *left = rest;
    match ty {
        Type::Set { element_type: Some(element) } => fits(element, depth, left),
        Type::Record { attrs, .. } => attrs.iter().all(|(_, attribute)| fits(&attribute.attr_type, depth, left)),
        _ => true,
    }
}

/// A limit, the place where it is exceeded, and the remedy.
struct Excess {
    span: Span,
    message: String,
    help: &'static str,
}

fn too_many(written: &Written<'_>) -> Result<(), Excess> {
    let entity =
        written.entities.values().nth(MAX_DECLARATIONS).map(|(_, entity)| (entity.loc.as_ref(), "entity types"));
    let action = written.actions.get(MAX_DECLARATIONS).map(|(_, _, action)| (action.loc.as_ref(), "actions"));
    if let Some((loc, what)) = entity.or(action) {
        return Err(Excess {
            span: span_of(loc),
            message: format!("a schema has at most {MAX_DECLARATIONS} {what}"),
            help: "divide the schema",
        });
    }
    let mut environments = 0usize;
    for (_, _, action) in &written.actions {
        let Some(applies) = &action.applies_to else { continue };
        let pairs = applies.principal_types.len().saturating_mul(applies.resource_types.len());
        environments = environments.saturating_add(pairs);
        if environments > MAX_ENVIRONMENTS {
            return Err(Excess {
                span: span_of(action.loc.as_ref()),
                message: format!(
                    "the actions apply to more than {MAX_ENVIRONMENTS} pairs of a principal type and a resource type"
                ),
                help: "policies are validated for each pair: name fewer types in `appliesTo`",
            });
        }
    }
    Ok(())
}

/// A type's size.
#[derive(Clone, Copy)]
struct Size {
    parts: usize,
    height: usize,
}

/// The sizes of the types of a schema.
struct Sizes<'w, 'f> {
    written: &'w Written<'f>,
    /// Common types by full name; one that is being measured has no size yet.
    known: HashMap<String, Size>,
    total: usize,
}

impl<'w, 'f> Sizes<'w, 'f> {
    fn new(written: &'w Written<'f>) -> Self {
        Self { written, known: HashMap::new(), total: 0 }
    }

    fn declarations(&mut self) -> Result<(), Excess> {
        let written = self.written;
        for (namespace, common) in written.commons.values() {
            self.declaration(*namespace, [&common.ty], span_of(common.loc.as_ref()))?;
        }
        for (namespace, entity) in written.entities.values() {
            let json_schema::EntityTypeKind::Standard(standard) = &entity.kind else { continue };
            let types = std::iter::once(&standard.shape.0).chain(&standard.tags);
            self.declaration(*namespace, types, span_of(entity.loc.as_ref()))?;
        }
        for (namespace, _, action) in &written.actions {
            let context = action.applies_to.as_ref().map(|applies| &applies.context.0);
            self.declaration(*namespace, context, span_of(action.loc.as_ref()))?;
        }
        Ok(())
    }

    fn declaration(
        &mut self,
        namespace: Option<&'f Name>,
        types: impl IntoIterator<Item = &'f WrittenType>,
        span: Span,
    ) -> Result<(), Excess> {
        let mut parts = 0usize;
        for ty in types {
            parts = parts.saturating_add(self.size(namespace, ty, 0, span)?.parts);
        }
        self.total = self.total.saturating_add(parts);
        let message = if parts > MAX_TYPE_PARTS {
            format!("a type of more than {MAX_TYPE_PARTS} parts, with the types that it names")
        } else if self.total > MAX_PARTS {
            format!("the types of the schema have more than {MAX_PARTS} parts, with the types that they name")
        } else {
            return Ok(());
        };
        Err(Excess { span, message, help: "declare fewer attributes, or make an inner record an entity type" })
    }

    fn size(
        &mut self,
        namespace: Option<&'f Name>,
        ty: &'f WrittenType,
        depth: usize,
        span: Span,
    ) -> Result<Size, Excess> {
        let too_deep = || Excess {
            span,
            message: format!("types nested deeper than {MAX_TYPE_NESTING} levels, names included"),
            help: "make an inner record an entity type, or write the types out that are only names of others",
        };
        if depth >= MAX_TYPE_NESTING {
            return Err(too_deep());
        }
        let inner = match ty {
            WrittenType::Type { ty: json_schema::TypeVariant::Set { element }, .. } => {
                self.size(namespace, element, depth + 1, span)?
            }
            WrittenType::Type { ty: json_schema::TypeVariant::Record(record), .. } => {
                let mut all = Size { parts: 0, height: 0 };
                for member in record.attributes.values() {
                    let size = self.size(namespace, &member.ty, depth + 1, span)?;
                    all.parts = all.parts.saturating_add(size.parts);
                    all.height = all.height.max(size.height);
                }
                all
            }
            named => match self.written.common(namespace, named) {
                Some((full, namespace, common)) => match self.known.get(&full) {
                    Some(size) => *size,
                    None => {
                        // A type that names itself is an error of its own, which Cedar reports.
                        self.known.insert(full.clone(), Size { parts: 0, height: 0 });
                        let span = span_of(common.loc.as_ref());
                        let size = self.size(namespace, &common.ty, depth + 1, span)?;
                        self.known.insert(full, size);
                        size
                    }
                },
                None => Size { parts: 0, height: 0 },
            },
        };
        let size = Size { parts: inner.parts.saturating_add(1), height: inner.height + 1 };
        // What is known already may be deeper here than where it was measured.
        if depth + size.height > MAX_TYPE_NESTING { Err(too_deep()) } else { Ok(size) }
    }
}
