//! The review of packs: policies that no snapshot can satisfy, and the state of checks that are not run.

use crate::support::{NOW, Run, deodar};
use deodar::diagnostic::{Diagnostic, DiagnosticLevel};
use deodar::policy::Policies;
use deodar::program::Program;
use deodar::schema::Schema;
use deodar::source::Source;
use serde_json::{Value, json};

const SCHEMA: &str = r#"
entity Light enum ["red", "green"];
@path("")
entity Account = {
  @as("casefold") status: String,
  title: String,
  nick?: String,
  rec: { a: Bool, b?: Bool },
  set: Set<{ x: Long, y?: Long }>,
  @derived keys: Long,
  @derived some: Bool,
  @derived more: Bool,
};
@path("/teams/*") @key("id")
entity Team in [Account] = { nick?: String, status?: String };
@path("/people/*") @key("id")
entity Person in [Account] = {
  @as("email") mail: String,
  @as("url-host") host?: String,
  @as("email-domain") domain: String,
  @as("email-domain") @null("\"none of them\"") site: String,
  @as("split(\",\")") groups: Set<String>,
  team: Team,
  nick: String,
  @enclosing up: Account,
};
type Parameters = { @default("[\"open\"]") words: Set<String>, @default("Open") bad: String, opt?: Long };
type Context = { now: datetime, title: String, parameters: Parameters };
action "any";
action "audit" in ["any"] appliesTo { principal: [Account, Team], resource: [Account, Team, Light], context: Context };
action "derive" in ["any"] appliesTo { principal: [Person, Team], resource: [Account], context: Context };
"#;

/// A derivation of each derived attribute, and a check that reads them.
const DERIVATIONS: &str = r#"
@id("keys") @derives("keys") permit (principal is Person, action == Action::"derive", resource is Account);
@id("some") @derives("some") permit (principal is Person, action == Action::"derive", resource is Account);
@id("more") @derives("more") permit (principal is Person, action == Action::"derive", resource is Account);
@id("R") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Account)
when { resource.keys > 1 || resource.some || resource.more };
"#;

/// The diagnostics of the review of policies, and the ids that it rejects.
fn reviewed(policies: &str) -> (Vec<Diagnostic>, Vec<String>) {
    let source = |name: &str, text: &str| Source::new(name, text).expect("a small text");
    let (schema, wrong) = Schema::parse(&source("s.cedarschema", SCHEMA));
    let schema = schema.unwrap_or_else(|| panic!("{wrong:?}"));
    let (policies, mut all) = Policies::parse(&schema, &[source("p.cedar", policies)]);
    let (program, wrong) = Program::lower(&schema.model, &policies, |_| true);
    all.extend(wrong);
    (all, program.refused.iter().map(ToString::to_string).collect())
}

fn check(rest: &str) -> String {
    format!("@id(\"C\") @title(\"t\") @severity(\"low\") forbid {rest};")
}

/// Code, message and first label of the only diagnostic of a check; empty if there is none.
fn said(rest: &str) -> (String, String, String) {
    let (all, refused) = reviewed(&format!("{DERIVATIONS}{}", check(rest)));
    let is_error = all.iter().any(|found| found.level == DiagnosticLevel::Error);
    assert_eq!(refused.contains(&"C".to_owned()), is_error, "{rest}: {all:?}");
    match &all[..] {
        [] => Default::default(),
        [one] => {
            let label = one.labels.first().map(|label| label.place.text().to_owned()).unwrap_or_default();
            (one.code.name().to_owned(), format!("{} / {}", one.message, one.help.clone().unwrap_or_default()), label)
        }
        more => panic!("{rest}: {more:?}"),
    }
}

