//! Values that are read from lists which were captured in part: numbers of elements, and sets.

use crate::support::{NOW, Run, deodar};
use serde_json::json;

const SCHEMA: &str = r#"@path("") @key("id")
entity Org = {
  @path("people") @as("count") people: Long,
  @path("people/*/role") roles: Set<String>,
  @path("people/*/teams/*/name") teams: Set<String>,
  @path("people") all?: Set<{role: String}>,
  @derived found: Long,
};
@path("/people/*") @key("id") @total("/total") @more("/next")
entity Person in [Org] = { role: String, @path("teams") @as("count") teams?: Long };
@path("/people/*/teams/*") @key("name")
entity Team in [Person] = {};
action "audit" appliesTo { principal: [Org], resource: [Org, Person], context: {} };
action "derive" appliesTo { principal: [Person], resource: [Org], context: {} };
"#;

const POLICIES: &str = r#"@id("found") @derives("found")
permit (principal is Person, action == Action::"derive", resource is Org) when { principal in resource };
@id("FOUND") @title("Few people are found") @severity("low")
forbid (principal, action == Action::"audit", resource is Org) when { resource.found > 1 };
@id("COUNT") @title("Few people are in the list") @severity("low")
forbid (principal, action == Action::"audit", resource is Org) when { resource.people > 1 };
@id("MOST") @title("There are not too many people") @severity("low")
forbid (principal, action == Action::"audit", resource is Org) when { resource.people > 5 };
@id("ROLE") @title("There is no admin") @severity("low")
forbid (principal, action == Action::"audit", resource is Org) when { resource.roles.contains("admin") };
@id("TEAM") @title("There is no team of admins") @severity("low")
forbid (principal, action == Action::"audit", resource is Org) when { resource.teams.contains("admins") };
@id("ALL") @title("There is no record of an admin") @severity("low")
forbid (principal, action == Action::"audit", resource is Org) when { resource has all && resource.all.contains({role: "admin"}) };
@id("TEAMS") @title("People have one team") @severity("low")
forbid (principal, action == Action::"audit", resource is Person) when { resource has teams && resource.teams > 1 };
"#;

fn run(snapshot: &str) -> Run {
    let arguments = ["check", "a.json", "--schema", "s.cedarschema", "--policies", "p.cedar", "--now", NOW];
    let files = [("s.cedarschema", SCHEMA), ("p.cedar", POLICIES), ("a.json", snapshot)];
    let files = files.map(|(name, text)| (name, text.as_bytes()));
    deodar(&files, &[&arguments[..], &["--format", "json", "--verdicts", "all"]].concat())
}

/// Returns the verdicts of the checks, in the order of the file, by their first letters: pass, fail or unknown.
fn verdicts(snapshot: &str) -> String {
    let report = run(snapshot).json();
    let lists = ["findings", "other_verdicts"].map(|list| report[list].as_array().expect("a list").clone());
    let of = |check: &str| {
        let found = lists.iter().flatten().find(|found| found["check"] == check).expect("a verdict of the check");
        found["verdict"].as_str().expect("a text")[..1].to_owned()
    };
    ["FOUND", "COUNT", "MOST", "ROLE", "TEAM", "ALL", "TEAMS"].map(of).concat()
}

const PERSON: &str = r#"{"id": "ann", "role": "dev", "teams": [{"name": "web"}]}"#;

#[test]
fn a_value_of_a_partial_list_is_not_known_in_full() {
    let found = |rest: &str| verdicts(&format!(r#"{{"id": "anse", "people": [{PERSON}]{rest}}}"#));
    assert_eq!(found(r#", "total": 1"#), "ppppppp");
    assert_eq!(found(r#", "total": 1, "next": null"#), "ppppppp");
    for partial in [r#", "total": 1, "partial": ["/people"]"#, r#", "next": "page2", "total": 1"#, ""] {
        assert_eq!(found(partial), "uuuuuuu", "{partial}");
    }
    // Two to five people are more than one, and not more than five.
    assert_eq!(found(r#", "total": 5"#), "uupuuuu");
    let two = PERSON.replace("ann", "ben");
    let two = verdicts(&format!(r#"{{"id": "anse", "total": 5, "people": [{PERSON}, {two}]}}"#));
    assert_eq!(two, "ffpuuuu");
}

#[test]
fn a_value_of_a_partial_list_contains_the_captured_elements() {
    let admin = r#"{"id": "ann", "role": "admin", "teams": [{"name": "admins"}]}"#;
    assert_eq!(verdicts(&format!(r#"{{"id": "anse", "people": [{admin}], "next": 2}}"#)), "uuuffuu");
}

#[test]
fn a_list_inside_a_captured_instance_opens_the_values_around_it() {
    let partial = r#""total": 1, "partial": ["/people/0/teams"]"#;
    assert_eq!(verdicts(&format!(r#"{{"id": "anse", "people": [{PERSON}], {partial}}}"#)), "ppppuuu");
}

#[test]
fn an_element_that_is_not_an_instance_is_any_number_of_elements() {
    for element in [r#"{"error": "forbidden"}"#, "7", "null"] {
        let found = verdicts(&format!(r#"{{"id": "anse", "total": 1, "people": [{PERSON}, {element}]}}"#));
        assert!(found.starts_with("uuuu"), "{element}: {found}");
    }
}

#[test]
fn a_finding_states_what_is_known_of_a_partial_list() {
    let report = run(&format!(r#"{{"id": "anse", "people": [{PERSON}], "total": 5}}"#)).json();
    let found = report["findings"].as_array().expect("a list").iter();
    let messages: Vec<_> = found.map(|found| (&found["check"], &found["message"])).collect();
    let message = |check: &str| messages.iter().find(|(of, _)| **of == check).expect("a finding").1;
    assert_eq!(message("COUNT"), &json!("people is 1 to 5, as far as was captured"));
    assert_eq!(message("ROLE"), &json!("roles is [\"dev\", and unknown elements]"));
}
