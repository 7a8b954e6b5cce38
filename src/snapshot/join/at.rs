//! Places in the document of an account.

use crate::schema::{FieldId, Model, PathId};
use crate::value::TypeId;

/// A place in the document, as the schema reads it.
#[derive(Debug, Clone)]
pub(super) struct At {
    /// Several for an element of a list of several types.
    pub paths: Vec<PathId>,
    fields: Vec<(TypeId, FieldId)>,
    /// Whether an attribute reads the value around the place as a whole.
    is_within: bool,
}

impl At {
    pub(super) fn root(model: &Model) -> Self {
        Self { paths: vec![PathId::default()], fields: vec![(model.root, FieldId::default())], is_within: false }
    }

    /// Returns the place of a property; `None` if the schema does not read it.
    pub(super) fn child(&self, model: &Model, name: &str) -> Option<Self> {
        let children = self.paths.iter().flat_map(|path| &model.paths[*path].children);
        let paths: Vec<PathId> = children.filter(|(child, _)| child == name).map(|(_, path)| *path).collect();
        let mut fields = Vec::new();
        let mut is_within = self.is_within;
        for (ty, field) in &self.fields {
            let node = &model.ty(*ty).fields[*field];
            is_within |= !node.slots.is_empty();
            fields.extend(node.children.iter().filter(|(child, _)| child == name).map(|(_, field)| (*ty, *field)));
        }
        for ty in
            self.paths.iter().flat_map(|path| &model.paths[*path].groups).filter_map(|group| model.paths[*group].ty)
        {
            let of_type = model.ty(ty).groups().into_iter().flat_map(|groups| &groups.list);
            let properties = of_type.flat_map(|group| model.ty(ty).properties_in(group));
            fields.extend(properties.filter(|(known, _)| known == name).map(|(_, field)| (ty, field)));
        }
        fields.extend(instances(model, &paths));
        (!paths.is_empty() || !fields.is_empty() || is_within).then_some(Self { paths, fields, is_within })
    }

    /// Returns whether the schema states that nothing reads a property.
    pub(super) fn ignores(&self, model: &Model, name: &str) -> bool {
        let mut nodes = self.fields.iter().map(|(ty, field)| &model.ty(*ty).fields[*field]);
        nodes.any(|node| node.ignored.iter().any(|ignored| ignored == name))
    }

    /// Returns a place that the schema does not read.
    pub(super) fn elsewhere() -> Self {
        Self { paths: Vec::new(), fields: Vec::new(), is_within: false }
    }

    /// Returns the place of an instance of the list here.
    pub(super) fn element(&self, model: &Model) -> Self {
        let paths = self.each(model);
        let fields = instances(model, &paths);
        Self { paths, fields, is_within: false }
    }

    /// Returns whether pieces of evidence are here or below.
    pub(super) fn leads_to_evidence(&self, model: &Model) -> bool {
        let below = self.paths.iter().flat_map(|path| &model.paths[*path].below);
        below.into_iter().any(|ty| model.ty(*ty).is_evidence)
    }

    /// Returns whether this is a piece of evidence.
    pub(super) fn is_evidence(&self, model: &Model) -> bool {
        self.paths.iter().any(|path| model.paths[*path].ty.is_some_and(|ty| model.ty(ty).is_evidence))
    }

    /// Returns the types of the list here.
    pub(super) fn types(&self, model: &Model) -> Vec<TypeId> {
        self.each(model).iter().filter_map(|each| model.paths[*each].ty).collect()
    }

    /// Returns the places of the instances, if this is the place of a list of them.
    pub(super) fn each(&self, model: &Model) -> Vec<PathId> {
        self.paths.iter().flat_map(|path| model.paths[*path].each.iter().copied()).collect()
    }
}

/// Returns the instances at some places, as properties.
fn instances(model: &Model, paths: &[PathId]) -> Vec<(TypeId, FieldId)> {
    let types = paths.iter().filter_map(|path| model.paths[*path].ty);
    types.filter(|ty| !model.ty(*ty).fields.is_empty()).map(|ty| (ty, FieldId::default())).collect()
}