#[test]
fn a_check_that_no_snapshot_can_fail_is_refused() {
    let table = [
        (
            "(principal, action, resource is Person) when { resource.nick == \"\" }",
            "resource of type `Person`",
            "resource is Person",
        ),
        (
            "(principal, action in [Action::\"audit\", Action::\"derive\"], resource is Person)",
            "does not apply",
            "resource is Person",
        ),
        ("(principal, action in Action::\"any\", resource is Person)", "does not apply", "resource is Person"),
        ("(principal, action == Action::\"audit\", resource is Person)", "does not apply", "resource is Person"),
        ("(principal, action, resource == Person::\"p\")", "does not apply", "resource == Person::\"p\""),
        (
            "(principal, action, resource is Person in Account::\"\")",
            "does not apply",
            "resource is Person in Account::\"\"",
        ),
        ("(principal is Team, action, resource is Account)", "of type `Account`, not `Team`", "principal is Team"),
        ("(principal == Team::\"t\", action, resource)", "of type `Account`, not `Team`", "principal == Team::\"t\""),
        ("(principal in Team::\"t\", action, resource)", "no `Account` is in any `Team`", "principal in Team::\"t\""),
        (
            "(principal, action, resource is Account in Team::\"t\")",
            "no `Account` is in any `Team`",
            "resource is Account in Team::\"t\"",
        ),
        ("(principal, action, resource in Person::\"p\")", "is in any `Person`", "resource in Person::\"p\""),
        ("(principal == Account::\"zz\", action, resource)", "`Account` has no `@key`", "principal == Account::\"zz\""),
        ("(principal in Account::\"zz\", action, resource)", "`Account` has no `@key`", "principal in Account::\"zz\""),
        (
            "(principal, action, resource is Team in Account::\"zz\")",
            "`Account` has no `@key`",
            "resource is Team in Account::\"zz\"",
        ),
        (
            "(principal, action, resource) when { principal == Account::\"zz\" }",
            "has no `@key`",
            "principal == Account::\"zz\"",
        ),
        ("(principal, action, resource is Light)", "enumerated", "resource is Light"),
        ("(principal, action, resource) when { resource is Person }", "is never satisfied", ""),
        (
            "(principal, action, resource) when { action == Action::\"derive\" }",
            "exclude each other",
            "action == Action::\"derive\"",
        ),
        (
            "(principal, action, resource is Account) unless { resource in Account::\"\" || true }",
            "exclude each other",
            "",
        ),
    ];
    for (rest, message, label) in table {
        let (code, found, at) = said(rest);
        assert_eq!(code, "policy-idle", "{rest}");
        assert!(found.contains(message), "{rest}: {found}");
        assert!(label.is_empty() || at == label, "{rest}: {at}");
    }
}

#[test]
fn a_check_that_some_snapshot_can_fail_is_kept() {
    for rest in [
        "(principal, action, resource)",
        "(principal, action in Action::\"any\", resource is Team)",
        "(principal == Account::\"\", action, resource in Account::\"\")",
        "(principal in Account::\"\", action, resource == Team::\"t\")",
        "(principal, action, resource in Team::\"t\")",
        "(principal, action, resource) when { resource is Team && resource has nick }",
        "(principal, action, resource) when { action in Action::\"any\" && Team::\"t\" in principal }",
    ] {
        assert_eq!(said(rest).1, "", "{rest}");
    }
}

#[test]
fn has_of_what_is_required_is_an_error() {
    let table = [
        ("resource has status", "`status` is required in `Account`"),
        ("principal has nick || principal has status", "`status` is required in `Account`"),
        ("resource has rec.a", "`rec.a` is required in `Account`"),
        ("resource.rec has a", "`a` is required in `Account.rec`"),
        ("resource has keys", "`keys` is required in `Account`"),
        ("context has now", "`now` is required in `context`"),
        ("context has title", "`title` is required in `context`"),
        ("context has parameters", "`parameters` is required in `context`"),
        ("context has parameters.words", "`parameters.words` is required in `context`"),
        ("context.parameters has words", "`words` is required in `context.parameters`"),
        ("{ m: resource } has m", "`m` is required in the record"),
        ("{ m: resource }.m has status", "is required in `Account`"),
        (
            "(if resource.title == \"\" then resource else Account::\"\") has status",
            "`status` is required in `Account`",
        ),
        ("resource.title == \"\" && !(resource has status)", "`status` is required in `Account`"),
        ("Person::\"p\" has team.nick || Person::\"p\" has up.rec.a", "`up.rec.a` is required in `Person`"),
        ("Person::\"p\".up has rec", "`rec` is required in `Account`"),
    ];
    for (condition, message) in table {
        let (code, found, _) = said(&format!(
            "(principal, action, resource is Account) unless {{ {condition} && resource.title != \"x\" }}"
        ));
        assert_eq!(code, "policy-has", "{condition}: {found}");
        assert!(found.contains(message), "{condition}: {found}");
    }
    let (code, found, label) =
        said("(principal, action, resource is Account) unless { resource has status && resource.rec.a }");
    assert_eq!((code.as_str(), label.as_str()), ("policy-has", "resource has status"));
    assert!(found.contains("remove the `has`, or declare `status?`"), "{found}");
}

