//! Leaves of conditions as English sentences: comparisons, memberships, tests of presence, attributes of type `Bool`.
//!
//! Each function also writes the negation, so that no "not" applies to a list. An expression without words is written
//! as Cedar text.

use super::escape::{code, text};
use super::names::{article, type_name};
use super::negation::denied;
use super::nouns::Writer;
use super::values::{constant, quoted};
use crate::program::types::{is_context, is_parameters};
use crate::schema::Ty;
use cedar_policy_core::ast::{BinaryOp, Expr, ExprKind, Literal, Pattern, PatternElem, UnaryOp};
use smol_str::{SmolStr, ToSmolStr};

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

    /// Returns the order of the operands in the other sequence.
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

impl Writer<'_> {
    /// Returns the sentence that a leaf is true, or that it is false.
    pub(super) fn sentence(&self, expr: &Expr, truth: bool) -> String {
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
            ExprKind::GetAttr { expr: base, attr } => self.boolean(expr, base, attr, truth),
            _ => self.as_written(expr, truth),
        }
    }

    /// Returns the statement that an attribute is true or false, from its documentation.
    fn boolean(&self, expr: &Expr, base: &Expr, name: &str, truth: bool) -> String {
        let doc = self.types.doc(expr);
        let Some(statement) = doc.and_then(statement_of) else { return format!("{} is {truth}", self.noun(expr)) };
        let named = format!("{}{}", code(name), self.owner(base));
        match denied(statement).filter(|_| !truth) {
            Some(denial) => format!("{} ({named})", text(&denial)),
            None if truth => format!("{} ({named})", text(statement)),
            None => format!("it is not the case that {} ({named})", text(statement)),
        }
    }

    fn binary(&self, expr: &Expr, op: BinaryOp, a: &Expr, b: &Expr, truth: bool) -> String {
        match op {
            BinaryOp::Eq => self.equality(a, b, truth),
            BinaryOp::Less => self.order(a, b, Order::of(true, truth)),
            BinaryOp::LessEq => self.order(a, b, Order::of(false, truth)),
            BinaryOp::In => self.containment(a, b, truth),
            BinaryOp::Contains => format!("{} {}", self.noun(b), self.among(a, truth)),
            BinaryOp::ContainsAll => self.contains_all(expr, a, b, truth),
            BinaryOp::ContainsAny => self.contains_any(expr, a, b, truth),
            BinaryOp::HasTag => format!("{} has {} tag {}", self.noun(a), if truth { "a" } else { "no" }, self.noun(b)),
            BinaryOp::GetTag => format!("{} is {truth}", self.noun(expr)),
            BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul => self.as_written(expr, truth),
        }
    }

    /// Returns the sentence that two values are equal, or that they differ.
    pub(super) fn equality(&self, a: &Expr, b: &Expr, truth: bool) -> String {
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
            // A bound on one of the two moments is also true if they are in the other order.
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

    fn containment(&self, a: &Expr, b: &Expr, truth: bool) -> String {
        let (own, containers) = match b.expr_kind() {
            ExprKind::Set(items) => (self.types.all(a), items.iter().flat_map(|item| self.types.all(item)).collect()),
            _ => (self.types.all(a), self.types.all(b)),
        };
        let apart = |container: &Ty| match container {
            Ty::Set(element) => !own.contains(element),
            other => !own.contains(other),
        };
        let same = own.is_empty() || containers.is_empty() || !containers.iter().all(apart);
        let verb = is_in(same, truth);
        let (one, none) = ("at least one of", "any of");
        let of = if truth { one } else { none };
        match b.expr_kind() {
            ExprKind::Set(items) if items.len() == 1 => {
                format!("{} {verb} {}", self.noun(a), self.list(items, "or"))
            }
            ExprKind::Set(items) if !items.is_empty() => {
                format!("{} {verb} {of} {}", self.noun(a), self.list(items, "or"))
            }
            _ if matches!(containers.as_slice(), [Ty::Set(_), ..]) => {
                format!("{} {verb} {of} {}", self.noun(a), self.noun(b))
            }
            _ => format!("{} {verb} {}", self.noun(a), self.noun(b)),
        }
    }

    /// Returns the words that a value is an element of a set, or is not.
    fn among(&self, set: &Expr, truth: bool) -> String {
        match set.expr_kind() {
            #[expect(clippy::indexing_slicing, reason = "the guard has checked the length")]
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
}

fn is(truth: bool) -> &'static str {
    if truth { "is" } else { "is not" }
}

/// Returns the verb for `in`. An entity is in itself, which matters only if both sides may be the same entity.
pub(super) fn is_in(same: bool, truth: bool) -> &'static str {
    match (same, truth) {
        (false, true) => "is in",
        (false, false) => "is not in",
        (true, true) => "is, or is in,",
        (true, false) => "neither is nor is in",
    }
}

/// Returns the statement in the documentation of an attribute of type `Bool`: the first sentence after "Whether".
fn statement_of(doc: &str) -> Option<&str> {
    let claim = ["Whether ", "True if "].iter().find_map(|start| doc.strip_prefix(start))?;
    // A full stop before a small letter ends an abbreviation.
    let ends = |at: usize| claim.get(at + 2..).is_some_and(|rest| !rest.starts_with(char::is_lowercase));
    let end = claim.match_indices(". ").map(|(at, _)| at).find(|at| ends(*at)).unwrap_or(claim.len());
    claim.get(..end).map(|claim| claim.trim_end_matches('.')).filter(|claim| !claim.is_empty())
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

/// Returns whether an expression has one value in the whole run: a literal, a parameter, the time.
fn fixed(expr: &Expr) -> bool {
    match expr.expr_kind() {
        ExprKind::Lit(_) => true,
        ExprKind::GetAttr { expr, .. } => is_context(expr) || is_parameters(expr),
        ExprKind::ExtensionFunctionApp { .. } => constant(expr).is_some(),
        _ => false,
    }
}

/// Returns the moments of `later.durationSince(earlier)`.
fn since(expr: &Expr) -> Option<(&Expr, &Expr)> {
    match expr.expr_kind() {
        ExprKind::ExtensionFunctionApp { fn_name, args } if fn_name.to_string() == "durationSince" => {
            args.first().zip(args.get(1))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::sample::check;

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
    fn moments_and_durations_have_exact_words() {
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
    }

    #[test]
    fn sets_are_written_by_their_elements() {
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
    fn the_statement_of_a_documentation_is_its_first_sentence() {
        assert_eq!(statement_of("Whether masts, e.g. two, stand. Look up."), Some("masts, e.g. two, stand"));
        assert_eq!(statement_of("The masts."), None);
    }
}
