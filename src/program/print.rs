//! Programs as texts, for the tests of lowering and of join plans.

use super::{Condition, Constant, HasTarget, LoweredClause, NodeId, NodeKind, Program};
use crate::diagnostic::has_errors;
use crate::policy::{ClauseKind, Policies};
use crate::schema::{Model, Schema, SlotId};
use crate::source::Source;
use crate::value::TypeId;

const SCHEMA: &str = r#"
@path("") @key("name")
entity Harbour = { name: String };
@path("/piers/*") @key("id")
entity Pier in [Harbour] = {
  @enclosing harbour: Harbour, id: String, owner?: String, depth: Long, flags: Set<String>, @derived boats: Long,
};
@path("/piers/*/boats/*") @key("name")
entity Boat in [Pier] = {
  @enclosing pier: Pier, name: String, length: Long, sailed_by?: String, seen_at: datetime, berth: ipaddr, moored: Bool,
  home?: Pier, crew: Set<String>, papers?: { valid: Bool, issuer?: String },
} tags String;
type Parameters = { @default("14d") max_age: duration, spare?: Long };
type Context = { now: datetime, parameters: Parameters };
action "audit" appliesTo { principal: [Harbour], resource: [Boat, Pier], context: Context };
action "derive" appliesTo { principal: [Boat, Pier], resource: [Pier], context: Context };
"#;

/// A lowered text.
pub(super) struct Lowered {
    schema: Schema,
    pub program: Program,
}

/// Lowers valid policies.
pub(super) fn lowered(policies: &str) -> Lowered {
    let schema = Schema::parse(&Source::new("test.cedarschema", SCHEMA).unwrap());
    let schema = schema.0.unwrap_or_else(|| panic!("{:?}", schema.1));
    let (read, diagnostics) = Policies::parse(&schema, &[Source::new("test.cedar", policies).unwrap()]);
    assert!(!has_errors(&diagnostics), "{diagnostics:?}");
    let program = Program::unreviewed(&schema.model, &read, |_| true);
    Lowered { schema, program }
}

impl Lowered {
    fn model(&self) -> &Model {
        &self.schema.model
    }

    /// Returns a clause on one line.
    pub(super) fn clause(&self, clause: &LoweredClause) -> String {
        let keyword = match clause.kind {
            ClauseKind::When => "when",
            ClauseKind::Unless => "unless",
        };
        format!("{keyword} {}", self.condition(&clause.condition))
    }

    pub(super) fn condition(&self, condition: &Condition) -> String {
        let list = |parts: &[Condition]| {
            let parts: Vec<String> = parts.iter().map(|part| self.condition(part)).collect();
            parts.join(", ")
        };
        match condition {
            Condition::Leaf(leaf) => self.node(*leaf),
            Condition::Not(inner) => format!("not({})", self.condition(inner)),
            Condition::All(parts) => format!("all({})", list(parts)),
            Condition::Any(parts) => format!("any({})", list(parts)),
            Condition::If(parts) => format!("if({})", list(&**parts)),
        }
    }

    fn slot(&self, ty: TypeId, slot: SlotId) -> String {
        self.model().ty(ty).slots[slot].dotted()
    }

    fn constant(&self, constant: &Constant) -> String {
        match constant {
            Constant::Value(value) => format!("{value:?}"),
            Constant::Entity(ty, id) => format!("{}::{id:?}", self.model().short_name(*ty)),
            Constant::Now => "now".to_owned(),
            Constant::Parameter(at) => format!("parameter({})", self.model().parameters[*at].name),
            Constant::HasParameter(at) => format!("has parameter({})", self.model().parameters[*at].name),
        }
    }

    /// Returns a node with its operands.
    pub(super) fn node(&self, node: NodeId) -> String {
        let shown = |node: &NodeId| self.node(*node);
        let kind = &self.program.node(node).kind;
        let operands = || self.program.operands(node).iter().map(shown).collect::<Vec<_>>().join(", ");
        let pair =
            |left: &NodeId, operator: &str, right: &NodeId| format!("({} {operator} {})", shown(left), shown(right));
        match kind {
            NodeKind::Constant(at) => self.constant(&self.program.constants[*at]),
            NodeKind::Principal => "principal".to_owned(),
            NodeKind::Resource => "resource".to_owned(),
            NodeKind::Root => "root".to_owned(),
            NodeKind::Slot(of, ty, slot) => format!("{}.{}", shown(of), self.slot(*ty, *slot)),
            NodeKind::Record(of, _, path) => format!("record({}.{})", shown(of), path.join(".")),
            NodeKind::Has(of, ty, slots, target) => {
                let slots: Vec<String> = slots.iter().map(|slot| self.slot(*ty, *slot)).collect();
                let target = if *target == HasTarget::Record { "record of " } else { "" };
                format!("({target}{} has {})", shown(of), slots.join(" and "))
            }
            NodeKind::Condition(condition) => format!("[{}]", self.condition(condition)),
            NodeKind::Equal(a, b) => pair(a, "==", b),
            NodeKind::Less(a, b) => pair(a, "<", b),
            NodeKind::LessEqual(a, b) => pair(a, "<=", b),
            NodeKind::In(a, b) => pair(a, "in", b),
            NodeKind::Contains(a, b) => pair(a, "contains", b),
            NodeKind::StaticallyKnown(_, answer) => format!("{answer} after ({})", operands()),
            NodeKind::GetTag(of, _, key) => format!("{}.tag({})", shown(of), shown(key)),
            NodeKind::HasTag(of, _, key) => format!("({} has tag {})", shown(of), shown(key)),
            NodeKind::Member(of, name) => format!("{}.{name}", shown(of)),
            NodeKind::Call(function, _) => format!("{}({})", function.name(), operands()),
            NodeKind::Unreachable => "unreachable".to_owned(),
            other => {
                let name = format!("{other:?}");
                format!("{}({})", name.split('(').next().unwrap_or_default(), operands())
            }
        }
    }
}
