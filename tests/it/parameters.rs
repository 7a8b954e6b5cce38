//! Parameters for one instance: a pier of the harbour.

use crate::support::{self, HARBOUR, NOW, POLICIES, Run, SCHEMA, SOUND, deodar, edited, harbour_by, replaced};
use expect_test::expect;
use serde_json::{Value, json};

const SCOPED: &str = "@key(\"id\")\n@parameter_scope\nentity Pier";

fn schema() -> String {
    replaced(SCHEMA, "@key(\"id\")\nentity Pier", SCOPED)
}

/// The sound harbour with a second pier, which has one boat.
fn two_piers() -> String {
    edited(
        "  \"buoys\"",
        "  \"more\": [],\n  \"buoys\"",
    )
    .replacen(
        "    }\n  ],\n  \"more\": []",
        "    },\n    { \"id\": \"west\", \"length\": 20, \"flags\": [], \"boats\": [\n      { \"name\": \"Kite\", \"owner\": \"ada@anse.example\", \"length\": 3, \"light\": \"white\" }\n    ] }\n  ]",
        1,
    )
}

fn check(snapshot: &str, arguments: &[&str]) -> Run {
    harbour_by(&schema(), POLICIES, snapshot, arguments)
}

/// The verdicts of the check that reads `max_boats`, that are not a pass, by resource.
fn piers(run: &Run) -> Vec<String> {
    let report = run.json();
    let findings = report["findings"].as_array().expect("a list").iter().filter(|found| found["check"] == "HB-PIER-01");
    findings.map(|found| format!("{} {}", found["resource"]["id"], found["verdict"]).replace('"', "")).collect()
}

fn errors(run: &Run) -> String {
    let report = run.json();
    let found = report["diagnostics"].as_array().expect("a list").iter();
    let shown = found.map(|found| match found["help"].as_str() {
        Some(help) => format!("{}: {} ({help})\n", found["code"], found["message"]).replace('"', ""),
        None => format!("{}: {}\n", found["code"], found["message"]).replace('"', ""),
    });
    shown.chain([format!("exit {}", run.code)]).collect()
}

const JSON: [&str; 2] = ["--format", "json"];

fn with(parameters: &[&str]) -> Run {
    let parameters: Vec<&str> = parameters.iter().flat_map(|parameter| ["--param", *parameter]).collect();
    check(&two_piers(), &[&JSON[..], &parameters].concat())
}

#[test]
fn a_parameter_of_an_instance_overrides_that_of_the_run_for_this_instance_only() {
    assert_eq!(piers(&with(&[])), [""; 0]);
    assert_eq!(piers(&with(&["east:max_boats=1"])), ["east fail"]);
    assert_eq!(piers(&with(&["west:max_boats=0", "max_boats=1"])), ["east fail", "west fail"]);
    assert_eq!(piers(&with(&["max_boats=0", "east:max_boats=2"])), ["west fail"]);
    assert_eq!(piers(&with(&["\"east\":max_boats=2", "max_boats=0", "west:max_boats=1"])), [""; 0]);
}

#[test]
fn both_engines_use_the_parameters_of_the_instance() {
    let reference = ["east:max_boats=1", "--engine", "reference"];
    assert_eq!(piers(&with(&reference[..1])), ["east fail"]);
    let run = check(&two_piers(), &[&JSON[..], &["--param", reference[0]], &reference[1..]].concat());
    assert_eq!(piers(&run), ["east fail"]);
}

#[test]
fn a_finding_shows_the_value_for_the_instance_and_the_report_lists_it() {
    let report = with(&["east:max_boats=1"]).json();
    assert_eq!(report["run"]["parameters"]["max_boats"], json!({ "value": 2, "origin": "default" }));
    let scoped = json!([{ "type": "Pier", "id": "east", "name": "max_boats", "value": 1 }]);
    assert_eq!(report["run"]["scoped_parameters"], scoped);
    let reads = report["findings"][0]["clauses"][0]["reads"].as_array().expect("a list");
    let read = reads.iter().find(|read| read["kind"] == "parameter").expect("it reads one");
    assert_eq!((&read["entity"], &read["value"]), (&json!("Pier::\"east\""), &json!("1")));
    let text = check(&two_piers(), &["--param", "east:max_boats=1"]).stdout;
    assert!(text.contains("boats = 2, max_boats = 1 for Pier::\"east\""), "{text}");
}

#[test]
fn an_explained_check_says_that_its_parameters_may_be_those_of_an_instance() {
    let (schema, explain) =
        (schema(), ["explain", "HB-PIER-01", "--schema", "harbour.cedarschema", "--policies", "policies"]);
    let files = [("harbour.cedarschema", schema.as_bytes()), ("policies/harbour.cedar", POLICIES.as_bytes())];
    let run = deodar(&files, &explain);
    assert!(run.stdout.contains("Parameters (for one Pier: --param ID:name=value)\n  max_boats: Long"), "{run:?}");
}

