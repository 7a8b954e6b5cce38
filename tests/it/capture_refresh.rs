//! The older snapshot of `deodar capture --into`: the values that it keeps, and those that new documents replace.

use crate::support::{Run, deodar};
use serde_json::{Value, json};

const OLD: &str = r#"{"captured_at": "2026-08-20", "organization": {"name": "Heron"}, "workspaces": [{"id": "WS1",
    "plan": "enterprise", "members": [{"email": "neha@heron.example", "status": "joined", "role_id": "Admin"}],
    "teams": [{"id": "t1", "criteria": []}],
    "environments": [{"name": "LIVE", "security": {"two_step": {"enforced": false}}}]}]}"#;

/// Refreshes a snapshot with the built-in pack.
fn refresh(old: &str, document: &str) -> Run {
    let files = [("old.json", old.as_bytes()), ("s.yaml", document.as_bytes())];
    deodar(&files, &["capture", "moengage", "--settings", "s.yaml", "--into", "old.json"])
}

#[track_caller]
fn workspaces(run: &Run) -> Value {
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.json()["workspaces"].clone()
}

#[test]
fn a_document_that_states_nothing_of_a_value_keeps_the_older_one() {
    let old: Value = serde_json::from_str(OLD).unwrap();
    for time in ["2026-09-01", "2026-08-01"] {
        for rest in [
            "workspaces:",
            "uncaptured: [workspaces]",
            "workspaces: [{id: WS1, plan: , members: , teams: , environments: }]",
            "workspaces: [{id: WS1, uncaptured: [plan, members, teams, environments]}]",
            "workspaces: [{id: WS1, environments: [{name: LIVE, security: {two_step: {enforced: }}}]}]",
            "workspaces: [{id: WS1, environments: [{name: LIVE, uncaptured: [security]}]}]",
        ] {
            let run = refresh(OLD, &format!("captured_at: {time}\norganization: {{name: Heron}}\n{rest}\n"));
            assert_eq!(workspaces(&run), old["workspaces"], "{time} {rest}");
            let of_old = run.json()["evidence"].as_array().unwrap().iter().any(|entry| {
                let covers = entry["covers"].as_str().unwrap_or_default();
                entry["file"] == "old.json" && "/workspaces/0/plan".starts_with(covers)
            });
            assert!(of_old, "{time} {rest} {}", run.json()["evidence"]);
            // The age is that of the older snapshot.
            assert_eq!(run.json()["captured_at"], format!("{}T00:00:00Z", time.min("2026-08-20")), "{time} {rest}");
        }
    }
}

#[test]
fn null_of_a_document_does_not_replace_a_value_of_every_snapshot() {
    let run = refresh(OLD, "captured_at: 2026-09-01\norganization: {name: Heron}\nschema_version: \n");
    assert_eq!(workspaces(&run).as_array().map(Vec::len), Some(1));
    assert_eq!(run.json()["schema_version"], "2.0");
}

#[test]
fn null_with_a_meaning_is_a_value() {
    const SCHEMA: &str = r#"
        @path("") @key("name") entity Firm = {
          name: String, captured_at: datetime, ticket?: String, @null("unknown") nick?: String, @null("\"none\"") plan: String
        };
        @path("/sites/*") @key("id") @null("[]") entity Site in [Firm] = { id: String };
        type Context = { now: datetime };
        action "audit" appliesTo { principal: [Firm], resource: [Firm, Site], context: Context };
    "#;
    const SETTINGS: &str = "[[sources]]\nflag = \"settings\"\nhelp = \"Settings\"\nreader = \"document\"\n";
    const OLD: &str = r#"{"captured_at": "2026-08-20", "name": "F", "ticket": "T", "nick": "N", "plan": "P", "sites": [{"id": "s"}]}"#;
    for (time, expected) in
        [("2026-09-01", json!([null, "N", null, null])), ("2026-08-01", json!(["T", "N", "P", [{"id": "s"}]]))]
    {
        let document = format!(
            r#"{{"captured_at": "{time}", "name": "F", "ticket": null, "nick": null, "plan": null, "sites": null}}"#
        );
        let files = [
            ("s.cedarschema", SCHEMA.as_bytes()),
            ("p/capture.toml", SETTINGS.as_bytes()),
            ("old.json", OLD.as_bytes()),
            ("s.json", document.as_bytes()),
        ];
        let arguments = "capture --schema s.cedarschema --policies p/capture.toml --settings s.json --into old.json";
        let run = deodar(&files, &arguments.split(' ').collect::<Vec<_>>());
        assert_eq!(run.code, 0, "{}", run.stderr);
        let found = run.json();
        let names = ["ticket", "nick", "plan", "sites"];
        assert_eq!(json!(names.map(|name| found[name].clone())), expected, "{time}");
    }
}

#[test]
fn an_older_value_does_not_take_the_place_of_a_newer_list() {
    let old = OLD.replace("2026-08-20", "2026-09-09");
    let run = refresh(&old, "captured_at: 2026-09-01\norganization: {name: Heron}\nworkspaces: none\n");
    let expected =
        "`/workspaces` is of 2026-09-01T00:00:00Z, and the snapshot has another value of 2026-09-09T00:00:00Z";
    assert!(run.code == 5 && run.stderr.replace("\n  │ ", " ").contains(expected), "{}", run.stderr);
    assert_eq!(run.json()["uncaptured"], json!(["workspaces"]));
}

#[test]
fn a_value_that_is_refused_as_a_secret_does_not_keep_the_older_one() {
    let token = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
    let head = "captured_at: 2026-09-01\norganization: {name: Heron}";
    let run = refresh(
        OLD,
        &format!("{head}\nworkspaces: [{{id: WS1, plan: {token}, members: [{token}], teams: [{token}]}}]\n"),
    );
    assert_eq!(run.code, 5, "{}", run.stderr);
    let found = run.json();
    assert_eq!(found["workspaces"][0]["uncaptured"], json!(["plan", "teams"]), "{found:#}");
    assert_eq!(found["partial"], json!(["/workspaces/0/members"]), "{found:#}");
}
