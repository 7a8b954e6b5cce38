//! Conditions in English.
//!
//! Negation is pushed down to the single statements, so that no "not" applies to a list. An expression without good
//! words is written as Cedar text.

use super::escape::{code, text};
use super::names::{article, phrase, plural, type_name};
use super::negation::denied;
use crate::policy::{ClauseKind, Scope, Statement};
use crate::program::Condition;
use crate::program::types::{WrittenTypes, is_context, is_parameters};
use crate::program::written::{self, Constructed};
use crate::schema::{Attribute, Model, Origin, Reader, Shape, Ty};
use crate::value::{TypeId, Value, show_datetime, show_decimal};
use cedar_policy_core::ast::{BinaryOp, EntityUID, Expr, ExprKind, Literal, Pattern, PatternElem, UnaryOp, Var};
use smol_str::{SmolStr, ToSmolStr};

/// A condition in words, as inline Markdown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Words {
    /// One statement.
    Line(String),
    /// All of these hold.
    All(Vec<Words>),
    /// At least one of these holds.
    Any(Vec<Words>),
    /// If the first holds, then the second does; otherwise the third.
    If(Box<Words>, Box<Words>, Box<Words>),
}

impl Words {
    /// Returns the words for all of `parts`.
    pub fn all(parts: impl IntoIterator<Item = Words>) -> Self {
        let mut all = Vec::new();
        for part in parts {
            match part {
                Words::All(inner) if all.is_empty() => all = inner,
                Words::All(inner) => all.extend(inner),
                other => all.push(other),
            }
        }
        Self::of(all, Words::All, "always")
    }

    /// Returns the words for at least one of `parts`.
    pub fn any(parts: impl IntoIterator<Item = Words>) -> Self {
        let mut any = Vec::new();
        for part in parts {
            match part {
                Words::Any(inner) if any.is_empty() => any = inner,
                Words::Any(inner) => any.extend(inner),
                other => any.push(other),
            }
        }
        Self::of(any, Words::Any, "never")
    }

    fn of(mut parts: Vec<Words>, many: impl Fn(Vec<Words>) -> Words, none: &str) -> Self {
        match parts.len() {
            0 => Words::Line(none.into()),
            1 => parts.remove(0),
            _ => many(parts),
        }
    }
}

/// The writer of one policy, with the meanings and names of its variables.
#[derive(Debug)]
pub struct Voice<'m> {
    types: WrittenTypes<'m>,
    principal: Actor,
    resource: Actor,
}

/// The meaning of a variable.
#[derive(Debug)]
struct Actor {
    name: String,
    /// Whether an attribute without an owner is its own.
    understood: bool,
}

/// How two values are ordered.
#[derive(Clone, Copy)]
enum Order {
    Less,
    AtMost,
    More,
    AtLeast,
}

impl Order {
    fn of(strict: bool, truth: bool) -> Self {
        match (strict, truth) {
            (true, true) => Order::Less,
            (true, false) => Order::AtLeast,
            (false, true) => Order::AtMost,
            (false, false) => Order::More,
        }
    }

    /// The same statement with its sides exchanged.
    fn mirrored(self) -> Self {
        match self {
            Order::Less => Order::More,
            Order::AtMost => Order::AtLeast,
            Order::More => Order::Less,
            Order::AtLeast => Order::AtMost,
        }
    }

    fn of_numbers(self) -> &'static str {
        match self {
            Order::Less => "is less than",
            Order::AtMost => "is at most",
            Order::More => "is more than",
            Order::AtLeast => "is at least",
        }
    }

    fn of_moments(self) -> &'static str {
        match self {
            Order::Less => "is earlier than",
            Order::AtMost => "is no later than",
            Order::More => "is later than",
            Order::AtLeast => "is no earlier than",
        }
    }
}

impl<'m> Voice<'m> {
    /// Speaks of a check that judges `resources`.
    pub fn of_check(model: &'m Model, resources: &[TypeId]) -> Self {
        let name = match resources {
            [only] => format!("the {}", type_name(model, *only)),
            _ => "the resource".into(),
        };
        let resource = Actor { name, understood: true };
        let principal = Actor { name: format!("the {}", type_name(model, model.root)), understood: false };
        let types = WrittenTypes { model, principal: vec![model.root], resource: resources.to_vec() };
        Self { types, principal, resource }
    }

    /// Speaks of a derivation.
    pub fn of_derivation(model: &'m Model, principal: TypeId, resource: TypeId) -> Self {
        let the = if principal == resource { "that" } else { "the" };
        let actor = |ty, the| Actor { name: format!("{the} {}", type_name(model, ty)), understood: false };
        let types = WrittenTypes { model, principal: vec![principal], resource: vec![resource] };
        Self { types, principal: actor(principal, the), resource: actor(resource, "this") }
    }

