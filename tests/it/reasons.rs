//! Reasons of failures: all that the user has to correct, and the principals that nearly count.

use crate::support::{NOW, command, deodar, folder};
use serde_json::Value;

const SCHEMA: &str = r#"
@path("") entity Org;
@path("/keys/*") @key("id")
entity Key in [Org] = { id: String, rotated: Bool, uses: Long, public: Bool, @derived approved: Bool };
@path("/approvals/*") @key("id")
entity Approval in [Org] = { id: String, key: String, @secret note: String, state: String };
action audit appliesTo { principal: [Org], resource: [Key], context: { now: datetime } };
action derive appliesTo { principal: [Approval], resource: [Key], context: { now: datetime } };
"#;

const POLICIES: &str = r#"
@id("K-1") @title("Keys are in order") @severity("high")
forbid (principal, action == Action::"audit", resource is Key)
unless { resource.rotated && resource.uses >= 1 && !resource.public };

@id("K-2") @title("Keys are approved") @severity("high")
forbid (principal, action == Action::"audit", resource is Key)
unless { resource.approved };

@id("K-APPROVED") @derives("approved")
permit (principal is Approval, action == Action::"derive", resource is Key)
when { principal.key == resource.id && principal.state == "on" && principal.note != "no" };
"#;

const SNAPSHOT: &str = r#"{
  "keys": [{ "id": "k", "rotated": false, "uses": 0, "public": true }],
  "approvals": [
    { "id": "of-another-key", "key": "j", "state": "on", "note": "yes" },
    { "id": "switched-off", "key": "k", "state": "report", "note": "yes" },
    { "id": "noted", "key": "k", "state": "on", "note": "no" }
  ]
}"#;

/// Returns the output of a check of the snapshot in a format.
fn checked(format: &str) -> String {
    let at = folder(&[
        ("s.cedarschema", SCHEMA.as_bytes()),
        ("p.cedar", POLICIES.as_bytes()),
        ("a.json", SNAPSHOT.as_bytes()),
    ]);
    let mut run = command(at.path());
    run.args([
        "check",
        "a.json",
        "--schema",
        "s.cedarschema",
        "--policies",
        "p.cedar",
        "--now",
        NOW,
        "--format",
        format,
    ]);
    let run = run.output().expect("the binary is built");
    assert_eq!(run.status.code(), Some(1), "{run:?}");
    String::from_utf8(run.stdout).expect("it is UTF-8")
}

#[test]
fn every_false_operand_of_a_conjunction_is_a_reason() {
    let text = checked("text");
    assert!(text.contains("rotated is false, uses is 0, public is true"), "{text}");
    assert!(text.contains("this is also false") && text.contains("this is also true"), "{text}");
    let document: Value = serde_json::from_str(&checked("json")).expect("it is JSON");
    let clauses = document["findings"][0]["clauses"].as_array().expect("it has clauses");
    let also: Vec<(&str, bool)> = clauses
        .iter()
        .map(|clause| (clause["text"].as_str().unwrap_or_default(), clause["also"].as_bool().unwrap_or(false)))
        .collect();
    assert_eq!(also, [("resource.rotated", false), ("resource.uses >= 1", true), ("resource.public", true)]);
}

#[test]
fn near_misses_are_shown_with_the_value_that_excludes_them() {
    let text = checked("text");
    assert!(text.contains("would count for approved, but state is \"report\""), "{text}");
    assert!(text.contains("would count for approved, but note is ***"), "{text}");
    let document: Value = serde_json::from_str(&checked("json")).expect("it is JSON");
    let finding = &document["findings"][1];
    let near = finding["clauses"][0]["reads"][0]["derived_from"]["near_misses"].as_array().expect("it has near misses");
    let near: Vec<(&str, &str)> = near
        .iter()
        .map(|near| (near["entity"].as_str().unwrap_or_default(), near["reason"].as_str().unwrap_or_default()))
        .collect();
    assert_eq!(near, [("Approval::\"switched-off\"", "state is \"report\""), ("Approval::\"noted\"", "note is ***")]);
    let message = finding["message"].as_str().unwrap_or_default();
    assert_eq!(message, "approved is false (near miss Approval::\"switched-off\": state is \"report\")");
}

