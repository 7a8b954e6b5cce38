//! Identities and fingerprints of findings: what they depend on, and what not.

use crate::support::{POLICIES, SCHEMA, SOUND, edited, harbour_by, replaced};
use deodar::Options;
use deodar::report::{Finding, Identity};
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
    Session::default().run(&inputs, &Options::at(NOW)).findings
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
    let passed = Identity::of(&schema.model, &snapshot, &"HB-LEN-01".into(), Subject::Entity(boat));
    assert_eq!(failure.identity, passed);
}
