//! Hostile policies and schemas: a run ends soon, with the right verdict or an error that names the limit.
//!
//! Tests run on threads with a stack of 2 MiB, as a program does that uses the library.

use crate::support::{SCHEMA, SOUND, command, folder, harbour_by, replaced};
use deodar::catalogue::{self, Catalogue};
use deodar::diagnostic::{Code, Diagnostic};
use deodar::pack::{Pack, PackSources};
use deodar::policy::Policies;
use deodar::schema::Schema;
use deodar::source::Source;
use std::sync::Arc;

fn source(text: &str) -> Arc<Source> {
    Source::new("file", text).expect("it is short")
}

fn schema_of(text: &str) -> (Option<Schema>, Vec<Diagnostic>) {
    Schema::parse(&source(text))
}

fn policies_of(text: &str) -> (Policies, Vec<Diagnostic>) {
    let (schema, _) = schema_of(SCHEMA);
    Policies::parse(&schema.expect("the harbour has a schema"), &[source(text)])
}

/// A check of piers with one clause.
fn check(id: &str, clause: &str) -> String {
    let head = format!("@id(\"{id}\")\n@title(\"Title\")\n@severity(\"low\")\n");
    format!("{head}forbid (principal, action == Action::\"audit\", resource is Pier)\n{clause};\n")
}

/// `n` operands, each with its number in place of `#`, with an operator between them.
fn chain(n: usize, operand: &str, operator: &str) -> String {
    (0..n).map(|at| operand.replace('#', &(1_000 + at).to_string())).collect::<Vec<_>>().join(operator)
}

fn nested(n: usize, open: &str, inner: &str, close: &str) -> String {
    open.repeat(n) + inner + &close.repeat(n)
}

#[test]
fn large_conditions_within_the_limits_are_judged_and_described() {
    for (condition, fails) in [
        (chain(1_500, "resource.length == #", " || "), false),
        (chain(1_500, "resource.length != #", " && "), true),
        (chain(400, "resource.length != #", " && ") + " && " + &chain(500, "resource.length == #", " || "), false),
        (chain(1_500, "1", " + ") + " < resource.length", false),
        (nested(150, "(", "resource.length == 40", ")"), true),
        (nested(90, "!(", "!!(resource.length == 40)", ")"), true),
        (chain(150, "if resource.length == # then true else ", "") + "false", false),
        (nested(90, "if (", "resource.length == 40", ") then true else false"), true),
        (format!("[{}].contains(resource.length)", chain(20_000, "#", ",")), false),
    ] {
        let policies = check("X", &format!("when {{ {condition} }}"));
        let run = harbour_by(SCHEMA, &policies, SOUND, &["--only", "X"]);
        assert_eq!(run.code, i32::from(fails), "{}: {}", &condition[..60], run.stderr);

        let sources = [source(&policies)];
        let (pack, diagnostics) =
            Pack::compile(PackSources { schema: &source(SCHEMA), policies: &sources, waivers: &[] });
        assert!(diagnostics.is_empty(), "{diagnostics:?}");
        let pack = pack.expect("the harbour has a schema");
        let catalogue = Catalogue::new(&pack);
        catalogue::write(&catalogue, "deodar doc", &mut Vec::new()).expect("it can be written");
    }
}

