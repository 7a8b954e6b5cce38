//! Fuzz targets: functions that take any bytes, and panic if a law does not hold. cargo-fuzz and `examples/fuzz.rs` run
//! them.
//!
//! A new target is a function here, a line in [`TARGETS`], a file in `fuzz_targets/` and a `[[bin]]` in `Cargo.toml`.

#![allow(dead_code, reason = "a program of cargo-fuzz runs one of the targets")]
#![allow(clippy::expect_used, clippy::panic, reason = "a target panics if a law does not hold")]

use deodar::capture::description::Description;
use deodar::capture::export::{Dating, Export, TextEncoding, decode};
use deodar::capture::{Given, Inputs, Settings, capture, saml as metadata, scim as users};
use deodar::schema::{Chain, Datum, DatumType, LackingWords, Origin, Schema, SlotId};
use deodar::source::format::SourceFormat;
use deodar::source::pointer::Pattern;
use deodar::source::{Place, Span};
use deodar::{Limits, Snapshot, Source};
use std::sync::{Arc, OnceLock};

/// A target, and texts from which random inputs are made.
pub(crate) struct Target {
    /// Its name.
    pub(crate) name: &'static str,
    /// The function.
    pub(crate) run: fn(&[u8]),
    /// Valid inputs.
    pub(crate) seeds: &'static [&'static str],
}

/// All targets.
pub(crate) const TARGETS: &[Target] = &[
    Target { name: "snapshot", run: snapshot, seeds: SNAPSHOTS },
    Target { name: "chains", run: chains, seeds: TEXTS },
    Target { name: "annotations", run: annotations, seeds: ANNOTATIONS },
    Target { name: "yaml", run: yaml, seeds: YAML },
    Target { name: "toml", run: toml, seeds: TOML },
    Target { name: "jsonc", run: jsonc, seeds: JSONC },
    Target { name: "rows", run: rows, seeds: ROWS },
    Target { name: "saml", run: saml, seeds: SAML },
    Target { name: "scim", run: scim, seeds: SCIM },
];

/// Chains with every reader, each with the type of its attribute.
const CHAINS: &[(&str, &str)] = &[
    ("casefold", "String"),
    ("casefold", "Status"),
    ("casefold", "Set<String>"),
    ("email", "String"),
    ("email-domain, parents", "Set<String>"),
    ("email-local", "String"),
    ("email-local-words", "Set<String>"),
    ("email-local, length", "Long"),
    ("prefix-length", "Long"),
    ("url-scheme", "String"),
    ("url-host", "String"),
    ("url-host, parents", "Set<String>"),
    ("length", "Long"),
    ("split(,)", "Set<ipaddr>"),
    ("split(;), casefold", "Set<String>"),
    ("split(k), casefold", "Set<String>"),
    ("split(.), parents", "Set<String>"),
    ("casefold, split(;)", "Set<String>"),
    ("split(;), length", "Long"),
    ("split(;)", "Set<Person>"),
    ("parents", "Set<String>"),
    ("bool", "Bool"),
    ("number", "Long"),
    ("number", "decimal"),
    ("split(;), number", "Set<Long>"),
    ("epoch-seconds", "datetime"),
    ("epoch-millis", "datetime"),
    ("epoch-millis", "Set<datetime>"),
    ("json-date", "datetime"),
    ("iso-duration", "duration"),
    ("seconds", "duration"),
    ("minutes", "duration"),
    ("hours", "duration"),
    ("days", "duration"),
    ("date(%d/%m/%Y)", "datetime"),
    ("date(%Y-%m-%dT%H:%M:%S%z)", "datetime"),
    ("date(%d.%m.%y %I:%M %p), zone(Europe/Berlin)", "datetime"),
    ("zone(America/New_York)", "datetime"),
    ("zone(+05:30)", "datetime"),
];

