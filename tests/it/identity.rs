//! Identities and fingerprints of findings: what they depend on, and what not.

use crate::support::{POLICIES, SCHEMA, SOUND, edited, harbour_by, replaced};
use deodar::Options;
use deodar::report::{Finding, Identities};
use deodar::source::Source;
use deodar::{Inputs, Session};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The time of every run.
const NOW: i64 = 1_788_220_800_000;

/// The fingerprints that a report shows, by check and resource.
fn fingerprints(schema: &str, policies: &str, snapshot: &str) -> BTreeMap<String, String> {
    let report = harbour_by(schema, policies, snapshot, &["--format", "json", "--verbose"]).json();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let named = |found: &Value| {
        let resource = &found["resource"];
        let name = format!("{} {} {}", text(&found["check"]), text(&resource["type"]), text(&resource["id"]));
        (name, text(&found["fingerprint"]))
    };
    let findings = report["findings"].as_array().expect("findings");
    let named: BTreeMap<_, _> = findings.iter().map(named).collect();
    assert_eq!(named.len(), findings.len(), "every finding is another one");
    named
}

#[test]
fn a_finding_contains_the_parts_of_its_identity() {
    use sha2::{Digest, Sha256};
    for format in ["json", "ndjson"] {
        let run = harbour_by(SCHEMA, POLICIES, long_boat(), &["--format", format]);
        let report = if format == "json" { run.json() } else { run.accounts().remove(0) };
        let found = &report["findings"][0];
        assert_eq!(found["account"], "Anse", "{format}");
        let identity = json!([found["check"], found["resource"]["type"], found["resource"]["id"], found["account"]]);
        let hash = Sha256::digest(identity.to_string());
        let hash: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(found["fingerprint"], hash, "{format}");
    }
}

/// A harbour with a boat that is longer than its pier.
fn long_boat() -> String {
    edited("\"length\": 12", "\"length\": 41")
}

#[test]
fn accounts_with_the_same_member_differ() {
    let harbour = |name: &str| replaced(&long_boat(), "Anse", name);
    let (anse, bray) =
        (fingerprints(SCHEMA, POLICIES, &harbour("Anse")), fingerprints(SCHEMA, POLICIES, &harbour("Bray")));
    assert_eq!(anse.keys().collect::<Vec<_>>(), ["HB-LEN-01 Boat east/Tern"]);
    assert_eq!(anse.keys().collect::<Vec<_>>(), bray.keys().collect::<Vec<_>>());
    assert_ne!(anse, bray);
}

#[test]
fn a_fingerprint_survives_other_values_places_verdicts_and_policies() {
    let of =
        |policies: &str, snapshot: &str| fingerprints(SCHEMA, policies, snapshot)["HB-LEN-01 Boat east/Tern"].clone();
    let first = of(POLICIES, &long_boat());
    let long_boat = long_boat();
    let snapshots = [
        replaced(&long_boat, "\"length\": 41", "\"length\": 99"),
        replaced(&long_boat, "  \"captured_at\"", "\n\n  \"captured_at\""),
        replaced(
            &long_boat,
            "{ \"name\": \"Tern\"",
            "{ \"name\": \"Auk\", \"owner\": \"bo@anse.example\", \"length\": 1, \"light\": \"red\" },\n        { \"name\": \"Tern\"",
        ),
        // Unknown, and not applicable.
        replaced(&long_boat, "\"length\": 41, ", ""),
        replaced(&long_boat, "\"light\": \"red\"", "\"light\": \"white\""),
    ];
    for snapshot in snapshots {
        assert_eq!(of(POLICIES, &snapshot), first, "{snapshot}");
    }
    let condition = "unless { resource.length <= resource.pier.length }";
    let policies = [
        replaced(POLICIES, condition, "unless { resource.pier.length >= resource.length && resource.owner.active }"),
        replaced(POLICIES, condition, "unless { resource.pier.boats > 5 }"),
        replaced(POLICIES, "@severity(\"high\")", "@severity(\"low\")"),
    ];
    for policies in policies {
        assert_eq!(of(&policies, &long_boat), first, "{policies}");
    }
}

#[test]
fn lists_that_were_not_captured_have_identities_too() {
    let no_boats = {
        let start = SOUND.find(",\n      \"boats\"").expect("the list is there");
        let end = start + SOUND[start..].find("]\n").expect("it ends") + 1;
        format!("{}{}", &SOUND[..start], &SOUND[end..])
    };
    let found = fingerprints(SCHEMA, POLICIES, &no_boats);
    let names: Vec<&String> = found.keys().collect();
    assert_eq!(names, ["HB-LEN-01 Boat east/*", "HB-OWN-01 Boat east/*", "HB-PIER-01 Pier east"]);
}

fn source(name: &str, text: &str) -> Arc<Source> {
    Source::new(name, text).expect("it is small")
}

fn findings(snapshot: &str) -> Vec<Finding> {
    let inputs = Inputs::new(
        source("harbour.cedarschema", SCHEMA),
        vec![source("harbour.cedar", POLICIES)],
        vec![source("snapshot.json", snapshot)],
    );
    Session::default().run(&inputs, &Options::at(NOW)).findings()
}

