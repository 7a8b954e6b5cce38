//! `.cedar` files: checks and derivations with their metadata and the spans of their clauses.
//!
//! Cedar parses and strictly validates; here a policy gets its role from its effect, action and annotations. A broken
//! policy does not hide its neighbours: everything is reported, and what is sound goes on.

mod absence;

use crate::diagnostic::{Code, Diagnostic, DiagnosticLevel, Label};
use crate::parallel::*;
use crate::schema::{ActionRef, Model, Schema, Ty, errors_from_cedar, from_cedar};
use crate::source::{Source, Span, cedar};
use crate::value::{IpNet, TypeId};
use cedar_policy::{PolicyId, PolicySet, ValidationMode, ValidationResult, ValidationWarning, Validator};
use cedar_policy_core::ast::{self, ActionConstraint, EntityReference, EntityUID, PrincipalOrResourceConstraint};
use cedar_policy_core::parser::{Loc, cst, err::ParseErrors, text_to_cst};
use serde::{Deserialize, Serialize};
use smol_str::{SmolStr, ToSmolStr};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// Annotations of a check.
const ON_CHECK: &[&str] =
    &["id", "title", "severity", "remediation", "source", "doc", "cis_v8", "nist_800_53", "iso_27001", "soc2"];
/// Annotations of a derivation.
const ON_DERIVATION: &[&str] = &["id", "derives", "doc"];

/// Frameworks a check may be mapped to: the annotation, and the name reports use.
pub const FRAMEWORKS: [(&str, &str); 4] =
    [("cis_v8", "cis-v8"), ("nist_800_53", "nist-800-53"), ("iso_27001", "iso-27001"), ("soc2", "soc2")];

/// Characters of an id, of a title, and of a list of controls.
const MAX_LENGTH: [(&str, usize); 7] = [
    ("id", 200),
    ("title", 500),
    ("derives", 1_000),
    ("cis_v8", 1_000),
    ("nist_800_53", 1_000),
    ("iso_27001", 1_000),
    ("soc2", 1_000),
];

/// Parts of policies that one run validates, counted once for every pair of types that a policy is validated for.
const MAX_VALIDATED: usize = 20_000_000;

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
        found.ok_or_else(|| "valid are `low`, `medium`, `high` and `critical`".into())
    }
}

/// The policies of one or more files that belong to one schema.
#[derive(Debug, Default)]
pub struct Policies {
    /// Checks in order of their ids.
    pub checks: Vec<Check>,
    /// Derivations in order of their ids.
    pub derivations: Vec<Derivation>,
    /// Every sound policy, for the official evaluator.
    pub cedar: PolicySet,
    /// Attributes that some derivation names which could not be read: their values are not known.
    pub unread_derivations: HashSet<SmolStr>,
}

/// A `forbid` for the audit action.
#[derive(Debug, Clone)]
pub struct Check {
    /// The `@title`.
    pub title: SmolStr,
    /// The `@severity`.
    pub severity: CheckSeverity,
    /// The `@remediation`.
    pub remediation: Option<SmolStr>,
    /// The `@source`, a URL.
    pub reference: Option<SmolStr>,
    /// The `@doc`.
    pub doc: Option<SmolStr>,
    /// Controls by framework name.
    pub controls: Vec<(&'static str, Vec<SmolStr>)>,
    /// The statement.
    pub statement: Statement,
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
    /// The statement.
    pub statement: Statement,
}

/// The common part of checks and derivations.
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

/// A policy with any effect, for any action, as Cedar's authorizer accepts it.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Whether it forbids; otherwise it permits.
    pub forbids: bool,
    /// The scope of the action.
    pub action: ActionConstraint,
    /// The statement, under the id that Cedar gives it.
    pub statement: Statement,
}

impl Policy {
    /// Reads the policies of a file and validates them strictly. Templates are left out: nothing fills their slots.
    ///
    /// # Errors
    /// A diagnostic for each policy that does not parse or validate.
    pub fn parse(schema: &cedar_policy::Schema, file: &Arc<Source>) -> Result<Vec<Self>, Vec<Diagnostic>> {
        cedar::on_deep_stack(|| Self::parse_here(schema, file))
    }

