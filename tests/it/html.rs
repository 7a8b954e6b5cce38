//! The HTML report: every finding is in it, no text of an input is markup, and nothing is loaded. `.ci/external/html` opens
//! it in a browser.

use crate::output_law::hostile;
use crate::support::{NOW, POLICIES, Run, SCHEMA, SOUND, command, harbour, harbour_by, replaced, repository};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// Elements of the page, those without an end tag first.
const ELEMENTS: [&[&str]; 2] = [
    &["meta", "link", "input", "br", "rect", "line", "circle", "polyline"],
    &[
        "html",
        "head",
        "body",
        "title",
        "style",
        "script",
        "noscript",
        "header",
        "nav",
        "main",
        "footer",
        "section",
        "article",
        "div",
        "span",
        "p",
        "h1",
        "h2",
        "h3",
        "h4",
        "a",
        "b",
        "i",
        "em",
        "s",
        "strong",
        "code",
        "pre",
        "mark",
        "dl",
        "dt",
        "dd",
        "ol",
        "ul",
        "li",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "figure",
        "figcaption",
        "details",
        "summary",
        "form",
        "label",
        "fieldset",
        "legend",
        "button",
        "select",
        "option",
        "output",
        "svg",
        "g",
        "text",
        "desc",
    ],
];

/// Attributes of the page.
const ATTRIBUTES: [&str; 49] = [
    "lang",
    "charset",
    "http-equiv",
    "content",
    "name",
    "rel",
    "href",
    "class",
    "id",
    "hidden",
    "type",
    "role",
    "title",
    "tabindex",
    "scope",
    "value",
    "for",
    "autocomplete",
    "spellcheck",
    "placeholder",
    "aria-label",
    "aria-labelledby",
    "aria-pressed",
    "aria-live",
    "aria-hidden",
    "data-verdict",
    "data-severity",
    "data-check",
    "data-change",
    "data-account",
    "data-part",
    "viewBox",
    "preserveAspectRatio",
    "x",
    "width",
    "height",
    "open",
    "colspan",
    "start",
    "y",
    "x1",
    "x2",
    "y1",
    "y2",
    "cx",
    "cy",
    "r",
    "points",
    "text-anchor",
];

/// A tag of the page: its name, and its attributes with their values.
pub type Tag = (String, Vec<(String, String)>);

/// Returns the start tags of a page. Holds the page to its elements, its attributes and their nesting.
#[track_caller]
pub fn tags(page: &str) -> Vec<Tag> {
    let (mut found, mut open) = (Vec::new(), Vec::new());
    let mut rest = page.strip_prefix("<!doctype html>\n").expect("it begins with a doctype");
    while let Some(at) = rest.find('<') {
        assert!(!rest[..at].contains('>'), "{}", &rest[..at]);
        let tag = rest[at + 1..].split('>').next().expect("a part");
        rest = &rest[at + tag.len() + 2..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "in {rest:.200}");
            continue;
        }
        let (name, attributes) = tag.trim_end_matches('/').split_once(' ').unwrap_or((tag, ""));
        let is_known = ELEMENTS.concat().contains(&name);
        assert!(is_known, "<{tag}>");
        found.push((name.to_owned(), attributes_of(attributes)));
        if !ELEMENTS[0].contains(&name) {
            open.push(name.to_owned());
        }
        if ["style", "script"].contains(&name) {
            rest = &rest[rest.find("</").expect("an end")..];
        }
    }
    assert_eq!(open, Vec::<String>::new());
    found
}

#[track_caller]
fn attributes_of(mut text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    while !text.trim_start().is_empty() {
        text = text.trim_start();
        let end = text.find(['=', ' ']).unwrap_or(text.len());
        let name = &text[..end];
        assert!(ATTRIBUTES.contains(&name), "{name} in {text}");
        let value = text[end..].strip_prefix("=\"").map(|rest| rest.split('"').next().expect("a part"));
        text = &text[end + value.map_or(0, |value| value.len() + 3)..];
        found.push((name.to_owned(), value.unwrap_or_default().to_owned()));
    }
    found
}

fn attribute<'t>(tag: &'t Tag, name: &str) -> Option<&'t str> {
    tag.1.iter().find(|(found, _)| found == name).map(|(_, value)| &**value)
}

fn example(name: &str, format: &str) -> Run {
    let snapshot = format!("examples/{name}/snapshot.json");
    let arguments = ["check", &snapshot, "--now", NOW, "--format", format];
    command(repository()).args(arguments).output().expect("the binary is built").into()
}

