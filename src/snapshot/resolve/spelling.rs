//! References that spell the id of an instance in another way than the instance, such as `Ann@x.example` and `ann@x.example`.

use super::super::{Row, Snapshot};
use super::is_present;
use crate::schema::{EntityType, KeyForm, Model};
use crate::value::TypeId;
use std::collections::HashMap;

/// The instances by their ids in the form in which the schema reads them. A type is added with its first reference that names
/// no id as it is written.
#[derive(Debug, Default)]
pub(super) struct Spellings(HashMap<TypeId, OfType>);

/// The instances of a type.
#[derive(Debug)]
struct OfType {
    /// The forms of its ids, without those that have one spelling only.
    forms: Vec<KeyForm>,
    /// The row by the number of the form, the row around the list, and the id. `None` if several instances have it.
    rows: HashMap<(usize, u32, String), Option<u32>>,
}

impl Spellings {
    /// Returns the row of the only instance in a scope whose id is a text in another spelling.
    pub(super) fn find(
        &mut self,
        snapshot: &Snapshot,
        model: &Model,
        ty: TypeId,
        scope: u32,
        text: &str,
    ) -> Option<u32> {
        let of_type = self.0.entry(ty).or_insert_with(|| OfType::new(snapshot, model, ty));
        let rows = &of_type.rows;
        let found = of_type.forms.iter().enumerate().filter_map(|(at, form)| rows.get(&(at, scope, form.fold(text))));
        let found: Vec<u32> = found.copied().collect::<Option<_>>()?;
        found.first().copied().filter(|first| found.iter().all(|row| row == first))
    }
}

impl OfType {
    fn new(snapshot: &Snapshot, model: &Model, ty: TypeId) -> Self {
        let declared = model.ty(ty);
        let keys: Vec<(&[String], KeyForm)> = match declared.has_composite_key() {
            true => Vec::new(),
            false => declared.keys().map(|key| (key, KeyForm::of(declared, key))).collect(),
        };
        let mut of_type = Self { forms: Vec::new(), rows: HashMap::new() };
        of_type.forms.extend(keys.iter().map(|(_, form)| *form).filter(|form| *form != KeyForm::Exact));
        of_type.forms.dedup();
        if of_type.forms.is_empty() {
            return of_type;
        }
        for (row, at) in snapshot.table(ty).rows.iter().zip(0..) {
            let key = snapshot.text(row.key);
            let form = form_of(snapshot, declared, row, &keys);
            let number = of_type.forms.iter().position(|known| Some(*known) == form);
            // An instance whose id others have too is not one that a reference can mean.
            let is_named = snapshot.by_key(ty, row.parent, key) == Some(at);
            let Some((number, form)) = number.zip(form).filter(|_| is_named) else { continue };
            let known = of_type.rows.entry((number, row.parent, form.fold(key)));
            known.and_modify(|known| *known = None).or_insert(Some(at));
        }
        of_type
    }
}

/// Returns the form of the id of an instance: that of the first of its properties that is there.
fn form_of(snapshot: &Snapshot, ty: &EntityType, row: &Row, keys: &[(&[String], KeyForm)]) -> Option<KeyForm> {
    let is_there = |key: &[String]| is_present(snapshot.locate(row.span, &row.pointer_in_object(ty, key)));
    match keys {
        [(_, form)] => Some(*form),
        keys => keys.iter().find(|(key, _)| is_there(key)).map(|(_, form)| *form),
    }
}
