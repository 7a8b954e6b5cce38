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

/// Refreshes a snapshot of a schema. All sources are documents.
fn refresh_with(schema: &str, old: &str, document: &str) -> Run {
    let files: [(&str, &[u8]); 4] = [
        ("s.cedarschema", schema.as_bytes()),
        ("p/capture.toml", b"[[sources]]\nflag = \"settings\"\nhelp = \"Settings\"\nreader = \"document\"\n"),
        ("old.json", old.as_bytes()),
        ("s.json", document.as_bytes()),
    ];
    let arguments = "capture --schema s.cedarschema --policies p/capture.toml --settings s.json --into old.json";
    deodar(&files, &arguments.split(' ').collect::<Vec<_>>())
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
    const OLD: &str = r#"{"captured_at": "2026-08-20", "name": "F", "ticket": "T", "nick": "N", "plan": "P", "sites": [{"id": "s"}]}"#;
    for (time, expected) in
        [("2026-09-01", json!([null, "N", null, null])), ("2026-08-01", json!(["T", "N", "P", [{"id": "s"}]]))]
    {
        let document = format!(
            r#"{{"captured_at": "{time}", "name": "F", "ticket": null, "nick": null, "plan": null, "sites": null}}"#
        );
        let run = refresh_with(SCHEMA, OLD, &document);
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

#[test]
fn a_list_that_a_document_has_in_part_keeps_the_other_instances() {
    let old = OLD.replace(r#"{"id": "t1", "criteria": []}"#, r#"{"id": "t1", "criteria": []}, {"id": "t2"}"#);
    let document = |time: &str, teams: &str, partial: &str| {
        let workspace = format!("[{{id: WS1, teams: {teams}}}]");
        format!("captured_at: {time}\norganization: {{name: Heron}}\nworkspaces: {workspace}\npartial: {partial}\n")
    };
    let origins = |found: &Value| {
        let entries = found["evidence"].as_array().unwrap().iter();
        let of_teams = entries.filter(|it| it["covers"].as_str().is_some_and(|covers| covers.contains("/teams")));
        json!(of_teams.map(|it| json!([it["covers"], it["captured_at"]])).collect::<Vec<_>>())
    };
    let teams = "[{id: t3}, {id: t2, criteria: [x]}]";
    let part = document("2026-09-01", teams, "[/workspaces/0/teams]");
    let run = refresh(&old, &part);
    let both = json!([{"id": "t1", "criteria": []}, {"id": "t2", "criteria": ["x"]}, {"id": "t3"}]);
    assert_eq!(workspaces(&run)[0]["teams"], both);
    assert!(run.stderr.contains("kept from the old snapshot in `/workspaces/0/teams`: t1\n"), "{}", run.stderr);
    let found = run.json();
    assert_eq!(found["partial"], json!(["/workspaces/0/teams"]));
    let (first, second, third) = ("2026-08-20T00:00:00Z", "2026-09-01T00:00:00Z", "2026-09-02T00:00:00Z");
    let [list, one, two] = ["/workspaces/0/teams", "/workspaces/0/teams/1", "/workspaces/0/teams/2"];
    assert_eq!(origins(&found), json!([[list, first], [one, second], [two, second]]));
    // Each instance keeps its time in the next refresh.
    let run = refresh(&run.stdout, &document("2026-09-02", "[{id: t3, criteria: [y]}]", "[/workspaces/0/teams]"));
    assert_eq!(workspaces(&run)[0]["teams"][2], json!({"id": "t3", "criteria": ["y"]}));
    assert_eq!(origins(&run.json()), json!([[list, first], [one, second], [two, third]]));
    // A complete list replaces all of it.
    let run = refresh(&run.stdout, &document("2026-09-03", teams, "[]"));
    assert_eq!(workspaces(&run)[0]["teams"], json!([{"id": "t3"}, {"id": "t2", "criteria": ["x"]}]));
    assert_eq!((&run.json()["partial"], origins(&run.json())), (&Value::Null, json!([])));
    // An older list contradicts a newer one.
    let run = refresh(&old, &document("2026-08-01", teams, "[/workspaces/0/teams]"));
    assert_eq!((run.code, &run.json()["workspaces"][0]["uncaptured"]), (5, &json!(["teams"])), "{}", run.stderr);
}

#[test]
fn lists_in_a_list_that_is_completed_stay_partial() {
    const SCHEMA: &str = r#"
        @path("") @key("name") entity Firm = { name: String, captured_at: datetime };
        @path("/sites/*") @key("id") entity Site in [Firm] = { id: String };
        @path("/sites/*/rooms/*") @key("id") entity Room in [Site] = { id: String };
        type Context = { now: datetime };
        action "audit" appliesTo { principal: [Firm], resource: [Firm, Site, Room], context: Context };
    "#;
    let old = r#"{"captured_at": "2026-08-20", "name": "F", "sites": [
        {"id": "a", "rooms": []}, {"id": "b", "rooms": []}], "partial": ["/sites/0/rooms", "/sites/1/rooms"]}"#;
    let new = r#"{"captured_at": "2026-09-01", "name": "F", "sites": [
        {"id": "c", "rooms": []}, {"id": "b", "rooms": []}, {"id": "d", "rooms": []}],
        "partial": ["/sites", "/sites/2/rooms"]}"#;
    let run = refresh_with(SCHEMA, old, new);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let found = run.json();
    let ids: Vec<_> = found["sites"].as_array().unwrap().iter().map(|site| site["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["a", "b", "c", "d"]);
    assert_eq!(found["partial"], json!(["/sites/0/rooms", "/sites", "/sites/3/rooms"]));
}