/// Returns the anchors of the findings of a page.
fn anchors(tags: &[Tag]) -> Vec<&str> {
    tags.iter().filter_map(|tag| attribute(tag, "id").filter(|id| id.starts_with("f-"))).collect()
}

#[test]
fn every_finding_has_a_row_with_both_excerpts() {
    for name in ["acme", "clean", "half-captured", "small"] {
        let (page, report) = (example(name, "html"), example(name, "json"));
        assert_eq!(page.code, report.code);
        let (tags, report) = (tags(&page.stdout), report.json());
        let findings = report["findings"].as_array().expect("findings");
        let expected: BTreeSet<String> =
            findings.iter().map(|it| format!("f-{}", it["fingerprint"].as_str().expect("a text"))).collect();
        let rows: BTreeSet<String> = anchors(&tags).into_iter().map(str::to_owned).collect();
        assert_eq!((rows.len(), &rows), (findings.len(), &expected), "{name}");
        let parts = page.stdout.split("<details class=\"finding\"").skip(1);
        for row in parts {
            let row = row.split("</details>").next().expect("a part");
            assert!(row.contains("<h4>Policy</h4>") && row.contains("<h4>Snapshot</h4>"), "{row}");
            assert!(row.matches("<mark>").count() >= 2 && row.matches("<em>└ ").count() >= 2, "{row}");
        }
    }
}

#[test]
fn a_row_marks_the_clause_and_the_value() {
    let snapshot = crate::support::edited("\"length\": 9", "\"length\": 41");
    let page = harbour(snapshot, &["--format", "html", "--only", "HB-LEN-01"]).stdout;
    for part in [
        "<figcaption>policies/harbour.cedar:",
        "<mark>resource.length &#60;= resource.pier.length</mark>\n",
        "<em>└ this is false</em>",
        "<figcaption>snapshot.json:",
        "<mark>41</mark>, &#34;light&#34;: <mark>&#34;green&#34;</mark> }\n",
        "<em>└ length is 41</em>",
        "<em>└ length of Pier::&#34;east&#34; is 40</em>",
        "<p class=\"remedy\"><b>Remediation</b> Move it to a longer pier. <a href=\"https://harbour.example/rules#length\"",
    ] {
        assert!(page.contains(part), "{part} in\n{page}");
    }
}

#[test]
fn no_text_of_an_input_is_markup() {
    let hostile_policies = replaced(
        POLICIES,
        "@title(\"A lit boat is no longer than its pier\")",
        "@title(\"</script><script>alert(1)</script>\")",
    );
    let policies = replaced(&hostile_policies, "https://harbour.example/rules#length", "javascript:alert(1)");
    let snapshot = replaced(&hostile(), "<script>alert(1)</script>", "</noscript><script>alert(1)</script><!--");
    let page = harbour_by(SCHEMA, &policies, snapshot, &["--format", "html", "--verbose"]).stdout;
    let tags = tags(&page);
    assert_eq!(tags.iter().filter(|(name, _)| name == "script").count(), 1);
    for link in tags.iter().filter_map(|tag| attribute(tag, "href")) {
        let is_safe = link == "data:," || link.starts_with(['#']) || link.starts_with("https://");
        assert!(is_safe, "{link}");
    }
    for shown in
        ["&#60;/noscript&#62;&#60;script&#62;alert(1)", "&#60;/script&#62;&#60;script&#62;alert(1)", "\\u{202e}evil"]
    {
        assert!(page.contains(shown), "{shown}");
    }
    // A problem of an input is shown as the input has it.
    let page = harbour("{\"name\": \"Anse\",\n\"piers\": [<script>]}", &["--format", "html"]);
    assert_eq!(page.code, 5);
    self::tags(&page.stdout);
    assert!(page.stdout.contains("<h1 class=\"fail\">Invalid inputs</h1>"));
}

#[test]
fn the_page_loads_nothing_and_allows_only_its_own_style_and_script() {
    let page = example("acme", "html").stdout;
    let tags = tags(&page);
    let policy = tags.iter().find(|tag| attribute(tag, "http-equiv") == Some("Content-Security-Policy"));
    let policy = policy.and_then(|tag| attribute(tag, "content")).expect("it has a policy");
    let hash = |element: &str| {
        let text =
            page.split(&format!("<{element}>")).nth(1).and_then(|rest| rest.split(&format!("</{element}>")).next());
        let hash = data_encoding::BASE64.encode(&Sha256::digest(text.expect("it has the element")));
        format!("{element}-src 'sha256-{hash}'")
    };
    let expected = format!(
        "default-src 'none'; img-src data:; {}; {}; base-uri 'none'; form-action 'none'",
        hash("style"),
        hash("script")
    );
    assert_eq!(policy, expected);
    for name in ["src", "srcset", "action", "style", "onclick"] {
        assert!(tags.iter().all(|tag| attribute(tag, name).is_none()), "{name}");
    }
    assert!(!page.contains("@import") && !page.contains("url(") && !page.contains("fetch("));
}

