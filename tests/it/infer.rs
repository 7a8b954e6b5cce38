//! `deodar new schema`: the inferred schema is valid and reads its samples without a diagnostic, for any JSON object.

use crate::support::{Run, command, deodar, folder, repository};
use crate::tutorial::followed;
use deodar::Limits;
use deodar::infer::infer;
use deodar::schema::Schema;
use deodar::snapshot::Snapshot;
use deodar::source::Source;
use expect_test::{expect, expect_file};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Infers a schema, and reads the documents by it. Returns the schema.
fn inferred(documents: &[&str]) -> Result<String, String> {
    let sources: Vec<Arc<Source>> =
        documents.iter().map(|text| Source::new("s.json", *text).expect("a small text")).collect();
    let listed = |found: &[deodar::Diagnostic]| -> String {
        found.iter().map(|found| format!("{}: {}\n", found.code, found.message)).collect()
    };
    let text = infer(&sources, Some("Test"), &Limits::default()).map_err(|errors| listed(&errors))?;
    let (schema, found) = Schema::parse(&Source::new("t.cedarschema", text.as_str()).expect("a small text"));
    let schema = schema.filter(|_| found.is_empty()).ok_or_else(|| format!("{}\n{text}", listed(&found)))?;
    let all = schema.model.types.entries();
    let reads: BTreeSet<_> = all.flat_map(|(ty, it)| it.slots.ids().map(move |slot| (ty, slot))).collect();
    for source in &sources {
        let (snapshot, found) = Snapshot::read(source, &schema.model, &reads, &Limits::default());
        // An error in place of an object is one of the sample, and a comment has the number.
        let comments = text.replace("\n", " ").replace("//", "").split_whitespace().collect::<Vec<_>>().join(" ");
        let has_errors = comments.contains(": not observed.") || comments.contains(" in its place)");
        let is_of_error = |found: &deodar::Diagnostic| {
            let from = found.labels.first().and_then(|label| source.text().get(label.place.span.start as usize..));
            let value =
                from.and_then(|from| serde_json::Deserializer::from_str(from).into_iter::<Value>().next()?.ok());
            let is_of_property = found.code.to_string() == "snapshot-property";
            has_errors && (is_of_property || value.is_some_and(|value| value.get("error").is_some()))
        };
        // A warning of a misspelling is about the sample, and a comment has the name.
        let is_misspelling = |found: &deodar::Diagnostic| {
            let name = found.message.split('`').nth(1).unwrap_or_default();
            found.code.to_string() == "snapshot-property" && comments.contains(&format!("Left out: `{name}`: in "))
        };
        let found: Vec<_> = found.into_iter().filter(|found| !is_misspelling(found) && !is_of_error(found)).collect();
        if snapshot.is_none() || !found.is_empty() {
            return Err(format!("{}\n{text}", listed(&found)));
        }
    }
    Ok(text)
}

/// Returns the declarations of a schema without comments and blank lines.
fn declarations(schema: &str) -> String {
    let kept = schema.lines().filter(|line| !line.trim_start().starts_with("//") && !line.is_empty());
    let before = kept.take_while(|line| !line.trim_start().starts_with("type Parameters"));
    before.map(|line| format!("{line}\n")).collect()
}

#[test]
fn the_examples_are_read_without_a_diagnostic() {
    let read = |name: &str| {
        let path = repository().join("examples").join(name).join("snapshot.json");
        std::fs::read_to_string(path).expect("the example is in the repository")
    };
    let names = ["acme", "clean", "half-captured", "own-pack", "small"];
    let texts = names.map(read);
    for (name, text) in names.iter().zip(&texts) {
        if let Err(problems) = inferred(&[text]) {
            panic!("{name}: {problems}");
        }
    }
    let [acme, clean, half, own, small] = &texts;
    inferred(&[acme, clean, half, small]).expect("snapshots of one product");
    inferred(&[acme, own]).expect("snapshots of two products");
}

