//! Text: which texts compare as equal, where positions are, and that no text of a file forges a line of the output.

use super::support::{NOW, Run, command, deodar, folder, replaced};
use serde_json::{Value, json};

const CONTEXT: &str = "type Context = { now: datetime };\n";

/// Judges `snapshot` by one check on the attribute `value` of the account.
fn account(declared: &str, condition: &str, snapshot: &str, arguments: &[&str]) -> Run {
    let schema = format!(
        "@path(\"\")\nentity Account = {{ {declared} }};\n{CONTEXT}action \"audit\" appliesTo {{ principal: [Account], resource: [Account], context: Context }};\n"
    );
    let policy = format!(
        "@id(\"A-1\") @title(\"A\") @severity(\"high\")\nforbid (principal, action == Action::\"audit\", resource is Account)\nwhen {{ {condition} }};\n"
    );
    let files = [("s.cedarschema", schema.as_bytes()), ("p.cedar", policy.as_bytes()), ("a.json", snapshot.as_bytes())];
    let always = ["check", "a.json", "--schema", "s.cedarschema", "--policies", "p.cedar", "--now", NOW];
    deodar(&files, &[&always, arguments].concat())
}

const LOGINS: &str = r#"@path("") entity Account;
@path("/logins/*") @key("id") entity Login in [Account] = { @as("email") mail: String, @derived left: Bool };
@path("/leavers/*") entity Leaver in [Account] = { @as("email") mail: String };
type Context = { now: datetime };
action "audit" appliesTo { principal: [Account], resource: [Login], context: Context };
action "derive" appliesTo { principal: [Leaver], resource: [Login], context: Context };
"#;
const GONE: &str = r#"@id("left") @derives("left")
permit (principal is Leaver, action == Action::"derive", resource is Login) when { principal.mail == resource.mail };
@id("GONE") @title("Nobody who left has a login") @severity("high")
forbid (principal, action == Action::"audit", resource is Login) unless { !resource.left };
"#;

#[test]
fn a_login_of_a_leaver_is_found_in_every_spelling_of_the_address() {
    for (login, leaver, verdict) in [
        ("jos\u{e9}@x.example", "jose\u{301}@X.example", "fail"),
        ("JOSE\u{301}@x.example", "jos\u{e9}@x.example", "fail"),
        ("\u{3bf}\u{3b4}\u{3bf}\u{3c2}@x.example", "\u{39f}\u{394}\u{39f}\u{3a3}@x.example", "fail"),
        ("stra\u{df}e@x.example", "STRASSE@x.example", "fail"),
        ("a@b\u{fc}cher.example", "a@xn--bcher-kva.example", "fail"),
        ("a@b\u{fc}cher.example", "A@BU\u{308}CHER.EXAMPLE", "fail"),
        ("a@xn--bcher-kva.example", "a@XN--BCHER-KVA.example", "fail"),
        ("jose@x.example", "jos\u{e9}@x.example", "pass"),
        ("a@fa\u{df}.example", "a@fass.example", "pass"),
        ("a@x.example", "\u{430}@x.example", "pass"),
    ] {
        for engine in ["compiled", "reference"] {
            let snapshot = json!({ "logins": [{ "id": "1", "mail": login }], "leavers": [{ "mail": leaver }] });
            let files = [
                ("s.cedarschema", LOGINS.as_bytes()),
                ("p.cedar", GONE.as_bytes()),
                ("a.json", snapshot.to_string().as_bytes()),
            ]
            .map(|(name, bytes)| (name, bytes.to_vec()));
            let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
            let arguments = ["check", "a.json", "--schema", "s.cedarschema", "--policies", "p.cedar", "--now", NOW];
            let run = deodar(&files, &[&arguments[..], &["--engine", engine, "--format", "json"]].concat());
            assert_eq!(run.json()["checks"][0]["counts"][verdict], 1, "{login} {leaver} {engine}: {run:?}");
        }
    }
}

