//! `deodar inspect`: what the schema does not read, what the snapshot lacks, and the differences from an older snapshot.

use crate::diff::holds;
use crate::support::{POLICIES, Run, SCHEMA, SOUND, command, edited, folder, replaced};
use serde_json::Value;

/// Inspects `new.json`, against `old.json` if there is one, by the harbour pack.
fn inspect(new: &str, old: Option<&str>, arguments: &[&str]) -> Run {
    let mut files = vec![
        ("harbour.cedarschema", SCHEMA.as_bytes()),
        ("policies/harbour.cedar", POLICIES.as_bytes()),
        ("new.json", new.as_bytes()),
    ];
    files.extend(old.map(|old| ("old.json", old.as_bytes())));
    let against: &[&str] = if old.is_some() { &["--against", "old.json"] } else { &[] };
    let pack = ["--schema", "harbour.cedarschema", "--policies", "policies"];
    let all = [&["inspect", "new.json"][..], against, &pack, arguments].concat();
    command(folder(&files).path()).args(all).output().expect("the binary is built").into()
}

/// Returns the changes as lines of kind, place, old and new state, and checks.
fn changes(new: &str, old: &str) -> Vec<String> {
    let run = inspect(new, Some(old), &["--format", "json"]);
    let document = run.json();
    holds("inspect.schema.json", &document);
    let changes = document["changes"].as_array().expect("changes");
    assert_eq!(run.code, i32::from(!changes.is_empty()), "{run:?}");
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let line = |it: &Value| {
        let checks: Vec<String> = it["checks"].as_array().expect("checks").iter().map(text).collect();
        format!(
            "{} {}: {} -> {} [{}]",
            text(&it["kind"]),
            text(&it["place"]),
            text(&it["old"]),
            text(&it["new"]),
            checks.join(" ")
        )
    };
    changes.iter().map(line).collect()
}

#[test]
fn a_snapshot_does_not_differ_from_itself() {
    assert_eq!(changes(SOUND, SOUND), Vec::<String>::new());
    let text = inspect(SOUND, Some(SOUND), &[]);
    assert_eq!(text.code, 0, "{text:?}");
    assert!(text.stdout.ends_with("\n0 changes of places; 0 checks affected\n"), "{text:?}");
}

#[test]
fn properties_that_the_schema_does_not_read_are_listed() {
    let new = edited("{", "{ \"colour\": \"blue\", \"spare\": [{\"a\": 1}],");
    let run = inspect(&new, None, &["--format", "json"]);
    assert_eq!(run.code, 0, "{run:?}");
    let document = run.json();
    holds("inspect.schema.json", &document);
    let places: Vec<&str> =
        document["undeclared"].as_array().expect("places").iter().filter_map(|it| it["place"].as_str()).collect();
    assert!(places.starts_with(&["/colour", "/spare"]), "{places:?}");
    let text = inspect(&new, None, &[]);
    assert!(text.stdout.contains("  /colour: string in 1 of 1  new.json:1:"), "{text:?}");
    let none = inspect("{\"colour\": 1}", None, &["--format", "json"]);
    assert!(!none.json()["lacking"].as_array().expect("places").is_empty(), "{none:?}");
}

#[test]
fn differences_name_the_checks_that_they_affect() {
    let time = "\"captured_at\": \"2026-08-31T06:00:00Z\"";
    assert!(SOUND.contains(time), "{SOUND}");
    let gone = changes(&replaced(SOUND, time, "\"x\": 1"), SOUND);
    assert_eq!(gone, ["removed /captured_at: string -> - [HB-AGE-01]", "added /x: - -> number []",]);
    let retyped = changes(&replaced(SOUND, time, "\"captured_at\": 7"), SOUND);
    assert_eq!(retyped, ["retyped /captured_at: string -> number [HB-AGE-01]"]);
    let reformatted = changes(&replaced(SOUND, time, "\"captured_at\": \"yesterday\""), SOUND);
    assert_eq!(reformatted, ["reformatted /captured_at: datetime -> text [HB-AGE-01]"]);
    let null = changes(&replaced(SOUND, time, "\"captured_at\": null"), SOUND);
    assert_eq!(null, ["became_optional /captured_at: in 1 of 1 -> in 0 of 1 [HB-AGE-01]"]);
    let back = changes(SOUND, &replaced(SOUND, time, "\"captured_at\": null"));
    assert_eq!(back, ["became_required /captured_at: in 0 of 1 -> in 1 of 1 [HB-AGE-01]"]);
}

