//! The secrets of a schema.

use super::{SchemaReader, entity_types_in};
use crate::diagnostic::Code;
use crate::schema::layout::Slots;
use crate::schema::model::*;
use crate::value::TypeId;

impl<'f> SchemaReader<'_, 'f> {
    /// Marks the slots of secrets. If one attribute marks a value as secret, every attribute that reads the same value
    /// is masked. Reports show ids, references and the time of the capture, so none of them can be secret.
    pub(super) fn secrets(&mut self, model: &Model, ty: TypeId, slots: &mut Slots) {
        let concerns = slots.fill_secrets();
        for (_, span) in slots.fields.iter().zip(concerns).filter(|(node, _)| node.key) {
            let Some(span) = span else { continue };
            let error = self.error(Code::SchemaSecret, span, "a secret cannot be an id");
            error.help = Some("choose another `@key`: findings name entities by their ids".into());
        }
        let captured_at = slots.list.iter().find(|slot| slot.secret && slot.path == ["captured_at"]);
        if let Some(slot) = captured_at.filter(|_| ty == model.root) {
            let error = self.error(Code::SchemaSecret, slot.span, "the time of the capture cannot be secret");
            error.help = Some("remove `@secret`, or rename the attribute: reports show the time".into());
        }
        for slot in slots.list.iter().filter(|slot| slot.secret && slot.origin.pointer().is_some()) {
            if entity_types_in(&slot.ty).iter().any(|target| model.ty(*target).choices().is_none()) {
                let error = self.error(Code::SchemaSecret, slot.span, "a secret cannot be a reference");
                error.help =
                    Some("declare the attribute as a String: findings name the entities that they are about".into());
            }
        }
    }

    /// Rejects lists of instances in secrets, because reports show the ids of instances.
    pub(super) fn lists_in_secrets(&mut self, model: &Model) {
        for (ty, path) in model.types.iter().zip(&model.path_of) {
            let mut places: Vec<(PathId, FieldId)> = path.iter().map(|path| (*path, FieldId::default())).collect();
            while let Some((path, field)) = places.pop() {
                let (tree, Some(node)) = (&model.paths[path], ty.fields.find(field)) else { continue };
                let inner =
                    tree.children.iter().map(|(_, child)| *child).chain(tree.each.iter().chain(&tree.groups).copied());
                let inner = inner.flat_map(|child| &model.paths[child].below).next();
                if let (true, Some(inner)) = (node.secret, inner) {
                    let slot = node.below.iter().map(|slot| &ty.slots[*slot]).find(|slot| slot.secret);
                    let message = format!("a secret cannot hold instances of {}", model.short_name(*inner));
                    let error = self.error(Code::SchemaSecret, slot.map_or(ty.span, |slot| slot.span), message);
                    error.help = Some("make only their attributes secret: findings name entities by their ids".into());
                    continue;
                }
                let both = node.children.iter().filter_map(|(name, field)| {
                    let (_, path) = tree.children.iter().find(|(other, _)| other == name)?;
                    Some((*path, *field))
                });
                places.extend(both);
            }
        }
    }
}