    fn parse_here(schema: &cedar_policy::Schema, file: &Arc<Source>) -> Result<Vec<Self>, Vec<Diagnostic>> {
        let excess = cedar::policies(file.text()).or_else(|| excesses(file.text()).into_iter().flatten().next());
        if let Some(excess) = excess {
            return Err(vec![too_much(file, excess)]);
        }
        let Grammatical { set, parts } = *parse(file.text()).map_err(|errors| {
            errors.iter().flat_map(|error| errors_from_cedar(Code::PolicySyntax, file, error)).collect::<Vec<_>>()
        })?;
        let mut total = 0usize;
        for (policy, _) in with_parts(&set, &parts) {
            let core: &ast::Policy = policy.as_ref();
            let span = core.loc().map_or(Span::default(), span_of);
            let cost = validation_cost(schema, core, file.slice(span));
            total = total.saturating_add(cost.total());
            if total > MAX_VALIDATED {
                return Err(vec![cost.too_much(file, span)]);
            }
        }
        let validated = Validator::new(schema.clone()).validate(&set, ValidationMode::Strict);
        let mut errors: Vec<Diagnostic> = validated.validation_errors().map(|error| invalid(file, error)).collect();
        if !errors.is_empty() {
            crate::diagnostic::sort(&mut errors);
            return Err(errors);
        }
        let policies = with_parts(&set, &parts).map(|(policy, parts)| {
            Some(Self {
                forbids: matches!(policy.effect(), cedar_policy::Effect::Forbid),
                action: AsRef::<ast::Policy>::as_ref(policy).action_constraint().clone(),
                statement: statement(file, policy, parts)?,
            })
        });
        let policies: Option<Vec<Self>> = policies.collect();
        // One that is left out would count as one that is not satisfied.
        let whole = policies.filter(|policies| policies.len() == set.policies().count());
        whole.ok_or_else(|| vec![not_by_policy(file)])
    }
}

impl Policies {
    /// Parses policy files, which share one set of ids, and validates them against a schema.
    pub fn parse(schema: &Schema, files: &[Arc<Source>]) -> (Self, Vec<Diagnostic>) {
        let files: Vec<PolicyFile> = files.par_iter().map(PolicyFile::parse).collect();
        Self::read(schema, &files.iter().collect::<Vec<_>>())
    }

    /// Validates parsed policy files, which share one set of ids, against a schema.
    pub fn read(schema: &Schema, files: &[&PolicyFile]) -> (Self, Vec<Diagnostic>) {
        let mut reader =
            Reader { schema, policies: Self::default(), seen: HashMap::new(), validated: 0, diagnostics: Vec::new() };
        cedar::on_deep_stack(|| files.iter().for_each(|file| reader.file(file)));
        reader.validate();
        let Reader { mut policies, mut diagnostics, .. } = reader;
        policies.checks.sort_by(|a, b| a.statement.id.cmp(&b.statement.id));
        policies.derivations.sort_by(|a, b| a.statement.id.cmp(&b.statement.id));
        crate::diagnostic::sort(&mut diagnostics);
        if policies.checks.is_empty() && policies.derivations.is_empty() {
            of_another_schema(schema, &mut diagnostics);
        }
        (policies, diagnostics)
    }

    /// Gives one of Cedar's errors advice that fits the policy it is about.
    fn explained(&self, error: &cedar_policy::ValidationError, found: Diagnostic) -> Diagnostic {
        let id = error.policy_id().to_smolstr();
        let check = self.checks.iter().map(|check| (&check.statement, true));
        let derivation = self.derivations.iter().map(|derivation| (&derivation.statement, false));
        match check.chain(derivation).find(|(statement, _)| statement.id == id) {
            Some((statement, is_check)) => absence::explain(error, found, statement, is_check),
            None => found,
        }
    }

    fn statements(&mut self) -> impl Iterator<Item = &mut Statement> {
        let checks = self.checks.iter_mut().map(|check| &mut check.statement);
        checks.chain(self.derivations.iter_mut().map(|derivation| &mut derivation.statement))
    }
}

/// A policy file, parsed without a schema.
#[derive(Debug)]
pub struct PolicyFile {
    /// The file.
    pub source: Arc<Source>,
    /// The policies that parse, in their places.
    sound: Option<Box<Grammatical>>,
    /// The policies that do not.
    broken: Vec<Span>,
    /// Why they do not.
    diagnostics: Vec<Diagnostic>,
}

/// Errors of one policy that are listed; of the others the number is given.
const MAX_ERRORS: usize = 20;

/// Policies of one file whose syntax errors are explained; of the others the number is given.
const MAX_EXPLAINED: usize = 100;

/// Policies as the authorizer takes them and as the grammar sees them.
#[derive(Debug)]
struct Grammatical {
    set: PolicySet,
    parts: Parts,
}

/// Makes Cedar build the parser of identifiers, which reading a schema needs too. It is built once for a process and
/// takes milliseconds, which another core may have to spare.
pub fn warm_up() {
    // Whatever comes out, the parser is there afterwards.
    let _ = "warm".parse::<ast::Id>();
}

