//! The places of references inside sets, records and tags. Their values are kept without places, so an error finds them again.

use super::super::Snapshot;
use super::super::locate::LocationKind;
use crate::schema::{Chain, Datum, Model, Origin, Slot, Ty};
use crate::source::Span;
use crate::source::json::{Kind, Scanner, SyntaxError, string_text};
use crate::value::{EntityRef, TypeId};
use smol_str::SmolStr;
use std::collections::HashMap;

/// The references in the value of an attribute of one instance.
#[derive(Debug, Default)]
pub(super) struct References {
    of: Option<EntityRef>,
    /// The value, or the object that lacks it.
    whole: Span,
    /// The place of the first reference with a text, by the tag that it is in, and its type.
    places: HashMap<(Option<SmolStr>, TypeId, SmolStr), Span>,
}

impl References {
    /// Returns the place of a reference in the value of an attribute; that of the value if it is a default of the schema.
    pub(super) fn find(
        &mut self,
        (snapshot, model): (&Snapshot, &Model),
        (here, slot, tag): (EntityRef, &Slot, Option<&SmolStr>),
        (target, text): (TypeId, &SmolStr),
    ) -> Span {
        if self.of != Some(here) {
            *self = Self::of(snapshot, model, here, slot);
        }
        self.places.get(&(tag.cloned(), target, text.clone())).copied().unwrap_or(self.whole)
    }

    fn of(snapshot: &Snapshot, model: &Model, here: EntityRef, slot: &Slot) -> Self {
        let mut found = Self { of: Some(here), ..Self::default() };
        let Some(row) = snapshot.table(here.ty).rows.get(here.row as usize) else { return found };
        found.whole = row.span;
        let Some(pointer) = slot.origin.pointer() else { return found };
        let at = snapshot.locate(row.span, &row.pointer_in_object(model.ty(here.ty), pointer));
        found.whole = at.span;
        let LocationKind::Value(_) = at.kind else { return found };
        let mut values = vec![at.span];
        for below in &slot.each {
            let elements = values.into_iter().flat_map(|list| parts(snapshot, list)).map(|(_, part)| part);
            let located = elements.map(|element| snapshot.locate(element, below));
            values = located.filter(|at| matches!(at.kind, LocationKind::Value(_))).map(|at| at.span).collect();
        }
        let (ty, chain) = match (&slot.ty, &slot.origin) {
            (Ty::Set(element), Origin::Read(_, chain)) if !slot.each.is_empty() => (&**element, chain.as_ref()),
            (ty, Origin::Read(_, chain)) => (ty, chain.as_ref()),
            (ty, _) => (ty, None),
        };
        for value in values {
            if let Origin::Tags(_) = slot.origin {
                for (tag, value) in parts(snapshot, value) {
                    found.collect(snapshot, (ty, chain), value, tag.as_ref());
                }
            } else {
                found.collect(snapshot, (ty, chain), value, None);
            }
        }
        found
    }

    fn collect(&mut self, snapshot: &Snapshot, (ty, chain): (&Ty, Option<&Chain>), value: Span, tag: Option<&SmolStr>) {
        let text = snapshot.source.slice(value);
        let kind = Scanner::at(snapshot.source.text(), value.start).peek().map_or(Kind::Null, |(kind, _)| kind);
        match (ty, kind) {
            (Ty::Set(element), Kind::Array) => {
                for (_, part) in parts(snapshot, value) {
                    self.collect(snapshot, (element, chain), part, tag);
                }
            }
            // A reader makes a set of one text.
            (Ty::Set(element), Kind::String) => self.collect(snapshot, (element, chain), value, tag),
            (Ty::Record(members), Kind::Object) => {
                for (name, part) in parts(snapshot, value) {
                    if let Some(member) = members.iter().find(|member| Some(&member.name) == name.as_ref()) {
                        self.collect(snapshot, (&member.ty, chain), part, tag);
                    }
                }
            }
            (Ty::Entity(target), Kind::String) => {
                let text = string_text(text).unwrap_or_default();
                let texts = match chain {
                    Some(chain) => {
                        chain.read(Datum::Text(text.into_owned()), &crate::schema::LackingWords::default()).data
                    }
                    None => vec![Datum::Text(text.into_owned())],
                };
                for text in texts {
                    if let Datum::Text(text) = text {
                        self.places.entry((tag.cloned(), *target, text.into())).or_insert(value);
                    }
                }
            }
            _ => {}
        }
    }
}