#[test]
fn a_pass_has_the_identity_of_a_failure() {
    use deodar::engine::Subject;
    use deodar::schema::Schema;
    use deodar::snapshot::{Limits, Snapshot};
    use deodar::value::EntityRef;
    let failed = findings(&long_boat());
    let [failure] = &failed[..] else { panic!("{failed:?}") };
    assert!(findings(SOUND).is_empty());
    let schema = Schema::parse(&source("harbour.cedarschema", SCHEMA)).0.expect("it is sound");
    let (snapshot, _) =
        Snapshot::read(&source("snapshot.json", SOUND), &schema.model, &Default::default(), &Limits::default());
    let boat = EntityRef { ty: schema.model.type_named("Boat").expect("there are boats"), row: 0 };
    let snapshot = snapshot.expect("it is sound");
    let passed = Identities::new(&schema.model, &snapshot, None).of(&"HB-LEN-01".into(), Subject::Entity(boat));
    assert_eq!(failure.identity, passed);
}

/// A shed with tools that have no key, in drawers that have none either.
const SHED: &str = r#"
    @path("") entity Shed;
    @path("/drawers/*") entity Drawer in [Shed] = { label?: String };
    @path("/drawers/*/tools/*") entity Tool in [Drawer] = { kind: String, sharp: Bool, @secret code?: String };
    @path("/keys/*") @key("id") entity Hook in [Shed] = { id: String, sharp: Bool };
    action audit appliesTo { principal: [Shed], resource: [Drawer, Tool, Hook], context: {} };
"#;

const SHARP: &str = r#"
    @id("T") @title("t") @severity("low")
    forbid (principal, action == Action::"audit", resource is Tool) unless { !resource.sharp };
    @id("H") @title("h") @severity("low")
    forbid (principal, action == Action::"audit", resource is Hook) unless { !resource.sharp };
"#;

/// Returns the fingerprints of the failures of a shed with these drawers, in order.
fn of_shed(drawers: &str) -> Vec<String> {
    let snapshot = format!(r#"{{ "drawers": [{drawers}], "keys": [] }}"#);
    let inputs = Inputs::new(
        source("shed.cedarschema", SHED),
        vec![source("shed.cedar", SHARP)],
        vec![source("shed.json", &snapshot)],
    );
    let findings = Session::default().run(&inputs, &Options::at(NOW)).findings();
    findings.iter().map(|finding| finding.identity.fingerprint()).collect()
}

#[test]
fn an_element_without_a_key_is_identified_by_its_content() {
    let saw = r#"{"kind": "saw", "sharp": true}"#;
    let axe = r#"{"kind": "axe", "sharp": true}"#;
    let drawer = |tools: &[&str]| format!(r#"{{"tools": [{}]}}"#, tools.join(", "));
    let both = of_shed(&drawer(&[saw, axe]));
    assert_ne!(both[0], both[1]);
    let mut turned = of_shed(&drawer(&[axe, saw]));
    turned.reverse();
    // The drawer has no key, so that its digest changes with the order of its tools.
    assert_ne!(both, turned);
    // Spaces, the order of properties and other drawers do not matter.
    let written = r#"{ "sharp" :true, "kind":"\u0073aw" }"#;
    assert_eq!(of_shed(&drawer(&[written, axe])), both);
    let after = of_shed(&format!("{}, {}", drawer(&[]), drawer(&[saw, axe])));
    assert_eq!(after, both);
    // Equal elements have a number.
    let twice = of_shed(&drawer(&[saw, saw, axe, saw]));
    let different: std::collections::BTreeSet<&String> = twice.iter().collect();
    assert_eq!(different.len(), 4);
    let drawers = of_shed(&format!("{0}, {0}", drawer(&[saw])));
    assert_ne!(drawers[0], drawers[1]);
}

#[test]
fn a_fingerprint_does_not_depend_on_a_secret() {
    let drawer = |code: &str| format!(r#"{{"tools": [{{"kind": "saw", "sharp": true, "code": {code}}}]}}"#);
    let first = of_shed(&drawer("\"8812\""));
    assert_eq!(first.len(), 1);
    for code in ["\"7091\"", "17", "{\"a\": [1]}", "null"] {
        let snapshot = of_shed(&drawer(code));
        assert_eq!(snapshot, first, "{code}");
    }
}

#[test]
fn a_resource_with_the_name_of_a_list_or_of_a_digest_is_another_one() {
    let hooks = |hooks: &str| {
        let inputs = Inputs::new(
            source("shed.cedarschema", SHED),
            vec![source("shed.cedar", SHARP)],
            vec![source("shed.json", &format!(r#"{{ "drawers": [], "keys": {hooks} }}"#))],
        );
        Session::default().run(&inputs, &Options::at(NOW)).findings()
    };
    let [list] = &hooks("null")[..] else { panic!("one verdict for the list") };
    let [named] = &hooks(r#"[{"id": "*", "sharp": true}]"#)[..] else { panic!("one failure") };
    assert_eq!((&list.identity.id, &list.identity.form[..]), (&named.identity.id, "*keys/*"));
    assert_ne!(list.identity.fingerprint(), named.identity.fingerprint());
    // An element of a list with keys, whose own key is missing.
    let nameless = hooks(r#"[{"sharp": true}]"#);
    let digest = nameless[0].identity.id.clone();
    assert_eq!(digest.len(), 32);
    let named = hooks(&format!(r#"[{{"id": "{digest}", "sharp": true}}]"#));
    assert_eq!(named[0].identity.id, digest);
    assert_ne!(named[0].identity.fingerprint(), nameless[0].identity.fingerprint());
}
