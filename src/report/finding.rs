//! From verdicts to findings: every clause with its place in the policy, every value with its place in the snapshot.

use super::baseline::Change;
use super::evidence::{
    Capture, ClauseOutcome, ClauseReport, NearMissReport, ReadKind, ReadReport, ReadState, WitnessReport,
};
use super::identity::{Digests, Identities, Identity, id_of};
use super::message::{message, phrase};
use super::origin::Origins;
use super::show::{cedar_expression, show_value};
use crate::engine::{
    Decided, Evaluation, Evaluator, Explanation, Judged, Read, ReadOf, ReadValue, Subject, Verdict, Waived,
};
use crate::policy::{Check, CheckId, Waiver};
use crate::program::{Body, CheckProgram};
use crate::schema::{Chain, Datum, DatumType, Fallback, LackingWords, Model, Origin, Slot, SlotId, Ty};
use crate::snapshot::{Gap, Location, LocationKind, Row, Secrets, State, UncapturedList};
use crate::source::json::{Kind, string_text};
use crate::source::pointer::Pointer;
use crate::source::{self, Place, misspelling, push_quoted};
use crate::value::{EntityRef, TypeId, Value};
use smol_str::SmolStr;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// The number of witnesses that a report lists for a derived value.
pub(crate) const WITNESSES: usize = 5;

/// The number of near misses that a report lists for a derived value.
pub(crate) const NEAR_MISSES: usize = 2;

/// The number of failures of one check in one account whose near misses are searched.
pub(crate) const SEARCHED_FAILURES: usize = 10;

/// The text that outputs show in place of a secret.
pub const MASK: &str = "***";

/// A verdict that is not a pass, with its evidence.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The check, by its place in the report.
    pub check: CheckId,
    /// The verdict.
    pub verdict: Verdict,
    /// The waiver and the verdict without it, if the verdict is waived. The evidence is that of the original verdict.
    pub waived: Option<Waived>,
    /// The snapshot, by its place in the run.
    pub snapshot: usize,
    /// The name of the snapshot.
    pub path: SmolStr,
    /// The resource.
    pub resource: ResourceName,
    /// The reason of the verdict, in one phrase.
    pub message: String,
    /// The clauses that decided, then those that would have decided without them.
    pub clauses: Vec<ClauseReport>,
    /// The values to capture so that an unknown verdict can be decided.
    pub captures: Vec<Capture>,
    /// The check and the resource, by names that are the same in every run.
    pub identity: Identity,
    /// The change since the baseline, if the run has one.
    pub change: Option<Change>,
}

/// The name of a resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ResourceName {
    /// Its type: without namespace, unless another type has the same name without it.
    pub ty: String,
    /// Its id; `*` after the id of the instance around it for resources that were not captured.
    pub id: String,
    /// Its pointer in the snapshot.
    pub pointer: Pointer,
    /// Its place in the order of the document.
    pub order: usize,
}

/// The results that all findings of one snapshot share.
#[derive(Debug)]
pub(crate) struct Cache {
    /// Places in instances with lists of other instances. These instances are long, so each place is located once.
    places: Mutex<HashMap<(EntityRef, Vec<String>), Location>>,
    /// The pieces of evidence of the snapshot.
    origins: Origins,
    /// The digests of the rows without a key.
    digests: Arc<Digests>,
}

/// The names of an entity.
#[derive(Debug, Clone)]
struct Names {
    /// The entity as Cedar writes it.
    shown: String,
    pointer: Pointer,
}

/// Entities whose names are remembered. Most reads of a finding are of its resource.
const REMEMBERED: usize = 4;

/// Builds the findings of one snapshot.
pub(crate) struct Findings<'m, 'a> {
    pub evaluation: &'m Evaluation<'a>,
    /// The evaluator with the parameters of the run. Names and places are the same in all evaluators.
    pub evaluator: &'m Evaluator<'a>,
    /// The name of the snapshot in the report.
    pub(super) path: SmolStr,
    /// The secrets of the snapshot.
    secrets: Option<&'m Secrets>,
    cache: Arc<Cache>,
    /// The names of the last entities.
    names: Mutex<Vec<(EntityRef, Names)>>,
    /// The identities of the verdicts on the snapshot.
    pub identities: Identities<'m>,
    /// The number of principals that are listed for a derived value. The others are counted.
    pub most_witnesses: usize,
}

