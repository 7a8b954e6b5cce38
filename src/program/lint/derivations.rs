//! Derived attributes without a value: derivations that are refused, missing, or on a cycle. A check that depends on
//! one, or a waiver, is not evaluated.

use super::{Review, Whole};
use crate::diagnostic::{Code, Diagnostic};
use crate::policy::{Derivation, Policies, Statement};
use crate::program::DerivedAttribute;
use crate::program::lower::{self, Target, derived_slots, slots_read};
use crate::program::{Body, NodeId, Program};
use crate::schema::Model;
use crate::source::Span;
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};

/// Derived attributes that cannot be ordered, with the derived attributes each reads.
type Left<'w> = BTreeMap<&'w Target, &'w (DerivedAttribute, Vec<Target>)>;

/// The reason why a derived attribute has no value.
enum Cause<'p> {
    /// These derivations of it are refused.
    Refused(Vec<&'p Derivation>),
    /// A derivation of it cannot be parsed.
    Unread,
    /// It has no derivation.
    Missing,
    /// It depends on itself.
    Cycle,
}

/// Refuses the checks that depend on derived attributes without a value, and reports the reasons.
pub(super) fn broken(model: &Model, policies: &Policies, whole: &Whole, review: &mut Review) {
    let causes = causes(model, policies, whole, review);
    let dependants = dependants(model, policies, whole);
    for (target, cause) in &causes {
        let checks = dependants.get(target).map_or(&[][..], Vec::as_slice);
        let read = first_read(model, whole, policies, *target);
        review.diagnostics.extend(match cause {
            Cause::Missing => missing(model, *target, read, checks),
            _ => not_run(model, *target, cause, read, checks),
        });
        review.refused.extend(checks.iter().map(|check| check.id.clone()));
    }
}

/// Returns the derived attributes without a value, with the reasons.
fn causes<'p>(
    model: &'p Model,
    policies: &'p Policies,
    whole: &Whole,
    review: &mut Review,
) -> BTreeMap<Target, Cause<'p>> {
    let mut causes = BTreeMap::new();
    let rest = lower::levels(&whole.derived).1;
    let left: Left<'_> = whole.derived.iter().filter(|(target, _)| rest.contains(target)).collect();
    for target in on_cycles(&left) {
        causes.insert(target, Cause::Cycle);
    }
    if let Some(error) = cycle(policies, &left) {
        review.diagnostics.push(error);
    }
    for (target, (attribute, _)) in &whole.derived {
        let of_it = lower::derivations_of(model, policies, *target).map(|(_, derivation)| derivation);
        let refused =
            |derivation: &&Derivation| !derivation.statement.valid || review.refused.contains(&derivation.statement.id);
        let refused: Vec<&Derivation> = of_it.filter(refused).collect();
        let name = model.ty(target.0).slots[target.1].dotted();
        if !refused.is_empty() {
            causes.insert(*target, Cause::Refused(refused));
        } else if policies.unread_derivations.contains(name.as_str()) {
            causes.insert(*target, Cause::Unread);
        } else if attribute.parts.iter().all(|part| part.subtracts) {
            causes.insert(*target, Cause::Missing);
        }
    }
    causes
}

/// Returns the checks and waivers with their bodies.
fn judging<'p>(policies: &'p Policies, whole: &'p Whole) -> impl Iterator<Item = (&'p Statement, &'p [Body])> {
    let checks = whole.program.checks.iter();
    let checks = checks.filter_map(|it| Some((&policies.checks.find(it.check)?.statement, it.bodies.as_slice())));
    let waivers = whole.program.waivers.iter();
    let waivers = waivers.filter_map(|it| Some((&policies.waivers.find(it.waiver)?.statement, it.bodies.as_slice())));
    checks.chain(waivers)
}

/// Returns the checks and waivers that depend on each derived attribute, directly or through others.
fn dependants<'p>(model: &Model, policies: &'p Policies, whole: &'p Whole) -> BTreeMap<Target, Vec<&'p Statement>> {
    let mut dependants: BTreeMap<Target, Vec<&Statement>> = BTreeMap::new();
    for (statement, bodies) in judging(policies, whole) {
        let mut behind: BTreeSet<Target> = BTreeSet::new();
        let mut left: Vec<Target> = bodies.iter().flat_map(|body| derived_in(model, &whole.program, body)).collect();
        while let Some(target) = left.pop() {
            if behind.insert(target) {
                left.extend(whole.derived.get(&target).into_iter().flat_map(|(_, reads)| reads));
            }
        }
        for target in behind {
            dependants.entry(target).or_default().push(statement);
        }
    }
    dependants
}

/// Returns the derived attributes that a body reads.
fn derived_in(model: &Model, program: &Program, body: &Body) -> Vec<Target> {
    nodes(program, body).flat_map(|node| derived_slots(model, &program.node(node).kind)).collect()
}

/// Returns the nodes of a body.
pub(super) fn nodes<'p>(program: &'p Program, body: &Body) -> impl Iterator<Item = NodeId> + use<'p> {
    let (mut left, mut seen): (Vec<NodeId>, BTreeSet<NodeId>) = (body.leaves().collect(), BTreeSet::new());
    std::iter::from_fn(move || {
        while let Some(node) = left.pop() {
            if seen.insert(node) {
                left.extend(program.operands(node));
                return Some(node);
            }
        }
        None
    })
}

/// Where an attribute is read.
type Read<'p> = (&'p Statement, Span);

