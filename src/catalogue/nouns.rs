//! Names of values in English: variables, attributes, parameters and computed values.

use super::escape::code;
use super::names::{phrase, plural, type_name};
use super::values::{constant, duration, enumerated, quoted, value};
use crate::program::types::{WrittenTypes, is_context, is_parameters};
use crate::program::written;
use crate::schema::{Attribute, Chain, Model, Origin, Shape, Ty};
use crate::value::{TypeId, Value};
use cedar_policy_core::ast::{BinaryOp, EntityUID, Expr, ExprKind, Literal, UnaryOp, Var};
use smol_str::{SmolStr, ToSmolStr};

/// The writer of one policy in English, with the types and names of its variables.
#[derive(Debug)]
pub struct Writer<'m> {
    pub(super) types: WrittenTypes<'m>,
    pub(super) principal: Variable,
    pub(super) resource: Variable,
}

/// `principal` or `resource`.
#[derive(Debug)]
pub(super) struct Variable {
    /// Its name in English.
    pub name: String,
    /// Whether its name is left out after its attributes.
    implied: bool,
}

impl<'m> Writer<'m> {
    /// Returns the writer of a check that judges `resources`.
    pub fn of_check(model: &'m Model, resources: &[TypeId]) -> Self {
        let name = match resources {
            [only] => format!("the {}", type_name(model, *only)),
            _ => "the resource".into(),
        };
        let resource = Variable { name, implied: true };
        let principal = Variable { name: format!("the {}", type_name(model, model.root)), implied: false };
        let types = WrittenTypes { model, principal: vec![model.root], resource: resources.to_vec() };
        Self { types, principal, resource }
    }

    /// Returns the writer of a derivation.
    pub fn of_derivation(model: &'m Model, principal: TypeId, resource: TypeId) -> Self {
        let the = if principal == resource { "that" } else { "the" };
        let variable = |ty, the| Variable { name: format!("{the} {}", type_name(model, ty)), implied: false };
        let types = WrittenTypes { model, principal: vec![principal], resource: vec![resource] };
        Self { types, principal: variable(principal, the), resource: variable(resource, "this") }
    }

    /// Returns the name of a value.
    pub(super) fn noun(&self, expr: &Expr) -> String {
        match expr.expr_kind() {
            ExprKind::Lit(Literal::Bool(b)) => b.to_string(),
            ExprKind::Lit(Literal::Long(n)) => n.to_string(),
            ExprKind::Lit(Literal::String(text)) => quoted(text),
            ExprKind::Lit(Literal::EntityUID(uid)) => self.entity(uid),
            ExprKind::Var(Var::Principal) => self.principal.name.clone(),
            ExprKind::Var(Var::Resource) => self.resource.name.clone(),
            ExprKind::GetAttr { expr: base, attr } => self.read(expr, base, attr),
            ExprKind::UnaryApp { op: UnaryOp::Neg, arg } => format!("minus {}", self.operand(arg)),
            ExprKind::BinaryApp { op, arg1, arg2 } => match operator(*op) {
                Some(operator) => format!("{} {operator} {}", self.operand(arg1), self.operand(arg2)),
                None if *op == BinaryOp::GetTag => format!("the tag {} of {}", self.noun(arg2), self.noun(arg1)),
                None => code(&expr.to_string()),
            },
            ExprKind::ExtensionFunctionApp { fn_name, args } => self.computed(expr, &fn_name.to_string(), args),
            ExprKind::Set(items) if items.is_empty() => "the empty set".into(),
            ExprKind::Set(items) => format!("the set of {}", self.list(items, "and")),
            ExprKind::Record(members) => {
                let members: Vec<String> =
                    members.iter().map(|(name, member)| format!("{}: {}", code(name), self.noun(member))).collect();
                format!("the record of {}", if members.is_empty() { "nothing".into() } else { members.join(", ") })
            }
            _ => code(&expr.to_string()),
        }
    }

    /// Returns an operand of a computation; an operand that is itself computed is in parentheses.
    fn operand(&self, expr: &Expr) -> String {
        let computed = match expr.expr_kind() {
            ExprKind::BinaryApp { op, .. } => operator(*op).is_some(),
            ExprKind::UnaryApp { op: UnaryOp::Neg, .. } => true,
            _ => false,
        };
        if computed { format!("({})", self.noun(expr)) } else { self.noun(expr) }
    }

    /// Returns the names of several values.
    pub(super) fn list(&self, items: &[Expr], last: &str) -> String {
        enumerated(&items.iter().map(|item| self.noun(item)).collect::<Vec<_>>(), last)
    }

