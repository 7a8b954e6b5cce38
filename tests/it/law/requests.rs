//! Random requests: entities with several parents, actions in groups, policies for any of them, and requests.

use super::blueprint::{Blueprint, Field, From, Kind, Way};
use super::case::{Recipe, random_parameter};
use super::choices::Choices;
use super::policies::{PolicyText, Writer};
use super::world::{Datum, Uid, World};
use cedar_policy::{Context, Entities, Entity, EntityUid, Request, RestrictedExpression, Schema};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write;

/// Requests to an authorizer, with its data.
pub struct RequestCase {
    pub schema: String,
    pub policies: Vec<PolicyText>,
    pub cedar: Schema,
    pub entities: Entities,
    pub requests: Vec<Request>,
}

/// The possible further parents of instances of a type.
struct Around {
    types: Vec<usize>,
    /// Whether in enumerated entities too.
    enumerated: bool,
}

impl RequestCase {
    /// Returns a random case.
    pub fn random(recipe: &Recipe) -> Self {
        let choices = &mut Choices::given(&recipe.schema);
        let blueprint = Blueprint::random(choices, 0);
        let world = World::random(&mut Choices::given(&recipe.world), &blueprint);
        let choices = &mut Choices::given(&recipe.style);
        let all = 0..blueprint.types.len();
        let around = all.clone().map(|_| Around {
            types: all.clone().filter(|_| choices.one_in(3)).collect(),
            enumerated: choices.one_in(3),
        });
        let around: Vec<Around> = around.collect();
        let text = schema_text(&blueprint, &around);
        let (cedar, _) = Schema::from_cedarschema_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let writer = Writer::new(&blueprint, &world, 0);
        let policies = recipe
            .checks
            .iter()
            .enumerate()
            .map(|(number, choices)| writer.policy(&mut Choices::given(choices), number))
            .collect();
        let entities = entities(choices, &blueprint, &world, &around, &cedar);
        let requests = (0..6).map(|_| request(choices, &blueprint, &world, &cedar)).collect();
        Self { schema: text, policies, cedar, entities, requests }
    }

    /// Writes the case down, with some of its policies.
    pub fn text(&self, policies: &str) -> String {
        let entities = self.entities.to_json_value().map(|json| json.to_string()).unwrap_or_default();
        format!("--- schema\n{}--- policies\n{policies}--- entities\n{entities}\n", self.schema)
    }
}

fn schema_text(blueprint: &Blueprint, around: &[Around]) -> String {
    let mut text = String::new();
    for (at, ty) in blueprint.types.iter().enumerate() {
        let mut containers: Vec<String> =
            ty.parent.iter().chain(&around[at].types).map(|type_idx| blueprint.types[*type_idx].name.clone()).collect();
        if around[at].enumerated {
            containers.push("Choice0".to_owned());
        }
        containers.sort();
        containers.dedup();
        let tags = ty.tags.as_ref().map(|(_, kind)| format!(" tags {}", blueprint.show(kind))).unwrap_or_default();
        let containers = if containers.is_empty() { String::new() } else { format!(" in [{}]", containers.join(", ")) };
        let _ = writeln!(text, "entity {}{containers} {{ {} }}{tags};", ty.name, blueprint.members(&ty.fields));
    }
    for (at, choices) in blueprint.enums.iter().enumerate() {
        let _ = writeln!(text, "entity Choice{at} enum {choices:?};");
    }
    let mut context = vec!["now: datetime".to_owned()];
    context.push(format!("parameters: {{ {} }}", blueprint.members(&blueprint.parameters)));
    context.extend(shared(blueprint).map(|field| blueprint.members(&[field])));
    let (plain, all) = (context.join(", "), blueprint.types.iter().map(|ty| ty.name.as_str()).collect::<Vec<_>>());
    let all = all.join(", ");
    let _ = writeln!(text, "action \"all\";\naction \"some\" in [\"all\"];");
    let applies = |context: &str| format!("principal: [{all}], resource: [{all}], context: {{ {context} }}");
    let _ = writeln!(text, "action \"derive\" in [\"all\"] appliesTo {{ {} }};", applies(&plain));
    let whole = format!("{plain}, extra?: {{ {} }}", blueprint.members(&read_fields(blueprint)));
    let _ = writeln!(text, "action \"audit\" in [\"some\"] appliesTo {{ {} }};", applies(&whole));
    if blueprint.namespaced { format!("namespace Space {{\n{text}}}\n") } else { text }
}

/// The attribute of the root that the context holds too.
fn shared(blueprint: &Blueprint) -> Option<Field> {
    blueprint.context.map(|at| Field { pointer: Vec::new(), ..blueprint.types[0].fields[at].clone() })
}

