//! Three texts, for the tests of the engine: a schema, policies and a snapshot.

use super::scoped::Evaluation;
use super::verdict::Verdict;
use super::{Evaluator, Subject};
use crate::diagnostic::Diagnostic;
use crate::parameters::{Parameters, Setting};
use crate::policy::{DerivationId, Policies};
use crate::program::Program;
use crate::schema::{Schema, SlotId};
use crate::snapshot::{Data, Limits, Snapshot, State};
use crate::source::Source;
use crate::value::{EntityRef, Set, TypeId, Value};
use std::sync::Arc;

/// The texts, compiled and read.
pub(super) struct Fixture {
    schema: Schema,
    policies: Policies,
    program: Program,
    snapshot: Snapshot,
}

fn source(name: &str, text: &str) -> Arc<Source> {
    Source::new(name, text).expect("a small text")
}

fn messages(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(|diagnostic| diagnostic.message.as_str()).collect::<Vec<_>>().join("\n")
}

impl Fixture {
    #[track_caller]
    pub(super) fn new(schema: &str, policies: &str, snapshot: &str) -> Self {
        let (schema, diagnostics) = Schema::parse(&source("test.cedarschema", schema));
        let schema = schema.unwrap_or_else(|| panic!("{}", messages(&diagnostics)));
        let (policies, diagnostics) = Policies::parse(&schema, &[source("test.cedar", policies)]);
        assert!(diagnostics.is_empty(), "{}", messages(&diagnostics));
        let program = Program::unreviewed(&schema.model, &policies, |_| true);
        let source = source("test.json", snapshot);
        let (snapshot, diagnostics) = Snapshot::read(&source, &schema.model, &program.reads, &Limits::default());
        let snapshot = snapshot.unwrap_or_else(|| panic!("{}", messages(&diagnostics)));
        Self { schema, policies, program, snapshot }
    }

    /// Returns every verdict with some settings of parameters, one in each line. Both engines must agree.
    #[track_caller]
    pub(super) fn verdicts(&self, settings: &[&str]) -> String {
        let parse = |text: &&str| Setting::parse(text).expect("a valid setting");
        let settings: Vec<Setting> = settings.iter().map(parse).collect();
        let (parameters, diagnostics) = Parameters::read(&self.schema.model, &self.program, &settings);
        assert!(diagnostics.is_empty(), "{}", messages(&diagnostics));
        let given = (0, &parameters);
        let (evaluation, _) = Evaluation::new(&self.schema.model, &self.program, &self.snapshot, given, usize::MAX);
        let reference = evaluation.judge_by_reference(&self.policies).expect("Cedar takes the snapshot");
        let mut lines = Vec::new();
        for (judgement, reference) in evaluation.judge(&Verdict::ALL).iter().zip(reference) {
            for verdict in Verdict::ALL.into_iter().filter(|verdict| *verdict != Verdict::Unknown) {
                // The reference engine may answer unknown instead.
                assert!(reference.count(verdict) <= judgement.count(verdict), "{verdict:?}");
            }
            let check = &self.policies.checks[judgement.check].statement.id;
            lines.extend(judgement.judged.iter().map(|judged| {
                let subject = match judged.subject {
                    Subject::Entity(entity) => self.snapshot.show(&self.schema.model, entity),
                    Subject::Uncaptured(ty, _) => format!("more of {}", self.schema.model.short_name(ty)),
                };
                format!("{check} {subject}: {}", judged.verdict.name())
            }));
        }
        lines.join("\n")
    }

    /// Returns the clauses that explain the verdict of the only check on the root entity, one in each line.
    #[track_caller]
    pub(super) fn reasons(&self) -> String {
        self.clauses(|source, clause| {
            let also = if clause.also { "also " } else { "" };
            let outcome = match clause.outcomes.known() {
                Some(outcome) => outcome.to_string(),
                None => "undecided".to_owned(),
            };
            Some(format!("{also}{} is {outcome}", source.slice(clause.span)))
        })
    }