    fn computed(&self, expr: &Expr, name: &str, args: &[Expr]) -> String {
        if let Some(value) = constant(expr) {
            return value;
        }
        let unit = |unit: &str, arg| format!("{} in whole {unit}", self.noun(arg));
        match (name, args) {
            ("offset", [moment, span]) => match written::constructed(span).map(|constructed| constructed.value) {
                Some(Value::Duration(millis)) if millis < 0 => {
                    format!("{} before {}", duration(millis.unsigned_abs()), self.noun(moment))
                }
                _ => format!("{} after {}", self.noun(span), self.noun(moment)),
            },
            ("durationSince", [later, earlier]) => {
                format!("the time from {} to {}", self.noun(earlier), self.noun(later))
            }
            ("toDate", [moment]) => format!("the start of the day of {}", self.noun(moment)),
            ("toTime", [moment]) => format!("the time of day of {}", self.noun(moment)),
            ("toMilliseconds", [span]) => format!("{} in milliseconds", self.noun(span)),
            ("toSeconds", [span]) => unit("seconds", span),
            ("toMinutes", [span]) => unit("minutes", span),
            ("toHours", [span]) => unit("hours", span),
            ("toDays", [span]) => unit("days", span),
            _ => code(&expr.to_string()),
        }
    }

    /// Returns the name of an entity literal.
    pub(super) fn entity(&self, uid: &EntityUID) -> String {
        let id = code(AsRef::<str>::as_ref(uid.eid()));
        match self.types.model.type_named(&uid.entity_type().to_smolstr()) {
            Some(ty) if self.types.model.ty(ty).choices().is_some() => id,
            Some(ty) => format!("the {} {id}", type_name(self.types.model, ty)),
            None => code(&uid.to_string()),
        }
    }

    /// Returns the name of an attribute's value.
    fn read(&self, expr: &Expr, base: &Expr, name: &SmolStr) -> String {
        if is_parameters(base) {
            return self.parameter(name);
        }
        if is_context(base) {
            let kind = if self.types.only(expr) == Some(Ty::Datetime) { "the time " } else { "" };
            return if name == "now" { "now".into() } else { format!("{kind}{} of the snapshot", code(name)) };
        }
        let ty = self.types.only(expr);
        let counted = self.types.attribute(expr).is_some_and(|(of, attribute)| self.is_count(of, attribute));
        let words = phrase(name);
        let name = match (ty, words) {
            (Some(Ty::Datetime), _) => format!("the time {}", code(name)),
            (Some(Ty::Bool), _) | (_, None) => code(name),
            (_, Some(words)) if counted && has_plural(name) => format!("the number of {words}"),
            _ if counted => format!("the number {}", code(name)),
            (_, Some(words)) => format!("the {words}"),
        };
        name + &self.owner(base)
    }

    /// Returns the words for the owner of an attribute.
    pub(super) fn owner(&self, base: &Expr) -> String {
        match base.expr_kind() {
            ExprKind::Var(Var::Resource) if self.resource.implied => String::new(),
            ExprKind::Var(Var::Context) => " of the snapshot".into(),
            _ => format!(" of {}", self.noun(base)),
        }
    }

    fn parameter(&self, name: &str) -> String {
        let parameter = self.types.model.parameters.iter().find(|parameter| parameter.name == name);
        match parameter.and_then(|parameter| parameter.default.as_ref()) {
            // A long default is shown in the list of parameters only.
            None | Some(Value::Set(_) | Value::Record(_)) => code(name),
            Some(default) => format!("{} (default {})", code(name), value(self.types.model, default)),
        }
    }

    /// Returns whether an attribute is the number of the things in its name.
    fn is_count(&self, ty: TypeId, attribute: &Attribute) -> bool {
        let Shape::Leaf(slot) = attribute.shape else { return false };
        let counted = match self.types.model.ty(ty).slots.find(slot).map(|slot| &slot.origin) {
            Some(Origin::Derived) => true,
            Some(Origin::Read(_, chain)) => chain.as_ref().is_some_and(Chain::counts),
            _ => false,
        };
        attribute.ty == Ty::Long && (counted || has_plural(&attribute.name))
    }
}

fn has_plural(name: &str) -> bool {
    name.split('_').any(|word| plural(word) == word)
}

/// Returns the word for an operator of arithmetic.
fn operator(op: BinaryOp) -> Option<&'static str> {
    match op {
        BinaryOp::Add => Some("plus"),
        BinaryOp::Sub => Some("minus"),
        BinaryOp::Mul => Some("times"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::catalogue::sample::{CHECK, worded};

    #[test]
    fn an_expression_without_words_is_quoted() {
        let [positive, negative] = worded(CHECK, "(if resource.moored then 1 else 2) < 3");
        assert!(positive.starts_with('`') && positive.ends_with("` is less than 3"), "{positive}");
        assert!(negative.contains("if ") && negative.ends_with("` is at least 3"), "{negative}");
    }

    #[test]
    fn the_sides_of_a_derivation_have_different_names() {
        let head = |principal: &str| {
            format!(
                r#"@id("t") @derives("boats")
                permit (principal is {principal}, action == Action::"derive", resource is Pier)"#
            )
        };
        assert_eq!(
            worded(&head("Boat"), "principal in resource && principal.pier.id == resource.id")[0],
            "all(the boat is in this pier; the ID of the pier of the boat is the same as the ID of this pier)"
        );
        assert_eq!(
            worded(&head("Pier"), "principal != resource && principal in resource")[0],
            "all(that pier is not this pier; that pier is, or is in, this pier)"
        );
    }
}