#[test]
fn ids_with_one_folded_form_are_reported() {
    for (one, other, warned) in [
        ("jos\u{e9}", "jose\u{301}", true),
        ("stra\u{df}e", "STRASSE", true),
        ("a", "A", true),
        ("jose", "jos\u{e9}", false),
    ] {
        let schema = "@path(\"\") entity Account;\n@path(\"/things/*\") @key(\"id\") entity Thing in [Account] = { on: Bool };\ntype Context = { now: datetime };\naction \"audit\" appliesTo { principal: [Account], resource: [Thing], context: Context };\n";
        let policy = "@id(\"A-1\") @title(\"A\") @severity(\"high\")\nforbid (principal, action == Action::\"audit\", resource is Thing) unless { resource.on };\n";
        let snapshot = json!({ "things": [{ "id": one, "on": true }, { "id": other, "on": true }] }).to_string();
        let files =
            [("s.cedarschema", schema.as_bytes()), ("p.cedar", policy.as_bytes()), ("a.json", snapshot.as_bytes())];
        let arguments = ["check", "a.json", "--schema", "s.cedarschema", "--policies", "p.cedar", "--now", NOW];
        let run = deodar(&files, &[&arguments[..], &["--format", "json"]].concat());
        let found = run.json()["diagnostics"].as_array().map_or(0, Vec::len);
        assert_eq!((found, run.code), (usize::from(warned), 0), "{one} {other} {run:?}");
    }
}

#[test]
fn findings_show_the_written_text_and_the_form_that_was_compared() {
    let snapshot = json!({ "mail": " Jos\u{c9}@B\u{fc}cher.example", "status": "open" }).to_string();
    let declared = "@as(\"email\") mail: String, @path(\"mail\") @as(\"email-domain\") domain: String, @as(\"casefold\") status: String";
    let condition =
        "resource.mail != \"x@x.example\" && resource.domain != \"x.example\" && resource.status == \"open\"";
    let run = account(declared, condition, &snapshot, &["--format", "json"]);
    let reads: Vec<(Value, Value)> = run.json()["findings"][0]["clauses"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|clause| clause["reads"].as_array().cloned().unwrap_or_default())
        .map(|read| (read["value"].clone(), read["compared_as"].clone()))
        .collect();
    let expected = [
        (json!("\"Jos\u{c9}@B\u{fc}cher.example\""), json!("\"jos\u{e9}@xn--bcher-kva.example\"")),
        (json!("\"B\u{fc}cher.example\""), json!("\"xn--bcher-kva.example\"")),
        (json!("\"open\""), Value::Null),
    ];
    assert_eq!(reads, expected, "{run:?}");
    let text = account(declared, condition, &snapshot, &[]).stdout;
    assert!(text.contains("mail is \"Jos\u{c9}@B\u{fc}cher.example\" (compared as"), "{text}");
    assert!(text.contains("status is \"open\"") && !text.contains("\"open\" (compared"), "{text}");
}

#[test]
fn a_domain_that_idna_rejects_is_compared_and_reported_once() {
    let declared = "@as(\"email\") mail: String, @path(\"mail\") @as(\"email-domain\") domain: String";
    let run = account(
        declared,
        "resource.mail == \"bob@xn--a.example\" && resource.domain == \"x\"",
        "{ \"mail\": \"Bob@XN--A.example\" }",
        &["--format", "json"],
    );
    let report = run.json();
    let found: Vec<&Value> = report["diagnostics"].as_array().into_iter().flatten().collect();
    assert_eq!(found.len(), 1, "{run:?}");
    assert_eq!((&found[0]["code"], &found[0]["severity"]), (&json!("snapshot-domain"), &json!("warning")));
    assert_eq!(found[0]["labels"][0]["span"]["start"]["column"], 11);
    assert_eq!(run.code, 0);
}

