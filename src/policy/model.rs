//! The policies of a pack as data.

use crate::ids::{IdVec, id};
use crate::schema::SlotId;
use crate::source::{Place, Source, Span};
use cedar_policy::PolicySet;
use cedar_policy_core::ast::{self, EntityUID};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::collections::HashSet;
use std::sync::Arc;

/// How much a failed check matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the levels name themselves")]
pub enum CheckSeverity {
    Low,
    Medium,
    High,
    Critical,
}

impl CheckSeverity {
    /// All levels, the mildest first.
    pub const ALL: [CheckSeverity; 4] =
        [CheckSeverity::Low, CheckSeverity::Medium, CheckSeverity::High, CheckSeverity::Critical];

    /// Returns the name annotations and reports use.
    pub fn name(self) -> &'static str {
        match self {
            CheckSeverity::Low => "low",
            CheckSeverity::Medium => "medium",
            CheckSeverity::High => "high",
            CheckSeverity::Critical => "critical",
        }
    }
}

impl std::str::FromStr for CheckSeverity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = CheckSeverity::ALL.into_iter().find(|level| level.name() == text);
        found.ok_or_else(|| "expected `low`, `medium`, `high` or `critical`".into())
    }
}

id! {
    /// A waiver of a set of policies.
    pub struct WaiverId(u32)
}

id! {
    /// A check of [`Policies`].
    pub struct CheckId(u32)
}

id! {
    /// A derivation of [`Policies`].
    pub struct DerivationId(u32)
}

/// The policies of one or more files that belong to one schema.
#[derive(Debug, Default)]
pub struct Policies {
    /// Checks in order of their ids.
    pub checks: IdVec<CheckId, Check>,
    /// Derivations in order of their ids.
    pub derivations: IdVec<DerivationId, Arc<Derivation>>,
    /// Waivers in order of their ids.
    pub waivers: IdVec<WaiverId, Waiver>,
    /// Every sound policy, for the official evaluator.
    pub cedar: PolicySet,
    /// Attributes that some derivation names which could not be read: their values are not known.
    pub unread_derivations: HashSet<SmolStr>,
}

impl Policies {
    /// Returns the check with an `@id`.
    pub fn check_named(&self, id: &str) -> Option<CheckId> {
        self.checks.entries().find(|(_, check)| check.statement.id == id).map(|(at, _)| at)
    }
}

/// A `forbid` for the audit action.
#[derive(Debug, Clone)]
pub struct Check {
    /// The `@title`.
    pub title: SmolStr,
    /// The severity.
    pub severity: CheckSeverity,
    /// The `@severity`, if the project replaced it.
    pub overridden: Option<Overridden>,
    /// The `@remediation`.
    pub remediation: Option<SmolStr>,
    /// The `@source`, a URL.
    pub reference: Option<SmolStr>,
    /// The `@doc`.
    pub doc: Option<SmolStr>,
    /// Controls by framework name.
    pub controls: Vec<(SmolStr, Vec<SmolStr>)>,
    /// The statement.
    pub statement: Statement,
}

/// The severity of a policy that a project replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overridden {
    /// The severity in the policy.
    pub severity: CheckSeverity,
    /// The reason of the replacement.
    pub reason: SmolStr,
    /// The place of the replacement.
    pub place: Place,
}

/// A `permit` or `forbid` for the derive action.
#[derive(Debug, Clone)]
pub struct Derivation {
    /// The attribute it computes.
    pub derives: SmolStr,
    /// The span of `@derives`.
    pub derives_span: Span,
    /// Whether it takes away (`forbid`) instead of adding.
    pub subtracts: bool,
    /// The slot of the principals whose different values are counted: `@distinct`.
    pub distinct: Option<SlotId>,
    /// Whether it is a definition: a condition on the resource alone. Its only principal is the root.
    pub defines: bool,
    /// The statement.
    pub statement: Statement,
}

/// A `permit` for the audit action: it accepts failures of a check until a day.
#[derive(Debug, Clone)]
pub struct Waiver {
    /// The id of the check.
    pub check: SmolStr,
    /// The span of that id.
    pub check_span: Span,
    /// The `@reason`.
    pub reason: SmolStr,
    /// The `@owner`.
    pub owner: SmolStr,
    /// The `@expires`: the last day, `YYYY-MM-DD`.
    pub expires: SmolStr,
    /// The span of that annotation.
    pub expires_span: Span,
    /// The end of that day in UTC, in milliseconds since 1970.
    pub end: i64,
    /// The `@ticket`.
    pub ticket: Option<SmolStr>,
    /// The `@fingerprint`: the only verdict that it covers.
    pub fingerprint: Option<SmolStr>,
    /// The `@unknown_too`.
    pub unknowns: Unknowns,
    /// The span of the effect and the scope.
    pub head: Span,
    /// The statement.
    pub statement: Statement,
}

impl Waiver {
    /// Returns whether its last day is not over at a time, in milliseconds since 1970.
    pub fn is_live(&self, time: i64) -> bool {
        time < self.end
    }
}

/// The verdicts that a waiver waives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknowns {
    /// Failures only.
    Kept,
    /// Failures and unknown verdicts.
    Too,
    /// Unknown verdicts only.
    Only,
}

/// The common part of checks, derivations and waivers.
#[derive(Debug, Clone)]
pub struct Statement {
    /// The `@id`.
    pub id: SmolStr,
    /// The file.
    pub source: Arc<Source>,
    /// The whole policy.
    pub span: Span,
    /// The scope of the principal.
    pub principal: Scope,
    /// Where that is written.
    pub principal_span: Span,
    /// The scope of the resource.
    pub resource: Scope,
    /// Where that is written.
    pub resource_span: Span,
    /// The clauses in order.
    pub clauses: Vec<Clause>,
    /// Whether Cedar's validator has shown that it can never hold.
    pub idle: bool,
    /// Whether Cedar's validator found no error in it. An invalid policy is listed and not evaluated.
    pub valid: bool,
}

impl Statement {
    /// Returns whether a condition names the principal.
    pub(super) fn names_principal(&self) -> bool {
        let is_principal = |expr: &ast::Expr| matches!(expr.expr_kind(), ast::ExprKind::Var(ast::Var::Principal));
        self.clauses.iter().any(|clause| clause.expr.subexpressions().any(is_principal))
    }
}

/// The part of a scope that narrows down one variable.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// `is T`.
    pub ty: Option<SmolStr>,
    /// `in E`.
    pub within: Option<EntityUID>,
    /// `== E`.
    pub equals: Option<EntityUID>,
}

/// A `when` or `unless` clause.
#[derive(Debug, Clone)]
pub struct Clause {
    /// Which of the two.
    pub kind: ClauseKind,
    /// The clause with its keyword.
    pub span: Span,
    /// Its expression.
    pub expr: ast::Expr,
}

/// The keyword of a clause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "Cedar's keywords")]
pub enum ClauseKind {
    When,
    Unless,
}

impl Policies {
    /// Returns the statements of all checks, derivations and waivers.
    pub(super) fn statements(&mut self) -> impl Iterator<Item = &mut Statement> {
        let checks = self.checks.iter_mut().map(|check| &mut check.statement);
        let derivations = self.derivations.iter_mut().map(|derivation| &mut Arc::make_mut(derivation).statement);
        checks.chain(derivations).chain(self.waivers.iter_mut().map(|waiver| &mut waiver.statement))
    }
}
