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

/// The instances whose id is a text in another spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Respelt {
    None,
    /// The only one, by its row.
    One(u32),
    Several,
}

/// The instances of a type.
#[derive(Debug)]
struct OfType {
    /// The forms of its ids, without those that have one spelling only.
    forms: Vec<IdForm>,
    /// The instance by the number of the form, the row around the list, and the id.
    rows: HashMap<(usize, u32, String), Respelt>,
}

/// The form of an id.
#[derive(Debug, Clone, PartialEq, Eq)]
enum IdForm {
    /// That of one property.
    One(KeyForm),
    /// Those of the properties that the id consists of.
    All(Vec<KeyForm>),
}

impl Spellings {
    /// Returns the instances in a scope whose id is a text in another spelling.
    pub(super) fn find(&mut self, snapshot: &Snapshot, model: &Model, ty: TypeId, scope: u32, text: &str) -> Respelt {
        let OfType { forms, rows } = self.of(snapshot, model, ty);
        let found = forms.iter().enumerate().filter_map(|(at, form)| rows.get(&(at, scope, form.fold(text))));
        found.fold(Respelt::None, |known, found| match known {
            Respelt::None => *found,
            known if known == *found => known,
            _ => Respelt::Several,
        })
    }

    /// Returns a text in the form in which the schema reads the ids of a type, if they have one form.
    pub(super) fn folded(&mut self, snapshot: &Snapshot, model: &Model, ty: TypeId, text: &str) -> String {
        match &self.of(snapshot, model, ty).forms[..] {
            [form] => form.fold(text),
            _ => text.to_owned(),
        }
    }

    fn of(&mut self, snapshot: &Snapshot, model: &Model, ty: TypeId) -> &OfType {
        self.0.entry(ty).or_insert_with(|| OfType::new(snapshot, model, ty))
    }
}

impl OfType {
    fn new(snapshot: &Snapshot, model: &Model, ty: TypeId) -> Self {
        let declared = model.ty(ty);
        let keys: Vec<(&[String], IdForm)> = match declared.has_composite_key() {
            true => vec![(&[], IdForm::All(declared.keys().map(|key| KeyForm::of(declared, key)).collect()))],
            false => declared.keys().map(|key| (key, IdForm::One(KeyForm::of(declared, key)))).collect(),
        };
        let mut of_type = Self { forms: Vec::new(), rows: HashMap::new() };
        of_type.forms.extend(keys.iter().map(|(_, form)| form).filter(|form| !form.is_exact()).cloned());
        of_type.forms.dedup();
        if of_type.forms.is_empty() {
            return of_type;
        }
        for (row, at) in snapshot.table(ty).rows.iter().zip(0..) {
            let key = snapshot.text(row.key);
            let form = form_of(snapshot, declared, row, &keys);
            let number = of_type.forms.iter().position(|known| Some(known) == form);
            // An instance whose id others have too is not one that a reference can mean.
            let is_named = snapshot.by_key(ty, row.parent, key) == Some(at);
            let Some((number, form)) = number.zip(form).filter(|_| is_named) else { continue };
            let known = of_type.rows.entry((number, row.parent, form.fold(key)));
            known.and_modify(|known| *known = Respelt::Several).or_insert(Respelt::One(at));
        }
        of_type
    }
}

impl IdForm {
    fn is_exact(&self) -> bool {
        match self {
            IdForm::One(form) => *form == KeyForm::Exact,
            IdForm::All(forms) => forms.iter().all(|form| *form == KeyForm::Exact),
        }
    }

    /// Returns an id in this form. The parts of one that consists of several properties are escaped, with `/` between them.
    fn fold(&self, id: &str) -> String {
        match self {
            IdForm::One(form) => form.fold(id),
            IdForm::All(forms) => {
                let parts = id.split('/').zip(forms.iter().map(Some).chain(std::iter::repeat(None)));
                let parts = parts.map(|(part, form)| form.map_or(part.to_owned(), |form| form.fold(part)));
                parts.collect::<Vec<_>>().join("/")
            }
        }
    }
}

/// Returns the form of the id of an instance: that of the first of its properties that is there.
fn form_of<'k>(snapshot: &Snapshot, ty: &EntityType, row: &Row, keys: &'k [(&[String], IdForm)]) -> Option<&'k IdForm> {
    let is_there = |key: &[String]| is_present(snapshot.locate(row.span, &row.pointer_in_object(ty, key)));
    match keys {
        [(_, form)] => Some(form),
        keys => keys.iter().find(|(key, _)| is_there(key)).map(|(_, form)| form),
    }
}
