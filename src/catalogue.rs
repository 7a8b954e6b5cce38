//! The catalogue of a pack: what every check asks, in words, and what it reads.
//!
//! Conditions come from the policies themselves and places from the schema, so that the page says what the engine does
//! and nothing else. It is written as Markdown; no snapshot is needed.

mod escape;
mod names;
mod negation;
mod values;
mod nouns;
mod comparisons;
mod words;
mod readers;
mod markdown;
#[cfg(test)]
mod sample;

pub use markdown::write;
pub use nouns::Writer;
pub use words::Words;

use crate::pack::Pack;
use crate::policy::{Check, CheckId, ClauseKind, Derivation, Policies};
use crate::program::{Aggregate, Behind, CheckProgram, Constant, DerivedAttribute, NodeKind, Program};
use crate::render::explain::{AboutCheck, DerivedRead};
use crate::schema::{Model, Origin, Schema, SlotId};
use crate::source::cedar::on_deep_stack;
use crate::value::TypeId;
use smol_str::SmolStr;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// The content of the page about a pack.
#[derive(Debug)]
pub struct Catalogue<'p> {
    /// The schema.
    pub schema: &'p Schema,
    /// Checks in order of their ids.
    pub entries: Vec<Entry<'p>>,
}

/// The content of the page about one check.
#[derive(Debug)]
pub struct Entry<'p> {
    /// The check.
    pub check: &'p Check,
    /// The types it judges.
    pub judged: Vec<TypeId>,
    /// The further conditions of its scope.
    pub scope: Vec<Words>,
    /// When it applies; `None` if always.
    pub applies: Option<Words>,
    /// When a resource complies; `None` if never.
    pub complies: Option<Words>,
    /// The parameters it reads, directly or through derivations, by their places in the model.
    pub parameters: Vec<usize>,
    /// The derived attributes behind it, each before those it depends on.
    pub derived: Vec<Derived<'p>>,
    /// The attributes that it reads, directly or through derivations, by entity type. The judged types are first.
    pub reads: Vec<(TypeId, Vec<SlotId>)>,
}

/// A derived attribute and its derivations.
#[derive(Debug)]
pub struct Derived<'p> {
    /// The type that has it.
    pub ty: TypeId,
    /// Its slot.
    pub slot: SlotId,
    /// The aggregate of its principals.
    pub aggregate: Aggregate,
    /// The derivations, in order of their ids.
    pub parts: Vec<Part<'p>>,
}

/// The principals that one derivation adds or removes.
#[derive(Debug)]
pub struct Part<'p> {
    /// The derivation.
    pub derivation: &'p Derivation,
    /// The type of its principals.
    pub principal: TypeId,
    /// The condition that these principals satisfy.
    pub condition: Words,
}

impl<'p> Catalogue<'p> {
    /// Describes the checks of a pack without errors.
    pub fn new(pack: &'p Pack) -> Self {
        let entries = pack.policies().checks.entries().map(|(at, check)| entry(pack, at, check));
        Self { schema: pack.schema(), entries: on_deep_stack(|| entries.collect()) }
    }
}

/// Returns the documentation of an attribute.
pub fn doc(model: &Model, ty: TypeId, slot: SlotId) -> Option<&str> {
    model.ty(ty).doc_of(slot).map(SmolStr::as_str)
}

/// Returns a check with everything that it reads, for `deodar explain`.
pub fn about<'p>(pack: &'p Pack, check: &'p Check) -> AboutCheck<'p> {
    let (model, policies) = (pack.model(), pack.policies());
    // A check of another pack is not lowered.
    let at = policies.check_named(&check.statement.id).unwrap_or(policies.checks.next_id());
    let lowered = Lowered::new(pack, at);
    let derived = lowered.derived().map(|attribute| {
        let derivations = attribute.parts.iter().filter_map(|part| policies.derivations.find(part.derivation));
        let by = derivations.map(|derivation| derivation.statement.id.clone()).collect();
        let parts = attribute.parts.iter().filter(|part| part.defines);
        let definitions = parts.filter_map(|part| policies.derivations.find(part.derivation));
        let definitions = definitions.map(|derivation| &derivation.statement).collect();
        DerivedRead { ty: attribute.ty, slot: attribute.slot, by, definitions }
    });
    let parts = lowered.derived().flat_map(|attribute| &attribute.parts).filter(|part| !part.defines);
    let counted = parts.map(|part| part.body.principal);
    AboutCheck {
        check,
        model,
        judged: lowered.judged.clone(),
        parameters: lowered.parameters(),
        derived: derived.collect(),
        reads: lowered.reads(counted),
    }
}

/// A check in the program of its pack.
struct Lowered<'p> {
    model: &'p Model,
    program: Cow<'p, Program>,
    judged: Vec<TypeId>,
    behind: Behind,
}

impl<'p> Lowered<'p> {
    /// Finds a check by its place. A check that the pack does not evaluate is lowered here.
    fn new(pack: &'p Pack, at: CheckId) -> Self {
        let (model, is_this) = (pack.model(), |check: &&CheckProgram| check.check == at);
        let program = match pack.program().checks.iter().any(|check| is_this(&check)) {
            true => Cow::Borrowed(pack.program()),
            false => Cow::Owned(Program::unreviewed(model, pack.policies(), |other| other == at)),
        };
        let check = program.checks.iter().find(is_this);
        let behind = check.map(|check| program.behind(model, check)).unwrap_or_default();
        let judged = check.iter().flat_map(|check| &check.bodies).map(|body| body.resource).collect();
        Self { model, program, judged, behind }
    }

