//! The results of the official evaluator for a world: verdicts pair by pair, and derived values by plain cross product.

use super::blueprint::{Blueprint, Kind};
use super::case::Case;
use super::choices::Choices;
use super::judged::Pair;
use super::policies::PolicyText;
use super::runner::NOW;
use super::world::{Blanks, Datum, Uid, World};
use cedar_policy::{Authorizer, Context, Entities, EntityUid, PolicySet, Request, RestrictedExpression};
use deodar::engine::Verdict;
use deodar::policy::CheckId;
use std::collections::BTreeMap;

/// The official answer for a check and a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfficialAnswer {
    /// The scope names another resource.
    OutOfScope,
    Satisfied,
    /// Not satisfied, and the `when` clauses are not false.
    NotSatisfied,
    /// Not satisfied, because the `when` clauses are false.
    NotApplicable,
    Error,
}

impl OfficialAnswer {
    /// Returns the verdict for this answer on a complete snapshot; `None` is out of scope.
    pub fn verdict(self) -> Option<Verdict> {
        match self {
            Self::OutOfScope => None,
            Self::Satisfied => Some(Verdict::Fail),
            Self::NotSatisfied => Some(Verdict::Pass),
            Self::NotApplicable => Some(Verdict::NotApplicable),
            Self::Error => Some(Verdict::Unknown),
        }
    }

    /// Returns whether a verdict on an incomplete snapshot allows this answer. An unknown verdict allows every answer,
    /// and a pass does not state whether the check applies.
    pub fn is_allowed_by(self, verdict: Option<Verdict>) -> bool {
        match verdict {
            Some(Verdict::Unknown) => self != Self::OutOfScope,
            Some(Verdict::Pass) => matches!(self, Self::NotSatisfied | Self::NotApplicable),
            decided => decided == self.verdict(),
        }
    }
}

/// A policy, parsed by Cedar: as a whole, its scope alone, and without the `unless` clauses.
pub struct OfficialPolicy {
    whole: PolicySet,
    scope: PolicySet,
    whens: PolicySet,
    /// Whether it has clauses of both kinds.
    conditional: bool,
}

impl OfficialPolicy {
    fn new(policy: &PolicyText) -> Self {
        let parse = |text: String| text.parse::<PolicySet>().unwrap_or_else(|error| panic!("{error}\n{text}"));
        Self {
            whole: parse(policy.text()),
            scope: parse(policy.scope_alone()),
            whens: parse(policy.whens_alone()),
            conditional: policy.conditional(),
        }
    }
}

/// A derivation, parsed by Cedar.
pub struct OfficialDerivation {
    /// The place of the attribute in the blueprint.
    attribute: usize,
    subtracts: bool,
    /// The type of its principals.
    principal: usize,
    policy: OfficialPolicy,
}

/// The valid policies of a case, parsed by Cedar once for any number of worlds.
pub struct OfficialPack<'c> {
    case: &'c Case,
    /// Checks by id.
    checks: BTreeMap<&'c str, OfficialPolicy>,
    derivations: Vec<OfficialDerivation>,
}

impl<'c> OfficialPack<'c> {
    /// Parses the policies of a case for which `is_valid` holds.
    pub fn new(case: &'c Case, is_valid: impl Fn(&str) -> bool) -> Self {
        let checks = case.checks.iter().filter(|policy| is_valid(&policy.id));
        let derivations = case.derivations.iter().filter(|(_, policy)| is_valid(&policy.id));
        Self {
            case,
            checks: checks.map(|policy| (policy.id.as_str(), OfficialPolicy::new(policy))).collect(),
            derivations: derivations
                .map(|(attribute, policy)| OfficialDerivation {
                    attribute: *attribute,
                    subtracts: policy.effect == "forbid",
                    principal: policy.principal,
                    policy: OfficialPolicy::new(policy),
                })
                .collect(),
        }
    }

    /// Returns the official answers on a world. A pair of a derivation that ends in an error counts or not, by the seed.
    pub fn answers<'w>(&'w self, pairs: &[Pair<'_>], world: &'w World, seed: u64) -> OfficialAnswers<'w> {
        let Case { blueprint, parameters, .. } = self.case;
        let choices = &mut Choices::seeded(seed);
        let oracle = Oracle::new(choices, blueprint, world, &self.derivations, parameters);
        let answer = |pair: &Pair<'_>| oracle.answer(&self.checks[pair.policy.id.as_str()], pair.instance);
        let answers = pairs.iter().map(|pair| ((pair.check.check, pair.instance), answer(pair))).collect();
        OfficialAnswers { answers, oracle }
    }
}

/// The official answers on one world.
pub struct OfficialAnswers<'w> {
    /// By check and instance.
    answers: BTreeMap<(CheckId, Uid), OfficialAnswer>,
    oracle: Oracle<'w>,
}

impl OfficialAnswers<'_> {
    /// Returns the answer for a check and an instance.
    pub fn answer(&self, pair: &Pair<'_>) -> OfficialAnswer {
        self.answers[&(pair.check.check, pair.instance)]
    }

    /// Returns whether a pair of some derivation ended in an error, so that the answers depend on the seed.
    pub fn is_doubtful(&self) -> bool {
        self.oracle.is_doubtful
    }

    /// Returns the world as a complete snapshot.
    pub fn world_text(&self) -> String {
        self.oracle.world.json(&mut Choices::given(&[]), self.oracle.blueprint, &Blanks::default())
    }
}