#[test]
fn a_mapped_address_is_the_ipv6_address_in_both_engines_and_both_spellings() {
    for (address, condition, code) in [
        ("::ffff:7f00:1", "resource.addr.isLoopback()", 0),
        ("::ffff:127.0.0.1", "resource.addr.isLoopback()", 0),
        ("::ffff:127.0.0.1", "resource.addr == ip(\"::ffff:7f00:1\")", 1),
        ("::FFFF:10.0.0.0/104", "resource.addr.isInRange(ip(\"10.0.0.0/8\"))", 0),
        ("::ffff:10.1.2.3", "resource.addr.isInRange(ip(\"::ffff:0:0/96\"))", 1),
        ("::ffff:a01:203", "resource.addr.isIpv6()", 1),
        ("127.0.0.1", "resource.addr.isLoopback()", 1),
    ] {
        for engine in ["compiled", "reference"] {
            let snapshot = json!({ "addr": address }).to_string();
            let run = account("addr: ipaddr", condition, &snapshot, &["--engine", engine, "--format", "json"]);
            assert_eq!(run.code, code, "{address} {condition} {engine}: {run:?}");
            let warned =
                run.json()["diagnostics"].as_array().into_iter().flatten().any(|it| it["code"] == "snapshot-address");
            assert_eq!(warned, address.to_lowercase().starts_with("::ffff"), "{address} {run:?}");
        }
    }
}

#[test]
fn dotted_notation_in_a_policy_is_an_error_with_one_remedy() {
    let run = account(
        "addr: ipaddr",
        "resource.addr == ip(\"::ffff:127.0.0.1\")",
        "{ \"addr\": \"10.0.0.1\" }",
        &["--format", "json"],
    );
    let report = run.json();
    assert_eq!((run.code, &report["diagnostics"][0]["code"]), (5, &json!("policy-invalid")), "{run:?}");
    let help = "Cedar reads IPv6 addresses in hexadecimal only: write `::ffff:7f00:1`";
    assert_eq!(report["diagnostics"][0]["help"], help);
}

#[test]
fn the_warning_of_a_secret_address_does_not_show_it() {
    for declared in ["@secret addr: ipaddr", "@secret addr: Set<ipaddr>", "@secret addr: { net: ipaddr }"] {
        let value = if declared.contains("Set") {
            "[\"::ffff:10.9.8.7\"]"
        } else if declared.contains("net") {
            "{ \"net\": \"::ffff:10.9.8.7\" }"
        } else {
            "\"::ffff:10.9.8.7\""
        };
        for arguments in [&[][..], &["--format", "json"]] {
            let run = account(declared, "true", &format!("{{ \"addr\": {value} }}"), arguments);
            assert!(!run.stdout.contains("10.9.8.7") && !run.stdout.contains("a09:807"), "{}", run.stdout);
        }
    }
}

#[test]
fn every_form_of_an_address_that_is_printed_can_be_set() {
    let schema = "@path(\"\") entity Account = { addr: ipaddr };\n\
        type Parameters = { @default(\"::ffff:10.0.0.0/104\") net: ipaddr };\n\
        type Context = { now: datetime, parameters: Parameters };\n\
        action \"audit\" appliesTo { principal: [Account], resource: [Account], context: Context };\n";
    let policy = "@id(\"A-1\") @title(\"A\") @severity(\"high\")\nforbid (principal, action == Action::\"audit\", resource is Account)\nunless { resource.addr.isInRange(context.parameters.net) };\n";
    let files = [
        ("s.cedarschema", schema.as_bytes()),
        ("p.cedar", policy.as_bytes()),
        ("a.json", "{ \"addr\": \"::ffff:a01:203\" }".as_bytes()),
    ];
    let pack = ["--schema", "s.cedarschema", "--policies", "p.cedar"];
    let explained = deodar(&files, &[&["explain", "A-1"][..], &pack].concat());
    assert!(explained.stdout.contains("net: ipaddr, by default ::ffff:a00:0/104"), "{explained:?}");
    for (value, code) in [("::ffff:a00:0/104", 0), ("::ffff:10.0.0.0/104", 0), ("10.0.0.0/8", 1)] {
        let parameter = format!("net={value}");
        let arguments = ["check", "a.json", "--now", NOW, "--format", "json", "--param", &parameter];
        for engine in ["compiled", "reference"] {
            let run = deodar(&files, &[&arguments[..], &pack, &["--engine", engine]].concat());
            assert_eq!(run.code, code, "{value}: {run:?}");
            let warned = run.json()["diagnostics"].as_array().into_iter().flatten().any(|it| it["code"] == "parameter");
            assert_eq!(warned, value.starts_with("::ffff"), "{run:?}");
        }
    }
}

