//! Reads the screens of a description: `[[screens]]`, and `[template]`.

use super::read::Reader;
use super::{Screen, ScreenValue, TemplateList};
use crate::configuration::values::{key_span, span_of};
use crate::schema::Model;
use crate::source::Span;
use crate::value::TypeId;
use toml_edit::TableLike;

/// The keys of a screen.
const IN_SCREEN: [&str; 3] = ["note", "title", "values"];

impl Reader<'_> {
    /// Reads the screens, in walking order. A property is on one screen.
    pub(super) fn screens(&mut self, table: &dyn TableLike) -> Vec<Screen> {
        let mut screens: Vec<Screen> = Vec::new();
        for (at, table) in self.tables(table, "screens") {
            self.values.known(table, &IN_SCREEN, " of a screen");
            let title = self.needed_text(table, "title", at, "a screen");
            let note = table.get("note").and_then(|item| self.values.text("note", item));
            let mut values = Vec::new();
            for value in self.screen_values(table, at) {
                let known = screens.iter().flat_map(|screen| &screen.values).chain(&values);
                if known.into_iter().any(|other: &ScreenValue| other.is(value.ty, &value.property)) {
                    let message = format!("`{}` is on two screens", value.property.join("/"));
                    self.values.wrong(value.place.span, message, "keep it on one of them");
                    continue;
                }
                values.push(value);
            }
            let Some(title) = title else { continue };
            screens.push(Screen { title, note, values, place: self.values.place(at) });
        }
        screens
    }

    /// Reads `values = { TYPE = ["property"] }`.
    fn screen_values(&mut self, table: &dyn TableLike, at: Span) -> Vec<ScreenValue> {
        let Some(table) = table.get("values").and_then(|item| self.values.table("values", item)) else {
            self.values.wrong(at, "a screen has no `values`".to_owned(), "add values = { TYPE = [\"property\"] }");
            return Vec::new();
        };
        let mut values = Vec::new();
        for (name, item) in table.iter() {
            let ty = self.type_named(name, key_span(table, name));
            let list = item.as_array().map(|list| list.iter().map(|value| (value.as_str(), value.span())));
            let Some(list) = list else {
                self.values.wrong(span_of(item), format!("`{name}` is not a list"), "write [\"property\"]");
                continue;
            };
            for (text, span) in list {
                let at = span.map_or_else(|| span_of(item), Span::from);
                let Some(text) = text else {
                    self.values.wrong(at, "a property is not a text".to_owned(), "write its name in quotes");
                    continue;
                };
                let (Some(ty), Some(property)) = (ty, self.pointer_of(text, at)) else { continue };
                if !reads(self.model, ty, &property) {
                    let message = format!("`{name}` reads no property `{text}`");
                    self.values.wrong(at, message, "name a property that the schema declares");
                    continue;
                }
                values.push(ScreenValue { ty, property, place: self.values.place(at) });
            }
        }
        values
    }

    /// Reads `[template]`: flags, and the types whose instances they name.
    pub(super) fn template(&mut self, table: &dyn TableLike) -> Vec<TemplateList> {
        let Some(table) = table.get("template").and_then(|item| self.values.table("template", item)) else {
            return Vec::new();
        };
        let mut lists = Vec::new();
        for (flag, item) in table.iter() {
            let at = key_span(table, flag);
            let Some(ty) = self.entity_type(flag, item) else { continue };
            if !self.model.ty(ty).is_collection() || self.model.ty(ty).key.as_ref().is_none_or(|key| key.len() != 1) {
                let message =
                    format!("`{}` is not a list of objects with a `@key` of one step", self.model.short_name(ty));
                self.values.wrong(span_of(item), message, "name a type whose instances the template lists");
                continue;
            }
            lists.push(TemplateList { flag: flag.to_owned(), ty, place: self.values.place(at) });
        }
        lists
    }
}

/// Returns whether a type reads a property itself; a scalar instance has the empty one.
fn reads(model: &Model, ty: TypeId, property: &[String]) -> bool {
    model.ty(ty).slots.iter().any(|slot| slot.origin.pointer().is_some_and(|pointer| pointer == property))
        || model.ty(ty).key.as_ref().is_some_and(|key| key == property)
}
