//! Types that a schema names and does not declare.
//!
//! Cedar finds them in the order of a hash table, and only the first one of a declaration. Here, each has its first place in
//! the text.

use super::from_cedar;
use super::written::{Written, WrittenType};
use crate::diagnostic::{Code, Diagnostic, DiagnosticLevel};
use crate::source::Source;
use cedar_policy_core::ast::{InternalName, Name};
use cedar_policy_core::extensions::Extensions;
use cedar_policy_core::validator::json_schema::{EntityTypeKind, TypeVariant};
use cedar_policy_core::validator::{AllDefs, RawName, ReferenceType, ValidatorSchemaFragment};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Returns an error for each undeclared type, in the order of the text. `compiled` is the schema in Cedar's form.
pub(super) fn types<N, A>(
    source: &Arc<Source>,
    written: &Written<'_>,
    compiled: &ValidatorSchemaFragment<N, A>,
    extensions: &Extensions<'_>,
) -> Vec<Diagnostic> {
    let mut references = References(Vec::new());
    references.collect(written);
    // Names without a place would be last; the parser gives each one a place.
    references.0.sort_by_key(|reference| reference.name.loc().map(|loc| loc.start()));
    let declared = declared(written, compiled, extensions);
    let (mut seen, mut errors) = (BTreeSet::new(), Vec::new());
    for Reference { namespace, name, kind } in references.0 {
        let (namespace, spelling) = (namespace.map(AsRef::as_ref), name.to_string());
        let Err(error) = name.clone().conditionally_qualify_with(namespace, kind).resolve(&declared) else { continue };
        if seen.insert((namespace, spelling)) {
            errors.push(from_cedar(Code::SchemaInvalid, DiagnosticLevel::Error, source, &error));
        }
    }
    errors
}

/// Returns the names that are declared, or built in.
fn declared<N, A>(
    written: &Written<'_>,
    compiled: &ValidatorSchemaFragment<N, A>,
    extensions: &Extensions<'_>,
) -> AllDefs {
    let mut declared = AllDefs::single_fragment(compiled);
    let primitive = ["Bool", "Long", "String"].into_iter().filter_map(|name| name.parse::<Name>().ok());
    for name in primitive.chain(extensions.ext_types().cloned()) {
        declared.mark_as_defined_as_common_type(name.as_ref().qualify_with(Some(&InternalName::__cedar())));
        declared.mark_as_defined_as_common_type(name.into());
    }
    // The type of actions is declared with the first action of a namespace.
    if let Ok(action) = "Action".parse::<Name>() {
        for (namespace, ..) in &written.actions {
            declared.mark_as_defined_as_entity_type(action.as_ref().qualify_with_name(*namespace));
        }
    }
    declared
}

/// A name that refers to a type.
struct Reference<'f> {
    namespace: Option<&'f Name>,
    name: &'f RawName,
    kind: ReferenceType,
}

/// The names of types in a schema.
struct References<'f>(Vec<Reference<'f>>);

impl<'f> References<'f> {
    fn collect(&mut self, written: &Written<'f>) {
        for (namespace, common) in written.commons.values() {
            self.ty(*namespace, &common.ty);
        }
        for (namespace, entity) in written.entities.values() {
            let EntityTypeKind::Standard(standard) = &entity.kind else { continue };
            self.entities(*namespace, &standard.member_of_types);
            std::iter::once(&standard.shape.0).chain(&standard.tags).for_each(|ty| self.ty(*namespace, ty));
        }
        for (namespace, _, action) in &written.actions {
            let Some(applies) = &action.applies_to else { continue };
            self.entities(*namespace, &applies.principal_types);
            self.entities(*namespace, &applies.resource_types);
            self.ty(*namespace, &applies.context.0);
        }
    }

    fn entities(&mut self, namespace: Option<&'f Name>, names: &'f [RawName]) {
        self.0.extend(names.iter().map(|name| Reference { namespace, name, kind: ReferenceType::Entity }));
    }

    fn ty(&mut self, namespace: Option<&'f Name>, ty: &'f WrittenType) {
        let mut named = |name, kind| self.0.push(Reference { namespace, name, kind });
        match ty {
            WrittenType::CommonTypeRef { type_name, .. } => named(type_name, ReferenceType::Common),
            WrittenType::Type { ty, .. } => match ty {
                TypeVariant::Set { element } => self.ty(namespace, element),
                TypeVariant::Record(record) => {
                    record.attributes.values().for_each(|member| self.ty(namespace, &member.ty));
                }
                TypeVariant::Entity { name } => named(name, ReferenceType::Entity),
                TypeVariant::EntityOrCommon { type_name } => named(type_name, ReferenceType::CommonOrEntity),
                TypeVariant::String | TypeVariant::Long | TypeVariant::Boolean | TypeVariant::Extension { .. } => {}
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::schema::Schema;
    use crate::source::Source;

    /// Returns the messages of a schema with their lines and columns.
    fn messages(text: &str) -> Vec<String> {
        let source = Source::new("s.cedarschema", text).expect("it is small");
        let (_, found) = Schema::parse(&source);
        let place = |label: &crate::diagnostic::Label| source.position(label.place.span.start);
        let shown = found.iter().map(|error| {
            let at = error.labels.first().map(place).expect("it has a place");
            format!("{}:{} {}", at.line, at.column, error.message)
        });
        shown.collect()
    }

    #[test]
    fn each_undeclared_type_is_named_once_at_its_first_place() {
        let text = r#"
            type Address = { street: Street, town: Town };
            entity Account = { at: datetime, on: Bool, here: __cedar::Long };
            entity Z in [Account, Group] = { id: Nam, again: Town };
            entity B in [Account] = { id: Nam, x: Set<Other>, address: Address } tags Tag;
            entity A in [Account] = { id: Nam };
            namespace N {
                entity C = { inner: Town, of: B, account: Account, act: Action };
                action look appliesTo { principal: [C, Crew], resource: A, context: { now: datetime, by: Clerk } };
            }
        "#;
        let expected = [
            "2:38 failed to resolve type: Street",
            "2:52 failed to resolve type: Town",
            "4:35 failed to resolve type: Group",
            "4:50 failed to resolve type: Nam",
            "5:55 failed to resolve type: Other",
            "5:87 failed to resolve type: Tag",
            "8:37 failed to resolve type: Town",
            "9:56 failed to resolve type: Crew",
            "9:106 failed to resolve type: Clerk",
        ];
        // The keys of a hash table differ between two tables.
        for _ in 0..4 {
            assert_eq!(messages(text), expected);
        }
    }
}