const SNAPSHOTS: &[&str] = &[
    r#"{"on": true, "people": [{"name": "a", "key_1_on": true, "key_1_at": "-", "key_2_on": null, "key_2_meta": {"x": "y"}, "key_3_on": true, "uncaptured": ["key_1"]}]}"#,
    r#"{"on": true, "total": 4, "things": [{"id": "t", "on": true, "meta": {"kind": "A"}, "near": "u"}, {"on": false, "meta": {"kind": "c"}, "parts": [{"no": 1}]}, {"id": "v", "meta": {"kind": "z"}}, {"id": "w", "meta": {}, "uncaptured": ["meta"]}]}"#,
    r#"{"things": {"a": {"id": "t", "meta": {"kind": "b", "Kind": "c"}}, "b": {"on": true, "meta": {"kind": "d"}}}}"#,
    r#"{"on": true, "x0": "A", "x2": ["a", null], "x13": "10.0.0.0/8, ::1", "people": [{"name": "a"}, {"name": "B", "age": 7}]}"#,
    r#"{"on": null, "x23": 1777406311.5, "x26": "/Date(1777406311623)/", "x27": "P15D", "uncaptured": ["on", "people"]}"#,
    r#"{"people": {"name": "a", "rooms": {"x": {"no": "1"}}}, "partial": ["/people/rooms"], "x34": "01.09.26 6:00 PM"}"#,
    r#"{"people": [{"name": "a", "name": "b"}, {"error": "forbidden"}, null, 7], "On": true, "labels": {"a": "b"}}"#,
];

const TEXTS: &[&str] = &[
    "Jos\u{c9}@B\u{fc}cher.Example",
    "https://u:p@B\u{fc}cher.Example.:443/x?y",
    "a, B;c ;; tbd; -",
    "10.0.0.0/8,2001:db8::/32, ::ffff:10.0.0.1",
    "1777406311.6239",
    "-1.5e-3",
    "/Date(1777406311623+0200)/",
    "P1DT2H3M4.5S",
    "31/12/2026",
    "2026-10-25T02:30:00+0100",
    "25.10.26 02:30 AM",
    "2026-03-29T02:30:00",
    "Shut down",
    "yes",
];

const ANNOTATIONS: &[&str] = &[
    "/people/*/key_{1,2}_*",
    "/a~1b/*_{x, y}",
    "meta/kind = a, \"b, c\"",
    r#"split(","), casefold"#,
    "date(%d/%m/%Y %H:%M), zone(Europe/Berlin)",
    r#"unknown, "a, \"b", tbd"#,
    "email-domain, parents, length",
    "2026-09-01",
];

const YAML: &[&str] = &[
    "on: yes\nx: &a [1, 0o17, .inf, ~, \"t\\x41\"]\ny: *a\nz: {b: 'it''s', <<: *a}\n",
    "people:\n- name: a # c\n  text: |+\n    one\n\n    two\n- &p {name: >-\n    b\n    c}\n- <<: *p\n  age: 0x1F\n",
    "--- !!str a\n... # end\n",
];

const TOML: &[&str] = &[
    "on = true\nx = [1, 0x1F, inf, 1979-05-27T07:32:00Z, \"t\\u0041\"]\na.b.c = \"\"\"\nq\"\"\"\n",
    "[people.x]\nname = 'a'\n[[list]]\nin = {line = 1, \"q\" = []}\n[[list]]\nat = 07:32:00 # c\n",
];

const JSONC: &[&str] = &[
    "{\"a\": 1, // c\n /* d */ \"b\": [1, 2,], \"c\": \"/* no */ // no\",\n}",
    "\u{feff}[null, true, -1.5e3, \"\\ud83d\\ude00\",]",
];

const ROWS: &[&str] = &[
    "E-mail;Active;Note\r\na@x.example;Yes;\"two\nlines\"\r\n\"b@x.example\";no;=1+1\r\n",
    "Email,Active\na@x.example,yes\nA@X.example,no\n,\n\"c\"\"@x.example\",maybe\n",
    "Email\tActive\n\u{e9}@x.example\ton",
];