impl PolicyFile {
    /// Parses a file.
    pub fn parse(source: &Arc<Source>) -> Self {
        cedar::on_deep_stack(|| Self::parse_here(source))
    }

    fn parse_here(source: &Arc<Source>) -> Self {
        let text = source.text();
        let mut file = Self { source: Arc::clone(source), sound: None, broken: Vec::new(), diagnostics: Vec::new() };
        if let Some(excess) = cedar::policies(text) {
            file.refuse(Span::new(0, text.len() as u32), || vec![too_much(source, excess)]);
            return file;
        }
        let excesses = excesses(text);
        if excesses.iter().all(Option::is_none)
            && let Ok(sound) = parse(text)
        {
            file.sound = Some(sound);
            return file;
        }
        // Cedar stops at the first error of a file. So each policy is parsed alone, and then the sound ones together.
        for (piece, excess) in cedar::pieces(text).into_iter().zip(excesses) {
            match excess {
                Some(excess) => file.refuse(piece, || vec![too_much(source, excess)]),
                None => {
                    if let Err(errors) = parse(source.slice(piece)) {
                        file.refuse(piece, || syntax_errors(source, piece.start, &errors));
                    }
                }
            }
        }
        match parse(&without(text, &file.broken)) {
            Ok(sound) => file.sound = Some(sound),
            Err(errors) => file.refuse(Span::new(0, text.len() as u32), || syntax_errors(source, 0, &errors)),
        }
        file.count_unexplained();
        file
    }

    fn refuse(&mut self, policy: Span, why: impl FnOnce() -> Vec<Diagnostic>) {
        if self.broken.len() < MAX_EXPLAINED {
            self.diagnostics.extend(why());
        }
        self.broken.push(policy);
    }

    fn count_unexplained(&mut self) {
        let Some(first) = self.broken.get(MAX_EXPLAINED) else { return };
        let more = self.broken.len() - MAX_EXPLAINED;
        let message = format!("{more} more policies of `{}` do not parse", self.source.name());
        let error = Diagnostic::error(Code::PolicySyntax, message).label(&self.source, *first, "the first of them");
        self.diagnostics.push(error.help("correct the policies before it, then check again"));
    }
}

/// Returns for each policy of a file the limit that it exceeds.
fn excesses(text: &str) -> Vec<Option<cedar::Excess>> {
    let excess = |piece: Span| {
        let found = cedar::policy(text.get(piece.range()).unwrap_or_default())?;
        let span = Span::new(piece.start + found.span.start, piece.start + found.span.end);
        Some(cedar::Excess { span, ..found })
    };
    cedar::pieces(text).into_iter().map(excess).collect()
}

fn too_much(file: &Arc<Source>, excess: cedar::Excess) -> Diagnostic {
    Diagnostic::error(Code::PolicySize, excess.message).label(file, excess.span, "here").help(excess.help)
}

/// Returns the syntax errors of a part of a file that begins at `start`.
fn syntax_errors(file: &Arc<Source>, start: u32, errors: &ParseErrors) -> Vec<Diagnostic> {
    let mut diagnostics: Vec<Diagnostic> =
        errors.iter().flat_map(|error| errors_from_cedar(Code::PolicySyntax, file, error)).collect();
    for span in diagnostics.iter_mut().flat_map(|error| &mut error.labels).map(|label| &mut label.place.span) {
        *span = Span::new(start + span.start, start + span.end);
    }
    diagnostics
}

/// The cost of the validation of a policy.
struct Cost {
    parts: usize,
    environments: usize,
}

impl Cost {
    fn total(&self) -> usize {
        self.parts.saturating_mul(self.environments)
    }

    fn too_much(&self, file: &Arc<Source>, span: Span) -> Diagnostic {
        let Self { parts, environments } = self;
        let message = format!(
            "with this policy, which has {parts} parts and is validated for {environments} pairs of types, the \
             policies have more than {MAX_VALIDATED} parts to validate"
        );
        let error = Diagnostic::error(Code::PolicySize, message).label(file, span, "this policy");
        error.help("name the types in its scope, as in `resource is T`, or divide it")
    }
}

