//! `deodar capture`: files of many kinds to one snapshot, and the example in `examples/capture`.

use crate::support::{Run, command, folder, repository};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;

const DESCRIPTION: &str = r#"
[snapshot]
evidence = "evidence"

[[sources]]
flag = "settings"
help = "Settings"
reader = "document"
method = "transcribed"

[[sources]]
flag = "people"
help = "People"
reader = "rows"
method = "csv"
[[sources.targets]]
instances = "Person"
complete = true
declared = ["network"]
columns = [
  { property = "email", headers = ["E-mail", "Mail"], required = true },
  { property = "active", headers = ["Active"], form = "bool" },
  { property = "fee", headers = ["Fee"], form = "number" },
]

[[sources]]
flag = "sites"
help = "Sites of people"
reader = "rows"
[[sources.targets]]
instances = "Person"
columns = [
  { property = "email", headers = ["Mail"], required = true },
  { property = "site", headers = ["Site"] },
]

[[sources]]
flag = "boats"
help = "Boats of a pier"
reader = "rows"
[[sources.targets]]
instances = "Boat"
complete = true
declared = ["pin"]
columns = [
  { property = "name", headers = ["Name"], required = true },
  { property = "light", headers = ["Light"] },
]
"#;

#[test]
fn instances_without_the_first_property_of_their_id_are_joined_by_the_next() {
    const SCHEMA: &str = r#"
        @path("") @key("name") entity Firm = { name: String, captured_at: datetime };
        @path("/devices/*") @key("serial, mail") entity Device in [Firm] = {
          serial?: String, @as("email") mail?: String, lost?: Bool, site?: String
        };
        type Context = { now: datetime };
        action "audit" appliesTo { principal: [Firm], resource: [Firm, Device], context: Context };
    "#;
    const DEVICES: &str = r#"
        [[sources]]
        flag = "settings"
        help = "Settings"
        reader = "document"

        [[sources]]
        flag = "devices"
        help = "Devices"
        reader = "rows"
        [[sources.targets]]
        instances = "Device"
        columns = [
          { property = "serial", headers = ["Serial"], required = true },
          { property = "site", headers = ["Site"] },
        ]
    "#;
    let one = r#"{"name": "F", "captured_at": "2026-09-01", "devices": [
        {"serial": "7", "mail": "c@f.example", "lost": false}, {"serial": null, "mail": "B@f.example", "lost": true}, {"mail": "7"}
    ]}"#;
    let two = r#"{"name": "F", "captured_at": "2026-09-01", "devices": [
        {"mail": "b@f.example", "site": "north"}, {"lost": true}, {"serial": "7", "mail": "d@f.example"}
    ]}"#;
    let files: [(&str, &[u8]); 5] = [
        ("s.cedarschema", SCHEMA.as_bytes()),
        ("p/capture.toml", DEVICES.as_bytes()),
        ("one.json", one.as_bytes()),
        ("two.json", two.as_bytes()),
        ("devices.csv", b"Serial,Site\n7,south\n"),
    ];
    let folder = folder(&files);
    let arguments = "capture --schema s.cedarschema --policies p/capture.toml --settings one.json --settings two.json \
                     --devices devices.csv --output out.json";
    let run: Run =
        command(folder.path()).args(arguments.split_whitespace()).output().expect("the binary is built").into();
    assert_eq!(run.code, 5, "{}", run.stderr);
    assert!(run.stderr.contains("this row has no `serial` or `mail`"), "{}", run.stderr);
    let written: Value = serde_json::from_slice(&std::fs::read(folder.path().join("out.json")).unwrap()).unwrap();
    let devices = json!([
        {"serial": "7", "lost": false, "site": "south", "uncaptured": ["mail"]},
        {"serial": null, "mail": "B@f.example", "lost": true, "site": "north"},
        {"mail": "7"},
    ]);
    assert_eq!(written["devices"], devices);
    assert_eq!(written["partial"], json!(["/devices"]));
}

/// The ids of spaces are compared without case, and a spelling counts only if it has to.
const SPACES: &str = r#"
    @path("") @key("name") entity Firm = { name: String, captured_at: datetime };
    @path("/spaces/*") @key("id, code") entity Space in [Firm] = {
      @as("casefold") id?: String, @as("casefold") code?: String, open?: Bool
    };
    @path("/spaces/*/users/*") @key("id, mail") entity User in [Space] = {
      id?: String, @as("email") mail?: String, last_login?: datetime
    };
    @path("/spaces/*/events/*") @missing("[]") entity Event in [Space] = { time: datetime, who: String, kind: String };
    type Context = { now: datetime };
    action "audit" appliesTo { principal: [Firm], resource: [Firm, Space, User, Event], context: Context };