impl<'m, 'a> Findings<'m, 'a> {
    /// Returns the builder for the findings of a snapshot with the name `path`, and with these secrets.
    pub(crate) fn new(
        evaluation: &'m Evaluation<'a>,
        path: SmolStr,
        secrets: Option<&'m Secrets>,
        most_witnesses: usize,
    ) -> Self {
        let evaluator = evaluation.base();
        let cache = Cache {
            places: Mutex::default(),
            origins: Origins::of(evaluator.model, evaluator.snapshot, evaluation.now()),
            digests: Arc::new(Digests::new(evaluator.model)),
        };
        Self::again(evaluation, path, secrets, most_witnesses, Arc::new(cache))
    }

    /// Returns the builder as [`Findings::new`] does, with the cache of an earlier one for the same snapshot.
    pub(super) fn again(
        evaluation: &'m Evaluation<'a>,
        path: SmolStr,
        secrets: Option<&'m Secrets>,
        most_witnesses: usize,
        cache: Arc<Cache>,
    ) -> Self {
        let evaluator = evaluation.base();
        let digests = Arc::clone(&cache.digests);
        let identities = Identities::again(evaluator.model, evaluator.snapshot, secrets, digests);
        let names = Mutex::default();
        Self { evaluation, evaluator, path, secrets, cache, names, identities, most_witnesses }
    }

    /// Returns the results that all findings of the snapshot share.
    pub(crate) fn cache(&self) -> &Arc<Cache> {
        &self.cache
    }

    /// Returns whether a waiver may cover a subject: whether its `@fingerprint` is that of the verdict, if it has one.
    pub(crate) fn may_be_waived(&self, waiver: &Waiver, subject: Subject) -> bool {
        let is_named = |fingerprint: &SmolStr| self.identities.of(&waiver.check, subject).fingerprint() == *fingerprint;
        waiver.fingerprint.as_ref().is_none_or(is_named)
    }

    /// Explains one verdict, of a waived one the original. For a failure, lists near misses of derived values that are
    /// false, zero or empty, at most `most_near_misses` for each value.
    pub(crate) fn finding(
        &self,
        program: &CheckProgram,
        check: &Check,
        body: &Body,
        judged: Judged,
        order: usize,
        most_near_misses: usize,
    ) -> Finding {
        let (subject, verdict) = (judged.subject, judged.original());
        let resource = self.resource(subject, order);
        let (clauses, captures) = match subject {
            Subject::Entity(entity) => match self.evaluation.explains(program, body, subject, verdict) {
                Some(evaluator) => {
                    let explanation = evaluator.explain_verdict(body, &evaluator.request(entity), verdict);
                    let is_unknown = verdict == Verdict::Unknown;
                    let captures = if is_unknown { self.captures(&explanation) } else { Vec::new() };
                    let mut clauses = self.clauses(check, entity, &explanation);
                    if verdict == Verdict::Fail && most_near_misses > 0 {
                        self.add_near_misses(evaluator, &explanation, most_near_misses, &mut clauses);
                    }
                    (clauses, captures)
                }
                None => {
                    let nameless = self.evaluation.nameless_around(entity);
                    (nameless.map(|nameless| self.nameless_clause(check, nameless)).into_iter().collect(), Vec::new())
                }
            },
            Subject::Uncaptured(ty, at) => match self.evaluator.snapshot.table(ty).uncaptured_lists.get(at) {
                Some(missing) => {
                    (vec![self.uncaptured_clause(check, missing)], vec![self.capture_of_list(ty, missing)])
                }
                None => (Vec::new(), Vec::new()),
            },
        };
        let message = message(verdict, &clauses);
        let identity = self.identities.of(&check.statement.id, subject);
        let path = self.path.clone();
        Finding {
            check: program.check,
            verdict: judged.verdict,
            waived: judged.waived,
            snapshot: 0,
            path,
            resource,
            message,
            clauses,
            captures,
            identity,
            change: None,
        }
    }

