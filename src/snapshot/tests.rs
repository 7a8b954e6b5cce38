//! Tables for the steps of reading: a snapshot, and what the split, the decode and the resolve make known of it.

use super::{Column, Data, Limits, Snapshot, State, Table};
use crate::schema::{Model, Schema, SlotId};
use crate::source::Source;
use crate::value::{EntityRef, TypeId};
use expect_test::{Expect, expect};
use std::fmt::Write;

const SCHEMA: &str = r#"
    @path("") entity Lab = { open: Bool, head?: Person, tags?: Set<String>, address: { town: String, zip?: String } };
    @path("/people/*") @key("name") entity Person in [Lab] = { name: String, age: Long, boss?: Person };
    @path("/rooms/*") @key("no") @missing("[]") entity Room in [Lab] = { no: String };
    action audit appliesTo { principal: [Lab], resource: [Lab, Person, Room], context: {} };
"#;

/// Reads a snapshot with all attributes.
fn read(text: &str) -> (std::sync::Arc<Model>, Option<Snapshot>, Vec<String>) {
    let schema = Source::new("lab.cedarschema", SCHEMA).unwrap();
    let (schema, problems) = Schema::parse(&schema);
    assert!(problems.is_empty(), "{problems:?}");
    let model = schema.unwrap().model;
    let slots = |ty: TypeId| (0..model.ty(ty).slots.len()).map(move |slot| (ty, SlotId::new(slot)));
    let reads = model.type_ids().flat_map(slots).collect();
    let (snapshot, found) = Snapshot::read(&Source::new("lab.json", text).unwrap(), &model, &reads, &Limits::default());
    let found = found.iter().map(|found| format!("{}: {}", found.code.name(), found.message)).collect();
    (model, snapshot, found)
}

/// Compares the tables of a snapshot and the diagnostics, as one line for each row, list and diagnostic.
fn check(text: &str, expected: Expect) {
    let (model, snapshot, found) = read(text);
    let mut lines = String::new();
    for (ty, table) in snapshot.iter().flat_map(|snapshot| model.type_ids().zip(&snapshot.tables)) {
        let snapshot = snapshot.as_ref().unwrap();
        for row in 0..table.rows.len() {
            let entity = EntityRef { ty, row: u32::try_from(row).unwrap() };
            write!(lines, "{}", snapshot.show(&model, entity)).unwrap();
            for (slot, column) in model.ty(ty).slots.iter().zip(&table.columns) {
                write!(lines, " {}={}", slot.dotted(), shown(&model, snapshot, column, row)).unwrap();
            }
            lines.push_str(if table.copies.contains(&entity.row) { " copy\n" } else { "\n" });
        }
        lists(&mut lines, table);
    }
    found.iter().for_each(|found| writeln!(lines, "{found}").unwrap());
    expected.assert_eq(&lines);
}

fn lists(lines: &mut String, table: &Table) {
    for list in &table.uncaptured_lists {
        writeln!(lines, "{:?} list {} {:?}", list.gap, list.pointer, list.property).unwrap();
    }
    if !table.dangling.is_empty() {
        writeln!(lines, "dangling {:?}", table.dangling).unwrap();
    }
}

fn shown(model: &Model, snapshot: &Snapshot, column: &Column, row: usize) -> String {
    match (column.states[row], &column.data) {
        (State::Known, Data::Bool(values)) => values[row].to_string(),
        (State::Known, Data::Number(values)) => values[row].to_string(),
        (State::Known, Data::Text(values)) => format!("{:?}", snapshot.text(values[row])),
        (State::Known, Data::Value(values)) => format!("{:?}", values[row]),
        (State::Known, Data::Entity(values)) => {
            let ty = model.type_named("Person").unwrap();
            snapshot.show(model, EntityRef { ty, row: values[row] })
        }
        (State::Known, _) => "known".to_owned(),
        (state, _) => format!("{state:?}").to_lowercase(),
    }
}

