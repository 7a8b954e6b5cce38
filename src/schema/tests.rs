//! Tables for the annotations of a schema: declarations in; slots with their origins, and diagnostics, out.

use super::Schema;
use crate::diagnostic::Diagnostic;
use crate::source::Source;
use expect_test::{Expect, expect};
use std::fmt::Write;

/// Compares the types and slots of a schema and its diagnostics, one line for each. The root and the action are added.
fn check(declarations: &str, expected: Expect) {
    let text = format!(
        "@path(\"\") entity Lab = {{ name: String }};\n{declarations}\naction audit appliesTo {{ principal: [Lab], \
         resource: [Lab], context: {{}} }};"
    );
    let (schema, diagnostics) = Schema::parse(&Source::new("lab.cedarschema", text).unwrap());
    let mut lines = String::new();
    for ty in schema.iter().flat_map(|schema| &schema.model.types).filter(|ty| ty.path().is_some()) {
        let path = ty.path().unwrap().to_text();
        writeln!(lines, "{} at {path:?} key={:?} in {:?}", ty.name, ty.key, ty.parent.map(|ty| ty.index())).unwrap();
        for slot in &ty.slots {
            let (null, missing) = (slot.null.is_some(), slot.missing.is_some());
            let flags = [(slot.required, "required"), (slot.secret, "secret"), (null, "null"), (missing, "missing")];
            let flags: Vec<&str> = flags.into_iter().filter(|(is, _)| *is).map(|(_, name)| name).collect();
            writeln!(lines, "  {} {:?} {:?} {flags:?}", slot.dotted(), slot.ty, slot.origin).unwrap();
        }
    }
    for found in &diagnostics {
        let at = found.labels.first().map(|label| label.place.text().to_owned()).unwrap_or_default();
        writeln!(lines, "{}: {} at {at:?}", found.code.name(), found.message).unwrap();
    }
    expected.assert_eq(&lines);
}