const SAML: &[&str] = &[
    r#"<?xml version="1.0"?><md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="https://idp.example/x" validUntil="2027-01-01T00:00:00Z"><md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>MIIB</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor><md:NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress</md:NameIDFormat><md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example/sso?x=1"/></md:IDPSSODescriptor></md:EntityDescriptor>"#,
    r#"<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>"#,
];

const SCIM: &[&str] = &[
    r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": 2, "startIndex": 1, "itemsPerPage": 1, "Resources": [{"id": "1", "userName": "a@x.example", "active": true, "emails": [{"value": "a@x.example", "primary": true}]}]}"#,
    r#"[{"totalResults": 1, "Resources": [{"userName": "b"}]}, {"totalResults": 3, "startIndex": 2, "Resources": []}]"#,
    "{\"totalResults\": 0, \"Resources\": []}\n{\"status\": \"403\", \"schemas\": [\"urn:ietf:params:scim:api:messages:2.0:Error\"]}",
];

/// Returns the schema with an attribute for every chain.
fn schema() -> &'static Schema {
    static SCHEMA: OnceLock<Schema> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let attribute = |(at, (chain, ty)): (usize, &(&str, &str))| {
            format!(r#"@as("{chain}") @unknown("tbd") @absent("-, n/a") x{at}?: {ty}, "#)
        };
        let attributes: String = CHAINS.iter().enumerate().map(attribute).collect();
        parsed(&format!(
            r#"entity Status enum ["Open", "Shut down"];
            @path("") @tags("labels") entity Lab = {{ on: Bool, at?: datetime, {attributes} }} tags String;
            @path("/people/*") @key("name") @one_or_many
            entity Person in [Lab] = {{ name: String, age?: Long, @secret pin?: {{ code: String, old?: Set<String> }} }};
            @path("/people/*/rooms/*") entity Room in [Person] = {{ no: String }};
            @path("/people/*/key_{{1,2}}_*") @ignore("note")
            entity Key in [Person] = {{ on: Bool, @absent("-") at?: datetime, @path("meta/x") x?: String, @secret pin?: String }};
            @path("/things/*") @key("id") @where("meta/kind = a, b") @total("/total")
            entity Thing in [Lab] = {{ id: String, on: Bool, near?: Thing }};
            @path("/things/*") @where("meta/kind = c") @unjudged("d") @more("/next") entity Other in [Lab] = {{ on: Bool }};
            @path("/things/*/parts/*") entity Part in [Other] = {{ no: Long }};
            @path("/things/*") @closed entity Any in [Lab] = {{ on?: Bool }};
            action audit appliesTo {{
              principal: [Lab], resource: [Lab, Person, Room, Key, Thing, Other, Part, Any], context: {{}}
            }};"#
        ))
        .unwrap_or_else(|problems| panic!("{problems}"))
    })
}

fn parsed(text: &str) -> Result<Schema, String> {
    let source = Source::new("fuzz.cedarschema", text).map_err(|error| error.to_string())?;
    let (schema, problems) = Schema::parse(&source);
    schema.ok_or_else(|| format!("{problems:?}"))
}

/// The JSON reader accepts or rejects any text, twice in the same way.
pub(crate) fn snapshot(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let model = &schema().model;
    let slots = model.types.entries().flat_map(|(ty, declared)| declared.slots.ids().map(move |slot| (ty, slot)));
    let reads = slots.collect();
    let read = || {
        let source = Source::new("fuzz.json", &*text).expect("a small text");
        let (snapshot, problems) = Snapshot::read(&source, model, &reads, &Limits::default());
        let rows =
            snapshot.iter().flat_map(|snapshot| &snapshot.tables).map(|table| table.rows.len()).collect::<Vec<_>>();
        (rows, problems.iter().map(|problem| problem.message.clone()).collect::<Vec<_>>())
    };
    assert_eq!(read(), read(), "a snapshot is read in one way");
}

