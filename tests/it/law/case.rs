//! A random case: a schema, policies, a snapshot and parameters, with the texts that Deodar reads.

use super::blueprint::{Blueprint, Kind};
use super::choices::Choices;
use super::policies::{PolicyText, Writer};
use super::world::{self, Blanks, Datum, World};
use cedar_policy::{ValidationMode, Validator};
use proptest::collection::vec;
use proptest::prelude::*;
use std::fmt::Write;

/// The choices that a case is built from.
#[derive(Clone)]
pub struct Recipe {
    pub schema: Vec<u16>,
    pub world: Vec<u16>,
    pub checks: Vec<Vec<u16>>,
    pub derivations: Vec<Vec<u16>>,
    pub blanks: Vec<u16>,
    pub style: Vec<u16>,
    /// The seed of the choices that do not shrink.
    pub seed: u64,
}

impl std::fmt::Debug for Recipe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the case below")
    }
}

/// Returns random recipes.
pub fn recipes() -> impl Strategy<Value = Recipe> {
    let choices = |most: usize| vec(any::<u16>(), 0..most);
    let parts = (
        choices(300),
        choices(900),
        vec(choices(220), 1..7),
        vec(choices(120), 0..8),
        choices(400),
        choices(300),
        any::<u64>(),
    );
    parts.prop_map(|(schema, world, checks, derivations, blanks, style, seed)| Recipe {
        schema,
        world,
        checks,
        derivations,
        blanks,
        style,
        seed,
    })
}

/// The form of a case.
#[derive(Clone, Copy)]
pub struct Form {
    /// Whether the schema has derived attributes.
    pub derived: bool,
    /// Whether the snapshot has all values.
    pub complete: bool,
}

/// The parts of a case.
#[derive(Clone)]
pub struct Case {
    pub blueprint: Blueprint,
    pub world: World,
    /// The part of the world that the snapshot lacks.
    pub blanks: Blanks,
    pub parameters: Vec<Option<Datum>>,
    pub checks: Vec<PolicyText>,
    /// Derivations, with the places of their attributes in the blueprint.
    pub derivations: Vec<(usize, PolicyText)>,
    /// The snapshot.
    pub json: String,
    pub seed: u64,
    /// How many derivations strict validation refused.
    pub discarded: usize,
}

impl Case {
    /// Builds a case.
    pub fn new(recipe: &Recipe, form: Form) -> Self {
        let choices = &mut Choices::given(&recipe.schema);
        let derived_count = if form.derived { 1 + choices.below(3) } else { 0 };
        let blueprint = Blueprint::random(choices, derived_count);
        let world = World::random(&mut Choices::given(&recipe.world), &blueprint);
        let check = |(number, choices): (usize, &Vec<u16>)| {
            Writer::new(&blueprint, &world, derived_count).check(&mut Choices::given(choices), number)
        };
        let checks = recipe.checks.iter().enumerate().map(check).collect();
        let (derivations, discarded) = derivations(recipe, &blueprint, &world);
        let blanks = blanks(recipe, form, &blueprint, &world);
        let style = &mut Choices::given(&recipe.style);
        let parameter = |kind: &Kind, required: bool, style: &mut Choices<'_>| {
            (required || style.below(2) == 1).then(|| random_parameter(style, kind))
        };
        let parameters =
            blueprint.parameters.iter().map(|field| parameter(&field.kind, field.required, style)).collect();
        let json = world.json(style, &blueprint, &blanks);
        Self { parameters, json, checks, derivations, blueprint, world, blanks, seed: recipe.seed, discarded }
    }

    /// Returns the case with other values missing from its snapshot.
    pub fn with_blanks(&self, recipe: &Recipe, blanks: Blanks) -> Self {
        let json = self.world.json(&mut Choices::given(&recipe.style), &self.blueprint, &blanks);
        Self { blanks, json, ..self.clone() }
    }

    /// Returns the text of all policies.
    pub fn policies(&self) -> String {
        self.derivations.iter().map(|(_, policy)| policy).chain(&self.checks).map(PolicyText::text).collect()
    }

    /// Returns the whole case as text; with the id of a check, only this check and the derivations that it reads.
    pub fn text(&self, check: Option<&str>) -> String {
        let mut policies = String::new();
        for policy in self.checks.iter().filter(|policy| check.is_none_or(|id| id == policy.id)) {
            policies.push_str(&policy.text());
        }
        // An attribute may read those before it.
        for (at, (ty, field)) in self.blueprint.derived.iter().enumerate().rev() {
            let name = &self.blueprint.types[*ty].fields[*field].name;
            if check.is_none() || policies.contains(&format!(".{name}")) {
                let parts = self.derivations.iter().filter(|(attribute, _)| *attribute == at);
                policies.insert_str(0, &parts.map(|(_, policy)| policy.text()).collect::<String>());
            }
        }
        let mut text =
            format!("--- schema\n{}--- policies\n{policies}--- snapshot\n{}", self.blueprint.text(), self.json);
        for (field, datum) in self.blueprint.parameters.iter().zip(&self.parameters) {
            let setting = datum.as_ref().map_or("not set".to_owned(), setting_text);
            let _ = writeln!(text, "--- parameter `{}`: {setting}", field.name);
        }
        text
    }
}

