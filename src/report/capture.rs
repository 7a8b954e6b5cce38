//! The values to capture so that an unknown verdict can be decided: the unknown values that its explanation reads.
//!
//! A derived value is not captured itself. In its place are the lists that may hold more principals, and the values that
//! its derivations read of the principals in doubt.

use super::evidence::Capture;
use super::finding::Findings;
use crate::engine::{Contributions, Explanation, ReadOf, ReadValue, Request};
use crate::schema::SlotId;
use crate::snapshot::UncapturedList;
use crate::value::{EntityRef, TypeId};
use std::collections::HashSet;

impl Findings<'_, '_> {
    /// Returns the unknown values that an explanation reads, each once, in order of reading.
    pub(super) fn captures(&self, explanation: &Explanation<'_>) -> Vec<Capture> {
        let mut captures = Captures { findings: self, seen: HashSet::new(), found: Vec::new() };
        captures.add(explanation);
        captures.found
    }

    /// Returns the list to capture for instances that may be missing.
    pub(super) fn capture_of_list(&self, ty: TypeId, missing: &UncapturedList) -> Capture {
        let model = self.evaluator.model;
        let attribute = model.short_name(ty).to_owned();
        Capture { pointer: missing.pointer.clone(), attribute, doc: model.ty(ty).doc.clone() }
    }
}

struct Captures<'f, 'm, 'a> {
    findings: &'f Findings<'m, 'a>,
    /// The values, and the pairs of a derivation with a slot, that were processed.
    seen: HashSet<(EntityRef, Option<EntityRef>, Option<SlotId>)>,
    found: Vec<Capture>,
}

impl Captures<'_, '_, '_> {
    fn add(&mut self, explanation: &Explanation<'_>) {
        let evaluator = self.findings.evaluator;
        for read in explanation.clauses.iter().flat_map(|clause| &clause.reads) {
            let of = match read.of {
                ReadOf::Attribute(entity, slot) => Some((entity, slot)),
                ReadOf::Tag(entity, _) => evaluator.model.ty(entity.ty).tags.map(|slot| (entity, slot)),
                // A setting of the run is not a value to capture.
                ReadOf::Parameter(at) => evaluator.account_slot(at).map(|slot| (evaluator.root(), slot)),
                ReadOf::Now => None,
            };
            let Some((entity, slot)) = of else { continue };
            match &read.contributions {
                Some(gathered) => self.gathered(gathered, entity, slot),
                None if !is_known(&read.found) => self.value(entity, slot),
                None => {}
            }
        }
    }

    fn value(&mut self, entity: EntityRef, slot: SlotId) {
        let (evaluator, model) = (self.findings.evaluator, self.findings.evaluator.model);
        let Some(declared) = model.ty(entity.ty).slots.find(slot) else { return };
        let Some(pointer) = declared.origin.pointer() else { return };
        if let Some((ty, list)) = self.findings.list_of_reference(entity, slot) {
            let capture = self.findings.capture_of_list(ty, list);
            if !self.found.contains(&capture) {
                self.found.push(capture);
            }
            return;
        }
        // An entity literal may name no instance.
        let Some(row) = evaluator.snapshot.table(entity.ty).row(entity.row) else { return };
        let pointer = row.pointer_in_object(model.ty(entity.ty), pointer);
        if self.seen.insert((entity, None, Some(slot))) {
            self.found.push(Capture {
                pointer: evaluator.snapshot.pointer(model, entity).join(&*pointer),
                attribute: format!("{}.{}", model.short_name(entity.ty), declared.dotted()),
                doc: model.ty(entity.ty).doc_of(slot).cloned(),
            });
        }
    }

    /// Adds the unknown values that a derived value of `resource` depends on.
    fn gathered(&mut self, gathered: &Contributions<'_>, resource: EntityRef, slot: SlotId) {
        let evaluator = self.findings.evaluator;
        let derived = evaluator.program.derived.iter().find(|it| (it.ty, it.slot) == (resource.ty, slot));
        let Some(derived) = derived else { return };
        let types: Vec<TypeId> = derived.parts.iter().map(|part| part.body.principal).collect();
        for missing in &gathered.lists {
            let is_in = |ty: &&TypeId| {
                let list = evaluator.snapshot.table(**ty).uncaptured_list(missing.scope);
                list.is_some_and(|list| std::ptr::eq(list, *missing))
            };
            let Some(ty) = types.iter().find(is_in) else { continue };
            let capture = self.findings.capture_of_list(*ty, missing);
            if !self.found.contains(&capture) {
                self.found.push(capture);
            }
        }
        for witness in gathered.witnesses.iter().take(self.findings.most_witnesses) {
            let counted = derived.distinct(witness.entity.ty);
            if let Some(slot) = counted.filter(|slot| evaluator.is_unknown(witness.entity, *slot)) {
                self.value(witness.entity, slot);
            }
        }
        let doubtful = gathered.witnesses.iter().filter(|witness| !witness.certain);
        for witness in doubtful.take(self.findings.most_witnesses) {
            if !self.seen.insert((resource, Some(witness.entity), Some(slot))) {
                continue;
            }
            let request = Request { principal: witness.entity, resource, uncaptured_in: None };
            for part in derived.parts.iter().filter(|part| part.body.principal == witness.entity.ty) {
                let explanation = evaluator.explain(&part.body, &request);
                let undecided = explanation.clauses.into_iter().filter(|clause| clause.outcomes.known().is_none());
                self.add(&Explanation { clauses: undecided.collect() });
            }
        }
    }
}

/// Returns whether a value that was read is known in full.
fn is_known(found: &ReadValue) -> bool {
    match found {
        ReadValue::Known(value) => value.is_exact(),
        ReadValue::Absent | ReadValue::Present => true,
        ReadValue::Between(..) | ReadValue::Uncaptured | ReadValue::Unreadable => false,
    }
}
