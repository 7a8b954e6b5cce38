//! The policies of a pack as data.

use crate::ids::{IdVec, id};
use crate::schema::SlotId;
use crate::source::{Place, Source, Span};
use cedar_policy::{PolicyId, PolicySet};
use cedar_policy_core::ast::{self, EntityUID};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::collections::{BTreeMap, HashSet};
use std::ops::Deref;
use std::sync::{Arc, LazyLock};

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
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Policies {
    /// Checks in order of their ids.
    pub checks: IdVec<CheckId, Check>,
    /// Derivations in order of their ids.
    pub derivations: IdVec<DerivationId, Arc<Derivation>>,
    /// Waivers in order of their ids.
    pub waivers: IdVec<WaiverId, Waiver>,
    /// Every sound policy that was parsed, for the official evaluator. See [`Policies::official`] for all.
    #[serde(skip)]
    pub cedar: PolicySet,
    /// Attributes that some derivation names which could not be read: their values are not known.
    #[serde(skip)]
    pub unread_derivations: HashSet<SmolStr>,
    /// Whether a policy of the files has an error, so that it may be missing here.
    #[serde(skip)]
    pub has_errors: bool,
}

impl Policies {
    /// Returns the check with an `@id`.
    pub fn check_named(&self, id: &str) -> Option<CheckId> {
        self.checks.entries().find(|(_, check)| check.statement.id == id).map(|(at, _)| at)
    }

    /// Returns a policy for the official evaluator, under an id that Cedar or `@id` gives it.
    pub fn official<'p>(&'p self, statement: &'p Statement) -> Option<&'p cedar_policy::Policy> {
        match &statement.clauses {
            Clauses::Parsed(_) => self.cedar.policy(&PolicyId::new(&statement.id)),
            Clauses::Saved(file, at) => Some(&file[at].policy),
        }
    }
}

/// A `forbid` for the audit action.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Check {
    /// The `@title`.
    pub title: SmolStr,
    /// The severity.
    pub severity: CheckSeverity,
    /// The `@severity`, if the project replaced it.
    #[serde(skip)]
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
#[derive(Debug, Clone, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unknowns {
    /// Failures only.
    Kept,
    /// Failures and unknown verdicts.
    Too,
    /// Unknown verdicts only.
    Only,
}

/// The common part of checks, derivations and waivers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Statement {
    /// The `@id`.
    pub id: SmolStr,
    /// The file.
    #[serde(with = "crate::source::by_name")]
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
    #[serde(skip)]
    pub clauses: Clauses,
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// `is T`.
    pub ty: Option<SmolStr>,
    /// `in E`.
    #[serde(with = "written_entity")]
    pub within: Option<EntityUID>,
    /// `== E`.
    #[serde(with = "written_entity")]
    pub equals: Option<EntityUID>,
}

/// The saved form of an entity: its Cedar syntax.
mod written_entity {
    use cedar_policy_core::ast::EntityUID;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(uid: &Option<EntityUID>, serializer: S) -> Result<S::Ok, S::Error> {
        uid.as_ref().map(ToString::to_string).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<EntityUID>, D::Error> {
        let text = Option::<&str>::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
    }
}

/// The clauses of a policy.
#[derive(Debug, Clone)]
pub enum Clauses {
    /// Those of a policy that was parsed.
    Parsed(Vec<Clause>),
    /// Those of a saved policy, which Cedar parses when they are first read: the policies of its file, and its place.
    Saved(Arc<SavedFile>, Span),
}

/// The policies of a file by their places, parsed when they are first read.
///
/// The text has the digest of the text that was saved, so every saved policy is in it. If one is not, the program ends: a
/// derivation or a waiver without its clauses would hold for everything.
pub type SavedFile = LazyLock<BTreeMap<Span, Written>, Box<dyn FnOnce() -> BTreeMap<Span, Written> + Send>>;

/// A policy as Cedar parses it.
#[derive(Debug)]
pub struct Written {
    /// The clauses in order.
    pub clauses: Vec<Clause>,
    /// The policy, for the official evaluator.
    pub policy: cedar_policy::Policy,
}

impl Default for Clauses {
    fn default() -> Self {
        Self::Parsed(Vec::new())
    }
}

impl Deref for Clauses {
    type Target = [Clause];

    fn deref(&self) -> &[Clause] {
        match self {
            Self::Parsed(clauses) => clauses,
            Self::Saved(file, at) => &file[at].clauses,
        }
    }
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "Cedar's keywords")]
pub enum ClauseKind {
    When,
    Unless,
}

impl Policies {
    /// Returns the statements of all checks, derivations and waivers.
    pub fn all(&self) -> impl Iterator<Item = &Statement> {
        let checks = self.checks.iter().map(|check| &check.statement);
        let derivations = self.derivations.iter().map(|derivation| &derivation.statement);
        checks.chain(derivations).chain(self.waivers.iter().map(|waiver| &waiver.statement))
    }

    /// Returns whether all are saved policies.
    #[cfg(test)]
    pub(crate) fn is_saved(&self) -> bool {
        self.all().all(|statement| matches!(statement.clauses, Clauses::Saved(..)))
    }

    /// Returns the statements of all checks, derivations and waivers, to change them.
    pub(super) fn statements(&mut self) -> impl Iterator<Item = &mut Statement> {
        let checks = self.checks.iter_mut().map(|check| &mut check.statement);
        let derivations = self.derivations.iter_mut().map(|derivation| &mut Arc::make_mut(derivation).statement);
        checks.chain(derivations).chain(self.waivers.iter_mut().map(|waiver| &mut waiver.statement))
    }
}