    /// Says under which condition the clauses of one kind hold: every `when`, or some `unless`.
    pub fn clauses(&self, statement: &Statement, kind: ClauseKind, truth: bool) -> Words {
        let clauses = statement.clauses.iter().filter(|clause| clause.kind == kind);
        let words = clauses.map(|clause| self.condition(&clause.expr, truth));
        if (kind == ClauseKind::When) == truth { Words::all(words) } else { Words::any(words) }
    }

    /// Says what the scope of a policy asks beyond types.
    pub fn scope(&self, statement: &Statement) -> Vec<Words> {
        let WrittenTypes { principal, resource, .. } = &self.types;
        let actors =
            [(&self.principal, principal, &statement.principal), (&self.resource, resource, &statement.resource)];
        let said = |(actor, types, scope): (&Actor, &Vec<TypeId>, &Scope)| {
            let equals = scope.equals.iter().map(|uid| format!("{} is {}", actor.name, self.entity(uid)));
            let within = scope.within.iter().map(|uid| {
                let ty = self.types.model.type_named(&uid.entity_type().to_smolstr());
                let same = ty.is_none_or(|ty| types.contains(&ty));
                format!("{} {} {}", actor.name, lies_in(same, true), self.entity(uid))
            });
            equals.chain(within).map(Words::Line).collect::<Vec<_>>()
        };
        actors.into_iter().flat_map(said).collect()
    }

    /// Says that an expression is true, or that it is false.
    pub fn condition(&self, expr: &Expr, truth: bool) -> Words {
        self.words(&written::operators(expr), truth)
    }

    fn words(&self, condition: &Condition<&Expr>, truth: bool) -> Words {
        let words = |parts: &[Condition<&Expr>]| parts.iter().map(|part| self.words(part, truth)).collect::<Vec<_>>();
        match condition {
            Condition::Leaf(leaf) => self.leaf(leaf, truth),
            Condition::Not(inner) => self.words(inner, !truth),
            Condition::All(parts) if truth => Words::all(words(parts)),
            Condition::Any(parts) if !truth => Words::all(words(parts)),
            Condition::All(parts) | Condition::Any(parts) => Words::any(words(parts)),
            Condition::If(parts) => {
                let [test, then, other] = &**parts;
                let [then, other] = [then, other].map(|branch| Box::new(self.words(branch, truth)));
                Words::If(Box::new(self.words(test, true)), then, other)
            }
        }
    }

    fn leaf(&self, expr: &Expr, truth: bool) -> Words {
        match expr.expr_kind() {
            ExprKind::Lit(Literal::Bool(b)) => Words::Line(if *b == truth { "always" } else { "never" }.into()),
            ExprKind::BinaryApp { op: BinaryOp::Eq, arg1, arg2 } => match (boolean(arg1), boolean(arg2)) {
                (_, Some(value)) => self.condition(arg1, value == truth),
                (Some(value), _) => self.condition(arg2, value == truth),
                _ => Words::Line(self.equality(arg1, arg2, truth)),
            },
            _ => Words::Line(self.statement(expr, truth)),
        }
    }

    fn statement(&self, expr: &Expr, truth: bool) -> String {
        match expr.expr_kind() {
            ExprKind::BinaryApp { op, arg1, arg2 } => self.binary(expr, *op, arg1, arg2, truth),
            ExprKind::UnaryApp { op: UnaryOp::IsEmpty, arg } => {
                format!("there is {} in {}", if truth { "nothing" } else { "something" }, self.noun(arg))
            }
            ExprKind::HasAttr { expr, attr } => self.has(expr, std::slice::from_ref(attr), truth),
            ExprKind::ExtHasAttr { expr, attrs } => {
                self.has(expr, &attrs.iter().cloned().collect::<Vec<SmolStr>>(), truth)
            }
            ExprKind::Like { expr, pattern } => format!("{} {}", self.noun(expr), like(pattern, truth)),
            ExprKind::Is { expr, entity_type } => {
                let name = entity_type.to_smolstr();
                let ty = self.types.model.type_named(&name).map(|ty| type_name(self.types.model, ty));
                let ty = ty.map_or_else(|| code(&name), |ty| format!("{} {ty}", article(&ty)));
                format!("{} {} {ty}", self.noun(expr), is(truth))
            }
            ExprKind::ExtensionFunctionApp { fn_name, args } => self.call(expr, &fn_name.to_string(), args, truth),
            ExprKind::GetAttr { expr: base, attr } => self.flag(expr, base, attr, truth),
            _ => self.as_written(expr, truth),
        }
    }

    /// Returns the statement that an attribute is true or false, from its documentation.
    fn flag(&self, expr: &Expr, base: &Expr, name: &str, truth: bool) -> String {
        let doc = self.types.attribute(expr).and_then(|(_, attribute)| attribute.doc.as_deref());
        let Some(told) = doc.and_then(told) else { return format!("{} is {truth}", self.noun(expr)) };
        let named = format!("{}{}", code(name), self.owner(base));
        match denied(told).filter(|_| !truth) {
            Some(denial) => format!("{} ({named})", text(&denial)),
            None if truth => format!("{} ({named})", text(told)),
            None => format!("it is not the case that {} ({named})", text(told)),
        }
    }

