//! The results of the official evaluator for a world: verdicts pair by pair, and derived values by plain cross product.

use super::blueprint::{Blueprint, Kind};
use super::choices::Choices;
use super::policies::Written;
use super::world::{Datum, Uid, World};
use cedar_policy::{Authorizer, Context, Entities, EntityUid, PolicySet, Request, RestrictedExpression};
use std::collections::BTreeMap;

/// The official answer for a check and a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The scope names another resource.
    OutOfScope,
    Satisfied,
    /// Not satisfied; whether the `when` clauses alone are false.
    Not {
        applies: bool,
    },
    Error,
}

/// A policy, ready for the evaluator.
pub struct Asked {
    pub whole: PolicySet,
    pub scope: PolicySet,
    pub whens: PolicySet,
    pub conditional: bool,
}

impl Asked {
    /// Parses the parts of a policy.
    pub fn new(written: &Written) -> Self {
        let parse = |text: String| text.parse::<PolicySet>().unwrap_or_else(|error| panic!("{error}\n{text}"));
        Self {
            whole: parse(written.text()),
            scope: parse(written.scope_alone()),
            whens: parse(written.whens_alone()),
            conditional: written.conditional(),
        }
    }
}

/// A derivation: the attribute it computes by its place in the blueprint, and whether it takes away.
pub struct Derives<'p> {
    pub at: usize,
    pub subtracts: bool,
    pub principal: usize,
    pub asked: &'p Asked,
}

/// The official evaluator with the entities of one world.
pub struct Oracle<'w> {
    world: &'w World,
    blueprint: &'w Blueprint,
    parameters: &'w [Option<Datum>],
    now: i64,
    entities: Entities,
    authorizer: Authorizer,
    /// Whether a pair of some derivation ended in an error.
    pub doubtful: bool,
}

impl<'w> Oracle<'w> {
    /// Derives every attribute in order. Pairs that end in an error count or not, as `c` has it.
    pub fn new(
        c: &mut Choices<'_>,
        blueprint: &'w Blueprint,
        world: &'w World,
        derivations: &[Derives<'_>],
        parameters: &'w [Option<Datum>],
        now: i64,
    ) -> Self {
        let mut derived = BTreeMap::new();
        let mut oracle = Self {
            world,
            blueprint,
            parameters,
            now,
            entities: world.entities(blueprint, &derived),
            authorizer: Authorizer::new(),
            doubtful: false,
        };
        for (at, (of, field)) in blueprint.derived.iter().enumerate() {
            let field = &blueprint.types[*of].fields[*field];
            for resource in world.of(*of) {
                let mut counted = Vec::new();
                for principal in world.instances.keys() {
                    let said = |subtracts: bool| {
                        let mine = derivations.iter().filter(|part| {
                            part.at == at
                                && part.subtracts == subtracts
                                && part.principal == world.instances[principal].of
                        });
                        let answers: Vec<Option<bool>> =
                            mine.map(|part| oracle.ask(&part.asked.whole, *principal, "derive", resource)).collect();
                        if answers.contains(&Some(true)) {
                            Some(true)
                        } else {
                            answers.into_iter().find(Option::is_none).unwrap_or(Some(false))
                        }
                    };
                    counted.push((
                        *principal,
                        match (said(false), said(true)) {
                            (Some(false), _) | (_, Some(true)) => Some(false),
                            (Some(true), Some(false)) => Some(true),
                            _ => None,
                        },
                    ));
                }
                oracle.doubtful |= counted.iter().any(|(_, counts)| counts.is_none());
                let counting: Vec<Uid> = counted
                    .into_iter()
                    .filter(|(_, counts)| counts.unwrap_or_else(|| c.below(2) == 1))
                    .map(|(uid, _)| uid)
                    .collect();
                let value = match field.kind {
                    Kind::Bool => RestrictedExpression::new_bool(!counting.is_empty()),
                    Kind::Long => RestrictedExpression::new_long(counting.len() as i64),
                    _ => RestrictedExpression::new_set(
                        counting.into_iter().map(|uid| RestrictedExpression::new_entity_uid(world.uid(blueprint, uid))),
                    ),
                };
                derived.insert((resource, field.name.clone()), value);
            }
            oracle.entities = world.entities(blueprint, &derived);
        }
        oracle
    }

    /// Whether the only policy of a set is satisfied; `None` when it ends in an error.
    fn ask(&self, policy: &PolicySet, principal: Uid, action: &str, resource: Uid) -> Option<bool> {
        let action: EntityUid =
            format!("{}::{action:?}", self.blueprint.qualified("Action")).parse().expect("an action");
        let uid = |uid| self.world.uid(self.blueprint, uid);
        let request = Request::new(uid(principal), action, uid(resource), self.context(), None)
            .expect("a request without schema");
        let response = self.authorizer.is_authorized(&request, policy, &self.entities);
        if response.diagnostics().errors().next().is_some() {
            None
        } else {
            Some(response.diagnostics().reason().next().is_some())
        }
    }

    fn context(&self) -> Context {
        let (blueprint, root) = (self.blueprint, self.root());
        let value = |datum: &Datum| self.world.expression(blueprint, root, datum);
        let set = blueprint
            .parameters
            .iter()
            .zip(self.parameters)
            .filter_map(|(field, datum)| Some((field.name.clone(), value(datum.as_ref()?))));
        let parameters = RestrictedExpression::new_record(set).expect("names are unique");
        let mut members =
            vec![("now".to_owned(), value(&Datum::Datetime(self.now))), ("parameters".to_owned(), parameters)];
        let shared = blueprint.context.map(|at| &blueprint.types[0].fields[at].name);
        members
            .extend(shared.and_then(|name| Some((name.clone(), value(self.world.instances[&root].fields.get(name)?)))));
        Context::from_pairs(members).expect("names are unique")
    }

    fn root(&self) -> Uid {
        self.world.of(0).next().expect("a world has a root")
    }

    /// Returns the official answer.
    pub fn answer(&self, check: &Asked, resource: Uid) -> Answer {
        let root = self.root();
        if self.ask(&check.scope, root, "audit", resource) != Some(true) {
            return Answer::OutOfScope;
        }
        match self.ask(&check.whole, root, "audit", resource) {
            Some(true) => Answer::Satisfied,
            Some(false) => Answer::Not {
                applies: !(check.conditional && self.ask(&check.whens, root, "audit", resource) == Some(false)),
            },
            None => Answer::Error,
        }
    }
}