    /// Returns the name of a resource.
    pub(crate) fn resource(&self, subject: Subject, order: usize) -> ResourceName {
        let Evaluator { model, snapshot, .. } = self.evaluator;
        let pointer = match subject {
            Subject::Entity(entity) => self.pointer(entity),
            Subject::Uncaptured(ty, at) => {
                let list = snapshot.table(ty).uncaptured_lists.get(at);
                list.map(|list| list.pointer.clone()).unwrap_or_default()
            }
        };
        let (ty, id) = (model.short_name(subject.ty()).to_owned(), id_of(model, snapshot, subject).to_string());
        ResourceName { ty, id, pointer, order }
    }

    fn clauses(&self, check: &Check, resource: EntityRef, explanation: &Explanation<'_>) -> Vec<ClauseReport> {
        let report = |decided: &Decided<'_>| {
            let source = decided.definition.unwrap_or(&check.statement.source);
            let failure = decided.failure.as_ref();
            ClauseReport {
                place: Place::new(source, decided.span),
                outcome: ClauseOutcome::of(decided.outcomes),
                failure: failure.map(|failure| (Place::new(source, failure.span), failure.reason.clone())),
                reads: decided.reads.iter().map(|read| self.read_in(decided, read, resource)).collect(),
                also: decided.also,
                demand: decided.demand,
            }
        };
        explanation.clauses.iter().map(report).collect()
    }

    /// Adds the principals that only one condition excludes from derived values without principals.
    fn add_near_misses(
        &self,
        evaluator: &Evaluator<'_>,
        explanation: &Explanation<'_>,
        most: usize,
        clauses: &mut [ClauseReport],
    ) {
        let decided = explanation.clauses.iter().flat_map(|clause| &clause.reads);
        for (read, report) in decided.zip(clauses.iter_mut().flat_map(|clause| &mut clause.reads)) {
            let is_empty = match &read.found {
                ReadValue::Known(Value::Bool(false) | Value::Long(0)) => true,
                ReadValue::Known(Value::Set(set)) => set.items().is_empty(),
                _ => false,
            };
            let ReadOf::Attribute(entity, slot) = read.of else { continue };
            let derived = &evaluator.program.derived;
            let attribute = derived.iter().position(|known| (known.ty, known.slot) == (entity.ty, slot));
            let Some(at) = attribute.filter(|_| is_empty && report.kind == ReadKind::Derived) else { continue };
            if self.slot(entity, slot).is_none_or(|slot| slot.secret) {
                continue;
            }
            let snapshot = self.evaluator.snapshot;
            let near = evaluator.near_misses(at, entity, most).into_iter().map(|near| {
                let reads = |clause: &Decided<'_>| -> Vec<ReadReport> {
                    clause.reads.iter().map(|read| self.read_in(clause, read, near.principal)).collect()
                };
                let phrases = near.clauses.iter().flat_map(reads).filter(|read| read.kind.is_of_snapshot());
                let mut phrases: Vec<String> = phrases.map(|read| phrase(&read)).collect();
                phrases.dedup();
                NearMissReport {
                    entity: self.show(near.principal),
                    pointer: self.pointer(near.principal),
                    place: Place::new(&snapshot.source, self.name_span(near.principal)),
                    reason: phrases.join(", "),
                }
            });
            report.near_misses = near.filter(|near| !near.reason.is_empty()).collect();
        }
    }

    fn read_in(&self, decided: &Decided<'_>, read: &Read<'_>, resource: EntityRef) -> ReadReport {
        match &read.of {
            ReadOf::Tag(entity, name) if self.is_secret(decided, name) => {
                self.read_of_secret_tag(*entity, self.read(read, resource))
            }
            _ => self.read(read, resource),
        }
    }

    /// Returns whether a text is a secret that the same clause read, as in `resource.getTag(resource.token)`.
    fn is_secret(&self, decided: &Decided<'_>, text: &str) -> bool {
        decided.reads.iter().any(|read| match (&read.of, &read.found) {
            (ReadOf::Attribute(entity, slot), ReadValue::Known(Value::String(value))) => {
                self.slot(*entity, *slot).is_none_or(|slot| slot.secret) && value == text
            }
            _ => false,
        })
    }

    /// Describes a tag whose name is secret: at the object that has the tags.
    fn read_of_secret_tag(&self, entity: EntityRef, mut report: ReadReport) -> ReadReport {
        report.name = MASK.to_owned();
        (report.lacks, report.misspelt, report.pointer, report.place) = (None, None, None, None);
        let ty = self.evaluator.model.ty(entity.ty);
        let tags = ty.tags.and_then(|slot| self.slot(entity, slot));
        if let Some(pointer) = tags.and_then(|slot| slot.origin.pointer()) {
            self.locate(&mut report, entity, pointer);
        }
        report
    }

    /// Returns the clause for the resources of a list that was not captured: the scope of the policy.
    fn uncaptured_clause(&self, check: &Check, missing: &UncapturedList) -> ClauseReport {
        let read = ReadReport {
            entity: Some(self.show(missing.scope)),
            state: missing.gap.into(),
            pointer: Some(missing.pointer.clone()),
            place: Some(Place::new(&self.evaluator.snapshot.source, missing.span)),
            lacks: (!missing.property.is_empty()).then(|| missing.property.clone()),
            misspelt: self.misspelt_list(missing),
            ..ReadReport::unknown(missing.pointer.as_str().rsplit('/').next().unwrap_or_default())
        };
        scope_clause(check, read)
    }

    /// Returns the clause for a resource in an instance without a known id: its parameters are unknown.
    fn nameless_clause(&self, check: &Check, nameless: EntityRef) -> ClauseReport {
        let key = self.evaluator.model.ty(nameless.ty).key.as_deref().unwrap_or_default();
        let mut read = ReadReport { entity: Some(self.show(nameless)), ..ReadReport::unknown(&key.join(".")) };
        if let Some(LocationKind::Value(kind)) = self.locate(&mut read, nameless, key)
            && kind != Kind::Null
        {
            read.state = ReadState::Unreadable;
        }
        scope_clause(check, read)
    }

    fn slot(&self, entity: EntityRef, slot: SlotId) -> Option<&'a Slot> {
        self.evaluator.model.ty(entity.ty).slots.find(slot)
    }

    pub(super) fn show(&self, entity: EntityRef) -> String {
        self.named(entity, |names| names.shown.clone())
    }

    /// Returns the pointer of an entity.
    fn pointer(&self, entity: EntityRef) -> Pointer {
        self.named(entity, |names| names.pointer.clone())
    }

    /// Calls a function with the names of an entity.
    fn named<R>(&self, entity: EntityRef, call: impl FnOnce(&Names) -> R) -> R {
        let Evaluator { model, snapshot, .. } = self.evaluator;
        let names = || {
            let mut shown = format!("{}::", model.short_name(entity.ty));
            push_quoted(&mut shown, &self.evaluator.id(entity));
            Names { shown, pointer: snapshot.pointer(model, entity) }
        };
        let Ok(mut known) = self.names.lock() else { return call(&names()) };
        if let Some((_, names)) = known.iter().find(|(known, _)| *known == entity) {
            return call(names);
        }
        if known.len() >= REMEMBERED {
            known.clear();
        }
        let names = names();
        let called = call(&names);
        known.push((entity, names));
        called
    }

    /// Returns the property of an object that is a misspelling of one that it lacks. A declared property is not a
    /// misspelling. `way` is the pointer from the instance to the object.
    fn misspelt(&self, ty: TypeId, object: source::Span, way: &[String], property: &str) -> Option<(String, Place)> {
        let Evaluator { model, snapshot, .. } = self.evaluator;
        let mut properties = snapshot.properties(object);
        properties.retain(|(name, _)| !model.known_properties(ty, way).any(|known| known == name));
        let near = misspelling(property, properties.iter().map(|(name, _)| name.as_str()))?.to_owned();
        let (name, span) = properties.into_iter().find(|(name, _)| *name == near)?;
        Some((name, Place::new(&snapshot.source, span)))
    }

    /// Returns the property that is a misspelling of a list that was not captured. That of a marker is a diagnostic.
    fn misspelt_list(&self, missing: &UncapturedList) -> Option<(String, Place)> {
        if missing.gap == Gap::Partial {
            return None;
        }
        self.misspelt(missing.scope.ty, missing.span, &self.way_to(missing), &missing.property)
    }

    /// Returns the pointer from the instance around a list that was not captured to the object that lacks it.
    fn way_to(&self, missing: &UncapturedList) -> Vec<String> {
        let around = self.pointer(missing.scope);
        let below = missing.pointer.as_str().strip_prefix(around.as_str()).unwrap_or_default();
        let mut way: Vec<String> = below.split('/').skip(1).map(source::pointer::unescape).collect();
        way.pop();
        way
    }

    fn read(&self, read: &Read<'_>, resource: EntityRef) -> ReadReport {
        let evaluator = self.evaluator;
        let (model, snapshot) = (evaluator.model, evaluator.snapshot);
        let mut report = ReadReport { state: ReadState::Known, ..ReadReport::unknown("") };
        let (mut secret, mut unreadable_tag, mut chain) = (false, false, None);
        match &read.of {
            ReadOf::Now => (report.kind, report.name) = (ReadKind::Now, "now".into()),
            ReadOf::Parameter(at) => {
                (report.kind, report.name) = (
                    ReadKind::Parameter,
                    model.parameters.get(*at).map(|parameter| parameter.name.to_string()).unwrap_or_default(),
                );
                report.entity = self.evaluation.scope(resource, *at).map(|scope| self.show(scope));
                let account = evaluator.account_slot(*at).filter(|_| report.entity.is_none());
                if let Some(pointer) = account.and_then(|slot| model.ty(model.root).slot(slot).origin.pointer()) {
                    self.locate(&mut report, evaluator.root(), pointer);
                }
            }
            ReadOf::Tag(entity, name) => {
                (report.kind, report.name) = (ReadKind::Tag, name.clone());
                report.entity = Some(self.show(*entity));
                report.own = *entity == resource;
                if let Some(slot) = model.ty(entity.ty).tags.and_then(|slot| self.slot(*entity, slot)) {
                    let mut pointer = slot.origin.pointer().unwrap_or_default().to_vec();
                    secret = slot.secret;
                    pointer.push(name.clone());
                    let found = self.locate(&mut report, *entity, &pointer);
                    let is_unread = read.found == ReadValue::Uncaptured;
                    unreadable_tag =
                        is_unread && matches!(found, Some(LocationKind::Value(kind)) if kind != Kind::Null);
                }
            }
            ReadOf::Attribute(entity, slot) => {
                let Some(declared) = self.slot(*entity, *slot) else { return ReadReport::unknown("") };
                report.name = declared.dotted();
                report.entity = Some(self.show(*entity));
                report.own = *entity == resource;
                secret = declared.secret;
                if let Origin::Read(_, Some(found)) = &declared.origin {
                    chain = Some((found, &declared.words));
                }
                match declared.origin.pointer() {
                    Some(pointer) => {
                        let found = self.locate(&mut report, *entity, pointer);
                        secret |= self.repeats_secret(*entity, pointer);
                        let is_known = matches!(read.found, ReadValue::Known(_) | ReadValue::Present);
                        report.default = found.filter(|_| is_known).and_then(|found| {
                            let span = default_of(model, entity.ty, declared, found)?;
                            Some(Place::new(model.source.as_ref()?, span))
                        });
                    }
                    None if declared.origin == Origin::Derived => {
                        report.kind = ReadKind::Derived;
                        report.pointer = Some(self.pointer(*entity));
                        report.place = Some(Place::new(&snapshot.source, self.name_span(*entity)));
                    }
                    None => {}
                }
            }
        }
        (report.state, report.value) = match &read.found {
            ReadValue::Known(value) if secret => (state_of(value), Some(MASK.into())),
            ReadValue::Between(..) if secret => (ReadState::Between, Some(MASK.into())),
            ReadValue::Known(value) => (state_of(value), Some(show_value(evaluator, value))),
            ReadValue::Between(low, i64::MAX) => (ReadState::Between, Some(format!("{low} or more"))),
            ReadValue::Between(low, high) => (ReadState::Between, Some(format!("{low} to {high}"))),
            ReadValue::Present => (ReadState::Known, Some("present".into())),
            ReadValue::Absent => (ReadState::Absent, None),
            ReadValue::Unreadable => (ReadState::Unreadable, None),
            ReadValue::Uncaptured if unreadable_tag => (ReadState::Unreadable, None),
            ReadValue::Uncaptured => (ReadState::Uncaptured, None),
        };
        if let (ReadValue::Known(value), false) = (&read.found, secret) {
            report.exact = cedar_expression(evaluator, value).filter(|exact| report.value.as_ref() != Some(exact));
        }
        if let (Some((chain, words)), Some(value), false) = (chain, &report.value, secret)
            && let Some(written) = written(chain, words, self.json_of(&read.of)).filter(|written| written != value)
        {
            report.compared_as = report.value.replace(written);
        }
        if secret {
            // The names of properties in a secret record are secret too.
            report.misspelt = None;
        }
        if let Some(gathered) = read.contributions.as_ref().filter(|_| !secret) {
            let witness = |entity: EntityRef, certain| WitnessReport {
                entity: self.show(entity),
                pointer: self.pointer(entity),
                place: Place::new(&snapshot.source, self.name_span(entity)),
                certain,
                state: ReadState::Known,
                lacks: None,
            };
            report.witnesses = gathered
                .witnesses
                .iter()
                .take(self.most_witnesses)
                .map(|found| witness(found.entity, found.certain))
                .collect();
            report.more_witnesses = gathered.witnesses.len().saturating_sub(self.most_witnesses);
            report.uncaptured = gathered.lists.iter().map(|missing| self.uncaptured_list(missing)).collect();
        }
        if let (ReadOf::Attribute(entity, slot), ReadState::Uncaptured, None) = (&read.of, report.state, &report.lacks)
        {
            let list = self.list_of_reference(*entity, *slot);
            report.uncaptured.extend(list.map(|(_, list)| self.uncaptured_list(list)));
        }
        report
    }

    fn uncaptured_list(&self, missing: &UncapturedList) -> WitnessReport {
        WitnessReport {
            entity: missing.pointer.as_str().rsplit('/').next().unwrap_or_default().to_owned(),
            pointer: missing.pointer.clone(),
            place: Place::new(&self.evaluator.snapshot.source, missing.span),
            certain: false,
            state: missing.gap.into(),
            lacks: (!missing.property.is_empty()).then(|| missing.property.clone()),
        }
    }

    /// Returns the list that is not known in full and has the instance that an attribute refers to, if the snapshot has the
    /// reference. The reference is captured, and the list is to be captured.
    pub(super) fn list_of_reference(&self, entity: EntityRef, slot: SlotId) -> Option<(TypeId, &'a UncapturedList)> {
        let Evaluator { model, snapshot, .. } = self.evaluator;
        let declared = self.slot(entity, slot)?;
        let Ty::Entity(target) = declared.ty else { return None };
        let table = snapshot.table(entity.ty);
        let (row, pointer) = (table.row(entity.row)?, declared.origin.pointer()?);
        if table.column(slot).states.get(entity.row as usize) != Some(&State::Uncaptured) {
            return None;
        }
        let list = snapshot.uncaptured_list_of(model, entity, target)?;
        let place = self.place(entity, row, pointer);
        let text = snapshot.source.slice(place.span);
        let is_stated = || snapshot.stated_uncaptured(model, entity.ty, row.span, pointer).is_some();
        let is_reference = match place.kind {
            LocationKind::Value(Kind::String) => {
                string_text(text).is_some_and(|text| declared.words.meaning(&text).is_none())
            }
            LocationKind::Value(Kind::Number) => declared.words.meaning_of_number(text).is_none(),
            _ => false,
        };
        (is_reference && !is_stated()).then_some((target, list))
    }

    /// Returns the place of a value of an instance.
    fn place(&self, entity: EntityRef, row: &Row, pointer: &[String]) -> Location {
        let pointer = row.pointer_in_object(self.evaluator.model.ty(entity.ty), pointer);
        self.place_in_object(entity, row.span, &pointer)
    }

    fn place_in_object(&self, entity: EntityRef, row: source::Span, pointer: &[String]) -> Location {
        let model = self.evaluator.model;
        let node = model.path_of.find(entity.ty).copied().flatten().and_then(|node| model.paths.find(node));
        if node.is_none_or(|node| node.children.is_empty()) {
            return self.evaluator.snapshot.locate(row, pointer);
        }
        let key = (entity, pointer.to_vec());
        let known = self.cache.places.lock().ok().and_then(|places| places.get(&key).copied());
        known.unwrap_or_else(|| {
            let located = self.evaluator.snapshot.locate(row, pointer);
            if let Ok(mut places) = self.cache.places.lock() {
                places.insert(key, located);
            }
            located
        })
    }

    /// Returns the JSON of a value that a read is about. The snapshot may be derived from a text in another format.
    fn json_of(&self, of: &ReadOf) -> Option<&str> {
        let ReadOf::Attribute(entity, slot) = of else { return None };
        let pointer = self.slot(*entity, *slot)?.origin.pointer()?;
        let row = self.evaluator.snapshot.table(entity.ty).rows.get(entity.row as usize)?;
        Some(self.evaluator.snapshot.source.slice(self.place(*entity, row, pointer).span))
    }

    /// Returns whether a value is written at the place of a secret: an alias of YAML repeats a value of another place.
    fn repeats_secret(&self, entity: EntityRef, pointer: &[String]) -> bool {
        let snapshot = self.evaluator.snapshot;
        let is_derived = snapshot.source.files().iter().any(|file| !Arc::ptr_eq(file, &snapshot.source));
        let row = snapshot.table(entity.ty).rows.get(entity.row as usize);
        let (Some(secrets), Some(row), true) = (self.secrets, row, is_derived) else { return false };
        let located = self.place(entity, row, pointer);
        let LocationKind::Value(_) = located.kind else { return false };
        snapshot.source.written(&[located.span]).iter().any(|place| {
            let spans = secrets.spans_in(&place.source).unwrap_or_default();
            let first = spans.partition_point(|secret| secret.end <= place.span.start);
            spans.get(first).is_some_and(|secret| secret.start < place.span.end)
        })
    }

    /// Returns the place of an entity's key, or else that of the entity.
    fn name_span(&self, entity: EntityRef) -> source::Span {
        let snapshot = self.evaluator.snapshot;
        let Some(row) = snapshot.table(entity.ty).rows.get(entity.row as usize) else { return source::Span::default() };
        let mut keys = self.evaluator.model.ty(entity.ty).keys().map(|key| self.place(entity, row, key));
        let is_value = |place: &Location| matches!(place.kind, LocationKind::Value(kind) if kind != Kind::Null);
        keys.find(is_value).map_or(row.span, |located| located.span)
    }

    /// Locates a value in the snapshot, and adds its place to the report.
    pub(super) fn locate(
        &self,
        report: &mut ReadReport,
        entity: EntityRef,
        pointer: &[String],
    ) -> Option<LocationKind> {
        let snapshot = self.evaluator.snapshot;
        let row = snapshot.table(entity.ty).rows.get(entity.row as usize)?;
        let model = self.evaluator.model;
        let pointer = &*row.pointer_in_object(model.ty(entity.ty), pointer);
        if let Some(stated) = snapshot.stated_uncaptured(model, entity.ty, row.span, pointer) {
            report.pointer = Some(self.named(entity, |names| names.pointer.join(pointer)));
            report.place = Some(Place::new(&snapshot.source, stated));
            report.stated = true;
            return None;
        }
        let located = self.place_in_object(entity, row.span, pointer);
        let pointer_of_value = self.named(entity, |names| names.pointer.join(pointer));
        report.origin = self.cache.origins.covering(pointer_of_value.as_str()).map(Arc::clone);
        report.pointer = Some(pointer_of_value);
        report.place = Some(Place::new(&snapshot.source, located.span));
        if let LocationKind::Lacks(at) = located.kind {
            let property = pointer.get(at).cloned().unwrap_or_default();
            let way = pointer.get(..at).unwrap_or_default();
            report.misspelt = self.misspelt(entity.ty, located.span, way, &property);
            report.lacks = Some(property);
        }
        Some(located.kind)
    }
}

