//! Errors of declarations that Cedar finds in the order of a hash table.
//!
//! Cedar reports the first one of them, perhaps without its place. Here, all errors of its kind are in the order of the text:
//! undeclared types and actions, cycles, names that hide others, and contexts that are not records.

use super::duplicates::unquoted;
use super::from_cedar;
use super::written::{Written, WrittenType, span_of};
use crate::diagnostic::{Code, Diagnostic, DiagnosticLevel};
use crate::source::cedar::{Token, tokens};
use crate::source::{Source, Span};
use cedar_policy_core::ast::{InternalName, Name};
use cedar_policy_core::extensions::Extensions;
use cedar_policy_core::parser::Loc;
use cedar_policy_core::validator::json_schema::{ActionEntityUID, ActionType, EntityTypeKind, TypeVariant};
use cedar_policy_core::validator::{AllDefs, RawName, ReferenceType, SchemaError, ValidatorSchemaFragment};
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Returns all errors of the kind of one of Cedar's errors. Empty if Cedar does not find its kind in the order of a hash
/// table. `compiled` is the schema in Cedar's form.
pub(super) fn errors<N, A>(
    source: &Arc<Source>,
    written: &Written<'_>,
    compiled: &ValidatorSchemaFragment<N, A>,
    extensions: &Extensions<'_>,
    error: &SchemaError,
) -> Vec<Diagnostic> {
    let mut actions = written.actions.clone();
    actions.sort_by_key(|(_, _, action)| span_of(action.loc.as_ref()));
    let declarations = Declarations { source, written, actions, declared: declared(written, compiled, extensions) };
    match error {
        SchemaError::TypeNotDefined(_) => declarations.undeclared_types(),
        SchemaError::ActionNotDefined(_) => declarations.undeclared_parents(),
        SchemaError::CycleInActionHierarchy(_) => declarations.cycles_of_actions(),
        SchemaError::CycleInCommonTypeReferences(_) => declarations.cycles_of_types(),
        SchemaError::TypeShadowing(_) | SchemaError::ActionShadowing(_) => declarations.hiding(),
        SchemaError::ContextOrShapeNotRecord(_) => declarations.contexts(),
        _ => Vec::new(),
    }
}

/// The declarations of a schema.
struct Declarations<'s, 'f> {
    source: &'s Arc<Source>,
    written: &'s Written<'f>,
    /// The actions in the order of the text, with their namespaces and names.
    actions: Vec<(Option<&'f Name>, &'f SmolStr, &'f ActionType<RawName>)>,
    declared: AllDefs,
}

impl<'f> Declarations<'_, 'f> {
    fn undeclared_types(&self) -> Vec<Diagnostic> {
        let mut references = References(Vec::new());
        references.collect(self.written);
        // Names without a place would be last; the parser gives each one a place.
        references.0.sort_by_key(|reference| reference.name.loc().map(Loc::start));
        let (mut seen, mut errors) = (BTreeSet::new(), Vec::new());
        for reference in references.0 {
            let Err(error) = reference.resolve(&self.declared) else { continue };
            if seen.insert((reference.namespace.map(AsRef::as_ref), reference.name.to_string())) {
                errors.push(from_cedar(Code::SchemaInvalid, DiagnosticLevel::Error, self.source, &*error));
            }
        }
        errors
    }

    fn undeclared_parents(&self) -> Vec<Diagnostic> {
        let (mut seen, mut errors) = (BTreeSet::new(), Vec::new());
        for (namespace, _, action) in &self.actions {
            let mut places = None;
            for parent in action.member_of.iter().flatten() {
                let Err(error) = self.resolve(*namespace, parent) else { continue };
                if seen.insert((*namespace, parent.to_string())) {
                    let places = places.get_or_insert_with(|| self.places_of_parents(action));
                    let place = places.get(parent.id.as_str()).copied();
                    let place = place.unwrap_or_else(|| span_of(action.loc.as_ref()));
                    let error = from_cedar(Code::SchemaInvalid, DiagnosticLevel::Error, self.source, &*error);
                    errors.push(error.label(self.source, place, ""));
                }
            }
        }
        errors
    }