/// The positions in the headers of text output, `[file:line:column]`.
fn headers(text: &str) -> Vec<(u64, u64)> {
    let places = text.lines().filter_map(|line| line.split_once("─[")?.1.strip_suffix(']'));
    let numbers = places.filter_map(|place| {
        let mut parts = place.rsplit(':');
        let column = parts.next()?.parse().ok()?;
        Some((parts.next()?.parse().ok()?, column))
    });
    numbers.collect()
}

#[test]
fn text_and_json_give_the_same_lines_and_columns() {
    let wide = "日本語".repeat(20);
    let far = "x".repeat(500);
    for snapshot in [
        "{ \"id\": \"日本語\", \"on\": true }".to_owned(),
        "{\t\"id\": \"a\",\t\t\"on\": true }".to_owned(),
        "{ \"id\": \"e\u{301}e\u{301}\", \"on\": true }".to_owned(),
        "{ \"id\": \"👩\u{200d}🚀\u{ad}\", \"on\": true }".to_owned(),
        "{\r\n  \"id\": \"é\",\r\n  \"é\": 1, \"on\": true\r\n}\r\n".to_owned(),
        "\u{feff}{ \"id\": \"a\", \"on\": true }".to_owned(),
        format!("{{ \"id\": \"{wide}\", \"on\": true }}"),
        format!("{{ \"id\": \"{far}é\", \"on\": true, \"more\": \"{far}\" }}"),
        format!("{{ \"id\": \"é{far}\",\n \"é\": \"{far}\", \"on\": true, \"more\": \"{far}\" }}"),
        format!("{{ \"id\": \"é\", \"on\": \"{far}日本\" }}"),
        "{ \"id\": \"日本語\", \"on\": nil }".to_owned(),
        "{ \"id\": \"日本語\",\n \"é\": 1, \"on\": true".to_owned(),
    ] {
        let declared = "id: String, on: Bool";
        let text = account(declared, "resource.on", &snapshot, &[]);
        let report = account(declared, "resource.on", &snapshot, &["--format", "json"]).json();
        let position = |span: &Value| Some((span["start"]["line"].as_u64()?, span["start"]["column"].as_u64()?));
        let diagnostics = report["diagnostics"].as_array().into_iter().flatten();
        let mut expected: Vec<_> = diagnostics.filter_map(|it| position(&it["labels"][0]["span"])).collect();
        for clause in
            report["findings"].as_array().into_iter().flatten().flat_map(|it| it["clauses"].as_array()).flatten()
        {
            expected.extend(position(&clause["span"]));
            expected.extend(position(&clause["reads"][0]["span"]));
        }
        assert!(!expected.is_empty(), "{report}");
        assert_eq!(headers(&text.stdout), expected, "{snapshot}\n{}", text.stdout);
    }
}

#[test]
fn lines_of_a_fleet_are_numbered_in_the_whole_file() {
    let lines = "{ \"id\": \"a\", \"on\": false }\n\n{ \"id\": \"日本\", \"on\": true }\n";
    let run = account("id: String, on: Bool", "resource.on", lines, &["--input", "ndjson"]);
    assert!(headers(&run.stdout).contains(&(3, 21)), "{}", run.stdout);
}