/// Replaces the errors of policies that all have no role by one: they are probably for another schema.
fn of_another_schema(schema: &Schema, diagnostics: &mut Vec<Diagnostic>) {
    let of_role = |found: &&Diagnostic| found.code == Code::PolicyRole;
    let count = diagnostics.iter().filter(of_role).count();
    let Some(first) = diagnostics.iter().find(of_role).filter(|_| count > 1) else { return };
    let name = schema.source.name();
    let message = format!("none of the {count} policies is a check or a derivation of schema `{name}`");
    let labels = first.labels.iter().map(|label| Label { text: "the first of them".into(), ..label.clone() }).collect();
    let action = &schema.model.audit.name;
    let help =
        format!("name the schema of these policies with --schema; by `{name}` a check is a `forbid` for `{action}`");
    let error = Diagnostic { labels, ..Diagnostic::error(Code::PolicyRole, message).help(help) };
    diagnostics.retain(|found| found.code != Code::PolicyRole);
    diagnostics.insert(0, error);
}

/// Counts the parts of a policy and the pairs of types that it is validated for.
fn validation_cost(schema: &cedar_policy::Schema, policy: &ast::Policy, text: &str) -> Cost {
    let fits = |constraint: &PrincipalOrResourceConstraint, ty: Option<&ast::EntityType>| match constraint {
        PrincipalOrResourceConstraint::Is(of) | PrincipalOrResourceConstraint::IsIn(of, _) => ty == Some(of),
        PrincipalOrResourceConstraint::Eq(EntityReference::EUID(uid)) => ty == Some(uid.entity_type()),
        _ => true,
    };
    let acts = |action: Option<&EntityUID>| match policy.action_constraint() {
        ActionConstraint::Eq(only) => action == Some(only),
        _ => true,
    };
    let (principal, resource) = (policy.principal_constraint(), policy.resource_constraint());
    let validator: &cedar_policy_core::validator::ValidatorSchema = schema.as_ref();
    let environments = validator.unlinked_request_envs(cedar_policy_core::validator::ValidationMode::Strict);
    let environments = environments.filter(|environment| {
        acts(environment.action_entity_uid())
            && fits(principal.as_inner(), environment.principal_entity_type())
            && fits(resource.as_inner(), environment.resource_entity_type())
    });
    Cost { parts: cedar::parts(text), environments: environments.count().max(1) }
}

struct Reader<'s> {
    schema: &'s Schema,
    policies: Policies,
    seen: HashMap<SmolStr, (Arc<Source>, Span)>,
    /// The cost of the validation of the policies so far, up to [`MAX_VALIDATED`].
    validated: usize,
    diagnostics: Vec<Diagnostic>,
}

/// An annotation of a policy.
struct Note {
    value: SmolStr,
    span: Span,
    value_span: Span,
}

