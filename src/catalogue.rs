//! The catalogue of a pack: what every check asks, in words, and what it reads.
//!
//! Conditions come from the policies themselves and places from the schema, so that the page says what the engine does
//! and nothing else. It is written as Markdown; no snapshot is needed.

mod escape;
mod names;
mod negation;
mod words;
mod markdown;

pub use markdown::write;
pub use words::{Voice, Words};

use crate::pack::Pack;
use crate::policy::{Check, ClauseKind, Derivation, Policies};
use crate::program::{Aggregate, Constant, DerivedAttribute, NodeKind, Program};
use crate::render::explain::{AboutCheck, DerivedRead};
use crate::schema::{Model, Origin, Schema, Shape, SlotId};
use crate::source::cedar::on_deep_stack;
use crate::value::TypeId;
use smol_str::SmolStr;
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
    /// The derived attributes behind it, each before those it rests on.
    pub derived: Vec<Derived<'p>>,
    /// The attributes that it reads, directly or through derivations, by entity type. The judged types are first.
    pub reads: Vec<(TypeId, Vec<SlotId>)>,
}

/// A derived attribute and how it comes about.
#[derive(Debug)]
pub struct Derived<'p> {
    /// The type that has it.
    pub ty: TypeId,
    /// Its slot.
    pub slot: SlotId,
    /// How principals are gathered.
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
    /// For which of them it holds.
    pub condition: Words,
}

impl<'p> Catalogue<'p> {
    /// Describes the checks of sound policies.
    pub fn new(pack: &'p Pack) -> Self {
        let (schema, policies) = (pack.schema(), pack.policies());
        let entries = (0..policies.checks.len()).filter_map(|at| entry(&schema.model, policies, at));
        Self { schema, entries: on_deep_stack(|| entries.collect()) }
    }
}

/// Returns the documentation of an attribute.
pub fn doc(model: &Model, ty: TypeId, slot: SlotId) -> Option<&str> {
    model.ty(ty).doc_of(slot).map(SmolStr::as_str)
}

/// Returns a check with everything that it reads, for `deodar explain`.
pub fn about<'p>(model: &'p Model, policies: &'p Policies, check: &'p Check) -> AboutCheck<'p> {
    on_deep_stack(|| {
        let of_check = |at: usize| policies.checks.get(at).is_some_and(|it| it.statement.id == check.statement.id);
        let program = Program::unreviewed(model, policies, of_check);
        let parameters = program.constants.iter().filter_map(|constant| match constant {
            Constant::Parameter(at) => Some(*at),
            _ => None,
        });
        let derived = program.derived.iter().map(|attribute| {
            let derivations = attribute.parts.iter().filter_map(|part| policies.derivations.get(part.derivation));
            let by = derivations.map(|derivation| derivation.statement.id.clone()).collect();
            DerivedRead { ty: attribute.ty, slot: attribute.slot, by }
        });
        let counted = program.derived.iter().flat_map(|attribute| &attribute.parts).map(|part| part.body.principal);
        AboutCheck {
            check,
            model,
            parameters: parameters.collect(),
            derived: derived.collect(),
            reads: reads(model, &program, &judged(&program), counted),
        }
    })
}

/// Returns the types that the checks of a program judge.
fn judged(program: &Program) -> Vec<TypeId> {
    program.checks.iter().flat_map(|check| &check.bodies).map(|body| body.resource).collect()
}