/// Returns the annotation that gives the value of a slot which is `null` or missing: its own, or that of a record
/// around it.
fn default_of(model: &Model, ty: TypeId, slot: &Slot, kind: LocationKind) -> Option<source::Span> {
    let mut at = Some(slot);
    while let Some(slot) = at {
        let declared = match kind {
            LocationKind::Lacks(_) => slot.missing.as_ref(),
            LocationKind::Value(Kind::Null) => slot.null.as_ref(),
            LocationKind::Value(_) => return None,
        };
        let value = declared.filter(|it| matches!(it.fallback, Fallback::Value(_) | Fallback::Record(_)));
        if let Some(declared) = value {
            return Some(declared.span);
        }
        at = slot.within.and_then(|within| model.ty(ty).slots.find(within));
    }
    None
}

/// Returns a text of the snapshot, or the part of it that a reader selects, as it is written there; `None` if the readers
/// give other values than texts.
fn written(chain: &Chain, words: &LackingWords, json: Option<&str>) -> Option<String> {
    let text = string_text(json.filter(|json| json.starts_with('"'))?)?;
    let is_text = chain.readers().last().is_some_and(|last| last.gives() == DatumType::Text);
    let written = match chain.only().and_then(|only| only.read(&text)) {
        Some(read) => read.ok()?.written,
        None if is_text && chain.read(Datum::Text(text.to_string()), words).wrong.is_none() => &text,
        None => return None,
    };
    serde_json::to_string(written).ok()
}

