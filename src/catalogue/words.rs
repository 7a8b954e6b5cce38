//! Conditions in English.
//!
//! Negation is pushed down to the leaves, so that no "not" applies to a list.

use super::comparisons::is_in;
use super::nouns::{Variable, Writer};
use crate::policy::{ClauseKind, Scope, Statement};
use crate::program::Condition;
use crate::program::types::{WrittenTypes, by_type};
use crate::program::written;
use crate::value::TypeId;
use cedar_policy_core::ast::{BinaryOp, Expr, ExprKind, Literal};
use smol_str::ToSmolStr;

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

impl<'m> Writer<'m> {
    /// Returns the words that the clauses of one kind are satisfied, every `when` or some `unless`, or that they are
    /// not.
    pub fn clauses(&self, statement: &Statement, kind: ClauseKind, truth: bool) -> Words {
        let clauses = statement.clauses.iter().filter(|clause| clause.kind == kind);
        let words = clauses.map(|clause| self.condition(&clause.expr, truth));
        if (kind == ClauseKind::When) == truth { Words::all(words) } else { Words::any(words) }
    }

    /// Returns the words for the conditions of a scope, except types.
    pub fn scope(&self, statement: &Statement) -> Vec<Words> {
        let WrittenTypes { principal, resource, .. } = &self.types;
        let variables =
            [(&self.principal, principal, &statement.principal), (&self.resource, resource, &statement.resource)];
        let words = |(variable, types, scope): (&Variable, &Vec<TypeId>, &Scope)| {
            let equals = scope.equals.iter().map(|uid| format!("{} is {}", variable.name, self.entity(uid)));
            let within = scope.within.iter().map(|uid| {
                let ty = self.types.model.type_named(&uid.entity_type().to_smolstr());
                let same = ty.is_none_or(|ty| types.contains(&ty));
                format!("{} {} {}", variable.name, is_in(same, true), self.entity(uid))
            });
            equals.chain(within).map(Words::Line).collect::<Vec<_>>()
        };
        variables.into_iter().flat_map(words).collect()
    }

    /// Returns the words that an expression is true, or that it is false.
    pub fn condition(&self, expr: &Expr, truth: bool) -> Words {
        self.words(&written::operators(expr), truth)
    }

    fn words(&self, condition: &Condition<&Expr>, truth: bool) -> Words {
        if let Some(answer) = self.settled(condition) {
            return Words::Line(if answer == truth { "always" } else { "never" }.into());
        }
        let words = |parts: &[Condition<&Expr>]| {
            // The types determine a part that has the same outcome for every type; the other parts decide.
            let decides = |part: &&Condition<&Expr>| self.settled(part).is_none();
            parts.iter().filter(decides).map(|part| self.words(part, truth)).collect::<Vec<_>>()
        };
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

    /// Returns the outcome of a condition that `resource is T` determines alike for each of several types.
    fn settled(&self, condition: &Condition<&Expr>) -> Option<bool> {
        let WrittenTypes { model, resource, .. } = &self.types;
        let (first, others) = resource.split_first().filter(|(_, others)| !others.is_empty())?;
        let names_type = |leaf: &&Expr| matches!(leaf.expr_kind(), ExprKind::Is { .. });
        if !condition.leaves().into_iter().any(names_type) {
            return None;
        }
        let outcome = |ty: &TypeId| by_type(model, *ty, condition).known();
        outcome(first).filter(|answer| others.iter().all(|ty| outcome(ty) == Some(*answer)))
    }

    fn leaf(&self, expr: &Expr, truth: bool) -> Words {
        match expr.expr_kind() {
            ExprKind::Lit(Literal::Bool(b)) => Words::Line(if *b == truth { "always" } else { "never" }.into()),
            ExprKind::BinaryApp { op: BinaryOp::Eq, arg1, arg2 } => match (literal(arg1), literal(arg2)) {
                (_, Some(value)) => self.condition(arg1, value == truth),
                (Some(value), _) => self.condition(arg2, value == truth),
                _ => Words::Line(self.equality(arg1, arg2, truth)),
            },
            _ => Words::Line(self.sentence(expr, truth)),
        }
    }
}

fn literal(expr: &Expr) -> Option<bool> {
    match expr.expr_kind() {
        ExprKind::Lit(Literal::Bool(b)) => Some(*b),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::catalogue::sample::{CHECK, check, scope, worded};

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
        check("resource.painted == false", "`painted` is false", "`painted` is true");
        check("resource.painted != (true)", "`painted` is false", "`painted` is true");
        check("resource.painted || true", "any(`painted` is true; always)", "all(`painted` is false; never)");
    }

    #[test]
    fn a_scope_has_words() {
        let policy = r#"@id("T") @title("T") @severity("low")
            forbid (principal == Harbour::"h", action == Action::"audit", resource is Boat in Pier::"east");"#;
        assert_eq!(scope(policy), ["the harbour is the harbour `h`", "the boat is in the pier `east`"]);
    }

    #[test]
    fn clauses_of_one_kind_are_combined_as_in_cedar() {
        let head = format!("{CHECK} when {{ resource.painted }}");
        assert_eq!(
            worded(&head, "resource.length < 3"),
            ["all(`painted` is true; the length is less than 3)", "any(`painted` is false; the length is at least 3)"]
        );
    }
}
