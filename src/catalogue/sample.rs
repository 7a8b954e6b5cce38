//! A schema and helpers for the tests of words.

use super::{Words, Writer};
use crate::diagnostic::Code;
use crate::policy::{CheckId, ClauseKind, Policies};
use crate::schema::Schema;
use crate::source::Source;

const SCHEMA: &str = r#"
entity Light enum ["red", "green"];
@path("") @key("name")
entity Harbour = { name: String, captured_at: datetime };
@path("/piers/*") @key("id")
entity Pier in [Harbour] = { id: String, flags: Set<String>, @derived boats: Long };
@path("/piers/*/boats/*") @key("name")
entity Boat in [Pier] = {
  @enclosing pier: Pier,
  name: String, sailed_by?: String, length: Long, crew_members: Long, fee: decimal, berth: ipaddr,
  light: Light, lights: Set<Light>, seen_at: datetime, leaves_at: datetime,
  @doc("Whether the boat lies still. Ask the harbour master.") moored: Bool,
  @doc("Whether the boat is afloat.") afloat: Bool,
  painted: Bool,
  papers?: { valid: Bool, issuer?: String },
} tags String;
type Parameters = {
  @default("14d") max_age: duration, @default("2") most: Long, @default("[\"a\"]") names: Set<String>, spare?: Long,
};
type Context = { now: datetime, captured_at: datetime, parameters: Parameters };
action "audit" appliesTo { principal: [Harbour], resource: [Boat, Pier], context: Context };
action "derive" appliesTo { principal: [Boat, Pier], resource: [Pier], context: Context };
"#;

/// Words on one line.
fn flat(words: &Words) -> String {
    let list = |parts: &[Words]| parts.iter().map(flat).collect::<Vec<_>>().join("; ");
    match words {
        Words::Line(line) => line.clone(),
        Words::All(parts) => format!("all({})", list(parts)),
        Words::Any(parts) => format!("any({})", list(parts)),
        Words::If(test, then, other) => format!("if({}; {}; {})", flat(test), flat(then), flat(other)),
    }
}

/// The head of a check of boats.
pub(super) const CHECK: &str =
    r#"@id("T") @title("T") @severity("low") forbid (principal, action == Action::"audit", resource is Boat)"#;

fn read(policy: &str) -> (Schema, Policies) {
    let schema = Schema::parse(&Source::new("test.cedarschema", SCHEMA).unwrap()).0.unwrap();
    let (policies, diagnostics) = Policies::parse(&schema, &[Source::new("test.cedar", policy).unwrap()]);
    assert!(diagnostics.iter().all(|found| found.code == Code::PolicyWarning), "{policy}: {diagnostics:?}");
    (schema, policies)
}

/// Returns the words for the scope of a check of boats.
pub(super) fn scope(policy: &str) -> Vec<String> {
    let (schema, policies) = read(policy);
    let writer = Writer::of_check(&schema.model, &[schema.model.type_named("Boat").unwrap()]);
    writer.scope(&policies.checks[CheckId::new(0)].statement).iter().map(flat).collect()
}

/// Returns the words for the `when` clauses of a policy with this head, and for their negation.
pub(super) fn worded(head: &str, condition: &str) -> [String; 2] {
    let (schema, policies) = read(&format!("{head} when {{ {condition} }};"));
    let ty = |name: &str| schema.model.type_named(name).unwrap();
    let (writer, statement) = match (policies.checks.first(), policies.derivations.first()) {
        (Some(check), _) => (Writer::of_check(&schema.model, &[ty("Boat")]), &check.statement),
        (_, Some(derivation)) => {
            let statement = &derivation.statement;
            let principal = ty(statement.principal.ty.as_ref().unwrap());
            (Writer::of_derivation(&schema.model, principal, ty("Pier")), statement)
        }
        _ => panic!("one policy"),
    };
    [true, false].map(|truth| flat(&writer.clauses(statement, ClauseKind::When, truth)))
}

#[track_caller]
pub(super) fn check(condition: &str, positive: &str, negative: &str) {
    assert_eq!(worded(CHECK, condition), [positive, negative], "{condition}");
}