    fn binary(&self, expr: &Expr, op: BinaryOp, a: &Expr, b: &Expr, truth: bool) -> String {
        match op {
            BinaryOp::Eq => self.equality(a, b, truth),
            BinaryOp::Less => self.order(a, b, Order::of(true, truth)),
            BinaryOp::LessEq => self.order(a, b, Order::of(false, truth)),
            BinaryOp::In => self.lies_in(a, b, truth),
            BinaryOp::Contains => format!("{} {}", self.noun(b), self.among(a, truth)),
            BinaryOp::ContainsAll => self.contains_all(expr, a, b, truth),
            BinaryOp::ContainsAny => self.contains_any(expr, a, b, truth),
            BinaryOp::HasTag => format!("{} has {} tag {}", self.noun(a), if truth { "a" } else { "no" }, self.noun(b)),
            BinaryOp::GetTag => format!("{} is {truth}", self.noun(expr)),
            BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul => self.as_written(expr, truth),
        }
    }

    fn equality(&self, a: &Expr, b: &Expr, truth: bool) -> String {
        let written = |expr: &Expr| matches!(expr.expr_kind(), ExprKind::Set(_));
        let turned = fixed(a) && !fixed(b) || written(a) && !written(b);
        let (a, b) = if turned { (b, a) } else { (a, b) };
        let subject = self.noun(a);
        if let ExprKind::Set(items) = b.expr_kind()
            && !written(a)
            && !items.is_empty()
        {
            let are = if truth { "are" } else { "are not" };
            return format!("the elements of {subject} {are} exactly {}", self.list(items, "and"));
        }
        if matches!(b.expr_kind(), ExprKind::Lit(Literal::String(text)) if text.is_empty()) {
            return format!("{subject} {} empty", is(truth));
        }
        let literal = matches!(b.expr_kind(), ExprKind::Set(_) | ExprKind::Record(_));
        let variable = [a, b].iter().any(|expr| matches!(expr.expr_kind(), ExprKind::Var(_)));
        let verb = match (fixed(b) || literal || variable, truth) {
            (true, _) => is(truth),
            (false, true) => "is the same as",
            (false, false) => "differs from",
        };
        format!("{subject} {verb} {}", self.noun(b))
    }

    fn order(&self, a: &Expr, b: &Expr, order: Order) -> String {
        let (since_a, since_b) = (since(a), since(b));
        let turned = since_a.is_none() && since_b.is_some() || fixed(a) && !fixed(b);
        let (a, b, order) = if turned { (b, a, order.mirrored()) } else { (a, b, order) };
        if let Some((later, earlier)) = since(a).filter(|_| since(b).is_none()) {
            let span = self.noun(b);
            // Said as a bound on one of the two moments, it is also true where they come the other way round.
            return if fixed(later) && !fixed(earlier) {
                let order = order.mirrored().of_moments();
                format!("{} {order} {span} before {}", self.noun(earlier), self.noun(later))
            } else {
                format!("{} {} {span} after {}", self.noun(later), order.of_moments(), self.noun(earlier))
            };
        }
        let moments = [a, b].iter().any(|expr| self.types.only(expr) == Some(Ty::Datetime));
        let verb = if moments { order.of_moments() } else { order.of_numbers() };
        format!("{} {verb} {}", self.noun(a), self.noun(b))
    }

    fn lies_in(&self, a: &Expr, b: &Expr, truth: bool) -> String {
        let (own, containers) = match b.expr_kind() {
            ExprKind::Set(items) => (self.types.all(a), items.iter().flat_map(|item| self.types.all(item)).collect()),
            _ => (self.types.all(a), self.types.all(b)),
        };
        let apart = |container: &Ty| match container {
            Ty::Set(element) => !own.contains(element),
            other => !own.contains(other),
        };
        let same = own.is_empty() || containers.is_empty() || !containers.iter().all(apart);
        let verb = lies_in(same, truth);
        let (one, none) = ("at least one of", "any of");
        let of = if truth { one } else { none };
        match b.expr_kind() {
            ExprKind::Set(items) if items.len() == 1 => format!("{} {verb} {}", self.noun(a), self.noun(&items[0])),
            ExprKind::Set(items) if !items.is_empty() => {
                format!("{} {verb} {of} {}", self.noun(a), self.list(items, "or"))
            }
            _ if matches!(containers.as_slice(), [Ty::Set(_), ..]) => {
                format!("{} {verb} {of} {}", self.noun(a), self.noun(b))
            }
            _ => format!("{} {verb} {}", self.noun(a), self.noun(b)),
        }
    }