/// Returns the elements of an array, or the values of an object with their names.
fn parts(snapshot: &Snapshot, value: Span) -> Vec<(Option<SmolStr>, Span)> {
    let mut parts = Vec::new();
    let mut scanner = Scanner::at(snapshot.source.text(), value.start);
    if let Ok((Kind::Array, _)) = scanner.peek() {
        #[expect(clippy::let_underscore_must_use, reason = "the text has been scanned before")]
        let _ = scanner.array(|scanner, _| {
            parts.push((None, snapshot.split_text().skip(scanner)?));
            Ok::<_, SyntaxError>(())
        });
    } else {
        snapshot.each_property(value, |name, _, value| parts.push((Some(name.into()), value)));
    }
    parts
}

#[cfg(test)]
mod tests {
    use crate::schema::{Schema, SlotId};
    use crate::snapshot::{Limits, Snapshot};
    use crate::source::Source;

    #[test]
    fn an_error_points_at_the_reference_inside_the_value() {
        let schema = r#"
            type Duty = { name: String, by: Person };
            @path("") entity Org = {
                people: Set<Person>,
                @as("split(\",\")") owners: Set<Person>,
                duties: Set<Duty>,
                @path("plans/*/lead") leads: Set<Person>,
                @missing("\"gone\"") boss: Person,
            } tags Person;
            @path("/known/*") @key("id") entity Person in [Org] = {};
            action audit appliesTo { principal: [Org], resource: [Org], context: {} };
        "#;
        let schema = schema.replace("@path(\"\") entity", "@path(\"\") @tags(\"labels\") entity");
        let (schema, problems) = Schema::parse(&Source::new("s.cedarschema", schema).unwrap());
        let model = schema.unwrap_or_else(|| panic!("{problems:?}")).model;
        let reads = model.type_ids().flat_map(|ty| (0..model.ty(ty).slots.len()).map(move |at| (ty, SlotId::new(at))));
        let text = r#"{"known": [{"id": "ann"}, {"id": "bob"}],
            "people": ["ann", "zed", "zo\u0065"], "owners": ["ann, uma", "vic"],
            "duties": [{"name": "wes", "by": "wes"}],
            "plans": [{"name": "xia", "lead": "ann"}, {"name": "yan", "lead": "xia"}],
            "labels": {"a": "ann", "b": "yan"}}"#;
        let source = Source::new("a.json", text).unwrap();
        let (_, found) = Snapshot::read(&source, &model, &reads.collect(), &Limits::default());
        let shown = found.iter().map(|found| {
            let label = &found.labels[0].place;
            let attribute = found.message.split('`').nth(1).unwrap();
            format!("{attribute} {} {}", label.span.start, label.text())
        });
        let at = |part: &str, within: &str| text.find(within).unwrap() + within.find(part).unwrap();
        let mut expected = vec![
            format!("people {} \"zed\"", at("\"zed\"", "\"zed\"")),
            format!("people {} \"zo\\u0065\"", at("\"zo", "\"zo")),
            format!("owners {} \"ann, uma\"", at("\"ann, uma", "\"ann, uma")),
            format!("owners {} \"vic\"", at("\"vic", "\"vic")),
            format!("duties {} \"wes\"", at("\"wes\"}", "\"wes\"}")),
            format!("leads {} \"xia\"", at("\"xia\"}", "\"xia\"}")),
            format!("boss 0 {text}"),
            format!("tags.b {} \"yan\"", at("\"yan\"}", "\"yan\"}")),
        ];
        let mut shown: Vec<String> = shown.collect();
        shown.sort();
        expected.sort();
        assert_eq!(shown, expected);
    }
}