#[test]
fn every_identifier_of_a_page_is_unique_and_every_link_in_it_has_a_target() {
    // Two accounts with one id have findings with the same fingerprints.
    let line = |text: &str| format!("{}\n", serde_json::from_str::<Value>(text).expect("it is JSON"));
    let long = crate::support::edited("\"length\": 9", "\"length\": 41");
    let files = [
        ("harbour.cedarschema", SCHEMA.as_bytes()),
        ("policies/harbour.cedar", POLICIES.as_bytes()),
        ("fleet.ndjson", &[line(&long), line(&long)].concat().into_bytes()),
    ];
    let arguments = [
        "check",
        "fleet.ndjson",
        "--schema",
        "harbour.cedarschema",
        "--policies",
        "policies",
        "--now",
        NOW,
        "--format",
        "html",
    ];
    let twice = crate::support::deodar(&files, &arguments);
    let pages =
        [twice, example("acme", "html"), example("half-captured", "html"), harbour(SOUND, &["--format", "html"])];
    for page in pages {
        let tags = tags(&page.stdout);
        let mut ids = BTreeSet::new();
        for id in tags.iter().filter_map(|tag| attribute(tag, "id")) {
            assert!(ids.insert(id), "{id} twice");
        }
        for link in tags.iter().filter_map(|tag| attribute(tag, "href")?.strip_prefix('#')) {
            assert!(ids.contains(link), "#{link}");
        }
    }
}

/// Returns the cells of each row of a table, by the text of its first cell.
fn table(page: &str, id: &str) -> BTreeMap<String, Vec<String>> {
    let section = page.split(&format!("<section id=\"{id}\"")).nth(1).expect("it has the section");
    let section = section.split("</section>").next().expect("a part");
    let text = |cell: &str| {
        let parts = cell.split('<').map(|part| part.split_once('>').map_or("", |(_, text)| text));
        parts.collect::<String>().trim().to_owned()
    };
    let row = |row: &str| {
        let mut cells = row.split("<t").skip(1).filter(|cell| !cell.starts_with(['r', 'b'])).map(text);
        Some((cells.next()?, cells.collect()))
    };
    section.split("<tr").skip(1).filter_map(row).collect()
}

#[test]
fn an_unknown_verdict_is_not_counted_as_passed() {
    let arguments =
        ["check", "examples/half-captured/snapshot.json", "--now", NOW, "--allow-unknown", "--fail-on", "critical"];
    let run = |format: &str| -> Run {
        command(repository()).args(arguments).args(["--format", format]).output().expect("the binary is built").into()
    };
    let (page, report) = (run("html").stdout, run("json").json());
    assert!(!page.contains("<h1 class=\"pass\">"));
    let verdicts = ["fail", "unknown", "not_applicable", "pass"];
    let mut by_file = [0; 4];
    let files = table(&page, "policies");
    for cells in files.iter().filter(|(name, _)| name.ends_with(".cedar")).map(|(_, cells)| cells) {
        (0..4).for_each(|at| by_file[at] += cells[at + 1].parse::<u64>().expect("a number"));
    }
    assert_eq!(by_file.map(Value::from), verdicts.map(|verdict| report["summary"]["verdicts"][verdict].clone()));
    let controls = table(&page, "controls");
    assert!(controls.len() > 50);
    for (control, cells) in controls.iter().filter(|(_, cells)| cells.len() == 6 && cells[0] != "Result") {
        let expected = match (&*cells[1], &*cells[2], &*cells[4]) {
            ("0", "0", pass) if pass != "0" => "passed",
            ("0", _, "0") => "not judged",
            ("0", _, _) => "partial",
            _ => "failed",
        };
        assert_eq!(cells[0], expected, "{control} {cells:?}");
    }
}