#[test]
fn policies_beyond_a_limit_are_errors_and_hide_no_other() {
    let doubled = (0..40).fold("resource".to_owned(), |inner, _| {
        format!("(if {inner} is Pier in Harbour::\"a\" then resource else resource)")
    });
    for (clause, message) in [
        (format!("when {{ {} }}", chain(2_500, "resource.length == #", " || ")), "more than 2000 operators"),
        (format!("when {{ {} }}", chain(2_500, "resource.length == #", " && ")), "more than 2000 operators"),
        (format!("when {{ {} }}", chain(2_500, "1", " + ")), "more than 2000 operators"),
        (format!("when {{ resource.{} }}", chain(2_500, "a", ".")), "more than 2000 operators"),
        (format!("when {{ resource has {} }}", chain(2_500, "a", ".")), "more than 2000 operators"),
        (format!("when {{ {} true }}", "!".repeat(2_500)), "more than 2000 operators"),
        ("when { true } ".repeat(2_500), "more than 2000 operators"),
        (format!("when {{ {} }}", nested(250, "(", "true", ")")), "brackets and `if` nested deeper than 200 levels"),
        (format!("when {{ {} }}", nested(80, "[{a: (", "1", ")}]")), "brackets and `if` nested deeper"),
        (format!("when {{ {}true }}", chain(1_200, "if true then true else ", "")), "brackets and `if` nested deeper"),
        (format!("when {{ {doubled} is Pier }}"), "more than 100000 parts"),
        (format!("when {{ [{}].contains(1) }}", chain(60_000, "1", ",")), "more than 100000 parts"),
        (format!("when {{ resource.{} }}", "a".repeat(2_000)), "a name of more than 1000 bytes"),
        (format!("when {{ \"{}\" == \"\" }}", "a".repeat(20_000)), "at most 16384 are read"),
    ] {
        let text = check("BEFORE", "") + &check("X", &clause) + &check("AFTER", "unless { resource.length == 1 }");
        let (policies, diagnostics) = policies_of(&text);
        let [error] = &diagnostics[..] else { panic!("{message}: {diagnostics:?}") };
        assert!(error.message.contains(message), "{message}: {}", error.message);
        assert_eq!((error.code, error.labels.len(), error.help.is_some()), (Code::PolicySize, 1, true));
        let ids: Vec<&str> = policies.checks.iter().map(|check| check.statement.id.as_str()).collect();
        assert_eq!(ids, ["AFTER", "BEFORE"]);
    }
}

#[test]
fn schemas_beyond_a_limit_are_errors() {
    let types = |n: usize, ty: &dyn Fn(usize) -> String| {
        (0..n).map(|at| format!("type T{at} = {};\n", ty(at))).collect::<String>() + &format!("type T{n} = Long;\n")
    };
    let attributes = |n| (0..n).map(|at| format!("a{at}: Long, ")).collect::<String>();
    let entities = (0..1_100).map(|at| format!("@path(\"/e{at}\") entity E{at};\n")).collect::<String>();
    let names = |n| (0..n).map(|at| format!("E{at}")).collect::<Vec<_>>().join(", ");
    let applies = format!(
        "entity {};\naction \"a\" appliesTo {{ principal: [{}], resource: [{}] }};",
        names(200),
        names(200),
        names(200)
    );
    for (declarations, message) in [
        (types(20, &|at| format!("{{ a: T{}, b: T{} }}", at + 1, at + 1)), "a type of more than 4096 parts"),
        (
            types(60, &|at| format!("Set<{{ a: T{0}, b?: T{0}, c: T{0} }}>", at + 1)),
            "types nested deeper than 64 levels",
        ),
        (types(15, &|at| format!("Set<{{ a: T{0}, b?: T{0}, c: T{0} }}>", at + 1)), "a type of more than 4096 parts"),
        (types(3_000, &|at| format!("T{}", at + 1)), "types nested deeper than 64 levels"),
        (types(3_000, &|at| format!("{{ a: T{} }}", at + 1)), "types nested deeper than 64 levels"),
        (format!("type S = {};", nested(3_000, "Set<", "Long", ">")), "brackets nested deeper than 200 levels"),
        (format!("type S = {};", nested(3_000, "{a: ", "Long", "}")), "brackets nested deeper than 200 levels"),
        (format!("type S = {};", nested(100, "Set<", "Long", ">")), "types nested deeper than 64 levels"),
        (format!("@path(\"/e\") entity E {{ {} }};", attributes(5_000)), "a record of more than 4096 attributes"),
        (format!("@path(\"/e\") entity E {{ {} }};", attributes(70_000)), "a record of more than 4096 attributes"),
        (format!("entity {};", names(70_000)), "at most 1000 entity types"),
        (
            types(9, &|at| format!("{{ a: T{0}, b: T{0} }}", at + 1))
                + &(0..60).map(|at| format!("type U{at} = {{ a: T0 }};\n")).collect::<String>(),
            "the types of the schema have more than 100000 parts",
        ),
        (entities, "at most 1000 entity types"),
        ((0..1_100).map(|at| format!("action a{at};\n")).collect(), "at most 1000 actions"),
        (applies, "more than 20000 pairs of a principal type and a resource type"),
        (format!("namespace {} {{ }}", chain(1_000, "A", "::")), "a name of more than 1000 bytes"),
        (format!("@doc(\"{}\") type T = Long;", "a".repeat(20_000)), "at most 16384 are read"),
    ] {
        let (schema, diagnostics) = schema_of(&(SCHEMA.to_owned() + &declarations));
        assert!(schema.is_none(), "{message}");
        let [error] = &diagnostics[..] else { panic!("{message}: {diagnostics:?}") };
        assert!(error.message.contains(message), "{message}: {}", error.message);
        assert_eq!((error.code, error.labels.len(), error.help.is_some()), (Code::SchemaSize, 1, true));
        assert!(!error.labels[0].place.span.is_empty(), "{message}");
    }
}