#[test]
fn has_of_what_may_be_absent_is_kept() {
    for condition in [
        "resource has nick",
        "resource has rec.b",
        "resource.rec has b",
        "context.parameters has opt",
        "context has parameters.opt",
        "Person::\"p\" has host",
        "Person::\"p\".team has nick",
    ] {
        let rest = format!("(principal, action, resource is Account) when {{ {condition} }}");
        assert_eq!(said(&rest).1, "", "{condition}");
    }
}

#[test]
fn has_of_what_some_types_require_is_a_warning_that_names_them() {
    let (code, found, _) = said("(principal, action, resource) when { resource has status }");
    assert_eq!(code, "policy-has");
    assert!(found.starts_with("`has status` is always true for `Account`"), "{found}");
    // Where only one type is left, it is an error; a branch for another type does not count.
    let error = said("(principal, action, resource) when { resource is Account && resource has status }");
    assert!(error.1.contains("`status` is required in `Account`"), "{error:?}");
    assert_eq!(said("(principal, action, resource) when { resource is Team && resource has status }").1, "");
    assert_eq!(said("(principal, action, resource) when { !(resource is Team) || resource has status }").1, "");
}

#[test]
fn has_of_what_is_not_declared_is_an_error() {
    let table = [
        ("resource has nikc", "`has nikc` is always false: `Account` does not declare `nikc`", "did you mean `nick`?"),
        ("!(resource has nikc)", "`Account` does not declare `nikc`", "did you mean `nick`?"),
        ("resource has nikc || resource.status == \"a\"", "`Account` does not declare `nikc`", "did you mean `nick`?"),
        ("resource has rec.bb", "`has rec.bb` is always false: `Account` does not declare `bb`", "`b`"),
        ("resource.rec has bb", "`has bb` is always false: `Account.rec` does not declare `bb`", "`b`"),
        ("context.parameters has optt", "`context.parameters` does not declare `optt`", "did you mean `opt`?"),
        ("context has nowe", "`context` does not declare `nowe`", "did you mean `now`?"),
        ("Person::\"p\" has hots", "`Person` does not declare `hots`", "did you mean `host`?"),
    ];
    for (condition, message, help) in table {
        for rest in [
            format!("(principal, action, resource is Account) unless {{ resource.title == \"x\" && ({condition}) }}"),
            format!("(principal, action, resource is Account) when {{ resource.title != \"x\" || {condition} }}"),
        ] {
            let (all, refused) = reviewed(&check(&rest));
            let found = all.iter().find(|found| found.code.name() == "policy-has");
            let found = found.unwrap_or_else(|| panic!("{rest}: {all:?}"));
            assert!(found.message.contains(message), "{rest}: {}", found.message);
            assert!(found.help.as_ref().is_some_and(|found| found.contains(help)), "{rest}: {:?}", found.help);
            assert_eq!(refused, ["C"], "{rest}");
        }
    }
    for rest in [
        "(principal, action, resource) when { resource is Team && resource has title }",
        "(principal, action, resource) when { !(resource is Team) || resource has title }",
    ] {
        let (all, _) = reviewed(&check(rest));
        let found = all.iter().find(|found| found.code.name() == "policy-has");
        let message = found.map(|found| found.message.as_str()).unwrap_or_default();
        assert!(message.contains("is always false: `Team` does not declare `title`"), "{rest}: {all:?}");
    }
}

