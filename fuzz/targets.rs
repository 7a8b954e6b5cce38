//! Fuzz targets: functions that take any bytes, and panic if a law does not hold. cargo-fuzz and `examples/fuzz.rs` run
//! them.
//!
//! A new target is a function here, a line in [`TARGETS`], a file in `fuzz_targets/` and a `[[bin]]` in `Cargo.toml`.

#![allow(dead_code, reason = "a program of cargo-fuzz runs one of the targets")]
#![allow(clippy::expect_used, clippy::panic, reason = "a target panics if a law does not hold")]

use deodar::schema::{Chain, Datum, DatumType, LackingWords, Origin, Schema, SlotId};
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
    r#"split(","), casefold"#,
    "date(%d/%m/%Y %H:%M), zone(Europe/Berlin)",
    r#"unknown, "a, \"b", tbd"#,
    "email-domain, parents, length",
    "2026-09-01",
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
            action audit appliesTo {{ principal: [Lab], resource: [Lab, Person, Room], context: {{}} }};"#
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
}

/// Returns the text of an input, for a message.
pub(crate) fn shown(data: &[u8]) -> Arc<str> {
    data.escape_ascii().to_string().into()
}