    /// Returns the action that a parent names.
    fn resolve(
        &self,
        namespace: Option<&Name>,
        parent: &ActionEntityUID<RawName>,
    ) -> Result<ActionEntityUID<InternalName>, Box<impl miette::Diagnostic + use<>>> {
        let namespace = namespace.map(AsRef::as_ref);
        parent
            .clone()
            .conditionally_qualify_type_references(namespace)
            .fully_qualify_type_references(&self.declared)
            .map_err(Box::new)
    }

    /// Returns the first places of the names in the list of parents of an action.
    fn places_of_parents(&self, action: &ActionType<RawName>) -> BTreeMap<String, Span> {
        let declaration = span_of(action.loc.as_ref());
        let all = tokens(self.source.slice(declaration)).skip_while(|(_, token)| *token != Token::Word("in"));
        let mut places = BTreeMap::new();
        for (span, token) in all.skip(1) {
            let name = match token {
                Token::Word(word) => Some(word.to_owned()),
                Token::Text(text) => unquoted(text),
                Token::Sign(_) => None,
            };
            if let Some(name) = name {
                let place = Span::new(declaration.start + span.start, declaration.start + span.end);
                places.entry(name).or_insert(place);
            }
        }
        places
    }

    fn cycles_of_actions(&self) -> Vec<Diagnostic> {
        let names: Vec<String> =
            self.actions.iter().map(|(namespace, name, _)| action_name(*namespace, name)).collect();
        let numbers: BTreeMap<&str, usize> = names.iter().map(String::as_str).zip(0..).collect();
        let parents = self.actions.iter().map(|(namespace, _, action)| {
            let parents = action.member_of.iter().flatten().filter_map(|it| self.resolve(*namespace, it).ok());
            parents.filter_map(|parent| numbers.get(&*parent.to_string()).copied()).collect()
        });
        let error = |(first, last): (usize, usize)| {
            let (first, last, (_, _, action)) = (names.get(first)?, names.get(last)?, self.actions.get(first)?);
            let message = format!("cycle in action hierarchy containing `{first}`");
            let help = format!("remove `{first}` from the parents of `{last}`");
            Some(self.error(message, action.loc.as_ref()).help(help))
        };
        cycles(&parents.collect::<Vec<_>>()).into_iter().filter_map(error).collect()
    }

    fn cycles_of_types(&self) -> Vec<Diagnostic> {
        let mut commons: Vec<_> = self.written.commons.iter().collect();
        commons.sort_by_key(|(_, (_, common))| span_of(common.loc.as_ref()));
        let numbers: BTreeMap<&str, usize> = commons.iter().map(|(name, _)| name.as_str()).zip(0..).collect();
        let parts = commons.iter().map(|(_, (namespace, common))| {
            let mut references = References(Vec::new());
            references.ty(*namespace, &common.ty);
            let names = references.0.iter().filter_map(|reference| reference.resolve(&self.declared).ok());
            names.filter_map(|name| numbers.get(&*name.to_string()).copied()).collect()
        });
        let error = |(first, last): (usize, usize)| {
            let ((first, (_, common)), (last, _)) = (commons.get(first)?, commons.get(last)?);
            let message = format!("cycle in common type references containing `{first}`");
            let help = format!("remove `{first}` from the declaration of `{last}`");
            Some(self.error(message, common.loc.as_ref()).help(help))
        };
        cycles(&parts.collect::<Vec<_>>()).into_iter().filter_map(error).collect()
    }