/// Returns the error for an attribute that nothing derives, unless nothing reads it.
fn missing(model: &Model, target: Target, read: Option<Read<'_>>, checks: &[&Statement]) -> Option<Diagnostic> {
    let (statement, span) = read?;
    let readers = match checks {
        [] => "a policy reads".to_owned(),
        [one] => format!("{} needs", ids(&[one])),
        all => format!("{} need", ids(all)),
    };
    let message = format!("nothing derives `{}`, which {readers}", name(model, target));
    let error = Diagnostic::error(Code::DerivationMissing, message).label(&statement.source, span, "read here");
    let attribute = model.ty(target.0).slots[target.1].dotted();
    Some(error.help(format!("write a `permit` for `derive` with @derives({attribute:?})")))
}

/// Returns the error for the checks that are not run.
fn not_run(
    model: &Model,
    target: Target,
    cause: &Cause<'_>,
    read: Option<Read<'_>>,
    checks: &[&Statement],
) -> Option<Diagnostic> {
    checks.first()?;
    let why = match cause {
        Cause::Refused(derivations) => {
            let refused: Vec<&Statement> = derivations.iter().map(|derivation| &derivation.statement).collect();
            format!("whose derivation {} is invalid", ids(&refused))
        }
        Cause::Unread => "whose derivation cannot be parsed".to_owned(),
        Cause::Missing => "which has no derivation".to_owned(),
        Cause::Cycle => "whose derivations need each other".to_owned(),
    };
    let verb = if checks.len() == 1 { "is not run: it needs" } else { "are not run: they need" };
    let message = format!("{} {verb} `{}`, {why}", ids(checks), name(model, target));
    let mut error = Diagnostic::error(Code::CheckNotRun, message);
    if let Some((statement, span)) = read {
        error = error.label(&statement.source, span, "read here");
    }
    if let Cause::Refused(derivations) = cause {
        for derivation in derivations {
            error = error.label(&derivation.statement.source, derivation.derives_span, "derived here");
        }
    }
    Some(error)
}

fn ids(statements: &[&Statement]) -> String {
    let ids: Vec<String> = statements.iter().map(|statement| format!("`{}`", statement.id)).collect();
    ids.join(", ")
}

pub(super) fn name(model: &Model, (ty, slot): Target) -> String {
    format!("{}.{}", model.short_name(ty), model.ty(ty).slots[slot].dotted())
}

/// Returns where a derived attribute is first read: in a check, or in a derivation of another.
fn first_read<'p>(
    model: &Model,
    whole: &'p Whole,
    policies: &'p Policies,
    target: Target,
) -> Option<(&'p Statement, Span)> {
    let program = &whole.program;
    let read_in = |body: &Body| {
        let reading = nodes(program, body).find(|node| slots_read(model, &program.node(*node).kind).contains(&target));
        reading.map(|node| program.node(node).span)
    };
    let bodies = judging(policies, whole).flat_map(|(statement, bodies)| bodies.iter().map(move |it| (statement, it)));
    let in_checks = bodies.filter_map(|(statement, body)| Some((statement, read_in(body)?)));
    let parts = whole.derived.values().flat_map(|(attribute, _)| &attribute.parts);
    let in_parts =
        parts.filter_map(|part| Some((&policies.derivations.find(part.derivation)?.statement, read_in(&part.body)?)));
    in_checks.chain(in_parts).next()
}

/// Returns the attributes that need themselves, among those that cannot be ordered.
fn on_cycles(left: &Left<'_>) -> Vec<Target> {
    let needs_itself = |target: &Target| {
        let (mut behind, mut open) = (BTreeSet::new(), vec![*target]);
        while let Some(next) = open.pop() {
            let reads = left.get(&next).into_iter().flat_map(|(_, reads)| reads);
            open.extend(reads.filter(|read| behind.insert(**read)));
        }
        behind.contains(target)
    };
    left.keys().map(|target| **target).filter(needs_itself).collect()
}

/// Returns the error for one cycle, with a label for every derivation on it.
fn cycle(policies: &Policies, left: &Left<'_>) -> Option<Diagnostic> {
    let mut path: Vec<Target> = left.keys().map(|target| **target).take(1).collect();
    while let Some(next) = path
        .last()
        .and_then(|last| left.get(last))
        .and_then(|(_, reads)| reads.iter().find(|read| left.contains_key(read)))
    {
        if let Some(at) = path.iter().position(|seen| seen == next) {
            path.drain(..at);
            break;
        }
        path.push(*next);
    }
    let derivations: Vec<&Derivation> = path
        .iter()
        .filter_map(|key| left.get(key))
        .flat_map(|(attribute, _)| &attribute.parts)
        .filter_map(|part| policies.derivations.find(part.derivation))
        .map(|derivation| &**derivation)
        .collect();
    let mut names: Vec<&SmolStr> = derivations.iter().map(|derivation| &derivation.derives).collect();
    names.dedup();
    let names: Vec<&str> = names.into_iter().map(SmolStr::as_str).collect();
    let message = match names[..] {
        [] => return None,
        [only] => format!("the derived attribute `{only}` needs itself"),
        _ => format!("derived attributes need each other: `{}`", names.join("`, `")),
    };
    let mut error = Diagnostic::error(Code::DerivationCycle, message);
    for derivation in derivations {
        error = error.label(&derivation.statement.source, derivation.derives_span, "on the cycle");
    }
    Some(error.help("derive one of them from attributes that the snapshot contains"))
}
