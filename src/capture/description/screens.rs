//! Reads the screens of a description: `[[screens]]`, and `[template]`.

use super::read::Reader;
use super::{Feed, Screen, ScreenValue, TemplateList};
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
    pub(super) fn template(&mut self, table: &dyn TableLike, feeds: &[Feed]) -> Vec<TemplateList> {
        let Some(table) = table.get("template").and_then(|item| self.values.table("template", item)) else {
            return Vec::new();
        };
        let mut lists = Vec::new();
        for (flag, item) in table.iter() {
            let at = key_span(table, flag);
            self.check_flag(flag, at);
            if feeds.iter().any(|feed| feed.flag == flag) {
                self.values.wrong(at, format!("a source has the flag `{flag}`"), "name the list differently");
            }
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

#[cfg(test)]
mod tests {
    use super::super::Description;
    use crate::schema::Schema;
    use crate::source::Source;

    const SCHEMA: &str = r#"
        @path("") entity Club = { name: String };
        @path("/people/*") @key("email") entity Person in [Club] = { email: String, left?: datetime };
        @path("/tags/*") @key("") entity Tag in [Club] = {};
        action audit appliesTo { principal: [Club], resource: [Person], context: {} };
    "#;

    const SCREENS: &str = r#"[template]
people = "Person"
[[screens]]
title = "Club"
values = { Club = ["name"], Person = ["email"] }
[[screens]]
title = "Former members"
note = "Look twice."
values = { Person = ["left"], Tag = [""] }
"#;

    fn read(text: &str) -> (Description, Vec<String>) {
        let (schema, problems) = Schema::parse(&Source::new("s.cedarschema", SCHEMA).unwrap());
        assert!(problems.is_empty(), "{problems:?}");
        let source = Source::new("capture.toml", text).unwrap();
        let (description, problems) = Description::read(&source, &schema.unwrap().model);
        let line = |it: crate::diagnostic::Diagnostic| {
            let at = source.position(it.labels[0].place.span.start).line;
            format!("{at}: {}; {}", it.message, it.help.unwrap_or_default())
        };
        (description, problems.into_iter().map(line).collect())
    }

    #[test]
    fn screens_are_in_the_order_of_the_file() {
        let (description, problems) = read(SCREENS);
        assert_eq!(problems, [""; 0]);
        let titles: Vec<&str> = description.screens.iter().map(|screen| screen.title.as_str()).collect();
        assert_eq!(titles, ["Club", "Former members"]);
        let person = description.lists[0].ty;
        let screens = ["email", "left", "joined"].map(|name| description.screen_of(person, &[name.to_owned()]));
        assert_eq!(screens, [Some(0), Some(1), None]);
    }

    #[test]
    fn mistakes_in_screens_have_their_place_and_a_remedy() {
        for (old, new, expected) in [
            (
                "\"Person\"",
                "\"Tag\"",
                "2: `Tag` is not a list of objects with a `@key` of one step; name a type whose instances the template lists",
            ),
            ("title = \"Club\"", "titel = \"Club\"", "4: unknown key `titel` of a screen; did you mean `title`?"),
            ("\"name\"", "\"nam\"", "5: `Club` reads no property `nam`; name a property that the schema declares"),
            ("\"left\"", "\"email\"", "9: `email` is on two screens; keep it on one of them"),
            ("\"left\"", "7", "9: a property is not a text; write its name in quotes"),
            ("[\"left\"]", "\"left\"", "9: `Person` is not a list; write [\"property\"]"),
            ("Tag =", "Tagg =", "9: the schema has no instances of `Tagg`; did you mean `Tag`?"),
            ("values = { Person", "value = { Person", "9: unknown key `value` of a screen; did you mean `values`?"),
        ] {
            let (_, problems) = read(&SCREENS.replacen(old, new, 1));
            assert!(problems.iter().any(|problem| problem == expected), "{expected}\n{problems:?}");
        }
    }
}
