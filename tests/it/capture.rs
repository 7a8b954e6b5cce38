//! Values to capture: those that an unknown verdict names, in every format, and their descriptions in `explain`.

use crate::support::{NOW, Run, deodar};
use expect_test::expect;
use serde_json::{Value, json};

const SCHEMA: &str = r#"@path("") entity Account = { @derived idle: Long };
@doc("A member. Settings > Members.")
@path("/members/*") @key("id") entity Member in [Account] = {
  @doc("Whether the member has joined. Status column.") joined: Bool,
  @doc("Last sign-in. Last active column.") seen: datetime,
  levels: Set<Level>,
};
@open entity Level enum ["view", "edit"];
type Context = { now: datetime };
action "audit" appliesTo { principal: [Account], resource: [Account, Member], context: Context };
action "derive" appliesTo { principal: [Member], resource: [Account], context: Context };
"#;

const POLICIES: &str = r#"@id("idle") @derives("idle")
permit (principal is Member, action == Action::"derive", resource is Account)
when { principal.joined && context.now.durationSince(principal.seen) > duration("30d") };
@id("IDLE") @title("No member is idle") @severity("high") @remediation("Remove the member.")
forbid (principal, action == Action::"audit", resource is Account)
unless { resource.idle == 0 };
@id("EDIT") @title("No member edits") @severity("low") @remediation("Take the level.")
forbid (principal, action == Action::"audit", resource is Member)
when { resource.joined && resource.levels.contains(Level::"edit") };
"#;

fn run(snapshot: &str, arguments: &[&str]) -> Run {
    let files =
        [("s.cedarschema", SCHEMA.as_bytes()), ("p.cedar", POLICIES.as_bytes()), ("a.json", snapshot.as_bytes())];
    deodar(&files, &[arguments, &["--schema", "s.cedarschema", "--policies", "p.cedar"]].concat())
}

fn check(snapshot: &str, arguments: &[&str]) -> Run {
    run(snapshot, &[&["check", "a.json", "--now", NOW], arguments].concat())
}

/// Returns check, verdict, remediation and captures of every finding.
fn findings(snapshot: &str) -> Vec<Value> {
    let report = check(snapshot, &["--format", "json"]).json();
    let of = |it: &Value| json!([it["check"], it["verdict"], it["remediation"], it["capture"]]);
    report["findings"].as_array().into_iter().flatten().map(of).collect()
}

#[test]
fn an_unknown_verdict_lists_what_to_capture_and_a_failure_what_to_do() {
    let levels = |pointer: &str| json!({ "pointer": pointer, "attribute": "Member.levels", "doc": null });
    let seen =
        json!({ "pointer": "/members/0/seen", "attribute": "Member.seen", "doc": "Last sign-in. Last active column." });
    let members = json!({ "pointer": "/members", "attribute": "Member", "doc": "A member. Settings > Members." });
    let table = [
        (
            r#"{"members": [{"id": "a", "joined": true, "levels": ["edit"]}]}"#,
            vec![json!(["EDIT", "fail", "Take the level.", null]), json!(["IDLE", "unknown", null, [seen]])],
        ),
        (
            r#"{"members": [{"id": "a", "joined": true, "seen": "2026-08-30", "levels": ["view", "audit"]}]}"#,
            vec![json!(["EDIT", "unknown", null, [levels("/members/0/levels")]])],
        ),
        (
            r#"{"members": null}"#,
            vec![json!(["IDLE", "unknown", null, [members.clone()]]), json!(["EDIT", "unknown", null, [members]])],
        ),
    ];
    for (snapshot, expected) in table {
        let mut found = findings(snapshot);
        found.sort_by_key(|it| expected.iter().position(|other| other[0] == it[0]));
        assert_eq!(found, expected, "{snapshot}");
    }
}