    /// Returns an error for each declaration in a namespace that hides one outside of namespaces.
    fn hiding(&self) -> Vec<Diagnostic> {
        let entities = self.written.entities.iter().map(|(name, (_, entity))| (name, entity.loc.as_ref()));
        let commons = self.written.commons.iter().map(|(name, (_, common))| (name, common.loc.as_ref()));
        let types: BTreeMap<String, Option<&Loc>> =
            entities.chain(commons).map(|(name, loc)| (name.clone(), loc)).collect();
        let actions = self.actions.iter().map(|(namespace, name, action)| (*namespace, *name, action.loc.as_ref()));
        let plain: BTreeMap<String, Option<&Loc>> =
            actions.clone().filter(|it| it.0.is_none()).map(|(_, name, loc)| (action_name(None, name), loc)).collect();
        let of_types = types.iter().filter_map(|(name, loc)| {
            let (_, base) = name.rsplit_once("::")?;
            Some((*loc, name.clone(), base.to_owned(), *types.get(base)?))
        });
        let of_actions = actions.filter(|it| it.0.is_some()).filter_map(|(namespace, name, loc)| {
            let hidden = action_name(None, name);
            let other = *plain.get(&hidden)?;
            Some((loc, action_name(namespace, name), hidden, other))
        });
        let mut found: Vec<_> = of_types.chain(of_actions).collect();
        found.sort_by_key(|(loc, ..)| span_of(*loc));
        let error = |(loc, name, hidden, other): (Option<&Loc>, String, String, Option<&Loc>)| {
            let message = format!("definition of `{name}` illegally shadows the existing definition of `{hidden}`");
            let help = format!("rename one of the two, or move `{hidden}` to a namespace");
            self.error(message, loc).label(self.source, span_of(other), "this is shadowed").help(help)
        };
        found.into_iter().map(error).collect()
    }

    /// Returns an error for each action whose context is not a record.
    fn contexts(&self) -> Vec<Diagnostic> {
        let is_wrong = |(namespace, _, action): &&(Option<&'f Name>, &SmolStr, &'f ActionType<RawName>)| {
            action
                .applies_to
                .as_ref()
                .is_some_and(|applies| self.written.members(*namespace, &applies.context.0).is_none())
        };
        let error = |(namespace, name, action): &(Option<&Name>, &SmolStr, &ActionType<RawName>)| {
            let message = format!("the context of `{}` is not a record", action_name(*namespace, name));
            self.error(message, action.loc.as_ref())
                .help("declare it as a record, such as `context: { now: datetime }`")
        };
        self.actions.iter().filter(is_wrong).map(error).collect()
    }

    fn error(&self, message: String, loc: Option<&Loc>) -> Diagnostic {
        Diagnostic::error(Code::SchemaInvalid, message).label(self.source, span_of(loc), "")
    }
}

/// Returns the name of an action, as Cedar writes it.
fn action_name(namespace: Option<&Name>, name: &SmolStr) -> String {
    let namespace = namespace.map(|namespace| format!("{namespace}::")).unwrap_or_default();
    format!("{namespace}{}", ActionEntityUID::default_type(name.clone()))
}

