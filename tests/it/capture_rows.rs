//! Rows and files that `deodar capture` does not use as they are: each leads to a message.

use crate::capture_files::{AT, Harbour};
use crate::support::{Run, deodar, repository};
use deodar::render::FORMATS;
use serde_json::{Value, json};

/// Runs a capture with the built-in pack.
fn moengage(files: &[(&str, &str)], arguments: &str) -> Run {
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
    let arguments =
        ["capture", "moengage", "--captured-at", "2026-09-01"].into_iter().chain(arguments.split_whitespace());
    deodar(&files, &arguments.collect::<Vec<_>>())
}

#[track_caller]
fn reports(run: &Run, code: i32, expected: &str) {
    assert!(run.code == code && run.stderr.contains(expected), "{} {}", run.code, run.stderr);
}

#[test]
fn a_value_that_is_not_a_text_is_reported() {
    let rows = r#"[{"E-mail": "a@x", "Active": "yes", "Fee": {"amount": 2}}, {"E-mail": ["b@x"], "Active": "no"}, 7]"#;
    let harbour = Harbour::with(&[("r.json", rows.as_bytes())]);
    let run = harbour.run(&format!("--people r.json {AT}"));
    reports(&run, 5, "the value of `fee` is an object or a list");
    assert!(run.stderr.contains("this row has no `email`"), "{}", run.stderr);
    assert!(run.stderr.contains("an element of the list is not an object"), "{}", run.stderr);
    let found = run.json();
    assert_eq!(found["people"], json!([{"email": "a@x", "active": true, "uncaptured": ["fee", "site"]}]));
    assert_eq!(found["partial"], json!(["/people"]));
}

#[test]
fn the_point_of_a_json_number_is_that_of_a_fraction() {
    let rows =
        r#"[{"E-mail": "a@x", "Active": true, "Fee": 12.345}, {"E-mail": "b@x", "Active": true, "Fee": "12.345"}]"#;
    let harbour = Harbour::with(&[("r.json", rows.as_bytes())]);
    let run = harbour.run(&format!("--people r.json {AT}"));
    reports(&run, 5, "`12.345` may be a whole number with a separator of thousands");
    assert!(!run.stderr.contains("more problem"), "{}", run.stderr);
    let people = run.json()["people"].clone();
    assert_eq!([&people[0]["fee"], &people[1]["fee"]], [&json!(12.345), &Value::Null]);
}

#[test]
fn rows_of_json_have_the_columns_of_a_table() {
    let rows =
        r#"[{"Email": "a@x.example", "Status": "Joined", "Shoe size": 40, "Role": "Admin"}, {"Email": "b@x.example"}]"#;
    let run = moengage(&[("m.json", rows)], "--members W=m.json");
    reports(&run, 0, "note: `m.json` has columns that are not used: `Shoe size`");
    for (text, expected) in [
        (r#"[{"Email": "a@x.example", "Role": "Admin"}]"#, "`m.json` has no column for `status`"),
        (r#"{"members": [{"Email": "a@x.example"}]}"#, "`m.json` is a JSON object, and rows are a list of objects"),
    ] {
        let run = moengage(&[("m.json", text)], "--members W=m.json");
        reports(&run, 5, expected);
        assert_eq!(run.stdout, "");
    }
}

#[test]
fn an_instance_that_one_of_two_complete_files_lacks_is_noted() {
    let files = [
        ("a.csv", "Email,Status\na@x.example,Active\nb@x.example,Active\n"),
        ("b.csv", "Email,Status\na@x.example,Active\n"),
    ];
    for arguments in ["--roster a.csv --roster b.csv", "--roster b.csv --roster a.csv"] {
        let run = moengage(&files, arguments);
        reports(&run, 0, "`b@x.example` is in `a.csv`, and not in `b.csv`");
        assert!(!run.stderr.contains("`a@x.example`"), "{}", run.stderr);
    }
    // Files of two workspaces have two lists.
    let members = ["a@x.example", "b@x.example"].map(|email| format!("Email,Status,Role\n{email},Joined,Admin\n"));
    let run = moengage(&[("a.csv", &members[0]), ("b.csv", &members[1])], "--members V=a.csv --members W=b.csv");
    assert!(run.code == 0 && !run.stderr.contains("and not in"), "{}", run.stderr);
}

#[test]
fn messages_about_rows_show_no_secrets() {
    let token = format!("gh{}_16C7e42F292c6912E7710c838347Ae178B4a", "p");
    let id = format!("AKIA{}", "IOSFODNN7EXAMPLE");
    let rows = format!(
        "Email,Status,Role,API token,Action\na@x.example,{token},Admin,corr1,\nb@x.example,Joind,Admin,corr2,\n\
         c@x.example,Joined,Admin,corr3,,y\n{id},Joined,Admin,corr4,\nd@x.example,\"Joined\"x,Admin,corr5,\n"
    );
    let run = moengage(&[("m.csv", &rows)], "--members W=m.csv");
    for expected in [
        "`status` looks like a GitHub token",
        "`Joind` is not a known word",
        "this row has 6 cells",
        "`***` is not an e-mail address",
        "a text follows a quoted cell",
    ] {
        reports(&run, 5, expected);
    }
    for secret in ["corr1", "corr2", "corr3", "corr4", "corr5", &token, &id, &id.to_lowercase()] {
        assert!(!run.stderr.contains(secret) && !run.stdout.contains(secret), "{secret}: {}", run.stderr);
    }
    // A message quotes no cell below the name of a secret, and a list is searched too.
    let description = [("Fee", "Secret"), ("\"Site\"] }", "\"Site\"], separator = \";\" }")];
    let harbour = Harbour::changed(
        &[
            ("p.csv", b"E-mail,Active,Secret\na@x,yes,corr1\n"),
            ("s.csv", format!("Mail,Site\na@x,u;{token}\n").as_bytes()),
        ],
        &description,
    );
    let run = harbour.run(&format!("--people p.csv --sites s.csv {AT}"));
    reports(&run, 5, "`fee` looks like the value of a secret");
    reports(&run, 5, "`site` looks like a GitHub token");
    assert!(!run.stderr.contains("corr1") && !run.stdout.contains(&token), "{}", run.stderr);
}

#[test]
fn findings_of_a_capture_show_no_secrets() {
    let token = format!("gh{}_16C7e42F292c6912E7710c838347Ae178B4a", "p");
    let table = format!(
        "Email,Status,Role,API token,2FA\na@x.example,Joined,Admin,corr1,\nb@x.example,Joined,Admin,\"corr2\ncorr3\",{token}\n"
    );
    let rows = format!(
        r#"[{{"Email": "a@x.example", "Status": "Joined", "Role": "Admin", "Password": "corr4"}},
            {{"Email": "b@x.example", "Status": "Joined", "Role": "Admin", "Note": "{token}", "Code": "a"}}]"#
    );
    let settings = format!("workspaces:\n- id: W\n  api_key: corr5\n  name: {token}\n");
    let files = [("m.csv", &*table), ("r.json", &rows), ("s.yaml", &settings)];
    for arguments in ["--members W=m.csv", "--members W=r.json", "--settings s.yaml --members W=m.csv"] {
        let mut places = 0;
        for format in FORMATS {
            for more in ["", " --verbose", " --allow-unknown"] {
                let name = format.name;
                let run = moengage(&files, &format!("{arguments} --check -- --now 2026-09-01 --format {name}{more}"));
                places += run.stdout.matches("m.csv").count() + run.stdout.matches("r.json").count();
                for secret in ["corr", &token[4..]] {
                    let shown = format!("{}{}", run.stdout, run.stderr);
                    assert!(!shown.contains(secret), "{arguments} {name} {secret}: {shown}");
                }
            }
        }
        assert!(places > 20, "{places}");
    }
}

#[test]
fn an_optional_column_that_is_missing_states_nothing() {
    for (name, text) in
        [("r.csv", "E-mail,Active,Fees\na@x,yes,2\n"), ("r.json", r#"[{"E-mail": "a@x", "Active": "yes", "Fees": 2}]"#)]
    {
        let harbour = Harbour::with(&[(name, text.as_bytes())]);
        let run = harbour.run(&format!("--people {name} {AT}"));
        reports(&run, 0, "columns that are not used: `Fees`");
        assert_eq!(
            run.json()["people"],
            json!([{"email": "a@x", "active": true, "uncaptured": ["fee", "site"]}]),
            "{name}"
        );
    }
}

#[test]
fn an_older_file_does_not_replace_newer_values() {
    let old = r#"{"captured_at": "2026-09-09T08:00:00Z", "organization": {"name": "Heron"}, "workspaces": [{"id": "WS1",
        "members": [{"email": "neha@heron.example", "status": "blocked", "role": "Admin"}]}]}"#;
    let rows = "Email,Status,Role\nneha@heron.example,Joined,Admin\n";
    let run = moengage(&[("old.json", old), ("m.csv", rows)], "--members WS1=m.csv --into old.json");
    reports(&run, 5, "`m.csv` is of 2026-09-01T00:00:00Z, and the snapshot has values of");
    assert_eq!(run.json()["partial"], json!(["/workspaces/0/members"]));
}