"#;

const USERS: &str = r#"
    [[sources]]
    flag = "settings"
    help = "Settings"
    reader = "document"

    [[sources]]
    flag = "users"
    help = "Users of a space"
    reader = "rows"
    [[sources.targets]]
    instances = "User"
    declared = ["mail"]
    columns = [{ property = "id", headers = ["User"], required = true }]

    [[sources]]
    flag = "log"
    help = "Log"
    reader = "rows"
    [[sources.targets]]
    instances = "Event"
    columns = [
      { property = "time", headers = ["Time"], form = "time", required = true },
      { property = "who", headers = ["Who"], required = true },
      { property = "kind", headers = ["Kind"], required = true },
    ]
    [sources.log]
    time = "time"
    [[sources.log.activities]]
    instances = "User"
    actor = "who"
    property = "last_login"
    events = [{ kind = ["login"] }]
"#;

/// Captures settings with more arguments. Returns the exit code, the messages and the spaces.
fn spaces(settings: &str, more: &str, arguments: &str) -> (i32, String, Value) {
    let document = |spaces: &str| format!(r#"{{"name": "F", "captured_at": "2026-09-01", "spaces": {spaces}}}"#);
    let (settings, more) = (document(settings), document(more));
    let files: [(&str, &[u8]); 6] = [
        ("s.cedarschema", SPACES.as_bytes()),
        ("p/capture.toml", USERS.as_bytes()),
        ("one.json", settings.as_bytes()),
        ("two.json", more.as_bytes()),
        ("users.csv", b"User\nu1\n"),
        ("log.csv", b"Time,Who,Kind\n2026-08-20T00:00:00Z,u1,login\n2026-08-21T00:00:00Z,b@x.example,login\n"),
    ];
    let folder = folder(&files);
    let pack = "capture --schema s.cedarschema --policies p/capture.toml --output out.json";
    let arguments = pack.split_whitespace().chain(arguments.split_whitespace());
    let run: Run = command(folder.path()).args(arguments).output().expect("the binary is built").into();
    let written = std::fs::read(folder.path().join("out.json")).unwrap_or_default();
    let written: Value = serde_json::from_slice(&written).unwrap_or_default();
    (run.code, run.stderr, written["spaces"].clone())
}

#[test]
fn instances_of_two_documents_are_one_in_another_spelling_only_if_no_other_is() {
    let both = "--settings one.json --settings two.json";
    let (code, _, written) =
        spaces(r#"[{"id": "Alpha", "open": false}]"#, r#"[{"id": "ALPHA"}, {"code": "alpha"}]"#, both);
    assert_eq!((code, written), (0, json!([{"id": "Alpha", "open": false}, {"code": "alpha"}])));
    let two = r#"[{"id": "alpha", "open": true}, {"id": "Alpha", "open": false}]"#;
    let turned = r#"[{"id": "Alpha", "open": false}, {"id": "alpha", "open": true}]"#;
    for (code, _, written) in [spaces(two, turned, both), spaces(turned, two, "--into two.json --settings one.json")] {
        let is_open = |id: &str| written.as_array().unwrap().iter().find(|it| it["id"] == id).unwrap()["open"].clone();
        assert_eq!((code, written.as_array().unwrap().len()), (0, 2), "{written}");
        assert_eq!((is_open("alpha"), is_open("Alpha")), (json!(true), json!(false)));
    }
}

#[test]
fn a_source_belongs_to_the_instance_that_its_id_names_as_it_is_written() {
    let one = "--settings one.json --users";
    let users = || json!([{"id": "u1", "uncaptured": ["last_login"]}]);
    let (code, _, written) = spaces(r#"[{"id": "Alpha"}, {"id": "alpha"}]"#, "[]", &format!("{one} alpha=users.csv"));
    assert_eq!((code, written), (0, json!([{"id": "Alpha"}, {"id": "alpha", "users": users()}])));
    let (code, _, written) = spaces(r#"[{"id": "Alpha"}]"#, "[]", &format!("{one} ALPHA=users.csv"));
    assert_eq!((code, written), (0, json!([{"id": "Alpha", "users": users()}])));
    let (code, stderr, _) = spaces(r#"[{"id": "Alpha"}, {"code": "alpha"}]"#, "[]", &format!("{one} ALPHA=users.csv"));
    assert!(stderr.contains("names several instances of Space: Alpha, alpha"), "{stderr}");
    assert_eq!(code, 5);
}

#[test]
fn a_log_states_nothing_of_an_instance_without_the_property_that_it_names() {
    let users = r#"[{"id": "a", "users": [{"id": "u1"}, {"mail": "b@x.example"}]}]"#;
    let (_, stderr, written) = spaces(users, "[]", "--settings one.json --log log.csv");
    assert_eq!(written[0]["users"][1], json!({"mail": "b@x.example", "uncaptured": ["last_login"]}), "{stderr}");
    assert!(stderr.contains("b@x.example"), "{stderr}");
}

/// Runs a capture of files in the harbour pack.
pub struct Harbour(tempfile::TempDir);

impl Harbour {
    pub fn with(files: &[(&str, &[u8])]) -> Self {
        Self::changed(files, &[])
    }

    /// The same, with other texts in the description.
    pub fn changed(files: &[(&str, &[u8])], changes: &[(&str, &str)]) -> Self {
        let schema = include_bytes!("../data/harbour/harbour.cedarschema");
        let description = changes.iter().fold(DESCRIPTION.to_owned(), |text, (old, new)| text.replace(old, new));
        let own: [(&str, &[u8]); 2] = [("harbour.cedarschema", schema), ("p/capture.toml", description.as_bytes())];
        let all: Vec<(&str, &[u8])> = own.iter().chain(files).copied().collect();
        Self(folder(&all))
    }

    pub fn run(&self, arguments: &str) -> Run {
        let pack = ["capture", "--schema", "harbour.cedarschema", "--policies", "p/capture.toml"];
        let arguments = pack.into_iter().chain(arguments.split_whitespace());
        command(self.0.path()).args(arguments).output().expect("the binary is built").into()
    }

    #[track_caller]
    pub fn snapshot(&self, arguments: &str, code: i32) -> Value {
        let run = self.run(arguments);
        assert_eq!(run.code, code, "{}", run.stderr);
        run.json()
    }
}

pub const AT: &str = "--captured-at 2026-09-01";

#[test]
fn sources_are_joined_by_the_key_in_folded_form() {
    let harbour = Harbour::with(&[
        ("s.json", br#"{"name": "Anse", "people": [{"email": "ada@anse.example", "network": "192.0.2.1"}]}"#),
        ("p.csv", b"Mail;Active;Fee;Shoe size\nADA@anse.example ;yes;1.5;40\nbo@anse.example;no;;41\n"),
        ("q.csv", b"Mail,Site\nada@anse.example,https://ada.example\n"),
    ]);
    let found = harbour.snapshot(&format!("--settings s.json --people p.csv --sites q.csv {AT}"), 0);
    // The schema of this pack compares e-mail addresses as they are written.
    assert_eq!(found["people"].as_array().map(Vec::len), Some(3));
    assert_eq!(
        found["people"][0],
        json!({"email": "ADA@anse.example", "active": true, "fee": 1.5, "uncaptured": ["site"]})
    );
    assert_eq!(found["captured_at"], "2026-09-01T00:00:00Z");
    let covers: Vec<_> =
        found["evidence"].as_array().unwrap().iter().map(|it| it["covers"].as_str().unwrap()).collect();
    assert_eq!(covers, ["", "/people", "/people/*/network", "/people/*/site", "/people/2"]);
}

#[test]
fn encodings_and_separators_lead_to_the_same_snapshot() {
    let rows = "E-mail,Active,Fee\r\nz\u{e9}@anse.example,yes,\"1\"\r\n\"b\"\"o\",no,\r\n";
    let utf16 = |little: bool| -> Vec<u8> {
        let units = format!("\u{feff}{}", rows.replace(',', "\t")).encode_utf16().collect::<Vec<_>>();
        units.into_iter().flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect()
    };
    let latin: Vec<u8> = rows.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let files = [
        ("a.csv", rows.as_bytes().to_vec()),
        ("b.csv", format!("\u{feff}{}", rows.replace(',', ";")).into_bytes()),
        ("c.csv", utf16(true)),
        ("d.csv", utf16(false)),
        ("e.csv", latin),
    ];
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (*name, &bytes[..])).collect();
    let harbour = Harbour::with(&files);
    for (name, _) in &files {
        let encoding = if *name == "e.csv" { "--encoding e.csv=windows-1252" } else { "" };
        let found = harbour.snapshot(&format!("--people {name} {encoding} {AT}"), 0);
        assert_eq!(found["people"][0]["email"], "z\u{e9}@anse.example", "{name}");
        assert_eq!(found["people"][1], json!({"email": "b\"o", "active": false, "uncaptured": ["site"]}), "{name}");
    }
    let refused = harbour.run(&format!("--people e.csv {AT}"));
    assert_eq!((refused.code, refused.stdout.as_str()), (5, ""));
    assert!(refused.stderr.contains("--encoding windows-1252"), "{}", refused.stderr);
}

#[test]
fn lost_rows_and_unknown_values_do_not_pass_silently() {
    let harbour = Harbour::with(&[(
        "p.csv",
        b"E-mail,Active,Fee\nada@anse.example,perhaps,=1+1\nbo@anse.example\n,yes,1\nada@anse.example,,2\n",
    )]);
    let found = harbour.snapshot(&format!("--people p.csv {AT}"), 5);
    // A cell that cannot be read may state something else than the other row.
    assert_eq!(found["people"], json!([{"email": "ada@anse.example", "uncaptured": ["active", "fee", "site"]}]));
    assert_eq!(found["partial"], json!(["/people"]));
}

#[test]
fn an_empty_export_leaves_its_list_partial() {
    let harbour = Harbour::with(&[("p.csv", b"E-mail,Active\n")]);
    let found = harbour.snapshot(&format!("--people p.csv {AT}"), 0);
    assert_eq!((&found["people"], &found["partial"]), (&json!([]), &json!(["/people"])));
}

#[test]
fn a_snapshot_without_the_id_of_the_account_is_noted() {
    let harbour = Harbour::with(&[("p.csv", b"E-mail\nada@anse.example\n"), ("s.json", br#"{"name": "Anse"}"#)]);
    let noted =
        |arguments: &str| harbour.run(arguments).stderr.contains("no file states `name`, the id of the account");
    assert!(noted(&format!("--people p.csv {AT}")));
    assert!(!noted(&format!("--people p.csv --settings s.json {AT}")));
}

#[test]
fn a_value_that_is_stated_as_uncaptured_is_not_captured() {
    let document = br#"{"name": "Anse", "captured_at": "2026-09-01", "piers": [], "uncaptured": ["piers"],
        "people": [{"email": "ada@anse.example", "active": true, "fee": null, "uncaptured": ["active", "fee"]}]}"#;
    let harbour = Harbour::with(&[("s.json", document), ("p.csv", b"E-mail,Fee\nada@anse.example,7\n")]);
    let found = harbour.snapshot(&format!("--settings s.json {AT}"), 0);
    assert_eq!((found.get("piers"), &found["uncaptured"]), (None, &json!(["piers"])), "{found:#}");
    assert_eq!(found["people"][0], json!({"email": "ada@anse.example", "uncaptured": ["active", "fee"]}));
    // A source that has the value captures it.
    let found = harbour.snapshot(&format!("--settings s.json --people p.csv {AT}"), 0);
    assert_eq!(found["people"][0]["fee"], 7, "{found:#}");
    assert_eq!(found["people"][0]["uncaptured"], json!(["active"]), "{found:#}");
}

#[test]
fn a_property_that_is_given_twice_writes_nothing() {
    for (flag, rows, expected) in [
        ("people", r#"[{"E-mail": "ada@anse.example", "Active": "no", "Active": "yes"}]"#, "`Active` is given twice"),
        ("people", r#"[{"E-mail": "ada@anse.example", "Active": "no", "active": "yes"}]"#, "`active` is given twice"),
        ("people", r#"[{"E-mail": "ada@anse.example", "Mail": "bo@anse.example"}]"#, "two properties for `email`"),
        ("settings", r#"{"name": "Anse", "piers": [{"name": "1", "uncaptured": "boats"}]}"#, "not a list of names"),
        ("settings", r#"{"name": "Anse", "partial": "/people"}"#, "not a list of names"),
    ] {
        let harbour = Harbour::with(&[("r.json", rows.as_bytes())]);
        let run = harbour.run(&format!("--{flag} r.json {AT}"));
        assert!(run.code == 5 && run.stderr.contains(expected), "{rows}: {} {}", run.code, run.stderr);
        assert!(run.stdout.is_empty(), "{rows}: {}", run.stdout);
    }
}

#[test]
fn an_adding_source_alone_leaves_its_list_partial() {
    let harbour = Harbour::with(&[("q.csv", b"Mail,Site\nada@anse.example,https://ada.example\n")]);
    assert_eq!(harbour.snapshot(&format!("--sites q.csv {AT}"), 0)["partial"], json!(["/people"]));
}

#[test]
fn a_source_without_a_required_column_writes_nothing() {
    let harbour = Harbour::with(&[
        ("p.csv", b"Address,Active\nada,yes\n"),
        ("q.csv", b"Mail,E-mail\na,b\n"),
        ("old.json", b"{}"),
    ]);
    for (file, expected) in [("p.csv", "the columns are `Address`, `Active`"), ("q.csv", "two columns for `email`")] {
        let run = harbour.run(&format!("--people {file} {AT} --output old.json"));
        assert_eq!(run.code, 5);
        assert!(run.stderr.contains(expected), "{}", run.stderr);
        assert_eq!(std::fs::read_to_string(harbour.0.path().join("old.json")).unwrap(), "{}");
    }
}

#[test]
fn the_scope_names_the_enclosing_instance() {
    let files: [(&str, &[u8]); 2] = [
        ("s.json", br#"{"name": "Anse", "piers": [{"id": "east"}, {"id": "west"}]}"#),
        ("b.csv", b"Name,Light\nTern,red\n"),
    ];
    let harbour = Harbour::with(&files);
    let found = harbour.snapshot(&format!("--settings s.json --boats west=b.csv {AT}"), 0);
    assert_eq!(found["piers"], json!([{"id": "east"}, {"id": "west", "boats": [{"name": "Tern", "light": "red"}]}]));
    for (scope, expected) in
        [("", "the ids are east, west"), ("wset=", "did you mean `west`?"), ("west/x=", "names `x`")]
    {
        let run = harbour.run(&format!("--settings s.json --boats {scope}b.csv {AT}"));
        assert!(run.code == 5 && run.stderr.contains(expected), "{}", run.stderr);
    }
    // Without a source that lists piers, the list of piers is partial.
    let found = harbour.snapshot(&format!("--boats east=b.csv {AT}"), 0);
    assert_eq!((&found["piers"][0]["id"], &found["partial"]), (&json!("east"), &json!(["/piers"])));
}

#[test]
fn contradictions_are_uncaptured_unless_the_newer_source_wins() {
    let harbour = Harbour::with(&[
        (
            "s.json",
            br#"{"name": "Anse", "captured_at": "2026-08-01", "people": [{"email": "a@x", "fee": 1, "site": "https://u"}]}"#,
        ),
        ("t.json", br#"{"name": "Anser"}"#),
        ("p.csv", b"E-mail,Fee\na@x,2\n"),
    ]);
    let found =
        harbour.snapshot("--settings s.json --settings t.json --people p.csv --captured-at p.csv=2026-09-01", 5);
    assert_eq!(found["people"], json!([{"email": "a@x", "site": "https://u", "uncaptured": ["fee"]}]));
    assert_eq!((&found["name"], &found["uncaptured"]), (&Value::Null, &json!(["name"])));
    let newer = "--settings s.json --people p.csv --captured-at p.csv=2026-09-01 --prefer newer";
    let found = harbour.snapshot(newer, 0);
    assert_eq!(found["people"], json!([{"email": "a@x", "fee": 2, "site": "https://u"}]));
    assert_eq!(found["captured_at"], "2026-08-01T00:00:00Z");
}

#[test]
fn a_refresh_replaces_what_its_sources_cover_and_keeps_the_rest_with_its_age() {
    let old = br#"{
        "captured_at": "2026-07-01", "name": "Anse",
        "people": [{"email": "a@x", "active": true, "fee": 1, "site": "u"}, {"email": "gone@x", "active": true}],
        "buoys": [{"number": 1, "lit": true}],
        "evidence": [
            {"covers": "", "file": "first.json", "captured_at": "2026-07-02"},
            {"covers": "/buoys", "file": "buoys.png", "method": "screenshot", "captured_at": "2026-06-01"}
        ]
    }"#;
    let harbour = Harbour::with(&[("old.json", old), ("p.csv", b"E-mail,Active,Fee\na@x,no,\nb@x,yes,\n")]);
    let run = harbour.run(&format!("--people p.csv --into old.json {AT}"));
    assert!(run.stderr.contains("no longer has 1 of `old.json`: gone@x"), "{}", run.stderr);
    let found = run.json();
    assert_eq!(
        found["people"],
        json!([{"email": "a@x", "active": false, "site": "u"}, {"email": "b@x", "active": true, "uncaptured": ["site"]}])
    );
    assert_eq!(found["captured_at"], "2026-06-01T00:00:00Z");
    let entries = found["evidence"].as_array().unwrap().iter();
    let entries: Vec<_> = entries.map(|it| (it["covers"].as_str().unwrap(), it["file"].as_str().unwrap())).collect();
    // The entry of the whole old snapshot covers what no other entry does.
    let expected =
        [("", "first.json"), ("/people", "p.csv"), ("/people/*/site", "first.json"), ("/buoys", "buoys.png")];
    assert_eq!(entries.iter().collect::<BTreeSet<_>>(), expected.iter().collect());
}

#[test]
fn the_newest_of_three_wins_and_the_evidence_has_its_file() {
    let rows = |fee: u8| format!("E-mail,Active,Fee\na@x,yes,{fee}\nb@x,yes,5\n").into_bytes();
    let (one, two, three) = (rows(1), rows(2), rows(3));
    let files: [(&str, &[u8]); 5] = [
        ("1.csv", &one),
        ("2.csv", &two),
        ("3.csv", &three),
        ("q.csv", b"Mail,Site\na@x,u\nc@x,v\n"),
        ("s.json", br#"{"name": "Anse"}"#),
    ];
    let harbour = Harbour::with(&files);
    let times = "--captured-at 1.csv=2026-08-01 --captured-at 2.csv=2026-08-02 --captured-at 3.csv=2026-08-03";
    for order in [["1", "3", "2"], ["3", "2", "1"], ["2", "1", "3"]] {
        let people = order.map(|name| format!("--people {name}.csv")).join(" ");
        let arguments = format!("--settings s.json {people} --sites q.csv {times} {AT} --prefer newer");
        let found = harbour.snapshot(&arguments, 0);
        assert_eq!(found["people"][0], json!({"email": "a@x", "active": true, "fee": 3, "site": "u"}), "{order:?}");
        let file = |covers: &str| {
            let mut entries = found["evidence"].as_array().unwrap().iter();
            entries.find(|it| it["covers"] == covers).map(|it| it["file"].as_str().unwrap().to_owned())
        };
        let fee = if order[0] == "3" { None } else { Some("3.csv".to_owned()) };
        let found = (file("/people/0/fee"), file("/people/1/fee"), file("/people/2"), file("/people/*/site"));
        assert_eq!(found, (fee, None, Some("q.csv".to_owned()), Some("q.csv".to_owned())), "{order:?}");
        // A refresh of other values keeps the entries of single instances.
        harbour.run(&format!("{arguments} --output old.json"));
        let refreshed = harbour.snapshot(&format!("--settings s.json --into old.json {AT}"), 0);
        let old = harbour.snapshot(&arguments, 0);
        assert_eq!((&refreshed["people"], &refreshed["evidence"]), (&old["people"], &old["evidence"]), "{order:?}");
    }
}

#[test]
fn a_refresh_keeps_every_export_of_a_log() {
    let log = |time: &str| format!("Time,Entity,Action,Actor\n{time},User,CREATE,a@x.example\n");
    let (first, second) = (log("2026-06-01T09:00:00Z"), log("2026-07-01T09:00:00Z"));
    let files = [
        ("1.csv", first.as_bytes()),
        ("2.csv", second.as_bytes()),
        ("m.csv", b"Email,Status,Role\na@x.example,Joined,Admin\n"),
    ];
    let folder = folder(&files);
    let run = |arguments: &str| {
        let arguments = ["capture", "moengage"].into_iter().chain(arguments.split_whitespace());
        let run: Run = command(folder.path()).args(arguments).output().expect("the binary is built").into();
        assert_eq!(run.code, 0, "{}", run.stderr);
    };
    let read = |name: &str| -> Value {
        serde_json::from_slice(&std::fs::read(folder.path().join(name)).expect("it is written")).expect("it is JSON")
    };
    let files_of = |snapshot: &Value, place: &str| -> Vec<String> {
        let entries = snapshot["evidence"].as_array().unwrap().iter().filter(|it| it["covers"] == place);
        entries.map(|it| it["file"].as_str().unwrap().to_owned()).collect()
    };
    let times = "--captured-at 1.csv=2026-06-02 --captured-at 2.csv=2026-07-02";
    run(&format!("--audit-log W=1.csv --audit-log W=2.csv {times} --output old.json"));
    run("--members W=m.csv --captured-at 2026-08-01 --into old.json --output new.json");
    for name in ["old.json", "new.json"] {
        let snapshot = read(name);
        assert_eq!(files_of(&snapshot, "/workspaces/0/audit_log/events"), ["1.csv", "2.csv"], "{name}");
        assert_eq!(snapshot["captured_at"], "2026-06-02T00:00:00Z", "{name}");
    }
}

#[test]
fn secrets_are_refused_and_masked() {
    let token = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
    let rows = format!("E-mail,Active\n{token},yes\n");
    let settings = format!("{{\"name\": \"Anse\", \"api_key\": \"{token}\"}}");
    let people = format!(r#"{{"people": [{{"email": "a@x", "fee": "{token}", "api_key": "k3y", "active": true}}]}}"#);
    let harbour = Harbour::with(&[
        ("p.csv", rows.as_bytes()),
        ("s.json", settings.as_bytes()),
        ("n.json", br#"{"name": "Anse"}"#),
        ("old.json", people.as_bytes()),
    ]);
    let old = format!("--settings n.json --into old.json {AT}");
    let people = json!([{"email": "a@x", "active": true, "uncaptured": ["api_key", "fee"]}]);
    assert_eq!(harbour.snapshot(&old, 5)["people"], people);
    assert_eq!(harbour.snapshot(&format!("--settings old.json {AT}"), 5)["people"], people);
    for arguments in ["--people p.csv", "--settings s.json", "--settings n.json --into old.json"] {
        let run = harbour.run(&format!("{arguments} {AT}"));
        assert_eq!(run.code, 5);
        assert!(run.stderr.contains("looks like") && !run.stderr.contains(token), "{}", run.stderr);
        assert!(!run.stdout.contains(token), "{}", run.stdout);
    }
}

#[test]
fn a_document_with_a_secret_as_a_name_is_not_written() {
    let token = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
    let document = format!(r#"{{"name": "Anse", "people": {{"{token}": {{"active": true}}}}, "{token}": 1}}"#);
    let escaped = document.replace("ghp", "gh\\u0070");
    let harbour = Harbour::with(&[
        ("s.json", document.as_bytes()),
        ("e.json", escaped.as_bytes()),
        ("n.json", br#"{"name": "Anse"}"#),
        ("r.json", format!(r#"[{{"E-mail": "a@x", "Active": true, "{token}": 1}}]"#).as_bytes()),
    ]);
    let message = "the name of a property looks like a GitHub token";
    for arguments in ["--settings s.json", "--settings e.json", "--settings n.json --into s.json", "--people r.json"] {
        let run = harbour.run(&format!("{arguments} {AT}"));
        assert!(run.code == 5 && run.stderr.contains(message), "{arguments}: {}", run.stderr);
        assert!(!format!("{}{}", run.stdout, run.stderr).contains(&token[4..]), "{arguments}: {}", run.stderr);
        // The names of columns are not written, so the rows are.
        assert_eq!(run.stdout.is_empty(), arguments != "--people r.json", "{arguments}");
    }
}

#[test]
fn only_a_log_has_a_range() {
    let harbour = Harbour::with(&[("p.csv", b"E-mail,Active\nada@anse.example,yes\n")]);
    let run = harbour.run(&format!("--people p.csv --range p.csv=2026-01-01..2026-01-02 {AT}"));
    assert!(run.code == 5 && run.stderr.contains("`p.csv` is not a log, so it has no range"), "{}", run.stderr);
}

#[test]
fn wrong_usage_ends_with_2() {
    let harbour = Harbour::with(&[("p.csv", b"E-mail\na\n")]);
    for (arguments, expected) in [
        ("", "no file is named"),
        ("--peple p.csv", "--people"),
        ("--people p.csv --captured-at x.csv=2026-01-01", "`x.csv` is not a file of the capture"),
        ("--people p.csv --captured-at soon", "--captured-at soon"),
        ("--people p.csv --range p.csv=2026-01-02..2026-01-01", "the start is after the end"),
        (
            "--people p.csv --captured-at p.csv=2026-01-01 --captured-at p.csv=2026-01-02",
            "--captured-at is given twice for `p.csv`: leave one out",
        ),
        ("--people p.csv --captured-at 2026-01-01 --captured-at 2026-01-02", "twice for all files"),
        ("--people p.csv --encoding utf-8 --encoding windows-1252", "--encoding is given twice"),
        (
            "--people p.csv --range p.csv=2026-01-01..2026-01-02 --range p.csv=2026-01-01..2026-01-03",
            "--range is given twice for `p.csv`",
        ),
        ("--people p.csv --zone Nowhere/City", "Asia/Kolkata"),
        ("--people p.csv --encoding latin-9", "valid are utf-8 and windows-1252"),
        ("--people p.csv --output p.csv", "`p.csv` is an input of the run"),
        ("--people p.csv --output s.yaml", "a snapshot is JSON"),
    ] {
        let run = harbour.run(arguments);
        assert!(run.code == 2 && run.stderr.contains(expected), "{arguments}: {} {}", run.code, run.stderr);
    }
    let help = harbour.run("--help");
    assert!(help.code == 0 && help.stdout.contains("--people <[ID=]FILE>"), "{}", help.stdout);
}

#[test]
fn no_output_replaces_a_file_of_the_capture() {
    let harbour = Harbour::with(&[
        ("p.csv", b"E-mail\na\n"),
        ("p/harbour.cedar", b"@id(\"A\") permit (principal, action, resource);"),
        ("description.json", DESCRIPTION.as_bytes()),
        ("old.json", b"{\"captured_at\": \"2026-08-01T00:00:00Z\"}"),
    ]);
    std::fs::hard_link(harbour.0.path().join("p.csv"), harbour.0.path().join("link.csv")).expect("it can be linked");
    for (arguments, output) in [
        ("--people p.csv --output harbour.cedarschema", "harbour.cedarschema"),
        ("--people p.csv --check -- --output html=p.csv", "p.csv"),
        ("--people p.csv --check -- --output html=link.csv", "link.csv"),
        ("--people p.csv --check -- --evidence p/../p.csv", "p/../p.csv"),
        ("--people p.csv --check -- --output text=p/capture.toml", "p/capture.toml"),
        ("--people p.csv --into old.json --check -- --output json=old.json", "old.json"),
        ("--people p.csv --output new.json --check -- --output json=new.json", "new.json"),
    ] {
        let read = || std::fs::read(harbour.0.path().join(output)).ok();
        let before = read();
        let run = harbour.run(arguments);
        let message = format!("error: `{output}` is an input of the run: name another file with --");
        assert!(run.code == 2 && run.stderr.contains(&message), "{arguments}: {} {}", run.code, run.stderr);
        assert_eq!(read(), before, "{arguments}");
    }
    // Without a file, the snapshot is not an input.
    let run = harbour.run(&format!("--people p.csv {AT} --check -- --output json=captured.json"));
    assert_ne!(run.code, 2, "{}", run.stderr);
}

#[test]
fn the_example_leads_from_exports_to_findings() {
    let example = repository().join("examples/capture");
    let place = tempfile::tempdir().expect("there is room for scratch files");
    for entry in example.read_dir().expect("it can be listed") {
        let path = entry.expect("it can be listed").path();
        std::fs::copy(&path, place.path().join(path.file_name().unwrap())).expect("it can be copied");
    }
    let readme = std::fs::read_to_string(example.join("README.md")).expect("it is text");
    let commands = readme.replace("\\\n", " ");
    let commands: Vec<&str> = commands.lines().filter_map(|line| line.strip_prefix("    deodar ")).collect();
    assert!(commands.len() >= 9, "{commands:?}");
    let mut messages = String::new();
    for line in &commands {
        let (line, code) = line.split_once(" # exit code ").unwrap_or((line, "0"));
        let words: Vec<&str> = line.split_whitespace().collect();
        let run: Run = command(place.path()).args(&words).output().expect("the binary is built").into();
        assert_eq!(run.code.to_string(), code, "{line}: {}", run.stderr);
        messages.push_str(&format!("$ deodar {}\n{}\n", words.join(" "), run.stderr));
    }
    for name in ["snapshot.json", "report.txt", "exports.txt", "refreshed.json"] {
        compare(&example.join(name), &place.path().join(name));
    }
    expect_test::expect_file![example.join("messages.txt")].assert_eq(&messages);
    let template = std::fs::read_to_string(place.path().join("template.yaml")).expect("the commands write it");
    assert!(template.contains("- id: \"HERON1\"\n"), "{template}");
    // Every file of the folder is in the table, and is named by a command.
    for entry in example.read_dir().expect("it can be listed") {
        let name = entry.expect("it can be listed").file_name().into_string().expect("it is text");
        let outputs = ["README.md", "snapshot.json", "report.txt", "exports.txt", "refreshed.json", "messages.txt"];
        let is_output = outputs.contains(&&*name);
        let is_used = readme.contains(&format!("`{name}`")) && commands.iter().any(|line| line.contains(&*name));
        assert!(is_output || is_used, "{name}");
    }
}

#[track_caller]
fn compare(expected: &Path, actual: &Path) {
    let text = std::fs::read_to_string(actual).expect("the commands write it");
    expect_test::expect_file![expected].assert_eq(&text);
}
