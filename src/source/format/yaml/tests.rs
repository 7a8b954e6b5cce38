//! Readings of YAML: each text with its JSON, its places or its fault.

use super::super::tests::{check, json, places};
use super::*;
use crate::source::format::SourceFormat::Yaml;
use proptest::prelude::*;

#[test]
fn values_are_those_of_the_core_schema() {
    check(
        Yaml,
        &[
            ("", ""),
            ("# only a comment\n", ""),
            ("---\n", "null"),
            ("\u{feff}a: 1\r\nb: é\r\n", r#"{"a":1,"b":"é"}"#),
            ("a: no\nb: off\nc: y\nd: Yes\ne: on", r#"{"a":"no","b":"off","c":"y","d":"Yes","e":"on"}"#),
            (
                "a: true\nb: False\nc: ~\nd:\ne: null\nf: ''",
                r#"{"a":true,"b":false,"c":null,"d":null,"e":null,"f":""}"#,
            ),
            (
                "[0o17, 0x1F, 1_000, 010, .inf, -.inf, .nan, 1.50, +1]",
                r#"[15,31,"1_000","010",".inf","-.inf",".nan",1.50,1]"#,
            ),
            ("a: 123456789012345678901234567890", r#"{"a":123456789012345678901234567890}"#),
            (
                "a: 2026-09-01\nb: 2026-09-01T06:00:00Z\nc: 06:00",
                r#"{"a":"2026-09-01","b":"2026-09-01T06:00:00Z","c":"06:00"}"#,
            ),
            (
                "a: 'it''s'\nb: \"\\u00e9\\n\\x41\"\nc: plain # comment\nd: a#b",
                r#"{"a":"it's","b":"é\nA","c":"plain","d":"a#b"}"#,
            ),
            ("a: |\n  one\n  two\n\nb: >-\n  one\n  two\n", r#"{"a":"one\ntwo\n","b":"one two"}"#),
            ("a: one\n  two\nb: 3", r#"{"a":"one two","b":3}"#),
            (
                "- a\n-\n- - b\n  - c: 1\n    d: {e: [f, g: h]}\n",
                r#"["a",null,["b",{"c":1,"d":{"e":["f",{"g":"h"}]}}]]"#,
            ),
            ("a:\n- x\n- y\nb: []\nc: {}", r#"{"a":["x","y"],"b":[],"c":{}}"#),
            ("1: a\ntrue: b\n1.50: c\n'': d\n\"~\": e", r#"{"1":"a","true":"b","1.50":"c","":"d","~":"e"}"#),
            ("{\"json\": [1, null, {\"a\":\"\\\"\"}]}", r#"{"json": [1, null, {"a":"\""}]}"#),
            ("%YAML 1.2\n---\na: 1\n...\n", r#"{"a":1}"#),
            // Duplicate names reach the engine.
            ("a: 1\nb: 2\na: 3", r#"{"a":1,"b":2,"a":3}"#),
        ],
    );
}

#[test]
fn tags_state_types() {
    check(
        Yaml,
        &[
            (
                "a: !!str 12\nb: !!int 0x1F\nc: !!float 1\nd: !!bool \"true\"\ne: !!null ''",
                r#"{"a":"12","b":31,"c":1,"d":true,"e":null}"#,
            ),
            (
                "a: !!timestamp 2026-09-01\nb: ! 12\nc: !<tag:yaml.org,2002:str> 1",
                r#"{"a":"2026-09-01","b":"12","c":"1"}"#,
            ),
            ("a: !!map {}\nb: !!seq []\n!!str c: 1", r#"{"a":{},"b":[],"c":1}"#),
            ("a: !!int x", "1:10: the value is not of the type of its tag; correct the value, or remove the tag"),
            ("a: !!map []", "1:10: the value is not of the type of its tag; correct the value, or remove the tag"),
            (
                "a: !!binary aGk=",
                "1:13: a binary value, which JSON does not have; write `!!str` for the text as it is, or leave the value out",
            ),
            (
                "a: !env HOME",
                "1:9: a tag that has no meaning in a snapshot; remove the tag, and write the value that it means",
            ),
            (
                "a: !!set {b}",
                "1:10: a tag that has no meaning in a snapshot; remove the tag, and write the value that it means",
            ),
        ],
    );
}

#[test]
fn aliases_are_their_anchored_values() {
    check(
        Yaml,
        &[
            (
                "a: &x [1, {b: 2}]\nc: *x\nd: [*x, *x]",
                r#"{"a":[1,{"b":2}],"c":[1,{"b":2}],"d":[[1,{"b":2}],[1,{"b":2}]]}"#,
            ),
            ("a: &x 1\nb: &x 2\nc: *x", r#"{"a":1,"b":2,"c":2}"#),
            ("&k a: 1\nb: *k\n*k : 2", r#"{"a":1,"b":"a","a":2}"#),
            ("a: &n\nb: *n", r#"{"a":null,"b":null}"#),
            (
                "a: *x",
                "1:4: this is not YAML: there is no anchor of this name above; define the anchor with `&` before the alias, or correct the name",
            ),
            ("a: &x [*x]", "1:8: this alias is inside its own anchor; write the value in place of the alias"),
            (
                "a: &x {}\n*x : 1",
                "2:1: the name of a property is not a text; write a text, and put it in quotes if it has special characters",
            ),
        ],
    );
    let text = "a: &x {k: 'v'}\nb: *x\n";
    let derived = Yaml.read(&Source::new("t", text).unwrap()).unwrap();
    let again = derived.text().rfind("\"v\"").unwrap();
    let place = Place::new(&derived, Span::from(again..again + 3));
    assert_eq!((place.span, place.text()), (Span::new(10, 13), "'v'"));
    // A mask of the alias covers the anchored text.
    let places = derived.written(&[Span::from(again..again + 3)]);
    assert!(places.iter().all(|place| place.text() == "'v'") && !places.is_empty());
}

#[test]
fn merge_keys_add_properties() {
    let anchors = "- &a {x: 1, y: 2}\n- &b {y: 3, z: 4, z: 5}\n- &s text\n";
    for (last, expected) in [
        ("- {<<: *a, y: 0}", r#"{"y":0,"x":1}"#),
        ("- {y: 0, <<: [*b, *a]}", r#"{"y":0,"z":4,"z":5,"x":1}"#),
        ("- <<: [*a, *b]", r#"{"x":1,"y":2,"z":4,"z":5}"#),
        ("- <<: []\n  q: 1", r#"{"q":1}"#),
        ("- '<<': 1", r#"{"<<":1}"#),
    ] {
        let json = json(Yaml, &format!("{anchors}{last}"));
        assert!(json.ends_with(&format!(",{expected}]")), "{last}: {json}");
    }
    let bad = "the value of the merge key `<<` is not an alias of a mapping; write `<<: *anchor` or `<<: [*first, *second]`, or put \
               `<<` in quotes if it is a name";
    for (last, place, message) in [
        ("- <<: *s", "4:7", bad),
        ("- <<: {x: 1}", "4:7", bad),
        ("- <<: x", "4:7", bad),
        ("- <<:", "4:5", bad),
        ("- <<: [*a, [*b]]", "4:12", bad),
        (
            "- {<<: *a, <<: *b}",
            "4:12",
            "a second merge key in one mapping; write one `<<` with a list: `<<: [*first, *second]`",
        ),
    ] {
        assert_eq!(json(Yaml, &format!("{anchors}{last}")), format!("{place}: {message}"), "{last}");
    }
    // A merged property has the place of the anchored one, in a merged mapping too.
    let text = "base: &a {x: one}\nmid: &m {<<: *a}\nlast: {<<: *m}\n";
    let derived = Yaml.read(&Source::new("t", text).unwrap()).unwrap();
    let last = derived.text().rfind("\"one\"").unwrap();
    assert_eq!(Place::new(&derived, Span::from(last..last + 5)).text(), "one");
    assert_eq!(Place::new(&derived, Span::from(last - 4..last - 1)).text(), "x");
}

#[test]
fn what_is_not_a_snapshot_is_a_fault() {
    let tab = "a tab in the indentation, where YAML takes spaces; replace the tab with spaces";
    let indent = "this is not YAML: the indentation of this line fits no line above; indent it like the other lines of its mapping";
    let colon = "this is not YAML: a `:` where no name can be; check the indentation, or put a value that contains `: ` in quotes";
    let null = "the name of a property is null; write a name before the `:`, or put `null` in quotes if it is the name";
    let name = "the name of a property is not a text; write a text, and put it in quotes if it has special characters";
    let second = "a second document begins here, and a file has one snapshot; write each document to a file of its own";
    for (text, place, message) in [
        ("a:\n\tb: 1\n", "2:1", tab),
        ("a:\n  b: 1\n\tc: 2\n", "3:1", tab),
        ("\ta: 1\n", "1:1", tab),
        ("a:\n  - b: 1\n   \t c: 2\n", "3:4", tab),
        ("a:\n  - x\n - y\n", "3:2", indent),
        ("a: b: c", "1:5", colon),
        ("null: 1", "1:1", null),
        ("~: 1", "1:1", null),
        (": 1", "1:1", null),
        ("? [a]\n: 1", "1:3", name),
        ("{a: 1}: 2", "1:1", name),
        ("a: 1\n---\nb: 2\n", "2:1", second),
        ("a: 1\n...\nb: 2\n", "3:1", second),
        ("a: @x", "1:4", "this is not YAML: a value cannot begin with this character; put the value in quotes"),
        (
            "a: \"x\nb: 1",
            "1:4",
            "this is not YAML: this text in quotes does not end, or a line of it is not indented; add the quote at its end, or indent its lines",
        ),
        ("a: 'x", "1:4", "this is not YAML: this text in quotes does not end; add the quote at its end"),
        (
            "a: \"\\q\"",
            "1:4",
            "this is not YAML: an unknown escape in double quotes; write a backslash as `\\\\`, or use single quotes",
        ),
        ("a: 'x' y", "1:8", "this is not YAML: text after the end of a value in quotes; put the whole value in quotes"),
        ("a: [1, 2\nb: 3", "2:2", colon),
        (
            "a: 1\nb",
            "2:2",
            "this is not YAML: a line without `:`; write `name: value`, or indent the line to continue the value before it",
        ),
        (
            "a: 1\nb: x\0y",
            "2:5",
            "a control character in the text; remove it, or write it as an escape in double quotes",
        ),
        (
            "%YAML 1.1\n---\na: no",
            "1:1",
            "a document of another version than YAML 1.2; remove the line, and write `true` and `false` for `yes` and `no`",
        ),
    ] {
        assert_eq!(json(Yaml, text), format!("{place}: {message}"), "{text:?}");
    }
    let deep = format!("a: {}", "[".repeat(300));
    assert_eq!(
        json(Yaml, &deep),
        "1:259: this is not YAML: brackets nest deeper than 255 levels; write the inner values with indentation"
    );
}

#[test]
fn places_are_values_as_written() {
    let text = "# é\nname: 'it''s' # c\nlist:\n- &x \"y\" # z\n-\nbox:\n  in: |\n    one\n    two\n\n  out: !!str 12\n\
                flow: {a: [1, 2]}\n";
    let shown = |parts: &[&str]| places(Yaml, text, parts);
    assert_eq!(shown(&["\"name\"", "\"it's\"", "\"y\"", "\"12\""]), ["name", "'it''s'", "\"y\"", "12"]);
    assert_eq!(shown(&["[\"y\",null]", "null", "\"one\\ntwo\\n\""]), ["- &x \"y\" # z\n-", "-", "one\n    two"]);
    let inner = "in: |\n    one\n    two\n\n  out: !!str 12";
    assert_eq!(
        shown(&["{\"in\":\"one\\ntwo\\n\",\"out\":\"12\"}", "{\"a\":[1,2]}", "[1,2]"]),
        [inner, "{a: [1, 2]}", "[1, 2]"]
    );
    // A value that is not written has the place of its name.
    assert_eq!(places(Yaml, "a: 1\nempty:\nb: {c: }", &["null"]), ["empty"]);
    assert_eq!(places(Yaml, "b: {c: }", &["null"]), ["c"]);
    // Lists without indentation begin with their first `-`.
    assert_eq!(places(Yaml, "b:\n- - 1\n  - 2\n-  3", &["[[1,2],3]", "[1,2]"]), ["- - 1\n  - 2\n-  3", "- 1\n  - 2"]);
}

#[test]
fn expansions_have_a_limit() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..20 {
        let list = vec![format!("*a{}", level - 1); 9].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{list}]\n"));
    }
    let derived = Yaml.read(&Source::new("t", bomb).unwrap()).unwrap();
    let (fault, _) = derived.fault().unwrap();
    assert_eq!(
        (fault.kind, fault.message.as_str()),
        (crate::source::derived::FaultKind::TooLarge, "the aliases of this file expand to more than 16 MiB")
    );
    assert!(derived.text().len() < 40 << 20);
}

/// Text made of the pieces YAML is made of.
fn nearly_yaml() -> impl Strategy<Value = String> {
    let pieces = vec![
        "a",
        ": ",
        ":",
        "\n",
        "\n  ",
        "\n- ",
        "- ",
        "[",
        "]",
        "{",
        "}",
        ", ",
        "&x ",
        "*x",
        "<<",
        "<<: *x",
        "!!str ",
        "! ",
        "'",
        "\"",
        "\\",
        "#",
        " # c",
        "|\n  t\n",
        ">-\n",
        "? ",
        "---\n",
        "...",
        "\t",
        "\r\n",
        "é",
        "😀",
        "1",
        "null",
        "~",
        "%YAML 1.2\n",
        "\u{feff}",
        "b: 2",
        "\n    c: &y d\n",
        "*y",
        "@",
        "\0",
    ];
    proptest::collection::vec(proptest::sample::select(pieces), 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]
    #[test]
    fn any_text_is_json_or_a_fault(text in nearly_yaml()) {
        let source = Source::new("t", text.clone()).unwrap();
        let derived = Yaml.read(&source).unwrap();
        if derived.fault().is_none() && !derived.text().is_empty() {
            let read = serde_json::from_str::<serde::de::IgnoredAny>(derived.text());
            prop_assert!(read.is_ok(), "{text:?}: {}", derived.text());
        }
        // Every place is in the text.
        for at in 0..derived.text().len() {
            let place = Place::new(&derived, Span::from(at..at + 1));
            prop_assert!(text.get(place.span.range()).is_some(), "{text:?}: {:?}", place.span);
        }
        let whole = [Span::from(0..derived.text().len())];
        for place in derived.written(&whole) {
            prop_assert!(text.get(place.span.range()).is_some(), "{text:?}: {:?}", place.span);
        }
    }
}
