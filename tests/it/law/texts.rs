//! The verdicts and the diagnostics of a case that is given as texts.

use super::runner::{NOW, listed_problems, source};
use deodar::engine::{Binding, Verdict};
use deodar::policy::Policies;
use deodar::program::Program;
use deodar::schema::Schema;
use deodar::snapshot::{Limits, Snapshot};
use deodar::value::EntityRef;
use std::collections::BTreeSet;

fn parsed(schema: &str) -> Schema {
    let (schema, diagnostics) = Schema::parse(&source("s.cedarschema", schema));
    schema.unwrap_or_else(|| panic!("{}", listed_problems(&diagnostics)))
}

/// Returns the diagnostics of a snapshot: one line for each.
pub fn snapshot_problems(schema: &str, snapshot: &str) -> String {
    let model = parsed(schema).model;
    let (_, diagnostics) = Snapshot::read(&source("s.json", snapshot), &model, &BTreeSet::new(), &Limits::default());
    listed_problems(&diagnostics)
}

/// Returns the verdicts of a schema, policies and a snapshot: one line for each resource and check.
pub fn verdict_lines(schema: &str, policies: &str, snapshot: &str) -> String {
    let schema = parsed(schema);
    let (policies, diagnostics) = Policies::parse(&schema, &[source("p.cedar", policies)]);
    assert!(policies.checks.iter().all(|check| check.statement.valid), "{}", listed_problems(&diagnostics));
    let program = Program::unreviewed(&schema.model, &policies, |_| true);
    let (snapshot, diagnostics) =
        Snapshot::read(&source("s.json", snapshot), &schema.model, &program.reads, &Limits::default());
    let snapshot = snapshot.unwrap_or_else(|| panic!("{}", listed_problems(&diagnostics)));
    let binding = Binding::new(&schema.model, &program, &snapshot, NOW, &[]);
    let (evaluator, _) = binding.derive(usize::MAX);
    let mut lines = Vec::new();
    for check in &program.checks {
        for body in &check.bodies {
            for row in 0..snapshot.table(body.resource).rows.len() as u32 {
                let resource = EntityRef { ty: body.resource, row };
                let verdict = evaluator.verdict(check, body, resource).map_or("out of scope", Verdict::name);
                lines.push(format!("{} {verdict}", snapshot.show(&schema.model, resource)));
            }
        }
    }
    lines.join("\n")
}