#[test]
fn has_of_what_is_required_is_an_error_in_a_derivation() {
    let (all, refused) = reviewed(&format!(
        r#"@id("keys") @derives("keys")
        permit (principal is Person, action == Action::"derive", resource is Account) when {{ principal has mail && principal.mail != "" }};
        {}"#,
        check("(principal, action, resource is Account) when { resource.keys > 1 }")
    ));
    assert_eq!(refused, ["C", "keys"]);
    let codes: Vec<&str> = all.iter().map(|found| found.code.name()).collect();
    assert!(codes.contains(&"policy-has") && codes.contains(&"check-not-run"), "{all:?}");
}

#[test]
fn a_text_that_is_not_folded_is_refused_where_it_is_compared_with_a_folded_attribute() {
    let table = [
        ("resource.status == \"Open\"", "\"Open\"", "write \"open\""),
        ("\"Open\" != resource.status", "\"Open\"", "write \"open\""),
        ("[\"open\", \"Closed\"].contains(resource.status)", "\"Closed\"", "write \"closed\""),
        ("[resource.status].containsAll([\"Open\"])", "\"Open\"", "write \"open\""),
        ("[\"Open\"].containsAny([resource.status])", "\"Open\"", "write \"open\""),
        ("[resource.status] == [\"Open\"]", "\"Open\"", "write \"open\""),
        ("resource.status == \" open\"", "\" open\"", "write \"open\""),
        ("resource.status like \"Op*\"", "\"Op*\"", "write \"op*\""),
        ("resource.status like \"*\\*Open\"", "\"*\\*Open\"", "write \"*\\*open\""),
        ("resource.status like \" open*\"", "\" open*\"", "write \"open*\""),
        ("(if resource.rec.a then resource.status else \"x\") == \"Open\"", "\"Open\"", "write \"open\""),
        ("resource.status == (if resource.rec.a then \"Open\" else resource.title)", "\"Open\"", "write \"open\""),
        ("{ m: resource.status }.m == \"Open\"", "\"Open\"", "write \"open\""),
        ("{ m: resource.status } == { m: \"Open\" }", "\"Open\"", "write \"open\""),
        ("[{ m: \"Open\" }].contains({ m: resource.status })", "\"Open\"", "write \"open\""),
        ("Person::\"p\".mail == \"Mia@x.example\"", "\"Mia@x.example\"", "write \"mia@x.example\""),
        ("Person::\"p\" has host && Person::\"p\".host == \"X.example\"", "\"X.example\"", "write \"x.example\""),
        (
            "Person::\"p\" has host && Person::\"p\".host == \"https://x.example/\"",
            "\"https://x.example/\"",
            "write \"x.example\"",
        ),
        ("Person::\"p\" has host && Person::\"p\".host like \"https://*\"", "\"https://*\"", "no value has '/'"),
        ("Person::\"p\" has host && Person::\"p\".host like \"x.example:1\"", "\"x.example:1\"", "write \"x.example\""),
        ("Person::\"p\".mail like \"x.example\"", "\"x.example\"", "it is not an e-mail address"),
        ("Person::\"p\".mail == \"a@x.example.\"", "\"a@x.example.\"", "it is not an e-mail address"),
        ("Person::\"p\".domain == \"@x.example\"", "\"@x.example\"", "it is not a domain / write \"x.example\""),
        ("Person::\"p\".domain like \"*@x.example\"", "\"*@x.example\"", "no value has '@'"),
        ("[\"x.example\", \"*.x.example\"].contains(Person::\"p\".domain)", "\"*.x.example\"", "it is not a domain"),
        ("Person::\"p\".groups.contains(\"a,b\")", "\"a,b\"", "it is not a piece between separators"),
        ("Person::\"p\".groups.contains(\" a\")", "\" a\"", "write \"a\""),
        ("resource.status == context.parameters.bad", "context.parameters.bad", "write \"open\" in its `@default`"),
    ];
    for (condition, label, help) in table {
        let (code, found, at) = said(&format!("(principal, action, resource is Account) when {{ {condition} }}"));
        assert_eq!((code.as_str(), at.as_str()), ("policy-folded", label), "{condition}: {found}");
        assert!(found.contains(help), "{condition}: {found}");
    }
}