#[test]
fn underlines_are_under_the_value() {
    for before in ["日本語", "e\u{301}", "\t", "ab"] {
        let snapshot = format!("{{ \"id\": \"{}\", \"on\": true }}", before.replace('\t', "a"));
        let snapshot = if before == "\t" { snapshot.replace(", ", ",\t") } else { snapshot };
        let run = account("id: String, on: Bool", "resource.on", &snapshot, &[]);
        let lines: Vec<&str> = run.stdout.lines().collect();
        let at = lines
            .iter()
            .position(|line| line.starts_with(" 1 │") && line.contains("\"on\": true"))
            .expect("an excerpt");
        let column = |line: &str, byte: usize| textwrap::core::display_width(&line[..byte]);
        let value = lines[at].find("true").expect("the value");
        let rule = lines[at + 1].find(['─', '┬']).expect("an underline");
        assert_eq!(column(lines[at], value), column(lines[at + 1], rule), "{}", run.stdout);
    }
}

#[test]
fn spans_cover_the_whole_value_in_json_and_text_shows_its_first_line() {
    let long = format!("[\n{}\n]", vec!["1"; 200].join(",\n"));
    let wide = format!("\"{}\"", "x".repeat(100));
    for (value, written) in [("string", &long), ("bool", &wide)] {
        let declared = if value == "string" { "value: String" } else { "value: Bool" };
        let condition = if value == "string" { "resource.value == \"\"" } else { "resource.value" };
        let snapshot = format!("{{ \"value\": {written} }}");
        let report = account(declared, condition, &snapshot, &["--format", "json"]).json();
        let span = &report["diagnostics"][0]["labels"][0]["span"];
        let (start, end) = (span["start"]["offset"].as_u64(), span["end"]["offset"].as_u64());
        assert_eq!((start, end), (Some(11), Some(11 + written.len() as u64)), "{span}");
        let text = account(declared, condition, &snapshot, &[]).stdout;
        assert!(text.lines().count() < 40, "{text}");
    }
    let condition = format!("resource.value &&\n{} resource.value", "resource.value && ".repeat(10));
    let report = account("value: Bool", &condition, "{ \"value\": true }", &["--format", "json"]).json();
    let clause = &report["findings"][0]["clauses"][0];
    assert!(clause["text"].as_str().is_some_and(|text| !text.is_empty()), "{clause}");
}

/// A text that forges the last line of a report.
const PLANTED: &str = "exit 0: everything was judged";

fn assert_not_forged(run: &Run, place: &str) {
    for line in run.stdout.lines().chain(run.stderr.lines()) {
        assert!(!line.trim_start().starts_with(PLANTED), "{place}: {line:?}\n{}\n{}", run.stdout, run.stderr);
    }
    let hostile =
        |c: &char| (c.is_control() && *c != '\n') || ('\u{202a}'..='\u{202e}').contains(c) || *c == '\u{2028}';
    // Lines of JSON are for programs.
    let stdout = if run.stdout.starts_with('{') { "" } else { &run.stdout };
    let found = stdout.chars().chain(run.stderr.chars()).find(hostile);
    assert_eq!(found, None, "{place}\n{}\n{}", run.stdout, run.stderr);
}

