//! Types of expressions as they are written, before lowering, for the catalogue and for mutants.
//!
//! The types of principal and resource are given, because a policy may leave them open. The lowering settles one type
//! of each, and has the exact types of all expressions.

use super::condition::Condition;
use super::function::result_type;
use super::written;
use crate::policy::{ClauseKind, Statement};
use crate::schema::{Attribute, Model, Shape, Ty};
use crate::value::{Outcomes, TypeId};
use cedar_policy_core::ast::{BinaryOp, Expr, ExprKind, Literal, Var};
use smol_str::ToSmolStr;

/// The types of the variables of a policy.
#[derive(Debug)]
pub(crate) struct WrittenTypes<'m> {
    /// The model of the schema.
    pub model: &'m Model,
    /// The types that the principal may have.
    pub principal: Vec<TypeId>,
    /// The types that the resource may have.
    pub resource: Vec<TypeId>,
}

impl<'m> WrittenTypes<'m> {
    /// Returns the type of an expression, if it is known and always the same.
    pub(crate) fn only(&self, expr: &Expr) -> Option<Ty> {
        <[Ty; 1]>::try_from(self.all(expr)).ok().map(|[only]| only)
    }

    /// Returns the types that an expression may have; none if they are not known.
    pub(crate) fn all(&self, expr: &Expr) -> Vec<Ty> {
        let mut types = Vec::new();
        for ty in self.found(expr) {
            if !types.contains(&ty) {
                types.push(ty);
            }
        }
        types
    }

    /// Returns the types of an expression, some perhaps more than once.
    fn found(&self, expr: &Expr) -> Vec<Ty> {
        let entities = |types: &[TypeId]| types.iter().copied().map(Ty::Entity).collect();
        match expr.expr_kind() {
            ExprKind::Lit(Literal::Bool(_)) => vec![Ty::Bool],
            ExprKind::Lit(Literal::Long(_)) => vec![Ty::Long],
            ExprKind::Lit(Literal::String(_)) => vec![Ty::String],
            ExprKind::Lit(Literal::EntityUID(uid)) => {
                self.model.type_named(&uid.entity_type().to_smolstr()).map(Ty::Entity).into_iter().collect()
            }
            ExprKind::Var(Var::Principal) => entities(&self.principal),
            ExprKind::Var(Var::Resource) => entities(&self.resource),
            ExprKind::GetAttr { expr: base, attr } => self.member_types(base, attr),
            ExprKind::BinaryApp { op: BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul, .. } => vec![Ty::Long],
            ExprKind::ExtensionFunctionApp { fn_name, .. } => {
                result_type(&fn_name.to_string()).cloned().into_iter().collect()
            }
            ExprKind::If { then_expr, else_expr, .. } => [self.all(then_expr), self.all(else_expr)].concat(),
            _ => Vec::new(),
        }
    }

    fn member_types(&self, base: &Expr, name: &str) -> Vec<Ty> {
        if is_parameters(base) {
            let found = self.model.parameters.iter().find(|parameter| parameter.name == name);
            return found.map(|parameter| parameter.ty.clone()).into_iter().collect();
        }
        if is_context(base) {
            let found = self.model.context.iter().find(|member| member.name == name);
            return found.map(|member| member.ty.clone()).into_iter().collect();
        }
        self.all(base).iter().filter_map(|ty| member(self.model, ty, name)).map(|(ty, _)| ty.clone()).collect()
    }

    /// Returns the attribute that an expression reads, and the type that has it, if there is only one such type.
    pub(crate) fn attribute(&self, expr: &Expr) -> Option<(TypeId, &'m Attribute)> {
        let ExprKind::GetAttr { expr: base, attr } = expr.expr_kind() else { return None };
        if let [Ty::Entity(ty)] = self.all(base)[..] {
            return Some((ty, self.model.ty(ty).attribute(attr)?));
        }
        let (ty, record) = self.attribute(base)?;
        let Shape::Record(_, inner) = &record.shape else { return None };
        Some((ty, inner.iter().find(|inner| inner.name == *attr)?))
    }

    /// Returns the documentation of the attribute that an expression reads, if it is the same in every type.
    pub(crate) fn doc(&self, expr: &Expr) -> Option<&'m str> {
        if let Some((_, attribute)) = self.attribute(expr) {
            return attribute.doc.as_deref();
        }
        let ExprKind::GetAttr { expr: base, attr } = expr.expr_kind() else { return None };
        let of = |ty: Ty| match ty {
            Ty::Entity(ty) => self.model.ty(ty).attribute(attr).map(|attribute| attribute.doc.as_deref()),
            _ => None,
        };
        let mut docs = self.all(base).into_iter().filter_map(of);
        let first = docs.next()?;
        first.filter(|_| docs.all(|doc| doc == first))
    }
}

/// Returns the outcomes of a condition for a resource of one type, if only `resource is T` is evaluated.
pub(crate) fn by_type(model: &Model, resource: TypeId, condition: &Condition<&Expr>) -> Outcomes {
    condition.evaluate(Outcomes::EITHER, &mut |leaf, _| match leaf.expr_kind() {
        ExprKind::Is { expr, entity_type } if matches!(expr.expr_kind(), ExprKind::Var(Var::Resource)) => {
            Outcomes::of(model.ty(resource).name == entity_type.to_smolstr())
        }
        ExprKind::Lit(Literal::Bool(answer)) => Outcomes::of(*answer),
        _ => Outcomes::EITHER | Outcomes::ERROR,
    })
}

/// Returns whether the first `when` clauses of a check exclude every resource of a type by tests such as `resource is T`.
/// An `unless` clause before a `when` clause may be an error, which the verdict shows.
pub(crate) fn excludes(model: &Model, statement: &Statement, resource: TypeId) -> bool {
    let whens = statement.clauses.iter().take_while(|clause| clause.kind == ClauseKind::When);
    let whens = whens.map(|clause| by_type(model, resource, &written::operators(&clause.expr)));
    whens.fold(Outcomes::TRUE, Outcomes::and) == Outcomes::FALSE
}

/// Returns the type of an attribute of an entity, or of a member of a record, and whether it is required.
pub(crate) fn member<'t>(model: &'t Model, of: &'t Ty, name: &str) -> Option<(&'t Ty, bool)> {
    match of {
        Ty::Entity(ty) => model.ty(*ty).attribute(name).map(|attribute| (&attribute.ty, attribute.required)),
        Ty::Record(members) => {
            members.iter().find(|member| member.name == name).map(|member| (&member.ty, member.required))
        }
        _ => None,
    }
}

/// Returns the names of the attributes of an entity type, or of the members of a record.
pub(crate) fn members<'t>(model: &'t Model, of: &'t Ty) -> impl Iterator<Item = &'t str> {
    let (attributes, members) = match of {
        Ty::Entity(ty) => (model.ty(*ty).attributes.as_slice(), &[][..]),
        Ty::Record(members) => (&[][..], members.as_slice()),
        _ => (&[][..], &[][..]),
    };
    let attributes = attributes.iter().map(|attribute| attribute.name.as_str());
    attributes.chain(members.iter().map(|member| member.name.as_str()))
}

/// Returns whether an expression is the variable `context`.
pub(crate) fn is_context(expr: &Expr) -> bool {
    matches!(expr.expr_kind(), ExprKind::Var(Var::Context))
}

/// Returns whether an expression is `context.parameters`.
pub(crate) fn is_parameters(expr: &Expr) -> bool {
    matches!(expr.expr_kind(), ExprKind::GetAttr { expr, attr } if attr == "parameters" && is_context(expr))
}