impl Reader<'_> {
    fn file(&mut self, file: &PolicyFile) {
        self.diagnostics.extend_from_slice(&file.diagnostics);
        file.broken.iter().for_each(|policy| self.unread(file.source.slice(*policy)));
        if let Some(sound) = &file.sound {
            self.policies_of(&file.source, sound);
        }
    }

    /// Notes what a text that cannot be parsed would have derived.
    fn unread(&mut self, text: &str) {
        for rest in text.split("@derives").skip(1) {
            let name = rest.split('"').nth(1).unwrap_or_default();
            self.policies.unread_derivations.insert(name.into());
        }
    }

    fn policies_of(&mut self, file: &Arc<Source>, Grammatical { set, parts }: &Grammatical) {
        for template in set.templates() {
            let span = AsRef::<ast::Template>::as_ref(template).loc().map_or(Span::default(), span_of);
            let error = Diagnostic::error(
                Code::PolicyTemplate,
                "a template cannot be a check: it has a slot that nothing fills",
            );
            self.diagnostics.push(
                error
                    .label(file, span, "this policy has a slot")
                    .help("write the entity or condition in place of the `?` slot"),
            );
        }
        if with_parts(set, parts).count() != set.policies().count() {
            self.diagnostics.push(not_by_policy(file));
            self.unread(file.text());
        }
        for (policy, parts) in with_parts(set, parts) {
            if !self.policy(file, policy, parts) {
                self.policies.unread_derivations.extend(policy.annotation("derives").map(SmolStr::new));
            }
        }
    }

    /// Takes a policy in; `false` if it cannot be, after saying why.
    fn policy(&mut self, file: &Arc<Source>, policy: &cedar_policy::Policy, parts: &cst::PolicyImpl) -> bool {
        let core: &ast::Policy = policy.as_ref();
        let Some(statement) = statement(file, policy, parts) else { return false };
        let span = statement.span;
        let head = Span::new(parts.effect.loc.as_ref().map_or(span.start, |loc| loc.start() as u32), span.end);
        let keyword = Span::new(head.start, head.start + 6);
        let notes = notes(policy, parts);
        let refuse = |reader: &mut Self, code, span, message: String| {
            reader.diagnostics.push(Diagnostic::error(code, message).label(file, span, ""));
        };
        for (name, most) in MAX_LENGTH {
            let Some(note) = notes.get(name) else { continue };
            let length = note.value.chars().count();
            if length > most {
                let message = format!("`@{name}` has {length} characters, where at most {most} are read");
                let error = Diagnostic::error(Code::PolicyAnnotation, message).label(file, note.value_span, "");
                self.diagnostics.push(error.help("shorten it"));
                return false;
            }
        }
        let id = match notes.get("id") {
            Some(note) if !note.value.is_empty() => note.value.clone(),
            _ => {
                let error =
                    Diagnostic::error(Code::PolicyId, "policy without `@id`").label(file, keyword, "this policy");
                self.diagnostics.push(error.help("give it a name that never changes, as @id(\"ORG-AUTH-01\")"));
                return false;
            }
        };
        let id_span = notes.get("id").map_or(keyword, |note| note.span);
        if let Some((first, at)) = self.seen.get(&id) {
            let error = Diagnostic::error(Code::PolicyId, format!("two policies have the id `{id}`"));
            self.diagnostics.push(error.label(file, id_span, "again here").label(first, *at, "first here"));
            return false;
        }
        self.seen.insert(id.clone(), (Arc::clone(file), id_span));
        let cost = validation_cost(&self.schema.cedar, core, file.slice(span));
        self.validated = self.validated.saturating_add(cost.total());
        if self.validated > MAX_VALIDATED {
            self.diagnostics.push(cost.too_much(file, keyword));
            return false;
        }
        let statement = Statement { id: id.clone(), ..statement };
        let forbids = matches!(policy.effect(), cedar_policy::Effect::Forbid);
        let model = Arc::clone(&self.schema.model);
        let acts_on = |action: &ActionRef| model.takes_in(core.action_constraint(), action);
        let (audits, derives) = (acts_on(&model.audit), model.derive.as_ref().is_some_and(acts_on));
        let known = if notes.contains_key("derives") {
            if model.derive.is_none() {
                let message = format!("`{id}` is a derivation, and the schema declares no action `derive`");
                let help = "write `action \"derive\" appliesTo { principal: [...], resource: [...], context: ... };`";
                self.diagnostics.push(Diagnostic::error(Code::PolicyRole, message).label(file, keyword, "").help(help));
                return false;
            }
            if !derives {
                refuse(
                    self,
                    Code::PolicyRole,
                    keyword,
                    format!("`{id}` has `@derives` but is not for the action `derive`"),
                );
                return false;
            }
            self.derivation(file, &notes, !forbids, statement);
            ON_DERIVATION
        } else if notes.contains_key("waives") {
            refuse(self, Code::PolicyRole, keyword, format!("`{id}` is a waiver, and this version reads none"));
            return false;
        } else if forbids && audits {
            self.check(file, &notes, statement, keyword);
            ON_CHECK
        } else {
            let message = match (forbids, audits, derives) {
                (false, true, _) => format!("`{id}` permits `audit`, which only a waiver does"),
                (_, _, true) => format!("`{id}` is for the action `derive` but has no `@derives`"),
                _ => format!("`{id}` is neither a check nor a derivation"),
            };
            let derivation = model.derive.as_ref().map_or_else(String::new, |derive| {
                format!(", a derivation a `permit` for `{}` with `@derives`", derive.name)
            });
            let help = format!("by this schema a check is a `forbid` for `{}`{derivation}", model.audit.name);
            self.diagnostics.push(Diagnostic::error(Code::PolicyRole, message).label(file, keyword, "").help(help));
            return false;
        };
        for (name, note) in notes.iter().filter(|(name, _)| !known.contains(&name.as_str())) {
            let error = Diagnostic::error(Code::PolicyAnnotation, format!("unknown annotation `@{name}`"));
            let known: Vec<String> = known.iter().map(|known| format!("@{known}")).collect();
            let error = error.label(file, note.span, "").suggest(&format!("@{name}"), known.iter().map(String::as_str));
            self.diagnostics.push(error);
        }
        if self.policies.cedar.add(policy.new_id(PolicyId::new(&id))).is_err() {
            refuse(self, Code::PolicyId, id_span, format!("two policies have the id `{id}`"));
        }
        true
    }

    fn check(&mut self, file: &Arc<Source>, notes: &BTreeMap<SmolStr, Note>, statement: Statement, keyword: Span) {
        let text = |name: &str| notes.get(name).map(|note| note.value.clone());
        let id = statement.id.clone();
        let mut sound = true;
        for name in ["title", "severity"] {
            if text(name).is_none_or(|value| value.is_empty()) {
                sound = false;
                let span = notes.get(name).map_or(keyword, |note| note.span);
                let error = Diagnostic::error(Code::PolicyAnnotation, format!("check `{id}` has no `@{name}`"));
                let help = match name {
                    "severity" => "add @severity(\"high\"), or `low`, `medium` or `critical`",
                    _ => "say in one line what the check demands, such as @title(\"Disks are encrypted\")",
                };
                self.diagnostics.push(error.label(file, span, "this check").help(help));
            }
        }
        let level = notes.get("severity").filter(|note| !note.value.is_empty()).and_then(|note| {
            match note.value.parse::<CheckSeverity>() {
                Ok(level) => Some(level),
                Err(_) => {
                    sound = false;
                    let error = Diagnostic::error(Code::PolicySeverity, format!("unknown severity `{}`", note.value));
                    self.diagnostics.push(
                        error
                            .label(file, note.value_span, "")
                            .suggest(&note.value, CheckSeverity::ALL.map(CheckSeverity::name)),
                    );
                    None
                }
            }
        });
        let controls = FRAMEWORKS.iter().filter_map(|(annotation, name)| {
            let listed = text(annotation)?;
            Some((
                *name,
                listed
                    .split(',')
                    .map(|control| SmolStr::new(control.trim()))
                    .filter(|control| !control.is_empty())
                    .collect(),
            ))
        });
        self.policies.checks.push(Check {
            title: text("title").unwrap_or_default(),
            // An unreadable severity is an error already; until it is mended the check counts as the worst.
            severity: level.unwrap_or(CheckSeverity::Critical),
            remediation: text("remediation"),
            reference: text("source"),
            doc: text("doc"),
            controls: controls.collect(),
            statement: Statement { valid: sound, ..statement },
        });
    }

    fn derivation(&mut self, file: &Arc<Source>, notes: &BTreeMap<SmolStr, Note>, adds: bool, statement: Statement) {
        let Some(note) = notes.get("derives") else { return };
        let named = |scope: &Scope| scope.ty.as_ref().and_then(|name| self.schema.model.type_named(name));
        let (principal, resource) = (named(&statement.principal), named(&statement.resource));
        let model = &self.schema.model;
        let derived = |ty: TypeId| {
            let slots = model.ty(ty).slots.iter().filter(|slot| slot.origin == crate::schema::Origin::Derived);
            slots.map(crate::schema::Slot::dotted).collect::<Vec<_>>()
        };
        let mut sound = true;
        for (variable, ty) in [("principal", principal), ("resource", resource)] {
            if ty.is_none() {
                sound = false;
                let message = format!("derivation `{}` does not say of which type its {variable} is", statement.id);
                let error = Diagnostic::error(Code::DerivationScope, message).label(file, note.span, "");
                self.diagnostics.push(error.help(format!("write `{variable} is T` in its scope")));
            }
        }
        match resource {
            None => {}
            Some(ty) if !derived(ty).contains(&note.value.to_string()) => {
                sound = false;
                let error = Diagnostic::error(
                    Code::DerivationTarget,
                    format!("`{}` has no `@derived` attribute `{}`", model.ty(ty).name, note.value),
                );
                let valid = derived(ty);
                self.diagnostics.push(
                    error.label(file, note.value_span, "").suggest(&note.value, valid.iter().map(String::as_str)),
                );
            }
            Some(ty) => {
                let slot = model.ty(ty).slots.iter().find(|slot| slot.dotted() == note.value.as_str());
                if let (Some(Ty::Set(element)), Some(principal)) = (slot.map(|slot| &slot.ty), principal)
                    && **element != Ty::Entity(principal)
                {
                    sound = false;
                    let gathered = model.show(&Ty::Set(Arc::clone(element)));
                    let message = format!(
                        "`{}` is a {gathered}, but the principals are of type {}",
                        note.value,
                        model.short_name(principal)
                    );
                    self.diagnostics.push(Diagnostic::error(Code::DerivationTarget, message).label(
                        file,
                        note.value_span,
                        "",
                    ));
                }
            }
        }
        self.policies.derivations.push(Derivation {
            derives: note.value.clone(),
            derives_span: note.value_span,
            subtracts: !adds,
            statement: Statement { valid: sound, ..statement },
        });
    }

    fn validate(&mut self) {
        let validator = Validator::new(self.schema.cedar.clone());
        // Policies are validated one by one, so it does not matter which of them stand together.
        let policies: Vec<&cedar_policy::Policy> = self.policies.cedar.policies().collect();
        let validate = |policies: &[&cedar_policy::Policy]| {
            let some = PolicySet::from_policies(policies.iter().map(|policy| (*policy).clone()));
            let some = some.as_ref().unwrap_or(&self.policies.cedar);
            cedar::on_deep_stack(|| validator.validate(some, ValidationMode::Strict))
        };
        let results: Vec<ValidationResult> = policies.par_chunks(8).map(validate).collect();
        let sources: HashMap<SmolStr, Arc<Source>> =
            self.policies.statements().map(|statement| (statement.id.clone(), Arc::clone(&statement.source))).collect();
        let mut errors: BTreeMap<SmolStr, Vec<Diagnostic>> = BTreeMap::new();
        for error in results.iter().flat_map(ValidationResult::validation_errors) {
            let id = error.policy_id().to_smolstr();
            let Some(source) = sources.get(&id) else { continue };
            let found = self.policies.explained(error, invalid(source, error));
            let found = with_meant_type(&self.schema.model, found);
            errors.entry(id).or_default().push(found);
        }
        let failed: HashSet<SmolStr> = errors.keys().cloned().collect();
        self.diagnostics.extend(errors.into_iter().flat_map(|(id, errors)| first_errors(&id, errors)));
        let (mut idle, mut warned): (HashSet<SmolStr>, Vec<_>) = (HashSet::new(), Vec::new());
        for warning in results.iter().flat_map(ValidationResult::validation_warnings) {
            let id = warning.policy_id().to_smolstr();
            let Some(source) = sources.get(&id).filter(|_| !failed.contains(&id)) else { continue };
            // A check that no resource can fail would pass for ever: the review of the pack refuses it and says why.
            if let ValidationWarning::ImpossiblePolicy(_) = warning {
                idle.insert(id);
            } else {
                warned.push((id, from_cedar(Code::PolicyWarning, DiagnosticLevel::Warning, source, warning)));
            }
        }
        let warned = warned.into_iter().filter(|(id, _)| !idle.contains(id)).map(|(_, warning)| warning);
        self.diagnostics.extend(warned);
        self.policies.statements().for_each(|statement| statement.idle = idle.contains(&statement.id));
        self.policies
            .statements()
            .filter(|statement| failed.contains(&statement.id))
            .for_each(|statement| statement.valid = false);
    }
}

