//! Rows of JSON and users of SCIM: columns at several headers and pointers, and errors of an API.

use crate::capture_files::{AT, Harbour};
use serde_json::{Value, json};

/// Captures a row of JSON whose fee is at a name or at a pointer, after a row that has one. Returns the exit code, the fee of the row with
/// the list of what is uncaptured, and the messages.
fn fee(row: &str) -> (i32, Value, String) {
    let first = r#"{"E-mail": "a@x", "Active": true, "Fee": 2}"#;
    let rows = format!(r#"[{first}, {{"E-mail": "b@x", "Active": true, {row}}}]"#);
    let changes = [("headers = [\"Fee\"]", "headers = [\"Fee\", \"salary/monthly/fee\", \"Cost\"]")];
    let harbour = Harbour::changed(&[("r.json", rows.as_bytes())], &changes);
    let run = harbour.run(&format!("--people r.json {AT}"));
    let found = serde_json::from_str::<Value>(&run.stdout).unwrap_or_default();
    let person = &found["people"][1];
    (run.code, json!([person["fee"], person["uncaptured"]]), run.stderr)
}

#[test]
fn a_column_has_the_value_of_any_of_its_headers() {
    for row in [
        r#""Fee": 3"#,
        r#""Fee": null, "salary": {"monthly": {"fee": 3}}"#,
        r#""Fee": " ", "Salary": {"Monthly": {"FEE": 3}}"#,
        r#""salary": {"monthly": {"fee": ""}}, "cost": 3"#,
        r#""Fee": 3, "salary": {"monthly": {"fee": 3}}"#,
        r#""salary/monthly/fee": 3"#,
    ] {
        let (code, found, text) = fee(row);
        assert_eq!((code, found), (0, json!([3, ["site"]])), "{row} {text}");
    }
    for row in [
        r#""Fee": null"#,
        r#""salary": null"#,
        r#""salary": {"monthly": {"fee": null}}"#,
        r#""salary": {"monthly": []}"#,
    ] {
        let (code, found, text) = fee(row);
        assert_eq!((code, found), (0, json!([null, ["site"]])), "{row} {text}");
    }
    for row in [
        r#""Fee": 3, "salary": {"monthly": {"fee": 4}}"#,
        r#""SALARY": {"monthly": {"fee": 4}}, "Cost": "3""#,
        r#""salary/monthly/fee": 3, "salary": {"monthly": {"fee": 4}}"#,
    ] {
        let (code, found, text) = fee(row);
        assert_eq!((code, found), (5, json!([null, null])), "{row}");
        assert!(text.contains("a row has two properties for `fee`"), "{row} {text}");
    }
}

#[test]
fn the_key_of_a_row_may_be_at_a_pointer() {
    let changes = [("headers = [\"E-mail\", \"Mail\"]", "headers = [\"E-mail\", \"contact/mail\"]")];
    for (contact, code) in [(r#""contact": {"mail": "a@x"}"#, 0), (r#""Contact": {"Mail": "b@x"}"#, 5)] {
        let rows = format!(r#"[{{"E-mail": "a@x", {contact}}}, {{"E-mail": "", {contact}}}]"#);
        let run = Harbour::changed(&[("r.json", rows.as_bytes())], &changes).run(&format!("--people r.json {AT}"));
        assert_eq!(run.code, code, "{}", run.stderr);
        assert_eq!(run.stderr.contains("a row has two properties for `email`"), code == 5, "{}", run.stderr);
        if code == 0 {
            assert_eq!(run.json()["people"].as_array().map(Vec::len), Some(1), "{}", run.stdout);
        }
    }
}

#[test]
fn a_step_of_a_pointer_that_is_misspelt_or_no_object_leaves_the_value_uncaptured() {
    for (row, expected) in [
        (r#""salry": {"monthly": {"fee": 3}}"#, "unknown property `salry`, and the row has no `salary`"),
        (r#""Salary": {"montly": {"fee": 3}}"#, "unknown property `montly`, and the row has no `monthly`"),
        (r#""salary": {"Monthly": {"Fees": 3}}"#, "unknown property `Fees`, and the row has no `fee`"),
    ] {
        let (code, found, text) = fee(row);
        assert_eq!((code, found), (0, json!([null, ["fee", "site"]])), "{row} {text}");
        assert!(text.contains(expected), "{row} {text}");
    }
    for row in [r#""salary": [{"monthly": {"fee": 3}}]"#, r#""salary": {"monthly": 3}"#] {
        let (code, found, text) = fee(row);
        assert_eq!((code, found), (5, json!([null, ["fee", "site"]])), "{row} {text}");
        assert!(text.contains("is not an object, and `fee` is a value of it"), "{row} {text}");
    }
    // A property of an object that no column reads.
    let (_, _, text) = fee(r#""Fee": 3, "salary": {"yearly": 4, "monthly": {"day": 1}}, "Pax": 2"#);
    assert!(text.contains("has columns that are not used: `Pax`, `salary/monthly/day`, `salary/yearly`"), "{text}");
}

/// Captures a page of SCIM with some properties and two users, the first of which has more attributes.
fn scim(page: &str, attributes: &str) -> (Value, String) {
    const DESCRIPTION: [(&str, &str); 2] = [
        (
            "flag = \"people\"\nhelp = \"People\"\nreader = \"rows\"",
            "flag = \"people\"\nhelp = \"P\"\nreader = \"scim\"",
        ),
        ("headers = [\"Fee\"], form = \"number\"", "headers = [\"cost\", \"pay.monthly\"]"),
    ];
    let user =
        |name: &str, more: &str| format!(r#"{{"userName": "{name}", "E-mail": "{name}", "active": true{more}}}"#);
    let text = format!(
        r#"{{"totalResults": 2{page}, "Resources": [{}, {}]}}"#,
        user("a@x", attributes),
        user("b@x", r#", "cost": "1""#)
    );
    let run = Harbour::changed(&[("u.json", text.as_bytes())], &DESCRIPTION).run(&format!("--people u.json {AT}"));
    assert_eq!(run.code, 0, "{}", run.stderr);
    (run.json(), run.stderr)
}

#[test]
fn an_attribute_without_a_value_does_not_hide_another_path() {
    for attributes in [
        r#", "cost": null, "pay": {"monthly": "3"}"#,
        r#", "cost": "", "pay": {"monthly": "3"}"#,
        r#", "pay": [{"monthly": "4"}, {"monthly": "3", "primary": true}]"#,
        r#", "cost": "3", "pay": {"monthly": "4"}"#,
    ] {
        let (found, text) = scim("", attributes);
        assert_eq!(
            found["people"][0],
            json!({"email": "a@x", "active": true, "fee": "3", "uncaptured": ["site"]}),
            "{text}"
        );
    }
    for (attributes, uncaptured) in [
        (r#", "cost": null"#, json!(["site"])),
        (r#", "cost": null, "pay": [{"monthly": "4"}, {"monthly": "3"}]"#, json!(["fee", "site"])),
        (r#", "cost": "", "pay": [{"monthly": "4"}, {"monthly": "3"}]"#, json!(["fee", "site"])),
    ] {
        let (found, text) = scim("", attributes);
        assert_eq!(found["people"][0], json!({"email": "a@x", "active": true, "uncaptured": uncaptured}), "{text}");
    }
}

#[test]
fn the_values_that_a_user_with_an_error_lacks_are_uncaptured() {
    for (attributes, is_unknown) in [
        (r#", "error": "not readable""#, true),
        (r#", "Errors": [{"code": 403}], "cost": null"#, true),
        (r#", "pay": {"error": "not readable"}"#, true),
        (r#", "error": null, "errors": []"#, false),
    ] {
        let (found, text) = scim("", attributes);
        let uncaptured = if is_unknown { json!(["fee", "site"]) } else { json!(["site"]) };
        assert_eq!(
            found["people"][0],
            json!({"email": "a@x", "active": true, "uncaptured": uncaptured}),
            "{attributes}"
        );
        assert_eq!(text.contains("the row has an error"), is_unknown, "{attributes} {text}");
    }
}

#[test]
fn a_page_of_scim_with_an_error_or_a_further_page_leaves_the_list_partial() {
    for (page, expected) in [
        (r#", "nextCursor": "VZUTiyhEQJ94IR""#, "the last page is missing"),
        (r#", "error": "timeout""#, "a page states an error"),
        (r#", "status": "503", "detail": "try again""#, "a page states an error"),
    ] {
        let (found, text) = scim(page, "");
        assert_eq!(found["partial"], json!(["/people"]), "{page}");
        assert!(text.contains(expected), "{page} {text}");
    }
    let (found, _) = scim(r#", "nextCursor": null, "error": null"#, "");
    assert_eq!(found["partial"], Value::Null);
}