/// Returns derivations of every derived attribute, and how many strict validation refused.
fn derivations(recipe: &Recipe, blueprint: &Blueprint, world: &World) -> (Vec<(usize, PolicyText)>, usize) {
    let count = blueprint.derived.len();
    if count == 0 {
        return (Vec::new(), 0);
    }
    let validator = validator(blueprint);
    let random = recipe.derivations.iter().enumerate().map(|(number, choices)| {
        let (at, subtracts) = (number % count, number >= count && number % 5 == 4);
        (at, Writer::new(blueprint, world, at).derivation(&mut Choices::given(choices), at, number, subtracts))
    });
    let (mut valid, refused): (Vec<_>, Vec<_>) = random.partition(|(_, policy)| is_valid(&validator, policy));
    for at in 0..count {
        // An attribute that nothing derives is an error of its own.
        if !valid.iter().any(|(other, policy)| *other == at && policy.effect == "permit") {
            valid.push((at, Writer::new(blueprint, world, at).containment(at)));
        }
    }
    (valid, refused.len())
}

fn blanks(recipe: &Recipe, form: Form, blueprint: &Blueprint, world: &World) -> Blanks {
    let choices = &mut Choices::given(&recipe.blanks);
    let percent = *choices.pick(&[4, 12, 40]);
    if form.complete { Blanks::default() } else { world.blanks(choices, blueprint, percent) }
}

/// Returns the official validator of a schema.
pub fn validator(blueprint: &Blueprint) -> Validator {
    let (schema, _) = cedar_policy::Schema::from_cedarschema_str(&blueprint.text()).expect("schemas are valid");
    Validator::new(schema)
}

/// Returns whether a policy passes strict validation.
pub fn is_valid(validator: &Validator, policy: &PolicyText) -> bool {
    let policies = policy.text().parse().unwrap_or_else(|error| panic!("{error}\n{}", policy.text()));
    validator.validate(&policies, ValidationMode::Strict).validation_passed()
}

/// Returns a random value of a parameter.
pub fn random_parameter(choices: &mut Choices<'_>, kind: &Kind) -> Datum {
    match kind {
        Kind::Text => Datum::Text((*choices.pick(&world::TEXTS[..3])).to_owned()),
        Kind::Decimal => Datum::Decimal(*choices.pick(&world::DECIMALS)),
        Kind::Datetime => Datum::Datetime(*choices.pick(&world::DATETIMES)),
        Kind::Duration => Datum::Duration(*choices.pick(&world::DURATIONS)),
        Kind::Ip => Datum::Ip((*choices.pick(&world::IPS)).to_owned()),
        Kind::Set(_) => Datum::Set((0..choices.below(3)).map(|_| random_parameter(choices, &Kind::Text)).collect()),
        _ => Datum::Long(*choices.pick(&world::LONGS)),
    }
}

/// Returns a parameter as a user would type it.
pub fn setting_text(datum: &Datum) -> String {
    match datum {
        Datum::Long(n) => n.to_string(),
        Datum::Text(text) | Datum::Ip(text) => text.clone(),
        Datum::Decimal(n) => world::decimal(*n),
        Datum::Datetime(n) => world::rfc3339(*n),
        Datum::Duration(n) => format!("{n}ms"),
        Datum::Set(items) => {
            let items: Vec<String> = items.iter().map(|item| format!("{:?}", setting_text(item))).collect();
            format!("[{}]", items.join(","))
        }
        other => format!("{other:?}"),
    }
}
