//! The origins of values: the pieces of evidence that a snapshot lists.

use crate::support::in_memory;
use deodar::report::Needs;
use deodar::value::parse_datetime;
use deodar::{Options, Session};
use expect_test::expect;

const SCHEMA: &str = r#"
@path("")
entity House = {};
@path("/evidence/*") @missing("[]") @evidence
entity Evidence in [House] = { covers: String, @secret method?: String };
@path("/floors/*") @key("name")
entity Floor in [House] = {};
@path("/floors/*/lamps/*") @key("room")
entity Lamp in [Floor] = { lit: Bool, age: Long };
action audit appliesTo { principal: [House], resource: [Lamp], context: {} };
"#;

const POLICY: &str = r#"
@id("LAMP-1") @title("No old lamp is lit") @severity("low")
forbid (principal, action == Action::"audit", resource is Lamp)
when { resource.lit && resource.age > 3 };
"#;

/// Returns the origins of the two values that a finding of a house with these pieces reads.
fn origins(pieces: &str) -> Vec<String> {
    let snapshot = format!(
        r#"{{"floors": [{{"name": "ground", "lamps": [{{"room": "hall", "lit": true, "age": 5}}]}}], "evidence": [{pieces}]}}"#
    );
    let inputs = in_memory(("house.cedarschema", SCHEMA), &[("house.cedar", POLICY)], &[("house.json", &snapshot)]);
    let now = parse_datetime("2026-09-10T12:00:00Z").expect("it is a time");
    let report = Session::default().run(&inputs, &Options::at(now));
    let findings = report.findings();
    let reads = findings.iter().flat_map(|finding| &finding.clauses).flat_map(|clause| &clause.reads);
    reads.map(|read| read.origin.as_ref().map_or_else(|| "none".to_owned(), |origin| origin.phrase())).collect()
}

#[test]
fn the_deepest_piece_of_evidence_is_the_origin_of_a_value() {
    let pieces = r#"
        {"covers": "/floors", "file": "floors.csv", "captured_at": "2026-09-01T12:00:00Z"},
        {"covers": "/floors/0/lamps/0/age", "file": "ages.csv", "captured_at": "2026-09-10T11:00:00Z"}"#;
    assert_eq!(origins(pieces), ["from floors.csv, 9 days old", "from ages.csv, 1 hour old"]);
    assert_eq!(origins(r#"{"covers": "/roof", "file": "roof.csv"}"#), ["none", "none"]);
}

#[test]
fn a_piece_without_a_valid_time_before_the_run_has_no_age() {
    for time in ["", r#", "captured_at": "soon""#, r#", "captured_at": "2027-01-01""#, r#", "captured_at": null"#] {
        let piece = format!(r#"{{"covers": "", "file": "all.json"{time}}}"#);
        assert_eq!(origins(&piece), ["from all.json, without a valid date"; 2], "{time}");
    }
}

#[test]
fn the_oldest_of_equal_pieces_counts_and_secrets_are_not_shown() {
    let piece = |file: &str, time: &str| format!(r#"{{"covers": "", "file": {file:?}, "captured_at": {time:?}}}"#);
    let (old, new) = (piece("old.csv", "2026-09-01"), piece("new.csv", "2026-09-09"));
    for pieces in [format!("{old},{new}"), format!("{new},{old}")] {
        assert_eq!(origins(&pieces), ["from old.csv, 9 days old"; 2]);
    }
    let secret = r#"{"covers": "", "method": "by hand", "captured_at": "2026-09-09"}"#;
    assert_eq!(origins(secret), ["from unnamed evidence, 1 day old"; 2]);
}

#[test]
fn evidence_is_a_list_of_entities() {
    let schema = SCHEMA.replace(r#"@path("/evidence/*") @missing("[]") @evidence"#, r#"@path("/evidence") @evidence"#);
    let inputs = in_memory(("house.cedarschema", &schema), &[("house.cedar", POLICY)], &[("house.json", "{}")]);
    let report = Session::default().run(&inputs, &Options::at(0));
    let messages: Vec<&str> = report.diagnostics.iter().map(|found| found.message.as_str()).collect();
    expect![[r#"
        [
            "`@evidence` describes a list: its `@path` ends in `/*`",
        ]
    "#]]
    .assert_debug_eq(&messages);
}

#[test]
fn a_digest_is_computed_when_an_output_needs_it() {
    let inputs = in_memory(("house.cedarschema", SCHEMA), &[("house.cedar", POLICY)], &[("house.json", "{}")]);
    let mut session = Session::default();
    let mut digest = |digests| {
        let report = session.run(&inputs, &Options { needs: Needs { digests, ..Needs::ALL }, ..Options::at(0) });
        report.run.snapshots.iter().find_map(|snapshot| snapshot.sha256.clone())
    };
    // The SHA-256 of `{}`.
    let known = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    assert_eq!(digest(false), None);
    assert_eq!(digest(true).as_deref(), Some(known));
    assert_eq!(digest(false).as_deref(), Some(known));
}