/// Returns the cycles of a graph with these successors of each node: the first node of each, and the node that leads back to
/// it. A node is the first of one cycle at most.
fn cycles(successors: &[Vec<usize>]) -> BTreeMap<usize, usize> {
    let (mut found, mut done) = (BTreeMap::new(), BTreeSet::new());
    for start in 0..successors.len() {
        let (mut path, mut open) = (vec![(start, 0)], BTreeSet::from([start]));
        while let Some((node, next)) = path.last_mut() {
            let (node, to) = (*node, successors.get(*node).and_then(|all| all.get(*next)).copied());
            *next += 1;
            match to {
                _ if done.contains(&node) => {
                    path.pop();
                }
                None => {
                    done.insert(node);
                    open.remove(&node);
                    path.pop();
                }
                Some(to) if open.contains(&to) => {
                    found.entry(to).or_insert(node);
                }
                Some(to) => {
                    if !done.contains(&to) {
                        open.insert(to);
                        path.push((to, 0));
                    }
                }
            }
        }
    }
    found
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

impl Reference<'_> {
    fn resolve(&self, declared: &AllDefs) -> Result<InternalName, Box<impl miette::Diagnostic + use<>>> {
        let namespace = self.namespace.map(AsRef::as_ref);
        self.name.clone().conditionally_qualify_with(namespace, self.kind).resolve(declared).map_err(Box::new)
    }
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
    use crate::stopwatch::Stopwatch;

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
        check(text, &expected);
    }

    /// Compares the messages with the expected ones. The keys of a hash table differ between two tables.
    fn check(text: &str, expected: &[&str]) {
        for _ in 0..6 {
            assert_eq!(messages(text), expected, "{text}");
        }
    }

    #[test]
    fn each_undeclared_parent_is_named_once_at_its_first_place() {
        let text = r#"
            entity A in [A];
            action "b", c in ["in", Action::"in", "y"];
            action "a" in ["y", N::Action::"z", b];
            namespace N {
                action "d" in ["e", "b", "y", Action::"d"] appliesTo { principal: A, resource: A };
            }
        "#;
        check(
            text,
            &[
                "3:31 undeclared action: Action::\"in\"",
                "3:51 undeclared action: Action::\"y\"",
                "4:44 undeclared action: N::Action::\"z\"",
                "6:32 undeclared action: Action::\"e\"",
                "6:42 undeclared action: Action::\"y\"",
            ],
        );
    }

    #[test]
    fn each_cycle_is_named_at_its_first_declaration() {
        check(
            r#"action "z" in ["y"]; action "y" in ["x"]; action "x" in ["y"]; action "w" in ["w"]; action "v" in ["w"];
            namespace N { action "b" in ["a", "c"]; action "a" in ["b"]; action "c" in ["b"]; }"#,
            &[
                "1:22 cycle in action hierarchy containing `Action::\"y\"`",
                "1:64 cycle in action hierarchy containing `Action::\"w\"`",
                "2:27 cycle in action hierarchy containing `N::Action::\"b\"`",
            ],
        );
        check(
            "type D = { c: Set<C> }; type C = { b: B, d?: D }; type B = Long; type A = A; namespace N { type E = F; type F = E; }",
            &[
                "1:1 cycle in common type references containing `D`",
                "1:66 cycle in common type references containing `A`",
                "1:92 cycle in common type references containing `N::E`",
            ],
        );
    }

    #[test]
    fn every_name_that_hides_another_is_named() {
        check(
            r#"namespace N { type C = Long; entity B; action "b"; action "c"; } namespace M { entity C, A; action "b"; }
            entity C; type B = String; action "b"; namespace O { action "d"; }"#,
            &[
                "1:15 definition of `N::C` illegally shadows the existing definition of `C`",
                "1:30 definition of `N::B` illegally shadows the existing definition of `B`",
                "1:40 definition of `N::Action::\"b\"` illegally shadows the existing definition of `Action::\"b\"`",
                "1:80 definition of `M::C` illegally shadows the existing definition of `C`",
                "1:93 definition of `M::Action::\"b\"` illegally shadows the existing definition of `Action::\"b\"`",
            ],
        );
    }

    #[test]
    fn every_context_that_is_not_a_record_is_named() {
        check(
            "type L = Long; type R = {}; entity A;
            action b appliesTo { principal: A, resource: A, context: L };
            action a appliesTo { principal: A, resource: A, context: R };
            namespace N { action c appliesTo { principal: A, resource: A, context: L }; }",
            &[
                "2:13 the context of `Action::\"b\"` is not a record",
                "4:27 the context of `N::Action::\"c\"` is not a record",
            ],
        );
    }

    #[test]
    fn many_undeclared_parents_are_found_in_one_pass() {
        let parents: Vec<String> = (0..20_000).map(|at| format!("p{at}")).collect();
        let mut stopwatch = Stopwatch::start();
        let found = messages(&format!("action a in [{}];", parents.join(", ")));
        assert_eq!((found.len(), &*found[19_999]), (20_000, "1:148896 undeclared action: Action::\"p19999\""));
        assert!(stopwatch.lap().as_secs() < 60);
    }

    #[test]
    fn long_cycles_are_found_in_one_pass() {
        let of = |next: fn(usize) -> Vec<usize>| super::cycles(&(0..100_000).map(next).collect::<Vec<_>>());
        assert!(of(|node| vec![node + 1]).is_empty());
        assert_eq!(of(|node| vec![(node + 1) % 100_000]).into_iter().collect::<Vec<_>>(), [(0, 99_999)]);
        assert_eq!(of(|node| vec![node + 1, node.saturating_sub(1)]).len(), 99_999);
    }
}