/// Returns the message of the finding on a gate with one value in each line, and the line of the place of the finding.
fn message(clauses: &str, gate: &str) -> (String, u64) {
    let schema = r#"
        @path("") entity Gate = { kind: String, state: String, lit: Bool, locked: Bool, open: Bool, @derived safe: Bool };
        action audit, derive appliesTo { principal: [Gate], resource: [Gate], context: {} };
    "#;
    let policies = format!(
        r#"
        @id("safe") @derives("safe") permit (principal, action == Action::"derive", resource is Gate)
        when {{ resource.lit && resource.locked }};
        @id("G") @title("G") @severity("low") forbid (principal, action == Action::"audit", resource is Gate) {clauses};"#
    );
    let files = [("s.cedarschema", schema.as_bytes()), ("p.cedar", policies.as_bytes()), ("a.json", gate.as_bytes())];
    let checked = |format: &str| {
        let run =
            ["check", "a.json", "--schema", "s.cedarschema", "--policies", "p.cedar", "--verbose", "--format", format];
        deodar(&files, &run).json()
    };
    let message = checked("json")["findings"][0]["message"].as_str().unwrap_or_default().to_owned();
    let places = checked("gitlab");
    let place = places.as_array().and_then(|all| all.last()).expect("it has a finding");
    (message, place["location"]["lines"]["begin"].as_u64().unwrap_or_default())
}