#[test]
fn the_split_finds_the_instances_and_the_lists_that_are_not_known() {
    check(
        r#"{"people": [{"name": "a"}, {"name": "b"}], "rooms": {"x": {"no": "1"}}}"#,
        expect![[r#"
        Lab::"" address=uncaptured address.town=uncaptured address.zip=uncaptured head=absent open=uncaptured tags=absent
        Person::"a" age=uncaptured boss=absent name="a"
        Person::"b" age=uncaptured boss=absent name="b"
        Room::"1" no="1"
    "#]],
    );
    check(
        r#"{"people": null}"#,
        expect![[r#"
        Lab::"" address=uncaptured address.town=uncaptured address.zip=uncaptured head=absent open=uncaptured tags=absent
        Uncaptured list /people ""
    "#]],
    );
    check(
        r#"{"people": [{"name": "a"}, null, {"error": "forbidden"}], "romms": []}"#,
        expect![[r#"
        Lab::"" address=uncaptured address.town=uncaptured address.zip=uncaptured head=absent open=uncaptured tags=absent
        Person::"a" age=uncaptured boss=absent name="a"
        Partial list /people ""
        Uncaptured list /rooms "rooms"
        snapshot-type: an element of `/people` has no property that `Person` declares
        snapshot-property: unknown property `romms`, and the object has no `rooms`
    "#]],
    );
    check(
        r#"{"people": "none", "rooms": {"count": 3}}"#,
        expect![[r#"
        Lab::"" address=uncaptured address.town=uncaptured address.zip=uncaptured head=absent open=uncaptured tags=absent
        Unreadable list /people ""
        Unreadable list /rooms ""
        snapshot-type: expected a list at `/people`, found a string
        snapshot-type: expected a list at `/rooms`, found an object that is not a map of instances
    "#]],
    );
    check(
        r#"{"people": [], "people": []}"#,
        expect![[r#"
        Lab::"" address=uncaptured address.town=uncaptured address.zip=uncaptured head=absent open=uncaptured tags=absent
        Unreadable list /people ""
        snapshot-duplicate-key: duplicate property `people`
    "#]],
    );
    check(
        r#"[]"#,
        expect![[r#"
        snapshot-root: a snapshot is an object, and this is an array
    "#]],
    );
    check(
        r#"{"people": ["#,
        expect![[r#"
        snapshot-syntax: expected a value, the text ends here
    "#]],
    );
}

#[test]
fn the_decode_sets_the_state_of_every_slot() {
    let row = |row: &str, expected| check(&format!(r#"{{"people": [], {row}}}"#), expected);
    row(
        r#""open": true, "address": {"town": "T"}"#,
        expect![[r#"
        Lab::"" address=known address.town="T" address.zip=absent head=absent open=true tags=absent
    "#]],
    );
    row(
        r#""open": "yes", "address": null"#,
        expect![[r#"
        Lab::"" address=uncaptured address.town=uncaptured address.zip=uncaptured head=absent open=unreadable tags=absent
        snapshot-type: `open` is a string, expected true or false
    "#]],
    );
    row(
        r#""open": null, "tags": ["x"], "address": {"town": 1, "zip": null}"#,
        expect![[r#"
        Lab::"" address=known address.town=unreadable address.zip=absent head=absent open=uncaptured tags=Set(Set { items: [String("x")], maybe: [], open: false })
        snapshot-type: `address.town` is a number, expected a string
    "#]],
    );
    row(
        r#""opn": true, "address": []"#,
        expect![[r#"
        Lab::"" address=unreadable address.town=unreadable address.zip=unreadable head=absent open=uncaptured tags=absent
        snapshot-type: expected an object at `address`, found an array
    "#]],
    );
    row(
        r#""open": true, "open": true, "address": {"Town": "T", "town": "T"}"#,
        expect![[r#"
        Lab::"" address=known address.town=unreadable address.zip=absent head=absent open=unreadable tags=absent
        snapshot-duplicate-key: duplicate property `open`
        snapshot-duplicate-key: properties `town` and `Town` differ only in case or separators
    "#]],
    );
    row(
        r#""open": true, "address": {"error": "forbidden"}"#,
        expect![[r#"
        Lab::"" address=uncaptured address.town=uncaptured address.zip=uncaptured head=absent open=true tags=absent
    "#]],
    );
}

#[test]
fn the_resolve_finds_references_and_ids_that_are_given_twice() {
    let lab = |people: &str, expected| check(&format!(r#"{{"people": {people}, "head": "a", "rooms": []}}"#), expected);
    lab(
        r#"[{"name": "a", "age": 1, "boss": "b"}, {"name": "b", "age": 2, "boss": null}]"#,
        expect![[r#"
        Lab::"" address=uncaptured address.town=uncaptured address.zip=uncaptured head=Person::"a" open=uncaptured tags=absent
        Person::"a" age=1 boss=Person::"b" name="a"
        Person::"b" age=2 boss=absent name="b"
    "#]],
    );
    lab(
        r#"[{"name": "A", "age": 1, "boss": "c"}]"#,
        expect![[r#"
        Lab::"" address=uncaptured address.town=uncaptured address.zip=uncaptured head=Person::"a" open=uncaptured tags=absent
        Person::"A" age=1 boss=Person::"c" name="A"
        dangling ["a", "c"]
        snapshot-reference: `boss` refers to Person `c`, which is not in the snapshot
        snapshot-reference: `head` refers to Person `a`, which is not in the snapshot
    "#]],
    );
    lab(
        r#"[{"name": "a", "age": 1}, {"name": "a", "age": 2}]"#,
        expect![[r#"
        Lab::"" address=uncaptured address.town=uncaptured address.zip=uncaptured head=Person::"a" open=uncaptured tags=absent
        Person::"a" age=unreadable boss=unreadable name=unreadable
        Person::"a" age=unreadable boss=unreadable name=unreadable copy
        snapshot-duplicate-id: two instances of Person have the id `a`
    "#]],
    );
    lab(
        r#"[{"age": 1}]"#,
        expect![[r#"
        Lab::"" address=uncaptured address.town=uncaptured address.zip=uncaptured head=uncaptured open=uncaptured tags=absent
        Person::"0" age=1 boss=absent name=uncaptured
        snapshot-key: `Person` has no `name`, which is its id
    "#]],
    );
    lab(
        "null",
        expect![[r#"
        Lab::"" address=uncaptured address.town=uncaptured address.zip=uncaptured head=uncaptured open=uncaptured tags=absent
        Uncaptured list /people ""
    "#]],
    );
}