#[test]
fn a_text_that_can_be_equal_is_kept() {
    for condition in [
        "resource.status == \"open\"",
        "resource.title == \"Open\"",
        "[\"open\", \"\"].contains(resource.status)",
        "[resource.status, resource.title].contains(\"Open\")",
        "resource.status like \"* op*n *\"",
        "resource.title like \"Op*\"",
        "context.parameters.words.contains(resource.status)",
        "context.parameters.bad == resource.title",
        "resource.status == resource.title",
        "Person::\"p\".site == \"none of them\"",
        "Person::\"p\".domain like \"*.x.example\"",
        "Person::\"p\".groups.contains(\"A b\")",
        "Person::\"p\" has host && Person::\"p\".host == \"[::1]\"",
        "{ m: resource.status, n: \"open\" } == { m: \"open\", n: \"open\" }",
    ] {
        let rest = format!("(principal, action, resource is Account) when {{ {condition} }}");
        assert_eq!(said(&rest).1, "", "{condition}");
    }
}

#[test]
fn a_derivation_for_types_that_are_not_derived_is_refused_with_its_dependants() {
    let c = check("(principal, action, resource is Account) when { resource.keys > 1 }");
    for scope in [
        "(principal is Account, action, resource is Account)",
        "(principal is Account, action == Action::\"derive\", resource is Account)",
        "(principal is Person in Team::\"t\", action == Action::\"derive\", resource is Account)",
        "(principal is Person in Account::\"zz\", action == Action::\"derive\", resource is Account)",
    ] {
        let (all, refused) = reviewed(&format!("@id(\"keys\") @derives(\"keys\") permit {scope};\n{c}"));
        assert_eq!(refused, ["C", "keys"], "{scope}: {all:?}");
        let codes: Vec<&str> = all.iter().map(|found| found.code.name()).collect();
        assert_eq!(codes, ["policy-idle", "check-not-run"], "{scope}: {all:?}");
    }
}

/// A derivation, whole or with conditions.
fn derives(name: &str, rest: &str) -> String {
    format!(
        "@id({name:?}) @derives({name:?}) permit (principal is Person, action == Action::\"derive\", resource is Account) {rest};\n"
    )
}

#[test]
fn a_check_that_depends_on_an_invalid_derivation_is_invalid_and_the_derivation_is_named() {
    let keys = "@id(\"KEYS\") @title(\"t\") @severity(\"low\") forbid (principal, action, resource is Account) when { resource.keys > 1 };\n";
    let some = "@id(\"SOME\") @title(\"t\") @severity(\"low\") forbid (principal, action, resource is Account) when { resource.some };\n";
    let fine = "@id(\"FINE\") @title(\"t\") @severity(\"low\") forbid (principal, action, resource is Account) when { resource.title == \"x\" };\n";
    let through = derives("some", "when { resource.keys > 1 }");
    let table = [
        // (derivations, what is said, refused checks)
        (
            derives("keys", "when { principal.nobody }") + &through,
            "`KEYS`, `SOME` are not run: they need `Account.keys`, whose derivation `keys` is invalid",
            2,
        ),
        (
            derives("keys", "when { principal has mail }") + &through,
            "`KEYS`, `SOME` are not run: they need `Account.keys`, whose derivation `keys` is invalid",
            2,
        ),
        (
            derives("keys", "") + &derives("some", "when { principal.nobody }"),
            "`SOME` is not run: it needs `Account.some`, whose derivation `some` is invalid",
            1,
        ),
        (
            derives("keys", "when { ( }") + &through,
            "`KEYS`, `SOME` are not run: they need `Account.keys`, whose derivation cannot be parsed",
            2,
        ),
        (
            derives("keys", "when { resource.some }") + &through,
            "`KEYS`, `SOME` are not run: they need `Account.some`, whose derivations need each other",
            2,
        ),
        (
            derives("keys", "when { resource.keys > 1 }") + &through,
            "`KEYS`, `SOME` are not run: they need `Account.keys`, whose derivations need each other",
            2,
        ),
        (through.clone(), "nothing derives `Account.keys`, which `KEYS`, `SOME` need", 2),
        (derives("keys", ""), "nothing derives `Account.some`, which `SOME` needs", 1),
    ];
    for (derivations, message, refused) in table {
        let (all, ids) = reviewed(&format!("{derivations}\n{keys}{some}{fine}"));
        assert!(
            all.iter().any(|found| found.message == message && found.level == DiagnosticLevel::Error),
            "{derivations}: {all:#?}"
        );
        let checks: Vec<&String> = ids.iter().filter(|id| id.chars().all(char::is_uppercase)).collect();
        assert_eq!(checks, if refused == 2 { vec!["KEYS", "SOME"] } else { vec!["SOME"] }, "{derivations}");
    }
}

