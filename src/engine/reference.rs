//! The reference engine: Cedar's evaluator on the same snapshot, one pair at a time. It is the oracle of the tests.
//!
//! It is slow. On a complete snapshot it gives the same verdicts as the compiled engine. It has no unknown values: an
//! unknown value is left out, reading it is an error, and an error makes the verdict unknown. On an incomplete snapshot
//! it may give unknown where the compiled engine decides, but not the reverse.

mod guard;

use super::eval::Evaluator;
use super::judge::{Judged, Judgement, Subject};
use super::verdict::Verdict;
use crate::parameters::ParameterValue;
use crate::policy::{CheckId, ClauseKind, Policies, Statement};
use crate::program::{Aggregate, Body, CheckProgram, DerivationProgram, DerivedAttribute, WaiverProgram};
use crate::schema::{Attribute, ContextOrigin, EntityKind, Model, Origin, Shape, SlotId, Ty};
use crate::snapshot::{Data, Snapshot, State};
use crate::source::cedar::on_deep_stack;
use crate::value::{self, EntityRef, TypeId, Value};
use cedar_policy::{
    AuthorizationError, Authorizer, Context, Entities, Entity, EntityUid, PolicySet, Request, RestrictedExpression,
};
use cedar_policy_core::ast;
use cedar_policy_core::evaluator::EvaluationError;
use smol_str::ToSmolStr;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::str::FromStr;

/// Cedar refused a value of the snapshot or a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferenceError(pub String);

impl std::fmt::Display for ReferenceError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.unquoted(), self.0)
    }
}

impl ReferenceError {
    /// Returns the message without Cedar's reason, which may quote values.
    pub fn unquoted(&self) -> &'static str {
        "the reference engine cannot take this snapshot"
    }
}

impl std::error::Error for ReferenceError {}

fn failed(error: impl std::fmt::Display) -> ReferenceError {
    ReferenceError(error.to_string())
}

type Result<T> = std::result::Result<T, ReferenceError>;

/// The result of Cedar's evaluator for one policy.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Satisfied {
    Yes,
    No,
    /// The evaluation failed on known values.
    Failed,
    /// The evaluation read an unknown value.
    Unknown,
}

impl Satisfied {
    fn known(self) -> Option<bool> {
        match self {
            Satisfied::Yes => Some(true),
            Satisfied::No => Some(false),
            Satisfied::Failed | Satisfied::Unknown => None,
        }
    }
}

/// The known values of derived attributes, by entity and slot.
type Derived = BTreeMap<(EntityRef, SlotId), RestrictedExpression>;

/// A derivation, as a policy set with one guarded policy.
struct Part {
    subtracts: bool,
    principal: TypeId,
    policy: PolicySet,
    /// Whether it names an entity that may be an unknown instance.
    is_open: bool,
}

/// A principal, and whether it counts; `None` is unknown.
type Counted = (EntityRef, Option<bool>);

/// Cedar's evaluator with the entities of a snapshot.
pub struct Reference<'m, 'a> {
    evaluator: &'m Evaluator<'a>,
    policies: &'m Policies,
    now: i64,
    parameters: &'m [ParameterValue],
    authorizer: Authorizer,
}

impl<'m, 'a> Reference<'m, 'a> {
    /// Returns the engine for the program and the snapshot of an evaluator. The evaluator gives the ids of entities,
    /// the scopes of checks and the uncaptured lists; it does not evaluate clauses.
    pub fn new(
        evaluator: &'m Evaluator<'a>,
        policies: &'m Policies,
        now: i64,
        parameters: &'m [ParameterValue],
    ) -> Self {
        Self { evaluator, policies, now, parameters, authorizer: Authorizer::new() }
    }