/// Returns the first errors of a policy and, if there are more, how many.
fn first_errors(id: &str, mut errors: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let more = errors.len().saturating_sub(MAX_ERRORS);
    crate::diagnostic::sort(&mut errors);
    errors.truncate(MAX_ERRORS);
    if more > 0 {
        let labels = errors.last().map(|last| last.labels.clone()).unwrap_or_default();
        let count = Diagnostic::error(Code::PolicyInvalid, format!("`{id}` has {more} more errors, from here on"));
        errors.push(Diagnostic { labels, ..count }.help("correct the errors before it, then check again"));
    }
    errors
}

fn span_of(loc: &Loc) -> Span {
    Span::new(loc.start() as u32, loc.end() as u32)
}

/// The policies of a text, in order, as the grammar sees them; what is not one is `None`.
type Parts = Vec<Option<cst::PolicyImpl>>;

/// Parses policies.
fn parse(text: &str) -> Result<Box<Grammatical>, Box<ParseErrors>> {
    let tree = text_to_cst::parse_policies(text).map_err(Box::new)?;
    let set = tree.to_policyset().map_err(Box::new)?;
    let part = |node: cedar_policy_core::parser::Node<Option<cst::Policy>>| match node.node {
        Some(cst::Policy::Policy(parts)) => Some(parts),
        _ => None,
    };
    let parts = tree.node.into_iter().flat_map(|cst::Policies(list)| list).map(part).collect();
    Ok(Box::new(Grammatical { set: set.into(), parts }))
}