const PEOPLE: &str = r#"
@path("") @key("name")
entity Org = { name: String, @derived keys: Long };
@path("/people/*") @key("id")
entity Person in [Org] = { two_factor: Bool, @as("casefold") role: String };
type Parameters = { @default("admin") role: String };
type Context = { now: datetime, parameters: Parameters };
action "audit" appliesTo { principal: [Org], resource: [Org, Person], context: Context };
action "derive" appliesTo { principal: [Person], resource: [Org], context: Context };
"#;

/// One check of every kind: it runs, it has no resources, it is deselected, it is invalid.
const KINDS: &str = r#"
@id("RUN") @title("t") @severity("low") @soc2("CC1")
forbid (principal, action == Action::"audit", resource is Person) unless { resource.two_factor };
@id("OTHER") @title("t") @severity("low") @soc2("CC1")
forbid (principal == Org::"zz", action == Action::"audit", resource is Person) unless { resource.two_factor };
@id("LEFT") @title("t") @severity("low") @soc2("CC1")
forbid (principal, action == Action::"audit", resource is Person) unless { resource.two_factor };
@id("keys") @derives("keys")
permit (principal is Person, action == Action::"derive", resource is Org) when { principal.nobody };
@id("WRONG") @title("t") @severity("low") @soc2("CC1")
forbid (principal, action == Action::"audit", resource is Org) unless { resource.keys > 1 };
"#;

const SOUND: &str = r#"{"name": "acme", "people": [{"id": "p", "two_factor": true, "role": "Admin"}]}"#;

fn people(policies: &str, name: &str, snapshot: &str, more: &[&str]) -> Run {
    by(PEOPLE, policies, name, snapshot, more)
}

fn by(schema: &str, policies: &str, name: &str, snapshot: &str, more: &[&str]) -> Run {
    let files = [("s.cedarschema", schema.as_bytes()), ("p.cedar", policies.as_bytes()), (name, snapshot.as_bytes())];
    let fixed = ["check", name, "--schema", "s.cedarschema", "--policies", "p.cedar", "--now", NOW];
    deodar(&files, &[&fixed[..], more].concat())
}

#[test]
fn every_format_tells_the_states_of_checks_apart() {
    let skip = ["--skip", "LEFT"];
    let text = people(KINDS, "a.json", SOUND, &[&skip[..], &["--all"]].concat());
    assert_eq!(text.code, 5, "{text:?}");
    let row = |id: &str| {
        let row =
            text.stdout.lines().find(|line| line.split_whitespace().nth(1) == Some(id) || line.trim().starts_with(id));
        row.unwrap_or_else(|| panic!("{id} in {}", text.stdout)).to_owned()
    };
    assert!(row("LEFT").ends_with("not selected"), "{}", row("LEFT"));
    assert!(row("OTHER").ends_with("no resources"), "{}", row("OTHER"));
    assert!(row("WRONG").ends_with("invalid, not run"), "{}", row("WRONG"));
    assert!(row("RUN").contains('✓'), "{}", row("RUN"));
    let by = people(KINDS, "a.json", SOUND, &["--skip", "LEFT", "--by", "framework=soc2"]);
    assert!(by.stdout.contains("LEFT*, OTHER~, RUN, WRONG!"), "{}", by.stdout);

    let report = people(KINDS, "a.json", SOUND, &["--skip", "LEFT", "--format", "json"]).json();
    let states: Vec<&Value> =
        report["checks"].as_array().expect("a list").iter().map(|check| &check["state"]).collect();
    assert_eq!(states, ["deselected", "no_resources", "run", "invalid"]);

    let line = people(KINDS, "a.ndjson", &format!("{SOUND}\n"), &["--skip", "LEFT", "--format", "ndjson"]);
    assert_eq!(line.code, 5, "{line:?}");
    let line = &line.accounts()[0];
    assert_eq!(
        line["checks"],
        json!({
            "LEFT": { "state": "deselected" },
            "OTHER": { "state": "no_resources" },
            "RUN": { "state": "run", "pass": 1 },
            "WRONG": { "state": "invalid" },
        })
    );
    assert_eq!((&line["exit_code"], &line["statuses"]), (&json!(5), &json!(["invalid_input"])));
}

