//! The parser of policy files. It needs no schema.

use super::model::{Clause, ClauseKind, Clauses, Scope, Statement};
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::errors_from_cedar;
use crate::source::{Source, Span, cedar};
use cedar_policy::{PolicyId, PolicySet};
use cedar_policy_core::ast::{self, EntityReference, PrincipalOrResourceConstraint};
use cedar_policy_core::parser::{Loc, cst, err::ParseErrors, text_to_cst};
use smol_str::ToSmolStr;
use std::sync::Arc;

/// Policies of one file whose syntax errors are explained; of the others the number is given.
pub(super) const MAX_EXPLAINED: usize = 100;

/// A policy file, parsed without a schema.
#[derive(Debug)]
pub struct PolicyFile {
    /// The file.
    pub source: Arc<Source>,
    /// The policies that parse, in their places.
    pub(super) sound: Option<Box<Grammatical>>,
    /// The policies that do not.
    pub(super) broken: Vec<Span>,
    /// Why they do not.
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// Policies as the authorizer takes them and as the grammar sees them.
#[derive(Debug)]
pub(super) struct Grammatical {
    pub set: PolicySet,
    pub parts: Parts,
}

/// The policies of a text, in order, as the grammar sees them; what is not one is `None`.
pub(super) type Parts = Vec<Option<cst::PolicyImpl>>;

/// Makes Cedar build the parser of identifiers, which reading a schema needs too. It is built once for a process and
/// takes milliseconds, which another core may have to spare.
pub fn warm_up() {
    #[expect(clippy::let_underscore_must_use, reason = "only the parser is needed, not the result")]
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
            file.refuse(Span::from(0..text.len()), || vec![too_much(source, excess)]);
            return file;
        }
        let excesses = cedar::excesses(text);
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
            Err(errors) => file.refuse(Span::from(0..text.len()), || syntax_errors(source, 0, &errors)),
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

pub(super) fn too_much(file: &Arc<Source>, excess: cedar::Excess) -> Diagnostic {
    Diagnostic::error(Code::PolicySize, excess.message).label(file, excess.span, "here").help(excess.help)
}

/// Returns the syntax errors of a part of a file that begins at `start`.
pub(super) fn syntax_errors(file: &Arc<Source>, start: u32, errors: &ParseErrors) -> Vec<Diagnostic> {
    let mut diagnostics: Vec<Diagnostic> =
        errors.iter().flat_map(|error| errors_from_cedar(Code::PolicySyntax, file, error)).collect();
    for span in diagnostics.iter_mut().flat_map(|error| &mut error.labels).map(|label| &mut label.place.span) {
        *span = Span::new(start + span.start, start + span.end);
    }
    diagnostics
}

/// Parses policies.
pub(super) fn parse(text: &str) -> Result<Box<Grammatical>, Box<ParseErrors>> {
    let tree = text_to_cst::parse_policies(text).map_err(Box::new)?;
    let set = tree.to_policyset().map_err(Box::new)?;
    let part = |node: cedar_policy_core::parser::Node<Option<cst::Policy>>| match node.node {
        Some(cst::Policy::Policy(parts)) => Some(parts),
        _ => None,
    };
    let parts = tree.node.into_iter().flat_map(|cst::Policies(list)| list).map(part).collect();
    Ok(Box::new(Grammatical { set: set.into(), parts }))
}

pub(super) fn with_parts<'s>(
    set: &'s PolicySet,
    parts: &'s Parts,
) -> impl Iterator<Item = (&'s cedar_policy::Policy, &'s cst::PolicyImpl)> {
    parts.iter().enumerate().filter_map(|(at, parts)| {
        let policy = set.policy(&PolicyId::new(format!("policy{at}")))?;
        Some((policy, parts.as_ref()?))
    })
}

/// The error for a file of which some policy would be left out.
pub(super) fn not_by_policy(file: &Source) -> Diagnostic {
    Diagnostic::error(Code::PolicySyntax, format!("`{}` cannot be read policy by policy", file.name()))
}

/// Returns a policy by its parts, with the id that Cedar gives it.
pub(super) fn statement(
    file: &Arc<Source>,
    policy: &cedar_policy::Policy,
    parts: &cst::PolicyImpl,
) -> Option<Statement> {
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
        clauses: Clauses::Parsed(clauses(parts)?),
        idle: false,
        valid: true,
    })
}

/// Returns the clauses of a policy.
pub(super) fn clauses(parts: &cst::PolicyImpl) -> Option<Vec<Clause>> {
    parts.conds.iter().map(clause).collect()
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

pub(super) fn scope(constraint: &PrincipalOrResourceConstraint) -> Option<Scope> {
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
pub(super) fn without(text: &str, parts: &[Span]) -> String {
    let blank = |part: &str| part.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect::<String>();
    let (mut left, mut at) = (String::with_capacity(text.len()), 0);
    for part in parts {
        left.push_str(text.get(at..part.start as usize).unwrap_or_default());
        left.push_str(&blank(text.get(part.range()).unwrap_or_default()));
        at = part.end as usize;
    }
    left + text.get(at..).unwrap_or_default()
}

pub(super) fn span_of(loc: &Loc) -> Span {
    Span::from(loc.start()..loc.end())
}