/// Every chain accepts or rejects any text, and gives values of the type of its last reader. Texts in folded form are
/// their own folded form.
pub(crate) fn chains(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let root = schema().model.ty(schema().model.root);
    for slot in &root.slots {
        let Origin::Read(_, Some(chain)) = &slot.origin else { continue };
        for words in [&slot.words, &LackingWords::default()] {
            for datum in [Datum::Text(text.to_string()), Datum::Number(text.to_string())] {
                let read = chain.read(datum, words);
                read.data.iter().for_each(|datum| given(chain, datum));
            }
        }
    }
}

fn given(chain: &Chain, datum: &Datum) {
    let last = chain.readers().last().expect("a chain has a reader");
    let ty = match datum {
        Datum::Text(text) => {
            assert!(!chain.folds() || chain.folded(text).as_deref() == Some(text), "`{chain}` folds {text:?}");
            DatumType::Text
        }
        Datum::Number(_) => DatumType::Number,
        Datum::Bool(_) => DatumType::Bool,
        Datum::Whole(number) => {
            assert!(*number >= 0, "`{chain}` counts {number}");
            DatumType::Whole
        }
        Datum::Day(_) => DatumType::Day,
        Datum::LocalTime(_) => DatumType::LocalTime,
        Datum::Moment(_) => DatumType::Moment,
        Datum::Duration(_) => DatumType::Duration,
    };
    assert_eq!(ty, last.gives(), "`{chain}` gives {datum:?}");
}

/// A schema with any value of an annotation is read or rejected, and a chain is shown as it is parsed.
pub(crate) fn annotations(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let quoted: String = text.chars().map(|c| format!("\\u{{{:x}}}", u32::from(c))).collect();
    for ty in ["Set<String>", "datetime", "Long"] {
        for (name, shape) in [("as", ""), ("unknown", "?"), ("absent", "?")] {
            let declare = |value: &str| {
                parsed(&format!(
                    r#"@path("") entity Lab = {{ @{name}("{value}") x{shape}: {ty} }};
                    action audit appliesTo {{ principal: [Lab], resource: [Lab], context: {{}} }};"#
                ))
            };
            let Ok(schema) = declare(&quoted) else { continue };
            let slot = schema.model.ty(schema.model.root).slot(SlotId::default());
            let Origin::Read(_, Some(chain)) = &slot.origin else { continue };
            let again =
                declare(&chain.to_string().escape_debug().to_string()).expect("a chain is parsed as it is shown");
            assert_eq!(again.model.ty(again.model.root).slot(SlotId::default()).origin, slot.origin);
        }
    }
    for (path, selection) in [(quoted.as_str(), "k = a"), ("/things/*", quoted.as_str())] {
        let schema = parsed(&format!(
            r#"@path("") entity Lab; @path("/people/*") entity Person in [Lab];
            @path("{path}") @where("{selection}") entity Thing in [Lab, Person] = {{ on: Bool }};
            action audit appliesTo {{ principal: [Lab], resource: [Lab, Thing], context: {{}} }};"#
        ));
        let only = schema.as_ref().ok().and_then(|schema| schema.model.types.iter().find_map(|ty| ty.only.as_ref()));
        assert!(only.is_none_or(|only| only.words.iter().all(|word| only.has(word))), "a type has its words");
    }
    if let Ok(pattern) = Pattern::absolute(&text) {
        assert_eq!(Pattern::absolute(&pattern.to_text()).as_ref(), Ok(&pattern), "a path is read as it is written");
    }
}

pub(crate) fn yaml(data: &[u8]) {
    derived(SourceFormat::Yaml, data);
}

pub(crate) fn toml(data: &[u8]) {
    derived(SourceFormat::Toml, data);
}