#[test]
fn differences_in_a_list_with_another_element_are_listed() {
    let old = r#"{"spare": [{"a": 1, "b": {"c": true}}]}"#;
    let found = changes(r#"{"spare": [{"a": "x", "b": {}}, 7]}"#, old);
    assert_eq!(
        found,
        [
            "removed /spare/*/b/c: boolean -> - []",
            "retyped /spare/*: object -> object or number []",
            "retyped /spare/*/a: number -> string []"
        ]
    );
    // An object that is a list now has nothing in common with it.
    assert_eq!(changes(r#"{"spare": {"a": 1}}"#, old), ["retyped /spare: array -> object []"]);
}

#[test]
fn statements_about_coverage_are_read_and_their_values_are_not_there() {
    let new = edited("{", "{ \"partial\": [\"/people\"], \"uncaptured\": [\"captured_at\"],");
    let document = inspect(&new, None, &["--format", "json"]).json();
    holds("inspect.schema.json", &document);
    assert_eq!(document["undeclared"], serde_json::json!([]));
    let lacking = document["lacking"].as_array().expect("places");
    assert!(lacking.iter().any(|it| it["place"] == "/captured_at" && it["checks"][0] == "HB-AGE-01"), "{lacking:?}");
    assert_eq!(changes(&new, SOUND), ["removed /captured_at: string -> - [HB-AGE-01]"]);
    // In an object that the schema does not read, it is a property as any other.
    let other = edited("{", "{ \"spare\": {\"uncaptured\": [\"a\"]},");
    assert_eq!(changes(&other, SOUND), ["added /spare: - -> object []"]);
}

#[test]
fn words_ids_and_secrets() {
    let list = |status: &str, id: &str, token: &str| {
        let element = |at: usize| {
            let (status, id) = (
                if at == 6 { status } else { ["on", "off"][at % 2] },
                if at == 6 { id.to_owned() } else { at.to_string() },
            );
            format!("{{\"id\": {id}, \"status\": \"{status}\", \"token\": \"{}\"}}", ["t1", "t2", token][at % 3])
        };
        format!(
            "{{\"captured_at\": \"2026-08-31T06:00:00Z\", \"lamps\": [{}]}}",
            (0..7).map(element).collect::<Vec<_>>().join(", ")
        )
    };
    let schema = r#"
        @path("") entity House = { captured_at: datetime };
        @path("/lamps/*") @key("id") entity Lamp in [House] = { status: Status, @secret token: String };
        @open entity Status enum ["on", "off"];
        action audit appliesTo { principal: [House], resource: [House, Lamp], context: {} };"#;
    let policy = r#"@id("L-1") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Lamp)
        when { resource.status == Status::"on" };"#;
    let (old, new) = (list("on", "6", "t3"), list("dim", "5", "t4"));
    let files: [(&str, &[u8]); 4] = [
        ("t.cedarschema", schema.as_bytes()),
        ("p.cedar", policy.as_bytes()),
        ("old.json", old.as_bytes()),
        ("new.json", new.as_bytes()),
    ];
    let folder = folder(&files);
    let arguments =
        ["inspect", "new.json", "--against", "old.json", "--schema", "t.cedarschema", "--policies", "p.cedar"];
    let run: Run = command(folder.path()).args(arguments).output().expect("the binary is built").into();
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.stdout.contains("Lost ids (1)\n  /lamps/*/id: unique in each list -> not unique in a list"), "{run:?}");
    assert!(run.stdout.contains("  /lamps/*/status: off, on -> dim\n"), "{run:?}");
    assert!(run.stdout.contains("      affects L-1\n") && !run.stdout.contains("t4"), "{run:?}");
    // A schema without policies is enough.
    let alone: Run = command(folder.path()).args(&arguments[..6]).output().expect("the binary is built").into();
    assert_eq!(alone.code, 1, "{alone:?}");
}

#[test]
fn invalid_input_is_an_error() {
    for (new, old) in [("[]", None), (SOUND, Some("{")), ("", Some(SOUND))] {
        let run = inspect(new, old, &[]);
        assert_eq!((run.code, run.stdout.as_str()), (5, ""), "{run:?}");
    }
}