    /// Says that something is or is not an element of a set, which may be written out.
    fn among(&self, set: &Expr, truth: bool) -> String {
        match set.expr_kind() {
            ExprKind::Set(items) if items.len() == 2 && !truth => {
                format!("is neither {} nor {}", self.noun(&items[0]), self.noun(&items[1]))
            }
            ExprKind::Set(items) if matches!(items.len(), 1 | 2) => format!("{} {}", is(truth), self.list(items, "or")),
            ExprKind::Set(items) if truth && !items.is_empty() => format!("is one of {}", self.list(items, "or")),
            ExprKind::Set(items) if !items.is_empty() => format!("is none of {}", self.list(items, "and")),
            _ => format!("{} among {}", is(truth), self.noun(set)),
        }
    }

    fn contains_all(&self, expr: &Expr, set: &Expr, wanted: &Expr, truth: bool) -> String {
        match wanted.expr_kind() {
            ExprKind::Set(items) if items.is_empty() => self.as_written(expr, truth),
            ExprKind::Set(items) if items.len() == 1 => {
                format!("{} {}", self.list(items, "and"), self.among(set, truth))
            }
            ExprKind::Set(items) => {
                let each = if truth { "each of" } else { "at least one of" };
                format!("{each} {} {}", self.list(items, "and"), self.among(set, truth))
            }
            _ => {
                let each = if truth { "everything" } else { "something" };
                format!("{each} in {} {}", self.noun(wanted), self.among(set, truth))
            }
        }
    }

    fn contains_any(&self, expr: &Expr, set: &Expr, wanted: &Expr, truth: bool) -> String {
        match wanted.expr_kind() {
            ExprKind::Set(items) if items.is_empty() => self.as_written(expr, truth),
            ExprKind::Set(items) if items.len() == 1 => {
                format!("{} {}", self.list(items, "and"), self.among(set, truth))
            }
            ExprKind::Set(items) => {
                let some = if truth { "at least one of" } else { "none of" };
                format!("{some} {} {}", self.list(items, "and"), self.among(set, true))
            }
            _ => {
                let some = if truth { "something" } else { "nothing" };
                format!("{some} in {} {}", self.noun(wanted), self.among(set, true))
            }
        }
    }

    fn has(&self, base: &Expr, attrs: &[SmolStr], truth: bool) -> String {
        let name = code(&attrs.join("."));
        if is_parameters(base) {
            return format!("the parameter {name} {} set", is(truth));
        }
        format!("{name}{} {} recorded", self.owner(base), is(truth))
    }

    fn call(&self, expr: &Expr, name: &str, args: &[Expr], truth: bool) -> String {
        match (name, args) {
            ("lessThan", [a, b]) => self.order(a, b, Order::of(true, truth)),
            ("lessThanOrEqual", [a, b]) => self.order(a, b, Order::of(false, truth)),
            ("greaterThan", [a, b]) => self.order(a, b, Order::of(false, !truth)),
            ("greaterThanOrEqual", [a, b]) => self.order(a, b, Order::of(true, !truth)),
            ("isInRange", [a, b]) => format!("{} {} within {}", self.noun(a), is(truth), self.noun(b)),
            ("isIpv4", [a]) => format!("{} {} IPv4", self.noun(a), is(truth)),
            ("isIpv6", [a]) => format!("{} {} IPv6", self.noun(a), is(truth)),
            ("isLoopback", [a]) => format!("{} {} loopback", self.noun(a), is(truth)),
            ("isMulticast", [a]) => format!("{} {} multicast", self.noun(a), is(truth)),
            _ => self.as_written(expr, truth),
        }
    }

    fn as_written(&self, expr: &Expr, truth: bool) -> String {
        format!("{} {}", code(&expr.to_string()), if truth { "holds" } else { "does not hold" })
    }

