//! Tables for the steps of reading: a snapshot, and what the split, the decode and the resolve make known of it.

use super::runs::LARGE;
use super::{Column, Data, Limits, Snapshot, State, Table};
use crate::schema::{Model, Schema, SlotId, Ty};
use crate::source::Source;
use crate::value::{EntityRef, TypeId, Value, show_datetime, show_duration};
use expect_test::{Expect, expect};
use std::fmt::Write;

const SCHEMA: &str = r#"
    @path("") entity Lab = { open: Bool, head?: Person, tags?: Set<String>, address: { town: String, zip?: String } };
    @path("/people/*") @key("name") entity Person in [Lab] = { name: String, age: Long, boss?: Person };
    @path("/rooms/*") @key("no") @missing("[]") entity Room in [Lab] = { no: String };
    action audit appliesTo { principal: [Lab], resource: [Lab, Person, Room], context: {} };
"#;

/// Reads a snapshot with all attributes.
fn read(schema: &str, text: &str) -> (std::sync::Arc<Model>, Option<Snapshot>, Vec<String>) {
    let schema = Source::new("lab.cedarschema", schema).unwrap();
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
    expected.assert_eq(&tables(SCHEMA, text));
}

fn tables(schema: &str, text: &str) -> String {
    let (model, snapshot, found) = read(schema, text);
    let mut lines = String::new();
    for (ty, table) in snapshot.iter().flat_map(|snapshot| model.type_ids().zip(&snapshot.tables)) {
        let snapshot = snapshot.as_ref().unwrap();
        for row in 0..table.rows.len() {
            let entity = EntityRef { ty, row: u32::try_from(row).unwrap() };
            write!(lines, "{}", snapshot.show(&model, entity)).unwrap();
            for (slot, column) in model.ty(ty).slots.iter().zip(&table.columns) {
                write!(lines, " {}={}", slot.dotted(), shown(&model, snapshot, &slot.ty, column, row)).unwrap();
            }
            lines.push_str(if table.copies.contains(&entity.row) { " copy\n" } else { "\n" });
        }
        lists(&mut lines, table);
    }
    found.iter().for_each(|found| writeln!(lines, "{found}").unwrap());
    lines
}

fn lists(lines: &mut String, table: &Table) {
    for list in &table.uncaptured_lists {
        writeln!(lines, "{:?} list {} {:?}", list.gap, list.pointer, list.property).unwrap();
    }
    if !table.dangling.is_empty() {
        writeln!(lines, "dangling {:?}", table.dangling).unwrap();
    }
}

fn shown(model: &Model, snapshot: &Snapshot, ty: &Ty, column: &Column, row: usize) -> String {
    match (column.states[row], &column.data) {
        (State::Known, Data::Bool(values)) => values[row].to_string(),
        (State::Known, Data::Number(values)) if *ty == Ty::Datetime => show_datetime(values[row]),
        (State::Known, Data::Number(values)) if *ty == Ty::Duration => show_duration(values[row]),
        (State::Known, Data::Number(values)) => values[row].to_string(),
        (State::Known | State::Uncaptured, Data::Range(values)) => format!("{:?}", values[row]),
        (State::Known, Data::Text(values)) => format!("{:?}", snapshot.text(values[row])),
        (State::Known, Data::Value(values)) => match &values[row] {
            Value::Set(set) => {
                let item = |item: &Value| match item {
                    Value::String(text) => format!("{text:?}"),
                    Value::Datetime(moment) => show_datetime(*moment),
                    Value::Entity(entity) => snapshot.show(model, *entity),
                    other => format!("{other:?}"),
                };
                let items: Vec<String> = set.items().iter().map(item).collect();
                format!("[{}{}]", items.join(" "), if set.is_open() { " .." } else { "" })
            }
            other => format!("{other:?}"),
        },
        (State::Known, Data::Entity(values)) => {
            let Ty::Entity(ty) = *ty else { return "?".to_owned() };
            snapshot.show(model, EntityRef { ty, row: values[row] })
        }
        (State::Known, _) => "known".to_owned(),
        (state, _) => format!("{state:?}").to_lowercase(),
    }
}

/// Records in records, and a type that may lack instances.
const NESTED: &str = r#"
    @path("") entity Lab = { site?: { town?: { name: String, gate?: { open: Bool } }, no: Long }, mate?: { age: Long } };
    @path("/people/*") @key("name") entity Person in [Lab] = { name: String, boss?: { name: String } };
    action audit appliesTo { principal: [Lab], resource: [Lab, Person], context: {} };
"#;

