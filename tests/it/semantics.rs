//! Verdicts: tables of clauses and their results on one thing, some of whose values are absent or not captured.

use crate::support::{NOW, in_memory, written};
use deodar::engine::Verdict;
use deodar::render::{Detail, Style};
use deodar::value::parse_datetime;
use deodar::{Options, Session};

const SCHEMA: &str = r#"
@path("") @key("name")
entity Box = { name: String, limit: Long };
@path("/marks/*") @key("id")
entity Mark in [Box] = { id: String, on: Bool, lit?: Bool };
@path("/things/*") @key("id")
entity Thing in [Box] = {
  id: String, a: Bool, b: Bool, n: Long, o?: Long, words: Set<String>, mark: Mark,
  part: { c: Bool, d?: Bool },
  @derived any: Bool, @derived count: Long, @derived which: Set<Mark>,
};
type Parameters = { @default("5") max: Long, unset: Long };
type Context = { now: datetime, parameters: Parameters };
action "all";
action "audit" in ["all"] appliesTo { principal: [Box], resource: [Thing], context: Context };
action "derive" appliesTo { principal: [Mark], resource: [Thing], context: Context };
"#;

/// Everything captured: a and b are true, n is 3, o is absent, two marks of which one is on.
const WHOLE: &str = r#"{ "name": "x", "limit": 4,
  "marks": [{ "id": "p", "on": true }, { "id": "q", "on": false }],
  "things": [{ "id": "t", "a": true, "b": true, "n": 3, "words": ["w"], "mark": "p", "part": { "c": true } }] }"#;

const DERIVATIONS: &str = r#"
@id("d-any") @derives("any") permit (principal is Mark, action == Action::"derive", resource is Thing) when { principal.on };
@id("d-count") @derives("count") permit (principal is Mark, action == Action::"derive", resource is Thing) when { principal.on };
@id("d-which") @derives("which") permit (principal is Mark, action == Action::"derive", resource is Thing) when { principal.on };
"#;

/// Judges the thing `t` of [`WHOLE`], edited, by one check with `clauses`, after more policies.
fn judged(edits: &[(&str, &str)], more: &str, clauses: &str) -> (String, serde_json::Value) {
    let snapshot = edits.iter().fold(WHOLE.to_owned(), |text, (from, to)| crate::support::replaced(&text, from, to));
    let check = format!(
        "{DERIVATIONS}{more}@id(\"C\") @title(\"t\") @severity(\"low\")\n\
         forbid (principal, action == Action::\"audit\", resource is Thing)\n{clauses};"
    );
    let inputs = in_memory(("s.cedarschema", SCHEMA), &[("p.cedar", &check)], &[("s.json", &snapshot)]);
    let report = Session::default().run(&inputs, &Options::at(parse_datetime(NOW).expect("it is a time")));
    let given: Vec<Verdict> = Verdict::ALL.into_iter().filter(|verdict| report.count(*verdict) == 1).collect();
    let style = Style { width: 80, color: false, detail: Detail::Normal };
    let report = serde_json::from_str(&written(&report, "json", style)).expect("it is JSON");
    let [verdict] = given[..] else { panic!("one verdict: {report:#}") };
    (verdict.name().to_owned(), report)
}

/// Holds every row, `clauses => verdict`, to its verdict.
fn table(edits: &[(&str, &str)], more: &str, rows: &str) {
    for row in rows.lines().map(str::trim).filter(|row| !row.is_empty()) {
        let (clauses, expected) = row.rsplit_once("=>").expect("a row is `clauses => verdict`");
        let (verdict, report) = judged(edits, more, clauses);
        assert_eq!(verdict, expected.trim(), "{clauses} of {edits:?}\n{report:#}");
    }
}