    /// Returns what to call a value.
    fn noun(&self, expr: &Expr) -> String {
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

    fn list(&self, items: &[Expr], last: &str) -> String {
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

    fn entity(&self, uid: &EntityUID) -> String {
        let id = code(AsRef::<str>::as_ref(uid.eid()));
        match self.types.model.type_named(&uid.entity_type().to_smolstr()) {
            Some(ty) if self.types.model.ty(ty).choices().is_some() => id,
            Some(ty) => format!("the {} {id}", type_name(self.types.model, ty)),
            None => code(&uid.to_string()),
        }
    }

    /// Returns what to call an attribute's value.
    fn read(&self, expr: &Expr, base: &Expr, name: &SmolStr) -> String {
        if is_parameters(base) {
            return self.parameter(name);
        }
        if is_context(base) {
            let what = if self.types.only(expr) == Some(Ty::Datetime) { "the time " } else { "" };
            return if name == "now" { "now".into() } else { format!("{what}{} of the snapshot", code(name)) };
        }
        let ty = self.types.only(expr);
        let counted = self.types.attribute(expr).is_some_and(|(of, attribute)| self.is_count(of, attribute));
        let words = phrase(name);
        let called = match (ty, words) {
            (Some(Ty::Datetime), _) => format!("the time {}", code(name)),
            (Some(Ty::Bool), _) | (_, None) => code(name),
            (_, Some(words)) if counted && has_plural(name) => format!("the number of {words}"),
            _ if counted => format!("the number {}", code(name)),
            (_, Some(words)) => format!("the {words}"),
        };
        called + &self.owner(base)
    }

    fn owner(&self, base: &Expr) -> String {
        match base.expr_kind() {
            ExprKind::Var(Var::Resource) if self.resource.understood => String::new(),
            ExprKind::Var(Var::Context) => " of the snapshot".into(),
            _ => format!(" of {}", self.noun(base)),
        }
    }

    fn parameter(&self, name: &str) -> String {
        let parameter = self.types.model.parameters.iter().find(|parameter| parameter.name == name);
        match parameter.and_then(|parameter| parameter.default.as_ref()) {
            // What is long stands with the parameter alone.
            None | Some(Value::Set(_) | Value::Record(_)) => code(name),
            Some(default) => format!("{} (default {})", code(name), value(self.types.model, default)),
        }
    }

    /// Whether a number says how many there are of what the attribute is named after.
    fn is_count(&self, ty: TypeId, attribute: &Attribute) -> bool {
        let Shape::Leaf(slot) = attribute.shape else { return false };
        let counted = match &self.types.model.ty(ty).slots[slot.index()].origin {
            Origin::Derived => true,
            Origin::Read(_, reader) => *reader == Some(Reader::Length),
            _ => false,
        };
        attribute.ty == Ty::Long && (counted || has_plural(&attribute.name))
    }
}

/// Writes a value that holds no entity of a snapshot.
pub fn value(model: &Model, it: &Value) -> String {
    match it {
        Value::Bool(b) => b.to_string(),
        Value::Long(n) => n.to_string(),
        Value::String(text) => quoted(text),
        Value::Decimal(n) => show_decimal(*n),
        Value::Datetime(n) => code(&show_datetime(*n)),
        Value::Duration(n) => span_of(*n),
        Value::Ip(ip) => code(&ip.to_string()),
        Value::Entity(entity) => {
            let choices = model.ty(entity.ty).choices().unwrap_or_default();
            choices.get(entity.row as usize).map(|id| code(id)).unwrap_or_default()
        }
        Value::Set(set) if set.items().is_empty() => "none".into(),
        Value::Set(set) => set.items().iter().map(|item| value(model, item)).collect::<Vec<_>>().join(", "),
        Value::Record(record) => {
            let member = |(name, member): &(SmolStr, Value)| format!("{}: {}", code(name), value(model, member));
            record.fields().iter().map(member).collect::<Vec<_>>().join(", ")
        }
    }
}

/// Joins names, the last with a word of its own.
pub(super) fn enumerated(names: &[String], last: &str) -> String {
    match names {
        [] => String::new(),
        [only] => only.clone(),
        [rest @ .., end] => format!("{} {last} {end}", rest.join(", ")),
    }
}

fn has_plural(name: &str) -> bool {
    name.split('_').any(|word| plural(word) == word)
}

fn quoted(text: &str) -> String {
    code(&serde_json::to_string(text).unwrap_or_default())
}

fn is(truth: bool) -> &'static str {
    if truth { "is" } else { "is not" }
}

/// `in`, which an entity also is in itself: that matters only where both may be the same.
fn lies_in(same: bool, truth: bool) -> &'static str {
    match (same, truth) {
        (false, true) => "is in",
        (false, false) => "is not in",
        (true, true) => "is, or is in,",
        (true, false) => "neither is nor is in",
    }
}

/// Returns the statement in the documentation of a truth value: the first sentence after "Whether".
fn told(doc: &str) -> Option<&str> {
    let told = ["Whether ", "True if "].iter().find_map(|start| doc.strip_prefix(start))?;
    // A full stop before a small letter ends an abbreviation.
    let ends = |at: usize| !told[at + 2..].starts_with(char::is_lowercase);
    let end = told.match_indices(". ").map(|(at, _)| at).find(|at| ends(*at)).unwrap_or(told.len());
    Some(told[..end].trim_end_matches('.')).filter(|told| !told.is_empty())
}

fn operator(op: BinaryOp) -> Option<&'static str> {
    match op {
        BinaryOp::Add => Some("plus"),
        BinaryOp::Sub => Some("minus"),
        BinaryOp::Mul => Some("times"),
        _ => None,
    }
}

fn like(pattern: &Pattern, truth: bool) -> String {
    let elems = pattern.get_elems();
    let inner = |elems: &[PatternElem]| {
        let chars = elems.iter().map(|elem| match elem {
            PatternElem::Char(c) => Some(*c),
            PatternElem::Wildcard => None,
        });
        chars.collect::<Option<String>>().filter(|text| !text.is_empty()).map(|text| quoted(&text))
    };
    let (positive, negative, rest) = match elems {
        [PatternElem::Wildcard, rest @ .., PatternElem::Wildcard] => ("contains", "does not contain", inner(rest)),
        [rest @ .., PatternElem::Wildcard] => ("starts with", "does not start with", inner(rest)),
        [PatternElem::Wildcard, rest @ ..] => ("ends with", "does not end with", inner(rest)),
        exact => ("is", "is not", inner(exact)),
    };
    match rest {
        Some(rest) => format!("{} {rest}", if truth { positive } else { negative }),
        None => {
            let verb = if truth { "matches" } else { "does not match" };
            format!("{verb} {}, where {} is any text", code(&format!("\"{pattern}\"")), code("*"))
        }
    }
}