/// The value must be captured again, whether it is missing or unreadable.
#[test]
fn tags_and_parameters_of_the_account_are_captured_like_attributes() {
    let schema = r#"@path("") entity Account;
        @path("/hosts/*") @key("id") entity Host in [Account] = { id: String, size: Long } tags String;
        type Parameters = { @path("/settings/limit") @default("2") limit: Long };
        type Context = { parameters: Parameters };
        action audit appliesTo { principal: [Account], resource: [Host], context: Context };"#;
    let policies = r#"@id("TAG") @title("t") @severity("low")
        forbid (principal, action == Action::"audit", resource is Host) when { resource.hasTag("k") };
        @id("LIMIT") @title("t") @severity("low")
        forbid (principal, action == Action::"audit", resource is Host) when { resource.size > context.parameters.limit };"#;
    let captured = |tags: &str, limit: &str, arguments: &[&str]| -> Vec<String> {
        let snapshot =
            format!(r#"{{"settings": {{"limit": {limit}}}, "hosts": [{{"id": "h", "size": 3, "tags": {tags}}}]}}"#);
        let files = [("s.cedarschema", schema), ("p.cedar", policies), ("a.json", &*snapshot)];
        let files = files.map(|(name, text)| (name, text.as_bytes()));
        let run = ["check", "a.json", "--schema", "s.cedarschema", "--policies", "p.cedar", "--format", "json"];
        let report = deodar(&files, &[&run, arguments].concat()).json();
        let finding = |it: &Value| format!("{} {}", it["check"], it["capture"]).replace('"', "");
        report["findings"].as_array().into_iter().flatten().map(finding).collect()
    };
    let tags = "TAG [{pointer:/hosts/0/tags,attribute:Host.tags,doc:null}]";
    let limit = "LIMIT [{pointer:/settings/limit,attribute:Account.parameters.limit,doc:null}]";
    for value in ["null", "7", r#"{"k": 7}"#] {
        assert_eq!(captured(value, "3", &[]), [tags], "{value}");
    }
    for value in ["null", "\"x\"", "[7]"] {
        assert_eq!(captured("{}", value, &[]), [limit], "{value}");
    }
    assert_eq!(captured("{}", "\"x\"", &["--param", "limit=x"]), ["LIMIT []"], "a setting is not captured");
    let of_literal = policies.replace("resource.hasTag", "Host::\"other\".hasTag");
    let open = r#"{"settings": {"limit": 3}, "hosts": [{"id": "h", "size": 3, "tags": {}}, null]}"#;
    let files = [("s.cedarschema", schema), ("p.cedar", &*of_literal), ("a.json", open)];
    let files = files.map(|(name, text)| (name, text.as_bytes()));
    let run =
        ["check", "a.json", "--schema", "s.cedarschema", "--policies", "p.cedar", "--only", "TAG", "--format", "json"];
    let finding = &deodar(&files, &run).json()["findings"][0];
    assert_eq!((&finding["verdict"], &finding["capture"]), (&json!("unknown"), &json!([])), "it has no place");
}

#[test]
fn the_unknown_members_of_a_compared_record_are_captured() {
    let schema = r#"@path("") entity Account = { have: Disk, want: Disk, all: Set<Disk> };
        type Disk = { size: Long, kind: { name: String, words: Set<String> }, note?: String };
        action audit appliesTo { principal: [Account], resource: [Account], context: {} };"#;
    let policies = r#"@id("SAME") @title("t") @severity("low")
        forbid (principal, action == Action::"audit", resource is Account) unless { resource.have == resource.want };
        @id("ANY") @title("t") @severity("low")
        forbid (principal, action == Action::"audit", resource is Account) unless { resource.all.contains(resource.want) };"#;
    let disk = r#"{"size": 1, "kind": {"name": "a", "words": ["x"]}}"#;
    let found = |check: &str, have: &str, all: &str| -> String {
        let snapshot = format!(r#"{{"have": {have}, "want": {disk}, "all": [{all}]}}"#);
        let files = [("s.cedarschema", schema), ("p.cedar", policies), ("a.json", &*snapshot)];
        let files = files.map(|(name, text)| (name, text.as_bytes()));
        let run = ["check", "a.json", "--schema", "s.cedarschema", "--policies", "p.cedar", "--only", check];
        let report = deodar(&files, &[&run[..], &["--format", "json"]].concat()).json();
        let finding = &report["findings"][0];
        let read = &finding["clauses"][0]["reads"][0];
        let found = [&finding["message"], &read["pointer"], &read["state"], &finding["capture"][0]["pointer"]];
        found.map(ToString::to_string).join(" ").replace(['"', '\\'], "")
    };
    let table = [
        (disk.replace(r#""size": 1, "#, ""), "have.size was not captured /have/size uncaptured /have/size"),
        (disk.replace("1", "null"), "have.size was not captured /have/size uncaptured /have/size"),
        (disk.replace("1", "[]"), "have.size is unreadable /have/size unreadable /have/size"),
        (
            disk.replace(r#"["x"]"#, r#"["x", null]"#),
            "have.kind.words is [x, and unknown elements] /have/kind/words partial /have/kind/words",
        ),
        (r#"{"size": 1, "kind": null}"#.to_owned(), "have.kind was not captured /have/kind uncaptured /have/kind"),
        ("null".to_owned(), "have was not captured /have uncaptured /have"),
        // A record that is known in full.
        (
            disk.replace("1", "2"),
            "have.kind.name is a, have.kind.words is [x], have.note is absent and 5 more /have/kind/name known null",
        ),
    ];
    for (have, expected) in table {
        assert_eq!(found("SAME", &have, disk), expected, "{have}");
    }
    let open = disk.replace(r#"["x"]"#, "[null]");
    let expected = "all is [{kind: {name: a, words: [unknown elements]}, size: 1}] /all partial /all";
    assert_eq!(found("ANY", disk, &open), expected);
}

#[test]
fn the_text_report_names_every_attribute_once_for_a_check() {
    let member = |id: &str| format!(r#"{{"id": "{id}", "joined": null, "levels": null}}"#);
    let snapshot = format!(r#"{{"members": [{}, {}]}}"#, member("a"), member("b"));
    let text = check(&snapshot, &[]).stdout;
    let helps: Vec<&str> = text.lines().filter(|line| line.starts_with("  help: ")).collect();
    expect![[r#"
        [
            "  help: capture Member.joined at /members/0/joined: Whether the member has",
            "  help: capture Member.seen at /members/0/seen: Last sign-in. Last active",
            "  help: capture Member.joined at /members/0/joined: Whether the member has",
            "  help: capture Member.levels at /members/0/levels",
        ]
    "#]]
    .assert_debug_eq(&helps);
}

#[test]
fn explain_lists_what_a_check_reads_and_where_that_is() {
    let text = run("{}", &["explain", "IDLE"]).stdout;
    let (_, reads) = text.split_once("\nValues it reads\n").expect("there is a list");
    let expected = [
        "  Member.joined at /members/*/joined",
        "    Whether the member has joined. Status column.",
        "  Member.seen at /members/*/seen",
        "    Last sign-in. Last active column.",
    ];
    assert_eq!(reads.lines().collect::<Vec<_>>(), expected);
    let text = run("{}", &["explain", "EDIT"]).stdout;
    assert!(text.contains("  Member.levels at /members/*/levels, where an unlisted word is unknown\n"), "{text}");
}

#[test]
fn a_reference_to_an_instance_of_an_uncaptured_list_asks_for_the_list() {
    let schema = r#"@path("") entity Org;
        @doc("A role. Settings > Roles.") @path("/roles/*") @key("id") entity Role in [Org] = { admin: Bool };
        @path("/users/*") @key("id") entity User in [Org] = { @path("role_id") @unknown("tbd") role: Role };
        action "audit" appliesTo { principal: [Org], resource: [User], context: {} };"#;
    let policy = r#"@id("A") @title("a") @severity("low") forbid (principal, action == Action::"audit", resource is User)
        when { resource.role.admin };"#;
    let report = |snapshot: &str, arguments: &[&str]| {
        let files =
            [("s.cedarschema", schema.as_bytes()), ("p.cedar", policy.as_bytes()), ("a.json", snapshot.as_bytes())];
        let common = ["check", "a.json", "--now", NOW, "--schema", "s.cedarschema", "--policies", "p.cedar"];
        deodar(&files, &[&common, arguments].concat())
    };
    let roles = json!({ "pointer": "/roles", "attribute": "Role", "doc": "A role. Settings > Roles." });
    let role = json!({ "pointer": "/users/0/role_id", "attribute": "User.role", "doc": null });
    for (roles_and_user, wanted, message) in [
        (r#""users": [{"id": "u", "role_id": "r"}]"#, &roles, "role refers to an instance that was not captured"),
        (
            r#""partial": ["roles"], "roles": [], "users": [{"id": "u", "role_id": "r"}]"#,
            &roles,
            "role refers to an instance that was not captured",
        ),
        (r#""users": [{"id": "u", "role_id": "r", "uncaptured": ["role_id"]}]"#, &role, "role is stated as uncaptured"),
        (r#""users": [{"id": "u", "role_id": "TBD"}]"#, &role, "role was not captured"),
        (r#""users": [{"id": "u"}]"#, &role, "role was not captured"),
        (r#""users": [{"id": "u", "role_id": null}]"#, &role, "role was not captured"),
    ] {
        let found = &report(&format!("{{{roles_and_user}}}"), &["--format", "json"]).json()["findings"][0];
        assert_eq!(
            (&found["capture"], found["message"].as_str()),
            (&json!([wanted]), Some(message)),
            "{roles_and_user}"
        );
    }
    let text = report(r#"{"users": [{"id": "u", "role_id": "r"}, {"id": "v", "role_id": "r"}]}"#, &[]).stdout;
    assert!(text.contains("`roles` was not captured, and role refers to it"), "{text}");
    assert_eq!(text.matches("help: capture Role at /roles").count(), 1, "{text}");
}