    fn model(&self) -> &'a Model {
        self.evaluator.model
    }

    fn snapshot(&self) -> &'a Snapshot {
        self.evaluator.snapshot
    }

    /// Judges every check on every resource.
    ///
    /// # Errors
    /// If Cedar refuses a value or a policy.
    pub fn judge(&self) -> Result<Vec<Judgement>> {
        let verdicts = self.verdicts(&|_, _| true)?.into_iter();
        let checks = self.evaluator.program.checks.iter().zip(verdicts);
        let is_listed = |verdict| verdict != Verdict::Pass;
        Ok(checks.map(|(check, judged)| Judgement::of(check, judged.into_iter(), is_listed)).collect())
    }

    /// Returns the verdicts of every check, in the order of the program, on the resources that are `wanted`.
    ///
    /// # Errors
    /// If Cedar refuses a value or a policy.
    pub(super) fn verdicts(&self, wanted: &dyn Fn(CheckId, Subject) -> bool) -> Result<Vec<Vec<Judged>>> {
        let entities = self.entities(&self.derive()?)?;
        let mut verdicts = Vec::new();
        for check in &self.evaluator.program.checks {
            let mut judged = Vec::new();
            for body in &check.bodies {
                judged.extend(self.judge_body(check, body, &entities, &|subject| wanted(check.check, subject))?);
                let lists = self.evaluator.uncaptured(body).into_iter();
                let lists = lists.map(|list| Subject::Uncaptured(body.resource, list));
                let unknown = lists.filter(|subject| wanted(check.check, *subject));
                judged.extend(unknown.map(|subject| Judged::new(subject, Verdict::Unknown)));
            }
            verdicts.push(judged);
        }
        Ok(verdicts)
    }

    /// Judges the resources of one type by a check.
    fn judge_body(
        &self,
        check: &CheckProgram,
        body: &Body,
        entities: &Entities,
        wanted: &dyn Fn(Subject) -> bool,
    ) -> Result<Vec<Judged>> {
        let policy = self.policies.checks.find(check.check).ok_or_else(|| failed("a check is missing"))?;
        let audit = self.action(&self.model().audit)?;
        let (whole, whens) = (self.only(&policy.statement)?, whens(&policy.statement)?);
        let is_open = self.may_name_unknown(&policy.statement);
        let mut judged = Vec::new();
        for resource in self.snapshot().instances(body.resource) {
            let subject = Subject::Entity(resource);
            // The evaluator determines the scope: a policy of Cedar is not satisfied outside its scope.
            if !wanted(subject) || self.evaluator.verdict(check, body, resource).is_none() {
                continue;
            }
            let request = self.request(self.evaluator.root(), &audit, resource)?;
            let applies = || match check.conditional {
                true => self.satisfied(&whens, &request, entities),
                false => Satisfied::Yes,
            };
            let verdict = match self.satisfied(&whole, &request, entities) {
                _ if is_open => Verdict::Unknown,
                Satisfied::Yes => Verdict::Fail,
                Satisfied::Failed | Satisfied::Unknown => Verdict::Unknown,
                Satisfied::No => match applies() {
                    Satisfied::No => Verdict::NotApplicable,
                    Satisfied::Unknown => Verdict::Unknown,
                    Satisfied::Yes | Satisfied::Failed => Verdict::Pass,
                },
            };
            judged.push(Judged::new(subject, verdict));
        }
        Ok(judged)
    }

    /// Returns for every subject whether a waiver is certainly satisfied for it; true for subjects that are not `wanted`.
    ///
    /// # Errors
    /// If Cedar refuses a value or a policy.
    pub(super) fn covered(
        &self,
        waiver: &WaiverProgram,
        subjects: &[Subject],
        wanted: &dyn Fn(Subject) -> bool,
    ) -> Result<Vec<bool>> {
        let policy = self.policies.waivers.find(waiver.waiver).ok_or_else(|| failed("a waiver is missing"))?;
        let (audit, entities) = (self.action(&self.model().audit)?, self.entities(&self.derive()?)?);
        let (only, is_open) = (self.only(&policy.statement)?, self.may_name_unknown(&policy.statement));
        let covers = |subject: &Subject| {
            let resource = match subject {
                _ if !wanted(*subject) => return Ok(true),
                Subject::Entity(resource) if !is_open => *resource,
                // Cedar has no phantoms.
                _ => return Ok(false),
            };
            let request = self.request(self.evaluator.root(), &audit, resource)?;
            Ok(self.satisfied(&only, &request, &entities) == Satisfied::Yes)
        };
        subjects.iter().map(covers).collect()
    }

    /// Computes every derived attribute, by testing every principal on every resource.
    fn derive(&self) -> Result<Derived> {
        let mut derived = Derived::new();
        let Some(action) = &self.model().derive else { return Ok(derived) };
        let action = self.action(action)?;
        // The values of an attribute with an invalid derivation are unknown.
        for attribute in self.evaluator.program.derived.iter().filter(|attribute| !attribute.broken) {
            let entities = self.entities(&derived)?;
            let parts = attribute.parts.iter().map(|part| self.part(part)).collect::<Result<Vec<_>>>()?;
            let may_have_more =
                |part: &Part| !part.subtracts && !self.snapshot().table(part.principal).uncaptured_lists.is_empty();
            let may_be_more = parts.iter().any(may_have_more);
            for resource in self.snapshot().instances(attribute.ty) {
                if self.snapshot().is_copy(resource) {
                    continue;
                }
                let counted = self.count(&parts, &action, resource, &entities)?;
                if let Some(value) = self.aggregated(attribute, &counted, may_be_more)? {
                    derived.insert((resource, attribute.slot), value);
                }
            }
        }
        Ok(derived)
    }

    fn part(&self, part: &DerivationProgram) -> Result<Part> {
        let derivation = self.policies.derivations.find(part.derivation);
        let statement = &derivation.ok_or_else(|| failed("a derivation is missing"))?.statement;
        let is_open = self.may_name_unknown(statement);
        let policy = self.only(statement)?;
        Ok(Part { subtracts: part.subtracts, principal: part.body.principal, policy, is_open })
    }

    /// Returns every principal, and whether it counts for a resource.
    fn count(
        &self,
        parts: &[Part],
        action: &EntityUid,
        resource: EntityRef,
        entities: &Entities,
    ) -> Result<Vec<Counted>> {
        // Whether some `permit`, and whether some `forbid`, is satisfied.
        let mut found: BTreeMap<EntityRef, (Option<bool>, Option<bool>)> = BTreeMap::new();
        for part in parts {
            for principal in self.snapshot().instances(part.principal) {
                // A copy may be the same instance as an earlier one.
                let is_open = part.is_open || self.snapshot().is_copy(principal);
                let request = self.request(principal, action, resource)?;
                let known = if is_open { None } else { self.satisfied(&part.policy, &request, entities).known() };
                let sides = found.entry(principal).or_insert((Some(false), Some(false)));
                let side = if part.subtracts { &mut sides.1 } else { &mut sides.0 };
                *side = match (*side, known) {
                    (Some(true), _) | (_, Some(true)) => Some(true),
                    (None, _) | (_, None) => None,
                    _ => Some(false),
                };
            }
        }
        let counts = |sides| match sides {
            (Some(false), _) | (_, Some(true)) => Some(false),
            (Some(true), Some(false)) => Some(true),
            _ => None,
        };
        Ok(found.into_iter().map(|(entity, sides)| (entity, counts(sides))).collect())
    }

    /// Returns a derived value; `None` if it is unknown.
    fn aggregated(
        &self,
        attribute: &DerivedAttribute,
        counted: &[Counted],
        may_be_more: bool,
    ) -> Result<Option<RestrictedExpression>> {
        let certain = counted.iter().filter(|(_, counts)| *counts == Some(true)).map(|(entity, _)| *entity);
        let certain: Vec<EntityRef> = certain.collect();
        let is_uncertain = may_be_more || counted.iter().any(|(_, counts)| counts.is_none());
        let values = || {
            let value = |entity: &EntityRef| {
                let slot = attribute.distinct(entity.ty).filter(|slot| !self.evaluator.is_absent(*entity, *slot))?;
                Some(self.evaluator.slot_value(*entity, slot))
            };
            certain.iter().filter_map(value).collect::<Option<BTreeSet<Value>>>()
        };
        Ok(match attribute.aggregate {
            Aggregate::Exists if !certain.is_empty() => Some(RestrictedExpression::new_bool(true)),
            _ if is_uncertain => None,
            Aggregate::Exists => Some(RestrictedExpression::new_bool(false)),
            Aggregate::Count => Some(RestrictedExpression::new_long(i64::try_from(certain.len()).map_err(failed)?)),
            Aggregate::Distinct => match values() {
                Some(values) => Some(RestrictedExpression::new_long(i64::try_from(values.len()).map_err(failed)?)),
                None => None,
            },
            Aggregate::Collect => {
                let uid = |entity| Ok(RestrictedExpression::new_entity_uid(self.uid(entity)?));
                let uids: Result<Vec<_>> = certain.into_iter().map(uid).collect();
                Some(RestrictedExpression::new_set(uids?))
            }
        })
    }

    /// Returns whether the only policy of a set is satisfied.
    fn satisfied(&self, policy: &PolicySet, request: &Request, entities: &Entities) -> Satisfied {
        let response = on_deep_stack(|| self.authorizer.is_authorized(request, policy, entities));
        let diagnostics = response.diagnostics();
        match diagnostics.errors().next() {
            // Validated policies do not read missing attributes: a value was left out, or a guard has found a marker.
            Some(AuthorizationError::PolicyEvaluationError(error)) => match error.inner() {
                EvaluationError::EntityAttrDoesNotExist(_) | EvaluationError::RecordAttrDoesNotExist(_) => {
                    Satisfied::Unknown
                }
                _ => Satisfied::Failed,
            },
            None if diagnostics.reason().next().is_some() => Satisfied::Yes,
            None => Satisfied::No,
        }
    }

    /// Returns a policy set with one policy, guarded against unknown values.
    fn only(&self, statement: &Statement) -> Result<PolicySet> {
        let policy = self.policies.official(statement).ok_or_else(|| failed("a policy is missing"))?;
        let core: &ast::Policy = policy.as_ref();
        let guarded = ast::StaticPolicy::new(
            core.id().clone(),
            None,
            ast::Annotations::new(),
            core.effect(),
            core.principal_constraint(),
            core.action_constraint().clone(),
            core.resource_constraint(),
            core.non_scope_constraints().map(guard::guarded),
        );
        let guarded = cedar_policy::Policy::from(ast::Policy::from(guarded.map_err(failed)?));
        PolicySet::from_policies([guarded]).map_err(failed)
    }

    /// Returns whether a policy names an entity that may be an uncaptured instance, one whose id is unknown, or one that is spelt
    /// in another way.
    fn may_name_unknown(&self, statement: &Statement) -> bool {
        let (model, snapshot) = (self.model(), self.snapshot());
        let is_unknown = |uid: &ast::EntityUID| {
            let Some(ty) = model.type_named(&uid.entity_type().to_smolstr()) else { return false };
            let table = snapshot.table(ty);
            let is_open = !table.uncaptured_lists.is_empty() || snapshot.has_nameless(model, ty) || table.has_respelt;
            let found = || snapshot.entity(model, ty, AsRef::<str>::as_ref(uid.eid()));
            is_open && found().is_none_or(|entity| table.row(entity.row).is_none())
        };
        let literal = |expr: &ast::Expr| match expr.expr_kind() {
            ast::ExprKind::Lit(ast::Literal::EntityUID(uid)) => is_unknown(uid),
            _ => false,
        };
        let scopes = [&statement.principal, &statement.resource];
        let named = scopes.into_iter().flat_map(|scope| scope.within.iter().chain(&scope.equals)).any(is_unknown);
        named || statement.clauses.iter().any(|clause| clause.expr.subexpressions().any(literal))
    }

    fn action(&self, action: &crate::schema::ActionRef) -> Result<EntityUid> {
        EntityUid::from_str(&action.name).map_err(failed)
    }

    fn uid(&self, entity: EntityRef) -> Result<EntityUid> {
        let ty = cedar_policy::EntityTypeName::from_str(&self.model().ty(entity.ty).name).map_err(failed)?;
        // An instance with an unknown id gets an id that no policy can contain.
        let is_nameless = self.snapshot().is_nameless(self.model(), entity);
        let id = if is_nameless { format!("\u{1}{}", entity.row).into() } else { self.evaluator.id(entity) };
        Ok(EntityUid::from_type_name_and_id(ty, cedar_policy::EntityId::new(id)))
    }

    fn request(&self, principal: EntityRef, action: &EntityUid, resource: EntityRef) -> Result<Request> {
        let mut members = Vec::new();
        for member in &self.model().context {
            let value = match member.origin {
                ContextOrigin::Now => Some(self.expression(&Value::Datetime(self.now))?),
                ContextOrigin::Parameters => {
                    let (set, has_unknown) = self.parameters()?;
                    if has_unknown {
                        members.push((guard::part(&member.name).to_string(), RestrictedExpression::new_bool(true)));
                    }
                    Some(RestrictedExpression::new_record(set).map_err(failed)?)
                }
                ContextOrigin::Root(slot) => {
                    let value = self.slot(self.evaluator.root(), slot)?;
                    let states = &self.evaluator.column(self.model().root, slot).states;
                    if value.is_none() && states.first() != Some(&State::Absent) {
                        members.push((guard::presence(&member.name).to_string(), RestrictedExpression::new_bool(true)));
                    }
                    value
                }
            };
            members.extend(value.map(|value| (member.name.to_string(), value)));
        }
        let context = Context::from_pairs(members).map_err(failed)?;
        Request::new(self.uid(principal)?, action.clone(), self.uid(resource)?, context, None).map_err(failed)
    }

    /// Returns the parameters with a value, the markers of those that the snapshot leaves open, and whether there are any.
    fn parameters(&self) -> Result<(Vec<(String, RestrictedExpression)>, bool)> {
        let (mut set, mut has_unknown) = (Vec::new(), false);
        let given = |at: usize| self.parameters.get(at).and_then(ParameterValue::valid);
        for (at, (parameter, bound)) in self.model().parameters.iter().zip(&self.evaluator.bound.parameters).enumerate()
        {
            let value = if parameter.slot.is_some() { bound.value.as_ref() } else { given(at) };
            if let Some(value) = value.filter(|value| value.is_exact()) {
                set.push((parameter.name.to_string(), self.expression(value)?));
            } else if bound.is_unknown() {
                has_unknown = true;
                set.push((guard::presence(&parameter.name).to_string(), RestrictedExpression::new_bool(true)));
            }
        }
        Ok((set, has_unknown))
    }

    fn entities(&self, derived: &Derived) -> Result<Entities> {
        let mut all = Vec::new();
        for (id, ty) in self.model().types.iter().enumerate().map(|(at, ty)| (TypeId::new(at), ty)) {
            if !matches!(ty.kind, EntityKind::Rows(_)) {
                continue;
            }
            for (entity, row) in self.snapshot().instances(id).zip(&self.snapshot().table(id).rows) {
                if self.snapshot().is_copy(entity) {
                    continue;
                }
                let mut attributes = HashMap::new();
                self.members(entity, &ty.attributes, derived, &mut |name, value| {
                    attributes.insert(name, value);
                })?;
                if let Some(slot) = ty.tags {
                    attributes.extend(self.tag_markers(entity, slot));
                }
                let parents: HashSet<EntityUid> = match ty.parent {
                    Some(ty) => HashSet::from([self.uid(EntityRef { ty, row: row.parent })?]),
                    None => HashSet::new(),
                };
                let tags = ty.tags.map(|slot| self.tags(entity, slot)).transpose()?.unwrap_or_default();
                all.push(Entity::new_with_tags(self.uid(entity)?, attributes, parents, tags).map_err(failed)?);
            }
        }
        let known: HashSet<EntityUid> = all.iter().map(Entity::uid).collect();
        all.extend(self.dangling()?.into_iter().filter(|entity| !known.contains(&entity.uid())));
        Entities::from_entities(all, None).map_err(failed)
    }

    /// Returns the entities of dangling references, about which nothing is known.
    fn dangling(&self) -> Result<Vec<Entity>> {
        let mut all = Vec::new();
        for id in self.model().type_ids() {
            let (ty, table) = (self.model().ty(id), self.snapshot().table(id));
            let names = ty.attributes.iter().map(|attribute| guard::presence(&attribute.name).to_string());
            let markers = names.chain([guard::NO_TAGS.to_owned(), guard::DANGLING.to_owned()]);
            let markers: HashMap<_, _> = markers.map(|name| (name, RestrictedExpression::new_bool(true))).collect();
            let numbers = (0..table.dangling.len()).map(|at| table.rows.len() + at);
            for entity in numbers.map(|number| EntityRef::numbered(id, number)) {
                all.push(Entity::new(self.uid(entity)?, markers.clone(), HashSet::new()).map_err(failed)?);
            }
        }
        Ok(all)
    }

    fn tags(&self, entity: EntityRef, slot: SlotId) -> Result<Vec<(String, RestrictedExpression)>> {
        let column = self.evaluator.column(entity.ty, slot);
        match (&column.data, column.states.get(entity.row as usize)) {
            (Data::Value(all), Some(State::Known)) => match all.get(entity.row as usize) {
                Some(Value::Record(tags)) => {
                    let exact = tags.fields().iter().filter(|(_, value)| is_exact(value));
                    exact.map(|(name, value)| Ok((name.to_string(), self.expression(value)?))).collect()
                }
                _ => Ok(Vec::new()),
            },
            _ => Ok(Vec::new()),
        }
    }

    /// Returns the marker of unknown tags.
    fn tag_markers(&self, entity: EntityRef, slot: SlotId) -> Option<(String, RestrictedExpression)> {
        let column = self.evaluator.column(entity.ty, slot);
        if self.is_unknown(entity, slot) {
            return Some((guard::NO_TAGS.to_owned(), RestrictedExpression::new_bool(true)));
        }
        let Data::Value(all) = &column.data else { return None };
        let Some(Value::Record(tags)) = all.get(entity.row as usize) else { return None };
        let exact = tags.fields().iter().filter(|(_, value)| !is_exact(value)).map(|(name, _)| name);
        let names = tags.unknown().iter().chain(exact);
        let names: Vec<_> = names.map(|name| RestrictedExpression::new_string(name.to_string())).collect();
        (!names.is_empty()).then(|| (guard::SOME_TAGS.to_owned(), RestrictedExpression::new_set(names)))
    }

    /// Returns whether the value of a slot is unknown.
    fn is_unknown(&self, entity: EntityRef, slot: SlotId) -> bool {
        let states = &self.evaluator.column(entity.ty, slot).states;
        states.get(entity.row as usize).is_some_and(|state| state.is_unknown())
    }

    /// Passes on the known attributes, and a marker for each unknown one. Returns whether all are known.
    fn members(
        &self,
        entity: EntityRef,
        attributes: &[Attribute],
        derived: &Derived,
        out: &mut dyn FnMut(String, RestrictedExpression),
    ) -> Result<bool> {
        let mut is_known = true;
        let marker = || RestrictedExpression::new_bool(true);
        for attribute in attributes {
            let name = attribute.name.as_str();
            match &attribute.shape {
                Shape::Leaf(slot) => {
                    let value = match derived.get(&(entity, *slot)) {
                        Some(value) => Some(value.clone()),
                        None => self.slot(entity, *slot)?,
                    };
                    let origin = &self.model().ty(entity.ty).slot(*slot).origin;
                    let state = self.evaluator.column(entity.ty, *slot).states.get(entity.row as usize);
                    match (value, state) {
                        (Some(value), _) => out(name.to_owned(), value),
                        // No policy reads it.
                        (None, None) if *origin != Origin::Derived => {}
                        (None, Some(State::Absent)) => {}
                        (None, _) => {
                            is_known = false;
                            out(guard::presence(name).to_string(), marker());
                        }
                    }
                }
                Shape::Record(presence, members) => {
                    match self.evaluator.column(entity.ty, *presence).states.get(entity.row as usize) {
                        Some(State::Known) => {}
                        // It is absent, or no policy reads it.
                        Some(State::Absent) | None => continue,
                        Some(_) => {
                            is_known = false;
                            out(guard::presence(name).to_string(), marker());
                            continue;
                        }
                    }
                    let mut fields = Vec::new();
                    if !self.members(entity, members, derived, &mut |name, value| fields.push((name, value)))? {
                        is_known = false;
                        out(guard::part(name).to_string(), marker());
                    }
                    out(name.to_owned(), RestrictedExpression::new_record(fields).map_err(failed)?);
                }
            }
        }
        Ok(is_known)
    }

    /// Returns the value of a slot; `None` if it is unknown or absent.
    fn slot(&self, entity: EntityRef, slot: SlotId) -> Result<Option<RestrictedExpression>> {
        let declared = self.model().ty(entity.ty).slot(slot);
        if let Origin::Enclosing(ancestor) = declared.origin {
            let found = self.snapshot().enclosing(self.model(), entity, ancestor);
            return found.map(|found| Ok(RestrictedExpression::new_entity_uid(self.uid(found)?))).transpose();
        }
        let column = self.snapshot().table(entity.ty).column(slot);
        let row = entity.row as usize;
        if column.states.get(row) != Some(&State::Known) {
            return Ok(None);
        }
        let value = match (&column.data, &declared.ty) {
            (Data::Bool(all), _) => all.get(row).map(|b| Value::Bool(*b)),
            (Data::Number(all), Ty::Decimal) => all.get(row).map(|n| Value::Decimal(*n)),
            (Data::Number(all), Ty::Datetime) => all.get(row).map(|n| Value::Datetime(*n)),
            (Data::Number(all), Ty::Duration) => all.get(row).map(|n| Value::Duration(*n)),
            (Data::Number(all), _) => all.get(row).map(|n| Value::Long(*n)),
            (Data::Text(all), _) => all.get(row).map(|text| Value::String(self.snapshot().text(*text).into())),
            (Data::Range(all), _) => all.get(row).map(|(low, _)| Value::Long(*low)),
            (Data::Ip(all), _) => all.get(row).map(|ip| Value::Ip(*ip)),
            (Data::Entity(all), Ty::Entity(target)) => {
                all.get(row).map(|row| Value::Entity(EntityRef { ty: *target, row: *row }))
            }
            (Data::Value(all), _) => all.get(row).cloned(),
            _ => None,
        };
        value.filter(is_exact).map(|value| self.expression(&value)).transpose()
    }

    /// Returns a value as an expression of Cedar.
    fn expression(&self, value: &Value) -> Result<RestrictedExpression> {
        let parsed = |text: String| RestrictedExpression::from_str(&text).map_err(failed);
        Ok(match value {
            Value::Bool(b) => RestrictedExpression::new_bool(*b),
            Value::Long(n) => RestrictedExpression::new_long(*n),
            Value::String(s) => RestrictedExpression::new_string(s.to_string()),
            Value::Decimal(n) => RestrictedExpression::new_decimal(value::show_decimal(*n)),
            Value::Datetime(n) => parsed(format!("datetime(\"1970-01-01\").offset(duration(\"{n}ms\"))"))?,
            Value::Duration(n) => parsed(format!("duration(\"{n}ms\")"))?,
            Value::Ip(ip) => RestrictedExpression::new_ip(ip.to_string()),
            Value::Entity(entity) => RestrictedExpression::new_entity_uid(self.uid(*entity)?),
            Value::Set(set) => {
                let items: Result<Vec<_>> = set.items().iter().map(|item| self.expression(item)).collect();
                RestrictedExpression::new_set(items?)
            }
            Value::Record(record) => {
                let fields: Result<Vec<_>> = record
                    .fields()
                    .iter()
                    .map(|(name, value)| Ok((name.to_string(), self.expression(value)?)))
                    .collect();
                RestrictedExpression::new_record(fields?).map_err(failed)?
            }
        })
    }
}

/// Returns whether every part of a value is known.
fn is_exact(value: &Value) -> bool {
    match value {
        Value::Set(set) => set.is_exact() && set.items().iter().all(is_exact),
        Value::Record(record) => {
            record.unknown().is_empty() && record.fields().iter().all(|(_, value)| is_exact(value))
        }
        _ => true,
    }
}

/// Returns the `when` clauses of a check as a policy, which is satisfied if the check applies.
fn whens(statement: &Statement) -> Result<PolicySet> {
    let clauses = statement.clauses.iter().filter(|clause| clause.kind == ClauseKind::When);
    let together = clauses.map(|clause| guard::guarded(&clause.expr)).reduce(ast::Expr::and);
    let policy = ast::StaticPolicy::new(
        ast::PolicyID::from_string("applies"),
        None,
        ast::Annotations::new(),
        ast::Effect::Permit,
        ast::PrincipalConstraint::any(),
        ast::ActionConstraint::any(),
        ast::ResourceConstraint::any(),
        together,
    );
    let mut set = PolicySet::new();
    set.add(cedar_policy::Policy::from(ast::Policy::from(policy.map_err(failed)?))).map_err(failed)?;
    Ok(set)
}