    /// Returns the derived attributes behind the check, each after those that it reads.
    fn derived(&self) -> impl Iterator<Item = &DerivedAttribute> {
        self.behind.derived.iter().filter_map(|at| self.program.derived.get(*at))
    }

    /// Returns the parameters that the check reads, by their places in the model.
    fn parameters(&self) -> Vec<usize> {
        let constants = self.behind.nodes.iter().filter_map(|node| match self.program.node(*node).kind {
            NodeKind::Constant(at) => self.program.constants.get(at),
            _ => None,
        });
        let parameters = constants.filter_map(|constant| match constant {
            Constant::Parameter(at) | Constant::HasParameter(at) => Some(*at),
            _ => None,
        });
        parameters.collect::<BTreeSet<usize>>().into_iter().collect()
    }

    /// Returns the attributes of the snapshot that the check reads, by type; `counted` are the types of its principals.
    fn reads(&self, counted: impl Iterator<Item = TypeId>) -> Vec<(TypeId, Vec<SlotId>)> {
        let mut by_type: BTreeMap<TypeId, Vec<SlotId>> = BTreeMap::new();
        for ty in self.judged.iter().copied().chain(counted) {
            by_type.entry(ty).or_default();
        }
        for (ty, slot) in self.program.slots_of(self.model, &self.behind.nodes) {
            let origin = self.model.ty(ty).slots.find(slot).map(|slot| &slot.origin);
            if !matches!(origin, None | Some(Origin::Derived | Origin::Enclosing(_))) {
                by_type.entry(ty).or_default().push(slot);
            }
        }
        for part in self.derived().flat_map(|attribute| &attribute.parts) {
            let Some(slot) = part.distinct else { continue };
            let slots = by_type.entry(part.body.principal).or_default();
            if let Err(at) = slots.binary_search(&slot) {
                slots.insert(at, slot);
            }
        }
        let mut reads: Vec<(TypeId, Vec<SlotId>)> = by_type.into_iter().collect();
        reads.sort_by_key(|(ty, _)| !self.judged.contains(ty));
        reads
    }
}

fn entry<'p>(pack: &'p Pack, at: CheckId, check: &'p Check) -> Entry<'p> {
    let (model, policies) = (pack.model(), pack.policies());
    let lowered = Lowered::new(pack, at);
    let writer = Writer::of_check(model, &lowered.judged);
    let has = |kind| check.statement.clauses.iter().any(|clause| clause.kind == kind);
    let words = |kind, truth| Some(writer.clauses(&check.statement, kind, truth));
    let (applies, complies) = match (has(ClauseKind::When), has(ClauseKind::Unless)) {
        (true, true) => (words(ClauseKind::When, true), words(ClauseKind::Unless, true)),
        // With one kind of clause a check always applies.
        (true, false) => (None, words(ClauseKind::When, false)),
        (false, true) => (None, words(ClauseKind::Unless, true)),
        (false, false) => (None, None),
    };
    // A `when` that only names the types of the resources is part of their list.
    let applies = applies.filter(|words| *words != Words::Line("always".into()));
    let mut attributes: Vec<&DerivedAttribute> = lowered.derived().collect();
    attributes.sort_by_key(|attribute| (std::cmp::Reverse(attribute.level), attribute.ty, attribute.slot));
    let derived: Vec<Derived> = attributes.into_iter().map(|attribute| described(model, policies, attribute)).collect();
    let parts = derived.iter().flat_map(|derived| &derived.parts).filter(|part| !part.derivation.defines);
    let counted = parts.map(|part| part.principal);
    let reads = lowered.reads(counted);
    let (scope, parameters) = (writer.scope(&check.statement), lowered.parameters());
    Entry { check, judged: lowered.judged, scope, applies, complies, parameters, derived, reads }
}

fn described<'p>(model: &'p Model, policies: &'p Policies, attribute: &DerivedAttribute) -> Derived<'p> {
    let parts = attribute.parts.iter().filter_map(|part| {
        let derivation = policies.derivations.find(part.derivation)?;
        let (principal, statement) = (part.body.principal, &derivation.statement);
        let writer = Writer::of_derivation(model, principal, attribute.ty);
        let clauses =
            [writer.clauses(statement, ClauseKind::When, true), writer.clauses(statement, ClauseKind::Unless, false)];
        let kinds = [ClauseKind::When, ClauseKind::Unless];
        let written = kinds.map(|kind| statement.clauses.iter().any(|clause| clause.kind == kind));
        let clauses = clauses.into_iter().zip(written).filter(|(_, written)| *written).map(|(words, _)| words);
        let condition = Words::all(writer.scope(statement).into_iter().chain(clauses));
        Some(Part { derivation, principal, condition })
    });
    Derived { ty: attribute.ty, slot: attribute.slot, aggregate: attribute.aggregate, parts: parts.collect() }
}