#[test]
fn schemas_within_the_limits_are_read() {
    let types: String = (0..50).map(|at| format!("type T{at} = T{};\n", at + 1)).collect();
    let entities: String = (0..900).map(|at| format!("@path(\"/e{at}\") entity E{at} in [Harbour];\n")).collect();
    let attributes: String = (0..4_000).map(|at| format!("a{at}?: Long, ")).collect();
    for declarations in [
        format!("{types}type T50 = Long;\n@path(\"/e\") entity E in [Harbour] {{ a: T0 }};"),
        entities,
        format!("@path(\"/e\") entity E in [Harbour] {{ {attributes} }};"),
        format!("@path(\"/e\") entity E in [Harbour] {{ a: {} }};", nested(60, "Set<", "Long", ">")),
    ] {
        let (schema, diagnostics) = schema_of(&(SCHEMA.to_owned() + &declarations));
        assert!(schema.is_some() && diagnostics.is_empty(), "{diagnostics:?}");
    }
}

#[test]
fn types_that_name_themselves_are_errors_of_cedar() {
    for declarations in ["type A = A;", "type A = { b: B }; type B = Set<A>;"] {
        let (schema, diagnostics) = schema_of(&(SCHEMA.to_owned() + declarations));
        assert!(schema.is_none());
        assert!(diagnostics.iter().all(|error| error.code == Code::SchemaInvalid), "{diagnostics:?}");
    }
}

#[test]
fn many_pairs_of_types_times_many_parts_are_an_error() {
    let names = |n| (0..n).map(|at| format!("E{at}")).collect::<Vec<_>>().join(", ");
    let entities: String = (0..900).map(|at| format!("@path(\"/e{at}\") entity E{at} in [Harbour];\n")).collect();
    let schema = replaced(SCHEMA, "resource: [Harbour, Person", &format!("resource: [Harbour, {}, Person", names(900)));
    let (schema, diagnostics) = schema_of(&(schema + &entities));
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    let wide = format!("when {{ [{}].contains(1) }}", chain(30_000, "#", ","));
    let text = check("NARROW", &wide) + &check("WIDE", &wide).replace("resource is Pier", "resource");
    let (policies, diagnostics) = Policies::parse(&schema.expect("it is sound"), &[source(&text)]);
    let [error] = &diagnostics[..] else { panic!("{diagnostics:?}") };
    assert!(error.message.contains("is validated for 905 pairs of types"), "{}", error.message);
    assert_eq!(policies.checks.len(), 1);
}

#[test]
fn long_ids_and_titles_are_errors_and_all_commands_end() {
    for (annotation, message) in [
        (format!("@id(\"{}\")", "i".repeat(70_000)), "a string of 70002 bytes"),
        (format!("@id(\"{}\")", "i".repeat(201)), "`@id` has 201 characters; the limit is 200"),
        (format!("@id(\"X\")\n@soc2(\"{}\")", "1".repeat(1_001)), "`@soc2` has 1001 characters"),
    ] {
        let policies = replaced(&check("X", ""), "@id(\"X\")", &annotation);
        let files = folder(&[
            ("harbour.cedarschema", SCHEMA.as_bytes()),
            ("policies/harbour.cedar", policies.as_bytes()),
            ("snapshot.json", SOUND.as_bytes()),
        ]);
        let pack = ["--schema", "harbour.cedarschema", "--policies", "policies"];
        for arguments in [&["list"][..], &["doc"], &["explain", "X"], &["check", "snapshot.json"]] {
            let output = command(files.path()).args(arguments).args(pack).output().expect("it runs");
            let said = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
            assert!(said.split_whitespace().collect::<Vec<_>>().join(" ").contains(message), "{arguments:?}: {said}");
            let code = if arguments[0] == "explain" { [2, 5] } else { [5, 5] };
            assert!(output.status.code().is_some_and(|found| code.contains(&found)), "{arguments:?}: {output:?}");
        }
    }
}