#[test]
fn attributes_have_a_place_a_reader_and_defaults() {
    let member = |attributes: &str, expected| {
        check(&format!("@path(\"/m/*\") @key(\"id\") entity M in [Lab] = {{ id: String, {attributes} }};"), expected);
    };
    member(
        "a: Long, b?: Set<String>",
        expect![[r#"
        Lab at "" key=None in None
          name String Read(["name"], None) ["required"]
        M at "/m/*" key=Some(["id"]) in Some(0)
          a Long Read(["a"], None) ["required"]
          b Set(String) Read(["b"], None) []
          id String Read(["id"], None) ["required"]
    "#]],
    );
    member(
        "@path(\"x/y\") a: Long, @secret r?: { @path(\"z\") b: Bool }",
        expect![[r#"
        Lab at "" key=None in None
          name String Read(["name"], None) ["required"]
        M at "/m/*" key=Some(["id"]) in Some(0)
          a Long Read(["x", "y"], None) ["required"]
          id String Read(["id"], None) ["required"]
          r Record([Member { name: "b", ty: Bool, required: true }]) Presence(["r"]) ["secret"]
          r.b Bool Read(["r", "z"], None) ["required", "secret"]
    "#]],
    );
    member(
        "@as(\"email\") mail: String, @as(\"length\") count: Long, @as(\"emale\") x: String",
        expect![[r#"
        schema-reader: unknown reader `emale` at "emale"
    "#]],
    );
    member(
        "@null(\"false\") @missing(\"absent\") a?: Bool, @missing(\"no\") b: Bool",
        expect![[r#"
        schema-default: `no` is not a default for `b` at "@missing(\"no\")"
    "#]],
    );
    member(
        "@derived n: Long, @derived s: String, @enclosing lab: Lab, @enclosing me: M",
        expect![[r#"
        schema-annotation: an attribute of type String cannot be derived at "s: String"
        schema-enclosing: `M` is not nested in `M` at "me: M"
    "#]],
    );
    member(
        "boss?: M, peers: Set<M>, lab: Lab",
        expect![[r#"
        Lab at "" key=None in None
          name String Read(["name"], None) ["required"]
        M at "/m/*" key=Some(["id"]) in Some(0)
          boss Entity(TypeId(1)) Read(["boss"], None) []
          id String Read(["id"], None) ["required"]
          lab Entity(TypeId(0)) Read(["lab"], None) ["required"]
          peers Set(Entity(TypeId(1))) Read(["peers"], None) ["required"]
    "#]],
    );
}

#[test]
fn types_are_nested_by_their_paths() {
    check(
        "@path(\"/m/*\") @key(\"id\") entity M in [Lab]; @path(\"/m/*/t/*\") entity T in [M];",
        expect![[r#"
        Lab at "" key=None in None
          name String Read(["name"], None) ["required"]
        M at "/m/*" key=Some(["id"]) in Some(0)
        T at "/m/*/t/*" key=None in Some(1)
    "#]],
    );
    check(
        "@path(\"/m/*\") entity M in [Lab]; @path(\"/m/*\") entity N in [Lab]; @path(\"/m/*/t/*\") entity T in [N];",
        expect![[r#"
            Lab at "" key=None in None
              name String Read(["name"], None) ["required"]
            M at "/m/*" key=None in Some(0)
            N at "/m/*" key=None in Some(0)
            T at "/m/*/t/*" key=None in Some(2)
        "#]],
    );
    check(
        "@path(\"/m\") entity M in [Lab]; @path(\"/m\") entity N in [Lab];",
        expect![[r#"
        schema-path: `M` and `N` have the same `@path` at "entity N in [Lab];"
    "#]],
    );
    check(
        "entity M in [Lab];",
        expect![[r#"
        schema-path: entity type `M` has no `@path` at "entity M in [Lab];"
    "#]],
    );
    check(
        "@path(\"m\") entity M in [Lab];",
        expect![[r#"
        schema-path: a path starts with `/`: write `/m` at "@path(\"m\")"
    "#]],
    );
    check(
        "@path(\"/a/*/b/*\") entity B in [Lab];",
        expect![[r#"
        schema-path: no entity type is declared between `Lab` and `B` at "entity B in [Lab];"
    "#]],
    );
    check(
        "@path(\"/m/*\") @total(\"/page/total\") @more(\"/m/0/more\") entity M in [Lab];",
        expect![[r#"
        Lab at "" key=None in None
          name String Read(["name"], None) ["required"]
        M at "/m/*" key=None in Some(0)
    "#]],
    );
    check(
        "@path(\"/w\") entity W enum [\"a\"]; @key(\"x\") @open entity V enum [\"a\"];",
        expect![[r#"
        schema-annotation: `@key` is not possible on an enumerated entity type at "@key(\"x\")"
        schema-path: `W` is enumerated: its entities are not in the snapshot at "@path(\"/w\")"
    "#]],
    );
}

#[test]
fn each_reader_of_a_chain_takes_what_the_one_before_it_gives() {
    let errors = |declared: &str| {
        let text = format!(
            r#"entity Status enum ["a", "A"]; @path("") entity Lab = {{ name: String }};
            @path("/m/*") @key("id") entity M in [Lab] = {{ id: String, {declared} }};
            action audit appliesTo {{ principal: [Lab], resource: [M], context: {{}} }};"#
        );
        let source = Source::new("lab.cedarschema", text).unwrap();
        let (_, found) = Schema::parse(&source);
        let line = |found: &Diagnostic| {
            let span = found.labels[0].place.span;
            format!("{} at {} ({})", found.message, source.slice(span), found.help.as_deref().unwrap_or_default())
        };
        found.iter().map(line).collect::<Vec<_>>().join("\n") + "\n"
    };
    let mut all = String::new();
    for declared in [
        r#"@as("email") x: Long"#,
        r#"@as("casefold") x: Status"#,
        r#"@as("email") x: Status"#,
        r#"@as("email-local-words") x: Status"#,
        r#"@as("split(\",\"), casefold") x: String"#,
        r#"@as("split(\",\"), days, casefold") x: Set<String>"#,
        r#"@as("casefold, emial-domain") x: String"#,
        r#"@as("split(\"\")") x: Set<String>"#,
        r#"@as("zone(Europe/Berln)") x: datetime"#,
        r#"@as("date(\"%Y-%m-%d %H:%M\")") x: datetime"#,
        r#"@as("date(\"%H\")") x: datetime"#,
        r#"@as("casefold") x: M"#,
        r#"@as("casefold") x: datetime"#,
        r#"@as("epoch-millis") x: Set<Long>"#,
        r#"@as("") x: String"#,
        r#"@unknown("a, \u{62}, a") x: String"#,
        r#"@unknown("a, , b") x: String"#,
        r#"@unknown("x, n/a") @absent("y, N/A") x?: Bool"#,
        r#"@absent("no") x: Bool"#,
        r#"@unknown("A") x: Set<Status>"#,
        r#"@path x: String"#,
        r#"@path("") x: String"#,
        r#"@unknown x: String"#,
    ] {
        all += &errors(declared);
    }
    expect![[r#"
        `email` gives a text, but the attribute is of type Long at @as("email") (declare the attribute as String)
        `casefold` does not distinguish the words `a` and `A` of the type at @as("casefold") (remove the readers, or one of the words)
        `email` gives none of the words of the type at @as("email") (remove the readers)
        `email-local-words` gives a set of texts, but the attribute is of type Status at @as("email-local-words") (declare the attribute as Set<String>)
        `split(",")` gives a set of texts, `casefold` gives a set of texts, but the attribute is of type String at @as("split(\",\"), casefold") (declare the attribute as Set<String>)
        `days` gives a duration, and `casefold` takes a text at casefold (remove one of the two, or write a reader between them)
        unknown reader `emial-domain` at emial-domain (did you mean `email-domain`?)
        `split` has no separator at split(\"\") (write split(",") for example)
        `Europe/Berln` is not a time zone at zone(Europe/Berln) (did you mean `Europe/Berlin`?)
        `date("%Y-%m-%d %H:%M")` gives a time without offset, but the attribute is of type datetime at @as("date(\"%Y-%m-%d %H:%M\")") (add a reader for the time zone, such as zone("Europe/Berlin") or zone("UTC"))
        `%H` does not give the day at date(\"%H\") (write the year, the month and the day, such as %Y-%m-%d)
        `casefold` gives a text, but the attribute is of type M at @as("casefold") (a reference is compared byte by byte: declare the key as a String, and join by equality in a derivation)
        `casefold` gives a text, but the attribute is of type datetime at @as("casefold") (declare the attribute as String)
        `epoch-millis` gives a set of times, but the attribute is of type Set<Long> at @as("epoch-millis") (declare the attribute as Set<datetime>)
        a reader is missing at @as("") (write the name of a reader, or remove the comma)
        `@unknown` has the word `a` twice at @unknown("a, \u{62}, a") (remove `a` here)
        `@unknown` has an empty word at  , b (list words, such as @unknown("N/A, never"); quote a word that has a comma or is empty)
        `N/A` is a word of both `@unknown` and `@absent` at N/A (remove `N/A` here)
        `@absent` is on a required attribute, which is never absent at @absent("no") (make the attribute optional with `?`)
        `@unknown` has `A`, which is a word of the type at A (remove `A` here)
        `@path` has no value at x: String (write its value as in `@path("...")`, or remove it)

        `@unknown` has no value at x: String (write its value as in `@unknown("...")`, or remove it)
    "#]].assert_eq(&all);
}

#[test]
fn a_list_of_ids_and_former_words_has_words() {
    for (expect, former, expected) in [
        ("@expect(\"a, \\\"b, c\\\"\")", "@former(\"b: write a\")", expect![""]),
        (
            "@expect(\"\")",
            "@former(\"\")",
            expect![[r#"
            `@expect` has an empty word (list words, such as @expect("owner, admin"); quote a word that has a comma or is empty)
            `@former` lacks a word or its migration (write a line for each word, such as @former("1.0: rename `a` to `b`"))"#]],
        ),
        (
            "@expect",
            "@former",
            expect![[r#"
            `@expect` has no value (write its value as in `@expect("...")`, or remove it)
            `@former` has no value (write its value as in `@former("...")`, or remove it)"#]],
        ),
        (
            "@expect(\"a,, b\")",
            "@former(\"b\")",
            expect![[r#"
            `@expect` has an empty word (list words, such as @expect("owner, admin"); quote a word that has a comma or is empty)
            `@former` lacks a word or its migration (write a line for each word, such as @former("1.0: rename `a` to `b`"))"#]],
        ),
        (
            "@expect(\"\\\"\\\"\")",
            "@former(\"a: write b\")",
            expect![[r#"
            `@expect` has an empty id (remove it: no instance has an empty id)
            `@former` names `a`, which is a word of the type or is named twice (name each former word once)"#]],
        ),
    ] {
        let text = format!(
            r#"{former} entity Status enum ["a"]; @path("") entity Lab = {{ name: String }};
            @path("/m/*") @key("id") {expect} entity M in [Lab] = {{ id: String, status: Status }};
            action audit appliesTo {{ principal: [Lab], resource: [M], context: {{}} }};"#
        );
        let (_, found) = Schema::parse(&Source::new("lab.cedarschema", text).unwrap());
        let lines: Vec<String> = found
            .iter()
            .map(|found| format!("{} ({})", found.message, found.help.as_deref().unwrap_or_default()))
            .collect();
        expected.assert_eq(&lines.join("\n"));
    }
}