#[test]
fn what_is_wrong_with_the_pack_or_the_options_is_wrong_with_every_line() {
    let fine = &KINDS[..KINDS.find("@id(\"OTHER\")").expect("there")];
    let two = format!("{SOUND}\n{SOUND}\n");
    for more in [
        &[][..],
        &["--param", "role=x", "--param", "nobody=1"],
        &["--only", "RUN", "--only", "NOBODY"],
        &["--param", "role=Admin"],
    ] {
        let policies = format!(
            "{fine}@id(\"ROLE\") @title(\"t\") @severity(\"low\") forbid (principal, action == Action::\"audit\", resource is Person) when {{ resource.role == context.parameters.role && !resource.two_factor }};"
        );
        let run = people(&policies, "a.ndjson", &two, &[more, &["--format", "ndjson"]].concat());
        let expected = if more.is_empty() { 0 } else { 5 };
        assert_eq!(run.code, expected, "{more:?}: {run:?}");
        for line in run.accounts() {
            assert_eq!(line["exit_code"], expected, "{more:?}: {line}");
        }
    }
    // A file that cannot be read concerns no other account.
    let files = [("s.cedarschema", PEOPLE.as_bytes()), ("p.cedar", fine.as_bytes()), ("a.ndjson", two.as_bytes())];
    let run = deodar(
        &files,
        &[
            "check",
            "a.ndjson",
            "none.json",
            "--schema",
            "s.cedarschema",
            "--policies",
            "p.cedar",
            "--now",
            NOW,
            "--format",
            "ndjson",
        ],
    );
    assert_eq!(run.code, 5, "{run:?}");
    let first: Value = serde_json::from_str(run.stdout.lines().next().expect("a line")).expect("JSON");
    assert_eq!(first["exit_code"], 0, "{first}");
}

#[test]
fn an_account_that_no_snapshot_is_of_is_a_warning_with_the_ids_that_were_seen() {
    let only = ["--only", "OTHER", "--only", "RUN"];
    let fine = &KINDS[..KINDS.find("@id(\"LEFT\")").expect("there")];
    let run = people(fine, "a.json", SOUND, &only);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.stdout.contains("`OTHER` is for the account \"zz\", and no snapshot is of it"), "{run:?}");
    assert!(run.stdout.contains("the snapshots are of \"acme\""), "{run:?}");
    let both = format!("{SOUND}\n{}\n", SOUND.replace("acme", "zz"));
    let run = people(fine, "a.ndjson", &both, &only);
    assert!(!run.stdout.contains("no snapshot is of it"), "{run:?}");
}