/// The official evaluator with the entities of one world.
struct Oracle<'w> {
    world: &'w World,
    blueprint: &'w Blueprint,
    parameters: &'w [Option<Datum>],
    entities: Entities,
    authorizer: Authorizer,
    /// Whether a pair of some derivation ended in an error.
    is_doubtful: bool,
}

impl<'w> Oracle<'w> {
    /// Derives every attribute in order. Pairs that end in an error count or not, as `choices` decide.
    fn new(
        choices: &mut Choices<'_>,
        blueprint: &'w Blueprint,
        world: &'w World,
        derivations: &[OfficialDerivation],
        parameters: &'w [Option<Datum>],
    ) -> Self {
        let mut derived = BTreeMap::new();
        let mut oracle = Self {
            world,
            blueprint,
            parameters,
            entities: world.entities(blueprint, &derived),
            authorizer: Authorizer::new(),
            is_doubtful: false,
        };
        for (at, (type_idx, field)) in blueprint.derived.iter().enumerate() {
            let field = &blueprint.types[*type_idx].fields[*field];
            for resource in world.instances_of(*type_idx) {
                let counted = oracle.counted(choices, derivations, at, resource);
                let value = oracle.aggregate(&field.kind, &counted);
                derived.insert((resource, field.name.clone()), value);
            }
            oracle.entities = world.entities(blueprint, &derived);
        }
        oracle
    }

    /// Returns the principals that count for a derived attribute of a resource. One that ends in an error counts or not,
    /// as `choices` decide.
    fn counted(
        &mut self,
        choices: &mut Choices<'_>,
        derivations: &[OfficialDerivation],
        attribute: usize,
        resource: Uid,
    ) -> Vec<Uid> {
        let mut counted = Vec::new();
        for principal in self.world.instances.keys().copied() {
            let counts = self.counts(derivations, attribute, principal, resource);
            self.is_doubtful |= counts.is_none();
            if counts.unwrap_or_else(|| choices.below(2) == 1) {
                counted.push(principal);
            }
        }
        counted
    }

    /// Returns the value of a derived attribute of a type for the principals that count.
    fn aggregate(&self, kind: &Kind, counted: &[Uid]) -> RestrictedExpression {
        match kind {
            Kind::Bool => RestrictedExpression::new_bool(!counted.is_empty()),
            Kind::Long => RestrictedExpression::new_long(counted.len() as i64),
            _ => {
                let entity = |uid: &Uid| RestrictedExpression::new_entity_uid(self.world.uid(self.blueprint, *uid));
                RestrictedExpression::new_set(counted.iter().map(entity))
            }
        }
    }

    /// Returns whether a principal counts for a derived attribute of a resource; `None` when that ends in an error.
    fn counts(
        &self,
        derivations: &[OfficialDerivation],
        attribute: usize,
        principal: Uid,
        resource: Uid,
    ) -> Option<bool> {
        let ty = self.world.instances[&principal].type_idx;
        let permitted = |subtracts: bool| {
            let parts = derivations
                .iter()
                .filter(|part| part.attribute == attribute && part.subtracts == subtracts && part.principal == ty);
            let answers: Vec<Option<bool>> =
                parts.map(|part| self.is_satisfied(&part.policy.whole, principal, "derive", resource)).collect();
            let is_error = answers.contains(&None);
            if answers.contains(&Some(true)) { Some(true) } else { (!is_error).then_some(false) }
        };
        match (permitted(false), permitted(true)) {
            (Some(false), _) | (_, Some(true)) => Some(false),
            (Some(true), Some(false)) => Some(true),
            _ => None,
        }
    }

    /// Returns whether the only policy of a set is satisfied; `None` when it ends in an error.
    fn is_satisfied(&self, policy: &PolicySet, principal: Uid, action: &str, resource: Uid) -> Option<bool> {
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
        let mut members = vec![("now".to_owned(), value(&Datum::Datetime(NOW))), ("parameters".to_owned(), parameters)];
        let shared = blueprint.context.map(|at| &blueprint.types[0].fields[at].name);
        members
            .extend(shared.and_then(|name| Some((name.clone(), value(self.world.instances[&root].fields.get(name)?)))));
        Context::from_pairs(members).expect("names are unique")
    }

    fn root(&self) -> Uid {
        self.world.instances_of(0).next().expect("a world has a root")
    }

    fn answer(&self, check: &OfficialPolicy, resource: Uid) -> OfficialAnswer {
        let root = self.root();
        let is_satisfied = |part: &PolicySet| self.is_satisfied(part, root, "audit", resource);
        if is_satisfied(&check.scope) != Some(true) {
            return OfficialAnswer::OutOfScope;
        }
        match is_satisfied(&check.whole) {
            Some(true) => OfficialAnswer::Satisfied,
            Some(false) if check.conditional && is_satisfied(&check.whens) == Some(false) => {
                OfficialAnswer::NotApplicable
            }
            Some(false) => OfficialAnswer::NotSatisfied,
            None => OfficialAnswer::Error,
        }
    }
}