/// Returns an older snapshot of the harbour with some people.
fn old_people(people: &str) -> Vec<u8> {
    format!(r#"{{"name": "Anse", "captured_at": "2026-08-01", "people": {people}}}"#).into_bytes()
}

#[test]
fn two_instances_of_the_old_snapshot_with_one_id_contradict_each_other() {
    let settings = ("s.json", br#"{"name": "Anse", "captured_at": "2026-09-01"}"#.as_slice());
    let people = ("p.csv", b"E-mail,Active\na@x,yes\n".as_slice());
    let site = "/people/0/site";
    for (rows, files, error, expected) in [
        // Values that differ, also if the ids have blanks around them.
        (
            r#"[{"email": "a@x", "site": "u", "fee": 1}, {"email": "a@x", "site": "v", "fee": 1}]"#,
            "--settings s.json",
            format!("two sources state different values of `{site}`"),
            json!([{"email": "a@x", "fee": 1, "uncaptured": ["site"]}]),
        ),
        (
            r#"[{"email": "a@x", "site": "u"}, {"email": " a@x", "site": "v"}]"#,
            "--people p.csv",
            format!("two sources state different values of `{site}`"),
            json!([{"email": "a@x", "active": true, "uncaptured": ["site"]}]),
        ),
        // A property that is given twice.
        (
            r#"[{"email": "a@x", "site": "u", "site": "u"}]"#,
            "--people p.csv",
            format!("`{site}` is given twice"),
            json!([{"email": "a@x", "active": true, "uncaptured": ["site"]}]),
        ),
    ] {
        let old = old_people(rows);
        let harbour = Harbour::with(&[("old.json", &old), settings, people]);
        let run = harbour.run(&format!("{files} --into old.json {AT}"));
        reports(&run, 5, &error);
        assert_eq!(run.json()["people"], expected, "{rows}");
    }
}

#[test]
fn a_value_of_one_of_two_instances_with_one_id_is_uncaptured() {
    let rows = r#"[{"email": "a@x", "site": "https://u", "fee": 1}, {"email": "a@x ", "site": "https://u"}]"#;
    let old = old_people(rows);
    let harbour = Harbour::with(&[
        ("old.json", &old),
        ("s.json", br#"{"name": "Anse"}"#),
        ("p.csv", b"E-mail,Active,Fee\na@x,yes,2\n"),
    ]);
    for files in ["--settings s.json --into old.json", "--settings old.json"] {
        let run = harbour.run(&format!("{files} {AT}"));
        reports(&run, 0, "`a@x` has two rows in `old.json`");
        assert_eq!(
            run.json()["people"],
            json!([{"email": "a@x", "site": "https://u", "uncaptured": ["fee"]}]),
            "{files}"
        );
    }
    // A new file replaces both.
    let run = harbour.run(&format!("--people p.csv --into old.json {AT}"));
    assert_eq!(
        run.json()["people"],
        json!([{"email": "a@x", "active": true, "fee": 2, "site": "https://u"}]),
        "{}",
        run.stderr
    );
}

#[test]
fn a_refresh_keeps_the_values_of_an_instance_that_a_file_has_no_row_for() {
    let old = old_people(r#"[{"email": "a@x", "site": "https://u"}, {"email": "b@x", "site": "https://v"}]"#);
    let harbour = Harbour::with(&[
        ("old.json", &old),
        ("p.csv", b"E-mail,Active,Fee\na@x,yes,\nb@x,yes,\n"),
        ("s.csv", b"Mail,Site\na@x,https://w\n"),
    ]);
    let found = harbour.snapshot(&format!("--people p.csv --sites s.csv --into old.json {AT}"), 0);
    let people = json!([
        {"email": "a@x", "active": true, "site": "https://w"},
        {"email": "b@x", "active": true, "site": "https://v"}
    ]);
    assert_eq!(found["people"], people);
}

#[test]
fn a_file_that_is_not_complete_drops_no_instance_of_the_old_snapshot() {
    let old = old_people(r#"[{"email": "a@x", "active": true}, {"email": "b@x", "active": true, "fee": 1}]"#);
    for (name, rows, code) in [
        ("p.csv", "E-mail,Active,Fee\n", 0),
        ("p.csv", "E-mail,Active,Fee\na@x,no,3\nb@x,y\n", 5),
        ("p.csv", "E-mail,Active,Fee\na@x,no,3\n,yes,1\n", 5),
        ("p.csv", "E-mail,Active,Fee\n\"a@x,no,3\nb@x,no,2\n", 5),
        ("p.json", "[]", 0),
        ("p.json", r#"[{"E-mail": "a@x", "Active": false}, 7]"#, 5),
    ] {
        let harbour = Harbour::with(&[("old.json", &old), (name, rows.as_bytes())]);
        let run = harbour.run(&format!("--people {name} --into old.json {AT}"));
        assert_eq!(run.code, code, "{rows} {}", run.stderr);
        assert!(run.stderr.contains(&format!("`{name}` is not complete, so")), "{rows} {}", run.stderr);
        assert!(!run.stderr.contains("no longer has"), "{rows} {}", run.stderr);
        let found = run.json();
        let people = found["people"].as_array().unwrap();
        let person = people.iter().find(|it| it["email"] == "b@x");
        assert_eq!(person, Some(&json!({"email": "b@x", "active": true, "fee": 1})), "{rows}");
        assert_eq!((people.len(), &found["partial"]), (2, &json!(["/people"])), "{rows}");
        assert_eq!(found["captured_at"], "2026-08-01T00:00:00Z", "{rows}");
    }
    // A file that only adds to instances does not determine them.
    let (people, sites) = (b"E-mail,Active,Fee\na@x,no,3\n", b"Mail,Site\n");
    let harbour = Harbour::with(&[("old.json", &old), ("p.csv", people), ("s.csv", sites)]);
    let run = harbour.run(&format!("--people p.csv --sites s.csv --into old.json {AT}"));
    assert!(run.stderr.contains("`p.csv` no longer has 1 of `old.json`: b@x"), "{}", run.stderr);
    // Another complete file lacks it too.
    let cut = "a@x,yes,1\n,,1\n";
    let harbour = Harbour::with(&[
        ("old.json", &old),
        ("p.csv", people),
        ("q.csv", format!("E-mail,Active,Fee\n{cut}").as_bytes()),
    ]);
    let run = harbour.run(&format!("--people p.csv --people q.csv --into old.json {AT}"));
    assert!(run.stderr.contains("are kept: b@x") && !run.stderr.contains("is in `old.json`"), "{}", run.stderr);
    // A row states that the instance is not in the list.
    let only = [
        ("declared = [\"network\"]", "only = { active = [\"true\"] }"),
        ("form = \"bool\" }", "words = { true = [\"yes\"], false = [\"no\"] } }"),
    ];
    let rows = b"E-mail,Active,Fee\na@x,no,3\nb@x\n";
    let run = Harbour::changed(&[("old.json", &old), ("p.csv", rows)], &only)
        .run(&format!("--people p.csv --into old.json {AT}"));
    assert!(run.stderr.contains("`p.csv` no longer has 1 of `old.json`: a@x"), "{}", run.stderr);
    assert!(run.stderr.contains("so 1 of `old.json` are kept: b@x"), "{}", run.stderr);
}

#[test]
fn a_value_of_an_instance_that_a_new_complete_file_lacks_is_uncaptured() {
    let old = old_people(r#"[{"email": "a@x", "active": true, "fee": 1, "network": "10.0.0.0/8"}]"#);
    let harbour = Harbour::with(&[
        ("old.json", &old),
        ("p.csv", b"E-mail,Active,Fee\nb@x,yes,2\n"),
        ("s.csv", b"Mail,Site\na@x,https://w\n"),
    ]);
    let found = harbour.snapshot(&format!("--people p.csv --sites s.csv --into old.json {AT}"), 0);
    let lost = json!({"email": "a@x", "site": "https://w", "network": "10.0.0.0/8", "uncaptured": ["fee"]});
    assert_eq!(found["people"][1], lost);
}

#[test]
fn an_older_document_does_not_replace_newer_values() {
    let old = r#"{"captured_at": "2026-09-09T08:00:00Z", "organization": {"name": "Heron"},
        "security": {"two_step": {"enforced": false, "methods": ["email"]}},
        "workspaces": [{"id": "WS1", "members": [{"email": "neha@heron.example", "status": "blocked", "role": "Admin"}]}]}"#;
    let document = |enforced: bool| {
        format!(
            r#"{{"organization": {{"name": "Heron"}}, "security": {{"two_step": {{"enforced": {enforced}}}}},
            "workspaces": [{{"id": "WS1", "members": []}}]}}"#
        )
    };
    let run =
        |document: &str| moengage(&[("old.json", old), ("s.json", document)], "--settings s.json --into old.json");
    let other = run(&document(true));
    reports(&other, 5, "`/security/two_step/enforced` is of 2026-09-01T00:00:00Z, and the snapshot");
    reports(&other, 5, "`s.json` is of 2026-09-01T00:00:00Z, and the snapshot has values of");
    assert_eq!(other.json()["security"]["two_step"], json!({"methods": ["email"], "uncaptured": ["enforced"]}));
    assert_eq!(other.json()["partial"], json!(["/workspaces/0/members"]));
    let same = run(&document(false));
    assert!(!same.stderr.contains("another value"), "{}", same.stderr);
    assert_eq!(same.json()["security"]["two_step"], json!({"enforced": false, "methods": ["email"]}));
}

#[test]
fn a_misspelt_property_of_a_row_is_not_absent() {
    let rows = r#"[{"E-mail": "a@x", "Active": "yes", "Fee": 2}, {"E-mail": "b@x", "Active": "yes", "Fe": 2},
        {"E-mail": "c@x", "Active": "yes"}]"#;
    let harbour = Harbour::with(&[("r.json", rows.as_bytes())]);
    let run = harbour.run(&format!("--people r.json {AT}"));
    reports(&run, 0, "unknown property `Fe`, and the row has no `Fee`");
    let people = json!([
        {"email": "a@x", "active": true, "fee": 2, "uncaptured": ["site"]},
        {"email": "b@x", "active": true, "uncaptured": ["fee", "site"]},
        {"email": "c@x", "active": true, "uncaptured": ["site"]}
    ]);
    assert_eq!(run.json()["people"], people);
}

#[test]
fn a_misspelt_property_makes_the_values_of_other_files_uncaptured() {
    let people = ("p.csv", "E-mail,Active,Fee\na@x,yes,2\nb@x,yes,2\n".as_bytes());
    let document =
        ("s.json", br#"{"people": [{"email": "a@x", "activ": false}, {"email": "b@x", "active": true}]}"#.as_slice());
    let run = Harbour::with(&[people, document]).run(&format!("--settings s.json --people p.csv {AT}"));
    reports(&run, 0, "unknown property `activ`");
    let found = run.json();
    assert_eq!(found["people"][0]["uncaptured"], json!(["active"]));
    assert_eq!((found["people"][0].get("active"), &found["people"][1]["active"]), (None, &json!(true)));
    // The same in rows of JSON, and in documents for one object.
    let rows = ("r.json", br#"[{"E-mail": "a@x", "Active": "yes", "Fe": 2}]"#.as_slice());
    let run = Harbour::with(&[people, rows]).run(&format!("--people p.csv --people r.json {AT}"));
    assert_eq!(run.json()["people"][0]["uncaptured"], json!(["fee", "site"]), "{}", run.stderr);
    let settings = |security: &str| {
        let environment = format!(r#"{{"name": "LIVE", {security}}}"#);
        format!(
            r#"{{"organization": {{"name": "Heron"}}, "workspaces": [{{"id": "W", "environments": [{environment}]}}]}}"#
        )
    };
    let known = settings(r#""security": {"two_step": {"enforced": true}, "login_method": "sso_only"}"#);
    let security = |misspelt: &str, files: &str| {
        let run = moengage(&[("a.json", &settings(misspelt)), ("b.json", &known)], files);
        reports(&run, 0, "did you mean");
        run.json()["workspaces"][0]["environments"][0].clone()
    };
    for files in ["--settings a.json --settings b.json", "--settings b.json --settings a.json"] {
        let found = security(r#""security": {"two_step": {"enforcd": false}}"#, files);
        assert_eq!(found["security"]["two_step"], json!({"enforcd": false, "uncaptured": ["enforced"]}));
        let found = security(r#""securiti": {"two_step": {"enforced": false}}"#, files);
        assert_eq!((found.get("security"), &found["uncaptured"]), (None, &json!(["security"])));
    }
}

#[test]
fn an_error_in_place_of_an_instance_of_a_map_leaves_the_list_uncaptured() {
    let workspace = |live: &str| {
        format!(
            r#"{{"organization": {{"name": "Heron"}}, "workspaces": [{{"id": "W", "environments": {{"LIVE": {live}}}}}]}}"#
        )
    };
    let (known, error) = (workspace(r#"{"name": "LIVE"}"#), workspace(r#"{"error": "forbidden"}"#));
    for files in ["--settings a.json --settings b.json", "--settings b.json --settings a.json"] {
        let run = moengage(&[("a.json", &known), ("b.json", &error)], files);
        reports(&run, 5, "this value is not an instance");
        let found = run.json()["workspaces"][0].clone();
        assert_eq!((found.get("environments"), &found["uncaptured"]), (None, &json!(["environments"])));
    }
}

#[test]
fn events_of_documents_are_events_of_the_log() {
    let members = ("m.csv", "Email,Status,Role\nneha@heron.example,Joined,Admin\n");
    let log = (
        "l.csv",
        "Time,Teams,Entity,Activity,Action,Actor,IP\n2026-08-01T11:00:00Z,,Role,Changed,UPDATE,neha@heron.example,192.0.2.1\n",
    );
    let last = |event: &str| {
        let event =
            format!(r#"{{"time": "2026-08-30T09:00:00Z", {event} "actor": "Neha@heron.example", "ip": "192.0.2.1"}}"#);
        let document = format!(
            r#"{{"organization": {{"name": "Heron"}}, "workspaces": [{{"id": "WS1", "audit_log": {{"events": [{event}]}}}}]}}"#
        );
        let files = [members, log, ("s.json", document.as_str())];
        let run = moengage(&files, "--members m.csv --audit-log l.csv --settings s.json");
        run.json()["workspaces"][0]["members"][0]["activity"]["last_privileged_action_at"].clone()
    };
    assert_eq!(last(r#""entity": "Role", "action": "UPDATE","#), "2026-08-30T09:00:00Z");
    assert_eq!(last(r#""entity": "Campaign", "action": "UPDATE","#), "2026-08-01T11:00:00Z");
    // Without its entity it is not known whether the event counts.
    assert_eq!(last(r#""action": "UPDATE","#), Value::Null);
}

#[test]
fn a_cell_that_cannot_be_read_does_not_leave_another_value() {
    let members = ("m.csv", "Email,Status,Role\nneha@heron.example,Joined,Admin\n");
    let report = |status: &str| format!("Email,2FA Status\nneha@heron.example,{status}\n");
    let old = moengage(&[members, ("r.csv", &report("Enabled"))], "--members W=m.csv --two-step-report W=r.csv").stdout;
    let settings = r#"{"organization": {"name": "Heron"}, "workspaces": [{"id": "W"}]}"#;
    for status in ["Reset pending", ""] {
        let files = [("old.json", old.as_str()), ("r.csv", &report(status)), ("s.json", settings)];
        let run = moengage(&files, "--two-step-report W=r.csv --into old.json --settings s.json");
        let member = &run.json()["workspaces"][0]["members"][0];
        assert_eq!((run.code, &member["email"]), (0, &json!("neha@heron.example")), "{}", run.stderr);
        assert_eq!(member["two_step"].get("device_status"), None, "{member}");
    }
    // Two rows of one file, one of which states nothing.
    let files = [("m.csv", "Email,Status,Role\nneha@heron.example,Joined,Admin\nneha@heron.example,,Admin\n")];
    let member = moengage(&files, "--members W=m.csv").json()["workspaces"][0]["members"][0].clone();
    assert_eq!((member.get("status"), &member["uncaptured"][1]), (None, &json!("status")), "{member}");
}

#[test]
fn a_contradiction_does_not_depend_on_the_order_of_rows() {
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    // The third of each leaves the value open, or cannot be read.
    for (column, values) in [
        ("Active", ["yes", "no", ""]),
        ("Active", ["yes", "no", "perhaps"]),
        ("Fee", ["1", "", "n/a"]),
        ("Fee", ["1", "2", "n/a"]),
        ("Fee", ["1", "2", "many"]),
    ] {
        for order in orders {
            let rows = order.map(|at| format!("a@x,{}\n", values[at])).concat();
            let table = format!("E-mail,{column}\n{rows}");
            let changes = [("form = \"number\"", "form = \"number\", unknown = [\"n/a\"]")];
            let run = Harbour::changed(&[("p.csv", table.as_bytes())], &changes).run(&format!("--people p.csv {AT}"));
            let message = format!("two sources state different values of `/people/0/{}`", column.to_lowercase());
            assert!(run.code == 5 && run.stderr.contains(&message), "{table} {}", run.stderr);
            let uncaptured = run.json()["people"][0]["uncaptured"].clone();
            assert!(uncaptured.to_string().contains(&column.to_lowercase()), "{table} {}", run.stdout);
        }
    }
}

#[test]
fn a_statement_of_absence_contradicts_a_value() {
    let people = ("p.csv", "E-mail,Active,Fee\na@x,yes,2\n".as_bytes());
    let other = ("q.csv", "E-mail,Active,Fee\na@x,yes,\n".as_bytes());
    let harbour = Harbour::with(&[people, other]);
    let times = "--captured-at p.csv=2026-08-01 --captured-at q.csv=2026-08-02";
    for files in ["--people p.csv --people q.csv", "--people q.csv --people p.csv"] {
        let run = harbour.run(&format!("{files} {times}"));
        reports(&run, 5, "two sources state different values of `/people/0/fee`");
        assert_eq!(run.json()["people"][0]["uncaptured"], json!(["fee", "site"]));
        let newer = harbour.run(&format!("{files} {times} --prefer newer"));
        assert_eq!(newer.json()["people"][0], json!({"email": "a@x", "active": true, "uncaptured": ["site"]}));
    }
}

#[test]
fn a_stamp_is_the_time_of_the_oldest_file() {
    let person = |name: &str| format!("Email,Status\n{name}@heron.example,Active\n");
    let (one, two) = (person("neha"), person("raj"));
    for files in ["--roster a.csv --roster b.csv", "--roster b.csv --roster a.csv"] {
        let run = moengage(&[("a.csv", &one), ("b.csv", &two)], &format!("{files} --captured-at a.csv=2026-06-01"));
        assert_eq!(run.json()["policy_context"]["identity_roster"]["captured_at"], "2026-06-01T00:00:00Z");
    }
}

#[test]
fn a_misspelt_list_of_a_document_leaves_the_list_partial() {
    let document = |name: &str| {
        format!(
            r#"{{"organization": {{"name": "H"}}, "workspaces": [{{"id": "W", "{name}": [{{"email": "eve@h.example"}}]}}]}}"#
        )
    };
    let members = ("m.csv", "Email,Status,Role\nneha@heron.example,Joined,Admin\n");
    for (name, partial) in [("members", Value::Null), ("membrs", json!(["/workspaces/0/members"]))] {
        let document = document(name);
        let run = moengage(&[members, ("s.json", document.as_str())], "--settings s.json --members W=m.csv");
        assert_eq!((run.code, &run.json()["partial"]), (0, &partial), "{}", run.stderr);
    }
    // A name that differs in case only is not in the snapshot: a check would refuse it next to the right one.
    for document in [document("Members"), document("x").replace("workspaces", "Workspaces")] {
        let run = moengage(&[members, ("s.json", document.as_str())], "--settings s.json --members W=m.csv");
        assert!(run.code == 0 && run.stderr.contains("did you mean `"), "{}", run.stderr);
        assert!(!run.stdout.contains("Members") && !run.stdout.contains("Workspaces"), "{}", run.stdout);
        let checked = deodar(&[("a.json", run.stdout.as_bytes())], &["check", "a.json", "--now", "2026-09-02"]);
        let text = format!("{}{}", checked.stdout, checked.stderr);
        assert!(text.contains("MOE-") && !text.contains("snapshot-duplicate-key"), "{text}");
        assert!(run.json()["partial"].to_string().contains("/workspaces"), "{}", run.stdout);
    }
    let two = |name: &str| format!(r#"{{"organization": {{"name": "H"}}, "{name}": [{{"id": "W2"}}]}}"#);
    let (one, other) = (two("workspaces"), two("workspacs"));
    let run = moengage(&[("a.json", &one), ("b.json", &other)], "--settings a.json --settings b.json");
    assert_eq!(run.json()["partial"], json!(["/workspaces"]), "{}", run.stderr);
}

/// Returns the sign-in of the environment LIVE after a capture of metadata, where `[from, to]` are replaced in the example.
fn sign_in(changes: &[[&str; 2]], more: &[(&str, &str)], arguments: &str) -> (Run, Value) {
    let metadata =
        std::fs::read_to_string(repository().join("examples/capture/idp-metadata.xml")).expect("the example has it");
    let metadata = changes.iter().fold(metadata, |text, [from, to]| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    });
    let files = [more, &[("m.xml", metadata.as_str())]].concat();
    let run = moengage(&files, &format!("--idp-metadata W/LIVE=m.xml {arguments}"));
    let found = run.json()["workspaces"][0]["environments"][0]["security"]["sso"].clone();
    (run, found)
}

/// The age of a value is that of its own file, which may be another one than that of the list.
#[test]
fn an_older_file_does_not_replace_a_newer_value() {
    let members = ("m.csv", "Email,Status,Role\nneha@heron.example,Joined,Admin\n");
    let report = |status: &str| format!("Email,2FA Status\nneha@heron.example,{status}\n");
    let times = "--captured-at m.csv=2026-08-01 --captured-at r.csv=2026-08-20";
    let old = moengage(
        &[members, ("r.csv", &report("Not set up"))],
        &format!("--members W=m.csv --two-step-report W=r.csv {times}"),
    );
    let files = [("old.json", old.stdout.as_str()), ("r.csv", &report("Enabled"))];
    for (time, more, code, expected) in [
        ("2026-08-19", "", 5, Value::Null),
        ("2026-08-19", "--prefer newer", 0, json!("not_set_up")),
        ("2026-08-21", "", 0, json!("set_up")),
    ] {
        let run =
            moengage(&files, &format!("--two-step-report W=r.csv --captured-at r.csv={time} {more} --into old.json"));
        let status = run.json()["workspaces"][0]["members"][0]["two_step"]["device_status"].clone();
        assert_eq!((run.code, status), (code, expected), "{time} {more} {}", run.stderr);
    }
    let end = |found: &Value| found["idp_cert_not_after"].clone();
    let (old, sound) = sign_in(&[], &[], "--captured-at m.xml=2026-08-20");
    let renewed = [["<md:KeyDescriptor use=\"signing\">", "<md:KeyDescriptor use=\"encryption\">"]];
    let old = [("old.json", old.stdout.as_str())];
    let (run, found) = sign_in(&renewed, &old, "--captured-at m.xml=2026-08-19 --into old.json");
    assert_eq!((run.code, end(&found)), (5, Value::Null), "{found} {}", run.stderr);
    let (run, found) = sign_in(&renewed, &old, "--captured-at m.xml=2026-08-21 --into old.json");
    assert!(run.code == 0 && end(&found).is_string() && end(&found) != end(&sound), "{found} {}", run.stderr);
    // A document may state that a list is older than its file.
    let settings = r#"{"organization": {"name": "H"},
        "policy_context": {"identity_roster": {"captured_at": "2025-01-01T00:00:00Z"}}}"#;
    let roster = ("p.csv", "Email,Status,End date\na@h.example,Active,\n");
    let run = moengage(&[("s.json", settings), roster], "--settings s.json --roster p.csv");
    assert_eq!(run.json()["policy_context"]["identity_roster"]["captured_at"], "2025-01-01T00:00:00Z");
}

#[test]
fn metadata_replaces_what_it_covers() {
    let settings = r#"{"organization": {"name": "H"}, "workspaces": [{"id": "W", "environments": [{"name": "LIVE",
        "security": {"sso": {"name_id_format": "email_address"}}}]}]}"#;
    let more = [("s.json", settings)];
    let (_, sound) = sign_in(&[], &more, "--settings s.json");
    assert_eq!(sound["name_id_format"], "email_address");
    let other = ["nameid-format:emailAddress", "nameid-format:fancy"];
    let (run, found) = sign_in(&[other], &more, "--settings s.json");
    reports(&run, 0, "`fancy` is not a known word");
    assert_eq!((found.get("name_id_format"), &found["uncaptured"]), (None, &json!(["name_id_format"])), "{found}");
    // The same for a value of an older snapshot, also if the new metadata has none.
    let (old, _) = sign_in(&[], &[], "");
    let old = [("old.json", old.stdout.as_str())];
    let formats =
        ["<md:NameIDFormat>", "<md:NameIDFormat>urn:x:nameid-format:persistent</md:NameIDFormat><md:NameIDFormat>"];
    for (change, property) in [(other, "name_id_format"), (formats, "name_id_format")] {
        let (run, found) = sign_in(&[change], &old, "--into old.json");
        assert_eq!((run.code, found[property].as_str()), (0, None), "{found} {}", run.stderr);
        assert_eq!(found["idp_entity_id"], sound["idp_entity_id"]);
    }
}

#[test]
fn unknown_keys_and_addresses_of_metadata_are_uncaptured() {
    let ends = |changes: &[[&str; 2]]| {
        let (run, found) = sign_in(changes, &[], "");
        assert_eq!(run.code, 0, "{}", run.stderr);
        (run.stderr, found["idp_cert_not_after"].clone(), found["idp_sso_url"].clone())
    };
    let (_, end, url) = ends(&[]);
    assert!(end.is_string() && url.is_string(), "{end} {url}");
    let misspelt =
        ["<md:KeyDescriptor use=\"encryption\">", "<md:KeyDescripter/><md:KeyDescriptor use=\"encryption\">"];
    let (messages, end, url) = ends(&[misspelt]);
    assert!(messages.contains("`KeyDescripter` is not an element of an identity provider"), "{messages}");
    assert_eq!((end, url), (Value::Null, Value::Null));
    let other = ["<md:KeyDescriptor use=\"encryption\">", "<ds:KeyDescriptor/><md:KeyDescriptor use=\"encryption\">"];
    let (messages, end, url) = ends(&[other]);
    assert!(messages.contains("`KeyDescriptor` is not an element of an identity provider"), "{messages}");
    assert_eq!((end, url), (Value::Null, Value::Null));
    let named = ["<md:KeyDescriptor use=\"encryption\">", "<md:KeyDescriptor/><md:KeyDescriptor use=\"encryption\">"];
    let (messages, end, url) = ends(&[named]);
    assert!(messages.contains("a key for signatures has no certificate"), "{messages}");
    assert!(end.is_null() && url.is_string(), "{end} {url}");
    let service = |attributes: &str| format!("<md:SingleSignOnService {attributes}/><md:SingleSignOnService ");
    let (_, _, url) =
        ends(&[["<md:SingleSignOnService ", &service("Binding=\"http-post\" Location=\"http://idp.example/\"")]]);
    assert!(url.as_str().is_some_and(|url| url.starts_with("http://")), "{url}");
    let (_, _, url) = ends(&[["<md:SingleSignOnService ", &service("Binding=\"x\"")]]);
    assert_eq!(url, Value::Null);
}

#[test]
fn a_newer_list_of_a_document_may_lack_instances_of_the_other() {
    let document = |id: &str| format!(r#"{{"name": "x", "people": [], "piers": [{{"id": "{id}", "length": 1}}]}}"#);
    let (one, two) = (document("a"), document("b"));
    let files = [("a.json", one.as_bytes()), ("b.json", two.as_bytes())];
    let arguments =
        "--settings a.json --settings b.json --captured-at a.json=2026-08-01 --captured-at b.json=2026-08-02";
    let run = Harbour::with(&files).run(&format!("{arguments} --prefer newer"));
    let found = run.json();
    let is_whole = found["piers"].as_array().is_some_and(|piers| piers.len() == 2);
    assert!(run.code == 0 && (is_whole || found["partial"] == json!(["/piers"])), "{found}");
}

/// A pack with a group of properties, an optional record, and defaults.
const YARD: &str = r#"
@path("") @key("name") entity Yard = { name: String, peoples?: Bool, @missing("false") open: Bool };
@path("/people/*") @key("email") entity Person in [Yard] = {
  email: String,
  @missing("false") exempt: Bool,
  rec?: { a: Bool, b?: Bool },
};
@path("/people/*/key_{1,2}_*") entity Key in [Person] = { active: Bool, rotated?: String };
action audit appliesTo { principal: [Yard], resource: [Yard, Person, Key], context: {} };"#;

const YARD_FILES: &str = r#"
[[sources]]
flag = "settings"
help = "Settings"
reader = "document"
[[sources]]
flag = "yard"
help = "The yard"
reader = "rows"
[[sources.targets]]
instance = "Yard"
columns = [{ property = "open", headers = ["Open"], form = "bool", absent = ["none"] }]
[[sources]]
flag = "people"
help = "People"
reader = "rows"
[[sources.targets]]
instances = "Person"
complete = true
declared = ["key_2_rotated"]
columns = [
  { property = "email", headers = ["Mail"], required = true },
  { property = "exempt", headers = ["Exempt"], form = "bool" },
  { property = "rec/a", headers = ["A"], form = "bool", unknown = ["tbd"] },
  { property = "rec/b", headers = ["B"], form = "bool" },
  { property = "key_1_active", headers = ["Key 1"], form = "bool", unknown = ["tbd"] },
  { property = "key_2_active", headers = ["Key 2"], form = "bool", unknown = ["tbd"] },
  { property = "key_1_rotated", headers = ["Rotated 1"], unknown = ["tbd"] },
]
"#;

/// Runs a capture in the yard pack.
fn yard(files: &[(&str, &str)], arguments: &str) -> Run {
    let pack = [("y.cedarschema", YARD), ("p/capture.toml", YARD_FILES)];
    let files: Vec<_> = pack.iter().chain(files).map(|(name, text)| (*name, text.as_bytes())).collect();
    let arguments = format!("capture --schema y.cedarschema --policies p/capture.toml {arguments}");
    deodar(&files, &arguments.split_whitespace().collect::<Vec<_>>())
}

#[test]
fn a_word_of_absence_is_not_a_default() {
    let files = [("s.json", r#"{"name": "x", "open": true}"#), ("y.csv", "Open\nnone\n")];
    let times = "--captured-at s.json=2026-08-01 --captured-at y.csv=2026-08-02";
    let both = yard(&files, &format!("--settings s.json --yard y.csv {times}"));
    reports(&both, 5, "two sources state different values of `/open`");
    let newer = yard(&files, &format!("--settings s.json --yard y.csv {times} --prefer newer"));
    assert_eq!((newer.code, &newer.json()["uncaptured"]), (0, &json!(["open"])), "{}", newer.stdout);
}

#[test]
fn a_declared_property_is_not_a_misspelling_of_a_list() {
    for (name, partial) in [("peoples", Value::Null), ("poeple", json!(["/people"]))] {
        let document = format!(r#"{{"name": "x", "open": true, "{name}": true}}"#);
        let files = [("s.json", document.as_str()), ("p.csv", "Mail,A\na@x,yes\n")];
        let run = yard(&files, "--settings s.json --people p.csv --captured-at 2026-09-01");
        assert_eq!(run.json()["partial"], partial, "{name}: {}", run.stderr);
    }
}

#[test]
fn defaults_records_and_groups_without_a_statement_are_uncaptured() {
    for (rows, expected) in [
        ("Mail,Exempt,A,B,Key 1,Key 2,Rotated 1\na@x,yes,yes,no,yes,no,r", Value::Null),
        ("Mail,Exempt,A,B,Key 1,Key 2,Rotated 1\na@x,,,,,,", json!(["exempt", "rec"])),
        (
            "Mail,A,B,Key 1,Key 2,Rotated 1\na@x,tbd,,yes,tbd,tbd",
            json!(["exempt", "key_1_rotated", "key_2_active", "rec"]),
        ),
        ("Mail,Exemt,B,Key1\na@x,yes,yes,no", json!(["exempt", "key_1_active", "key_1_rotated", "key_2_active"])),
    ] {
        let run = yard(&[("p.csv", rows)], "--people p.csv --captured-at 2026-09-01");
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert_eq!(run.json()["people"][0]["uncaptured"], expected, "{rows}: {}", run.stdout);
    }
}

#[test]
fn a_row_of_json_may_state_what_was_not_captured() {
    let rows =
        r#"[{"E-mail": "a@x", "Active": "yes", "Fee": 2, "uncaptured": ["fee"]}, {"E-mail": "b@x", "Active": "yes"}]"#;
    let run = Harbour::with(&[("r.json", rows.as_bytes())]).run(&format!("--people r.json {AT}"));
    assert!(run.code == 0 && !run.stderr.contains("not used"), "{run:?}");
    assert_eq!(run.json()["people"][0], json!({"email": "a@x", "active": true, "uncaptured": ["fee", "site"]}));
    assert_eq!(run.json()["people"][1], json!({"email": "b@x", "active": true, "uncaptured": ["site"]}));
    let rows =
        r#"[{"E-mail": "a@x", "Active": "yes", "uncaptured": "fee"}, {"E-mail": "b@x", "Active": "yes", "Fee": 1}]"#;
    let run = Harbour::with(&[("r.json", rows.as_bytes())]).run(&format!("--people r.json {AT}"));
    reports(&run, 5, "a statement of what was not captured is not a list of names");
    assert_eq!(run.json()["people"][0], json!({"email": "a@x", "active": true, "uncaptured": ["fee", "site"]}));
    let rows = r#"[{"E-mail": "a@x", "Active": "yes", "Uncaptured": ["fee"]}]"#;
    let run = Harbour::with(&[("r.json", rows.as_bytes())]).run(&format!("--people r.json {AT}"));
    reports(&run, 5, "did you mean `uncaptured`?");
    // Names of other properties, of the id, and of none.
    let rows = r#"[{"E-mail": "a@x", "Active": "yes", "Fee": 2, "uncaptured": ["network", "Site"]},
        {"E-mail": "b@x", "Active": "yes", "uncaptured": ["leaving"]}, {"E-mail": "c@x", "Active": "yes", "uncaptured": ["e_mail"]}]"#;
    let run = Harbour::with(&[("r.json", rows.as_bytes())]).run(&format!("--people r.json {AT}"));
    reports(&run, 5, "`uncaptured` of this row names `email`, its id");
    reports(&run, 5, "`uncaptured` names `leaving`, which the schema does not declare here");
    assert!(!run.stderr.contains("names `network`"), "{}", run.stderr);
    let people = json!([
        {"email": "a@x", "active": true, "fee": 2, "uncaptured": ["network", "site"]},
        {"email": "b@x", "active": true, "uncaptured": ["fee", "site"]}
    ]);
    assert_eq!((&run.json()["people"], &run.json()["partial"]), (&people, &json!(["/people"])));
    // The status decides whether a person is in the list of active ones.
    let rows = r#"[{"Email": "a@x.example", "Status": "Left", "uncaptured": ["Status"]}]"#;
    let run = moengage(&[("r.json", rows)], "--roster r.json");
    assert_eq!(run.json()["partial"], json!(["/policy_context/identity_roster/active_emails"]), "{}", run.stderr);
}

#[test]
fn the_values_that_a_row_of_json_with_an_error_lacks_are_uncaptured() {
    const WARNING: &str = "the row has an error, so the values that it lacks";
    let people = |row: &str, changes: &[(&str, &str)]| {
        let rows = format!(r#"[{{"E-mail": "a@x", "Active": "yes", "Fee": 2, "Pay": {{"Fee": 2}}}}, {row}]"#);
        let run = Harbour::changed(&[("r.json", rows.as_bytes())], changes).run(&format!("--people r.json {AT}"));
        assert_eq!(run.code, 0, "{}", run.stderr);
        (run.json()["people"][1].clone(), run.stderr.matches(WARNING).count())
    };
    let unknown = json!({"email": "b@x", "active": true, "uncaptured": ["fee", "site"]});
    let absent = json!({"email": "b@x", "active": true, "uncaptured": ["site"]});
    for error in [r#""error": "forbidden""#, r#""Errors": [{"code": 403}]"#, r#""error": null, "errors": 0"#] {
        let row = format!(r#"{{"E-mail": "b@x", "Active": "yes", {error}}}"#);
        assert_eq!(people(&row, &[]), (unknown.clone(), 1), "{error}");
    }
    let null = r#"{"E-mail": "b@x", "Active": "yes", "Fee": null, "error": "forbidden"}"#;
    assert_eq!(people(null, &[]), (unknown.clone(), 1));
    assert_eq!(people(&null.replace(r#""forbidden""#, "null"), &[]), (absent.clone(), 0));
    for error in [r#""error": null"#, r#""error": """#, r#""errors": []"#, r#""error_rate": 1"#] {
        let row = format!(r#"{{"E-mail": "b@x", "Active": "yes", {error}}}"#);
        assert_eq!(people(&row, &[]), (absent.clone(), 0), "{error}");
    }
    // One that is a column.
    let column = [(r#"headers = ["Fee"]"#, r#"headers = ["Fee", "Error"]"#)];
    let row = r#"{"E-mail": "b@x", "Active": "yes", "error": 3}"#;
    assert_eq!(people(row, &column), (json!({"email": "b@x", "active": true, "fee": 3, "uncaptured": ["site"]}), 0));
    // One in an object of the row, and around it.
    let inner = [(r#"headers = ["Fee"]"#, r#"headers = ["Pay/Fee"]"#)];
    for row in [r#""Pay": {"error": "forbidden"}"#, r#""Pay": {"error": null}"#, r#""Pay": {}, "error": "forbidden""#] {
        let row = format!(r#"{{"E-mail": "b@x", "Active": "yes", {row}}}"#);
        assert_eq!(people(&row, &inner), (unknown.clone(), 1), "{row}");
    }
    let row = r#"{"E-mail": "b@x", "Active": "yes", "Pay": {}}"#;
    assert_eq!(people(row, &inner), (absent, 0));
    // A value that the row has is known.
    let row = r#"{"E-mail": "b@x", "Active": "yes", "Fee": 1, "error": "forbidden"}"#;
    assert_eq!(people(row, &[]), (json!({"email": "b@x", "active": true, "fee": 1, "uncaptured": ["site"]}), 0));
}

#[test]
fn a_quote_in_a_cell_that_is_not_in_quotes_is_an_error() {
    let people = |rows: &str| {
        let rows = format!("E-mail,Active,Fee,Note\n{rows}\n");
        let run = Harbour::with(&[("p.csv", rows.as_bytes())]).run(&format!("--people p.csv {AT}"));
        (run.code, run.json()["people"].clone(), run.json()["partial"].clone(), run.stderr)
    };
    // A column that is not read.
    let (code, found, partial, _) = people("a@x,yes,1,5\" pipe");
    let whole = json!([{"email": "a@x", "active": true, "fee": 1, "uncaptured": ["site"]}]);
    assert_eq!((code, found, partial), (0, whole, Value::Null));
    // A column that is read.
    let (code, found, partial, text) = people("a@x,yes,1\",");
    assert!(text.contains("the cell of `fee` has a quote, and is not in quotes"), "{text}");
    let unknown = json!([{"email": "a@x", "active": true, "uncaptured": ["fee", "site"]}]);
    assert_eq!((code, found, partial), (5, unknown, Value::Null));
    // The id, and a cell that a blank before its quote divides.
    for (row, message) in
        [("a\"@x,yes,1,", "this row has no `email`"), ("a@x,yes,1, \"y\"", "a blank is before the quote")]
    {
        let (code, found, partial, text) = people(row);
        assert!(text.contains(message), "{text}");
        assert_eq!((code, found, partial), (5, json!([]), json!(["/people"])));
    }
}

#[test]
fn a_document_is_of_the_same_account_and_not_of_the_future() {
    let old = r#"{"captured_at": "2026-08-01", "organization": {"name": "Heron"}}"#;
    for (document, expected) in [
        (r#"{"captured_at": "2026-08-02", "organization": {"name": "Bike"}}"#, "a document is of the account `Bike`"),
        (r#"{"captured_at": "2999-08-02", "organization": {"name": "Heron"}}"#, "which is in the future"),
    ] {
        let files = [("old.json", old.as_bytes()), ("s.json", document.as_bytes())];
        let run = deodar(&files, &["capture", "moengage", "--settings", "s.json", "--into", "old.json"]);
        reports(&run, 5, expected);
        assert_eq!(run.stdout, "");
    }
}

#[test]
fn an_event_without_an_action_leaves_the_times_of_last_events_unknown() {
    let members = ("m.csv", "Email,Status,Role\nneha@heron.example,Joined,Admin\n");
    let log = |action: &str| {
        format!(
            "Time,Teams,Entity,Activity,Action,Actor,IP\n2026-08-30T11:00:00Z,,Audit Logs,Viewed,{action},neha@heron.example,192.0.2.1\n"
        )
    };
    let activity = |action: &str| {
        let (log, arguments) = (log(action), "--members WS1=m.csv --audit-log WS1=l.csv");
        let run = moengage(&[members, ("l.csv", log.as_str())], arguments);
        run.json()["workspaces"][0]["members"][0]["activity"].clone()
    };
    assert_eq!(activity("UPDATE").get("last_privileged_action_at"), Some(&Value::Null));
    // A required value that is missing is uncaptured.
    let unknown = activity("");
    assert_eq!((unknown.get("last_privileged_action_at"), &unknown["uncaptured"]), (None, &json!(["last_seen_at"])));
}

#[test]
fn findings_of_a_capture_have_the_places_of_the_exports() {
    let members = "Email,Status,Role\nneha@heron.example,Joined,Admin\n";
    let report = "Email,2FA Status\nneha@heron.example,Disabled\n";
    let files = [("m.csv", members), ("r.csv", report)];
    let arguments =
        "--members WS1=m.csv --two-step-report WS1=r.csv --output new.json --check -- --now 2026-09-01 --format json";
    let run = moengage(&files, arguments);
    assert_eq!(run.code, 5, "{run:?}");
    let report = run.json();
    let found = report["findings"].as_array().expect("a list").iter().find(|found| found["check"] == "MOE-AUTH-02");
    let found = found.unwrap_or_else(|| panic!("{report}"));
    let reads =
        found["clauses"].as_array().expect("a list").iter().flat_map(|clause| clause["reads"].as_array()).flatten();
    let place = |read: &Value| {
        let span = &read["span"];
        (
            span["file"].as_str().unwrap_or_default().to_owned(),
            span["start"]["line"].clone(),
            span["start"]["column"].clone(),
        )
    };
    let places: Vec<_> = reads.map(place).collect();
    assert!(places.contains(&("m.csv".to_owned(), json!(2), json!(27))), "{places:?}");
    assert!(places.contains(&("r.csv".to_owned(), json!(2), json!(20))), "{places:?}");
    let watched = moengage(&files, "--members WS1=m.csv --check -- --watch");
    reports(&watched, 2, "it is not watched");
    let unknown = moengage(&files, "--members WS1=m.csv --check -- --unknown");
    reports(&unknown, 2, "--unknown");
}

#[test]
fn a_time_of_capture_is_not_in_the_future() {
    let files = [("m.csv", "Email,Status\nneha@heron.example,Joined\n")];
    let run = moengage(&files, "--members W=m.csv --captured-at m.csv=2999-01-01");
    reports(&run, 2, "--captured-at m.csv=2999-01-01: the time is in the future");
}

#[test]
fn a_document_keeps_its_own_time() {
    const WARNING: &str = "and --captured-at states";
    let document = |own: &str| format!(r#"{{{own}"name": "Anse", "people": [{{"email": "a@x", "active": true}}]}}"#);
    for (own, arguments, code, expected) in [
        (r#""captured_at": "2025-01-01", "#, AT, 0, json!("2025-01-01T00:00:00Z")),
        ("", AT, 0, json!("2026-09-01T00:00:00Z")),
        (r#""captured_at": "2999-01-01", "#, AT, 5, Value::Null),
        // The older one of two times for one file.
        (r#""captured_at": "2025-01-01", "#, "--captured-at s.json=2026-09-01", 0, json!("2025-01-01T00:00:00Z")),
        (r#""captured_at": "2026-09-01", "#, "--captured-at s.json=2025-01-01", 0, json!("2025-01-01T00:00:00Z")),
        (r#""captured_at": "2026-09-01", "#, "--captured-at s.json=2026-09-01", 0, json!("2026-09-01T00:00:00Z")),
        (r#""captured_at": "2999-01-01", "#, "--captured-at s.json=2026-09-01", 5, Value::Null),
    ] {
        let harbour = Harbour::with(&[("s.json", document(own).as_bytes()), ("p.csv", b"E-mail,Fee\na@x,1\n")]);
        let arguments = format!("--captured-at p.csv=2026-09-01 {arguments} --settings s.json --people p.csv");
        let run = harbour.run(&arguments);
        assert_eq!(run.code, code, "{own} {arguments} {}", run.stderr);
        let found = serde_json::from_str::<Value>(&run.stdout).unwrap_or_default();
        assert_eq!(found["captured_at"], expected, "{own} {arguments}");
        let is_same = own.contains("2026") && arguments.contains("s.json=2026");
        assert_eq!(run.stderr.contains(WARNING), arguments.contains("s.json=") && !is_same, "{}", run.stderr);
    }
}

#[test]
fn a_total_below_the_table_is_not_a_member() {
    for (last, expected) in [
        ("Total: 1,,", "`Total: 1` is not an e-mail address"),
        ("Generated by neha@heron.example on 1 September,,", "is not an e-mail address"),
        ("Total: 1", "this row has 1 cell, and the header has 3"),
        (",1,", "this row has no `email`"),
    ] {
        let rows = format!("Email,Status,Role\nneha@heron.example,Joined,Admin\n{last}\n");
        let run = moengage(&[("m.csv", &rows)], "--members WS1=m.csv");
        reports(&run, 5, expected);
        let workspace = &run.json()["workspaces"][0];
        assert_eq!(workspace["members"].as_array().map(Vec::len), Some(1), "{workspace:#}");
        assert_eq!(run.json()["partial"], json!(["/workspaces", "/workspaces/0/members"]));
    }
    // Keys without a form: the row may be an instance.
    let harbour = Harbour::with(&[("p.csv", b"E-mail,Active,Fee\na@x,yes,1\nTotal: 1,,\n")]);
    let run = harbour.run(&format!("--people p.csv {AT}"));
    reports(&run, 0, "the row of `Total: 1` has no other value");
    assert_eq!(run.json()["partial"], json!(["/people"]));
}

#[test]
fn a_key_that_the_reader_of_the_schema_rejects_is_an_error() {
    for (address, name, remedy) in [
        ("\u{200b}c@x.example", "\\u{200b}c@x.example", "remove the character U+200B"),
        ("d@x.exa\u{ad}mple", "d@x.exa\\u{ad}mple", "remove the character U+00AD"),
        ("d@x\u{feff}.example", "d@x\\u{feff}.example", "remove the character U+FEFF"),
        ("a@b@x.example", "a@b@x.example", "write an address such as"),
        (".a@x.example", ".a@x.example", "write an address such as"),
    ] {
        let rows = format!("Email,Status,Role\nneha@heron.example,Joined,Admin\n{address},Joined,Admin\n");
        let run = moengage(&[("m.csv", &rows)], "--members WS1=m.csv");
        reports(&run, 5, &format!("`{name}` is not an e-mail address"));
        assert!(run.stderr.replace("\n        ", " ").contains(remedy), "{}", run.stderr);
        let workspace = &run.json()["workspaces"][0];
        assert_eq!(workspace["members"].as_array().map(Vec::len), Some(1), "{workspace:#}");
        assert_eq!(run.json()["partial"], json!(["/workspaces", "/workspaces/0/members"]));
    }
}

#[test]
fn rows_with_one_key_are_noted_although_they_are_equal() {
    let harbour = Harbour::with(&[
        ("p.csv", b"E-mail,Active\na@x,yes\na@x,yes\n"),
        ("q.csv", b"Mail,Site\na@x,u\na@x,u\n"),
        ("one.csv", b"E-mail,Active\na@x,yes\n"),
    ]);
    reports(&harbour.run(&format!("--people p.csv {AT}")), 0, "`a@x` has two rows in `p.csv`");
    reports(&harbour.run(&format!("--people one.csv --sites q.csv {AT}")), 0, "`a@x` has two rows in `q.csv`");
}

#[test]
fn equal_events_of_one_export_are_noted() {
    let event = "2026-06-01T09:00:00Z,User,CREATE,a@x.example\n";
    let log = |events: usize| format!("Time,Entity,Action,Actor\n{}", event.repeat(events));
    let run = moengage(&[("1.csv", &log(3)), ("2.csv", &log(1))], "--audit-log W=1.csv --audit-log W=2.csv");
    reports(&run, 0, "note: `1.csv` has 2 rows with the values of an earlier row: they are one");
    assert!(!run.stderr.contains("`2.csv` has 1 row with"), "{}", run.stderr);
}

#[test]
fn the_same_file_is_noted_where_it_is_given_again() {
    let people: &[u8] = b"E-mail,Mail,Active\na@x,a@x,yes\n";
    let people_only: &[u8] = b"E-mail,Active\na@x,yes\n";
    let boats: &[u8] = b"Name,Light\nTern,red\n";
    let piers: &[u8] = br#"{"piers": [{"id": "east"}, {"id": "west"}]}"#;
    let harbour = Harbour::with(&[
        ("p.csv", people_only),
        ("q.csv", people_only),
        ("both.csv", people),
        ("b.csv", boats),
        ("s.json", piers),
    ]);
    for (arguments, code, expected) in [
        ("--people p.csv --people p.csv", 5, "`p.csv` is given twice to `--people`"),
        (
            "--people p.csv --people ./p.csv",
            5,
            "`p.csv` and `./p.csv` are one file, which is given twice to `--people`",
        ),
        ("--people p.csv --people q.csv", 0, "`q.csv` has the content of `p.csv`"),
        ("--people p.csv --people q.csv --people q.csv", 5, "`q.csv` is given twice to `--people`"),
        ("--people p.csv --sites q.csv", 5, "`q.csv` of `--sites` has the content of `p.csv` of `--people`"),
        (
            "--settings s.json --boats west=b.csv --boats east=b.csv",
            0,
            "`west` and `east` have files with the same content, `b.csv` and `b.csv`",
        ),
    ] {
        reports(&harbour.run(&format!("{arguments} {AT}")), code, expected);
    }
}

#[test]
fn one_metadata_file_may_be_that_of_two_environments() {
    let metadata = include_str!("../data/capture/idp.xml");
    let run = moengage(&[("i.xml", metadata)], "--idp-metadata W/LIVE=i.xml --idp-metadata W/TEST=i.xml");
    assert!(run.code == 0 && !run.stderr.contains("same content"), "{} {}", run.code, run.stderr);
}

#[test]
fn files_without_rows_are_noted() {
    for (flag, name, text, expected) in [
        ("audit-log", "a.csv", "Time,Teams,Entity,Activity,Action,Actor,IP\n", "`a.csv` has a header and no row"),
        ("two-step-report", "t.csv", "Email,2FA\n\n \n", "`t.csv` has a header and no row"),
        ("members", "m.json", "[]", "`m.json` has an empty list"),
    ] {
        let run = moengage(&[(name, text)], &format!("--{flag} W={name}"));
        reports(&run, 0, expected);
        assert!(run.json()["partial"].as_array().is_some_and(|lists| lists.len() > 1), "{}", run.stdout);
    }
}

#[test]
fn a_wrong_pointer_of_a_partial_list_writes_nothing() {
    for pointer in ["/piers/0/flags", "/peeple", "people", "", "/people/0", "/piers/7/boats"] {
        let document = json!({
            "name": "Anse", "people": [{"email": "a@x"}], "piers": [{"id": "east", "flags": ["a"], "boats": []}],
            "partial": [pointer],
        });
        let harbour = Harbour::with(&[("s.json", document.to_string().as_bytes())]);
        let run = harbour.run(&format!("--settings s.json {AT}"));
        reports(&run, 5, "of `partial` is not the pointer of a list of instances");
        assert_eq!(run.stdout, "");
    }
    let document = r#"{"name": "Anse", "buoys": [{"number": 1}], "piers": [{"id": "east", "boats": []}],
        "partial": ["/piers/0/boats", "/buoys"]}"#;
    let harbour = Harbour::with(&[("s.json", document.as_bytes())]);
    let found = harbour.snapshot(&format!("--settings s.json {AT}"), 0);
    assert_eq!(found["partial"], json!(["/buoys", "/piers/0/boats"]));
}

#[test]
fn a_value_that_a_check_cannot_read_is_reported_at_its_place_in_the_document() {
    let settings = "organization: {name: Heron}\nworkspaces:\n- id: W\n  environments:\n  - name: LIVE\n    security:\n      \
        support_access: {granted: no}\n      login_method: sso\n      two_stepp: {enforced: true}\n";
    let run = moengage(&[("s.yaml", settings)], "--settings s.yaml");
    reports(&run, 5, "`support_access_granted` is a string, expected true or false");
    for expected in ["[s.yaml:7:33]", "help: write false", "[s.yaml:8:21]", "did you mean `two_step`?"] {
        assert!(run.stderr.contains(expected), "{expected}: {}", run.stderr);
    }
    // What a part of a snapshot lacks is not a mistake, and a secret is not quoted.
    let token = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
    let settings = format!("workspaces: [{{id: W, plan: {token}}}]\n");
    let run = moengage(&[("s.yaml", &settings)], "--settings s.yaml");
    assert!(run.code == 5 && !run.stderr.contains(token), "{}", run.stderr);
    let run = moengage(&[("s.yaml", "workspaces: [{id: W, plan: enterprise}]\n")], "--settings s.yaml");
    assert!(run.code == 0 && !run.stderr.contains("snapshot-"), "{}", run.stderr);
}

#[test]
fn a_date_in_a_log_is_a_day_of_the_zone() {
    let log = "Time,Entity,Action,Actor\n2026-08-18,User,CREATE,neha@heron.example\n";
    let files = [("a.csv", log), ("m.csv", "Email,Status,Role\nneha@heron.example,Joined,Admin\n")];
    for (zone, expected) in [("", "2026-08-18T00:00:00Z"), ("--zone Asia/Kolkata", "2026-08-17T18:30:00Z")] {
        let range = "--range a.csv=2026-08-18..2026-08-19";
        let run = moengage(&files, &format!("--members W=m.csv --audit-log W=a.csv {range} {zone}"));
        assert_eq!(run.code, 0, "{}", run.stderr);
        let workspace = run.json()["workspaces"][0].clone();
        assert_eq!(workspace["members"][0]["activity"]["last_seen_at"], expected);
        assert_eq!(workspace["audit_log"]["exports"][0]["range_from"], expected);
    }
}

#[test]
fn a_person_whose_rows_contradict_each_other_may_be_active() {
    let roster = "Email,Status\nada@heron.example,Active\nbo@heron.example,Active\nada@heron.example,Left\n";
    let run = moengage(&[("r.csv", roster)], "--roster r.csv");
    reports(&run, 5, "two rows state differently whether `ada@heron.example` is in a list");
    let found = &run.json()["policy_context"]["identity_roster"];
    assert_eq!(found["active_emails"], json!(["bo@heron.example"]));
    assert_eq!(found["entries"][0], json!({"email": "ada@heron.example", "uncaptured": ["end_date", "hr_status"]}));
    let active = "/policy_context/identity_roster/active_emails";
    assert!(run.json()["partial"].as_array().unwrap().contains(&Value::from(active)), "{}", run.stdout);
    // The newer of two files determines the list, too.
    let (left, works) = ("Email,Status\nada@heron.example,Left\n", "Email,Status\nada@heron.example,Active\n");
    for (new, expected) in [(left, json!([])), (works, json!(["ada@heron.example"]))] {
        let old = if new == left { works } else { left };
        let newer = "--roster old.csv --roster new.csv --captured-at old.csv=2026-08-01 --prefer newer";
        let run = moengage(&[("old.csv", old), ("new.csv", new)], newer);
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert_eq!(run.json()["policy_context"]["identity_roster"]["active_emails"], expected);
        assert!(!run.json()["partial"].to_string().contains("active_emails"), "{}", run.stdout);
    }
}

#[test]
fn a_scim_attribute_that_is_not_a_text_is_reported() {
    let page = r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": 1, "Resources": [
        {"id": "1", "userName": "ada@heron.example", "active": false, "displayName": {"x": 1}}]}"#;
    let run = moengage(&[("s.json", page)], "--scim W=s.json");
    reports(&run, 5, "the value of `name` is an object or a list");
}

#[test]
fn a_help_states_how_to_extend_the_description() {
    let files = [("m.csv", "Adresse,Status,Role\nneha@heron.example,Geparkt,Admin\n")];
    let run = moengage(&files, "--members W=m.csv");
    let words = run.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("`deodar new capture moengage --output capture.toml`, and pass --policies capture.toml"));
    let copy = deodar(&[], &["new", "capture", "moengage"]);
    assert_eq!(copy.stdout, include_str!("../../policies/moengage/capture.toml"));
    let extended = copy.stdout.replacen("\"Email\"", "\"Adresse\"", 1);
    let run = moengage(&[files[0], ("capture.toml", &extended)], "--policies capture.toml --members W=m.csv");
    assert_eq!(run.json()["workspaces"][0]["members"][0]["email"], "neha@heron.example");
    // The help of a description that can be changed names the file.
    let words = run.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("or add the word to `capture.toml`"), "{}", run.stderr);
}

#[test]
fn messages_about_files_have_a_remedy() {
    let day = [("m.csv", "Email,Status,Last day\nneha@heron.example,Active,22/07/2026\n")];
    let run = moengage(&day, "--roster m.csv");
    reports(&run, 5, "`22/07/2026` has the day before the month");
    assert!(run.stderr.contains("help: pass --day-first"), "{}", run.stderr);
    let run = moengage(&[], "--roster nowhere.csv");
    reports(&run, 5, "cannot read `nowhere.csv`: no such file or directory");
    assert!(run.stderr.contains("help: correct the path"), "{}", run.stderr);
    for (arguments, expected) in [
        ("--captured-at soon", "as in --captured-at members.csv=2026-09-01T06:00:00Z"),
        ("--range m.csv", "write FILE=FROM..TO, as in --range audit.csv=2026-06-01..2026-09-01"),
        ("--range m.csv=May..June", "`May` is not a time"),
        ("--captured-at m.csv=2026-09-01T06:00", "name the zone of the export with --zone"),
    ] {
        reports(&moengage(&day, &format!("--roster m.csv {arguments}")), 2, expected);
    }
}