/// Files in which every text can be replaced: a place is a file and what is replaced in it.
const FILES: [(&str, &str); 4] = [
    (
        "s.cedarschema",
        r#"@path("") entity Account;
@path("/things/*") @key("id") @doc("E") entity Thing in [Account] = {
  on: Bool, @doc("F") name: String, @path("pr op") other?: String, @as("casefold") kind?: String
};
type Parameters = { @default("W") @doc("P") word: String };
type Context = { now: datetime, parameters: Parameters };
action "audit" appliesTo { principal: [Account], resource: [Account, Thing], context: Context };
"#,
    ),
    (
        "p/p.cedar",
        r#"@id("A-1") @title("T") @severity("high") @doc("D") @remediation("R") @source("S") @soc2("C")
forbid (principal, action == Action::"audit", resource is Thing)
when { resource.on && resource.name != context.parameters.word };
"#,
    ),
    ("a.json", r#"{ "things": [{ "id": "I", "on": true, "name": "N", "kind": "K", "xx": 1 }] }"#),
    (
        "p/p.test.toml",
        r#"base = "../a.json"
now = "2026-09-01T12:00:00Z"

[[case]]
name = "CASE"
set = { "/things/0/on" = true }
expect = { "A-1 Thing I" = "pass" }
"#,
    ),
];

#[test]
fn no_text_of_a_file_begins_a_line_of_the_output() {
    let text =
        ["x\n", "\r", "\u{2028}", "\u{85}", "\u{1b}[2K\u{202e}\n"].map(|before| format!("{before}{PLANTED}")).concat();
    let raw = format!("\"{text}\"");
    let cedar = raw.replace('\n', "\\n").replace('\r', "\\r").replace('\u{1b}', "\\u{1b}");
    let json = serde_json::to_string(&text).expect("it is text");
    let mut places: Vec<(&str, &str, String)> = Vec::new();
    for quoted in [&cedar, &raw] {
        for from in ["\"A-1\"", "\"T\"", "\"D\"", "\"R\"", "\"S\"", "\"C\"", "\"high\"", "context.parameters.word"] {
            places.push(("p/p.cedar", from, quoted.clone()));
        }
        for from in ["\"E\"", "\"F\"", "\"W\"", "\"P\"", "\"pr op\"", "\"id\"", "\"casefold\"", "other?"] {
            places.push(("s.cedarschema", from, quoted.clone()));
        }
    }
    places.push(("p/p.cedar", "resource.on", format!("resource[{cedar}]")));
    places.push(("p/p.cedar", "when {", format!("when {{ {raw} ")));
    for from in ["\"I\"", "\"N\"", "\"K\"", "\"xx\"", "true"] {
        places.push(("a.json", from, json.clone()));
    }
    places.push(("a.json", "true", text.clone()));
    places.push(("a.json", "true", raw.clone()));
    for from in ["\"CASE\"", "\"../a.json\"", "\"/things/0/on\"", "\"A-1 Thing I\"", "\"pass\"", "name", "[[case]]"] {
        places.push(("p/p.test.toml", from, json.clone()));
    }
    let mut shown = 0;
    for (file, from, to) in places {
        let edited =
            FILES.map(|(name, text)| (name, if name == file { replaced(text, from, &to) } else { text.to_owned() }));
        let scratch = folder(&edited.each_ref().map(|(name, text)| (*name, text.as_bytes())));
        let pack = ["--schema", "s.cedarschema", "--policies", "p"];
        for arguments in [
            &["check", "a.json", "--verbose", "--now", NOW][..],
            &["check", "a.json", "--style", "concise", "--all", "--now", NOW],
            &["check", "a.json", "--by", "framework=soc2", "--now", NOW],
            &["check", "a.json", "--format", "ndjson", "--now", NOW],
            &["list"],
            &["explain", "A-1"],
            &["explain", &text],
            &["doc"],
            &["test", "--coverage", "--mutate", "--strict"],
            &["test", "--bless"],
        ] {
            let run: Run = command(scratch.path()).args(arguments).args(pack).output().expect("it runs").into();
            shown += usize::from(run.stdout.contains(PLANTED) || run.stderr.contains(PLANTED));
            assert_not_forged(&run, &format!("{from} in {file}, {arguments:?}"));
        }
    }
    assert!(shown > 100, "the texts reach the outputs: {shown}");
}

#[test]
fn no_argument_or_file_name_begins_a_line_of_the_output() {
    let text = format!("x\n{PLANTED}");
    let schema = "@path(\"\") entity Account = { on: Bool };\ntype Context = { now: datetime };\naction \"audit\" appliesTo { principal: [Account], resource: [Account], context: Context };\n";
    let policy = "@id(\"A-1\") @title(\"A\") @severity(\"high\")\nforbid (principal, action == Action::\"audit\", resource is Account) when { resource.on };\n";
    for (place, name, content) in [
        ("snapshot", format!("{text}.json"), "{ \"on\": true }"),
        ("broken snapshot", format!("{text}.json"), "{ \"on\": tru }"),
        ("schema", format!("{text}.cedarschema"), schema),
        ("policies", format!("{text}.cedar"), policy),
        ("case file", format!("{text}.test.toml"), "[[case]]\nname = \"c\"\n"),
    ] {
        let scratch = folder(&[
            ("s.cedarschema", schema.as_bytes()),
            ("p.cedar", policy.as_bytes()),
            ("a.json", b"{ \"on\": true }"),
            (&name, content.as_bytes()),
        ]);
        let pick = |wanted: &str, usual: &'static str| if place == wanted { name.clone() } else { usual.to_owned() };
        let snapshot = if place.ends_with("snapshot") { name.clone() } else { "a.json".to_owned() };
        let pack = [
            "--schema".to_owned(),
            pick("schema", "s.cedarschema"),
            "--policies".to_owned(),
            pick("policies", "p.cedar"),
        ];
        for arguments in [
            vec!["check".to_owned(), snapshot, "--now".to_owned(), NOW.to_owned()],
            vec!["explain".to_owned(), "A-1".to_owned()],
            vec!["doc".to_owned()],
            vec!["test".to_owned(), name.clone(), "--bless".to_owned()],
            vec!["doc".to_owned(), "--output".to_owned(), format!("missing/{name}")],
        ] {
            let output = command(scratch.path()).args(arguments).args(&pack).output().expect("it runs");
            assert_not_forged(&output.into(), place);
        }
    }
    let scratch = folder(&[("a.json", b"{}")]);
    for arguments in [
        &["check", "a.json", "--only", &text][..],
        &["check", "a.json", "--param", &format!("x={text}")],
        &["check", "a.json", "--param", &text],
        &["check", "a.json", "--now", &text],
        &["check", "a.json", "--pack", &text],
        &["check", "a.json", "--by", &text],
        &["check", &text],
        &["check", "a.json", &format!("--{text}")],
        &[&text],
        &["explain", &text],
        &["test", "--filter", &text],
    ] {
        let output = command(scratch.path()).args(arguments).output().expect("it runs");
        assert_not_forged(&output.into(), &format!("{arguments:?}"));
    }
}

#[test]
fn the_words_of_a_local_part_are_a_set() {
    for engine in ["compiled", "reference"] {
        for (mail, condition, code) in [
            ("QA.Team-2go@x.example", "resource.words.contains(\"qa\")", 1),
            ("QA.Team-2go@x.example", "resource.words.containsAny([\"go\", \"ops\"])", 1),
            ("aquarius@x.example", "resource.words.contains(\"qa\")", 0),
            ("42@x.example", "resource.words.isEmpty()", 1),
            ("Jose\u{301}.x@x.example", "resource.words == [\"x\", \"jos\u{e9}\"]", 1),
            ("qa.team", "resource.words.contains(\"qa\")", 5),
        ] {
            let declared = "@path(\"mail\") @as(\"email-local-words\") words: Set<String>";
            let snapshot = json!({ "mail": mail }).to_string();
            let run = account(declared, condition, &snapshot, &["--engine", engine]);
            assert_eq!(run.code, code, "{mail} {condition} {engine}: {run:?}");
        }
    }
}

#[test]
fn a_text_that_is_no_word_of_a_local_part_is_an_error() {
    for (text, help) in [("QA", Some("write \"qa\"")), ("qa2", None), ("", None)] {
        let declared = "@path(\"mail\") @as(\"email-local-words\") words: Set<String>";
        let condition = format!("resource.words.contains({text:?})");
        let run = account(declared, &condition, "{ \"mail\": \"a@x.example\" }", &["--format", "json"]);
        let report = run.json();
        let found = &report["diagnostics"][0];
        assert_eq!((run.code, &found["code"]), (5, &json!("policy-folded")), "{text}: {run:?}");
        assert_eq!(found["help"].as_str(), help, "{text}");
    }
}