#[test]
fn a_service_for_code_is_inferred() {
    let text = json!({
        "organization": { "login": "alder", "two_factor_requirement_enabled": true },
        "members": (0..9).map(|at| json!({
            "id": at, "login": format!("m{at}"), "role": (["admin", "member"][at % 2]),
            "created_at": format!("2026-01-0{}T00:00:00Z", at + 1), "email": if at == 3 { Value::Null } else { json!(format!("m{at}@example.com")) },
            "url": format!("https://code.example/users/{at}")
        })).collect::<Vec<_>>(),
        "teams": [{ "id": 1, "slug": "ops", "member_ids": [] }, { "id": 2, "slug": "dev", "parent": "ops" }],
        "repos": {
            "alder/web": { "private": true, "team": "ops", "hooks": [{ "id": 7, "config": { "secret": "q83vEjRWeJCrze8S", "insecure_ssl": "0" } }] },
            "alder/api.v2": { "private": false, "team": "dev", "hooks": [] }
        }
    });
    let schema = inferred(&[&text.to_string()]).expect("it is read");
    expect![[r#"
        namespace Test {
          @open
          entity Role enum ["admin", "member"];
          @path("")
          @key("organization/login")
          entity Organization = {
            organization: {
              login: String,
              two_factor_requirement_enabled: Bool,
            },
          };
          @path("/members/*")
          @key("id")
          entity Member in [Organization] = {
            id: Long,
            login: String,
            role: Role,
            created_at: datetime,
            @as("email")
            email?: String,
            @path("url") @as("url-host")
            url_host: String,
          };
          @path("/teams/*")
          @key("id")
          entity Team in [Organization] = {
            id: Long,
            slug: String,
            parent?: String,
          };
          @path("/repos/*")
          entity Repo in [Organization] = {
            private: Bool,
            team: String,
          };
          @path("/repos/*/hooks/*")
          @key("id")
          entity Hook in [Repo] = {
            id: Long,
            config: {
              @secret
              secret: String,
              insecure_ssl: String,
            },
          };
    "#]]
    .assert_eq(&declarations(&schema));
    assert!(!schema.contains("q83v"), "a secret is not quoted");
}

#[test]
fn directories_and_chats_are_inferred() {
    let directory = json!({
        "users": [{
            "id": "00u1", "status": "ACTIVE", "lastLogin": null,
            "profile": { "login": "mia@example.com", "mobilePhone": null },
            "credentials": { "password": {}, "provider": { "type": "OKTA", "name": "OKTA" } },
            "_links": { "self": { "href": "https://id.example/api/v1/users/00u1" } }
        }, {
            "id": "00u2", "status": "DEPROVISIONED", "lastLogin": "2026-08-01T00:00:00.000Z",
            "profile": { "login": "raj@example.com", "costCenter": "12" },
            "credentials": { "password": {}, "provider": { "type": "OKTA", "name": "OKTA" } },
            "_links": { "self": { "href": "https://id.example/api/v1/users/00u2" } }
        }],
        "policies": [{ "id": "p1", "name": "Default", "conditions": { "network": { "include": ["203.0.113.0/24"] } }, "ttl": "15m" }]
    });
    let chat = json!({
        "team": { "id": "T1", "domain": "alder" },
        "channels": [
            { "id": "C1", "name": "general", "creator": "U1", "topic": { "value": "", "last_set": 0 } },
            { "id": "C2", "name": "random", "creator": "U2", "topic": { "value": "x", "last_set": 1_700_000_000 } }
        ],
        "members": [{ "id": "U1", "is_bot": false, "tz_offset": -25200 }, { "id": "U2", "is_bot": true, "tz_offset": null }],
        "usergroups": { "S0615G0KT": { "handle": "ops", "users": ["U1"] }, "S0615G0KU": { "handle": "dev", "users": [] } },
        "bot_token": "xoxb-0123456789-abcdefghij"
    });
    let cloud = json!({
        "kind": "admin#directory#users", "etag": "\"abc\"",
        "users": [
            { "primaryEmail": "a@example.com", "isAdmin": true, "suspended": false, "emails": [{ "address": "a@example.com", "primary": true }], "orgUnitPath": "/", "aliases": ["x@example.com"] },
            { "primaryEmail": "b@example.com", "isAdmin": false, "suspended": true, "emails": [{ "address": "b@example.com" }, { "address": "c@example.com", "type": "work" }], "orgUnitPath": "/Ops", "recoveryPhone": "+15550100" }
        ],
        "labels": { "env": "prod", "owner": "ops" },
        "quota": 12.5, "limit": "9007199254740993"
    });
    let texts = [directory, chat, cloud].map(|text| declarations(&inferred(&[&text.to_string()]).expect("it is read")));
    expect![[r#"
        namespace Test {
          @path("")
          entity Account;
          @path("/users/*")
          @key("id")
          entity User in [Account] = {
            id: String,
            status: String,
            lastLogin?: datetime,
            profile: {
              @as("email")
              login: String,
              costCenter?: String,
            },
            credentials: {
              provider: {
                type: String,
                name: String,
              },
            },
            _links: {
              self: {
                @path("href") @as("url-host")
                href_host: String,
              },
            },
          };
          @path("/policies/*")
          @key("id")
          entity Policy in [Account] = {
            id: String,
            name: String,
            conditions: {
              network: {
                include: Set<ipaddr>,
              },
            },
            ttl: duration,
          };
        namespace Test {
          @path("")
          @key("team/id")
          entity Team = {
            team: {
              id: String,
              domain: String,
            },
            @secret
            bot_token: String,
          };
          @path("/channels/*")
          @key("id")
          entity Channel in [Team] = {
            id: String,
            name: String,
            creator: String,
            topic: {
              value: String,
              last_set: Long,
            },
          };
          @path("/members/*")
          @key("id")
          entity Member in [Team] = {
            id: String,
            is_bot: Bool,
            tz_offset?: Long,
          };
          @path("/usergroups/*")
          entity Usergroup in [Team] = {
            handle: String,
            users: Set<String>,
          };
        namespace Test {
          @path("")
          @tags("labels")
          entity Account = {
            kind: String,
            etag: String,
            quota: decimal,
            limit: String,
          } tags String;
          @path("/users/*")
          @key("primaryEmail")
          entity User in [Account] = {
            @as("email")
            primaryEmail: String,
            isAdmin: Bool,
            suspended: Bool,
            orgUnitPath: String,
            @as("email")
            aliases?: Set<String>,
            recoveryPhone?: String,
          };
          @path("/users/*/emails/*")
          @key("address")
          entity Email in [User] = {
            @as("email")
            address: String,
            primary?: Bool,
            type?: String,
          };
    "#]]
    .assert_eq(&texts.concat());
}

#[test]
fn mixed_and_malformed_values_are_left_out_with_a_reason() {
    let twice = r#"{"a": 1, "a": 2, "b": [{"id": 1, "id": 2, "c": 3}], "keep": true}"#;
    let odd = json!({
        "mixed": [1, "a"], "nulls": [null], "empty": [], "none": null, "big": 12345678901234567890u64,
        "Name": "x", "name": null, "deep": [[{ "a": 1 }]], "captured_at": ["ghp_0123456789abcdefghij"], "one": { "is": 1 }, "keep": true,
        "token": ["not", 1], "cut, off": [1, {}], "kep": [1, {}]
    });
    let schema = inferred(&[twice, &odd.to_string()]).expect("it is read");
    for (name, reason) in [
        ("a", "an object has it twice"),
        ("mixed", "elements of several kinds: 1 string, 1 number"),
        ("nulls", "only null elements"),
        ("empty", "always an empty list"),
        ("none", "always null"),
        ("big", "numbers that neither Long nor decimal holds"),
        ("Name", "another property has the same name in other writing"),
        ("deep", "lists of objects in lists"),
        ("captured_at", "it looks like a secret, and reports show the time of the capture"),
    ] {
        assert!(schema.contains(&format!("// Left out: `{name}`: {reason}.")), "{name}: {schema}");
    }
    assert!(schema.contains("keep: Bool,") && schema.contains("@ignore(\"kep\")"), "{schema}");
}

#[test]
fn errors_in_place_of_objects_are_not_observed() {
    let text = r#"{
        "users": [{"id": "u1", "mfa": true}, {"error": "rate limited", "code": 429}, {"id": "u2", "mfa": false}],
        "sso": {"state": "on"},
        "keys": [{"id": "k1", "jobs": [{"name": "a", "error": null}, {"name": "b", "error": "late"}]}]
    }"#;
    let failed = r#"{"users": {"error": "forbidden"}, "sso": {"Errors": ["forbidden"]}, "keys": []}"#;
    let schema = inferred(&[text, failed]).expect("it is read");
    expect![[r#"
        namespace Test {
          @path("")
          entity Account = {
            sso: {
              state: String,
            },
          };
          @path("/users/*")
          @key("id")
          entity User in [Account] = {
            id: String,
            mfa: Bool,
          };
          @path("/keys/*")
          @key("id")
          entity Key in [Account] = {
            id: String,
          };
          @path("/keys/*/jobs/*")
          @key("name")
          entity Job in [Key] = {
            name: String,
            error?: String,
          };
    "#]]
    .assert_eq(&declarations(&schema));
    for remark in [
        "// 1 error in place of an instance: not observed.",
        "// 1 error in place of the list: not observed.",
        "// In 1 of 2, not captured in 1 (1 error in its place).",
    ] {
        assert!(schema.contains(remark), "{remark}\n{schema}");
    }
}

#[test]
fn an_error_in_a_map_is_not_observed() {
    let items = r#""i-1001": {"name": "a", "on": true}, "i-1002": {"name": "b", "on": false}"#;
    for error in [r#"{"name": "Forbidden", "code": 403}"#, r#""forbidden""#] {
        let schema = inferred(&[&format!(r#"{{"items": {{{items}, "error": {error}}}}}"#)]).expect("it is read");
        let expected = expect![[r#"
            namespace Test {
              @path("")
              entity Account;
              @path("/items/*")
              entity Item in [Account] = {
                name: String,
                on: Bool,
              };
        "#]];
        expected.assert_eq(&declarations(&schema));
        assert!(schema.contains("// 1 error in place of an instance: not observed."), "{schema}");
    }
}

#[test]
fn an_attribute_with_the_name_of_an_error_is_observed() {
    // The objects are a map from some number of them on.
    let job = |at: usize| (format!("job{at}"), json!({ "started": true, "error": null, "code": at }));
    let jobs: serde_json::Map<String, Value> = (0..600).map(job).collect();
    let schema = inferred(&[&json!({ "jobs": jobs }).to_string()]).expect("it is read");
    assert!(schema.contains("started: Bool") && schema.contains("600 instances in 1 map"), "{schema}");
    let statement: Vec<String> = (0..50_000).map(|at| format!("p{at}")).collect();
    let wide: serde_json::Map<String, Value> = (0..50_000).map(|at| (format!("q{at}"), json!(1))).collect();
    let mut wide = json!({ "wide": wide });
    wide["wide"]["uncaptured"] = json!(statement);
    let started = std::time::Instant::now();
    inferred(&[&wide.to_string()]).ok();
    assert!(started.elapsed().as_secs() < 60);
}

#[test]
fn a_rare_misspelling_of_a_property_is_not_an_attribute() {
    let key = |id: u8, name: &str| format!(r#"{{"id": "k{id}", "{name}": "2026-01-0{id}", "expired": false}}"#);
    let keys = |names: &[&str]| {
        let keys: Vec<String> = (1..).zip(names).map(|(id, name)| key(id, name)).collect();
        format!(r#"{{"keys": [{}]}}"#, keys.join(", "))
    };
    let schema = inferred(&[&keys(&["expires_at", "expires_at", "expire_at", "expires_at"])]).expect("it is read");
    assert!(schema.contains("expires_at?: datetime") && !schema.contains("expire_at?:"), "{schema}");
    assert!(!schema.contains("@ignore"), "{schema}");
    let remark =
        "// Left out: `expire_at`: in 1 of 4, it may be a misspelling of `expires_at`, which no object has next to it.";
    assert!(schema.contains(remark), "{schema}");
    // None is rarer, or an object has both.
    let schema = inferred(&[&keys(&["expires_at", "expire_at"])]).expect("it is read");
    assert!(schema.contains("expires_at?: datetime") && schema.contains("expire_at?: datetime"), "{schema}");
    let both =
        keys(&["expires_at", "expires_at", "expires_at"]).replace("\"k3\"", "\"k3\", \"expire_at\": \"2026-01-01\"");
    let schema = inferred(&[&both]).expect("it is read");
    assert!(schema.contains("expires_at: datetime") && schema.contains("expire_at?: datetime"), "{schema}");
}

#[test]
fn statements_about_uncaptured_properties_are_not_attributes() {
    let schema = inferred(&[r#"{
        "id": "acme",
        "sso": {"state": "?", "since": "2026-01-01", "uncaptured": ["state"]},
        "users": [
            {"id": "u1", "mfa": true, "roles": ["a"]},
            {"id": "u2", "mfa": false, "roles": ["b"]},
            {"id": "u3", "mfa": null, "roles": [], "devices": [], "uncaptured": ["mfa", "roles", "devices"]},
            {"id": "u4", "roles": [], "uncaptured": ["mfa"]},
            {"id": "u5", "roles": [], "mfa": true, "uncaptured": null}
        ]
    }"#])
    .expect("it is read");
    expect![[r#"
        namespace Test {
          @path("")
          @key("id")
          entity Account = {
            id: String,
            @ignore("state")
            sso: {
              since: datetime,
            },
          };
          @path("/users/*")
          @key("id")
          @ignore("devices")
          entity User in [Account] = {
            id: String,
            mfa: Bool,
            roles: Set<String>,
          };
    "#]]
    .assert_eq(&declarations(&schema));
    for remark in [
        "// Left out: `state`: no object has captured it.",
        "// Left out: `uncaptured`: it lists properties that were not captured.",
        "// In 3 of 5, not captured in 2.",
        "// In 4 of 5, not captured in 1.",
    ] {
        assert!(schema.contains(remark), "{remark}\n{schema}");
    }
    // A list of other values is a property as any other.
    let schema = inferred(&[r#"{"id": "acme", "uncaptured": [1, 2]}"#]).expect("it is read");
    assert!(schema.contains("uncaptured: Set<Long>"), "{schema}");
    // A statement about a part of a property is not exact, so the samples are to be corrected.
    let schema =
        inferred(&[r#"{"users": [{"id": "u1", "mfa": {"on": true}}, {"id": "u2", "uncaptured": ["mfa/on"]}]}"#]);
    assert!(schema.is_err_and(|error| error.contains("`uncaptured` names `mfa/on`")), "it has a warning");
}

#[test]
fn names_cannot_leave_their_comments_and_literals() {
    let names = [
        "",
        "a\"b",
        "l\nf",
        "c\r\n};",
        "*/ // x",
        "in",
        "if",
        "is",
        "like",
        "has",
        "true",
        "then",
        "else",
        "type",
        "entity",
        "namespace",
        "action",
        "principal",
        "resource",
        "context",
        "Set",
        "Long",
        "String",
        "Bool",
        "enum",
        "tags",
        "appliesTo",
        "attributes",
        "__proto__",
        "__cedar",
        "__cedar::x",
        "a*b",
        "a/b",
        "~",
        "~1",
        "\u{202e}x",
        "\u{0}",
        "имя",
        "😀",
        " lead",
        "x, y",
        "@path",
        "partial",
        "captured_at",
        "now",
        "\u{2028}",
    ];
    let scalars: serde_json::Map<String, Value> = names.iter().map(|name| ((*name).to_owned(), json!("x"))).collect();
    let lists: serde_json::Map<String, Value> =
        names.iter().map(|name| (format!("{name}s"), json!([{ *name: 1, "id": 1 }, { *name: 2, "id": 2 }]))).collect();
    let left: serde_json::Map<String, Value> = names.iter().map(|name| ((*name).to_owned(), json!([1, "a"]))).collect();
    let nested = json!({ "r": scalars, "l": left, "p": lists });
    let schema = inferred(&[&nested.to_string()]).expect("it is read");
    assert!(schema.lines().all(|line| !line.contains('\u{202e}') && !line.contains('\u{2028}')), "{schema}");
    let around: serde_json::Map<String, Value> =
        names.iter().map(|name| ((*name).to_owned(), json!({ "l": [{ "id": 1 }], "t": { *name: "x" } }))).collect();
    inferred(&[&Value::Object(around).to_string()]).expect("lists in records");
    inferred(&[&Value::Object(scalars).to_string()]).expect("at the root");
    inferred(&[&Value::Object(lists).to_string()]).expect("lists at the root");
}

#[test]
fn references_to_nothing_are_texts() {
    let text =
        r#"{"teams": [{"id": "a"}], "members": [{"id": 1, "team-ids": ["", "a"]}, {"id": 2, "team-ids": ["a"]}]}"#;
    let schema = inferred(&[text]).expect("it is read");
    assert!(schema.contains("team_ids: Set<String>"), "{schema}");
    let schema = inferred(&[&text.replace("\"\", ", "")]).expect("it is read");
    assert!(schema.contains("team_ids: Set<Team>"), "{schema}");
}

#[test]
fn large_and_deep_documents_end() {
    let deep = format!("{}1{}", "{\"a\": [".repeat(200), "]}".repeat(200));
    inferred(&[&deep]).expect("it is read");
    let wide: serde_json::Map<String, Value> = (0..3000).map(|at| (format!("p{at}"), json!(at))).collect();
    inferred(&[&Value::Object(wide).to_string()]).expect("it is read");
    let many: Vec<Value> = (0..2000).map(|at| json!({ "id": at, "name": format!("n{at}"), "same": "x" })).collect();
    let schema = inferred(&[&json!({ "items": many }).to_string()]).expect("it is read");
    assert!(schema.contains("@key(\"id\")"), "{schema}");
}

/// Returns random JSON: objects that resemble each other, with names and texts that have a meaning for the inference.
fn documents() -> impl Strategy<Value = Value> {
    let names = [
        "id",
        "name",
        "Name",
        "na_me",
        "email",
        "status",
        "roles",
        "role",
        "role_id",
        "members",
        "token",
        "key",
        "createdAt",
        "expires",
        "expired",
        "u-1",
        "u-2",
        "a@x.example",
        "",
        "a*b",
        "a/b",
        "x,y",
        "in",
        "partial",
        "tags",
        "url",
        "ttl",
        "ip",
        "captured_at",
        "organization",
        "lastLogin",
        "error",
    ];
    let texts = [
        "",
        "a",
        "A",
        "b",
        "a/b",
        "admin",
        "viewer",
        "2026-09-01",
        "2026-09-01T06:00:00Z",
        "14d",
        "203.0.113.7",
        "::ffff:1.2.3.4",
        "a@x.example",
        "b@xn--a.example",
        "https://x.example/y",
        "12",
        "true",
        "no",
        "/Date(1777406311623)/",
        "P15D",
        "ghp_0123456789abcdefghij",
        "/members",
    ];
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        2 => any::<bool>().prop_map(Value::from),
        3 => prop_oneof![Just(json!(1)), Just(json!(1_777_406_311)), Just(json!(1_777_406_311_623_i64)), Just(json!(2)), Just(json!(0.5)), Just(json!(1e30)), Just(json!(-0.000001))],
        6 => proptest::sample::select(texts.to_vec()).prop_map(Value::from),
    ];
    let inner = leaf.prop_recursive(5, 60, 6, move |inner| {
        let object = proptest::collection::vec((proptest::sample::select(names.to_vec()), inner.clone()), 0..6);
        let object = object
            .prop_map(|members| Value::Object(members.into_iter().map(|(name, it)| (name.to_owned(), it)).collect()));
        prop_oneof![
            1 => proptest::collection::vec(inner, 0..4).prop_map(Value::Array),
            // Elements of one shape, in which some values are missing or another.
            3 => (proptest::collection::vec(object.clone(), 1..4), 1usize..6).prop_map(|(objects, count)| {
                Value::Array(objects.into_iter().cycle().take(count).collect())
            }),
            4 => object,
        ]
    });
    let root = proptest::collection::vec((proptest::sample::select(names.to_vec()), inner), 0..7);
    root.prop_map(|members| Value::Object(members.into_iter().map(|(name, it)| (name.to_owned(), it)).collect()))
}

/// Values as machines write them get readers, and an object in place of a list is its only element.
#[test]
fn values_of_machines_get_readers() {
    let many = json!({ "user": [
        { "id": "u1", "lastLogin": 1_777_406_311, "created": "/Date(1777406311623)/", "locked": "no", "country": "NO",
          "session": "PT8H", "mails": ["a@x.example"], "size": 1_777_406_311 },
        { "id": "u2", "lastLogin": 1_756_684_800, "created": "/Date(1756684800000)/", "locked": "Yes", "country": "NO",
          "session": "P15D", "mails": [], "size": 5 }
    ] });
    let one = json!({ "user": { "id": "u1", "lastLogin": 1_777_406_311, "created": "/Date(1777406311623)/", "locked": "no",
        "country": "NO", "session": "PT8H", "mails": ["B@x.example"], "size": 1 } });
    let texts = [many.to_string(), one.to_string()];
    let schema = inferred(&texts.each_ref().map(String::as_str)).expect("they are read");
    expect![[r#"
        namespace Test {
          @path("")
          entity Account;
          @path("/user/*")
          @key("id")
          @one_or_many
          entity User in [Account] = {
            id: String,
            @as("epoch-seconds")
            lastLogin: datetime,
            @as("json-date")
            created: datetime,
            @as("bool")
            locked: Bool,
            country: String,
            @as("iso-duration")
            session: duration,
            @as("email")
            mails: Set<String>,
            size: Long,
          };
    "#]]
    .assert_eq(&declarations(&schema));
    assert!(schema.contains("1 object in place of a list"), "{schema}");
}

#[test]
fn every_object_has_a_schema_that_reads_it() {
    let wanted = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    let mut config = Config { cases: wanted.unwrap_or(400), failure_persistence: None, ..Config::default() };
    if std::env::var_os("PROPTEST_RNG_SEED").is_none() {
        config.rng_seed = RngSeed::Fixed(1);
    }
    let samples = proptest::collection::vec(documents(), 1..4);
    let outcome = TestRunner::new(config).run(&samples, |samples| {
        let texts: Vec<String> = samples.iter().map(Value::to_string).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        match inferred(&texts) {
            Ok(schema) => {
                prop_assert!(!schema.contains("ghp_"), "a secret is quoted: {schema}");
                Ok(())
            }
            // The property is reserved for a list of pointers, unless it is declared, and some values cannot be.
            Err(problems) if problems.contains("snapshot-partial: ") => Ok(()),
            Err(problems) => Err(TestCaseError::fail(format!("{problems}\n{}", texts.join("\n")))),
        }
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

#[test]
fn the_command_writes_a_new_file_only() {
    let files: [(&str, &[u8]); 2] =
        [("s.json", br#"{"name": "Alder"}"#), ("lines.ndjson", b"{\"a\": 1}\n{\"b\": 2}\n")];
    let folder = folder(&files);
    let run = |arguments: &[&str]| -> Run {
        command(folder.path()).args(arguments).output().expect("the binary is built").into()
    };
    let first = run(&["new", "schema", "--from", "s.json", "--name", "Acme::Forge", "--output", "t.cedarschema"]);
    assert_eq!((first.code, first.stdout.as_str()), (0, ""), "{first:?}");
    let text = std::fs::read_to_string(folder.path().join("t.cedarschema")).expect("it is written");
    assert!(text.contains("namespace Acme::Forge {"), "{text}");
    let again = run(&["new", "schema", "--from", "s.json", "--output", "t.cedarschema"]);
    assert_eq!(again.code, 5, "{again:?}");
    assert!(again.stderr.contains("exists"), "{again:?}");
    assert_eq!(std::fs::read_to_string(folder.path().join("t.cedarschema")).expect("it is there"), text);
    let both = run(&["new", "schema", "--from", "s.json", "lines.ndjson"]);
    assert!(both.code == 0 && both.stdout.contains("a?: Long") && both.stdout.contains("b?: Long"), "{both:?}");
    for (arguments, code) in [
        (&["new"][..], 2),
        (&["new", "schema"], 2),
        (&["new", "schema", "--from", "s.json", "--name", "a b"], 2),
        (&["new", "schema", "--from", "missing.json"], 5),
        (&["new", "schema", "--from", "s.json", "--output", "missing/t.cedarschema"], 5),
    ] {
        let run = run(arguments);
        assert_eq!((run.code, run.stdout.as_str()), (code, ""), "{arguments:?}: {run:?}");
    }
}

#[test]
fn documents_that_are_not_objects_are_errors() {
    for (text, code, help) in [
        ("[1]", "snapshot-root", "put the list into an object"),
        ("7", "snapshot-root", "write an object around the value"),
        ("", "snapshot-empty", "a snapshot is a JSON object"),
        ("{\"password\": \"hunter2", "snapshot-syntax", ""),
    ] {
        let run = deodar(&[("s.json", text.as_bytes())], &["new", "schema", "--from", "s.json"]);
        assert_eq!((run.code, run.stdout.as_str()), (5, ""), "{run:?}");
        assert!(run.stderr.contains(code) && run.stderr.contains(help), "{run:?}");
    }
}

#[test]
fn the_page_about_authoring_can_be_followed() {
    let path = repository().join("docs/authoring.md");
    let page = std::fs::read_to_string(path).expect("it is there").replace("\r\n", "\n");
    let folder = tempfile::tempdir().expect("there is room for scratch files");
    expect_file!["../../docs/authoring.md"].assert_eq(&followed(&page, folder.path(), 3));
}
