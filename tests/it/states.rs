//! States of values and lists: what is known, absent, uncaptured, unreadable or partial, and what follows for verdicts.

use crate::support::{command, folder};
use deodar::diagnostic::DiagnosticLevel;
use deodar::engine::{Binding, Reference, Verdict};
use deodar::policy::Policies;
use deodar::program::Program;
use deodar::schema::Schema;
use deodar::snapshot::{Limits, Snapshot};
use deodar::source::Source;
use std::sync::Arc;

/// The time of every run.
const NOW: i64 = 1_788_220_800_000;

fn source(name: &str, text: &str) -> Arc<Source> {
    Source::new(name, text).expect("a small text")
}

/// Judges a snapshot with both engines: every verdict of every check, in order, and the codes of the errors.
///
/// Where the reference engine decides, it says what the compiled one says.
fn judged(schema: &str, policies: &str, json: &str) -> String {
    let (schema, diagnostics) = Schema::parse(&source("s.cedarschema", schema));
    let schema = schema.unwrap_or_else(|| panic!("{diagnostics:?}"));
    let (policies, diagnostics) = Policies::parse(&schema, &[source("p.cedar", policies)]);
    assert!(policies.checks.iter().all(|check| check.statement.valid), "{diagnostics:?}");
    let (program, _) = Program::lower(&schema.model, &policies, |_| true);
    let (snapshot, diagnostics) =
        Snapshot::read(&source("a.json", json), &schema.model, &program.reads, &Limits::default());
    let snapshot = snapshot.unwrap_or_else(|| panic!("{diagnostics:?}"));
    let binding = Binding::new(&schema.model, &program, &snapshot, NOW, &[]);
    let (evaluator, _) = binding.derive(usize::MAX);
    let judgements = evaluator.judge(&Verdict::ALL);
    let reference = Reference::new(&evaluator, &policies, NOW, &[]).judge().expect("Cedar takes the snapshot");
    for (mine, theirs) in judgements.iter().zip(&reference) {
        for judged in &theirs.judged {
            let found = mine.judged.iter().find(|mine| mine.subject == judged.subject);
            let agrees = judged.verdict == Verdict::Unknown || found == Some(judged);
            assert!(agrees, "the reference engine says {judged:?} of {json}");
        }
    }
    let verdicts = judgements.iter().map(|judgement| {
        let verdicts: Vec<&str> = judgement.judged.iter().map(|judged| judged.verdict.name()).collect();
        format!("{}: {}", policies.checks[judgement.check].statement.id, verdicts.join(" "))
    });
    let mut errors: Vec<&str> =
        diagnostics.iter().filter(|it| it.level == DiagnosticLevel::Error).map(|it| it.code.name()).collect();
    errors.dedup();
    verdicts.chain(errors.into_iter().map(|code| format!("error {code}"))).collect::<Vec<_>>().join("; ")
}

fn check(schema: &str, policies: &str, table: &[(&str, &str)]) {
    for (json, expected) in table {
        assert_eq!(judged(schema, policies, json), *expected, "{json}");
    }
}