fn boolean(expr: &Expr) -> Option<bool> {
    match expr.expr_kind() {
        ExprKind::Lit(Literal::Bool(b)) => Some(*b),
        _ => None,
    }
}

/// Whether an expression is the same in the whole run: a literal, a parameter, the time.
fn fixed(expr: &Expr) -> bool {
    match expr.expr_kind() {
        ExprKind::Lit(_) => true,
        ExprKind::GetAttr { expr, .. } => is_context(expr) || is_parameters(expr),
        ExprKind::ExtensionFunctionApp { .. } => constant(expr).is_some(),
        _ => false,
    }
}

/// The moments of `later.durationSince(earlier)`.
fn since(expr: &Expr) -> Option<(&Expr, &Expr)> {
    match expr.expr_kind() {
        ExprKind::ExtensionFunctionApp { fn_name, args } if fn_name.to_string() == "durationSince" => {
            args.first().zip(args.get(1))
        }
        _ => None,
    }
}

/// Returns the words for the value of a constructor with a literal.
fn constant(expr: &Expr) -> Option<String> {
    let Constructed { text, value, .. } = written::constructed(expr)?;
    Some(match value {
        Value::Duration(millis) => span_of(millis),
        _ => code(text),
    })
}

/// Writes a duration, which may be negative.
fn span_of(millis: i64) -> String {
    let length = duration(millis.unsigned_abs());
    if millis < 0 { format!("minus {length}") } else { length }
}