#[test]
fn the_values_of_a_slot_do_not_depend_on_the_other_kept_slots() {
    let texts = [
        r#"{}"#,
        r#"{"site": null, "people": []}"#,
        r#"{"site": 3, "mate": {"agee": 1}, "people": [{"name": "a"}, {"name": "b", "boss": null}]}"#,
        r#"{"site": {"town": {"error": 1}}, "people": [{"name": "\u0061", "boss": 1}, {"name": "b", "boss": {}}]}"#,
        r#"{"site": {"no": 1, "town": {"name": "x", "gate": {}}}, "mate": {"age": 1, "age": 2}}"#,
        r#"{"site": {"no": 1, "town": {"name": "x", "gate": {"open": true}}, "uncaptured": ["town"]}, "mate": 1}"#,
        r#"{"site": {"no": 1, "town": {"gate": null}, "twon": {}}, "mate": {"age": "1"}}"#,
    ];
    for text in texts {
        let (model, whole, found) = read(NESTED, text);
        let whole = whole.unwrap();
        for (ty, slot) in model.type_ids().flat_map(|ty| model.ty(ty).slots.ids().map(move |slot| (ty, slot))) {
            let reads = std::collections::BTreeSet::from([(ty, slot)]);
            let source = Source::new("lab.json", text).unwrap();
            let (only, problems) = Snapshot::read(&source, &model, &reads, &Limits::default());
            let only = only.unwrap();
            assert_eq!(problems.len(), found.len(), "{text}");
            let declared = &model.ty(ty).slots[slot];
            let values = |snapshot: &Snapshot| -> Vec<String> {
                let column = snapshot.table(ty).column(slot);
                let rows = 0..snapshot.table(ty).rows.len();
                rows.map(|row| shown(&model, snapshot, &declared.ty, column, row)).collect()
            };
            assert_eq!(values(&only), values(&whole), "{} of {text}", declared.dotted());
            let others = model.ty(ty).slots.ids().filter(|other| *other != slot);
            let is_kept = |other: SlotId| !only.table(ty).column(other).states.is_empty();
            assert_eq!(others.filter(|other| is_kept(*other)).count(), 0, "{text}");
        }
    }
}

