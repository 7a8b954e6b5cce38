//! Expressions whose type the validator leaves open.
//!
//! Cedar's validator looks at one branch of an `if` whose test it knows, so the other may be of any type. An expression
//! that depends on the type is lowered once for each branch; the branch that is never taken is not evaluated.

use super::*;

/// The facts about expressions without a type.
#[derive(Default)]
pub(super) struct Forks {
    /// Every `if` whose branches have two types: its test and its branches.
    ifs: BTreeMap<NodeId, (NodeId, Typed, Typed)>,
    /// Every record with a member of two types.
    records: BTreeMap<NodeId, BTreeMap<SmolStr, Typed>>,
}

impl Forks {
    /// Returns whether a node is a record with a member of two types.
    pub(super) fn is_record(&self, node: NodeId) -> bool {
        self.records.contains_key(&node)
    }

    fn is_open(&self, node: NodeId) -> bool {
        self.ifs.contains_key(&node) || self.is_record(node)
    }
}

impl Lowering<'_> {
    /// Lowers `if then else`.
    pub(super) fn choose(&mut self, test: NodeId, then: Typed, other: Typed) -> Typed {
        let ty = match (&then.1, &other.1) {
            (Some(ty), Some(same)) if ty == same => Some(ty.clone()),
            (Some(ty), None) if !self.forks.is_open(other.0) => Some(ty.clone()),
            (None, Some(ty)) if !self.forks.is_open(then.0) => Some(ty.clone()),
            _ => None,
        };
        if ty == Some(Ty::Bool) {
            let parts = [test, then.0, other.0].map(Condition::Leaf);
            return self.typed(NodeKind::Condition(Box::new(Condition::If(Box::new(parts)))), Ty::Bool);
        }
        let node = self.push(NodeKind::If(test, then.0, other.0));
        if ty.is_none() {
            self.forks.ifs.insert(node, (test, then, other));
        }
        (node, ty)
    }

    /// Lowers an expression that depends on the type of an operand, once for each type that it may have.
    pub(super) fn each_type(&mut self, operand: Typed, each: &dyn Fn(&mut Self, Typed) -> Typed) -> Typed {
        let Some((test, then, other)) = self.forks.ifs.get(&operand.0).cloned() else { return each(self, operand) };
        let (then, other) = (self.each_type(then, each), self.each_type(other, each));
        self.choose(test, then, other)
    }

    /// Lowers `{...}`.
    pub(super) fn record(&mut self, members: Vec<(SmolStr, Typed)>) -> Typed {
        let nodes = members.iter().map(|(name, (node, _))| (name.clone(), *node, None)).collect();
        let record = self.push(NodeKind::RecordOf(nodes));
        let typed = members
            .iter()
            .map(|(name, (_, ty))| Some(crate::schema::Member { name: name.clone(), ty: ty.clone()?, required: true }));
        let ty = typed.collect::<Option<Vec<_>>>().map(|members| Ty::Record(Arc::new(members)));
        if ty.is_none() {
            self.forks.records.insert(record, members.into_iter().collect());
        }
        (record, ty)
    }

    /// Reads a member of a record without a type, and lowers an expression once for each type of the member.
    pub(super) fn each_type_of_member(
        &mut self,
        record: NodeId,
        name: &SmolStr,
        each: &dyn Fn(&mut Self, Typed) -> Typed,
    ) -> Typed {
        let Some(member) = self.forks.records.get(&record).and_then(|members| members.get(name)).cloned() else {
            return self.unreachable();
        };
        self.each_type(member, &|lowering, (value, ty)| {
            let read = lowering.push(NodeKind::Member(record, name.clone()));
            if let Some(members) = lowering.forks.records.get(&value).cloned() {
                lowering.forks.records.insert(read, members);
            }
            each(lowering, (read, ty))
        })
    }
}