fn with_parts<'s>(
    set: &'s PolicySet,
    parts: &'s Parts,
) -> impl Iterator<Item = (&'s cedar_policy::Policy, &'s cst::PolicyImpl)> {
    parts.iter().enumerate().filter_map(|(at, parts)| {
        let policy = set.policy(&PolicyId::new(format!("policy{at}")))?;
        Some((policy, parts.as_ref()?))
    })
}

/// The error for a file of which some policy would be left out.
fn not_by_policy(file: &Source) -> Diagnostic {
    Diagnostic::error(Code::PolicySyntax, format!("`{}` cannot be read policy by policy", file.name()))
}

/// Returns a policy by its parts, with the id that Cedar gives it.
fn statement(file: &Arc<Source>, policy: &cedar_policy::Policy, parts: &cst::PolicyImpl) -> Option<Statement> {
    let core: &ast::Policy = policy.as_ref();
    let whole = core.loc().map_or(Span::default(), span_of);
    let variable = |at: usize| parts.variables.get(at).and_then(|node| node.loc.as_ref()).map_or(whole, span_of);
    Some(Statement {
        id: policy.id().to_smolstr(),
        source: Arc::clone(file),
        span: whole,
        principal: scope(core.principal_constraint().as_inner())?,
        principal_span: variable(0),
        resource: scope(core.resource_constraint().as_inner())?,
        resource_span: variable(2),
        clauses: parts.conds.iter().map(clause).collect::<Option<_>>()?,
        idle: false,
        valid: true,
    })
}