/// Writes a length of time in the largest units that leave nothing over.
fn duration(millis: u64) -> String {
    let mut rest = millis;
    let mut parts = Vec::new();
    let units = [("day", 86_400_000), ("hour", 3_600_000), ("minute", 60_000), ("second", 1000), ("millisecond", 1)];
    for (unit, size) in units {
        match rest / size {
            0 => {}
            1 => parts.push(format!("1 {unit}")),
            many => parts.push(format!("{many} {unit}s")),
        }
        rest %= size;
    }
    if parts.is_empty() { "no time".into() } else { enumerated(&parts, "and") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Code;
    use crate::policy::Policies;
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

    /// Says a condition of a policy with this head, and its negation.
    fn said(head: &str, condition: &str) -> [String; 2] {
        let schema = Schema::parse(&Source::new("test.cedarschema", SCHEMA).unwrap()).0.unwrap();
        let policy = format!("{head} when {{ {condition} }};");
        let (policies, diagnostics) = Policies::parse(&schema, &[Source::new("test.cedar", policy).unwrap()]);
        assert!(diagnostics.iter().all(|found| found.code == Code::PolicyWarning), "{condition}: {diagnostics:?}");
        let ty = |name: &str| schema.model.type_named(name).unwrap();
        let (voice, statement) = match (policies.checks.first(), policies.derivations.first()) {
            (Some(check), _) => (Voice::of_check(&schema.model, &[ty("Boat")]), &check.statement),
            (_, Some(derivation)) => {
                let statement = &derivation.statement;
                let principal = ty(statement.principal.ty.as_ref().unwrap());
                (Voice::of_derivation(&schema.model, principal, ty("Pier")), statement)
            }
            _ => panic!("one policy"),
        };
        [true, false].map(|truth| flat(&voice.clauses(statement, ClauseKind::When, truth)))
    }

    #[track_caller]
    fn check(condition: &str, positive: &str, negative: &str) {
        let head = r#"@id("T") @title("T") @severity("low")
            forbid (principal, action == Action::"audit", resource is Boat)"#;
        assert_eq!(said(head, condition), [positive, negative], "{condition}");
    }

    #[test]
    fn values_are_compared_in_words() {
        check("resource.length < 3", "the length is less than 3", "the length is at least 3");
        check("resource.length <= 3", "the length is at most 3", "the length is more than 3");
        check("3 < resource.length", "the length is more than 3", "the length is at most 3");
        check(
            "resource.pier.boats >= context.parameters.most",
            "the number of boats of the pier is at least `most` (default 2)",
            "the number of boats of the pier is less than `most` (default 2)",
        );
        check(
            "100 * (resource.length + 1) - -resource.crew_members > 3",
            "(100 times (the length plus 1)) minus (minus the number of crew members) is more than 3",
            "(100 times (the length plus 1)) minus (minus the number of crew members) is at most 3",
        );
        check("resource.fee.lessThan(decimal(\"1.5\"))", "the fee is less than `1.5`", "the fee is at least `1.5`");
        check(
            "resource.fee.greaterThanOrEqual(decimal(\"1.5\"))",
            "the fee is at least `1.5`",
            "the fee is less than `1.5`",
        );
        check("resource.light == Light::\"red\"", "the light is `red`", "the light is not `red`");
        check("\"x\" != resource.name", "the name is not `\"x\"`", "the name is `\"x\"`");
        check("resource.name == \"\"", "the name is empty", "the name is not empty");
        check(
            "resource.name == resource.pier.id",
            "the name is the same as the ID of the pier",
            "the name differs from the ID of the pier",
        );
        check("resource == resource", "the boat is the boat", "the boat is not the boat");
    }

    #[test]
    fn moments_and_durations_are_said_exactly() {
        check(
            "context.now.durationSince(resource.seen_at) <= context.parameters.max_age",
            "the time `seen_at` is no earlier than `max_age` (default 14 days) before now",
            "the time `seen_at` is earlier than `max_age` (default 14 days) before now",
        );
        check(
            "duration(\"1d12h\") < resource.leaves_at.durationSince(resource.seen_at)",
            "the time `leaves_at` is later than 1 day and 12 hours after the time `seen_at`",
            "the time `leaves_at` is no later than 1 day and 12 hours after the time `seen_at`",
        );
        check(
            "resource.seen_at.offset(duration(\"-1h\")) < context.captured_at",
            "1 hour before the time `seen_at` is earlier than the time `captured_at` of the snapshot",
            "1 hour before the time `seen_at` is no earlier than the time `captured_at` of the snapshot",
        );
        check(
            "resource.seen_at.toDate() == datetime(\"2026-01-01\")",
            "the start of the day of the time `seen_at` is `2026-01-01`",
            "the start of the day of the time `seen_at` is not `2026-01-01`",
        );
        check(
            "context.parameters.max_age.toDays() > 3",
            "`max_age` (default 14 days) in whole days is more than 3",
            "`max_age` (default 14 days) in whole days is at most 3",
        );
        assert_eq!(duration(0), "no time");
        assert_eq!(duration(90_061_001), "1 day, 1 hour, 1 minute, 1 second and 1 millisecond");
    }

    #[test]
    fn negation_goes_down_to_the_statements() {
        check(
            "!(resource.moored && (resource.painted || !(resource.length < 3)))",
            "any(it is not the case that the boat lies still (`moored`); all(`painted` is false; the length is less than 3))",
            "all(the boat lies still (`moored`); any(`painted` is true; the length is at least 3))",
        );
        check("resource.afloat", "the boat is afloat (`afloat`)", "the boat is not afloat (`afloat`)");
        check(
            "if resource.moored then resource.painted else resource.length < 3",
            "if(the boat lies still (`moored`); `painted` is true; the length is less than 3)",
            "if(the boat lies still (`moored`); `painted` is false; the length is at least 3)",
        );
        assert_eq!(told("Whether masts, e.g. two, stand. Look up."), Some("masts, e.g. two, stand"));
        assert_eq!(told("The masts."), None);
        check("resource.painted == false", "`painted` is false", "`painted` is true");
        check("resource.painted != (true)", "`painted` is false", "`painted` is true");
        check("resource.painted || true", "any(`painted` is true; always)", "all(`painted` is false; never)");
    }

    #[test]
    fn sets_are_said_by_their_elements() {
        check("resource.lights.contains(Light::\"red\")", "`red` is among the lights", "`red` is not among the lights");
        check(
            "[Light::\"red\", Light::\"green\"].contains(resource.light)",
            "the light is `red` or `green`",
            "the light is neither `red` nor `green`",
        );
        check(
            "[\"a\", \"b\", \"c\"].contains(resource.name)",
            "the name is one of `\"a\"`, `\"b\"` or `\"c\"`",
            "the name is none of `\"a\"`, `\"b\"` and `\"c\"`",
        );
        check(
            "resource.pier.flags.containsAll([\"a\", \"b\"])",
            "each of `\"a\"` and `\"b\"` is among the flags of the pier",
            "at least one of `\"a\"` and `\"b\"` is not among the flags of the pier",
        );
        check(
            "resource.pier.flags.containsAny([\"a\", \"b\"])",
            "at least one of `\"a\"` and `\"b\"` is among the flags of the pier",
            "none of `\"a\"` and `\"b\"` is among the flags of the pier",
        );
        check(
            "resource.pier.flags.containsAll(context.parameters.names)",
            "everything in `names` is among the flags of the pier",
            "something in `names` is not among the flags of the pier",
        );
        check(
            "resource.pier.flags.containsAny(context.parameters.names)",
            "something in `names` is among the flags of the pier",
            "nothing in `names` is among the flags of the pier",
        );
        check("resource.lights.isEmpty()", "there is nothing in the lights", "there is something in the lights");
        check(
            "resource.pier.flags == [\"a\"]",
            "the elements of the flags of the pier are exactly `\"a\"`",
            "the elements of the flags of the pier are not exactly `\"a\"`",
        );
        check(
            "{ a: resource.length } == { a: 1 }",
            "the record of `a`: the length is the record of `a`: 1",
            "the record of `a`: the length is not the record of `a`: 1",
        );
    }

    #[test]
    fn entities_texts_and_addresses_have_words_of_their_own() {
        check("resource is Boat", "the boat is a boat", "the boat is not a boat");
        check("resource in Pier::\"east\"", "the boat is in the pier `east`", "the boat is not in the pier `east`");
        check(
            "resource.pier in [Pier::\"east\", Pier::\"west\"]",
            "the pier is, or is in, at least one of the pier `east` or the pier `west`",
            "the pier neither is nor is in any of the pier `east` or the pier `west`",
        );
        check("resource in principal", "the boat is in the harbour", "the boat is not in the harbour");
        check("resource has sailed_by", "`sailed_by` is recorded", "`sailed_by` is not recorded");
        check("resource has papers.issuer", "`papers.issuer` is recorded", "`papers.issuer` is not recorded");
        check(
            "resource has papers && resource.papers.valid",
            "all(`papers` is recorded; `valid` of the papers is true)",
            "any(`papers` is not recorded; `valid` of the papers is false)",
        );
        check("context.parameters has spare", "the parameter `spare` is set", "the parameter `spare` is not set");
        check(
            "resource.hasTag(\"k\") && resource.getTag(\"k\") == \"v\"",
            "all(the boat has a tag `\"k\"`; the tag `\"k\"` of the boat is `\"v\"`)",
            "any(the boat has no tag `\"k\"`; the tag `\"k\"` of the boat is not `\"v\"`)",
        );
        check(
            "resource.name like \"HMS *\"",
            "the name starts with `\"HMS \"`",
            "the name does not start with `\"HMS \"`",
        );
        check("resource.name like \"*sea*\"", "the name contains `\"sea\"`", "the name does not contain `\"sea\"`");
        check("resource.name like \"*s\"", "the name ends with `\"s\"`", "the name does not end with `\"s\"`");
        check("resource.name like \"s\"", "the name is `\"s\"`", "the name is not `\"s\"`");
        check(
            "resource.name like \"a*b\\*\"",
            "the name matches `\"a*b\\*\"`, where `*` is any text",
            "the name does not match `\"a*b\\*\"`, where `*` is any text",
        );
        check(
            "resource.berth.isInRange(ip(\"10.0.0.0/8\"))",
            "the berth is within `10.0.0.0/8`",
            "the berth is not within `10.0.0.0/8`",
        );
        check("resource.berth.isIpv4()", "the berth is IPv4", "the berth is not IPv4");
    }

    #[test]
    fn what_has_no_words_stands_as_it_is_written() {
        let [positive, negative] = said(
            r#"@id("T") @title("T") @severity("low") forbid (principal, action == Action::"audit", resource is Boat)"#,
            "(if resource.moored then 1 else 2) < 3",
        );
        assert!(positive.starts_with('`') && positive.ends_with("` is less than 3"), "{positive}");
        assert!(negative.contains("if ") && negative.ends_with("` is at least 3"), "{negative}");
    }

    #[test]
    fn a_derivation_tells_its_two_sides_apart() {
        let head = |principal: &str| {
            format!(
                r#"@id("t") @derives("boats")
                permit (principal is {principal}, action == Action::"derive", resource is Pier)"#
            )
        };
        assert_eq!(
            said(&head("Boat"), "principal in resource && principal.pier.id == resource.id")[0],
            "all(the boat is in this pier; the ID of the pier of the boat is the same as the ID of this pier)"
        );
        assert_eq!(
            said(&head("Pier"), "principal != resource && principal in resource")[0],
            "all(that pier is not this pier; that pier is, or is in, this pier)"
        );
    }

    #[test]
    fn what_a_scope_asks_is_said() {
        let schema = Schema::parse(&Source::new("test.cedarschema", SCHEMA).unwrap()).0.unwrap();
        let policy = r#"@id("T") @title("T") @severity("low")
            forbid (principal == Harbour::"h", action == Action::"audit", resource is Boat in Pier::"east");"#;
        let (policies, _) = Policies::parse(&schema, &[Source::new("test.cedar", policy).unwrap()]);
        let voice = Voice::of_check(&schema.model, &[schema.model.type_named("Boat").unwrap()]);
        let said: Vec<String> = voice.scope(&policies.checks[0].statement).iter().map(flat).collect();
        assert_eq!(said, ["the harbour is the harbour `h`", "the boat is in the pier `east`"]);
    }

    #[test]
    fn clauses_of_one_kind_go_together_as_cedar_has_it() {
        let head = r#"@id("T") @title("T") @severity("low")
            forbid (principal, action == Action::"audit", resource is Boat) when { resource.painted }"#;
        assert_eq!(
            said(head, "resource.length < 3"),
            ["all(`painted` is true; the length is less than 3)", "any(`painted` is false; the length is at least 3)"]
        );
    }
}