/// The attributes of the root, which are a record in the context of one action.
pub fn read_fields(blueprint: &Blueprint) -> Vec<Field> {
    blueprint.types[0].fields.iter().filter(|field| field.from == From::Snapshot).cloned().collect()
}

/// The entities of a world, each of them in some more.
fn entities(
    choices: &mut Choices<'_>,
    blueprint: &Blueprint,
    world: &World,
    around: &[Around],
    schema: &Schema,
) -> Entities {
    let numbers: HashMap<EntityUid, Uid> =
        world.instances.keys().map(|uid| (world.uid(blueprint, *uid), *uid)).collect();
    let nested = world.entities(blueprint, &BTreeMap::new());
    let mut kept: BTreeMap<Uid, Entity> = BTreeMap::new();
    for entity in nested.iter() {
        kept.insert(numbers[&entity.uid()], entity.clone());
    }
    let mut all = Vec::new();
    for (number, entity) in kept {
        // Some entities are named and are missing.
        if choices.one_in(12) {
            continue;
        }
        let (uid, attributes, mut parents) = entity.clone().into_inner();
        let instance = &world.instances[&number];
        let around = &around[instance.type_idx];
        for type_idx in &around.types {
            let before: Vec<Uid> = world.instances_of(*type_idx).filter(|other| *other < number).collect();
            if !before.is_empty() && choices.below(2) == 1 {
                parents.insert(world.uid(blueprint, *choices.pick(&before)));
            } else if choices.one_in(8) {
                parents.insert(uid_of(blueprint, *type_idx, "gone"));
            }
        }
        if around.enumerated && choices.below(2) == 1 {
            parents.insert(enumerated(blueprint, choices.pick_text(&blueprint.enums[0])));
        }
        let tags = instance.tags.iter().map(|(key, datum)| (key.clone(), world.expression(blueprint, number, datum)));
        let parents: HashSet<EntityUid> = parents.into_iter().collect();
        all.push(Entity::new_with_tags(uid, attributes, parents, tags).expect("values are well formed"));
    }
    Entities::from_entities(all, Some(schema)).unwrap_or_else(|error| panic!("{:?}", miette::Report::new(error)))
}

fn enumerated(blueprint: &Blueprint, choice: &str) -> EntityUid {
    format!("{}::{choice:?}", blueprint.qualified("Choice0")).parse().expect("an entity")
}

fn uid_of(blueprint: &Blueprint, type_idx: usize, id: &str) -> EntityUid {
    format!("{}::{id:?}", blueprint.name(type_idx)).parse().expect("an entity")
}

fn request(choices: &mut Choices<'_>, blueprint: &Blueprint, world: &World, schema: &Schema) -> Request {
    let mut someone = || {
        let type_idx = choices.below(blueprint.types.len());
        let known: Vec<Uid> = world.instances_of(type_idx).collect();
        if known.is_empty() || choices.one_in(10) {
            uid_of(blueprint, type_idx, "gone")
        } else {
            world.uid(blueprint, *choices.pick(&known))
        }
    };
    let (principal, resource) = (someone(), someone());
    let audits = choices.below(3) < 2;
    let name = if audits { "audit" } else { "derive" };
    let action = format!("{}::{name:?}", blueprint.qualified("Action")).parse().expect("an action");
    let root = world.instances_of(0).next().expect("a world has a root");
    let value = |datum: &Datum| world.expression(blueprint, root, datum);
    let mut parameters = Vec::new();
    for field in &blueprint.parameters {
        if field.required || choices.below(2) == 1 {
            parameters.push((field.name.clone(), value(&random_parameter(choices, &field.kind))));
        }
    }
    let record = |members| RestrictedExpression::new_record(members).expect("names are unique");
    let now = *choices.pick(&super::world::DATETIMES);
    let mut members =
        vec![("now".to_owned(), value(&Datum::Datetime(now))), ("parameters".to_owned(), record(parameters))];
    let fields = &world.instances[&root].fields;
    members.extend(shared(blueprint).and_then(|field| Some((field.name.clone(), value(fields.get(&field.name)?)))));
    if audits && choices.below(3) < 2 {
        members.push(("extra".to_owned(), value(&Datum::Record(fields.clone()))));
    }
    let context = Context::from_pairs(members).expect("names are unique");
    Request::new(principal, action, resource, context, Some(schema)).expect("the request conforms")
}

/// A kind for the record that the context of one action holds.
pub fn extra(blueprint: &Blueprint) -> Field {
    Field {
        name: "extra".to_owned(),
        pointer: Vec::new(),
        kind: Kind::Record(read_fields(blueprint)),
        required: false,
        from: From::Snapshot,
        way: Way::default(),
    }
}