#[test]
fn controls_have_the_same_results_as_in_the_table_of_a_framework() {
    for framework in ["cis-v8", "soc2"] {
        let by = format!("framework={framework}");
        let arguments =
            ["check", "examples/half-captured/snapshot.json", "--now", NOW, "--by", &by, "--format", "json"];
        let run: Run = command(repository()).args(arguments).output().expect("the binary is built").into();
        let page = example("half-captured", "html").stdout;
        let of_framework = page.split(&format!("<summary><b>{framework}</b>")).nth(1).expect("it has the framework");
        let of_framework = format!("<section id=\"x\"{}", of_framework.split("</details>").next().expect("a part"));
        let table = table(&of_framework, "x");
        let expected = run.json();
        let expected = expected["by_control"]["controls"].as_array().expect("controls");
        assert_eq!(table.len(), expected.len() + 1);
        for control in expected {
            let name = control["control"].as_str().expect("a text");
            let standing = control["standing"].as_str().expect("a text").replace('_', " ");
            assert_eq!(table[name][0], standing, "{name}");
        }
    }
}

#[test]
fn reports_of_earlier_versions_do_not_state_the_file_of_a_check() {
    let mut report = example("small", "json").json();
    report["version"] = "2.1".into();
    for check in report["checks"].as_array_mut().expect("checks") {
        check.as_object_mut().expect("an object").remove("policy");
    }
    let text = report.to_string();
    let page =
        crate::support::deodar(&[("report.json", text.as_bytes())], &["render", "report.json", "--output", "html"]);
    assert!(page.stdout.contains("<code>not stated in this report</code>"), "{}", page.stderr);
}

#[test]
fn templates_escape_everything_but_their_own_parts() {
    let folder = repository().join("src/render/html");
    let templates = std::fs::read_dir(folder).expect("there are templates");
    let mut unescaped = BTreeSet::new();
    for path in templates.map(|entry| entry.expect("it can be listed").path()) {
        if path.extension().is_some_and(|extension| extension == "html") {
            let text = std::fs::read_to_string(&path).expect("it is text");
            let places = text.split("{{").skip(1).map(|rest| rest.split("}}").next().expect("a part").trim());
            unescaped.extend(places.filter(|place| place.contains("safe") || place.contains('|')).map(str::to_owned));
            assert!(!text.contains("{% autoescape") && !text.contains("{% filter"));
        }
    }
    let expected = [
        "script.text|safe",
        "self.link(id)|safe",
        "self.link(waiver.check)|safe",
        "self.row(row)|safe",
        "style.text|safe",
    ];
    assert_eq!(unescaped.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn the_configuration_and_the_settings_that_weaken_the_gate_are_on_the_page() {
    let configuration = "schema = \"harbour.cedarschema\"\npolicies = [\"policies\"]\nfail-on = \"critical\"\n";
    let folder = crate::support::folder(&[
        ("harbour.cedarschema", SCHEMA.as_bytes()),
        ("policies/harbour.cedar", POLICIES.as_bytes()),
        ("snapshot.json", SOUND.as_bytes()),
        ("deodar.toml", configuration.as_bytes()),
    ]);
    let arguments = ["check", "snapshot.json", "--now", NOW, "--config", "deodar.toml"];
    let run = |format: &str| -> Run {
        command(folder.path()).args(arguments).args(["--format", format]).output().expect("the binary is built").into()
    };
    let (page, report) = (run("html").stdout, run("json").json());
    tags(&page);
    let configuration = &report["run"]["configuration"];
    assert!(page.contains(configuration["sha256"].as_str().expect("a text")), "{page}");
    let weakens = configuration["weakens"].as_array().expect("a list");
    assert!(!weakens.is_empty());
    for weakening in weakens {
        let setting = weakening["setting"].as_str().expect("a text");
        assert!(page.contains(&format!("<em>└ {setting}: ")), "{setting} in {page}");
    }
}

#[test]
fn changes_since_a_baseline_are_on_the_page() {
    let long = crate::support::edited("\"length\": 9", "\"length\": 41");
    let folder = crate::support::folder(&[
        ("harbour.cedarschema", SCHEMA.as_bytes()),
        ("policies/harbour.cedar", POLICIES.as_bytes()),
        ("snapshot.json", long.as_bytes()),
    ]);
    let run = |more: &[&str]| -> Run {
        command(folder.path()).args(crate::support::HARBOUR).args(more).output().expect("the binary is built").into()
    };
    assert_eq!(run(&["--output", "json=base.json"]).code, 1);
    let page = run(&["--baseline", "base.json", "--format", "html"]);
    assert_eq!(page.code, 0, "{}", page.stderr);
    tags(&page.stdout);
    for part in [
        "<h1 class=\"unknown\">Nothing new or worse</h1>",
        "data-change=\"unchanged\"",
        "<b class=\"change\">unchanged</b>",
        "the baseline covers 1 unchanged failure",
        "base.json, as of ",
    ] {
        assert!(page.stdout.contains(part), "{part} in {}", page.stdout);
    }
}