#[test]
fn a_message_begins_with_the_values_of_the_demand_as_the_place_does() {
    let known = "{\n\"kind\": \"car\",\n\"state\": \"on\",\n\"lit\": false,\n\"locked\": false,\n\"open\": true }";
    let unknown = "{\n\"kind\": null,\n\"state\": \"on\",\n\"lit\": null,\n\"locked\": null,\n\"open\": true }";
    let scope = r#"when { resource.kind == "car" && resource.state == "on" }"#;
    for (clauses, gate, expected, line) in [
        // The demand in the order of the policy, and the premises from the last to the first.
        (format!("{scope} unless {{ resource.lit }}"), known, r#"lit is false, state is "on", kind is "car""#, 4),
        (
            format!("{scope} unless {{ resource.lit && resource.locked && !resource.open }}"),
            known,
            "lit is false, locked is false, open is true and 2 more",
            4,
        ),
        (format!("{scope} when {{ resource.open }}"), known, r#"open is true, state is "on", kind is "car""#, 6),
        // The demand of a named condition is that of its definition.
        (
            format!("{scope} unless {{ resource.safe }}"),
            known,
            r#"lit is false, locked is false, state is "on" and 1 more"#,
            4,
        ),
        (
            format!("{scope} unless {{ resource.safe && !resource.open }}"),
            known,
            r#"lit is false, open is true, locked is false and 2 more"#,
            4,
        ),
        // Values of an unknown verdict that are unknown.
        (
            format!("{scope} unless {{ resource.lit && resource.locked }}"),
            unknown,
            "lit was not captured, locked was not captured, kind was not captured",
            4,
        ),
        (
            format!("{scope} unless {{ resource.safe }}"),
            unknown,
            "lit was not captured, locked was not captured, kind was not captured",
            4,
        ),
        // Without a demand, all in the order of the policy.
        (
            r#"when { resource.kind == "van" || resource.state == "off" } unless { resource.lit }"#.to_owned(),
            known,
            r#"kind is "car", state is "on""#,
            2,
        ),
    ] {
        assert_eq!(message(&clauses, gate), (expected.to_owned(), line), "{clauses}");
    }
}

#[test]
fn a_tag_that_may_be_misspelt_is_unknown() {
    let schema = r#"
        @path("") entity Account = {} tags String;
        action "audit" appliesTo { principal: [Account], resource: [Account], context: {} };
    "#;
    let policies = r#"
        @id("OPEN") @title("It is not public") @severity("low")
        forbid (principal, action == Action::"audit", resource is Account)
        when { resource.hasTag("exposure") && resource.getTag("exposure") == "public" };
    "#;
    let judged = |tags: &str| {
        let snapshot = format!(r#"{{"tags": {tags}}}"#);
        let files =
            [("s.cedarschema", schema.as_bytes()), ("p.cedar", policies.as_bytes()), ("a.json", snapshot.as_bytes())];
        let mut verdicts = Vec::new();
        for engine in ["compiled", "reference"] {
            let arguments = ["check", "a.json", "--now", NOW, "--format", "json", "--engine", engine];
            let run =
                deodar(&files, &[&arguments[..], &["--schema", "s.cedarschema", "--policies", "p.cedar"]].concat());
            let report = run.json();
            let warned = report["diagnostics"].as_array().expect("a list").iter();
            let warned = warned.filter_map(|it| it["message"].as_str()).find(|it| it.contains("resembles"));
            verdicts.push((run.code, warned.map(str::to_owned)));
        }
        assert_eq!(verdicts[0], verdicts[1], "{tags}");
        verdicts.swap_remove(0)
    };
    for (tags, code) in [
        (r#"{"exposure": "public"}"#, 1),
        (r#"{}"#, 0),
        (r#"{"owner": "a", "team": "b"}"#, 0),
        (r#"{"exposure": "none", "Exposure": "public"}"#, 0),
        (r#"null"#, 4),
    ] {
        assert_eq!(judged(tags), (code, None), "{tags}");
    }
    for name in ["Exposure", "exposre", "exposure ", "expo\u{200b}sure"] {
        let (code, warned) = judged(&format!(r#"{{"{name}": "public", "owner": "a"}}"#));
        let expected = format!("the tag `{name}` resembles `exposure`, which a policy reads and this object lacks");
        assert_eq!((code, warned), (4, Some(expected)), "{name}");
    }
}

#[test]
fn each_missing_tag_that_a_tag_may_mean_is_unknown() {
    let schema = r#"
        @path("") entity Account = {} tags String;
        action "audit" appliesTo { principal: [Account], resource: [Account], context: {} };
    "#;
    let check = |tag: &str| {
        format!(
            r#"@id("{tag}") @title("It has no such tag") @severity("low")
            forbid (principal, action == Action::"audit", resource is Account) when {{ resource.hasTag("{tag}") }};"#
        )
    };
    let policies = ["approved", "approver"].map(check).concat();
    let judged = |tags: &str, engine: &str| {
        let snapshot = format!(r#"{{"tags": {tags}}}"#);
        let files =
            [("s.cedarschema", schema.as_bytes()), ("p.cedar", policies.as_bytes()), ("a.json", snapshot.as_bytes())];
        let arguments = ["check", "a.json", "--now", NOW, "--format", "json", "--engine", engine];
        let run = deodar(&files, &[&arguments[..], &["--schema", "s.cedarschema", "--policies", "p.cedar"]].concat());
        let report = run.json();
        let list = |name: &str| report[name].as_array().expect("a list").clone();
        let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
        let verdicts =
            list("findings").iter().map(|it| format!("{} {}", text(&it["check"]), text(&it["verdict"]))).collect();
        (verdicts, list("diagnostics").iter().map(|it| text(&it["message"])).collect())
    };
    let unknown = |tag: &str| format!("{tag} unknown");
    let warned = |all: &str| vec![format!("the tag `approvet` resembles {all} and this object lacks")];
    let table: [(&str, Vec<String>, Vec<String>); 5] = [
        (
            r#"{"approvet": "x"}"#,
            vec![unknown("approved"), unknown("approver")],
            warned("`approved` and `approver`, which policies read"),
        ),
        (
            r#"{"approver": "y", "approvet": "x"}"#,
            vec!["approver fail".into(), unknown("approved")],
            warned("`approved`, which a policy reads"),
        ),
        (
            r#"{"approvet": "x", "approved": "y"}"#,
            vec!["approved fail".into(), unknown("approver")],
            warned("`approver`, which a policy reads"),
        ),
        (r#"{"approved": "y", "Approved": "x"}"#, vec!["approved fail".into()], Vec::new()),
        (
            r#"{"approved": "y", "approver": "y", "approvet": "x"}"#,
            vec!["approved fail".into(), "approver fail".into()],
            Vec::new(),
        ),
    ];
    for (tags, verdicts, warnings) in table {
        assert_eq!(judged(tags, "compiled"), (verdicts, warnings), "{tags}");
        assert_eq!(judged(tags, "reference"), judged(tags, "compiled"), "{tags}");
    }
}