#[test]
fn an_invalid_element_may_be_the_instance_that_a_literal_names() {
    let schema = r#"
        @path("") entity Account = { open: Bool };
        @path("/people/*") @key("id") entity Person in [Account] = { id: String, on: Bool };
        action "audit" appliesTo { principal: [Account], resource: [Account] };
    "#;
    let policies = r#"
        @id("ON") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Account)
        unless { resource.open } when { Person::"b".on };
    "#;
    let table = [
        (r#"{"open": true, "people": [{"id": "a", "on": true}, {"id": "b", "on": false}]}"#, "ON: not_applicable"),
        (r#"{"open": true, "people": [{"id": "a", "on": true}, null]}"#, "ON: pass"),
        (r#"{"open": true, "people": [{"id": "a", "on": true}, 7]}"#, "ON: unknown; error snapshot-type"),
    ];
    check(schema, policies, &table);
}

const SSO: &str = r#"
    @path("") entity Account = { @path("sso/enabled") sso: Bool, @path("sso/break_glass") break_glass?: String };
    action "audit" appliesTo { principal: [Account], resource: [Account] };
"#;

#[test]
fn an_optional_value_is_absent_only_in_an_object_that_was_captured() {
    let policies = r#"
        @id("HAS") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Account)
        when { resource has break_glass };
    "#;
    let table = [
        (r#"{"sso": {"enabled": true}}"#, "HAS: pass"),
        (r#"{"sso": {"break_glass": null}}"#, "HAS: pass"),
        (r#"{"sso": {"break_glass": "x"}}"#, "HAS: fail"),
        (r#"{"sso": {}}"#, "HAS: pass"),
        (r#"{}"#, "HAS: unknown"),
        (r#"{"sso": null}"#, "HAS: unknown"),
        (r#"{"sso": 7}"#, "HAS: unknown; error snapshot-type"),
        (r#"{"sso": []}"#, "HAS: unknown; error snapshot-type"),
        (r#"{"sso": {"error": "forbidden"}}"#, "HAS: unknown"),
        (r#"{"sso": {"enabled": true, "provider": "x"}}"#, "HAS: pass"),
        (r#"{"sso": {"enabled": true, "error": null}}"#, "HAS: pass"),
        (r#"{"sso": {"enabled": true, "error": { }}}"#, "HAS: pass"),
        (r#"{"sso": {"enabled": true, "error": null, "errors": ["forbidden"]}}"#, "HAS: unknown"),
        (r#"{"sso": {"enabled": true, "error": "forbidden"}}"#, "HAS: unknown"),
        (r#"{"sso": {"break_glass": null, "enabled": true, "error": "forbidden"}}"#, "HAS: unknown"),
        (r#"{"sso": {"break_glass": 7}}"#, "HAS: unknown; error snapshot-type"),
        (r#"{"sso": {"break_glass": "x", "break_glass": "x"}}"#, "HAS: unknown; error snapshot-duplicate-key"),
        (r#"{"sso": {"break_glass": "x", "Break-Glass": "x"}}"#, "HAS: unknown; error snapshot-duplicate-key"),
        (r#"{"sso": {"enabled": true}, "sso": {"enabled": true}}"#, "HAS: unknown; error snapshot-duplicate-key"),
        (r#"{"sso": {"enabled": true}, "\u0073so": {}}"#, "HAS: unknown; error snapshot-duplicate-key"),
    ];
    check(SSO, policies, &table);
}

#[test]
fn an_error_object_does_not_show_that_optional_values_are_absent() {
    let schema = r#"
        @path("") entity Account = { @path("api/open") open?: Bool, firewall?: { rules?: Long, mode?: String } };
        action "audit" appliesTo { principal: [Account], resource: [Account] };
    "#;
    let policies = r#"
        @id("API") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Account)
        when { resource has open && resource.open };
        @id("WALL") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Account)
        when { resource has firewall.mode && resource.firewall.mode == "off" };
    "#;
    let table = [
        (r#"{"api": {}, "firewall": {}}"#, "API: pass; WALL: pass"),
        (r#"{"api": {"open": true}, "firewall": {"mode": "off"}}"#, "API: fail; WALL: fail"),
        (r#"{"api": {"open": false, "x": 1}, "firewall": {"rules": 1, "x": 1}}"#, "API: pass; WALL: pass"),
        (r#"{"api": {"error": "forbidden"}, "firewall": {"error": "forbidden"}}"#, "API: unknown; WALL: unknown"),
        (r#"{"api": {"getUser": {"enabled": true}}, "firewall": null}"#, "API: pass; WALL: pass"),
        (r#"{"api": {"x": 1, "value": {"open": true}}, "firewall": null}"#, "API: pass; WALL: pass"),
        (
            r#"{"api": {"value": {"open": true}}, "firewall": {"x": {}, "data": {"mode": 1}}}"#,
            "API: unknown; WALL: unknown",
        ),
        (
            r#"{"api": {"Errors": [], "code": 403}, "firewall": {"open": true, "error": null}}"#,
            "API: unknown; WALL: unknown",
        ),
    ];
    check(schema, policies, &table);
}

#[test]
fn a_count_is_that_of_a_list_only() {
    let schema = r#"
        @path("") entity Account = { @as("count") teams: Long, @as("split(\",\"), count") words: Long, @path("teams") @as("length") all: Long };
        action "audit" appliesTo { principal: [Account], resource: [Account] };
    "#;
    let policies = r#"
        @id("TEAMS") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Account)
        unless { resource.teams >= 2 };
        @id("WORDS") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Account)
        unless { resource.words >= 2 };
        @id("ALL") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Account)
        unless { resource.all >= 2 };
    "#;
    let table = [
        (r#"{"teams": ["a", {}], "words": "a,b"}"#, "ALL: pass; TEAMS: pass; WORDS: pass"),
        (r#"{"teams": [], "words": "a,a"}"#, "ALL: fail; TEAMS: fail; WORDS: fail"),
        (r#"{"teams": [1, null], "words": ""}"#, "ALL: unknown; TEAMS: unknown; WORDS: fail"),
        (r#"{"teams": ["a", ""], "words": ""}"#, "ALL: unknown; TEAMS: unknown; WORDS: fail"),
        (r#"{"teams": ["a", " \u200b"], "words": ""}"#, "ALL: unknown; TEAMS: unknown; WORDS: fail"),
        (r#"{"teams": ["a", "b", "\n"], "words": ""}"#, "ALL: pass; TEAMS: pass; WORDS: fail"),
        // An error is not an element, unless it is that of an element with other properties.
        (r#"{"teams": [1, {"error": "forbidden"}], "words": ""}"#, "ALL: unknown; TEAMS: unknown; WORDS: fail"),
        (r#"{"teams": [1, {"code": 403, "Errors": []}], "words": ""}"#, "ALL: unknown; TEAMS: unknown; WORDS: fail"),
        (r#"{"teams": [1, {"id": 2, "error": "late"}], "words": ""}"#, "ALL: pass; TEAMS: pass; WORDS: fail"),
        (r#"{"teams": [1, {"code": 403}], "words": ""}"#, "ALL: pass; TEAMS: pass; WORDS: fail"),
        (r#"{"teams": "none", "words": 7}"#, "ALL: pass; TEAMS: unknown; WORDS: unknown; error snapshot-type"),
        (r#"{"teams": {"a": 1}, "words": "a;b"}"#, "ALL: unknown; TEAMS: unknown; WORDS: fail; error snapshot-type"),
    ];
    check(schema, policies, &table);
}

const HOSTS: &str = r#"
    @path("") entity Org = { @derived bad: Long };
    @path("/sites/*") @key("id") @PAGE entity Site in [Org] = { id: String };
    @path("/sites/*/hosts/*") @key("ip") entity Host in [Site] = { ip: String, open: Bool };
    action "audit" appliesTo { principal: [Org], resource: [Org, Host] };
    action "derive" appliesTo { principal: [Host], resource: [Org] };
"#;

#[test]
fn what_a_list_may_have_more_of_may_have_more_in_it() {
    let policies = r#"
        @id("bad") @derives("bad") permit (principal is Host, action == Action::"derive", resource is Org)
        when { principal in resource && principal.open };
        @id("BAD") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Org)
        unless { resource.bad == 0 };
        @id("HOST") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Host)
        when { resource.open };
    "#;
    let unknown = "BAD: unknown; HOST: unknown";
    let pages = [
        (r#"@total("/sites_total")"#, r#""sites_total": 2,"#, "BAD: unknown; HOST: pass unknown"),
        (r#"@total("/sites_total")"#, r#""sites_total": 1,"#, "BAD: pass; HOST: pass"),
        (r#"@total("/sites_total")"#, "", "BAD: unknown; HOST: pass unknown"),
        (r#"@more("/next")"#, r#""next": "x","#, "BAD: unknown; HOST: pass unknown"),
        (r#"@more("/next")"#, r#""next": null,"#, "BAD: pass; HOST: pass"),
        (r#"@more("/page/next")"#, r#""page": {"next": null},"#, "BAD: pass; HOST: pass"),
        (r#"@more("/page/next")"#, r#""page": {},"#, "BAD: pass; HOST: pass"),
        (r#"@more("/page/next")"#, r#""page": {"next": null, "errors": [], "size": 5},"#, "BAD: pass; HOST: pass"),
        (r#"@more("/page/next")"#, r#""page": {"error": "forbidden"},"#, "BAD: unknown; HOST: pass unknown"),
        (r#"@more("/page/next")"#, r#""page": {"error": null},"#, "BAD: unknown; HOST: pass unknown"),
        (r#"@more("/page/next")"#, r#""page": {"next": null, "errors": [7]},"#, "BAD: unknown; HOST: pass unknown"),
        (r#"@more("/next")"#, r#""error": "rate limit exceeded","#, "BAD: unknown; HOST: pass unknown"),
        (r#"@more("/next")"#, r#""error": null, "next": false,"#, "BAD: pass; HOST: pass"),
        (r#"@more("/next")"#, r#""next": 0,"#, "BAD: unknown; HOST: pass unknown"),
        (r#"@more("/next")"#, r#""next": [ ],"#, "BAD: pass; HOST: pass"),
        (r#"@more("/page/next")"#, r#""page": [],"#, "BAD: unknown; HOST: pass unknown"),
        (r#"@more("/page/next")"#, r#""page": null,"#, "BAD: unknown; HOST: pass unknown"),
        (r#"@more("/page/next")"#, r#""page": "","#, "BAD: unknown; HOST: pass unknown"),
        (r#"@expect("a, b")"#, "", "BAD: unknown; HOST: pass unknown"),
        (r#"@expect("a")"#, "", "BAD: pass; HOST: pass"),
    ];
    for (page, stated, expected) in pages {
        let document = format!(r#"{{{stated} "sites": [{{"id": "a", "hosts": [{{"ip": "1", "open": false}}]}}]}}"#);
        check(&HOSTS.replace("@PAGE", page), policies, &[(&document, expected)]);
    }
    let page = HOSTS.replace("@PAGE", r#"@total("/n")"#);
    for partial in [
        r#""partial": ["/site"]"#,
        r#""partial": null, "partial": ["/sites"]"#,
        r#""partial": ["/sites"], "partial": null"#,
        r#""partial": [], "partail": ["/sites"]"#,
    ] {
        let document = format!(r#"{{"n": 0, "sites": [], {partial}}}"#);
        check(&page, policies, &[(&document, &format!("{unknown}; error snapshot-partial"))]);
    }
}

#[test]
fn a_list_in_an_error_object_is_not_empty() {
    let schema = r#"
        @path("") entity Account = { @derived keys: Long, @path("net/key") key?: String };
        @path("/net/keys/*") @key("id") @missing("[]") entity Key in [Account] = { id: String };
        action "audit" appliesTo { principal: [Account], resource: [Account] };
        action "derive" appliesTo { principal: [Key], resource: [Account] };
    "#;
    let policies = r#"
        @id("keys") @derives("keys") permit (principal is Key, action == Action::"derive", resource is Account)
        when { principal in resource };
        @id("KEYS") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Account)
        when { resource.keys > 0 };
    "#;
    let table = [
        (r#"{"net": {}}"#, "KEYS: pass"),
        (r#"{"net": {"keys": [], "x": 1}}"#, "KEYS: pass"),
        // The schema declares `key`, so it is not a misspelling of the list.
        (r#"{"net": {"key": "x"}}"#, "KEYS: pass"),
        (r#"{"net": {"kesy": []}}"#, "KEYS: unknown"),
        (r#"{"net": {"error": "forbidden"}}"#, "KEYS: unknown"),
        (r#"{"net": {"error": "forbidden", "uncaptured": []}}"#, "KEYS: unknown"),
        (r#"{"net": {"keys": null}}"#, "KEYS: unknown"),
        (r#"{"net": null}"#, "KEYS: unknown"),
    ];
    check(schema, policies, &table);
}

#[test]
fn a_list_or_group_in_an_instance_that_is_an_error_is_not_empty() {
    let schema = r#"
        @path("") entity Account = { @derived keys: Long };
        @path("/net") entity Net in [Account] = { @path("key") key?: String };
        @path("/net/PATH") KEY @missing("[]") entity Key in [Net] = { id: String };
        action "audit" appliesTo { principal: [Account], resource: [Account] };
        action "derive" appliesTo { principal: [Key], resource: [Account] };
    "#;
    let policies = r#"
        @id("keys") @derives("keys") permit (principal is Key, action == Action::"derive", resource is Account)
        when { principal in resource };
        @id("KEYS") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Account)
        when { resource.keys > 0 };
    "#;
    let table = [
        (r#"{"net": {"key": "x"}}"#, "KEYS: pass"),
        (r#"{"net": {"other": "x"}}"#, "KEYS: pass"),
        (r#"{"net": {"error": "forbidden"}}"#, "KEYS: unknown"),
        (r#"{"net": {"error": null, "key": "x"}}"#, "KEYS: pass"),
        (r#"{"net": {"error": "forbidden", "key": "x"}}"#, "KEYS: unknown"),
    ];
    check(&schema.replace("PATH", "keys/*").replace("KEY", r#"@key("id")"#), policies, &table);
    check(&schema.replace("PATH", "{1,2}_*").replace("KEY", ""), policies, &table);
}

/// An answer of an API with `null` and an error states nothing about the values.
#[test]
fn null_next_to_an_error_is_uncaptured() {
    let schema = r#"
        @path("") IGNORE entity Account = {
            @null("false") open: Bool, mark?: String, wall?: { mode?: String }, @null("{\"on\": true}") sso: { on: Bool },
            @derived keys: Long,
        };
        @path("/keys/*") @key("id") @null("[]") entity Key in [Account] = { id: String };
        action "audit" appliesTo { principal: [Account], resource: [Account] };
        action "derive" appliesTo { principal: [Key], resource: [Account] };
    "#;
    let policies = r#"
        @id("keys") @derives("keys") permit (principal is Key, action == Action::"derive", resource is Account)
        when { principal in resource };
        @id("K") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Account)
        when { resource.keys > 0 };
        @id("O") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Account)
        when { resource.open };
        @id("M") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Account)
        when { resource has mark };
        @id("W") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Account)
        when { resource has wall.mode };
        @id("S") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Account)
        unless { resource.sso.on };
    "#;
    let known = "K: pass; M: pass; O: pass; S: pass; W: pass";
    let unknown = "K: unknown; M: unknown; O: unknown; S: unknown; W: unknown";
    let of = |rest: &str| format!(r#"{{"open": null, "mark": null, "wall": null, "sso": null, "keys": null{rest}}}"#);
    let ignoring = schema.replace("IGNORE", r#"@ignore("error")"#);
    let schema = schema.replace("IGNORE", "");
    check(
        &schema,
        policies,
        &[(&of(""), known), (&of(r#", "error": null"#), known), (&of(r#", "error": 403"#), unknown)],
    );
    check(
        &schema,
        policies,
        &[(r#"{"errors": [{"code": 403}], "keys": []}"#, &unknown.replace("K: unknown", "K: pass"))],
    );
    check(&ignoring, policies, &[(&of(r#", "error": "forbidden""#), known)]);
}

/// An element `{}` shows that there is an instance, and nothing about it.
#[test]
fn an_empty_element_is_an_instance_without_captured_values() {
    let schema = r#"
        @path("") entity Account = {};
        @path("/devices/*") @ignore("kind") entity Device in [Account] = {
            @enclosing owner: Account, mark?: String, wall?: { mode?: String }, @missing("false") open: Bool, @derived keys: Long,
        };
        @path("/devices/*/PATH") KEY @missing("[]") entity Key in [Device] = { id: String };
        action "audit" appliesTo { principal: [Account], resource: [Device] };
        action "derive" appliesTo { principal: [Key], resource: [Device] };
    "#;
    let policies = r#"
        @id("keys") @derives("keys") permit (principal is Key, action == Action::"derive", resource is Device)
        when { principal in resource };
        @id("A") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Device)
        when { resource has mark };
        @id("B") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Device)
        when { resource has wall };
        @id("C") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Device)
        when { resource.open };
        @id("D") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Device)
        when { resource.keys > 0 };
        @id("E") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Device)
        unless { resource.owner == Account::"" };
    "#;
    let table = [
        (r#"{"devices": [{}]}"#, "A: unknown; B: unknown; C: unknown; D: unknown; E: pass"),
        (
            r#"{"devices": [{ }, {"mark": "x"}]}"#,
            "A: unknown fail; B: unknown pass; C: unknown pass; D: unknown pass; E: pass pass",
        ),
        (r#"{"devices": [{"open": true, "wall": {}}]}"#, "A: pass; B: fail; C: fail; D: pass; E: pass"),
        (r#"{"devices": {}}"#, "A: ; B: ; C: ; D: ; E: "),
    ];
    check(&schema.replace("PATH", "keys/*").replace("KEY", r#"@key("id")"#), policies, &table);
    check(&schema.replace("PATH", "{1,2}_*").replace("KEY", ""), policies, &table);
}

/// A misspelling, and a type whose undeclared properties are errors, do not make an error the declared object.
#[test]
fn an_error_object_with_a_misspelling_decides_nothing() {
    let schema = r#"
        CLOSED @path("") entity Account = { sso?: { enabled?: Bool, exempt?: String, level: Long } };
        action "audit" appliesTo { principal: [Account], resource: [Account] };
    "#;
    let policies = r#"
        @id("HAS") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Account)
        when { resource has sso.exempt };
    "#;
    let table = [
        (r#"{"sso": {"error": "forbidden"}}"#, "HAS: unknown"),
        (r#"{"sso": {"error": "forbidden", "enabld": true}}"#, "HAS: unknown"),
        (r#"{"sso": {"lvl": 3, "x": 3}}"#, "HAS: unknown"),
        // The object is the declared one, with a slip.
        (r#"{"sso": {"levle": 3}}"#, "HAS: pass"),
        (r#"{"sso": {"level": 3}}"#, "HAS: pass"),
    ];
    check(&schema.replace("CLOSED", ""), policies, &table);
    let closed = table.map(|(snapshot, verdicts)| match snapshot.contains("\"level\"") {
        true => (snapshot, verdicts.to_owned()),
        false => (snapshot, format!("{verdicts}; error snapshot-property")),
    });
    let closed: Vec<(&str, &str)> = closed.iter().map(|(snapshot, verdicts)| (*snapshot, verdicts.as_str())).collect();
    check(&schema.replace("CLOSED", "@closed"), policies, &closed);
}

#[test]
fn an_optional_member_of_a_record_in_a_set_is_absent_only_in_a_declared_record() {
    let schema = r#"
        type Grant = { scope?: String, level?: String };
        @path("") entity Account = { grants: Set<Grant>, banned: Grant };
        action "audit" appliesTo { principal: [Account], resource: [Account] };
    "#;
    let policies = r#"
        @id("SET") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Account)
        when { resource.grants.contains(resource.banned) };
    "#;
    let of = |grant: &str| format!(r#"{{"banned": {{"scope": "admin"}}, "grants": [{grant}]}}"#);
    for (grant, expected) in [
        (r#"{"scope": "admin"}"#, "SET: fail"),
        (r#"{"level": "x"}"#, "SET: pass"),
        (r#"{}"#, "SET: pass"),
        (r#"{"other": 1}"#, "SET: pass"),
        (r#"{"scop": "admin"}"#, "SET: unknown"),
        (r#"{"scopes": "admin", "level": "x"}"#, "SET: unknown"),
        (r#"{"error": "forbidden"}"#, "SET: unknown"),
        (r#"{"Scope": "admin"}"#, "SET: unknown; error snapshot-property"),
        // The record has the property, so the other one is another word.
        (r#"{"scope": "a", "scop": "admin"}"#, "SET: pass"),
        (r#"{"level": "x", "error": "forbidden"}"#, "SET: unknown"),
        (r#"{"level": "x", "error": [ ]}"#, "SET: pass"),
        (r#"{"level": "x", "scope": null}"#, "SET: pass"),
        (r#"{"level": "x", "scope": null, "error": "forbidden"}"#, "SET: unknown"),
    ] {
        check(schema, policies, &[(&of(grant), expected)]);
    }
}

#[test]
fn a_reference_that_may_be_misspelt_decides_nothing() {
    let schema = r#"
        @path("") entity Account;
        @path("/roles/*") @key("id") entity Role in [Account] = { id: String, @derived holders: Long };
        @path("/people/*") @key("id") entity Person in [Account] = { id: String, role: Role, @path("others") roles: Set<Role> };
        action "audit" appliesTo { principal: [Account], resource: [Role, Person] };
        action "derive" appliesTo { principal: [Person], resource: [Role] };
    "#;
    let policies = r#"
        @id("holders") @derives("holders") permit (principal is Person, action == Action::"derive", resource is Role)
        when { principal.role == resource };
        @id("HELD") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Role)
        when { resource.holders >= 1 };
        @id("OTHER") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Person)
        when { resource.roles.contains(Role::"campaign-lead") };
    "#;
    let people = |role: &str, other: &str| {
        format!(
            r#"{{"roles": [{{"id": "campaign-lead"}}],
            "people": [{{"id": "ann", "role": "{role}", "others": ["{other}"]}}]}}"#
        )
    };
    let wrong = "HELD: unknown; OTHER: unknown; error snapshot-reference";
    let documents = [
        (people("campaign-lead", "campaign-lead"), "HELD: fail; OTHER: fail"),
        (people("CAMPAIGN-LEAD", "Campaign-Lead"), wrong),
        (people(" campaign-lead", "campaign-lead\u{a0}"), wrong),
        (people("campaign_laed", "campain-lead"), wrong),
        (people("zz", "zz"), "HELD: pass; OTHER: pass; error snapshot-reference"),
    ];
    let table: Vec<(&str, &str)> =
        documents.iter().map(|(document, expected)| (document.as_str(), *expected)).collect();
    check(schema, policies, &table);
}

#[test]
fn below_an_absent_record_nothing_exists_and_below_an_unknown_one_nothing_is_known() {
    let schema = r#"
        @path("") entity Account = {
            box?: { inner?: { word?: String, n: Long } },
            @path("box/deep/x") crossing?: String,
        };
        action "audit" appliesTo { principal: [Account], resource: [Account] };
    "#;
    let policies = r#"
        @id("BOX") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Account)
        when { resource has box.inner.word };
        @id("CROSS") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Account)
        when { resource has crossing };
    "#;
    let table = [
        (r#"{}"#, "BOX: pass; CROSS: pass"),
        (r#"{"box": null}"#, "BOX: pass; CROSS: pass"),
        (r#"{"box": 1}"#, "BOX: unknown; CROSS: unknown; error snapshot-type"),
        (r#"{"box": {}}"#, "BOX: pass; CROSS: unknown"),
        (r#"{"box": {"inner": null, "deep": {}}}"#, "BOX: pass; CROSS: pass"),
        (r#"{"box": {"inner": {}, "deep": null}}"#, "BOX: pass; CROSS: unknown"),
        (r#"{"box": {"inner": [], "deep": {"x": "y"}}}"#, "BOX: unknown; CROSS: fail; error snapshot-type"),
        (r#"{"box": {"inner": {"word": {}}, "deep": 1}}"#, "BOX: unknown; CROSS: unknown; error snapshot-type"),
    ];
    check(schema, policies, &table);
}

#[test]
fn a_length_that_is_given_twice_is_unreadable() {
    let schema = r#"
        @path("") entity Account = { @as("length") logs: Long };
        action "audit" appliesTo { principal: [Account], resource: [Account] };
    "#;
    let policies = r#"
        @id("LOGS") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Account)
        when { resource.logs > 0 };
    "#;
    let table = [
        (r#"{"logs": []}"#, "LOGS: pass"),
        (r#"{"logs": [1], "logs": []}"#, "LOGS: unknown; error snapshot-duplicate-key"),
        (r#"{"logs": [], "logs": [1]}"#, "LOGS: unknown; error snapshot-duplicate-key"),
        (r#"{"Logs": [1], "logs": []}"#, "LOGS: unknown; error snapshot-duplicate-key"),
        (r#"{"logs": [], "logs": "x"}"#, "LOGS: unknown; error snapshot-duplicate-key"),
        (r#"{"logs": {"error": "x"}}"#, "LOGS: unknown; error snapshot-type"),
    ];
    check(schema, policies, &table);
}

const KEYS: &str = r#"
    @path("") entity Account = { @derived keys: Long };
    @path("/page/keys/*") @key("id") entity Key in [Account] = { active?: Bool };
    action "audit" appliesTo { principal: [Account], resource: [Account, Key] };
    action "derive" appliesTo { principal: [Key], resource: [Account] };
"#;

const COUNTS: &str = r#"
    @id("keys") @derives("keys") permit (principal is Key, action == Action::"derive", resource is Account)
    when { principal in resource };
    @id("MANY") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Account)
    unless { resource.keys <= 1 };
    @id("NONE") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Account)
    unless { resource.keys >= 1 };
"#;

#[test]
fn a_list_is_a_list_or_a_map_of_instances_and_otherwise_uncaptured() {
    let table = [
        (r#"[]"#, "MANY: pass; NONE: fail"),
        (r#"{}"#, "MANY: pass; NONE: fail"),
        (r#"[{"id": "a"}, {"id": "b"}]"#, "MANY: fail; NONE: pass"),
        (r#"{"x": {"id": "a"}, "y": {"id": "b"}}"#, "MANY: fail; NONE: pass"),
        (r#"null"#, "MANY: unknown; NONE: unknown"),
        (r#"7"#, "MANY: unknown; NONE: unknown; error snapshot-type"),
        (r#"{"error": "forbidden"}"#, "MANY: unknown; NONE: unknown; error snapshot-type"),
        (r#"{"items": [], "total": 0}"#, "MANY: unknown; NONE: unknown; error snapshot-type"),
        (r#"{"x": {"id": "a"}, "y": {"active": true}}"#, "MANY: unknown; NONE: unknown; error snapshot-type"),
        (r#"{"x": {"id": "a"}, "y": null}"#, "MANY: unknown; NONE: pass"),
        (r#"{"error": {"id": "a", "code": 403}}"#, "MANY: unknown; NONE: unknown; error snapshot-type"),
        (r#"{"Errors": null}"#, "MANY: unknown; NONE: unknown; error snapshot-type"),
        (r#"{"x": {"id": "a"}, "error": {"id": "b"}}"#, "MANY: unknown; NONE: pass"),
        (r#"{"errors": ["forbidden"], "x": {"id": "a"}}"#, "MANY: unknown; NONE: pass"),
        (r#"{"x": {"id": "a"}, "error": null, "errors": []}"#, "MANY: pass; NONE: pass"),
        (r#"{"x": {"id": "a"}, "y": {"id": "b"}, "error": 1}"#, "MANY: fail; NONE: pass"),
        (r#"{"x": {"id": "a"}, "y": 7, "error": 1}"#, "MANY: unknown; NONE: unknown; error snapshot-type"),
        (r#"[1, 2]"#, "MANY: unknown; NONE: unknown; error snapshot-type"),
        (r#"[[{"id": "a"}, {"id": "b"}]]"#, "MANY: unknown; NONE: unknown; error snapshot-type"),
        (r#"[{"id": "a"}, 7]"#, "MANY: unknown; NONE: pass; error snapshot-type"),
        (r#"[{"id": "a"}, null]"#, "MANY: unknown; NONE: pass"),
        (r#"[{}]"#, "MANY: unknown; NONE: unknown; error snapshot-type"),
        (r#"[{"error": "forbidden"}]"#, "MANY: unknown; NONE: unknown; error snapshot-type"),
        (r#"[{"id": "a"}, {"items": [], "total": 0}]"#, "MANY: unknown; NONE: pass; error snapshot-type"),
        (r#"[{"id": "a"}, {"id": "b"}, 7]"#, "MANY: fail; NONE: pass; error snapshot-type"),
        (r#"[{"id": "a"}, {"id": "a"}]"#, "MANY: unknown; NONE: pass; error snapshot-duplicate-id"),
        (r#"[{"id": "a"}, {"id": "a"}, {"id": "b"}]"#, "MANY: fail; NONE: pass; error snapshot-duplicate-id"),
        (r#"{"x": {"id": "a"}, "x": {"id": "b"}}"#, "MANY: unknown; NONE: pass; error snapshot-duplicate-key"),
        (r#"[{"id": null}, {"active": true}]"#, "MANY: fail; NONE: pass; error snapshot-key"),
        (r#"[{"id": "a", "id": "a"}]"#, "MANY: pass; NONE: pass; error snapshot-duplicate-key"),
    ];
    for (keys, expected) in table {
        let json = format!(r#"{{"page": {{"keys": {keys}}}}}"#);
        assert_eq!(judged(KEYS, COUNTS, &json), expected, "{json}");
    }
    let table = [
        (r#"{"page": {"keys": [], "keys": []}}"#, "MANY: unknown; NONE: unknown; error snapshot-duplicate-key"),
        (r#"{"page": {"keys": [{"id": "a"}], "Keys": []}}"#, "MANY: unknown; NONE: unknown"),
        (
            r#"{"page": {"keys": [{"id": "a"}]}, "page": {}}"#,
            "MANY: unknown; NONE: unknown; error snapshot-duplicate-key",
        ),
        (r#"{"page": {}}"#, "MANY: unknown; NONE: unknown"),
        (r#"{"page": []}"#, "MANY: unknown; NONE: unknown; error snapshot-type"),
    ];
    for (json, expected) in table {
        let said = judged(KEYS, COUNTS, json);
        assert!(said.starts_with(expected), "{said} of {json}");
    }
    let twice = judged(KEYS, COUNTS, r#"{"page": {"keys": [{"id": "a"}], "Keys": []}}"#);
    assert!(twice.contains("error snapshot-duplicate-key"), "{twice}");
}

#[test]
fn every_output_names_the_missing_total_of_a_list() {
    let schema = KEYS.replace("@key(\"id\")", "@key(\"id\") @total(\"/page/info/total\")");
    let reason = |property: &str| format!("may have been captured in part, because `{property}` is missing");
    for (info, property) in [(r#", "info": {"size": 10}"#, "total"), ("", "info")] {
        let snapshot = format!(r#"{{"page": {{"keys": [{{"id": "a"}}]{info}}}}}"#);
        let files = [("s.cedarschema", &*schema), ("p.cedar", COUNTS), ("a.json", &snapshot)];
        let at = folder(&files.map(|(name, text)| (name, text.as_bytes())));
        let check = |arguments: &[&str]| {
            let run =
                ["check", "a.json", "--schema", "s.cedarschema", "--policies", "p.cedar", "--now", crate::support::NOW];
            let run = command(at.path())
                .args(run)
                .args(arguments)
                .env("COLUMNS", "200")
                .output()
                .expect("the binary is built");
            assert_eq!(run.status.code(), Some(4), "{run:?}");
            String::from_utf8(run.stdout).expect("UTF-8")
        };
        let here = format!("`keys` {} here, and keys counts it", reason(property));
        let full = check(&["--style", "full"]);
        assert!(full.contains(&here), "{full}");
        for format in ["json", "ndjson", "csv", "junit", "sarif", "github", "gitlab", "ocsf"] {
            let found = check(&["--format", format]);
            assert!(found.contains(&reason(property)), "{format}: {found}");
        }
        for arguments in [&["--style", "concise"][..], &["--format", "markdown"], &["--format", "html"]] {
            let found = check(arguments).replace("<code>", "`").replace("</code>", "`");
            assert!(found.contains(&format!("`{property}` is missing")), "{arguments:?}: {found}");
        }
        check(&["--output", "json=saved.json"]);
        let saved = command(at.path())
            .args(["render", "saved.json", "--output", "text"])
            .env("COLUMNS", "200")
            .output()
            .expect("the binary is built");
        let saved = String::from_utf8(saved.stdout).expect("UTF-8");
        assert!(saved.contains(&here), "{saved}");
        let json: serde_json::Value = serde_json::from_str(&check(&["--format", "json"])).expect("JSON");
        let list = &json["findings"][0]["clauses"][0]["reads"][0]["derived_from"]["uncaptured"][0];
        assert_eq!((&list["state"], &list["lacks"]), (&"partial".into(), &property.into()), "{json}");
        let object = usize::try_from(list["span"]["start"]["offset"].as_u64().expect("an offset")).expect("a place");
        assert!(snapshot[object..].starts_with(if info.is_empty() { r#"{"keys""# } else { r#"{"size""# }), "{json}");
    }
}

#[test]
fn a_list_may_say_how_much_of_it_was_captured() {
    let schema = |note: &str| KEYS.replace("@key(\"id\")", &format!("@key(\"id\") {note}"));
    let total = schema(r#"@total("/page/total")"#);
    let table = [
        (r#"{"page": {"keys": [{"id": "a"}], "total": 1}}"#, "MANY: pass; NONE: pass"),
        (r#"{"page": {"keys": [{"id": "a"}], "total": 2}}"#, "MANY: unknown; NONE: pass"),
        (r#"{"page": {"keys": [{"id": "a"}], "total": 1, "uncaptured": ["total"]}}"#, "MANY: unknown; NONE: pass"),
        (
            r#"{"page": {"keys": [{"id": "a"}], "total": 1}, "uncaptured": ["page/total"]}"#,
            "MANY: unknown; NONE: unknown",
        ),
        (r#"{"page": {"keys": [], "total": 0}}"#, "MANY: pass; NONE: fail"),
        (r#"{"page": {"keys": [], "total": 1}}"#, "MANY: pass; NONE: unknown"),
        (r#"{"page": {"keys": null, "total": 1}}"#, "MANY: pass; NONE: unknown"),
        (r#"{"page": {"keys": [{"id": "a"}], "total": 0}}"#, "MANY: unknown; NONE: pass; error snapshot-total"),
        (r#"{"page": {"keys": [{"id": "a"}], "total": "1"}}"#, "MANY: unknown; NONE: pass; error snapshot-total"),
        (
            r#"{"page": {"keys": [{"id": "a"}], "total": 1, "total": 1}}"#,
            "MANY: unknown; NONE: pass; error snapshot-duplicate-key",
        ),
        (
            r#"{"page": {"keys": [{"id": "a"}], "Total": 1, "total": 1}}"#,
            "MANY: unknown; NONE: pass; error snapshot-duplicate-key",
        ),
        (r#"{"page": {"keys": [{"id": "a"}]}}"#, "MANY: unknown; NONE: pass"),
    ];
    check(&total, COUNTS, &table);
    let each = r#"@id("EACH") @title("t") @severity("low")
        forbid (principal, action == Action::"audit", resource is Key) when { resource has active && resource.active };"#;
    let table = [
        (r#"{"page": {"keys": [{"id": "a"}, {"id": "b"}], "total": 2}}"#, "EACH: pass pass"),
        (r#"{"page": {"keys": [{"id": "a"}, {"id": "A"}], "total": 2}}"#, "EACH: pass pass"),
        // One of the two may be a copy, so the list may lack an instance.
        (r#"{"page": {"keys": [{"id": "a"}, {"id": "a "}], "total": 2}}"#, "EACH: pass pass unknown"),
    ];
    check(&total, each, &table);
    let more = schema(r#"@more("/next")"#);
    let table = [
        (r#"{"page": {"keys": [{"id": "a"}]}}"#, "MANY: pass; NONE: pass"),
        (r#"{"page": {"keys": [{"id": "a"}]}, "next": null}"#, "MANY: pass; NONE: pass"),
        (r#"{"page": {"keys": [{"id": "a"}]}, "next": false}"#, "MANY: pass; NONE: pass"),
        (r#"{"page": {"keys": [{"id": "a"}]}, "next": ""}"#, "MANY: pass; NONE: pass"),
        (r#"{"page": {"keys": [{"id": "a"}]}, "next": "x"}"#, "MANY: unknown; NONE: pass"),
        (r#"{"page": {"keys": [{"id": "a"}]}, "next": true}"#, "MANY: unknown; NONE: pass"),
        (r#"{"page": {"keys": [{"id": "a"}]}, "Next": "x"}"#, "MANY: unknown; NONE: pass"),
        (r#"{"page": {"keys": [{"id": "a"}]}, "nxet": "x"}"#, "MANY: unknown; NONE: pass"),
        (
            r#"{"page": {"keys": [{"id": "a"}]}, "next": null, "next": null}"#,
            "MANY: unknown; NONE: pass; error snapshot-duplicate-key",
        ),
        (
            r#"{"page": {"keys": [{"id": "a"}]}, "next": null, "Next": "x"}"#,
            "MANY: unknown; NONE: pass; error snapshot-duplicate-key",
        ),
    ];
    check(&more, COUNTS, &table);
    // A property that the schema knows is not a misspelling of the marker.
    let known = more.replace("@path(\"\")", "@ignore(\"nexts\") @path(\"\")");
    assert_ne!(known, more);
    let table = [
        (r#"{"page": {"keys": [{"id": "a"}]}, "nexts": "x"}"#, "MANY: pass; NONE: pass"),
        (r#"{"page": {"keys": [{"id": "a"}]}, "nxet": "x"}"#, "MANY: unknown; NONE: pass"),
    ];
    check(&known, COUNTS, &table);
    let both = schema(r#"@total("/page/total") @more("/next")"#);
    let table = [
        (r#"{"page": {"keys": [{"id": "a"}], "total": 1}, "next": null}"#, "MANY: pass; NONE: pass"),
        (r#"{"page": {"keys": [{"id": "a"}], "total": 1}, "next": "x"}"#, "MANY: unknown; NONE: pass"),
        (r#"{"page": {"keys": [], "total": 1}, "next": "x"}"#, "MANY: pass; NONE: unknown"),
    ];
    check(&both, COUNTS, &table);
    let table = [
        (r#"{"page": {"keys": [{"id": "a"}]}, "partial": []}"#, "MANY: pass; NONE: pass"),
        (r#"{"page": {"keys": [{"id": "a"}]}, "partial": null}"#, "MANY: pass; NONE: pass"),
        (r#"{"page": {"keys": [{"id": "a"}]}, "partial": ["/page/keys"]}"#, "MANY: unknown; NONE: pass"),
        (
            r#"{"page": {"keys": [{"id": "a"}]}, "partial": ["/page/kees"]}"#,
            "MANY: unknown; NONE: pass; error snapshot-partial",
        ),
        (
            r#"{"page": {"keys": [{"id": "a"}]}, "partial": "/page/keys"}"#,
            "MANY: unknown; NONE: pass; error snapshot-partial",
        ),
        (r#"{"page": {"keys": [{"id": "a"}]}, "partial": [7]}"#, "MANY: unknown; NONE: pass; error snapshot-partial"),
        (r#"{"page": {"keys": [{"id": "a"}]}, "Partial": []}"#, "MANY: unknown; NONE: pass; error snapshot-partial"),
        (r#"{"page": {"keys": [{"id": "a"}]}, "partail": []}"#, "MANY: unknown; NONE: pass; error snapshot-partial"),
        (r#"{"page": {"keys": [{"id": "a"}]}, "partner": []}"#, "MANY: pass; NONE: pass"),
    ];
    check(KEYS, COUNTS, &table);
}

#[test]
fn partial_lists_of_nested_instances_are_found_by_their_pointers() {
    let schema = r#"
        @path("") entity Account;
        @path("/teams/*") @key("id") entity Team in [Account] = { @derived size: Long };
        @path("/teams/*/members/*") @key("id") entity Member in [Team];
        action "audit" appliesTo { principal: [Account], resource: [Team] };
        action "derive" appliesTo { principal: [Member], resource: [Team] };
    "#;
    let policies = r#"
        @id("size") @derives("size") permit (principal is Member, action == Action::"derive", resource is Team)
        when { principal in resource };
        @id("ONE") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Team)
        unless { resource.size <= 1 };
    "#;
    let teams = r#""teams": [{"id": "a", "members": [{"id": "x"}]}, {"id": "b", "members": []}]"#;
    let table = [
        (format!("{{{teams}}}"), "ONE: pass pass"),
        (format!(r#"{{{teams}, "partial": ["/teams/1/members"]}}"#), "ONE: pass unknown"),
        (format!(r#"{{{teams}, "partial": ["/teams/0/members", "/teams/1/members"]}}"#), "ONE: unknown unknown"),
        (format!(r#"{{{teams}, "partial": ["/teams"]}}"#), "ONE: pass pass unknown"),
    ];
    for (json, expected) in table {
        assert_eq!(judged(schema, policies, &json), expected, "{json}");
    }
}

#[test]
fn defaults_replace_null_and_missing_values() {
    let schema = r#"
        @path("") entity Account = {
            @missing("false") a: Bool,
            @null("true") b: Bool,
            @null("unknown") c?: Bool,
            @missing("\"14d\"") d: duration,
            @missing("[\"x\"]") e: Set<String>,
            @missing("{\"f\": true}") r: { f: Bool, g?: Long },
            @missing("3") n: Long,
        };
        action "audit" appliesTo { principal: [Account], resource: [Account] };
    "#;
    let policies = r#"
        @id("A") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource) when { resource.a };
        @id("B") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource) when { resource.b };
        @id("C") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource) when { resource has c };
        @id("D") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource)
        when { resource.d > duration("10d") && resource.e.contains("x") && resource.n == 3 };
        @id("E") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource)
        when { resource.r.f && !(resource.r has g) };
    "#;
    let table = [
        (r#"{}"#, "A: pass; B: unknown; C: pass; D: fail; E: fail"),
        (r#"{"a": null, "b": null, "c": null}"#, "A: unknown; B: fail; C: unknown; D: fail; E: fail"),
        (
            r#"{"a": true, "b": false, "c": true, "d": "1d", "r": {"f": false}}"#,
            "A: fail; B: pass; C: fail; D: pass; E: pass",
        ),
        (
            r#"{"a": "x", "d": null, "r": null}"#,
            "A: unknown; B: unknown; C: pass; D: unknown; E: unknown; error snapshot-type",
        ),
    ];
    check(schema, policies, &table);
    let lists = KEYS.replace("@key(\"id\")", "@key(\"id\") @missing(\"[]\") @null(\"[]\")");
    let table = [
        (r#"{"page": {}}"#, "MANY: pass; NONE: fail"),
        (r#"{"page": {"keys": null}}"#, "MANY: pass; NONE: fail"),
        (r#"{"page": {"other": []}}"#, "MANY: pass; NONE: fail"),
        (r#"{"page": {"keys": null, "kesy": [{"id": "a"}]}}"#, "MANY: unknown; NONE: unknown"),
        (r#"{"page": {"error": []}}"#, "MANY: unknown; NONE: unknown"),
        (r#"{"page": {"key": [{"id": "a"}]}}"#, "MANY: unknown; NONE: unknown"),
        (r#"{"page": {"Keys": [{"id": "a"}]}}"#, "MANY: unknown; NONE: unknown"),
        (r#"{"page": null}"#, "MANY: unknown; NONE: unknown"),
        (r#"{}"#, "MANY: unknown; NONE: unknown"),
    ];
    check(&lists, COUNTS, &table);
}

#[test]
fn contradictory_defaults_are_errors() {
    let schema = |attributes: &str, entity: &str| {
        format!(
            r#"@path("") entity Account = {{ {attributes} }};
            @path("/keys/*") @key("id") {entity} entity Key in [Account] = {{ id: String, @path("x") other?: Long }};
            action "audit" appliesTo {{ principal: [Account], resource: [Account] }};"#
        )
    };
    let table = [
        (schema(r#"@missing("absent") a: Bool"#, ""), "`absent` is not a default for `a`"),
        (schema(r#"@missing("7") a: Bool"#, ""), "`7` is not a default for `a`"),
        (schema(r#"@missing("x") a: String"#, ""), "`x` is not a default for `a`"),
        (schema(r#"@null("true") @missing("true") a?: Bool"#, ""), "`a` is never absent"),
        (schema(r#"@derived @missing("true") a: Bool"#, ""), "`@missing` is not valid"),
        (schema("a: Bool", r#"@missing("{}")"#), "`{}` is not a default for a list"),
        (schema("a: Bool", r#"@total("page/total")"#), "a path starts with `/`"),
        (schema("a: Bool", r#"@total("/keys/*/total")"#), "is not a property of the instance that has the list"),
        (schema("a: Bool", "").replace("id: String", "@missing(\"\\\"x\\\"\") id: String"), "an id has no default"),
    ];
    for (schema, expected) in table {
        let (_, diagnostics) = Schema::parse(&source("s.cedarschema", &schema));
        let found = diagnostics.iter().any(|it| it.level == DiagnosticLevel::Error && it.message.contains(expected));
        assert!(found, "{expected}: {diagnostics:?}");
    }
}

#[test]
fn a_set_with_an_unknown_element_contains_what_it_certainly_contains() {
    let schema = r#"
        @path("") entity Account = { s: Set<String>, @path("s") @as("length") n: Long } tags String;
        action "audit" appliesTo { principal: [Account], resource: [Account] };
    "#;
    let policies = r#"
        @id("A") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource) when { resource.s.contains("a") };
        @id("E") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource) when { resource.s.isEmpty() };
        @id("N") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource) when { resource.n >= 1 };
        @id("T") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource)
        when { resource.hasTag("t") && resource.getTag("t") == "x" };
    "#;
    let table = [
        (r#"{"s": ["a"], "tags": {"t": "x"}}"#, "A: fail; E: pass; N: fail; T: fail"),
        (r#"{"s": ["a", null], "tags": {}}"#, "A: fail; E: pass; N: fail; T: pass"),
        (r#"{"s": [null], "tags": {"t": null}}"#, "A: unknown; E: unknown; N: unknown; T: unknown"),
        (
            r#"{"s": [7], "tags": {"t": "x", "u": null}}"#,
            "A: unknown; E: unknown; N: fail; T: fail; error snapshot-type",
        ),
        (
            r#"{"s": {"error": "x"}, "tags": {"t": 7}}"#,
            "A: unknown; E: unknown; N: unknown; T: unknown; error snapshot-type",
        ),
        (r#"{"s": null, "tags": null}"#, "A: unknown; E: unknown; N: unknown; T: unknown"),
        (
            r#"{"s": [], "tags": {"t": "x", "t": "x"}}"#,
            "A: pass; E: fail; N: pass; T: unknown; error snapshot-duplicate-key",
        ),
    ];
    check(schema, policies, &table);
}

#[test]
fn an_id_that_is_not_known_may_be_any() {
    let schema = r#"
        @path("") entity Account;
        @path("/people/*") @key("id") entity Person in [Account] = { boss?: Person, active: Bool };
        action "audit" appliesTo { principal: [Account], resource: [Person] };
    "#;
    let policies = r#"
        @id("BOSS") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource)
        unless { resource has boss && resource.boss.active };
        @id("NAME") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource)
        when { resource == Person::"zoe" || Person::"zoe" in principal };
    "#;
    let table = [
        (
            r#"{"people": [{"id": "a", "boss": "zoe", "active": true}, {"id": "zoe", "active": true}]}"#,
            "BOSS: pass fail; NAME: fail fail",
        ),
        (
            r#"{"people": [{"id": "a", "boss": "zoe", "active": true}, {"id": {}, "active": true}]}"#,
            "BOSS: unknown fail; NAME: unknown unknown; error snapshot-key",
        ),
        (
            r#"{"people": [{"id": "a", "boss": "a", "active": true}, {"id": "a", "active": true}]}"#,
            "BOSS: unknown; NAME: unknown; error snapshot-duplicate-id",
        ),
    ];
    check(schema, policies, &table);
}

#[test]
fn whether_a_check_applies_is_unknown_where_damage_hides_it() {
    let schema = r#"
        @path("") entity Account = { a: Bool, b: Bool };
        action "audit" appliesTo { principal: [Account], resource: [Account] };
    "#;
    let policies = r#"
        @id("C") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource)
        when { resource.a } unless { resource.b };
    "#;
    let table = [
        (r#"{"a": false, "b": true}"#, "C: not_applicable"),
        (r#"{"a": 7, "b": true}"#, "C: unknown; error snapshot-type"),
        (r#"{"a": false, "b": 7}"#, "C: not_applicable; error snapshot-type"),
        // A missing value has a declared meaning, and nothing can fail whatever it is.
        (r#"{"b": true}"#, "C: pass"),
        (r#"{"a": null, "b": true}"#, "C: pass"),
    ];
    check(schema, policies, &table);
}

#[test]
fn a_word_that_an_open_list_does_not_contain_is_unknown() {
    let schema = r#"
        @open entity Level enum ["view", "edit"];
        @path("") entity Account = { on: Bool, level: Level, levels: Set<Level>, kind?: Level, pair?: { inner: Level } };
        action "audit" appliesTo { principal: [Account], resource: [Account] };
    "#;
    let policies = r#"
        @id("IS") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Account)
        when { resource.level == Level::"edit" };
        @id("IN") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Account)
        when { resource.levels.contains(Level::"edit") };
        @id("ONLY") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Account)
        unless { [Level::"view", Level::"edit"].containsAll(resource.levels) };
        @id("HAS") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Account)
        when { resource has kind };
        @id("PAIR") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Account)
        when { resource has pair.inner && resource.pair.inner == Level::"edit" };
        @id("WHEN") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Account)
        when { resource.level == Level::"edit" } unless { resource.on };
    "#;
    let table = [
        (
            r#"{"on": true, "level": "view", "levels": ["view"], "kind": null}"#,
            "HAS: pass; IN: pass; IS: pass; ONLY: pass; PAIR: pass; WHEN: not_applicable",
        ),
        (
            r#"{"on": true, "level": "audit", "levels": ["view", "audit"], "kind": "audit", "pair": {"inner": "audit"}}"#,
            "HAS: unknown; IN: unknown; IS: unknown; ONLY: unknown; PAIR: unknown; WHEN: unknown",
        ),
        (
            r#"{"on": true, "level": "edit", "levels": ["edit", "audit"], "pair": {"inner": "Edit"}}"#,
            "HAS: pass; IN: fail; IS: fail; ONLY: unknown; PAIR: unknown; WHEN: pass",
        ),
    ];
    check(schema, policies, &table);
}

/// The id of a nested instance has the id of the instance around it.
#[test]
fn a_literal_may_name_an_instance_inside_one_without_a_readable_id() {
    let schema = r#"
        @path("") entity Account = {};
        @path("/teams/*") @key("id") entity Team in [Account] = { id: String };
        @path("/teams/*/people/*") @key("id") entity Person in [Team] = { id: String };
        action "audit" appliesTo { principal: [Account], resource: [Person] };
    "#;
    let policies = r#"
        @id("BOSS") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Person)
        when { resource == Person::"b/x" };
    "#;
    let team = |id: &str| format!(r#"{{"teams": [{{"id": {id}, "people": [{{"id": "x"}}]}}]}}"#);
    for (id, expected) in [
        ("\"b\"", "BOSS: fail"),
        ("\"a\"", "BOSS: pass"),
        ("null", "BOSS: unknown; error snapshot-key"),
        ("[1]", "BOSS: unknown; error snapshot-key; error snapshot-type"),
    ] {
        check(schema, policies, &[(&team(id), expected)]);
    }
}

/// The object may have the declared property that a name is nearest to, and lack another one.
#[test]
fn a_misspelling_is_that_of_a_missing_property_first() {
    let schema = r#"
        @path("") entity Account = { role: String, roles?: Set<String>, @path("end_date") end?: datetime };
        action "audit" appliesTo { principal: [Account], resource: [Account] };
    "#;
    let policies = r#"
        @id("OWNER") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Account)
        when { resource has roles && resource.roles.contains("owner") };
        @id("END") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Account)
        when { resource has end };
    "#;
    let table = [
        (r#"{"role": "x", "roles": ["owner"]}"#, "END: pass; OWNER: fail"),
        (r#"{"role": "x", "rolees": ["owner"]}"#, "END: pass; OWNER: unknown"),
        (r#"{"role": "x", "rolse": ["owner"]}"#, "END: pass; OWNER: unknown"),
        // Another spelling of a property that the object has.
        (r#"{"role": "x", "Role": "y"}"#, "END: pass; OWNER: pass; error snapshot-duplicate-key"),
        (r#"{"role": "x", "roles": [], "rolees": ["owner"]}"#, "END: pass; OWNER: pass"),
        (r#"{"role": "x", "en_date": "2026-01-01"}"#, "END: unknown; OWNER: pass"),
        (r#"{"role": "x", "start_date": "2026-01-01"}"#, "END: pass; OWNER: pass"),
    ];
    check(schema, policies, &table);
}

#[test]
fn a_word_that_readers_never_give_may_be_that_of_a_default() {
    let schema = r#"
        @path("") entity Account = { name: String, @as("url-scheme") @missing("\"no scheme\"") from: Scheme };
        entity Scheme enum ["no scheme", "http", "https"];
        action "audit" appliesTo { principal: [Account], resource: [Account] };
    "#;
    let policies = r#"
        @id("HTTP") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Account)
        when { resource.from == Scheme::"http" };
        @id("NONE") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Account)
        when { resource.from == Scheme::"no scheme" };
    "#;
    let table = [
        (r#"{"name": "x"}"#, "HTTP: pass; NONE: fail"),
        (r#"{"name": "x", "from": "HTTP://x.example"}"#, "HTTP: fail; NONE: pass"),
        (r#"{"name": "x", "from": "no scheme"}"#, "HTTP: unknown; NONE: unknown; error snapshot-value"),
    ];
    check(schema, policies, &table);
}

#[test]
fn an_empty_name_in_a_map_is_not_an_id() {
    let schema = r#"
        @path("") entity Account;
        @path("/people/*") entity Person in [Account] = { boss?: Person, active: Bool };
        action "audit" appliesTo { principal: [Account], resource: [Person] };
    "#;
    let policies = r#"
        @id("BOSS") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource)
        unless { resource has boss && resource.boss.active };
        @id("ZOE") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource)
        when { resource == Person::"zoe" };
    "#;
    let table = [
        (
            r#"{"people": {"a": {"boss": "zoe", "active": true}, "zoe": {"active": true}}}"#,
            "BOSS: pass fail; ZOE: pass fail",
        ),
        (
            r#"{"people": {"a": {"boss": "zoe", "active": true}, " \u200b": {"active": true}}}"#,
            "BOSS: unknown fail; ZOE: pass unknown; error snapshot-key",
        ),
    ];
    check(schema, policies, &table);
}

#[test]
fn a_name_that_may_mean_many_properties_makes_all_of_them_unknown() {
    let units = ["seconds", "minutes", "hours", "days", "weeks"];
    let attributes: Vec<String> = units.iter().map(|unit| format!("idle_timeout_{unit}?: Long")).collect();
    let schema = format!(
        r#"@path("") entity Account = {{ name: String, {} }};
           action "audit" appliesTo {{ principal: [Account], resource: [Account] }};"#,
        attributes.join(", ")
    );
    let policy = |unit: &&str| {
        format!(
            r#"@id("{unit}") @title("t") @severity("low")
               forbid (principal, action == Action::"audit", resource is Account)
               when {{ resource has idle_timeout_{unit} }};"#
        )
    };
    let policies: String = units.iter().map(policy).collect();
    let table = [
        (
            r#"{"name": "x", "idle_timeout": 1}"#,
            "days: unknown; hours: unknown; minutes: unknown; seconds: unknown; weeks: unknown",
        ),
        (
            r#"{"name": "x", "idle_timeout": 1, "idle_timeout_weeks": 2}"#,
            "days: unknown; hours: unknown; minutes: unknown; seconds: unknown; weeks: fail",
        ),
    ];
    check(&schema, &policies, &table);
}

#[test]
fn a_value_in_another_unit_is_not_the_default() {
    let schema = r#"
        @path("") entity Account = { @missing("30") idle_timeout_minutes: Long, key_age_days?: Long, days?: Long };
        action "audit" appliesTo { principal: [Account], resource: [Account] };
    "#;
    let policies = r#"
        @id("IDLE") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Account)
        when { resource.idle_timeout_minutes > 60 };
        @id("KEY") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Account)
        when { resource has key_age_days && resource.key_age_days > 90 };
        @id("DAYS") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Account)
        when { resource has days && resource.days > 90 };
    "#;
    let table = [
        (r#"{"idle_timeout_minutes": 90, "key_age_days": 91, "days": 91}"#, "DAYS: fail; IDLE: fail; KEY: fail"),
        (r#"{"days": 1, "hours": 1}"#, "DAYS: pass; IDLE: pass; KEY: pass"),
        (r#"{"days": 1, "idle_timeout_hours": 8}"#, "DAYS: pass; IDLE: unknown; KEY: pass"),
        (r#"{"days": 1, "idleTimeout": "8 hours"}"#, "DAYS: pass; IDLE: unknown; KEY: pass"),
        (r#"{"days": 1, "key_age_months": 12}"#, "DAYS: pass; IDLE: pass; KEY: unknown"),
        // The object has both.
        (r#"{"days": 1, "idle_timeout_minutes": 30, "idle_timeout_hours": 8}"#, "DAYS: pass; IDLE: pass; KEY: pass"),
    ];
    check(schema, policies, &table);
}

/// Messages about a secret record do not quote its names. Two spellings of one property are an error there too.
#[test]
fn two_spellings_of_a_property_of_a_secret_record_are_an_error() {
    let schema = r#"
        @path("") entity Account = { @secret vault?: { open?: Bool } };
        action "audit" appliesTo { principal: [Account], resource: [Account] };
    "#;
    let policies = r#"
        @id("OPEN") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Account)
        when { resource has vault.open && resource.vault.open };
    "#;
    let table = [
        (r#"{"vault": {"open": true}}"#, "OPEN: fail"),
        (r#"{"vault": {"open": false}}"#, "OPEN: pass"),
        (r#"{"vault": {"open": false, "Open": true}}"#, "OPEN: unknown; error snapshot-duplicate-key"),
    ];
    check(schema, policies, &table);
}

#[test]
fn a_blank_reference_to_a_type_with_ids_is_unreadable() {
    let schema = r#"
        @path("") entity Bank = {};
        @path("/people/*") @key("id") entity Person in [Bank] = {};
        @path("/payment") entity Payment in [Bank] = {
            maker: Person, approver?: Person, @absent("\"\"") deputy?: Person, watchers: Set<Person>
        };
        action "audit" appliesTo { principal: [Bank], resource: [Payment] };
    "#;
    let policies = r#"
        @id("EYES") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Payment)
        unless { resource has approver && resource.approver != resource.maker };
        @id("DEPUTY") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Payment)
        when { resource has deputy };
        @id("SEEN") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Payment)
        when { resource.watchers.isEmpty() };
    "#;
    let unknown = "DEPUTY: pass; EYES: unknown; SEEN: unknown; error snapshot-reference";
    for (approver, watchers, expected) in [
        ("\"bob\"", "[\"ann\"]", "DEPUTY: pass; EYES: pass; SEEN: pass"),
        ("null", "[]", "DEPUTY: pass; EYES: fail; SEEN: fail"),
        ("\"\"", "[\"\"]", unknown),
        ("\" \\u200b\"", "[\" \"]", unknown),
        ("\"bob\"", "[\"\", \"ann\"]", "DEPUTY: pass; EYES: pass; SEEN: pass; error snapshot-reference"),
    ] {
        let json = format!(
            r#"{{"people": [{{"id": "ann"}}, {{"id": "bob"}}],
                "payment": {{"maker": "ann", "approver": {approver}, "deputy": " ", "watchers": {watchers}}}}}"#
        );
        check(schema, policies, &[(&json, expected)]);
    }
}

#[test]
fn an_instance_without_an_id_makes_nothing_unknown_of_instances_with_other_ids() {
    let schema = r#"
        @path("") entity Org = {};
        @path("/repos/*") @key("id") entity Repo in [Org] = { fork?: Repo };
        @path("/repos/*/branches/*") @key("name") entity Branch in [Repo] = {};
        action "audit" appliesTo { principal: [Org], resource: [Org, Repo, Branch] };
    "#;
    let policies = r#"
        @id("FORK") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Repo)
        when { resource has fork && resource.fork == Repo::"zebra" };
        @id("IN") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Branch)
        when { resource in Repo::"zebra" };
        @id("IS") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Repo)
        when { resource == Repo::"zebra" };
    "#;
    let table = [
        (
            r#"{"repos": [{"id": "x", "fork": "x", "branches": [{"name": "m"}]}, {"id": "y", "branches": []}]}"#,
            "FORK: pass pass; IN: pass; IS: pass pass",
        ),
        (
            r#"{"repos": [{"id": null, "branches": [{"name": "m"}]}, {"id": "y", "fork": "y", "branches": [{"name": "m"}]}]}"#,
            "FORK: pass pass; IN: unknown pass; IS: unknown pass; error snapshot-key",
        ),
        (
            r#"{"repos": [{"id": "x", "branches": [{"name": "m"}]}, {"id": "x", "branches": []}, {"id": "y", "branches": [{"name": "m"}]}]}"#,
            "FORK: unknown pass; IN: pass unknown; IS: pass pass; error snapshot-duplicate-id",
        ),
    ];
    check(schema, policies, &table);
}
