//! Cases that random ones do not reach: many rows, many properties, equal hashes.

use super::texts::{snapshot_problems, verdict_lines};
use std::collections::HashMap;

/// Returns a schema of users with these attributes.
fn schema(attributes: &str) -> String {
    format!(
        r#"
        @path("") entity Org;
        @path("/users/*") @key("id") entity User in [Org] {{ {attributes} }};
        action "audit" appliesTo {{ principal: [Org], resource: [User] }};
        "#
    )
}

/// Returns the verdicts of a check with these clauses on every user.
fn verdicts_on_users(attributes: &str, clauses: &str, users: &str) -> String {
    let policy = format!(
        r#"@id("C") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource) {clauses};"#
    );
    verdict_lines(&schema(attributes), &policy, &format!(r#"{{"users": [{users}]}}"#))
}

/// The rows of one task of the decoder are the first 2048.
#[test]
fn an_instance_without_a_key_beyond_the_first_task_is_no_other_instance() {
    let users: Vec<String> = (0..2100).map(|at| format!(r#"{{"id": "u{at}"}}"#)).collect();
    let users = format!(r#"{}, {{"name": "x"}}"#, users.join(", "));
    let verdicts = verdicts_on_users(r#""name"?: String"#, r#"when { resource == User::"u52" }"#, &users);
    let failed: Vec<&str> = verdicts.lines().filter(|line| !line.ends_with(" pass")).collect();
    assert_eq!(failed, [r#"User::"u52" fail"#]);
}

#[test]
fn ids_beyond_the_first_task_that_differ_in_case_are_reported() {
    let users: Vec<String> = (0..2100).map(|at| format!(r#"{{"id": "u{at}"}}"#)).collect();
    let users = format!(r#"{}, {{"id": "U7"}}"#, users.join(", "));
    let problems = snapshot_problems(&schema(""), &format!(r#"{{"users": [{users}]}}"#));
    let message =
        "two instances of User have ids that differ only in case, in blanks or in the encoding of accents: `U7`";
    assert_eq!(problems, format!("snapshot-duplicate-id: {message} [\"U7\" | \"u7\"]\n"));
}

#[test]
fn a_property_beyond_the_first_64_is_absent_if_the_object_lacks_it() {
    let attributes: Vec<String> = (0..70).map(|at| format!(r#""f{at}"?: Bool"#)).collect();
    let users = r#"{"id": "x", "f0": true}, {"id": "y", "f69": true}"#;
    let verdicts = verdicts_on_users(&attributes.join(", "), "unless { resource has f69 }", users);
    assert_eq!(verdicts, "User::\"x\" fail\nUser::\"y\" pass");
}

#[test]
fn texts_with_equal_hashes_are_compared() {
    let mut seen: HashMap<u32, String> = HashMap::new();
    let mut texts = (0..).map(|number: u64| format!("t{number}"));
    let (one, other) = texts
        .find_map(|text| {
            let earlier = seen.insert(deodar::snapshot::text_hash(&text), text.clone())?;
            Some((earlier, text))
        })
        .expect("32 bits are few");
    let users = format!(r#"{{"id": "x", "name": "{one}"}}, {{"id": "y", "name": "{other}"}}"#);
    for clauses in [
        format!(r#"when {{ resource.name == "{one}" }}"#),
        format!(r#"when {{ ["a", "{one}"].contains(resource.name) }}"#),
    ] {
        let verdicts = verdicts_on_users(r#""name": String"#, &clauses, &users);
        assert_eq!(verdicts, "User::\"x\" fail\nUser::\"y\" pass", "{one} and {other}: {clauses}");
    }
}