fn notes(policy: &cedar_policy::Policy, parts: &cst::PolicyImpl) -> BTreeMap<SmolStr, Note> {
    let written = parts.annotations.iter().filter_map(|node| {
        let annotation = node.node.as_ref()?;
        let name = annotation.key.node.as_ref()?.to_smolstr();
        let value = policy.annotation(&name)?.into();
        let span = node.loc.as_ref().map(span_of)?;
        let value_span = annotation.value.as_ref().and_then(|value| value.loc.as_ref()).map_or(span, span_of);
        Some((name, Note { value, span, value_span }))
    });
    written.collect()
}

fn clause(node: &cedar_policy_core::parser::Node<Option<cst::Cond>>) -> Option<Clause> {
    let condition = node.node.as_ref()?;
    let kind = match condition.cond.node.as_ref()? {
        cst::Ident::When => ClauseKind::When,
        _ => ClauseKind::Unless,
    };
    let expr = condition.expr.as_ref()?.to_expr::<ast::ExprBuilder<()>>().ok()?;
    Some(Clause { kind, span: node.loc.as_ref().map(span_of)?, expr })
}

fn scope(constraint: &PrincipalOrResourceConstraint) -> Option<Scope> {
    let uid = |reference: &EntityReference| match reference {
        EntityReference::EUID(uid) => Some((**uid).clone()),
        EntityReference::Slot(_) => None,
    };
    Some(match constraint {
        PrincipalOrResourceConstraint::Any => Scope::default(),
        PrincipalOrResourceConstraint::In(entity) => Scope { within: Some(uid(entity)?), ..Scope::default() },
        PrincipalOrResourceConstraint::Eq(entity) => Scope { equals: Some(uid(entity)?), ..Scope::default() },
        PrincipalOrResourceConstraint::Is(ty) => Scope { ty: Some(ty.to_smolstr()), ..Scope::default() },
        PrincipalOrResourceConstraint::IsIn(ty, entity) => {
            Scope { ty: Some(ty.to_smolstr()), within: Some(uid(entity)?), equals: None }
        }
    })
}

/// Blanks out parts of a text; what is left keeps its place.
fn without(text: &str, parts: &[Span]) -> String {
    let blank = |part: &str| part.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect::<String>();
    let (mut left, mut at) = (String::with_capacity(text.len()), 0);
    for part in parts {
        left.push_str(text.get(at..part.start as usize).unwrap_or_default());
        left.push_str(&blank(text.get(part.range()).unwrap_or_default()));
        at = part.end as usize;
    }
    left + text.get(at..).unwrap_or_default()
}

/// Replaces Cedar's suggestion for a misspelt entity type: of several similar types it names one at random.
fn with_meant_type(model: &Model, found: Diagnostic) -> Diagnostic {
    let written = found.message.split_once("unrecognized entity type `").and_then(|(_, rest)| rest.split('`').next());
    let Some(written) = written.map(str::to_owned) else { return found };
    let names: Vec<&str> = model.types.iter().map(|ty| ty.name.as_str()).collect();
    found.suggest(&written, names)
}

/// Turns one of Cedar's validation errors into ours. For an address whose notation only Cedar rejects, the help gives
/// the notation that Cedar reads.
fn invalid(source: &Arc<Source>, error: &dyn miette::Diagnostic) -> Diagnostic {
    let diagnostic = from_cedar(Code::PolicyInvalid, DiagnosticLevel::Error, source, error);
    let argument = diagnostic.labels.first().and_then(|label| label.place.text().split('"').nth(1));
    let notation = argument.filter(|text| IpNet::parse(text).is_ok()).and_then(|text| IpNet::literal(text).err());
    diagnostic.maybe_help(notation)
}