fn entry<'p>(model: &'p Model, policies: &'p Policies, at: usize) -> Option<Entry<'p>> {
    let check = policies.checks.get(at)?;
    let program = Program::unreviewed(model, policies, |other| other == at);
    let judged = judged(&program);
    let voice = Voice::of_check(model, &judged);
    let has = |kind| check.statement.clauses.iter().any(|clause| clause.kind == kind);
    let said = |kind, truth| Some(voice.clauses(&check.statement, kind, truth));
    let (applies, complies) = match (has(ClauseKind::When), has(ClauseKind::Unless)) {
        (true, true) => (said(ClauseKind::When, true), said(ClauseKind::Unless, true)),
        // With one kind of clause a check always applies.
        (true, false) => (None, said(ClauseKind::When, false)),
        (false, true) => (None, said(ClauseKind::Unless, true)),
        (false, false) => (None, None),
    };
    let mut attributes: Vec<&DerivedAttribute> = program.derived.iter().collect();
    attributes.sort_by_key(|attribute| (std::cmp::Reverse(attribute.level), attribute.ty, attribute.slot));
    let derived: Vec<Derived> = attributes.into_iter().map(|attribute| described(model, policies, attribute)).collect();
    let counted = derived.iter().flat_map(|derived| &derived.parts).map(|part| part.principal);
    let reads = reads(model, &program, &judged, counted);
    let scope = voice.scope(&check.statement);
    Some(Entry { check, judged, scope, applies, complies, parameters: parameters(&program), derived, reads })
}

fn described<'p>(model: &'p Model, policies: &'p Policies, attribute: &DerivedAttribute) -> Derived<'p> {
    let parts = attribute.parts.iter().filter_map(|part| {
        let derivation = policies.derivations.get(part.derivation)?;
        let (principal, statement) = (part.body.principal, &derivation.statement);
        let voice = Voice::of_derivation(model, principal, attribute.ty);
        let clauses =
            [voice.clauses(statement, ClauseKind::When, true), voice.clauses(statement, ClauseKind::Unless, false)];
        let kinds = [ClauseKind::When, ClauseKind::Unless];
        let written = kinds.map(|kind| statement.clauses.iter().any(|clause| clause.kind == kind));
        let clauses = clauses.into_iter().zip(written).filter(|(_, written)| *written).map(|(words, _)| words);
        let condition = Words::all(voice.scope(statement).into_iter().chain(clauses));
        Some(Part { derivation, principal, condition })
    });
    Derived { ty: attribute.ty, slot: attribute.slot, aggregate: attribute.aggregate, parts: parts.collect() }
}

fn parameters(program: &Program) -> Vec<usize> {
    let read = program.constants.iter().filter_map(|constant| match constant {
        Constant::Parameter(at) | Constant::HasParameter(at) => Some(*at),
        _ => None,
    });
    read.collect::<BTreeSet<usize>>().into_iter().collect()
}

/// Returns the attributes of the snapshot that a program reads, by type; `counted` are the types of its principals.
fn reads(
    model: &Model,
    program: &Program,
    judged: &[TypeId],
    counted: impl Iterator<Item = TypeId>,
) -> Vec<(TypeId, Vec<SlotId>)> {
    let mut by_type: BTreeMap<TypeId, Vec<SlotId>> = BTreeMap::new();
    for ty in judged.iter().copied().chain(counted) {
        by_type.entry(ty).or_default();
    }
    for (ty, slot) in &program.reads {
        let stated = !matches!(model.ty(*ty).slots[slot.index()].origin, Origin::Derived | Origin::Enclosing(_));
        if stated && (!is_stamp(model, *ty, *slot) || is_asked(program, *ty, *slot)) {
            by_type.entry(*ty).or_default().push(*slot);
        }
    }
    let mut reads: Vec<(TypeId, Vec<SlotId>)> = by_type.into_iter().collect();
    reads.sort_by_key(|(ty, _)| !judged.contains(ty));
    reads
}

/// Whether a slot is the moment of capture, which every program reads for its report.
fn is_stamp(model: &Model, ty: TypeId, slot: SlotId) -> bool {
    let stamp = model.ty(model.root).attribute("captured_at").map(|attribute| &attribute.shape);
    ty == model.root && matches!(stamp, Some(Shape::Leaf(stamp)) if *stamp == slot)
}

/// Whether an expression asks for a slot.
fn is_asked(program: &Program, ty: TypeId, slot: SlotId) -> bool {
    program.nodes.iter().any(|node| match &node.kind {
        NodeKind::Slot(_, of, read) => (*of, *read) == (ty, slot),
        NodeKind::Has(_, of, asked, _) => *of == ty && asked.contains(&slot),
        _ => false,
    })
}