/// Returns the clause of a verdict that is unknown for all conditions: the scope of the policy.
pub(super) fn scope_clause(check: &Check, read: ReadReport) -> ClauseReport {
    let source = &check.statement.source;
    let whole = check.statement.span;
    let text = source.slice(whole);
    let scope = text.find("resource is").map_or(whole, |at| {
        let start = whole.start + source::byte_offset(at);
        let rest = text.get(at..).unwrap_or_default();
        let end = rest.find([')', ',']).map_or(whole.end, |end| start + source::byte_offset(end));
        source::Span::new(start, end)
    });
    let outcome = ClauseOutcome::Unknown;
    ClauseReport {
        place: Place::new(source, scope),
        outcome,
        failure: None,
        reads: vec![read],
        also: false,
        demand: false,
    }
}

/// Returns the state of a value: one with unknown elements was captured in part.
fn state_of(value: &Value) -> ReadState {
    if is_open(value) { ReadState::Partial } else { ReadState::Known }
}

/// Returns whether a set in a value has unknown elements.
fn is_open(value: &Value) -> bool {
    match value {
        Value::Set(set) => set.is_open() || set.items().iter().any(is_open),
        Value::Record(record) => record.fields().iter().any(|(_, value)| is_open(value)),
        _ => false,
    }
}