    /// Returns the clauses that decide and state the demand of the only check, one in each line.
    #[track_caller]
    pub(super) fn demands(&self) -> String {
        self.clauses(|source, clause| {
            let source = clause.definition.unwrap_or(source);
            (clause.demand && !clause.also).then(|| source.slice(clause.span).to_owned())
        })
    }

    #[track_caller]
    fn clauses(&self, line: impl Fn(&Arc<Source>, &super::Decided<'_>) -> Option<String>) -> String {
        let binding = super::Binding::new(&self.schema.model, &self.program, &self.snapshot, 0, &[]);
        let (evaluator, _) = binding.derive(usize::MAX);
        let check = self.program.checks.first().expect("a check");
        let (body, root) = (check.bodies.first().expect("a body"), EntityRef::numbered(self.schema.model.root, 0));
        let verdict = evaluator.verdict(check, body, root).expect("the root is in the scope");
        let explanation = evaluator.explain_verdict(body, &evaluator.request(root), verdict);
        let source = &self.policies.checks[check.check].statement.source;
        explanation.clauses.iter().filter_map(|clause| line(source, clause)).collect::<Vec<_>>().join("\n")
    }

    /// Returns the near misses of the first derived attribute of the first resource, one in each line.
    pub(super) fn near_misses(&self) -> String {
        let binding = super::Binding::new(&self.schema.model, &self.program, &self.snapshot, 0, &[]);
        let (evaluator, _) = binding.derive(usize::MAX);
        let resource = EntityRef::numbered(self.program.derived[0].ty, 0);
        let source = &self.policies.derivations[DerivationId::new(0)].statement.source;
        let line = |near: &super::NearMiss<'_>| {
            let clauses: Vec<&str> = near.clauses.iter().map(|clause| source.slice(clause.span)).collect();
            format!("{}: {}", evaluator.id(near.principal), clauses.join(", "))
        };
        evaluator.near_misses(0, resource, usize::MAX).iter().map(line).collect::<Vec<_>>().join("\n")
    }

    /// Returns the values of all derived attributes, one in each line, with at most `pairs` pairs.
    pub(super) fn derived(&self, pairs: usize) -> String {
        let binding = super::Binding::new(&self.schema.model, &self.program, &self.snapshot, 0, &[]);
        let (evaluator, too_many) = binding.derive(pairs);
        let mut lines: Vec<String> = too_many.iter().map(|excess| format!("{excess:?}")).collect();
        for attribute in &self.program.derived {
            let name = self.schema.model.ty(attribute.ty).slot(attribute.slot).dotted();
            for resource in self.snapshot.instances(attribute.ty) {
                let value = value(&evaluator, attribute.ty, attribute.slot, resource);
                lines.push(format!("{}.{name} = {value}", self.snapshot.show(&self.schema.model, resource)));
            }
        }
        lines.join("\n")
    }
}

/// Returns a derived value as text: an interval of a count is `low..high`, a possible element of a set has a `?`.
fn value(evaluator: &Evaluator<'_>, ty: TypeId, slot: SlotId, resource: EntityRef) -> String {
    let column = evaluator.column(ty, slot);
    let row = resource.row as usize;
    let is_known = column.states.get(row) == Some(&State::Known);
    match &column.data {
        Data::Bool(all) if is_known => all[row].to_string(),
        Data::Range(all) => match all[row] {
            (low, high) if low == high => low.to_string(),
            (low, i64::MAX) => format!("{low}.."),
            (low, high) => format!("{low}..{high}"),
        },
        Data::Value(all) => match &all[row] {
            Value::Set(set) => elements(evaluator, set) + if is_known { "" } else { " and more" },
            other => format!("{other:?}"),
        },
        _ => "unknown".to_owned(),
    }
}

fn elements(evaluator: &Evaluator<'_>, set: &Set) -> String {
    let id = |value: &Value| match value {
        Value::Entity(entity) => evaluator.id(*entity).to_string(),
        other => format!("{other:?}"),
    };
    let certain = set.items().iter().map(id);
    let possible = set.maybe().iter().map(|value| id(value) + "?");
    format!("[{}]", certain.chain(possible).collect::<Vec<_>>().join(", "))
}