/// Takes the attribute `a` out of the thing.
const NO_A: (&str, &str) = (r#""a": true, "#, "");
/// Takes the list of marks away.
const NO_MARKS: (&str, &str) = (r#""marks": [{ "id": "p", "on": true }, { "id": "q", "on": false }],"#, "");
/// Leaves open whether `q` is on.
const Q_OPEN: (&str, &str) = (r#"{ "id": "q", "on": false }"#, r#"{ "id": "q" }"#);

#[test]
fn clauses_say_whether_a_check_applies_and_whether_a_thing_complies() {
    table(
        &[],
        "",
        "when { resource.a }                                                   => fail
         when { !resource.a }                                                  => pass
         unless { resource.a }                                                 => pass
         unless { !resource.a }                                                => fail
         when { resource.a } unless { resource.b }                             => pass
         when { resource.a } unless { !resource.b }                            => fail
         when { !resource.a } unless { resource.b }                            => not_applicable
         when { !resource.a } unless { !resource.b }                           => not_applicable
         when { resource.a } when { !resource.b } unless { false }             => not_applicable
         when { resource.a } unless { !resource.b } unless { resource.a }      => pass
         unless { !resource.b } unless { !resource.a }                         => fail
                                                                               => fail",
    );
}

#[test]
fn unknown_matters_only_where_it_can_change_the_answer() {
    table(
        &[NO_A],
        "",
        "when { resource.a }                                        => unknown
         unless { resource.a }                                      => unknown
         when { resource.a } unless { resource.b }                  => pass
         when { resource.a } unless { !resource.b }                 => unknown
         when { !resource.b } unless { resource.a }                 => not_applicable
         when { resource.b } unless { resource.a }                  => unknown
         unless { resource.a } unless { resource.b }                => pass
         unless { resource.a || resource.b }                        => pass
         unless { resource.b || resource.a }                        => pass
         when { resource.a && !resource.b }                         => pass
         when { !resource.b && resource.a }                         => pass
         when { resource.a || resource.b }                          => fail
         when { !resource.a }                                       => unknown
         when { if resource.a then resource.b else resource.b }     => fail
         when { if resource.a then resource.b else !resource.b }    => unknown
         when { resource.a == resource.b }                          => unknown",
    );
}

#[test]
fn null_for_a_required_attribute_is_not_captured_and_for_an_optional_one_absent() {
    table(&[(r#""a": true"#, r#""a": null"#)], "", "when { resource.a } => unknown");
    table(
        &[],
        "",
        "when { resource has o }                     => pass
         unless { resource has o && resource.o > 1 } => fail
         when { resource.part has d }                => pass",
    );
    table(&[(r#""n": 3"#, r#""n": 3, "o": null"#)], "", "when { resource has o } => pass");
    table(&[(r#""n": 3"#, r#""n": 3, "o": 2"#)], "", "when { resource has o && resource.o == 2 } => fail");
}

#[test]
fn a_record_that_was_not_captured_takes_its_members_along() {
    table(
        &[(r#", "part": { "c": true }"#, "")],
        "",
        "when { resource.part.c }      => unknown
         when { resource.part has d }  => unknown",
    );
    table(&[(r#""part": { "c": true }"#, r#""part": {}"#)], "", "when { resource.part.c } => unknown");
}

#[test]
fn arithmetic_that_does_not_fit_is_unknown_and_names_the_part_that_failed() {
    let (verdict, report) = judged(&[], "", "unless { resource.n + 9223372036854775807 > 0 }");
    assert_eq!(verdict, "unknown");
    let clause = &report["findings"][0]["clauses"][0];
    assert_eq!(clause["outcome"], "error");
    assert_eq!(clause["failure"]["reason"], "the result does not fit 64 bits");
    let start = clause["failure"]["span"]["start"]["offset"].as_u64().expect("an offset") as i64;
    let end = clause["failure"]["span"]["end"]["offset"].as_u64().expect("an offset") as i64;
    assert_eq!(end - start, "resource.n + 9223372036854775807".len() as i64);
    table(
        &[],
        "",
        "when { resource.n * 9223372036854775807 > 0 }                      => unknown
         when { resource.a || resource.n + 9223372036854775807 > 0 }        => fail
         when { !resource.a && resource.n + 9223372036854775807 > 0 }       => pass
         when { resource.n + 9223372036854775807 > 0 && !resource.a }       => unknown
         when { resource.n + 9223372036854775807 > 0 } unless { resource.a } => unknown",
    );
}

/// Nothing is missing, so there is nothing to capture.
#[test]
fn an_error_in_a_derivation_names_the_part_that_failed() {
    let off = [(r#""on": true"#, r#""on": false"#)];
    for (attribute, clauses) in [
        ("any", "when { resource.any }"),
        ("count", "when { resource.count == 1 }"),
        ("which", "unless { resource.which.isEmpty() }"),
    ] {
        let derivation = format!(
            "@id(\"over\") @derives(\"{attribute}\")\n\
             permit (principal is Mark, action == Action::\"derive\", resource is Thing)\n\
             when {{ principal.id == \"q\" && resource.n + 9223372036854775807 > 0 }};\n"
        );
        let (verdict, report) = judged(&off, &derivation, clauses);
        let finding = &report["findings"][0];
        assert_eq!((&*verdict, &finding["capture"]), ("unknown", &serde_json::json!([])), "{report:#}");
        let reason = "`resource.n + 9223372036854775807` cannot be evaluated: the result does not fit 64 bits";
        assert_eq!(finding["message"], reason);
        let [of_check, of_derivation] = &finding["clauses"].as_array().expect("a list")[..] else {
            panic!("two clauses: {finding:#}");
        };
        assert_eq!((&of_check["outcome"], &of_derivation["outcome"]), (&"unknown".into(), &"error".into()));
        assert_eq!(of_check["reads"][0]["derived_from"]["witnesses"][0]["entity"], "Mark::\"q\"");
        assert_eq!(of_derivation["reads"][0]["pointer"], "/things/0/n");
    }
    // A value that was not captured is another reason.
    let open = [("\"n\": 3", "\"n\": null"), off[0]];
    let derivation = "@id(\"more\") @derives(\"any\")\n\
                      permit (principal is Mark, action == Action::\"derive\", resource is Thing) when { resource.n > 2 };";
    let (_, report) = judged(&open, derivation, "when { resource.any }");
    assert_eq!(report["findings"][0]["clauses"].as_array().map(Vec::len), Some(1), "{report:#}");
    assert_eq!(report["findings"][0]["capture"][0]["pointer"], "/things/0/n");
}

#[test]
fn a_reference_to_nobody_is_unknown_where_it_is_read() {
    let dangling = [(r#""mark": "p""#, r#""mark": "z""#)];
    table(
        &dangling,
        "",
        "when { resource.mark.on }                 => unknown
         unless { resource.mark.on }               => unknown
         unless { resource.mark.on || resource.a } => unknown
         unless { resource.a || resource.mark.on } => pass
         when { resource.mark has lit }            => unknown
         unless { resource.mark has lit }          => unknown
         when { resource.mark in Box::\"x\" }    => unknown
         when { resource.mark == Mark::\"p\" }   => pass",
    );
    for clauses in ["when { resource.mark.on }", "unless { resource.mark has lit && resource.mark.lit }"] {
        let (_, report) = judged(&dangling, "", clauses);
        assert_eq!(report["run"]["exit_code"], 5, "a dangling reference is an error of the snapshot");
        let finding = &report["findings"][0];
        let message = finding["message"].as_str().expect("a text");
        assert!(message.ends_with(" cannot be evaluated: Mark::\"z\" is not in the snapshot"), "{message}");
        assert_eq!(finding["clauses"][0]["outcome"], "unknown");
        assert_eq!(finding["clauses"][0]["reads"][0]["pointer"], "/things/0/mark");
    }
}

#[test]
fn a_reference_into_a_list_that_was_not_captured_is_unknown_without_an_error() {
    let (verdict, report) = judged(&[NO_MARKS], "", "when { resource.mark.on }");
    assert_eq!(verdict, "unknown");
    assert_eq!(report["summary"]["errors"], 0);
}

#[test]
fn counts_are_ranges_where_membership_is_open_and_the_range_decides_what_it_can() {
    table(
        &[],
        "",
        "when { resource.count == 1 }                  => fail
         when { resource.any }                         => fail
         when { resource.which == [Mark::\"p\"] }      => fail",
    );
    table(
        &[Q_OPEN],
        "",
        "when { resource.count >= 1 }                  => fail
         when { resource.count > 2 }                   => pass
         when { resource.count == 3 }                  => pass
         when { resource.count == 1 }                  => unknown
         when { resource.count == 2 }                  => unknown
         when { resource.count + 1 >= 2 }              => fail
         when { resource.any }                         => fail
         when { resource.which.contains(Mark::\"p\") } => fail
         when { resource.which.contains(Mark::\"q\") } => unknown
         when { resource.which.isEmpty() }             => pass",
    );
    table(
        &[NO_MARKS],
        "",
        "when { resource.count >= 0 }                  => fail
         when { resource.count < 0 }                   => pass
         when { resource.count >= 1 }                  => unknown
         when { resource.count == 0 }                  => unknown
         when { resource.any }                         => unknown
         when { resource.which.isEmpty() }             => unknown",
    );
    table(
        &[(r#"[{ "id": "p", "on": true }, { "id": "q", "on": false }]"#, "null")],
        "",
        "when { resource.count == 0 } => unknown",
    );
    let none =
        [(r#"[{ "id": "p", "on": true }, { "id": "q", "on": false }]"#, "[]"), (r#""mark": "p""#, r#""mark": null"#)];
    table(
        &none,
        "",
        "when { resource.count == 0 }                  => fail
         unless { resource.any }                       => fail
         when { resource.which.isEmpty() }             => fail",
    );
}

#[test]
fn a_forbidden_derivation_takes_away() {
    let forbid = "@id(\"minus\") @derives(\"count\")\n\
                  forbid (principal is Mark, action == Action::\"derive\", resource is Thing) when { principal.id == \"p\" };";
    table(&[], forbid, "when { resource.count == 0 } => fail");
    let open = "@id(\"minus\") @derives(\"count\")\n\
                forbid (principal is Mark, action == Action::\"derive\", resource is Thing) when { resource.a };";
    table(&[NO_A], open, "when { resource.count == 0 } => unknown\nwhen { resource.count <= 1 } => fail");
}

#[test]
fn derivations_of_one_attribute_add_up_without_counting_twice() {
    let more = "@id(\"more\") @derives(\"count\")\n\
                permit (principal is Mark, action == Action::\"derive\", resource is Thing) when { principal.id like \"*\" };";
    table(&[], more, "when { resource.count == 2 } => fail");
}

#[test]
fn sets_with_an_unread_element_answer_what_they_can() {
    table(
        &[(r#"["w"]"#, r#"["w", null]"#)],
        "",
        "when { resource.words.contains(\"w\") }          => fail
         when { resource.words.contains(\"v\") }          => unknown
         when { resource.words.containsAll([\"w\"]) }     => fail
         when { resource.words.isEmpty() }                => pass",
    );
}

#[test]
fn a_parameter_that_nobody_set_is_unknown() {
    table(
        &[],
        "",
        "when { resource.n < context.parameters.max }    => fail
         when { resource.n < context.parameters.unset }  => unknown",
    );
    let (_, report) = judged(&[], "", "when { resource.n < context.parameters.unset }");
    assert_eq!(report["findings"][0]["message"], "parameter `unset` is not set");
}

#[test]
fn an_action_lies_in_its_groups() {
    table(
        &[],
        "",
        "when { action in Action::\"all\" && resource.a }                                  => fail
         unless { action in [Action::\"derive\", Action::\"all\"] && resource.a }          => pass
         when { (if action == Action::\"derive\" then resource.mark else resource).a }      => fail",
    );
}

#[test]
fn a_derived_set_does_not_contain_a_dangling_reference() {
    let of = |mark: &str, rows: &str| {
        let mark = format!(r#""mark": "{mark}""#);
        table(&[(r#"{ "id": "p""#, r#"{ "id": "harbour""#), (r#""mark": "p""#, &mark)], "", rows);
    };
    // Nothing else is known about it.
    of(
        "elsewhere",
        "when { resource.which.contains(resource.mark) }      => pass
         unless { resource.which.contains(resource.mark) }    => fail
         when { resource.mark.on }                            => unknown
         unless { resource.mark.on }                          => unknown",
    );
    // It may be a misspelling of a member.
    of(
        "harbor",
        "when { resource.which.contains(resource.mark) }      => unknown
         unless { resource.which.contains(resource.mark) }    => unknown
         when { resource.mark.on }                            => unknown",
    );
}