pub(crate) fn jsonc(data: &[u8]) {
    derived(SourceFormat::Jsonc, data);
}

/// A text in another format is JSON or has a fault, and every place of the derived text is in the file.
fn derived(format: SourceFormat, data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let source = Source::new("fuzz", &*text).expect("a small text");
    let derived = format.read(&source).expect("a small text");
    let json = derived.text().trim_start_matches('\u{feff}').trim();
    let is_json = serde_json::from_str::<serde::de::IgnoredAny>(json).is_ok();
    // Half of a surrogate pair in an escape is not text, and too deep a nesting is not for serde_json.
    let may_differ = json.is_empty() || json.contains("\\u") || json.matches(['[', '{']).count() > 100;
    assert!(derived.fault().is_some() || is_json || may_differ || format == SourceFormat::Jsonc, "{json}");
    let length = u32::try_from(derived.text().len()).expect("a small text");
    // No value begins at white space, which may be a part of a comment.
    let is_written = |at: &u32| derived.text().get(*at as usize..).is_some_and(|rest| !rest.starts_with(' '));
    for at in (0..=length).filter(is_written) {
        let place = Place::new(&derived, Span::new(at, at));
        let whole = Place::new(&derived, Span::new(at, length));
        for place in [place, whole] {
            assert!(place.source.text().get(place.span.range()).is_some(), "{:?} is not in the file", place.span);
        }
    }
}

/// A table of any bytes gives a snapshot that is JSON, or errors.
pub(crate) fn rows(data: &[u8]) {
    const SCHEMA: &str = include_str!("../examples/own-pack/account.cedarschema");
    const SOURCES: &str = include_str!("../examples/own-pack/policies/capture.toml");
    static PACK: OnceLock<(Schema, Description)> = OnceLock::new();
    let (schema, description) = PACK.get_or_init(|| {
        let schema = parsed(SCHEMA).unwrap_or_else(|problems| panic!("{problems}"));
        let source = Source::new("capture.toml", SOURCES).expect("a small text");
        let (description, problems) = Description::read(&source, &schema.model);
        assert!(problems.is_empty(), "{problems:?}");
        (schema, description)
    });
    for encoding in [TextEncoding::Utf8, TextEncoding::Windows1252] {
        let Ok((source, sha256)) = decode("people.csv", data.to_vec(), encoding) else { continue };
        let file = std::path::PathBuf::from(source.name());
        let export = Export { source, file, sha256, captured_at: 0, dating: Dating::All, range: None };
        let given = vec![Given { feed: 1, scope: None, export }];
        let inputs = Inputs { model: &schema.model, description, given, old: None, settings: Settings::default() };
        let mut snapshot = Vec::new();
        let outcome = capture(inputs, &mut snapshot).expect("memory takes any snapshot");
        let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(&snapshot).is_ok();
        assert_eq!(outcome.is_written, is_json, "{}", String::from_utf8_lossy(&snapshot));
        assert!(outcome.is_written || !outcome.diagnostics.is_empty(), "a reason is stated");
    }
}

/// Metadata of any bytes give a value, or errors.
pub(crate) fn saml(data: &[u8]) {
    let source = Source::new("idp.xml", String::from_utf8_lossy(data)).expect("a small text");
    let (node, problems) = metadata::read(&source, None);
    assert!(node.is_some() || !problems.is_empty(), "a reason is stated");
}

/// Pages of any bytes give users, or errors.
pub(crate) fn scim(data: &[u8]) {
    let source = Source::new("users.json", String::from_utf8_lossy(data)).expect("a small text");
    let (users, problems) = users::read(&[source]);
    assert!(users.is_some() || !problems.is_empty(), "a reason is stated");
}

/// Returns the text of an input, for a message.
pub(crate) fn shown(data: &[u8]) -> Arc<str> {
    data.escape_ascii().to_string().into()
}