#[test]
fn a_document_with_nothing_that_is_declared_is_one_error_and_no_findings() {
    let fine = &KINDS[..KINDS.find("@id(\"OTHER\")").expect("there")];
    for (snapshot, code, unknown) in [
        (r#"{"login": "mia", "plan": {"name": "free"}}"#, 5, 0),
        ("{}", 5, 0),
        (r#"{"captured_at": "2026-09-01T00:00:00Z", "other": 1}"#, 4, 1),
        (r#"{"poeple": [], "other": 1}"#, 4, 1),
        (r#"{"people": null}"#, 4, 1),
    ] {
        // Without a key there is no error about a missing id.
        let schema = PEOPLE.replace("@key(\"name\")", "");
        let report = by(&schema, fine, "a.json", snapshot, &["--format", "json"]).json();
        assert_eq!(report["run"]["exit_code"], code, "{snapshot}: {report:#}");
        assert_eq!(report["findings"].as_array().map(Vec::len), Some(unknown), "{snapshot}: {report:#}");
        let errors = report["diagnostics"].as_array().expect("a list").len();
        assert!(code != 5 || errors == 1, "{snapshot}: {report:#}");
    }
}

#[test]
fn unknown_verdicts_that_are_tolerated_are_not_a_decision() {
    let fine = &KINDS[..KINDS.find("@id(\"OTHER\")").expect("there")];
    let blank = r#"{"name": "acme", "people": [{"id": "p"}]}"#;
    let one = people(fine, "a.json", blank, &["--allow-unknown"]);
    assert_eq!(one.code, 3, "{one:?}");
    assert!(one.stdout.contains("exit 3: nothing could be decided"), "{one:?}");
    assert_eq!(people(fine, "a.json", blank, &[]).code, 4);
    let both = people(fine, "a.ndjson", &format!("{blank}\n{SOUND}\n"), &["--allow-unknown", "--format", "ndjson"]);
    assert_eq!(both.code, 0, "{both:?}");
    let codes: Vec<Value> = both.accounts().iter().map(|line| line["exit_code"].clone()).collect();
    assert_eq!(codes, [3, 0]);
}

#[test]
fn a_derived_attribute_is_reported_if_it_states_nothing() {
    let schema = r#"
@path("") entity Org = { id: String, @derived total: Long };
@path("/teams/*") @key("id") entity Team in [Org] = { id: String, @derived size: Long, @derived big: Bool };
@path("/teams/*/members/*") @key("id") entity Member in [Team] = { id: String, admin: Bool };
action audit appliesTo { principal: [Org], resource: [Org, Team], context: {} };
action derive appliesTo { principal: [Org, Member], resource: [Org, Team], context: {} };
"#;
    let reported = |policies: &str| -> Vec<String> {
        let source = |name: &str, text: &str| Source::new(name, text).expect("a small text");
        let schema = Schema::parse(&source("s.cedarschema", schema)).0.expect("a valid schema");
        let (policies, mut all) = Policies::parse(&schema, &[source("p.cedar", policies)]);
        all.extend(Program::lower(&schema.model, &policies, |_| true).1);
        all.iter().map(|found| format!("{}: {}", found.code.name(), found.message)).collect()
    };
    let derivation = |name: &str, effect: &str, principal: &str, resource: &str, clauses: &str| {
        let id = format!("{name}-{}", clauses.len());
        format!(
            "@id(\"{id}\") @derives(\"{name}\")
             {effect} (principal is {principal}, action == Action::\"derive\", resource is {resource}) {clauses};"
        )
    };
    let check = |resource: &str, condition: &str| {
        format!(
            "@id(\"C\") @title(\"t\") @severity(\"low\")
             forbid (principal, action == Action::\"audit\", resource is {resource}) when {{ {condition} }};"
        )
    };
    let joined = derivation("size", "permit", "Member", "Team", "when { principal in resource }");
    let apart = derivation("size", "permit", "Member", "Team", "when { principal.admin }");
    let removed = derivation("size", "forbid", "Member", "Team", "when { !principal.admin }");
    let reads = check("Team", "resource.size > 3");
    let table: [(String, &[&str]); 9] = [
        (joined.clone() + &reads, &[]),
        (joined.clone() + &check("Team", "true"), &["derivation-unused: no policy reads `Team.size`"]),
        // Another derivation reads it.
        (
            joined.clone()
                + &derivation("big", "permit", "Org", "Team", "when { resource.size > 3 }")
                + &check("Team", "resource.big"),
            &[],
        ),
        // A policy with an error may read it.
        (joined.clone() + &check("Team", "resource.sized > 3"), &["policy-invalid"]),
        (apart.clone() + &reads, &["derivation-constant: `Team.size` is the same for every `Team`"]),
        (apart.clone() + &joined + &reads, &[]),
        (joined.clone() + &removed + &reads, &[]),
        // There is one resource, or one principal.
        (
            derivation("total", "permit", "Member", "Org", "when { principal.admin }")
                + &check("Org", "resource.total > 3"),
            &[],
        ),
        (
            derivation("big", "permit", "Org", "Team", "when { principal.id == \"big\" }")
                + &check("Team", "resource.big"),
            &[],
        ),
    ];
    for (policies, expected) in table {
        let found = reported(&policies);
        let is_expected = found.iter().zip(expected).all(|(found, expected)| found.starts_with(expected));
        assert!(found.len() == expected.len() && is_expected, "{policies}: {found:?}");
    }
}