#[test]
fn a_list_of_partial_lists_is_found_in_every_spelling() {
    let gaps = |property: &str| {
        let text = format!(r#"{{"open": true, "people": [], {property} "rooms": []}}"#);
        let (model, snapshot, _) = read(SCHEMA, &text);
        let snapshot = snapshot.unwrap();
        model.type_ids().map(|ty| snapshot.table(ty).uncaptured_lists.len()).sum::<usize>()
    };
    assert_eq!(gaps(""), 0);
    assert_eq!(gaps(r#""party": ["/people"],"#), 0);
    assert_eq!(gaps(r#""partial": ["/people"],"#), 1);
    assert_eq!(gaps(r#""p\u0061rtial": ["/people"],"#), 1);
    for misspelt in ["Partial", "partail", "PARTIAL_"] {
        assert_eq!(gaps(&format!(r#""{misspelt}": ["/people"],"#)), 2, "{misspelt}");
    }
    // The document is an instance of no declared property, or is read as a whole.
    let (_, snapshot, found) = read(
        r#"
            @path("") entity Lab;
            @path("/*") @key("name") entity Person in [Lab] = { name: String };
            action audit appliesTo { principal: [Lab], resource: [Lab, Person], context: {} };
        "#,
        r#"{"partial": ["/people"], "a": {"name": "a"}}"#,
    );
    assert!(snapshot.is_some_and(|snapshot| snapshot.may_list_partial), "{found:?}");
}

#[test]
fn a_type_without_instances_has_empty_columns() {
    let (model, snapshot, _) = read(SCHEMA, r#"{"people": []}"#);
    let (snapshot, person) = (snapshot.unwrap(), model.type_named("Person").unwrap());
    assert!(snapshot.table(person).columns.is_empty());
    assert!(model.ty(person).slots.ids().all(|slot| snapshot.table(person).column(slot).states.is_empty()));
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
            Lab::"" address=known address.town=unreadable address.zip=absent head=absent open=uncaptured tags=["x"]
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
            Lab::"" address=uncaptured address.town=uncaptured address.zip=uncaptured head=unreadable open=uncaptured tags=absent
            Person::"A" age=1 boss=Person::"c" name="A"
            dangling ["c"]
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

/// Reads an attribute `x` of the document, declared in some way, from some values. Returns a line for each value.
fn attribute(declared: &str, values: &[&str]) -> String {
    let schema = format!(
        r#"entity Status enum ["Open", "Shut down"];
        @path("") entity Lab = {{ {declared} }};
        @path("/people/*") @key("name") entity Person in [Lab] = {{ name: String }};
        action audit appliesTo {{ principal: [Lab], resource: [Lab], context: {{}} }};"#
    );
    let mut lines = String::new();
    for value in values {
        let text = format!(r#"{{"x": {value}, "people": [{{"name": "a"}}, {{"name": "B"}}]}}"#);
        let tables = tables(&schema, &text);
        let mut shown: Vec<&str> = tables.lines().filter(|line| !line.starts_with("Person")).collect();
        shown[0] = shown[0].strip_prefix("Lab::\"\" ").unwrap_or(shown[0]);
        writeln!(lines, "{value}: {}", shown.join("; ")).unwrap();
    }
    lines
}

#[test]
fn a_chain_reads_texts_and_numbers() {
    expect![[r#"
        1777406311.5: x=2026-04-28T19:58:31.5Z
        "1777406311": x=2026-04-28T19:58:31Z
        true: x=unreadable; snapshot-type: `x` is a boolean, expected a string or a number
        1e30: x=unreadable; snapshot-value: `x` is not a number of seconds since 1970
        "x": x=unreadable; snapshot-value: `x` is not a number of seconds since 1970
        null: x=uncaptured
    "#]]
    .assert_eq(&attribute(
        r#"@as("epoch-seconds") x: datetime"#,
        &["1777406311.5", "\"1777406311\"", "true", "1e30", "\"x\"", "null"],
    ));
    expect![[r#"
        "Yes": x=true
        0: x=false
        false: x=false
        "y": x=unreadable; snapshot-value: `x` is not a boolean
        2: x=unreadable; snapshot-value: `x` is not a boolean
        []: x=unreadable; snapshot-type: `x` is an array, expected a boolean or a word for one
    "#]]
    .assert_eq(&attribute(r#"@as("bool") x: Bool"#, &["\"Yes\"", "0", "false", "\"y\"", "2", "[]"]));
    expect![[r#"
        " 007 ": x=7
        7: x=7
        "1e2": x=100
        "1.5": x=unreadable; snapshot-value: `x` is not a valid Long
        "1,000": x=unreadable; snapshot-value: `x` is not a number
        "99999999999999999999": x=unreadable; snapshot-value: `x` is not a valid Long
    "#]]
    .assert_eq(&attribute(
        r#"@as("number") x: Long"#,
        &["\" 007 \"", "7", "\"1e2\"", "\"1.5\"", "\"1,000\"", "\"99999999999999999999\""],
    ));
    expect![[r#"
        14: x=14d
        "0.5": x=12h
        1e18: x=unreadable; snapshot-value: `x` is not a number of days
        "14d": x=unreadable; snapshot-value: `x` is not a number of days
    "#]]
    .assert_eq(&attribute(r#"@as("days") x: duration"#, &["14", "\"0.5\"", "1e18", "\"14d\""]));
    expect![[r#"
        "01/09/2026 06:00": x=2026-09-01T04:00:00Z
        "25/10/2026 02:30": x=unreadable; snapshot-value: `x` is not a time of Europe/Berlin
        "2026-09-01": x=unreadable; snapshot-value: `x` is not a time in the format %d/%m/%Y %H:%M
    "#]]
    .assert_eq(&attribute(
        r#"@as("date(\"%d/%m/%Y %H:%M\"), zone(\"Europe/Berlin\")") x: datetime"#,
        &["\"01/09/2026 06:00\"", "\"25/10/2026 02:30\"", "\"2026-09-01\""],
    ));
    expect![[r#"
        20260901: x=2026-09-01T00:00:00Z
        "20260931": x=unreadable; snapshot-value: `x` is not a date in the format %Y%m%d
    "#]]
    .assert_eq(&attribute(r#"@as("date(%Y%m%d)") x: datetime"#, &["20260901", "\"20260931\""]));
    expect![[r#"
        "OPEN": x=Status::"Open"
        " shut DOWN": x=Status::"Shut down"
        "opn": x=unreadable; snapshot-value: `x` is "opn", which is not a valid Status
        7: x=unreadable; snapshot-type: `x` is a number, expected a string
    "#]]
    .assert_eq(&attribute(r#"@as("casefold") x: Status"#, &["\"OPEN\"", "\" shut DOWN\"", "\"opn\"", "7"]));
    expect![[r#"
        "abc@x.example": x=(3, 3)
        "abc": x=unreadable; snapshot-value: `x` is not an e-mail address
    "#]]
    .assert_eq(&attribute(r#"@as("email-local, length") x: Long"#, &["\"abc@x.example\"", "\"abc\""]));
}

#[test]
fn a_chain_reads_every_element_of_a_set() {
    expect![[r#"
        "B, a,,A": x=["a" "b"]
        "": x=[]
        ["a,B", "c"]: x=["a" "b" "c"]
        ["a", null, 7]: x=["a" ..]; snapshot-type: `x` is a number, expected a string
        7: x=unreadable; snapshot-type: `x` is a number, expected a string
    "#]]
    .assert_eq(&attribute(
        r#"@as("split(\",\"), casefold") x: Set<String>"#,
        &["\"B, a,,A\"", "\"\"", "[\"a,B\", \"c\"]", "[\"a\", null, 7]", "7"],
    ));
    expect![[r#"
        ["B", "a"]: x=["a" "b"]
        "B": x=unreadable; snapshot-type: `x` is a string, expected an array
        {}: x=unreadable; snapshot-type: `x` is an object, expected an array
    "#]]
    .assert_eq(&attribute(r#"@as("casefold") x: Set<String>"#, &["[\"B\", \"a\"]", "\"B\"", "{}"]));
    expect![[r#"
        "a@B.c.example": x=["b.c.example" "c.example" "example"]
        ["a@b.c", "d"]: x=["b.c" "c" ..]; snapshot-value: `x` is not an e-mail address
    "#]]
    .assert_eq(&attribute(
        r#"@as("email-domain, parents") x: Set<String>"#,
        &["\"a@B.c.example\"", "[\"a@b.c\", \"d\"]"],
    ));
    expect![[r#"
        ["OPEN", "shut"]: x=[Status::"Open" ..]; snapshot-value: `x` is "shut", which is not a valid Status
    "#]]
    .assert_eq(&attribute(r#"@as("casefold") x: Set<Status>"#, &["[\"OPEN\", \"shut\"]"]));
    expect![[r#"
        "a; B": x=[Person::"a" Person::"B"]
        "a; b": x=[Person::"a" ..]; snapshot-reference: `x` refers to Person `b`, which is not in the snapshot
    "#]]
    .assert_eq(&attribute(r#"@as("split(;)") x: Set<Person>"#, &["\"a; B\"", "\"a; b\""]));
    expect![[r#"
        "10.0.0.0/8, x": x=[Ip(IpNet { addr: 10.0.0.0, prefix: 8 }) ..]; snapshot-value: `x` is not a valid ipaddr
    "#]]
    .assert_eq(&attribute(r#"@as("split(\",\")") x: Set<ipaddr>"#, &["\"10.0.0.0/8, x\""]));
    expect![[r#"
        [0, "1000", true]: x=[1970-01-01T00:00:00Z 1970-01-01T00:00:01Z ..]; snapshot-type: `x` is a boolean, expected a string or a number
    "#]].assert_eq(&attribute(r#"@as("epoch-millis") x: Set<datetime>"#, &["[0, \"1000\", true]"]));
    expect![[r#"
        "a,b,a": x=(2, 2)
        ["a"]: x=unreadable; snapshot-type: `x` is an array, expected a string
    "#]]
    .assert_eq(&attribute(r#"@as("split(\",\"), length") x: Long"#, &["\"a,b,a\"", "[\"a\"]"]));
}

#[test]
fn a_string_with_half_of_a_surrogate_pair_is_not_a_text_of_any_type() {
    let mut lines = String::new();
    for declared in [
        "x: Set<Person>",
        "x: Set<datetime>",
        "x: Set<Status>",
        r#"@as("casefold") x: Set<String>"#,
        "x: Status",
        "x: Person",
        r#"@as("casefold") x: Status"#,
        r#"@as("length") x: Long"#,
        "x: Bool",
    ] {
        let value = if declared.contains("Set") { r#"["\ud83d"]"# } else { r#""\ud83d""# };
        writeln!(lines, "{declared}: {}", attribute(declared, &[value]).trim_end()).unwrap();
    }
    expect![[r#"
        x: Set<Person>: ["\ud83d"]: x=[ ..]; snapshot-text: this string is not text: an escape is half of a surrogate pair
        x: Set<datetime>: ["\ud83d"]: x=[ ..]; snapshot-text: this string is not text: an escape is half of a surrogate pair
        x: Set<Status>: ["\ud83d"]: x=[ ..]; snapshot-text: this string is not text: an escape is half of a surrogate pair
        @as("casefold") x: Set<String>: ["\ud83d"]: x=[ ..]; snapshot-text: this string is not text: an escape is half of a surrogate pair
        x: Status: "\ud83d": x=unreadable; snapshot-text: this string is not text: an escape is half of a surrogate pair
        x: Person: "\ud83d": x=unreadable; snapshot-text: this string is not text: an escape is half of a surrogate pair
        @as("casefold") x: Status: "\ud83d": x=unreadable; snapshot-text: this string is not text: an escape is half of a surrogate pair
        @as("length") x: Long: "\ud83d": x=unreadable; snapshot-text: this string is not text: an escape is half of a surrogate pair
        x: Bool: "\ud83d": x=unreadable; snapshot-text: this string is not text: an escape is half of a surrogate pair
    "#]].assert_eq(&lines);
}

#[test]
fn a_marker_of_several_types_that_is_given_twice_is_one_error() {
    let schema = r#"
        @path("") entity Lab = { @path("page/next") next?: String };
        @path("/keys/*") @key("id") @where("kind = a") @total("/page/total") @more("/page/next") entity A in [Lab] = { id: String };
        @path("/keys/*") @key("id") @where("kind = b") @total("/page/total") @more("/page/next") entity B in [Lab] = { id: String };
        action audit appliesTo { principal: [Lab], resource: [Lab, A, B], context: {} };
    "#;
    let found = |page: &str| read(schema, &format!(r#"{{"keys": [], "page": {page}}}"#)).2;
    let twice = |name: &str| vec![format!("snapshot-duplicate-key: duplicate property `{name}`")];
    assert_eq!(found(r#"{"total": 0, "next": null}"#), Vec::<String>::new());
    assert_eq!(found(r#"{"total": 0, "next": null, "next": null}"#), twice("next"));
    assert_eq!(found(r#"{"total": 0, "total": 0, "next": null}"#), twice("total"));
    assert_eq!(
        found(r#"{"Total": 0, "total": 0}"#),
        ["snapshot-duplicate-key: properties `Total` and `total` differ only in case or separators"]
    );
}

#[test]
fn a_statement_may_name_a_marker() {
    let schema = r#"
        @path("") entity Lab = { next_pages?: Long, @path("page/size") size?: Long };
        @path("/keys/*") @key("id") @total("/page/total") @more("/next_page") entity Key in [Lab] = { id: String };
        action audit appliesTo { principal: [Lab], resource: [Lab, Key], context: {} };
    "#;
    let page =
        r#""keys": [], "page": {"total": 0, "size": 1, "uncaptured": ["total"]}, "next_page": null, "next_pages": 1"#;
    expect![[r#"
        Partial list /keys ""
        Lab::"" next_pages=1 size=1
    "#]]
    .assert_eq(&tables(schema, &format!(r#"{{{page}, "uncaptured": ["next_page"]}}"#)));
}

#[test]
fn a_slip_next_to_a_marker_is_a_warning() {
    let schema = r#"
        @path("") entity Lab = {};
        @path("/keys/*") @key("id") @where("kind = a") @total("/page/total") @more("/page/next") entity A in [Lab] = { id: String };
        @path("/keys/*") @key("id") @where("kind = b") @total("/page/total") @more("/page/next") entity B in [Lab] = { id: String };
        @path("/rooms/*") @key("id") @total("/page/totla") @more("/next_page") entity Room in [Lab] = { id: String };
        action audit appliesTo { principal: [Lab], resource: [Lab, A, B, Room], context: {} };
    "#;
    let found = |text: &str| read(schema, &format!(r#"{{"keys": [], "rooms": [], {text}}}"#)).2;
    let none = Vec::<String>::new();
    assert_eq!(found(r#""page": {"total": 0, "totla": 0, "next": null, "totals": 1}, "next_page": null"#), none);
    let slip = |name: &str, declared: &str| {
        format!("snapshot-property: unknown property `{name}`, which may be a misspelling of `{declared}`")
    };
    assert_eq!(
        found(
            r#""page": {"total": 0, "tootal": 900, "totla": 0, "nxet": "p2", "next": null}, "next_pgae": "p2", "next_page": null"#
        ),
        [slip("tootal", "total"), slip("nxet", "next"), slip("next_pgae", "next_page")]
    );
    // The marker is missing.
    assert_eq!(
        found(r#""page": {"total": 0, "totla": 0, "nxet": "p2"}, "next_page": null"#),
        ["snapshot-property: unknown property `nxet`, and the object has no `next`"]
    );
}

#[test]
fn words_mean_that_a_value_is_missing() {
    let words = r#"@unknown("unknown, tbd") @absent("N/A, \"\", -1")"#;
    let values = ["\" TBD \"", "\"n/a\"", "\"\"", "-1", "null", "true"];
    expect![[r#"
        " TBD ": x=uncaptured
        "n/a": x=absent
        "": x=absent
        -1: x=absent
        null: x=absent
        true: x=true
    "#]]
    .assert_eq(&attribute(&format!("{words} x?: Bool"), &values));
    expect![[r#"
        "tbd": x=uncaptured
        "N/A": x=absent
        "Open": x=Status::"Open"
    "#]]
    .assert_eq(&attribute(&format!("{words} x?: Status"), &["\"tbd\"", "\"N/A\"", "\"Open\""]));
    expect![[r#"
        "tbd": x=uncaptured
        "N/A": x=absent
        "a": x=Person::"a"
    "#]]
    .assert_eq(&attribute(&format!("{words} x?: Person"), &["\"tbd\"", "\"N/A\"", "\"a\""]));
    expect![[r#"
        "tbd": x=uncaptured
        -1: x=absent
        0: x=1970-01-01T00:00:00Z
    "#]]
    .assert_eq(&attribute(&format!("{words} @as(\"epoch-seconds\") x?: datetime"), &["\"tbd\"", "-1", "0"]));
    expect![[r#"
        "tbd": x=uncaptured
        ["a", "tbd"]: x=["a" ..]
        ["a", "N/A"]: x=["a"]
    "#]]
    .assert_eq(&attribute(&format!("{words} x?: Set<String>"), &["\"tbd\"", "[\"a\", \"tbd\"]", "[\"a\", \"N/A\"]"]));
    expect![[r#"
        "N/A": x=absent
        "A;tbd": x=["a" ..]
        "A;n/a": x=["a"]
    "#]]
    .assert_eq(&attribute(
        &format!("{words} @as(\"split(;), casefold\") x?: Set<String>"),
        &["\"N/A\"", "\"A;tbd\"", "\"A;n/a\""],
    ));
    expect![[r#"
        ["a", "tbd"]: x=(1, 9223372036854775807)
        ["a", "N/A"]: x=(1, 1)
        "N/A": x=absent
    "#]]
    .assert_eq(&attribute(
        &format!("{words} @as(\"length\") x?: Long"),
        &["[\"a\", \"tbd\"]", "[\"a\", \"N/A\"]", "\"N/A\""],
    ));
    expect![[r#"
        "tbd": x=uncaptured x.a=uncaptured x.b=uncaptured
        "N/A": x=absent x.a=absent x.b=absent
        "other": x=unreadable x.a=unreadable x.b=unreadable; snapshot-type: expected an object at `x`, found a string
        {"a": true}: x=known x.a=true x.b=absent
    "#]]
    .assert_eq(&attribute(
        &format!("{words} x?: {{ a: Bool, b?: Long }}"),
        &["\"tbd\"", "\"N/A\"", "\"other\"", "{\"a\": true}"],
    ));
    expect![[r#"
        "tbd": x=uncaptured x.a=uncaptured x.b=uncaptured
        null: x=uncaptured x.a=uncaptured x.b=uncaptured
    "#]]
    .assert_eq(&attribute("@unknown(\"tbd\") x: { a: Bool, b?: Long }", &["\"tbd\"", "null"]));
}

#[test]
fn an_object_in_place_of_a_list_is_its_only_instance() {
    let schema = r#"
        @path("") entity Lab = { open: Bool };
        @path("/people/*") @key("meta/name") @one_or_many entity Person in [Lab] = { @path("meta/name") name: String };
        @path("/people/*/rooms/*") @key("no") @one_or_many entity Room in [Person] = { no: String };
        action audit appliesTo { principal: [Lab], resource: [Lab, Person, Room], context: {} };
    "#;
    let mut all = String::new();
    for text in [
        r#"{"open": true, "people": {"meta": {"name": "a"}, "rooms": {"no": "1"}}}"#,
        r#"{"open": true, "people": [{"meta": {"name": "a"}, "rooms": [{"no": "1"}, {"no": "2"}]}]}"#,
        r#"{"open": true, "people": {"meta": {"name": "a"}, "rooms": []}, "partial": ["/people/rooms"]}"#,
        r#"{"open": true, "people": {"error": "forbidden"}}"#,
        r#"{"open": true, "people": {"a": {"meta": {"name": "a"}}}}"#,
        r#"{"open": true, "people": {"meta": null, "rooms": []}}"#,
        r#"{"open": true, "people": {}}"#,
    ] {
        writeln!(all, "{text}\n{}", tables(schema, text)).unwrap();
    }
    expect![[r#"
        {"open": true, "people": {"meta": {"name": "a"}, "rooms": {"no": "1"}}}
        Lab::"" open=true
        Person::"a" name="a"
        Room::"a/1" no="1"

        {"open": true, "people": [{"meta": {"name": "a"}, "rooms": [{"no": "1"}, {"no": "2"}]}]}
        Lab::"" open=true
        Person::"a" name="a"
        Room::"a/1" no="1"
        Room::"a/2" no="2"

        {"open": true, "people": {"meta": {"name": "a"}, "rooms": []}, "partial": ["/people/rooms"]}
        Lab::"" open=true
        Person::"a" name="a"
        Partial list /people/rooms ""

        {"open": true, "people": {"error": "forbidden"}}
        Lab::"" open=true
        Unreadable list /people ""
        Unreadable list /people ""
        snapshot-type: expected a list or an instance at `/people`, found an object without the id

        {"open": true, "people": {"a": {"meta": {"name": "a"}}}}
        Lab::"" open=true
        Unreadable list /people ""
        Unreadable list /people ""
        snapshot-type: expected a list or an instance at `/people`, found an object without the id

        {"open": true, "people": {"meta": null, "rooms": []}}
        Lab::"" open=true
        Person::"" name=uncaptured
        snapshot-key: `Person` has no `meta/name`, which is its id

        {"open": true, "people": {}}
        Lab::"" open=true
        Unreadable list /people ""
        Unreadable list /people ""
        snapshot-type: expected a list or an instance at `/people`, found an object without the id

    "#]]
    .assert_eq(&all);
}

#[test]
fn an_object_states_that_its_properties_were_not_captured() {
    check(
        r#"{"open": true, "head": "a", "tags": ["x"], "address": {"town": "x", "zip": "1", "uncaptured": ["zip"]},
            "people": [{"name": "a", "age": 7, "uncaptured": ["age", "boss"]}, {"name": "b", "age": 8, "uncaptured": null}],
            "rooms": [{"no": "1"}], "uncaptured": ["head", "tags", "rooms"]}"#,
        expect![[r#"
            Lab::"" address=known address.town="x" address.zip=uncaptured head=uncaptured open=true tags=uncaptured
            Person::"a" age=uncaptured boss=uncaptured name="a"
            Person::"b" age=8 boss=absent name="b"
            Uncaptured list /rooms ""
        "#]],
    );
    check(
        r#"{"open": true, "address": {"town": "x"}, "people": [{"name": "a", "age": 7}], "uncaptured": ["open", "address", "peple"]}"#,
        expect![[r#"
            Lab::"" address=uncaptured address.town=uncaptured address.zip=uncaptured head=absent open=uncaptured tags=absent
            Uncaptured list /people ""
            snapshot-uncaptured: `uncaptured` names `peple`, which the schema does not declare here
        "#]],
    );
    check(
        r#"{"open": true, "address": {"town": "x", "zip": "1"}, "people": [], "uncaptured": ["adress/zip", "/head/x", "x.y"]}"#,
        expect![[r#"
            Lab::"" address=uncaptured address.town=uncaptured address.zip=uncaptured head=uncaptured open=true tags=absent
            snapshot-uncaptured: `uncaptured` names `adress/zip`, which the schema does not declare here
            snapshot-uncaptured: `uncaptured` names `/head/x`, which the schema does not declare here
            snapshot-uncaptured: `uncaptured` names `x.y`, which the schema does not declare here
        "#]],
    );
    check(
        r#"{"people": [{"name": "a", "age": 7, "uncaptured": ["name"]}], "uncaptured": []}"#,
        expect![[r#"
        Lab::"" address=uncaptured address.town=uncaptured address.zip=uncaptured head=absent open=uncaptured tags=absent
        Person::"0" age=7 boss=absent name=uncaptured
        snapshot-key: `Person` has an unreadable `name`, which is its id
    "#]],
    );
}

#[test]
fn a_misspelt_name_in_a_statement_names_all_that_it_may_mean() {
    let schema = r#"
        @path("") entity Lab = {};
        @path("/keys/*") @key("id") entity Key in [Lab] = { id: String, expired?: String, expires?: String };
        @path("/expireds/*") @key("id") entity A in [Lab] = { id: String };
        @path("/expireses/*") @key("id") entity B in [Lab] = { id: String };
        action audit appliesTo { principal: [Lab], resource: [Lab, Key, A, B], context: {} };
    "#;
    let states = |key: &str| {
        let text =
            format!(r#"{{"keys": [{{"id": "k", {key}"uncaptured": ["expire"]}}], "expireds": [], "expireses": []}}"#);
        tables(schema, &text).lines().find(|line| line.starts_with("Key")).unwrap().to_owned()
    };
    // A value may be that of a form that is not filled in.
    for given in
        ["", r#""expired": "no", "#, r#""expired": null, "expires": "no", "#, r#""expired": "no", "expires": "no", "#]
    {
        assert_eq!(states(given), r#"Key::"k" expired=uncaptured expires=uncaptured id="k""#, "{given}");
    }
    let lists = |lists: &str| {
        let tables = tables(schema, &format!(r#"{{"keys": [], {lists}"uncaptured": ["expirede"]}}"#));
        tables.lines().filter(|line| line.contains(" list ")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(lists(r#""expireds": [], "#), [r#"Uncaptured list /expireds """#, r#"Uncaptured list /expireses """#]);
}

#[test]
fn an_object_without_a_valid_statement_states_nothing_of_what_it_lacks() {
    let people = r#""people": [{"name": "a", "age": 7}]"#;
    for statement in [
        r#""uncaptured": "rooms""#,
        r#""uncaptured": [1]"#,
        r#""uncaptured": ["open"], "uncaptured": ["head"]"#,
        r#""Uncaptured": ["open"]"#,
        r#""uncaptrued": ["open"]"#,
    ] {
        let tables = tables(SCHEMA, &format!(r#"{{"open": true, "address": {{"town": "x"}}, {people}, {statement}}}"#));
        for expected in
            ["head=uncaptured", "tags=uncaptured", "Uncaptured list /rooms", "snapshot-uncaptured: ", "address=known"]
        {
            assert!(tables.contains(expected), "{statement} {expected}: {tables}");
        }
    }
    // Words of the vendor, and a property that the schema knows.
    for other in ["captured", "uncaptured_amount", "not_captured"] {
        let tables = tables(SCHEMA, &format!(r#"{{{people}, "{other}": 7}}"#));
        assert!(tables.contains("head=absent") && !tables.contains("snapshot-"), "{tables}");
    }
    let schema = SCHEMA.replace("@path(\"\")", "@path(\"\") @ignore(\"uncaptured\")");
    let tables = tables(&schema, &format!(r#"{{{people}, "uncaptured": ["people"]}}"#));
    assert!(tables.contains("Person::\"a\"") && tables.contains("head=absent"), "{tables}");
}

#[test]
fn ids_that_differ_in_blanks_are_noticed() {
    let people = |ids: [&str; 2]| {
        let people = ids.map(|id| format!(r#"{{"name": "{id}", "age": 1}}"#)).join(",");
        let (_, _, found) =
            read(SCHEMA, &format!(r#"{{"open": true, "address": {{"town": "a"}}, "people": [{people}]}}"#));
        found.join("\n")
    };
    assert_eq!(people(["ann", "bo"]), "");
    assert_eq!(
        people(["ann", " ann"]),
        "snapshot-duplicate-id: two instances of Person have ids that differ only in case, in blanks or in the encoding of accents: ` ann`"
    );
    // Each part of an id by itself.
    let schema = r#"@path("") entity Lab = {};
        @path("/rooms/*") @key("wing + no") entity Room in [Lab] = { wing: String, no: String };
        action audit appliesTo { principal: [Lab], resource: [Lab, Room], context: {} };"#;
    let rooms = |wing: &str| {
        let text = format!(r#"{{"rooms": [{{"wing": "a", "no": "1"}}, {{"wing": "{wing}", "no": "1"}}]}}"#);
        read(schema, &text).2.len()
    };
    assert_eq!((rooms("b"), rooms("a "), rooms("A")), (0, 1, 1));
}

#[test]
fn references_find_ids_in_the_form_in_which_the_schema_reads_them() {
    const MAIL: &str = r#"
        @path("") @key("name") entity Firm = { name: String };
        @path("/people/*") @key("mail") entity Person in [Firm] = { @as("email") mail: String, boss?: Person, team?: Set<Person> };
        @path("/cars/*") @key("plate, mail") entity Car in [Firm] = { plate?: String, @as("casefold") mail?: String, next?: Car };
        @path("/hosts/*") @key("zone + id") entity Host in [Firm] = { @as("casefold") zone: String, id: String, next?: Host };
        @path("/codes/*") @key("id") entity Coded in [Firm] = { @as("casefold") id: String, @path("id") raw: String, next?: Coded };
        type Context = { now: datetime };
        action "audit" appliesTo { principal: [Firm], resource: [Firm, Person, Car, Host, Coded], context: Context };
    "#;
    let references = |list: &str| {
        let tables = tables(MAIL, &format!(r#"{{"name": "f", {list}}}"#));
        let is_shown = |part: &&str| {
            part.contains("=Person") || part.contains("=[P") || ["=C", "=H"].iter().any(|of| part.contains(of))
        };
        let found = tables.lines().flat_map(|line| match line.split_once(": ") {
            Some((code, message)) if code.starts_with("snapshot") => vec![message],
            _ => line.split(' ').filter(is_shown).collect(),
        });
        found.collect::<Vec<_>>().join("; ")
    };
    // The id of the instance is as it is written.
    expect![[r#"boss=Person::"Ann@x.example"; team=[Person::"Ann@x.example"]"#]].assert_eq(&references(
        r#""people": [{"mail": "Ann@x.example"}, {"mail": "b@x", "boss": "ann@X.example", "team": ["ANN@x.example"]}]"#,
    ));
    expect![[r#"boss=Person::"ann@x"; two instances of Person have ids that differ only in case, in blanks or in the encoding of accents: `Ann@x`"#]].assert_eq(&references(r#""people": [{"mail": "Ann@x"}, {"mail": "ann@x", "boss": "ann@x"}]"#));
    // A third spelling means neither of two.
    expect!["two instances of Person have ids that differ only in case, in blanks or in the encoding of accents: `ANN@x`; `boss` refers to Person `ann@x`, which is not in the snapshot"].assert_eq(&references(r#""people": [{"mail": "Ann@x"}, {"mail": "ANN@x", "boss": "ann@x"}]"#));
    expect!["two instances of Person have the id `ann@x`"].assert_eq(&references(
        r#""people": [{"mail": "ann@x"}, {"mail": "ann@x"}, {"mail": "b@x", "boss": "Ann@x"}]"#,
    ));
    // Each property of an id has its own form.
    expect![[r#"next=Car::"B"; `next` refers to Car `a1`, which is not in the snapshot"#]].assert_eq(&references(
        r#""cars": [{"plate": "A1"}, {"mail": "B", "next": "b"}, {"plate": "c", "mail": "A1", "next": "a1"}]"#,
    ));
    // All parts of an id of several properties have their forms, and references to nothing have one spelling too.
    expect![[r#"next=Host::"EU/w~11"; `next` refers to Host `EU/W~11`, which is not in the snapshot"#]].assert_eq(&references(
        r#""hosts": [{"zone": "EU", "id": "w/1"}, {"zone": "b", "id": "c", "next": "eu/w~11"}, {"zone": "d", "id": "e", "next": "EU/W~11"}]"#,
    ));
    expect!["`boss` refers to Person `Q@x`, which is not in the snapshot; `boss` refers to Person `q@x`, which is not in the snapshot"].assert_eq(&references(
        r#""people": [{"mail": "a@x", "boss": "Q@x"}, {"mail": "b@x", "boss": "q@x"}]"#,
    ));
    // An attribute that reads the id as it is written tells spellings apart.
    expect!["`next` refers to Coded `a`, which is not in the snapshot"]
        .assert_eq(&references(r#""codes": [{"id": "A"}, {"id": "b", "next": "a"}]"#));
}

const FACTORY: &str = r#"
    @path("") @ignore("pad") entity Site = { name?: String };
    @path("/people/*") @key("name") entity Person in [Site] = { name: String, age: Long, note?: String };
    @path("/people/*/keys/*") @key("no") entity Key in [Person] = { no: Long, person: Person };
    @path("/events/*") @where("kind = login") entity Login in [Site] = { at: String, keys?: Set<String> };
    @path("/events/*") @where("kind = logout") entity Logout in [Site] = { at: String };
    @path("/doors/*") entity Door in [Site] = { color?: String };
    action audit appliesTo { principal: [Site], resource: [Site, Person, Key, Login, Logout, Door], context: {} };
"#;

/// Returns a list, or with names a map, of instances that a function writes.
fn list_of(count: usize, name: impl Fn(usize) -> String, write: impl Fn(usize) -> String) -> String {
    let items: Vec<String> = (0..count).map(|at| format!("{}{}", name(at), write(at))).collect();
    items.join(", ")
}

#[test]
fn rows_that_are_decoded_while_the_split_goes_on_are_those_of_a_small_document() {
    let unnamed = |_: usize| String::new();
    let keys = |at: usize| match at % 3 {
        0 => format!(r#"[{{"no": {at}, "person": "p{at}"}}, {{"no": 7, "person": "p{}"}}]"#, at + 1),
        1 => "[]".to_owned(),
        _ => r#"{"a": {"no": 1, "person": "nobody"}, "b\n": {"no": 1}}"#.to_owned(),
    };
    let person = |at: usize| match at % 97 {
        13 => format!(r#"{{"name": "p{at}", "age": "old", "keys": null}}"#),
        40 => format!(r#"{{"nmae": "p{at}", "age": 4}}"#),
        60 => format!(r#"{{"name": "p{}", "age": 4, "keys": [1]}}"#, at - 1),
        80 => r#"{"error": "forbidden"}"#.to_owned(),
        _ => format!(r#"{{"name": "p{at}", "age": {at}, "note": "a\tb{at}", "keys": {}}}"#, keys(at)),
    };
    let people = format!("[{}]", list_of(1500, unnamed, person));
    let named = list_of(
        1300,
        |at| format!(r#""x\u00e9{}\t": "#, at % 1290),
        |at| format!(r#"{{"name": "p{at}", "age": {at}}}"#),
    );
    let doors = |at: usize| format!(r#"{{"color": "red{at}\u0021"}}"#);
    let event = |at: usize| match at % 5 {
        0 => format!(r#"{{"kind": "login", "at": "{at}", "keys": ["a\n", "b"]}}"#),
        4 => format!(r#"{{"kind": "logoot", "at": "{at}"}}"#),
        _ => format!(r#"{{"kind": "logout", "at": "{at}"}}"#),
    };
    let events = format!("[{}]", list_of(3000, unnamed, event));
    let doors = list_of(1100, |at| format!(r#""d\/{at}": "#), doors);
    // The second list of keys makes those of the first one void, and further keys follow.
    let many = list_of(1200, unnamed, |at| format!(r#"{{"no": {at}}}"#));
    let after =
        list_of(900, unnamed, |at| format!(r#"{{"name": "q{at}", "age": 1, "keys": [{{"no": {at}}}, {{"no": -1}}]}}"#));
    let twice =
        format!(r#"[{{"name": "a", "keys": [{{"no": 5}}]}}, {{"name": "b", "keys": [{many}], "keys": []}}, {after}]"#);
    let documents = [
        format!(r#""people": {people}, "events": {events}, "doors": {{{doors}}}"#),
        format!(r#""doors": {{{doors}}}, "people": {people}"#),
        // Rows that a later part of the document makes void.
        format!(r#""people": {{{named}}}, "name": "s""#),
        format!(r#""people": {{{named}, "z": 4}}, "events": {events}"#),
        format!(r#""people": {people}, "people": [], "events": {events}"#),
        format!(r#""events": {events}, "people": {people}, "uncaptured": ["people"]"#),
        format!(r#""people": {twice}"#),
        format!(r#""doors": {{{doors}, "error": "rate limit"}}, "doors": {{{doors}}}"#),
        format!(r#""people": {people}, "events": {events} 1"#),
    ];
    for document in documents {
        let pad = |bytes: usize| format!(r#"{{{document}, "pad": "{}"}}"#, "x".repeat(bytes));
        let (small, large) = (pad(8), pad(LARGE));
        assert!(small.len() < LARGE, "{}", small.len());
        let (of_small, of_large) = (tables(FACTORY, &small), tables(FACTORY, &large));
        let first = of_small.lines().zip(of_large.lines()).find(|(a, b)| a != b);
        assert!(of_small == of_large, "{first:?} of {} and {} bytes", of_small.len(), of_large.len());
    }
}