#[test]
fn a_derived_attribute_is_computed_with_the_parameters_of_the_instance() {
    let policies = replaced(
        POLICIES,
        "when { principal in resource };",
        "when { principal in resource && principal.length > context.parameters.max_boats };",
    );
    let run = |parameter| harbour_by(&schema(), &policies, two_piers(), &[&JSON[..], &["--param", parameter]].concat());
    let counts = |run: &Run| {
        let report = run.json();
        let boats = report["findings"].as_array().expect("a list").iter().flat_map(|found| {
            let reads = found["clauses"][0]["reads"].as_array().expect("a list").clone();
            reads.into_iter().filter(|read| read["kind"] == "derived")
        });
        boats.map(|read| format!("{} {}", read["entity"], read["value"]).replace(['"', '\\'], "")).collect::<Vec<_>>()
    };
    assert_eq!(counts(&run("east:max_boats=1")), ["Pier::east 2"]);
    assert_eq!(counts(&run("east:max_boats=9")), [""; 0]);
    assert_eq!(counts(&run("west:max_boats=0")), ["Pier::west 1"]);
}

#[test]
fn what_is_wrong_with_a_parameter_of_an_instance_is_an_error() {
    let settings = [
        "eats:max_boats=1",
        "north-north-east:max_boats=1",
        "east:max_boat=1",
        "east:max_boats=many",
        "west:max_boats=1",
        "west:max_boats=2",
    ];
    expect![[r#"
        parameter: `many` is not a valid value for parameter `max_boats` (set for Pier `east`) (Long) (expected a whole number of 64 bits)
        parameter: a parameter is set for Pier `eats`, and no judged snapshot has it (did you mean `east`?)
        parameter: a parameter is set for Pier `north-north-east`, and no judged snapshot has it (name it by its id: the first snapshot that was judged has `east`, `west`)
        parameter: parameter `max_boats` (set for Pier `west`) is set twice
        parameter: there is no parameter `max_boat` (set for Pier `east`) (did you mean `max_boats`?)
        exit 5"#]]
    .assert_eq(&errors(&with(&settings)));
    // Only a check on the harbour reads it.
    expect![[r#"
        parameter: parameter `max_age` (set for Pier `east`) has no effect (the checks that read it judge no Pier, and nothing in one: set it for the whole run)
        exit 0"#]]
    .assert_eq(&errors(&with(&["east:max_age=1d"])));
    let plain = |parameter| harbour_by(SCHEMA, POLICIES, SOUND, &[&JSON[..], &["--param", parameter]].concat());
    expect![[r#"
        parameter: `east:max_boats` cannot be set: no entity type of the schema has `@parameter_scope` (set `max_boats` for the whole run)
        exit 5"#]]
    .assert_eq(&errors(&plain("east:max_boats=1")));
}

#[test]
fn the_schema_allows_parameters_for_the_instances_of_one_type_with_a_key() {
    let of = |from: &str, to: &str| errors(&harbour_by(&replaced(&schema(), from, to), POLICIES, SOUND, &JSON));
    expect![[r#"
        schema-annotation: `@parameter_scope` is on `Boat`, too (keep it on one entity type)
        exit 5"#]]
    .assert_eq(&of("entity Boat", "@parameter_scope\nentity Boat"));
    expect![[r#"
        schema-annotation: `@parameter_scope` needs ids that name the instances, so the type needs a `@key`
        exit 5"#]]
    .assert_eq(&of(SCOPED, "@parameter_scope\nentity Pier"));
    expect![[r#"
        schema-annotation: `@parameter_scope` has a value (write `@parameter_scope`, or remove it if that is not meant)
        exit 5"#]]
    .assert_eq(&of("@parameter_scope", "@parameter_scope(\"id\")"));
    expect![[r#"
        schema-annotation: `@parameter_scope` is not possible on an enumerated entity type (remove `@parameter_scope`)
        exit 5"#]]
    .assert_eq(&of("entity Light", "@parameter_scope entity Light"));
}

/// Judges snapshots, one a line, and returns the lines.
fn fleet(snapshots: &[&str], arguments: &[&str]) -> (Run, Vec<Value>) {
    let line = |text: &&str| serde_json::from_str::<Value>(text).expect("it is JSON").to_string() + "\n";
    let fleet: String = snapshots.iter().map(line).collect();
    let schema = schema();
    let files = [
        ("harbour.cedarschema", schema.as_bytes()),
        ("policies/harbour.cedar", POLICIES.as_bytes()),
        ("fleet.ndjson", fleet.as_bytes()),
    ];
    let mut all = HARBOUR.to_vec();
    all[1] = "fleet.ndjson";
    let run = deodar(&files, &[&all[..], &["--format", "ndjson"], arguments].concat());
    let lines = run.accounts();
    (run, lines)
}

#[test]
fn one_account_of_a_fleet_with_the_instance_is_enough() {
    let (two, one) = (two_piers(), SOUND);
    let (run, lines) = fleet(&[one, &two], &["--param", "west:max_boats=0"]);
    let codes: Vec<&Value> = lines.iter().map(|line| &line["exit_code"]).collect();
    assert_eq!((codes, run.code), (vec![&json!(0), &json!(1)], 1), "{run:?}");
    let (run, lines) = fleet(&[one, one], &["--param", "west:max_boats=0"]);
    let codes: Vec<&Value> = lines.iter().map(|line| &line["exit_code"]).collect();
    assert_eq!((codes, run.code), (vec![&json!(0), &json!(0)], 5), "{run:?}");
    assert!(run.stdout.contains("no judged snapshot has it"), "the last line contains the errors of the run: {run:?}");
}

#[test]
fn an_instance_without_a_known_id_may_be_any_that_the_snapshot_lacks() {
    let two = two_piers();
    let nameless = two.replacen("\"id\": \"west\"", "\"id\": null", 1);
    let verdicts = |parameter: &str| {
        let (_, lines) = fleet(&[&nameless, &two], &["--param", parameter]);
        let findings = lines[0]["findings"].as_array().expect("a list").clone();
        let findings = findings.into_iter().filter(|found| found["check"] == "HB-PIER-01");
        findings.map(|found| format!("{}: {}", found["verdict"], found["message"])).collect::<Vec<_>>()
    };
    // Whether the pier with one boat is the western one is not known, and its verdict depends on that.
    expect![[r#""unknown": "id of Pier::\"1\" was not captured""#]].assert_eq(&verdicts("west:max_boats=0").join("\n"));
    assert_eq!(verdicts("west:max_boats=1"), [""; 0]);
    // The eastern pier is another one.
    assert_eq!(verdicts("east:max_boats=3"), [""; 0]);
}

#[test]
fn a_list_without_captured_instances_may_have_the_instance() {
    let two = two_piers();
    let start = two.find("\"piers\": [").expect("there are piers");
    let end = two.find("  \"buoys\"").expect("there are buoys");
    let lacking = format!("{}\"piers\": null,\n{}", &two[..start], &two[end..]);
    let policies = replaced(
        POLICIES,
        "unless { resource.boats <= context.parameters.max_boats };",
        "unless { context.parameters.max_boats > 1 };",
    );
    let run = |parameter| harbour_by(&schema(), &policies, &lacking, &[&JSON[..], &["--param", parameter]].concat());
    assert_eq!(piers(&run("west:max_boats=3")), [""; 0]);
    assert_eq!(piers(&run("west:max_boats=1")), ["* unknown"]);
    assert_eq!(run("west:max_boats=1").code, 5);
}

/// Runs cases on the harbour with two piers.
fn test(cases: &str, more: &[&str]) -> Run {
    let (schema, snapshot) = (schema(), two_piers());
    let cases = format!("base = \"../snapshot.json\"\nnow = \"{NOW}\"\n{cases}");
    let files = [
        ("harbour.cedarschema", schema.as_bytes()),
        ("policies/harbour.cedar", POLICIES.as_bytes()),
        ("policies/harbour.test.toml", cases.as_bytes()),
        ("snapshot.json", snapshot.as_bytes()),
    ];
    support::deodar(&files, &[&["test", "--schema", "harbour.cedarschema", "--policies", "policies"], more].concat())
}

#[test]
fn a_case_sets_parameters_of_an_instance() {
    let run = test(
        r#"[[case]]
name = "one boat is enough for the eastern pier"
parameters = { "east:max_boats" = 1 }
expect = { "HB-PIER-01 Pier east" = { verdict = "fail", clause = "max_boats" }, "HB-PIER-01 Pier west" = "pass" }

[[case]]
name = "no pier but the eastern one may have boats"
parameters = { max_boats = 0 }
each = [{ parameters = { "east:max_boats" = 2 } }]
expect = { "HB-PIER-01 Pier east" = "pass", "HB-PIER-01 Pier west" = "fail" }
"#,
        &["--coverage", "--mutate", "--filter", "HB-PIER-01"],
    );
    assert_eq!(run.code, 0, "{run:?}");
    // A change of the comparison is noticed by the case with the value for the instance.
    assert!(!run.stdout.contains("(boundary)"), "{run:?}");
}

#[test]
fn a_case_that_sets_a_parameter_of_another_instance_is_wrong() {
    let run = test(
        r#"[[case]]
name = "eats"
parameters = { "eats:max_boats" = 1 }
expect = { "HB-PIER-01 Pier east" = "pass" }
"#,
        &[],
    );
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.stdout.contains("did you mean `east`?"), "{run:?}");
    let twice = "[[case]]\nname = \"twice\"\nparameters = { \"east:max_boats\" = 1, '\"east\":max_boats' = 2 }\nexpect = { \"HB-PIER-01 Pier east\" = \"fail\" }\n";
    let run = test(twice, &[]);
    assert_eq!(run.code, 5, "{run:?}");
    assert!(run.stdout.contains("is set twice"), "{run:?}");
}