#[test]
fn places_are_exact_in_a_file_of_which_some_policies_are_broken() {
    let broken = "@id(\"B\") // ü ; \r\nforbid (principal, action, resource) when { resource. };\n";
    let text = broken.to_owned()
        + &check("ÄÖ", "when { resource.length == 1 }")
        + broken
        + &check("NOTE", "unless { resource.flags.contains(\"ü\") }")
            .replace("@severity(\"low\")", "@severity(\"lo\")");
    let (policies, diagnostics) = policies_of(&text);
    let at = |label: &deodar::diagnostic::Label| (label.place.span.start as usize, label.place.text().to_owned());
    let places: Vec<(usize, String)> = diagnostics.iter().filter_map(|error| error.labels.first().map(at)).collect();
    let first = text.find("};").expect("it is there");
    let second = first + text[first + 1..].find(". }").expect("it is there") + 3;
    let severity = text.rfind("\"lo\"").expect("it is there");
    assert_eq!(places, [(first, "}".into()), (second, "}".into()), (severity, "\"lo\"".into())]);
    let clauses: Vec<&str> = policies
        .checks
        .iter()
        .flat_map(|check| check.statement.clauses.iter().map(|clause| check.statement.source.slice(clause.span)))
        .collect();
    assert_eq!(clauses, ["unless { resource.flags.contains(\"ü\") }", "when { resource.length == 1 }"]);
    for check in &policies.checks {
        let clause = &check.statement.clauses[0];
        let place = clause.expr.source_loc().expect("it has a place");
        let written = &text[place.start()..place.end()];
        let keyword = check.statement.source.slice(clause.span);
        assert!(keyword.contains(written) && written.starts_with("resource."), "{written}");
    }
}

#[test]
fn syntax_errors_cost_as_much_as_the_file_is_long() {
    let text = "forbid (principal, action, resource) when { resource. };\n".repeat(10_000) + &check("LAST", "");
    let (policies, diagnostics) = policies_of(&text);
    assert_eq!(policies.checks.len(), 1);
    assert_eq!(diagnostics.len(), 101);
    assert!(diagnostics.iter().any(|error| error.message == "9900 more policies of `file` do not parse"));
}

#[test]
fn the_errors_of_a_policy_are_counted() {
    let clause = format!("when {{ {} }}", chain(500, "resource.nothing == #", " || "));
    let (policies, diagnostics) = policies_of(&check("X", &clause));
    assert_eq!((policies.checks.len(), diagnostics.len()), (1, 21));
    assert!(diagnostics.iter().any(|error| error.message == "`X` has 480 more errors, from here on"));
}

#[test]
fn the_policies_of_a_file_are_counted() {
    let (policies, diagnostics) = policies_of(&";".repeat(20_001));
    let [error] = &diagnostics[..] else { panic!("{} diagnostics", diagnostics.len()) };
    assert_eq!((error.message.as_str(), policies.checks.len()), ("a file has at most 20000 policies", 0));
}

#[test]
fn the_text_of_a_finding_is_bounded_and_json_lists_everything() {
    for (clause, more) in [
        (format!("when {{ {} }}", chain(1_000, "resource.length != #", " && ")), "… and 988 more clauses"),
        (format!("when {{ {} }}", chain(1_000, "resource.length != #", "\n&& ")), "… and 988 more clauses"),
    ] {
        let policies = check("X", &clause);
        let text = harbour_by(SCHEMA, &policies, SOUND, &[]);
        assert!(text.stdout.len() < 20_000, "{} bytes", text.stdout.len());
        assert!(text.stdout.contains(&format!("{more}; --format json shows them")), "{}", text.stdout);
        let json = harbour_by(SCHEMA, &policies, SOUND, &["--format", "json"]);
        assert_eq!(json.json()["findings"][0]["clauses"].as_array().map(Vec::len), Some(1_000));
        assert!(json.stdout.len() < 4_000_000, "{} bytes", json.stdout.len());
    }
}

#[test]
fn the_number_of_threads_is_bounded() {
    let files = folder(&[("harbour.cedarschema", SCHEMA.as_bytes()), ("harbour.cedar", check("X", "").as_bytes())]);
    for (variable, warning) in [
        ("2", None),
        ("100000", Some("RAYON_NUM_THREADS is `100000`, valid are 0 to 1024; the run has one")),
        ("many", Some("RAYON_NUM_THREADS is `many`, valid are 0 to 1024; the run has one")),
    ] {
        let pack = ["--schema", "harbour.cedarschema", "--policies", "harbour.cedar"];
        let output =
            command(files.path()).env("RAYON_NUM_THREADS", variable).arg("list").args(pack).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{output:?}");
        assert!(warning.map_or(said.is_empty(), |warning| said.contains(warning)), "{said}");
    }
}
